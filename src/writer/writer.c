/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Writers
 *
 * The object behind UmbraWriter and, through it, behind CVssWriter: made, told who it is, subscribed, asked, unsubscribed.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "base/alloc.h"
#include "base/guid.h"
#include "base/hresult.h"
#include "base/strv.h"
#include "base/utf.h"
#include "doc/filespec.h"
#include "wire/last-error.h"
#include "wire/wire-limits.h"
#include "writer/writer-internal.h"

static int writer_init_locks(UmbraWriter *w) {
        pthread_condattr_t attr;
        int r;

        r = pthread_mutex_init(&w->lock, NULL);
        if (r != 0)
                return -r;
        pthread_condattr_init(&attr);
        pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
        r = pthread_cond_init(&w->changed, &attr);
        pthread_condattr_destroy(&attr);
        if (r != 0)
                pthread_mutex_destroy(&w->lock);
        return -r;
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

        w = calloc(1, sizeof(*w));
        if (!w)
                return E_OUTOFMEMORY;
        memcpy(&w->callbacks, callbacks, callbacks->size);
        w->userdata = userdata;
        w->thaw_deadline = USEC_INFINITY;
        if (writer_init_locks(w) < 0) {
                free(w);
                return E_OUTOFMEMORY;
        }

        *ret = w;
        return S_OK;
}

UmbraWriter *umbra_writer_free(UmbraWriter *w) {
        if (!w)
                return NULL;

        w->unsubscribe_timeout_ms = INFINITE; /* the object must outlive its last callback */
        (void) umbra_writer_unsubscribe(w);
        if (w->identify)
                IVssExamineWriterMetadata_Release(w->identify);
        pthread_cond_destroy(&w->changed);
        pthread_mutex_destroy(&w->lock);
        free(w->name);
        free(w->instance_name);
        free(w->failure_message);
        free(w);
        return NULL;
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

        if (!w || !name || !*name || guid_is_null(&id))
                return E_INVALIDARG;
        if (w->initialized)
                return VSS_E_BAD_STATE;
        if (usage <= VSS_UT_UNDEFINED || usage > VSS_UT_OTHER || source <= VSS_ST_UNDEFINED || source > VSS_ST_OTHER)
                return last_error_set(E_INVALIDARG, "the usage or the source type of the writer is not one of those defined");
        if (alternate != VSS_AWS_NO_ALTERNATE_WRITER || io_throttling_only)
                return last_error_set(E_INVALIDARG, "alternate writers and writers for throttling only are reserved");
        if (utf8_from_wide(name, &n) < 0 || utf8_from_wide(instance_name, &i) < 0)
                return E_INVALIDARG;

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

HRESULT umbra_writer_subscribe(UmbraWriter *w, DWORD unsubscribe_timeout_msec, DWORD event_flags) {
        HRESULT hr;

        if (!w || (event_flags & UMBRA_WRITER_EVENTS) != UMBRA_WRITER_EVENTS)
                return E_INVALIDARG;
        if (!w->initialized)
                return VSS_E_BAD_STATE;
        if (w->subscribed)
                return VSS_E_WRITER_ALREADY_SUBSCRIBED;

        w->unsubscribe_timeout_ms = unsubscribe_timeout_msec;
        w->event_mask = event_flags;
        w->stopping = w->callbacks_ended = false;
        hr = writer_connect(w);
        if (FAILED(hr))
                return hr;

        if (pthread_create(&w->callback_thread, NULL, writer_callbacks_main, w) != 0)
                goto no_thread;
        if (pthread_create(&w->connection_thread, NULL, writer_connection_main, w) != 0) {
                pthread_mutex_lock(&w->lock);
                w->stopping = true;
                pthread_cond_broadcast(&w->changed);
                pthread_mutex_unlock(&w->lock);
                pthread_join(w->callback_thread, NULL);
                goto no_thread;
        }
        w->subscribed = true;
        return S_OK;

no_thread:
        wire_client_disconnect(w->client);
        w->client = wire_client_unref(w->client);
        return last_error_set(E_OUTOFMEMORY, "no thread could be started for the writer");
}

/* Waits for the last callback, at most as long as was agreed. Under the lock. */
static bool writer_wait_for_callbacks(UmbraWriter *w) {
        struct timespec until = timespec_from_usec(usec_add(now_usec(CLOCK_MONOTONIC), w->unsubscribe_timeout_ms * USEC_PER_MSEC));
        int r = 0;

        while (!w->callbacks_ended && r == 0)
                r = w->unsubscribe_timeout_ms == INFINITE ? pthread_cond_wait(&w->changed, &w->lock) :
                                                            pthread_cond_timedwait(&w->changed, &w->lock, &until);
        return w->callbacks_ended;
}

HRESULT umbra_writer_unsubscribe(UmbraWriter *w) {
        WriterEvent *e, *tmp;
        bool ended;

        if (!w)
                return E_INVALIDARG;
        if (!w->subscribed)
                return S_OK;
        if (writer_on_callback_thread(w))
                return last_error_set(VSS_E_BAD_STATE, "a writer cannot be unsubscribed from one of its callbacks");

        pthread_mutex_lock(&w->lock);
        w->stopping = true;
        if (w->client)
                wire_client_disconnect(w->client);
        pthread_cond_broadcast(&w->changed);
        ended = writer_wait_for_callbacks(w);
        pthread_mutex_unlock(&w->lock);
        if (!ended)
                return last_error_set(VSS_E_WRITERERROR_TIMEOUT, "a callback of the writer has not returned in time");

        pthread_join(w->connection_thread, NULL);
        pthread_join(w->callback_thread, NULL);
        DL_FOREACH_SAFE(w->queue, e, tmp) {
                DL_DELETE(w->queue, e);
                writer_event_free(e);
        }
        w->client = wire_client_unref(w->client);
        w->subscribed = false;
        return S_OK;
}

HRESULT umbra_writer_install_alternate(UmbraWriter *w, VSS_ID id, CLSID class_id) {
        return E_NOTIMPL; /* reserved [MS: cvsswriter-installalternatewriter] */
}

/* What is going on: on the callbacks' thread, about the event that is being handled. */

static const WriterEvent *current_event(UmbraWriter *w) {
        return w && writer_on_callback_thread(w) ? w->current : NULL;
}

LPCWSTR *umbra_writer_get_volume_array(UmbraWriter *w) {
        return current_event(w) ? w->volume_names : NULL;
}

UINT umbra_writer_get_volume_count(UmbraWriter *w) {
        return current_event(w) ? w->n_volume_names : 0;
}

VSS_ID umbra_writer_get_snapshot_set_id(UmbraWriter *w) {
        const WriterEvent *e = current_event(w);

        return e ? e->set_id : GUID_NULL;
}

LONG umbra_writer_get_context(UmbraWriter *w) {
        const WriterEvent *e = current_event(w);

        return e ? e->context : 0;
}

VSS_APPLICATION_LEVEL umbra_writer_get_level(UmbraWriter *w) {
        return w && w->initialized ? w->level : VSS_APP_UNKNOWN;
}

bool umbra_writer_is_path_affected(UmbraWriter *w, LPCWSTR path) {
        _cleanup_(freep) char *text = NULL, *normal = NULL;
        const WriterEvent *e = current_event(w);

        if (!e || !path || utf8_from_wide(path, &text) < 0 || path_normalise(text, &normal) < 0)
                return false;
        STRV_FOREACH(volume, e->volumes)
                if (path_is_below(normal, *volume))
                        return true;
        return false;
}

static bool event_flag(UmbraWriter *w, uint32_t flag) {
        const WriterEvent *e = current_event(w);

        return e && (e->flags & flag);
}

bool umbra_writer_is_bootable_system_state_backed_up(UmbraWriter *w) {
        return event_flag(w, WIRE_EVENT_BOOTABLE_SYSTEM_STATE);
}

bool umbra_writer_are_components_selected(UmbraWriter *w) {
        return event_flag(w, WIRE_EVENT_SELECT_COMPONENTS);
}

bool umbra_writer_is_partial_file_support_enabled(UmbraWriter *w) {
        return event_flag(w, WIRE_EVENT_PARTIAL_FILE_SUPPORT);
}

VSS_BACKUP_TYPE umbra_writer_get_backup_type(UmbraWriter *w) {
        const WriterEvent *e = current_event(w);

        return e ? e->backup_type : VSS_BT_UNDEFINED;
}

VSS_RESTORE_TYPE umbra_writer_get_restore_type(UmbraWriter *w) {
        const WriterEvent *e = current_event(w);

        return e ? e->restore_type : VSS_RTYPE_UNDEFINED;
}

bool umbra_writer_is_shutting_down(UmbraWriter *w) {
        bool stopping;

        if (!w)
                return false;
        pthread_mutex_lock(&w->lock);
        stopping = w->stopping;
        pthread_mutex_unlock(&w->lock);
        return stopping;
}

HRESULT umbra_writer_get_snapshot_device_name(UmbraWriter *w, LPCWSTR original_volume, LPCWSTR *ret_device) {
        _cleanup_(freep) char *text = NULL, *normal = NULL;
        const WriterEvent *e = current_event(w);
        size_t i = 0;

        if (!ret_device)
                return E_INVALIDARG;
        *ret_device = NULL;
        if (!original_volume)
                return E_INVALIDARG;
        if (!e || e->event != WIRE_EVENT_POST_SNAPSHOT)
                return VSS_E_BAD_STATE;
        if (utf8_from_wide(original_volume, &text) < 0 || path_normalise(text, &normal) < 0)
                return VSS_E_OBJECT_NOT_FOUND;

        for (char *const *pair = e->devices; pair && pair[0] && pair[1]; pair += 2, i += 2)
                if (strcmp(pair[0], normal) == 0 && i + 1 < w->n_device_names) {
                        *ret_device = w->device_names[i + 1];
                        return S_OK;
                }
        return VSS_E_OBJECT_NOT_FOUND;
}

HRESULT umbra_writer_get_identify_information(UmbraWriter *w, IVssExamineWriterMetadata **ret_metadata) {
        if (!ret_metadata)
                return E_INVALIDARG;
        *ret_metadata = NULL;
        if (!current_event(w))
                return VSS_E_BAD_STATE;
        if (!w->identify)
                return VSS_E_OBJECT_NOT_FOUND;
        *ret_metadata = w->identify;
        return S_OK;
}

HRESULT umbra_writer_get_session_id(UmbraWriter *w, VSS_ID *ret_session_id) {
        const WriterEvent *e = current_event(w);

        if (!ret_session_id)
                return E_INVALIDARG;
        *ret_session_id = GUID_NULL;
        if (!e)
                return VSS_E_BAD_STATE;
        *ret_session_id = e->session_id;
        return S_OK;
}

HRESULT umbra_writer_set_failure(UmbraWriter *w, HRESULT hr) {
        return umbra_writer_set_failure_ex(w, hr, S_OK, NULL);
}

HRESULT umbra_writer_set_failure_ex(UmbraWriter *w, HRESULT hr, HRESULT hr_application, LPCWSTR message) {
        static const HRESULT allowed[] = {
                S_OK,
                VSS_E_WRITERERROR_INCONSISTENTSNAPSHOT,
                VSS_E_WRITERERROR_OUTOFRESOURCES,
                VSS_E_WRITERERROR_TIMEOUT,
                VSS_E_WRITERERROR_RETRYABLE,
                VSS_E_WRITERERROR_NONRETRYABLE,
                VSS_E_WRITERERROR_PARTIAL_FAILURE,
                VSS_E_WRITERERROR_RECOVERY_FAILED,
        };
        const WriterEvent *e = current_event(w);
        _cleanup_(freep) char *text = NULL;

        if (!e || e->event == WIRE_EVENT_IDENTIFY)
                return VSS_E_BAD_STATE; /* [MS: pitfall 30] */
        for (size_t i = 0; i < ELEMENTSOF(allowed); ++i)
                if (allowed[i] == hr) {
                        if (utf8_from_wide(message, &text) < 0)
                                return E_INVALIDARG;
                        w->failure = hr;
                        w->failure_application = hr_application;
                        free(w->failure_message);
                        w->failure_message = TAKE_PTR(text);
                        return S_OK;
                }
        return E_INVALIDARG;
}
