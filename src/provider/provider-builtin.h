/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The Built-in Providers by Name
 *
 * Who there is, in order of preference. umbrad shows them and asks them without ever loading their code; the contract tests hold this table
 * against the ProviderOps of the workers.
 */

#include <vss.h>

/* Who each of them is, once: for the table and for the ProviderOps of the same name. */
#define PROVIDER_IDENTITY_BTRFS \
        .name = "btrfs", .description = "btrfs read-only snapshots", .version = UMBRA_VERSION, .type = VSS_PROV_SYSTEM, \
        .id = { 0x9099f748, 0x42d3, 0x4d7d, { 0xb3, 0x95, 0x8c, 0xa7, 0x00, 0x13, 0x65, 0x96 } }, \
        .version_id = { 0x42ecbca8, 0xa11a, 0x4954, { 0x97, 0x7b, 0x38, 0xb9, 0xe3, 0x25, 0xdb, 0x6b } }, \
        .class_id = { 0xd5b8352e, 0x7eed, 0x4cd7, { 0x9f, 0x19, 0xf2, 0x36, 0x4e, 0xc6, 0x7c, 0xc2 } }
#define PROVIDER_IDENTITY_FILES_REFLINK \
        .name = "files-reflink", .description = "files cloned within their file system", .version = UMBRA_VERSION, .type = VSS_PROV_SYSTEM, \
        .id = { 0xe3a5d0d8, 0xc2e2, 0x4186, { 0x8c, 0x8c, 0x24, 0x9e, 0x00, 0xae, 0x43, 0xa2 } }, \
        .version_id = { 0x18b2e0ce, 0x05d3, 0x4697, { 0xb0, 0xad, 0xb0, 0xa6, 0x00, 0xa1, 0xfe, 0x67 } }, \
        .class_id = { 0xbbdeca13, 0xb573, 0x40cf, { 0x99, 0x55, 0x8f, 0x65, 0xa9, 0x1c, 0x5b, 0x22 } }
#define PROVIDER_IDENTITY_FILES_COPY \
        .name = "files-copy", .description = "files copied to a store", .version = UMBRA_VERSION, .type = VSS_PROV_SYSTEM, \
        .id = { 0x3c47abda, 0x3131, 0x47cf, { 0x9b, 0x72, 0x4c, 0x9c, 0x7c, 0xdc, 0x4d, 0xac } }, \
        .version_id = { 0xf19f342f, 0xc5e7, 0x4f10, { 0xb7, 0x32, 0xc5, 0xfe, 0xbb, 0x6f, 0xb3, 0x4c } }, \
        .class_id = { 0xc7b73183, 0xccc4, 0x4f55, { 0x83, 0x9a, 0x26, 0x18, 0xba, 0x5b, 0x20, 0xd8 } }
#define PROVIDER_IDENTITY_FAKE \
        .name = "fake", .description = "copies for tests, with failures to order", .version = UMBRA_VERSION, .type = VSS_PROV_SOFTWARE, \
        .id = { 0x5ac32f7d, 0x1106, 0x48eb, { 0x89, 0x39, 0xd0, 0x27, 0x1e, 0x95, 0x6e, 0xbb } }, \
        .version_id = { 0xb40d1ea2, 0x7037, 0x4735, { 0xb5, 0x53, 0x8c, 0x6d, 0xd1, 0x79, 0x3c, 0x11 } }, \
        .class_id = { 0x9bc08c62, 0x3a54, 0x47c4, { 0xb6, 0x6f, 0xbd, 0x3c, 0x40, 0xb7, 0x46, 0xcd } }

typedef struct ProviderInfo {
        const char *name, *description, *version;
        GUID id, version_id, class_id;
        int type;       /* VSS_PROVIDER_TYPE */
        bool test_only; /* taken only when named, or with $UMBRA_FAKE_PROVIDER */
} ProviderInfo;

extern const ProviderInfo provider_builtins[]; /* ends with a NULL name */

const ProviderInfo *provider_builtin_find(const GUID *id);
const ProviderInfo *provider_builtin_by_name(const char *name);
