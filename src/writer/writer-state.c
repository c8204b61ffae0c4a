/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Where a Writer Is
 */

#include "writer/writer-state.h"

#include <errno.h>
#include <stdlib.h>
#include <utlist.h>

#include "base/alloc.h"
#include "base/guid.h"
#include "base/string-table.h"

static const char *const writer_state_table[_WRITER_STATE_MAX] = {
        [WRITER_IDLE] = "idle",
        [WRITER_PREPARED] = "prepared",
        [WRITER_READY] = "ready",
        [WRITER_FROZEN] = "frozen",
        [WRITER_THAWED] = "thawed",
        [WRITER_IN_BACKUP] = "in-backup",
};

DEFINE_STRING_TABLE_TO(writer_state, WriterState)

static const struct {
        bool moves;
        WriterState to;
} writer_moves[_WIRE_EVENT_MAX] = {
        [WIRE_EVENT_PREPARE_BACKUP] = { true, WRITER_PREPARED },
        [WIRE_EVENT_PREPARE_SNAPSHOT] = { true, WRITER_READY },
        [WIRE_EVENT_FREEZE] = { true, WRITER_FROZEN },
        [WIRE_EVENT_THAW] = { true, WRITER_THAWED },
        [WIRE_EVENT_POST_SNAPSHOT] = { true, WRITER_IN_BACKUP },
        [WIRE_EVENT_BACKUP_COMPLETE] = { true, WRITER_IN_BACKUP },
        [WIRE_EVENT_BACKUP_SHUTDOWN] = { true, WRITER_IDLE },
        [WIRE_EVENT_ABORT] = { true, WRITER_IDLE },
};

WriterState writer_state_after(WriterState from, WireEvent event) {
        return writer_moves[event].moves ? writer_moves[event].to : from;
}

bool writer_state_owes_abort(WriterState s) {
        return s == WRITER_PREPARED || s == WRITER_READY || s == WRITER_FROZEN || s == WRITER_THAWED;
}

WriterSession *writer_session_find(WriterSession *list, const VSS_ID *session_id) {
        WriterSession *s;

        DL_FOREACH(list, s)
                if (guid_equal(&s->session_id, session_id))
                        return s;
        return NULL;
}

WriterSession *writer_session_frozen(WriterSession *list) {
        WriterSession *s;

        DL_FOREACH(list, s)
                if (s->state == WRITER_FROZEN)
                        return s;
        return NULL;
}

WriterSession *writer_session_owing(WriterSession *list) {
        WriterSession *s;

        DL_FOREACH(list, s)
                if (writer_state_owes_abort(s->state))
                        return s;
        return NULL;
}

int writer_session_add(WriterSession **list, const VSS_ID *session_id, IVssExamineWriterMetadata *identify, WriterSession **ret) {
        WriterSession *s;

        s = calloc_checked(1, sizeof(*s));
        if (!s)
                return -ENOMEM;
        s->session_id = *session_id;
        s->thaw_deadline = USEC_INFINITY;
        s->identify = identify;
        if (identify)
                IVssExamineWriterMetadata_AddRef(identify);
        DL_APPEND(*list, s);

        *ret = s;
        return 0;
}

WriterSession *writer_session_free(WriterSession **list, WriterSession *s) {
        if (!s)
                return NULL;

        DL_DELETE(*list, s);
        if (s->identify)
                IVssExamineWriterMetadata_Release(s->identify);
        free(s);
        return NULL;
}
