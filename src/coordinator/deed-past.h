/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Reverts That Are Over
 *
 * For umbra status, and for whoever asks late.
 */

#include <wintypes.h>

typedef struct DeedPast {
        struct DeedPast *prev, *next;
        char *volume, *message; /* the latter of a failure; else NULL */
        GUID snapshot_id;
        HRESULT hr;
} DeedPast;

/* Takes the place of what was remembered of @volume. */
void deed_pasts_add(DeedPast **list,
                    const char *volume,
                    const GUID *snapshot_id,
                    HRESULT hr,
                    const char *message);
void deed_pasts_clear(DeedPast **list);
