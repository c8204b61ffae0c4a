/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Bareos
 *
 * Sets a context before the object is initialized, when it is not the default; finds its shadow copies with
 * Query(); gives up with AbortBackup; frees statuses right before the object.
 */

#include "api/requesters/scene.h"

namespace {

struct Client {
        IVssBackupComponents *backup = nullptr;
        VSS_ID set;

        Client(LONG context, VSS_BACKUP_TYPE type) {
                UINT n = 0;

                CHECK(CreateVssBackupComponents(&backup));
                if (context != VSS_CTX_BACKUP)
                        CHECK(backup->SetContext(context)); /* before it */
                CHECK(backup->InitializeForBackup());
                CHECK(backup->SetBackupState(true, true, type, false));
                AWAIT(backup, GatherWriterMetadata);
                CHECK(backup->GetWriterMetadataCount(&n));
                for (UINT i = 0; i < n; ++i) {
                        IVssExamineWriterMetadata *metadata = nullptr;
                        VSS_ID instance;

                        CHECK(backup->GetWriterMetadata(i, &instance, &metadata));
                        metadata->Release();
                }
        }
        Client(const Client &) = delete;
        Client &operator=(const Client &) = delete;

        void create(Scene *scene) {
                VSS_ID snapshot;

                CHECK(backup->StartSnapshotSet(&set));
                CHECK(backup->AddToSnapshotSet(scene->volume, GUID_NULL, &snapshot));
                CHECK(backup->AddToSnapshotSet(scene->nested, GUID_NULL, &snapshot));
                AWAIT(backup, PrepareForBackup);
                AWAIT(backup, GatherWriterStatus);
                AWAIT(backup, DoSnapshotSet);
        }

        /* How many of all shadow copies are of this set. */
        unsigned count() {
                IVssEnumObject *list = nullptr;
                VSS_OBJECT_PROP prop;
                unsigned n = 0;
                ULONG got = 0;

                CHECK(backup->Query(GUID_NULL, VSS_OBJECT_NONE, VSS_OBJECT_SNAPSHOT, &list));
                while (list->Next(1, &prop, &got) == S_OK && got == 1) {
                        MUST(prop.Type == VSS_OBJECT_SNAPSHOT);
                        if (prop.Obj.Snap.m_SnapshotSetId == set) {
                                MUST(scene_exists(prop.Obj.Snap.m_pwszSnapshotDeviceObject));
                                ++n;
                        }
                        VssFreeSnapshotProperties(&prop.Obj.Snap);
                }
                list->Release();
                return n;
        }

        void close() {
                CHECK(backup->FreeWriterStatus());
                backup->Release();
        }
};

void test_that_bareos_finds_its_shadow_copies_by_asking(void **) {
        const struct {
                LONG context;
                VSS_BACKUP_TYPE type;
                const char *heard; /* no component was chosen, so in component mode it ends here */
        } jobs[] = {
                { VSS_CTX_BACKUP, VSS_BT_FULL, "Identify\nPrepareBackup full selected bootable\n" },
                { VSS_CTX_BACKUP, VSS_BT_DIFFERENTIAL,
                  "Identify\nPrepareBackup differential selected bootable\n" },
                { VSS_CTX_APP_ROLLBACK, VSS_BT_INCREMENTAL,
                  "Identify\nPrepareBackup incremental selected bootable\n" },
        };
        Scene *scene = scene_open();
        VSS_ID nondeleted;
        LONG deleted = 0;

        for (const auto &job : jobs) {
                Client client(job.context, job.type);
                BSTR xml = nullptr;

                client.create(scene);
                MUST(client.count() == 2);
                AWAIT(client.backup, BackupComplete);
                CHECK(client.backup->SaveAsXML(&xml));
                SysFreeString(xml);
                CHECK(client.backup->DeleteSnapshots(client.set, VSS_OBJECT_SNAPSHOT_SET, TRUE, &deleted,
                                                     &nondeleted));
                MUST(deleted == 2 && client.count() == 0);
                client.close();
                scene_expect(scene, job.heard, job.heard);
        }
        scene_close(scene);
}

} // namespace

int main() {
        return scene_run("test_that_bareos_finds_its_shadow_copies_by_asking",
                         test_that_bareos_finds_its_shadow_copies_by_asking);
}
