/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What a Backup Is Made Of
 *
 * From what the administrator named (nothing: every component of every writer) to components (backup-choice.c),
 * how each of them is taken (backup-base.c), and the volumes that carry their files (backup-plan.c). Which of
 * the files are saved is the matter of backup-files.h.
 */

#include <vsbackup.h>

#include "tools/component-files.h"
#include "tools/component-news.h"
#include "tools/file-set.h"

typedef struct PlanComponent {
        size_t writer; /* index into writers */
        const Component *component;
        VSS_BACKUP_TYPE how; /* full or copy: all of its files */
        char *previous;      /* its backup stamp in the set that this backup builds on; NULL */
        ComponentNews news;  /* what its writer added meanwhile */
        bool failed;         /* not all of its files could be saved */
} PlanComponent;

/* What was chosen of a writer. */
typedef struct PlanWriter {
        size_t *chosen; /* for each component: 1 + index into components; 0: not itself */
        bool complete;  /* what nobody can choose is among them */
        bool told;      /* that it cannot do what was asked for */
} PlanWriter;

typedef struct PlanVolume {
        char *path;
        GUID snapshot_id;
        char *device; /* once there is one */
        int fd;       /* of the device */
} PlanVolume;

typedef struct BackupPlan {
        /* What was asked for. */
        char **writer_names, **component_names, **paths; /* strv; paths are absolute */
        char **options;                                  /* strv, NAME=TEXT */
        char **exceptions;                               /* strv, absolute: what lies there is in no shadow copy */
        VSS_BACKUP_TYPE type;
        bool system_state;
        bool whole_volumes; /* not single components: all writers take part, and volumes are paths */
        bool best_effort;
        bool leaves_tmpfs; /* where they are mounted below what was asked for */
        GUID *disabled; /* instances that best effort goes on without */
        size_t n_disabled, disabled_capacity;
        char **without; /* and components: instance id, blank, full name */

        /* What it comes to, for one attempt. */
        WriterMetadata *writers;
        PlanWriter *choices; /* for each writer */
        size_t n_writers, n_choices;
        PlanComponent *components;
        size_t n_components, components_capacity;
        PlanVolume *volumes;
        size_t n_volumes, volumes_capacity;
} BackupPlan;

void backup_plan_clear(BackupPlan *p);         /* everything */
void backup_plan_clear_attempt(BackupPlan *p); /* what it comes to */

static inline const WriterMetadata *plan_writer(const BackupPlan *p, const PlanComponent *c) {
        return &p->writers[c->writer];
}

/* Those below return an ExitCode; a message was printed when it is not EXIT_OK. */

/* After GatherWriterMetadata: what the writers say of themselves. */
int backup_plan_read_writers(BackupPlan *p, IVssBackupComponents *backup);
/* Out of these, the components that were asked for and those that come with them. */
int backup_plan_choose(BackupPlan *p);
/* The component that @name means: "NAME", "PATH\NAME", "WRITER:NAME", "WRITER:PATH\NAME". More than one that fits
 * is an error as well as none; @ret_writer is an index. */
int backup_plan_find(const BackupPlan *p, const char *name, size_t *ret_writer, const Component **ret);
/* Has @c been chosen, itself (then that is returned) or with one that it comes along with? NULL: no. */
PlanComponent *backup_plan_component(const BackupPlan *p, size_t writer, const Component *c);
/* From here on without this component. */
int backup_plan_leave_out(BackupPlan *p, const PlanComponent *c);

/* After StartSnapshotSet, and again whenever there are more: adds to the set the volumes that carry the files.
 * @places: where they are. */
int backup_plan_add_volumes(BackupPlan *p, IVssBackupComponents *backup, const FileSet *places);
/* The volume of the set that @path lies on: the longest that fits; NULL: none. */
PlanVolume *backup_plan_volume(const BackupPlan *p, const char *path);

/* After PrepareForBackup and again after DoSnapshotSet: what the writers added. */
HRESULT backup_plan_read_news(BackupPlan *p, IVssBackupComponents *backup);
