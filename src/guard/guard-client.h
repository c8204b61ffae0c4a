/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The Coordinator's End of umbra-guard
 *
 * Starts the guard with the descriptors of everything that is to be held, waits until it is locked in memory
 * and ready, tells it to freeze and to thaw. If the guard dies while it holds, this end thaws at once
 * through its own descriptors. A list of what is held stands in <runtime_dir>/held meanwhile, for the service
 * manager's stop hook (umbra-guard --thaw-held FILE) should both be killed.
 */

#include <systemd/sd-event.h>
#include <wintypes.h>

#include "base/macro.h"
#include "base/time-util.h"
#include "guard/hold.h"

typedef struct GuardClient GuardClient;

typedef enum GuardEvent {
        GUARD_READY,  /* may hold now */
        GUARD_HELD,   /* everything is frozen */
        GUARD_THAWED, /* everything runs again; S_OK, or VSS_E_HOLD_WRITES_TIMEOUT at the deadline */
        GUARD_FAILED, /* it could not freeze, or died; whatever was frozen runs again; hr says why */
} GuardEvent;

/* @message may be NULL. The handler may free the client; after THAWED or FAILED it hears nothing more. */
typedef void (*GuardHandler)(GuardClient *g,
                             GuardEvent event,
                             HRESULT hr,
                             const char *message,
                             void *userdata);

/* @holds: in the order in which they are held; their descriptors are duplicated. @mounts: their mount points, for
 * messages and the held list. @max_hold: deadline kept by the guard itself, from guard_client_hold() on. READY comes
 * after the file systems were written out once, however long that takes: whoever waits for it has a deadline. Of a guard
 * that cannot be started, or a device mapper that is not there, -ENOENT and the like. */
int guard_client_new(sd_event *event, const char *runtime_dir, const Hold *holds, char *const *mounts, size_t n,
                     usec_t max_hold, GuardHandler handler, void *userdata, GuardClient **ret);
/* Kills the guard if it lives; thaws if anything is still held (synchronously). */
GuardClient *guard_client_free(GuardClient *g);
DEFINE_CLEANUP(GuardClient *, guard_client_free)

/* Once, after READY; -EBADFD else. */
int guard_client_hold(GuardClient *g);
/* -EBADFD when nothing is held (any more). */
int guard_client_release(GuardClient *g);
/* Release without the event loop and without an event: returns when everything is thawed. For undo and
 * signals. */
void guard_client_release_now(GuardClient *g);
bool guard_client_is_holding(const GuardClient *g); /* something may be frozen */
pid_t guard_client_pid(const GuardClient *g);
/* How long the last hold lasted, as the guard measured it; 0 before. */
usec_t guard_client_held_usec(const GuardClient *g);

/* At start: thaws what the list of a previous life names, and removes it. */
int guard_thaw_leftovers(const char *runtime_dir);
