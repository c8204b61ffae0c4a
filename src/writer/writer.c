/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Writers
 *
 * The object behind UmbraWriter and, through it, behind CVssWriter: made, told who it is, subscribed,
 * unsubscribed.
 */

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/guid.h"
#include "base/hresult.h"
#include "base/utf.h"
#include "wire/last-error.h"
#include "wire/wire-limits.h"
#include "writer/writer-internal.h"

static int writer_init_locks(UmbraWriter *w) {
        pthread_condattr_t attr;
        int r;

        r = pthread_mutex_init(&w->lock, NULL);
        if (r != 0)
                return -r;
        r = pthread_mutex_init(&w->life, NULL);
        if (r != 0)
                goto no_life;
        pthread_condattr_init(&attr);
        pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
        r = pthread_cond_init(&w->changed, &attr);
        pthread_condattr_destroy(&attr);
        if (r == 0)
                return 0;

        pthread_mutex_destroy(&w->life);
no_life:
        pthread_mutex_destroy(&w->lock);
        return -r;
}

/* A fork has the object, but neither its threads nor its connection: there it is left alone. */
static bool writer_is_inherited(const UmbraWriter *w) {
        pid_t pid = atomic_load(&w->pid);

        return pid != 0 && pid != getpid();
}

HRESULT umbra_writer_new(const UmbraWriterCallbacks *callbacks, void *userdata, UmbraWriter **ret) {
        UmbraWriter *w;

        if (!ret)
                return E_INVALIDARG;
        *ret = NULL;
        if (!callbacks || callbacks->size < offsetof(UmbraWriterCallbacks, OnPostSnapshot) ||
            callbacks->size > sizeof(UmbraWriterCallbacks))
                return last_error_set(E_INVALIDARG, "the size of the writer's table of callbacks is wrong");
        if (!callbacks->OnPrepareSnapshot || !callbacks->OnFreeze || !callbacks->OnThaw || !callbacks->OnAbort)
                return last_error_set(E_INVALIDARG, "a writer needs OnPrepareSnapshot, OnFreeze, OnThaw and OnAbort");

        w = calloc_checked(1, sizeof(*w));
        if (!w)
                return last_error_set(E_OUTOFMEMORY, NULL);
        memcpy(&w->callbacks, callbacks, callbacks->size);
        w->userdata = userdata;
        if (writer_init_locks(w) < 0) {
                free(w);
                return E_OUTOFMEMORY;
        }

        *ret = w;
        return S_OK;
}

HRESULT umbra_writer_initialize(UmbraWriter *w,
                                VSS_ID id,
                                LPCWSTR name,
                                DWORD major_version,
                                DWORD minor_version,
                                VSS_USAGE_TYPE usage,
                                VSS_SOURCE_TYPE source,
                                VSS_APPLICATION_LEVEL level,
                                DWORD freeze_timeout_msec,
                                VSS_ALTERNATE_WRITER_STATE alternate,
                                bool io_throttling_only,
                                LPCWSTR instance_name) {
        _cleanup_(freep) char *n = NULL, *i = NULL;
        int r;

        if (!w || !name || !*name || guid_is_null(&id))
                return E_INVALIDARG;
        if (w->initialized)
                return VSS_E_BAD_STATE;
        if (usage <= VSS_UT_UNDEFINED || usage > VSS_UT_OTHER || source <= VSS_ST_UNDEFINED || source > VSS_ST_OTHER)
                return last_error_set(E_INVALIDARG, "the usage or the source type of the writer is not one of those defined");
        if (alternate != VSS_AWS_NO_ALTERNATE_WRITER || io_throttling_only)
                return last_error_set(E_INVALIDARG, "alternate writers and writers for throttling only are reserved");
        r = utf8_from_wide(name, &n);
        if (r >= 0)
                r = utf8_from_wide(instance_name, &i);
        if (r < 0)
                return last_error_set(hresult_from_errno(r), NULL);

        w->id = id;
        guid_generate(&w->instance_id);
        w->name = TAKE_PTR(n);
        w->instance_name = TAKE_PTR(i);
        w->major_version = major_version;
        w->minor_version = minor_version;
        w->usage = usage;
        w->source = source;
        w->level = level;
        w->freeze_limit = freeze_timeout_msec > 0 ? freeze_timeout_msec * USEC_PER_MSEC : WIRE_FREEZE_DEFAULT_USEC;
        w->freeze_limit = MIN(w->freeze_limit, WIRE_FREEZE_MAX_USEC);
        w->initialized = true;
        return S_OK;
}

/* The application's signals are not for the connection's thread. */
static int connection_thread_create(UmbraWriter *w) {
        sigset_t all, old;
        int r;

        sigfillset(&all);
        (void) pthread_sigmask(SIG_SETMASK, &all, &old);
        r = pthread_create(&w->connection_thread, NULL, writer_connection_main, w);
        (void) pthread_sigmask(SIG_SETMASK, &old, NULL);
        return -r;
}

/* The callbacks' thread will end; for the connection's, its connection ends too. */
static void writer_stop(UmbraWriter *w) {
        WireClient *c;

        pthread_mutex_lock(&w->lock);
        w->stopping = true;
        c = w->client ? wire_client_ref(w->client) : NULL;
        pthread_cond_broadcast(&w->changed);
        pthread_mutex_unlock(&w->lock);

        if (c)
                wire_client_disconnect(c);
        wire_client_unref(c);
}

static HRESULT writer_start_threads(UmbraWriter *w) {
        if (pthread_create(&w->callback_thread, NULL, writer_callbacks_main, w) != 0)
                return E_OUTOFMEMORY;
        if (connection_thread_create(w) < 0) {
                writer_stop(w);
                pthread_join(w->callback_thread, NULL);
                return E_OUTOFMEMORY;
        }
        return S_OK;
}

static void writer_disconnect(UmbraWriter *w) {
        if (w->client)
                wire_client_disconnect(w->client);
        w->client = wire_client_unref(w->client);
        writer_drop_queue(w);
}

/* With life held, and no thread of ours running. */
static HRESULT writer_begin(UmbraWriter *w) {
        HRESULT hr;
        int r;

        free(TAKE_PTR(w->socket));
        r = wire_socket_path(&w->socket);
        if (r < 0)
                return r == -ENOMEM ? last_error_set(E_OUTOFMEMORY, NULL) :
                                      last_error_set(VSS_E_WRITER_INFRASTRUCTURE, "the name of umbrad's socket is of no use");
        w->stopping = w->lost = w->callbacks_ended = false;
        hr = writer_connect(w, WIRE_AUTH_TIMEOUT_USEC);
        if (FAILED(hr))
                return hr;
        hr = writer_start_threads(w);
        if (FAILED(hr)) {
                writer_disconnect(w);
                return last_error_set(hr, "no thread could be started for the writer");
        }
        w->subscribed = true;
        atomic_store(&w->pid, getpid());
        return S_OK;
}

HRESULT umbra_writer_subscribe(UmbraWriter *w, DWORD unsubscribe_timeout_msec, DWORD event_flags) {
        HRESULT hr = VSS_E_WRITER_ALREADY_SUBSCRIBED;

        if (!w || (event_flags & UMBRA_WRITER_EVENTS) != UMBRA_WRITER_EVENTS)
                return E_INVALIDARG;
        if (!w->initialized)
                return VSS_E_BAD_STATE;
        if (writer_on_callback_thread(w) || writer_is_inherited(w))
                return hr;

        pthread_mutex_lock(&w->life);
        if (!w->subscribed) {
                w->unsubscribe_timeout_ms = unsubscribe_timeout_msec;
                w->event_mask = event_flags;
                hr = writer_begin(w);
        }
        pthread_mutex_unlock(&w->life);
        return hr;
}

/* Whether the last callback has returned, @timeout_ms from now at the latest. */
static bool writer_await_callbacks(UmbraWriter *w, DWORD timeout_ms) {
        usec_t deadline = timeout_ms == INFINITE ? USEC_INFINITY : usec_add(now_usec(CLOCK_MONOTONIC), timeout_ms * USEC_PER_MSEC);
        struct timespec until = timespec_from_usec(deadline);
        bool ended;
        int r = 0;

        pthread_mutex_lock(&w->lock);
        while (!w->callbacks_ended && r == 0)
                r = deadline == USEC_INFINITY ? pthread_cond_wait(&w->changed, &w->lock) :
                                                pthread_cond_timedwait(&w->changed, &w->lock, &until);
        ended = w->callbacks_ended;
        pthread_mutex_unlock(&w->lock);
        return ended;
}

/* With life held. */
static HRESULT writer_finish(UmbraWriter *w, DWORD timeout_ms) {
        if (!w->subscribed)
                return S_OK;

        writer_stop(w);
        if (!writer_await_callbacks(w, timeout_ms))
                return last_error_set(VSS_E_UNEXPECTED, "a callback of the writer has not returned in time");
        pthread_join(w->connection_thread, NULL);
        pthread_join(w->callback_thread, NULL);
        writer_disconnect(w);
        while (w->sessions)
                writer_session_free(&w->sessions, w->sessions);
        w->subscribed = false;
        atomic_store(&w->pid, 0);
        return S_OK;
}

static HRESULT writer_end(UmbraWriter *w, DWORD timeout_ms) {
        HRESULT hr;

        if (writer_on_callback_thread(w))
                return last_error_set(VSS_E_BAD_STATE, "a writer cannot be unsubscribed from one of its callbacks");

        pthread_mutex_lock(&w->life);
        hr = writer_finish(w, timeout_ms);
        pthread_mutex_unlock(&w->life);
        return hr;
}

HRESULT umbra_writer_unsubscribe(UmbraWriter *w) {
        if (!w)
                return E_INVALIDARG;
        if (writer_is_inherited(w))
                return S_OK; /* it is the parent's */
        return writer_end(w, w->unsubscribe_timeout_ms);
}

UmbraWriter *umbra_writer_free(UmbraWriter *w) {
        if (!w || writer_is_inherited(w))
                return NULL;

        /* The object must outlive its last callback, and cannot while it is in one. */
        if (FAILED(writer_end(w, INFINITE)))
                return NULL;
        if (w->identify)
                IVssExamineWriterMetadata_Release(w->identify);
        create_metadata_free(w->create);
        pthread_cond_destroy(&w->changed);
        pthread_mutex_destroy(&w->lock);
        pthread_mutex_destroy(&w->life);
        free(w->name);
        free(w->instance_name);
        free(w->socket);
        free(w->failure_message);
        free(w);
        return NULL;
}

HRESULT umbra_writer_install_alternate(UmbraWriter *w, VSS_ID id, CLSID class_id) {
        return E_NOTIMPL; /* reserved [MS: cvsswriter-installalternatewriter] */
}
