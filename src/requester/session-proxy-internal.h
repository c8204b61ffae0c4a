/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Inside the Session Proxy
 *
 * How a question is put and an answer taken apart: for session-proxy.c and its neighbours, which speak to
 * other interfaces on the connection of a session.
 */

#include <errno.h>

#include "base/alloc.h"
#include "requester/session-proxy.h"
#include "wire/wire-limits.h"

/* An answer with more is not one of umbrad's. */
#define ANSWERS_MAX (WIRE_VOLUMES_MAX * WIRE_SNAPSHOTS_MAX)

/* The caller has taken WIRE_CLIENT_LOCKED(p->client) before it declares the message. */
int session_request_new(SessionProxy *p,
                        const char *path,
                        const char *interface,
                        const char *member,
                        sd_bus_message **ret);
/* @r: how building @m went. */
HRESULT session_request_call(WireClient *client,
                             sd_bus_message *m,
                             int r,
                             const char *member,
                             usec_t timeout,
                             sd_bus_message **ret_reply);
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
