/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Services That Must Not Run
 */

#include "tools/restore-service.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fd-util.h"
#include "base/process-util.h"
#include "base/strv.h"
#include "base/time-util.h"
#include "tools/tool-vss.h"
#include "tools/verb.h"

/* A unit has 90 s by itself, unless it says otherwise. */
#define SERVICE_TIMEOUT_USEC (180 * USEC_PER_SEC)
#define SERVICE_NAME_MAX 255U

/* What "is-active" exits with. */
#define SYSTEMCTL_NOT_RUNNING 3
#define SYSTEMCTL_NO_SUCH_UNIT 4

void restore_services_clear(RestoreServices *s) {
        s->stopped = strv_free(s->stopped);
        s->restart = strv_free(s->restart);
}

bool service_name_is_valid(const char *unit) {
        if (!*unit || *unit == '-' || *unit == '.' || strlen(unit) > SERVICE_NAME_MAX)
                return false;

        for (const char *p = unit; *p; ++p)
                if (!isalnum((unsigned char) *p) && !strchr(":-_.\\@", *p))
                        return false;

        return true;
}

/* The exit status of "systemctl VERB UNIT"; -errno when it did not come to that. */
static int systemctl(const char *verb, const char *unit) {
        const char *const words[] = { "systemctl", verb, "--quiet", "--", unit };
        _cleanup_(strv_freep) char **argv = NULL;
        _cleanup_(freep) char *path = NULL;
        _cleanup_(closep) int pidfd = -EBADF;
        SpawnOptions options = { .die_with_parent = true };
        int r = 0, status;

        for (size_t i = 0; i < ELEMENTSOF(words) && r == 0; ++i)
                r = strv_append(&argv, words[i]);
        if (r < 0)
                return r;

        r = program_path("systemctl", "/usr/bin", &path);
        if (r < 0)
                return r;

        options.path = path;
        options.argv = argv;
        r = process_spawn(&options, NULL, &pidfd);
        if (r < 0)
                return r;

        r = process_end(pidfd, SERVICE_TIMEOUT_USEC, &status);
        if (r < 0)
                return r;

        return status < 0 ? -EPIPE : status; /* killed, probably because it took too long */
}

static int control(const char *verb, const char *unit) {
        int r = systemctl(verb, unit);

        if (r == 0) {
                tool_say("systemctl %s %s", verb, unit);
                return EXIT_OK;
        }
        if (r == -ENOENT)
                return tool_error(
                        "there is no systemctl here to %s '%s'; do it by hand, and say --no-services", verb,
                        unit);
        if (r < 0)
                return tool_error(
                        "'systemctl %s %s' did not end in time; do it by hand, and say --no-services", verb,
                        unit);
        return tool_error("'systemctl %s %s' failed with %d; do it by hand, and say --no-services", verb,
                          unit, r);
}

/* Without systemd nobody can say, and that is an error. [systemctl(1), exit status] */
static int ask_active(const char *unit, bool *ret) {
        int r = systemctl("is-active", unit);

        if (r == 0 || r == SYSTEMCTL_NOT_RUNNING || r == SYSTEMCTL_NO_SUCH_UNIT) {
                *ret = r == 0;
                return EXIT_OK;
        }
        if (r == -ENOENT)
                return tool_error(
                        "the service '%s' must not run meanwhile, and there is no systemctl here to stop it; do it by hand, "
                        "and say --no-services",
                        unit);
        return tool_error(
                "the service '%s' must not run meanwhile, and systemd cannot be asked whether it does; stop it by hand, and "
                "say --no-services",
                unit);
}

int restore_services_stop(RestoreServices *s, const char *unit) {
        bool active = false;
        int code;

        if (strv_contains(s->stopped, unit))
                return EXIT_OK;

        code = ask_active(unit, &active);
        if (code != EXIT_OK || !active)
                return code;

        code = control("stop", unit);
        if (code == EXIT_OK && strv_append(&s->stopped, unit) < 0)
                return tool_fail(E_OUTOFMEMORY, "Cannot remember that '%s' was stopped; start it again",
                                 unit);
        return code;
}

int restore_services_restart_later(RestoreServices *s, const char *unit) {
        if (strv_contains(s->restart, unit))
                return EXIT_OK;

        return strv_append(&s->restart, unit) < 0 ? tool_fail(E_OUTOFMEMORY, "Cannot plan the restore") :
                                                    EXIT_OK;
}

int restore_services_start(RestoreServices *s) {
        int code = EXIT_OK;

        STRV_FOREACH(unit, s->stopped)
                if (control("start", *unit) != EXIT_OK)
                        code = EXIT_FAILED;
        s->stopped = strv_free(s->stopped);

        STRV_FOREACH(unit, s->restart) {
                bool active = false;

                if (ask_active(*unit, &active) != EXIT_OK ||
                    (active && (control("stop", *unit) != EXIT_OK || control("start", *unit) != EXIT_OK)))
                        code = EXIT_FAILED;
        }
        s->restart = strv_free(s->restart);
        return code;
}

void restore_services_say_stopped(const RestoreServices *s) {
        STRV_FOREACH(unit, s->stopped)
                fprintf(stderr,
                        "umbra: the service '%s' was stopped and stays so, because its files are not complete\n",
                        *unit);
}
