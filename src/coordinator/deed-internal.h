/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Inside a Deed
 *
 * For deed.c, which moves deeds on, and deed-kinds.c, which knows what they are.
 */

#include "coordinator/deed.h"
#include "provider/provider-client.h"

/*
 *         [deed_check]     [deed_on_checked]    [deed_begin]      [deed_on_done]
 *   NEW ──────────────> CHECKING ──────> CHECKED ──────────> DOING ──────────> DONE
 *                                           ▲                  │
 *                                           │ timer, or again  │ [deed_on_done]
 *                                           `────────────── WAITING
 */
typedef enum DeedState {
        DEED_NEW,      /* nobody has been asked */
        DEED_CHECKING, /* the provider is asked whether it can be done */
        DEED_CHECKED,  /* it can, or nobody needed to be asked */
        DEED_DOING,    /* it is in the catalog, and the provider does it */
        DEED_WAITING,  /* the rest happens without us, perhaps at the next start of the machine; a timer has us look */
        DEED_DONE,     /* the provider has ended, well or not */
        _DEED_STATE_MAX,
        _DEED_STATE_INVALID = -22,
} DeedState;

typedef struct DeedWaiter {
        struct DeedWaiter *next;
        DeedTold told;
        void *userdata;
        bool at_begin;
} DeedWaiter;

struct DeedQueue {
        Manager *manager;
        Deed *deeds;
        DeedPast *reverts; /* that are over */
        sd_event_source *kick;
};

struct Deed {
        struct Deed *prev, *next; /* DeedQueue.deeds, in the order in which they were started */
        DeedQueue *queue;
        DeedKind kind;
        DeedState state;
        CatalogSnapshot snapshot;
        char *path, *device, *how;
        uint32_t flags;
        uid_t uid;
        GUID volume_id; /* a revert: what its path was on */
        bool resumed;
        bool waits; /* a revert that is resumed, and whose volume is not mounted yet */
        bool leaves; /* what umbra knows is taken along, and lost here (left-behind.h) */
        bool begun; /* it is in the catalog, and the provider was asked to do it */
        bool released; /* an import: nobody is left who wants it */
        unsigned attempts, permille;
        bool deferred;           /* it was in WAITING */
        usec_t pause;            /* the last one in there */
        sd_event_source *timer;  /* of WAITING */
        ProviderReverted reverted;
        ProviderPool *pool; /* a worker of its own: one may take hours */
        HRESULT result;     /* in DONE */
        char *message;
        HRESULT undone; /* DEED_UNEXPOSE that takes a failed DEED_EXPOSE back: why that failed */
        DeedWaiter *waiters;
};

/* What every question to a provider has. */
typedef struct DeedQuestion {
        ProviderClient *client;
        const ProviderSnapshot *snapshot;
        usec_t timeout;
        ProviderAnswered done; /* with the deed */
} DeedQuestion;

typedef int (*DeedAsk)(Deed *d, const DeedQuestion *q);

typedef struct DeedType {
        usec_t check_timeout, timeout;
        bool repeats; /* when the worker dies, another one goes on */

        /* Asks the provider whether it can be done. NULL: nobody needs to be asked. */
        DeedAsk check;
        /* Takes over the text of that answer. */
        char **(*checked)(Deed *d);
        /* Before anything is done; not when it is resumed. */
        int (*record)(Deed *d, Catalog *c);
        DeedAsk ask;
        /* After: what the catalog says from now on. */
        int (*finish)(Deed *d, Catalog *c);
} DeedType;

extern const DeedType deed_types[_DEED_KIND_MAX];
