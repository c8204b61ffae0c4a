/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * IVssCreateWriterMetadataEx
 *
 * Two tables, as for every interface with a base that has no IUnknown. Each method checks what its page says
 * and adds to the model; a method that fails has added nothing. Once the handler is over the document is
 * finished: who kept the object gets VSS_E_UNEXPECTED from every method.
 */

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "base/alloc.h"
#include "base/guid.h"
#include "base/hresult.h"
#include "base/utf.h"
#include "com/com-object.h"
#include "doc/doc-limits.h"
#include "view/create-metadata.h"
#include "view/view-text.h"

struct CreateMetadata {
        IVssCreateWriterMetadataEx iface;
        _Atomic(ULONG) n_ref;

        pthread_mutex_t lock;
        WriterDoc *doc; /* borrowed; NULL when the handler is over; guarded by @lock */
};

static const IVssCreateWriterMetadataExVtbl create_metadata_vtbl;
static const IUnknownVtbl create_metadata_unknown_vtbl;

static CreateMetadata *impl_from_metadata(IVssCreateWriterMetadataEx *iface) {
        assert(iface->lpVtbl == &create_metadata_vtbl);
        return container_of(iface, CreateMetadata, iface);
}

static CreateMetadata *impl_from_IUnknown(IUnknown *iface) {
        assert(iface->lpVtbl == &create_metadata_unknown_vtbl);
        return container_of(iface, CreateMetadata, iface.unknown);
}

/* The document, locked; VSS_E_UNEXPECTED when it is finished. Damaged where @extra (a member) belongs to:
 * VSS_E_INVALID_XML_DOCUMENT. */
static HRESULT enter_element(CreateMetadata *m, size_t extra, WriterDoc **ret) {
        HRESULT hr;

        pthread_mutex_lock(&m->lock);
        hr = m->doc ? doc_extra_check(*(DocExtra **) ((char *) m->doc + extra)) : VSS_E_UNEXPECTED;
        if (FAILED(hr)) {
                pthread_mutex_unlock(&m->lock);
                return hr;
        }

        *ret = m->doc;
        return S_OK;
}

static void leave(CreateMetadata *m) {
        pthread_mutex_unlock(&m->lock);
}

#define ROOT offsetof(WriterDoc, extra)
#define RESTORE_METHOD offsetof(WriterDoc, restore_method_extra)
#define LOCATIONS offsetof(WriterDoc, locations_extra)

#define FSBT_ALL \
        (VSS_FSBT_ALL_BACKUP_REQUIRED | VSS_FSBT_ALL_SNAPSHOT_REQUIRED | VSS_FSBT_CREATED_DURING_BACKUP)
#define CF_ALL (VSS_CF_BACKUP_RECOVERY | VSS_CF_APP_ROLLBACK_RECOVERY | VSS_CF_NOT_SYSTEM_STATE)
#define BS_ALL                                                                                              \
        (VSS_BS_DIFFERENTIAL | VSS_BS_INCREMENTAL | VSS_BS_EXCLUSIVE_INCREMENTAL_DIFFERENTIAL |             \
         VSS_BS_LOG | VSS_BS_COPY | VSS_BS_TIMESTAMPED | VSS_BS_LAST_MODIFY | VSS_BS_LSN |                  \
         VSS_BS_WRITER_SUPPORTS_NEW_TARGET | VSS_BS_WRITER_SUPPORTS_RESTORE_WITH_MOVE |                     \
         VSS_BS_INDEPENDENT_SYSTEM_STATE | VSS_BS_ROLLFORWARD_RESTORE | VSS_BS_RESTORE_RENAME |             \
         VSS_BS_AUTHORITATIVE_RESTORE | VSS_BS_WRITER_SUPPORTS_PARALLEL_RESTORES)

/* What a file set consists of, as UTF-8. */
typedef struct FileSet {
        char *path, *filespec, *alternate;
} FileSet;

static void file_set_clear(FileSet *set) {
        free(set->path);
        free(set->filespec);
        free(set->alternate);
}

/* A directory and a pattern without one. @alternate may be NULL. */
static HRESULT file_set_from_wide(const WCHAR *path,
                                  const WCHAR *filespec,
                                  const WCHAR *alternate,
                                  FileSet *set) {
        HRESULT hr;

        if (wide_is_empty(path) || wide_is_empty(filespec))
                return E_INVALIDARG;

        hr = view_text_from_wide(path, &set->path);
        if (FAILED(hr))
                return hr;

        hr = view_text_from_wide(filespec, &set->filespec);
        if (FAILED(hr))
                return hr;

        /* A backslash is a letter of file names here: systemd has units with one. */
        if (strchr(set->filespec, '/'))
                return E_INVALIDARG;

        return wide_is_empty(alternate) ? S_OK : view_text_from_wide(alternate, &set->alternate);
}

/* -EINVAL is a list that is full: with one more nobody could read the document. */
static HRESULT hresult_from_list(int r) {
        return r == -EINVAL ? VSS_E_INVALID_XML_DOCUMENT : hresult_from_errno(r);
}

static HRESULT add_file_set(DocFileSpecs *list, const FileSet *set, bool recursive, DWORD mask) {
        return hresult_from_list(
                doc_filespecs_add(list, set->path, set->filespec, recursive, set->alternate, mask));
}

/* Reserved. */
static HRESULT STDMETHODCALLTYPE create_metadata_AddIncludeFiles(IVssCreateWriterMetadataEx *iface,
                                                                 LPCWSTR path,
                                                                 LPCWSTR filespec,
                                                                 bool recursive,
                                                                 LPCWSTR alternate) {
        return E_NOTIMPL;
}

static HRESULT add_excluded(CreateMetadata *m,
                            size_t list, /* a DocFileSpecs of the document */
                            LPCWSTR path,
                            LPCWSTR filespec,
                            bool recursive) {
        _cleanup_(file_set_clear) FileSet set = { 0 };
        WriterDoc *d;
        HRESULT hr;

        hr = file_set_from_wide(path, filespec, NULL, &set);
        if (FAILED(hr))
                return hr;

        hr = enter_element(m, LOCATIONS, &d);
        if (FAILED(hr))
                return hr;

        hr = add_file_set((DocFileSpecs *) ((char *) d + list), &set, recursive, 0);
        leave(m);
        return hr;
}

static HRESULT STDMETHODCALLTYPE create_metadata_AddExcludeFiles(IVssCreateWriterMetadataEx *iface,
                                                                 LPCWSTR path,
                                                                 LPCWSTR filespec,
                                                                 bool recursive) {
        return add_excluded(impl_from_metadata(iface), offsetof(WriterDoc, exclude_files), path, filespec,
                            recursive);
}

/* What of a component has to be copied. */
typedef struct ComponentParts {
        char *logical_path, *name, *caption;
        uint8_t *icon;
} ComponentParts;

static void component_parts_clear(ComponentParts *parts) {
        free(parts->logical_path);
        free(parts->name);
        free(parts->caption);
        free(parts->icon);
}

static HRESULT component_parts_from_wide(const WCHAR *logical_path,
                                         const WCHAR *name,
                                         const WCHAR *caption,
                                         const BYTE *icon,
                                         UINT icon_size,
                                         ComponentParts *parts) {
        HRESULT hr;

        hr = view_text_from_wide(logical_path, &parts->logical_path);
        if (FAILED(hr))
                return hr;

        hr = view_text_from_wide(name, &parts->name);
        if (FAILED(hr))
                return hr;

        hr = view_text_from_wide(caption, &parts->caption);
        if (FAILED(hr))
                return hr;

        if (icon_size > 0) {
                parts->icon = calloc_checked(icon_size, 1);
                if (!parts->icon)
                        return E_OUTOFMEMORY;

                memcpy(parts->icon, icon, icon_size);
        }

        return S_OK;
}

static HRESULT STDMETHODCALLTYPE create_metadata_AddComponent(IVssCreateWriterMetadataEx *iface,
                                                              VSS_COMPONENT_TYPE type,
                                                              LPCWSTR logical_path,
                                                              LPCWSTR name,
                                                              LPCWSTR caption,
                                                              const BYTE *icon,
                                                              UINT icon_size,
                                                              bool restore_metadata,
                                                              bool notify_on_backup_complete,
                                                              bool selectable,
                                                              bool selectable_for_restore,
                                                              DWORD flags) {
        CreateMetadata *m = impl_from_metadata(iface);
        _cleanup_(component_parts_clear) ComponentParts parts = { 0 };
        WriterDocComponent *c;
        WriterDoc *d;
        HRESULT hr;

        if (type != VSS_CT_DATABASE && type != VSS_CT_FILEGROUP)
                return E_INVALIDARG;
        if (wide_is_empty(name) || wcschr(name, L'\\') || (flags & ~(DWORD) CF_ALL))
                return E_INVALIDARG;
        /* In the document it is base64. */
        if (!icon != (icon_size == 0) || icon_size > DOCUMENT_ATTRIBUTE_SIZE_MAX / 2)
                return E_INVALIDARG;

        hr = component_parts_from_wide(logical_path, name, caption, icon, icon_size, &parts);
        if (FAILED(hr))
                return hr;

        hr = enter_element(m, LOCATIONS, &d);
        if (FAILED(hr))
                return hr;

        hr = writer_doc_add_component(d, type, parts.logical_path, parts.name, &c);
        if (SUCCEEDED(hr)) {
                c->caption = TAKE_PTR(parts.caption);
                c->icon = TAKE_PTR(parts.icon);
                c->icon_size = icon_size;
                c->restore_metadata = restore_metadata;
                c->notify_on_backup_complete = notify_on_backup_complete;
                c->selectable = selectable;
                c->selectable_for_restore = selectable_for_restore;
                c->flags = flags;
        }
        leave(m);
        return hr;
}

/* The component that was added before. E_INVALIDARG when it is of another type; VSS_CT_UNDEFINED is any. */
static HRESULT find_component(WriterDoc *d,
                              VSS_COMPONENT_TYPE type,
                              const WCHAR *logical_path,
                              const WCHAR *name,
                              WriterDocComponent **ret) {
        _cleanup_(freep) char *path_text = NULL, *name_text = NULL;
        WriterDocComponent *c;
        HRESULT hr;

        if (wide_is_empty(name))
                return E_INVALIDARG;

        hr = view_text_from_wide(logical_path, &path_text);
        if (FAILED(hr))
                return hr;

        hr = view_text_from_wide(name, &name_text);
        if (FAILED(hr))
                return hr;

        c = writer_doc_find_component(d, VSS_CT_UNDEFINED, path_text, name_text);
        if (!c)
                return VSS_E_OBJECT_NOT_FOUND;
        if (type != VSS_CT_UNDEFINED && c->type != type)
                return E_INVALIDARG;

        *ret = c;
        return doc_extra_check(c->extra);
}

typedef struct FileSetTarget {
        VSS_COMPONENT_TYPE type;
        size_t list; /* a DocFileSpecs of the component */
        const WCHAR *logical_path, *name;
} FileSetTarget;

static HRESULT add_to_component(CreateMetadata *m,
                                const FileSetTarget *target,
                                const WCHAR *path,
                                const WCHAR *filespec,
                                bool recursive,
                                const WCHAR *alternate,
                                DWORD mask) {
        _cleanup_(file_set_clear) FileSet set = { 0 };
        WriterDocComponent *c;
        WriterDoc *d;
        HRESULT hr;

        if (mask & ~(DWORD) FSBT_ALL)
                return E_INVALIDARG;

        hr = file_set_from_wide(path, filespec, alternate, &set);
        if (FAILED(hr))
                return hr;

        hr = enter_element(m, LOCATIONS, &d);
        if (FAILED(hr))
                return hr;

        hr = find_component(d, target->type, target->logical_path, target->name, &c);
        if (SUCCEEDED(hr))
                hr = add_file_set((DocFileSpecs *) ((char *) c + target->list), &set, recursive, mask);
        leave(m);
        return hr;
}

static HRESULT STDMETHODCALLTYPE create_metadata_AddDatabaseFiles(IVssCreateWriterMetadataEx *iface,
                                                                  LPCWSTR logical_path,
                                                                  LPCWSTR name,
                                                                  LPCWSTR path,
                                                                  LPCWSTR filespec,
                                                                  DWORD mask) {
        const FileSetTarget target = { VSS_CT_DATABASE, offsetof(WriterDocComponent, database_files),
                                       logical_path, name };

        return add_to_component(impl_from_metadata(iface), &target, path, filespec, false, NULL, mask);
}

static HRESULT STDMETHODCALLTYPE create_metadata_AddDatabaseLogFiles(IVssCreateWriterMetadataEx *iface,
                                                                     LPCWSTR logical_path,
                                                                     LPCWSTR name,
                                                                     LPCWSTR path,
                                                                     LPCWSTR filespec,
                                                                     DWORD mask) {
        const FileSetTarget target = { VSS_CT_DATABASE, offsetof(WriterDocComponent, log_files),
                                       logical_path, name };

        return add_to_component(impl_from_metadata(iface), &target, path, filespec, false, NULL, mask);
}

static HRESULT STDMETHODCALLTYPE create_metadata_AddFilesToFileGroup(IVssCreateWriterMetadataEx *iface,
                                                                     LPCWSTR logical_path,
                                                                     LPCWSTR name,
                                                                     LPCWSTR path,
                                                                     LPCWSTR filespec,
                                                                     bool recursive,
                                                                     LPCWSTR alternate,
                                                                     DWORD mask) {
        const FileSetTarget target = { VSS_CT_FILEGROUP, offsetof(WriterDocComponent, files), logical_path,
                                       name };

        return add_to_component(impl_from_metadata(iface), &target, path, filespec, recursive, alternate,
                                mask);
}

/* The service is stopped and started by two methods only. [MS:
 * nf-vswriter-ivsscreatewritermetadata-setrestoremethod] */
static HRESULT STDMETHODCALLTYPE create_metadata_SetRestoreMethod(IVssCreateWriterMetadataEx *iface,
                                                                  VSS_RESTOREMETHOD_ENUM method,
                                                                  LPCWSTR service,
                                                                  LPCWSTR user_procedure,
                                                                  VSS_WRITERRESTORE_ENUM writer_restore,
                                                                  bool reboot_required) {
        CreateMetadata *m = impl_from_metadata(iface);
        _cleanup_(freep) char *service_text = NULL, *procedure_text = NULL;
        WriterDoc *d;
        HRESULT hr;

        if (method < VSS_RME_RESTORE_IF_NOT_THERE || method > VSS_RME_RESTORE_STOP_START)
                return E_INVALIDARG;
        if (writer_restore < VSS_WRE_NEVER || writer_restore > VSS_WRE_ALWAYS)
                return E_INVALIDARG;
        if (!wide_is_empty(service) && method != VSS_RME_STOP_RESTORE_START &&
            method != VSS_RME_RESTORE_STOP_START)
                return E_INVALIDARG;

        hr = wide_is_empty(service) ? S_OK : view_text_from_wide(service, &service_text);
        if (FAILED(hr))
                return hr;

        hr = wide_is_empty(user_procedure) ? S_OK : view_text_from_wide(user_procedure, &procedure_text);
        if (FAILED(hr))
                return hr;

        hr = enter_element(m, RESTORE_METHOD, &d);
        if (FAILED(hr))
                return hr;

        free(d->service);
        free(d->user_procedure);
        d->has_restore_method = true;
        d->restore_method = method;
        d->service = TAKE_PTR(service_text);
        d->user_procedure = TAKE_PTR(procedure_text);
        d->writer_restore = writer_restore;
        d->reboot_required = reboot_required;
        leave(m);
        return S_OK;
}

static HRESULT STDMETHODCALLTYPE
create_metadata_AddAlternateLocationMapping(IVssCreateWriterMetadataEx *iface,
                                            LPCWSTR path,
                                            LPCWSTR filespec,
                                            bool recursive,
                                            LPCWSTR destination) {
        CreateMetadata *m = impl_from_metadata(iface);
        _cleanup_(file_set_clear) FileSet set = { 0 };
        WriterDoc *d;
        HRESULT hr;

        if (wide_is_empty(destination))
                return E_INVALIDARG;

        hr = file_set_from_wide(path, filespec, destination, &set);
        if (FAILED(hr))
                return hr;

        hr = enter_element(m, RESTORE_METHOD, &d);
        if (FAILED(hr))
                return hr;

        hr = d->has_restore_method ? add_file_set(&d->mappings, &set, recursive, 0) : VSS_E_OBJECT_NOT_FOUND;
        leave(m);
        return hr;
}

static HRESULT STDMETHODCALLTYPE create_metadata_AddComponentDependency(IVssCreateWriterMetadataEx *iface,
                                                                        LPCWSTR for_logical_path,
                                                                        LPCWSTR for_name,
                                                                        VSS_ID on_writer_id,
                                                                        LPCWSTR on_logical_path,
                                                                        LPCWSTR on_name) {
        CreateMetadata *m = impl_from_metadata(iface);
        _cleanup_(freep) char *path = NULL, *name = NULL;
        WriterDocComponent *c;
        WriterDoc *d;
        HRESULT hr;

        if (wide_is_empty(on_name) || guid_is_null(&on_writer_id))
                return E_INVALIDARG;

        hr = view_text_from_wide(on_logical_path, &path);
        if (FAILED(hr))
                return hr;

        hr = view_text_from_wide(on_name, &name);
        if (FAILED(hr))
                return hr;

        hr = enter_element(m, LOCATIONS, &d);
        if (FAILED(hr))
                return hr;

        hr = find_component(d, VSS_CT_UNDEFINED, for_logical_path, for_name, &c);
        if (SUCCEEDED(hr) && guid_equal(&on_writer_id, &d->writer_id))
                hr = E_INVALIDARG; /* never between components of one writer */
        if (SUCCEEDED(hr))
                hr = hresult_from_list(writer_doc_component_add_dependency(c, &on_writer_id, path, name));
        leave(m);
        return hr;
}

/* Some bits need others. [reference enums.tsv, VSS_BACKUP_SCHEMA] */
static bool schema_is_valid(DWORD schema) {
        const DWORD both = VSS_BS_DIFFERENTIAL | VSS_BS_INCREMENTAL;

        if (schema & ~(DWORD) BS_ALL)
                return false;
        if ((schema & VSS_BS_EXCLUSIVE_INCREMENTAL_DIFFERENTIAL) && (schema & both) != both)
                return false;

        return !(schema & (VSS_BS_TIMESTAMPED | VSS_BS_LAST_MODIFY)) || (schema & both);
}

static HRESULT STDMETHODCALLTYPE create_metadata_SetBackupSchema(IVssCreateWriterMetadataEx *iface,
                                                                 DWORD schema) {
        CreateMetadata *m = impl_from_metadata(iface);
        WriterDoc *d;
        HRESULT hr;

        if (!schema_is_valid(schema))
                return E_INVALIDARG;

        hr = enter_element(m, ROOT, &d);
        if (FAILED(hr))
                return hr;

        d->has_backup_schema = true;
        d->backup_schema = schema;
        leave(m);
        return S_OK;
}

/* Reserved. */
static HRESULT STDMETHODCALLTYPE create_metadata_GetDocument(IVssCreateWriterMetadataEx *iface,
                                                             IXMLDOMDocument **ret) {
        if (ret)
                *ret = NULL;

        return E_NOTIMPL;
}

static HRESULT STDMETHODCALLTYPE create_metadata_SaveAsXML(IVssCreateWriterMetadataEx *iface, BSTR *ret) {
        CreateMetadata *m = impl_from_metadata(iface);
        _cleanup_(freep) char *text = NULL;
        HRESULT hr = VSS_E_UNEXPECTED;

        if (!ret)
                return E_INVALIDARG;
        *ret = NULL;

        pthread_mutex_lock(&m->lock);
        if (m->doc)
                hr = writer_doc_write(m->doc, &text, NULL);
        leave(m);
        if (FAILED(hr))
                return hr;

        return hresult_from_errno(bstr_from_utf8(text, ret));
}

static HRESULT STDMETHODCALLTYPE
create_metadata_AddExcludeFilesFromSnapshot(IVssCreateWriterMetadataEx *iface,
                                            LPCWSTR path,
                                            LPCWSTR filespec,
                                            bool recursive) {
        return add_excluded(impl_from_metadata(iface), offsetof(WriterDoc, exclude_from_snapshot), path,
                            filespec, recursive);
}

static const IVssCreateWriterMetadataExVtbl create_metadata_vtbl = {
        .AddIncludeFiles = create_metadata_AddIncludeFiles,
        .AddExcludeFiles = create_metadata_AddExcludeFiles,
        .AddComponent = create_metadata_AddComponent,
        .AddDatabaseFiles = create_metadata_AddDatabaseFiles,
        .AddDatabaseLogFiles = create_metadata_AddDatabaseLogFiles,
        .AddFilesToFileGroup = create_metadata_AddFilesToFileGroup,
        .SetRestoreMethod = create_metadata_SetRestoreMethod,
        .AddAlternateLocationMapping = create_metadata_AddAlternateLocationMapping,
        .AddComponentDependency = create_metadata_AddComponentDependency,
        .SetBackupSchema = create_metadata_SetBackupSchema,
        .GetDocument = create_metadata_GetDocument,
        .SaveAsXML = create_metadata_SaveAsXML,
        .AddExcludeFilesFromSnapshot = create_metadata_AddExcludeFilesFromSnapshot,
};

static_assert(sizeof(create_metadata_vtbl) == 13 * sizeof(void *),
              "slots 0 to 12: the table grew or shrank");
static_assert(offsetof(IVssCreateWriterMetadataEx, unknown) == sizeof(void *),
              "the second base comes right behind");

static ULONG STDMETHODCALLTYPE create_metadata_AddRef(IUnknown *iface) {
        return atomic_fetch_add(&impl_from_IUnknown(iface)->n_ref, 1) + 1;
}

static ULONG STDMETHODCALLTYPE create_metadata_Release(IUnknown *iface) {
        CreateMetadata *m = impl_from_IUnknown(iface);
        ULONG n = atomic_fetch_sub(&m->n_ref, 1) - 1;

        if (n == 0) {
                pthread_mutex_destroy(&m->lock);
                free(m);
        }

        return n;
}

static HRESULT STDMETHODCALLTYPE create_metadata_QueryInterface(IUnknown *iface,
                                                                const IID *iid,
                                                                void **ret) {
        CreateMetadata *m = impl_from_IUnknown(iface);

        if (!ret)
                return E_POINTER;
        *ret = NULL;
        if (!iid)
                return E_POINTER;

        if (IsEqualIID(iid, &IID_IUnknown))
                *ret = &m->iface.unknown;
        else if (IsEqualIID(iid, &IID_IVssCreateWriterMetadataEx))
                *ret = &m->iface;
        else
                return E_NOINTERFACE;

        create_metadata_AddRef(iface);
        return S_OK;
}

static const IUnknownVtbl create_metadata_unknown_vtbl = {
        .QueryInterface = create_metadata_QueryInterface,
        .AddRef = create_metadata_AddRef,
        .Release = create_metadata_Release,
};

HRESULT create_metadata_new(WriterDoc *doc, CreateMetadata **ret) {
        CreateMetadata *m;

        m = calloc_checked(1, sizeof(*m));
        if (!m)
                return E_OUTOFMEMORY;

        m->iface.lpVtbl = &create_metadata_vtbl;
        m->iface.unknown.lpVtbl = &create_metadata_unknown_vtbl;
        atomic_init(&m->n_ref, 1);
        pthread_mutex_init(&m->lock, NULL);
        m->doc = doc;

        *ret = m;
        return S_OK;
}

IVssCreateWriterMetadataEx *create_metadata_iface(CreateMetadata *m) {
        return &m->iface;
}

void create_metadata_close(CreateMetadata *m) {
        pthread_mutex_lock(&m->lock);
        m->doc = NULL;
        pthread_mutex_unlock(&m->lock);
}

CreateMetadata *create_metadata_free(CreateMetadata *m) {
        if (!m)
                return NULL;

        create_metadata_close(m);
        create_metadata_Release(&m->iface.unknown);
        return NULL;
}
