/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A Provider's Worker Process
 *
 * One thread reads a question, calls the provider, and answers; the threads of provider-round.c do what may
 * be done side by side; and one more watches the socket, because the coordinator may go away while a
 * function runs. Then there is nobody to tell the result to, and everything a provider does can be found and
 * removed by discard(), so the process ends on the spot, wherever it is.
 */

#include "provider/provider-worker.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <systemd/sd-id128.h>
#include <vsserror.h>

#include "base/fd-util.h"
#include "base/guid.h"
#include "base/log.h"
#include "base/utf.h"
#include "provider/provider-lock.h"
#include "provider/provider-protocol.h"
#include "provider/provider-round.h"
#include "wire/wire-error.h"
#include "wire/wire-limits.h"
#include "wire/wire-names.h"
#include "wire/wire-types.h"

typedef struct Worker {
        const ProviderOps *ops;
        ProviderEnv env;
        Rounds *rounds;
        sd_bus *bus;
        int watch_fd; /* the socket once more: sd-bus closes its own descriptor when it likes */

        pthread_mutex_t lock; /* guards these two */
        bool gone;            /* the coordinator is */
        bool busy;            /* a question is being answered */
} Worker;

/* A provider's failure as an error on the bus. @why may be "". */
static int answer_failure(const Worker *w,
                          sd_bus_error *error,
                          ProviderCall call,
                          const char *volume,
                          int r,
                          const char *why) {
        char text[PROVIDER_SENTENCE_MAX];
        _cleanup_(freep) char *printable = NULL;
        const char *name = w->ops->name, *deed = provider_members[call].deed;

        errno = -r;
        if (*why)
                (void) snprintf(text, sizeof(text), "the %s provider could not %s '%s': %s", name, deed,
                                volume, why);
        else
                (void) snprintf(text, sizeof(text), "the %s provider could not %s '%s': %m", name, deed,
                                volume);

        /* Names of files may be in there, and those are bytes; D-Bus takes UTF-8 only. */
        if (!utf8_is_valid(text) && xml_escape_bytes(text, &printable) < 0)
                return -ENOMEM;

        return wire_error_set(error, provider_hresult_from_errno(r), "%s", printable ?: text);
}

static int answer_planned_failure(const Worker *w,
                                  sd_bus_error *error,
                                  ProviderCall call,
                                  const Planned *p) {
        return answer_failure(w, error, call, p->volume, p->r, p->sentence);
}

static int open_volume(const char *volume) {
        int fd = open(volume, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOCTTY);

        return fd < 0 ? provider_fail(-errno, "the directory cannot be opened: %m") : fd;
}

static int method_probe(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Worker *w = userdata;
        _cleanup_message_ sd_bus_message *reply = NULL;
        _cleanup_(freep) char *volume = NULL;
        _cleanup_(closep) int fd = -EBADF;
        ProviderProbe probe = { 0 };
        int r;

        r = wire_read_text(m, &volume);
        if (r < 0)
                return r;
        if (!volume || volume[0] != '/')
                return -EBADMSG;

        provider_sentence_clear();
        r = fd = open_volume(volume);
        if (r >= 0)
                r = w->ops->probe(&w->env, volume, fd, &probe);
        if (r < 0)
                return answer_failure(w, error, PROVIDER_CALL_PROBE, volume, r, provider_sentence());

        r = sd_bus_message_new_method_return(m, &reply);
        if (r < 0)
                return r;

        r = provider_append_probe(reply, &probe);
        if (r < 0)
                return r;

        return sd_bus_send(NULL, reply, NULL);
}

static int reply_text(sd_bus_message *m, const char *text) {
        _cleanup_message_ sd_bus_message *reply = NULL;
        int r;

        r = sd_bus_message_new_method_return(m, &reply);
        if (r < 0)
                return r;

        r = wire_append_text(reply, text);
        if (r < 0)
                return r;

        return sd_bus_send(NULL, reply, NULL);
}

static int call_plan(const Worker *w, ProviderSnapshot *s, char **ret_note, int *ret_lock_fd) {
        _cleanup_(closep) int fd = -EBADF, lock_fd = -EBADF;
        _cleanup_(freep) char *note = NULL;
        int r;

        fd = open_volume(s->volume);
        if (fd < 0)
                return fd;

        lock_fd = provider_lock(&w->env, &s->id, false);
        if (lock_fd < 0)
                return provider_fail(lock_fd, "another worker has it (%m)");

        s->volume_fd = fd;
        r = w->ops->plan(&w->env, s, &note);
        s->volume_fd = -EBADF;
        if (r < 0)
                return r;
        if (!note || strlen(note) > PROVIDER_NOTE_MAX || !utf8_is_valid(note))
                return provider_fail(-EPROTO, "its note is not what a note may be");

        s->volume_fd = TAKE_FD(fd);
        *ret_note = TAKE_PTR(note);
        *ret_lock_fd = TAKE_FD(lock_fd);
        return 0;
}

static int method_plan(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Worker *w = userdata;
        _cleanup_(freep) char *volume = NULL, *ignored = NULL, *note = NULL;
        ProviderSnapshot s;
        int r, lock_fd = -EBADF;

        r = provider_read_snapshot(m, &s, &volume, &ignored);
        if (r < 0)
                return r;
        if (rounds_find(w->rounds, &s.id))
                return wire_error_set(error, VSS_E_OBJECT_ALREADY_EXISTS, NULL);

        s.note = NULL;
        provider_sentence_clear();
        r = call_plan(w, &s, &note, &lock_fd);
        if (r < 0)
                return answer_failure(w, error, PROVIDER_CALL_PLAN, volume, r, provider_sentence());

        r = rounds_add(w->rounds, &s, TAKE_PTR(volume), TAKE_PTR(note), lock_fd);
        if (r < 0)
                return wire_error_set(error, provider_hresult_from_errno(r), NULL);

        return reply_text(m, rounds_find(w->rounds, &s.id)->note);
}

static int method_prepare(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Worker *w = userdata;
        Planned *p;
        GUID id;
        int r;

        r = wire_read_guid(m, &id);
        if (r < 0)
                return r;

        p = rounds_find(w->rounds, &id);
        if (!p)
                return wire_error_set(error, VSS_E_OBJECT_NOT_FOUND, "the snapshot was not planned here");
        if (p->prepared)
                return wire_error_set(error, VSS_E_BAD_STATE, "the snapshot is prepared already");

        p->prepared = true; /* also when it fails: there may be something to release */
        provider_sentence_clear();
        r = w->ops->prepare ? w->ops->prepare(&w->env, &p->snapshot) : 0;
        if (r < 0)
                return answer_failure(w, error, PROVIDER_CALL_PREPARE, p->volume, r, provider_sentence());

        return sd_bus_reply_method_return(m, NULL);
}

/* Is the directory that we hold still the one that its name leads to? */
static int check_volume(const Planned *p) {
        struct statx held, named;
        bool same;

        if (statx(p->snapshot.volume_fd, "", AT_EMPTY_PATH, STATX_INO | STATX_MNT_ID, &held) < 0)
                return -errno;
        same = statx(AT_FDCWD, p->volume, AT_NO_AUTOMOUNT, STATX_INO | STATX_MNT_ID, &named) >= 0 &&
               held.stx_dev_major == named.stx_dev_major && held.stx_dev_minor == named.stx_dev_minor &&
               held.stx_ino == named.stx_ino && held.stx_mnt_id == named.stx_mnt_id;
        if (!same)
                return provider_fail(-ENOENT, "it was unmounted or removed while its copy was being prepared");

        return 0;
}

static int step_sync(const ProviderOps *ops, const ProviderEnv *env, Planned *p) {
        int r;

        r = check_volume(p);
        if (r < 0)
                return r;

        return syncfs(p->snapshot.volume_fd) < 0 ? -errno : 0;
}

static int step_pre_commit(const ProviderOps *ops, const ProviderEnv *env, Planned *p) {
        return ops->pre_commit ? ops->pre_commit(env, &p->snapshot) : 0;
}

/* Nothing is looked up by name here: file systems are held. */
static int step_commit(const ProviderOps *ops, const ProviderEnv *env, Planned *p) {
        struct stat st;

        if (fstat(p->snapshot.volume_fd, &st) < 0)
                return -errno;
        if (st.st_nlink == 0)
                return provider_fail(-ENOENT, "it was removed while its copy was being prepared");

        return ops->commit(env, &p->snapshot, p->held);
}

static int answer_round(Worker *w,
                        sd_bus_message *m,
                        sd_bus_error *error,
                        ProviderCall call,
                        RoundStep step) {
        Planned *p;

        p = rounds_run(w->rounds, step);
        return p ? answer_planned_failure(w, error, call, p) : sd_bus_reply_method_return(m, NULL);
}

static int method_sync(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        return answer_round(userdata, m, error, PROVIDER_CALL_SYNC, step_sync);
}

static int method_pre_commit(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        return answer_round(userdata, m, error, PROVIDER_CALL_PRE_COMMIT, step_pre_commit);
}

static int method_commit(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Worker *w = userdata;
        _cleanup_(freep) GUID *held = NULL;
        size_t n_held;
        int r;

        r = wire_read_guids(m, WIRE_VOLUMES_MAX, &held, &n_held);
        if (r < 0)
                return r;

        for (Planned *p = rounds_first(w->rounds); p; p = p->next) {
                if (!p->prepared)
                        return wire_error_set(error, VSS_E_BAD_STATE, "the snapshot of '%s' is not prepared",
                                              p->volume);
                p->held = false;
        }
        for (size_t i = 0; i < n_held; ++i) {
                Planned *p = rounds_find(w->rounds, held + i);

                if (p)
                        p->held = true;
        }

        return answer_round(w, m, error, PROVIDER_CALL_COMMIT, step_commit);
}

static int method_surface(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Worker *w = userdata;
        _cleanup_(freep) char *volume = NULL, *note = NULL, *device = NULL;
        _cleanup_(closep) int fd = -EBADF;
        ProviderSnapshot s;
        int r;

        r = provider_read_snapshot(m, &s, &volume, &note);
        if (r < 0)
                return r;

        rounds_remove(w->rounds, &s.id); /* it is made, or was so long ago: nothing needs to stay open */
        s.volume_fd = fd = open_volume(volume);
        provider_sentence_clear();
        r = w->ops->surface(&w->env, &s, &device);
        if (r < 0)
                return answer_failure(w, error, PROVIDER_CALL_SURFACE, volume, r, provider_sentence());

        return reply_text(m, device);
}

static int method_discard(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Worker *w = userdata;
        _cleanup_(freep) char *volume = NULL, *note = NULL;
        _cleanup_(closep) int fd = -EBADF, lock_fd = -EBADF;
        ProviderSnapshot s;
        int r;

        r = provider_read_snapshot(m, &s, &volume, &note);
        if (r < 0)
                return r;

        rounds_remove(w->rounds, &s.id);
        s.volume_fd = fd = open_volume(volume);
        provider_sentence_clear();
        r = lock_fd = provider_lock(&w->env, &s.id, true);
        if (r >= 0)
                r = w->ops->discard(&w->env, &s);
        if (r < 0)
                return answer_failure(w, error, PROVIDER_CALL_DISCARD, volume, r, provider_sentence());

        return sd_bus_reply_method_return(m, NULL);
}

static const sd_bus_vtable worker_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD("Probe", "s", "uiiu", method_probe, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("Plan", PROVIDER_SNAPSHOT, "s", method_plan, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("Prepare", "ay", "", method_prepare, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("Sync", "", "", method_sync, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("PreCommit", "", "", method_pre_commit, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("Commit", "aay", "", method_commit, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("Surface", PROVIDER_SNAPSHOT, "s", method_surface, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("Discard", PROVIDER_SNAPSHOT, "", method_discard, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_VTABLE_END,
};

/* Waits for the coordinator to go. Nothing that can block is called with the lock held, so an end is
 * never late. */
static void *watch_run(void *arg) {
        Worker *w = arg;
        struct pollfd pollfd = { .fd = w->watch_fd, .events = POLLRDHUP };

        while (poll(&pollfd, 1, -1) < 0 && errno == EINTR)
                ;

        (void) pthread_mutex_lock(&w->lock);
        if (w->busy)
                _exit(EXIT_SUCCESS);
        w->gone = true;
        (void) pthread_mutex_unlock(&w->lock);
        return NULL;
}

static bool worker_set_busy(Worker *w, bool busy) {
        bool gone;

        (void) pthread_mutex_lock(&w->lock);
        w->busy = busy;
        gone = w->gone;
        (void) pthread_mutex_unlock(&w->lock);
        return !gone;
}

static int worker_serve(Worker *w) {
        int r;

        while (worker_set_busy(w, true)) {
                r = sd_bus_process(w->bus, NULL);
                if (!worker_set_busy(w, false))
                        break;
                if (r == -ECONNRESET || r == -ENOTCONN)
                        break;
                if (r < 0)
                        return r;
                if (r > 0)
                        continue;

                r = sd_bus_wait(w->bus, UINT64_MAX);
                if (r < 0 && r != -EINTR)
                        return r == -ENOTCONN ? 0 : r;
        }

        return 0;
}

static int worker_start_bus(Worker *w) {
        sd_id128_t id;
        int r;

        r = sd_id128_randomize(&id);
        if (r < 0)
                return r;

        r = sd_bus_new(&w->bus);
        if (r < 0)
                return r;

        r = sd_bus_set_fd(w->bus, PROVIDER_WORKER_FD, PROVIDER_WORKER_FD);
        if (r < 0)
                return r;

        r = sd_bus_set_server(w->bus, true, id);
        if (r < 0)
                return r;

        r = sd_bus_add_object_vtable(w->bus, NULL, WIRE_PROVIDER_PATH, WIRE_PROVIDER_INTERFACE,
                                     worker_vtable, w);
        if (r < 0)
                return r;

        return sd_bus_start(w->bus);
}

static int worker_run(Worker *w) {
        pthread_t watch;
        int r;

        w->watch_fd = fcntl(PROVIDER_WORKER_FD, F_DUPFD_CLOEXEC, 0);
        if (w->watch_fd < 0 || fcntl(PROVIDER_WORKER_FD, F_SETFD, FD_CLOEXEC) < 0)
                return log_error_errno(errno, "Descriptor %d is not open, umbrad did not start this: %m",
                                       PROVIDER_WORKER_FD);

        r = rounds_new(w->ops, &w->env, &w->rounds);
        if (r < 0)
                return log_error_errno(r, "Failed to start the %s provider: %m", w->ops->name);

        r = worker_start_bus(w);
        if (r < 0)
                return log_error_errno(r, "Failed to talk to the coordinator: %m");

        r = pthread_create(&watch, NULL, watch_run, w);
        if (r > 0)
                return log_error_errno(r, "Failed to start a thread: %m");

        r = worker_serve(w);
        if (r < 0)
                log_error_errno(r, "Failed to understand the coordinator, the %s provider ends: %m",
                                w->ops->name);

        /* It sees the end, too, once the socket is shut down. */
        (void) shutdown(w->watch_fd, SHUT_RDWR);
        (void) pthread_join(watch, NULL);
        return r;
}

static int parse_options(Worker *w, const char **ret_name, int argc, char **argv) {
        static const struct option options[] = {
                { "provider",    required_argument, NULL, 'p' },
                { "state-dir",   required_argument, NULL, 's' },
                { "runtime-dir", required_argument, NULL, 'r' },
                { "privileged",  no_argument,       NULL, 'm' },
                { 0 },
        };
        const char *name = NULL;
        int c;

        while ((c = getopt_long(argc, argv, "", options, NULL)) >= 0)
                switch (c) {
                case 'p':
                        name = optarg;
                        break;
                case 's':
                        w->env.state_dir = optarg;
                        break;
                case 'r':
                        w->env.runtime_dir = optarg;
                        break;
                case 'm':
                        w->env.privileged = true;
                        break;
                default:
                        return -EINVAL;
                }

        if (optind < argc || !name || !w->env.state_dir || !w->env.runtime_dir)
                return -EINVAL;

        *ret_name = name;
        return 0;
}

int provider_worker_main(const ProviderOps *(*find)(const char *name), int argc, char **argv) {
        Worker w = { .watch_fd = -EBADF, .lock = PTHREAD_MUTEX_INITIALIZER };
        const char *name;
        int r;

        log_open(PROVIDER_WORKER_PROGRAM);

        if (parse_options(&w, &name, argc, argv) < 0) {
                log_error("Usage: %s --provider NAME --state-dir DIR --runtime-dir DIR [--privileged]",
                          argv[0]);
                return EXIT_FAILURE;
        }

        w.ops = find(name);
        if (!w.ops || provider_ops_check(w.ops) < 0) {
                log_error("There is no provider '%s', or it is not complete, refusing", name);
                return EXIT_FAILURE;
        }

        r = worker_run(&w);
        w.bus = sd_bus_close_unref(w.bus);
        w.rounds = rounds_free(w.rounds);
        w.watch_fd = fd_close(w.watch_fd);
        return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
