/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The Catalog
 *
 * What exists and what was about to: SQLite, STRICT tables, synchronous EXTRA. Intent is written before a
 * deed, and never while anything is frozen: between catalog_freeze() and catalog_thaw(), which nest, every
 * write is refused with -EBUSY. A disk that is full is -ENOSPC, and keeps nobody from deleting and
 * forgetting.
 */

#include <stdbool.h>
#include <stdint.h>

#include <wintypes.h>

#include "base/macro.h"
#include "base/time-util.h"

typedef struct Catalog Catalog;

/*
 *          plan            set_created
 *  (none) ──────> PLANNED ─────────────> CREATED
 *                    │                      │ set_deleting
 *                    `──────────────────────`─────────────> DELETING ──────> (none)
 *                                                              forget
 *
 * A step that is not in the picture is refused with -EBADFD; deleting what is being deleted is fine. At
 * start everything PLANNED or DELETING is discarded, and CREATED ones that were to be auto-released too.
 */
typedef enum CatalogState {
        CATALOG_PLANNED,  /* a provider may have begun */
        CATALOG_CREATED,  /* the snapshot exists and is committed */
        CATALOG_DELETING, /* it is going away */
        _CATALOG_STATE_MAX,
        _CATALOG_STATE_INVALID = -22,
} CatalogState;

const char *catalog_state_to_string(CatalogState s);
CatalogState catalog_state_from_string(const char *s);

typedef struct CatalogSnapshot {
        GUID id, set_id;
        CatalogState state;
        char *provider;         /* ProviderOps.name */
        GUID provider_id;
        char *volume;           /* directory */
        GUID volume_id;
        char *note;             /* the provider's */
        char *device;           /* where it was surfaced; NULL */
        char *exposed_name, *exposed_path;
        int32_t snapshots_count; /* of the set at creation */
        uint32_t context;       /* with attribute bits */
        int32_t consistency;
        usec_t created_usec;    /* CLOCK_REALTIME at the instant; 0 while planned */
        char *machine;
} CatalogSnapshot;

void catalog_snapshot_clear(CatalogSnapshot *s);

/* ":memory:" for tests. -EUCLEAN: damaged, not ours, or of a later umbra; never repaired silently. -EBUSY:
 * another umbrad has it open. Why is in the log. */
int catalog_open(const char *path, Catalog **ret);
Catalog *catalog_close(Catalog *c);
DEFINE_CLEANUP(Catalog *, catalog_close)
void catalog_freeze(Catalog *c);
void catalog_thaw(Catalog *c);
bool catalog_is_frozen(const Catalog *c);

/* As it is now, into another file, which is half there when it fails, and not on disk for sure. */
int catalog_copy(Catalog *c, const char *path);

/* All rows of a set in one transaction, and their volumes remembered. -EEXIST. */
int catalog_plan(Catalog *c, const CatalogSnapshot *snapshots, size_t n);
/* State CREATED for all of the set in one transaction, with device, consistency and created_usec of each. */
int catalog_set_created(Catalog *c, const CatalogSnapshot *snapshots, size_t n);
int catalog_set_device(Catalog *c, const GUID *snapshot_id, const char *device);
int catalog_set_deleting(Catalog *c, const GUID *snapshot_id);
int catalog_forget(Catalog *c, const GUID *snapshot_id);

/* One that exists already and was made elsewhere: straight into CREATED. -EEXIST. */
int catalog_adopt(Catalog *c, const CatalogSnapshot *snapshot);
/* It is not ours any more, whatever its state; its storage stays. */
int catalog_let_go(Catalog *c, const GUID *snapshot_id);

/* What is being done to a snapshot and goes on after a crash; one at a time. */
typedef enum CatalogDeedKind {
        CATALOG_REVERT, /* a directory becomes what the snapshot is */
        CATALOG_BREAK,  /* the snapshot becomes a directory like any other */
        _CATALOG_DEED_KIND_MAX,
        _CATALOG_DEED_KIND_INVALID = -22,
} CatalogDeedKind;

const char *catalog_deed_kind_to_string(CatalogDeedKind k);
CatalogDeedKind catalog_deed_kind_from_string(const char *s);

typedef struct CatalogDeed {
        GUID snapshot_id;
        CatalogDeedKind kind;
        char *target; /* the directory that is overwritten; NULL: none is */
        GUID target_id; /* its volume; GUID_NULL: nobody knows */
        uint32_t flags;
        char *how;    /* what its provider decided before; NULL */
} CatalogDeed;

typedef struct CatalogDeedList {
        CatalogDeed *items;
        size_t n, capacity;
} CatalogDeedList;
void catalog_deed_list_clear(CatalogDeedList *l);

/* -EEXIST: there is one already; -EBADFD: the snapshot is not CREATED; -ENOENT. */
int catalog_add_deed(Catalog *c, const CatalogDeed *deed);
int catalog_remove_deed(Catalog *c, const GUID *snapshot_id);
int catalog_list_deeds(Catalog *c, CatalogDeedList *ret);

/* Where the snapshot is (about to be) exposed; NULL: nowhere. */
int catalog_set_exposed(Catalog *c, const GUID *snapshot_id, const char *name);

int catalog_get(Catalog *c, const GUID *snapshot_id, CatalogSnapshot *ret); /* -ENOENT */
typedef struct CatalogList {
        CatalogSnapshot *items;
        size_t n, capacity;
} CatalogList;
void catalog_list_clear(CatalogList *l);
/* @set_id NULL: all; @state _CATALOG_STATE_INVALID: all. Oldest first. */
int catalog_list(Catalog *c, const GUID *set_id, CatalogState state, CatalogList *ret);
/* Those CREATED ones that copy this volume. Oldest first. */
int catalog_list_volume(Catalog *c, const GUID *volume_id, CatalogList *ret);
/* The same as catalog_list() without a set, for who needs one after the other only. @each may not call the catalog; < 0 ends it, and
 * is returned. */
int catalog_foreach(Catalog *c, CatalogState state, int (*each)(const CatalogSnapshot *row, void *userdata), void *userdata);
int catalog_count_volume(Catalog *c, const GUID *volume_id, unsigned *ret);
/* Names of directory volumes that were ever used, so that their GUID names can be found again. */
int catalog_remember_volume(Catalog *c, const GUID *volume_id, const char *path);
int catalog_find_volume(Catalog *c, const GUID *volume_id, char **ret_path); /* -ENOENT */

/* Writers that are a document and no process; their documents are kept byte for byte. -EEXIST: the class or
 * the instance is there. -ENOENT. */
int catalog_add_express_writer(Catalog *c,
                               const GUID *writer_id,
                               const GUID *instance_id,
                               const char *document,
                               size_t size);
int catalog_remove_express_writer(Catalog *c, const GUID *writer_id);
int catalog_get_express_writer(Catalog *c, const GUID *writer_id, char **ret_document, size_t *ret_size);
/* Their classes, in the order of registration. */
int catalog_list_express_writers(Catalog *c, GUID **ret, size_t *ret_n);
