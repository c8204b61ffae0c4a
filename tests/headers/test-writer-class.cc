/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The classes of vswriter.h against a library that only takes notes: what they forward, what they leave out,
 * and that each event reaches its handler.
 */

#include <csetjmp>
#include <cstdarg>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>

extern "C" {
#include <cmocka.h>
}

#include <umbra.h>
#include <vsbackup.h>

/* The library of this test. */
struct UmbraWriter {
        UmbraWriterCallbacks callbacks;
        void *userdata;
};

static struct Notes {
        unsigned n_new, n_free;
        DWORD major_version, minor_version, freeze_timeout_msec, unsubscribe_timeout_msec, event_flags;
        VSS_APPLICATION_LEVEL level;
        VSS_ALTERNATE_WRITER_STATE alternate;
        bool io_throttling_only;
        std::wstring name;
        LPCWSTR instance_name;
        HRESULT failure, failure_application;
        LPCWSTR failure_message;
} notes;

static UmbraWriter the_writer;

HRESULT umbra_writer_new(const UmbraWriterCallbacks *callbacks, void *userdata, UmbraWriter **ret) {
        assert_int_equal(callbacks->size, sizeof(*callbacks));
        ++notes.n_new;
        the_writer = { *callbacks, userdata };
        *ret = &the_writer;
        return S_OK;
}

UmbraWriter *umbra_writer_free(UmbraWriter *w) {
        notes.n_free += w != nullptr;
        return nullptr;
}

HRESULT umbra_writer_initialize(UmbraWriter *,
                                VSS_ID,
                                LPCWSTR name,
                                DWORD major_version,
                                DWORD minor_version,
                                VSS_USAGE_TYPE,
                                VSS_SOURCE_TYPE,
                                VSS_APPLICATION_LEVEL level,
                                DWORD freeze_timeout_msec,
                                VSS_ALTERNATE_WRITER_STATE alternate,
                                bool io_throttling_only,
                                LPCWSTR instance_name) {
        notes.name = name;
        notes.major_version = major_version;
        notes.minor_version = minor_version;
        notes.level = level;
        notes.freeze_timeout_msec = freeze_timeout_msec;
        notes.alternate = alternate;
        notes.io_throttling_only = io_throttling_only;
        notes.instance_name = instance_name;
        return S_OK;
}

HRESULT umbra_writer_subscribe(UmbraWriter *, DWORD unsubscribe_timeout_msec, DWORD event_flags) {
        notes.unsubscribe_timeout_msec = unsubscribe_timeout_msec;
        notes.event_flags = event_flags;
        return S_OK;
}

HRESULT umbra_writer_unsubscribe(UmbraWriter *) {
        return S_OK;
}

HRESULT umbra_writer_install_alternate(UmbraWriter *, VSS_ID, CLSID) {
        return E_NOTIMPL;
}

LPCWSTR *umbra_writer_get_volume_array(UmbraWriter *) {
        static LPCWSTR volumes[] = { L"/srv/" };

        return volumes;
}

UINT umbra_writer_get_volume_count(UmbraWriter *) {
        return 1;
}

VSS_ID umbra_writer_get_snapshot_set_id(UmbraWriter *) {
        return { 1, 2, 3, { 4 } };
}

LONG umbra_writer_get_context(UmbraWriter *) {
        return VSS_CTX_APP_ROLLBACK;
}

VSS_APPLICATION_LEVEL umbra_writer_get_level(UmbraWriter *) {
        return VSS_APP_BACK_END;
}

bool umbra_writer_is_path_affected(UmbraWriter *, LPCWSTR path) {
        return std::wstring(path) == L"/srv/db";
}

bool umbra_writer_is_bootable_system_state_backed_up(UmbraWriter *) {
        return true;
}

bool umbra_writer_are_components_selected(UmbraWriter *) {
        return true;
}

VSS_BACKUP_TYPE umbra_writer_get_backup_type(UmbraWriter *) {
        return VSS_BT_LOG;
}

VSS_RESTORE_TYPE umbra_writer_get_restore_type(UmbraWriter *) {
        return VSS_RTYPE_IMPORT;
}

bool umbra_writer_is_partial_file_support_enabled(UmbraWriter *) {
        return true;
}

bool umbra_writer_is_shutting_down(UmbraWriter *) {
        return true;
}

HRESULT umbra_writer_get_snapshot_device_name(UmbraWriter *, LPCWSTR, LPCWSTR *ret_device) {
        *ret_device = L"/run/umbra/shadow/x";
        return S_OK;
}

HRESULT umbra_writer_get_identify_information(UmbraWriter *, IVssExamineWriterMetadata **ret_metadata) {
        *ret_metadata = nullptr;
        return S_FALSE;
}

HRESULT umbra_writer_get_session_id(UmbraWriter *, VSS_ID *ret_session_id) {
        *ret_session_id = { 5, 6, 7, { 8 } };
        return S_OK;
}

HRESULT umbra_writer_set_failure(UmbraWriter *, HRESULT hr) {
        notes.failure = hr;
        return S_OK;
}

HRESULT umbra_writer_set_failure_ex(UmbraWriter *, HRESULT hr, HRESULT hr_application, LPCWSTR message) {
        notes.failure = hr;
        notes.failure_application = hr_application;
        notes.failure_message = message;
        return S_OK;
}

/* Writers. */
static const VSS_ID writer_id = { 0x11111111, 0x2222, 0x3333, { 0x44 } };

struct SmallWriter : CVssWriter {
        bool OnPrepareSnapshot() override { return true; }
        bool OnFreeze() override { return true; }
        bool OnThaw() override { return true; }
        bool OnAbort() override { return true; }
};

/* Writes down which handler was called, and says false in each. */
struct ChattyWriter : CVssWriterEx2 {
        std::string said;
        void *components = nullptr;

        bool say(const char *what, void *with = nullptr) {
                said += what;
                components = with;
                return false;
        }

        bool OnIdentifyEx(IVssCreateWriterMetadataEx *m) override { return say("I", m); }
        bool OnPrepareBackup(IVssWriterComponents *c) override { return say("B", c); }
        bool OnPrepareSnapshot() override { return say("S"); }
        bool OnFreeze() override { return say("F"); }
        bool OnThaw() override { return say("T"); }
        bool OnAbort() override { return say("A"); }
        bool OnPostSnapshot(IVssWriterComponents *c) override { return say("P", c); }
        bool OnBackupComplete(IVssWriterComponents *c) override { return say("C", c); }
        bool OnBackupShutdown(VSS_ID id) override { return say(id == writer_id ? "D" : "?"); }
        bool OnPreRestore(IVssWriterComponents *c) override { return say("<", c); }
        bool OnPostRestore(IVssWriterComponents *c) override { return say(">", c); }

        using CVssWriter::AreComponentsSelected;
        using CVssWriter::GetBackupType;
        using CVssWriter::GetContext;
        using CVssWriter::GetCurrentLevel;
        using CVssWriter::GetCurrentSnapshotSetId;
        using CVssWriter::GetCurrentVolumeArray;
        using CVssWriter::GetCurrentVolumeCount;
        using CVssWriter::GetRestoreType;
        using CVssWriter::GetSnapshotDeviceName;
        using CVssWriter::IsBootableSystemStateBackedUp;
        using CVssWriter::IsPartialFileSupportEnabled;
        using CVssWriter::IsPathAffected;
        using CVssWriter::SetWriterFailure;
        using CVssWriterEx::GetIdentifyInformation;
        using CVssWriterEx2::GetSessionId;
        using CVssWriterEx2::IsWriterShuttingDown;
        using CVssWriterEx2::SetWriterFailureEx;
};

struct OldWriter : CVssWriterEx {
        IVssCreateWriterMetadata *seen = nullptr;

        bool OnIdentify(IVssCreateWriterMetadata *m) override {
                seen = m;
                return true;
        }

        bool OnPrepareSnapshot() override { return true; }
        bool OnFreeze() override { throw std::runtime_error("the disk is on fire"); }
        bool OnThaw() override { return true; }
        bool OnAbort() override { return true; }
};

static int setup(void **) {
        notes = Notes();
        return 0;
}

static void test_that_the_documented_default_arguments_are_passed_on(void **) {
        SmallWriter w;

        assert_int_equal(w.Initialize(writer_id, L"small", VSS_UT_USERDATA, VSS_ST_OTHER), S_OK);
        assert_true(notes.name == L"small");
        assert_int_equal(notes.level, VSS_APP_FRONT_END);
        assert_int_equal(notes.freeze_timeout_msec, 60000);
        assert_int_equal(notes.alternate, VSS_AWS_NO_ALTERNATE_WRITER);
        assert_false(notes.io_throttling_only);
        assert_null(notes.instance_name);
        assert_int_equal(notes.major_version, 0);

        assert_int_equal(w.Subscribe(), S_OK);
        assert_int_equal(notes.event_flags, 0x6);
        assert_int_equal(notes.unsubscribe_timeout_msec, INFINITE);
}

static void test_that_the_extended_forms_pass_version_and_timeout_on(void **) {
        ChattyWriter w;

        assert_int_equal(w.InitializeEx(writer_id, L"chatty", 3, 14, VSS_UT_USERDATA, VSS_ST_OTHER), S_OK);
        assert_int_equal(notes.major_version, 3);
        assert_int_equal(notes.minor_version, 14);
        assert_int_equal(notes.level, VSS_APP_FRONT_END);
        assert_int_equal(notes.freeze_timeout_msec, 60000);

        assert_int_equal(w.SubscribeEx(1500), S_OK);
        assert_int_equal(notes.event_flags, 0x6);
        assert_int_equal(notes.unsubscribe_timeout_msec, 1500);
}

static void test_that_a_writer_which_was_not_initialized_is_in_a_bad_state(void **) {
        ChattyWriter w;
        LPCWSTR device;
        VSS_ID id;

        assert_int_equal(w.Subscribe(), VSS_E_BAD_STATE);
        assert_int_equal(w.SubscribeEx(1), VSS_E_BAD_STATE);
        assert_int_equal(w.Unsubscribe(), VSS_E_BAD_STATE);
        assert_int_equal(w.SetWriterFailure(S_OK), VSS_E_BAD_STATE);
        assert_int_equal(w.SetWriterFailureEx(S_OK, S_OK), VSS_E_BAD_STATE);
        assert_int_equal(w.GetSnapshotDeviceName(L"/", &device), VSS_E_BAD_STATE);
        assert_int_equal(w.GetSessionId(&id), VSS_E_BAD_STATE);
        assert_true(w.GetCurrentSnapshotSetId() == GUID_NULL);
        assert_int_equal(w.GetCurrentVolumeCount(), 0);
        assert_null(w.GetCurrentVolumeArray());
        assert_false(w.IsPathAffected(L"/srv/db"));
}

static void test_that_the_library_object_is_made_once_and_freed_once(void **) {
        {
                SmallWriter never_used;
        }
        assert_int_equal(notes.n_free, 0);

        {
                SmallWriter w;

                w.Initialize(writer_id, L"a", VSS_UT_USERDATA, VSS_ST_OTHER);
                w.Initialize(writer_id, L"b", VSS_UT_USERDATA, VSS_ST_OTHER);
        }
        assert_int_equal(notes.n_new, 1);
        assert_int_equal(notes.n_free, 1);
}

static void test_that_each_event_reaches_its_handler_and_its_answer_comes_back(void **) {
        IVssCreateWriterMetadataEx *metadata = reinterpret_cast<IVssCreateWriterMetadataEx *>(0x1000);
        IVssWriterComponents *components = reinterpret_cast<IVssWriterComponents *>(0x2000);
        const UmbraWriterCallbacks *c = &the_writer.callbacks;
        ChattyWriter w;

        w.InitializeEx(writer_id, L"chatty", 1, 0, VSS_UT_USERDATA, VSS_ST_OTHER);
        void *u = the_writer.userdata;

        assert_false(c->OnIdentify(u, metadata));
        assert_ptr_equal(w.components, metadata);
        assert_false(c->OnPrepareBackup(u, components));
        assert_ptr_equal(w.components, components);
        assert_false(c->OnPrepareSnapshot(u));
        assert_false(c->OnFreeze(u));
        assert_false(c->OnThaw(u));
        assert_false(c->OnAbort(u));
        assert_false(c->OnPostSnapshot(u, components));
        assert_false(c->OnBackupComplete(u, components));
        assert_false(c->OnBackupShutdown(u, writer_id));
        assert_false(c->OnPreRestore(u, components));
        assert_false(c->OnPostRestore(u, components));
        assert_string_equal(w.said.c_str(), "IBSFTAPCD<>");
        assert_true(c->OnDisconnected == nullptr);
}

static void test_that_handlers_which_are_not_overridden_say_true(void **) {
        const UmbraWriterCallbacks *c = &the_writer.callbacks;
        SmallWriter w;

        w.Initialize(writer_id, L"small", VSS_UT_USERDATA, VSS_ST_OTHER);
        void *u = the_writer.userdata;

        assert_true(c->OnIdentify(u, nullptr));
        assert_true(c->OnPrepareBackup(u, nullptr));
        assert_true(c->OnPostSnapshot(u, nullptr));
        assert_true(c->OnBackupComplete(u, nullptr));
        assert_true(c->OnBackupShutdown(u, GUID_NULL));
        assert_true(c->OnPreRestore(u, nullptr));
        assert_true(c->OnPostRestore(u, nullptr));
        assert_true(c->OnBackOffIOOnVolume(u, nullptr, GUID_NULL, GUID_NULL));
        assert_true(c->OnContinueIOOnVolume(u, nullptr, GUID_NULL, GUID_NULL));
        assert_true(c->OnVSSShutdown(u));
        assert_true(c->OnVSSApplicationStartup(u));
}

static void test_that_an_extended_writer_may_still_override_the_old_identify(void **) {
        IVssCreateWriterMetadataEx *metadata = reinterpret_cast<IVssCreateWriterMetadataEx *>(0x1000);
        OldWriter w;

        w.Initialize(writer_id, L"old", VSS_UT_USERDATA, VSS_ST_OTHER);
        assert_true(the_writer.callbacks.OnIdentify(the_writer.userdata, metadata));
        assert_ptr_equal(w.seen, metadata);
}

static void test_that_an_exception_in_a_handler_is_a_failure_and_goes_no_further(void **) {
        OldWriter w;

        w.Initialize(writer_id, L"old", VSS_UT_USERDATA, VSS_ST_OTHER);
        assert_false(the_writer.callbacks.OnFreeze(the_writer.userdata));
}

static void test_that_what_is_going_on_can_be_asked(void **) {
        IVssExamineWriterMetadata *metadata;
        LPCWSTR device;
        ChattyWriter w;
        VSS_ID id;

        w.Initialize(writer_id, L"chatty", VSS_UT_USERDATA, VSS_ST_OTHER);

        assert_int_equal(w.GetCurrentVolumeCount(), 1);
        assert_true(std::wstring(w.GetCurrentVolumeArray()[0]) == L"/srv/");
        assert_int_equal(w.GetSnapshotDeviceName(L"/srv/", &device), S_OK);
        assert_true(std::wstring(device) == L"/run/umbra/shadow/x");
        assert_int_equal(w.GetCurrentSnapshotSetId().Data1, 1);
        assert_int_equal(w.GetContext(), VSS_CTX_APP_ROLLBACK);
        assert_int_equal(w.GetCurrentLevel(), VSS_APP_BACK_END);
        assert_true(w.IsPathAffected(L"/srv/db"));
        assert_false(w.IsPathAffected(L"/home"));
        assert_true(w.IsBootableSystemStateBackedUp());
        assert_true(w.AreComponentsSelected());
        assert_int_equal(w.GetBackupType(), VSS_BT_LOG);
        assert_int_equal(w.GetRestoreType(), VSS_RTYPE_IMPORT);
        assert_true(w.IsPartialFileSupportEnabled());
        assert_int_equal(w.GetIdentifyInformation(&metadata), S_FALSE);
        assert_true(w.IsWriterShuttingDown());
        assert_int_equal(w.GetSessionId(&id), S_OK);
        assert_int_equal(id.Data1, 5);
        assert_int_equal(w.InstallAlternateWriter(writer_id, GUID_NULL), E_NOTIMPL);
}

static void test_that_a_failure_is_passed_on_with_the_words_of_the_application(void **) {
        ChattyWriter w;

        w.Initialize(writer_id, L"chatty", VSS_UT_USERDATA, VSS_ST_OTHER);

        assert_int_equal(w.SetWriterFailure(VSS_E_WRITERERROR_RETRYABLE), S_OK);
        assert_int_equal(notes.failure, VSS_E_WRITERERROR_RETRYABLE);
        assert_int_equal(w.SetWriterFailureEx(VSS_E_WRITERERROR_TIMEOUT, 42), S_OK);
        assert_int_equal(notes.failure, VSS_E_WRITERERROR_TIMEOUT);
        assert_int_equal(notes.failure_application, 42);
        assert_null(notes.failure_message);
}

#define WITH_NOTES(test) cmocka_unit_test_setup(test, setup)

int main() {
        const struct CMUnitTest tests[] = {
                WITH_NOTES(test_that_the_documented_default_arguments_are_passed_on),
                WITH_NOTES(test_that_the_extended_forms_pass_version_and_timeout_on),
                WITH_NOTES(test_that_a_writer_which_was_not_initialized_is_in_a_bad_state),
                WITH_NOTES(test_that_the_library_object_is_made_once_and_freed_once),
                WITH_NOTES(test_that_each_event_reaches_its_handler_and_its_answer_comes_back),
                WITH_NOTES(test_that_handlers_which_are_not_overridden_say_true),
                WITH_NOTES(test_that_an_extended_writer_may_still_override_the_old_identify),
                WITH_NOTES(test_that_an_exception_in_a_handler_is_a_failure_and_goes_no_further),
                WITH_NOTES(test_that_what_is_going_on_can_be_asked),
                WITH_NOTES(test_that_a_failure_is_passed_on_with_the_words_of_the_application),
        };

        return cmocka_run_group_tests(tests, nullptr, nullptr);
}
