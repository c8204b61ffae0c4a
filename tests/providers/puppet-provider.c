/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A Provider That Does What It Is Told
 *
 * It has every interface of vsprov.h, keeps its shadow copies in $UMBRA_PUPPET/store, and writes down each call in
 * $UMBRA_PUPPET/calls. What it returns is told by $UMBRA_PUPPET/script, which is read anew at each call, a line
 * for each method:
 *
 *         METHOD = RESULT      a name of vsserror.h, or a number; nothing is done then
 *         METHOD = crash       SIGSEGV
 *         METHOD = exit        exit(3)
 *         METHOD = hang        never return
 *         METHOD = lie         S_OK with something that cannot be; METHOD = lie.WHAT where there are several
 *         faces = software share hardware ex set notifications traits
 *                              the interfaces it has; as they stand here without share and hardware when not told
 *
 * What is about hardware is in puppet-luns.c.
 */

#include "providers/puppet-provider.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <wchar.h>

#include <oleauto.h>
#include <vsserror.h>

#include "base/alloc.h"
#include "base/fd-util.h"
#include "base/guid.h"
#include "base/hresult.h"
#include "base/utf.h"
#include "com/com-enum.h"

static const ComClass puppet_class;
static const IVssSoftwareSnapshotProviderVtbl software_vtbl;
static const IVssFileShareSnapshotProviderVtbl share_vtbl;
static const IVssProviderCreateSnapshotSetVtbl set_vtbl;
static const IVssProviderNotificationsVtbl notifications_vtbl;
static const IUmbraProviderTraitsVtbl traits_vtbl;

static Puppet puppet; /* there is one */

static const char *dir(void) {
        return getenv("UMBRA_PUPPET") ?: "/nonexistent";
}

static char *puppet_path(const char *name) {
        char *path = NULL;

        return format_to(&path, "%s/%s", dir(), name) < 0 ? NULL : path;
}

/* The word after "METHOD = "; free() it. */
char *puppet_told(const char *method) {
        _cleanup_(freep) char *path = puppet_path("script"), *script = NULL;
        char *save = NULL, *told = NULL;

        if (!path || file_read_text(path, 1U << 16, &script) < 0)
                return NULL;

        for (char *line = strtok_r(script, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
                size_t n = strlen(method);

                if (strncmp(line, method, n) == 0 && strncmp(line + n, " = ", 3) == 0)
                        told = strdup(line + n + 3);
        }
        return told;
}

bool puppet_lies(const char *method, const char *what) {
        _cleanup_(freep) char *told = puppet_told(method), *lie = NULL;

        return told && format_to(&lie, "lie%s%s", *what ? "." : "", what) >= 0 && strcmp(told, lie) == 0;
}

static void note(const char *method, const char *arguments) {
        _cleanup_(freep) char *path = puppet_path("calls"), *line = NULL;
        int fd;

        if (!path || format_to(&line, "%s%s%s\n", method, *arguments ? " " : "", arguments) < 0)
                return;

        fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
        if (fd >= 0 && write(fd, line, strlen(line)) < 0)
                perror("puppet");
        (void) fd_close(fd);
}

HRESULT puppet_step(const char *method, const char *format, ...) {
        _cleanup_(freep) char *told = puppet_told(method);
        char arguments[8192];
        HRESULT hr;
        va_list ap;

        va_start(ap, format);
        (void) vsnprintf(arguments, sizeof(arguments), format, ap);
        va_end(ap);
        note(method, arguments);

        if (!told || strncmp(told, "lie", 3) == 0)
                return S_OK;
        if (strcmp(told, "crash") == 0)
                (void) kill(getpid(), SIGSEGV);
        if (strcmp(told, "exit") == 0)
                exit(3);
        while (strcmp(told, "hang") == 0)
                (void) pause();
        if (hresult_from_name(told, &hr) >= 0)
                return hr;
        return (HRESULT) strtoul(told, NULL, 0);
}

HRESULT puppet_call(const char *method) {
        return puppet_step(method, "%s", "");
}

HRESULT puppet_run(const char *format, ...) {
        char command[16384];
        va_list ap;

        va_start(ap, format);
        (void) vsnprintf(command, sizeof(command), format, ap);
        va_end(ap);
        return system(command) == 0 ? S_OK : VSS_E_PROVIDER_VETO;
}

/* Both faces of volumes */

static const char *narrow(VSS_PWSZ name, char *buffer, size_t size) {
        _cleanup_(freep) char *text = NULL;

        (void) snprintf(buffer, size, "%s", utf8_from_wide(name, &text) < 0 ? "(nonsense)" : text ?: "(null)");
        return buffer;
}

#define NARROW(name) narrow((name), (char[4096]){ 0 }, 4096)

static HRESULT set_context(LONG context) {
        return puppet_step("SetContext", "0x%x", (unsigned) context);
}

static HRESULT begin_prepare(VSS_ID set_id, VSS_ID id, VSS_PWSZ volume, LONG context) {
        const char *s = GUID_TO_STRING(&id);
        HRESULT hr;

        hr = puppet_step("BeginPrepareSnapshot", "%s 0x%x", NARROW(volume), (unsigned) context);
        return hr != S_OK ? hr :
                            puppet_run("mkdir -p %s/store/%s && cd %s/store/%s && echo %s > set && echo '%s' > volume",
                                dir(), s, dir(), s, GUID_TO_STRING(&set_id), NARROW(volume));
}

static HRESULT string_or_lie(const char *lie, const char *text, WCHAR **ret) {
        _cleanup_(freep) WCHAR *wide = NULL;

        if (puppet_lies("GetSnapshotProperties", lie))
                return S_OK;
        if (wide_from_utf8(text, &wide) < 0)
                return E_OUTOFMEMORY;
        *ret = CoTaskMemAlloc((wcslen(wide) + 1) * sizeof(WCHAR));
        if (!*ret)
                return E_OUTOFMEMORY;
        memcpy(*ret, wide, (wcslen(wide) + 1) * sizeof(WCHAR));
        return S_OK;
}

static HRESULT get_properties(VSS_ID id, VSS_SNAPSHOT_PROP *p) {
        static const char method[] = "GetSnapshotProperties";
        _cleanup_(freep) char *tree = NULL, *longest = NULL;
        HRESULT hr;

        hr = puppet_call(method);
        if (hr != S_OK)
                return hr;
        if (memcmp(p, &(VSS_SNAPSHOT_PROP){ 0 }, sizeof(*p)) != 0)
                return E_INVALIDARG;
        if (format_to(&tree, "%s/store/%s/tree", dir(), GUID_TO_STRING(&id)) < 0)
                return E_OUTOFMEMORY;
        if (access(tree, F_OK) < 0)
                return VSS_E_OBJECT_NOT_FOUND;

        p->m_SnapshotId = puppet_lies(method, "id") ? GUID_NULL : id;
        if (puppet_lies(method, "relative"))
                return string_or_lie("", "store/tree", &p->m_pwszSnapshotDeviceObject);
        if (puppet_lies(method, "gone"))
                return string_or_lie("", "/nonexistent/tree", &p->m_pwszSnapshotDeviceObject);
        if (puppet_lies(method, "file"))
                return string_or_lie("", "/etc/passwd", &p->m_pwszSnapshotDeviceObject);
        if (puppet_lies(method, "long")) {
                if (format_to(&longest, "/%05000d", 0) < 0)
                        return E_OUTOFMEMORY;
                return string_or_lie("", longest, &p->m_pwszSnapshotDeviceObject);
        }
        if (puppet_lies(method, "wide")) {
                hr = string_or_lie("", "/x", &p->m_pwszSnapshotDeviceObject);
                p->m_pwszSnapshotDeviceObject[1] = (WCHAR) 0x7FFFFFFF;
                return hr;
        }
        return string_or_lie("device", tree, &p->m_pwszSnapshotDeviceObject);
}

static HRESULT query(VSS_ID id, VSS_OBJECT_TYPE type, VSS_OBJECT_TYPE returned, IVssEnumObject **ret) {
        bool everything = guid_is_null(&id) && type == VSS_OBJECT_NONE && returned == VSS_OBJECT_SNAPSHOT;
        VSS_OBJECT_PROP *list = NULL;
        FILE *names;
        char name[64];
        size_t n = 0;
        HRESULT hr;

        hr = puppet_step("Query", "%s", everything ? "everything" : "something");
        if (hr != S_OK || puppet_lies("Query", ""))
                return hr;

        list = calloc(1024, sizeof(*list));
        names = popen("ls $UMBRA_PUPPET/store 2>/dev/null", "re");
        while (list && names && n < 1024 && fscanf(names, "%63s", name) == 1)
                if (guid_from_string(name, &list[n].Obj.Snap.m_SnapshotId) >= 0)
                        list[n++].Type = puppet_lies("Query", "type") ? VSS_OBJECT_PROVIDER :
                                                                        VSS_OBJECT_SNAPSHOT;
        if (names)
                (void) pclose(names);
        return list ? enum_object_take(list, n, ret) : E_OUTOFMEMORY;
}

static HRESULT delete_snapshots(VSS_ID id, VSS_OBJECT_TYPE type, LONG *deleted, VSS_ID *nondeleted) {
        _cleanup_(freep) char *path = NULL;
        HRESULT hr;

        *deleted = 0;
        *nondeleted = id;
        hr = puppet_step("DeleteSnapshots", "%s", type == VSS_OBJECT_SNAPSHOT ? "snapshot" : "set");
        if (hr != S_OK || puppet_lies("DeleteSnapshots", ""))
                return hr;
        if (format_to(&path, "%s/store/%s", dir(), GUID_TO_STRING(&id)) < 0)
                return E_OUTOFMEMORY;
        if (access(path, F_OK) < 0)
                return VSS_E_OBJECT_NOT_FOUND;

        hr = puppet_run("rm -rf '%s'", path);
        if (hr != S_OK)
                return hr;
        *deleted = 1;
        *nondeleted = GUID_NULL;
        return S_OK;
}

static HRESULT is_supported(const char *method, VSS_PWSZ name, BOOL *ret) {
        HRESULT hr = puppet_step(method, "%s", NARROW(name));

        *ret = !puppet_lies(method, "no");
        return hr;
}

static HRESULT is_snapshotted(const char *method, VSS_PWSZ name, BOOL *ret, LONG *ret_compatibility) {
        HRESULT hr = puppet_step(method, "%s", NARROW(name));

        *ret = hr == S_OK && puppet_run("grep -qsx '%s' %s/store/*/volume", NARROW(name), dir()) == S_OK;
        *ret_compatibility = *ret ? VSS_SC_DISABLE_DEFRAG : 0;
        return hr;
}

static HRESULT set_property(VSS_SNAPSHOT_PROPERTY_ID property, const VARIANT *v) {
        return puppet_step("SetSnapshotProperty", "%d %s", (int) property,
                           v->vt == VT_BSTR ? NARROW(v->bstrVal) : "-");
}

/* IVssSoftwareSnapshotProvider */

static Puppet *impl_from_IVssSoftwareSnapshotProvider(IVssSoftwareSnapshotProvider *iface) {
        return container_of(iface, Puppet, IVssSoftwareSnapshotProvider_iface);
}
COM_DEFINE_UNKNOWN(software, IVssSoftwareSnapshotProvider)

static HRESULT STDMETHODCALLTYPE software_SetContext(IVssSoftwareSnapshotProvider *iface, LONG context) {
        return set_context(context);
}

static HRESULT STDMETHODCALLTYPE software_GetSnapshotProperties(IVssSoftwareSnapshotProvider *iface,
                                                                VSS_ID id,
                                                                VSS_SNAPSHOT_PROP *p) {
        return get_properties(id, p);
}

static HRESULT STDMETHODCALLTYPE software_Query(IVssSoftwareSnapshotProvider *iface,
                                                VSS_ID id,
                                                VSS_OBJECT_TYPE type,
                                                VSS_OBJECT_TYPE returned,
                                                IVssEnumObject **ret) {
        return query(id, type, returned, ret);
}

static HRESULT STDMETHODCALLTYPE software_DeleteSnapshots(IVssSoftwareSnapshotProvider *iface,
                                                          VSS_ID id,
                                                          VSS_OBJECT_TYPE type,
                                                          BOOL force,
                                                          LONG *deleted,
                                                          VSS_ID *nondeleted) {
        return delete_snapshots(id, type, deleted, nondeleted);
}

static HRESULT STDMETHODCALLTYPE software_BeginPrepareSnapshot(IVssSoftwareSnapshotProvider *iface,
                                                               VSS_ID set_id,
                                                               VSS_ID id,
                                                               VSS_PWSZ volume,
                                                               LONG context) {
        return begin_prepare(set_id, id, volume, context);
}

static HRESULT STDMETHODCALLTYPE software_IsVolumeSupported(IVssSoftwareSnapshotProvider *iface,
                                                            VSS_PWSZ name,
                                                            BOOL *ret) {
        return is_supported("IsVolumeSupported", name, ret);
}

static HRESULT STDMETHODCALLTYPE software_IsVolumeSnapshotted(IVssSoftwareSnapshotProvider *iface,
                                                              VSS_PWSZ name,
                                                              BOOL *ret,
                                                              LONG *ret_compatibility) {
        return is_snapshotted("IsVolumeSnapshotted", name, ret, ret_compatibility);
}

static HRESULT STDMETHODCALLTYPE software_SetSnapshotProperty(IVssSoftwareSnapshotProvider *iface,
                                                              VSS_ID id,
                                                              VSS_SNAPSHOT_PROPERTY_ID property,
                                                              VARIANT v) {
        return set_property(property, &v);
}

static HRESULT STDMETHODCALLTYPE software_RevertToSnapshot(IVssSoftwareSnapshotProvider *iface, VSS_ID id) {
        HRESULT hr = puppet_call("RevertToSnapshot");

        return hr != S_OK ? hr :
                            puppet_run("cd %s/store/%s && find $(cat volume) -mindepth 1 -delete; cp -a tree/. "
                                "$(cat volume)",
                                dir(), GUID_TO_STRING(&id));
}

static HRESULT STDMETHODCALLTYPE software_QueryRevertStatus(IVssSoftwareSnapshotProvider *iface,
                                                            VSS_PWSZ volume,
                                                            IVssAsync **ret) {
        HRESULT hr = puppet_step("QueryRevertStatus", "%s", NARROW(volume));

        if (hr != S_OK || puppet_lies("QueryRevertStatus", ""))
                return hr;
        return puppet_async_new(ret);
}

static const IVssSoftwareSnapshotProviderVtbl software_vtbl = {
        software_QueryInterface,
        software_AddRef,
        software_Release,
        software_SetContext,
        software_GetSnapshotProperties,
        software_Query,
        software_DeleteSnapshots,
        software_BeginPrepareSnapshot,
        software_IsVolumeSupported,
        software_IsVolumeSnapshotted,
        software_SetSnapshotProperty,
        software_RevertToSnapshot,
        software_QueryRevertStatus,
};

/* IVssFileShareSnapshotProvider */

static Puppet *impl_from_IVssFileShareSnapshotProvider(IVssFileShareSnapshotProvider *iface) {
        return container_of(iface, Puppet, IVssFileShareSnapshotProvider_iface);
}
COM_DEFINE_UNKNOWN(share, IVssFileShareSnapshotProvider)

static HRESULT STDMETHODCALLTYPE share_SetContext(IVssFileShareSnapshotProvider *iface, LONG context) {
        return set_context(context);
}

static HRESULT STDMETHODCALLTYPE share_GetSnapshotProperties(IVssFileShareSnapshotProvider *iface,
                                                             VSS_ID id,
                                                             VSS_SNAPSHOT_PROP *p) {
        return get_properties(id, p);
}

static HRESULT STDMETHODCALLTYPE share_Query(IVssFileShareSnapshotProvider *iface,
                                             VSS_ID id,
                                             VSS_OBJECT_TYPE type,
                                             VSS_OBJECT_TYPE returned,
                                             IVssEnumObject **ret) {
        return query(id, type, returned, ret);
}

static HRESULT STDMETHODCALLTYPE share_DeleteSnapshots(IVssFileShareSnapshotProvider *iface,
                                                       VSS_ID id,
                                                       VSS_OBJECT_TYPE type,
                                                       BOOL force,
                                                       LONG *deleted,
                                                       VSS_ID *nondeleted) {
        return delete_snapshots(id, type, deleted, nondeleted);
}

static HRESULT STDMETHODCALLTYPE share_BeginPrepareSnapshot(IVssFileShareSnapshotProvider *iface,
                                                            VSS_ID set_id,
                                                            VSS_ID id,
                                                            VSS_PWSZ path,
                                                            LONG context,
                                                            VSS_ID provider_id) {
        note("ProviderId", GUID_TO_STRING(&provider_id));
        return begin_prepare(set_id, id, path, context);
}

static HRESULT STDMETHODCALLTYPE share_IsPathSupported(IVssFileShareSnapshotProvider *iface,
                                                       VSS_PWSZ path,
                                                       BOOL *ret) {
        return is_supported("IsPathSupported", path, ret);
}

static HRESULT STDMETHODCALLTYPE share_IsPathSnapshotted(IVssFileShareSnapshotProvider *iface,
                                                         VSS_PWSZ path,
                                                         BOOL *ret,
                                                         LONG *ret_compatibility) {
        return is_snapshotted("IsPathSnapshotted", path, ret, ret_compatibility);
}

static HRESULT STDMETHODCALLTYPE share_SetSnapshotProperty(IVssFileShareSnapshotProvider *iface,
                                                           VSS_ID id,
                                                           VSS_SNAPSHOT_PROPERTY_ID property,
                                                           VARIANT v) {
        return set_property(property, &v);
}

static const IVssFileShareSnapshotProviderVtbl share_vtbl = {
        share_QueryInterface,
        share_AddRef,
        share_Release,
        share_SetContext,
        share_GetSnapshotProperties,
        share_Query,
        share_DeleteSnapshots,
        share_BeginPrepareSnapshot,
        share_IsPathSupported,
        share_IsPathSnapshotted,
        share_SetSnapshotProperty,
};

/* IVssProviderCreateSnapshotSet */

static Puppet *impl_from_IVssProviderCreateSnapshotSet(IVssProviderCreateSnapshotSet *iface) {
        return container_of(iface, Puppet, IVssProviderCreateSnapshotSet_iface);
}
COM_DEFINE_UNKNOWN(set, IVssProviderCreateSnapshotSet)

static HRESULT STDMETHODCALLTYPE set_EndPrepareSnapshots(IVssProviderCreateSnapshotSet *iface, VSS_ID id) {
        return puppet_call("EndPrepareSnapshots");
}

static HRESULT STDMETHODCALLTYPE set_PreCommitSnapshots(IVssProviderCreateSnapshotSet *iface, VSS_ID id) {
        return puppet_call("PreCommitSnapshots");
}

static HRESULT STDMETHODCALLTYPE set_CommitSnapshots(IVssProviderCreateSnapshotSet *iface, VSS_ID id) {
        HRESULT hr = puppet_call("CommitSnapshots");

        return hr != S_OK ? hr :
                            puppet_run("cd %s/store && for s in $(grep -lsx %s */set); do "
                                "t=${s%%/set}; if [ -e $t/source ]; then cp --reflink=auto $t/source $t/disk; "
                                "else cp -a \"$(cat $t/volume)\" $t/tree; fi || exit 1; done",
                                dir(), GUID_TO_STRING(&id));
}

static HRESULT STDMETHODCALLTYPE set_PostCommitSnapshots(IVssProviderCreateSnapshotSet *iface,
                                                         VSS_ID id,
                                                         LONG count) {
        return puppet_step("PostCommitSnapshots", "%d", count);
}

static HRESULT STDMETHODCALLTYPE set_PreFinalCommitSnapshots(IVssProviderCreateSnapshotSet *iface, VSS_ID id) {
        return puppet_call("PreFinalCommitSnapshots");
}

static HRESULT STDMETHODCALLTYPE set_PostFinalCommitSnapshots(IVssProviderCreateSnapshotSet *iface,
                                                              VSS_ID id) {
        return puppet_call("PostFinalCommitSnapshots");
}

static HRESULT STDMETHODCALLTYPE set_AbortSnapshots(IVssProviderCreateSnapshotSet *iface, VSS_ID id) {
        HRESULT hr = puppet_call("AbortSnapshots");

        return hr != S_OK ? hr :
                            puppet_run("cd %s/store 2>/dev/null && for s in $(grep -lsx %s */set); do t=${s%%/set}; "
                                "for l in $(losetup -n -O NAME -j $PWD/$t/disk); do losetup -d $l; done; "
                                "rm -rf $t; done; true",
                                dir(), GUID_TO_STRING(&id));
}

static const IVssProviderCreateSnapshotSetVtbl set_vtbl = {
        set_QueryInterface,
        set_AddRef,
        set_Release,
        set_EndPrepareSnapshots,
        set_PreCommitSnapshots,
        set_CommitSnapshots,
        set_PostCommitSnapshots,
        set_PreFinalCommitSnapshots,
        set_PostFinalCommitSnapshots,
        set_AbortSnapshots,
};

/* IVssProviderNotifications */

static Puppet *impl_from_IVssProviderNotifications(IVssProviderNotifications *iface) {
        return container_of(iface, Puppet, IVssProviderNotifications_iface);
}
COM_DEFINE_UNKNOWN(notifications, IVssProviderNotifications)

static HRESULT STDMETHODCALLTYPE notifications_OnLoad(IVssProviderNotifications *iface, IUnknown *callback) {
        return puppet_step("OnLoad", "%s", callback ? "callback" : "-");
}

static HRESULT STDMETHODCALLTYPE notifications_OnUnload(IVssProviderNotifications *iface, BOOL force) {
        HRESULT hr = puppet_step("OnUnload", "%d", force);

        return hr == S_FALSE && force ? S_OK : hr;
}

static const IVssProviderNotificationsVtbl notifications_vtbl = {
        notifications_QueryInterface, notifications_AddRef,   notifications_Release,
        notifications_OnLoad,         notifications_OnUnload,
};

/* IUmbraProviderTraits */

static Puppet *impl_from_IUmbraProviderTraits(IUmbraProviderTraits *iface) {
        return container_of(iface, Puppet, IUmbraProviderTraits_iface);
}
COM_DEFINE_UNKNOWN(traits, IUmbraProviderTraits)

static HRESULT STDMETHODCALLTYPE traits_GetTraits(IUmbraProviderTraits *iface,
                                                  VSS_PWSZ name,
                                                  UMBRA_PROVIDER_TRAITS *t) {
        _cleanup_(freep) char *told = puppet_told("traits");
        HRESULT hr = puppet_call("GetTraits");

        t->bWritesToVolume = told && strstr(told, "writes");
        t->bInstantWithoutHold = told && strstr(told, "instant");
        t->lAttributes = told && strstr(told, "plex") ? VSS_VOLSNAP_ATTR_PLEX : 0;
        return hr;
}

static const IUmbraProviderTraitsVtbl traits_vtbl = {
        traits_QueryInterface,
        traits_AddRef,
        traits_Release,
        traits_GetTraits,
};

/* The object */

static void puppet_finalize(ComObject *object) {
        note("Gone", "");
}

/* Those that the script says it has. */
static ComInterface interfaces[8];

static void take_faces(void) {
        static const struct {
                const char *name;
                ComInterface interface;
        } all[] = {
                { "software", COM_INTERFACE(Puppet, IVssSoftwareSnapshotProvider) },
                { "hardware", COM_INTERFACE_AS(Puppet, IVssHardwareSnapshotProvider, IVssHardwareSnapshotProviderEx) },
                { "hardware ex", COM_INTERFACE(Puppet, IVssHardwareSnapshotProviderEx) },
                { "share", COM_INTERFACE(Puppet, IVssFileShareSnapshotProvider) },
                { "set", COM_INTERFACE(Puppet, IVssProviderCreateSnapshotSet) },
                { "notifications", COM_INTERFACE(Puppet, IVssProviderNotifications) },
                { "traits", COM_INTERFACE(Puppet, IUmbraProviderTraits) },
        };
        _cleanup_(freep) char *told = puppet_told("faces");
        const char *faces = told ?: "software set notifications traits";
        size_t n = 0;

        for (size_t i = 0; i < ELEMENTSOF(all); ++i)
                if (strstr(faces, all[i].name))
                        interfaces[n++] = all[i].interface;
        while (n < ELEMENTSOF(interfaces))
                interfaces[n++] = (ComInterface){ &IID_IUnknown, offsetof(Puppet, IVssSoftwareSnapshotProvider_iface) };
}

static const ComClass puppet_class = {
        .name = "puppet",
        .interfaces = interfaces,
        .n_interfaces = ELEMENTSOF(interfaces),
        .finalize = puppet_finalize,
};

HRESULT STDAPICALLTYPE CreateVssProvider(REFCLSID class_id, REFIID iid, void **ppv) {
        HRESULT hr = puppet_step("CreateVssProvider", "%s", GUID_TO_STRING(class_id));

        if (hr != S_OK || puppet_lies("CreateVssProvider", ""))
                return hr;

        take_faces();
        puppet.IVssSoftwareSnapshotProvider_iface.lpVtbl = &software_vtbl;
        puppet.IVssFileShareSnapshotProvider_iface.lpVtbl = &share_vtbl;
        puppet.IVssHardwareSnapshotProviderEx_iface.lpVtbl = &puppet_luns_vtbl;
        puppet.IVssProviderCreateSnapshotSet_iface.lpVtbl = &set_vtbl;
        puppet.IVssProviderNotifications_iface.lpVtbl = &notifications_vtbl;
        puppet.IUmbraProviderTraits_iface.lpVtbl = &traits_vtbl;
        com_object_init(&puppet.com, &puppet_class);
        hr = com_object_query(&puppet.com, iid, ppv);
        (void) com_object_unref(&puppet.com);
        return hr;
}
