/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What a Provider Made, Shown
 */

#include "provider-com/com-device.h"

#include <errno.h>
#include <sys/stat.h>
#include <vsserror.h>

#include "base/alloc.h"
#include "provider/provider-mount.h"

int com_device_show(const ProviderEnv *env,
                    const ProviderSnapshot *s,
                    const char *method,
                    const char *device,
                    char **ret) {
        struct stat st;

        if (stat(device, &st) < 0)
                return provider_fail_with(VSS_E_UNEXPECTED_PROVIDER_ERROR,
                                          "its %s() named '%s', which cannot be looked at: %m", method, device);
        if (!S_ISDIR(st.st_mode))
                return provider_fail_with(VSS_E_UNEXPECTED_PROVIDER_ERROR,
                                          "its %s() named '%s', which is no directory", method, device);

        return env->privileged ? provider_shadow_bind(env, &s->id, device, ret) : strdup_to(device, ret);
}
