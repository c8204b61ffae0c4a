/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Every call of the management interfaces, cut short: no memory for any of its allocations in turn, no
 * umbrad, one that goes away in the middle, one that talks nonsense, and one that refuses.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <umbra.h>
#include <vsadmin.h>
#include <vsmgmt.h>

#include "api/fake-umbrad.h"
#include "api/fixture.h"
#include "base/alloc.h"
#include "base/utf.h"
#include "lib/reference.h"
#include "lib/test-util.h"

#define TRIES_MAX 1000

static const VSS_ID some_id = { 0x10000001, 1, 1, { 1, 2, 3, 4, 5, 6, 7, 8 } };
static WCHAR srv[] = L"\\srv\\data\\", var[] = L"\\var\\", name[] = L"name";
static WCHAR *volume, *place;

/* The fake provider's, which both umbrads know. */
static const VSS_ID fake_id = { 0x9d3f1a52,
                                0x6b1e,
                                0x4c7a,
                                { 0x8e, 0x21, 0x5f, 0x0c, 0x77, 0x1b, 0x2d, 0x0f } };

static FakeUmbrad *umbrad;
static Fixture *fixture; /* a real one, where memory is short: the other lives in this process */
static IVssAdminEx *admin;
static IVssSnapshotMgmt *mgmt;
static IVssSnapshotMgmt2 *mgmt2;
static IVssDifferentialSoftwareSnapshotMgmt3 *diff;

static void objects_new(void) {
        assert_int_equal(CoCreateInstance(&CLSID_VSSCoordinator, NULL, CLSCTX_ALL, &IID_IVssAdminEx,
                                          (void **) &admin),
                         S_OK);
        assert_int_equal(CoCreateInstance(&CLSID_VssSnapshotMgmt, NULL, CLSCTX_ALL, &IID_IVssSnapshotMgmt,
                                          (void **) &mgmt),
                         S_OK);
        assert_int_equal(IVssSnapshotMgmt_QueryInterface(mgmt, &IID_IVssSnapshotMgmt2, (void **) &mgmt2),
                         S_OK);
        assert_int_equal(
                IVssSnapshotMgmt_GetProviderMgmtInterface(
                        mgmt, fake_id, &IID_IVssDifferentialSoftwareSnapshotMgmt3, (IUnknown **) &diff),
                S_OK);
}

static void objects_free(void) {
        assert_int_equal(IVssDifferentialSoftwareSnapshotMgmt3_Release(diff), 0);
        assert_int_equal(IVssSnapshotMgmt2_Release(mgmt2), 1);
        assert_int_equal(IVssSnapshotMgmt_Release(mgmt), 0);
        assert_int_equal(IVssAdminEx_Release(admin), 0);
}

static int setup(void **state) {
        umbrad = fake_umbrad_start();
        volume = srv;
        place = var;
        objects_new();
        return 0;
}

static int teardown(void **state) {
        objects_free();
        fake_umbrad_stop(umbrad);
        return 0;
}

static int setup_real(void **state) {
        fixture = fixture_new();
        volume = fixture->wide;
        assert_int_equal(wide_from_utf8(fixture->dir, &place), 0);
        objects_new();
        return 0;
}

static int teardown_real(void **state) {
        objects_free();
        free(place);
        fixture = fixture_free(fixture);
        return 0;
}

/* What is handed out is there if it succeeded, and only then. */
#define RELEASED(p, hr)                                                                                     \
        ({                                                                                                  \
                HRESULT _hr = (hr);                                                                         \
                                                                                                            \
                assert_int_equal(SUCCEEDED(_hr), (p) != NULL);                                              \
                if (p)                                                                                      \
                        IUnknown_Release((IUnknown *) (p));                                                 \
                _hr;                                                                                        \
        })

static HRESULT register_provider(void) {
        return IVssAdminEx_RegisterProvider(admin, some_id, some_id, name, VSS_PROV_SOFTWARE, name, some_id);
}

static HRESULT unregister_provider(void) {
        return IVssAdminEx_UnregisterProvider(admin, some_id);
}

static HRESULT query_providers(void) {
        IVssEnumObject *list = NULL;
        HRESULT hr = IVssAdminEx_QueryProviders(admin, &list);

        return RELEASED(list, hr);
}

static HRESULT abort_all(void) {
        return IVssAdminEx_AbortAllSnapshotsInProgress(admin);
}

static HRESULT get_capability(void) {
        ULONGLONG capabilities;

        return IVssAdminEx_GetProviderCapability(admin, fake_id, &capabilities);
}

static HRESULT get_context(void) {
        LONG context;

        return IVssAdminEx_GetProviderContext(admin, fake_id, &context);
}

static HRESULT get_interface(void) {
        IUnknown *found = NULL;
        HRESULT hr;

        hr = IVssSnapshotMgmt_GetProviderMgmtInterface(mgmt, fake_id,
                                                       &IID_IVssDifferentialSoftwareSnapshotMgmt, &found);
        return RELEASED(found, hr);
}

static HRESULT query_volumes(void) {
        IVssEnumMgmtObject *list = NULL;
        HRESULT hr =
                IVssSnapshotMgmt_QueryVolumesSupportedForSnapshots(mgmt, GUID_NULL, VSS_CTX_BACKUP, &list);

        return RELEASED(list, hr);
}

static HRESULT query_snapshots(void) {
        IVssEnumObject *list = NULL;
        HRESULT hr = IVssSnapshotMgmt_QuerySnapshotsByVolume(mgmt, volume, GUID_NULL, &list);

        return RELEASED(list, hr);
}

static HRESULT get_minimum(void) {
        LONGLONG minimum;

        return IVssSnapshotMgmt2_GetMinDiffAreaSize(mgmt2, &minimum);
}

static HRESULT add_area(void) {
        return IVssDifferentialSoftwareSnapshotMgmt3_AddDiffArea(diff, volume, place, -1);
}

static HRESULT change_area(void) {
        return IVssDifferentialSoftwareSnapshotMgmt3_ChangeDiffAreaMaximumSize(diff, volume, place, -1);
}

static HRESULT change_area_ex(void) {
        return IVssDifferentialSoftwareSnapshotMgmt3_ChangeDiffAreaMaximumSizeEx(diff, volume, place, -1,
                                                                                 TRUE);
}

#define QUERY(function, ...)                                                                                \
        ({                                                                                                  \
                IVssEnumMgmtObject *_list = NULL;                                                           \
                HRESULT _result =                                                                           \
                        IVssDifferentialSoftwareSnapshotMgmt3_##function(diff, __VA_ARGS__, &_list);        \
                                                                                                            \
                RELEASED(_list, _result);                                                                   \
        })

static HRESULT query_places(void) {
        return QUERY(QueryVolumesSupportedForDiffAreas, volume);
}

static HRESULT query_for_volume(void) {
        return QUERY(QueryDiffAreasForVolume, volume);
}

static HRESULT query_on_volume(void) {
        return QUERY(QueryDiffAreasOnVolume, place);
}

static HRESULT query_for_snapshot(void) {
        return QUERY(QueryDiffAreasForSnapshot, some_id);
}

static HRESULT set_level(void) {
        return IVssDifferentialSoftwareSnapshotMgmt3_SetVolumeProtectLevel(diff, volume,
                                                                           VSS_PROTECTION_LEVEL_SNAPSHOT);
}

static HRESULT get_level(void) {
        VSS_VOLUME_PROTECTION_INFO info;

        return IVssDifferentialSoftwareSnapshotMgmt3_GetVolumeProtectLevel(diff, volume, &info);
}

static HRESULT clear_fault(void) {
        return IVssDifferentialSoftwareSnapshotMgmt3_ClearVolumeProtectFault(diff, volume);
}

static HRESULT delete_unused(void) {
        return IVssDifferentialSoftwareSnapshotMgmt3_DeleteUnusedDiffAreas(diff, place);
}

#define DIFF "IVssDifferentialSoftwareSnapshotMgmt"

static const struct {
        const char *interface, *method; /* whose rows it reaches; NULL: it has none */
        const char *member;             /* what it asks of umbrad */
        HRESULT (*call)(void);
} cases[] = {
        /* clang-format off */
        { "IVssAdmin", "RegisterProvider",                  "RegisterProvider",   register_provider   },
        { "IVssAdmin", "UnregisterProvider",                "UnregisterProvider", unregister_provider },
        { "IVssAdmin", "QueryProviders",                    "Query",              query_providers     },
        { NULL,        "AbortAllSnapshotsInProgress",       "AbortAll",           abort_all           },
        { NULL,        "GetProviderCapability",             "DescribeProvider",   get_capability      },
        { NULL,        "GetProviderContext",                "DescribeProvider",   get_context         },
        { NULL,        "GetProviderMgmtInterface",          "DescribeProvider",   get_interface       },
        { NULL,        "QueryVolumesSupportedForSnapshots", "QueryVolumes",       query_volumes       },
        { NULL,        "QuerySnapshotsByVolume",            "QuerySnapshots",     query_snapshots     },
        { NULL,        "GetMinDiffAreaSize",                "GetMinimum",         get_minimum         },
        { DIFF,        "AddDiffArea",                       "AddArea",            add_area            },
        { DIFF,        "ChangeDiffAreaMaximumSize",         "ChangeArea",         change_area         },
        { DIFF "2",    "ChangeDiffAreaMaximumSizeEx",       "ChangeArea",         change_area_ex      },
        { DIFF,        "QueryVolumesSupportedForDiffAreas", "QueryPlace",         query_places        },
        { DIFF,        "QueryDiffAreasForVolume",           "QueryAreas",         query_for_volume    },
        { DIFF,        "QueryDiffAreasOnVolume",            "QueryAreas",         query_on_volume     },
        { DIFF,        "QueryDiffAreasForSnapshot",         "QueryAreas",         query_for_snapshot  },
        { NULL,        "SetVolumeProtectLevel",             "Protection",         set_level           },
        { NULL,        "GetVolumeProtectLevel",             "Protection",         get_level           },
        { NULL,        "ClearVolumeProtectFault",           "Protection",         clear_fault         },
        { NULL,        "DeleteUnusedDiffAreas",             "DeleteUnused",       delete_unused       },
        /* clang-format on */
};

static void expect(size_t i, const char *what, HRESULT expected, HRESULT hr) {
        if (hr != expected)
                fail_msg("%s, %s: 0x%08x %s", cases[i].method, what, (unsigned) hr, umbra_last_error());
        if (FAILED(hr) && !*umbra_last_error())
                fail_msg("%s, %s: no sentence", cases[i].method, what);
}

static void reach(size_t i, const char *symbol) {
        if (cases[i].interface)
                reference_reach_return(cases[i].interface, cases[i].method, symbol);
}

static void test_that_a_connection_may_be_lost_at_any_moment(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                const char *members[] = { "OpenSession", cases[i].member };

                expect(i, "all is well", S_OK, cases[i].call());
                for (size_t k = 0; k < ELEMENTSOF(members); ++k) {
                        fake_umbrad_set(umbrad, members[k], FAKE_GOES, S_OK);
                        expect(i, "umbrad goes", VSS_E_UNEXPECTED, cases[i].call());
                        fake_umbrad_set(umbrad, members[k], FAKE_ANSWERS, S_OK);
                }
                reach(i, "VSS_E_UNEXPECTED");

                /* The next call is another connection. */
                expect(i, "umbrad is back", S_OK, cases[i].call());
        }
}

static void test_that_nonsense_is_not_taken_for_an_answer(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                fake_umbrad_set(umbrad, "OpenSession", FAKE_TALKS, S_OK);
                expect(i, "umbrad talks", VSS_E_UNEXPECTED, cases[i].call());
                fake_umbrad_set(umbrad, "OpenSession", FAKE_ANSWERS, S_OK);
        }
}

static void test_that_a_refusal_is_passed_on(void **state) {
        static const HRESULT results[] = { E_ACCESSDENIED, VSS_E_PROVIDER_VETO, VSS_E_VOLUME_IN_USE };

        for (size_t i = 0; i < ELEMENTSOF(cases); ++i)
                for (size_t k = 0; k < ELEMENTSOF(results); ++k) {
                        const char *member = k == 0 ? "OpenSession" : cases[i].member;

                        fake_umbrad_set(umbrad, member, FAKE_FAILS, results[k]);
                        expect(i, "umbrad refuses", results[k], cases[i].call());
                        fake_umbrad_set(umbrad, member, FAKE_ANSWERS, S_OK);
                }
}

static void test_that_nobody_may_listen(void **state) {
        assert_int_equal(umbra_set_socket("/no/such/socket"), S_OK);
        for (size_t i = 0; i < ELEMENTSOF(cases); ++i)
                expect(i, "nobody listens", VSS_E_UNEXPECTED, cases[i].call());
        assert_int_equal(umbra_set_socket(NULL), S_OK);
}

/* umbrad had done it when there was no memory to hear of it. */
static bool was_done(HRESULT hr) {
        return hr == VSS_E_PROVIDER_ALREADY_REGISTERED || hr == VSS_E_PROVIDER_NOT_REGISTERED ||
               hr == VSS_E_OBJECT_ALREADY_EXISTS;
}

static void test_that_every_call_survives_any_failed_allocation(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                HRESULT hr = E_OUTOFMEMORY;
                unsigned n;

                for (n = 0; hr == E_OUTOFMEMORY && n < TRIES_MAX; ++n) {
                        fault_fail_allocation(n);
                        hr = cases[i].call();
                        fault_clear();
                }
                expect(i, "no memory", S_OK, was_done(hr) ? S_OK : hr);
                assert_true(n > 3); /* the object, the connection, and the path to it at least */
                reach(i, "E_OUTOFMEMORY");
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
#define TEST(sentence) cmocka_unit_test_setup_teardown(test_that_##sentence, setup, teardown)
                TEST(a_connection_may_be_lost_at_any_moment),
                TEST(nonsense_is_not_taken_for_an_answer),
                TEST(a_refusal_is_passed_on),
                TEST(nobody_may_listen),
                cmocka_unit_test_setup_teardown(test_that_every_call_survives_any_failed_allocation,
                                                setup_real, teardown_real),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
