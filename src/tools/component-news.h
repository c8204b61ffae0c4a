/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What a Writer Adds
 *
 * While a backup is being prepared and once the shadow copies are there a writer may say more about a component than
 * its metadata does: that only parts of a file are wanted, that files changed since a certain time are, how it will
 * know this backup again, and that it failed. [MS: working-with-partial-files; writer-role-in-vss-incremental-and-
 * differential-backups]
 */

#include <vsbackup.h>

typedef struct PartialFile {
        char *path;   /* absolute, normalised */
        char *ranges; /* as the writer wrote them */
} PartialFile;

typedef struct DifferencedFiles {
        char *path, *spec;
        bool recursive;
        uint64_t since; /* 100 ns since 1601; 0: whenever they changed */
} DifferencedFiles;

typedef struct ComponentNews {
        char *stamp; /* NULL: none */
        PartialFile *partial;
        size_t n_partial, partial_capacity;
        DifferencedFiles *differenced;
        size_t n_differenced, differenced_capacity;
        HRESULT failure; /* S_OK: it did not fail */
        char *message;   /* what the writer says of that; NULL: nothing */
} ComponentNews;

HRESULT component_news_read(IVssComponent *component, ComponentNews *ret);
void component_news_clear(ComponentNews *n);
