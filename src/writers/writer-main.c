/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The Program around a Writer
 *
 * See the header. The callbacks run on threads of the library; this one only waits for a signal. Signals are
 * blocked before the first thread is there, so that no other one gets them.
 */

#include "writers/writer-main.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <systemd/sd-daemon.h>
#include <umbra.h>

#include "base/hresult.h"
#include "base/log.h"
#include "base/macro.h"
#include "base/time-util.h"

#define RETRY_FIRST_USEC (100 * USEC_PER_MSEC)
#define RETRY_MAX_USEC (5 * USEC_PER_SEC)

typedef struct Options {
        const char *config;
        const char *socket; /* NULL: the library's choice */
} Options;

static void help(const WriterProgram *p) {
        printf("%s [OPTIONS...]\n\n"
               "%s\n\n"
               "  --config FILE   what to save (default: %s)\n"
               "  --socket PATH   where umbrad listens (default: $UMBRA_SOCKET, else\n"
               "                  /run/umbra/umbra.sock)\n"
               "  -h, --help      this\n"
               "  --version       the version\n\n"
               "See %s(8).\n",
               p->name, p->summary, p->default_config, p->name);
}

/* 1: go on; 0: done; negative: wrong. */
static int parse_options(const WriterProgram *p, int argc, char *argv[], Options *o) {
        enum { OPT_CONFIG = 256, OPT_SOCKET, OPT_VERSION };
        static const struct option options[] = {
                { "config",  required_argument, NULL, OPT_CONFIG  },
                { "socket",  required_argument, NULL, OPT_SOCKET  },
                { "help",    no_argument,       NULL, 'h'         },
                { "version", no_argument,       NULL, OPT_VERSION },
                { 0 },
        };
        int opt;

        while ((opt = getopt_long(argc, argv, "h", options, NULL)) >= 0)
                switch (opt) {
                case 'h':
                        help(p);
                        return 0;
                case OPT_VERSION:
                        printf("%s " UMBRA_VERSION "\n", p->name);
                        return 0;
                case OPT_CONFIG:
                        o->config = optarg;
                        break;
                case OPT_SOCKET:
                        o->socket = optarg;
                        break;
                default:
                        fprintf(stderr, "See %s --help.\n", p->name);
                        return -EINVAL;
                }

        if (optind < argc) {
                fprintf(stderr, "%s takes no arguments; see %s --help\n", p->name, p->name);
                return -EINVAL;
        }

        return 1;
}

static void block_signals(sigset_t *ret) {
        (void) sigemptyset(ret);
        (void) sigaddset(ret, SIGTERM);
        (void) sigaddset(ret, SIGINT);
        (void) pthread_sigmask(SIG_BLOCK, ret, NULL);

        /* Whoever reads our log may go away; that must not end us in the middle of a freeze. */
        (void) signal(SIGPIPE, SIG_IGN);
}

/* True if one of @signals came within @usec. */
static bool signal_came(const sigset_t *signals, usec_t usec) {
        struct timespec ts = timespec_from_usec(usec);

        return sigtimedwait(signals, NULL, &ts) >= 0;
}

/* Subscribes, waiting for umbrad as long as it takes. S_FALSE if a signal came instead. */
static HRESULT subscribe(UmbraWriter *w, const sigset_t *signals) {
        usec_t pause = RETRY_FIRST_USEC;
        bool told = false;
        HRESULT hr;

        for (;;) {
                hr = umbra_writer_subscribe(w, INFINITE, UMBRA_WRITER_EVENTS);
                if (hr != VSS_E_WRITER_INFRASTRUCTURE)
                        return hr;

                if (!told) {
                        log_notice("Waiting for umbrad: %s", umbra_last_error());
                        (void) sd_notify(0, "STATUS=Waiting for umbrad.");
                        told = true;
                }

                if (signal_came(signals, pause))
                        return S_FALSE;
                pause = MIN(pause * 2, RETRY_MAX_USEC);
        }
}

static int serve(UmbraWriter *w, const sigset_t *signals) {
        HRESULT hr;

        hr = subscribe(w, signals);
        if (FAILED(hr)) {
                log_error("umbrad does not take this writer (%s), giving up: %s", hresult_name(hr),
                          umbra_last_error());
                return -EPERM;
        }
        if (hr != S_OK)
                return 0;

        /* From here on the library connects again by itself should umbrad be restarted. */
        log_info("Ready");
        (void) sd_notify(0, "READY=1\nSTATUS=Ready.");

        while (sigwaitinfo(signals, NULL) < 0)
                ;

        (void) sd_notify(0, "STOPPING=1\nSTATUS=Stopping.");
        (void) umbra_writer_unsubscribe(w);
        log_info("Stopped");
        return 0;
}

static int run(const WriterProgram *p, void *app, const sigset_t *signals) {
        UmbraWriter *w = NULL;
        HRESULT hr;
        int r;

        hr = p->create(app, &w);
        if (FAILED(hr)) {
                log_error("Failed to make the writer (%s), giving up: %s", hresult_name(hr),
                          umbra_last_error());
                r = errno_from_hresult(hr);
        } else
                r = serve(w, signals);

        umbra_writer_free(w);
        return r;
}

int writer_main(const WriterProgram *p, int argc, char *argv[]) {
        Options o = { .config = p->default_config };
        void *app = NULL;
        sigset_t signals;
        int r;

        log_open(p->name);
        r = parse_options(p, argc, argv, &o);
        if (r <= 0)
                return r < 0 ? 2 : EXIT_SUCCESS;

        block_signals(&signals);
        if (FAILED(umbra_set_socket(o.socket))) {
                log_error("'%s' is too long for a socket, giving up", o.socket);
                return EXIT_FAILURE;
        }

        r = p->load(o.config, &app);
        if (r >= 0)
                r = run(p, app, &signals);

        p->unload(app);
        return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
