/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * umbra snapshot create
 *
 * A set without a backup. One that is not persistent lives as long as the command, which then stays until ^C or the end of its standard input.
 */

#include <getopt.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/hresult.h"
#include "tools/snapshot-verbs.h"
#include "tools/verb.h"

#define KEEP_MAX 512U /* umbrad's own limit for a volume */

typedef struct Create {
        bool persistent, client_accessible, with_writers;
        const char *document; /* the file it is saved to; NULL */
        int document_fd;
        unsigned keep; /* client-accessible ones of each volume; 0: all */
        char **volumes;
        int n_volumes;
        VSS_ID set_id, ids[SNAPSHOTS_MAX];
} Create;

static LONG create_context(const Create *c) {
        if (c->client_accessible)
                return c->with_writers ? VSS_CTX_CLIENT_ACCESSIBLE_WRITERS : VSS_CTX_CLIENT_ACCESSIBLE;
        if (c->persistent)
                return c->with_writers ? VSS_CTX_APP_ROLLBACK : VSS_CTX_NAS_ROLLBACK;
        return c->with_writers ? VSS_CTX_BACKUP : VSS_CTX_FILE_SHARE_BACKUP;
}

/* What has a document can be carried to another machine. */
static LONG create_attributes(const Create *c) {
        return c->document ? VSS_VOLSNAP_ATTR_TRANSPORTABLE : 0;
}

static int create_begin(Create *c, IVssBackupComponents *backup) {
        HRESULT hr;

        hr = IVssBackupComponents_InitializeForBackup(backup, NULL);
        if (SUCCEEDED(hr))
                hr = IVssBackupComponents_SetContext(backup, create_context(c) | create_attributes(c));
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

/* What is no longer kept goes when what takes its place is there. */
static int create_show(const Create *c, IVssBackupComponents *backup) {
        _cleanup_(table_freep) Table *t = snapshot_table_new();
        int code = EXIT_OK;

        for (int i = 0; i < c->n_volumes && code == EXIT_OK; ++i) {
                VSS_SNAPSHOT_PROP prop = { 0 };
                HRESULT hr = IVssBackupComponents_GetSnapshotProperties(backup, c->ids[i], &prop);

                if (FAILED(hr))
                        return tool_fail(hr, "Cannot read the new snapshot");
                snapshot_table_add(t, &prop);
                if (c->keep > 0)
                        code = snapshot_keep(&prop, c->keep);
                VssFreeSnapshotProperties(&prop);
        }
        table_print(t, tool_json, NULL);
        (void) fflush(stdout);
        return code;
}

static int create_set(Create *c, IVssBackupComponents *backup) {
        int code;

        code = create_begin(c, backup);
        if (code == EXIT_OK)
                code = create_commit(c, backup);
        if (c->document && code == EXIT_OK)
                code = snapshot_document_save(backup, c->document, c->document_fd);
        else if (c->document)
                snapshot_document_give_up(c->document, c->document_fd);
        return code == EXIT_OK ? create_show(c, backup) : code;
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

static bool parse_keep(const char *text, unsigned *ret) {
        char *end;
        unsigned long n = strtoul(text, &end, 10);

        if (*end || end == text || n < 1 || n > KEEP_MAX)
                return false;
        *ret = (unsigned) n;
        return true;
}

int snapshot_run_create(int argc, char *argv[]) {
        enum { OPT_PERSISTENT = 1, OPT_WRITERS, OPT_CLIENT, OPT_KEEP, OPT_DOCUMENT };
        static const struct option options[] = {
                { "persistent", no_argument, NULL, OPT_PERSISTENT },
                { "writers", no_argument, NULL, OPT_WRITERS },
                { "client-accessible", no_argument, NULL, OPT_CLIENT },
                { "keep", required_argument, NULL, OPT_KEEP },
                { "document", required_argument, NULL, OPT_DOCUMENT },
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
                case OPT_CLIENT:
                        c.client_accessible = true;
                        break;
                case OPT_KEEP:
                        c.client_accessible = true;
                        if (!parse_keep(optarg, &c.keep)) {
                                fprintf(stderr, "umbra: '%s' is not a number of snapshots to keep, 1 to %u.\n", optarg, KEEP_MAX);
                                return EXIT_USAGE;
                        }
                        break;
                case OPT_DOCUMENT:
                        c.document = optarg;
                        break;
                default:
                        r = tool_option(opt == 'h' ? TOOL_OPT_HELP : opt, &verb_snapshot);
                        if (r != 0)
                                return r > 0 ? EXIT_OK : EXIT_USAGE;
                }
        if (c.persistent && c.client_accessible) {
                fprintf(stderr, "umbra: --persistent and --client-accessible (or --keep) are two kinds of snapshots; choose one.\n");
                return EXIT_USAGE;
        }
        c.volumes = argv + optind;
        c.n_volumes = argc - optind;
        if (c.n_volumes == 0 || c.n_volumes > SNAPSHOTS_MAX) {
                fprintf(stderr, "umbra snapshot create takes one to %d volumes or directories.\n", SNAPSHOTS_MAX);
                return EXIT_USAGE;
        }

        if (c.document && c.client_accessible) {
                fprintf(stderr, "umbra: client-accessible snapshots cannot be carried to another machine: --document wants others.\n");
                return EXIT_USAGE;
        }

        tool_catch_interrupts();
        backup = tool_connect(&code);
        if (!backup)
                return code;
        c.document_fd = c.document ? snapshot_document_create(c.document) : -1;
        if (c.document && c.document_fd < 0)
                return EXIT_FAILED;
        code = create_set(&c, backup);
        if (code == EXIT_OK && !c.persistent && !c.client_accessible)
                stay();
        return code;
}
