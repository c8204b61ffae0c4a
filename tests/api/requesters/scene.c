/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The Scene for a Requester
 */

#include "api/requesters/scene.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <umbra-writer.h>
#include <umbra.h>
#include <unistd.h>
#include <wchar.h>

#include "api/fixture.h"
#include "base/alloc.h"
#include "base/guid.h"
#include "base/hresult.h"
#include "base/utf.h"
#include "lib/test-util.h"

const VSS_ID scene_database_id = { 0xD0, 1, 1, { 0x80, 1, 1, 1, 1, 1, 1, 1 } };
const VSS_ID scene_files_id = { 0xF0, 1, 1, { 0x80, 1, 1, 1, 1, 1, 1, 1 } };
const VSS_ID scene_fake_provider = { 0x9d3f1a52,
                                     0x6b1e,
                                     0x4c7a,
                                     { 0x8e, 0x21, 0x5f, 0x0c, 0x77, 0x1b, 0x2d, 0x0f } };

typedef struct SceneWriter {
        const char *volume;
        UmbraWriter *writer;
        bool is_database;

        pthread_mutex_t lock;
        char *heard; /* a line per event */
        const char *failing;
        HRESULT failure;
        VSS_ID session_id;
} SceneWriter;

static void say(SceneWriter *w, const char *line) {
        char *longer = NULL;

        pthread_mutex_lock(&w->lock);
        assert_int_equal(format_to(&longer, "%s%s\n", w->heard, line), 0);
        free(w->heard);
        w->heard = longer;
        pthread_mutex_unlock(&w->lock);
}

static bool heard(SceneWriter *w, const char *line) {
        bool ok;

        say(w, line);
        pthread_mutex_lock(&w->lock);
        ok = !w->failing || strncmp(line, w->failing, strlen(w->failing)) != 0;
        (void) umbra_writer_get_session_id(w->writer, &w->session_id);
        pthread_mutex_unlock(&w->lock);
        if (!ok && strcmp(line, "Identify") != 0)
                (void) umbra_writer_set_failure(w->writer, w->failure);
        return ok;
}

/* What a component says of itself that is worth knowing at this event. */
static const char *component_fact(IVssComponent *c, const char *event) {
        VSS_FILE_RESTORE_STATUS status;
        bool flag = false;

        if (strncmp(event, "BackupComplete", 14) == 0)
                return IVssComponent_GetBackupSucceeded(c, &flag) != S_OK ? "" : flag ? "=yes" : "=no";
        if (strncmp(event, "PreRestore", 10) == 0)
                return IVssComponent_IsSelectedForRestore(c, &flag) == S_OK && flag ? "=selected" : "";
        if (strncmp(event, "PostRestore", 11) == 0 && IVssComponent_GetFileRestoreStatus(c, &status) == S_OK)
                return status == VSS_RS_ALL ? "=all" : status == VSS_RS_FAILED ? "=some" : "=none";
        return "";
}

/* The name of the event becomes the backup stamp, where a writer may say one. */
static void stamp(IVssComponent *c, const char *event) {
        if (strncmp(event, "PrepareBackup", 13) == 0)
                (void) IVssComponent_SetBackupStamp(c, L"PrepareBackup");
        else if (strcmp(event, "PostSnapshot") == 0)
                (void) IVssComponent_SetBackupStamp(c, L"PostSnapshot");
        else if (strcmp(event, "BackupComplete") == 0)
                (void) IVssComponent_SetBackupStamp(c, L"BackupComplete");
}

/* "EVENT: path\name=fact other" */
static bool heard_about(SceneWriter *w, const char *event, IVssWriterComponents *components) {
        _cleanup_(freep) char *line = NULL;
        UINT n = 0;

        assert_int_equal(strdup_to(event, &line), 0);
        assert_int_equal(IVssWriterComponents_GetComponentCount(components, &n), S_OK);
        for (UINT i = 0; i < n; ++i) {
                _cleanup_(freep) char *path = NULL, *name = NULL;
                BSTR wide_path = NULL, wide_name = NULL;
                char *longer = NULL;
                IVssComponent *c;

                assert_int_equal(IVssWriterComponents_GetComponent(components, i, &c), S_OK);
                (void) IVssComponent_GetLogicalPath(c, &wide_path);
                assert_int_equal(IVssComponent_GetComponentName(c, &wide_name), S_OK);
                assert_int_equal(utf8_from_wide(wide_path ?: L"", &path), 0);
                assert_int_equal(utf8_from_wide(wide_name, &name), 0);
                stamp(c, event);
                assert_int_equal(format_to(&longer, "%s%s%s%s%s%s", line, i == 0 ? ": " : " ", path,
                                           *path ? "\\" : "", name, component_fact(c, event)),
                                 0);
                free(line);
                line = longer;
                SysFreeString(wide_path);
                SysFreeString(wide_name);
                IVssComponent_Release(c);
        }
        return heard(w, line);
}

static bool identify_database(IVssCreateWriterMetadataEx *m, LPCWSTR data, LPCWSTR index) {
        return SUCCEEDED(IVssCreateWriterMetadataEx_AddComponent(m, VSS_CT_DATABASE, L"server", L"db",
                                                                 L"The database", NULL, 0, true, true, true,
                                                                 true, 0)) &&
               SUCCEEDED(IVssCreateWriterMetadataEx_AddDatabaseFiles(m, L"server", L"db", data, L"*.db",
                                                                     0xF0F)) &&
               SUCCEEDED(IVssCreateWriterMetadataEx_AddDatabaseLogFiles(m, L"server", L"db", data, L"*.log",
                                                                        0xF0F)) &&
               SUCCEEDED(IVssCreateWriterMetadataEx_AddComponent(m, VSS_CT_DATABASE, L"server\\db", L"index",
                                                                 NULL, NULL, 0, false, false, false, true,
                                                                 0)) &&
               SUCCEEDED(IVssCreateWriterMetadataEx_AddDatabaseFiles(m, L"server\\db", L"index", index, L"*",
                                                                     0xF0F)) &&
               SUCCEEDED(IVssCreateWriterMetadataEx_AddComponentDependency(
                       m, L"server", L"db", scene_files_id, NULL, L"files")) &&
               SUCCEEDED(IVssCreateWriterMetadataEx_AddExcludeFiles(m, data, L"*.tmp", false));
}

static bool identify_files(IVssCreateWriterMetadataEx *m, LPCWSTR data) {
        return SUCCEEDED(IVssCreateWriterMetadataEx_AddComponent(m, VSS_CT_FILEGROUP, NULL, L"files",
                                                                 L"The files", NULL, 0, false, true, true,
                                                                 true, 0)) &&
               SUCCEEDED(IVssCreateWriterMetadataEx_AddFilesToFileGroup(m, NULL, L"files", data, L"*", true,
                                                                        NULL, 0xF0F));
}

static bool on_identify(void *userdata, IVssCreateWriterMetadataEx *m) {
        _cleanup_(freep) char *data = NULL, *index = NULL;
        _cleanup_(freep) WCHAR *wide_data = NULL, *wide_index = NULL;
        SceneWriter *w = userdata;

        assert_int_equal(format_to(&data, "%s/%s", w->volume, w->is_database ? "db" : "files"), 0);
        assert_int_equal(format_to(&index, "%s/index", data), 0);
        assert_int_equal(wide_from_utf8(data, &wide_data), 0);
        assert_int_equal(wide_from_utf8(index, &wide_index), 0);

        return SUCCEEDED(IVssCreateWriterMetadataEx_SetRestoreMethod(m, VSS_RME_RESTORE_IF_CAN_REPLACE, NULL,
                                                                     NULL, VSS_WRE_ALWAYS, false)) &&
               (w->is_database ? identify_database(m, wide_data, wide_index) :
                                 identify_files(m, wide_data)) &&
               heard(w, "Identify");
}

static const char *backup_type(UmbraWriter *w) {
        static const char *const names[] = {
                [VSS_BT_FULL] = "full",
                [VSS_BT_INCREMENTAL] = "incremental",
                [VSS_BT_DIFFERENTIAL] = "differential",
                [VSS_BT_LOG] = "log",
                [VSS_BT_COPY] = "copy",
                [VSS_BT_OTHER] = "other",
        };
        VSS_BACKUP_TYPE type = umbra_writer_get_backup_type(w);

        return type > VSS_BT_UNDEFINED && type <= VSS_BT_OTHER ? names[type] : "undefined";
}

static bool on_prepare_backup(void *userdata, IVssWriterComponents *components) {
        _cleanup_(freep) char *event = NULL;
        SceneWriter *w = userdata;

        assert_int_equal(
                format_to(&event, "PrepareBackup %s%s%s", backup_type(w->writer),
                          umbra_writer_are_components_selected(w->writer) ? " selected" : "",
                          umbra_writer_is_bootable_system_state_backed_up(w->writer) ? " bootable" : ""),
                0);
        return heard_about(w, event, components);
}

static bool on_prepare_snapshot(void *userdata) {
        _cleanup_(freep) WCHAR *wide = NULL;
        SceneWriter *w = userdata;

        assert_int_equal(wide_from_utf8(w->volume, &wide), 0);
        return heard(w, umbra_writer_is_path_affected(w->writer, wide) ? "PrepareSnapshot" :
                                                                         "PrepareSnapshot elsewhere");
}

static bool on_freeze(void *userdata) {
        return heard(userdata, "Freeze");
}

static bool on_thaw(void *userdata) {
        return heard(userdata, "Thaw");
}

static bool on_abort(void *userdata) {
        return heard(userdata, "Abort");
}

/* The shadow copy is there, and the writer may look at it. */
static bool on_post_snapshot(void *userdata, IVssWriterComponents *components) {
        _cleanup_(freep) WCHAR *wide = NULL;
        SceneWriter *w = userdata;
        LPCWSTR device = NULL;

        assert_int_equal(wide_from_utf8(w->volume, &wide), 0);
        if (FAILED(umbra_writer_get_snapshot_device_name(w->writer, wide, &device)) ||
            !fixture_exists(device))
                say(w, "no shadow copy");
        return heard_about(w, "PostSnapshot", components);
}

static bool on_backup_complete(void *userdata, IVssWriterComponents *components) {
        return heard_about(userdata, "BackupComplete", components);
}

static bool on_backup_shutdown(void *userdata, VSS_ID set_id) {
        return heard(userdata, "BackupShutdown");
}

static bool on_pre_restore(void *userdata, IVssWriterComponents *components) {
        return heard_about(userdata, "PreRestore", components);
}

static bool on_post_restore(void *userdata, IVssWriterComponents *components) {
        return heard_about(userdata, "PostRestore", components);
}

static SceneWriter *writer_new(Fixture *f, bool is_database) {
        static const UmbraWriterCallbacks callbacks = {
                .size = sizeof(callbacks),
                .OnIdentify = on_identify,
                .OnPrepareBackup = on_prepare_backup,
                .OnPrepareSnapshot = on_prepare_snapshot,
                .OnFreeze = on_freeze,
                .OnThaw = on_thaw,
                .OnAbort = on_abort,
                .OnPostSnapshot = on_post_snapshot,
                .OnBackupComplete = on_backup_complete,
                .OnBackupShutdown = on_backup_shutdown,
                .OnPreRestore = on_pre_restore,
                .OnPostRestore = on_post_restore,
        };
        SceneWriter *w = calloc(1, sizeof(*w));

        assert_non_null(w);
        pthread_mutex_init(&w->lock, NULL);
        assert_int_equal(strdup_to("", &w->heard), 0);
        w->volume = f->volume;
        w->is_database = is_database;
        assert_int_equal(umbra_writer_new(&callbacks, w, &w->writer), S_OK);
        assert_int_equal(umbra_writer_initialize(w->writer, is_database ? scene_database_id : scene_files_id,
                                                 is_database ? L"database" : L"files", 1, 0, VSS_UT_USERDATA,
                                                 VSS_ST_OTHER, VSS_APP_FRONT_END, UMBRA_FREEZE_TIMEOUT_MSEC,
                                                 VSS_AWS_NO_ALTERNATE_WRITER, false, NULL),
                         S_OK);
        assert_int_equal(umbra_writer_subscribe(w->writer, INFINITE, UMBRA_WRITER_EVENTS), S_OK);
        return w;
}

static SceneWriter *writer_free(SceneWriter *w) {
        if (!w)
                return NULL;

        umbra_writer_free(w->writer);
        pthread_mutex_destroy(&w->lock);
        free(w->heard);
        free(w);
        return NULL;
}

/* Only what this process and umbrad see, and gone with them. */
static void mount_nested(const char *path) {
        if (geteuid() != 0)
                return;

        assert_int_equal(mount("scene", path, "tmpfs", 0, "size=1m"), 0);
}

Scene *scene_open(void) {
        _cleanup_(freep) char *nested = NULL, *named = NULL;
        Scene *s = calloc(1, sizeof(*s));

        assert_non_null(s);
        if (geteuid() == 0) {
                assert_int_equal(unshare(CLONE_NEWNS), 0);
                assert_int_equal(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
        }
        s->fixture = fixture_new();
        fixture_write(s->fixture, "db/one.db", "rows\n");
        fixture_write(s->fixture, "db/one.log", "log\n");
        fixture_write(s->fixture, "db/index/one", "index\n");
        fixture_write(s->fixture, "files/one", "file\n");

        nested = path_in(s->fixture->volume, "mounted");
        assert_int_equal(mkdir(nested, 0755), 0);
        mount_nested(nested);
        write_file(nested, "inside", "nested\n");
        assert_int_equal(format_to(&named, "%s/", nested), 0);
        for (char *p = named; *p; ++p)
                if (*p == '/')
                        *p = '\\';
        assert_int_equal(wide_from_utf8(named, &s->nested), 0);
        s->volume = s->fixture->wide;

        s->database = writer_new(s->fixture, true);
        s->files = writer_new(s->fixture, false);
        return s;
}

Scene *scene_close(Scene *s) {
        if (!s)
                return NULL;

        s->database = writer_free(s->database);
        s->files = writer_free(s->files);
        s->second = writer_free(s->second);
        fixture_free(s->fixture);
        free(s->nested);
        free(s);
        return NULL;
}

WCHAR *scene_make_directory(Scene *s, const char *name) {
        _cleanup_(freep) char *path = path_in(s->fixture->dir, name);
        WCHAR *wide;

        assert_int_equal(mkdir(path, 0755), 0);
        assert_int_equal(wide_from_utf8(path, &wide), 0);
        return wide;
}

void scene_carry_back(Scene *s, VSS_ID snapshot) {
        _cleanup_(freep) char *from = NULL, *to = NULL, *parent = path_in(s->fixture->state_dir, "fake");

        assert_int_equal(format_to(&from, "%s/broken/%s", s->fixture->state_dir, GUID_TO_STRING(&snapshot)),
                         0);
        assert_int_equal(format_to(&to, "%s/%s", parent, GUID_TO_STRING(&snapshot)), 0);
        (void) mkdir(parent, 0700);
        assert_int_equal(rename(from, to), 0);
}

void scene_script(Scene *s, const char *script) {
        write_file(s->fixture->state_dir, "fake.script", script);
}

VSS_ID scene_add_second(Scene *s) {
        IVssBackupComponents *backup = NULL;
        IVssAsync *async = NULL;
        VSS_ID found = GUID_NULL;
        UINT n = 0;

        assert_null(s->second);
        s->second = writer_new(s->fixture, true);

        /* Who it is, only a requester is told. */
        CHECK(CreateVssBackupComponents(&backup));
        CHECK(IVssBackupComponents_InitializeForBackup(backup, NULL));
        CHECK(IVssBackupComponents_GatherWriterMetadata(backup, &async));
        scene_wait(async);
        CHECK(IVssBackupComponents_GetWriterMetadataCount(backup, &n));
        for (UINT i = 0; i < n; ++i) {
                IVssExamineWriterMetadata *metadata = NULL;
                VSS_USAGE_TYPE usage;
                VSS_SOURCE_TYPE source;
                VSS_ID instance, id;
                BSTR name = NULL;

                CHECK(IVssBackupComponents_GetWriterMetadata(backup, i, &instance, &metadata));
                CHECK(IVssExamineWriterMetadata_GetIdentity(metadata, &instance, &id, &name, &usage,
                                                            &source));
                if (guid_equal(&id, &scene_database_id))
                        found = instance; /* writers come in the order in which they subscribed */
                SysFreeString(name);
                IVssExamineWriterMetadata_Release(metadata);
        }
        IVssBackupComponents_Release(backup);
        scene_expect_so_far(s, "Identify\n", "Identify\n");
        return found;
}

void scene_drop_second(Scene *s) {
        s->second = writer_free(s->second);
}

void scene_end_database(Scene *s) {
        assert_int_equal(umbra_writer_unsubscribe(s->database->writer), S_OK);
}

void scene_restart_database(Scene *s) {
        writer_free(s->database);
        s->database = writer_new(s->fixture, true);
}

VSS_ID scene_session_id(Scene *s) {
        VSS_ID id;

        pthread_mutex_lock(&s->database->lock);
        id = s->database->session_id;
        pthread_mutex_unlock(&s->database->lock);
        return id;
}

void scene_fail(Scene *s, const char *event, HRESULT hr) {
        pthread_mutex_lock(&s->database->lock);
        s->database->failing = event;
        s->database->failure = hr;
        pthread_mutex_unlock(&s->database->lock);
}

static void expect_writer(SceneWriter *w, const char *expected) {
        char *empty = NULL;

        assert_int_equal(strdup_to("", &empty), 0);
        pthread_mutex_lock(&w->lock);
        if (strcmp(w->heard, expected) != 0)
                fail_msg("the writer '%s' heard\n%sinstead of\n%s", w->is_database ? "database" : "files",
                         w->heard, expected);
        free(w->heard);
        w->heard = empty;
        pthread_mutex_unlock(&w->lock);
}

void scene_expect_so_far(Scene *s, const char *database, const char *files) {
        expect_writer(s->database, database);
        expect_writer(s->files, files);
}

static bool has_shut_down(void *arg) {
        SceneWriter *w = arg;
        bool over;

        pthread_mutex_lock(&w->lock);
        over = strstr(w->heard, "BackupShutdown\n") != NULL;
        pthread_mutex_unlock(&w->lock);
        return over;
}

void scene_expect(Scene *s, const char *database, const char *files) {
        if (strstr(database, "BackupShutdown\n"))
                (void) eventually(has_shut_down, s->database, TEST_PATIENCE_USEC);
        if (strstr(files, "BackupShutdown\n"))
                (void) eventually(has_shut_down, s->files, TEST_PATIENCE_USEC);
        scene_expect_so_far(s, database, files);
}

HRESULT scene_check(HRESULT hr, const char *call, const char *file, int line) {
        if (FAILED(hr)) {
                print_error("%s: %s (0x%08x) %s\n", call, hresult_name(hr), (unsigned) hr,
                            umbra_last_error());
                _fail(file, line);
        }
        return hr;
}

void scene_expect_hr(HRESULT hr, HRESULT expected, const char *call, const char *file, int line) {
        if (hr != expected) {
                print_error("%s: %s instead of %s: %s\n", call, hresult_name(hr), hresult_name(expected),
                            umbra_last_error());
                _fail(file, line);
        }
}

void scene_must(bool condition, const char *what, const char *file, int line) {
        if (!condition) {
                print_error("not so: %s\n", what);
                _fail(file, line);
        }
}

void scene_wait(IVssAsync *async) {
        HRESULT status = E_FAIL;

        CHECK(IVssAsync_Wait(async, INFINITE));
        CHECK(IVssAsync_QueryStatus(async, &status, NULL));
        EXPECT(status, VSS_S_ASYNC_FINISHED);
        IVssAsync_Release(async);
}

bool scene_reads(LPCWSTR root, const char *name, const char *text) {
        return fixture_reads(root, name, text);
}

bool scene_exists(LPCWSTR path) {
        return fixture_exists(path);
}

int scene_run(const char *name, void (*test)(void **state)) {
        const struct CMUnitTest tests[] = { { name, test, NULL, NULL, NULL } };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
