/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A File for Later
 *
 * What is written now and read again before the program ends, and may be larger than memory: the index of a set, the
 * names of its files, a set that came through a pipe. The file has no name. It lies in $TMPDIR, or else in /var/tmp,
 * which is a disk where /tmp may be memory.
 */

#include <stdio.h>

/* Where it would be, to tell it to people. */
const char *scratch_directory(void);
/* The caller closes it. */
int scratch_file_open(int *ret_fd);
int scratch_file_open_stream(FILE **ret);
