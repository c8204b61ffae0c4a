/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Finding Things in Pools
 *
 * A snapshot is called <dataset>@umbra-<snapshot id>, and a clone of it <parent of the dataset>/umbra-<snapshot
 * id>. Both carry the user property umbra:set, whose value is the id of the snapshot set; that they carry it
 * themselves, and neither inherited nor received it, is what makes them umbra's: copies that somebody has
 * sent elsewhere are his.
 *
 * Pools and datasets may get other names at any time, and snapshots move to another dataset when a clone is
 * promoted. So they are remembered by their numbers (guid), which never change, and names are a hint.
 */

#include "base/guid.h"
#include "base/macro.h"
#include "provider/provider.h"

#define ZFS_PROPERTY "umbra:set"
#define ZFS_NAME_PREFIX "umbra-"

/* What ZFS allows: 255 bytes for a dataset and its snapshot. */
#define ZFS_NAME_MAX 255U

/* What plan() wrote down. */
typedef struct ZfsNote {
        uint64_t pool, dataset;
        uint64_t snapshot; /* of one that was imported, and may not carry the property; else 0 */
        char id[GUID_STRING_MAX];
        const char *name; /* of the dataset, then */
} ZfsNote;

int zfs_note_write(const ZfsNote *note, char **ret);
int zfs_note_read(const char *text, ZfsNote *ret); /* @ret points into @text */

/* The dataset whose top is the directory behind @fd, by the table of mounts in @mountinfo. -EOPNOTSUPP, with a
 * sentence: there is none. */
int zfs_dataset_of(int fd, const char *mountinfo, char **ret);
/* Is it one that a snapshot with umbra's name can be made of? -EOPNOTSUPP. */
int zfs_check_name(const char *dataset);

/* Where the files are that the dataset's pool consists of, if of files: adds them to @probe by the table of mounts in @mountinfo.
 * What cannot be found out is PROVIDER_LIES_ANYWHERE there. */
void zfs_find_below(const char *dataset, const char *mountinfo, ProviderProbe *probe);

int zfs_pool_guid(const char *dataset, uint64_t *ret); /* of the pool it lies in */
int zfs_dataset_guid(const char *dataset, uint64_t *ret);
/* What the pool is called now. -ENODEV, with a sentence: it is not imported. */
int zfs_pool_name(const ZfsNote *note, char **ret);

/* And the dataset, if only its pool has another name. */
int zfs_dataset_name(const ZfsNote *note, char **ret);

/* "tank/a/umbra-<id>" for the dataset tank/a/b. */
int zfs_clone_name(const char *dataset, const char *id, char **ret);

bool zfs_is_ours(const char *snapshot); /* by its name */
/* Does @name end in umbra-@id, behind its last @separator? */
bool zfs_is_called(const char *name, char separator, const char *id);

typedef struct ZfsFound {
        char *snapshot; /* its full name; NULL: none */
        char *clone;
        bool ours; /* else it is a copy of somebody's, which was imported and is only shown */
} ZfsFound;

void zfs_found_clear(ZfsFound *f);

/* What there is of the snapshot @s. 0 also when there is nothing. -ENODEV as above. */
int zfs_find(const ZfsNote *note, const ProviderSnapshot *s, ZfsFound *ret);
