/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Partial files: whose ranges they are, and what becomes of those that nobody can read.
 */

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "lib/test-util.h"
#include "set-fixture.h"
#include "tools/partial-files.h"

/* A ranges file; @count is what it says it holds. */
static void write_ranges(const char *path, uint64_t count, const uint64_t *numbers, size_t n) {
        uint64_t bytes[16] = { htole64(count) };

        for (size_t i = 0; i < n; ++i)
                bytes[i + 1] = htole64(numbers[i]);
        write_bytes(path, (const char *) bytes, (n + 1) * sizeof(*bytes));
}

static void assert_ranges(PartialFiles *f, const char *path, const ByteRange *expected, size_t n) {
        const ByteRange *ranges = NULL;
        size_t n_ranges = 99;

        assert_true(partial_files_find(f, path, &ranges, &n_ranges));
        assert_int_equal(n_ranges, n);
        if (n > 0)
                assert_memory_equal(ranges, expected, n * sizeof(*ranges));
}

static void test_that_ranges_are_a_text_or_a_file(void **state) {
        static const ByteRange text[] = { { 5, 10 }, { 16, 32 } }, file[] = { { 1, 2 }, { 3, 4 } };
        _cleanup_(temp_dir_freep) char *dir = temp_dir_new();
        _cleanup_(partial_files_freep) PartialFiles *f = NULL;
        _cleanup_(freep) char *path = path_in(dir, "ranges"), *said = NULL;
        const ByteRange *ranges;
        size_t n;

        write_ranges(path, 2, (const uint64_t[]){ 1, 2, 3, 4 }, 4);
        assert_true(format_to(&said, "File=%s", path) >= 0);
        assert_int_equal(partial_files_new(&f), 0);
        assert_int_equal(partial_files_add(f, "/text", "5:10, 0x10:0x20", "c"), 0);
        assert_int_equal(partial_files_add(f, "/file", said, "c"), 0);
        assert_int_equal(partial_files_add(f, "/bare", path, "c"), 0);
        assert_int_equal(partial_files_load(f), 0);

        assert_ranges(f, "/text", text, 2);
        assert_ranges(f, "/file", file, 2);
        assert_ranges(f, "/bare", file, 2);
        assert_false(partial_files_find(f, "/other", &ranges, &n));
        assert_true(partial_files_is_ranges_file(f, path));
        assert_false(partial_files_is_ranges_file(f, "/file"));
}

static int count_files(const char *path, const struct stat *st, const char *bytes, size_t size, void *userdata) {
        assert_true(S_ISREG(st->st_mode));
        assert_int_equal(size, 40);
        ++*(unsigned *) userdata;
        return 0;
}

static void test_that_a_ranges_file_is_kept_once(void **state) {
        _cleanup_(temp_dir_freep) char *dir = temp_dir_new();
        _cleanup_(partial_files_freep) PartialFiles *f = NULL;
        _cleanup_(freep) char *path = path_in(dir, "ranges");
        unsigned n = 0;

        write_ranges(path, 2, (const uint64_t[]){ 1, 2, 3, 4 }, 4);
        assert_int_equal(partial_files_new(&f), 0);
        assert_int_equal(partial_files_add(f, "/a", path, "c"), 0);
        assert_int_equal(partial_files_add(f, "/b", path, "c"), 0);
        assert_int_equal(partial_files_load(f), 0);
        assert_int_equal(partial_files_for_each_ranges_file(f, count_files, &n), 0);
        assert_int_equal(n, 1);
}

static void test_that_two_components_may_name_parts_of_one_file(void **state) {
        static const ByteRange both[] = { { 1, 2 }, { 7, 8 } };
        _cleanup_(partial_files_freep) PartialFiles *f = NULL;

        assert_int_equal(partial_files_new(&f), 0);
        assert_int_equal(partial_files_add(f, "/a", "1:2", "c"), 0);
        assert_int_equal(partial_files_add(f, "/a", "7:8", "d"), 0);
        assert_int_equal(partial_files_load(f), 0);
        assert_ranges(f, "/a", both, 2);
}

static void test_that_a_file_is_whole_where_its_ranges_cannot_be_read(void **state) {
        static const struct {
                const char *ranges; /* "F": the file, as below */
                uint64_t count;
                size_t n;
        } cases[] = {
                { "", 0, 0 },
                { "1", 0, 0 },
                { "1:2:3", 0, 0 },
                { "1:2;3:4", 0, 0 },
                { "18446744073709551615:2", 0, 0 },
                { "File=", 0, 0 },
                { "File=relative", 0, 0 },
                { "/", 0, 0 },
                { "/no/such/file", 0, 0 },
                { "F", 3, 4 }, /* cut off */
                { "F", 1, 4 }, /* too long */
                { "F", UINT64_MAX, 4 },
                { "F", 1, 3 },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                _cleanup_(temp_dir_freep) char *dir = temp_dir_new();
                _cleanup_(partial_files_freep) PartialFiles *f = NULL;
                _cleanup_(freep) char *path = path_in(dir, "ranges");
                const ByteRange *ranges = (const ByteRange *) 1;
                size_t n = 99;

                write_ranges(path, cases[i].count, (const uint64_t[]){ 1, 2, 3, 4 }, cases[i].n);
                assert_int_equal(partial_files_new(&f), 0);
                assert_int_equal(partial_files_add(f, "/a", "1:2", "good"), 0);
                assert_int_equal(partial_files_add(f, "/a", *cases[i].ranges == 'F' && !cases[i].ranges[1] ? path : cases[i].ranges, "bad"), 0);
                assert_int_equal(partial_files_load(f), 0);
                assert_true(partial_files_find(f, "/a", &ranges, &n));
                if (ranges || n != 0)
                        fail_msg("case %zu: '%s'", i, cases[i].ranges);
        }
}

static int note(const char *path, void *userdata) {
        *(const char **) userdata = path;
        return 0;
}

static void test_that_a_file_nobody_asked_for_is_missing(void **state) {
        _cleanup_(partial_files_freep) PartialFiles *f = NULL;
        const char *missing = NULL;
        const ByteRange *ranges;
        size_t n;

        assert_int_equal(partial_files_new(&f), 0);
        assert_int_equal(partial_files_add(f, "/there", "1:2", "c"), 0);
        assert_int_equal(partial_files_add(f, "/gone", "1:2", "c"), 0);
        assert_int_equal(partial_files_load(f), 0);
        assert_true(partial_files_find(f, "/there", &ranges, &n));
        assert_int_equal(partial_files_for_each_missing(f, note, &missing), 0);
        assert_string_equal(missing, "/gone");
}

int main(int argc, char **argv) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_that_ranges_are_a_text_or_a_file),
                cmocka_unit_test(test_that_a_ranges_file_is_kept_once),
                cmocka_unit_test(test_that_two_components_may_name_parts_of_one_file),
                cmocka_unit_test(test_that_a_file_is_whole_where_its_ranges_cannot_be_read),
                cmocka_unit_test(test_that_a_file_nobody_asked_for_is_missing),
        };

        if (argc > 1)
                cmocka_set_test_filter(argv[1]);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
