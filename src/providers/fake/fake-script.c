/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What Goes Wrong, and When
 *
 * The script is read anew at each call, so a test may change it while a worker runs.
 */

#include "providers/fake/fake-script.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd-util.h"
#include "base/string-table.h"
#include "base/strv.h"

#define SCRIPT_MAX 65536U

static const char *const fake_function_table[_FAKE_FUNCTION_MAX] = {
        [FAKE_PROBE] = "probe",
        [FAKE_USAGE] = "usage",
        [FAKE_PLAN] = "plan",
        [FAKE_PREPARE] = "prepare",
        [FAKE_PRE_COMMIT] = "pre_commit",
        [FAKE_COMMIT] = "commit",
        [FAKE_SURFACE] = "surface",
        [FAKE_DISCARD] = "discard",
        [FAKE_UNSEAL] = "unseal",
        [FAKE_SEAL] = "seal",
        [FAKE_EXPOSE] = "expose",
        [FAKE_UNEXPOSE] = "unexpose",
        [FAKE_MAY_REVERT] = "may_revert",
        [FAKE_REVERT] = "revert",
        [FAKE_BREAK_OFF] = "break_off",
        [FAKE_IMPORT] = "import",
};

static atomic_uint calls[_FAKE_FUNCTION_MAX];

/* The lines of both sources. */
static int script_read(const ProviderEnv *env, char ***ret) {
        _cleanup_(freep) char *path = NULL, *text = NULL;
        const char *more = getenv("UMBRA_FAKE_SCRIPT");
        _cleanup_(freep) char *both = NULL;
        int r;

        r = format_to(&path, "%s/fake.script", env->state_dir);
        if (r < 0)
                return r;

        r = file_read_text(path, SCRIPT_MAX, &text);
        if (r < 0 && r != -ENOENT)
                return r;

        r = format_to(&both, "%s\n%s", more ?: "", text ?: "");
        if (r < 0)
                return r;

        return strv_split(both, ";\n", ret);
}

/* "commit.2 = fail EIO" becomes { "commit.2", "=", "fail", "EIO" }, and an empty line nothing. */
static int line_words(const char *line, char ***ret) {
        _cleanup_(strv_freep) char **words = NULL;
        int r;

        r = strv_split(line, " \t", &words);
        if (r < 0)
                return r;
        if (words && words[0][0] != '#' && (strv_length(words) < 3 || strcmp(words[1], "=") != 0))
                return provider_fail(-EINVAL, "the script says '%s'", line);

        *ret = TAKE_PTR(words);
        return 0;
}

static int error_from_name(const char *name) {
        for (int error = 1; error < 200; ++error) {
                const char *known = strerrorname_np(error);

                if (known && strcmp(known, name) == 0)
                        return error;
        }

        return EINVAL;
}

static _Noreturn void hang(void) {
        for (;;)
                (void) pause();
}

#define LINGER_POLL_USEC (10 * USEC_PER_MSEC)

static int act(const char *action, const char *operand) {
        if (strcmp(action, "kill") == 0)
                (void) kill(getpid(), SIGKILL);
        if (strcmp(action, "kill") == 0 || strcmp(action, "hang") == 0)
                hang();

        if (strcmp(action, "sleep") == 0 && operand) {
                unsigned long msec = strtoul(operand, NULL, 10);
                struct timespec t = timespec_from_usec(msec * USEC_PER_MSEC);

                while (nanosleep(&t, &t) < 0 && errno == EINTR)
                        ;
                return 0;
        }

        if (strcmp(action, "linger") == 0)
                return -EAGAIN;

        if (strcmp(action, "fail") == 0 && operand)
                return provider_fail(-error_from_name(operand), "the script says so (%m)");

        return provider_fail(-EINVAL, "the script says '%s'", action);
}

static bool is_call(const char *word, FakeFunction f, unsigned call) {
        const char *name = fake_function_table[f];
        size_t n = strlen(name);

        if (strncmp(word, name, n) != 0)
                return false;

        return word[n] == '\0' || (word[n] == '.' && strtoul(word + n + 1, NULL, 10) == call);
}

typedef int (*ScriptVisit)(char *const *words, void *userdata);

/* The lines that say something, until @visit fails. */
static int script_for_each(const ProviderEnv *env, ScriptVisit visit, void *userdata) {
        _cleanup_(strv_freep) char **lines = NULL;
        int r;

        r = script_read(env, &lines);
        if (r < 0)
                return provider_fail(r, "the script cannot be read: %m");

        STRV_FOREACH(line, lines) {
                _cleanup_(strv_freep) char **words = NULL;

                r = line_words(*line, &words);
                if (r >= 0 && words)
                        r = visit(words, userdata);
                if (r < 0)
                        return r;
        }

        return 0;
}

typedef struct Call {
        FakeFunction function;
        unsigned number;
        bool after;
} Call;

/* -EAGAIN: it lingers. */
static int visit_call(char *const *words, void *userdata) {
        const Call *call = userdata;

        return is_call(words[0], call->function, call->number) && strv_contains(words, "after") == call->after ?
                       act(words[2], words[3]) :
                       0;
}

static int script_run(const ProviderEnv *env, FakeFunction f, unsigned call, bool after) {
        const struct timespec poll = timespec_from_usec(LINGER_POLL_USEC);
        Call c = { .function = f, .number = call, .after = after };
        int r;

        while ((r = script_for_each(env, visit_call, &c)) == -EAGAIN)
                (void) nanosleep(&poll, NULL);
        return r;
}

int fake_script_before(const ProviderEnv *env, FakeFunction f, unsigned *ret_call) {
        unsigned call = atomic_fetch_add(&calls[f], 1) + 1;
        int r;

        r = script_run(env, f, call, false);
        if (r < 0)
                return r;

        *ret_call = call;
        return 0;
}

int fake_script_after(const ProviderEnv *env, FakeFunction f, unsigned call) {
        return script_run(env, f, call, true);
}

static uint32_t flags_from_words(char *const *words) {
        return (strv_contains(words, "wants-hold") ? (uint32_t) PROVIDER_WANTS_HOLD : 0) |
               (strv_contains(words, "forbids-hold") ? (uint32_t) PROVIDER_FORBIDS_HOLD : 0) |
               (strv_contains(words, "wants-suspend") ? (uint32_t) PROVIDER_WANTS_SUSPEND : 0) |
               (strv_contains(words, "pre-commit") ? (uint32_t) PROVIDER_HAS_PRE_COMMIT : 0);
}

static int visit_probe(char *const *words, void *userdata) {
        ProviderProbe *probe = userdata;

        if (strcmp(words[0], "flags") == 0)
                probe->flags = flags_from_words(words + 2);
        if (strcmp(words[0], "consistency") == 0) {
                probe->consistency = atoi(words[2]);
                probe->consistency_held = atoi(words[3] ?: words[2]);
        }
        return 0;
}

int fake_script_probe(const ProviderEnv *env, ProviderProbe *probe) {
        return script_for_each(env, visit_probe, probe);
}

static int visit_usage(char *const *words, void *userdata) {
        ProviderUsage *usage = userdata;

        if (strcmp(words[0], "used") != 0)
                return 0;

        usage->used = strcmp(words[2], "unknown") == 0 ? PROVIDER_SIZE_UNKNOWN : strtoull(words[2], NULL, 10);
        usage->allocated = usage->used;
        return 0;
}

int fake_script_usage(const ProviderEnv *env, ProviderUsage *usage) {
        return script_for_each(env, visit_usage, usage);
}

static int visit_reverted(char *const *words, void *userdata) {
        if (strcmp(words[0], "reverted") == 0)
                *(int *) userdata = strcmp(words[2], "waits") == 0 ? PROVIDER_REVERT_WAITS : PROVIDER_REVERTED_WITH_ALL;
        return 0;
}

int fake_script_reverted(const ProviderEnv *env) {
        int r, reverted = PROVIDER_REVERTED;

        r = script_for_each(env, visit_reverted, &reverted);
        return r < 0 ? r : reverted;
}
