/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Documents of others: what machines with Windows wrote, and what a version of tomorrow may write. Through
 * the API, as a program does it: loaded, looked at, saved, and nothing is lost.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include <oleauto.h>
#include <vsbackup.h>
#include <vsserror.h>

#include "api/fake-umbrad.h"
#include "base/alloc.h"
#include "base/bstr.h"
#include "base/guid.h"
#include "lib/test-util.h"
#include "unit/doc/doc-fill.h"

static BSTR wide(const char *text) {
        BSTR s = NULL;

        assert_int_equal(bstr_from_utf8(text, &s), 0);
        return s;
}

/* And frees it. */
static char *narrow(BSTR s) {
        char *text = NULL;

        assert_int_equal(utf8_from_bstr(s, &text), 0);
        SysFreeString(s);
        return text;
}

/* Loaded and saved by the object that a program would use; frees @xml. Caller frees. */
static char *saved_metadata(BSTR xml) {
        IVssExamineWriterMetadata *m = NULL;
        BSTR saved = NULL;

        assert_int_equal(CreateVssExamineWriterMetadata(xml, &m), S_OK);
        assert_int_equal(IVssExamineWriterMetadata_LoadFromXML(m, xml), S_OK);
        assert_int_equal(IVssExamineWriterMetadata_SaveAsXML(m, &saved), S_OK);
        assert_int_equal(IVssExamineWriterMetadata_Release(m), 0);
        SysFreeString(xml);
        return narrow(saved);
}

/* A session needs an umbrad; this one has nothing to do. */
static char *saved_backup(BSTR xml) {
        FakeUmbrad *umbrad = fake_umbrad_start();
        IVssBackupComponents *b = NULL;
        BSTR saved = NULL;

        assert_int_equal(CreateVssBackupComponents(&b), S_OK);
        assert_int_equal(IVssBackupComponents_InitializeForRestore(b, xml), S_OK);
        assert_int_equal(IVssBackupComponents_SaveAsXML(b, &saved), S_OK);
        assert_int_equal(IVssBackupComponents_Release(b), 0);
        fake_umbrad_stop(umbrad);
        SysFreeString(xml);
        return narrow(saved);
}

typedef char *(*Saved)(BSTR xml);

/* Puts an attribute at the end of the start tag at @tag, and an element before its end tag. */
static char *with_strangers(const char *text, const char *tag, const char *attribute, const char *element) {
        const char *name = tag + 1, *end = tag, *close;
        size_t depth = 0, n = strcspn(name, " />");
        bool quoted = false, empty;
        char *result = NULL;

        for (; quoted || *end != '>'; ++end)
                quoted ^= *end == '"';
        empty = end[-1] == '/';

        for (close = end + 1; !empty; ++close) {
                if (strncmp(close, "</", 2) == 0 && depth-- == 0)
                        break;
                if (*close != '<' || close[1] == '/')
                        continue;

                /* Over this tag; it opens a level unless it is empty. */
                for (quoted = false; quoted || *close != '>'; ++close)
                        quoted ^= *close == '"';
                depth += close[-1] != '/';
        }

        if (!empty)
                assert_true(asprintf(&result, "%.*s%s%.*s%s%s", (int) (end - text), text, attribute,
                                     (int) (close - end), end, element, close) > 0);
        else if (*element)
                assert_true(asprintf(&result, "%.*s%s>%s</%.*s>%s", (int) (end - 1 - text), text, attribute,
                                     element, (int) n, name, end + 1) > 0);
        else
                assert_true(asprintf(&result, "%.*s%s%s", (int) (end - 1 - text), text, attribute, end - 1) >
                            0);

        return result;
}

static void check_strangers(Saved saved, const char *text) {
        static const struct {
                const char *attribute, *element;
        } cases[] = {
                { " future=\"a &amp; b\"", "" },
                { "", "<FUTURE/>" },
                { "", "<FUTURE when=\"tomorrow\"><PART/>text &amp; more</FUTURE>" },
                { " future=\"\" xmlns_=\"\"", "<FUTURE/><FUTURE/>" },
                { "", "<p:FUTURE xmlns:p=\"urn:p\" p:a=\"1\"/>" },
        };
        size_t n = 0;

        for (const char *tag = text; (tag = strchr(tag, '<')); ++tag) {
                if (tag[1] == '/')
                        continue;

                for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                        _cleanup_(freep) char *strange =
                                with_strangers(text, tag, cases[i].attribute, cases[i].element);
                        _cleanup_(freep) char *kept = saved(wide(strange));

                        assert_string_equal(kept, strange);
                        ++n;
                }
        }

        assert_true(n >= 10 * ELEMENTSOF(cases));
}

static void test_that_strangers_are_kept_at_every_element(void **state) {
        _cleanup_(backup_doc_freep) BackupDoc *b = backup_doc_filled(2);
        _cleanup_(writer_doc_freep) WriterDoc *w = writer_doc_filled(2);
        _cleanup_(freep) char *backup = NULL, *writer = NULL;

        assert_int_equal(backup_doc_write(b, &backup, &(size_t){ 0 }), S_OK);
        check_strangers(saved_backup, backup);
        assert_int_equal(writer_doc_write(w, &writer, &(size_t){ 0 }), S_OK);
        check_strangers(saved_metadata, writer);
}

#define WM "<WRITER_METADATA xmlns=\"x-schema:#VssWriterMetadataInfo\" version=\"1.2\""
#define WHO                                                                                                         \
        "<IDENTIFICATION writerId=\"A65FAA63-5ea8-4EBC-9dbd-a0c4db26912a\" "                                        \
        "instanceId=\"D3F0C1A2-74C5-4E38-9D7E-AA11BB22CC33\" friendlyName=\"SqlServerWriter\" usage=\"USER_DATA\" " \
        "dataSource=\"TRANSACTION_DB\"/>"
#define METHOD                                                                                              \
        "<RESTORE_METHOD method=\"REPLACE_AT_REBOOT\" writerRestore=\"never\" rebootRequired=\"yes\"/>"
#define PLACES                                                                                              \
        "<BACKUP_LOCATIONS><FILE_GROUP componentName=\"c\" caption=\"\" selectable=\"yes\"><FILE_LIST "     \
        "path=\"%SystemRoot%\\repair\" filespec=\"*\" filespecBackupType=\"3855\"/></FILE_GROUP></BACKUP_LOCATIONS>"

/* What all of the forms below say. */
static void check_windows_writer(const char *text) {
        VSS_WRITERRESTORE_ENUM restore;
        VSS_RESTOREMETHOD_ENUM method;
        IVssExamineWriterMetadata *m = NULL;
        VSS_SOURCE_TYPE source;
        VSS_USAGE_TYPE usage;
        GUID instance, id;
        BSTR xml = wide(text), s[2];
        char buffer[GUID_STRING_MAX];
        IVssWMComponent *c;
        IVssWMFiledesc *f;
        bool reboot, recursive;
        DWORD mask;
        HRESULT hr;
        UINT n;

        assert_int_equal(CreateVssExamineWriterMetadata(xml, &m), S_OK);
        SysFreeString(xml);
        assert_int_equal(IVssExamineWriterMetadata_GetIdentity(m, &instance, &id, &s[0], &usage, &source),
                         S_OK);
        assert_string_equal(guid_to_string(&id, buffer), "a65faa63-5ea8-4ebc-9dbd-a0c4db26912a");
        assert_string_equal(guid_to_string(&instance, buffer), "d3f0c1a2-74c5-4e38-9d7e-aa11bb22cc33");
        assert_true(wcscmp(s[0], L"SqlServerWriter") == 0 && usage == VSS_UT_USERDATA &&
                    source == VSS_ST_TRANSACTEDDB);
        SysFreeString(s[0]);

        hr = IVssExamineWriterMetadata_GetRestoreMethod(m, &method, &s[0], &s[1], &restore, &reboot, &n);
        if (strstr(text, "RESTORE_METHOD")) {
                assert_int_equal(hr, S_OK);
                assert_true(method == VSS_RME_RESTORE_AT_REBOOT && restore == VSS_WRE_NEVER && reboot);
        } else
                assert_int_equal(hr, S_FALSE);

        assert_int_equal(IVssExamineWriterMetadata_GetBackupSchema(m, &mask), S_OK);
        assert_int_equal(mask, strstr(text, "881") ? 0x371 : 0);

        assert_int_equal(IVssExamineWriterMetadata_GetComponent(m, 0, &c), S_OK);
        assert_int_equal(IVssWMComponent_GetFile(c, 0, &f), S_OK);
        assert_int_equal(IVssWMFiledesc_GetPath(f, &s[0]), S_OK);
        assert_true(wcscmp(s[0], L"%SystemRoot%\\repair") == 0);
        SysFreeString(s[0]);
        assert_int_equal(IVssWMFiledesc_GetRecursive(f, &recursive), S_OK);
        assert_false(recursive);
        assert_int_equal(IVssWMFiledesc_GetBackupTypeMask(f, &mask), S_OK);
        assert_int_equal(mask, 0xF0F);
        (void) IVssWMFiledesc_Release(f);
        (void) IVssWMComponent_Release(c);
        (void) IVssExamineWriterMetadata_Release(m);
}

/* [reference xml.tsv, pitfalls 42 to 48] */
static void test_that_writers_of_windows_are_understood(void **state) {
        static const char *const forms[] = {
                WM ">" WHO METHOD PLACES "</WRITER_METADATA>",
                WM " backupSchema=\"881\">" WHO METHOD PLACES "</WRITER_METADATA>",
                WM ">" WHO PLACES METHOD "</WRITER_METADATA>",
                WM ">" WHO PLACES "</WRITER_METADATA>",
                WM ">\r\n\t" WHO "\r\n\t" METHOD "\r\n\t" PLACES
                   "\r\n</WRITER_METADATA>\r\n", /* an express writer's */
                "<?xml version=\"1.0\"?>\r\n" WM ">" WHO PLACES "</WRITER_METADATA>",
                "<?xml version=\"1.0\" encoding=\"utf-16\" standalone=\"no\"?>" WM ">" WHO PLACES
                "</WRITER_METADATA>",
                "\xEF\xBB\xBF" WM ">" WHO PLACES "</WRITER_METADATA>", /* U+FEFF, as in a file of UTF-16 */
                "\xEF\xBB\xBF<?xml version=\"1.0\" encoding=\"UTF-16\"?>" WM ">" WHO METHOD PLACES
                "</WRITER_METADATA>",
                "<v:WRITER_METADATA xmlns:v=\"x-schema:#VssWriterMetadataInfo\" xmlns=\"x-schema:#VssWriterMetadataInfo\">" WHO
                        PLACES "</v:WRITER_METADATA>",
        };

        for (size_t i = 0; i < ELEMENTSOF(forms); ++i) {
                _cleanup_(freep) char *once = saved_metadata(wide(forms[i])), *twice = NULL;

                check_windows_writer(forms[i]);
                check_windows_writer(once);
                assert_non_null(strstr(once, "writerId=\"A65FAA63-5ea8-4EBC-9dbd-a0c4db26912a\""));
                twice = saved_metadata(wide(once));
                assert_string_equal(once, twice);
        }
}

#define BC "<BACKUP_COMPONENTS xmlns=\"x-schema:#VssComponentMetadata\" version=\"1.2\""
#define WC                                                                                          \
        "<WRITER_COMPONENTS instanceId=\"d3f0c1a2-74c5-4e38-9d7e-aa11bb22cc33\" "                   \
        "writerId=\"a65faa63-5ea8-4ebc-9dbd-a0c4db26912a\""

static void test_that_backups_of_windows_are_understood(void **state) {
        static const struct {
                const char *text, *saved; /* NULL: the same */
        } forms[] = {
                { BC "/>", NULL },
                { BC
                  " bootableSystemStateBackup=\"yes\" selectComponents=\"yes\" backupType=\"full\" partialFileSupport=\"no\">" WC
                  " backupSchema=\"0\"/></BACKUP_COMPONENTS>",
                  NULL },
                { BC
                  ">" WC
                  " backupSchema=\"881\"><COMPONENT componentName=\"master\" componentType=\"database\" backupStamp=\"Lw==\">"
                  "<BACKUP_METADATA xmlns=\"\" metadata=\"EAAA\"/></COMPONENT></WRITER_COMPONENTS></BACKUP_COMPONENTS>",
                  BC
                  ">" WC
                  " backupSchema=\"881\"><COMPONENT componentName=\"master\" componentType=\"database\" backupStamp=\"Lw==\">"
                  "<BACKUP_METADATA metadata=\"EAAA\"/></COMPONENT></WRITER_COMPONENTS></BACKUP_COMPONENTS>" },
                { BC " backupType=\"tomorrow's\"/>", BC
                  " bootableSystemStateBackup=\"no\" selectComponents=\"no\" partialFileSupport=\"no\" backupType=\"tomorrow's\"/>" },
                { BC ">" WC "/></BACKUP_COMPONENTS>",
                  BC ">" WC " backupSchema=\"0\"/></BACKUP_COMPONENTS>" },
        };

        for (size_t i = 0; i < ELEMENTSOF(forms); ++i) {
                _cleanup_(freep) char *once = saved_backup(wide(forms[i].text)), *twice = NULL;

                assert_string_equal(once, forms[i].saved ? forms[i].saved : forms[i].text);
                twice = saved_backup(wide(once));
                assert_string_equal(once, twice);
        }
}

/* A program that kept its WCHARs from Windows has characters in two halves. */
static void test_that_text_in_two_halves_is_one_character(void **state) {
        static const WCHAR xml[] =
                L"<BACKUP_COMPONENTS xmlns=\"x-schema:#VssComponentMetadata\" version=\"\xD83D\xDCBE\"/>";
        static const WCHAR half[] =
                L"<BACKUP_COMPONENTS xmlns=\"x-schema:#VssComponentMetadata\" version=\"\xD83D\"/>";
        _cleanup_(freep) char *saved = saved_backup(SysAllocString(xml));
        FakeUmbrad *umbrad = fake_umbrad_start();
        IVssBackupComponents *b = NULL;
        BSTR s = SysAllocString(half);

        assert_non_null(strstr(saved, "version=\"\xF0\x9F\x92\xBE\""));

        assert_int_equal(CreateVssBackupComponents(&b), S_OK);
        assert_int_equal(IVssBackupComponents_InitializeForRestore(b, s), VSS_E_INVALID_XML_DOCUMENT);
        assert_int_equal(IVssBackupComponents_Release(b), 0);
        fake_umbrad_stop(umbrad);
        SysFreeString(s);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_that_strangers_are_kept_at_every_element),
                cmocka_unit_test(test_that_writers_of_windows_are_understood),
                cmocka_unit_test(test_that_backups_of_windows_are_understood),
                cmocka_unit_test(test_that_text_in_two_halves_is_one_character),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
