/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Reading the Catalog
 *
 * Whatever is read is copied out at once: no statement stays open between two calls.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "catalog/catalog-statement.h"

void catalog_snapshot_clear(CatalogSnapshot *s) {
        free(s->provider);
        free(s->volume);
        free(s->note);
        free(s->device);
        free(s->exposed_name);
        free(s->exposed_path);
        free(s->machine);
        *s = (CatalogSnapshot){};
}

void catalog_list_clear(CatalogList *l) {
        for (size_t i = 0; i < l->n; ++i)
                catalog_snapshot_clear(l->items + i);

        free(l->items);
        *l = (CatalogList){};
}

/* The columns in the order of the enum, for every statement that reads snapshots. */
#define SNAPSHOT_COLUMNS                                                                                    \
        "SELECT s.id, s.set_id, s.state, s.provider, s.provider_id, s.volume, s.volume_id, s.note, "        \
        "       s.device, s.exposed_name, s.exposed_path, t.snapshots_count, s.context, s.consistency, "    \
        "       s.created_usec, t.machine "                                                                 \
        "FROM snapshot AS s JOIN snapshot_set AS t ON t.id = s.set_id "

enum {
        COLUMN_ID,
        COLUMN_SET_ID,
        COLUMN_STATE,
        COLUMN_PROVIDER,
        COLUMN_PROVIDER_ID,
        COLUMN_VOLUME,
        COLUMN_VOLUME_ID,
        COLUMN_NOTE,
        COLUMN_DEVICE,
        COLUMN_EXPOSED_NAME,
        COLUMN_EXPOSED_PATH,
        COLUMN_SNAPSHOTS_COUNT,
        COLUMN_CONTEXT,
        COLUMN_CONSISTENCY,
        COLUMN_CREATED_USEC,
        COLUMN_MACHINE,
};

static const char sql_get[] = SNAPSHOT_COLUMNS "WHERE s.id = :id";
/* One statement a question, so that each finds its rows by an index. */
static const char sql_all[] = SNAPSHOT_COLUMNS "WHERE :state IS NULL OR s.state = :state ORDER BY s.sequence";
static const char sql_of_set[] = SNAPSHOT_COLUMNS
        "WHERE s.set_id = :set_id AND (:state IS NULL OR s.state = :state) ORDER BY s.sequence";
static const char sql_of_volume[] = SNAPSHOT_COLUMNS
        "WHERE s.volume_id = :volume_id AND s.state = 'created' ORDER BY s.sequence";

static int read_texts(sqlite3_stmt *stmt, CatalogSnapshot *s) {
        const struct {
                int column;
                char **to;
        } texts[] = {
                { COLUMN_PROVIDER,     &s->provider     },
                { COLUMN_VOLUME,       &s->volume       },
                { COLUMN_NOTE,         &s->note         },
                { COLUMN_DEVICE,       &s->device       },
                { COLUMN_EXPOSED_NAME, &s->exposed_name },
                { COLUMN_EXPOSED_PATH, &s->exposed_path },
                { COLUMN_MACHINE,      &s->machine      },
        };

        for (size_t i = 0; i < ELEMENTSOF(texts); ++i) {
                int r = catalog_column_text(stmt, texts[i].column, texts[i].to);

                if (r < 0)
                        return r;
        }

        return 0;
}

static int read_snapshot(sqlite3_stmt *stmt, void *ret) {
        _cleanup_(catalog_snapshot_clear) CatalogSnapshot s = {};
        int r;

        r = catalog_column_guid(stmt, COLUMN_ID, &s.id);
        if (r >= 0)
                r = catalog_column_guid(stmt, COLUMN_SET_ID, &s.set_id);
        if (r >= 0)
                r = catalog_column_guid(stmt, COLUMN_PROVIDER_ID, &s.provider_id);
        if (r >= 0)
                r = catalog_column_guid(stmt, COLUMN_VOLUME_ID, &s.volume_id);
        if (r >= 0)
                r = read_texts(stmt, &s);
        if (r < 0)
                return r;

        s.state = catalog_state_from_string((const char *) sqlite3_column_text(stmt, COLUMN_STATE));
        if (s.state < 0)
                return -EUCLEAN;

        s.snapshots_count = sqlite3_column_int(stmt, COLUMN_SNAPSHOTS_COUNT);
        s.context = (uint32_t) sqlite3_column_int64(stmt, COLUMN_CONTEXT);
        s.consistency = sqlite3_column_int(stmt, COLUMN_CONSISTENCY);
        s.created_usec = (usec_t) sqlite3_column_int64(stmt, COLUMN_CREATED_USEC);

        *(CatalogSnapshot *) ret = s;
        s = (CatalogSnapshot){};
        return 0;
}

int catalog_get(Catalog *c, const GUID *snapshot_id, CatalogSnapshot *ret) {
        const CatalogValue values[] = { value_guid(":id", snapshot_id) };
        _cleanup_(stmt_finalizep) sqlite3_stmt *stmt = NULL;
        int r;

        r = catalog_find(c, sql_get, values, ELEMENTSOF(values), &stmt);
        return r < 0 ? r : read_snapshot(stmt, ret);
}

static int read_list(Catalog *c, const char *sql, const CatalogValue *values, size_t n, CatalogList *ret) {
        _cleanup_(catalog_list_clear) CatalogList list = {};
        int r;

        r = CATALOG_READ_LIST(c, sql, values, n, read_snapshot, &list);
        if (r < 0)
                return r;

        *ret = list;
        list = (CatalogList){};
        return 0;
}

int catalog_list(Catalog *c, const GUID *set_id, CatalogState state, CatalogList *ret) {
        const CatalogValue values[] = {
                value_text(":state", catalog_state_to_string(state)),
                value_guid(":set_id", set_id),
        };

        return set_id ? read_list(c, sql_of_set, values, 2, ret) : read_list(c, sql_all, values, 1, ret);
}

int catalog_list_volume(Catalog *c, const GUID *volume_id, CatalogList *ret) {
        const CatalogValue values[] = { value_guid(":volume_id", volume_id) };

        return read_list(c, sql_of_volume, values, ELEMENTSOF(values), ret);
}

int catalog_foreach(Catalog *c,
                    CatalogState state,
                    int (*each)(const CatalogSnapshot *row, void *userdata),
                    void *userdata) {
        const CatalogValue values[] = { value_text(":state", catalog_state_to_string(state)) };
        _cleanup_(stmt_finalizep) sqlite3_stmt *stmt = NULL;
        int r;

        r = catalog_prepare(c, sql_all, values, ELEMENTSOF(values), &stmt);
        while (r >= 0 && (r = catalog_next(c, stmt)) > 0) {
                _cleanup_(catalog_snapshot_clear) CatalogSnapshot row = {};

                r = read_snapshot(stmt, &row);
                if (r >= 0)
                        r = each(&row, userdata);
        }

        return r;
}

static const char sql_count_volume[] = "SELECT count(*) FROM snapshot WHERE volume_id = :volume_id";

int catalog_count_volume(Catalog *c, const GUID *volume_id, unsigned *ret) {
        const CatalogValue values[] = { value_guid(":volume_id", volume_id) };

        return catalog_count(c, sql_count_volume, values, ELEMENTSOF(values), ret);
}

static const char sql_find_volume[] = "SELECT path FROM volume WHERE id = :id";

int catalog_find_volume(Catalog *c, const GUID *volume_id, char **ret_path) {
        const CatalogValue values[] = { value_guid(":id", volume_id) };
        _cleanup_(stmt_finalizep) sqlite3_stmt *stmt = NULL;
        int r;

        r = catalog_find(c, sql_find_volume, values, ELEMENTSOF(values), &stmt);
        return r < 0 ? r : catalog_column_text(stmt, 0, ret_path);
}
