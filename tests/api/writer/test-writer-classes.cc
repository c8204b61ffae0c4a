/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What a Writer in C++ Hears
 *
 * The same backup and the same restore as a writer in C goes through, for a class derived from each of
 * CVssWriter, CVssWriterEx and CVssWriterEx2: all must be told the same, as far as they can ask.
 */

#include <csetjmp>
#include <cstdarg>
#include <cstddef>
#include <cstdint>
#include <stdexcept>

extern "C" {
#include <cmocka.h>
}

#include <oleauto.h>
#include <umbra.h>
#include <vsbackup.h>
#include <vswriter.h>

#include "api/writer/backup.h"
#include "api/writer/facts.h"
#include "api/writer/journal.h"

extern "C" {
#include "phases/world.h"
}

static World *world;

static const VSS_ID class_id = { 0x0c11a55e, 0x3d7a, 0x4a52, { 0x8b, 0x01, 0x63, 0x6c, 0x61, 0x73, 0x73, 0x65 } };

/* What the newer classes can ask and the older cannot. */

struct Old : CVssWriter {
        static constexpr bool asks_session = false, asks_identity = false;

        HRESULT AskIdentity(IVssExamineWriterMetadata **) {
                return FACTS_UNASKED;
        }
        HRESULT AskSession(VSS_ID *) {
                return FACTS_UNASKED;
        }
        HRESULT Begin(const wchar_t *name) {
                HRESULT hr = Initialize(class_id, name, VSS_UT_USERDATA, VSS_ST_OTHER);

                return FAILED(hr) ? hr : Subscribe();
        }
};

struct Newer : CVssWriterEx {
        static constexpr bool asks_session = false, asks_identity = true;

        HRESULT AskIdentity(IVssExamineWriterMetadata **ret) {
                return GetIdentifyInformation(ret);
        }
        HRESULT AskSession(VSS_ID *) {
                return FACTS_UNASKED;
        }
        HRESULT Begin(const wchar_t *name) {
                HRESULT hr = InitializeEx(class_id, name, 2, 1, VSS_UT_USERDATA, VSS_ST_OTHER);

                return FAILED(hr) ? hr : SubscribeEx(60000);
        }
};

struct Newest : CVssWriterEx2 {
        static constexpr bool asks_session = true, asks_identity = true;

        HRESULT AskIdentity(IVssExamineWriterMetadata **ret) {
                return GetIdentifyInformation(ret);
        }
        HRESULT AskSession(VSS_ID *ret) {
                return GetSessionId(ret);
        }
        HRESULT Begin(const wchar_t *name) {
                HRESULT hr = InitializeEx(class_id, name, 2, 1, VSS_UT_USERDATA, VSS_ST_OTHER);

                return FAILED(hr) ? hr : Subscribe();
        }
};

template <typename Base> class FactsWriter : public Base {
        void Tell(const char *event) {
                Facts f = {};

                f.event = event;
                f.volumes = this->GetCurrentVolumeArray();
                f.n_volumes = this->GetCurrentVolumeCount();
                f.set_id = this->GetCurrentSnapshotSetId();
                f.context = this->GetContext();
                f.level = this->GetCurrentLevel();
                f.inside = this->IsPathAffected(facts_inside());
                f.outside = this->IsPathAffected(L"/dev/null");
                f.bootable = this->IsBootableSystemStateBackedUp();
                f.selected = this->AreComponentsSelected();
                f.partial = this->IsPartialFileSupportEnabled();
                f.backup_type = this->GetBackupType();
                f.restore_type = this->GetRestoreType();
                f.device_hr = this->GetSnapshotDeviceName(facts_volume(), &f.device);
                f.identity_hr = this->AskIdentity(&f.identity);
                f.session_hr = this->AskSession(&f.session_id);
                facts_tell(&f);
        }

        bool TellAndSet(const char *event, IVssWriterComponents *components) {
                Tell(event);
                facts_set(event, components);
                return true;
        }

        bool OnIdentify(IVssCreateWriterMetadata *metadata) override {
                Tell("Identify");
                return SUCCEEDED(metadata->SetBackupSchema(VSS_BS_WRITER_SUPPORTS_NEW_TARGET)) &&
                       SUCCEEDED(metadata->SetRestoreMethod(VSS_RME_RESTORE_IF_CAN_REPLACE, nullptr, nullptr, VSS_WRE_ALWAYS, false)) &&
                       SUCCEEDED(metadata->AddComponent(VSS_CT_FILEGROUP, nullptr, L"data", nullptr, nullptr, 0, true, true, true,
                                                        true)) &&
                       SUCCEEDED(metadata->AddFilesToFileGroup(nullptr, L"data", facts_volume(), L"*", true, nullptr, 0xF0F));
        }
        bool OnPrepareBackup(IVssWriterComponents *components) override {
                return TellAndSet("PrepareBackup", components);
        }
        bool OnPrepareSnapshot() override {
                Tell("PrepareSnapshot");
                return true;
        }
        bool OnFreeze() override {
                Tell("Freeze");
                return true;
        }
        bool OnThaw() override {
                Tell("Thaw");
                return true;
        }
        bool OnAbort() override {
                Tell("Abort");
                return true;
        }
        bool OnPostSnapshot(IVssWriterComponents *components) override {
                return TellAndSet("PostSnapshot", components);
        }
        bool OnBackupComplete(IVssWriterComponents *components) override {
                return TellAndSet("BackupComplete", components);
        }
        bool OnBackupShutdown(VSS_ID set_id) override {
                Tell("BackupShutdown");
                if (!IsEqualGUID(set_id, facts_set_id()))
                        journal_say("BackupShutdown is about another set");
                journal_say("over");
                return true;
        }
        bool OnPreRestore(IVssWriterComponents *components) override {
                return TellAndSet("PreRestore", components);
        }
        bool OnPostRestore(IVssWriterComponents *components) override {
                return TellAndSet("PostRestore", components);
        }
};

template <typename Base> static void hears_everything() {
        FactsWriter<Base> writer;
        Backup *b;
        BSTR document;

        journal_clear();
        facts_begin(world->volume);
        assert_int_equal(writer.Begin(L"facts"), S_OK);
        b = backup_new();
        assert_int_equal(backup_run(b, world->volume), S_OK);
        facts_check_backup(backup_component(b, L"facts"));
        assert_int_equal(backup_complete(b), S_OK);
        document = backup_document(b);
        backup_free(b);
        journal_await("over");
        assert_int_equal(writer.Unsubscribe(), S_OK);
        facts_expect_backup(Base::asks_session, Base::asks_identity);

        journal_clear();
        facts_begin(world->volume);
        assert_int_equal(writer.Subscribe(), S_OK);
        restore_from(document, class_id, L"facts");
        assert_int_equal(writer.Unsubscribe(), S_OK);
        facts_expect_restore(Base::asks_session, Base::asks_identity);
        SysFreeString(document);
}

static void test_that_a_cvsswriter_hears_every_event(void **) {
        hears_everything<Old>();
}

static void test_that_a_cvsswriterex_hears_every_event(void **) {
        hears_everything<Newer>();
}

static void test_that_a_cvsswriterex2_hears_every_event(void **) {
        hears_everything<Newest>();
}

/* Overrides what must be overridden, and OnIdentifyEx. */
class SmallWriter : public CVssWriterEx2 {
public:
        bool throws = false;

        bool OnIdentifyEx(IVssCreateWriterMetadataEx *metadata) override {
                journal_say("identify ex");
                return SUCCEEDED(metadata->AddComponent(VSS_CT_FILEGROUP, nullptr, L"data", nullptr, nullptr, 0, false, false, true));
        }
        bool OnIdentify(IVssCreateWriterMetadata *) override {
                journal_say("identify");
                return false;
        }
        bool OnPrepareSnapshot() override {
                return true;
        }
        bool OnFreeze() override {
                if (throws)
                        throw std::runtime_error("a handler that throws");
                return SUCCEEDED(SetWriterFailureEx(S_OK, S_OK)) && !IsWriterShuttingDown();
        }
        bool OnThaw() override {
                return true;
        }
        bool OnAbort() override {
                journal_say("abort");
                return true;
        }
};

static void test_that_what_is_not_overridden_succeeds(void **) {
        SmallWriter writer;
        Backup *b = backup_new();

        journal_clear();
        assert_int_equal(writer.Subscribe(), VSS_E_BAD_STATE);
        assert_int_equal(writer.Unsubscribe(), VSS_E_BAD_STATE);
        assert_int_equal(writer.InitializeEx(class_id, L"small", 1, 0, VSS_UT_USERDATA, VSS_ST_OTHER), S_OK);
        assert_int_equal(writer.Subscribe(), S_OK);
        assert_int_equal(writer.Subscribe(), VSS_E_WRITER_ALREADY_SUBSCRIBED);
        assert_int_equal(backup_run(b, world->volume), S_OK);
        backup_expect_status(b, L"small", "WAITING_FOR_BACKUP_COMPLETE S_OK 0x0 ");
        assert_int_equal(backup_complete(b), S_OK);
        backup_free(b);
        assert_int_equal(writer.Unsubscribe(), S_OK);
        journal_expect("identify ex\n");
}

static void test_that_an_exception_is_a_failure(void **) {
        SmallWriter writer;
        Backup *b = backup_new();

        journal_clear();
        writer.throws = true;
        assert_int_equal(writer.Initialize(class_id, L"throws", VSS_UT_USERDATA, VSS_ST_OTHER), S_OK);
        assert_int_equal(writer.Subscribe(), S_OK);
        assert_int_equal(backup_run(b, world->volume), VSS_E_UNEXPECTED_WRITER_ERROR);
        backup_expect_status(b, L"throws", "FAILED_AT_FREEZE VSS_E_WRITERERROR_NONRETRYABLE 0x0 ");
        backup_free(b);
        assert_int_equal(writer.Unsubscribe(), S_OK);
        journal_expect("identify ex\nabort\n");
}

static int setup(void **) {
        world = world_new();
        return 0;
}

static int teardown(void **) {
        facts_begin(nullptr);
        world = world_free(world);
        return 0;
}

int main() {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_that_a_cvsswriter_hears_every_event),
                cmocka_unit_test(test_that_a_cvsswriterex_hears_every_event),
                cmocka_unit_test(test_that_a_cvsswriterex2_hears_every_event),
                cmocka_unit_test(test_that_what_is_not_overridden_succeeds),
                cmocka_unit_test(test_that_an_exception_is_a_failure),
        };

        return cmocka_run_group_tests(tests, setup, teardown);
}
