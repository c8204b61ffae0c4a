/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The Order of the Events
 *
 *            PrepareForBackup      PrepareForSnapshot     Freeze          Thaw          PostSnapshot       BackupComplete
 *      NEW ------------------> PREPARED ----------> READY -----> FROZEN -----> THAWED -----------> TAKEN -----------> COMPLETE
 *       |                          |                  |             |             |
 *       |                          `------------------+--- Abort ---+-------------'--> ABORTED --- Abort ---> ABORTED
 *       |  PreRestore             PostRestore
 *       `------------> RESTORING ------------> RESTORED, and then another PreRestore perhaps
 *
 *   Identify may come at any time. BackupShutdown ends a session and may come at any time but while the writer waits for
 *   Freeze, Thaw or PostSnapshot: then an Abort must come first. [MS: overview-of-processing-a-backup-under-vss,
 *   nf-vswriter-cvsswriter-onabort]
 *
 * One such walk per session of a requester. Whatever takes another arrow was sent wrongly.
 */

#include <vss.h>

#include "testers/test-writer-config.h"

typedef enum OrderState {
        ORDER_NEW,
        ORDER_PREPARED,
        ORDER_READY,
        ORDER_FROZEN,
        ORDER_THAWED,
        ORDER_TAKEN,
        ORDER_COMPLETE,
        ORDER_ABORTED,
        ORDER_RESTORING,
        ORDER_RESTORED,
        _ORDER_MAX,
} OrderState;

typedef struct EventOrder EventOrder;

EventOrder *event_order_new(void); /* NULL: out of memory */
EventOrder *event_order_free(EventOrder *o);

/* Notes that @event came in session @session_id. NULL, or the sentence that says what is wrong with that; valid until
 * the next call. */
const char *event_order_note(EventOrder *o, const VSS_ID *session_id, WriterEvent event);

const char *order_state_to_string(OrderState s);
