/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Who There Is
 *
 * All providers: the built-in ones, and those of others that an administrator registered. What is handed out
 * stays until umbrad ends, also when its provider is not registered any more: sets and jobs point to it.
 */

#include <vss.h>

#include "catalog/catalog-providers.h"
#include "coordinator/coordinator-forward.h"
#include "provider/provider-builtin.h"
#include "wire/wire-limits.h"
#include "wire/wire-types.h"

/* Those of others, and our own. */
#define PROVIDERS_MAX (WIRE_PROVIDERS_MAX + PROVIDER_BUILTINS_MAX)

int provider_registry_load(Manager *m); /* from the catalog, once */
void provider_registry_clear(Manager *m);
/* NULL: there is no such provider (any more). */
const ProviderInfo *provider_registry_find(Manager *m, const GUID *id);

/* Calls @each for every provider, in the order in which they are asked; the record is borrowed. Ends at the first failure. */
int provider_registry_foreach(Manager *m,
                              int (*each)(const WireProvider *p, void *userdata),
                              void *userdata);

/* E_INVALIDARG, VSS_E_PROVIDER_ALREADY_REGISTERED; *ret_why: a sentence, caller frees. */
HRESULT provider_registry_add(Manager *m, const CatalogProvider *p, char **ret_why);
/* VSS_E_PROVIDER_NOT_REGISTERED; VSS_E_PROVIDER_IN_USE: it has shadow copies, or is a part of umbra. */
HRESULT provider_registry_remove(Manager *m, const GUID *id, char **ret_why);

/* Who is asked for a volume, in this order: the one with this id, or all: those of others first, hardware before
 * software before file shares, then umbra's own. @ret has room for PROVIDERS_MAX. VSS_E_PROVIDER_NOT_REGISTERED. */
HRESULT provider_registry_choose(Manager *m, const GUID *id, const ProviderInfo **ret, size_t *ret_n);
/* S_OK, too, when @id leaves the choice to umbra; VSS_E_PROVIDER_NOT_REGISTERED. */
HRESULT provider_registry_check(Manager *m, const GUID *id);
/* Whether @id leaves the choice to umbra: GUID_NULL, and the id of the system provider of Windows. */
bool provider_is_any(const GUID *id);

/* Is the provider for shadow copies of this context? Client-accessible ones are umbra's own providers' to make.
 * [MS: ne-vss-vss_snapshot_context] */
bool provider_is_for_context(const ProviderInfo *p, int32_t context);

/* For IVssAdminEx: VSS_PROVIDER_CAPABILITIES, and the context of the set in progress that it takes part in.
 * VSS_E_PROVIDER_NOT_REGISTERED. */
HRESULT provider_registry_describe(Manager *m,
                                   const GUID *id,
                                   uint64_t *ret_capabilities,
                                   int32_t *ret_context);
