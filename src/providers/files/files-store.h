/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The Store of One Snapshot
 *
 *         <parent>/<store>/<snapshot id>/tree/    what the volume was
 *                                       /links/   one more name for every file with several; until surface()
 *
 * The store is for us alone (0700): the tree holds what the volume holds, set-user-id programs included.
 */

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/macro.h"
#include "providers/files/files-plan.h"

typedef struct FilesStore {
        int tree_fd, links_fd;
} FilesStore;

#define FILES_STORE_EMPTY ((FilesStore){ .tree_fd = -EBADF, .links_fd = -EBADF })

void files_store_close(FilesStore *store);

/* Makes it, empty, whatever was there before. */
int files_store_create(const FilesPlan *plan, FilesStore *ret);
/* Everything has been copied: what only helped goes, and the rest is on the disk when this returns. 0 also
 * the second time. */
int files_store_finish(const FilesPlan *plan);
/* Is it there, ours, and was files_store_finish() done with it? */
bool files_store_is_complete(const FilesPlan *plan);
/* Removes all of it, and the store too if that was made for this and is empty now. 0 also when there was
 * nothing. */
int files_store_remove(const FilesPlan *plan);
/* The copy becomes a directory like any other, beside the store, and files_store_remove() finds it no more. 0
 * also when it has been so already. */
int files_store_give(const FilesPlan *plan);
/* The copy itself, for reading. -ENOENT: it has gone. */
int files_store_open_tree(const FilesPlan *plan);
int files_store_tree_path(const FilesPlan *plan, char **ret);

/* Whether files in directory @fd can be cloned. Tries it, with files that have no name. */
bool files_can_clone(int fd);
/* How much can be written there; *@ret_files is UINT64_MAX where files need no preparation. */
int files_store_room(int fd, uint64_t *ret_bytes, uint64_t *ret_files);
