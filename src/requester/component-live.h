/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What the Running Writer Says of a Component
 *
 * Some things may be said of a component only if its writer understands them, or must name what the writer
 * has. What it said at the backup is not in the Backup Components Document, so the writer that runs now is
 * asked: the instance that a component is to be restored to, else one of its class. A writer that runs on a
 * new machine may not know the component yet, and then nothing can be said against it.
 */

#include "requester/backup-components.h"

/* E_INVALIDARG unless the writer has declared @schema (one of VSS_BACKUP_SCHEMA); where none runs, what it
 * declared at the backup counts. @name is that of @schema. */
HRESULT component_check_schema(BackupComponents *b,
                               const BackupWriter *w,
                               const BackupComponent *c,
                               uint32_t schema,
                               const char *name,
                               const char *method);
/* VSS_E_OBJECT_NOT_FOUND unless this is a file set of the component, or of one of its subcomponents: these
 * have no place of their own in the document. */
HRESULT component_check_files(BackupComponents *b,
                              const BackupWriter *w,
                              const BackupComponent *c,
                              const char *path,
                              const char *filespec,
                              bool recursive,
                              const char *method);
/* VSS_E_OBJECT_NOT_FOUND unless there is such a subcomponent, E_INVALIDARG when it cannot be chosen. */
HRESULT component_check_subcomponent(BackupComponents *b,
                                     const BackupWriter *w,
                                     const BackupComponent *c,
                                     const char *logical_path,
                                     const char *name,
                                     const char *method);
