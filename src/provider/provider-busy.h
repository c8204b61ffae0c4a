/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Who Uses a Directory
 *
 * What Windows finds out by locking the volume. Linux has no such lock for a directory, so we look at what
 * processes have open, once: whoever opens a file right afterwards is not seen. Another worker of umbrad's may be
 * about to end with its session, and gets a moment for that.
 */

#include <sys/types.h>

#include "base/macro.h"

/* Has any process but this one and its parent a file open below @path, mapped, or is in it? -EBUSY with a
 * sentence that names one; 0 when none is seen. Sees what the caller may see in /proc. */
int provider_check_unused(const char *path);
/* The same, but only who can write to a file counts: by a descriptor, or a shared mapping. */
int provider_check_unwritten(const char *path);
