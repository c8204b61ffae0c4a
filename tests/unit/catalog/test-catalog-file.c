/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The catalog's file: it is copied in the middle, damaged, locked, on a disk that is full, and written by processes
 * that are killed.
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
#include "catalog-fixture.h"
#include "catalog/catalog.h"
#include "lib/test-util.h"
#include "loop-fs.h"

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

static void test_that_a_copy_has_what_was_known_then(void **state) {
        _cleanup_(temp_dir_freep) char *dir = temp_dir_new();
        _cleanup_(freep) char *path = path_in(dir, "copy");
        _cleanup_(catalog_closep) Catalog *c = open_in(dir), *copy = NULL;
        CatalogSnapshot set[2];
        struct stat st;

        make_set(set);
        write_file(dir, "copy", "what was there before");
        assert_int_equal(catalog_plan(c, set, 2), 0);
        catalog_freeze(c);
        assert_int_equal(catalog_copy(c, path), -EBUSY);
        catalog_thaw(c);
        assert_int_equal(catalog_copy(c, path), 0);
        assert_int_equal(catalog_set_created(c, set, 2), 0);

        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0600);
        assert_int_equal(catalog_open(path, &copy), 0);
        assert_state(copy, &set[0].id, CATALOG_PLANNED);
        assert_state(copy, &set[1].id, CATALOG_PLANNED);
        assert_state(c, &set[0].id, CATALOG_CREATED);
        assert_int_equal(catalog_copy(c, "/nowhere/copy"), -ENOENT);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_that_a_new_catalog_is_empty_and_private),
                cmocka_unit_test(test_that_a_crash_after_planning_leaves_the_plan),
                cmocka_unit_test(test_that_a_killed_writer_leaves_whole_sets),
                cmocka_unit_test(test_that_a_second_coordinator_is_refused),
                cmocka_unit_test(test_that_a_damaged_catalog_is_refused_and_left_alone),
                cmocka_unit_test(test_that_half_a_catalog_is_refused),
                cmocka_unit_test(test_that_what_is_not_ours_is_refused),
                cmocka_unit_test(test_that_what_cannot_be_opened_is_said_so),
                cmocka_unit_test(test_that_on_a_full_disk_snapshots_can_still_be_deleted),
                cmocka_unit_test(test_that_a_copy_has_what_was_known_then),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
