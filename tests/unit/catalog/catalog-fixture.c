/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What the Tests of the Catalog Put into It
 */

#include "catalog-fixture.h"

#include "base/guid.h"
#include "lib/test-util.h"

void make_set(CatalogSnapshot snapshots[2]) {
        GUID set_id;

        guid_generate(&set_id);
        for (size_t i = 0; i < 2; ++i) {
                snapshots[i] = (CatalogSnapshot){
                        .set_id = set_id,
                        .provider = (char *) (uintptr_t) "fake",
                        .volume = (char *) (uintptr_t) (i == 0 ? "/srv" : "/home"),
                        .volume_id.Data1 = 7 + (unsigned) i,
                        .note = (char *) (uintptr_t) "the provider's note",
                        .snapshots_count = 2,
                        .context = 0x80000019U,
                        .machine = (char *) (uintptr_t) "lab",
                };
                guid_generate(&snapshots[i].id);
                guid_generate(&snapshots[i].provider_id);
        }
}

Catalog *open_in(const char *dir) {
        _cleanup_(freep) char *path = path_in(dir, "catalog");
        Catalog *c = NULL;

        assert_int_equal(catalog_open(path, &c), 0);
        return c;
}

size_t count(Catalog *c, CatalogState state) {
        _cleanup_(catalog_list_clear) CatalogList list = {};

        assert_int_equal(catalog_list(c, NULL, state, &list), 0);
        return list.n;
}

void assert_state(Catalog *c, const GUID *id, CatalogState state) {
        _cleanup_(catalog_snapshot_clear) CatalogSnapshot s = {};

        assert_int_equal(catalog_get(c, id, &s), 0);
        assert_string_equal(catalog_state_to_string(s.state), catalog_state_to_string(state));
}
