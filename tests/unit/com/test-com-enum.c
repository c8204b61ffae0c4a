/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The enumerators and the copies they hand out.
 */

#include <string.h>
#include <wchar.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/macro.h"
#include "com/com-enum.h"
#include "com/com-prop.h"
#include "lib/reference.h"

static WCHAR name_a[] = L"a", name_b[] = L"b", name_c[] = L"c";
static WCHAR name_d[] = L"d", name_e[] = L"e", name_f[] = L"f";

static const VSS_OBJECT_PROP objects[] = {
        {
                .Type = VSS_OBJECT_SNAPSHOT,
                .Obj.Snap = {
                        .m_lSnapshotsCount = 1,
                        .m_pwszSnapshotDeviceObject = name_a,
                        .m_pwszOriginalVolumeName = name_b,
                        .m_pwszOriginatingMachine = name_c,
                        .m_pwszServiceMachine = name_d,
                        .m_pwszExposedName = name_e,
                        .m_pwszExposedPath = name_f,
                        .m_eStatus = VSS_SS_CREATED,
                },
        },
        {
                .Type = VSS_OBJECT_PROVIDER,
                .Obj.Prov = {
                        .m_pwszProviderName = name_a,
                        .m_eProviderType = VSS_PROV_SYSTEM,
                        .m_pwszProviderVersion = name_b,
                },
        },
        { .Type = VSS_OBJECT_SNAPSHOT, .Obj.Snap.m_lSnapshotsCount = 3 }, /* no strings at all */
};

static const VSS_MGMT_OBJECT_PROP mgmt_objects[] = {
        {
                .Type = VSS_MGMT_OBJECT_VOLUME,
                .Obj.Vol = { name_a, name_b },
        },
        {
                .Type = VSS_MGMT_OBJECT_DIFF_VOLUME,
                .Obj.DiffVol = { name_a, name_b, 3, 4 },
        },
        {
                .Type = VSS_MGMT_OBJECT_DIFF_AREA,
                .Obj.DiffArea = { name_a, name_b, VSS_ASSOC_NO_MAX_SPACE, 4, 5 },
        },
};

/* Over copies: an enumerator takes over what it gets. Each allocation of it may fail. */
static HRESULT new_enum(const VSS_OBJECT_PROP *props, size_t n, IVssEnumObject **ret) {
        VSS_OBJECT_PROP *copies = calloc_checked(n + 1, sizeof(*copies));
        HRESULT hr = copies ? S_OK : E_OUTOFMEMORY;
        size_t i = 0;

        for (; SUCCEEDED(hr) && i < n; ++i)
                hr = object_prop_copy(props + i, copies + i);
        if (SUCCEEDED(hr))
                return enum_object_take(copies, n, ret);

        while (copies && i > 0)
                object_prop_clear(copies + --i);
        free(copies);
        return hr;
}

static HRESULT new_mgmt_enum(const VSS_MGMT_OBJECT_PROP *props, size_t n, IVssEnumMgmtObject **ret) {
        VSS_MGMT_OBJECT_PROP *copies = calloc(n + 1, sizeof(*copies));

        assert_non_null(copies);
        for (size_t i = 0; i < n; ++i)
                assert_int_equal(mgmt_object_prop_copy(props + i, copies + i), S_OK);
        return enum_mgmt_object_take(copies, n, ret);
}

static IVssEnumObject *enum_new_objects(void) {
        IVssEnumObject *e;

        assert_int_equal(new_enum(objects, ELEMENTSOF(objects), &e), S_OK);
        return e;
}

/* Equal text in memory of its own. */
static void assert_copied(const WCHAR *copy, const WCHAR *original) {
        assert_true(copy != original);
        assert_int_equal(wcscmp(copy, original), 0);
}

static void test_that_a_shadow_copy_and_a_provider_come_out_as_they_went_in(void **state) {
        VSS_OBJECT_PROP got[3];
        IVssEnumObject *e;
        ULONG n;

        (void) state;

        e = enum_new_objects();
        ASSERT_RETURNS(IVssEnumObject, Next, S_OK, IVssEnumObject_Next(e, 3, got, &n));
        assert_int_equal(n, 3);
        assert_int_equal(IVssEnumObject_Release(e), 0);

        /* The copies outlive the enumerator. */
        assert_int_equal(got[0].Type, VSS_OBJECT_SNAPSHOT);
        assert_copied(got[0].Obj.Snap.m_pwszSnapshotDeviceObject, name_a);
        assert_copied(got[0].Obj.Snap.m_pwszOriginalVolumeName, name_b);
        assert_copied(got[0].Obj.Snap.m_pwszOriginatingMachine, name_c);
        assert_copied(got[0].Obj.Snap.m_pwszServiceMachine, name_d);
        assert_copied(got[0].Obj.Snap.m_pwszExposedName, name_e);
        assert_copied(got[0].Obj.Snap.m_pwszExposedPath, name_f);
        assert_int_equal(got[0].Obj.Snap.m_eStatus, VSS_SS_CREATED);

        assert_int_equal(got[1].Type, VSS_OBJECT_PROVIDER);
        assert_copied(got[1].Obj.Prov.m_pwszProviderName, name_a);
        assert_copied(got[1].Obj.Prov.m_pwszProviderVersion, name_b);

        assert_null(got[2].Obj.Snap.m_pwszExposedName);
        assert_int_equal(got[2].Obj.Snap.m_lSnapshotsCount, 3);

        for (size_t i = 0; i < ELEMENTSOF(got); ++i) {
                object_prop_clear(&got[i]);
                object_prop_clear(&got[i]); /* twice is allowed */
                assert_int_equal(got[i].Type, VSS_OBJECT_UNKNOWN);
        }
        REACHES_RULE(IVssEnumObject, "Next", "caller allocates rgelt");
}

static void test_that_next_says_how_many_there_are(void **state) {
        static const struct {
                ULONG wanted, got;
                HRESULT hr;
        } cases[] = {
                { 0, 0, S_OK    },
                { 2, 2, S_OK    },
                { 2, 1, S_FALSE }, /* only one is left */
                { 1, 0, S_FALSE },
                { 0, 0, S_OK    },
        };
        VSS_OBJECT_PROP got[2];
        IVssEnumObject *e;

        (void) state;

        e = enum_new_objects();
        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                ULONG n = 77;

                assert_int_equal(IVssEnumObject_Next(e, cases[i].wanted, got, &n), cases[i].hr);
                assert_int_equal(n, cases[i].got);
                for (size_t k = 0; k < n; ++k)
                        object_prop_clear(&got[k]);
        }
        assert_int_equal(IVssEnumObject_Release(e), 0);
}

static void test_that_next_wants_its_pointers(void **state) {
        VSS_OBJECT_PROP got[2];
        IVssEnumObject *e;
        ULONG n = 77;

        (void) state;

        e = enum_new_objects();
        ASSERT_RETURNS(IVssEnumObject, Next, E_POINTER, IVssEnumObject_Next(e, 1, NULL, &n));
        assert_int_equal(n, 0);
        assert_int_equal(IVssEnumObject_Next(e, 2, got, NULL), E_POINTER);

        /* One element needs no count. */
        assert_int_equal(IVssEnumObject_Next(e, 1, got, NULL), S_OK);
        assert_int_equal(got[0].Obj.Snap.m_lSnapshotsCount, 1);
        object_prop_clear(&got[0]);

        ASSERT_RETURNS(IVssEnumObject, Clone, E_POINTER, IVssEnumObject_Clone(e, NULL));
        assert_int_equal(IVssEnumObject_Release(e), 0);
}

static void test_that_skip_and_reset_move_the_position(void **state) {
        VSS_OBJECT_PROP got;
        IVssEnumObject *e;
        ULONG n;

        (void) state;

        e = enum_new_objects();
        ASSERT_RETURNS(IVssEnumObject, Skip, S_OK, IVssEnumObject_Skip(e, 2));
        assert_int_equal(IVssEnumObject_Next(e, 1, &got, &n), S_OK);
        assert_int_equal(got.Obj.Snap.m_lSnapshotsCount, 3);
        object_prop_clear(&got);

        assert_int_equal(IVssEnumObject_Skip(e, 0), S_OK);
        ASSERT_RETURNS(IVssEnumObject, Skip, S_FALSE, IVssEnumObject_Skip(e, 1));
        assert_int_equal(IVssEnumObject_Skip(e, UINT32_MAX), S_FALSE);

        ASSERT_RETURNS(IVssEnumObject, Reset, S_OK, IVssEnumObject_Reset(e));
        assert_int_equal(IVssEnumObject_Skip(e, 3), S_OK);
        ASSERT_RETURNS(IVssEnumObject, Next, S_FALSE, IVssEnumObject_Next(e, 1, &got, &n));

        assert_int_equal(IVssEnumObject_Reset(e), S_OK);
        assert_int_equal(IVssEnumObject_Skip(e, 4), S_FALSE);
        assert_int_equal(IVssEnumObject_Next(e, 1, &got, &n), S_FALSE);
        assert_int_equal(IVssEnumObject_Release(e), 0);
}

static void test_that_a_clone_goes_on_from_the_same_place_on_its_own(void **state) {
        IVssEnumObject *e, *clone = NULL;
        VSS_OBJECT_PROP got;
        ULONG n;

        (void) state;

        e = enum_new_objects();
        assert_int_equal(IVssEnumObject_Skip(e, 1), S_OK);
        ASSERT_RETURNS(IVssEnumObject, Clone, S_OK, IVssEnumObject_Clone(e, &clone));
        assert_int_equal(IVssEnumObject_Release(e), 0);

        assert_int_equal(IVssEnumObject_Next(clone, 1, &got, &n), S_OK);
        assert_int_equal(got.Type, VSS_OBJECT_PROVIDER);
        assert_copied(got.Obj.Prov.m_pwszProviderName, name_a);
        object_prop_clear(&got);
        assert_int_equal(IVssEnumObject_Release(clone), 0);
        REACHES_RULE(IVssEnumObject, "Clone", "must be NULL on entry");
}

static void test_that_an_empty_enumerator_is_an_enumerator(void **state) {
        VSS_OBJECT_PROP got;
        IVssEnumObject *e;
        ULONG n;

        (void) state;

        assert_int_equal(new_enum(NULL, 0, &e), S_OK);
        assert_int_equal(IVssEnumObject_Next(e, 1, &got, &n), S_FALSE);
        assert_int_equal(n, 0);
        assert_int_equal(IVssEnumObject_Skip(e, 1), S_FALSE);
        assert_int_equal(IVssEnumObject_Reset(e), S_OK);
        assert_int_equal(IVssEnumObject_Release(e), 0);
}

static void test_that_the_management_enumerator_does_the_same(void **state) {
        IVssEnumMgmtObject *e, *clone;
        VSS_MGMT_OBJECT_PROP got[4];
        void *other;
        ULONG n;

        (void) state;

        assert_int_equal(new_mgmt_enum(mgmt_objects, ELEMENTSOF(mgmt_objects), &e), S_OK);
        assert_int_equal(IVssEnumMgmtObject_QueryInterface(e, &IID_IVssEnumObject, &other), E_NOINTERFACE);
        ASSERT_RETURNS(IVssEnumMgmtObject, Clone, S_OK, IVssEnumMgmtObject_Clone(e, &clone));
        ASSERT_RETURNS(IVssEnumMgmtObject, Skip, S_OK, IVssEnumMgmtObject_Skip(e, 3));
        assert_int_equal(IVssEnumMgmtObject_Next(e, 1, got, &n), S_FALSE);
        assert_int_equal(IVssEnumMgmtObject_Skip(e, 1), S_FALSE);
        REACHES_RETURN(IVssEnumMgmtObject, Skip, "HRESULT");
        ASSERT_RETURNS(IVssEnumMgmtObject, Reset, S_OK, IVssEnumMgmtObject_Reset(e));
        ASSERT_RETURNS(IVssEnumMgmtObject, Next, S_OK, IVssEnumMgmtObject_Next(e, 1, got, &n));
        mgmt_object_prop_clear(got);
        assert_int_equal(IVssEnumMgmtObject_Next(e, 1, NULL, &n), E_POINTER);
        REACHES_RETURN(IVssEnumMgmtObject, Next, "HRESULT");
        assert_int_equal(IVssEnumMgmtObject_Clone(e, NULL), E_POINTER);
        REACHES_RETURN(IVssEnumMgmtObject, Clone, "HRESULT");
        assert_int_equal(IVssEnumMgmtObject_Release(e), 0);

        assert_int_equal(IVssEnumMgmtObject_Next(clone, 4, got, &n), S_FALSE);
        assert_int_equal(n, 3);
        assert_int_equal(IVssEnumMgmtObject_Release(clone), 0);

        assert_copied(got[0].Obj.Vol.m_pwszVolumeName, name_a);
        assert_copied(got[0].Obj.Vol.m_pwszVolumeDisplayName, name_b);
        assert_copied(got[1].Obj.DiffVol.m_pwszVolumeName, name_a);
        assert_copied(got[1].Obj.DiffVol.m_pwszVolumeDisplayName, name_b);
        assert_int_equal(got[1].Obj.DiffVol.m_llVolumeTotalSpace, 4);
        assert_copied(got[2].Obj.DiffArea.m_pwszVolumeName, name_a);
        assert_copied(got[2].Obj.DiffArea.m_pwszDiffAreaVolumeName, name_b);
        assert_int_equal(got[2].Obj.DiffArea.m_llMaximumDiffSpace, -1);

        for (size_t i = 0; i < n; ++i)
                mgmt_object_prop_clear(&got[i]);
        REACHES_RULE(IVssEnumMgmtObject, "Next", "caller allocates rgelt");
}

static void test_that_making_and_reading_an_enumerator_survives_any_failed_allocation(void **state) {
        HRESULT hr = E_OUTOFMEMORY;
        VSS_OBJECT_PROP got[3];
        IVssEnumObject *e, *clone = NULL;
        ULONG n_got = 0;

        (void) state;

        for (unsigned n = 0; hr == E_OUTOFMEMORY; ++n) {
                fault_fail_allocation(n);
                hr = new_enum(objects, ELEMENTSOF(objects), &e);
                fault_clear();
        }
        assert_int_equal(hr, S_OK);

        /* A failed Next() has not moved: what it would have given comes the next time. */
        hr = E_FAIL;
        for (unsigned n = 0; hr == E_FAIL; ++n) {
                fault_fail_allocation(n);
                hr = IVssEnumObject_Next(e, 3, got, &n_got);
                fault_clear();
                assert_int_equal(n_got, hr == S_OK ? 3 : 0);
                if (hr != S_OK)
                        ASSERT_RETURNS(IVssEnumObject, Next, E_FAIL, hr);
        }
        assert_int_equal(hr, S_OK);

        hr = E_OUTOFMEMORY;
        for (unsigned n = 0; hr == E_OUTOFMEMORY; ++n) {
                fault_fail_allocation(n);
                hr = IVssEnumObject_Clone(e, &clone);
                fault_clear();
                assert_int_equal(hr == S_OK, clone != NULL);
                if (hr != S_OK)
                        ASSERT_RETURNS(IVssEnumObject, Clone, E_OUTOFMEMORY, hr);
        }
        assert_int_equal(hr, S_OK);
        assert_int_equal(IVssEnumObject_Release(clone), 0);

        for (size_t i = 0; i < n_got; ++i)
                object_prop_clear(&got[i]);
        assert_int_equal(IVssEnumObject_Release(e), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_that_a_shadow_copy_and_a_provider_come_out_as_they_went_in),
                cmocka_unit_test(test_that_next_says_how_many_there_are),
                cmocka_unit_test(test_that_next_wants_its_pointers),
                cmocka_unit_test(test_that_skip_and_reset_move_the_position),
                cmocka_unit_test(test_that_a_clone_goes_on_from_the_same_place_on_its_own),
                cmocka_unit_test(test_that_an_empty_enumerator_is_an_enumerator),
                cmocka_unit_test(test_that_the_management_enumerator_does_the_same),
                cmocka_unit_test(test_that_making_and_reading_an_enumerator_survives_any_failed_allocation),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
