/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * umbra run
 *
 * Somebody else's backup program, on shadow copies: it runs in a mount namespace of its own in which they
 * stand at the original paths (run-view.c), so it neither knows nor needs to be told. What it ends with is
 * what the writers hear, and what we end with.
 */

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd-util.h"
#include "base/strv.h"
#include "tools/backup-run.h"
#include "tools/run-view.h"
#include "tools/tool-vss.h"
#include "tools/verb.h"

#define WAIT_DEFAULT_SECONDS 600

/* As shells have it. */
#define EXIT_NOT_EXECUTABLE 126
#define EXIT_NOT_FOUND 127
#define EXIT_SIGNALLED 128

typedef struct Run {
        Backup backup;
        char **command;
        RunView *view;
} Run;

/* What is to be seen */

static int device_of(Run *run, PlanVolume *v) {
        VSS_SNAPSHOT_PROP prop = { 0 };
        HRESULT hr;

        hr = IVssBackupComponents_GetSnapshotProperties(run->backup.vss, v->snapshot_id, &prop);
        if (FAILED(hr))
                return tool_fail(hr, "Cannot find the shadow copy of '%s'", v->path);

        v->device = tool_text(prop.m_pwszSnapshotDeviceObject);
        VssFreeSnapshotProperties(&prop);
        return EXIT_OK;
}

static int show(Run *run, const char *path, const PlanVolume *v) {
        _cleanup_(freep) char *source = NULL;
        int r;

        r = format_to(&source, "%s%s", v->device, path + (strcmp(v->path, "/") == 0 ? 0 : strlen(v->path)));
        if (r >= 0)
                r = run_view_add(run->view, path, source);
        return r < 0 ? tool_fail(E_OUTOFMEMORY, "Cannot show '%s'", path) : EXIT_OK;
}

/* Of each volume what was asked for: what else lies on it stays as it is, and can be written to. */
static int compose_view(Run *run) {
        BackupPlan *p = &run->backup.plan;
        int code = EXIT_OK;

        if (run_view_new(&run->view) < 0)
                return tool_fail(E_OUTOFMEMORY, "Cannot show the shadow copies");

        for (size_t i = 0; i < p->n_volumes && code == EXIT_OK; ++i)
                code = device_of(run, &p->volumes[i]);

        STRV_FOREACH(path, p->paths) {
                const PlanVolume *v = backup_plan_volume(p, *path);

                if (v && code == EXIT_OK)
                        code = show(run, *path, v);
        }

        for (size_t i = 0; i < p->n_volumes && code == EXIT_OK; ++i) {
                bool is_asked_for = strv_length(p->paths) == 0;

                STRV_FOREACH(path, p->paths)
                        if (path_is_below(p->volumes[i].path, *path) && strcmp(p->volumes[i].path, *path) != 0)
                                is_asked_for = true;
                if (is_asked_for)
                        code = show(run, p->volumes[i].path, &p->volumes[i]);
        }

        /* Over the shadow copies, as they are. */
        STRV_FOREACH(exception, p->exceptions)
                if (code == EXIT_OK && run_view_add(run->view, *exception, *exception) < 0)
                        code = tool_fail(E_OUTOFMEMORY, "Cannot show '%s'", *exception);
        return code;
}

/* The command */

static _Noreturn void become(Run *run, pid_t parent) {
        static const int ours[] = { SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGPIPE };
        const char *path;
        sigset_t none;
        int r;

        /* Without us the shadow copies go, and then a backup of them is none. */
        if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent)
                _exit(EXIT_FAILED);

        r = run_view_enter(run->view, &path);
        if (r < 0) {
                errno = -r;
                (void) tool_error("cannot show %s%s%s: %m%s", path ? "'" : "the shadow copies", path ?: "", path ? "'" : "",
                                  r == -EPERM ? "; umbra run needs root" : "");
                _exit(EXIT_FAILED);
        }

        /* What came meanwhile comes now. */
        for (size_t i = 0; i < ELEMENTSOF(ours); ++i)
                (void) signal(ours[i], SIG_DFL);
        (void) sigemptyset(&none);
        (void) sigprocmask(SIG_SETMASK, &none, NULL);
        (void) execvp(run->command[0], run->command);
        r = errno;
        (void) tool_error("%s: %m", run->command[0]);
        _exit(r == ENOENT ? EXIT_NOT_FOUND : EXIT_NOT_EXECUTABLE);
}

static pid_t the_command;

/* Who presses ^C means all of the terminal's processes, and the command gets it by itself. */
static void forward(int signo, siginfo_t *info, void *context) {
        if (info->si_code <= 0 && the_command > 0)
                (void) kill(the_command, signo);
}

static const int forwarded[] = { SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2 };

static void forward_signals(void) {
        struct sigaction action = { .sa_sigaction = forward, .sa_flags = SA_SIGINFO | SA_RESTART };

        for (size_t i = 0; i < ELEMENTSOF(forwarded); ++i)
                (void) sigaction(forwarded[i], &action, NULL);
}

/* Until one of the two is there to take them. */
static void hold_signals(bool hold) {
        sigset_t set;

        (void) sigemptyset(&set);
        for (size_t i = 0; i < ELEMENTSOF(forwarded); ++i)
                (void) sigaddset(&set, forwarded[i]);
        (void) sigprocmask(hold ? SIG_BLOCK : SIG_UNBLOCK, &set, NULL);
}

/* A shell, say, that has jobs of its own was stopped: we stop too, for whoever waits for us. When we go on it gets the terminal back, if we have
 * got it. What is of our own process group stops and goes on with us by itself. */
static void stop_with(pid_t pid) {
        _cleanup_(closep) int terminal = -EBADF;
        pid_t group = getpgid(pid);

        if (group < 0 || group == getpgrp())
                return;

        (void) raise(SIGSTOP);
        terminal = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
        if (terminal >= 0 && tcgetpgrp(terminal) == getpgrp())
                (void) tcsetpgrp(terminal, group);
        (void) kill(-group, SIGCONT);
}

static int wait_for_command(Run *run, pid_t pid, int *ret_status) {
        for (;;) {
                if (waitpid(pid, ret_status, WUNTRACED) < 0) {
                        if (errno != EINTR)
                                return tool_error("cannot wait for '%s': %m", run->command[0]);
                } else if (WIFSTOPPED(*ret_status))
                        stop_with(pid);
                else
                        return EXIT_OK;
        }
}

/* *ret_status as waitpid() has it. */
static int run_command(Run *run, int *ret_status) {
        pid_t parent = getpid(), pid;
        int code;

        hold_signals(true);
        if (tool_interrupted()) {
                hold_signals(false);
                return tool_fail(E_ABORT, "'%s' was not run", run->command[0]);
        }

        pid = fork();
        if (pid < 0) {
                code = tool_error("cannot start a process: %m");
                hold_signals(false);
                return code;
        }
        if (pid == 0)
                become(run, parent);

        the_command = pid;
        forward_signals();
        hold_signals(false);
        code = wait_for_command(run, pid, ret_status);
        the_command = 0;
        return code;
}

/* What the command was told by a signal, whoever waits for us hears by the same, without a second core. */
static int end_as(int status) {
        static const struct rlimit no_core = { 0 };

        if (!WIFSIGNALED(status))
                return WEXITSTATUS(status);

        (void) setrlimit(RLIMIT_CORE, &no_core);
        (void) signal(WTERMSIG(status), SIG_DFL);
        (void) raise(WTERMSIG(status));
        return EXIT_SIGNALLED + WTERMSIG(status);
}

/* And the writers */

static bool command_succeeded;

static HRESULT report_component(Backup *b, const PlanComponent *c) {
        _cleanup_(component_name_clear) ComponentName n = component_name(c->component);
        const WriterMetadata *w = plan_writer(&b->plan, c);

        return IVssBackupComponents_SetBackupSucceeded(b->vss, w->instance_id, w->writer_id, c->component->type, n.path, n.name,
                                                       command_succeeded);
}

static int tell_writers(Run *run, bool succeeded) {
        Backup *b = &run->backup;
        HRESULT hr;

        command_succeeded = succeeded;
        hr = backup_for_each_component(b, report_component);
        if (SUCCEEDED(hr))
                hr = TOOL_WAIT(IVssBackupComponents_BackupComplete(b->vss, &async));
        if (FAILED(hr))
                return tool_fail(hr, "Cannot tell the writers that the backup is over");

        return backup_check_writers(b, "completing the backup", false);
}

static int run_on_shadow_copies(Run *run, int *ret_status) {
        int code, told;

        code = backup_take_set(&run->backup);
        if (code == EXIT_OK)
                code = compose_view(run);
        if (code == EXIT_OK)
                code = run_command(run, ret_status);
        if (code != EXIT_OK) {
                (void) IVssBackupComponents_AbortBackup(run->backup.vss);
                return code < 0 ? EXIT_WRITER : code;
        }

        told = tell_writers(run, WIFEXITED(*ret_status) && WEXITSTATUS(*ret_status) == 0);
        return told;
}

/* Options */

static int add_path(char ***paths, const char *path) {
        _cleanup_(freep) char *real = realpath(path, NULL);

        if (!real)
                return tool_error("%s: %m", path);
        return strv_append(paths, real) < 0 ? EXIT_FAILED : EXIT_OK;
}

/* -1: --help was printed. */
static int parse(Run *run, int argc, char *argv[]) {
        enum { OPT_WRITER = 1, OPT_VOLUME, OPT_EXCEPT };
        static const struct option options[] = {
                { "writer", required_argument, NULL, OPT_WRITER },
                { "volume", required_argument, NULL, OPT_VOLUME },
                { "except", required_argument, NULL, OPT_EXCEPT },
                TOOL_OPTIONS,
                { 0 },
        };
        int opt, r, code = EXIT_OK, end = 1;

        /* What stands behind "--" is the command's, options included. */
        while (end < argc && strcmp(argv[end], "--") != 0)
                ++end;

        optind = 0;
        while (code == EXIT_OK && (opt = getopt_long(end, argv, "h", options, NULL)) >= 0)
                switch (opt) {
                case OPT_WRITER:
                        if (strv_append(&run->backup.plan.writer_names, optarg) < 0)
                                code = EXIT_FAILED;
                        break;
                case OPT_VOLUME:
                        code = add_path(&run->backup.plan.paths, optarg);
                        break;
                case OPT_EXCEPT:
                        code = add_path(&run->backup.plan.exceptions, optarg);
                        break;
                default:
                        r = tool_option(opt == 'h' ? TOOL_OPT_HELP : opt, &verb_run);
                        if (r != 0)
                                return r > 0 ? -1 : EXIT_USAGE;
                }
        for (; code == EXIT_OK && optind < end; ++optind)
                code = add_path(&run->backup.plan.paths, argv[optind]);
        if (code != EXIT_OK)
                return code;

        if (end + 1 >= argc) {
                fprintf(stderr, "umbra: which command? umbra run [PATH…] -- COMMAND …\n");
                return EXIT_USAGE;
        }
        run->command = argv + end + 1;
        return EXIT_OK;
}

static int run_run(int argc, char *argv[]) {
        Run run = { .backup = { .plan = { .type = VSS_BT_COPY, .leaves_tmpfs = true }, .wait_seconds = WAIT_DEFAULT_SECONDS } };
        int code, status = 0;

        code = parse(&run, argc, argv);
        if (code == EXIT_OK) {
                run.backup.plan.whole_volumes = run.backup.plan.paths && !run.backup.plan.writer_names;
                tool_catch_interrupts();
                run.backup.vss = tool_connect(&code);
                if (run.backup.vss) {
                        code = run_on_shadow_copies(&run, &status);
                        IVssBackupComponents_Release(run.backup.vss); /* and with it the shadow copies */
                }
        } else if (code < 0)
                code = EXIT_OK; /* --help */

        run_view_free(run.view);
        backup_files_free(run.backup.files);
        backup_plan_clear_attempt(&run.backup.plan);
        backup_plan_clear(&run.backup.plan);
        strv_free(run.backup.left_out);
        return status != 0 ? end_as(status) : code;
}

const Verb verb_run = {
        .name = "run",
        .summary = "run a command that sees shadow copies at the original paths",
        .help = "umbra run [--writer NAME]… [--volume DIR]… [--except DIR]… [PATH…] -- COMMAND [ARGUMENT…]\n\n"
                "Takes a snapshot of what is named, with the writers at rest, and runs COMMAND, which sees the shadow copies,\n"
                "read-only, at the original paths, file systems mounted below included. Nobody else sees them. When COMMAND\n"
                "has ended the writers are told how, the shadow copies go, and umbra ends as COMMAND did: with its exit\n"
                "status, or by its signal.\n\n"
                "Without --writer, --volume or PATH: the files of all components of all writers.\n\n"
                "  --writer NAME       the files of this writer's components, each consistent\n"
                "  --volume DIR, PATH  these; all writers are at rest meanwhile\n"
                "  --except DIR        but not this, which stays as it is and can be written to; nor is a tmpfs below PATH\n\n"
                "  umbra run /srv -- restic backup /srv\n"
                "  umbra run --except /mnt/disk / -- borg create /mnt/disk::{now} /etc /home /srv\n"
                "  umbra run --writer SQLite -- rsync -a /srv/app/ store:app/\n\n"
                "Needs root. Exit codes of its own, when COMMAND was not run: as the other verbs; 126: it cannot be executed;\n"
                "127: it was not found.\n",
        .run = run_run,
};
