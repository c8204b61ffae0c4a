/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Writing the Catalog
 *
 * Each function is a transaction: a set is planned, created, forgotten as a whole or not at all. Statements
 * name the states they start from, so a step that the picture in catalog.h does not have changes nothing,
 * and is told as -EBADFD.
 */

#include "catalog/catalog-internal.h"
#include "catalog/catalog-statement.h"

static const char sql_remember_volume[] =
        "INSERT INTO volume (id, path) VALUES (:id, :path) "
        "ON CONFLICT (id) DO UPDATE SET path = excluded.path";

static int insert_volume(Catalog *c, const GUID *volume_id, const char *path) {
        const CatalogValue values[] = {
                value_guid(":id", volume_id),
                value_text(":path", path),
        };

        return catalog_run(c, sql_remember_volume, values, ELEMENTSOF(values));
}

static const char sql_insert_set[] =
        "INSERT INTO snapshot_set (id, snapshots_count, machine) VALUES (:id, :snapshots_count, :machine) "
        "ON CONFLICT (id) DO NOTHING";

static int insert_set(Catalog *c, const CatalogSnapshot *s) {
        const CatalogValue values[] = {
                value_guid(":id", &s->set_id),
                value_int(":snapshots_count", s->snapshots_count),
                value_text(":machine", s->machine),
        };

        return catalog_run(c, sql_insert_set, values, ELEMENTSOF(values));
}

static const char sql_insert_snapshot[] =
        "INSERT INTO snapshot (id, set_id, state, provider, provider_id, volume_id, volume, note, device, "
        "                      exposed_name, exposed_path, context, consistency, created_usec) "
        "VALUES (:id, :set_id, 'planned', :provider, :provider_id, :volume_id, :volume, :note, :device, "
        "        :exposed_name, :exposed_path, :context, :consistency, 0)";

static int insert_snapshot(Catalog *c, const CatalogSnapshot *s) {
        const CatalogValue values[] = {
                value_guid(":id", &s->id),
                value_guid(":set_id", &s->set_id),
                value_text(":provider", s->provider),
                value_guid(":provider_id", &s->provider_id),
                value_guid(":volume_id", &s->volume_id),
                value_text(":volume", s->volume),
                value_text(":note", s->note),
                value_text(":device", s->device),
                value_text(":exposed_name", s->exposed_name),
                value_text(":exposed_path", s->exposed_path),
                value_int(":context", s->context),
                value_int(":consistency", s->consistency),
        };

        return catalog_run(c, sql_insert_snapshot, values, ELEMENTSOF(values));
}

/* With its set and its volume. */
static int insert_planned(Catalog *c, const CatalogSnapshot *s) {
        int r;

        r = insert_set(c, s);
        if (r >= 0)
                r = insert_volume(c, &s->volume_id, s->volume);
        if (r >= 0)
                r = insert_snapshot(c, s);
        return r;
}

typedef int (*WriteOne)(Catalog *c, const CatalogSnapshot *s);

/* All or none. */
static int write_all(Catalog *c, const CatalogSnapshot *snapshots, size_t n, WriteOne write_one) {
        _cleanup_(catalog_transaction_endp) Catalog *transaction = NULL;
        int r;

        r = catalog_transaction_begin(c, &transaction);
        if (r < 0)
                return r;

        for (size_t i = 0; i < n; ++i) {
                r = write_one(c, snapshots + i);
                if (r < 0)
                        return r;
        }

        return catalog_transaction_commit(&transaction);
}

int catalog_plan(Catalog *c, const CatalogSnapshot *snapshots, size_t n) {
        return write_all(c, snapshots, n, insert_planned);
}

static const char sql_set_created[] =
        "UPDATE snapshot SET state = 'created', device = :device, consistency = :consistency, "
        "                    created_usec = :created_usec "
        "WHERE id = :id AND state = 'planned'";

static int set_created_one(Catalog *c, const CatalogSnapshot *s) {
        const CatalogValue values[] = {
                value_guid(":id", &s->id),
                value_text(":device", s->device),
                value_int(":consistency", s->consistency),
                value_int(":created_usec", (int64_t) s->created_usec),
        };

        return catalog_run_one(c, sql_set_created, values, ELEMENTSOF(values), &s->id);
}

static int adopt_one(Catalog *c, const CatalogSnapshot *s) {
        int r;

        r = insert_planned(c, s);
        return r < 0 ? r : set_created_one(c, s);
}

int catalog_adopt(Catalog *c, const CatalogSnapshot *snapshot) {
        return write_all(c, snapshot, 1, adopt_one);
}

int catalog_set_created(Catalog *c, const CatalogSnapshot *snapshots, size_t n) {
        return write_all(c, snapshots, n, set_created_one);
}

static const char sql_set_device[] = "UPDATE snapshot SET device = :device WHERE id = :id";

int catalog_set_device(Catalog *c, const GUID *snapshot_id, const char *device) {
        const CatalogValue values[] = {
                value_guid(":id", snapshot_id),
                value_text(":device", device),
        };

        return catalog_write_one(c, sql_set_device, values, ELEMENTSOF(values), snapshot_id);
}

static const char sql_set_deleting[] = "UPDATE snapshot SET state = 'deleting' WHERE id = :id";

int catalog_set_deleting(Catalog *c, const GUID *snapshot_id) {
        const CatalogValue values[] = { value_guid(":id", snapshot_id) };

        return catalog_write_one(c, sql_set_deleting, values, ELEMENTSOF(values), snapshot_id);
}

static const char sql_forget[] = "DELETE FROM snapshot WHERE id = :id AND state = 'deleting'";
static const char sql_forget_empty_sets[] =
        "DELETE FROM snapshot_set WHERE NOT EXISTS (SELECT 1 FROM snapshot WHERE set_id = snapshot_set.id)";

int catalog_forget_empty_sets(Catalog *c) {
        return catalog_exec(c, sql_forget_empty_sets);
}

int catalog_forget(Catalog *c, const GUID *snapshot_id) {
        const CatalogValue values[] = { value_guid(":id", snapshot_id) };
        _cleanup_(catalog_transaction_endp) Catalog *transaction = NULL;
        int r;

        r = catalog_transaction_begin(c, &transaction);
        if (r < 0)
                return r;

        r = catalog_run_one(c, sql_forget, values, ELEMENTSOF(values), snapshot_id);
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
