/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The Tree by Inode
 *
 * Which entries an inode has: one, or one for each of its names. Made once for all of a tree, in as much time
 * as that takes; then entries are added as they are written down. An entry that is removed, or becomes another
 * inode, is found no more.
 */

#include <stddef.h>
#include <stdint.h>

#include "providers/files/files-tree.h"

typedef struct FilesInodes {
        FileId *slots;
        size_t n_slots, n_used;
} FilesInodes;

int files_inodes_build(FilesInodes *inodes, const FilesTree *tree);
void files_inodes_done(FilesInodes *inodes);
int files_inodes_add(FilesInodes *inodes, const FilesTree *tree, FileId id);

/* The next entry of @ino, FILE_NONE at the end. *@cursor starts as FILES_INODES_START. */
#define FILES_INODES_START SIZE_MAX
FileId files_inodes_next(const FilesInodes *inodes, const FilesTree *tree, uint64_t ino, size_t *cursor);
