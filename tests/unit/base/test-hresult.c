/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Results: every code of the reference has its name and value here, and errors survive the exchange office.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <vsserror.h>

#include "base/fd-util.h"
#include "base/hresult.h"
#include "base/strv.h"
#include "lib/test-util.h"

static const char *reference_path; /* tests/reference/hresults.tsv */

static void test_that_every_code_of_the_reference_is_known(void **state) {
        _cleanup_(strv_freep) char **lines = NULL;
        _cleanup_(freep) char *text = NULL;
        unsigned n = 0;

        assert_int_equal(file_read_text(reference_path, 1 << 20, &text), 0);
        assert_int_equal(strv_split(text, "\n", &lines), 0);

        for (char **line = lines + 1; *line; ++line, ++n) {
                _cleanup_(strv_freep) char **fields = NULL;
                HRESULT value, found;

                assert_int_equal(strv_split(*line, "\t", &fields), 0);
                assert_int_equal(strv_length(fields), 3);
                value = (HRESULT) strtoul(fields[1], NULL, 16);

                assert_string_equal(hresult_name(value), fields[0]);
                assert_int_equal(hresult_from_name(fields[0], &found), 0);
                assert_int_equal(found, value);
        }

        assert_true(n > 90);
}

static void test_that_a_sentence_fits_behind_a_colon(void **state) {
        /* All facilities and codes that occur, and many that do not. */
        static const uint32_t bases[] = {
                0x00000000, 0x00042300, 0x80004000, 0x80040100, 0x80042300, 0x80042400, 0x80070000,
        };

        for (size_t i = 0; i < ELEMENTSOF(bases); ++i)
                for (uint32_t code = 0; code < 256; ++code) {
                        const char *sentence = hresult_sentence((HRESULT) (bases[i] + code));
                        size_t n = strlen(sentence);

                        assert_in_range(n, 5, 80);
                        assert_false(sentence[0] >= 'A' && sentence[0] <= 'Z');
                        assert_int_not_equal(sentence[n - 1], '.');
                }
}

static void test_that_unknown_codes_are_shown_as_numbers(void **state) {
        HRESULT found = E_FAIL;

        assert_string_equal(hresult_name((HRESULT) 0x8004FFFF), "0x8004FFFF");
        assert_string_equal(hresult_name(2), "0x00000002");
        assert_string_equal(hresult_sentence((HRESULT) 0x8004FFFF), "an unknown error occurred");
        assert_int_equal(hresult_from_name("VSS_E_WHATEVER", &found), -ENOENT);
        assert_int_equal(hresult_from_name("", &found), -ENOENT);
        assert_int_equal(found, E_FAIL);
}

static void test_that_errors_are_exchanged(void **state) {
        static const struct {
                int r;
                HRESULT hr;
                bool and_back;
        } cases[] = {
                { 0,             S_OK,                           true  },
                { -EXDEV,        VSS_E_UNEXPECTED,               false }, /* nothing in the API says it */
                { -ETIMEDOUT,    VSS_E_UNEXPECTED,               false }, /* it says what took too long */
                { -EBADMSG,      VSS_E_UNEXPECTED,               false }, /* which document? */
                { -EFAULT,       VSS_E_UNEXPECTED,               false },
                { -ENOMEM,       E_OUTOFMEMORY,                  true  },
                { -EINVAL,       E_INVALIDARG,                   true  },
                { -EILSEQ,       E_INVALIDARG,                   false },
                { -EACCES,       E_ACCESSDENIED,                 true  },
                { -EPERM,        E_ACCESSDENIED,                 false },
                { -ENOENT,       VSS_E_OBJECT_NOT_FOUND,         true  },
                { -EEXIST,       VSS_E_OBJECT_ALREADY_EXISTS,    true  },
                { -ENOSPC,       VSS_E_INSUFFICIENT_STORAGE,     true  },
                { -EDQUOT,       VSS_E_INSUFFICIENT_STORAGE,     false },
                { -EOPNOTSUPP,   VSS_E_VOLUME_NOT_SUPPORTED,     true  },
                { -ENOSYS,       E_NOTIMPL,                      true  },
                { -EBADFD,       VSS_E_BAD_STATE,                true  },
                { -EINPROGRESS,  VSS_E_SNAPSHOT_SET_IN_PROGRESS, true  },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                assert_int_equal(hresult_from_errno(cases[i].r), cases[i].hr);
                if (cases[i].and_back)
                        assert_int_equal(errno_from_hresult(cases[i].hr), cases[i].r);
        }
}

static void test_that_success_is_never_an_error(void **state) {
        static const HRESULT cases[] = { 7, S_OK, S_FALSE, VSS_S_ASYNC_CANCELLED };

        for (size_t i = 0; i < ELEMENTSOF(cases); ++i)
                assert_int_equal(errno_from_hresult(cases[i]), 0);
}

static void test_that_failure_is_never_success(void **state) {
        static const HRESULT cases[] = { (HRESULT) 0x8004FFFF, E_FAIL, VSS_E_UNEXPECTED };

        for (size_t i = 0; i < ELEMENTSOF(cases); ++i)
                assert_int_equal(errno_from_hresult(cases[i]), -EIO);
        for (int r = -1; r > -200; --r)
                assert_true(FAILED(hresult_from_errno(r)));
}

int main(int argc, char **argv) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_that_every_code_of_the_reference_is_known),
                cmocka_unit_test(test_that_a_sentence_fits_behind_a_colon),
                cmocka_unit_test(test_that_unknown_codes_are_shown_as_numbers),
                cmocka_unit_test(test_that_errors_are_exchanged),
                cmocka_unit_test(test_that_success_is_never_an_error),
                cmocka_unit_test(test_that_failure_is_never_success),
        };

        if (argc != 2) {
                (void) fprintf(stderr, "Usage: %s HRESULTS.TSV\n", argv[0]);
                return EXIT_FAILURE;
        }

        reference_path = argv[1];
        return cmocka_run_group_tests(tests, NULL, NULL);
}
