/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * umbra.Manager1
 */

#include "coordinator/manager-bus.h"

#include <errno.h>

#include "base/alloc.h"
#include "coordinator/authorize.h"
#include "coordinator/connection.h"
#include "coordinator/express-bus.h"
#include "coordinator/manager.h"
#include "coordinator/session.h"
#include "coordinator/status.h"
#include "coordinator/writer-proxy.h"
#include "coordinator/writer-registry.h"
#include "wire/wire-error.h"
#include "wire/wire-limits.h"
#include "wire/wire-types.h"

int manager_bus_check_version(uint32_t version, sd_bus_error *error) {
        if (version == WIRE_PROTOCOL_VERSION)
                return 0;
        return wire_error_set(error, VSS_E_NOT_SUPPORTED, "umbrad speaks protocol version %u and the client %u: update the older one",
                              WIRE_PROTOCOL_VERSION, version);
}

static int method_open_session(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        _cleanup_message_ sd_bus_message *reply = NULL;
        Connection *c = userdata;
        uint32_t version;
        Session *s;
        HRESULT hr;
        int r;

        r = sd_bus_message_read(m, "u", &version);
        if (r >= 0)
                r = manager_bus_check_version(version, error);
        if (r < 0)
                return r;
        if (c->role != ROLE_NONE)
                return wire_error_set(error, VSS_E_BAD_STATE, "this connection has a role already");
        hr = authorize_requester(c);
        if (SUCCEEDED(hr))
                hr = session_new(c->manager, c, &s);
        if (FAILED(hr))
                return wire_error_set(error, hr, NULL);
        connection_take_role(c, ROLE_SESSION, s, session_closed);

        r = sd_bus_message_new_method_return(m, &reply);
        if (r >= 0)
                r = sd_bus_message_append(reply, "u", WIRE_PROTOCOL_VERSION);
        if (r >= 0)
                r = wire_append_guid(reply, &s->id);
        return r < 0 ? r : connection_send(c, reply);
}

static int read_writer(sd_bus_message *m, WriterProxy *w) {
        uint32_t usage, source, mask;
        int32_t level;
        int r;

        r = wire_read_guid(m, &w->writer_id);
        if (r >= 0)
                r = wire_read_guid(m, &w->instance_id);
        if (r >= 0)
                r = wire_read_text(m, &w->name);
        if (r >= 0)
                r = wire_read_text(m, &w->instance_name);
        if (r >= 0)
                r = sd_bus_message_read(m, "uuuuitu", &w->major_version, &w->minor_version, &usage, &source, &level,
                                        &w->freeze_limit, &mask);
        if (r < 0)
                return r;
        w->usage = (VSS_USAGE_TYPE) usage;
        w->source = (VSS_SOURCE_TYPE) source;
        w->level = (VSS_APPLICATION_LEVEL) level;
        w->event_mask = mask;
        if (w->freeze_limit == 0)
                w->freeze_limit = WIRE_FREEZE_DEFAULT_USEC;
        w->freeze_limit = MIN(w->freeze_limit, WIRE_FREEZE_MAX_USEC);
        return 0;
}

static int method_register_writer(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        _cleanup_(writer_proxy_freep) WriterProxy *w = NULL;
        Connection *c = userdata;
        uint32_t version;
        HRESULT hr;
        int r;

        if (c->role != ROLE_NONE)
                return wire_error_set(error, VSS_E_BAD_STATE, "this connection has a role already");
        w = calloc(1, sizeof(*w));
        if (!w)
                return -ENOMEM;
        r = sd_bus_message_read(m, "u", &version);
        if (r >= 0)
                r = manager_bus_check_version(version, error);
        if (r >= 0)
                r = read_writer(m, w);
        if (r < 0)
                return r;
        if (!w->name)
                return wire_error_set(error, E_INVALIDARG, "a writer needs a name");

        w->connection = c;
        hr = authorize_writer(c, &w->writer_id);
        if (SUCCEEDED(hr))
                hr = writer_registry_add(c->manager, w);
        if (FAILED(hr))
                return wire_error_set(error, hr, NULL);
        connection_take_role(c, ROLE_WRITER, TAKE_PTR(w), writer_proxy_closed);
        return sd_bus_reply_method_return(m, NULL);
}

static int method_get_status(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        _cleanup_(freep) char *json = NULL;
        Connection *c = userdata;
        HRESULT hr;
        int r;

        hr = authorize_requester(c);
        if (FAILED(hr))
                return wire_error_set(error, hr, NULL);
        r = status_to_json(c->manager, &json);
        if (r < 0)
                return r;
        return sd_bus_reply_method_return(m, "s", json);
}

static const sd_bus_vtable manager_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD("OpenSession", "u", "uay", method_open_session, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("RegisterWriter", "uayayssuuuuitu", "", method_register_writer, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("RegisterExpressWriter", "uh", "", express_bus_register, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("UnregisterExpressWriter", "uay", "", express_bus_unregister, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("GetStatus", "", "s", method_get_status, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_VTABLE_END,
};

int manager_bus_attach(Connection *c) {
        return sd_bus_add_object_vtable(c->bus, NULL, WIRE_MANAGER_PATH, WIRE_MANAGER_INTERFACE, manager_vtable, c);
}
