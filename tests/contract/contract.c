/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A Provider, and a Place for It
 */

#include "contract/contract.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <vss.h>
#include <vsserror.h>

#include "base/alloc.h"
#include "base/fd-util.h"
#include "base/guid.h"
#include "contract/manifest.h"
#include "contract/tree.h"
#include "lib/test-util.h"
#include "provider/provider-builtin.h"

const char *provider, *kind;

/* docs/tinyprovider.c */
static const GUID tiny_class = { 0x0d15ea5e, 0x0000, 0x4000, { 0x80, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01 } };

bool is_foreign(void) {
        return strcmp(provider, "tiny") == 0;
}

/* Where umbra finds it, and where it keeps its copies: on the file system of umbra's own directory, as it must not be that
 * of the volume. Both stay. */
static void make_foreign_places(World *w) {
        _cleanup_(freep) char *objects = path_in(w->place->dir, "providers"), *link = NULL,
                              *store = path_in(w->place->state, "tiny");

        assert_int_equal(mkdir(objects, 0755), 0);
        assert_int_equal(format_to(&link, "%s/%s.so", objects, GUID_TO_STRING(&tiny_class)), 0);
        assert_int_equal(symlink(getenv("TINYPROVIDER_SO"), link), 0);
        assert_int_equal(mkdir(store, 0755), 0);
        write_file(w->place->state, "tiny.lock", "");
        setenv("UMBRA_PROVIDERDIR", objects, true);
        setenv("TINYPROVIDER", store, true);
}

int world_setup(void **state) {
        World *w = calloc(1, sizeof(*w));
        ProviderEnv env;

        assert_non_null(w);
        *state = w;
        w->place = place_new(kind);
        tree_make(w->place->volume);
        if (is_foreign())
                make_foreign_places(w);
        w->names = place_names(w->place);

        guid_generate(&w->snapshot.id);
        guid_generate(&w->snapshot.set_id);
        w->snapshot.volume = w->place->volume;
        w->snapshot.volume_fd = -EBADF;
        env = (ProviderEnv) {
                .state_dir = w->place->state,
                .runtime_dir = w->place->runtime,
                .privileged = w->place->privileged,
        };
        if (is_foreign())
                asker_start_foreign(&w->asker, provider, &tiny_class, &env);
        else
                asker_start(&w->asker, provider, &env);
        return 0;
}

int world_teardown(void **state) {
        World *w = *state;

        asker_stop(&w->asker);
        place_free(w->place);
        free(w->note);
        free(w->names);
        free(w->device);
        free(w);
        return 0;
}

void probe(World *w) {
        _cleanup_answer_ Answer a = ask_probe(&w->asker, w->snapshot.volume);

        assert_answer(a, S_OK);
        w->flags = a.probe.flags;
}

void plan(World *w) {
        _cleanup_answer_ Answer a = ask_plan(&w->asker, &w->snapshot);

        assert_answer(a, S_OK);
        free(w->note);
        w->snapshot.note = w->note = TAKE_PTR(a.text);
}

void prepare(World *w) {
        _cleanup_answer_ Answer a = ask_prepare(&w->asker, &w->snapshot.id);

        assert_answer(a, S_OK);
}

void synchronize(World *w) {
        _cleanup_answer_ Answer a = ask_sync(&w->asker);

        assert_answer(a, S_OK);
}

void pre_commit(World *w) {
        _cleanup_answer_ Answer a = ask_pre_commit(&w->asker);

        assert_answer(a, S_OK);
}

void commit(World *w) {
        _cleanup_answer_ Answer a = ask_commit(&w->asker, NULL, 0);

        assert_answer(a, S_OK);
}

void surface(World *w) {
        _cleanup_answer_ Answer a = ask_surface(&w->asker, &w->snapshot);

        assert_answer(a, S_OK);
        assert_int_equal(a.text[0], '/');
        free(w->device);
        w->device = TAKE_PTR(a.text);
}

void discard(World *w) {
        _cleanup_answer_ Answer a = ask_discard(&w->asker, &w->snapshot);

        assert_answer(a, S_OK);
}

const ContractStep steps[CONTRACT_STEPS] = {
        { PROVIDER_CALL_PLAN,       plan        },
        { PROVIDER_CALL_PREPARE,    prepare     },
        { PROVIDER_CALL_SYNC,       synchronize },
        { PROVIDER_CALL_PRE_COMMIT, pre_commit  },
        { PROVIDER_CALL_COMMIT,     commit      },
        { PROVIDER_CALL_SURFACE,    surface     },
};

void run_steps(World *w, size_t n) {
        for (size_t i = 0; i < n; ++i)
                steps[i].run(w);
}

void assert_nothing_left(World *w) {
        _cleanup_(freep) char *names = place_names(w->place);

        assert_same_manifest(w->names, names);
}

void unseal(World *w) {
        _cleanup_answer_ Answer a = ask_unseal(&w->asker, &w->snapshot, w->device);

        assert_answer(a, S_OK);
}

void seal(World *w) {
        _cleanup_answer_ Answer a = ask_seal(&w->asker, &w->snapshot, w->device);

        assert_answer(a, S_OK);
}

/* What a writer might do to its files in the copy. */
void put_right(World *w) {
        _cleanup_(freep) char *path = path_in(w->device, "one name");

        write_file(w->device, "large", "put right");
        assert_int_equal(unlink(path), 0);
}

void assert_put_right(World *w) {
        _cleanup_(freep) char *text = read_file(w->device, "large");

        assert_non_null(text);
        assert_string_equal(text, "put right");
        assert_false(file_exists(w->device, "one name"));
}

bool can(uint32_t ability) {
        return !is_foreign() && provider_builtin_by_name(provider)->abilities & ability;
}

int begin(World *w, ProviderCall call, Answer *answer) {
        ProviderClient *c = w->asker.client;

        switch (call) {
        case PROVIDER_CALL_PLAN:
                return provider_client_plan(c, &w->snapshot, ASKER_TIMEOUT_USEC, answer_take, answer);
        case PROVIDER_CALL_PREPARE:
                return provider_client_prepare(c, &w->snapshot.id, ASKER_TIMEOUT_USEC, answer_take, answer);
        case PROVIDER_CALL_SYNC:
                return provider_client_sync(c, ASKER_TIMEOUT_USEC, answer_take, answer);
        case PROVIDER_CALL_PRE_COMMIT:
                return provider_client_pre_commit(c, ASKER_TIMEOUT_USEC, answer_take, answer);
        case PROVIDER_CALL_COMMIT:
                return provider_client_commit(c, &(ProviderCommit){ 0 }, ASKER_TIMEOUT_USEC, answer_take, answer);
        case PROVIDER_CALL_SURFACE:
                return provider_client_surface(c, &w->snapshot, ASKER_TIMEOUT_USEC, answer_take, answer);
        case PROVIDER_CALL_BREAK:
                return provider_client_break(c, &w->snapshot, 0, ASKER_TIMEOUT_USEC, answer_take, answer);
        case PROVIDER_CALL_DISCARD:
                return provider_client_discard(c, &w->snapshot, ASKER_TIMEOUT_USEC, answer_take, answer);
        default:
                return -EINVAL;
        }
}

void kill_in_the_middle(World *w, ProviderCall call, uint64_t usec) {
        struct timespec t = timespec_from_usec(usec);
        _cleanup_answer_ Answer answer = { 0 };

        assert_int_equal(begin(w, call, &answer), 0);
        (void) sd_event_run(w->asker.event, 0);
        (void) nanosleep(&t, NULL);
        asker_kill(&w->asker);
        asker_await(&w->asker, &answer);
        if (FAILED(answer.hr))
                assert_answer(answer, VSS_E_UNEXPECTED_PROVIDER_ERROR);
}

usec_t do_or_kill(World *w, ProviderCall call, unsigned round, usec_t whole) {
        _cleanup_answer_ Answer answer = { 0 };
        usec_t started;

        if (round > 0) {
                kill_in_the_middle(w, call, whole * (round - 1) / KILLS);
                asker_restart(&w->asker);
        }

        started = now_usec(CLOCK_MONOTONIC);
        assert_int_equal(begin(w, call, &answer), 0);
        asker_await(&w->asker, &answer);
        assert_answer(answer, S_OK);
        return round > 0 ? whole : now_usec(CLOCK_MONOTONIC) - started;
}

const uint64_t *kill_delays(const World *w) {
        static const uint64_t delays[] = { 0, 300, 1000, 3000, 10000, 30000, UINT64_MAX },
                              few[] = { 10000, 400000, UINT64_MAX };

        return w->place->lvm || w->place->zfs || is_foreign() ? few : delays;
}
