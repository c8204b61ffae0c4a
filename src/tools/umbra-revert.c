/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * umbra revert
 *
 * Makes a volume what a snapshot of it is. The work is umbrad's and goes on whatever becomes of this command, which only follows it.
 */

#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <umbra.h>

#include "base/alloc.h"
#include "base/guid.h"
#include "base/hresult.h"
#include "base/time-util.h"
#include "tools/progress.h"
#include "tools/tool-vss.h"
#include "tools/verb.h"

#define SLICE_MS 200

typedef struct Revert {
        VSS_ID id;
        bool force, yes;
        char *volume;
        char created[TIMESTAMP_STRING_MAX];
} Revert;

static int look_up(Revert *v, IVssBackupComponents *backup) {
        VSS_SNAPSHOT_PROP prop = { 0 };
        HRESULT hr;

        hr = IVssBackupComponents_InitializeForBackup(backup, NULL);
        if (SUCCEEDED(hr))
                hr = IVssBackupComponents_SetContext(backup, (LONG) VSS_CTX_ALL);
        if (SUCCEEDED(hr))
                hr = IVssBackupComponents_GetSnapshotProperties(backup, v->id, &prop);
        if (FAILED(hr))
                return tool_fail(hr, "Cannot find the snapshot {%s}", GUID_TO_STRING(&v->id));

        v->volume = tool_text(prop.m_pwszOriginalVolumeName);
        for (size_t n = strlen(v->volume); n > 1 && v->volume[n - 1] == '/'; --n)
                v->volume[n - 1] = '\0';
        (void) timestamp_to_string(usec_from_filetime(prop.m_tsCreationTimestamp), v->created);
        VssFreeSnapshotProperties(&prop);
        return EXIT_OK;
}

/* What umbra.conf's list of writers says, and what the volume is. */
static int check_blocked(const Revert *v) {
        _cleanup_(freep) WCHAR *volume = tool_wide(v->volume);
        bool blocked = false;
        HRESULT hr;

        hr = ShouldBlockRevert(volume, &blocked);
        if (FAILED(hr))
                return tool_fail(hr, "Cannot ask whether '%s' may be reverted", v->volume);
        if (!blocked || v->force)
                return EXIT_OK;

        return tool_error("'%s' should not be reverted: a writer that umbra.conf names has files there, or the system needs it.\n"
                          "--force does it all the same.",
                          v->volume);
}

static int confirm(const Revert *v) {
        char answer[16] = "";

        if (v->yes)
                return EXIT_OK;

        fprintf(stderr, "'%s' becomes what it was at %s: whatever was changed since is lost, files that came later go.\n"
                "This cannot be undone or stopped. The snapshot stays.\n", v->volume, v->created);
        if (!isatty(STDIN_FILENO)) {
                fprintf(stderr, "umbra: there is nobody to ask; --yes says that it shall be done\n");
                return EXIT_USAGE;
        }

        fprintf(stderr, "Revert '%s'? [y/N] ", v->volume);
        if (!fgets(answer, sizeof(answer), stdin) || (answer[0] != 'y' && answer[0] != 'Y'))
                return tool_error("nothing was changed");
        return EXIT_OK;
}

/* Of the status: the revert that runs, or the one of this snapshot that ended last. */
static json_t *find_in_status(json_t *root, const char *list, const VSS_ID *id) {
        json_t *item;
        size_t i;

        json_array_foreach(json_object_get(root, list), i, item) {
                const char *text = json_string_value(json_object_get(item, "snapshot_id"));
                VSS_ID found;

                if (text && guid_from_string(text, &found) >= 0 && guid_equal(&found, id))
                        return item;
        }
        return NULL;
}

static json_t *get_status(void) {
        char *json = NULL;
        json_t *root;

        if (FAILED(umbra_get_status(&json)))
                return NULL;
        root = json_loads(json, 0, NULL);
        CoTaskMemFree(json);
        return root;
}

/* Does it wait for a restart? */
static bool show_progress(const Revert *v) {
        json_t *root = get_status(), *deed = find_in_status(root, "deeds", &v->id);
        bool waiting = json_is_true(json_object_get(deed, "waiting"));

        progress_set((uint64_t) json_integer_value(json_object_get(deed, "permille")));
        json_decref(root);
        return waiting;
}

/* It was over before it could be followed: umbrad remembers how the last one of each volume ended. */
static int report_past(const Revert *v) {
        json_t *root = get_status(), *past = find_in_status(root, "reverts", &v->id);
        const char *message = json_string_value(json_object_get(past, "message"));
        int code = EXIT_OK;

        if (past && !json_is_true(json_object_get(past, "done")))
                code = tool_error("Cannot revert '%s': %s", v->volume, message ?: "umbrad's log says why");
        json_decref(root);
        return code;
}

/* @ret_waiting: it ends another day. */
static int follow(const Revert *v, IVssBackupComponents *backup, bool *ret_waiting) {
        _cleanup_(freep) WCHAR *volume = tool_wide(v->volume);
        HRESULT hr, status = VSS_S_ASYNC_PENDING;
        IVssAsync *async = NULL;
        bool waiting = false;

        hr = IVssBackupComponents_QueryRevertStatus(backup, volume, &async);
        if (hr == VSS_E_OBJECT_NOT_FOUND)
                return report_past(v);
        if (FAILED(hr))
                return tool_fail(hr, "The revert of '%s' has begun, but cannot be followed", v->volume);

        progress_begin_share("Reverting");
        while (SUCCEEDED(hr) && status == VSS_S_ASYNC_PENDING && !waiting && !tool_interrupted()) {
                hr = IVssAsync_Wait(async, SLICE_MS);
                if (SUCCEEDED(hr))
                        hr = IVssAsync_QueryStatus(async, &status, NULL);
                if (SUCCEEDED(hr) && status == VSS_S_ASYNC_PENDING)
                        waiting = show_progress(v);
        }
        if (SUCCEEDED(hr) && FAILED(status))
                hr = status;
        if (SUCCEEDED(hr) && status == VSS_S_ASYNC_FINISHED)
                progress_set(1000);
        progress_end();
        IVssAsync_Release(async);

        *ret_waiting = SUCCEEDED(hr) && status == VSS_S_ASYNC_PENDING && waiting;
        if (*ret_waiting)
                return EXIT_OK;
        if (SUCCEEDED(hr) && status == VSS_S_ASYNC_PENDING) {
                tool_say("The revert of '%s' goes on; umbra status shows it.", v->volume);
                return EXIT_INTERRUPTED;
        }
        if (hr == VSS_E_UNEXPECTED || hr == E_FAIL)
                return tool_fail(hr, "The revert of '%s' can be followed no longer; it goes on when umbrad runs", v->volume);
        return FAILED(hr) ? tool_fail(hr, "Cannot revert '%s'", v->volume) : EXIT_OK;
}

static int begin(const Revert *v, IVssBackupComponents *backup) {
        HRESULT hr;
        int code;

        hr = IVssBackupComponents_RevertToSnapshot(backup, v->id, v->force);
        if (SUCCEEDED(hr))
                return EXIT_OK;

        code = tool_fail(hr, "Cannot revert '%s'", v->volume);
        if (hr == VSS_E_VOLUME_IN_USE)
                fputs("End what uses it, or revert under it with --force.\n", stderr);
        if (hr == VSS_E_REVERT_IN_PROGRESS)
                fputs("umbra status shows how far it is.\n", stderr);
        return code;
}

static void report(const Revert *v, bool waiting) {
        json_t *object;
        char *text;

        if (!tool_json && waiting)
                tool_say("'%s' will be reverted when it is next activated: restart the machine. What is written until then is lost.",
                         v->volume);
        else if (!tool_json)
                tool_say("'%s' is what it was at %s.", v->volume, v->created);
        if (!tool_json)
                return;
        object = json_pack("{s:s, s:s, s:b}", "snapshot", GUID_TO_STRING(&v->id), "volume", v->volume, "waiting", waiting);
        text = object ? json_dumps(object, JSON_INDENT(2)) : NULL;
        if (text)
                puts(text);
        free(text);
        json_decref(object);
}

static int parse(Revert *v, int argc, char *argv[], bool *ret_over) {
        static const struct option options[] = {
                { "force", no_argument, NULL, 'f' },
                { "yes", no_argument, NULL, 'y' },
                TOOL_OPTIONS,
                { 0 },
        };
        int opt, r;

        optind = 0;
        while ((opt = getopt_long(argc, argv, "hfy", options, NULL)) >= 0)
                switch (opt) {
                case 'f':
                        v->force = true;
                        break;
                case 'y':
                        v->yes = true;
                        break;
                default:
                        r = tool_option(opt == 'h' ? TOOL_OPT_HELP : opt, &verb_revert);
                        if (r != 0) {
                                *ret_over = true;
                                return r > 0 ? EXIT_OK : EXIT_USAGE;
                        }
                }

        if (argc - optind != 1) {
                fprintf(stderr, "umbra revert takes one snapshot; umbra snapshot list shows them.\n");
                return EXIT_USAGE;
        }
        if (guid_from_string(argv[optind], &v->id) < 0) {
                fprintf(stderr, "umbra: '%s' is not an id; umbra snapshot list shows them.\n", argv[optind]);
                return EXIT_USAGE;
        }
        return EXIT_OK;
}

static int run_revert(int argc, char *argv[]) {
        _cleanup_(backup_releasep) IVssBackupComponents *backup = NULL;
        _cleanup_(freep) char *volume = NULL;
        bool over = false, waiting = false;
        Revert v = { 0 };
        int code;

        code = parse(&v, argc, argv, &over);
        if (code != EXIT_OK || over)
                return code;

        backup = tool_connect(&code);
        if (!backup)
                return code;
        code = look_up(&v, backup);
        volume = v.volume;
        if (code == EXIT_OK)
                code = check_blocked(&v);
        if (code == EXIT_OK)
                code = confirm(&v);
        tool_catch_interrupts(); /* it cannot be stopped from here on */
        if (code == EXIT_OK)
                code = begin(&v, backup);
        if (code == EXIT_OK)
                code = follow(&v, backup, &waiting);
        if (code == EXIT_OK)
                report(&v, waiting);
        return code;
}

const Verb verb_revert = {
        .name = "revert",
        .summary = "make a volume what a snapshot of it is",
        .help = "umbra revert SNAPSHOT [--force] [--yes] [--json]\n\n"
                "Makes the volume of a persistent snapshot what it was when the snapshot was taken: files that came\n"
                "later go, those that changed or went come back, and only those are touched. It cannot be undone\n"
                "or stopped; it goes on when this command ends, and when the machine is started again. The\n"
                "snapshot stays. What is mounted below the volume, and subvolumes, are left alone.\n\n"
                "With --force, a logical volume that the system runs on is reverted, as a whole, when it is next\n"
                "activated: when the machine is started again.\n\n"
                "  -f, --force   though somebody has files open there, or umbra.conf is against it\n"
                "  -y, --yes     without asking\n"
                "  --json        the outcome as JSON\n",
        .run = run_revert,
};
