/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * qemu-ga, holding a guest still while its host takes a snapshot
 *
 * Its own provider's CommitSnapshots returns when the host says "thaw"; meanwhile a thread of its own looks at
 * QueryStatus() every 10 ms and never waits, so that must be enough of a pump. The fake provider takes its
 * time in place of the host. The function is looked up by name, the one that the library exports on Windows as
 * well.
 */

#include <ctime>
#include <dlfcn.h>

#include "api/requesters/scene.h"

namespace {

typedef HRESULT (*CreateFunction)(IVssBackupComponents **);

/* As in the program: no Wait() anywhere near it. */
HRESULT poll_until_done(IVssAsync *async) {
        HRESULT status = E_FAIL;

        for (unsigned i = 0; i < 6000; ++i) {
                const timespec pause = { 0, 10 * 1000 * 1000 };

                CHECK(async->QueryStatus(&status, nullptr));
                if (status != VSS_S_ASYNC_PENDING)
                        break;
                nanosleep(&pause, nullptr);
        }
        return status;
}

void set_context(IVssBackupComponents *backup) {
        LONG context = VSS_CTX_APP_ROLLBACK | VSS_VOLSNAP_ATTR_TRANSPORTABLE |
                       VSS_VOLSNAP_ATTR_NO_AUTORECOVERY | VSS_VOLSNAP_ATTR_TXF_RECOVERY;
        HRESULT hr = backup->SetContext(context);

        if (hr == VSS_E_UNSUPPORTED_CONTEXT)
                hr = backup->SetContext(context & ~VSS_VOLSNAP_ATTR_TRANSPORTABLE);
        CHECK(hr);
}

void add_selectable(IVssBackupComponents *backup) {
        UINT n_writers = 0;

        CHECK(backup->GetWriterMetadataCount(&n_writers));
        for (UINT i = 0; i < n_writers; ++i) {
                IVssExamineWriterMetadata *metadata = nullptr;
                UINT n_include, n_exclude, n_components;
                VSS_USAGE_TYPE usage;
                VSS_SOURCE_TYPE source;
                VSS_ID id, instance;
                BSTR name = nullptr;

                CHECK(backup->GetWriterMetadata(i, &id, &metadata));
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

void test_that_a_guest_is_held_while_its_provider_waits(void **) {
        Scene *scene = scene_open();
        IVssBackupComponents *backup = nullptr;
        IVssAsync *async = nullptr;
        CreateFunction create;
        VSS_ID set, snapshot;

        scene_script(scene, "commit = sleep 300\n");
        create = reinterpret_cast<CreateFunction>(dlsym(RTLD_DEFAULT, "CreateVssBackupComponentsInternal"));
        MUST(create);
        CHECK(create(&backup));
        CHECK(backup->InitializeForBackup());
        CHECK(backup->SetBackupState(true, true, VSS_BT_FULL, false));
        set_context(backup);
        AWAIT(backup, GatherWriterMetadata);
        add_selectable(backup);
        CHECK(backup->StartSnapshotSet(&set));
        CHECK(backup->AddToSnapshotSet(scene->volume, scene_fake_provider, &snapshot));
        AWAIT(backup, PrepareForBackup);
        AWAIT(backup, GatherWriterStatus); /* not looked at */

        CHECK(backup->DoSnapshotSet(&async));
        EXPECT(poll_until_done(async), VSS_S_ASYNC_FINISHED);
        CHECK(async->Wait());
        async->Release();
        AWAIT(backup, BackupComplete);
        backup->Release();

        scene_expect(
                scene,
                "Identify\nPrepareBackup full selected bootable: server\\db\nPrepareSnapshot\nFreeze\nThaw\n"
                "PostSnapshot: server\\db\nBackupComplete: server\\db\nBackupShutdown\n",
                "Identify\nPrepareBackup full selected bootable: files\nPrepareSnapshot\nFreeze\nThaw\n"
                "PostSnapshot: files\nBackupComplete: files\nBackupShutdown\n");
        scene_close(scene);
}

} // namespace

int main() {
        return scene_run("test_that_a_guest_is_held_while_its_provider_waits",
                         test_that_a_guest_is_held_while_its_provider_waits);
}
