/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Where a Writer Is
 *
 *               PrepareBackup             PrepareSnapshot           Freeze            Thaw            PostSnapshot
 *      IDLE -----------------> PREPARED ------------------> READY ---------> FROZEN ---------> THAWED --------------> IN_BACKUP
 *        ^                        |                           |                |                 |                        |
 *        `------------------------+---------------------------+----------------+-----------------+------------------------'
 *                       Abort, BackupComplete, BackupShutdown, a lost connection, or the freeze limit
 *
 * What the library itself must know of it: whether the application is owed an OnAbort when the connection ends, and that an OnThaw that comes after
 * the limit is not passed on, because the application was woken before.
 */

#include <stdbool.h>

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
