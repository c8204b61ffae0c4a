/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The Catalog
 *
 * What umbra would otherwise forget when it dies. It is small (a row per snapshot) and written rarely (a few times
 * per set), so every choice here is for safety and none for speed:
 *
 *   - A rollback journal instead of a write-ahead log, and one that stays (PERSIST): its blocks and those of the
 *     database are there already, so also on a disk that is full a snapshot can be deleted, which is just when one
 *     wants to. It is also one file at rest, which can be copied.
 *   - synchronous = EXTRA: what was committed is there after a power failure, the directory entry included.
 *   - locking_mode = EXCLUSIVE: there is one umbrad for a state directory. A second one does not get past
 *     catalog_open(), and that is what tells it.
 *   - A damaged catalog is refused, by a full check at the start, and never repaired silently: it is the only one to
 *     know what to discard, so somebody has to look.
 */

#include "coordinator/catalog.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

#include "base/alloc.h"
#include "base/fd-util.h"
#include "base/log.h"
#include "base/string-table.h"
#include "coordinator/catalog-migrate.h"

struct Catalog {
        sqlite3 *db;
        char *path;
        unsigned frozen;
};

static const char *const catalog_state_table[_CATALOG_STATE_MAX] = {
        [CATALOG_PLANNED] = "planned",
        [CATALOG_CREATED] = "created",
        [CATALOG_DELETING] = "deleting",
};

DEFINE_STRING_TABLE(catalog_state, CatalogState)

static int errno_from_sqlite(sqlite3 *db, int rc) {
        int error = db ? sqlite3_system_errno(db) : 0;

        switch (rc & 0xff) {
        case SQLITE_OK:
        case SQLITE_ROW:
        case SQLITE_DONE:
                return 0;
        case SQLITE_NOMEM:
                return -ENOMEM;
        case SQLITE_FULL:
                return -ENOSPC;
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
                return -EBUSY;
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB:
                return -EUCLEAN;
        case SQLITE_READONLY:
                return -EROFS;
        case SQLITE_PERM:
        case SQLITE_AUTH:
                return -EACCES;
        case SQLITE_CANTOPEN:
        case SQLITE_IOERR:
                if (rc == SQLITE_IOERR_NOMEM)
                        return -ENOMEM;
                return error == ENOSPC || error == EDQUOT ? -ENOSPC : error > 0 ? -error : -EIO;
        case SQLITE_CONSTRAINT:
                return rc == SQLITE_CONSTRAINT_UNIQUE || rc == SQLITE_CONSTRAINT_PRIMARYKEY ? -EEXIST : -EINVAL;
        case SQLITE_TOOBIG:
                return -E2BIG;
        default:
                return -EIO;
        }
}

static int catalog_errno(Catalog *c) {
        return errno_from_sqlite(c->db, sqlite3_extended_errcode(c->db));
}

static void stmt_finalizep(sqlite3_stmt **stmt) {
        sqlite3_finalize(*stmt);
}

static int catalog_prepare(Catalog *c, const char *sql, sqlite3_stmt **ret) {
        return sqlite3_prepare_v2(c->db, sql, -1, ret, NULL) == SQLITE_OK ? 0 : catalog_errno(c);
}

/* Binding fails only for want of memory, and then the statement fails as well, or for a name that is not in it, which
 * the first test of that statement finds. */
static void bind_text(sqlite3_stmt *stmt, const char *name, const char *value) {
        (void) sqlite3_bind_text(stmt, sqlite3_bind_parameter_index(stmt, name), value, -1, SQLITE_STATIC);
}

static void bind_int(sqlite3_stmt *stmt, const char *name, int64_t value) {
        (void) sqlite3_bind_int64(stmt, sqlite3_bind_parameter_index(stmt, name), value);
}

static void bind_guid(sqlite3_stmt *stmt, const char *name, const GUID *value) {
        (void) sqlite3_bind_blob(stmt, sqlite3_bind_parameter_index(stmt, name), value, sizeof(*value), SQLITE_STATIC);
}

/* Runs a statement without an answer. */
static int catalog_run(Catalog *c, sqlite3_stmt *stmt) {
        return sqlite3_step(stmt) == SQLITE_DONE ? 0 : catalog_errno(c);
}

static int catalog_exec(Catalog *c, const char *sql) {
        return sqlite3_exec(c->db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : catalog_errno(c);
}

/* Everything that writes stands between begin and commit; leaving in between takes it back. */
static int transaction_begin(Catalog *c, Catalog **ret_transaction) {
        int r;

        if (c->frozen > 0)
                return -EBUSY;

        r = catalog_exec(c, "BEGIN IMMEDIATE");
        if (r < 0)
                return r;

        *ret_transaction = c;
        return 0;
}

static void transaction_endp(Catalog **transaction) {
        if (*transaction)
                (void) sqlite3_exec((*transaction)->db, "ROLLBACK", NULL, NULL, NULL);
}

static int transaction_commit(Catalog **transaction) {
        int r;

        r = catalog_exec(*transaction, "COMMIT");
        if (r >= 0)
                *transaction = NULL;
        return r;
}

void catalog_freeze(Catalog *c) {
        ++c->frozen;
}

void catalog_thaw(Catalog *c) {
        assert(c->frozen > 0);
        --c->frozen;
}

static const char sql_configure[] =
        "PRAGMA locking_mode = EXCLUSIVE;"
        "PRAGMA journal_mode = PERSIST;"
        "PRAGMA synchronous = EXTRA;"
        "PRAGMA foreign_keys = ON;"
        "PRAGMA trusted_schema = OFF;"
        "PRAGMA cell_size_check = ON;"
        "BEGIN EXCLUSIVE; COMMIT"; /* takes the lock, for as long as we live */

/* *ret_why: the first thing that is wrong, or NULL. */
static int catalog_check(Catalog *c, char **ret_why) {
        _cleanup_(stmt_finalizep) sqlite3_stmt *stmt = NULL;
        const char *answer;
        int r;

        r = catalog_prepare(c, "PRAGMA quick_check(1)", &stmt);
        if (r < 0)
                return r;

        if (sqlite3_step(stmt) != SQLITE_ROW)
                return catalog_errno(c);

        answer = (const char *) sqlite3_column_text(stmt, 0);
        if (answer && strcmp(answer, "ok") == 0)
                return 0;

        r = strdup_to(answer, ret_why);
        return r < 0 ? r : -EUCLEAN;
}

/* SQLite would make it readable for everybody. */
static int create_private(const char *path) {
        _cleanup_(closep) int fd = -EBADF;

        fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        return fd < 0 ? -errno : 0;
}

static int catalog_set_up(Catalog *c, char **ret_why) {
        const char *refused = NULL;
        int rc, r;

        r = catalog_exec(c, sql_configure);
        if (r < 0)
                return r;

        r = catalog_check(c, ret_why);
        if (r < 0)
                return r;

        rc = catalog_migrate(c->db, &refused);
        if (refused) {
                r = strdup_to(refused, ret_why);
                return r < 0 ? r : -EUCLEAN;
        }

        return errno_from_sqlite(c->db, rc);
}

int catalog_open(const char *path, Catalog **ret) {
        _cleanup_(catalog_closep) Catalog *c = NULL;
        _cleanup_(freep) char *why = NULL;
        int rc, r;

        c = calloc_checked(1, sizeof(*c));
        if (!c)
                return -ENOMEM;

        r = strdup_to(path, &c->path);
        if (r < 0)
                return r;

        if (strcmp(path, ":memory:") != 0) {
                r = create_private(path);
                if (r < 0)
                        return log_error_errno(r, "Failed to open the catalog '%s', refusing: %m", path);
        }

        rc = sqlite3_open_v2(path, &c->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
        r = errno_from_sqlite(c->db, rc);
        if (r >= 0)
                r = catalog_set_up(c, &why);

        if (r == -EBUSY)
                return log_error_errno(r, "The catalog '%s' is in use by another umbrad, refusing", path);
        if (r < 0)
                return log_error_errno(r, "Failed to open the catalog '%s', refusing to touch it: %s: %m", path,
                                       why ?: sqlite3_errmsg(c->db));

        *ret = TAKE_PTR(c);
        return 0;
}

Catalog *catalog_close(Catalog *c) {
        if (!c)
                return NULL;

        (void) sqlite3_close(c->db);
        free(c->path);
        free(c);
        return NULL;
}

static const char sql_remember_volume[] =
        "INSERT INTO volume (id, path) VALUES (:id, :path) ON CONFLICT (id) DO UPDATE SET path = excluded.path";

static int insert_volume(Catalog *c, const GUID *volume_id, const char *path) {
        _cleanup_(stmt_finalizep) sqlite3_stmt *stmt = NULL;
        int r;

        r = catalog_prepare(c, sql_remember_volume, &stmt);
        if (r < 0)
                return r;

        bind_guid(stmt, ":id", volume_id);
        bind_text(stmt, ":path", path);
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

        bind_guid(stmt, ":id", &s->set_id);
        bind_int(stmt, ":snapshots_count", s->snapshots_count);
        bind_text(stmt, ":machine", s->machine);
        return catalog_run(c, stmt);
}

static const char sql_insert_snapshot[] =
        "INSERT INTO snapshot (id, set_id, state, provider, provider_id, volume_id, volume, note, device, exposed_name, "
        "                      exposed_path, context, consistency, created_usec) "
        "VALUES (:id, :set_id, 'planned', :provider, :provider_id, :volume_id, :volume, :note, :device, :exposed_name, "
        "        :exposed_path, :context, :consistency, 0)";

static int insert_snapshot(Catalog *c, const CatalogSnapshot *s) {
        _cleanup_(stmt_finalizep) sqlite3_stmt *stmt = NULL;
        int r;

        r = catalog_prepare(c, sql_insert_snapshot, &stmt);
        if (r < 0)
                return r;

        bind_guid(stmt, ":id", &s->id);
        bind_guid(stmt, ":set_id", &s->set_id);
        bind_text(stmt, ":provider", s->provider);
        bind_guid(stmt, ":provider_id", &s->provider_id);
        bind_guid(stmt, ":volume_id", &s->volume_id);
        bind_text(stmt, ":volume", s->volume);
        bind_text(stmt, ":note", s->note);
        bind_text(stmt, ":device", s->device);
        bind_text(stmt, ":exposed_name", s->exposed_name);
        bind_text(stmt, ":exposed_path", s->exposed_path);
        bind_int(stmt, ":context", s->context);
        bind_int(stmt, ":consistency", s->consistency);
        return catalog_run(c, stmt);
}

int catalog_plan(Catalog *c, const CatalogSnapshot *snapshots, size_t n) {
        _cleanup_(transaction_endp) Catalog *transaction = NULL;
        int r;

        r = transaction_begin(c, &transaction);
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

        return transaction_commit(&transaction);
}

/* What a statement that names one snapshot and the states it may be in has found: -ENOENT when there is no such
 * snapshot, -EBADFD when it is in another state. */
static int catalog_run_one(Catalog *c, sqlite3_stmt *stmt, const GUID *id) {
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
        "UPDATE snapshot SET state = 'created', device = :device, consistency = :consistency, created_usec = :created_usec "
        "WHERE id = :id AND state = 'planned'";

static int set_created_one(Catalog *c, const CatalogSnapshot *s) {
        _cleanup_(stmt_finalizep) sqlite3_stmt *stmt = NULL;
        int r;

        r = catalog_prepare(c, sql_set_created, &stmt);
        if (r < 0)
                return r;

        bind_guid(stmt, ":id", &s->id);
        bind_text(stmt, ":device", s->device);
        bind_int(stmt, ":consistency", s->consistency);
        bind_int(stmt, ":created_usec", (int64_t) s->created_usec);
        return catalog_run_one(c, stmt, &s->id);
}

int catalog_set_created(Catalog *c, const CatalogSnapshot *snapshots, size_t n) {
        _cleanup_(transaction_endp) Catalog *transaction = NULL;
        int r;

        r = transaction_begin(c, &transaction);
        if (r < 0)
                return r;

        for (size_t i = 0; i < n; ++i) {
                r = set_created_one(c, snapshots + i);
                if (r < 0)
                        return r;
        }

        return transaction_commit(&transaction);
}

static const char sql_set_device[] = "UPDATE snapshot SET device = :device WHERE id = :id";

int catalog_set_device(Catalog *c, const GUID *snapshot_id, const char *device) {
        _cleanup_(transaction_endp) Catalog *transaction = NULL;
        _cleanup_(stmt_finalizep) sqlite3_stmt *stmt = NULL;
        int r;

        r = transaction_begin(c, &transaction);
        if (r < 0)
                return r;

        r = catalog_prepare(c, sql_set_device, &stmt);
        if (r < 0)
                return r;

        bind_guid(stmt, ":id", snapshot_id);
        bind_text(stmt, ":device", device);

        r = catalog_run_one(c, stmt, snapshot_id);
        if (r < 0)
                return r;

        return transaction_commit(&transaction);
}

static const char sql_set_deleting[] = "UPDATE snapshot SET state = 'deleting' WHERE id = :id";

int catalog_set_deleting(Catalog *c, const GUID *snapshot_id) {
        _cleanup_(transaction_endp) Catalog *transaction = NULL;
        _cleanup_(stmt_finalizep) sqlite3_stmt *stmt = NULL;
        int r;

        r = transaction_begin(c, &transaction);
        if (r < 0)
                return r;

        r = catalog_prepare(c, sql_set_deleting, &stmt);
        if (r < 0)
                return r;

        bind_guid(stmt, ":id", snapshot_id);

        r = catalog_run_one(c, stmt, snapshot_id);
        if (r < 0)
                return r;

        return transaction_commit(&transaction);
}

static const char sql_forget[] = "DELETE FROM snapshot WHERE id = :id AND state = 'deleting'";
static const char sql_forget_empty_sets[] =
        "DELETE FROM snapshot_set WHERE NOT EXISTS (SELECT 1 FROM snapshot WHERE set_id = snapshot_set.id)";

int catalog_forget(Catalog *c, const GUID *snapshot_id) {
        _cleanup_(transaction_endp) Catalog *transaction = NULL;
        _cleanup_(stmt_finalizep) sqlite3_stmt *stmt = NULL;
        int r;

        r = transaction_begin(c, &transaction);
        if (r < 0)
                return r;

        r = catalog_prepare(c, sql_forget, &stmt);
        if (r < 0)
                return r;

        bind_guid(stmt, ":id", snapshot_id);

        r = catalog_run_one(c, stmt, snapshot_id);
        if (r < 0)
                return r;

        r = catalog_exec(c, sql_forget_empty_sets);
        if (r < 0)
                return r;

        return transaction_commit(&transaction);
}

int catalog_remember_volume(Catalog *c, const GUID *volume_id, const char *path) {
        _cleanup_(transaction_endp) Catalog *transaction = NULL;
        int r;

        r = transaction_begin(c, &transaction);
        if (r < 0)
                return r;

        r = insert_volume(c, volume_id, path);
        if (r < 0)
                return r;

        return transaction_commit(&transaction);
}

void catalog_snapshot_clear(CatalogSnapshot *s) {
        free(s->provider);
        free(s->volume);
        free(s->note);
        free(s->device);
        free(s->exposed_name);
        free(s->exposed_path);
        free(s->machine);
        *s = (CatalogSnapshot) {};
}

void catalog_list_clear(CatalogList *l) {
        for (size_t i = 0; i < l->n; ++i)
                catalog_snapshot_clear(l->items + i);

        free(l->items);
        *l = (CatalogList) {};
}

/* The columns in the order of the enum, for every statement that reads snapshots. */
#define SNAPSHOT_COLUMNS                                                                                               \
        "SELECT s.id, s.set_id, s.state, s.provider, s.provider_id, s.volume, s.volume_id, s.note, s.device, "         \
        "       s.exposed_name, s.exposed_path, t.snapshots_count, s.context, s.consistency, s.created_usec, t.machine " \
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
static const char sql_list[] = SNAPSHOT_COLUMNS
        "WHERE (:set_id IS NULL OR s.set_id = :set_id) AND (:state IS NULL OR s.state = :state) ORDER BY s.sequence";

static int read_guid(sqlite3_stmt *stmt, int column, GUID *ret) {
        const void *bytes = sqlite3_column_blob(stmt, column);

        if (!bytes || sqlite3_column_bytes(stmt, column) != sizeof(*ret))
                return -EUCLEAN;

        memcpy(ret, bytes, sizeof(*ret));
        return 0;
}

static int read_text(sqlite3_stmt *stmt, int column, char **ret) {
        const char *text = (const char *) sqlite3_column_text(stmt, column);

        if (!text && sqlite3_column_type(stmt, column) != SQLITE_NULL)
                return -ENOMEM;

        return strdup_to(text, ret);
}

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
                int r = read_text(stmt, texts[i].column, texts[i].to);

                if (r < 0)
                        return r;
        }

        return 0;
}

static int read_snapshot(sqlite3_stmt *stmt, CatalogSnapshot *ret) {
        _cleanup_(catalog_snapshot_clear) CatalogSnapshot s = {};
        int r;

        r = read_guid(stmt, COLUMN_ID, &s.id);
        if (r >= 0)
                r = read_guid(stmt, COLUMN_SET_ID, &s.set_id);
        if (r >= 0)
                r = read_guid(stmt, COLUMN_PROVIDER_ID, &s.provider_id);
        if (r >= 0)
                r = read_guid(stmt, COLUMN_VOLUME_ID, &s.volume_id);
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

        *ret = s;
        s = (CatalogSnapshot) {};
        return 0;
}

int catalog_get(Catalog *c, const GUID *snapshot_id, CatalogSnapshot *ret) {
        _cleanup_(stmt_finalizep) sqlite3_stmt *stmt = NULL;
        int r;

        r = catalog_prepare(c, sql_get, &stmt);
        if (r < 0)
                return r;

        bind_guid(stmt, ":id", snapshot_id);

        switch (sqlite3_step(stmt)) {
        case SQLITE_ROW:
                return read_snapshot(stmt, ret);
        case SQLITE_DONE:
                return -ENOENT;
        default:
                return catalog_errno(c);
        }
}

int catalog_list(Catalog *c, const GUID *set_id, CatalogState state, CatalogList *ret) {
        _cleanup_(catalog_list_clear) CatalogList list = {};
        _cleanup_(stmt_finalizep) sqlite3_stmt *stmt = NULL;
        int rc, r;

        r = catalog_prepare(c, sql_list, &stmt);
        if (r < 0)
                return r;

        if (set_id)
                bind_guid(stmt, ":set_id", set_id);
        if (state >= 0)
                bind_text(stmt, ":state", catalog_state_to_string(state));

        while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
                r = ARRAY_RESERVE(list.items, list.capacity, list.n + 1);
                if (r < 0)
                        return r;

                r = read_snapshot(stmt, list.items + list.n);
                if (r < 0)
                        return r;

                ++list.n;
        }
        if (rc != SQLITE_DONE)
                return catalog_errno(c);

        *ret = list;
        list = (CatalogList) {};
        return 0;
}

static const char sql_count_volume[] = "SELECT count(*) FROM snapshot WHERE volume_id = :volume_id";

int catalog_count_volume(Catalog *c, const GUID *volume_id, unsigned *ret) {
        _cleanup_(stmt_finalizep) sqlite3_stmt *stmt = NULL;
        int r;

        r = catalog_prepare(c, sql_count_volume, &stmt);
        if (r < 0)
                return r;

        bind_guid(stmt, ":volume_id", volume_id);

        if (sqlite3_step(stmt) != SQLITE_ROW)
                return catalog_errno(c);

        *ret = (unsigned) sqlite3_column_int(stmt, 0);
        return 0;
}

static const char sql_find_volume[] = "SELECT path FROM volume WHERE id = :id";

int catalog_find_volume(Catalog *c, const GUID *volume_id, char **ret_path) {
        _cleanup_(stmt_finalizep) sqlite3_stmt *stmt = NULL;
        int r;

        r = catalog_prepare(c, sql_find_volume, &stmt);
        if (r < 0)
                return r;

        bind_guid(stmt, ":id", volume_id);

        switch (sqlite3_step(stmt)) {
        case SQLITE_ROW:
                return read_text(stmt, 0, ret_path);
        case SQLITE_DONE:
                return -ENOENT;
        default:
                return catalog_errno(c);
        }
}
