/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Copying a Tree
 *
 * The copying is libarchive's: it reads a tree from one disk and writes it to the other, and knows owners,
 * times, attributes, lists, links, holes and special files. It is slow and it looks names up while file
 * systems are held; no example for a provider that is meant to be used.
 */

#include "providers/fake/fake-copy.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/macro.h"

#define EXTRACT_FLAGS                                                                               \
        (ARCHIVE_EXTRACT_OWNER | ARCHIVE_EXTRACT_PERM | ARCHIVE_EXTRACT_TIME | ARCHIVE_EXTRACT_XATTR |\
         ARCHIVE_EXTRACT_ACL | ARCHIVE_EXTRACT_SPARSE)

/* What is copied where, and what stands in the way. */
typedef struct Copy {
        struct archive *from, *to;
        struct archive_entry_linkresolver *links;
        const char *source; /* the volume as the reader names it */
        const char *target;
        const char *store; /* is not copied into itself */
} Copy;

static int copy_error(struct archive *a) {
        int error = archive_errno(a);

        return -(error > 0 ? error : EIO);
}

/* The blocks of one file, each where it belongs, so that holes stay holes. */
static int copy_data(Copy *copy) {
        const void *block;
        size_t size;
        off_t offset;
        int r;

        while ((r = archive_read_data_block(copy->from, &block, &size, &offset)) == ARCHIVE_OK)
                if (archive_write_data_block(copy->to, block, size, offset) < ARCHIVE_OK)
                        return copy_error(copy->to);

        return r == ARCHIVE_EOF ? 0 : copy_error(copy->from);
}

/* /volume/a/b becomes /target/a/b. */
static int move_name(const Copy *copy, const char *name, char **ret) {
        return format_to(ret, "%s%s", copy->target, name + strlen(copy->source));
}

static int copy_entry(Copy *copy, struct archive_entry *entry) {
        _cleanup_(freep) char *name = NULL, *link = NULL;
        struct archive_entry *sparse = NULL;
        int r;

        r = move_name(copy, archive_entry_pathname(entry), &name);
        if (r < 0)
                return r;

        archive_entry_linkify(copy->links, &entry, &sparse);
        archive_entry_copy_pathname(entry, name);
        if (archive_entry_hardlink(entry)) {
                r = move_name(copy, archive_entry_hardlink(entry), &link);
                if (r < 0)
                        return r;
                archive_entry_copy_hardlink(entry, link);
        }

        if (archive_write_header(copy->to, entry) < ARCHIVE_OK)
                return copy_error(copy->to);
        if (!link && archive_entry_filetype(entry) == AE_IFREG) {
                r = copy_data(copy);
                if (r < 0)
                        return r;
        }

        return archive_write_finish_entry(copy->to) < ARCHIVE_OK ? copy_error(copy->to) : 0;
}

/* Neither the store nor what is mounted below the volume. */
static bool is_wanted(const Copy *copy, struct archive_entry *entry, dev_t device) {
        return archive_entry_dev(entry) == device && strcmp(archive_entry_pathname(entry), copy->store) != 0;
}

static int copy_all(Copy *copy) {
        dev_t device = 0;

        for (;;) {
                struct archive_entry *entry;
                int r;

                r = archive_read_next_header(copy->from, &entry);
                if (r == ARCHIVE_EOF)
                        return 0;
                if (r < ARCHIVE_WARN)
                        return copy_error(copy->from);
                if (device == 0)
                        device = archive_entry_dev(entry);
                if (!is_wanted(copy, entry, device))
                        continue;

                if (archive_read_disk_can_descend(copy->from))
                        archive_read_disk_descend(copy->from);

                if (archive_entry_filetype(entry) == AE_IFSOCK)
                        continue;

                r = copy_entry(copy, entry);
                if (r < 0)
                        return r;
        }
}

static void copy_clear(Copy *copy) {
        archive_entry_linkresolver_free(copy->links);
        archive_read_free(copy->from);
        archive_write_free(copy->to);
}

int fake_copy_tree(const char *source, const char *target, const char *store) {
        _cleanup_(copy_clear) Copy copy = {
                .from = archive_read_disk_new(),
                .to = archive_write_disk_new(),
                .links = archive_entry_linkresolver_new(),
                .source = strcmp(source, "/") == 0 ? "" : source,
                .target = target,
                .store = store,
        };
        int r;

        if (!copy.from || !copy.to || !copy.links)
                return -ENOMEM;

        archive_entry_linkresolver_set_strategy(copy.links, ARCHIVE_FORMAT_TAR_PAX_RESTRICTED);
        archive_read_disk_set_symlink_physical(copy.from);
        archive_write_disk_set_options(copy.to, EXTRACT_FLAGS);
        if (archive_read_disk_open(copy.from, source) < ARCHIVE_OK)
                return copy_error(copy.from);

        r = copy_all(&copy);
        if (r < 0)
                return r;

        /* Only now the directories get their times. */
        return archive_write_close(copy.to) < ARCHIVE_OK ? copy_error(copy.to) : 0;
}
