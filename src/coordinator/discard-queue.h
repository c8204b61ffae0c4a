/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Snapshots on Their Way Out
 *
 * Every removal goes through here: DeleteSnapshots, auto-release when a requester ends, undo of a failed set, leftovers of a previous life. The
 * catalog row says DELETING before the provider is asked and goes when it has answered; what fails is tried again with a fresh worker, and then, when
 * whoever waits has been told, after pauses that grow, and at the next start. What cannot go because somebody reads it is gone for whoever waits, and tried again until it can. While anything is frozen the queue stands still: neither catalog nor storage is touched.
 */

#include <stdbool.h>

#include <wintypes.h>

#include "base/macro.h"
#include "coordinator/coordinator-forward.h"

typedef void (*DiscardDone)(HRESULT hr, const char *message, void *userdata);

int discard_queue_new(Manager *m, DiscardQueue **ret);
DiscardQueue *discard_queue_free(DiscardQueue *q);
DEFINE_CLEANUP(DiscardQueue *, discard_queue_free)

/* @done may be NULL; it is called exactly once unless discard_queue_forget() comes first. A snapshot that is already on its way gets another
 * @done. VSS_E_OBJECT_NOT_FOUND: not in the catalog. */
HRESULT discard_queue_add(DiscardQueue *q, const GUID *snapshot_id, DiscardDone done, void *userdata);
void discard_queue_forget(DiscardQueue *q, void *userdata);
/* Nothing that could be done now. */
bool discard_queue_is_empty(const DiscardQueue *q);
/* A snapshot of this volume, made by this provider, is being removed just now. */
bool discard_queue_is_removing(const DiscardQueue *q, const GUID *volume_id, const GUID *provider_id);
/* Nothing is frozen any more: go on. */
void discard_queue_resume(DiscardQueue *q);
