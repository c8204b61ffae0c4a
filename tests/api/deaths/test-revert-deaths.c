/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Killed at Every Step of a Revert
 *
 * A real volume is reverted through a real umbrad, again and again, and each time somebody is killed one step
 * (tracer.h) later, until it gets through. Afterwards the volume is what it was before, or what the shadow copy
 * is, and nothing else; and if anybody was told that the revert has begun, it is the latter. The arguments are
 * the provider and who is killed.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "api/deaths/deaths.h"
#include "api/storage/storage.h"
#include "base/alloc.h"
#include "base/fd-util.h"
#include "contract/manifest.h"

#define LARGE_SIZE 200000U

typedef struct Revert {
        World *world;
        VSS_ID id;
        char *as_it_was, *changed; /* manifests of the volume */
} Revert;

static void remove_in(const World *w, const char *name) {
        _cleanup_(freep) char *path = path_in(w->volume, name);

        (void) unlink(path);
        (void) rmdir(path);
}

static void rename_in(const World *w, const char *from, const char *to) {
        _cleanup_(freep) char *a = path_in(w->volume, from), *b = path_in(w->volume, to);

        (void) rename(a, b);
}

static void write_large(const World *w, char c) {
        _cleanup_(freep) char *text = calloc(1, LARGE_SIZE + 1);

        memset(text, 'a', LARGE_SIZE);
        memset(text + LARGE_SIZE / 2, c, 1);
        write_file(w->volume, "data/large", text);
}

static void fill(const World *w) {
        _cleanup_(freep) char *one = path_in(w->volume, "data/one name"), *two = path_in(w->volume, "another"),
                              *link_path = path_in(w->volume, "link");

        write_large(w, 'a');
        write_file(w->volume, "data/file", "the one thing to save\n");
        write_file(w->volume, "data/gone", "here before\n");
        write_file(w->volume, "data/renamed", "under this name\n");
        write_file(w->volume, "data/mode", "with rights\n");
        write_file(w->volume, "data/one name", "two names\n");
        write_file(w->volume, "was a file", "a file\n");
        write_file(w->volume, "was a directory/inside", "in a directory\n");
        assert_int_equal(link(one, two), 0);
        assert_int_equal(symlink("data/file", link_path), 0);
}

/* From whatever it is: a revert may have undone it, or not begun. */
static void change(Revert *r) {
        const World *w = r->world;
        _cleanup_(freep) char *mode = path_in(w->volume, "data/mode"), *link_path = path_in(w->volume, "link"),
                              *directory = path_in(w->volume, "was a file");

        remove_in(w, "probe");
        write_large(w, 'b');
        write_file(w->volume, "data/file", "changed\n");
        remove_in(w, "data/gone");
        rename_in(w, "data/renamed", "data/elsewhere");
        assert_int_equal(chmod(mode, 0600), 0);
        assert_int_equal(setxattr(mode, "user.umbra", "changed", 7, 0), 0);
        remove_in(w, "another");
        remove_in(w, "was a file");
        (void) mkdir(directory, 0755);
        remove_in(w, "was a directory/inside");
        remove_in(w, "was a directory");
        write_file(w->volume, "was a directory", "a file now\n");
        (void) unlink(link_path);
        assert_int_equal(symlink("elsewhere", link_path), 0);
        write_file(w->volume, "new/file", "was not there\n");

        free(r->changed);
        r->changed = manifest_new(w->volume);
}

static HRESULT query(const World *w, IVssAsync **ret) {
        IVssBackupComponentsEx4 *b = storage_object();
        HRESULT hr;

        *ret = NULL;
        hr = IVssBackupComponentsEx4_QueryRevertStatus(b, wide(w->volume), ret);
        assert_true(hr == S_OK || hr == VSS_E_OBJECT_NOT_FOUND);
        storage_release(b);
        return hr;
}

/* As a session sees it that has begun nothing. */
static bool is_reverting(const World *w) {
        IVssAsync *async;

        if (query(w, &async) != S_OK)
                return false;
        IVssAsync_Release(async);
        return true;
}

static void await_end(const World *w) {
        IVssAsync *async;

        while (query(w, &async) == S_OK)
                assert_int_equal(storage_end(async), VSS_S_ASYNC_FINISHED);
}

/* Whether this umbrad has done one. */
static bool has_reverted(void) {
        char *json = NULL;
        bool has;

        assert_int_equal(umbra_get_status(&json), S_OK);
        has = strstr(json, "\"reverts\":[{");
        assert_true(!has || strstr(json, "\"done\":true"));
        CoTaskMemFree(json);
        return has;
}

static unsigned count_mounts(const World *w) {
        _cleanup_(freep) char *table = NULL;
        unsigned n = 0;

        assert_true(file_read_text("/proc/self/mountinfo", 4U << 20, &table) >= 0);
        for (const char *at = table; (at = strstr(at, w->runtime)); ++at)
                ++n;
        return n;
}

/* The catalog has the shadow copy and nothing to be done, and everybody may write. */
static void assert_at_rest(Revert *r) {
        VSS_SNAPSHOT_PROP prop = storage_properties(r->id);

        assert_int_equal(prop.m_eStatus, VSS_SS_CREATED);
        VssFreeSnapshotProperties(&prop);
        world_await_status(r->world, "\"deeds\":[]");
        assert_false(file_exists(r->world->runtime, "held"));
        assert_int_equal(count_mounts(r->world), 1);
        (void) world_write(r->world, 0);
}

/* @begun: somebody has seen it, be it another session or the next umbrad. Returns whether it was reverted. */
static bool assert_old_or_new(Revert *r, Actor *requester, bool begun) {
        _cleanup_(freep) char *found = manifest_new(r->world->volume);

        if (begun || actor_has_said(requester, "Begun") || strcmp(r->as_it_was, found) == 0) {
                assert_same_manifest(r->as_it_was, found);
                return true;
        }
        assert_same_manifest(r->changed, found);
        return false;
}

/* Whether there was such a step. */
static bool die_before_step(Revert *r, unsigned at) {
        char step[STEP_NAME_MAX];
        bool seen, reverted;
        Actor *requester;
        Tracer *tracer;
        pid_t pid;

        change(r);
        requester = actor_reverter(r->world->volume, r->id);
        pid = death_reach(r->world, requester, at, &tracer, step);
        if (pid == 0) {
                tracer_free(tracer);
                assert_true(actor_has_said(requester, "Done"));
                assert_old_or_new(r, requester, true);
                actor_free(requester);
                return false;
        }

        seen = (victim == VICTIM_WORKER || victim == VICTIM_WORKER_AND_UMBRAD) && is_reverting(r->world);
        death_strike(r->world, pid, requester, tracer);
        await_end(r->world);
        seen = seen || (victim_is_umbrad(victim) && has_reverted());
        reverted = assert_old_or_new(r, requester, seen);
        print_message("%s dies before %s: %s\n", victim_to_string(victim), step, reverted ? "new" : "old");
        assert_at_rest(r);
        actor_free(requester);
        return true;
}

static void test_that_it_ends_in_the_old_content_or_the_new(void **state) {
        _cleanup_(freep) char *shadow = NULL;
        World *w = world_new_on(place->file_system);
        Revert r = { .world = w };
        IVssBackupComponentsEx4 *b;
        unsigned n = 0;
        VSS_ID set_id;
        Actor *first;

        fill(w);
        b = storage_backup(VSS_CTX_NAS_ROLLBACK);
        storage_make_set(b, &w->volume, 1, place->id, &set_id, &r.id);
        storage_release(b);
        shadow = storage_shadow_path(w, r.id);
        r.as_it_was = manifest_new(shadow);

        /* Once without a death. */
        change(&r);
        first = actor_reverter(w->volume, r.id);
        actor_go(first);
        actor_await(first, "Done");
        assert_old_or_new(&r, first, true);
        actor_free(first);
        while (die_before_step(&r, n + 1))
                ++n;
        print_message("%s, %s: killed before each of %u steps\n", place->provider, victim_to_string(victim), n);
        assert_true(n >= STEPS_MIN);

        storage_delete(r.id, VSS_OBJECT_SNAPSHOT);
        world_assert_clean(w);
        world_free(w);
        free(r.as_it_was);
        free(r.changed);
}

int main(int argc, char **argv) {
        return deaths_main(argc, argv, test_that_it_ends_in_the_old_content_or_the_new,
                           "test_that_it_ends_in_the_old_content_or_the_new");
}
