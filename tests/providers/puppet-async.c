/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A Revert That Takes Its Time
 */

#include <stdlib.h>

#include <vsserror.h>

#include "base/hresult.h"
#include "providers/puppet-provider.h"

#define QUESTIONS_PENDING 3

typedef struct PuppetAsync {
        ComObject com;
        IVssAsync IVssAsync_iface;
        int n_asked;
} PuppetAsync;

static PuppetAsync *impl_from_IVssAsync(IVssAsync *iface) {
        return container_of(iface, PuppetAsync, IVssAsync_iface);
}
COM_DEFINE_UNKNOWN(async, IVssAsync)

static HRESULT STDMETHODCALLTYPE async_Cancel(IVssAsync *iface) {
        return puppet_call("Cancel");
}

static HRESULT STDMETHODCALLTYPE async_Wait(IVssAsync *iface, DWORD msec) {
        return puppet_call("Wait");
}

static HRESULT STDMETHODCALLTYPE async_QueryStatus(IVssAsync *iface, HRESULT *ret, INT *percent) {
        _cleanup_(freep) char *told = puppet_told("status");
        PuppetAsync *a = impl_from_IVssAsync(iface);
        HRESULT hr;

        *percent = ++a->n_asked * 25;
        *ret = VSS_S_ASYNC_PENDING;
        if (a->n_asked > QUESTIONS_PENDING && (!told || hresult_from_name(told, ret) < 0))
                *ret = VSS_S_ASYNC_FINISHED;
        hr = puppet_step("QueryStatus", "%d", *percent);
        return hr;
}

static const IVssAsyncVtbl async_vtbl = {
        async_QueryInterface, async_AddRef, async_Release, async_Cancel, async_Wait, async_QueryStatus,
};

static void async_finalize(ComObject *object) {
        free(container_of(object, PuppetAsync, com));
}

static const ComInterface async_interfaces[] = { COM_INTERFACE(PuppetAsync, IVssAsync) };
static const ComClass async_class = {
        .name = "puppet-async",
        .interfaces = async_interfaces,
        .n_interfaces = ELEMENTSOF(async_interfaces),
        .finalize = async_finalize,
};

HRESULT puppet_async_new(IVssAsync **ret) {
        PuppetAsync *a = calloc(1, sizeof(*a));

        if (!a)
                return E_OUTOFMEMORY;
        a->IVssAsync_iface.lpVtbl = &async_vtbl;
        com_object_init(&a->com, &async_class);
        *ret = &a->IVssAsync_iface;
        return S_OK;
}
