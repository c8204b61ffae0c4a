/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * vshadow, restoring
 *
 * From the document of a backup: writers are asked again, what was saved is chosen, the events come around the
 * copying of the files, which is somebody else's business.
 */

#include <string>

#include "api/requesters/scene.h"

namespace {

/* A backup before, of the database alone; @ret_metadata is what its writer said of itself then. */
BSTR backed_up(Scene *scene, BSTR *ret_metadata) {
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
                if (id == scene_database_id) {
                        CHECK(backup->AddComponent(instance, id, VSS_CT_DATABASE, L"server", L"db"));
                        CHECK(metadata->SaveAsXML(ret_metadata));
                }
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

/* What is to be copied, and how, stands in what was stored with the backup. */
void read_metadata(BSTR xml) {
        IVssExamineWriterMetadata *metadata = nullptr;
        VSS_RESTOREMETHOD_ENUM method;
        VSS_WRITERRESTORE_ENUM writer_restore;
        IVssWMComponent *component = nullptr;
        IVssWMFiledesc *file = nullptr;
        PVSSCOMPONENTINFO info = nullptr;
        BSTR service = nullptr, procedure = nullptr, filespec = nullptr;
        bool reboot = true;
        UINT n_mappings = 7;

        CHECK(CreateVssExamineWriterMetadata(xml, &metadata));
        CHECK(metadata->GetRestoreMethod(&method, &service, &procedure, &writer_restore, &reboot,
                                         &n_mappings));
        MUST(method == VSS_RME_RESTORE_IF_CAN_REPLACE && writer_restore == VSS_WRE_ALWAYS && !reboot &&
             n_mappings == 0);
        SysFreeString(service);
        SysFreeString(procedure);
        CHECK(metadata->GetComponent(0, &component));
        CHECK(component->GetComponentInfo(&info));
        MUST(info->cDatabases == 1 && info->cLogFiles == 1);
        component->FreeComponentInfo(info);
        CHECK(component->GetDatabaseFile(0, &file));
        CHECK(file->GetFilespec(&filespec));
        MUST(std::wstring(filespec) == L"*.db");
        SysFreeString(filespec);
        file->Release();
        component->Release();
        metadata->Release();
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
        BSTR metadata = nullptr, xml = backed_up(scene, &metadata);
        UINT n = 0;

        CHECK(CreateVssBackupComponents(&restore));
        CHECK(restore->InitializeForRestore(xml));
        AWAIT(restore, GatherWriterMetadata);
        CHECK(restore->GetWriterComponentsCount(&n));
        MUST(n == 1);
        read_metadata(metadata);
        CHECK(restore->SetSelectedForRestore(scene_database_id, VSS_CT_DATABASE, L"server", L"db", true));
        AWAIT(restore, PreRestore);
        check_statuses(restore);
        CHECK(restore->SetFileRestoreStatus(scene_database_id, VSS_CT_DATABASE, L"server", L"db",
                                            VSS_RS_ALL));
        AWAIT(restore, PostRestore);
        check_statuses(restore);
        restore->Release();

        /* The writer of which nothing was saved hears of nothing. */
        scene_expect(scene, "Identify\nPreRestore: server\\db=selected\nPostRestore: server\\db=all\n",
                     "Identify\n");
        SysFreeString(metadata);
        SysFreeString(xml);
        scene_close(scene);
}

} // namespace

int main() {
        return scene_run("test_that_vshadow_restores_what_it_saved",
                         test_that_vshadow_restores_what_it_saved);
}
