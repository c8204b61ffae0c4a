/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The Files Providers
 *
 * For any directory, on any file system: the shadow copy is a copy of its files. "files-reflink" clones
 * them, where the file system can share extents; "files-copy" copies them to umbra's own store. Both do
 * nearly all of it ahead, while applications run, and only what changed since in the window (see
 * files-ahead.h).
 *
 * Files are copied one after the other, so the copy is of one instant only if the volume is held meanwhile.
 * A volume that the copy itself is written to cannot be held: that is so for clones, and for a store on the
 * volume's file system.
 */

#include "provider/provider.h"
#include "providers/files/files-ahead.h"

extern const ProviderOps provider_files_reflink_ops;
extern const ProviderOps provider_files_copy_ops;

/* NULL before prepare(). */
const FilesStatistics *provider_files_statistics(const ProviderSnapshot *s);
