/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A Pass Over What Was Touched
 *
 * It takes as long as there is to look at: the files and directories that had an event since the last pass, and
 * those that have to be looked at in any case. A directory that changed is read whole, and the time stamps in it
 * are asked for; from there down it is the same walk as over everything, but into what is new or changed only.
 *
 * What is not where it was any more is passed over: then a directory above it has changed, and is among those
 * that are visited.
 */

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "base/alloc.h"
#include "providers/files/files-look.h"
#include "providers/files/files-scan.h"

/* Directories first, in the order they were met: what is above comes before what is below, and whole trees that
 * have gone are dropped before their files are missed. Then files, those of one directory together. */
typedef struct Item {
        FileId directory, id; /* .directory 0: a directory itself, else one more than that of the file */
} Item;

static int compare_items(const void *a, const void *b) {
        const Item *x = a, *y = b;

        if (x->directory != y->directory)
                return x->directory < y->directory ? -1 : 1;

        return x->id < y->id ? -1 : x->id > y->id;
}

static int add_todo(FilesScan *s, FileId id) {
        FileEntry *entry = files_tree_entry(s->tree, id);

        if (entry->flags & FILE_TODO)
                return 0;

        files_set_flag(entry, FILE_TODO, true);
        return files_id_list_add(&s->todo, id);
}

int files_scan_touched(uint64_t ino, bool written, void *userdata) {
        FilesScan *s = userdata;
        size_t cursor = FILES_INODES_START;
        FileId id;
        int r;

        while ((id = files_inodes_next(&s->inodes, s->tree, ino, &cursor)) != FILE_NONE) {
                if (written && !s->copy.trust.write_notify)
                        files_distrust(s, files_tree_entry(s->tree, id));
                r = add_todo(s, id);
                if (r < 0)
                        return r;
        }

        return 0;
}

/* What the last pass left for this one is to be done as well. */
static int add_again(FilesScan *s) {
        int r;

        for (size_t i = 0; i < s->again.n; ++i) {
                FileEntry *entry = files_tree_entry(s->tree, s->again.ids[i]);

                if (!(entry->flags & FILE_AGAIN)) /* it has been removed since */
                        continue;

                files_set_flag(entry, FILE_AGAIN, false);
                r = add_todo(s, s->again.ids[i]);
                if (r < 0)
                        return r;
        }

        s->again.n = 0;
        return 0;
}

static int look_at_one(FilesScan *s, FileId id) {
        FileEntry *entry = files_tree_entry(s->tree, id);
        FileId directory = entry->parent;
        int fd, r;

        fd = files_walk_to(&s->from, s->tree, directory);
        if (files_means_gone(fd))
                return 0;

        r = fd < 0 ? fd : files_look_at(s, directory, fd, id, true);
        if (r == FILES_GONE)
                return files_scan_forget(s, id);
        if (r < 0)
                return files_look_failed(s, id, r);

        return files_is_entered(s, entry) ? files_scan_below(s, id) : files_scan_looked_at(s, id);
}

static int look_again(FilesScan *s, FileId id, FilesIdList *changed) {
        FileEntry *entry = files_tree_entry(s->tree, id);
        FileId directory = entry->parent;
        int r;

        if (!(entry->flags & FILE_TODO)) /* it has been removed, or looked at with its directory */
                return 0;
        if (s->deadline != 0 && now_usec(CLOCK_MONOTONIC) >= s->deadline) {
                files_set_flag(entry, FILE_TODO, false);
                return files_scan_again(s, id);
        }

        r = files_is_entered(s, entry) ? files_scan_below(s, id) : look_at_one(s, id);
        files_set_flag(entry, FILE_TODO, false);

        /* Its directory was not visited for it, but the copy of that has changed. */
        if (r == 0 && id != FILE_ROOT && (files_tree_entry(s->tree, directory)->flags & FILE_TOUCHED) &&
            (changed->n == 0 || changed->ids[changed->n - 1] != directory))
                r = files_id_list_add(changed, directory);

        return r;
}

static int look_at_all(FilesScan *s, Item *items, size_t n) {
        _cleanup_(files_id_list_done) FilesIdList changed = { 0 };
        int r = 0;

        for (size_t i = 0; i < n; ++i) {
                FileId id = s->todo.ids[i];
                const FileEntry *entry = files_tree_entry(s->tree, id);

                items[i] = (Item){ .directory = files_is_entered(s, entry) ? 0 : entry->parent + 1, .id = id };
        }
        if (n > 0)
                qsort(items, n, sizeof(*items), compare_items);

        for (size_t i = 0; i < n && r == 0; ++i)
                r = look_again(s, items[i].id, &changed);
        for (size_t i = 0; i < changed.n && r == 0; ++i)
                r = files_scan_leave(s, changed.ids[i]);

        return r;
}

int files_scan_changed(FilesScan *s) {
        _cleanup_(freep) Item *items = NULL;
        int r;

        r = add_again(s);
        if (r < 0)
                return r;

        items = calloc_checked(MAX(s->todo.n, 1U), sizeof(*items));
        if (!items)
                return -ENOMEM;

        s->partial = true;
        s->suspects = 0;
        files_walk_done(&s->from);
        files_walk_done(&s->to);
        r = look_at_all(s, items, s->todo.n);
        s->todo.n = 0;
        return r;
}
