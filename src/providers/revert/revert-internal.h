/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Inside a Revert
 *
 * What its files have in common: the two trees, which are walked as one, and what is known of files with
 * several names.
 */

#include <stddef.h>
#include <sys/stat.h>

#include "base/fd-util.h"
#include "base/macro.h"
#include "providers/revert/revert.h"

typedef struct RevertName {
        const char *name;
        size_t offset;      /* of the name, in RevertNames.text */
        unsigned char type; /* DT_… */
} RevertName;

/* The names in a directory, in order. */
typedef struct RevertNames {
        char *text;
        size_t size, capacity;
        RevertName *items;
        size_t n, items_capacity;
} RevertNames;

/* A directory of both trees. */
typedef struct RevertLevel {
        char *name; /* in the level above; NULL for the top */
        int source_fd, target_fd; /* -EBADF: closed meanwhile, as the walk is far below */
        uint64_t source_ino, target_ino;
        RevertNames source, target; /* as they were when the walk came in */
        bool unlocked;              /* revert_unlock_level() */
        size_t next;                /* of source: from there on directories are still to be visited */
        unsigned begin, middle, end; /* of the progress: files, then directories */
} RevertLevel;

typedef struct RevertLink RevertLink;

typedef struct Revert {
        const RevertOptions *options;
        RevertWork work;
        int source_fd, target_fd; /* the tops */
        uint64_t source_device, target_device;
        bool same_fs;   /* extents can be compared, and shared */
        bool no_clone;  /* they cannot, though */
        bool finishing; /* the second pass: nothing in the target is needed elsewhere any more */
        struct {
                uint64_t device, ino;
        } own[REVERT_OWN_MAX];
        size_t n_own;

        RevertLevel *levels;
        size_t n_levels, levels_capacity;
        unsigned permille; /* told last */

        RevertLink *links;    /* by inode of the source: where that file is in the target */
        RevertLink *claimed;  /* by inode of the target: it is spoken for */
        RevertLink *unlocked; /* by inode of the target: the flags that were taken away */

        char *buffers[2]; /* for comparing */
        int error;        /* the first that was not the end of all */
        char *sentence;
} Revert;

/* revert-walk.c */

typedef struct RevertVisitor {
        int (*enter)(Revert *r, RevertLevel *l); /* may be NULL */
        int (*leave)(Revert *r, RevertLevel *l);
} RevertVisitor;

/* Calls enter() before and leave() after what is below each directory that both trees have. @begin, @end: of
 * the progress, in thousandths. */
int revert_walk(Revert *r, const RevertVisitor *visitor, unsigned begin, unsigned end);
/* Calls @each for what only the target has. */
int revert_for_each_extra(Revert *r,
                          RevertLevel *l,
                          int (*each)(Revert *r, RevertLevel *l, const char *name));
void revert_levels_clear(Revert *r);
/* The part of a directory's files, @i of @n, that is done, and @done of @size bytes of the next. */
void revert_tell(Revert *r, const RevertLevel *l, size_t i, size_t n, uint64_t done, uint64_t size);

/* revert.c */

/* Something is about to be changed. */
void revert_step(Revert *r, const char *what);
/* @name in @l could not be done. Returns @error where there is no use in going on, else 0: the first such
 * error is the outcome. */
int revert_failed(Revert *r, const RevertLevel *l, const char *name, int error);
/* Where the target does not belong to the volume: something is mounted, or a subvolume begins. */
bool revert_is_boundary(const Revert *r, const struct statx *stx);
bool revert_is_own(const Revert *r, const char *name, const struct statx *stx);
/* Whether a file or directory of the target must be as the source says, its time stamps being what they are. */
bool revert_is_proven(const Revert *r, const struct statx *source, const struct statx *target);
/* @l and @name in it, from the top. */
int revert_path(const Revert *r, const RevertLevel *l, const char *name, char **ret);

/* revert-place.c, revert-finish.c */

extern const RevertVisitor revert_place, revert_make_room, revert_finish;

/* revert-leaf.c: anything but a directory */

typedef struct RevertEntry {
        Revert *revert;
        RevertLevel *level;
        const char *name;
        struct statx source, target;
        bool exists; /* .target */
        size_t i, n; /* of the level's files, for the progress */
} RevertEntry;

int revert_entry_look(RevertEntry *e); /* reads .target */
int revert_leaf(RevertEntry *e);
/* Takes from the target's file, which may become the source's, what is behind the end of that. */
int revert_shrink(RevertEntry *e);

/* revert-remove.c */

/* Removes @name in the target, but for what must stay: then it returns 1. */
int revert_remove(Revert *r, RevertLevel *l, const char *name);
#define REVERT_TEMPORARY_PREFIX ".umbra-revert-"
#define REVERT_TEMPORARY_MAX (sizeof(REVERT_TEMPORARY_PREFIX) + 40)
/* A name that nobody has. */
char *revert_temporary(char buffer[REVERT_TEMPORARY_MAX]);

/* revert-inode.c: for same_inodes */

/* Is the file @ino in the target, and where? Opens the directory it is in; *@ret_name is freed by the caller.
 * -ENOENT: it is not. */
int revert_find_inode(Revert *r, const struct statx *source, int *ret_fd, char **ret_name);
/* Does the source have this file of the target, wherever? */
bool revert_is_wanted(const Revert *r, uint64_t ino);

/* revert-links.c */

/* Where in the target the source's file @ino is already; NULL: nowhere. */
const RevertLink *revert_link_find(const Revert *r, uint64_t source_ino);
int revert_link_add(Revert *r, uint64_t source_ino, uint64_t target_ino, const char *path);
uint64_t revert_link_inode(const RevertLink *link);
/* Gives that file the name @name in @l as well. */
int revert_link_make(Revert *r, const RevertLink *link, RevertLevel *l, const char *name);
/* The target's file @ino has become the source's file @source_ino. */
int revert_claim(Revert *r, uint64_t ino, uint64_t source_ino);
bool revert_is_claimed(const Revert *r, uint64_t ino, uint64_t but_for);
int revert_remember_flags(Revert *r, uint64_t ino, unsigned flags);
bool revert_recall_flags(const Revert *r, uint64_t ino, unsigned *ret);
void revert_links_clear(Revert *r);
/* Opens the directory that @path, from the top of the target, is in. *@ret_name is its last part. */
int revert_open_parent(const Revert *r, const char *path, int *ret_fd, const char **ret_name);

/* revert-flags.c: what chattr(1) forbids */

/* Makes @fd, a file of the target, or one that cannot be opened else, changeable. */
int revert_unlock(Revert *r, int fd, const struct statx *stx);
/* The target's directory, before a name in it is made, changed or removed. */
int revert_unlock_level(Revert *r, RevertLevel *l);
int revert_unlock_at(Revert *r, int dir_fd, const char *name, const struct statx *stx);
/* Gives @fd the flags of the source's @source_fd, or those back that it had. */
int revert_relock(Revert *r, int fd, int source_fd, uint64_t ino);
/* The same before there is anything in it, when more can be set. */
int revert_prepare_flags(Revert *r, int fd, int source_fd);

/* revert-data.c */

typedef struct RevertData {
        Revert *revert;
        int source_fd, target_fd;      /* the latter for reading */
        uint64_t source_size, target_size;
        bool is_new; /* there is nothing in the target */
        int (*write)(void *userdata);  /* a descriptor of the target to write to */
        void (*tell)(uint64_t done, void *userdata);
        void *userdata;
        bool changed; /* the outcome */
} RevertData;

/* Makes the target's contents those of the source. */
int revert_data(RevertData *d);
