/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What the Test Writer Is Told
 */

#include "testers/test-writer-config.h"

#include <limits.h>
#include <string.h>

#include "testers/words.h"

const ConfigWord event_words[] = {
        { "Identify", EVENT_IDENTIFY },
        { "PrepareForBackup", EVENT_PREPARE_FOR_BACKUP },
        { "PrepareForSnapshot", EVENT_PREPARE_FOR_SNAPSHOT },
        { "Freeze", EVENT_FREEZE },
        { "Thaw", EVENT_THAW },
        { "PostSnapshot", EVENT_POST_SNAPSHOT },
        { "Abort", EVENT_ABORT },
        { "BackupComplete", EVENT_BACKUP_COMPLETE },
        { "BackupShutdown", EVENT_BACKUP_SHUTDOWN },
        { "PreRestore", EVENT_PRE_RESTORE },
        { "PostRestore", EVENT_POST_RESTORE },
        { "PrepareForSnapsot", EVENT_PREPARE_FOR_SNAPSHOT, .is_alias = true }, /* so it stands in the documentation */
        { 0 },
};

/* The events in which a writer sees its components, and may fail one. */
static const ConfigWord component_event_words[] = {
        { "PrepareForBackup", EVENT_PREPARE_FOR_BACKUP },
        { "PostSnapshot", EVENT_POST_SNAPSHOT },
        { "PreRestore", EVENT_PRE_RESTORE },
        { "PostRestore", EVENT_POST_RESTORE },
        { 0 },
};

/* Those in which the document of a backup may be written to. */
static const ConfigWord writing_event_words[] = {
        { "PrepareForBackup", EVENT_PREPARE_FOR_BACKUP },
        { "PostSnapshot", EVENT_POST_SNAPSHOT },
        { 0 },
};

static const ConfigWord verbosity_words[] = {
        { "low", VERBOSITY_LOW },
        { "medium", VERBOSITY_MEDIUM },
        { "high", VERBOSITY_HIGH },
        { 0 },
};

/* Times and how often */

#define WHEN(type, events)                                                                                \
        { "writerEvent", CONFIG_WORD, offsetof(type, when.event), .required = true, .words = (events) },  \
        { "after", CONFIG_NUMBER, offsetof(type, when.after), .max = INT_MAX }

#define FAIL_EVENT_ATTRIBUTES(events)                                                                     \
        WHEN(FailEvent, events),                                                                          \
        { "numFailures", CONFIG_NUMBER, offsetof(FailEvent, when.times), .max = INT_MAX },                \
        { "retryable", CONFIG_BOOL, offsetof(FailEvent, retryable) },                                     \
        { "code", CONFIG_HRESULT, offsetof(FailEvent, code) },                                            \
        { "applicationCode", CONFIG_HRESULT, offsetof(FailEvent, application_code) },                     \
        { "message", CONFIG_TEXT, offsetof(FailEvent, message) }

static const ConfigElement fail_event_element = {
        .name = "FailEvent",
        .size = sizeof(FailEvent),
        .attributes = (const ConfigAttribute[]) {
                FAIL_EVENT_ATTRIBUTES(event_words),
                { "silent", CONFIG_BOOL, offsetof(FailEvent, silent) },
                { 0 },
        },
};

static const ConfigElement component_fail_event_element = {
        .name = "FailEvent",
        .size = sizeof(FailEvent),
        .attributes = (const ConfigAttribute[]) { FAIL_EVENT_ATTRIBUTES(component_event_words), { 0 } },
};

static const ConfigElement delay_event_element = {
        .name = "DelayEvent",
        .size = sizeof(DelayEvent),
        .attributes = (const ConfigAttribute[]) {
                WHEN(DelayEvent, event_words),
                { "numDelays", CONFIG_NUMBER, offsetof(DelayEvent, when.times), .max = INT_MAX },
                { "milliseconds", CONFIG_NUMBER, offsetof(DelayEvent, msec), .required = true, .max = INT_MAX },
                { 0 },
        },
};

bool occasion_comes(Occasion *o, WriterEvent event) {
        if (o->event != (int) event)
                return false;

        ++o->seen;
        return o->seen > o->after && (o->times == 0 || o->seen - o->after <= o->times);
}

/* Files */

#define FILE_SPEC_ATTRIBUTES                                                                              \
        { "path", CONFIG_PATH, offsetof(FileSpec, path), .required = true },                              \
        { "filespec", CONFIG_TEXT, offsetof(FileSpec, filespec), .required = true },                      \
        { "recursive", CONFIG_BOOL, offsetof(FileSpec, recursive) }

#define REQUIRED(name, flag) { name, CONFIG_BIT, offsetof(FileSpec, mask), .preset = "yes", .bit = (flag) }

#define REQUIRED_ATTRIBUTES                                                                               \
        REQUIRED("fullBackupRequired", VSS_FSBT_FULL_BACKUP_REQUIRED),                                    \
        REQUIRED("diffBackupRequired", VSS_FSBT_DIFFERENTIAL_BACKUP_REQUIRED),                            \
        REQUIRED("incBackupRequired", VSS_FSBT_INCREMENTAL_BACKUP_REQUIRED),                              \
        REQUIRED("logBackupRequired", VSS_FSBT_LOG_BACKUP_REQUIRED),                                      \
        REQUIRED("fullSnapshotRequired", VSS_FSBT_FULL_SNAPSHOT_REQUIRED),                                \
        REQUIRED("diffSnapshotRequired", VSS_FSBT_DIFFERENTIAL_SNAPSHOT_REQUIRED),                        \
        REQUIRED("incSnapshotRequired", VSS_FSBT_INCREMENTAL_SNAPSHOT_REQUIRED),                          \
        REQUIRED("logSnapshotRequired", VSS_FSBT_LOG_SNAPSHOT_REQUIRED)

static const ConfigElement component_file_element = {
        .name = "ComponentFile",
        .size = sizeof(FileSpec),
        .attributes = (const ConfigAttribute[]) {
                FILE_SPEC_ATTRIBUTES,
                { "alternatePath", CONFIG_PATH, offsetof(FileSpec, alternate) },
                REQUIRED_ATTRIBUTES,
                { 0 },
        },
};

static const ConfigElement component_log_file_element = {
        .name = "ComponentLogFile",
        .size = sizeof(FileSpec),
        .attributes = (const ConfigAttribute[]) {
                { "path", CONFIG_PATH, offsetof(FileSpec, path), .required = true },
                { "filespec", CONFIG_TEXT, offsetof(FileSpec, filespec), .required = true },
                REQUIRED_ATTRIBUTES,
                { 0 },
        },
};

static const ConfigElement mapping_element = {
        .name = "AlternateLocationMapping",
        .size = sizeof(FileSpec),
        .attributes = (const ConfigAttribute[]) {
                FILE_SPEC_ATTRIBUTES,
                { "alternatePath", CONFIG_PATH, offsetof(FileSpec, alternate), .required = true },
                { 0 },
        },
};

static const ConfigElement exclude_element = {
        .name = "ExcludeFile",
        .size = sizeof(FileSpec),
        .attributes = (const ConfigAttribute[]) { FILE_SPEC_ATTRIBUTES, { 0 } },
};

static const ConfigElement exclude_from_snapshot_element = {
        .name = "ExcludeFileFromSnapshot",
        .size = sizeof(FileSpec),
        .attributes = (const ConfigAttribute[]) { FILE_SPEC_ATTRIBUTES, { 0 } },
};

/* What a component has besides files */

static const ConfigElement dependency_element = {
        .name = "Dependency",
        .size = sizeof(Dependency),
        .attributes = (const ConfigAttribute[]) {
                { "writerId", CONFIG_GUID, offsetof(Dependency, writer_id), .required = true },
                { "logicalPath", CONFIG_TEXT, offsetof(Dependency, logical_path) },
                { "componentName", CONFIG_TEXT, offsetof(Dependency, name), .required = true },
                { 0 },
        },
};

static const ConfigElement partial_file_element = {
        .name = "PartialFile",
        .size = sizeof(PartialFile),
        .attributes = (const ConfigAttribute[]) {
                { "path", CONFIG_PATH, offsetof(PartialFile, path), .required = true },
                { "filespec", CONFIG_TEXT, offsetof(PartialFile, filespec), .required = true },
                { "ranges", CONFIG_TEXT, offsetof(PartialFile, ranges), .required = true },
                { "metadata", CONFIG_TEXT, offsetof(PartialFile, metadata) },
                { 0 },
        },
};

static const ConfigElement differenced_file_element = {
        .name = "DifferencedFile",
        .size = sizeof(DifferencedFile),
        .attributes = (const ConfigAttribute[]) {
                { "path", CONFIG_PATH, offsetof(DifferencedFile, path), .required = true },
                { "filespec", CONFIG_TEXT, offsetof(DifferencedFile, filespec), .required = true },
                { "recursive", CONFIG_BOOL, offsetof(DifferencedFile, recursive) },
                { "year", CONFIG_NUMBER, offsetof(DifferencedFile, year), .max = 9999 },
                { "month", CONFIG_NUMBER, offsetof(DifferencedFile, month), .preset = "1", .min = 1, .max = 12 },
                { "day", CONFIG_NUMBER, offsetof(DifferencedFile, day), .preset = "1", .min = 1, .max = 31 },
                { "hour", CONFIG_NUMBER, offsetof(DifferencedFile, hour), .max = 23 },
                { "minute", CONFIG_NUMBER, offsetof(DifferencedFile, minute), .max = 59 },
                { "second", CONFIG_NUMBER, offsetof(DifferencedFile, second), .max = 60 },
                { 0 },
        },
};

time_t differenced_file_time(const DifferencedFile *d) {
        struct tm local = {
                .tm_year = (int) d->year - 1900,
                .tm_mon = (int) d->month - 1,
                .tm_mday = (int) d->day,
                .tm_hour = (int) d->hour,
                .tm_min = (int) d->minute,
                .tm_sec = (int) d->second,
                .tm_isdst = -1,
        };

        return d->year == 0 ? 0 : mktime(&local);
}

static const ConfigElement directed_target_element = {
        .name = "DirectedTarget",
        .size = sizeof(DirectedTarget),
        .attributes = (const ConfigAttribute[]) {
                { "sourcePath", CONFIG_PATH, offsetof(DirectedTarget, source_path), .required = true },
                { "sourceFilename", CONFIG_TEXT, offsetof(DirectedTarget, source_name), .required = true },
                { "sourceRanges", CONFIG_TEXT, offsetof(DirectedTarget, source_ranges), .required = true },
                { "destinationPath", CONFIG_PATH, offsetof(DirectedTarget, destination_path), .required = true },
                { "destinationFilename", CONFIG_TEXT, offsetof(DirectedTarget, destination_name), .required = true },
                { "destinationRanges", CONFIG_TEXT, offsetof(DirectedTarget, destination_ranges), .required = true },
                { 0 },
        },
};

static const ConfigElement backup_metadata_element = {
        .name = "BackupMetadata",
        .size = sizeof(ComponentWord),
        .attributes = (const ConfigAttribute[]) {
                { "metadata", CONFIG_TEXT, offsetof(ComponentWord, text), .required = true },
                { "writerEvent", CONFIG_WORD, offsetof(ComponentWord, event), .preset = "PrepareForBackup",
                  .words = writing_event_words },
                { 0 },
        },
};

static const ConfigElement backup_stamp_element = {
        .name = "BackupStamp",
        .size = sizeof(ComponentWord),
        .attributes = (const ConfigAttribute[]) {
                { "stamp", CONFIG_TEXT, offsetof(ComponentWord, text) },
                { "writerEvent", CONFIG_WORD, offsetof(ComponentWord, event), .preset = "PostSnapshot",
                  .words = writing_event_words },
                { 0 },
        },
};

static const ConfigElement restore_metadata_element = {
        .name = "RestoreMetadata",
        .size = sizeof(ComponentWord),
        .attributes = (const ConfigAttribute[]) {
                { "metadata", CONFIG_TEXT, offsetof(ComponentWord, text), .required = true },
                { 0 },
        },
};

/* Components */

static void check_component(ConfigNode *node, ConfigMistakes *m) {
        const Component *c = (const Component *) node;

        if (c->type == VSS_CT_FILEGROUP && c->log_files)
                config_mistake(m, c->log_files->node.line, "<ComponentLogFile> is for components of type database");
        CONFIG_FOREACH(f, c->files)
                if (c->type == VSS_CT_DATABASE && (f->recursive || f->alternate))
                        config_mistake(m, f->node.line,
                                       "files of a database have neither recursive=\"yes\" nor an alternatePath");
}

static const ConfigElement component_element = {
        .name = "Component",
        .size = sizeof(Component),
        .attributes = (const ConfigAttribute[]) {
                { "componentType", CONFIG_WORD, offsetof(Component, type), .required = true, .words = component_type_words },
                { "logicalPath", CONFIG_TEXT, offsetof(Component, logical_path) },
                { "componentName", CONFIG_TEXT, offsetof(Component, name), .required = true },
                { "caption", CONFIG_TEXT, offsetof(Component, caption) },
                { "selectable", CONFIG_BOOL, offsetof(Component, selectable), .preset = "yes" },
                { "selectableForRestore", CONFIG_BOOL, offsetof(Component, selectable_for_restore) },
                { "restoreMetadata", CONFIG_BOOL, offsetof(Component, restore_metadata) },
                { "notifyOnBackupComplete", CONFIG_BOOL, offsetof(Component, notify_on_backup_complete) },
                { "backupRecovery", CONFIG_BOOL, offsetof(Component, backup_recovery) },
                { "rollbackRecovery", CONFIG_BOOL, offsetof(Component, rollback_recovery) },
                { "notSystemState", CONFIG_BOOL, offsetof(Component, not_system_state) },
                { "restoreTarget", CONFIG_WORD, offsetof(Component, restore_target), .words = restore_target_words },
                { 0 },
        },
        .children = (const ConfigChild[]) {
                { &component_file_element, offsetof(Component, files) },
                { &component_log_file_element, offsetof(Component, log_files) },
                { &dependency_element, offsetof(Component, dependencies) },
                { &partial_file_element, offsetof(Component, partial_files) },
                { &differenced_file_element, offsetof(Component, differenced_files) },
                { &directed_target_element, offsetof(Component, directed_targets) },
                { &backup_metadata_element, offsetof(Component, backup_metadata) },
                { &backup_stamp_element, offsetof(Component, backup_stamp) },
                { &restore_metadata_element, offsetof(Component, restore_metadata_text) },
                { &component_fail_event_element, offsetof(Component, failures) },
                { 0 },
        },
        .check = check_component,
};

static bool text_equal(const char *a, const char *b) {
        return strcmp(a ?: "", b ?: "") == 0;
}

const Component *test_writer_config_find(const TestWriterConfig *config, const char *logical_path, const char *name) {
        CONFIG_FOREACH(c, config->components)
                if (text_equal(c->logical_path, logical_path) && text_equal(c->name, name))
                        return c;
        return NULL;
}

bool component_is_below(const Component *c, const Component *ancestor) {
        const char *path = c->logical_path ?: "", *prefix = ancestor->logical_path ?: "";
        size_t n = strlen(prefix);

        if (n > 0) {
                if (strncmp(path, prefix, n) != 0 || path[n] != '\\')
                        return false;
                path += n + 1;
        }
        n = strlen(ancestor->name);
        return strncmp(path, ancestor->name, n) == 0 && (path[n] == '\0' || path[n] == '\\');
}

bool component_has_selectable_ancestor(const TestWriterConfig *config, const Component *c) {
        CONFIG_FOREACH(a, config->components)
                if (a != c && a->selectable && component_is_below(c, a))
                        return true;
        return false;
}

/* The writer */

static const ConfigElement restore_method_element = {
        .name = "RestoreMethod",
        .size = sizeof(RestoreMethod),
        .attributes = (const ConfigAttribute[]) {
                { "method", CONFIG_WORD, offsetof(RestoreMethod, method), .required = true, .words = restore_method_words },
                { "writerRestore", CONFIG_WORD, offsetof(RestoreMethod, writer_restore), .preset = "always",
                  .words = writer_restore_words },
                { "rebootRequired", CONFIG_BOOL, offsetof(RestoreMethod, reboot_required) },
                { "service", CONFIG_TEXT, offsetof(RestoreMethod, service) },
                { "userProcedure", CONFIG_TEXT, offsetof(RestoreMethod, user_procedure) },
                { 0 },
        },
        .children = (const ConfigChild[]) { { &mapping_element, offsetof(RestoreMethod, mappings) }, { 0 } },
};

#define SUPPORTS(name, flag) { "supports" name, CONFIG_BIT, offsetof(TestWriterConfig, schema), .bit = (flag) }

static void check_writer(ConfigNode *node, ConfigMistakes *m) {
        TestWriterConfig *config = (TestWriterConfig *) node;

        CONFIG_FOREACH(c, config->components) {
                const Component *same = test_writer_config_find(config, c->logical_path, c->name);

                if (same && same != c)
                        config_mistake(m, c->node.line, "there is a component of this name and logical path in line %ld already",
                                       same->node.line);
                c->index = config->n_components++;
        }
}

const ConfigElement test_writer_element = {
        .name = "TestWriter",
        .size = sizeof(TestWriterConfig),
        .attributes = (const ConfigAttribute[]) {
                { "usage", CONFIG_WORD, offsetof(TestWriterConfig, usage), .preset = "USER_DATA", .words = usage_words },
                { "dataSource", CONFIG_WORD, offsetof(TestWriterConfig, source), .preset = "OTHER", .words = source_words },
                { "verbosity", CONFIG_WORD, offsetof(TestWriterConfig, verbosity), .preset = "medium", .words = verbosity_words },
                { "deleteFiles", CONFIG_BOOL, offsetof(TestWriterConfig, delete_files) },
                { "deletePartialFiles", CONFIG_BOOL, offsetof(TestWriterConfig, delete_partial_files) },
                { "deleteDifferencedFiles", CONFIG_BOOL, offsetof(TestWriterConfig, delete_differenced_files) },
                { "checkIncludes", CONFIG_BOOL, offsetof(TestWriterConfig, check_includes) },
                { "checkExcludes", CONFIG_BOOL, offsetof(TestWriterConfig, check_excludes) },
                { "writerId", CONFIG_GUID, offsetof(TestWriterConfig, writer_id), .preset = "5affb034-969f-4919-8875-88f830d0ef89" },
                { "writerName", CONFIG_TEXT, offsetof(TestWriterConfig, name), .preset = "TestVssWriter" },
                { "instanceName", CONFIG_TEXT, offsetof(TestWriterConfig, instance_name) },
                { "majorVersion", CONFIG_NUMBER, offsetof(TestWriterConfig, major_version), .preset = "1", .max = INT_MAX },
                { "minorVersion", CONFIG_NUMBER, offsetof(TestWriterConfig, minor_version), .max = INT_MAX },
                { "level", CONFIG_WORD, offsetof(TestWriterConfig, level), .preset = "FRONT_END", .words = level_words },
                { "freezeTimeout", CONFIG_NUMBER, offsetof(TestWriterConfig, freeze_timeout), .preset = "60000", .min = 1,
                  .max = INT_MAX },
                SUPPORTS("Differential", VSS_BS_DIFFERENTIAL),
                SUPPORTS("Incremental", VSS_BS_INCREMENTAL),
                SUPPORTS("ExclusiveIncrementalDifferential", VSS_BS_EXCLUSIVE_INCREMENTAL_DIFFERENTIAL),
                SUPPORTS("Log", VSS_BS_LOG),
                SUPPORTS("Copy", VSS_BS_COPY),
                SUPPORTS("Timestamped", VSS_BS_TIMESTAMPED),
                SUPPORTS("LastModify", VSS_BS_LAST_MODIFY),
                SUPPORTS("Lsn", VSS_BS_LSN),
                { "supportsNewTarget", CONFIG_BIT, offsetof(TestWriterConfig, schema), .preset = "yes",
                  .bit = VSS_BS_WRITER_SUPPORTS_NEW_TARGET },
                SUPPORTS("RestoreWithMove", VSS_BS_WRITER_SUPPORTS_RESTORE_WITH_MOVE),
                SUPPORTS("IndependentSystemState", VSS_BS_INDEPENDENT_SYSTEM_STATE),
                SUPPORTS("RollForwardRestore", VSS_BS_ROLLFORWARD_RESTORE),
                SUPPORTS("RestoreRename", VSS_BS_RESTORE_RENAME),
                SUPPORTS("AuthoritativeRestore", VSS_BS_AUTHORITATIVE_RESTORE),
                SUPPORTS("ParallelRestores", VSS_BS_WRITER_SUPPORTS_PARALLEL_RESTORES),
                { 0 },
        },
        .children = (const ConfigChild[]) {
                { &restore_method_element, offsetof(TestWriterConfig, restore_method), .first = true },
                { &exclude_element, offsetof(TestWriterConfig, exclude) },
                { &exclude_from_snapshot_element, offsetof(TestWriterConfig, exclude_from_snapshot) },
                { &component_element, offsetof(TestWriterConfig, components) },
                { &fail_event_element, offsetof(TestWriterConfig, failures) },
                { &delay_event_element, offsetof(TestWriterConfig, delays) },
                { 0 },
        },
        .check = check_writer,
};

int test_writer_config_load(const char *file, TestWriterConfig **ret) {
        return config_load(file, &test_writer_element, ret);
}

TestWriterConfig *test_writer_config_free(TestWriterConfig *c) {
        return config_free(c);
}
