/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Finding Things in Pools
 */

#include "providers/zfs/zfs-find.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <libmount/libmount.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "providers/zfs/zfs-command.h"

/* Whoever asks whether a volume is supported waits for it. */
#define BELOW_TIMEOUT_USEC (5 * USEC_PER_SEC)

int zfs_note_write(const ZfsNote *note, char **ret) {
        return format_to(ret, "pool=%" PRIu64 " dataset=%" PRIu64 " snapshot=%" PRIu64 " id=%s name=%s",
                         note->pool, note->dataset, note->snapshot, note->id, note->name);
}

int zfs_note_read(const char *text, ZfsNote *ret) {
        ZfsNote note = { 0 };
        int n = 0;
        GUID id;

        if (!text ||
            sscanf(text, "pool=%" SCNu64 " dataset=%" SCNu64 " snapshot=%" SCNu64 " id=%36s name=%n",
                   &note.pool, &note.dataset, &note.snapshot, note.id, &n) != 4 ||
            n == 0 || guid_from_string(note.id, &id) < 0 || zfs_check_name(text + n) < 0)
                return provider_fail(-EINVAL, "its note '%s' cannot be understood", text ?: "");

        note.name = text + n;
        *ret = note;
        return 0;
}

/* Datasets */

static void mnt_unref_tablep(struct libmnt_table **t) {
        mnt_unref_table(*t);
}

static void mnt_free_iterp(struct libmnt_iter **i) {
        mnt_free_iter(*i);
}

static int check_mount(struct libmnt_fs *fs) {
        const char *type = mnt_fs_get_fstype(fs) ?: "", *root = mnt_fs_get_root(fs) ?: "";
        const char *source = mnt_fs_get_source(fs) ?: "";

        if (strcmp(type, "zfs") != 0)
                return provider_fail(-EOPNOTSUPP, "it does not lie on ZFS");
        if (strcmp(root, "/") != 0)
                return provider_fail(-EOPNOTSUPP, "it is only a part of the dataset '%s'", source);

        return zfs_check_name(source);
}

/* The mount with this number; -ENOENT. The caller unrefs *@ret_table, which *@ret is a part of. */
static int find_mount(const char *mountinfo, uint64_t id, struct libmnt_table **ret_table, struct libmnt_fs **ret) {
        _cleanup_(mnt_unref_tablep) struct libmnt_table *table = NULL;
        _cleanup_(mnt_free_iterp) struct libmnt_iter *iter = NULL;
        struct libmnt_fs *fs;

        table = mnt_new_table_from_file(mountinfo);
        iter = mnt_new_iter(MNT_ITER_BACKWARD);
        if (!table || !iter)
                return -EIO;

        while (mnt_table_next_fs(table, iter, &fs) == 0)
                if ((uint64_t) mnt_fs_get_id(fs) == id) {
                        *ret_table = TAKE_PTR(table);
                        *ret = fs;
                        return 0;
                }

        return -ENOENT;
}

int zfs_dataset_of(int fd, const char *mountinfo, char **ret) {
        _cleanup_(mnt_unref_tablep) struct libmnt_table *table = NULL;
        struct libmnt_fs *fs;
        struct statx st;
        int r;

        if (statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_MNT_ID, &st) < 0)
                return -errno;
        if (!(st.stx_attributes & STATX_ATTR_MOUNT_ROOT))
                return provider_fail(-EOPNOTSUPP, "it is not the top directory of a dataset");

        r = find_mount(mountinfo, st.stx_mnt_id, &table, &fs);
        if (r == -EIO)
                return provider_fail(r, "'%s' cannot be read", mountinfo);
        if (r < 0)
                return provider_fail(-EOPNOTSUPP, "it is not among the mounts of this system");

        r = check_mount(fs);
        return r < 0 ? r : strdup_to(mnt_fs_get_source(fs), ret);
}

int zfs_check_name(const char *dataset) {
        const char *last = strrchr(dataset, '/');

        if (strchr(dataset, '@'))
                return provider_fail(-EOPNOTSUPP, "'%.300s' is a snapshot itself", dataset);
        if (strlen(dataset) + strlen("@" ZFS_NAME_PREFIX) + GUID_STRING_MAX - 1 > ZFS_NAME_MAX)
                return provider_fail(-EOPNOTSUPP,
                                     "the name of its dataset is too long to have snapshots of umbra");

        /* The names of pools begin with a letter, so none is taken for an option. */
        if (!isascii(*dataset) || !isalpha(*dataset) || (last && last[1] == '\0'))
                return provider_fail(-EOPNOTSUPP, "'%.300s' is no dataset", dataset);
        for (const char *p = dataset; *p; ++p)
                if (!isascii(*p) || (!isalnum(*p) && !strchr("-_.: /", *p)))
                        return provider_fail(-EOPNOTSUPP, "'%.300s' is no dataset", dataset);

        return 0;
}

static int pool_of(const char *dataset, char **ret) {
        return format_to(ret, "%.*s", (int) strcspn(dataset, "/@"), dataset);
}

/* What the Pool Lies On */

static int add_below(const char *path, const char *mountinfo, ProviderProbe *probe) {
        _cleanup_(mnt_unref_tablep) struct libmnt_table *table = NULL;
        struct libmnt_fs *fs;
        struct statx st;
        dev_t device;
        int r;

        if (statx(AT_FDCWD, path, 0, STATX_BASIC_STATS | STATX_MNT_ID, &st) < 0)
                return -errno;
        if (!S_ISREG(st.stx_mode))
                return 0;

        r = find_mount(mountinfo, st.stx_mnt_id, &table, &fs);
        if (r < 0)
                return r;

        device = mnt_fs_get_devno(fs);
        for (size_t i = 0; i < probe->n_below; ++i)
                if (probe->below[i] == device)
                        return 0;
        if (probe->n_below == PROVIDER_BELOW_MAX)
                return -E2BIG;

        probe->below[probe->n_below++] = device;
        return 0;
}

/* Behind the line of the pool there is one for each of its parts, with a tab before it: disks and files by their paths, and
 * what they are grouped to. */
static int take_parts(char *text, const char *mountinfo, ProviderProbe *probe) {
        char *line, *save = NULL;
        int r = 0;

        for (line = strtok_r(text, "\n", &save); line && r >= 0; line = strtok_r(NULL, "\n", &save)) {
                if (line[0] != '\t' || line[1] != '/')
                        continue;

                line[1 + strcspn(line + 1, "\t")] = '\0';
                if (strncmp(line + 1, "/dev/", strlen("/dev/")) != 0) /* of which some may be gone */
                        r = add_below(line + 1, mountinfo, probe);
        }

        return r;
}

void zfs_find_below(const char *dataset, const char *mountinfo, ProviderProbe *probe) {
        _cleanup_(freep) char *pool = NULL, *output = NULL;
        int r;

        r = pool_of(dataset, &pool);
        if (r >= 0)
                r = zfs_run((const char *[]){ "zpool", "list", "-vHPL", pool, NULL }, NULL, BELOW_TIMEOUT_USEC, &output);
        if (r >= 0)
                r = take_parts(output, mountinfo, probe);
        if (r < 0)
                probe->flags |= PROVIDER_LIES_ANYWHERE;
}

int zfs_pool_guid(const char *dataset, uint64_t *ret) {
        _cleanup_(freep) char *pool = NULL;
        int r;

        r = pool_of(dataset, &pool);
        if (r < 0)
                return r;

        return zfs_run_for_number(
                (const char *[]){ "zpool", "get", "-Hp", "-o", "value", "guid", pool, NULL }, ret);
}

int zfs_dataset_guid(const char *dataset, uint64_t *ret) {
        return zfs_run_for_number(
                (const char *[]){ "zfs", "get", "-Hp", "-o", "value", "guid", dataset, NULL }, ret);
}

int zfs_pool_name(const ZfsNote *note, char **ret) {
        _cleanup_(freep) char *output = NULL;
        char *text, *fields[2];
        int r;

        r = zfs_run((const char *[]){ "zpool", "list", "-Hp", "-o", "name,guid", NULL }, NULL,
                    ZFS_QUERY_TIMEOUT_USEC, &output);
        if (r < 0)
                return r;

        text = output;
        while ((r = zfs_next_row(&text, fields, ELEMENTSOF(fields))) > 0) {
                uint64_t guid;

                r = zfs_number(fields[1], &guid);
                if (r < 0)
                        return r;
                if (guid == note->pool)
                        return strdup_to(fields[0], ret);
        }

        return r < 0 ? r :
                       provider_fail(-ENODEV,
                                     "the pool of '%s' (%" PRIu64
                                     ") is not there; import it with zpool import",
                                     note->name, note->pool);
}

int zfs_dataset_name(const ZfsNote *note, char **ret) {
        _cleanup_(freep) char *pool = NULL;
        int r;

        r = zfs_pool_name(note, &pool);
        return r < 0 ? r : format_to(ret, "%s%s", pool, note->name + strcspn(note->name, "/"));
}

int zfs_clone_name(const char *dataset, const char *id, char **ret) {
        const char *last = strrchr(dataset, '/');

        return format_to(ret, "%.*s/" ZFS_NAME_PREFIX "%s",
                         (int) (last ? last - dataset : (ptrdiff_t) strlen(dataset)), dataset, id);
}

/* Snapshots */

void zfs_found_clear(ZfsFound *f) {
        free(f->snapshot);
        free(f->clone);
        *f = (ZfsFound){ 0 };
}

static const char *id_in(const char *name, char separator) {
        const char *last = strrchr(name, separator);

        return last && strncmp(last + 1, ZFS_NAME_PREFIX, strlen(ZFS_NAME_PREFIX)) == 0 ?
                       last + 1 + strlen(ZFS_NAME_PREFIX) :
                       NULL;
}

bool zfs_is_ours(const char *snapshot) {
        return id_in(snapshot, '@');
}

bool zfs_is_called(const char *name, char separator, const char *id) {
        const char *found = id_in(name, separator);

        return found && strcmp(found, id) == 0;
}

/* Lines of a name and the mark that is expected of it. The first of a kind counts: better hints come first. */
static int take_rows(char *text, const char *id, const char *mark, ZfsFound *f) {
        char *fields[2];
        int r;

        while ((r = zfs_next_row(&text, fields, ELEMENTSOF(fields))) > 0) {
                if (strcmp(fields[1], mark) != 0)
                        continue;

                r = 0;
                if (!f->snapshot && zfs_is_called(fields[0], '@', id))
                        r = strdup_to(fields[0], &f->snapshot);
                else if (!f->clone && !strchr(fields[0], '@') && zfs_is_called(fields[0], '/', id))
                        r = strdup_to(fields[0], &f->clone);
                if (r < 0)
                        return r;
        }

        return r;
}

/* Where they should be, or (@pool) all over it. */
static int look_for_marked(const ProviderSnapshot *s,
                           const ZfsNote *note,
                           const char *dataset,
                           const char *pool,
                           ZfsFound *f) {
        _cleanup_(freep) char *snapshot = NULL, *clone = NULL, *output = NULL;
        int r;

        r = format_to(&snapshot, "%s@" ZFS_NAME_PREFIX "%s", dataset, note->id);
        if (r >= 0)
                r = zfs_clone_name(dataset, note->id, &clone);
        if (r < 0)
                return r;

        if (pool)
                r = zfs_run((const char *[]){ "zfs", "get", "-Hp", "-r", "-t", "snapshot,filesystem", "-s",
                                              "local", "-o", "name,value", ZFS_PROPERTY, pool, NULL },
                            NULL, ZFS_CHANGE_TIMEOUT_USEC, &output);
        else
                r = zfs_run_leniently((const char *[]){ "zfs", "get", "-Hp", "-s", "local", "-o",
                                                        "name,value", ZFS_PROPERTY, snapshot, clone, NULL },
                                      NULL, ZFS_QUERY_TIMEOUT_USEC, &output);
        return r < 0 ? r : take_rows(output, note->id, GUID_TO_STRING(&s->set_id), f);
}

static int look_for_imported(const ZfsNote *note, const char *dataset, const char *pool, ZfsFound *f) {
        _cleanup_(freep) char *snapshot = NULL, *output = NULL, *mark = NULL;
        int r;

        r = format_to(&snapshot, "%s@" ZFS_NAME_PREFIX "%s", dataset, note->id);
        if (r >= 0)
                r = format_to(&mark, "%" PRIu64, note->snapshot);
        if (r < 0)
                return r;

        if (pool)
                r = zfs_run((const char *[]){ "zfs", "list", "-Hp", "-r", "-t", "snapshot", "-o",
                                              "name,guid", pool, NULL },
                            NULL, ZFS_CHANGE_TIMEOUT_USEC, &output);
        else
                r = zfs_run_leniently((const char *[]){ "zfs", "list", "-Hp", "-t", "snapshot", "-o",
                                                        "name,guid", snapshot, NULL },
                                      NULL, ZFS_QUERY_TIMEOUT_USEC, &output);
        return r < 0 ? r : take_rows(output, note->id, mark, f);
}

static int look(const ProviderSnapshot *s,
                const ZfsNote *note,
                const char *dataset,
                const char *pool,
                ZfsFound *f) {
        int r;

        r = look_for_marked(s, note, dataset, pool, f);
        if (r < 0)
                return r;
        if (f->snapshot)
                f->ours = true;
        else if (note->snapshot != 0)
                return look_for_imported(note, dataset, pool, f);
        return 0;
}

int zfs_find(const ZfsNote *note, const ProviderSnapshot *s, ZfsFound *ret) {
        _cleanup_(zfs_found_clear) ZfsFound found = { 0 };
        _cleanup_(freep) char *pool = NULL, *dataset = NULL;
        int r;

        r = zfs_dataset_name(note, &dataset);
        if (r >= 0)
                r = pool_of(dataset, &pool);
        if (r < 0)
                return r;

        r = look(s, note, dataset, NULL, &found);
        if (r >= 0 && !found.snapshot)
                r = look(s, note, dataset, pool, &found);
        if (r < 0)
                return r;

        *ret = found;
        found = (ZfsFound){ 0 };
        return 0;
}
