/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What Every Provider Promises: What Is Done to a Snapshot Later
 *
 * It is broken off, or its volume becomes what it is; also when the worker is killed meanwhile.
 */

#include "contract/contract.h"

#include <string.h>
#include <sys/mount.h>
#include <time.h>
#include <unistd.h>

#include <vss.h>
#include <vsserror.h>

#include "base/alloc.h"
#include "base/fd-util.h"
#include "base/guid.h"
#include "contract/manifest.h"
#include "contract/tree.h"
#include "lib/test-util.h"

void test_that_what_is_broken_off_is_nobodys_to_discard(void **state) {
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

void test_that_a_break_that_was_killed_is_gone_on_with(void **state) {
        World *w = *state;
        usec_t whole = 0;

        if (!can(PROVIDER_CAN_BREAK))
                skip();

        for (unsigned i = 0; i <= KILLS; ++i) {
                run_steps(w, CONTRACT_STEPS);
                whole = do_or_kill(w, PROVIDER_CALL_BREAK, i, whole);
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
        return provider_client_revert(w->asker.client, &w->snapshot, w->place->volume, 0, NULL, ASKER_TIMEOUT_USEC,
                                      answer_take, answer);
}

static void revert_volume(World *w) {
        _cleanup_answer_ Answer answer = { 0 };

        assert_int_equal(begin_revert(w, &answer), 0);
        asker_await(&w->asker, &answer);
        assert_answer(answer, S_OK);
}

void test_that_a_volume_becomes_what_its_copy_is(void **state) {
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

/* Killed again and again, a part of the time later that it takes; then it may come to its end. */
void test_that_a_revert_that_was_killed_goes_on(void **state) {
        World *w = *state;
        _cleanup_(freep) char *before = NULL, *after = NULL;
        usec_t started, whole;

        if (!reverts_in_place())
                skip();

        run_steps(w, 4);
        before = manifest_new(w->place->volume);
        commit(w);
        surface(w);
        tree_spoil(w->place->volume);
        started = now_usec(CLOCK_MONOTONIC);
        revert_volume(w);
        whole = now_usec(CLOCK_MONOTONIC) - started;

        tree_spoil(w->place->volume);
        for (unsigned i = 0; i <= KILLS; ++i) {
                struct timespec t = timespec_from_usec(whole * i / KILLS);
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
