/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The Test Writer
 *
 * Each callback goes the same way: the event is written down with all that can be seen in it, its order is checked, the
 * configured delay passes, the work of the event is done, and the configured failure returned.
 */

#include "testers/test-writer.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/guid.h"
#include "base/hresult.h"
#include "testers/vss-text.h"
#include "testers/words.h"

/* Saying */

static bool wanted(const TestWriter *t, Verbosity verbosity) {
        return t->config->verbosity >= (int) verbosity;
}

void test_writer_violation(TestWriter *t, const char *format, ...) {
        _cleanup_(freep) char *text = NULL;
        json_t *record;
        va_list ap;

        va_start(ap, format);
        if (vasprintf(&text, format, ap) < 0)
                text = NULL;
        va_end(ap);
        ++t->n_violations;
        record = record_new("violation", text ?: "out of memory");
        record_text(record, "during", word_of(event_words, (int) t->event));
        report_emit(t->report, record);
}

void test_writer_refused(TestWriter *t, const char *what, HRESULT hr) {
        json_t *record = record_new("refused", what);

        ++t->n_refused;
        record_text(record, "code", hresult_name(hr));
        record_text(record, "during", word_of(event_words, (int) t->event));
        if (*umbra_last_error())
                record_text(record, "error", umbra_last_error());
        report_emit(t->report, record);
}

void test_writer_note(TestWriter *t, Verbosity verbosity, const char *format, ...) {
        _cleanup_(freep) char *text = NULL;
        va_list ap;

        if (!wanted(t, verbosity))
                return;
        va_start(ap, format);
        if (vasprintf(&text, format, ap) < 0)
                text = NULL;
        va_end(ap);
        report_emit(t->report, record_new("note", text ?: "out of memory"));
}

static VSS_ID session_id(TestWriter *t) {
        VSS_ID id = GUID_NULL;

        (void) umbra_writer_get_session_id(t->writer, &id);
        return id;
}

static void describe_volumes(TestWriter *t, json_t *record) {
        LPCWSTR *volumes = umbra_writer_get_volume_array(t->writer);

        for (UINT i = 0; i < umbra_writer_get_volume_count(t->writer); ++i) {
                _cleanup_(freep) char *volume = text_from_wide(volumes[i]);
                json_t *item = json_object();
                LPCWSTR device = NULL;

                (void) json_array_append_new(record_list(record, "volume"), item);
                record_text(item, "path", volume);
                if (t->event == EVENT_POST_SNAPSHOT &&
                    SUCCEEDED(umbra_writer_get_snapshot_device_name(t->writer, volumes[i], &device))) {
                        _cleanup_(freep) char *text = text_from_wide(device);

                        record_text(item, "device", text);
                }
        }
}

static void describe_backup(TestWriter *t, json_t *record) {
        record_text(record, "backupType",
                    word_of(backup_type_words, (int) umbra_writer_get_backup_type(t->writer)));
        record_flag(record, "componentsSelected", umbra_writer_are_components_selected(t->writer));
        record_flag(record, "bootableSystemState",
                    umbra_writer_is_bootable_system_state_backed_up(t->writer));
        record_flag(record, "partialFileSupport", umbra_writer_is_partial_file_support_enabled(t->writer));
}

static void describe_snapshot_set(TestWriter *t, json_t *record) {
        VSS_ID set_id = umbra_writer_get_snapshot_set_id(t->writer);

        if (guid_is_null(&set_id))
                return;
        record_text(record, "snapshotSet", GUID_TO_STRING(&set_id));
        record_format(record, "context", "0x%x", (unsigned) umbra_writer_get_context(t->writer));
}

static json_t *describe_event(TestWriter *t, IVssWriterComponents *components) {
        json_t *record = record_new("event", word_of(event_words, (int) t->event));
        VSS_ID session = session_id(t);

        record_text(record, "session", GUID_TO_STRING(&session));
        switch (t->event) {
        case EVENT_PREPARE_FOR_BACKUP:
                describe_backup(t, record);
                break;
        case EVENT_FREEZE:
        case EVENT_THAW:
                record_text(record, "level", word_of(level_words, (int) umbra_writer_get_level(t->writer)));
                describe_snapshot_set(t, record);
                break;
        case EVENT_PREPARE_FOR_SNAPSHOT:
        case EVENT_POST_SNAPSHOT:
                describe_snapshot_set(t, record);
                describe_volumes(t, record);
                break;
        case EVENT_PRE_RESTORE:
        case EVENT_POST_RESTORE:
                record_text(record, "restoreType",
                            word_of(restore_type_words, (int) umbra_writer_get_restore_type(t->writer)));
                break;
        default:
                break;
        }
        if (components)
                test_writer_describe_components(record, components);
        return record;
}

/* Delays and failures */

static void delay(TestWriter *t) {
        struct pollfd stop = { .fd = t->stop_fd, .events = POLLIN };

        CONFIG_FOREACH(d, t->config->delays) {
                if (!occasion_comes(&d->when, t->event))
                        continue;
                test_writer_note(t, VERBOSITY_MEDIUM, "%s takes %u ms longer",
                                 word_of(event_words, (int) t->event), d->msec);
                while (poll(&stop, 1, (int) d->msec) < 0 && errno == EINTR)
                        ;
        }
}

static HRESULT code_of(const FailEvent *f) {
        /* Errors that may go away when the backup is tried again; the documentation wants a random one. */
        static const HRESULT retryable[] = {
                VSS_E_WRITERERROR_INCONSISTENTSNAPSHOT,
                VSS_E_WRITERERROR_OUTOFRESOURCES,
                VSS_E_WRITERERROR_TIMEOUT,
                VSS_E_WRITERERROR_RETRYABLE,
        };
        GUID random;

        if (f->code != S_OK)
                return f->code;
        if (!f->retryable)
                return VSS_E_WRITERERROR_NONRETRYABLE;
        guid_generate(&random);
        return retryable[random.Data1 % ELEMENTSOF(retryable)];
}

/* Returns what the callback is to return. */
static bool fail_with(TestWriter *t, HRESULT code, HRESULT application_code, const char *message) {
        _cleanup_(freep) WCHAR *wide = text_to_wide(message);
        json_t *record = record_new("failing", word_of(event_words, (int) t->event));
        HRESULT hr;

        record_text(record, "code", hresult_name(code));
        if (application_code != S_OK)
                record_format(record, "applicationCode", "0x%08x", (unsigned) application_code);
        record_text(record, "message", message);
        hr = umbra_writer_set_failure_ex(t->writer, code, application_code, wide);
        if (FAILED(hr)) /* in Identify, or a code that is not for writers: what remains is false */
                record_text(record, "refused", hresult_name(hr));
        report_emit(t->report, record);
        return false;
}

/* Each of them counts the events, also when another one comes first. */
static const FailEvent *failure_of(FailEvent *failures, WriterEvent event) {
        const FailEvent *first = NULL;

        CONFIG_FOREACH(f, failures)
                if (occasion_comes(&f->when, event) && !first)
                        first = f;
        return first;
}

static bool fail_or_succeed(TestWriter *t, unsigned n_failed_components) {
        const FailEvent *f = failure_of(t->config->failures, t->event);

        if (f && !f->silent)
                return fail_with(t, code_of(f), f->application_code, f->message);
        if (f) {
                report_emit(t->report, record_new("failing", word_of(event_words, (int) t->event)));
                return false;
        }
        if (n_failed_components > 0)
                return fail_with(t, VSS_E_WRITERERROR_PARTIAL_FAILURE, S_OK, "some components failed");
        return true;
}

/* The callbacks */

static void begin(TestWriter *t, WriterEvent event, IVssWriterComponents *components) {
        VSS_ID session = session_id(t);
        const char *wrong;

        t->event = event;
        if (event == EVENT_THAW || event == EVENT_ABORT)
                report_release(t->report);
        wrong = event_order_note(t->order, &session, event);
        if (wanted(t, VERBOSITY_MEDIUM))
                report_emit(t->report, describe_event(t, components));
        if (wrong)
                test_writer_violation(t, "%s", wrong);
        delay(t);
}

static bool on_identify(void *userdata, IVssCreateWriterMetadataEx *metadata) {
        TestWriter *t = userdata;
        const ConfigNode *at;
        HRESULT hr;

        begin(t, EVENT_IDENTIFY, NULL);
        hr = test_writer_identify(t->config, metadata, &at);
        if (FAILED(hr)) {
                _cleanup_(freep) char *what = text_format("<%s> in line %ld", at->element->name, at->line);

                test_writer_refused(t, what, hr);
                return false;
        }
        return fail_or_succeed(t, 0);
}

static bool on_prepare_backup(void *userdata, IVssWriterComponents *components) {
        TestWriter *t = userdata;

        begin(t, EVENT_PREPARE_FOR_BACKUP, components);
        test_writer_note_backup(t, components);
        test_writer_check_components(t, components);
        test_writer_leave(t, components);
        return fail_or_succeed(t, test_writer_fail_components(t, components));
}

static bool on_prepare_snapshot(void *userdata) {
        TestWriter *t = userdata;

        begin(t, EVENT_PREPARE_FOR_SNAPSHOT, NULL);
        test_writer_check_volumes(t);
        test_writer_remember_files(t);
        test_writer_spit_files(t);
        return fail_or_succeed(t, 0);
}

/* Nothing is frozen before this has returned; from then on nothing is written until the writer is woken. */
static bool on_freeze(void *userdata) {
        TestWriter *t = userdata;
        bool ok;

        begin(t, EVENT_FREEZE, NULL);
        ok = fail_or_succeed(t, 0);
        report_hold(t->report);
        return ok;
}

static bool on_thaw(void *userdata) {
        TestWriter *t = userdata;

        begin(t, EVENT_THAW, NULL);
        return fail_or_succeed(t, 0);
}

static bool on_abort(void *userdata) {
        TestWriter *t = userdata;

        begin(t, EVENT_ABORT, NULL);
        return fail_or_succeed(t, 0);
}

static bool on_post_snapshot(void *userdata, IVssWriterComponents *components) {
        TestWriter *t = userdata;

        begin(t, EVENT_POST_SNAPSHOT, components);
        test_writer_check_components(t, components);
        test_writer_leave(t, components);
        test_writer_delete_from_snapshot(t);
        test_writer_delete_files(t);
        return fail_or_succeed(t, test_writer_fail_components(t, components));
}

static bool on_backup_complete(void *userdata, IVssWriterComponents *components) {
        TestWriter *t = userdata;

        begin(t, EVENT_BACKUP_COMPLETE, components);
        test_writer_check_components(t, components);
        return fail_or_succeed(t, 0);
}

static bool on_backup_shutdown(void *userdata, VSS_ID set_id) {
        TestWriter *t = userdata;

        begin(t, EVENT_BACKUP_SHUTDOWN, NULL);
        test_writer_forget_backup(t);
        return fail_or_succeed(t, 0);
}

static bool on_pre_restore(void *userdata, IVssWriterComponents *components) {
        TestWriter *t = userdata;

        begin(t, EVENT_PRE_RESTORE, components);
        test_writer_check_components(t, components);
        test_writer_leave(t, components);
        test_writer_remember_excluded(t);
        return fail_or_succeed(t, test_writer_fail_components(t, components));
}

static bool on_post_restore(void *userdata, IVssWriterComponents *components) {
        TestWriter *t = userdata;

        begin(t, EVENT_POST_RESTORE, components);
        test_writer_check_components(t, components);
        test_writer_check_restore(t, components);
        return fail_or_succeed(t, test_writer_fail_components(t, components));
}

static void on_disconnected(void *userdata) {
        TestWriter *t = userdata;

        report_release(t->report);
        test_writer_note(t, VERBOSITY_LOW, "the connection to umbrad is lost; waiting for it to come back");
}

static const UmbraWriterCallbacks callbacks = {
        .size = sizeof(callbacks),
        .OnIdentify = on_identify,
        .OnPrepareBackup = on_prepare_backup,
        .OnPrepareSnapshot = on_prepare_snapshot,
        .OnFreeze = on_freeze,
        .OnThaw = on_thaw,
        .OnAbort = on_abort,
        .OnPostSnapshot = on_post_snapshot,
        .OnBackupComplete = on_backup_complete,
        .OnBackupShutdown = on_backup_shutdown,
        .OnPreRestore = on_pre_restore,
        .OnPostRestore = on_post_restore,
        .OnDisconnected = on_disconnected,
};

static HRESULT initialize(TestWriter *t) {
        const TestWriterConfig *c = t->config;
        _cleanup_(freep) WCHAR *name = text_to_wide(c->name), *instance = text_to_wide(c->instance_name);

        return umbra_writer_initialize(t->writer, c->writer_id, name, c->major_version, c->minor_version,
                                       (VSS_USAGE_TYPE) c->usage, (VSS_SOURCE_TYPE) c->source,
                                       (VSS_APPLICATION_LEVEL) c->level, c->freeze_timeout,
                                       VSS_AWS_NO_ALTERNATE_WRITER, false, instance);
}

HRESULT test_writer_new(TestWriterConfig *config, Report *report, int stop_fd, TestWriter **ret) {
        TestWriter *t = or_die(calloc_checked(1, sizeof(*t)));
        HRESULT hr;

        t->config = config;
        t->report = report;
        t->stop_fd = stop_fd;
        t->order = or_die(event_order_new());
        hr = umbra_writer_new(&callbacks, t, &t->writer);
        if (SUCCEEDED(hr))
                hr = initialize(t);
        if (FAILED(hr)) {
                test_writer_free(t);
                return hr;
        }

        *ret = t;
        return S_OK;
}

TestWriter *test_writer_free(TestWriter *t) {
        if (!t)
                return NULL;

        umbra_writer_free(t->writer);
        while (t->backups) {
                TestBackup *b = t->backups;

                t->backups = b->next;
                free(b->included);
                free(b);
        }
        for (size_t i = 0; i < t->n_saved; ++i) {
                free(t->saved[i].path);
                free(t->saved[i].ranges);
        }
        free(t->saved);
        for (size_t i = 0; i < t->n_excluded; ++i)
                free(t->excluded[i].path);
        free(t->excluded);
        event_order_free(t->order);
        free(t);
        return NULL;
}
