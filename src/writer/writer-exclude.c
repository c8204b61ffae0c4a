/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Files That Are Not to Be in Shadow Copies
 *
 * What a writer has named with AddExcludeFilesFromSnapshot is the writer's own to delete from the copies: it
 * knows whose files they are, and can delete no others than it may in the volume. So its process does it here,
 * when OnPostSnapshot() has returned, as far as the handler has not. The walk goes from directory to directory
 * by descriptor and through no link, so that it cannot leave the copy.
 * [MS: excluding-files-from-shadow-copies]
 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <oleauto.h>

#include "base/alloc.h"
#include "base/fd-util.h"
#include "base/utf.h"
#include "doc/filespec.h"
#include "writer/writer-internal.h"

/* Each level of directories costs a descriptor, of which the application has its own use. */
#define EXCLUDE_DEPTH_MAX 128U

typedef struct Exclusion {
        char *path;    /* as it is really called on the volume */
        char *pattern;
        bool recursive;
        unsigned depth;
        int r;         /* the first failure; the others are deleted all the same */
        char *culprit; /* the name that it was about */
} Exclusion;

static void exclusion_clear(Exclusion *x) {
        free(x->path);
        free(x->pattern);
        free(x->culprit);
}

static void exclusion_failed(Exclusion *x, int r, const char *name) {
        if (x->r >= 0 && r < 0 && r != -ENOENT) {
                x->r = r;
                (void) strdup_to(name, &x->culprit);
        }
}

static void closedirp(DIR **d) {
        if (*d)
                (void) closedir(*d);
}

static void exclude_in(Exclusion *x, int fd);

static void exclude_below(Exclusion *x, int dir_fd, const char *name) {
        int fd;

        if (x->depth >= EXCLUDE_DEPTH_MAX) {
                exclusion_failed(x, -ELOOP, name);
                return;
        }
        fd = open_beneath(dir_fd, name, O_RDONLY | O_DIRECTORY, 0);
        if (fd < 0) {
                exclusion_failed(x, fd, name);
                return;
        }
        ++x->depth;
        exclude_in(x, fd);
        --x->depth;
}

static void exclude_entry(Exclusion *x, int dir_fd, const char *name) {
        struct stat st;

        if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
                exclusion_failed(x, -errno, name);
        else if (S_ISDIR(st.st_mode)) {
                if (x->recursive)
                        exclude_below(x, dir_fd, name);
        } else if (filespec_match_name(x->pattern, name) && unlinkat(dir_fd, name, 0) < 0)
                exclusion_failed(x, -errno, name);
}

/* Takes @fd. */
static void exclude_in(Exclusion *x, int fd) {
        _cleanup_(closedirp) DIR *d = NULL;
        const struct dirent *entry;

        d = fdopendir(fd);
        if (!d) {
                exclusion_failed(x, -errno, ".");
                fd_close(fd);
                return;
        }
        while ((entry = readdir(d))) // NOLINT(concurrency-mt-unsafe): nobody else has @d
                if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
                        exclude_entry(x, dirfd(d), entry->d_name);
}

/* Whatever may be wrong with what we were told: this is never the volume itself. */
static int open_copy(const char *volume, const char *device) {
        _cleanup_(closep) int fd = -EBADF;
        struct stat original, copy;

        fd = open(device, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0 || fstat(fd, &copy) < 0)
                return -errno;
        if (stat(volume, &original) >= 0 && original.st_dev == copy.st_dev && original.st_ino == copy.st_ino)
                return -EXDEV;

        return TAKE_FD(fd);
}

/* The part of one copy that the exclusion is about, which may be none. */
static void exclude_from_copy(Exclusion *x, const char *volume, const char *device) {
        size_t above = strcmp(volume, "/") == 0 ? 0 : strlen(volume);
        const char *rest;
        int fd, dir_fd;

        if (path_is_below(x->path, volume))
                rest = x->path + above + (x->path[above] == '/');
        else if (x->recursive && path_is_below(volume, x->path))
                rest = "";
        else
                return;

        fd = open_copy(volume, device);
        if (fd < 0) {
                exclusion_failed(x, fd, device);
                return;
        }
        dir_fd = *rest ? open_beneath(fd, rest, O_RDONLY | O_DIRECTORY, 0) : TAKE_FD(fd);
        (void) fd_close(fd);
        if (dir_fd >= 0)
                exclude_in(x, dir_fd);
        else if (dir_fd != -ENOTDIR)
                exclusion_failed(x, dir_fd, rest);
}

/* The strings of the view; -ENODATA: the list has an entry without them. */
static int exclusion_read(IVssWMFiledesc *desc, Exclusion *ret) {
        _cleanup_(freep) char *path = NULL, *expanded = NULL, *normal = NULL;
        BSTR bpath = NULL, bpattern = NULL;
        int r = -ENODATA;

        if (IVssWMFiledesc_GetPath(desc, &bpath) == S_OK && IVssWMFiledesc_GetFilespec(desc, &bpattern) == S_OK &&
            IVssWMFiledesc_GetRecursive(desc, &ret->recursive) == S_OK)
                r = utf8_from_wide(bpath, &path);
        if (r >= 0)
                r = utf8_from_wide(bpattern, &ret->pattern);
        SysFreeString(bpath);
        SysFreeString(bpattern);
        if (r >= 0)
                r = path_expand(path, &expanded);
        if (r >= 0)
                r = path_normalise(expanded, &normal);
        return r < 0 ? r : path_real(normal, &ret->path);
}

static int exclude_one(IVssExamineWriterMetadataEx2 *metadata, UINT i, const WriterEvent *e, char **ret_why) {
        _cleanup_(exclusion_clear) Exclusion x = { 0 };
        IVssWMFiledesc *desc = NULL;
        int r;

        if (IVssExamineWriterMetadataEx2_GetExcludeFromSnapshotFile(metadata, i, &desc) != S_OK)
                return 0; /* what is wrong with it was the requester's to see */
        r = exclusion_read(desc, &x);
        IVssWMFiledesc_Release(desc);
        if (r == -ENOMEM)
                return r;
        if (r < 0)
                return 0;

        for (char *const *pair = e->devices; pair && pair[0] && pair[1]; pair += 2)
                exclude_from_copy(&x, pair[0], pair[1]);
        if (x.r < 0)
                (void) format_to(ret_why, "'%s' below '%s' could not be deleted from the shadow copy: %s", x.culprit ?: "?",
                                 x.path, strerror(-x.r));
        return x.r;
}

int writer_exclude_files(IVssExamineWriterMetadata *identify, const WriterEvent *e, char **ret_why) {
        IVssExamineWriterMetadataEx2 *metadata = NULL;
        UINT n = 0;
        int r = 0;

        if (!identify || FAILED(IVssExamineWriterMetadata_QueryInterface(identify, &IID_IVssExamineWriterMetadataEx2,
                                                                         (void **) &metadata)))
                return 0;
        (void) IVssExamineWriterMetadataEx2_GetExcludeFromSnapshotCount(metadata, &n);
        for (UINT i = 0; i < n; ++i) {
                _cleanup_(freep) char *why = NULL;
                int k = exclude_one(metadata, i, e, &why);

                if (r >= 0 && k < 0) {
                        r = k;
                        *ret_why = TAKE_PTR(why);
                }
        }
        IVssExamineWriterMetadataEx2_Release(metadata);
        return r;
}
