/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Providers of Hardware
 */

#include "provider-com/com-hardware.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <vsserror.h>

#include "base/alloc.h"
#include "base/fd-util.h"
#include "base/guid.h"
#include "base/log.h"
#include "base/time-util.h"
#include "base/utf.h"
#include "provider-com/com-away.h"
#include "provider-com/com-lun.h"
#include "provider-com/com-result.h"
#include "provider-com/com-target.h"
#include "provider/provider-mount.h"
#include "provider/provider-protocol.h"

#ifndef XFS_SUPER_MAGIC
#define XFS_SUPER_MAGIC 0x58465342
#endif

int com_hardware_is_supported(ComModule *m, int volume_fd, BOOL *ret) {
        _cleanup_disk_ ComDisk d = { 0 };
        _cleanup_(freep) WCHAR *name = NULL;
        int r;

        *ret = FALSE;
        r = com_disk_of_volume(volume_fd, &d);
        if (r >= 0)
                r = wide_from_utf8(d.device, &name);
        if (r < 0)
                return r;

        return com_result("AreLunsSupported",
                          IVssHardwareSnapshotProvider_AreLunsSupported(m->hardware, 1, VSS_CTX_BACKUP, &name,
                                                                        &d.lun, ret));
}

int com_hardware_begin_prepare(ComModule *m, const ProviderSnapshot *s) {
        _cleanup_disk_ ComDisk d = { 0 };
        _cleanup_(freep) WCHAR *name = NULL;
        int r;

        r = com_disk_of_volume(s->volume_fd, &d);
        if (r >= 0)
                r = wide_from_utf8(d.device, &name);
        if (r < 0)
                return r;

        return com_result("BeginPrepareSnapshot",
                          IVssHardwareSnapshotProvider_BeginPrepareSnapshot(
                                  m->hardware, s->set_id, s->id, (LONG) s->context, 1, &name, &d.lun));
}

static int file_system_type(int volume_fd, char type[16]) {
        struct statfs st;

        if (fstatfs(volume_fd, &st) < 0)
                return -errno;

        switch ((unsigned long) st.f_type) {
        case EXT4_SUPER_MAGIC:
                (void) strcpy(type, "ext4");
                return 0;
        case XFS_SUPER_MAGIC:
                (void) strcpy(type, "xfs");
                return 0;
        default:
                return provider_fail(-EOPNOTSUPP, "its file system is neither ext4 nor xfs");
        }
}

static int check_made(const VDS_LUN_INFORMATION *lun) {
        static const char method[] = "GetTargetLuns";

        if (lun->m_version != VER_VDS_LUN_INFORMATION)
                return com_nonsense(method, "gave a LUN of another version");
        if (!guid_is_null(&lun->m_diskSignature))
                return com_nonsense(method, "gave a LUN with a disk signature");
        if (!lun->m_szSerialNumber || !*lun->m_szSerialNumber ||
            strnlen(lun->m_szSerialNumber, COM_SERIAL_MAX) == COM_SERIAL_MAX)
                return com_nonsense(method, "gave a LUN without a serial number");

        return 0;
}

/* Asks which disk the array has made, and writes it down. */
static int take_target(ComModule *m, const ProviderEnv *env, const ProviderSnapshot *s, ComTarget *ret) {
        _cleanup_disk_ ComDisk d = { 0 };
        _cleanup_(freep) WCHAR *name = NULL;
        VDS_LUN_INFORMATION made = { .m_version = VER_VDS_LUN_INFORMATION };
        _cleanup_target_ ComTarget t = { 0 };
        int r;

        r = com_disk_of_volume(s->volume_fd, &d);
        if (r >= 0)
                r = wide_from_utf8(d.device, &name);
        if (r >= 0)
                r = file_system_type(s->volume_fd, t.type);
        if (r < 0)
                return r;

        r = com_result("GetTargetLuns",
                       IVssHardwareSnapshotProvider_GetTargetLuns(m->hardware, 1, &name, &d.lun, &made));
        if (r >= 0)
                r = check_made(&made);
        if (r >= 0)
                r = strdup_to(made.m_szSerialNumber, &t.serial);
        com_lun_clear(&made);
        t.partition = d.partition;
        if (r >= 0)
                r = com_target_write(env, &s->id, &t);
        if (r < 0)
                return r;

        *ret = t;
        t = (ComTarget){ 0 };
        return 0;
}

static int set_flag(int fs, const char *flag) {
        return fsconfig(fs, FSCONFIG_SET_FLAG, flag, NULL, 0) < 0 ? -errno : 0;
}

/* Read-only without a look at what was under way: a read-only disk cannot be repaired. */
static int mount_target(const char *type, const char *device, bool writable) {
        _cleanup_(closep) int fs = -EBADF;
        int fd, r;

        fs = fsopen(type, FSOPEN_CLOEXEC);
        if (fs < 0 || fsconfig(fs, FSCONFIG_SET_STRING, "source", device, 0) < 0)
                return provider_fail(-errno, "'%s' cannot be mounted as %s: %m", device, type);

        r = strcmp(type, "xfs") == 0 ? set_flag(fs, "nouuid") : 0;
        if (r >= 0 && !writable)
                r = set_flag(fs, "ro");
        if (r >= 0 && !writable)
                r = set_flag(fs, strcmp(type, "xfs") == 0 ? "norecovery" : "noload");
        if (r < 0 || fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
                return provider_fail(r < 0 ? r : -errno, "'%s' cannot be mounted: %m", device);

        fd = fsmount(fs, FSMOUNT_CLOEXEC, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
        return fd < 0 ? provider_fail(-errno, "'%s' cannot be mounted: %m", device) : fd;
}

/* What is mounted from it already stays, also after a restart of umbrad. */
static int show(const ProviderEnv *env,
                const ProviderSnapshot *s,
                const ComTarget *t,
                const ComDisk *d,
                bool writable,
                char **ret) {
        _cleanup_(freep) char *device = NULL;
        _cleanup_(closep) int fd = -EBADF;
        int r;

        r = com_disk_partition(d, t->partition, &device);
        if (r < 0)
                return provider_fail(r, "'%s' has no partition %u", d->device, t->partition);

        fd = mount_target(t->type, device, writable);
        return fd < 0 ? fd : provider_shadow_attach(env, &s->id, fd, ret);
}

static bool is_imported(const ProviderSnapshot *s) {
        return (s->context & VSS_VOLSNAP_ATTR_IMPORTED) != 0;
}

int com_hardware_surface(ComModule *m, const ProviderEnv *env, const ProviderSnapshot *s, char **ret_device) {
        _cleanup_target_ ComTarget t = { 0 };
        _cleanup_disk_ ComDisk d = { 0 };
        int r;

        if (!env->privileged)
                return provider_fail(-EPERM, "a disk cannot be mounted without root");

        r = com_target_read(env, &s->id, &t);
        if (r == -ENOENT)
                r = is_imported(s) ? com_target_parse(s->note, &t) : take_target(m, env, s, &t);
        if (r >= 0)
                r = com_target_locate(m, &t, &d);
        if (r >= 0)
                r = com_target_check(m, &t, &d);
        if (r >= 0)
                r = show(env, s, &t, &d, false, ret_device);
        if (r >= 0 && is_imported(s))
                r = com_target_write(env, &s->id, &t); /* it is ours from here on */
        return r;
}

int com_hardware_describe(const ProviderEnv *env, const ProviderSnapshot *s, char **ret) {
        _cleanup_target_ ComTarget t = { 0 };
        int r;

        r = com_target_read(env, &s->id, &t);
        return r < 0 ? r : com_target_format(&t, ret);
}

int com_hardware_import(const char *storage, char **ret_note) {
        _cleanup_target_ ComTarget t = { 0 };
        int r;

        r = storage ? com_target_parse(storage, &t) : -EUCLEAN;
        if (r == -EUCLEAN)
                return provider_fail(-ENOENT, "the document does not say on which disk it is; it was not made transportable");
        return r < 0 ? r : strdup_to(storage, ret_note);
}

/* An array that does not know the disk any more: it was deleted there. */
static int if_gone(int r, int gone) {
        return r < 0 && provider_own_result() == VSS_E_OBJECT_NOT_FOUND ? gone : r;
}

static int empty(ComModule *m, ComDisk *d) {
        _cleanup_(freep) WCHAR *name = NULL;
        BOOL supported = FALSE;
        int r;

        r = wide_from_utf8(d->device, &name);
        if (r < 0)
                return r;

        (void) IVssHardwareSnapshotProvider_FillInLunInfo(m->hardware, name, &d->lun, &supported);
        return com_result("OnLunEmpty", IVssHardwareSnapshotProvider_OnLunEmpty(m->hardware, name, &d->lun));
}

/* The disk is the provider's again. One that is not here any more cannot be told of: it was moved, or is gone. Where it never
 * came to be known, or is not here because of the abort, the abort alone takes back what there is. */
int com_hardware_discard(ComModule *m, const ProviderEnv *env, const ProviderSnapshot *s, int aborted) {
        _cleanup_target_ ComTarget t = { 0 };
        _cleanup_disk_ ComDisk d = { 0 };
        int r;

        r = com_target_read(env, &s->id, &t);
        if (r == -ENOENT)
                return aborted;
        if (r < 0)
                return r;

        r = com_disk_find(t.serial, &d);
        if (r == -ENODEV && s->unfinished && aborted < 0)
                return aborted;
        if (aborted < 0)
                log_warning("Aborting the set {%s}, %s; taking back what there is of it", GUID_TO_STRING(&s->set_id),
                            provider_sentence());
        provider_sentence_clear();
        if (r == -ENODEV && !s->unfinished) /* else it was aborted, and is gone */
                r = if_gone(com_target_locate(m, &t, &d), -ENODEV);
        if (r >= 0)
                r = if_gone(empty(m, &d), 0);
        else if (r == -ENODEV) {
                log_notice("The disk '%s' of the shadow copy {%s} is not here any more, forgetting it", t.serial,
                           GUID_TO_STRING(&s->id));
                r = 0;
        }
        if (r >= 0)
                r = com_away_forget(env, &s->id);
        if (r < 0)
                return r;

        return com_target_forget(env, &s->id);
}

/* [MS: nf-vsprov-ivsshardwaresnapshotproviderex-onlunstatechange] */
static int tell_broken(ComModule *m, const ProviderSnapshot *s, ComDisk *made, uint32_t flags) {
        DWORD change = (flags & VSS_BREAKEX_FLAG_MASK_LUNS ? (DWORD) VSS_ONLUNSTATECHANGE_DO_MASK_LUNS : 0) |
                       (flags & VSS_BREAKEX_FLAG_MAKE_READ_WRITE ? (DWORD) VSS_ONLUNSTATECHANGE_NOTIFY_READ_WRITE : 0);
        _cleanup_disk_ ComDisk original = { 0 };
        _cleanup_(closep) int fd = -EBADF;

        /* The original may be gone; what was made of it is not. */
        fd = open(s->volume, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd >= 0)
                (void) com_disk_of_volume(fd, &original);
        return com_result("OnLunStateChange",
                          IVssHardwareSnapshotProviderEx_OnLunStateChange(m->hardware_ex, &made->lun, &original.lun, 1,
                                                                          change));
}

int com_hardware_break(ComModule *m, const ProviderEnv *env, const ProviderSnapshot *s, uint32_t flags) {
        _cleanup_(freep) char *device = NULL;
        _cleanup_target_ ComTarget t = { 0 };
        _cleanup_disk_ ComDisk d = { 0 };
        int r;

        if (!m->hardware_ex)
                return provider_fail_with(VSS_E_PROVIDER_VETO, "it has no IVssHardwareSnapshotProviderEx");

        r = com_target_read(env, &s->id, &t);
        if (r == -ENOENT)
                return 0; /* a worker before this one was killed when it had done it */
        if (r >= 0)
                r = com_disk_find(t.serial, &d);
        if (r == -ENODEV)
                return provider_fail(r, "the disk '%s' is not here", t.serial);
        if (r >= 0 && (flags & (VSS_BREAKEX_FLAG_MASK_LUNS | VSS_BREAKEX_FLAG_MAKE_READ_WRITE)))
                r = provider_shadow_remove(env, &s->id);
        if (r >= 0)
                r = tell_broken(m, s, &d, flags);
        if (r >= 0 && (flags & VSS_BREAKEX_FLAG_MAKE_READ_WRITE) && !(flags & VSS_BREAKEX_FLAG_MASK_LUNS))
                r = show(env, s, &t, &d, true, &device);
        if (r < 0)
                return r;

        return com_target_forget(env, &s->id);
}
