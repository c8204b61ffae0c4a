/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Documents of before, with a scratch: a value that is none costs the element it stands in, and nothing of
 * the document is lost when it is written again.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "doc-fill.h"
#include "doc/backup-doc-table.h"
#include "doc/backup-doc.h"
#include "doc/writer-doc-table.h"
#include "doc/writer-doc.h"
#include "lib/test-util.h"

#define BC "<BACKUP_COMPONENTS xmlns=\"x-schema:#VssComponentMetadata\" version=\"1.2\""
#define BC_END "</BACKUP_COMPONENTS>"
#define ID_A "11111111-2222-3333-4444-555555555555"
#define ID_B "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"
#define WC "<WRITER_COMPONENTS instanceId=\"" ID_A "\" writerId=\"" ID_B "\" backupSchema=\"0\">"
#define WC_END "</WRITER_COMPONENTS>"
#define C "<COMPONENT componentName=\"a\" componentType=\"database\""
#define C_END "</COMPONENT>"
#define WM "<WRITER_METADATA xmlns=\"x-schema:#VssWriterMetadataInfo\" version=\"1.2\">"
#define WM_ID                                                                                               \
        "<IDENTIFICATION writerId=\"" ID_A "\" instanceId=\"" ID_B                                          \
        "\" majorVersion=\"0\" minorVersion=\"0\"/>"
#define WM_END "</WRITER_METADATA>"
#define BL "<BACKUP_LOCATIONS>"
#define BL_END "</BACKUP_LOCATIONS>"
#define REST                                                                               \
        "restoreMetadata=\"no\" notifyOnBackupComplete=\"no\" selectable=\"no\" "          \
        "selectableForRestore=\"no\" componentFlags=\"0\""

/* How many elements of the model are damaged. */
static size_t count_invalid(const DocElement *e, const void *object) {
        size_t n = doc_extra_is_invalid(DOC_MEMBER_CONST(object, e->extra, DocExtra *));

        for (size_t i = 0; i < e->n_children; ++i) {
                const DocChild *child = &e->children[i];

                if (child->kind == DOC_INLINE) {
                        n += count_invalid(child->element, object);
                        continue;
                }

                for (size_t k = 0; k < DOC_MEMBER_CONST(object, child->n, size_t); ++k) {
                        const char *items = DOC_MEMBER_CONST(object, child->items, void *);

                        n += count_invalid(child->element, child->kind == DOC_POINTERS ?
                                                                   ((void *const *) items)[k] :
                                                                   items + k * child->size);
                }
        }

        return n;
}

/* Reads it and writes it, directly and as a copy. Caller frees; NULL when it was refused. */
static char *saved_backup(const char *text, size_t *ret_invalid) {
        _cleanup_(backup_doc_freep) BackupDoc *d = NULL, *copy = NULL;
        _cleanup_(freep) char *copy_text = NULL;
        char *saved = NULL;

        if (FAILED(backup_doc_read(text, strlen(text), &d)))
                return NULL;

        assert_int_equal(backup_doc_write(d, &saved, &(size_t){ 0 }), S_OK);
        assert_int_equal(backup_doc_copy(d, &copy), S_OK);
        assert_int_equal(backup_doc_write(copy, &copy_text, &(size_t){ 0 }), S_OK);
        assert_string_equal(copy_text, saved);

        *ret_invalid = count_invalid(backup_doc_format.root, d);
        assert_int_equal(count_invalid(backup_doc_format.root, copy), *ret_invalid);
        return saved;
}

static char *saved_writer(const char *text, size_t *ret_invalid) {
        _cleanup_(writer_doc_freep) WriterDoc *d = NULL, *copy = NULL;
        _cleanup_(freep) char *copy_text = NULL;
        char *saved = NULL;

        if (FAILED(writer_doc_read(text, strlen(text), &d)))
                return NULL;

        assert_int_equal(writer_doc_write(d, &saved, &(size_t){ 0 }), S_OK);
        assert_int_equal(writer_doc_copy(d, &copy), S_OK);
        assert_int_equal(writer_doc_write(copy, &copy_text, &(size_t){ 0 }), S_OK);
        assert_string_equal(copy_text, saved);

        *ret_invalid = count_invalid(writer_doc_format.root, d);
        assert_int_equal(count_invalid(writer_doc_format.root, copy), *ret_invalid);
        return saved;
}

typedef char *(*Saved)(const char *text, size_t *ret_invalid);

static void check_saved(Saved saved, const char *text, const char *expected, size_t n_invalid) {
        _cleanup_(freep) char *once = NULL, *twice = NULL;
        size_t n, n_again;

        once = saved(text, &n);
        if (!once)
                fail_msg("%s: refused", text);
        assert_string_equal(once, expected);
        if (n != n_invalid)
                fail_msg("%s: %zu elements are damaged, not %zu", text, n, n_invalid);

        twice = saved(once, &n_again);
        assert_non_null(twice);
        assert_string_equal(twice, once);
        assert_int_equal(n_again, n);
}

static void test_that_a_bad_value_is_kept_as_it_stands(void **state) {
        static const struct {
                const char *text;
                size_t n_invalid;
        } cases[] = {
                { BC " selectComponents=\"true\"/>", 1 },
                { BC " selectComponents=\"\" a=\"b\"/>", 1 },
                { BC " snapshotSetId=\"1\"/>", 1 },
                { BC " restoreType=\"3\"/>", 1 },
                { BC " restoreType=\"3\">" WC C "/>" WC_END BC_END, 1 },
                { BC "><SNAPSHOT volumeName=\"/\"/>" BC_END, 1 },
                { BC "><SNAPSHOT snapshotId=\"" ID_A "\"/>" BC_END, 1 },
                { BC "><SNAPSHOT/><SNAPSHOT/>" BC_END, 2 },
                { BC "><WRITER_COMPONENTS/>" BC_END, 1 },
                { BC "><WRITER_COMPONENTS instanceId=\"" ID_A "\"/>" BC_END, 1 },
                { BC "><WRITER_COMPONENTS writerId=\"" ID_A "\">" C "/>" WC_END BC_END, 1 },
                { BC ">" WC C "/>" WC_END WC C "/>" WC_END BC_END, 1 }, /* two of one name */
                { BC ">" WC C "/>" C "/>" WC_END BC_END, 1 },
                { BC ">" WC C
                     "/><COMPONENT logicalPath=\"\" componentName=\"a\" componentType=\"database\"/>" WC_END
                             BC_END,
                  1 },
                { BC ">" WC
                     "<COMPONENT componentType=\"database\"/><COMPONENT componentType=\"database\"/>" WC_END
                             BC_END,
                  2 },
                { BC ">" WC "<COMPONENT componentType=\"file\" componentName=\"a\"/>" WC_END BC_END, 1 },
                { BC ">" WC C " failure=\"-1\"/>" WC_END BC_END, 1 },
                { BC ">" WC C " failure=\"4294967296\"/>" WC_END BC_END, 1 },
                { BC
                  ">" WC C
                  "><BACKUP_METADATA metadata=\"1\"/><BACKUP_METADATA metadata=\"2\"/>" C_END WC_END BC_END,
                  1 },
                { BC ">" WC C
                     "><DIFFERENCED_FILES recursive=\"no\" lastModifyTime=\"9223372036854775808\"/>" C_END
                             WC_END BC_END,
                  1 },
                { BC ">" WC C
                     "><DIFFERENCED_FILES recursive=\"no\" lastModifyTime=\"-9223372036854775809\"/>" C_END
                             WC_END BC_END,
                  1 },
                { BC ">" WC C
                     "><DIFFERENCED_FILES recursive=\"no\" lastModifyTime=\"-9223372036854775808\"/>" C_END
                             WC_END BC_END,
                  0 },
                { "<BACKUP_COMPONENTS xmlns=\"x-schema:#VssComponentMetadata\" xmlns:p=\"urn:p\" version=\"1.2\""
                  " p:a=\"&amp;&#9;\" selectComponents=\"&lt;\"/>",
                  1 },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); ++i)
                check_saved(saved_backup, cases[i].text, cases[i].text, cases[i].n_invalid);
}

static void test_that_a_bad_value_of_a_writer_is_kept_as_it_stands(void **state) {
        static const struct {
                const char *text;
                size_t n_invalid;
        } cases[] = {
                { "<IDENTIFICATION/><BACKUP_LOCATIONS/>", 1 },
                { "<IDENTIFICATION writerId=\"" ID_A "\"/><BACKUP_LOCATIONS/>", 1 },
                { "<IDENTIFICATION writerId=\"{" ID_A "\" instanceId=\"" ID_B "\"/><BACKUP_LOCATIONS/>", 1 },
                { "<IDENTIFICATION writerId=\"" ID_A "\" instanceId=\"" ID_B
                  "\" majorVersion=\"\"/><BACKUP_LOCATIONS/>", 1 },
                { "<IDENTIFICATION majorVersion=\"0x1\" writerId=\"" ID_A "\" instanceId=\"" ID_B
                  "\"/><BACKUP_LOCATIONS/>", 1 },
                { "<IDENTIFICATION writerId=\"" ID_A "\" instanceId=\"" ID_B
                  "\" majorVersion=\" 1\"/><BACKUP_LOCATIONS/>", 1 },
                { "<IDENTIFICATION writerId=\"" ID_A "\" instanceId=\"" ID_B
                  "\" majorVersion=\"+1\"/><BACKUP_LOCATIONS/>", 1 },
                { "<IDENTIFICATION writerId=\"" ID_A "\" instanceId=\"" ID_B
                  "\" majorVersion=\"4294967296\"/><BACKUP_LOCATIONS/>", 1 },
                { WM_ID "<BACKUP_LOCATIONS/>" WM_ID, 1 },
                { WM_ID "<RESTORE_METHOD rebootRequired=\"maybe\"/><BACKUP_LOCATIONS/>", 1 },
                { WM_ID "<RESTORE_METHOD rebootRequired=\"no\"/><BACKUP_LOCATIONS/><RESTORE_METHOD/>", 1 },
                { WM_ID "<BACKUP_LOCATIONS/><BACKUP_LOCATIONS/>", 1 },
                { WM_ID BL "<FILE_GROUP/>" BL_END, 1 },
                { WM_ID BL "<FILE_GROUP componentName=\"a\" " REST "/><DATABASE componentName=\"a\"/>"
                  BL_END, 1 },
                { WM_ID BL "<FILE_GROUP componentName=\"a\" icon=\"AA\"/>" BL_END, 1 },
                { WM_ID BL "<FILE_GROUP componentName=\"a\" " REST " icon=\"AAAA\"/>" BL_END, 0 },
                { WM_ID BL "<FILE_GROUP componentName=\"a\" " REST "><FILE_LIST recursive=\"maybe\"/>"
                  "<FILE_LIST filespecBackupType=\"\"/></FILE_GROUP>" BL_END, 2 },
                { WM_ID BL "<DATABASE componentName=\"a\" " REST "><DEPENDENCY componentName=\"b\"/>"
                  "</DATABASE>" BL_END, 1 },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                char text[1024];

                (void) snprintf(text, sizeof(text), "%s%s%s", WM, cases[i].text, WM_END);
                check_saved(saved_writer, text, text, cases[i].n_invalid);
        }
}

/* A text that cannot be unescaped; without the mark on the root it would mean itself. */
static void test_that_a_bad_escape_keeps_the_mark_that_makes_it_bad(void **state) {
#define ESCAPED "<BACKUP_COMPONENTS xmlns=\"x-schema:#VssComponentMetadata\" escaped=\"yes\" version=\"1.2\""
        static const struct {
                const char *text;
                size_t n_invalid;
        } cases[] = {
                { ESCAPED "><SNAPSHOT snapshotId=\"" ID_A "\" volumeName=\"\\xZZ\"/>" BC_END, 1 },
                { ESCAPED "><SNAPSHOT snapshotId=\"" ID_A "\" volumeName=\"\\x00\"/>" BC_END, 1 },
                { ESCAPED " from-the-future=\"\\x01\"/>", 0 },
                { ESCAPED "><FUTURE name=\"\\x01\"/>" BC_END, 0 },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); ++i)
                check_saved(saved_backup, cases[i].text, cases[i].text, cases[i].n_invalid);

        /* The mark itself is no damage that could be lived with: it says how all texts are read. */
        assert_null(saved_backup(BC " escaped=\"maybe\"/>", &(size_t){ 0 }));
#undef ESCAPED
}

/* The field of any element called @name; attributes of one name have one type. */
static const DocField *field_called(const DocElement *e, const char *name, size_t size) {
        for (size_t i = 0; i < e->n_fields; ++i)
                if (strlen(e->fields[i].name) == size && memcmp(e->fields[i].name, name, size) == 0)
                        return &e->fields[i];

        for (size_t i = 0; i < e->n_children; ++i) {
                const DocField *f = field_called(e->children[i].element, name, size);

                if (f)
                        return f;
        }

        return NULL;
}

/* Spoils one typed value after the other in a document with everything. */
static void check_every_value(Saved saved, const DocElement *root, const char *text) {
        static const char bad[] = "\"?\"";
        size_t n_spoiled = 0;

        for (const char *p = strstr(text, "=\""); p; p = strstr(p + 2, "=\"")) {
                const char *name = p, *end = strchr(p + 2, '"');
                _cleanup_(freep) char *spoiled = NULL, *once = NULL, *twice = NULL;
                const DocField *f;
                size_t n = 0;

                while (name[-1] != ' ')
                        --name;

                f = field_called(root, name, (size_t) (p - name));
                if (!f || f->type == DOC_TEXT)
                        continue;

                assert_true(asprintf(&spoiled, "%.*s%s%s", (int) (p + 1 - text), text, bad, end + 1) > 0);
                once = saved(spoiled, &n);
                if (!once)
                        fail_msg("refused with %.*s=%s", (int) (p - name), name, bad);

                /* An unknown word may be one of tomorrow; those go to the end of their element. */
                if (f->flags & DOC_FORWARD) {
                        assert_int_equal(n, 0);
                        twice = saved(once, &n);
                        assert_string_equal(twice, once);
                } else {
                        assert_int_equal(n, 1);
                        assert_string_equal(once, spoiled);
                }
                ++n_spoiled;
        }

        assert_true(n_spoiled > 20);
}

static void test_that_any_value_may_be_damaged_and_nothing_else_is_lost(void **state) {
        _cleanup_(backup_doc_freep) BackupDoc *b = backup_doc_filled(2);
        _cleanup_(writer_doc_freep) WriterDoc *w = writer_doc_filled(2);
        _cleanup_(freep) char *backup = NULL, *writer = NULL;

        assert_int_equal(backup_doc_write(b, &backup, &(size_t){ 0 }), S_OK);
        check_every_value(saved_backup, backup_doc_format.root, backup);
        assert_int_equal(writer_doc_write(w, &writer, &(size_t){ 0 }), S_OK);
        check_every_value(saved_writer, writer_doc_format.root, writer);
}

static void test_that_what_can_be_read_of_a_damaged_element_is_known(void **state) {
        static const char text[] =
                BC " selectComponents=\"yes\" restoreType=\"?\">" WC C " backupStamp=\"s\" failure=\"?\"/>" C
                   "/><COMPONENT componentName=\"b\" componentType=\"?\"/>"
                   "<COMPONENT componentName=\"c\" componentType=\"database\"/>" WC_END BC_END;
        _cleanup_(backup_doc_freep) BackupDoc *d = NULL;
        BackupWriter *w;

        assert_int_equal(backup_doc_read(text, strlen(text), &d), S_OK);
        assert_true(doc_extra_is_invalid(d->extra));
        assert_true(d->select_components);
        assert_int_equal(d->n_writers, 1);
        w = d->writers[0];
        assert_false(doc_extra_is_invalid(w->extra));
        assert_int_equal(w->n_components, 4);
        assert_ptr_equal(backup_writer_find_component(w, VSS_CT_DATABASE, NULL, "a"), w->components[0]);
        assert_string_equal(w->components[0]->backup_stamp, "s");
        assert_true(doc_extra_is_invalid(w->components[1]->extra));
        assert_null(backup_writer_find_component(w, VSS_CT_DATABASE, NULL, "b"));
        assert_null(backup_writer_find_component(w, VSS_CT_UNDEFINED, NULL, "b"));
        assert_ptr_equal(backup_writer_find_component(w, VSS_CT_DATABASE, NULL, "c"), w->components[3]);
        assert_false(doc_extra_is_invalid(w->components[3]->extra));

        /* The name of one that is known is taken. */
        assert_int_equal(backup_writer_add_component(w, VSS_CT_DATABASE, NULL, "a", NULL),
                         VSS_E_OBJECT_ALREADY_EXISTS);
        assert_int_equal(backup_writer_add_component(w, VSS_CT_DATABASE, NULL, "b", NULL), S_OK);
}

/* The writer gets its part with the damage in it, and answers with it. */
static void test_that_a_writer_answers_around_a_damaged_component(void **state) {
        static const char text[] = BC ">" WC C " failure=\"?\"/><COMPONENT componentType=\"?\"/>"
                                      "<COMPONENT componentName=\"c\" componentType=\"database\"/>" WC_END
                                      BC_END;
        _cleanup_(backup_doc_freep) BackupDoc *d = NULL, *part = NULL, *forged = NULL;
        _cleanup_(freep) char *part_text = NULL, *before = NULL, *after = NULL;
        BackupComponent *c;
        size_t size;

        assert_int_equal(backup_doc_read(text, strlen(text), &d), S_OK);
        assert_int_equal(backup_doc_write_part(d, d->writers[0], &part_text, &size), S_OK);
        assert_int_equal(backup_doc_read(part_text, size, &part), S_OK);

        c = backup_writer_find_component(part->writers[0], VSS_CT_DATABASE, NULL, "c");
        assert_int_equal(free_and_strdup(&c->backup_stamp, "stamp"), 0);
        free(part->writers[0]->components[0]->backup_stamp);
        part->writers[0]->components[0]->backup_stamp = strdup("not to be had");
        assert_int_equal(backup_doc_merge_part(d->writers[0], part, MERGE_PREPARE_BACKUP), S_OK);
        assert_null(d->writers[0]->components[0]->backup_stamp);
        assert_string_equal(d->writers[0]->components[2]->backup_stamp, "stamp");

        /* Nor can a writer say that the component is well. */
        assert_int_equal(backup_doc_write(d, &before, &(size_t){ 0 }), S_OK);
        assert_int_equal(backup_doc_read(BC ">" WC C " backupStamp=\"x\"/>" WC_END BC_END,
                                         strlen(BC ">" WC C " backupStamp=\"x\"/>" WC_END BC_END), &forged),
                         S_OK);
        assert_int_equal(backup_doc_merge_part(d->writers[0], forged, MERGE_PREPARE_BACKUP),
                         VSS_E_INVALID_XML_DOCUMENT);
        assert_int_equal(backup_doc_write(d, &after, &(size_t){ 0 }), S_OK);
        assert_string_equal(before, after);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_that_a_bad_value_is_kept_as_it_stands),
                cmocka_unit_test(test_that_a_bad_value_of_a_writer_is_kept_as_it_stands),
                cmocka_unit_test(test_that_a_bad_escape_keeps_the_mark_that_makes_it_bad),
                cmocka_unit_test(test_that_any_value_may_be_damaged_and_nothing_else_is_lost),
                cmocka_unit_test(test_that_what_can_be_read_of_a_damaged_element_is_known),
                cmocka_unit_test(test_that_a_writer_answers_around_a_damaged_component),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
