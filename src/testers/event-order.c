/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The Order of the Events
 *
 * The picture of the header as a table.
 */

#include "testers/event-order.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/guid.h"
#include "base/string-table.h"
#include "testers/words.h"

/* More sessions than that are not open at a time; the oldest is forgotten. */
#define SESSIONS_MAX 64U

typedef struct OrderSession {
        VSS_ID id;
        OrderState state;
} OrderSession;

struct EventOrder {
        OrderSession sessions[SESSIONS_MAX];
        size_t n_sessions;
        char sentence[256];
};

static const char *const order_state_table[_ORDER_MAX] = {
        [ORDER_NEW] = "nothing",
        [ORDER_PREPARED] = "PrepareForBackup",
        [ORDER_READY] = "PrepareForSnapshot",
        [ORDER_FROZEN] = "Freeze",
        [ORDER_THAWED] = "Thaw",
        [ORDER_TAKEN] = "PostSnapshot",
        [ORDER_COMPLETE] = "BackupComplete",
        [ORDER_ABORTED] = "Abort",
        [ORDER_RESTORING] = "PreRestore",
        [ORDER_RESTORED] = "PostRestore",
};

DEFINE_STRING_TABLE_TO(order_state, OrderState)

#define AFTER(state) (1U << (state))

static const struct {
        unsigned after; /* OrderStates in which it may come */
        OrderState to;
} order[_EVENT_MAX] = {
        [EVENT_PREPARE_FOR_BACKUP] = { AFTER(ORDER_NEW) | AFTER(ORDER_ABORTED), ORDER_PREPARED },
        [EVENT_PREPARE_FOR_SNAPSHOT] = { AFTER(ORDER_PREPARED), ORDER_READY },
        [EVENT_FREEZE] = { AFTER(ORDER_READY), ORDER_FROZEN },
        [EVENT_THAW] = { AFTER(ORDER_FROZEN), ORDER_THAWED },
        [EVENT_POST_SNAPSHOT] = { AFTER(ORDER_THAWED), ORDER_TAKEN },
        [EVENT_BACKUP_COMPLETE] = { AFTER(ORDER_TAKEN), ORDER_COMPLETE },
        [EVENT_ABORT] = { AFTER(ORDER_PREPARED) | AFTER(ORDER_READY) | AFTER(ORDER_FROZEN) | AFTER(ORDER_THAWED) |
                                  AFTER(ORDER_ABORTED),
                          ORDER_ABORTED },
        [EVENT_BACKUP_SHUTDOWN] = { AFTER(ORDER_NEW) | AFTER(ORDER_PREPARED) | AFTER(ORDER_TAKEN) |
                                            AFTER(ORDER_COMPLETE) | AFTER(ORDER_ABORTED) | AFTER(ORDER_RESTORING) |
                                            AFTER(ORDER_RESTORED),
                                    ORDER_NEW },
        [EVENT_PRE_RESTORE] = { AFTER(ORDER_NEW) | AFTER(ORDER_RESTORED), ORDER_RESTORING },
        [EVENT_POST_RESTORE] = { AFTER(ORDER_RESTORING), ORDER_RESTORED },
};

EventOrder *event_order_new(void) {
        return calloc_checked(1, sizeof(EventOrder));
}

EventOrder *event_order_free(EventOrder *o) {
        free(o);
        return NULL;
}

static void forget(EventOrder *o, OrderSession *s) {
        for (OrderSession *next = s + 1; next < o->sessions + o->n_sessions; ++next)
                next[-1] = *next;
        --o->n_sessions;
}

static OrderSession *find_or_add(EventOrder *o, const VSS_ID *id) {
        for (size_t i = 0; i < o->n_sessions; ++i)
                if (guid_equal(&o->sessions[i].id, id))
                        return &o->sessions[i];

        if (o->n_sessions == SESSIONS_MAX)
                forget(o, &o->sessions[0]);
        o->sessions[o->n_sessions] = (OrderSession){ .id = *id, .state = ORDER_NEW };
        return &o->sessions[o->n_sessions++];
}

const char *event_order_note(EventOrder *o, const VSS_ID *session_id, WriterEvent event) {
        OrderSession *s;
        OrderState from;

        if (event == EVENT_IDENTIFY)
                return NULL;

        s = find_or_add(o, session_id);
        from = s->state;
        s->state = order[event].to;
        if (s->state == ORDER_NEW)
                forget(o, s);
        if (order[event].after & AFTER(from))
                return NULL;

        snprintf(o->sentence, sizeof(o->sentence), "%s came after %s", word_of(event_words, (int) event),
                 order_state_to_string(from));
        return o->sentence;
}
