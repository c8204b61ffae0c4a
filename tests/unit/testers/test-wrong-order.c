/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The whole test writer, as a process, against an umbrad that sends events as it likes: it says what is wrong with them,
 * and its exit code is that of a requester that did wrong.
 */

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "../writer/fake-umbrad.h"
#include "base/alloc.h"
#include "base/fd-util.h"
#include "base/process-util.h"
#include "lib/test-util.h"

static const char config[] =
        "<TestWriter><RestoreMethod method=\"RESTORE_IF_CAN_BE_REPLACED\"/>"
        "<Component componentType=\"filegroup\" componentName=\"data\"><ComponentFile path=\"/nowhere\" filespec=\"*\"/></Component>"
        "</TestWriter>";

typedef struct Stage {
        FakeUmbrad *umbrad;
        char *dir, *config, *output;
        pid_t pid;
        int pidfd;
} Stage;

static void stage_begin(Stage *s) {
        s->umbrad = fake_new();
        s->dir = temp_dir_new();
        write_file(s->dir, "config.xml", config);
        s->config = path_in(s->dir, "config.xml");
        s->output = path_in(s->dir, "output");

        const char *const argv[] = { "umbra-test-writer", "--socket", fake_socket(s->umbrad), "--output", s->output, s->config, NULL };
        const SpawnOptions options = {
                .path = getenv("TEST_WRITER"),
                .argv = (char *const *) (uintptr_t) argv,
                .stdout_fd = -EBADF,
                .stderr_fd = -EBADF,
                .die_with_parent = true,
        };
        assert_non_null(options.path);
        assert_int_equal(process_spawn(&options, &s->pid, &s->pidfd), 0);
        fake_meet(s->umbrad);
}

static bool is_ready(void *arg) {
        const Stage *s = arg;
        _cleanup_(freep) char *output = read_file(s->dir, "output");

        return output && strstr(output, " ready:");
}

/* Its exit code, and what it said; the caller frees. */
static int stage_end(Stage *s, char **ret_output) {
        int status = -1;

        /* It answers until it is ready to be stopped. */
        assert_true(eventually(is_ready, s, TEST_PATIENCE_USEC));
        assert_int_equal(kill(s->pid, SIGTERM), 0);
        assert_true(eventually_readable(s->pidfd, TEST_PATIENCE_USEC));
        assert_int_equal(process_reap(s->pidfd, &status), 0);
        *ret_output = read_file(s->dir, "output");
        fd_close(s->pidfd);
        fake_free(s->umbrad);
        free(s->config);
        free(s->output);
        temp_dir_free(s->dir);
        return status;
}

static void test_that_events_out_of_order_are_found_and_decide_the_exit_code(void **state) {
        static const struct {
                WireEvent events[6];
                size_t n;
                const char *sentence; /* NULL: nothing is wrong */
        } cases[] = {
                { { WIRE_EVENT_PREPARE_BACKUP, WIRE_EVENT_PREPARE_SNAPSHOT, WIRE_EVENT_FREEZE, WIRE_EVENT_THAW, WIRE_EVENT_POST_SNAPSHOT,
                    WIRE_EVENT_BACKUP_SHUTDOWN },
                  6,
                  NULL },
                { { WIRE_EVENT_PREPARE_BACKUP, WIRE_EVENT_ABORT, WIRE_EVENT_BACKUP_SHUTDOWN }, 3, NULL },
                { { WIRE_EVENT_FREEZE, WIRE_EVENT_ABORT }, 2, "violation: Freeze came after nothing during=Freeze" },
                { { WIRE_EVENT_PREPARE_SNAPSHOT, WIRE_EVENT_ABORT }, 2, "violation: PrepareForSnapshot came after nothing" },
                { { WIRE_EVENT_PREPARE_BACKUP, WIRE_EVENT_PREPARE_BACKUP, WIRE_EVENT_ABORT }, 3, "violation: PrepareForBackup came after PrepareForBackup" },
                { { WIRE_EVENT_PREPARE_BACKUP, WIRE_EVENT_PREPARE_SNAPSHOT, WIRE_EVENT_POST_SNAPSHOT }, 3,
                  "violation: PostSnapshot came after PrepareForSnapshot" },
                { { WIRE_EVENT_POST_RESTORE }, 1, "violation: PostRestore came after nothing" },
                { { WIRE_EVENT_BACKUP_COMPLETE }, 1, "violation: BackupComplete came after nothing" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                _cleanup_(freep) char *output = NULL;
                Stage s = { 0 };
                int status;

                stage_begin(&s);
                for (size_t e = 0; e < cases[i].n; ++e)
                        assert_int_equal(fake_event(s.umbrad, cases[i].events[e], 1), S_OK);
                status = stage_end(&s, &output);
                assert_non_null(output);
                if (cases[i].sentence && !strstr(output, cases[i].sentence))
                        fail_msg("case %zu: nothing says \"%s\":\n%s", i, cases[i].sentence, output);
                if (!cases[i].sentence && strstr(output, "violation:"))
                        fail_msg("case %zu:\n%s", i, output);
                assert_int_equal(status, cases[i].sentence ? 3 : 0);
        }
}

static void test_that_nothing_is_written_while_the_writer_is_frozen(void **state) {
        _cleanup_(freep) char *frozen = NULL, *output = NULL;
        Stage s = { 0 };

        stage_begin(&s);
        assert_true(eventually(is_ready, &s, TEST_PATIENCE_USEC));
        assert_int_equal(fake_event(s.umbrad, WIRE_EVENT_PREPARE_BACKUP, 1), S_OK);
        assert_int_equal(fake_event(s.umbrad, WIRE_EVENT_PREPARE_SNAPSHOT, 1), S_OK);
        assert_int_equal(fake_event(s.umbrad, WIRE_EVENT_FREEZE, 1), S_OK);
        assert_int_equal(fake_event(s.umbrad, WIRE_EVENT_IDENTIFY, 2), S_OK);
        frozen = read_file(s.dir, "output");
        assert_non_null(strstr(frozen, " Freeze "));
        assert_null(strstr(frozen, " Identify "));
        assert_int_equal(fake_event(s.umbrad, WIRE_EVENT_THAW, 1), S_OK);
        assert_int_equal(fake_event(s.umbrad, WIRE_EVENT_POST_SNAPSHOT, 1), S_OK);
        assert_int_equal(stage_end(&s, &output), 0);
        assert_non_null(strstr(output, " Identify "));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_that_events_out_of_order_are_found_and_decide_the_exit_code),
                cmocka_unit_test(test_that_nothing_is_written_while_the_writer_is_frozen),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
