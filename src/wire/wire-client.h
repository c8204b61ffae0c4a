/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A Connection Shared by Threads
 *
 * sd-bus wants one thread at a time, and the API may be called from any. So a lock guards the bus, and
 * whoever waits takes a role: one thread (the leader) polls the descriptor without the lock, takes the lock
 * to dispatch, and wakes the others through a condition; when its own answer has come, the next waiter
 * leads. There is no thread of our own, and QueryStatus polled every 10 ms works as the only pump.
 */

#include <stdbool.h>
#include <systemd/sd-bus.h>
#include <wintypes.h>

#include "base/macro.h"
#include "base/time-util.h"

typedef struct WireClient WireClient;

/* The socket everyone connects to: the override, $UMBRA_SOCKET (not in privileged programs),
 * WIRE_SOCKET_DEFAULT. */
int wire_socket_override(const char *path); /* NULL: back to the default. -ENAMETOOLONG, -EINVAL for "". */
int wire_socket_path(char **ret);

/* Connects and authenticates. -ENOENT, -ECONNREFUSED: nobody listens; -EACCES; -ETIMEDOUT; -ECONNRESET: the
 * other side closed at once. */
int wire_client_connect(const char *path, usec_t timeout, WireClient **ret);
WireClient *wire_client_ref(WireClient *c);
WireClient *wire_client_unref(WireClient *c); /* the last one closes the connection; takes NULL */
DEFINE_CLEANUP(WireClient *, wire_client_unref)

/*
 * For building and reading messages and adding vtables: the bus and everything that came from it (a message
 * refers to its bus, so also the last unref of a message) may be touched only between lock and unlock. The
 * lock may be taken again by the thread that has it, and all functions below may be called with or without
 * it; those that wait give it up meanwhile. Callbacks run with the lock held and must not wait: there the
 * functions that do return -EDEADLK.
 */
sd_bus *wire_client_lock(WireClient *c);
void wire_client_unlock(WireClient *c);

/* WIRE_CLIENT_LOCKED(c): until the end of the scope. Declare it above the messages, so that it ends after
 * them. */
static inline void wire_client_unlockp(WireClient **c) {
        wire_client_unlock(*c);
}
#define WIRE_CLIENT_LOCKED(c)                                                                               \
        _cleanup_(wire_client_unlockp) _unused_ WireClient *_locked = (wire_client_lock(c), (c))

/* A call that waits. @m is built under the lock. 0 and the reply, or -errno with @error filled. -ENOTCONN:
 * the connection is gone; -ETIMEDOUT: no answer in @timeout, a later one is dropped. @ret_reply may be
 * NULL. */
int wire_client_call(WireClient *c,
                     sd_bus_message *m,
                     usec_t timeout,
                     sd_bus_error *error,
                     sd_bus_message **ret_reply);
/* A call that does not: when this returned 0, @callback runs on whichever thread dispatches, with the lock
 * held, exactly once, also when the connection ends: then with the error SD_BUS_ERROR_DISCONNECTED. What it
 * returns does not matter. */
int wire_client_call_async(WireClient *c,
                           sd_bus_message *m,
                           sd_bus_message_handler_t callback,
                           void *userdata);
/* Sends (a reply to an event); safe from any thread. */
int wire_client_send(WireClient *c, sd_bus_message *m);

/* Dispatches until done(arg) is true (asked under the lock): 0; -ETIMEDOUT at the CLOCK_MONOTONIC @deadline;
 * -ENOTCONN when the connection ended first. */
int wire_client_wait(WireClient *c, bool (*done)(void *arg), void *arg, usec_t deadline);
/* Wakes all that wait, so that they ask done() again: for changes that no message brought. */
void wire_client_wake(WireClient *c);
/* Dispatches what has arrived, never blocks. */
void wire_client_poll(WireClient *c);
/* Shuts the connection down; every waiter and pending call ends with -ENOTCONN. Safe from any thread, and
 * twice. */
void wire_client_disconnect(WireClient *c);
bool wire_client_is_connected(WireClient *c);
/* umbrad said AccessRevoked before it ended the connection: calls end with SD_BUS_ERROR_ACCESS_DENIED,
 * -EACCES, instead of SD_BUS_ERROR_DISCONNECTED, -ENOTCONN. */
bool wire_client_is_revoked(WireClient *c);
