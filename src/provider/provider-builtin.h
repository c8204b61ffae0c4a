/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The Built-in Providers by Name
 *
 * Who there is, in order of preference. umbrad shows them and asks them without ever loading their code; the
 * contract tests hold this table against the ProviderOps of the workers.
 */

#include <vss.h>

#include "provider/provider.h"

/* Who each of them is, once: for the table and for the ProviderOps of the same name. These never change:
 * catalogs remember them. */
#define PROVIDER_IDENTITY_BTRFS \
        .name = "btrfs", .description = "btrfs read-only snapshots", \
        .version = "1.0", .type = VSS_PROV_SYSTEM, \
        .id = { 0x9d3f1a52, 0x6b1e, 0x4c7a, { 0x8e, 0x21, 0x5f, 0x0c, 0x77, 0x1b, 0x2d, 0x01 } }, \
        .version_id = { 0x9d3f1a52, 0x6b1e, 0x4c7a, { 0x8e, 0x21, 0x5f, 0x0c, 0x77, 0x1b, 0x2d, 0x11 } }, \
        .class_id = { 0x9d3f1a52, 0x6b1e, 0x4c7a, { 0x8e, 0x21, 0x5f, 0x0c, 0x77, 0x1b, 0x2d, 0x21 } }
#define PROVIDER_IDENTITY_LVM_THIN \
        .name = "lvm-thin", .description = "snapshots of thin logical volumes", \
        .version = "1.0", .type = VSS_PROV_SYSTEM, \
        .id = { 0x9d3f1a52, 0x6b1e, 0x4c7a, { 0x8e, 0x21, 0x5f, 0x0c, 0x77, 0x1b, 0x2d, 0x04 } }, \
        .version_id = { 0x9d3f1a52, 0x6b1e, 0x4c7a, { 0x8e, 0x21, 0x5f, 0x0c, 0x77, 0x1b, 0x2d, 0x14 } }, \
        .class_id = { 0x9d3f1a52, 0x6b1e, 0x4c7a, { 0x8e, 0x21, 0x5f, 0x0c, 0x77, 0x1b, 0x2d, 0x24 } }
#define PROVIDER_IDENTITY_LVM_COW \
        .name = "lvm-cow", .description = "snapshots of logical volumes", \
        .version = "1.0", .type = VSS_PROV_SYSTEM, \
        .id = { 0x9d3f1a52, 0x6b1e, 0x4c7a, { 0x8e, 0x21, 0x5f, 0x0c, 0x77, 0x1b, 0x2d, 0x05 } }, \
        .version_id = { 0x9d3f1a52, 0x6b1e, 0x4c7a, { 0x8e, 0x21, 0x5f, 0x0c, 0x77, 0x1b, 0x2d, 0x15 } }, \
        .class_id = { 0x9d3f1a52, 0x6b1e, 0x4c7a, { 0x8e, 0x21, 0x5f, 0x0c, 0x77, 0x1b, 0x2d, 0x25 } }
#define PROVIDER_IDENTITY_FILES_REFLINK \
        .name = "files-reflink", .description = "files cloned on their own file system", \
        .version = "1.0", .type = VSS_PROV_SYSTEM, \
        .id = { 0x9d3f1a52, 0x6b1e, 0x4c7a, { 0x8e, 0x21, 0x5f, 0x0c, 0x77, 0x1b, 0x2d, 0x02 } }, \
        .version_id = { 0x9d3f1a52, 0x6b1e, 0x4c7a, { 0x8e, 0x21, 0x5f, 0x0c, 0x77, 0x1b, 0x2d, 0x12 } }, \
        .class_id = { 0x9d3f1a52, 0x6b1e, 0x4c7a, { 0x8e, 0x21, 0x5f, 0x0c, 0x77, 0x1b, 0x2d, 0x22 } }
#define PROVIDER_IDENTITY_FILES_COPY \
        .name = "files-copy", .description = "files copied ahead, changes copied in the window", \
        .version = "1.0", .type = VSS_PROV_SYSTEM, \
        .id = { 0x9d3f1a52, 0x6b1e, 0x4c7a, { 0x8e, 0x21, 0x5f, 0x0c, 0x77, 0x1b, 0x2d, 0x03 } }, \
        .version_id = { 0x9d3f1a52, 0x6b1e, 0x4c7a, { 0x8e, 0x21, 0x5f, 0x0c, 0x77, 0x1b, 0x2d, 0x13 } }, \
        .class_id = { 0x9d3f1a52, 0x6b1e, 0x4c7a, { 0x8e, 0x21, 0x5f, 0x0c, 0x77, 0x1b, 0x2d, 0x23 } }
#define PROVIDER_IDENTITY_ZFS \
        .name = "zfs", .description = "ZFS snapshots", \
        .version = "1.0", .type = VSS_PROV_SYSTEM, \
        .id = { 0x9d3f1a52, 0x6b1e, 0x4c7a, { 0x8e, 0x21, 0x5f, 0x0c, 0x77, 0x1b, 0x2d, 0x06 } }, \
        .version_id = { 0x9d3f1a52, 0x6b1e, 0x4c7a, { 0x8e, 0x21, 0x5f, 0x0c, 0x77, 0x1b, 0x2d, 0x16 } }, \
        .class_id = { 0x9d3f1a52, 0x6b1e, 0x4c7a, { 0x8e, 0x21, 0x5f, 0x0c, 0x77, 0x1b, 0x2d, 0x26 } }
#define PROVIDER_IDENTITY_FAKE \
        .name = "fake", .description = "a provider that fails when it is told to, for tests", \
        .version = "1.0", .type = VSS_PROV_SOFTWARE, \
        .id = { 0x9d3f1a52, 0x6b1e, 0x4c7a, { 0x8e, 0x21, 0x5f, 0x0c, 0x77, 0x1b, 0x2d, 0x0f } }, \
        .version_id = { 0x9d3f1a52, 0x6b1e, 0x4c7a, { 0x8e, 0x21, 0x5f, 0x0c, 0x77, 0x1b, 0x2d, 0x1f } }, \
        .class_id = { 0x9d3f1a52, 0x6b1e, 0x4c7a, { 0x8e, 0x21, 0x5f, 0x0c, 0x77, 0x1b, 0x2d, 0x2f } }

typedef struct ProviderInfo {
        const char *name, *description, *version;
        GUID id, version_id, class_id;
        int type;           /* VSS_PROVIDER_TYPE */
        uint32_t abilities; /* ProviderAbilities: what its ProviderOps have */
        bool test_only;     /* taken only when named, or with $UMBRA_FAKE_PROVIDER */
        bool foreign;       /* none of these, but a shared object of others, found by its class_id */
} ProviderInfo;

#define PROVIDER_BUILTINS_MAX 16U
extern const ProviderInfo provider_builtins[]; /* ends with a NULL name */

const ProviderInfo *provider_builtin_find(const GUID *id);
const ProviderInfo *provider_builtin_by_name(const char *name);
/* Is it for those who did not name it? The fake one is with $UMBRA_FAKE_PROVIDER only. */
bool provider_is_registered(const ProviderInfo *p);
