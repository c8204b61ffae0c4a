/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * umbra.Admin1
 */

#include "coordinator/admin-bus.h"

#include "base/alloc.h"
#include "coordinator/authorize.h"
#include "coordinator/connection.h"
#include "coordinator/left-behind.h"
#include "coordinator/manager.h"
#include "coordinator/provider-registry.h"
#include "coordinator/session.h"
#include "coordinator/snapshot-set.h"
#include "wire/wire-error.h"
#include "wire/wire-types.h"

static int reply_or_error(sd_bus_message *m, HRESULT hr, const char *why, sd_bus_error *error) {
        if (FAILED(hr))
                return why ? wire_error_set(error, hr, "%s", why) : wire_error_set(error, hr, NULL);
        return sd_bus_reply_method_return(m, NULL);
}

static int read_provider(sd_bus_message *m, CatalogProvider *p) {
        int r;

        r = wire_read_guid(m, &p->id);
        if (r >= 0)
                r = wire_read_guid(m, &p->class_id);
        if (r >= 0)
                r = wire_read_text(m, &p->name);
        if (r >= 0)
                r = sd_bus_message_read(m, "i", &p->type);
        if (r >= 0)
                r = wire_read_text(m, &p->version);
        if (r >= 0)
                r = wire_read_guid(m, &p->version_id);
        return r;
}

static int method_register_provider(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        _cleanup_(catalog_provider_clear) CatalogProvider p = {};
        _cleanup_(freep) char *why = NULL;
        Connection *c = userdata;
        HRESULT hr;
        int r;

        r = read_provider(m, &p);
        if (r >= 0)
                r = left_behind_refuse(c->manager, m, error);
        if (r < 0)
                return r;

        hr = authorize_administrator(c);
        if (SUCCEEDED(hr))
                hr = provider_registry_add(c->manager, &p, &why);
        return reply_or_error(m, hr, why, error);
}

static int method_unregister_provider(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        _cleanup_(freep) char *why = NULL;
        Connection *c = userdata;
        HRESULT hr;
        GUID id;
        int r;

        r = wire_read_guid(m, &id);
        if (r >= 0)
                r = left_behind_refuse(c->manager, m, error);
        if (r < 0)
                return r;

        hr = authorize_administrator(c);
        if (SUCCEEDED(hr))
                hr = provider_registry_remove(c->manager, &id, &why);
        return reply_or_error(m, hr, why, error);
}

static int method_describe_provider(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Connection *c = userdata;
        uint64_t capabilities;
        int32_t context;
        HRESULT hr;
        GUID id;
        int r;

        r = wire_read_guid(m, &id);
        if (r < 0)
                return r;

        hr = authorize_requester(c);
        if (SUCCEEDED(hr))
                hr = provider_registry_describe(c->manager, &id, &capabilities, &context);
        if (FAILED(hr))
                return wire_error_set(error, hr, NULL);
        return sd_bus_reply_method_return(m, "ti", capabilities, context);
}

/* There is one set in progress on a machine, or none. */
static int method_abort_all(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Connection *c = userdata;
        SnapshotSet *set;
        HRESULT hr;
        int r;

        hr = authorize_administrator(c);
        if (FAILED(hr))
                return wire_error_set(error, hr, NULL);

        set = c->manager->current;
        if (!set || !set->session)
                return sd_bus_reply_method_return(m, NULL);

        r = session_abort_set(set->session, m, error);
        return r != 0 ? r : sd_bus_reply_method_return(m, NULL);
}

#define METHOD(name, in, out, handler) SD_BUS_METHOD(name, in, out, handler, SD_BUS_VTABLE_UNPRIVILEGED)

static const sd_bus_vtable admin_vtable[] = {
        SD_BUS_VTABLE_START(0),
        METHOD("RegisterProvider", "ayaysisay", "", method_register_provider),
        METHOD("UnregisterProvider", "ay", "", method_unregister_provider),
        METHOD("DescribeProvider", "ay", "ti", method_describe_provider),
        METHOD("AbortAll", "", "", method_abort_all),
        SD_BUS_VTABLE_END,
};

int admin_bus_attach(Connection *c) {
        return sd_bus_add_object_vtable(c->bus, NULL, WIRE_ADMIN_PATH, WIRE_ADMIN_INTERFACE, admin_vtable,
                                        c);
}
