/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Making, asking for and deleting sets: each row of the tables that real storage can show.
 */

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <wchar.h>

#include "api/storage/storage.h"
#include "base/alloc.h"
#include "base/fd-util.h"
#include "base/utf.h"
#include "phases/actors.h"
#include "wire/wire-limits.h"

static World *world;
static const VSS_ID nobody = { 1, 2, 3, { 4 } };

static int setup(void **state) {
        world = world_new();
        return 0;
}

static int teardown(void **state) {
        world = world_free(world);
        return 0;
}

static HRESULT add(IVssBackupComponentsEx4 *b, const char *volume, VSS_ID provider) {
        VSS_ID id;
        HRESULT hr;

        memset(&id, 1, sizeof(id));
        hr = IVssBackupComponentsEx4_AddToSnapshotSet(b, wide(volume), provider, &id);
        if (FAILED(hr))
                assert_memory_equal(&id, &GUID_NULL, sizeof(id));
        return hr;
}

static HRESULT create(IVssBackupComponentsEx4 *b) {
        IVssAsync *async = NULL;
        HRESULT hr;

        hr = IVssBackupComponentsEx4_DoSnapshotSet(b, &async);
        return FAILED(hr) ? hr : storage_end(async);
}

static IVssBackupComponentsEx4 *started(LONG context) {
        IVssBackupComponentsEx4 *b = storage_backup(context);
        VSS_ID id;

        assert_int_equal(IVssBackupComponentsEx4_StartSnapshotSet(b, &id), S_OK);
        return b;
}

static void test_that_one_set_is_made_at_a_time(void **state) {
        IVssBackupComponentsEx4 *b = storage_object(), *other;
        VSS_ID id;

        ASSERT_RETURNS(IVssBackupComponents, StartSnapshotSet, VSS_E_BAD_STATE,
                       IVssBackupComponentsEx4_StartSnapshotSet(b, &id));
        assert_memory_equal(&id, &GUID_NULL, sizeof(id));
        storage_release(b);

        b = storage_backup(VSS_CTX_FILE_SHARE_BACKUP);
        ASSERT_RETURNS(IVssBackupComponents, StartSnapshotSet, E_INVALIDARG,
                       IVssBackupComponentsEx4_StartSnapshotSet(b, NULL));
        ASSERT_RETURNS(IVssBackupComponents, StartSnapshotSet, S_OK,
                       IVssBackupComponentsEx4_StartSnapshotSet(b, &id));
        assert_int_equal(IVssBackupComponentsEx4_StartSnapshotSet(b, &id), VSS_E_BAD_STATE);

        other = storage_backup(VSS_CTX_FILE_SHARE_BACKUP);
        ASSERT_RETURNS(IVssBackupComponents, StartSnapshotSet, VSS_E_SNAPSHOT_SET_IN_PROGRESS,
                       IVssBackupComponentsEx4_StartSnapshotSet(other, &id));
        assert_int_equal(add(b, world->volume, fake_provider), S_OK);
        assert_int_equal(IVssBackupComponentsEx4_StartSnapshotSet(other, &id),
                         VSS_E_SNAPSHOT_SET_IN_PROGRESS);
        assert_int_equal(create(b), VSS_S_ASYNC_FINISHED);
        assert_int_equal(IVssBackupComponentsEx4_StartSnapshotSet(other, &id), S_OK);
        REACHES_RULE(IVssBackupComponents, "StartSnapshotSet", "machine-wide serialisation");
        storage_release(other);
        storage_release(b);

        b = storage_backup((LONG) VSS_CTX_ALL);
        assert_int_equal(IVssBackupComponentsEx4_StartSnapshotSet(b, &id), VSS_E_BAD_STATE);
        storage_release(b);
        world_assert_clean(world);
}

static void test_that_only_what_can_be_copied_is_added(void **state) {
        _cleanup_(freep) char *file = path_in(world->volume, "data/file"), *trailing = NULL;
        IVssBackupComponentsEx4 *b = storage_backup(VSS_CTX_FILE_SHARE_BACKUP);
        VSS_ID id;
        const struct {
                const char *volume;
                const VSS_ID *provider;
                HRESULT hr;
        } cases[] = {
                { "",                                                      &fake_provider,       E_INVALIDARG },
                { "relative",                                              &fake_provider,       E_INVALIDARG },
                { "\\\\?\\Volume{nonsense}\\",                             &fake_provider,       E_INVALIDARG },
                { "/nowhere/",                                             &fake_provider,       VSS_E_OBJECT_NOT_FOUND },
                { "\\\\server\\share\\",                                   &fake_provider,       VSS_E_OBJECT_NOT_FOUND },
                { "\\\\?\\Volume{12345678-0000-0000-0000-000000000000}\\", &fake_provider,       VSS_E_OBJECT_NOT_FOUND },
                { "/proc/",                                                &GUID_NULL,           VSS_E_VOLUME_NOT_SUPPORTED },
                { file,                                                    &GUID_NULL,           VSS_E_VOLUME_NOT_SUPPORTED },
                { world->volume,                                           &nobody,              VSS_E_PROVIDER_NOT_REGISTERED },
        };

        ASSERT_RETURNS(IVssBackupComponents, AddToSnapshotSet, VSS_E_BAD_STATE,
                       add(b, world->volume, fake_provider));
        assert_int_equal(IVssBackupComponentsEx4_StartSnapshotSet(b, &id), S_OK);
        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                HRESULT hr = add(b, cases[i].volume, *cases[i].provider);

                if (hr != cases[i].hr)
                        fail_msg("'%s': 0x%08x %s", cases[i].volume, (unsigned) hr, umbra_last_error());
        }
        REACHES_RETURN(IVssBackupComponents, AddToSnapshotSet, "VSS_E_OBJECT_NOT_FOUND");
        REACHES_RETURN(IVssBackupComponents, AddToSnapshotSet, "VSS_E_VOLUME_NOT_SUPPORTED");
        REACHES_RETURN(IVssBackupComponents, AddToSnapshotSet, "VSS_E_PROVIDER_NOT_REGISTERED");
        REACHES_RULE(IVssBackupComponents, "AddToSnapshotSet", "UNC server part must be host name");
        ASSERT_RETURNS(IVssBackupComponents, AddToSnapshotSet, E_INVALIDARG,
                       IVssBackupComponentsEx4_AddToSnapshotSet(b, NULL, fake_provider, &id));
        assert_int_equal(
                IVssBackupComponentsEx4_AddToSnapshotSet(b, wide(world->volume), fake_provider, NULL),
                E_INVALIDARG);

        world_script(world, "probe = fail EOPNOTSUPP");
        ASSERT_RETURNS(IVssBackupComponents, AddToSnapshotSet, VSS_E_VOLUME_NOT_SUPPORTED_BY_PROVIDER,
                       add(b, world->volume, fake_provider));
        world_script(world, "probe = fail EIO");
        ASSERT_RETURNS(IVssBackupComponents, AddToSnapshotSet, VSS_E_PROVIDER_VETO,
                       add(b, world->volume, fake_provider));
        world_script(world, "probe = kill");
        ASSERT_RETURNS(IVssBackupComponents, AddToSnapshotSet, VSS_E_UNEXPECTED_PROVIDER_ERROR,
                       add(b, world->volume, fake_provider));
        storage_release(b);
        world_script(world, NULL);

        /* Both separators and a last one, and once only. */
        b = started(VSS_CTX_FILE_SHARE_BACKUP);
        assert_int_equal(format_to(&trailing, "%s/", world->volume), 0);
        for (char *p = trailing; *p; ++p)
                if (*p == '/')
                        *p = '\\';
        ASSERT_RETURNS(IVssBackupComponents, AddToSnapshotSet, S_OK, add(b, trailing, fake_provider));
        assert_int_equal(add(b, world->volume, fake_provider), VSS_E_OBJECT_ALREADY_EXISTS);
        REACHES_RULE(IVssBackupComponents, "AddToSnapshotSet", "name must end in a backslash");
        assert_int_equal(create(b), VSS_S_ASYNC_FINISHED);
        assert_int_equal(add(b, world->volume, fake_provider), VSS_E_BAD_STATE);
        REACHES_RULE(IVssBackupComponents, "AddToSnapshotSet",
                     "only between StartSnapshotSet and DoSnapshotSet");
        REACHES_RULE(IVssBackupComponents, "DoSnapshotSet", "no volume can be added afterwards");
        storage_release(b);
        world_assert_clean(world);
}

static void test_that_a_set_has_an_end(void **state) {
        _cleanup_(freep) char *many = path_in(world->dir, "many");
        IVssBackupComponentsEx4 *b = started(VSS_CTX_FILE_SHARE_BACKUP);
        _cleanup_(freep) char *last = NULL;

        for (unsigned i = 0; i < WIRE_VOLUMES_MAX; ++i) {
                _cleanup_(freep) char *name = NULL, *path = NULL;

                assert_int_equal(format_to(&name, "many/%u", i), 0);
                path = path_in(world->dir, name);
                assert_int_equal(mkdir_p(path, 0755), 0);
                assert_int_equal(add(b, path, fake_provider), S_OK);
        }
        last = path_in(many, "last");
        assert_int_equal(mkdir(last, 0755), 0);
        ASSERT_RETURNS(IVssBackupComponents, AddToSnapshotSet, VSS_E_MAXIMUM_NUMBER_OF_VOLUMES_REACHED,
                       add(b, last, fake_provider));
        REACHES_RULE(IVssBackupComponents, "AddToSnapshotSet", "at most 64 volumes per set");
        assert_int_equal(create(b), VSS_S_ASYNC_FINISHED);
        storage_release(b);
        world_assert_clean(world);
}

static void test_that_a_set_is_made_as_a_whole_or_not_at_all(void **state) {
        static const struct {
                const char *script, *symbol;
                HRESULT hr;
        } cases[] = {
                { "plan = fail EIO",              NULL,                              VSS_E_PROVIDER_VETO             },
                { "prepare.2 = fail ENOSPC",      "VSS_E_INSUFFICIENT_STORAGE",      VSS_E_INSUFFICIENT_STORAGE      },
                { "commit.2 = fail EIO",          "VSS_E_PROVIDER_VETO",             VSS_E_PROVIDER_VETO             },
                { "commit.2 = kill",              "VSS_E_UNEXPECTED_PROVIDER_ERROR", VSS_E_UNEXPECTED_PROVIDER_ERROR },
                { "surface.2 = fail ENOSPC after", NULL,                             VSS_E_INSUFFICIENT_STORAGE      },
        };
        _cleanup_(freep) char *second = path_in(world->dir, "second");

        assert_int_equal(mkdir_p(second, 0755), 0);
        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                IVssBackupComponentsEx4 *b = started(VSS_CTX_NAS_ROLLBACK);
                HRESULT hr;

                assert_int_equal(add(b, world->volume, fake_provider), S_OK);
                assert_int_equal(add(b, second, fake_provider), S_OK);
                world_script(world, cases[i].script);
                hr = create(b);
                if (hr != cases[i].hr)
                        fail_msg("%s: 0x%08x %s", cases[i].script, (unsigned) hr, umbra_last_error());
                if (cases[i].symbol)
                        reference_reach_return("IVssBackupComponents", "DoSnapshotSet", cases[i].symbol);
                world_script(world, NULL);
                assert_int_equal(create(b), VSS_E_BAD_STATE);
                storage_release(b);
                world_assert_clean(world);
        }
        REACHES_RULE(IVssBackupComponents, "DoSnapshotSet", "no partial commit");
        REACHES_RULE(IVssBackupComponents, "DoSnapshotSet",
                     "every code listed for the method may also arrive through");
}

static void test_that_different_providers_make_one_set(void **state) {
        _cleanup_(freep) char *second = path_in(world->dir, "second");
        IVssBackupComponentsEx4 *b = storage_backup(VSS_CTX_NAS_ROLLBACK);
        VSS_ID set_id, ids[2];
        IVssAsync *async = NULL;
        VSS_SNAPSHOT_PROP first, other;
        BSTR xml = NULL;

        assert_int_equal(mkdir_p(second, 0755), 0);
        assert_int_equal(IVssBackupComponentsEx4_StartSnapshotSet(b, &set_id), S_OK);
        assert_int_equal(
                IVssBackupComponentsEx4_AddToSnapshotSet(b, wide(world->volume), fake_provider, &ids[0]),
                S_OK);
        assert_int_equal(
                IVssBackupComponentsEx4_AddToSnapshotSet(b, wide(second), files_copy_provider, &ids[1]),
                S_OK);
        ASSERT_RETURNS(IVssBackupComponents, DoSnapshotSet, E_INVALIDARG,
                       IVssBackupComponentsEx4_DoSnapshotSet(b, NULL));
        ASSERT_RETURNS(IVssBackupComponents, DoSnapshotSet, S_OK,
                       IVssBackupComponentsEx4_DoSnapshotSet(b, &async));
        assert_int_equal(storage_end(async), VSS_S_ASYNC_FINISHED);
        first = storage_properties(ids[0]);
        other = storage_properties(ids[1]);
        assert_memory_equal(&first.m_ProviderId, &fake_provider, sizeof(VSS_ID));
        assert_memory_equal(&other.m_ProviderId, &files_copy_provider, sizeof(VSS_ID));
        assert_memory_equal(&first.m_SnapshotSetId, &set_id, sizeof(VSS_ID));
        assert_memory_equal(&other.m_SnapshotSetId, &set_id, sizeof(VSS_ID));
        assert_true(first.m_tsCreationTimestamp == other.m_tsCreationTimestamp);
        VssFreeSnapshotProperties(&first);
        VssFreeSnapshotProperties(&other);
        REACHES_RULE(IVssBackupComponents, "AddToSnapshotSet",
                     "different volumes of a set may use different providers");
        REACHES_RULE(IVssBackupComponents, "DoSnapshotSet", "commits all shadow copies of the set together");
        REACHES_RULE(IVssBackupComponents, "StartSnapshotSet", "creates an empty set");

        /* The document has the ids; nobody is asked for them. */
        assert_int_equal(IVssBackupComponentsEx4_SaveAsXML(b, &xml), S_OK);
        for (size_t i = 0; i < 2; ++i) {
                WCHAR text[64];

                assert_true(StringFromGUID2(&ids[i], text, ELEMENTSOF(text)) > 0);
                text[wcslen(text) - 1] = L'\0';
                for (WCHAR *p = text; *p; ++p)
                        if (*p >= L'A' && *p <= L'F')
                                *p += L'a' - L'A';
                assert_non_null(wcsstr(xml, text + 1));
        }
        SysFreeString(xml);
        REACHES_RULE(IVssBackupComponents, "AddToSnapshotSet",
                     "returned snapshot id is stored in the Backup Components Document");
        storage_release(b);
        storage_delete(set_id, VSS_OBJECT_SNAPSHOT_SET);
        world_assert_clean(world);
}

static void test_that_the_context_says_what_is_needed(void **state) {
        IVssBackupComponentsEx4 *b = storage_object();
        IVssAsync *async = NULL;
        VSS_ID id;

        ASSERT_RETURNS(IVssBackupComponents, DoSnapshotSet, VSS_E_BAD_STATE,
                       IVssBackupComponentsEx4_DoSnapshotSet(b, &async));
        storage_release(b);

        /* With writers: they are gathered and prepared first, and a set without volumes will do. */
        b = storage_backup(VSS_CTX_BACKUP);
        assert_int_equal(IVssBackupComponentsEx4_SetBackupState(b, false, false, VSS_BT_COPY, false), S_OK);
        assert_int_equal(IVssBackupComponentsEx4_GatherWriterMetadata(b, &async), S_OK);
        assert_int_equal(storage_end(async), VSS_S_ASYNC_FINISHED);
        async = NULL;
        assert_int_equal(IVssBackupComponentsEx4_PrepareForBackup(b, &async), VSS_E_BAD_STATE);
        assert_int_equal(IVssBackupComponentsEx4_StartSnapshotSet(b, &id), S_OK);
        assert_int_equal(create(b), VSS_E_BAD_STATE);
        assert_int_equal(IVssBackupComponentsEx4_PrepareForBackup(b, &async), S_OK);
        REACHES_RULE(IVssBackupComponents, "StartSnapshotSet",
                     "during backup must be called before PrepareForBackup");
        assert_int_equal(storage_end(async), VSS_S_ASYNC_FINISHED);
        assert_int_equal(IVssBackupComponentsEx4_StartSnapshotSet(b, &id), VSS_E_BAD_STATE);
        assert_int_equal(create(b), VSS_S_ASYNC_FINISHED);
        REACHES_RULE(IVssBackupComponents, "AddToSnapshotSet", "an empty set (no volume) is acceptable");
        REACHES_RULE(IVssBackupComponents, "DoSnapshotSet",
                     "after StartSnapshotSet, AddToSnapshotSet and (writer contexts)");
        storage_release(b);

        /* It may be skipped. */
        b = storage_backup(VSS_CTX_BACKUP);
        assert_int_equal(IVssBackupComponentsEx4_SetBackupState(b, false, false, VSS_BT_COPY, false), S_OK);
        assert_int_equal(IVssBackupComponentsEx4_GatherWriterMetadata(b, &async), S_OK);
        assert_int_equal(storage_end(async), VSS_S_ASYNC_FINISHED);
        assert_int_equal(IVssBackupComponentsEx4_StartSnapshotSet(b, &id), S_OK);
        assert_int_equal(IVssBackupComponentsEx4_PrepareForBackup(b, &async), S_OK);
        assert_int_equal(storage_end(async), VSS_S_ASYNC_FINISHED);
        assert_int_equal(IVssBackupComponentsEx4_BackupComplete(b, &async), S_OK);
        assert_int_equal(storage_end(async), VSS_S_ASYNC_FINISHED);
        REACHES_RULE(IVssBackupComponents, "DoSnapshotSet", "may be skipped when no file set");
        storage_release(b);
}

static void test_that_writers_are_told_in_their_contexts_only(void **state) {
        Actor *writer = actor_writer("told", world->volume, NULL), *requester;
        VSS_ID id = storage_make(world);

        assert_false(actor_has_said(writer, "PrepareSnapshot"));
        assert_false(actor_has_said(writer, "Freeze"));
        storage_delete(id, VSS_OBJECT_SNAPSHOT);

        requester = actor_requester(world->volume, NULL);
        actor_await(requester, "Done");
        actor_await(writer, "PrepareSnapshot");
        actor_await_after(writer, "PrepareSnapshot", "Freeze");
        actor_await_after(writer, "Freeze", "Thaw");
        actor_await_after(writer, "Thaw", "PostSnapshot");
        REACHES_RULE(IVssBackupComponents, "DoSnapshotSet",
                     "raises PrepareForSnapshot, Freeze, Thaw, PostSnapshot");
        actor_free(requester);
        actor_free(writer);
        world_assert_clean(world);
}

static HRESULT delete_of(VSS_ID id, VSS_OBJECT_TYPE type, LONG *ret_deleted, VSS_ID *ret_nondeleted) {
        IVssBackupComponentsEx4 *b = storage_object();
        HRESULT hr;

        *ret_deleted = 77;
        hr = IVssBackupComponentsEx4_DeleteSnapshots(b, id, type, FALSE, ret_deleted, ret_nondeleted);
        storage_release(b);
        return hr;
}

static VSS_ID make_three(VSS_ID ids[3]) {
        _cleanup_(freep) char *second = path_in(world->dir, "second"), *third = path_in(world->dir, "third");
        IVssBackupComponentsEx4 *b = storage_backup(VSS_CTX_NAS_ROLLBACK);
        char *volumes[3] = { world->volume, second, third };
        VSS_ID set_id;

        assert_int_equal(mkdir_p(second, 0755), 0);
        assert_int_equal(mkdir_p(third, 0755), 0);
        storage_make_set(b, volumes, 3, fake_provider, &set_id, ids);
        storage_release(b);
        return set_id;
}

/* A device that is open cannot be removed. */
static void test_that_what_somebody_reads_is_deleted_for_everybody_else(void **state) {
        VSS_ID ids[3], set_id = make_three(ids), nondeleted;
        IVssBackupComponentsEx4 *b;
        VSS_SNAPSHOT_PROP prop;
        LONG deleted;

        world_script(world, "discard = fail EBUSY");
        assert_int_equal(delete_of(set_id, VSS_OBJECT_SNAPSHOT_SET, &deleted, &nondeleted), S_OK);
        assert_int_equal(deleted, 3);
        b = storage_backup((LONG) VSS_CTX_ALL);
        assert_int_equal(IVssBackupComponentsEx4_GetSnapshotProperties(b, ids[0], &prop), VSS_E_OBJECT_NOT_FOUND);
        storage_release(b);

        world_script(world, NULL); /* now he has read enough */
        world_assert_clean(world);
}

static void test_that_deleting_stops_where_it_fails(void **state) {
        VSS_ID ids[3], set_id = make_three(ids), nondeleted;
        IVssBackupComponentsEx4 *b;
        VSS_SNAPSHOT_PROP prop;
        LONG deleted;

        assert_int_equal(delete_of(ids[0], VSS_OBJECT_NONE, &deleted, &nondeleted), E_INVALIDARG);
        ASSERT_RETURNS(IVssBackupComponents, DeleteSnapshots, E_INVALIDARG,
                       delete_of(ids[0], VSS_OBJECT_PROVIDER, &deleted, &nondeleted));
        REACHES_RULE(IVssBackupComponents, "DeleteSnapshots", "eSourceObjectType is VSS_OBJECT_SNAPSHOT");
        ASSERT_RETURNS(IVssBackupComponents, DeleteSnapshots, VSS_E_OBJECT_NOT_FOUND,
                       delete_of(nobody, VSS_OBJECT_SNAPSHOT, &deleted, &nondeleted));
        assert_int_equal(delete_of(nobody, VSS_OBJECT_SNAPSHOT_SET, &deleted, &nondeleted),
                         VSS_E_OBJECT_NOT_FOUND);
        assert_int_equal(deleted, 0);
        assert_memory_equal(&nondeleted, &GUID_NULL, sizeof(VSS_ID));

        world_script(world, "discard = fail EIO");
        ASSERT_RETURNS(IVssBackupComponents, DeleteSnapshots, VSS_E_PROVIDER_VETO,
                       delete_of(set_id, VSS_OBJECT_SNAPSHOT_SET, &deleted, &nondeleted));
        assert_int_equal(deleted, 0);
        assert_memory_equal(&nondeleted, &ids[0], sizeof(VSS_ID));
        b = storage_backup((LONG) VSS_CTX_ALL);
        assert_int_equal(IVssBackupComponentsEx4_GetSnapshotProperties(b, ids[1], &prop),
                         S_OK); /* nobody touched the others */
        VssFreeSnapshotProperties(&prop);
        storage_release(b);

        world_script(world, "discard = kill");
        ASSERT_RETURNS(IVssBackupComponents, DeleteSnapshots, VSS_E_UNEXPECTED_PROVIDER_ERROR,
                       delete_of(ids[1], VSS_OBJECT_SNAPSHOT, &deleted, &nondeleted));
        assert_memory_equal(&nondeleted, &ids[1], sizeof(VSS_ID));
        REACHES_RULE(IVssBackupComponents, "DeleteSnapshots", "set members are deleted one after another");
        REACHES_RULE(IVssBackupComponents, "DeleteSnapshots", "page lists no VSS_E_BAD_STATE");

        world_script(world, NULL);
        ASSERT_RETURNS(IVssBackupComponents, DeleteSnapshots, S_OK,
                       delete_of(set_id, VSS_OBJECT_SNAPSHOT_SET, &deleted, &nondeleted));
        assert_int_equal(deleted, 1); /* the third; those that failed are tried again by themselves, and at the next start */
        assert_memory_equal(&nondeleted, &GUID_NULL, sizeof(VSS_ID));
        world_kill_umbrad(world);
        world_start_umbrad(world);
        world_assert_clean(world);

        set_id = make_three(ids);
        b = storage_backup((LONG) VSS_CTX_ALL);
        assert_int_equal(IVssBackupComponentsEx4_DeleteSnapshots(b, set_id, VSS_OBJECT_SNAPSHOT_SET, TRUE,
                                                                 &deleted, &nondeleted),
                         S_OK);
        assert_int_equal(deleted, 3);
        storage_release(b);
        REACHES_RULE(IVssBackupComponents, "DeleteSnapshots", "usable with context VSS_CTX_ALL");
        world_assert_clean(world);
}

static void *delete_in_thread(void *arg) {
        LONG deleted;
        VSS_ID nondeleted;

        /* Who is second finds nothing. */
        return (void *) (intptr_t) delete_of(*(VSS_ID *) arg, VSS_OBJECT_SNAPSHOT, &deleted, &nondeleted);
}

static void test_that_two_may_delete_the_same(void **state) {
        VSS_ID id = storage_make(world);
        pthread_t threads[2];
        unsigned n_deleted = 0;

        for (size_t i = 0; i < 2; ++i)
                assert_int_equal(pthread_create(&threads[i], NULL, delete_in_thread, &id), 0);
        for (size_t i = 0; i < 2; ++i) {
                void *result;

                assert_int_equal(pthread_join(threads[i], &result), 0);
                if ((HRESULT) (intptr_t) result == S_OK)
                        ++n_deleted;
                else
                        assert_int_equal((HRESULT) (intptr_t) result, VSS_E_OBJECT_NOT_FOUND);
        }
        assert_true(n_deleted >= 1);
        REACHES_RULE(IVssBackupComponents, "DeleteSnapshots", "requester serialises delete operations");
        world_assert_clean(world);
}

static void test_that_what_goes_by_itself_need_not_be_deleted(void **state) {
        IVssBackupComponentsEx4 *b = started(VSS_CTX_FILE_SHARE_BACKUP);
        VSS_ID id, nondeleted;
        LONG deleted;

        assert_int_equal(
                IVssBackupComponentsEx4_AddToSnapshotSet(b, wide(world->volume), fake_provider, &id), S_OK);
        assert_int_equal(create(b), VSS_S_ASYNC_FINISHED);
        storage_release(b);
        world_assert_clean(world);
        assert_int_equal(delete_of(id, VSS_OBJECT_SNAPSHOT, &deleted, &nondeleted), VSS_E_OBJECT_NOT_FOUND);
        REACHES_RULE(IVssBackupComponents, "DeleteSnapshots", "auto-release shadow copies vanish");

        /* But it may be, while its requester lives. */
        b = started(VSS_CTX_FILE_SHARE_BACKUP);
        assert_int_equal(
                IVssBackupComponentsEx4_AddToSnapshotSet(b, wide(world->volume), fake_provider, &id), S_OK);
        assert_int_equal(create(b), VSS_S_ASYNC_FINISHED);
        assert_int_equal(IVssBackupComponentsEx4_DeleteSnapshots(b, id, VSS_OBJECT_SNAPSHOT, TRUE, &deleted,
                                                                 &nondeleted),
                         S_OK);
        assert_int_equal(deleted, 1);
        REACHES_RULE(IVssBackupComponents, "DeleteSnapshots",
                     "for auto-release sets only useful in error handling");
        storage_release(b);
        world_assert_clean(world);
}

static unsigned count(IVssBackupComponentsEx4 *b, VSS_OBJECT_TYPE type) {
        IVssEnumObject *list = NULL;
        unsigned n_found = 0;
        VSS_OBJECT_PROP prop;
        ULONG n;

        ASSERT_RETURNS(IVssBackupComponents, Query, S_OK,
                       IVssBackupComponentsEx4_Query(b, GUID_NULL, VSS_OBJECT_NONE, type, &list));
        while (IVssEnumObject_Next(list, 1, &prop, &n) == S_OK) {
                ++n_found;
                assert_int_equal(prop.Type, type);
                if (type == VSS_OBJECT_SNAPSHOT) {
                        assert_int_equal(prop.Obj.Snap.m_eStatus, VSS_SS_CREATED);
                        VssFreeSnapshotProperties(&prop.Obj.Snap);
                } else {
                        CoTaskMemFree(prop.Obj.Prov.m_pwszProviderName);
                        CoTaskMemFree(prop.Obj.Prov.m_pwszProviderVersion);
                }
        }
        IVssEnumObject_Release(list);
        return n_found;
}

static void test_that_queries_see_what_the_context_shows(void **state) {
        VSS_ID id = storage_make(world);
        IVssEnumObject *list = (void *) 1;
        IVssBackupComponentsEx4 *b = storage_object();
        static const struct {
                LONG context;
                unsigned n;
        } cases[] = {
                { VSS_CTX_NAS_ROLLBACK,      1 },
                { VSS_CTX_APP_ROLLBACK,      0 },
                { VSS_CTX_FILE_SHARE_BACKUP, 0 },
                { VSS_CTX_BACKUP,            0 },
                { (LONG) VSS_CTX_ALL,        1 },
        };

        ASSERT_RETURNS(
                IVssBackupComponents, Query, VSS_E_BAD_STATE,
                IVssBackupComponentsEx4_Query(b, GUID_NULL, VSS_OBJECT_NONE, VSS_OBJECT_SNAPSHOT, &list));
        assert_null(list);
        REACHES_RULE(IVssBackupComponents, "Query", "backup operations only");
        storage_release(b);

        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                b = storage_backup(cases[i].context);
                if (count(b, VSS_OBJECT_SNAPSHOT) != cases[i].n)
                        fail_msg("case %zu", i);
                assert_true(count(b, VSS_OBJECT_PROVIDER) >= 4);
                storage_release(b);
        }
        REACHES_RULE(IVssBackupComponents, "Query", "shadow copies are filtered by the current context");

        b = storage_backup((LONG) VSS_CTX_ALL);
        assert_int_equal(IVssBackupComponentsEx4_Query(b, id, VSS_OBJECT_NONE, VSS_OBJECT_SNAPSHOT, &list),
                         E_INVALIDARG);
        assert_int_equal(
                IVssBackupComponentsEx4_Query(b, GUID_NULL, VSS_OBJECT_SNAPSHOT, VSS_OBJECT_SNAPSHOT, &list),
                E_INVALIDARG);
        assert_int_equal(
                IVssBackupComponentsEx4_Query(b, GUID_NULL, VSS_OBJECT_NONE, VSS_OBJECT_SNAPSHOT_SET, &list),
                E_INVALIDARG);
        ASSERT_RETURNS(
                IVssBackupComponents, Query, E_INVALIDARG,
                IVssBackupComponentsEx4_Query(b, GUID_NULL, VSS_OBJECT_NONE, VSS_OBJECT_SNAPSHOT, NULL));
        REACHES_RULE(IVssBackupComponents, "Query", "QueriedObjectId must be GUID_NULL");
        storage_release(b);
        storage_delete(id, VSS_OBJECT_SNAPSHOT);
}

/* Another one that is still being made: it must not be seen. */
static void test_that_only_what_exists_is_shown(void **state) {
        IVssBackupComponentsEx4 *making = started(VSS_CTX_NAS_ROLLBACK),
                                *b = storage_backup((LONG) VSS_CTX_ALL);
        VSS_SNAPSHOT_PROP prop;
        IVssAsync *async = NULL;
        VSS_ID id;

        assert_int_equal(
                IVssBackupComponentsEx4_AddToSnapshotSet(making, wide(world->volume), fake_provider, &id),
                S_OK);
        world_script(world, "prepare = hang");
        assert_int_equal(IVssBackupComponentsEx4_DoSnapshotSet(making, &async), S_OK);
        world_await_status(world, "\"phase\":\"prepare-volumes\"");
        assert_int_equal(count(b, VSS_OBJECT_SNAPSHOT), 0);
        assert_int_equal(IVssBackupComponentsEx4_GetSnapshotProperties(b, id, &prop),
                         VSS_E_OBJECT_NOT_FOUND);
        REACHES_RULE(IVssBackupComponents, "Query", "only completed shadow copies are returned");
        assert_int_equal(IVssAsync_Cancel(async), S_OK);
        assert_int_equal(storage_end(async), VSS_S_ASYNC_CANCELLED);
        world_script(world, NULL);
        storage_release(making);
        storage_release(b);
        world_assert_clean(world);
}

static void test_that_properties_lead_to_the_files(void **state) {
        _cleanup_(freep) char *device = NULL;
        IVssBackupComponentsEx4 *b = storage_object();
        VSS_SNAPSHOT_PROP prop;
        VSS_ID id = storage_make(world);

        ASSERT_RETURNS(IVssBackupComponents, GetSnapshotProperties, VSS_E_BAD_STATE,
                       IVssBackupComponentsEx4_GetSnapshotProperties(b, id, &prop));
        storage_release(b);
        b = storage_backup((LONG) VSS_CTX_ALL);
        ASSERT_RETURNS(IVssBackupComponents, GetSnapshotProperties, E_INVALIDARG,
                       IVssBackupComponentsEx4_GetSnapshotProperties(b, id, NULL));
        memset(&prop, 0xff, sizeof(prop));
        ASSERT_RETURNS(IVssBackupComponents, GetSnapshotProperties, VSS_E_OBJECT_NOT_FOUND,
                       IVssBackupComponentsEx4_GetSnapshotProperties(b, nobody, &prop));
        assert_null(prop.m_pwszSnapshotDeviceObject); /* whatever the caller left in it */
        memset(&prop, 0xff, sizeof(prop));
        ASSERT_RETURNS(IVssBackupComponents, GetSnapshotProperties, S_OK,
                       IVssBackupComponentsEx4_GetSnapshotProperties(b, id, &prop));
        assert_int_equal(utf8_from_wide(prop.m_pwszSnapshotDeviceObject, &device), 0);
        assert_int_not_equal(device[strlen(device) - 1], '/');
        assert_true(storage_reads(device, "data/file", "the one thing to save\n"));
        REACHES_RULE(IVssBackupComponents, "GetSnapshotProperties",
                     "file on the shadow copy = device object");
        VssFreeSnapshotProperties(&prop);
        assert_null(prop.m_pwszSnapshotDeviceObject);
        VssFreeSnapshotProperties(&prop);
        REACHES_RULE(IVssBackupComponents, "GetSnapshotProperties",
                     "caller zeroes the VSS_SNAPSHOT_PROP first");
        storage_release(b);
        storage_delete(id, VSS_OBJECT_SNAPSHOT);
}

static HRESULT is_supported(const char *volume, VSS_ID provider, BOOL *ret) {
        IVssBackupComponentsEx4 *b = storage_backup(VSS_CTX_BACKUP);
        HRESULT hr;

        *ret = 7;
        hr = IVssBackupComponentsEx4_IsVolumeSupported(b, provider, wide(volume), ret);
        storage_release(b);
        return hr;
}

static void test_that_a_volume_is_supported_by_somebody_or_by_one(void **state) {
        IVssBackupComponentsEx4 *b = storage_object(), *full;
        _cleanup_(freep) char *slash = NULL, *backslash = NULL;
        BOOL yes;

        ASSERT_RETURNS(IVssBackupComponents, IsVolumeSupported, VSS_E_BAD_STATE,
                       IVssBackupComponentsEx4_IsVolumeSupported(b, GUID_NULL, wide(world->volume), &yes));
        storage_release(b);
        ASSERT_RETURNS(IVssBackupComponents, IsVolumeSupported, S_OK,
                       is_supported(world->volume, GUID_NULL, &yes));
        assert_int_equal(yes, TRUE);
        ASSERT_RETURNS(IVssBackupComponents, IsVolumeSupported, VSS_E_OBJECT_NOT_FOUND,
                       is_supported("/nowhere/", GUID_NULL, &yes));
        assert_int_equal(yes, FALSE);
        world_script(world, "probe = fail EOPNOTSUPP");
        assert_int_equal(is_supported(world->volume, fake_provider, &yes), S_OK);
        assert_int_equal(yes, FALSE);
        assert_int_equal(is_supported(world->volume, GUID_NULL, &yes), S_OK);
        assert_int_equal(yes, TRUE);
        world_script(world, NULL);
        REACHES_RULE(IVssBackupComponents, "IsVolumeSupported", "GUID_NULL asks whether any provider");

        assert_int_equal(format_to(&slash, "%s/", world->volume), 0);
        assert_int_equal(format_to(&backslash, "%s\\", world->volume), 0);
        assert_int_equal(is_supported(slash, fake_provider, &yes), S_OK);
        assert_int_equal(yes, TRUE);
        assert_int_equal(is_supported(backslash, fake_provider, &yes), S_OK);
        assert_int_equal(yes, TRUE);
        REACHES_RULE(IVssBackupComponents, "IsVolumeSupported", "volume name needs the trailing backslash");

        /* Also while nobody else could make one. */
        full = started(VSS_CTX_FILE_SHARE_BACKUP);
        assert_int_equal(is_supported(world->volume, fake_provider, &yes), S_OK);
        assert_int_equal(yes, TRUE);
        REACHES_RULE(IVssBackupComponents, "IsVolumeSupported",
                     "TRUE even if creation is impossible right now");
        storage_release(full);
}

static void test_that_who_names_nobody_gets_the_best(void **state) {
        IVssBackupComponentsEx4 *b = storage_backup(VSS_CTX_NAS_ROLLBACK);
        VSS_SNAPSHOT_PROP prop;
        VSS_ID set_id, id;

        /* Those that fit better come first; the fake one is last, and was not named. */
        storage_make_set(b, &world->volume, 1, GUID_NULL, &set_id, &id);
        storage_release(b);
        prop = storage_properties(id);
        assert_memory_not_equal(&prop.m_ProviderId, &fake_provider, sizeof(VSS_ID));
        VssFreeSnapshotProperties(&prop);
        storage_delete(set_id, VSS_OBJECT_SNAPSHOT_SET);
        REACHES_RULE(IVssBackupComponents, "AddToSnapshotSet", "GUID_NULL provider selection order");
        REACHES_RULE(IVssBackupComponents, "AddToSnapshotSet", "persistent contexts: NTFS volumes only");
        world_assert_clean(world);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_that_one_set_is_made_at_a_time),
                cmocka_unit_test(test_that_only_what_can_be_copied_is_added),
                cmocka_unit_test(test_that_a_set_has_an_end),
                cmocka_unit_test(test_that_a_set_is_made_as_a_whole_or_not_at_all),
                cmocka_unit_test(test_that_different_providers_make_one_set),
                cmocka_unit_test(test_that_the_context_says_what_is_needed),
                cmocka_unit_test(test_that_writers_are_told_in_their_contexts_only),
                cmocka_unit_test(test_that_what_somebody_reads_is_deleted_for_everybody_else),
                cmocka_unit_test(test_that_deleting_stops_where_it_fails),
                cmocka_unit_test(test_that_two_may_delete_the_same),
                cmocka_unit_test(test_that_what_goes_by_itself_need_not_be_deleted),
                cmocka_unit_test(test_that_queries_see_what_the_context_shows),
                cmocka_unit_test(test_that_only_what_exists_is_shown),
                cmocka_unit_test(test_that_properties_lead_to_the_files),
                cmocka_unit_test(test_that_a_volume_is_supported_by_somebody_or_by_one),
                cmocka_unit_test(test_that_who_names_nobody_gets_the_best),
        };

        return cmocka_run_group_tests(tests, setup, teardown);
}
