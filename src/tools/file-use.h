/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Is a File in Use?
 *
 * On Windows a file that is open cannot be replaced, and a writer can rely on that. Here it can, and whoever
 * has it open keeps the old one without noticing. So this asks: a lease for writing is given only for a file
 * that nobody else has open or mapped.
 */

#include <stdbool.h>

/* Is the regular file @name in @dir_fd open somewhere? What is no regular file, what is not there and what
 * cannot be told (not our file and we are not root, a file system without leases) is not in use. */
bool file_is_in_use(int dir_fd, const char *name);

/* Who has it open, as far as /proc tells: "sqlite3 (4711)"; NULL. The caller frees. */
char *file_find_user(int dir_fd, const char *name);
