/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Snapshots on Two Machines
 *
 * What is imported stays until somebody deletes it, as what umbra snapshot create --persistent makes does.
 */

#include "tools/snapshot-verbs.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <oleauto.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd-util.h"
#include "tools/verb.h"

#define DOCUMENT_MAX ((size_t) 256 * 1024 * 1024)

int snapshot_document_create(const char *path) {
        int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

        if (fd < 0)
                (void) tool_error("%s: %m", path);
        return fd;
}

void snapshot_document_give_up(const char *path, int fd) {
        (void) close(fd);
        (void) unlink(path);
}

int snapshot_document_save(IVssBackupComponents *backup, const char *path, int fd) {
        _cleanup_(freep) char *text = NULL;
        int code = EXIT_OK, r;
        BSTR xml = NULL;
        HRESULT hr;

        hr = IVssBackupComponents_SaveAsXML(backup, &xml);
        if (FAILED(hr)) {
                code = tool_fail(hr, "Cannot save the document of the set");
                snapshot_document_give_up(path, fd);
                return code;
        }
        text = tool_take_bstr(xml);
        r = fd_write_all(fd, text, strlen(text));
        if (r >= 0 && fsync(fd) < 0)
                r = -errno;
        if (r < 0) {
                errno = -r;
                code = tool_error("%s: %m", path);
                snapshot_document_give_up(path, fd);
                return code;
        }
        (void) close(fd);
        return EXIT_OK;
}

/* import */

static int import_begin(IVssBackupComponents *backup, const char *path) {
        _cleanup_(freep) char *text = NULL;
        _cleanup_(freep) WCHAR *wide = NULL;
        BSTR xml;
        HRESULT hr;
        int r;

        r = file_read_text(path, DOCUMENT_MAX, &text);
        if (r == -E2BIG)
                return tool_error("%s: it is too large to be the document of a set", path);
        if (r < 0) {
                errno = -r;
                return tool_error("%s: %m", path);
        }
        wide = tool_wide(text);
        xml = SysAllocString(wide);
        hr = xml ? IVssBackupComponents_InitializeForBackup(backup, xml) : E_OUTOFMEMORY;
        SysFreeString(xml);
        if (SUCCEEDED(hr))
                hr = IVssBackupComponents_SetContext(backup, VSS_CTX_NAS_ROLLBACK);
        return FAILED(hr) ? tool_fail(hr, "'%s' cannot be imported", path) : EXIT_OK;
}

static bool add_imported(const VSS_SNAPSHOT_PROP *p, void *userdata) {
        if (p->m_lSnapshotAttributes & VSS_VOLSNAP_ATTR_IMPORTED)
                snapshot_table_add(userdata, p);
        return true;
}

int snapshot_run_import(int argc, char *argv[]) {
        static const struct option options[] = { TOOL_OPTIONS, { 0 } };
        _cleanup_(backup_releasep) IVssBackupComponents *backup = NULL;
        _cleanup_(table_freep) Table *t = NULL;
        int opt, r, code;
        HRESULT hr, result;

        optind = 0;
        while ((opt = getopt_long(argc, argv, "h", options, NULL)) >= 0) {
                r = tool_option(opt == 'h' ? TOOL_OPT_HELP : opt, &verb_snapshot);
                if (r != 0)
                        return r > 0 ? EXIT_OK : EXIT_USAGE;
        }
        if (argc - optind != 1) {
                fprintf(stderr, "umbra snapshot import takes the document of one set, which umbra snapshot create --document has written.\n");
                return EXIT_USAGE;
        }

        backup = tool_connect(&code);
        if (!backup)
                return code;
        code = import_begin(backup, argv[optind]);
        if (code != EXIT_OK)
                return code;
        result = TOOL_WAIT_THROUGH(IVssBackupComponents_ImportSnapshots(backup, &async));
        if (FAILED(result))
                return tool_fail(result, "'%s' cannot be imported", argv[optind]);

        t = snapshot_table_new();
        hr = for_each_snapshot(backup, add_imported, t);
        if (FAILED(hr))
                return tool_fail(hr, "Cannot list the snapshots");
        table_print(t, tool_json, NULL);
        if (result == VSS_S_SOME_SNAPSHOTS_NOT_IMPORTED) {
                fprintf(stderr, "umbra: the storage of some of the set has not arrived; the rest was imported.\n");
                return EXIT_PARTIAL;
        }
        return EXIT_OK;
}
