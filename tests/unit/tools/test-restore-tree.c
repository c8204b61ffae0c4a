/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Restoring files: each is the old one or the new one, at any moment; and none is anywhere but below its
 * destination, whatever the set says.
 */

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <archive.h>

#include "base/alloc.h"
#include "base/fd-util.h"
#include "lib/test-util.h"
#include "set-fixture.h"
#include "tools/digest.h"
#include "tools/pending-file.h"
#include "tools/restore-tree.h"
#include "tools/set-entry.h"
#include "tools/set-format.h"
#include "tools/set-index.h"
#include "tools/set-output.h"

/* A set as somebody might make it who wants to write where he may not: everything fits, index, end and seal.
 * */
typedef struct Forgery {
        SetOutput *output;
        struct archive *archive;
        char *index;
        uint64_t members;
        bool incomplete; /* those that follow */
} Forgery;

static la_ssize_t on_write(struct archive *a, void *userdata, const void *data, size_t size) {
        assert_int_equal(set_output_write(((Forgery *) userdata)->output, data, size), 0);
        return (la_ssize_t) size;
}

static void forge_begin(Forgery *f, const char *path) {
        *f = (Forgery){ 0 };
        assert_int_equal(set_output_open(path, true, SET_LEVEL_NONE, &f->output), 0);
        f->archive = archive_write_new();
        assert_int_equal(archive_write_set_format_pax(f->archive), ARCHIVE_OK);
        assert_int_equal(archive_write_set_bytes_per_block(f->archive, 0), ARCHIVE_OK);
        assert_int_equal(archive_write_open(f->archive, f, NULL, on_write, NULL), ARCHIVE_OK);
        f->index = strdup("");
}

/* @target: of a link; @hard decides which kind. */
static void forge_member(Forgery *f, const char *name, const char *text, const char *target, bool hard) {
        _cleanup_(archive_entry_freep) struct archive_entry *entry = archive_entry_new();
        _cleanup_(digest_freep) Digest *digest = NULL;
        SetIndexLine line = { .name = (char *) (uintptr_t) name };
        char *text_line = NULL, *index = NULL;

        archive_entry_copy_pathname(entry, name);
        archive_entry_set_mode(entry, (target && !hard ? S_IFLNK : S_IFREG) | 0644);
        archive_entry_set_uid(entry, geteuid());
        archive_entry_set_gid(entry, getegid());
        archive_entry_set_mtime(entry, 1, 0);
        archive_entry_set_size(entry, text ? (la_int64_t) strlen(text) : 0);
        if (target && hard)
                archive_entry_copy_hardlink(entry, target);
        else if (target)
                archive_entry_copy_symlink(entry, target);

        assert_int_equal(digest_new(&digest), 0);
        assert_int_equal(set_entry_digest(entry, digest, line.metadata), 0);
        line.type = f->incomplete && text ? '!' : set_entry_type(entry);
        if (text) {
                line.size = strlen(text);
                digest_update(digest, text, strlen(text));
                assert_int_equal(digest_end(digest, line.content), 0);
        }

        assert_int_equal(archive_write_header(f->archive, entry), ARCHIVE_OK);
        if (text)
                assert_int_equal(archive_write_data(f->archive, text, strlen(text)), strlen(text));
        assert_int_equal(archive_write_finish_entry(f->archive), ARCHIVE_OK);

        if (strcmp(name, SET_INDEX) == 0 || strcmp(name, SET_END) == 0)
                return;
        assert_int_equal(set_index_line_format(&line, &text_line), 0);
        assert_int_equal(format_to(&index, "%s%s", f->index, text_line), 0);
        free(text_line);
        free(f->index);
        f->index = index;
        ++f->members;
}

static void forge_end(Forgery *f) {
        _cleanup_(digest_freep) Digest *digest = NULL;
        uint8_t bytes[DIGEST_SIZE];
        char hex[DIGEST_HEX_MAX], *end;

        assert_int_equal(set_output_begin_tail(f->output), 0);
        forge_member(f, SET_FINAL_DOCUMENT, "<final/>", NULL, false);
        forge_member(f, SET_SUMMARY, "{}", NULL, false);
        forge_member(f, SET_INDEX, f->index, NULL, false);

        assert_int_equal(digest_new(&digest), 0);
        digest_update(digest, f->index, strlen(f->index));
        assert_int_equal(digest_end(digest, bytes), 0);
        assert_int_equal(set_end_format(f->members, strlen(f->index), digest_to_hex(bytes, hex), &end), 0);
        forge_member(f, SET_END, end, NULL, false);
        free(end);
        free(f->index);

        assert_int_equal(archive_write_close(f->archive), ARCHIVE_OK);
        archive_write_free(f->archive);
        assert_int_equal(set_output_finish(f->output), 0);
        set_output_free(f->output);
}

#define MANIFEST "{\"format\": \"" SET_FORMAT "\", \"version\": 1}"

static void test_that_no_member_leads_out_of_the_destination(void **state) {
        static const struct {
                const char *name, *text, *target;
                bool hard;
                const char *name2, *text2;
                int r;
        } cases[] = {
                { "data/tree/../../../outside/new", "bad", NULL, false, NULL, NULL, -EBADMSG },
                { "data/../outside/new", "bad", NULL, false, NULL, NULL, -EBADMSG },
                { "../outside/new", "bad", NULL, false, NULL, NULL, -EBADMSG },
                { "/tmp/outside/new", "bad", NULL, false, NULL, NULL, -EBADMSG },
                { "data//tmp/outside/new", "bad", NULL, false, NULL, NULL, -EBADMSG },
                { "data/tree/.", "bad", NULL, false, NULL, NULL, -EBADMSG },
                { "elsewhere/new", "bad", NULL, false, NULL, NULL, -EBADMSG },
                { "data/other/new", "bad", NULL, false, NULL, NULL, -EXDEV }, /* nobody asked for that */
                /* A link first, and then through it. */
                { "data/tree/link", NULL, "../../outside", false, "data/tree/link/new", "bad", -EISDIR },
                { "data/tree/link", NULL, "../../outside/old", false, "data/tree/link", "bad",
                  0 }, /* replaces the link */
                /* A link that was there. */
                { "data/tree/planted/new", "bad", NULL, false, NULL, NULL, -ELOOP },
                { "data/tree/planted", "good", NULL, false, NULL, NULL, 0 },
                { "data/tree/hard", NULL, "../outside/old", true, "data/tree/hard", "bad", -EXDEV },
                { "data/tree/hard", NULL, "data/tree/../../../outside/old", true, "data/tree/hard", "bad",
                  -EXDEV },
                { "data/tree/hard", NULL, "data/other/old", true, "data/tree/hard", "bad", -ENOLINK },
                { "data/tree/hard", NULL, "data/tree/planted/old", true, "data/tree/hard", "bad", -ELOOP },
                { "data/tree", "bad", NULL, false, NULL, NULL, -EISDIR },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                _cleanup_(temp_dir_freep) char *dir = temp_dir_new();
                _cleanup_(freep) char *set = path_in(dir, "set"), *target = path_in(dir, "target"),
                                      *old = NULL;
                Forgery f;
                int r;

                write_file(dir, "outside/old", "old");
                write_file(dir, "target/file", "file");
                shell("ln -s ../outside %s/planted", target);

                forge_begin(&f, set);
                forge_member(&f, SET_MANIFEST, MANIFEST, NULL, false);
                forge_member(&f, cases[i].name, cases[i].text, cases[i].target, cases[i].hard);
                if (cases[i].name2)
                        forge_member(&f, cases[i].name2, cases[i].text2, NULL, false);
                forge_end(&f);

                r = set_restore(set, "/tree", target, NULL);
                if (r != cases[i].r)
                        fail_msg("case %zu '%s': %d instead of %d", i, cases[i].name, r, cases[i].r);

                assert_false(file_exists(dir, "outside/new"));
                old = read_file(dir, "outside/old");
                assert_string_equal(old, "old");
        }
}

static void test_that_no_name_is_given_to_what_was_not_restored(void **state) {
        _cleanup_(temp_dir_freep) char *dir = temp_dir_new();
        _cleanup_(freep) char *set = path_in(dir, "set"), *target = path_in(dir, "target"), *text = NULL;
        Forgery f;

        write_file(dir, "target/first", "old");
        forge_begin(&f, set);
        forge_member(&f, SET_MANIFEST, MANIFEST, NULL, false);
        f.incomplete = true;
        forge_member(&f, "data/tree/first", "new", NULL, false);
        f.incomplete = false;
        forge_member(&f, "data/tree/second", NULL, "data/tree/first", true);
        forge_end(&f);

        assert_int_equal(set_restore(set, "/tree", target, NULL), -EIO);
        assert_false(file_exists(dir, "target/second"));
        text = read_file(dir, "target/first");
        assert_string_equal(text, "old");
}

/* Stands in for that of libc: which volumes were synced. */
static dev_t synced[64];
static size_t n_synced;

int syncfs(int fd) {
        struct stat st;

        assert_int_equal(fstat(fd, &st), 0);
        if (n_synced < ELEMENTSOF(synced))
                synced[n_synced++] = st.st_dev;
        return (int) syscall(SYS_syncfs, fd);
}

static bool is_synced(const char *path) {
        struct stat st;

        assert_int_equal(stat(path, &st), 0);
        for (size_t i = 0; i < n_synced; ++i)
                if (synced[i] == st.st_dev)
                        return true;

        return false;
}

static void test_that_every_volume_is_on_disk_at_the_end(void **state) {
        _cleanup_(temp_dir_freep) char *dir = temp_dir_new();
        _cleanup_(freep) char *set = path_in(dir, "set"), *tree = path_in(dir, "tree"), *target = path_in(dir, "target"),
                              *volume = path_in(dir, "target/volume");
        bool outer, inner;

        skip_unless_root();
        write_file(dir, "tree/file", "file");
        write_file(dir, "tree/volume/file", "file");
        set_save(set, tree, SET_LEVEL_DEFAULT);
        write_file(dir, "target/volume/below", "");
        assert_int_equal(mount("tmpfs", volume, "tmpfs", 0, "size=1m"), 0);

        n_synced = 0;
        assert_int_equal(set_restore(set, tree, target, NULL), 0);
        outer = is_synced(target);
        inner = is_synced(volume);
        assert_int_equal(umount(volume), 0);
        assert_true(outer);
        assert_true(inner);
}

/* Stands in for that of libc: what it makes somebody exchanges at once for a link to this. */
static const char *exchange_for;

int mknodat(int dir_fd, const char *name, mode_t mode, dev_t dev) {
        int r = (int) syscall(SYS_mknodat, dir_fd, name, mode, (unsigned) dev);

        if (r == 0 && exchange_for) {
                assert_int_equal(unlinkat(dir_fd, name, 0), 0);
                assert_int_equal(symlinkat(exchange_for, dir_fd, name), 0);
        }
        return r;
}

static void test_that_a_link_put_in_the_place_of_a_pipe_leads_to_nothing(void **state) {
        _cleanup_(temp_dir_freep) char *dir = temp_dir_new();
        _cleanup_(freep) char *set = path_in(dir, "set"), *tree = path_in(dir, "tree"), *target = path_in(dir, "target"),
                              *victim = path_in(dir, "victim");
        struct stat st;
        int r;

        write_file(dir, "tree/file", "file");
        shell("mkfifo -m 0666 %s/fifo", tree);
        set_save(set, tree, SET_LEVEL_DEFAULT);
        write_file(dir, "target/mark", "");
        write_file(dir, "victim", "secret");
        assert_int_equal(chmod(victim, 0600), 0);

        exchange_for = victim;
        r = set_restore(set, tree, target, NULL);
        exchange_for = NULL;
        assert_int_equal(r, -ELOOP);
        assert_int_equal(stat(victim, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0600);
        assert_false(file_exists(dir, "target/fifo"));
        assert_true(file_exists(dir, "target/file"));
}

static void test_that_nothing_is_inherited_from_the_destination(void **state) {
        _cleanup_(fixture_end) Fixture f = fixture_new(true, SET_LEVEL_DEFAULT);

        shell("setfacl -d -m u:4242:rwx,g:4242:rwx %s/target", f.dir);
        assert_int_equal(set_restore(f.set, f.tree, f.target, NULL), 0);
        assert_same_tree(f.tree, f.target);
}

static void ignore_failure(const char *path, int error, const char *sentence, void *userdata) {}

/* As umbra restores in place; @n members, and then it is killed. */
static void restore_some(const char *set, const char *from, const char *to, unsigned n) {
        static const RestoreCallbacks callbacks = { .failed = ignore_failure };
        _cleanup_(set_reader_freep) SetReader *reader = NULL;
        _cleanup_(restore_tree_freep) RestoreTree *tree = NULL;
        _cleanup_(set_stream_freep) SetStream *stream = NULL;
        struct archive_entry *entry;
        const SetIndexLine *line;
        unsigned i = 0;

        assert_int_equal(set_reader_open(set, NULL, NULL, &reader), 0);
        assert_int_equal(set_reader_load(reader), 0);
        assert_int_equal(restore_tree_new(&callbacks, NULL, &tree), 0);
        assert_int_equal(restore_tree_map(tree, from, to), 0);
        assert_int_equal(set_stream_open(reader, &stream), 0);
        while (i++ < n && set_stream_next(stream, &entry, &line) > 0)
                assert_int_equal(restore_tree_add(tree, stream, entry, line, true), 0);
        if (i <= n)
                assert_int_equal(restore_tree_finish(tree), 0);
}

static void test_that_a_directory_is_what_it_was_after_a_second_try(void **state) {
        _cleanup_(temp_dir_freep) char *dir = temp_dir_new();
        _cleanup_(freep) char *set = path_in(dir, "set"), *tree = path_in(dir, "tree"), *target = path_in(dir, "target/new"),
                              *inner = path_in(dir, "target/new/inner");
        struct stat st;

        write_file(dir, "tree/inner/file", "file");
        write_file(dir, "target/mark", "");
        shell("chmod 2751 %s/inner", tree);
        set_save(set, tree, SET_LEVEL_DEFAULT);

        restore_some(set, tree, target, 2); /* both directories */
        restore_some(set, tree, target, 100);
        assert_true(file_exists(dir, "target/new/inner/file"));
        assert_int_equal(stat(inner, &st), 0);
        assert_int_equal(st.st_mode & 07777, 02751);
}

#define N_FILES 40U

static void fill(const char *dir, const char *tree, char what) {
        for (unsigned i = 0; i < N_FILES; ++i) {
                size_t size = 1 + i * i * 700;
                char *name = NULL, *text = malloc(size + 1);

                memset(text, what, size);
                text[size] = '\0';
                assert_int_equal(format_to(&name, "%s/%u/file-%u", tree, i % 3, i), 0);
                write_file(dir, name, text);
                free(text);
                free(name);
        }
}

/* Counts old and new files; fails on anything in between. */
static void count(const char *dir, unsigned *ret_old, unsigned *ret_new) {
        *ret_old = *ret_new = 0;
        for (unsigned i = 0; i < N_FILES; ++i) {
                size_t size = 1 + i * i * 700;
                _cleanup_(freep) char *name = NULL, *text = NULL;

                assert_int_equal(format_to(&name, "target/%u/file-%u", i % 3, i), 0);
                text = read_file(dir, name);
                assert_non_null(text);
                assert_int_equal(strlen(text), size);
                assert_int_equal(strspn(text, (char[]){ text[0], '\0' }), size);
                *(text[0] == 'n' ? ret_new : ret_old) += 1;
        }
}

static void test_that_a_restore_killed_at_any_moment_leaves_old_files_and_new_ones(void **state) {
        _cleanup_(temp_dir_freep) char *dir = temp_dir_new();
        _cleanup_(freep) char *set = path_in(dir, "set"), *tree = path_in(dir, "tree"),
                              *target = path_in(dir, "target");
        unsigned partly = 0, n_old, n_new, wait_usec = 500;

        fill(dir, "tree", 'n');
        set_save(set, tree, SET_LEVEL_DEFAULT);

        for (unsigned i = 0; i < 60; ++i) {
                int status;
                pid_t pid;

                fill(dir, "target", 'o');
                pid = fork();
                if (pid == 0)
                        _exit(set_restore(set, tree, target, NULL) == 0 ? 0 : 1);

                (void) usleep(wait_usec);
                (void) kill(pid, SIGKILL);
                assert_int_equal(waitpid(pid, &status, 0), pid);

                count(dir, &n_old, &n_new);
                partly += n_old > 0 && n_new > 0;

                /* It was too late when all are new, too early when none is. */
                if (WIFEXITED(status))
                        assert_int_equal(n_new, N_FILES);
                wait_usec = n_old == 0 ? wait_usec * 3 / 4 : wait_usec + wait_usec / 8 + 100;
        }

        assert_int_equal(set_restore(set, tree, target, NULL), 0);
        count(dir, &n_old, &n_new);
        assert_int_equal(n_new, N_FILES);
        print_message("killed in the middle of giving names: %u times\n", partly);
}

/* What a restore leaves that was killed just before it renamed. */
static void leave(const char *target, char *name) {
        _cleanup_(closep) int fd = open(target, O_PATH | O_DIRECTORY | O_CLOEXEC);
        PendingFile p = { .name = name, .parent_fd = fd, .fd = -EBADF };

        assert_true(fd >= 0);
        assert_int_equal(pending_file_name(&p), 0);
        write_file(target, p.temporary, "half of it");
        free(p.temporary);
}

static void test_that_a_killed_restore_leaves_nothing_that_the_next_one_does_not_take_away(void **state) {
        static const char *const there[] = { NULL, "target/new/file" };

        for (size_t i = 0; i < ELEMENTSOF(there); ++i) {
                _cleanup_(fixture_end) Fixture f = fixture_new(false, SET_LEVEL_DEFAULT);

                assert_true(mkdir(f.target, 0755) == 0 || errno == EEXIST);
                if (there[i])
                        write_file(f.dir, there[i], "old");
                leave(f.target, (char[]){ "file" });
                assert_int_equal(set_restore(f.set, f.tree, f.target, NULL), 0);
                assert_same_tree(f.tree, f.target);
        }
}

static void test_that_a_file_that_was_open_stays_what_it_was(void **state) {
        _cleanup_(fixture_end) Fixture f = fixture_new(false, SET_LEVEL_DEFAULT);
        _cleanup_(freep) char *path = path_in(f.target, "file");
        _cleanup_(closep) int fd = -EBADF;
        char text[16] = "";

        write_file(f.dir, "target/new/file", "old");
        fd = open(path, O_RDONLY | O_CLOEXEC);
        assert_int_equal(set_restore(f.set, f.tree, f.target, NULL), 0);
        assert_int_equal(read(fd, text, sizeof(text)), 3);
        assert_string_equal(text, "old");
        assert_same_tree(f.tree, f.target);
}

static void test_that_what_stands_in_the_way_is_told_and_left_alone(void **state) {
        _cleanup_(fixture_end) Fixture f = fixture_new(false, SET_LEVEL_DEFAULT);

        write_file(f.dir, "target/new/file/precious", "precious"); /* a directory where a file should go */
        assert_int_equal(set_restore(f.set, f.tree, f.target, NULL), -EISDIR);
        assert_true(file_exists(f.dir, "target/new/file/precious"));

        shell("rm -r %s; touch %s", f.target, f.target); /* a file where a directory should go */
        assert_int_equal(set_restore(f.set, f.tree, f.target, NULL), -ENOTDIR);
        assert_true(file_exists(f.dir, "target/new"));
}

static void test_that_directories_nobody_restores_can_be_entered(void **state) {
        _cleanup_(temp_dir_freep) char *dir = temp_dir_new();
        _cleanup_(freep) char *set = path_in(dir, "set"), *target = path_in(dir, "target");
        _cleanup_(freep) char *outer = path_in(dir, "target/a"), *inner = path_in(dir, "target/a/b");
        struct stat st;
        Forgery f;

        write_file(dir, "target/mark", "");
        forge_begin(&f, set);
        forge_member(&f, SET_MANIFEST, MANIFEST, NULL, false);
        forge_member(&f, "data/tree/a/b/file", "text", NULL,
                     false); /* a component's file, without its directory */
        forge_end(&f);

        assert_int_equal(set_restore(set, "/tree", target, NULL), 0);
        assert_int_equal(stat(outer, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0755);
        assert_int_equal(stat(inner, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0755);
}

static void test_that_a_read_only_destination_stays_as_it_is(void **state) {
        _cleanup_(fixture_end) Fixture f = fixture_new(false, SET_LEVEL_DEFAULT);
        _cleanup_(freep) char *text = NULL;
        unsigned restored;

        skip_unless_root();
        write_file(f.dir, "target/new/file", "old");
        assert_int_equal(mount(f.target, f.target, NULL, MS_BIND, NULL), 0);
        assert_int_equal(mount(NULL, f.target, NULL, MS_BIND | MS_REMOUNT | MS_RDONLY, NULL), 0);

        assert_int_equal(set_restore(f.set, f.tree, f.target, &restored), -EROFS);
        assert_int_equal(umount(f.target), 0);
        assert_int_equal(restored, 0);
        text = read_file(f.dir, "target/new/file");
        assert_string_equal(text, "old");
}

static void test_that_a_full_destination_keeps_its_files(void **state) {
        _cleanup_(temp_dir_freep) char *dir = temp_dir_new();
        _cleanup_(freep) char *set = path_in(dir, "set"), *tree = path_in(dir, "tree"),
                              *target = path_in(dir, "target"), *text = NULL;
        unsigned restored;

        skip_unless_root();
        fill(dir, "tree", 'n');
        set_save(set, tree, SET_LEVEL_DEFAULT);
        write_file(dir, "target/mark", "");
        assert_int_equal(mount("tmpfs", target, "tmpfs", 0, "size=4m"), 0);
        write_file(dir, "target/0/file-39", "old");

        assert_int_equal(set_restore(set, tree, target, &restored), -ENOSPC);
        text = read_file(dir, "target/0/file-39");
        assert_int_equal(umount(target), 0);
        assert_true(restored < N_FILES);
        assert_true(strcmp(text, "old") == 0 || strlen(text) == 1 + 39 * 39 * 700);
}

int main(int argc, char **argv) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_that_no_member_leads_out_of_the_destination),
                cmocka_unit_test(test_that_no_name_is_given_to_what_was_not_restored),
                cmocka_unit_test(test_that_every_volume_is_on_disk_at_the_end),
                cmocka_unit_test(test_that_a_directory_is_what_it_was_after_a_second_try),
                cmocka_unit_test(test_that_nothing_is_inherited_from_the_destination),
                cmocka_unit_test(test_that_a_link_put_in_the_place_of_a_pipe_leads_to_nothing),
                cmocka_unit_test(test_that_a_restore_killed_at_any_moment_leaves_old_files_and_new_ones),
                cmocka_unit_test(test_that_a_killed_restore_leaves_nothing_that_the_next_one_does_not_take_away),
                cmocka_unit_test(test_that_a_file_that_was_open_stays_what_it_was),
                cmocka_unit_test(test_that_what_stands_in_the_way_is_told_and_left_alone),
                cmocka_unit_test(test_that_directories_nobody_restores_can_be_entered),
                cmocka_unit_test(test_that_a_read_only_destination_stays_as_it_is),
                cmocka_unit_test(test_that_a_full_destination_keeps_its_files),
        };

        (void) setlocale(LC_CTYPE, "C.UTF-8");
        if (argc > 1)
                cmocka_set_test_filter(argv[1]);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
