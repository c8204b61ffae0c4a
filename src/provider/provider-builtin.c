/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The Built-in Providers by Name
 */

#include "provider/provider-builtin.h"

#include <stdlib.h>
#include <string.h>

#include <vss.h>

#include "base/guid.h"
#include "base/macro.h"

const ProviderInfo provider_builtins[] = {
        { PROVIDER_IDENTITY_BTRFS, .abilities = PROVIDER_CAN_REVERT | PROVIDER_CAN_BREAK | PROVIDER_CAN_IMPORT },
        { PROVIDER_IDENTITY_LVM_THIN,
          .abilities = PROVIDER_CAN_REVERT | PROVIDER_CAN_BREAK | PROVIDER_NEEDS_TENDING | PROVIDER_TAKES_NO_LIMIT },
        { PROVIDER_IDENTITY_LVM_COW, .abilities = PROVIDER_CAN_REVERT | PROVIDER_NEEDS_TENDING },
        { PROVIDER_IDENTITY_ZFS,
          .abilities = PROVIDER_CAN_REVERT | PROVIDER_CAN_BREAK | PROVIDER_CAN_IMPORT },
        { PROVIDER_IDENTITY_FILES_REFLINK, .abilities = PROVIDER_CAN_REVERT | PROVIDER_CAN_BREAK | PROVIDER_CAN_IMPORT },
        { PROVIDER_IDENTITY_FILES_COPY, .abilities = PROVIDER_CAN_REVERT | PROVIDER_CAN_BREAK | PROVIDER_CAN_IMPORT },
        { PROVIDER_IDENTITY_FAKE, .test_only = true,
          .abilities = PROVIDER_CAN_REVERT | PROVIDER_CAN_BREAK | PROVIDER_CAN_IMPORT },
        { 0 },
};

static_assert(ELEMENTSOF(provider_builtins) <= PROVIDER_BUILTINS_MAX, "there is room for all of them");

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

bool provider_is_registered(const ProviderInfo *p) {
        return !p->test_only || getenv("UMBRA_FAKE_PROVIDER");
}
