/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The Document of a Backup, for those beside backup-document.c who work on it.
 */

#include "requester/backup-components.h"

/* The document that an operation brought back replaces the one that was sent. For OperationKind.finish. */
HRESULT backup_document_finish(BackupComponents *b, sd_bus_message *m);
HRESULT backup_document_finish_optional(BackupComponents *b, sd_bus_message *m); /* there may be none */

/* For the rest of the scope the document is ours. The view of an object is always open, so this cannot
 * fail. */
static inline ViewOwner *view_owner_enter_own(ViewOwner *o) {
        HRESULT hr = view_owner_enter(o);

        assert(hr == S_OK);
        (void) hr;
        return o;
}

static inline void view_owner_leavep(ViewOwner **o) {
        view_owner_leave(*o);
}

#define DOCUMENT_LOCKED(b)                                                                                  \
        _cleanup_(view_owner_leavep) _unused_ ViewOwner *_view = view_owner_enter_own((b)->view)
