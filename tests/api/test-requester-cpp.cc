/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A backup program in C++ as it would come from Windows: classes and smart pointers around the interfaces,
 * wide strings, and one that calls the table by number.
 */

#include <csetjmp>
#include <cstdarg>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <umbra.h>
#include <vsbackup.h>
#include <vss.h>

extern "C" {
#include <cmocka.h>
}

#include "fixture.h"

namespace {

/* What CComPtr is in such programs. */
template <class T> class Ptr {
        T *p = nullptr;

      public:
        Ptr() = default;
        Ptr(const Ptr &) = delete;
        Ptr &operator=(const Ptr &) = delete;
        ~Ptr() {
                if (p)
                        p->Release();
        }
        T **operator&() {
                return &p;
        }
        T *operator->() const {
                return p;
        }
        T *get() const {
                return p;
        }
};

Fixture *fixture;
FixtureWriter *writer;

int setup(void **) {
        fixture = fixture_new();
        writer = fixture_writer_new(fixture);
        return 0;
}

int teardown(void **) {
        writer = fixture_writer_free(writer);
        fixture = fixture_free(fixture);
        return 0;
}

void ok(HRESULT hr, int line) {
        if (FAILED(hr))
                fail_msg("line %d: 0x%08x %s", line, static_cast<unsigned>(hr), umbra_last_error());
}
#define OK(call) ok((call), __LINE__)

void wait_for(IVssAsync *async, int line) {
        HRESULT status = E_FAIL;

        ok(async->Wait(), line); /* without an argument: for ever */
        ok(async->QueryStatus(&status, nullptr), line);
        ok(status, line);
        assert_int_equal(status, VSS_S_ASYNC_FINISHED);
}

template <class Method> void run(IVssBackupComponents *backup, Method method, int line) {
        Ptr<IVssAsync> async;

        ok((backup->*method)(&async), line);
        wait_for(async.get(), line);
}
#define RUN(backup, Method) run((backup), &IVssBackupComponents::Method, __LINE__)

void test_that_a_backup_in_cpp_works(void **) {
        Ptr<IVssBackupComponents> backup;
        VSS_ID set_id = GUID_NULL, snapshot_id = GUID_NULL;
        VSS_SNAPSHOT_PROP prop = {};
        std::wstring volume = fixture->wide;
        UINT n = 0;

        OK(CreateVssBackupComponents(&backup));
        OK(backup->InitializeForBackup());
        OK(backup->SetContext(VSS_CTX_BACKUP));
        OK(backup->SetBackupState(true, false, VSS_BT_COPY));
        RUN(backup.get(), GatherWriterMetadata);
        OK(backup->GetWriterMetadataCount(&n));
        assert_int_equal(n, 1);
        {
                Ptr<IVssExamineWriterMetadata> metadata;
                Ptr<IVssWMComponent> component;
                PVSSCOMPONENTINFO info = nullptr;
                VSS_ID instance, instance2, id;
                VSS_SOURCE_TYPE source;
                VSS_USAGE_TYPE usage;
                BSTR name = nullptr;

                OK(backup->GetWriterMetadata(0, &instance, &metadata));
                OK(metadata->GetIdentity(&instance2, &id, &name, &usage, &source));
                assert_true(instance == instance2);
                assert_true(id == fixture_writer_id);
                SysFreeString(name);
                OK(metadata->GetComponent(0, &component));
                OK(component->GetComponentInfo(&info));
                OK(backup->AddComponent(instance, id, info->type, info->bstrLogicalPath,
                                        info->bstrComponentName));
                component->FreeComponentInfo(info);
        }
        OK(backup->StartSnapshotSet(&set_id));
        OK(backup->AddToSnapshotSet(&volume[0], GUID_NULL, &snapshot_id));
        RUN(backup.get(), PrepareForBackup);
        RUN(backup.get(), DoSnapshotSet);
        {
                IVssWriterComponentsExt *components = nullptr;
                IVssComponent *component = nullptr;
                VSS_ID instance, id;
                BSTR metadata = nullptr;

                OK(backup->GetWriterComponents(0, &components));
                OK(components->GetWriterInfo(&instance, &id));
                OK(components->GetComponent(0, &component));
                OK(component->GetBackupMetadata(&metadata));
                assert_true(std::wstring(metadata) == L"from PrepareBackup");
                SysFreeString(metadata);
                component->Release();
                components->Release();
                OK(backup->SetBackupSucceeded(instance, id, VSS_CT_FILEGROUP, nullptr, L"files", true));
        }
        OK(backup->GetSnapshotProperties(snapshot_id, &prop));
        assert_true(fixture_reads(prop.m_pwszSnapshotDeviceObject, "two/three", "second\n"));
        VssFreeSnapshotProperties(&prop);
        RUN(backup.get(), BackupComplete);
}

void test_that_all_newer_interfaces_are_reached(void **) {
        Ptr<IVssBackupComponents> backup;
        Ptr<IVssBackupComponentsEx> ex;
        Ptr<IVssBackupComponentsEx4> ex4;
        VSS_ID id = GUID_NULL;

        OK(CreateVssBackupComponents(&backup));
        OK(backup->QueryInterface(IID_IVssBackupComponentsEx, reinterpret_cast<void **>(&ex)));
        OK(ex->QueryInterface(IID_IVssBackupComponentsEx4, reinterpret_cast<void **>(&ex4)));
        OK(ex4->GetSessionId(&id));
        assert_true(id != GUID_NULL);
        assert_true(static_cast<void *>(ex4.get()) == static_cast<void *>(backup.get()));
}

/* restic has no headers: it knows that the table has IUnknown first and counts from there. */
void test_that_slots_can_be_called_by_number(void **) {
        using Table = void *const *;
        using Initialize = HRESULT (*)(void *, BSTR);
        using SetBackupState = HRESULT (*)(void *, bool, bool, int, bool);
        using Gather = HRESULT (*)(void *, IVssAsync **);
        using Count = HRESULT (*)(void *, UINT *);
        using SetContext = HRESULT (*)(void *, LONG);
        using Release = ULONG (*)(void *);
        IVssBackupComponents *backup = nullptr;
        Ptr<IVssAsync> async;
        UINT n = 0;

        OK(CreateVssBackupComponents(&backup));

        Table table = *reinterpret_cast<Table *>(backup);

        OK(reinterpret_cast<Initialize>(table[5])(backup, nullptr));
        OK(reinterpret_cast<SetContext>(table[35])(backup, VSS_CTX_BACKUP));
        OK(reinterpret_cast<SetBackupState>(table[6])(backup, false, false, VSS_BT_COPY, false));
        OK(reinterpret_cast<Gather>(table[9])(backup, &async));
        wait_for(async.get(), __LINE__);
        OK(reinterpret_cast<Count>(table[10])(backup, &n));
        assert_int_equal(n, 1);
        assert_int_equal(reinterpret_cast<Release>(table[2])(backup), 0);
}

} // namespace

int main() {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_that_a_backup_in_cpp_works, setup, teardown),
                cmocka_unit_test_setup_teardown(test_that_all_newer_interfaces_are_reached, setup, teardown),
                cmocka_unit_test_setup_teardown(test_that_slots_can_be_called_by_number, setup, teardown),
        };

        return cmocka_run_group_tests(tests, nullptr, nullptr);
}
