/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Exposing shadow copies, all the way: through the library, umbrad and a provider's worker to a mount, and
 * back again, whoever fails or dies meanwhile.
 */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "api/storage/storage.h"
#include "base/alloc.h"
#include "base/fd-util.h"
#include "base/utf.h"

static World *world;

static int setup(void **state) {
        world = world_new();
        return 0;
}

static int teardown(void **state) {
        world = world_free(world);
        return 0;
}

/* An empty directory to expose at. */
static char *make_place(const char *name) {
        char *path = path_in(world->dir, name);

        if (mkdir(path, 0755) < 0)
                assert_int_equal(errno, EEXIST);
        return path;
}

static HRESULT expose(VSS_ID id, const char *path, char **ret) {
        IVssBackupComponentsEx4 *b = storage_backup((LONG) VSS_CTX_ALL);
        VSS_PWSZ exposed = (void *) 1;
        HRESULT hr;

        hr = IVssBackupComponentsEx4_ExposeSnapshot(b, id, NULL, VSS_VOLSNAP_ATTR_EXPOSED_LOCALLY,
                                                    wide(path), &exposed);
        assert_int_equal(FAILED(hr), !exposed);
        if (ret && exposed)
                assert_int_equal(utf8_from_wide(exposed, ret), 0);
        CoTaskMemFree(exposed);
        storage_release(b);
        return hr;
}

static HRESULT unexpose(VSS_ID id) {
        IVssBackupComponentsEx4 *b = storage_backup((LONG) VSS_CTX_ALL);
        HRESULT hr;

        hr = IVssBackupComponentsEx4_UnexposeSnapshot(b, id);
        storage_release(b);
        return hr;
}

static void assert_exposed(VSS_ID id, const char *path) {
        VSS_SNAPSHOT_PROP prop = storage_properties(id);
        _cleanup_(freep) char *name = NULL;

        assert_non_null(prop.m_pwszExposedName);
        assert_int_equal(utf8_from_wide(prop.m_pwszExposedName, &name), 0);
        assert_string_equal(name, path);
        assert_null(prop.m_pwszExposedPath);
        assert_int_equal(prop.m_lSnapshotAttributes &
                                 (VSS_VOLSNAP_ATTR_EXPOSED_LOCALLY | VSS_VOLSNAP_ATTR_EXPOSED_REMOTELY),
                         VSS_VOLSNAP_ATTR_EXPOSED_LOCALLY);
        VssFreeSnapshotProperties(&prop);
        assert_true(storage_reads(path, "data/file", "the one thing to save\n"));
}

static void assert_not_exposed(VSS_ID id, const char *path) {
        VSS_SNAPSHOT_PROP prop = storage_properties(id);

        assert_null(prop.m_pwszExposedName);
        assert_int_equal(prop.m_lSnapshotAttributes & VSS_VOLSNAP_ATTR_EXPOSED_LOCALLY, 0);
        VssFreeSnapshotProperties(&prop);
        assert_false(storage_is_mounted(path));
}

static void test_that_a_shadow_copy_is_seen_where_it_is_exposed(void **state) {
        _cleanup_(freep) char *place = make_place("place"), *exposed = NULL, *file = NULL;
        VSS_ID id;

        skip_unless_root();
        id = storage_make(world);
        ASSERT_RETURNS(IVssBackupComponents, ExposeSnapshot, S_OK, expose(id, place, &exposed));
        assert_string_equal(exposed, place);
        REACHES_RULE(IVssBackupComponents, "ExposeSnapshot", "freed by caller with CoTaskMemFree");
        assert_exposed(id, place);

        file = path_in(place, "data/file");
        assert_int_equal(open(file, O_WRONLY), -1);
        assert_int_equal(errno, EROFS);

        ASSERT_RETURNS(IVssBackupComponentsEx2, UnexposeSnapshot, S_OK, unexpose(id));
        assert_not_exposed(id, place);
        REACHES_RULE(IVssBackupComponentsEx2, "UnexposeSnapshot", "undoes ExposeSnapshot");

        /* And again, at a name of Windows' kind. */
        for (char *p = place; *p; ++p)
                if (*p == '/')
                        *p = '\\';
        free(TAKE_PTR(exposed));
        assert_int_equal(expose(id, place, &exposed), S_OK);
        assert_exposed(id, exposed);
        REACHES_RULE(IVssBackupComponents, "ExposeSnapshot", "wszExpose: share name");
        storage_delete(id, VSS_OBJECT_SNAPSHOT);
        assert_false(storage_is_mounted(exposed));
        world_assert_clean(world);
}

static void test_that_only_what_makes_sense_is_exposed(void **state) {
        _cleanup_(freep) char *place = make_place("place"), *full = make_place("full"), *own = NULL;
        VSS_PWSZ result;
        VSS_ID id;
        const struct {
                const char *root;
                LONG attributes;
                const char *place;
                HRESULT hr;
        } cases[] = {
                { NULL,    0,                                                                     place,       E_INVALIDARG },
                { NULL,    VSS_VOLSNAP_ATTR_EXPOSED_LOCALLY | VSS_VOLSNAP_ATTR_EXPOSED_REMOTELY,  place,       E_INVALIDARG },
                { NULL,    VSS_VOLSNAP_ATTR_EXPOSED_LOCALLY | VSS_VOLSNAP_ATTR_PERSISTENT,        place,       E_INVALIDARG },
                { "/data", VSS_VOLSNAP_ATTR_EXPOSED_LOCALLY,                                      place,       E_INVALIDARG },
                { NULL,    VSS_VOLSNAP_ATTR_EXPOSED_LOCALLY,                                      NULL,        E_INVALIDARG },
                { NULL,    VSS_VOLSNAP_ATTR_EXPOSED_LOCALLY,                                      "",          E_INVALIDARG },
                { NULL,    VSS_VOLSNAP_ATTR_EXPOSED_LOCALLY,                                      "X:",        E_INVALIDARG },
                { NULL,    VSS_VOLSNAP_ATTR_EXPOSED_LOCALLY,                                      "C:\\Shade", E_INVALIDARG },
                { NULL,    VSS_VOLSNAP_ATTR_EXPOSED_LOCALLY,                                      "place",     E_INVALIDARG },
                { NULL,    VSS_VOLSNAP_ATTR_EXPOSED_LOCALLY,                                      "/nowhere",  E_INVALIDARG },
                { NULL,    VSS_VOLSNAP_ATTR_EXPOSED_LOCALLY,                                      full,        E_INVALIDARG },
                { NULL,    VSS_VOLSNAP_ATTR_EXPOSED_LOCALLY,                                      "/proc",     E_INVALIDARG },
                { "/da*",  VSS_VOLSNAP_ATTR_EXPOSED_REMOTELY,                                     "share",     E_INVALIDARG },
                { "%da%",  VSS_VOLSNAP_ATTR_EXPOSED_REMOTELY,                                     "share",     E_INVALIDARG },
                { NULL,    VSS_VOLSNAP_ATTR_EXPOSED_REMOTELY,                                     "/share",    E_INVALIDARG },
                { "/data", VSS_VOLSNAP_ATTR_EXPOSED_REMOTELY,                                     "share",     VSS_E_PROVIDER_VETO },
                { NULL,    VSS_VOLSNAP_ATTR_EXPOSED_REMOTELY,                                     NULL,        VSS_E_PROVIDER_VETO },
        };
        IVssBackupComponentsEx4 *b;

        skip_unless_root();
        id = storage_make(world);
        write_file(full, "file", "in the way\n");
        b = storage_backup((LONG) VSS_CTX_ALL);
        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                HRESULT hr;

                result = (void *) 1;
                hr = IVssBackupComponentsEx4_ExposeSnapshot(
                        b, id, cases[i].root ? wide(cases[i].root) : NULL, cases[i].attributes,
                        cases[i].place ? wide(cases[i].place) : NULL, &result);
                if (hr != cases[i].hr || result)
                        fail_msg("case %zu: 0x%08x %s", i, (unsigned) hr, umbra_last_error());
        }
        ASSERT_RETURNS(IVssBackupComponents, ExposeSnapshot, E_INVALIDARG,
                       IVssBackupComponentsEx4_ExposeSnapshot(b, id, NULL, VSS_VOLSNAP_ATTR_EXPOSED_LOCALLY,
                                                              wide(place), NULL));
        REACHES_RULE(IVssBackupComponents, "ExposeSnapshot", "lAttributes is exactly");
        REACHES_RULE(IVssBackupComponents, "ExposeSnapshot", "wszPathFromRoot must be NULL");
        ASSERT_RETURNS(IVssBackupComponentsEx2, UnexposeSnapshot, E_INVALIDARG,
                       IVssBackupComponentsEx4_UnexposeSnapshot(b, GUID_NULL));
        storage_release(b);

        own = path_in(world->runtime, "own");
        assert_int_equal(mkdir(own, 0755), 0);
        assert_int_equal(expose(id, own, NULL), E_INVALIDARG);
        assert_int_equal(rmdir(own), 0);

        assert_not_exposed(id, place);
        storage_delete(id, VSS_OBJECT_SNAPSHOT);
}

static void test_that_the_state_of_things_is_respected(void **state) {
        _cleanup_(freep) char *place = make_place("place"), *other = make_place("other");
        IVssBackupComponentsEx4 *b = storage_object(), *made;
        VSS_ID id, set_id, nobody = { 1, 2, 3, { 4 } };
        VSS_PWSZ result = NULL;

        skip_unless_root();
        ASSERT_RETURNS(IVssBackupComponents, ExposeSnapshot, VSS_E_BAD_STATE,
                       IVssBackupComponentsEx4_ExposeSnapshot(
                               b, nobody, NULL, VSS_VOLSNAP_ATTR_EXPOSED_LOCALLY, wide(place), &result));
        ASSERT_RETURNS(IVssBackupComponentsEx2, UnexposeSnapshot, VSS_E_BAD_STATE,
                       IVssBackupComponentsEx4_UnexposeSnapshot(b, nobody));
        storage_release(b);

        ASSERT_RETURNS(IVssBackupComponents, ExposeSnapshot, VSS_E_OBJECT_NOT_FOUND,
                       expose(nobody, place, NULL));
        assert_int_equal(unexpose(nobody), VSS_E_OBJECT_NOT_FOUND);

        /* One that goes with its requester is not shown to others. */
        made = storage_backup(VSS_CTX_FILE_SHARE_BACKUP);
        storage_make_set(made, &world->volume, 1, fake_provider, &set_id, &id);
        assert_int_equal(expose(id, place, NULL), VSS_E_BAD_STATE);
        storage_release(made);
        REACHES_RULE(IVssBackupComponents, "ExposeSnapshot", "local exposure only for persistent");

        id = storage_make(world);
        ASSERT_RETURNS(IVssBackupComponentsEx2, UnexposeSnapshot, VSS_E_OBJECT_NOT_FOUND, unexpose(id));
        assert_int_equal(expose(id, place, NULL), S_OK);
        assert_int_equal(expose(id, other, NULL), VSS_E_BAD_STATE);
        assert_exposed(id, place);
        storage_delete(id, VSS_OBJECT_SNAPSHOT);
        assert_false(storage_is_mounted(place));
        world_assert_clean(world);
}

static void test_that_what_fails_leaves_nothing_exposed(void **state) {
        static const struct {
                const char *script;
                HRESULT hr;
        } cases[] = {
                { "expose = fail EIO",       VSS_E_PROVIDER_VETO },
                { "expose = fail EIO after", VSS_E_PROVIDER_VETO },
                { "expose = kill",           VSS_E_UNEXPECTED_PROVIDER_ERROR },
                { "expose = kill after",     VSS_E_UNEXPECTED_PROVIDER_ERROR },
                { "expose = fail ENOMEM",    E_OUTOFMEMORY },
        };
        _cleanup_(freep) char *place = make_place("place");
        VSS_ID id;

        skip_unless_root();
        id = storage_make(world);
        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                HRESULT hr;

                world_script(world, cases[i].script);
                hr = expose(id, place, NULL);
                if (hr != cases[i].hr)
                        fail_msg("%s: 0x%08x %s", cases[i].script, (unsigned) hr, umbra_last_error());
                assert_not_exposed(id, place);
        }
        REACHES_RETURN(IVssBackupComponents, ExposeSnapshot, "VSS_E_PROVIDER_VETO");
        REACHES_RETURN(IVssBackupComponents, ExposeSnapshot, "VSS_E_UNEXPECTED_PROVIDER_ERROR");

        /* What cannot be unexposed is exposed still. */
        world_script(world, NULL);
        assert_int_equal(expose(id, place, NULL), S_OK);
        world_script(world, "unexpose = fail EIO");
        ASSERT_RETURNS(IVssBackupComponentsEx2, UnexposeSnapshot, VSS_E_PROVIDER_VETO, unexpose(id));
        assert_exposed(id, place);
        world_script(world, "unexpose = kill");
        ASSERT_RETURNS(IVssBackupComponentsEx2, UnexposeSnapshot, VSS_E_UNEXPECTED_PROVIDER_ERROR,
                       unexpose(id));
        assert_exposed(id, place);
        world_script(world, NULL);
        assert_int_equal(unexpose(id), S_OK);
        assert_not_exposed(id, place);
        storage_delete(id, VSS_OBJECT_SNAPSHOT);
        world_assert_clean(world);
}

static bool is_mounted(void *path) {
        return storage_is_mounted(path);
}

/* As the machine would after a restart: nothing is mounted any more. */
static void unmount_shadows(VSS_ID id, const char *place) {
        VSS_SNAPSHOT_PROP prop = storage_properties(id);
        _cleanup_(freep) char *device = NULL;

        assert_int_equal(utf8_from_wide(prop.m_pwszSnapshotDeviceObject, &device), 0);
        VssFreeSnapshotProperties(&prop);
        world_kill_umbrad(world);
        assert_int_equal(umount2(place, MNT_DETACH), 0);
        assert_int_equal(umount2(device, MNT_DETACH), 0);
        assert_int_equal(rmdir(device), 0);
}

static void test_that_it_stays_exposed_whoever_dies(void **state) {
        _cleanup_(freep) char *place = make_place("place");
        VSS_ID id;

        skip_unless_root();
        id = storage_make(world);
        assert_int_equal(expose(id, place, NULL), S_OK);

        world_kill_umbrad(world);
        assert_true(storage_is_mounted(place));
        world_start_umbrad(world);
        assert_exposed(id, place);

        unmount_shadows(id, place);
        world_start_umbrad(world);
        assert_true(eventually(is_mounted, place, TEST_PATIENCE_USEC));
        world_await_status(world, "\"deeds\":[]");
        assert_exposed(id, place);
        REACHES_RULE(IVssBackupComponents, "ExposeSnapshot", "stay exposed across reboots");

        assert_int_equal(unexpose(id), S_OK);
        world_kill_umbrad(world);
        world_start_umbrad(world);
        assert_not_exposed(id, place);
        storage_delete(id, VSS_OBJECT_SNAPSHOT);
        world_assert_clean(world);
}

/* The requester waits, so it is a process of its own. */
static pid_t expose_in_child(VSS_ID id, const char *place) {
        pid_t pid = fork();

        assert_true(pid >= 0);
        if (pid == 0)
                _exit(expose(id, place, NULL) == S_OK ? 0 : 1);
        return pid;
}

/* Kills whoever exposes, until there is nothing to be done. */
static bool nothing_is_done(void *arg) {
        pid_t worker = world_child(world, "umbra-provider");
        char *json = NULL;
        bool done;

        assert_int_equal(umbra_get_status(&json), S_OK);
        if (worker > 0 && strstr(json, "\"kind\":\"expose\",\"doing\":true"))
                (void) kill(worker, SIGKILL);
        done = strstr(json, "\"deeds\":[]");
        CoTaskMemFree(json);
        return done;
}

static void test_that_an_exposure_that_is_interrupted_is_finished_or_gone(void **state) {
        static const char *const scripts[] = { "expose = hang", "expose = hang after" };
        _cleanup_(freep) char *place = make_place("place");
        VSS_ID id;

        skip_unless_root();
        id = storage_make(world);
        for (size_t i = 0; i < ELEMENTSOF(scripts); ++i) {
                pid_t pid;

                /* umbrad dies: it was written down, so the next one does it. */
                world_script(world, scripts[i]);
                pid = expose_in_child(id, place);
                if (i == 1)
                        assert_true(eventually(is_mounted, place, TEST_PATIENCE_USEC));
                else
                        world_await_status(world, "\"kind\":\"expose\",\"doing\":true");
                world_kill_umbrad(world);
                assert_int_equal(waitpid(pid, NULL, 0), pid);
                world_script(world, NULL);
                world_start_umbrad(world);
                world_await_status(world, "\"deeds\":[]");
                assert_exposed(id, place);
                assert_int_equal(unexpose(id), S_OK);

                /* The requester dies: umbrad goes on without it. */
                world_script(world, scripts[i]);
                pid = expose_in_child(id, place);
                if (i == 1)
                        assert_true(eventually(is_mounted, place, TEST_PATIENCE_USEC));
                else
                        world_await_status(world, "\"kind\":\"expose\",\"doing\":true");
                assert_int_equal(kill(pid, SIGKILL), 0);
                assert_int_equal(waitpid(pid, NULL, 0), pid);
                assert_true(eventually(nothing_is_done, NULL, TEST_PATIENCE_USEC));
                world_script(world, NULL);
                assert_not_exposed(id, place);
        }
        storage_delete(id, VSS_OBJECT_SNAPSHOT);
        world_assert_clean(world);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_that_a_shadow_copy_is_seen_where_it_is_exposed),
                cmocka_unit_test(test_that_only_what_makes_sense_is_exposed),
                cmocka_unit_test(test_that_the_state_of_things_is_respected),
                cmocka_unit_test(test_that_what_fails_leaves_nothing_exposed),
                cmocka_unit_test(test_that_it_stays_exposed_whoever_dies),
                cmocka_unit_test(test_that_an_exposure_that_is_interrupted_is_finished_or_gone),
        };

        return cmocka_run_group_tests(tests, setup, teardown);
}
