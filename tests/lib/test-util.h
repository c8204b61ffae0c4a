/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Tools for Tests
 *
 * A place to write to, files in one line, and waiting for what another process does. Whatever goes wrong in
 * here fails the test that called it, so nothing has to be checked. Includes cmocka with all that it needs.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/macro.h"

/* The umbra.conf of a test's own umbrad: in a container, all there is may be an overlay. */
#define TEST_CONFIG "[storage]\noverlays = yes\n"

/* How long a test waits for what should happen at once, on a machine that has other things to do as well. */
#define TEST_PATIENCE_USEC (30U * UINT64_C(1000000))

/* A fresh directory under $TMPDIR, else /tmp; removed with all that is in it. _cleanup_(temp_dir_freep) char
 * *dir. */
char *temp_dir_new(void);
char *temp_dir_free(char *dir);
DEFINE_CLEANUP(char *, temp_dir_free)

/* "@dir/@name"; caller frees. */
char *path_in(const char *dir, const char *name);

/* @name is below @dir; directories in between are made. */
void write_file(const char *dir, const char *name, const char *text);
/* NULL when there is no such file; caller frees. */
char *read_file(const char *dir, const char *name);
bool file_exists(const char *dir, const char *name); /* links are not followed */

/* For what needs rights that a developer's own account has not. Leaves the test at once, so call it first.
 * */
void skip_unless_root(void);

/* The number of open descriptors of this process, to see that none is left over. */
unsigned count_open_fds(void);

/* Whether @predicate comes true within @usec from now. Asks every millisecond: for states that no descriptor
 * tells of. Where one does, the functions below wait for the event itself. */
bool eventually(bool (*predicate)(void *arg), void *arg, uint64_t usec);
/* Whether @fd becomes readable or is hung up: a pipe, a socket, or a pidfd whose process ends. */
bool eventually_readable(int fd, uint64_t usec);
/* Whether file @name shows up in @dir. */
bool eventually_exists(const char *dir, const char *name, uint64_t usec);
