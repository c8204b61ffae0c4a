/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A World with a Provider of Others
 */

#include "providers/puppeteer.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <oleauto.h>
#include <vsadmin.h>

#include "base/alloc.h"
#include "base/fd-util.h"

const VSS_ID puppet_id = { 0x11111111, 0x2222, 0x3333, { 0x44, 0x44, 0x55, 0x55, 0x55, 0x55, 0x55, 0x01 } };
const CLSID puppet_class_id = { 0x11111111,
                                0x2222,
                                0x3333,
                                { 0x44, 0x44, 0x55, 0x55, 0x55, 0x55, 0x55, 0x02 } };
static const VSS_ID version_id = { 0x11111111,
                                   0x2222,
                                   0x3333,
                                   { 0x44, 0x44, 0x55, 0x55, 0x55, 0x55, 0x55, 0x03 } };

#define PUPPET_NAME "11111111-2222-3333-4444-555555555502.so"

static IVssAdminEx *admin_new(void) {
        IVssAdminEx *admin = NULL;

        assert_int_equal(
                CoCreateInstance(&CLSID_VSSCoordinator, NULL, CLSCTX_ALL, &IID_IVssAdminEx, (void **) &admin),
                S_OK);
        return admin;
}

HRESULT puppeteer_register(VSS_PROVIDER_TYPE type) {
        IVssAdminEx *admin = admin_new();
        HRESULT hr;

        hr = IVssAdminEx_RegisterProvider(admin, puppet_id, puppet_class_id, wide("Puppet"), type, wide("1.0"),
                                          version_id);
        IVssAdminEx_Release(admin);
        return hr;
}

HRESULT puppeteer_unregister(void) {
        IVssAdminEx *admin = admin_new();
        HRESULT hr;

        hr = IVssAdminEx_UnregisterProvider(admin, puppet_id);
        IVssAdminEx_Release(admin);
        return hr;
}

void puppeteer_link(Puppeteer *p, const char *path) {
        _cleanup_(freep) char *link = path_in(p->providers, PUPPET_NAME);

        (void) unlink(link);
        assert_int_equal(symlink(path ?: getenv("PUPPET_PROVIDER"), link), 0);
}

Puppeteer *puppeteer_new(VSS_PROVIDER_TYPE type) {
        Puppeteer *p = calloc(1, sizeof(*p));

        assert_non_null(p);
        p->dir = temp_dir_new();
        p->providers = path_in(p->dir, "providers");
        assert_int_equal(mkdir(p->providers, 0755), 0);
        setenv("UMBRA_PROVIDERDIR", p->providers, 1);
        setenv("UMBRA_PUPPET", p->dir, 1);
        puppeteer_link(p, NULL);
        p->world = world_new();
        assert_int_equal(puppeteer_register(type), S_OK);
        return p;
}

Puppeteer *puppeteer_free(Puppeteer *p) {
        if (!p)
                return NULL;

        world_free(p->world);
        free(p->providers);
        temp_dir_free(p->dir);
        free(p);
        return NULL;
}

void puppeteer_script(Puppeteer *p, const char *script) {
        write_file(p->dir, "script", script ?: "");
}

char *puppeteer_take_calls(Puppeteer *p) {
        char *calls = read_file(p->dir, "calls");

        write_file(p->dir, "calls", "");
        return calls ?: strdup("");
}

typedef struct Awaited {
        Puppeteer *puppeteer;
        const char *call;
} Awaited;

static bool was_called(void *arg) {
        Awaited *a = arg;
        _cleanup_(freep) char *calls = read_file(a->puppeteer->dir, "calls");

        return calls && strstr(calls, a->call);
}

bool puppeteer_await_call(Puppeteer *p, const char *call) {
        return eventually(was_called, &(Awaited){ p, call }, TEST_PATIENCE_USEC);
}

static bool store_is_empty(void *arg) {
        _cleanup_(freep) char *store = path_in(((Puppeteer *) arg)->dir, "store");

        return rmdir(store) == 0 || access(store, F_OK) < 0;
}

void puppeteer_assert_clean(Puppeteer *p) {
        world_assert_clean(p->world);
        assert_true(eventually(store_is_empty, p, TEST_PATIENCE_USEC));
}

HRESULT puppeteer_make(Puppeteer *p, IVssBackupComponentsEx4 *b, VSS_ID provider, VSS_ID *ret_id) {
        IVssAsync *async = NULL;
        HRESULT hr;
        VSS_ID id;

        assert_int_equal(IVssBackupComponentsEx4_StartSnapshotSet(b, &id), S_OK);
        hr = IVssBackupComponentsEx4_AddToSnapshotSet(b, wide(p->world->volume), provider, &id);
        if (hr != S_OK)
                return hr;

        *ret_id = id;
        assert_int_equal(IVssBackupComponentsEx4_DoSnapshotSet(b, &async), S_OK);
        return storage_end(async);
}
