/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What a Requester Chooses and Reports
 *
 * The methods that say of a single component how it is to be backed up or restored, and how that went. Those
 * that are about its files are in component-files.c.
 */

#include "base/alloc.h"
#include "requester/component-edit.h"
#include "view/view-text.h"
#include "wire/last-error.h"

/* [MS: nf-vsbackup-ivssbackupcomponents-setbackupsucceeded] */
HRESULT backup_components_SetBackupSucceeded(BackupIface iface,
                                             VSS_ID instance_id,
                                             VSS_ID writer_id,
                                             VSS_COMPONENT_TYPE type,
                                             LPCWSTR logical_path,
                                             LPCWSTR name,
                                             bool succeeded) {
        const ComponentKey key = { instance_id, writer_id, type, logical_path, name };

        return component_edit_flag(iface, CALL_SET_BACKUP_SUCCEEDED, "SetBackupSucceeded", &key,
                                   offsetof(BackupComponent, backup_succeeded), succeeded);
}

/* [MS: nf-vsbackup-ivssbackupcomponents-setbackupoptions] */
HRESULT backup_components_SetBackupOptions(BackupIface iface,
                                           VSS_ID writer_id,
                                           VSS_COMPONENT_TYPE type,
                                           LPCWSTR logical_path,
                                           LPCWSTR name,
                                           LPCWSTR options) {
        const ComponentKey key = { GUID_NULL, writer_id, type, logical_path, name };

        return component_edit_text(iface, CALL_CONFIGURE_BACKUP, "SetBackupOptions", &key,
                                   offsetof(BackupComponent, backup_options), options);
}

/* [MS: nf-vsbackup-ivssbackupcomponents-setpreviousbackupstamp] */
HRESULT backup_components_SetPreviousBackupStamp(BackupIface iface,
                                                 VSS_ID writer_id,
                                                 VSS_COMPONENT_TYPE type,
                                                 LPCWSTR logical_path,
                                                 LPCWSTR name,
                                                 LPCWSTR stamp) {
        const ComponentKey key = { GUID_NULL, writer_id, type, logical_path, name };

        return component_edit_text(iface, CALL_CONFIGURE_BACKUP, "SetPreviousBackupStamp", &key,
                                   offsetof(BackupComponent, previous_backup_stamp), stamp);
}

typedef struct SelectEdit {
        bool selected;
        GUID instance_id; /* where it is to be restored to; GUID_NULL: where it came from */
} SelectEdit;

/* Somebody must be there to be told. [MS: overview-of-preparing-for-restore] */
static HRESULT edit_selected(BackupComponents *b, BackupWriter *w, BackupComponent *c, const void *arg) {
        const SelectEdit *e = arg;

        if (!backup_components_find_writer(b, &e->instance_id, &w->writer_id))
                return last_error_set(VSS_E_OBJECT_NOT_FOUND, "The writer of '%s' is not running.", c->name);

        c->selected_for_restore = e->selected ? TRI_YES : TRI_NO;
        c->restore_instance_id = e->instance_id;
        return S_OK;
}

/* [MS: nf-vsbackup-ivssbackupcomponents-setselectedforrestore] */
HRESULT backup_components_SetSelectedForRestore(BackupIface iface,
                                                VSS_ID writer_id,
                                                VSS_COMPONENT_TYPE type,
                                                LPCWSTR logical_path,
                                                LPCWSTR name,
                                                bool selected) {
        const ComponentKey key = { GUID_NULL, writer_id, type, logical_path, name };

        return component_edit(iface, CALL_CONFIGURE_RESTORE, "SetSelectedForRestore", &key, edit_selected,
                              &(SelectEdit){ selected, GUID_NULL });
}

/* [MS: nf-vsbackup-ivssbackupcomponentsex-setselectedforrestoreex] */
HRESULT backup_components_SetSelectedForRestoreEx(BackupIface iface,
                                                  VSS_ID writer_id,
                                                  VSS_COMPONENT_TYPE type,
                                                  LPCWSTR logical_path,
                                                  LPCWSTR name,
                                                  bool selected,
                                                  VSS_ID instance_id) {
        const ComponentKey key = { GUID_NULL, writer_id, type, logical_path, name };

        return component_edit(iface, CALL_CONFIGURE_RESTORE, "SetSelectedForRestoreEx", &key, edit_selected,
                              &(SelectEdit){ selected, instance_id });
}

/* [MS: nf-vsbackup-ivssbackupcomponents-setrestoreoptions] */
HRESULT backup_components_SetRestoreOptions(BackupIface iface,
                                            VSS_ID writer_id,
                                            VSS_COMPONENT_TYPE type,
                                            LPCWSTR logical_path,
                                            LPCWSTR name,
                                            LPCWSTR options) {
        const ComponentKey key = { GUID_NULL, writer_id, type, logical_path, name };

        return component_edit_text(iface, CALL_CONFIGURE_RESTORE, "SetRestoreOptions", &key,
                                   offsetof(BackupComponent, restore_options), options);
}

/* [MS: nf-vsbackup-ivssbackupcomponents-setadditionalrestores] */
HRESULT backup_components_SetAdditionalRestores(BackupIface iface,
                                                VSS_ID writer_id,
                                                VSS_COMPONENT_TYPE type,
                                                LPCWSTR logical_path,
                                                LPCWSTR name,
                                                bool additional) {
        const ComponentKey key = { GUID_NULL, writer_id, type, logical_path, name };

        return component_edit_flag(iface, CALL_CONFIGURE_RESTORE, "SetAdditionalRestores", &key,
                                   offsetof(BackupComponent, additional_restores), additional);
}

static HRESULT edit_authoritative(BackupComponents *b,
                                  BackupWriter *w,
                                  BackupComponent *c,
                                  const void *arg) {
        c->authoritative_restore = *(const bool *) arg;
        return S_OK;
}

/* [MS: nf-vsbackup-ivssbackupcomponentsex2-setauthoritativerestore] */
HRESULT backup_components_SetAuthoritativeRestore(BackupIface iface,
                                                  VSS_ID writer_id,
                                                  VSS_COMPONENT_TYPE type,
                                                  LPCWSTR logical_path,
                                                  LPCWSTR name,
                                                  bool authoritative) {
        const ComponentKey key = { GUID_NULL, writer_id, type, logical_path, name };

        return component_edit(iface, CALL_CONFIGURE_RESTORE, "SetAuthoritativeRestore", &key,
                              edit_authoritative, &authoritative);
}

typedef struct RollForwardEdit {
        VSS_ROLLFORWARD_TYPE type;
        const char *point;
} RollForwardEdit;

static HRESULT edit_roll_forward(BackupComponents *b, BackupWriter *w, BackupComponent *c, const void *arg) {
        const RollForwardEdit *e = arg;

        if (free_and_strdup(&c->roll_forward_point, e->point) < 0)
                return last_error_set(E_OUTOFMEMORY, NULL);
        c->roll_forward = e->type;
        return S_OK;
}

/* The point means something with VSS_RF_PARTIAL only. [MS:
 * nf-vsbackup-ivssbackupcomponentsex2-setrollforward] */
HRESULT backup_components_SetRollForward(BackupIface iface,
                                         VSS_ID writer_id,
                                         VSS_COMPONENT_TYPE type,
                                         LPCWSTR logical_path,
                                         LPCWSTR name,
                                         VSS_ROLLFORWARD_TYPE roll_type,
                                         LPCWSTR point) {
        const ComponentKey key = { GUID_NULL, writer_id, type, logical_path, name };
        _cleanup_(freep) char *text = NULL;
        HRESULT hr;

        if (roll_type <= VSS_RF_UNDEFINED || roll_type > VSS_RF_PARTIAL)
                return last_error_set(E_INVALIDARG, "%d is not a VSS_ROLLFORWARD_TYPE.", (int) roll_type);
        if (roll_type == VSS_RF_PARTIAL && !point)
                return backup_argument_missing("SetRollForward");

        hr = view_text_from_wide(point, &text);
        if (FAILED(hr))
                return last_error_set(hr, NULL);

        return component_edit(iface, CALL_CONFIGURE_RESTORE, "SetRollForward", &key, edit_roll_forward,
                              &(RollForwardEdit){ roll_type, text });
}

/* [MS: nf-vsbackup-ivssbackupcomponentsex2-setrestorename] */
HRESULT backup_components_SetRestoreName(BackupIface iface,
                                         VSS_ID writer_id,
                                         VSS_COMPONENT_TYPE type,
                                         LPCWSTR logical_path,
                                         LPCWSTR name,
                                         LPCWSTR restore_name) {
        const ComponentKey key = { GUID_NULL, writer_id, type, logical_path, name };

        return component_edit_text(iface, CALL_CONFIGURE_RESTORE, "SetRestoreName", &key,
                                   offsetof(BackupComponent, restore_name), restore_name);
}

typedef struct SubcomponentEdit {
        const char *logical_path, *name;
} SubcomponentEdit;

static HRESULT edit_subcomponent(BackupComponents *b, BackupWriter *w, BackupComponent *c, const void *arg) {
        const SubcomponentEdit *e = arg;

        if (c->selected_for_restore != TRI_YES)
                return last_error_set(VSS_E_BAD_STATE,
                                      "AddRestoreSubcomponent() was called before "
                                      "SetSelectedForRestore() for '%s'.",
                                      c->name);
        if (backup_component_add_restore_subcomponent(c, e->logical_path, e->name, false) < 0)
                return last_error_set(E_OUTOFMEMORY, NULL);
        return S_OK;
}

/* bRepair is reserved. [MS: nf-vsbackup-ivssbackupcomponents-addrestoresubcomponent] */
HRESULT backup_components_AddRestoreSubcomponent(BackupIface iface,
                                                 VSS_ID writer_id,
                                                 VSS_COMPONENT_TYPE type,
                                                 LPCWSTR logical_path,
                                                 LPCWSTR name,
                                                 LPCWSTR sub_logical_path,
                                                 LPCWSTR sub_name,
                                                 bool repair) {
        const ComponentKey key = { GUID_NULL, writer_id, type, logical_path, name };
        _cleanup_(freep) char *sub_path_text = NULL, *sub_name_text = NULL;
        HRESULT hr;

        if (!sub_logical_path || !sub_name)
                return backup_argument_missing("AddRestoreSubcomponent");
        if (repair)
                return last_error_set(E_INVALIDARG,
                                      "AddRestoreSubcomponent(): bRepair is reserved and must be false.");

        hr = view_text_from_wide(sub_logical_path, &sub_path_text);
        if (SUCCEEDED(hr))
                hr = view_text_from_wide(sub_name, &sub_name_text);
        if (FAILED(hr))
                return last_error_set(hr, NULL);

        return component_edit(iface, CALL_CONFIGURE_RESTORE, "AddRestoreSubcomponent", &key,
                              edit_subcomponent, &(SubcomponentEdit){ sub_path_text, sub_name_text });
}

static HRESULT edit_file_status(BackupComponents *b, BackupWriter *w, BackupComponent *c, const void *arg) {
        c->file_restore_status = *(const VSS_FILE_RESTORE_STATUS *) arg;
        return S_OK;
}

/* [MS: nf-vsbackup-ivssbackupcomponents-setfilerestorestatus] */
HRESULT backup_components_SetFileRestoreStatus(BackupIface iface,
                                               VSS_ID writer_id,
                                               VSS_COMPONENT_TYPE type,
                                               LPCWSTR logical_path,
                                               LPCWSTR name,
                                               VSS_FILE_RESTORE_STATUS status) {
        const ComponentKey key = { GUID_NULL, writer_id, type, logical_path, name };

        if (status <= VSS_RS_UNDEFINED || status > VSS_RS_FAILED)
                return last_error_set(E_INVALIDARG, "%d is not a VSS_FILE_RESTORE_STATUS.", (int) status);

        return component_edit(iface, CALL_SET_FILE_RESTORE_STATUS, "SetFileRestoreStatus", &key,
                              edit_file_status, &status);
}
