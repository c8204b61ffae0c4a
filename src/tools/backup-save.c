/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Saving the Files
 */

#include "tools/backup-save.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <uthash.h>

#include "base/alloc.h"
#include "base/fd-util.h"
#include "base/strv.h"
#include "tools/scratch-file.h"
#include "tools/set-format.h"
#include "tools/set-index.h"
#include "tools/tool-vss.h"
#include "tools/tree-walk.h"

typedef struct SavedPath {
        UT_hash_handle hh;
        char path[];
} SavedPath;

struct BackupSave {
        BackupPlan *plan;
        BackupFiles *files;
        SetWriter *writer;
        FilePlace place; /* of the walk that is going on */
        SavedPath *alternates;
        FILE *names; /* NULL: all components are taken whole */
        bool lost_file;
        uint64_t n_files, n_bytes, n_failed;
};

int backup_save_new(BackupPlan *plan, BackupFiles *files, SetWriter *writer, BackupSave **ret) {
        _cleanup_(backup_save_freep) BackupSave *s = calloc_checked(1, sizeof(*s));
        bool whole = true;
        int r;

        if (!s)
                return -ENOMEM;
        s->plan = plan;
        s->files = files;
        s->writer = writer;
        for (size_t i = 0; i < plan->n_components; ++i)
                whole = whole && (plan->components[i].how == VSS_BT_FULL || plan->components[i].how == VSS_BT_COPY);
        if (!whole) {
                r = scratch_file_open_stream(&s->names);
                if (r < 0)
                        return r;
        }
        *ret = TAKE_PTR(s);
        return 0;
}

BackupSave *backup_save_free(BackupSave *s) {
        SavedPath *p, *next;

        if (!s)
                return NULL;
        HASH_ITER(hh, s->alternates, p, next) {
                HASH_DEL(s->alternates, p);
                free(p);
        }
        if (s->names)
                (void) fclose(s->names);
        free(s);
        return NULL;
}

uint64_t backup_save_n_files(const BackupSave *s) {
        return s->n_files;
}

uint64_t backup_save_n_bytes(const BackupSave *s) {
        return s->n_bytes;
}

uint64_t backup_save_n_failed(const BackupSave *s) {
        return s->n_failed;
}

bool backup_save_lost_file(const BackupSave *s) {
        return s->lost_file;
}

static char *member_of(const char *path) {
        char *member = NULL;

        return format_to(&member, SET_DATA_PREFIX "%s", path) < 0 ? NULL : member;
}

/* The set can only go on while no member is half written. */
static int failed_at(BackupSave *s, const char *path, bool is_directory, int error) {
        if (!tool_interrupted())
                fprintf(stderr, "umbra: cannot save '%s': %s\n", path,
                        error == -EXDEV ? "it was named after the snapshot, and lies on no volume of it" :
                                          set_writer_error(s->writer) ?: strerror(-error));
        s->lost_file = set_writer_is_between_members(s->writer);
        if (!s->plan->best_effort || !s->lost_file || tool_interrupted())
                return error;
        ++s->n_failed;
        return backup_files_blame(s->plan, path, is_directory);
}

static int add_name(BackupSave *s, const char *path) {
        _cleanup_(freep) char *escaped = NULL;
        int r;

        if (!s->names)
                return 0;
        r = set_name_escape(path, &escaped);
        return r < 0 ? r : fprintf(s->names, "%s\n", escaped) < 0 ? -errno : 0;
}

/* What was found at an alternate place is not looked for at its own. */
static int remember(BackupSave *s, const char *path) {
        SavedPath *p = malloc(sizeof(*p) + strlen(path) + 1);

        if (!p)
                return -ENOMEM;
        strcpy(p->path, path);
        HASH_ADD_STR(s->alternates, path, p);
        return 0;
}

static bool was_alternate(const BackupSave *s, const char *path) {
        SavedPath *p;

        HASH_FIND_STR(s->alternates, path, p);
        return p;
}

static bool is_socket(int dir_fd, const char *name) {
        struct stat st;

        return fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISSOCK(st.st_mode);
}

static int save(BackupSave *s, int dir_fd, const char *name, const char *path, const FileAnswer *answer) {
        _cleanup_(freep) char *member = member_of(path);
        uint64_t size = 0;
        int r;

        if (!member)
                return -ENOMEM;
        if (is_socket(dir_fd, name))
                return 0; /* whoever listens makes it anew */

        r = answer->verdict == FILE_RANGES ?
                    set_writer_add_ranges(s->writer, dir_fd, name, member, answer->ranges, answer->n_ranges, &size) :
                    set_writer_add_file(s->writer, dir_fd, name, member, s->plan->best_effort, &size);
        if (r == -ENOENT && s->place == PLACE_LIVE)
                return 0; /* it has gone meanwhile */
        if (r < 0)
                return failed_at(s, path, false, r);
        if (r > 0) {
                fprintf(stderr, "umbra: not all of '%s' can be read; the rest is zeros in the set\n", path);
                ++s->n_failed;
                r = backup_files_blame(s->plan, path, false);
        }
        ++s->n_files;
        s->n_bytes += size;
        return r;
}

static int save_file(int dir_fd, const char *name, const char *path, void *userdata) {
        BackupSave *s = userdata;
        FileAnswer answer;
        int r;

        if (tool_interrupted())
                return -EINTR;
        r = backup_files_ask(s->files, s->place, path, dir_fd, name, &answer);
        if (r == -ENOENT && s->place == PLACE_LIVE)
                return 0;
        if (r < 0)
                return failed_at(s, path, false, r);
        if (s->place == PLACE_ALTERNATE)
                r = remember(s, path);
        else if (was_alternate(s, path))
                return 0;
        if (r == 0 && answer.named)
                r = add_name(s, path);
        if (r < 0 || answer.verdict == FILE_NOTHING || backup_files_is_ranges_file(s->files, path))
                return r;
        return save(s, dir_fd, name, path, &answer);
}

static int save_directory(int fd, const char *path, void *userdata) {
        _cleanup_(freep) char *member = member_of(path);
        BackupSave *s = userdata;
        int r;

        if (!member)
                return -ENOMEM;
        if (s->place == PLACE_LIVE) {
                FileSetView view;

                file_set_view(backup_files_walk(s->files, PLACE_SHADOW), path, &view);
                if (file_set_view_is_member(&view))
                        return 0; /* it was saved with its shadow copy */
        }
        r = set_writer_add_directory(s->writer, fd, member);
        return r < 0 ? failed_at(s, path, true, r) : 0;
}

static int directory_failed(const char *path, int error, void *userdata) {
        return failed_at(userdata, path, true, error);
}

/* Where another volume is mounted, its own shadow copy goes on. */
static int open_nested(const char *path, void *userdata) {
        BackupSave *s = userdata;
        int fd;

        for (size_t i = 0; i < s->plan->n_volumes; ++i)
                if (strcmp(s->plan->volumes[i].path, path) == 0) {
                        fd = fcntl(s->plan->volumes[i].fd, F_DUPFD_CLOEXEC, 3);
                        return fd < 0 ? -errno : fd;
                }
        return -ENOENT;
}

/* A directory as it is in the shadow copy of its volume. */
static int open_in_shadow(BackupSave *s, const char *path) {
        const PlanVolume *v = backup_plan_volume(s->plan, path);
        const char *below;
        int fd;

        if (!v)
                return -EXDEV; /* the volumes were chosen before it was named */
        below = path + (strcmp(v->path, "/") == 0 ? 0 : strlen(v->path));
        while (*below == '/')
                ++below;
        if (*below)
                return open_beneath(v->fd, below, O_RDONLY | O_DIRECTORY, 0);
        fd = fcntl(v->fd, F_DUPFD_CLOEXEC, 3);
        return fd < 0 ? -errno : fd;
}

static int open_live(const char *path) {
        int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        return fd < 0 ? -errno : fd;
}

/* Files whose names are below @path and which are below @directory. */
static int save_tree(BackupSave *s, const FileSet *set, const char *path, const char *directory, bool live) {
        const TreeVisitor visitor = {
                .file = save_file,
                .directory = s->place == PLACE_ALTERNATE ? NULL : save_directory,
                .open = s->place == PLACE_SHADOW ? open_nested : NULL,
                .failed = directory_failed,
        };
        _cleanup_(closep) int fd = -EBADF;

        fd = live ? open_live(directory) : open_in_shadow(s, directory);
        if (fd == -ENOENT || fd == -ENOTDIR)
                return 0;
        if (fd < 0) {
                int error = TAKE_FD(fd);

                return failed_at(s, path, true, error);
        }
        return tree_walk(set, path, fd, &visitor, s);
}

static int save_roots(BackupSave *s, FilePlace place) {
        const FileSet *set = backup_files_walk(s->files, place);
        _cleanup_(strv_freep) char **roots = NULL;
        int r;

        s->place = place;
        r = file_set_roots(set, &roots);
        for (char *const *root = roots; r == 0 && root && *root; ++root)
                r = save_tree(s, set, *root, *root, place == PLACE_LIVE);
        return r;
}

static int save_alternates(BackupSave *s) {
        const AlternateFiles *list;
        size_t n;
        int r = 0;

        s->place = PLACE_ALTERNATE;
        list = backup_files_alternates(s->files, &n);
        for (size_t i = 0; i < n && r == 0; ++i)
                r = save_tree(s, list[i].set, list[i].path, list[i].directory, list[i].live);
        return r;
}

static int save_ranges_file(const char *path, const struct stat *st, const char *bytes, size_t size, void *userdata) {
        _cleanup_(freep) char *member = member_of(path);
        BackupSave *s = userdata;

        if (!member)
                return -ENOMEM;
        ++s->n_files;
        s->n_bytes += size;
        return set_writer_add_content(s->writer, st, member, bytes, size);
}

static int partial_is_missing(const char *path, void *userdata) {
        return failed_at(userdata, path, false, -ENOENT);
}

static int component_is_empty(const Component *c, void *userdata) {
        fprintf(stderr, "umbra: warning: component '%s' has no files: nothing is there of what its writer names\n", c->full);
        return 0;
}

int backup_save_files(BackupSave *s) {
        int r;

        r = backup_files_for_each_ranges_file(s->files, save_ranges_file, s);
        if (r == 0)
                r = save_alternates(s);
        if (r == 0)
                r = save_roots(s, PLACE_SHADOW);
        if (r == 0)
                r = save_roots(s, PLACE_LIVE);
        if (r == 0)
                r = backup_files_for_each_missing(s->files, partial_is_missing, s);
        return r == 0 ? backup_files_for_each_empty(s->files, component_is_empty, s) : r;
}

int backup_save_names(BackupSave *s) {
        struct stat st;
        void *text;
        int r;

        if (!s->names)
                return 0;
        if (fflush(s->names) != 0 || fstat(fileno(s->names), &st) < 0)
                return -errno;
        if ((uint64_t) st.st_size > SET_TEXT_MAX)
                return -E2BIG;
        if (st.st_size == 0)
                return set_writer_add_text(s->writer, SET_NAMES, "", 0);

        text = mmap(NULL, (size_t) st.st_size, PROT_READ, MAP_PRIVATE, fileno(s->names), 0);
        if (text == MAP_FAILED)
                return -errno;
        r = set_writer_add_text(s->writer, SET_NAMES, text, (size_t) st.st_size);
        (void) munmap(text, (size_t) st.st_size);
        return r;
}
