/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Where a writer is after each event, and what lies on a volume.
 */

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "lib/test-util.h"
#include "writer/writer-internal.h"

static void test_that_an_abort_is_owed_from_prepare_backup_until_post_snapshot(void **state) {
        static const struct {
                WireEvent event;
                WriterState after;
                bool owed;
        } walk[] = {
                { WIRE_EVENT_IDENTIFY,         WRITER_IDLE,      false },
                { WIRE_EVENT_PREPARE_BACKUP,   WRITER_PREPARED,  true  },
                { WIRE_EVENT_IDENTIFY,         WRITER_PREPARED,  true  },
                { WIRE_EVENT_PREPARE_SNAPSHOT, WRITER_READY,     true  },
                { WIRE_EVENT_FREEZE,           WRITER_FROZEN,    true  },
                { WIRE_EVENT_THAW,             WRITER_THAWED,    true  },
                { WIRE_EVENT_POST_SNAPSHOT,    WRITER_IN_BACKUP, false },
                { WIRE_EVENT_BACKUP_COMPLETE,  WRITER_IN_BACKUP, false },
                { WIRE_EVENT_BACKUP_SHUTDOWN,  WRITER_IDLE,      false },
                { WIRE_EVENT_PRE_RESTORE,      WRITER_IDLE,      false },
                { WIRE_EVENT_POST_RESTORE,     WRITER_IDLE,      false },
        };
        WriterState s = WRITER_IDLE;

        for (size_t i = 0; i < ELEMENTSOF(walk); ++i) {
                s = writer_state_after(s, walk[i].event);
                assert_int_equal(s, walk[i].after);
                assert_int_equal(writer_state_owes_abort(s), walk[i].owed);
                assert_non_null(writer_state_to_string(s));
        }
        for (s = WRITER_IDLE; s < _WRITER_STATE_MAX; ++s)
                assert_int_equal(writer_state_after(s, WIRE_EVENT_ABORT), WRITER_IDLE);
}

static void test_that_names_of_the_environment_are_part_of_a_path(void **state) {
        static const struct {
                const char *path, *expanded;
        } cases[] = {
                { "",                        ""               },
                { "/srv/data",               "/srv/data"      },
                { "%UMBRA_TEST_ROOT%",       "/r"             },
                { "%UMBRA_TEST_ROOT%/a",     "/r/a"           },
                { "/%UMBRA_TEST_ROOT%/%UMBRA_TEST_ROOT%", "//r//r" },
                { "/100%/%UMBRA_TEST_ROOT%", "/100%//r"       },
                { "%UMBRA_TEST_NONE%/a",     "%UMBRA_TEST_NONE%/a" },
                { "%%",                      "%%"             },
                { "%",                       "%"              },
        };

        assert_int_equal(setenv("UMBRA_TEST_ROOT", "/r", 1), 0);
        assert_int_equal(unsetenv("UMBRA_TEST_NONE"), 0);
        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                _cleanup_(freep) char *expanded = NULL;

                assert_int_equal(path_expand(cases[i].path, &expanded), 0);
                assert_string_equal(expanded, cases[i].expanded);
        }
}

static void test_that_sessions_are_kept_apart(void **state) {
        const VSS_ID a = { 1, 0, 0, { 0 } }, b = { 2, 0, 0, { 0 } };
        WriterSession *list = NULL, *first = NULL, *second = NULL;

        assert_null(writer_session_find(list, &a));
        assert_int_equal(writer_session_add(&list, &a, NULL, &first), 0);
        assert_int_equal(writer_session_add(&list, &b, NULL, &second), 0);
        assert_ptr_equal(writer_session_find(list, &b), second);
        assert_null(writer_session_frozen(list));
        assert_null(writer_session_owing(list));
        second->state = WRITER_FROZEN;
        assert_ptr_equal(writer_session_frozen(list), second);
        assert_ptr_equal(writer_session_owing(list), second);
        writer_session_free(&list, first);
        assert_null(writer_session_find(list, &a));
        writer_session_free(&list, second);
        assert_null(list);
}

static void test_that_what_lies_on_a_volume_is_found_through_links(void **state) {
        _cleanup_(temp_dir_freep) char *dir = temp_dir_new();
        _cleanup_(freep) char *real = realpath(dir, NULL), *volume = NULL, *link = NULL, *inside = NULL, *beside = NULL;

        assert_non_null(real);
        write_file(dir, "volume/data/file", "");
        write_file(dir, "volume2/file", "");
        volume = path_in(real, "volume");
        link = path_in(real, "link");
        assert_int_equal(symlink(volume, link), 0);

        inside = path_in(link, "data/not/there");
        assert_true(path_is_on_volume(inside, volume));
        free(TAKE_PTR(inside));
        inside = path_in(volume, "data/file");
        assert_true(path_is_on_volume(inside, volume));
        assert_true(path_is_on_volume(volume, volume));
        assert_true(path_is_on_volume("/nowhere/at/all", "/"));

        beside = path_in(real, "volume2/file"); /* begins alike */
        assert_false(path_is_on_volume(beside, volume));
        assert_false(path_is_on_volume("/proc/self", "/")); /* mounted there, but a volume of its own */
        assert_false(path_is_on_volume("/", volume));
        assert_false(path_is_on_volume("relative", volume));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_that_an_abort_is_owed_from_prepare_backup_until_post_snapshot),
                cmocka_unit_test(test_that_names_of_the_environment_are_part_of_a_path),
                cmocka_unit_test(test_that_sessions_are_kept_apart),
                cmocka_unit_test(test_that_what_lies_on_a_volume_is_found_through_links),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
