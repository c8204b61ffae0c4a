/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The Answers of Operations
 */

#include "coordinator/session-answers.h"

#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "base/alloc.h"
#include "coordinator/operation.h"
#include "coordinator/session-writer.h"
#include "coordinator/session.h"
#include "coordinator/snapshot-set.h"
#include "doc/backup-doc.h"
#include "provider/provider-builtin.h"
#include "wire/wire-names.h"

static int append_metadata(sd_bus_message *reply, Session *s) {
        _cleanup_(freep) char *blob = NULL;
        size_t size = 0, at = 0;
        SessionWriter *w;
        int r;

        r = sd_bus_message_open_container(reply, 'a', WIRE_WRITER);
        if (r < 0)
                return r;
        DL_FOREACH(s->writers, w) {
                r = sd_bus_message_open_container(reply, 'r', "ayayst");
                if (r >= 0)
                        r = wire_append_guid(reply, &w->instance_id);
                if (r >= 0)
                        r = wire_append_guid(reply, &w->writer_id);
                if (r >= 0)
                        r = wire_append_text(reply, w->name);
                if (r >= 0)
                        r = sd_bus_message_append(reply, "t", (uint64_t) w->metadata_size);
                if (r >= 0)
                        r = sd_bus_message_close_container(reply);
                if (r < 0)
                        return r;
                size += w->metadata_size;
        }
        r = sd_bus_message_close_container(reply);
        if (r < 0)
                return r;

        blob = malloc(size + 1);
        if (!blob)
                return -ENOMEM;
        DL_FOREACH(s->writers, w) {
                memcpy(blob + at, w->metadata, w->metadata_size);
                at += w->metadata_size;
                free(TAKE_PTR(w->metadata));
        }
        return wire_append_blob(reply, blob, size);
}

void session_answer_metadata(Session *s, Operation *op) {
        _cleanup_message_ sd_bus_message *reply = NULL;
        int r;

        r = operation_reply(op, &reply);
        if (r >= 0)
                r = append_metadata(reply, s);
        operation_settle_reply(op, r, reply);
}

void session_answer_document(Session *s, Operation *op) {
        _cleanup_message_ sd_bus_message *reply = NULL;
        _cleanup_(freep) char *text = NULL;
        bool optional = sd_bus_message_is_method_call(op->request, WIRE_SESSION_INTERFACE, "DoSnapshotSet");
        size_t size = 0;
        HRESULT hr = S_OK;
        int r;

        if (s->doc)
                hr = backup_doc_write(s->doc, &text, &size);
        if (FAILED(hr)) {
                operation_settle(op, hr, NULL);
                return;
        }
        r = operation_reply(op, &reply);
        if (r >= 0)
                r = optional ? wire_append_optional_blob(reply, text, size) : wire_append_blob(reply, text ?: "", size);
        operation_settle_reply(op, r, reply);
}

void session_answer_status(Session *s, Operation *op) {
        _cleanup_message_ sd_bus_message *reply = NULL;
        SessionWriter *w;
        int r;

        r = operation_reply(op, &reply);
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'a', WIRE_WRITER_STATUS);
        DL_FOREACH(s->writers, w) {
                const WireWriterStatus status = {
                        .instance_id = w->instance_id,
                        .writer_id = w->writer_id,
                        .name = w->name,
                        .state = (uint32_t) w->state,
                        .failure = w->failure,
                        .failure_application = w->failure_application,
                        .message = w->message,
                };

                if (r >= 0)
                        r = wire_append_writer_status(reply, &status);
        }
        if (r >= 0)
                r = sd_bus_message_close_container(reply);
        operation_settle_reply(op, r, reply);
}

void session_answer_added(Session *s, Operation *op, const SetSnapshot *added) {
        _cleanup_message_ sd_bus_message *reply = NULL;
        int r;

        r = operation_reply(op, &reply);
        if (r >= 0)
                r = wire_append_guid(reply, &added->id);
        if (r >= 0)
                r = wire_append_guid(reply, &added->provider->id);
        if (r >= 0)
                r = wire_append_text(reply, added->volume->path);
        operation_settle_reply(op, r, reply);
}

void session_answer_bool(Operation *op, bool value) {
        _cleanup_message_ sd_bus_message *reply = NULL;
        int r;

        r = operation_reply(op, &reply);
        if (r >= 0)
                r = sd_bus_message_append(reply, "b", (int) value);
        operation_settle_reply(op, r, reply);
}

void session_answer_snapshotted(Operation *op, bool present, int32_t compatibility) {
        _cleanup_message_ sd_bus_message *reply = NULL;
        int r;

        r = operation_reply(op, &reply);
        if (r >= 0)
                r = sd_bus_message_append(reply, "bi", (int) present, compatibility);
        operation_settle_reply(op, r, reply);
}

void session_answer_volumes(Operation *op, const WireVolume *volumes, size_t n) {
        _cleanup_message_ sd_bus_message *reply = NULL;
        int r;

        r = operation_reply(op, &reply);
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'a', WIRE_VOLUME);
        for (size_t i = 0; r >= 0 && i < n; ++i)
                r = wire_append_volume(reply, &volumes[i]);
        if (r >= 0)
                r = sd_bus_message_close_container(reply);
        operation_settle_reply(op, r, reply);
}

void session_answer_deleted(Operation *op, int32_t deleted, const GUID *nondeleted, HRESULT hr) {
        _cleanup_message_ sd_bus_message *reply = NULL;
        int r;

        r = operation_reply(op, &reply);
        if (r >= 0)
                r = sd_bus_message_append(reply, "i", deleted);
        if (r >= 0)
                r = wire_append_guid(reply, nondeleted);
        if (r >= 0)
                r = sd_bus_message_append(reply, "i", hr);
        operation_settle_reply(op, r, reply);
}

void session_answer_text(Operation *op, const char *text) {
        _cleanup_message_ sd_bus_message *reply = NULL;
        int r;

        r = operation_reply(op, &reply);
        if (r >= 0)
                r = wire_append_text(reply, text);
        operation_settle_reply(op, r, reply);
}

void session_answer_result(Operation *op, HRESULT hr) {
        _cleanup_message_ sd_bus_message *reply = NULL;
        int r;

        r = operation_reply(op, &reply);
        if (r >= 0)
                r = sd_bus_message_append(reply, "i", hr);
        operation_settle_reply(op, r, reply);
}
