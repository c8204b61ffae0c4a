/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What a Command Sees
 *
 * A private mount namespace in which shadow copies stand at the original paths. What is mounted below them
 * and is no shadow copy itself stays where it was, and nothing of it shows outside: the namespace ends with
 * the last process in it.
 */

#include <stddef.h>

#include "base/macro.h"

typedef struct RunView RunView;

int run_view_new(RunView **ret);
RunView *run_view_free(RunView *v);
DEFINE_CLEANUP(RunView *, run_view_free)

/* At @path, absolute and without links, one will see what is at @source. */
int run_view_add(RunView *v, const char *path, const char *source);

/* Takes this process, which has one thread, into the namespace. -EPERM: needs root. *ret_path: what was in
 * the way, of the view; NULL when it was nothing in particular. */
int run_view_enter(RunView *v, const char **ret_path);
