/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Copying One File
 *
 * From the volume into the store, whatever it is: a file with its holes, a link, a pipe, a device; as a
 * clone of its extents where store and volume can share them. What is in the store already under that name
 * is brought up to date if it is a copy of the same file, and replaced else.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "providers/files/files-stat.h"
#include "providers/files/files-tree.h"

/* What was done. One for the time before the window, one for the window. */
typedef struct FilesWork {
        uint64_t looked_at;        /* files asked for their time stamps */
        uint64_t directories_read; /* directories whose names were read */
        uint64_t files,
                bytes; /* copied or cloned, contents and all; the same file may count several times */
        uint64_t cloned;           /* of .files */
        uint64_t others;           /* directories, links, devices … made or brought up to date */
        uint64_t removed;          /* names that are no longer there */
        uint64_t torn;             /* files that changed while they were copied */
        uint64_t usec;
} FilesWork;

typedef struct FilesCopy {
        FilesTree *tree;
        FilesTrust trust;
        int links_fd;   /* the directory of the store for files with several names */
        bool clone;     /* try FICLONE first */
        bool no_range;  /* copy_file_range() is of no use here */
        bool window;    /* nothing is looked at again */
        bool watched;   /* changes are followed (see files-watch.h), so who has a file open has to be known */
        int64_t synced; /* when the last syncfs() began */
        uint8_t pass;
        char *buffer;
        FilesWork *work;
        FileId largest; /* of the files that were copied, FILE_NONE: none; for sentences */
        uint64_t largest_size;
        uint64_t lost;    /* attributes and owners that the store cannot have */
        uint64_t skipped; /* device nodes that we may not make */
} FilesCopy;

int files_copy_init(FilesCopy *copy); /* the buffer */
void files_copy_done(FilesCopy *copy);

/* Copies entry @id, no directory, which was as @stx says after @now and is to be found in directory
 * @from_fd, into directory @to_fd, and writes down in the entry what it was. -ENOENT: it has gone.
 * -ESTALE: it is something else now. */
int files_copy_entry(FilesCopy *copy,
                     FileId id,
                     int from_fd,
                     int to_fd,
                     const struct statx *stx,
                     int64_t now);

/* Writes @stx down. */
void files_copy_record(FileEntry *entry, const struct statx *stx, bool suspect);
