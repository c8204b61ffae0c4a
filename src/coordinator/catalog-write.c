/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Writing the Catalog
 *
 * Each function is a transaction: a set is planned, created, forgotten as a whole or not at all. Statements
 * name the states they start from, so a step that the picture in catalog.h does not have changes nothing,
 * and is told as -EBADFD.
 */

#include <errno.h>

#include "coordinator/catalog-internal.h"

static const char sql_remember_volume[] =
        "INSERT INTO volume (id, path) VALUES (:id, :path) "
        "ON CONFLICT (id) DO UPDATE SET path = excluded.path";

static int insert_volume(Catalog *c, const GUID *volume_id, const char *path) {
        _cleanup_(stmt_finalizep) sqlite3_stmt *stmt = NULL;
        int r;

        r = catalog_prepare(c, sql_remember_volume, &stmt);
        if (r < 0)
                return r;

        catalog_bind_guid(stmt, ":id", volume_id);
        catalog_bind_text(stmt, ":path", path);
        return catalog_run(c, stmt);
}

static const char sql_insert_set[] =
        "INSERT INTO snapshot_set (id, snapshots_count, machine) VALUES (:id, :snapshots_count, :machine) "
        "ON CONFLICT (id) DO NOTHING";

static int insert_set(Catalog *c, const CatalogSnapshot *s) {
        _cleanup_(stmt_finalizep) sqlite3_stmt *stmt = NULL;
        int r;

        r = catalog_prepare(c, sql_insert_set, &stmt);
        if (r < 0)
                return r;

        catalog_bind_guid(stmt, ":id", &s->set_id);
        catalog_bind_int(stmt, ":snapshots_count", s->snapshots_count);
        catalog_bind_text(stmt, ":machine", s->machine);
        return catalog_run(c, stmt);
}

static const char sql_insert_snapshot[] =
        "INSERT INTO snapshot (id, set_id, state, provider, provider_id, volume_id, volume, note, device, "
        "                      exposed_name, exposed_path, context, consistency, created_usec) "
        "VALUES (:id, :set_id, 'planned', :provider, :provider_id, :volume_id, :volume, :note, :device, "
        "        :exposed_name, :exposed_path, :context, :consistency, 0)";

static int insert_snapshot(Catalog *c, const CatalogSnapshot *s) {
        _cleanup_(stmt_finalizep) sqlite3_stmt *stmt = NULL;
        int r;

        r = catalog_prepare(c, sql_insert_snapshot, &stmt);
        if (r < 0)
                return r;

        catalog_bind_guid(stmt, ":id", &s->id);
        catalog_bind_guid(stmt, ":set_id", &s->set_id);
        catalog_bind_text(stmt, ":provider", s->provider);
        catalog_bind_guid(stmt, ":provider_id", &s->provider_id);
        catalog_bind_guid(stmt, ":volume_id", &s->volume_id);
        catalog_bind_text(stmt, ":volume", s->volume);
        catalog_bind_text(stmt, ":note", s->note);
        catalog_bind_text(stmt, ":device", s->device);
        catalog_bind_text(stmt, ":exposed_name", s->exposed_name);
        catalog_bind_text(stmt, ":exposed_path", s->exposed_path);
        catalog_bind_int(stmt, ":context", s->context);
        catalog_bind_int(stmt, ":consistency", s->consistency);
        return catalog_run(c, stmt);
}

int catalog_plan(Catalog *c, const CatalogSnapshot *snapshots, size_t n) {
        _cleanup_(catalog_transaction_endp) Catalog *transaction = NULL;
        int r;

        r = catalog_transaction_begin(c, &transaction);
        if (r < 0)
                return r;

        for (size_t i = 0; i < n; ++i) {
                r = insert_set(c, snapshots + i);
                if (r < 0)
                        return r;

                r = insert_volume(c, &snapshots[i].volume_id, snapshots[i].volume);
                if (r < 0)
                        return r;

                r = insert_snapshot(c, snapshots + i);
                if (r < 0)
                        return r;
        }

        return catalog_transaction_commit(&transaction);
}

int catalog_run_one(Catalog *c, sqlite3_stmt *stmt, const GUID *id) {
        CatalogSnapshot s = {};
        int r;

        r = catalog_run(c, stmt);
        if (r < 0 || sqlite3_changes(c->db) == 1)
                return r;

        r = catalog_get(c, id, &s);
        catalog_snapshot_clear(&s);
        return r < 0 ? r : -EBADFD;
}

static const char sql_set_created[] =
        "UPDATE snapshot SET state = 'created', device = :device, consistency = :consistency, "
        "                    created_usec = :created_usec "
        "WHERE id = :id AND state = 'planned'";

static int set_created_one(Catalog *c, const CatalogSnapshot *s) {
        _cleanup_(stmt_finalizep) sqlite3_stmt *stmt = NULL;
        int r;

        r = catalog_prepare(c, sql_set_created, &stmt);
        if (r < 0)
                return r;

        catalog_bind_guid(stmt, ":id", &s->id);
        catalog_bind_text(stmt, ":device", s->device);
        catalog_bind_int(stmt, ":consistency", s->consistency);
        catalog_bind_int(stmt, ":created_usec", (int64_t) s->created_usec);
        return catalog_run_one(c, stmt, &s->id);
}

int catalog_adopt(Catalog *c, const CatalogSnapshot *snapshot) {
        _cleanup_(catalog_transaction_endp) Catalog *transaction = NULL;
        int r;

        r = catalog_transaction_begin(c, &transaction);
        if (r < 0)
                return r;

        r = insert_set(c, snapshot);
        if (r < 0)
                return r;

        r = insert_volume(c, &snapshot->volume_id, snapshot->volume);
        if (r < 0)
                return r;

        r = insert_snapshot(c, snapshot);
        if (r < 0)
                return r;

        r = set_created_one(c, snapshot);
        if (r < 0)
                return r;

        return catalog_transaction_commit(&transaction);
}

int catalog_set_created(Catalog *c, const CatalogSnapshot *snapshots, size_t n) {
        _cleanup_(catalog_transaction_endp) Catalog *transaction = NULL;
        int r;

        r = catalog_transaction_begin(c, &transaction);
        if (r < 0)
                return r;

        for (size_t i = 0; i < n; ++i) {
                r = set_created_one(c, snapshots + i);
                if (r < 0)
                        return r;
        }

        return catalog_transaction_commit(&transaction);
}

static const char sql_set_device[] = "UPDATE snapshot SET device = :device WHERE id = :id";

int catalog_set_device(Catalog *c, const GUID *snapshot_id, const char *device) {
        _cleanup_(catalog_transaction_endp) Catalog *transaction = NULL;
        _cleanup_(stmt_finalizep) sqlite3_stmt *stmt = NULL;
        int r;

        r = catalog_transaction_begin(c, &transaction);
        if (r < 0)
                return r;

        r = catalog_prepare(c, sql_set_device, &stmt);
        if (r < 0)
                return r;

        catalog_bind_guid(stmt, ":id", snapshot_id);
        catalog_bind_text(stmt, ":device", device);

        r = catalog_run_one(c, stmt, snapshot_id);
        if (r < 0)
                return r;

        return catalog_transaction_commit(&transaction);
}

static const char sql_set_deleting[] = "UPDATE snapshot SET state = 'deleting' WHERE id = :id";

int catalog_set_deleting(Catalog *c, const GUID *snapshot_id) {
        _cleanup_(catalog_transaction_endp) Catalog *transaction = NULL;
        _cleanup_(stmt_finalizep) sqlite3_stmt *stmt = NULL;
        int r;

        r = catalog_transaction_begin(c, &transaction);
        if (r < 0)
                return r;

        r = catalog_prepare(c, sql_set_deleting, &stmt);
        if (r < 0)
                return r;

        catalog_bind_guid(stmt, ":id", snapshot_id);

        r = catalog_run_one(c, stmt, snapshot_id);
        if (r < 0)
                return r;

        return catalog_transaction_commit(&transaction);
}

static const char sql_forget[] = "DELETE FROM snapshot WHERE id = :id AND state = 'deleting'";
static const char sql_forget_empty_sets[] =
        "DELETE FROM snapshot_set WHERE NOT EXISTS (SELECT 1 FROM snapshot WHERE set_id = snapshot_set.id)";

int catalog_forget_empty_sets(Catalog *c) {
        return catalog_exec(c, sql_forget_empty_sets);
}

int catalog_forget(Catalog *c, const GUID *snapshot_id) {
        _cleanup_(catalog_transaction_endp) Catalog *transaction = NULL;
        _cleanup_(stmt_finalizep) sqlite3_stmt *stmt = NULL;
        int r;

        r = catalog_transaction_begin(c, &transaction);
        if (r < 0)
                return r;

        r = catalog_prepare(c, sql_forget, &stmt);
        if (r < 0)
                return r;

        catalog_bind_guid(stmt, ":id", snapshot_id);

        r = catalog_run_one(c, stmt, snapshot_id);
        if (r < 0)
                return r;

        r = catalog_forget_empty_sets(c);
        if (r < 0)
                return r;

        return catalog_transaction_commit(&transaction);
}

int catalog_remember_volume(Catalog *c, const GUID *volume_id, const char *path) {
        _cleanup_(catalog_transaction_endp) Catalog *transaction = NULL;
        int r;

        r = catalog_transaction_begin(c, &transaction);
        if (r < 0)
                return r;

        r = insert_volume(c, volume_id, path);
        if (r < 0)
                return r;

        return catalog_transaction_commit(&transaction);
}
