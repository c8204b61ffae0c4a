/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What Every Provider Promises
 *
 * The sentences of provider.h, asked of one provider (first argument) on one kind of file system (second
 * argument; see place.h), through the client and the worker process that umbrad uses. What follows are patterns
 * of the tests that are to be run.
 */

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include <vss.h>
#include <vsserror.h>

#include "base/alloc.h"
#include "base/fd-util.h"
#include "base/guid.h"
#include "contract/contract.h"
#include "contract/manifest.h"
#include "contract/place.h"
#include "contract/tree.h"
#include "loop-fs.h"
#include "unit/provider/asker.h"

#define TEST_SKIPPED 77 /* what meson takes for it */

static void test_that_probe_makes_sense(void **state) {
        World *w = *state;
        _cleanup_answer_ Answer a = ask_probe(&w->asker, w->snapshot.volume);

        assert_answer(a, S_OK);
        assert_true(a.probe.consistency_held >= a.probe.consistency);
        assert_false((a.probe.flags & PROVIDER_WANTS_HOLD) && (a.probe.flags & PROVIDER_FORBIDS_HOLD));
        assert_true((a.probe.flags & PROVIDER_WANTS_HOLD) ||
                    a.probe.consistency_held == a.probe.consistency);
        assert_nothing_left(w);
}

static void test_that_a_volume_that_is_not_there_is_a_clear_error(void **state) {
        World *w = *state;
        _cleanup_answer_ Answer a = ask_probe(&w->asker, "/nonexistent/volume");

        assert_answer(a, VSS_E_OBJECT_NOT_FOUND);
        assert_non_null(strstr(a.message, "/nonexistent/volume"));
}

static Answer measure(World *w, bool with_copy) {
        char *const notes[] = { with_copy ? w->note : NULL, NULL };
        Answer a = ask_usage(&w->asker, w->snapshot.volume, notes);
        struct stat st;

        assert_answer(a, S_OK);
        assert_int_equal(stat(a.text, &st), 0);
        assert_true(S_ISDIR(st.st_mode));
        assert_true(a.space.total > 0 && a.space.free <= a.space.total);
        return a;
}

static void test_that_usage_says_where_copies_lie_and_what_they_take(void **state) {
        World *w = *state;
        _cleanup_answer_ Answer before = measure(w, false), after = { 0 };

        assert_int_equal(before.space.used, 0);
        assert_int_equal(before.space.allocated, 0);
        assert_nothing_left(w);

        run_steps(w, CONTRACT_STEPS);
        tree_spoil(w->place->volume); /* what was shared with it is the copy's own now */
        sync();
        after = measure(w, true);
        assert_true(after.space.used > 0); /* or nobody knows */
        assert_true(after.space.allocated >= after.space.used);
        assert_string_equal(after.text, before.text);
        discard(w);
}

static void test_that_plan_changes_nothing(void **state) {
        World *w = *state;

        plan(w);
        assert_true(strlen(w->note) <= PROVIDER_NOTE_MAX);
        assert_nothing_left(w);
        discard(w);
        assert_nothing_left(w);
}

static void test_that_the_copy_is_what_the_volume_was(void **state) {
        World *w = *state;
        _cleanup_(freep) char *before = NULL, *copied = NULL;

        run_steps(w, 4);
        before = manifest_new(w->place->volume);
        commit(w);
        surface(w);
        copied = manifest_new(w->device);
        assert_same_manifest(before, copied);
        discard(w);
        assert_nothing_left(w);
}

static void test_that_holes_stay_holes(void **state) {
        World *w = *state;
        _cleanup_(freep) char *path = NULL;
        struct stat st;

        run_steps(w, CONTRACT_STEPS);
        path = path_in(w->device, TREE_SPARSE_NAME);
        assert_int_equal(stat(path, &st), 0);
        assert_true((off_t) st.st_blocks * 512 < st.st_size / 8);
}

static void test_that_later_writes_do_not_show(void **state) {
        World *w = *state;
        _cleanup_(freep) char *before = NULL, *path = path_in(w->place->volume, "large"), *copied = NULL,
                              *later = NULL;
        _cleanup_(closep) int fd = open(path, O_RDWR | O_CLOEXEC);
        char *mapped = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

        assert_ptr_not_equal(mapped, MAP_FAILED);
        run_steps(w, 4);
        before = manifest_new(w->place->volume);
        commit(w);
        mapped[0] ^= 1; /* whoever had the file open and mapped goes on */
        assert_int_equal(pwrite(fd, "later", 5, 100000), 5);
        surface(w);
        copied = manifest_new(w->device);
        assert_same_manifest(before, copied);

        tree_spoil(w->place->volume);
        sync();
        later = manifest_new(w->device);
        assert_same_manifest(before, later);
        (void) munmap(mapped, 4096);
}

/* Between prepare and commit a provider that copies ahead must notice whatever happens. */
static void test_that_writes_until_commit_do_show(void **state) {
        World *w = *state;
        _cleanup_(freep) char *before = NULL, *copied = NULL;

        plan(w);
        prepare(w);
        tree_spoil(w->place->volume);
        synchronize(w);
        pre_commit(w);
        write_file(w->place->volume, "last", "just in time");
        before = manifest_new(w->place->volume);
        commit(w);
        surface(w);
        copied = manifest_new(w->device);
        assert_same_manifest(before, copied);
        discard(w);
}

static void test_that_nobody_can_write_to_the_copy(void **state) {
        World *w = *state;
        _cleanup_(freep) char *path = NULL;
        struct statvfs fs;

        if (!w->place->privileged)
                skip(); /* it is an ordinary directory then */

        run_steps(w, CONTRACT_STEPS);
        path = path_in(w->device, "large");
        assert_int_equal(open(path, O_WRONLY | O_CLOEXEC), -1);
        assert_int_equal(errno, EROFS);
        assert_int_equal(statvfs(w->device, &fs), 0);
        assert_int_equal(fs.f_flag & (ST_RDONLY | ST_NOSUID | ST_NODEV), ST_RDONLY | ST_NOSUID | ST_NODEV);
}

static void test_that_writers_may_put_the_copy_right_until_it_is_sealed(void **state) {
        World *w = *state;
        _cleanup_(freep) char *path = NULL, *original = path_in(w->place->volume, "large"), *kept = NULL;
        struct stat before, after;
        struct statvfs fs;

        assert_int_equal(stat(original, &before), 0);
        run_steps(w, CONTRACT_STEPS);
        unseal(w);
        put_right(w);
        seal(w);
        assert_put_right(w);

        /* Never the volume itself. */
        assert_int_equal(stat(original, &after), 0);
        assert_int_equal(after.st_size, before.st_size);
        assert_memory_equal(&after.st_mtim, &before.st_mtim, sizeof(after.st_mtim));
        kept = read_file(w->place->volume, "one name");
        assert_string_equal(kept, "one file");
        if (w->place->privileged) {
                path = path_in(w->device, "large");
                assert_int_equal(open(path, O_WRONLY | O_CLOEXEC), -1);
                assert_int_equal(errno, EROFS);
                assert_int_equal(statvfs(w->device, &fs), 0);
                assert_int_equal(fs.f_flag & (ST_RDONLY | ST_NOSUID | ST_NODEV), ST_RDONLY | ST_NOSUID | ST_NODEV);
        }

        /* And so it stays, also after a reboot. */
        asker_restart(&w->asker);
        if (w->place->privileged)
                assert_int_equal(umount2(w->device, MNT_DETACH), 0);
        surface(w);
        assert_put_right(w);
        discard(w);
        assert_nothing_left(w);
}

static void test_that_a_copy_is_not_sealed_under_somebody_who_writes(void **state) {
        World *w = *state;
        _cleanup_(freep) char *path = NULL, *first = NULL;
        _cleanup_(closep) int writing = -EBADF, reading = -EBADF;

        if (!w->place->privileged)
                skip(); /* it is an ordinary directory then */

        run_steps(w, CONTRACT_STEPS);
        unseal(w);
        path = path_in(w->device, "large");
        first = path_in(w->device, "one name");
        writing = open(path, O_WRONLY | O_CLOEXEC);
        reading = open(first, O_RDONLY | O_CLOEXEC);
        assert_true(writing >= 0 && reading >= 0);
        _cleanup_answer_ Answer refused = ask_seal(&w->asker, &w->snapshot, w->device);
        assert_answer(refused, VSS_E_AUTORECOVERY_FAILED);

        writing = fd_close(writing);
        seal(w); /* whoever only reads does not matter */
        assert_int_equal(open(path, O_WRONLY | O_CLOEXEC), -1);
        assert_int_equal(errno, EROFS);
        reading = fd_close(reading);
        discard(w);
        assert_nothing_left(w);
}

static void test_that_a_copy_that_was_never_sealed_can_be_discarded(void **state) {
        World *w = *state;

        run_steps(w, CONTRACT_STEPS);
        unseal(w);
        put_right(w);
        asker_kill(&w->asker);
        asker_restart(&w->asker);
        discard(w);
        assert_nothing_left(w);
}

static void test_that_surfacing_twice_is_surfacing_once(void **state) {
        World *w = *state;
        _cleanup_(freep) char *first = NULL, *text = NULL;

        run_steps(w, CONTRACT_STEPS);
        assert_int_equal(strdup_to(w->device, &first), 0);
        surface(w);
        assert_string_equal(first, w->device);

        asker_restart(&w->asker);
        surface(w);
        assert_string_equal(first, w->device);
        text = read_file(w->device, "one name");
        assert_string_equal(text, "one file");
        discard(w);
        assert_nothing_left(w);
}

static void test_that_the_copy_outlives_its_worker_and_its_mount(void **state) {
        World *w = *state;
        _cleanup_(freep) char *before = NULL, *copied = NULL;

        run_steps(w, 4);
        before = manifest_new(w->place->volume);
        commit(w);
        surface(w);
        asker_restart(&w->asker);
        if (w->place->privileged)
                assert_int_equal(umount2(w->device, MNT_DETACH), 0); /* as after a reboot */
        surface(w);
        copied = manifest_new(w->device);
        assert_same_manifest(before, copied);
        discard(w);
        assert_nothing_left(w);
}

static void test_that_discard_leaves_nothing_however_often_it_is_called(void **state) {
        World *w = *state;

        run_steps(w, CONTRACT_STEPS);
        discard(w);
        assert_nothing_left(w);
        discard(w);
        asker_restart(&w->asker);
        discard(w);
        assert_nothing_left(w);
}

static void test_that_discard_does_not_mind_readers(void **state) {
        World *w = *state;
        _cleanup_(freep) char *path = NULL;
        _cleanup_(closep) int file_fd = -EBADF, dir_fd = -EBADF;

        run_steps(w, CONTRACT_STEPS);
        path = path_in(w->device, "large");
        file_fd = open(path, O_RDONLY | O_CLOEXEC);
        dir_fd = open(w->device, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_true(file_fd >= 0 && dir_fd >= 0);

        /* Some storage has to wait for them; new ones do not come any more. */
        _cleanup_answer_ Answer a = ask_discard(&w->asker, &w->snapshot);
        assert_int_equal(access(path, F_OK), -1);
        if (a.hr == VSS_E_VOLUME_IN_USE) {
                file_fd = fd_close(file_fd);
                dir_fd = fd_close(dir_fd);
                discard(w);
        } else
                assert_answer(a, S_OK);
        assert_nothing_left(w);
}

static void test_that_one_snapshot_can_go_while_another_stays(void **state) {
        World *w = *state;
        ProviderSnapshot other = { .set_id = w->snapshot.set_id,
                                   .volume = w->place->second,
                                   .volume_fd = -EBADF };
        _cleanup_(freep) char *text = NULL;

        guid_generate(&other.id);
        write_file(w->place->second, "file", "second");
        free(w->names);
        w->names = place_names(w->place);

        plan(w);
        _cleanup_answer_ Answer planned = ask_plan(&w->asker, &other);
        assert_answer(planned, S_OK);
        other.note = planned.text;
        prepare(w);
        _cleanup_answer_ Answer prepared = ask_prepare(&w->asker, &other.id);
        assert_answer(prepared, S_OK);
        synchronize(w);
        pre_commit(w);
        commit(w); /* both */
        surface(w);
        _cleanup_answer_ Answer surfaced = ask_surface(&w->asker, &other);
        assert_answer(surfaced, S_OK);
        assert_string_not_equal(surfaced.text, w->device);

        discard(w);
        text = read_file(surfaced.text, "file");
        assert_string_equal(text, "second");
        _cleanup_answer_ Answer discarded = ask_discard(&w->asker, &other);
        assert_answer(discarded, S_OK);
        assert_nothing_left(w);
}

static void test_that_a_worker_killed_between_steps_leaves_nothing(void **state) {
        World *w = *state;

        for (size_t n = 1; n <= CONTRACT_STEPS; ++n) {
                run_steps(w, n);
                asker_kill(&w->asker);
                asker_restart(&w->asker);
                discard(w);
                assert_nothing_left(w);
                guid_generate(&w->snapshot.id);
        }
}

static void test_that_a_worker_killed_within_a_step_leaves_nothing(void **state) {
        World *w = *state;

        for (size_t n = 1; n < CONTRACT_STEPS; ++n)
                for (const uint64_t *delay = kill_delays(w); *delay != UINT64_MAX; ++delay) {
                        run_steps(w, n);
                        kill_in_the_middle(w, steps[n].call, *delay);
                        asker_restart(&w->asker);
                        discard(w);
                        assert_nothing_left(w);
                        guid_generate(&w->snapshot.id);
                }
}

static void test_that_a_discard_that_was_killed_can_be_repeated(void **state) {
        World *w = *state;
        usec_t whole = 0;

        for (unsigned i = 0; i <= KILLS; ++i) {
                run_steps(w, CONTRACT_STEPS);
                whole = do_or_kill(w, PROVIDER_CALL_DISCARD, i, whole);
                assert_nothing_left(w);
                guid_generate(&w->snapshot.id);
        }
}

static void test_that_a_volume_that_disappears_is_a_clear_error(void **state) {
        World *w = *state;

        plan(w);
        prepare(w);
        place_lose(w->place);
        _cleanup_answer_ Answer synced = ask_sync(&w->asker);
        assert_answer(synced, VSS_E_OBJECT_NOT_FOUND);
        assert_non_null(strstr(synced.message, w->snapshot.volume));

        place_bring_back(w->place);
        asker_restart(&w->asker);
        discard(w);
        assert_nothing_left(w);
}

static void test_that_commit_works_while_the_volume_is_held(void **state) {
        World *w = *state;
        _cleanup_(freep) char *before = NULL, *copied = NULL;
        _cleanup_answer_ Answer committed = { 0 };

        probe(w);
        if (!(w->flags & PROVIDER_WANTS_HOLD) || !place_can_freeze(w->place))
                skip();

        plan(w);
        prepare(w);
        tree_spoil(w->place->volume); /* so that there is something left to do */
        synchronize(w);
        pre_commit(w);
        before = manifest_new(w->place->volume);
        place_freeze(w->place);
        committed = ask_commit(&w->asker, &w->snapshot.id, 1);
        place_thaw(w->place);
        assert_answer(committed, S_OK);
        surface(w);
        copied = manifest_new(w->device);
        assert_same_manifest(before, copied);
        discard(w);
}

/* Somebody else has resumed the volume: then it is of another instant than the rest of the set. */
static void test_that_what_is_not_held_any_more_is_not_committed(void **state) {
        World *w = *state;

        probe(w);
        if (!(w->flags & PROVIDER_WANTS_SUSPEND))
                skip();

        run_steps(w, 4);
        _cleanup_answer_ Answer committed = ask_commit(&w->asker, &w->snapshot.id, 1);
        assert_answer(committed, VSS_E_VOLUME_IN_USE);
        assert_non_null(strstr(committed.message, "resumed"));
        discard(w);
        assert_nothing_left(w);
}

static void test_that_steps_out_of_order_are_refused(void **state) {
        World *w = *state;
        _cleanup_answer_ Answer unknown = ask_prepare(&w->asker, &w->snapshot.id);

        assert_answer(unknown, VSS_E_OBJECT_NOT_FOUND);
        plan(w);
        _cleanup_answer_ Answer again = ask_plan(&w->asker, &w->snapshot);
        assert_answer(again, VSS_E_OBJECT_ALREADY_EXISTS);
        _cleanup_answer_ Answer early = ask_commit(&w->asker, NULL, 0);
        assert_answer(early, VSS_E_BAD_STATE);
        prepare(w);
        _cleanup_answer_ Answer twice = ask_prepare(&w->asker, &w->snapshot.id);
        assert_answer(twice, VSS_E_BAD_STATE);
        discard(w);
        assert_nothing_left(w);
}

#define CONTRACT(sentence) cmocka_unit_test_setup_teardown(test_that_##sentence, world_setup, world_teardown)

/* What cannot be asked of a provider of others. Breaking off and reverting skip themselves: that is of hardware. */
static bool is_of_vsprov(const char *name) {
        static const char *const not[] = {
                "test_that_usage_says_where_copies_lie_and_what_they_take", /* there is no such question */
                "test_that_a_full_disk_is_said_to_be_full",                 /* of the example, a shell says only that it failed */
        };

        for (size_t i = 0; i < ELEMENTSOF(not); ++i)
                if (strcmp(name, not[i]) == 0)
                        return false;
        return true;
}

static bool is_chosen(const char *name, char *const *patterns) {
        bool chosen = !*patterns;

        if (is_foreign() && !is_of_vsprov(name))
                return false;
        for (; *patterns && !chosen; ++patterns)
                chosen = fnmatch(*patterns, name, 0) == 0;
        return chosen;
}

int main(int argc, char **argv) {
        struct CMUnitTest tests[] = {
                CONTRACT(probe_makes_sense),
                CONTRACT(a_volume_that_is_not_there_is_a_clear_error),
                CONTRACT(usage_says_where_copies_lie_and_what_they_take),
                CONTRACT(plan_changes_nothing),
                CONTRACT(the_copy_is_what_the_volume_was),
                CONTRACT(holes_stay_holes),
                CONTRACT(later_writes_do_not_show),
                CONTRACT(writes_until_commit_do_show),
                CONTRACT(nobody_can_write_to_the_copy),
                CONTRACT(writers_may_put_the_copy_right_until_it_is_sealed),
                CONTRACT(a_copy_is_not_sealed_under_somebody_who_writes),
                CONTRACT(a_copy_that_was_never_sealed_can_be_discarded),
                CONTRACT(what_is_broken_off_is_nobodys_to_discard),
                CONTRACT(a_break_that_was_killed_is_gone_on_with),
                CONTRACT(surfacing_twice_is_surfacing_once),
                CONTRACT(the_copy_outlives_its_worker_and_its_mount),
                CONTRACT(discard_leaves_nothing_however_often_it_is_called),
                CONTRACT(discard_gives_the_space_back),
                CONTRACT(discard_does_not_mind_readers),
                CONTRACT(one_snapshot_can_go_while_another_stays),
                CONTRACT(a_worker_killed_between_steps_leaves_nothing),
                CONTRACT(a_worker_killed_within_a_step_leaves_nothing),
                CONTRACT(a_discard_that_was_killed_can_be_repeated),
                CONTRACT(a_volume_becomes_what_its_copy_is),
                CONTRACT(a_revert_that_was_killed_goes_on),
                CONTRACT(a_revert_that_its_copy_would_not_survive_is_refused),
                CONTRACT(a_full_disk_is_said_to_be_full),
                CONTRACT(a_copy_that_fills_up_gets_more_room),
                CONTRACT(two_copies_share_what_room_there_is),
                CONTRACT(a_copy_that_could_not_be_kept_is_said_to_be_lost),
                CONTRACT(a_volume_that_disappears_is_a_clear_error),
                CONTRACT(commit_works_while_the_volume_is_held),
                CONTRACT(what_is_not_held_any_more_is_not_committed),
                CONTRACT(steps_out_of_order_are_refused),
        };
        size_t n = 0;

        if (argc < 3) {
                print_error("Usage: %s PROVIDER KIND [PATTERN]…, see place.h\n", argv[0]);
                return EXIT_FAILURE;
        }

        provider = argv[1];
        kind = argv[2];
        for (size_t i = 0; i < ELEMENTSOF(tests); ++i)
                if (is_chosen(tests[i].name, argv + 3))
                        tests[n++] = tests[i];
        if (n == 0) {
                print_error("No test is called like that\n");
                return EXIT_FAILURE;
        }

        if (!place_is_possible(kind)) {
                print_message("%s needs root and mkfs, skipping\n", kind);
                return TEST_SKIPPED;
        }

        return _cmocka_run_group_tests(provider, tests, n, private_mounts_group_setup, NULL);
}
