/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Reverting by a Provider of Others
 *
 * RevertToSnapshot() begins and QueryRevertStatus() says how it goes. A provider goes on by itself after a
 * crash, so when we come again it is asked first whether it still runs.
 */

#include "provider-com/com-module.h"
#include "provider/provider.h"

/* A provider sets back the volume itself, whose identity it has anyway. -ENOSYS: it is to be another. */
int com_revert_check(const ProviderSnapshot *s, const char *target);
/* E_NOTIMPL for a provider that cannot revert. */
int com_revert_is_possible(ComModule *m, const char *volume);
/* Returns when it has ended. */
int com_revert_run(ComModule *m, const ProviderSnapshot *s);
/* Until what @method began has ended: it takes as long as it takes, and cannot be cancelled. */
int com_revert_await(const char *method, IVssAsync *async);
