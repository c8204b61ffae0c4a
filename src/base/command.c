/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Commands
 */

#include "base/command.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd-util.h"
#include "base/process-util.h"
#include "base/strv.h"

/* Where administrators' programs are, whatever the environment says. */
#define MORE_PATHS "/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin"

/* Whoever complains more than that has said why before. */
#define REASON_MAX (64U * 1024U)

void command_clear(Command *c) {
        c->pidfd = fd_close(c->pidfd);
        c->out_fd = fd_close(c->out_fd);
        c->err_fd = fd_close(c->err_fd);
}

static bool can_be_run(const char *path) {
        struct stat st;

        return stat(path, &st) >= 0 && S_ISREG(st.st_mode) && access(path, X_OK) >= 0;
}

/* Only absolute directories count: what is in the current one is nobody's program. */
static int find_below(const char *directories, const char *name, char **ret) {
        _cleanup_(strv_freep) char **list = NULL;
        int r;

        r = strv_split(directories, ":", &list);
        if (r < 0)
                return r;

        STRV_FOREACH(dir, list) {
                _cleanup_(freep) char *path = NULL;

                r = format_to(&path, "%s/%s", *dir, name);
                if (r < 0)
                        return r;
                if (**dir == '/' && can_be_run(path)) {
                        *ret = TAKE_PTR(path);
                        return 0;
                }
        }

        return -ENOENT;
}

static int find(const char *name, char **ret) {
        const char *path = secure_getenv("PATH");
        int r;

        if (name[0] == '/')
                return can_be_run(name) ? strdup_to(name, ret) : -ENOENT;

        r = path ? find_below(path, name, ret) : -ENOENT;
        return r == -ENOENT ? find_below(MORE_PATHS, name, ret) : r;
}

bool command_exists(const char *name) {
        _cleanup_(freep) char *path = NULL;

        return find(name, &path) >= 0;
}

/* Ours, but for the language: what people are told is in one, and what programs read is in C's. */
static int make_environment(const CommandOptions *o, char ***ret) {
        _cleanup_(strv_freep) char **environment = NULL;
        int r = 0;

        for (char **p = o->only_variables ? NULL : environ; p && *p && r >= 0; ++p)
                if (strncmp(*p, "LC_", 3) != 0 && strncmp(*p, "LANG", 4) != 0)
                        r = strv_append(&environment, *p);
        if (r >= 0)
                r = strv_append(&environment, "LC_ALL=C");
        for (const char *const *p = o->variables; p && *p && r >= 0; ++p)
                r = strv_append(&environment, *p);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(environment);
        return 0;
}

static int copy_words(const char *const *argv, char ***ret) {
        _cleanup_(strv_freep) char **copy = NULL;

        for (const char *const *word = argv; *word; ++word) {
                int r = strv_append(&copy, *word);

                if (r < 0)
                        return r;
        }

        *ret = TAKE_PTR(copy);
        return 0;
}

/* Where a command writes to: what its caller chose, or a file without a name that is read when it has ended. */
static int keep(const char *name, int *fd, int *ret_kept) {
        if (*fd > 0)
                return 0;

        *fd = *ret_kept = memfd_create(name, MFD_CLOEXEC);
        return *fd < 0 ? -errno : 0;
}

int command_start_with(const char *const *argv, const CommandOptions *o, Command *ret) {
        _cleanup_(command_clear) Command c = COMMAND_INIT;
        _cleanup_(strv_freep) char **words = NULL, **environment = NULL;
        _cleanup_(freep) char *path = NULL;
        _cleanup_(freep) int *fds = NULL;
        SpawnOptions options = {
                .stdin_fd = o->stdin_fd,
                .stdout_fd = o->out_fd,
                .stderr_fd = o->err_fd,
                .die_with_parent = o->die_with_parent,
                .new_session = true,
                .about_to_begin = o->about_to_begin,
                .userdata = o->userdata,
        };
        int r;

        r = find(argv[0], &path);
        if (r >= 0)
                r = copy_words(argv, &words);
        if (r >= 0)
                r = make_environment(o, &environment);
        if (r < 0)
                return r;

        fds = calloc_checked(o->n_locks + 1, sizeof(*fds));
        if (!fds)
                return -ENOMEM;
        for (size_t i = 0; i < o->n_locks; ++i)
                if (o->locks[i] > 0)
                        fds[options.n_fds++] = o->locks[i];

        r = keep("command-output", &options.stdout_fd, &c.out_fd);
        if (r >= 0)
                r = keep("command-errors", &options.stderr_fd, &c.err_fd);
        if (r < 0)
                return r;

        options.path = path;
        options.argv = words;
        options.envp = environment;
        options.fds = fds;
        r = process_spawn(&options, &c.pid, &c.pidfd);
        if (r < 0)
                return r;

        *ret = c;
        c = (Command) COMMAND_INIT;
        return 0;
}

int command_start(const char *const *argv, const int *locks, size_t n_locks, Command *ret) {
        return command_start_with(argv, &(CommandOptions){ .locks = locks, .n_locks = n_locks }, ret);
}

int command_wait(Command *c, usec_t deadline, int *ret_status) {
        usec_t now = now_usec(CLOCK_MONOTONIC);

        return process_wait(c->pidfd, deadline > now ? deadline - now : 0, ret_status);
}

static int read_all(int fd, size_t max, char **ret) {
        return lseek(fd, 0, SEEK_SET) < 0 ? -errno : fd_read_text(fd, max, ret);
}

int command_output(const Command *c, size_t max, char **ret) {
        return read_all(c->out_fd, max, ret);
}

int command_reason(const Command *c, char **ret) {
        _cleanup_(freep) char *text = NULL;
        char *end, *line;
        int r;

        r = read_all(c->err_fd, REASON_MAX, &text);
        if (r == -E2BIG || r == -EILSEQ)
                return strdup_to("", ret);
        if (r < 0)
                return r;

        end = text + strlen(text);
        while (end > text && strchr(" \t\r\n", end[-1]))
                *--end = '\0';
        line = strrchr(text, '\n');
        line = line ? line + 1 : text;
        return strdup_to(line + strspn(line, " \t"), ret);
}
