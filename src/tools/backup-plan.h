/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What a Backup Is Made Of
 *
 * From what the administrator named (nothing: every component of every writer) to components, file sets and the volumes that carry them.
 */

#include <vsbackup.h>

#include "tools/component-files.h"
#include "tools/file-set.h"

typedef struct PlanComponent {
        size_t writer; /* index into writers */
        const Component *component;
} PlanComponent;

typedef struct PlanVolume {
        char *path;
        GUID snapshot_id;
        char *device; /* once there is one */
        int fd;       /* of the device */
} PlanVolume;

typedef struct BackupPlan {
        /* What was asked for. */
        char **writer_names, **component_names, **paths; /* strv; paths are absolute */
        bool best_effort;
        GUID *disabled; /* instances that best effort goes on without */
        size_t n_disabled, disabled_capacity;

        /* What it comes to, for one attempt. */
        WriterMetadata *writers;
        size_t n_writers;
        PlanComponent *components;
        size_t n_components, components_capacity;
        FileSet *files;
        PlanVolume *volumes;
        size_t n_volumes, volumes_capacity;
} BackupPlan;

void backup_plan_clear(BackupPlan *p);         /* everything */
void backup_plan_clear_attempt(BackupPlan *p); /* what it comes to */

/* After GatherWriterMetadata: writers, components, files. An ExitCode; a message was printed when it is not EXIT_OK. */
int backup_plan_choose(BackupPlan *p, IVssBackupComponents *backup);
/* After StartSnapshotSet: adds to the set the volumes that carry the files. */
int backup_plan_add_volumes(BackupPlan *p, IVssBackupComponents *backup);
