/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * IVssComponentEx2: what is said during a Backup
 *
 * Which setter belongs to which event: [reference events.tsv; MS: the "allowed in" of each page].
 */

#include <stdlib.h>

#include "base/hresult.h"
#include "base/ranges.h"
#include "view/component-internal.h"

HRESULT STDMETHODCALLTYPE component_SetBackupMetadata(IVssComponentEx2 *iface, LPCWSTR data) {
        return component_set_text_once(iface, TEXT(backup_metadata), BACKUP_EVENTS, data);
}

HRESULT STDMETHODCALLTYPE component_GetBackupMetadata(IVssComponentEx2 *iface, BSTR *ret) {
        return component_get_text(iface, TEXT(backup_metadata), ret);
}

static HRESULT ranges_check(const char *s) {
        _cleanup_(freep) ByteRange *ranges = NULL;
        size_t n;

        if (ranges_are_in_file(s, NULL))
                return S_OK;

        return hresult_from_errno(ranges_parse(s, &ranges, &n));
}

/* texts: path, file name, ranges, metadata. */
static HRESULT add_partial_file(IVssComponentEx2 *iface, char *const *texts) {
        BackupComponent *c;
        HRESULT hr;
        int r;

        hr = component_enter(iface, BACKUP_EVENTS, &c);
        if (FAILED(hr))
                return hr;

        hr = ranges_check(texts[2]);
        if (SUCCEEDED(hr)) {
                r = backup_component_add_partial_file(c, texts[0], texts[1], texts[2], texts[3]);
                hr = hresult_from_errno(r);
        }

        component_leave(iface);
        return hr;
}

HRESULT STDMETHODCALLTYPE component_AddPartialFile(IVssComponentEx2 *iface,
                                                   LPCWSTR path,
                                                   LPCWSTR filename,
                                                   LPCWSTR ranges,
                                                   LPCWSTR metadata) {
        char *texts[4] = { 0 };
        HRESULT hr;

        if (wide_is_empty(path) || wide_is_empty(filename) || wide_is_empty(ranges))
                return E_INVALIDARG;

        hr = component_texts_from_wide((const WCHAR *const[]){ path, filename, ranges, metadata }, texts,
                                       ELEMENTSOF(texts));
        if (SUCCEEDED(hr))
                hr = add_partial_file(iface, texts);

        component_texts_free(texts, ELEMENTSOF(texts));
        return hr;
}

HRESULT STDMETHODCALLTYPE component_GetPartialFileCount(IVssComponentEx2 *iface, UINT *ret) {
        return component_get_count(iface, COUNT(n_partial_files), ret);
}

HRESULT STDMETHODCALLTYPE component_GetPartialFile(IVssComponentEx2 *iface,
                                                   UINT i,
                                                   BSTR *ret_path,
                                                   BSTR *ret_filename,
                                                   BSTR *ret_ranges,
                                                   BSTR *ret_metadata) {
        BackupComponent *c;
        HRESULT hr;

        if (!ret_path || !ret_filename || !ret_ranges || !ret_metadata)
                return E_INVALIDARG;
        *ret_path = *ret_filename = *ret_ranges = *ret_metadata = NULL;

        hr = component_enter_open(iface, &c);
        if (FAILED(hr))
                return hr;

        if (i >= c->n_partial_files)
                hr = VSS_E_OBJECT_NOT_FOUND;
        else {
                const DocPartialFile *f = &c->partial_files[i];
                const ViewText texts[] = {
                        { ret_path, f->path },
                        { ret_filename, f->filename },
                        { ret_ranges, f->ranges },
                        { ret_metadata, f->metadata },
                };

                hr = doc_extra_check(f->extra);
                if (SUCCEEDED(hr))
                        hr = view_texts_to_bstr(texts, ELEMENTSOF(texts));
        }

        component_leave(iface);
        return hr;
}

HRESULT STDMETHODCALLTYPE component_SetBackupStamp(IVssComponentEx2 *iface, LPCWSTR stamp) {
        return component_set_text(iface, TEXT(backup_stamp), BACKUP_EVENTS, stamp);
}

HRESULT STDMETHODCALLTYPE component_GetBackupStamp(IVssComponentEx2 *iface, BSTR *ret) {
        return component_get_text(iface, TEXT(backup_stamp), ret);
}

HRESULT STDMETHODCALLTYPE component_GetPreviousBackupStamp(IVssComponentEx2 *iface, BSTR *ret) {
        return component_get_text(iface, TEXT(previous_backup_stamp), ret);
}

HRESULT STDMETHODCALLTYPE component_GetBackupOptions(IVssComponentEx2 *iface, BSTR *ret) {
        return component_get_text(iface, TEXT(backup_options), ret);
}

static int64_t time_from_filetime(FILETIME t) {
        return (int64_t) ((uint64_t) t.dwHighDateTime << 32 | t.dwLowDateTime);
}

static FILETIME time_to_filetime(int64_t t) {
        return (FILETIME){ .dwLowDateTime = (DWORD) t, .dwHighDateTime = (DWORD) ((uint64_t) t >> 32) };
}

HRESULT STDMETHODCALLTYPE component_AddDifferencedFilesByLastModifyTime(IVssComponentEx2 *iface,
                                                                        LPCWSTR path,
                                                                        LPCWSTR filespec,
                                                                        BOOL recursive,
                                                                        FILETIME last_modify_time) {
        _cleanup_(freep) char *path_text = NULL, *filespec_text = NULL;
        BackupComponent *c;
        HRESULT hr;
        int r;

        if (wide_is_empty(path) || wide_is_empty(filespec))
                return E_INVALIDARG;

        hr = view_text_from_wide(path, &path_text);
        if (FAILED(hr))
                return hr;

        hr = view_text_from_wide(filespec, &filespec_text);
        if (FAILED(hr))
                return hr;

        hr = component_enter(iface, BACKUP_EVENTS, &c);
        if (FAILED(hr))
                return hr;

        r = backup_component_add_differenced_file(c, path_text, filespec_text, recursive, NULL,
                                                  time_from_filetime(last_modify_time));
        component_leave(iface);
        return hresult_from_errno(r);
}

/* Reserved. */
HRESULT STDMETHODCALLTYPE component_AddDifferencedFilesByLastModifyLSN(IVssComponentEx2 *iface,
                                                                       LPCWSTR path,
                                                                       LPCWSTR filespec,
                                                                       BOOL recursive,
                                                                       BSTR lsn) {
        return E_NOTIMPL;
}

HRESULT STDMETHODCALLTYPE component_GetDifferencedFilesCount(IVssComponentEx2 *iface, UINT *ret) {
        return component_get_count(iface, COUNT(n_differenced_files), ret);
}

HRESULT STDMETHODCALLTYPE component_GetDifferencedFile(IVssComponentEx2 *iface,
                                                       UINT i,
                                                       BSTR *ret_path,
                                                       BSTR *ret_filespec,
                                                       BOOL *ret_recursive,
                                                       BSTR *ret_lsn,
                                                       FILETIME *ret_last_modify_time) {
        BackupComponent *c;
        HRESULT hr;

        if (!ret_path || !ret_filespec || !ret_recursive || !ret_lsn || !ret_last_modify_time)
                return E_INVALIDARG;
        *ret_path = *ret_filespec = *ret_lsn = NULL;
        *ret_recursive = FALSE;
        *ret_last_modify_time = (FILETIME){ 0 };

        hr = component_enter(iface, 0, &c);
        if (FAILED(hr))
                return hr;

        if (i >= c->n_differenced_files)
                hr = VSS_E_OBJECT_NOT_FOUND;
        else {
                const DocDifferencedFile *f = &c->differenced_files[i];
                const ViewText texts[] = {
                        { ret_path, f->path },
                        { ret_filespec, f->filespec },
                        { ret_lsn, f->lsn },
                };

                hr = doc_extra_check(f->extra);
                if (SUCCEEDED(hr))
                        hr = view_texts_to_bstr(texts, ELEMENTSOF(texts));
                if (SUCCEEDED(hr)) {
                        *ret_recursive = f->recursive ? TRUE : FALSE;
                        *ret_last_modify_time = time_to_filetime(f->last_modify_time);
                }
        }

        component_leave(iface);
        return hr;
}

HRESULT STDMETHODCALLTYPE component_SetPrepareForBackupFailureMsg(IVssComponentEx2 *iface, LPCWSTR message) {
        return component_set_text(iface, TEXT(prepare_for_backup_failure), VIEW_PREPARE_BACKUP, message);
}

HRESULT STDMETHODCALLTYPE component_SetPostSnapshotFailureMsg(IVssComponentEx2 *iface, LPCWSTR message) {
        return component_set_text(iface, TEXT(post_snapshot_failure), VIEW_POST_SNAPSHOT, message);
}

HRESULT STDMETHODCALLTYPE component_GetPrepareForBackupFailureMsg(IVssComponentEx2 *iface, BSTR *ret) {
        return component_get_text(iface, TEXT(prepare_for_backup_failure), ret);
}

HRESULT STDMETHODCALLTYPE component_GetPostSnapshotFailureMsg(IVssComponentEx2 *iface, BSTR *ret) {
        return component_get_text(iface, TEXT(post_snapshot_failure), ret);
}
