/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * IVssComponentEx2: every getter, every setter, and when which is allowed.
 */

#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "base/alloc.h"
#include "doc/doc-limits.h"
#include "view-test.h"
#include "view/component.h"

typedef struct Fixture {
        ViewOwner *owner;
        BackupComponent *model;
        IVssComponentEx2 *c;
} Fixture;

static const GUID id = { .Data1 = 1 };

static int setup_with(void **state, const char *logical_path) {
        Fixture *f;
        BackupWriter *w;
        BackupDoc *d;

        f = calloc_checked(1, sizeof(*f));
        assert_non_null(f);
        assert_int_equal(backup_doc_new(&d), 0);
        assert_int_equal(backup_doc_add_writer(d, &id, &id, NULL, 0, &w), S_OK);
        assert_int_equal(
                backup_writer_add_component(w, VSS_CT_DATABASE, logical_path, "name \xFF", &f->model), S_OK);
        assert_int_equal(view_owner_new(d, VIEW_READ_ONLY, &f->owner), 0);
        assert_int_equal(component_new(f->owner, f->model, &f->c), S_OK);

        *state = f;
        return 0;
}

static int setup(void **state) {
        return setup_with(state, "a\\b");
}

static int setup_without_path(void **state) {
        return setup_with(state, NULL);
}

static int teardown(void **state) {
        Fixture *f = *state;

        if (f->c)
                assert_int_equal(IVssComponentEx2_Release(f->c), 0);
        view_owner_unref(f->owner);
        free(f);
        return 0;
}

typedef HRESULT (*GetText)(IVssComponentEx2 *c, BSTR *ret);
typedef HRESULT (*SetText)(IVssComponentEx2 *c, LPCWSTR s);

#define GET(method)                                                                                         \
        static HRESULT get_##method(IVssComponentEx2 *c, BSTR *ret) {                                       \
                return IVssComponentEx2_Get##method(c, ret);                                                \
        }
#define SET(method)                                                                                         \
        static HRESULT set_##method(IVssComponentEx2 *c, LPCWSTR s) {                                       \
                return IVssComponentEx2_Set##method(c, s);                                                  \
        }

GET(LogicalPath)
GET(ComponentName)
GET(BackupMetadata)
GET(RestoreMetadata)
GET(PreRestoreFailureMsg)
GET(PostRestoreFailureMsg)
GET(BackupStamp)
GET(PreviousBackupStamp)
GET(BackupOptions)
GET(RestoreOptions)
GET(PrepareForBackupFailureMsg)
GET(PostSnapshotFailureMsg)
GET(RestoreName)
SET(BackupMetadata)
SET(RestoreMetadata)
SET(PreRestoreFailureMsg)
SET(PostRestoreFailureMsg)
SET(BackupStamp)
SET(PrepareForBackupFailureMsg)
SET(PostSnapshotFailureMsg)

#define BACKUP (VIEW_PREPARE_BACKUP | VIEW_POST_SNAPSHOT)

static const struct {
        const char *name;
        GetText get;
        SetText set; /* NULL: the requester says it */
        size_t offset;
        unsigned rights;
        bool once;
        HRESULT none; /* when it was never set */
} texts[] = {
#define SAID(method, member, rights, once) \
        { #method, get_##method, set_##method, offsetof(BackupComponent, member), rights, once, S_FALSE }
#define READ(method, member, none) \
        { #method, get_##method, NULL, offsetof(BackupComponent, member), 0, false, none }
        SAID(BackupMetadata,             backup_metadata,            BACKUP,              true),
        SAID(RestoreMetadata,            restore_metadata,           VIEW_PRE_RESTORE,    true),
        SAID(PreRestoreFailureMsg,       pre_restore_failure,        VIEW_PRE_RESTORE,    false),
        SAID(PostRestoreFailureMsg,      post_restore_failure,       VIEW_POST_RESTORE,   false),
        SAID(BackupStamp,                backup_stamp,               BACKUP,              false),
        SAID(PrepareForBackupFailureMsg, prepare_for_backup_failure, VIEW_PREPARE_BACKUP, false),
        SAID(PostSnapshotFailureMsg,     post_snapshot_failure,      VIEW_POST_SNAPSHOT,  false),
        READ(PreviousBackupStamp,        previous_backup_stamp,      S_FALSE),
        READ(BackupOptions,              backup_options,             S_FALSE),
        READ(RestoreOptions,             restore_options,            S_FALSE),
        READ(RestoreName,                restore_name,               S_OK),
#undef SAID
#undef READ
};

static char **member(Fixture *f, size_t offset) {
        return (char **) ((char *) f->model + offset);
}

static void test_that_texts_are_read_as_they_are_in_the_model(void **state) {
        Fixture *f = *state;

        for (size_t i = 0; i < ELEMENTSOF(texts); ++i) {
                BSTR s = (BSTR) 1;

                assert_int_equal(texts[i].get(f->c, NULL), E_INVALIDARG);
                assert_int_equal(texts[i].get(f->c, &s), texts[i].none);
                assert_null(s);

                assert_int_equal(strdup_to("t\xC3\xBC\xFF", member(f, texts[i].offset)), 0);
                assert_int_equal(texts[i].get(f->c, &s), S_OK);
                bstr_was(s, L"t\xFC\xDCFF");

                assert_int_equal(free_and_strdup(member(f, texts[i].offset), ""), 0);
                assert_int_equal(texts[i].get(f->c, &s), S_OK);
                bstr_was(s, L"");
        }
}

static void test_that_texts_are_set_in_their_event_and_at_no_other_time(void **state) {
        static const unsigned all[] = {
                VIEW_READ_ONLY,   VIEW_PREPARE_BACKUP, VIEW_POST_SNAPSHOT,
                VIEW_PRE_RESTORE, VIEW_POST_RESTORE,   VIEW_RESTORE,
        };
        Fixture *f = *state;

        for (size_t i = 0; i < ELEMENTSOF(texts); ++i) {
                if (!texts[i].set)
                        continue;

                for (size_t k = 0; k < ELEMENTSOF(all); ++k) {
                        bool allowed = all[k] & texts[i].rights;
                        BSTR s = NULL;

                        view_owner_set_rights(f->owner, all[k]);
                        assert_int_equal(free_and_strdup(member(f, texts[i].offset), NULL), 0);

                        assert_int_equal(texts[i].set(f->c, NULL), E_INVALIDARG);
                        assert_int_equal(texts[i].set(f->c, L"\xD800"), E_INVALIDARG); /* no character */
                        assert_int_equal(texts[i].set(f->c, L"one \x1F4BE"),
                                         allowed ? S_OK : VSS_E_BAD_STATE);
                        assert_int_equal(texts[i].get(f->c, &s), allowed ? S_OK : texts[i].none);
                        bstr_was(s, allowed ? L"one \x1F4BE" : NULL);

                        if (!allowed)
                                continue;

                        assert_int_equal(texts[i].set(f->c, L"two"),
                                         texts[i].once ? VSS_E_OBJECT_ALREADY_EXISTS : S_OK);
                        assert_int_equal(texts[i].get(f->c, &s), S_OK);
                        bstr_was(s, texts[i].once ? L"one \x1F4BE" : L"two");
                }
        }
}

static void test_that_a_text_no_document_could_hold_is_refused(void **state) {
        Fixture *f = *state;
        _cleanup_(freep) WCHAR *s = NULL;
        size_t n = DOCUMENT_ATTRIBUTE_SIZE_MAX;

        s = calloc_checked(n + 2, sizeof(WCHAR));
        assert_non_null(s);
        wmemset(s, L'a', n + 1);

        view_owner_set_rights(f->owner, VIEW_POST_SNAPSHOT);
        assert_int_equal(IVssComponentEx2_SetBackupStamp(f->c, s), E_INVALIDARG);
        s[n] = L'\0';
        assert_int_equal(IVssComponentEx2_SetBackupStamp(f->c, s), S_OK);
}

static void test_that_a_component_says_what_it_is(void **state) {
        Fixture *f = *state;
        VSS_COMPONENT_TYPE type;
        BSTR s;

        assert_int_equal(IVssComponentEx2_GetComponentType(f->c, NULL), E_INVALIDARG);
        assert_int_equal(IVssComponentEx2_GetComponentType(f->c, &type), S_OK);
        assert_int_equal(type, VSS_CT_DATABASE);
        assert_int_equal(get_ComponentName(f->c, &s), S_OK);
        bstr_was(s, L"name \xDCFF");
        assert_int_equal(get_LogicalPath(f->c, &s), S_OK);
        bstr_was(s, L"a\\b");
}

static void test_that_no_logical_path_is_a_success_of_its_own(void **state) {
        Fixture *f = *state;
        BSTR s = (BSTR) 1;

        assert_int_equal(get_LogicalPath(f->c, &s), S_FALSE);
        assert_null(s);
}

static void test_that_what_was_never_said_is_told_from_no(void **state) {
        Fixture *f = *state;

        for (Tristate t = TRI_UNSET; t <= TRI_YES; ++t) {
                HRESULT hr = t == TRI_UNSET ? S_FALSE : S_OK;
                bool b;

                f->model->backup_succeeded = f->model->additional_restores = f->model->selected_for_restore =
                        t;

                b = t != TRI_YES;
                assert_int_equal(IVssComponentEx2_GetBackupSucceeded(f->c, &b), hr);
                assert_int_equal(b, t == TRI_YES);
                b = t != TRI_YES;
                assert_int_equal(IVssComponentEx2_GetAdditionalRestores(f->c, &b), hr);
                assert_int_equal(b, t == TRI_YES);
                b = t != TRI_YES;
                assert_int_equal(IVssComponentEx2_IsSelectedForRestore(f->c, &b), S_OK);
                assert_int_equal(b, t == TRI_YES);
        }

        assert_int_equal(IVssComponentEx2_GetBackupSucceeded(f->c, NULL), E_INVALIDARG);
        assert_int_equal(IVssComponentEx2_GetAdditionalRestores(f->c, NULL), E_INVALIDARG);
        assert_int_equal(IVssComponentEx2_IsSelectedForRestore(f->c, NULL), E_INVALIDARG);
}

static void test_that_mappings_and_new_targets_are_file_sets(void **state) {
        Fixture *f = *state;
        IVssWMFiledesc *d = (IVssWMFiledesc *) 1;
        bool recursive;
        DWORD mask;
        UINT n;
        BSTR s;

        assert_int_equal(doc_filespecs_add(&f->model->mappings, "/a", "*", true, "/b", 0), 0);
        assert_int_equal(doc_filespecs_add(&f->model->new_targets, "/c", "d", false, NULL, 0), 0);

        assert_int_equal(IVssComponentEx2_GetAlternateLocationMappingCount(f->c, NULL), E_INVALIDARG);
        assert_int_equal(IVssComponentEx2_GetAlternateLocationMappingCount(f->c, &n), S_OK);
        assert_int_equal(n, 1);
        assert_int_equal(IVssComponentEx2_GetAlternateLocationMapping(f->c, 0, NULL), E_INVALIDARG);
        assert_int_equal(IVssComponentEx2_GetAlternateLocationMapping(f->c, 1, &d), VSS_E_OBJECT_NOT_FOUND);
        assert_null(d);
        assert_int_equal(IVssComponentEx2_GetAlternateLocationMapping(f->c, 0, &d), S_OK);

        assert_int_equal(IVssWMFiledesc_GetPath(d, NULL), E_INVALIDARG);
        assert_int_equal(IVssWMFiledesc_GetFilespec(d, NULL), E_INVALIDARG);
        assert_int_equal(IVssWMFiledesc_GetRecursive(d, NULL), E_INVALIDARG);
        assert_int_equal(IVssWMFiledesc_GetAlternateLocation(d, NULL), E_INVALIDARG);
        assert_int_equal(IVssWMFiledesc_GetBackupTypeMask(d, NULL), E_INVALIDARG);
        assert_int_equal(IVssWMFiledesc_GetPath(d, &s), S_OK);
        bstr_was(s, L"/a");
        assert_int_equal(IVssWMFiledesc_GetFilespec(d, &s), S_OK);
        bstr_was(s, L"*");
        assert_int_equal(IVssWMFiledesc_GetRecursive(d, &recursive), S_OK);
        assert_true(recursive);
        assert_int_equal(IVssWMFiledesc_GetAlternateLocation(d, &s), S_OK);
        bstr_was(s, L"/b");
        assert_int_equal(IVssWMFiledesc_GetBackupTypeMask(d, &mask), S_OK);
        assert_int_equal(mask, 0);
        assert_int_equal(IVssWMFiledesc_Release(d), 0);

        assert_int_equal(IVssComponentEx2_GetNewTargetCount(f->c, NULL), E_INVALIDARG);
        assert_int_equal(IVssComponentEx2_GetNewTargetCount(f->c, &n), S_OK);
        assert_int_equal(n, 1);
        assert_int_equal(IVssComponentEx2_GetNewTarget(f->c, 0, NULL), E_INVALIDARG);
        assert_int_equal(IVssComponentEx2_GetNewTarget(f->c, 1, &d), VSS_E_OBJECT_NOT_FOUND);
        assert_int_equal(IVssComponentEx2_GetNewTarget(f->c, 0, &d), S_OK);
        assert_int_equal(IVssWMFiledesc_GetAlternateLocation(d, &s), S_FALSE);
        assert_null(s);
        assert_int_equal(IVssWMFiledesc_Release(d), 0);
}

static void test_that_partial_files_are_added_during_a_backup(void **state) {
        static const struct {
                const WCHAR *path, *filename, *ranges;
                HRESULT hr;
        } cases[] = {
                { NULL,   L"f",  L"0:1",            E_INVALIDARG },
                { L"/a",  NULL,  L"0:1",            E_INVALIDARG },
                { L"/a",  L"f",  NULL,              E_INVALIDARG },
                { L"",    L"f",  L"0:1",            E_INVALIDARG },
                { L"/a",  L"",   L"0:1",            E_INVALIDARG },
                { L"/a",  L"f",  L"",               E_INVALIDARG },
                { L"/a",  L"f",  L"all of it",      E_INVALIDARG },
                { L"/a",  L"f",  L"0:1, 0x100:200", S_OK         },
                { L"/a",  L"f",  L"/tmp/ranges",    S_OK         },
                { L"/a",  L"f",  L"File=/tmp/r",    S_OK         },
        };
        BSTR path, filename, ranges, metadata;
        Fixture *f = *state;
        UINT n;

        assert_int_equal(IVssComponentEx2_AddPartialFile(f->c, L"/a", L"f", L"0:1", NULL), VSS_E_BAD_STATE);
        view_owner_set_rights(f->owner, VIEW_PRE_RESTORE | VIEW_POST_RESTORE | VIEW_RESTORE);
        assert_int_equal(IVssComponentEx2_AddPartialFile(f->c, L"/a", L"f", L"0:1", NULL), VSS_E_BAD_STATE);

        view_owner_set_rights(f->owner, VIEW_POST_SNAPSHOT);
        for (size_t i = 0; i < ELEMENTSOF(cases); ++i)
                assert_int_equal(IVssComponentEx2_AddPartialFile(f->c, cases[i].path, cases[i].filename,
                                                                 cases[i].ranges, NULL),
                                 cases[i].hr);
        view_owner_set_rights(f->owner, VIEW_PREPARE_BACKUP);
        assert_int_equal(IVssComponentEx2_AddPartialFile(f->c, L"/b", L"g", L"1:2", L"m"), S_OK);

        view_owner_set_rights(f->owner, VIEW_READ_ONLY);
        assert_int_equal(IVssComponentEx2_GetPartialFileCount(f->c, NULL), E_INVALIDARG);
        assert_int_equal(IVssComponentEx2_GetPartialFileCount(f->c, &n), S_OK);
        assert_int_equal(n, 4);
        assert_int_equal(IVssComponentEx2_GetPartialFile(f->c, 0, NULL, &filename, &ranges, &metadata),
                         E_INVALIDARG);
        assert_int_equal(IVssComponentEx2_GetPartialFile(f->c, 0, &path, NULL, &ranges, &metadata),
                         E_INVALIDARG);
        assert_int_equal(IVssComponentEx2_GetPartialFile(f->c, 0, &path, &filename, NULL, &metadata),
                         E_INVALIDARG);
        assert_int_equal(IVssComponentEx2_GetPartialFile(f->c, 0, &path, &filename, &ranges, NULL),
                         E_INVALIDARG);
        assert_int_equal(IVssComponentEx2_GetPartialFile(f->c, 4, &path, &filename, &ranges, &metadata),
                         VSS_E_OBJECT_NOT_FOUND);
        assert_null(path);
        assert_int_equal(IVssComponentEx2_GetPartialFile(f->c, 3, &path, &filename, &ranges, &metadata),
                         S_OK);
        bstr_was(path, L"/b");
        bstr_was(filename, L"g");
        bstr_was(ranges, L"1:2");
        bstr_was(metadata, L"m");
        assert_int_equal(IVssComponentEx2_GetPartialFile(f->c, 0, &path, &filename, &ranges, &metadata),
                         S_OK);
        bstr_was(path, L"/a");
        bstr_was(filename, L"f");
        bstr_was(ranges, L"0:1, 0x100:200");
        bstr_was(metadata, NULL);
}

static void test_that_directed_targets_are_added_before_a_restore(void **state) {
        static const struct {
                const WCHAR *from, *to;
                HRESULT hr;
        } cases[] = {
                { L"0:10",       L"100:10",        S_OK         },
                { L"0:10, 50:5", L"100:10, 200:5", S_OK         },
                { L"0:10",       L"100:11",        E_INVALIDARG }, /* not the same size */
                { L"0:10",       L"0:5, 5:5",      E_INVALIDARG }, /* not the same number */
                { L"0:10",       L"all",           E_INVALIDARG },
                { L"all",        L"0:10",          E_INVALIDARG },
                { L"",           L"",              E_INVALIDARG },
        };
        const WCHAR *args[] = { L"/a", L"f", L"0:1", L"/b", L"g", L"5:1" };
        BSTR rets[6], *pointers[] = { &rets[0], &rets[1], &rets[2], &rets[3], &rets[4], &rets[5] };
        Fixture *f = *state;
        UINT n;

        assert_int_equal(IVssComponentEx2_AddDirectedTarget(f->c, L"/a", L"f", L"0:1", L"/b", L"g", L"0:1"),
                         VSS_E_BAD_STATE);
        view_owner_set_rights(f->owner, VIEW_PREPARE_BACKUP | VIEW_POST_SNAPSHOT | VIEW_POST_RESTORE);
        assert_int_equal(IVssComponentEx2_AddDirectedTarget(f->c, L"/a", L"f", L"0:1", L"/b", L"g", L"0:1"),
                         VSS_E_BAD_STATE);

        view_owner_set_rights(f->owner, VIEW_PRE_RESTORE);
        for (size_t i = 0; i < ELEMENTSOF(cases); ++i)
                assert_int_equal(IVssComponentEx2_AddDirectedTarget(f->c, L"/a", L"f", cases[i].from, L"/b",
                                                                    L"g", cases[i].to),
                                 cases[i].hr);

        for (size_t i = 0; i < ELEMENTSOF(args); ++i) {
                const WCHAR *was = args[i];

                args[i] = NULL;
                assert_int_equal(IVssComponentEx2_AddDirectedTarget(f->c, args[0], args[1], args[2], args[3],
                                                                    args[4], args[5]),
                                 E_INVALIDARG);
                args[i] = was;
        }

        assert_int_equal(IVssComponentEx2_GetDirectedTargetCount(f->c, NULL), E_INVALIDARG);
        assert_int_equal(IVssComponentEx2_GetDirectedTargetCount(f->c, &n), S_OK);
        assert_int_equal(n, 2);
        for (size_t i = 0; i < ELEMENTSOF(pointers); ++i) {
                BSTR *was = pointers[i];

                pointers[i] = NULL;
                assert_int_equal(IVssComponentEx2_GetDirectedTarget(f->c, 0, pointers[0], pointers[1],
                                                                    pointers[2], pointers[3], pointers[4],
                                                                    pointers[5]),
                                 E_INVALIDARG);
                pointers[i] = was;
        }
        assert_int_equal(IVssComponentEx2_GetDirectedTarget(f->c, 2, &rets[0], &rets[1], &rets[2], &rets[3],
                                                            &rets[4], &rets[5]),
                         VSS_E_OBJECT_NOT_FOUND);
        assert_int_equal(IVssComponentEx2_GetDirectedTarget(f->c, 0, &rets[0], &rets[1], &rets[2], &rets[3],
                                                            &rets[4], &rets[5]),
                         S_OK);
        bstr_was(rets[0], L"/a");
        bstr_was(rets[1], L"f");
        bstr_was(rets[2], L"0:10");
        bstr_was(rets[3], L"/b");
        bstr_was(rets[4], L"g");
        bstr_was(rets[5], L"100:10");
}

static void test_that_the_restore_target_follows_the_method_unless_said(void **state) {
        VSS_RESTORE_TARGET target;
        Fixture *f = *state;

        assert_int_equal(IVssComponentEx2_GetRestoreTarget(f->c, NULL), E_INVALIDARG);
        assert_int_equal(IVssComponentEx2_GetRestoreTarget(f->c, &target), S_OK);
        assert_int_equal(target, VSS_RT_ORIGINAL);
        assert_int_equal(IVssComponentEx2_SetRestoreTarget(f->c, VSS_RT_DIRECTED), VSS_E_BAD_STATE);

        view_owner_set_rights(f->owner, VIEW_PRE_RESTORE);
        assert_int_equal(IVssComponentEx2_SetRestoreTarget(f->c, VSS_RT_UNDEFINED), E_INVALIDARG);
        assert_int_equal(IVssComponentEx2_SetRestoreTarget(f->c, (VSS_RESTORE_TARGET) 5), E_INVALIDARG);
        for (VSS_RESTORE_TARGET t = VSS_RT_ORIGINAL; t <= VSS_RT_ORIGINAL_LOCATION; ++t) {
                assert_int_equal(IVssComponentEx2_SetRestoreTarget(f->c, t), S_OK);
                assert_int_equal(IVssComponentEx2_GetRestoreTarget(f->c, &target), S_OK);
                assert_int_equal(target, t);
        }
}

static void test_that_a_restore_status_belongs_to_a_restore(void **state) {
        VSS_FILE_RESTORE_STATUS status;
        Fixture *f = *state;

        f->model->file_restore_status = VSS_RS_FAILED;
        assert_int_equal(IVssComponentEx2_GetFileRestoreStatus(f->c, NULL), E_INVALIDARG);
        assert_int_equal(IVssComponentEx2_GetFileRestoreStatus(f->c, &status), VSS_E_BAD_STATE);
        assert_int_equal(status, VSS_RS_UNDEFINED);

        view_owner_set_rights(f->owner, VIEW_RESTORE);
        assert_int_equal(IVssComponentEx2_GetFileRestoreStatus(f->c, &status), S_OK);
        assert_int_equal(status, VSS_RS_FAILED);
        view_owner_set_rights(f->owner, VIEW_POST_RESTORE);
        assert_int_equal(IVssComponentEx2_GetFileRestoreStatus(f->c, &status), S_OK);
}

static void test_that_subcomponents_to_restore_are_listed(void **state) {
        Fixture *f = *state;
        BSTR path, name;
        bool repair;
        UINT n;

        assert_int_equal(backup_component_add_restore_subcomponent(f->model, "p", "n", true), 0);
        assert_int_equal(IVssComponentEx2_GetRestoreSubcomponentCount(f->c, NULL), E_INVALIDARG);
        assert_int_equal(IVssComponentEx2_GetRestoreSubcomponentCount(f->c, &n), S_OK);
        assert_int_equal(n, 1);
        assert_int_equal(IVssComponentEx2_GetRestoreSubcomponent(f->c, 0, NULL, &name, &repair),
                         E_INVALIDARG);
        assert_int_equal(IVssComponentEx2_GetRestoreSubcomponent(f->c, 0, &path, NULL, &repair),
                         E_INVALIDARG);
        assert_int_equal(IVssComponentEx2_GetRestoreSubcomponent(f->c, 0, &path, &name, NULL), E_INVALIDARG);
        assert_int_equal(IVssComponentEx2_GetRestoreSubcomponent(f->c, 1, &path, &name, &repair),
                         VSS_E_OBJECT_NOT_FOUND);
        assert_int_equal(IVssComponentEx2_GetRestoreSubcomponent(f->c, 0, &path, &name, &repair), S_OK);
        bstr_was(path, L"p");
        bstr_was(name, L"n");
        assert_true(repair);
}

static void test_that_differenced_files_carry_a_time(void **state) {
        FILETIME time = { .dwLowDateTime = 0xFFFFFFFF, .dwHighDateTime = 0x01D00000 }, again;
        BSTR path, filespec, lsn = (BSTR) 1;
        Fixture *f = *state;
        BOOL recursive;
        UINT n;

        assert_int_equal(IVssComponentEx2_AddDifferencedFilesByLastModifyTime(f->c, L"/a", L"*", TRUE, time),
                         VSS_E_BAD_STATE);
        view_owner_set_rights(f->owner, VIEW_POST_SNAPSHOT);
        assert_int_equal(IVssComponentEx2_AddDifferencedFilesByLastModifyTime(f->c, NULL, L"*", TRUE, time),
                         E_INVALIDARG);
        assert_int_equal(IVssComponentEx2_AddDifferencedFilesByLastModifyTime(f->c, L"/a", L"", TRUE, time),
                         E_INVALIDARG);
        assert_int_equal(IVssComponentEx2_AddDifferencedFilesByLastModifyTime(f->c, L"/a", L"*", 17, time),
                         S_OK);
        assert_int_equal(IVssComponentEx2_AddDifferencedFilesByLastModifyLSN(f->c, L"/a", L"*", TRUE, NULL),
                         E_NOTIMPL);

        assert_int_equal(IVssComponentEx2_GetDifferencedFilesCount(f->c, NULL), E_INVALIDARG);
        assert_int_equal(IVssComponentEx2_GetDifferencedFilesCount(f->c, &n), S_OK);
        assert_int_equal(n, 1);
        assert_int_equal(
                IVssComponentEx2_GetDifferencedFile(f->c, 0, NULL, &filespec, &recursive, &lsn, &again),
                E_INVALIDARG);
        assert_int_equal(IVssComponentEx2_GetDifferencedFile(f->c, 0, &path, NULL, &recursive, &lsn, &again),
                         E_INVALIDARG);
        assert_int_equal(IVssComponentEx2_GetDifferencedFile(f->c, 0, &path, &filespec, NULL, &lsn, &again),
                         E_INVALIDARG);
        assert_int_equal(
                IVssComponentEx2_GetDifferencedFile(f->c, 0, &path, &filespec, &recursive, NULL, &again),
                E_INVALIDARG);
        assert_int_equal(
                IVssComponentEx2_GetDifferencedFile(f->c, 0, &path, &filespec, &recursive, &lsn, NULL),
                E_INVALIDARG);
        assert_int_equal(
                IVssComponentEx2_GetDifferencedFile(f->c, 1, &path, &filespec, &recursive, &lsn, &again),
                VSS_E_OBJECT_NOT_FOUND);
        assert_int_equal(
                IVssComponentEx2_GetDifferencedFile(f->c, 0, &path, &filespec, &recursive, &lsn, &again),
                S_OK);
        bstr_was(path, L"/a");
        bstr_was(filespec, L"*");
        bstr_was(lsn, NULL);
        assert_int_equal(recursive, TRUE);
        assert_memory_equal(&time, &again, sizeof(time));
}

static void test_that_what_the_requester_wants_restored_is_seen(void **state) {
        VSS_ROLLFORWARD_TYPE type;
        Fixture *f = *state;
        BSTR point;
        bool yes;

        assert_int_equal(IVssComponentEx2_GetAuthoritativeRestore(f->c, NULL), E_INVALIDARG);
        assert_int_equal(IVssComponentEx2_GetAuthoritativeRestore(f->c, &yes), S_OK);
        assert_false(yes);
        f->model->authoritative_restore = true;
        assert_int_equal(IVssComponentEx2_GetAuthoritativeRestore(f->c, &yes), S_OK);
        assert_true(yes);

        assert_int_equal(IVssComponentEx2_GetRollForward(f->c, NULL, &point), E_INVALIDARG);
        assert_int_equal(IVssComponentEx2_GetRollForward(f->c, &type, NULL), E_INVALIDARG);
        assert_int_equal(IVssComponentEx2_GetRollForward(f->c, &type, &point), S_OK);
        assert_int_equal(type, VSS_RF_UNDEFINED);
        assert_null(point);
        f->model->roll_forward = VSS_RF_PARTIAL;
        assert_int_equal(strdup_to("log 17", &f->model->roll_forward_point), 0);
        assert_int_equal(IVssComponentEx2_GetRollForward(f->c, &type, &point), S_OK);
        assert_int_equal(type, VSS_RF_PARTIAL);
        bstr_was(point, L"log 17");
}

static void test_that_a_component_fails_by_itself(void **state) {
        static const struct {
                HRESULT failure;
                DWORD reserved;
                HRESULT hr;
        } cases[] = {
                { E_FAIL,                                 0, E_INVALIDARG },
                { S_FALSE,                                0, E_INVALIDARG },
                { VSS_E_WRITERERROR_PARTIAL_FAILURE,      0, E_INVALIDARG }, /* is for the writer */
                { VSS_E_WRITERERROR_RETRYABLE,            1, E_INVALIDARG },
                { VSS_E_WRITERERROR_INCONSISTENTSNAPSHOT, 0, S_OK         },
                { VSS_E_WRITERERROR_OUTOFRESOURCES,       0, S_OK         },
                { VSS_E_WRITERERROR_TIMEOUT,              0, S_OK         },
                { VSS_E_WRITERERROR_NONRETRYABLE,         0, S_OK         },
                { VSS_E_WRITERERROR_RETRYABLE,            0, S_OK         },
        };
        HRESULT hr = E_FAIL, application = E_FAIL;
        BSTR message = (BSTR) 1;
        DWORD reserved = 1;
        Fixture *f = *state;

        assert_int_equal(IVssComponentEx2_GetFailure(f->c, &hr, &application, &message, &reserved), S_OK);
        assert_int_equal(hr, S_OK);
        assert_int_equal(application, S_OK);
        assert_null(message);
        assert_int_equal(reserved, 0);

        assert_int_equal(IVssComponentEx2_SetFailure(f->c, VSS_E_WRITERERROR_RETRYABLE, 0, NULL, 0),
                         VSS_E_BAD_STATE);
        view_owner_set_rights(f->owner, VIEW_RESTORE);
        assert_int_equal(IVssComponentEx2_SetFailure(f->c, VSS_E_WRITERERROR_RETRYABLE, 0, NULL, 0),
                         VSS_E_BAD_STATE);

        for (unsigned right = VIEW_PREPARE_BACKUP; right <= VIEW_POST_RESTORE; right <<= 1) {
                view_owner_set_rights(f->owner, right);
                for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                        assert_int_equal(IVssComponentEx2_SetFailure(f->c, cases[i].failure, 5, L"why",
                                                                     cases[i].reserved),
                                         cases[i].hr);
                        if (FAILED(cases[i].hr))
                                continue;
                        assert_int_equal(
                                IVssComponentEx2_GetFailure(f->c, &hr, &application, &message, &reserved),
                                S_OK);
                        assert_int_equal(hr, cases[i].failure);
                        assert_int_equal(application, 5);
                        bstr_was(message, L"why");
                }

                assert_int_equal(IVssComponentEx2_SetFailure(f->c, S_OK, 0, NULL, 0), S_OK);
                assert_int_equal(IVssComponentEx2_GetFailure(f->c, &hr, &application, &message, &reserved),
                                 S_OK);
                assert_int_equal(hr, S_OK);
                assert_null(message);
        }

        assert_int_equal(IVssComponentEx2_GetFailure(f->c, NULL, &application, &message, &reserved),
                         E_INVALIDARG);
        assert_int_equal(IVssComponentEx2_GetFailure(f->c, &hr, NULL, &message, &reserved), E_INVALIDARG);
        assert_int_equal(IVssComponentEx2_GetFailure(f->c, &hr, &application, NULL, &reserved),
                         E_INVALIDARG);
        assert_int_equal(IVssComponentEx2_GetFailure(f->c, &hr, &application, &message, NULL), E_INVALIDARG);
}

static void test_that_one_object_answers_for_three_interfaces(void **state) {
        Fixture *f = *state;
        void *p[4];

        assert_int_equal(IVssComponentEx2_QueryInterface(f->c, &IID_IVssComponent, &p[0]), S_OK);
        assert_int_equal(IVssComponentEx2_QueryInterface(f->c, &IID_IVssComponentEx, &p[1]), S_OK);
        assert_int_equal(IVssComponentEx2_QueryInterface(f->c, &IID_IVssComponentEx2, &p[2]), S_OK);
        assert_int_equal(IVssComponentEx2_QueryInterface(f->c, &IID_IUnknown, &p[3]), S_OK);
        for (size_t i = 0; i < ELEMENTSOF(p); ++i) {
                assert_ptr_equal(p[i], f->c);
                IVssComponentEx2_Release(f->c);
        }

        assert_int_equal(IVssComponentEx2_QueryInterface(f->c, &IID_IVssAsync, &p[0]), E_NOINTERFACE);
        assert_null(p[0]);
        table_is_complete(f->c->lpVtbl, sizeof(*f->c->lpVtbl));
}

/* A pointer kept from the last backup, with everything that can be asked of it. [reference pitfalls 1] */
static void test_that_a_kept_component_answers_after_its_view_is_closed(void **state) {
        FILETIME time = { 0 };
        Fixture *f = *state;
        IVssWMFiledesc *d;
        HRESULT hr, application;
        BSTR s[6];
        DWORD reserved;
        bool b;
        BOOL B;
        UINT n;

        view_owner_set_rights(f->owner, VIEW_ANY_EVENT);
        view_owner_invalidate(f->owner);
        f->owner = view_owner_unref(f->owner); /* the component alone keeps it now */

        for (size_t i = 0; i < ELEMENTSOF(texts); ++i) {
                assert_int_equal(texts[i].get(f->c, &s[0]), VSS_E_OBJECT_NOT_FOUND);
                assert_null(s[0]);
                if (texts[i].set)
                        assert_int_equal(texts[i].set(f->c, L"x"), VSS_E_BAD_STATE);
        }

#define GONE(method, ...) \
        assert_int_equal(IVssComponentEx2_##method(f->c, __VA_ARGS__), VSS_E_OBJECT_NOT_FOUND)
#define LATE(method, ...) assert_int_equal(IVssComponentEx2_##method(f->c, __VA_ARGS__), VSS_E_BAD_STATE)
        GONE(GetLogicalPath, &s[0]);
        GONE(GetComponentName, &s[0]);
        GONE(GetComponentType, &(VSS_COMPONENT_TYPE){ 0 });
        GONE(GetBackupSucceeded, &b);
        GONE(GetAdditionalRestores, &b);
        LATE(IsSelectedForRestore, &b);
        GONE(GetAuthoritativeRestore, &b);
        GONE(GetAlternateLocationMappingCount, &n);
        GONE(GetAlternateLocationMapping, 0, &d);
        GONE(GetNewTargetCount, &n);
        GONE(GetNewTarget, 0, &d);
        GONE(GetPartialFileCount, &n);
        LATE(GetPartialFile, 0, &s[0], &s[1], &s[2], &s[3]);
        GONE(GetDirectedTargetCount, &n);
        GONE(GetDirectedTarget, 0, &s[0], &s[1], &s[2], &s[3], &s[4], &s[5]);
        GONE(GetRestoreSubcomponentCount, &n);
        GONE(GetRestoreSubcomponent, 0, &s[0], &s[1], &b);
        GONE(GetDifferencedFilesCount, &n);
        GONE(GetDifferencedFile, 0, &s[0], &s[1], &B, &s[2], &time);
        GONE(GetRestoreTarget, &(VSS_RESTORE_TARGET){ 0 });
        LATE(SetRestoreTarget, VSS_RT_DIRECTED);
        LATE(GetFileRestoreStatus, &(VSS_FILE_RESTORE_STATUS){ 0 });
        GONE(GetRollForward, &(VSS_ROLLFORWARD_TYPE){ 0 }, &s[0]);
        LATE(AddPartialFile, L"/a", L"b", L"0:1", NULL);
        LATE(AddDirectedTarget, L"/a", L"b", L"0:1", L"/c", L"d", L"0:1");
        LATE(AddDifferencedFilesByLastModifyTime, L"/a", L"b", FALSE, time);
        LATE(SetFailure, VSS_E_WRITERERROR_RETRYABLE, 0, NULL, 0);
        LATE(GetFailure, &hr, &application, &s[0], &reserved);
#undef GONE
#undef LATE
}

static void test_that_a_document_can_be_taken_back(void **state) {
        Fixture *f = *state;
        BackupDoc *d;
        BSTR s;

        d = view_owner_take_doc(f->owner);
        assert_non_null(d);
        assert_null(view_owner_take_doc(f->owner));
        assert_int_equal(get_ComponentName(f->c, &s), VSS_E_OBJECT_NOT_FOUND);
        backup_doc_free(d);
        assert_int_equal(get_ComponentName(f->c, &s), VSS_E_OBJECT_NOT_FOUND);
}

static HRESULT say_everything(Fixture *f) {
        BSTR s[4] = { 0 };
        HRESULT hr;

        hr = IVssComponentEx2_SetBackupStamp(f->c, L"stamp");
        if (SUCCEEDED(hr))
                hr = IVssComponentEx2_AddPartialFile(f->c, L"/a", L"b", L"0:1", L"m");
        if (SUCCEEDED(hr))
                hr = IVssComponentEx2_AddDifferencedFilesByLastModifyTime(f->c, L"/a", L"b", TRUE,
                                                                          (FILETIME){ 0 });
        if (SUCCEEDED(hr))
                hr = IVssComponentEx2_AddDirectedTarget(f->c, L"/a", L"b", L"0:1", L"/c", L"d", L"0:1");
        if (SUCCEEDED(hr))
                hr = IVssComponentEx2_SetFailure(f->c, VSS_E_WRITERERROR_RETRYABLE, 0, L"message", 0);
        if (SUCCEEDED(hr))
                hr = IVssComponentEx2_GetPartialFile(f->c, 0, &s[0], &s[1], &s[2], &s[3]);

        for (size_t i = 0; i < ELEMENTSOF(s); ++i) {
                assert_true(SUCCEEDED(hr) || !s[i]);
                bstr_free(s[i]);
        }
        return hr;
}

static void test_that_it_survives_any_failed_allocation(void **state) {
        HRESULT hr = E_OUTOFMEMORY;
        Fixture *f = *state;

        view_owner_set_rights(f->owner, VIEW_ANY_EVENT);
        for (unsigned n = 0; hr == E_OUTOFMEMORY; ++n) {
                fault_fail_allocation(n);
                hr = say_everything(f);
                fault_clear();
        }

        assert_int_equal(hr, S_OK);
}

#define COMPONENT_TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                COMPONENT_TEST(test_that_texts_are_read_as_they_are_in_the_model),
                COMPONENT_TEST(test_that_texts_are_set_in_their_event_and_at_no_other_time),
                COMPONENT_TEST(test_that_a_text_no_document_could_hold_is_refused),
                COMPONENT_TEST(test_that_a_component_says_what_it_is),
                cmocka_unit_test_setup_teardown(test_that_no_logical_path_is_a_success_of_its_own,
                                                setup_without_path, teardown),
                COMPONENT_TEST(test_that_what_was_never_said_is_told_from_no),
                COMPONENT_TEST(test_that_mappings_and_new_targets_are_file_sets),
                COMPONENT_TEST(test_that_partial_files_are_added_during_a_backup),
                COMPONENT_TEST(test_that_directed_targets_are_added_before_a_restore),
                COMPONENT_TEST(test_that_the_restore_target_follows_the_method_unless_said),
                COMPONENT_TEST(test_that_a_restore_status_belongs_to_a_restore),
                COMPONENT_TEST(test_that_subcomponents_to_restore_are_listed),
                COMPONENT_TEST(test_that_differenced_files_carry_a_time),
                COMPONENT_TEST(test_that_what_the_requester_wants_restored_is_seen),
                COMPONENT_TEST(test_that_a_component_fails_by_itself),
                COMPONENT_TEST(test_that_one_object_answers_for_three_interfaces),
                COMPONENT_TEST(test_that_a_kept_component_answers_after_its_view_is_closed),
                COMPONENT_TEST(test_that_a_document_can_be_taken_back),
                COMPONENT_TEST(test_that_it_survives_any_failed_allocation),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
