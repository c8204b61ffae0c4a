/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * umbra.Session1, the Part About Storage
 */

#include "coordinator/session-storage-bus.h"

#include <errno.h>

#include <systemd/sd-bus.h>
#include <vss.h>

#include "base/alloc.h"
#include "base/hresult.h"
#include "coordinator/config.h"
#include "coordinator/connection.h"
#include "coordinator/manager.h"
#include "coordinator/operation.h"
#include "coordinator/session-bus.h"
#include "coordinator/session-recovery.h"
#include "coordinator/session-storage.h"
#include "coordinator/session.h"
#include "doc/doc-limits.h"
#include "volume/volume.h"
#include "wire/wire-error.h"
#include "wire/wire-names.h"
#include "wire/wire-types.h"

static int method_expose(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Session *s = userdata;
        _cleanup_(freep) char *path = NULL;
        Operation *op;
        GUID id;
        int r;

        r = wire_read_guid(m, &id);
        if (r >= 0)
                r = wire_read_text(m, &path);
        if (r < 0)
                return r;
        if (!path || path[0] != '/')
                return wire_error_set(error, E_INVALIDARG,
                                      "a shadow copy is exposed at a directory, by its absolute path");
        r = operation_new(s, m, 0, &op, error);
        if (r < 0)
                return r;
        session_expose(s, op, &id, path);
        return 1;
}

static int method_unexpose(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Session *s = userdata;
        Operation *op;
        GUID id;
        int r;

        r = wire_read_guid(m, &id);
        if (r >= 0)
                r = operation_new(s, m, 0, &op, error);
        if (r < 0)
                return r;
        session_unexpose(s, op, &id);
        return 1;
}

static int method_revert(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Session *s = userdata;
        Operation *op;
        int force, r;
        GUID id;

        r = wire_read_guid(m, &id);
        if (r >= 0)
                r = sd_bus_message_read(m, "b", &force);
        if (r >= 0)
                r = operation_new(s, m, 0, &op, error);
        if (r < 0)
                return r;
        session_revert(s, op, &id, force);
        return 1;
}

static int method_find_revert(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Session *s = userdata;
        _cleanup_(freep) char *volume = NULL, *why = NULL;
        HRESULT hr;
        int r;

        r = wire_read_text(m, &volume);
        if (r < 0)
                return r;
        hr = session_find_revert(s, volume ?: "", &why);
        return session_bus_reply(m, hr, why, error);
}

static int method_get_revert_blockers(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        _cleanup_message_ sd_bus_message *reply = NULL;
        Session *s = userdata;
        const Config *config;
        int r;

        config = s->manager->config;
        r = sd_bus_message_new_method_return(m, &reply);
        if (r >= 0)
                r = wire_append_guids(reply, config->revert_blockers, config->n_revert_blockers);
        return r < 0 ? r : connection_send(s->connection, reply);
}

static int method_get_volume_root(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        _cleanup_(freep) char *path = NULL, *name = NULL, *why = NULL;
        _cleanup_message_ sd_bus_message *reply = NULL;
        Session *s = userdata;
        _cleanup_(volume_freep) Volume *v = NULL;
        HRESULT hr;
        int r;

        r = wire_read_text(m, &path);
        if (r < 0)
                return r;
        hr = volume_containing(path ?: "", &v, &why);
        if (FAILED(hr))
                return session_bus_reply(m, hr, why, error);

        r = volume_guid_name(v, &name);
        if (r >= 0)
                r = sd_bus_message_new_method_return(m, &reply);
        if (r >= 0)
                r = wire_append_text(reply, v->path);
        if (r >= 0)
                r = wire_append_text(reply, name);
        return r < 0 ? r : connection_send(s->connection, reply);
}

static int method_add_to_recovery_set(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Session *s = userdata;
        _cleanup_(freep) char *destination = NULL, *why = NULL;
        HRESULT hr;
        GUID id;
        int r;

        r = wire_read_guid(m, &id);
        if (r >= 0)
                r = wire_read_text(m, &destination);
        if (r < 0)
                return r;
        hr = session_add_to_recovery(s, &id, destination, &why);
        return session_bus_reply(m, hr, why, error);
}

/* Operations: what has begun is not ended by Cancel, which waits for its end. */

static int begin(sd_bus_message *m, Session *s, uint32_t number, Operation **ret, sd_bus_error *error) {
        int r;

        r = session_bus_operation_begin(m, s, number, ret, error);
        if (r >= 0)
                (*ret)->uncancellable = true;
        return r;
}

static int method_await_revert(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Session *s = userdata;
        _cleanup_(freep) char *volume = NULL;
        uint32_t number;
        Operation *op;
        int r;

        r = sd_bus_message_read(m, "u", &number);
        if (r >= 0)
                r = wire_read_text(m, &volume);
        if (r >= 0)
                r = begin(m, s, number, &op, error);
        if (r < 0)
                return r;
        session_await_revert(s, op, volume ?: "");
        return 1;
}

static int method_break_snapshot_set(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Session *s = userdata;
        uint32_t number, flags;
        Operation *op;
        GUID id;
        int r;

        r = sd_bus_message_read(m, "u", &number);
        if (r >= 0)
                r = wire_read_guid(m, &id);
        if (r >= 0)
                r = sd_bus_message_read(m, "u", &flags);
        if (r >= 0)
                r = number == 0 ? operation_new(s, m, 0, &op, error) : begin(m, s, number, &op, error);
        if (r < 0)
                return r;
        session_break(s, op, &id, flags);
        return 1;
}

static int method_import_snapshots(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Session *s = userdata;
        _cleanup_(freep) char *document = NULL;
        uint32_t number;
        size_t size = 0;
        int32_t context;
        Operation *op;
        int r;

        r = sd_bus_message_read(m, "ui", &number, &context);
        if (r >= 0)
                r = wire_read_blob(m, DOCUMENT_SIZE_MAX, &document, &size);
        if (r >= 0)
                r = begin(m, s, number, &op, error);
        if (r < 0)
                return r;
        session_import(s, op, context, document, size);
        return 1;
}

static int method_recover_set(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Session *s = userdata;
        uint32_t number, flags;
        Operation *op;
        int r;

        r = sd_bus_message_read(m, "uu", &number, &flags);
        if (r >= 0)
                r = begin(m, s, number, &op, error);
        if (r < 0)
                return r;
        session_recover(s, op, flags);
        return 1;
}

#define METHOD(name, in, out, handler) SD_BUS_METHOD(name, in, out, handler, SD_BUS_VTABLE_UNPRIVILEGED)

static const sd_bus_vtable storage_vtable[] = {
        SD_BUS_VTABLE_START(0),
        METHOD("ExposeSnapshot", "ays", "s", method_expose),
        METHOD("UnexposeSnapshot", "ay", "", method_unexpose),
        METHOD("RevertToSnapshot", "ayb", "", method_revert),
        METHOD("FindRevert", "s", "", method_find_revert),
        METHOD("GetRevertBlockers", "", "aay", method_get_revert_blockers),
        METHOD("GetVolumeRoot", "s", "ss", method_get_volume_root),
        METHOD("AddSnapshotToRecoverySet", "ays", "", method_add_to_recovery_set),
        METHOD("AwaitRevert", "us", "", method_await_revert),
        METHOD("BreakSnapshotSet", "uayu", "", method_break_snapshot_set),
        METHOD("ImportSnapshots", "uih", "i", method_import_snapshots),
        METHOD("RecoverSet", "uu", "", method_recover_set),
        SD_BUS_VTABLE_END,
};

int session_storage_bus_attach(Connection *c) {
        return session_bus_add_vtable(c, storage_vtable);
}
