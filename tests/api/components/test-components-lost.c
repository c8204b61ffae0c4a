/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * An umbrad that is not there, does not want to, or goes away in the middle.
 */

#include <string.h>
#include <umbra.h>
#include <vsbackup.h>

#include "api/stages.h"

static void test_that_nobody_listening_is_told_with_what_to_do(void **state) {
        IVssBackupComponents *backup = (void *) 1;
        char *json = (void *) 1;

        assert_int_equal(umbra_set_socket("/nonexistent/umbra.sock"), S_OK);
        assert_int_equal(CreateVssBackupComponents(&backup), VSS_E_UNEXPECTED);
        assert_null(backup);
        assert_string_equal(umbra_last_error(),
                            "umbrad does not listen on '/nonexistent/umbra.sock': start it with "
                            "`systemctl start umbrad.socket` or set UMBRA_SOCKET.");
        assert_int_equal(umbra_get_status(&json), VSS_E_UNEXPECTED);
        assert_null(json);
        assert_int_equal(umbra_set_socket(NULL), S_OK);
}

static void test_that_strangers_are_refused(void **state) {
        IVssBackupComponents *backup = (void *) 1;

        fake_umbrad_set(stage_umbrad, "OpenSession", FAKE_FAILS, E_ACCESSDENIED);
        assert_int_equal(CreateVssBackupComponents(&backup), E_ACCESSDENIED);
        assert_null(backup);
        assert_string_equal(umbra_last_error(), "told to fail");
}

static void test_that_an_umbrad_of_another_kind_is_told(void **state) {
        IVssBackupComponents *backup = (void *) 1;

        fake_umbrad_set(stage_umbrad, "OpenSession", FAKE_TALKS, S_OK);
        assert_int_equal(CreateVssBackupComponents(&backup), VSS_E_UNEXPECTED);
        fake_umbrad_set(stage_umbrad, "OpenSession", FAKE_GOES, S_OK);
        assert_int_equal(CreateVssBackupComponents(&backup), VSS_E_UNEXPECTED);
        assert_int_equal(CreateVssBackupComponents(NULL), E_INVALIDARG);
}

static void test_that_a_lost_umbrad_ends_everything_in_order(void **state) {
        IVssBackupComponentsEx4 *b = stage_new(STAGE_PREPARED, DAMAGE_NONE);
        BSTR xml = NULL;
        VSS_ID id;

        fake_umbrad_set(stage_umbrad, "BackupComplete", FAKE_GOES, S_OK);
        assert_int_equal(STAGE_RUN(b, BackupComplete), VSS_E_UNEXPECTED);
        assert_non_null(strstr(umbra_last_error(), "connection to umbrad was lost"));

        assert_int_equal(STAGE_RUN(b, GatherWriterStatus), VSS_E_UNEXPECTED);
        assert_non_null(strstr(umbra_last_error(), "cannot be resumed"));
        assert_int_equal(IVssBackupComponents_AbortBackup(b), VSS_E_UNEXPECTED);
        assert_int_equal(IVssBackupComponents_DeleteSnapshots(b, stage_instance, VSS_OBJECT_SNAPSHOT, TRUE,
                                                              &(LONG){ 0 }, &id),
                         VSS_E_UNEXPECTED);

        /* What the library does by itself still works. */
        assert_int_equal(IVssBackupComponents_SaveAsXML(b, &xml), S_OK);
        SysFreeString(xml);
        stage_release(b);
}

/* A document that looks complete and is not would be found out years later. */
static void test_that_what_writers_said_is_missed_when_it_is_lost(void **state) {
        IVssBackupComponentsEx4 *b = stage_new(STAGE_PREPARED, DAMAGE_NONE);
        BSTR xml = NULL;

        fake_umbrad_set(stage_umbrad, "DoSnapshotSet", FAKE_GOES, S_OK);
        assert_int_equal(STAGE_RUN(b, DoSnapshotSet), VSS_E_UNEXPECTED);
        assert_int_equal(IVssBackupComponents_SaveAsXML(b, &xml), VSS_E_UNEXPECTED);
        assert_null(xml);
        assert_non_null(strstr(umbra_last_error(), "DoSnapshotSet()"));
        stage_release(b);
}

static void test_that_access_that_is_taken_away_is_no_crash(void **state) {
        IVssBackupComponentsEx4 *b = stage_new(STAGE_PREPARED, DAMAGE_NONE),
                                *waiting = stage_new(STAGE_PREPARED, DAMAGE_NONE);
        IVssAsync *async;
        BSTR xml = NULL;
        VSS_ID id;

        fake_umbrad_set(stage_umbrad, "BackupComplete", FAKE_NEVER, S_OK);
        async = STAGE_BEGIN(waiting, BackupComplete);
        fake_umbrad_end_connections(stage_umbrad, true);

        assert_int_equal(IVssAsync_Wait(async, INFINITE), E_ACCESSDENIED);
        assert_int_equal(stage_status(async), E_ACCESSDENIED);
        IVssAsync_Release(async);
        assert_int_equal(STAGE_RUN(b, GatherWriterStatus), E_ACCESSDENIED);
        assert_non_null(strstr(umbra_last_error(), "umbra.conf"));
        assert_int_equal(IVssBackupComponents_AbortBackup(b), E_ACCESSDENIED);
        assert_int_equal(IVssBackupComponents_DeleteSnapshots(b, stage_instance, VSS_OBJECT_SNAPSHOT, TRUE,
                                                              &(LONG){ 0 }, &id),
                         E_ACCESSDENIED);
        assert_int_equal(IVssBackupComponents_SaveAsXML(b, &xml), S_OK);
        SysFreeString(xml);
        stage_release(b);
        stage_release(waiting);
}

static void test_that_a_lost_umbrad_while_gathering_is_its_own_code(void **state) {
        IVssBackupComponentsEx4 *b = stage_new(STAGE_NEW, DAMAGE_NONE);

        fake_umbrad_set(stage_umbrad, "GatherWriterMetadata", FAKE_GOES, S_OK);
        assert_int_equal(IVssBackupComponents_InitializeForBackup(b, NULL), S_OK);
        assert_int_equal(STAGE_RUN(b, GatherWriterMetadata), VSS_E_WRITER_INFRASTRUCTURE);
        stage_release(b);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                STAGE_TEST(test_that_nobody_listening_is_told_with_what_to_do),
                STAGE_TEST(test_that_strangers_are_refused),
                STAGE_TEST(test_that_an_umbrad_of_another_kind_is_told),
                STAGE_TEST(test_that_a_lost_umbrad_ends_everything_in_order),
                STAGE_TEST(test_that_what_writers_said_is_missed_when_it_is_lost),
                STAGE_TEST(test_that_access_that_is_taken_away_is_no_crash),
                STAGE_TEST(test_that_a_lost_umbrad_while_gathering_is_its_own_code),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
