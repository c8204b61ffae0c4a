/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * vshadow, making shadow copies with writers
 *
 * The sample of the SDK: SetContext right after InitializeForBackup, all components chosen, statuses looked at
 * after each step, the document saved before the files are copied.
 */

#include <string>

#include "api/requesters/scene.h"

namespace {

struct Program {
        IVssBackupComponents *backup = nullptr;

        void check_statuses() {
                UINT n = 0, n_metadata = 0;

                AWAIT(backup, GatherWriterStatus);
                CHECK(backup->GetWriterStatusCount(&n));
                CHECK(backup->GetWriterMetadataCount(&n_metadata));
                MUST(n == n_metadata && n == 2);
                for (UINT i = 0; i < n; ++i) {
                        VSS_ID instance, writer;
                        VSS_WRITER_STATE state;
                        HRESULT failure;
                        BSTR name = nullptr;

                        CHECK(backup->GetWriterStatus(i, &instance, &writer, &name, &state, &failure));
                        EXPECT(failure, S_OK);
                        MUST(state < VSS_WS_FAILED_AT_IDENTIFY && state != VSS_WS_UNKNOWN);
                        SysFreeString(name);
                }
                CHECK(backup->FreeWriterStatus());
        }

        /* Every selectable component, and those that cannot be chosen and hang below none that can. */
        void add_components(IVssExamineWriterMetadata *metadata, VSS_ID instance) {
                UINT n_include, n_exclude, n_components;
                VSS_USAGE_TYPE usage;
                VSS_SOURCE_TYPE source;
                VSS_ID instance2, id;
                BSTR name = nullptr;

                CHECK(metadata->GetIdentity(&instance2, &id, &name, &usage, &source));
                SysFreeString(name);
                CHECK(metadata->GetFileCounts(&n_include, &n_exclude, &n_components));
                for (UINT i = 0; i < n_components; ++i) {
                        IVssWMComponent *component = nullptr;
                        PVSSCOMPONENTINFO info = nullptr;

                        CHECK(metadata->GetComponent(i, &component));
                        CHECK(component->GetComponentInfo(&info));
                        if (info->bSelectable)
                                CHECK(backup->AddComponent(instance, id, info->type, info->bstrLogicalPath,
                                                           info->bstrComponentName));
                        component->FreeComponentInfo(info);
                        component->Release();
                }
        }

        void gather() {
                UINT n = 0;

                AWAIT(backup, GatherWriterMetadata);
                CHECK(backup->GetWriterMetadataCount(&n));
                for (UINT i = 0; i < n; ++i) {
                        IVssExamineWriterMetadata *metadata = nullptr;
                        VSS_ID instance;

                        CHECK(backup->GetWriterMetadata(i, &instance, &metadata));
                        add_components(metadata, instance);
                        metadata->Release();
                }
        }

        void set_backup_succeeded() {
                UINT n = 0;

                CHECK(backup->GetWriterComponentsCount(&n));
                MUST(n == 2);
                for (UINT i = 0; i < n; ++i) {
                        IVssWriterComponentsExt *writer = nullptr;
                        IVssComponent *component = nullptr;
                        VSS_ID instance, id;
                        BSTR path = nullptr, name = nullptr;
                        VSS_COMPONENT_TYPE type;

                        CHECK(backup->GetWriterComponents(i, &writer));
                        CHECK(writer->GetWriterInfo(&instance, &id));
                        CHECK(writer->GetComponent(0, &component));
                        CHECK(component->GetComponentType(&type));
                        CHECK(component->GetLogicalPath(&path));
                        CHECK(component->GetComponentName(&name));
                        CHECK(backup->SetBackupSucceeded(instance, id, type, path, name, true));
                        SysFreeString(path);
                        SysFreeString(name);
                        component->Release();
                        writer->Release();
                }
        }
};

void test_that_vshadow_makes_its_shadow_copies(void **) {
        Scene *scene = scene_open();
        Program p;
        VSS_SNAPSHOT_PROP prop;
        VSS_ID set, snapshot;
        BSTR xml = nullptr;

        CHECK(CreateVssBackupComponents(&p.backup));
        CHECK(p.backup->InitializeForBackup());
        CHECK(p.backup->SetContext(VSS_CTX_BACKUP));
        CHECK(p.backup->SetBackupState(true, true, VSS_BT_FULL, false));
        p.gather();
        CHECK(p.backup->StartSnapshotSet(&set));
        CHECK(p.backup->AddToSnapshotSet(scene->volume, GUID_NULL, &snapshot));
        AWAIT(p.backup, PrepareForBackup);
        p.check_statuses();
        AWAIT(p.backup, DoSnapshotSet);
        p.check_statuses();

        CHECK(p.backup->SaveAsXML(&xml));
        MUST(std::wstring(xml).find(L"BACKUP_COMPONENTS") != std::wstring::npos);
        SysFreeString(xml);
        CHECK(p.backup->GetSnapshotProperties(snapshot, &prop));
        MUST(scene_reads(prop.m_pwszSnapshotDeviceObject, "db/one.db", "rows\n"));
        VssFreeSnapshotProperties(&prop);

        p.set_backup_succeeded();
        AWAIT(p.backup, BackupComplete);
        p.check_statuses();
        p.backup->Release();

        scene_expect(scene,
                     "Identify\n"
                     "PrepareBackup full selected bootable: server\\db\n"
                     "PrepareSnapshot\nFreeze\nThaw\n"
                     "PostSnapshot: server\\db\n"
                     "BackupComplete: server\\db=yes\n"
                     "BackupShutdown\n",
                     "Identify\n"
                     "PrepareBackup full selected bootable: files\n"
                     "PrepareSnapshot\nFreeze\nThaw\n"
                     "PostSnapshot: files\n"
                     "BackupComplete: files=yes\n"
                     "BackupShutdown\n");
        scene_close(scene);
}

} // namespace

int main() {
        return scene_run("test_that_vshadow_makes_its_shadow_copies",
                         test_that_vshadow_makes_its_shadow_copies);
}
