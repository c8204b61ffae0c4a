/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Calls
 *
 * Everything that BETest asks of umbra goes through here, so that each call is shown with its result, and the exit code
 * is that of the first one that went wrong.
 */

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/guid.h"
#include "base/hresult.h"
#include "base/time-util.h"
#include "testers/betest.h"
#include "testers/vss-text.h"
#include "testers/words.h"

static void keep_status(Betest *b, BetestStatus status) {
        if (b->status == BETEST_OK)
                b->status = status;
}

static BetestStatus status_of(HRESULT hr) {
        if (hr == E_ACCESSDENIED)
                return BETEST_DENIED;
        return hr == VSS_E_UNEXPECTED_WRITER_ERROR ? BETEST_WRITER : BETEST_FAILED;
}

static json_t *call_record(const char *what, HRESULT hr) {
        json_t *record = record_new("call", what);

        record_text(record, "result", hresult_name(hr));
        if (FAILED(hr))
                record_text(record, "error",
                            *umbra_last_error() ? umbra_last_error() : hresult_sentence(hr));
        return record;
}

HRESULT betest_called(Betest *b, HRESULT hr, const char *format, ...) {
        _cleanup_(freep) char *what = NULL;
        va_list ap;

        va_start(ap, format);
        if (vasprintf(&what, format, ap) < 0)
                what = NULL;
        va_end(ap);
        report_emit(b->report, call_record(or_die(what), hr));
        if (FAILED(hr))
                keep_status(b, status_of(hr));
        return hr;
}

void betest_fail(Betest *b, const char *format, ...) {
        _cleanup_(freep) char *what = NULL;
        va_list ap;

        va_start(ap, format);
        if (vasprintf(&what, format, ap) < 0)
                what = NULL;
        va_end(ap);
        report_emit(b->report, record_new("error", or_die(what)));
        keep_status(b, BETEST_FAILED);
}

HRESULT betest_wait(Betest *b, const char *name, BetestMethod method) {
        _cleanup_(freep) char *what = text_format("%s()", name);
        usec_t start = now_usec(CLOCK_MONOTONIC);
        IVssAsync *async = NULL;
        HRESULT hr, status = S_OK;
        json_t *record;

        hr = method(b->vss, &async);
        if (SUCCEEDED(hr))
                hr = IVssAsync_Wait(async, INFINITE);
        if (SUCCEEDED(hr))
                hr = IVssAsync_QueryStatus(async, &status, NULL);
        if (SUCCEEDED(hr))
                hr = FAILED(status) ? status : S_OK;
        record = call_record(what, hr);
        record_number(record, "milliseconds", (now_usec(CLOCK_MONOTONIC) - start) / USEC_PER_MSEC);
        report_emit(b->report, record);
        if (FAILED(hr))
                keep_status(b, status_of(hr));
        if (async)
                IVssAsync_Release(async);
        return hr;
}

/* Status */

typedef struct Answer {
        VSS_ID instance, id;
        VSS_WRITER_STATE state;
        HRESULT failure, application;
        BSTR name, message;
} Answer;

static HRESULT read_answer(Betest *b, UINT i, Answer *a) {
        IVssBackupComponentsEx3 *ex = NULL;
        HRESULT hr;

        hr = IVssBackupComponents_QueryInterface(b->vss, &IID_IVssBackupComponentsEx3, (void **) &ex);
        if (FAILED(hr))
                return hr;
        hr = IVssBackupComponentsEx3_GetWriterStatusEx(ex, i, &a->instance, &a->id, &a->name, &a->state,
                                                       &a->failure, &a->application, &a->message);
        IVssBackupComponentsEx3_Release(ex);
        return hr;
}

static bool has_failed(const Answer *a) {
        return FAILED(a->failure) || a->state >= VSS_WS_FAILED_AT_IDENTIFY || a->state == VSS_WS_UNKNOWN;
}

/* A writer of which nothing is saved may fail as it likes. One that was started anew since the backup has another
 * instance id. */
static bool takes_part(const Betest *b, const Answer *a) {
        for (size_t i = 0; i < b->n_sources; ++i)
                if (guid_equal(&b->sources[i].id, &a->id) &&
                    (b->restoring || guid_equal(&b->sources[i].instance, &a->instance)))
                        for (size_t k = 0; k < b->sources[i].n_parts; ++k)
                                if (b->sources[i].parts[k].chosen)
                                        return true;
        return false;
}

static void report_answer(Betest *b, const Answer *a) {
        _cleanup_(freep) char *name = text_from_wide(a->name), *message = text_from_wide(a->message);
        json_t *record = record_new("writer", name ?: "");

        record_text(record, "instance", GUID_TO_STRING(&a->instance));
        record_text(record, "state", word_of(writer_state_words, (int) a->state));
        if (a->failure != S_OK)
                record_text(record, "failure", hresult_name(a->failure));
        if (a->application != S_OK)
                record_format(record, "application", "0x%08x", (unsigned) a->application);
        record_text(record, "message", message);
        report_emit(b->report, record);
}

bool betest_writers_are_well(Betest *b) {
        bool well = true;
        UINT n = 0;
        HRESULT hr;

        hr = BETEST_WAIT(b, GatherWriterStatus);
        if (SUCCEEDED(hr))
                hr = BETEST_CALL(b, GetWriterStatusCount, &n);
        for (UINT i = 0; SUCCEEDED(hr) && i < n; ++i) {
                Answer a = { .failure = S_OK };
                bool failed;

                hr = read_answer(b, i, &a);
                failed = FAILED(hr) || (has_failed(&a) && takes_part(b, &a));
                if (SUCCEEDED(hr) && (failed || b->verbose))
                        report_answer(b, &a);
                if (failed)
                        well = false;
                SysFreeString(a.name);
                SysFreeString(a.message);
        }
        (void) IVssBackupComponents_FreeWriterStatus(b->vss);
        if (!well)
                keep_status(b, BETEST_WRITER);
        return SUCCEEDED(hr) && (well || !b->stop_on_error);
}

/* The connection */

bool betest_connect(Betest *b) {
        HRESULT hr = CreateVssBackupComponents(&b->vss);

        if (hr == VSS_E_UNEXPECTED)
                keep_status(b, BETEST_UNREACHABLE);
        return SUCCEEDED(betest_called(b, hr, "CreateVssBackupComponents()"));
}

void betest_disconnect(Betest *b) {
        if (b->vss)
                IVssBackupComponents_Release(b->vss);
        b->vss = NULL;
        betest_forget(b);
}
