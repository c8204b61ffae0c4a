/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What Only btrfs Has to Promise
 *
 * Beyond the contract: which directories it takes, that it never lets a snapshot wait for a held file
 * system, and that it finds its snapshots again whatever the device is called by then, mounted or not.
 */

#include <btrfsutil.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <vsserror.h>

#include "base/alloc.h"
#include "base/fd-util.h"
#include "base/guid.h"
#include "base/process-util.h"
#include "contract/place.h"
#include "loop-fs.h"
#include "unit/provider/asker.h"

typedef struct World {
        Asker asker;
        LoopFs *fs;
        char *dir, *state, *runtime, *volume, *store, *note;
        ProviderSnapshot snapshot;
} World;

static void start(World *w, bool privileged) {
        const ProviderEnv env = { .state_dir = w->state,
                                  .runtime_dir = w->runtime,
                                  .privileged = privileged };

        asker_start(&w->asker, "btrfs", &env);
}

static int world_setup(void **state) {
        World *w = calloc(1, sizeof(*w));

        assert_non_null(w);
        enter_private_mounts();
        w->dir = temp_dir_new();
        w->state = path_in(w->dir, "state");
        w->runtime = path_in(w->dir, "run");
        assert_int_equal(mkdir(w->state, 0755), 0);
        assert_int_equal(mkdir(w->runtime, 0755), 0);
        w->fs = loop_fs_new(w->dir, "fs", "btrfs");
        w->volume = path_in(w->dir, "fs/volume");
        w->store = path_in(w->dir, "fs/.umbra-shadow");
        assert_int_equal(btrfs_util_create_subvolume(w->volume, 0, NULL, NULL), 0);
        write_file(w->volume, "directory/file", "text");
        guid_generate(&w->snapshot.id);
        w->snapshot.volume = w->volume;
        w->snapshot.volume_fd = -EBADF;
        start(w, true);
        *state = w;
        return 0;
}

static int world_teardown(void **state) {
        World *w = *state;

        asker_stop(&w->asker);
        loop_fs_free(w->fs);
        temp_dir_free(w->dir);
        free(w->state);
        free(w->runtime);
        free(w->volume);
        free(w->store);
        free(w->note);
        free(w);
        return 0;
}

static void plan_and_prepare(World *w, ProviderSnapshot *s, char **note) {
        _cleanup_answer_ Answer planned = ask_plan(&w->asker, s), prepared = { 0 };

        assert_answer(planned, S_OK);
        *note = TAKE_PTR(planned.text);
        s->note = *note;
        prepared = ask_prepare(&w->asker, &s->id);
        assert_answer(prepared, S_OK);
}

static void create(World *w) {
        _cleanup_answer_ Answer committed = { 0 };

        plan_and_prepare(w, &w->snapshot, &w->note);
        committed = ask_commit(&w->asker, NULL, 0);
        assert_answer(committed, S_OK);
}

static void assert_probe(World *w, const char *volume, HRESULT hr, const char *why) {
        _cleanup_answer_ Answer a = ask_probe(&w->asker, volume);

        assert_answer(a, hr);
        assert_true(!why || strstr(a.message, why));
}

static void test_that_only_whole_subvolumes_are_taken(void **state) {
        World *w = *state;
        _cleanup_(freep) char *directory = path_in(w->volume, "directory");

        assert_probe(w, w->volume, S_OK, NULL);
        assert_probe(w, w->fs->target, S_OK, NULL);
        assert_probe(w, directory, VSS_E_VOLUME_NOT_SUPPORTED, "subvolume");
        assert_probe(w, "/proc", VSS_E_VOLUME_NOT_SUPPORTED, "subvolume");
}

static void write_random(const char *path, size_t mib) {
        _cleanup_(freep) char *command = NULL;

        assert_int_equal(format_to(&command, "head -c %zuM /dev/urandom >%s", mib, path), 0);
        assert_int_equal(system(command), 0);
}

static uint64_t used(World *w, char *const *notes) {
        _cleanup_answer_ Answer a = ask_usage(&w->asker, w->volume, notes);

        assert_answer(a, S_OK);
        assert_true(a.space.allocated >= a.space.used);
        return a.space.used;
}

static void assert_used(World *w, char *const *notes, uint64_t mib) {
        uint64_t found = used(w, notes);

        if (found < mib << 20 || found > (mib + 1) << 20)
                fail_msg("the snapshots take %" PRIu64 " bytes, not %" PRIu64 " MiB", found, mib);
}

/* Known amounts: what the volume no longer has, what only snapshots share, and what somebody else has as well. */
static void test_that_what_snapshots_take_is_told_to_the_byte(void **state) {
        World *w = *state;
        _cleanup_(freep) char *first = path_in(w->volume, "first"), *second = path_in(w->volume, "second"), *again = NULL, *clone = NULL,
                              *other_note = NULL;
        char *notes[3] = { NULL };
        ProviderSnapshot other = w->snapshot;

        write_random(first, 16);
        write_random(second, 8);
        guid_generate(&other.id);
        plan_and_prepare(w, &other, &other_note);
        create(w); /* commits both */
        notes[0] = w->note;
        notes[1] = other_note;
        assert_used(w, notes, 0);

        write_random(first, 16); /* both snapshots have the old one, once */
        assert_used(w, notes, 16);
        assert_int_equal(unlink(second), 0);
        assert_used(w, notes, 24);
        notes[1] = NULL;
        assert_true(used(w, notes) < UINT64_C(1) << 20); /* one alone would free nothing */

        notes[1] = other_note;
        assert_int_equal(format_to(&clone, "%s/kept", w->fs->target), 0);
        assert_int_equal(format_to(&again, "cp --reflink=always %s/.umbra-shadow/%s/second %s", w->fs->target, GUID_TO_STRING(&other.id), clone),
                         0);
        assert_int_equal(system(again), 0);
        assert_used(w, notes, 16); /* somebody else holds it now */
        assert_int_equal(unlink(clone), 0);
        sync();
        assert_used(w, notes, 24);
}

static void test_that_it_needs_to_mount(void **state) {
        World *w = *state;

        asker_stop(&w->asker);
        start(w, false);
        assert_probe(w, w->volume, VSS_E_VOLUME_NOT_SUPPORTED, "may not mount");
}

static void test_that_a_read_only_file_system_stays_so(void **state) {
        World *w = *state;
        _cleanup_(freep) char *file = path_in(w->dir, "fs/file");

        assert_int_equal(mount(NULL, w->fs->target, NULL, MS_REMOUNT | MS_RDONLY, NULL), 0);
        assert_probe(w, w->volume, VSS_E_VOLUME_NOT_SUPPORTED, "Read-only");
        assert_int_equal(mount(NULL, w->fs->target, NULL, MS_REMOUNT | MS_RDONLY | MS_BIND, NULL), 0);
        assert_int_equal(open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0600), -1);
        assert_int_equal(errno, EROFS);
        assert_int_equal(mount(NULL, w->fs->target, NULL, MS_REMOUNT, NULL), 0);
        assert_probe(w, w->volume, S_OK, NULL);
}

static void test_that_a_volume_that_is_only_seen_read_only_is_taken(void **state) {
        World *w = *state;

        assert_int_equal(mount(NULL, w->fs->target, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL), 0);
        assert_probe(w, w->volume, S_OK, NULL);
        create(w);
        _cleanup_answer_ Answer discarded = ask_discard(&w->asker, &w->snapshot);
        assert_answer(discarded, S_OK);
}

static void test_that_commit_does_not_wait_for_a_held_file_system(void **state) {
        World *w = *state;
        _cleanup_answer_ Answer committed = { 0 };

        plan_and_prepare(w, &w->snapshot, &w->note);
        loop_fs_freeze(w->fs);
        committed = ask_commit(&w->asker, &w->snapshot.id, 1);
        loop_fs_thaw(w->fs);
        assert_answer(committed, VSS_E_PROVIDER_VETO);
}

static void test_that_the_snapshot_is_hidden_and_read_only(void **state) {
        World *w = *state;
        _cleanup_(freep) char *path = NULL;
        bool read_only = false;
        struct stat st;

        create(w);
        assert_int_equal(stat(w->store, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0700);
        path = path_in(w->store, GUID_TO_STRING(&w->snapshot.id));
        assert_int_equal(btrfs_util_get_subvolume_read_only(path, &read_only), 0);
        assert_true(read_only);
}

static void test_that_a_store_that_others_may_enter_is_refused(void **state) {
        World *w = *state;
        _cleanup_answer_ Answer planned = ask_plan(&w->asker, &w->snapshot), prepared = { 0 };

        assert_int_equal(mkdir(w->store, 0755), 0);
        assert_answer(planned, S_OK);
        prepared = ask_prepare(&w->asker, &w->snapshot.id);
        assert_answer(prepared, VSS_E_PROVIDER_VETO);
        assert_non_null(strstr(prepared.message, ".umbra-shadow"));
}

/* The last snapshot goes, and with it the directory; not if somebody is about to put another one there. */
static void test_that_a_discard_does_not_disturb_who_is_prepared(void **state) {
        World *w = *state, other = *w;
        _cleanup_(freep) char *note = NULL;
        ProviderSnapshot second = { .volume = w->volume, .volume_fd = -EBADF };
        _cleanup_answer_ Answer discarded = { 0 }, committed = { 0 }, last = { 0 };

        create(w);
        asker_restart(&w->asker); /* its worker holds nothing any more */
        start(&other, true);
        guid_generate(&second.id);
        plan_and_prepare(&other, &second, &note);
        discarded = ask_discard(&w->asker, &w->snapshot);
        assert_answer(discarded, S_OK);
        assert_int_equal(access(w->store, F_OK), 0);
        committed = ask_commit(&other.asker, NULL, 0);
        assert_answer(committed, S_OK);
        last = ask_discard(&other.asker, &second);
        assert_answer(last, S_OK);
        assert_int_equal(access(w->store, F_OK), -1);
        asker_stop(&other.asker);
}

static void run(const char *program, ...) {
        char *argv[8] = { NULL };
        _cleanup_(closep) int pidfd = -EBADF;
        SpawnOptions options = { .path = program, .argv = argv };
        int status = -1;
        va_list ap;

        va_start(ap, program);
        assert_int_equal(strdup_to(program, &argv[0]), 0);
        for (size_t i = 1; i < ELEMENTSOF(argv) - 1; ++i) {
                const char *word = va_arg(ap, const char *);

                if (!word)
                        break;
                assert_int_equal(strdup_to(word, &argv[i]), 0);
        }
        va_end(ap);

        assert_int_equal(process_spawn(&options, NULL, &pidfd), 0);
        assert_int_equal(process_end(pidfd, TEST_PATIENCE_USEC, &status), 0);
        assert_int_equal(status, 0);
        for (char **p = argv; *p; ++p)
                free(*p);
}

static bool is_unmounted(void *sysfs_path) {
        return access(sysfs_path, F_OK) < 0;
}

/* Takes the file system away: mount, loop device and all. */
static void lose(World *w) {
        _cleanup_(freep) char *sysfs_path = NULL;
        char uuid[37];

        assert_int_equal(sscanf(w->note, "uuid=%36s", uuid), 1);
        assert_int_equal(format_to(&sysfs_path, "/sys/fs/btrfs/%s", uuid), 0);
        asker_restart(&w->asker);
        w->fs = loop_fs_free(w->fs);
        assert_true(eventually(is_unmounted, sysfs_path, TEST_PATIENCE_USEC));
}

static void test_that_a_file_system_that_is_gone_is_a_clear_error(void **state) {
        World *w = *state;
        _cleanup_(freep) char *image = path_in(w->dir, "fs.img"), *elsewhere = path_in(w->dir, "elsewhere"),
                              *store = path_in(w->dir, "elsewhere/.umbra-shadow");
        _cleanup_answer_ Answer failed = { 0 }, discarded = { 0 };

        create(w);
        lose(w);
        failed = ask_discard(&w->asker, &w->snapshot);
        assert_answer(failed, VSS_E_PROVIDER_VETO);
        assert_non_null(strstr(failed.message, "is not there"));

        /* As after a reboot: another device, mounted somewhere else. */
        assert_int_equal(mkdir(elsewhere, 0755), 0);
        run("/bin/mount", "-o", "loop", image, elsewhere, NULL);
        assert_int_equal(access(store, F_OK), 0);
        discarded = ask_discard(&w->asker, &w->snapshot);
        assert_answer(discarded, S_OK);
        assert_int_equal(access(store, F_OK), -1);
        assert_int_equal(umount2(elsewhere, MNT_DETACH), 0);
}

static void test_that_the_file_system_need_not_be_mounted(void **state) {
        World *w = *state;
        _cleanup_(freep) char *image = path_in(w->dir, "fs.img"), *elsewhere = path_in(w->dir, "elsewhere"),
                              *store = path_in(w->dir, "elsewhere/.umbra-shadow"), *text = NULL;
        _cleanup_answer_ Answer surfaced = { 0 }, other_surfaced = { 0 }, discarded = { 0 }, other_discarded = { 0 };
        _cleanup_(freep) char *other_note = NULL;
        ProviderSnapshot other = w->snapshot;

        guid_generate(&other.id);
        plan_and_prepare(w, &other, &other_note);
        create(w); /* commits both */
        lose(w);
        assert_int_equal(mkdir(elsewhere, 0755), 0);
        run("/sbin/losetup", "-f", image, NULL);

        surfaced = ask_surface(&w->asker, &w->snapshot);
        assert_answer(surfaced, S_OK);
        other_surfaced = ask_surface(&w->asker, &other);
        assert_answer(other_surfaced, S_OK);
        text = read_file(surfaced.text, "directory/file");
        assert_string_equal(text, "text");
        other_discarded = ask_discard(&w->asker, &other); /* while the first is still seen */
        assert_answer(other_discarded, S_OK);
        discarded = ask_discard(&w->asker, &w->snapshot);
        assert_answer(discarded, S_OK);

        run("/bin/mount", "-o", "loop", image, elsewhere, NULL);
        assert_int_equal(access(store, F_OK), -1);
        assert_int_equal(umount2(elsewhere, 0), 0);
        run("/bin/sh", "-c", "losetup -d $(losetup -nO NAME -j \"$0\")", image, NULL);
}

static void test_that_a_note_of_somebody_else_removes_nothing(void **state) {
        static const char *const notes[] = { "", "nonsense", "uuid=../.. name=../.. device=/dev/null",
                                             "uuid=", "uuid=x name=y device=z" };
        World *w = *state;

        create(w);
        for (size_t i = 0; i < ELEMENTSOF(notes); ++i) {
                ProviderSnapshot s = w->snapshot;
                _cleanup_answer_ Answer a = { 0 };

                s.note = notes[i];
                a = ask_discard(&w->asker, &s);
                assert_answer(a, VSS_E_PROVIDER_VETO);
        }
        assert_int_equal(access(w->store, F_OK), 0);
}

#define TEST(sentence) cmocka_unit_test_setup_teardown(test_that_##sentence, world_setup, world_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(only_whole_subvolumes_are_taken),
                TEST(what_snapshots_take_is_told_to_the_byte),
                TEST(it_needs_to_mount),
                TEST(a_read_only_file_system_stays_so),
                TEST(a_volume_that_is_only_seen_read_only_is_taken),
                TEST(commit_does_not_wait_for_a_held_file_system),
                TEST(the_snapshot_is_hidden_and_read_only),
                TEST(a_store_that_others_may_enter_is_refused),
                TEST(a_discard_does_not_disturb_who_is_prepared),
                TEST(a_file_system_that_is_gone_is_a_clear_error),
                TEST(the_file_system_need_not_be_mounted),
                TEST(a_note_of_somebody_else_removes_nothing),
        };

        if (!place_is_possible("btrfs")) {
                print_message("btrfs needs root and mkfs, skipping\n");
                return 77; /* what meson takes for skipped */
        }

        return cmocka_run_group_tests(tests, private_mounts_group_setup, NULL);
}
