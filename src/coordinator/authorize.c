/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Who May
 */

#include "coordinator/authorize.h"

#include <unistd.h>

#include "base/guid.h"
#include "base/log.h"
#include "coordinator/config.h"
#include "coordinator/connection.h"
#include "coordinator/manager.h"
#include "coordinator/writer-proxy.h"
#include "wire/wire-names.h"
#include "wire/wire-types.h"

static bool has_group(const Connection *c, gid_t gid) {
        if (c->gid == gid)
                return true;
        for (size_t i = 0; i < c->n_groups; ++i)
                if (c->groups[i] == gid)
                        return true;
        return false;
}

static bool is_trusted(const Connection *c) {
        const Config *config = c->manager->config;

        return c->uid == 0 || c->uid == geteuid() || (config->has_umbra_group && has_group(c, config->umbra_group));
}

static bool granted(const Connection *c, const Grant *grants, size_t n, const GUID *writer_id) {
        for (size_t i = 0; i < n; ++i) {
                const Grant *g = &grants[i];

                if (g->is_group ? !has_group(c, g->gid) : c->uid != g->uid)
                        continue;
                if (guid_is_null(&g->writer_id) || (writer_id && guid_equal(&g->writer_id, writer_id)))
                        return true;
        }
        return false;
}

static HRESULT decide(const Connection *c, const char *what, bool allowed) {
        if (allowed)
                return S_OK;
        log_notice("Process %d of user %u may not be a %s, refusing", (int) c->pid, (unsigned) c->uid, what);
        return E_ACCESSDENIED;
}

static bool may_be_requester(const Connection *c) {
        const Config *config = c->manager->config;

        return is_trusted(c) || granted(c, config->requesters, config->n_requesters, NULL) ||
               granted(c, config->administrators, config->n_administrators, NULL);
}

static bool may_be_writer(const Connection *c, const GUID *writer_id) {
        const Config *config = c->manager->config;

        return is_trusted(c) || granted(c, config->writers, config->n_writers, writer_id);
}

HRESULT authorize_administrator(const Connection *c) {
        const Config *config = c->manager->config;

        return decide(c, "administrator",
                      is_trusted(c) || granted(c, config->administrators, config->n_administrators, NULL));
}

HRESULT authorize_requester(const Connection *c) {
        return decide(c, "requester", may_be_requester(c));
}

HRESULT authorize_writer(const Connection *c, const GUID *writer_id) {
        return decide(c, "writer", may_be_writer(c, writer_id));
}

HRESULT authorize_any_writer(const Connection *c) {
        const Config *config = c->manager->config;
        bool allowed = is_trusted(c);

        for (size_t i = 0; i < config->n_writers && !allowed; ++i)
                allowed = granted(c, &config->writers[i], 1, &config->writers[i].writer_id);
        return decide(c, "writer", allowed);
}

static bool may_stay(const Connection *c) {
        const WriterProxy *w = c->role_object;

        switch (c->role) {
        case ROLE_SESSION:
                return may_be_requester(c);
        case ROLE_WRITER:
                return may_be_writer(c, &w->writer_id);
        default:
                return true;
        }
}

/* Heard before the end, it tells the client that this is no crash. It is not waited for: a client that does not read learns less. */
static void say_revoked(Connection *c) {
        _cleanup_message_ sd_bus_message *m = NULL;

        if (sd_bus_message_new_signal(c->bus, &m, WIRE_MANAGER_PATH, WIRE_MANAGER_INTERFACE, "AccessRevoked") >= 0)
                (void) connection_send(c, m);
}

void authorize_again(Manager *m) {
        /* Closed connections stay in the list until the loop comes round. */
        for (Connection *c = m->connections; c; c = c->next) {
                if (may_stay(c))
                        continue;
                log_notice("Process %d of user %u may not be a %s any more, ending its connection", (int) c->pid, (unsigned) c->uid,
                           c->role == ROLE_WRITER ? "writer" : "requester");
                say_revoked(c);
                connection_close(c);
        }
}
