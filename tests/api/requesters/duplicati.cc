/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Duplicati, through AlphaVSS
 *
 * No components, so that every writer takes part; some of them chosen or left out by class.
 */

#include "api/requesters/scene.h"

namespace {

typedef enum Choice { ALL, ONLY_DATABASE, NO_DATABASE } Choice;

void save(Scene *scene, Choice choice) {
        IVssBackupComponents *backup = nullptr;
        VSS_ID set, snapshot, nondeleted;
        VSS_SNAPSHOT_PROP prop;
        BOOL supported = FALSE;
        LONG deleted = 0;

        CHECK(CreateVssBackupComponents(&backup));
        CHECK(backup->InitializeForBackup(nullptr));
        CHECK(backup->SetContext(VSS_CTX_BACKUP));
        CHECK(backup->SetBackupState(false, true, VSS_BT_FULL, false));
        if (choice == ONLY_DATABASE)
                CHECK(backup->EnableWriterClasses(&scene_database_id, 1));
        if (choice == NO_DATABASE)
                CHECK(backup->DisableWriterClasses(&scene_database_id, 1));
        AWAIT(backup, GatherWriterMetadata);
        CHECK(backup->StartSnapshotSet(&set));
        CHECK(backup->IsVolumeSupported(GUID_NULL, scene->volume, &supported));
        MUST(supported);
        CHECK(backup->AddToSnapshotSet(scene->volume, GUID_NULL, &snapshot));
        AWAIT(backup, PrepareForBackup);
        AWAIT(backup, DoSnapshotSet);
        CHECK(backup->GetSnapshotProperties(snapshot, &prop));
        MUST(scene_reads(prop.m_pwszSnapshotDeviceObject, "files/one", "file\n"));
        VssFreeSnapshotProperties(&prop);
        AWAIT(backup, BackupComplete);
        CHECK(backup->DeleteSnapshots(set, VSS_OBJECT_SNAPSHOT_SET, TRUE, &deleted, &nondeleted));
        MUST(deleted == 1);
        backup->Release();
}

void test_that_duplicati_saves_with_the_writers_it_chose(void **) {
        const char *everything =
                "Identify\nPrepareBackup full bootable\nPrepareSnapshot\nFreeze\nThaw\nPostSnapshot\n"
                "BackupComplete\nBackupShutdown\n";
        Scene *scene = scene_open();

        save(scene, ALL);
        scene_expect(scene, everything, everything);
        save(scene, ONLY_DATABASE);
        scene_expect(scene, everything, "");
        save(scene, NO_DATABASE);
        scene_expect(scene, "", everything);
        scene_close(scene);
}

} // namespace

int main() {
        return scene_run("test_that_duplicati_saves_with_the_writers_it_chose",
                         test_that_duplicati_saves_with_the_writers_it_chose);
}
