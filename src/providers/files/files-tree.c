/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The Tree That Was Copied
 *
 * Entries and names live in blocks that are allocated as they are needed and never move. What is removed is
 * used again; its name is not, as the few that come and go during a backup are not worth the bookkeeping.
 */

#include "providers/files/files-tree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"

#define BLOCK_ENTRIES 4096U
#define BLOCK_NAMES 65536U
#define HASH_START 64U

struct FilesTree {
        FileEntry **blocks;
        size_t n_blocks, blocks_capacity;
        uint32_t n_entries; /* ever given out */
        uint32_t n_free;
        FileId free;        /* the first of those that can be used again; linked by .next */

        char **names;
        size_t n_names, names_capacity; /* blocks */
        uint32_t names_used;            /* in the last block */

        FileLink *links; /* open addressing; .ino 0 is an empty slot */
        size_t n_links, links_capacity;
};

static uint64_t hash_bytes(const char *s) {
        uint64_t h = 14695981039346656037ULL; /* FNV-1a */

        for (; *s; ++s)
                h = (h ^ (uint8_t) *s) * 1099511628211ULL;

        return h ^ h >> 32;
}

static uint64_t hash_number(uint64_t n) {
        n = (n ^ n >> 31) * 0x7fb5d329728ea185ULL;
        n = (n ^ n >> 27) * 0x81dadef4bc2dd44dULL;
        return n ^ n >> 33;
}

FileEntry *files_tree_entry(const FilesTree *tree, FileId id) {
        assert(id < tree->n_entries);
        return &tree->blocks[id / BLOCK_ENTRIES][id % BLOCK_ENTRIES];
}

const char *files_tree_name(const FilesTree *tree, FileId id) {
        uint32_t name = files_tree_entry(tree, id)->name;

        return &tree->names[name / BLOCK_NAMES][name % BLOCK_NAMES];
}

size_t files_tree_count(const FilesTree *tree) {
        return tree->n_entries - tree->n_free;
}

FileId files_tree_end(const FilesTree *tree) {
        return tree->n_entries;
}

static int add_name(FilesTree *tree, const char *name, uint32_t *ret) {
        size_t size = strlen(name) + 1;
        int r;

        if (size > BLOCK_NAMES)
                return -ENAMETOOLONG;

        if (tree->n_names == 0 || tree->names_used + size > BLOCK_NAMES) {
                if (tree->n_names >= UINT32_MAX / BLOCK_NAMES)
                        return -ENOMEM;

                r = ARRAY_RESERVE(tree->names, tree->names_capacity, tree->n_names + 1);
                if (r < 0)
                        return r;

                tree->names[tree->n_names] = calloc_checked(BLOCK_NAMES, 1);
                if (!tree->names[tree->n_names])
                        return -ENOMEM;

                ++tree->n_names;
                tree->names_used = 0;
        }

        memcpy(tree->names[tree->n_names - 1] + tree->names_used, name, size);
        *ret = (uint32_t) (tree->n_names - 1) * BLOCK_NAMES + tree->names_used;
        tree->names_used += (uint32_t) size;
        return 0;
}

static int take_entry(FilesTree *tree, FileId *ret) {
        int r;

        if (tree->free != FILE_NONE) {
                *ret = tree->free;
                tree->free = files_tree_entry(tree, *ret)->next;
                --tree->n_free;
                return 0;
        }

        if (tree->n_entries == FILE_NONE)
                return -ENOMEM;

        if (tree->n_entries / BLOCK_ENTRIES == tree->n_blocks) {
                r = ARRAY_RESERVE(tree->blocks, tree->blocks_capacity, tree->n_blocks + 1);
                if (r < 0)
                        return r;

                tree->blocks[tree->n_blocks] = calloc_checked(BLOCK_ENTRIES, sizeof(FileEntry));
                if (!tree->blocks[tree->n_blocks])
                        return -ENOMEM;

                ++tree->n_blocks;
        }

        *ret = tree->n_entries++;
        return 0;
}

static int new_entry(FilesTree *tree, FileId parent, const char *name, FileId *ret) {
        uint32_t offset;
        FileId id;
        int r;

        r = add_name(tree, name, &offset);
        if (r < 0)
                return r;

        r = take_entry(tree, &id);
        if (r < 0)
                return r;

        *files_tree_entry(tree, id) = (FileEntry){
                .parent = parent, .first_child = FILE_NONE, .next = FILE_NONE, .name = offset,
        };
        *ret = id;
        return 0;
}

int files_tree_add(FilesTree *tree, FileId parent, const char *name, FileId *ret) {
        FileId id;
        int r;

        r = new_entry(tree, parent, name, &id);
        if (r < 0)
                return r;

        files_tree_entry(tree, id)->next = files_tree_entry(tree, parent)->first_child;
        files_tree_entry(tree, parent)->first_child = id;
        *ret = id;
        return 0;
}

static void give_back(FilesTree *tree, FileId id) {
        *files_tree_entry(tree, id) = (FileEntry){
                .first_child = FILE_NONE, .next = tree->free, .name = files_tree_entry(tree, id)->name,
        };
        tree->free = id;
        ++tree->n_free;
}

void files_tree_remove(FilesTree *tree, uint32_t *link) {
        FileId id = *link;

        *link = files_tree_entry(tree, id)->next;
        files_tree_remove_children(tree, id);
        give_back(tree, id);
}

/* Not recursive, as the tree may be deeper than the stack: always the first leaf. */
void files_tree_remove_children(FilesTree *tree, FileId top) {
        FileId id = top;

        while (files_tree_entry(tree, top)->first_child != FILE_NONE) {
                FileEntry *entry = files_tree_entry(tree, id);
                FileId child = entry->first_child;

                if (child == FILE_NONE) {
                        id = entry->parent;
                        continue;
                }
                if (files_tree_entry(tree, child)->first_child != FILE_NONE) {
                        id = child;
                        continue;
                }

                entry->first_child = files_tree_entry(tree, child)->next;
                give_back(tree, child);
        }
}

char *files_tree_path(const FilesTree *tree, FileId id, char *buffer, size_t size) {
        char *p = buffer + size - 1;

        if (id == FILE_ROOT) {
                buffer[0] = '.';
                buffer[1] = '\0';
                return buffer;
        }

        *p = '\0';
        for (; id != FILE_ROOT; id = files_tree_entry(tree, id)->parent) {
                const char *name = files_tree_name(tree, id);
                size_t n = strlen(name), room = (size_t) (p - buffer), slash = *p == '\0' ? 0 : 1;

                if (n + slash > room) {
                        if (room >= 3)
                                memcpy(p -= 3, "...", 3);
                        break;
                }
                if (slash)
                        *--p = '/';
                p -= n;
                memcpy(p, name, n);
        }

        memmove(buffer, p, (size_t) (buffer + size - p));
        return buffer;
}

static FileLink *link_slot(FileLink *links, size_t n_slots, uint32_t device, uint64_t ino) {
        size_t i = hash_number(ino ^ (uint64_t) device << 40) & (n_slots - 1);

        while (links[i].ino != 0 && (links[i].ino != ino || links[i].device != device))
                i = (i + 1) & (n_slots - 1);

        return &links[i];
}

FileLink *files_tree_link(const FilesTree *tree, uint32_t device, uint64_t ino) {
        FileLink *link;

        if (tree->links_capacity == 0 || ino == 0)
                return NULL;

        link = link_slot(tree->links, tree->links_capacity, device, ino);
        return link->ino != 0 ? link : NULL;
}

static int grow_links(FilesTree *tree) {
        size_t n = tree->links_capacity == 0 ? HASH_START : tree->links_capacity * 2;
        FileLink *links;

        links = calloc_checked(n, sizeof(*links));
        if (!links)
                return -ENOMEM;

        for (size_t i = 0; i < tree->links_capacity; ++i)
                if (tree->links[i].ino != 0)
                        *link_slot(links, n, tree->links[i].device, tree->links[i].ino) = tree->links[i];

        free(tree->links);
        tree->links = links;
        tree->links_capacity = n;
        return 0;
}

int files_tree_add_link(FilesTree *tree, uint32_t device, uint64_t ino, FileLink **ret) {
        FileLink *link;
        int r;

        assert(ino != 0);

        if ((tree->n_links + 1) * 4 > tree->links_capacity * 3) {
                r = grow_links(tree);
                if (r < 0)
                        return r;
        }

        link = link_slot(tree->links, tree->links_capacity, device, ino);
        assert(link->ino == 0);
        *link = (FileLink){ .ino = ino, .device = device };
        ++tree->n_links;
        *ret = link;
        return 0;
}

FilesTree *files_tree_free(FilesTree *tree) {
        if (!tree)
                return NULL;

        for (size_t i = 0; i < tree->n_blocks; ++i)
                free(tree->blocks[i]);
        for (size_t i = 0; i < tree->n_names; ++i)
                free(tree->names[i]);

        free(tree->blocks);
        free(tree->names);
        free(tree->links);
        free(tree);
        return NULL;
}

int files_tree_new(FilesTree **ret) {
        _cleanup_(files_tree_freep) FilesTree *tree = NULL;
        FileId root;
        int r;

        tree = calloc_checked(1, sizeof(*tree));
        if (!tree)
                return -ENOMEM;

        tree->free = FILE_NONE;
        r = new_entry(tree, FILE_ROOT, "", &root);
        if (r < 0)
                return r;

        assert(root == FILE_ROOT);
        *ret = TAKE_PTR(tree);
        return 0;
}

static void index_put(FilesIndex *index, const FilesTree *tree, FileId id) {
        size_t i = hash_bytes(files_tree_name(tree, id)) & (index->n_slots - 1);

        while (index->slots[i] != FILE_NONE)
                i = (i + 1) & (index->n_slots - 1);

        index->slots[i] = id;
        ++index->n_used;
}

static int index_resize(FilesIndex *index, size_t n_slots) {
        int r;

        r = ARRAY_RESERVE(index->slots, index->capacity, n_slots);
        if (r < 0)
                return r;

        index->n_slots = n_slots;
        index->n_used = 0;
        memset(index->slots, 0xff, n_slots * sizeof(*index->slots)); /* FILE_NONE */
        return 0;
}

int files_index_build(FilesIndex *index, const FilesTree *tree, FileId directory) {
        size_t n = 0, n_slots = HASH_START;
        FileId id;
        int r;

        for (id = files_tree_entry(tree, directory)->first_child; id != FILE_NONE;
             id = files_tree_entry(tree, id)->next)
                ++n;
        while (n_slots < n * 2)
                n_slots *= 2;

        r = index_resize(index, n_slots);
        if (r < 0)
                return r;

        for (id = files_tree_entry(tree, directory)->first_child; id != FILE_NONE;
             id = files_tree_entry(tree, id)->next)
                index_put(index, tree, id);

        return 0;
}

FileId files_index_find(const FilesIndex *index, const FilesTree *tree, const char *name) {
        size_t i = hash_bytes(name) & (index->n_slots - 1);

        while (index->slots[i] != FILE_NONE && strcmp(files_tree_name(tree, index->slots[i]), name) != 0)
                i = (i + 1) & (index->n_slots - 1);

        return index->slots[i];
}

int files_index_add(FilesIndex *index, const FilesTree *tree, FileId id) {
        /* @id is in its directory already, so building again adds it. */
        if (index->n_used * 2 >= index->n_slots)
                return files_index_build(index, tree, files_tree_entry(tree, id)->parent);

        index_put(index, tree, id);
        return 0;
}

void files_index_done(FilesIndex *index) {
        free(index->slots);
        *index = (FilesIndex){ 0 };
}
