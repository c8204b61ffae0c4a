/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * make-set VOLUME
 *
 * A shadow copy by the fake provider, which only those get who name it; "created", and it stays until the end of standard input.
 */

#include <stdio.h>
#include <stdlib.h>
#include <wchar.h>
#include <unistd.h>

#include <umbra.h>
#include <vsbackup.h>

static const VSS_ID fake_provider = { 0x9d3f1a52, 0x6b1e, 0x4c7a, { 0x8e, 0x21, 0x5f, 0x0c, 0x77, 0x1b, 0x2d, 0x0f } };

static HRESULT make(IVssBackupComponents *backup, WCHAR *volume) {
        HRESULT hr, status = S_OK;
        IVssAsync *async = NULL;
        VSS_ID set, snapshot;

        hr = IVssBackupComponents_InitializeForBackup(backup, NULL);
        if (SUCCEEDED(hr))
                hr = IVssBackupComponents_SetContext(backup, VSS_CTX_FILE_SHARE_BACKUP);
        if (SUCCEEDED(hr))
                hr = IVssBackupComponents_StartSnapshotSet(backup, &set);
        if (SUCCEEDED(hr))
                hr = IVssBackupComponents_AddToSnapshotSet(backup, volume, fake_provider, &snapshot);
        if (SUCCEEDED(hr))
                hr = IVssBackupComponents_DoSnapshotSet(backup, &async);
        if (FAILED(hr))
                return hr;

        hr = IVssAsync_Wait(async, INFINITE);
        if (SUCCEEDED(hr))
                hr = IVssAsync_QueryStatus(async, &status, NULL);
        IVssAsync_Release(async);
        return FAILED(hr) ? hr : status;
}

int main(int argc, char *argv[]) {
        IVssBackupComponents *backup = NULL;
        WCHAR volume[4096];
        HRESULT hr;
        char byte;

        if (argc != 2 || swprintf(volume, sizeof(volume) / sizeof(*volume), L"%s/", argv[1]) < 0)
                return 2;
        hr = CreateVssBackupComponents(&backup);
        if (SUCCEEDED(hr))
                hr = make(backup, volume);
        if (FAILED(hr))
                fprintf(stderr, "0x%08x %s\n", (unsigned) hr, umbra_last_error());
        else {
                puts("created");
                (void) fflush(stdout);
                while (read(STDIN_FILENO, &byte, 1) > 0) {
                }
        }
        if (backup)
                IVssBackupComponents_Release(backup);
        return FAILED(hr) ? EXIT_FAILURE : EXIT_SUCCESS;
}
