/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What umbra makes of everything that a provider of volumes may return: each row of the reference, in a set, a
 * query, a deletion or a revert of its own. The documented codes reach the requester as they are, and any other
 * is VSS_E_UNEXPECTED_PROVIDER_ERROR; where nobody asked for the result the work goes on without it.
 *
 * $FACE is the interface whose rows are tried, and $REFERENCE_RETURNS the table.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd-util.h"
#include "base/hresult.h"
#include "providers/puppeteer.h"

static Puppeteer *puppeteer;
static const char *faces; /* what the puppet has */

static int setup(void **state) {
        bool share = strcmp(getenv("FACE"), "IVssFileShareSnapshotProvider") == 0;

        faces = share ? "faces = share set notifications\n" : "faces = software set notifications\n";
        puppeteer = puppeteer_new(share ? VSS_PROV_FILESHARE : VSS_PROV_SOFTWARE);
        puppeteer_script(puppeteer, faces);
        return 0;
}

static int teardown(void **state) {
        puppeteer = puppeteer_free(puppeteer);
        return 0;
}

static void tell(const char *method, const char *symbol, const char *more) {
        _cleanup_(freep) char *script = NULL;

        assert_int_equal(format_to(&script, "%s%s = %s\n%s", faces, method, symbol, more), 0);
        puppeteer_script(puppeteer, script);
}

static void tell_nothing(void) {
        puppeteer_script(puppeteer, faces);
        puppeteer_assert_clean(puppeteer);
}

/* A row of the table, and what the requester is to get. */
typedef struct Row {
        const char *interface, *method, *symbol;
        const char *told; /* the symbol, or what stands for any other */
        HRESULT expected;
} Row;

static void expect(const Row *row, HRESULT actual) {
        if (actual != row->expected)
                fail_msg("%s::%s() returned %s: the requester got 0x%08x %s instead of 0x%08x", row->interface,
                         row->method, row->told, (unsigned) actual, umbra_last_error(),
                         (unsigned) row->expected);
        reference_reach_return(row->interface, row->method, row->symbol);
}

/* What is called while a set is made. */
static void try_making(const Row *row) {
        IVssBackupComponentsEx4 *b = storage_backup(VSS_CTX_FILE_SHARE_BACKUP);
        HRESULT hr;
        VSS_ID id;

        tell(row->method, row->told, "");
        hr = puppeteer_make(puppeteer, b, puppet_id, &id);
        if (hr == VSS_S_ASYNC_FINISHED)
                hr = S_OK;
        expect(row, hr);
        storage_release(b);
        tell_nothing();
}

/* What is called when a set has failed: nobody asks for the result, and the shadow copies go in any case. */
static void try_failing(const Row *row) {
        IVssBackupComponentsEx4 *b = storage_backup(VSS_CTX_FILE_SHARE_BACKUP);
        Row failed = *row;
        HRESULT hr;
        VSS_ID id;

        free(puppeteer_take_calls(puppeteer));
        tell(row->method, row->told, "PostCommitSnapshots = VSS_E_PROVIDER_VETO\n");
        hr = puppeteer_make(puppeteer, b, puppet_id, &id);
        failed.expected = VSS_E_PROVIDER_VETO;
        expect(&failed, hr);
        assert_true(puppeteer_await_call(puppeteer, row->method));
        storage_release(b);
        tell_nothing();
}

static void try_unloading(const Row *row) {
        IVssBackupComponentsEx4 *b = storage_backup(VSS_CTX_FILE_SHARE_BACKUP);
        VSS_ID id;

        free(puppeteer_take_calls(puppeteer));
        tell(row->method, row->told, "");
        assert_int_equal(puppeteer_make(puppeteer, b, puppet_id, &id), VSS_S_ASYNC_FINISHED);
        assert_true(puppeteer_await_call(puppeteer,
                                         strcmp(row->told, "S_FALSE") == 0 ? "OnUnload 1" : "OnUnload 0"));
        reference_reach_return(row->interface, row->method, row->symbol);
        storage_release(b);
        tell_nothing();
}

static VSS_ID make(void) {
        IVssBackupComponentsEx4 *b = storage_backup(VSS_CTX_NAS_ROLLBACK);
        HRESULT hr;
        VSS_ID id;

        hr = puppeteer_make(puppeteer, b, puppet_id, &id);
        if (hr != VSS_S_ASYNC_FINISHED)
                fail_msg("0x%08x %s", (unsigned) hr, umbra_last_error());
        storage_release(b);
        return id;
}

/* One that the provider has lost is gone. */
static void try_deleting(const Row *row) {
        IVssBackupComponentsEx4 *b = storage_backup((LONG) VSS_CTX_ALL);
        Row deleted = *row;
        VSS_ID id = make(), nondeleted;
        LONG n = 0;
        HRESULT hr;

        if (strcmp(row->symbol, "VSS_E_OBJECT_NOT_FOUND") == 0)
                deleted.expected = S_OK;
        tell(row->method, row->told, "");
        hr = IVssBackupComponentsEx4_DeleteSnapshots(b, id, VSS_OBJECT_SNAPSHOT, TRUE, &n, &nondeleted);
        expect(&deleted, hr);
        storage_release(b);
        puppeteer_script(puppeteer, faces);
        if (strcmp(row->symbol, "VSS_E_OBJECT_NOT_FOUND") == 0) {
                _cleanup_(freep) char *command = NULL;

                assert_int_equal(format_to(&command, "rm -rf %s/store", puppeteer->dir), 0);
                assert_int_equal(system(command), 0);
        } else if (FAILED(hr)) { /* the next umbrad has it done */
                world_kill_umbrad(puppeteer->world);
                world_start_umbrad(puppeteer->world);
        }
        tell_nothing();
}

static void try_exposing(const Row *row) {
        IVssBackupComponentsEx4 *b = storage_backup((LONG) VSS_CTX_ALL);
        _cleanup_(freep) char *place = path_in(puppeteer->dir, "place");
        VSS_PWSZ exposed = NULL;
        HRESULT hr;
        VSS_ID id;

        if (geteuid() != 0) { /* nothing can be exposed */
                storage_release(b);
                return;
        }
        id = make();
        (void) mkdir(place, 0755);
        tell(row->method, row->told, "");
        hr = IVssBackupComponentsEx4_ExposeSnapshot(b, id, NULL, VSS_VOLSNAP_ATTR_EXPOSED_LOCALLY, wide(place),
                                                    &exposed);
        expect(row, hr);
        CoTaskMemFree(exposed);
        storage_release(b);
        puppeteer_script(puppeteer, faces);
        storage_delete(id, VSS_OBJECT_SNAPSHOT);
        tell_nothing();
}

static HRESULT revert(VSS_ID id) {
        IVssBackupComponentsEx4 *b = storage_backup((LONG) VSS_CTX_ALL);
        IVssAsync *async = NULL;
        HRESULT hr;

        hr = IVssBackupComponentsEx4_RevertToSnapshot(b, id, TRUE);
        if (hr == S_OK) {
                hr = IVssBackupComponentsEx4_QueryRevertStatus(b, wide(puppeteer->world->volume), &async);
                /* It may be over already. */
                hr = hr == VSS_E_OBJECT_NOT_FOUND ? S_OK : hr != S_OK ? hr : storage_end(async);
        }
        storage_release(b);
        return hr == VSS_S_ASYNC_FINISHED ? S_OK : hr;
}

/* What fails before anything has begun is what RevertToSnapshot() returns; later it is in QueryRevertStatus(). */
static void try_reverting(const Row *row) {
        VSS_ID id = make();
        Row reverted = *row;
        HRESULT hr;

        if (strcmp(row->method, "QueryRevertStatus") == 0 && strcmp(row->symbol, "VSS_E_OBJECT_NOT_FOUND") == 0)
                reverted.expected = S_OK; /* nothing is running */
        free(puppeteer_take_calls(puppeteer));
        tell(row->method, row->told, "");
        hr = revert(id);
        assert_true(puppeteer_await_call(puppeteer, row->method));
        if (strcmp(row->method, "RevertToSnapshot") == 0 && hr == S_OK && row->expected != S_OK)
                reverted.expected = S_OK; /* it was over when we asked, and the log says how it ended */
        expect(&reverted, hr);
        puppeteer_script(puppeteer, faces);
        storage_delete(id, VSS_OBJECT_SNAPSHOT);
        tell_nothing();
}

static void try_asking(const Row *row) {
        VSS_ID id = make();
        BOOL present = FALSE;
        LONG compatibility = 0;
        HRESULT hr;

        tell(row->method, row->told, "");
        hr = IsVolumeSnapshotted(wide(puppeteer->world->volume), &present, &compatibility);
        expect(row, hr);
        assert_int_equal(present, hr == S_OK);
        assert_int_equal(compatibility, hr == S_OK ? VSS_SC_DISABLE_DEFRAG : 0);
        puppeteer_script(puppeteer, faces);
        storage_delete(id, VSS_OBJECT_SNAPSHOT);
        tell_nothing();
}

static const struct {
        const char *method;
        void (*try)(const Row *row);
} scenarios[] = {
        { "OnLoad",                   try_making    },
        { "IsVolumeSupported",        try_making    },
        { "IsPathSupported",          try_making    },
        { "SetContext",               try_making    },
        { "BeginPrepareSnapshot",     try_making    },
        { "EndPrepareSnapshots",      try_making    },
        { "PreCommitSnapshots",       try_making    },
        { "CommitSnapshots",          try_making    },
        { "PostCommitSnapshots",      try_making    },
        { "PreFinalCommitSnapshots",  try_making    },
        { "GetSnapshotProperties",    try_making    },
        { "PostFinalCommitSnapshots", try_making    },
        { "AbortSnapshots",           try_failing   },
        { "Query",                    try_failing   },
        { "OnUnload",                 try_unloading },
        { "DeleteSnapshots",          try_deleting  },
        { "SetSnapshotProperty",      try_exposing  },
        { "RevertToSnapshot",         try_reverting },
        { "QueryRevertStatus",        try_reverting },
        { "IsVolumeSnapshotted",      try_asking    },
        { "IsPathSnapshotted",        try_asking    },
};

static void try_row(Row *row) {
        if (strcmp(row->symbol, "other") == 0) {
                row->told = "E_FAIL";
                row->expected = VSS_E_UNEXPECTED_PROVIDER_ERROR;
        } else {
                row->told = row->symbol;
                assert_int_equal(hresult_from_name(row->symbol, &row->expected), 0);
        }

        for (size_t i = 0; i < ELEMENTSOF(scenarios); ++i)
                if (strcmp(scenarios[i].method, row->method) == 0) {
                        scenarios[i].try(row);
                        return;
                }
        fail_msg("%s::%s() has no scenario", row->interface, row->method);
}

static void test_that_each_documented_result_has_its_consequence(void **state) {
        _cleanup_(freep) char *table = NULL;
        unsigned n = 0;
        char *save = NULL;

        assert_int_equal(file_read_text(getenv("REFERENCE_RETURNS"), 1U << 20, &table), 0);
        for (char *line = strtok_r(table, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
                char interface[64], method[64], symbol[64];
                Row row = { .interface = interface, .method = method, .symbol = symbol };

                if (sscanf(line, "%63[^\t]\t%63[^\t]\t%63[^\t]", interface, method, symbol) == 3 &&
                    strcmp(interface, getenv("FACE")) == 0) {
                        try_row(&row);
                        ++n;
                }
        }
        assert_true(n > 0);
        if (strcmp(getenv("FACE"), "IVssSoftwareSnapshotProvider") == 0)
                REACHES_RULE(IVssSoftwareSnapshotProvider, "*", "may only return S_OK");
        if (strcmp(getenv("FACE"), "IVssProviderCreateSnapshotSet") == 0)
                REACHES_RULE(IVssProviderCreateSnapshotSet, "AbortSnapshots", "return code is not translated");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_that_each_documented_result_has_its_consequence),
        };

        return cmocka_run_group_tests(tests, setup, teardown);
}
