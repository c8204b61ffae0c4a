/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * vshadow, restoring
 *
 * From the document of a backup: writers are asked again, what was saved is chosen, the events come around the
 * copying of the files, which is somebody else's business.
 */

#include "api/requesters/scene.h"

namespace {

/* A backup before, of the database alone. */
BSTR backed_up(Scene *scene) {
        IVssBackupComponents *backup = nullptr;
        VSS_ID set, snapshot;
        BSTR xml = nullptr;
        UINT n = 0;

        CHECK(CreateVssBackupComponents(&backup));
        CHECK(backup->InitializeForBackup());
        CHECK(backup->SetContext(VSS_CTX_BACKUP));
        CHECK(backup->SetBackupState(true, false, VSS_BT_FULL, false));
        AWAIT(backup, GatherWriterMetadata);
        CHECK(backup->GetWriterMetadataCount(&n));
        for (UINT i = 0; i < n; ++i) {
                IVssExamineWriterMetadata *metadata = nullptr;
                VSS_ID instance, id;
                VSS_USAGE_TYPE usage;
                VSS_SOURCE_TYPE source;
                BSTR name = nullptr;

                CHECK(backup->GetWriterMetadata(i, &instance, &metadata));
                CHECK(metadata->GetIdentity(&instance, &id, &name, &usage, &source));
                if (id == scene_database_id)
                        CHECK(backup->AddComponent(instance, id, VSS_CT_DATABASE, L"server", L"db"));
                SysFreeString(name);
                metadata->Release();
        }
        CHECK(backup->StartSnapshotSet(&set));
        CHECK(backup->AddToSnapshotSet(scene->volume, GUID_NULL, &snapshot));
        AWAIT(backup, PrepareForBackup);
        AWAIT(backup, DoSnapshotSet);
        AWAIT(backup, BackupComplete);
        CHECK(backup->SaveAsXML(&xml));
        backup->Release();
        scene_expect(scene,
                     "Identify\nPrepareBackup full selected: server\\db\nPrepareSnapshot\nFreeze\nThaw\n"
                     "PostSnapshot: server\\db\nBackupComplete: server\\db\nBackupShutdown\n",
                     "Identify\nPrepareBackup full selected\n");
        return xml;
}

void check_statuses(IVssBackupComponents *restore) {
        UINT n = 0;

        AWAIT(restore, GatherWriterStatus);
        CHECK(restore->GetWriterStatusCount(&n));
        MUST(n == 2);
        for (UINT i = 0; i < n; ++i) {
                VSS_ID instance, writer;
                VSS_WRITER_STATE state;
                HRESULT failure;
                BSTR name = nullptr;

                CHECK(restore->GetWriterStatus(i, &instance, &writer, &name, &state, &failure));
                MUST(state == VSS_WS_STABLE);
                EXPECT(failure, S_OK);
                SysFreeString(name);
        }
        CHECK(restore->FreeWriterStatus());
}

void test_that_vshadow_restores_what_it_saved(void **) {
        Scene *scene = scene_open();
        IVssBackupComponents *restore = nullptr;
        BSTR xml = backed_up(scene);
        UINT n = 0;

        CHECK(CreateVssBackupComponents(&restore));
        CHECK(restore->InitializeForRestore(xml));
        AWAIT(restore, GatherWriterMetadata);
        CHECK(restore->GetWriterComponentsCount(&n));
        MUST(n == 1);
        CHECK(restore->SetSelectedForRestore(scene_database_id, VSS_CT_DATABASE, L"server", L"db", true));
        AWAIT(restore, PreRestore);
        check_statuses(restore);
        CHECK(restore->SetFileRestoreStatus(scene_database_id, VSS_CT_DATABASE, L"server", L"db", VSS_RS_ALL));
        AWAIT(restore, PostRestore);
        check_statuses(restore);
        restore->Release();

        /* The writer of which nothing was saved hears of nothing. */
        scene_expect(scene, "Identify\nPreRestore: server\\db=selected\nPostRestore: server\\db=all\n", "Identify\n");
        SysFreeString(xml);
        scene_close(scene);
}

} // namespace

int main() {
        return scene_run("test_that_vshadow_restores_what_it_saved", test_that_vshadow_restores_what_it_saved);
}
