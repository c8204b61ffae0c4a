/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The Tree That Was Copied
 *
 * What the files provider knows about every file of the volume when the window opens, so that in the window
 * it asks the kernel for time stamps only and copies what moved. A million files fit into about 100 MiB:
 * entries are numbered, not pointed to, names lie in blocks, and neither ever moves.
 *
 * No locks: a tree belongs to one snapshot, and one thread works on that.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macro.h"

typedef uint32_t FileId;

#define FILE_ROOT ((FileId) 0)
#define FILE_NONE UINT32_MAX

typedef enum FileFlags {
        FILE_IN_STORE = 1 << 0, /* the store has something under this name, of the type that .mode says */
        FILE_SUSPECT = 1 << 1,  /* may have changed since without a trace in its time stamps */
        FILE_BOUNDARY = 1 << 2, /* something else is mounted here, or a subvolume begins: not entered */
        FILE_TOUCHED = 1 << 3,  /* a directory whose copy needs its owner, mode and times once more */
        FILE_MODE_LATER =
                1 << 4,     /* a directory whose copy is still writable for us, though it must not be */
        FILE_SEEN = 1 << 5,  /* met while its directory was read */
        FILE_OPEN = 1 << 6,  /* somebody may write to it without an event (see files-watch.h) */
        FILE_AGAIN = 1 << 7, /* among those that the next pass looks at in any case … */
        FILE_TODO = 1 << 8,  /* … or this one, and it has not yet done so */
        FILE_VISIT = 1 << 9, /* a directory to be visited because the names around it were read again */
        FILE_SEVERAL = 1 << 10, /* it had several names */
} FileFlags;

/* As it was when it was copied. Times are nanoseconds since 1970; .ino 0 is what no file has: it counts as
 * changed. */
typedef struct FileEntry {
        uint64_t ino, size;
        int64_t ctime, mtime;
        uint32_t parent, first_child, next; /* FileId; .next is the next in the same directory */
        uint32_t name;
        uint16_t mode, flags;
} FileEntry;

/* A file with several names: the store keeps one more, in a directory for these, to link all others to. */
typedef struct FileLink {
        uint64_t ino, store_ino; /* .store_ino 0: not copied yet */
        int64_t ctime;
        uint32_t device;
        uint16_t mode;
        uint8_t pass; /* in which it was copied last */
        bool suspect : 1, open : 1;
} FileLink;

typedef struct FilesTree FilesTree;

int files_tree_new(FilesTree **ret); /* with the root, which has no name */
FilesTree *files_tree_free(FilesTree *tree);
DEFINE_CLEANUP(FilesTree *, files_tree_free)

FileEntry *files_tree_entry(const FilesTree *tree, FileId id); /* good until it is removed */
const char *files_tree_name(const FilesTree *tree, FileId id);
size_t files_tree_count(const FilesTree *tree);
FileId files_tree_end(const FilesTree *tree); /* all are below; those that were removed have no inode and no flags */

int files_tree_add(FilesTree *tree, FileId parent, const char *name, FileId *ret);
/* Removes the entry that *@link, a .first_child or .next, names, and all below it; *@link is then the one
 * after it. */
void files_tree_remove(FilesTree *tree, uint32_t *link);
void files_tree_remove_children(FilesTree *tree, FileId top);

/* The path from the root, "." for the root itself. Cut at its front when it is longer than @size. Returns
 * @buffer. */
char *files_tree_path(const FilesTree *tree, FileId id, char *buffer, size_t size);

/* NULL when there is none. The pointer is good until the next one is added. */
FileLink *files_tree_link(const FilesTree *tree, uint32_t device, uint64_t ino);
int files_tree_add_link(FilesTree *tree, uint32_t device, uint64_t ino, FileLink **ret);

/* The names of one directory, for as long as it is being read. */
typedef struct FilesIndex {
        FileId *slots;
        size_t n_slots, n_used, capacity;
} FilesIndex;

int files_index_build(FilesIndex *index,
                      const FilesTree *tree,
                      FileId directory); /* reuses the room of @index */
FileId files_index_find(const FilesIndex *index, const FilesTree *tree, const char *name);
int files_index_add(FilesIndex *index, const FilesTree *tree, FileId id);
void files_index_done(FilesIndex *index);
