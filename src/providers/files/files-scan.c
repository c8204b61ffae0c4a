/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * One Pass Over the Volume
 *
 * The walk itself: directories are visited on the way down and left on the way up.
 */

#include "providers/files/files-scan.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "provider/provider.h"
#include "providers/files/files-look.h"
#include "providers/files/files-meta.h"

int files_id_list_add(FilesIdList *list, FileId id) {
        int r;

        r = ARRAY_RESERVE(list->ids, list->capacity, list->n + 1);
        if (r < 0)
                return r;

        list->ids[list->n++] = id;
        return 0;
}

void files_id_list_done(FilesIdList *list) {
        free(list->ids);
        *list = (FilesIdList){ 0 };
}

int files_scan_again(FilesScan *s, FileId id) {
        FileEntry *entry = files_tree_entry(s->tree, id);

        if (!s->copy.watched || (entry->flags & FILE_AGAIN))
                return 0;

        files_set_flag(entry, FILE_AGAIN, true);
        return files_id_list_add(&s->again, id);
}

int files_scan_looked_at(FilesScan *s, FileId id) {
        FileEntry *entry = files_tree_entry(s->tree, id);
        int r = 0;

        files_set_flag(entry, FILE_TODO | FILE_VISIT, false);
        if (s->counting)
                return 0;

        s->suspects += (entry->flags & FILE_SUSPECT) != 0;
        if (s->partial && !s->copy.window)
                r = files_inodes_add(&s->inodes, s->tree, id);
        if (r == 0 && (entry->flags & (FILE_SUSPECT | FILE_OPEN)))
                r = files_scan_again(s, id);

        return r;
}

static int look_at_children(FilesScan *s, FileId directory, int from_fd, bool reread) {
        FileEntry *entry = files_tree_entry(s->tree, directory);
        int r;

        for (uint32_t *link = &entry->first_child; *link != FILE_NONE;) {
                FileId id = *link;
                FileEntry *child = files_tree_entry(s->tree, id);

                r = files_look_at(s, directory, from_fd, id, reread);
                if (r == FILES_GONE) {
                        r = files_drop(s, id);
                        if (r < 0)
                                return files_look_failed(s, id, r);

                        files_tree_remove(s->tree, link);
                        continue;
                }
                if (r < 0)
                        return files_look_failed(s, id, r);

                if (!files_is_entered(s, child))
                        r = files_scan_looked_at(s, id);
                else if (s->partial)
                        files_set_flag(child, FILE_VISIT, true);
                if (r < 0)
                        return r;

                link = &child->next;
        }

        return 0;
}

/* A directory that something has been mounted over since its own directory was looked at. */
static int becomes_boundary(FilesScan *s, FileId id) {
        int r;

        r = files_drop(s, id);
        if (r < 0)
                return r;

        files_set_flag(files_tree_entry(s->tree, id), FILE_BOUNDARY, true);
        return s->counting ? 0 : files_make_directory(s, id);
}

static int visit(FilesScan *s, FileId id) {
        FileEntry *entry = files_tree_entry(s->tree, id);
        int64_t now = files_now();
        struct statx stx;
        bool reread;
        int fd, r;

        fd = files_walk_to(&s->from, s->tree, id);
        if (fd < 0)
                return files_means_gone(fd) ? FILES_GONE : files_look_failed(s, id, fd);

        r = files_stat(fd, "", &stx);
        if (r < 0)
                return files_look_failed(s, id, r);

        ++s->copy.work->looked_at;
        if (id != FILE_ROOT && files_is_boundary(&s->copy.trust, &stx)) {
                r = becomes_boundary(s, id);
                return r < 0 ? files_look_failed(s, id, r) : 0;
        }

        reread = !files_is_unchanged(entry, &stx);
        if (reread) {
                files_set_flag(entry, FILE_TOUCHED, true);
                r = files_read_names(s, id, fd);
                if (r < 0)
                        return files_means_gone(r) ? FILES_GONE : files_look_failed(s, id, r);
        }

        if (!s->counting)
                files_copy_record(entry, &stx,
                                  !files_time_is_settled(&s->copy.trust, files_time(&stx.stx_ctime), now));

        r = reread || !s->partial ? look_at_children(s, id, fd, reread) : 0;
        return r < 0 ? r : files_scan_looked_at(s, id);
}

/* What went away between being seen and being visited, or touched. */
int files_scan_forget(FilesScan *s, FileId id) {
        FileEntry *entry = files_tree_entry(s->tree, id);
        FileId parent_id = entry->parent;
        FileEntry *parent = files_tree_entry(s->tree, parent_id);
        int r;

        r = files_drop(s, id);
        if (r < 0)
                return files_look_failed(s, id, r);

        entry->mode = 0;
        if (!(parent->flags & FILE_SUSPECT))
                ++s->suspects;
        files_set_flag(parent, FILE_SUSPECT, true);
        return files_scan_again(s, parent_id);
}

int files_scan_leave(FilesScan *s, FileId id) {
        FileEntry *entry = files_tree_entry(s->tree, id);
        struct statx stx;
        mode_t mode;
        int from, to, r;

        if (s->counting || !(entry->flags & FILE_TOUCHED) || !(entry->flags & FILE_IN_STORE))
                return 0;

        /* If it has gone, that is found out when its own directory is looked at again. */
        from = files_walk_to(&s->from, s->tree, id);
        if (files_means_gone(from))
                return 0;
        to = from < 0 ? from : files_store_directory(s, id);
        r = to < 0 ? to : files_stat(from, "", &stx);
        if (r < 0)
                return files_look_failed(s, id, r);

        mode = stx.stx_mode;
        files_set_flag(entry, FILE_MODE_LATER, geteuid() != 0 && (mode & S_IRWXU) != S_IRWXU);
        if (entry->flags & FILE_MODE_LATER)
                mode |= S_IRWXU;

        r = files_copy_metadata(&(FilesNode){ .fd = from }, &(FilesNode){ .fd = to }, &stx, mode,
                                &s->copy.lost);
        if (r < 0)
                return files_look_failed(s, id, r);

        files_set_flag(entry, FILE_TOUCHED, false);
        return 0;
}

static FileId next_directory(const FilesScan *s, FileId id) {
        while (id != FILE_NONE && (!files_is_entered(s, files_tree_entry(s->tree, id)) ||
                                   (s->partial && !(files_tree_entry(s->tree, id)->flags & FILE_VISIT))))
                id = files_tree_entry(s->tree, id)->next;

        return id;
}

/* Calls @visit_one before and @leave_one after what is below each directory, @top first and last. Not recursive:
 * trees may be deep. */
static int walk(FilesScan *s,
                FileId top,
                int (*visit_one)(FilesScan *s, FileId id),
                int (*leave_one)(FilesScan *s, FileId id)) {
        FileId id = top, next;
        int r;

        for (;;) {
                r = visit_one ? visit_one(s, id) : 0;
                if (r == FILES_GONE && id != FILE_ROOT)
                        r = files_scan_forget(s, id);
                if (r != 0)
                        return r == FILES_GONE ? provider_fail(-ENOENT, "it has gone") : r;

                next = next_directory(s, files_tree_entry(s->tree, id)->first_child);
                while (next == FILE_NONE) {
                        r = leave_one(s, id);
                        if (r < 0 || id == top)
                                return r;

                        next = next_directory(s, files_tree_entry(s->tree, id)->next);
                        id = files_tree_entry(s->tree, id)->parent;
                }

                id = next;
        }
}

int files_scan_below(FilesScan *s, FileId top) {
        return walk(s, top, visit, files_scan_leave);
}

int files_scan_pass(FilesScan *s) {
        for (size_t i = 0; i < s->again.n; ++i)
                files_set_flag(files_tree_entry(s->tree, s->again.ids[i]), FILE_AGAIN, false);
        s->again.n = s->todo.n = 0;
        s->partial = false;
        s->suspects = 0;
        s->needed = s->counting ? 0 : s->needed;
        files_walk_done(&s->from);
        files_walk_done(&s->to);
        return files_scan_below(s, FILE_ROOT);
}

static int seal_one(FilesScan *s, FileId id) {
        FileEntry *entry = files_tree_entry(s->tree, id);
        int fd;

        if (!(entry->flags & FILE_MODE_LATER))
                return 0;

        fd = files_store_directory(s, id);
        if (fd < 0 || fchmod(fd, entry->mode & ~(mode_t) S_IFMT) < 0)
                return files_look_failed(s, id, fd < 0 ? fd : -errno);

        return 0;
}

int files_scan_seal(FilesScan *s) {
        return geteuid() == 0 ? 0 : walk(s, FILE_ROOT, NULL, seal_one);
}

void files_scan_exclude(FilesScan *s, const char *path) {
        struct statx stx;

        assert(s->n_excluded < FILES_EXCLUDED_MAX);

        if (files_stat(AT_FDCWD, path, &stx) < 0)
                return;

        s->excluded[s->n_excluded].device = files_device(&stx);
        s->excluded[s->n_excluded].ino = stx.stx_ino;
        ++s->n_excluded;
}

int files_scan_init(FilesScan *s, const char *volume, int from_fd, int to_fd, int links_fd) {
        FileEntry *root;
        int r;

        r = files_tree_new(&s->tree);
        if (r < 0)
                return r;

        s->names = calloc_checked(FILES_NAMES_SIZE, 1);
        if (!s->names)
                return -ENOMEM;

        r = files_copy_init(&s->copy);
        if (r < 0)
                return r;

        r = files_trust_for(from_fd, &s->copy.trust);
        if (r < 0)
                return r;

        root = files_tree_entry(s->tree, FILE_ROOT);
        root->mode = S_IFDIR | FILES_DIRECTORY_MODE;
        root->flags = FILE_IN_STORE | FILE_TOUCHED;

        s->volume = volume;
        s->copy.tree = s->tree;
        s->copy.links_fd = links_fd;
        s->from.root_fd = from_fd;
        s->to.root_fd = to_fd;
        return 0;
}

void files_scan_done(FilesScan *s) {
        files_walk_done(&s->from);
        files_walk_done(&s->to);
        files_index_done(&s->index);
        files_inodes_done(&s->inodes);
        files_id_list_done(&s->again);
        files_id_list_done(&s->todo);
        files_copy_done(&s->copy);
        s->tree = files_tree_free(s->tree);
        free(s->names);
        s->names = NULL;
}
