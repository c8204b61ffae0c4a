/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What Is Done to Snapshots That Exist
 *
 * The other half of the worker's object: exposing, reverting, breaking and importing. One worker at a time
 * for a snapshot, as for making it (provider-lock.c).
 */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <vss.h>
#include <vsserror.h>

#include "base/fd-util.h"
#include "provider/provider-busy.h"
#include "provider/provider-expose.h"
#include "provider/provider-lock.h"
#include "provider/provider-methods.h"
#include "provider/provider-mount.h"
#include "wire/wire-error.h"
#include "wire/wire-names.h"
#include "wire/wire-types.h"

/* Whom to tell how far revert() is; one question is answered at a time, on one thread. */
static sd_bus *progress_bus;

void provider_progress(unsigned permille) {
        if (!progress_bus)
                return;

        (void) sd_bus_emit_signal(progress_bus, WIRE_PROVIDER_PATH, WIRE_PROVIDER_INTERFACE,
                                  PROVIDER_PROGRESS_SIGNAL, "u",
                                  (uint32_t) (permille > 1000 ? 1000 : permille));
        (void) sd_bus_flush(progress_bus);
}

/* A snapshot and, for most, a path and a number. */
typedef struct Request {
        ProviderSnapshot snapshot;
        char *volume, *note, *path, *device;
        char *how;
        uint32_t number;
        int lock_fd, path_fd;
        char *answer; /* NULL where nothing but that it was done is to be said */
        int outcome;  /* ProviderReverted */
} Request;

static void request_clear(Request *q) {
        free(q->volume);
        free(q->note);
        free(q->path);
        free(q->device);
        free(q->how);
        free(q->answer);
        fd_close(q->lock_fd);
        fd_close(q->path_fd);
}

#define REQUEST_INIT { .lock_fd = -EBADF, .path_fd = -EBADF }

typedef struct Deed {
        /* What stands after the snapshot; NULL: nothing. */
        int (*read)(sd_bus_message *m, Request *q);
        /* Answers @error when the provider cannot do such a thing at all; NULL: each can. */
        int (*refuse)(const ProviderHost *h, sd_bus_error *error);
        int (*act)(const ProviderHost *h, Request *q);
        int (*answer)(sd_bus_message *reply, const Request *q); /* NULL: q->answer, if there is one */
        HRESULT (*result)(int r); /* of @act's failure */
        bool about_path;          /* and not about the volume is what is said then */
} Deed;

static int request_lock(const ProviderHost *h, Request *q) {
        q->snapshot.lock_fd = q->lock_fd = provider_lock(&h->env, &q->snapshot.id, true);
        return q->lock_fd;
}

static int read_number(sd_bus_message *m, Request *q) {
        return sd_bus_message_read(m, "u", &q->number);
}

/* Letting writers in */

static int read_device(sd_bus_message *m, Request *q) {
        return provider_read_path(m, &q->device);
}

static int unseal(const ProviderHost *h, Request *q) {
        int r;

        r = request_lock(h, q);
        if (r >= 0 && h->ops->unseal)
                r = h->ops->unseal(&h->env, &q->snapshot, q->device);
        return r < 0 ? r : provider_shadow_make_writable(&h->env, &q->snapshot.id);
}

static int sync_device(const char *device) {
        _cleanup_(closep) int fd = -EBADF;

        fd = open(device, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
        if (fd < 0 || syncfs(fd) < 0)
                return provider_fail(-errno, "it cannot be written out: %m");

        return 0;
}

static int seal(const ProviderHost *h, Request *q) {
        int r;

        r = request_lock(h, q);
        if (r >= 0)
                r = provider_shadow_make_read_only(&h->env, &q->snapshot.id);
        if (r >= 0 && h->ops->seal)
                r = h->ops->seal(&h->env, &q->snapshot, q->device);
        return r < 0 ? r : sync_device(q->device);
}

static HRESULT hresult_of_seal(int r) {
        return r == -EBUSY ? VSS_E_AUTORECOVERY_FAILED : provider_hresult_from_errno(r);
}

/* Exposing */

static int read_exposure(sd_bus_message *m, Request *q) {
        int r;

        r = provider_read_path(m, &q->device);
        return r < 0 ? r : provider_read_path(m, &q->path);
}

static int read_exposure_and_user(sd_bus_message *m, Request *q) {
        int r;

        r = read_exposure(m, q);
        return r < 0 ? r : read_number(m, q);
}

/* A wrong place is the requester's fault, and not the provider's. */
static HRESULT hresult_of_place(int r) {
        switch (-r) {
        case EPERM:
        case EACCES:
                return E_ACCESSDENIED;
        case ENOENT:
        case ENOTDIR:
        case ENOTEMPTY:
        case EBUSY:
        case EINVAL:
        case ELOOP:
        case ENAMETOOLONG:
                return E_INVALIDARG;
        default:
                return provider_hresult_from_errno(r);
        }
}

static int may_expose(const ProviderHost *h, Request *q) {
        return provider_check_exposure(&h->env, q->path, q->number, &q->answer);
}

static int expose(const ProviderHost *h, Request *q) {
        int r;

        r = request_lock(h, q);
        if (r < 0)
                return r;

        /* The name has no links in it, and must not have got any. */
        q->path_fd = open(q->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW);
        if (q->path_fd < 0)
                return provider_fail(-errno, "'%s' cannot be opened: %m", q->path);

        return h->ops->expose ? h->ops->expose(&h->env, &q->snapshot, q->device, q->path_fd) :
                                provider_expose_bind(&h->env, q->device, q->path_fd);
}

static int unexpose(const ProviderHost *h, Request *q) {
        int r;

        r = request_lock(h, q);
        if (r < 0)
                return r;

        return h->ops->unexpose ? h->ops->unexpose(&h->env, &q->snapshot, q->device, q->path) :
                                  provider_unexpose_bind(&h->env, q->device, q->path);
}

/* Reverting */

static int read_target(sd_bus_message *m, Request *q) {
        int r;

        r = provider_read_path(m, &q->path);
        return r < 0 ? r : read_number(m, q);
}

static int read_target_and_how(sd_bus_message *m, Request *q) {
        int r;

        r = read_target(m, q);
        return r < 0 ? r : wire_read_text(m, &q->how);
}

static ProviderRevert revert_of(const Request *q) {
        return (ProviderRevert){ .target = q->path, .target_fd = q->path_fd, .flags = q->number, .how = q->how };
}

static int refuse_revert(const ProviderHost *h, sd_bus_error *error) {
        if (h->ops->revert)
                return 0;

        return wire_error_set(error, E_NOTIMPL, "the %s provider cannot revert", h->ops->name);
}

static HRESULT hresult_of_revert(int r) {
        switch (-r) {
        case ENOSYS:
                return E_NOTIMPL;
        case ENOTUNIQ:
                return VSS_E_CANNOT_REVERT_DISKID;
        default:
                return provider_hresult_from_errno(r);
        }
}

static int open_target(Request *q) {
        q->path_fd = provider_open_volume(q->path);
        return q->path_fd;
}

static int may_revert(const ProviderHost *h, Request *q) {
        ProviderRevert v;
        int r;

        r = open_target(q);
        if (r < 0)
                return r;

        v = revert_of(q);
        r = h->ops->may_revert ? h->ops->may_revert(&h->env, &q->snapshot, &v, &q->answer) : 0;
        if (r >= 0 && q->answer)
                r = provider_check_note(q->answer);
        if (r < 0)
                return r;

        return q->number & PROVIDER_REVERT_FORCED ? 0 : provider_check_unused(q->path);
}

static int answer_how(sd_bus_message *reply, const Request *q) {
        return wire_append_text(reply, q->answer);
}

static int revert(const ProviderHost *h, Request *q) {
        ProviderRevert v;
        int r;

        r = request_lock(h, q);
        if (r >= 0 && !h->ops->reverts_unmounted)
                r = open_target(q);
        if (r < 0 && !(q->lock_fd >= 0 && q->how)) /* what waits for a restart may find it not yet mounted */
                return r;

        v = revert_of(q);
        r = q->outcome = h->ops->revert(&h->env, &q->snapshot, &v);
        if (r >= 0 && h->ops->reverts_unmounted)
                r = open_target(q);
        if (r < 0 || q->path_fd < 0)
                return r;

        return syncfs(q->path_fd) < 0 ? provider_fail(-errno, "it cannot be written out: %m") : 0;
}

static int answer_outcome(sd_bus_message *reply, const Request *q) {
        return sd_bus_message_append(reply, "u", (uint32_t) q->outcome);
}

/* Breaking and importing */

static int refuse_break(const ProviderHost *h, sd_bus_error *error) {
        if (h->ops->break_off)
                return 0;

        return wire_error_set(error, VSS_E_PROVIDER_VETO, "the %s provider's shadow copies cannot be broken",
                              h->ops->name);
}

static int break_off(const ProviderHost *h, Request *q) {
        int r;

        r = request_lock(h, q);
        if (r < 0)
                return r;

        r = h->ops->break_off(&h->env, &q->snapshot, q->number);
        if (r < 0)
                return r;

        if (q->number & VSS_BREAKEX_FLAG_MASK_LUNS)
                return provider_shadow_remove(&h->env, &q->snapshot.id);
        if (q->number & VSS_BREAKEX_FLAG_MAKE_READ_WRITE)
                return provider_shadow_make_writable(&h->env, &q->snapshot.id);
        return 0;
}

static HRESULT hresult_of_break(int r) {
        return r == -ENOTUNIQ ? VSS_E_BREAK_REVERT_ID_FAILED : provider_hresult_from_errno(r);
}

static int refuse_import(const ProviderHost *h, sd_bus_error *error) {
        if (h->ops->import)
                return 0;

        return wire_error_set(error, VSS_E_PROVIDER_VETO, "the %s provider cannot import", h->ops->name);
}

static int import(const ProviderHost *h, Request *q) {
        int r;

        r = h->ops->import(&h->env, &q->snapshot, &q->answer);
        return r < 0 ? r : provider_check_note(q->answer);
}

static const Deed deeds[_PROVIDER_CALL_MAX] = {
        [PROVIDER_CALL_UNSEAL] = {
                .read = read_device,
                .act = unseal,
                .result = provider_hresult_from_errno,
        },
        [PROVIDER_CALL_SEAL] = {
                .read = read_device,
                .act = seal,
                .result = hresult_of_seal,
        },
        [PROVIDER_CALL_MAY_EXPOSE] = {
                .read = read_exposure_and_user,
                .act = may_expose,
                .result = hresult_of_place,
        },
        [PROVIDER_CALL_EXPOSE] = {
                .read = read_exposure,
                .act = expose,
                .result = provider_hresult_from_errno,
        },
        [PROVIDER_CALL_UNEXPOSE] = {
                .read = read_exposure,
                .act = unexpose,
                .result = provider_hresult_from_errno,
        },
        [PROVIDER_CALL_MAY_REVERT] = {
                .read = read_target,
                .refuse = refuse_revert,
                .act = may_revert,
                .answer = answer_how,
                .result = hresult_of_revert,
                .about_path = true,
        },
        [PROVIDER_CALL_REVERT] = {
                .read = read_target_and_how,
                .refuse = refuse_revert,
                .act = revert,
                .answer = answer_outcome,
                .result = hresult_of_revert,
                .about_path = true,
        },
        [PROVIDER_CALL_BREAK] = {
                .read = read_number,
                .refuse = refuse_break,
                .act = break_off,
                .result = hresult_of_break,
        },
        [PROVIDER_CALL_IMPORT] = {
                .refuse = refuse_import,
                .act = import,
                .result = provider_hresult_from_errno,
        },
};

static int deed_do(ProviderCall call,
                   const ProviderHost *h,
                   sd_bus_message *m,
                   sd_bus_message *reply,
                   sd_bus_error *error) {
        _cleanup_(request_clear) Request q = REQUEST_INIT;
        const Deed *d = deeds + call;
        int r;

        r = provider_read_snapshot(m, &q.snapshot, &q.volume, &q.note);
        if (r >= 0 && d->read)
                r = d->read(m, &q);
        if (r >= 0 && d->refuse)
                r = d->refuse(h, error);
        if (r < 0)
                return r;

        provider_sentence_clear();
        r = d->act(h, &q);
        if (r < 0)
                return provider_answer_failure(h, error, call, d->about_path ? q.path : q.volume,
                                               provider_own_result() ?: d->result(r), r,
                                               provider_sentence());

        if (d->answer)
                return d->answer(reply, &q);
        return q.answer ? wire_append_text(reply, q.answer) : 0;
}

int provider_do_deed(const ProviderHost *h,
                     ProviderCall call,
                     sd_bus_message *m,
                     sd_bus_message *reply,
                     sd_bus_error *error) {
        int r;

        assert(deeds[call].act);

        progress_bus = call == PROVIDER_CALL_REVERT ? sd_bus_message_get_bus(m) : NULL;
        r = deed_do(call, h, m, reply, error);
        progress_bus = NULL;
        return r;
}
