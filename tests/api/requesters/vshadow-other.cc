/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * vshadow, the other verbs
 *
 * What it does with shadow copies that are there: list them, delete them one by one, by set, the oldest or
 * all, import, expose, break, revert and recover. Where the providers of this version cannot do a thing the
 * program is told so with a documented code, and goes on.
 */

#include <cstdlib>
#include <vector>

#include "api/requesters/scene.h"

namespace {

IVssBackupComponents *begin(LONG context, BSTR xml = nullptr) {
        IVssBackupComponents *backup = nullptr;

        CHECK(CreateVssBackupComponents(&backup));
        CHECK(backup->InitializeForBackup(xml));
        CHECK(backup->SetContext(context));
        return backup;
}

/* A persistent shadow copy without writers, as with -nw -p; @ret_xml is what -bc writes. */
VSS_ID create(Scene *scene,
              VSS_ID *ret_set,
              VSS_ID provider = GUID_NULL,
              BSTR *ret_xml = nullptr,
              LONG attributes = 0) {
        IVssBackupComponents *backup = begin(VSS_CTX_NAS_ROLLBACK | attributes);
        VSS_ID snapshot;

        CHECK(backup->StartSnapshotSet(ret_set));
        CHECK(backup->AddToSnapshotSet(scene->volume, provider, &snapshot));
        AWAIT(backup, DoSnapshotSet);
        if (ret_xml)
                CHECK(backup->SaveAsXML(ret_xml));
        backup->Release();
        return snapshot;
}

std::vector<VSS_SNAPSHOT_PROP> list(IVssBackupComponents *backup) {
        std::vector<VSS_SNAPSHOT_PROP> found;
        IVssEnumObject *enumerator = nullptr;
        VSS_OBJECT_PROP prop;
        ULONG got = 0;

        CHECK(backup->Query(GUID_NULL, VSS_OBJECT_NONE, VSS_OBJECT_SNAPSHOT, &enumerator));
        while (enumerator->Next(1, &prop, &got) == S_OK) {
                VssFreeSnapshotProperties(&prop.Obj.Snap); /* the numbers stay */
                found.push_back(prop.Obj.Snap);
        }
        enumerator->Release();
        return found;
}

void delete_one(IVssBackupComponents *backup, VSS_ID id, VSS_OBJECT_TYPE type, LONG expected) {
        VSS_ID nondeleted;
        LONG deleted = 0;

        CHECK(backup->DeleteSnapshots(id, type, FALSE, &deleted, &nondeleted));
        MUST(deleted == expected);
}

/* -do: the one with the smallest time. */
VSS_ID oldest(IVssBackupComponents *backup) {
        auto all = list(backup);
        auto first = all.begin();

        for (auto i = all.begin(); i != all.end(); ++i)
                if (i->m_tsCreationTimestamp < first->m_tsCreationTimestamp)
                        first = i;
        MUST(first != all.end());
        return first->m_SnapshotId;
}

void test_that_vshadow_lists_and_deletes(void **) {
        Scene *scene = scene_open();
        IVssBackupComponents *backup;
        VSS_ID sets[4], snapshots[4], nondeleted;
        LONG deleted = 7;

        for (size_t i = 0; i < 4; ++i)
                snapshots[i] = create(scene, sets + i);
        backup = begin(VSS_CTX_ALL);
        MUST(list(backup).size() == 4);
        MUST(oldest(backup) == snapshots[0]);
        delete_one(backup, oldest(backup), VSS_OBJECT_SNAPSHOT, 1);
        delete_one(backup, snapshots[1], VSS_OBJECT_SNAPSHOT, 1);
        delete_one(backup, sets[2], VSS_OBJECT_SNAPSHOT_SET, 1);
        for (const auto &prop : list(backup)) /* -da */
                delete_one(backup, prop.m_SnapshotId, VSS_OBJECT_SNAPSHOT, 1);
        MUST(list(backup).empty());
        EXPECT(backup->DeleteSnapshots(snapshots[3], VSS_OBJECT_SNAPSHOT, FALSE, &deleted, &nondeleted),
               VSS_E_OBJECT_NOT_FOUND);
        MUST(deleted == 0);
        backup->Release();
        scene_expect(scene, "", ""); /* writers have nothing to do with all this */
        scene_close(scene);
}

/* -el: below an empty directory. */
void expose(Scene *scene, VSS_ID snapshot) {
        IVssBackupComponents *backup = begin(VSS_CTX_ALL);
        WCHAR *place = scene_make_directory(scene, "exposed");
        VSS_SNAPSHOT_PROP prop;
        VSS_PWSZ exposed = nullptr;

        CHECK(backup->ExposeSnapshot(snapshot, nullptr, VSS_VOLSNAP_ATTR_EXPOSED_LOCALLY, place, &exposed));
        MUST(scene_reads(exposed, "files/one", "file\n"));
        CHECK(backup->GetSnapshotProperties(snapshot, &prop));
        MUST(prop.m_lSnapshotAttributes & VSS_VOLSNAP_ATTR_EXPOSED_LOCALLY);
        VssFreeSnapshotProperties(&prop);
        CoTaskMemFree(exposed);
        free(place);

        /* -es: umbra makes no shares, and says so. */
        {
                WCHAR share[] = L"share";

                EXPECT(backup->ExposeSnapshot(snapshot, nullptr, VSS_VOLSNAP_ATTR_EXPOSED_REMOTELY, share,
                                              &exposed),
                       VSS_E_PROVIDER_VETO);
                MUST(!exposed);
        }
        backup->Release();
}

/* -revert: and QueryRevertStatus() says either how it goes or that it is over. */
void revert(Scene *scene, VSS_ID snapshot) {
        IVssBackupComponents *backup = begin(VSS_CTX_ALL);
        IVssAsync *async = nullptr;
        bool block = true;
        HRESULT hr;

        CHECK(ShouldBlockRevert(scene->volume, &block));
        MUST(!block);
        CHECK(backup->RevertToSnapshot(snapshot, TRUE));
        hr = backup->QueryRevertStatus(scene->volume, &async);
        if (hr != VSS_E_OBJECT_NOT_FOUND) {
                CHECK(hr);
                scene_wait(async);
        }
        backup->Release();
}

/* -bw: the shadow copies stay as volumes of their own. */
void break_set(VSS_ID set, VSS_ID snapshot) {
        IVssBackupComponents *backup = begin(VSS_CTX_ALL);
        VSS_SNAPSHOT_PROP prop;

        CHECK(backup->BreakSnapshotSet(set));
        EXPECT(backup->GetSnapshotProperties(snapshot, &prop), VSS_E_OBJECT_NOT_FOUND);
        backup->Release();
}

/* -bex: through the interface that has it. */
void break_set_ex(VSS_ID set) {
        IVssBackupComponents *backup = begin(VSS_CTX_ALL);
        IVssBackupComponentsEx2 *ex2 = nullptr;
        IVssAsync *async = nullptr;

        CHECK(backup->QueryInterface(IID_IVssBackupComponentsEx2, reinterpret_cast<void **>(&ex2)));
        CHECK(ex2->BreakSnapshotSetEx(set, VSS_BREAKEX_FLAG_MAKE_READ_WRITE, &async));
        scene_wait(async);
        ex2->Release();
        backup->Release();
}

/* -i: what was carried here with the document. */
void import(BSTR xml, VSS_ID snapshot) {
        IVssBackupComponents *backup = begin(VSS_CTX_NAS_ROLLBACK | VSS_VOLSNAP_ATTR_TRANSPORTABLE, xml);
        VSS_SNAPSHOT_PROP prop;

        AWAIT(backup, ImportSnapshots);
        CHECK(backup->GetSnapshotProperties(snapshot, &prop));
        VssFreeSnapshotProperties(&prop);
        backup->Release();
}

/* -r: with the document of the set. */
void recover(BSTR xml, VSS_ID snapshot) {
        IVssBackupComponents *backup = nullptr;
        IVssBackupComponentsEx3 *ex3 = nullptr;
        IVssAsync *async = nullptr;

        CHECK(CreateVssBackupComponents(&backup));
        CHECK(backup->InitializeForRestore(xml));
        CHECK(backup->QueryInterface(IID_IVssBackupComponentsEx3, reinterpret_cast<void **>(&ex3)));
        CHECK(ex3->AddSnapshotToRecoverySet(snapshot, 0, nullptr));
        CHECK(ex3->RecoverSet(0, &async));
        scene_wait(async);
        ex3->Release();
        backup->Release();
}

void test_that_vshadow_uses_its_shadow_copies(void **) {
        Scene *scene = scene_open();
        VSS_ID set, snapshot;
        BSTR xml = nullptr;

        snapshot = create(scene, &set);
        expose(scene, snapshot);
        snapshot = create(scene, &set, scene_fake_provider);
        revert(scene, snapshot);
        snapshot = create(scene, &set, scene_fake_provider);
        break_set(set, snapshot);
        (void) create(scene, &set, scene_fake_provider);
        break_set_ex(set);
        snapshot = create(scene, &set, scene_fake_provider, &xml, VSS_VOLSNAP_ATTR_TRANSPORTABLE);
        break_set(set, snapshot);
        scene_carry_back(scene, snapshot);
        import(xml, snapshot);
        recover(xml, snapshot);
        SysFreeString(xml);
        scene_close(scene);
}

} // namespace

int main() {
        return scene_run("test_that_vshadow_lists_and_deletes", test_that_vshadow_lists_and_deletes) +
               scene_run("test_that_vshadow_uses_its_shadow_copies",
                         test_that_vshadow_uses_its_shadow_copies);
}
