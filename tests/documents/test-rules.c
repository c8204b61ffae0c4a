/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The rules of metadata and components that are more than a code: what a writer says comes out where a
 * requester looks for it, and the other way round, through documents that were saved and loaded.
 */

#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include <oleauto.h>

#include "base/alloc.h"
#include "base/bstr.h"
#include "base/guid.h"
#include "base/ranges.h"
#include "lib/reference.h"
#include "lib/test-util.h"
#include "view/component.h"
#include "view/create-metadata.h"
#include "view/examine-metadata.h"
#include "view/writer-components.h"

static const VSS_ID own = { .Data1 = 1 }, other = { .Data1 = 2 };

/* A writer, and what a requester sees of it later. */
typedef struct Writer {
        WriterDoc *doc;
        CreateMetadata *create;
        IVssCreateWriterMetadataEx *says;
        IVssExamineWriterMetadataEx2 *seen;
} Writer;

static int setup_writer(void **state) {
        Writer *w = calloc_checked(1, sizeof(*w));

        assert_non_null(w);
        assert_int_equal(writer_doc_new(&w->doc), 0);
        w->doc->writer_id = w->doc->instance_id = own;
        assert_int_equal(create_metadata_new(w->doc, &w->create), S_OK);
        w->says = create_metadata_iface(w->create);
        *state = w;
        return 0;
}

static int teardown_writer(void **state) {
        Writer *w = *state;

        if (w->seen)
                assert_int_equal(IVssExamineWriterMetadataEx2_Release(w->seen), 0);
        create_metadata_free(w->create);
        writer_doc_free(w->doc);
        free(w);
        return 0;
}

/* Saves what was said and loads it on the other side. */
static IVssExamineWriterMetadataEx2 *look(Writer *w) {
        BSTR xml = NULL;

        if (w->seen)
                assert_int_equal(IVssExamineWriterMetadataEx2_Release(w->seen), 0);
        assert_int_equal(IVssCreateWriterMetadataEx_SaveAsXML(w->says, &xml), S_OK);
        assert_int_equal(examine_metadata_from_xml(xml, &w->seen), S_OK);
        SysFreeString(xml);
        return w->seen;
}

static HRESULT add_component(Writer *w, VSS_COMPONENT_TYPE type, const WCHAR *path, const WCHAR *name) {
        return IVssCreateWriterMetadataEx_AddComponent(w->says, type, path, name, NULL, NULL, 0, false,
                                                       false, true, false, 0);
}

/* And frees it. */
static void text_was(BSTR s, const WCHAR *expected) {
        assert_true(expected ? s && wcscmp(s, expected) == 0 : !s);
        SysFreeString(s);
}

/* And releases it. */
static void filedesc_was(IVssWMFiledesc *f,
                         const WCHAR *path,
                         const WCHAR *filespec,
                         bool recursive,
                         const WCHAR *alternate) {
        bool r;
        BSTR s;

        assert_int_equal(IVssWMFiledesc_GetPath(f, &s), S_OK);
        text_was(s, path);
        assert_int_equal(IVssWMFiledesc_GetFilespec(f, &s), S_OK);
        text_was(s, filespec);
        assert_int_equal(IVssWMFiledesc_GetRecursive(f, &r), S_OK);
        assert_int_equal(r, recursive);
        assert_int_equal(IVssWMFiledesc_GetAlternateLocation(f, &s), alternate ? S_OK : S_FALSE);
        text_was(s, alternate);
        assert_int_equal(IVssWMFiledesc_Release(f), 0);
}

static void test_that_a_writer_that_said_little_has_the_defaults(void **state) {
        IVssExamineWriterMetadataEx2 *m = look(*state);
        VSS_WRITERRESTORE_ENUM restore;
        VSS_RESTOREMETHOD_ENUM method;
        UINT include, exclude, n;
        VSS_SOURCE_TYPE source;
        VSS_USAGE_TYPE usage;
        DWORD schema, v[2];
        BSTR s[2];
        VSS_ID id, instance;
        bool reboot;

        assert_int_equal(IVssExamineWriterMetadataEx2_GetBackupSchema(m, &schema), S_OK);
        assert_int_equal(schema, VSS_BS_UNDEFINED);
        REACHES_RULE(IVssExamineWriterMetadata, "GetBackupSchema", "default mask");
        assert_int_equal(IVssExamineWriterMetadataEx2_GetVersion(m, &v[0], &v[1]), S_OK);
        assert_true(v[0] == 0 && v[1] == 0);
        REACHES_RULE(IVssExamineWriterMetadataEx2, "GetVersion", "0.0 unless");
        assert_int_equal(IVssExamineWriterMetadataEx2_GetFileCounts(m, &include, &exclude, &n), S_OK);
        assert_true(include == 0 && exclude == 0 && n == 0);

        /* Real writers have neither restore method nor component. */
        assert_int_equal(IVssExamineWriterMetadataEx2_GetRestoreMethod(m, &method, &s[0], &s[1], &restore,
                                                                       &reboot, &n),
                         S_FALSE);
        assert_int_equal(method, VSS_RME_UNDEFINED);
        assert_true(!s[0] && !s[1] && n == 0);
        REACHES_RULE(IVssCreateWriterMetadata, "SetRestoreMethod", "docs say every writer must set one");

        /* The stored instance is told, whether or not one runs. */
        assert_int_equal(IVssExamineWriterMetadataEx2_GetIdentity(m, &instance, &id, &s[0], &usage, &source),
                         S_OK);
        assert_true(guid_equal(&instance, &own) && guid_equal(&id, &own));
        SysFreeString(s[0]);
        REACHES_RULE(IVssExamineWriterMetadata, "GetIdentity", "caller frees");
        REACHES_RULE(IVssExamineWriterMetadata, "GetIdentity", "loaded from stored XML");
        assert_int_equal(
                IVssExamineWriterMetadataEx2_GetIdentityEx(m, &instance, &id, &s[0], &s[1], &usage, &source),
                S_OK);
        SysFreeString(s[0]);
        SysFreeString(s[1]);
        REACHES_RULE(IVssExamineWriterMetadataEx, "GetIdentityEx", "as GetIdentity plus");
        REACHES_RULE(IVssCreateWriterMetadata, "SaveAsXML", "annotated [in] but is an output");
        REACHES_RULE(IVssExamineWriterMetadata, "LoadFromXML", "used at restore time");
}

static void test_that_components_are_seen_as_they_were_added(void **state) {
        static const BYTE icon[] = { 1, 2 };
        Writer *w = *state;
        PVSSCOMPONENTINFO info;
        UINT include, exclude, n;
        IVssWMComponent *c;

        assert_int_equal(IVssCreateWriterMetadataEx_AddComponent(w->says, VSS_CT_DATABASE, L"p\\q", L"n",
                                                                 L"a\\caption", icon, 2, true, true, true,
                                                                 true, VSS_CF_BACKUP_RECOVERY),
                         S_OK);
        assert_int_equal(add_component(w, VSS_CT_FILEGROUP, NULL, L"set"), S_OK); /* without files */
        assert_int_equal(add_component(w, VSS_CT_FILEGROUP, NULL, L"back\\slash"), E_INVALIDARG);
        assert_int_equal(add_component(w, VSS_CT_FILEGROUP, NULL, NULL), E_INVALIDARG);
        REACHES_RULE(IVssCreateWriterMetadata, "AddComponent", "wszLogicalPath may be NULL");
        assert_int_equal(add_component(w, VSS_CT_FILEGROUP, L"p\\q", L"n"), VSS_E_OBJECT_ALREADY_EXISTS);
        REACHES_RULE(IVssCreateWriterMetadata, "AddComponent", "must be unique");
        assert_int_equal(IVssCreateWriterMetadataEx_AddComponent(w->says, VSS_CT_DATABASE, NULL, L"i", NULL,
                                                                 NULL, 2, false, false, true, true, 0),
                         E_INVALIDARG);
        assert_int_equal(IVssCreateWriterMetadataEx_AddComponent(w->says, VSS_CT_DATABASE, NULL, L"i", NULL,
                                                                 icon, 0, false, false, true, true, 0),
                         E_INVALIDARG);
        REACHES_RULE(IVssCreateWriterMetadata, "AddComponent", "pbIcon NULL requires cbIcon 0");

        look(w);
        assert_int_equal(IVssExamineWriterMetadataEx2_GetFileCounts(w->seen, &include, &exclude, &n), S_OK);
        assert_int_equal(n, 2);
        REACHES_RULE(IVssExamineWriterMetadata, "GetFileCounts", "pcIncludeFiles is reserved");
        for (UINT i = 0; i <= n; ++i) {
                assert_int_equal(IVssExamineWriterMetadataEx2_GetComponent(w->seen, i, &c),
                                 i < n ? S_OK : VSS_E_OBJECT_NOT_FOUND);
                if (i == n)
                        break;

                assert_int_equal(IVssWMComponent_GetComponentInfo(c, &info), S_OK);
                if (i == 0) {
                        assert_true(wcscmp(info->bstrLogicalPath, L"p\\q") == 0 &&
                                    wcscmp(info->bstrCaption, L"a\\caption") == 0);
                        assert_true(info->cbIcon == 2 && memcmp(info->pbIcon, icon, 2) == 0);
                        assert_true(info->bRestoreMetadata && info->bNotifyOnBackupComplete &&
                                    info->bSelectableForRestore);
                        assert_int_equal(info->dwComponentFlags, VSS_CF_BACKUP_RECOVERY);
                } else {
                        assert_true(!info->bstrLogicalPath && !info->bstrCaption && !info->pbIcon);
                        assert_true(!info->bRestoreMetadata && !info->bSelectableForRestore &&
                                    info->cFileCount == 0);
                }
                assert_int_equal(IVssWMComponent_FreeComponentInfo(c, info), S_OK);
                assert_int_equal(IVssWMComponent_Release(c), 0);
        }
        REACHES_RULE(IVssExamineWriterMetadata, "GetComponent", "index 0..n-1");
        REACHES_RULE(IVssWMComponent, "GetComponentInfo", "caller frees with FreeComponentInfo");
        REACHES_RULE(IVssWMComponent, "FreeComponentInfo", "only documented return");
        REACHES_RULE(IVssCreateWriterMetadata, "AddComponent",
                     "bRestoreMetadata and bNotifyOnBackupComplete are reserved");
        REACHES_RULE(IVssCreateWriterMetadata, "AddComponent", "without files is legal");
        REACHES_RULE(IVssCreateWriterMetadata, "AddComponent",
                     "no meaning for components with empty logical path");
}

#define MASK (VSS_FSBT_ALL_BACKUP_REQUIRED | VSS_FSBT_ALL_SNAPSHOT_REQUIRED)

static void test_that_file_sets_are_seen_as_they_were_added(void **state) {
        Writer *w = *state;
        IVssWMComponent *c;
        IVssWMFiledesc *f;
        DWORD mask;

        /* The component first. */
        assert_int_equal(
                IVssCreateWriterMetadataEx_AddDatabaseFiles(w->says, NULL, L"db", L"/a", L"*", MASK),
                VSS_E_OBJECT_NOT_FOUND);
        assert_int_equal(add_component(w, VSS_CT_DATABASE, NULL, L"db"), S_OK);
        assert_int_equal(add_component(w, VSS_CT_FILEGROUP, NULL, L"fg"), S_OK);
        assert_int_equal(
                IVssCreateWriterMetadataEx_AddDatabaseFiles(w->says, NULL, L"fg", L"/a", L"*", MASK),
                E_INVALIDARG);
        for (int i = 0; i < 2; ++i) {
                assert_int_equal(IVssCreateWriterMetadataEx_AddDatabaseFiles(w->says, NULL, L"db", L"/a/",
                                                                             L"*.d?", MASK),
                                 S_OK);
                assert_int_equal(
                        IVssCreateWriterMetadataEx_AddDatabaseLogFiles(w->says, NULL, L"db", L"%LOG%\\a",
                                                                       L"*", VSS_FSBT_LOG_BACKUP_REQUIRED),
                        S_OK);
        }
        REACHES_RULE(IVssCreateWriterMetadata, "AddDatabaseFiles", "must have been added before");
        REACHES_RULE(IVssCreateWriterMetadata, "AddDatabaseLogFiles", "must have been added before");
        assert_int_equal(IVssCreateWriterMetadataEx_AddFilesToFileGroup(w->says, NULL, L"db", L"/f", L"*",
                                                                        true, NULL, MASK),
                         E_INVALIDARG);
        assert_int_equal(IVssCreateWriterMetadataEx_AddFilesToFileGroup(
                                 w->says, NULL, L"fg", L"\\\\?\\C:\\f", L"*", true, L"/else", MASK),
                         S_OK);
        assert_int_equal(IVssCreateWriterMetadataEx_AddFilesToFileGroup(
                                 w->says, NULL, L"fg", L"\\\\server\\f", L"dir/x", false, NULL, MASK),
                         E_INVALIDARG); /* a pattern has no directory */
        /* Sets that overlap are the writer's affair. */
        assert_int_equal(IVssCreateWriterMetadataEx_AddFilesToFileGroup(
                                 w->says, NULL, L"fg", L"\\\\server\\f", L"x", false, NULL, MASK),
                         S_OK);
        REACHES_RULE(IVssCreateWriterMetadata, "AddFilesToFileGroup", "file sets must not overlap");

        look(w);
        assert_int_equal(IVssExamineWriterMetadataEx2_GetComponent(w->seen, 0, &c), S_OK);
        for (UINT i = 0; i <= 2; ++i) {
                assert_int_equal(IVssWMComponent_GetDatabaseFile(c, i, &f),
                                 i < 2 ? S_OK : VSS_E_OBJECT_NOT_FOUND);
                if (i < 2) {
                        assert_int_equal(IVssWMFiledesc_GetBackupTypeMask(f, &mask), S_OK);
                        assert_int_equal(mask, MASK);
                        filedesc_was(f, L"/a/", L"*.d?", false, NULL);
                }
                assert_int_equal(IVssWMComponent_GetDatabaseLogFile(c, i, &f),
                                 i < 2 ? S_OK : VSS_E_OBJECT_NOT_FOUND);
                if (i < 2) {
                        assert_int_equal(IVssWMFiledesc_GetBackupTypeMask(f, &mask), S_OK);
                        assert_int_equal(mask, VSS_FSBT_LOG_BACKUP_REQUIRED);
                        filedesc_was(f, L"%LOG%\\a", L"*", false, NULL);
                }
        }
        assert_int_equal(IVssWMComponent_Release(c), 0);
        assert_int_equal(IVssExamineWriterMetadataEx2_GetComponent(w->seen, 1, &c), S_OK);
        assert_int_equal(IVssWMComponent_GetFile(c, 0, &f), S_OK);
        filedesc_was(f, L"\\\\?\\C:\\f", L"*", true, L"/else");
        assert_int_equal(IVssWMComponent_GetFile(c, 1, &f), S_OK);
        filedesc_was(f, L"\\\\server\\f", L"x", false, NULL);
        assert_int_equal(IVssWMComponent_GetFile(c, 2, &f), VSS_E_OBJECT_NOT_FOUND);
        assert_int_equal(IVssWMComponent_Release(c), 0);

        REACHES_RULE(IVssWMComponent, "GetDatabaseFile", "index 0..cDatabases-1");
        REACHES_RULE(IVssWMComponent, "GetDatabaseLogFile", "index 0..cLogFiles-1");
        REACHES_RULE(IVssWMComponent, "GetFile", "index 0..cFileCount-1");
        REACHES_RULE(IVssWMFiledesc, "GetBackupTypeMask", "mask given in");
        REACHES_RULE(IVssWMFiledesc, "GetPath", "trailing backslash not guaranteed");
        REACHES_RULE(IVssWMFiledesc, "GetFilespec", "no directory part");
        REACHES_RULE(IVssWMFiledesc, "GetAlternateLocation", "freed with SysFreeString");
        REACHES_RULE(IVssCreateWriterMetadata, "AddFilesToFileGroup", "is the alternate PATH");
}

static void test_that_a_file_set_without_a_mask_has_the_default(void **state) {
        static const WCHAR xml[] =
                L"<WRITER_METADATA xmlns=\"x-schema:#VssWriterMetadataInfo\"><IDENTIFICATION writerId=\""
                L"11111111-2222-3333-4444-555555555555\" instanceId=\"11111111-2222-3333-4444-555555555555\"/>"
                L"<BACKUP_LOCATIONS><DATABASE componentName=\"n\"><DATABASE_FILES path=\"/\" filespec=\"*\"/></DATABASE>"
                L"</BACKUP_LOCATIONS></WRITER_METADATA>";
        BSTR s = SysAllocString(xml);
        Writer *w = *state;
        IVssWMComponent *c;
        IVssWMFiledesc *f;
        DWORD mask;

        assert_int_equal(examine_metadata_from_xml(s, &w->seen), S_OK);
        assert_int_equal(IVssExamineWriterMetadataEx2_GetComponent(w->seen, 0, &c), S_OK);
        assert_int_equal(IVssWMComponent_GetDatabaseFile(c, 0, &f), S_OK);
        assert_int_equal(IVssWMFiledesc_GetBackupTypeMask(f, &mask), S_OK);
        assert_int_equal(mask, MASK);
        REACHES_RULE(IVssCreateWriterMetadata, "AddDatabaseFiles", "default mask");
        filedesc_was(f, L"/", L"*", false, NULL);
        assert_int_equal(IVssWMComponent_Release(c), 0);
        SysFreeString(s);
}

static void test_that_exclusions_are_seen_as_they_were_added(void **state) {
        Writer *w = *state;
        IVssWMFiledesc *f;
        UINT n[3];

        assert_int_equal(IVssCreateWriterMetadataEx_AddExcludeFiles(w->says, L"%TMP%", L"*.t?p", true),
                         S_OK);
        assert_int_equal(
                IVssCreateWriterMetadataEx_AddExcludeFiles(w->says, L"\\\\server\\share\\", L"*", false),
                S_OK);
        assert_int_equal(
                IVssCreateWriterMetadataEx_AddExcludeFilesFromSnapshot(w->says, L"/swap", L"*", true), S_OK);
        look(w);
        assert_int_equal(IVssExamineWriterMetadataEx2_GetFileCounts(w->seen, &n[0], &n[1], &n[2]), S_OK);
        assert_int_equal(n[1], 2);
        assert_int_equal(IVssExamineWriterMetadataEx2_GetExcludeFile(w->seen, 0, &f), S_OK);
        filedesc_was(f, L"%TMP%", L"*.t?p", true, NULL);
        assert_int_equal(IVssExamineWriterMetadataEx2_GetExcludeFile(w->seen, 1, &f), S_OK);
        filedesc_was(f, L"\\\\server\\share\\", L"*", false, NULL);
        assert_int_equal(IVssExamineWriterMetadataEx2_GetExcludeFile(w->seen, 2, &f),
                         VSS_E_OBJECT_NOT_FOUND);
        REACHES_RULE(IVssExamineWriterMetadata, "GetExcludeFile", "index 0..n-1");
        REACHES_RULE(IVssCreateWriterMetadata, "AddExcludeFiles", "OnIdentify only; path may hold");

        assert_int_equal(IVssExamineWriterMetadataEx2_GetExcludeFromSnapshotCount(w->seen, &n[0]), S_OK);
        assert_int_equal(n[0], 1);
        REACHES_RULE(IVssExamineWriterMetadataEx2, "GetExcludeFromSnapshotCount", "counts file sets");
        assert_int_equal(IVssExamineWriterMetadataEx2_GetExcludeFromSnapshotFile(w->seen, 0, &f), S_OK);
        filedesc_was(f, L"/swap", L"*", true, NULL);
        assert_int_equal(IVssExamineWriterMetadataEx2_GetExcludeFromSnapshotFile(w->seen, 1, &f),
                         VSS_E_OBJECT_NOT_FOUND);
        REACHES_RULE(IVssExamineWriterMetadataEx2, "GetExcludeFromSnapshotFile", "index bound");
        /* One list is not the other: that of the snapshot excludes nothing from a backup. */
        REACHES_RULE(IVssExamineWriterMetadataEx2, "GetExcludeFromSnapshotFile", "informational");
        REACHES_RULE(IVssCreateWriterMetadataEx, "AddExcludeFilesFromSnapshot", "only reports");
}

static void test_that_one_restore_method_is_for_the_whole_writer(void **state) {
        Writer *w = *state;
        VSS_WRITERRESTORE_ENUM restore;
        VSS_RESTOREMETHOD_ENUM method;
        IVssWMFiledesc *f;
        BSTR s[2];
        bool reboot;
        UINT n;

        assert_int_equal(
                IVssCreateWriterMetadataEx_AddAlternateLocationMapping(w->says, L"/a", L"*", true, L"/b"),
                VSS_E_OBJECT_NOT_FOUND);
        assert_int_equal(IVssCreateWriterMetadataEx_SetRestoreMethod(w->says, VSS_RME_CUSTOM, L"svc", NULL,
                                                                     VSS_WRE_NEVER, false),
                         E_INVALIDARG);
        assert_int_equal(IVssCreateWriterMetadataEx_SetRestoreMethod(w->says, VSS_RME_RESTORE_STOP_START,
                                                                     L"svc", NULL, VSS_WRE_NEVER, true),
                         S_OK);
        look(w);
        assert_int_equal(IVssExamineWriterMetadataEx2_GetRestoreMethod(w->seen, &method, &s[0], &s[1],
                                                                       &restore, &reboot, &n),
                         S_OK);
        text_was(s[0], L"svc");
        text_was(s[1], NULL);

        /* The last one counts. */
        assert_int_equal(IVssCreateWriterMetadataEx_SetRestoreMethod(w->says, VSS_RME_RESTORE_IF_NOT_THERE,
                                                                     NULL, NULL, VSS_WRE_ALWAYS, false),
                         S_OK);
        /* A mapping need not be of a file set. */
        assert_int_equal(
                IVssCreateWriterMetadataEx_AddAlternateLocationMapping(w->says, L"/a", L"*", true, L"/b"),
                S_OK);
        look(w);
        assert_int_equal(IVssExamineWriterMetadataEx2_GetRestoreMethod(w->seen, &method, &s[0], &s[1],
                                                                       &restore, &reboot, &n),
                         S_OK);
        assert_int_equal(method, VSS_RME_RESTORE_IF_NOT_THERE);
        assert_true(!s[0] && !s[1] && restore == VSS_WRE_ALWAYS && !reboot && n == 1);
        assert_int_equal(IVssExamineWriterMetadataEx2_GetAlternateLocationMapping(w->seen, 0, &f), S_OK);
        filedesc_was(f, L"/a", L"*", true, L"/b");
        assert_int_equal(IVssExamineWriterMetadataEx2_GetAlternateLocationMapping(w->seen, n, &f),
                         VSS_E_OBJECT_NOT_FOUND);

        REACHES_RULE(IVssCreateWriterMetadata, "SetRestoreMethod", "one restore method per writer");
        REACHES_RULE(IVssCreateWriterMetadata, "SetRestoreMethod", "wszService only with");
        REACHES_RULE(IVssCreateWriterMetadata, "AddAlternateLocationMapping",
                     "must be called after SetRestoreMethod");
        REACHES_RULE(IVssCreateWriterMetadata, "AddAlternateLocationMapping",
                     "wszDestination fully qualified");
        REACHES_RULE(IVssCreateWriterMetadata, "AddAlternateLocationMapping",
                     "already added to some component");
        REACHES_RULE(IVssExamineWriterMetadata, "GetRestoreMethod", "caller frees pbstrService");
        REACHES_RULE(IVssExamineWriterMetadata, "GetRestoreMethod", "pcMappings is the index bound");
        REACHES_RULE(IVssExamineWriterMetadata, "GetAlternateLocationMapping", "index 0..n-1");
        REACHES_RULE(IVssWMFiledesc, "GetAlternateLocation", "meaning depends on origin");
}

static void test_that_dependencies_point_at_other_writers(void **state) {
        Writer *w = *state;
        IVssWMDependency *d;
        IVssWMComponent *c;
        VSS_ID id;
        BSTR s;

        assert_int_equal(add_component(w, VSS_CT_DATABASE, NULL, L"db"), S_OK);
        assert_int_equal(
                IVssCreateWriterMetadataEx_AddComponentDependency(w->says, NULL, L"db", own, NULL, L"db"),
                E_INVALIDARG);
        assert_int_equal(
                IVssCreateWriterMetadataEx_AddComponentDependency(w->says, NULL, L"db", other, NULL, L"log"),
                S_OK);
        assert_int_equal(IVssCreateWriterMetadataEx_AddComponentDependency(w->says, NULL, L"db", other,
                                                                           L"\\\\computer\\p", L"far"),
                         S_OK);
        look(w);
        assert_int_equal(IVssExamineWriterMetadataEx2_GetComponent(w->seen, 0, &c), S_OK);

        assert_int_equal(IVssWMComponent_GetDependency(c, 0, &d), S_OK);
        assert_int_equal(IVssWMDependency_GetWriterId(d, &id), S_OK);
        assert_true(guid_equal(&id, &other));
        assert_int_equal(IVssWMDependency_GetLogicalPath(d, &s), S_OK);
        text_was(s, NULL);
        assert_int_equal(IVssWMDependency_GetComponentName(d, &s), S_OK);
        text_was(s, L"log");
        assert_int_equal(IVssWMDependency_Release(d), 0);

        /* On another machine: the prefix stays where the writer put it. */
        assert_int_equal(IVssWMComponent_GetDependency(c, 1, &d), S_OK);
        assert_int_equal(IVssWMDependency_GetLogicalPath(d, &s), S_OK);
        text_was(s, L"\\\\computer\\p");
        assert_int_equal(IVssWMDependency_GetComponentName(d, &s), S_OK);
        text_was(s, L"far");
        assert_int_equal(IVssWMDependency_Release(d), 0);
        assert_int_equal(IVssWMComponent_GetDependency(c, 2, &d), VSS_E_OBJECT_NOT_FOUND);
        assert_int_equal(IVssWMComponent_Release(c), 0);

        REACHES_RULE(IVssCreateWriterMetadata, "AddComponentDependency",
                     "dependencies on components of the same writer");
        REACHES_RULE(IVssCreateWriterMetadata, "AddComponentDependency", "never between two components");
        REACHES_RULE(IVssCreateWriterMetadata, "AddComponentDependency", "prepends");
        REACHES_RULE(IVssCreateWriterMetadata, "AddComponentDependency", "Server 2003 SP1");
        REACHES_RULE(IVssWMComponent, "GetDependency", "index 0..cDependencies-1");
        REACHES_RULE(IVssWMDependency, "GetWriterId", "back up or restore together");
        REACHES_RULE(IVssWMDependency, "GetLogicalPath", "freed with SysFreeString");
        REACHES_RULE(IVssWMDependency, "GetComponentName", "freed with SysFreeString");
}

static void test_that_a_schema_is_all_or_nothing(void **state) {
        Writer *w = *state;
        DWORD schema;

        assert_int_equal(IVssCreateWriterMetadataEx_SetBackupSchema(w->says, VSS_BS_COPY | VSS_BS_LOG),
                         S_OK);
        look(w);
        assert_int_equal(IVssExamineWriterMetadataEx2_GetBackupSchema(w->seen, &schema), S_OK);
        assert_int_equal(schema, VSS_BS_COPY | VSS_BS_LOG);
        assert_int_equal(IVssCreateWriterMetadataEx_SetBackupSchema(w->says, VSS_BS_UNDEFINED), S_OK);
        look(w);
        assert_int_equal(IVssExamineWriterMetadataEx2_GetBackupSchema(w->seen, &schema), S_OK);
        assert_int_equal(schema, VSS_BS_UNDEFINED);
        REACHES_RULE(IVssCreateWriterMetadata, "SetBackupSchema", "default VSS_BS_UNDEFINED");
}

static void test_that_saving_gives_back_what_was_loaded(void **state) {
        Writer *w = *state;
        BSTR a, b;

        assert_int_equal(add_component(w, VSS_CT_DATABASE, L"p", L"db"), S_OK);
        look(w);
        assert_int_equal(IVssCreateWriterMetadataEx_SaveAsXML(w->says, &a), S_OK);
        assert_int_equal(IVssExamineWriterMetadataEx2_SaveAsXML(w->seen, &b), S_OK);
        assert_int_equal(SysStringLen(a), SysStringLen(b));
        text_was(a, b);
        SysFreeString(b);
        REACHES_RULE(IVssExamineWriterMetadata, "SaveAsXML", "annotated [in] but is an output");
}

/* One component of a backup, as both sides see it. */
typedef struct Backup {
        ViewOwner *owner;
        BackupWriter *writer;
        BackupComponent *model;
        IVssComponentEx2 *c;
} Backup;

static int setup_backup(void **state) {
        Backup *b = calloc_checked(1, sizeof(*b));
        BackupDoc *doc;

        assert_non_null(b);
        assert_int_equal(backup_doc_new(&doc), 0);
        assert_int_equal(backup_doc_add_writer(doc, &own, &own, NULL, 0, &b->writer), S_OK);
        assert_int_equal(backup_writer_add_component(b->writer, VSS_CT_DATABASE, NULL, "db", &b->model),
                         S_OK);
        assert_int_equal(view_owner_new(doc, VIEW_READ_ONLY, &b->owner), 0);
        assert_int_equal(component_new(b->owner, b->model, &b->c), S_OK);
        *state = b;
        return 0;
}

static int teardown_backup(void **state) {
        Backup *b = *state;

        assert_int_equal(IVssComponentEx2_Release(b->c), 0);
        view_owner_unref(b->owner);
        free(b);
        return 0;
}

static void test_that_a_backup_has_the_components_that_were_added_to_it(void **state) {
        _cleanup_(writer_components_freep) WriterComponents *list = NULL;
        Backup *b = *state;
        IVssComponent *c;
        UINT n;

        assert_int_equal(writer_components_new(b->owner, b->writer, &list), S_OK);
        assert_int_equal(IVssWriterComponents_GetComponentCount(writer_components_iface(list), &n), S_OK);
        assert_int_equal(n, 1);
        assert_int_equal(IVssWriterComponents_GetComponent(writer_components_iface(list), 1, &c),
                         VSS_E_OBJECT_NOT_FOUND);
        REACHES_RULE(IVssComponent, "*", "exists only for explicitly added components");
}

static void test_that_partial_files_are_names_and_ranges(void **state) {
        static const uint8_t binary[] = { 1, 0, 0, 0, 0, 0, 0, 0, 16, 0, 0, 0,
                                          0, 0, 0, 0, 2, 0, 0, 0, 0,  0, 0, 0 };
        _cleanup_(freep) ByteRange *ranges = NULL;
        Backup *b = *state;
        BSTR s[4];
        size_t n;

        view_owner_set_rights(b->owner, VIEW_POST_SNAPSHOT);
        assert_int_equal(IVssComponentEx2_AddPartialFile(b->c, L"/a", L"f", NULL, NULL), E_INVALIDARG);
        assert_int_equal(IVssComponentEx2_AddPartialFile(b->c, L"/a", L"f", L"1-2", NULL), E_INVALIDARG);
        assert_int_equal(IVssComponentEx2_AddPartialFile(b->c, L"%DATA%", L"a*b?",
                                                         L"0x10:2, 18446744073709551614:1", NULL),
                         S_OK);
        assert_int_equal(IVssComponentEx2_AddPartialFile(b->c, L"/a", L"f", L"/var/lib/ranges", L""), S_OK);
        REACHES_RULE(IVssComponent, "AddPartialFile", "wszRanges is required");

        /* Names, and no patterns: what they mean is what they say. */
        assert_int_equal(IVssComponentEx2_GetPartialFile(b->c, 0, &s[0], &s[1], &s[2], &s[3]), S_OK);
        text_was(s[0], L"%DATA%");
        text_was(s[1], L"a*b?");
        text_was(s[2], L"0x10:2, 18446744073709551614:1");
        text_was(s[3], NULL);
        REACHES_RULE(IVssComponent, "AddPartialFile", "have no wildcards");
        REACHES_RULE(IVssComponent, "GetPartialFile", "index from GetPartialFileCount");

        assert_int_equal(ranges_parse_file(binary, sizeof(binary), &ranges, &n), 0);
        assert_true(n == 1 && ranges[0].offset == 16 && ranges[0].length == 2);
        REACHES_RULE(IVssComponent, "AddPartialFile", "ranges file is binary");

        /* The requester has moved the file with the ranges. */
        view_owner_set_rights(b->owner, VIEW_PRE_RESTORE);
        assert_int_equal(free_and_strdup(&b->model->partial_files[1].ranges, "/moved/ranges"), 0);
        assert_int_equal(IVssComponentEx2_GetPartialFile(b->c, 1, &s[0], &s[1], &s[2], &s[3]), S_OK);
        text_was(s[0], L"/a");
        text_was(s[1], L"f");
        text_was(s[2], L"/moved/ranges");
        text_was(s[3], L"");
        REACHES_RULE(IVssComponent, "GetPartialFile", "reflects SetRangesFilePath");
}

static void test_that_differenced_files_keep_their_time_and_their_pattern(void **state) {
        static const FILETIME times[] = { { 0 }, { .dwLowDateTime = 5, .dwHighDateTime = 7 } };
        Backup *b = *state;
        FILETIME time;
        BSTR s[3];
        BOOL r;

        view_owner_set_rights(b->owner, VIEW_POST_SNAPSHOT);
        for (UINT i = 0; i < ELEMENTSOF(times); ++i) {
                assert_int_equal(IVssComponentEx2_AddDifferencedFilesByLastModifyTime(b->c, L"/new", L"*.d?",
                                                                                      2, times[i]),
                                 S_OK);
                assert_int_equal(
                        IVssComponentEx2_GetDifferencedFile(b->c, i, &s[0], &s[1], &r, &s[2], &time), S_OK);
                text_was(s[0], L"/new");
                text_was(s[1], L"*.d?");
                text_was(s[2], NULL);
                assert_int_equal(r, TRUE);
                assert_memory_equal(&time, &times[i], sizeof(time));
        }
        REACHES_RULE(IVssComponent, "AddDifferencedFilesByLastModifyTime", "bRecursive is BOOL");
        REACHES_RULE(IVssComponent, "GetDifferencedFile", "writer or requester, backup or restore");
        REACHES_RULE(IVssComponent, "GetDifferencedFile", "path and filespec freed");
}

static void test_that_where_files_went_is_not_where_they_may_go(void **state) {
        Backup *b = *state;
        IVssWMFiledesc *f;
        UINT n;

        view_owner_set_rights(b->owner, VIEW_RESTORE);
        assert_int_equal(IVssComponentEx2_GetAlternateLocationMappingCount(b->c, &n), S_OK);
        assert_int_equal(n, 0); /* whatever the writer's metadata has */
        assert_int_equal(doc_filespecs_add(&b->model->mappings, "/a", "*", true, "/used", 0), 0);
        assert_int_equal(IVssComponentEx2_GetAlternateLocationMappingCount(b->c, &n), S_OK);
        assert_int_equal(n, 1);
        assert_int_equal(IVssComponentEx2_GetAlternateLocationMapping(b->c, 0, &f), S_OK);
        filedesc_was(f, L"/a", L"*", true, L"/used");
        REACHES_RULE(IVssComponent, "GetAlternateLocationMappingCount", "count grows with");
        REACHES_RULE(IVssComponent, "GetAlternateLocationMapping", "index from");
        REACHES_RULE(IVssComponent, "GetAlternateLocationMapping", "in fact restored");
        REACHES_RULE(IVssComponent, "GetAlternateLocationMapping", "really used");
        REACHES_RULE(IVssExamineWriterMetadata, "GetAlternateLocationMapping",
                     "where files MAY be restored");

        assert_int_equal(doc_filespecs_add(&b->model->new_targets, "/a", "*", true, "/new", 0), 0);
        assert_int_equal(IVssComponentEx2_GetNewTargetCount(b->c, &n), S_OK);
        assert_int_equal(n, 1);
        assert_int_equal(IVssComponentEx2_GetNewTarget(b->c, 0, &f), S_OK);
        filedesc_was(f, L"/a", L"*", true, L"/new");
}

static void test_that_what_is_said_during_a_restore_is_read_during_it(void **state) {
        VSS_FILE_RESTORE_STATUS status;
        Backup *b = *state;
        BSTR s[6];
        bool yes;

        view_owner_set_rights(b->owner, VIEW_PRE_RESTORE);

        /* Not the same number, not the same sizes. */
        assert_int_equal(
                IVssComponentEx2_AddDirectedTarget(b->c, L"/a", L"f", L"0:1", L"/b", L"g", L"0:1, 2:1"),
                E_INVALIDARG);
        assert_int_equal(IVssComponentEx2_AddDirectedTarget(b->c, L"/a", L"f", L"0:1", L"/b", L"g", L"0:2"),
                         E_INVALIDARG);
        assert_int_equal(IVssComponentEx2_AddDirectedTarget(b->c, L"/a", L"f*", L"0:1", L"/b", L"g", L"9:1"),
                         S_OK);
        assert_int_equal(
                IVssComponentEx2_GetDirectedTarget(b->c, 0, &s[0], &s[1], &s[2], &s[3], &s[4], &s[5]), S_OK);
        text_was(s[0], L"/a");
        text_was(s[1], L"f*");
        text_was(s[2], L"0:1");
        text_was(s[3], L"/b");
        text_was(s[4], L"g");
        text_was(s[5], L"9:1");
        REACHES_RULE(IVssComponent, "AddDirectedTarget", "same number and sizes");
        REACHES_RULE(IVssComponent, "GetDirectedTarget", "writer or requester may call");
        REACHES_RULE(IVssComponent, "GetDirectedTarget", "contradicting AddDirectedTarget");

        assert_int_equal(IVssComponentEx2_IsSelectedForRestore(b->c, &yes), S_OK);
        assert_false(yes);
        b->model->selected_for_restore = TRI_YES;
        assert_int_equal(IVssComponentEx2_IsSelectedForRestore(b->c, &yes), S_OK);
        assert_true(yes);

        /* A writer waits as long as more will come. */
        assert_int_equal(IVssComponentEx2_GetAdditionalRestores(b->c, &yes), S_FALSE);
        assert_false(yes);
        b->model->additional_restores = TRI_YES;
        assert_int_equal(IVssComponentEx2_GetAdditionalRestores(b->c, &yes), S_OK);
        assert_true(yes);
        b->model->additional_restores = TRI_NO;
        assert_int_equal(IVssComponentEx2_GetAdditionalRestores(b->c, &yes), S_OK);
        assert_false(yes);
        REACHES_RULE(IVssComponent, "GetAdditionalRestores", "must not go online");

        view_owner_set_rights(b->owner, VIEW_POST_RESTORE);
        assert_int_equal(IVssComponentEx2_GetFileRestoreStatus(b->c, &status), S_OK);
        assert_int_equal(status, VSS_RS_UNDEFINED);
        b->model->file_restore_status = VSS_RS_ALL;
        assert_int_equal(IVssComponentEx2_GetFileRestoreStatus(b->c, &status), S_OK);
        assert_int_equal(status, VSS_RS_ALL);
}

static void test_that_success_is_known_when_the_backup_is_complete(void **state) {
        Backup *b = *state;
        bool yes = true;

        assert_int_equal(IVssComponentEx2_GetBackupSucceeded(b->c, &yes), S_FALSE);
        assert_false(yes);
        b->model->backup_succeeded = TRI_YES;
        assert_int_equal(IVssComponentEx2_GetBackupSucceeded(b->c, &yes), S_OK);
        assert_true(yes);
        REACHES_RULE(IVssComponent, "GetBackupSucceeded", "not before the BackupComplete event");
}

static void test_that_texts_are_the_writers_own(void **state) {
        static const WCHAR any[] = L"<a b=\"&\">\x1\x7\t\n]]>\xDCFF\x1F4BE";
        Backup *b = *state;
        BSTR s;

        view_owner_set_rights(b->owner, VIEW_POST_SNAPSHOT);
        assert_int_equal(IVssComponentEx2_SetBackupMetadata(b->c, any), S_OK);
        assert_int_equal(IVssComponentEx2_SetBackupMetadata(b->c, any), VSS_E_OBJECT_ALREADY_EXISTS);
        assert_int_equal(IVssComponentEx2_GetBackupMetadata(b->c, &s), S_OK);
        text_was(s, any);
        REACHES_RULE(IVssComponent, "SetBackupMetadata", "write-once");
        REACHES_RULE(IVssComponent, "SetBackupMetadata", "format is free");

        assert_int_equal(IVssComponentEx2_SetBackupStamp(b->c, any), S_OK);
        assert_int_equal(IVssComponentEx2_GetBackupStamp(b->c, &s), S_OK);
        text_was(s, any);
        REACHES_RULE(IVssComponent, "SetBackupStamp", "opaque string");
}

static void test_that_a_component_fails_by_itself(void **state) {
        HRESULT failure, application;
        Backup *b = *state;
        DWORD reserved;
        BSTR s;

        view_owner_set_rights(b->owner, VIEW_PRE_RESTORE);
        assert_int_equal(IVssComponentEx2_SetFailure(b->c, VSS_E_WRITERERROR_RETRYABLE, 1, NULL, 1),
                         E_INVALIDARG);
        assert_int_equal(IVssComponentEx2_SetFailure(b->c, VSS_E_WRITERERROR_RETRYABLE, 1, L"", 0), S_OK);
        assert_int_equal(IVssComponentEx2_SetFailure(b->c, VSS_E_WRITERERROR_RETRYABLE, 1, NULL, 0), S_OK);
        REACHES_RULE(IVssComponentEx2, "SetFailure", "dwReserved must be 0");

        /* It counts by itself, whatever the writer says of itself. */
        assert_int_equal(IVssComponentEx2_GetFailure(b->c, &failure, &application, &s, &reserved), S_OK);
        assert_true(failure == VSS_E_WRITERERROR_RETRYABLE && application == 1 && !s && reserved == 0);
        REACHES_RULE(IVssComponentEx2, "SetFailure", "also report");
}

#define WRITER_TEST(f) cmocka_unit_test_setup_teardown(f, setup_writer, teardown_writer)
#define BACKUP_TEST(f) cmocka_unit_test_setup_teardown(f, setup_backup, teardown_backup)

int main(void) {
        const struct CMUnitTest tests[] = {
                WRITER_TEST(test_that_a_writer_that_said_little_has_the_defaults),
                WRITER_TEST(test_that_components_are_seen_as_they_were_added),
                WRITER_TEST(test_that_file_sets_are_seen_as_they_were_added),
                WRITER_TEST(test_that_a_file_set_without_a_mask_has_the_default),
                WRITER_TEST(test_that_exclusions_are_seen_as_they_were_added),
                WRITER_TEST(test_that_one_restore_method_is_for_the_whole_writer),
                WRITER_TEST(test_that_dependencies_point_at_other_writers),
                WRITER_TEST(test_that_a_schema_is_all_or_nothing),
                WRITER_TEST(test_that_saving_gives_back_what_was_loaded),
                BACKUP_TEST(test_that_a_backup_has_the_components_that_were_added_to_it),
                BACKUP_TEST(test_that_partial_files_are_names_and_ranges),
                BACKUP_TEST(test_that_differenced_files_keep_their_time_and_their_pattern),
                BACKUP_TEST(test_that_where_files_went_is_not_where_they_may_go),
                BACKUP_TEST(test_that_what_is_said_during_a_restore_is_read_during_it),
                BACKUP_TEST(test_that_success_is_known_when_the_backup_is_complete),
                BACKUP_TEST(test_that_texts_are_the_writers_own),
                BACKUP_TEST(test_that_a_component_fails_by_itself),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
