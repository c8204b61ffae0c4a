/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Operations
 */

#include "coordinator/operation.h"

#include <utlist.h>

#include "base/alloc.h"
#include "base/hresult.h"
#include "base/log.h"
#include "coordinator/connection.h"
#include "coordinator/session.h"
#include "wire/wire-error.h"
#include "wire/wire-limits.h"
#include "wire/wire-types.h"

/* Whoever asks without ever waiting fills our memory, not his own. */
static int check_amount(size_t n, sd_bus_error *error) {
        if (n < WIRE_OPERATIONS_MAX)
                return 0;
        return wire_error_set(error, E_OUTOFMEMORY, "%u calls of this object are under way; wait for one of them to end",
                              WIRE_OPERATIONS_MAX);
}

int operation_new(Session *s, sd_bus_message *request, uint32_t number, Operation **ret, sd_bus_error *error) {
        Operation *op;
        size_t n;
        int r;

        DL_COUNT(s->operations, op, n);
        r = check_amount(n, error);
        if (r < 0)
                return r;

        op = calloc(1, sizeof(*op));
        if (!op)
                return -ENOMEM;

        op->session = s;
        op->number = number;
        op->request = sd_bus_message_ref(request);
        DL_APPEND(s->operations, op);
        *ret = op;
        return 0;
}

/* An administrator waits on a connection of his own. */
static void send_on_its_own(Operation *op, sd_bus_message *request, sd_bus_message *reply) {
        Connection *c = op->session->connection;

        if (sd_bus_message_get_bus(request) == c->bus)
                (void) connection_send(c, reply);
        else
                (void) sd_bus_send(NULL, reply, NULL);
}

static void operation_answer_waiting(Operation *op) {
        for (size_t i = 0; i < op->n_waiting; ++i) {
                _cleanup_message_ sd_bus_message *reply = NULL;

                if (sd_bus_message_new_method_return(op->waiting[i], &reply) >= 0)
                        send_on_its_own(op, op->waiting[i], reply);
                sd_bus_message_unref(op->waiting[i]);
        }
        op->n_waiting = 0;
}

Operation *operation_free(Operation *op) {
        if (!op)
                return NULL;

        DL_DELETE(op->session->operations, op);
        if (op->session->running == op)
                op->session->running = NULL;
        if (op->job)
                op->job_free(op->job);
        operation_answer_waiting(op);
        free(op->waiting);
        sd_bus_message_unref(op->request);
        free(op);
        return NULL;
}

int operation_reply(Operation *op, sd_bus_message **ret) {
        return sd_bus_message_new_method_return(op->request, ret);
}

static void operation_settle_error(Operation *op, HRESULT hr, const char *message) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_message_ sd_bus_message *reply = NULL;

        wire_error_set(&error, hr, "%s", message ?: hresult_sentence(hr));
        if (sd_bus_message_new_method_error(op->request, &reply, &error) < 0 ||
            connection_send(op->session->connection, reply) < 0)
                log_debug("Requester is gone, dropping the error %s", hresult_name(hr));
}

void operation_settle_reply(Operation *op, int r, sd_bus_message *reply) {
        if (r >= 0)
                r = connection_send(op->session->connection, reply);
        if (r < 0)
                operation_settle_error(op, hresult_from_errno(r), NULL);
        operation_free(op);
}

void operation_settle(Operation *op, HRESULT hr, const char *message) {
        _cleanup_message_ sd_bus_message *reply = NULL;
        int r;

        if (hr == S_OK) {
                r = operation_reply(op, &reply);
                operation_settle_reply(op, r, reply);
                return;
        }

        operation_settle_error(op, hr, message);
        operation_free(op);
}

int operation_wait(Operation *op, sd_bus_message *request, sd_bus_error *error) {
        const sd_bus *bus = sd_bus_message_get_bus(request);
        size_t n = 0;
        int r;

        for (size_t i = 0; i < op->n_waiting; ++i)
                n += sd_bus_message_get_bus(op->waiting[i]) == bus;
        r = check_amount(n, error);
        if (r < 0)
                return r;

        r = ARRAY_RESERVE(op->waiting, op->waiting_capacity, op->n_waiting + 1);
        if (r < 0)
                return r;
        op->waiting[op->n_waiting++] = sd_bus_message_ref(request);
        return 0;
}
