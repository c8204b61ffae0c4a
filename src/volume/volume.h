/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Volumes
 *
 * What a volume is: a directory tree that some provider can snapshot. This file knows names (mount point,
 * directory, device, \\?\Volume{GUID}\), what lies under them (libmount, libblkid), which file systems can
 * be held, how, and in which order.
 */

#include <stdbool.h>
#include <sys/types.h>

#include <wintypes.h>

#include "base/macro.h"
#include "guard/hold.h"

typedef struct Volume {
        char *path;        /* absolute directory, resolved, no trailing slash except "/" */
        char *mount_point; /* the mount it lies on; equal to path when it is the root of one */
        char *device;      /* "/dev/loop0"; NULL for file systems without one */
        char *fstype;
        GUID id;           /* stable across reboots: see volume-id.c */
        dev_t dev;         /* st_dev of path */
        dev_t fs_dev;      /* the file system: the same for all mounts and subvolumes of it */
        bool is_mount;     /* path is a mount point or a btrfs subvolume */
        bool overlay;      /* its files lie in directories of other file systems: only files can be copied */
        bool holdable;     /* FIFREEZE makes sense (ext4, xfs, btrfs …), and umbra keeps nothing on it */
        bool mapped;       /* the file system lies on a device-mapper device, right away */
        bool suspendable;  /* … which may be suspended: no program that is needed meanwhile lies on it */
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

typedef enum VolumeProtection {
        VOLUME_KEEPS,   /* umbra writes there, its copies for example: not to be frozen */
        VOLUME_CARRIES, /* programs lie there that are started while others are held: not to be suspended */
} VolumeProtection;

/* A directory of umbra's. What is said of its file system goes for those that this one lies on as well. -ENOENT,
 * -ENOTDIR. */
int volume_protect(const char *path, VolumeProtection protection);
void volume_protect_none(void); /* forgets them all */

/* What lies on these devices is suspended, or is about to be: it is refused, and not listed, because looking there
 * would take until it is resumed. Replaces what was said before. */
void volume_avoid(const dev_t *devices, size_t n);

typedef struct HoldOrder {
        Hold *holds; /* one per file system, in the order in which they are held */
        char **mounts; /* their mount points (a string vector) */
        size_t n;
        int *index; /* [i]: the place of volumes[i]; -1 when it is not held */
} HoldOrder;

void hold_order_clear(HoldOrder *o);

/* Opens what is to be held, once per file system (several volumes may share one; those of one that are held are
 * held in one way), stacked devices first: a file system that lies in a file (loop) on another one comes before that
 * other one. @kinds[i]: how volumes[i] is held, or HOLD_NONE. */
int volume_hold_order(Volume *const *volumes, const HoldKind *kinds, size_t n, HoldOrder *ret);
