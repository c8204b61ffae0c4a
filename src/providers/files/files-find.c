/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Copies That Came with Their Disk
 *
 * Clones are on the file system of their volume, mostly at the top of a mount of it; copies in umbra's own directory. There is nothing to
 * go by but the id.
 */

#include <errno.h>
#include <mntent.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/guid.h"
#include "providers/files/files-plan.h"
#include "providers/files/files-store.h"

#define MOUNT_LINE_MAX ((size_t) 64 * 1024)

static void mounts_closep(FILE **f) {
        if (*f)
                (void) endmntent(*f);
}

static int plan_at(const char *parent, const char *store, const GUID *id, bool reflink, FilesPlan *ret) {
        _cleanup_(files_plan_done) FilesPlan plan = { .reflink = reflink };
        int r;

        r = strdup_to(parent, &plan.parent);
        if (r >= 0)
                r = strdup_to(store, &plan.store);
        if (r >= 0)
                r = strdup_to(GUID_TO_STRING(id), &plan.name);
        if (r >= 0)
                r = files_store_is_complete(&plan) ? 0 : -ENOENT;
        if (r < 0)
                return r;

        *ret = plan;
        plan = (FilesPlan){ 0 };
        return 0;
}

static int find_clone(const GUID *id, FilesPlan *ret) {
        _cleanup_(mounts_closep) FILE *mounts = setmntent("/proc/self/mounts", "re");
        _cleanup_(freep) char *buffer = malloc(MOUNT_LINE_MAX);
        struct mntent entry;

        if (!mounts)
                return -errno;
        if (!buffer)
                return -ENOMEM;

        while (getmntent_r(mounts, &entry, buffer, MOUNT_LINE_MAX)) {
                int r = plan_at(entry.mnt_dir, FILES_SHADOW_NAME, id, true, ret);

                if (r != -ENOENT)
                        return r;
        }

        return -ENOENT;
}

int files_plan_arrived(const ProviderEnv *env, const ProviderSnapshot *s, bool reflink, FilesPlan *ret) {
        int r;

        r = reflink ? find_clone(&s->id, ret) : plan_at(env->state_dir, FILES_STORE_NAME, &s->id, false, ret);
        if (r != -ENOENT)
                return r;

        return reflink ? provider_fail(r, "no file system that is mounted has it in the directory " FILES_SHADOW_NAME " of its top") :
                         provider_fail(r, "it is not in '%s/" FILES_STORE_NAME "'", env->state_dir);
}
