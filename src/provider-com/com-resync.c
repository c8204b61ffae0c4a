/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Disks Copied Back
 */

#include "provider-com/com-resync.h"

#include <errno.h>
#include <stdio.h>

#include <vsserror.h>

#include "base/alloc.h"
#include "provider-com/com-away.h"
#include "provider-com/com-result.h"
#include "provider-com/com-revert.h"
#include "provider-com/com-target.h"
#include "provider/provider-protocol.h"

/* RecoverSet() knows no volume that is in use: on Windows it takes it away from whoever uses it. Linux cannot. */
static int veto_if_busy(int r) {
        char why[PROVIDER_SENTENCE_MAX];

        if (r != -EBUSY)
                return r;

        (void) snprintf(why, sizeof(why), "%s", provider_sentence());
        return provider_fail_with(VSS_E_PROVIDER_VETO, "%s", why);
}

int com_resync_is_possible(ComModule *m, const ProviderSnapshot *s, int volume_fd) {
        if (!m->hardware_ex)
                return provider_fail_with(VSS_E_LEGACY_PROVIDER, "it has no IVssHardwareSnapshotProviderEx");

        return veto_if_busy(com_away_is_possible(s->volume, volume_fd));
}

/* One that was begun before a crash is begun again: the array copies to the same disk from the same one. */
static int resync(ComModule *m, ComDisk *copy, ComDisk *original) {
        IVssAsync *async = NULL;
        int r;

        r = com_result("ResyncLuns",
                       IVssHardwareSnapshotProviderEx_ResyncLuns(m->hardware_ex, &copy->lun, &original->lun, 1, &async));
        if (r >= 0 && !async)
                r = com_nonsense("ResyncLuns", "gave no IVssAsync");
        if (r >= 0)
                r = com_revert_await("ResyncLuns", async);
        if (async)
                (void) IVssAsync_Release(async);
        return r;
}

/* Whatever became of it, the volume comes back; what is said is what went wrong first. */
static int resync_away(ComModule *m, const ProviderEnv *env, const ProviderSnapshot *s, ComDisk *copy, ComAway *away) {
        char why[PROVIDER_SENTENCE_MAX];
        HRESULT hr;
        int r;

        r = resync(m, copy, &away->disk);
        if (r >= 0)
                return com_away_bring_back(env, &s->id, s->volume, away);

        hr = provider_own_result();
        (void) snprintf(why, sizeof(why), "%s", provider_sentence());
        if (com_away_bring_back(env, &s->id, s->volume, away) < 0)
                return provider_fail_with(FAILED(hr) ? hr : VSS_E_PROVIDER_VETO,
                                          "%s; and what is on the disk '%s' now cannot be mounted", why,
                                          away->disk.device);
        return FAILED(hr) ? provider_fail_with(hr, "%s", why) : provider_fail(r, "%s", why);
}

int com_resync_run(ComModule *m, const ProviderEnv *env, const ProviderSnapshot *s) {
        _cleanup_(com_away_clear) ComAway away = COM_AWAY_INIT;
        _cleanup_target_ ComTarget t = { 0 };
        _cleanup_disk_ ComDisk copy = { 0 };
        int r;

        if (!m->hardware_ex)
                return provider_fail_with(VSS_E_LEGACY_PROVIDER, "it has no IVssHardwareSnapshotProviderEx");

        r = com_target_read(env, &s->id, &t);
        if (r >= 0)
                r = com_target_locate(m, &t, &copy);
        if (r >= 0)
                r = com_target_check(m, &t, &copy);
        if (r >= 0)
                r = veto_if_busy(com_away_put(env, &s->id, s->volume, &away));
        return r < 0 ? r : resync_away(m, env, s, &copy, &away);
}
