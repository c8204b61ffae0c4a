/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * View Owner
 *
 * The lock is recursive for nobody: methods take it once, copy what they need, and leave.
 */

#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "view/view-owner.h"

int view_owner_new(BackupDoc *doc, unsigned rights, ViewOwner **ret) {
        ViewOwner *o;

        o = calloc_checked(1, sizeof(*o));
        if (!o)
                return -ENOMEM;

        atomic_init(&o->n_ref, 1);
        pthread_mutex_init(&o->lock, NULL);
        o->valid = true;
        o->rights = rights;
        o->doc = doc;

        *ret = o;
        return 0;
}

ViewOwner *view_owner_ref(ViewOwner *o) {
        unsigned n = atomic_fetch_add_explicit(&o->n_ref, 1, memory_order_relaxed);

        assert(n > 0);
        return o;
}

ViewOwner *view_owner_unref(ViewOwner *o) {
        unsigned n;

        if (!o)
                return NULL;

        n = atomic_fetch_sub_explicit(&o->n_ref, 1, memory_order_acq_rel);
        assert(n > 0);
        if (n > 1)
                return NULL;

        backup_doc_free(o->doc);
        pthread_mutex_destroy(&o->lock);
        free(o);
        return NULL;
}

void view_owner_set_rights(ViewOwner *o, unsigned rights) {
        pthread_mutex_lock(&o->lock);
        o->rights = rights;
        pthread_mutex_unlock(&o->lock);
}

void view_owner_invalidate(ViewOwner *o) {
        pthread_mutex_lock(&o->lock);
        o->valid = false;
        pthread_mutex_unlock(&o->lock);
}

BackupDoc *view_owner_take_doc(ViewOwner *o) {
        BackupDoc *doc;

        pthread_mutex_lock(&o->lock);
        o->valid = false;
        doc = TAKE_PTR(o->doc);
        pthread_mutex_unlock(&o->lock);

        return doc;
}

HRESULT view_owner_enter(ViewOwner *o) {
        pthread_mutex_lock(&o->lock);
        if (o->valid)
                return S_OK;

        pthread_mutex_unlock(&o->lock);
        return VSS_E_OBJECT_NOT_FOUND;
}

void view_owner_leave(ViewOwner *o) {
        pthread_mutex_unlock(&o->lock);
}
