/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A Provider of Others as One of Ours
 */

#include "provider-com/provider-com.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include <vsserror.h>

#include "base/alloc.h"
#include "base/guid.h"
#include "base/log.h"
#include "com/com-object.h"
#include "provider-com/com-device.h"
#include "provider-com/com-hardware.h"
#include "provider-com/com-module.h"
#include "provider-com/com-result.h"
#include "provider-com/com-resync.h"
#include "provider-com/com-revert.h"
#include "provider-com/com-volume.h"
#include "provider/provider-expose.h"
#include "provider/provider-mount.h"
#include "provider/provider-protocol.h"

/* The one of this process. */
static struct {
        ComModule module;
        GUID id;
        bool has_context;
        uint32_t context;

        GUID committed; /* the set that was committed here */
        bool final;     /* and has had PreFinalCommitSnapshots() */
        GUID aborted;   /* the set that AbortSnapshots() was last called for */
        HRESULT abort_result;
} com;

/* The provider, ready to be called about a snapshot. */
static int enter(uint32_t context) {
        int r;

        r = com_module_load(&com.module);
        if (r < 0 || com.module.hardware || (com.has_context && com.context == context))
                return r; /* those of hardware have no such method */

        r = com_volume_set_context(&com.module, context);
        if (r < 0)
                return r;

        com.has_context = true;
        com.context = context;
        return 0;
}

/* What it says of itself, over what is true of each. */
static int ask_traits(const char *volume, ProviderProbe *probe) {
        UMBRA_PROVIDER_TRAITS traits = { .cbSize = sizeof(traits) };
        _cleanup_(freep) WCHAR *name = NULL;
        int r;

        if (!com.module.traits)
                return 0;

        r = com_volume_name(volume, &name);
        if (r >= 0)
                r = com_result("GetTraits", IUmbraProviderTraits_GetTraits(com.module.traits, name, &traits));
        if (r < 0)
                return r;

        if (traits.bWritesToVolume)
                probe->flags = (probe->flags & ~(uint32_t) PROVIDER_WANTS_HOLD) | PROVIDER_FORBIDS_HOLD;
        if (traits.bInstantWithoutHold)
                probe->consistency = PROVIDER_CONSISTENCY_CRASH;
        else if (traits.bWritesToVolume)
                probe->consistency_held = probe->consistency;
        probe->attributes =
                (uint32_t) traits.lAttributes & (VSS_VOLSNAP_ATTR_DIFFERENTIAL | VSS_VOLSNAP_ATTR_PLEX);
        return 0;
}

static int com_probe(const ProviderEnv *env, const char *volume, int volume_fd, ProviderProbe *ret) {
        ProviderProbe probe = {
                .flags = PROVIDER_WANTS_HOLD | PROVIDER_HAS_PRE_COMMIT | PROVIDER_HAS_POST_COMMIT |
                        PROVIDER_HAS_FINISH,
                .consistency = PROVIDER_CONSISTENCY_FUZZY,
                .consistency_held = PROVIDER_CONSISTENCY_CRASH,
        };
        BOOL supported;
        int r;

        r = com_module_load(&com.module);
        if (r >= 0)
                r = com.module.hardware ? com_hardware_is_supported(&com.module, volume_fd, &supported) :
                                          com_volume_is_supported(&com.module, volume, &supported);
        if (r >= 0 && !supported)
                r = provider_fail(-EOPNOTSUPP, "it says that it cannot");
        if (r >= 0)
                r = ask_traits(volume, &probe);
        if (r < 0)
                return r;

        *ret = probe;
        return 0;
}

static int com_is_snapshotted(const ProviderEnv *env,
                              const char *volume,
                              int volume_fd,
                              bool *ret_present,
                              int32_t *ret_compatibility) {
        LONG compatibility = 0;
        BOOL present;
        int r;

        r = com_module_load(&com.module);
        if (r >= 0 && com.module.hardware)
                return 0; /* umbra knows all of them */
        if (r >= 0)
                r = com_volume_is_snapshotted(&com.module, volume, &present, &compatibility);
        if (r < 0)
                return r;

        *ret_present = present;
        *ret_compatibility = present ? compatibility : 0;
        return 0;
}

/* Everything is found by its id. */
static int com_plan(const ProviderEnv *env, const ProviderSnapshot *s, char **ret_note) {
        return strdup_to("com", ret_note);
}

static int com_prepare(const ProviderEnv *env, ProviderSnapshot *s) {
        int r;

        r = enter(s->context);
        if (r < 0)
                return r;

        return com.module.hardware ? com_hardware_begin_prepare(&com.module, s) :
                                     com_volume_begin_prepare(&com.module, s, &com.id);
}

static int com_prepare_all(const ProviderEnv *env, ProviderSnapshot *const *all, size_t n) {
        return com_result("EndPrepareSnapshots",
                          IVssProviderCreateSnapshotSet_EndPrepareSnapshots(com.module.set, all[0]->set_id));
}

static int com_pre_commit_all(const ProviderEnv *env, ProviderSnapshot *const *all, size_t n) {
        return com_result("PreCommitSnapshots",
                          IVssProviderCreateSnapshotSet_PreCommitSnapshots(com.module.set, all[0]->set_id));
}

static int com_commit_all(const ProviderEnv *env, ProviderSnapshot *const *all, size_t n) {
        HRESULT hr;

        hr = IVssProviderCreateSnapshotSet_CommitSnapshots(com.module.set, all[0]->set_id);
        com.committed = all[0]->set_id;
        com.final = false;
        return com_result("CommitSnapshots", hr);
}

static int com_post_commit_all(const ProviderEnv *env,
                               ProviderSnapshot *const *all,
                               size_t n,
                               size_t n_set) {
        return com_result("PostCommitSnapshots",
                          IVssProviderCreateSnapshotSet_PostCommitSnapshots(com.module.set, all[0]->set_id,
                                                                            (LONG) n_set));
}

/* E_NOTIMPL: it has no auto-recovery. [MS: nf-vsprov-ivssprovidercreatesnapshotset-prefinalcommitsnapshots] */
static int pre_final_commit(const GUID *set_id) {
        HRESULT hr;

        if (com.final || !guid_equal(&com.committed, set_id))
                return 0;

        com.final = true;
        hr = IVssProviderCreateSnapshotSet_PreFinalCommitSnapshots(com.module.set, *set_id);
        return hr == E_NOTIMPL ? 0 : com_result("PreFinalCommitSnapshots", hr);
}

static int com_surface(const ProviderEnv *env, const ProviderSnapshot *s, char **ret_device) {
        _cleanup_(freep) char *device = NULL;
        int r;

        r = enter(s->context);
        if (r >= 0)
                r = pre_final_commit(&s->set_id);
        if (r >= 0 && com.module.hardware)
                return com_hardware_surface(&com.module, env, s, ret_device);
        if (r >= 0)
                r = com_volume_device(&com.module, s, &device);
        return r < 0 ? r : com_device_show(env, s, "GetSnapshotProperties", device, ret_device);
}

static int com_describe(const ProviderEnv *env, const ProviderSnapshot *s, char **ret) {
        return com.module.hardware ? com_hardware_describe(env, s, ret) : 0;
}

static int com_import(const ProviderEnv *env, const ProviderSnapshot *s, char **ret_note) {
        int r;

        r = enter(s->context);
        if (r < 0)
                return r;
        if (!com.module.hardware)
                return provider_fail_with(VSS_E_PROVIDER_VETO, "only what is made by hardware can be imported");

        return com_hardware_import(s->note, ret_note);
}

static int com_finish(const ProviderEnv *env, const GUID *set_id) {
        return com_result("PostFinalCommitSnapshots",
                          IVssProviderCreateSnapshotSet_PostFinalCommitSnapshots(com.module.set, *set_id));
}

/* Once for a set in each process. What it returns is never the requester's result; it says whether something may be left.
 * [MS: nf-vsprov-ivssprovidercreatesnapshotset-abortsnapshots] */
static int abort_set(const GUID *set_id) {
        int r;

        if (!guid_equal(&com.aborted, set_id)) {
                com.aborted = *set_id;
                com.abort_result = IVssProviderCreateSnapshotSet_AbortSnapshots(com.module.set, *set_id);
        }

        r = com_result("AbortSnapshots", com.abort_result);
        if (r >= 0 || provider_own_result() != VSS_E_OBJECT_NOT_FOUND)
                return r;

        provider_sentence_clear(); /* there is nothing of it */
        return 0;
}

/* Whatever was made of it before the set failed. */
static int discard_unfinished(const ProviderSnapshot *s) {
        int r;

        if (abort_set(&s->set_id) < 0)
                log_warning("Aborting the set {%s}, %s; deleting what there is of it", GUID_TO_STRING(&s->set_id),
                            provider_sentence());
        provider_sentence_clear();
        r = com_volume_find(&com.module, &s->id);
        if (r < 0 && r != -ENOENT)
                log_warning("Looking for the shadow copy {%s}, %s; deleting it in any case",
                            GUID_TO_STRING(&s->id), provider_sentence());

        provider_sentence_clear();
        return r;
}

static int com_discard(const ProviderEnv *env, const ProviderSnapshot *s) {
        int r;

        r = provider_shadow_remove(env, &s->id);
        if (r >= 0)
                r = enter((uint32_t) VSS_CTX_ALL);
        if (r < 0)
                return r;

        if (com.module.hardware)
                return com_hardware_discard(&com.module, env, s, s->unfinished ? abort_set(&s->set_id) : 0);
        if (s->unfinished && discard_unfinished(s) == -ENOENT)
                return 0;

        r = com_volume_delete(&com.module, &s->id);
        return r < 0 && provider_own_result() == VSS_E_OBJECT_NOT_FOUND ? 0 : r;
}

static int com_may_revert(const ProviderEnv *env, const ProviderSnapshot *s, const ProviderRevert *v, char **ret_how) {
        int r;

        r = com_revert_check(s, v->target);
        if (r >= 0)
                r = enter(s->context);
        if (r >= 0 && com.module.hardware)
                return com_resync_is_possible(&com.module, s, v->target_fd);
        return r < 0 ? r : com_revert_is_possible(&com.module, s->volume);
}

static int com_revert(const ProviderEnv *env, const ProviderSnapshot *s, const ProviderRevert *v) {
        int r;

        r = com_revert_check(s, v->target);
        if (r >= 0)
                r = enter(s->context);
        if (r >= 0 && com.module.hardware)
                return com_resync_run(&com.module, env, s);
        return r < 0 ? r : com_revert_run(&com.module, s);
}

static int com_break_off(const ProviderEnv *env, const ProviderSnapshot *s, uint32_t flags) {
        int r;

        r = enter(s->context);
        if (r < 0)
                return r;
        if (!com.module.hardware)
                return provider_fail_with(VSS_E_PROVIDER_VETO, "only what is made by hardware can be broken off");

        return com_hardware_break(&com.module, env, s, flags);
}

static int com_expose(const ProviderEnv *env, const ProviderSnapshot *s, const char *device, int path_fd) {
        char link[64], path[4096];
        ssize_t n;
        int r;

        (void) snprintf(link, sizeof(link), "/proc/self/fd/%d", path_fd);
        n = readlink(link, path, sizeof(path) - 1);
        if (n < 0)
                return -errno;
        path[n] = '\0';

        r = enter(s->context);
        if (r >= 0 && !com.module.hardware)
                r = com_volume_set_property(&com.module, &s->id, VSS_SPROPID_EXPOSED_NAME, path);
        return r < 0 ? r : provider_expose_bind(env, device, path_fd);
}

/* That it is not exposed any more keeps nobody from deleting it. */
static int com_unexpose(const ProviderEnv *env, const ProviderSnapshot *s, const char *device, const char *path) {
        int r;

        r = provider_unexpose_bind(env, device, path);
        if (r < 0)
                return r;

        r = enter(s->context);
        if (r >= 0 && !com.module.hardware)
                r = com_volume_set_property(&com.module, &s->id, VSS_SPROPID_EXPOSED_NAME, NULL);
        if (r < 0)
                log_warning("Telling the provider that {%s} is not exposed any more, %s; going on",
                            GUID_TO_STRING(&s->id), provider_sentence());
        return 0;
}

static void com_end(const ProviderEnv *env) {
        com_module_unload(&com.module);
}

const ProviderOps *provider_com_setup(const char *name, const GUID *class_id, const GUID *id) {
        static ProviderOps ops = {
                .description = "a provider of others",
                .version = "-",
                .type = VSS_PROV_SOFTWARE,
                .probe = com_probe,
                .is_snapshotted = com_is_snapshotted,
                .plan = com_plan,
                .prepare = com_prepare,
                .prepare_all = com_prepare_all,
                .pre_commit_all = com_pre_commit_all,
                .commit_all = com_commit_all,
                .post_commit_all = com_post_commit_all,
                .surface = com_surface,
                .describe = com_describe,
                .finish = com_finish,
                .discard = com_discard,
                .may_revert = com_may_revert,
                .revert = com_revert,
                .reverts_unmounted = true,
                .break_off = com_break_off,
                .import = com_import,
                .expose = com_expose,
                .unexpose = com_unexpose,
                .end = com_end,
        };

        ops.name = name;
        ops.id = com.id = *id;
        ops.class_id = com.module.class_id = *class_id;
        return &ops;
}
