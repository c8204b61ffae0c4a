/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A Writer in a Session
 *
 * VSS_WRITER_STATE as the requester sees it, one per writer and session. It survives the writer: a process that died in the middle is
 * reported with the state it failed at.
 */

#include <stdbool.h>

#include <vss.h>
#include <vswriter.h>

#include "base/time-util.h"
#include "coordinator/coordinator-forward.h"
#include "doc/backup-doc.h"
#include "wire/wire-names.h"

struct SessionWriter {
        SessionWriter *prev, *next; /* Session.writers */
        WriterProxy *proxy;         /* NULL when it is gone */
        GUID writer_id, instance_id;
        char *name, *instance_name;
        VSS_APPLICATION_LEVEL level;
        bool express; /* a document and no process: nothing came to rest for its components */

        VSS_WRITER_STATE state;
        HRESULT failure, failure_application;
        char *message;
        bool identified;  /* answered Identify */
        bool prepared;    /* PrepareForBackup was sent, and it takes part: it is owed an Abort or a BackupShutdown */
        bool in_set;      /* PrepareSnapshot of the running set was sent: if it fails before it is thawed, so does the set */
        bool post_sent;   /* PostSnapshot was sent: no Abort any more */
        bool settled;     /* Abort or BackupComplete was sent since PrepareForBackup */
        bool frozen;      /* Freeze was sent and neither Thaw nor Abort was answered */
        usec_t frozen_since;

        /* What its metadata says it does to the copies: always; with VSS_VOLSNAP_ATTR_ROLLBACK_RECOVERY. */
        bool recovers, recovers_rollback;

        char *metadata; /* Identify's answer, until the requester has it */
        size_t metadata_size;
};

int session_writer_add(Session *s, WriterProxy *w, SessionWriter **ret);
SessionWriter *session_writer_free(Session *s, SessionWriter *w);
SessionWriter *session_writer_find(Session *s, const WriterProxy *proxy);

bool session_writer_failed(const SessionWriter *w);
/* Takes part in the set or the restore: it has components in the document, or no components were selected at all. */
bool session_writer_participates(const Session *s, const SessionWriter *w);

/* Reads w->metadata for it; phase-recover.c. */
void session_writer_learn_recovery(SessionWriter *w);

/* The one setter: an answer to @event moves the writer on, or to FAILED_AT_… with the codes given. */
void session_writer_answered(SessionWriter *w, WireEvent event, HRESULT hr, HRESULT hr_application, const char *message);
/* The writer's process is gone. What it was asked gets its answers in between, and they say at which event; afterwards what it was waiting for has failed. */
void session_writer_detach(Session *s, const WriterProxy *proxy);
void session_writer_lost(Session *s, const GUID *instance_id);
