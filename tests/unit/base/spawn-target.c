/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What test-process-util.c starts: a program that does one thing, named by its first argument, and tells of
 * itself on its standard output. Ends by itself after a minute, should the test forget it.
 */

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd-util.h"
#include "base/macro.h"
#include "base/process-util.h"

#define LIFE_SEC 60U

static int do_exit(const char *arg) {
        return atoi(arg);
}

static int do_die(const char *arg) {
        (void) raise(atoi(arg));
        return EXIT_FAILURE;
}

static int do_sleep(const char *arg) {
        (void) pause();
        return EXIT_FAILURE;
}

/* The numbers of all open descriptors. */
static int do_fds(const char *arg) {
        DIR *dir = opendir("/proc/self/fd");
        struct dirent *entry;
        unsigned open[64] = { 0 };

        while ((entry = readdir(dir)))
                if (*entry->d_name != '.' && atoi(entry->d_name) != dirfd(dir))
                        open[(unsigned) atoi(entry->d_name) % ELEMENTSOF(open)] = 1;
        (void) closedir(dir);

        for (unsigned i = 0; i < ELEMENTSOF(open); ++i)
                if (open[i])
                        (void) printf("%u ", i);
        return EXIT_SUCCESS;
}

/* What can be read from descriptors 3 up to and with @arg. */
static int do_read(const char *arg) {
        for (int fd = 3; fd <= atoi(arg); ++fd) {
                _cleanup_(freep) char *text = NULL;

                if (fd_read_text(fd, 1024, &text) < 0)
                        return EXIT_FAILURE;
                (void) printf("%d:%s ", fd, text);
        }

        return EXIT_SUCCESS;
}

static int do_speak(const char *arg) {
        (void) fprintf(stderr, "err %s\n", arg);
        (void) printf("out %s\n", arg);
        return EXIT_SUCCESS;
}

/* Which signals are blocked and which are ignored. */
static int do_signals(const char *arg) {
        sigset_t mask;

        (void) sigprocmask(SIG_SETMASK, NULL, &mask);
        for (int signo = 1; signo < SIGRTMIN; ++signo) {
                struct sigaction action;

                if (sigismember(&mask, signo))
                        (void) printf("blocked:%d ", signo);
                if (sigaction(signo, NULL, &action) == 0 && action.sa_handler == SIG_IGN)
                        (void) printf("ignored:%d ", signo);
        }

        return EXIT_SUCCESS;
}

static int do_session(const char *arg) {
        (void) printf("%s", getsid(0) == getpid() ? "own" : "inherited");
        return EXIT_SUCCESS;
}

static int do_environment(const char *arg) {
        for (char **e = environ; *e; ++e)
                if (strncmp(*e, "UMBRA_TEST", strlen("UMBRA_TEST")) == 0)
                        (void) printf("%s ", *e);
        return EXIT_SUCCESS;
}

/* Starts another one of itself, which holds descriptor 3 and is to die with this one; says so there, and
 * sleeps. */
static int do_parent(const char *arg) {
        char name[] = "spawn-target", deed[] = "sleep", nothing[] = "";
        char *const argv[] = { name, deed, nothing, NULL };
        const int fds[] = { 3 };
        const SpawnOptions options = {
                .path = arg,
                .argv = argv,
                .fds = fds,
                .n_fds = ELEMENTSOF(fds),
                .die_with_parent = true,
        };
        int pidfd;

        if (process_spawn(&options, NULL, &pidfd) < 0)
                return EXIT_FAILURE;
        if (fd_write_all(3, "x", 1) < 0)
                return EXIT_FAILURE;

        return do_sleep(arg);
}

static const struct {
        const char *name;
        int (*run)(const char *arg);
} deeds[] = {
        { "exit", do_exit },
        { "die", do_die },
        { "sleep", do_sleep },
        { "fds", do_fds },
        { "read", do_read },
        { "speak", do_speak },
        { "signals", do_signals },
        { "session", do_session },
        { "environment", do_environment },
        { "parent", do_parent },
};

int main(int argc, char **argv) {
        (void) alarm(LIFE_SEC);

        for (size_t i = 0; argc == 3 && i < ELEMENTSOF(deeds); ++i)
                if (strcmp(deeds[i].name, argv[1]) == 0)
                        return deeds[i].run(argv[2]);

        return 64;
}
