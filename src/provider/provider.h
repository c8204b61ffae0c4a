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
 * Between surface and the first use writers may put right what they find in their files, or delete what
 * nobody is to save (VSS_VOLSNAP_ATTR_AUTORECOVER in the context):
 *
 *     surface ──> unseal ──> (writers write) ──> seal  (in use, read-only)
 *
 * Whatever has happened, also after SIGKILL or a power cut in the middle of any function, discard(note)
 * finds and removes all that the snapshot ever made. That is why plan() decides on every name beforehand and
 * changes nothing.
 *
 * Each step comes for one snapshot after the other, or for some at the same time. Where the storage takes a set
 * as a whole there is a function …_all that comes once, for all snapshots of the set that the provider has,
 * when each has had its own: prepare_all, pre_commit_all, commit_all. Two come only so: post_commit_all after
 * the commit, while applications are frozen still, and finish when all is done.
 *
 * What else may happen to a snapshot that is in use; each is optional, and what a provider has is in umbrad's
 * table of providers (provider-builtin.c), which asks no other for it:
 *
 *     may_revert ──> [how is in the catalog] ──> revert  the volume becomes what the snapshot is
 *                    [in the catalog] ──> break_off      the snapshot becomes the administrator's
 *     import     ──> [in the catalog] ──> surface        a snapshot of another machine becomes ours
 *                    [in the catalog] ──> expose … unexpose
 *
 * Behind "[in the catalog]" a function that was killed in the middle is called again with the same arguments,
 * by the next worker or after the next start, until it has said how it ended. So it goes on from wherever it
 * was, and what is done already is done again without harm.
 *
 * Functions return 0 or a negative errno; provider_fail() adds a sentence for people.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <wintypes.h>

#include "base/time-util.h"

typedef struct ProviderEnv {
        const char *state_dir;   /* umbra's own, persistent: /var/lib/umbra; copies in <state_dir>/store */
        const char *runtime_dir; /* /run/umbra; tmpfs; gone after a reboot */
        bool privileged;         /* may mount */
} ProviderEnv;

/* How a volume wants to be held while commit() runs; at most one of the first two and WANTS_SUSPEND. */
typedef enum ProviderFlags {
        PROVIDER_WANTS_HOLD = 1 << 0,   /* one instant only if the file system is held during commit */
        PROVIDER_FORBIDS_HOLD = 1 << 1, /* commit writes to the file system itself and would wait for ever */
        PROVIDER_HAS_PRE_COMMIT = 1 << 2,
        /* The file system lies on a device of device mapper, which commit() suspends and resumes. One instant with
         * other volumes only if umbra suspends it before; commit() then resumes it. Commit writes to the disks
         * below. */
        PROVIDER_WANTS_SUSPEND = 1 << 3,
        PROVIDER_HAS_POST_COMMIT = 1 << 4,
        PROVIDER_HAS_FINISH = 1 << 5,
        PROVIDER_LIES_ANYWHERE = 1 << 6, /* what it lies on cannot be found out, or is too much for ProviderProbe.below */
} ProviderFlags;

#define PROVIDER_BELOW_MAX 8U

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
        /* File systems that its own lies on, by the numbers in the table of mounts: those that the kernel tells only the
         * provider of, such as where the files of a pool are. Block devices are followed without that. */
        dev_t below[PROVIDER_BELOW_MAX];
        size_t n_below;
} ProviderProbe;

/* What the shadow copies of one volume take, all together. */
typedef struct ProviderUsage {
        char *place;        /* an existing directory of the file system that they lie on; caller frees */
        uint64_t used;      /* bytes that nobody but them holds */
        uint64_t allocated; /* bytes set aside for them, used or not */
        uint64_t free, total; /* of what they can take more from; 0: the file system at @place */
} ProviderUsage;

#define PROVIDER_SIZE_UNKNOWN UINT64_MAX

typedef struct ProviderSnapshot {
        GUID id, set_id;
        const char *volume; /* absolute directory, no trailing slash except "/" */
        int volume_fd;      /* that directory, O_RDONLY | O_DIRECTORY, opened before anything is held; -EBADF
                             * in surface() and discard() when it is gone */
        uint32_t context;   /* VSS_SNAPSHOT_CONTEXT and attribute bits */
        const char *note;   /* what plan() returned; NULL in plan() */
        uint64_t room;      /* bytes that its copy may take, decided before plan(); 0: what there is */
        int lock_fd;        /* a positive one: whoever has it open still works on the snapshot, and discard() comes
                             * later; for commands (base/command.h), which may outlive the worker */
        bool unfinished;    /* in discard(): its set never came to be */
        usec_t instant_usec; /* said by commit() and commit_all(), CLOCK_REALTIME; 0: one of its own, when it was called */
        void *data;         /* the provider's own, from prepare() on; freed by its release() */
} ProviderSnapshot;

typedef enum ProviderRevertFlags {
        PROVIDER_REVERT_IDENTITY = 1 << 0, /* the target gets the ids of the original volume as well */
        PROVIDER_REVERT_FORCED = 1 << 1,   /* in spite of whoever uses the target */
        PROVIDER_REVERT_MAY_WAIT = 1 << 2, /* until nobody does any more, after a restart of the machine if need be */
} ProviderRevertFlags;

/* What a revert is to do. */
typedef struct ProviderRevert {
        const char *target; /* an absolute directory; s->volume unless a requester chose another */
        int target_fd;      /* that directory */
        uint32_t flags;
        const char *how;    /* in revert(): what may_revert() decided; NULL: nothing */
} ProviderRevert;

/* How it ended, where it has not failed. */
typedef enum ProviderReverted {
        PROVIDER_REVERTED,
        PROVIDER_REVERTED_WITH_ALL, /* the snapshot was used up by it, and is no more */
        PROVIDER_REVERT_WAITS,      /* it has not, and revert() is to be called again */
        _PROVIDER_REVERTED_MAX,
        _PROVIDER_REVERTED_INVALID = -22,
} ProviderReverted;

/* What a provider can do beside making snapshots. */
typedef enum ProviderAbilities {
        PROVIDER_CAN_REVERT = 1 << 0,
        PROVIDER_CAN_BREAK = 1 << 1,
        PROVIDER_CAN_IMPORT = 1 << 2,
        PROVIDER_NEEDS_TENDING = 1 << 3, /* its snapshots fill up, and are lost when they are full */
        PROVIDER_CAN_RESYNC = 1 << 4, /* reverts in recovery sets only */
        PROVIDER_TAKES_NO_LIMIT = 1 << 5, /* usage() does not always know what its snapshots take, so a limit could not be kept */
} ProviderAbilities;

typedef struct ProviderOps {
        const char *name;        /* unique: "btrfs"; shows up in tables, logs and the catalog */
        const char *description; /* "btrfs read-only snapshots" */
        const char *version;
        GUID id, version_id, class_id;
        int type;                /* VSS_PROVIDER_TYPE */

        /* Required. Can this provider snapshot the directory behind @volume_fd? Changes nothing, returns
         * quickly. -EOPNOTSUPP: no. */
        int (*probe)(const ProviderEnv *env, const char *volume, int volume_fd, ProviderProbe *ret);

        /* Optional. Where copies of the directory are kept, or would be, and what those with @notes (NULL at
         * the end; some may be going away just now) take. @volume_fd is -EBADF when the volume is gone. May
         * take as long as looking at every file of a copy does. -ELOOP: the volume lies too deep in others to
         * be copied. -ENOSYS: no such thing can be told. */
        int (*usage)(const ProviderEnv *env,
                     const char *volume,
                     int volume_fd,
                     char *const *notes,
                     ProviderUsage *ret);

        /* Optional. Has it copies of the directory, made by umbra or not, and what must not be done to the volume
         * meanwhile (VSS_SNAPSHOT_COMPATIBILITY)? */
        int (*is_snapshotted)(const ProviderEnv *env,
                              const char *volume,
                              int volume_fd,
                              bool *ret_present,
                              int32_t *ret_compatibility);

        /* Required. Decides where everything will be and says so in *@ret_note (UTF-8, at most 4 KiB,
         * caller frees). Changes nothing. */
        int (*plan)(const ProviderEnv *env, const ProviderSnapshot *s, char **ret_note);

        /* Optional. Everything slow, while applications still run: reserve, copy ahead. Minutes are
         * allowed. */
        int (*prepare)(const ProviderEnv *env, ProviderSnapshot *s);

        /* Optional. After the last prepare(). Minutes are allowed. */
        int (*prepare_all)(const ProviderEnv *env, ProviderSnapshot *const *all, size_t n);

        /* Optional. Applications are frozen, file systems not yet held: a second or two at most. With
         * PROVIDER_HAS_PRE_COMMIT. Several snapshots of a set may be worked on by parallel threads. */
        int (*pre_commit)(const ProviderEnv *env, ProviderSnapshot *s);
        int (*pre_commit_all)(const ProviderEnv *env, ProviderSnapshot *const *all, size_t n);

        /* Required, one of the two. The instant itself. Applications are frozen and, if asked for, the file system is
         * held: no waiting for other processes, no retries, no allocation that could be avoided. Several
         * snapshots of a set may be committed by parallel threads. @held: whether the file system really
         * is held, or its device suspended. Where several copies are one instant together, it says so by the same
         * s->instant_usec for all of them. */
        int (*commit)(const ProviderEnv *env, ProviderSnapshot *s, bool held);
        int (*commit_all)(const ProviderEnv *env, ProviderSnapshot *const *all, size_t n);

        /* Optional. Writes flow again, applications are frozen still: a second or two at most. With
         * PROVIDER_HAS_POST_COMMIT. @n_set: of the whole set, those of other providers included. */
        int (*post_commit_all)(const ProviderEnv *env, ProviderSnapshot *const *all, size_t n, size_t n_set);

        /* Required. Everything runs again. Makes the copy readable and read-only at *@ret_device (an
         * absolute directory, no trailing slash): with env->privileged a mount at
         * <runtime_dir>/shadow/<id>, else wherever it lies. Also called after a restart, for a snapshot
         * that exists already and may still be mounted. */
        int (*surface)(const ProviderEnv *env, const ProviderSnapshot *s, char **ret_device);

        /* Optional, after surface(). What import() has to know on another machine besides the ids: UTF-8, at most 4 KiB,
         * caller frees; NULL: nothing. */
        int (*describe)(const ProviderEnv *env, const ProviderSnapshot *s, char **ret);

        /* Optional, both or none; when the context has VSS_VOLSNAP_ATTR_AUTORECOVER. What it takes, besides the
         * mount's own flag, that the copy can be written to at @device and never again: umbra clears that flag
         * after unseal(), and sets it before seal(), when nobody has a file open for writing any more. unseal()
         * may attach another mount at the snapshot's place; what surface() shows after seal() is what the
         * writers have left. A copy that was not sealed is discarded, never repaired. */
        int (*unseal)(const ProviderEnv *env, const ProviderSnapshot *s, const char *device);
        int (*seal)(const ProviderEnv *env, const ProviderSnapshot *s, const char *device);

        /* Optional. All snapshots of the set are made and shown, and writers have done with them: they are read-only
         * from here on. By the worker that committed. With PROVIDER_HAS_FINISH. */
        int (*finish)(const ProviderEnv *env, const GUID *set_id);

        /* Optional. Looks after a snapshot whose storage fills up while its volume is written to, and makes it larger
         * where there is room. *@ret_permille: how full it is then. -ENODATA: what was in it is lost. Called again
         * and again as long as the snapshot exists. */
        int (*tend)(const ProviderEnv *env, const ProviderSnapshot *s, unsigned *ret_permille);

        /* Required. Forgets the snapshot in whatever state it is, mount included. Also called after a
         * crash, by another worker, with nothing but id, set_id, volume, note and unfinished. 0 also when there
         * was nothing. -EBUSY: it is out of sight, but somebody has files of it open, and the storage does not
         * let it go before they are closed; umbrad comes again. */
        int (*discard)(const ProviderEnv *env, const ProviderSnapshot *s);

        /* Optional; needs revert(). Can v->target become what the snapshot is? Changes nothing, returns quickly. That
         * nobody has files open in it is umbra's to find out. *@ret_how (UTF-8, at most 4 KiB, caller frees) is for
         * revert(), and NULL where there is nothing to decide; who says how may return PROVIDER_REVERT_WAITS from
         * there. -EOPNOTSUPP: not this one; -ENOSYS: no other than s->volume; -EBUSY: not unless it is forced. */
        int (*may_revert)(const ProviderEnv *env,
                          const ProviderSnapshot *s,
                          const ProviderRevert *v,
                          char **ret_how);

        /* Optional. Makes v->target what the snapshot is: files that came later go, those that changed or went
         * come back. As long as it takes; it cannot be cancelled, and goes on after a crash (see above). Calls
         * provider_progress() now and then. The snapshot stays, unless ProviderReverted, which it returns, says
         * otherwise. PROVIDER_REVERT_WAITS: what is left is done by others, when the volume is next activated, or goes on
         * without us; umbrad asks again, after a second at first and every minute at last, and when it is started.
         * -ENOTUNIQ: with PROVIDER_REVERT_IDENTITY, and somebody else has the identity. */
        int (*revert)(const ProviderEnv *env, const ProviderSnapshot *s, const ProviderRevert *v);
        /* revert() unmounts v->target and mounts it again: its v->target_fd is -EBADF. */
        bool reverts_unmounted;

        /* Optional. The copy becomes a directory like any other that can be written to, which discard() would not
         * find any more: it is the administrator's from now on. @flags: VSS_BREAKEX_FLAG_…, of which MASK_LUNS and
         * MAKE_READ_WRITE are umbra's to do at the place where the snapshot is seen. -ENOTUNIQ: with
         * REVERT_IDENTITY_ALL, and the original is still there. */
        int (*break_off)(const ProviderEnv *env, const ProviderSnapshot *s, uint32_t flags);

        /* Optional. A snapshot that was made on another machine, of which only id, set_id, volume and context
         * are known, and by s->note what describe() said there (NULL: nothing), as a document of anybody's has it: has its storage arrived here? Changes nothing; *@ret_note is what surface() and
         * discard() will find it by. -ENOENT: it has not. */
        int (*import)(const ProviderEnv *env, const ProviderSnapshot *s, char **ret_note);

        /* Optional, both or none; without them it is a bind mount of @device, read-only. Shows the snapshot, which
         * is seen at @device already, at @path_fd as well: an empty directory, or one where it is shown
         * already. unexpose() is told the path. */
        int (*expose)(const ProviderEnv *env, const ProviderSnapshot *s, const char *device, int path_fd);
        int (*unexpose)(const ProviderEnv *env,
                        const ProviderSnapshot *s,
                        const char *device,
                        const char *path);

        /* usage() cannot always tell what snapshots take: nobody may limit them. */
        bool takes_no_limit;

        /* Optional. Frees s->data. */
        void (*release)(ProviderSnapshot *s);

        /* Optional. The worker ends, and has answered everything. Not called when it is killed. */
        void (*end)(const ProviderEnv *env);
} ProviderOps;

int provider_ops_check(const ProviderOps *ops); /* -EINVAL when something required is missing */

uint32_t provider_abilities(const ProviderOps *ops);

/* From revert(): so much is done, of 1000. For people only. */
void provider_progress(unsigned permille);

/* For break_off(): with VSS_BREAKEX_FLAG_REVERT_IDENTITY_ALL a directory cannot take the place of s->volume while
 * that is there: -ENOTUNIQ, with a sentence. */
int provider_check_identity(const ProviderSnapshot *s, uint32_t flags);

/* Remembers, for the function that fails next on this thread, why; returns @r. People then read "the
 * btrfs provider could not make a shadow copy of '/srv': WHY", so it starts small and has no full stop.
 * %m is the error @r, and what is said when this is not called. */
int provider_fail(int r, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The same for who knows the requester's code better than an errno says it; returns -EREMOTEIO. */
int provider_fail_with(HRESULT hr, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* providers/providers.c: in order of preference, NULL at the end. */
extern const ProviderOps *const providers[];
