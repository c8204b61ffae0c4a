/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Where a Backup Set Comes From
 *
 * Unpacks a range of a file on a thread of its own, whatever it was compressed with, so that unpacking and
 * writing overlap. What comes out are the bytes of the tar. Several may read the same descriptor at the same
 * time.
 */

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/macro.h"

typedef struct SetInput SetInput;

/* From @begin to @end of @fd, which must be able to seek and stay open. */
int set_input_open(int fd, uint64_t begin, uint64_t end, SetInput **ret);
SetInput *set_input_free(SetInput *i);
DEFINE_CLEANUP(SetInput *, set_input_free)

/* The next bytes, valid until the next call. 0 at the end; -EBADMSG when they cannot be unpacked. */
ssize_t set_input_read(SetInput *i, const void **ret_data);

/* How far in the file the thread is. */
uint64_t set_input_position(const SetInput *i);
