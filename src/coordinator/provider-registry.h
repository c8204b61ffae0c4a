/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Who There Is
 *
 * All providers: the built-in ones, and those of others that an administrator registered. The latter are
 * listed and remembered; their programs are not run yet, so asking one for a volume fails with a sentence.
 */

#include <vss.h>

#include "coordinator/catalog-providers.h"
#include "coordinator/coordinator-forward.h"
#include "wire/wire-types.h"

/* Calls @each for every provider; the record is borrowed. Ends at the first failure. */
int provider_registry_foreach(Manager *m,
                              int (*each)(const WireProvider *p, void *userdata),
                              void *userdata);

/* E_INVALIDARG, VSS_E_PROVIDER_ALREADY_REGISTERED; *ret_why: a sentence, caller frees. */
HRESULT provider_registry_add(Manager *m, const CatalogProvider *p, char **ret_why);
/* VSS_E_PROVIDER_NOT_REGISTERED; VSS_E_PROVIDER_IN_USE: it has shadow copies, or is a part of umbra. */
HRESULT provider_registry_remove(Manager *m, const GUID *id, char **ret_why);

/* Whether snapshots can be made with it. S_OK for those that are built in, and for GUID_NULL and the id of
 * the system provider of Windows, which mean whoever fits best; VSS_E_PROVIDER_NOT_REGISTERED;
 * VSS_E_UNEXPECTED_PROVIDER_ERROR for one that is registered only. */
HRESULT provider_registry_check(Manager *m, const GUID *id, char **ret_why);
/* Whether @id leaves the choice to umbra. */
bool provider_is_any(const GUID *id);

/* For IVssAdminEx: VSS_PROVIDER_CAPABILITIES, and the context of the set in progress that it takes part in.
 * VSS_E_PROVIDER_NOT_REGISTERED. */
HRESULT provider_registry_describe(Manager *m,
                                   const GUID *id,
                                   uint64_t *ret_capabilities,
                                   int32_t *ret_context);
