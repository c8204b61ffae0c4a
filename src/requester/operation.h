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
        const char *name;   /* of the method */
        const char *member; /* of the call on the bus; NULL: the same */
        SessionCall call; /* when it may be begun */
        SessionDocument document;
        bool asks_writers;             /* without umbrad the result is VSS_E_WRITER_INFRASTRUCTURE */
        bool writers_write;            /* in the document, and it comes back */
        bool cannot_cancel;            /* IVssAsync::Cancel refuses */
        SessionState success, failure; /* _SESSION_STATE_INVALID: the state stays */
        /* What the call has beside the operation's number and the document; @arg is the caller's. */
        int (*append)(sd_bus_message *m, BackupComponents *b, const void *arg);
        /* Takes over what a successful answer holds; with the lock. */
        HRESULT (*finish)(BackupComponents *b, sd_bus_message *m);
} OperationKind;

/* *ret is what the method hands out. */
HRESULT operation_begin(BackupComponents *b, const OperationKind *kind, IVssAsync **ret);
HRESULT operation_begin_with(BackupComponents *b, const OperationKind *kind, const void *arg, IVssAsync **ret);
/* Does anybody hold its IVssAsync? */
bool operation_is_awaited(const Operation *op);
