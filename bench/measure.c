/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A Requester for Measuring
 */

#include "measure.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <oleauto.h>
#include <umbra.h>

void die(const char *what, HRESULT hr) {
        fprintf(stderr, "bench: %s: 0x%08x %s\n", what, (unsigned) hr, umbra_last_error());
        exit(EXIT_FAILURE);
}

double now(void) {
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return (double) t.tv_sec * 1e6 + (double) t.tv_nsec / 1e3;
}

static int by_value(const void *a, const void *b) {
        double x = *(const double *) a, y = *(const double *) b;

        return x < y ? -1 : x > y;
}

double median(double *v, size_t n) {
        qsort(v, n, sizeof(*v), by_value);
        return v[n / 2];
}

void finish(IVssAsync *async, const char *what) {
        HRESULT hr, status = S_OK;

        hr = IVssAsync_Wait(async, INFINITE);
        if (SUCCEEDED(hr))
                hr = IVssAsync_QueryStatus(async, &status, NULL);
        if (FAILED(hr) || FAILED(status))
                die(what, FAILED(hr) ? hr : status);
        IVssAsync_Release(async);
}

IVssBackupComponents *begin(bool selects, double *ret_identify) {
        IVssBackupComponents *backup = NULL;
        double before;
        HRESULT hr;

        hr = CreateVssBackupComponents(&backup);
        if (SUCCEEDED(hr))
                hr = IVssBackupComponents_InitializeForBackup(backup, NULL);
        if (SUCCEEDED(hr))
                hr = IVssBackupComponents_SetBackupState(backup, selects, false, VSS_BT_COPY, false);
        if (FAILED(hr))
                die("begin", hr);
        before = now();
        ASYNC(IVssBackupComponents_GatherWriterMetadata(backup, &async_), "GatherWriterMetadata");
        *ret_identify = now() - before;
        return backup;
}

VSS_ID take(IVssBackupComponents *backup, WCHAR *const *volumes, size_t n, VSS_ID provider) {
        VSS_ID set, snapshot;
        HRESULT hr;

        hr = IVssBackupComponents_StartSnapshotSet(backup, &set);
        for (size_t i = 0; i < n && SUCCEEDED(hr); ++i)
                hr = IVssBackupComponents_AddToSnapshotSet(backup, volumes[i], provider, &snapshot);
        if (FAILED(hr))
                die("AddToSnapshotSet", hr);
        ASYNC(IVssBackupComponents_PrepareForBackup(backup, &async_), "PrepareForBackup");
        ASYNC(IVssBackupComponents_DoSnapshotSet(backup, &async_), "DoSnapshotSet");
        ASYNC(IVssBackupComponents_BackupComplete(backup, &async_), "BackupComplete");
        return set;
}

double last_window(const char *phase) {
        json_t *root, *window, *p;
        double value = -1;
        char *json = NULL;
        HRESULT hr;
        size_t i;

        hr = umbra_get_status(&json);
        if (FAILED(hr))
                die("umbra_get_status", hr);
        root = json_loads(json, 0, NULL);
        CoTaskMemFree(json);
        window = json_object_get(root, "last_window");
        if (!phase)
                value = (double) json_integer_value(json_object_get(window, "frozen_usec"));
        json_array_foreach(json_object_get(window, "phases"), i, p)
                if (phase && strcmp(json_string_value(json_object_get(p, "name")), phase) == 0)
                        value = (double) json_integer_value(json_object_get(p, "usec"));
        json_decref(root);
        return value;
}

