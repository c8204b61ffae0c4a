/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The Tree by Inode
 *
 * Open addressing, and nothing is ever taken out: whether a slot still means what it meant is asked of the entry.
 * When the table is half full it is made anew.
 */

#include "providers/files/files-inodes.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"

#define SLOTS_MIN 1024U

static size_t home_of(const FilesInodes *inodes, uint64_t ino) {
        uint64_t n = (ino ^ ino >> 31) * 0x7fb5d329728ea185ULL;

        return (size_t) (n ^ n >> 29) & (inodes->n_slots - 1);
}

static void put(FilesInodes *inodes, const FilesTree *tree, FileId id) {
        size_t i = home_of(inodes, files_tree_entry(tree, id)->ino);

        while (inodes->slots[i] != FILE_NONE && inodes->slots[i] != id)
                i = (i + 1) & (inodes->n_slots - 1);

        inodes->n_used += inodes->slots[i] == FILE_NONE;
        inodes->slots[i] = id;
}

int files_inodes_build(FilesInodes *inodes, const FilesTree *tree) {
        size_t n_slots = SLOTS_MIN, n = files_tree_count(tree);
        FileId *slots;

        /* So that as many again can be added before this is done again. */
        while (n_slots < n * 3)
                n_slots *= 2;

        slots = calloc_checked(n_slots, sizeof(*slots));
        if (!slots)
                return -ENOMEM;

        memset(slots, 0xff, n_slots * sizeof(*slots)); /* FILE_NONE */
        free(inodes->slots);
        *inodes = (FilesInodes){ .slots = slots, .n_slots = n_slots };

        for (FileId id = 0; id < files_tree_end(tree); ++id)
                if (files_tree_entry(tree, id)->ino != 0)
                        put(inodes, tree, id);

        return 0;
}

int files_inodes_add(FilesInodes *inodes, const FilesTree *tree, FileId id) {
        if (files_tree_entry(tree, id)->ino == 0)
                return 0;

        /* @id is in the tree already, so building again adds it. */
        if (inodes->n_used * 2 >= inodes->n_slots)
                return files_inodes_build(inodes, tree);

        put(inodes, tree, id);
        return 0;
}

FileId files_inodes_next(const FilesInodes *inodes, const FilesTree *tree, uint64_t ino, size_t *cursor) {
        size_t i = *cursor;

        if (inodes->n_slots == 0)
                return FILE_NONE;

        i = i == FILES_INODES_START ? home_of(inodes, ino) : (i + 1) & (inodes->n_slots - 1);
        while (inodes->slots[i] != FILE_NONE && files_tree_entry(tree, inodes->slots[i])->ino != ino)
                i = (i + 1) & (inodes->n_slots - 1);

        *cursor = i;
        return inodes->slots[i];
}

void files_inodes_done(FilesInodes *inodes) {
        free(inodes->slots);
        *inodes = (FilesInodes){ 0 };
}
