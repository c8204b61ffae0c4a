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
#include "contract/manifest.h"
#include "contract/place-lvm.h"
#include "contract/place.h"
#include "contract/tree.h"
#include "loop-fs.h"
#include "provider/provider-builtin.h"
#include "provider/provider-protocol.h"
#include "unit/provider/asker.h"

#define OVERRUN_SIZE ((size_t) 24 << 20)
#define TEST_SKIPPED 77 /* what meson takes for it */

static const char *provider, *kind;

typedef struct World {
        Place *place;
        Asker asker;
        ProviderSnapshot snapshot; /* of place->volume */
        char *note;
        uint32_t flags; /* what probe said */
        char *names;    /* of everything there was before */
        char *device;   /* where the shadow copy is seen */
} World;

static int world_setup(void **state) {
        World *w = calloc(1, sizeof(*w));
        ProviderEnv env;

        assert_non_null(w);
        *state = w;
        w->place = place_new(kind);
        tree_make(w->place->volume);
        w->names = place_names(w->place);

        guid_generate(&w->snapshot.id);
        guid_generate(&w->snapshot.set_id);
        w->snapshot.volume = w->place->volume;
        w->snapshot.volume_fd = -EBADF;
        env = (ProviderEnv) {
                .state_dir = w->place->state,
                .runtime_dir = w->place->runtime,
                .privileged = w->place->privileged,
        };
        asker_start(&w->asker, provider, &env);
        return 0;
}

static int world_teardown(void **state) {
        World *w = *state;

        asker_stop(&w->asker);
        place_free(w->place);
        free(w->note);
        free(w->names);
        free(w->device);
        free(w);
        return 0;
}

static void probe(World *w) {
        _cleanup_answer_ Answer a = ask_probe(&w->asker, w->snapshot.volume);

        assert_answer(a, S_OK);
        w->flags = a.probe.flags;
}

static void plan(World *w) {
        _cleanup_answer_ Answer a = ask_plan(&w->asker, &w->snapshot);

        assert_answer(a, S_OK);
        free(w->note);
        w->snapshot.note = w->note = TAKE_PTR(a.text);
}

static void prepare(World *w) {
        _cleanup_answer_ Answer a = ask_prepare(&w->asker, &w->snapshot.id);

        assert_answer(a, S_OK);
}

static void synchronize(World *w) {
        _cleanup_answer_ Answer a = ask_sync(&w->asker);

        assert_answer(a, S_OK);
}

static void pre_commit(World *w) {
        _cleanup_answer_ Answer a = ask_pre_commit(&w->asker);

        assert_answer(a, S_OK);
}

static void commit(World *w) {
        _cleanup_answer_ Answer a = ask_commit(&w->asker, NULL, 0);

        assert_answer(a, S_OK);
}

static void surface(World *w) {
        _cleanup_answer_ Answer a = ask_surface(&w->asker, &w->snapshot);

        assert_answer(a, S_OK);
        assert_int_equal(a.text[0], '/');
        free(w->device);
        w->device = TAKE_PTR(a.text);
}

static void discard(World *w) {
        _cleanup_answer_ Answer a = ask_discard(&w->asker, &w->snapshot);

        assert_answer(a, S_OK);
}

/* The life of a snapshot, as far as tests want to go. */
static const struct {
        ProviderCall call;
        void (*run)(World *w);
} steps[] = {
        { PROVIDER_CALL_PLAN,       plan        },
        { PROVIDER_CALL_PREPARE,    prepare     },
        { PROVIDER_CALL_SYNC,       synchronize },
        { PROVIDER_CALL_PRE_COMMIT, pre_commit  },
        { PROVIDER_CALL_COMMIT,     commit      },
        { PROVIDER_CALL_SURFACE,    surface     },
};

static void run_steps(World *w, size_t n) {
        for (size_t i = 0; i < n; ++i)
                steps[i].run(w);
}

static void assert_nothing_left(World *w) {
        _cleanup_(freep) char *names = place_names(w->place);

        assert_same_manifest(w->names, names);
}

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

        run_steps(w, ELEMENTSOF(steps));
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

        run_steps(w, ELEMENTSOF(steps));
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

        run_steps(w, ELEMENTSOF(steps));
        path = path_in(w->device, "large");
        assert_int_equal(open(path, O_WRONLY | O_CLOEXEC), -1);
        assert_int_equal(errno, EROFS);
        assert_int_equal(statvfs(w->device, &fs), 0);
        assert_int_equal(fs.f_flag & (ST_RDONLY | ST_NOSUID | ST_NODEV), ST_RDONLY | ST_NOSUID | ST_NODEV);
}

static void unseal(World *w) {
        _cleanup_answer_ Answer a = ask_unseal(&w->asker, &w->snapshot, w->device);

        assert_answer(a, S_OK);
}

static void seal(World *w) {
        _cleanup_answer_ Answer a = ask_seal(&w->asker, &w->snapshot, w->device);

        assert_answer(a, S_OK);
}

/* What a writer might do to its files in the copy. */
static void put_right(World *w) {
        _cleanup_(freep) char *path = path_in(w->device, "one name");

        write_file(w->device, "large", "put right");
        assert_int_equal(unlink(path), 0);
}

static void assert_put_right(World *w) {
        _cleanup_(freep) char *text = read_file(w->device, "large");

        assert_non_null(text);
        assert_string_equal(text, "put right");
        assert_false(file_exists(w->device, "one name"));
}

static void test_that_writers_may_put_the_copy_right_until_it_is_sealed(void **state) {
        World *w = *state;
        _cleanup_(freep) char *path = NULL, *original = path_in(w->place->volume, "large"), *kept = NULL;
        struct stat before, after;
        struct statvfs fs;

        assert_int_equal(stat(original, &before), 0);
        run_steps(w, ELEMENTSOF(steps));
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

        run_steps(w, ELEMENTSOF(steps));
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

        run_steps(w, ELEMENTSOF(steps));
        unseal(w);
        put_right(w);
        asker_kill(&w->asker);
        asker_restart(&w->asker);
        discard(w);
        assert_nothing_left(w);
}

static bool can(uint32_t ability) {
        return provider_builtin_by_name(provider)->abilities & ability;
}

static void test_that_what_is_broken_off_is_nobodys_to_discard(void **state) {
        World *w = *state;
        _cleanup_(freep) char *before = NULL, *kept = NULL;

        if (!can(PROVIDER_CAN_BREAK))
                skip();

        run_steps(w, 4);
        before = manifest_new(w->place->volume);
        commit(w);
        surface(w);
        _cleanup_answer_ Answer broken = ask_break(&w->asker, &w->snapshot, VSS_BREAKEX_FLAG_MAKE_READ_WRITE);
        assert_answer(broken, S_OK);
        if (w->place->privileged) { /* else it is not mounted where it was seen */
                kept = manifest_new(w->device);
                assert_same_manifest(before, kept);
                put_right(w);
                assert_put_right(w);
        }

        /* Killed after it was done, and told again. */
        asker_restart(&w->asker);
        _cleanup_answer_ Answer again = ask_break(&w->asker, &w->snapshot, VSS_BREAKEX_FLAG_MAKE_READ_WRITE);
        assert_answer(again, S_OK);
        if (w->place->privileged)
                assert_put_right(w);
        discard(w); /* nothing that is still ours */
}

static void test_that_surfacing_twice_is_surfacing_once(void **state) {
        World *w = *state;
        _cleanup_(freep) char *first = NULL, *text = NULL;

        run_steps(w, ELEMENTSOF(steps));
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

        run_steps(w, ELEMENTSOF(steps));
        discard(w);
        assert_nothing_left(w);
        discard(w);
        asker_restart(&w->asker);
        discard(w);
        assert_nothing_left(w);
}

/* Of the volume's file system and the one with umbra's own store, which are the test's alone. */
static uint64_t free_space(const World *w) {
        const char *dirs[] = { w->place->root, w->place->state };
        uint64_t space = 0;

        for (size_t i = 0; i < ELEMENTSOF(dirs); ++i) {
                _cleanup_(closep) int fd = open(dirs[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
                struct statvfs fs;

                assert_true(fd >= 0);
                assert_int_equal(syncfs(fd), 0);
                assert_int_equal(fstatvfs(fd, &fs), 0);
                space += (uint64_t) fs.f_bfree * fs.f_frsize;
        }

        return space;
}

static void write_noise(const World *w, const char *name, size_t size) {
        _cleanup_(freep) char *path = path_in(w->place->volume, name);
        _cleanup_(closep) int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        static uint64_t block[4096], seed = 88172645463325252ULL;

        assert_true(fd >= 0);
        for (size_t done = 0; done < size; done += sizeof(block)) {
                for (size_t i = 0; i < ELEMENTSOF(block); ++i) {
                        seed ^= seed << 13; /* xorshift: nothing that anybody could compress away */
                        seed ^= seed >> 7;
                        seed ^= seed << 17;
                        block[i] = seed;
                }
                assert_int_equal(fd_write_all(fd, block, sizeof(block)), 0);
        }
}

typedef struct Space {
        const World *world;
        uint64_t free;
} Space;

static bool has_less(void *arg) {
        const Space *space = arg;

        return free_space(space->world) < space->free;
}

static bool has_as_much(void *arg) {
        const Space *space = arg;

        return free_space(space->world) >= space->free;
}

static void test_that_discard_gives_the_space_back(void **state) {
        static const uint64_t size = 4 << 20;
        World *w = *state;
        uint64_t before;

        if (!w->place->privileged) /* others write there, too */
                skip();

        write_noise(w, "noise", size);
        before = free_space(w);
        run_steps(w, ELEMENTSOF(steps));
        write_noise(w, "noise", size); /* what was shared is the copy's own now */
        assert_true(eventually(has_less, &(Space){ w, before - size * 3 / 4 }, TEST_PATIENCE_USEC));
        discard(w);
        assert_true(eventually(has_as_much, &(Space){ w, before - size / 4 }, TEST_PATIENCE_USEC));
}

static void test_that_discard_does_not_mind_readers(void **state) {
        World *w = *state;
        _cleanup_(freep) char *path = NULL;
        _cleanup_(closep) int file_fd = -EBADF, dir_fd = -EBADF;

        run_steps(w, ELEMENTSOF(steps));
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

        for (size_t n = 1; n <= ELEMENTSOF(steps); ++n) {
                run_steps(w, n);
                asker_kill(&w->asker);
                asker_restart(&w->asker);
                discard(w);
                assert_nothing_left(w);
                guid_generate(&w->snapshot.id);
        }
}

/* Asks and does not wait. */
static int begin(World *w, ProviderCall call, Answer *answer) {
        ProviderClient *c = w->asker.client;

        switch (call) {
        case PROVIDER_CALL_PLAN:
                return provider_client_plan(c, &w->snapshot, ASKER_TIMEOUT_USEC, answer_take, answer);
        case PROVIDER_CALL_PREPARE:
                return provider_client_prepare(c, &w->snapshot.id, ASKER_TIMEOUT_USEC, answer_take, answer);
        case PROVIDER_CALL_SYNC:
                return provider_client_sync(c, ASKER_TIMEOUT_USEC, answer_take, answer);
        case PROVIDER_CALL_PRE_COMMIT:
                return provider_client_pre_commit(c, ASKER_TIMEOUT_USEC, answer_take, answer);
        case PROVIDER_CALL_COMMIT:
                return provider_client_commit(c, &(ProviderCommit){ 0 }, ASKER_TIMEOUT_USEC, answer_take, answer);
        case PROVIDER_CALL_SURFACE:
                return provider_client_surface(c, &w->snapshot, ASKER_TIMEOUT_USEC, answer_take, answer);
        case PROVIDER_CALL_BREAK:
                return provider_client_break(c, &w->snapshot, 0, ASKER_TIMEOUT_USEC, answer_take, answer);
        case PROVIDER_CALL_DISCARD:
                return provider_client_discard(c, &w->snapshot, ASKER_TIMEOUT_USEC, answer_take, answer);
        default:
                return -EINVAL;
        }
}

static void kill_in_the_middle(World *w, ProviderCall call, uint64_t usec) {
        struct timespec t = timespec_from_usec(usec);
        _cleanup_answer_ Answer answer = { 0 };

        assert_int_equal(begin(w, call, &answer), 0);
        (void) sd_event_run(w->asker.event, 0);
        (void) nanosleep(&t, NULL);
        asker_kill(&w->asker);
        asker_await(&w->asker, &answer);
        if (FAILED(answer.hr))
                assert_answer(answer, VSS_E_UNEXPECTED_PROVIDER_ERROR);
}

/* When in a step a worker is killed. Where each step takes a second, later, and not so often. */
static const uint64_t *kill_delays(const World *w) {
        static const uint64_t delays[] = { 0, 300, 1000, 3000, 10000, 30000, UINT64_MAX },
                              few[] = { 10000, 400000, UINT64_MAX };

        return w->place->lvm || w->place->zfs ? few : delays;
}

static void test_that_a_worker_killed_within_a_step_leaves_nothing(void **state) {
        World *w = *state;

        for (size_t n = 1; n < ELEMENTSOF(steps); ++n)
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

        for (const uint64_t *delay = kill_delays(w); *delay != UINT64_MAX; ++delay) {
                run_steps(w, ELEMENTSOF(steps));
                kill_in_the_middle(w, PROVIDER_CALL_DISCARD, *delay);
                asker_restart(&w->asker);
                discard(w);
                assert_nothing_left(w);
                guid_generate(&w->snapshot.id);
        }
}

static void test_that_a_break_that_was_killed_is_gone_on_with(void **state) {
        static const uint64_t delays[] = { 0, 300, 1000, 3000 };
        World *w = *state;

        if (!can(PROVIDER_CAN_BREAK))
                skip();

        for (size_t i = 0; i < ELEMENTSOF(delays); ++i) {
                run_steps(w, ELEMENTSOF(steps));
                kill_in_the_middle(w, PROVIDER_CALL_BREAK, delays[i]);
                asker_restart(&w->asker);
                _cleanup_answer_ Answer broken = ask_break(&w->asker, &w->snapshot, 0);
                assert_answer(broken, S_OK);
                if (w->place->privileged) {
                        _cleanup_(freep) char *text = read_file(w->device, "one name");

                        assert_string_equal(text, "one file");
                        assert_int_equal(umount2(w->device, MNT_DETACH), 0);
                        assert_int_equal(rmdir(w->device), 0);
                }
                guid_generate(&w->snapshot.id);
        }
}

/* Providers that make a volume in use what its copy is. Others have means of their own. */
static bool reverts_in_place(void) {
        return strcmp(provider, "btrfs") == 0 || strcmp(provider, "zfs") == 0 || strncmp(provider, "lvm-", 4) == 0 ||
               strncmp(provider, "files-", 6) == 0;
}

static int begin_revert(World *w, Answer *answer) {
        return provider_client_revert(w->asker.client, &w->snapshot, w->place->volume, 0, ASKER_TIMEOUT_USEC,
                                      answer_take, answer);
}

static void revert_volume(World *w) {
        _cleanup_answer_ Answer answer = { 0 };

        assert_int_equal(begin_revert(w, &answer), 0);
        asker_await(&w->asker, &answer);
        assert_answer(answer, S_OK);
}

static void test_that_a_volume_becomes_what_its_copy_is(void **state) {
        World *w = *state;
        _cleanup_(freep) char *before = NULL, *after = NULL, *copied = NULL;

        if (!reverts_in_place())
                skip();

        run_steps(w, 4);
        before = manifest_new(w->place->volume);
        commit(w);
        surface(w);
        tree_spoil(w->place->volume);
        revert_volume(w);
        after = manifest_new(w->place->volume);
        assert_same_manifest(before, after);
        copied = manifest_new(w->device);
        assert_same_manifest(before, copied); /* it stays */
        discard(w);
        assert_nothing_left(w);
}

/* Killed again and again, a little later each time; then it may come to its end. */
static void test_that_a_revert_that_was_killed_goes_on(void **state) {
        static const uint64_t delays[] = { 0, 300, 1000, 2000, 3000, 5000, 10000, 20000 };
        World *w = *state;
        _cleanup_(freep) char *before = NULL, *after = NULL;

        if (!reverts_in_place())
                skip();

        run_steps(w, 4);
        before = manifest_new(w->place->volume);
        commit(w);
        surface(w);
        tree_spoil(w->place->volume);
        for (size_t i = 0; i < ELEMENTSOF(delays); ++i) {
                struct timespec t = timespec_from_usec(delays[i]);
                _cleanup_answer_ Answer answer = { 0 };

                assert_int_equal(begin_revert(w, &answer), 0);
                (void) sd_event_run(w->asker.event, 0);
                (void) nanosleep(&t, NULL);
                asker_kill(&w->asker);
                asker_await(&w->asker, &answer);
                asker_restart(&w->asker);
        }
        revert_volume(w);
        after = manifest_new(w->place->volume);
        assert_same_manifest(before, after);
        discard(w);
        assert_nothing_left(w);
}

/* What is written to the volume meanwhile goes to the store first. */
static void test_that_a_revert_that_its_copy_would_not_survive_is_refused(void **state) {
        World *w = *state;
        _cleanup_answer_ Answer answer = { 0 };

        if (strncmp(kind, "cow-", 4) != 0)
                skip();

        run_steps(w, ELEMENTSOF(steps));
        place_lvm_fill(w->place->lvm);
        assert_int_equal(provider_client_may_revert(w->asker.client, &w->snapshot, w->place->volume, 0,
                                                    ASKER_TIMEOUT_USEC, answer_take, &answer),
                         0);
        asker_await(&w->asker, &answer);
        assert_answer(answer, VSS_E_INSUFFICIENT_STORAGE);
        assert_non_null(strstr(answer.message, "vgextend"));
        place_lvm_empty(w->place->lvm);
        discard(w);
        assert_nothing_left(w);
}

/* Until one fails; S_OK when none does. */
static HRESULT run_until_failure(World *w) {
        for (size_t n = 1; n <= 4; ++n) {
                _cleanup_answer_ Answer answer = { 0 };

                assert_int_equal(begin(w, steps[n].call, &answer), 0);
                asker_await(&w->asker, &answer);
                if (FAILED(answer.hr)) {
                        assert_non_null(answer.message);
                        return answer.hr;
                }
        }

        return S_OK;
}

static void test_that_a_full_disk_is_said_to_be_full(void **state) {
        World *w = *state;
        HRESULT hr;

        if (!place_fill(w->place))
                skip();

        plan(w);
        hr = run_until_failure(w);
        if (hr != S_OK) /* btrfs keeps room for its own, and so a snapshot may still be possible */
                assert_int_equal(hr, VSS_E_INSUFFICIENT_STORAGE);
        discard(w);
        place_empty(w->place);
        assert_nothing_left(w);
}

static void test_that_a_copy_that_fills_up_gets_more_room(void **state) {
        World *w = *state;

        if (strncmp(kind, "cow-", 4) != 0)
                skip();

        place_lvm_leave(w->place->lvm, "32M"); /* some of it for what the file system itself writes meanwhile */
        run_steps(w, ELEMENTSOF(steps));
        place_overrun(w->place, (size_t) 24 << 20);
        _cleanup_answer_ Answer full = ask_tend(&w->asker, &w->snapshot);
        assert_answer(full, S_OK);
        assert_true(full.permille >= 700 && full.permille < 1000);

        place_lvm_empty(w->place->lvm);
        _cleanup_answer_ Answer larger = ask_tend(&w->asker, &w->snapshot);
        assert_answer(larger, S_OK);
        assert_true(larger.permille < full.permille);
        discard(w);
        assert_nothing_left(w);
}

/* Where a copy has only so much room for what its volume overwrites. */
static void test_that_a_copy_that_could_not_be_kept_is_said_to_be_lost(void **state) {
        World *w = *state;

        if (strncmp(kind, "cow-", 4) != 0)
                skip();

        w->snapshot.room = OVERRUN_SIZE / 2;
        run_steps(w, ELEMENTSOF(steps));
        place_overrun(w->place, OVERRUN_SIZE);
        _cleanup_answer_ Answer tended = ask_tend(&w->asker, &w->snapshot);
        assert_true(FAILED(tended.hr));
        assert_non_null(strstr(tended.message, "lost"));
        assert_int_equal(umount2(w->device, MNT_DETACH), 0);
        _cleanup_answer_ Answer surfaced = ask_surface(&w->asker, &w->snapshot);
        assert_true(FAILED(surfaced.hr));
        assert_non_null(strstr(surfaced.message, "lost"));
        discard(w);
        assert_nothing_left(w);
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

static bool is_chosen(const char *name, char *const *patterns) {
        bool chosen = !*patterns;

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
                CONTRACT(a_copy_that_could_not_be_kept_is_said_to_be_lost),
                CONTRACT(a_volume_that_disappears_is_a_clear_error),
                CONTRACT(commit_works_while_the_volume_is_held),
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
