/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A Provider's Worker Process
 *
 * One thread reads a question, has it answered (provider-methods.c), and reads the next; the threads of
 * provider-round.c do what may be done side by side; and one more watches the socket, because the
 * coordinator may go away while a function runs. Then there is nobody to tell the result to, and everything
 * a provider does can be found and removed by discard(), so the process ends on the spot, wherever it is.
 */

#include "provider/provider-worker.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <systemd/sd-id128.h>

#include "base/fd-util.h"
#include "base/log.h"
#include "provider/provider-methods.h"
#include "provider/provider-protocol.h"

#define END_PATIENCE_SEC 10U

typedef struct Worker {
        ProviderHost host;
        sd_bus *bus;
        int watch_fd; /* the socket once more: sd-bus closes its own descriptor when it likes */

        pthread_mutex_t lock; /* guards these two */
        bool gone;            /* the coordinator is */
        bool busy;            /* a question is being answered */
} Worker;

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

static bool worker_set_busy(ProviderHost *host, bool busy) {
        Worker *w = container_of(host, Worker, host);
        bool gone;

        (void) pthread_mutex_lock(&w->lock);
        w->busy = busy;
        gone = w->gone;
        (void) pthread_mutex_unlock(&w->lock);
        return !gone;
}

static int worker_serve(Worker *w) {
        int r;

        for (;;) {
                r = sd_bus_process(w->bus, NULL);
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

        r = provider_methods_attach(w->bus, &w->host);
        if (r < 0)
                return r;

        return sd_bus_start(w->bus);
}

/* What others do at the end may hang. */
static void *end_run(void *arg) {
        const struct timespec patience = { .tv_sec = END_PATIENCE_SEC };

        (void) clock_nanosleep(CLOCK_MONOTONIC, 0, &patience, NULL);
        log_error("The %s provider did not end within %u s, going without it", (const char *) arg,
                  END_PATIENCE_SEC);
        _exit(EXIT_FAILURE);
}

static void worker_end(const Worker *w) {
        pthread_t thread;

        if (!w->host.ops->end ||
            pthread_create(&thread, NULL, end_run, (void *) (uintptr_t) w->host.ops->name) != 0)
                return;

        (void) pthread_detach(thread);
        w->host.ops->end(&w->host.env);
}

static int worker_run(Worker *w) {
        pthread_t watch;
        int r;

        w->watch_fd = fcntl(PROVIDER_WORKER_FD, F_DUPFD_CLOEXEC, 0);
        if (w->watch_fd < 0 || fcntl(PROVIDER_WORKER_FD, F_SETFD, FD_CLOEXEC) < 0)
                return log_error_errno(errno, "Descriptor %d is not open, umbrad did not start this: %m",
                                       PROVIDER_WORKER_FD);

        r = rounds_new(w->host.ops, &w->host.env, &w->host.rounds);
        if (r < 0)
                return log_error_errno(r, "Failed to start the %s provider: %m", w->host.ops->name);

        r = worker_start_bus(w);
        if (r < 0)
                return log_error_errno(r, "Failed to talk to the coordinator: %m");

        r = pthread_create(&watch, NULL, watch_run, w);
        if (r > 0)
                return log_error_errno(r, "Failed to start a thread: %m");

        r = worker_serve(w);
        if (r < 0)
                log_error_errno(r, "Failed to understand the coordinator, the %s provider ends: %m",
                                w->host.ops->name);

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
                        w->host.env.state_dir = optarg;
                        break;
                case 'r':
                        w->host.env.runtime_dir = optarg;
                        break;
                case 'm':
                        w->host.env.privileged = true;
                        break;
                default:
                        return -EINVAL;
                }

        if (optind < argc || !name || !w->host.env.state_dir || !w->host.env.runtime_dir)
                return -EINVAL;

        *ret_name = name;
        return 0;
}

int provider_worker_main(const ProviderOps *(*find)(const char *name), int argc, char **argv) {
        Worker w = {
                .host.set_busy = worker_set_busy,
                .watch_fd = -EBADF,
                .lock = PTHREAD_MUTEX_INITIALIZER,
        };
        const char *name;
        int r;

        log_open(PROVIDER_WORKER_PROGRAM);
        (void) signal(SIGPIPE, SIG_IGN); /* a program that does not listen any more is an error like others */

        if (parse_options(&w, &name, argc, argv) < 0) {
                log_error("Usage: %s --provider NAME --state-dir DIR --runtime-dir DIR [--privileged]",
                          argv[0]);
                return EXIT_FAILURE;
        }

        w.host.ops = find(name);
        if (!w.host.ops || provider_ops_check(w.host.ops) < 0) {
                log_error("There is no provider '%s', or it is not complete, refusing", name);
                return EXIT_FAILURE;
        }

        r = worker_run(&w);
        w.bus = sd_bus_close_unref(w.bus);
        provider_host_speak(&w.host);
        w.host.rounds = rounds_free(w.host.rounds);
        worker_end(&w);
        w.watch_fd = fd_close(w.watch_fd);
        return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
