/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * UrBackup
 *
 * Sets the context after it has gathered, walks through all metadata there is, asks for statuses at every
 * turn, and keeps persistent shadow copies that a later session finds and deletes.
 */

#include <string>

#include "api/requesters/scene.h"

namespace {

void free_files(IVssWMFiledesc *file) {
        BSTR path = nullptr, filespec = nullptr;

        CHECK(file->GetPath(&path));
        CHECK(file->GetFilespec(&filespec));
        MUST(SysStringLen(path) > 0 && SysStringLen(filespec) > 0);
        SysFreeString(path);
        SysFreeString(filespec);
        file->Release();
}

void walk_component(IVssWMComponent *component, PVSSCOMPONENTINFO info) {
        for (UINT i = 0; i < info->cFileCount; ++i) {
                IVssWMFiledesc *file = nullptr;

                CHECK(component->GetFile(i, &file));
                free_files(file);
        }
        for (UINT i = 0; i < info->cDatabases; ++i) {
                IVssWMFiledesc *file = nullptr;

                CHECK(component->GetDatabaseFile(i, &file));
                free_files(file);
        }
        for (UINT i = 0; i < info->cLogFiles; ++i) {
                IVssWMFiledesc *file = nullptr;

                CHECK(component->GetDatabaseLogFile(i, &file));
                free_files(file);
        }
        for (UINT i = 0; i < info->cDependencies; ++i) {
                IVssWMDependency *dependency = nullptr;
                BSTR name = nullptr;
                VSS_ID id;

                CHECK(component->GetDependency(i, &dependency));
                CHECK(dependency->GetWriterId(&id));
                CHECK(dependency->GetComponentName(&name));
                MUST(id == scene_files_id && std::wstring(name) == L"files");
                SysFreeString(name);
                dependency->Release();
        }
}

void walk_writer(IVssBackupComponents *backup, UINT number) {
        IVssExamineWriterMetadata *metadata = nullptr;
        UINT n_include, n_exclude, n_components;
        VSS_ID id, instance;
        VSS_USAGE_TYPE usage;
        VSS_SOURCE_TYPE source;
        BSTR name = nullptr, xml = nullptr;

        CHECK(backup->GetWriterMetadata(number, &instance, &metadata));
        CHECK(metadata->GetIdentity(&instance, &id, &name, &usage, &source));
        SysFreeString(name);
        CHECK(metadata->SaveAsXML(&xml));
        MUST(std::wstring(xml).find(L"WRITER_METADATA") != std::wstring::npos);
        SysFreeString(xml);
        CHECK(metadata->GetFileCounts(&n_include, &n_exclude, &n_components));
        for (UINT i = 0; i < n_exclude; ++i) {
                IVssWMFiledesc *file = nullptr;

                CHECK(metadata->GetExcludeFile(i, &file));
                free_files(file);
        }
        for (UINT i = 0; i < n_components; ++i) {
                IVssWMComponent *component = nullptr;
                PVSSCOMPONENTINFO info = nullptr;

                CHECK(metadata->GetComponent(i, &component));
                CHECK(component->GetComponentInfo(&info));
                walk_component(component, info);
                if (info->bSelectable)
                        CHECK(backup->AddComponent(instance, id, info->type, info->bstrLogicalPath,
                                                   info->bstrComponentName));
                component->FreeComponentInfo(info);
                component->Release();
        }
        metadata->Release();
}

void check_statuses(IVssBackupComponents *backup) {
        UINT n = 0;

        AWAIT(backup, GatherWriterStatus);
        CHECK(backup->GetWriterStatusCount(&n));
        for (UINT i = 0; i < n; ++i) {
                VSS_ID instance, id;
                VSS_WRITER_STATE state;
                HRESULT failure;
                BSTR name = nullptr;

                CHECK(backup->GetWriterStatus(i, &instance, &id, &name, &state, &failure));
                EXPECT(failure, S_OK);
                SysFreeString(name);
        }
        CHECK(backup->FreeWriterStatus());
}

void set_succeeded(IVssBackupComponents *backup) {
        UINT n = 0;

        CHECK(backup->GetWriterMetadataCount(&n));
        for (UINT i = 0; i < n; ++i) {
                IVssExamineWriterMetadata *metadata = nullptr;
                VSS_ID instance;

                CHECK(backup->GetWriterMetadata(i, &instance, &metadata));
                {
                        VSS_ID id;
                        VSS_USAGE_TYPE usage;
                        VSS_SOURCE_TYPE source;
                        BSTR name = nullptr;

                        CHECK(metadata->GetIdentity(&instance, &id, &name, &usage, &source));
                        SysFreeString(name);
                        if (id == scene_database_id)
                                CHECK(backup->SetBackupSucceeded(instance, id, VSS_CT_DATABASE, L"server",
                                                                 L"db", true));
                        else
                                CHECK(backup->SetBackupSucceeded(instance, id, VSS_CT_FILEGROUP, nullptr,
                                                                 L"files", false));
                }
                metadata->Release();
        }
}

VSS_ID save(Scene *scene, VSS_ID *ret_set) {
        IVssBackupComponents *backup = nullptr;
        VSS_SNAPSHOT_PROP prop;
        VSS_ID snapshot;
        BSTR xml = nullptr;
        UINT n = 0;

        CHECK(CreateVssBackupComponents(&backup));
        CHECK(backup->InitializeForBackup());
        CHECK(backup->SetBackupState(true, true, VSS_BT_FULL, false));
        AWAIT(backup, GatherWriterMetadata);
        CHECK(backup->SetContext(VSS_CTX_APP_ROLLBACK)); /* after it */
        CHECK(backup->GetWriterMetadataCount(&n));
        for (UINT i = 0; i < n; ++i)
                walk_writer(backup, i);
        check_statuses(backup);
        CHECK(backup->StartSnapshotSet(ret_set));
        CHECK(backup->AddToSnapshotSet(scene->volume, GUID_NULL, &snapshot));
        AWAIT(backup, PrepareForBackup);
        check_statuses(backup);
        AWAIT(backup, DoSnapshotSet);
        check_statuses(backup);
        CHECK(backup->GetSnapshotProperties(snapshot, &prop));
        MUST(scene_reads(prop.m_pwszSnapshotDeviceObject, "db/one.log", "log\n"));
        VssFreeSnapshotProperties(&prop);
        set_succeeded(backup);
        AWAIT(backup, BackupComplete);
        CHECK(backup->SaveAsXML(&xml));
        MUST(std::wstring(xml).find(L"backupSucceeded=\"no\"") != std::wstring::npos);
        SysFreeString(xml);
        backup->Release();
        return snapshot;
}

void test_that_urbackup_finds_its_shadow_copies_again(void **) {
        Scene *scene = scene_open();
        IVssBackupComponents *later = nullptr;
        VSS_SNAPSHOT_PROP prop;
        VSS_ID set, snapshot, nondeleted;
        LONG deleted = 0;

        snapshot = save(scene, &set);
        scene_expect(
                scene,
                "Identify\nPrepareBackup full selected bootable: server\\db\nPrepareSnapshot\nFreeze\nThaw\n"
                "PostSnapshot: server\\db\nBackupComplete: server\\db=yes\nBackupShutdown\n",
                "Identify\nPrepareBackup full selected bootable: files\nPrepareSnapshot\nFreeze\nThaw\n"
                "PostSnapshot: files\nBackupComplete: files=no\nBackupShutdown\n");

        /* Another day. */
        CHECK(CreateVssBackupComponents(&later));
        CHECK(later->InitializeForBackup());
        CHECK(later->SetContext(VSS_CTX_APP_ROLLBACK));
        CHECK(later->GetSnapshotProperties(snapshot, &prop));
        MUST(prop.m_SnapshotSetId == set && prop.m_lSnapshotsCount == 1);
        VssFreeSnapshotProperties(&prop);
        CHECK(later->DeleteSnapshots(set, VSS_OBJECT_SNAPSHOT_SET, TRUE, &deleted, &nondeleted));
        MUST(deleted == 1);
        EXPECT(later->GetSnapshotProperties(snapshot, &prop), VSS_E_OBJECT_NOT_FOUND);
        later->Release();
        scene_expect(scene, "", "");
        scene_close(scene);
}

} // namespace

int main() {
        return scene_run("test_that_urbackup_finds_its_shadow_copies_again",
                         test_that_urbackup_finds_its_shadow_copies_again);
}
