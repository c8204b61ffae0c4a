/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The table of umbrad, which never loads a provider, and the providers themselves say the same.
 */

#include <errno.h>
#include <string.h>

#include "base/guid.h"
#include "lib/test-util.h"
#include "provider/provider-builtin.h"
#include "providers/providers.h"

static void test_that_every_provider_is_complete(void **state) {
        for (const ProviderOps *const *p = providers; *p; ++p)
                assert_int_equal(provider_ops_check(*p), 0);

        assert_int_equal(provider_ops_check(provider_find("fake")), 0);
        assert_int_equal(provider_ops_check(&(ProviderOps) { .name = "half" }), -EINVAL);
}

static void test_that_the_table_describes_every_provider(void **state) {
        for (const ProviderInfo *info = provider_builtins; info->name; ++info) {
                const ProviderOps *ops = provider_find(info->name);

                assert_non_null(ops);
                assert_string_equal(ops->description, info->description);
                assert_string_equal(ops->version, info->version);
                assert_true(guid_equal(&ops->id, &info->id));
                assert_true(guid_equal(&ops->version_id, &info->version_id));
                assert_true(guid_equal(&ops->class_id, &info->class_id));
                assert_int_equal(ops->type, info->type);
                assert_int_equal(provider_abilities(ops), info->abilities);
                assert_ptr_equal(provider_builtin_find(&ops->id), info);
        }
}

static void test_that_both_are_in_the_same_order(void **state) {
        const ProviderInfo *info = provider_builtins;

        for (const ProviderOps *const *p = providers; *p; ++p, ++info) {
                while (info->test_only)
                        ++info;
                assert_string_equal((*p)->name, info->name);
        }
}

static void test_that_nobody_finds_a_provider_that_is_not_there(void **state) {
        const GUID nobody = { 1, 2, 3, { 4 } };

        assert_null(provider_find("vdo"));
        assert_null(provider_builtin_by_name("vdo"));
        assert_null(provider_builtin_find(&nobody));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_that_every_provider_is_complete),
                cmocka_unit_test(test_that_the_table_describes_every_provider),
                cmocka_unit_test(test_that_both_are_in_the_same_order),
                cmocka_unit_test(test_that_nobody_finds_a_provider_that_is_not_there),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
