/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The VSS client of XenServer
 *
 * Looks for a provider first, and wants a transportable shadow copy, which is carried away with the document.
 */

#include <string>

#include "api/requesters/scene.h"

namespace {

/* Its own one stands for the fake provider. */
VSS_ID find_provider(IVssBackupComponents *backup) {
        IVssEnumObject *list = nullptr;
        VSS_ID found = GUID_NULL;
        VSS_OBJECT_PROP prop;
        ULONG got = 0;

        CHECK(backup->Query(GUID_NULL, VSS_OBJECT_NONE, VSS_OBJECT_PROVIDER, &list));
        while (list->Next(1, &prop, &got) == S_OK) {
                if (prop.Obj.Prov.m_ProviderId == scene_fake_provider)
                        found = prop.Obj.Prov.m_ProviderId;
                CoTaskMemFree(prop.Obj.Prov.m_pwszProviderName);
                CoTaskMemFree(prop.Obj.Prov.m_pwszProviderVersion);
        }
        list->Release();
        return found;
}

void add_database(IVssBackupComponents *backup, VSS_ID *ret_instance) {
        UINT n = 0;

        CHECK(backup->GetWriterMetadataCount(&n));
        for (UINT i = 0; i < n; ++i) {
                IVssExamineWriterMetadata *metadata = nullptr;
                VSS_USAGE_TYPE usage;
                VSS_SOURCE_TYPE source;
                VSS_ID id, instance;
                BSTR name = nullptr;

                CHECK(backup->GetWriterMetadata(i, &instance, &metadata));
                CHECK(metadata->GetIdentity(&instance, &id, &name, &usage, &source));
                if (id == scene_database_id) {
                        CHECK(backup->AddComponent(instance, id, VSS_CT_DATABASE, L"server", L"db"));
                        *ret_instance = instance;
                }
                SysFreeString(name);
                metadata->Release();
        }
}

void test_that_xenserver_takes_its_document_along(void **) {
        Scene *scene = scene_open();
        IVssBackupComponents *backup = nullptr;
        VSS_ID set, snapshot, nondeleted, provider, instance = GUID_NULL;
        BOOL supported = FALSE;
        LONG deleted = 0;
        BSTR xml = nullptr;

        CHECK(CreateVssBackupComponents(&backup));
        CHECK(backup->InitializeForBackup());
        CHECK(backup->SetContext(VSS_VOLSNAP_ATTR_TRANSPORTABLE | VSS_CTX_APP_ROLLBACK));
        CHECK(backup->SetBackupState(true, false, VSS_BT_FULL, false));
        provider = find_provider(backup);
        MUST(provider == scene_fake_provider);
        CHECK(backup->IsVolumeSupported(provider, scene->volume, &supported));
        MUST(supported);
        AWAIT(backup, GatherWriterMetadata);
        add_database(backup, &instance);
        CHECK(backup->StartSnapshotSet(&set));
        CHECK(backup->AddToSnapshotSet(scene->volume, provider, &snapshot));
        AWAIT(backup, PrepareForBackup);
        AWAIT(backup, DoSnapshotSet);
        CHECK(backup->SaveAsXML(&xml));
        MUST(std::wstring(xml).find(L"<SNAPSHOT ") != std::wstring::npos);
        SysFreeString(xml);
        CHECK(backup->SetBackupSucceeded(instance, scene_database_id, VSS_CT_DATABASE, L"server", L"db",
                                         true));
        AWAIT(backup, BackupComplete);
        CHECK(backup->DeleteSnapshots(set, VSS_OBJECT_SNAPSHOT_SET, TRUE, &deleted, &nondeleted));
        MUST(deleted == 1);
        backup->Release();
        scene_expect(scene,
                     "Identify\nPrepareBackup full selected: server\\db\nPrepareSnapshot\nFreeze\nThaw\n"
                     "PostSnapshot: server\\db\nBackupComplete: server\\db=yes\nBackupShutdown\n",
                     "Identify\nPrepareBackup full selected\n");
        scene_close(scene);
}

} // namespace

int main() {
        return scene_run("test_that_xenserver_takes_its_document_along",
                         test_that_xenserver_takes_its_document_along);
}
