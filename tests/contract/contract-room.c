/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What Every Provider Promises: The Room That Snapshots Take
 *
 * They give it back, say when there is none, and are looked after where what they are kept in fills up.
 */

#include "contract/contract.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <vss.h>
#include <vsserror.h>

#include "base/alloc.h"
#include "base/fd-util.h"
#include "base/guid.h"
#include "contract/place-lvm.h"
#include "lib/test-util.h"

#define OVERRUN_SIZE ((size_t) 24 << 20)

static bool is_kind(const char *storage) {
        return strncmp(kind, storage, strlen(storage)) == 0;
}

/* Of the volume's file system and the one with umbra's own store, which are the test's alone; and where logical volumes have theirs. */
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

        return space + (w->place->lvm ? place_lvm_free_space(w->place->lvm) : 0);
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

void test_that_discard_gives_the_space_back(void **state) {
        static const uint64_t size = 4 << 20;
        World *w = *state;
        uint64_t before;

        if (!w->place->privileged) /* others write there, too */
                skip();

        write_noise(w, "noise", size);
        before = free_space(w);
        run_steps(w, CONTRACT_STEPS);
        write_noise(w, "noise", size); /* what was shared is the copy's own now */
        assert_true(eventually(has_less, &(Space){ w, before - size * 3 / 4 }, TEST_PATIENCE_USEC));
        discard(w);
        assert_true(eventually(has_as_much, &(Space){ w, before - size / 4 }, TEST_PATIENCE_USEC));
}

/* What is written to the volume meanwhile goes to the store first. */
void test_that_a_revert_that_its_copy_would_not_survive_is_refused(void **state) {
        World *w = *state;
        _cleanup_answer_ Answer answer = { 0 };

        if (!is_kind("cow-"))
                skip();

        run_steps(w, CONTRACT_STEPS);
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

void test_that_a_full_disk_is_said_to_be_full(void **state) {
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

/* What is to be written for the store of a copy, or the pool that it is in, to be fuller than it may be. */
static size_t too_much(unsigned permille) {
        return is_kind("cow-") ? OVERRUN_SIZE : PLACE_LVM_POOL * (size_t) (750 - permille) / 1000;
}

typedef struct Fullness {
        World *world;
        unsigned permille;
} Fullness;

static bool is_less_full(void *arg) {
        const Fullness *before = arg;
        _cleanup_answer_ Answer tended = ask_tend(&before->world->asker, &before->world->snapshot);

        assert_answer(tended, S_OK);
        return tended.permille < before->permille;
}

/* First where nobody has room, then where somebody has. A pool is not looked at again at once: it is of many. */
void test_that_a_copy_that_fills_up_gets_more_room(void **state) {
        World *w = *state;

        if (!is_kind("cow-") && !is_kind("thin-"))
                skip();

        if (is_kind("cow-"))
                place_lvm_leave(w->place->lvm, "32M"); /* some of it for what the file system itself writes meanwhile */
        else
                place_lvm_fill(w->place->lvm);
        run_steps(w, CONTRACT_STEPS);
        _cleanup_answer_ Answer fresh = ask_tend(&w->asker, &w->snapshot);
        assert_answer(fresh, S_OK);
        assert_true(fresh.permille < 700);

        place_overrun(w->place, too_much(fresh.permille));
        _cleanup_answer_ Answer full = ask_tend(&w->asker, &w->snapshot);
        assert_answer(full, S_OK);
        assert_true(full.permille >= 700 && full.permille < 1000);

        place_lvm_empty(w->place->lvm);
        assert_true(eventually(is_less_full, &(Fullness){ w, full.permille }, TEST_PATIENCE_USEC));
        discard(w);
        assert_nothing_left(w);
}

/* What the first volume of a set leaves is what the second one gets. */
void test_that_two_copies_share_what_room_there_is(void **state) {
        World *w = *state;
        ProviderSnapshot other = { .set_id = w->snapshot.set_id, .volume = w->place->second, .volume_fd = -EBADF };

        if (!is_kind("cow-"))
                skip();

        guid_generate(&other.id);
        place_lvm_leave(w->place->lvm, "280M"); /* the first one wants 256 of it */
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
        _cleanup_answer_ Answer discarded = ask_discard(&w->asker, &other);
        assert_answer(discarded, S_OK);
        discard(w);
        assert_nothing_left(w);
        place_lvm_empty(w->place->lvm);
}

/* Where a copy has only so much room for what its volume overwrites. */
void test_that_a_copy_that_could_not_be_kept_is_said_to_be_lost(void **state) {
        World *w = *state;

        if (!is_kind("cow-"))
                skip();

        w->snapshot.room = OVERRUN_SIZE / 2;
        run_steps(w, CONTRACT_STEPS);
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
