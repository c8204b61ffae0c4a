/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * How to Write a Provider
 *
 * A provider knows one kind of storage. It is a const ProviderOps at the bottom of one file and a line in
 * providers/providers.c. Its functions run in a worker process (umbra-provider) of their own, one worker per
 * provider and snapshot set; they may take their time where the comment says so, may be killed at any
 * moment, and never see the bus.
 *
 * The life of one snapshot:
 *
 *     plan ──> [note is in the catalog] ──> prepare ──> pre_commit ──> commit ──> surface  (in use)  discard
 *                                              │            │            │           │                  ▲
 *                                              └────────────┴────────────┴───────────┴── failure, kill ─┘
 *
 * Whatever has happened, also after SIGKILL or a power cut in the middle of any function, discard(note)
 * finds and removes all that the snapshot ever made. That is why plan() decides on every name beforehand and
 * changes nothing.
 *
 * Functions return 0 or a negative errno; provider_fail() adds a sentence for people.
 */

#include <stdbool.h>
#include <stdint.h>

#include <wintypes.h>

#include "base/time-util.h"

typedef struct ProviderEnv {
        const char *state_dir;   /* umbra's own, persistent: /var/lib/umbra; copies in <state_dir>/store */
        const char *runtime_dir; /* /run/umbra; tmpfs; gone after a reboot */
        bool privileged;         /* may mount */
} ProviderEnv;

typedef enum ProviderFlags {
        PROVIDER_WANTS_HOLD = 1 << 0,   /* one instant only if the file system is held during commit */
        PROVIDER_FORBIDS_HOLD = 1 << 1, /* commit writes to the file system itself and would wait for ever */
        PROVIDER_HAS_PRE_COMMIT = 1 << 2,
} ProviderFlags;

/* The numbers of doc/backup-doc.h Consistency that a provider can promise. */
typedef enum ProviderConsistency {
        PROVIDER_CONSISTENCY_FUZZY = 1, /* files changed while they were copied */
        PROVIDER_CONSISTENCY_CRASH = 2, /* one instant */
} ProviderConsistency;

/* What a provider says of a volume. */
typedef struct ProviderProbe {
        uint32_t flags;            /* ProviderFlags */
        int consistency;           /* ProviderConsistency: what a commit without hold yields */
        int consistency_held;      /* … and with one; the same or better */
        uint32_t attributes;       /* VSS_VOLSNAP_ATTR_DIFFERENTIAL or _PLEX */
} ProviderProbe;

typedef struct ProviderSnapshot {
        GUID id, set_id;
        const char *volume; /* absolute directory, no trailing slash except "/" */
        int volume_fd;      /* that directory, O_RDONLY | O_DIRECTORY, opened before anything is held; -EBADF
                             * in surface() and discard() when it is gone */
        uint32_t context;   /* VSS_SNAPSHOT_CONTEXT and attribute bits */
        const char *note;   /* what plan() returned; NULL in plan() */
        void *data;         /* the provider's own, from prepare() on; freed by its release() */
} ProviderSnapshot;

typedef struct ProviderOps {
        const char *name;        /* unique: "btrfs"; shows up in tables, logs and the catalog */
        const char *description; /* "btrfs read-only snapshots" */
        const char *version;
        GUID id, version_id, class_id;
        int type;                /* VSS_PROVIDER_TYPE */

        /* Required. Can this provider snapshot the directory behind @volume_fd? Changes nothing, returns
         * quickly. -EOPNOTSUPP: no. */
        int (*probe)(const ProviderEnv *env, const char *volume, int volume_fd, ProviderProbe *ret);

        /* Required. Decides where everything will be and says so in *@ret_note (UTF-8, at most 4 KiB,
         * caller frees). Changes nothing. */
        int (*plan)(const ProviderEnv *env, const ProviderSnapshot *s, char **ret_note);

        /* Optional. Everything slow, while applications still run: reserve, copy ahead. Minutes are
         * allowed. */
        int (*prepare)(const ProviderEnv *env, ProviderSnapshot *s);

        /* Optional. Applications are frozen, file systems not yet held: a second or two at most. With
         * PROVIDER_HAS_PRE_COMMIT. Several snapshots of a set may be worked on by parallel threads. */
        int (*pre_commit)(const ProviderEnv *env, ProviderSnapshot *s);

        /* Required. The instant itself. Applications are frozen and, if asked for, the file system is
         * held: no waiting for other processes, no retries, no allocation that could be avoided. Several
         * snapshots of a set may be committed by parallel threads. @held: whether the file system really
         * is held. */
        int (*commit)(const ProviderEnv *env, ProviderSnapshot *s, bool held);

        /* Required. Everything runs again. Makes the copy readable and read-only at *@ret_device (an
         * absolute directory, no trailing slash): with env->privileged a mount at
         * <runtime_dir>/shadow/<id>, else wherever it lies. Also called after a restart, for a snapshot
         * that exists already and may still be mounted. */
        int (*surface)(const ProviderEnv *env, const ProviderSnapshot *s, char **ret_device);

        /* Required. Forgets the snapshot in whatever state it is, mount included. Also called after a
         * crash, by another worker, with nothing but id, set_id, volume and note. 0 also when there was
         * nothing. */
        int (*discard)(const ProviderEnv *env, const ProviderSnapshot *s);

        /* Optional. Frees s->data. */
        void (*release)(ProviderSnapshot *s);
} ProviderOps;

int provider_ops_check(const ProviderOps *ops); /* -EINVAL when something required is missing */

/* Remembers, for the function that fails next on this thread, why; returns @r. People then read "the
 * btrfs provider could not make a shadow copy of '/srv': WHY", so it starts small and has no full stop.
 * %m is the error @r, and what is said when this is not called. */
int provider_fail(int r, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* providers/providers.c: in order of preference, NULL at the end. */
extern const ProviderOps *const providers[];
