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

/* Whose callbacks run on this thread. */
static _Thread_local UmbraWriter *own_writer;

bool writer_on_callback_thread(const UmbraWriter *w) {
        return w && own_writer == w;
}

const WriterEvent *writer_current_event(const UmbraWriter *w) {
        return writer_on_callback_thread(w) ? w->current : NULL;
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
        create_metadata_free(w->create);
        w->create = create;
        if (w->callbacks.OnIdentify)
                ok = w->callbacks.OnIdentify(w->userdata, create_metadata_iface(create));
        create_metadata_close(create);
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

static void writer_answer(const WriterEvent *e, const Answer *a) {
        WIRE_CLIENT_LOCKED(e->client);
        _cleanup_message_ sd_bus_message *reply = NULL;
        int r;

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
}

/* A session begins when a writer is asked to prepare; not where it learns that nothing of it is wanted. */
static bool event_begins_session(const WriterEvent *e) {
        if (e->event == WIRE_EVENT_PREPARE_BACKUP)
                return !(e->flags & WIRE_EVENT_SELECT_COMPONENTS) || e->document;
        return e->event == WIRE_EVENT_PREPARE_SNAPSHOT || e->event == WIRE_EVENT_FREEZE;
}

static HRESULT writer_enter_session(UmbraWriter *w, const WriterEvent *e) {
        WriterSession *s = writer_session_find(w->sessions, &e->session_id);

        if (!s && event_begins_session(e) && writer_session_add(&w->sessions, &e->session_id, w->identify, &s) < 0)
                return E_OUTOFMEMORY;
        if (e->event == WIRE_EVENT_THAW && (!s || s->state != WRITER_FROZEN))
                return VSS_E_WRITERERROR_TIMEOUT; /* it was woken before, by its limit */
        if (!s)
                return S_OK;

        s->set_id = e->set_id;
        s->context = e->context;
        /* The limit runs from the moment the application is asked to freeze. */
        if (e->event == WIRE_EVENT_FREEZE)
                s->thaw_deadline = usec_add(now_usec(CLOCK_MONOTONIC), w->freeze_limit);
        return S_OK;
}

static void writer_leave_session(UmbraWriter *w, const WriterEvent *e) {
        WriterSession *s = writer_session_find(w->sessions, &e->session_id);

        if (!s)
                return;
        s->state = writer_state_after(s->state, e->event);
        if (s->state != WRITER_FROZEN)
                s->thaw_deadline = USEC_INFINITY;
        if (s->state == WRITER_IDLE)
                writer_session_free(&w->sessions, s);
}

static HRESULT writer_prepare_names(UmbraWriter *w, const WriterEvent *e) {
        if (names_make(e->volumes, true, &w->volume_names, &w->n_volume_names) < 0 ||
            names_make(e->devices, false, &w->device_names, &w->n_device_names) < 0)
                return E_OUTOFMEMORY;
        return S_OK;
}

/* When the handler has had its turn. What cannot be deleted does not fail the writer, but is said, unless it has
 * said something itself. */
static void exclude_from_copies(UmbraWriter *w, const WriterEvent *e) {
        const WriterSession *s = writer_session_find(w->sessions, &e->session_id);
        _cleanup_(freep) char *why = NULL;

        if (e->event != WIRE_EVENT_POST_SNAPSHOT || !(e->context & VSS_VOLSNAP_ATTR_AUTORECOVER))
                return;
        if (writer_exclude_files(s ? s->identify : w->identify, e, &why) < 0 && !w->failure_message)
                w->failure_message = TAKE_PTR(why);
}

/* Calls the handler; what it returned and what it said about a failure together are the answer. */
static void writer_call(UmbraWriter *w, const WriterEvent *e, Answer *a) {
        bool ok = true;

        w->failure = w->failure_application = S_OK;
        free(TAKE_PTR(w->failure_message));
        a->hr = writer_prepare_names(w, e);
        /* Who is frozen is woken, whether its strings could be made or not. */
        if (SUCCEEDED(a->hr) || e->event == WIRE_EVENT_THAW || e->event == WIRE_EVENT_ABORT) {
                w->current = e;
                a->hr = call_handler(w, e, &ok, a);
                w->current = NULL;
                if (SUCCEEDED(a->hr) && ok)
                        exclude_from_copies(w, e);
        }
        if (SUCCEEDED(a->hr)) {
                a->hr = FAILED(w->failure) ? w->failure : ok ? S_OK : VSS_E_WRITERERROR_NONRETRYABLE;
                a->hr_application = w->failure_application;
                a->message = w->failure_message;
        }
        names_free(&w->volume_names, &w->n_volume_names);
        names_free(&w->device_names, &w->n_device_names);
}

static void writer_handle(UmbraWriter *w, const WriterEvent *e) {
        bool owed = e->event != WIRE_EVENT_ABORT || writer_session_find(w->sessions, &e->session_id);
        Answer a = { 0 };

        a.hr = writer_enter_session(w, e);
        if (SUCCEEDED(a.hr) && owed) {
                writer_call(w, e, &a);
                writer_leave_session(w, e);
        }
        if (e->client)
                writer_answer(e, &a);
        free(a.document);
}

/* What umbrad would have said, had it still been there or been in time. */
static void writer_make_up(UmbraWriter *w, WireEvent event, const WriterSession *s) {
        const WriterEvent e = {
                .event = event,
                .session_id = s->session_id,
                .set_id = event == WIRE_EVENT_BACKUP_SHUTDOWN && s->state != WRITER_IN_BACKUP ? GUID_NULL : s->set_id,
                .context = s->context,
        };

        writer_handle(w, &e);
}

/* Nobody is there any more who would wake the application. */
static void writer_abort_sessions(UmbraWriter *w) {
        WriterSession *s;

        while ((s = writer_session_owing(w->sessions)))
                writer_make_up(w, WIRE_EVENT_ABORT, s);
}

/* The whole of what umbrad says when a requester is gone. */
static void writer_end_sessions(UmbraWriter *w) {
        while (w->sessions) {
                const WriterSession s = *w->sessions;

                if (writer_state_owes_abort(s.state))
                        writer_make_up(w, WIRE_EVENT_ABORT, &s);
                writer_make_up(w, WIRE_EVENT_BACKUP_SHUTDOWN, &s);
        }
}

/* While the application is frozen, what might keep it so waits: its own session's events come first, then
 * Identify; nothing else. */
static WriterEvent *queue_next(const UmbraWriter *w, const WriterSession *frozen, bool late) {
        WriterEvent *e, *identify = NULL;

        if (!frozen)
                return w->queue;
        DL_FOREACH(w->queue, e) {
                if (guid_equal(&e->session_id, &frozen->session_id))
                        return e;
                if (!identify && e->event == WIRE_EVENT_IDENTIFY)
                        identify = e;
        }
        return late ? NULL : identify;
}

typedef enum Task {
        TASK_EVENT, /* there is one */
        TASK_LATE,  /* the freeze limit has passed */
        TASK_LOST,  /* umbrad is gone */
        TASK_STOP,
} Task;

static Task writer_next_task(UmbraWriter *w, WriterEvent **ret_event) {
        const WriterSession *frozen = writer_session_frozen(w->sessions);
        Task task;

        pthread_mutex_lock(&w->lock);
        for (;;) {
                bool late = frozen && now_usec(CLOCK_MONOTONIC) >= frozen->thaw_deadline;
                WriterEvent *e = queue_next(w, frozen, late);

                if (w->stopping)
                        task = TASK_STOP;
                else if (w->lost) {
                        w->lost = false;
                        task = TASK_LOST;
                } else if (e) {
                        DL_DELETE(w->queue, e);
                        *ret_event = e;
                        task = TASK_EVENT;
                } else if (late)
                        task = TASK_LATE;
                else if (frozen) {
                        struct timespec until = timespec_from_usec(frozen->thaw_deadline);

                        (void) pthread_cond_timedwait(&w->changed, &w->lock, &until);
                        continue;
                } else {
                        pthread_cond_wait(&w->changed, &w->lock);
                        continue;
                }
                break;
        }
        pthread_mutex_unlock(&w->lock);
        return task;
}

static void writer_run_callbacks(UmbraWriter *w) {
        for (;;) {
                WriterEvent *e = NULL;

                switch (writer_next_task(w, &e)) {
                case TASK_EVENT:
                        writer_handle(w, e);
                        writer_event_free(e);
                        break;
                case TASK_LATE:
                        writer_make_up(w, WIRE_EVENT_ABORT, writer_session_frozen(w->sessions));
                        break;
                case TASK_LOST:
                        writer_end_sessions(w);
                        if (w->callbacks.OnDisconnected)
                                w->callbacks.OnDisconnected(w->userdata);
                        break;
                case TASK_STOP:
                        writer_abort_sessions(w);
                        return;
                }
        }
}

void *writer_callbacks_main(void *userdata) {
        UmbraWriter *w = userdata;

        own_writer = w;
        writer_run_callbacks(w);

        pthread_mutex_lock(&w->lock);
        w->callbacks_ended = true;
        pthread_cond_broadcast(&w->changed);
        pthread_mutex_unlock(&w->lock);
        return NULL;
}
