/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * CVssWriter, Row by Row
 *
 * What each method of the three classes returns, and what their pages promise about when; by a writer whose
 * handlers do what the test wants.
 */

#include <csetjmp>
#include <cstdarg>
#include <cstddef>
#include <cstdint>
#include <cwchar>
#include <functional>
#include <string>
#include <thread>

extern "C" {
#include <cmocka.h>
}

#include <oleauto.h>
#include <umbra.h>
#include <vsbackup.h>
#include <vswriter.h>

#include "api/writer/backup.h"
#include "api/writer/journal.h"

extern "C" {
#include "lib/reference.h"
#include "phases/world.h"
}

static World *world;

static const VSS_ID class_id = { 0x0c11a55e,
                                 0x3d7a,
                                 0x4a52,
                                 { 0x8b, 0x01, 0x72, 0x75, 0x6c, 0x65, 0x73, 0x21 } };

static std::wstring wide_volume() {
        std::wstring wide;

        for (const char *c = world->volume; *c; ++c)
                wide += (wchar_t) *c;
        return wide;
}

enum Event {
        IDENTIFY,
        PREPARE_BACKUP,
        PREPARE_SNAPSHOT,
        FREEZE,
        THAW,
        POST_SNAPSHOT,
        BACKUP_COMPLETE,
        BACKUP_SHUTDOWN,
        ABORT,
        PRE_RESTORE,
        POST_RESTORE,
        N_EVENTS
};

static const char *const handler_names[N_EVENTS] = {
        "OnIdentify", "OnPrepareBackup", "OnPrepareSnapshot", "OnFreeze", "OnThaw", "OnPostSnapshot", "OnBackupComplete", "OnBackupShutdown",
        "OnAbort", "OnPreRestore", "OnPostRestore",
};

/* Does in each handler what was put there, and says what it was told to say. */
class Actor : public CVssWriterEx2 {
public:
        std::function<void(Actor &)> act[N_EVENTS];
        bool answer[N_EVENTS];
        unsigned heard[N_EVENTS] = {};
        IVssWriterComponents *components = nullptr;
        VSS_ID shutdown_id = {};

        Actor() {
                for (bool &a : answer)
                        a = true;
        }
        Actor(const wchar_t *name, DWORD freeze_msec = 60000) : Actor() {
                assert_int_equal(InitializeEx(class_id, name, 1, 0, VSS_UT_USERDATA, VSS_ST_OTHER,
                                              VSS_APP_BACK_END, freeze_msec),
                                 S_OK);
                assert_int_equal(Subscribe(), S_OK);
        }

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

private:
        bool Play(Event e, IVssWriterComponents *c = nullptr) {
                ++heard[e];
                components = c;
                if (act[e])
                        act[e](*this);
                components = nullptr;
                if (e == BACKUP_SHUTDOWN)
                        journal_say("over");
                return answer[e];
        }

        bool OnIdentifyEx(IVssCreateWriterMetadataEx *m) override {
                return SUCCEEDED(m->SetRestoreMethod(VSS_RME_RESTORE_IF_CAN_REPLACE, nullptr, nullptr,
                                                     VSS_WRE_ALWAYS, false)) &&
                       SUCCEEDED(m->AddComponent(VSS_CT_FILEGROUP, nullptr, L"data", nullptr, nullptr, 0,
                                                 true, true, true, true)) &&
                       SUCCEEDED(m->AddFilesToFileGroup(nullptr, L"data", wide_volume().c_str(), L"*", true,
                                                        nullptr)) &&
                       Play(IDENTIFY);
        }
        bool OnPrepareBackup(IVssWriterComponents *c) override { return Play(PREPARE_BACKUP, c); }
        bool OnPrepareSnapshot() override { return Play(PREPARE_SNAPSHOT); }
        bool OnFreeze() override { return Play(FREEZE); }
        bool OnThaw() override { return Play(THAW); }
        bool OnAbort() override { return Play(ABORT); }
        bool OnPostSnapshot(IVssWriterComponents *c) override { return Play(POST_SNAPSHOT, c); }
        bool OnBackupComplete(IVssWriterComponents *c) override { return Play(BACKUP_COMPLETE, c); }
        bool OnBackupShutdown(VSS_ID id) override {
                shutdown_id = id;
                return Play(BACKUP_SHUTDOWN);
        }
        bool OnPreRestore(IVssWriterComponents *c) override { return Play(PRE_RESTORE, c); }
        bool OnPostRestore(IVssWriterComponents *c) override { return Play(POST_RESTORE, c); }
};

/* A whole backup; what DoSnapshotSet() said, and the status before it ends. */
static HRESULT back_up(const char *status, BSTR *ret_document = nullptr) {
        Backup *b = backup_new();
        HRESULT hr = backup_run(b, world->volume);

        if (SUCCEEDED(hr))
                assert_int_equal(backup_complete(b), S_OK);
        if (status)
                backup_expect_status(b, L"actor", status);
        if (ret_document)
                *ret_document = backup_document(b);
        backup_free(b);
        return hr;
}

static void restore(BSTR document, VSS_RESTORE_TYPE type, const char *status) {
        Backup *b = backup_new_for_restore(document);

        if (type != VSS_RTYPE_UNDEFINED)
                assert_int_equal(b->api->SetRestoreState(type), S_OK);
        assert_int_equal(backup_gather(b), S_OK);
        assert_int_equal(b->api->SetSelectedForRestore(class_id, VSS_CT_FILEGROUP, nullptr, L"data", true),
                         S_OK);
        for (int i = 0; i < 2; ++i) {
                IVssAsync *async = nullptr;
                HRESULT hr = i == 0 ? b->api->PreRestore(&async) : b->api->PostRestore(&async);

                assert_int_equal(settle(hr, async), S_OK);
        }
        backup_expect_status(b, L"actor", status);
        backup_free(b);
}

static void reach_answer(Event e, const char *answer) {
        reference_reach_return("CVssWriter", handler_names[e], answer);
        if (e == IDENTIFY)
                reference_reach_return("CVssWriterEx", "OnIdentifyEx", answer);
}

static void test_that_true_goes_on_and_false_is_fatal(void **) {
        static const struct {
                Event event;
                const char *failed;
                HRESULT created;
        } cases[] = {
                { PREPARE_BACKUP,   "FAILED_AT_PREPARE_BACKUP",   S_OK                          },
                { PREPARE_SNAPSHOT, "FAILED_AT_PREPARE_SNAPSHOT", VSS_E_UNEXPECTED_WRITER_ERROR },
                { FREEZE,           "FAILED_AT_FREEZE",           VSS_E_UNEXPECTED_WRITER_ERROR },
                { THAW,             "FAILED_AT_THAW",             VSS_E_UNEXPECTED_WRITER_ERROR },
                { POST_SNAPSHOT,    "FAILED_AT_POST_SNAPSHOT",    S_OK                          },
                { BACKUP_COMPLETE,  "FAILED_AT_BACKUP_COMPLETE",  S_OK                          },
                { PRE_RESTORE,      "FAILED_AT_PRE_RESTORE",      S_OK                          },
                { POST_RESTORE,     "FAILED_AT_POST_RESTORE",     S_OK                          },
        };
        Actor actor(L"actor");
        BSTR document = nullptr;

        journal_clear();
        assert_int_equal(back_up("STABLE S_OK 0x0 ", &document), S_OK);
        restore(document, VSS_RTYPE_BY_COPY, "STABLE S_OK 0x0 ");
        journal_await("over");
        for (Event e : { IDENTIFY, PREPARE_BACKUP, PREPARE_SNAPSHOT, FREEZE, THAW, POST_SNAPSHOT,
                         BACKUP_COMPLETE, BACKUP_SHUTDOWN, PRE_RESTORE, POST_RESTORE }) {
                assert_true(actor.heard[e] > 0);
                reach_answer(e, "true");
        }
        for (const auto &c : cases) {
                std::string status = std::string(c.failed) + " VSS_E_WRITERERROR_OUTOFRESOURCES 0x0 ";

                actor.answer[c.event] = false;
                actor.act[c.event] = [](Actor &a) {
                        (void) a.SetWriterFailure(VSS_E_WRITERERROR_OUTOFRESOURCES);
                };
                if (c.event >= PRE_RESTORE)
                        restore(document, VSS_RTYPE_BY_COPY, status.c_str());
                else
                        assert_int_equal(back_up(status.c_str()), c.created);
                reach_answer(c.event, "false");
                actor.answer[c.event] = true;
                actor.act[c.event] = nullptr;
        }
        SysFreeString(document);

        /* What only the writer itself sees. */
        assert_true(actor.heard[ABORT] > 0);
        reach_answer(ABORT, "true");
        journal_clear();
        actor.answer[ABORT] = actor.answer[BACKUP_SHUTDOWN] = actor.answer[FREEZE] = false;
        assert_int_equal(back_up("FAILED_AT_FREEZE VSS_E_WRITERERROR_NONRETRYABLE 0x0 "),
                         VSS_E_UNEXPECTED_WRITER_ERROR);
        journal_await("over");
        reach_answer(ABORT, "false");
        reach_answer(BACKUP_SHUTDOWN, "false");

        Backup *b = backup_new();
        actor.answer[IDENTIFY] = false;
        assert_int_equal(backup_gather(b), S_OK);
        assert_int_equal(backup_writer_count(b), 0);
        backup_free(b);
        reach_answer(IDENTIFY, "false");
        assert_int_equal(actor.Unsubscribe(), S_OK);
}

/* What is said in the Freeze of a backup. */
static HRESULT say_in_freeze(Actor &actor, std::function<HRESULT(Actor &)> say, const char *status) {
        HRESULT said = E_FAIL;

        actor.act[FREEZE] = [&](Actor &a) { said = say(a); };
        (void) back_up(status);
        actor.act[FREEZE] = nullptr;
        return said;
}

static void test_that_each_failure_that_is_allowed_is_taken(void **) {
        static const struct {
                HRESULT hr;
                const char *name;
                bool old_as_well; /* SetWriterFailure() has it, too */
        } cases[] = {
                { VSS_E_WRITERERROR_INCONSISTENTSNAPSHOT, "VSS_E_WRITERERROR_INCONSISTENTSNAPSHOT", true  },
                { VSS_E_WRITERERROR_OUTOFRESOURCES,       "VSS_E_WRITERERROR_OUTOFRESOURCES",       true  },
                { VSS_E_WRITERERROR_TIMEOUT,              "VSS_E_WRITERERROR_TIMEOUT",              true  },
                { VSS_E_WRITERERROR_RETRYABLE,            "VSS_E_WRITERERROR_RETRYABLE",            true  },
                { VSS_E_WRITERERROR_NONRETRYABLE,         "VSS_E_WRITERERROR_NONRETRYABLE",         true  },
                { VSS_E_WRITERERROR_PARTIAL_FAILURE,      "VSS_E_WRITERERROR_PARTIAL_FAILURE",      false },
        };
        Actor actor(L"actor");
        HRESULT elsewhere = S_OK;

        for (const auto &c : cases) {
                std::string plain = std::string("FAILED_AT_FREEZE ") + c.name + " 0x0 ",
                            words = std::string("FAILED_AT_FREEZE ") + c.name + " 0x2a forty-two";

                ASSERT_RETURNS(
                        CVssWriterEx2, SetWriterFailureEx, S_OK,
                        say_in_freeze(
                                actor,
                                [&](Actor &a) { return a.SetWriterFailureEx(c.hr, 42, L"forty-two"); },
                                words.c_str()));
                reference_reach_return("CVssWriterEx2", "SetWriterFailureEx", c.name);
                if (!c.old_as_well)
                        continue;
                ASSERT_RETURNS(
                        CVssWriter, SetWriterFailure, S_OK,
                        say_in_freeze(
                                actor, [&](Actor &a) { return a.SetWriterFailure(c.hr); }, plain.c_str()));
                reference_reach_return("CVssWriter", "SetWriterFailure", c.name);
        }
        /* true with a reason fails as well: a veto. */
        REACHES_RULE(CVssWriter, "*", "veto = SetWriterFailure + return true");

        assert_int_equal(
                say_in_freeze(
                        actor, [](Actor &a) { return a.SetWriterFailure(E_FAIL); }, "STABLE S_OK 0x0 "),
                E_INVALIDARG);
        REACHES_RETURN(CVssWriter, SetWriterFailure, "HRESULT");
        assert_int_equal(say_in_freeze(
                                 actor, [](Actor &a) { return a.SetWriterFailureEx(S_FALSE, 1); },
                                 "STABLE S_OK 0x0 "),
                         E_INVALIDARG);
        REACHES_RETURN(CVssWriterEx2, SetWriterFailureEx, "HRESULT");

        /* Only on the handler's own thread, although it may have others. */
        actor.act[FREEZE] = [&](Actor &a) {
                std::thread([&] {
                        VSS_ID id;

                        if (a.SetWriterFailure(VSS_E_WRITERERROR_RETRYABLE) != VSS_E_BAD_STATE ||
                            a.SetWriterFailureEx(VSS_E_WRITERERROR_RETRYABLE, 1) != VSS_E_BAD_STATE)
                                elsewhere = E_FAIL;
                        else
                                elsewhere = a.GetSessionId(&id);
                }).join();
        };
        assert_int_equal(back_up("STABLE S_OK 0x0 "), S_OK);
        assert_int_equal(elsewhere, VSS_E_BAD_STATE);
        REACHES_RETURN(CVssWriterEx2, GetSessionId, "HRESULT");
        REACHES_RULE(CVssWriter, "*", "handlers may use worker threads");
        REACHES_RULE(CVssWriter, "SetWriterFailure",
                     "not from OnIdentify or OnIdentifyEx; only in the thread");
        REACHES_RULE(CVssWriterEx2, "SetWriterFailureEx",
                     "not from OnIdentify or OnIdentifyEx; only in the thread");
        REACHES_RULE(CVssWriterEx2, "GetSessionId", "only in the thread running the event handler");
        for (const char *handler :
             { "OnPrepareBackup", "OnPrepareSnapshot", "OnFreeze", "OnThaw", "OnPostSnapshot" })
                reference_reach_rule(
                        "CVssWriter", handler,
                        "SetWriterFailure(Ex) and GetSessionId only in the handler's own thread");
        assert_int_equal(actor.Unsubscribe(), S_OK);
}

static void test_that_the_accessors_tell_what_the_requester_said(void **) {
        static const struct {
                bool select, bootable, partial;
                VSS_BACKUP_TYPE type;
        } cases[] = {
                { true,  true,  true,  VSS_BT_FULL },
                { false, false, false, VSS_BT_COPY },
        };
        Actor actor(L"actor");
        std::wstring volume = wide_volume() + L"/";
        HRESULT hr[5] = {};
        int wrong = 0;

        for (const auto &c : cases) {
                Backup *b = backup_new();

                assert_int_equal(b->api->SetBackupState(c.select, c.bootable, c.type, c.partial), S_OK);
                actor.act[PREPARE_BACKUP] = [&](Actor &a) {
                        wrong +=
                                !a.components; /* may be NULL on Windows where none are selected; here it is empty */
                        wrong += a.AreComponentsSelected() != c.select;
                        wrong += a.IsBootableSystemStateBackedUp() != c.bootable;
                        wrong += a.IsPartialFileSupportEnabled() != c.partial;
                        wrong += a.GetBackupType() != c.type;
                        wrong += a.GetCurrentLevel() != VSS_APP_BACK_END;
                        hr[0] = a.GetSnapshotDeviceName(volume.c_str(), nullptr);
                };
                actor.act[PREPARE_SNAPSHOT] = [&](Actor &a) {
                        VSS_ID id = a.GetCurrentSnapshotSetId();

                        wrong += a.GetCurrentVolumeCount() != 1 || volume != a.GetCurrentVolumeArray()[0];
                        wrong += !IsEqualGUID(id, b->set);
                        wrong += a.GetContext() != VSS_CTX_BACKUP;
                        wrong += !a.IsPathAffected((volume + L"data/file").c_str());
                        wrong += a.IsPathAffected(L"/dev/null");
                        wrong += a.IsPathAffected(L"%UMBRA_TEST_VOLUME%/data") != true;
                        wrong += a.IsWriterShuttingDown();
                };
                actor.act[POST_SNAPSHOT] = [&](Actor &a) {
                        IVssExamineWriterMetadata *metadata = nullptr;
                        LPCWSTR device = nullptr;
                        VSS_ID session = {};

                        wrong += !a.components;
                        hr[1] = a.GetSnapshotDeviceName(volume.c_str(), &device);
                        wrong += !device || !*device;
                        hr[2] = a.GetSnapshotDeviceName(L"/not/in/the/set/", &device);
                        hr[3] = a.GetIdentifyInformation(&metadata); /* not released: it is the library's */
                        hr[4] = a.GetSessionId(&session);
                        wrong += !metadata || IsEqualGUID(session, GUID_NULL);
                };
                actor.act[BACKUP_COMPLETE] = [&](Actor &a) { wrong += !a.components; };
                assert_int_equal(backup_run(b, world->volume), S_OK);
                assert_int_equal(backup_complete(b), S_OK);
                backup_free(b);
                assert_int_equal(wrong, 0);
                ASSERT_RETURNS(CVssWriter, GetSnapshotDeviceName, E_INVALIDARG, hr[0]);
                ASSERT_RETURNS(CVssWriter, GetSnapshotDeviceName, S_OK, hr[1]);
                ASSERT_RETURNS(CVssWriter, GetSnapshotDeviceName, VSS_E_OBJECT_NOT_FOUND, hr[2]);
                ASSERT_RETURNS(CVssWriterEx, GetIdentifyInformation, S_OK, hr[3]);
                ASSERT_RETURNS(CVssWriterEx2, GetSessionId, S_OK, hr[4]);
        }
        for (const char *question : { "AreComponentsSelected", "IsBootableSystemStateBackedUp",
                                      "IsPartialFileSupportEnabled", "IsPathAffected" })
                for (const char *answer : { "true", "false" })
                        reference_reach_return("CVssWriter", question, answer);
        REACHES_RETURN(CVssWriter, GetBackupType, "VSS_BACKUP_TYPE");
        REACHES_RETURN(CVssWriter, GetCurrentLevel, "VSS_APPLICATION_LEVEL");
        REACHES_RETURN(CVssWriter, GetCurrentVolumeArray, "LPCWSTR*");
        REACHES_RETURN(CVssWriter, GetCurrentVolumeCount, "UINT");
        REACHES_RETURN(CVssWriter, GetCurrentSnapshotSetId, "VSS_ID");
        REACHES_RETURN(CVssWriter, GetContext, "LONG");
        REACHES_RETURN(CVssWriterEx2, IsWriterShuttingDown, "false");
        REACHES_RULE(CVssWriter, "OnPrepareBackup", "component pointer may be NULL");
        REACHES_RULE(CVssWriter, "OnPostSnapshot", "component pointer may be NULL");
        REACHES_RULE(CVssWriter, "OnPostSnapshot", "auto-recovery of the shadow copy happens here");
        REACHES_RULE(CVssWriter, "GetCurrentVolumeArray", "n from GetCurrentVolumeCount");
        REACHES_RULE(CVssWriter, "GetContext", "not definitive before OnPrepareSnapshot");
        REACHES_RULE(CVssWriter, "GetCurrentLevel", "protected");
        REACHES_RULE(CVssWriter, "GetBackupType", "protected");
        REACHES_RULE(CVssWriter, "IsPathAffected", "environment variables allowed");
        REACHES_RULE(CVssWriterEx, "GetIdentifyInformation", "caller must NOT release");
        assert_int_equal(actor.Unsubscribe(), S_OK);
}

static void test_that_a_restore_tells_its_type(void **) {
        static const VSS_RESTORE_TYPE types[] = { VSS_RTYPE_UNDEFINED, VSS_RTYPE_BY_COPY, VSS_RTYPE_IMPORT,
                                                  VSS_RTYPE_OTHER };
        VSS_RESTORE_TYPE told = VSS_RTYPE_OTHER;
        BSTR document = nullptr;
        Actor actor(L"actor");
        bool there = false;

        assert_int_equal(back_up(nullptr, &document), S_OK);
        actor.act[PRE_RESTORE] = [&](Actor &a) { told = a.GetRestoreType(); };
        actor.act[POST_RESTORE] = [&](Actor &a) { there = a.components; };
        for (VSS_RESTORE_TYPE type : types) {
                restore(document, type, "STABLE S_OK 0x0 ");
                assert_int_equal(told, type);
                assert_true(there);
        }
        SysFreeString(document);
        REACHES_RETURN(CVssWriter, GetRestoreType, "VSS_RESTORE_TYPE");
        REACHES_RULE(CVssWriter, "GetRestoreType", "protected getter for restore handlers");
        REACHES_RULE(CVssWriter, "OnPostRestore", "component pointer may be NULL");
        assert_int_equal(actor.Unsubscribe(), S_OK);
}

static void test_that_identify_may_come_at_any_time(void **) {
        Actor actor(L"actor");
        unsigned before;
        Backup *b = backup_new(), *other = backup_new();

        assert_int_equal(backup_gather(b), S_OK);
        assert_int_equal(backup_select(b, world->volume), S_OK);
        assert_int_equal(backup_prepare(b), S_OK);
        before = actor.heard[IDENTIFY];
        assert_int_equal(backup_gather(other), S_OK); /* by somebody else, in the middle */
        assert_int_equal(actor.heard[IDENTIFY], before + 1);
        backup_expect_status(b, L"actor", "STABLE S_OK 0x0 ");
        assert_int_equal(backup_create(b), S_OK);
        backup_expect_status(b, L"actor", "WAITING_FOR_BACKUP_COMPLETE S_OK 0x0 ");
        backup_free(other); /* and its end is not the end of the other backup */
        assert_int_equal(backup_complete(b), S_OK);
        assert_int_equal(actor.heard[BACKUP_SHUTDOWN], 0);
        backup_free(b);
        assert_int_equal(actor.Unsubscribe(), S_OK);
        assert_int_equal(actor.heard[ABORT], 0);
        REACHES_RULE(CVssWriter, "OnIdentify", "may arrive at any time");
        REACHES_RULE(CVssWriter, "OnIdentify", "state must never be kept here");
        REACHES_RULE(CVssWriter, "OnIdentify", "is owned by VSS and valid only in the call");
}

static void test_that_shutdown_comes_with_or_without_a_backup(void **) {
        Actor actor(L"actor");
        Backup *b = backup_new();
        VSS_ID set;

        journal_clear(); /* a requester that lets go before it is complete */
        assert_int_equal(backup_run(b, world->volume), S_OK);
        set = b->set;
        backup_free(b);
        journal_await("over");
        assert_int_equal(actor.heard[BACKUP_COMPLETE], 0);
        assert_true(IsEqualGUID(actor.shutdown_id, set));
        REACHES_RULE(CVssWriter, "OnBackupComplete", "delivery is not guaranteed");

        journal_clear(); /* and one that has made none */
        b = backup_new();
        assert_int_equal(backup_gather(b), S_OK);
        assert_int_equal(backup_select(b, world->volume), S_OK);
        assert_int_equal(backup_prepare(b), S_OK);
        backup_free(b);
        journal_await("over");
        assert_true(IsEqualGUID(actor.shutdown_id, GUID_NULL));
        assert_int_equal(actor.heard[ABORT], 1);
        REACHES_RULE(CVssWriter, "OnBackupShutdown",
                     "generated when the requester ends or its IVssBackupComponents object is released");
        REACHES_RULE(CVssWriter, "OnAbort",
                     "causes: OnFreeze/OnThaw returned false or exceeded the freeze time-out");

        journal_clear(); /* asked to abort twice, it hears it twice */
        b = backup_new();
        assert_int_equal(backup_gather(b), S_OK);
        assert_int_equal(backup_select(b, world->volume), S_OK);
        assert_int_equal(backup_prepare(b), S_OK);
        actor.answer[FREEZE] = false;
        assert_int_equal(backup_create(b), VSS_E_UNEXPECTED_WRITER_ERROR);
        assert_int_equal(b->api->AbortBackup(), S_OK);
        backup_free(b);
        journal_await("over");
        assert_true(actor.heard[ABORT] >= 2);
        REACHES_RULE(CVssWriter, "OnAbort", "may be called more than once");
        assert_int_equal(actor.Unsubscribe(), S_OK);
}

static void test_that_work_begun_in_prepare_backup_may_end_in_prepare_snapshot(void **) {
        Gate *gate = gate_new();
        std::thread work;
        Actor actor(L"actor", 1000); /* less than it takes */
        bool frozen_too_early = false, done = false;

        actor.act[PREPARE_BACKUP] = [&](Actor &) {
                work = std::thread([&] {
                        gate_wait(gate);
                        done = true;
                });
        };
        actor.act[PREPARE_SNAPSHOT] = [&](Actor &) {
                gate_open(gate);
                work.join();
        };
        actor.act[FREEZE] = [&](Actor &) { frozen_too_early = !done; };
        assert_int_equal(back_up("STABLE S_OK 0x0 "), S_OK);
        assert_false(frozen_too_early);
        assert_true(done);
        gate_free(gate);
        REACHES_RULE(
                CVssWriter, "OnPrepareBackup",
                "long work may be started asynchronously but must end before OnPrepareSnapshot returns");
        REACHES_RULE(CVssWriter, "OnPrepareBackup", "asynchronous work started here must end before Freeze");
        REACHES_RULE(CVssWriter, "OnPrepareSnapshot", "pure virtual; place for long work");
        REACHES_RULE(CVssWriter, "OnThaw", "pure virtual; undo OnPrepareSnapshot and OnFreeze");
        REACHES_RULE(CVssWriter, "OnThaw", "temporary files must stay until PostSnapshot");
        assert_int_equal(actor.Unsubscribe(), S_OK);
}

/* Being there */

static VSS_ID instance_of(const wchar_t *name) {
        Backup *b = backup_new();
        VSS_ID found = {};

        assert_int_equal(backup_gather(b), S_OK);
        for (UINT i = 0; i < backup_writer_count(b); ++i) {
                IVssExamineWriterMetadata *metadata = nullptr;
                VSS_ID instance, id;
                VSS_USAGE_TYPE usage;
                VSS_SOURCE_TYPE source;
                BSTR text = nullptr;

                assert_int_equal(b->api->GetWriterMetadata(i, &instance, &metadata), S_OK);
                assert_int_equal(metadata->GetIdentity(&instance, &id, &text, &usage, &source), S_OK);
                if (wcscmp(text, name) == 0)
                        found = instance;
                SysFreeString(text);
                metadata->Release();
        }
        backup_free(b);
        return found;
}

class Plain : public CVssWriter {
public:
        bool OnPrepareSnapshot() override { return true; }
        bool OnFreeze() override { return true; }
        bool OnThaw() override { return true; }
        bool OnAbort() override { return true; }
        using CVssWriter::SetWriterFailure;
};

class PlainEx : public CVssWriterEx {
public:
        bool OnPrepareSnapshot() override { return true; }
        bool OnFreeze() override { return true; }
        bool OnThaw() override { return true; }
        bool OnAbort() override { return true; }
};

static void test_that_a_writer_is_made_told_who_it_is_and_subscribed(void **) {
        static const wchar_t name[] = L"Schreiber für Größe";
        VSS_ID instance, twin;

        {
                Plain one, two;
                PlainEx ex, twice;

                assert_true(IsEqualGUID(instance_of(name), GUID_NULL)); /* made is not there */
                REACHES_RETURN(CVssWriter, CVssWriter, "void");
                REACHES_RULE(CVssWriter, "CVssWriter", "constructor alone does not connect");

                assert_int_equal(one.Subscribe(), VSS_E_BAD_STATE);
                REACHES_RULE(CVssWriter, "Initialize", "call before Subscribe");
                ASSERT_RETURNS(CVssWriter, Initialize, E_INVALIDARG,
                               one.Initialize(class_id, nullptr, VSS_UT_USERDATA, VSS_ST_OTHER));
                ASSERT_RETURNS(CVssWriter, Initialize, E_INVALIDARG,
                               one.Initialize(class_id, name, VSS_UT_UNDEFINED, VSS_ST_OTHER));
                ASSERT_RETURNS(CVssWriter, Initialize, E_INVALIDARG,
                               one.Initialize(class_id, name, VSS_UT_USERDATA, VSS_ST_OTHER,
                                              VSS_APP_FRONT_END, 60000, VSS_AWS_THIS_IS_ALTERNATE_WRITER));
                ASSERT_RETURNS(CVssWriter, Initialize, E_INVALIDARG,
                               one.Initialize(class_id, name, VSS_UT_USERDATA, VSS_ST_OTHER,
                                              VSS_APP_FRONT_END, 60000, VSS_AWS_NO_ALTERNATE_WRITER, true));
                ASSERT_RETURNS(CVssWriter, Initialize, S_OK,
                               one.Initialize(class_id, name, VSS_UT_USERDATA, VSS_ST_OTHER));
                REACHES_RULE(CVssWriter, "Initialize", "defaults: nLevel=VSS_APP_FRONT_END");
                assert_int_equal(two.Initialize(class_id, L"two", VSS_UT_USERDATA, VSS_ST_OTHER), S_OK);

                ASSERT_RETURNS(CVssWriter, Subscribe, S_OK, one.Subscribe());
                ASSERT_RETURNS(CVssWriter, Subscribe, VSS_E_WRITER_ALREADY_SUBSCRIBED, one.Subscribe());
                assert_int_equal(two.Subscribe(VSS_SM_BACKUP_EVENTS_FLAG), E_INVALIDARG);
                REACHES_RULE(CVssWriter, "Subscribe", "call after Initialize; default flags");
                assert_int_equal(two.Subscribe(), S_OK);
                instance = instance_of(name); /* as it was written, whatever the language */
                twin = instance_of(L"two");
                assert_false(IsEqualGUID(instance, GUID_NULL));
                assert_false(IsEqualGUID(instance, twin));
                REACHES_RULE(CVssWriter, "Initialize", "writer name is not localised");

                ASSERT_RETURNS(CVssWriterEx, InitializeEx, E_INVALIDARG,
                               ex.InitializeEx(GUID_NULL, L"ex", 1, 0, VSS_UT_USERDATA, VSS_ST_OTHER));
                ASSERT_RETURNS(CVssWriterEx, InitializeEx, S_OK,
                               ex.InitializeEx(class_id, L"ex", 1, 3, VSS_UT_USERDATA, VSS_ST_OTHER));
                assert_int_equal(ex.Initialize(class_id, L"ex", VSS_UT_USERDATA, VSS_ST_OTHER),
                                 VSS_E_BAD_STATE);
                REACHES_RULE(CVssWriterEx, "InitializeEx", "call Initialize or InitializeEx, never both");
                ASSERT_RETURNS(CVssWriterEx, SubscribeEx, S_OK, ex.SubscribeEx(1000));
                ASSERT_RETURNS(CVssWriterEx, SubscribeEx, VSS_E_WRITER_ALREADY_SUBSCRIBED,
                               ex.SubscribeEx(1000));
                assert_int_equal(twice.Initialize(class_id, L"twice", VSS_UT_USERDATA, VSS_ST_OTHER), S_OK);
                assert_int_equal(twice.InitializeEx(class_id, L"twice", 1, 0, VSS_UT_USERDATA, VSS_ST_OTHER),
                                 VSS_E_BAD_STATE);

                assert_int_equal(one.InstallAlternateWriter(class_id, class_id), E_NOTIMPL);
                REACHES_RETURN(CVssWriter, InstallAlternateWriter, "-");
                REACHES_RULE(CVssWriter, "InstallAlternateWriter", "reserved");
                ASSERT_RETURNS(CVssWriter, Unsubscribe, S_OK, one.Unsubscribe());
                assert_true(IsEqualGUID(instance_of(name), GUID_NULL));
                REACHES_RULE(CVssWriter, "Unsubscribe", "call before the writer object is destroyed");
        }
        /* One that forgot to unsubscribe is gone as well, with all its threads. */
        assert_true(IsEqualGUID(instance_of(L"two"), GUID_NULL));
        reference_reach_return("CVssWriter", "~CVssWriter", "void");
        REACHES_RULE(CVssWriter, "~CVssWriter", "Unsubscribe must have been called before destruction");
}

static void test_that_a_version_is_what_was_said(void **) {
        PlainEx writer;
        Backup *b = backup_new();
        IVssExamineWriterMetadata *metadata = nullptr;
        IVssExamineWriterMetadataEx2 *ex = nullptr;
        DWORD major = 0, minor = 0;
        VSS_ID instance;

        assert_int_equal(writer.InitializeEx(class_id, L"versioned", 3, 14, VSS_UT_USERDATA, VSS_ST_OTHER),
                         S_OK);
        assert_int_equal(writer.SubscribeEx(INFINITE), S_OK);
        assert_int_equal(backup_gather(b), S_OK);
        assert_int_equal(b->api->GetWriterMetadata(0, &instance, &metadata), S_OK);
        assert_int_equal(metadata->QueryInterface(IID_IVssExamineWriterMetadataEx2, (void **) &ex), S_OK);
        assert_int_equal(ex->GetVersion(&major, &minor), S_OK);
        assert_int_equal(major, 3);
        assert_int_equal(minor, 14);
        ex->Release();
        metadata->Release();
        backup_free(b);
        assert_int_equal(writer.Unsubscribe(), S_OK);
        REACHES_RULE(CVssWriterEx, "InitializeEx", "version convention");
}

/* Reserved: the slots are there, and nobody calls them. */
static void test_that_what_is_reserved_does_nothing(void **) {
        wchar_t name[] = L"/";
        Plain writer;

        assert_true(writer.OnBackOffIOOnVolume(name, GUID_NULL, GUID_NULL));
        assert_true(writer.OnContinueIOOnVolume(name, GUID_NULL, GUID_NULL));
        assert_true(writer.OnVSSShutdown());
        assert_true(writer.OnVSSApplicationStartup());
        for (const char *handler :
             { "OnBackOffIOOnVolume", "OnContinueIOOnVolume", "OnVSSShutdown", "OnVSSApplicationStartup" }) {
                reference_reach_return("CVssWriter", handler, "-");
                reference_reach_rule("CVssWriter", handler, "reserved virtual; slot must exist");
        }
}

static void test_that_a_writer_in_a_long_handler_sees_that_it_shuts_down(void **) {
        Actor actor;
        HRESULT unsubscribed = S_OK;
        bool seen = false;

        assert_int_equal(actor.InitializeEx(class_id, L"actor", 1, 0, VSS_UT_USERDATA, VSS_ST_OTHER), S_OK);
        ASSERT_RETURNS(CVssWriterEx, SubscribeEx, S_OK, actor.SubscribeEx(20));
        journal_clear();
        actor.act[PREPARE_BACKUP] = [&](Actor &a) {
                std::thread leaving([&] { unsubscribed = a.Unsubscribe(); });

                while (!a.IsWriterShuttingDown()) /* as the page tells long handlers to do */
                        std::this_thread::yield();
                seen = true;
                (void) a.SetWriterFailure(VSS_E_WRITERERROR_NONRETRYABLE);
                leaving.join(); /* it does not wait for us for longer than it was given */
                journal_say("left");
        };
        Backup *b = backup_new();
        assert_int_equal(backup_gather(b), S_OK);
        assert_int_equal(backup_select(b, world->volume), S_OK);
        assert_int_equal(backup_prepare(b), S_OK);
        backup_free(b);
        journal_await("left");
        assert_true(seen);
        ASSERT_RETURNS(CVssWriter, Unsubscribe, VSS_E_UNEXPECTED, unsubscribed);
        REACHES_RULE(CVssWriterEx, "SubscribeEx", "first parameter is an UNsubscribe time-out");
        REACHES_RETURN(CVssWriterEx2, IsWriterShuttingDown, "true");
        REACHES_RULE(CVssWriterEx2, "IsWriterShuttingDown", "poll during long handlers");
        for (int i = 0; i < 1000 && actor.Unsubscribe() != S_OK; ++i)
                std::this_thread::yield();
}

/* Overrides the old one of the two. */
class OldIdentify : public PlainEx {
public:
        bool OnIdentify(IVssCreateWriterMetadata *m) override {
                return SUCCEEDED(m->AddComponent(VSS_CT_FILEGROUP, nullptr, L"data", nullptr, nullptr, 0,
                                                 false, false, true));
        }
};

static void test_that_either_identify_may_be_overridden(void **) {
        OldIdentify writer;
        Backup *b = backup_new();

        assert_int_equal(writer.InitializeEx(class_id, L"old identify", 1, 0, VSS_UT_USERDATA, VSS_ST_OTHER),
                         S_OK);
        assert_int_equal(writer.Subscribe(), S_OK);
        assert_int_equal(backup_run(b, world->volume),
                         S_OK); /* it has the component that the backup selects */
        backup_free(b);
        assert_int_equal(writer.Unsubscribe(), S_OK);
        REACHES_RULE(CVssWriterEx, "OnIdentifyEx", "override OnIdentify or OnIdentifyEx, not both");
}

static void test_that_device_names_are_for_post_snapshot_only(void **) {
        Actor actor(L"actor");
        LPCWSTR device;
        HRESULT hr = S_OK;

        hr = say_in_freeze(
                actor,
                [&](Actor &a) { return a.GetSnapshotDeviceName((wide_volume() + L"/").c_str(), &device); },
                nullptr);
        ASSERT_RETURNS(CVssWriter, GetSnapshotDeviceName, VSS_E_BAD_STATE, hr);
        assert_int_equal(actor.Unsubscribe(), S_OK);
}

static int setup(void **) {
        world = world_new();
        return setenv("UMBRA_TEST_VOLUME", world->volume, 1);
}

static int teardown(void **) {
        world = world_free(world);
        return 0;
}

int main() {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_that_a_writer_is_made_told_who_it_is_and_subscribed),
                cmocka_unit_test(test_that_a_version_is_what_was_said),
                cmocka_unit_test(test_that_what_is_reserved_does_nothing),
                cmocka_unit_test(test_that_either_identify_may_be_overridden),
                cmocka_unit_test(test_that_true_goes_on_and_false_is_fatal),
                cmocka_unit_test(test_that_each_failure_that_is_allowed_is_taken),
                cmocka_unit_test(test_that_the_accessors_tell_what_the_requester_said),
                cmocka_unit_test(test_that_device_names_are_for_post_snapshot_only),
                cmocka_unit_test(test_that_a_restore_tells_its_type),
                cmocka_unit_test(test_that_identify_may_come_at_any_time),
                cmocka_unit_test(test_that_shutdown_comes_with_or_without_a_backup),
                cmocka_unit_test(test_that_work_begun_in_prepare_backup_may_end_in_prepare_snapshot),
                cmocka_unit_test(test_that_a_writer_in_a_long_handler_sees_that_it_shuts_down),
        };

        return cmocka_run_group_tests(tests, setup, teardown);
}
