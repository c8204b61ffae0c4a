/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Reverting by a Provider of Others
 */

#include "provider-com/com-revert.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <vsserror.h>

#include "base/macro.h"
#include "provider-com/com-result.h"
#include "provider-com/com-volume.h"

#define POLL_USEC 100000U

int com_revert_check(const ProviderSnapshot *s, const char *target) {
        if (strcmp(target, s->volume) != 0)
                return provider_fail(-ENOSYS, "it reverts the volume itself and no other");

        return 0;
}

/* *ret is NULL when nothing is running. */
static int query(ComModule *m, const char *volume, IVssAsync **ret) {
        _cleanup_(freep) WCHAR *name = NULL;
        HRESULT hr;
        int r;

        *ret = NULL;
        if (!m->software)
                return provider_fail_with(E_NOTIMPL, "it has no RevertToSnapshot()");

        r = com_volume_name(volume, &name);
        if (r < 0)
                return r;

        hr = IVssSoftwareSnapshotProvider_QueryRevertStatus(m->software, name, ret);
        if (hr == E_NOTIMPL)
                return provider_fail_with(hr, "it cannot revert");
        if (hr == VSS_E_OBJECT_NOT_FOUND)
                return 0;
        r = com_result("QueryRevertStatus", hr);
        return r >= 0 && !*ret ? com_nonsense("QueryRevertStatus", "gave no IVssAsync") : r;
}

int com_revert_is_possible(ComModule *m, const char *volume) {
        IVssAsync *async;
        int r;

        r = query(m, volume, &async);
        if (r >= 0 && async)
                (void) IVssAsync_Release(async);
        return r;
}

/* We do not rely on Wait(): one that returns at once would keep a processor busy. */
int com_revert_await(const char *method, IVssAsync *async) {
        HRESULT hr, result = VSS_S_ASYNC_PENDING;
        INT percent = 0;

        for (;;) {
                hr = IVssAsync_QueryStatus(async, &result, &percent);
                if (hr != S_OK)
                        return com_result("QueryStatus", hr);
                if (result != VSS_S_ASYNC_PENDING)
                        break;
                if (percent > 0 && percent <= 100)
                        provider_progress((unsigned) percent * 10);
                (void) usleep(POLL_USEC);
        }

        return result == VSS_S_ASYNC_FINISHED ? 0 : com_result(method, result);
}

static int await_running(ComModule *m, const char *volume) {
        IVssAsync *async;
        int r;

        r = query(m, volume, &async);
        if (r < 0 || !async)
                return r;

        r = com_revert_await("RevertToSnapshot", async);
        (void) IVssAsync_Release(async);
        return r;
}

/* What runs already may be ours of before a crash, or somebody else's to another snapshot: it is over before we
 * begin, and then is ours. */
int com_revert_run(ComModule *m, const ProviderSnapshot *s) {
        HRESULT hr;
        int r;

        r = await_running(m, s->volume);
        if (r < 0)
                return r;

        hr = IVssSoftwareSnapshotProvider_RevertToSnapshot(m->software, s->id);
        if (hr == E_NOTIMPL)
                return provider_fail_with(hr, "it cannot revert");
        r = com_result("RevertToSnapshot", hr);
        return r < 0 ? r : await_running(m, s->volume);
}
