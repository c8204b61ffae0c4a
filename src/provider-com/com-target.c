/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Where a Shadow Copy Is
 */

#include "provider-com/com-target.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd-util.h"
#include "base/guid.h"
#include "base/time-util.h"
#include "base/utf.h"
#include "provider-com/com-result.h"

/* How long the kernel has to find a disk that the array shows to it. */
#define ARRIVAL_TIMEOUT_USEC (30 * USEC_PER_SEC)
#define ARRIVAL_POLL_USEC 50000U
#define TARGET_TEXT_MAX (COM_SERIAL_MAX + 64U)

void com_target_clear(ComTarget *t) {
        free(t->serial);
}

int com_target_parse(const char *text, ComTarget *ret) {
        ComTarget t = { 0 };
        int r, n = 0;

        if (sscanf(text, "%u %15s %n", &t.partition, t.type, &n) < 2 || n == 0 || !text[n] ||
            strlen(text + n) >= COM_SERIAL_MAX)
                return -EUCLEAN;
        if (strcmp(t.type, "ext4") != 0 && strcmp(t.type, "xfs") != 0)
                return -EUCLEAN;

        r = strdup_to(text + n, &t.serial);
        if (r >= 0)
                *ret = t;
        return r;
}

int com_target_format(const ComTarget *t, char **ret) {
        return format_to(ret, "%u %s %s", t->partition, t->type, t->serial);
}

int com_target_path(const ProviderEnv *env, const GUID *id, char **ret) {
        return format_to(ret, "%s/luns/%s", env->state_dir, GUID_TO_STRING(id));
}

int com_target_read(const ProviderEnv *env, const GUID *id, ComTarget *ret) {
        _cleanup_(freep) char *path = NULL, *text = NULL;
        int r;

        r = com_target_path(env, id, &path);
        if (r >= 0)
                r = file_read_text(path, TARGET_TEXT_MAX, &text);
        return r < 0 ? r : com_target_parse(text, ret);
}

int com_target_write(const ProviderEnv *env, const GUID *id, const ComTarget *t) {
        _cleanup_(freep) char *directory = NULL, *path = NULL, *text = NULL;
        int r;

        r = format_to(&directory, "%s/luns", env->state_dir);
        if (r >= 0)
                r = mkdir_p(directory, 0700);
        if (r >= 0)
                r = com_target_path(env, id, &path);
        if (r >= 0)
                r = com_target_format(t, &text);
        if (r < 0)
                return r;

        r = file_write_text_atomic(path, 0600, text);
        return r < 0 ? provider_fail(r, "'%s' cannot be written: %m", path) : 0;
}

int com_target_forget(const ProviderEnv *env, const GUID *id) {
        _cleanup_(freep) char *path = NULL;
        int r;

        r = com_target_path(env, id, &path);
        if (r < 0)
                return r;

        return unlink(path) < 0 && errno != ENOENT ? -errno : 0;
}

int com_target_locate(ComModule *m, const ComTarget *t, ComDisk *ret) {
        VDS_LUN_INFORMATION wanted = { .m_version = VER_VDS_LUN_INFORMATION, .m_szSerialNumber = t->serial };
        usec_t deadline = now_usec(CLOCK_MONOTONIC) + ARRIVAL_TIMEOUT_USEC;
        int r;

        r = com_result("LocateLuns", IVssHardwareSnapshotProvider_LocateLuns(m->hardware, 1, &wanted));
        if (r < 0)
                return r;

        while ((r = com_disk_find(t->serial, ret)) == -ENODEV) {
                if (now_usec(CLOCK_MONOTONIC) >= deadline)
                        return provider_fail(-ENODEV, "the disk '%s' that its GetTargetLuns() named has not arrived",
                                             t->serial);
                (void) usleep(ARRIVAL_POLL_USEC);
        }
        return r;
}

/* What the method returns is nobody's result; what it fills in is.
 * [MS: nf-vsprov-ivsshardwaresnapshotprovider-fillinluninfo] */
int com_target_check(ComModule *m, const ComTarget *t, ComDisk *d) {
        _cleanup_(freep) WCHAR *name = NULL;
        BOOL supported = FALSE;
        int r;

        r = wide_from_utf8(d->device, &name);
        if (r < 0)
                return r;

        (void) IVssHardwareSnapshotProvider_FillInLunInfo(m->hardware, name, &d->lun, &supported);
        if (!supported)
                return com_nonsense("FillInLunInfo", "does not know the disk that its GetTargetLuns() named");
        if (!d->lun.m_szSerialNumber || strcmp(d->lun.m_szSerialNumber, t->serial) != 0)
                return com_nonsense("FillInLunInfo", "says that the disk is another");
        return 0;
}
