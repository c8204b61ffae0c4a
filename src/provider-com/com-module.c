/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A Provider of Others, Loaded
 */

#include "provider-com/com-module.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <vsserror.h>

#include "base/alloc.h"
#include "base/fd-util.h"
#include "base/guid.h"
#include "base/hresult.h"
#include "base/log.h"
#include "base/process-util.h"
#include "provider-com/com-result.h"
#include "provider/provider.h"

#if !defined(UMBRA_PROVIDERDIR) || !defined(UMBRA_LIBEXECDIR)
#error "where are the providers of others?"
#endif

/* For arrays that have a script and no shared object; see provider-array/. */
#define ARRAY_PROVIDER "umbra-array-script.so"
#define ARRAYS_DIR "/etc/umbra/arrays"

typedef HRESULT(STDAPICALLTYPE *CreateProvider)(REFCLSID class_id, REFIID iid, void **ppv);

static int broken(const char *path, const char *why) {
        return provider_fail_with(VSS_E_UNEXPECTED_PROVIDER_ERROR, "'%s' %s", path, why);
}

/* What others can write to would run as us. */
static int check_owner(const char *path) {
        _cleanup_(closep) int fd = -EBADF;
        struct stat st;

        fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        if (fd < 0 || fstat(fd, &st) < 0)
                return provider_fail_with(VSS_E_UNEXPECTED_PROVIDER_ERROR,
                                          "its shared object '%s' cannot be opened: %m", path);
        if (!S_ISREG(st.st_mode))
                return broken(path, "is no file");
        if ((st.st_uid != 0 && st.st_uid != geteuid()) || (st.st_mode & (S_IWGRP | S_IWOTH)))
                return broken(path, "can be written to by others, and so is not loaded: chown root, chmod go-w");

        return 0;
}

/* Also as a link that leads nowhere, which is then what is wrong. */
static bool is_there(const char *path) {
        struct stat st;

        return lstat(path, &st) >= 0;
}

/* The shared object of this class; or the one for scripts, where there is a script and no shared object. */
static int find_library(const ComModule *m, char **ret) {
        _cleanup_(freep) char *path = NULL, *script = NULL;
        int r;

        r = format_to(&path, "%s/%s.so", getenv("UMBRA_PROVIDERDIR") ?: UMBRA_PROVIDERDIR,
                      GUID_TO_STRING(&m->class_id));
        if (r >= 0)
                r = format_to(&script, "%s/%s", getenv("UMBRA_ARRAYDIR") ?: ARRAYS_DIR, GUID_TO_STRING(&m->class_id));
        if (r < 0)
                return r;
        if (is_there(path)) {
                *ret = TAKE_PTR(path);
                return 0;
        }
        if (!is_there(script))
                return provider_fail_with(VSS_E_UNEXPECTED_PROVIDER_ERROR,
                                          "there is neither its shared object '%s' nor a script '%s'", path, script);

        r = sibling_path(ARRAY_PROVIDER, UMBRA_LIBEXECDIR, ret);
        return r == -ENOENT ? broken(script, "is a script, and " ARRAY_PROVIDER " that runs it is not installed") : r;
}

/* What dlerror() says begins with the path. */
static int open_library(ComModule *m, CreateProvider *ret) {
        _cleanup_(freep) char *path = NULL;
        void *library;
        int r;

        r = find_library(m, &path);
        if (r >= 0)
                r = check_owner(path);
        if (r < 0)
                return r;

        library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
        if (!library)
                return provider_fail_with(VSS_E_UNEXPECTED_PROVIDER_ERROR,
                                          "its shared object cannot be loaded: %s", dlerror());

        *(void **) ret = dlsym(library, "CreateVssProvider");
        return *ret ? 0 : broken(path, "does not export CreateVssProvider()");
}

static void *find_interface(const ComModule *m, const IID *iid) {
        void *found = NULL;

        return SUCCEEDED(IUnknown_QueryInterface(m->object, iid, &found)) ? found : NULL;
}

static int find_interfaces(ComModule *m) {
        m->hardware = find_interface(m, &IID_IVssHardwareSnapshotProvider);
        m->hardware_ex = find_interface(m, &IID_IVssHardwareSnapshotProviderEx);
        m->software = find_interface(m, &IID_IVssSoftwareSnapshotProvider);
        m->share = find_interface(m, &IID_IVssFileShareSnapshotProvider);
        m->set = find_interface(m, &IID_IVssProviderCreateSnapshotSet);
        m->notifications = find_interface(m, &IID_IVssProviderNotifications);
        m->traits = find_interface(m, &IID_IUmbraProviderTraits);
        m->reason = find_interface(m, &IID_IUmbraProviderReason);
        com_result_ask(m->reason);

        if (!m->hardware && !m->software && !m->share)
                return com_nonsense("QueryInterface", "knows none of the interfaces that a provider must have");
        if (!m->set)
                return com_nonsense("QueryInterface", "does not know IVssProviderCreateSnapshotSet");

        return 0;
}

static int load(ComModule *m) {
        CreateProvider create = NULL;
        HRESULT hr;
        int r;

        r = open_library(m, &create);
        if (r < 0)
                return r;

        hr = create(&m->class_id, &IID_IUnknown, (void **) &m->object);
        if (hr != S_OK)
                return com_result("CreateVssProvider", hr);
        if (!m->object)
                return com_nonsense("CreateVssProvider", "gave no object");

        r = find_interfaces(m);
        if (r < 0 || !m->notifications)
                return r;

        return com_result("OnLoad", IVssProviderNotifications_OnLoad(m->notifications, NULL));
}

static void release(void *object) {
        IUnknown **unknown = object;

        if (*unknown)
                (void) IUnknown_Release(*unknown);
        *unknown = NULL;
}

/* The library stays: threads of it may still run. */
static void forget(ComModule *m) {
        com_result_ask(NULL);
        release(&m->reason);
        release(&m->traits);
        release(&m->notifications);
        release(&m->set);
        release(&m->share);
        release(&m->software);
        release(&m->hardware_ex);
        release(&m->hardware);
        release(&m->object);
        m->loaded = false;
}

int com_module_load(ComModule *m) {
        int r;

        if (m->loaded)
                return 0;

        r = load(m);
        if (r < 0) {
                forget(m);
                return r;
        }

        m->loaded = true;
        return 0;
}

/* The process ends, whether the provider likes it or not; but it is asked first. What it returns is nobody's
 * result. [MS: nf-vsprov-ivssprovidernotifications-onunload] */
void com_module_unload(ComModule *m) {
        HRESULT hr = S_OK;

        if (!m->loaded)
                return;

        if (m->notifications)
                hr = IVssProviderNotifications_OnUnload(m->notifications, FALSE);
        if (hr == S_FALSE)
                hr = IVssProviderNotifications_OnUnload(m->notifications, TRUE);
        if (hr != S_OK)
                log_warning("The provider's OnUnload() returned %s, going on without it", hresult_name(hr));
        forget(m);
}
