/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Backup Components Document: what goes in comes out, byte for byte, also what we do not know.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fd-util.h"
#include "base/guid.h"
#include "doc-fill.h"
#include "doc/backup-doc-table.h"
#include "doc/backup-doc.h"
#include "lib/test-util.h"
#include "xsd.h"

static const char *schema, *samples;

#define HEAD "<BACKUP_COMPONENTS xmlns=\"x-schema:#VssComponentMetadata\" version=\"1.2\""
#define ID_A "11111111-2222-3333-4444-555555555555"
#define ID_B "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"

static BackupDoc *must_read(const char *text) {
        BackupDoc *d = NULL;

        assert_int_equal(backup_doc_read(text, strlen(text), &d), S_OK);
        return d;
}

static char *must_write(const BackupDoc *d) {
        char *text = NULL;
        size_t size;

        assert_int_equal(backup_doc_write(d, &text, &size), S_OK);
        assert_int_equal(strlen(text), size);
        return text;
}

static GUID guid(const char *text) {
        GUID g;

        assert_int_equal(guid_from_string(text, &g), 0);
        return g;
}

static void test_that_every_field_survives(void **state) {
        for (unsigned n_items = 0; n_items < 4; ++n_items) {
                _cleanup_(backup_doc_freep) BackupDoc *d = backup_doc_filled(n_items), *again = NULL;
                _cleanup_(freep) char *text = must_write(d), *text_again = NULL;

                again = must_read(text);
                assert_true(doc_equal(backup_doc_format.root, d, again));

                text_again = must_write(again);
                assert_string_equal(text, text_again);
        }
}

static void test_that_what_is_written_is_valid_by_the_schema(void **state) {
        _cleanup_(backup_doc_freep) BackupDoc *filled = backup_doc_filled(3), *empty = NULL;
        _cleanup_(freep) char *text = NULL, *text_empty = NULL;

        /* To us an instant is a text like others, and so it was filled in. */
        for (size_t i = 0; i < filled->n_volumes; ++i)
                assert_int_equal(free_and_strdup(&filled->volumes[i].instant, "2026-03-01T12:00:00.000000Z"), 0);
        text = must_write(filled);
        assert_true(xsd_accepts(schema, text, strlen(text)));

        assert_int_equal(backup_doc_new(&empty), 0);
        text_empty = must_write(empty);
        assert_true(xsd_accepts(schema, text_empty, strlen(text_empty)));
        assert_string_equal(text_empty, HEAD "/>");

        /* So that we know it looks. */
        assert_false(
                xsd_accepts(schema, HEAD " backuptype=\"full\"/>", strlen(HEAD " backuptype=\"full\"/>")));
}

static void test_that_a_document_is_one_line_in_the_words_of_windows(void **state) {
        _cleanup_(backup_doc_freep) BackupDoc *d = NULL;
        _cleanup_(freep) char *text = NULL;
        GUID a = guid(ID_A), b = guid(ID_B);
        BackupComponent *c;
        BackupWriter *w;

        assert_int_equal(backup_doc_new(&d), 0);
        d->has_state = true;
        d->bootable_system_state = true;
        d->backup_type = VSS_BT_FULL;
        d->snapshot_set_id = a;
        assert_int_equal(backup_doc_add_volume(d, &b, &GUID_NULL, "/srv/"), S_OK);
        assert_int_equal(backup_doc_add_writer(d, &a, &b, NULL, 0, &w), S_OK);
        assert_int_equal(backup_writer_add_component(w, VSS_CT_DATABASE, "a\\b", "c", &c), S_OK);
        assert_int_equal(strdup_to("x", &c->backup_metadata), 0);
        c->backup_succeeded = TRI_NO;

        text = must_write(d);
        assert_string_equal(
                text,
                HEAD " bootableSystemStateBackup=\"yes\" selectComponents=\"no\" backupType=\"full\""
                " partialFileSupport=\"no\""
                " snapshotSetId=\"" ID_A "\"><SNAPSHOT snapshotId=\"" ID_B "\" volumeName=\"/srv/\"/>"
                "<WRITER_COMPONENTS instanceId=\"" ID_A "\" writerId=\"" ID_B "\" backupSchema=\"0\">"
                "<COMPONENT logicalPath=\"a\\b\" componentName=\"c\" componentType=\"database\""
                " backupSucceeded=\"no\">"
                "<BACKUP_METADATA metadata=\"x\"/></COMPONENT></WRITER_COMPONENTS></BACKUP_COMPONENTS>");
}

static void test_that_a_document_of_windows_loads(void **state) {
        _cleanup_(backup_doc_freep) BackupDoc *d = NULL, *again = NULL;
        _cleanup_(freep) char *text = read_file(samples, "windows-backup.xml"), *written = NULL,
                              *rewritten = NULL;
        GUID sql = guid("A65FAA63-5EA8-4EBC-9DBD-A0C4DB26912A"),
             other = guid("542da469-d3e1-473c-9f4f-7847f01fc64f");
        BackupWriter *w;
        BackupComponent *c;

        assert_non_null(text);
        d = must_read(text);
        assert_true(d->has_state);
        assert_true(d->bootable_system_state);
        assert_true(d->select_components);
        assert_false(d->partial_file_support);
        assert_int_equal(d->backup_type, VSS_BT_FULL);
        assert_int_equal(d->n_writers, 2);

        w = backup_doc_find_writer(d, &GUID_NULL, &sql);
        assert_ptr_equal(w, d->writers[0]);
        assert_int_equal(w->backup_schema, 881);
        assert_string_equal(w->instance_name, "Microsoft SQL Server 2014:SQLWriter");

        c = backup_writer_find_component(w, VSS_CT_DATABASE, "HOST\\INSTANCE", "master");
        assert_non_null(c);
        assert_string_equal(c->backup_stamp, "Lw==");
        assert_string_equal(c->backup_metadata, "EAAAAC8AAAA9");
        assert_int_equal(c->backup_succeeded, TRI_UNSET);

        c = backup_writer_find_component(w, VSS_CT_FILEGROUP, "", "All components");
        assert_non_null(c);
        assert_null(c->logical_path);

        /* What looks like an escape of ours in a document that is not ours is just that. */
        w = backup_doc_find_writer(d, &GUID_NULL, &other);
        assert_string_equal(w->components[0]->logical_path, "C:\\xbox");
        assert_string_equal(w->components[0]->name, "d:\\xfe");

        written = must_write(d);
        again = must_read(written);
        assert_true(doc_equal(backup_doc_format.root, d, again));
        rewritten = must_write(again);
        assert_string_equal(written, rewritten);
}

static void test_that_what_we_do_not_know_is_kept(void **state) {
        static const struct {
                const char *text, *written; /* NULL: the same */
        } cases[] = {
                { HEAD " future=\"&lt;1&gt; &quot;&#10;&amp;#38;\"/>", NULL },
                { HEAD "><FUTURE a=\"1\" b='2'><x>text &amp; more</x><y/></FUTURE></BACKUP_COMPONENTS>",
                  HEAD "><FUTURE a=\"1\" b=\"2\"><x>text &amp; more</x><y/></FUTURE></BACKUP_COMPONENTS>" },
                { HEAD " xmlns:f=\"urn:f\" f:a=\"1\"><f:E f:b=\"2\" xmlns:g=\"urn:g\"><g:F/></f:E>"
                  "</BACKUP_COMPONENTS>",
                  HEAD " xmlns:f=\"urn:f\" f:a=\"1\"><f:E xmlns:g=\"urn:g\" f:b=\"2\"><g:F/></f:E>"
                  "</BACKUP_COMPONENTS>" },
                { HEAD "><E xmlns=\"urn:other\"><F/></E><G/></BACKUP_COMPONENTS>", NULL },
                { HEAD "><WRITER_COMPONENTS instanceId=\"" ID_A "\" writerId=\"" ID_B "\" backupSchema=\"0\""
                  " later=\"yes\">"
                  "<COMPONENT componentName=\"c\" componentType=\"database\" later=\"1\">"
                  "<BACKUP_METADATA metadata=\"m\" later=\"2\"><IN/></BACKUP_METADATA>"
                  "<NEW_TARGET path=\"/a\" filespec=\"*\" recursive=\"no\" later=\"3\"><IN/>"
                  "</NEW_TARGET>"
                  "<PARTIAL_FILE path=\"/a\" filename=\"b\" ranges=\"0:1\" later=\"4\"/>"
                  "<LATER/></COMPONENT><LATER/></WRITER_COMPONENTS></BACKUP_COMPONENTS>",
                  NULL },
                /* words of Windows that no public document shows */
                { HEAD " bootableSystemStateBackup=\"no\" selectComponents=\"no\" partialFileSupport=\"no\""
                  " backupType=\"NEW\"/>", NULL },
                /* in no namespace, in a prefixed one, and with the default namespace meaning another */
                { "<BACKUP_COMPONENTS version=\"1.2\"><E/></BACKUP_COMPONENTS>", HEAD
                  "><E/></BACKUP_COMPONENTS>" },
                { "<v:BACKUP_COMPONENTS xmlns:v=\"x-schema:#VssComponentMetadata\" version=\"1.2\"><v:E/>"
                  "</v:BACKUP_COMPONENTS>",
                  HEAD " xmlns:v=\"x-schema:#VssComponentMetadata\"><v:E/></BACKUP_COMPONENTS>" },
                { "<v:BACKUP_COMPONENTS xmlns=\"urn:d\" xmlns:v=\"x-schema:#VssComponentMetadata\"><E><F/>"
                  "</E></v:BACKUP_COMPONENTS>",
                  "<BACKUP_COMPONENTS xmlns=\"x-schema:#VssComponentMetadata\""
                  " xmlns:v=\"x-schema:#VssComponentMetadata\">"
                  "<E xmlns=\"urn:d\"><F/></E></BACKUP_COMPONENTS>" },
                /* what carries no meaning goes */
                { "\xEF\xBB\xBF<?xml version='1.0' encoding='UTF-16'?>\r\n<!-- <x> --><?pi <?>" HEAD
                  ">\n  text\n</BACKUP_COMPONENTS>\n", HEAD "/>" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                _cleanup_(backup_doc_freep) BackupDoc *d = must_read(cases[i].text), *again = NULL,
                                                      *copy = NULL;
                _cleanup_(freep) char *written = must_write(d), *rewritten = NULL, *copied = NULL;

                assert_string_equal(written, cases[i].written ? cases[i].written : cases[i].text);

                again = must_read(written);
                rewritten = must_write(again);
                assert_string_equal(written, rewritten);

                assert_int_equal(backup_doc_copy(d, &copy), S_OK);
                copied = must_write(copy);
                assert_string_equal(written, copied);
        }
}

static void test_that_an_unknown_word_gives_way_to_a_known_one(void **state) {
        _cleanup_(backup_doc_freep) BackupDoc *d = must_read(HEAD " backupType=\"NEW\"/>");
        _cleanup_(freep) char *text = NULL;

        assert_true(d->has_state);
        assert_int_equal(d->backup_type, VSS_BT_UNDEFINED);

        d->backup_type = VSS_BT_LOG;
        text = must_write(d);
        assert_non_null(strstr(text, "backupType=\"log\""));
        assert_null(strstr(text, "NEW"));
}

static void test_that_any_bytes_in_any_text_survive(void **state) {
        srand(1);

        for (unsigned round = 0; round < 300; ++round) {
                _cleanup_(backup_doc_freep) BackupDoc *d = NULL, *again = NULL;
                _cleanup_(freep) char *text = NULL;
                char bytes[64] = { 0 };
                BackupComponent *c;
                BackupWriter *w;

                for (size_t i = 0; i < (size_t) rand() % sizeof(bytes); ++i)
                        bytes[i] = (char) (rand() % 4 ? "\\x41<&\r\n\t\"'"[rand() % 12] : rand() % 255 + 1);
                bytes[sizeof(bytes) - 1] = '\0';

                assert_int_equal(backup_doc_new(&d), 0);
                assert_int_equal(backup_doc_add_writer(d, &GUID_NULL, &GUID_NULL, bytes, 1, &w), S_OK);
                assert_int_equal(backup_writer_add_component(w, VSS_CT_FILEGROUP, bytes, bytes, &c), S_OK);
                assert_int_equal(backup_component_add_partial_file(c, bytes, bytes, bytes, bytes), 0);

                text = must_write(d);
                again = must_read(text);
                assert_true(doc_equal(backup_doc_format.root, d, again));
                assert_non_null(
                        backup_writer_find_component(again->writers[0], VSS_CT_FILEGROUP, bytes, bytes));
        }
}

static void test_that_writers_and_components_are_found(void **state) {
        _cleanup_(backup_doc_freep) BackupDoc *d = NULL;
        GUID a = guid(ID_A), b = guid(ID_B);
        BackupWriter *first, *second;
        BackupComponent *c;

        assert_int_equal(backup_doc_new(&d), 0);
        assert_null(backup_doc_find_writer(d, &GUID_NULL, &a));

        assert_int_equal(backup_doc_add_writer(d, &a, &a, "one", 0, &first), S_OK);
        assert_int_equal(backup_doc_add_writer(d, &b, &a, "two", 0, &second), S_OK);
        assert_int_equal(backup_doc_add_writer(d, &b, &a, "two", 0, NULL), VSS_E_OBJECT_ALREADY_EXISTS);
        assert_ptr_equal(backup_doc_find_writer(d, &a, &a), first);
        assert_ptr_equal(backup_doc_find_writer(d, &b, &a), second);
        assert_ptr_equal(backup_doc_find_writer(d, &GUID_NULL, &a), first);
        assert_null(backup_doc_find_writer(d, &b, &b));

        assert_int_equal(backup_writer_add_component(first, VSS_CT_DATABASE, "p", "n", &c), S_OK);
        assert_int_equal(backup_writer_add_component(first, VSS_CT_DATABASE, "p", "n", NULL),
                         VSS_E_OBJECT_ALREADY_EXISTS);
        assert_int_equal(backup_writer_add_component(first, VSS_CT_FILEGROUP, "p", "n", NULL), S_OK);
        assert_int_equal(backup_writer_add_component(first, VSS_CT_DATABASE, NULL, "n", NULL), S_OK);
        assert_int_equal(backup_writer_add_component(first, VSS_CT_DATABASE, "", "n", NULL),
                         VSS_E_OBJECT_ALREADY_EXISTS);
        assert_int_equal(backup_writer_add_component(first, VSS_CT_DATABASE, "p", NULL, NULL), E_INVALIDARG);
        assert_int_equal(backup_writer_add_component(first, VSS_CT_UNDEFINED, "p", "m", NULL), E_INVALIDARG);
        assert_ptr_equal(backup_writer_find_component(first, VSS_CT_DATABASE, "p", "n"), c);
        assert_null(backup_writer_find_component(second, VSS_CT_DATABASE, "p", "n"));
        assert_null(backup_writer_find_component(first, VSS_CT_DATABASE, "p", NULL));

        assert_int_equal(backup_doc_add_volume(d, &a, &b, "/srv/"), S_OK);
        assert_int_equal(backup_doc_add_volume(d, &a, &b, "/home/"), VSS_E_OBJECT_ALREADY_EXISTS);
        assert_string_equal(backup_doc_find_volume(d, &a)->volume, "/srv/");
        assert_null(backup_doc_find_volume(d, &b));
}

/* Were finding a walk, this would be a hundred times slower than the patience of a test run. */
static void test_that_many_components_keep_their_place_and_are_found(void **state) {
        _cleanup_(backup_doc_freep) BackupDoc *d = NULL, *again = NULL;
        _cleanup_(freep) char *text = NULL;
        enum { N = 30000 };
        BackupComponent *first = NULL;
        BackupWriter *w;

        assert_int_equal(backup_doc_new(&d), 0);
        assert_int_equal(backup_doc_add_writer(d, &GUID_NULL, &GUID_NULL, NULL, 0, &w), S_OK);

        for (unsigned i = 0; i < N; ++i) {
                BackupComponent *c;
                char name[32];

                snprintf(name, sizeof(name), "component %u", i);
                assert_int_equal(backup_writer_add_component(w, VSS_CT_FILEGROUP, "path", name, &c), S_OK);
                if (!first)
                        first = c;
        }
        assert_ptr_equal(w->components[0], first);

        text = must_write(d);
        again = must_read(text);
        for (unsigned i = 0; i < N; ++i) {
                char name[32];

                snprintf(name, sizeof(name), "component %u", i);
                assert_ptr_equal(
                        backup_writer_find_component(again->writers[0], VSS_CT_FILEGROUP, "path", name),
                        again->writers[0]->components[i]);
        }
}

static void test_that_a_part_has_the_head_and_one_writer(void **state) {
        _cleanup_(backup_doc_freep) BackupDoc *d = backup_doc_filled(2), *part = NULL;
        _cleanup_(freep) char *text = NULL;
        size_t size;

        assert_int_equal(backup_doc_write_part(d, d->writers[1], &text, &size), S_OK);
        assert_int_equal(backup_doc_read(text, size, &part), S_OK);
        assert_int_equal(part->n_writers, 1);
        assert_int_equal(part->n_volumes, d->n_volumes);
        assert_true(part->has_state);
        assert_true(guid_equal(&part->snapshot_set_id, &d->snapshot_set_id));
        assert_true(guid_equal(&part->writers[0]->writer_id, &d->writers[1]->writer_id));
        assert_int_equal(part->writers[0]->n_components, d->writers[1]->n_components);
        assert_int_equal(d->n_writers, 2);
}

static void test_that_a_copy_is_the_same_and_its_own(void **state) {
        _cleanup_(backup_doc_freep) BackupDoc *d = backup_doc_filled(3), *copy = NULL;
        _cleanup_(freep) char *text = must_write(d), *text_copy = NULL;
        BackupComponent *c;

        assert_int_equal(backup_doc_copy(d, &copy), S_OK);
        assert_true(doc_equal(backup_doc_format.root, d, copy));
        c = d->writers[1]->components[1];
        assert_non_null(backup_writer_find_component(copy->writers[1], c->type, c->logical_path, c->name));

        d = backup_doc_free(d);
        text_copy = must_write(copy);
        assert_string_equal(text, text_copy);
}

static void test_that_consistency_has_names(void **state) {
        for (Consistency c = 0; c < _CONSISTENCY_MAX; ++c)
                assert_int_equal(consistency_from_string(consistency_to_string(c)), c);

        assert_int_equal(consistency_from_string("good"), _CONSISTENCY_INVALID);
        assert_true(CONSISTENCY_FUZZY < CONSISTENCY_CRASH && CONSISTENCY_CRASH < CONSISTENCY_APPLICATION);
}

static void test_that_a_model_without_a_name_is_not_written(void **state) {
        _cleanup_(backup_doc_freep) BackupDoc *d = backup_doc_filled(1);
        VSS_COMPONENT_TYPE type;
        char *text = NULL;
        size_t size;

        type = d->writers[0]->components[0]->type;
        d->writers[0]->components[0]->type = VSS_CT_UNDEFINED;
        assert_int_equal(backup_doc_write(d, &text, &size), VSS_E_INVALID_XML_DOCUMENT);
        d->writers[0]->components[0]->type = type;

        free(d->volumes[0].volume);
        d->volumes[0].volume = NULL;
        assert_int_equal(backup_doc_write(d, &text, &size), VSS_E_INVALID_XML_DOCUMENT);
        assert_null(text);
}

static HRESULT round_of_everything(const BackupDoc *d) {
        _cleanup_(backup_doc_freep) BackupDoc *copy = NULL, *again = NULL;
        _cleanup_(freep) char *text = NULL;
        HRESULT hr;
        size_t size;

        hr = backup_doc_copy(d, &copy);
        if (FAILED(hr))
                return hr;

        hr = backup_doc_write(copy, &text, &size);
        if (FAILED(hr))
                return hr;

        return backup_doc_read(text, size, &again);
}

static void test_that_it_survives_any_failed_allocation(void **state) {
        _cleanup_(backup_doc_freep) BackupDoc *d = must_read(
                HEAD
                " later=\"1\" xmlns:f=\"urn:f\" backupType=\"NEW\"><f:E/><SNAPSHOT snapshotId=\"" ID_A
                "\" volumeName=\"/a\\b\xC3\xBC/\"/><WRITER_COMPONENTS instanceId=\"" ID_A
                "\" writerId=\"" ID_B
                "\"><COMPONENT componentName=\"a\" componentType=\"database\">"
                "<BACKUP_METADATA metadata=\"&amp;\"/>"
                "<NEW_TARGET path=\"a\"/></COMPONENT><E/></WRITER_COMPONENTS></BACKUP_COMPONENTS>");
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
        GUID a = guid(ID_A);

        for (unsigned n = 0; hr == E_OUTOFMEMORY; ++n) {
                _cleanup_(backup_doc_freep) BackupDoc *d = NULL;
                BackupWriter *w = NULL;
                BackupComponent *c = NULL;

                assert_int_equal(backup_doc_new(&d), 0);

                fault_fail_allocation(n);
                hr = backup_doc_add_volume(d, &a, &a, "/srv/");
                if (SUCCEEDED(hr))
                        hr = backup_doc_add_writer(d, &a, &a, "instance", 0, &w);
                if (SUCCEEDED(hr))
                        hr = backup_writer_add_component(w, VSS_CT_DATABASE, "path", "name", &c);
                if (SUCCEEDED(hr) &&
                    (backup_component_add_partial_file(c, "a", "b", "c", "d") < 0 ||
                     backup_component_add_differenced_file(c, "a", "b", true, "c", 1) < 0 ||
                     backup_component_add_directed_target(c, "a", "b", "c", "d", "e", "f") < 0 ||
                     backup_component_add_restore_subcomponent(c, "a", "b", false) < 0 ||
                     doc_filespecs_add(&c->mappings, "a", "b", true, "c", 0) < 0))
                        hr = E_OUTOFMEMORY;
                fault_clear();

                /* What failed is not there, and is not found; the rest is. */
                assert_true(!!backup_doc_find_writer(d, &GUID_NULL, &a) == (d->n_writers == 1));
                assert_true(!!backup_doc_find_writer(d, &a, &a) == (d->n_writers == 1));
                if (d->n_writers == 1)
                        assert_true(!!backup_writer_find_component(d->writers[0], VSS_CT_DATABASE, "path",
                                                                   "name") ==
                                    (d->writers[0]->n_components == 1));
                if (hr == E_OUTOFMEMORY && d->n_writers == 0)
                        assert_int_equal(backup_doc_add_writer(d, &a, &a, "instance", 0, &w), S_OK);
        }

        assert_int_equal(hr, S_OK);
}

int main(int argc, char *argv[]) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_that_every_field_survives),
                cmocka_unit_test(test_that_what_is_written_is_valid_by_the_schema),
                cmocka_unit_test(test_that_a_document_is_one_line_in_the_words_of_windows),
                cmocka_unit_test(test_that_a_document_of_windows_loads),
                cmocka_unit_test(test_that_what_we_do_not_know_is_kept),
                cmocka_unit_test(test_that_an_unknown_word_gives_way_to_a_known_one),
                cmocka_unit_test(test_that_any_bytes_in_any_text_survive),
                cmocka_unit_test(test_that_writers_and_components_are_found),
                cmocka_unit_test(test_that_many_components_keep_their_place_and_are_found),
                cmocka_unit_test(test_that_a_part_has_the_head_and_one_writer),
                cmocka_unit_test(test_that_a_copy_is_the_same_and_its_own),
                cmocka_unit_test(test_that_consistency_has_names),
                cmocka_unit_test(test_that_a_model_without_a_name_is_not_written),
                cmocka_unit_test(test_that_it_survives_any_failed_allocation),
                cmocka_unit_test(test_that_adding_survives_any_failed_allocation),
        };

        assert(argc == 3);
        schema = argv[1];
        samples = argv[2];
        return cmocka_run_group_tests(tests, NULL, NULL);
}
