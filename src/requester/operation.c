/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Operations
 *
 * Who holds whom: the caller holds the IVssAsync; that holds the Operation and, through it, the
 * BackupComponents and the connection. The pending call holds the Operation, and neither of the others: when
 * the caller drops the IVssAsync and the object, the connection ends, umbrad undoes what it was doing, and
 * the call is answered with that. So @async is a pointer without a reference, which the IVssAsync takes back
 * (pump_unref) before it goes.
 */

#include "requester/operation.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "base/hresult.h"
#include "com/com-async.h"
#include "wire/last-error.h"
#include "wire/wire-limits.h"

struct Operation {
        atomic_uint n_ref;
        BackupComponents *backup;
        const OperationKind *kind;
        uint32_t number;

        Async *async; /* NULL once nobody holds it */
        bool settled;
        HRESULT result;
        char *sentence; /* why it failed, for whichever thread asks */
};

static Operation *operation_unref(Operation *op) {
        if (!op || atomic_fetch_sub_explicit(&op->n_ref, 1, memory_order_acq_rel) != 1)
                return NULL;

        free(op->sentence);
        free(op);
        return NULL;
}

DEFINE_CLEANUP(Operation *, operation_unref)

static bool operation_is_settled(void *arg) {
        Operation *op = arg;

        return op->settled;
}

bool operation_is_awaited(const Operation *op) {
        return op->async;
}

/* The one who asks learns why, on whatever thread the answer came in. */
static void operation_tell(Operation *op) {
        BACKUP_LOCKED(op->backup);

        if (op->settled && FAILED(op->result))
                (void) last_error_set(op->result, op->sentence ? "%s" : NULL, op->sentence);
}

static int pump_wait(void *userdata, bool (*done)(void *arg), void *arg, uint64_t deadline) {
        Operation *op = userdata;
        int r;

        r = wire_client_wait(op->backup->session->client, done, arg, deadline);
        operation_tell(op);
        return r;
}

static void pump_poll(void *userdata) {
        Operation *op = userdata;

        wire_client_poll(op->backup->session->client);
        operation_tell(op);
}

/* Returns when the operation has really ended: umbrad answers both it and the Cancel when all is undone. Where
 * that takes too long, because it is one that cannot be broken off, nobody is told that it was. */
static int pump_cancel(void *userdata, uint64_t cookie) {
        Operation *op = userdata;
        SessionProxy *session = op->backup->session;
        int r;

        {
                BACKUP_LOCKED(op->backup);

                if (op->settled)
                        return 0;
        }

        (void) session_proxy_cancel(session, op->number);
        r = wire_client_wait(session->client, operation_is_settled, op,
                             usec_add(now_usec(CLOCK_MONOTONIC), WIRE_PREPARE_TIMEOUT_USEC));
        if (r < 0)
                (void) last_error_set(VSS_E_UNEXPECTED, "%s() could not be ended and goes on: wait for its IVssAsync.",
                                      op->kind->name);
        return r;
}

static void pump_ref(void *userdata) {
        Operation *op = userdata;

        atomic_fetch_add_explicit(&op->n_ref, 1, memory_order_relaxed);
        backup_components_keep(op->backup);
}

static void pump_unref(void *userdata) {
        Operation *op = userdata;
        BackupComponents *b = op->backup;

        {
                BACKUP_LOCKED(b);

                op->async = NULL;
        }

        operation_unref(op);
        backup_components_drop(b); /* perhaps the end of the connection, and of the pending call */
}

static const AsyncPump operation_pump = {
        .wait = pump_wait,
        .poll = pump_poll,
        .cancel = pump_cancel,
        .ref = pump_ref,
        .unref = pump_unref,
};

/* For what nobody can stop. */
static const AsyncPump stubborn_pump = {
        .wait = pump_wait,
        .poll = pump_poll,
        .ref = pump_ref,
        .unref = pump_unref,
};

static HRESULT operation_result(Operation *op, sd_bus_message *m) {
        const sd_bus_error *error = sd_bus_message_get_error(m);
        HRESULT hr;

        if (!error)
                return op->kind->finish ? op->kind->finish(op->backup, m) : S_OK;

        hr = session_proxy_error(error);
        if (op->kind->writers_write && !wire_client_is_connected(op->backup->session->client))
                op->backup->torn = op->kind->name;
        if (op->kind->asks_writers && sd_bus_error_has_name(error, SD_BUS_ERROR_DISCONNECTED))
                return VSS_E_WRITER_INFRASTRUCTURE;

        return hr;
}

static int operation_on_answer(sd_bus_message *m, void *userdata, sd_bus_error *ignored) {
        _cleanup_(operation_unrefp) Operation *op = userdata; /* what the pending call held */
        BackupComponents *b = op->backup;
        SessionState next;
        HRESULT hr;

        hr = operation_result(op, m);
        if (FAILED(hr))
                op->sentence = strdup(last_error_get());

        op->settled = true;
        op->result = hr;
        b->running = NULL;
        b->rules.running = NULL;

        /* Where AbortBackup() came in between there is nothing to move on to. */
        next = hr == S_OK ? op->kind->success : op->kind->failure;
        if (next != _SESSION_STATE_INVALID)
                (void) session_rules_enter(&b->rules, next);

        if (op->async)
                async_complete(op->async, hr);
        if (b->released)
                wire_client_disconnect(b->session->client);

        return 1;
}

static Operation *operation_new(BackupComponents *b, const OperationKind *kind) {
        Operation *op;

        op = calloc_checked(1, sizeof(*op));
        if (!op)
                return NULL;

        atomic_init(&op->n_ref, 1);
        op->backup = b;
        op->kind = kind;
        op->number = ++b->n_operations;
        return op;
}

typedef struct Appended {
        Operation *op;
        const void *arg;
} Appended;

static int operation_append(sd_bus_message *m, const void *arg) {
        const Appended *a = arg;

        return a->op->kind->append ? a->op->kind->append(m, a->op->backup, a->arg) : 0;
}

static HRESULT operation_send(Operation *op, const void *arg) {
        const Appended appended = { .op = op, .arg = arg };
        BackupComponents *b = op->backup;
        _cleanup_(freep) char *text = NULL;
        size_t size = 0;
        HRESULT hr;

        if (op->kind->document != DOCUMENT_NONE) {
                /* All that hangs on the document becomes stale now: it is about to be another one. */
                hr = backup_components_renew_view(b);
                if (SUCCEEDED(hr))
                        hr = view_owner_enter(b->view);
                if (FAILED(hr))
                        return last_error_set(hr, NULL);

                hr = backup_doc_write(b->view->doc, &text, &size);
                view_owner_leave(b->view);
                if (FAILED(hr))
                        return last_error_set(hr, NULL);
        }

        return session_proxy_begin(b->session, op->kind->member ?: op->kind->name, op->number, operation_append, &appended,
                                   op->kind->document, text, size, operation_on_answer, op);
}

HRESULT operation_begin(BackupComponents *b, const OperationKind *kind, IVssAsync **ret) {
        return operation_begin_with(b, kind, NULL, ret);
}

HRESULT operation_begin_with(BackupComponents *b, const OperationKind *kind, const void *arg, IVssAsync **ret) {
        _cleanup_(operation_unrefp) Operation *op = NULL;
        IVssAsync *iface;
        HRESULT hr;

        BACKUP_LOCKED(b);

        hr = backup_components_check(b, kind->call, kind->name);
        if (FAILED(hr))
                return hr;

        op = operation_new(b, kind);
        if (!op)
                return last_error_set(E_OUTOFMEMORY, NULL);

        hr = async_new(kind->cannot_cancel ? &stubborn_pump : &operation_pump, op, 0, &op->async, &iface);
        if (FAILED(hr))
                return last_error_set(hr, NULL);

        hr = operation_send(op, arg);
        if (FAILED(hr)) {
                IVssAsync_Release(iface);
                return kind->asks_writers && hr == VSS_E_UNEXPECTED ? VSS_E_WRITER_INFRASTRUCTURE : hr;
        }

        b->running = TAKE_PTR(op);
        b->rules.running = kind->name;
        *ret = iface;
        return S_OK;
}
