/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Who There Is
 */

#include "coordinator/provider-registry.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "base/alloc.h"
#include "base/guid.h"
#include "base/hresult.h"
#include "base/log.h"
#include "coordinator/manager.h"
#include "coordinator/snapshot-set.h"
#include "provider/provider-builtin.h"
#include "wire/wire-limits.h"

struct ForeignProvider {
        ForeignProvider *next;
        ProviderInfo info;
        CatalogProvider row; /* what the info's texts point at */
        bool gone;           /* not registered any more */
};

static int foreign_add(Manager *m, const CatalogProvider *row) {
        ForeignProvider *f;
        int r;

        f = calloc(1, sizeof(*f));
        if (!f)
                return -ENOMEM;
        r = strdup_to(row->name, &f->row.name);
        if (r >= 0)
                r = strdup_to(row->version, &f->row.version);
        if (r < 0) {
                catalog_provider_clear(&f->row);
                free(f);
                return r;
        }

        f->info = (ProviderInfo){
                .name = f->row.name,
                .description = f->row.name,
                .version = f->row.version,
                .id = row->id,
                .class_id = row->class_id,
                .version_id = row->version_id,
                .type = row->type,
                .foreign = true,
                /* Whether it does is asked when it is to. */
                .abilities = row->type == VSS_PROV_HARDWARE ? PROVIDER_CAN_BREAK | PROVIDER_CAN_IMPORT | PROVIDER_CAN_RESYNC :
                                                             PROVIDER_CAN_REVERT,
        };
        LL_APPEND(m->foreign_providers, f);
        return 0;
}

int provider_registry_load(Manager *m) {
        _cleanup_(catalog_providers_clear) CatalogProviders registered = {};
        int r;

        r = catalog_list_providers(m->catalog, &registered);
        for (size_t i = 0; r >= 0 && i < registered.n; ++i)
                r = foreign_add(m, registered.items + i);
        return r;
}

void provider_registry_clear(Manager *m) {
        while (m->foreign_providers) {
                ForeignProvider *f = m->foreign_providers;

                LL_DELETE(m->foreign_providers, f);
                catalog_provider_clear(&f->row);
                free(f);
        }
}

static ForeignProvider *foreign_find(Manager *m, const GUID *id) {
        ForeignProvider *f;

        LL_FOREACH(m->foreign_providers, f)
                if (!f->gone && guid_equal(&f->info.id, id))
                        return f;
        return NULL;
}

const ProviderInfo *provider_registry_find(Manager *m, const GUID *id) {
        const ProviderInfo *builtin = provider_builtin_find(id);
        ForeignProvider *f = builtin ? NULL : foreign_find(m, id);

        return f ? &f->info : builtin;
}

static int tell(const ProviderInfo *p, int (*each)(const WireProvider *p, void *userdata), void *userdata) {
        const WireProvider provider = {
                .id = p->id,
                .name = (char *) (uintptr_t) p->name,
                .type = p->type,
                .version = (char *) (uintptr_t) p->version,
                .version_id = p->version_id,
                .class_id = p->class_id,
        };

        return each(&provider, userdata);
}

int provider_registry_foreach(Manager *m,
                              int (*each)(const WireProvider *p, void *userdata),
                              void *userdata) {
        const ProviderInfo *all[PROVIDERS_MAX];
        size_t n;
        int r = 0;

        (void) provider_registry_choose(m, &(GUID){ 0 }, all, &n);
        for (size_t i = 0; r >= 0 && i < n; ++i)
                r = tell(all[i], each, userdata);
        return r < 0 ? r : 0;
}

static HRESULT check_new(const CatalogProvider *p, char **ret_why) {
        const char *why = NULL;

        if (guid_is_null(&p->id) || guid_is_null(&p->class_id) || guid_is_null(&p->version_id))
                why = "a provider needs an id, a class id and a version id";
        else if (!p->name || !p->version)
                why = "a provider needs a name and a version";
        else if (p->type == VSS_PROV_SYSTEM)
                why = "system providers come with umbra and cannot be registered";
        else if (p->type < VSS_PROV_SOFTWARE || p->type > VSS_PROV_FILESHARE)
                why = "the provider's type is none";
        if (!why)
                return S_OK;

        (void) strdup_to(why, ret_why);
        return E_INVALIDARG;
}

HRESULT provider_registry_add(Manager *m, const CatalogProvider *p, char **ret_why) {
        _cleanup_(catalog_providers_clear) CatalogProviders registered = {};
        HRESULT hr;
        int r;

        hr = check_new(p, ret_why);
        if (FAILED(hr))
                return hr;
        if (provider_is_any(&p->id) || provider_registry_find(m, &p->id)) {
                (void) strdup_to("a provider of this id is registered: to replace it, unregister it first",
                                 ret_why);
                return VSS_E_PROVIDER_ALREADY_REGISTERED;
        }

        r = catalog_list_providers(m->catalog, &registered);
        if (r >= 0 && registered.n >= WIRE_PROVIDERS_MAX) {
                (void) format_to(ret_why, "there are %u registered providers, and no more are kept",
                                 WIRE_PROVIDERS_MAX);
                return E_OUTOFMEMORY;
        }
        if (r >= 0)
                r = catalog_add_provider(m->catalog, p);
        if (r >= 0)
                r = foreign_add(m, p);
        if (r < 0)
                return r == -EEXIST ? VSS_E_PROVIDER_ALREADY_REGISTERED : hresult_from_errno(r);

        log_notice("Provider '%s' {%s} is registered", p->name, GUID_TO_STRING(&p->id));
        return S_OK;
}

static bool is_in_set(const SnapshotSet *set, const ProviderInfo *provider) {
        for (size_t i = 0; set && i < set->n_snapshots; ++i)
                if (set->snapshots[i]->provider == provider)
                        return true;
        return false;
}

HRESULT provider_registry_remove(Manager *m, const GUID *id, char **ret_why) {
        ForeignProvider *f = foreign_find(m, id);
        const ProviderInfo *builtin = provider_builtin_find(id);
        unsigned n = 0;
        int r;

        if (builtin) {
                (void) format_to(ret_why, "the %s provider is a part of umbra and cannot be unregistered",
                                 builtin->name);
                return VSS_E_PROVIDER_IN_USE;
        }
        if (!f)
                return VSS_E_PROVIDER_NOT_REGISTERED;
        if (is_in_set(m->current, &f->info)) {
                (void) strdup_to("a shadow copy of the provider is just being made", ret_why);
                return VSS_E_PROVIDER_IN_USE;
        }

        r = catalog_count_provider(m->catalog, id, &n);
        if (r >= 0 && n > 0) {
                (void) format_to(ret_why, "%u shadow copies are the provider's: delete them first", n);
                return VSS_E_PROVIDER_IN_USE;
        }
        if (r >= 0)
                r = catalog_remove_provider(m->catalog, id);
        if (r < 0)
                return r == -ENOENT ? VSS_E_PROVIDER_NOT_REGISTERED : hresult_from_errno(r);

        f->gone = true;
        log_notice("Provider {%s} is no longer registered", GUID_TO_STRING(id));
        return S_OK;
}

/* {b5946137-7b9f-4925-af80-51abd60b20d5}, which programs for Windows name when they mean "the usual one". */
bool provider_is_any(const GUID *id) {
        static const GUID system_provider = {
                0xb5946137, 0x7b9f, 0x4925, { 0xaf, 0x80, 0x51, 0xab, 0xd6, 0x0b, 0x20, 0xd5 }
        };

        return guid_is_null(id) || guid_equal(id, &system_provider);
}

HRESULT provider_registry_check(Manager *m, const GUID *id) {
        return provider_is_any(id) || provider_registry_find(m, id) ? S_OK : VSS_E_PROVIDER_NOT_REGISTERED;
}

bool provider_is_for_context(const ProviderInfo *p, int32_t context) {
        return !p->foreign || context == (int32_t) VSS_CTX_ALL || !(context & VSS_VOLSNAP_ATTR_CLIENT_ACCESSIBLE);
}

/* What is made by the storage itself is best, what umbra brings along is always there. */
static const int choice_order[] = { VSS_PROV_HARDWARE, VSS_PROV_SOFTWARE, VSS_PROV_FILESHARE };

HRESULT provider_registry_choose(Manager *m, const GUID *id, const ProviderInfo **ret, size_t *ret_n) {
        ForeignProvider *f;
        size_t n = 0;

        if (!provider_is_any(id)) {
                ret[0] = provider_registry_find(m, id);
                *ret_n = 1;
                return ret[0] ? S_OK : VSS_E_PROVIDER_NOT_REGISTERED;
        }

        for (size_t i = 0; i < ELEMENTSOF(choice_order); ++i)
                LL_FOREACH(m->foreign_providers, f)
                        if (!f->gone && f->info.type == choice_order[i])
                                ret[n++] = &f->info;
        for (const ProviderInfo *p = provider_builtins; p->name; ++p)
                if (provider_is_registered(p))
                        ret[n++] = p;

        *ret_n = n;
        return S_OK;
}

HRESULT provider_registry_describe(Manager *m,
                                   const GUID *id,
                                   uint64_t *ret_capabilities,
                                   int32_t *ret_context) {
        const ProviderInfo *provider = provider_registry_find(m, id);
        const SnapshotSet *set = m->current;

        if (!provider)
                return VSS_E_PROVIDER_NOT_REGISTERED;

        /* Whether its copies are differential or whole is for each volume to say; nothing else applies. */
        *ret_capabilities = provider->foreign ? 0 : VSS_PRV_CAPABILITY_COMPLIANT;
        *ret_context = is_in_set(set, provider) ? set->context : (int32_t) VSS_CTX_BACKUP;
        return S_OK;
}
