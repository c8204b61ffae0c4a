/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A World of Its Own
 */

#include "phases/world.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <oleauto.h>
#include <umbra.h>
#include <vsbackup.h>

#include "base/alloc.h"
#include "base/fd-util.h"
#include "base/process-util.h"
#include "lib/test-util.h"

static void run(const char *command) {
        int status = system(command);

        if (status != 0)
                fail_msg("'%s' ended with %d", command, status);
}

/* Seen by this process and its children only. */
static void mount_volume(World *w, const char *type) {
        static const char *const commands[][2] = {
                { "ext4", "truncate -s 64M fs.img && mkfs.ext4 -q -F fs.img && mount -o loop fs.img volume" },
                { "xfs", "truncate -s 320M fs.img && mkfs.xfs -q fs.img && mount -o loop fs.img volume" },
                /* A subvolume, but not the one that all others are in. */
                { "btrfs", "truncate -s 160M fs.img && mkfs.btrfs -q fs.img >/dev/null 2>&1 && mount -o loop fs.img volume && "
                           "btrfs -q subvolume create volume/data && umount volume && "
                           "mount -o loop,subvol=data fs.img volume" },
        };
        _cleanup_(freep) char *command = NULL;
        static bool own_namespace;

        if (!own_namespace) {
                assert_int_equal(unshare(CLONE_NEWNS), 0);
                assert_int_equal(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
                own_namespace = true;
        }
        for (size_t i = 0; i < ELEMENTSOF(commands); ++i)
                if (strcmp(commands[i][0], type) == 0)
                        assert_int_equal(format_to(&command, "cd '%s' && %s", w->dir, commands[i][1]), 0);
        assert_non_null(command);
        run(command);
        w->held = strcmp(type, "ext4") == 0;
}

World *world_new_on(const char *type) {
        World *w = calloc(1, sizeof(*w));

        assert_non_null(w);
        w->dir = temp_dir_new();
        w->socket = path_in(w->dir, "umbra.sock");
        w->state = path_in(w->dir, "state");
        w->runtime = path_in(w->dir, "run");
        w->volume = path_in(w->dir, "volume");
        write_file(w->dir, "default.conf", TEST_CONFIG);
        assert_int_equal(mkdir(w->volume, 0755), 0);
        if (geteuid() == 0)
                mount_volume(w, type);
        write_file(w->volume, "data/file", "the one thing to save\n");

        setenv("UMBRA_SOCKET", w->socket, 1);
        setenv("UMBRA_FAKE_PROVIDER", "1", 1);
        setenv("UMBRA_LOG_LEVEL", "err", 0);
        world_start_umbrad(w);
        return w;
}

/* ext4, because it is held and not snapshotted. */
World *world_new(void) {
        return world_new_on("ext4");
}

static void unmount_below(const char *dir) {
        _cleanup_(freep) char *table = NULL;
        size_t length = strlen(dir);

        /* The deepest come last in the table. */
        for (unsigned round = 0; round < 16; ++round) {
                bool again = false;

                free(TAKE_PTR(table));
                if (file_read_text("/proc/self/mountinfo", 4U << 20, &table) < 0)
                        return;
                for (char *save = NULL, *line = strtok_r(table, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
                        char path[4096];

                        if (sscanf(line, "%*d %*d %*s %*s %4095s", path) == 1 && strncmp(path, dir, length) == 0)
                                again |= umount2(path, MNT_DETACH) == 0;
                }
                if (!again)
                        return;
        }
}

World *world_free(World *w) {
        if (!w)
                return NULL;

        world_kill_umbrad(w);
        unmount_below(w->dir);
        free(w->socket);
        free(w->state);
        free(w->runtime);
        free(w->volume);
        free(w->config);
        temp_dir_free(w->dir);
        free(w);
        return NULL;
}

static bool umbrad_answers(void *arg) {
        char *json = NULL;
        bool answers = SUCCEEDED(umbra_get_status(&json));

        CoTaskMemFree(json);
        return answers;
}

void world_start_umbrad(World *w) {
        _cleanup_(freep) char *config = path_in(w->dir, "default.conf");
        const char *program = getenv("UMBRAD");
        const char *const argv[] = { "umbrad",        "--socket", w->socket,  "--state-dir", w->state, "--runtime-dir",
                                     w->runtime,      "--config", w->config ?: config, NULL };
        const SpawnOptions options = {
                .path = program,
                .argv = (char *const *) (uintptr_t) argv,
                .stdout_fd = -EBADF,
                .stderr_fd = -EBADF,
                .die_with_parent = true,
        };

        assert_non_null(program);
        assert_int_equal(process_spawn(&options, &w->umbrad, &w->umbrad_pidfd), 0);
        assert_true(eventually(umbrad_answers, NULL, TEST_PATIENCE_USEC));
}

void world_kill_umbrad(World *w) {
        int status;

        if (w->umbrad == 0)
                return;
        (void) kill(w->umbrad, SIGKILL);
        assert_true(eventually_readable(w->umbrad_pidfd, TEST_PATIENCE_USEC));
        (void) process_reap(w->umbrad_pidfd, &status);
        w->umbrad_pidfd = fd_close(w->umbrad_pidfd);
        w->umbrad = 0;
}

void world_script(World *w, const char *script) {
        write_file(w->state, "fake.script", script ?: "");
}

static bool read_stat(pid_t pid, char *comm, size_t size, pid_t *ret_parent) {
        _cleanup_(freep) char *path = NULL, *text = NULL;
        char *open, *close_;

        if (format_to(&path, "/proc/%d/stat", (int) pid) < 0 || file_read_text(path, 4096, &text) < 0)
                return false;
        open = strchr(text, '(');
        close_ = strrchr(text, ')');
        if (!open || !close_)
                return false;
        *close_ = '\0';
        snprintf(comm, size, "%s", open + 1);
        return sscanf(close_ + 1, " %*c %d", ret_parent) == 1;
}

pid_t world_child(const World *w, const char *program) {
        DIR *proc = opendir("/proc");
        struct dirent *entry;
        pid_t found = 0;

        assert_non_null(proc);
        while (found == 0 && (entry = readdir(proc))) {
                pid_t pid = atoi(entry->d_name), parent;
                char comm[64];

                /* comm is cut at 15 characters */
                if (pid > 0 && read_stat(pid, comm, sizeof(comm), &parent) && parent == w->umbrad &&
                    strncmp(comm, program, 15) == 0)
                        found = pid;
        }
        closedir(proc);
        return found;
}

/* In a process of its own: one that waits for a frozen file system cannot be killed. */
usec_t world_write(World *w, usec_t since) {
        int pidfd, status = -1;
        pid_t pid;

        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                _cleanup_(freep) char *path = path_in(w->volume, "probe");
                int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

                _exit(fd >= 0 && write(fd, "x", 1) == 1 && fsync(fd) == 0 ? 0 : 1);
        }
        pidfd = (int) syscall(SYS_pidfd_open, pid, 0);
        assert_true(pidfd >= 0);
        assert_true(eventually_readable(pidfd, TEST_PATIENCE_USEC)); /* else it is still frozen */
        assert_int_equal(process_reap(pidfd, &status), 0);
        assert_int_equal(status, 0);
        fd_close(pidfd);
        return now_usec(CLOCK_MONOTONIC) - since;
}

static bool status_has(void *arg) {
        char *json = NULL;
        bool has;

        if (FAILED(umbra_get_status(&json)))
                return false;
        has = strstr(json, arg);
        CoTaskMemFree(json);
        return has;
}

void world_await_status(World *w, const char *needle) {
        if (!eventually(status_has, (void *) (uintptr_t) needle, TEST_PATIENCE_USEC))
                fail_msg("the status never had '%s'", needle);
}

static bool is_empty(const char *parent, const char *name) {
        _cleanup_(freep) char *path = path_in(parent, name);
        DIR *d = opendir(path);
        struct dirent *entry;
        bool empty = true;

        if (!d)
                return errno == ENOENT;
        while ((entry = readdir(d)))
                if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
                        empty = false;
        closedir(d);
        return empty;
}

static bool no_mounts(const World *w) {
        _cleanup_(freep) char *table = NULL;

        return file_read_text("/proc/self/mountinfo", 4U << 20, &table) >= 0 && !strstr(table, w->runtime);
}

static bool no_snapshots(void) {
        IVssBackupComponents *backup = NULL;
        IVssEnumObject *list = NULL;
        VSS_OBJECT_PROP prop;
        ULONG n = 0;
        bool none = false;

        if (FAILED(CreateVssBackupComponents(&backup)))
                return false;
        if (SUCCEEDED(IVssBackupComponents_InitializeForBackup(backup, NULL)) &&
            SUCCEEDED(IVssBackupComponents_SetContext(backup, (LONG) VSS_CTX_ALL)) &&
            SUCCEEDED(IVssBackupComponents_Query(backup, GUID_NULL, VSS_OBJECT_NONE, VSS_OBJECT_SNAPSHOT, &list))) {
                none = IVssEnumObject_Next(list, 1, &prop, &n) == S_FALSE && n == 0;
                if (n > 0)
                        VssFreeSnapshotProperties(&prop.Obj.Snap);
                IVssEnumObject_Release(list);
        }
        IVssBackupComponents_Release(backup);
        return none;
}

static bool world_is_clean(void *arg) {
        const World *w = arg;

        return is_empty(w->state, "fake") && is_empty(w->state, "store") && is_empty(w->runtime, "shadow") && no_mounts(w) &&
               !file_exists(w->runtime, "held") && no_snapshots();
}

void world_assert_clean(World *w) {
        if (eventually(world_is_clean, w, TEST_PATIENCE_USEC))
                return;
        fail_msg("left over: fake copies %d, store %d, shadow %d, mounts %d, held %d, snapshots %d", !is_empty(w->state, "fake"),
                 !is_empty(w->state, "store"), !is_empty(w->runtime, "shadow"), !no_mounts(w), file_exists(w->runtime, "held"),
                 !no_snapshots());
}
