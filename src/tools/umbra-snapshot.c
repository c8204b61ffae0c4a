/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * umbra snapshot
 *
 * Snapshots without a backup: what there is of them, and how they go.
 */

#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include <umbra.h>

#include "base/alloc.h"
#include "base/time-util.h"
#include "tools/snapshot-verbs.h"
#include "tools/verb.h"

#define FULL_TEXT_MAX 16U

static const char *const headings[] = { "SNAPSHOT", "SET", "CREATED", "VOLUME", "DEVICE", "KIND", "EXPOSED", NULL };
static const char *const list_headings[] = { "SNAPSHOT", "SET", "CREATED", "VOLUME", "DEVICE", "KIND", "EXPOSED", "FULL", NULL };

static const char *kind_of(LONG attributes) {
        if (attributes & VSS_VOLSNAP_ATTR_CLIENT_ACCESSIBLE)
                return "client-accessible";
        return attributes & VSS_VOLSNAP_ATTR_PERSISTENT ? "persistent" : "auto-release";
}

Table *snapshot_table_new(void) {
        return table_new(headings);
}

static void add_row(Table *t, const VSS_SNAPSHOT_PROP *p, const char *full) {
        _cleanup_(freep) char *volume = tool_text(p->m_pwszOriginalVolumeName), *device = tool_text(p->m_pwszSnapshotDeviceObject);
        _cleanup_(freep) char *exposed = tool_text(p->m_pwszExposedName);
        char created[TIMESTAMP_STRING_MAX];

        TABLE_ADD(t, GUID_TO_STRING(&p->m_SnapshotId), GUID_TO_STRING(&p->m_SnapshotSetId),
                  timestamp_to_string(usec_from_filetime(p->m_tsCreationTimestamp), created), volume, *device ? device : NULL,
                  kind_of(p->m_lSnapshotAttributes), *exposed ? exposed : NULL, full);
}

void snapshot_table_add(Table *t, const VSS_SNAPSHOT_PROP *p) {
        add_row(t, p, NULL);
}

/* list, show */

IVssBackupComponents *snapshot_connect(int *ret_exit) {
        _cleanup_(backup_releasep) IVssBackupComponents *backup = NULL;
        HRESULT hr;

        backup = tool_connect(ret_exit);
        if (!backup)
                return NULL;
        hr = IVssBackupComponents_InitializeForBackup(backup, NULL);
        if (SUCCEEDED(hr))
                hr = IVssBackupComponents_SetContext(backup, (LONG) VSS_CTX_ALL);
        if (FAILED(hr)) {
                *ret_exit = tool_fail(hr, "Cannot ask umbrad");
                return NULL;
        }
        return TAKE_PTR(backup);
}

int snapshot_id(const char *text, VSS_ID *ret) {
        if (guid_from_string(text, ret) >= 0)
                return EXIT_OK;

        fprintf(stderr, "umbra: '%s' is not an id; umbra snapshot list shows them.\n", text);
        return EXIT_USAGE;
}

HRESULT for_each_snapshot(IVssBackupComponents *backup, bool (*each)(const VSS_SNAPSHOT_PROP *p, void *userdata), void *userdata) {
        IVssEnumObject *list = NULL;
        VSS_OBJECT_PROP prop;
        bool more = true;
        ULONG n = 0;
        HRESULT hr;

        hr = IVssBackupComponents_Query(backup, GUID_NULL, VSS_OBJECT_NONE, VSS_OBJECT_SNAPSHOT, &list);
        while (more && SUCCEEDED(hr) && (hr = IVssEnumObject_Next(list, 1, &prop, &n)) == S_OK) {
                more = each(&prop.Obj.Snap, userdata);
                VssFreeSnapshotProperties(&prop.Obj.Snap);
        }
        if (list)
                IVssEnumObject_Release(list);
        return FAILED(hr) ? hr : S_OK;
}

typedef struct Wanted {
        Table *table;
        const VSS_ID *id; /* of a snapshot or a set; NULL: all */
        json_t *filling;  /* by id, what umbra status says of those whose storage fills up; NULL: nothing is known */
} Wanted;

/* No reason to list nothing: without it, a column is empty. */
static json_t *filling_new(void) {
        json_t *root = NULL, *by_id = json_object(), *f;
        char *status = NULL;
        size_t i;

        if (SUCCEEDED(umbra_get_status(&status)))
                root = json_loads(status, 0, NULL);
        CoTaskMemFree(status);
        json_array_foreach(json_object_get(root, "filling"), i, f)
                (void) json_object_set(by_id, json_string_value(json_object_get(f, "snapshot_id")) ?: "", f);
        json_decref(root);
        return by_id;
}

/* For people "82%", for programs "82.3". NULL: it does not fill up. */
static const char *full_text(const json_t *filling, const VSS_ID *id, char text[FULL_TEXT_MAX]) {
        const json_t *f = json_object_get(filling, GUID_TO_STRING(id));
        unsigned permille = (unsigned) json_integer_value(json_object_get(f, "permille"));

        if (!f)
                return NULL;
        if (json_is_string(json_object_get(f, "trouble")))
                return "?"; /* umbra status has more words for it */
        (void) snprintf(text, FULL_TEXT_MAX, tool_json ? "%u.%u" : "%u%%", permille / 10, permille % 10);
        return text;
}

static bool add_wanted(const VSS_SNAPSHOT_PROP *p, void *userdata) {
        char full[FULL_TEXT_MAX];
        Wanted *w = userdata;

        if (!w->id || guid_equal(&p->m_SnapshotId, w->id) || guid_equal(&p->m_SnapshotSetId, w->id))
                add_row(w->table, p, full_text(w->filling, &p->m_SnapshotId, full));
        return true;
}

/* One optional id. */
static int run_list(int argc, char *argv[]) {
        static const struct option options[] = { TOOL_OPTIONS, { 0 } };
        _cleanup_(backup_releasep) IVssBackupComponents *backup = NULL;
        _cleanup_(table_freep) Table *t = NULL;
        bool show = strcmp(argv[0], "show") == 0;
        Wanted w = { 0 };
        VSS_ID id;
        HRESULT hr;
        int opt, r, code;

        optind = 0;
        while ((opt = getopt_long(argc, argv, "h", options, NULL)) >= 0) {
                r = tool_option(opt == 'h' ? TOOL_OPT_HELP : opt, &verb_snapshot);
                if (r != 0)
                        return r > 0 ? EXIT_OK : EXIT_USAGE;
        }
        if (argc - optind != (show ? 1 : 0)) {
                fprintf(stderr, show ? "umbra snapshot show takes one id.\n" : "umbra snapshot list takes no arguments.\n");
                return EXIT_USAGE;
        }
        if (show) {
                code = snapshot_id(argv[optind], &id);
                if (code != EXIT_OK)
                        return code;
                w.id = &id;
        }

        backup = snapshot_connect(&code);
        if (!backup)
                return code;
        w.table = t = table_new(list_headings);
        w.filling = filling_new();
        hr = for_each_snapshot(backup, add_wanted, &w);
        json_decref(w.filling);
        if (FAILED(hr))
                return tool_fail(hr, "Cannot list the snapshots");
        if (show && table_rows(t) == 0)
                return tool_error("there is no snapshot or set {%s}", GUID_TO_STRING(&id));
        table_print(t, tool_json, "There are no snapshots.");
        return EXIT_OK;
}

/* delete */

static int delete_one(IVssBackupComponents *backup, const VSS_ID *id, VSS_OBJECT_TYPE type, LONG *n_deleted) {
        VSS_ID nondeleted = GUID_NULL;
        LONG deleted = 0;
        HRESULT hr;
        int code;

        hr = IVssBackupComponents_DeleteSnapshots(backup, *id, type, FALSE, &deleted, &nondeleted);
        *n_deleted += deleted;
        if (SUCCEEDED(hr))
                return EXIT_OK;

        code = tool_fail(hr, "Cannot delete {%s}", GUID_TO_STRING(id));
        if (hr == VSS_E_OBJECT_NOT_FOUND && type == VSS_OBJECT_SNAPSHOT)
                fputs("With --set the ids are those of sets.\n", stderr);
        return code;
}

static void say_deleted(LONG n) {
        if (n > 0)
                tool_say("Deleted %d snapshot%s.", (int) n, n == 1 ? "" : "s");
}

typedef struct Ids {
        VSS_ID *items;
        size_t n, capacity;
} Ids;

static bool collect_id(const VSS_SNAPSHOT_PROP *p, void *userdata) {
        Ids *ids = userdata;

        if (ARRAY_RESERVE(ids->items, ids->capacity, ids->n + 1) < 0)
                return false;
        ids->items[ids->n++] = p->m_SnapshotId;
        return true;
}

static int delete_all(IVssBackupComponents *backup) {
        _cleanup_(freep) VSS_ID *items = NULL;
        Ids ids = { 0 };
        int code = EXIT_OK;
        LONG deleted = 0;
        HRESULT hr;

        hr = for_each_snapshot(backup, collect_id, &ids);
        items = ids.items;
        if (FAILED(hr))
                return tool_fail(hr, "Cannot list the snapshots");
        for (size_t i = 0; i < ids.n && code == EXIT_OK; ++i)
                code = delete_one(backup, &ids.items[i], VSS_OBJECT_SNAPSHOT, &deleted);
        say_deleted(deleted);
        if (ids.n == 0)
                tool_say("There are no snapshots.");
        return code;
}

static int run_delete(int argc, char *argv[]) {
        enum { OPT_SET = 1, OPT_ALL };
        static const struct option options[] = {
                { "set", no_argument, NULL, OPT_SET },
                { "all", no_argument, NULL, OPT_ALL },
                TOOL_OPTIONS,
                { 0 },
        };
        _cleanup_(backup_releasep) IVssBackupComponents *backup = NULL;
        VSS_OBJECT_TYPE type = VSS_OBJECT_SNAPSHOT;
        int opt, r, code;
        LONG deleted = 0;
        bool all = false;

        optind = 0;
        while ((opt = getopt_long(argc, argv, "h", options, NULL)) >= 0)
                switch (opt) {
                case OPT_SET:
                        type = VSS_OBJECT_SNAPSHOT_SET;
                        break;
                case OPT_ALL:
                        all = true;
                        break;
                default:
                        r = tool_option(opt == 'h' ? TOOL_OPT_HELP : opt, &verb_snapshot);
                        if (r != 0)
                                return r > 0 ? EXIT_OK : EXIT_USAGE;
                }
        if (all != (argc == optind)) {
                fprintf(stderr, "umbra snapshot delete takes ids, or --all.\n");
                return EXIT_USAGE;
        }

        backup = snapshot_connect(&code);
        if (!backup)
                return code;
        if (all)
                return delete_all(backup);
        code = EXIT_OK;
        for (int i = optind; i < argc && code == EXIT_OK; ++i) {
                VSS_ID id;

                code = snapshot_id(argv[i], &id);
                if (code == EXIT_OK)
                        code = delete_one(backup, &id, type, &deleted);
        }
        say_deleted(deleted);
        return code;
}

static int run_snapshot(int argc, char *argv[]) {
        static const struct {
                const char *name;
                int (*run)(int argc, char *argv[]);
        } verbs[] = {
                { "create", snapshot_run_create },
                { "list", run_list },
                { "show", run_list },
                { "delete", run_delete },
                { "expose", snapshot_run_expose },
                { "unexpose", snapshot_run_unexpose },
                { "break", snapshot_run_break },
                { "import", snapshot_run_import },
        };

        for (size_t i = 0; argc > 1 && i < ELEMENTSOF(verbs); ++i)
                if (strcmp(argv[1], verbs[i].name) == 0)
                        return verbs[i].run(argc - 1, argv + 1);
        if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
                fputs(verb_snapshot.help, stdout);
                return EXIT_OK;
        }
        fprintf(stderr, "umbra snapshot wants create, list, show, delete, expose, unexpose, break or import; see umbra snapshot --help\n");
        return EXIT_USAGE;
}

const Verb verb_snapshot = {
        .name = "snapshot",
        .summary = "create, list, show, delete, expose, break off and import snapshots",
        .help = "umbra snapshot create [--persistent | --client-accessible] [--keep N] [--writers] [--document FILE]\n"
                "                      VOLUME|DIRECTORY…\n"
                "umbra snapshot list [--json]\n"
                "umbra snapshot show ID [--json]\n"
                "umbra snapshot delete ID… | --set SET-ID… | --all\n"
                "umbra snapshot expose ID DIRECTORY\n"
                "umbra snapshot unexpose ID…\n"
                "umbra snapshot break SET-ID… [--writable] [--unmount]\n"
                "umbra snapshot import FILE\n\n"
                "create takes all volumes at one instant and prints where each can be read. Without --persistent the\n"
                "snapshots live as long as the command, which stays until ^C or the end of its standard input.\n\n"
                "  --persistent         keep them until they are deleted, also over a restart\n"
                "  --client-accessible  the same, as previous versions for users; they cannot be exposed\n"
                "  --keep N             client-accessible, and the oldest such ones of each volume go, all but N\n"
                "  --writers            bring all writers to rest for it\n"
                "  --document FILE      write what another machine must know to import the set\n"
                "  --set                the ids are those of sets\n"
                "  --all                every snapshot there is\n"
                "  --json               as JSON\n\n"
                "list and show say how full the storage of a snapshot is that fills up (LVM): FULL. When the store of one is\n"
                "full it is lost; a thin pool it shares with its volume. It is ? where umbra status says what is wrong.\n\n"
                "expose shows a persistent snapshot at an empty directory as well, also after a reboot, until unexpose.\n"
                "break makes the snapshots of a set directories that umbra knows nothing of any more; see umbra(1) for\n"
                "where they are then.\n\n"
                "  --writable           they can be written to where they are seen now\n"
                "  --unmount            they are not seen there any more\n\n"
                "import takes over a set of another machine by its document, once its storage is here: on a disk that both\n"
                "machines have or that was carried, or received by btrfs receive. See umbra(1).\n",
        .run = run_snapshot,
};
