/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What a Provider Returns
 */

#include "provider-com/com-result.h"

#include <vsserror.h>

#include "base/hresult.h"
#include "base/macro.h"
#include "provider/provider.h"

/* Of the page about errors, and those that the pages of single methods add. */
static const HRESULT documented[] = {
        E_OUTOFMEMORY,
        E_INVALIDARG,
        E_ACCESSDENIED,
        VSS_E_BAD_STATE,
        VSS_E_OBJECT_NOT_FOUND,
        VSS_E_INSUFFICIENT_STORAGE,
        VSS_E_VOLUME_NOT_SUPPORTED,
        VSS_E_VOLUME_NOT_SUPPORTED_BY_PROVIDER,
        VSS_E_MAXIMUM_NUMBER_OF_SNAPSHOTS_REACHED,
        VSS_E_MAXIMUM_NUMBER_OF_VOLUMES_REACHED,
        VSS_E_NESTED_VOLUME_LIMIT,
        VSS_E_PROVIDER_VETO,
        VSS_E_CANNOT_REVERT_DISKID,
        VSS_E_REVERT_IN_PROGRESS,
        VSS_E_UNSUPPORTED_CONTEXT,
        VSS_E_UNEXPECTED,
};

int com_result(const char *method, HRESULT hr) {
        if (hr == S_OK)
                return 0;

        for (size_t i = 0; i < ELEMENTSOF(documented); ++i)
                if (hr == documented[i])
                        return provider_fail_with(hr, "its %s() returned %s", method, hresult_name(hr));

        return provider_fail_with(VSS_E_UNEXPECTED_PROVIDER_ERROR,
                                  "its %s() returned %s, which no provider may", method, hresult_name(hr));
}

int com_nonsense(const char *method, const char *what) {
        return provider_fail_with(VSS_E_UNEXPECTED_PROVIDER_ERROR, "its %s() %s", method, what);
}
