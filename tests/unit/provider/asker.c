/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Asking a Provider and Waiting
 */

#include "unit/provider/asker.h"

#include <signal.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "provider/provider-builtin.h"
#include "base/hresult.h"
#include "base/process-util.h"

void answer_clear(Answer *a) {
        free(a->message);
        free(a->text);
        *a = (Answer) { 0 };
}

void answer_take(ProviderClient *c, const ProviderAnswer *answer, void *userdata) {
        Answer *a = userdata;

        ++a->n_times;
        a->hr = answer->hr;
        assert_int_equal(free_and_strdup(&a->message, answer->message), 0);
        assert_int_equal(free_and_strdup(&a->text, answer->text), 0);
        a->permille = answer->permille;
        if (answer->probe)
                a->probe = *answer->probe;
        if (answer->space) {
                assert_int_equal(free_and_strdup(&a->text, answer->space->place), 0);
                a->space = *answer->space;
                a->space.place = NULL;
        }
}

static void asker_client(Asker *a) {
        assert_int_equal(provider_client_new(a->event, &a->env, &a->info, &a->client), 0);
}

static void start(Asker *a, const ProviderInfo *info, const ProviderEnv *env) {
        *a = (Asker) { .env = *env, .info = *info };
        assert_true(sd_event_new(&a->event) >= 0);
        asker_client(a);
}

void asker_start(Asker *a, const char *provider, const ProviderEnv *env) {
        start(a, &(ProviderInfo){ .name = provider }, env); /* there may be no such provider */
}

void asker_start_foreign(Asker *a, const char *provider, const GUID *class_id, const ProviderEnv *env) {
        start(a, &(ProviderInfo){ .name = provider, .id = *class_id, .class_id = *class_id, .foreign = true }, env);
}

void asker_stop(Asker *a) {
        a->client = provider_client_free(a->client);
        a->event = sd_event_unref(a->event);
}

void asker_restart(Asker *a) {
        a->client = provider_client_free(a->client);
        asker_client(a);
}

void asker_await(Asker *a, const Answer *answer) {
        while (answer->n_times == 0)
                assert_true(sd_event_run(a->event, UINT64_MAX) >= 0);

        while (sd_event_run(a->event, 0) > 0) /* does it come once more? */
                ;
        assert_int_equal(answer->n_times, 1);
}

void asker_kill(Asker *a) {
        assert_int_equal(kill(provider_client_pid(a->client), SIGKILL), 0);
}

/* The calls differ in their middle only. */
#define ASK(a, function, ...)                                                                       \
        do {                                                                                        \
                ProviderClient *client = (a)->client;                                               \
                Answer answer = { 0 };                                                              \
                int r;                                                                              \
                                                                                                    \
                r = function(client, ##__VA_ARGS__, ASKER_TIMEOUT_USEC, answer_take, &answer);      \
                assert_int_equal(r, 0);                                                             \
                asker_await((a), &answer);                                                          \
                return answer;                                                                      \
        } while (0)

Answer ask_probe(Asker *a, const char *volume) {
        ASK(a, provider_client_probe, volume);
}

Answer ask_usage(Asker *a, const char *volume, char *const *notes) {
        ASK(a, provider_client_usage, volume, notes);
}

Answer ask_plan(Asker *a, const ProviderSnapshot *s) {
        ASK(a, provider_client_plan, s);
}

Answer ask_prepare(Asker *a, const GUID *id) {
        ASK(a, provider_client_prepare, id);
}

Answer ask_sync(Asker *a) {
        ASK(a, provider_client_sync);
}

Answer ask_pre_commit(Asker *a) {
        ASK(a, provider_client_pre_commit);
}

Answer ask_commit(Asker *a, const GUID *held, size_t n_held) {
        const ProviderCommit what = { .held = held, .n_held = n_held };

        ASK(a, provider_client_commit, &what);
}

Answer ask_surface(Asker *a, const ProviderSnapshot *s) {
        ASK(a, provider_client_surface, s);
}

Answer ask_unseal(Asker *a, const ProviderSnapshot *s, const char *device) {
        ASK(a, provider_client_unseal, s, device);
}

Answer ask_seal(Asker *a, const ProviderSnapshot *s, const char *device) {
        ASK(a, provider_client_seal, s, device);
}

Answer ask_break(Asker *a, const ProviderSnapshot *s, uint32_t flags) {
        ASK(a, provider_client_break, s, flags);
}

Answer ask_discard(Asker *a, const ProviderSnapshot *s) {
        ASK(a, provider_client_discard, s);
}

Answer ask_tend(Asker *a, const ProviderSnapshot *s) {
        ASK(a, provider_client_tend, s);
}

void assert_answer_at(const Answer *a, HRESULT expected, const char *file, int line) {
        if (a->hr == expected)
                return;

        print_error("%s:%d: %s, not %s: %s\n", file, line, hresult_name(a->hr), hresult_name(expected),
                    a->message ?: "without a word");
        fail();
}
