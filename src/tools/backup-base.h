/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What a Backup Builds On
 *
 * The set that --since names: which components are in it, how they were taken, and what their writers wrote down then to know
 * that backup by. From it follows how each component is taken now: as was asked for, or in full, where the writer cannot do
 * what was asked or the set before is no ground for it.
 */

#include "base/macro.h"
#include "tools/backup-plan.h"

typedef struct BackupBase BackupBase;

/* Reads what is needed of the set. An ExitCode; a message was printed when it is not EXIT_OK. */
int backup_base_open(const char *path, VSS_BACKUP_TYPE type, BackupBase **ret);
BackupBase *backup_base_free(BackupBase *b);
DEFINE_CLEANUP(BackupBase *, backup_base_free)

const char *backup_base_id(const BackupBase *b);

/* Sets how each chosen component is taken, and says so where it is not as was asked. @b: NULL for full and copy. */
int backup_base_decide(const BackupBase *b, BackupPlan *p);

/* Calls @f with the path of each file that there was then; an error ends it. */
int backup_base_for_each_name(const BackupBase *b, int (*f)(const char *path, void *userdata), void *userdata);
