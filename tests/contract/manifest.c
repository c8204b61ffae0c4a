/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What a Tree Is
 */

#include "contract/manifest.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd-util.h"
#include "base/strv.h"
#include "lib/test-util.h"

#define VALUE_MAX 4096

typedef struct Walk {
        char **lines;
        size_t skip; /* the length of the directory's name */
        dev_t device;
        struct {
                ino_t ino;
                char *first;
        } names[64]; /* files with several names, and the first one of each */
        size_t n_names;
} Walk;

static uint64_t hash_add(uint64_t hash, const void *data, size_t size) {
        const uint8_t *p = data;

        for (size_t i = 0; i < size; ++i)
                hash = (hash ^ p[i]) * UINT64_C(0x100000001b3);
        return hash;
}

static uint64_t hash_file(const char *path) {
        static uint8_t buffer[65536];
        _cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
        uint64_t hash = UINT64_C(0xcbf29ce484222325);
        ssize_t n;

        if (fd < 0)
                fail_msg("Failed to open '%s': %s", path, strerror(errno));
        while ((n = fd_read_full(fd, buffer, sizeof(buffer))) > 0)
                hash = hash_add(hash, buffer, (size_t) n);
        assert_int_equal(n, 0);
        return hash;
}

/* Names and values, in the order of the names. */
static uint64_t hash_attributes(const char *path) {
        char list[VALUE_MAX], value[VALUE_MAX];
        _cleanup_(strv_freep) char **names = NULL;
        uint64_t hash = 0;
        ssize_t n, size;

        n = llistxattr(path, list, sizeof(list));
        if (n < 0 && errno == EOPNOTSUPP)
                return 0;
        assert_true(n >= 0);
        for (char *p = list; p < list + n; p += strlen(p) + 1)
                assert_int_equal(strv_append(&names, p), 0);
        strv_sort(names);

        STRV_FOREACH(name, names) {
                size = lgetxattr(path, *name, value, sizeof(value));
                assert_true(size >= 0);
                hash = hash_add(hash, *name, strlen(*name) + 1);
                hash = hash_add(hash, value, (size_t) size);
        }
        return hash;
}

/* With everything but plain characters as %xx, so that a name is a word. */
static char *printable(const char *name) {
        char *text = malloc(3 * strlen(name) + 1), *p = text;

        for (; *name; ++name)
                if (*name > ' ' && *name < 0x7f && *name != '%')
                        *p++ = *name;
                else
                        p += sprintf(p, "%%%02x", (unsigned char) *name);
        *p = '\0';
        return text;
}

/* Which earlier name leads to the same file; "" for the first one. */
static const char *same_file(Walk *walk, const char *name, const struct stat *st) {
        if (S_ISDIR(st->st_mode) || st->st_nlink < 2)
                return "";

        for (size_t i = 0; i < walk->n_names; ++i)
                if (walk->names[i].ino == st->st_ino)
                        return walk->names[i].first;

        assert_true(walk->n_names < ELEMENTSOF(walk->names));
        walk->names[walk->n_names].ino = st->st_ino;
        assert_int_equal(strdup_to(name, &walk->names[walk->n_names++].first), 0);
        return "";
}

static char *line_of(Walk *walk, const char *path, const struct stat *st) {
        _cleanup_(freep) char *name = printable(path + walk->skip), *target = NULL;
        char link_text[VALUE_MAX] = "", *line;

        if (S_ISLNK(st->st_mode))
                assert_true(readlink(path, link_text, sizeof(link_text) - 1) >= 0);
        target = printable(link_text);

        assert_int_equal(format_to(&line,
                                   "%s mode=%o owner=%u:%u size=%lld time=%lld.%09ld device=%llx link=%s "
                                   "same=%s attributes=%016llx content=%016llx",
                                   name, st->st_mode, st->st_uid, st->st_gid,
                                   S_ISDIR(st->st_mode) ? 0LL : (long long) st->st_size,
                                   (long long) st->st_mtim.tv_sec, st->st_mtim.tv_nsec,
                                   (unsigned long long) st->st_rdev, target, same_file(walk, name, st),
                                   (unsigned long long) hash_attributes(path),
                                   S_ISREG(st->st_mode) ? (unsigned long long) hash_file(path) : 0ULL),
                         0);
        return line;
}

/* What lies on another mount or in another subvolume; in a snapshot of btrfs a directory with the inode 2
 * stands for the latter. */
static bool is_elsewhere(const Walk *walk, const FTSENT *e) {
        const struct stat *st = e->fts_statp;

        return st->st_dev != walk->device ||
               (e->fts_level > 0 && S_ISDIR(st->st_mode) && st->st_ino == 2 && st->st_nlink == 1);
}

static int by_name(const FTSENT **a, const FTSENT **b) {
        return strcmp((*a)->fts_name, (*b)->fts_name);
}

static char *walk_tree(const char *dir, bool names_only) {
        _cleanup_(freep) char *path = NULL;
        Walk walk = { .skip = strlen(dir) };
        struct stat st;
        FTSENT *e;
        FTS *fts;
        char *text;

        assert_int_equal(stat(dir, &st), 0);
        walk.device = st.st_dev;
        assert_int_equal(strdup_to(dir, &path), 0);
        fts = fts_open((char *[]) { path, NULL }, FTS_PHYSICAL | FTS_NOCHDIR, by_name);
        assert_non_null(fts);

        while ((e = fts_read(fts))) {
                bool own = e->fts_level == 1 && strcmp(e->fts_name, ".umbra-shadow") == 0;
                bool brief = names_only || is_elsewhere(&walk, e);

                if (e->fts_info == FTS_DP)
                        continue;
                if (!names_only && (own || brief))
                        (void) fts_set(fts, e, FTS_SKIP);
                if (names_only || !own)
                        assert_int_equal(
                                strv_consume(&walk.lines, brief ? printable(e->fts_path + walk.skip) :
                                                                  line_of(&walk, e->fts_path, e->fts_statp)),
                                0);
        }
        (void) fts_close(fts);

        text = strv_join(walk.lines, "\n");
        assert_non_null(text);
        strv_free(walk.lines);
        for (size_t i = 0; i < walk.n_names; ++i)
                free(walk.names[i].first);
        return text;
}

char *manifest_new(const char *dir) {
        return walk_tree(dir, false);
}

char *manifest_names(const char *dir) {
        return walk_tree(dir, true);
}

void assert_same_manifest(const char *a, const char *b) {
        size_t line = 0;

        if (strcmp(a, b) == 0)
                return;

        for (size_t i = 0; a[i] == b[i]; ++i)
                if (a[i] == '\n')
                        line = i + 1;
        print_error("here:  %.*s\n", (int) strcspn(a + line, "\n"), a + line);
        print_error("there: %.*s\n", (int) strcspn(b + line, "\n"), b + line);
        fail();
}
