/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Inside IVssComponentEx2
 *
 * Almost every method is a member of the component, so the getters and setters are a few functions that take
 * its offset. The order of checks is the same everywhere: missing pointers (E_INVALIDARG), a view that is
 * closed, an event in which this may not be said (VSS_E_BAD_STATE), a component that is damaged
 * (VSS_E_INVALID_XML_DOCUMENT), then the value.
 *
 * A view that is closed is VSS_E_BAD_STATE for whoever wants to say something, and VSS_E_OBJECT_NOT_FOUND
 * for whoever asks.
 */

#include "view/component.h"
#include "view/view-text.h"

/* The component, with the view locked. Without one of @rights (0: none is needed): VSS_E_BAD_STATE. */
HRESULT component_enter(IVssComponentEx2 *iface, unsigned rights, BackupComponent **ret);
/* For what may be asked at any time, of which the page knows VSS_E_BAD_STATE for a closed view. */
HRESULT component_enter_open(IVssComponentEx2 *iface, BackupComponent **ret);
void component_leave(IVssComponentEx2 *iface);
ViewOwner *component_owner(IVssComponentEx2 *iface);

#define TEXT(member) offsetof(BackupComponent, member)
#define COUNT(member) offsetof(BackupComponent, member)
#define BACKUP_EVENTS (VIEW_PREPARE_BACKUP | VIEW_POST_SNAPSHOT)

/* component-value.c. S_FALSE and nothing when it was never set. */
HRESULT component_get_text(IVssComponentEx2 *iface, size_t offset, BSTR *ret);
HRESULT component_set_text(IVssComponentEx2 *iface, size_t offset, unsigned rights, const WCHAR *s);
/* Metadata of writers is write-once. */
HRESULT component_set_text_once(IVssComponentEx2 *iface, size_t offset, unsigned rights, const WCHAR *s);
HRESULT component_get_tristate(IVssComponentEx2 *iface, size_t offset, bool *ret);
HRESULT component_get_count(IVssComponentEx2 *iface, size_t offset, UINT *ret);
HRESULT component_get_filedesc(IVssComponentEx2 *iface, size_t offset, UINT i, IVssWMFiledesc **ret);
/* The texts of one list entry, from wide; the caller frees all of @ret, also on failure. */
HRESULT component_texts_from_wide(const WCHAR *const *wide, char **ret, size_t n);
void component_texts_free(char **texts, size_t n);

/* component-backup.c */
HRESULT STDMETHODCALLTYPE component_SetBackupMetadata(IVssComponentEx2 *iface, LPCWSTR data);
HRESULT STDMETHODCALLTYPE component_GetBackupMetadata(IVssComponentEx2 *iface, BSTR *ret);
HRESULT STDMETHODCALLTYPE component_AddPartialFile(IVssComponentEx2 *iface,
                                                   LPCWSTR path,
                                                   LPCWSTR filename,
                                                   LPCWSTR ranges,
                                                   LPCWSTR metadata);
HRESULT STDMETHODCALLTYPE component_GetPartialFileCount(IVssComponentEx2 *iface, UINT *ret);
HRESULT STDMETHODCALLTYPE component_GetPartialFile(IVssComponentEx2 *iface,
                                                   UINT i,
                                                   BSTR *ret_path,
                                                   BSTR *ret_filename,
                                                   BSTR *ret_ranges,
                                                   BSTR *ret_metadata);
HRESULT STDMETHODCALLTYPE component_SetBackupStamp(IVssComponentEx2 *iface, LPCWSTR stamp);
HRESULT STDMETHODCALLTYPE component_GetBackupStamp(IVssComponentEx2 *iface, BSTR *ret);
HRESULT STDMETHODCALLTYPE component_GetPreviousBackupStamp(IVssComponentEx2 *iface, BSTR *ret);
HRESULT STDMETHODCALLTYPE component_GetBackupOptions(IVssComponentEx2 *iface, BSTR *ret);
HRESULT STDMETHODCALLTYPE component_AddDifferencedFilesByLastModifyTime(IVssComponentEx2 *iface,
                                                                        LPCWSTR path,
                                                                        LPCWSTR filespec,
                                                                        BOOL recursive,
                                                                        FILETIME last_modify_time);
HRESULT STDMETHODCALLTYPE component_AddDifferencedFilesByLastModifyLSN(IVssComponentEx2 *iface,
                                                                       LPCWSTR path,
                                                                       LPCWSTR filespec,
                                                                       BOOL recursive,
                                                                       BSTR lsn);
HRESULT STDMETHODCALLTYPE component_GetDifferencedFilesCount(IVssComponentEx2 *iface, UINT *ret);
HRESULT STDMETHODCALLTYPE component_GetDifferencedFile(IVssComponentEx2 *iface,
                                                       UINT i,
                                                       BSTR *ret_path,
                                                       BSTR *ret_filespec,
                                                       BOOL *ret_recursive,
                                                       BSTR *ret_lsn,
                                                       FILETIME *ret_last_modify_time);
HRESULT STDMETHODCALLTYPE component_SetPrepareForBackupFailureMsg(IVssComponentEx2 *iface, LPCWSTR message);
HRESULT STDMETHODCALLTYPE component_SetPostSnapshotFailureMsg(IVssComponentEx2 *iface, LPCWSTR message);
HRESULT STDMETHODCALLTYPE component_GetPrepareForBackupFailureMsg(IVssComponentEx2 *iface, BSTR *ret);
HRESULT STDMETHODCALLTYPE component_GetPostSnapshotFailureMsg(IVssComponentEx2 *iface, BSTR *ret);

/* component-restore.c */
HRESULT STDMETHODCALLTYPE component_GetAlternateLocationMappingCount(IVssComponentEx2 *iface, UINT *ret);
HRESULT STDMETHODCALLTYPE component_GetAlternateLocationMapping(IVssComponentEx2 *iface,
                                                                UINT i,
                                                                IVssWMFiledesc **ret);
HRESULT STDMETHODCALLTYPE component_IsSelectedForRestore(IVssComponentEx2 *iface, bool *ret);
HRESULT STDMETHODCALLTYPE component_GetAdditionalRestores(IVssComponentEx2 *iface, bool *ret);
HRESULT STDMETHODCALLTYPE component_GetNewTargetCount(IVssComponentEx2 *iface, UINT *ret);
HRESULT STDMETHODCALLTYPE component_GetNewTarget(IVssComponentEx2 *iface, UINT i, IVssWMFiledesc **ret);
HRESULT STDMETHODCALLTYPE component_AddDirectedTarget(IVssComponentEx2 *iface,
                                                      LPCWSTR source_path,
                                                      LPCWSTR source_filename,
                                                      LPCWSTR source_ranges,
                                                      LPCWSTR destination_path,
                                                      LPCWSTR destination_filename,
                                                      LPCWSTR destination_ranges);
HRESULT STDMETHODCALLTYPE component_GetDirectedTargetCount(IVssComponentEx2 *iface, UINT *ret);
HRESULT STDMETHODCALLTYPE component_GetDirectedTarget(IVssComponentEx2 *iface,
                                                      UINT i,
                                                      BSTR *ret_source_path,
                                                      BSTR *ret_source_filename,
                                                      BSTR *ret_source_ranges,
                                                      BSTR *ret_destination_path,
                                                      BSTR *ret_destination_filename,
                                                      BSTR *ret_destination_ranges);
HRESULT STDMETHODCALLTYPE component_SetRestoreMetadata(IVssComponentEx2 *iface, LPCWSTR metadata);
HRESULT STDMETHODCALLTYPE component_GetRestoreMetadata(IVssComponentEx2 *iface, BSTR *ret);
HRESULT STDMETHODCALLTYPE component_SetRestoreTarget(IVssComponentEx2 *iface, VSS_RESTORE_TARGET target);
HRESULT STDMETHODCALLTYPE component_GetRestoreTarget(IVssComponentEx2 *iface, VSS_RESTORE_TARGET *ret);
HRESULT STDMETHODCALLTYPE component_SetPreRestoreFailureMsg(IVssComponentEx2 *iface, LPCWSTR message);
HRESULT STDMETHODCALLTYPE component_GetPreRestoreFailureMsg(IVssComponentEx2 *iface, BSTR *ret);
HRESULT STDMETHODCALLTYPE component_SetPostRestoreFailureMsg(IVssComponentEx2 *iface, LPCWSTR message);
HRESULT STDMETHODCALLTYPE component_GetPostRestoreFailureMsg(IVssComponentEx2 *iface, BSTR *ret);
HRESULT STDMETHODCALLTYPE component_GetRestoreOptions(IVssComponentEx2 *iface, BSTR *ret);
HRESULT STDMETHODCALLTYPE component_GetRestoreSubcomponentCount(IVssComponentEx2 *iface, UINT *ret);
HRESULT STDMETHODCALLTYPE component_GetRestoreSubcomponent(IVssComponentEx2 *iface,
                                                           UINT i,
                                                           BSTR *ret_logical_path,
                                                           BSTR *ret_name,
                                                           bool *ret_repair);
HRESULT STDMETHODCALLTYPE component_GetFileRestoreStatus(IVssComponentEx2 *iface,
                                                         VSS_FILE_RESTORE_STATUS *ret);
HRESULT STDMETHODCALLTYPE component_GetAuthoritativeRestore(IVssComponentEx2 *iface, bool *ret);
HRESULT STDMETHODCALLTYPE component_GetRollForward(IVssComponentEx2 *iface,
                                                   VSS_ROLLFORWARD_TYPE *ret_type,
                                                   BSTR *ret_point);
HRESULT STDMETHODCALLTYPE component_GetRestoreName(IVssComponentEx2 *iface, BSTR *ret);
