/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The words for what travels as a number, for logs and tests.
 */

#include "wire/wire-names.h"

#include "base/string-table.h"

/* clang-format off */
static const char *const wire_event_table[_WIRE_EVENT_MAX] = {
        [WIRE_EVENT_IDENTIFY] = "identify",
        [WIRE_EVENT_PREPARE_BACKUP] = "prepare-backup",
        [WIRE_EVENT_PREPARE_SNAPSHOT] = "prepare-snapshot",
        [WIRE_EVENT_FREEZE] = "freeze",
        [WIRE_EVENT_THAW] = "thaw",
        [WIRE_EVENT_POST_SNAPSHOT] = "post-snapshot",
        [WIRE_EVENT_BACKUP_COMPLETE] = "backup-complete",
        [WIRE_EVENT_BACKUP_SHUTDOWN] = "backup-shutdown",
        [WIRE_EVENT_ABORT] = "abort",
        [WIRE_EVENT_PRE_RESTORE] = "pre-restore",
        [WIRE_EVENT_POST_RESTORE] = "post-restore",
};
/* clang-format on */

DEFINE_STRING_TABLE(wire_event, WireEvent)
