/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * IVssComponentEx2
 *
 * Almost every method is a member of the component, so the getters and setters are a few functions that take
 * its offset. The order of checks is the same everywhere: missing pointers (E_INVALIDARG), a view that is
 * closed (VSS_E_OBJECT_NOT_FOUND), an event in which this may not be said (VSS_E_BAD_STATE), a component that
 * is damaged (VSS_E_INVALID_XML_DOCUMENT), then the value.
 *
 * Which setter belongs to which event: [reference events.tsv; MS: the "allowed in" of each page, and where
 * the pages of restore methods repeat "called during a restore operation", sense.]
 */

#include <stdlib.h>

#include "base/alloc.h"
#include "base/hresult.h"
#include "base/ranges.h"
#include "com/com-object.h"
#include "view/component.h"
#include "view/view-text.h"
#include "view/wm-objects.h"

typedef struct Component {
        ComObject com;
        IVssComponentEx2 IVssComponentEx2_iface;

        ViewOwner *owner;
        BackupComponent *component; /* of the owner's document; gone when the view is closed */
} Component;

static const IVssComponentEx2Vtbl component_vtbl;

static Component *impl_from_IVssComponentEx2(IVssComponentEx2 *iface) {
        assert(iface->lpVtbl == &component_vtbl);
        return container_of(iface, Component, IVssComponentEx2_iface);
}

COM_DEFINE_UNKNOWN(component, IVssComponentEx2)

/* The component, with the view locked. Without one of @rights: VSS_E_BAD_STATE. */
static HRESULT component_enter(IVssComponentEx2 *iface, unsigned rights, BackupComponent **ret) {
        Component *c = impl_from_IVssComponentEx2(iface);
        HRESULT hr;

        hr = view_owner_enter(c->owner);
        if (FAILED(hr))
                return hr;

        hr = rights && !(c->owner->rights & rights) ? VSS_E_BAD_STATE : doc_extra_check(c->component->extra);
        if (FAILED(hr)) {
                view_owner_leave(c->owner);
                return hr;
        }

        *ret = c->component;
        return S_OK;
}

static void component_leave(IVssComponentEx2 *iface) {
        view_owner_leave(impl_from_IVssComponentEx2(iface)->owner);
}

#define TEXT_MEMBER(c, offset) (*(char **) ((char *) (c) + (offset)))
#define TEXT(member) offsetof(BackupComponent, member)

/* The two metadata texts are elements of their own, and may be damaged by themselves. */
static HRESULT text_check(const BackupComponent *c, size_t offset) {
        return offset == TEXT(backup_metadata)  ? doc_extra_check(c->backup_metadata_extra) :
               offset == TEXT(restore_metadata) ? doc_extra_check(c->restore_metadata_extra) :
                                                  S_OK;
}

/* S_FALSE and NULL when it was never set. */
static HRESULT get_text(IVssComponentEx2 *iface, size_t offset, BSTR *ret) {
        BackupComponent *c;
        HRESULT hr;

        if (!ret)
                return E_INVALIDARG;
        *ret = NULL;

        hr = component_enter(iface, 0, &c);
        if (FAILED(hr))
                return hr;

        hr = text_check(c, offset);
        if (SUCCEEDED(hr))
                hr = view_text_to_bstr(TEXT_MEMBER(c, offset), ret);
        component_leave(iface);
        return hr;
}

static HRESULT put_text(IVssComponentEx2 *iface, size_t offset, unsigned rights, bool once, const WCHAR *s) {
        _cleanup_(freep) char *text = NULL, *replaced = NULL;
        BackupComponent *c;
        HRESULT hr;

        if (!s)
                return E_INVALIDARG;

        hr = view_text_from_wide(s, &text);
        if (FAILED(hr))
                return hr;

        hr = component_enter(iface, rights, &c);
        if (FAILED(hr))
                return hr;

        hr = text_check(c, offset);
        if (SUCCEEDED(hr) && once && TEXT_MEMBER(c, offset))
                hr = VSS_E_OBJECT_ALREADY_EXISTS;
        if (SUCCEEDED(hr)) {
                replaced = TEXT_MEMBER(c, offset);
                TEXT_MEMBER(c, offset) = TAKE_PTR(text);
        }

        component_leave(iface);
        return hr;
}

static HRESULT set_text(IVssComponentEx2 *iface, size_t offset, unsigned rights, const WCHAR *s) {
        return put_text(iface, offset, rights, false, s);
}

/* Metadata of writers is write-once. */
static HRESULT set_text_once(IVssComponentEx2 *iface, size_t offset, unsigned rights, const WCHAR *s) {
        return put_text(iface, offset, rights, true, s);
}

static HRESULT get_count(IVssComponentEx2 *iface, size_t offset, UINT *ret) {
        BackupComponent *c;
        HRESULT hr;

        if (!ret)
                return E_INVALIDARG;
        *ret = 0;

        hr = component_enter(iface, 0, &c);
        if (FAILED(hr))
                return hr;

        *ret = (UINT) *(const size_t *) ((const char *) c + offset);
        component_leave(iface);
        return S_OK;
}

#define COUNT(member) offsetof(BackupComponent, member)

static HRESULT get_filedesc(IVssComponentEx2 *iface, size_t offset, UINT i, IVssWMFiledesc **ret) {
        BackupComponent *c;
        HRESULT hr;

        if (!ret)
                return E_INVALIDARG;
        *ret = NULL;

        hr = component_enter(iface, 0, &c);
        if (FAILED(hr))
                return hr;

        hr = wm_filedesc_new_at((const DocFileSpecs *) ((const char *) c + offset), i, ret);
        component_leave(iface);
        return hr;
}

/* S_FALSE when it was never set. */
static HRESULT get_tristate(IVssComponentEx2 *iface, size_t offset, bool *ret) {
        BackupComponent *c;
        Tristate t;
        HRESULT hr;

        if (!ret)
                return E_INVALIDARG;
        *ret = false;

        hr = component_enter(iface, 0, &c);
        if (FAILED(hr))
                return hr;

        t = *(const Tristate *) ((const char *) c + offset);
        *ret = t == TRI_YES;
        component_leave(iface);
        return t == TRI_UNSET ? S_FALSE : S_OK;
}

static HRESULT STDMETHODCALLTYPE component_GetLogicalPath(IVssComponentEx2 *iface, BSTR *ret) {
        return get_text(iface, TEXT(logical_path), ret);
}

static HRESULT STDMETHODCALLTYPE component_GetComponentType(IVssComponentEx2 *iface,
                                                            VSS_COMPONENT_TYPE *ret) {
        BackupComponent *c;
        HRESULT hr;

        if (!ret)
                return E_INVALIDARG;
        *ret = VSS_CT_UNDEFINED;

        hr = component_enter(iface, 0, &c);
        if (FAILED(hr))
                return hr;

        *ret = c->type;
        component_leave(iface);
        return S_OK;
}

static HRESULT STDMETHODCALLTYPE component_GetComponentName(IVssComponentEx2 *iface, BSTR *ret) {
        return get_text(iface, TEXT(name), ret);
}

static HRESULT STDMETHODCALLTYPE component_GetBackupSucceeded(IVssComponentEx2 *iface, bool *ret) {
        return get_tristate(iface, offsetof(BackupComponent, backup_succeeded), ret);
}

static HRESULT STDMETHODCALLTYPE component_GetAlternateLocationMappingCount(IVssComponentEx2 *iface,
                                                                            UINT *ret) {
        return get_count(iface, COUNT(mappings.n), ret);
}

static HRESULT STDMETHODCALLTYPE component_GetAlternateLocationMapping(IVssComponentEx2 *iface,
                                                                       UINT i,
                                                                       IVssWMFiledesc **ret) {
        return get_filedesc(iface, offsetof(BackupComponent, mappings), i, ret);
}

#define BACKUP_EVENTS (VIEW_PREPARE_BACKUP | VIEW_POST_SNAPSHOT)

static HRESULT STDMETHODCALLTYPE component_SetBackupMetadata(IVssComponentEx2 *iface, LPCWSTR data) {
        return set_text_once(iface, TEXT(backup_metadata), BACKUP_EVENTS, data);
}

static HRESULT STDMETHODCALLTYPE component_GetBackupMetadata(IVssComponentEx2 *iface, BSTR *ret) {
        return get_text(iface, TEXT(backup_metadata), ret);
}

/* The texts of one list entry, from wide; the caller frees all of @ret. */
static HRESULT texts_from_wide(const WCHAR *const *wide, char **ret, size_t n) {
        for (size_t i = 0; i < n; ++i) {
                HRESULT hr = view_text_from_wide(wide[i], &ret[i]);

                if (FAILED(hr))
                        return hr;
        }

        return S_OK;
}

static void texts_free(char **texts, size_t n) {
        for (size_t i = 0; i < n; ++i)
                free(texts[i]);
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

static HRESULT STDMETHODCALLTYPE component_AddPartialFile(IVssComponentEx2 *iface,
                                                          LPCWSTR path,
                                                          LPCWSTR filename,
                                                          LPCWSTR ranges,
                                                          LPCWSTR metadata) {
        char *texts[4] = { 0 };
        HRESULT hr;

        if (wide_is_empty(path) || wide_is_empty(filename) || wide_is_empty(ranges))
                return E_INVALIDARG;

        hr = texts_from_wide((const WCHAR *const[]){ path, filename, ranges, metadata }, texts,
                             ELEMENTSOF(texts));
        if (SUCCEEDED(hr))
                hr = add_partial_file(iface, texts);

        texts_free(texts, ELEMENTSOF(texts));
        return hr;
}

static HRESULT STDMETHODCALLTYPE component_GetPartialFileCount(IVssComponentEx2 *iface, UINT *ret) {
        return get_count(iface, COUNT(n_partial_files), ret);
}

static HRESULT STDMETHODCALLTYPE component_GetPartialFile(IVssComponentEx2 *iface,
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

        hr = component_enter(iface, 0, &c);
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

/* No code for "never said": it means no. */
static HRESULT STDMETHODCALLTYPE component_IsSelectedForRestore(IVssComponentEx2 *iface, bool *ret) {
        HRESULT hr = get_tristate(iface, offsetof(BackupComponent, selected_for_restore), ret);

        return hr == S_FALSE ? S_OK : hr;
}

static HRESULT STDMETHODCALLTYPE component_GetAdditionalRestores(IVssComponentEx2 *iface, bool *ret) {
        return get_tristate(iface, offsetof(BackupComponent, additional_restores), ret);
}

static HRESULT STDMETHODCALLTYPE component_GetNewTargetCount(IVssComponentEx2 *iface, UINT *ret) {
        return get_count(iface, COUNT(new_targets.n), ret);
}

static HRESULT STDMETHODCALLTYPE component_GetNewTarget(IVssComponentEx2 *iface,
                                                        UINT i,
                                                        IVssWMFiledesc **ret) {
        return get_filedesc(iface, offsetof(BackupComponent, new_targets), i, ret);
}

/* Source and destination are the same number of ranges of the same sizes.
 * [MS: nf-vswriter-ivsscomponent-adddirectedtarget] */
static HRESULT range_lists_check(const char *source, const char *destination) {
        _cleanup_(freep) ByteRange *from = NULL, *to = NULL;
        size_t n_from, n_to;
        int r;

        r = ranges_parse(source, &from, &n_from);
        if (r < 0)
                return hresult_from_errno(r);

        r = ranges_parse(destination, &to, &n_to);
        if (r < 0)
                return hresult_from_errno(r);

        if (n_from != n_to)
                return E_INVALIDARG;

        for (size_t i = 0; i < n_from; ++i)
                if (from[i].length != to[i].length)
                        return E_INVALIDARG;

        return S_OK;
}

/* t: source path, file name and ranges, then the same of the destination. */
static HRESULT add_directed_target(IVssComponentEx2 *iface, char *const *t) {
        BackupComponent *c;
        HRESULT hr;
        int r;

        hr = component_enter(iface, VIEW_PRE_RESTORE, &c);
        if (FAILED(hr))
                return hr;

        hr = range_lists_check(t[2], t[5]);
        if (SUCCEEDED(hr)) {
                r = backup_component_add_directed_target(c, t[0], t[1], t[2], t[3], t[4], t[5]);
                hr = hresult_from_errno(r);
        }

        component_leave(iface);
        return hr;
}

static HRESULT STDMETHODCALLTYPE component_AddDirectedTarget(IVssComponentEx2 *iface,
                                                             LPCWSTR source_path,
                                                             LPCWSTR source_filename,
                                                             LPCWSTR source_ranges,
                                                             LPCWSTR destination_path,
                                                             LPCWSTR destination_filename,
                                                             LPCWSTR destination_ranges) {
        const WCHAR *const wide[] = {
                source_path,      source_filename,      source_ranges,
                destination_path, destination_filename, destination_ranges,
        };
        char *texts[ELEMENTSOF(wide)] = { 0 };
        HRESULT hr;

        for (size_t i = 0; i < ELEMENTSOF(wide); ++i)
                if (wide_is_empty(wide[i]))
                        return E_INVALIDARG;

        hr = texts_from_wide(wide, texts, ELEMENTSOF(texts));
        if (SUCCEEDED(hr))
                hr = add_directed_target(iface, texts);

        texts_free(texts, ELEMENTSOF(texts));
        return hr;
}

static HRESULT STDMETHODCALLTYPE component_GetDirectedTargetCount(IVssComponentEx2 *iface, UINT *ret) {
        return get_count(iface, COUNT(n_directed_targets), ret);
}

static HRESULT STDMETHODCALLTYPE component_GetDirectedTarget(IVssComponentEx2 *iface,
                                                             UINT i,
                                                             BSTR *ret_source_path,
                                                             BSTR *ret_source_filename,
                                                             BSTR *ret_source_ranges,
                                                             BSTR *ret_destination_path,
                                                             BSTR *ret_destination_filename,
                                                             BSTR *ret_destination_ranges) {
        BSTR *const rets[] = {
                ret_source_path,      ret_source_filename,      ret_source_ranges,
                ret_destination_path, ret_destination_filename, ret_destination_ranges,
        };
        BackupComponent *c;
        HRESULT hr;

        for (size_t k = 0; k < ELEMENTSOF(rets); ++k)
                if (!rets[k])
                        return E_INVALIDARG;
        for (size_t k = 0; k < ELEMENTSOF(rets); ++k)
                *rets[k] = NULL;

        hr = component_enter(iface, 0, &c);
        if (FAILED(hr))
                return hr;

        if (i >= c->n_directed_targets)
                hr = VSS_E_OBJECT_NOT_FOUND;
        else {
                const DocDirectedTarget *t = &c->directed_targets[i];
                const ViewText texts[] = {
                        { rets[0], t->source_path },
                        { rets[1], t->source_filename },
                        { rets[2], t->source_ranges },
                        { rets[3], t->destination_path },
                        { rets[4], t->destination_filename },
                        { rets[5], t->destination_ranges },
                };

                hr = doc_extra_check(t->extra);
                if (SUCCEEDED(hr))
                        hr = view_texts_to_bstr(texts, ELEMENTSOF(texts));
        }

        component_leave(iface);
        return hr;
}

static HRESULT STDMETHODCALLTYPE component_SetRestoreMetadata(IVssComponentEx2 *iface, LPCWSTR metadata) {
        return set_text_once(iface, TEXT(restore_metadata), VIEW_PRE_RESTORE, metadata);
}

static HRESULT STDMETHODCALLTYPE component_GetRestoreMetadata(IVssComponentEx2 *iface, BSTR *ret) {
        return get_text(iface, TEXT(restore_metadata), ret);
}

static HRESULT STDMETHODCALLTYPE component_SetRestoreTarget(IVssComponentEx2 *iface,
                                                            VSS_RESTORE_TARGET target) {
        BackupComponent *c;
        HRESULT hr;

        if (target < VSS_RT_ORIGINAL || target > VSS_RT_ORIGINAL_LOCATION)
                return E_INVALIDARG;

        hr = component_enter(iface, VIEW_PRE_RESTORE, &c);
        if (FAILED(hr))
                return hr;

        c->restore_target = target;
        component_leave(iface);
        return S_OK;
}

/* Without a word of the writer's: follow its restore method. */
static HRESULT STDMETHODCALLTYPE component_GetRestoreTarget(IVssComponentEx2 *iface,
                                                            VSS_RESTORE_TARGET *ret) {
        BackupComponent *c;
        HRESULT hr;

        if (!ret)
                return E_INVALIDARG;
        *ret = VSS_RT_UNDEFINED;

        hr = component_enter(iface, 0, &c);
        if (FAILED(hr))
                return hr;

        *ret = c->restore_target == VSS_RT_UNDEFINED ? VSS_RT_ORIGINAL : c->restore_target;
        component_leave(iface);
        return S_OK;
}

static HRESULT STDMETHODCALLTYPE component_SetPreRestoreFailureMsg(IVssComponentEx2 *iface,
                                                                   LPCWSTR message) {
        return set_text(iface, TEXT(pre_restore_failure), VIEW_PRE_RESTORE, message);
}

static HRESULT STDMETHODCALLTYPE component_GetPreRestoreFailureMsg(IVssComponentEx2 *iface, BSTR *ret) {
        return get_text(iface, TEXT(pre_restore_failure), ret);
}

static HRESULT STDMETHODCALLTYPE component_SetPostRestoreFailureMsg(IVssComponentEx2 *iface,
                                                                    LPCWSTR message) {
        return set_text(iface, TEXT(post_restore_failure), VIEW_POST_RESTORE, message);
}

static HRESULT STDMETHODCALLTYPE component_GetPostRestoreFailureMsg(IVssComponentEx2 *iface, BSTR *ret) {
        return get_text(iface, TEXT(post_restore_failure), ret);
}

static HRESULT STDMETHODCALLTYPE component_SetBackupStamp(IVssComponentEx2 *iface, LPCWSTR stamp) {
        return set_text(iface, TEXT(backup_stamp), BACKUP_EVENTS, stamp);
}

static HRESULT STDMETHODCALLTYPE component_GetBackupStamp(IVssComponentEx2 *iface, BSTR *ret) {
        return get_text(iface, TEXT(backup_stamp), ret);
}

static HRESULT STDMETHODCALLTYPE component_GetPreviousBackupStamp(IVssComponentEx2 *iface, BSTR *ret) {
        return get_text(iface, TEXT(previous_backup_stamp), ret);
}

static HRESULT STDMETHODCALLTYPE component_GetBackupOptions(IVssComponentEx2 *iface, BSTR *ret) {
        return get_text(iface, TEXT(backup_options), ret);
}

static HRESULT STDMETHODCALLTYPE component_GetRestoreOptions(IVssComponentEx2 *iface, BSTR *ret) {
        return get_text(iface, TEXT(restore_options), ret);
}

static HRESULT STDMETHODCALLTYPE component_GetRestoreSubcomponentCount(IVssComponentEx2 *iface, UINT *ret) {
        return get_count(iface, COUNT(n_restore_subcomponents), ret);
}

static HRESULT STDMETHODCALLTYPE component_GetRestoreSubcomponent(IVssComponentEx2 *iface,
                                                                  UINT i,
                                                                  BSTR *ret_logical_path,
                                                                  BSTR *ret_name,
                                                                  bool *ret_repair) {
        BackupComponent *c;
        HRESULT hr;

        if (!ret_logical_path || !ret_name || !ret_repair)
                return E_INVALIDARG;
        *ret_logical_path = *ret_name = NULL;
        *ret_repair = false;

        hr = component_enter(iface, 0, &c);
        if (FAILED(hr))
                return hr;

        if (i >= c->n_restore_subcomponents)
                hr = VSS_E_OBJECT_NOT_FOUND;
        else {
                const DocSubcomponent *s = &c->restore_subcomponents[i];
                const ViewText texts[] = {
                        { ret_logical_path, s->logical_path },
                        { ret_name, s->name },
                };

                hr = doc_extra_check(s->extra);
                if (SUCCEEDED(hr))
                        hr = view_texts_to_bstr(texts, ELEMENTSOF(texts));
                if (SUCCEEDED(hr))
                        *ret_repair = s->repair;
        }

        component_leave(iface);
        return hr;
}

static HRESULT STDMETHODCALLTYPE component_GetFileRestoreStatus(IVssComponentEx2 *iface,
                                                                VSS_FILE_RESTORE_STATUS *ret) {
        BackupComponent *c;
        HRESULT hr;

        if (!ret)
                return E_INVALIDARG;
        *ret = VSS_RS_UNDEFINED;

        hr = component_enter(iface, VIEW_RESTORE | VIEW_PRE_RESTORE | VIEW_POST_RESTORE, &c);
        if (FAILED(hr))
                return hr;

        *ret = c->file_restore_status;
        component_leave(iface);
        return S_OK;
}

static int64_t time_from_filetime(FILETIME t) {
        return (int64_t) ((uint64_t) t.dwHighDateTime << 32 | t.dwLowDateTime);
}

static FILETIME time_to_filetime(int64_t t) {
        return (FILETIME){ .dwLowDateTime = (DWORD) t, .dwHighDateTime = (DWORD) ((uint64_t) t >> 32) };
}

static HRESULT STDMETHODCALLTYPE component_AddDifferencedFilesByLastModifyTime(IVssComponentEx2 *iface,
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
static HRESULT STDMETHODCALLTYPE component_AddDifferencedFilesByLastModifyLSN(IVssComponentEx2 *iface,
                                                                              LPCWSTR path,
                                                                              LPCWSTR filespec,
                                                                              BOOL recursive,
                                                                              BSTR lsn) {
        return E_NOTIMPL;
}

static HRESULT STDMETHODCALLTYPE component_GetDifferencedFilesCount(IVssComponentEx2 *iface, UINT *ret) {
        return get_count(iface, COUNT(n_differenced_files), ret);
}

static HRESULT STDMETHODCALLTYPE component_GetDifferencedFile(IVssComponentEx2 *iface,
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

static HRESULT STDMETHODCALLTYPE component_SetPrepareForBackupFailureMsg(IVssComponentEx2 *iface,
                                                                         LPCWSTR message) {
        return set_text(iface, TEXT(prepare_for_backup_failure), VIEW_PREPARE_BACKUP, message);
}

static HRESULT STDMETHODCALLTYPE component_SetPostSnapshotFailureMsg(IVssComponentEx2 *iface,
                                                                     LPCWSTR message) {
        return set_text(iface, TEXT(post_snapshot_failure), VIEW_POST_SNAPSHOT, message);
}

static HRESULT STDMETHODCALLTYPE component_GetPrepareForBackupFailureMsg(IVssComponentEx2 *iface,
                                                                         BSTR *ret) {
        return get_text(iface, TEXT(prepare_for_backup_failure), ret);
}

static HRESULT STDMETHODCALLTYPE component_GetPostSnapshotFailureMsg(IVssComponentEx2 *iface, BSTR *ret) {
        return get_text(iface, TEXT(post_snapshot_failure), ret);
}

static HRESULT STDMETHODCALLTYPE component_GetAuthoritativeRestore(IVssComponentEx2 *iface, bool *ret) {
        BackupComponent *c;
        HRESULT hr;

        if (!ret)
                return E_INVALIDARG;
        *ret = false;

        hr = component_enter(iface, 0, &c);
        if (FAILED(hr))
                return hr;

        *ret = c->authoritative_restore;
        component_leave(iface);
        return S_OK;
}

static HRESULT STDMETHODCALLTYPE component_GetRollForward(IVssComponentEx2 *iface,
                                                          VSS_ROLLFORWARD_TYPE *ret_type,
                                                          BSTR *ret_point) {
        BackupComponent *c;
        HRESULT hr;

        if (!ret_type || !ret_point)
                return E_INVALIDARG;
        *ret_type = VSS_RF_UNDEFINED;
        *ret_point = NULL;

        hr = component_enter(iface, 0, &c);
        if (FAILED(hr))
                return hr;

        *ret_type = c->roll_forward;
        hr = view_texts_to_bstr(&(ViewText){ ret_point, c->roll_forward_point }, 1);
        component_leave(iface);
        return hr;
}

/* The page knows no S_FALSE; without a new name it is S_OK and NULL. */
static HRESULT STDMETHODCALLTYPE component_GetRestoreName(IVssComponentEx2 *iface, BSTR *ret) {
        HRESULT hr = get_text(iface, TEXT(restore_name), ret);

        return hr == S_FALSE ? S_OK : hr;
}

static bool is_failure_of_component(HRESULT hr) {
        static const HRESULT allowed[] = {
                S_OK,
                VSS_E_WRITERERROR_INCONSISTENTSNAPSHOT,
                VSS_E_WRITERERROR_OUTOFRESOURCES,
                VSS_E_WRITERERROR_TIMEOUT,
                VSS_E_WRITERERROR_RETRYABLE,
                VSS_E_WRITERERROR_NONRETRYABLE,
        };

        for (size_t i = 0; i < ELEMENTSOF(allowed); ++i)
                if (allowed[i] == hr)
                        return true;

        return false;
}

static HRESULT STDMETHODCALLTYPE component_SetFailure(IVssComponentEx2 *iface,
                                                      HRESULT failure,
                                                      HRESULT application,
                                                      LPCWSTR message,
                                                      DWORD reserved) {
        _cleanup_(freep) char *text = NULL, *replaced = NULL;
        BackupComponent *c;
        HRESULT hr;

        if (reserved != 0 || !is_failure_of_component(failure))
                return E_INVALIDARG;

        hr = view_text_from_wide(message, &text);
        if (FAILED(hr))
                return hr;

        hr = component_enter(iface, VIEW_ANY_EVENT, &c);
        if (FAILED(hr))
                return hr;

        c->has_failure = true;
        c->failure = failure;
        c->failure_application = application;
        replaced = c->failure_message;
        c->failure_message = TAKE_PTR(text);
        component_leave(iface);
        return S_OK;
}

/* All four are mandatory, the reserved one, too. [MS: nf-vswriter-ivsscomponentex2-getfailure] */
static HRESULT STDMETHODCALLTYPE component_GetFailure(IVssComponentEx2 *iface,
                                                      HRESULT *ret_failure,
                                                      HRESULT *ret_application,
                                                      BSTR *ret_message,
                                                      DWORD *ret_reserved) {
        BackupComponent *c;
        HRESULT hr;

        if (!ret_failure || !ret_application || !ret_message || !ret_reserved)
                return E_INVALIDARG;
        *ret_failure = *ret_application = S_OK;
        *ret_message = NULL;
        *ret_reserved = 0;

        hr = component_enter(iface, 0, &c);
        if (FAILED(hr))
                return hr;

        if (c->has_failure) {
                *ret_failure = c->failure;
                *ret_application = c->failure_application;
                hr = view_texts_to_bstr(&(ViewText){ ret_message, c->failure_message }, 1);
        }

        component_leave(iface);
        return hr;
}

static const IVssComponentEx2Vtbl component_vtbl = {
        .QueryInterface = component_QueryInterface,
        .AddRef = component_AddRef,
        .Release = component_Release,
        .GetLogicalPath = component_GetLogicalPath,
        .GetComponentType = component_GetComponentType,
        .GetComponentName = component_GetComponentName,
        .GetBackupSucceeded = component_GetBackupSucceeded,
        .GetAlternateLocationMappingCount = component_GetAlternateLocationMappingCount,
        .GetAlternateLocationMapping = component_GetAlternateLocationMapping,
        .SetBackupMetadata = component_SetBackupMetadata,
        .GetBackupMetadata = component_GetBackupMetadata,
        .AddPartialFile = component_AddPartialFile,
        .GetPartialFileCount = component_GetPartialFileCount,
        .GetPartialFile = component_GetPartialFile,
        .IsSelectedForRestore = component_IsSelectedForRestore,
        .GetAdditionalRestores = component_GetAdditionalRestores,
        .GetNewTargetCount = component_GetNewTargetCount,
        .GetNewTarget = component_GetNewTarget,
        .AddDirectedTarget = component_AddDirectedTarget,
        .GetDirectedTargetCount = component_GetDirectedTargetCount,
        .GetDirectedTarget = component_GetDirectedTarget,
        .SetRestoreMetadata = component_SetRestoreMetadata,
        .GetRestoreMetadata = component_GetRestoreMetadata,
        .SetRestoreTarget = component_SetRestoreTarget,
        .GetRestoreTarget = component_GetRestoreTarget,
        .SetPreRestoreFailureMsg = component_SetPreRestoreFailureMsg,
        .GetPreRestoreFailureMsg = component_GetPreRestoreFailureMsg,
        .SetPostRestoreFailureMsg = component_SetPostRestoreFailureMsg,
        .GetPostRestoreFailureMsg = component_GetPostRestoreFailureMsg,
        .SetBackupStamp = component_SetBackupStamp,
        .GetBackupStamp = component_GetBackupStamp,
        .GetPreviousBackupStamp = component_GetPreviousBackupStamp,
        .GetBackupOptions = component_GetBackupOptions,
        .GetRestoreOptions = component_GetRestoreOptions,
        .GetRestoreSubcomponentCount = component_GetRestoreSubcomponentCount,
        .GetRestoreSubcomponent = component_GetRestoreSubcomponent,
        .GetFileRestoreStatus = component_GetFileRestoreStatus,
        .AddDifferencedFilesByLastModifyTime = component_AddDifferencedFilesByLastModifyTime,
        .AddDifferencedFilesByLastModifyLSN = component_AddDifferencedFilesByLastModifyLSN,
        .GetDifferencedFilesCount = component_GetDifferencedFilesCount,
        .GetDifferencedFile = component_GetDifferencedFile,
        .SetPrepareForBackupFailureMsg = component_SetPrepareForBackupFailureMsg,
        .SetPostSnapshotFailureMsg = component_SetPostSnapshotFailureMsg,
        .GetPrepareForBackupFailureMsg = component_GetPrepareForBackupFailureMsg,
        .GetPostSnapshotFailureMsg = component_GetPostSnapshotFailureMsg,
        .GetAuthoritativeRestore = component_GetAuthoritativeRestore,
        .GetRollForward = component_GetRollForward,
        .GetRestoreName = component_GetRestoreName,
        .SetFailure = component_SetFailure,
        .GetFailure = component_GetFailure,
};

static_assert(sizeof(component_vtbl) == 50 * sizeof(void *), "slots 0 to 49: the table grew or shrank");

static void component_finalize(ComObject *object) {
        Component *c = container_of(object, Component, com);

        view_owner_unref(c->owner);
        free(c);
}

static const ComInterface component_interfaces[] = {
        COM_INTERFACE_AS(Component, IVssComponent, IVssComponentEx2),
        COM_INTERFACE_AS(Component, IVssComponentEx, IVssComponentEx2),
        COM_INTERFACE(Component, IVssComponentEx2),
};

static const ComClass component_class = {
        .name = "Component",
        .interfaces = component_interfaces,
        .n_interfaces = ELEMENTSOF(component_interfaces),
        .finalize = component_finalize,
};

HRESULT component_new(ViewOwner *owner, BackupComponent *component, IVssComponentEx2 **ret) {
        Component *c;

        c = calloc_checked(1, sizeof(*c));
        if (!c)
                return E_OUTOFMEMORY;

        com_object_init(&c->com, &component_class);
        c->IVssComponentEx2_iface.lpVtbl = &component_vtbl;
        c->owner = view_owner_ref(owner);
        c->component = component;

        *ret = &c->IVssComponentEx2_iface;
        return S_OK;
}
