/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Words
 */

#include "testers/words.h"

#include <vsbackup.h>

const ConfigWord usage_words[] = {
        { "BOOTABLE_SYSTEM_STATE", VSS_UT_BOOTABLESYSTEMSTATE },
        { "SYSTEM_SERVICE", VSS_UT_SYSTEMSERVICE },
        { "USER_DATA", VSS_UT_USERDATA },
        { "OTHER", VSS_UT_OTHER },
        { 0 },
};

const ConfigWord source_words[] = {
        { "TRANSACTION_DB", VSS_ST_TRANSACTEDDB },
        { "NONTRANSACTION_DB", VSS_ST_NONTRANSACTEDDB },
        { "OTHER", VSS_ST_OTHER },
        { 0 },
};

const ConfigWord level_words[] = {
        { "FRONT_END", VSS_APP_FRONT_END },
        { "BACK_END", VSS_APP_BACK_END },
        { "SYSTEM", VSS_APP_SYSTEM },
        { "SYSTEM_RM", VSS_APP_SYSTEM_RM },
        { 0 },
};

/* The documentation has two words for one of them. */
const ConfigWord restore_method_words[] = {
        { "RESTORE_IF_NOT_THERE", VSS_RME_RESTORE_IF_NOT_THERE },
        { "RESTORE_IF_CAN_BE_REPLACED", VSS_RME_RESTORE_IF_CAN_REPLACE },
        { "RESTORE_IF_CAN_REPLACE", VSS_RME_RESTORE_IF_CAN_REPLACE, .is_alias = true },
        { "STOP_RESTORE_START", VSS_RME_STOP_RESTORE_START },
        { "RESTORE_TO_ALTERNATE_LOCATION", VSS_RME_RESTORE_TO_ALTERNATE_LOCATION },
        { "REPLACE_AT_REBOOT", VSS_RME_RESTORE_AT_REBOOT },
        { "REPLACE_AT_REBOOT_IF_CANNOT_REPLACE", VSS_RME_RESTORE_AT_REBOOT_IF_CANNOT_REPLACE },
        { "CUSTOM", VSS_RME_CUSTOM },
        { "RESTORE_STOP_START", VSS_RME_RESTORE_STOP_START },
        { 0 },
};

const ConfigWord writer_restore_words[] = {
        { "never", VSS_WRE_NEVER },
        { "ifReplaceFails", VSS_WRE_IF_REPLACE_FAILS },
        { "always", VSS_WRE_ALWAYS },
        { 0 },
};

const ConfigWord component_type_words[] = {
        { "filegroup", VSS_CT_FILEGROUP },
        { "database", VSS_CT_DATABASE },
        { 0 },
};

const ConfigWord restore_target_words[] = {
        { "original", VSS_RT_ORIGINAL },
        { "alternate", VSS_RT_ALTERNATE },
        { "directed", VSS_RT_DIRECTED },
        { "originalLocation", VSS_RT_ORIGINAL_LOCATION },
        { 0 },
};

const ConfigWord restore_status_words[] = {
        { "none", VSS_RS_NONE },
        { "all", VSS_RS_ALL },
        { "failed", VSS_RS_FAILED },
        { 0 },
};

const ConfigWord backup_type_words[] = {
        { "FULL", VSS_BT_FULL },
        { "INCREMENTAL", VSS_BT_INCREMENTAL },
        { "DIFFERENTIAL", VSS_BT_DIFFERENTIAL },
        { "LOG", VSS_BT_LOG },
        { "COPY", VSS_BT_COPY },
        { "OTHER", VSS_BT_OTHER },
        { 0 },
};

const ConfigWord restore_type_words[] = {
        { "byCopy", VSS_RTYPE_BY_COPY },
        { "import", VSS_RTYPE_IMPORT },
        { "other", VSS_RTYPE_OTHER },
        { 0 },
};

const ConfigWord roll_forward_words[] = {
        { "none", VSS_RF_NONE },
        { "all", VSS_RF_ALL },
        { "partial", VSS_RF_PARTIAL },
        { 0 },
};

const ConfigWord writer_state_words[] = {
        { "unknown", VSS_WS_UNKNOWN },
        { "stable", VSS_WS_STABLE },
        { "waitingForFreeze", VSS_WS_WAITING_FOR_FREEZE },
        { "waitingForThaw", VSS_WS_WAITING_FOR_THAW },
        { "waitingForPostSnapshot", VSS_WS_WAITING_FOR_POST_SNAPSHOT },
        { "waitingForBackupComplete", VSS_WS_WAITING_FOR_BACKUP_COMPLETE },
        { "failedAtIdentify", VSS_WS_FAILED_AT_IDENTIFY },
        { "failedAtPrepareForBackup", VSS_WS_FAILED_AT_PREPARE_BACKUP },
        { "failedAtPrepareForSnapshot", VSS_WS_FAILED_AT_PREPARE_SNAPSHOT },
        { "failedAtFreeze", VSS_WS_FAILED_AT_FREEZE },
        { "failedAtThaw", VSS_WS_FAILED_AT_THAW },
        { "failedAtPostSnapshot", VSS_WS_FAILED_AT_POST_SNAPSHOT },
        { "failedAtBackupComplete", VSS_WS_FAILED_AT_BACKUP_COMPLETE },
        { "failedAtPreRestore", VSS_WS_FAILED_AT_PRE_RESTORE },
        { "failedAtPostRestore", VSS_WS_FAILED_AT_POST_RESTORE },
        { "failedAtBackupShutdown", VSS_WS_FAILED_AT_BACKUPSHUTDOWN },
        { 0 },
};

const ConfigWord context_words[] = {
        { "BACKUP", VSS_CTX_BACKUP },
        { "FILE_SHARE_BACKUP", VSS_CTX_FILE_SHARE_BACKUP },
        { "NAS_ROLLBACK", VSS_CTX_NAS_ROLLBACK },
        { "APP_ROLLBACK", VSS_CTX_APP_ROLLBACK },
        { "CLIENT_ACCESSIBLE", VSS_CTX_CLIENT_ACCESSIBLE },
        { "CLIENT_ACCESSIBLE_WRITERS", VSS_CTX_CLIENT_ACCESSIBLE_WRITERS },
        { 0 },
};

const char *word_of(const ConfigWord *words, int value) {
        return config_word(words, value) ?: "undefined";
}
