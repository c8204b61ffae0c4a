/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Backup Components Document
 *
 * What one backup consists of: which components of which writers, and all that requester and writers told
 * each other about them. The requester's object owns one; at each event umbrad hands every writer its own
 * part and merges what comes back. A plain C model: view/ puts the COM faces over it. [MS:
 * backup-components-document-contents]
 */

#include <stdbool.h>
#include <stdint.h>

#include <vss.h>
#include <vswriter.h>

#include "doc/writer-doc.h"

/* How good the copy of a component or volume is. Order: worse to better. */
typedef enum Consistency {
        CONSISTENCY_UNKNOWN,     /* nothing was recorded */
        CONSISTENCY_FUZZY,       /* files copied without a hold */
        CONSISTENCY_CRASH,       /* one instant, applications not asked */
        CONSISTENCY_APPLICATION, /* its writer froze, thawed and said yes */
        _CONSISTENCY_MAX,
        _CONSISTENCY_INVALID = -22,
} Consistency;

const char *consistency_to_string(Consistency c);
Consistency consistency_from_string(const char *s);

typedef enum Tristate {
        TRI_UNSET = -1,
        TRI_NO = 0,
        TRI_YES = 1,
} Tristate;

typedef struct DocPartialFile {
        char *path, *filename, *ranges, *metadata;
        DocExtra *extra;
} DocPartialFile;

typedef struct DocDifferencedFile {
        char *path, *filespec, *lsn;
        bool recursive;
        int64_t last_modify_time; /* FILETIME */
        DocExtra *extra;
} DocDifferencedFile;

typedef struct DocDirectedTarget {
        char *source_path, *source_filename, *source_ranges;
        char *destination_path, *destination_filename, *destination_ranges;
        DocExtra *extra;
} DocDirectedTarget;

typedef struct DocSubcomponent {
        char *logical_path, *name;
        bool repair;
        DocExtra *extra;
} DocSubcomponent;

typedef struct BackupComponent {
        VSS_COMPONENT_TYPE type;
        char *logical_path, *name, *caption;

        char *backup_stamp, *previous_backup_stamp;
        char *backup_metadata, *restore_metadata; /* write-once by the writer */
        char *backup_options, *restore_options;
        Tristate backup_succeeded, additional_restores, selected_for_restore;
        GUID restore_instance_id; /* GUID_NULL: not moved to another instance */
        VSS_RESTORE_TARGET restore_target;          /* VSS_RT_UNDEFINED: never set */
        VSS_FILE_RESTORE_STATUS file_restore_status; /* VSS_RS_UNDEFINED: never set */
        char *prepare_for_backup_failure, *post_snapshot_failure;
        char *pre_restore_failure, *post_restore_failure;
        bool authoritative_restore;
        VSS_ROLLFORWARD_TYPE roll_forward; /* VSS_RF_UNDEFINED: never set */
        char *roll_forward_point, *restore_name;
        bool has_failure;
        HRESULT failure, failure_application;
        char *failure_message;
        Consistency consistency; /* umbra's own */

        DocFileSpecs mappings, new_targets; /* .alternate: destination, alternate path */
        DocPartialFile *partial_files;
        size_t n_partial_files, partial_files_capacity;
        DocDifferencedFile *differenced_files;
        size_t n_differenced_files, differenced_files_capacity;
        DocDirectedTarget *directed_targets;
        size_t n_directed_targets, directed_targets_capacity;
        DocSubcomponent *restore_subcomponents;
        size_t n_restore_subcomponents, restore_subcomponents_capacity;
        DocExtra *extra, *backup_metadata_extra, *restore_metadata_extra;
} BackupComponent;

typedef struct BackupWriter {
        GUID instance_id, writer_id;
        char *instance_name;
        uint32_t backup_schema;
        BackupComponent **components; /* pointers: a component keeps its address while others are added */
        size_t n_components, components_capacity;
        void *index; /* of the implementation */
        DocExtra *extra;
} BackupWriter;

/* One volume of the set: umbra's answer to "shadow copy set description". */
typedef struct BackupVolume {
        GUID snapshot_id, provider_id;
        char *volume;        /* as named in the set: a directory with a trailing slash */
        char *device_object; /* where the shadow copy shows up; NULL until it does */
        Consistency consistency;
        char *machine;       /* that made it; NULL: not said */
        char *storage;       /* what its provider finds it by on another machine; NULL: its id is enough */
        char *instant;       /* see instant_to_string(); NULL: the copy is not one */
        DocExtra *extra;
} BackupVolume;

typedef struct BackupDoc {
        char *version;
        bool has_state; /* SetBackupState was called */
        bool select_components, bootable_system_state, partial_file_support;
        VSS_BACKUP_TYPE backup_type;
        VSS_RESTORE_TYPE restore_type;
        GUID snapshot_set_id;
        BackupVolume *volumes;
        size_t n_volumes, volumes_capacity;
        BackupWriter **writers;
        size_t n_writers, writers_capacity;
        void *index; /* of the implementation */
        DocExtra *extra;
} BackupDoc;

int backup_doc_new(BackupDoc **ret);
BackupDoc *backup_doc_free(BackupDoc *d);
DEFINE_CLEANUP(BackupDoc *, backup_doc_free)
HRESULT backup_doc_copy(const BackupDoc *d, BackupDoc **ret);

BackupVolume *backup_doc_find_volume(BackupDoc *d, const GUID *snapshot_id);
HRESULT backup_doc_add_volume(BackupDoc *d,
                              const GUID *snapshot_id,
                              const GUID *provider_id,
                              const char *volume);

/* @instance_id GUID_NULL matches any instance of the class. NULL when there is none. */
BackupWriter *backup_doc_find_writer(BackupDoc *d, const GUID *instance_id, const GUID *writer_id);
HRESULT backup_doc_add_writer(BackupDoc *d,
                              const GUID *instance_id,
                              const GUID *writer_id,
                              const char *instance_name,
                              uint32_t backup_schema,
                              BackupWriter **ret);
/* The writer at @i is another instance of its class from now on. VSS_E_OBJECT_ALREADY_EXISTS: that one is
 * there; E_OUTOFMEMORY. */
HRESULT backup_doc_set_instance(BackupDoc *d, size_t i, const GUID *instance_id);
BackupComponent *backup_writer_find_component(BackupWriter *w,
                                              VSS_COMPONENT_TYPE type,
                                              const char *logical_path,
                                              const char *name);
/* VSS_E_OBJECT_ALREADY_EXISTS, E_OUTOFMEMORY. */
HRESULT backup_writer_add_component(BackupWriter *w,
                                    VSS_COMPONENT_TYPE type,
                                    const char *logical_path,
                                    const char *name,
                                    BackupComponent **ret);
int backup_component_add_partial_file(BackupComponent *c,
                                      const char *path,
                                      const char *filename,
                                      const char *ranges,
                                      const char *metadata);
int backup_component_add_differenced_file(BackupComponent *c,
                                          const char *path,
                                          const char *filespec,
                                          bool recursive,
                                          const char *lsn,
                                          int64_t last_modify_time);
int backup_component_add_directed_target(BackupComponent *c,
                                         const char *source_path,
                                         const char *source_filename,
                                         const char *source_ranges,
                                         const char *destination_path,
                                         const char *destination_filename,
                                         const char *destination_ranges);
int backup_component_add_restore_subcomponent(BackupComponent *c,
                                              const char *logical_path,
                                              const char *name,
                                              bool repair);

/* As for writer documents. */
HRESULT backup_doc_read(const char *text, size_t size, BackupDoc **ret);
HRESULT backup_doc_write(const BackupDoc *d, char **ret_text, size_t *ret_size);

/* A writer's own part, as a document of its own with the same head (state, set id, volumes) and just that
 * writer. */
HRESULT backup_doc_write_part(const BackupDoc *d, const BackupWriter *w, char **ret_text, size_t *ret_size);

/* What an instance of a writer hears of in a restore: its own components that were not moved to another
 * instance, and those that were moved to it; perhaps none. It borrows them from @d, and is freed with
 * backup_doc_part_free(). */
HRESULT backup_doc_restore_part(BackupDoc *d,
                                const GUID *instance_id,
                                const GUID *writer_id,
                                BackupWriter **ret);
BackupWriter *backup_doc_part_free(BackupWriter *w);
DEFINE_CLEANUP(BackupWriter *, backup_doc_part_free)

/* What a writer may say at an event; everything else in its answer is ignored. */
typedef enum BackupDocMerge {
        MERGE_PREPARE_BACKUP, /* stamp, backup metadata, partial and differenced files, failure, messages */
        MERGE_POST_SNAPSHOT,  /* the same */
        MERGE_PRE_RESTORE,    /* restore target, restore metadata, directed targets, failure and messages */
        MERGE_POST_RESTORE,   /* failure and messages */
} BackupDocMerge;

/* Takes over what @part (an answer to backup_doc_write_part) may change in the components of @w. Components
 * that @w does not have are VSS_E_INVALID_XML_DOCUMENT, and then nothing has changed. */
HRESULT backup_doc_merge_part(BackupWriter *w, const BackupDoc *part, BackupDocMerge what);
