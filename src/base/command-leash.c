/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Commands on a Leash
 */

#include "base/command-leash.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd-util.h"
#include "base/process-util.h"
#include "base/utf.h"

#define PIECE_SIZE 4096U

/* How long the kernel may take to end what was killed; what sleeps in it is nobody's to wait for. */
#define KILL_PATIENCE_USEC (1 * USEC_PER_SEC)

/* A process that sees to it that what the command has started ends when we do, however that comes about. */
typedef struct Keeper {
        pid_t pid;
        int fd; /* what it reads from: a byte lets it go, the end makes it kill */
} Keeper;

/* What is read of one of its two pipes. */
typedef struct Stream {
        int fd; /* negative: the end was read */
        char *text;
        size_t size, capacity, max;
        bool keep_end; /* over @max the beginning goes, and not the command */
} Stream;

typedef struct Run {
        Command command;
        Keeper keeper;
        Stream out, err;
} Run;

static void run_clear(Run *r) {
        command_clear(&r->command);
        r->keeper.fd = fd_close(r->keeper.fd);
        r->out.fd = fd_close(r->out.fd);
        r->err.fd = fd_close(r->err.fd);
        free(r->out.text);
        free(r->err.text);
}

void command_end_clear(CommandEnd *e) {
        free(e->output);
        free(e->errors);
        *e = (CommandEnd){ 0 };
}

static int stream_append(Stream *s, const char *piece, size_t n) {
        int r;

        if (s->size + n > s->max) {
                if (!s->keep_end)
                        return -E2BIG;
                memmove(s->text, s->text + s->size / 2, s->size - s->size / 2);
                s->size -= s->size / 2;
        }
        r = ARRAY_RESERVE(s->text, s->capacity, s->size + n + 1);
        if (r < 0)
                return r;

        memcpy(s->text + s->size, piece, n);
        s->size += n;
        s->text[s->size] = '\0';
        return 0;
}

/* As a text: it is for people. */
static char *take_text(Stream *s) {
        for (size_t i = 0; i < s->size; ++i)
                if (s->text[i] == '\0')
                        s->text[i] = '?';
        return TAKE_PTR(s->text);
}

/* Whatever is there, and no more: somebody may write as fast as we read. */
static int stream_read(Stream *s, size_t max) {
        char piece[PIECE_SIZE];
        int r = 0;

        for (size_t got = 0; s->fd >= 0 && got < max && r >= 0;) {
                ssize_t n = read(s->fd, piece, sizeof(piece));

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return errno == EAGAIN ? 0 : -errno;
                if (n == 0)
                        s->fd = fd_close(s->fd);
                got += (size_t) n;
                r = stream_append(s, piece, (size_t) n);
        }
        return r;
}

/* In a copy of a program with threads: nothing but system calls, and no descriptor of ours stays open. */
static _Noreturn void keeper_run(pid_t group, int fd) {
        char c;
        ssize_t n;

        if (dup2(fd, STDIN_FILENO) < 0 || close_range(1, UINT_MAX, 0) < 0)
                _exit(EXIT_FAILURE);
        while ((n = read(STDIN_FILENO, &c, 1)) < 0 && errno == EINTR)
                ;
        if (n == 0)
                (void) kill(-group, SIGKILL);
        _exit(EXIT_SUCCESS);
}

/* Before the command begins: there is never a moment in which it runs and we could die unnoticed. */
static int keeper_start(pid_t group, void *userdata) {
        Keeper *k = userdata;
        _cleanup_(closep) int theirs = -EBADF;
        sigset_t all, saved;
        int fds[2];

        if (pipe2(fds, O_CLOEXEC) < 0)
                return -errno;
        theirs = fds[0];
        k->fd = fds[1];

        (void) sigfillset(&all);
        (void) pthread_sigmask(SIG_SETMASK, &all, &saved);
        k->pid = fork();
        if (k->pid == 0)
                keeper_run(group, theirs);
        (void) pthread_sigmask(SIG_SETMASK, &saved, NULL);
        return k->pid < 0 ? -errno : 0;
}

static void keeper_end(Keeper *k) {
        if (k->pid <= 0)
                return;

        (void) fd_write_all(k->fd, "", 1);
        k->fd = fd_close(k->fd);
        while (waitpid(k->pid, NULL, 0) < 0 && errno == EINTR)
                ;
        k->pid = 0;
}

/* Until it has ended, or a reason to kill it. */
static int follow(Run *run, usec_t deadline) {
        for (;;) {
                struct pollfd fds[] = {
                        { .fd = run->command.pidfd, .events = POLLIN },
                        { .fd = run->out.fd, .events = POLLIN },
                        { .fd = run->err.fd, .events = POLLIN },
                };
                usec_t now = now_usec(CLOCK_MONOTONIC);
                struct timespec left = timespec_from_usec(deadline > now ? deadline - now : 0);
                int r;

                if (deadline <= now)
                        return -ETIMEDOUT;
                if (ppoll(fds, ELEMENTSOF(fds), &left, NULL) < 0 && errno != EINTR)
                        return -errno;

                r = stream_read(&run->out, PIECE_SIZE);
                if (r >= 0)
                        r = stream_read(&run->err, PIECE_SIZE);
                if (r < 0)
                        return r;
                if (fds[0].revents == 0)
                        continue;

                /* What is in the pipes now is all that it has said. */
                r = stream_read(&run->out, run->out.max + 1);
                return r < 0 ? r : stream_read(&run->err, run->err.max);
        }
}

static int open_pipe(int *ret_read, int *ret_write) {
        int fds[2];

        if (pipe2(fds, O_CLOEXEC) < 0)
                return -errno;
        *ret_read = fds[0];
        *ret_write = fds[1];
        return fd_set_nonblock(fds[0], true);
}

static int start(const char *const *argv, const CommandLeash *leash, Run *run) {
        _cleanup_(closep) int in = -EBADF, out = -EBADF, err = -EBADF;
        CommandOptions options = {
                .variables = leash->variables,
                .only_variables = true,
                .die_with_parent = true,
                .about_to_begin = keeper_start,
                .userdata = &run->keeper,
        };
        int r;

        in = memfd_new_sealed("command-input", leash->input, strlen(leash->input));
        if (in < 0)
                return in;
        if (lseek(in, 0, SEEK_SET) < 0)
                return -errno;

        r = open_pipe(&run->out.fd, &out);
        if (r >= 0)
                r = open_pipe(&run->err.fd, &err);
        if (r < 0)
                return r;

        options.stdin_fd = in;
        options.out_fd = out;
        options.err_fd = err;
        return command_start_with(argv, &options, &run->command);
}

int command_run(const char *const *argv, const CommandLeash *leash, CommandEnd *ret) {
        _cleanup_(run_clear) Run run = {
                .command = COMMAND_INIT,
                .keeper = { .fd = -EBADF },
                .out = { .fd = -EBADF, .max = leash->output_max },
                .err = { .fd = -EBADF, .max = COMMAND_ERRORS_MAX, .keep_end = true },
        };
        CommandEnd end = { 0 };
        int r, q;

        *ret = end;
        r = start(argv, leash, &run);
        if (r < 0) {
                keeper_end(&run.keeper);
                return r;
        }

        r = follow(&run, leash->deadline);
        keeper_end(&run.keeper); /* the command is not reaped yet, so the number is nobody else's */
        (void) kill(-run.command.pid, SIGKILL);
        q = process_wait(run.command.pidfd, KILL_PATIENCE_USEC, &end.status);

        end.output = TAKE_PTR(run.out.text);
        end.output_size = run.out.size;
        end.errors = take_text(&run.err);
        *ret = end;
        return r < 0 ? r : q;
}

const char *command_end_reason(CommandEnd *e) {
        char *line, *end;
        bool valid;

        if (!e->errors)
                return "";

        end = e->errors + strlen(e->errors);
        while (end > e->errors && strchr(" \t\r\n", end[-1]))
                *--end = '\0';
        line = strrchr(e->errors, '\n');
        line = line ? line + 1 : e->errors;
        line += strspn(line, " \t");
        valid = utf8_is_valid(line);
        for (char *p = line; *p; ++p)
                if ((unsigned char) *p < ' ' || *p == 0x7f || ((unsigned char) *p >= 0x80 && !valid))
                        *p = '?';
        return line;
}
