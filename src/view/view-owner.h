/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * View Owner
 *
 * One view of one Backup Components Document: what IVssWriterComponents and all IVssComponent objects that
 * came out of it have in common. It owns the document, so a program that keeps a component longer than it
 * may still holds something alive; it says what may be set just now; and once the event is over, or the
 * requester goes on to the next step, the view is closed, and everything that came out of it answers
 * VSS_E_OBJECT_NOT_FOUND. [reference pitfalls 1]
 *
 * The lock guards all of it, the document included. Whoever works on the document while views of it are out
 * takes it.
 */

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "base/macro.h"
#include "doc/backup-doc.h"

/* What a writer may say now, and what kind of session it is. A requester, and a writer in
 * OnBackupComplete(), may say nothing. */
typedef enum ViewRights {
        VIEW_READ_ONLY = 0,
        VIEW_PREPARE_BACKUP = 1U << 0, /* OnPrepareBackup() */
        VIEW_POST_SNAPSHOT = 1U << 1,  /* OnPostSnapshot() */
        VIEW_PRE_RESTORE = 1U << 2,    /* OnPreRestore() */
        VIEW_POST_RESTORE = 1U << 3,   /* OnPostRestore() */
        VIEW_RESTORE = 1U << 4,        /* no right: the session is a restore; the two before imply it */
} ViewRights;

#define VIEW_ANY_EVENT (VIEW_PREPARE_BACKUP | VIEW_POST_SNAPSHOT | VIEW_PRE_RESTORE | VIEW_POST_RESTORE)

typedef struct ViewOwner {
        atomic_uint n_ref;
        pthread_mutex_t lock;
        bool valid;
        unsigned rights; /* ViewRights */
        BackupDoc *doc;  /* owned; NULL once taken */
} ViewOwner;

/* Takes @doc over, on success. Born with one reference. */
int view_owner_new(BackupDoc *doc, unsigned rights, ViewOwner **ret);
ViewOwner *view_owner_ref(ViewOwner *o);
ViewOwner *view_owner_unref(ViewOwner *o); /* takes NULL, returns NULL */
DEFINE_CLEANUP(ViewOwner *, view_owner_unref)

void view_owner_set_rights(ViewOwner *o, unsigned rights);
/* From here on every object of the view answers VSS_E_OBJECT_NOT_FOUND. Calls that are under way have
 * ended. */
void view_owner_invalidate(ViewOwner *o);
/* The same, and hands the document back to the caller, who puts the next view over it. NULL the second
 * time. */
BackupDoc *view_owner_take_doc(ViewOwner *o);

/* Locks the view if it is open, S_OK; else VSS_E_OBJECT_NOT_FOUND and nothing is locked. */
HRESULT view_owner_enter(ViewOwner *o);
void view_owner_leave(ViewOwner *o);
