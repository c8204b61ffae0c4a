/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Errors of providers, and what becomes of them.
 */

#include <errno.h>
#include <string.h>

#include <vsserror.h>

#include "lib/test-util.h"
#include "provider/provider-protocol.h"

static void test_that_requesters_are_told_what_errno_means(void **state) {
        static const struct {
                int error;
                HRESULT hr;
        } cases[] = {
                { 0,          S_OK                       },
                { ENOSPC,     VSS_E_INSUFFICIENT_STORAGE },
                { EDQUOT,     VSS_E_INSUFFICIENT_STORAGE },
                { EOPNOTSUPP, VSS_E_VOLUME_NOT_SUPPORTED },
                { ENOENT,     VSS_E_OBJECT_NOT_FOUND     },
                { ENOMEM,     E_OUTOFMEMORY              },
                { EBADFD,     VSS_E_BAD_STATE            },
                { EBUSY,      VSS_E_VOLUME_IN_USE        },
                { EIO,        VSS_E_PROVIDER_VETO        },
                { ETIMEDOUT,  VSS_E_PROVIDER_VETO        },
                { EINVAL,     VSS_E_PROVIDER_VETO        }, /* the provider's mistake, not the caller's */
                { EPERM,      VSS_E_PROVIDER_VETO        },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); ++i)
                assert_int_equal(provider_hresult_from_errno(-cases[i].error), cases[i].hr);
}

static void test_that_only_errors_of_providers_are_believed(void **state) {
        static const struct {
                const char *name;
                int r;
                HRESULT hr;
        } cases[] = {
                { "umbra.Error.VSS_E_PROVIDER_VETO",             0,        VSS_E_PROVIDER_VETO       },
                { "umbra.Error.x80042301",                       0,        VSS_E_BAD_STATE           },
                { "umbra.Error.VSS_S_ASYNC_FINISHED",            -EBADMSG, 0                         },
                { "org.freedesktop.DBus.Error.AccessDenied",     -EBADMSG, 0                         },
                { "System.Error.EINVAL",                         -EBADMSG, 0                         },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                const sd_bus_error error = { .name = cases[i].name };
                HRESULT hr = 0;

                if (strcmp(cases[i].name, "umbra.Error.VSS_S_ASYNC_FINISHED") == 0) {
                        int r = provider_read_error(&error, &hr);

                        assert_true(r == -EBADMSG || FAILED(hr)); /* never a success */
                        continue;
                }
                assert_int_equal(provider_read_error(&error, &hr), cases[i].r);
                assert_int_equal(hr, cases[i].hr);
        }
}

static void test_that_a_sentence_belongs_to_one_failure(void **state) {
        provider_sentence_clear();
        assert_string_equal(provider_sentence(), "");
        assert_int_equal(provider_fail(-EIO, "the disk says: %m"), -EIO);
        assert_string_equal(provider_sentence(), "the disk says: Input/output error");
        provider_sentence_clear();
        assert_string_equal(provider_sentence(), "");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_that_requesters_are_told_what_errno_means),
                cmocka_unit_test(test_that_only_errors_of_providers_are_believed),
                cmocka_unit_test(test_that_a_sentence_belongs_to_one_failure),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
