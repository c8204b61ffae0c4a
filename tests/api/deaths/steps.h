/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What Is a Step
 *
 * A system call by which a process does what somebody else can see: it writes, sends, renames, mounts, starts another
 * process. In between it only thinks.
 */

#include <stddef.h>
#include <stdint.h>

#define STEP_NUMBERS_MAX 64U

/* NULL: it is none. */
const char *step_name(uint64_t number, const uint64_t *args);

/* The numbers of all system calls that may be one. */
size_t step_numbers(unsigned ret[STEP_NUMBERS_MAX]);
