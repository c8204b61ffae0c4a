/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A Command of LVM at the Ready
 *
 * Starting lvm means reading it, its libraries and its configuration, perhaps from the very file system that
 * is held just then. So it is started before: it has read a first command, waits for the second one on a pipe,
 * and all its files are locked in memory. When the pipe ends without a command, so does lvm.
 */

#include <errno.h>

#include "base/macro.h"
#include "base/time-util.h"

typedef struct LvmReady LvmReady;

/* @line: what is to be run, a command with its arguments, which must not need quoting. It inherits @lock_fd.
 * -E2BIG: the line is longer than lvm reads one. */
int lvm_ready_new(const char *line, int lock_fd, LvmReady **ret);
LvmReady *lvm_ready_free(LvmReady *p);
DEFINE_CLEANUP(LvmReady *, lvm_ready_free)

/* Runs it; once. Fails as lvm_run() does. */
int lvm_ready_go(LvmReady *p, usec_t timeout);
