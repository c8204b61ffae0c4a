/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Sets of Real File Systems
 *
 * What a set's document says of its volumes, and of how it came about, in short words for tests.
 */

#include "api/storage/storage.h"
#include "doc/backup-doc.h"

#define SETS_VOLUMES_MAX 64

typedef struct Sets {
        IVssBackupComponentsEx4 *backup;
        size_t n;
        VSS_ID set_id, ids[SETS_VOLUMES_MAX];
        BackupDoc *doc; /* once it is made */
} Sets;

void sets_begin(Sets *s);
/* The answer of AddToSnapshotSet(). */
HRESULT sets_try_add(Sets *s, const char *volume, VSS_ID provider);
void sets_add(Sets *s, const char *volume, VSS_ID provider);
/* The answer of DoSnapshotSet(). */
HRESULT sets_try_make(Sets *s);
void sets_make(Sets *s);
/* Of the @i-th that was added. */
const BackupVolume *sets_volume(const Sets *s, size_t i);
/* "@copy/@name", where the copy can be read; in a buffer that the next call but one uses again. */
const char *sets_path(const Sets *s, size_t i, const char *name);
void sets_end(Sets *s);
