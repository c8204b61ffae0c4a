/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Thin Snapshots in an Instant
 */

#include "providers/lvm/lvm-thin.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/dm-ioctl.h>
#include <stdio.h>
#include <sys/ioctl.h>

#include "provider/provider.h"
#include "providers/lvm/lvm-command.h"
#include "providers/lvm/lvm-mapper.h"

#define MESSAGE_MAX 64U

int lvm_thin_tell(const LvmThin *t, const char *message) {
        LvmQuestion q = { .header.dev = t->pool };

        (void) snprintf(q.message, sizeof(q.message), "%s", message);
        return lvm_mapper_ask(t->control, DM_TARGET_MSG, &q);
}

static int suspend(const LvmThin *t, bool on) {
        LvmQuestion q = { .header.dev = t->origin, .header.flags = on ? DM_SUSPEND_FLAG : 0 };

        return lvm_mapper_ask(t->control, DM_DEV_SUSPEND, &q);
}

int lvm_thin_open(LvmThin *t, const char *group_uuid, const char *pool_uuid) {
        LvmQuestion q = { 0 };
        int r;

        t->control = lvm_mapper_open();
        if (t->control < 0)
                return t->control;

        lvm_mapper_name_pool(&q, group_uuid, pool_uuid);
        r = lvm_mapper_ask(t->control, DM_DEV_STATUS, &q);
        if (r < 0)
                return r;

        t->pool = q.header.dev;
        return 0;
}

static int renew(const LvmThin *t) {
        char message[MESSAGE_MAX];
        int r;

        (void) snprintf(message, sizeof(message), "delete %" PRIu64, t->snapshot_id);
        r = lvm_thin_tell(t, message);
        if (r < 0 && r != -ENODATA)
                return provider_fail(r, "the thin pool does not let go of what it has prepared: %m");

        (void) snprintf(message, sizeof(message), "create_snap %" PRIu64 " %" PRIu64, t->snapshot_id, t->origin_id);
        r = lvm_thin_tell(t, message);
        return r < 0 ? provider_fail(r, "the thin pool does not make a snapshot: %m") : 0;
}

static int check_suspended(const LvmThin *t) {
        LvmQuestion q = { .header.dev = t->origin };
        int r;

        r = lvm_mapper_ask(t->control, DM_DEV_STATUS, &q);
        return r < 0 || q.header.flags & DM_SUSPEND_FLAG ? r : lvm_fail_resumed();
}

int lvm_thin_renew(const LvmThin *t, bool suspended) {
        int r, q;

        if (suspended) {
                r = check_suspended(t);
                if (r < 0)
                        return r;
        } else {
                r = suspend(t, true);
                if (r < 0)
                        return provider_fail(r, "its logical volume cannot be suspended: %m");
        }

        r = renew(t);
        q = suspend(t, false);
        if (q < 0)
                return provider_fail(q, "its logical volume cannot be resumed; try lvchange --refresh: %m");

        return r;
}
