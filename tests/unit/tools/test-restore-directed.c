/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Directed targets by chance: any ranges of some files, to any places of some others, and what should become
 * of them computed in memory. SEED repeats a run.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd-util.h"
#include "base/ranges.h"
#include "lib/test-util.h"
#include "set-fixture.h"
#include "tools/restore-directed.h"
#include "tools/set-format.h"
#include "tools/set-output.h"

#define SOURCES 3U
#define DESTINATIONS 3U
#define TARGETS 6U
#define RANGES_OF_TARGET 5U
#define SOURCE_SIZE 200000U
#define GAP 3000U
#define PLACE_SIZE (TARGETS * RANGES_OF_TARGET * (GAP + GAP) + SOURCE_SIZE)

typedef struct World {
        char *dir, *tree, *set;
        char *sources[SOURCES];           /* paths; their bytes: */
        char source_bytes[SOURCES][SOURCE_SIZE];
        char *places[DESTINATIONS];
        char *expected[DESTINATIONS]; /* PLACE_SIZE bytes */
        size_t sizes[DESTINATIONS];
        DirectedTarget targets[TARGETS];
        uint64_t cursor[DESTINATIONS]; /* ranges do not overlap there: what would win? */
} World;

static size_t below(size_t n) {
        return (size_t) random() % n;
}

/* Bytes and holes. */
static void make_source(World *w, size_t i) {
        _cleanup_(freep) char *name = NULL;
        _cleanup_(closep) int fd = -EBADF;

        assert_int_equal(format_to(&name, "tree/source-%zu", i), 0);
        write_file(w->dir, name, "");
        w->sources[i] = path_in(w->dir, name);
        fd = open(w->sources[i], O_WRONLY | O_CLOEXEC);
        assert_true(fd >= 0);
        assert_int_equal(ftruncate(fd, SOURCE_SIZE), 0);
        memset(w->source_bytes[i], 0, SOURCE_SIZE);

        for (size_t k = below(4); k > 0; --k) {
                size_t offset = below(SOURCE_SIZE - 1), size = 1 + below(SOURCE_SIZE - offset);

                for (size_t at = offset; at < offset + size; ++at)
                        w->source_bytes[i][at] = (char) (1 + at * (i + 3) % 250);
                assert_int_equal(pwrite(fd, w->source_bytes[i] + offset, size, (off_t) offset), size);
        }
}

/* There already, or not. */
static void make_place(World *w, size_t i) {
        _cleanup_(freep) char *name = NULL;

        assert_int_equal(format_to(&name, "place/destination-%zu", i), 0);
        w->places[i] = path_in(w->dir, name);
        w->expected[i] = calloc(PLACE_SIZE, 1);
        assert_non_null(w->expected[i]);
        if (below(3) == 0)
                return;

        w->sizes[i] = below(PLACE_SIZE);
        memset(w->expected[i], 'p', w->sizes[i]);
        write_file(w->dir, name, "");
        write_bytes(w->places[i], w->expected[i], w->sizes[i]);
}

static void make_target(World *w, DirectedTarget *t) {
        size_t source = below(SOURCES), place = below(DESTINATIONS);

        t->source = strdup(w->sources[source]);
        t->destination = strdup(w->places[place]);
        t->n = 1 + below(RANGES_OF_TARGET);
        t->from = calloc(t->n, sizeof(*t->from));
        t->to = calloc(t->n, sizeof(*t->to));
        assert_true(t->source && t->destination && t->from && t->to);

        for (size_t i = 0; i < t->n; ++i) {
                uint64_t offset = below(SOURCE_SIZE), length = below(MIN(SOURCE_SIZE - offset, (uint64_t) GAP) + 1);

                w->cursor[place] += below(GAP);
                t->from[i] = (ByteRange){ offset, length };
                t->to[i] = (ByteRange){ w->cursor[place], length };
                memcpy(w->expected[place] + w->cursor[place], w->source_bytes[source] + offset, length);
                w->cursor[place] += length;
                if (length > 0)
                        w->sizes[place] = MAX(w->sizes[place], w->cursor[place]);
        }

        for (size_t i = t->n; i > 1; --i) { /* in any order */
                size_t k = below(i);
                ByteRange from = t->from[k], to = t->to[k];

                t->from[k] = t->from[i - 1];
                t->to[k] = t->to[i - 1];
                t->from[i - 1] = from;
                t->to[i - 1] = to;
        }
}

static World *world_new(void) {
        World *w = calloc(1, sizeof(*w));

        assert_non_null(w);
        w->dir = temp_dir_new();
        w->tree = path_in(w->dir, "tree");
        w->set = path_in(w->dir, "set");
        for (size_t i = 0; i < SOURCES; ++i)
                make_source(w, i);
        for (size_t i = 0; i < DESTINATIONS; ++i)
                make_place(w, i);
        for (size_t i = 0; i < TARGETS; ++i)
                make_target(w, &w->targets[i]);
        set_save(w->set, w->tree, SET_LEVEL_DEFAULT);
        return w;
}

static void world_free(World *w) {
        for (size_t i = 0; i < TARGETS; ++i) {
                free(w->targets[i].source);
                free(w->targets[i].destination);
                free(w->targets[i].from);
                free(w->targets[i].to);
        }
        for (size_t i = 0; i < DESTINATIONS; ++i) {
                free(w->places[i]);
                free(w->expected[i]);
        }
        for (size_t i = 0; i < SOURCES; ++i)
                free(w->sources[i]);
        free(w->tree);
        free(w->set);
        (void) temp_dir_free(w->dir);
        free(w);
}

static void on_failed(const char *path, int error, const char *sentence, void *userdata) {
        fail_msg("'%s': %d %s", path, error, sentence);
}

static void restore(World *w) {
        static const RestoreCallbacks callbacks = { .failed = on_failed };
        static const RestoreOptions options = { 0 };
        Chosen chosen = { .complete = true, .directed = w->targets, .n_directed = TARGETS };
        RestoreLink link = { .options = &options, .chosen = &chosen, .n_chosen = 1 };
        _cleanup_(restore_directed_freep) RestoreDirected *directed = NULL;
        _cleanup_(restore_paths_freep) RestorePaths *paths = NULL;
        _cleanup_(restore_tree_freep) RestoreTree *tree = NULL;
        _cleanup_(set_reader_freep) SetReader *reader = NULL;
        _cleanup_(set_stream_freep) SetStream *stream = NULL;
        struct archive_entry *entry;
        const SetIndexLine *line;
        int r;

        assert_int_equal(restore_tree_new(&callbacks, NULL, &tree), 0);
        assert_int_equal(restore_tree_map(tree, "/", "/"), 0);
        assert_int_equal(restore_paths_new(&paths), 0);
        link.tree = tree;
        link.paths = paths;
        assert_int_equal(restore_directed_new(&link, &directed), 0);

        assert_int_equal(set_reader_open(w->set, NULL, NULL, &reader), 0);
        assert_int_equal(set_reader_load(reader), 0);
        assert_int_equal(set_stream_open(reader, &stream), 0);
        while ((r = set_stream_next(stream, &entry, &line)) > 0) {
                const char *path = line->name + strlen(SET_DATA_PREFIX);

                if (restore_directed_has(directed, path))
                        assert_int_equal(restore_directed_add(directed, stream, entry, line, path), 0);
        }
        assert_int_equal(r, 0);
        assert_int_equal(restore_directed_finish(directed), 0);
        assert_int_equal(restore_tree_finish(tree), 0);
}

static bool is_wanted(const World *w, size_t place) {
        for (size_t i = 0; i < TARGETS; ++i)
                if (strcmp(w->targets[i].destination, w->places[place]) == 0)
                        return true;

        return false;
}

static void test_that_bytes_go_where_they_are_directed(void **state) {
        const char *given = getenv("SEED");
        unsigned seed = given ? (unsigned) strtoul(given, NULL, 0) : (unsigned) time(NULL);

        print_message("SEED=%u\n", seed);
        srandom(seed);
        for (unsigned round = 0; round < 30; ++round) {
                World *w = world_new();

                restore(w);
                for (size_t i = 0; i < DESTINATIONS; ++i) {
                        _cleanup_(freep) char *bytes = NULL;
                        size_t size = 0;

                        if (!is_wanted(w, i))
                                continue;
                        bytes = read_bytes(w->places[i], &size);
                        assert_int_equal(size, w->sizes[i]);
                        for (size_t at = 0; at < size; ++at)
                                if (bytes[at] != w->expected[i][at])
                                        fail_msg("SEED=%u round %u: byte %zu of %s is %d and not %d", seed, round, at, w->places[i],
                                                 bytes[at], w->expected[i][at]);
                }
                world_free(w);
        }
}

int main(int argc, char **argv) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_that_bytes_go_where_they_are_directed),
        };

        if (argc > 1)
                cmocka_set_test_filter(argv[1]);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
