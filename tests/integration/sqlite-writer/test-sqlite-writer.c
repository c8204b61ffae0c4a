/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * umbra-writer-sqlite, seen by a requester: what it holds and when, what it says when it cannot, and what it
 * does about a restore. What a hold is worth is another test: unit/writers/test-sqlite-copy.c.
 */

#include <errno.h>
#include <oleauto.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <umbra.h>
#include <unistd.h>
#include <vsbackup.h>
#include <wchar.h>

#include "api/writer/backup.h"
#include "base/alloc.h"
#include "base/bstr.h"
#include "base/fd-util.h"
#include "base/process-util.h"
#include "base/utf.h"
#include "phases/world.h"
#include "unit/writers/sqlite-fixture.h"

/* As in umbra-writer-sqlite(8): it never changes. */
static const VSS_ID sqlite_id = {
        0x76ac07cd,
        0x8f51,
        0x4d2f,
        { 0x8a, 0x6c, 0x0a, 0x7a, 0x3e, 0x6f, 0xd4, 0xd2 },
};

static const char *program_path_;

typedef struct Stage {
        World *world;
        pid_t pid; /* the writer */
        int pidfd;
} Stage;

static bool writer_is_there(void *arg) {
        Backup *b = backup_new();
        bool there = backup_gather(b) == S_OK && backup_writer_count(b) == 1;

        backup_free(b);
        return there;
}

static void start_writer(Stage *s) {
        _cleanup_(freep) char *config = path_in(s->world->dir, "sqlite.conf");
        const char *const argv[] = { "umbra-writer-sqlite", "--config", config, "--socket",
                                     s->world->socket,      NULL };
        const SpawnOptions options = {
                .path = program_path_,
                .argv = (char *const *) (uintptr_t) argv,
                .die_with_parent = true,
        };

        assert_int_equal(process_spawn(&options, &s->pid, &s->pidfd), 0);
        assert_true(eventually(writer_is_there, NULL, TEST_PATIENCE_USEC));
}

static void stop_writer(Stage *s) {
        int status = -1;

        assert_int_equal(kill(s->pid, SIGTERM), 0);
        assert_true(eventually_readable(s->pidfd, TEST_PATIENCE_USEC));
        assert_int_equal(process_reap(s->pidfd, &status), 0);
        assert_int_equal(status, 0);
        s->pidfd = fd_close(s->pidfd);
}

/* An umbrad, and the writer for the databases of its volume, which waits so long for one that is busy. */
static Stage stage_new_waiting(unsigned busy_msec) {
        Stage s = { .world = world_new(), .pidfd = -EBADF };
        _cleanup_(freep) char *text = NULL;

        assert_int_equal(
                format_to(&text,
                          "[sqlite]\ndatabase = %s/*.db\nexclude = %s/cache-*\nbusy_timeout_ms = %u\n",
                          s.world->volume, s.world->volume, busy_msec),
                0);
        write_file(s.world->dir, "sqlite.conf", text);
        start_writer(&s);
        return s;
}

static Stage stage_new(void) {
        return stage_new_waiting(200);
}

static void stage_free(Stage *s) {
        stop_writer(s);
        world_assert_clean(s->world);
        world_free(s->world);
}

/* Each component of the writer; NULL selects all, else that one. */
static unsigned select_databases(Backup *b, const wchar_t *only) {
        IVssExamineWriterMetadata *metadata = NULL;
        UINT n_include, n_exclude, n = 0;
        unsigned selected = 0;
        VSS_ID instance;

        assert_int_equal(IVssBackupComponents_GetWriterMetadata(b->api, 0, &instance, &metadata), S_OK);
        assert_int_equal(IVssExamineWriterMetadata_GetFileCounts(metadata, &n_include, &n_exclude, &n),
                         S_OK);
        for (UINT i = 0; i < n; ++i) {
                IVssWMComponent *component = NULL;
                PVSSCOMPONENTINFO info = NULL;

                assert_int_equal(IVssExamineWriterMetadata_GetComponent(metadata, i, &component), S_OK);
                assert_int_equal(IVssWMComponent_GetComponentInfo(component, &info), S_OK);
                if (!only || wcscmp(info->bstrComponentName, only) == 0) {
                        assert_int_equal(info->type, VSS_CT_DATABASE);
                        assert_int_equal(IVssBackupComponents_AddComponent(b->api, instance, sqlite_id,
                                                                           info->type, info->bstrLogicalPath,
                                                                           info->bstrComponentName),
                                         S_OK);
                        ++selected;
                }
                assert_int_equal(IVssWMComponent_FreeComponentInfo(component, info), S_OK);
                IVssWMComponent_Release(component);
        }
        IVssExamineWriterMetadata_Release(metadata);
        return selected;
}

/* backup_select() wants a component "data" of every writer, so what the databases are on is added here. */
static void add_volume(Backup *b, const World *world) {
        static const VSS_ID fake_provider = {
                0x9d3f1a52,
                0x6b1e,
                0x4c7a,
                { 0x8e, 0x21, 0x5f, 0x0c, 0x77, 0x1b, 0x2d, 0x0f },
        };
        _cleanup_(freep) WCHAR *volume = NULL;

        assert_int_equal(IVssBackupComponents_StartSnapshotSet(b->api, &b->set), S_OK);
        assert_int_equal(wide_from_utf8(world->volume, &volume), 0);
        assert_int_equal(IVssBackupComponents_AddToSnapshotSet(b->api, volume, fake_provider, &b->snapshot),
                         S_OK);
}

/* A backup of @n databases, @only that one or all, up to PrepareForBackup. */
static Backup *begin(const Stage *s, unsigned n, const wchar_t *only) {
        Backup *b = backup_new();

        assert_int_equal(backup_gather(b), S_OK);
        assert_int_equal(select_databases(b, only), n);
        add_volume(b, s->world);
        return b;
}

static void assert_status_has(Backup *b, const char *state, const char *needle) {
        _cleanup_(freep) char *status = backup_status(b, L"SQLite");

        assert_non_null(status);
        if (strncmp(status, state, strlen(state)) != 0 || !strstr(status, needle))
                fail_msg("the writer's status is '%s', without '%s' or '%s'", status, state, needle);
}

static IVssAsync *create_begin(Backup *b) {
        IVssAsync *async = NULL;

        assert_int_equal(IVssBackupComponents_DoSnapshotSet(b->api, &async), S_OK);
        return async;
}

#define FROZEN "\"writer\":\"SQLite\""

static void test_that_a_selected_database_is_held_and_noted(void **state) {
        Stage s = stage_new();
        _cleanup_(freep) char *a = database_make(s.world->volume, "a.db", "wal");
        _cleanup_(freep) char *b = database_make(s.world->volume, "b.db", "delete");
        IVssComponent *component;
        Backup *backup;
        IVssAsync *async;
        BSTR stamp = NULL;

        /* Not held by umbra, too: who wants to write would wait for that instead of being told. */
        world_script(s.world, "flags = forbids-hold\ncommit = linger\n");
        backup = begin(&s, 1, L"a.db");
        assert_int_equal(backup_prepare(backup), S_OK);
        async = create_begin(backup);
        world_await_status(s.world, FROZEN);
        assert_int_equal(worker_run("write", a, NULL, NULL), SQLITE_BUSY);
        assert_int_equal(worker_run("read", a, NULL, NULL), 0);
        assert_int_equal(worker_run("write", b, NULL, NULL), 0);
        world_script(s.world, NULL);
        assert_int_equal(settle(S_OK, async), S_OK);

        assert_int_equal(worker_run("write", a, NULL, NULL), 0);
        component = backup_component(backup, L"SQLite");
        assert_int_equal(IVssComponent_GetBackupMetadata(component, &stamp), S_OK);
        assert_int_equal(wcsncmp(stamp, L"page_count=", 11), 0);
        assert_non_null(wcsstr(stamp, L"journal_mode=wal"));
        SysFreeString(stamp);
        IVssComponent_Release(component);

        assert_int_equal(backup_complete(backup), S_OK);
        assert_status_has(backup, "STABLE S_OK", "");
        backup_free(backup);
        stage_free(&s);
}

/* With the file system held as well, where there is one; and writers at work. */
static void test_that_busy_databases_are_saved_and_go_on(void **state) {
        Stage s = stage_new_waiting(50000); /* the workers are the faster the slower everything else is */
        _cleanup_(freep) char *a = database_make(s.world->volume, "a.db", "wal");
        _cleanup_(freep) char *b = database_make(s.world->volume, "b.db", "persist");
        Worker workers[3] = { 0 };

        worker_counter_reset();
        worker_start(&workers[0], "write-forever", a, NULL);
        worker_start(&workers[1], "write-forever", b, NULL);
        worker_start(&workers[2], "read-forever", a, NULL);
        for (unsigned round = 0; round < 3; ++round) {
                Backup *backup = begin(&s, 2, NULL);

                assert_int_equal(backup_prepare(backup), S_OK);
                assert_int_equal(backup_create(backup), S_OK);
                assert_int_equal(backup_complete(backup), S_OK);
                backup_free(backup);
        }
        for (size_t i = 0; i < ELEMENTSOF(workers); ++i)
                worker_stop(&workers[i]);
        stage_free(&s);
}

static void test_that_volumes_without_components_hold_what_is_on_them(void **state) {
        Stage s = stage_new();
        _cleanup_(freep) char *a = database_make(s.world->volume, "a.db", "delete");
        Backup *backup = backup_new_in(VSS_CTX_BACKUP, false);
        IVssAsync *async;

        world_script(s.world, "flags = forbids-hold\ncommit = linger\n");
        assert_int_equal(backup_gather(backup), S_OK);
        add_volume(backup, s.world);
        assert_int_equal(backup_prepare(backup), S_OK);
        async = create_begin(backup);
        world_await_status(s.world, FROZEN);
        assert_int_equal(worker_run("write", a, NULL, NULL), SQLITE_BUSY);
        world_script(s.world, NULL);
        assert_int_equal(settle(S_OK, async), S_OK);
        assert_int_equal(worker_run("write", a, NULL, NULL), 0);
        backup_free(backup);
        stage_free(&s);
}

static void test_that_new_databases_are_found_by_the_next_backup(void **state) {
        Stage s = stage_new();
        Backup *backup = backup_new();
        _cleanup_(freep) char *a = NULL;

        write_file(s.world->volume, "cache-a.db", ""); /* excluded */
        assert_int_equal(backup_gather(backup), S_OK);
        assert_int_equal(select_databases(backup, NULL), 0);
        backup_free(backup);

        a = database_make(s.world->volume, "a.db", "wal");
        backup = begin(&s, 1, NULL);
        backup_free(backup);
        stage_free(&s);
}

static void test_that_a_database_that_stays_busy_fails_the_freeze_and_is_named(void **state) {
        Stage s = stage_new();
        _cleanup_(freep) char *a = database_make(s.world->volume, "a.db", "wal");
        _cleanup_(freep) char *b = database_make(s.world->volume, "b.db", "wal"), *process = NULL;
        Backup *backup = begin(&s, 2, NULL);
        Worker writer = { 0 };

        worker_start(&writer, "stay-writing", b, NULL);
        assert_int_equal(backup_prepare(backup), S_OK);
        assert_int_equal(backup_create(backup), VSS_E_UNEXPECTED_WRITER_ERROR);
        assert_status_has(backup, "FAILED_AT_FREEZE VSS_E_WRITERERROR_RETRYABLE", b);
        assert_int_equal(format_to(&process, "process %d (sqlite-worker)", (int) writer.pid), 0);
        assert_status_has(backup, "FAILED_AT_FREEZE", process);
        assert_int_equal(worker_run("write", a, NULL, NULL), 0); /* nothing stays held */
        backup_free(backup);
        worker_stop(&writer);

        backup = begin(&s, 2, NULL);
        assert_int_equal(backup_prepare(backup), S_OK);
        assert_int_equal(backup_create(backup), S_OK);
        backup_free(backup);
        stage_free(&s);
}

static char *failure_of_component(Backup *b, HRESULT expected) {
        IVssComponent *component = backup_component(b, L"SQLite");
        IVssComponentEx2 *ex = NULL;
        HRESULT hr, application;
        BSTR message = NULL;
        char *text = NULL;
        DWORD reserved;

        assert_int_equal(IVssComponent_QueryInterface(component, &IID_IVssComponentEx2, (void **) &ex),
                         S_OK);
        assert_int_equal(IVssComponentEx2_GetFailure(ex, &hr, &application, &message, &reserved), S_OK);
        assert_int_equal(hr, expected);
        assert_int_equal(utf8_from_bstr(message, &text), 0);
        SysFreeString(message);
        IVssComponentEx2_Release(ex);
        IVssComponent_Release(component);
        return text;
}

static void test_that_a_file_that_is_no_database_fails_the_preparation_and_is_named(void **state) {
        Stage s = stage_new();
        _cleanup_(freep) char *a = path_in(s.world->volume, "a.db"), *why = NULL;
        Backup *backup;

        write_file(s.world->volume, "a.db",
                   "Not a database, although its name says so. Long enough to have a header of "
                   "one hundred bytes, if it were one.");
        backup = begin(&s, 1, NULL);
        (void) backup_prepare(backup);
        assert_status_has(backup, "FAILED_AT_PREPARE_BACKUP VSS_E_WRITERERROR_PARTIAL_FAILURE", a);
        why = failure_of_component(backup, VSS_E_WRITERERROR_NONRETRYABLE);
        assert_non_null(strstr(why, a));
        backup_free(backup);
        stage_free(&s);
}

static void test_that_databases_go_on_when_umbrad_dies(void **state) {
        Stage s = stage_new();
        _cleanup_(freep) char *a = database_make(s.world->volume, "a.db", "wal");
        Backup *backup = begin(&s, 1, NULL);
        IVssAsync *async;

        world_script(s.world, "flags = forbids-hold\ncommit = hang\n");
        assert_int_equal(backup_prepare(backup), S_OK);
        async = create_begin(backup);
        world_await_status(s.world, FROZEN);
        world_kill_umbrad(s.world);
        assert_true(FAILED(settle(S_OK, async)));
        backup_free(backup);
        run_sql(a, "INSERT INTO entries (filler) VALUES ('after')"); /* waits for a while, as programs do */

        /* And it comes back by itself. */
        world_script(s.world, NULL);
        world_start_umbrad(s.world);
        assert_true(eventually(writer_is_there, NULL, TEST_PATIENCE_USEC));
        stage_free(&s);
}

static void test_that_databases_go_on_when_the_writer_is_stopped(void **state) {
        Stage s = stage_new();
        _cleanup_(freep) char *a = database_make(s.world->volume, "a.db", "delete");
        Backup *backup;
        IVssAsync *async;

        world_script(s.world, "flags = forbids-hold\ncommit = linger\n");
        backup = begin(&s, 1, NULL);
        assert_int_equal(backup_prepare(backup), S_OK);
        async = create_begin(backup);
        world_await_status(s.world, FROZEN);
        stop_writer(&s);
        assert_int_equal(worker_run("write", a, NULL, NULL), 0);
        world_script(s.world, NULL);
        assert_true(FAILED(settle(S_OK, async)));
        backup_free(backup);

        world_script(s.world, NULL);
        start_writer(&s);
        stage_free(&s);
}

/* Restore */

/* A backup of the only database; its document. */
static BSTR save(const Stage *s) {
        Backup *b = begin(s, 1, NULL);
        BSTR document;

        assert_int_equal(backup_prepare(b), S_OK);
        assert_int_equal(backup_create(b), S_OK);
        document = backup_document(b);
        assert_int_equal(backup_complete(b), S_OK);
        backup_free(b);
        return document;
}

/* A restore of it, up to the end of PreRestore. */
static Backup *restore_begin(const Stage *s, BSTR document) {
        _cleanup_(freep) WCHAR *directory = NULL;
        Backup *b = backup_new_for_restore(document);
        IVssAsync *async = NULL;
        HRESULT hr;

        assert_int_equal(wide_from_utf8(s->world->volume, &directory), 0);
        assert_int_equal(IVssBackupComponents_SetRestoreState(b->api, VSS_RTYPE_BY_COPY), S_OK);
        assert_int_equal(backup_gather(b), S_OK);
        assert_int_equal(IVssBackupComponents_SetSelectedForRestore(b->api, sqlite_id, VSS_CT_DATABASE,
                                                                    directory, L"a.db", true),
                         S_OK);
        hr = IVssBackupComponents_PreRestore(b->api, &async);
        (void) settle(hr, async);
        return b;
}

static void restore_end(const Stage *s, Backup *b) {
        _cleanup_(freep) WCHAR *directory = NULL;
        IVssAsync *async = NULL;
        HRESULT hr;

        assert_int_equal(wide_from_utf8(s->world->volume, &directory), 0);
        assert_int_equal(IVssBackupComponents_SetFileRestoreStatus(b->api, sqlite_id, VSS_CT_DATABASE,
                                                                   directory, L"a.db", VSS_RS_ALL),
                         S_OK);
        hr = IVssBackupComponents_PostRestore(b->api, &async);
        (void) settle(hr, async);
}

static void test_that_a_database_in_use_is_not_restored(void **state) {
        Stage s = stage_new();
        _cleanup_(freep) char *a = database_make(s.world->volume, "a.db", "delete"), *process = NULL,
                              *why = NULL;
        BSTR document = save(&s), message = NULL;
        IVssComponent *component;
        Worker user = { 0 };
        Backup *b;

        worker_start(&user, "stay-open", a, NULL);
        b = restore_begin(&s, document);
        assert_int_equal(format_to(&process, "process %d (sqlite-worker)", (int) user.pid), 0);
        assert_status_has(b, "FAILED_AT_PRE_RESTORE VSS_E_WRITERERROR_PARTIAL_FAILURE", process);
        component = backup_component(b, L"SQLite");
        assert_int_equal(IVssComponent_GetPreRestoreFailureMsg(component, &message), S_OK);
        assert_int_equal(utf8_from_bstr(message, &why), 0);
        assert_non_null(strstr(why, process));
        SysFreeString(message);
        IVssComponent_Release(component);
        backup_free(b);
        worker_stop(&user);

        b = restore_begin(&s, document);
        assert_status_has(b, "STABLE S_OK", "");
        backup_free(b);
        SysFreeString(document);
        stage_free(&s);
}

static void test_that_nothing_of_the_old_database_stays_beside_the_new_one(void **state) {
        Stage s = stage_new();
        _cleanup_(freep) char *a = database_make(s.world->volume, "a.db", "wal");
        BSTR document = save(&s);
        Backup *b;

        assert_int_equal(unlink(a), 0);
        write_file(s.world->volume, "a.db-wal", "frames of a database that is gone");
        b = restore_begin(&s, document);
        assert_status_has(b, "STABLE S_OK", "");
        assert_false(file_exists(s.world->volume, "a.db-wal"));
        assert_true(file_exists(s.world->volume, "a.db-wal.before-restore"));
        backup_free(b);
        SysFreeString(document);
        stage_free(&s);
}

static void test_that_what_was_restored_is_verified(void **state) {
        static const struct {
                const char *sql; /* what it is like after it was "restored" */
                const char *state, *needle;
        } cases[] = {
                { "SELECT 1", "STABLE S_OK", "" },
                { "CREATE TABLE other (a)", "FAILED_AT_POST_RESTORE", "not what was saved" },
                { "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET rootpage = 3 WHERE rootpage = 2",
                  "FAILED_AT_POST_RESTORE", "a.db" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                Stage s = stage_new();
                _cleanup_(freep) char *a = database_make(s.world->volume, "a.db", "wal");
                BSTR document = save(&s);
                Backup *b = restore_begin(&s, document);

                assert_status_has(b, "STABLE S_OK", "");
                run_sql(a, cases[i].sql);
                restore_end(&s, b);
                assert_status_has(b, cases[i].state, cases[i].needle);
                backup_free(b);
                SysFreeString(document);
                stage_free(&s);
        }
}

int main(int argc, char *argv[]) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_that_a_selected_database_is_held_and_noted),
                cmocka_unit_test(test_that_busy_databases_are_saved_and_go_on),
                cmocka_unit_test(test_that_volumes_without_components_hold_what_is_on_them),
                cmocka_unit_test(test_that_new_databases_are_found_by_the_next_backup),
                cmocka_unit_test(test_that_a_database_that_stays_busy_fails_the_freeze_and_is_named),
                cmocka_unit_test(test_that_a_file_that_is_no_database_fails_the_preparation_and_is_named),
                cmocka_unit_test(test_that_databases_go_on_when_umbrad_dies),
                cmocka_unit_test(test_that_databases_go_on_when_the_writer_is_stopped),
                cmocka_unit_test(test_that_a_database_in_use_is_not_restored),
                cmocka_unit_test(test_that_nothing_of_the_old_database_stays_beside_the_new_one),
                cmocka_unit_test(test_that_what_was_restored_is_verified),
        };

        assert(argc == 3);
        worker_path = argv[1];
        program_path_ = argv[2];
        return cmocka_run_group_tests(tests, NULL, NULL);
}
