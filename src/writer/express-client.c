/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Asking for an Express Writer
 */

#include "writer/express-client.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "base/hresult.h"
#include "wire/last-error.h"
#include "wire/wire-client.h"
#include "wire/wire-limits.h"
#include "wire/wire-types.h"

static HRESULT express_connect(WireClient **ret) {
        _cleanup_(freep) char *path = NULL;
        int r;

        r = wire_socket_path(&path);
        if (r >= 0)
                r = wire_client_connect(path, WIRE_AUTH_TIMEOUT_USEC, ret);
        if (r >= 0)
                return S_OK;
        if (r == -ENOMEM)
                return last_error_set(E_OUTOFMEMORY, NULL);
        return last_error_set(r == -EACCES ? E_ACCESSDENIED : VSS_E_UNEXPECTED,
                              "umbrad does not answer on '%s' (%s): is it running? Set " WIRE_SOCKET_ENV " if it listens elsewhere",
                              path ?: "", strerror(-r));
}

typedef int (*AppendArgument)(sd_bus_message *m, const void *argument, size_t size);

static int append_document(sd_bus_message *m, const void *document, size_t size) {
        return wire_append_blob(m, document, size);
}

static int append_id(sd_bus_message *m, const void *id, size_t size) {
        return wire_append_guid(m, id);
}

static HRESULT express_ask(const char *member, AppendArgument append, const void *argument, size_t size) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_(wire_client_unrefp) WireClient *c = NULL;
        HRESULT hr;
        int r;

        hr = express_connect(&c);
        if (FAILED(hr))
                return hr;

        WIRE_CLIENT_LOCKED(c);
        _cleanup_message_ sd_bus_message *m = NULL;

        r = sd_bus_message_new_method_call(wire_client_lock(c), &m, NULL, WIRE_MANAGER_PATH,
                                           WIRE_MANAGER_INTERFACE, member);
        wire_client_unlock(c);
        if (r >= 0)
                r = sd_bus_message_append(m, "u", WIRE_PROTOCOL_VERSION);
        if (r >= 0)
                r = append(m, argument, size);
        if (r >= 0)
                r = wire_client_call(c, m, WIRE_CALL_TIMEOUT_USEC, &error, NULL);
        if (r >= 0)
                return S_OK;
        return sd_bus_error_is_set(&error) ? last_error_from_wire(&error) :
                                             last_error_set(hresult_from_errno(r), NULL);
}

HRESULT express_client_register(const char *document, size_t size) {
        return express_ask("RegisterExpressWriter", append_document, document, size);
}

HRESULT express_client_unregister(const GUID *writer_id) {
        return express_ask("UnregisterExpressWriter", append_id, writer_id, sizeof(*writer_id));
}
