/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Parts of files in a set: the pieces of the member are the ranges and nothing else.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd-util.h"
#include "lib/test-util.h"
#include "set-fixture.h"
#include "tools/set-entry.h"
#include "tools/set-format.h"
#include "tools/set-output.h"
#include "tools/set-reader.h"
#include "tools/set-writer.h"

#define FILE_SIZE 300000U /* less than RANGES_MAX pieces of two bytes */
#define MEMBER "data/srv/file"

static char byte_at(size_t i) {
        return (char) (1 + i % 251);
}

static void make_file(const char *dir) {
        char *bytes = malloc(FILE_SIZE);

        assert_non_null(bytes);
        for (size_t i = 0; i < FILE_SIZE; ++i)
                bytes[i] = byte_at(i);
        {
                _cleanup_(freep) char *path = path_in(dir, "file");

                write_bytes(path, bytes, FILE_SIZE);
        }
        free(bytes);
}

/* A set of the one file. Returns what the writer said. */
static int save_ranges(const char *dir, const char *name, const ByteRange *ranges, size_t n, uint64_t *ret_size) {
        static const char manifest[] = "{\"format\": \"" SET_FORMAT "\", \"version\": 1}";
        _cleanup_(freep) char *path = path_in(dir, "set");
        _cleanup_(set_output_freep) SetOutput *output = NULL;
        _cleanup_(set_writer_freep) SetWriter *w = NULL;
        _cleanup_(closep) int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        int r;

        assert_int_equal(set_output_open(path, true, SET_LEVEL_DEFAULT, &output), 0);
        assert_int_equal(set_writer_new(output, NULL, NULL, &w), 0);
        assert_int_equal(set_writer_add_text(w, SET_MANIFEST, manifest, strlen(manifest)), 0);
        r = set_writer_add_ranges(w, fd, name, MEMBER, ranges, n, ret_size);
        if (r < 0)
                return r;
        assert_int_equal(set_writer_begin_tail(w), 0);
        assert_int_equal(set_writer_add_text(w, SET_FINAL_DOCUMENT, "<final/>", 8), 0);
        assert_int_equal(set_writer_add_text(w, SET_NAMES, "/srv/file\n", 10), 0);
        assert_int_equal(set_writer_add_text(w, SET_SUMMARY, "{}", 2), 0);
        assert_int_equal(set_writer_finish(w), 0);
        return 0;
}

static SetReader *open_set(const char *dir) {
        _cleanup_(freep) char *path = path_in(dir, "set");
        SetReader *reader = NULL;

        assert_int_equal(set_reader_open(path, NULL, NULL, &reader), 0);
        assert_int_equal(set_reader_verify_seal(reader), 0);
        assert_int_equal(set_reader_load(reader), 0);
        return reader;
}

/* Which bytes come out: 1 for each. */
static char *bytes_of(SetStream *stream) {
        char *there = calloc(FILE_SIZE + 1, 1);
        const void *data;
        uint64_t offset;
        size_t size;
        int r;

        assert_non_null(there);
        while ((r = set_stream_data(stream, &data, &size, &offset)) > 0)
                for (size_t i = 0; i < size; ++i) {
                        assert_true(offset + i < FILE_SIZE);
                        assert_int_equal(((const char *) data)[i], byte_at(offset + i));
                        ++there[offset + i];
                }
        assert_int_equal(r, 0);
        return there;
}

static void test_that_a_member_holds_its_ranges_and_nothing_else(void **state) {
        static const struct {
                size_t n;
                ByteRange ranges[4];
                uint64_t expected; /* bytes */
        } cases[] = {
                { 0, { { 0 } },                                      0         },
                { 1, { { 0, 0 } },                                   0         },
                { 1, { { 0, 1 } },                                   1         },
                { 1, { { FILE_SIZE - 1, 1 } },                       1         },
                { 1, { { FILE_SIZE - 1, 1000 } },                    1         }, /* beyond the end */
                { 1, { { FILE_SIZE + 5, UINT64_MAX - FILE_SIZE - 5 } }, 0      },
                { 1, { { 0, UINT64_MAX } },                          FILE_SIZE },
                { 1, { { 0, FILE_SIZE } },                           FILE_SIZE },
                { 2, { { 100000, 7 }, { 1, 3 } },                    10        }, /* any order */
                { 3, { { 10, 20 }, { 20, 20 }, { 40, 1 } },          31        }, /* overlap, touch */
                { 4, { { 3, 4096 }, { 70000, 1 }, { 70002, 1 }, { 200001, 65537 } }, 69635 },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                _cleanup_(temp_dir_freep) char *dir = temp_dir_new();
                _cleanup_(set_reader_freep) SetReader *reader = NULL;
                _cleanup_(set_stream_freep) SetStream *stream = NULL;
                _cleanup_(freep) char *there = NULL;
                struct archive_entry *entry;
                const SetIndexLine *line;
                uint64_t saved = 1;

                make_file(dir);
                assert_int_equal(save_ranges(dir, "file", cases[i].ranges, cases[i].n, &saved), 0);
                assert_int_equal(saved, cases[i].expected);

                reader = open_set(dir);
                assert_string_equal(set_reader_text(reader, SET_NAMES), "/srv/file\n");
                assert_int_equal(set_stream_open(reader, &stream), 0);
                assert_int_equal(set_stream_next(stream, &entry, &line), 1);
                assert_int_equal(line->type, 'r');
                assert_int_equal(line->size, FILE_SIZE); /* of the file, not of what is here */
                assert_int_equal(archive_entry_size(entry), FILE_SIZE);
                there = bytes_of(stream);
                for (size_t at = 0; at < FILE_SIZE; ++at) {
                        bool wanted = false;

                        for (size_t k = 0; k < cases[i].n; ++k)
                                wanted = wanted || (at >= cases[i].ranges[k].offset &&
                                                    at - cases[i].ranges[k].offset < cases[i].ranges[k].length);
                        if (there[at] != wanted)
                                fail_msg("case %zu: byte %zu is there %d times", i, at, there[at]);
                }
                assert_int_equal(set_stream_next(stream, &entry, &line), 0);
        }
}

/* As many as a writer may name. */
static void test_that_ranges_may_be_many(void **state) {
        _cleanup_(temp_dir_freep) char *dir = temp_dir_new();
        _cleanup_(freep) ByteRange *ranges = calloc(RANGES_MAX, sizeof(*ranges));
        _cleanup_(set_reader_freep) SetReader *reader = NULL;
        _cleanup_(set_stream_freep) SetStream *stream = NULL;
        _cleanup_(freep) char *there = NULL;
        struct archive_entry *entry;
        const SetIndexLine *line;
        uint64_t saved = 0;

        assert_non_null(ranges);
        make_file(dir);
        for (size_t i = 0; i < RANGES_MAX; ++i) /* every other byte; the last ones lie beyond the end */
                ranges[RANGES_MAX - 1 - i] = (ByteRange){ 2 * i, 1 };
        assert_int_equal(save_ranges(dir, "file", ranges, RANGES_MAX, &saved), 0);
        assert_int_equal(saved, FILE_SIZE / 2);

        reader = open_set(dir);
        assert_int_equal(set_stream_open(reader, &stream), 0);
        assert_int_equal(set_stream_next(stream, &entry, &line), 1);
        there = bytes_of(stream);
        for (size_t at = 0; at < FILE_SIZE; ++at)
                assert_int_equal(there[at], at % 2 == 0);
        assert_int_equal(set_stream_next(stream, &entry, &line), 0);
}

static void test_that_only_files_have_ranges(void **state) {
        static const ByteRange range = { 0, 1 };
        _cleanup_(temp_dir_freep) char *dir = temp_dir_new();

        shell("ln -s file %s/link; mkfifo %s/fifo", dir, dir);
        assert_int_equal(save_ranges(dir, "link", &range, 1, NULL), -EINVAL);
        assert_int_equal(save_ranges(dir, "fifo", &range, 1, NULL), -EINVAL);
        assert_int_equal(save_ranges(dir, "nothing", &range, 1, NULL), -ENOENT);
}

static void test_that_a_file_with_two_names_may_have_ranges(void **state) {
        static const ByteRange range = { 5, 10 };
        _cleanup_(temp_dir_freep) char *dir = temp_dir_new();
        _cleanup_(set_reader_freep) SetReader *reader = NULL;
        uint64_t saved;

        make_file(dir);
        shell("ln %s/file %s/second", dir, dir);
        assert_int_equal(save_ranges(dir, "second", &range, 1, &saved), 0);
        assert_int_equal(saved, 10);
        reader = open_set(dir);
        assert_int_equal(set_reader_verify_members(reader), 0);
}

int main(int argc, char **argv) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_that_a_member_holds_its_ranges_and_nothing_else),
                cmocka_unit_test(test_that_ranges_may_be_many),
                cmocka_unit_test(test_that_only_files_have_ranges),
                cmocka_unit_test(test_that_a_file_with_two_names_may_have_ranges),
        };

        if (argc > 1)
                cmocka_set_test_filter(argv[1]);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
