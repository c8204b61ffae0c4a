/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The Manager
 */

#include "coordinator/manager.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <systemd/sd-daemon.h>
#include <vss.h>

#include "base/alloc.h"
#include "base/fd-util.h"
#include "base/guid.h"
#include "base/hresult.h"
#include "base/log.h"
#include "catalog/catalog.h"
#include "coordinator/config.h"
#include "coordinator/connection.h"
#include "coordinator/deed.h"
#include "coordinator/discard-queue.h"
#include "coordinator/express-writers.h"
#include "coordinator/idle.h"
#include "coordinator/provider-registry.h"
#include "coordinator/recover.h"
#include "coordinator/reload.h"
#include "coordinator/resurface.h"
#include "coordinator/shadow-access.h"
#include "coordinator/snapshot-watch.h"
#include "coordinator/writer-proxy.h"
#include "coordinator/writer-registry.h"
#include "guard/guard-client.h"
#include "provider/provider-state.h"
#include "volume/volume.h"
#include "wire/wire-limits.h"

/* Well below what service managers allow, and enough for all but the largest copies. */
#define STOP_PATIENCE_USEC (30 * USEC_PER_SEC)

pid_t manager_connection_pid(const Connection *c) {
        return c->pid;
}

/* Sets thaw and are undone, and what was to go with its requester goes. */
static void manager_end_sessions(Manager *m) {
        for (Connection *c = m->connections, *next; c; c = next) {
                next = c->next;
                if (c->role == ROLE_SESSION)
                        connection_free(c);
        }
}

static int manager_on_stop_deadline(sd_event_source *s, uint64_t usec, void *userdata) {
        Manager *m = userdata;

        log_notice("Leaving with shadow copies still to be deleted, that is done at the next start");
        return sd_event_exit(m->event, 0);
}

void manager_discards_done(Manager *m) {
        if (m->stopping)
                (void) sd_event_exit(m->event, 0);
}

/* Shadow copies that go with their requesters are deleted before umbrad does, as long as that does not take too
 * long: nobody else would unmount them. A second signal does not wait. */
static int manager_on_signal(sd_event_source *s, const struct signalfd_siginfo *si, void *userdata) {
        Manager *m = userdata;
        int r;

        log_info("Got signal %u, leaving", si->ssi_signo);
        if (m->stopping)
                return sd_event_exit(m->event, 0);

        m->stopping = true;
        (void) sd_notify(false, "STOPPING=1\nSTATUS=Deleting what goes with its requesters");
        (void) sd_event_source_set_enabled(m->listen_source, SD_EVENT_OFF);
        manager_end_sessions(m);
        if (discard_queue_is_empty(m->discards))
                return sd_event_exit(m->event, 0);

        r = sd_event_add_time_relative(m->event, &m->stop_deadline, CLOCK_MONOTONIC, STOP_PATIENCE_USEC, 0, manager_on_stop_deadline, m);
        return r < 0 ? sd_event_exit(m->event, 0) : 0;
}

/* Without a descriptor left, whoever waits would be announced again and again: it is taken in place of the spare
 * one, and sent away. */
static int manager_accept(Manager *m, int listen_fd) {
        int fd, error;

        fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd >= 0)
                return fd;
        error = errno;
        if (error == EMFILE || error == ENFILE) {
                m->spare_fd = fd_close(m->spare_fd);
                fd_close(accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC));
                m->spare_fd = fcntl(listen_fd, F_DUPFD_CLOEXEC, 3);
        }
        return -error;
}

static int manager_on_listen(sd_event_source *s, int listen_fd, uint32_t revents, void *userdata) {
        Manager *m = userdata;
        Connection *c;
        int fd, r;

        fd = manager_accept(m, listen_fd);
        if (fd < 0) {
                if (fd != -EAGAIN && fd != -ECONNABORTED && fd != -EINTR)
                        log_warning_errno(fd, "Failed to accept a connection, dropping it: %m");
                return 0;
        }
        if (m->n_connections >= WIRE_CONNECTIONS_MAX) {
                log_warning("More than %u connections, dropping a new one", WIRE_CONNECTIONS_MAX);
                fd_close(fd);
                return 0;
        }
        r = connection_new(m, fd, &c);
        if (r < 0)
                log_warning_errno(r, "Failed to set a connection up, dropping it: %m");
        return 0;
}

/* Strangers may connect: they are told E_ACCESSDENIED rather than nothing, and an application's writer runs as its own user. */
static int manager_listen(Manager *m) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        int r;

        if (m->listen_fd < 0) {
                if (strlen(m->socket_path) >= sizeof(address.sun_path))
                        return log_error_errno(ENAMETOOLONG, "The socket path '%s' is too long, choose a shorter one: %m", m->socket_path);
                memcpy(address.sun_path, m->socket_path, strlen(m->socket_path) + 1);
                m->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
                if (m->listen_fd < 0)
                        return -errno;
                (void) unlink(m->socket_path); /* the catalog's lock is what keeps a second umbrad out */
                if (bind(m->listen_fd, (struct sockaddr *) &address, sizeof(address)) < 0)
                        return log_error_errno(errno, "Failed to bind '%s', refusing to start: %m", m->socket_path);
                m->own_socket = true;
                if (chmod(m->socket_path, 0666) < 0 || listen(m->listen_fd, 1024) < 0)
                        return -errno;
        }
        r = fd_set_nonblock(m->listen_fd, true);
        if (r < 0)
                return r;
        m->spare_fd = fcntl(m->listen_fd, F_DUPFD_CLOEXEC, 3);
        if (m->spare_fd < 0)
                return -errno;
        return sd_event_add_io(m->event, &m->listen_source, m->listen_fd, EPOLLIN, manager_on_listen, m);
}

static int manager_make_directories(Manager *m) {
        _cleanup_(freep) char *shadow = NULL;
        int r;

        r = mkdir_p(m->state_dir, 0700);
        if (r < 0)
                return log_error_errno(r, "Failed to make the state directory '%s', refusing to start: %m", m->state_dir);
        r = mkdir_p(m->runtime_dir, 0755);
        if (r < 0)
                return log_error_errno(r, "Failed to make the runtime directory '%s', refusing to start: %m", m->runtime_dir);
        r = format_to(&shadow, "%s/shadow", m->runtime_dir);
        if (r < 0)
                return r;
        r = mkdir_p(shadow, 0700);
        if (r < 0)
                return r;
        shadow_access_apply(m);
        return 0;
}

static int manager_open_catalog(Manager *m) {
        _cleanup_(freep) char *path = NULL;
        int r;

        r = format_to(&path, "%s/" STATE_CATALOG, m->state_dir);
        if (r < 0)
                return r;
        r = catalog_open(path, &m->catalog);
        if (r == -EBUSY || r == -EAGAIN)
                return log_error_errno(r, "Another umbrad uses the state directory '%s', refusing to start: %m", m->state_dir);
        if (r < 0)
                return log_error_errno(r, "Failed to open the catalog '%s', refusing to start: %m", path);
        return 0;
}

/* What is started while something is held: workers are there by then, but those of lvm start programs of
 * lvm's. All of them can be read from what is frozen, but not from what is suspended. */
static int manager_protect_programs(void) {
        static const char *const needed[] = { "/", "/etc", "/usr", "/usr/bin", "/usr/sbin", "/usr/lib", UMBRA_LIBEXECDIR };
        char program[4096];
        ssize_t n;
        int r;

        for (size_t i = 0; i < ELEMENTSOF(needed); ++i) {
                r = volume_protect(needed[i], VOLUME_CARRIES);
                if (r < 0 && r != -ENOENT)
                        return r;
        }

        n = readlink("/proc/self/exe", program, sizeof(program) - 1);
        if (n < 0)
                return -errno;
        program[n] = '\0';
        *strrchr(program, '/') = '\0';
        return volume_protect(program[0] ? program : "/", VOLUME_CARRIES);
}

static int manager_protect(Manager *m) {
        int r;

        r = volume_protect(m->state_dir, VOLUME_KEEPS);
        if (r >= 0)
                r = volume_protect(m->runtime_dir, VOLUME_KEEPS);
        if (r >= 0)
                r = manager_protect_programs();
        return r < 0 ? log_error_errno(r, "Failed to look at umbra's own directories, refusing to start: %m") : 0;
}

static void raise_fd_limit(void) {
        struct rlimit limit;

        if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
                return;
        limit.rlim_cur = limit.rlim_max;
        (void) setrlimit(RLIMIT_NOFILE, &limit);
}

static int manager_set_up_loop(Manager *m) {
        sigset_t mask;
        int r;

        r = sd_event_default(&m->event);
        if (r < 0)
                return r;
        sigemptyset(&mask);
        sigaddset(&mask, SIGTERM);
        sigaddset(&mask, SIGINT);
        sigaddset(&mask, SIGHUP);
        sigaddset(&mask, SIGCHLD);
        if (sigprocmask(SIG_BLOCK, &mask, NULL) < 0)
                return -errno;
        (void) signal(SIGPIPE, SIG_IGN);
        r = sd_event_add_signal(m->event, &m->sigterm, SIGTERM, manager_on_signal, m);
        if (r < 0)
                return r;
        r = sd_event_add_signal(m->event, &m->sigint, SIGINT, manager_on_signal, m);
        if (r < 0)
                return r;
        return reload_set_up(m);
}

static int manager_load_config(Manager *m) {
        int r;

        r = config_load(m->config_path, &m->config);
        return r < 0 ? log_error_errno(r, "Without its configuration umbrad does not know who may do what, refusing to start: %m") : 0;
}

int manager_new(const ManagerOptions *options, Manager **ret) {
        _cleanup_(manager_freep) Manager *m = NULL;
        char host[256] = "localhost";
        int r;

        m = calloc(1, sizeof(*m));
        if (!m)
                return -ENOMEM;
        m->listen_fd = options->listen_fd;
        m->spare_fd = -EBADF;
        m->started = now_usec(CLOCK_MONOTONIC);
        (void) gethostname(host, sizeof(host) - 1);
        if (strdup_to(options->socket_path, &m->socket_path) < 0 || strdup_to(options->state_dir, &m->state_dir) < 0 ||
            strdup_to(options->runtime_dir, &m->runtime_dir) < 0 || strdup_to(host, &m->machine) < 0 ||
            strdup_to(options->config_path, &m->config_path) < 0)
                return -ENOMEM;
        m->env = (ProviderEnv){
                .state_dir = m->state_dir,
                .runtime_dir = m->runtime_dir,
                .privileged = geteuid() == 0,
        };

        raise_fd_limit();
        r = manager_set_up_loop(m);
        if (r >= 0)
                r = manager_load_config(m);
        if (r >= 0)
                r = manager_make_directories(m);
        if (r >= 0)
                r = manager_open_catalog(m);
        if (r >= 0)
                r = manager_protect(m);
        if (r >= 0)
                r = provider_registry_load(m);
        if (r >= 0)
                r = discard_queue_new(m, &m->discards);
        if (r >= 0)
                r = deed_queue_new(m, &m->deeds);
        if (r >= 0)
                r = snapshot_watch_new(m, &m->watch);
        if (r >= 0)
                r = resurface_new(m, &m->resurface);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(m);
        return 0;
}

int manager_run(Manager *m) {
        int r;

        /* What a previous life left frozen comes first. */
        r = guard_thaw_leftovers(m->runtime_dir);
        if (r < 0)
                log_error_errno(r, "Failed to thaw what a previous life held: %m");
        r = recover_start(m);
        if (r < 0)
                return log_error_errno(r, "Failed to recover, refusing to start: %m");
        snapshot_watch_kick(m->watch);
        r = express_writers_load(m);
        if (r < 0)
                return r;
        r = manager_listen(m);
        if (r < 0)
                return r;
        idle_trim();
        (void) sd_notify(false, "READY=1\nSTATUS=Waiting for requesters and writers");
        log_info("umbrad " UMBRA_VERSION " listens on '%s'", m->socket_path);

        r = sd_event_loop(m->event);
        (void) sd_notify(false, "STOPPING=1");
        return r;
}

Manager *manager_free(Manager *m) {
        if (!m)
                return NULL;

        /* Sessions first: their sets thaw and undo. What the queue has not done is in the catalog and done at the next start. */
        manager_end_sessions(m);
        while (m->connections)
                connection_free(m->connections);
        while (m->writers) { /* those that have no connection */
                WriterProxy *w = m->writers;

                writer_registry_remove(w);
                writer_proxy_free(w);
        }
        deed_queue_free(m->deeds);
        snapshot_watch_free(m->watch);
        resurface_free(m->resurface);
        discard_queue_free(m->discards);
        provider_registry_clear(m);
        catalog_close(m->catalog);
        config_free(m->config);
        sd_event_source_disable_unref(m->express_resume);
        sd_event_source_disable_unref(m->listen_source);
        sd_event_source_disable_unref(m->sigterm);
        sd_event_source_disable_unref(m->sigint);
        sd_event_source_disable_unref(m->sighup);
        sd_event_source_disable_unref(m->reload_turn);
        sd_event_source_disable_unref(m->stop_deadline);
        fd_close(m->spare_fd);
        fd_close(m->listen_fd);
        if (m->own_socket)
                (void) unlink(m->socket_path);
        sd_event_unref(m->event);
        free(m->config_path);
        free(m->socket_path);
        free(m->state_dir);
        free(m->runtime_dir);
        free(m->machine);
        free(m);
        return NULL;
}
