/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What a Requester Chooses and Reports
 *
 * The methods that say of a single component how it is to be backed up or restored, and how that went. Those
 * that are about its files are in component-files.c.
 */

#include <string.h>

#include "base/alloc.h"
#include "base/guid.h"
#include "requester/component-edit.h"
#include "requester/component-live.h"
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

/* Another one than it came from: that runs beside it, or has another name. A writer has a new id each time it
 * is started. */
static bool is_another_instance(BackupComponents *b, const BackupWriter *w, const LiveWriter *target) {
        const char *name = target->doc ? target->doc->instance_name : NULL;

        if (guid_equal(&target->instance_id, &w->instance_id))
                return false;

        return backup_components_find_writer(b, &w->instance_id, &w->writer_id) ||
               strcmp(w->instance_name ?: "", name ?: "") != 0;
}

/* Somebody must be there to be told. [MS: overview-of-preparing-for-restore] */
static HRESULT edit_selected(BackupComponents *b, BackupWriter *w, BackupComponent *c, const void *arg) {
        const SelectEdit *e = arg;
        const LiveWriter *target;

        target = backup_components_find_writer(b, &e->instance_id, &w->writer_id);
        if (!target && backup_components_is_instance(b, &e->instance_id))
                return last_error_set(
                        E_INVALIDARG,
                        "SetSelectedForRestoreEx(): the instance is one of another writer than that "
                        "of '%s'.",
                        c->name);
        if (!target)
                return last_error_set(VSS_E_OBJECT_NOT_FOUND, "The writer of '%s' is not running.", c->name);
        if (!guid_is_null(&e->instance_id) && is_another_instance(b, w, target) &&
            !((target->doc ? target->doc->backup_schema : w->backup_schema) &
              VSS_BS_WRITER_SUPPORTS_RESTORE_WITH_MOVE))
                return last_error_set(E_INVALIDARG,
                                      "SetSelectedForRestoreEx(): the writer of '%s' does not declare "
                                      "VSS_BS_WRITER_SUPPORTS_RESTORE_WITH_MOVE.",
                                      c->name);

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

static HRESULT edit_restore_options(BackupComponents *b,
                                    BackupWriter *w,
                                    BackupComponent *c,
                                    const void *arg) {
        if (c->restore_options)
                return last_error_set(VSS_E_BAD_STATE,
                                      "SetRestoreOptions() was called a second time for '%s'.", c->name);
        if (strdup_to(arg, &c->restore_options) < 0)
                return last_error_set(E_OUTOFMEMORY, NULL);
        return S_OK;
}

/* Once for each component. [MS: setting-vss-restore-options,
 * nf-vsbackup-ivssbackupcomponents-setrestoreoptions] */
HRESULT backup_components_SetRestoreOptions(BackupIface iface,
                                            VSS_ID writer_id,
                                            VSS_COMPONENT_TYPE type,
                                            LPCWSTR logical_path,
                                            LPCWSTR name,
                                            LPCWSTR options) {
        const ComponentKey key = { GUID_NULL, writer_id, type, logical_path, name };

        return component_edit_wide(iface, CALL_CONFIGURE_RESTORE, "SetRestoreOptions", &key, options,
                                   edit_restore_options);
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
        const bool *authoritative = arg;
        HRESULT hr = S_OK;

        if (*authoritative)
                hr = component_check_schema(b, w, c, VSS_BS_AUTHORITATIVE_RESTORE,
                                            "VSS_BS_AUTHORITATIVE_RESTORE", "SetAuthoritativeRestore");
        if (FAILED(hr))
                return hr;

        c->authoritative_restore = *authoritative;
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
        HRESULT hr = S_OK;

        if (e->type != VSS_RF_NONE)
                hr = component_check_schema(b, w, c, VSS_BS_ROLLFORWARD_RESTORE,
                                            "VSS_BS_ROLLFORWARD_RESTORE", "SetRollForward");
        if (FAILED(hr))
                return hr;
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

static HRESULT edit_restore_name(BackupComponents *b, BackupWriter *w, BackupComponent *c, const void *arg) {
        HRESULT hr;

        hr = component_check_schema(b, w, c, VSS_BS_RESTORE_RENAME, "VSS_BS_RESTORE_RENAME",
                                    "SetRestoreName");
        if (FAILED(hr))
                return hr;
        if (free_and_strdup(&c->restore_name, arg) < 0)
                return last_error_set(E_OUTOFMEMORY, NULL);
        return S_OK;
}

/* [MS: nf-vsbackup-ivssbackupcomponentsex2-setrestorename] */
HRESULT backup_components_SetRestoreName(BackupIface iface,
                                         VSS_ID writer_id,
                                         VSS_COMPONENT_TYPE type,
                                         LPCWSTR logical_path,
                                         LPCWSTR name,
                                         LPCWSTR restore_name) {
        const ComponentKey key = { GUID_NULL, writer_id, type, logical_path, name };

        return component_edit_wide(iface, CALL_CONFIGURE_RESTORE, "SetRestoreName", &key, restore_name,
                                   edit_restore_name);
}

typedef struct SubcomponentEdit {
        const char *logical_path, *name;
} SubcomponentEdit;

static HRESULT edit_subcomponent(BackupComponents *b, BackupWriter *w, BackupComponent *c, const void *arg) {
        const SubcomponentEdit *e = arg;
        HRESULT hr;

        if (c->selected_for_restore != TRI_YES)
                return last_error_set(VSS_E_BAD_STATE,
                                      "AddRestoreSubcomponent() was called before "
                                      "SetSelectedForRestore() for '%s'.",
                                      c->name);
        hr = component_check_subcomponent(b, w, c, e->logical_path, e->name, "AddRestoreSubcomponent");
        if (FAILED(hr))
                return hr;
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
