/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The API in Small
 */

#include "tools/tool-vss.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <umbra.h>

#include "base/hresult.h"
#include "base/utf.h"
#include "tools/verb.h"

bool tool_json, tool_quiet;

static volatile sig_atomic_t interrupted;

int tool_exit_code(HRESULT hr) {
        switch (hr) {
        case S_OK:
                return EXIT_OK;
        case E_ACCESSDENIED:
                return EXIT_DENIED;
        case E_ABORT:
        case VSS_S_ASYNC_CANCELLED:
                return interrupted ? EXIT_INTERRUPTED : EXIT_FAILED;
        case VSS_E_UNEXPECTED_WRITER_ERROR:
        case VSS_E_WRITERERROR_INCONSISTENTSNAPSHOT:
        case VSS_E_WRITERERROR_OUTOFRESOURCES:
        case VSS_E_WRITERERROR_TIMEOUT:
        case VSS_E_WRITERERROR_RETRYABLE:
        case VSS_E_WRITERERROR_NONRETRYABLE:
        case VSS_E_WRITERERROR_PARTIAL_FAILURE:
                return EXIT_WRITER;
        default:
                return SUCCEEDED(hr) ? EXIT_OK : EXIT_FAILED;
        }
}

static _printf_(1, 0) void complain(const char *format, va_list ap) {
        fputs("umbra: ", stderr);
        vfprintf(stderr, format, ap);
}

int tool_fail(HRESULT hr, const char *format, ...) {
        const char *sentence = umbra_last_error();
        va_list ap;

        va_start(ap, format);
        complain(format, ap);
        va_end(ap);
        if (interrupted)
                fputs(": interrupted\n", stderr);
        else
                fprintf(stderr, ": %s (%s)\n", *sentence ? sentence : hresult_sentence(hr), hresult_name(hr));
        return tool_exit_code(hr);
}

int tool_error(const char *format, ...) {
        va_list ap;

        va_start(ap, format);
        complain(format, ap);
        va_end(ap);
        fputc('\n', stderr);
        return EXIT_FAILED;
}

void tool_say(const char *format, ...) {
        va_list ap;

        if (tool_quiet)
                return;
        va_start(ap, format);
        vfprintf(stderr, format, ap);
        va_end(ap);
        fputc('\n', stderr);
}

int tool_refused(HRESULT hr) {
        int code = tool_fail(hr, "Cannot ask umbrad");

        if (hr == E_ACCESSDENIED)
                fputs("Root and members of the group umbra may; umbra.conf(5) tells how others do.\n", stderr);
        return hr == VSS_E_UNEXPECTED ? EXIT_UNREACHABLE : code;
}

IVssBackupComponents *tool_connect(int *ret_exit) {
        IVssBackupComponents *backup = NULL;
        HRESULT hr;

        hr = CreateVssBackupComponents(&backup);
        if (SUCCEEDED(hr))
                return backup;

        *ret_exit = tool_refused(hr);
        return NULL;
}

static void on_interrupt(int number) {
        interrupted = 1;
}

void tool_catch_interrupts(void) {
        struct sigaction action = { .sa_handler = on_interrupt };

        (void) sigaction(SIGINT, &action, NULL);
        (void) sigaction(SIGTERM, &action, NULL);
        (void) sigaction(SIGHUP, &action, NULL);
}

bool tool_interrupted(void) {
        return interrupted;
}

/* How often ^C is looked for while umbrad works. */
#define WAIT_SLICE_MS 200

static HRESULT wait_for(HRESULT hr, IVssAsync *async, bool may_be_interrupted) {
        HRESULT status = VSS_S_ASYNC_PENDING;

        if (FAILED(hr))
                return hr;
        while (status == VSS_S_ASYNC_PENDING) {
                if (interrupted && may_be_interrupted) {
                        (void) IVssAsync_Cancel(async);
                        IVssAsync_Release(async);
                        return E_ABORT;
                }
                hr = IVssAsync_Wait(async, WAIT_SLICE_MS);
                if (SUCCEEDED(hr))
                        hr = IVssAsync_QueryStatus(async, &status, NULL);
                if (FAILED(hr))
                        status = hr;
        }
        IVssAsync_Release(async);
        return status == VSS_S_ASYNC_FINISHED ? S_OK : status == VSS_S_ASYNC_CANCELLED ? E_ABORT : status;
}

HRESULT tool_wait(HRESULT hr, IVssAsync *async) {
        return wait_for(hr, async, true);
}

HRESULT tool_wait_through(HRESULT hr, IVssAsync *async) {
        return wait_for(hr, async, false);
}

static void *or_die(void *p) {
        if (!p) {
                fputs("umbra: out of memory\n", stderr);
                exit(EXIT_FAILED);
        }
        return p;
}

char *tool_text(const WCHAR *s) {
        char *text = NULL;

        if (!s)
                return or_die(strdup(""));
        if (utf8_from_wide(s, &text) == -EILSEQ)
                return or_die(strdup("?"));
        return or_die(text);
}

char *tool_take_bstr(BSTR s) {
        char *text = tool_text(s);

        SysFreeString(s);
        return text;
}

WCHAR *tool_wide(const char *s) {
        WCHAR *wide = NULL;

        if (s && wide_from_utf8(s, &wide) < 0)
                return or_die(NULL);
        return wide;
}

const char *tool_writer_state(VSS_WRITER_STATE s) {
        static const char *const names[VSS_WS_COUNT] = {
                [VSS_WS_UNKNOWN] = "unknown",
                [VSS_WS_STABLE] = "stable",
                [VSS_WS_WAITING_FOR_FREEZE] = "waiting for freeze",
                [VSS_WS_WAITING_FOR_THAW] = "waiting for thaw",
                [VSS_WS_WAITING_FOR_POST_SNAPSHOT] = "waiting for post-snapshot",
                [VSS_WS_WAITING_FOR_BACKUP_COMPLETE] = "waiting for the backup to complete",
                [VSS_WS_FAILED_AT_IDENTIFY] = "failed to identify itself",
                [VSS_WS_FAILED_AT_PREPARE_BACKUP] = "failed to prepare for the backup",
                [VSS_WS_FAILED_AT_PREPARE_SNAPSHOT] = "failed to prepare for the snapshot",
                [VSS_WS_FAILED_AT_FREEZE] = "failed to freeze",
                [VSS_WS_FAILED_AT_THAW] = "failed to thaw",
                [VSS_WS_FAILED_AT_POST_SNAPSHOT] = "failed after the snapshot",
                [VSS_WS_FAILED_AT_BACKUP_COMPLETE] = "failed to complete the backup",
                [VSS_WS_FAILED_AT_PRE_RESTORE] = "failed to prepare for the restore",
                [VSS_WS_FAILED_AT_POST_RESTORE] = "failed after the restore",
                [VSS_WS_FAILED_AT_BACKUPSHUTDOWN] = "failed to end the backup",
        };

        return (size_t) s < ELEMENTSOF(names) ? names[s] : "unknown";
}

const char *tool_usage(VSS_USAGE_TYPE u) {
        static const char *const names[] = { "undefined", "bootable system state", "system service", "user data", "other" };

        return (size_t) u < ELEMENTSOF(names) ? names[u] : "undefined";
}

const char *tool_component_type(VSS_COMPONENT_TYPE t) {
        return t == VSS_CT_DATABASE ? "database" : t == VSS_CT_FILEGROUP ? "files" : "undefined";
}

static const char *const backup_types[] = {
        [VSS_BT_UNDEFINED] = "undefined",       [VSS_BT_FULL] = "full", [VSS_BT_INCREMENTAL] = "incremental",
        [VSS_BT_DIFFERENTIAL] = "differential", [VSS_BT_LOG] = "log",   [VSS_BT_COPY] = "copy",
};

const char *tool_backup_type(VSS_BACKUP_TYPE t) {
        return backup_types[(size_t) t < ELEMENTSOF(backup_types) ? t : VSS_BT_UNDEFINED];
}

VSS_BACKUP_TYPE tool_backup_type_from_string(const char *s) {
        for (size_t i = VSS_BT_UNDEFINED + 1; s && i < ELEMENTSOF(backup_types); ++i)
                if (strcmp(backup_types[i], s) == 0)
                        return (VSS_BACKUP_TYPE) i;
        return VSS_BT_UNDEFINED;
}

bool tool_writer_failed(const WriterStatus *s) {
        return s->state >= VSS_WS_FAILED_AT_IDENTIFY || s->state == VSS_WS_UNKNOWN || FAILED(s->failure);
}

void tool_writer_statuses_free(WriterStatus *list, size_t n) {
        for (size_t i = 0; i < n; ++i) {
                free(list[i].name);
                free(list[i].message);
        }
        free(list);
}

static HRESULT read_status(IVssBackupComponents *backup, IVssBackupComponentsEx3 *ex3, UINT i, WriterStatus *s) {
        BSTR name = NULL, message = NULL;
        HRESULT hr;

        hr = ex3 ? IVssBackupComponentsEx3_GetWriterStatusEx(ex3, i, &s->instance_id, &s->writer_id, &name, &s->state, &s->failure,
                                                            &s->failure_application, &message) :
                   IVssBackupComponents_GetWriterStatus(backup, i, &s->instance_id, &s->writer_id, &name, &s->state, &s->failure);
        s->name = tool_take_bstr(name);
        s->message = tool_take_bstr(message);
        return hr;
}

HRESULT tool_writer_statuses(IVssBackupComponents *backup, WriterStatus **ret, size_t *ret_n) {
        IVssBackupComponentsEx3 *ex3 = NULL;
        WriterStatus *list = NULL;
        UINT n = 0;
        HRESULT hr;

        hr = TOOL_WAIT(IVssBackupComponents_GatherWriterStatus(backup, &async));
        if (SUCCEEDED(hr))
                hr = IVssBackupComponents_GetWriterStatusCount(backup, &n);
        if (FAILED(hr))
                return hr;

        (void) IVssBackupComponents_QueryInterface(backup, &IID_IVssBackupComponentsEx3, (void **) &ex3);
        list = or_die(calloc(n + 1, sizeof(*list)));
        for (UINT i = 0; i < n && SUCCEEDED(hr); ++i)
                hr = read_status(backup, ex3, i, &list[i]);
        if (ex3)
                IVssBackupComponentsEx3_Release(ex3);
        (void) IVssBackupComponents_FreeWriterStatus(backup);
        if (FAILED(hr)) {
                tool_writer_statuses_free(list, n);
                return hr;
        }
        *ret = list;
        *ret_n = n;
        return S_OK;
}
