/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The API in Small
 *
 * What every verb needs of it: texts from and to UTF-8, waiting that ^C ends, messages with the sentence behind a code, and the codes that scripts see.
 */

#include <stdbool.h>
#include <stddef.h>

#include <oleauto.h>
#include <vsbackup.h>

#include "base/macro.h"

/* Prints "umbra: WHAT: sentence" on stderr and returns the ExitCode for @hr. The sentence is umbra_last_error(), else that of the code. */
int tool_fail(HRESULT hr, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The same without a code: EXIT_FAILED. */
int tool_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* A line on stderr unless --quiet. */
void tool_say(const char *format, ...) __attribute__((format(printf, 1, 2)));
int tool_exit_code(HRESULT hr);

/* Says that umbrad cannot be asked, and what to do about it; EXIT_UNREACHABLE, EXIT_DENIED or EXIT_FAILED. */
int tool_refused(HRESULT hr);
/* A requester's object. On failure a message was printed and *ret_exit is EXIT_UNREACHABLE, EXIT_DENIED or EXIT_FAILED. */
IVssBackupComponents *tool_connect(int *ret_exit);

static inline void backup_releasep(IVssBackupComponents **b) {
        if (*b)
                IVssBackupComponents_Release(*b);
}

/* Waits for the operation that @hr and @async began, releases it, and returns how it ended (S_OK, or its code; E_ABORT after ^C, with the operation
 * really cancelled). @hr failed: that. */
HRESULT tool_wait(HRESULT hr, IVssAsync *async);
#define TOOL_WAIT(call_with_async)                      \
        ({                                              \
                IVssAsync *async = NULL;                \
                HRESULT hr_ = (call_with_async);        \
                tool_wait(hr_, async);                  \
        })

/* The same, whatever ^C says: for what somebody else needs to hear. */
HRESULT tool_wait_through(HRESULT hr, IVssAsync *async);
#define TOOL_WAIT_THROUGH(call_with_async)              \
        ({                                              \
                IVssAsync *async = NULL;                \
                HRESULT hr_ = (call_with_async);        \
                tool_wait_through(hr_, async);          \
        })

/* SIGINT and SIGTERM only set a flag from here on. */
void tool_catch_interrupts(void);
bool tool_interrupted(void);

/* UTF-8 of an API string; "" for NULL. The caller frees; dies when memory runs out. */
char *tool_text(const WCHAR *s);
char *tool_take_bstr(BSTR s); /* and frees it */
WCHAR *tool_wide(const char *s);

const char *tool_writer_state(VSS_WRITER_STATE s); /* "waiting for freeze" */
const char *tool_usage(VSS_USAGE_TYPE u);
const char *tool_component_type(VSS_COMPONENT_TYPE t);
const char *tool_backup_type(VSS_BACKUP_TYPE t); /* "incremental"; "undefined" */
/* VSS_BT_UNDEFINED for anything but full, copy, incremental, differential, log. */
VSS_BACKUP_TYPE tool_backup_type_from_string(const char *s);

/* What one writer says of itself now. */
typedef struct WriterStatus {
        GUID instance_id, writer_id;
        char *name, *message;
        VSS_WRITER_STATE state;
        HRESULT failure, failure_application;
} WriterStatus;

/* GatherWriterStatus and all of its answers. */
HRESULT tool_writer_statuses(IVssBackupComponents *backup, WriterStatus **ret, size_t *ret_n);
void tool_writer_statuses_free(WriterStatus *list, size_t n);
bool tool_writer_failed(const WriterStatus *s);
