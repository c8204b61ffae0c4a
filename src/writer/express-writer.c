/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Express Writers
 *
 * Writers that are a registered document and no process. The object here only carries a document from its
 * author to umbrad: one that is being made (CreateMetadata), or one that was made before (LoadMetadata);
 * the last one counts. It has no connection and leaves nothing behind.
 */

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <vswriter.h>

#include "base/alloc.h"
#include "base/bstr.h"
#include "base/guid.h"
#include "base/hresult.h"
#include "base/utf.h"
#include "com/com-object.h"
#include "doc/express-rules.h"
#include "view/create-express-metadata.h"
#include "view/view-text.h"
#include "wire/last-error.h"
#include "writer/express-client.h"

typedef struct ExpressWriter {
        ComObject com;
        IVssExpressWriter IVssExpressWriter_iface;

        pthread_mutex_t lock; /* guards what follows, of which at most one is there */
        IVssCreateExpressWriterMetadata *metadata;
        char *document;
} ExpressWriter;

static const IVssExpressWriterVtbl express_writer_vtbl;

static ExpressWriter *impl_from_IVssExpressWriter(IVssExpressWriter *iface) {
        assert(iface->lpVtbl == &express_writer_vtbl);
        return container_of(iface, ExpressWriter, IVssExpressWriter_iface);
}

COM_DEFINE_UNKNOWN(express_writer, IVssExpressWriter)

/* Takes both over. */
static void express_writer_replace(ExpressWriter *w,
                                   IVssCreateExpressWriterMetadata *metadata,
                                   char *document) {
        IVssCreateExpressWriterMetadata *old_metadata;
        char *old_document;

        pthread_mutex_lock(&w->lock);
        old_metadata = w->metadata;
        old_document = w->document;
        w->metadata = metadata;
        w->document = document;
        pthread_mutex_unlock(&w->lock);

        if (old_metadata)
                IVssCreateExpressWriterMetadata_Release(old_metadata);
        free(old_document);
}

/* An express writer has one instance, wherever and whenever it is registered, so its class names that as
 * well. [MS: pitfall 48] */
static HRESULT express_doc_new(VSS_ID id,
                               LPCWSTR name,
                               VSS_USAGE_TYPE usage,
                               DWORD major,
                               DWORD minor,
                               WriterDoc **ret) {
        _cleanup_(writer_doc_freep) WriterDoc *d = NULL;
        HRESULT hr;

        if (writer_doc_new(&d) < 0)
                return E_OUTOFMEMORY;
        d->writer_id = d->instance_id = id;
        d->usage = usage;
        d->source = VSS_ST_OTHER;
        d->major_version = major;
        d->minor_version = minor;
        hr = view_text_from_wide(name, &d->friendly_name);
        if (FAILED(hr))
                return hr;

        *ret = TAKE_PTR(d);
        return S_OK;
}

/* [MS: nf-vswriter-ivssexpresswriter-createmetadata] */
static HRESULT STDMETHODCALLTYPE express_writer_CreateMetadata(IVssExpressWriter *iface,
                                                               VSS_ID id,
                                                               LPCWSTR name,
                                                               VSS_USAGE_TYPE usage,
                                                               DWORD major,
                                                               DWORD minor,
                                                               DWORD reserved,
                                                               IVssCreateExpressWriterMetadata **ret) {
        ExpressWriter *w = impl_from_IVssExpressWriter(iface);
        _cleanup_(writer_doc_freep) WriterDoc *doc = NULL;
        IVssCreateExpressWriterMetadata *metadata;
        HRESULT hr;

        if (!ret)
                return last_error_set(E_INVALIDARG, NULL);
        *ret = NULL;
        if (guid_is_null(&id) || wide_is_empty(name) || reserved != 0)
                return last_error_set(E_INVALIDARG, "an express writer needs an id and a name");
        if (!express_usage_is_valid(usage))
                return last_error_set(E_INVALIDARG,
                                      "the usage of an express writer is VSS_UT_BOOTABLESYSTEMSTATE, "
                                      "VSS_UT_SYSTEMSERVICE or VSS_UT_USERDATA");

        hr = express_doc_new(id, name, usage, major, minor, &doc);
        if (SUCCEEDED(hr))
                hr = create_express_metadata_new(doc, &metadata);
        if (FAILED(hr))
                return last_error_set(hr, NULL);
        TAKE_PTR(doc);

        IVssCreateExpressWriterMetadata_AddRef(metadata);
        express_writer_replace(w, metadata, NULL);
        *ret = metadata;
        return S_OK;
}

static HRESULT document_check(const char *text, const char *what) {
        _cleanup_(writer_doc_freep) WriterDoc *doc = NULL;
        const char *why = "it is no writer metadata document";
        HRESULT hr;

        hr = writer_doc_read(text, strlen(text), &doc);
        if (hr == E_OUTOFMEMORY)
                return last_error_set(hr, NULL);
        if (SUCCEEDED(hr))
                hr = express_document_check(doc, &why);
        return FAILED(hr) ? last_error_set(VSS_E_INVALID_XML_DOCUMENT, "the document cannot be %s: %s", what,
                                           why) :
                            S_OK;
}

/* [MS: nf-vswriter-ivssexpresswriter-loadmetadata] */
static HRESULT STDMETHODCALLTYPE express_writer_LoadMetadata(IVssExpressWriter *iface,
                                                             LPCWSTR metadata,
                                                             DWORD reserved) {
        _cleanup_(freep) char *text = NULL;
        HRESULT hr;
        int r;

        if (!metadata || reserved != 0)
                return last_error_set(E_INVALIDARG, NULL);
        r = utf8_from_wide(metadata, &text);
        if (r < 0)
                return last_error_set(r == -ENOMEM ? E_OUTOFMEMORY : VSS_E_INVALID_XML_DOCUMENT, NULL);
        hr = document_check(text, "loaded");
        if (FAILED(hr))
                return hr;

        express_writer_replace(impl_from_IVssExpressWriter(iface), NULL, TAKE_PTR(text));
        return S_OK;
}

/* The document as it stands now. */
static HRESULT express_writer_text(ExpressWriter *w, char **ret) {
        IVssCreateExpressWriterMetadata *metadata;
        HRESULT hr = S_OK;
        BSTR xml = NULL;
        int r;

        pthread_mutex_lock(&w->lock);
        metadata = w->metadata;
        if (metadata)
                IVssCreateExpressWriterMetadata_AddRef(metadata);
        else if (!w->document)
                hr = VSS_E_BAD_STATE;
        else if (strdup_to(w->document, ret) < 0)
                hr = E_OUTOFMEMORY;
        pthread_mutex_unlock(&w->lock);
        if (!metadata)
                return hr == VSS_E_BAD_STATE ?
                               last_error_set(hr, "call CreateMetadata() or LoadMetadata() first") :
                       FAILED(hr) ? last_error_set(hr, NULL) :
                                    S_OK;

        hr = IVssCreateExpressWriterMetadata_SaveAsXML(metadata, &xml);
        IVssCreateExpressWriterMetadata_Release(metadata);
        if (FAILED(hr))
                return last_error_set(hr, NULL);
        r = utf8_from_wide(xml, ret);
        bstr_free(xml);
        return r < 0 ? last_error_set(hresult_from_errno(r), NULL) : S_OK;
}

/* [MS: nf-vswriter-ivssexpresswriter-register] */
static HRESULT STDMETHODCALLTYPE express_writer_Register(IVssExpressWriter *iface) {
        _cleanup_(freep) char *text = NULL;
        HRESULT hr;

        hr = express_writer_text(impl_from_IVssExpressWriter(iface), &text);
        if (SUCCEEDED(hr))
                hr = document_check(text, "registered");
        if (SUCCEEDED(hr))
                hr = express_client_register(text, strlen(text));
        return hr;
}

/* Whoever removes an application knows its id and need not describe it first, whatever the page says.
 * [MS: nf-vswriter-ivssexpresswriter-unregister] */
static HRESULT STDMETHODCALLTYPE express_writer_Unregister(IVssExpressWriter *iface, VSS_ID id) {
        return express_client_unregister(&id);
}

static const IVssExpressWriterVtbl express_writer_vtbl = {
        .QueryInterface = express_writer_QueryInterface,
        .AddRef = express_writer_AddRef,
        .Release = express_writer_Release,
        .CreateMetadata = express_writer_CreateMetadata,
        .LoadMetadata = express_writer_LoadMetadata,
        .Register = express_writer_Register,
        .Unregister = express_writer_Unregister,
};

static_assert(sizeof(express_writer_vtbl) == 7 * sizeof(void *), "slots 0 to 6: the table grew or shrank");

static const ComInterface express_writer_interfaces[] = {
        COM_INTERFACE(ExpressWriter, IVssExpressWriter),
};

static void express_writer_finalize(ComObject *object) {
        ExpressWriter *w = container_of(object, ExpressWriter, com);

        express_writer_replace(w, NULL, NULL);
        pthread_mutex_destroy(&w->lock);
        free(w);
}

static const ComClass express_writer_class = {
        .name = "IVssExpressWriter",
        .interfaces = express_writer_interfaces,
        .n_interfaces = ELEMENTSOF(express_writer_interfaces),
        .finalize = express_writer_finalize,
};

/* [MS: nf-vswriter-createvssexpresswriter] */
HRESULT CreateVssExpressWriterInternal(IVssExpressWriter **ret) {
        ExpressWriter *w;

        if (!ret)
                return last_error_set(E_INVALIDARG, NULL);
        *ret = NULL;

        w = calloc_checked(1, sizeof(*w));
        if (!w)
                return last_error_set(E_OUTOFMEMORY, NULL);
        com_object_init(&w->com, &express_writer_class);
        w->IVssExpressWriter_iface.lpVtbl = &express_writer_vtbl;
        pthread_mutex_init(&w->lock, NULL);

        *ret = &w->IVssExpressWriter_iface;
        return S_OK;
}

HRESULT CreateVssExpressWriter(IVssExpressWriter **ret) {
        return CreateVssExpressWriterInternal(ret);
}
