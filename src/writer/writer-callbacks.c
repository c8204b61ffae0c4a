/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A Writer's Callbacks
 *
 * The thread that runs the application's handlers, one at a time, and answers for them.
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
#include "doc/backup-doc.h"
#include "doc/writer-doc.h"
#include "view/create-metadata.h"
#include "view/examine-metadata.h"
#include "view/view-owner.h"
#include "view/writer-components.h"
#include "wire/wire-types.h"
#include "writer/writer-internal.h"

void writer_enqueue(UmbraWriter *w, WriterEvent *event) {
        DL_APPEND(w->queue, event);
        pthread_cond_broadcast(&w->changed);
}

void writer_enqueue_abort(UmbraWriter *w, bool lost) {
        WriterEvent *e = calloc(1, sizeof(*e));

        if (!e)
                return; /* the freeze limit wakes the application all the same */
        e->event = WIRE_EVENT_ABORT;
        e->lost = lost;
        writer_enqueue(w, e);
}

bool writer_on_callback_thread(UmbraWriter *w) {
        return pthread_equal(w->callback_thread, pthread_self()) && w->current;
}

/* What one handler's answer is made of. */
typedef struct Answer {
        HRESULT hr, hr_application;
        const char *message;
        char *document;
        size_t document_size;
} Answer;

/* Names as the application sees them */

static void names_free(LPCWSTR **names, UINT *n) {
        for (UINT i = 0; i < *n; ++i)
                free((void *) (uintptr_t) (*names)[i]);
        free(*names);
        *names = NULL;
        *n = 0;
}

/* Volume names end in a separator, device objects do not. [MS: pitfall 36] */
static int names_make(char *const *texts, bool separator, LPCWSTR **ret, UINT *ret_n) {
        size_t n = strv_length(texts);
        LPCWSTR *names;

        names = calloc_checked(n + 1, sizeof(*names));
        if (!names)
                return -ENOMEM;
        *ret = names;
        for (size_t i = 0; i < n; ++i) {
                _cleanup_(freep) char *text = NULL;
                size_t length = strlen(texts[i]);
                WCHAR *name = NULL;
                int r;

                r = format_to(&text, "%s%s", texts[i], separator && length > 0 && texts[i][length - 1] != '/' ? "/" : "");
                if (r >= 0)
                        r = wide_from_utf8(text, &name);
                if (r < 0) {
                        *ret_n = (UINT) i;
                        return r;
                }
                names[i] = name;
        }
        *ret_n = (UINT) n;
        return 0;
}

/* Handlers */

static bool call_plain(UmbraWriter *w, bool (*handler)(void *userdata)) {
        return !handler || handler(w->userdata);
}

static HRESULT identify_document(UmbraWriter *w, WriterDoc **ret) {
        _cleanup_(writer_doc_freep) WriterDoc *doc = NULL;

        if (writer_doc_new(&doc) < 0)
                return E_OUTOFMEMORY;
        doc->writer_id = w->id;
        doc->instance_id = w->instance_id;
        doc->usage = w->usage;
        doc->source = w->source;
        doc->major_version = w->major_version;
        doc->minor_version = w->minor_version;
        if (free_and_strdup(&doc->friendly_name, w->name) < 0 || free_and_strdup(&doc->instance_name, w->instance_name) < 0)
                return E_OUTOFMEMORY;
        *ret = TAKE_PTR(doc);
        return S_OK;
}

static void remember_identity(UmbraWriter *w, WriterDoc *doc) {
        IVssExamineWriterMetadataEx2 *examine = NULL;

        if (FAILED(examine_metadata_new(doc, &examine))) {
                writer_doc_free(doc);
                return;
        }
        if (w->identify)
                IVssExamineWriterMetadata_Release(w->identify);
        w->identify = (IVssExamineWriterMetadata *) examine;
}

static HRESULT handle_identify(UmbraWriter *w, Answer *a) {
        _cleanup_(writer_doc_freep) WriterDoc *doc = NULL;
        CreateMetadata *create = NULL;
        bool ok = true;
        HRESULT hr;

        hr = identify_document(w, &doc);
        if (FAILED(hr))
                return hr;
        hr = create_metadata_new(doc, &create);
        if (FAILED(hr))
                return hr;
        if (w->callbacks.OnIdentify)
                ok = w->callbacks.OnIdentify(w->userdata, create_metadata_iface(create));
        create_metadata_free(create);
        if (!ok)
                return VSS_E_WRITERERROR_NONRETRYABLE;

        hr = writer_doc_write(doc, &a->document, &a->document_size);
        if (SUCCEEDED(hr))
                remember_identity(w, TAKE_PTR(doc));
        return hr;
}

typedef bool (*ComponentsHandler)(void *userdata, IVssWriterComponents *components);

static const struct {
        size_t handler; /* offset in UmbraWriterCallbacks */
        unsigned rights; /* ViewRights */
        bool answers; /* with the document as the handler left it */
} component_events[_WIRE_EVENT_MAX] = {
        [WIRE_EVENT_PREPARE_BACKUP] = { offsetof(UmbraWriterCallbacks, OnPrepareBackup), VIEW_PREPARE_BACKUP, true },
        [WIRE_EVENT_POST_SNAPSHOT] = { offsetof(UmbraWriterCallbacks, OnPostSnapshot), VIEW_POST_SNAPSHOT, true },
        [WIRE_EVENT_BACKUP_COMPLETE] = { offsetof(UmbraWriterCallbacks, OnBackupComplete), VIEW_READ_ONLY, false },
        [WIRE_EVENT_PRE_RESTORE] = { offsetof(UmbraWriterCallbacks, OnPreRestore), VIEW_PRE_RESTORE, true },
        [WIRE_EVENT_POST_RESTORE] = { offsetof(UmbraWriterCallbacks, OnPostRestore), VIEW_POST_RESTORE, true },
};

/* The writer's part, or an empty one where it has no components. */
static HRESULT event_document(UmbraWriter *w, const WriterEvent *e, BackupDoc **ret, BackupWriter **ret_writer) {
        _cleanup_(backup_doc_freep) BackupDoc *doc = NULL;
        BackupWriter *mine = NULL;
        HRESULT hr;

        if (e->document) {
                hr = backup_doc_read(e->document, e->document_size, &doc);
                if (FAILED(hr))
                        return hr;
                mine = backup_doc_find_writer(doc, &w->instance_id, &w->id);
                if (!mine)
                        mine = backup_doc_find_writer(doc, &GUID_NULL, &w->id);
        } else if (backup_doc_new(&doc) < 0)
                return E_OUTOFMEMORY;
        if (!mine) {
                hr = backup_doc_add_writer(doc, &w->instance_id, &w->id, w->instance_name, 0, &mine);
                if (FAILED(hr))
                        return hr;
        }

        *ret = TAKE_PTR(doc);
        *ret_writer = mine;
        return S_OK;
}

static HRESULT handle_components(UmbraWriter *w, const WriterEvent *e, bool *ret_ok, Answer *a) {
        ComponentsHandler handler = *(ComponentsHandler *) ((char *) &w->callbacks + component_events[e->event].handler);
        WriterComponents *components = NULL;
        BackupWriter *mine = NULL;
        ViewOwner *owner = NULL;
        BackupDoc *doc = NULL;
        HRESULT hr;

        if (!handler)
                return S_OK;
        hr = event_document(w, e, &doc, &mine);
        if (FAILED(hr))
                return hr;
        if (view_owner_new(doc, component_events[e->event].rights, &owner) < 0) {
                backup_doc_free(doc);
                return E_OUTOFMEMORY;
        }
        hr = writer_components_new(owner, mine, &components);
        if (SUCCEEDED(hr)) {
                *ret_ok = handler(w->userdata, writer_components_iface(components));
                writer_components_free(components);
                if (component_events[e->event].answers && e->document)
                        hr = backup_doc_write(doc, &a->document, &a->document_size);
        }
        view_owner_invalidate(owner);
        view_owner_unref(owner);
        return hr;
}

static HRESULT call_handler(UmbraWriter *w, const WriterEvent *e, bool *ret_ok, Answer *a) {
        switch (e->event) {
        case WIRE_EVENT_IDENTIFY:
                return handle_identify(w, a);
        case WIRE_EVENT_PREPARE_SNAPSHOT:
                *ret_ok = call_plain(w, w->callbacks.OnPrepareSnapshot);
                return S_OK;
        case WIRE_EVENT_FREEZE:
                *ret_ok = call_plain(w, w->callbacks.OnFreeze);
                return S_OK;
        case WIRE_EVENT_THAW:
                if (w->state != WRITER_FROZEN)
                        return VSS_E_WRITERERROR_TIMEOUT; /* it was woken before, by its limit */
                *ret_ok = call_plain(w, w->callbacks.OnThaw);
                return S_OK;
        case WIRE_EVENT_ABORT:
                *ret_ok = call_plain(w, w->callbacks.OnAbort);
                return S_OK;
        case WIRE_EVENT_BACKUP_SHUTDOWN:
                *ret_ok = !w->callbacks.OnBackupShutdown || w->callbacks.OnBackupShutdown(w->userdata, e->set_id);
                return S_OK;
        default:
                return handle_components(w, e, ret_ok, a);
        }
}

static void writer_answer(UmbraWriter *w, const WriterEvent *e, const Answer *a) {
        sd_bus_message *reply = NULL;
        int r;

        (void) wire_client_lock(e->client);
        r = sd_bus_message_new_method_return(e->request, &reply);
        if (r >= 0)
                r = sd_bus_message_append(reply, "ii", a->hr, a->hr_application);
        if (r >= 0)
                r = wire_append_text(reply, a->message);
        if (r >= 0)
                r = wire_append_optional_blob(reply, a->document, a->document_size);
        if (r >= 0)
                (void) wire_client_send(e->client, reply); /* a connection that has ended needs no answer */
        else
                (void) sd_bus_reply_method_errno(e->request, r, NULL);
        sd_bus_message_unref(reply);
        wire_client_unlock(e->client);
}

static void writer_move(UmbraWriter *w, WireEvent event) {
        w->state = writer_state_after(w->state, event);
        if (w->state != WRITER_FROZEN)
                w->thaw_deadline = USEC_INFINITY;
}

static void writer_handle(UmbraWriter *w, WriterEvent *e) {
        Answer a = { 0 };
        bool ok = true;

        w->current = e;
        w->failure = w->failure_application = S_OK;
        free(TAKE_PTR(w->failure_message));
        (void) names_make(e->volumes, true, &w->volume_names, &w->n_volume_names);
        (void) names_make(e->devices, false, &w->device_names, &w->n_device_names);

        /* The limit runs from the moment the application is asked to freeze. */
        if (e->event == WIRE_EVENT_FREEZE)
                w->thaw_deadline = usec_add(now_usec(CLOCK_MONOTONIC), w->freeze_limit);
        a.hr = call_handler(w, e, &ok, &a);
        if (SUCCEEDED(a.hr) && FAILED(w->failure)) {
                a.hr = w->failure;
                a.hr_application = w->failure_application;
                a.message = w->failure_message;
        } else if (SUCCEEDED(a.hr) && !ok)
                a.hr = VSS_E_WRITERERROR_NONRETRYABLE;
        writer_move(w, e->event);
        w->current = NULL;

        if (e->client)
                writer_answer(w, e, &a);
        free(a.document);
        names_free(&w->volume_names, &w->n_volume_names);
        names_free(&w->device_names, &w->n_device_names);
}

/* The next event; our own Abort when the freeze limit passes or the writer stops in the middle; NULL: the end. */
static WriterEvent *writer_next_event(UmbraWriter *w) {
        WriterEvent *e = NULL;

        pthread_mutex_lock(&w->lock);
        for (;;) {
                if (w->queue) {
                        e = w->queue;
                        DL_DELETE(w->queue, e);
                        break;
                }
                if (w->stopping) {
                        if (!writer_state_owes_abort(w->state))
                                break;
                        writer_enqueue_abort(w, false);
                        if (!w->queue)
                                break;
                        continue;
                }
                if (w->thaw_deadline == USEC_INFINITY) {
                        pthread_cond_wait(&w->changed, &w->lock);
                } else {
                        struct timespec until = timespec_from_usec(w->thaw_deadline);

                        if (pthread_cond_timedwait(&w->changed, &w->lock, &until) == ETIMEDOUT && !w->queue)
                                writer_enqueue_abort(w, false);
                }
        }
        pthread_mutex_unlock(&w->lock);
        return e;
}

void *writer_callbacks_main(void *userdata) {
        UmbraWriter *w = userdata;
        WriterEvent *e;

        while ((e = writer_next_event(w))) {
                /* One that we made ourselves wakes the application only where it is owed. */
                if (e->client || writer_state_owes_abort(w->state))
                        writer_handle(w, e);
                if (e->lost && w->callbacks.OnDisconnected)
                        w->callbacks.OnDisconnected(w->userdata);
                writer_event_free(e);
        }

        pthread_mutex_lock(&w->lock);
        w->callbacks_ended = true;
        pthread_cond_broadcast(&w->changed);
        pthread_mutex_unlock(&w->lock);
        return NULL;
}
