/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * umbra snapshot
 *
 * Snapshots without a backup. One that is not persistent lives as long as the command that made it: umbra snapshot create then stays until ^C or the end of
 * its standard input.
 */

#include <getopt.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/guid.h"
#include "base/hresult.h"
#include "base/time-util.h"
#include "tools/table.h"
#include "tools/tool-vss.h"
#include "tools/verb.h"

#define SNAPSHOTS_MAX 64

static const char *const headings[] = { "SNAPSHOT", "SET", "CREATED", "VOLUME", "DEVICE", "KIND", NULL };

static const char *kind_of(LONG attributes) {
        return attributes & VSS_VOLSNAP_ATTR_PERSISTENT ? "persistent" : "auto-release";
}

static void add_snapshot(Table *t, const VSS_SNAPSHOT_PROP *p) {
        _cleanup_(freep) char *volume = tool_text(p->m_pwszOriginalVolumeName), *device = tool_text(p->m_pwszSnapshotDeviceObject);
        char created[TIMESTAMP_STRING_MAX];

        TABLE_ADD(t, GUID_TO_STRING(&p->m_SnapshotId), GUID_TO_STRING(&p->m_SnapshotSetId),
                  timestamp_to_string(usec_from_filetime(p->m_tsCreationTimestamp), created), volume, *device ? device : NULL,
                  kind_of(p->m_lSnapshotAttributes));
}

/* create */

typedef struct Create {
        bool persistent, with_writers;
        char **volumes;
        int n_volumes;
        VSS_ID set_id, ids[SNAPSHOTS_MAX];
} Create;

static LONG create_context(const Create *c) {
        if (c->persistent)
                return c->with_writers ? VSS_CTX_APP_ROLLBACK : VSS_CTX_NAS_ROLLBACK;
        return c->with_writers ? VSS_CTX_BACKUP : VSS_CTX_FILE_SHARE_BACKUP;
}

static int create_begin(Create *c, IVssBackupComponents *backup) {
        HRESULT hr;

        hr = IVssBackupComponents_InitializeForBackup(backup, NULL);
        if (SUCCEEDED(hr))
                hr = IVssBackupComponents_SetContext(backup, create_context(c));
        if (SUCCEEDED(hr) && c->with_writers)
                hr = IVssBackupComponents_SetBackupState(backup, false, false, VSS_BT_COPY, false);
        if (SUCCEEDED(hr) && c->with_writers)
                hr = TOOL_WAIT(IVssBackupComponents_GatherWriterMetadata(backup, &async));
        if (SUCCEEDED(hr))
                hr = IVssBackupComponents_StartSnapshotSet(backup, &c->set_id);
        if (FAILED(hr))
                return tool_fail(hr, "Cannot begin a snapshot set");

        for (int i = 0; i < c->n_volumes; ++i) {
                _cleanup_(freep) char *path = realpath(c->volumes[i], NULL);
                _cleanup_(freep) WCHAR *wide = NULL;

                if (!path)
                        return tool_error("%s: %m", c->volumes[i]);
                wide = tool_wide(path);
                hr = IVssBackupComponents_AddToSnapshotSet(backup, wide, GUID_NULL, &c->ids[i]);
                if (FAILED(hr))
                        return tool_fail(hr, "Cannot add '%s'", path);
        }
        return EXIT_OK;
}

/* Names the writers that are to blame. */
static int report_writers(IVssBackupComponents *backup, int code) {
        WriterStatus *list = NULL;
        size_t n = 0;

        if (FAILED(tool_writer_statuses(backup, &list, &n)))
                return code;
        for (size_t i = 0; i < n; ++i)
                if (tool_writer_failed(&list[i])) {
                        fprintf(stderr, "umbra: writer '%s' %s: %s%s%s\n", list[i].name, tool_writer_state(list[i].state),
                                hresult_name(list[i].failure), *list[i].message ? ": " : "", list[i].message);
                        code = EXIT_WRITER;
                }
        tool_writer_statuses_free(list, n);
        return code;
}

static int create_commit(Create *c, IVssBackupComponents *backup) {
        HRESULT hr = S_OK;
        int code = EXIT_OK;

        if (c->with_writers)
                hr = TOOL_WAIT(IVssBackupComponents_PrepareForBackup(backup, &async));
        if (SUCCEEDED(hr) && c->with_writers)
                code = report_writers(backup, EXIT_OK);
        if (SUCCEEDED(hr) && code == EXIT_OK)
                hr = TOOL_WAIT(IVssBackupComponents_DoSnapshotSet(backup, &async));
        if (FAILED(hr)) {
                code = tool_fail(hr, "Cannot create the snapshots");
                if (c->with_writers)
                        code = report_writers(backup, code);
        }
        if (code != EXIT_OK) {
                (void) IVssBackupComponents_AbortBackup(backup);
                return code;
        }
        if (c->with_writers)
                (void) TOOL_WAIT(IVssBackupComponents_BackupComplete(backup, &async));
        return EXIT_OK;
}

static int create_show(const Create *c, IVssBackupComponents *backup) {
        _cleanup_(table_freep) Table *t = table_new(headings);

        for (int i = 0; i < c->n_volumes; ++i) {
                VSS_SNAPSHOT_PROP prop = { 0 };
                HRESULT hr = IVssBackupComponents_GetSnapshotProperties(backup, c->ids[i], &prop);

                if (FAILED(hr))
                        return tool_fail(hr, "Cannot read the new snapshot");
                add_snapshot(t, &prop);
                VssFreeSnapshotProperties(&prop);
        }
        table_print(t, tool_json, NULL);
        (void) fflush(stdout);
        return EXIT_OK;
}

/* Until ^C, SIGTERM, or the end of what is typed. */
static void stay(void) {
        struct pollfd input = { .fd = STDIN_FILENO, .events = POLLIN };

        tool_say("The snapshots stay until ^C or the end of standard input.");
        while (!tool_interrupted()) {
                char buffer[512];

                if (poll(&input, 1, -1) < 0)
                        continue; /* the signal */
                if (read(STDIN_FILENO, buffer, sizeof(buffer)) <= 0)
                        return;
        }
}

static int run_create(int argc, char *argv[]) {
        enum { OPT_PERSISTENT = 1, OPT_WRITERS };
        static const struct option options[] = {
                { "persistent", no_argument, NULL, OPT_PERSISTENT },
                { "writers", no_argument, NULL, OPT_WRITERS },
                TOOL_OPTIONS,
                { 0 },
        };
        _cleanup_(backup_releasep) IVssBackupComponents *backup = NULL;
        Create c = { 0 };
        int opt, r, code;

        optind = 0;
        while ((opt = getopt_long(argc, argv, "h", options, NULL)) >= 0)
                switch (opt) {
                case OPT_PERSISTENT:
                        c.persistent = true;
                        break;
                case OPT_WRITERS:
                        c.with_writers = true;
                        break;
                default:
                        r = tool_option(opt == 'h' ? TOOL_OPT_HELP : opt, &verb_snapshot);
                        if (r != 0)
                                return r > 0 ? EXIT_OK : EXIT_USAGE;
                }
        c.volumes = argv + optind;
        c.n_volumes = argc - optind;
        if (c.n_volumes == 0 || c.n_volumes > SNAPSHOTS_MAX) {
                fprintf(stderr, "umbra snapshot create takes one to %d volumes or directories.\n", SNAPSHOTS_MAX);
                return EXIT_USAGE;
        }

        tool_catch_interrupts();
        backup = tool_connect(&code);
        if (!backup)
                return code;
        code = create_begin(&c, backup);
        if (code == EXIT_OK)
                code = create_commit(&c, backup);
        if (code == EXIT_OK)
                code = create_show(&c, backup);
        if (code == EXIT_OK && !c.persistent)
                stay();
        return code;
}

/* list, show */

/* Calls @each for every snapshot until it returns false. */
static HRESULT for_each_snapshot(IVssBackupComponents *backup, bool (*each)(const VSS_SNAPSHOT_PROP *p, void *userdata), void *userdata) {
        IVssEnumObject *list = NULL;
        VSS_OBJECT_PROP prop;
        bool more = true;
        ULONG n = 0;
        HRESULT hr;

        hr = IVssBackupComponents_InitializeForBackup(backup, NULL);
        if (SUCCEEDED(hr))
                hr = IVssBackupComponents_SetContext(backup, (LONG) VSS_CTX_ALL);
        if (SUCCEEDED(hr))
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
} Wanted;

static bool add_wanted(const VSS_SNAPSHOT_PROP *p, void *userdata) {
        Wanted *w = userdata;

        if (!w->id || guid_equal(&p->m_SnapshotId, w->id) || guid_equal(&p->m_SnapshotSetId, w->id))
                add_snapshot(w->table, p);
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
                if (guid_from_string(argv[optind], &id) < 0) {
                        fprintf(stderr, "umbra: '%s' is not an id; umbra snapshot list shows them.\n", argv[optind]);
                        return EXIT_USAGE;
                }
                w.id = &id;
        }

        backup = tool_connect(&code);
        if (!backup)
                return code;
        t = table_new(headings);
        w.table = t;
        hr = for_each_snapshot(backup, add_wanted, &w);
        if (FAILED(hr))
                return tool_fail(hr, "Cannot list the snapshots");
        if (show && table_rows(t) == 0)
                return tool_error("there is no snapshot or set {%s}", GUID_TO_STRING(&id));
        table_print(t, tool_json, "There are no snapshots.");
        return EXIT_OK;
}

/* delete */

static int delete_one(IVssBackupComponents *backup, const VSS_ID *id, VSS_OBJECT_TYPE type) {
        VSS_ID nondeleted = GUID_NULL;
        LONG deleted = 0;
        HRESULT hr;

        hr = IVssBackupComponents_DeleteSnapshots(backup, *id, type, FALSE, &deleted, &nondeleted);
        if (FAILED(hr))
                return tool_fail(hr, "Cannot delete {%s}", GUID_TO_STRING(id));
        tool_say("Deleted %d snapshot%s.", (int) deleted, deleted == 1 ? "" : "s");
        return EXIT_OK;
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
        HRESULT hr;

        hr = for_each_snapshot(backup, collect_id, &ids);
        items = ids.items;
        if (FAILED(hr))
                return tool_fail(hr, "Cannot list the snapshots");
        for (size_t i = 0; i < ids.n && code == EXIT_OK; ++i)
                code = delete_one(backup, &ids.items[i], VSS_OBJECT_SNAPSHOT);
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
        bool all = false;
        int opt, r, code;
        HRESULT hr;

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

        backup = tool_connect(&code);
        if (!backup)
                return code;
        if (all)
                return delete_all(backup);
        hr = IVssBackupComponents_InitializeForBackup(backup, NULL);
        if (SUCCEEDED(hr))
                hr = IVssBackupComponents_SetContext(backup, (LONG) VSS_CTX_ALL);
        if (FAILED(hr))
                return tool_fail(hr, "Cannot ask umbrad");
        code = EXIT_OK;
        for (int i = optind; i < argc && code == EXIT_OK; ++i) {
                VSS_ID id;

                if (guid_from_string(argv[i], &id) < 0) {
                        fprintf(stderr, "umbra: '%s' is not an id; umbra snapshot list shows them.\n", argv[i]);
                        return EXIT_USAGE;
                }
                code = delete_one(backup, &id, type);
        }
        return code;
}

static int run_snapshot(int argc, char *argv[]) {
        static const struct {
                const char *name;
                int (*run)(int argc, char *argv[]);
        } verbs[] = {
                { "create", run_create },
                { "list", run_list },
                { "show", run_list },
                { "delete", run_delete },
        };

        for (size_t i = 0; argc > 1 && i < ELEMENTSOF(verbs); ++i)
                if (strcmp(argv[1], verbs[i].name) == 0)
                        return verbs[i].run(argc - 1, argv + 1);
        if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
                fputs(verb_snapshot.help, stdout);
                return EXIT_OK;
        }
        fprintf(stderr, "umbra snapshot wants create, list, show or delete; see umbra snapshot --help\n");
        return EXIT_USAGE;
}

const Verb verb_snapshot = {
        .name = "snapshot",
        .summary = "create, list, show and delete snapshots",
        .help = "umbra snapshot create [--persistent] [--writers] VOLUME|DIRECTORY…\n"
                "umbra snapshot list [--json]\n"
                "umbra snapshot show ID [--json]\n"
                "umbra snapshot delete ID… | --set SET-ID… | --all\n\n"
                "create takes all volumes at one instant and prints where each can be read. Without --persistent the\n"
                "snapshots live as long as the command, which stays until ^C or the end of its standard input.\n\n"
                "  --persistent   keep them until they are deleted, also over a restart\n"
                "  --writers      bring all writers to rest for it\n"
                "  --set          the ids are those of sets\n"
                "  --all          every snapshot there is\n"
                "  --json         as JSON\n",
        .run = run_snapshot,
};
