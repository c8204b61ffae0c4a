/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Where a Writer Is
 */

#include "writer/writer-state.h"

#include <errno.h>

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
        [WIRE_EVENT_BACKUP_COMPLETE] = { true, WRITER_IDLE },
        [WIRE_EVENT_BACKUP_SHUTDOWN] = { true, WRITER_IDLE },
        [WIRE_EVENT_ABORT] = { true, WRITER_IDLE },
};

WriterState writer_state_after(WriterState from, WireEvent event) {
        return writer_moves[event].moves ? writer_moves[event].to : from;
}

bool writer_state_owes_abort(WriterState s) {
        return s == WRITER_PREPARED || s == WRITER_READY || s == WRITER_FROZEN || s == WRITER_THAWED;
}
