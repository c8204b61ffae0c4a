/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Disks Copied Back by Script
 */

#include <pthread.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "com/com-async.h"
#include "provider-array/array-provider.h"
#include "provider-array/array-script.h"

typedef struct Resync {
        Async *async;
        json_t *request;
} Resync;

static void *resync_run(void *arg) {
        Resync *r = arg;

        async_complete(r->async, array_script_call(ARRAY_RESYNC_LUNS, r->request, NULL));
        async_unref(r->async);
        free(r);
        return NULL;
}

HRESULT array_resync_start(json_t *request, IVssAsync **ret) {
        Resync *r = calloc_checked(1, sizeof(*r));
        IVssAsync *iface = NULL;
        pthread_t thread;
        HRESULT hr;

        hr = r && request ? async_new(NULL, NULL, 0, &r->async, &iface) : E_OUTOFMEMORY;
        if (hr == S_OK) {
                async_ref(r->async); /* the thread's; the other is the caller's */
                r->request = request;
                if (pthread_create(&thread, NULL, resync_run, r) == 0) {
                        (void) pthread_detach(thread);
                        *ret = iface;
                        return S_OK;
                }
                async_unref(r->async);
                (void) IVssAsync_Release(iface);
                hr = E_OUTOFMEMORY;
        }

        json_decref(request);
        free(r);
        return hr;
}
