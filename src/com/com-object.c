/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * COM Objects
 *
 * Counting references and finding interfaces: the three methods of IUnknown for every object of the library.
 * Both may happen on any thread at any time.
 */

#include <stdint.h>
#include <string.h>

#include "com/com-object.h"

void com_object_init(ComObject *object, const ComClass *class) {
        assert(class->n_interfaces > 0);
        assert(class->finalize);

        object->class = class;
        atomic_init(&object->n_ref, 1);
}

ULONG com_object_ref(ComObject *object) {
        ULONG n = atomic_fetch_add_explicit(&object->n_ref, 1, memory_order_relaxed);

        assert(n > 0);          /* else: the caller revives an object that is being destroyed */
        assert(n < UINT32_MAX); /* else: somebody leaks references in a loop */

        return n + 1;
}

ULONG com_object_unref(ComObject *object) {
        ULONG n = atomic_fetch_sub_explicit(&object->n_ref, 1, memory_order_acq_rel);

        assert(n > 0);
        if (n == 1)
                object->class->finalize(object);

        return n - 1;
}

HRESULT com_object_query(ComObject *object, const IID *iid, void **ret) {
        const ComClass *class = object->class;

        if (!ret)
                return E_POINTER;
        *ret = NULL;
        if (!iid)
                return E_POINTER;

        /* COM identity: whichever interface we are asked through, IID_IUnknown is always the same pointer.
         * */
        if (memcmp(iid, &IID_IUnknown, sizeof(*iid)) == 0)
                iid = class->interfaces[0].iid;

        for (size_t i = 0; i < class->n_interfaces; ++i)
                if (memcmp(iid, class->interfaces[i].iid, sizeof(*iid)) == 0) {
                        com_object_ref(object);
                        *ret = (char *) object + class->interfaces[i].offset;
                        return S_OK;
                }

        return E_NOINTERFACE;
}
