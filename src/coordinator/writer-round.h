/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Rounds
 *
 * One event sent to some writers of a session at once, answered by all of them, each with a deadline of its own: Identify, Freeze of one level, Thaw … Each
 * answer goes through the writer's state and, where writers may change the document, into the session's document.
 */

#include <stdbool.h>

#include "coordinator/coordinator-forward.h"
#include "wire/wire-names.h"

/* @failed: how many writers of this round failed. The round is over and frees itself after this. */
typedef void (*RoundDone)(Session *s, unsigned failed, void *userdata);

typedef struct RoundOptions {
        WireEvent event;
        bool (*wants)(const Session *s, const SessionWriter *w, void *userdata); /* NULL: all that participate */
        bool fail_fast; /* done at the first failure, without the other answers */
        RoundDone done;
        void *userdata;
} RoundOptions;

/* s->round is the running one. @done may be called before this returns. */
int writer_round_start(Session *s, const RoundOptions *options);
/* Forgets it: no answer counts any more. */
WriterRound *writer_round_free(WriterRound *r);

/* An event that nobody waits for: Abort, BackupShutdown. */
void session_notify_writer(Session *s, SessionWriter *w, WireEvent event);
