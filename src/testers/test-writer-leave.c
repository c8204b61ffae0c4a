/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What the Test Writer Leaves in Its Components
 *
 * Metadata, stamps, partial and differenced files, targets, and failures, as the configuration wants them.
 * [MS: writer-role-in-backing-up-complex-stores, working-with-directed-targets]
 */

#include <stdlib.h>

#include "base/hresult.h"
#include "base/time-util.h"
#include "testers/test-writer.h"
#include "testers/vss-text.h"
#include "testers/words.h"

static void check_call(TestWriter *t, HRESULT hr, const char *method, const Component *known) {
        _cleanup_(freep) char *name = NULL, *what = NULL;

        if (SUCCEEDED(hr))
                return;
        name = component_full_name(known);
        what = text_format("%s() of '%s'", method, name);
        test_writer_refused(t, what, hr);
}

typedef HRESULT (*TextSetter)(IVssComponent *c, LPCWSTR text);

static void write_word(TestWriter *t,
                       IVssComponent *c,
                       const Component *known,
                       TextSetter set,
                       const char *text,
                       const char *method) {
        _cleanup_(freep) WCHAR *wide = text_to_wide(text);

        check_call(t, set(c, wide), method, known);
}

/* A stamp that is not configured says when it was. */
static void write_stamp(TestWriter *t,
                        IVssComponent *c,
                        const Component *known,
                        const ComponentWord *stamp) {
        _cleanup_(freep) char *now = NULL;

        if (!stamp->text)
                now = text_format("%llu", (unsigned long long) now_usec(CLOCK_REALTIME));
        write_word(t, c, known, c->lpVtbl->SetBackupStamp, stamp->text ?: now, "SetBackupStamp");
}

static void add_partial_file(TestWriter *t, IVssComponent *c, const Component *known, const PartialFile *p) {
        _cleanup_(freep) WCHAR *path = text_to_wide(p->path), *name = text_to_wide(p->filespec);
        _cleanup_(freep) WCHAR *ranges = text_to_wide(p->ranges), *metadata = text_to_wide(p->metadata);

        check_call(t, IVssComponent_AddPartialFile(c, path, name, ranges, metadata), "AddPartialFile",
                   known);
}

static FILETIME modify_time(const DifferencedFile *d) {
        const struct timespec ts = { .tv_sec = differenced_file_time(d) };
        uint64_t filetime = d->year == 0 ? 0 : (uint64_t) filetime_from_timespec(&ts);

        return (FILETIME){ .dwLowDateTime = (DWORD) filetime, .dwHighDateTime = (DWORD) (filetime >> 32) };
}

static void add_differenced_file(TestWriter *t,
                                 IVssComponent *c,
                                 const Component *known,
                                 const DifferencedFile *d) {
        _cleanup_(freep) WCHAR *path = text_to_wide(d->path), *spec = text_to_wide(d->filespec);

        check_call(t,
                   IVssComponent_AddDifferencedFilesByLastModifyTime(c, path, spec, d->recursive,
                                                                     modify_time(d)),
                   "AddDifferencedFilesByLastModifyTime", known);
}

static void add_directed_target(TestWriter *t,
                                IVssComponent *c,
                                const Component *known,
                                const DirectedTarget *d) {
        _cleanup_(freep) WCHAR *source_path = text_to_wide(d->source_path),
                               *source_name = text_to_wide(d->source_name);
        _cleanup_(freep) WCHAR *source_ranges = text_to_wide(d->source_ranges),
                               *path = text_to_wide(d->destination_path);
        _cleanup_(freep) WCHAR *name = text_to_wide(d->destination_name),
                               *ranges = text_to_wide(d->destination_ranges);

        check_call(t,
                   IVssComponent_AddDirectedTarget(c, source_path, source_name, source_ranges, path, name,
                                                   ranges),
                   "AddDirectedTarget", known);
}

static void write_backup_component(TestWriter *t, IVssComponent *c, const Component *known, void *userdata) {
        CONFIG_FOREACH(w, known->backup_metadata)
                if (w->event == (int) t->event)
                        write_word(t, c, known, c->lpVtbl->SetBackupMetadata, w->text, "SetBackupMetadata");
        CONFIG_FOREACH(w, known->backup_stamp)
                if (w->event == (int) t->event)
                        write_stamp(t, c, known, w);
        if (t->event != EVENT_POST_SNAPSHOT)
                return;

        if (known->partial_files && !umbra_writer_is_partial_file_support_enabled(t->writer))
                test_writer_note(t, VERBOSITY_MEDIUM,
                                 "the requester does not support partial files: none are reported");
        else
                CONFIG_FOREACH(p, known->partial_files)
                        add_partial_file(t, c, known, p);
        if (test_writer_saves_differences(t))
                CONFIG_FOREACH(d, known->differenced_files)
                        add_differenced_file(t, c, known, d);
}

static void write_restore_component(TestWriter *t,
                                    IVssComponent *c,
                                    const Component *known,
                                    void *userdata) {
        CONFIG_FOREACH(w, known->restore_metadata_text)
                write_word(t, c, known, c->lpVtbl->SetRestoreMetadata, w->text, "SetRestoreMetadata");
        if (known->restore_target != VSS_RT_UNDEFINED)
                check_call(t, IVssComponent_SetRestoreTarget(c, (VSS_RESTORE_TARGET) known->restore_target),
                           "SetRestoreTarget", known);
        CONFIG_FOREACH(d, known->directed_targets)
                add_directed_target(t, c, known, d);
}

void test_writer_leave(TestWriter *t, IVssWriterComponents *components) {
        test_writer_foreach(t, components,
                            t->event == EVENT_PRE_RESTORE ? write_restore_component : write_backup_component,
                            NULL);
}

/* Failing */

static void set_failure_message(TestWriter *t, IVssComponentEx2 *c, LPCWSTR message) {
        switch (t->event) {
        case EVENT_PREPARE_FOR_BACKUP:
                (void) IVssComponentEx2_SetPrepareForBackupFailureMsg(c, message);
                break;
        case EVENT_POST_SNAPSHOT:
                (void) IVssComponentEx2_SetPostSnapshotFailureMsg(c, message);
                break;
        case EVENT_PRE_RESTORE:
                (void) IVssComponentEx2_SetPreRestoreFailureMsg(c, message);
                break;
        default:
                (void) IVssComponentEx2_SetPostRestoreFailureMsg(c, message);
                break;
        }
}

static void fail_component(TestWriter *t, IVssComponent *c, const Component *known, const FailEvent *f) {
        HRESULT code = f->code != S_OK ? f->code :
                       f->retryable    ? VSS_E_WRITERERROR_RETRYABLE :
                                         VSS_E_WRITERERROR_NONRETRYABLE;
        _cleanup_(freep) WCHAR *message = text_to_wide(f->message);
        json_t *record = record_new("failing", word_of(event_words, (int) t->event));
        _cleanup_(freep) char *name = component_full_name(known);
        IVssComponentEx2 *ex = NULL;
        HRESULT hr;

        record_text(record, "component", name);
        record_text(record, "code", hresult_name(code));
        record_text(record, "message", f->message);
        hr = IVssComponent_QueryInterface(c, &IID_IVssComponentEx2, (void **) &ex);
        if (SUCCEEDED(hr)) {
                hr = IVssComponentEx2_SetFailure(ex, code, f->application_code, message, 0);
                if (message)
                        set_failure_message(t, ex, message);
                IVssComponentEx2_Release(ex);
        }
        if (FAILED(hr))
                record_text(record, "refused", hresult_name(hr));
        report_emit(t->report, record);
}

static void maybe_fail_component(TestWriter *t, IVssComponent *c, const Component *known, void *userdata) {
        const FailEvent *first = NULL;
        unsigned *n_failed = userdata;

        CONFIG_FOREACH(f, known->failures)
                if (occasion_comes(&f->when, t->event) && !first)
                        first = f;
        if (!first)
                return;
        fail_component(t, c, known, first);
        ++*n_failed;
}

unsigned test_writer_fail_components(TestWriter *t, IVssWriterComponents *components) {
        unsigned n_failed = 0;

        test_writer_foreach(t, components, maybe_fail_component, &n_failed);
        return n_failed;
}
