/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The Table of the Backup Components Document
 *
 * Read it from the bottom, where the root is. [MS: backup-components-document-contents, reference xml.tsv;
 * docs/documents.md]
 */

#include "doc/backup-doc-table.h"
#include "doc/backup-doc.h"
#include "doc/doc-limits.h"
#include "doc/doc-names.h"
#include "doc/writer-doc-table.h"

static const DocWord backup_type_words[] = {
        { "full",         VSS_BT_FULL         },
        { "incremental",  VSS_BT_INCREMENTAL  },
        { "differential", VSS_BT_DIFFERENTIAL },
        { "log",          VSS_BT_LOG          },
        { "copy",         VSS_BT_COPY         },
        { "other",        VSS_BT_OTHER        },
        { 0 },
};

static const DocWord restore_type_words[] = {
        { "byCopy", VSS_RTYPE_BY_COPY },
        { "import", VSS_RTYPE_IMPORT  },
        { "other",  VSS_RTYPE_OTHER   },
        { 0 },
};

static const DocWord component_type_words[] = {
        { "filegroup", VSS_CT_FILEGROUP },
        { "database",  VSS_CT_DATABASE  },
        { 0 },
};

static const DocWord restore_target_words[] = {
        { "original",         VSS_RT_ORIGINAL          },
        { "alternate",        VSS_RT_ALTERNATE         },
        { "directed",         VSS_RT_DIRECTED          },
        { "originalLocation", VSS_RT_ORIGINAL_LOCATION },
        { 0 },
};

static const DocWord restore_status_words[] = {
        { "none",   VSS_RS_NONE   },
        { "all",    VSS_RS_ALL    },
        { "failed", VSS_RS_FAILED },
        { 0 },
};

static const DocWord roll_forward_words[] = {
        { "none",    VSS_RF_NONE    },
        { "all",     VSS_RF_ALL     },
        { "partial", VSS_RF_PARTIAL },
        { 0 },
};

static const DocWord consistency_words[] = {
        { "fuzzy",       CONSISTENCY_FUZZY       },
        { "crash",       CONSISTENCY_CRASH       },
        { "application", CONSISTENCY_APPLICATION },
        { 0 },
};

#define FIELD(Type, at, type_, member, flags_, ...) \
        { .name = at, .type = type_, .offset = offsetof(Type, member), .flags = flags_, __VA_ARGS__ }
#define WORDS(of) .words = of##_words

static const DocField metadata_fields[] = {
        FIELD(BackupComponent, AT_METADATA, DOC_TEXT, backup_metadata, 0),
};

static const DocElement backup_metadata_element = {
        .name = EL_BACKUP_METADATA,
        DOC_FIELDS(metadata_fields),
        .extra = offsetof(BackupComponent, backup_metadata_extra),
};

static const DocField restore_metadata_fields[] = {
        FIELD(BackupComponent, AT_METADATA, DOC_TEXT, restore_metadata, 0),
};

static const DocElement restore_metadata_element = {
        .name = EL_RESTORE_METADATA,
        DOC_FIELDS(restore_metadata_fields),
        .extra = offsetof(BackupComponent, restore_metadata_extra),
};

static const DocField new_target_fields[] = {
        FIELD(DocFileSpec, AT_PATH,           DOC_TEXT, path,      0),
        FIELD(DocFileSpec, AT_FILESPEC,       DOC_TEXT, filespec,  0),
        FIELD(DocFileSpec, AT_RECURSIVE,      DOC_BOOL, recursive, DOC_ALWAYS),
        FIELD(DocFileSpec, AT_ALTERNATE_PATH, DOC_TEXT, alternate, 0),
};

static const DocElement new_target_element = {
        .name = EL_NEW_TARGET,
        DOC_FIELDS(new_target_fields),
        .extra = offsetof(DocFileSpec, extra),
};

static const DocField directed_target_fields[] = {
        FIELD(DocDirectedTarget, AT_SOURCE_PATH,          DOC_TEXT, source_path,          0),
        FIELD(DocDirectedTarget, AT_SOURCE_FILENAME,      DOC_TEXT, source_filename,      0),
        FIELD(DocDirectedTarget, AT_SOURCE_RANGES,        DOC_TEXT, source_ranges,        0),
        FIELD(DocDirectedTarget, AT_DESTINATION_PATH,     DOC_TEXT, destination_path,     0),
        FIELD(DocDirectedTarget, AT_DESTINATION_FILENAME, DOC_TEXT, destination_filename, 0),
        FIELD(DocDirectedTarget, AT_DESTINATION_RANGES,   DOC_TEXT, destination_ranges,   0),
};

const DocElement directed_target_element = {
        .name = EL_DIRECTED_TARGET,
        DOC_FIELDS(directed_target_fields),
        .extra = offsetof(DocDirectedTarget, extra),
};

static const DocField partial_file_fields[] = {
        FIELD(DocPartialFile, AT_PATH,     DOC_TEXT, path,     0),
        FIELD(DocPartialFile, AT_FILENAME, DOC_TEXT, filename, 0),
        FIELD(DocPartialFile, AT_RANGES,   DOC_TEXT, ranges,   0),
        FIELD(DocPartialFile, AT_METADATA, DOC_TEXT, metadata, 0),
};

const DocElement partial_file_element = {
        .name = EL_PARTIAL_FILE,
        DOC_FIELDS(partial_file_fields),
        .extra = offsetof(DocPartialFile, extra),
};

static const DocField differenced_files_fields[] = {
        FIELD(DocDifferencedFile, AT_PATH,             DOC_TEXT, path,             0),
        FIELD(DocDifferencedFile, AT_FILESPEC,         DOC_TEXT, filespec,         0),
        FIELD(DocDifferencedFile, AT_RECURSIVE,        DOC_BOOL, recursive,        DOC_ALWAYS),
        FIELD(DocDifferencedFile, AT_LSN,              DOC_TEXT, lsn,              0),
        FIELD(DocDifferencedFile, AT_LAST_MODIFY_TIME, DOC_I64,  last_modify_time, DOC_ALWAYS),
};

const DocElement differenced_files_element = {
        .name = EL_DIFFERENCED_FILES,
        DOC_FIELDS(differenced_files_fields),
        .extra = offsetof(DocDifferencedFile, extra),
};

static const DocField restore_subcomponent_fields[] = {
        FIELD(DocSubcomponent, AT_LOGICAL_PATH,   DOC_TEXT, logical_path, 0),
        FIELD(DocSubcomponent, AT_COMPONENT_NAME, DOC_TEXT, name,         0),
        FIELD(DocSubcomponent, AT_REPAIR,         DOC_BOOL, repair,       0),
};

const DocElement restore_subcomponent_element = {
        .name = EL_RESTORE_SUBCOMPONENT,
        DOC_FIELDS(restore_subcomponent_fields),
        .extra = offsetof(DocSubcomponent, extra),
};

#define C(at, type, member, flags, ...) FIELD(BackupComponent, at, type, member, flags, __VA_ARGS__)
#define FAILURE .other = offsetof(BackupComponent, has_failure)
#define OPTIONAL_ALWAYS (DOC_OPTIONAL | DOC_ALWAYS)

static const DocField component_fields[] = {
        C(AT_LOGICAL_PATH,               DOC_TEXT,     logical_path,               0),
        C(AT_COMPONENT_NAME,             DOC_TEXT,     name,                       DOC_REQUIRED),
        C(AT_COMPONENT_TYPE,             DOC_WORD,     type,                       DOC_REQUIRED,
          WORDS(component_type)),
        C(AT_COMPONENT_CAPTION,          DOC_TEXT,     caption,                    0),
        C(AT_BACKUP_STAMP,               DOC_TEXT,     backup_stamp,               0),
        C(AT_PREVIOUS_BACKUP_STAMP,      DOC_TEXT,     previous_backup_stamp,      0),
        C(AT_BACKUP_OPTIONS,             DOC_TEXT,     backup_options,             0),
        C(AT_RESTORE_OPTIONS,            DOC_TEXT,     restore_options,            0),
        C(AT_BACKUP_SUCCEEDED,           DOC_TRISTATE, backup_succeeded,           0),
        C(AT_ADDITIONAL_RESTORES,        DOC_TRISTATE, additional_restores,        0),
        C(AT_SELECTED_FOR_RESTORE,       DOC_TRISTATE, selected_for_restore,       0),
        C(AT_RESTORE_INSTANCE_ID,        DOC_GUID,     restore_instance_id,        0),
        C(AT_RESTORE_TARGET,             DOC_WORD,     restore_target,             0, WORDS(restore_target)),
        C(AT_FILE_RESTORE_STATUS,        DOC_WORD,     file_restore_status,        0, WORDS(restore_status)),
        C(AT_PREPARE_FOR_BACKUP_FAILURE, DOC_TEXT,     prepare_for_backup_failure, 0),
        C(AT_POST_SNAPSHOT_FAILURE,      DOC_TEXT,     post_snapshot_failure,      0),
        C(AT_PRE_RESTORE_FAILURE,        DOC_TEXT,     pre_restore_failure,        0),
        C(AT_POST_RESTORE_FAILURE,       DOC_TEXT,     post_restore_failure,       0),
        C(AT_AUTHORITATIVE_RESTORE,      DOC_BOOL,     authoritative_restore,      0),
        C(AT_ROLL_FORWARD_TYPE,          DOC_WORD,     roll_forward,               0, WORDS(roll_forward)),
        C(AT_ROLL_FORWARD_POINT,         DOC_TEXT,     roll_forward_point,         0),
        C(AT_RESTORE_NAME,               DOC_TEXT,     restore_name,               0),
        C(AT_FAILURE,                    DOC_RESULT,   failure,                    OPTIONAL_ALWAYS, FAILURE),
        C(AT_FAILURE_APPLICATION,        DOC_RESULT,   failure_application,        OPTIONAL_ALWAYS, FAILURE),
        C(AT_FAILURE_MESSAGE,            DOC_TEXT,     failure_message,            DOC_OPTIONAL, FAILURE),
        C(AT_CONSISTENCY,                DOC_WORD,     consistency,                0, WORDS(consistency)),
};

#define LIST(member, item, e) DOC_CHILD_LIST(DOC_ARRAY, BackupComponent, member, item, DOCUMENT_LIST_MAX, e)
#define TEXT_ELEMENT(e, member) DOC_CHILD_INLINE(e, DOC_PRESENT_POINTER, offsetof(BackupComponent, member))

static const DocChild component_children[] = {
        TEXT_ELEMENT(backup_metadata_element, backup_metadata),
        TEXT_ELEMENT(restore_metadata_element, restore_metadata),
        DOC_CHILD_FILESPECS(BackupComponent, mappings, alternate_location_mapping_element),
        DOC_CHILD_FILESPECS(BackupComponent, new_targets, new_target_element),
        LIST(partial_files, DocPartialFile, partial_file_element),
        LIST(differenced_files, DocDifferencedFile, differenced_files_element),
        LIST(directed_targets, DocDirectedTarget, directed_target_element),
        LIST(restore_subcomponents, DocSubcomponent, restore_subcomponent_element),
};

const DocElement backup_component_element = {
        .name = EL_COMPONENT,
        DOC_FIELDS(component_fields),
        DOC_CHILDREN(component_children),
        .extra = offsetof(BackupComponent, extra),
        .init = backup_component_init,
        .ready = backup_doc_component_ready,
};

static const DocField writer_fields[] = {
        FIELD(BackupWriter, AT_INSTANCE_ID,   DOC_GUID, instance_id,    DOC_ALWAYS | DOC_REQUIRED),
        FIELD(BackupWriter, AT_WRITER_ID,     DOC_GUID, writer_id,      DOC_ALWAYS | DOC_REQUIRED),
        FIELD(BackupWriter, AT_INSTANCE_NAME, DOC_TEXT, instance_name,  0),
        FIELD(BackupWriter, AT_BACKUP_SCHEMA, DOC_U32,  backup_schema,  DOC_ALWAYS),
};

static const DocChild writer_children[] = {
        DOC_CHILD_LIST(DOC_POINTERS, BackupWriter, components, BackupComponent, DOCUMENT_COMPONENTS_MAX,
                       backup_component_element),
};

static const DocElement writer_element = {
        .name = EL_WRITER_COMPONENTS,
        DOC_FIELDS(writer_fields),
        DOC_CHILDREN(writer_children),
        .extra = offsetof(BackupWriter, extra),
        .ready = backup_doc_writer_ready,
};

static const DocField volume_fields[] = {
        FIELD(BackupVolume, AT_SNAPSHOT_ID,   DOC_GUID, snapshot_id,   DOC_ALWAYS | DOC_REQUIRED),
        FIELD(BackupVolume, AT_PROVIDER_ID,   DOC_GUID, provider_id,   0),
        FIELD(BackupVolume, AT_VOLUME_NAME,   DOC_TEXT, volume,        DOC_REQUIRED),
        FIELD(BackupVolume, AT_DEVICE_OBJECT, DOC_TEXT, device_object, 0),
        FIELD(BackupVolume, AT_CONSISTENCY,   DOC_WORD, consistency,   0, WORDS(consistency)),
        FIELD(BackupVolume, AT_ORIGINATING_MACHINE, DOC_TEXT, machine, 0),
        FIELD(BackupVolume, AT_INSTANT,       DOC_TEXT, instant,       0),
        FIELD(BackupVolume, AT_STORAGE,       DOC_TEXT, storage,       0),
};

static const DocElement volume_element = {
        .name = EL_SNAPSHOT,
        DOC_FIELDS(volume_fields),
        .extra = offsetof(BackupVolume, extra),
};

#define D(at, type, member, flags, ...) FIELD(BackupDoc, at, type, member, flags, __VA_ARGS__)
#define STATE .other = offsetof(BackupDoc, has_state)

static const DocField root_fields[] = {
        D(AT_VERSION,                      DOC_TEXT, version,               0),
        D(AT_BOOTABLE_SYSTEM_STATE_BACKUP, DOC_BOOL, bootable_system_state, OPTIONAL_ALWAYS, STATE),
        D(AT_SELECT_COMPONENTS,            DOC_BOOL, select_components,     OPTIONAL_ALWAYS, STATE),
        D(AT_BACKUP_TYPE,                  DOC_WORD, backup_type,           DOC_OPTIONAL | DOC_FORWARD,
          STATE, WORDS(backup_type)),
        D(AT_PARTIAL_FILE_SUPPORT,         DOC_BOOL, partial_file_support,  OPTIONAL_ALWAYS, STATE),
        D(AT_SNAPSHOT_SET_ID,              DOC_GUID, snapshot_set_id,       0),
        D(AT_RESTORE_TYPE,                 DOC_WORD, restore_type,          0, WORDS(restore_type)),
};

static const DocChild root_children[] = {
        DOC_CHILD_LIST(DOC_ARRAY, BackupDoc, volumes, BackupVolume, DOCUMENT_LIST_MAX, volume_element),
        DOC_CHILD_LIST(DOC_POINTERS, BackupDoc, writers, BackupWriter, DOCUMENT_WRITERS_MAX, writer_element),
};

static const DocElement root_element = {
        .name = EL_BACKUP_COMPONENTS,
        DOC_FIELDS(root_fields),
        DOC_CHILDREN(root_children),
        .extra = offsetof(BackupDoc, extra),
};

const DocFormat backup_doc_format = {
        .root = &root_element,
        .uri = BACKUP_COMPONENTS_URI,
        .size_max = DOCUMENT_SIZE_MAX,
};
