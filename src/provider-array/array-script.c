/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The Script of an Array
 *
 * What it complains while applications or file systems are held is logged after that: the log may be what waits.
 */

#include "provider-array/array-script.h"

#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <vsserror.h>

#include "base/alloc.h"
#include "base/command-leash.h"
#include "base/guid.h"
#include "base/log.h"

#define PROTOCOL 1
#define ARRAYS_DIR "/etc/umbra/arrays"
#define SCRIPT_PATH "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

static struct {
        CLSID class_id;
        char *held; /* complaints that are not in the log yet */

        pthread_mutex_t lock; /* guards this one, as copying back has a thread of its own */
        char reason[ARRAY_REASON_MAX];
} script = { .lock = PTHREAD_MUTEX_INITIALIZER };

void array_script_init(const CLSID *class_id) {
        script.class_id = *class_id;
}

HRESULT array_fail(HRESULT hr, const char *format, ...) {
        va_list ap;

        (void) pthread_mutex_lock(&script.lock);
        va_start(ap, format);
        (void) vsnprintf(script.reason, sizeof(script.reason), format, ap);
        va_end(ap);
        (void) pthread_mutex_unlock(&script.lock);
        return hr;
}

void array_take_reason(char reason[ARRAY_REASON_MAX]) {
        (void) pthread_mutex_lock(&script.lock);
        (void) memcpy(reason, script.reason, ARRAY_REASON_MAX);
        script.reason[0] = '\0';
        (void) pthread_mutex_unlock(&script.lock);
}

static HRESULT unexpected(const char *path, const char *what) {
        return array_fail(VSS_E_UNEXPECTED_PROVIDER_ERROR, "'%s' %s", path, what);
}

/* Who can write to it, or put another in its place, would run as us. */
static HRESULT check_owner(const char *path, mode_t type) {
        struct stat st;

        if (stat(path, &st) < 0)
                return unexpected(path, "cannot be looked at");
        if ((st.st_mode & S_IFMT) != type)
                return unexpected(path, "is no file");
        if ((st.st_uid != 0 && st.st_uid != geteuid()) || (st.st_mode & (S_IWGRP | S_IWOTH)))
                return unexpected(path, "can be written to by others, and so nothing in it is run: chown root, chmod go-w");
        return S_OK;
}

/* Where it really is, when it may be run. */
static HRESULT find(char **ret) {
        _cleanup_(freep) char *named = NULL, *path = NULL, *directory = NULL;
        HRESULT hr;

        if (format_to(&named, "%s/%s", getenv("UMBRA_ARRAYDIR") ?: ARRAYS_DIR, GUID_TO_STRING(&script.class_id)) < 0)
                return E_OUTOFMEMORY;
        path = realpath(named, NULL);
        if (!path)
                return array_fail(VSS_E_UNEXPECTED_PROVIDER_ERROR, "its script '%s' cannot be found: %m", named);
        if (strdup_to(path, &directory) < 0)
                return E_OUTOFMEMORY;

        hr = check_owner(path, S_IFREG);
        if (hr == S_OK)
                hr = check_owner(dirname(directory), S_IFDIR);
        if (hr == S_OK && access(path, X_OK) < 0)
                hr = unexpected(path, "cannot be executed: chmod u+x");
        if (hr == S_OK)
                *ret = TAKE_PTR(path);
        return hr;
}

static char *make_input(ArrayVerb verb, json_t *request) {
        int r;

        r = json_object_set_new(request, "protocol", json_integer(PROTOCOL));
        r |= json_object_set_new(request, "verb", json_string(array_verb_to_string(verb)));
        r |= json_object_set_new(request, "provider", json_string(GUID_TO_STRING(&script.class_id)));
        return r < 0 ? NULL : json_dumps(request, JSON_INDENT(2));
}

static bool is_held(ArrayVerb verb) {
        return verb == ARRAY_PRE_COMMIT || verb == ARRAY_COMMIT;
}

static void log_lines(char *text) {
        char *save = NULL;

        for (char *line = text ? strtok_r(text, "\n", &save) : NULL; line; line = strtok_r(NULL, "\n", &save))
                log_notice("%s", line);
}

/* Takes @errors over. */
static void complain(ArrayVerb verb, char *errors) {
        _cleanup_(freep) char *now = errors, *before = NULL;

        if (is_held(verb)) {
                if (!script.held)
                        script.held = TAKE_PTR(now);
                else if (now && format_to(&before, "%s%s", script.held, now) >= 0) {
                        free(script.held);
                        script.held = TAKE_PTR(before);
                }
                return;
        }

        before = TAKE_PTR(script.held);
        log_lines(before);
        log_lines(now);
}

static HRESULT parse_output(const char *path, ArrayVerb verb, const CommandEnd *end, json_t **ret) {
        const char *name = array_verb_to_string(verb);
        json_error_t error;
        json_t *o;

        if (!ret)
                return S_OK;

        o = json_loadb(end->output ?: "", end->output_size, JSON_REJECT_DUPLICATES, &error);
        if (!o)
                return array_fail(VSS_E_UNEXPECTED_PROVIDER_ERROR, "'%s %s' did not write JSON: %s in line %d", path, name,
                                  error.text, error.line);
        if (!json_is_object(o)) {
                json_decref(o);
                return array_fail(VSS_E_UNEXPECTED_PROVIDER_ERROR, "'%s %s' wrote JSON that is no object", path, name);
        }

        *ret = o;
        return S_OK;
}

/* It has ended by itself, however. */
static HRESULT judge(const char *path, ArrayVerb verb, CommandEnd *end, json_t **ret) {
        HRESULT hr = array_status_to_result(verb, end->status);
        const char *name = array_verb_to_string(verb), *why;

        if (hr == S_OK && end->status == ARRAY_STATUS_DONE)
                return parse_output(path, verb, end, ret);
        if (SUCCEEDED(hr))
                return hr;

        why = command_end_reason(end);
        if (end->status < 0)
                return array_fail(hr, "'%s %s' was killed by signal %d (%s)%s%s", path, name, -end->status,
                                  strsignal(-end->status), *why ? ": " : "", why);
        if (end->status == ARRAY_STATUS_NO && !*why)
                return array_fail(hr, "'%s' does not do '%s'", path, name);
        return array_fail(hr, "'%s %s' ended with %d: %s", path, name, end->status,
                          *why ? why : "it did not say why on its standard error");
}

static HRESULT run(const char *path, ArrayVerb verb, const char *input, json_t **ret) {
        const char *name = array_verb_to_string(verb);
        CommandLeash leash = {
                .input = input,
                .variables = (const char *const[]){ SCRIPT_PATH, NULL },
                .output_max = ARRAY_OUTPUT_MAX,
                .deadline = usec_add(now_usec(CLOCK_MONOTONIC), array_verb_timeout(verb)),
        };
        _cleanup_end_ CommandEnd end = { 0 };
        char span[SPAN_STRING_MAX];
        HRESULT hr;
        int r;

        r = command_run((const char *const[]){ path, name, NULL }, &leash, &end);
        if (r == -ETIMEDOUT)
                hr = array_fail(VSS_E_PROVIDER_VETO, "'%s %s' had not ended after %s and was killed", path, name,
                                span_to_string(array_verb_timeout(verb), span));
        else if (r == -E2BIG)
                hr = array_fail(VSS_E_UNEXPECTED_PROVIDER_ERROR, "'%s %s' wrote more than %u bytes and was killed", path,
                                name, ARRAY_OUTPUT_MAX);
        else if (r < 0)
                hr = array_fail(r == -ENOMEM ? E_OUTOFMEMORY : VSS_E_UNEXPECTED_PROVIDER_ERROR, "'%s' cannot be run: %s",
                                path, strerror(-r));
        else
                hr = judge(path, verb, &end, ret);
        complain(verb, TAKE_PTR(end.errors));
        return hr;
}

HRESULT array_script_call(ArrayVerb verb, json_t *request, json_t **ret) {
        json_t *whole = request ?: json_object();
        _cleanup_(freep) char *path = NULL, *input = NULL;
        HRESULT hr;

        array_take_reason((char[ARRAY_REASON_MAX]){ 0 });
        input = whole ? make_input(verb, whole) : NULL;
        json_decref(whole);
        if (!input)
                return E_OUTOFMEMORY;

        hr = find(&path);
        return hr == S_OK ? run(path, verb, input, ret) : hr;
}
