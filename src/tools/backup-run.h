/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * One Backup
 *
 * What umbra-backup.c (options, attempts), backup-take.c (to the shadow copies) and backup-stream.c (into the set) share.
 */

#include <umbra.h>

#include "tools/backup-base.h"
#include "tools/backup-files.h"
#include "tools/backup-plan.h"
#include "tools/backup-save.h"
#include "tools/set-writer.h"

/* Not an exit code: the attempt failed for what best effort goes on without. */
#define AGAIN (-1)

typedef struct Backup {
        BackupPlan plan;
        const char *to, *since;
        bool force;
        int level;
        unsigned wait_seconds;

        BackupBase *base; /* NULL: this one builds on nothing */
        IVssBackupComponents *vss;
        VSS_ID set_id;
        SetOutput *output;
        SetWriter *writer;
        BackupFiles *files;
        BackupSave *save;
        uint64_t n_files, n_bytes;
        char **left_out; /* what best effort went on without */
} Backup;

/* An ExitCode, or AGAIN; what went wrong was printed. */
int backup_take_set(Backup *b);
int backup_stream_set(Backup *b);

/* Names the writers that failed, or their components. @leave_out: from here on without them, and AGAIN is the result. */
int backup_check_writers(Backup *b, const char *when, bool leave_out);

/* What the API calls a component by. */
typedef struct ComponentName {
        WCHAR *path, *name; /* path NULL: none */
} ComponentName;

ComponentName component_name(const Component *c);
void component_name_clear(ComponentName *n);

HRESULT backup_for_each_component(Backup *b, HRESULT (*f)(Backup *b, const PlanComponent *c));
