/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What a Provider Returns
 */

#include "provider-com/com-result.h"

#include <wchar.h>

#include <oleauto.h>
#include <vsserror.h>

#include "base/hresult.h"
#include "base/macro.h"
#include "base/utf.h"
#include "provider/provider-protocol.h"
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

static IUmbraProviderReason *reasons; /* of the one provider of this process */

void com_result_ask(IUmbraProviderReason *r) {
        reasons = r;
}

/* In the provider's own words; NULL: it has none. */
static char *take_reason(void) {
        WCHAR *wide = NULL;
        char *reason = NULL;

        if (reasons && IUmbraProviderReason_GetReason(reasons, &wide) == S_OK && wide &&
            wcsnlen(wide, PROVIDER_SENTENCE_MAX) < PROVIDER_SENTENCE_MAX)
                (void) utf8_from_wide(wide, &reason); /* what is no text is none */
        CoTaskMemFree(wide);
        return reason;
}

static bool is_documented(HRESULT hr) {
        for (size_t i = 0; i < ELEMENTSOF(documented); ++i)
                if (hr == documented[i])
                        return true;
        return false;
}

int com_result(const char *method, HRESULT hr) {
        _cleanup_(freep) char *reason = NULL;
        HRESULT said = is_documented(hr) ? hr : VSS_E_UNEXPECTED_PROVIDER_ERROR;

        if (hr == S_OK)
                return 0;

        reason = take_reason();
        if (reason)
                return provider_fail_with(said, "its %s() failed, as %s", method, reason);
        return provider_fail_with(said, "its %s() returned %s%s", method, hresult_name(hr),
                                  said == hr ? "" : ", which no provider may");
}

int com_nonsense(const char *method, const char *what) {
        return provider_fail_with(VSS_E_UNEXPECTED_PROVIDER_ERROR, "its %s() %s", method, what);
}
