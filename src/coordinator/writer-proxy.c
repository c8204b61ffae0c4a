/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Writers, as the Coordinator Sees Them
 */

#include "coordinator/writer-proxy.h"

#include <utlist.h>

#include "base/log.h"
#include "coordinator/connection.h"
#include "coordinator/express-writers.h"
#include "coordinator/manager.h"
#include "coordinator/writer-registry.h"
#include "doc/doc-limits.h"
#include "wire/wire-error.h"
#include "wire/wire-limits.h"
#include "wire/wire-types.h"

/* @due is the deadline of an answer that comes over the bus, and the moment of one that is given here. */
struct WriterCall {
        WriterCall *prev, *next; /* WriterProxy.calls */
        WriterProxy *writer;
        WireEvent event;
        sd_bus_slot *slot;
        sd_event_source *due;
        WriterAnswered done;
        void *userdata;
};

WriterCall *writer_call_forget(WriterCall *call) {
        if (!call)
                return NULL;

        DL_DELETE(call->writer->calls, call);
        sd_bus_slot_unref(call->slot);
        sd_event_source_disable_unref(call->due);
        free(call);
        return NULL;
}

static void writer_call_answer(WriterCall *call, const WriterReply *reply) {
        WriterAnswered done = call->done;
        WriterProxy *w = call->writer;
        void *userdata = call->userdata;

        writer_call_forget(call);
        done(w, reply, userdata);
}

static void writer_call_fail(WriterCall *call, HRESULT hr, const char *message) {
        const WriterReply reply = { .hr = hr, .message = message };

        writer_call_answer(call, &reply);
}

int writer_reply_read(sd_bus_message *m, WriterReply *reply, char **message, char **document) {
        int32_t hr, hr_application;
        int r;

        r = sd_bus_message_read(m, "ii", &hr, &hr_application);
        if (r < 0)
                return r;
        r = wire_read_text(m, message);
        if (r < 0)
                return r;
        r = wire_read_optional_blob(m, DOCUMENT_SIZE_MAX, document, &reply->document_size);
        if (r < 0)
                return r;

        reply->hr = hr;
        reply->hr_application = hr_application;
        reply->message = *message;
        reply->document = *document;
        return 0;
}

static int writer_call_on_reply(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        _cleanup_(freep) char *message = NULL, *document = NULL;
        WriterCall *call = userdata;
        WriterReply reply = { 0 };
        int r;

        if (sd_bus_message_is_method_error(m, NULL)) {
                const sd_bus_error *e = sd_bus_message_get_error(m);

                /* What sd-bus makes up when the other end is gone. */
                if (sd_bus_error_has_names(e, SD_BUS_ERROR_NO_REPLY, SD_BUS_ERROR_DISCONNECTED, SD_BUS_ERROR_TIMEOUT))
                        writer_call_fail(call, VSS_E_WRITER_NOT_RESPONDING, "the writer's process has ended");
                else
                        writer_call_fail(call, hresult_from_wire_error(e), e->message);
                return 0;
        }

        r = writer_reply_read(m, &reply, &message, &document);
        if (r < 0) {
                log_warning_errno(r, "Writer '%s' answered %s with a message that is not ours, counting it as failed: %m",
                                  call->writer->name, wire_event_to_string(call->event));
                writer_call_fail(call, VSS_E_UNEXPECTED_WRITER_ERROR, "the writer's answer could not be read");
                return 0;
        }
        writer_call_answer(call, &reply);
        return 0;
}

static int writer_call_on_deadline(sd_event_source *s, uint64_t usec, void *userdata) {
        WriterCall *call = userdata;

        log_warning("Writer '%s' has not answered %s in time, giving it up", call->writer->name,
                    wire_event_to_string(call->event));
        writer_call_fail(call, VSS_E_WRITERERROR_TIMEOUT, "the writer did not answer in time");
        return 0;
}

static int writer_append_event(sd_bus_message *m, const WriterEventArgs *args) {
        int r;

        r = sd_bus_message_append(m, "u", (uint32_t) args->event);
        if (r < 0)
                return r;
        r = wire_append_guid(m, &args->session_id);
        if (r < 0)
                return r;
        r = wire_append_guid(m, &args->set_id);
        if (r < 0)
                return r;
        r = sd_bus_message_append(m, "iuuu", args->context, (uint32_t) args->backup_type, (uint32_t) args->restore_type,
                                  args->flags);
        if (r < 0)
                return r;

        r = sd_bus_message_open_container(m, 'a', "s");
        if (r < 0)
                return r;
        for (size_t i = 0; i < args->n_volumes; ++i) {
                r = wire_append_text(m, args->volumes[i]);
                if (r < 0)
                        return r;
        }
        r = sd_bus_message_close_container(m);
        if (r < 0)
                return r;

        r = sd_bus_message_open_container(m, 'a', "(ss)");
        if (r < 0)
                return r;
        for (size_t i = 0; i < args->n_devices; ++i) {
                r = sd_bus_message_open_container(m, 'r', "ss");
                if (r < 0)
                        return r;
                r = wire_append_text(m, args->devices[i].volume);
                if (r < 0)
                        return r;
                r = wire_append_text(m, args->devices[i].device);
                if (r < 0)
                        return r;
                r = sd_bus_message_close_container(m);
                if (r < 0)
                        return r;
        }
        r = sd_bus_message_close_container(m);
        if (r < 0)
                return r;

        return wire_append_optional_blob(m, args->document, args->document_size);
}

static int writer_call_over_bus(WriterCall *call, const WriterEventArgs *args, usec_t timeout) {
        _cleanup_message_ sd_bus_message *m = NULL;
        WriterProxy *w = call->writer;
        int r;

        r = sd_bus_message_new_method_call(w->connection->bus, &m, NULL, WIRE_WRITER_PATH, WIRE_WRITER_INTERFACE, "Event");
        if (r >= 0)
                r = writer_append_event(m, args);
        if (r >= 0)
                r = sd_event_add_time_relative(w->manager->event, &call->due, CLOCK_MONOTONIC, timeout, 1, writer_call_on_deadline,
                                               call);
        if (r >= 0)
                r = connection_call(w->connection, m, writer_call_on_reply, call, &call->slot);
        return r;
}

static int express_call_on_due(sd_event_source *s, void *userdata) {
        _cleanup_(freep) char *document = NULL;
        WriterCall *call = userdata;
        WriterReply reply;

        express_writer_answer(call->writer, call->event, &reply, &document);
        writer_call_answer(call, &reply);
        return 0;
}

/* From the loop, as all answers. */
static int express_call(WriterCall *call) {
        return sd_event_add_defer(call->writer->manager->event, &call->due, express_call_on_due, call);
}

int writer_proxy_send(WriterProxy *w, const WriterEventArgs *args, usec_t timeout, WriterAnswered done, void *userdata,
                      WriterCall **ret) {
        WriterCall *call;
        int r;

        call = calloc(1, sizeof(*call));
        if (!call)
                return -ENOMEM;
        call->writer = w;
        call->event = args->event;
        call->done = done;
        call->userdata = userdata;
        DL_APPEND(w->calls, call);

        r = writer_proxy_is_express(w) ? express_call(call) : writer_call_over_bus(call, args, timeout);
        if (r < 0) {
                writer_call_forget(call);
                return r;
        }

        *ret = call;
        return 0;
}

void writer_proxy_closed(void *userdata) {
        WriterProxy *w = userdata;

        writer_registry_remove(w);
        while (w->calls)
                writer_call_fail(w->calls, VSS_E_WRITER_NOT_RESPONDING, "the writer's process has ended");
        writer_registry_mourn(w);
        writer_proxy_free(w);
}

WriterProxy *writer_proxy_free(WriterProxy *w) {
        if (!w)
                return NULL;

        while (w->calls)
                writer_call_forget(w->calls);
        free(w->name);
        free(w->instance_name);
        free(w);
        return NULL;
}

void writer_proxy_free_if_unused(WriterProxy *w) {
        if (writer_proxy_is_express(w) && !w->listed && w->n_sessions == 0)
                writer_proxy_free(w);
}
