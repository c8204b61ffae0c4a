/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * An umbrad of One's Own
 */

#include "api/fixture.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>
#include <wchar.h>

#include "base/alloc.h"
#include "base/fd-util.h"
#include "base/process-util.h"
#include "base/time-util.h"
#include "base/utf.h"
#include "lib/test-util.h"

const VSS_ID fixture_writer_id = { 0x0A1B2C3D,
                                   0x4E5F,
                                   0x4607,
                                   { 0x81, 0x92, 0xA3, 0xB4, 0xC5, 0xD6, 0xE7, 0xF8 } };

static bool umbrad_answers(void *arg) {
        char *json = NULL;
        bool answers = SUCCEEDED(umbra_get_status(&json));

        CoTaskMemFree(json);
        return answers;
}

static void start_umbrad(Fixture *f) {
        char name[] = "umbrad", socket[] = "--socket", state[] = "--state-dir", runtime[] = "--runtime-dir",
             config[] = "--config";
        char *const argv[] = { name,    socket,         f->socket, state,     f->state_dir,
                               runtime, f->runtime_dir, config,    f->config, NULL };
        const SpawnOptions options = {
                .path = getenv("UMBRAD"),
                .argv = argv,
                .die_with_parent = true,
        };

        assert_non_null(options.path);
        assert_int_equal(process_spawn(&options, &f->pid, &f->pidfd), 0);
        if (!eventually(umbrad_answers, NULL, TEST_PATIENCE_USEC))
                fail_msg("umbrad does not answer: %s", umbra_last_error());
}

static void configure(Fixture *f, const char *config) {
        _cleanup_(freep) char *text = NULL;

        assert_int_equal(format_to(&text, "%s\n%s", config, TEST_CONFIG), 0);
        write_file(f->dir, "umbra.conf", text);
}

Fixture *fixture_new(void) {
        Fixture *f = calloc(1, sizeof(*f));
        char *wide_name = NULL;

        assert_non_null(f);
        f->dir = temp_dir_new();
        f->socket = path_in(f->dir, "umbra.sock");
        f->state_dir = path_in(f->dir, "state");
        f->runtime_dir = path_in(f->dir, "run");
        f->config = path_in(f->dir, "umbra.conf");
        f->volume = path_in(f->dir, "volume");
        configure(f, "");
        write_file(f->dir, "volume/one", "first\n");
        write_file(f->dir, "volume/two/three", "second\n");

        assert_int_equal(format_to(&wide_name, "%s/", f->volume), 0);
        for (char *p = wide_name; *p; ++p)
                if (*p == '/')
                        *p = '\\';
        assert_int_equal(wide_from_utf8(wide_name, &f->wide), 0);
        free(wide_name);

        setenv("UMBRA_SOCKET", f->socket, true);
        setenv("UMBRA_FAKE_PROVIDER", "1", true);
        setenv("UMBRA_LOG_LEVEL", "err", false);
        start_umbrad(f);
        return f;
}

void fixture_kill(Fixture *f) {
        if (f->pidfd >= 0)
                (void) process_end(f->pidfd, 0, NULL);
        f->pidfd = fd_close(f->pidfd);
}

void fixture_restart(Fixture *f, const char *config) {
        fixture_kill(f);
        configure(f, config ?: "");
        start_umbrad(f);
}

/* What umbrad left mounted: it was killed, or its snapshots are persistent. */
static void unmount_below(const char *dir) {
        for (unsigned round = 0; round < 16; ++round) {
                _cleanup_(freep) char *table = NULL;
                bool again = false;
                char *save = NULL;

                if (file_read_text("/proc/self/mountinfo", 16U << 20, &table) < 0)
                        return;
                for (char *line = strtok_r(table, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
                        char path[4096];

                        if (sscanf(line, "%*d %*d %*s %*s %4095s", path) == 1 &&
                            strncmp(path, dir, strlen(dir)) == 0)
                                again |= umount2(path, MNT_DETACH) == 0;
                }
                if (!again)
                        return;
        }
}

Fixture *fixture_free(Fixture *f) {
        if (!f)
                return NULL;

        if (f->pidfd >= 0) {
                (void) kill(f->pid, SIGTERM);
                (void) process_end(f->pidfd, 10 * USEC_PER_SEC, NULL);
                f->pidfd = fd_close(f->pidfd);
        }
        unmount_below(f->dir);
        free(f->socket);
        free(f->state_dir);
        free(f->runtime_dir);
        free(f->config);
        free(f->volume);
        free(f->wide);
        temp_dir_free(f->dir);
        free(f);
        return NULL;
}

void fixture_write(Fixture *f, const char *name, const char *text) {
        write_file(f->volume, name, text);
}

bool fixture_reads(const WCHAR *root, const char *name, const char *text) {
        _cleanup_(freep) char *directory = NULL, *found = NULL;

        assert_int_equal(utf8_from_wide(root, &directory), 0);
        found = read_file(directory, name);
        return found && strcmp(found, text) == 0;
}

bool fixture_exists(const WCHAR *path) {
        _cleanup_(freep) char *name = NULL;
        struct stat st;

        assert_int_equal(utf8_from_wide(path, &name), 0);
        return stat(name, &st) == 0;
}

struct FixtureWriter {
        UmbraWriter *writer;
        WCHAR *volume;
        pthread_mutex_t lock;
        char *events;
        const char *failing;
        HRESULT failure;
};

/* Notes that it happened; false if it is to fail. */
static bool happened(FixtureWriter *w, const char *event) {
        char *longer = NULL;
        bool fails;

        pthread_mutex_lock(&w->lock);
        assert_int_equal(format_to(&longer, "%s%s%s", w->events, *w->events ? " " : "", event), 0);
        free(w->events);
        w->events = longer;
        fails = w->failing && strcmp(w->failing, event) == 0;
        pthread_mutex_unlock(&w->lock);

        if (fails)
                (void) umbra_writer_set_failure_ex(w->writer, w->failure, 42, L"told to fail");
        return !fails;
}

static bool on_identify(void *userdata, IVssCreateWriterMetadataEx *metadata) {
        FixtureWriter *w = userdata;

        return SUCCEEDED(IVssCreateWriterMetadataEx_AddComponent(metadata, VSS_CT_FILEGROUP, NULL, L"files",
                                                                 L"All files", NULL, 0, false, false, true,
                                                                 true, 0)) &&
               SUCCEEDED(IVssCreateWriterMetadataEx_AddFilesToFileGroup(metadata, NULL, L"files", w->volume,
                                                                        L"*", true, NULL, 0xF0F)) &&
               happened(w, "Identify");
}

static bool on_prepare_backup(void *userdata, IVssWriterComponents *components) {
        IVssComponent *component = NULL;
        UINT n = 0;

        (void) IVssWriterComponents_GetComponentCount(components, &n);
        if (n > 0 && SUCCEEDED(IVssWriterComponents_GetComponent(components, 0, &component))) {
                (void) IVssComponent_SetBackupMetadata(component, L"from PrepareBackup");
                (void) IVssComponent_SetBackupStamp(component, L"stamp 1");
                IVssComponent_Release(component);
        }
        return happened(userdata, "PrepareBackup");
}

static bool on_prepare_snapshot(void *userdata) {
        return happened(userdata, "PrepareSnapshot");
}

static bool on_freeze(void *userdata) {
        return happened(userdata, "Freeze");
}

static bool on_thaw(void *userdata) {
        return happened(userdata, "Thaw");
}

static bool on_abort(void *userdata) {
        return happened(userdata, "Abort");
}

static bool on_post_snapshot(void *userdata, IVssWriterComponents *components) {
        return happened(userdata, "PostSnapshot");
}

static bool on_backup_complete(void *userdata, IVssWriterComponents *components) {
        return happened(userdata, "BackupComplete");
}

static bool on_backup_shutdown(void *userdata, VSS_ID set_id) {
        return happened(userdata, "BackupShutdown");
}

static bool on_pre_restore(void *userdata, IVssWriterComponents *components) {
        return happened(userdata, "PreRestore");
}

static bool on_post_restore(void *userdata, IVssWriterComponents *components) {
        return happened(userdata, "PostRestore");
}

FixtureWriter *fixture_writer_new(Fixture *f) {
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
        FixtureWriter *w = calloc(1, sizeof(*w));

        assert_non_null(w);
        pthread_mutex_init(&w->lock, NULL);
        w->events = strdup("");
        assert_int_equal(wide_from_utf8(f->volume, &w->volume), 0);
        assert_int_equal(umbra_writer_new(&callbacks, w, &w->writer), S_OK);
        assert_int_equal(umbra_writer_initialize(w->writer, fixture_writer_id, L"Test Writer", 1, 0,
                                                 VSS_UT_USERDATA, VSS_ST_OTHER, VSS_APP_FRONT_END,
                                                 UMBRA_FREEZE_TIMEOUT_MSEC, VSS_AWS_NO_ALTERNATE_WRITER,
                                                 false, NULL),
                         S_OK);
        assert_int_equal(umbra_writer_subscribe(w->writer, INFINITE, UMBRA_WRITER_EVENTS), S_OK);
        return w;
}

FixtureWriter *fixture_writer_free(FixtureWriter *w) {
        if (!w)
                return NULL;

        umbra_writer_free(w->writer);
        pthread_mutex_destroy(&w->lock);
        free(w->events);
        free(w->volume);
        free(w);
        return NULL;
}

void fixture_writer_fail(FixtureWriter *w, const char *event, HRESULT hr) {
        pthread_mutex_lock(&w->lock);
        w->failing = event;
        w->failure = hr;
        pthread_mutex_unlock(&w->lock);
}

char *fixture_writer_take_events(FixtureWriter *w) {
        char *events, *empty = strdup("");

        pthread_mutex_lock(&w->lock);
        events = w->events;
        w->events = empty;
        pthread_mutex_unlock(&w->lock);
        return events;
}

typedef struct Awaited {
        FixtureWriter *writer;
        const char *event;
} Awaited;

static bool has_happened(void *arg) {
        Awaited *a = arg;
        bool found = false;

        pthread_mutex_lock(&a->writer->lock);
        for (const char *p = a->writer->events; (p = strstr(p, a->event)); p += strlen(a->event)) {
                char next = p[strlen(a->event)];

                if ((p == a->writer->events || p[-1] == ' ') && (next == '\0' || next == ' ')) {
                        found = true;
                        break;
                }
        }
        pthread_mutex_unlock(&a->writer->lock);
        return found;
}

bool fixture_writer_await(FixtureWriter *w, const char *event) {
        return eventually(has_happened, &(Awaited){ w, event }, TEST_PATIENCE_USEC);
}
