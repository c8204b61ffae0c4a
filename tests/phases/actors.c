/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Actors
 */

#include "phases/actors.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <oleauto.h>
#include <umbra.h>
#include <vsbackup.h>

#include "base/alloc.h"
#include "base/fd-util.h"
#include "base/process-util.h"
#include "base/utf.h"
#include "lib/test-util.h"

/* In the actor's process */

typedef struct Role {
        void (*play)(struct Role *r);
        int said_fd, go_fd;
        const char *name; /* of a writer */
        const char *stand_at;
        VSS_ID id; /* of the provider, or of the snapshot */
        WCHAR *volume, *data;
        UmbraWriter *writer;
} Role;

static void say(Role *r, const char *line) {
        dprintf(r->said_fd, "%s\n", line);
        if (r->stand_at && strcmp(line, r->stand_at) == 0) {
                char byte;

                (void) !read(r->go_fd, &byte, 1);
        }
}

static bool on_identify(void *userdata, IVssCreateWriterMetadataEx *metadata) {
        Role *r = userdata;

        return SUCCEEDED(IVssCreateWriterMetadataEx_AddComponent(metadata, VSS_CT_FILEGROUP, NULL, L"data", L"data", NULL, 0, false,
                                                                 true, true, true, 0)) &&
               SUCCEEDED(IVssCreateWriterMetadataEx_AddFilesToFileGroup(metadata, NULL, L"data", r->data, L"*", true, NULL, 0xF0F));
}

static bool on_components(Role *r, const char *line) {
        say(r, line);
        return true;
}

static bool on_prepare_backup(void *userdata, IVssWriterComponents *components) {
        return on_components(userdata, "PrepareBackup");
}

static bool on_prepare_snapshot(void *userdata) {
        return on_components(userdata, "PrepareSnapshot");
}

static bool on_freeze(void *userdata) {
        return on_components(userdata, "Freeze");
}

static bool on_thaw(void *userdata) {
        return on_components(userdata, "Thaw");
}

static bool on_abort(void *userdata) {
        return on_components(userdata, "Abort");
}

static bool on_post_snapshot(void *userdata, IVssWriterComponents *components) {
        return on_components(userdata, "PostSnapshot");
}

static bool on_backup_complete(void *userdata, IVssWriterComponents *components) {
        return on_components(userdata, "BackupComplete");
}

static bool on_backup_shutdown(void *userdata, VSS_ID set_id) {
        return on_components(userdata, "BackupShutdown");
}

static void play_writer(Role *r) {
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
        };
        static const VSS_ID id = { 0x5f0e7a11, 0x1c2d, 0x4e3f, { 0x8a, 0x9b, 0x70, 0x68, 0x61, 0x73, 0x65, 0x73 } };
        WCHAR *wide = NULL;
        HRESULT hr;

        if (wide_from_utf8(r->name, &wide) < 0)
                _exit(3);
        hr = umbra_writer_new(&callbacks, r, &r->writer);
        if (SUCCEEDED(hr))
                hr = umbra_writer_initialize(r->writer, id, wide, 1, 0, VSS_UT_USERDATA, VSS_ST_OTHER, VSS_APP_FRONT_END, 60000,
                                             VSS_AWS_NO_ALTERNATE_WRITER, false, wide);
        if (SUCCEEDED(hr))
                hr = umbra_writer_subscribe(r->writer, INFINITE, UMBRA_WRITER_EVENTS);
        if (FAILED(hr)) {
                dprintf(2, "writer: 0x%08x %s\n", (unsigned) hr, umbra_last_error());
                _exit(3);
        }
        say(r, "Ready");
        for (;;)
                pause();
}

static HRESULT settle(HRESULT hr, IVssAsync *async) {
        HRESULT status = S_OK;

        if (FAILED(hr))
                return hr;
        hr = IVssAsync_Wait(async, INFINITE);
        if (SUCCEEDED(hr))
                hr = IVssAsync_QueryStatus(async, &status, NULL);
        IVssAsync_Release(async);
        return FAILED(hr) ? hr : FAILED(status) ? status : S_OK;
}

#define STEP(what, call)                                                                                \
        do {                                                                                            \
                IVssAsync *async = NULL;                                                                \
                HRESULT hr_ = (call);                                                                   \
                if (async)                                                                              \
                        hr_ = settle(hr_, async);                                                       \
                if (FAILED(hr_)) {                                                                      \
                        char line_[512];                                                                \
                        snprintf(line_, sizeof(line_), "Failed %s 0x%08x %s", what, (unsigned) hr_, umbra_last_error()); \
                        say(r, line_);                                                                  \
                        return false;                                                                   \
                }                                                                                       \
        } while (0)

static bool add_all_components(Role *r, IVssBackupComponents *backup) {
        UINT n = 0;

        STEP("GetWriterMetadataCount", IVssBackupComponents_GetWriterMetadataCount(backup, &n));
        for (UINT i = 0; i < n; ++i) {
                IVssExamineWriterMetadata *metadata = NULL;
                VSS_ID instance, id;
                VSS_USAGE_TYPE usage;
                VSS_SOURCE_TYPE source;
                BSTR name = NULL;

                STEP("GetWriterMetadata", IVssBackupComponents_GetWriterMetadata(backup, i, &instance, &metadata));
                STEP("GetIdentity", IVssExamineWriterMetadata_GetIdentity(metadata, &instance, &id, &name, &usage, &source));
                STEP("AddComponent", IVssBackupComponents_AddComponent(backup, instance, id, VSS_CT_FILEGROUP, NULL, L"data"));
                SysFreeString(name);
                IVssExamineWriterMetadata_Release(metadata);
        }
        return true;
}

static bool back_up(Role *r, IVssBackupComponents *backup) {
        VSS_ID set, snapshot;

        STEP("InitializeForBackup", IVssBackupComponents_InitializeForBackup(backup, NULL));
        STEP("SetBackupState", IVssBackupComponents_SetBackupState(backup, true, false, VSS_BT_COPY, false));
        STEP("GatherWriterMetadata", IVssBackupComponents_GatherWriterMetadata(backup, &async));
        say(r, "Identified");
        if (!add_all_components(r, backup))
                return false;
        STEP("StartSnapshotSet", IVssBackupComponents_StartSnapshotSet(backup, &set));
        STEP("AddToSnapshotSet",
             IVssBackupComponents_AddToSnapshotSet(backup, r->volume, r->id, &snapshot));
        STEP("PrepareForBackup", IVssBackupComponents_PrepareForBackup(backup, &async));
        say(r, "Prepared");
        STEP("DoSnapshotSet", IVssBackupComponents_DoSnapshotSet(backup, &async));
        say(r, "Created");
        STEP("BackupComplete", IVssBackupComponents_BackupComplete(backup, &async));
        say(r, "Completed");
        return true;
}

static bool make(Role *r, IVssBackupComponents *backup) {
        VSS_ID set, snapshot;

        STEP("InitializeForBackup", IVssBackupComponents_InitializeForBackup(backup, NULL));
        STEP("SetContext", IVssBackupComponents_SetContext(backup, VSS_CTX_NAS_ROLLBACK));
        say(r, "Ready");
        STEP("StartSnapshotSet", IVssBackupComponents_StartSnapshotSet(backup, &set));
        STEP("AddToSnapshotSet", IVssBackupComponents_AddToSnapshotSet(backup, r->volume, r->id, &snapshot));
        STEP("DoSnapshotSet", IVssBackupComponents_DoSnapshotSet(backup, &async));
        say(r, "Created");
        return true;
}

static bool revert(Role *r, IVssBackupComponents *backup) {
        IVssAsync *running = NULL;

        say(r, "Ready");
        STEP("RevertToSnapshot", IVssBackupComponents_RevertToSnapshot(backup, r->id, false));
        say(r, "Begun");
        if (SUCCEEDED(IVssBackupComponents_QueryRevertStatus(backup, r->volume, &running))) /* else it is over */
                STEP("QueryRevertStatus", settle(S_OK, running));
        return true;
}

static _Noreturn void play_with(Role *r, bool (*act)(Role *r, IVssBackupComponents *backup)) {
        IVssBackupComponents *backup = NULL;
        bool ok;

        if (FAILED(CreateVssBackupComponents(&backup))) {
                dprintf(2, "requester: %s\n", umbra_last_error());
                _exit(3);
        }
        ok = act(r, backup);
        if (!ok)
                (void) IVssBackupComponents_AbortBackup(backup);
        IVssBackupComponents_Release(backup);
        say(r, ok ? "Done" : "Gave up");
        _exit(ok ? 0 : 1);
}

static void play_requester(Role *r) {
        play_with(r, back_up);
}

static void play_maker(Role *r) {
        play_with(r, make);
}

static void play_reverter(Role *r) {
        play_with(r, revert);
}

/* In the test's process */

static const VSS_ID fake_provider_id = { 0x9d3f1a52, 0x6b1e, 0x4c7a, { 0x8e, 0x21, 0x5f, 0x0c, 0x77, 0x1b, 0x2d, 0x0f } };

static Actor *actor_start(Role r, const char *volume) {
        Actor *a = calloc(1, sizeof(*a));
        int said[2], go[2];

        assert_non_null(a);
        assert_int_equal(pipe2(said, O_CLOEXEC), 0);
        assert_int_equal(pipe2(go, O_CLOEXEC), 0);
        a->said = calloc(1, 1);
        a->pid = fork();
        assert_true(a->pid >= 0);
        if (a->pid == 0) {
                _cleanup_(freep) char *with_slash = NULL, *data = NULL;

                r.said_fd = said[1];
                r.go_fd = go[0];
                (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
                close(said[0]);
                close(go[1]);
                if (format_to(&with_slash, "%s/", volume) < 0 || format_to(&data, "%s/data", volume) < 0 ||
                    wide_from_utf8(with_slash, &r.volume) < 0 || wide_from_utf8(data, &r.data) < 0)
                        _exit(3);
                r.play(&r);
        }
        close(said[1]);
        close(go[0]);
        a->said_fd = said[0];
        a->go_fd = go[1];
        a->pidfd = (int) syscall(SYS_pidfd_open, a->pid, 0);
        assert_true(a->pidfd >= 0);
        return a;
}

Actor *actor_writer(const char *name, const char *volume, const char *stand_at) {
        Actor *a = actor_start((Role){ .play = play_writer, .name = name, .stand_at = stand_at }, volume);

        actor_await(a, "Ready");
        return a;
}

Actor *actor_requester(const char *volume, const char *stand_at) {
        return actor_start((Role){ .play = play_requester, .id = fake_provider_id, .stand_at = stand_at }, volume);
}

static Actor *actor_ready(Role r, const char *volume) {
        Actor *a;

        r.stand_at = "Ready";
        a = actor_start(r, volume);
        actor_await(a, "Ready");
        return a;
}

Actor *actor_maker(const char *volume, VSS_ID provider) {
        return actor_ready((Role){ .play = play_maker, .id = provider }, volume);
}

Actor *actor_reverter(const char *volume, VSS_ID snapshot) {
        return actor_ready((Role){ .play = play_reverter, .id = snapshot }, volume);
}

Actor *actor_free(Actor *a) {
        if (!a)
                return NULL;
        actor_kill(a);
        fd_close(a->said_fd);
        fd_close(a->go_fd);
        free(a->said);
        free(a);
        return NULL;
}

void actor_kill(Actor *a) {
        int status;

        if (a->pidfd < 0)
                return;
        (void) kill(a->pid, SIGKILL);
        assert_true(eventually_readable(a->pidfd, TEST_PATIENCE_USEC));
        (void) process_reap(a->pidfd, &status);
        a->pidfd = fd_close(a->pidfd);
}

void actor_go(Actor *a) {
        assert_int_equal(write(a->go_fd, "g", 1), 1);
}

/* Reads what is there; false at the end or when nothing comes. */
static bool actor_listen(Actor *a, usec_t patience) {
        size_t length = strlen(a->said);
        char buffer[1024], *grown;
        ssize_t n;

        if (!eventually_readable(a->said_fd, patience))
                return false;
        n = read(a->said_fd, buffer, sizeof(buffer));
        if (n <= 0)
                return false;
        grown = realloc(a->said, length + (size_t) n + 1);
        assert_non_null(grown);
        memcpy(grown + length, buffer, (size_t) n);
        grown[length + (size_t) n] = '\0';
        a->said = grown;
        return true;
}

/* Where a whole line stands in @text, or NULL. */
static const char *find_line(const char *text, const char *line) {
        size_t length = strlen(line);

        for (const char *at = text; (at = strstr(at, line)); ++at)
                if ((at == text || at[-1] == '\n') && (at[length] == '\n' || at[length] == ' '))
                        return at;
        return NULL;
}

/* The same, in what stands below the line that @from is in. */
static const char *find_line_below(const char *from, const char *line) {
        const char *end = strchr(from, '\n');

        return end ? find_line(end + 1, line) : NULL;
}

bool actor_has_said(Actor *a, const char *line) {
        while (actor_listen(a, 0)) {
        }
        return find_line(a->said, line);
}

void actor_await(Actor *a, const char *line) {
        while (!find_line(a->said, line))
                if (!actor_listen(a, TEST_PATIENCE_USEC))
                        fail_msg("waited for '%s' and heard only:\n%s", line, a->said);
}

void actor_await_after(Actor *a, const char *after, const char *either) {
        for (;;) {
                _cleanup_(freep) char *names = strdup(either);
                const char *from = NULL;

                for (const char *at = a->said; (at = find_line(at, after)); ++at)
                        from = at + 1;
                for (char *save = NULL, *name = strtok_r(names, ",", &save); from && name; name = strtok_r(NULL, ",", &save))
                        if (find_line_below(from, name))
                                return;
                if (!actor_listen(a, TEST_PATIENCE_USEC))
                        fail_msg("waited for one of '%s' after '%s' and heard only:\n%s", either, after, a->said);
        }
}
