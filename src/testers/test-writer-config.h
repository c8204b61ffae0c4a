/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What the Test Writer Is Told
 *
 * The configuration of umbra-test-writer as structs, one per element. Elements and attributes are those of
 * the test writer of the Windows SDK as far as they are documented (MS: vss-test-writer-tool); the others are
 * umbra's, in the same style. docs/test-writer.md says what each means, docs/schema/test-writer.xsd which
 * there are.
 */

#include <time.h>
#include <umbra-writer.h>

#include "testers/config-xml.h"

/* The events of a writer, by the names that the documentation of the Windows tool has. */
typedef enum WriterEvent {
        EVENT_IDENTIFY,
        EVENT_PREPARE_FOR_BACKUP,
        EVENT_PREPARE_FOR_SNAPSHOT,
        EVENT_FREEZE,
        EVENT_THAW,
        EVENT_POST_SNAPSHOT,
        EVENT_ABORT,
        EVENT_BACKUP_COMPLETE,
        EVENT_BACKUP_SHUTDOWN,
        EVENT_PRE_RESTORE,
        EVENT_POST_RESTORE,
        _EVENT_MAX,
} WriterEvent;

extern const ConfigWord event_words[];

typedef enum Verbosity {
        VERBOSITY_LOW,    /* what went wrong */
        VERBOSITY_MEDIUM, /* and each event */
        VERBOSITY_HIGH,   /* and what was done with each file */
} Verbosity;

/* How often something happens at an event: not the first @after times, then @times times (0: always). */
typedef struct Occasion {
        int event; /* WriterEvent */
        unsigned after, times;
        unsigned seen; /* how often the event has come */
} Occasion;

typedef struct FailEvent {
        ConfigNode node;
        Occasion when;
        bool retryable;
        HRESULT code;     /* S_OK: as retryable says */
        HRESULT application_code;
        char *message;
        bool silent;      /* return false, and say nothing of why */
} FailEvent;

typedef struct DelayEvent {
        ConfigNode node;
        Occasion when;
        unsigned msec;
} DelayEvent;

typedef struct FileSpec {
        ConfigNode node;
        char *path, *filespec;
        bool recursive;
        char *alternate; /* ComponentFile: where the spit files are; mappings: the destination */
        DWORD mask;      /* VSS_FILE_SPEC_BACKUP_TYPE */
} FileSpec;

typedef struct Dependency {
        ConfigNode node;
        GUID writer_id;
        char *logical_path, *name;
} Dependency;

typedef struct PartialFile {
        ConfigNode node;
        char *path, *filespec, *ranges, *metadata;
} PartialFile;

typedef struct DifferencedFile {
        ConfigNode node;
        char *path, *filespec;
        bool recursive;
        unsigned year, month, day, hour, minute, second; /* local time; year 0: the requester may choose */
} DifferencedFile;

typedef struct DirectedTarget {
        ConfigNode node;
        char *source_path, *source_name, *source_ranges;
        char *destination_path, *destination_name, *destination_ranges;
} DirectedTarget;

/* <BackupMetadata>, <RestoreMetadata>, <BackupStamp>: a text that the writer leaves in the component. */
typedef struct ComponentWord {
        ConfigNode node;
        int event;
        char *text;
} ComponentWord;

typedef struct Component {
        ConfigNode node;
        size_t index; /* among the components of the writer */
        int type;
        char *logical_path, *name, *caption;
        bool selectable, selectable_for_restore, restore_metadata, notify_on_backup_complete;
        bool backup_recovery, rollback_recovery, not_system_state;
        int restore_target; /* VSS_RT_UNDEFINED: says nothing */
        FileSpec *files, *log_files;
        Dependency *dependencies;
        PartialFile *partial_files;
        DifferencedFile *differenced_files;
        DirectedTarget *directed_targets;
        ComponentWord *backup_metadata, *backup_stamp, *restore_metadata_text;
        FailEvent *failures;
} Component;

typedef struct RestoreMethod {
        ConfigNode node;
        int method, writer_restore;
        bool reboot_required;
        char *service, *user_procedure;
        FileSpec *mappings;
} RestoreMethod;

typedef struct TestWriterConfig {
        ConfigNode node;
        GUID writer_id;
        char *name, *instance_name;
        int usage, source, level, verbosity;
        unsigned major_version, minor_version, freeze_timeout;
        bool delete_files, delete_partial_files, delete_differenced_files, check_includes, check_excludes;
        DWORD schema; /* VSS_BACKUP_SCHEMA */
        size_t n_components;
        RestoreMethod *restore_method;
        FileSpec *exclude, *exclude_from_snapshot;
        Component *components;
        FailEvent *failures;
        DelayEvent *delays;
} TestWriterConfig;

extern const ConfigElement test_writer_element;

/* 0, or negative after everything that is wrong was said on stderr. */
int test_writer_config_load(const char *file, TestWriterConfig **ret);
TestWriterConfig *test_writer_config_free(TestWriterConfig *c);
DEFINE_CLEANUP(TestWriterConfig *, test_writer_config_free)

/* NULL: there is none of that name. @logical_path may be NULL. */
const Component *test_writer_config_find(const TestWriterConfig *c, const char *logical_path, const char *name);
/* Is @c below @ancestor in the tree of logical paths? */
bool component_is_below(const Component *c, const Component *ancestor);
/* Is there a component above it that is selectable for backup, so that it follows that one? */
bool component_has_selectable_ancestor(const TestWriterConfig *config, const Component *c);

/* Files that were modified later than this belong to the difference. */
time_t differenced_file_time(const DifferencedFile *d);

/* True if this is one of the times; counts. */
bool occasion_comes(Occasion *o, WriterEvent event);
