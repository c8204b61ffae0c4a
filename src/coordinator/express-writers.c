/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Express Writers
 */

#include "coordinator/express-writers.h"

#include <errno.h>
#include <utlist.h>

#include "base/alloc.h"
#include "base/guid.h"
#include "base/hresult.h"
#include "base/log.h"
#include "catalog/catalog.h"
#include "coordinator/authorize.h"
#include "coordinator/manager.h"
#include "coordinator/writer-proxy.h"
#include "coordinator/writer-registry.h"
#include "doc/express-rules.h"
#include "wire/wire-limits.h"
#include "wire/wire-types.h"

static WriterProxy *express_find(Manager *m, const GUID *writer_id) {
        WriterProxy *w;

        DL_FOREACH(m->writers, w)
                if (writer_proxy_is_express(w) && guid_equal(&w->writer_id, writer_id))
                        return w;
        return NULL;
}

static HRESULT express_document_read(const char *document,
                                     size_t size,
                                     WriterDoc **ret,
                                     const char **ret_why) {
        _cleanup_(writer_doc_freep) WriterDoc *doc = NULL;
        HRESULT hr;

        *ret_why = NULL;
        hr = writer_doc_read(document, size, &doc);
        if (hr == VSS_E_CORRUPT_XML_DOCUMENT)
                hr = VSS_E_INVALID_XML_DOCUMENT;
        if (SUCCEEDED(hr))
                hr = express_document_check(doc, ret_why);
        if (SUCCEEDED(hr) && wire_check_text(doc->friendly_name) < 0) {
                *ret_why = "its name is longer than requesters can be told";
                hr = VSS_E_INVALID_XML_DOCUMENT;
        }
        if (SUCCEEDED(hr))
                *ret = TAKE_PTR(doc);
        return hr;
}

static int express_proxy_new(const WriterDoc *doc, WriterProxy **ret) {
        _cleanup_(writer_proxy_freep) WriterProxy *w = NULL;

        w = calloc_checked(1, sizeof(*w));
        if (!w)
                return -ENOMEM;
        w->writer_id = doc->writer_id;
        w->instance_id = doc->instance_id;
        w->major_version = doc->major_version;
        w->minor_version = doc->minor_version;
        w->usage = doc->usage;
        w->source = doc->source;
        w->level = VSS_APP_FRONT_END;
        w->freeze_limit = WIRE_FREEZE_MAX_USEC; /* it holds nobody up, and nobody holds it */
        if (strdup_to(doc->friendly_name, &w->name) < 0 ||
            strdup_to(doc->instance_name, &w->instance_name) < 0)
                return -ENOMEM;

        *ret = TAKE_PTR(w);
        return 0;
}

static int express_load_one(Manager *m, const GUID *writer_id) {
        _cleanup_(writer_proxy_freep) WriterProxy *w = NULL;
        _cleanup_(writer_doc_freep) WriterDoc *doc = NULL;
        _cleanup_(freep) char *document = NULL;
        const char *why;
        size_t size;
        HRESULT hr;
        int r;

        r = catalog_get_express_writer(m->catalog, writer_id, &document, &size);
        if (r < 0)
                return r;
        hr = express_document_read(document, size, &doc, &why);
        if (SUCCEEDED(hr)) {
                r = express_proxy_new(doc, &w);
                if (r < 0)
                        return r;
                hr = writer_registry_add(m, w);
        }
        if (SUCCEEDED(hr))
                TAKE_PTR(w);
        else
                log_error(
                        "The document of express writer {%s} is of no use, going on without it until it is registered anew: %s",
                        GUID_TO_STRING(writer_id), why ?: hresult_sentence(hr));
        return 0;
}

int express_writers_load(Manager *m) {
        _cleanup_(freep) GUID *ids = NULL;
        size_t n = 0;
        int r;

        r = catalog_list_express_writers(m->catalog, &ids, &n);
        for (size_t i = 0; i < n && r >= 0; ++i)
                r = express_load_one(m, &ids[i]);
        return r < 0 ? log_error_errno(r, "Failed to load the express writers, refusing to start: %m") : 0;
}

static unsigned express_count(const Manager *m) {
        const WriterProxy *w;
        unsigned n = 0;

        DL_FOREACH(m->writers, w)
                n += writer_proxy_is_express(w);
        return n;
}

HRESULT express_writers_register(Manager *m,
                                 const Connection *by,
                                 const char *document,
                                 size_t size,
                                 const char **ret_why) {
        _cleanup_(writer_proxy_freep) WriterProxy *w = NULL;
        _cleanup_(writer_doc_freep) WriterDoc *doc = NULL;
        HRESULT hr;
        int r;

        hr = express_document_read(document, size, &doc, ret_why);
        if (FAILED(hr))
                return hr;
        hr = authorize_writer(by, &doc->writer_id);
        if (FAILED(hr))
                return hr;
        if (express_find(m, &doc->writer_id) || writer_registry_find(m, &doc->instance_id))
                return VSS_E_OBJECT_ALREADY_EXISTS;
        if (express_count(m) >= WIRE_EXPRESS_WRITERS_MAX) {
                *ret_why = "there are as many express writers as there may be: unregister one that is not "
                           "needed any more";
                return VSS_E_INSUFFICIENT_STORAGE;
        }

        r = express_proxy_new(doc, &w);
        if (r >= 0)
                r = catalog_add_express_writer(m->catalog, &doc->writer_id, &doc->instance_id, document,
                                               size);
        if (r == -EEXIST)
                return VSS_E_OBJECT_ALREADY_EXISTS;
        if (r < 0)
                return hresult_from_errno(r);
        return writer_registry_add(m, TAKE_PTR(w)); /* which was asked above whether it would */
}

HRESULT express_writers_unregister(Manager *m, const Connection *by, const GUID *writer_id) {
        WriterProxy *w;
        HRESULT hr;
        int r;

        hr = authorize_writer(by, writer_id);
        if (FAILED(hr))
                return hr;
        r = catalog_remove_express_writer(m->catalog, writer_id);
        if (r == -ENOENT)
                return VSS_E_OBJECT_NOT_FOUND;
        if (r < 0)
                return hresult_from_errno(r);

        w = express_find(m, writer_id);
        if (w) {
                writer_registry_remove(w);
                writer_proxy_free_if_unused(w);
        }
        return S_OK;
}

void express_writer_answer(const WriterProxy *w, WireEvent event, WriterReply *reply, char **ret_document) {
        int r;

        *reply = (WriterReply){ .hr = S_OK };
        if (event != WIRE_EVENT_IDENTIFY)
                return;

        r = catalog_get_express_writer(w->manager->catalog, &w->writer_id, ret_document,
                                       &reply->document_size);
        if (r < 0)
                *reply = (WriterReply){ .hr = hresult_from_errno(r),
                                        .message = "its document could not be read" };
        else
                reply->document = *ret_document;
}
