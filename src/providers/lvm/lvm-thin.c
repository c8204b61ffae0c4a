/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Thin Snapshots in an Instant
 */

#include "providers/lvm/lvm-thin.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/dm-ioctl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/fd-util.h"
#include "provider/provider.h"

#define CONTROL "/dev/" DM_DIR "/" DM_CONTROL_NODE
#define MESSAGE_MAX 64U

/* What the device mapper takes: its header, and behind it what is to be said to the device. */
typedef struct Question {
        struct dm_ioctl header;
        uint64_t sector; /* struct dm_target_msg: of the device, which has one target only */
        char message[MESSAGE_MAX];
} Question;

static int ask(int control, unsigned long request, Question *q) {
        q->header.version[0] = DM_VERSION_MAJOR;
        q->header.data_size = sizeof(*q);
        q->header.data_start = offsetof(Question, sector);

        while (ioctl(control, request, q) < 0)
                if (errno != EINTR)
                        return -errno;

        return 0;
}

static int tell_pool(const LvmThin *t, const char *message) {
        Question q = { .header.dev = t->pool };

        (void) snprintf(q.message, sizeof(q.message), "%s", message);
        return ask(t->control, DM_TARGET_MSG, &q);
}

static int suspend(const LvmThin *t, bool on) {
        Question q = { .header.dev = t->origin, .header.flags = on ? DM_SUSPEND_FLAG : 0 };

        return ask(t->control, DM_DEV_SUSPEND, &q);
}

/* As the device mapper has it: without the dashes. */
static char *append_digits(char *end, const char *uuid) {
        for (; *uuid; ++uuid)
                if (*uuid != '-')
                        *end++ = *uuid;
        *end = '\0';
        return end;
}

int lvm_thin_open(LvmThin *t, const char *group_uuid, const char *pool_uuid) {
        Question q = { 0 };
        char *end;
        int r;

        t->control = open(CONTROL, O_RDWR | O_CLOEXEC);
        if (t->control < 0)
                return -errno;

        end = stpcpy(q.header.uuid, "LVM-");
        end = append_digits(end, group_uuid);
        end = append_digits(end, pool_uuid);
        (void) stpcpy(end, "-tpool"); /* the one that lvm talks to, too */
        r = ask(t->control, DM_DEV_STATUS, &q);
        if (r < 0)
                return r;

        t->pool = q.header.dev;
        return 0;
}

static int renew(const LvmThin *t) {
        char message[MESSAGE_MAX];
        int r;

        (void) snprintf(message, sizeof(message), "delete %" PRIu64, t->snapshot_id);
        r = tell_pool(t, message);
        if (r < 0 && r != -ENODATA)
                return provider_fail(r, "the thin pool does not let go of what it has prepared: %m");

        (void) snprintf(message, sizeof(message), "create_snap %" PRIu64 " %" PRIu64, t->snapshot_id, t->origin_id);
        r = tell_pool(t, message);
        return r < 0 ? provider_fail(r, "the thin pool does not make a snapshot: %m") : 0;
}

int lvm_thin_renew(const LvmThin *t, bool suspended) {
        int r, q;

        r = suspended ? 0 : suspend(t, true);
        if (r < 0)
                return provider_fail(r, "its logical volume cannot be suspended: %m");

        r = renew(t);
        q = suspend(t, false);
        if (q < 0)
                return provider_fail(q, "its logical volume cannot be resumed; try lvchange --refresh: %m");

        return r;
}
