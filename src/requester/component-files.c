/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What a Requester Says of the Files of a Component
 *
 * Where they shall be restored to, and where they were.
 */

#include <string.h>

#include "base/alloc.h"
#include "requester/component-edit.h"
#include "requester/component-live.h"
#include "view/view-text.h"
#include "wire/last-error.h"

/* path, pattern, depth, and the other place. */
typedef struct FilesEdit {
        char *path, *filespec, *alternate;
        bool recursive;
} FilesEdit;

static void files_edit_clear(FilesEdit *e) {
        free(e->path);
        free(e->filespec);
        free(e->alternate);
}

static HRESULT files_edit_from_wide(FilesEdit *e,
                                    const char *method,
                                    LPCWSTR path,
                                    LPCWSTR filespec,
                                    bool recursive,
                                    LPCWSTR alternate) {
        HRESULT hr;

        if (!path || !filespec || !alternate)
                return backup_argument_missing(method);

        hr = view_text_from_wide(path, &e->path);
        if (SUCCEEDED(hr))
                hr = view_text_from_wide(filespec, &e->filespec);
        if (SUCCEEDED(hr))
                hr = view_text_from_wide(alternate, &e->alternate);
        if (FAILED(hr))
                return last_error_set(hr, NULL);

        if (strchr(e->filespec, '/'))
                return last_error_set(E_INVALIDARG,
                                      "%s(): '%s' is a pattern of names, and has no directory.", method,
                                      e->filespec);

        e->recursive = recursive;
        return S_OK;
}

static HRESULT edit_mapping(BackupComponents *b, BackupWriter *w, BackupComponent *c, const void *arg) {
        const FilesEdit *e = arg;
        HRESULT hr;

        hr = component_check_files(b, w, c, e->path, e->filespec, e->recursive,
                                   "AddAlternativeLocationMapping");
        if (FAILED(hr))
                return hr;
        if (doc_filespecs_add(&c->mappings, e->path, e->filespec, e->recursive, e->alternate, 0) < 0)
                return last_error_set(E_OUTOFMEMORY, NULL);
        return S_OK;
}

/* [MS: nf-vsbackup-ivssbackupcomponents-addalternativelocationmapping] */
HRESULT backup_components_AddAlternativeLocationMapping(BackupIface iface,
                                                        VSS_ID writer_id,
                                                        VSS_COMPONENT_TYPE type,
                                                        LPCWSTR logical_path,
                                                        LPCWSTR name,
                                                        LPCWSTR path,
                                                        LPCWSTR filespec,
                                                        bool recursive,
                                                        LPCWSTR destination) {
        const ComponentKey key = { GUID_NULL, writer_id, type, logical_path, name };
        _cleanup_(files_edit_clear) FilesEdit e = { NULL };
        HRESULT hr;

        hr = files_edit_from_wide(&e, "AddAlternativeLocationMapping", path, filespec, recursive,
                                  destination);
        if (FAILED(hr))
                return hr;

        return component_edit(iface, CALL_REPORT_RESTORE, "AddAlternativeLocationMapping", &key,
                              edit_mapping, &e);
}

static HRESULT edit_new_target(BackupComponents *b, BackupWriter *w, BackupComponent *c, const void *arg) {
        const FilesEdit *e = arg;
        HRESULT hr;

        hr = component_check_schema(b, w, c, VSS_BS_WRITER_SUPPORTS_NEW_TARGET,
                                    "VSS_BS_WRITER_SUPPORTS_NEW_TARGET", "AddNewTarget");
        if (SUCCEEDED(hr))
                hr = component_check_files(b, w, c, e->path, e->filespec, e->recursive, "AddNewTarget");
        if (FAILED(hr))
                return hr;
        if (doc_filespecs_add(&c->new_targets, e->path, e->filespec, e->recursive, e->alternate, 0) < 0)
                return last_error_set(E_OUTOFMEMORY, NULL);
        return S_OK;
}

/* "/srv", "\\srv", and "C:\\" of a program that came from Windows. */
static bool is_fully_qualified(const char *path) {
        if (path[0] == '/' || path[0] == '\\')
                return true;

        return path[0] && path[1] == ':' && (path[2] == '/' || path[2] == '\\');
}

/* [MS: nf-vsbackup-ivssbackupcomponents-addnewtarget] */
HRESULT backup_components_AddNewTarget(BackupIface iface,
                                       VSS_ID writer_id,
                                       VSS_COMPONENT_TYPE type,
                                       LPCWSTR logical_path,
                                       LPCWSTR name,
                                       LPCWSTR path,
                                       LPCWSTR filespec,
                                       bool recursive,
                                       LPCWSTR alternate) {
        const ComponentKey key = { GUID_NULL, writer_id, type, logical_path, name };
        _cleanup_(files_edit_clear) FilesEdit e = { NULL };
        HRESULT hr;

        hr = files_edit_from_wide(&e, "AddNewTarget", path, filespec, recursive, alternate);
        if (FAILED(hr))
                return hr;
        if (!is_fully_qualified(e.alternate))
                return last_error_set(E_INVALIDARG, "AddNewTarget(): '%s' is not a full path.", e.alternate);

        return component_edit(iface, CALL_CONFIGURE_RESTORE, "AddNewTarget", &key, edit_new_target, &e);
}

typedef struct RangesEdit {
        UINT i;
        const char *ranges;
} RangesEdit;

static HRESULT edit_ranges(BackupComponents *b, BackupWriter *w, BackupComponent *c, const void *arg) {
        const RangesEdit *e = arg;

        if (e->i >= c->n_partial_files)
                return last_error_set(VSS_E_OBJECT_NOT_FOUND,
                                      "SetRangesFilePath(): '%s' has no partial file number %u.", c->name,
                                      (unsigned) e->i);
        if (free_and_strdup(&c->partial_files[e->i].ranges, e->ranges) < 0)
                return last_error_set(E_OUTOFMEMORY, NULL);
        return S_OK;
}

/* [MS: nf-vsbackup-ivssbackupcomponents-setrangesfilepath] */
HRESULT backup_components_SetRangesFilePath(BackupIface iface,
                                            VSS_ID writer_id,
                                            VSS_COMPONENT_TYPE type,
                                            LPCWSTR logical_path,
                                            LPCWSTR name,
                                            UINT i,
                                            LPCWSTR ranges_file) {
        const ComponentKey key = { GUID_NULL, writer_id, type, logical_path, name };
        _cleanup_(freep) char *text = NULL;
        HRESULT hr;

        if (!ranges_file)
                return backup_argument_missing("SetRangesFilePath");

        hr = view_text_from_wide(ranges_file, &text);
        if (FAILED(hr))
                return last_error_set(hr, NULL);

        return component_edit(iface, CALL_REPORT_RESTORE, "SetRangesFilePath", &key, edit_ranges,
                              &(RangesEdit){ i, text });
}
