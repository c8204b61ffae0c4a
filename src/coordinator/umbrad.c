/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * umbrad
 *
 * The coordinator: one thread, one loop, no foreign code, no storage work, nothing that blocks. Here are only its options.
 */

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <systemd/sd-daemon.h>

#include "base/alloc.h"
#include "base/log.h"
#include "coordinator/manager.h"
#include "wire/wire-names.h"

static void help(void) {
        printf("umbrad [OPTIONS…]\n\n"
               "Coordinates consistent snapshots: brings writers to rest, holds file systems, takes all volumes\n"
               "at one instant, remembers what was taken, and wakes everything up again.\n\n"
               "  --socket PATH       listen here (default: $UMBRA_SOCKET, " WIRE_SOCKET_DEFAULT " for root,\n"
               "                      $XDG_RUNTIME_DIR/umbra/umbra.sock else)\n"
               "  --state-dir DIR     catalog and copied snapshots (default: /var/lib/umbra, or\n"
               "                      $XDG_STATE_HOME/umbra)\n"
               "  --runtime-dir DIR   where snapshots show up (default: /run/umbra, or $XDG_RUNTIME_DIR/umbra)\n"
               "  --config FILE       who may do what (default: /etc/umbra/umbra.conf)\n"
               "  -h, --help          this\n"
               "  --version           the version\n\n"
               "See umbrad(8).\n");
}

typedef struct Options {
        char *socket, *state_dir, *runtime_dir, *config;
} Options;

static void options_clear(Options *o) {
        free(o->socket);
        free(o->state_dir);
        free(o->runtime_dir);
        free(o->config);
}

/* 1: go on; 0: done; negative: wrong. */
static int parse_options(int argc, char *argv[], Options *o) {
        enum { OPT_SOCKET = 256, OPT_STATE, OPT_RUNTIME, OPT_CONFIG, OPT_VERSION };
        static const struct option options[] = {
                { "socket", required_argument, NULL, OPT_SOCKET },
                { "state-dir", required_argument, NULL, OPT_STATE },
                { "runtime-dir", required_argument, NULL, OPT_RUNTIME },
                { "config", required_argument, NULL, OPT_CONFIG },
                { "help", no_argument, NULL, 'h' },
                { "version", no_argument, NULL, OPT_VERSION },
                { 0 },
        };
        int opt;

        while ((opt = getopt_long(argc, argv, "h", options, NULL)) >= 0)
                switch (opt) {
                case 'h':
                        help();
                        return 0;
                case OPT_VERSION:
                        printf("umbrad " UMBRA_VERSION "\n");
                        return 0;
                case OPT_SOCKET:
                        if (free_and_strdup(&o->socket, optarg) < 0)
                                return -ENOMEM;
                        break;
                case OPT_STATE:
                        if (free_and_strdup(&o->state_dir, optarg) < 0)
                                return -ENOMEM;
                        break;
                case OPT_RUNTIME:
                        if (free_and_strdup(&o->runtime_dir, optarg) < 0)
                                return -ENOMEM;
                        break;
                case OPT_CONFIG:
                        if (free_and_strdup(&o->config, optarg) < 0)
                                return -ENOMEM;
                        break;
                default:
                        fputs("See umbrad --help.\n", stderr);
                        return -EINVAL;
                }
        if (optind < argc) {
                fprintf(stderr, "umbrad takes no arguments; see umbrad --help\n");
                return -EINVAL;
        }
        return 1;
}

static int default_state_dir(char **ret) {
        const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");

        if (geteuid() == 0)
                return strdup_to("/var/lib/umbra", ret);
        if (state)
                return format_to(ret, "%s/umbra", state);
        return format_to(ret, "%s/.local/state/umbra", home ?: ".");
}

static int default_runtime_dir(char **ret) {
        const char *runtime = getenv("XDG_RUNTIME_DIR");

        if (geteuid() == 0)
                return strdup_to("/run/umbra", ret);
        if (runtime)
                return format_to(ret, "%s/umbra", runtime);
        return format_to(ret, "/tmp/umbra-%u", (unsigned) geteuid());
}

/* Workers and clients live elsewhere: a path means the same to all of them. */
static int make_absolute(char **path) {
        _cleanup_(freep) char *here = NULL;
        char *absolute;
        int r;

        if (**path == '/')
                return 0;
        here = getcwd(NULL, 0);
        if (!here)
                return -errno;
        r = format_to(&absolute, "%s/%s", here, *path);
        if (r < 0)
                return r;
        free(*path);
        *path = absolute;
        return 0;
}

static int fill_defaults(Options *o) {
        const char *env = getenv(WIRE_SOCKET_ENV);
        int r = 0;

        if (!o->state_dir)
                r = default_state_dir(&o->state_dir);
        if (r >= 0 && !o->runtime_dir)
                r = default_runtime_dir(&o->runtime_dir);
        if (r >= 0 && !o->socket)
                r = env ? strdup_to(env, &o->socket) : format_to(&o->socket, "%s/umbra.sock", o->runtime_dir);
        if (r >= 0 && !o->config)
                r = strdup_to("/etc/umbra/umbra.conf", &o->config);
        if (r >= 0)
                r = make_absolute(&o->state_dir);
        if (r >= 0)
                r = make_absolute(&o->runtime_dir);
        return r;
}

int main(int argc, char *argv[]) {
        _cleanup_(options_clear) Options o = { 0 };
        _cleanup_(manager_freep) Manager *m = NULL;
        ManagerOptions options = { .listen_fd = -EBADF };
        int r;

        log_open("umbrad");
        r = parse_options(argc, argv, &o);
        if (r <= 0)
                return r < 0 ? 2 : EXIT_SUCCESS;
        r = fill_defaults(&o);
        if (r < 0)
                return EXIT_FAILURE;

        r = sd_listen_fds(true);
        if (r > 1) {
                log_error("umbrad takes one socket from the service manager and got %d, refusing to start", r);
                return EXIT_FAILURE;
        }
        if (r == 1)
                options.listen_fd = SD_LISTEN_FDS_START;
        options.socket_path = o.socket;
        options.state_dir = o.state_dir;
        options.runtime_dir = o.runtime_dir;
        options.config_path = o.config;

        r = manager_new(&options, &m);
        if (r >= 0)
                r = manager_run(m);
        return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
