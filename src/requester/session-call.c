/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Session Call
 *
 * The lock of the connection is taken first and given up last, when the messages are gone.
 */

#include "requester/session-call.h"

#include <string.h>

#include "base/hresult.h"
#include "wire/last-error.h"

HRESULT session_request_error(const char *member, int r) {
        if (r == -ENOMEM)
                return last_error_set(E_OUTOFMEMORY, NULL);
        if (r == -E2BIG)
                return last_error_set(E_INVALIDARG, "An argument of %s() is too long.", member);
        if (r == -ENOTCONN || r == -ECONNRESET || r == -EPIPE)
                return last_error_set(VSS_E_UNEXPECTED,
                                      "The connection to umbrad is lost; create a new object.");
        if (r == -ECHILD)
                return last_error_set(VSS_E_UNEXPECTED,
                                      "The object belongs to the process that fork() was called in.");
        if (r == -EACCES)
                return last_error_set(E_ACCESSDENIED,
                                      "The right to make backups was taken away (umbra.conf), and with it "
                                      "the session ended: what it was doing is undone.");

        return last_error_set(hresult_from_errno(r), "%s() cannot be sent: %s.", member, strerror(-r));
}

HRESULT session_answer_error(int r) {
        if (r == -ENOMEM)
                return last_error_set(E_OUTOFMEMORY, NULL);

        return last_error_set(VSS_E_UNEXPECTED,
                              "The answer of umbrad is not understood (%s); library and umbrad may "
                              "be of different versions.",
                              strerror(-r));
}

SessionCall session_call_on(WireClient *client,
                            const char *path,
                            const char *interface,
                            const char *member,
                            usec_t timeout) {
        SessionCall c = { .client = client, .member = member, .timeout = timeout };

        c.r = sd_bus_message_new_method_call(wire_client_lock(client), &c.question, NULL, path, interface,
                                             member);
        return c;
}

SessionCall session_call(SessionProxy *p, const char *member, usec_t timeout) {
        return session_call_on(p->client, WIRE_SESSION_PATH, WIRE_SESSION_INTERFACE, member, timeout);
}

SessionCall session_call_alone(const char *path, const char *interface, const char *member, usec_t timeout) {
        SessionProxy *own;
        SessionCall c;
        HRESULT hr;

        hr = session_proxy_open(&own);
        if (FAILED(hr))
                return (SessionCall){ .member = member, .r = -ENOTCONN, .hr = hr };

        c = session_call_on(own->client, path, interface, member, timeout);
        c.own = own;
        return c;
}

void session_call_done(SessionCall *c) {
        sd_bus_message_unref(c->question);
        sd_bus_message_unref(c->answer);
        if (c->client)
                wire_client_unlock(c->client);
        session_proxy_free(c->own);
}

HRESULT session_call_send(SessionCall *c) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;

        if (FAILED(c->hr))
                return c->hr;
        if (c->r < 0) {
                c->hr = session_request_error(c->member, c->r);
                return c->hr;
        }

        c->r = wire_client_call(c->client, c->question, c->timeout, &error, &c->answer);
        if (c->r == -ENOMEM || c->r == -ECHILD || c->r == -EDEADLK)
                c->hr = session_request_error(c->member, c->r);
        else if (c->r < 0)
                c->hr = session_proxy_error(&error);

        return c->hr;
}

HRESULT session_call_end(const SessionCall *c) {
        if (FAILED(c->hr))
                return c->hr;

        return c->r < 0 ? session_answer_error(c->r) : S_OK;
}

HRESULT session_call_query(SessionCall *c,
                           int (*read)(sd_bus_message *m, SessionQuery *q),
                           SessionQuery *ret) {
        _cleanup_(session_query_clear) SessionQuery q = { 0 };
        HRESULT hr;

        session_call_send(c);
        CALL_READ(c, read, &q);
        hr = session_call_end(c);
        if (FAILED(hr))
                return hr;

        *ret = q;
        q = (SessionQuery){ 0 };
        return S_OK;
}

int session_query_read_snapshots(sd_bus_message *m, SessionQuery *q) {
        return READ_ARRAY(m, WIRE_SNAPSHOT, q->snapshots, q->n_snapshots, q->snapshots_capacity,
                          wire_read_snapshot);
}
