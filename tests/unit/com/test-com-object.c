/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Reference counts and QueryInterface, on an object with a family of two interfaces and one beside it.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <vsadmin.h>
#include <vsprov.h>

#include "com/com-object.h"

typedef struct Thing {
        ComObject com;
        IVssAdminEx IVssAdminEx_iface; /* IVssAdmin, too */
        IVssProviderNotifications IVssProviderNotifications_iface;
        unsigned *n_finalized;
} Thing;

static const IVssAdminExVtbl thing_admin_vtbl;
static const IVssProviderNotificationsVtbl thing_notifications_vtbl;

static Thing *impl_from_IVssAdminEx(IVssAdminEx *iface) {
        assert(iface->lpVtbl == &thing_admin_vtbl);
        return container_of(iface, Thing, IVssAdminEx_iface);
}

static Thing *impl_from_IVssProviderNotifications(IVssProviderNotifications *iface) {
        assert(iface->lpVtbl == &thing_notifications_vtbl);
        return container_of(iface, Thing, IVssProviderNotifications_iface);
}

COM_DEFINE_UNKNOWN(thing_admin, IVssAdminEx)
COM_DEFINE_UNKNOWN(thing_notifications, IVssProviderNotifications)

static const IVssAdminExVtbl thing_admin_vtbl = {
        .QueryInterface = thing_admin_QueryInterface,
        .AddRef = thing_admin_AddRef,
        .Release = thing_admin_Release,
};

static const IVssProviderNotificationsVtbl thing_notifications_vtbl = {
        .QueryInterface = thing_notifications_QueryInterface,
        .AddRef = thing_notifications_AddRef,
        .Release = thing_notifications_Release,
};

static void thing_finalize(ComObject *object) {
        ++*container_of(object, Thing, com)->n_finalized;
}

static const ComInterface thing_interfaces[] = {
        COM_INTERFACE(Thing, IVssAdminEx),
        COM_INTERFACE_AS(Thing, IVssAdmin, IVssAdminEx),
        COM_INTERFACE(Thing, IVssProviderNotifications),
};

static const ComClass thing_class = {
        .name = "Thing",
        .interfaces = thing_interfaces,
        .n_interfaces = ELEMENTSOF(thing_interfaces),
        .finalize = thing_finalize,
};

static void thing_init(Thing *thing, unsigned *n_finalized) {
        *thing = (Thing){
                .IVssAdminEx_iface.lpVtbl = &thing_admin_vtbl,
                .IVssProviderNotifications_iface.lpVtbl = &thing_notifications_vtbl,
                .n_finalized = n_finalized,
        };
        com_object_init(&thing->com, &thing_class);
}

static void test_that_the_last_release_finalizes_once_through_whichever_interface(void **state) {
        unsigned n_finalized = 0;
        Thing thing;

        (void) state;

        thing_init(&thing, &n_finalized);
        assert_int_equal(IVssAdminEx_AddRef(&thing.IVssAdminEx_iface), 2);
        assert_int_equal(IVssProviderNotifications_AddRef(&thing.IVssProviderNotifications_iface), 3);
        assert_int_equal(IVssAdminEx_Release(&thing.IVssAdminEx_iface), 2);
        assert_int_equal(IVssAdminEx_Release(&thing.IVssAdminEx_iface), 1);
        assert_int_equal(n_finalized, 0);
        assert_int_equal(IVssProviderNotifications_Release(&thing.IVssProviderNotifications_iface), 0);
        assert_int_equal(n_finalized, 1);
}

static void test_that_every_interface_is_found_from_every_other(void **state) {
        unsigned n_finalized = 0;
        Thing thing;
        IVssAdminEx *admin = &thing.IVssAdminEx_iface;
        IVssProviderNotifications *other = &thing.IVssProviderNotifications_iface;
        const struct {
                const IID *iid;
                void *expected;
        } cases[] = {
                { &IID_IUnknown,                  &thing.IVssAdminEx_iface               },
                { &IID_IVssAdmin,                 &thing.IVssAdminEx_iface               },
                { &IID_IVssAdminEx,               &thing.IVssAdminEx_iface               },
                { &IID_IVssProviderNotifications, &thing.IVssProviderNotifications_iface },
        };

        (void) state;

        thing_init(&thing, &n_finalized);

        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                void *a, *b;

                assert_int_equal(IVssAdminEx_QueryInterface(admin, cases[i].iid, &a), S_OK);
                assert_int_equal(IVssProviderNotifications_QueryInterface(other, cases[i].iid, &b), S_OK);
                assert_ptr_equal(a, cases[i].expected);
                assert_ptr_equal(b, cases[i].expected);
        }

        assert_int_equal(IVssAdminEx_AddRef(admin), 2 + 2 * ELEMENTSOF(cases));
}

static void test_that_a_refused_query_clears_its_output_and_takes_no_reference(void **state) {
        unsigned n_finalized = 0;
        void *p = &n_finalized;
        Thing thing;
        IVssAdminEx *admin = &thing.IVssAdminEx_iface;

        (void) state;

        thing_init(&thing, &n_finalized);
        assert_int_equal(IVssAdminEx_QueryInterface(admin, &IID_IVssAsync, &p), E_NOINTERFACE);
        assert_null(p);

        p = &n_finalized;
        assert_int_equal(IVssAdminEx_QueryInterface(admin, NULL, &p), E_POINTER);
        assert_null(p);

        assert_int_equal(IVssAdminEx_QueryInterface(admin, &IID_IVssAdmin, NULL), E_POINTER);
        assert_int_equal(IVssAdminEx_Release(&thing.IVssAdminEx_iface), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_that_the_last_release_finalizes_once_through_whichever_interface),
                cmocka_unit_test(test_that_every_interface_is_found_from_every_other),
                cmocka_unit_test(test_that_a_refused_query_clears_its_output_and_takes_no_reference),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
