/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Documents of people who mean no good, or of disks that broke: never a crash, never a success that is none,
 * and always the code that says which of the two it was.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "doc-fill.h"
#include "doc/backup-doc.h"
#include "doc/doc-limits.h"
#include "doc/writer-doc.h"
#include "lib/test-util.h"

#define BC "<BACKUP_COMPONENTS xmlns=\"x-schema:#VssComponentMetadata\" version=\"1.2\""
#define BC_END "</BACKUP_COMPONENTS>"
#define ID_A "11111111-2222-3333-4444-555555555555"
#define ID_B "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"
#define WC "<WRITER_COMPONENTS instanceId=\"" ID_A "\" writerId=\"" ID_B "\">"
#define WC_END "</WRITER_COMPONENTS>"
#define WM "<WRITER_METADATA xmlns=\"x-schema:#VssWriterMetadataInfo\" version=\"1.2\">"
#define WM_ID "<IDENTIFICATION writerId=\"" ID_A "\" instanceId=\"" ID_B "\"/>"
#define WM_END "</WRITER_METADATA>"

/* Reads it from a copy of exactly its size, so that a byte too far is seen. */
static HRESULT read_backup(const char *text, size_t size) {
        _cleanup_(backup_doc_freep) BackupDoc *d = NULL;
        _cleanup_(freep) char *copy = NULL;
        HRESULT hr;

        copy = malloc(size);
        assert_true(copy || size == 0);
        if (size > 0)
                memcpy(copy, text, size);

        hr = backup_doc_read(copy ? copy : "", size, &d);
        assert_true(!!d == SUCCEEDED(hr));
        return hr;
}

static HRESULT read_writer(const char *text, size_t size) {
        _cleanup_(writer_doc_freep) WriterDoc *d = NULL;
        _cleanup_(freep) char *copy = NULL;
        HRESULT hr;

        copy = malloc(size);
        assert_true(copy || size == 0);
        if (size > 0)
                memcpy(copy, text, size);

        hr = writer_doc_read(copy ? copy : "", size, &d);
        assert_true(!!d == SUCCEEDED(hr));
        return hr;
}

#define INVALID VSS_E_INVALID_XML_DOCUMENT
#define CORRUPT VSS_E_CORRUPT_XML_DOCUMENT

static void test_that_a_bad_backup_document_gets_its_code(void **state) {
        static const struct {
                const char *text;
                HRESULT hr;
        } cases[] = {
                { "", CORRUPT },
                { " ", CORRUPT },
                { "nonsense", CORRUPT },
                { "\xEF\xBB\xBF", CORRUPT },
                { "<", CORRUPT },
                { "<>", CORRUPT },
                { "<a b=\"", CORRUPT },
                { BC, CORRUPT },
                { BC ">", CORRUPT },
                { BC "/><x/>", CORRUPT },
                { BC "/>x", CORRUPT },
                { BC " version=\"1.2\"/>", CORRUPT }, /* twice */
                { BC " a=b/>", CORRUPT },
                { BC " a=\"<\"/>", CORRUPT },
                { BC "><a></b>" BC_END, CORRUPT },
                { BC "><x:a/>" BC_END, CORRUPT }, /* no such prefix */
                { BC " a=\"&nbsp;\"/>", CORRUPT },
                { BC " a=\"&#0;\"/>", CORRUPT },
                { BC " a=\"&#x110000;\"/>", CORRUPT },
                { BC " a=\"\x01\"/>", CORRUPT },
                { BC " a=\"\xFF\"/>", CORRUPT },
                { BC " a=\"\xED\xA0\x80\"/>", CORRUPT }, /* U+D800 */
                { BC "><!-- -- -->" BC_END, CORRUPT },
                { BC "><!-- ", CORRUPT },
                { BC "><![CDATA[ ", CORRUPT },
                { "<?xml version=\"1.0\"?", CORRUPT },
                { "Lo\xA7\x94", CORRUPT }, /* "<?xm" in EBCDIC */
                { "\xFF\xFE<", CORRUPT },
                { "<BACKUP_COMPONENTS xmlns=\"x-schema:#VssWriterMetadataInfo\"/>", INVALID }, /* not ours */
                { "<WRITER_METADATA xmlns=\"x-schema:#VssComponentMetadata\"/>", INVALID },
                { "<backup_components xmlns=\"x-schema:#VssComponentMetadata\"/>", INVALID },
                { "<html/>", INVALID },
                { BC " escaped=\"no\"/>", INVALID },
                { BC "/>", S_OK }, /* so that the rest means something */
                { BC ">" WC WC_END BC_END, S_OK },
                { BC " a=\"]]>\">]]&gt;<![CDATA[<!DOCTYPE]]>" BC_END, S_OK },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                HRESULT hr = read_backup(cases[i].text, strlen(cases[i].text));

                if (hr != cases[i].hr)
                        fail_msg("%s: %08x, not %08x", cases[i].text, (unsigned) hr, (unsigned) cases[i].hr);
        }
}

static void test_that_a_bad_writer_document_gets_its_code(void **state) {
        static const struct {
                const char *text;
                HRESULT hr;
        } cases[] = {
                { WM WM_END, INVALID }, /* who? */
                { WM "<IDENTITY writerId=\"" ID_A "\" instanceId=\"" ID_B "\"/>" WM_END, INVALID },
                { WM WM_ID WM_END, S_OK },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                HRESULT hr = read_writer(cases[i].text, strlen(cases[i].text));

                if (hr != cases[i].hr)
                        fail_msg("%s: %08x, not %08x", cases[i].text, (unsigned) hr, (unsigned) cases[i].hr);
        }
}

static void test_that_a_truncated_document_is_corrupt_wherever_it_ends(void **state) {
        _cleanup_(backup_doc_freep) BackupDoc *b = backup_doc_filled(1);
        _cleanup_(writer_doc_freep) WriterDoc *w = writer_doc_filled(1);
        _cleanup_(freep) char *backup = NULL, *writer = NULL;
        size_t backup_size, writer_size;

        assert_int_equal(backup_doc_write(b, &backup, &backup_size), S_OK);
        assert_int_equal(writer_doc_write(w, &writer, &writer_size), S_OK);
        assert_int_equal(read_backup(backup, backup_size), S_OK);
        assert_int_equal(read_writer(writer, writer_size), S_OK);

        for (size_t n = 0; n < backup_size; ++n)
                assert_int_equal(read_backup(backup, n), CORRUPT);
        for (size_t n = 0; n < writer_size; ++n)
                assert_int_equal(read_writer(writer, n), CORRUPT);
}

static void test_that_a_damaged_byte_never_does_harm(void **state) {
        _cleanup_(backup_doc_freep) BackupDoc *b = backup_doc_filled(1);
        _cleanup_(freep) char *text = NULL;
        size_t size;

        assert_int_equal(backup_doc_write(b, &text, &size), S_OK);

        for (size_t i = 0; i < size; ++i) {
                static const char bytes[] = { 0, '<', '>', '"', '&', '\x80', '\\', '/' };
                char was = text[i];

                for (size_t k = 0; k < sizeof(bytes); ++k) {
                        text[i] = bytes[k];
                        (void) read_backup(text, size);
                }
                text[i] = 0;
                assert_int_equal(read_backup(text, size), CORRUPT);
                text[i] = was;
        }
}

static void test_that_a_dtd_is_refused_before_anything_in_it_happens(void **state) {
        static const char *const texts[] = {
                "<!DOCTYPE BACKUP_COMPONENTS>" BC "/>",
                "<!DOCTYPE BACKUP_COMPONENTS SYSTEM \"file:///etc/passwd\">" BC "/>",
                "<!DOCTYPE BACKUP_COMPONENTS PUBLIC \"-//x\" \"http://localhost:1/x.dtd\">" BC "/>",
                "<!DOCTYPE b [<!ENTITY e SYSTEM \"file:///etc/passwd\">]>" BC " a=\"&e;\"/>",
                "<!DOCTYPE b [<!ENTITY e SYSTEM \"file:///etc/passwd\">]>" BC ">&e;" BC_END,
                "<!DOCTYPE b [<!ENTITY % p SYSTEM \"file:///etc/passwd\"> %p;]>" BC "/>",
                "<?xml version=\"1.0\"?><!-- > --><!DOCTYPE b [<!ATTLIST BACKUP_COMPONENTS version CDATA"
                " \"9\">]>" BC "/>",
                /* a billion laughs */
                "<!DOCTYPE b [<!ENTITY a \"lol\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;\">"
                "<!ENTITY c \"&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;\"><!ENTITY d"
                " \"&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;\">"
                "<!ENTITY e \"&d;&d;&d;&d;&d;&d;&d;&d;&d;&d;\">]>" BC " a=\"&e;\"/>",
                BC "><!DOCTYPE b>" BC_END,
        };

        for (size_t i = 0; i < ELEMENTSOF(texts); ++i) {
                assert_int_equal(read_backup(texts[i], strlen(texts[i])), INVALID);
                assert_int_equal(read_writer(texts[i], strlen(texts[i])), INVALID);
        }
}

/* Builds head + n times item + tail, and reads it. */
static HRESULT read_repeated(const char *head, const char *item, size_t n, const char *tail) {
        size_t head_size = strlen(head), item_size = strlen(item), tail_size = strlen(tail);
        _cleanup_(freep) char *text = NULL;
        char *p;

        p = text = malloc(head_size + n * item_size + tail_size);
        assert_non_null(text);

        p = mempcpy(p, head, head_size);
        for (size_t i = 0; i < n; ++i)
                p = mempcpy(p, item, item_size);
        p = mempcpy(p, tail, tail_size);

        return read_backup(text, (size_t) (p - text));
}

static void test_that_depth_is_bounded(void **state) {
        _cleanup_(freep) char *tail = NULL;
        size_t n = DOCUMENT_DEPTH_MAX;

        tail = calloc_checked(4 * n + sizeof(BC_END), 1);
        for (size_t i = 0; i < n - 1; ++i)
                memcpy(tail + 4 * i, "</x>", 4);
        memcpy(tail + 4 * (n - 1), BC_END, sizeof(BC_END));

        assert_int_equal(read_repeated(BC ">", "<x>", n - 1, tail), S_OK);
        assert_int_equal(read_repeated(BC ">", "<x>", n, tail), INVALID);
        assert_int_equal(read_repeated(BC ">", "<x>", 1000000, tail), INVALID);
        assert_int_equal(read_repeated(BC ">", "<x/>", DOCUMENT_EXTRA_MAX, BC_END), S_OK);
        assert_int_equal(read_repeated(BC ">", "<x/>", DOCUMENT_EXTRA_MAX + 1, BC_END), INVALID);
}

static void test_that_the_size_of_an_attribute_is_bounded(void **state) {
        assert_int_equal(read_repeated(BC " a=\"", "a", DOCUMENT_ATTRIBUTE_SIZE_MAX, "\"/>"), S_OK);
        assert_int_equal(read_repeated(BC " a=\"", "a", DOCUMENT_ATTRIBUTE_SIZE_MAX + 1, "\"/>"), INVALID);
        assert_int_equal(read_repeated(BC "><SNAPSHOT snapshotId=\"" ID_A "\" volumeName=\"", "a",
                                       DOCUMENT_ATTRIBUTE_SIZE_MAX + 1, "\"/>" BC_END),
                         INVALID);
        assert_int_equal(read_repeated(BC " snapshotSetId=\"", "a", 20U * 1024U * 1024U, "\"/>"), INVALID);
        assert_int_equal(read_repeated(BC " a=\"", "&amp;", DOCUMENT_ATTRIBUTE_SIZE_MAX / 8, "\"/>"), S_OK);
}

/* libxml2 compares every attribute of a tag with every other one. */
static void test_that_the_number_of_attributes_is_bounded(void **state) {
        _cleanup_(freep) char *text = NULL;
        size_t n = 2000000;
        char *p;

        p = text = malloc(n * 16 + 256);
        assert_non_null(text);

        p = stpcpy(p, BC);
        for (size_t i = 0; i < n; ++i)
                p += sprintf(p, " a%zu=''", i);
        p = stpcpy(p, "/>");
        assert_int_equal(read_backup(text, (size_t) (p - text)), INVALID);

        /* Unknown ones by themselves have a lower bound, so that what was read can be written. */
        for (n = DOCUMENT_EXTRA_ATTRIBUTES_MAX; n <= DOCUMENT_EXTRA_ATTRIBUTES_MAX + 1; ++n) {
                p = stpcpy(text, BC);
                for (size_t i = 0; i < n; ++i)
                        p += sprintf(p, " a%zu=''", i);
                p = stpcpy(p, "/>");
                assert_int_equal(read_backup(text, (size_t) (p - text)),
                                 n > DOCUMENT_EXTRA_ATTRIBUTES_MAX ? INVALID : S_OK);
        }
}

static void test_that_the_number_of_namespaces_is_bounded(void **state) {
        _cleanup_(freep) char *text = NULL;
        char *p;

        p = text = malloc(1024U * 1024U);
        assert_non_null(text);

        p = stpcpy(p, BC ">");
        for (size_t depth = 0; depth < DOCUMENT_DEPTH_MAX - 1; ++depth) {
                p += sprintf(p, "<x");
                for (size_t i = 0; i < 100; ++i)
                        p += sprintf(p, " xmlns:n%zu_%zu='u'", depth, i);
                p = stpcpy(p, ">");
        }
        for (size_t depth = 0; depth < DOCUMENT_DEPTH_MAX - 1; ++depth)
                p = stpcpy(p, "</x>");
        p = stpcpy(p, BC_END);
        assert_int_equal(read_backup(text, (size_t) (p - text)), INVALID);

        /* But they may be many if they are not in scope together. */
        p = stpcpy(text, BC ">");
        for (size_t i = 0; i < DOCUMENT_NAMESPACES_MAX + 10; ++i)
                p += sprintf(p, "<x xmlns='urn:%zu'/>", i);
        p = stpcpy(p, BC_END);
        assert_int_equal(read_backup(text, (size_t) (p - text)), S_OK);
}

static void test_that_lists_are_bounded(void **state) {
        const char *head = BC ">" WC "<COMPONENT componentName=\"a\" componentType=\"database\">";

        assert_int_equal(
                read_repeated(head, "<NEW_TARGET/>", DOCUMENT_LIST_MAX, "</COMPONENT>" WC_END BC_END), S_OK);
        assert_int_equal(
                read_repeated(head, "<NEW_TARGET/>", DOCUMENT_LIST_MAX + 1, "</COMPONENT>" WC_END BC_END),
                INVALID);
}

static void test_that_the_number_of_components_and_writers_is_bounded(void **state) {
        const size_t max_n = MAX(DOCUMENT_COMPONENTS_MAX, DOCUMENT_WRITERS_MAX) + 1;
        _cleanup_(freep) char *text = NULL;
        char *p;

        text = malloc(max_n * 128 + 1024);
        assert_non_null(text);

        for (size_t n = DOCUMENT_COMPONENTS_MAX; n <= DOCUMENT_COMPONENTS_MAX + 1; ++n) {
                p = stpcpy(text, BC ">" WC);
                for (size_t i = 0; i < n; ++i)
                        p += sprintf(p, "<COMPONENT componentName=\"%zu\" componentType=\"database\"/>", i);
                p = stpcpy(p, WC_END BC_END);
                assert_int_equal(read_backup(text, (size_t) (p - text)),
                                 n > DOCUMENT_COMPONENTS_MAX ? INVALID : S_OK);
        }

        for (size_t n = DOCUMENT_WRITERS_MAX; n <= DOCUMENT_WRITERS_MAX + 1; ++n) {
                p = stpcpy(text, BC ">");
                for (size_t i = 0; i < n; ++i)
                        p += sprintf(p,
                                     "<WRITER_COMPONENTS writerId=\"" ID_A
                                     "\" instanceId=\"%08zx-0000-0000-0000-000000000000\"/>",
                                     i);
                p = stpcpy(p, BC_END);
                assert_int_equal(read_backup(text, (size_t) (p - text)),
                                 n > DOCUMENT_WRITERS_MAX ? INVALID : S_OK);
        }
}

static void test_that_the_size_of_a_document_is_bounded(void **state) {
        _cleanup_(freep) char *text = NULL;
        size_t size = WRITER_DOCUMENT_SIZE_MAX;

        text = malloc(size + 1);
        assert_non_null(text);
        memset(text, ' ', size + 1);
        memcpy(text, WM WM_ID WM_END, strlen(WM WM_ID WM_END));

        assert_int_equal(read_writer(text, size), S_OK);
        assert_int_equal(read_writer(text, size + 1), INVALID);
}

static void test_that_a_model_over_a_limit_is_not_written(void **state) {
        _cleanup_(writer_doc_freep) WriterDoc *d = NULL;
        char *text = NULL;
        size_t size;

        assert_int_equal(writer_doc_new(&d), 0);
        d->friendly_name = malloc(DOCUMENT_ATTRIBUTE_SIZE_MAX + 2);
        assert_non_null(d->friendly_name);
        memset(d->friendly_name, 'a', DOCUMENT_ATTRIBUTE_SIZE_MAX + 1);
        d->friendly_name[DOCUMENT_ATTRIBUTE_SIZE_MAX + 1] = '\0';
        assert_int_equal(writer_doc_write(d, &text, &size), INVALID);

        d->friendly_name[DOCUMENT_ATTRIBUTE_SIZE_MAX] = '\0';
        assert_int_equal(writer_doc_write(d, &text, &size), S_OK);
        free(text);

        /* Each by itself would do, all together are too much. */
        for (size_t i = 0; i < 4; ++i)
                assert_int_equal(doc_filespecs_add(&d->exclude_files, d->friendly_name, "x", false, NULL, 0),
                                 0);
        assert_int_equal(writer_doc_write(d, &text, &size), INVALID);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_that_a_bad_backup_document_gets_its_code),
                cmocka_unit_test(test_that_a_bad_writer_document_gets_its_code),
                cmocka_unit_test(test_that_a_truncated_document_is_corrupt_wherever_it_ends),
                cmocka_unit_test(test_that_a_damaged_byte_never_does_harm),
                cmocka_unit_test(test_that_a_dtd_is_refused_before_anything_in_it_happens),
                cmocka_unit_test(test_that_depth_is_bounded),
                cmocka_unit_test(test_that_the_size_of_an_attribute_is_bounded),
                cmocka_unit_test(test_that_the_number_of_attributes_is_bounded),
                cmocka_unit_test(test_that_the_number_of_namespaces_is_bounded),
                cmocka_unit_test(test_that_lists_are_bounded),
                cmocka_unit_test(test_that_the_number_of_components_and_writers_is_bounded),
                cmocka_unit_test(test_that_the_size_of_a_document_is_bounded),
                cmocka_unit_test(test_that_a_model_over_a_limit_is_not_written),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
