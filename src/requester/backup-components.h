/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * One Backup or one Restore
 *
 * The object behind IVssBackupComponents to Ex4. Its methods stand in six files: backup-document.c (what
 * only changes the document), backup-create.c (writers and shadow copies), backup-restore.c, backup-query.c,
 * backup-storage.c and backup-recover.c (what is done to shadow copies). All are thin: check, convert,
 * delegate to the document, the session or an operation.
 */

#include <stdatomic.h>
#include <vsbackup.h>

#include "base/macro.h"
#include "com/com-object.h"
#include "doc/writer-doc.h"
#include "requester/session-proxy.h"
#include "requester/session-rules.h"
#include "view/view-owner.h"

typedef struct Operation Operation;

/* What a writer said of itself when it was asked. */
typedef struct LiveWriter {
        GUID instance_id, writer_id;
        char *text; /* the document as it came; NULL once freed with FreeWriterMetadata() */
        size_t size;
        WriterDoc *doc; /* NULL: what came is no document */
} LiveWriter;

/*
 * The object is alive as long as somebody holds it or an IVssAsync that it gave out. When nobody holds it
 * any more, it is @released: then the connection ends, at once or with the operation that somebody still
 * waits for.
 */
typedef struct BackupComponents {
        ComObject com;
        IVssBackupComponentsEx4 IVssBackupComponentsEx4_iface;
        atomic_uint n_alive;

        SessionProxy *session; /* the lock of its connection guards all that follows */
        SessionRules rules;
        bool released;
        Operation *running; /* until it has settled */
        const char *torn;   /* the operation that lost the connection and, with it, what the writers said */
        uint32_t n_operations;

        ViewOwner *view; /* owns the document; made anew whenever pointers into it become invalid */
        LiveWriter *writers;
        size_t n_writers;
        SessionStatuses statuses;
} BackupComponents;

/* The rest of the scope has the object to itself. */
#define BACKUP_LOCKED(b) WIRE_CLIENT_LOCKED((b)->session->client)

HRESULT backup_components_new(IVssBackupComponents **ret);
BackupComponents *impl_from_IVssBackupComponentsEx4(IVssBackupComponentsEx4 *iface);

void backup_components_keep(BackupComponents *b); /* for an IVssAsync */
void backup_components_drop(BackupComponents *b);

/*
 * First of all in every method: is there still a session, and may @method be called now? What umbrad has sent
 * is taken in before, so that an operation that has ended without anybody having looked is over.
 *
 * A session ends with its connection and cannot be resumed: from then on VSS_E_UNEXPECTED, or E_ACCESSDENIED
 * when the administrator ended it.
 */
HRESULT backup_components_check(BackupComponents *b, SessionCall call, const char *method);

/* What a requester may do with the components that it is handed: read them. */
unsigned backup_components_view_rights(const BackupComponents *b);
/* Puts a view over @doc, which is taken over on success; what came out of the old one is stale from then
 * on. */
HRESULT backup_components_set_document(BackupComponents *b, BackupDoc *doc);
/* The same document, and stale pointers. [MS: nf-vsbackup-ivssbackupcomponents-getwritercomponents] */
HRESULT backup_components_renew_view(BackupComponents *b);

void backup_components_free_writers(BackupComponents *b);
/* @instance_id GUID_NULL: any. NULL if no such writer runs. */
LiveWriter *backup_components_find_writer(BackupComponents *b,
                                          const GUID *instance_id,
                                          const GUID *writer_id);

/* An instance of this id runs, of whatever class. */
bool backup_components_is_instance(const BackupComponents *b, const GUID *instance_id);

/* For pointers that must not be NULL. VSS says E_INVALIDARG where COM would say E_POINTER. */
HRESULT backup_argument_missing(const char *method);

/* The methods, in the order of the table. */
typedef IVssBackupComponentsEx4 *BackupIface;

HRESULT backup_components_GetWriterComponentsCount(BackupIface iface, UINT *ret_count);
HRESULT backup_components_GetWriterComponents(BackupIface iface, UINT i, IVssWriterComponentsExt **ret);
HRESULT backup_components_InitializeForBackup(BackupIface iface, BSTR xml);
HRESULT backup_components_SetBackupState(BackupIface iface,
                                         bool select_components,
                                         bool bootable_system_state,
                                         VSS_BACKUP_TYPE type,
                                         bool partial_file_support);
HRESULT backup_components_InitializeForRestore(BackupIface iface, BSTR xml);
HRESULT backup_components_SetRestoreState(BackupIface iface, VSS_RESTORE_TYPE type);
HRESULT backup_components_GatherWriterMetadata(BackupIface iface, IVssAsync **ret);
HRESULT backup_components_GetWriterMetadataCount(BackupIface iface, UINT *ret_count);
HRESULT backup_components_GetWriterMetadata(BackupIface iface,
                                            UINT i,
                                            VSS_ID *ret_instance_id,
                                            IVssExamineWriterMetadata **ret);
HRESULT backup_components_FreeWriterMetadata(BackupIface iface);
HRESULT backup_components_AddComponent(BackupIface iface,
                                       VSS_ID instance_id,
                                       VSS_ID writer_id,
                                       VSS_COMPONENT_TYPE type,
                                       LPCWSTR logical_path,
                                       LPCWSTR name);
HRESULT backup_components_PrepareForBackup(BackupIface iface, IVssAsync **ret);
HRESULT backup_components_AbortBackup(BackupIface iface);
HRESULT backup_components_GatherWriterStatus(BackupIface iface, IVssAsync **ret);
HRESULT backup_components_GetWriterStatusCount(BackupIface iface, UINT *ret_count);
HRESULT backup_components_FreeWriterStatus(BackupIface iface);
HRESULT backup_components_GetWriterStatus(BackupIface iface,
                                          UINT i,
                                          VSS_ID *ret_instance_id,
                                          VSS_ID *ret_writer_id,
                                          BSTR *ret_name,
                                          VSS_WRITER_STATE *ret_state,
                                          HRESULT *ret_failure);
HRESULT backup_components_SetBackupSucceeded(BackupIface iface,
                                             VSS_ID instance_id,
                                             VSS_ID writer_id,
                                             VSS_COMPONENT_TYPE type,
                                             LPCWSTR logical_path,
                                             LPCWSTR name,
                                             bool succeeded);
HRESULT backup_components_SetBackupOptions(BackupIface iface,
                                           VSS_ID writer_id,
                                           VSS_COMPONENT_TYPE type,
                                           LPCWSTR logical_path,
                                           LPCWSTR name,
                                           LPCWSTR options);
HRESULT backup_components_SetSelectedForRestore(BackupIface iface,
                                                VSS_ID writer_id,
                                                VSS_COMPONENT_TYPE type,
                                                LPCWSTR logical_path,
                                                LPCWSTR name,
                                                bool selected);
HRESULT backup_components_SetRestoreOptions(BackupIface iface,
                                            VSS_ID writer_id,
                                            VSS_COMPONENT_TYPE type,
                                            LPCWSTR logical_path,
                                            LPCWSTR name,
                                            LPCWSTR options);
HRESULT backup_components_SetAdditionalRestores(BackupIface iface,
                                                VSS_ID writer_id,
                                                VSS_COMPONENT_TYPE type,
                                                LPCWSTR logical_path,
                                                LPCWSTR name,
                                                bool additional);
HRESULT backup_components_SetPreviousBackupStamp(BackupIface iface,
                                                 VSS_ID writer_id,
                                                 VSS_COMPONENT_TYPE type,
                                                 LPCWSTR logical_path,
                                                 LPCWSTR name,
                                                 LPCWSTR stamp);
HRESULT backup_components_SaveAsXML(BackupIface iface, BSTR *ret_xml);
HRESULT backup_components_BackupComplete(BackupIface iface, IVssAsync **ret);
HRESULT backup_components_AddAlternativeLocationMapping(BackupIface iface,
                                                        VSS_ID writer_id,
                                                        VSS_COMPONENT_TYPE type,
                                                        LPCWSTR logical_path,
                                                        LPCWSTR name,
                                                        LPCWSTR path,
                                                        LPCWSTR filespec,
                                                        bool recursive,
                                                        LPCWSTR destination);
HRESULT backup_components_AddRestoreSubcomponent(BackupIface iface,
                                                 VSS_ID writer_id,
                                                 VSS_COMPONENT_TYPE type,
                                                 LPCWSTR logical_path,
                                                 LPCWSTR name,
                                                 LPCWSTR sub_logical_path,
                                                 LPCWSTR sub_name,
                                                 bool repair);
HRESULT backup_components_SetFileRestoreStatus(BackupIface iface,
                                               VSS_ID writer_id,
                                               VSS_COMPONENT_TYPE type,
                                               LPCWSTR logical_path,
                                               LPCWSTR name,
                                               VSS_FILE_RESTORE_STATUS status);
HRESULT backup_components_AddNewTarget(BackupIface iface,
                                       VSS_ID writer_id,
                                       VSS_COMPONENT_TYPE type,
                                       LPCWSTR logical_path,
                                       LPCWSTR name,
                                       LPCWSTR path,
                                       LPCWSTR filespec,
                                       bool recursive,
                                       LPCWSTR alternate);
HRESULT backup_components_SetRangesFilePath(BackupIface iface,
                                            VSS_ID writer_id,
                                            VSS_COMPONENT_TYPE type,
                                            LPCWSTR logical_path,
                                            LPCWSTR name,
                                            UINT i,
                                            LPCWSTR ranges_file);
HRESULT backup_components_PreRestore(BackupIface iface, IVssAsync **ret);
HRESULT backup_components_PostRestore(BackupIface iface, IVssAsync **ret);
HRESULT backup_components_SetContext(BackupIface iface, LONG context);
HRESULT backup_components_StartSnapshotSet(BackupIface iface, VSS_ID *ret_set_id);
HRESULT backup_components_AddToSnapshotSet(BackupIface iface,
                                           VSS_PWSZ volume,
                                           VSS_ID provider_id,
                                           VSS_ID *ret_snapshot_id);
HRESULT backup_components_DoSnapshotSet(BackupIface iface, IVssAsync **ret);
HRESULT backup_components_DeleteSnapshots(BackupIface iface,
                                          VSS_ID id,
                                          VSS_OBJECT_TYPE type,
                                          BOOL force,
                                          LONG *ret_deleted,
                                          VSS_ID *ret_nondeleted);
HRESULT backup_components_ImportSnapshots(BackupIface iface, IVssAsync **ret);
HRESULT backup_components_BreakSnapshotSet(BackupIface iface, VSS_ID set_id);
HRESULT backup_components_GetSnapshotProperties(BackupIface iface,
                                                VSS_ID snapshot_id,
                                                VSS_SNAPSHOT_PROP *ret);
HRESULT backup_components_Query(BackupIface iface,
                                VSS_ID id,
                                VSS_OBJECT_TYPE type,
                                VSS_OBJECT_TYPE returned,
                                IVssEnumObject **ret);
HRESULT backup_components_IsVolumeSupported(BackupIface iface,
                                            VSS_ID provider_id,
                                            VSS_PWSZ volume,
                                            BOOL *ret);
HRESULT backup_components_DisableWriterClasses(BackupIface iface, const VSS_ID *ids, UINT n);
HRESULT backup_components_EnableWriterClasses(BackupIface iface, const VSS_ID *ids, UINT n);
HRESULT backup_components_DisableWriterInstances(BackupIface iface, const VSS_ID *ids, UINT n);
HRESULT backup_components_ExposeSnapshot(BackupIface iface,
                                         VSS_ID snapshot_id,
                                         VSS_PWSZ path_from_root,
                                         LONG attributes,
                                         VSS_PWSZ expose,
                                         VSS_PWSZ *ret_exposed);
HRESULT backup_components_RevertToSnapshot(BackupIface iface, VSS_ID snapshot_id, BOOL force_dismount);
HRESULT backup_components_QueryRevertStatus(BackupIface iface, VSS_PWSZ volume, IVssAsync **ret);
HRESULT backup_components_GetWriterMetadataEx(BackupIface iface,
                                              UINT i,
                                              VSS_ID *ret_instance_id,
                                              IVssExamineWriterMetadataEx **ret);
HRESULT backup_components_SetSelectedForRestoreEx(BackupIface iface,
                                                  VSS_ID writer_id,
                                                  VSS_COMPONENT_TYPE type,
                                                  LPCWSTR logical_path,
                                                  LPCWSTR name,
                                                  bool selected,
                                                  VSS_ID instance_id);
HRESULT backup_components_UnexposeSnapshot(BackupIface iface, VSS_ID snapshot_id);
HRESULT backup_components_SetAuthoritativeRestore(BackupIface iface,
                                                  VSS_ID writer_id,
                                                  VSS_COMPONENT_TYPE type,
                                                  LPCWSTR logical_path,
                                                  LPCWSTR name,
                                                  bool authoritative);
HRESULT backup_components_SetRollForward(BackupIface iface,
                                         VSS_ID writer_id,
                                         VSS_COMPONENT_TYPE type,
                                         LPCWSTR logical_path,
                                         LPCWSTR name,
                                         VSS_ROLLFORWARD_TYPE roll_type,
                                         LPCWSTR point);
HRESULT backup_components_SetRestoreName(BackupIface iface,
                                         VSS_ID writer_id,
                                         VSS_COMPONENT_TYPE type,
                                         LPCWSTR logical_path,
                                         LPCWSTR name,
                                         LPCWSTR restore_name);
HRESULT backup_components_BreakSnapshotSetEx(BackupIface iface, VSS_ID set_id, DWORD flags, IVssAsync **ret);
HRESULT backup_components_PreFastRecovery(BackupIface iface, VSS_ID set_id, DWORD flags, IVssAsync **ret);
HRESULT backup_components_FastRecovery(BackupIface iface, VSS_ID set_id, DWORD flags, IVssAsync **ret);
HRESULT backup_components_GetWriterStatusEx(BackupIface iface,
                                            UINT i,
                                            VSS_ID *ret_instance_id,
                                            VSS_ID *ret_writer_id,
                                            BSTR *ret_name,
                                            VSS_WRITER_STATE *ret_state,
                                            HRESULT *ret_failure,
                                            HRESULT *ret_application,
                                            BSTR *ret_message);
HRESULT backup_components_AddSnapshotToRecoverySet(BackupIface iface,
                                                   VSS_ID snapshot_id,
                                                   DWORD flags,
                                                   VSS_PWSZ destination);
HRESULT backup_components_RecoverSet(BackupIface iface, DWORD flags, IVssAsync **ret);
HRESULT backup_components_GetSessionId(BackupIface iface, VSS_ID *ret);
HRESULT backup_components_GetRootAndLogicalPrefixPaths(BackupIface iface,
                                                       VSS_PWSZ path,
                                                       VSS_PWSZ *ret_root,
                                                       VSS_PWSZ *ret_prefix,
                                                       BOOL normalize);
