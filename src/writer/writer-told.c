/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What Is Going On
 *
 * The questions a handler may ask, and what it may say about its failure; all on the callbacks' thread,
 * about the event that is being handled. Which event tells what is a table. [MS: events.tsv, allowed calls]
 */

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/guid.h"
#include "base/strv.h"
#include "base/utf.h"
#include "doc/filespec.h"
#include "wire/last-error.h"
#include "wire/wire-limits.h"
#include "writer/writer-internal.h"

typedef enum Told {
        TOLD_SESSION = 1U << 0,  /* the session's id */
        TOLD_BACKUP = 1U << 1,   /* type and flags, as the requester set them */
        TOLD_SET = 1U << 2,      /* the set's id and its context */
        TOLD_PATHS = 1U << 3,    /* what lies on a volume of the set; while writers prepare, as far as it is known */
        TOLD_VOLUMES = 1U << 4,  /* the set's volumes */
        TOLD_DEVICES = 1U << 5,  /* its shadow copies */
        TOLD_IDENTITY = 1U << 6, /* what the writer said about itself */
        TOLD_FAILURE = 1U << 7,  /* no question: it may fail with a reason */
} Told;

#define TOLD_ALWAYS (TOLD_SESSION | TOLD_BACKUP | TOLD_FAILURE)
#define TOLD_IN_SET (TOLD_ALWAYS | TOLD_SET | TOLD_PATHS | TOLD_VOLUMES)

static const unsigned told[_WIRE_EVENT_MAX] = {
        [WIRE_EVENT_IDENTIFY] = TOLD_SESSION,
        [WIRE_EVENT_PREPARE_BACKUP] = TOLD_ALWAYS | TOLD_SET | TOLD_PATHS | TOLD_IDENTITY,
        [WIRE_EVENT_PREPARE_SNAPSHOT] = TOLD_IN_SET | TOLD_IDENTITY,
        [WIRE_EVENT_FREEZE] = TOLD_IN_SET,
        [WIRE_EVENT_THAW] = TOLD_IN_SET,
        [WIRE_EVENT_POST_SNAPSHOT] = TOLD_IN_SET | TOLD_DEVICES | TOLD_IDENTITY,
        [WIRE_EVENT_BACKUP_COMPLETE] = TOLD_ALWAYS | TOLD_SET,
        [WIRE_EVENT_BACKUP_SHUTDOWN] = TOLD_ALWAYS, /* its set may be another one [MS: pitfall 13] */
        [WIRE_EVENT_ABORT] = TOLD_IN_SET,
        [WIRE_EVENT_PRE_RESTORE] = TOLD_ALWAYS,
        [WIRE_EVENT_POST_RESTORE] = TOLD_ALWAYS,
};

/* The current event, if it tells @what. */
static const WriterEvent *event_that_tells(const UmbraWriter *w, Told what) {
        const WriterEvent *e = writer_current_event(w);

        return e && (told[e->event] & what) ? e : NULL;
}

LPCWSTR *umbra_writer_get_volume_array(UmbraWriter *w) {
        return event_that_tells(w, TOLD_VOLUMES) ? w->volume_names : NULL;
}

UINT umbra_writer_get_volume_count(UmbraWriter *w) {
        return event_that_tells(w, TOLD_VOLUMES) ? w->n_volume_names : 0;
}

VSS_ID umbra_writer_get_snapshot_set_id(UmbraWriter *w) {
        const WriterEvent *e = event_that_tells(w, TOLD_SET);

        return e ? e->set_id : GUID_NULL;
}

LONG umbra_writer_get_context(UmbraWriter *w) {
        const WriterEvent *e = event_that_tells(w, TOLD_SET);

        return e ? e->context : 0;
}

VSS_APPLICATION_LEVEL umbra_writer_get_level(UmbraWriter *w) {
        return w && w->initialized ? w->level : VSS_APP_UNKNOWN;
}

bool umbra_writer_is_path_affected(UmbraWriter *w, LPCWSTR path) {
        const WriterEvent *e = event_that_tells(w, TOLD_PATHS);
        _cleanup_(freep) char *text = NULL, *expanded = NULL, *normal = NULL;

        if (!e || !path || utf8_from_wide(path, &text) < 0 || path_expand(text, &expanded) < 0 ||
            path_normalise(expanded, &normal) < 0)
                return false;
        STRV_FOREACH(volume, e->volumes)
                if (path_is_on_volume(normal, *volume))
                        return true;
        return false;
}

static bool event_flag(UmbraWriter *w, uint32_t flag) {
        const WriterEvent *e = event_that_tells(w, TOLD_BACKUP);

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
        const WriterEvent *e = event_that_tells(w, TOLD_BACKUP);

        return e ? e->backup_type : VSS_BT_UNDEFINED;
}

VSS_RESTORE_TYPE umbra_writer_get_restore_type(UmbraWriter *w) {
        const WriterEvent *e = event_that_tells(w, TOLD_BACKUP);

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
        const WriterEvent *e = event_that_tells(w, TOLD_DEVICES);
        size_t i = 0;

        if (!ret_device)
                return E_INVALIDARG;
        *ret_device = NULL;
        if (!original_volume)
                return E_INVALIDARG;
        if (!e)
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
        const WriterEvent *e = event_that_tells(w, TOLD_IDENTITY);
        const WriterSession *s;

        if (!ret_metadata)
                return E_INVALIDARG;
        *ret_metadata = NULL;
        if (!e)
                return VSS_E_BAD_STATE;
        s = writer_session_find(w->sessions, &e->session_id);
        *ret_metadata = s ? s->identify : w->identify;
        return *ret_metadata ? S_OK : E_FAIL;
}

HRESULT umbra_writer_get_session_id(UmbraWriter *w, VSS_ID *ret_session_id) {
        const WriterEvent *e = event_that_tells(w, TOLD_SESSION);

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

static bool is_writer_failure(HRESULT hr) {
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

        for (size_t i = 0; i < ELEMENTSOF(allowed); ++i)
                if (allowed[i] == hr)
                        return true;
        return false;
}

HRESULT umbra_writer_set_failure_ex(UmbraWriter *w, HRESULT hr, HRESULT hr_application, LPCWSTR message) {
        _cleanup_(freep) char *text = NULL;

        if (!event_that_tells(w, TOLD_FAILURE))
                return VSS_E_BAD_STATE; /* [MS: pitfall 30] */
        if (!is_writer_failure(hr) || utf8_from_wide(message, &text) < 0)
                return E_INVALIDARG;

        if (text)
                utf8_cut(text, WIRE_MESSAGE_MAX); /* half a reason is better than none */
        w->failure = hr;
        w->failure_application = hr_application;
        free(w->failure_message);
        w->failure_message = TAKE_PTR(text);
        return S_OK;
}
