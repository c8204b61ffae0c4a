/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The Manifest of a Set
 *
 * What is inside, for people and for umbra show: machine, time, and each component and volume with its consistency level, which is read from the Backup
 * Components Document, where umbrad recorded it.
 */

#include <jansson.h>

#include "tools/backup-plan.h"

typedef struct ManifestFacts {
        GUID id;
        const char *since;    /* the id of the set before; NULL */
        const char *document; /* the Backup Components Document as of the shadow copy */
} ManifestFacts;

/* NULL when memory runs out or the document cannot be read. */
json_t *manifest_new(const BackupPlan *p, const ManifestFacts *facts);

/* What goes to the end of the set. */
json_t *summary_new(const BackupPlan *p, uint64_t files, uint64_t bytes, uint64_t lost);
/* Does it say that files of @component, one of the manifest's, could not be saved? */
bool summary_has_failed(const json_t *summary, const json_t *component);
