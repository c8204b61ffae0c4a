/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A Backup, Step by Step
 *
 * The requester of these tests. Each step waits for its end and returns how it ended, as
 * IVssAsync::QueryStatus() says.
 */

#include <stdbool.h>

#include <vsbackup.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct Backup {
        IVssBackupComponents *api;
        IVssBackupComponentsEx3 *api3;
        VSS_ID set, snapshot;
} Backup;

/* Initialized for backup, with components selected unless changed by backup_state(). */
Backup *backup_new(void);
Backup *backup_new_in(LONG context, bool select_components);
Backup *backup_new_for_restore(const wchar_t *document);
Backup *backup_free(Backup *b);

HRESULT settle(HRESULT hr, IVssAsync *async);

HRESULT backup_gather(Backup *b);
/* The component "data" of every writer whose name is not "idle"; StartSnapshotSet and @volume (bytes). */
HRESULT backup_select(Backup *b, const char *volume);
HRESULT backup_prepare(Backup *b);
HRESULT backup_create(Backup *b);
/* BackupComplete. */
HRESULT backup_complete(Backup *b);
/* From Gather to DoSnapshotSet. */
HRESULT backup_run(Backup *b, const char *volume);
/* "STATE HRESULT HRESULT message" of the writer of that name, as GetWriterStatusEx() tells it, which
 * GetWriterStatus() must not contradict. Caller frees. */
char *backup_status(Backup *b, const wchar_t *writer);
void backup_expect_status(Backup *b, const wchar_t *writer, const char *expected);
/* The component of the writer of that name, or NULL. Caller releases. */
IVssComponent *backup_component(Backup *b, const wchar_t *writer);
UINT backup_writer_count(Backup *b);
/* The Backup Components Document. Caller frees with SysFreeString(). */
BSTR backup_document(Backup *b);

/* A whole restore of the component "data" of one writer, which does in it what facts.h wants. */
void restore_from(const wchar_t *document, VSS_ID writer_id, const wchar_t *writer);

#ifdef __cplusplus
}
#endif
