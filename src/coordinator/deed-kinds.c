/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The Kinds of Deeds
 *
 * For each: what the provider is asked, and what the catalog says before and after.
 */

#include "base/alloc.h"
#include "base/string-table.h"
#include "coordinator/deed-internal.h"
#include "coordinator/left-behind.h"
#include "wire/wire-limits.h"

/* A revert takes as long as the volume is large. */
#define REVERT_TIMEOUT_USEC (USEC_INFINITY / 2)

static const char *const deed_kind_table[_DEED_KIND_MAX] = {
        [DEED_EXPOSE] = "expose",
        [DEED_UNEXPOSE] = "unexpose",
        [DEED_REVERT] = "revert",
        [DEED_BREAK] = "break",
        [DEED_IMPORT] = "import",
};

DEFINE_STRING_TABLE_TO(deed_kind, DeedKind)

static char **deed_path(Deed *d) {
        return &d->path;
}

static int expose_check(Deed *d, const DeedQuestion *q) {
        return provider_client_may_expose(q->client, q->snapshot, d->snapshot.device, d->path, d->uid,
                                          q->timeout, q->done, d);
}

static int expose_record(Deed *d, Catalog *c) {
        return catalog_set_exposed(c, &d->snapshot.id, d->path);
}

static int expose_ask(Deed *d, const DeedQuestion *q) {
        return provider_client_expose(q->client, q->snapshot, d->snapshot.device, d->path, q->timeout,
                                      q->done, d);
}

static int unexpose_ask(Deed *d, const DeedQuestion *q) {
        return provider_client_unexpose(q->client, q->snapshot, d->snapshot.device, d->path, q->timeout,
                                        q->done, d);
}

/* One that cannot be unexposed is exposed still. */
static int unexpose_finish(Deed *d, Catalog *c) {
        return SUCCEEDED(d->result) ? catalog_set_exposed(c, &d->snapshot.id, NULL) : 0;
}

static int revert_check(Deed *d, const DeedQuestion *q) {
        return provider_client_may_revert(q->client, q->snapshot, d->path, d->flags, q->timeout, q->done, d);
}

static int revert_record(Deed *d, Catalog *c) {
        const CatalogDeed row = {
                .snapshot_id = d->snapshot.id,
                .kind = CATALOG_REVERT,
                .target = d->path,
                .target_id = d->volume_id,
                .flags = d->flags,
                .how = d->how,
        };
        Manager *m = d->queue->manager;
        int r;

        d->leaves = d->how && left_behind_by(m, d->path);
        r = d->leaves ? left_behind_begin(m) : 0;
        if (r < 0)
                return r;

        r = catalog_add_deed(c, &row);
        if (r < 0 && d->leaves)
                left_behind_end(m);
        return r;
}

static char **revert_how(Deed *d) {
        return &d->how;
}

static int revert_ask(Deed *d, const DeedQuestion *q) {
        Manager *m = d->queue->manager;
        int r;

        if (d->leaves && !d->deferred) {
                r = left_behind_write(m);
                if (r < 0)
                        return r;
        }
        return provider_client_revert(q->client, q->snapshot, d->path, d->flags, d->how, q->timeout, q->done, d);
}

/* One that has failed can be begun anew, with this snapshot or another. */
static int revert_finish(Deed *d, Catalog *c) {
        int r;

        if (SUCCEEDED(d->result) && d->reverted == PROVIDER_REVERTED_WITH_ALL)
                r = catalog_let_go(c, &d->snapshot.id);
        else
                r = catalog_remove_deed(c, &d->snapshot.id);
        if (r >= 0 && d->leaves)
                left_behind_end(d->queue->manager);
        return r;
}

static int break_record(Deed *d, Catalog *c) {
        const CatalogDeed row = { .snapshot_id = d->snapshot.id, .kind = CATALOG_BREAK, .flags = d->flags };

        return catalog_add_deed(c, &row);
}

static int break_ask(Deed *d, const DeedQuestion *q) {
        return provider_client_break(q->client, q->snapshot, d->flags, q->timeout, q->done, d);
}

static int break_finish(Deed *d, Catalog *c) {
        return SUCCEEDED(d->result) ? catalog_let_go(c, &d->snapshot.id) :
                                      catalog_remove_deed(c, &d->snapshot.id);
}

static int import_check(Deed *d, const DeedQuestion *q) {
        return provider_client_import(q->client, q->snapshot, q->timeout, q->done, d);
}

static char **import_note(Deed *d) {
        return &d->snapshot.note;
}

static int import_record(Deed *d, Catalog *c) {
        return catalog_adopt(c, &d->snapshot);
}

static int import_ask(Deed *d, const DeedQuestion *q) {
        return provider_client_surface(q->client, q->snapshot, q->timeout, q->done, d);
}

/* What cannot be shown is not taken over; its storage is the requester's to clean up. [MS:
 * nf-vsbackup-ivssbackupcomponents-importsnapshots] */
static int import_finish(Deed *d, Catalog *c) {
        return SUCCEEDED(d->result) ? catalog_set_device(c, &d->snapshot.id, d->device) :
                                      catalog_let_go(c, &d->snapshot.id);
}

const DeedType deed_types[_DEED_KIND_MAX] = {
        [DEED_EXPOSE] = {
                .check_timeout = WIRE_CALL_TIMEOUT_USEC,
                .timeout = WIRE_CALL_TIMEOUT_USEC,
                .check = expose_check,
                .checked = deed_path,
                .record = expose_record,
                .ask = expose_ask,
        },
        [DEED_UNEXPOSE] = {
                .timeout = WIRE_CALL_TIMEOUT_USEC,
                .repeats = true,
                .ask = unexpose_ask,
                .finish = unexpose_finish,
        },
        [DEED_REVERT] = {
                .check_timeout = WIRE_CALL_TIMEOUT_USEC,
                .timeout = REVERT_TIMEOUT_USEC,
                .repeats = true,
                .check = revert_check,
                .checked = revert_how,
                .record = revert_record,
                .ask = revert_ask,
                .finish = revert_finish,
        },
        [DEED_BREAK] = {
                .timeout = WIRE_DELETE_TIMEOUT_USEC,
                .repeats = true,
                .record = break_record,
                .ask = break_ask,
                .finish = break_finish,
        },
        [DEED_IMPORT] = {
                .check_timeout = WIRE_DELETE_TIMEOUT_USEC,
                .timeout = WIRE_DELETE_TIMEOUT_USEC,
                .repeats = true,
                .check = import_check,
                .checked = import_note,
                .record = import_record,
                .ask = import_ask,
                .finish = import_finish,
        },
};
