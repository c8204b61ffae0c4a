/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * umbra-betest
 *
 * A requester that does what its command line and configuration say, and shows each call with its result. Options and
 * configuration are those of BETest of the Windows SDK as far as they are documented (MS: betest-tool); the others are
 * umbra's. docs/test-writer.md has both.
 *
 *      umbra-betest.c     the command line
 *      betest-config.c    which components, and what to say of each
 *      betest-call.c      calls, waiting, the writers' status
 *      betest-choose.c    the writers' metadata: components, file sets, volumes
 *      betest-backup.c    a backup, step by step
 *      betest-restore.c   a restore, step by step
 *      betest-rules.c     what a component says about its files
 *      betest-save.c      the files into the backup directory
 *      betest-put-back.c  and out of it
 */

#include <umbra.h>
#include <vsbackup.h>

#include "testers/config-xml.h"
#include "testers/report.h"

typedef enum BetestStatus {
        BETEST_OK = 0,
        BETEST_FAILED = 1,      /* a call, or a file */
        BETEST_USAGE = 2,       /* wrong options, or a wrong configuration */
        BETEST_UNREACHABLE = 3, /* umbrad does not listen */
        BETEST_DENIED = 4,
        BETEST_WRITER = 5, /* a writer failed */
} BetestStatus;

/* The configuration */

typedef struct BetestTarget {
        ConfigNode node;
        char *path, *filespec, *destination;
        bool recursive;
} BetestTarget;

typedef struct BetestSubcomponent {
        ConfigNode node;
        char *logical_path, *name;
} BetestSubcomponent;

typedef struct BetestComponent {
        ConfigNode node;
        char *logical_path, *name; /* a NULL path: any */
        char *backup_options, *restore_options, *restore_name, *roll_forward_point;
        int roll_forward;
        bool succeeded, additional_restores, authoritative;
        BetestTarget *new_targets;
        BetestSubcomponent *subcomponents;
} BetestComponent;

typedef struct BetestWriter {
        ConfigNode node;
        GUID id;
        char *instance_name;       /* NULL: any */
        BetestComponent *components; /* NULL: all */
} BetestWriter;

typedef struct BetestVolume {
        ConfigNode node;
        char *path;
        GUID provider;
} BetestVolume;

typedef struct BetestConfig {
        ConfigNode node;
        BetestWriter *writers, *enabled, *disabled; /* writers NULL: all of all */
        BetestVolume *volumes;
        bool partial_files;
} BetestConfig;

extern const ConfigElement betest_element;

/* Negative after everything that is wrong was said on stderr. */
int betest_config_load_xml(const char *file, BetestConfig **ret);
int betest_config_load_list(const char *file, BetestConfig **ret);
BetestConfig *betest_config_free(BetestConfig *c);

/* What the configuration says of a component; NULL: it is not chosen. The words for all when there is no configuration. */
const BetestComponent *betest_config_find(const BetestConfig *c, const GUID *writer, const char *instance_name,
                                          const char *logical_path, const char *name);

/* The metadata, digested */

typedef struct BetestSet {
        char *path, *pattern, *alternate; /* plain paths */
        bool recursive;
        DWORD mask;
} BetestSet;

typedef struct BetestSets {
        BetestSet *list;
        size_t n, capacity;
} BetestSets;

typedef struct BetestPart { /* a component of a writer */
        VSS_COMPONENT_TYPE type;
        char *logical_path, *name; /* the path is "" rather than NULL */
        char *full;                /* both */
        bool selectable;
        const BetestComponent *chosen; /* NULL: not explicitly */
        BetestSets sets;
} BetestPart;

typedef struct BetestSource { /* a writer */
        VSS_ID instance, id;
        char *name, *instance_name, *xml;
        DWORD schema;
        VSS_RESTOREMETHOD_ENUM method;
        BetestPart *parts;
        size_t n_parts;
        BetestSets excluded, mappings;
} BetestSource;

typedef struct BetestShadow {
        char *volume, *device;
        VSS_ID id, provider;
} BetestShadow;

typedef struct Betest {
        /* from the command line */
        bool backup, restore, only_complete, no_complete, bootable, persistent, rollback, only_snapshot, stop_on_error,
                authoritative, verbose;
        VSS_BACKUP_TYPE type;
        const char *document_file, *previous_file, *directory, *metadata_directory;
        const BetestConfig *config;

        Report *report;
        IVssBackupComponents *vss;
        BetestSource *sources;
        size_t n_sources;
        BetestShadow *shadows;
        size_t n_shadows, shadows_capacity;
        BSTR document; /* of the backup, for the restore after it */
        bool restoring;
        BetestStatus status;
        uint64_t n_files;
} Betest;

/* betest-call.c: reports the call, and keeps in the status what is worst. Returns @hr. */
HRESULT betest_called(Betest *b, HRESULT hr, const char *format, ...) _printf_(3, 4);
#define BETEST_CALL(b, method, ...) \
        betest_called((b), IVssBackupComponents_##method((b)->vss, __VA_ARGS__), "%s()", #method)
/* The same for what takes its time. */
typedef HRESULT (STDMETHODCALLTYPE *BetestMethod)(IVssBackupComponents *vss, IVssAsync **async);
HRESULT betest_wait(Betest *b, const char *name, BetestMethod method);
#define BETEST_WAIT(b, method) betest_wait((b), #method, (b)->vss->lpVtbl->method)
/* Asks the writers. False: one failed, and that is the end (--StopError). */
bool betest_writers_are_well(Betest *b);
void betest_fail(Betest *b, const char *format, ...) _printf_(2, 3); /* not a call, but what else went wrong */
bool betest_connect(Betest *b);
void betest_disconnect(Betest *b);

/* betest-choose.c */
HRESULT betest_read_metadata(Betest *b);
HRESULT betest_read_saved_metadata(Betest *b); /* that of the backup directory, when there is one */
int betest_save_metadata(Betest *b, const char *directory);
void betest_choose(Betest *b);
void betest_forget(Betest *b);
bool betest_part_follows(const BetestPart *p, const BetestPart *parent);
BetestPart *betest_find_part(BetestSource *s, const char *logical_path, const char *name);
const BetestShadow *betest_shadow_of(const Betest *b, const char *path);
void betest_sets_clear(BetestSets *s);
BetestSet *betest_sets_add(BetestSets *s);
const BetestSet *betest_set_of(const BetestSets *s, const char *path, const char **ret_relative);

/* Calls @func for each component of the document; stops at a failure. @part is NULL if its writer does not run. */
typedef HRESULT (*BetestComponentFunc)(Betest *b, BetestSource *s, BetestPart *part, IVssComponent *c);
HRESULT betest_foreach_component(Betest *b, BetestComponentFunc func);

/* betest-backup.c, betest-restore.c */
void betest_backup(Betest *b);
void betest_restore(Betest *b);
BSTR betest_load_document(Betest *b, const char *file); /* NULL: it said why */

/* betest-save.c, betest-put-back.c */
void betest_save_files(Betest *b, BetestSource *s, BetestPart *part, IVssComponent *c, bool *ret_all);
VSS_FILE_RESTORE_STATUS betest_restore_files(Betest *b, BetestSource *s, BetestPart *part, IVssComponent *c);
