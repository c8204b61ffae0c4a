/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The Puppet's Disk Array
 *
 * A LUN is a file, and shown as a loop device; its serial number is the file's name. A shadow copy is a copy of the
 * file, $UMBRA_PUPPET/store/SNAPSHOT/disk.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <vsserror.h>

#include "base/alloc.h"
#include "base/guid.h"
#include "providers/puppet-provider.h"

static char made[64]; /* the snapshot that is being made */

static Puppet *impl_from_IVssHardwareSnapshotProviderEx(IVssHardwareSnapshotProviderEx *iface) {
        return container_of(iface, Puppet, IVssHardwareSnapshotProviderEx_iface);
}
COM_DEFINE_UNKNOWN(luns, IVssHardwareSnapshotProviderEx)

static HRESULT STDMETHODCALLTYPE luns_AreLunsSupported(IVssHardwareSnapshotProviderEx *iface,
                                                       LONG n,
                                                       LONG context,
                                                       VSS_PWSZ *devices,
                                                       VDS_LUN_INFORMATION *luns,
                                                       BOOL *ret) {
        HRESULT hr = puppet_step("AreLunsSupported", "%d %s", n, luns[0].m_szSerialNumber);

        *ret = !puppet_lies("AreLunsSupported", "no");
        return hr;
}

static bool is_ours(const VDS_LUN_INFORMATION *lun) {
        return lun->m_szSerialNumber && strstr(lun->m_szSerialNumber, "/store/");
}

static HRESULT STDMETHODCALLTYPE luns_FillInLunInfo(IVssHardwareSnapshotProviderEx *iface,
                                                    VSS_PWSZ device,
                                                    VDS_LUN_INFORMATION *lun,
                                                    BOOL *ret) {
        HRESULT hr = puppet_call("FillInLunInfo");

        *ret = is_ours(lun) && !puppet_lies("FillInLunInfo", "unknown");
        if (puppet_lies("FillInLunInfo", "another")) {
                free(lun->m_szSerialNumber);
                lun->m_szSerialNumber = strdup("another");
        }
        return hr;
}

static HRESULT STDMETHODCALLTYPE luns_BeginPrepareSnapshot(IVssHardwareSnapshotProviderEx *iface,
                                                           VSS_ID set_id,
                                                           VSS_ID id,
                                                           LONG context,
                                                           LONG n,
                                                           VSS_PWSZ *devices,
                                                           VDS_LUN_INFORMATION *luns) {
        HRESULT hr = puppet_step("BeginPrepareSnapshot", "%d 0x%x", n, (unsigned) context);

        (void) guid_to_string(&id, made);
        return hr != S_OK ? hr :
                            puppet_run("mkdir -p $UMBRA_PUPPET/store/%s && cd $UMBRA_PUPPET/store/%s && echo %s > set && "
                                       "ln -s '%s' source",
                                       made, made, GUID_TO_STRING(&set_id), luns[0].m_szSerialNumber);
}

static HRESULT STDMETHODCALLTYPE luns_GetTargetLuns(IVssHardwareSnapshotProviderEx *iface,
                                                    LONG n,
                                                    VSS_PWSZ *devices,
                                                    VDS_LUN_INFORMATION *sources,
                                                    VDS_LUN_INFORMATION *targets) {
        HRESULT hr = puppet_step("GetTargetLuns", "%d", n);

        if (hr != S_OK || puppet_lies("GetTargetLuns", "serial"))
                return hr;
        if (format_to(&targets[0].m_szSerialNumber, "%s/store/%s/disk", getenv("UMBRA_PUPPET"), made) < 0)
                return E_OUTOFMEMORY;
        targets[0].m_version = puppet_lies("GetTargetLuns", "version") ? 77 : VER_VDS_LUN_INFORMATION;
        if (puppet_lies("GetTargetLuns", "signature"))
                guid_generate(&targets[0].m_diskSignature);
        return S_OK;
}

static HRESULT STDMETHODCALLTYPE luns_LocateLuns(IVssHardwareSnapshotProviderEx *iface,
                                                 LONG n,
                                                 VDS_LUN_INFORMATION *luns) {
        HRESULT hr = puppet_step("LocateLuns", "%d", n);

        return hr != S_OK ? hr :
                            puppet_run("losetup -n -j '%s' | grep -q . || losetup -f '%s'", luns[0].m_szSerialNumber,
                                       luns[0].m_szSerialNumber);
}

static HRESULT STDMETHODCALLTYPE luns_OnLunEmpty(IVssHardwareSnapshotProviderEx *iface,
                                                 VSS_PWSZ device,
                                                 VDS_LUN_INFORMATION *lun) {
        HRESULT hr = puppet_call("OnLunEmpty");

        return hr != S_OK || puppet_lies("OnLunEmpty", "") ? hr :
                            puppet_run("losetup -d %ls && rm -rf $(dirname '%s')", device, lun->m_szSerialNumber);
}

static HRESULT STDMETHODCALLTYPE luns_GetProviderCapabilities(IVssHardwareSnapshotProviderEx *iface,
                                                              ULONGLONG *mask) {
        return E_NOTIMPL;
}

static HRESULT STDMETHODCALLTYPE luns_OnLunStateChange(IVssHardwareSnapshotProviderEx *iface,
                                                       VDS_LUN_INFORMATION *snapshots,
                                                       VDS_LUN_INFORMATION *originals,
                                                       DWORD n,
                                                       DWORD flags) {
        return puppet_step("OnLunStateChange", "%u 0x%x", (unsigned) n, (unsigned) flags);
}

static HRESULT STDMETHODCALLTYPE luns_ResyncLuns(IVssHardwareSnapshotProviderEx *iface,
                                                 VDS_LUN_INFORMATION *sources,
                                                 VDS_LUN_INFORMATION *targets,
                                                 DWORD n,
                                                 IVssAsync **ret) {
        HRESULT hr = puppet_step("ResyncLuns", "%u %s %s", (unsigned) n, sources[0].m_szSerialNumber,
                                 targets[0].m_szSerialNumber);

        if (hr == S_OK)
                hr = puppet_run("dd if='%s' of='%s' bs=1M conv=notrunc,fsync status=none", sources[0].m_szSerialNumber,
                                targets[0].m_szSerialNumber);
        return hr != S_OK || puppet_lies("ResyncLuns", "") ? hr : puppet_async_new(ret);
}

static HRESULT STDMETHODCALLTYPE luns_OnReuseLuns(IVssHardwareSnapshotProviderEx *iface,
                                                  VDS_LUN_INFORMATION *snapshots,
                                                  VDS_LUN_INFORMATION *originals,
                                                  DWORD n) {
        return E_NOTIMPL;
}

const IVssHardwareSnapshotProviderExVtbl puppet_luns_vtbl = {
        luns_QueryInterface,
        luns_AddRef,
        luns_Release,
        luns_AreLunsSupported,
        luns_FillInLunInfo,
        luns_BeginPrepareSnapshot,
        luns_GetTargetLuns,
        luns_LocateLuns,
        luns_OnLunEmpty,
        luns_GetProviderCapabilities,
        luns_OnLunStateChange,
        luns_ResyncLuns,
        luns_OnReuseLuns,
};
