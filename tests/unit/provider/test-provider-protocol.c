/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Errors of providers, and what becomes of them.
 */

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <vsserror.h>

#include "lib/test-util.h"
#include "provider/provider-protocol.h"
#include "wire/wire-types.h"

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

static sd_bus_message *message_of(sd_bus *bus, size_t n_below) {
        sd_bus_message *m = NULL;

        assert_true(sd_bus_message_new_method_call(bus, &m, NULL, "/test", "test.Test", "Test") >= 0);
        assert_true(sd_bus_message_append(m, "uiiu", 1U, PROVIDER_CONSISTENCY_FUZZY, PROVIDER_CONSISTENCY_CRASH, 2U) >= 0);
        assert_true(sd_bus_message_open_container(m, 'a', "t") >= 0);
        for (size_t i = 0; i < n_below; ++i)
                assert_true(sd_bus_message_append(m, "t", (uint64_t) i) >= 0);
        assert_true(sd_bus_message_close_container(m) >= 0);
        return m;
}

static void test_that_what_a_volume_lies_on_comes_back_and_is_not_more_than_there_is_room_for(void **state) {
        const ProviderProbe said = {
                .flags = PROVIDER_FORBIDS_HOLD | PROVIDER_LIES_ANYWHERE,
                .consistency = PROVIDER_CONSISTENCY_CRASH,
                .consistency_held = PROVIDER_CONSISTENCY_CRASH,
                .below = { 1, (dev_t) 1 << 40 },
                .n_below = 2,
        };
        _cleanup_(sd_bus_unrefp) sd_bus *bus = NULL;
        int pair[2];

        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
        assert_true(sd_bus_new(&bus) >= 0 && sd_bus_set_fd(bus, pair[0], pair[0]) >= 0 && sd_bus_start(bus) >= 0);
        for (size_t n = 0; n <= PROVIDER_BELOW_MAX + 1; ++n) {
                _cleanup_message_ sd_bus_message *m = message_of(bus, n);
                ProviderProbe probe = { 0 };

                assert_true(sd_bus_message_seal(m, 1, 0) >= 0 && sd_bus_message_rewind(m, true) >= 0);
                assert_int_equal(provider_read_probe(m, &probe), n > PROVIDER_BELOW_MAX ? -EBADMSG : 0);
                assert_int_equal(probe.n_below, n > PROVIDER_BELOW_MAX ? 0 : n);
        }

        {
                _cleanup_message_ sd_bus_message *m = NULL;
                ProviderProbe probe = { 0 };

                assert_true(sd_bus_message_new_method_call(bus, &m, NULL, "/test", "test.Test", "Test") >= 0);
                assert_true(provider_append_probe(m, &said) >= 0);
                assert_true(sd_bus_message_seal(m, 1, 0) >= 0 && sd_bus_message_rewind(m, true) >= 0);
                assert_int_equal(provider_read_probe(m, &probe), 0);
                assert_memory_equal(&probe, &said, sizeof(said));
        }
        close(pair[1]);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_that_requesters_are_told_what_errno_means),
                cmocka_unit_test(test_that_only_errors_of_providers_are_believed),
                cmocka_unit_test(test_that_a_sentence_belongs_to_one_failure),
                cmocka_unit_test(test_that_what_a_volume_lies_on_comes_back_and_is_not_more_than_there_is_room_for),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
