/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What the provider remembers: the tree, names of the same file, and the note.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fd-util.h"
#include "base/guid.h"
#include "base/utf.h"
#include "lib/test-util.h"
#include "providers/files/files-copy.h"
#include "providers/files/files-inodes.h"
#include "providers/files/files-look.h"
#include "providers/files/files-plan.h"
#include "providers/files/files-tree.h"
#include "providers/files/files-walk.h"

static FileId add(FilesTree *tree, FileId parent, const char *name) {
        FileId id;

        assert_int_equal(files_tree_add(tree, parent, name, &id), 0);
        return id;
}

static void test_that_a_million_files_fit_into_little_memory(void **state) {
        assert_true(sizeof(FileEntry) <= 56);
}

static void test_that_names_are_found_in_their_directory_only(void **state) {
        _cleanup_(files_tree_freep) FilesTree *tree = NULL;
        FilesIndex index = { 0 };
        FileId a, b, child;
        char name[32];

        assert_int_equal(files_tree_new(&tree), 0);
        a = add(tree, FILE_ROOT, "a");
        b = add(tree, FILE_ROOT, "b");
        child = add(tree, a, "child");
        (void) add(tree, b, "b");

        assert_int_equal(files_index_build(&index, tree, a), 0);
        assert_int_equal(files_index_find(&index, tree, "child"), child);
        assert_int_equal(files_index_find(&index, tree, "b"), FILE_NONE);
        assert_int_equal(files_index_find(&index, tree, ""), FILE_NONE);

        for (unsigned i = 0; i < 20000; ++i) {
                (void) snprintf(name, sizeof(name), "file-%u", i);
                assert_int_equal(files_index_find(&index, tree, name), FILE_NONE);
                assert_int_equal(files_index_add(&index, tree, add(tree, a, name)), 0);
        }
        for (unsigned i = 0; i < 20000; i += 7) {
                (void) snprintf(name, sizeof(name), "file-%u", i);
                assert_string_equal(files_tree_name(tree, files_index_find(&index, tree, name)), name);
        }
        assert_int_equal(files_tree_count(tree), 20005);
        files_index_done(&index);
}

static void test_that_what_is_removed_is_used_again(void **state) {
        _cleanup_(files_tree_freep) FilesTree *tree = NULL;
        FileId top, id;

        assert_int_equal(files_tree_new(&tree), 0);
        for (unsigned round = 0; round < 3; ++round) {
                top = id = add(tree, FILE_ROOT, "top");
                for (unsigned i = 0; i < 100000; ++i) { /* deeper than any stack */
                        if (i % 10 == 0)
                                (void) add(tree, id, "sibling");
                        id = add(tree, id, "below");
                        assert_true(id < 110003);
                }
                assert_int_equal(files_tree_count(tree), 110002);
                assert_int_equal(files_tree_entry(tree, FILE_ROOT)->first_child, top);
                files_tree_remove(tree, &files_tree_entry(tree, FILE_ROOT)->first_child);
                assert_int_equal(files_tree_count(tree), 1);
                assert_int_equal(files_tree_entry(tree, FILE_ROOT)->first_child, FILE_NONE);
        }
}

static void test_that_removing_one_leaves_its_siblings(void **state) {
        _cleanup_(files_tree_freep) FilesTree *tree = NULL;
        FileId first, second, third;
        uint32_t *link;

        assert_int_equal(files_tree_new(&tree), 0);
        first = add(tree, FILE_ROOT, "first");
        second = add(tree, FILE_ROOT, "second");
        third = add(tree, FILE_ROOT, "third");
        (void) add(tree, second, "below");

        link = &files_tree_entry(tree, third)->next;
        assert_int_equal(*link, second);
        files_tree_remove(tree, link);
        assert_int_equal(*link, first);
        assert_int_equal(files_tree_entry(tree, first)->next, FILE_NONE);
        assert_int_equal(files_tree_count(tree), 3);
}

static void test_that_a_path_too_long_to_be_said_is_cut_in_front(void **state) {
        _cleanup_(files_tree_freep) FilesTree *tree = NULL;
        static const struct {
                size_t size;
                const char *path;
        } cases[] = {
                { 64, "one/two/three" },
                { 14, "one/two/three" },
                { 13, "...two/three"  },
                { 9,  "...three"      },
                { 6,  "three"         },
                { 5,  "..."           },
        };
        FileId id;
        char buffer[64];

        assert_int_equal(files_tree_new(&tree), 0);
        assert_string_equal(files_tree_path(tree, FILE_ROOT, buffer, sizeof(buffer)), ".");
        id = add(tree, add(tree, add(tree, FILE_ROOT, "one"), "two"), "three");
        for (size_t i = 0; i < ELEMENTSOF(cases); ++i)
                assert_string_equal(files_tree_path(tree, id, buffer, cases[i].size), cases[i].path);
}

static void test_that_inodes_of_two_devices_are_two_files(void **state) {
        _cleanup_(files_tree_freep) FilesTree *tree = NULL;
        FileLink *link;

        assert_int_equal(files_tree_new(&tree), 0);
        assert_null(files_tree_link(tree, 1, 5));
        for (uint64_t ino = 1; ino <= 5000; ++ino)
                for (uint32_t device = 0; device < 2; ++device) {
                        assert_null(files_tree_link(tree, device, ino));
                        assert_int_equal(files_tree_add_link(tree, device, ino, &link), 0);
                        link->store_ino = ino * 2 + device;
                }
        for (uint64_t ino = 1; ino <= 5000; ++ino)
                for (uint32_t device = 0; device < 2; ++device)
                        assert_int_equal(files_tree_link(tree, device, ino)->store_ino, ino * 2 + device);
        assert_null(files_tree_link(tree, 2, 5));
        assert_null(files_tree_link(tree, 0, 5001));
}

/* The kernel stamps the file before it counts the name, and may have been asked for both in between. */
static void test_that_a_second_name_is_noticed_though_the_stamp_is_old(void **state) {
        struct statx one = { .stx_mode = S_IFREG | 0644, .stx_ino = 7, .stx_nlink = 1, .stx_ctime.tv_sec = 1000 };
        struct statx two = one, directory = one;
        FileEntry entry = { 0 };

        two.stx_nlink = 2;
        files_copy_record(&entry, &one, false);
        assert_true(files_is_unchanged(&entry, &one));
        assert_false(files_is_unchanged(&entry, &two));
        files_copy_record(&entry, &two, false);
        assert_true(files_is_unchanged(&entry, &two));
        assert_false(files_is_unchanged(&entry, &one));
        two.stx_nlink = 3;
        assert_true(files_is_unchanged(&entry, &two)); /* a third is another name's business */

        directory.stx_mode = S_IFDIR | 0755;
        files_copy_record(&entry, &directory, false);
        directory.stx_nlink = 5;
        assert_true(files_is_unchanged(&entry, &directory));
}

static size_t count_entries(const FilesInodes *inodes, const FilesTree *tree, uint64_t ino) {
        size_t cursor = FILES_INODES_START, n = 0;

        while (files_inodes_next(inodes, tree, ino, &cursor) != FILE_NONE)
                ++n;
        return n;
}

static void test_that_all_names_of_an_inode_are_found_and_no_others(void **state) {
        _cleanup_(files_inodes_done) FilesInodes inodes = { 0 };
        _cleanup_(files_tree_freep) FilesTree *tree = NULL;
        FileId first, moved;

        assert_int_equal(files_tree_new(&tree), 0);
        assert_int_equal(count_entries(&inodes, tree, 5), 0); /* before it is made */
        first = add(tree, FILE_ROOT, "first");
        files_tree_entry(tree, first)->ino = 1;
        assert_int_equal(files_inodes_build(&inodes, tree), 0);

        for (unsigned i = 0; i < 5000; ++i) {
                char name[16];
                FileId id;

                (void) snprintf(name, sizeof(name), "%u", i);
                id = add(tree, FILE_ROOT, name);
                files_tree_entry(tree, id)->ino = 10 + i / 2; /* two names each */
                assert_int_equal(files_inodes_add(&inodes, tree, id), 0);
                assert_int_equal(files_inodes_add(&inodes, tree, id), 0); /* the same again */
        }
        assert_int_equal(count_entries(&inodes, tree, 1), 1);
        for (uint64_t ino = 10; ino < 2510; ++ino)
                assert_int_equal(count_entries(&inodes, tree, ino), 2);
        assert_int_equal(count_entries(&inodes, tree, 2510), 0);

        moved = files_tree_entry(tree, FILE_ROOT)->first_child; /* the last one made */
        files_tree_entry(tree, moved)->ino = 11;
        assert_int_equal(files_inodes_add(&inodes, tree, moved), 0);
        assert_int_equal(count_entries(&inodes, tree, 11), 3);
        assert_int_equal(count_entries(&inodes, tree, 2509), 1);
        files_tree_remove(tree, &files_tree_entry(tree, FILE_ROOT)->first_child);
        assert_int_equal(count_entries(&inodes, tree, 11), 2);
}

static void test_that_a_walk_finds_its_way_between_any_two_directories(void **state) {
        _cleanup_(temp_dir_freep) char *dir = temp_dir_new();
        _cleanup_(files_tree_freep) FilesTree *tree = NULL;
        enum { DEPTH = 200, BRANCH = 90 };
        FileId ids[2][DEPTH], missing;
        FilesWalk walk = { 0 };
        unsigned seed = 1, fds;
        int fd;

        assert_int_equal(files_tree_new(&tree), 0);
        walk.root_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_true(walk.root_fd >= 0);
        fds = count_open_fds();

        /* A trunk and a branch. */
        for (unsigned side = 0; side < 2; ++side)
                for (unsigned i = 0; i < DEPTH; ++i) {
                        FileId above = i == 0 ? FILE_ROOT : ids[side][i - 1];

                        if (side == 1 && i < BRANCH) {
                                ids[1][i] = ids[0][i];
                                continue;
                        }
                        fd = files_walk_to(&walk, tree, above);
                        assert_true(fd >= 0);
                        assert_int_equal(mkdirat(fd, side == 0 ? "trunk" : "branch", 0700), 0);
                        ids[side][i] = add(tree, above, side == 0 ? "trunk" : "branch");
                        files_tree_entry(tree, ids[side][i])->ino = 0;
                }

        for (unsigned i = 0; i < 2000; ++i) {
                FileId id = ids[rand_r(&seed) % 2][rand_r(&seed) % DEPTH];
                struct stat st;

                fd = files_walk_to(&walk, tree, id);
                assert_true(fd >= 0);
                assert_int_equal(fstat(fd, &st), 0);
                if (files_tree_entry(tree, id)->ino == 0)
                        files_tree_entry(tree, id)->ino = st.st_ino;
                assert_int_equal(files_tree_entry(tree, id)->ino, st.st_ino);
                assert_true(count_open_fds() <= fds + FILES_WALK_OPEN_MAX + 1);
        }

        missing = add(tree, ids[0][DEPTH - 1], "missing");
        assert_int_equal(files_walk_to(&walk, tree, missing), -ENOENT);
        assert_true(files_walk_to(&walk, tree, ids[0][DEPTH - 1]) >= 0);

        files_walk_done(&walk);
        assert_int_equal(count_open_fds(), fds);
        (void) fd_close(walk.root_fd);
}

static void test_that_a_note_brings_back_every_path(void **state) {
        static const char *const paths[] = {
                "/", "/srv", "/with space", "/new\nline=x", "/back\\slash\\x41", "/\xff\x01\xc3\xa4"
        };
        char long_path[4096];

        for (size_t i = 0; i < ELEMENTSOF(paths); ++i) {
                FilesPlan plan = { .reflink = i % 2 == 0 }, again;
                _cleanup_(freep) char *note = NULL;

                plan.parent = (char *) (uintptr_t) paths[i];
                plan.store = (char[]){ FILES_SHADOW_NAME };
                plan.name = (char[]){ "name" };
                assert_int_equal(files_plan_to_note(&plan, &note), 0);
                assert_true(utf8_is_valid(note));
                assert_int_equal(files_plan_from_note(note, &again), 0);
                assert_string_equal(again.parent, paths[i]);
                assert_string_equal(again.store, plan.store);
                assert_string_equal(again.name, plan.name);
                assert_int_equal(again.reflink, plan.reflink);
                files_plan_done(&again);
        }

        /* No more than the catalog takes. */
        memset(long_path, '\n', sizeof(long_path));
        long_path[0] = '/';
        long_path[1100] = '\0';
        {
                FilesPlan plan = { .parent = long_path, .store = (char[]){ "s" }, .name = (char[]){ "n" } };
                char *note;

                assert_int_equal(files_plan_to_note(&plan, &note), -ENAMETOOLONG);
        }
}

static void test_that_a_note_cannot_lead_astray(void **state) {
        static const char *const notes[] = {
                NULL,
                "",
                "nonsense",
                "kind=copy\nparent=/srv\nstore=store\n",
                "kind=copy\nparent=srv\nstore=store\nname=x\n",
                "kind=copy\nparent=/srv\nstore=..\nname=x\n",
                "kind=copy\nparent=/srv\nstore=store\nname=.\n",
                "kind=copy\nparent=/srv\nstore=store\nname=\n",
                "kind=copy\nparent=/srv\nstore=store\nname=../../etc\n",
                "kind=copy\nparent=/srv\nstore=store\nname=x\\x2f..\n",
                "kind=copy\nparent=/srv\nstore=store\nname=\\x00\n",
                "kind=copy\nparent=/srv\nstore=store\nname=x\\x4\n",
                "kind=copy\nparent=/srv\nstore=store\nname=x\\q41\n",
                "kind=copy\nparent=/srv\nstore=store\nname=x\\",
        };

        for (size_t i = 0; i < ELEMENTSOF(notes); ++i) {
                FilesPlan plan;

                assert_int_equal(files_plan_from_note(notes[i], &plan), -EBADMSG);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_that_a_million_files_fit_into_little_memory),
                cmocka_unit_test(test_that_names_are_found_in_their_directory_only),
                cmocka_unit_test(test_that_what_is_removed_is_used_again),
                cmocka_unit_test(test_that_removing_one_leaves_its_siblings),
                cmocka_unit_test(test_that_a_path_too_long_to_be_said_is_cut_in_front),
                cmocka_unit_test(test_that_inodes_of_two_devices_are_two_files),
                cmocka_unit_test(test_that_a_second_name_is_noticed_though_the_stamp_is_old),
                cmocka_unit_test(test_that_all_names_of_an_inode_are_found_and_no_others),
                cmocka_unit_test(test_that_a_walk_finds_its_way_between_any_two_directories),
                cmocka_unit_test(test_that_a_note_brings_back_every_path),
                cmocka_unit_test(test_that_a_note_cannot_lead_astray),
        };

        return cmocka_run_group_tests_name("files-tree", tests, NULL, NULL);
}
