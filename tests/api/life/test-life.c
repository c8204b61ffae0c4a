/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * How long shadow copies live: what each context means for those who made them, what a restart and a reboot
 * leave of them, and who goes when there are too many.
 */

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "api/storage/storage.h"
#include "api/writer/backup.h"
#include "api/writer/journal.h"
#include "api/writer/puppet.h"
#include "base/alloc.h"
#include "base/fd-util.h"
#include "base/utf.h"

static World *world;

static int setup(void **state) {
        world = world_new();
        return 0;
}

static int teardown(void **state) {
        world = world_free(world);
        return 0;
}

/* Is it among those that a requester of this context sees? */
static bool is_listed(LONG context, VSS_ID id) {
        IVssBackupComponentsEx4 *b = storage_backup(context);
        IVssEnumObject *list = NULL;
        VSS_OBJECT_PROP prop;
        bool listed = false;
        ULONG n = 0;

        assert_int_equal(IVssBackupComponentsEx4_Query(b, GUID_NULL, VSS_OBJECT_NONE, VSS_OBJECT_SNAPSHOT, &list), S_OK);
        while (IVssEnumObject_Next(list, 1, &prop, &n) == S_OK) {
                listed |= memcmp(&prop.Obj.Snap.m_SnapshotId, &id, sizeof(id)) == 0;
                VssFreeSnapshotProperties(&prop.Obj.Snap);
        }
        IVssEnumObject_Release(list);
        storage_release(b);
        return listed;
}

static bool is_gone(void *id) {
        return !is_listed((LONG) VSS_CTX_ALL, *(VSS_ID *) id);
}

static char *device_of(VSS_ID id) {
        VSS_SNAPSHOT_PROP prop = storage_properties(id);
        char *device = NULL;

        assert_int_equal(utf8_from_wide(prop.m_pwszSnapshotDeviceObject, &device), 0);
        VssFreeSnapshotProperties(&prop);
        return device;
}

static const struct {
        LONG context;
        bool writers, persistent;
} contexts[] = {
        { VSS_CTX_BACKUP,                    true,  false },
        { VSS_CTX_FILE_SHARE_BACKUP,         false, false },
        { VSS_CTX_NAS_ROLLBACK,              false, true  },
        { VSS_CTX_APP_ROLLBACK,              true,  true  },
        { VSS_CTX_CLIENT_ACCESSIBLE,         false, true  },
        { VSS_CTX_CLIENT_ACCESSIBLE_WRITERS, true,  true  },
};

static void make_in_context(size_t i, VSS_ID *ret_id) {
        IVssBackupComponentsEx4 *b;
        VSS_ID set_id;

        if (contexts[i].writers) {
                Backup *backup = backup_new_in(contexts[i].context, true);

                assert_int_equal(backup_run(backup, world->volume), S_OK);
                *ret_id = backup->snapshot;
                assert_true(is_listed(contexts[i].context, *ret_id));
                backup_free(backup);
                return;
        }
        b = storage_backup(contexts[i].context);
        storage_make_set(b, &world->volume, 1, fake_provider, &set_id, ret_id);
        assert_true(is_listed(contexts[i].context, *ret_id));
        storage_release(b);
}

static void check_in_context(size_t i, VSS_ID id) {
        _cleanup_(freep) char *device = NULL;

        if (!contexts[i].persistent) {
                assert_true(eventually(is_gone, &id, TEST_PATIENCE_USEC));
                world_assert_clean(world);
                return;
        }

        for (size_t k = 0; k < ELEMENTSOF(contexts); ++k)
                assert_int_equal(is_listed(contexts[k].context, id), k == i);
        world_kill_umbrad(world);
        world_start_umbrad(world);
        assert_true(is_listed((LONG) VSS_CTX_ALL, id));
        device = device_of(id);
        assert_true(storage_reads(device, "data/file", "the one thing to save\n"));
        storage_delete(id, VSS_OBJECT_SNAPSHOT);
        world_assert_clean(world);
}

static void test_that_a_context_says_who_is_told_and_who_deletes(void **state) {
        Puppet *p = puppet_new("hears", world->volume, NULL);

        for (size_t i = 0; i < ELEMENTSOF(contexts); ++i) {
                VSS_ID id;

                journal_clear();
                world_await_status(world, "\"writers\":1"); /* umbrad has just been started anew, maybe */
                make_in_context(i, &id);
                assert_int_equal(journal_has("hears freeze"), contexts[i].writers);
                if (contexts[i].writers)
                        journal_await("hears backup-shutdown");
                check_in_context(i, id);
        }
        puppet_free(p);
}

/* As it is when the machine starts: nothing is mounted, and the runtime directory is not even there. */
static void reboot(const char *place) {
        _cleanup_(freep) char *command = NULL;

        world_kill_umbrad(world);
        assert_int_equal(format_to(&command, "awk '{ print $5 }' /proc/self/mountinfo | grep '^%s/' | sort -r | xargs -r umount -l",
                                   world->runtime),
                         0);
        assert_int_equal(system(command), 0);
        while (place && umount2(place, MNT_DETACH) == 0) {
        }
        free(TAKE_PTR(command));
        assert_int_equal(format_to(&command, "rm -rf --one-file-system '%s'", world->runtime), 0);
        assert_int_equal(system(command), 0);
}

static char *expose_at(const char *name, VSS_ID id) {
        IVssBackupComponentsEx4 *b = storage_backup((LONG) VSS_CTX_ALL);
        char *place = path_in(world->dir, name);
        VSS_PWSZ exposed = NULL;

        assert_true(mkdir(place, 0755) == 0 || errno == EEXIST);
        assert_int_equal(IVssBackupComponentsEx4_ExposeSnapshot(b, id, NULL, VSS_VOLSNAP_ATTR_EXPOSED_LOCALLY, wide(place), &exposed), S_OK);
        CoTaskMemFree(exposed);
        storage_release(b);
        return place;
}

static bool is_mounted(void *path) {
        return storage_is_mounted(path);
}

static pid_t hold_one_that_goes(VSS_ID *ret_id) {
        int fds[2];
        pid_t pid;

        assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                IVssBackupComponentsEx4 *b = storage_backup(VSS_CTX_FILE_SHARE_BACKUP);
                VSS_ID set_id, id;

                storage_make_set(b, &world->volume, 1, fake_provider, &set_id, &id);
                if (write(fds[1], &id, sizeof(id)) != sizeof(id))
                        _exit(3);
                for (;;)
                        pause();
        }
        assert_int_equal(read(fds[0], ret_id, sizeof(*ret_id)), sizeof(*ret_id));
        close(fds[0]);
        close(fds[1]);
        return pid;
}

static void test_that_a_reboot_leaves_what_is_persistent_where_it_was(void **state) {
        _cleanup_(freep) char *place = NULL, *device = NULL, *again = NULL;
        VSS_ID id, going;
        pid_t pid;

        skip_unless_root();
        id = storage_make(world);
        device = device_of(id);
        place = expose_at("place", id);
        pid = hold_one_that_goes(&going);
        write_file(world->volume, "data/file", "changed since\n");

        reboot(place);
        assert_int_equal(kill(pid, SIGKILL), 0);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
        world_start_umbrad(world);
        assert_true(eventually(is_gone, &going, TEST_PATIENCE_USEC));
        assert_true(eventually(is_mounted, place, TEST_PATIENCE_USEC));
        world_await_status(world, "\"deeds\":[]");
        assert_true(storage_reads(place, "data/file", "the one thing to save\n"));
        again = device_of(id);
        assert_string_equal(again, device);
        assert_true(storage_reads(device, "data/file", "the one thing to save\n"));

        write_file(world->volume, "data/file", "the one thing to save\n");
        storage_delete(id, VSS_OBJECT_SNAPSHOT);
        world_assert_clean(world);
}

static void test_that_an_exposure_waits_for_its_place(void **state) {
        _cleanup_(freep) char *place = NULL;
        VSS_SNAPSHOT_PROP prop;
        VSS_ID id;

        skip_unless_root();
        id = storage_make(world);
        place = expose_at("late", id);
        reboot(place);
        assert_int_equal(rmdir(place), 0); /* on a file system that is not mounted yet, say */
        world_start_umbrad(world);
        world_await_status(world, "\"deeds\":[]");
        prop = storage_properties(id);
        assert_non_null(prop.m_pwszExposedName);
        VssFreeSnapshotProperties(&prop);

        reboot(NULL);
        assert_int_equal(mkdir(place, 0755), 0);
        world_start_umbrad(world);
        assert_true(eventually(is_mounted, place, TEST_PATIENCE_USEC));
        world_await_status(world, "\"deeds\":[]");
        assert_true(storage_reads(place, "data/file", "the one thing to save\n"));
        storage_delete(id, VSS_OBJECT_SNAPSHOT);
        assert_false(storage_is_mounted(place));
        world_assert_clean(world);
}

/* Tells it to end and waits for that. */
static void end_umbrad(unsigned n_signals) {
        for (unsigned i = 0; i < n_signals; ++i)
                assert_int_equal(kill(world->umbrad, SIGTERM), 0);
        assert_true(eventually_readable(world->umbrad_pidfd, TEST_PATIENCE_USEC));
        world_kill_umbrad(world); /* reaps it */
}

static bool anything_left(void) {
        _cleanup_(freep) char *table = NULL;

        assert_true(file_read_text("/proc/self/mountinfo", 4U << 20, &table) >= 0);
        return strstr(table, world->runtime) || file_exists(world->state, "fake");
}

static void test_that_umbrad_ends_when_what_goes_with_requesters_is_gone(void **state) {
        IVssBackupComponentsEx4 *b = storage_backup(VSS_CTX_FILE_SHARE_BACKUP);
        VSS_ID set_id, id;

        storage_make_set(b, &world->volume, 1, fake_provider, &set_id, &id);
        world_script(world, "discard = sleep 300");
        end_umbrad(1);
        assert_false(anything_left());
        assert_int_equal(IVssBackupComponentsEx4_Release(b), 0);

        /* One that cannot be deleted in time does not keep it from ending. */
        world_script(world, NULL);
        world_start_umbrad(world);
        b = storage_backup(VSS_CTX_FILE_SHARE_BACKUP);
        storage_make_set(b, &world->volume, 1, fake_provider, &set_id, &id);
        world_script(world, "discard = hang");
        assert_int_equal(kill(world->umbrad, SIGTERM), 0);
        assert_false(eventually_readable(world->umbrad_pidfd, 300 * USEC_PER_MSEC));
        end_umbrad(1);
        assert_true(anything_left());
        assert_int_equal(IVssBackupComponentsEx4_Release(b), 0);
        world_script(world, NULL);
        world_start_umbrad(world);
        world_assert_clean(world);
}

static void configure(const char *text) {
        write_file(world->dir, "umbra.conf", text);
        world_kill_umbrad(world);
        free(world->config);
        world->config = path_in(world->dir, "umbra.conf");
        world_start_umbrad(world);
}

static VSS_ID make_one(LONG context) {
        IVssBackupComponentsEx4 *b = storage_backup(context);
        VSS_ID set_id, id;

        storage_make_set(b, &world->volume, 1, fake_provider, &set_id, &id);
        storage_release(b);
        return id;
}

static void test_that_the_oldest_previous_version_makes_room(void **state) {
        VSS_ID persistent, versions[6], set_id, id;
        IVssBackupComponentsEx4 *b;

        configure("[storage]\nclient-accessible = 3\nsnapshots = 4\n");
        persistent = make_one(VSS_CTX_NAS_ROLLBACK);
        for (size_t i = 0; i < 3; ++i)
                versions[i] = make_one(VSS_CTX_CLIENT_ACCESSIBLE);

        /* And there is an end to all of them together. */
        b = storage_backup(VSS_CTX_NAS_ROLLBACK);
        assert_int_equal(IVssBackupComponentsEx4_StartSnapshotSet(b, &set_id), S_OK);
        assert_int_equal(IVssBackupComponentsEx4_AddToSnapshotSet(b, wide(world->volume), fake_provider, &id),
                         VSS_E_MAXIMUM_NUMBER_OF_SNAPSHOTS_REACHED);
        storage_release(b);

        configure("[storage]\nclient-accessible = 3\n");
        for (size_t i = 3; i < ELEMENTSOF(versions); ++i) {
                versions[i] = make_one(VSS_CTX_CLIENT_ACCESSIBLE);
                assert_true(eventually(is_gone, &versions[i - 3], TEST_PATIENCE_USEC));
                for (size_t k = i - 2; k <= i; ++k)
                        assert_true(is_listed((LONG) VSS_CTX_ALL, versions[k]));
        }
        assert_true(is_listed((LONG) VSS_CTX_ALL, persistent));

        for (size_t i = 3; i < ELEMENTSOF(versions); ++i)
                storage_delete(versions[i], VSS_OBJECT_SNAPSHOT);
        storage_delete(persistent, VSS_OBJECT_SNAPSHOT);
        world_assert_clean(world);
}

/* It is being broken off, which takes until umbrad starts again. */
static void test_that_one_that_is_in_use_does_not_make_room(void **state) {
        IVssBackupComponentsEx4 *b;
        VSS_ID set_id, versions[3];
        IVssAsync *async;

        configure("[storage]\nclient-accessible = 1\n");
        b = storage_backup(VSS_CTX_CLIENT_ACCESSIBLE);
        storage_make_set(b, &world->volume, 1, fake_provider, &set_id, &versions[0]);
        storage_release(b);
        world_script(world, "break_off = hang");
        b = storage_object();
        assert_int_equal(IVssBackupComponentsEx4_BreakSnapshotSetEx(b, set_id, 0, &async), S_OK);
        world_await_status(world, "\"kind\":\"break\",\"doing\":true");

        versions[1] = make_one(VSS_CTX_CLIENT_ACCESSIBLE);
        versions[2] = make_one(VSS_CTX_CLIENT_ACCESSIBLE);
        assert_true(eventually(is_gone, &versions[1], TEST_PATIENCE_USEC));
        assert_true(is_listed((LONG) VSS_CTX_ALL, versions[0]));

        world_kill_umbrad(world);
        assert_int_equal(storage_end(async), VSS_E_UNEXPECTED);
        storage_release(b);
        world_script(world, NULL);
        world_start_umbrad(world);
        assert_true(eventually(is_gone, &versions[0], TEST_PATIENCE_USEC));
        storage_clean_up_broken(world, versions[0]);
        storage_delete(versions[2], VSS_OBJECT_SNAPSHOT);
        world_assert_clean(world);
}

#define NOBODY 65534
#define STRANGER 54321

/* 0, or the errno, of reading the file as that user. */
static int read_as(uid_t uid, const char *path) {
        int status;
        pid_t pid;

        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                if (setgroups(0, NULL) < 0 || setgid(STRANGER) < 0 || setuid(uid) < 0)
                        _exit(1);
                _exit(open(path, O_RDONLY | O_CLOEXEC) >= 0 ? 0 : errno);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status));
        return WEXITSTATUS(status);
}

static void test_that_only_those_of_the_configuration_pass_to_the_copies(void **state) {
        _cleanup_(freep) char *device = NULL, *file = NULL;
        VSS_ID id;

        skip_unless_root();
        assert_int_equal(chmod(world->dir, 0755), 0);
        configure("[writers]\nuser = nobody\n[requesters]\nuser = nobody\n");
        id = make_one(VSS_CTX_NAS_ROLLBACK);
        device = device_of(id);
        file = path_in(device, "data/file");
        assert_int_equal(read_as(NOBODY, file), 0);
        assert_int_equal(read_as(STRANGER, file), EACCES);

        configure("");
        assert_int_equal(read_as(NOBODY, file), EACCES);
        storage_delete(id, VSS_OBJECT_SNAPSHOT);
        world_assert_clean(world);
}

/* A command of LVM that works on a volume resumes it in the end, whoever has suspended it meanwhile. */
static void test_that_nothing_is_held_while_its_storage_is_worked_on(void **state) {
        IVssBackupComponentsEx4 *b = storage_backup(VSS_CTX_FILE_SHARE_BACKUP);
        _cleanup_(freep) char *device = NULL;
        VSS_ID set_id, old, next;

        world_script(world, "flags = wants-suspend\ndiscard.1 = sleep 2000");
        storage_make_set(b, &world->volume, 1, fake_provider, &set_id, &old);
        device = device_of(old);
        assert_true(file_exists(device, "data/file"));
        storage_release(b); /* it goes with its requester, and takes its time */
        assert_true(eventually(is_gone, &old, TEST_PATIENCE_USEC));

        next = storage_make(world);
        assert_false(file_exists(device, "data/file"));
        world_script(world, NULL);
        storage_delete(next, VSS_OBJECT_SNAPSHOT);
        world_assert_clean(world);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_that_a_context_says_who_is_told_and_who_deletes),
                cmocka_unit_test(test_that_a_reboot_leaves_what_is_persistent_where_it_was),
                cmocka_unit_test(test_that_an_exposure_waits_for_its_place),
                cmocka_unit_test(test_that_umbrad_ends_when_what_goes_with_requesters_is_gone),
                cmocka_unit_test(test_that_the_oldest_previous_version_makes_room),
                cmocka_unit_test(test_that_one_that_is_in_use_does_not_make_room),
                cmocka_unit_test(test_that_only_those_of_the_configuration_pass_to_the_copies),
                cmocka_unit_test(test_that_nothing_is_held_while_its_storage_is_worked_on),
        };

        return cmocka_run_group_tests(tests, setup, teardown);
}
