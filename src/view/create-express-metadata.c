/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * IVssCreateExpressWriterMetadata
 */

#include "view/create-express-metadata.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "com/com-object.h"
#include "doc/express-rules.h"
#include "view/create-metadata.h"
#include "view/view-text.h"

typedef struct ExpressMetadata {
        ComObject com;
        IVssCreateExpressWriterMetadata IVssCreateExpressWriterMetadata_iface;
        WriterDoc *doc;
        CreateMetadata *create; /* over @doc; has its lock */
} ExpressMetadata;

static const IVssCreateExpressWriterMetadataVtbl express_metadata_vtbl;

static ExpressMetadata *impl_from_IVssCreateExpressWriterMetadata(IVssCreateExpressWriterMetadata *iface) {
        assert(iface->lpVtbl == &express_metadata_vtbl);
        return container_of(iface, ExpressMetadata, IVssCreateExpressWriterMetadata_iface);
}

COM_DEFINE_UNKNOWN(express_metadata, IVssCreateExpressWriterMetadata)

static IVssCreateWriterMetadataEx *create_of(IVssCreateExpressWriterMetadata *iface) {
        return create_metadata_iface(impl_from_IVssCreateExpressWriterMetadata(iface)->create);
}

/* [MS: nf-vswriter-ivsscreateexpresswritermetadata-addexcludefiles] */
static HRESULT STDMETHODCALLTYPE express_metadata_AddExcludeFiles(IVssCreateExpressWriterMetadata *iface,
                                                                  LPCWSTR path,
                                                                  LPCWSTR filespec,
                                                                  bool recursive) {
        _cleanup_(freep) char *text = NULL;
        HRESULT hr;

        hr = view_text_from_wide(path, &text);
        if (FAILED(hr))
                return hr;
        if (text && !express_path_is_local(text))
                return E_INVALIDARG;

        return IVssCreateWriterMetadataEx_AddExcludeFiles(create_of(iface), path, filespec, recursive);
}

/* [MS: nf-vswriter-ivsscreateexpresswritermetadata-addcomponent] */
static HRESULT STDMETHODCALLTYPE express_metadata_AddComponent(IVssCreateExpressWriterMetadata *iface,
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
        if (!express_component_is_valid(type, flags))
                return E_INVALIDARG;

        return IVssCreateWriterMetadataEx_AddComponent(
                create_of(iface), type, logical_path, name, caption, icon, icon_size, restore_metadata,
                notify_on_backup_complete, selectable, selectable_for_restore, flags);
}

/* [MS: nf-vswriter-ivsscreateexpresswritermetadata-addfilestofilegroup] */
static HRESULT STDMETHODCALLTYPE express_metadata_AddFilesToFileGroup(IVssCreateExpressWriterMetadata *iface,
                                                                      LPCWSTR logical_path,
                                                                      LPCWSTR name,
                                                                      LPCWSTR path,
                                                                      LPCWSTR filespec,
                                                                      bool recursive,
                                                                      LPCWSTR alternate,
                                                                      DWORD mask) {
        if (alternate || !express_backup_type_is_valid(mask))
                return E_INVALIDARG;

        return IVssCreateWriterMetadataEx_AddFilesToFileGroup(create_of(iface), logical_path, name, path,
                                                              filespec, recursive, NULL, mask);
}

/* [MS: nf-vswriter-ivsscreateexpresswritermetadata-setrestoremethod] */
static HRESULT STDMETHODCALLTYPE express_metadata_SetRestoreMethod(IVssCreateExpressWriterMetadata *iface,
                                                                   VSS_RESTOREMETHOD_ENUM method,
                                                                   LPCWSTR service,
                                                                   LPCWSTR user_procedure,
                                                                   VSS_WRITERRESTORE_ENUM writer_restore,
                                                                   bool reboot_required) {
        if (!express_restore_method_is_valid(method, writer_restore))
                return E_INVALIDARG;

        return IVssCreateWriterMetadataEx_SetRestoreMethod(create_of(iface), method, service, user_procedure,
                                                           writer_restore, reboot_required);
}

/* [MS: nf-vswriter-ivsscreateexpresswritermetadata-addcomponentdependency] */
static HRESULT STDMETHODCALLTYPE
express_metadata_AddComponentDependency(IVssCreateExpressWriterMetadata *iface,
                                        LPCWSTR for_logical_path,
                                        LPCWSTR for_name,
                                        VSS_ID on_writer_id,
                                        LPCWSTR on_logical_path,
                                        LPCWSTR on_name) {
        return IVssCreateWriterMetadataEx_AddComponentDependency(
                create_of(iface), for_logical_path, for_name, on_writer_id, on_logical_path, on_name);
}

/* [MS: nf-vswriter-ivsscreateexpresswritermetadata-setbackupschema] */
static HRESULT STDMETHODCALLTYPE express_metadata_SetBackupSchema(IVssCreateExpressWriterMetadata *iface,
                                                                  DWORD schema) {
        if (!express_schema_is_valid(schema))
                return E_INVALIDARG;

        return IVssCreateWriterMetadataEx_SetBackupSchema(create_of(iface), schema);
}

/* [MS: nf-vswriter-ivsscreateexpresswritermetadata-saveasxml] */
static HRESULT STDMETHODCALLTYPE express_metadata_SaveAsXML(IVssCreateExpressWriterMetadata *iface,
                                                            BSTR *ret) {
        return IVssCreateWriterMetadataEx_SaveAsXML(create_of(iface), ret);
}

/* The slots are in an order of their own. [MS: pitfall 32] */
static const IVssCreateExpressWriterMetadataVtbl express_metadata_vtbl = {
        .QueryInterface = express_metadata_QueryInterface,
        .AddRef = express_metadata_AddRef,
        .Release = express_metadata_Release,
        .AddExcludeFiles = express_metadata_AddExcludeFiles,
        .AddComponent = express_metadata_AddComponent,
        .AddFilesToFileGroup = express_metadata_AddFilesToFileGroup,
        .SetRestoreMethod = express_metadata_SetRestoreMethod,
        .AddComponentDependency = express_metadata_AddComponentDependency,
        .SetBackupSchema = express_metadata_SetBackupSchema,
        .SaveAsXML = express_metadata_SaveAsXML,
};

static_assert(sizeof(express_metadata_vtbl) == 10 * sizeof(void *),
              "slots 0 to 9: the table grew or shrank");

static const ComInterface express_metadata_interfaces[] = {
        COM_INTERFACE(ExpressMetadata, IVssCreateExpressWriterMetadata),
};

static void express_metadata_finalize(ComObject *object) {
        ExpressMetadata *m = container_of(object, ExpressMetadata, com);

        create_metadata_free(m->create);
        writer_doc_free(m->doc);
        free(m);
}

static const ComClass express_metadata_class = {
        .name = "IVssCreateExpressWriterMetadata",
        .interfaces = express_metadata_interfaces,
        .n_interfaces = ELEMENTSOF(express_metadata_interfaces),
        .finalize = express_metadata_finalize,
};

HRESULT create_express_metadata_new(WriterDoc *doc, IVssCreateExpressWriterMetadata **ret) {
        ExpressMetadata *m;
        HRESULT hr;

        m = calloc_checked(1, sizeof(*m));
        if (!m)
                return E_OUTOFMEMORY;
        hr = create_metadata_new(doc, &m->create);
        if (FAILED(hr)) {
                free(m);
                return hr;
        }

        com_object_init(&m->com, &express_metadata_class);
        m->IVssCreateExpressWriterMetadata_iface.lpVtbl = &express_metadata_vtbl;
        m->doc = doc;
        *ret = &m->IVssCreateExpressWriterMetadata_iface;
        return S_OK;
}
