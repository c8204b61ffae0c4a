/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Storage Areas
 *
 * What IVssDifferentialSoftwareSnapshotMgmt asks and decides. Every function takes @op over and settles it.
 * @provider_id: of whose copies it is, provider_is_any() for all.
 *
 * Where copies lie is the provider's decision (area-job.h), so an association of a volume with another place
 * is refused. Each volume has one association at most, made by hand or, without a limit, by its first copy.
 */

#include "coordinator/area-job.h"
#include "wire/wire-names.h"

/* What all calls name. */
typedef struct AreaRequest {
        GUID provider_id;
        const char *volume, *place; /* names as they came; NULL */
        GUID snapshot_id;
        int64_t maximum; /* bytes, or AREA_NO_MAXIMUM; 0 ends the association */
        bool passing;
        int32_t level; /* VSS_PROTECTION_LEVEL; -1: whichever it is */
} AreaRequest;

void areas_query(Session *s, Operation *op, WireAreaQuestion question, const AreaRequest *request);
/* Which mount the copies of the volume lie on, or would. */
void areas_query_place(Session *s, Operation *op, const AreaRequest *request);
void areas_add(Session *s, Operation *op, const AreaRequest *request);
void areas_change(Session *s, Operation *op, const AreaRequest *request);

/* Which VSS_PROTECTION_LEVEL holds for the volume; with request->level >= 0 it is to be that one. Copies are
 * never given up to let a volume go on: when the storage is full, writing fails. That is
 * VSS_PROTECTION_LEVEL_SNAPSHOT, and there is no other. */
void areas_protection(Session *s, Operation *op, const AreaRequest *request);
/* Whether there is what areas_delete_unused() would forget on @place. */
int areas_have_unused(Manager *m, const Volume *place, int *ret);
/* Forgets the associations with this storage of volumes that are gone and have no copies. */
void areas_delete_unused(Session *s, Operation *op, const AreaRequest *request);
