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

HRESULT authorize_requester(const Connection *c) {
        const Config *config = c->manager->config;

        return decide(c, "requester",
                      is_trusted(c) || granted(c, config->requesters, config->n_requesters, NULL) ||
                              granted(c, config->administrators, config->n_administrators, NULL));
}

HRESULT authorize_administrator(const Connection *c) {
        const Config *config = c->manager->config;

        return decide(c, "administrator",
                      is_trusted(c) || granted(c, config->administrators, config->n_administrators, NULL));
}

HRESULT authorize_writer(const Connection *c, const GUID *writer_id) {
        const Config *config = c->manager->config;

        return decide(c, "writer", is_trusted(c) || granted(c, config->writers, config->n_writers, writer_id));
}
