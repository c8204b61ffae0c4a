/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Asynchronous Operations
 *
 * An Async is born pending and settles exactly once, with one of three outcomes:
 *
 *         pending ---> finished (or a failure code)     [async_complete]
 *             \
 *              `-----> cancelled                        [IVssAsync::Cancel]
 *
 * Whoever settles it first wins; a result that arrives after a Cancel is dropped. While a Cancel is on its
 * way, @cancelling makes the failure that it causes on the other side a cancellation, too; a success is a
 * success, it was too late. A Cancel that is not answered in time changes nothing. @result and @cancelling are the only state, and @lock guards them. @lock is the
 * innermost of all locks: the pump is never called with it held, and may call async_complete() with its own
 * held.
 */

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/hresult.h"
#include "base/macro.h"
#include "base/time-util.h"
#include "com/com-async.h"
#include "com/com-object.h"

struct Async {
        ComObject com;
        IVssAsync IVssAsync_iface;

        const AsyncPump *pump; /* may be NULL */
        void *userdata;
        uint64_t cookie;

        pthread_mutex_t lock;
        pthread_cond_t settled;
        HRESULT result; /* VSS_S_ASYNC_PENDING until settled */
        bool cancelling;
};

static const IVssAsyncVtbl async_vtbl;

static Async *impl_from_IVssAsync(IVssAsync *iface) {
        assert(iface->lpVtbl == &async_vtbl);
        return container_of(iface, Async, IVssAsync_iface);
}

COM_DEFINE_UNKNOWN(async, IVssAsync)

static HRESULT async_result(Async *async) {
        HRESULT result;

        pthread_mutex_lock(&async->lock);
        result = async->result;
        pthread_mutex_unlock(&async->lock);

        return result;
}

static bool async_is_settled(void *arg) {
        return async_result(arg) != VSS_S_ASYNC_PENDING;
}

/* Settles the operation unless that has happened before. Returns how it ended. */
static HRESULT async_settle(Async *async, HRESULT result) {
        pthread_mutex_lock(&async->lock);
        if (async->result == VSS_S_ASYNC_PENDING) {
                async->result = async->cancelling && FAILED(result) ? VSS_S_ASYNC_CANCELLED : result;
                pthread_cond_broadcast(&async->settled);
        }
        result = async->result;
        pthread_mutex_unlock(&async->lock);

        return result;
}

/* Waits on the condition variable, for what other threads do. */
static void async_wait_settled(Async *async, usec_t deadline) {
        struct timespec until = timespec_from_usec(deadline);
        int r = 0;

        pthread_mutex_lock(&async->lock);
        while (async->result == VSS_S_ASYNC_PENDING && r != ETIMEDOUT)
                if (deadline == USEC_INFINITY)
                        r = pthread_cond_wait(&async->settled, &async->lock);
                else
                        r = pthread_cond_timedwait(&async->settled, &async->lock, &until);
        pthread_mutex_unlock(&async->lock);
}

static void async_wait_cancelled(Async *async) {
        pthread_mutex_lock(&async->lock);
        while (async->result == VSS_S_ASYNC_PENDING && async->cancelling)
                pthread_cond_wait(&async->settled, &async->lock);
        pthread_mutex_unlock(&async->lock);
}

/* true: this call does the cancelling. false: it has ended, or somebody else does it. */
static bool async_begin_cancel(Async *async) {
        bool mine;

        pthread_mutex_lock(&async->lock);
        mine = async->result == VSS_S_ASYNC_PENDING && !async->cancelling;
        if (mine)
                async->cancelling = true;
        pthread_mutex_unlock(&async->lock);

        return mine;
}

/* true: the operation goes on, as if nobody had wanted to cancel it. */
static bool async_give_up_cancel(Async *async) {
        bool pending;

        pthread_mutex_lock(&async->lock);
        pending = async->result == VSS_S_ASYNC_PENDING;
        if (pending) {
                async->cancelling = false;
                pthread_cond_broadcast(&async->settled);
        }
        pthread_mutex_unlock(&async->lock);

        return pending;
}

/* For whoever did not cancel it. */
static HRESULT async_not_cancelled(Async *async) {
        HRESULT result = async_result(async);

        return result == VSS_S_ASYNC_PENDING ? VSS_E_UNEXPECTED : result;
}

static HRESULT STDMETHODCALLTYPE async_Cancel(IVssAsync *iface) {
        Async *async = impl_from_IVssAsync(iface);
        HRESULT result;

        if (async->pump && !async->pump->cancel)
                return async_not_cancelled(async);
        if (!async_begin_cancel(async)) {
                async_wait_cancelled(async);
                return async_not_cancelled(async);
        }

        if (async->pump && async->pump->cancel(async->userdata, async->cookie) < 0 && async_give_up_cancel(async))
                return VSS_E_UNEXPECTED;

        /* S_OK is for the call that did the cancelling. Everybody later learns how the operation ended
         * instead. [MS: nf-vss-ivssasync-cancel] */
        result = async_settle(async, VSS_S_ASYNC_CANCELLED);
        return result == VSS_S_ASYNC_CANCELLED ? S_OK : result;
}

static HRESULT STDMETHODCALLTYPE async_Wait(IVssAsync *iface, DWORD timeout_ms) {
        Async *async = impl_from_IVssAsync(iface);
        usec_t deadline = USEC_INFINITY;
        HRESULT result;
        int r;

        if (timeout_ms != INFINITE)
                deadline = usec_add(now_usec(CLOCK_MONOTONIC), timeout_ms * USEC_PER_MSEC);

        if (!async->pump)
                async_wait_settled(async, deadline);
        else if (!async_is_settled(async)) {
                r = async->pump->wait(async->userdata, async_is_settled, async, deadline);
                if (r < 0 && r != -ETIMEDOUT)
                        async_settle(async, hresult_from_errno(r));
        }

        /* Running out of time is not a failure; the caller reads the outcome with QueryStatus().
         * [MS: nf-vss-ivssasync-wait] */
        result = async_result(async);
        return FAILED(result) ? result : S_OK;
}

static HRESULT STDMETHODCALLTYPE async_QueryStatus(IVssAsync *iface, HRESULT *ret_result, INT *reserved) {
        Async *async = impl_from_IVssAsync(iface);

        (void) reserved;

        /* [MS: nf-vss-ivssasync-querystatus] says E_INVALIDARG, not E_POINTER. */
        if (!ret_result)
                return E_INVALIDARG;

        if (async->pump && !async_is_settled(async))
                async->pump->poll(async->userdata);

        *ret_result = async_result(async);
        return S_OK;
}

static const IVssAsyncVtbl async_vtbl = {
        .QueryInterface = async_QueryInterface,
        .AddRef = async_AddRef,
        .Release = async_Release,
        .Cancel = async_Cancel,
        .Wait = async_Wait,
        .QueryStatus = async_QueryStatus,
};

static_assert(sizeof(async_vtbl) == 6 * sizeof(void *), "the table grew: extend the tests");

static void async_finalize(ComObject *object) {
        Async *async = container_of(object, Async, com);

        /* First of all: until this returns, somebody inside the pump may still be settling us. */
        if (async->pump && async->pump->unref)
                async->pump->unref(async->userdata);
        pthread_cond_destroy(&async->settled);
        pthread_mutex_destroy(&async->lock);
        free(async);
}

static const ComInterface async_interfaces[] = {
        COM_INTERFACE(Async, IVssAsync),
};

static const ComClass async_class = {
        .name = "Async",
        .interfaces = async_interfaces,
        .n_interfaces = ELEMENTSOF(async_interfaces),
        .finalize = async_finalize,
};

HRESULT async_new(const AsyncPump *pump,
                  void *userdata,
                  uint64_t cookie,
                  Async **ret,
                  IVssAsync **ret_iface) {
        pthread_condattr_t attr;
        Async *async;

        async = calloc_checked(1, sizeof(*async));
        if (!async)
                return E_OUTOFMEMORY;

        com_object_init(&async->com, &async_class);
        async->IVssAsync_iface.lpVtbl = &async_vtbl;
        async->cookie = cookie;
        async->result = VSS_S_ASYNC_PENDING;

        pthread_mutex_init(&async->lock, NULL);
        pthread_condattr_init(&attr);
        pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
        pthread_cond_init(&async->settled, &attr);
        pthread_condattr_destroy(&attr);

        async->pump = pump;
        async->userdata = userdata;
        if (pump && pump->ref)
                pump->ref(userdata);

        *ret = async;
        *ret_iface = &async->IVssAsync_iface;
        return S_OK;
}

HRESULT async_new_completed(HRESULT result, IVssAsync **ret_iface) {
        Async *async;
        HRESULT hr;

        hr = async_new(NULL, NULL, 0, &async, ret_iface);
        if (FAILED(hr))
                return hr;

        async_complete(async, result);
        return S_OK;
}

Async *async_ref(Async *async) {
        com_object_ref(&async->com);
        return async;
}

Async *async_unref(Async *async) {
        if (async)
                com_object_unref(&async->com);
        return NULL;
}

void async_complete(Async *async, HRESULT result) {
        assert(result != VSS_S_ASYNC_PENDING);

        async_settle(async, result == S_OK ? VSS_S_ASYNC_FINISHED : result);
}
