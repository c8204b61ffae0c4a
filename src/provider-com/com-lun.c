/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Disks by What They Say of Themselves
 */

#include "provider-com/com-lun.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <oleauto.h>

#include "base/alloc.h"
#include "base/fd-util.h"
#include "provider/provider.h"

#define ATTRIBUTE_MAX 4096U

/* @name below @directory, without what is around it; NULL when it is missing or empty. */
static char *read_attribute(const char *directory, const char *name) {
        _cleanup_(freep) char *path = NULL, *text = NULL;
        size_t begin, end;

        if (format_to(&path, "%s/%s", directory, name) < 0 || file_read_text(path, ATTRIBUTE_MAX, &text) < 0)
                return NULL;

        begin = strspn(text, " \t\n");
        end = strlen(text);
        while (end > begin && strchr(" \t\n", text[end - 1]))
                --end;
        return end > begin ? strndup(text + begin, end - begin) : NULL;
}

/* What tells it from every other disk. */
static char *read_serial(const char *disk) {
        static const char *const names[] = {
                "device/serial", "wwid", "device/wwid", "serial", "dm/uuid", "loop/backing_file",
        };
        char *serial = NULL;

        for (size_t i = 0; !serial && i < ELEMENTSOF(names); ++i)
                serial = read_attribute(disk, names[i]);
        return serial;
}

void com_lun_clear(VDS_LUN_INFORMATION *lun) {
        CoTaskMemFree(lun->m_szVendorId);
        CoTaskMemFree(lun->m_szProductId);
        CoTaskMemFree(lun->m_szProductRevision);
        CoTaskMemFree(lun->m_szSerialNumber);
        for (ULONG i = 0; i < lun->m_deviceIdDescriptor.m_cIdentifiers; ++i)
                CoTaskMemFree(lun->m_deviceIdDescriptor.m_rgIdentifiers[i].m_rgbIdentifier);
        CoTaskMemFree(lun->m_deviceIdDescriptor.m_rgIdentifiers);
        for (ULONG i = 0; i < lun->m_cInterconnects; ++i) {
                CoTaskMemFree(lun->m_rgInterconnects[i].m_pbPort);
                CoTaskMemFree(lun->m_rgInterconnects[i].m_pbAddress);
        }
        CoTaskMemFree(lun->m_rgInterconnects);
        *lun = (VDS_LUN_INFORMATION){ 0 };
}

void com_disk_clear(ComDisk *d) {
        free(d->device);
        com_lun_clear(&d->lun);
        *d = (ComDisk){ 0 };
}

/* Its one name, as those of page 83 are told. */
static int fill_identifier(VDS_LUN_INFORMATION *lun) {
        size_t n = strlen(lun->m_szSerialNumber);
        VDS_STORAGE_IDENTIFIER *identifier;

        identifier = calloc_checked(1, sizeof(*identifier));
        if (!identifier)
                return -ENOMEM;
        lun->m_deviceIdDescriptor.m_rgIdentifiers = identifier;
        lun->m_deviceIdDescriptor.m_cIdentifiers = 1;

        identifier->m_CodeSet = VDSStorageIdCodeSetUtf8;
        identifier->m_Type = VDSStorageIdTypeVendorSpecific;
        identifier->m_rgbIdentifier = calloc_checked(n, 1);
        if (!identifier->m_rgbIdentifier)
                return -ENOMEM;
        memcpy(identifier->m_rgbIdentifier, lun->m_szSerialNumber, n);
        identifier->m_cbIdentifier = (ULONG) n;
        return 0;
}

/* @path: of the disk in /sys. */
static int read_disk(const char *path, ComDisk *ret) {
        _cleanup_disk_ ComDisk d = { 0 };
        const char *name = strrchr(path, '/') + 1;
        int r;

        r = format_to(&d.device, "/dev/%s", name);
        if (r < 0)
                return r;

        d.lun.m_version = VER_VDS_LUN_INFORMATION;
        d.lun.m_BusType = VDSBusTypeUnknown;
        d.lun.m_szVendorId = read_attribute(path, "device/vendor");
        d.lun.m_szProductId = read_attribute(path, "device/model");
        d.lun.m_szProductRevision = read_attribute(path, "device/rev");
        d.lun.m_szSerialNumber = read_serial(path);
        if (!d.lun.m_szSerialNumber)
                return -ENODEV;
        r = fill_identifier(&d.lun);
        if (r < 0)
                return r;

        *ret = d;
        d = (ComDisk){ 0 };
        return 0;
}

int com_disk_of_volume(int volume_fd, ComDisk *ret) {
        _cleanup_(freep) char *path = NULL, *partition = NULL;
        char link[64], *slash;
        struct stat st;
        int r;

        if (fstat(volume_fd, &st) < 0)
                return -errno;
        (void) snprintf(link, sizeof(link), "/sys/dev/block/%u:%u", major(st.st_dev), minor(st.st_dev));
        path = realpath(link, NULL);
        if (!path)
                return provider_fail(-EOPNOTSUPP, "it does not lie on one disk");

        partition = read_attribute(path, "partition");
        if (partition) {
                slash = strrchr(path, '/');
                *slash = '\0';
        }
        r = read_disk(path, ret);
        if (r == -ENODEV)
                return provider_fail(-EOPNOTSUPP, "its disk does not say which one it is");
        if (r >= 0)
                ret->partition = partition ? (unsigned) strtoul(partition, NULL, 10) : 0;
        return r;
}

int com_disk_find(const char *serial, ComDisk *ret) {
        const struct dirent *entry;
        DIR *all;
        int r = -ENODEV;

        all = opendir("/sys/block");
        if (!all)
                return -errno;

        while (r == -ENODEV && (entry = readdir(all))) {
                _cleanup_(freep) char *path = NULL;
                _cleanup_disk_ ComDisk d = { 0 };

                if (entry->d_name[0] == '.')
                        continue;
                r = format_to(&path, "/sys/block/%s", entry->d_name);
                if (r >= 0)
                        r = read_disk(path, &d);
                if (r < 0 || strcmp(d.lun.m_szSerialNumber, serial) != 0) {
                        r = r == -ENOMEM ? r : -ENODEV;
                        continue;
                }
                *ret = d;
                d = (ComDisk){ 0 };
        }

        (void) closedir(all);
        return r;
}

int com_disk_partition(const ComDisk *d, unsigned partition, char **ret) {
        const char *disk = strrchr(d->device, '/') + 1;
        size_t n = strlen(disk);
        _cleanup_(freep) char *path = NULL;

        if (partition == 0)
                return strdup_to(d->device, ret);

        /* sda1, nvme0n1p1 */
        if (format_to(&path, "%s%s%u", d->device, n > 0 && disk[n - 1] >= '0' && disk[n - 1] <= '9' ? "p" : "",
                      partition) < 0)
                return -ENOMEM;
        if (access(path, F_OK) < 0)
                return -ENODEV;

        *ret = TAKE_PTR(path);
        return 0;
}
