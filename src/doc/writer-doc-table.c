/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The Table of the Writer Metadata Document
 *
 * Read it from the bottom, where the root is. [reference xml.tsv; docs/documents.md]
 */

#include "doc/doc-limits.h"
#include "doc/doc-names.h"
#include "doc/writer-doc-table.h"
#include "doc/writer-doc.h"

static const DocWord usage_words[] = {
        { "BOOTABLE_SYSTEM_STATE", VSS_UT_BOOTABLESYSTEMSTATE },
        { "SYSTEM_SERVICE",        VSS_UT_SYSTEMSERVICE       },
        { "USER_DATA",             VSS_UT_USERDATA            },
        { "OTHER",                 VSS_UT_OTHER               },
        { 0 },
};

static const DocWord source_words[] = {
        { "TRANSACTION_DB",    VSS_ST_TRANSACTEDDB    },
        { "NONTRANSACTION_DB", VSS_ST_NONTRANSACTEDDB },
        { "OTHER",             VSS_ST_OTHER           },
        { 0 },
};

static const DocWord method_words[] = {
        { "RESTORE_IF_NOT_THERE",                VSS_RME_RESTORE_IF_NOT_THERE                },
        { "RESTORE_IF_CAN_BE_REPLACED",          VSS_RME_RESTORE_IF_CAN_REPLACE              },
        { "RESTORE_IF_CAN_REPLACE",              VSS_RME_RESTORE_IF_CAN_REPLACE              },
        { "STOP_RESTORE_START",                  VSS_RME_STOP_RESTORE_START                  },
        { "RESTORE_TO_ALTERNATE_LOCATION",       VSS_RME_RESTORE_TO_ALTERNATE_LOCATION       },
        { "REPLACE_AT_REBOOT",                   VSS_RME_RESTORE_AT_REBOOT                   },
        { "REPLACE_AT_REBOOT_IF_CANNOT_REPLACE", VSS_RME_RESTORE_AT_REBOOT_IF_CANNOT_REPLACE },
        { "CUSTOM",                              VSS_RME_CUSTOM                              },
        { "RESTORE_STOP_START",                  VSS_RME_RESTORE_STOP_START                  },
        { 0 },
};

static const DocWord writer_restore_words[] = {
        { "never",          VSS_WRE_NEVER            },
        { "ifReplaceFails", VSS_WRE_IF_REPLACE_FAILS },
        { "always",         VSS_WRE_ALWAYS           },
        { 0 },
};

static const DocWord component_tags[] = {
        { EL_FILE_GROUP, VSS_CT_FILEGROUP },
        { EL_DATABASE,   VSS_CT_DATABASE  },
        { 0 },
};

#define FIELD(Type, at, type_, member, flags_, ...) \
        { .name = at, .type = type_, .offset = offsetof(Type, member), .flags = flags_, __VA_ARGS__ }
#define WORDS(of) .words = of##_words

#define F(at, type, member, flags) FIELD(DocFileSpec, at, type, member, flags)

/* A mapping of the restore method; also the mappings and new targets of a component that is restored. */
static const DocField mapping_fields[] = {
        F(AT_PATH,           DOC_TEXT, path,      0),
        F(AT_FILESPEC,       DOC_TEXT, filespec,  0),
        F(AT_RECURSIVE,      DOC_BOOL, recursive, DOC_ALWAYS),
        F(AT_ALTERNATE_PATH, DOC_TEXT, alternate, 0),
};

const DocElement alternate_location_mapping_element = {
        .name = EL_ALTERNATE_LOCATION_MAPPING,
        DOC_FIELDS(mapping_fields),
        .extra = offsetof(DocFileSpec, extra),
};

static const DocElement include_files_element = {
        .name = EL_INCLUDE_FILES,
        DOC_FIELDS(mapping_fields),
        .extra = offsetof(DocFileSpec, extra),
};

static const DocElement exclude_files_element = {
        .name = EL_EXCLUDE_FILES,
        DOC_FIELDS(mapping_fields),
        .extra = offsetof(DocFileSpec, extra),
};

static const DocElement exclude_from_snapshot_element = {
        .name = EL_EXCLUDE_FILES_FROM_SNAPSHOT,
        DOC_FIELDS(mapping_fields),
        .extra = offsetof(DocFileSpec, extra),
};

/* File sets, where real documents have "recursive" only when it is yes. */
static const DocField file_set_fields[] = {
        F(AT_PATH,                 DOC_TEXT, path,        0),
        F(AT_FILESPEC,             DOC_TEXT, filespec,    0),
        F(AT_RECURSIVE,            DOC_BOOL, recursive,   0),
        F(AT_ALTERNATE_PATH,       DOC_TEXT, alternate,   0),
        F(AT_FILESPEC_BACKUP_TYPE, DOC_U32,  backup_type, DOC_ALWAYS),
};

/* A file set without a mask has the mask that the API takes when none is given. */
static void file_set_init(void *object) {
        DocFileSpec *spec = object;

        spec->backup_type = VSS_FSBT_ALL_BACKUP_REQUIRED | VSS_FSBT_ALL_SNAPSHOT_REQUIRED;
}

static const DocElement file_list_element = {
        .name = EL_FILE_LIST,
        DOC_FIELDS(file_set_fields),
        .extra = offsetof(DocFileSpec, extra),
        .init = file_set_init,
};

static const DocElement database_files_element = {
        .name = EL_DATABASE_FILES,
        DOC_FIELDS(file_set_fields),
        .extra = offsetof(DocFileSpec, extra),
        .init = file_set_init,
};

static const DocElement database_logfiles_element = {
        .name = EL_DATABASE_LOGFILES,
        DOC_FIELDS(file_set_fields),
        .extra = offsetof(DocFileSpec, extra),
        .init = file_set_init,
};

static const DocField dependency_fields[] = {
        FIELD(DocDependency, AT_WRITER_ID,      DOC_GUID, writer_id,      DOC_ALWAYS | DOC_REQUIRED),
        FIELD(DocDependency, AT_LOGICAL_PATH,   DOC_TEXT, logical_path,   0),
        FIELD(DocDependency, AT_COMPONENT_NAME, DOC_TEXT, component_name, DOC_REQUIRED),
};

static const DocElement dependency_element = {
        .name = EL_DEPENDENCY,
        DOC_FIELDS(dependency_fields),
        .extra = offsetof(DocDependency, extra),
};

#define C(at, type, member, flags, ...) FIELD(WriterDocComponent, at, type, member, flags, __VA_ARGS__)

static const DocField component_fields[] = {
        C(AT_LOGICAL_PATH,              DOC_TEXT, logical_path,              0),
        C(AT_COMPONENT_NAME,            DOC_TEXT, name,                      DOC_REQUIRED),
        C(AT_CAPTION,                   DOC_TEXT, caption,                   0),
        C(AT_RESTORE_METADATA,          DOC_BOOL, restore_metadata,          DOC_ALWAYS),
        C(AT_NOTIFY_ON_BACKUP_COMPLETE, DOC_BOOL, notify_on_backup_complete, DOC_ALWAYS),
        C(AT_SELECTABLE,                DOC_BOOL, selectable,                DOC_ALWAYS),
        C(AT_SELECTABLE_FOR_RESTORE,    DOC_BOOL, selectable_for_restore,    DOC_ALWAYS),
        C(AT_COMPONENT_FLAGS,           DOC_U32,  flags,                     DOC_ALWAYS),
        C(AT_ICON,                      DOC_BLOB, icon,                      0,
          .other = offsetof(WriterDocComponent, icon_size)),
};

static const DocChild component_children[] = {
        DOC_CHILD_FILESPECS(WriterDocComponent, files, file_list_element),
        DOC_CHILD_FILESPECS(WriterDocComponent, database_files, database_files_element),
        DOC_CHILD_FILESPECS(WriterDocComponent, log_files, database_logfiles_element),
        DOC_CHILD_LIST(DOC_ARRAY, WriterDocComponent, dependencies, DocDependency, DOCUMENT_LIST_MAX,
                       dependency_element),
};

static const DocElement component_element = {
        .tags = component_tags,
        .tag = offsetof(WriterDocComponent, type),
        DOC_FIELDS(component_fields),
        DOC_CHILDREN(component_children),
        .extra = offsetof(WriterDocComponent, extra),
        .ready = writer_doc_component_ready,
};

#define W(at, type, member, flags, ...) FIELD(WriterDoc, at, type, member, flags, __VA_ARGS__)

static const DocField identification_fields[] = {
        W(AT_WRITER_ID,     DOC_SPELLED, writer_id,     DOC_ALWAYS | DOC_REQUIRED,
          .other = offsetof(WriterDoc, writer_id_text)),
        W(AT_INSTANCE_ID,   DOC_GUID,    instance_id,   DOC_ALWAYS | DOC_REQUIRED),
        W(AT_INSTANCE_NAME, DOC_TEXT,    instance_name, 0),
        W(AT_FRIENDLY_NAME, DOC_TEXT,    friendly_name, 0),
        W(AT_USAGE,         DOC_WORD,    usage,         DOC_FORWARD, WORDS(usage)),
        W(AT_DATA_SOURCE,   DOC_WORD,    source,        DOC_FORWARD, WORDS(source)),
        W(AT_MAJOR_VERSION, DOC_U32,     major_version, DOC_ALWAYS),
        W(AT_MINOR_VERSION, DOC_U32,     minor_version, DOC_ALWAYS),
};

static const DocElement identification_element = {
        .name = EL_IDENTIFICATION,
        DOC_FIELDS(identification_fields),
        .extra = offsetof(WriterDoc, identification_extra),
};

static const DocField restore_method_fields[] = {
        W(AT_METHOD,          DOC_WORD, restore_method,  DOC_FORWARD, WORDS(method)),
        W(AT_SERVICE,         DOC_TEXT, service,         0),
        W(AT_USER_PROCEDURE,  DOC_TEXT, user_procedure,  0),
        W(AT_WRITER_RESTORE,  DOC_WORD, writer_restore,  DOC_FORWARD, WORDS(writer_restore)),
        W(AT_REBOOT_REQUIRED, DOC_BOOL, reboot_required, DOC_ALWAYS),
};

static const DocChild restore_method_children[] = {
        DOC_CHILD_FILESPECS(WriterDoc, mappings, alternate_location_mapping_element),
};

static const DocElement restore_method_element = {
        .name = EL_RESTORE_METHOD,
        DOC_FIELDS(restore_method_fields),
        DOC_CHILDREN(restore_method_children),
        .extra = offsetof(WriterDoc, restore_method_extra),
};

static const DocChild locations_children[] = {
        DOC_CHILD_LIST(DOC_ARRAY, WriterDoc, components, WriterDocComponent, DOCUMENT_COMPONENTS_MAX,
                       component_element),
        DOC_CHILD_FILESPECS(WriterDoc, include_files, include_files_element),
        DOC_CHILD_FILESPECS(WriterDoc, exclude_files, exclude_files_element),
        DOC_CHILD_FILESPECS(WriterDoc, exclude_from_snapshot, exclude_from_snapshot_element),
};

static const DocElement locations_element = {
        .name = EL_BACKUP_LOCATIONS,
        DOC_CHILDREN(locations_children),
        .extra = offsetof(WriterDoc, locations_extra),
};

/* backupSchema 0 is not written here, unlike in the other document: so do the documents of Windows. */
static const DocField root_fields[] = {
        W(AT_VERSION,       DOC_TEXT, version,       0),
        W(AT_BACKUP_SCHEMA, DOC_U32,  backup_schema, DOC_OPTIONAL,
          .other = offsetof(WriterDoc, has_backup_schema)),
};

static const DocChild root_children[] = {
        DOC_CHILD_INLINE(identification_element, DOC_PRESENT_NEEDED, 0),
        DOC_CHILD_INLINE(restore_method_element, DOC_PRESENT_FLAG, offsetof(WriterDoc, has_restore_method)),
        DOC_CHILD_INLINE(locations_element, DOC_PRESENT_ALWAYS, 0),
};

static const DocElement root_element = {
        .name = EL_WRITER_METADATA,
        DOC_FIELDS(root_fields),
        DOC_CHILDREN(root_children),
        .extra = offsetof(WriterDoc, extra),
};

const DocFormat writer_doc_format = {
        .root = &root_element,
        .uri = WRITER_METADATA_URI,
        .size_max = WRITER_DOCUMENT_SIZE_MAX,
};
