/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Reverts That Are Over
 *
 * Whoever began one may ask how it went when it has long ended: it may have been over before he could ask the
 * first time. So the last one of each volume is remembered, for as long as umbrad runs.
 */

#include "coordinator/deed-past.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "base/alloc.h"

#define PASTS_MAX 64U /* volumes; the oldest is forgotten */

static DeedPast *past_free(DeedPast *p) {
        if (!p)
                return NULL;

        free(p->volume);
        free(p->message);
        free(p);
        return NULL;
}

static void pasts_remove(DeedPast **list, DeedPast *p) {
        DL_DELETE(*list, p);
        past_free(p);
}

static int past_new(const char *volume, const char *message, DeedPast **ret) {
        DeedPast *p = calloc_checked(1, sizeof(*p));

        if (!p || strdup_to(volume, &p->volume) < 0 || strdup_to(message, &p->message) < 0) {
                past_free(p);
                return -ENOMEM;
        }
        *ret = p;
        return 0;
}

void deed_pasts_add(DeedPast **list, const char *volume, const GUID *snapshot_id, HRESULT hr, const char *message) {
        DeedPast *p, *tmp;
        unsigned n = 0;

        DL_FOREACH_SAFE(*list, p, tmp)
                if (strcmp(p->volume, volume) == 0)
                        pasts_remove(list, p);
                else
                        ++n;
        if (n >= PASTS_MAX)
                pasts_remove(list, *list);

        if (past_new(volume, message, &p) < 0)
                return; /* the log has it */
        p->snapshot_id = *snapshot_id;
        p->hr = hr;
        DL_APPEND(*list, p);
}

void deed_pasts_clear(DeedPast **list) {
        while (*list)
                pasts_remove(list, *list);
}
