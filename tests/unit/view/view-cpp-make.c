/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Makes the objects for test-view-cpp.cc, which knows the public headers only.
 */

#include "view/writer-components.h"

HRESULT test_views_new(ViewOwner **ret_owner,
                       IVssWriterComponentsExt **ret_ext,
                       WriterComponents **ret_components);

HRESULT test_views_new(ViewOwner **ret_owner,
                       IVssWriterComponentsExt **ret_ext,
                       WriterComponents **ret_components) {
        static const GUID id = { .Data1 = 1 };
        BackupWriter *w;
        BackupDoc *d;
        HRESULT hr;

        if (backup_doc_new(&d) < 0)
                return E_OUTOFMEMORY;

        hr = backup_doc_add_writer(d, &id, &id, NULL, 0, &w);
        if (SUCCEEDED(hr))
                hr = backup_writer_add_component(w, VSS_CT_FILEGROUP, NULL, "name", NULL);
        if (FAILED(hr) || view_owner_new(d, VIEW_POST_SNAPSHOT, ret_owner) < 0) {
                backup_doc_free(d);
                return E_OUTOFMEMORY;
        }

        hr = writer_components_ext_new(*ret_owner, w, ret_ext);
        return FAILED(hr) ? hr : writer_components_new(*ret_owner, w, ret_components);
}
