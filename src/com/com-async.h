/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Asynchronous Operations
 *
 * IVssAsync is what a requester holds while umbrad works. Here is the object, and the pump by which it
 * waits: com/ knows no bus, so whoever starts the operation says how news arrives.
 */

#include <stdbool.h>
#include <stdint.h>

#include <vss.h>

typedef struct Async Async;

/*
 * How an operation makes progress. All may be called from any thread, several at once, never with a lock of
 * the operation held.
 */
typedef struct AsyncPump {
        /* Processes what arrives until done(arg) says so: 0; or until @deadline_usec (CLOCK_MONOTONIC,
         * UINT64_MAX: none) has passed: -ETIMEDOUT. Any other error ends the operation, because nothing will
         * come any more. */
        int (*wait)(void *userdata, bool (*done)(void *arg), void *arg, uint64_t deadline_usec);

        /* Processes what has arrived, never blocks: a requester may use nothing but QueryStatus(). */
        void (*poll)(void *userdata);

        /* Asks for the operation to be cancelled, and returns when it has ended: 0. -errno: it has not, goes on,
         * and Cancel says VSS_E_UNEXPECTED; NULL: so it is with all of its kind. */
        int (*cancel)(void *userdata, uint64_t cookie);

        /* The operation keeps @userdata alive between these two. May be NULL. unref() is the last moment at which
         * the operation can be settled: a pump that holds no reference of its own forgets the operation there. */
        void (*ref)(void *userdata);
        void (*unref)(void *userdata);
} AsyncPump;

/*
 * A pending operation. The caller owns one reference, through either of the two pointers. @cookie is what
 * cancel() is told. @pump may be NULL for an operation that is complete at birth or that another thread
 * completes; then waiting is done on a condition variable, and cancelling is only settling.
 */
HRESULT async_new(const AsyncPump *pump,
                  void *userdata,
                  uint64_t cookie,
                  Async **ret,
                  IVssAsync **ret_iface);

/* A completed one: for methods whose work was done by the time they return. */
HRESULT async_new_completed(HRESULT result, IVssAsync **ret_iface);

Async *async_ref(Async *async);
Async *async_unref(Async *async); /* takes NULL, returns NULL */

/*
 * Says how the operation ended; S_OK becomes VSS_S_ASYNC_FINISHED. From any thread, also from within
 * the pump. Who settles first wins: what comes after a cancellation is dropped, and a failure that is
 * the answer to a cancellation counts as cancelled.
 */
void async_complete(Async *async, HRESULT result);
