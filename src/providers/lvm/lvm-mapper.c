/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Asking the Device Mapper
 */

#include "providers/lvm/lvm-mapper.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/fd-util.h"

#define CONTROL "/dev/" DM_DIR "/" DM_CONTROL_NODE

int lvm_mapper_open(void) {
        int fd = open(CONTROL, O_RDWR | O_CLOEXEC);

        return fd < 0 ? -errno : fd;
}

int lvm_mapper_ask(int control, unsigned long request, LvmQuestion *q) {
        q->header.version[0] = DM_VERSION_MAJOR;
        q->header.data_size = sizeof(*q);
        q->header.data_start = offsetof(LvmQuestion, sector);

        while (ioctl(control, request, q) < 0)
                if (errno != EINTR)
                        return -errno;

        return 0;
}

/* As the device mapper has it: without the dashes. */
static char *append_digits(char *end, const char *uuid) {
        for (; *uuid; ++uuid)
                if (*uuid != '-')
                        *end++ = *uuid;
        *end = '\0';
        return end;
}

void lvm_mapper_name_pool(LvmQuestion *q, const char *group_uuid, const char *pool_uuid) {
        char *end;

        end = stpcpy(q->header.uuid, "LVM-");
        end = append_digits(end, group_uuid);
        end = append_digits(end, pool_uuid);
        (void) stpcpy(end, "-tpool");
}

/* "group-volume", where a dash of either is two. */
static int name_volume(LvmQuestion *q, const char *name) {
        size_t n = 0;

        for (; *name; ++name) {
                bool twice = *name == '-';

                if (n + twice + 1 >= sizeof(q->header.name))
                        return -ENAMETOOLONG;
                q->header.name[n++] = *name == '/' ? '-' : *name;
                if (twice)
                        q->header.name[n++] = '-';
        }

        return 0;
}

static unsigned permille(uint64_t used, uint64_t total) {
        return total == 0 || used >= total ? 1000 : (unsigned) ((double) used / (double) total * 1000);
}

int lvm_mapper_read_fullness(const char *type, const char *status, unsigned *ret_permille) {
        uint64_t used, total, data_used, data_total;

        if (strcmp(type, "snapshot") == 0 && sscanf(status, "%" SCNu64 "/%" SCNu64 " ", &used, &total) == 2)
                *ret_permille = permille(used, total);
        else if (strcmp(type, "thin-pool") == 0 &&
                 sscanf(status, "%*u %" SCNu64 "/%" SCNu64 " %" SCNu64 "/%" SCNu64 " ", &used, &total, &data_used, &data_total) == 4)
                *ret_permille = MAX(permille(used, total), permille(data_used, data_total));
        else
                return -EBADMSG; /* "Invalid", "Overflow", "Fail" and the like */

        return 0;
}

/* Of a device with one target: what it says of itself is in q->spec.target_type and q->status then. */
static int ask_status(int control, LvmQuestion *q) {
        int r;

        q->header.flags = DM_NOFLUSH_FLAG; /* else a pool writes to its disk before it says something */
        r = lvm_mapper_ask(control, DM_TABLE_STATUS, q);
        if (r < 0)
                return r;
        if (q->header.target_count != 1 || q->header.flags & DM_BUFFER_FULL_FLAG)
                return -EBADMSG;

        q->spec.target_type[sizeof(q->spec.target_type) - 1] = '\0';
        q->status[sizeof(q->status) - 1] = '\0';
        return 0;
}

int lvm_mapper_fullness(const LvmNote *note, unsigned *ret_permille) {
        _cleanup_(closep) int control = -EBADF;
        LvmQuestion q = { 0 };
        int r = 0;

        if (*note->pool != '-')
                lvm_mapper_name_pool(&q, note->group, note->pool);
        else
                r = name_volume(&q, note->name);
        if (r < 0)
                return r;

        control = lvm_mapper_open();
        if (control < 0)
                return control;

        r = ask_status(control, &q);
        return r < 0 ? r : lvm_mapper_read_fullness(q.spec.target_type, q.status, ret_permille);
}

int lvm_mapper_read_metadata_snapshot(const char *type, const char *status) {
        char root[24];

        if (strcmp(type, "thin-pool") != 0 || sscanf(status, "%*u %*u/%*u %*u/%*u %23s", root) != 1)
                return -EBADMSG;

        return strcmp(root, "-") != 0;
}

int lvm_mapper_has_metadata_snapshot(int control, const char *group_uuid, const char *pool_uuid) {
        LvmQuestion q = { 0 };
        int r;

        lvm_mapper_name_pool(&q, group_uuid, pool_uuid);
        r = ask_status(control, &q);
        return r < 0 ? r : lvm_mapper_read_metadata_snapshot(q.spec.target_type, q.status);
}
