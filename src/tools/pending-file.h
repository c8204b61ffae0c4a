/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A File on its Way to its Name
 *
 * Bytes first, then the disk, then the name. Until it is published, the old file is what everybody sees; and
 * what is cleared before that leaves nothing.
 */

#include <stdbool.h>
#include <stdint.h>

#include <archive_entry.h>

#include "tools/set-reader.h"

typedef struct PendingFile {
        char *path, *name; /* as in the set; in @parent_fd */
        int parent_fd, fd; /* @fd: a regular file; else -EBADF */
        char *temporary;   /* a name it has meanwhile; NULL: none */
        bool patched;      /* it began as a copy of the old one */
} PendingFile;

void pending_file_clear(PendingFile *p);

/* A file without a name; where the file system knows no such thing, with one that nobody else has. */
int pending_file_create(PendingFile *p);
/* Called now and then, as a copy may take long; an error ends it and is its result. */
typedef int (*CopyStep)(void *userdata);

/* The bytes that the file of its name has now, before some of them are written over. -ESTALE: there is none.
 * @step may be NULL. */
int pending_file_copy_old(PendingFile *p, CopyStep step, void *userdata);
/* The bytes of the file, and whether they are the right ones. What is wrong with the set is the result, what
 * is wrong with the destination is *@ret_failure. */
int pending_file_write(PendingFile *p, SetStream *stream, uint64_t size, int *ret_failure);
/* A link, a pipe or a device instead. */
int pending_file_make_special(PendingFile *p, struct archive_entry *entry, char type, unsigned *losses);
/* Gives it its name. */
int pending_file_publish(PendingFile *p);

/* Sets p->temporary, which is the same whenever a file is on its way to p->name, and removes what has it: somebody
 * who was killed before it got its name has left it. */
int pending_file_name(PendingFile *p);
