/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What the Figures of Storage Are Measured With
 *
 * Each subcommand prints "name value" lines in microseconds, and where there is a bare thing to compare with, does both in turns: what
 * else the machine does then bears on both.
 *
 *      bench-storage parallel ROUNDS SUBVOLUME…     the window of a set of btrfs subvolumes; their snapshots by as many threads
 *      bench-storage held ROUNDS STATE-DIR MOUNT…   the window of a held set of file systems; FIFREEZE, the same commit, FITHAW
 *      bench-storage thaw ROUNDS UMBRAD DIR MOUNT   from SIGKILL for umbrad until a writer on the held file system goes on; the same
 *                                                   from FITHAW
 *      bench-storage fill CATALOG PLACE N           N snapshots that are read at PLACE, into a catalog that nobody uses
 *      bench-storage query                          Query() for all snapshots, and Next() over them
 */

#include <errno.h>
#include <fcntl.h>
#include <linux/btrfs.h>
#include <linux/fs.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <wchar.h>

#include <umbra.h>

#include "base/alloc.h"
#include "base/guid.h"
#include "base/process-util.h"
#include "catalog/catalog.h"
#include "measure.h"
#include "provider/provider-builtin.h"
#include "providers/files/provider-files.h"
#include "wire/wire-limits.h"

static void must(bool ok, const char *what) {
        if (ok)
                return;
        fprintf(stderr, "bench-storage: %s: %m\n", what);
        exit(EXIT_FAILURE);
}

/* Many threads that begin at the same moment, and the time until the last one is done. */

typedef struct Racer {
        pthread_t thread;
        pthread_barrier_t *start;
        void (*run)(void *userdata);
        void *userdata;
} Racer;

static void *racer_run(void *userdata) {
        Racer *r = userdata;

        pthread_barrier_wait(r->start);
        r->run(r->userdata);
        return NULL;
}

static double race(size_t n, void (*run)(void *userdata), void *items, size_t size) {
        Racer racers[WIRE_VOLUMES_MAX];
        pthread_barrier_t start;
        double before;

        pthread_barrier_init(&start, NULL, (unsigned) n + 1);
        for (size_t i = 0; i < n; ++i) {
                racers[i] = (Racer){ .start = &start, .run = run, .userdata = (char *) items + i * size };
                must(pthread_create(&racers[i].thread, NULL, racer_run, &racers[i]) == 0, "a thread");
        }
        pthread_barrier_wait(&start);
        before = now();
        for (size_t i = 0; i < n; ++i)
                pthread_join(racers[i].thread, NULL);
        before = now() - before;
        pthread_barrier_destroy(&start);
        return before;
}

/* The volumes of a set, as umbra and as the kernel want them. */

typedef struct Volumes {
        char *const *paths;
        WCHAR *names[WIRE_VOLUMES_MAX];
        int fds[WIRE_VOLUMES_MAX];
        size_t n;
} Volumes;

static void volumes_open(Volumes *v, char *const *paths, int n) {
        must(n > 0 && n <= (int) WIRE_VOLUMES_MAX, "a set has 1 to 64 volumes");
        v->paths = paths;
        v->n = (size_t) n;
        for (size_t i = 0; i < v->n; ++i) {
                size_t size = strlen(paths[i]) + 2;

                v->fds[i] = open(paths[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
                must(v->fds[i] >= 0, paths[i]);
                v->names[i] = calloc(size, sizeof(WCHAR));
                must(v->names[i] && swprintf(v->names[i], size, L"%s/", paths[i]) > 0, paths[i]);
        }
}

/* A little work for the window, the same in each round. */
static void volumes_touch(const Volumes *v, int round) {
        char text[4096] = "";

        (void) snprintf(text, sizeof(text), "round %d", round);
        for (size_t i = 0; i < v->n; ++i) {
                int fd = openat(v->fds[i], "touched", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

                must(fd >= 0 && write(fd, text, sizeof(text)) == sizeof(text), v->paths[i]);
                close(fd);
        }
}

static void volumes_sync(const Volumes *v) {
        for (size_t i = 0; i < v->n; ++i)
                must(syncfs(v->fds[i]) == 0, v->paths[i]);
}

/* When it returns the copies are gone again, so that nobody deletes while others are measured. */
static double umbra_window(const Volumes *v, VSS_ID provider) {
        IVssBackupComponents *backup;
        double identify, window;
        VSS_ID set, nondeleted;
        LONG deleted = 0;
        HRESULT hr;

        backup = begin(false, &identify);
        set = take(backup, v->names, v->n, provider);
        window = last_window(NULL);
        hr = IVssBackupComponents_DeleteSnapshots(backup, set, VSS_OBJECT_SNAPSHOT_SET, true, &deleted, &nondeleted);
        if (FAILED(hr))
                die("DeleteSnapshots", hr);
        IVssBackupComponents_Release(backup);
        return window;
}

static void report(double *windows, double *bare, int rounds) {
        printf("window %.0f\nbare %.0f\n", median(windows, (size_t) rounds), median(bare, (size_t) rounds));
}

/* btrfs */

typedef struct BareSnapshot {
        int dir_fd;
        struct btrfs_ioctl_vol_args_v2 args;
        int error;
} BareSnapshot;

static void snapshot_run(void *userdata) {
        BareSnapshot *b = userdata;

        b->error = ioctl(b->dir_fd, BTRFS_IOC_SNAP_CREATE_V2, &b->args) < 0 ? errno : 0;
}

static double bare_snapshots(const Volumes *v) {
        BareSnapshot items[WIRE_VOLUMES_MAX] = { 0 };
        double taken;

        for (size_t i = 0; i < v->n; ++i) {
                items[i].dir_fd = openat(v->fds[i], "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
                items[i].args.fd = v->fds[i];
                items[i].args.flags = BTRFS_SUBVOL_RDONLY;
                (void) snprintf(items[i].args.name, sizeof(items[i].args.name), "bare-%zu", i);
        }
        volumes_sync(v);
        taken = race(v->n, snapshot_run, items, sizeof(*items));
        for (size_t i = 0; i < v->n; ++i) {
                struct btrfs_ioctl_vol_args args = { 0 };

                errno = items[i].error;
                must(errno == 0, v->paths[i]);
                (void) snprintf(args.name, sizeof(args.name), "bare-%zu", i);
                must(ioctl(items[i].dir_fd, BTRFS_IOC_SNAP_DESTROY, &args) == 0, "the bare snapshot");
                close(items[i].dir_fd);
        }
        volumes_sync(v);
        return taken;
}

static int run_parallel(int argc, char *argv[]) {
        int rounds = atoi(argv[0]);
        double *windows = calloc((size_t) rounds, sizeof(double)), *bare = calloc((size_t) rounds, sizeof(double));
        Volumes v;

        volumes_open(&v, argv + 1, argc - 1);
        for (int i = 0; i < rounds; ++i) {
                volumes_touch(&v, i);
                windows[i] = umbra_window(&v, GUID_NULL);
                volumes_touch(&v, i);
                bare[i] = bare_snapshots(&v);
        }
        report(windows, bare, rounds);
        return EXIT_SUCCESS;
}

/* Held: what the files-copy provider does in its commit, done by this process */

typedef struct BareCopy {
        const ProviderOps *ops;
        const ProviderEnv *env;
        ProviderSnapshot snapshot;
        char *note;
        int r;
} BareCopy;

static void commit_run(void *userdata) {
        BareCopy *b = userdata;

        b->r = b->ops->commit(b->env, &b->snapshot, true);
}

static void copy_prepare(BareCopy *b, const Volumes *v, size_t i, const ProviderEnv *env) {
        *b = (BareCopy){
                .ops = &provider_files_copy_ops,
                .env = env,
                .snapshot = { .volume = v->paths[i], .volume_fd = v->fds[i] },
        };
        guid_generate(&b->snapshot.id);
        errno = -b->ops->plan(env, &b->snapshot, &b->note);
        must(errno == 0, "plan");
        b->snapshot.note = b->note;
        errno = -b->ops->prepare(env, &b->snapshot);
        must(errno == 0, "prepare");
}

static void copy_discard(BareCopy *b) {
        errno = -b->r;
        must(errno == 0, "commit");
        b->ops->release(&b->snapshot);
        errno = -b->ops->discard(b->env, &b->snapshot);
        must(errno == 0, "discard");
        free(b->note);
}

/* Where the time goes, as the phases of umbra's window call it. */
typedef enum HoldPart {
        PART_HOLD,
        PART_COMMIT,
        PART_RELEASE,
        _PART_MAX,
} HoldPart;

static const char *const parts[_PART_MAX] = { "hold", "commit", "release" };

static double bare_hold(const Volumes *v, const ProviderEnv *env, double taken[static _PART_MAX]) {
        BareCopy copies[WIRE_VOLUMES_MAX];
        double before, held, thaw;

        for (size_t i = 0; i < v->n; ++i)
                copy_prepare(&copies[i], v, i, env);
        volumes_sync(v);

        before = now();
        for (size_t i = 0; i < v->n; ++i)
                must(ioctl(v->fds[i], FIFREEZE, 0) == 0, v->paths[i]);
        held = now();
        (void) race(v->n, commit_run, copies, sizeof(*copies));
        thaw = now();
        for (size_t i = v->n; i-- > 0;)
                must(ioctl(v->fds[i], FITHAW, 0) == 0, v->paths[i]);
        taken[PART_HOLD] = held - before;
        taken[PART_COMMIT] = thaw - held;
        taken[PART_RELEASE] = now() - thaw;
        before = now() - before;

        for (size_t i = 0; i < v->n; ++i)
                copy_discard(&copies[i]);
        return before;
}

static int run_held(int argc, char *argv[]) {
        const ProviderInfo *provider = provider_builtin_by_name("files-copy");
        int rounds = atoi(argv[0]);
        double *windows = calloc((size_t) rounds, sizeof(double)), *bare = calloc((size_t) rounds, sizeof(double));
        const ProviderEnv env = { .state_dir = argv[1], .runtime_dir = argv[1], .privileged = true };
        double *ours[_PART_MAX], *theirs[_PART_MAX], taken[_PART_MAX];
        Volumes v;

        for (size_t k = 0; k < _PART_MAX; ++k) {
                ours[k] = calloc((size_t) rounds, sizeof(double));
                theirs[k] = calloc((size_t) rounds, sizeof(double));
        }

        volumes_open(&v, argv + 2, argc - 2);
        for (int i = 0; i < rounds; ++i) {
                volumes_touch(&v, i);
                windows[i] = umbra_window(&v, provider->id);
                for (size_t k = 0; k < _PART_MAX; ++k)
                        ours[k][i] = last_window(parts[k]);
                volumes_touch(&v, i);
                bare[i] = bare_hold(&v, &env, taken);
                for (size_t k = 0; k < _PART_MAX; ++k)
                        theirs[k][i] = taken[k];
        }
        report(windows, bare, rounds);
        for (size_t k = 0; k < _PART_MAX; ++k)
                printf("%s %.0f\nbare-%s %.0f\n", parts[k], median(ours[k], (size_t) rounds), parts[k],
                       median(theirs[k], (size_t) rounds));
        return EXIT_SUCCESS;
}

/* Thawed by force */

static pid_t start_umbrad(const char *umbrad, const char *dir) {
        char socket[4096], state[4096], runtime[4096];
        pid_t pid;

        (void) snprintf(socket, sizeof(socket), "%s/umbra.sock", dir);
        (void) snprintf(state, sizeof(state), "%s/state", dir);
        (void) snprintf(runtime, sizeof(runtime), "%s/run", dir);
        must(setenv("UMBRA_SOCKET", socket, 1) == 0 && setenv("UMBRA_FAKE_PROVIDER", "1", 1) == 0 &&
                     setenv("UMBRA_FAKE_SCRIPT", "commit = hang", 1) == 0,
             "setenv");
        pid = fork();
        must(pid >= 0, "fork");
        if (pid == 0) {
                execl(umbrad, umbrad, "--socket", socket, "--state-dir", state, "--runtime-dir", runtime, NULL);
                _exit(127);
        }
        return pid;
}

/* Asks until the answer has @needle in it. */
static void await_status(const char *needle) {
        double until = now() + 60e6;
        bool found = false;

        while (!found) {
                struct timespec pause = { .tv_nsec = 1000 * 1000 };
                char *json = NULL;

                must(now() < until, needle);
                found = SUCCEEDED(umbra_get_status(&json)) && strstr(json, needle);
                CoTaskMemFree(json);
                if (!found)
                        (void) nanosleep(&pause, NULL);
        }
}

typedef struct HeldWriter {
        pthread_t thread;
        int fd;
        _Atomic pid_t tid;
        double done;
} HeldWriter;

static void *held_writer_run(void *userdata) {
        HeldWriter *w = userdata;
        char byte = 1;

        process_hurry(); /* when it may go on counts, and not who else is waiting for a processor */
        w->tid = (pid_t) syscall(SYS_gettid);
        must(pwrite(w->fd, &byte, 1, 0) == 1, "the held writer");
        w->done = now();
        return NULL;
}

/* Until it sleeps in the kernel and cannot be interrupted. */
static void await_blocked(const HeldWriter *w) {
        double until = now() + 60e6;
        char state = 0;

        while (state != 'D') {
                char path[64];
                FILE *f;

                must(now() < until, "the writer is not held");
                (void) snprintf(path, sizeof(path), "/proc/self/task/%d/stat", (int) w->tid);
                f = w->tid > 0 ? fopen(path, "re") : NULL;
                if (!f)
                        continue;
                if (fscanf(f, "%*d (%*[^)]) %c", &state) != 1)
                        state = 0;
                fclose(f);
        }
}

/* A writer that is held, and what lets him go; how long that took. */
static double until_written(HeldWriter *w, void (*let_go)(void *userdata), void *userdata) {
        double before;

        w->tid = 0;
        must(pthread_create(&w->thread, NULL, held_writer_run, w) == 0, "a thread");
        await_blocked(w);
        process_hurry();
        before = now();
        let_go(userdata);
        process_take_time();
        pthread_join(w->thread, NULL);
        return w->done - before;
}

static void let_go_by_kill(void *userdata) {
        must(kill(*(pid_t *) userdata, SIGKILL) == 0, "kill");
}

static void let_go_by_thaw(void *userdata) {
        must(ioctl(*(int *) userdata, FITHAW, 0) == 0, "FITHAW");
}

static double bare_thaw(Volumes *v) {
        HeldWriter w = { .fd = openat(v->fds[0], "held", O_WRONLY | O_CREAT | O_CLOEXEC, 0600) };
        double taken;

        must(w.fd >= 0, "held");
        volumes_sync(v);
        must(ioctl(v->fds[0], FIFREEZE, 0) == 0, "FIFREEZE");
        taken = until_written(&w, let_go_by_thaw, &v->fds[0]);
        close(w.fd);
        return taken;
}

static double thaw_round(const char *umbrad, const char *dir, const Volumes *v) {
        const ProviderInfo *provider = provider_builtin_by_name("fake");
        HeldWriter w = { .fd = openat(v->fds[0], "held", O_WRONLY | O_CREAT | O_CLOEXEC, 0600) };
        pid_t pid = start_umbrad(umbrad, dir);
        IVssBackupComponents *backup;
        IVssAsync *async = NULL;
        VSS_ID set, snapshot;
        double identify, taken;
        HRESULT hr;

        must(w.fd >= 0, "held");
        await_status("{");
        backup = begin(false, &identify);
        hr = IVssBackupComponents_StartSnapshotSet(backup, &set);
        if (SUCCEEDED(hr))
                hr = IVssBackupComponents_AddToSnapshotSet(backup, v->names[0], provider->id, &snapshot);
        if (FAILED(hr))
                die("AddToSnapshotSet", hr);
        ASYNC(IVssBackupComponents_PrepareForBackup(backup, &async_), "PrepareForBackup");
        hr = IVssBackupComponents_DoSnapshotSet(backup, &async);
        if (FAILED(hr))
                die("DoSnapshotSet", hr);
        await_status("\"phase\":\"commit\"");

        taken = until_written(&w, let_go_by_kill, &pid);

        must(waitpid(pid, NULL, 0) == pid, "waitpid");
        IVssAsync_Release(async);
        IVssBackupComponents_Release(backup);
        close(w.fd);
        return taken;
}

static void report_thaw(const char *prefix, double *taken, int rounds) {
        printf("%smedian %.0f\n", prefix, median(taken, (size_t) rounds));
        printf("%sp99 %.0f\n", prefix, taken[(rounds * 99 + 99) / 100 - 1]);
        printf("%sworst %.0f\n", prefix, taken[rounds - 1]);
}

static int run_thaw(int argc, char *argv[]) {
        int rounds = atoi(argv[0]);
        double *taken = calloc((size_t) rounds, sizeof(double)), *bare = calloc((size_t) rounds, sizeof(double));
        Volumes v;

        (void) argc;
        volumes_open(&v, argv + 3, 1);
        for (int i = 0; i < rounds; ++i) {
                taken[i] = thaw_round(argv[1], argv[2], &v);
                bare[i] = bare_thaw(&v);
        }
        report_thaw("", taken, rounds);
        report_thaw("bare-", bare, rounds);
        return EXIT_SUCCESS;
}

/* The catalog */

#define FILL_VOLUMES 32

static void fill_set(Catalog *c, const GUID *volumes, char *place, size_t n) {
        CatalogSnapshot rows[WIRE_VOLUMES_MAX];
        const ProviderInfo *provider = provider_builtin_by_name("btrfs");
        GUID set_id;

        guid_generate(&set_id);
        for (size_t i = 0; i < n; ++i) {
                rows[i] = (CatalogSnapshot){
                        .set_id = set_id,
                        .state = CATALOG_PLANNED,
                        .provider = (char *) (uintptr_t) provider->name,
                        .provider_id = provider->id,
                        .volume = place,
                        .volume_id = volumes[i % FILL_VOLUMES],
                        .note = (char *) (uintptr_t) "nothing",
                        .device = place,
                        .snapshots_count = (int32_t) n,
                        .context = VSS_CTX_NAS_ROLLBACK,
                        .consistency = 2,
                        .created_usec = now_usec(CLOCK_REALTIME),
                        .machine = (char *) (uintptr_t) "bench",
                };
                guid_generate(&rows[i].id);
        }
        errno = -catalog_plan(c, rows, n);
        must(errno == 0, "catalog_plan");
        errno = -catalog_set_created(c, rows, n);
        must(errno == 0, "catalog_set_created");
}

static int run_fill(int argc, char *argv[]) {
        _cleanup_(catalog_closep) Catalog *c = NULL;
        GUID volumes[FILL_VOLUMES];

        (void) argc;
        errno = -catalog_open(argv[0], &c);
        must(errno == 0, argv[0]);
        for (size_t i = 0; i < FILL_VOLUMES; ++i)
                guid_generate(&volumes[i]);
        for (size_t left = (size_t) atoi(argv[2]), n; left > 0; left -= n) {
                n = left < WIRE_VOLUMES_MAX ? left : WIRE_VOLUMES_MAX;
                fill_set(c, volumes, argv[1], n);
        }
        return EXIT_SUCCESS;
}

/* Microseconds for one element, over the next @n of them. */
static double next_some(IVssEnumObject *list, size_t n) {
        double before = now();

        for (size_t i = 0; i < n; ++i) {
                VSS_OBJECT_PROP prop;
                ULONG fetched = 0;
                HRESULT hr = IVssEnumObject_Next(list, 1, &prop, &fetched);

                if (hr != S_OK)
                        die("Next", hr);
                VssFreeSnapshotProperties(&prop.Obj.Snap);
        }
        return (now() - before) / (double) n;
}

static size_t count(IVssEnumObject *list) {
        VSS_OBJECT_PROP prop;
        ULONG fetched = 0;
        size_t n = 0;

        for (; IVssEnumObject_Next(list, 1, &prop, &fetched) == S_OK; ++n)
                VssFreeSnapshotProperties(&prop.Obj.Snap);
        IVssEnumObject_Reset(list);
        return n;
}

#define QUERY_ROUNDS 11

static int run_query(int argc, char *argv[]) {
        double query[QUERY_ROUNDS], first[QUERY_ROUNDS], last[QUERY_ROUNDS];
        IVssBackupComponents *backup = NULL;
        size_t n = 0;
        HRESULT hr;

        (void) argc;
        (void) argv;
        hr = CreateVssBackupComponents(&backup);
        if (SUCCEEDED(hr))
                hr = IVssBackupComponents_InitializeForBackup(backup, NULL);
        if (SUCCEEDED(hr))
                hr = IVssBackupComponents_SetContext(backup, (LONG) VSS_CTX_ALL);
        for (int i = 0; i < QUERY_ROUNDS && SUCCEEDED(hr); ++i) {
                IVssEnumObject *list = NULL;
                double before = now();
                size_t some;

                hr = IVssBackupComponents_Query(backup, GUID_NULL, VSS_OBJECT_NONE, VSS_OBJECT_SNAPSHOT, &list);
                if (FAILED(hr))
                        break;
                query[i] = now() - before;
                n = count(list);
                some = n / 10;
                first[i] = next_some(list, some);
                IVssEnumObject_Skip(list, (ULONG) (n - 2 * some));
                last[i] = next_some(list, some);
                IVssEnumObject_Release(list);
        }
        if (FAILED(hr))
                die("Query", hr);
        printf("snapshots %zu\nquery %.0f\n", n, median(query, QUERY_ROUNDS));
        printf("next-first %.3f\nnext-last %.3f\n", median(first, QUERY_ROUNDS), median(last, QUERY_ROUNDS));
        IVssBackupComponents_Release(backup);
        return EXIT_SUCCESS;
}

int main(int argc, char *argv[]) {
        static const struct {
                const char *name;
                int n_arguments; /* at least */
                int (*run)(int argc, char *argv[]);
        } verbs[] = {
                { "parallel", 2, run_parallel },
                { "held", 3, run_held },
                { "thaw", 4, run_thaw },
                { "fill", 3, run_fill },
                { "query", 0, run_query },
        };

        for (size_t i = 0; i < sizeof(verbs) / sizeof(*verbs); ++i)
                if (argc >= verbs[i].n_arguments + 2 && strcmp(argv[1], verbs[i].name) == 0)
                        return verbs[i].run(argc - 2, argv + 2);
        fprintf(stderr, "usage: see the head of bench-storage.c\n");
        return 2;
}
