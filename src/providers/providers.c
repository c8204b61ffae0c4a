/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * All Providers
 *
 * A new provider is a line here and one in provider/provider-builtin.c.
 */

#include "providers/providers.h"

#include <string.h>

#include "providers/btrfs/provider-btrfs.h"
#include "providers/fake/provider-fake.h"
#include "providers/files/provider-files.h"
#include "providers/lvm/provider-lvm.h"
#include "providers/zfs/provider-zfs.h"

const ProviderOps *const providers[] = {
        &provider_btrfs_ops,
        &provider_lvm_thin_ops,
        &provider_lvm_cow_ops,
        &provider_zfs_ops,
        &provider_files_reflink_ops, /* these two fit everywhere, so they go after those that fit better */
        &provider_files_copy_ops,
        NULL,
};

const ProviderOps *provider_find(const char *name) {
        for (const ProviderOps *const *p = providers; *p; ++p)
                if (strcmp((*p)->name, name) == 0)
                        return *p;

        return strcmp(provider_fake_ops.name, name) == 0 ? &provider_fake_ops : NULL;
}
