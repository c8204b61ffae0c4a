/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The coordinator's end: every question is answered exactly once, whatever becomes of the worker.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <vsserror.h>

#include "base/guid.h"
#include "unit/provider/asker.h"

typedef struct World {
        Asker asker;
        char *dir, *state, *runtime, *volume, *note;
        ProviderSnapshot snapshot;
} World;

static int world_setup(void **state) {
        World *w = calloc(1, sizeof(*w));
        ProviderEnv env;

        assert_non_null(w);
        w->dir = temp_dir_new();
        write_file(w->dir, "volume/file", "text");
        write_file(w->dir, "state/.keep", "");
        write_file(w->dir, "run/.keep", "");
        w->volume = path_in(w->dir, "volume");
        w->state = path_in(w->dir, "state");
        w->runtime = path_in(w->dir, "run");
        guid_generate(&w->snapshot.id);
        guid_generate(&w->snapshot.set_id);
        w->snapshot.volume = w->volume;
        w->snapshot.volume_fd = -EBADF;

        env = (ProviderEnv) { .state_dir = w->state, .runtime_dir = w->runtime };
        asker_start(&w->asker, "fake", &env);
        *state = w;
        return 0;
}

static int world_teardown(void **state) {
        World *w = *state;

        asker_stop(&w->asker);
        free(w->note);
        free(w->volume);
        free(w->state);
        free(w->runtime);
        temp_dir_free(w->dir);
        free(w);
        return 0;
}

static void plan(World *w) {
        _cleanup_answer_ Answer planned = ask_plan(&w->asker, &w->snapshot);

        assert_answer(planned, S_OK);
        free(w->note);
        w->snapshot.note = w->note = TAKE_PTR(planned.text);
        assert_non_null(w->note);
}

static void test_that_a_snapshot_goes_all_the_way(void **state) {
        World *w = *state;
        _cleanup_answer_ Answer probed = ask_probe(&w->asker, w->volume);
        _cleanup_(freep) char *text = NULL, *again = NULL;

        assert_answer(probed, S_OK);
        assert_int_equal(probed.probe.consistency, PROVIDER_CONSISTENCY_FUZZY);
        plan(w);

        _cleanup_answer_ Answer prepared = ask_prepare(&w->asker, &w->snapshot.id);
        assert_answer(prepared, S_OK);
        _cleanup_answer_ Answer synced = ask_sync(&w->asker);
        assert_answer(synced, S_OK);
        _cleanup_answer_ Answer ready = ask_pre_commit(&w->asker);
        assert_answer(ready, S_OK);
        _cleanup_answer_ Answer committed = ask_commit(&w->asker, &w->snapshot.id, 1);
        assert_answer(committed, S_OK);
        write_file(w->volume, "file", "later");
        _cleanup_answer_ Answer surfaced = ask_surface(&w->asker, &w->snapshot);
        assert_answer(surfaced, S_OK);
        text = read_file(surfaced.text, "file");
        assert_string_equal(text, "text");
        _cleanup_answer_ Answer discarded = ask_discard(&w->asker, &w->snapshot);
        assert_answer(discarded, S_OK);
        assert_false(file_exists(w->state, "fake"));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_that_a_snapshot_goes_all_the_way, world_setup, world_teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
