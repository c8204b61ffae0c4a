/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Everything About a File but What Is in It
 *
 * Owner, mode (set-user-id too), times to the nanosecond, and extended attributes, of which POSIX ACLs,
 * labels and capabilities are some.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

/* A file that is open (@fd >= 0), or one that cannot be, such as a link: then it is @name in @dir_fd. */
typedef struct FilesNode {
        int fd, dir_fd;
        const char *name;
} FilesNode;

/* Makes @to what @from is, as @stx says. @mode is that of @stx, unless @to must be something else for now.
 * Adds to *@lost the attributes that @to cannot have (its file system has no such thing, or we have not the
 * right), and owners. */
int files_copy_metadata(const FilesNode *from,
                        const FilesNode *to,
                        const struct statx *stx,
                        mode_t mode,
                        uint64_t *lost);

/* Whether @to is that already, in all but the time it was read. */
int files_has_metadata(const FilesNode *from,
                       const FilesNode *to,
                       const struct statx *from_stx,
                       const struct statx *to_stx);
