/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Damaged sets: what is not what went in does not come out, and nothing is touched before that is known.
 */

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd-util.h"
#include "lib/test-util.h"
#include "set-fixture.h"
#include "tools/set-output.h"
#include "tools/set-seal.h"

static void change_byte(const char *path, size_t offset, char byte) {
        _cleanup_(closep) int fd = open(path, O_WRONLY | O_CLOEXEC);

        assert_int_equal(pwrite(fd, &byte, 1, (off_t) offset), 1);
}

/* Nothing was written: not even the directory. */
static void assert_refused(const Fixture *f) {
        int r = set_restore(f->set, f->tree, f->target, NULL);

        if (r != -EBADMSG && r != -ENODATA)
                fail_msg("restored, or failed for another reason: %d", r);
        assert_false(file_exists(f->dir, "target/new"));

        r = set_restore_unsealed(f->set, f->tree, f->target);
        if (r == 0)
                assert_same_tree(f->tree, f->target); /* what was lost was the seal, and nothing else */
        else {
                assert_int_equal(r, -EBADMSG);
                assert_false(file_exists(f->dir, "target/new"));
        }
}

static void test_that_a_set_cut_off_anywhere_is_refused(void **state) {
        static const int levels[] = { SET_LEVEL_NONE, SET_LEVEL_DEFAULT };

        for (size_t i = 0; i < ELEMENTSOF(levels); ++i) {
                _cleanup_(fixture_end) Fixture f = fixture_new(true, levels[i]);
                _cleanup_(freep) char *data = NULL;
                unsigned fds = count_open_fds();
                size_t size, step = 4096;

                data = read_bytes(f.set, &size);

                /* A little is missing: perhaps only the seal. */
                for (size_t cut = 1; cut <= 2 * SET_SEAL_SIZE; cut += 37) {
                        write_bytes(f.set, data, size - cut);
                        assert_refused(&f);
                        shell("rm -rf %s", f.target);
                }

                /* Something was added. */
                write_bytes(f.set, data, size);
                shell("echo >> %s", f.set);
                assert_int_equal(set_restore(f.set, f.tree, f.target, NULL), -ENODATA);
                assert_false(file_exists(f.dir, "target/new"));

                for (size_t n = size / step * step; n > 0; n -= step) {
                        assert_int_equal(truncate(f.set, (off_t) n), 0);
                        assert_int_equal(set_restore(f.set, f.tree, f.target, NULL), -ENODATA);
                        if (n % (64 * step) == 0)
                                assert_int_equal(set_restore_unsealed(f.set, f.tree, f.target), -EBADMSG);
                        assert_false(file_exists(f.dir, "target/new"));
                }

                assert_int_equal(truncate(f.set, 0), 0);
                assert_refused(&f);
                assert_int_equal(count_open_fds(), fds);
        }
}

static void test_that_a_byte_changed_anywhere_is_refused(void **state) {
        static const int levels[] = { SET_LEVEL_NONE, SET_LEVEL_DEFAULT };

        for (size_t i = 0; i < ELEMENTSOF(levels); ++i) {
                _cleanup_(fixture_end) Fixture f = fixture_new(false, levels[i]);
                _cleanup_(freep) char *data = NULL;
                size_t size;

                data = read_bytes(f.set, &size);
                for (size_t n = 0; n < size; ++n) {
                        change_byte(f.set, n, (char) (data[n] ^ 1 << n % 8));
                        if (set_restore(f.set, f.tree, f.target, NULL) == 0)
                                fail_msg("byte %zu may change", n);
                        assert_false(file_exists(f.dir, "target/new"));
                        change_byte(f.set, n, data[n]);
                }
        }
}

/* Not even to one who repairs the seal: what the index says of a member is compared with it. */
static void test_that_a_set_without_seal_is_compared_member_by_member(void **state) {
        _cleanup_(fixture_end) Fixture f = fixture_new(false, SET_LEVEL_NONE);
        _cleanup_(freep) char *data = NULL;
        unsigned changed = 0;
        size_t size;

        data = read_bytes(f.set, &size);
        size -= SET_SEAL_SIZE;
        assert_int_equal(truncate(f.set, (off_t) size), 0);

        for (size_t n = 0; n < size; n += 29) {
                int r;

                change_byte(f.set, n, (char) (data[n] ^ 1 << n % 8));
                r = set_restore_unsealed(f.set, f.tree, f.target);
                change_byte(f.set, n, data[n]);
                if (r == 0) {
                        /* It was padding, or something of the tar's that is not restored. */
                        assert_same_tree(f.tree, f.target);
                        shell("rm -rf %s", f.target);
                } else {
                        assert_false(file_exists(f.dir, "target/new"));
                        ++changed;
                }
        }

        assert_true(changed > 0);
}

int main(int argc, char **argv) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_that_a_set_cut_off_anywhere_is_refused),
                cmocka_unit_test(test_that_a_byte_changed_anywhere_is_refused),
                cmocka_unit_test(test_that_a_set_without_seal_is_compared_member_by_member),
        };

        (void) setlocale(LC_CTYPE, "C.UTF-8");
        if (argc > 1)
                cmocka_set_test_filter(argv[1]);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
