/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * umbra.Areas1
 */

#include "coordinator/area-bus.h"

#include <errno.h>
#include <vsmgmt.h>

#include "base/alloc.h"
#include "base/guid.h"
#include "base/hresult.h"
#include "catalog/catalog.h"
#include "coordinator/area.h"
#include "coordinator/authorize.h"
#include "coordinator/config.h"
#include "coordinator/connection.h"
#include "coordinator/left-behind.h"
#include "coordinator/manager.h"
#include "coordinator/operation.h"
#include "coordinator/provider-registry.h"
#include "coordinator/session-query.h"
#include "coordinator/session.h"
#include "wire/wire-area.h"
#include "wire/wire-error.h"
#include "wire/wire-types.h"

/* A request as it comes: "p" provider, "v" volume, "a" place, "s" snapshot, "m" maximum, "t" passing, "l"
 * level, "q" question. */
typedef struct Request {
        AreaRequest area;
        char *volume, *place;
        uint32_t question;
} Request;

static void request_done(Request *q) {
        free(q->volume);
        free(q->place);
}

static int read_field(sd_bus_message *m, char field, Request *q) {
        int passing, r;

        switch (field) {
        case 'p':
                return wire_read_guid(m, &q->area.provider_id);
        case 'v':
                r = wire_read_text(m, &q->volume);
                q->area.volume = q->volume;
                return r;
        case 'a':
                r = wire_read_text(m, &q->place);
                q->area.place = q->place;
                return r;
        case 's':
                return wire_read_guid(m, &q->area.snapshot_id);
        case 'm':
                return sd_bus_message_read(m, "x", &q->area.maximum);
        case 't':
                r = sd_bus_message_read(m, "b", &passing);
                q->area.passing = r >= 0 && passing;
                return r;
        case 'l':
                return sd_bus_message_read(m, "i", &q->area.level);
        default:
                return sd_bus_message_read(m, "u", &q->question);
        }
}

/* A session, the request, and who may: all that a method needs. @changes: administrators only. */
static int begin(sd_bus_message *m,
                 Connection *c,
                 const char *fields,
                 bool changes,
                 Request *ret,
                 Session **ret_session,
                 sd_bus_error *error) {
        HRESULT hr;
        int r;

        if (c->role != ROLE_SESSION)
                return wire_error_set(error, VSS_E_BAD_STATE, "open a session first");
        hr = changes ? authorize_administrator(c) : authorize_requester(c);
        if (FAILED(hr))
                return wire_error_set(error, hr, NULL);

        for (const char *f = fields; *f; ++f) {
                r = read_field(m, *f, ret);
                if (r < 0)
                        return r;
                if ((*f == 'v' && !ret->volume && ret->question != WIRE_AREAS_FOR_SNAPSHOT) ||
                    (*f == 'a' && !ret->place))
                        return wire_error_set(error, E_INVALIDARG, "a volume must have a name");
        }

        *ret_session = c->role_object;
        return 0;
}

typedef void (*Method)(Session *s, Operation *op, const AreaRequest *q);

static int method(sd_bus_message *m,
                  void *userdata,
                  sd_bus_error *error,
                  const char *fields,
                  bool changes,
                  Method call) {
        _cleanup_(request_done) Request q = { 0 };
        Operation *op;
        Session *s;
        int r;

        r = left_behind_refuse(((Connection *) userdata)->manager, m, error);
        if (r >= 0)
                r = begin(m, userdata, fields, changes, &q, &s, error);
        if (r >= 0)
                r = operation_new(s, m, 0, &op, error);
        if (r < 0)
                return r;
        call(s, op, &q.area);
        return 1;
}

static int method_get_minimum(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Connection *c = userdata;
        HRESULT hr;

        hr = authorize_requester(c);
        if (FAILED(hr))
                return wire_error_set(error, hr, NULL);
        return sd_bus_reply_method_return(m, "x", c->manager->config->minimum_area);
}

static int append_snapshots(sd_bus_message *reply,
                            Session *s,
                            const GUID *volume_id,
                            const GUID *provider_id) {
        _cleanup_(catalog_list_clear) CatalogList list = { 0 };
        int r;

        r = catalog_list_volume(s->manager->catalog, volume_id, &list);
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'a', WIRE_SNAPSHOT);
        for (size_t i = 0; i < list.n && r >= 0; ++i) {
                const CatalogSnapshot *row = list.items + i;
                WireSnapshot snapshot;

                if (!provider_is_any(provider_id) && !guid_equal(&row->provider_id, provider_id))
                        continue;
                wire_snapshot_from_catalog(row, &snapshot);
                r = wire_append_snapshot(reply, &snapshot);
        }
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int method_query_snapshots(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        _cleanup_message_ sd_bus_message *reply = NULL;
        _cleanup_(request_done) Request q = { 0 };
        _cleanup_(volume_freep) Volume *v = NULL;
        _cleanup_(freep) char *why = NULL;
        Session *s;
        HRESULT hr;
        int r;

        r = begin(m, userdata, "pv", false, &q, &s, error);
        if (r < 0)
                return r;
        hr = provider_registry_check(s->manager, &q.area.provider_id);
        if (SUCCEEDED(hr))
                hr = session_resolve_volume(s, q.volume, &v, &why);
        if (FAILED(hr))
                return wire_error_set(error, hr, "%s", why ?: hresult_sentence(hr));

        r = sd_bus_message_new_method_return(m, &reply);
        if (r >= 0)
                r = append_snapshots(reply, s, &v->id, &q.area.provider_id);
        return r < 0 ? r : connection_send(s->connection, reply);
}

static int method_query_areas(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        _cleanup_(request_done) Request q = { 0 };
        Operation *op;
        Session *s;
        int r;

        r = begin(m, userdata, "pqvs", false, &q, &s, error);
        if (r < 0)
                return r;
        if (q.question >= _WIRE_AREA_QUESTION_MAX)
                return wire_error_set(error, E_INVALIDARG, NULL);

        if (q.question == WIRE_AREAS_ON_VOLUME) {
                q.area.place = q.volume;
                q.area.volume = NULL;
        }
        r = operation_new(s, m, 0, &op, error);
        if (r < 0)
                return r;
        areas_query(s, op, (WireAreaQuestion) q.question, &q.area);
        return 1;
}

static int method_query_place(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        return method(m, userdata, error, "pv", false, areas_query_place);
}

static int method_add_area(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        return method(m, userdata, error, "pvam", true, areas_add);
}

static int method_change_area(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        return method(m, userdata, error, "pvamt", true, areas_change);
}

static int method_protection(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        return method(m, userdata, error, "pvl", true, areas_protection);
}

static int method_delete_unused(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        return method(m, userdata, error, "pa", true, areas_delete_unused);
}

/* Answers */

/* Of a volume that may be gone. */
static int name_of(const GUID *id, char **ret) {
        return volume_guid_name(&(Volume){ .id = *id }, ret);
}

static int append_area(sd_bus_message *reply, const Area *area) {
        _cleanup_(wire_area_clear) WireArea a = {
                .maximum = area->maximum,
                .allocated = area->allocated,
                .used = area->used,
        };
        int r;

        r = name_of(&area->volume_id, &a.volume);
        if (r >= 0)
                r = name_of(area->place ? &area->place->id : &area->place_id, &a.place);
        return r < 0 ? r : wire_append_area(reply, &a);
}

void area_bus_settle_areas(AreaJob *j) {
        _cleanup_message_ sd_bus_message *reply = NULL;
        int r;

        r = operation_reply(j->op, &reply);
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'a', WIRE_AREA);
        for (size_t i = 0; i < j->n && r >= 0; ++i) {
                const Area *area = j->areas + i;

                if (j->place ? area_lies_on(area, j->place) : area->place || area->is_explicit)
                        r = append_area(reply, area);
        }
        if (r >= 0)
                r = sd_bus_message_close_container(reply);
        operation_settle_reply(j->op, r, reply);
}

static int append_place(sd_bus_message *reply, const Area *area) {
        _cleanup_(wire_place_clear) WirePlace p = { .free = area->free, .total = area->total };
        int r;

        r = name_of(&area->place->id, &p.name);
        if (r >= 0)
                r = strdup_to(area->place->path, &p.mount_point);
        return r < 0 ? r : wire_append_place(reply, &p);
}

void area_bus_settle_place(AreaJob *j) {
        _cleanup_message_ sd_bus_message *reply = NULL;
        int r;

        r = operation_reply(j->op, &reply);
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'a', WIRE_PLACE);
        if (r >= 0 && j->areas->place)
                r = append_place(reply, j->areas);
        if (r >= 0)
                r = sd_bus_message_close_container(reply);
        operation_settle_reply(j->op, r, reply);
}

void area_bus_settle_protection(AreaJob *j) {
        _cleanup_message_ sd_bus_message *reply = NULL;
        int has_unused = 0, r;

        r = areas_have_unused(j->session->manager, j->areas->place, &has_unused);
        if (r >= 0)
                r = operation_reply(j->op, &reply);
        if (r >= 0)
                r = sd_bus_message_append(reply, "ib", (int32_t) VSS_PROTECTION_LEVEL_SNAPSHOT, has_unused);
        operation_settle_reply(j->op, r, reply);
}

#define METHOD(name, in, out, handler) SD_BUS_METHOD(name, in, out, handler, SD_BUS_VTABLE_UNPRIVILEGED)

static const sd_bus_vtable area_vtable[] = {
        SD_BUS_VTABLE_START(0),
        METHOD("GetMinimum", "", "x", method_get_minimum),
        METHOD("QuerySnapshots", "ays", "a" WIRE_SNAPSHOT, method_query_snapshots),
        METHOD("QueryAreas", "ayusay", "a" WIRE_AREA, method_query_areas),
        METHOD("QueryPlace", "ays", "a" WIRE_PLACE, method_query_place),
        METHOD("AddArea", "ayssx", "", method_add_area),
        METHOD("ChangeArea", "ayssxb", "", method_change_area),
        METHOD("Protection", "aysi", "ib", method_protection),
        METHOD("DeleteUnused", "ays", "", method_delete_unused),
        SD_BUS_VTABLE_END,
};

int area_bus_attach(Connection *c) {
        return sd_bus_add_object_vtable(c->bus, NULL, WIRE_AREAS_PATH, WIRE_AREAS_INTERFACE,
                                        area_vtable, c);
}
