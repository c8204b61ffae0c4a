/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Questions to a Provider
 *
 * Decode a question, call the function of the ProviderOps, encode the answer; and what the contract promises
 * to every provider: the volume is open before anything is held, is written out, and is still the one that
 * was planned.
 */

#include "provider/provider-methods.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <vsserror.h>

#include "base/fd-util.h"
#include "base/guid.h"
#include "base/log.h"
#include "base/strv.h"
#include "base/utf.h"
#include "provider/provider-lock.h"
#include "provider/provider-protocol.h"
#include "wire/wire-error.h"
#include "wire/wire-limits.h"
#include "wire/wire-names.h"
#include "wire/wire-types.h"

int provider_answer_failure(const ProviderHost *h,
                            sd_bus_error *error,
                            ProviderCall call,
                            const char *volume,
                            HRESULT hr,
                            int r,
                            const char *why) {
        char text[PROVIDER_SENTENCE_MAX];
        _cleanup_(freep) char *printable = NULL;
        const char *name = h->ops->name, *deed = provider_members[call].deed;

        errno = -r;
        if (*why)
                (void) snprintf(text, sizeof(text), "the %s provider could not %s '%s': %s", name, deed,
                                volume, why);
        else
                (void) snprintf(text, sizeof(text), "the %s provider could not %s '%s': %m", name, deed,
                                volume);

        /* Names of files may be in there, and those are bytes; D-Bus takes UTF-8 only. */
        if (!utf8_is_valid(text) && xml_escape_bytes(text, &printable) < 0)
                return -ENOMEM;

        return wire_error_set(error, hr, "%s", printable ?: text);
}

static int answer_failure(const ProviderHost *h,
                          sd_bus_error *error,
                          ProviderCall call,
                          const char *volume,
                          int r,
                          const char *why) {
        return provider_answer_failure(h, error, call, volume,
                                       provider_own_result() ?: provider_hresult_from_errno(r), r, why);
}

static int answer_planned_failure(const ProviderHost *h,
                                  sd_bus_error *error,
                                  ProviderCall call,
                                  const Planned *p) {
        return provider_answer_failure(h, error, call, p->volume,
                                       p->own_result ?: provider_hresult_from_errno(p->r), p->r, p->sentence);
}

int provider_open_volume(const char *volume) {
        int fd = open(volume, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOCTTY);

        return fd < 0 ? provider_fail(-errno, "the directory cannot be opened: %m") : fd;
}

int provider_read_path(sd_bus_message *m, char **ret) {
        int r;

        r = wire_read_text(m, ret);
        if (r < 0)
                return r;

        return *ret && (*ret)[0] == '/' ? 0 : -EBADMSG;
}

static int method_probe(ProviderHost *h, sd_bus_message *m, sd_bus_message *reply, sd_bus_error *error) {
        _cleanup_(freep) char *volume = NULL;
        _cleanup_(closep) int fd = -EBADF;
        ProviderProbe probe = { 0 };
        int r;

        r = provider_read_path(m, &volume);
        if (r < 0)
                return r;

        provider_sentence_clear();
        r = fd = provider_open_volume(volume);
        if (r >= 0)
                r = h->ops->probe(&h->env, volume, fd, &probe);
        if (r < 0)
                return answer_failure(h, error, PROVIDER_CALL_PROBE, volume, r, provider_sentence());

        return provider_append_probe(reply, &probe);
}

static int call_usage(const ProviderHost *h, const char *volume, char *const *notes, ProviderSpace *space) {
        _cleanup_(closep) int fd = -EBADF;
        ProviderUsage usage = {
                .used = PROVIDER_SIZE_UNKNOWN,
                .allocated = PROVIDER_SIZE_UNKNOWN,
        };
        struct statvfs st;
        int r;

        if (!h->ops->usage)
                return provider_fail(-ENOSYS, "nobody can tell");

        fd = provider_open_volume(volume); /* it may be gone, and its copies not */
        provider_sentence_clear();
        r = h->ops->usage(&h->env, volume, fd, notes, &usage);
        if (r < 0)
                return r;

        *space = (ProviderSpace){
                .place = usage.place,
                .used = usage.used,
                .allocated = usage.allocated,
                .free = usage.free,
                .total = usage.total,
        };
        if (usage.total > 0)
                return 0;
        if (statvfs(space->place, &st) < 0)
                return provider_fail(-errno, "'%s', where they lie, cannot be looked at: %m", space->place);

        space->free = (uint64_t) st.f_bavail * st.f_frsize;
        space->total = (uint64_t) st.f_blocks * st.f_frsize;
        return 0;
}

static HRESULT usage_result(int r) {
        switch (-r) {
        case EREMOTEIO:
                return provider_own_result() ?: VSS_E_PROVIDER_VETO;
        case ELOOP:
                return VSS_E_NESTED_VOLUME_LIMIT;
        case ENOSYS:
                return E_NOTIMPL;
        default:
                return provider_hresult_from_errno(r);
        }
}

static int method_usage(ProviderHost *h, sd_bus_message *m, sd_bus_message *reply, sd_bus_error *error) {
        _cleanup_(provider_space_clear) ProviderSpace space = { 0 };
        _cleanup_(strv_freep) char **notes = NULL;
        _cleanup_(freep) char *volume = NULL;
        char *const none[] = { NULL };
        int r;

        r = provider_read_path(m, &volume);
        if (r >= 0)
                r = wire_read_texts(m, WIRE_SNAPSHOTS_MAX, &notes);
        if (r < 0)
                return r;

        r = call_usage(h, volume, notes ?: none, &space);
        if (r < 0)
                return provider_answer_failure(h, error, PROVIDER_CALL_USAGE, volume, usage_result(r), r,
                                               provider_sentence());

        return provider_append_space(reply, &space);
}

static int method_is_snapshotted(ProviderHost *h, sd_bus_message *m, sd_bus_message *reply, sd_bus_error *error) {
        _cleanup_(freep) char *volume = NULL;
        _cleanup_(closep) int fd = -EBADF;
        int32_t compatibility = 0;
        bool present = false;
        int r;

        r = provider_read_path(m, &volume);
        if (r < 0)
                return r;

        provider_sentence_clear();
        r = fd = provider_open_volume(volume);
        if (r >= 0 && h->ops->is_snapshotted)
                r = h->ops->is_snapshotted(&h->env, volume, fd, &present, &compatibility);
        if (r < 0)
                return answer_failure(h, error, PROVIDER_CALL_IS_SNAPSHOTTED, volume, r, provider_sentence());

        return sd_bus_message_append(reply, "bi", (int) present, compatibility);
}

int provider_check_note(const char *note) {
        if (!note || strlen(note) > PROVIDER_NOTE_MAX || !utf8_is_valid(note))
                return provider_fail(-EPROTO, "its note is not what a note may be");

        return 0;
}

static int call_plan(const ProviderHost *h, ProviderSnapshot *s, char **ret_note, int *ret_lock_fd) {
        _cleanup_(closep) int fd = -EBADF, lock_fd = -EBADF;
        _cleanup_(freep) char *note = NULL;
        int r;

        fd = provider_open_volume(s->volume);
        if (fd < 0)
                return fd;

        lock_fd = provider_lock(&h->env, &s->id, false);
        if (lock_fd < 0)
                return provider_fail(lock_fd, "another worker has it (%m)");

        s->volume_fd = fd;
        r = h->ops->plan(&h->env, s, &note);
        s->volume_fd = -EBADF;
        if (r < 0)
                return r;

        r = provider_check_note(note);
        if (r < 0)
                return r;

        s->volume_fd = TAKE_FD(fd);
        *ret_note = TAKE_PTR(note);
        *ret_lock_fd = TAKE_FD(lock_fd);
        return 0;
}

static int method_plan(ProviderHost *h, sd_bus_message *m, sd_bus_message *reply, sd_bus_error *error) {
        _cleanup_(freep) char *volume = NULL, *ignored = NULL, *note = NULL;
        ProviderSnapshot s, *all[WIRE_VOLUMES_MAX];
        int r, lock_fd = -EBADF;

        r = provider_read_snapshot(m, &s, &volume, &ignored);
        if (r < 0)
                return r;
        if (rounds_find(h->rounds, &s.id))
                return wire_error_set(error, VSS_E_OBJECT_ALREADY_EXISTS, NULL);
        if (rounds_list(h->rounds, true, all) == WIRE_VOLUMES_MAX)
                return wire_error_set(error, VSS_E_MAXIMUM_NUMBER_OF_VOLUMES_REACHED, NULL);

        s.note = NULL;
        provider_sentence_clear();
        r = call_plan(h, &s, &note, &lock_fd);
        if (r < 0)
                return answer_failure(h, error, PROVIDER_CALL_PLAN, volume, r, provider_sentence());

        r = rounds_add(h->rounds, &s, TAKE_PTR(volume), TAKE_PTR(note), lock_fd);
        if (r < 0)
                return wire_error_set(error, provider_hresult_from_errno(r), NULL);

        return wire_append_text(reply, rounds_find(h->rounds, &s.id)->note);
}

static bool all_are_prepared(const Rounds *rounds) {
        for (const Planned *p = rounds_first(rounds); p; p = p->next)
                if (!p->prepared)
                        return false;

        return true;
}

static int method_prepare(ProviderHost *h, sd_bus_message *m, sd_bus_message *reply, sd_bus_error *error) {
        Planned *p;
        GUID id;
        int r;

        r = wire_read_guid(m, &id);
        if (r < 0)
                return r;

        p = rounds_find(h->rounds, &id);
        if (!p)
                return wire_error_set(error, VSS_E_OBJECT_NOT_FOUND, "the snapshot was not planned here");
        if (p->prepared)
                return wire_error_set(error, VSS_E_BAD_STATE, "the snapshot is prepared already");

        p->prepared = true; /* also when it fails: there may be something to release */
        provider_sentence_clear();
        r = h->ops->prepare ? h->ops->prepare(&h->env, &p->snapshot) : 0;
        if (r < 0)
                return answer_failure(h, error, PROVIDER_CALL_PREPARE, p->volume, r, provider_sentence());

        if (h->ops->prepare_all && all_are_prepared(h->rounds)) {
                p = rounds_run_all(h->rounds, h->ops->prepare_all, true);
                if (p)
                        return answer_planned_failure(h, error, PROVIDER_CALL_PREPARE, p);
        }

        return 0;
}

/* Is the directory that we hold still the one that its name leads to? */
static int check_volume(const Planned *p) {
        struct statx held, named;
        bool same;

        if (statx(p->snapshot.volume_fd, "", AT_EMPTY_PATH, STATX_INO | STATX_MNT_ID, &held) < 0)
                return -errno;
        same = statx(AT_FDCWD, p->volume, AT_NO_AUTOMOUNT, STATX_INO | STATX_MNT_ID, &named) >= 0 &&
               held.stx_dev_major == named.stx_dev_major && held.stx_dev_minor == named.stx_dev_minor &&
               held.stx_ino == named.stx_ino && held.stx_mnt_id == named.stx_mnt_id;
        if (!same)
                return provider_fail(-ENOENT,
                                     "it was unmounted or removed while its copy was being prepared");

        return 0;
}

static int step_sync(const ProviderOps *ops, const ProviderEnv *env, Planned *p) {
        int r;

        r = check_volume(p);
        if (r < 0)
                return r;

        return syncfs(p->snapshot.volume_fd) < 0 ? -errno : 0;
}

static int step_pre_commit(const ProviderOps *ops, const ProviderEnv *env, Planned *p) {
        return ops->pre_commit ? ops->pre_commit(env, &p->snapshot) : 0;
}

/* Nothing is looked up by name here: file systems are held. */
static int step_commit(const ProviderOps *ops, const ProviderEnv *env, Planned *p) {
        struct stat st;

        if (fstat(p->snapshot.volume_fd, &st) < 0)
                return -errno;
        if (st.st_nlink == 0)
                return provider_fail(-ENOENT, "it was removed while its copy was being prepared");

        p->committed_usec = now_usec(CLOCK_REALTIME);
        return ops->commit ? ops->commit(env, &p->snapshot, p->held) : 0;
}

static int answer_round(ProviderHost *h,
                        sd_bus_error *error,
                        ProviderCall call,
                        RoundStep step,
                        RoundAll step_all) {
        Planned *p;

        p = rounds_run(h->rounds, step, true);
        if (!p && step_all)
                p = rounds_run_all(h->rounds, step_all, true);
        return p ? answer_planned_failure(h, error, call, p) : 0;
}

static int method_sync(ProviderHost *h, sd_bus_message *m, sd_bus_message *reply, sd_bus_error *error) {
        return answer_round(h, error, PROVIDER_CALL_SYNC, step_sync, NULL);
}

static int method_pre_commit(ProviderHost *h, sd_bus_message *m, sd_bus_message *reply, sd_bus_error *error) {
        return answer_round(h, error, PROVIDER_CALL_PRE_COMMIT, step_pre_commit, h->ops->pre_commit_all);
}

void provider_host_be_quiet(ProviderHost *host) {
        if (!host->is_quiet)
                log_hold();
        host->is_quiet = true;
}

void provider_host_speak(ProviderHost *host) {
        if (host->is_quiet)
                log_release();
        host->is_quiet = false;
}

static bool is_among(const GUID *id, const GUID *ids, size_t n) {
        for (size_t i = 0; i < n; ++i)
                if (guid_equal(id, ids + i))
                        return true;

        return false;
}

/* Those of which the provider says nothing are not one instant with any other. */
static void measure_instants(const ProviderHost *h) {
        for (Planned *p = rounds_first(h->rounds); p; p = p->next) {
                if (p->snapshot.instant_usec > 0)
                        p->committed_usec = p->snapshot.instant_usec;
                for (Planned *other = rounds_first(h->rounds); other != p && p->snapshot.instant_usec == 0;)
                        if (other->committed_usec == p->committed_usec) {
                                ++p->committed_usec;
                                other = rounds_first(h->rounds);
                        } else
                                other = other->next;
        }
}

static int append_instants(sd_bus_message *reply, const ProviderHost *h) {
        int r;

        measure_instants(h);
        r = sd_bus_message_open_container(reply, 'a', "(" PROVIDER_INSTANT ")");
        for (const Planned *p = rounds_first(h->rounds); r >= 0 && p; p = p->next) {
                const ProviderInstant instant = { .id = p->snapshot.id, .usec = p->committed_usec };

                if (p->chosen)
                        r = provider_append_instant(reply, &instant);
        }
        if (r >= 0)
                r = sd_bus_message_close_container(reply);
        return r;
}

static int method_commit(ProviderHost *h, sd_bus_message *m, sd_bus_message *reply, sd_bus_error *error) {
        _cleanup_(freep) GUID *ids = NULL, *held = NULL;
        size_t n_ids, n_held;
        Planned *failed;
        int r;

        r = wire_read_guids(m, WIRE_VOLUMES_MAX, &ids, &n_ids);
        if (r >= 0)
                r = wire_read_guids(m, WIRE_VOLUMES_MAX, &held, &n_held);
        if (r < 0)
                return r;

        for (Planned *p = rounds_first(h->rounds); p; p = p->next) {
                p->chosen = n_ids == 0 || is_among(&p->snapshot.id, ids, n_ids);
                p->held = is_among(&p->snapshot.id, held, n_held);
                if (p->chosen && !p->prepared)
                        return wire_error_set(error, VSS_E_BAD_STATE, "the snapshot of '%s' is not prepared",
                                              p->volume);
        }

        provider_host_be_quiet(h);
        failed = rounds_run(h->rounds, step_commit, false);
        if (!failed && h->ops->commit_all)
                failed = rounds_run_all(h->rounds, h->ops->commit_all, false);
        return failed ? answer_planned_failure(h, error, PROVIDER_CALL_COMMIT, failed) : append_instants(reply, h);
}

static int method_post_commit(ProviderHost *h, sd_bus_message *m, sd_bus_message *reply, sd_bus_error *error) {
        ProviderSnapshot *all[WIRE_VOLUMES_MAX];
        size_t n = rounds_list(h->rounds, true, all);
        uint32_t n_set;
        int r;

        provider_host_speak(h);
        r = sd_bus_message_read(m, "u", &n_set);
        if (r < 0)
                return r;

        provider_sentence_clear();
        r = h->ops->post_commit_all && n > 0 ? h->ops->post_commit_all(&h->env, all, n, n_set) : 0;
        if (r < 0)
                return answer_failure(h, error, PROVIDER_CALL_POST_COMMIT, all[0]->volume, r,
                                      provider_sentence());

        return 0;
}

static int method_finish(ProviderHost *h, sd_bus_message *m, sd_bus_message *reply, sd_bus_error *error) {
        GUID set_id;
        int r;

        provider_host_speak(h);
        r = wire_read_guid(m, &set_id);
        if (r < 0)
                return r;

        provider_sentence_clear();
        r = h->ops->finish ? h->ops->finish(&h->env, &set_id) : 0;
        if (r < 0)
                return wire_error_set(error, provider_own_result() ?: provider_hresult_from_errno(r),
                                      "the %s provider could not complete the set: %s", h->ops->name,
                                      provider_sentence());

        return 0;
}

static int method_surface(ProviderHost *h, sd_bus_message *m, sd_bus_message *reply, sd_bus_error *error) {
        _cleanup_(freep) char *volume = NULL, *note = NULL, *device = NULL, *storage = NULL;
        _cleanup_(closep) int fd = -EBADF;
        ProviderSnapshot s;
        int r;

        provider_host_speak(h);
        r = provider_read_snapshot(m, &s, &volume, &note);
        if (r < 0)
                return r;

        rounds_remove(h->rounds, &s.id); /* it is made, or was so long ago: nothing needs to stay open */
        s.volume_fd = fd = provider_open_volume(volume);
        provider_sentence_clear();
        r = h->ops->surface(&h->env, &s, &device);
        if (r >= 0 && h->ops->describe)
                r = h->ops->describe(&h->env, &s, &storage);
        if (r >= 0 && storage)
                r = provider_check_note(storage);
        if (r < 0)
                return answer_failure(h, error, PROVIDER_CALL_SURFACE, volume, r, provider_sentence());

        r = wire_append_text(reply, device);
        return r < 0 ? r : wire_append_text(reply, storage);
}

static int method_tend(ProviderHost *h, sd_bus_message *m, sd_bus_message *reply, sd_bus_error *error) {
        _cleanup_(freep) char *volume = NULL, *note = NULL;
        _cleanup_(closep) int lock_fd = -EBADF;
        unsigned permille = 0;
        ProviderSnapshot s;
        int r;

        r = provider_read_snapshot(m, &s, &volume, &note);
        if (r < 0)
                return r;

        provider_sentence_clear();
        r = lock_fd = provider_lock(&h->env, &s.id, true);
        s.lock_fd = lock_fd;
        if (r >= 0)
                r = h->ops->tend ? h->ops->tend(&h->env, &s, &permille) :
                                   provider_fail(-EOPNOTSUPP, "it does not fill up");
        if (r < 0)
                return answer_failure(h, error, PROVIDER_CALL_TEND, volume, r, provider_sentence());

        return sd_bus_message_append(reply, "u", permille);
}

static int method_discard(ProviderHost *h, sd_bus_message *m, sd_bus_message *reply, sd_bus_error *error) {
        _cleanup_(freep) char *volume = NULL, *note = NULL;
        _cleanup_(closep) int fd = -EBADF, lock_fd = -EBADF;
        ProviderSnapshot s;
        int r;

        provider_host_speak(h);
        r = provider_read_snapshot(m, &s, &volume, &note);
        if (r < 0)
                return r;

        rounds_remove(h->rounds, &s.id);
        s.volume_fd = fd = provider_open_volume(volume);
        provider_sentence_clear();
        r = s.lock_fd = lock_fd = provider_lock(&h->env, &s.id, true);
        if (r >= 0)
                r = h->ops->discard(&h->env, &s);
        if (r < 0)
                return answer_failure(h, error, PROVIDER_CALL_DISCARD, volume, r, provider_sentence());

        return 0;
}

static int (*const methods[_PROVIDER_CALL_MAX])(ProviderHost *h,
                                                sd_bus_message *m,
                                                sd_bus_message *reply,
                                                sd_bus_error *error) = {
        [PROVIDER_CALL_PROBE] = method_probe,
        [PROVIDER_CALL_USAGE] = method_usage,
        [PROVIDER_CALL_IS_SNAPSHOTTED] = method_is_snapshotted,
        [PROVIDER_CALL_PLAN] = method_plan,
        [PROVIDER_CALL_PREPARE] = method_prepare,
        [PROVIDER_CALL_SYNC] = method_sync,
        [PROVIDER_CALL_PRE_COMMIT] = method_pre_commit,
        [PROVIDER_CALL_COMMIT] = method_commit,
        [PROVIDER_CALL_POST_COMMIT] = method_post_commit,
        [PROVIDER_CALL_FINISH] = method_finish,
        [PROVIDER_CALL_SURFACE] = method_surface,
        [PROVIDER_CALL_TEND] = method_tend,
        [PROVIDER_CALL_DISCARD] = method_discard,
};

static ProviderCall call_from_member(const char *name) {
        for (ProviderCall call = 0; call < _PROVIDER_CALL_MAX; ++call)
                if (strcmp(provider_members[call].name, name) == 0)
                        return call;

        return _PROVIDER_CALL_INVALID;
}

/* Whoever gets an answer may go at once, and then nobody is to be cut short as if the question still were being answered: that is
 * over before the answer is sent, here or, if it is an error, by sd-bus. */
static int on_method(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        ProviderHost *h = userdata;
        ProviderCall call = call_from_member(sd_bus_message_get_member(m));
        _cleanup_message_ sd_bus_message *reply = NULL;
        int r;

        assert(call >= 0);

        r = sd_bus_message_new_method_return(m, &reply);
        if (r < 0)
                return r;
        if (!h->set_busy(h, true))
                return 1; /* nobody wants to know any more */

        r = methods[call] ? methods[call](h, m, reply, error) : provider_do_deed(h, call, m, reply, error);
        (void) h->set_busy(h, false);
        return r < 0 ? r : sd_bus_send(NULL, reply, NULL);
}

static const sd_bus_vtable methods_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD("Probe", "s", "uiiuat", on_method, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("Usage", "sas", PROVIDER_USAGE, on_method, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("IsSnapshotted", "s", "bi", on_method, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("Plan", PROVIDER_SNAPSHOT, "s", on_method, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("Prepare", "ay", "", on_method, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("Sync", "", "", on_method, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("PreCommit", "", "", on_method, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("Commit", "aayaay", "a(" PROVIDER_INSTANT ")", on_method, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("PostCommit", "u", "", on_method, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("Finish", "ay", "", on_method, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("Surface", PROVIDER_SNAPSHOT, "ss", on_method, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("Tend", PROVIDER_SNAPSHOT, "u", on_method, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("Discard", PROVIDER_SNAPSHOT, "", on_method, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("Unseal", PROVIDER_SNAPSHOT "s", "", on_method, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("Seal", PROVIDER_SNAPSHOT "s", "", on_method, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("MayExpose", PROVIDER_SNAPSHOT "ssu", "s", on_method, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("Expose", PROVIDER_SNAPSHOT "ss", "", on_method, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("Unexpose", PROVIDER_SNAPSHOT "ss", "", on_method, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("MayRevert", PROVIDER_SNAPSHOT "su", "s", on_method, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("Revert", PROVIDER_SNAPSHOT "sus", "u", on_method, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("Break", PROVIDER_SNAPSHOT "u", "", on_method, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("Import", PROVIDER_SNAPSHOT, "s", on_method, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_SIGNAL(PROVIDER_PROGRESS_SIGNAL, "u", 0),
        SD_BUS_VTABLE_END,
};

int provider_methods_attach(sd_bus *bus, ProviderHost *host) {
        return sd_bus_add_object_vtable(bus, NULL, WIRE_PROVIDER_PATH, WIRE_PROVIDER_INTERFACE,
                                        methods_vtable, host);
}
