/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The Built-in Providers by Name
 */

#include "provider/provider-builtin.h"

#include <string.h>

#include <vss.h>

#include "base/guid.h"

const ProviderInfo provider_builtins[] = {
        {
                .name = "btrfs",
                .description = "btrfs read-only snapshots",
                .version = "1.0",
                .id = { 0x9d3f1a52, 0x6b1e, 0x4c7a, { 0x8e, 0x21, 0x5f, 0x0c, 0x77, 0x1b, 0x2d, 0x01 } },
                .version_id = { 0x9d3f1a52, 0x6b1e, 0x4c7a, { 0x8e, 0x21, 0x5f, 0x0c, 0x77, 0x1b, 0x2d, 0x11 } },
                .class_id = { 0x9d3f1a52, 0x6b1e, 0x4c7a, { 0x8e, 0x21, 0x5f, 0x0c, 0x77, 0x1b, 0x2d, 0x21 } },
                .type = VSS_PROV_SYSTEM,
        },
        {
                .name = "files-reflink",
                .description = "files cloned on their own file system",
                .version = "1.0",
                .id = { 0x9d3f1a52, 0x6b1e, 0x4c7a, { 0x8e, 0x21, 0x5f, 0x0c, 0x77, 0x1b, 0x2d, 0x02 } },
                .version_id = { 0x9d3f1a52, 0x6b1e, 0x4c7a, { 0x8e, 0x21, 0x5f, 0x0c, 0x77, 0x1b, 0x2d, 0x12 } },
                .class_id = { 0x9d3f1a52, 0x6b1e, 0x4c7a, { 0x8e, 0x21, 0x5f, 0x0c, 0x77, 0x1b, 0x2d, 0x22 } },
                .type = VSS_PROV_SYSTEM,
        },
        {
                .name = "files-copy",
                .description = "files copied ahead, changes copied in the window",
                .version = "1.0",
                .id = { 0x9d3f1a52, 0x6b1e, 0x4c7a, { 0x8e, 0x21, 0x5f, 0x0c, 0x77, 0x1b, 0x2d, 0x03 } },
                .version_id = { 0x9d3f1a52, 0x6b1e, 0x4c7a, { 0x8e, 0x21, 0x5f, 0x0c, 0x77, 0x1b, 0x2d, 0x13 } },
                .class_id = { 0x9d3f1a52, 0x6b1e, 0x4c7a, { 0x8e, 0x21, 0x5f, 0x0c, 0x77, 0x1b, 0x2d, 0x23 } },
                .type = VSS_PROV_SYSTEM,
        },
        {
                .name = "fake",
                .description = "a provider that fails when it is told to, for tests",
                .version = "1.0",
                .id = { 0x9d3f1a52, 0x6b1e, 0x4c7a, { 0x8e, 0x21, 0x5f, 0x0c, 0x77, 0x1b, 0x2d, 0x0f } },
                .version_id = { 0x9d3f1a52, 0x6b1e, 0x4c7a, { 0x8e, 0x21, 0x5f, 0x0c, 0x77, 0x1b, 0x2d, 0x1f } },
                .class_id = { 0x9d3f1a52, 0x6b1e, 0x4c7a, { 0x8e, 0x21, 0x5f, 0x0c, 0x77, 0x1b, 0x2d, 0x2f } },
                .type = VSS_PROV_SOFTWARE,
                .test_only = true,
        },
        { 0 },
};

const ProviderInfo *provider_builtin_find(const GUID *id) {
        for (const ProviderInfo *p = provider_builtins; p->name; ++p)
                if (guid_equal(&p->id, id))
                        return p;
        return NULL;
}

const ProviderInfo *provider_builtin_by_name(const char *name) {
        for (const ProviderInfo *p = provider_builtins; p->name; ++p)
                if (strcmp(p->name, name) == 0)
                        return p;
        return NULL;
}
