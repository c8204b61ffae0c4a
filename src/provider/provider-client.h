/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The Coordinator's End of a Provider's Worker
 *
 * Starts umbra-provider with one end of a socketpair and asks it; nothing here blocks. Every question has a
 * deadline and is answered exactly once: by the worker, by its death (VSS_E_UNEXPECTED_PROVIDER_ERROR), or
 * by the deadline (then the worker is killed; VSS_E_PROVIDER_VETO). Freeing the client kills the worker;
 * open questions are then forgotten without an answer.
 */

#include <systemd/sd-event.h>
#include <wintypes.h>

#include "base/macro.h"
#include "provider/provider.h"

typedef struct ProviderInfo ProviderInfo;
typedef struct ProviderInstant ProviderInstant;
typedef struct ProviderSpace ProviderSpace;
typedef struct ProviderClient ProviderClient;

/* @texts: "$note", the device path, … NULL where the question has no text to give. */
typedef struct ProviderAnswer {
        HRESULT hr;
        const char *message; /* a sentence when hr is a failure */
        const char *text;    /* Plan, Import: the note; Surface: the device; MayExpose: the path; MayRevert: how, or NULL */
        const char *storage; /* Surface: what Import has to know elsewhere, if anything */
        const ProviderProbe *probe;
        const ProviderSpace *space; /* Usage */
        bool present;               /* IsSnapshotted: these two */
        int32_t compatibility;
        const ProviderInstant *instants; /* Commit: one for each snapshot that was committed */
        size_t n_instants;
        unsigned permille; /* Tend: how full it is */
        ProviderReverted reverted; /* Revert */
} ProviderAnswer;

typedef void (*ProviderAnswered)(ProviderClient *c, const ProviderAnswer *answer, void *userdata);

/* The worker is started at once and found broken at the first question. One that hosts a provider of others is
 * given time to end when it is freed while nothing is asked of it. */
int provider_client_new(sd_event *event, const ProviderEnv *env, const ProviderInfo *info, ProviderClient **ret);
ProviderClient *provider_client_free(ProviderClient *c);
DEFINE_CLEANUP(ProviderClient *, provider_client_free)
pid_t provider_client_pid(const ProviderClient *c);

int provider_client_probe(ProviderClient *c,
                          const char *volume,
                          usec_t timeout,
                          ProviderAnswered done,
                          void *userdata);
/* @notes: of the shadow copies of @volume; NULL at the end. */
int provider_client_usage(ProviderClient *c,
                          const char *volume,
                          char *const *notes,
                          usec_t timeout,
                          ProviderAnswered done,
                          void *userdata);
int provider_client_is_snapshotted(ProviderClient *c,
                                   const char *volume,
                                   usec_t timeout,
                                   ProviderAnswered done,
                                   void *userdata);
/* Tells the worker of a snapshot (it opens the volume) and asks for the note. */
int provider_client_plan(ProviderClient *c,
                         const ProviderSnapshot *s,
                         usec_t timeout,
                         ProviderAnswered done,
                         void *userdata);
int provider_client_prepare(ProviderClient *c,
                            const GUID *snapshot_id,
                            usec_t timeout,
                            ProviderAnswered done,
                            void *userdata);
/* The rest of the way there, for all snapshots this worker has planned. Sync: syncfs() on each volume,
 * before the window opens. The first failure is the answer. */
int provider_client_sync(ProviderClient *c, usec_t timeout, ProviderAnswered done, void *userdata);
int provider_client_pre_commit(ProviderClient *c, usec_t timeout, ProviderAnswered done, void *userdata);

/* Which of them are committed now (none: all), and the file systems of which are held. */
typedef struct ProviderCommit {
        const GUID *ids, *held;
        size_t n_ids, n_held;
} ProviderCommit;

int provider_client_commit(ProviderClient *c,
                           const ProviderCommit *what,
                           usec_t timeout,
                           ProviderAnswered done,
                           void *userdata);
/* @n_set: snapshots of the whole set. */
int provider_client_post_commit(ProviderClient *c,
                                uint32_t n_set,
                                usec_t timeout,
                                ProviderAnswered done,
                                void *userdata);
/* When all of the set was surfaced. */
int provider_client_finish(ProviderClient *c,
                           const GUID *set_id,
                           usec_t timeout,
                           ProviderAnswered done,
                           void *userdata);
/* These two work for any snapshot of the catalog, planned by this worker or not. Discard waits for the
 * end of any other worker that has planned the snapshot and not surfaced it: free that one first. */
int provider_client_surface(ProviderClient *c,
                            const ProviderSnapshot *s,
                            usec_t timeout,
                            ProviderAnswered done,
                            void *userdata);
int provider_client_discard(ProviderClient *c,
                            const ProviderSnapshot *s,
                            usec_t timeout,
                            ProviderAnswered done,
                            void *userdata);
int provider_client_tend(ProviderClient *c,
                         const ProviderSnapshot *s,
                         usec_t timeout,
                         ProviderAnswered done,
                         void *userdata);

/* Between these two, writers may write to a copy that was just surfaced. */
int provider_client_unseal(ProviderClient *c,
                           const ProviderSnapshot *s,
                           const char *device,
                           usec_t timeout,
                           ProviderAnswered done,
                           void *userdata);
int provider_client_seal(ProviderClient *c,
                         const ProviderSnapshot *s,
                         const char *device,
                         usec_t timeout,
                         ProviderAnswered done,
                         void *userdata);

/* For snapshots that exist; each waits for the end of any other worker that has to do with the snapshot. */
int provider_client_may_expose(ProviderClient *c,
                               const ProviderSnapshot *s,
                               const char *device,
                               const char *path,
                               uid_t uid,
                               usec_t timeout,
                               ProviderAnswered done,
                               void *userdata);
int provider_client_expose(ProviderClient *c,
                           const ProviderSnapshot *s,
                           const char *device,
                           const char *path,
                           usec_t timeout,
                           ProviderAnswered done,
                           void *userdata);
int provider_client_unexpose(ProviderClient *c,
                             const ProviderSnapshot *s,
                             const char *device,
                             const char *path,
                             usec_t timeout,
                             ProviderAnswered done,
                             void *userdata);
/* @flags: ProviderRevertFlags; @how: what the first of these two answered, may be NULL. */
int provider_client_may_revert(ProviderClient *c,
                               const ProviderSnapshot *s,
                               const char *target,
                               uint32_t flags,
                               usec_t timeout,
                               ProviderAnswered done,
                               void *userdata);
int provider_client_revert(ProviderClient *c,
                           const ProviderSnapshot *s,
                           const char *target,
                           uint32_t flags,
                           const char *how,
                           usec_t timeout,
                           ProviderAnswered done,
                           void *userdata);
int provider_client_break(ProviderClient *c,
                          const ProviderSnapshot *s,
                          uint32_t flags,
                          usec_t timeout,
                          ProviderAnswered done,
                          void *userdata);
int provider_client_import(ProviderClient *c,
                           const ProviderSnapshot *s,
                           usec_t timeout,
                           ProviderAnswered done,
                           void *userdata);

/* How far the worker's revert() is, of 1000; whenever it says so. */
typedef void (*ProviderProgress)(ProviderClient *c, unsigned permille, void *userdata);
void provider_client_on_progress(ProviderClient *c, ProviderProgress callback, void *userdata);
