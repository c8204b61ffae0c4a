/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The Files of a Set
 *
 * Files that a component's file sets name and that were not there at the instant are removed, on disk as well,
 * before the first file of the component gets its name: an old journal beside a new database would be replayed
 * into it, and the two may lie on different file systems, of which a crash keeps what it likes. What the sets
 * before restored and this one does not know any more goes at the end.
 */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd-util.h"
#include "base/strv.h"
#include "base/utf.h"
#include "tools/progress.h"
#include "tools/restore-directed.h"
#include "tools/restore-owners.h"
#include "tools/set-entry.h"
#include "tools/set-format.h"
#include "tools/set-index.h"
#include "tools/tool-vss.h"
#include "tools/tree-walk.h"
#include "tools/verb.h"

static const char *path_of_member(const char *member) {
        size_t length = strlen(SET_DATA_PREFIX);

        if (strncmp(member, SET_DATA_PREFIX, length) != 0 ||
            (member[length] != '/' && member[length] != '\0'))
                return NULL;

        return member[length] ? member + length : "/";
}

/* What there was at the instant */

static int add_member(const SetIndexLine *line, void *userdata) {
        const char *path = path_of_member(line->name);
        RestoreLink *l = userdata;

        return path ? restore_paths_add(l->paths, path, line->type == 'd') : 0;
}

static int add_names(RestoreLink *l) {
        const char *text = set_reader_text(l->set->reader, SET_NAMES);
        int r = 0;

        while (r == 0 && text && *text) {
                _cleanup_(freep) char *line = NULL, *name = NULL;
                size_t n = strcspn(text, "\n");

                r = format_to(&line, "%.*s", (int) n, text);
                if (r == 0)
                        r = set_name_unescape(line, &name);
                if (r == 0 && (*name != '/' || !set_member_name_is_safe(name + 1)))
                        r = -EBADMSG;
                if (r == 0)
                        r = restore_paths_add(l->paths, name, false);
                text += n + (text[n] == '\n');
        }

        return r;
}

static int collect_paths(RestoreLink *l) {
        int r;

        r = restore_paths_new(&l->paths);
        if (r == 0)
                r = set_reader_for_each(l->set->reader, add_member, l);
        return r == 0 ? add_names(l) : r;
}

/* Does the set say of this file of the component whether it was there? A whole backup does not take those whose
 * mask says that it need not, and has no names of them. */
static bool knows(const RestoreLink *l, const Chosen *c, const char *path) {
        if (c->lost)
                return false;
        if (c->complete)
                return !file_set_contains(c->files, path) || file_set_contains(c->saved, path);

        return set_reader_text(l->set->reader, SET_NAMES);
}

/* What must go */

typedef struct Stale {
        RestoreLink *link;
        Chosen *chosen;
        const char *root, *place; /* what is walked, and where it really is */
        int unsettled_fd;         /* of a file system that has to bring removals to disk; -EBADF: none */
} Stale;

static void stale_clear(Stale *s) {
        s->unsettled_fd = fd_close(s->unsettled_fd);
}

static int stale_settle(Stale *s) {
        if (s->unsettled_fd >= 0 && syncfs(s->unsettled_fd) < 0)
                return -errno;

        stale_clear(s);
        return 0;
}

/* Something was removed from the directory. */
static int stale_note(Stale *s, int dir_fd) {
        struct stat noted, st;
        int r;

        if (s->unsettled_fd >= 0 && fstat(s->unsettled_fd, &noted) == 0 && fstat(dir_fd, &st) == 0 &&
            noted.st_dev == st.st_dev)
                return 0;

        r = stale_settle(s);
        if (r < 0)
                return r;

        s->unsettled_fd = fcntl(dir_fd, F_DUPFD_CLOEXEC, 0);
        return s->unsettled_fd < 0 ? -errno : 0;
}

/* Left beside new files it could spoil them: so none get their names. */
static int stale_fail(const char *place, int error) {
        fprintf(stderr, "umbra: cannot remove what the set does not have, '%s': %s\n", place, strerror(-error));
        return error;
}

static int remove_stale(int dir_fd, const char *name, const char *path, void *userdata) {
        _cleanup_(freep) char *there = NULL, *place = NULL;
        Stale *s = userdata;
        struct stat st;
        int r;

        if (restore_paths_have(s->link->paths, path) || !knows(s->link, s->chosen, path))
                return 0;

        /* Is that where it would be? Patterns of one directory may go to several. */
        r = restore_place_of(s->link, s->chosen, path, false, &place);
        if (r == 0 && place)
                r = format_to(&there, "%s%s", strcmp(s->place, "/") == 0 ? "" : s->place,
                              path + (strcmp(s->root, "/") == 0 ? 0 : strlen(s->root)));
        if (r < 0 || !place || strcmp(place, there) != 0)
                return r;
        if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISSOCK(st.st_mode))
                return 0; /* no set has any */

        if (unlinkat(dir_fd, name, 0) < 0 && errno != ENOENT)
                return stale_fail(place, -errno);
        tool_say("Removed '%s', which the set does not have.", place);
        return stale_note(s, dir_fd);
}

static int has_below(const char *path, bool directory, void *userdata) {
        const char *mount = userdata;

        return strcmp(path, mount) != 0 && path_is_below(path, mount);
}

/* Of a volume that no provider took the set has the directory where it is mounted, and nothing below. */
static int enter_volume(int parent_fd, int fd, const char *path, void *userdata) {
        const Stale *s = userdata;
        struct stat above, here;
        int r;

        if (fstat(parent_fd, &above) < 0 || fstat(fd, &here) < 0)
                return -errno;
        if (above.st_dev == here.st_dev)
                return 1;

        r = restore_paths_for_each(s->link->paths, false, has_below, (void *) (uintptr_t) path);
        if (r == 0)
                tool_say("Nothing of the volume at '%s' is in the set: it stays as it is.", path);
        return r;
}

static int clear_root(Stale *s, const char *root) {
        static const TreeVisitor visitor = { .file = remove_stale, .enter = enter_volume };
        _cleanup_(freep) char *place = NULL;
        _cleanup_(closep) int fd = -EBADF;
        int r;

        r = restore_place_of(s->link, s->chosen, root, true, &place);
        if (r < 0 || !place)
                return r;

        fd = restore_tree_open(s->link->tree, place);
        if (fd < 0)
                return fd == -ENOENT || fd == -ENOTDIR || fd == -ELOOP ? 0 : stale_fail(place, fd);

        s->root = root;
        s->place = place;
        return tree_walk(s->chosen->files, root, fd, &visitor, s);
}

static int clear_stale(RestoreLink *l, Chosen *c) {
        _cleanup_(stale_clear) Stale s = { .link = l, .chosen = c, .unsettled_fd = -EBADF };
        _cleanup_(strv_freep) char **roots = NULL;
        int r;

        if (c->cleared || l->options->to)
                return 0;

        r = file_set_roots(c->files, &roots);
        for (char *const *root = roots; r == 0 && root && *root; ++root)
                r = clear_root(&s, *root);
        if (r == 0)
                r = stale_settle(&s);

        c->cleared = r == 0;
        return r;
}

/* Of those of which no file got its name. Where none could, the old ones are still what they were, and need their journals. */
static int clear_rest(RestoreLink *l, Chosen *c) {
        return c->n_restored == 0 && c->n_failed > 0 ? 0 : clear_stale(l, c);
}

/* Was it named when the backup was made, with all below it? */
static bool is_saved_path(const RestoreLink *l, const char *path) {
        json_t *saved;
        size_t i;

        json_array_foreach(json_object_get(set_reader_manifest(l->set->reader), "paths"), i, saved) {
                _cleanup_(freep) char *text = NULL;

                if (json_is_string(saved) && xml_unescape_bytes(json_string_value(saved), &text) >= 0 &&
                    path_is_below(path, text))
                        return true;
        }

        return false;
}

/* An earlier set of the chain has it. */
static int remove_gone(const char *path, bool directory, void *userdata) {
        _cleanup_(freep) char *place = NULL;
        RestoreLink *l = userdata;
        Chosen *c;
        int r;

        if (restore_paths_have(l->paths, path))
                return 0;

        c = restore_owners_find(l->owners, path, directory);
        if (c ? !knows(l, c, path) : !l->everything || l->lost || !is_saved_path(l, path))
                return 0;

        r = restore_place_of(l, c, path, directory, &place);
        return r < 0 || !place ? r : restore_tree_remove(l->tree, place, directory);
}

/* The tree's callbacks */

static int place_file(const char *path, bool directory, char **ret, void *userdata) {
        RestoreLink *l = userdata;
        Chosen *c = restore_owners_find(l->owners, path, directory);

        /* Of what is not restored nothing else may be another name. */
        if (!restore_paths_have(l->paths, path) || (!c && !l->everything)) {
                *ret = NULL;
                return 0;
        }

        return restore_place_of(l, c, path, directory, ret);
}

static int before_file(const char *path, void *userdata) {
        RestoreLink *l = userdata;
        Chosen *c = restore_owners_find(l->owners, path, false);

        return c ? clear_stale(l, c) : 0;
}

static void file_restored(const char *path, void *userdata) {
        RestoreLink *l = userdata;
        Chosen *c = restore_owners_find(l->owners, path, false);
        PlaceRule *rule = c ? restore_place_rule(c, path, false) : NULL;

        ++l->n_restored;
        if (c)
                ++c->n_restored;
        if (rule)
                rule->used = true;
}

static void file_failed(const char *path, int error, const char *sentence, void *userdata) {
        RestoreLink *l = userdata;
        Chosen *c = restore_owners_find(l->owners, path, false);

        fprintf(stderr, "umbra: cannot restore '%s': %s\n", path, sentence);
        ++l->n_failed;
        if (c)
                ++c->n_failed;
}

static int look_for_interrupt(void *userdata) {
        return tool_interrupted() ? -EINTR : 0;
}

/* All of it */

static int add_member_to_tree(RestoreLink *l,
                              RestoreDirected *directed,
                              SetStream *stream,
                              struct archive_entry *entry,
                              const SetIndexLine *line) {
        const char *path = path_of_member(line->name);
        Chosen *c;

        if (tool_interrupted())
                return -EINTR;
        if (!path)
                return 0;

        c = restore_owners_find(l->owners, path, line->type == 'd');
        if (!c && !l->everything)
                return 0;
        if (line->type == 'd' && c && c->elsewhere && !restore_place_rule(c, path, true))
                return 0; /* nothing goes into it */
        if (restore_directed_has(directed, path)) {
                restore_tree_pass(l->tree, path);
                return restore_directed_add(directed, stream, entry, line, path);
        }

        return restore_tree_add(l->tree, stream, entry, line, !l->options->to);
}

static int add_files(RestoreLink *l, RestoreDirected *directed) {
        _cleanup_(set_stream_freep) SetStream *stream = NULL;
        struct archive_entry *entry;
        const SetIndexLine *line;
        int r;

        r = set_stream_open(l->set->reader, &stream);
        while (r >= 0 && (r = set_stream_next(stream, &entry, &line)) > 0)
                r = add_member_to_tree(l, directed, stream, entry, line);

        if (r == 0)
                r = restore_directed_finish(directed);
        if (r == 0)
                r = restore_tree_flush(l->tree);
        for (size_t i = 0; i < l->n_chosen && r == 0; ++i)
                r = clear_rest(l, &l->chosen[i]);
        if (r == 0 && l->known)
                r = restore_paths_for_each(l->known, true, remove_gone, l);
        return r == 0 ? restore_tree_finish(l->tree) : r;
}

static int make_tree(RestoreLink *l) {
        static const RestoreCallbacks callbacks = {
                .place = place_file,
                .before = before_file,
                .restored = file_restored,
                .step = look_for_interrupt,
                .failed = file_failed,
        };
        int r;

        r = restore_tree_new(&callbacks, l, &l->tree);
        if (r == 0)
                r = restore_tree_map(l->tree, "/", l->options->to ?: "/");

        /* In the way to an alternate location links are the administrator's, and followed. */
        for (size_t i = 0; i < l->n_chosen && !l->options->to; ++i)
                for (size_t k = 0; k < l->chosen[i].n_rules && r == 0; ++k)
                        r = restore_tree_map(l->tree, l->chosen[i].rules[k].path, l->chosen[i].rules[k].to);
        return r;
}

static int explain(const RestoreLink *l, int error, const char *so_far) {
        if (error == -EBADMSG || tool_interrupted())
                return chain_set_explain(l->set, error, so_far);

        errno = -error;
        return tool_error("cannot restore '%s': %m; %s", l->set->path, so_far);
}

/* What the files are without. */
static void say_losses(const RestoreLink *l) {
        static const struct {
                unsigned loss;
                const char *what;
        } losses[] = {
                { SET_ENTRY_LOSS_OWNER,      "their owners: only root may give files away" },
                { SET_ENTRY_LOSS_ATTRIBUTES, "extended attributes: the file system has none such, or only root may set them" },
                { SET_ENTRY_LOSS_ACL,        "access control lists: the file system has none" },
        };

        for (size_t i = 0; i < ELEMENTSOF(losses); ++i)
                if (restore_tree_losses(l->tree) & losses[i].loss)
                        fprintf(stderr, "umbra: warning: files were restored WITHOUT %s\n", losses[i].what);
}

int restore_files(RestoreLink *l) {
        _cleanup_(restore_directed_freep) RestoreDirected *directed = NULL;
        int r;

        r = make_tree(l);
        if (r == 0)
                r = collect_paths(l);
        if (r == 0)
                r = restore_directed_new(l, &directed);
        if (r < 0)
                return explain(l, r, "nothing was written");

        progress_begin("Restoring", set_reader_size(l->set->reader));
        r = add_files(l, directed);
        progress_end();
        if (r < 0)
                restore_tree_leave(l->tree);
        say_losses(l);
        if (r < 0)
                return explain(l, r, "some files are new and some old; the restore can be run again");

        l->finished = true;
        if (l->n_failed > 0)
                return tool_error("%" PRIu64 " files could not be restored; the others were", l->n_failed);
        return EXIT_OK;
}
