/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Where a Copy Will Be
 *
 * Decided before anything is made, and written into the note, so that whoever has nothing but the note finds
 * everything.
 *
 * Clones have to lie on the file system of the volume. The first of these that can be written to is taken:
 * the top of the mount that the volume is in, the nearest directory above the volume, the volume itself
 * (whose copy then has no copies in it). Copies lie in umbra's own directory.
 */

#include <stdbool.h>

#include "base/macro.h"
#include "provider/provider.h"

#define FILES_SHADOW_NAME ".umbra-shadow" /* holds the clones, one directory per snapshot */
#define FILES_STORE_NAME "store"          /* the same for copies, in the state directory */

/* Beside the store: what was broken off, under the snapshot's id, root's alone. Of clones and of copies. */
#define FILES_BROKEN_REFLINK_NAME "umbra-broken"
#define FILES_BROKEN_COPY_NAME "broken"

typedef struct FilesPlan {
        bool reflink;
        char *parent; /* the directory that has the store in it, and had it there before us */
        char *store;  /* the name of the store in there, one directory for many snapshots */
        char *name;   /* the name of the snapshot in there */
} FilesPlan;

void files_plan_done(FilesPlan *plan);

int files_plan_reflink(const ProviderEnv *env, const ProviderSnapshot *s, FilesPlan *ret);
int files_plan_copy(const ProviderEnv *env, const ProviderSnapshot *s, FilesPlan *ret);

/* Where one of another machine is, now that its disk is here. -ENOENT: nowhere. */
int files_plan_arrived(const ProviderEnv *env, const ProviderSnapshot *s, bool reflink, FilesPlan *ret);

/* "key=value" lines; what is not a printable ASCII character is "\xHH". */
int files_plan_to_note(const FilesPlan *plan, char **ret);
int files_plan_from_note(const char *note, FilesPlan *ret);

/* Where clones of @volume_fd would lie. -EOPNOTSUPP: nowhere. */
int files_plan_reflink_parent(int volume_fd, int *ret_fd);
/* The existing directory that umbra's own store is in, or would be made in. */
int files_plan_copy_place(const ProviderEnv *env, int *ret_fd);
