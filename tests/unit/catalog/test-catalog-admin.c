/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What administrators decided, as the catalog keeps it: providers of others, and limits of storage.
 */

#include <errno.h>

#include "base/guid.h"
#include "catalog/catalog-areas.h"
#include "catalog/catalog-providers.h"
#include "lib/test-util.h"

static const GUID provider_id = { 1, 0, 0, { 0 } }, volume_id = { 2, 0, 0, { 0 } },
                  place_id = { 3, 0, 0, { 0 } };
static char name[] = "St\xffrange", version[] = "1";

static Catalog *catalog;

static int setup(void **state) {
        assert_int_equal(catalog_open(":memory:", &catalog), 0);
        assert_int_equal(catalog_remember_volume(catalog, &volume_id, "/srv"), 0);
        assert_int_equal(catalog_remember_volume(catalog, &place_id, "/var"), 0);
        return 0;
}

static int teardown(void **state) {
        catalog = catalog_close(catalog);
        return 0;
}

static const CatalogProvider provider = {
        .id = { 1, 0, 0, { 0 } },
        .class_id = { 4, 0, 0, { 0 } },
        .version_id = { 5, 0, 0, { 0 } },
        .name = name,
        .version = version,
        .type = 2,
};

static CatalogArea area(int64_t maximum) {
        return (CatalogArea){
                .volume_id = volume_id,
                .area_volume_id = place_id,
                .provider_id = provider_id,
                .maximum = maximum,
        };
}

static void test_that_a_provider_comes_back_as_it_was(void **state) {
        _cleanup_(catalog_provider_clear) CatalogProvider got = {};
        _cleanup_(catalog_providers_clear) CatalogProviders list = {};

        assert_int_equal(catalog_get_provider(catalog, &provider_id, &got), -ENOENT);
        assert_int_equal(catalog_add_provider(catalog, &provider), 0);
        assert_int_equal(catalog_add_provider(catalog, &provider), -EEXIST);
        assert_int_equal(catalog_get_provider(catalog, &provider_id, &got), 0);
        assert_true(guid_equal(&got.id, &provider.id) && guid_equal(&got.class_id, &provider.class_id) &&
                    guid_equal(&got.version_id, &provider.version_id));
        assert_string_equal(got.name, name);
        assert_string_equal(got.version, version);
        assert_int_equal(got.type, 2);

        assert_int_equal(catalog_list_providers(catalog, &list), 0);
        assert_int_equal(list.n, 1);
        assert_int_equal(catalog_remove_provider(catalog, &provider_id), 0);
        assert_int_equal(catalog_remove_provider(catalog, &provider_id), -ENOENT);
}

static int64_t maximum_now(void) {
        _cleanup_(catalog_area_clear) CatalogArea got = {};

        assert_int_equal(catalog_get_area(catalog, &volume_id, &got), 0);
        assert_string_equal(got.volume, "/srv");
        assert_string_equal(got.area_volume, "/var");
        assert_true(guid_equal(&got.area_volume_id, &place_id));
        assert_true(guid_equal(&got.provider_id, &provider_id));
        return got.maximum;
}

static void test_that_a_passing_limit_comes_before_the_other(void **state) {
        static const struct {
                int64_t maximum;
                bool passing;
        } cases[] = {
                { 1000, false },
                { 2000, true },
                { AREA_NO_MAXIMUM, true },
                { 3000, false },
                { AREA_NO_MAXIMUM, false },
        };
        _cleanup_(catalog_area_clear) CatalogArea got = {};

        assert_int_equal(catalog_get_area(catalog, &volume_id, &got), -ENOENT);
        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                CatalogArea a = area(cases[i].maximum);

                assert_int_equal(catalog_set_area(catalog, &a, cases[i].passing), 0);
                assert_int_equal(maximum_now(), cases[i].maximum);
        }
        assert_int_equal(catalog_remove_area(catalog, &volume_id), 0);
        assert_int_equal(catalog_remove_area(catalog, &volume_id), -ENOENT);
}

static void test_that_a_limit_is_one(void **state) {
        static const int64_t cases[] = { 0, -2, INT64_MIN };

        for (size_t i = 0; i < ELEMENTSOF(cases); ++i)
                for (unsigned passing = 0; passing < 2; ++passing) {
                        CatalogArea a = area(cases[i]);

                        assert_int_equal(catalog_set_area(catalog, &a, passing), -EINVAL);
                }
}

static void test_that_nothing_is_decided_while_anything_is_frozen(void **state) {
        CatalogArea a = area(1000);
        CatalogAreas list = {};

        catalog_freeze(catalog);
        assert_int_equal(catalog_add_provider(catalog, &provider), -EBUSY);
        assert_int_equal(catalog_remove_provider(catalog, &provider_id), -EBUSY);
        assert_int_equal(catalog_set_area(catalog, &a, false), -EBUSY);
        assert_int_equal(catalog_remove_area(catalog, &volume_id), -EBUSY);
        assert_int_equal(catalog_list_areas(catalog, &list), 0); /* but looked at */
        assert_int_equal(list.n, 0);
        catalog_thaw(catalog);
        assert_int_equal(catalog_set_area(catalog, &a, false), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
#define TEST(sentence) cmocka_unit_test_setup_teardown(test_that_##sentence, setup, teardown)
                TEST(a_provider_comes_back_as_it_was),
                TEST(a_passing_limit_comes_before_the_other),
                TEST(a_limit_is_one),
                TEST(nothing_is_decided_while_anything_is_frozen),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
