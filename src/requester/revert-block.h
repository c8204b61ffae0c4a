/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Who Is Against Reverting
 *
 * Windows keeps a list of writers in the registry, umbra in umbra.conf ([revert] blocked-by): a volume that
 * holds files of one of them should not be reverted under it. It is advice: RevertToSnapshot() does not ask.
 */

#include <stdbool.h>

#include <vsbackup.h>

/* With a sentence in last_error_get() on failure. */
HRESULT revert_is_blocked(const WCHAR *volume, bool *ret);
