/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * ShadowSpawn
 *
 * Adds its components after the volume, and says the backup state as late as right before PrepareForBackup.
 * Never says a context.
 */

#include "api/requesters/scene.h"

namespace {

void add_components(IVssBackupComponents *backup) {
        UINT n = 0;

        CHECK(backup->GetWriterMetadataCount(&n));
        for (UINT i = 0; i < n; ++i) {
                IVssExamineWriterMetadata *metadata = nullptr;
                UINT n_include, n_exclude, n_components;
                VSS_USAGE_TYPE usage;
                VSS_SOURCE_TYPE source;
                VSS_ID id, instance;
                BSTR name = nullptr;

                CHECK(backup->GetWriterMetadata(i, &instance, &metadata));
                CHECK(metadata->GetIdentity(&instance, &id, &name, &usage, &source));
                SysFreeString(name);
                CHECK(metadata->GetFileCounts(&n_include, &n_exclude, &n_components));
                for (UINT k = 0; k < n_components; ++k) {
                        IVssWMComponent *component = nullptr;
                        PVSSCOMPONENTINFO info = nullptr;

                        CHECK(metadata->GetComponent(k, &component));
                        CHECK(component->GetComponentInfo(&info));
                        if (info->bSelectable)
                                CHECK(backup->AddComponent(instance, id, info->type, info->bstrLogicalPath,
                                                           info->bstrComponentName));
                        component->FreeComponentInfo(info);
                        component->Release();
                }
                metadata->Release();
        }
}

void test_that_shadowspawn_runs_a_command_on_its_shadow_copy(void **) {
        Scene *scene = scene_open();
        IVssBackupComponents *backup = nullptr;
        VSS_ID set, snapshot, nondeleted;
        VSS_SNAPSHOT_PROP prop;
        LONG deleted = 0;

        CHECK(CreateVssBackupComponents(&backup));
        CHECK(backup->InitializeForBackup());
        AWAIT(backup, GatherWriterMetadata);
        CHECK(backup->StartSnapshotSet(&set));
        CHECK(backup->AddToSnapshotSet(scene->volume, GUID_NULL, &snapshot));
        add_components(backup);
        CHECK(backup->SetBackupState(true, false, VSS_BT_COPY, false));
        AWAIT(backup, PrepareForBackup);
        AWAIT(backup, DoSnapshotSet);
        CHECK(backup->GetSnapshotProperties(snapshot, &prop));

        /* The command. */
        MUST(scene_reads(prop.m_pwszSnapshotDeviceObject, "files/one", "file\n"));
        VssFreeSnapshotProperties(&prop);

        AWAIT(backup, BackupComplete);
        CHECK(backup->DeleteSnapshots(set, VSS_OBJECT_SNAPSHOT_SET, FALSE, &deleted, &nondeleted));
        MUST(deleted == 1);
        backup->Release();
        scene_expect(scene,
                     "Identify\nPrepareBackup copy selected: server\\db\nPrepareSnapshot\nFreeze\nThaw\n"
                     "PostSnapshot: server\\db\nBackupComplete: server\\db\nBackupShutdown\n",
                     "Identify\nPrepareBackup copy selected: files\nPrepareSnapshot\nFreeze\nThaw\n"
                     "PostSnapshot: files\nBackupComplete: files\nBackupShutdown\n");
        scene_close(scene);
}

} // namespace

int main() {
        return scene_run("test_that_shadowspawn_runs_a_command_on_its_shadow_copy",
                         test_that_shadowspawn_runs_a_command_on_its_shadow_copy);
}
