/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What a Requester links against: the functions of vsbackup.h and umbra.h, and the class factory.
 */

#include <string.h>
#include <umbra.h>
#include <vsbackup.h>
#include <vsmgmt.h>

#include "base/alloc.h"
#include "base/guid.h"
#include "base/hresult.h"
#include "com/com-prop.h"
#include "requester/admin.h"
#include "requester/backup-components.h"
#include "requester/revert-block.h"
#include "requester/session-proxy.h"
#include "requester/snapshot-mgmt.h"
#include "view/examine-metadata.h"
#include "view/view-text.h"
#include "wire/last-error.h"
#include "wire/wire-client.h"

/* [MS: nf-vsbackup-createvssbackupcomponents] */
HRESULT CreateVssBackupComponentsInternal(IVssBackupComponents **ret) {
        if (!ret)
                return backup_argument_missing("CreateVssBackupComponents");
        *ret = NULL;

        return backup_components_new(ret);
}

HRESULT CreateVssBackupComponents(IVssBackupComponents **ret) {
        return CreateVssBackupComponentsInternal(ret);
}

/* The same by the names under which programs look it up that load the library at run time: the guest agent of
 * qemu, for one. An @ is not for the linker; what stands here instead is explained in tools/linker/ld. */
#define ALSO_CALLED(function, name)                                                                         \
        __asm__(".globl \"" name "\"\n\t.type \"" name "\", %function\n\t.set \"" name "\", " #function)

ALSO_CALLED(CreateVssBackupComponentsInternal,
            "?CreateVssBackupComponents?aYAJPEAPEAVIVssBackupComponents?a?{");
ALSO_CALLED(CreateVssBackupComponentsInternal, "?CreateVssBackupComponents?aYGJPAPAVIVssBackupComponents?a?{");

/* [MS: nf-vsbackup-createvssexaminewritermetadata] */
HRESULT CreateVssExamineWriterMetadataInternal(BSTR xml, IVssExamineWriterMetadata **ret) {
        IVssExamineWriterMetadataEx2 *metadata = NULL;
        HRESULT hr;

        if (!ret)
                return backup_argument_missing("CreateVssExamineWriterMetadata");
        *ret = NULL;
        if (!xml)
                return backup_argument_missing("CreateVssExamineWriterMetadata");

        hr = examine_metadata_from_xml(xml, &metadata);
        if (FAILED(hr))
                return last_error_set(hr, NULL);

        *ret = (IVssExamineWriterMetadata *) metadata;
        return S_OK;
}

HRESULT CreateVssExamineWriterMetadata(BSTR xml, IVssExamineWriterMetadata **ret) {
        return CreateVssExamineWriterMetadataInternal(xml, ret);
}

ALSO_CALLED(CreateVssExamineWriterMetadataInternal,
            "?CreateVssExamineWriterMetadata?aYAJPEAGPEAPEAVIVssExamineWriterMetadata?a?{");
ALSO_CALLED(CreateVssExamineWriterMetadataInternal,
            "?CreateVssExamineWriterMetadata?aYGJPAGPAPAVIVssExamineWriterMetadata?a?{");

/* [MS: nf-vsbackup-vssfreesnapshotproperties] */
void VssFreeSnapshotPropertiesInternal(VSS_SNAPSHOT_PROP *prop) {
        VSS_SNAPSHOT_PROP freed;

        if (!prop)
                return;

        /* Only the strings; the ids in it may still be read. */
        freed = *prop;
        snapshot_prop_clear(&freed);
        prop->m_pwszSnapshotDeviceObject = prop->m_pwszOriginalVolumeName = NULL;
        prop->m_pwszOriginatingMachine = prop->m_pwszServiceMachine = NULL;
        prop->m_pwszExposedName = prop->m_pwszExposedPath = NULL;
}

void VssFreeSnapshotProperties(VSS_SNAPSHOT_PROP *prop) {
        VssFreeSnapshotPropertiesInternal(prop);
}

/* Both separators are taken and a missing last one is forgiven, here as everywhere. */
static void volume_name_fold(char *name) {
        size_t n = strlen(name);

        for (size_t i = 0; i < n; ++i)
                if (name[i] == '\\')
                        name[i] = '/';
        while (n > 1 && name[n - 1] == '/')
                name[--n] = '\0';
}

static bool volume_is_named(const char *folded, const char *name) {
        _cleanup_(freep) char *copy = NULL;

        if (!name || strdup_to(name, &copy) < 0)
                return false;

        volume_name_fold(copy);
        return strcmp(copy, folded) == 0;
}

/* A volume that is no mount point has no line in the list of volumes, but may have shadow copies. */
static HRESULT volume_has_snapshots(SessionProxy *session, const char *name, bool *ret) {
        _cleanup_(session_query_clear) SessionQuery volumes = { 0 }, all = { 0 };
        _cleanup_(freep) char *folded = NULL;
        bool supported;
        HRESULT hr;

        if (strdup_to(name, &folded) < 0)
                return last_error_set(E_OUTOFMEMORY, NULL);
        volume_name_fold(folded);

        hr = session_proxy_query_volumes(session, &GUID_NULL, (int32_t) VSS_CTX_ALL, &volumes);
        if (FAILED(hr))
                return hr;

        *ret = false;
        for (size_t i = 0; i < volumes.n_volumes; ++i) {
                const WireVolume *v = volumes.volumes + i;

                if (volume_is_named(folded, v->name) || volume_is_named(folded, v->mount_point) ||
                    volume_is_named(folded, v->device)) {
                        *ret = v->n_snapshots > 0;
                        return S_OK;
                }
        }

        hr = session_proxy_is_volume_supported(session, &GUID_NULL, name, &supported);
        if (SUCCEEDED(hr))
                hr = session_proxy_query(session, VSS_OBJECT_SNAPSHOT, (int32_t) VSS_CTX_ALL, &all);
        if (FAILED(hr))
                return hr;

        for (size_t i = 0; i < all.n_snapshots; ++i)
                if (volume_is_named(folded, all.snapshots[i].original_volume))
                        *ret = true;
        return S_OK;
}

/* What must not be done on a volume with shadow copies is the business of providers; nothing harms those of
 * umbra's. [MS: nf-vsbackup-isvolumesnapshotted] */
HRESULT IsVolumeSnapshottedInternal(VSS_PWSZ volume, BOOL *ret_present, LONG *ret_capability) {
        _cleanup_(session_proxy_freep) SessionProxy *session = NULL;
        _cleanup_(freep) char *name = NULL;
        bool present = false, foreign = false;
        int32_t compatibility = 0;
        HRESULT hr;

        if (ret_present)
                *ret_present = FALSE;
        if (ret_capability)
                *ret_capability = 0;
        if (!volume || !ret_present || !ret_capability)
                return backup_argument_missing("IsVolumeSnapshotted");

        hr = view_text_from_wide(volume, &name);
        if (FAILED(hr))
                return last_error_set(hr, NULL);

        hr = session_proxy_open_to_query((int32_t) VSS_CTX_ALL, &session);
        if (SUCCEEDED(hr))
                hr = volume_has_snapshots(session, name, &present);
        if (SUCCEEDED(hr))
                hr = session_proxy_ask_foreign(session, name, &foreign, &compatibility);
        if (FAILED(hr))
                return hr;

        *ret_present = present || foreign ? TRUE : FALSE;
        *ret_capability = compatibility;
        return S_OK;
}

HRESULT IsVolumeSnapshotted(VSS_PWSZ volume, BOOL *ret_present, LONG *ret_capability) {
        return IsVolumeSnapshottedInternal(volume, ret_present, ret_capability);
}

HRESULT ShouldBlockRevertInternal(LPCWSTR volume, bool *ret_block) {
        if (ret_block)
                *ret_block = false;
        if (!volume || !ret_block)
                return backup_argument_missing("ShouldBlockRevert");

        return revert_is_blocked(volume, ret_block);
}

HRESULT ShouldBlockRevert(LPCWSTR volume, bool *ret_block) {
        return ShouldBlockRevertInternal(volume, ret_block);
}

HRESULT GetProviderMgmtInterfaceInternal(VSS_ID provider_id, IID iid, IUnknown **ret) {
        return provider_mgmt_interface(&provider_id, &iid, ret);
}

HRESULT GetProviderMgmtInterface(VSS_ID provider_id, IID iid, IUnknown **ret) {
        return GetProviderMgmtInterfaceInternal(provider_id, iid, ret);
}

static HRESULT create_snapshot_mgmt(IUnknown **ret) {
        return snapshot_mgmt_new((IVssSnapshotMgmt **) ret);
}

static HRESULT create_admin(IUnknown **ret) {
        return admin_new((IVssAdmin **) ret);
}

HRESULT CoCreateInstance(REFCLSID clsid, LPUNKNOWN outer, DWORD context, REFIID iid, LPVOID *ret) {
        static const struct {
                const CLSID *clsid;
                HRESULT (*create)(IUnknown **ret);
        } classes[] = {
                { &CLSID_VssSnapshotMgmt, create_snapshot_mgmt },
                { &CLSID_VSSCoordinator, create_admin },
        };
        IUnknown *object;
        HRESULT hr;

        if (!ret)
                return last_error_set(E_POINTER, NULL);
        *ret = NULL;
        if (outer)
                return last_error_set(CLASS_E_NOAGGREGATION, NULL);

        for (size_t i = 0; i < ELEMENTSOF(classes); ++i) {
                if (!guid_equal(clsid, classes[i].clsid))
                        continue;

                hr = classes[i].create(&object);
                if (FAILED(hr))
                        return hr;

                hr = IUnknown_QueryInterface(object, iid, ret);
                IUnknown_Release(object);
                return FAILED(hr) ? last_error_set(hr, NULL) : S_OK;
        }

        return last_error_set(REGDB_E_CLASSNOTREG, NULL);
}

const char *umbra_last_error(void) {
        return last_error_get();
}

HRESULT umbra_set_socket(const char *path) {
        int r;

        r = wire_socket_override(path);
        return r < 0 ? last_error_set(hresult_from_errno(r), NULL) : S_OK;
}

HRESULT umbra_get_status(char **ret_json) {
        if (!ret_json)
                return backup_argument_missing("umbra_get_status");
        *ret_json = NULL;

        return session_proxy_get_status(ret_json);
}
