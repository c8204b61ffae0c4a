/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Writer Metadata Document: what goes in comes out, byte for byte, also what we do not know.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/guid.h"
#include "doc-fill.h"
#include "doc/writer-doc-table.h"
#include "doc/writer-doc.h"
#include "lib/test-util.h"
#include "xsd.h"

static const char *schema, *samples;

#define ROOT "<WRITER_METADATA xmlns=\"x-schema:#VssWriterMetadataInfo\" version=\"1.2\""
#define ID                                                              \
        "<IDENTIFICATION writerId=\"11111111-2222-3333-4444-555555555555\"" \
        " instanceId=\"aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee\" majorVersion=\"0\" minorVersion=\"0\""
#define HEAD ROOT ">" ID "/>"
#define TAIL "</WRITER_METADATA>"

static WriterDoc *must_read(const char *text) {
        WriterDoc *d = NULL;

        assert_int_equal(writer_doc_read(text, strlen(text), &d), S_OK);
        return d;
}

static char *must_write(const WriterDoc *d) {
        char *text = NULL;
        size_t size;

        assert_int_equal(writer_doc_write(d, &text, &size), S_OK);
        assert_int_equal(strlen(text), size);
        return text;
}

static void test_that_every_field_survives(void **state) {
        for (unsigned n_items = 0; n_items < 4; ++n_items) {
                _cleanup_(writer_doc_freep) WriterDoc *d = writer_doc_filled(n_items), *again = NULL,
                                                      *copy = NULL;
                _cleanup_(freep) char *text = must_write(d), *text_again = NULL, *text_copy = NULL;

                again = must_read(text);
                assert_true(doc_equal(writer_doc_format.root, d, again));
                text_again = must_write(again);
                assert_string_equal(text, text_again);

                assert_int_equal(writer_doc_copy(d, &copy), S_OK);
                assert_true(doc_equal(writer_doc_format.root, d, copy));
                text_copy = must_write(copy);
                assert_string_equal(text, text_copy);
        }
}

static void test_that_what_is_written_is_valid_by_the_schema(void **state) {
        _cleanup_(writer_doc_freep) WriterDoc *filled = writer_doc_filled(3), *empty = NULL;
        _cleanup_(freep) char *text = must_write(filled), *text_empty = NULL;

        assert_true(xsd_accepts(schema, text, strlen(text)));

        assert_int_equal(writer_doc_new(&empty), 0);
        text_empty = must_write(empty);
        assert_true(xsd_accepts(schema, text_empty, strlen(text_empty)));
}

static void test_that_every_word_is_in_the_schema(void **state) {
        for (int usage = VSS_UT_UNDEFINED; usage <= VSS_UT_OTHER; ++usage)
                for (int source = VSS_ST_UNDEFINED; source <= VSS_ST_OTHER; ++source)
                        for (int method = VSS_RME_UNDEFINED; method <= VSS_RME_RESTORE_STOP_START; ++method)
                                for (int restore = VSS_WRE_UNDEFINED; restore <= VSS_WRE_ALWAYS; ++restore) {
                                        _cleanup_(writer_doc_freep) WriterDoc *d = NULL, *again = NULL;
                                        _cleanup_(freep) char *text = NULL;

                                        assert_int_equal(writer_doc_new(&d), 0);
                                        d->usage = usage;
                                        d->source = source;
                                        d->has_restore_method = true;
                                        d->restore_method = method;
                                        d->writer_restore = restore;

                                        text = must_write(d);
                                        again = must_read(text);
                                        assert_true(doc_equal(writer_doc_format.root, d, again));
                                        if (usage == source && method % 4 == restore)
                                                assert_true(xsd_accepts(schema, text, strlen(text)));
                                }
}

static void test_that_a_document_is_one_line_in_the_words_of_windows(void **state) {
        _cleanup_(writer_doc_freep) WriterDoc *d = NULL;
        _cleanup_(freep) char *text = NULL;
        GUID other = { .Data1 = 7 };
        WriterDocComponent *c;

        assert_int_equal(writer_doc_new(&d), 0);
        assert_int_equal(strdup_to("PostgreSQL", &d->friendly_name), 0);
        d->writer_id.Data1 = 0x1234abcd;
        d->usage = VSS_UT_USERDATA;
        d->source = VSS_ST_TRANSACTEDDB;
        d->has_backup_schema = true;
        d->backup_schema = VSS_BS_COPY | VSS_BS_DIFFERENTIAL;
        d->has_restore_method = true;
        d->restore_method = VSS_RME_RESTORE_IF_CAN_REPLACE;
        d->writer_restore = VSS_WRE_ALWAYS;
        assert_int_equal(doc_filespecs_add(&d->mappings, "/a", "*", true, "/b", 0), 0);
        assert_int_equal(writer_doc_add_component(d, VSS_CT_DATABASE, NULL, "main", &c), S_OK);
        assert_int_equal(doc_filespecs_add(&c->database_files, "/srv/pg", "*", false, NULL, 0xF0F), 0);
        assert_int_equal(writer_doc_component_add_dependency(c, &other, NULL, "x"), 0);
        assert_int_equal(writer_doc_add_component(d, VSS_CT_FILEGROUP, "a\\b", "files", &c), S_OK);
        assert_int_equal(doc_filespecs_add(&c->files, "/etc/pg", "*.conf", true, "/alt", 0xF0F), 0);
        assert_int_equal(doc_filespecs_add(&d->exclude_files, "/tmp", "*", false, NULL, 0), 0);

        text = must_write(d);
        assert_string_equal(
                text,
                ROOT " backupSchema=\"17\"><IDENTIFICATION writerId=\"1234abcd-0000-0000-0000-000000000000\""
                " instanceId=\"00000000-0000-0000-0000-000000000000\" friendlyName=\"PostgreSQL\""
                " usage=\"USER_DATA\""
                " dataSource=\"TRANSACTION_DB\" majorVersion=\"0\" minorVersion=\"0\"/>"
                "<RESTORE_METHOD method=\"RESTORE_IF_CAN_BE_REPLACED\" writerRestore=\"always\""
                " rebootRequired=\"no\">"
                "<ALTERNATE_LOCATION_MAPPING path=\"/a\" filespec=\"*\" recursive=\"yes\""
                " alternatePath=\"/b\"/></RESTORE_METHOD>"
                "<BACKUP_LOCATIONS><DATABASE componentName=\"main\" restoreMetadata=\"no\""
                " notifyOnBackupComplete=\"no\""
                " selectable=\"no\" selectableForRestore=\"no\" componentFlags=\"0\">"
                "<DATABASE_FILES path=\"/srv/pg\" filespec=\"*\" filespecBackupType=\"3855\"/>"
                "<DEPENDENCY writerId=\"00000007-0000-0000-0000-000000000000\" componentName=\"x\"/>"
                "</DATABASE>"
                "<FILE_GROUP logicalPath=\"a\\b\" componentName=\"files\" restoreMetadata=\"no\""
                " notifyOnBackupComplete=\"no\""
                " selectable=\"no\" selectableForRestore=\"no\" componentFlags=\"0\">"
                "<FILE_LIST path=\"/etc/pg\" filespec=\"*.conf\" recursive=\"yes\""
                " alternatePath=\"/alt\" filespecBackupType=\"3855\"/>"
                "</FILE_GROUP><EXCLUDE_FILES path=\"/tmp\" filespec=\"*\" recursive=\"no\"/>"
                "</BACKUP_LOCATIONS>" TAIL);
}

static void test_that_a_document_of_windows_loads(void **state) {
        _cleanup_(writer_doc_freep) WriterDoc *d = NULL, *again = NULL;
        _cleanup_(freep) char *text = read_file(samples, "windows-writer.xml"), *written = NULL,
                              *rewritten = NULL;
        WriterDocComponent *c;

        assert_non_null(text);
        d = must_read(text);
        assert_string_equal(d->friendly_name, "SqlServerWriter");
        assert_string_equal(d->instance_name, "Microsoft SQL Server 2014:SQLWriter");
        assert_int_equal(d->usage, VSS_UT_USERDATA);
        assert_int_equal(d->source, VSS_ST_TRANSACTEDDB);
        assert_int_equal(d->backup_schema, 881);
        assert_true(d->has_restore_method); /* which stands last */
        assert_int_equal(d->restore_method, VSS_RME_RESTORE_IF_CAN_REPLACE);
        assert_int_equal(d->writer_restore, VSS_WRE_ALWAYS);
        assert_int_equal(d->n_components, 2);
        assert_int_equal(d->exclude_files.n, 1);
        assert_int_equal(d->exclude_from_snapshot.n, 1);

        c = writer_doc_find_component(d, VSS_CT_FILEGROUP, "HOST\\INSTANCE", "model");
        assert_ptr_equal(c, &d->components[0]);
        assert_string_equal(c->caption, "");
        assert_true(c->notify_on_backup_complete);
        assert_int_equal(c->files.n, 2);
        assert_false(c->files.items[0].recursive); /* says nothing */
        assert_true(c->files.items[1].recursive);
        assert_int_equal(c->files.items[0].backup_type, 0xF0F);

        c = writer_doc_find_component(d, VSS_CT_UNDEFINED, "", "pubs");
        assert_ptr_equal(c, &d->components[1]);
        assert_null(c->logical_path);
        assert_string_equal(c->caption, "a b"); /* a line break in an attribute is a blank in XML */
        assert_int_equal(c->database_files.n, 1);
        assert_int_equal(c->log_files.n, 1);

        written = must_write(d);
        assert_non_null(strstr(written,
                               "writerId=\"A65FAA63-5ea8-4EBC-9dbd-a0c4db26912a\"")); /* as it was spelled */
        assert_non_null(strstr(written, "instanceId=\"d3f0c1a2-74c5-4e38-9d7e-aa11bb22cc33\""));

        again = must_read(written);
        assert_true(doc_equal(writer_doc_format.root, d, again));
        rewritten = must_write(again);
        assert_string_equal(written, rewritten);
}

static void test_that_a_writer_with_nothing_loads(void **state) {
        static const char *const texts[] = {
                HEAD TAIL,
                HEAD "<BACKUP_LOCATIONS/>" TAIL,
                "\xEF\xBB\xBF" HEAD "\r\n\t<BACKUP_LOCATIONS>\r\n\t</BACKUP_LOCATIONS>\r\n" TAIL "\r\n",
                /* an express writer's */
        };

        for (size_t i = 0; i < ELEMENTSOF(texts); ++i) {
                _cleanup_(writer_doc_freep) WriterDoc *d = must_read(texts[i]);
                _cleanup_(freep) char *text = must_write(d);

                assert_false(d->has_restore_method);
                assert_false(d->has_backup_schema);
                assert_string_equal(text, HEAD "<BACKUP_LOCATIONS/>" TAIL);
        }
}

static void test_that_what_we_do_not_know_is_kept(void **state) {
        static const char *const texts[] = {
                ROOT " later=\"1\">" ID " usage=\"VENDOR_DATA\" later=\"2\"><A/></IDENTIFICATION>"
                "<RESTORE_METHOD rebootRequired=\"no\" method=\"TELEPORT\" writerRestore=\"sometimes\""
                " later=\"3\"><B/></RESTORE_METHOD>"
                "<BACKUP_LOCATIONS later=\"4\"><FILE_GROUP componentName=\"c\" restoreMetadata=\"no\""
                " notifyOnBackupComplete=\"no\""
                " selectable=\"no\" selectableForRestore=\"no\" componentFlags=\"4294967295\""
                " later=\"5\">"
                "<FILE_LIST path=\"p\" filespec=\"f\" filespecBackupType=\"0\" later=\"6\"><C/>"
                "</FILE_LIST><D e=\"\"/></FILE_GROUP>"
                "<EXCLUDE_FILES path=\"p\" filespec=\"f\" recursive=\"no\" later=\"7\"/><E/>"
                "</BACKUP_LOCATIONS><F>t</F>" TAIL,
        };

        for (size_t i = 0; i < ELEMENTSOF(texts); ++i) {
                _cleanup_(writer_doc_freep) WriterDoc *d = must_read(texts[i]), *copy = NULL;
                _cleanup_(freep) char *text = must_write(d), *text_copy = NULL;

                assert_string_equal(text, texts[i]);
                assert_int_equal(writer_doc_copy(d, &copy), S_OK);
                text_copy = must_write(copy);
                assert_string_equal(text_copy, texts[i]);
        }
}

static void test_that_a_word_has_synonyms_and_one_spelling(void **state) {
        _cleanup_(writer_doc_freep) WriterDoc *d =
                must_read(HEAD "<RESTORE_METHOD method=\"RESTORE_IF_CAN_REPLACE\"/>" TAIL);
        _cleanup_(freep) char *text = must_write(d);

        assert_int_equal(d->restore_method, VSS_RME_RESTORE_IF_CAN_REPLACE);
        assert_non_null(strstr(text, "method=\"RESTORE_IF_CAN_BE_REPLACED\""));
}

static void test_that_a_component_is_known_by_path_and_name(void **state) {
        _cleanup_(writer_doc_freep) WriterDoc *d = NULL;
        WriterDocComponent *c;

        assert_int_equal(writer_doc_new(&d), 0);
        assert_null(writer_doc_find_component(d, VSS_CT_UNDEFINED, NULL, "n"));
        assert_int_equal(writer_doc_add_component(d, VSS_CT_DATABASE, NULL, "n", &c), S_OK);
        assert_int_equal(writer_doc_add_component(d, VSS_CT_DATABASE, "", "n", NULL),
                         VSS_E_OBJECT_ALREADY_EXISTS);
        assert_int_equal(writer_doc_add_component(d, VSS_CT_FILEGROUP, NULL, "n", NULL),
                         VSS_E_OBJECT_ALREADY_EXISTS);
        assert_int_equal(writer_doc_add_component(d, VSS_CT_FILEGROUP, "p", "n", NULL), S_OK);
        assert_int_equal(writer_doc_add_component(d, VSS_CT_UNDEFINED, "p", "m", NULL), E_INVALIDARG);
        assert_int_equal(writer_doc_add_component(d, VSS_CT_DATABASE, "p", NULL, NULL), E_INVALIDARG);

        assert_ptr_equal(writer_doc_find_component(d, VSS_CT_DATABASE, "", "n"), &d->components[0]);
        assert_null(writer_doc_find_component(d, VSS_CT_FILEGROUP, "", "n"));
        assert_ptr_equal(writer_doc_find_component(d, VSS_CT_UNDEFINED, "p", "n"), &d->components[1]);

        for (unsigned i = 0; i < 5000; ++i) {
                char name[32];

                snprintf(name, sizeof(name), "%u", i);
                assert_int_equal(writer_doc_add_component(d, VSS_CT_FILEGROUP, "many", name, &c), S_OK);
                assert_ptr_equal(writer_doc_find_component(d, VSS_CT_FILEGROUP, "many", name), c);
        }
        assert_string_equal(writer_doc_find_component(d, VSS_CT_FILEGROUP, "many", "17")->name, "17");
}

/* A writer's document with 19,000 file sets has been seen. */
static void test_that_many_file_sets_load(void **state) {
        _cleanup_(writer_doc_freep) WriterDoc *d = NULL, *again = NULL;
        _cleanup_(freep) char *text = NULL;
        WriterDocComponent *c;

        assert_int_equal(writer_doc_new(&d), 0);
        assert_int_equal(writer_doc_add_component(d, VSS_CT_FILEGROUP, NULL, "system", &c), S_OK);
        for (unsigned i = 0; i < 19000; ++i)
                assert_int_equal(doc_filespecs_add(&c->files, "/usr/lib/some/where/deep", "library.so.1",
                                                   i % 2, NULL, 0xF0F),
                                 0);

        text = must_write(d);
        again = must_read(text);
        assert_int_equal(again->components[0].files.n, 19000);
        assert_true(again->components[0].files.items[18999].recursive);

        doc_filespecs_clear(&c->files);
        assert_int_equal(c->files.n, 0);
        assert_int_equal(doc_filespecs_add(&c->files, "/a", "b", false, NULL, 0), 0);
}

static void test_that_a_text_that_does_not_fit_is_known_before(void **state) {
        size_t n = 8U * 1024U * 1024U;
        _cleanup_(freep) char *s = NULL;

        s = calloc_checked(n + 2, 1);
        assert_non_null(s);

        memset(s, 'a', n);
        assert_true(doc_text_fits(s));
        s[0] = '\x01'; /* is four characters in the document */
        assert_false(doc_text_fits(s));
        s[0] = 'a';
        s[n] = 'a';
        assert_false(doc_text_fits(s));
        assert_true(doc_text_fits(""));
}

static HRESULT round_of_everything(const WriterDoc *d) {
        _cleanup_(writer_doc_freep) WriterDoc *copy = NULL, *again = NULL;
        _cleanup_(freep) char *text = NULL;
        HRESULT hr;
        size_t size;

        hr = writer_doc_copy(d, &copy);
        if (FAILED(hr))
                return hr;

        hr = writer_doc_write(copy, &text, &size);
        if (FAILED(hr))
                return hr;

        return writer_doc_read(text, size, &again);
}

static void test_that_it_survives_any_failed_allocation(void **state) {
        _cleanup_(writer_doc_freep) WriterDoc *d = writer_doc_filled(1);
        HRESULT hr = E_OUTOFMEMORY;

        for (unsigned n = 0; hr == E_OUTOFMEMORY; ++n) {
                fault_fail_allocation(n);
                hr = round_of_everything(d);
                fault_clear();
        }

        assert_int_equal(hr, S_OK);
}

static void test_that_adding_survives_any_failed_allocation(void **state) {
        HRESULT hr = E_OUTOFMEMORY;
        GUID id = { .Data1 = 1 };

        for (unsigned n = 0; hr == E_OUTOFMEMORY; ++n) {
                _cleanup_(writer_doc_freep) WriterDoc *d = NULL;
                WriterDocComponent *c = NULL;

                assert_int_equal(writer_doc_new(&d), 0);

                fault_fail_allocation(n);
                hr = writer_doc_add_component(d, VSS_CT_DATABASE, "path", "name", &c);
                if (SUCCEEDED(hr) && (doc_filespecs_add(&c->files, "a", "b", true, "c", 1) < 0 ||
                                      writer_doc_component_add_dependency(c, &id, "a", "b") < 0))
                        hr = E_OUTOFMEMORY;
                fault_clear();

                assert_true(!!writer_doc_find_component(d, VSS_CT_DATABASE, "path", "name") ==
                            (d->n_components == 1));
                if (d->n_components == 0)
                        assert_int_equal(writer_doc_add_component(d, VSS_CT_DATABASE, "path", "name", &c),
                                         S_OK);
        }

        assert_int_equal(hr, S_OK);
}

int main(int argc, char *argv[]) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_that_every_field_survives),
                cmocka_unit_test(test_that_what_is_written_is_valid_by_the_schema),
                cmocka_unit_test(test_that_every_word_is_in_the_schema),
                cmocka_unit_test(test_that_a_document_is_one_line_in_the_words_of_windows),
                cmocka_unit_test(test_that_a_document_of_windows_loads),
                cmocka_unit_test(test_that_a_writer_with_nothing_loads),
                cmocka_unit_test(test_that_what_we_do_not_know_is_kept),
                cmocka_unit_test(test_that_a_word_has_synonyms_and_one_spelling),
                cmocka_unit_test(test_that_a_component_is_known_by_path_and_name),
                cmocka_unit_test(test_that_many_file_sets_load),
                cmocka_unit_test(test_that_a_text_that_does_not_fit_is_known_before),
                cmocka_unit_test(test_that_it_survives_any_failed_allocation),
                cmocka_unit_test(test_that_adding_survives_any_failed_allocation),
        };

        assert(argc == 3);
        schema = argv[1];
        samples = argv[2];
        return cmocka_run_group_tests(tests, NULL, NULL);
}
