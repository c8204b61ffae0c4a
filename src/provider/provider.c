/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What Every Provider Uses
 *
 * The sentence that goes with a failure belongs to the thread that failed, and costs no allocation: commit()
 * fails while file systems are held.
 */

#include "provider/provider.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include <vss.h>

#include "base/macro.h"
#include "provider/provider-protocol.h"

static _Thread_local char sentence[PROVIDER_SENTENCE_MAX];
static _Thread_local HRESULT own_result; /* S_OK: what the errno says */

int provider_ops_check(const ProviderOps *ops) {
        bool complete = ops->name && ops->description && ops->version && ops->probe && ops->plan &&
                        (ops->commit || ops->commit_all) && ops->surface && ops->discard;

        if (!complete || (ops->may_revert && !ops->revert) || !ops->expose != !ops->unexpose ||
            !ops->unseal != !ops->seal)
                return -EINVAL;

        return 0;
}

uint32_t provider_abilities(const ProviderOps *ops) {
        return (ops->revert ? (uint32_t) PROVIDER_CAN_REVERT : 0) |
               (ops->break_off ? (uint32_t) PROVIDER_CAN_BREAK : 0) |
               (ops->import ? (uint32_t) PROVIDER_CAN_IMPORT : 0) |
               (ops->tend ? (uint32_t) PROVIDER_NEEDS_TENDING : 0) |
               (ops->takes_no_limit ? (uint32_t) PROVIDER_TAKES_NO_LIMIT : 0);
}

int provider_check_identity(const ProviderSnapshot *s, uint32_t flags) {
        if (!(flags & VSS_BREAKEX_FLAG_REVERT_IDENTITY_ALL) || access(s->volume, F_OK) < 0)
                return 0;

        return provider_fail(-ENOTUNIQ, "'%s' itself is still there", s->volume);
}

int provider_fail(int r, const char *format, ...) {
        va_list ap;

        assert(r < 0);

        errno = -r; /* for %m */
        va_start(ap, format);
        (void) vsnprintf(sentence, sizeof(sentence), format, ap);
        va_end(ap);
        own_result = S_OK;
        return r;
}

int provider_fail_with(HRESULT hr, const char *format, ...) {
        va_list ap;

        assert(FAILED(hr));

        va_start(ap, format);
        (void) vsnprintf(sentence, sizeof(sentence), format, ap);
        va_end(ap);
        own_result = hr;
        return -EREMOTEIO;
}

void provider_sentence_clear(void) {
        sentence[0] = '\0';
        own_result = S_OK;
}

HRESULT provider_own_result(void) {
        return own_result;
}

const char *provider_sentence(void) {
        return sentence;
}
