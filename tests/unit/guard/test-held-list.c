/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The list that is read by somebody who was not there: whatever a mount point is called, the same name must
 * come back.
 */

#include <errno.h>
#include <sys/stat.h>

#include "base/strv.h"
#include "guard/held-list.h"
#include "lib/test-util.h"

static void test_that_every_name_comes_back(void **state) {
        char *mounts[] = {
                (char[]){ "/" },
                (char[]){ "/srv/with space" },
                (char[]){ "/srv/with\nline feed\n" },
                (char[]){ "/srv/with\\backslash\\" },
                (char[]){ "/srv/looks like one \\012" },
                (char[]){ "/srv/not utf-8 \xff\xc0" },
                (char[]){ "dm 253:4" },
                (char[]){ "dm 4095:1048575" },
                NULL,
        };
        _cleanup_(temp_dir_freep) char *dir = temp_dir_new();
        _cleanup_(freep) char *path = path_in(dir, "held");
        _cleanup_(strv_freep) char **read = NULL;

        assert_int_equal(held_list_write(path, mounts), 0);
        assert_int_equal(held_list_read(path, &read), 0);

        assert_int_equal(strv_length(read), ELEMENTSOF(mounts) - 1);
        for (size_t i = 0; mounts[i]; ++i)
                assert_string_equal(read[i], mounts[i]);
}

static void test_that_only_its_owner_reads_the_list(void **state) {
        char *mounts[] = { (char[]){ "/srv" }, NULL };
        _cleanup_(temp_dir_freep) char *dir = temp_dir_new();
        _cleanup_(freep) char *path = path_in(dir, "held");
        struct stat st;

        assert_int_equal(held_list_write(path, mounts), 0);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0600);
}

static void test_that_what_is_not_such_a_list_is_refused(void **state) {
        static const struct {
                const char *text;
                int r;
        } cases[] = {
                { "srv\n",         -EBADMSG }, /* not absolute */
                { "/srv\n-rf\n",   -EBADMSG },
                { "/srv\\\n",      -EBADMSG }, /* half an escape */
                { "/srv\\01\n",    -EBADMSG },
                { "/srv\\040x\n",  -EBADMSG }, /* not one of ours */
                { "",              0        },
                { "\n\n",          0        },
                { "/srv",          0        }, /* the last line feed may be missing */
                { "/srv\\134n\n",  0        },
                { "dm 253:4\n",    0        },
                { "dm 253:4x\n",   -EBADMSG },
                { "dm 253\n",      -EBADMSG },
                { "dm :4\n",       -EBADMSG },
                { "md 9:0\n",      -EBADMSG },
        };
        _cleanup_(temp_dir_freep) char *dir = temp_dir_new();
        _cleanup_(freep) char *path = path_in(dir, "held");

        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                _cleanup_(strv_freep) char **read = NULL;

                write_file(dir, "held", cases[i].text);
                assert_int_equal(held_list_read(path, &read), cases[i].r);
        }
}

static void test_that_no_list_is_an_answer_of_its_own(void **state) {
        _cleanup_(temp_dir_freep) char *dir = temp_dir_new();
        _cleanup_(freep) char *path = path_in(dir, "held");
        char **read = NULL;

        assert_int_equal(held_list_read(path, &read), -ENOENT);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_that_every_name_comes_back),
                cmocka_unit_test(test_that_only_its_owner_reads_the_list),
                cmocka_unit_test(test_that_what_is_not_such_a_list_is_refused),
                cmocka_unit_test(test_that_no_list_is_an_answer_of_its_own),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
