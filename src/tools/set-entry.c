/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A File and its Entry
 */

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <archive.h>

#include "base/alloc.h"
#include "base/fd-util.h"
#include "base/strv.h"
#include "tools/set-entry.h"
#include "tools/set-format.h"

/* A file in more pieces is kept as one with fewer holes. */
#define ENTRY_EXTENTS_MAX 65536U

/* The kernel's form of an ACL, in its extended attribute. [linux/posix_acl_xattr.h] */
#define ACL_ACCESS_ATTRIBUTE "system.posix_acl_access"
#define ACL_DEFAULT_ATTRIBUTE "system.posix_acl_default"
#define ACL_ATTRIBUTE_VERSION 2U
#define ACL_ENTRIES_MAX 1024U

typedef struct AclAttributeEntry {
        uint16_t tag, permissions;
        uint32_t id;
} AclAttributeEntry;

typedef struct AclAttribute {
        uint32_t version;
        AclAttributeEntry entries[ACL_ENTRIES_MAX];
} AclAttribute;

static const struct {
        uint16_t kernel;
        int archive;
} acl_tags[] = {
        { 0x01, ARCHIVE_ENTRY_ACL_USER_OBJ  },
        { 0x02, ARCHIVE_ENTRY_ACL_USER      },
        { 0x04, ARCHIVE_ENTRY_ACL_GROUP_OBJ },
        { 0x08, ARCHIVE_ENTRY_ACL_GROUP     },
        { 0x10, ARCHIVE_ENTRY_ACL_MASK      },
        { 0x20, ARCHIVE_ENTRY_ACL_OTHER     },
};

static int acl_tag_to_archive(uint16_t tag) {
        for (size_t i = 0; i < ELEMENTSOF(acl_tags); ++i)
                if (acl_tags[i].kernel == tag)
                        return acl_tags[i].archive;

        return -EINVAL;
}

static int acl_tag_from_archive(int tag) {
        for (size_t i = 0; i < ELEMENTSOF(acl_tags); ++i)
                if (acl_tags[i].archive == tag)
                        return acl_tags[i].kernel;

        return -EINVAL;
}

static int entry_add_acl(struct archive_entry *entry, int type, const void *data, size_t size) {
        _cleanup_(freep) AclAttribute *acl = NULL;

        acl = calloc_checked(1, sizeof(*acl));
        if (!acl)
                return -ENOMEM;
        if (size < sizeof(acl->version) || size > sizeof(*acl))
                return -E2BIG;

        memcpy(acl, data, size);
        if (le32toh(acl->version) != ACL_ATTRIBUTE_VERSION)
                return -EOPNOTSUPP;

        for (size_t i = 0; i < (size - sizeof(acl->version)) / sizeof(acl->entries[0]); ++i) {
                const AclAttributeEntry *e = &acl->entries[i];
                int tag = acl_tag_to_archive(le16toh(e->tag));
                bool named = tag == ARCHIVE_ENTRY_ACL_USER || tag == ARCHIVE_ENTRY_ACL_GROUP;

                if (tag < 0 || archive_entry_acl_add_entry(entry, type, le16toh(e->permissions), tag,
                                                           named ? (int) le32toh(e->id) : -1, NULL) != 0)
                        return -EINVAL;
        }

        return 0;
}

/* tar knows "name=value", and nothing of names with a "=" in them; and some versions of libarchive write a
 * "%", or what is not ASCII, in another way than they read it. So those become "!XX", which all of them
 * leave alone. */
static bool attribute_needs_escape(unsigned char c) {
        return c <= ' ' || c >= 0x7F || c == '=' || c == '%' || c == '!';
}

static int attribute_escape(const char *name, char **ret) {
        char *escaped, *out;

        out = escaped = calloc_checked(strlen(name) + 1, 3);
        if (!escaped)
                return -ENOMEM;

        for (; *name; ++name)
                if (attribute_needs_escape((unsigned char) *name))
                        out += sprintf(out, "!%02X", (unsigned) (unsigned char) *name);
                else
                        *out++ = *name;

        *ret = escaped;
        return 0;
}

/* What is no "!XX" stays as it is. */
static int attribute_unescape(const char *escaped, char **ret) {
        char *name, *out;
        uint8_t byte;

        out = name = calloc_checked(strlen(escaped) + 1, 1);
        if (!name)
                return -ENOMEM;

        for (; *escaped; ++escaped)
                if (escaped[0] == '!' && strspn(escaped + 1, "0123456789ABCDEF") >= 2 &&
                    sscanf(escaped + 1, "%2" SCNx8, &byte) == 1 && byte != 0) {
                        *out++ = (char) byte;
                        escaped += 2;
                } else
                        *out++ = *escaped;

        *ret = name;
        return 0;
}

static int entry_add_attribute(struct archive_entry *entry, int fd, const char *name) {
        _cleanup_(freep) char *escaped = NULL;
        _cleanup_(freep) void *value = NULL;
        ssize_t size;
        int r;

        size = fgetxattr(fd, name, NULL, 0);
        if (size < 0)
                return errno == ENODATA ? 0 : -errno;
        if ((size_t) size > SET_ATTRIBUTES_MAX)
                return -E2BIG;

        value = calloc_checked((size_t) size + 1, 1);
        if (!value)
                return -ENOMEM;

        size = fgetxattr(fd, name, value, (size_t) size);
        if (size < 0)
                return errno == ENODATA ? 0 : -errno;

        if (strcmp(name, ACL_ACCESS_ATTRIBUTE) == 0)
                return entry_add_acl(entry, ARCHIVE_ENTRY_ACL_TYPE_ACCESS, value, (size_t) size);
        if (strcmp(name, ACL_DEFAULT_ATTRIBUTE) == 0)
                return entry_add_acl(entry, ARCHIVE_ENTRY_ACL_TYPE_DEFAULT, value, (size_t) size);

        r = attribute_escape(name, &escaped);
        if (r < 0)
                return r;

        archive_entry_xattr_add_entry(entry, escaped, value, (size_t) size);
        return 0;
}

static int entry_add_attributes(struct archive_entry *entry, int fd) {
        char names[4096];
        _cleanup_(freep) char *more = NULL;
        const char *list = names;
        ssize_t size;
        int r;

        size = flistxattr(fd, names, sizeof(names));
        if (size < 0 && errno == ERANGE) {
                more = calloc_checked(XATTR_LIST_MAX, 1);
                if (!more)
                        return -ENOMEM;

                list = more;
                size = flistxattr(fd, more, XATTR_LIST_MAX);
        }
        if (size < 0)
                return errno == EOPNOTSUPP ? 0 : -errno;

        for (const char *name = list; name < list + size; name += strlen(name) + 1) {
                r = entry_add_attribute(entry, fd, name);
                if (r < 0 && r != -EOPNOTSUPP)
                        return r;
        }

        return 0;
}

/* Where the data is. A file without holes has no list. */
static int entry_add_extents(struct archive_entry *entry, int fd, const struct stat *st) {
        off_t end = 0;

        if (st->st_size == 0 || st->st_blocks >= (st->st_size + 511) / 512)
                return 0;

        for (unsigned n = 0; end < st->st_size; ++n) {
                off_t begin = lseek(fd, end, SEEK_DATA);

                if (begin < 0 && errno == ENXIO) {
                        if (n == 0) /* nothing but a hole */
                                archive_entry_sparse_add_entry(entry, 0, 0);
                        break;
                }
                if (begin < 0)
                        return errno == EINVAL ? 0 : -errno;

                end = n < ENTRY_EXTENTS_MAX ? lseek(fd, begin, SEEK_HOLE) : st->st_size;
                if (end < 0)
                        return -errno;

                end = MIN(end, st->st_size);
                if (begin < end)
                        archive_entry_sparse_add_entry(entry, begin, end - begin);
        }

        return lseek(fd, 0, SEEK_SET) < 0 ? -errno : 0;
}

static int entry_add_target(struct archive_entry *entry, int dir_fd, const char *name) {
        char target[PATH_MAX];
        ssize_t n;

        n = readlinkat(dir_fd, name, target, sizeof(target) - 1);
        if (n < 0)
                return -errno;

        target[n] = '\0';
        archive_entry_copy_symlink(entry, target);
        return 0;
}

int set_entry_from_file(struct archive_entry *entry,
                        int dir_fd,
                        const char *name,
                        int fd,
                        const struct stat *st) {
        int r;

        archive_entry_set_mode(entry, st->st_mode);
        archive_entry_set_uid(entry, st->st_uid);
        archive_entry_set_gid(entry, st->st_gid);
        archive_entry_set_mtime(entry, st->st_mtim.tv_sec, st->st_mtim.tv_nsec);
        archive_entry_set_size(entry, S_ISREG(st->st_mode) ? st->st_size : 0);

        switch (st->st_mode & S_IFMT) {
        case S_IFREG:
                r = entry_add_extents(entry, fd, st);
                return r < 0 ? r : entry_add_attributes(entry, fd);
        case S_IFDIR:
                return entry_add_attributes(entry, fd);
        case S_IFLNK:
                return entry_add_target(entry, dir_fd, name);
        case S_IFCHR:
        case S_IFBLK:
                archive_entry_set_rdev(entry, st->st_rdev);
                return 0;
        case S_IFIFO:
                return 0;
        default:
                return -EOPNOTSUPP;
        }
}

char set_entry_type(struct archive_entry *entry) {
        if (archive_entry_hardlink(entry))
                return 'h';

        switch (archive_entry_filetype(entry)) {
        case AE_IFREG:
                return 'f';
        case AE_IFDIR:
                return 'd';
        case AE_IFLNK:
                return 'l';
        case AE_IFIFO:
                return 'p';
        case AE_IFCHR:
                return 'c';
        case AE_IFBLK:
                return 'b';
        default:
                return 0;
        }
}

/* Each part with its length before it, so that no two entries are spelled alike. */
static void digest_part(Digest *digest, const void *data, size_t size) {
        uint64_t length = htole64(size);

        digest_update(digest, &length, sizeof(length));
        digest_update(digest, data, size);
}

static int compare_names(const void *a, const void *b) {
        return strcmp(*(const char *const *) a, *(const char *const *) b);
}

static int digest_attributes(struct archive_entry *entry, Digest *digest) {
        _cleanup_(strv_freep) char **names = NULL;
        const char *name;
        const void *value;
        size_t size;
        int r;

        /* In whatever order they come, and however often the tar says them. */
        archive_entry_xattr_reset(entry);
        while (archive_entry_xattr_next(entry, &name, &value, &size) == ARCHIVE_OK) {
                if (strv_contains(names, name))
                        continue;

                r = strv_append(&names, name);
                if (r < 0)
                        return r;
        }

        qsort(names ? names : (char *[]){ NULL }, strv_length(names), sizeof(*names), compare_names);

        STRV_FOREACH(n, names) {
                archive_entry_xattr_reset(entry);
                while (archive_entry_xattr_next(entry, &name, &value, &size) == ARCHIVE_OK)
                        if (strcmp(name, *n) == 0) {
                                digest_part(digest, name, strlen(name));
                                digest_part(digest, value, size);
                                break;
                        }
        }

        return 0;
}

static void digest_acl(struct archive_entry *entry, int type, Digest *digest) {
        int t, permissions, tag, id;
        const char *name;

        if (archive_entry_acl_reset(entry, type) == 0)
                return;

        while (archive_entry_acl_next(entry, type, &t, &permissions, &tag, &id, &name) == ARCHIVE_OK) {
                char line[64];
                int n = snprintf(line, sizeof(line), "%d:%d:%d:%d", t, tag, id, permissions);

                digest_part(digest, line, (size_t) n);
        }
}

static void digest_extents(struct archive_entry *entry, Digest *digest) {
        la_int64_t offset, length;

        if (archive_entry_sparse_reset(entry) == 0)
                return;

        while (archive_entry_sparse_next(entry, &offset, &length) == ARCHIVE_OK) {
                char line[64];
                int n = snprintf(line, sizeof(line), "%" PRId64 "+%" PRId64, offset, length);

                /* The tar ends the list with an empty piece at the end of the file. */
                if (length > 0)
                        digest_part(digest, line, (size_t) n);
        }
}

int set_entry_digest(struct archive_entry *entry, Digest *digest, uint8_t ret[DIGEST_SIZE]) {
        const char *hardlink = archive_entry_hardlink(entry), *symlink = archive_entry_symlink(entry);
        const char *target = hardlink ? hardlink : symlink ? symlink : "";
        char type = set_entry_type(entry), line[192];
        int n, r;

        n = snprintf(line, sizeof(line),
                     "%c %04o %" PRId64 ":%" PRId64 " %" PRId64 " %" PRId64 ".%09ld %u:%u",
                     type ? type : '?', (unsigned) archive_entry_perm(entry), archive_entry_uid(entry),
                     archive_entry_gid(entry), type == 'f' ? archive_entry_size(entry) : 0,
                     (int64_t) archive_entry_mtime(entry), archive_entry_mtime_nsec(entry),
                     type == 'c' || type == 'b' ? (unsigned) archive_entry_rdevmajor(entry) : 0,
                     type == 'c' || type == 'b' ? (unsigned) archive_entry_rdevminor(entry) : 0);
        digest_part(digest, line, (size_t) n);
        digest_part(digest, target, strlen(target));

        /* A link to a file is nothing but that. */
        if (type != 'h') {
                r = digest_attributes(entry, digest);
                if (r < 0)
                        return r;

                digest_acl(entry, ARCHIVE_ENTRY_ACL_TYPE_ACCESS, digest);
                digest_acl(entry, ARCHIVE_ENTRY_ACL_TYPE_DEFAULT, digest);
                digest_extents(entry, digest);
        }

        return digest_end(digest, ret);
}

/* What a file system does not have, or only root may set, is lost and no reason to fail. */
static bool is_loss(int error) {
        return error == EOPNOTSUPP || error == EINVAL ||
               ((error == EPERM || error == EACCES) && geteuid() != 0);
}

static int apply_acl(struct archive_entry *entry,
                     int type,
                     const char *attribute,
                     int fd,
                     unsigned *losses) {
        _cleanup_(freep) AclAttribute *acl = NULL;
        int t, permissions, tag, id;
        const char *name;
        size_t n = 0;

        if (archive_entry_acl_reset(entry, type) == 0)
                return 0;

        acl = calloc_checked(1, sizeof(*acl));
        if (!acl)
                return -ENOMEM;

        acl->version = htole32(ACL_ATTRIBUTE_VERSION);
        while (archive_entry_acl_next(entry, type, &t, &permissions, &tag, &id, &name) == ARCHIVE_OK) {
                int kernel = acl_tag_from_archive(tag);

                if (kernel < 0 || n == ACL_ENTRIES_MAX)
                        return -EBADMSG;

                acl->entries[n++] = (AclAttributeEntry){
                        .tag = htole16((uint16_t) kernel),
                        .permissions = htole16((uint16_t) permissions & 07),
                        .id = htole32((uint32_t) id), /* -1 where there is none */
                };
        }

        /* The kernel wants them in the order of its tags, and by id. */
        for (size_t i = 1; i < n; ++i)
                for (size_t k = i; k > 0; --k) {
                        AclAttributeEntry *a = &acl->entries[k - 1], *b = &acl->entries[k], swap = *a;

                        if (le16toh(a->tag) < le16toh(b->tag) ||
                            (a->tag == b->tag && le32toh(a->id) <= le32toh(b->id)))
                                break;
                        *a = *b;
                        *b = swap;
                }

        if (fsetxattr(fd, attribute, acl, sizeof(acl->version) + n * sizeof(acl->entries[0]), 0) < 0) {
                if (!is_loss(errno))
                        return -errno;
                *losses |= SET_ENTRY_LOSS_ACL;
        }

        return 0;
}

static int apply_attributes(struct archive_entry *entry, int fd, unsigned *losses) {
        const char *escaped;
        const void *value;
        size_t size;
        int r;

        archive_entry_xattr_reset(entry);
        while (archive_entry_xattr_next(entry, &escaped, &value, &size) == ARCHIVE_OK) {
                _cleanup_(freep) char *name = NULL;

                /* ACLs come as such. */
                if (strncmp(escaped, "system.", strlen("system.")) == 0)
                        continue;

                r = attribute_unescape(escaped, &name);
                if (r < 0)
                        return r;

                if (fsetxattr(fd, name, value, size, 0) < 0) {
                        if (!is_loss(errno) && errno != EPERM)
                                return -errno;
                        *losses |= SET_ENTRY_LOSS_ATTRIBUTES;
                }
        }

        return 0;
}

/* What a file or directory has from the default ACL of the directory that it was made in. Before the mode, which would
 * otherwise be the mask of that, and let in whom it names. */
static int drop_inherited(struct archive_entry *entry, int fd) {
        static const struct {
                int type;
                const char *attribute;
        } acls[] = {
                { ARCHIVE_ENTRY_ACL_TYPE_ACCESS,  ACL_ACCESS_ATTRIBUTE  },
                { ARCHIVE_ENTRY_ACL_TYPE_DEFAULT, ACL_DEFAULT_ATTRIBUTE },
        };

        for (size_t i = 0; i < ELEMENTSOF(acls); ++i)
                if (archive_entry_acl_reset(entry, acls[i].type) == 0 && fremovexattr(fd, acls[i].attribute) < 0 &&
                    errno != ENODATA && errno != EACCES && !is_loss(errno))
                        return -errno;

        return 0;
}

static void entry_times(struct archive_entry *entry, struct timespec ret[2]) {
        ret[0] = (struct timespec){ .tv_nsec = UTIME_OMIT };
        ret[1] = (struct timespec){
                .tv_sec = archive_entry_mtime(entry),
                .tv_nsec = archive_entry_mtime_nsec(entry),
        };
}

int set_entry_apply(struct archive_entry *entry, int fd, unsigned *losses) {
        struct timespec times[2];
        int r;

        /* The owner first: changing it takes away set-user-ID and capabilities. */
        if (fchown(fd, (uid_t) archive_entry_uid(entry), (gid_t) archive_entry_gid(entry)) < 0) {
                if (!is_loss(errno))
                        return -errno;
                *losses |= SET_ENTRY_LOSS_OWNER;
        }

        r = drop_inherited(entry, fd);
        if (r < 0)
                return r;

        if (fchmod(fd, archive_entry_perm(entry) & 07777) < 0)
                return -errno;

        r = apply_attributes(entry, fd, losses);
        if (r < 0)
                return r;

        r = apply_acl(entry, ARCHIVE_ENTRY_ACL_TYPE_ACCESS, ACL_ACCESS_ATTRIBUTE, fd, losses);
        if (r == 0 && archive_entry_filetype(entry) == AE_IFDIR)
                r = apply_acl(entry, ARCHIVE_ENTRY_ACL_TYPE_DEFAULT, ACL_DEFAULT_ATTRIBUTE, fd, losses);
        if (r < 0)
                return r;

        entry_times(entry, times);
        return futimens(fd, times) < 0 ? -errno : 0;
}

void set_entry_apply_owner(struct archive_entry *entry, int fd) {
        /* Without its owner nobody else gets in. */
        if (fchown(fd, (uid_t) archive_entry_uid(entry), (gid_t) archive_entry_gid(entry)) == 0 &&
            drop_inherited(entry, fd) == 0)
                (void) fchmod(fd, (archive_entry_perm(entry) & 07777) | S_IRWXU);
}

/* A mode is set by a path: this is the one that leads to @fd whatever has been put in its place. */
static int apply_mode_by_path(struct archive_entry *entry, int fd) {
        char path[sizeof("/proc/self/fd/") + 16];

        (void) snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        (void) removexattr(path, ACL_ACCESS_ATTRIBUTE); /* inherited */
        return chmod(path, archive_entry_perm(entry) & 07777) < 0 ? -errno : 0;
}

int set_entry_apply_at(struct archive_entry *entry, int dir_fd, const char *name, unsigned *losses) {
        _cleanup_(closep) int fd = -EBADF;
        struct timespec times[2];
        struct stat st;
        int r;

        /* Whoever may write to the directory may exchange it for a link to something else. */
        fd = openat(dir_fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0 || fstat(fd, &st) < 0)
                return -errno;
        if ((st.st_mode & S_IFMT) != archive_entry_filetype(entry))
                return -ELOOP;

        if (fchownat(fd, "", (uid_t) archive_entry_uid(entry), (gid_t) archive_entry_gid(entry), AT_EMPTY_PATH) < 0) {
                if (!is_loss(errno))
                        return -errno;
                *losses |= SET_ENTRY_LOSS_OWNER;
        }

        r = S_ISLNK(st.st_mode) ? 0 : apply_mode_by_path(entry, fd);
        if (r < 0)
                return r;

        entry_times(entry, times);
        return utimensat(dir_fd, name, times, AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
}
