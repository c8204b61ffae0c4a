/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Operations
 *
 * A call of a requester whose answer takes a while: the pending reply behind an IVssAsync, or behind a call that must ask a provider first. It
 * settles exactly once. The numbered ones (GatherWriterMetadata … PostRestore) run one at a time per session and can be cancelled; whoever
 * asked for the cancellation is answered when the operation has really ended.
 */

#include <stdbool.h>
#include <stdint.h>

#include <systemd/sd-bus.h>
#include <wintypes.h>

#include "coordinator/coordinator-forward.h"

struct Operation {
        Operation *prev, *next; /* Session.operations */
        Session *session;
        sd_bus_message *request;
        uint32_t number; /* 0: not cancellable */
        bool uncancellable; /* numbered, but Cancel only waits for its end */
        void *job;       /* what runs, freed by job_free when the operation ends in any way */
        void *(*job_free)(void *);
        sd_bus_message **waiting; /* requests to answer when this has settled: Cancel, AbortBackup */
        size_t n_waiting, waiting_capacity;
};

/* -errno with @error filled, as those of handlers; E_OUTOFMEMORY where WIRE_OPERATIONS_MAX are under way. */
int operation_new(Session *s, sd_bus_message *request, uint32_t number, Operation **ret, sd_bus_error *error);
/* The end without an answer: the requester is gone. */
Operation *operation_free(Operation *op);

/* For building the answer; then operation_settle_reply() sends it and frees. A reply that cannot be built settles as failed. */
int operation_reply(Operation *op, sd_bus_message **ret);
void operation_settle_reply(Operation *op, int r, sd_bus_message *reply);
/* An empty answer, or the error @hr (VSS_S_ASYNC_CANCELLED counts as one) with an optional sentence. */
void operation_settle(Operation *op, HRESULT hr, const char *message);
/* Answers @request when @op has settled. Fails as operation_new(), over as many that wait on the same connection. */
int operation_wait(Operation *op, sd_bus_message *request, sd_bus_error *error);
