/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A File and its Entry
 *
 * What of a file is kept in a set besides its bytes, in both directions: type, mode, owner (by number: the
 * set goes back to where it came from), time of modification in nanoseconds, extended attributes, ACLs,
 * holes, the target of a link, the number of a device. Access times, and the flags of chattr(1), are not.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include <archive_entry.h>

#include "tools/digest.h"

static inline void archive_entry_freep(struct archive_entry **e) {
        if (*e)
                archive_entry_free(*e);
        *e = NULL;
}

/* Fills an empty @entry. @fd is the open file or directory; for others it is not looked at, and @name in
 * @dir_fd is. */
int set_entry_from_file(struct archive_entry *entry,
                        int dir_fd,
                        const char *name,
                        int fd,
                        const struct stat *st);

/* The letter of the index for the type of @entry: 'f', 'd', 'l', 'h' (hard link), 'p', 'c', 'b'; 0 for
 * anything else. */
char set_entry_type(struct archive_entry *entry);

/* A digest of everything but the name and the bytes. */
int set_entry_digest(struct archive_entry *entry, Digest *digest, uint8_t ret[DIGEST_SIZE]);

/* What could not be put back; not a failure where the file system or a user who is not root cannot have it.
 * */
typedef enum SetEntryLoss {
        SET_ENTRY_LOSS_OWNER = 1 << 0,
        SET_ENTRY_LOSS_ATTRIBUTES = 1 << 1,
        SET_ENTRY_LOSS_ACL = 1 << 2,
} SetEntryLoss;

/* Gives owner, mode, attributes and time to an open file or directory. @losses collects SetEntryLoss bits.
 * */
int set_entry_apply(struct archive_entry *entry, int fd, unsigned *losses);
/* Of a directory that is about to be filled: its owner, as far as we may, and its mode, but that its owner can do everything. */
void set_entry_apply_owner(struct archive_entry *entry, int fd);
/* The same for what cannot be opened: links and special files. */
int set_entry_apply_at(struct archive_entry *entry, int dir_fd, const char *name, unsigned *losses);
