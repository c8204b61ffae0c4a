/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * IVssExamineWriterMetadataEx2
 *
 * LoadFromXML() replaces the document as a whole, so a method takes a reference to the one there is, under
 * the lock, and then reads in peace. Components that were handed out keep theirs. When the text was no
 * document there is none any more, and every method says VSS_E_UNEXPECTED: S_FALSE is a success, and a
 * program that does not look must not take the writer of before for the one that it meant to load.
 */

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/hresult.h"
#include "base/utf.h"
#include "com/com-object.h"
#include "view/examine-metadata.h"
#include "view/view-text.h"
#include "view/wm-objects.h"

typedef struct ExamineMetadata {
        ComObject com;
        IVssExamineWriterMetadataEx2 IVssExamineWriterMetadataEx2_iface;

        pthread_mutex_t lock;
        WriterDocHolder *holder; /* guarded by @lock; what it holds is constant. NULL: loading failed */
} ExamineMetadata;

static const IVssExamineWriterMetadataEx2Vtbl examine_metadata_vtbl;

static ExamineMetadata *impl_from_IVssExamineWriterMetadataEx2(IVssExamineWriterMetadataEx2 *iface) {
        assert(iface->lpVtbl == &examine_metadata_vtbl);
        return container_of(iface, ExamineMetadata, IVssExamineWriterMetadataEx2_iface);
}

COM_DEFINE_UNKNOWN(examine_metadata, IVssExamineWriterMetadataEx2)

/* The document, if there is one; the caller drops the reference. */
static HRESULT current(IVssExamineWriterMetadataEx2 *iface, WriterDocHolder **ret) {
        ExamineMetadata *m = impl_from_IVssExamineWriterMetadataEx2(iface);
        WriterDocHolder *holder = NULL;

        pthread_mutex_lock(&m->lock);
        if (m->holder)
                holder = writer_doc_holder_ref(m->holder);
        pthread_mutex_unlock(&m->lock);

        if (!holder)
                return VSS_E_UNEXPECTED;

        *ret = holder;
        return S_OK;
}

/* The same, for what stands in an element of the document, whose extra is at @extra. Damaged:
 * VSS_E_INVALID_XML_DOCUMENT. */
static HRESULT current_element(IVssExamineWriterMetadataEx2 *iface, size_t extra, WriterDocHolder **ret) {
        _cleanup_(writer_doc_holder_unrefp) WriterDocHolder *holder = NULL;
        HRESULT hr;

        hr = current(iface, &holder);
        if (FAILED(hr))
                return hr;

        hr = doc_extra_check(*(DocExtra *const *) ((const char *) holder->doc + extra));
        if (SUCCEEDED(hr))
                *ret = TAKE_PTR(holder);
        return hr;
}

#define ROOT offsetof(WriterDoc, extra)
#define IDENTIFICATION offsetof(WriterDoc, identification_extra)
#define RESTORE_METHOD offsetof(WriterDoc, restore_method_extra)
#define LOCATIONS offsetof(WriterDoc, locations_extra)

/* @ret_instance_name may be NULL: the older method has no such thing. */
static HRESULT get_identity(IVssExamineWriterMetadataEx2 *iface,
                            VSS_ID *ret_instance,
                            VSS_ID *ret_writer,
                            BSTR *ret_name,
                            BSTR *ret_instance_name,
                            VSS_USAGE_TYPE *ret_usage,
                            VSS_SOURCE_TYPE *ret_source) {
        _cleanup_(writer_doc_holder_unrefp) WriterDocHolder *holder = NULL;
        const WriterDoc *d;
        HRESULT hr;

        hr = current_element(iface, IDENTIFICATION, &holder);
        if (FAILED(hr))
                return hr;

        d = holder->doc;

        hr = view_texts_to_bstr(
                (const ViewText[]){
                        { ret_name, d->friendly_name },
                        { ret_instance_name, d->instance_name },
                },
                ret_instance_name ? 2 : 1);
        if (FAILED(hr))
                return hr;

        *ret_instance = d->instance_id;
        *ret_writer = d->writer_id;
        *ret_usage = d->usage;
        *ret_source = d->source;
        return S_OK;
}

static HRESULT STDMETHODCALLTYPE examine_metadata_GetIdentity(IVssExamineWriterMetadataEx2 *iface,
                                                              VSS_ID *ret_instance,
                                                              VSS_ID *ret_writer,
                                                              BSTR *ret_name,
                                                              VSS_USAGE_TYPE *ret_usage,
                                                              VSS_SOURCE_TYPE *ret_source) {
        if (!ret_instance || !ret_writer || !ret_name || !ret_usage || !ret_source)
                return E_INVALIDARG;

        return get_identity(iface, ret_instance, ret_writer, ret_name, NULL, ret_usage, ret_source);
}

/* Include files are reserved, and none is ever shown. */
static HRESULT STDMETHODCALLTYPE examine_metadata_GetFileCounts(IVssExamineWriterMetadataEx2 *iface,
                                                                UINT *ret_include_files,
                                                                UINT *ret_exclude_files,
                                                                UINT *ret_components) {
        _cleanup_(writer_doc_holder_unrefp) WriterDocHolder *holder = NULL;
        HRESULT hr;

        if (!ret_include_files || !ret_exclude_files || !ret_components)
                return E_INVALIDARG;

        hr = current_element(iface, LOCATIONS, &holder);
        if (FAILED(hr))
                return hr;

        *ret_include_files = 0;
        *ret_exclude_files = (UINT) holder->doc->exclude_files.n;
        *ret_components = (UINT) holder->doc->n_components;
        return S_OK;
}

/* Reserved. */
static HRESULT STDMETHODCALLTYPE examine_metadata_GetIncludeFile(IVssExamineWriterMetadataEx2 *iface,
                                                                 UINT i,
                                                                 IVssWMFiledesc **ret) {
        if (ret)
                *ret = NULL;

        return E_NOTIMPL;
}

static HRESULT STDMETHODCALLTYPE examine_metadata_GetExcludeFile(IVssExamineWriterMetadataEx2 *iface,
                                                                 UINT i,
                                                                 IVssWMFiledesc **ret) {
        _cleanup_(writer_doc_holder_unrefp) WriterDocHolder *holder = NULL;
        HRESULT hr;

        if (!ret)
                return E_INVALIDARG;
        *ret = NULL;

        hr = current_element(iface, LOCATIONS, &holder);
        if (FAILED(hr))
                return hr;

        return wm_filedesc_new_at(&holder->doc->exclude_files, i, NULL, ret);
}

static HRESULT STDMETHODCALLTYPE examine_metadata_GetComponent(IVssExamineWriterMetadataEx2 *iface,
                                                               UINT i,
                                                               IVssWMComponent **ret) {
        _cleanup_(writer_doc_holder_unrefp) WriterDocHolder *holder = NULL;
        HRESULT hr;

        if (!ret)
                return E_INVALIDARG;
        *ret = NULL;

        hr = current_element(iface, LOCATIONS, &holder);
        if (FAILED(hr))
                return hr;

        return i < holder->doc->n_components ? wm_component_new(holder, &holder->doc->components[i], ret) :
                                               VSS_E_OBJECT_NOT_FOUND;
}

static HRESULT STDMETHODCALLTYPE
examine_metadata_GetRestoreMethod(IVssExamineWriterMetadataEx2 *iface,
                                  VSS_RESTOREMETHOD_ENUM *ret_method,
                                  BSTR *ret_service,
                                  BSTR *ret_user_procedure,
                                  VSS_WRITERRESTORE_ENUM *ret_writer_restore,
                                  bool *ret_reboot_required,
                                  UINT *ret_mappings) {
        _cleanup_(writer_doc_holder_unrefp) WriterDocHolder *holder = NULL;
        const WriterDoc *d;
        HRESULT hr;

        if (!ret_method || !ret_service || !ret_user_procedure || !ret_writer_restore ||
            !ret_reboot_required || !ret_mappings)
                return E_INVALIDARG;

        hr = current_element(iface, RESTORE_METHOD, &holder);
        if (FAILED(hr))
                return hr;

        d = holder->doc;

        hr = view_texts_to_bstr(
                (const ViewText[]){
                        { ret_service, d->service },
                        { ret_user_procedure, d->user_procedure },
                },
                2);
        if (FAILED(hr))
                return hr;

        *ret_method = d->restore_method;
        *ret_writer_restore = d->writer_restore;
        *ret_reboot_required = d->reboot_required;
        *ret_mappings = (UINT) d->mappings.n;
        return d->has_restore_method ? S_OK : S_FALSE;
}

static HRESULT STDMETHODCALLTYPE
examine_metadata_GetAlternateLocationMapping(IVssExamineWriterMetadataEx2 *iface,
                                             UINT i,
                                             IVssWMFiledesc **ret) {
        _cleanup_(writer_doc_holder_unrefp) WriterDocHolder *holder = NULL;
        HRESULT hr;

        if (!ret)
                return E_INVALIDARG;
        *ret = NULL;

        hr = current_element(iface, RESTORE_METHOD, &holder);
        if (FAILED(hr))
                return hr;

        return wm_filedesc_new_at(&holder->doc->mappings, i, NULL, ret);
}

static HRESULT STDMETHODCALLTYPE examine_metadata_GetBackupSchema(IVssExamineWriterMetadataEx2 *iface,
                                                                  DWORD *ret) {
        _cleanup_(writer_doc_holder_unrefp) WriterDocHolder *holder = NULL;
        HRESULT hr;

        if (!ret)
                return E_INVALIDARG;

        hr = current_element(iface, ROOT, &holder);
        if (FAILED(hr))
                return hr;

        *ret = holder->doc->backup_schema;
        return S_OK;
}

/* Reserved. */
static HRESULT STDMETHODCALLTYPE examine_metadata_GetDocument(IVssExamineWriterMetadataEx2 *iface,
                                                              IXMLDOMDocument **ret) {
        if (ret)
                *ret = NULL;

        return E_NOTIMPL;
}

static HRESULT STDMETHODCALLTYPE examine_metadata_SaveAsXML(IVssExamineWriterMetadataEx2 *iface, BSTR *ret) {
        _cleanup_(writer_doc_holder_unrefp) WriterDocHolder *holder = NULL;
        _cleanup_(freep) char *text = NULL;
        HRESULT hr;

        if (!ret)
                return E_INVALIDARG;
        *ret = NULL;

        hr = current(iface, &holder);
        if (FAILED(hr))
                return hr;

        hr = writer_doc_write(holder->doc, &text, NULL);
        if (FAILED(hr))
                return hr;

        return hresult_from_errno(bstr_from_utf8(text, ret));
}

static HRESULT holder_from_xml(const WCHAR *xml, WriterDocHolder **ret) {
        _cleanup_(writer_doc_freep) WriterDoc *doc = NULL;
        _cleanup_(freep) char *text = NULL;
        HRESULT hr;
        int r;

        if (!xml)
                return E_INVALIDARG;

        r = utf8_from_wide(xml, &text);
        if (r < 0)
                return hresult_from_errno(r);

        hr = writer_doc_read(text, strlen(text), &doc);
        if (FAILED(hr))
                return hr;

        hr = writer_doc_holder_new(doc, ret);
        if (SUCCEEDED(hr))
                TAKE_PTR(doc);
        return hr;
}

/* A document that is no XML at all "could not be loaded", which is a success code here.
 * [MS: nf-vsbackup-ivssexaminewritermetadata-loadfromxml] */
static HRESULT STDMETHODCALLTYPE examine_metadata_LoadFromXML(IVssExamineWriterMetadataEx2 *iface,
                                                              BSTR xml) {
        ExamineMetadata *m = impl_from_IVssExamineWriterMetadataEx2(iface);
        _cleanup_(writer_doc_holder_unrefp) WriterDocHolder *holder = NULL, *replaced = NULL;
        HRESULT hr;

        hr = holder_from_xml(xml, &holder);
        if (FAILED(hr) && hr != VSS_E_CORRUPT_XML_DOCUMENT && hr != VSS_E_INVALID_XML_DOCUMENT)
                return hr;

        pthread_mutex_lock(&m->lock);
        replaced = m->holder;
        m->holder = TAKE_PTR(holder);
        pthread_mutex_unlock(&m->lock);
        return hr == VSS_E_CORRUPT_XML_DOCUMENT ? S_FALSE : hr;
}

static HRESULT STDMETHODCALLTYPE examine_metadata_GetIdentityEx(IVssExamineWriterMetadataEx2 *iface,
                                                                VSS_ID *ret_instance,
                                                                VSS_ID *ret_writer,
                                                                BSTR *ret_name,
                                                                BSTR *ret_instance_name,
                                                                VSS_USAGE_TYPE *ret_usage,
                                                                VSS_SOURCE_TYPE *ret_source) {
        if (!ret_instance || !ret_writer || !ret_name || !ret_instance_name || !ret_usage || !ret_source)
                return E_INVALIDARG;

        return get_identity(iface, ret_instance, ret_writer, ret_name, ret_instance_name, ret_usage,
                            ret_source);
}

static HRESULT STDMETHODCALLTYPE examine_metadata_GetVersion(IVssExamineWriterMetadataEx2 *iface,
                                                             DWORD *ret_major,
                                                             DWORD *ret_minor) {
        _cleanup_(writer_doc_holder_unrefp) WriterDocHolder *holder = NULL;
        HRESULT hr;

        if (!ret_major || !ret_minor)
                return E_INVALIDARG;

        hr = current_element(iface, IDENTIFICATION, &holder);
        if (FAILED(hr))
                return hr;

        *ret_major = holder->doc->major_version;
        *ret_minor = holder->doc->minor_version;
        return S_OK;
}

static HRESULT STDMETHODCALLTYPE
examine_metadata_GetExcludeFromSnapshotCount(IVssExamineWriterMetadataEx2 *iface, UINT *ret) {
        _cleanup_(writer_doc_holder_unrefp) WriterDocHolder *holder = NULL;
        HRESULT hr;

        if (!ret)
                return E_INVALIDARG;

        hr = current_element(iface, LOCATIONS, &holder);
        if (FAILED(hr))
                return hr;

        *ret = (UINT) holder->doc->exclude_from_snapshot.n;
        return S_OK;
}

static HRESULT STDMETHODCALLTYPE
examine_metadata_GetExcludeFromSnapshotFile(IVssExamineWriterMetadataEx2 *iface,
                                            UINT i,
                                            IVssWMFiledesc **ret) {
        _cleanup_(writer_doc_holder_unrefp) WriterDocHolder *holder = NULL;
        HRESULT hr;

        if (!ret)
                return E_INVALIDARG;
        *ret = NULL;

        hr = current_element(iface, LOCATIONS, &holder);
        if (FAILED(hr))
                return hr;

        return wm_filedesc_new_at(&holder->doc->exclude_from_snapshot, i, NULL, ret);
}

static const IVssExamineWriterMetadataEx2Vtbl examine_metadata_vtbl = {
        .QueryInterface = examine_metadata_QueryInterface,
        .AddRef = examine_metadata_AddRef,
        .Release = examine_metadata_Release,
        .GetIdentity = examine_metadata_GetIdentity,
        .GetFileCounts = examine_metadata_GetFileCounts,
        .GetIncludeFile = examine_metadata_GetIncludeFile,
        .GetExcludeFile = examine_metadata_GetExcludeFile,
        .GetComponent = examine_metadata_GetComponent,
        .GetRestoreMethod = examine_metadata_GetRestoreMethod,
        .GetAlternateLocationMapping = examine_metadata_GetAlternateLocationMapping,
        .GetBackupSchema = examine_metadata_GetBackupSchema,
        .GetDocument = examine_metadata_GetDocument,
        .SaveAsXML = examine_metadata_SaveAsXML,
        .LoadFromXML = examine_metadata_LoadFromXML,
        .GetIdentityEx = examine_metadata_GetIdentityEx,
        .GetVersion = examine_metadata_GetVersion,
        .GetExcludeFromSnapshotCount = examine_metadata_GetExcludeFromSnapshotCount,
        .GetExcludeFromSnapshotFile = examine_metadata_GetExcludeFromSnapshotFile,
};

static_assert(sizeof(examine_metadata_vtbl) == 18 * sizeof(void *),
              "slots 0 to 17: the table grew or shrank");

static void examine_metadata_finalize(ComObject *object) {
        ExamineMetadata *m = container_of(object, ExamineMetadata, com);

        writer_doc_holder_unref(m->holder);
        pthread_mutex_destroy(&m->lock);
        free(m);
}

static const ComInterface examine_metadata_interfaces[] = {
        COM_INTERFACE_AS(ExamineMetadata, IVssExamineWriterMetadata, IVssExamineWriterMetadataEx2),
        COM_INTERFACE_AS(ExamineMetadata, IVssExamineWriterMetadataEx, IVssExamineWriterMetadataEx2),
        COM_INTERFACE(ExamineMetadata, IVssExamineWriterMetadataEx2),
};

static const ComClass examine_metadata_class = {
        .name = "ExamineMetadata",
        .interfaces = examine_metadata_interfaces,
        .n_interfaces = ELEMENTSOF(examine_metadata_interfaces),
        .finalize = examine_metadata_finalize,
};

/* Takes the reference of @holder over, on success. */
static HRESULT examine_metadata_new_over(WriterDocHolder *holder, IVssExamineWriterMetadataEx2 **ret) {
        ExamineMetadata *m;

        m = calloc_checked(1, sizeof(*m));
        if (!m)
                return E_OUTOFMEMORY;

        com_object_init(&m->com, &examine_metadata_class);
        m->IVssExamineWriterMetadataEx2_iface.lpVtbl = &examine_metadata_vtbl;
        pthread_mutex_init(&m->lock, NULL);
        m->holder = holder;

        *ret = &m->IVssExamineWriterMetadataEx2_iface;
        return S_OK;
}

HRESULT examine_metadata_new(WriterDoc *doc, IVssExamineWriterMetadataEx2 **ret) {
        WriterDocHolder *holder;
        HRESULT hr;

        hr = writer_doc_holder_new(doc, &holder);
        if (FAILED(hr))
                return hr;

        hr = examine_metadata_new_over(holder, ret);
        if (FAILED(hr))
                free(holder); /* the document stays the caller's */
        return hr;
}

HRESULT examine_metadata_from_xml(const WCHAR *xml, IVssExamineWriterMetadataEx2 **ret) {
        _cleanup_(writer_doc_holder_unrefp) WriterDocHolder *holder = NULL;
        HRESULT hr;

        hr = holder_from_xml(xml, &holder);
        if (hr == VSS_E_CORRUPT_XML_DOCUMENT)
                return VSS_E_INVALID_XML_DOCUMENT;
        if (FAILED(hr))
                return hr;

        hr = examine_metadata_new_over(holder, ret);
        if (SUCCEEDED(hr))
                TAKE_PTR(holder);
        return hr;
}
