/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Backup Sets for Tests
 */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/acl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd-util.h"
#include "base/strv.h"
#include "lib/test-util.h"
#include "set-fixture.h"
#include "tools/digest.h"
#include "tools/file-set.h"
#include "tools/restore-tree.h"
#include "tools/set-format.h"
#include "tools/set-reader.h"
#include "tools/set-writer.h"
#include "tools/tree-walk.h"

void shell(const char *format, ...) {
        _cleanup_(freep) char *command = NULL;
        va_list ap;

        va_start(ap, format);
        assert_true(vasprintf(&command, format, ap) >= 0);
        va_end(ap);
        assert_int_equal(system(command), 0);
}

char *read_bytes(const char *path, size_t *ret_size) {
        _cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
        struct stat st;
        char *data;

        assert_true(fd >= 0);
        assert_int_equal(fstat(fd, &st), 0);
        data = malloc((size_t) st.st_size + 1);
        assert_non_null(data);
        assert_int_equal(fd_read_full(fd, data, (size_t) st.st_size), st.st_size);
        *ret_size = (size_t) st.st_size;
        return data;
}

void write_bytes(const char *path, const char *data, size_t size) {
        _cleanup_(closep) int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

        assert_true(fd >= 0);
        assert_int_equal(fd_write_all(fd, data, size), 0);
}

static void write_noise(const char *dir, const char *name, size_t size) {
        _cleanup_(freep) char *path = path_in(dir, name), *data = malloc(size);
        uint32_t x = 2463534242U;

        assert_non_null(data);
        for (size_t i = 0; i < size; ++i) {
                x ^= x << 13;
                x ^= x >> 17;
                x ^= x << 5;
                data[i] = (char) x;
        }
        write_bytes(path, data, size);
}

static void set_time(const char *dir, const char *name, time_t sec, long nsec) {
        struct timespec times[2] = { { .tv_sec = 1, .tv_nsec = 0 }, { .tv_sec = sec, .tv_nsec = nsec } };
        _cleanup_(freep) char *path = path_in(dir, name);

        assert_int_equal(utimensat(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW), 0);
}

static void set_attribute(const char *dir,
                          const char *name,
                          const char *attribute,
                          const void *value,
                          size_t size) {
        _cleanup_(freep) char *path = path_in(dir, name);

        assert_int_equal(setxattr(path, attribute, value, size, 0), 0);
}

static void set_acl(const char *dir, const char *name, acl_type_t type, const char *text) {
        _cleanup_(freep) char *path = path_in(dir, name);
        acl_t acl = acl_from_text(text);

        assert_non_null(acl);
        assert_int_equal(acl_set_file(path, type, acl), 0);
        acl_free(acl);
}

static void make_sparse(const char *dir, const char *name, const off_t *data, size_t n, off_t size) {
        _cleanup_(freep) char *path = path_in(dir, name);
        _cleanup_(closep) int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

        assert_true(fd >= 0);
        for (size_t i = 0; i < n; ++i)
                assert_int_equal(pwrite(fd, "not a hole", 10, data[i]), 10);
        assert_int_equal(ftruncate(fd, size), 0);
}

static void populate_sparse(const char *dir) {
        make_sparse(dir, "sparse/all", NULL, 0, 4 << 20);
        make_sparse(dir, "sparse/begin", (off_t[]){ 0 }, 1, 8 << 20);
        make_sparse(dir, "sparse/end", (off_t[]){ (8 << 20) - 10 }, 1, 8 << 20);
        make_sparse(dir, "sparse/middle", (off_t[]){ 1 << 20, 5 << 20 }, 2, (off_t) 3 << 32);
        write_file(dir, "sparse/empty", "");
}

static void populate_links(const char *dir) {
        static const struct {
                const char *target, *name;
        } links[] = {
                { "/etc/passwd",         "links/absolute" },
                { "../../../../../etc",  "links/out"      },
                { "nothing\xFF",         "links/dangling" },
                { "../hard",             "links/dir"      },
        };
        _cleanup_(freep) char *first = NULL, *second = NULL, *third = NULL;

        for (size_t i = 0; i < ELEMENTSOF(links); ++i) {
                _cleanup_(freep) char *path = path_in(dir, links[i].name);

                assert_int_equal(symlink(links[i].target, path), 0);
                set_time(dir, links[i].name, 1234567890, 5);
        }

        write_file(dir, "hard/first", "one file, three names");
        first = path_in(dir, "hard/first");
        second = path_in(dir, "hard/second");
        third = path_in(dir, "links/third");
        assert_int_equal(link(first, second), 0);
        assert_int_equal(link(first, third), 0);
}

static void populate_attributes(const char *dir) {
        static const char bytes[] = { 0, '=', '\n', (char) 0xFF, 0 };
        char large[3000];

        memset(large, 'x', sizeof(large));
        write_file(dir, "attributes/file", "attributes");
        set_attribute(dir, "attributes/file", "user.text", "text", 4);
        set_attribute(dir, "attributes/file", "user.bytes", bytes, sizeof(bytes));
        set_attribute(dir, "attributes/file", "user.empty", "", 0);
        set_attribute(dir, "attributes/file", TREE_ODD_ATTRIBUTE, large, sizeof(large));
        set_attribute(dir, "attributes", "user.of-a-directory", "yes", 3);

        write_file(dir, "acl/file", "access control");
        set_acl(dir, "acl/file", ACL_TYPE_ACCESS, "u::rw-,u:1:r--,u:4242:rwx,g::r--,g:7:---,m::rw-,o::---");
        set_acl(dir, "acl", ACL_TYPE_ACCESS, "u::rwx,u:1:r-x,g::---,m::r-x,o::---");
        set_acl(dir, "acl", ACL_TYPE_DEFAULT, "u::rwx,g::r-x,g:8:rwx,m::rwx,o::r--");
}

static void populate_special(const char *dir) {
        _cleanup_(freep) char *fifo = path_in(dir, "special/fifo"), *device = path_in(dir, "special/device"),
                              *setuid = path_in(dir, "special/setuid"), *locked = path_in(dir, "locked");

        assert_int_equal(mkfifo(fifo, 0640), 0);
        set_time(dir, "special/fifo", 1000, 1);
        write_file(dir, "special/setuid", "#!/bin/false\n");
        assert_int_equal(chmod(setuid, 06711), 0);

        if (geteuid() == 0) {
                assert_int_equal(mknod(device, S_IFCHR | 0600, makedev(1, 3)), 0);
                assert_int_equal(chown(setuid, 12345, 54321), 0);
                assert_int_equal(chmod(setuid, 06711), 0);
        }

        write_file(dir, "locked/file", "in a directory that nobody may enter");
        assert_int_equal(chmod(locked, 0), 0);
        set_time(dir, "locked", 86400, 999999999);
}

/* A path that no single call takes. */
static void populate_deep(const char *dir) {
        char name[256];
        int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        memset(name, 'd', 255);
        name[255] = '\0';
        for (unsigned i = 0; i < 12; ++i) {
                int child;

                assert_int_equal(mkdirat(fd, name, 0755), 0);
                child = openat(fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
                assert_true(child >= 0);
                (void) close(fd);
                fd = child;
        }
        (void) close(fd);
}

void tree_populate(const char *dir, bool big) {
        static const char *const odd[] = {
                "names/with space", "names/with\nline feed", "names/with\ttab", "names/-rf", "names/.hidden",
                "names/*?[glob]", "names/\\x41", "names/back\\slash", "names/\xC3\xBC\xF0\x9F\x92\xBE",
                "names/latin-\xFC", "names/\x01\x7F\x80\xFF", "names/trailing.", "names/quo\"te",
        };

        for (size_t i = 0; i < ELEMENTSOF(odd); ++i)
                write_file(dir, odd[i], odd[i]);

        write_file(dir, "sparse/x", "");
        write_file(dir, "links/x", "");
        write_file(dir, "special/x", "");
        write_file(dir, "empty-dir/x", "");
        shell("rm '%s/empty-dir/x'", dir);

        populate_sparse(dir);
        populate_links(dir);
        populate_attributes(dir);
        populate_special(dir);
        populate_deep(dir);

        write_noise(dir, "noise-1", 1);
        write_noise(dir, "noise-511", 511);
        write_noise(dir, "noise-512", 512);
        write_noise(dir, "noise-block", 1 << 20);
        if (big)
                write_noise(dir, "noise-big", (10 << 20) + 3);

        set_time(dir, "noise-1", -1000000, 123456789); /* before 1970 */
        set_time(dir, "noise-512", 5000000000, 1);
        set_time(dir, "empty-dir", 1, 999999999);
}

/* What of a file is compared, besides its name. */
static void describe_attributes(FILE *f, int fd) {
        char names[8192], value[65536];
        _cleanup_(strv_freep) char **sorted = NULL;
        ssize_t size = flistxattr(fd, names, sizeof(names));

        for (const char *n = names; size > 0 && n < names + size; n += strlen(n) + 1)
                assert_int_equal(strv_append(&sorted, n), 0);

        strv_sort(sorted);
        STRV_FOREACH(n, sorted) {
                ssize_t k = fgetxattr(fd, *n, value, sizeof(value));

                fprintf(f, " %s=", *n);
                for (ssize_t i = 0; i < k; ++i)
                        fprintf(f, "%02x", (unsigned char) value[i]);
        }
}

static void describe_content(FILE *f, int fd, off_t size) {
        _cleanup_(digest_freep) Digest *d = NULL;
        char hex[DIGEST_HEX_MAX];
        uint8_t digest[DIGEST_SIZE];
        static char buffer[65536];
        off_t end = 0;
        ssize_t n;

        assert_int_equal(digest_new(&d), 0);
        while (end < size) {
                off_t begin = lseek(fd, end, SEEK_DATA);

                if (begin < 0)
                        break;

                end = lseek(fd, begin, SEEK_HOLE);
                fprintf(f, " %jd-%jd", (intmax_t) begin, (intmax_t) MIN(end, size));
                for (off_t at = begin; at < end; at += n) {
                        n = pread(fd, buffer, MIN(sizeof(buffer), (size_t) (end - at)), at);
                        if (n <= 0)
                                break;
                        digest_update(d, buffer, (size_t) n);
                }
        }

        assert_int_equal(digest_end(d, digest), 0);
        fprintf(f, " %s", digest_to_hex(digest, hex));
}

typedef struct Describe {
        char **lines;
        char **inodes; /* "dev:ino path" of files with several names */
} Describe;

static const char *describe_link(Describe *d, const struct stat *st, const char *path) {
        char key[64];
        char *line;

        snprintf(key, sizeof(key), "%ju:%ju ", (uintmax_t) st->st_dev, (uintmax_t) st->st_ino);
        STRV_FOREACH(i, d->inodes)
                if (strncmp(*i, key, strlen(key)) == 0)
                        return "linked";

        assert_int_equal(format_to(&line, "%s%s", key, path), 0);
        assert_int_equal(strv_consume(&d->inodes, line), 0);
        return "first";
}

static int describe_at(int dir_fd, const char *name, const char *path, void *userdata) {
        Describe *d = userdata;
        char target[4096] = "";
        char *line = NULL;
        size_t size;
        FILE *f = open_memstream(&line, &size);
        struct stat st;

        assert_int_equal(fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW), 0);
        fprintf(f, "%s %o %u:%u %jd.%09ld rdev=%jx size=%jd", path, st.st_mode, st.st_uid, st.st_gid,
                (intmax_t) st.st_mtim.tv_sec, st.st_mtim.tv_nsec, (uintmax_t) st.st_rdev,
                S_ISDIR(st.st_mode) ? 0 : (intmax_t) st.st_size);

        if (S_ISLNK(st.st_mode)) {
                assert_true(readlinkat(dir_fd, name, target, sizeof(target) - 1) > 0);
                fprintf(f, " -> %s", target);
        } else if (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode)) {
                _cleanup_(closep) int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC);

                assert_true(fd >= 0);
                describe_attributes(f, fd);
                if (S_ISREG(st.st_mode)) {
                        describe_content(f, fd, st.st_size);
                        fprintf(f, " links=%ju", (uintmax_t) st.st_nlink);
                }
        }

        (void) fclose(f);
        assert_int_equal(strv_consume(&d->lines, line), 0);
        if (S_ISREG(st.st_mode) && st.st_nlink > 1)
                (void) describe_link(d, &st, path);
        return 0;
}

static int describe_directory(int fd, const char *path, void *userdata) {
        return describe_at(fd, ".", path, userdata);
}

char *tree_describe(const char *dir) {
        static const TreeVisitor visitor = { .file = describe_at, .directory = describe_directory };
        _cleanup_(file_set_freep) FileSet *set = NULL;
        _cleanup_(closep) int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        Describe d = { 0 };
        char *text;

        assert_true(fd >= 0);
        assert_int_equal(file_set_new(&set), 0);
        assert_int_equal(file_set_add(set, "/", NULL, true), 0);
        assert_int_equal(tree_walk(set, "/", fd, &visitor, &d), 0);

        strv_sort(d.lines);
        text = strv_join(d.lines, "\n");
        strv_free(d.lines);
        strv_free(d.inodes);
        return text;
}

static char *member_of(const char *path) {
        char *member;

        assert_int_equal(format_to(&member, SET_DATA_PREFIX "%s", path), 0);
        return member;
}

static int save_file(int dir_fd, const char *name, const char *path, void *userdata) {
        _cleanup_(freep) char *member = member_of(path);

        assert_int_equal(set_writer_add_file(userdata, dir_fd, name, member, false, NULL), 0);
        return 0;
}

static int save_directory(int fd, const char *path, void *userdata) {
        _cleanup_(freep) char *member = member_of(path);

        assert_int_equal(set_writer_add_directory(userdata, fd, member), 0);
        return 0;
}

void set_save(const char *path, const char *dir, int level) {
        static const TreeVisitor visitor = { .file = save_file, .directory = save_directory };
        static const char manifest[] = "{\"format\": \"" SET_FORMAT "\", \"version\": 1}";
        _cleanup_(file_set_freep) FileSet *set = NULL;
        _cleanup_(set_output_freep) SetOutput *output = NULL;
        _cleanup_(set_writer_freep) SetWriter *w = NULL;
        _cleanup_(closep) int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        assert_true(fd >= 0);
        assert_int_equal(file_set_new(&set), 0);
        assert_int_equal(file_set_add(set, dir, NULL, true), 0);
        assert_int_equal(set_output_open(path, true, level, &output), 0);
        assert_int_equal(set_writer_new(output, NULL, NULL, &w), 0);
        assert_int_equal(set_writer_add_text(w, SET_MANIFEST, manifest, strlen(manifest)), 0);
        assert_int_equal(tree_walk(set, dir, fd, &visitor, w), 0);
        assert_int_equal(set_writer_begin_tail(w), 0);
        assert_int_equal(set_writer_add_text(w, SET_FINAL_DOCUMENT, "<final/>", 8), 0);
        assert_int_equal(set_writer_add_text(w, SET_SUMMARY, "{}", 2), 0);
        assert_int_equal(set_writer_finish(w), 0);
}

typedef struct Restore {
        int error;
        unsigned restored;
} Restore;

static void on_restored(const char *path, void *userdata) {
        ++((Restore *) userdata)->restored;
}

static void on_failed(const char *path, int error, const char *sentence, void *userdata) {
        Restore *restore = userdata;

        if (restore->error == 0)
                restore->error = error;
}

static int restore_stream(SetReader *reader, const char *from, const char *to, Restore *restore) {
        static const RestoreCallbacks callbacks = { .restored = on_restored, .failed = on_failed };
        _cleanup_(restore_tree_freep) RestoreTree *tree = NULL;
        _cleanup_(set_stream_freep) SetStream *stream = NULL;
        struct archive_entry *entry;
        const SetIndexLine *line;
        int r;

        assert_int_equal(restore_tree_new(&callbacks, restore, &tree), 0);
        assert_int_equal(restore_tree_map(tree, from, to), 0);

        r = set_stream_open(reader, &stream);
        while (r == 0 && (r = set_stream_next(stream, &entry, &line)) > 0)
                r = restore_tree_add(tree, stream, entry, line, false);

        return r < 0 ? r : restore_tree_finish(tree);
}

int set_restore(const char *set, const char *from, const char *to, unsigned *ret_restored) {
        _cleanup_(set_reader_freep) SetReader *reader = NULL;
        Restore restore = { 0 };
        int r;

        r = set_reader_open(set, NULL, NULL, &reader);
        if (r == 0)
                r = set_reader_verify_seal(reader);
        if (r == 0)
                r = set_reader_load(reader);
        if (r == 0)
                r = restore_stream(reader, from, to, &restore);

        if (ret_restored)
                *ret_restored = restore.restored;
        return r < 0 ? r : restore.error;
}

int set_restore_unsealed(const char *set, const char *from, const char *to) {
        _cleanup_(set_reader_freep) SetReader *reader = NULL;
        Restore restore = { 0 };
        int r;

        r = set_reader_open(set, NULL, NULL, &reader);
        if (r == 0)
                r = set_reader_load(reader);
        if (r == 0)
                r = set_reader_verify_members(reader);
        if (r == 0)
                r = restore_stream(reader, from, to, &restore);

        return r < 0 ? r : restore.error;
}

Fixture fixture_new(bool populate, int level) {
        Fixture f = { .dir = temp_dir_new() };

        write_file(f.dir, "tree/file", "file");
        write_file(f.dir, "target/mark", "");
        f.tree = path_in(f.dir, "tree");
        f.set = path_in(f.dir, "set");
        f.target = path_in(f.dir, "target/new");
        if (populate)
                tree_populate(f.tree, true);
        set_save(f.set, f.tree, level);
        return f;
}

void fixture_end(Fixture *f) {
        free(f->target);
        free(f->set);
        free(f->tree);
        (void) temp_dir_free(f->dir);
}

/* A line that differs says more than two texts that do. */
void assert_same_tree(const char *a, const char *b) {
        _cleanup_(freep) char *first = tree_describe(a), *second = tree_describe(b);
        char *i = first, *k = second, *x, *y;

        while ((x = strsep(&i, "\n")) && (y = strsep(&k, "\n")))
                assert_string_equal(x, y);
        assert_true(!i && !k);
}
