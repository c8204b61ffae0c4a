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
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "providers/files/files-copy.h"
#include "providers/files/files-tree.h"
#include "providers/files/files-walk.h"

#define FILES_EXCLUDED_MAX 4U

typedef struct FilesScan {
        FilesTree *tree;
        FilesCopy copy;
        FilesWalk from, to;
        const char *volume; /* for sentences */
        bool counting;      /* copies nothing, but adds up what a copy would need */
        uint64_t needed;    /* bytes */
        uint64_t suspects;  /* after the last pass */
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
/* After the last pass: takes write access away from copies of directories that have none themselves. */
int files_scan_seal(FilesScan *scan);
