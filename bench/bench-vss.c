/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What the Figures Are Measured With
 *
 * A requester and a crowd of idle writers in one program, over the public API. Each subcommand prints "name value" lines in microseconds;
 * bench/run makes figures of them.
 *
 *      bench-vss window DIRECTORY WRITERS ROUNDS    the window of a set of one btrfs subvolume, and the bare ioctl, in turns
 *      bench-vss rounds WRITERS                     Identify, Freeze and Thaw of that many writers
 *      bench-vss prepare WRITERS COMPONENTS         PrepareForBackup of so many, with so many components in all
 */

#include <btrfsutil.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <wchar.h>
#include <unistd.h>

#include <oleauto.h>
#include <umbra.h>

#include "measure.h"

#define WRITERS_PER_PROCESS 250

/* Idle writers */

/* How many components each writer has. */
static int n_components;

static bool on_identify(void *userdata, IVssCreateWriterMetadataEx *metadata) {
        HRESULT hr = S_OK;

        (void) userdata;
        for (int i = 0; i < n_components && SUCCEEDED(hr); ++i) {
                WCHAR name[32];

                swprintf(name, sizeof(name) / sizeof(*name), L"database-%d", i);
                hr = IVssCreateWriterMetadataEx_AddComponent(metadata, VSS_CT_DATABASE, L"server", name, NULL, NULL, 0, false, false,
                                                             true, true, 0);
        }
        return SUCCEEDED(hr);
}

static bool on_prepare(void *userdata, IVssWriterComponents *components) {
        (void) userdata;
        (void) components;
        return true;
}

static bool on_event(void *userdata) {
        (void) userdata;
        return true;
}

static void run_writers(int n, int ready_fd, int end_fd) {
        static const UmbraWriterCallbacks callbacks = {
                .size = sizeof(callbacks),
                .OnIdentify = on_identify,
                .OnPrepareBackup = on_prepare,
                .OnPrepareSnapshot = on_event,
                .OnFreeze = on_event,
                .OnThaw = on_event,
                .OnAbort = on_event,
        };
        static const VSS_ID id = { 0x7a3c9e10, 0x55aa, 0x4b1d, { 0x9a, 0x00, 0x62, 0x65, 0x6e, 0x63, 0x68, 0x01 } };
        char byte = 0;

        for (int i = 0; i < n; ++i) {
                UmbraWriter *w;
                HRESULT hr;

                hr = umbra_writer_new(&callbacks, NULL, &w);
                if (SUCCEEDED(hr))
                        hr = umbra_writer_initialize(w, id, L"idle", 1, 0, VSS_UT_USERDATA, VSS_ST_OTHER, VSS_APP_FRONT_END, 60000,
                                                     VSS_AWS_NO_ALTERNATE_WRITER, false, NULL);
                if (SUCCEEDED(hr))
                        hr = umbra_writer_subscribe(w, INFINITE, UMBRA_WRITER_EVENTS);
                if (FAILED(hr))
                        die("writer", hr);
        }
        if (write(ready_fd, &byte, 1) != 1)
                exit(EXIT_FAILURE);
        (void) !read(end_fd, &byte, 1); /* until the parent is done */
        _exit(EXIT_SUCCESS);
}

/* Forks processes of writers; they end when the returned descriptor is closed. */
static int start_writers(int n) {
        int ready[2], end[2], started = 0;

        if (pipe(ready) < 0 || pipe2(end, O_CLOEXEC) < 0)
                die("pipe", E_FAIL);
        while (n > 0) {
                int some = n < WRITERS_PER_PROCESS ? n : WRITERS_PER_PROCESS;

                if (fork() == 0) {
                        close(end[1]);
                        run_writers(some, ready[1], end[0]);
                }
                n -= some;
                ++started;
        }
        close(end[0]);
        close(ready[1]);
        for (int i = 0; i < started; ++i) {
                char byte;

                if (read(ready[0], &byte, 1) != 1)
                        die("the writers did not start", E_FAIL);
        }
        close(ready[0]);
        return end[1];
}

static double bare_snapshot(const char *directory, int round) {
        char target[4096];
        double before, taken;
        int fd;

        fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0 || syncfs(fd) < 0)
                die("syncfs", E_FAIL);
        close(fd);
        snprintf(target, sizeof(target), "%s/../bare-%d", directory, round);
        before = now();
        if (btrfs_util_create_snapshot(directory, target, BTRFS_UTIL_CREATE_SNAPSHOT_READ_ONLY, NULL, NULL) != BTRFS_UTIL_OK)
                die("bare snapshot", E_FAIL);
        taken = now() - before;
        if (btrfs_util_delete_subvolume(target, 0) != BTRFS_UTIL_OK)
                die("bare snapshot", E_FAIL);
        return taken;
}

static int window(const char *directory, int writers, int rounds) {
        double *windows = calloc((size_t) rounds, sizeof(double)), *bare = calloc((size_t) rounds, sizeof(double)), identify;
        WCHAR volume[4096], *const volumes[] = { volume };
        int end;

        swprintf(volume, sizeof(volume) / sizeof(*volume), L"%s/", directory);
        end = start_writers(writers);
        for (int i = 0; i < rounds; ++i) {
                IVssBackupComponents *backup = begin(n_components > 0, &identify);

                take(backup, volumes, 1, GUID_NULL);
                windows[i] = last_window(NULL);
                IVssBackupComponents_Release(backup);
                bare[i] = bare_snapshot(directory, i);
        }
        close(end);
        printf("window %.0f\nbare %.0f\n", median(windows, (size_t) rounds), median(bare, (size_t) rounds));
        free(windows);
        free(bare);
        return EXIT_SUCCESS;
}

static int rounds(int writers) {
        IVssBackupComponents *backup;
        double identify;
        int end;

        end = start_writers(writers);
        backup = begin(n_components > 0, &identify);
        take(backup, NULL, 0, GUID_NULL);
        printf("identify %.0f\nfreeze %.0f\nthaw %.0f\n", identify, last_window("freeze"), last_window("thaw"));
        IVssBackupComponents_Release(backup);
        close(end);
        return EXIT_SUCCESS;
}

static void add_components(IVssBackupComponents *backup) {
        UINT n = 0;
        HRESULT hr;

        hr = IVssBackupComponents_GetWriterMetadataCount(backup, &n);
        for (UINT i = 0; i < n && SUCCEEDED(hr); ++i) {
                IVssExamineWriterMetadata *metadata = NULL;
                VSS_ID instance, id;
                VSS_SOURCE_TYPE source;
                VSS_USAGE_TYPE usage;
                BSTR name = NULL;

                hr = IVssBackupComponents_GetWriterMetadata(backup, i, &instance, &metadata);
                if (SUCCEEDED(hr))
                        hr = IVssExamineWriterMetadata_GetIdentity(metadata, &instance, &id, &name, &usage, &source);
                for (int k = 0; k < n_components && SUCCEEDED(hr); ++k) {
                        WCHAR component[32];

                        swprintf(component, sizeof(component) / sizeof(*component), L"database-%d", k);
                        hr = IVssBackupComponents_AddComponent(backup, instance, id, VSS_CT_DATABASE, L"server", component);
                }
                SysFreeString(name);
                if (metadata)
                        IVssExamineWriterMetadata_Release(metadata);
        }
        if (FAILED(hr))
                die("AddComponent", hr);
}

static int prepare(int writers, int components) {
        IVssBackupComponents *backup;
        double identify, before;
        HRESULT hr;
        VSS_ID set;
        int end;

        n_components = components / writers;
        end = start_writers(writers);
        backup = begin(n_components > 0, &identify);
        before = now();
        add_components(backup);
        printf("add %.0f\n", now() - before);
        hr = IVssBackupComponents_StartSnapshotSet(backup, &set);
        if (FAILED(hr))
                die("StartSnapshotSet", hr);
        before = now();
        ASYNC(IVssBackupComponents_PrepareForBackup(backup, &async_), "PrepareForBackup");
        printf("identify %.0f\nprepare %.0f\n", identify, now() - before);
        IVssBackupComponents_Release(backup);
        close(end);
        return EXIT_SUCCESS;
}

int main(int argc, char *argv[]) {
        if (argc == 5 && strcmp(argv[1], "window") == 0)
                return window(argv[2], atoi(argv[3]), atoi(argv[4]));
        if (argc == 3 && strcmp(argv[1], "rounds") == 0)
                return rounds(atoi(argv[2]));
        if (argc == 4 && strcmp(argv[1], "prepare") == 0)
                return prepare(atoi(argv[2]), atoi(argv[3]));
        fprintf(stderr, "usage: bench-vss window DIRECTORY WRITERS ROUNDS | rounds WRITERS | prepare WRITERS COMPONENTS\n");
        return 2;
}
