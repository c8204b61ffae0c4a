/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The catalog, with a real file wherever the file matters: it is copied in the middle, damaged, locked, and
 * written by processes that are killed.
 */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sqlite3.h>

#include "base/alloc.h"
#include "base/fd-util.h"
#include "base/guid.h"
#include "base/time-util.h"
#include "catalog/catalog.h"
#include "lib/test-util.h"
#include "loop-fs.h"

/* Two snapshots of one set. All strings are literals, so nothing is freed. */
static void make_set(CatalogSnapshot snapshots[2]) {
        GUID set_id;

        guid_generate(&set_id);
        for (size_t i = 0; i < 2; ++i) {
                snapshots[i] = (CatalogSnapshot){
                        .set_id = set_id,
                        .provider = (char *) (uintptr_t) "fake",
                        .volume = (char *) (uintptr_t) (i == 0 ? "/srv" : "/home"),
                        .volume_id.Data1 = 7 + (unsigned) i,
                        .note = (char *) (uintptr_t) "the provider's note",
                        .snapshots_count = 2,
                        .context = 0x80000019U,
                        .machine = (char *) (uintptr_t) "lab",
                };
                guid_generate(&snapshots[i].id);
                guid_generate(&snapshots[i].provider_id);
        }
}

static Catalog *open_in(const char *dir) {
        _cleanup_(freep) char *path = path_in(dir, "catalog");
        Catalog *c = NULL;

        assert_int_equal(catalog_open(path, &c), 0);
        return c;
}

static size_t count(Catalog *c, CatalogState state) {
        _cleanup_(catalog_list_clear) CatalogList list = {};

        assert_int_equal(catalog_list(c, NULL, state, &list), 0);
        return list.n;
}

static void assert_state(Catalog *c, const GUID *id, CatalogState state) {
        _cleanup_(catalog_snapshot_clear) CatalogSnapshot s = {};

        assert_int_equal(catalog_get(c, id, &s), 0);
        assert_string_equal(catalog_state_to_string(s.state), catalog_state_to_string(state));
}

static void copy_file(const char *dir, const char *from, const char *to) {
        _cleanup_(freep) char *from_path = path_in(dir, from), *to_path = path_in(dir, to);
        _cleanup_(closep) int in = open(from_path, O_RDONLY | O_CLOEXEC), out = -EBADF;
        char buffer[65536];
        ssize_t n;

        if (in < 0) {
                assert_int_equal(errno, ENOENT);
                return;
        }

        out = open(to_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        assert_true(out >= 0);
        while ((n = read(in, buffer, sizeof(buffer))) > 0)
                assert_int_equal(fd_write_all(out, buffer, (size_t) n), 0);
        assert_int_equal(n, 0);
}

/* As a crash would leave it: the file and its journal, while the catalog is open. */
static Catalog *open_copy(const char *dir) {
        _cleanup_(freep) char *path = path_in(dir, "copy");
        Catalog *c = NULL;

        copy_file(dir, "catalog", "copy");
        copy_file(dir, "catalog-journal", "copy-journal");
        assert_int_equal(catalog_open(path, &c), 0);
        return c;
}

static void test_that_a_new_catalog_is_empty_and_private(void **state) {
        _cleanup_(temp_dir_freep) char *dir = temp_dir_new();
        _cleanup_(freep) char *path = path_in(dir, "catalog");
        _cleanup_(catalog_closep) Catalog *c = open_in(dir);
        struct stat st;

        assert_int_equal(count(c, _CATALOG_STATE_INVALID), 0);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0600);
}

static void test_that_everything_comes_back(void **state) {
        _cleanup_(temp_dir_freep) char *dir = temp_dir_new();
        _cleanup_(catalog_closep) Catalog *c = open_in(dir);
        CatalogSnapshot written[2];

        make_set(written);
        written[0].volume = (char *) (uintptr_t) "/srv/not utf-8 \xff\xc0\n";
        written[0].note = (char *) (uintptr_t) "{\"quoted\": \"it's\"}";
        written[1].note = NULL;
        written[1].machine = NULL; /* one of the set's: the first row says it */
        written[1].volume = (char *) (uintptr_t) "/";
        assert_int_equal(catalog_plan(c, written, 2), 0);

        /* Also after a restart. */
        for (unsigned round = 0; round < 2; ++round) {
                for (size_t i = 0; i < 2; ++i) {
                        _cleanup_(catalog_snapshot_clear) CatalogSnapshot s = {};

                        assert_int_equal(catalog_get(c, &written[i].id, &s), 0);
                        assert_true(guid_equal(&s.id, &written[i].id));
                        assert_true(guid_equal(&s.set_id, &written[i].set_id));
                        assert_true(guid_equal(&s.provider_id, &written[i].provider_id));
                        assert_true(guid_equal(&s.volume_id, &written[i].volume_id));
                        assert_int_equal(s.state, CATALOG_PLANNED);
                        assert_string_equal(s.provider, "fake");
                        assert_string_equal(s.volume, written[i].volume);
                        if (written[i].note)
                                assert_string_equal(s.note, written[i].note);
                        else
                                assert_null(s.note);
                        assert_null(s.device);
                        assert_null(s.exposed_name);
                        assert_null(s.exposed_path);
                        assert_int_equal(s.snapshots_count, 2);
                        assert_int_equal(s.context, 0x80000019U);
                        assert_int_equal(s.created_usec, 0);
                        assert_string_equal(s.machine, "lab");
                }

                c = catalog_close(c);
                c = open_in(dir);
        }
}

static void test_that_a_snapshot_goes_through_its_states(void **state) {
        _cleanup_(temp_dir_freep) char *dir = temp_dir_new();
        _cleanup_(catalog_closep) Catalog *c = open_in(dir);
        _cleanup_(catalog_snapshot_clear) CatalogSnapshot s = {};
        CatalogSnapshot set[2];

        make_set(set);
        assert_int_equal(catalog_plan(c, set, 2), 0);

        set[0].device = set[1].device = (char *) (uintptr_t) "/run/umbra/shadow/x";
        set[0].consistency = set[1].consistency = 3;
        set[0].created_usec = set[1].created_usec = UINT64_C(1800000000000001);
        assert_int_equal(catalog_set_created(c, set, 2), 0);

        assert_int_equal(catalog_get(c, &set[1].id, &s), 0);
        assert_int_equal(s.state, CATALOG_CREATED);
        assert_string_equal(s.device, "/run/umbra/shadow/x");
        assert_int_equal(s.consistency, 3);
        assert_true(s.created_usec == UINT64_C(1800000000000001));
        catalog_snapshot_clear(&s);

        assert_int_equal(catalog_set_device(c, &set[1].id, "/elsewhere"), 0);
        assert_int_equal(catalog_set_deleting(c, &set[1].id), 0);
        assert_int_equal(catalog_get(c, &set[1].id, &s), 0);
        assert_int_equal(s.state, CATALOG_DELETING);
        assert_string_equal(s.device, "/elsewhere");

        assert_int_equal(catalog_forget(c, &set[1].id), 0);
        assert_state(c, &set[0].id, CATALOG_CREATED);
        assert_int_equal(count(c, _CATALOG_STATE_INVALID), 1);
}

static void test_that_steps_out_of_order_are_refused(void **state) {
        static const struct {
                CatalogState at; /* _INVALID: there is no such snapshot */
                int set_created, set_device, set_deleting, forget;
        } cases[] = {
                { _CATALOG_STATE_INVALID, -ENOENT, -ENOENT, -ENOENT, -ENOENT },
                { CATALOG_PLANNED,        0,       0,       0,       -EBADFD },
                { CATALOG_CREATED,        -EBADFD, 0,       0,       -EBADFD },
                { CATALOG_DELETING,       -EBADFD, 0,       0,       0       }, /* deletes again */
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                int (*const deeds[])(Catalog *c, const GUID *id) = { catalog_set_deleting, catalog_forget };

                for (size_t deed = 0; deed < 4; ++deed) {
                        _cleanup_(catalog_closep) Catalog *c = NULL;
                        CatalogSnapshot set[2];

                        assert_int_equal(catalog_open(":memory:", &c), 0);
                        make_set(set);
                        if (cases[i].at >= CATALOG_PLANNED)
                                assert_int_equal(catalog_plan(c, set, 2), 0);
                        if (cases[i].at == CATALOG_CREATED)
                                assert_int_equal(catalog_set_created(c, set, 2), 0);
                        if (cases[i].at == CATALOG_DELETING)
                                assert_int_equal(catalog_set_deleting(c, &set[0].id), 0);

                        switch (deed) {
                        case 0:
                                assert_int_equal(catalog_set_created(c, set, 1), cases[i].set_created);
                                break;
                        case 1:
                                assert_int_equal(catalog_set_device(c, &set[0].id, "/x"),
                                                 cases[i].set_device);
                                break;
                        case 2:
                                assert_int_equal(deeds[0](c, &set[0].id), cases[i].set_deleting);
                                break;
                        default:
                                assert_int_equal(deeds[1](c, &set[0].id), cases[i].forget);
                        }
                }
        }
}

static void test_that_a_set_is_written_as_a_whole_or_not_at_all(void **state) {
        _cleanup_(temp_dir_freep) char *dir = temp_dir_new();
        _cleanup_(catalog_closep) Catalog *c = open_in(dir);
        CatalogSnapshot first[2], second[2];

        make_set(first);
        make_set(second);
        second[1].id = first[0].id; /* a second one of this name */

        assert_int_equal(catalog_plan(c, first, 2), 0);
        assert_int_equal(catalog_plan(c, second, 2), -EEXIST);
        assert_int_equal(count(c, _CATALOG_STATE_INVALID), 2);

        /* One that is not there keeps the others as they were. */
        make_set(second);
        second[0] = first[0];
        assert_int_equal(catalog_set_created(c, second, 2), -ENOENT);
        assert_state(c, &first[0].id, CATALOG_PLANNED);
}

static void test_that_a_set_is_forgotten_with_its_last_snapshot(void **state) {
        _cleanup_(temp_dir_freep) char *dir = temp_dir_new();
        _cleanup_(catalog_closep) Catalog *c = open_in(dir);
        _cleanup_(catalog_snapshot_clear) CatalogSnapshot s = {};
        CatalogSnapshot set[2];

        make_set(set);
        assert_int_equal(catalog_plan(c, set, 2), 0);
        for (size_t i = 0; i < 2; ++i) {
                assert_int_equal(catalog_set_deleting(c, &set[i].id), 0);
                assert_int_equal(catalog_forget(c, &set[i].id), 0);
        }

        /* Were it still there, it would keep its old number. */
        set[0].snapshots_count = 1;
        assert_int_equal(catalog_plan(c, set, 1), 0);
        assert_int_equal(catalog_get(c, &set[0].id, &s), 0);
        assert_int_equal(s.snapshots_count, 1);
}

static void test_that_volumes_are_remembered(void **state) {
        _cleanup_(temp_dir_freep) char *dir = temp_dir_new();
        _cleanup_(catalog_closep) Catalog *c = open_in(dir);
        _cleanup_(freep) char *path = NULL;
        CatalogSnapshot set[2];
        GUID id = { .Data1 = 99 };
        unsigned n;

        assert_int_equal(catalog_find_volume(c, &id, &path), -ENOENT);
        assert_int_equal(catalog_remember_volume(c, &id, "/old"), 0);
        assert_int_equal(catalog_remember_volume(c, &id, "/new"), 0);
        assert_int_equal(catalog_find_volume(c, &id, &path), 0);
        assert_string_equal(path, "/new");
        path = (free(path), NULL);

        /* Planning remembers, forgetting does not forget. */
        make_set(set);
        assert_int_equal(catalog_plan(c, set, 2), 0);
        assert_int_equal(catalog_count_volume(c, &set[0].volume_id, &n), 0);
        assert_int_equal(n, 1);
        assert_int_equal(catalog_set_deleting(c, &set[0].id), 0);
        assert_int_equal(catalog_forget(c, &set[0].id), 0);
        assert_int_equal(catalog_count_volume(c, &set[0].volume_id, &n), 0);
        assert_int_equal(n, 0);
        assert_int_equal(catalog_find_volume(c, &set[0].volume_id, &path), 0);
        assert_string_equal(path, "/srv");
}

static void test_that_a_crash_after_planning_leaves_the_plan(void **state) {
        _cleanup_(temp_dir_freep) char *dir = temp_dir_new();
        _cleanup_(catalog_closep) Catalog *c = open_in(dir), *copy = NULL;
        CatalogSnapshot set[2];

        make_set(set);
        assert_int_equal(catalog_plan(c, set, 2), 0);
        copy = open_copy(dir);
        assert_state(copy, &set[0].id, CATALOG_PLANNED);
        assert_state(copy, &set[1].id, CATALOG_PLANNED);
        copy = catalog_close(copy);

        assert_int_equal(catalog_set_created(c, set, 2), 0);
        copy = open_copy(dir);
        assert_int_equal(count(copy, CATALOG_CREATED), 2);
        copy = catalog_close(copy);

        assert_int_equal(catalog_set_deleting(c, &set[0].id), 0);
        assert_int_equal(catalog_forget(c, &set[0].id), 0);
        copy = open_copy(dir);
        assert_int_equal(count(copy, _CATALOG_STATE_INVALID), 1);
}

/* Plans and forgets until it is killed; never has half a set. */
static _Noreturn void write_for_ever(const char *path) {
        Catalog *c;

        if (catalog_open(path, &c) < 0)
                _exit(1);

        for (;;) {
                CatalogSnapshot set[2];

                make_set(set);
                if (catalog_plan(c, set, 2) < 0 || catalog_set_created(c, set, 2) < 0)
                        _exit(1);
        }
}

static void test_that_a_killed_writer_leaves_whole_sets(void **state) {
        _cleanup_(temp_dir_freep) char *dir = temp_dir_new();
        _cleanup_(freep) char *path = path_in(dir, "catalog");
        size_t before = 0;

        for (unsigned round = 0; round < 10; ++round) {
                _cleanup_(catalog_closep) Catalog *c = NULL;
                size_t n;
                int status;
                pid_t pid;

                pid = fork();
                assert_true(pid >= 0);
                if (pid == 0)
                        write_for_ever(path);

                (void) usleep(10000 + 3700 * round);
                assert_int_equal(kill(pid, SIGKILL), 0);
                assert_int_equal(waitpid(pid, &status, 0), pid);
                assert_true(WIFSIGNALED(status));

                c = open_in(dir);
                n = count(c, _CATALOG_STATE_INVALID);
                assert_int_equal(n % 2, 0);
                assert_int_equal(count(c, CATALOG_PLANNED) % 2, 0);
                assert_true(n >= before);
                before = n;
        }
}

static void test_that_nothing_is_written_while_frozen(void **state) {
        _cleanup_(temp_dir_freep) char *dir = temp_dir_new();
        _cleanup_(catalog_closep) Catalog *c = open_in(dir);
        CatalogSnapshot set[2], other[2];

        make_set(set);
        make_set(other);
        assert_int_equal(catalog_plan(c, set, 2), 0);

        catalog_freeze(c);
        catalog_freeze(c); /* freezes nest */
        catalog_thaw(c);
        assert_int_equal(catalog_plan(c, other, 2), -EBUSY);
        assert_int_equal(catalog_set_created(c, set, 2), -EBUSY);
        assert_int_equal(catalog_set_device(c, &set[0].id, "/x"), -EBUSY);
        assert_int_equal(catalog_set_deleting(c, &set[0].id), -EBUSY);
        assert_int_equal(catalog_forget(c, &set[0].id), -EBUSY);
        assert_int_equal(catalog_remember_volume(c, &set[0].volume_id, "/x"), -EBUSY);

        /* Reading goes on. */
        assert_state(c, &set[0].id, CATALOG_PLANNED);
        assert_int_equal(count(c, _CATALOG_STATE_INVALID), 2);

        catalog_thaw(c);
        assert_int_equal(catalog_set_created(c, set, 2), 0);
}

static void test_that_lists_are_filtered_and_oldest_first(void **state) {
        _cleanup_(catalog_closep) Catalog *c = NULL;
        _cleanup_(catalog_list_clear) CatalogList list = {};
        CatalogSnapshot sets[3][2];

        assert_int_equal(catalog_open(":memory:", &c), 0);
        for (size_t i = 0; i < ELEMENTSOF(sets); ++i) {
                make_set(sets[i]);
                assert_int_equal(catalog_plan(c, sets[i], 2), 0);
        }
        sets[0][0].created_usec = 9; /* the clock went back */
        sets[1][0].created_usec = 5;
        assert_int_equal(catalog_set_created(c, sets[1], 2), 0);
        assert_int_equal(catalog_set_created(c, sets[0], 2), 0);

        assert_int_equal(catalog_list(c, NULL, _CATALOG_STATE_INVALID, &list), 0);
        assert_int_equal(list.n, 6);
        for (size_t i = 0; i < list.n; ++i)
                assert_true(guid_equal(&list.items[i].id, &sets[i / 2][i % 2].id));
        catalog_list_clear(&list);

        assert_int_equal(catalog_list(c, &sets[1][0].set_id, _CATALOG_STATE_INVALID, &list), 0);
        assert_int_equal(list.n, 2);
        assert_true(guid_equal(&list.items[0].id, &sets[1][0].id));
        catalog_list_clear(&list);

        assert_int_equal(catalog_list(c, &sets[1][0].set_id, CATALOG_PLANNED, &list), 0);
        assert_int_equal(list.n, 0);
        catalog_list_clear(&list);

        assert_int_equal(catalog_list(c, NULL, CATALOG_PLANNED, &list), 0);
        assert_int_equal(list.n, 2);
        assert_true(guid_equal(&list.items[1].id, &sets[2][1].id));
        catalog_list_clear(&list);

        assert_int_equal(catalog_list_volume(c, &sets[0][1].volume_id, &list), 0); /* those of the third set are planned only */
        assert_int_equal(list.n, 2);
        assert_true(guid_equal(&list.items[0].id, &sets[0][1].id));
        assert_true(guid_equal(&list.items[1].id, &sets[1][1].id));
}

/* Of so many, and then no more. */
typedef struct Seen {
        const CatalogSnapshot *expected;
        size_t n, limit;
} Seen;

static int see(const CatalogSnapshot *row, void *userdata) {
        Seen *seen = userdata;

        assert_true(guid_equal(&row->id, &seen->expected[seen->n++].id));
        return seen->n == seen->limit ? -ECANCELED : 0;
}

static void test_that_who_goes_through_all_may_stop(void **state) {
        _cleanup_(catalog_closep) Catalog *c = NULL;
        CatalogSnapshot set[2];
        Seen seen = { .expected = set };

        make_set(set);
        assert_int_equal(catalog_open(":memory:", &c), 0);
        assert_int_equal(catalog_plan(c, set, 2), 0);

        assert_int_equal(catalog_foreach(c, CATALOG_CREATED, see, &seen), 0);
        assert_int_equal(seen.n, 0);
        assert_int_equal(catalog_foreach(c, _CATALOG_STATE_INVALID, see, &seen), 0);
        assert_int_equal(seen.n, 2);
        seen = (Seen){ .expected = set, .limit = 1 };
        assert_int_equal(catalog_foreach(c, CATALOG_PLANNED, see, &seen), -ECANCELED);
        assert_int_equal(seen.n, 1);
        assert_int_equal(catalog_set_created(c, set, 2), 0); /* no statement is left open */
}

static void test_that_ten_thousand_snapshots_are_listed(void **state) {
        enum { N = 10000 };
        _cleanup_(temp_dir_freep) char *dir = temp_dir_new();
        _cleanup_(catalog_closep) Catalog *c = open_in(dir);
        _cleanup_(catalog_list_clear) CatalogList list = {};
        _cleanup_(freep) CatalogSnapshot *all = NULL;
        char span[SPAN_STRING_MAX];
        usec_t begun;

        all = calloc_checked(N, sizeof(*all));
        assert_non_null(all);
        for (size_t i = 0; i < N; i += 2)
                make_set(all + i);
        assert_int_equal(catalog_plan(c, all, N), 0);

        begun = now_usec(CLOCK_MONOTONIC);
        assert_int_equal(catalog_list(c, NULL, _CATALOG_STATE_INVALID, &list), 0);
        print_message("           listed in %s\n", span_to_string(now_usec(CLOCK_MONOTONIC) - begun, span));
        assert_int_equal(list.n, N);
        for (size_t i = 0; i < N; ++i)
                assert_true(guid_equal(&list.items[i].id, &all[i].id));
}

static void test_that_a_second_coordinator_is_refused(void **state) {
        _cleanup_(temp_dir_freep) char *dir = temp_dir_new();
        _cleanup_(freep) char *path = path_in(dir, "catalog");
        _cleanup_(catalog_closep) Catalog *c = open_in(dir);
        Catalog *second = NULL;
        int status;
        pid_t pid;

        assert_int_equal(catalog_open(path, &second), -EBUSY);
        assert_null(second);

        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0)
                _exit(catalog_open(path, &second) == -EBUSY ? 0 : 1);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);

        /* Once the first is gone the way is free. */
        c = catalog_close(c);
        assert_int_equal(catalog_open(path, &second), 0);
        catalog_close(second);
}

static void fill(const char *dir) {
        Catalog *c = open_in(dir);

        for (unsigned i = 0; i < 50; ++i) {
                CatalogSnapshot set[2];

                make_set(set);
                assert_int_equal(catalog_plan(c, set, 2), 0);
        }
        catalog_close(c);
}

/* Refused, and left as it is. */
static void assert_unclean(const char *dir) {
        _cleanup_(freep) char *path = path_in(dir, "catalog"), *before = NULL, *after = NULL;
        _cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
        Catalog *c = NULL;
        struct stat st, st_after;

        assert_int_equal(fstat(fd, &st), 0);
        before = calloc_checked((size_t) st.st_size + 1, 1);
        after = calloc_checked((size_t) st.st_size + 1, 1);
        assert_int_equal(pread(fd, before, (size_t) st.st_size, 0), st.st_size);

        assert_int_equal(catalog_open(path, &c), -EUCLEAN);
        assert_null(c);

        assert_int_equal(fstat(fd, &st_after), 0);
        assert_int_equal(st_after.st_size, st.st_size);
        assert_int_equal(pread(fd, after, (size_t) st.st_size, 0), st.st_size);
        assert_memory_equal(before, after, (size_t) st.st_size);
}

static void test_that_a_damaged_catalog_is_refused_and_left_alone(void **state) {
        static const struct {
                off_t at; /* negative: from the end */
                const char *bytes;
                size_t n;
        } damages[] = {
                { 0,     "This is no database", 19 },
                { 100,   "\xff\xff\xff\xff",    4  }, /* the first page's own header */
                { 4096,  "\xff\xff\xff\xff",    4  },
                { -4096, "\xff\xff\xff\xff",    4  },
        };

        for (size_t i = 0; i < ELEMENTSOF(damages); ++i) {
                _cleanup_(temp_dir_freep) char *dir = temp_dir_new();
                _cleanup_(freep) char *path = path_in(dir, "catalog");
                _cleanup_(closep) int fd = -EBADF;
                off_t at = damages[i].at;
                struct stat st;

                fill(dir);
                fd = open(path, O_RDWR | O_CLOEXEC);
                if (fd < 0 || fstat(fd, &st) < 0)
                        fail_msg("Failed to open '%s': %s", path, strerror(errno));
                if (at < 0)
                        at += st.st_size;
                assert_int_equal(pwrite(fd, damages[i].bytes, damages[i].n, at), damages[i].n);

                assert_unclean(dir);
        }
}

static void test_that_half_a_catalog_is_refused(void **state) {
        _cleanup_(temp_dir_freep) char *dir = temp_dir_new();
        _cleanup_(freep) char *path = path_in(dir, "catalog");

        fill(dir);
        assert_int_equal(truncate(path, 2 * 4096), 0);
        assert_unclean(dir);
}

static void change_with_sql(const char *dir, const char *sql) {
        _cleanup_(freep) char *path = path_in(dir, "catalog");
        sqlite3 *db;

        assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
        assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
        assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void test_that_what_is_not_ours_is_refused(void **state) {
        static const char *const changes[] = {
                "PRAGMA user_version = 1000",         /* of a later umbra */
                "PRAGMA user_version = -1",
                "PRAGMA application_id = 0x12345678", /* of another program */
                "PRAGMA application_id = 0",          /* of some program */
        };

        for (size_t i = 0; i < ELEMENTSOF(changes); ++i) {
                _cleanup_(temp_dir_freep) char *dir = temp_dir_new();

                fill(dir);
                change_with_sql(dir, changes[i]);
                assert_unclean(dir);
        }
}

static void test_that_what_cannot_be_opened_is_said_so(void **state) {
        _cleanup_(temp_dir_freep) char *dir = temp_dir_new();
        _cleanup_(freep) char *nowhere = path_in(dir, "nowhere/catalog");
        _cleanup_(freep) char *link = path_in(dir, "link");
        Catalog *c = NULL;

        assert_int_equal(catalog_open(nowhere, &c), -ENOENT);
        assert_int_equal(catalog_open(dir, &c), -EISDIR);
        assert_int_equal(symlink("/dev/null", link), 0);
        assert_int_equal(catalog_open(link, &c), -ELOOP);
        assert_null(c);
}

/* Filled up to the last byte by somebody else. */
static void test_that_on_a_full_disk_snapshots_can_still_be_deleted(void **state) {
        _cleanup_(temp_dir_freep) char *dir = NULL;
        _cleanup_(freep) char *filler = NULL;
        _cleanup_(closep) int fd = -EBADF;
        char block[4096] = {};
        CatalogSnapshot set[2], more[400];
        Catalog *c;

        enter_private_mounts();
        dir = temp_dir_new();
        filler = path_in(dir, "filler");
        assert_int_equal(mount("tmpfs", dir, "tmpfs", 0, "size=1m"), 0);

        c = open_in(dir);
        make_set(set);
        assert_int_equal(catalog_plan(c, set, 2), 0);
        assert_int_equal(catalog_set_created(c, set, 2), 0);

        fd = open(filler, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        assert_true(fd >= 0);
        while (write(fd, block, sizeof(block)) > 0)
                ;
        assert_int_equal(errno, ENOSPC);

        for (size_t i = 0; i < ELEMENTSOF(more); i += 2)
                make_set(more + i);
        assert_int_equal(catalog_plan(c, more, ELEMENTSOF(more)), -ENOSPC);
        assert_int_equal(count(c, _CATALOG_STATE_INVALID), 2);

        for (size_t i = 0; i < 2; ++i) {
                assert_int_equal(catalog_set_deleting(c, &set[i].id), 0);
                assert_int_equal(catalog_forget(c, &set[i].id), 0);
        }
        assert_int_equal(count(c, _CATALOG_STATE_INVALID), 0);

        /* And with room again all is well. */
        assert_int_equal(ftruncate(fd, 0), 0);
        assert_int_equal(catalog_plan(c, more, ELEMENTSOF(more)), 0);

        catalog_close(c);
        fd = fd_close(fd);
        assert_int_equal(umount2(dir, MNT_DETACH), 0);
}

static void test_that_reading_survives_any_failed_allocation(void **state) {
        _cleanup_(temp_dir_freep) char *dir = temp_dir_new();
        _cleanup_(freep) char *path = path_in(dir, "catalog");
        Catalog *c = NULL;
        CatalogSnapshot set[2];
        int r = -ENOMEM;

        for (unsigned n = 0; r == -ENOMEM; ++n) {
                fault_fail_allocation(n);
                r = catalog_open(path, &c);
                fault_clear();
                assert_int_equal(c != NULL, r == 0);
        }
        assert_int_equal(r, 0);

        make_set(set);
        assert_int_equal(catalog_plan(c, set, 2), 0);

        r = -ENOMEM;
        for (unsigned n = 0; r == -ENOMEM; ++n) {
                _cleanup_(catalog_list_clear) CatalogList list = {};

                fault_fail_allocation(n);
                r = catalog_list(c, NULL, _CATALOG_STATE_INVALID, &list);
                fault_clear();
                assert_int_equal(list.n, r == 0 ? 2 : 0);
        }
        assert_int_equal(r, 0);
        catalog_close(c);
}

static size_t count_deeds(Catalog *c) {
        _cleanup_(catalog_deed_list_clear) CatalogDeedList list = {};

        assert_int_equal(catalog_list_deeds(c, &list), 0);
        return list.n;
}

static void test_that_a_deed_is_remembered_until_it_is_over(void **state) {
        _cleanup_(temp_dir_freep) char *dir = temp_dir_new();
        _cleanup_(catalog_closep) Catalog *c = open_in(dir);
        _cleanup_(catalog_deed_list_clear) CatalogDeedList list = {};
        CatalogDeed deed = { .kind = CATALOG_REVERT, .target = (char *) (uintptr_t) "/srv \xff", .flags = 3 };
        CatalogSnapshot set[2];

        make_set(set);
        deed.snapshot_id = set[0].id;
        assert_int_equal(catalog_add_deed(c, &deed), -ENOENT);
        assert_int_equal(catalog_plan(c, set, 2), 0);
        assert_int_equal(catalog_add_deed(c, &deed), -EBADFD); /* nothing to be done to it yet */
        assert_int_equal(catalog_set_created(c, set, 2), 0);

        catalog_freeze(c);
        assert_int_equal(catalog_add_deed(c, &deed), -EBUSY);
        catalog_thaw(c);
        assert_int_equal(catalog_add_deed(c, &deed), 0);
        assert_int_equal(catalog_add_deed(c, &deed), -EEXIST); /* one at a time */
        deed.snapshot_id = set[1].id;
        deed.kind = CATALOG_BREAK;
        deed.target = NULL;
        assert_int_equal(catalog_add_deed(c, &deed), 0);

        c = catalog_close(c);
        c = open_in(dir);
        assert_int_equal(catalog_list_deeds(c, &list), 0);
        assert_int_equal(list.n, 2);
        for (size_t i = 0; i < 2; ++i) {
                bool reverts = guid_equal(&list.items[i].snapshot_id, &set[0].id);

                assert_int_equal(list.items[i].kind, reverts ? CATALOG_REVERT : CATALOG_BREAK);
                assert_int_equal(list.items[i].flags, 3);
                if (reverts)
                        assert_string_equal(list.items[i].target, "/srv \xff");
                else
                        assert_null(list.items[i].target);
        }

        assert_int_equal(catalog_remove_deed(c, &set[0].id), 0);
        assert_int_equal(catalog_remove_deed(c, &set[0].id), 0); /* done twice is done */
        assert_int_equal(count_deeds(c), 1);
        assert_int_equal(catalog_let_go(c, &set[1].id), 0); /* and with it what was done to it */
        assert_int_equal(count_deeds(c), 0);
        assert_int_equal(count(c, _CATALOG_STATE_INVALID), 1);
}

static void test_that_what_comes_from_elsewhere_is_there_at_once(void **state) {
        _cleanup_(temp_dir_freep) char *dir = temp_dir_new();
        _cleanup_(catalog_closep) Catalog *c = open_in(dir);
        _cleanup_(catalog_snapshot_clear) CatalogSnapshot read = {};
        CatalogSnapshot set[2];

        make_set(set);
        set[0].created_usec = 12345;
        set[0].consistency = 2;
        assert_int_equal(catalog_adopt(c, &set[0]), 0);
        assert_int_equal(catalog_adopt(c, &set[0]), -EEXIST);
        assert_state(c, &set[0].id, CATALOG_CREATED);
        assert_int_equal(catalog_get(c, &set[0].id, &read), 0);
        assert_true(read.created_usec == 12345);
        assert_int_equal(read.consistency, 2);
        assert_null(read.device);

        assert_int_equal(catalog_let_go(c, &set[0].id), 0);
        assert_int_equal(count(c, _CATALOG_STATE_INVALID), 0);
        assert_int_equal(catalog_let_go(c, &set[0].id), 0);
}

static void test_that_it_is_known_where_a_snapshot_is_exposed(void **state) {
        _cleanup_(temp_dir_freep) char *dir = temp_dir_new();
        _cleanup_(catalog_closep) Catalog *c = open_in(dir);
        CatalogSnapshot set[2];

        make_set(set);
        assert_int_equal(catalog_set_exposed(c, &set[0].id, "/mnt"), -ENOENT);
        assert_int_equal(catalog_plan(c, set, 2), 0);
        assert_int_equal(catalog_set_exposed(c, &set[0].id, "/mnt"), -EBADFD);
        assert_int_equal(catalog_set_created(c, set, 2), 0);
        for (unsigned i = 0; i < 2; ++i) {
                _cleanup_(catalog_snapshot_clear) CatalogSnapshot read = {};

                assert_int_equal(catalog_set_exposed(c, &set[0].id, i == 0 ? "/mnt/\xc0" : NULL), 0);
                assert_int_equal(catalog_get(c, &set[0].id, &read), 0);
                if (i == 0)
                        assert_string_equal(read.exposed_name, "/mnt/\xc0");
                else
                        assert_null(read.exposed_name);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_that_a_new_catalog_is_empty_and_private),
                cmocka_unit_test(test_that_everything_comes_back),
                cmocka_unit_test(test_that_a_snapshot_goes_through_its_states),
                cmocka_unit_test(test_that_steps_out_of_order_are_refused),
                cmocka_unit_test(test_that_a_set_is_written_as_a_whole_or_not_at_all),
                cmocka_unit_test(test_that_a_set_is_forgotten_with_its_last_snapshot),
                cmocka_unit_test(test_that_volumes_are_remembered),
                cmocka_unit_test(test_that_a_crash_after_planning_leaves_the_plan),
                cmocka_unit_test(test_that_a_killed_writer_leaves_whole_sets),
                cmocka_unit_test(test_that_nothing_is_written_while_frozen),
                cmocka_unit_test(test_that_lists_are_filtered_and_oldest_first),
                cmocka_unit_test(test_that_who_goes_through_all_may_stop),
                cmocka_unit_test(test_that_ten_thousand_snapshots_are_listed),
                cmocka_unit_test(test_that_a_second_coordinator_is_refused),
                cmocka_unit_test(test_that_a_damaged_catalog_is_refused_and_left_alone),
                cmocka_unit_test(test_that_half_a_catalog_is_refused),
                cmocka_unit_test(test_that_what_is_not_ours_is_refused),
                cmocka_unit_test(test_that_a_deed_is_remembered_until_it_is_over),
                cmocka_unit_test(test_that_what_comes_from_elsewhere_is_there_at_once),
                cmocka_unit_test(test_that_it_is_known_where_a_snapshot_is_exposed),
                cmocka_unit_test(test_that_what_cannot_be_opened_is_said_so),
                cmocka_unit_test(test_that_on_a_full_disk_snapshots_can_still_be_deleted),
                cmocka_unit_test(test_that_reading_survives_any_failed_allocation),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
