/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Each Call Once
 *
 * The methods that have to do with shadow copies, each with arguments that do no harm: nobody's id, "/".
 * For tests of what holds for every one of them.
 */

#include <stdbool.h>
#include <vsbackup.h>

typedef enum CallNeeds {
        NEEDS_NOTHING,  /* an object */
        NEEDS_BACKUP,   /* InitializeForBackup() */
        NEEDS_SET,      /* StartSnapshotSet() */
        NEEDS_DOCUMENT, /* InitializeForBackup() with a document that names a shadow copy */
        NEEDS_RESTORE,  /* InitializeForRestore() with one */
} CallNeeds;

typedef struct StorageCall {
        const char *iface, *method;
        CallNeeds needs;
        bool knows_unexpected; /* its page has VSS_E_UNEXPECTED; those of reverting say E_FAIL, and some nothing */
        bool knows_denied;     /* its page has E_ACCESSDENIED */
        bool knows_memory;     /* its page has E_OUTOFMEMORY */
        HRESULT (*call)(IVssBackupComponentsEx4 *b);
} StorageCall;

extern const StorageCall storage_calls[];
extern const unsigned n_storage_calls;
