/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Where a Writer Is
 *
 *               PrepareBackup             PrepareSnapshot           Freeze            Thaw            PostSnapshot
 *      IDLE -----------------> PREPARED ------------------> READY ---------> FROZEN ---------> THAWED --------------> IN_BACKUP
 *        ^                        |                           |                |                 |                        |
 *        `------------------------+---------------------------+----------------+-----------------+------------------------'
 *                              Abort, BackupShutdown, a lost connection, or the freeze limit
 *
 * BackupComplete changes nothing: BackupShutdown is still to come, also when umbrad dies before it.
 *
 * One such state per session, because backups may overlap: while one is frozen, another one ends. What the
 * library itself must know of it: whether the application is owed an OnAbort when the connection ends, how
 * long it may stay frozen, and that an OnThaw that comes after that is not passed on, because the
 * application was woken before. A session in IDLE is not in the list.
 */

#include <stdbool.h>

#include <vsbackup.h>

#include "base/time-util.h"
#include "wire/wire-names.h"

typedef enum WriterState {
        WRITER_IDLE,
        WRITER_PREPARED,
        WRITER_READY,
        WRITER_FROZEN,
        WRITER_THAWED,
        WRITER_IN_BACKUP,
        _WRITER_STATE_MAX,
        _WRITER_STATE_INVALID = -22,
} WriterState;

const char *writer_state_to_string(WriterState s);

/* The state after @event was handled, well or not. */
WriterState writer_state_after(WriterState from, WireEvent event);
/* Is the application in the middle of something that an OnAbort must end? */
bool writer_state_owes_abort(WriterState s);

typedef struct WriterSession {
        struct WriterSession *prev, *next;
        VSS_ID session_id, set_id;
        LONG context;
        WriterState state;
        usec_t thaw_deadline;                /* USEC_INFINITY: not frozen */
        IVssExamineWriterMetadata *identify; /* what the writer had said about itself when the backup began; NULL: nothing yet */
} WriterSession;

/* NULL for a session in IDLE. */
WriterSession *writer_session_find(WriterSession *list, const VSS_ID *session_id);
/* The one that holds the application frozen, or NULL. */
WriterSession *writer_session_frozen(WriterSession *list);
/* The first that is owed an OnAbort, or NULL. */
WriterSession *writer_session_owing(WriterSession *list);
/* In IDLE. A reference to @identify is taken. */
int writer_session_add(WriterSession **list, const VSS_ID *session_id, IVssExamineWriterMetadata *identify, WriterSession **ret);
WriterSession *writer_session_free(WriterSession **list, WriterSession *s);
