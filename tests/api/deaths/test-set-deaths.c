/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Killed at Every Step of a Set
 *
 * A persistent set of a real volume is made, again and again, and each time somebody is killed one step (tracer.h)
 * later, until it gets through. Afterwards there is the whole shadow copy, or nothing of it, and nothing is held. The
 * arguments are the provider and who is killed.
 */

#include <stdio.h>
#include <string.h>

#include "api/deaths/deaths.h"
#include "api/storage/storage.h"
#include "base/alloc.h"
#include "contract/manifest.h"

/* The only shadow copy there is. More of them, or one that is none yet, are not what is looked for. */
static bool find_created(VSS_ID *ret) {
        IVssBackupComponentsEx4 *b = storage_backup((LONG) VSS_CTX_ALL);
        IVssEnumObject *list = NULL;
        bool created = false;
        VSS_OBJECT_PROP prop;
        ULONG n = 0;

        assert_int_equal(IVssBackupComponentsEx4_Query(b, GUID_NULL, VSS_OBJECT_NONE, VSS_OBJECT_SNAPSHOT, &list), S_OK);
        while (IVssEnumObject_Next(list, 1, &prop, &n) == S_OK) {
                assert_false(created);
                created = prop.Obj.Snap.m_eStatus == VSS_SS_CREATED;
                *ret = prop.Obj.Snap.m_SnapshotId;
                VssFreeSnapshotProperties(&prop.Obj.Snap);
                if (!created)
                        break;
        }
        IVssEnumObject_Release(list);
        storage_release(b);
        return created;
}

/* But for the volume's own directory, where a provider may have made its store. */
static const char *below_top(const char *manifest) {
        return manifest + strcspn(manifest, "\n");
}

static void assert_is_whole(const World *w, VSS_ID id, const char *expected) {
        _cleanup_(freep) char *shadow = storage_shadow_path(w, id), *found = manifest_new(shadow);

        assert_same_manifest(below_top(expected), below_top(found));
}

/* Whether there was such a step. */
static bool die_before_step(World *w, unsigned at) {
        _cleanup_(freep) char *as_it_is = NULL, *text = NULL;
        char step[STEP_NAME_MAX];
        Actor *requester;
        Tracer *tracer;
        bool created;
        pid_t pid;
        VSS_ID id;

        assert_int_equal(format_to(&text, "before step %u\n", at), 0);
        write_file(w->volume, "data/file", text);
        as_it_is = manifest_new(w->volume);
        requester = actor_maker(w->volume, place->id);
        pid = death_reach(w, requester, at, &tracer, step);
        if (pid == 0) {
                tracer_free(tracer);
                assert_true(actor_has_said(requester, "Created"));
        } else
                death_strike(w, pid, requester, tracer);

        (void) world_write(w, 0); /* nothing is held */
        created = find_created(&id);
        if (pid != 0)
                print_message("%s dies before %s: %s\n", victim_to_string(victim), step, created ? "whole" : "nothing");
        if (created) {
                assert_is_whole(w, id, as_it_is);
                storage_delete(id, VSS_OBJECT_SNAPSHOT);
        } else
                assert_false(actor_has_said(requester, "Created"));
        world_assert_clean(w);
        actor_free(requester);
        return pid != 0;
}

static void test_that_there_is_all_of_it_or_nothing(void **state) {
        World *w = world_new_on(place->file_system);
        unsigned n = 0;

        while (die_before_step(w, n + 1))
                ++n;
        print_message("%s, %s: killed before each of %u steps\n", place->provider, victim_to_string(victim), n);
        assert_true(n >= STEPS_MIN);
        world_free(w);
}

int main(int argc, char **argv) {
        return deaths_main(argc, argv, test_that_there_is_all_of_it_or_nothing,
                           "test_that_there_is_all_of_it_or_nothing");
}
