/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Session Call
 *
 * How umbrad is asked and its answer taken apart, for the proxies: what is appended, sent and read, in this
 * order. After a step that failed the others do nothing, and session_call_end() says why.
 *
 *      _cleanup_call_ SessionCall c = session_call(p, "ExposeSnapshot", WIRE_PREPARE_TIMEOUT_USEC);
 *
 *      CALL_APPEND(&c, wire_append_guid, snapshot_id);
 *      session_call_send(&c);
 *      CALL_READ(&c, wire_read_text, ret_path);
 *      return session_call_end(&c);
 */

#include <errno.h>

#include "base/alloc.h"
#include "base/time-util.h"
#include "requester/session-proxy.h"
#include "wire/wire-limits.h"

/* Of the smallest records an array of D-Bus, 64 MiB, has fewer. Shadow copies run out of something else before: so many
 * cannot be mounted (fs.mount-max). What a set or a volume may have says nothing about a machine. */
#define ANSWERS_MAX (1024U * 1024U)

typedef struct SessionCall {
        WireClient *client; /* locked until the call is done: the messages are its */
        SessionProxy *own;  /* a session for this call alone, or NULL */
        const char *member;
        usec_t timeout;
        sd_bus_message *question, *answer;
        int r;      /* of the last step */
        HRESULT hr; /* why the question got no answer, with its sentence set */
} SessionCall;

/* On umbra.Session1 of @p. */
SessionCall session_call(SessionProxy *p, const char *member, usec_t timeout);
SessionCall session_call_on(WireClient *client,
                            const char *path,
                            const char *interface,
                            const char *member,
                            usec_t timeout);
/* With a session that is opened for it, and ends with it. */
SessionCall session_call_alone(const char *path, const char *interface, const char *member, usec_t timeout);
void session_call_done(SessionCall *c);
#define _cleanup_call_ _cleanup_(session_call_done)

/* @append and @read: functions that take the message first, and return -errno. */
#define CALL_APPEND(c, append, ...)                                                                         \
        do {                                                                                                \
                if ((c)->r >= 0)                                                                            \
                        (c)->r = append((c)->question, __VA_ARGS__);                                        \
        } while (false)
#define CALL_READ(c, read, ...)                                                                             \
        do {                                                                                                \
                if ((c)->r >= 0)                                                                            \
                        (c)->r = read((c)->answer, __VA_ARGS__);                                            \
        } while (false)

/* What it returns is enough where nothing is read. */
HRESULT session_call_send(SessionCall *c);
HRESULT session_call_end(const SessionCall *c);

/* Sends, and reads with @read all that was found. */
HRESULT session_call_query(SessionCall *c,
                           int (*read)(sd_bus_message *m, SessionQuery *q),
                           SessionQuery *ret);
int session_query_read_snapshots(sd_bus_message *m, SessionQuery *q);

/* What went wrong on our side, before umbrad was asked. */
HRESULT session_request_error(const char *member, int r);
/* Reading the answer has failed with @r. */
HRESULT session_answer_error(int r);

/* Reads an array of records, each with @read into the next element. */
#define READ_ARRAY(m, contents, array, n, capacity, read)                                                   \
        ({                                                                                                  \
                int _r = sd_bus_message_enter_container((m), 'a', (contents));                              \
                                                                                                            \
                if (_r == 0)                                                                                \
                        _r = -EBADMSG;                                                                      \
                while (_r >= 0 && (_r = sd_bus_message_at_end((m), 0)) == 0) {                              \
                        _r = (n) >= ANSWERS_MAX ? -E2BIG : ARRAY_RESERVE((array), (capacity), (n) + 1);     \
                        if (_r >= 0)                                                                        \
                                _r = read((m), (array) + (n));                                              \
                        if (_r >= 0)                                                                        \
                                ++(n);                                                                      \
                }                                                                                           \
                _r < 0 ? _r : sd_bus_message_exit_container(m);                                             \
        })
