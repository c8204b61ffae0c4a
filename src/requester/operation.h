/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Operations
 *
 * What is behind an IVssAsync of a requester: a call that umbrad answers later. One at a time per object.
 * The one who waits or polls brings the answer in; it changes the object (the document, the writers), moves
 * its state on, and settles the IVssAsync, in this order.
 */

#include "requester/backup-components.h"

typedef struct OperationKind {
        const char *name; /* of the method and of the call on the bus */
        SessionCall call; /* when it may be begun */
        SessionDocument document;
        bool asks_writers;             /* without umbrad the result is VSS_E_WRITER_INFRASTRUCTURE */
        bool writers_write;            /* in the document, and it comes back */
        SessionState success, failure; /* _SESSION_STATE_INVALID: the state stays */
        /* Takes over what a successful answer holds; with the lock. */
        HRESULT (*finish)(BackupComponents *b, sd_bus_message *m);
} OperationKind;

/* *ret is what the method hands out. */
HRESULT operation_begin(BackupComponents *b, const OperationKind *kind, IVssAsync **ret);
/* Does anybody hold its IVssAsync? */
bool operation_is_awaited(const Operation *op);
