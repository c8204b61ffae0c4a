/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The rules of the reference that are about writers: which calls of a requester become events, for whom, and
 * what comes back of them. The others are in tests/api/rows/test-requester-rules.c.
 */

#include <stdlib.h>
#include <string.h>
#include <umbra.h>
#include <wchar.h>

#include "api/requesters/scene.h"
#include "base/guid.h"
#include "lib/reference.h"
#include "lib/test-util.h"

#define RULE(method, part) REACHES_RULE(IVssBackupComponents, method, part)

#define RUN(b, Method)                                                                                      \
        ({                                                                                                  \
                IVssAsync *_async = NULL;                                                                   \
                CHECK(IVssBackupComponents_##Method((b), &_async));                                         \
                scene_wait(_async);                                                                         \
        })

static Scene *scene;

static int setup(void **state) {
        scene = scene_open();
        return 0;
}

static int teardown(void **state) {
        scene = scene_close(scene);
        return 0;
}

static IVssBackupComponents *begin(void) {
        IVssBackupComponents *b = NULL;

        CHECK(CreateVssBackupComponents(&b));
        CHECK(IVssBackupComponents_InitializeForBackup(b, NULL));
        return b;
}

/* The instance of a class. */
static VSS_ID instance_of(IVssBackupComponents *b, VSS_ID class) {
        VSS_ID found = GUID_NULL;
        UINT n = 0;

        CHECK(IVssBackupComponents_GetWriterMetadataCount(b, &n));
        for (UINT i = 0; i < n; ++i) {
                IVssExamineWriterMetadata *metadata = NULL;
                VSS_USAGE_TYPE usage;
                VSS_SOURCE_TYPE source;
                VSS_ID instance, id;
                BSTR name = NULL;

                CHECK(IVssBackupComponents_GetWriterMetadata(b, i, &instance, &metadata));
                CHECK(IVssExamineWriterMetadata_GetIdentity(metadata, &instance, &id, &name, &usage,
                                                            &source));
                if (guid_equal(&id, &class))
                        found = instance;
                SysFreeString(name);
                IVssExamineWriterMetadata_Release(metadata);
        }
        return found;
}

/* Up to the set, with the database chosen if @choose. */
static IVssBackupComponents *begin_set(bool component_mode, bool choose) {
        IVssBackupComponents *b = begin();
        VSS_ID set, snapshot;

        CHECK(IVssBackupComponents_SetBackupState(b, component_mode, false, VSS_BT_FULL, false));
        RUN(b, GatherWriterMetadata);
        if (choose)
                CHECK(IVssBackupComponents_AddComponent(b, instance_of(b, scene_database_id),
                                                        scene_database_id, VSS_CT_DATABASE, L"server",
                                                        L"db"));
        CHECK(IVssBackupComponents_StartSnapshotSet(b, &set));
        CHECK(IVssBackupComponents_AddToSnapshotSet(b, scene->volume, GUID_NULL, &snapshot));
        return b;
}

static void release(IVssBackupComponents *b) {
        assert_int_equal(IVssBackupComponents_Release(b), 0);
}

/* The status of the database; VSS_E_OBJECT_NOT_FOUND when it has none. */
static HRESULT status_of_database(IVssBackupComponents *b, VSS_WRITER_STATE *ret_state, UINT *ret_count) {
        IVssBackupComponentsEx3 *ex3 = NULL;
        HRESULT found = VSS_E_OBJECT_NOT_FOUND;

        RUN(b, GatherWriterStatus);
        CHECK(IVssBackupComponents_QueryInterface(b, &IID_IVssBackupComponentsEx3, (void **) &ex3));
        CHECK(IVssBackupComponents_GetWriterStatusCount(b, ret_count));
        for (UINT i = 0; i < *ret_count; ++i) {
                HRESULT failure, failure_ex;
                VSS_WRITER_STATE state;
                VSS_ID instance, id;
                BSTR name = NULL;

                CHECK(IVssBackupComponents_GetWriterStatus(b, i, &instance, &id, &name, &state, &failure));
                SysFreeString(name);
                CHECK(IVssBackupComponentsEx3_GetWriterStatusEx(ex3, i, &instance, &id, &name, ret_state,
                                                                &failure_ex, NULL, NULL));
                SysFreeString(name);
                assert_int_equal(failure, failure_ex);
                assert_int_equal(state, *ret_state);
                if (guid_equal(&id, &scene_database_id))
                        found = failure;
                if (guid_equal(&id, &scene_database_id))
                        break;
        }
        IVssBackupComponentsEx3_Release(ex3);
        return found;
}

static void test_that_a_backup_has_its_order_and_its_events(void **state) {
        IVssBackupComponents *b = begin_set(true, true);
        IVssBackupComponentsEx3 *ex3 = NULL;
        IVssWriterComponentsExt *writer = NULL;
        IVssComponent *component = NULL;
        VSS_SNAPSHOT_PROP prop;
        VSS_ID id, nobody;
        BSTR xml = NULL;
        LONG n = 0;

        scene_expect_so_far(scene, "Identify\n", "Identify\n");
        RULE("GatherWriterMetadata", "generates the Identify event");
        RUN(b, PrepareForBackup);
        scene_expect_so_far(scene, "PrepareBackup full selected: server\\db\n",
                            "PrepareBackup full selected\n");
        RULE("PrepareForBackup", "generates the PrepareForBackup event");
        RULE("SetBackupState", "in component mode");
        RUN(b, GatherWriterStatus);
        RUN(b, DoSnapshotSet);
        scene_expect_so_far(scene, "PrepareSnapshot\nFreeze\nThaw\nPostSnapshot: server\\db\n", "");
        RULE("PrepareForBackup", "get no event after PrepareForBackup");

        /* What the writer said of its component at PostSnapshot is in the document now. */
        CHECK(IVssBackupComponents_GetWriterComponents(b, 0, &writer));
        CHECK(IVssWriterComponents_GetComponent(&writer->components, 0, &component));
        assert_int_equal(IVssComponent_GetBackupStamp(component, &xml), S_OK);
        assert_true(wcscmp(xml, L"PostSnapshot") == 0);
        SysFreeString(xml);
        RULE("GetWriterComponents", "returns live document content");
        RULE("SaveAsXML", "until PostSnapshot handling ends");
        IVssComponent_Release(component);
        IVssWriterComponentsExt_Release(writer);

        CHECK(IVssBackupComponents_SetBackupSucceeded(b, instance_of(b, scene_database_id),
                                                      scene_database_id, VSS_CT_DATABASE, L"server", L"db",
                                                      true));
        RUN(b, BackupComplete);
        scene_expect_so_far(scene, "BackupComplete: server\\db=yes\n", "");
        RULE("BackupComplete", "generates the BackupComplete event");
        CHECK(IVssBackupComponents_SaveAsXML(b, &xml));
        assert_non_null(wcsstr(
                xml, L"backupStamp=\"PostSnapshot\"")); /* what it said at BackupComplete came too late */
        RULE("BackupComplete", "read-only for writers");
        RULE("PrepareForBackup", "writers may modify");
        SysFreeString(xml);
        RUN(b, GatherWriterStatus);
        RULE("*", "backup order (writer contexts)");

        CHECK(IVssBackupComponents_QueryInterface(b, &IID_IVssBackupComponentsEx3, (void **) &ex3));
        CHECK(IVssBackupComponentsEx3_GetSessionId(ex3, &id));
        nobody = scene_session_id(scene);
        assert_true(guid_equal(&id, &nobody));
        REACHES_RULE(IVssBackupComponentsEx3, "GetSessionId", "opaque id");
        IVssBackupComponentsEx3_Release(ex3);

        /* The end: the writer hears of it, and the shadow copy goes. */
        {
                IVssBackupComponents *other = begin();
                IVssEnumObject *list = NULL;
                VSS_OBJECT_PROP object;

                CHECK(IVssBackupComponents_SetContext(other, (LONG) VSS_CTX_ALL));
                CHECK(IVssBackupComponents_Query(other, GUID_NULL, VSS_OBJECT_NONE, VSS_OBJECT_SNAPSHOT,
                                                 &list));
                assert_int_equal(IVssEnumObject_Next(list, 1, &object, NULL), S_OK);
                IVssEnumObject_Release(list);
                id = object.Obj.Snap.m_SnapshotId;
                VssFreeSnapshotProperties(&object.Obj.Snap);
                release(b);
                scene_expect(scene, "BackupShutdown\n", "");
                EXPECT(IVssBackupComponents_DeleteSnapshots(other, id, VSS_OBJECT_SNAPSHOT, TRUE, &n,
                                                            &nobody),
                       VSS_E_OBJECT_NOT_FOUND);
                EXPECT(IVssBackupComponents_GetSnapshotProperties(other, id, &prop), VSS_E_OBJECT_NOT_FOUND);
                release(other);
        }
        RULE("Release", "ends the session");
}

static void test_that_without_components_all_writers_take_part(void **state) {
        IVssBackupComponents *b = begin_set(false, true); /* chosen, and of no account */

        RUN(b, PrepareForBackup);
        RUN(b, DoSnapshotSet);
        RUN(b, BackupComplete);
        release(b);
        scene_expect(
                scene,
                "Identify\nPrepareBackup full: server\\db\nPrepareSnapshot\nFreeze\nThaw\nPostSnapshot: server\\db\n"
                "BackupComplete: server\\db\nBackupShutdown\n",
                "Identify\nPrepareBackup full\nPrepareSnapshot\nFreeze\nThaw\nPostSnapshot\nBackupComplete\nBackupShutdown\n");
        RULE("AddComponent", "only meaningful in component mode");
}

static void test_that_giving_up_wakes_whom_it_concerns(void **state) {
        IVssBackupComponents *b = begin_set(true, true);

        /* Before PrepareForBackup there is nobody to be told. */
        CHECK(IVssBackupComponents_AbortBackup(b));
        release(b);
        scene_expect(scene, "Identify\n", "Identify\n");
        RULE("AbortBackup", "must be called if the operation ends");
        b = begin_set(true, true); /* the set is gone: another one may begin */

        RUN(b, PrepareForBackup);
        CHECK(IVssBackupComponents_AbortBackup(b));
        RULE("AbortBackup", "generates the Abort event");
        release(b);
        scene_expect(scene, "Identify\nPrepareBackup full selected: server\\db\nAbort\nBackupShutdown\n",
                     "Identify\nPrepareBackup full selected\n");
        RULE("AbortBackup", "whenever a backup is given up");
}

static void test_that_a_writer_fails_with_any_code_it_may(void **state) {
        static const struct {
                HRESULT hr;
                const char *symbol;
        } codes[] = {
                { VSS_E_WRITERERROR_INCONSISTENTSNAPSHOT, "VSS_E_WRITERERROR_INCONSISTENTSNAPSHOT" },
                { VSS_E_WRITERERROR_OUTOFRESOURCES, "VSS_E_WRITERERROR_OUTOFRESOURCES" },
                { VSS_E_WRITERERROR_TIMEOUT, "VSS_E_WRITERERROR_TIMEOUT" },
                { VSS_E_WRITERERROR_RETRYABLE, "VSS_E_WRITERERROR_RETRYABLE" },
                { VSS_E_WRITERERROR_NONRETRYABLE, "VSS_E_WRITERERROR_NONRETRYABLE" },
                { VSS_E_WRITERERROR_PARTIAL_FAILURE, "VSS_E_WRITERERROR_PARTIAL_FAILURE" },
        };
        VSS_WRITER_STATE writer_state;
        UINT n;

        for (size_t i = 0; i < ELEMENTSOF(codes); ++i) {
                IVssBackupComponents *b = begin_set(true, true);

                scene_fail(scene, "PrepareBackup", codes[i].hr);
                RUN(b, PrepareForBackup);
                EXPECT(status_of_database(b, &writer_state, &n), codes[i].hr);
                assert_int_equal(writer_state, VSS_WS_FAILED_AT_PREPARE_BACKUP);
                if (codes[i].hr != VSS_E_WRITERERROR_PARTIAL_FAILURE)
                        reference_reach_return("IVssBackupComponents", "GetWriterStatus", codes[i].symbol);
                reference_reach_return("IVssBackupComponentsEx3", "GetWriterStatusEx", codes[i].symbol);
                release(b);
        }
}

static void test_that_umbrad_says_what_a_writer_cannot(void **state) {
        VSS_WRITER_STATE writer_state;
        IVssBackupComponents *b;
        UINT n;

        b = begin_set(true, true);
        scene_end_database(scene);
        EXPECT(status_of_database(b, &writer_state, &n), VSS_E_WRITER_STATUS_NOT_AVAILABLE);
        assert_int_equal(writer_state, VSS_WS_UNKNOWN);
        REACHES_RETURN(IVssBackupComponents, GetWriterStatus, "VSS_E_WRITER_STATUS_NOT_AVAILABLE");
        REACHES_RETURN(IVssBackupComponentsEx3, GetWriterStatusEx, "VSS_E_WRITER_STATUS_NOT_AVAILABLE");
        release(b);
        scene = scene_close(scene);

        scene = scene_open();
        b = begin_set(true, true);
        RUN(b, PrepareForBackup);
        RUN(b, DoSnapshotSet);
        scene_end_database(scene);
        EXPECT(status_of_database(b, &writer_state, &n), VSS_E_WRITER_NOT_RESPONDING);
        assert_int_equal(writer_state, VSS_WS_FAILED_AT_BACKUP_COMPLETE);
        REACHES_RETURN(IVssBackupComponents, GetWriterStatus, "VSS_E_WRITER_NOT_RESPONDING");
        REACHES_RETURN(IVssBackupComponentsEx3, GetWriterStatusEx, "VSS_E_WRITER_NOT_RESPONDING");
        RULE("GetWriterStatus", "come from writers");
        release(b);
}

static void test_that_a_writer_that_does_not_say_who_it_is_is_not_there(void **state) {
        IVssBackupComponents *b = begin();
        VSS_WRITER_STATE writer_state;
        UINT n = 0;

        scene_fail(scene, "Identify", E_FAIL);
        RUN(b, GatherWriterMetadata);
        CHECK(IVssBackupComponents_GetWriterMetadataCount(b, &n));
        assert_int_equal(n, 1);
        RULE("GatherWriterMetadata", "writers that fail Identify");
        EXPECT(status_of_database(b, &writer_state, &n), VSS_E_OBJECT_NOT_FOUND);
        assert_int_equal(n, 1);
        RULE("GetWriterStatus", "covers only writers");
        release(b);
}

/* Each object asks for its own session. */
static void test_that_a_status_is_that_of_its_own_session(void **state) {
        IVssBackupComponents *b = begin_set(true, true), *other = begin();
        VSS_WRITER_STATE writer_state;
        UINT n = 0;

        RUN(other, GatherWriterMetadata);
        RUN(b, PrepareForBackup);
        RUN(b, DoSnapshotSet);
        EXPECT(status_of_database(b, &writer_state, &n), S_OK);
        assert_int_equal(writer_state, VSS_WS_WAITING_FOR_BACKUP_COMPLETE);
        EXPECT(status_of_database(other, &writer_state, &n), S_OK);
        assert_int_equal(writer_state, VSS_WS_STABLE);
        RULE("GatherWriterStatus", "only by the instance that runs");
        release(other);
        release(b);
}

typedef enum Choice { DISABLE, ENABLE, DISABLE_INSTANCE } Choice;

/* How many writers answer when those things were chosen, in this order. */
static UINT gathered(const Choice *choices, const VSS_ID *ids, size_t n_choices) {
        IVssBackupComponents *b = begin();
        UINT n = 0;

        for (size_t i = 0; i < n_choices; ++i)
                if (choices[i] == DISABLE)
                        CHECK(IVssBackupComponents_DisableWriterClasses(b, ids + i, 1));
                else if (choices[i] == ENABLE)
                        CHECK(IVssBackupComponents_EnableWriterClasses(b, ids + i, 1));
                else
                        CHECK(IVssBackupComponents_DisableWriterInstances(b, ids + i, 1));
        RUN(b, GatherWriterMetadata);

        /* From now on it has no effect, and is no error. */
        CHECK(IVssBackupComponents_DisableWriterClasses(b, &scene_files_id, 1));
        CHECK(IVssBackupComponents_EnableWriterClasses(b, &scene_fake_provider, 1));
        CHECK(IVssBackupComponents_DisableWriterInstances(b, &scene_fake_provider, 1));
        CHECK(IVssBackupComponents_GetWriterMetadataCount(b, &n));
        release(b);
        return n;
}

#define GATHERED(choices, ...) gathered((choices), (const VSS_ID[]){ __VA_ARGS__ }, ELEMENTSOF(choices))

static void test_that_writers_are_chosen_before_they_are_asked(void **state) {
        const VSS_ID db = scene_database_id, files = scene_files_id, second = scene_add_second(scene);

        assert_int_equal(gathered(NULL, NULL, 0), 3);
        RULE("EnableWriterClasses", "all writer classes are enabled by default");
        RULE("DisableWriterClasses", "otherwise no effect");
        RULE("EnableWriterClasses", "otherwise no effect");
        RULE("DisableWriterInstances", "otherwise no effect");
        assert_int_equal(GATHERED(((Choice[]){ DISABLE }), db), 1);
        RULE("DisableWriterClasses", "disables all its instances");
        assert_int_equal(GATHERED(((Choice[]){ DISABLE, DISABLE }), db, files), 0);
        RULE("DisableWriterClasses", "repeated calls accumulate");
        assert_int_equal(GATHERED(((Choice[]){ ENABLE }), files), 1);
        assert_int_equal(GATHERED(((Choice[]){ ENABLE, ENABLE }), files, db), 3);
        assert_int_equal(GATHERED(((Choice[]){ DISABLE, ENABLE }), files, files), 1);
        assert_int_equal(GATHERED(((Choice[]){ ENABLE, ENABLE, DISABLE }), files, db, db), 1);
        RULE("EnableWriterClasses", "the first call makes everything not listed disabled");
        assert_int_equal(GATHERED(((Choice[]){ DISABLE_INSTANCE }), second), 2);
        RULE("DisableWriterInstances", "other instances of the same class");
        RULE("DisableWriterInstances", "learnt from another");
        scene_drop_second(scene);
}

static BSTR backed_up(void) {
        IVssBackupComponents *b = begin_set(true, true);
        BSTR xml = NULL;

        RUN(b, PrepareForBackup);
        RUN(b, DoSnapshotSet);
        RUN(b, BackupComplete);
        CHECK(IVssBackupComponents_SaveAsXML(b, &xml));
        release(b);
        scene_expect(scene,
                     "Identify\nPrepareBackup full selected: server\\db\nPrepareSnapshot\nFreeze\nThaw\n"
                     "PostSnapshot: server\\db\nBackupComplete: server\\db\nBackupShutdown\n",
                     "Identify\nPrepareBackup full selected\n");
        return xml;
}

static void test_that_a_restore_has_its_order_and_its_events(void **state) {
        IVssBackupComponents *b = NULL;
        BSTR xml = backed_up();

        CHECK(CreateVssBackupComponents(&b));
        CHECK(IVssBackupComponents_InitializeForRestore(b, xml));
        CHECK(IVssBackupComponents_SetRestoreState(b, VSS_RTYPE_BY_COPY));
        RUN(b, GatherWriterMetadata);
        CHECK(IVssBackupComponents_SetSelectedForRestore(b, scene_database_id, VSS_CT_DATABASE, L"server",
                                                         L"db", true));
        RUN(b, PreRestore);
        scene_expect_so_far(scene, "Identify\nPreRestore: server\\db=selected\n", "Identify\n");
        RULE("PreRestore", "generates the PreRestore event");
        RULE("SetSelectedForRestore", "gets no restore event at all");
        RUN(b, GatherWriterStatus);
        CHECK(IVssBackupComponents_SetFileRestoreStatus(b, scene_database_id, VSS_CT_DATABASE, L"server",
                                                        L"db", VSS_RS_ALL));
        RUN(b, PostRestore);
        scene_expect_so_far(scene, "PostRestore: server\\db=all\n", "");
        RULE("PostRestore", "generates the PostRestore event");
        RUN(b, GatherWriterStatus);
        RULE("*", "restore order");
        release(b);

        /* PostRestore() has ended when the writers are done, so there is nothing to keep the object for. */
        scene_expect_so_far(scene, "", "");
        RULE("Release", "keep the object until the writers are done");
        SysFreeString(xml);
}

/* One that was started again is another instance, of which nobody asked who it is. */
static void test_that_a_writer_started_again_in_a_restore_hears_no_more_of_it(void **state) {
        IVssBackupComponents *b = NULL;
        BSTR xml = backed_up();

        CHECK(CreateVssBackupComponents(&b));
        CHECK(IVssBackupComponents_InitializeForRestore(b, xml));
        RUN(b, GatherWriterMetadata);
        CHECK(IVssBackupComponents_SetSelectedForRestore(b, scene_database_id, VSS_CT_DATABASE, L"server",
                                                         L"db", true));
        RUN(b, PreRestore);
        scene_expect_so_far(scene, "Identify\nPreRestore: server\\db=selected\n", "Identify\n");
        scene_restart_database(scene);
        CHECK(IVssBackupComponents_SetFileRestoreStatus(b, scene_database_id, VSS_CT_DATABASE, L"server",
                                                        L"db", VSS_RS_ALL));
        RUN(b, PostRestore);
        scene_expect_so_far(scene, "", "");
        RULE("PostRestore", "stopped and restarted");
        release(b);
        SysFreeString(xml);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_that_a_backup_has_its_order_and_its_events),
                TEST(test_that_without_components_all_writers_take_part),
                TEST(test_that_giving_up_wakes_whom_it_concerns),
                TEST(test_that_a_writer_fails_with_any_code_it_may),
                TEST(test_that_umbrad_says_what_a_writer_cannot),
                TEST(test_that_a_writer_that_does_not_say_who_it_is_is_not_there),
                TEST(test_that_a_status_is_that_of_its_own_session),
                TEST(test_that_writers_are_chosen_before_they_are_asked),
                TEST(test_that_a_restore_has_its_order_and_its_events),
                TEST(test_that_a_writer_started_again_in_a_restore_hears_no_more_of_it),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
