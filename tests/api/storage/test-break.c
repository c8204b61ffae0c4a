/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Storage that leaves umbra, comes to it from elsewhere, or is put back over its volumes.
 */

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "api/storage/storage.h"
#include "base/alloc.h"
#include "base/bstr.h"
#include "base/fd-util.h"
#include "base/guid.h"
#include "base/utf.h"
#include "wire/wire-limits.h"

static World *world;

static int setup(void **state) {
        world = world_new();
        return 0;
}

static int teardown(void **state) {
        world = world_free(world);
        return 0;
}

/* Breaking */

static VSS_ID make_set_of(VSS_ID provider, VSS_ID *ret_set_id) {
        IVssBackupComponentsEx4 *b = storage_backup(VSS_CTX_NAS_ROLLBACK);
        VSS_ID id;

        storage_make_set(b, &world->volume, 1, provider, ret_set_id, &id);
        storage_release(b);
        return id;
}

static HRESULT break_set(VSS_ID set_id) {
        IVssBackupComponentsEx4 *b = storage_object();
        HRESULT hr;

        hr = IVssBackupComponentsEx4_BreakSnapshotSet(b, set_id);
        storage_release(b);
        return hr;
}

static HRESULT break_set_ex(VSS_ID set_id, DWORD flags) {
        IVssBackupComponentsEx4 *b = storage_object();
        IVssAsync *async = (void *) 1;
        HRESULT hr;

        hr = IVssBackupComponentsEx4_BreakSnapshotSetEx(b, set_id, flags, &async);
        assert_int_equal(FAILED(hr), !async);
        hr = FAILED(hr) ? hr : storage_end(async);
        storage_release(b);
        return hr;
}

static bool is_known(VSS_ID id) {
        IVssBackupComponentsEx4 *b = storage_backup((LONG) VSS_CTX_ALL);
        VSS_SNAPSHOT_PROP prop;
        HRESULT hr;

        hr = IVssBackupComponentsEx4_GetSnapshotProperties(b, id, &prop);
        if (SUCCEEDED(hr))
                VssFreeSnapshotProperties(&prop);
        storage_release(b);
        return SUCCEEDED(hr);
}

/* Where the fake provider puts what is broken off. */
static char *broken_path(VSS_ID id) {
        char *path;

        assert_int_equal(format_to(&path, "%s/broken/%s/tree", world->state, GUID_TO_STRING(&id)), 0);
        return path;
}

static void test_that_what_is_broken_off_is_nobodys_shadow_copy(void **state) {
        _cleanup_(freep) char *broken = NULL, *shadow = NULL;
        VSS_ID set_id, id = make_set_of(fake_provider, &set_id);

        broken = broken_path(id);
        shadow = storage_shadow_path(world, id);
        ASSERT_RETURNS(IVssBackupComponents, BreakSnapshotSet, S_OK, break_set(set_id));
        assert_false(is_known(id));
        assert_true(storage_reads(broken, "data/file", "the one thing to save\n"));
        if (geteuid() == 0)
                assert_true(storage_reads(shadow, "data/file", "the one thing to save\n"));
        ASSERT_RETURNS(IVssBackupComponents, BreakSnapshotSet, VSS_E_OBJECT_NOT_FOUND, break_set(set_id));
        ASSERT_RETURNS(IVssBackupComponentsEx2, BreakSnapshotSetEx, VSS_E_OBJECT_NOT_FOUND,
                       break_set_ex(set_id, 0));
        storage_clean_up_broken(world, id);
        world_assert_clean(world);
        REACHES_RULE(IVssBackupComponents, "BreakSnapshotSet",
                     "they become ordinary volumes outside VSS management");
}

static void test_that_flags_say_how_it_is_broken_off(void **state) {
        static const struct {
                DWORD flags;
                bool seen, writable;
        } cases[] = {
                { 0,                                                                              true,  false },
                { VSS_BREAKEX_FLAG_MAKE_READ_WRITE,                                               true,  true  },
                { VSS_BREAKEX_FLAG_MASK_LUNS,                                                     false, false },
                { VSS_BREAKEX_FLAG_REVERT_IDENTITY_ALL | VSS_BREAKEX_FLAG_MAKE_READ_WRITE,        true,  true  },
                { VSS_BREAKEX_FLAG_REVERT_IDENTITY_NONE,                                          true,  false },
        };

        skip_unless_root();
        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                VSS_ID set_id, id = make_set_of(fake_provider, &set_id);
                _cleanup_(freep) char *shadow = storage_shadow_path(world, id), *file = path_in(shadow, "data/file");
                _cleanup_(closep) int fd = -EBADF;

                ASSERT_RETURNS(IVssBackupComponentsEx2, BreakSnapshotSetEx, S_OK,
                               break_set_ex(set_id, cases[i].flags) == VSS_S_ASYNC_FINISHED ? S_OK : E_FAIL);
                assert_int_equal(storage_reads(shadow, "data/file", "the one thing to save\n"),
                                 cases[i].seen);
                fd = open(file, O_WRONLY | O_CLOEXEC);
                assert_int_equal(fd >= 0, cases[i].writable);
                storage_clean_up_broken(world, id);
        }
        REACHES_RULE(IVssBackupComponentsEx2, "BreakSnapshotSetEx", "flags are VSS_BREAKEX_FLAG_");
        REACHES_RULE(IVssBackupComponentsEx2, "BreakSnapshotSetEx", "caller releases the IVssAsync");
        world_assert_clean(world);
}

/* Of copies of files: in umbra's directory, where umbra does not look any more. */
static void test_that_a_real_copy_becomes_a_directory_like_any_other(void **state) {
        VSS_ID set_id, id = make_set_of(files_copy_provider, &set_id);
        _cleanup_(freep) char *path = NULL, *shadow = storage_shadow_path(world, id);

        assert_int_equal(format_to(&path, "%s/broken/%s", world->state, GUID_TO_STRING(&id)), 0);
        assert_int_equal(break_set_ex(set_id, VSS_BREAKEX_FLAG_MAKE_READ_WRITE), VSS_S_ASYNC_FINISHED);
        assert_false(is_known(id));
        write_file(path, "data/file", "mine now\n");
        if (geteuid() == 0)
                assert_true(storage_reads(shadow, "data/file", "mine now\n"));

        world_kill_umbrad(world);
        world_start_umbrad(world);
        assert_true(storage_reads(path, "data/file", "mine now\n"));
        assert_true(storage_reads(world->volume, "data/file", "the one thing to save\n"));
        storage_clean_up_broken(world, id);
        world_assert_clean(world);
}

static void test_that_nothing_is_broken_off_by_mistake(void **state) {
        static const struct {
                const char *script;
                HRESULT hr;
        } cases[] = {
                { "break_off = fail EIO",      VSS_E_PROVIDER_VETO },
                { "break_off = fail ENOTUNIQ", VSS_E_BREAK_REVERT_ID_FAILED },
                { "break_off = kill",          VSS_E_UNEXPECTED_PROVIDER_ERROR },
        };
        VSS_ID set_id, id, files, files_set;
        IVssBackupComponentsEx4 *b = storage_object();
        IVssAsync *async = (void *) 1;

        ASSERT_RETURNS(IVssBackupComponents, BreakSnapshotSet, E_INVALIDARG, break_set(GUID_NULL));
        ASSERT_RETURNS(IVssBackupComponentsEx2, BreakSnapshotSetEx, E_INVALIDARG,
                       break_set_ex(GUID_NULL, 0));
        assert_int_equal(IVssBackupComponentsEx4_BreakSnapshotSetEx(b, fake_provider, 0, NULL),
                         E_INVALIDARG);
        assert_int_equal(IVssBackupComponentsEx4_BreakSnapshotSetEx(b, fake_provider, 0x100, &async),
                         E_INVALIDARG);
        assert_null(async);
        assert_int_equal(break_set_ex(fake_provider, VSS_BREAKEX_FLAG_REVERT_IDENTITY_ALL |
                                                             VSS_BREAKEX_FLAG_REVERT_IDENTITY_NONE),
                         E_INVALIDARG);
        storage_release(b);

        files = make_set_of(files_copy_provider, &files_set); /* whose volume is still there */
        assert_int_equal(break_set_ex(files_set, VSS_BREAKEX_FLAG_REVERT_IDENTITY_ALL), VSS_E_BREAK_REVERT_ID_FAILED);
        assert_true(is_known(files));
        storage_delete(files, VSS_OBJECT_SNAPSHOT);

        id = make_set_of(fake_provider, &set_id);
        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                HRESULT hr;

                world_script(world, cases[i].script);
                hr = break_set_ex(set_id, VSS_BREAKEX_FLAG_REVERT_IDENTITY_ALL);
                if (hr != cases[i].hr || !is_known(id))
                        fail_msg("%s: 0x%08x", cases[i].script, (unsigned) hr);
        }
        REACHES_RETURN(IVssBackupComponentsEx2, BreakSnapshotSetEx, "VSS_E_BREAK_REVERT_ID_FAILED");
        REACHES_RETURN(IVssBackupComponentsEx2, BreakSnapshotSetEx, "VSS_E_PROVIDER_VETO");
        world_script(world, "break_off = fail EIO");
        ASSERT_RETURNS(IVssBackupComponents, BreakSnapshotSet, VSS_E_PROVIDER_VETO, break_set(set_id));
        world_script(world, NULL);
        storage_delete(id, VSS_OBJECT_SNAPSHOT);
        world_assert_clean(world);
}

static bool nothing_is_known(void *arg) {
        return !is_known(*(VSS_ID *) arg);
}

static void test_that_breaking_goes_on_after_a_crash(void **state) {
        static const char *const scripts[] = { "break_off = hang", "break_off = hang after" };

        for (size_t i = 0; i < ELEMENTSOF(scripts); ++i) {
                VSS_ID set_id, id = make_set_of(fake_provider, &set_id);
                _cleanup_(freep) char *broken = broken_path(id);
                IVssBackupComponentsEx4 *b = storage_object();
                IVssAsync *async = NULL;

                world_script(world, scripts[i]);
                assert_int_equal(IVssBackupComponentsEx4_BreakSnapshotSetEx(b, set_id, 0, &async), S_OK);
                world_await_status(world, "\"kind\":\"break\",\"doing\":true");
                world_kill_umbrad(world);
                assert_int_equal(storage_end(async), VSS_E_UNEXPECTED);
                storage_release(b);
                world_script(world, NULL);
                world_start_umbrad(world);
                assert_true(eventually(nothing_is_known, &id, TEST_PATIENCE_USEC));
                assert_true(storage_reads(broken, "data/file", "the one thing to save\n"));
                storage_clean_up_broken(world, id);
                world_assert_clean(world);
        }
}

/* Importing */

/* The document of a backup whose shadow copies have left this machine: their storage lies in
 * @dir/transport. */
static BSTR send_away(const VSS_ID *ids, size_t n, IVssBackupComponentsEx4 *b) {
        BSTR xml = NULL;

        assert_int_equal(IVssBackupComponentsEx4_SaveAsXML(b, &xml), S_OK);
        for (size_t i = 0; i < n; ++i) {
                _cleanup_(freep) char *command = NULL;

                assert_int_equal(format_to(&command,
                                           "mkdir -p %s/transport && cp -a %s/fake/%s %s/transport/",
                                           world->dir, world->state, GUID_TO_STRING(&ids[i]), world->dir),
                                 0);
                assert_int_equal(system(command), 0);
        }
        return xml;
}

static void arrive(VSS_ID id) {
        _cleanup_(freep) char *command = NULL;

        assert_int_equal(format_to(&command, "mkdir -p %s/fake && cp -a %s/transport/%s %s/fake/",
                                   world->state, world->dir, GUID_TO_STRING(&id), world->state),
                         0);
        assert_int_equal(system(command), 0);
}

static IVssBackupComponentsEx4 *importer(BSTR xml, LONG context) {
        IVssBackupComponentsEx4 *b = storage_object();

        assert_int_equal(IVssBackupComponentsEx4_InitializeForBackup(b, xml), S_OK);
        assert_int_equal(IVssBackupComponentsEx4_SetContext(b, context), S_OK);
        return b;
}

static HRESULT import(IVssBackupComponentsEx4 *b) {
        IVssAsync *async = (void *) 1;
        HRESULT hr;

        hr = IVssBackupComponentsEx4_ImportSnapshots(b, &async);
        assert_int_equal(FAILED(hr), !async);
        return FAILED(hr) ? hr : storage_end(async);
}

static bool is_forgotten(void *b) {
        HRESULT hr = import(b);

        if (hr != VSS_E_BAD_STATE)
                assert_int_equal(hr, VSS_E_NO_SNAPSHOTS_IMPORTED);
        return hr != VSS_E_BAD_STATE;
}

/* The records of shadow copies go after their storage, and until then they are here already. */
static void await_forgotten(BSTR xml) {
        IVssBackupComponentsEx4 *b = importer(xml, VSS_CTX_FILE_SHARE_BACKUP);

        assert_true(eventually(is_forgotten, b, TEST_PATIENCE_USEC));
        storage_release(b);
}

/* Two shadow copies that are somewhere else now. */
static BSTR make_and_send(VSS_ID ids[2]) {
        IVssBackupComponentsEx4 *b =
                storage_backup(VSS_CTX_FILE_SHARE_BACKUP | VSS_VOLSNAP_ATTR_TRANSPORTABLE);
        _cleanup_(freep) char *second = path_in(world->dir, "second");
        char *volumes[2] = { world->volume, second };
        VSS_ID set_id;
        BSTR xml;

        (void) mkdir(second, 0755);
        write_file(second, "more", "another thing\n");
        storage_make_set(b, volumes, 2, fake_provider, &set_id, ids);
        xml = send_away(ids, 2, b);
        storage_release(b);
        world_assert_clean(world);
        await_forgotten(xml);
        return xml;
}

static void test_that_shadow_copies_of_another_machine_are_imported(void **state) {
        IVssBackupComponentsEx4 *b, *again;
        _cleanup_(freep) char *device = NULL;
        VSS_SNAPSHOT_PROP prop;
        VSS_ID ids[2];
        BSTR xml = make_and_send(ids);

        arrive(ids[0]);
        arrive(ids[1]);
        b = importer(xml, VSS_CTX_NAS_ROLLBACK);
        ASSERT_RETURNS(IVssBackupComponents, ImportSnapshots, S_OK,
                       import(b) == VSS_S_ASYNC_FINISHED ? S_OK : E_FAIL);
        storage_release(b);
        REACHES_RULE(IVssBackupComponents, "ImportSnapshots",
                     "object initialised with InitializeForBackup(saved document)");
        REACHES_RULE(IVssBackupComponents, "ImportSnapshots", "caller releases the IVssAsync");
        REACHES_RULE(IVssBackupComponents, "BreakSnapshotSet", "must be imported first");

        prop = storage_properties(ids[0]);
        assert_int_equal(utf8_from_wide(prop.m_pwszSnapshotDeviceObject, &device), 0);
        assert_true(prop.m_lSnapshotAttributes & VSS_VOLSNAP_ATTR_IMPORTED);
        assert_int_equal(prop.m_lSnapshotsCount, 2);
        VssFreeSnapshotProperties(&prop);
        assert_true(storage_reads(device, "data/file", "the one thing to save\n"));

        again = importer(xml, VSS_CTX_NAS_ROLLBACK);
        assert_int_equal(import(again), VSS_E_BAD_STATE);
        storage_release(again);
        REACHES_RULE(IVssBackupComponents, "ImportSnapshots", "imported only once");

        storage_delete(ids[0], VSS_OBJECT_SNAPSHOT);
        storage_delete(ids[1], VSS_OBJECT_SNAPSHOT);
        world_assert_clean(world);
        SysFreeString(xml);
}

static void test_that_what_has_not_arrived_is_told_and_the_rest_is_there(void **state) {
        IVssBackupComponentsEx4 *b;
        VSS_ID ids[2];
        BSTR xml = make_and_send(ids);

        b = importer(xml, VSS_CTX_FILE_SHARE_BACKUP);
        assert_int_equal(import(b), VSS_E_NO_SNAPSHOTS_IMPORTED);
        storage_release(b);

        arrive(ids[1]);
        b = importer(xml, VSS_CTX_FILE_SHARE_BACKUP);
        assert_int_equal(import(b), VSS_S_SOME_SNAPSHOTS_NOT_IMPORTED);
        REACHES_RETURN(IVssBackupComponents, ImportSnapshots, "VSS_S_SOME_SNAPSHOTS_NOT_IMPORTED");
        assert_false(is_known(ids[0]));
        assert_true(is_known(ids[1]));
        storage_release(b); /* takes with it what it imported into an auto-release context */
        world_assert_clean(world);
        SysFreeString(xml);
}

static void test_that_a_failed_import_leaves_the_storage_alone(void **state) {
        _cleanup_(freep) char *tree = NULL;
        IVssBackupComponentsEx4 *b;
        VSS_ID ids[2];
        BSTR xml = make_and_send(ids);

        arrive(ids[0]);
        world_script(world, "surface = fail EIO");
        b = importer(xml, VSS_CTX_NAS_ROLLBACK);
        assert_int_equal(import(b), VSS_E_NO_SNAPSHOTS_IMPORTED);
        storage_release(b);
        assert_false(is_known(ids[0]));
        assert_int_equal(format_to(&tree, "%s/fake/%s/tree", world->state, GUID_TO_STRING(&ids[0])), 0);
        assert_true(storage_reads(tree, "data/file", "the one thing to save\n"));
        REACHES_RULE(IVssBackupComponents, "ImportSnapshots", "VSS does not clean up LUNs");

        world_script(world, NULL);
        b = importer(xml, VSS_CTX_FILE_SHARE_BACKUP);
        assert_int_equal(import(b), VSS_S_SOME_SNAPSHOTS_NOT_IMPORTED);
        storage_release(b);
        world_assert_clean(world);
        SysFreeString(xml);
}

static void test_that_who_failed_to_import_does_not_take_it_from_who_did(void **state) {
        IVssBackupComponentsEx4 *first, *second;
        VSS_ID ids[2];
        BSTR xml = make_and_send(ids);

        first = importer(xml, VSS_CTX_FILE_SHARE_BACKUP);
        assert_int_equal(import(first), VSS_E_NO_SNAPSHOTS_IMPORTED); /* too early */
        arrive(ids[0]);
        arrive(ids[1]);
        second = importer(xml, VSS_CTX_NAS_ROLLBACK);
        assert_int_equal(import(second), VSS_S_ASYNC_FINISHED);
        storage_release(second);
        storage_release(first);
        world_await_status(world, "\"sessions\":[]");
        for (size_t i = 0; i < 2; ++i) {
                assert_true(is_known(ids[i]));
                storage_delete(ids[i], VSS_OBJECT_SNAPSHOT);
        }
        world_assert_clean(world);
        SysFreeString(xml);
}

/* It does not end before the script is taken away. */
static IVssBackupComponentsEx4 *import_lingering(BSTR xml, const VSS_ID ids[2], IVssAsync **ret_async) {
        IVssBackupComponentsEx4 *b;

        arrive(ids[0]);
        arrive(ids[1]);
        world_script(world, "import = linger");
        b = importer(xml, VSS_CTX_FILE_SHARE_BACKUP);
        assert_int_equal(IVssBackupComponentsEx4_ImportSnapshots(b, ret_async), S_OK);
        world_await_status(world, "\"kind\":\"import\"");
        return b;
}

static void test_that_what_is_still_being_imported_goes_with_its_requester(void **state) {
        IVssBackupComponentsEx4 *b;
        IVssAsync *async = NULL;
        VSS_ID ids[2];
        BSTR xml = make_and_send(ids);

        b = import_lingering(xml, ids, &async);
        assert_int_equal(IVssAsync_Release(async), 0);
        storage_release(b);
        world_await_status(world, "\"sessions\":[]");
        world_script(world, NULL);
        world_await_status(world, "\"deeds\":[]");
        world_assert_clean(world);
        SysFreeString(xml);
}

static void test_that_an_import_is_neither_aborted_nor_waited_for(void **state) {
        IVssBackupComponentsEx4 *b;
        IVssAsync *async = NULL;
        VSS_ID ids[2];
        BSTR xml = make_and_send(ids);

        b = import_lingering(xml, ids, &async);
        assert_int_equal(IVssBackupComponentsEx4_AbortBackup(b), S_OK);
        world_script(world, NULL); /* only now it can end */
        assert_int_equal(storage_end(async), VSS_S_ASYNC_FINISHED);
        assert_true(is_known(ids[0]) && is_known(ids[1]));
        storage_release(b);
        world_assert_clean(world);
        SysFreeString(xml);
}

/* The same, and the machine that made the first of them has a name that is longer by @n characters. */
static BSTR with_long_machine(BSTR xml, int n) {
        static const char attribute[] = "originatingMachine=\"";
        _cleanup_(freep) char *text = NULL, *longer = NULL;
        char *name;
        BSTR ret;

        assert_int_equal(utf8_from_wide(xml, &text), 0);
        name = strstr(text, attribute);
        assert_non_null(name);
        name += strlen(attribute);
        assert_int_equal(format_to(&longer, "%.*s%0*d%s", (int) (name - text), text, n, 0, name), 0);
        assert_int_equal(bstr_from_utf8(longer, &ret), 0);
        return ret;
}

/* There is nothing wrong with the copy itself; but once it is known, all have to be told of it. */
static void test_that_names_that_cannot_be_told_are_not_imported(void **state) {
        IVssBackupComponentsEx4 *b;
        VSS_ID ids[2];
        BSTR xml = make_and_send(ids), longer = with_long_machine(xml, WIRE_TEXT_MAX);

        arrive(ids[0]);
        b = importer(longer, VSS_CTX_FILE_SHARE_BACKUP);
        assert_int_equal(import(b), VSS_E_NO_SNAPSHOTS_IMPORTED);
        storage_release(b);
        b = importer(xml, VSS_CTX_FILE_SHARE_BACKUP);
        assert_int_equal(import(b), VSS_S_SOME_SNAPSHOTS_NOT_IMPORTED);
        storage_release(b);
        world_assert_clean(world);
        SysFreeString(longer);
        SysFreeString(xml);
}

/* Two machines: the one that makes the shadow copy keeps its object until the other has done with it. */
static void test_that_the_backup_ends_after_the_other_machine_is_done(void **state) {
        IVssBackupComponentsEx4 *maker = storage_backup(VSS_CTX_BACKUP | VSS_VOLSNAP_ATTR_TRANSPORTABLE), *b;
        _cleanup_(freep) char *device = NULL, *command = NULL;
        World *other, *here = world;
        VSS_SNAPSHOT_PROP prop;
        IVssAsync *async = NULL;
        VSS_ID set_id, id;
        BSTR xml;

        assert_int_equal(IVssBackupComponentsEx4_SetBackupState(maker, false, false, VSS_BT_FULL, false),
                         S_OK);
        assert_int_equal(IVssBackupComponentsEx4_GatherWriterMetadata(maker, &async), S_OK);
        assert_int_equal(storage_end(async), VSS_S_ASYNC_FINISHED);
        assert_int_equal(IVssBackupComponentsEx4_StartSnapshotSet(maker, &set_id), S_OK);
        assert_int_equal(
                IVssBackupComponentsEx4_AddToSnapshotSet(maker, wide(world->volume), fake_provider, &id),
                S_OK);
        assert_int_equal(IVssBackupComponentsEx4_PrepareForBackup(maker, &async), S_OK);
        assert_int_equal(storage_end(async), VSS_S_ASYNC_FINISHED);
        assert_int_equal(IVssBackupComponentsEx4_DoSnapshotSet(maker, &async), S_OK);
        assert_int_equal(storage_end(async), VSS_S_ASYNC_FINISHED);
        xml = send_away(&id, 1, maker);

        other = world_new();
        assert_int_equal(format_to(&command, "mkdir -p %s/fake && cp -a %s/transport/%s %s/fake/",
                                   other->state, here->dir, GUID_TO_STRING(&id), other->state),
                         0);
        assert_int_equal(system(command), 0);
        b = importer(xml, VSS_CTX_BACKUP);
        assert_int_equal(import(b), VSS_S_ASYNC_FINISHED);
        assert_int_equal(IVssBackupComponentsEx4_GetSnapshotProperties(b, id, &prop), S_OK);
        assert_int_equal(utf8_from_wide(prop.m_pwszSnapshotDeviceObject, &device), 0);
        VssFreeSnapshotProperties(&prop);
        assert_true(storage_reads(device, "data/file", "the one thing to save\n"));
        storage_release(b);
        world_assert_clean(other);
        world_free(other);

        setenv("UMBRA_SOCKET", here->socket, 1);
        assert_true(is_known(id));
        assert_int_equal(IVssBackupComponentsEx4_BackupComplete(maker, &async), S_OK);
        assert_int_equal(storage_end(async), VSS_S_ASYNC_FINISHED);
        storage_release(maker);
        world_assert_clean(here);
        SysFreeString(xml);
        REACHES_RULE(IVssBackupComponents, "ImportSnapshots", "creating requester keeps its object open");
}

static void test_that_importing_needs_a_document_and_its_time(void **state) {
        IVssBackupComponentsEx4 *b = storage_object();

        ASSERT_RETURNS(IVssBackupComponents, ImportSnapshots, VSS_E_BAD_STATE, import(b));
        assert_int_equal(IVssBackupComponentsEx4_InitializeForBackup(b, NULL), S_OK);
        assert_int_equal(import(b), VSS_E_BAD_STATE); /* an empty document */
        ASSERT_RETURNS(IVssBackupComponents, ImportSnapshots, E_INVALIDARG,
                       IVssBackupComponentsEx4_ImportSnapshots(b, NULL));
        storage_release(b);
}

static void test_that_other_providers_do_not_import(void **state) {
        IVssBackupComponentsEx4 *b = storage_backup(VSS_CTX_FILE_SHARE_BACKUP);
        VSS_ID set_id, id;
        BSTR xml = NULL;

        storage_make_set(b, &world->volume, 1, files_copy_provider, &set_id, &id);
        assert_int_equal(IVssBackupComponentsEx4_SaveAsXML(b, &xml), S_OK);
        storage_release(b);
        world_assert_clean(world);
        await_forgotten(xml);
        b = importer(xml, VSS_CTX_FILE_SHARE_BACKUP);
        assert_int_equal(import(b), VSS_E_NO_SNAPSHOTS_IMPORTED);
        storage_release(b);
        SysFreeString(xml);
        REACHES_RULE(IVssBackupComponents, "ImportSnapshots", "hardware providers only");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_that_what_is_broken_off_is_nobodys_shadow_copy),
                cmocka_unit_test(test_that_flags_say_how_it_is_broken_off),
                cmocka_unit_test(test_that_a_real_copy_becomes_a_directory_like_any_other),
                cmocka_unit_test(test_that_nothing_is_broken_off_by_mistake),
                cmocka_unit_test(test_that_breaking_goes_on_after_a_crash),
                cmocka_unit_test(test_that_shadow_copies_of_another_machine_are_imported),
                cmocka_unit_test(test_that_what_has_not_arrived_is_told_and_the_rest_is_there),
                cmocka_unit_test(test_that_a_failed_import_leaves_the_storage_alone),
                cmocka_unit_test(test_that_who_failed_to_import_does_not_take_it_from_who_did),
                cmocka_unit_test(test_that_what_is_still_being_imported_goes_with_its_requester),
                cmocka_unit_test(test_that_an_import_is_neither_aborted_nor_waited_for),
                cmocka_unit_test(test_that_names_that_cannot_be_told_are_not_imported),
                cmocka_unit_test(test_that_the_backup_ends_after_the_other_machine_is_done),
                cmocka_unit_test(test_that_importing_needs_a_document_and_its_time),
                cmocka_unit_test(test_that_other_providers_do_not_import),
        };

        return cmocka_run_group_tests(tests, setup, teardown);
}
