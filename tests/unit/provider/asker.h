/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Asking a Provider and Waiting
 *
 * What umbrad does with callbacks, for tests that want to read from top to bottom: each function asks the
 * real worker process through the real client, runs an event loop until the answer is there, and returns it.
 */

#include <systemd/sd-event.h>
#include <wintypes.h>

#include "lib/test-util.h"
#include "provider/provider-builtin.h"
#include "provider/provider-client.h"
#include "provider/provider-protocol.h"

/* Long enough for a slow machine under a sanitizer. */
#define ASKER_TIMEOUT_USEC (60 * USEC_PER_SEC)

typedef struct Answer {
        unsigned n_times; /* it came; anything but 1 is a bug */
        HRESULT hr;
        char *message, *text;
        ProviderProbe probe;
        unsigned permille;
        ProviderSpace space; /* but for its place, which is @text */
} Answer;

void answer_clear(Answer *a);
#define _cleanup_answer_ _cleanup_(answer_clear)
/* ProviderAnswered with an Answer as its userdata. */
void answer_take(ProviderClient *c, const ProviderAnswer *answer, void *userdata);

typedef struct Asker {
        sd_event *event;
        ProviderClient *client;
        ProviderEnv env;
        ProviderInfo info; /* as far as starting its worker needs it */
} Asker;

void asker_start(Asker *a, const char *provider, const ProviderEnv *env);
/* One of others: a shared object of this class. */
void asker_start_foreign(Asker *a, const char *provider, const GUID *class_id, const ProviderEnv *env);
void asker_stop(Asker *a);
/* A new worker, whatever became of the old one. */
void asker_restart(Asker *a);
/* Runs the loop until @answer has come. */
void asker_await(Asker *a, const Answer *answer);
/* Runs the loop until the worker's process has ended; asks nothing. */
void asker_kill(Asker *a);

Answer ask_probe(Asker *a, const char *volume);
Answer ask_usage(Asker *a, const char *volume, char *const *notes);
Answer ask_plan(Asker *a, const ProviderSnapshot *s);
Answer ask_prepare(Asker *a, const GUID *id);
Answer ask_sync(Asker *a);
Answer ask_pre_commit(Asker *a);
Answer ask_commit(Asker *a, const GUID *held, size_t n_held);
Answer ask_surface(Asker *a, const ProviderSnapshot *s);
Answer ask_unseal(Asker *a, const ProviderSnapshot *s, const char *device);
Answer ask_seal(Asker *a, const ProviderSnapshot *s, const char *device);
Answer ask_break(Asker *a, const ProviderSnapshot *s, uint32_t flags);
Answer ask_tend(Asker *a, const ProviderSnapshot *s);
Answer ask_discard(Asker *a, const ProviderSnapshot *s);

/* Fails the test with the answer's message when it is not @hr. */
#define assert_answer(answer, expected) assert_answer_at(&(answer), (expected), __FILE__, __LINE__)
void assert_answer_at(const Answer *a, HRESULT expected, const char *file, int line);
