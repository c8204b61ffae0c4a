/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * umbra-test-writer
 *
 * A writer with which the authors of backup programs test them: everything it has, does and fails at stands in a
 * configuration, and it says what the requester did wrong. This file is the program around it: options, signals, exit
 * code. The callbacks come on a thread of the library; this one waits for the end.
 */

#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <systemd/sd-daemon.h>
#include <umbra.h>

#include "base/fd-util.h"
#include "base/guid.h"
#include "base/hresult.h"
#include "base/time-util.h"
#include "testers/test-writer.h"

#define RETRY_MSEC 200

enum { STATUS_OK = 0, STATUS_FAILED = 1, STATUS_USAGE = 2, STATUS_VIOLATIONS = 3 };

typedef struct Options {
        const char *config, *output;
        bool json, check, wait;
} Options;

static void help(void) {
        printf("umbra-test-writer [OPTIONS...] CONFIG\n\n"
               "A writer that does what CONFIG says, and checks what requesters do with it.\n\n"
               "  --json           one line of JSON per event and violation\n"
               "  --output FILE    write there, not to standard output; not to a disk that\n"
               "                   the backup freezes\n"
               "  --wait           wait for umbrad when it does not listen yet\n"
               "  --check          only read CONFIG, and say what is wrong with it\n"
               "  --socket PATH    where umbrad listens (default: $UMBRA_SOCKET, else\n"
               "                   /run/umbra/umbra.sock)\n"
               "  -h, --help       this\n"
               "  --version        the version\n\n"
               "It runs until SIGINT or SIGTERM, and then exits with\n"
               "  0  when requesters did nothing wrong,\n"
               "  3  when they did,\n"
               "  1  when CONFIG is wrong, or umbra does not take it,\n"
               "  2  for wrong options.\n\n"
               "See umbra-test-writer(1).\n");
}

/* 1: go on; 0: done; negative: wrong. */
static int parse_options(int argc, char *argv[], Options *o) {
        enum { OPT_JSON = 256, OPT_OUTPUT, OPT_WAIT, OPT_CHECK, OPT_SOCKET, OPT_VERSION };
        static const struct option options[] = {
                { "json",    no_argument,       NULL, OPT_JSON    },
                { "output",  required_argument, NULL, OPT_OUTPUT  },
                { "wait",    no_argument,       NULL, OPT_WAIT    },
                { "check",   no_argument,       NULL, OPT_CHECK   },
                { "socket",  required_argument, NULL, OPT_SOCKET  },
                { "help",    no_argument,       NULL, 'h'         },
                { "version", no_argument,       NULL, OPT_VERSION },
                { 0 },
        };
        int opt;

        while ((opt = getopt_long(argc, argv, "h", options, NULL)) >= 0)
                switch (opt) {
                case OPT_JSON:
                        o->json = true;
                        break;
                case OPT_OUTPUT:
                        o->output = optarg;
                        break;
                case OPT_WAIT:
                        o->wait = true;
                        break;
                case OPT_CHECK:
                        o->check = true;
                        break;
                case OPT_SOCKET:
                        if (FAILED(umbra_set_socket(optarg))) {
                                fprintf(stderr, "'%s' is too long for a socket\n", optarg);
                                return -EINVAL;
                        }
                        break;
                case 'h':
                        help();
                        return 0;
                case OPT_VERSION:
                        puts("umbra-test-writer " UMBRA_VERSION);
                        return 0;
                default:
                        fputs("See umbra-test-writer --help.\n", stderr);
                        return -EINVAL;
                }

        if (optind + 1 != argc) {
                fprintf(stderr, "One configuration is needed; see umbra-test-writer --help\n");
                return -EINVAL;
        }
        o->config = argv[optind];
        return 1;
}

/* Readable when SIGINT or SIGTERM came; blocked before the first thread is there, so that no other one gets them. */
static int signals_open(void) {
        sigset_t signals;
        int fd;

        (void) sigemptyset(&signals);
        (void) sigaddset(&signals, SIGTERM);
        (void) sigaddset(&signals, SIGINT);
        (void) pthread_sigmask(SIG_BLOCK, &signals, NULL);
        (void) signal(SIGPIPE, SIG_IGN);
        fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
        return fd < 0 ? -errno : fd;
}

/* False: the end came first. */
static bool subscribe(TestWriter *t, const Options *o, int stop_fd, HRESULT *ret) {
        struct pollfd stop = { .fd = stop_fd, .events = POLLIN };

        while ((*ret = umbra_writer_subscribe(t->writer, INFINITE, UMBRA_WRITER_EVENTS)) == VSS_E_WRITER_INFRASTRUCTURE &&
               o->wait)
                if (poll(&stop, 1, RETRY_MSEC) > 0)
                        return false;
        return true;
}

static void say_ready(TestWriter *t) {
        json_t *record = record_new("ready", t->config->name);

        record_text(record, "writerId", GUID_TO_STRING(&t->config->writer_id));
        record_text(record, "instanceName", t->config->instance_name);
        report_emit(t->report, record);
        (void) sd_notify(0, "READY=1");
}

static int serve(TestWriter *t, const Options *o, int stop_fd) {
        struct pollfd stop = { .fd = stop_fd, .events = POLLIN };
        json_t *record;
        HRESULT hr;

        if (!subscribe(t, o, stop_fd, &hr))
                return STATUS_OK;
        if (FAILED(hr)) {
                fprintf(stderr, "umbrad does not take this writer: %s (%s)\n", umbra_last_error(), hresult_name(hr));
                return STATUS_FAILED;
        }
        say_ready(t);
        while (poll(&stop, 1, -1) < 0)
                ;

        (void) umbra_writer_unsubscribe(t->writer);
        record = record_new("stopped", t->config->name);
        record_number(record, "violations", t->n_violations);
        if (t->n_refused > 0)
                record_number(record, "refused", t->n_refused);
        report_emit(t->report, record);
        if (t->n_violations > 0)
                return STATUS_VIOLATIONS;
        return t->n_refused > 0 ? STATUS_FAILED : STATUS_OK;
}

int main(int argc, char *argv[]) {
        _cleanup_(test_writer_config_freep) TestWriterConfig *config = NULL;
        _cleanup_(report_freep) Report *report = NULL;
        _cleanup_(closep) int stop_fd = -EBADF;
        TestWriter *t = NULL;
        Options o = { 0 };
        int r, status;
        HRESULT hr;

        r = parse_options(argc, argv, &o);
        if (r <= 0)
                return r < 0 ? STATUS_USAGE : STATUS_OK;
        if (test_writer_config_load(o.config, &config) < 0)
                return STATUS_FAILED;
        if (o.check)
                return STATUS_OK;

        stop_fd = signals_open();
        r = stop_fd < 0 ? stop_fd : report_new(o.output, o.json, &report);
        if (r < 0) {
                fprintf(stderr, "Cannot write to '%s': %s\n", o.output ?: "standard output", strerror(-r));
                return STATUS_FAILED;
        }
        hr = test_writer_new(config, report, stop_fd, &t);
        if (FAILED(hr)) {
                fprintf(stderr, "%s: the writer cannot be made: %s (%s)\n", o.config, umbra_last_error(), hresult_name(hr));
                return STATUS_FAILED;
        }
        status = serve(t, &o, stop_fd);
        test_writer_free(t);
        return status;
}
