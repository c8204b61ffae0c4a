/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Asking about Storage Areas
 *
 * A storage area is where the shadow copies of one volume lie that one provider made, and how much room they
 * may take. The catalog knows the limits and the copies; how much is used, and where, only the providers can
 * tell. A job goes through a list of areas and asks their providers one after the other; then the areas are
 * complete and finish() decides.
 */

#include <stdbool.h>
#include <stdint.h>

#include <wintypes.h>

#include "coordinator/coordinator-forward.h"
#include "volume/volume.h"

#define AREA_UNKNOWN INT64_C(-1)

typedef struct Area {
        GUID volume_id;
        char *volume;                 /* its path as it was last known */
        const ProviderInfo *provider; /* NULL: whoever takes the volume is found out */
        bool is_explicit;             /* somebody set a limit */
        int64_t maximum;              /* AREA_NO_MAXIMUM */
        size_t n_snapshots;

        bool cannot_tell; /* the provider has no such thing as usage() */
        GUID place_id; /* where that was; GUID_NULL */
        Volume *place; /* the mount that they lie on; NULL: the provider cannot tell */
        int64_t used, allocated, free, total; /* bytes; AREA_UNKNOWN */
} Area;

typedef struct AreaJob AreaJob;
struct AreaJob {
        Session *session;
        Operation *op;
        ProviderPool *pool;
        GUID provider_id; /* areas of other providers do not count, unless provider_is_any() */
        Area *areas;
        size_t n, capacity, next;
        ProbeJob *probe;
        void (*finish)(AreaJob *j); /* settles j->op, which frees the job */

        /* What was asked for; unused ones are NULL and 0. */
        Volume *volume, *place;
        int64_t maximum;
        bool passing;
        int32_t level;
};

/* Hangs the job on @op. NULL: no memory; then @op is settled. */
AreaJob *area_job_new(Session *s, Operation *op, const GUID *provider_id, void (*finish)(AreaJob *j));

/* The areas of a volume that the catalog knows of, @volume_id NULL: those of all volumes. */
int area_job_add_known(AreaJob *j, const GUID *volume_id);
/* The area that copies of the volume would lie in. */
int area_job_add_likely(AreaJob *j, const Volume *v);

void area_job_run(AreaJob *j);

/* Whether the area is on the same file system as @place. */
bool area_lies_on(const Area *area, const Volume *place);
