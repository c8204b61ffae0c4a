/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A World with a Provider of Others
 *
 * umbrad, a volume, and the puppet (puppet-provider.c) as a registered provider, with what it is told and what it
 * was called.
 */

#include "api/storage/storage.h"

typedef struct Puppeteer {
        World *world;
        char *dir;       /* the puppet's */
        char *providers; /* where umbra looks for shared objects */
} Puppeteer;

extern const VSS_ID puppet_id;
extern const CLSID puppet_class_id;

Puppeteer *puppeteer_new(VSS_PROVIDER_TYPE type);
Puppeteer *puppeteer_free(Puppeteer *p);

HRESULT puppeteer_register(VSS_PROVIDER_TYPE type);
HRESULT puppeteer_unregister(void);
/* What its class id leads to; NULL: the puppet. */
void puppeteer_link(Puppeteer *p, const char *path);

/* What it is told from now on; see puppet-provider.c. NULL: nothing. */
void puppeteer_script(Puppeteer *p, const char *script);
/* The calls since the last time, "Name arguments" a line; free() it. */
char *puppeteer_take_calls(Puppeteer *p);
/* Waits until @call is among them; they stay. */
bool puppeteer_await_call(Puppeteer *p, const char *call);
/* The puppet has no shadow copy any more, and umbra none at all. */
void puppeteer_assert_clean(Puppeteer *p);

/* StartSnapshotSet(), AddToSnapshotSet() of the volume by this provider, DoSnapshotSet(): the first failure. */
HRESULT puppeteer_make(Puppeteer *p, IVssBackupComponentsEx4 *b, VSS_ID provider, VSS_ID *ret_id);
