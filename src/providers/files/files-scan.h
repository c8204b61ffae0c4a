/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * One Pass Over the Volume
 *
 * Looks at everything and copies what is not as it was written down in the tree. The first pass finds
 * nothing written down; the one in the window finds nearly everything as it was. So there is one walk for
 * all of them:
 *
 *     The names in a directory are read again only if its own time stamps have moved; what is no longer
 *     among them leaves the store. Every file known is asked for its time stamps, and copied if they have
 *     moved or if it is a suspect (see files-stat.h). A directory gets its owner, mode and times after
 *     everything below has been done.
 *
 * Nothing goes wrong if the volume changes meanwhile: what is noticed is looked at again in the next pass.
 *
 * Where changes are followed (files-watch.h), only the first pass is over everything. The others, the one in the
 * window too, are over what was touched since, and what has to be looked at again in any case: then the walk visits
 * these directories only, and what is new below them.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/time-util.h"
#include "providers/files/files-copy.h"
#include "providers/files/files-inodes.h"
#include "providers/files/files-tree.h"
#include "providers/files/files-walk.h"

#define FILES_EXCLUDED_MAX 4U

typedef struct FilesIdList {
        FileId *ids;
        size_t n, capacity;
} FilesIdList;

typedef struct FilesScan {
        FilesTree *tree;
        FilesCopy copy;
        FilesWalk from, to;
        const char *volume; /* for sentences */
        bool counting;      /* copies nothing, but adds up what a copy would need */
        uint64_t needed;    /* bytes */
        bool partial;       /* only what was touched is looked at */
        bool ask_writers;   /* who has it open is asked of every file */
        uint64_t suspects;  /* after the last pass */
        usec_t deadline;    /* of a partial pass: what is not reached by then is left to the next; 0: none */
        FilesInodes inodes; /* with .copy.watched, after a pass over everything */
        FilesIdList again;  /* FILE_AGAIN */
        FilesIdList todo;   /* FILE_TODO */
        FilesIndex index;
        char *names; /* as the kernel gives them */
        struct {
                uint64_t device, ino;
        } excluded[FILES_EXCLUDED_MAX]; /* directories that are umbra's */
        size_t n_excluded;
} FilesScan;

/* Neither descriptor is taken over. */
int files_scan_init(FilesScan *scan, const char *volume, int from_fd, int to_fd, int links_fd);
void files_scan_done(FilesScan *scan);
/* Leaves out the directory @path, if there is one. */
void files_scan_exclude(FilesScan *scan, const char *path);

int files_scan_pass(FilesScan *scan);

/* A partial pass: first all that was touched, then files_scan_changed(). */
int files_scan_touched(uint64_t ino, bool written, void *scan);
int files_scan_changed(FilesScan *scan);

/* For that: walks over what is below directory @top, from there on. */
int files_scan_below(FilesScan *scan, FileId top);
/* The parts of it: @id has been looked at; it has gone; all below it has been done. */
int files_scan_looked_at(FilesScan *scan, FileId id);
int files_scan_forget(FilesScan *scan, FileId id);
int files_scan_leave(FilesScan *scan, FileId id);
/* The next pass looks at it. */
int files_scan_again(FilesScan *scan, FileId id);
int files_id_list_add(FilesIdList *list, FileId id);
void files_id_list_done(FilesIdList *list);
/* After the last pass: takes write access away from copies of directories that have none themselves. */
int files_scan_seal(FilesScan *scan);
