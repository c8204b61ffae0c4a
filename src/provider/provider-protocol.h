/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What umbrad and a Provider's Worker Say to Each Other
 *
 * D-Bus on a socketpair, umbrad being the client; the worker has its end as descriptor PROVIDER_WORKER_FD
 * and ends when the other end closes. Questions are answered one after the other, in the order they were
 * asked. Interface WIRE_PROVIDER_INTERFACE at WIRE_PROVIDER_PATH:
 *
 *   Probe(s volume) → (u flags, i consistency, i consistency_held, u attributes)
 *   Usage(s volume, as notes) → (s place, t used, t allocated, t free, t total)
 *                                               the last two of the place's file system; E_NOTIMPL
 *   IsSnapshotted(s volume) → (b present, i compatibility)
 *   Plan(PROVIDER_SNAPSHOT) → s note            without note
 *   Prepare(ay snapshot_id) → ()
 *   Sync() → ()                                 these three: every snapshot planned on this connection
 *   PreCommit() → ()
 *   Commit(aay ids, aay held) → a(ayt)          the snapshots with these ids (none: every one); held: ids of those
 *                                               whose file systems are held. Id and instant of each
 *   PostCommit(u n) → ()                        n: of the whole set
 *   Surface(PROVIDER_SNAPSHOT) → (s device, s storage)   the latter for Import elsewhere; empty: nothing
 *   Finish(ay set_id) → ()
 *   Tend(PROVIDER_SNAPSHOT) → u permille
 *   Discard(PROVIDER_SNAPSHOT) → ()
 *
 *   Unseal(PROVIDER_SNAPSHOT, s device) → ()
 *   Seal(PROVIDER_SNAPSHOT, s device) → ()      VSS_E_AUTORECOVERY_FAILED: somebody still writes
 *   MayExpose(PROVIDER_SNAPSHOT, s device, s path, u uid) → s path
 *                                               E_INVALIDARG, E_ACCESSDENIED: not there, not by this user
 *   Expose(PROVIDER_SNAPSHOT, s device, s path) → ()
 *   Unexpose(PROVIDER_SNAPSHOT, s device, s path) → ()
 *   MayRevert(PROVIDER_SNAPSHOT, s target, u flags) → s how
 *                                               empty: nothing was decided
 *   Revert(PROVIDER_SNAPSHOT, s target, u flags, s how) → u ProviderReverted
 *                                               meanwhile signals Progress(u permille)
 *   Break(PROVIDER_SNAPSHOT, u flags) → ()
 *   Import(PROVIDER_SNAPSHOT) → s note          its note is the storage of Surface()
 *
 * A failure is an error made by wire_error_set(); an error of any other name is nonsense.
 */

#include <stdint.h>

#include <systemd/sd-bus.h>
#include <wintypes.h>

#include "provider/provider.h"

#define PROVIDER_WORKER_PROGRAM "umbra-provider"
#define PROVIDER_COM_PROGRAM "umbra-provider-com" /* for providers of others */
#define PROVIDER_WORKER_FD 3

#define PROVIDER_NOTE_MAX 4096U
#define PROVIDER_SENTENCE_MAX                                                                               \
        1000U /* less than what wire_error_set() takes, so that it cuts no character in two */

#define PROVIDER_SNAPSHOT "(ayaysustb)" /* id, set id, volume, context, note, room, unfinished */
#define PROVIDER_USAGE "stttt"
#define PROVIDER_INSTANT "ayt"

typedef enum ProviderCall {
        PROVIDER_CALL_PROBE,
        PROVIDER_CALL_USAGE,
        PROVIDER_CALL_IS_SNAPSHOTTED,
        PROVIDER_CALL_PLAN,
        PROVIDER_CALL_PREPARE,
        PROVIDER_CALL_SYNC,
        PROVIDER_CALL_PRE_COMMIT,
        PROVIDER_CALL_COMMIT,
        PROVIDER_CALL_POST_COMMIT,
        PROVIDER_CALL_SURFACE,
        PROVIDER_CALL_FINISH,
        PROVIDER_CALL_TEND,
        PROVIDER_CALL_DISCARD,
        PROVIDER_CALL_UNSEAL,
        PROVIDER_CALL_SEAL,
        PROVIDER_CALL_MAY_EXPOSE,
        PROVIDER_CALL_EXPOSE,
        PROVIDER_CALL_UNEXPOSE,
        PROVIDER_CALL_MAY_REVERT,
        PROVIDER_CALL_REVERT,
        PROVIDER_CALL_BREAK,
        PROVIDER_CALL_IMPORT,
        _PROVIDER_CALL_MAX,
        _PROVIDER_CALL_INVALID = -22,
} ProviderCall;

#define PROVIDER_PROGRESS_SIGNAL "Progress"

typedef struct ProviderMember {
        const char *name;
        const char *deed; /* "the btrfs provider could not … '/srv'" */
} ProviderMember;

extern const ProviderMember provider_members[_PROVIDER_CALL_MAX];

int provider_append_snapshot(sd_bus_message *m, const ProviderSnapshot *s);
/* *ret without volume_fd and data; @ret_volume and @ret_note own the texts it points at. -EBADMSG when
 * @volume is not absolute. */
int provider_read_snapshot(sd_bus_message *m, ProviderSnapshot *ret, char **ret_volume, char **ret_note);

/* What a worker says of a volume's copies. PROVIDER_SIZE_UNKNOWN. */
typedef struct ProviderSpace {
        char *place;
        uint64_t used, allocated, free, total;
} ProviderSpace;

void provider_space_clear(ProviderSpace *s);
int provider_append_space(sd_bus_message *m, const ProviderSpace *space);
int provider_read_space(sd_bus_message *m, ProviderSpace *ret);

/* When a snapshot was committed: what had been written by then is in it. CLOCK_REALTIME. */
typedef struct ProviderInstant {
        GUID id;
        uint64_t usec;
} ProviderInstant;

int provider_append_instant(sd_bus_message *m, const ProviderInstant *instant);
/* An array of them. */
int provider_read_instants(sd_bus_message *m, ProviderInstant **ret, size_t *ret_n);

int provider_append_probe(sd_bus_message *m, const ProviderProbe *probe);
int provider_read_probe(sd_bus_message *m, ProviderProbe *ret);

/* -EBADMSG for an error that no provider reports. */
int provider_read_error(const sd_bus_error *error, HRESULT *ret);

/* What the errno of a ProviderOps function means to a requester. */
HRESULT provider_hresult_from_errno(int r);

/* What provider_fail() left on this thread; "" when it was not called. Clearing clears both. */
void provider_sentence_clear(void);
HRESULT provider_own_result(void); /* what provider_fail_with() left; S_OK else */
const char *provider_sentence(void);
