/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Volumes
 *
 * What a volume is: a directory tree that some provider can snapshot. This file knows names (mount point,
 * directory, device, \\?\Volume{GUID}\), what lies under them (libmount, libblkid), which file systems can
 * be held and in which order.
 */

#include <stdbool.h>
#include <sys/types.h>

#include <wintypes.h>

#include "base/macro.h"

typedef struct Volume {
        char *path;        /* absolute directory, resolved, no trailing slash except "/" */
        char *mount_point; /* the mount it lies on; equal to path when it is the root of one */
        char *device;      /* "/dev/loop0"; NULL for file systems without one */
        char *fstype;
        GUID id;           /* stable across reboots: see volume-id.c */
        dev_t dev;         /* st_dev of path */
        dev_t fs_dev;      /* the file system: the same for all mounts and subvolumes of it */
        bool is_mount;     /* path is a mount point or a btrfs subvolume */
        bool holdable;     /* FIFREEZE makes sense (ext4, xfs, btrfs …), and nothing of umbra lies on it */
} Volume;

Volume *volume_free(Volume *v);
DEFINE_CLEANUP(Volume *, volume_free)

/* Takes every spelling: "/srv/data/", "\\srv\\data\\", "/dev/vg/data" (must be mounted),
 * "\\\\?\\Volume{…}\\" (looked up among mounts only: that of a directory is catalog_find_volume()'s to
 * know), both separators, last one forgiven. VSS_E_OBJECT_NOT_FOUND: nothing there;
 * VSS_E_VOLUME_NOT_SUPPORTED: not a directory, or on proc, sysfs, a network file system …; E_INVALIDARG: not
 * absolute. *ret_why: a sentence (caller frees), on failure only; @ret_why may be NULL. */
HRESULT volume_resolve(const char *name, Volume **ret, char **ret_why);
/* The innermost mount (or btrfs subvolume) that a file or directory lies on, which need not exist. Takes the same
 * spellings, and what stands behind \\\\?\\Volume{…}\\; fails in the same ways. */
HRESULT volume_containing(const char *name, Volume **ret, char **ret_why);
/* Every mount that could be a volume, sorted by path; btrfs subvolumes included as mounted. Not what nobody
 * looks for (tmpfs, overlays other than "/"), nor what umbra has mounted below its own directories. */
int volume_list(Volume ***ret, size_t *ret_n);
void volume_list_free(Volume **list, size_t n);

/* "\\\\?\\Volume{guid}\\" */
int volume_guid_name(const Volume *v, char **ret);

/* Directories whose file systems must never be held, because umbra itself would wait for them (state,
 * runtime, programs); nor must those that these file systems lie on. -ENOENT, -ENOTDIR. */
int volume_protect(const char *path);
void volume_protect_none(void); /* forgets them all */

/* Opens what is to be held, once per file system (several volumes may share one), stacked devices first: a
 * file system that lies in a file (loop) on another one comes before that other one. *ret_fds: one
 * descriptor per file system in hold order; *ret_mounts: their mount points (a string vector);
 * (*ret_index)[i]: the file system of volumes[i], or -1 when it is not holdable. */
int volume_hold_order(Volume *const *volumes,
                      size_t n,
                      int **ret_fds,
                      char ***ret_mounts,
                      size_t *ret_n_fds,
                      int **ret_index);
