/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Who Is There
 */

#include "coordinator/writer-registry.h"

#include <utlist.h>

#include "base/guid.h"
#include "base/log.h"
#include "coordinator/manager.h"
#include "coordinator/session-writer.h"
#include "coordinator/session.h"
#include "coordinator/writer-proxy.h"

WriterProxy *writer_registry_find(Manager *m, const GUID *instance_id) {
        WriterProxy *w;

        DL_FOREACH(m->writers, w)
                if (guid_equal(&w->instance_id, instance_id))
                        return w;

        return NULL;
}

HRESULT writer_registry_add(Manager *m, WriterProxy *w) {
        if (writer_registry_find(m, &w->instance_id))
                return VSS_E_WRITER_ALREADY_SUBSCRIBED;

        w->manager = m;
        w->listed = true;
        DL_APPEND(m->writers, w);
        ++m->n_writers;
        if (writer_proxy_is_express(w))
                log_info("Express writer '%s' {%s} is there", w->name, GUID_TO_STRING(&w->writer_id));
        else
                log_info("Writer '%s' {%s} registered, process %d", w->name, GUID_TO_STRING(&w->writer_id),
                         (int) manager_connection_pid(w->connection));
        return S_OK;
}

void writer_registry_remove(WriterProxy *w) {
        Manager *m = w->manager;
        Session *s;

        w->listed = false;
        DL_DELETE(m->writers, w);
        --m->n_writers;
        log_info("Writer '%s' {%s} left", w->name, GUID_TO_STRING(&w->writer_id));

        if (writer_proxy_is_express(w))
                return;
        DL_FOREACH(m->sessions, s)
                session_writer_detach(s, w);
}

void writer_registry_mourn(WriterProxy *w) {
        Session *s;

        DL_FOREACH(w->manager->sessions, s)
                session_writer_lost(s, &w->instance_id);
}
