/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Commands on a Leash
 *
 * Programs that an administrator wrote: nobody knows what they do, how long that takes and how much they have to say.
 * So unlike other commands (base/command.h) they are killed when they are late or do not stop talking, with all that
 * they have started; and what they leave running when they end, or when we do, is killed as well. They get no descriptor but the first
 * three, and of the environment what they are given.
 */

#include "base/command.h"

#define COMMAND_ERRORS_MAX (64U * 1024U) /* of what it complains, the end is kept */

typedef struct CommandEnd {
        char *output; /* NUL-terminated, which may not be the only NUL in it */
        size_t output_size;
        char *errors; /* the end of standard error; NULs are question marks in it */
        int status;   /* as command_wait() says it */
} CommandEnd;

void command_end_clear(CommandEnd *e);
#define _cleanup_end_ _cleanup_(command_end_clear)

typedef struct CommandLeash {
        const char *input;            /* what it reads */
        const char *const *variables; /* all of its environment but LC_ALL */
        size_t output_max;
        usec_t deadline;              /* CLOCK_MONOTONIC */
} CommandLeash;

/* Runs @argv to its end. -ETIMEDOUT, -E2BIG: it was killed for that; then @ret has what it had said by then. -ENOENT,
 * -EACCES …: it could not be run. @ret is to be cleared in any case. */
int command_run(const char *const *argv, const CommandLeash *leash, CommandEnd *ret);

/* The last line of what it complained that has something in it, without what cannot be shown: as a part of @e->errors,
 * or "". */
const char *command_end_reason(CommandEnd *e);
