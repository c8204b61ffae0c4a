/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * umbra snapshot expose, unexpose, break
 */

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "tools/snapshot-verbs.h"
#include "tools/verb.h"

static HRESULT newer(IVssBackupComponents *backup, IVssBackupComponentsEx2 **ret) {
        return IVssBackupComponents_QueryInterface(backup, &IID_IVssBackupComponentsEx2, (void **) ret);
}

/* No option but those of every verb: -1 is "go on". */
static int plain_options(int argc, char *argv[]) {
        static const struct option options[] = { TOOL_OPTIONS, { 0 } };
        int opt, r;

        optind = 0;
        while ((opt = getopt_long(argc, argv, "h", options, NULL)) >= 0) {
                r = tool_option(opt == 'h' ? TOOL_OPT_HELP : opt, &verb_snapshot);
                if (r != 0)
                        return r > 0 ? EXIT_OK : EXIT_USAGE;
        }
        return -1;
}

static void print_exposed(const VSS_ID *id, const WCHAR *exposed) {
        static const char *const headings[] = { "SNAPSHOT", "EXPOSED", NULL };
        _cleanup_(table_freep) Table *t = table_new(headings);
        _cleanup_(freep) char *place = tool_text(exposed);

        TABLE_ADD(t, GUID_TO_STRING(id), place);
        table_print(t, tool_json, NULL);
}

int snapshot_run_expose(int argc, char *argv[]) {
        _cleanup_(backup_releasep) IVssBackupComponents *backup = NULL;
        _cleanup_(freep) char *path = NULL;
        _cleanup_(freep) WCHAR *wide = NULL;
        VSS_PWSZ exposed = NULL;
        int code = plain_options(argc, argv);
        HRESULT hr;
        VSS_ID id;

        if (code >= 0)
                return code;
        if (argc - optind != 2) {
                fprintf(stderr, "umbra snapshot expose takes an id and an empty directory.\n");
                return EXIT_USAGE;
        }
        code = snapshot_id(argv[optind], &id);
        if (code != EXIT_OK)
                return code;
        path = realpath(argv[optind + 1], NULL);
        if (!path)
                return tool_error("%s: %m", argv[optind + 1]);
        wide = tool_wide(path);

        backup = snapshot_connect(&code);
        if (!backup)
                return code;
        hr = IVssBackupComponents_ExposeSnapshot(backup, id, NULL, VSS_VOLSNAP_ATTR_EXPOSED_LOCALLY, wide, &exposed);
        if (FAILED(hr))
                return tool_fail(hr, "Cannot expose {%s} at '%s'", GUID_TO_STRING(&id), path);
        print_exposed(&id, exposed);
        CoTaskMemFree(exposed);
        return EXIT_OK;
}

int snapshot_run_unexpose(int argc, char *argv[]) {
        _cleanup_(backup_releasep) IVssBackupComponents *backup = NULL;
        IVssBackupComponentsEx2 *backup2 = NULL;
        int code = plain_options(argc, argv);
        HRESULT hr;

        if (code >= 0)
                return code;
        if (argc == optind) {
                fprintf(stderr, "umbra snapshot unexpose takes ids.\n");
                return EXIT_USAGE;
        }
        backup = snapshot_connect(&code);
        if (!backup)
                return code;
        hr = newer(backup, &backup2);
        if (FAILED(hr))
                return tool_fail(hr, "Cannot ask umbrad");
        code = EXIT_OK;
        for (int i = optind; i < argc && code == EXIT_OK; ++i) {
                VSS_ID id;

                code = snapshot_id(argv[i], &id);
                if (code != EXIT_OK)
                        break;
                hr = IVssBackupComponentsEx2_UnexposeSnapshot(backup2, id);
                if (FAILED(hr))
                        code = tool_fail(hr, "Cannot unexpose {%s}", GUID_TO_STRING(&id));
        }
        IVssBackupComponentsEx2_Release(backup2);
        return code;
}

/* break */

typedef struct Broken {
        Table *table;
        const VSS_ID *set_id;
        bool unmounted;
} Broken;

static bool add_broken(const VSS_SNAPSHOT_PROP *p, void *userdata) {
        _cleanup_(freep) char *volume = tool_text(p->m_pwszOriginalVolumeName), *device = tool_text(p->m_pwszSnapshotDeviceObject);
        Broken *b = userdata;

        if (guid_equal(&p->m_SnapshotSetId, b->set_id))
                TABLE_ADD(b->table, GUID_TO_STRING(&p->m_SnapshotId), volume, b->unmounted || !*device ? NULL : device);
        return true;
}

/* What it consists of is asked before: afterwards nobody knows it. */
static int break_one(IVssBackupComponents *backup, IVssBackupComponentsEx2 *backup2, const VSS_ID *set_id, DWORD flags, Table *t) {
        Broken b = { t, set_id, flags & VSS_BREAKEX_FLAG_MASK_LUNS };
        size_t before = table_rows(t);
        HRESULT hr;

        hr = for_each_snapshot(backup, add_broken, &b);
        if (FAILED(hr))
                return tool_fail(hr, "Cannot list the snapshots");
        if (table_rows(t) == before)
                return tool_error("there is no set {%s}; umbra snapshot list shows them", GUID_TO_STRING(set_id));
        hr = TOOL_WAIT_THROUGH(IVssBackupComponentsEx2_BreakSnapshotSetEx(backup2, *set_id, flags, &async));
        if (SUCCEEDED(hr))
                return EXIT_OK;

        table_truncate(t, before);
        return tool_fail(hr, "Cannot break off {%s}", GUID_TO_STRING(set_id));
}

static int break_all(int n, char *const *ids, DWORD flags) {
        static const char *const headings[] = { "SNAPSHOT", "VOLUME", "SEEN AT", NULL };
        _cleanup_(backup_releasep) IVssBackupComponents *backup = NULL;
        _cleanup_(table_freep) Table *t = table_new(headings);
        IVssBackupComponentsEx2 *backup2 = NULL;
        int code = EXIT_OK;
        HRESULT hr;

        backup = snapshot_connect(&code);
        if (!backup)
                return code;
        hr = newer(backup, &backup2);
        if (FAILED(hr))
                return tool_fail(hr, "Cannot ask umbrad");
        for (int i = 0; i < n && code == EXIT_OK; ++i) {
                VSS_ID id;

                code = snapshot_id(ids[i], &id);
                if (code == EXIT_OK)
                        code = break_one(backup, backup2, &id, flags, t);
        }
        IVssBackupComponentsEx2_Release(backup2);
        if (code == EXIT_OK || table_rows(t) > 0) /* nobody else knows where they are */
                table_print(t, tool_json, NULL);
        return code;
}

int snapshot_run_break(int argc, char *argv[]) {
        enum { OPT_WRITABLE = 1, OPT_UNMOUNT };
        static const struct option options[] = {
                { "writable", no_argument, NULL, OPT_WRITABLE },
                { "unmount", no_argument, NULL, OPT_UNMOUNT },
                TOOL_OPTIONS,
                { 0 },
        };
        DWORD flags = 0;
        int opt, r;

        optind = 0;
        while ((opt = getopt_long(argc, argv, "h", options, NULL)) >= 0)
                switch (opt) {
                case OPT_WRITABLE:
                        flags |= VSS_BREAKEX_FLAG_MAKE_READ_WRITE;
                        break;
                case OPT_UNMOUNT:
                        flags |= VSS_BREAKEX_FLAG_MASK_LUNS;
                        break;
                default:
                        r = tool_option(opt == 'h' ? TOOL_OPT_HELP : opt, &verb_snapshot);
                        if (r != 0)
                                return r > 0 ? EXIT_OK : EXIT_USAGE;
                }
        if (argc == optind || flags == (VSS_BREAKEX_FLAG_MAKE_READ_WRITE | VSS_BREAKEX_FLAG_MASK_LUNS)) {
                fprintf(stderr, "umbra snapshot break takes ids of sets, and one of --writable and --unmount at most.\n");
                return EXIT_USAGE;
        }
        return break_all(argc - optind, argv + optind, flags);
}
