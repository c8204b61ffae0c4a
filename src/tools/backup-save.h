/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Saving the Files
 *
 * Goes through the shadow copies, the alternate places and the live file systems, asks backup-files.h about each file, and puts
 * it into the set. A file that cannot be read fails the backup; with best effort it is left out (or filled with zeros, where it
 * broke in the middle), its components are marked, and the rest goes on.
 */

#include <stdint.h>

#include "base/macro.h"
#include "tools/backup-files.h"
#include "tools/set-writer.h"

typedef struct BackupSave BackupSave;

/* All of them stay the caller's. */
int backup_save_new(BackupPlan *plan, BackupFiles *files, SetWriter *writer, BackupSave **ret);
BackupSave *backup_save_free(BackupSave *s);
DEFINE_CLEANUP(BackupSave *, backup_save_free)

/* An error was printed if it is that of a file. */
int backup_save_files(BackupSave *s);
/* Writes umbra/names, if a component was not taken whole. In the tail. */
int backup_save_names(BackupSave *s);

uint64_t backup_save_n_files(const BackupSave *s);
uint64_t backup_save_n_bytes(const BackupSave *s);
uint64_t backup_save_n_failed(const BackupSave *s);
/* Was it a file that could not be read, and not the set that could not be written? */
bool backup_save_lost_file(const BackupSave *s);
