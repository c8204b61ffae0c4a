/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Who Is Welcome
 *
 * Each attempt is a process of its own that becomes another user first. What it tried it says with its exit
 * status: 0 worked, 1 was E_ACCESSDENIED with a sentence, 2 anything else.
 */

#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <umbra.h>

#include "api/writer/backup.h"
#include "api/writer/puppet.h"
#include "base/alloc.h"
#include "base/guid.h"
#include "lib/reference.h"
#include "lib/reference.h"
#include "lib/test-util.h"
#include "phases/world.h"

#define STRANGER 54321U

static World *world;

typedef enum Attempt {
        MAKE_A_BACKUP,
        ASK_FOR_THE_STATUS,
        REGISTER_A_WRITER,       /* of the id in the configuration */
        REGISTER_ANOTHER_WRITER, /* of any other */
        _ATTEMPT_MAX,
} Attempt;

static int outcome(HRESULT hr) {
        if (hr == S_OK)
                return 0;
        return hr == E_ACCESSDENIED && strlen(umbra_last_error()) > 0 ? 1 : 2;
}

static HRESULT register_writer(VSS_ID id) {
        Puppet *p = puppet_new_unsubscribed("applicant", "/", &(PuppetOptions){ .id = id });

        return puppet_subscribe(p);
}

static HRESULT try(Attempt attempt) {
        IVssBackupComponents *backup = NULL;
        char *json = NULL;
        HRESULT hr;

        switch (attempt) {
        case MAKE_A_BACKUP:
                hr = CreateVssBackupComponents(&backup);
                return SUCCEEDED(hr) ? IVssBackupComponents_InitializeForBackup(backup, NULL) : hr;
        case ASK_FOR_THE_STATUS:
                return umbra_get_status(&json);
        case REGISTER_A_WRITER:
                return register_writer(puppet_writer_id);
        default:
                return register_writer((VSS_ID){ 0x77, 0, 0, { 0x80 } });
        }
}

static int try_as(uid_t uid, gid_t gid, const gid_t *groups, size_t n_groups, Attempt attempt) {
        int status = -1;
        pid_t pid;

        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                if (setgroups(n_groups, groups) < 0 || setresgid(gid, gid, gid) < 0 || setresuid(uid, uid, uid) < 0)
                        _exit(3);
                _exit(outcome(try(attempt)));
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status));
        return WEXITSTATUS(status);
}

static void restart_with(const char *config) {
        world_kill_umbrad(world);
        free(TAKE_PTR(world->config));
        if (config) {
                write_file(world->dir, "umbra.conf", config);
                world->config = path_in(world->dir, "umbra.conf");
        }
        world_start_umbrad(world);
}

static void expect(uid_t uid, gid_t gid, const int expected[static _ATTEMPT_MAX]) {
        for (Attempt a = 0; a < _ATTEMPT_MAX; ++a) {
                int got = try_as(uid, gid, NULL, 0, a);

                if (got != expected[a])
                        fail_msg("user %u, attempt %d: %d instead of %d", (unsigned) uid, (int) a, got, expected[a]);
        }
}

static void test_that_a_stranger_is_refused_everything(void **state) {
        skip_unless_root();
        restart_with(NULL);
        expect(STRANGER, STRANGER, (const int[]){ 1, 1, 1, 1 });
        expect(0, 0, (const int[]){ 0, 0, 0, 0 });
        REACHES_RETURN(CVssWriter, Subscribe, "E_ACCESSDENIED"); /* all faces of a writer ask the same way */
        REACHES_RETURN(CVssWriterEx, SubscribeEx, "E_ACCESSDENIED");
}

static void test_that_a_grant_is_for_what_it_says(void **state) {
        _cleanup_(freep) char *config = NULL;
        struct passwd *requester, *writer, *one_writer;
        uid_t uids[3];
        gid_t gids[3];

        skip_unless_root();
        requester = getpwnam("daemon");
        uids[0] = requester ? requester->pw_uid : 0;
        gids[0] = requester ? requester->pw_gid : 0;
        writer = getpwnam("games");
        uids[1] = writer ? writer->pw_uid : 0;
        gids[1] = writer ? writer->pw_gid : 0;
        one_writer = getpwnam("nobody");
        uids[2] = one_writer ? one_writer->pw_uid : 0;
        gids[2] = one_writer ? one_writer->pw_gid : 0;
        if (!uids[0] || !uids[1] || !uids[2])
                skip();

        assert_int_equal(format_to(&config, "[requesters]\nuser = daemon\n\n[writers]\nuser = games\n%.36s = nobody\n",
                                   GUID_TO_STRING(&puppet_writer_id)),
                         0);
        restart_with(config);
        REACHES_RULE(CVssWriter, "Subscribe", "writer account must be administrator");
        expect(uids[0], gids[0], (const int[]){ 0, 0, 1, 1 });
        REACHES_RULE(IVssBackupComponents, "*", "caller must be administrator");
        expect(uids[1], gids[1], (const int[]){ 1, 1, 0, 0 });
        expect(uids[2], gids[2], (const int[]){ 1, 1, 0, 1 });
        expect(STRANGER, STRANGER, (const int[]){ 1, 1, 1, 1 });
}

static void test_that_a_group_is_granted_through_every_kind_of_membership(void **state) {
        const struct group *g;
        gid_t gid;

        skip_unless_root();
        g = getgrnam("games");
        if (!g)
                skip();
        gid = g->gr_gid;
        restart_with("[requesters]\ngroup = games\n");
        assert_int_equal(try_as(STRANGER, gid, NULL, 0, MAKE_A_BACKUP), 0);
        assert_int_equal(try_as(STRANGER, STRANGER, &gid, 1, MAKE_A_BACKUP), 0);
        assert_int_equal(try_as(STRANGER, STRANGER, NULL, 0, MAKE_A_BACKUP), 1);
        assert_int_equal(try_as(STRANGER, gid, NULL, 0, REGISTER_A_WRITER), 1);
}

/* A process of another user that says over a pipe when it is ready and ends as @main says. */
static pid_t run_as(const struct passwd *user, int (*main)(int ready_fd), int *ret_ready_fd) {
        int fds[2];
        pid_t pid;

        assert_int_equal(pipe(fds), 0);
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                close(fds[0]);
                if (setgroups(0, NULL) < 0 || setresgid(user->pw_gid, user->pw_gid, user->pw_gid) < 0 ||
                    setresuid(user->pw_uid, user->pw_uid, user->pw_uid) < 0)
                        _exit(3);
                (void) prctl(PR_SET_PDEATHSIG, SIGKILL); /* after the change of user, which resets it */
                _exit(main(fds[1]));
        }
        close(fds[1]);
        *ret_ready_fd = fds[0];
        return pid;
}

/* Asks the writers, one of which does not answer, and waits. */
static int requester_main(int ready_fd) {
        IVssBackupComponents *backup = NULL;
        IVssAsync *async = NULL;

        if (CreateVssBackupComponents(&backup) != S_OK || IVssBackupComponents_InitializeForBackup(backup, NULL) != S_OK ||
            IVssBackupComponents_GatherWriterMetadata(backup, &async) != S_OK || write(ready_fd, "", 1) != 1)
                return 3;
        if (IVssAsync_Wait(async, INFINITE) != E_ACCESSDENIED)
                return 2;
        IVssAsync_Release(async);
        return outcome(IVssBackupComponents_AbortBackup(backup));
}

static int writer_main(int ready_fd) {
        puppet_new("granted", "/", NULL);
        if (write(ready_fd, "", 1) != 1)
                return 3;
        for (;;)
                pause();
}

static void await_ready(int fd) {
        char byte;

        assert_true(eventually_readable(fd, TEST_PATIENCE_USEC));
        assert_int_equal(read(fd, &byte, 1), 1);
        close(fd);
}

static void test_that_a_grant_that_is_gone_is_gone_at_once(void **state) {
        struct passwd daemon_user, games_user;
        pid_t requester, writer;
        Puppet *silent;
        int fd, status;
        Backup *b;

        skip_unless_root();
        if (!getpwnam("daemon") || !getpwnam("games"))
                skip();
        daemon_user = *getpwnam("daemon");
        games_user = *getpwnam("games");
        restart_with("[requesters]\nuser = daemon\n\n[writers]\nuser = games\n");

        writer = run_as(&games_user, writer_main, &fd);
        await_ready(fd);
        silent = puppet_new("silent", world->volume, NULL);
        silent->acts[WIRE_EVENT_IDENTIFY].gate = gate_new();
        requester = run_as(&daemon_user, requester_main, &fd);
        await_ready(fd);

        /* What is wrong changes nothing. */
        write_file(world->dir, "umbra.conf", "[requesters]\nuser = nobody-of-that-name\n");
        assert_int_equal(kill(world->umbrad, SIGHUP), 0);
        assert_int_equal(try_as(daemon_user.pw_uid, daemon_user.pw_gid, NULL, 0, MAKE_A_BACKUP), 0);
        write_file(world->dir, "umbra.conf", "[requesters]\nuser = games\n");
        assert_int_equal(kill(world->umbrad, SIGHUP), 0);

        assert_int_equal(waitpid(requester, &status, 0), requester);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 1);

        /* Gone in the same turn, and not let in again. */
        gate_open(silent->acts[WIRE_EVENT_IDENTIFY].gate);
        b = backup_new();
        assert_int_equal(backup_gather(b), S_OK);
        assert_int_equal(backup_writer_count(b), 1);
        backup_free(b);

        assert_int_equal(kill(writer, SIGKILL), 0);
        assert_int_equal(waitpid(writer, &status, 0), writer);
        gate_free(silent->acts[WIRE_EVENT_IDENTIFY].gate);
        puppet_free(silent);
}

/* Makes a shadow copy, in the middle of which a writer stands still. */
static int maker_main(int ready_fd) {
        IVssAsync *async = NULL;
        Backup *b = backup_new();

        if (backup_gather(b) != S_OK || backup_select(b, world->volume) != S_OK || backup_prepare(b) != S_OK ||
            IVssBackupComponents_DoSnapshotSet(b->api, &async) != S_OK || write(ready_fd, "", 1) != 1)
                return 3;
        if (IVssAsync_Wait(async, INFINITE) != E_ACCESSDENIED)
                return 2;
        IVssAsync_Release(async);
        return outcome(IVssBackupComponents_AbortBackup(b->api));
}

/* Reading a file and asking for users is not for the time when something is frozen. */
static void test_that_nobody_is_sent_away_while_anything_is_frozen(void **state) {
        struct passwd daemon_user;
        pid_t requester;
        Gate *gate;
        Puppet *p;
        int fd, status;

        skip_unless_root();
        if (!getpwnam("daemon"))
                skip();
        daemon_user = *getpwnam("daemon");
        restart_with("[requesters]\nuser = daemon\n");
        journal_clear();
        p = puppet_new("frozen", world->volume, NULL);
        p->acts[WIRE_EVENT_FREEZE].gate = gate = gate_new();
        requester = run_as(&daemon_user, maker_main, &fd);
        await_ready(fd);
        journal_await("frozen freeze");

        write_file(world->dir, "umbra.conf", "[requesters]\n");
        assert_int_equal(kill(world->umbrad, SIGHUP), 0);
        world_await_status(world, "\"frozen\""); /* twice asked, so that the signal has come first */
        world_await_status(world, "\"frozen\"");
        assert_int_equal(waitpid(requester, &status, WNOHANG), 0);

        gate_open(gate);
        assert_int_equal(waitpid(requester, &status, 0), requester);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 1);
        journal_await("frozen backup-shutdown");
        assert_true(journal_has("frozen thaw"));
        world_assert_clean(world);
        gate_free(gate);
        puppet_free(p);
}

static int setup(void **state) {
        world = world_new();
        if (chmod(world->dir, 0755) < 0) /* else nobody gets as far as the socket */
                return -1;
        return 0;
}

static int teardown(void **state) {
        world = world_free(world);
        return 0;
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_that_a_stranger_is_refused_everything),
                cmocka_unit_test(test_that_a_grant_is_for_what_it_says),
                cmocka_unit_test(test_that_a_grant_that_is_gone_is_gone_at_once),
                cmocka_unit_test(test_that_nobody_is_sent_away_while_anything_is_frozen),
                cmocka_unit_test(test_that_a_group_is_granted_through_every_kind_of_membership),
        };

        return cmocka_run_group_tests(tests, setup, teardown);
}
