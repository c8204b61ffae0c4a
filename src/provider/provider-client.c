/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The Coordinator's End of a Provider's Worker
 *
 *                          process ends [client_on_end]
 *      LIVING ───────────────────────────────────────────> GONE
 *         │                                                 ▲
 *         │ deadline, nonsense, lost connection             │
 *         └─────────────────────────> DYING ────────────────┘
 *                     [client_kill]
 *
 *  In LIVING questions are sent and answered.
 *  In DYING the process has got SIGKILL and nothing is sent any more.
 *  In GONE every open question has been answered, and a new one is as soon as the loop runs.
 *
 * A worker can hang in the kernel where SIGKILL does not reach it. So DYING may last, and meanwhile each
 * open question is still answered at its own deadline. Whoever is answered may ask again or free the client
 * at once; while we walk over questions we hold a reference.
 */

#include "provider/provider-ask.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <utlist.h>

#include <systemd/sd-bus.h>
#include <vsserror.h>

#include "base/alloc.h"
#include "base/fd-util.h"
#include "base/guid.h"
#include "base/hresult.h"
#include "base/process-util.h"
#include "base/strv.h"
#include "provider/provider-builtin.h"
#include "provider/provider-protocol.h"
#include "wire/wire-names.h"
#include "wire/wire-types.h"

#ifndef UMBRA_LIBEXECDIR
#error "where are the worker programs?"
#endif

typedef enum ClientState {
        CLIENT_LIVING,
        CLIENT_DYING,
        CLIENT_GONE,
} ClientState;

typedef struct Question {
        struct Question *prev, *next;
        ProviderClient *client;
        ProviderCall call;
        usec_t timeout;
        sd_bus_slot *slot;       /* of the reply */
        sd_event_source *timer;  /* the deadline */
        ProviderAnswered done;
        void *userdata;
} Question;

struct ProviderClient {
        unsigned n_ref; /* ours while callbacks run, and the owner's */
        bool freed;     /* by the owner */
        ClientState state;
        char *name;
        bool foreign; /* and so is told before it ends */
        char *why; /* it was killed or is gone; NULL: nobody knows */
        sd_event *event;
        pid_t pid;
        int pidfd;
        sd_event_source *end; /* of the process */
        sd_bus *bus;
        sd_event_source *io;
        Question *questions; /* in the order they were asked */
        ProviderProgress on_progress;
        void *progress_userdata;
};

static ProviderClient *client_ref(ProviderClient *c) {
        ++c->n_ref;
        return c;
}

static ProviderClient *client_unref(ProviderClient *c) {
        if (--c->n_ref > 0)
                return NULL;

        assert(!c->questions);
        free(c->name);
        free(c->why);
        sd_event_unref(c->event);
        free(c);
        return NULL;
}

DEFINE_CLEANUP(ProviderClient *, client_unref)

static Question *question_free(Question *q) {
        DL_DELETE(q->client->questions, q);
        sd_event_source_disable_unref(q->timer);
        sd_bus_slot_unref(q->slot);
        free(q);
        return NULL;
}

/* The only place where an answer is given. The caller holds a reference. */
static void question_answer(Question *q, const ProviderAnswer *answer) {
        ProviderClient *c = q->client;
        ProviderAnswered done = q->done;
        void *userdata = q->userdata;

        q = question_free(q);
        done(c, answer, userdata);
}

static void question_answer_broken(Question *q) {
        ProviderClient *c = q->client;
        _cleanup_(freep) char *why = NULL;
        ProviderAnswer answer = { .hr = VSS_E_UNEXPECTED_PROVIDER_ERROR };

        (void) strdup_to(c->why, &why); /* c may be gone before the answer has been read */
        answer.message = why ?: hresult_sentence(answer.hr);
        question_answer(q, &answer);
}

/* @format may be NULL where the end of the process will say why. */
static _printf_(2, 3) void client_kill(ProviderClient *c, const char *format, ...) {
        char text[256];
        va_list ap;

        if (c->state != CLIENT_LIVING)
                return;

        if (format) {
                va_start(ap, format);
                (void) vsnprintf(text, sizeof(text), format, ap);
                va_end(ap);
                (void) free_and_strdup(&c->why, text);
        }

        c->state = CLIENT_DYING;
        (void) sd_event_source_set_enabled(c->io, SD_EVENT_OFF);
        (void) pidfd_send_signal(c->pidfd, SIGKILL, NULL, 0);
}

static bool is_lost(int r) {
        return r == -ECONNRESET || r == -ENOTCONN || r == -EPIPE;
}

static void client_update_events(ProviderClient *c) {
        int events = sd_bus_get_events(c->bus);

        if (events >= 0)
                (void) sd_event_source_set_io_events(c->io, (uint32_t) events);
}

/* Answers whatever has arrived. */
static void client_process(ProviderClient *c) {
        int r = 1;

        while (r > 0 && c->state == CLIENT_LIVING && !c->freed) {
                r = sd_bus_process(c->bus, NULL);
                if (is_lost(r))
                        client_kill(c, NULL);
                else if (r < 0)
                        client_kill(c, "the %s provider's worker talked nonsense", c->name);
        }

        if (c->state == CLIENT_LIVING && !c->freed)
                client_update_events(c);
}

static int client_on_io(sd_event_source *s, int fd, uint32_t revents, void *userdata) {
        _cleanup_(client_unrefp) ProviderClient *c = client_ref(userdata);

        client_process(c);
        return 0;
}

static int client_on_end(sd_event_source *s, int fd, uint32_t revents, void *userdata) {
        _cleanup_(client_unrefp) ProviderClient *c = client_ref(userdata);
        char why[128];
        int r, status;

        r = process_reap(c->pidfd, &status);
        if (r == -EAGAIN)
                return 0;

        (void) sd_event_source_set_enabled(c->end, SD_EVENT_OFF);
        client_process(c); /* it may have answered before */
        if (c->freed)
                return 0;

        (void) sd_event_source_set_enabled(c->io, SD_EVENT_OFF);
        c->state = CLIENT_GONE;
        if (!c->why) {
                if (r < 0)
                        (void) snprintf(why, sizeof(why), "the %s provider's worker is gone", c->name);
                else if (status < 0)
                        (void) snprintf(why, sizeof(why), "the %s provider's worker died (signal %d)",
                                        c->name, -status);
                else
                        (void) snprintf(why, sizeof(why), "the %s provider's worker ended (status %d)",
                                        c->name, status);
                (void) strdup_to(why, &c->why);
        }

        while (c->questions)
                question_answer_broken(c->questions);
        return 0;
}

static int question_on_deadline(sd_event_source *s, uint64_t usec, void *userdata) {
        Question *q = userdata;
        _cleanup_(client_unrefp) ProviderClient *c = client_ref(q->client);
        char span[SPAN_STRING_MAX], text[256];
        ProviderAnswer answer = { .hr = VSS_E_PROVIDER_VETO, .message = text };

        if (c->state != CLIENT_LIVING) {
                question_answer_broken(q);
                return 0;
        }

        (void) snprintf(text, sizeof(text),
                        "the %s provider did not %s the volume within %s and was stopped", c->name,
                        provider_members[q->call].deed, span_to_string(q->timeout, span));
        client_kill(c, "%s", text);
        question_answer(q, &answer);
        return 0;
}

/* What the worker said, taken apart. @ret_text and @ret_storage are what the answer's texts point at. */
static int read_answer(sd_bus_message *m,
                       ProviderCall call,
                       ProviderProbe *probe,
                       ProviderSpace *space,
                       ProviderInstant **ret_instants,
                       ProviderAnswer *answer,
                       char **ret_text,
                       char **ret_storage) {
        uint32_t reverted;
        int r, present = false;

        switch (call) {
        case PROVIDER_CALL_PROBE:
                r = provider_read_probe(m, probe);
                answer->probe = probe;
                break;
        case PROVIDER_CALL_USAGE:
                r = provider_read_space(m, space);
                answer->space = space;
                break;
        case PROVIDER_CALL_COMMIT:
                r = provider_read_instants(m, ret_instants, &answer->n_instants);
                answer->instants = *ret_instants;
                break;
        case PROVIDER_CALL_IS_SNAPSHOTTED:
                r = sd_bus_message_read(m, "bi", &present, &answer->compatibility);
                answer->present = present;
                break;
        case PROVIDER_CALL_TEND:
                r = sd_bus_message_read(m, "u", &answer->permille);
                break;
        case PROVIDER_CALL_MAY_REVERT:
                r = wire_read_text(m, ret_text);
                if (r >= 0 && *ret_text && strlen(*ret_text) > PROVIDER_NOTE_MAX)
                        r = -EBADMSG;
                answer->text = *ret_text;
                break;
        case PROVIDER_CALL_REVERT:
                r = sd_bus_message_read(m, "u", &reverted);
                if (r >= 0 && reverted >= _PROVIDER_REVERTED_MAX)
                        r = -EBADMSG;
                if (r >= 0)
                        answer->reverted = (ProviderReverted) reverted;
                break;
        case PROVIDER_CALL_PLAN:
        case PROVIDER_CALL_IMPORT:
        case PROVIDER_CALL_SURFACE:
        case PROVIDER_CALL_MAY_EXPOSE:
                r = wire_read_text(m, ret_text);
                if (r >= 0 && !*ret_text)
                        r = -EBADMSG;
                if (r >= 0 && (call == PROVIDER_CALL_SURFACE || call == PROVIDER_CALL_MAY_EXPOSE) &&
                    (*ret_text)[0] != '/')
                        r = -EBADMSG;
                answer->text = *ret_text;
                if (r >= 0 && call == PROVIDER_CALL_SURFACE)
                        r = wire_read_text(m, ret_storage);
                if (r >= 0 && *ret_storage && strlen(*ret_storage) > PROVIDER_NOTE_MAX)
                        r = -EBADMSG;
                answer->storage = *ret_storage;
                break;
        default:
                r = 0;
        }
        if (r < 0)
                return r;

        r = sd_bus_message_at_end(m, true);
        return r == 0 ? -EBADMSG : r;
}

static int question_on_reply(sd_bus_message *m, void *userdata, sd_bus_error *ret_error) {
        Question *q = userdata;
        ProviderClient *c = q->client; /* referenced by whoever processes */
        const sd_bus_error *error = sd_bus_message_get_error(m);
        _cleanup_(provider_space_clear) ProviderSpace space = { 0 };
        _cleanup_(freep) ProviderInstant *instants = NULL;
        _cleanup_(freep) char *text = NULL, *storage = NULL;
        ProviderAnswer answer = { 0 };
        ProviderProbe probe;
        int r;

        if (sd_bus_error_has_name(error, SD_BUS_ERROR_NO_REPLY)) {
                client_kill(c, NULL); /* lost; the end of the process answers, and knows why */
                return 0;
        }

        r = error ? provider_read_error(error, &answer.hr) :
                    read_answer(m, q->call, &probe, &space, &instants, &answer, &text, &storage);
        if (r < 0) {
                client_kill(c, "the %s provider's worker answered nonsense to '%s'", c->name,
                            provider_members[q->call].name);
                return 0;
        }

        answer.message = error ? error->message : NULL;
        question_answer(q, &answer);
        return 0;
}

static int client_on_progress(sd_bus_message *m, void *userdata, sd_bus_error *ret_error) {
        ProviderClient *c = userdata; /* referenced by whoever processes */
        uint32_t permille;
        int r;

        r = sd_bus_message_read(m, "u", &permille);
        if (r < 0 || permille > 1000)
                client_kill(c, "the %s provider's worker talked nonsense", c->name);
        else if (c->on_progress && !c->freed)
                c->on_progress(c, permille, c->progress_userdata);

        return 0;
}

void provider_client_on_progress(ProviderClient *c, ProviderProgress callback, void *userdata) {
        c->on_progress = callback;
        c->progress_userdata = userdata;
}

/* A copy of the socketpair's other end goes to the child; ours becomes the bus. */
static int client_start_bus(ProviderClient *c, int *fd) {
        int r;

        r = sd_bus_new(&c->bus);
        if (r < 0)
                return r;

        r = sd_event_add_io(c->event, &c->io, *fd, EPOLLIN, client_on_io, c);
        if (r < 0)
                return r;

        r = sd_bus_set_fd(c->bus, *fd, *fd);
        if (r < 0)
                return r;
        *fd = -EBADF; /* the bus closes it */

        r = sd_bus_match_signal(c->bus, NULL, NULL, WIRE_PROVIDER_PATH, WIRE_PROVIDER_INTERFACE,
                                PROVIDER_PROGRESS_SIGNAL, client_on_progress, c);
        if (r < 0)
                return r;

        r = sd_bus_start(c->bus);
        if (r < 0)
                return r;

        client_update_events(c);
        return 0;
}

static int append_words(char ***argv, const char *const *words, size_t n) {
        int r = 0;

        for (size_t i = 0; r >= 0 && i < n && words[i]; ++i)
                r = strv_append(argv, words[i]);
        return r;
}

static int client_start_worker(ProviderClient *c, const ProviderEnv *env, const ProviderInfo *info, int fd) {
        const char *program = info->foreign ? PROVIDER_COM_PROGRAM : PROVIDER_WORKER_PROGRAM;
        const char *const whose[] = {
                "--class", GUID_TO_STRING(&info->class_id), "--id", GUID_TO_STRING(&info->id), "--",
        };
        const char *const words[] = {
                "--provider", c->name, "--state-dir", env->state_dir, "--runtime-dir", env->runtime_dir,
                env->privileged ? "--privileged" : NULL,
        };
        _cleanup_(freep) char *path = NULL;
        _cleanup_(strv_freep) char **argv = NULL;
        SpawnOptions options = { .fds = &fd, .n_fds = 1, .die_with_parent = true, .new_session = true };
        int r;

        r = program_path(program, UMBRA_LIBEXECDIR, &path);
        if (r >= 0)
                r = strv_append(&argv, program);
        if (r >= 0 && info->foreign)
                r = append_words(&argv, whose, ELEMENTSOF(whose));
        if (r >= 0)
                r = append_words(&argv, words, ELEMENTSOF(words));
        if (r < 0)
                return r;

        options.path = path;
        options.argv = argv;
        r = process_spawn(&options, &c->pid, &c->pidfd);
        if (r < 0)
                return r;

        return sd_event_add_io(c->event, &c->end, c->pidfd, EPOLLIN, client_on_end, c);
}

int provider_client_new(sd_event *event,
                        const ProviderEnv *env,
                        const ProviderInfo *info,
                        ProviderClient **ret) {
        _cleanup_(closep) int ours = -EBADF, theirs = -EBADF;
        _cleanup_(provider_client_freep) ProviderClient *c = NULL;
        int fds[2], r;

        c = calloc_checked(1, sizeof(*c));
        if (!c)
                return -ENOMEM;

        c->n_ref = 1;
        c->pidfd = -EBADF;
        c->event = sd_event_ref(event);
        c->foreign = info->foreign;
        r = strdup_to(info->name, &c->name);
        if (r < 0)
                return r;

        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) < 0)
                return -errno;
        ours = fds[0];
        theirs = fds[1];

        r = client_start_worker(c, env, info, theirs);
        if (r < 0)
                return r;

        r = client_start_bus(c, &ours);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(c);
        return 0;
}

/* A process that has not ended yet is waited for by nobody but the event loop. */
static int reap_late(sd_event_source *s, int fd, uint32_t revents, void *userdata) {
        if (process_reap(fd, NULL) != -EAGAIN)
                sd_event_source_disable_unref(s);
        return 0;
}

/* A host of others that is not at work ends by itself, in time (provider-worker.c): it has seen that the
 * connection is closed. */
static void client_leave_process(ProviderClient *c, bool idle) {
        sd_event_source *late = NULL;

        if (c->pidfd < 0)
                return;

        sd_event_source_disable_unref(c->end);
        c->end = NULL;
        if (c->state != CLIENT_GONE) {
                if (!c->foreign || !idle)
                        (void) pidfd_send_signal(c->pidfd, SIGKILL, NULL, 0);
                if (process_reap(c->pidfd, NULL) == -EAGAIN &&
                    sd_event_add_io(c->event, &late, c->pidfd, EPOLLIN, reap_late, NULL) >= 0) {
                        (void) sd_event_source_set_io_fd_own(late, true);
                        (void) sd_event_source_set_floating(late, true);
                        sd_event_source_unref(late);
                        c->pidfd = -EBADF;
                }
        }
        c->pidfd = fd_close(c->pidfd);
}

ProviderClient *provider_client_free(ProviderClient *c) {
        bool idle;

        if (!c)
                return NULL;

        idle = !c->questions;
        c->freed = true;
        while (c->questions)
                question_free(c->questions);
        sd_event_source_disable_unref(c->io);
        c->io = NULL;
        c->bus = sd_bus_close_unref(c->bus);
        client_leave_process(c, idle);
        return client_unref(c);
}

pid_t provider_client_pid(const ProviderClient *c) {
        return c->pid;
}

static int question_new(ProviderClient *c,
                        ProviderCall call,
                        usec_t timeout,
                        ProviderAnswered done,
                        void *userdata,
                        Question **ret) {
        Question *q;
        int r;

        q = calloc_checked(1, sizeof(*q));
        if (!q)
                return -ENOMEM;

        q->client = c;
        q->call = call;
        q->timeout = timeout;
        q->done = done;
        q->userdata = userdata;
        DL_APPEND(c->questions, q);

        r = sd_event_add_time_relative(c->event, &q->timer, CLOCK_MONOTONIC, timeout, 0,
                                       question_on_deadline, q);
        if (r < 0) {
                question_free(q);
                return r;
        }

        (void) sd_event_source_set_description(q->timer, provider_members[call].name);
        *ret = q;
        return 0;
}

int client_ask(ProviderClient *c,
               ProviderCall call,
               sd_bus_message *m,
               usec_t timeout,
               ProviderAnswered done,
               void *userdata) {
        Question *q;
        int r;

        r = question_new(c, call, c->state == CLIENT_GONE ? 0 : timeout, done, userdata, &q);
        if (r < 0 || !m)
                return r;

        r = sd_bus_call_async(c->bus, &q->slot, m, question_on_reply, q, UINT64_MAX);
        if (is_lost(r)) {
                client_kill(c, NULL);
                return 0;
        }
        if (r < 0) {
                question_free(q);
                return r;
        }

        client_update_events(c);
        return 0;
}

int client_message(ProviderClient *c, ProviderCall call, sd_bus_message **ret) {
        if (sd_bus_is_open(c->bus) <= 0)
                client_kill(c, NULL);
        if (c->state != CLIENT_LIVING) {
                *ret = NULL;
                return 0;
        }

        return sd_bus_message_new_method_call(c->bus, ret, NULL, WIRE_PROVIDER_PATH, WIRE_PROVIDER_INTERFACE,
                                              provider_members[call].name);
}
