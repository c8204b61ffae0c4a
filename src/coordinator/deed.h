/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Deeds
 *
 * What a provider does to a snapshot that exists, apart from discarding it (discard-queue.h): expose it,
 * revert a volume to it, break it off, import it. All go the same way, and what differs is a table in
 * deed-kinds.c:
 *
 *       ask whether it can        write it down               do it               write it down
 *   NEW ------------------> CHECKED -----------> (told: begun) -----> DONE ------------------> (told: done)
 *
 * A worker that dies while it does it is replaced a few times; a deed that umbrad's own death interrupts
 * is found in the catalog and gone on with; a revert when its volume is mounted, lest it turns something else into
 * what the snapshot is. One that has to wait for the volume to be activated anew may wait until the machine is
 * restarted: no worker is kept for that, one looks now and then. While anything is frozen the queue stands still: neither
 * catalog nor storage is touched.
 */

#include <stdbool.h>
#include <sys/types.h>

#include <wintypes.h>

#include "base/macro.h"
#include "catalog/catalog.h"
#include "coordinator/coordinator-forward.h"
#include "coordinator/deed-past.h"

typedef enum DeedKind {
        DEED_EXPOSE,
        DEED_UNEXPOSE,
        DEED_REVERT,
        DEED_BREAK,
        DEED_IMPORT,
        _DEED_KIND_MAX,
        _DEED_KIND_INVALID = -22,
} DeedKind;

const char *deed_kind_to_string(DeedKind k);

typedef struct DeedOptions {
        DeedKind kind;
        CatalogSnapshot *snapshot; /* taken over, and zeroed, on success; DEED_IMPORT: what is known of it */
        const char *path;          /* DEED_EXPOSE: where; DEED_REVERT: which directory */
        uint32_t flags;            /* of the provider's function */
        const char *how;           /* DEED_REVERT that is resumed: what its provider decided; NULL */
        const GUID *volume_id;     /* the same: which volume @path was on, GUID_NULL where nobody knows */
        uid_t uid;                 /* DEED_EXPOSE: who asks */
        bool resumed;              /* the catalog knows of it already: nobody is asked whether it can */
} DeedOptions;

int deed_queue_new(Manager *m, DeedQueue **ret);
DeedQueue *deed_queue_free(DeedQueue *q);
DEFINE_CLEANUP(DeedQueue *, deed_queue_free)

int deed_start(DeedQueue *q, DeedOptions *options, Deed **ret);

/* @told is called exactly once, unless deed_queue_forget() comes first: when the deed is in the catalog
 * and begins, or when it has ended (which is also when it could not begin). @path: DEED_EXPOSE: where it
 * really is; else NULL. */
typedef void (*DeedTold)(HRESULT hr, const char *message, const char *path, void *userdata);
int deed_await_begin(Deed *d, DeedTold told, void *userdata);
int deed_await_end(Deed *d, DeedTold told, void *userdata);
void deed_queue_forget(DeedQueue *q, void *userdata);

/* Is anything being done to this snapshot? */
Deed *deed_queue_find(DeedQueue *q, const GUID *snapshot_id);
/* If it is being imported, it is discarded as soon as it is there. false: it is not being imported. */
bool deed_queue_release(DeedQueue *q, const GUID *snapshot_id);
/* Is @target being reverted? */
Deed *deed_queue_find_revert(DeedQueue *q, const char *target);
/* It is in the catalog, and comes to its end whoever dies. Before that it may still turn out that it cannot be. */
bool deed_has_begun(const Deed *d);
/* Something was mounted: resumed reverts whose volume is there now go on. Do others still wait for theirs? */
bool deed_queue_look_again(DeedQueue *q);
/* Is this snapshot being reverted to in a way that may need it whole? It is not shown again before that is over. */
bool deed_queue_defers(DeedQueue *q, const GUID *snapshot_id);
/* Nothing is frozen any more: go on. */
void deed_queue_resume(DeedQueue *q);

/* For umbra status. */
typedef struct DeedReport {
        DeedKind kind;
        const CatalogSnapshot *snapshot;
        const char *path;  /* where it is exposed, or what is reverted; NULL */
        bool doing;        /* the provider is at it */
        bool waiting;      /* until the volume is activated anew */
        unsigned permille; /* of a revert */
} DeedReport;

/* The last of each volume, the latest at the end; NULL: none. */
const DeedPast *deed_queue_past_reverts(const DeedQueue *q);
void deed_queue_report(DeedQueue *q, void (*each)(const DeedReport *report, void *userdata), void *userdata);
