/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * IVssComponent, IVssComponentEx and IVssComponentEx2: what every method returns, and when. A table of all
 * methods, and for each thing that can be the matter a test that walks over it.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <oleauto.h>
#include <vsserror.h>

#include "base/alloc.h"
#include "doc/backup-doc.h"
#include "lib/reference.h"
#include "lib/test-util.h"
#include "view/component.h"

#define ID "11111111-2222-3333-4444-555555555555"
#define HEAD                                                                                        \
        "<BACKUP_COMPONENTS xmlns=\"x-schema:#VssComponentMetadata\" version=\"1.2\">"              \
        "<WRITER_COMPONENTS instanceId=\"" ID "\" writerId=\"" ID "\">"
#define TAIL "</WRITER_COMPONENTS></BACKUP_COMPONENTS>"

/* Everything that can be said of a component. */
#define SAID                                                                                                \
        "<COMPONENT logicalPath=\"p\" componentName=\"n\" componentType=\"database\" backupStamp=\"s\" "    \
        "previousBackupStamp=\"t\" backupOptions=\"o\" restoreOptions=\"r\" backupSucceeded=\"yes\" "       \
        "additionalRestores=\"yes\" selectedForRestore=\"yes\" restoreTarget=\"directed\" "                 \
        "fileRestoreStatus=\"all\" prepareForBackupFailureMsg=\"a\" postSnapshotFailureMsg=\"b\" "          \
        "preRestoreFailureMsg=\"c\" postRestoreFailureMsg=\"d\" authoritativeRestore=\"yes\" "              \
        "rollForwardType=\"partial\" rollForwardPoint=\"e\" restoreName=\"f\" failure=\"2147754996\" "      \
        "failureApplication=\"5\" failureMessage=\"why\">"                                                  \
        "<BACKUP_METADATA metadata=\"m\"/><RESTORE_METADATA metadata=\"m\"/>"                               \
        "<ALTERNATE_LOCATION_MAPPING path=\"/a\" filespec=\"*\" alternatePath=\"/b\"/>"                     \
        "<NEW_TARGET path=\"/a\" filespec=\"*\" alternatePath=\"/c\"/>"                                     \
        "<PARTIAL_FILE path=\"/a\" filename=\"f\" ranges=\"0:1\" metadata=\"m\"/>"                          \
        "<DIFFERENCED_FILES path=\"/a\" filespec=\"*\" lastModifyTime=\"7\"/>"                              \
        "<DIRECTED_TARGET sourcePath=\"/a\" sourceFilename=\"f\" sourceRanges=\"0:1\" "                     \
        "destinationPath=\"/b\" destinationFilename=\"g\" destinationRanges=\"0:1\"/>"                      \
        "<RESTORE_SUBCOMPONENT logicalPath=\"p\" componentName=\"n\"/></COMPONENT>"

/* Nothing but its name, and that it was looked after. */
#define UNSAID "<COMPONENT componentName=\"n\" componentType=\"database\"/>"

#define DAMAGED "<COMPONENT componentName=\"n\" componentType=\"database\" failure=\"?\"/>"

/* The entries of its lists are, and it is not. */
#define DAMAGED_ENTRIES                                                                             \
        "<COMPONENT componentName=\"n\" componentType=\"database\">"                                \
        "<BACKUP_METADATA/><BACKUP_METADATA/><RESTORE_METADATA/><RESTORE_METADATA/>"                \
        "<DIFFERENCED_FILES lastModifyTime=\"?\"/><RESTORE_SUBCOMPONENT repair=\"?\"/></COMPONENT>"

typedef struct Fixture {
        ViewOwner *owner;
        IVssComponentEx2 *c;
        UINT i; /* of the entry that is asked for */
} Fixture;

static void fixture_open(Fixture *f, const char *component, unsigned rights) {
        _cleanup_(freep) char *text = NULL;
        BackupDoc *doc = NULL;

        assert_true(asprintf(&text, "%s%s%s", HEAD, component, TAIL) > 0);
        assert_int_equal(backup_doc_read(text, strlen(text), &doc), S_OK);
        assert_int_equal(view_owner_new(doc, rights, &f->owner), 0);
        assert_int_equal(component_new(f->owner, doc->writers[0]->components[0], &f->c), S_OK);
        f->i = 0;
}

static void fixture_close(Fixture *f) {
        assert_int_equal(IVssComponentEx2_Release(f->c), 0);
        f->owner = view_owner_unref(f->owner);
}

/* On failure nothing came out; on success it is freed. */
static HRESULT took(HRESULT hr, BSTR *texts, size_t n) {
        for (size_t i = 0; i < n; ++i) {
                assert_true(SUCCEEDED(hr) || !texts[i]);
                SysFreeString(texts[i]); /* the caller's, by COM's own function */
        }

        return hr;
}

/* A good call of each method, and one with something that it does not take. */
#define TEXT_OUT(method)                                                                            \
        static HRESULT method(Fixture *f) {                                                         \
                BSTR s = (BSTR) 1;                                                                  \
                HRESULT hr = IVssComponentEx2_##method(f->c, &s);                                   \
                                                                                                    \
                return took(hr, &s, 1);                                                             \
        }                                                                                           \
        static HRESULT bad_##method(Fixture *f) {                                                   \
                return IVssComponentEx2_##method(f->c, NULL);                                       \
        }
#define VALUE_OUT(method, Type)                                                                     \
        static HRESULT method(Fixture *f) {                                                         \
                return IVssComponentEx2_##method(f->c, &(Type){ 0 });                               \
        }                                                                                           \
        static HRESULT bad_##method(Fixture *f) {                                                   \
                return IVssComponentEx2_##method(f->c, NULL);                                       \
        }
#define TEXT_IN(method)                                                                             \
        static HRESULT method(Fixture *f) {                                                         \
                return IVssComponentEx2_##method(f->c, L"text");                                    \
        }                                                                                           \
        static HRESULT bad_##method(Fixture *f) {                                                   \
                return IVssComponentEx2_##method(f->c, NULL);                                       \
        }
#define FILEDESC_OUT(method)                                                                        \
        static HRESULT method(Fixture *f) {                                                         \
                IVssWMFiledesc *d = (IVssWMFiledesc *) 1;                                           \
                HRESULT hr = IVssComponentEx2_##method(f->c, f->i, &d);                             \
                                                                                                    \
                if (SUCCEEDED(hr))                                                                  \
                        assert_int_equal(IVssWMFiledesc_Release(d), 0);                             \
                else                                                                                \
                        assert_null(d);                                                             \
                return hr;                                                                          \
        }                                                                                           \
        static HRESULT bad_##method(Fixture *f) {                                                   \
                return IVssComponentEx2_##method(f->c, 0, NULL);                                    \
        }

TEXT_OUT(GetLogicalPath)
VALUE_OUT(GetComponentType, VSS_COMPONENT_TYPE)
TEXT_OUT(GetComponentName)
VALUE_OUT(GetBackupSucceeded, bool)
VALUE_OUT(GetAlternateLocationMappingCount, UINT)
FILEDESC_OUT(GetAlternateLocationMapping)
TEXT_IN(SetBackupMetadata)
TEXT_OUT(GetBackupMetadata)
VALUE_OUT(GetPartialFileCount, UINT)
VALUE_OUT(IsSelectedForRestore, bool)
VALUE_OUT(GetAdditionalRestores, bool)
VALUE_OUT(GetNewTargetCount, UINT)
FILEDESC_OUT(GetNewTarget)
VALUE_OUT(GetDirectedTargetCount, UINT)
TEXT_IN(SetRestoreMetadata)
TEXT_OUT(GetRestoreMetadata)
VALUE_OUT(GetRestoreTarget, VSS_RESTORE_TARGET)
TEXT_IN(SetPreRestoreFailureMsg)
TEXT_OUT(GetPreRestoreFailureMsg)
TEXT_IN(SetPostRestoreFailureMsg)
TEXT_OUT(GetPostRestoreFailureMsg)
TEXT_IN(SetBackupStamp)
TEXT_OUT(GetBackupStamp)
TEXT_OUT(GetPreviousBackupStamp)
TEXT_OUT(GetBackupOptions)
TEXT_OUT(GetRestoreOptions)
VALUE_OUT(GetRestoreSubcomponentCount, UINT)
VALUE_OUT(GetFileRestoreStatus, VSS_FILE_RESTORE_STATUS)
VALUE_OUT(GetDifferencedFilesCount, UINT)
TEXT_IN(SetPrepareForBackupFailureMsg)
TEXT_IN(SetPostSnapshotFailureMsg)
TEXT_OUT(GetPrepareForBackupFailureMsg)
TEXT_OUT(GetPostSnapshotFailureMsg)
VALUE_OUT(GetAuthoritativeRestore, bool)
TEXT_OUT(GetRestoreName)

static HRESULT AddPartialFile(Fixture *f) {
        return IVssComponentEx2_AddPartialFile(f->c, L"/a", L"f", L"0:1, 0x10:2", L"m");
}

static HRESULT bad_AddPartialFile(Fixture *f) {
        return IVssComponentEx2_AddPartialFile(f->c, L"/a", L"f", L"all", L"m");
}

static HRESULT GetPartialFile(Fixture *f) {
        BSTR s[4];
        HRESULT hr = IVssComponentEx2_GetPartialFile(f->c, f->i, &s[0], &s[1], &s[2], &s[3]);

        return took(hr, s, ELEMENTSOF(s));
}

static HRESULT bad_GetPartialFile(Fixture *f) {
        BSTR s[3];

        return IVssComponentEx2_GetPartialFile(f->c, 0, &s[0], NULL, &s[1], &s[2]);
}

static HRESULT AddDirectedTarget(Fixture *f) {
        return IVssComponentEx2_AddDirectedTarget(f->c, L"/a", L"f", L"0:1", L"/b", L"g", L"5:1");
}

static HRESULT bad_AddDirectedTarget(Fixture *f) {
        return IVssComponentEx2_AddDirectedTarget(f->c, L"/a", L"f", L"0:1", L"/b", L"g", L"5:2");
}

static HRESULT GetDirectedTarget(Fixture *f) {
        BSTR s[6];
        HRESULT hr =
                IVssComponentEx2_GetDirectedTarget(f->c, f->i, &s[0], &s[1], &s[2], &s[3], &s[4], &s[5]);

        return took(hr, s, ELEMENTSOF(s));
}

static HRESULT bad_GetDirectedTarget(Fixture *f) {
        BSTR s[5];

        return IVssComponentEx2_GetDirectedTarget(f->c, 0, &s[0], &s[1], &s[2], &s[3], &s[4], NULL);
}

static HRESULT SetRestoreTarget(Fixture *f) {
        return IVssComponentEx2_SetRestoreTarget(f->c, VSS_RT_DIRECTED);
}

static HRESULT bad_SetRestoreTarget(Fixture *f) {
        return IVssComponentEx2_SetRestoreTarget(f->c, VSS_RT_UNDEFINED);
}

static HRESULT GetRestoreSubcomponent(Fixture *f) {
        HRESULT hr;
        BSTR s[2];
        bool b;

        hr = IVssComponentEx2_GetRestoreSubcomponent(f->c, f->i, &s[0], &s[1], &b);
        return took(hr, s, ELEMENTSOF(s));
}

static HRESULT bad_GetRestoreSubcomponent(Fixture *f) {
        BSTR s[2];

        return IVssComponentEx2_GetRestoreSubcomponent(f->c, 0, &s[0], &s[1], NULL);
}

static HRESULT AddDifferencedFilesByLastModifyTime(Fixture *f) {
        return IVssComponentEx2_AddDifferencedFilesByLastModifyTime(f->c, L"/a", L"*", TRUE,
                                                                    (FILETIME){ .dwLowDateTime = 1 });
}

static HRESULT bad_AddDifferencedFilesByLastModifyTime(Fixture *f) {
        return IVssComponentEx2_AddDifferencedFilesByLastModifyTime(f->c, L"", L"*", TRUE, (FILETIME){ 0 });
}

static HRESULT GetDifferencedFile(Fixture *f) {
        FILETIME time;
        HRESULT hr;
        BSTR s[3];
        BOOL b;

        hr = IVssComponentEx2_GetDifferencedFile(f->c, f->i, &s[0], &s[1], &b, &s[2], &time);
        return took(hr, s, ELEMENTSOF(s));
}

static HRESULT bad_GetDifferencedFile(Fixture *f) {
        BSTR s[3];
        BOOL b;

        return IVssComponentEx2_GetDifferencedFile(f->c, 0, &s[0], &s[1], &b, &s[2], NULL);
}

static HRESULT GetRollForward(Fixture *f) {
        BSTR s;
        HRESULT hr = IVssComponentEx2_GetRollForward(f->c, &(VSS_ROLLFORWARD_TYPE){ 0 }, &s);

        return took(hr, &s, 1);
}

static HRESULT bad_GetRollForward(Fixture *f) {
        return IVssComponentEx2_GetRollForward(f->c, &(VSS_ROLLFORWARD_TYPE){ 0 }, NULL);
}

static HRESULT SetFailure(Fixture *f) {
        return IVssComponentEx2_SetFailure(f->c, VSS_E_WRITERERROR_RETRYABLE, 1, L"why", 0);
}

static HRESULT bad_SetFailure(Fixture *f) {
        return IVssComponentEx2_SetFailure(f->c, E_FAIL, 1, L"why", 0);
}

static HRESULT GetFailure(Fixture *f) {
        HRESULT failure, application, hr;
        DWORD reserved;
        BSTR s;

        hr = IVssComponentEx2_GetFailure(f->c, &failure, &application, &s, &reserved);
        return took(hr, &s, 1);
}

static HRESULT bad_GetFailure(Fixture *f) {
        HRESULT failure, application;
        BSTR s;

        return IVssComponentEx2_GetFailure(f->c, &failure, &application, &s, NULL);
}

#define BACKUP (VIEW_PREPARE_BACKUP | VIEW_POST_SNAPSHOT)
#define RESTORE (VIEW_RESTORE | VIEW_PRE_RESTORE | VIEW_POST_RESTORE)

typedef enum MethodFlags {
        ALLOCATES = 1U << 0,
        ENTRY = 1U << 1,     /* of a list, by its number */
        SAYS_NONE = 1U << 2, /* S_FALSE when nothing was said */
        ONCE = 1U << 3,
        CLOSED = 1U << 4,    /* a getter of which the page knows VSS_E_BAD_STATE */
        INVALID = 1U << 5,   /* the page knows VSS_E_INVALID_XML_DOCUMENT */
        NO_CODES = 1U << 6,  /* the page knows S_OK and "any error" */
} MethodFlags;

static const struct {
        const char *iface, *name;
        HRESULT (*call)(Fixture *f);
        HRESULT (*bad)(Fixture *f);
        unsigned rights; /* 0: anybody at any time */
        unsigned flags;
} methods[] = {
#define M(iface, method, rights, flags) { #iface, #method, method, bad_##method, rights, flags }
#define TEXT_FLAGS (ALLOCATES | SAYS_NONE | INVALID)
        M(IVssComponent, GetLogicalPath, 0, TEXT_FLAGS),
        M(IVssComponent, GetComponentType, 0, INVALID),
        M(IVssComponent, GetComponentName, 0, ALLOCATES | INVALID),
        M(IVssComponent, GetBackupSucceeded, 0, SAYS_NONE | INVALID),
        M(IVssComponent, GetAlternateLocationMappingCount, 0, 0),
        M(IVssComponent, GetAlternateLocationMapping, 0, ALLOCATES | ENTRY | INVALID),
        M(IVssComponent, SetBackupMetadata, BACKUP, ALLOCATES | ONCE),
        M(IVssComponent, GetBackupMetadata, 0, TEXT_FLAGS),
        M(IVssComponent, AddPartialFile, BACKUP, ALLOCATES),
        M(IVssComponent, GetPartialFileCount, 0, 0),
        M(IVssComponent, GetPartialFile, 0, ALLOCATES | ENTRY | CLOSED | INVALID),
        M(IVssComponent, IsSelectedForRestore, 0, CLOSED),
        M(IVssComponent, GetAdditionalRestores, 0, SAYS_NONE | INVALID),
        M(IVssComponent, GetNewTargetCount, 0, 0),
        M(IVssComponent, GetNewTarget, 0, ALLOCATES | ENTRY | INVALID),
        M(IVssComponent, AddDirectedTarget, VIEW_PRE_RESTORE, ALLOCATES),
        M(IVssComponent, GetDirectedTargetCount, 0, 0),
        M(IVssComponent, GetDirectedTarget, 0, ALLOCATES | ENTRY | INVALID),
        M(IVssComponent, SetRestoreMetadata, VIEW_PRE_RESTORE, ALLOCATES | ONCE),
        M(IVssComponent, GetRestoreMetadata, 0, TEXT_FLAGS),
        M(IVssComponent, SetRestoreTarget, VIEW_PRE_RESTORE, 0),
        M(IVssComponent, GetRestoreTarget, 0, INVALID),
        M(IVssComponent, SetPreRestoreFailureMsg, VIEW_PRE_RESTORE, ALLOCATES),
        M(IVssComponent, GetPreRestoreFailureMsg, 0, TEXT_FLAGS),
        M(IVssComponent, SetPostRestoreFailureMsg, VIEW_POST_RESTORE, ALLOCATES),
        M(IVssComponent, GetPostRestoreFailureMsg, 0, TEXT_FLAGS),
        M(IVssComponent, SetBackupStamp, BACKUP, ALLOCATES),
        M(IVssComponent, GetBackupStamp, 0, TEXT_FLAGS),
        M(IVssComponent, GetPreviousBackupStamp, 0, TEXT_FLAGS),
        M(IVssComponent, GetBackupOptions, 0, TEXT_FLAGS),
        M(IVssComponent, GetRestoreOptions, 0, TEXT_FLAGS),
        M(IVssComponent, GetRestoreSubcomponentCount, 0, 0),
        M(IVssComponent, GetRestoreSubcomponent, 0, ALLOCATES | ENTRY | INVALID),
        M(IVssComponent, GetFileRestoreStatus, RESTORE, INVALID),
        M(IVssComponent, AddDifferencedFilesByLastModifyTime, BACKUP, ALLOCATES | INVALID),
        M(IVssComponent, GetDifferencedFilesCount, 0, 0),
        M(IVssComponent, GetDifferencedFile, 0, ALLOCATES | ENTRY | INVALID),
        M(IVssComponentEx, SetPrepareForBackupFailureMsg, VIEW_PREPARE_BACKUP, ALLOCATES),
        M(IVssComponentEx, SetPostSnapshotFailureMsg, VIEW_POST_SNAPSHOT, ALLOCATES),
        M(IVssComponentEx, GetPrepareForBackupFailureMsg, 0, ALLOCATES | SAYS_NONE),
        M(IVssComponentEx, GetPostSnapshotFailureMsg, 0, ALLOCATES | SAYS_NONE),
        M(IVssComponentEx, GetAuthoritativeRestore, 0, 0),
        M(IVssComponentEx, GetRollForward, 0, ALLOCATES),
        M(IVssComponentEx, GetRestoreName, 0, ALLOCATES),
        M(IVssComponentEx2, SetFailure, VIEW_ANY_EVENT, ALLOCATES | NO_CODES),
        M(IVssComponentEx2, GetFailure, 0, ALLOCATES | CLOSED),
#undef M
};

/* The page has the row. */
static void reached(size_t i, const char *symbol, HRESULT expected, HRESULT actual) {
        reference_assert_returned(methods[i].iface, methods[i].name, symbol, expected, actual, __FILE__,
                                  __LINE__);
}
#define REACHED(i, symbol, actual) reached(i, #symbol, symbol, actual)

/* It has not, and still this is what happens. */
static void happens(size_t i, HRESULT expected, HRESULT actual) {
        if (actual != expected)
                fail_msg("%s() returned %08x, not %08x", methods[i].name, (unsigned) actual,
                         (unsigned) expected);
}

static void test_that_everything_that_was_said_is_told_and_all_may_be_said(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(methods); ++i) {
                Fixture f;

                fixture_open(&f, methods[i].flags & ONCE ? UNSAID : SAID, VIEW_ANY_EVENT);
                REACHED(i, S_OK, methods[i].call(&f));
                fixture_close(&f);
        }
}

static void test_that_a_bad_argument_is_refused_before_anything_else(void **state) {
        static const unsigned rights[] = { VIEW_ANY_EVENT, VIEW_READ_ONLY };

        for (size_t i = 0; i < ELEMENTSOF(methods); ++i)
                for (size_t k = 0; k < ELEMENTSOF(rights); ++k) {
                        Fixture f;

                        /* Ranges are looked into only when they could be taken. */
                        if (!rights[k] && strncmp(methods[i].name, "Add", 3) == 0)
                                continue;

                        fixture_open(&f, SAID, rights[k]);
                        if (methods[i].flags & NO_CODES)
                                happens(i, E_INVALIDARG, methods[i].bad(&f));
                        else
                                REACHED(i, E_INVALIDARG, methods[i].bad(&f));
                        fixture_close(&f);
                }

        REACHES_RETURN(IVssComponentEx2, SetFailure, "HRESULT");
}

static void test_that_what_was_never_said_is_a_success_of_its_own(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(methods); ++i) {
                Fixture f;

                if (!(methods[i].flags & SAYS_NONE))
                        continue;

                fixture_open(&f, UNSAID, VIEW_READ_ONLY);
                REACHED(i, S_FALSE, methods[i].call(&f));
                fixture_close(&f);
        }
}

static void test_that_a_component_without_a_name_says_so(void **state) {
        Fixture f;

        fixture_open(&f, "<COMPONENT componentName=\"\" componentType=\"database\"/>", VIEW_READ_ONLY);
        ASSERT_RETURNS(IVssComponent, GetComponentName, S_FALSE, GetComponentName(&f));
        fixture_close(&f);
}

static void test_that_no_memory_is_said_and_nothing_changed(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(methods); ++i) {
                HRESULT hr = E_OUTOFMEMORY;

                for (unsigned n = 0; hr == E_OUTOFMEMORY; ++n) {
                        _cleanup_(freep) char *before = NULL, *after = NULL;
                        Fixture f;

                        fixture_open(&f, methods[i].flags & ONCE ? UNSAID : SAID, VIEW_ANY_EVENT);
                        assert_int_equal(backup_doc_write(f.owner->doc, &before, &(size_t){ 0 }), S_OK);

                        fault_fail_allocation(n);
                        hr = methods[i].call(&f);
                        fault_clear();

                        if (hr == E_OUTOFMEMORY) {
                                assert_int_equal(backup_doc_write(f.owner->doc, &after, &(size_t){ 0 }),
                                                 S_OK);
                                assert_string_equal(before, after);
                                if (!(methods[i].flags & NO_CODES))
                                        REACHED(i, E_OUTOFMEMORY, hr);
                        }
                        fixture_close(&f);
                        assert_true((n > 0 || !(methods[i].flags & ALLOCATES)) || hr == E_OUTOFMEMORY);
                }

                happens(i, S_OK, hr);
        }
}

static void test_that_nothing_is_said_but_in_its_event(void **state) {
        static const unsigned all[] = { VIEW_READ_ONLY,   VIEW_PREPARE_BACKUP, VIEW_POST_SNAPSHOT,
                                        VIEW_PRE_RESTORE, VIEW_POST_RESTORE,   VIEW_RESTORE };

        for (size_t i = 0; i < ELEMENTSOF(methods); ++i)
                for (size_t k = 0; k < ELEMENTSOF(all); ++k) {
                        Fixture f;
                        HRESULT hr;

                        fixture_open(&f, methods[i].flags & ONCE ? UNSAID : SAID, all[k]);
                        hr = methods[i].call(&f);
                        if (!methods[i].rights || (methods[i].rights & all[k]))
                                happens(i, S_OK, hr);
                        else if (methods[i].flags & NO_CODES)
                                happens(i, VSS_E_BAD_STATE, hr);
                        else
                                REACHED(i, VSS_E_BAD_STATE, hr);
                        fixture_close(&f);
                }
}

/* What the test before has shown of each method: writers may say it in their event and at no other time, and
 * everybody may ask at any time, and frees what comes out. */
static void test_that_these_are_the_rules_of_who_may_when(void **state) {
        static const struct {
                const char *iface, *method, *part;
        } rules[] = {
                { "IVssComponent", "*", "writers may modify the document until the end" },
                { "IVssComponent", "GetLogicalPath", "writer or requester may call" },
                { "IVssComponent", "GetComponentType", "writer or requester may call" },
                { "IVssComponent", "GetComponentName", "writer or requester may call" },
                { "IVssComponent", "SetBackupMetadata", "writer only, backup only" },
                { "IVssComponent", "GetBackupMetadata", "any time" },
                { "IVssComponent", "AddPartialFile", "writer only, backup only" },
                { "IVssComponent", "AddPartialFile", "in PrepareForBackup or PostSnapshot handling" },
                { "IVssComponent", "IsSelectedForRestore", "writer or requester may call" },
                { "IVssComponent", "GetAdditionalRestores", "writer or requester may call" },
                { "IVssComponent", "GetNewTargetCount", "writer or requester may call" },
                { "IVssComponent", "GetNewTarget", "writer or requester may call" },
                { "IVssComponent", "AddDirectedTarget", "writer only, restore only" },
                { "IVssComponent", "AddDirectedTarget", "in PreRestore handling" },
                { "IVssComponent", "GetDirectedTargetCount", "writer or requester may call" },
                { "IVssComponent", "SetRestoreMetadata", "only inside CVssWriter::OnPreRestore" },
                { "IVssComponent", "GetRestoreMetadata", "any time" },
                { "IVssComponent", "SetRestoreTarget", "writer only, restore only" },
                { "IVssComponent", "GetRestoreTarget", "writer or requester" },
                { "IVssComponent", "SetPreRestoreFailureMsg", "writer only, restore only" },
                { "IVssComponent", "GetPreRestoreFailureMsg", "writer or requester" },
                { "IVssComponent", "SetPostRestoreFailureMsg", "writer only, restore only" },
                { "IVssComponent", "GetPostRestoreFailureMsg", "writer or requester" },
                { "IVssComponent", "SetBackupStamp", "writer only, backup only" },
                { "IVssComponent", "GetBackupStamp", "writer or requester" },
                { "IVssComponent", "GetPreviousBackupStamp", "writer or requester" },
                { "IVssComponent", "GetBackupOptions", "writer or requester" },
                { "IVssComponent", "GetRestoreOptions", "writer or requester" },
                { "IVssComponent", "GetRestoreSubcomponentCount", "writer or requester" },
                { "IVssComponent", "GetRestoreSubcomponent", "writer or requester" },
                { "IVssComponent", "GetFileRestoreStatus", "writer or requester" },
                { "IVssComponent", "AddDifferencedFilesByLastModifyTime", "writer only, backup only" },
                { "IVssComponentEx", "SetPrepareForBackupFailureMsg", "only inside" },
                { "IVssComponentEx", "SetPostSnapshotFailureMsg", "only inside" },
                { "IVssComponentEx", "GetPrepareForBackupFailureMsg", "writer or requester" },
                { "IVssComponentEx", "GetPostSnapshotFailureMsg", "writer or requester" },
                { "IVssComponentEx", "GetAuthoritativeRestore", "writer must declare" },
                { "IVssComponentEx", "GetRollForward", "freed with SysFreeString" },
                { "IVssComponentEx", "GetRestoreName", "caller frees with SysFreeString" },
                { "IVssComponentEx2", "SetFailure", "writer only" },
                { "IVssComponentEx2", "GetFailure", "all four outputs mandatory" },
        };

        test_that_nothing_is_said_but_in_its_event(state);
        for (size_t i = 0; i < ELEMENTSOF(rules); ++i)
                reference_reach_rule(rules[i].iface, rules[i].method, rules[i].part);
}

/* A pointer that was kept after the handler, or after the requester went on. */
static void test_that_a_closed_view_says_and_takes_nothing(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(methods); ++i) {
                Fixture f;
                HRESULT hr;

                fixture_open(&f, SAID, VIEW_ANY_EVENT);
                view_owner_invalidate(f.owner);
                hr = methods[i].call(&f);
                if (methods[i].flags & CLOSED)
                        REACHED(i, VSS_E_BAD_STATE, hr);
                else if (strcmp(methods[i].name, "GetRestoreTarget") == 0)
                        REACHED(i, VSS_E_OBJECT_NOT_FOUND, hr);
                else
                        happens(i, methods[i].rights ? VSS_E_BAD_STATE : VSS_E_OBJECT_NOT_FOUND, hr);
                fixture_close(&f);
        }
}

static void test_that_a_damaged_component_says_so_in_every_method(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(methods); ++i) {
                Fixture f;
                HRESULT hr;

                fixture_open(&f, DAMAGED, VIEW_ANY_EVENT);
                hr = methods[i].call(&f);
                if (methods[i].flags & INVALID)
                        REACHED(i, VSS_E_INVALID_XML_DOCUMENT, hr);
                else
                        happens(i, VSS_E_INVALID_XML_DOCUMENT, hr);
                fixture_close(&f);
        }
}

static void test_that_damage_inside_a_component_is_met_where_it_is(void **state) {
        Fixture f;

        fixture_open(&f, DAMAGED_ENTRIES, VIEW_ANY_EVENT);
        assert_int_equal(GetComponentName(&f), S_OK);
        assert_int_equal(GetBackupMetadata(&f), VSS_E_INVALID_XML_DOCUMENT);
        assert_int_equal(SetBackupMetadata(&f), VSS_E_INVALID_XML_DOCUMENT);
        assert_int_equal(GetRestoreMetadata(&f), VSS_E_INVALID_XML_DOCUMENT);
        assert_int_equal(SetRestoreMetadata(&f), VSS_E_INVALID_XML_DOCUMENT);
        assert_int_equal(GetDifferencedFilesCount(&f), S_OK);
        assert_int_equal(GetDifferencedFile(&f), VSS_E_INVALID_XML_DOCUMENT);
        assert_int_equal(GetRestoreSubcomponent(&f), VSS_E_INVALID_XML_DOCUMENT);

        /* One more beside it works. */
        assert_int_equal(AddDifferencedFilesByLastModifyTime(&f), S_OK);
        f.i = 1;
        assert_int_equal(GetDifferencedFile(&f), S_OK);
        fixture_close(&f);
}

static void test_that_an_entry_that_is_not_there_is_not_found(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(methods); ++i) {
                Fixture f;

                if (!(methods[i].flags & ENTRY))
                        continue;

                fixture_open(&f, SAID, VIEW_READ_ONLY);
                f.i = 1;
                REACHED(i, VSS_E_OBJECT_NOT_FOUND, methods[i].call(&f));
                f.i = UINT32_MAX;
                REACHED(i, VSS_E_OBJECT_NOT_FOUND, methods[i].call(&f));
                fixture_close(&f);
        }
}

static void test_that_metadata_is_written_once(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(methods); ++i) {
                Fixture f;

                if (!(methods[i].flags & ONCE))
                        continue;

                fixture_open(&f, UNSAID, VIEW_ANY_EVENT);
                happens(i, S_OK, methods[i].call(&f));
                REACHED(i, VSS_E_OBJECT_ALREADY_EXISTS, methods[i].call(&f));
                fixture_close(&f);
        }
}

/* What a component may say is a short list; what was recorded of it may be more. */
static void test_that_failures_come_out_as_they_went_in(void **state) {
        static const struct {
                HRESULT failure;
                const char *symbol;
                bool may_be_said;
        } cases[] = {
#define F(symbol, said) { symbol, #symbol, said }
                F(VSS_E_WRITERERROR_INCONSISTENTSNAPSHOT, true),
                F(VSS_E_WRITERERROR_OUTOFRESOURCES, true),
                F(VSS_E_WRITERERROR_TIMEOUT, true),
                F(VSS_E_WRITERERROR_RETRYABLE, true),
                F(VSS_E_WRITERERROR_NONRETRYABLE, true),
                F(VSS_E_WRITER_NOT_RESPONDING, false),
                F(VSS_E_WRITER_STATUS_NOT_AVAILABLE, false),
#undef F
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                HRESULT failure, application;
                char component[256];
                DWORD reserved;
                Fixture f;
                BSTR s;

                (void) snprintf(component, sizeof(component),
                                "<COMPONENT componentName=\"n\" componentType=\"database\" failure=\"%u\"/>",
                                (unsigned) cases[i].failure);
                fixture_open(&f, cases[i].may_be_said ? UNSAID : component, VIEW_ANY_EVENT);

                assert_int_equal(IVssComponentEx2_SetFailure(f.c, cases[i].failure, 0, NULL, 0),
                                 cases[i].may_be_said ? S_OK : E_INVALIDARG);
                if (cases[i].may_be_said)
                        reference_reach_return("IVssComponentEx2", "SetFailure", cases[i].symbol);

                assert_int_equal(IVssComponentEx2_GetFailure(f.c, &failure, &application, &s, &reserved),
                                 S_OK);
                assert_int_equal(failure, cases[i].failure);
                reference_reach_return("IVssComponentEx2", "GetFailure", cases[i].symbol);
                fixture_close(&f);
        }
}

static void test_that_the_slot_for_sequence_numbers_is_there(void **state) {
        Fixture f;

        fixture_open(&f, UNSAID, VIEW_ANY_EVENT);
        assert_int_equal(IVssComponentEx2_AddDifferencedFilesByLastModifyLSN(f.c, L"/a", L"*", FALSE, NULL),
                         E_NOTIMPL);
        REACHES_RETURN(IVssComponent, AddDifferencedFilesByLastModifyLSN, "-");
        REACHES_RULE(IVssComponent, "AddDifferencedFilesByLastModifyLSN", "reserved; slot must exist");
        fixture_close(&f);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_that_everything_that_was_said_is_told_and_all_may_be_said),
                cmocka_unit_test(test_that_a_bad_argument_is_refused_before_anything_else),
                cmocka_unit_test(test_that_what_was_never_said_is_a_success_of_its_own),
                cmocka_unit_test(test_that_a_component_without_a_name_says_so),
                cmocka_unit_test(test_that_no_memory_is_said_and_nothing_changed),
                cmocka_unit_test(test_that_these_are_the_rules_of_who_may_when),
                cmocka_unit_test(test_that_a_closed_view_says_and_takes_nothing),
                cmocka_unit_test(test_that_a_damaged_component_says_so_in_every_method),
                cmocka_unit_test(test_that_damage_inside_a_component_is_met_where_it_is),
                cmocka_unit_test(test_that_an_entry_that_is_not_there_is_not_found),
                cmocka_unit_test(test_that_metadata_is_written_once),
                cmocka_unit_test(test_that_failures_come_out_as_they_went_in),
                cmocka_unit_test(test_that_the_slot_for_sequence_numbers_is_there),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
