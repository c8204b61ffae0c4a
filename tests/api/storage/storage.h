/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Shadow Copies to Work On
 *
 * For tests of what can be done to them: sets made by a provider of one's choice, and short names for the
 * calls.
 */

#include <stdbool.h>
#include <umbra.h>
#include <vsbackup.h>

#include "lib/reference.h"
#include "lib/test-util.h"
#include "phases/world.h"

extern const VSS_ID fake_provider, files_copy_provider;

/* An object in InitializeForBackup() with this context. */
IVssBackupComponentsEx4 *storage_backup(LONG context);
/* The same for an object nobody has said anything to. */
IVssBackupComponentsEx4 *storage_object(void);
void storage_release(IVssBackupComponentsEx4 *b);

/* A set of these volumes; the context has no writers. The ids are in the order of the volumes. */
void storage_make_set(IVssBackupComponentsEx4 *b,
                      char *const *volumes,
                      size_t n,
                      VSS_ID provider,
                      VSS_ID *ret_set_id,
                      VSS_ID *ret_snapshot_ids);
/* The usual one: VSS_CTX_NAS_ROLLBACK of w->volume by the fake provider, in an object of its own. */
VSS_ID storage_make(World *w);
/* By any object; it must work. */
void storage_delete(VSS_ID id, VSS_OBJECT_TYPE type);

/* Where the copy is seen; caller frees. */
char *storage_shadow_path(const World *w, VSS_ID id);
/* Removes what the fake provider has broken off: the administrator's business, so ours. */
void storage_clean_up_broken(const World *w, VSS_ID id);

/* Breaks off the set that @id is in, with VSS_BREAKEX_FLAG_… or 0; by any object. S_OK when it has ended well. */
HRESULT storage_break(VSS_ID id, DWORD flags);

/* How it ended; the IVssAsync is released. */
HRESULT storage_end(IVssAsync *async);
/* What is known of it; free with VssFreeSnapshotProperties(). */
VSS_SNAPSHOT_PROP storage_properties(VSS_ID id);

/* Names as the API wants them; in a buffer that the next call but seven uses again. */
WCHAR *wide(const char *s);
/* @path is where @text can be read from the file @name. */
bool storage_reads(const char *path, const char *name, const char *text);
bool storage_is_mounted(const char *path);
