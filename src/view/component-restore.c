/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * IVssComponentEx2: what is said during a Restore
 *
 * Which setter belongs to which event: [reference events.tsv; MS: the "allowed in" of each page, and where
 * the pages of restore methods repeat "called during a restore operation", sense.]
 */

#include <stdlib.h>

#include "base/hresult.h"
#include "base/ranges.h"
#include "view/component-internal.h"

HRESULT STDMETHODCALLTYPE component_GetAlternateLocationMappingCount(IVssComponentEx2 *iface, UINT *ret) {
        return component_get_count(iface, COUNT(mappings.n), ret);
}

HRESULT STDMETHODCALLTYPE component_GetAlternateLocationMapping(IVssComponentEx2 *iface,
                                                                UINT i,
                                                                IVssWMFiledesc **ret) {
        return component_get_filedesc(iface, offsetof(BackupComponent, mappings), i, ret);
}

/* No code for "never said": it means no. Nor one for a view that is closed but "not in the right state". */
HRESULT STDMETHODCALLTYPE component_IsSelectedForRestore(IVssComponentEx2 *iface, bool *ret) {
        HRESULT hr = component_get_tristate(iface, offsetof(BackupComponent, selected_for_restore), ret);

        return hr == S_FALSE ? S_OK : hr == VSS_E_OBJECT_NOT_FOUND ? VSS_E_BAD_STATE : hr;
}

HRESULT STDMETHODCALLTYPE component_GetAdditionalRestores(IVssComponentEx2 *iface, bool *ret) {
        return component_get_tristate(iface, offsetof(BackupComponent, additional_restores), ret);
}

HRESULT STDMETHODCALLTYPE component_GetNewTargetCount(IVssComponentEx2 *iface, UINT *ret) {
        return component_get_count(iface, COUNT(new_targets.n), ret);
}

HRESULT STDMETHODCALLTYPE component_GetNewTarget(IVssComponentEx2 *iface, UINT i, IVssWMFiledesc **ret) {
        return component_get_filedesc(iface, offsetof(BackupComponent, new_targets), i, ret);
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

HRESULT STDMETHODCALLTYPE component_AddDirectedTarget(IVssComponentEx2 *iface,
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

        hr = component_texts_from_wide(wide, texts, ELEMENTSOF(texts));
        if (SUCCEEDED(hr))
                hr = add_directed_target(iface, texts);

        component_texts_free(texts, ELEMENTSOF(texts));
        return hr;
}

HRESULT STDMETHODCALLTYPE component_GetDirectedTargetCount(IVssComponentEx2 *iface, UINT *ret) {
        return component_get_count(iface, COUNT(n_directed_targets), ret);
}

HRESULT STDMETHODCALLTYPE component_GetDirectedTarget(IVssComponentEx2 *iface,
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
                        { rets[0], t->source_path },          { rets[1], t->source_filename },
                        { rets[2], t->source_ranges },        { rets[3], t->destination_path },
                        { rets[4], t->destination_filename }, { rets[5], t->destination_ranges },
                };

                hr = doc_extra_check(t->extra);
                if (SUCCEEDED(hr))
                        hr = view_texts_to_bstr(texts, ELEMENTSOF(texts));
        }

        component_leave(iface);
        return hr;
}

HRESULT STDMETHODCALLTYPE component_SetRestoreMetadata(IVssComponentEx2 *iface, LPCWSTR metadata) {
        return component_set_text_once(iface, TEXT(restore_metadata), VIEW_PRE_RESTORE, metadata);
}

HRESULT STDMETHODCALLTYPE component_GetRestoreMetadata(IVssComponentEx2 *iface, BSTR *ret) {
        return component_get_text(iface, TEXT(restore_metadata), ret);
}

HRESULT STDMETHODCALLTYPE component_SetRestoreTarget(IVssComponentEx2 *iface, VSS_RESTORE_TARGET target) {
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
HRESULT STDMETHODCALLTYPE component_GetRestoreTarget(IVssComponentEx2 *iface, VSS_RESTORE_TARGET *ret) {
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

HRESULT STDMETHODCALLTYPE component_SetPreRestoreFailureMsg(IVssComponentEx2 *iface, LPCWSTR message) {
        return component_set_text(iface, TEXT(pre_restore_failure), VIEW_PRE_RESTORE, message);
}

HRESULT STDMETHODCALLTYPE component_GetPreRestoreFailureMsg(IVssComponentEx2 *iface, BSTR *ret) {
        return component_get_text(iface, TEXT(pre_restore_failure), ret);
}

HRESULT STDMETHODCALLTYPE component_SetPostRestoreFailureMsg(IVssComponentEx2 *iface, LPCWSTR message) {
        return component_set_text(iface, TEXT(post_restore_failure), VIEW_POST_RESTORE, message);
}

HRESULT STDMETHODCALLTYPE component_GetPostRestoreFailureMsg(IVssComponentEx2 *iface, BSTR *ret) {
        return component_get_text(iface, TEXT(post_restore_failure), ret);
}

HRESULT STDMETHODCALLTYPE component_GetRestoreOptions(IVssComponentEx2 *iface, BSTR *ret) {
        return component_get_text(iface, TEXT(restore_options), ret);
}

HRESULT STDMETHODCALLTYPE component_GetRestoreSubcomponentCount(IVssComponentEx2 *iface, UINT *ret) {
        return component_get_count(iface, COUNT(n_restore_subcomponents), ret);
}

HRESULT STDMETHODCALLTYPE component_GetRestoreSubcomponent(IVssComponentEx2 *iface,
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

HRESULT STDMETHODCALLTYPE component_GetFileRestoreStatus(IVssComponentEx2 *iface,
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

HRESULT STDMETHODCALLTYPE component_GetAuthoritativeRestore(IVssComponentEx2 *iface, bool *ret) {
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

HRESULT STDMETHODCALLTYPE component_GetRollForward(IVssComponentEx2 *iface,
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
HRESULT STDMETHODCALLTYPE component_GetRestoreName(IVssComponentEx2 *iface, BSTR *ret) {
        HRESULT hr = component_get_text(iface, TEXT(restore_name), ret);

        return hr == S_FALSE ? S_OK : hr;
}
