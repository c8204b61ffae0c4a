/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Express Writers on the Bus
 */

#include "coordinator/express-bus.h"

#include <errno.h>
#include <utlist.h>

#include "base/alloc.h"
#include "catalog/catalog.h"
#include "coordinator/authorize.h"
#include "coordinator/connection.h"
#include "coordinator/express-writers.h"
#include "coordinator/left-behind.h"
#include "coordinator/manager-bus.h"
#include "coordinator/manager.h"
#include "doc/doc-limits.h"
#include "wire/wire-error.h"
#include "wire/wire-types.h"

struct ExpressRequest {
        ExpressRequest *prev, *next; /* Manager.express_waiting */
        Connection *connection;
        sd_bus_message *message;
        sd_bus_message_handler_t handle;
};

static void express_request_free(ExpressRequest *request) {
        DL_DELETE(request->connection->manager->express_waiting, request);
        sd_bus_message_unref(request->message);
        free(request);
}

/* Nobody waits for the answer any more. */
static void express_request_closed(void *userdata) {
        express_request_free(userdata);
}

static int express_wait(sd_bus_message *m,
                        Connection *c,
                        sd_bus_message_handler_t handle,
                        sd_bus_error *error) {
        ExpressRequest *request;

        if (c->role != ROLE_NONE)
                return wire_error_set(error, VSS_E_BAD_STATE, "this connection has a role already");
        request = calloc_checked(1, sizeof(*request));
        if (!request)
                return -ENOMEM;

        request->connection = c;
        request->message = sd_bus_message_ref(m);
        request->handle = handle;
        DL_APPEND(c->manager->express_waiting, request);
        connection_take_role(c, ROLE_EXPRESS, request, express_request_closed);
        return 1;
}

static int express_answer(sd_bus_message *m,
                          Connection *c,
                          HRESULT hr,
                          const char *why,
                          sd_bus_error *error) {
        _cleanup_message_ sd_bus_message *reply = NULL;
        int r;

        if (FAILED(hr))
                return why ? wire_error_set(error, hr, "%s", why) : wire_error_set(error, hr, NULL);
        r = sd_bus_message_new_method_return(m, &reply);
        return r < 0 ? r : connection_send(c, reply);
}

static int handle_register(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        _cleanup_(freep) char *document = NULL;
        Connection *c = userdata;
        const char *why = NULL;
        uint32_t version;
        size_t size = 0;
        HRESULT hr;
        int r;

        r = sd_bus_message_read(m, "u", &version);
        if (r >= 0)
                r = manager_bus_check_version(version, error);
        if (r < 0)
                return r;
        /* Not a byte of it is looked at for a stranger. */
        hr = authorize_any_writer(c);
        if (FAILED(hr))
                return wire_error_set(error, hr, NULL);
        r = wire_read_blob(m, WRITER_DOCUMENT_SIZE_MAX, &document, &size);
        if (r == -E2BIG)
                return wire_error_set(error, VSS_E_INVALID_XML_DOCUMENT,
                                      "the document is larger than %u bytes", WRITER_DOCUMENT_SIZE_MAX);
        if (r < 0)
                return r;

        hr = express_writers_register(c->manager, c, document, size, &why);
        return express_answer(m, c, hr, why, error);
}

static int handle_unregister(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        Connection *c = userdata;
        uint32_t version;
        GUID id;
        int r;

        r = sd_bus_message_read(m, "u", &version);
        if (r >= 0)
                r = manager_bus_check_version(version, error);
        if (r >= 0)
                r = wire_read_guid(m, &id);
        if (r < 0)
                return r;
        return express_answer(m, c, express_writers_unregister(c->manager, c, &id), NULL, error);
}

static int express_begin(sd_bus_message *m,
                         Connection *c,
                         sd_bus_message_handler_t handle,
                         sd_bus_error *error) {
        int r;

        r = left_behind_refuse(c->manager, m, error);
        if (r < 0)
                return r;
        return catalog_is_frozen(c->manager->catalog) ? express_wait(m, c, handle, error) :
                                                        handle(m, c, error);
}

int express_bus_register(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        return express_begin(m, userdata, handle_register, error);
}

int express_bus_unregister(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        return express_begin(m, userdata, handle_unregister, error);
}

/* What sd-bus does with a handler's result, for one that is called by us. */
static void express_request_run(ExpressRequest *request) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_message_ sd_bus_message *reply = NULL, *message = sd_bus_message_ref(request->message);
        sd_bus_message_handler_t handle = request->handle;
        Connection *c = request->connection;
        int r;

        c->role_object = NULL; /* it was one question, and the role is not given twice */
        express_request_free(request);

        r = handle(message, c, &error);
        if (r >= 0)
                return;
        if (!sd_bus_error_is_set(&error))
                (void) sd_bus_error_set_errno(&error, r);
        if (sd_bus_message_new_method_error(message, &reply, &error) >= 0)
                (void) connection_send(c, reply);
}

static int express_on_resume(sd_event_source *s, void *userdata) {
        Manager *m = userdata;

        while (m->express_waiting && !catalog_is_frozen(m->catalog))
                express_request_run(m->express_waiting);
        return 0;
}

void express_bus_resume(Manager *m) {
        if (!m->express_waiting)
                return;
        if (m->express_resume)
                (void) sd_event_source_set_enabled(m->express_resume, SD_EVENT_ONESHOT);
        else
                (void) sd_event_add_defer(m->event, &m->express_resume, express_on_resume, m);
}
