/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What a Requester Has Done to Snapshots
 */

#include "coordinator/session-storage.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/guid.h"
#include "base/hresult.h"
#include "catalog/catalog.h"
#include "coordinator/connection.h"
#include "coordinator/deed-job.h"
#include "coordinator/deed.h"
#include "coordinator/discard-queue.h"
#include "coordinator/manager.h"
#include "coordinator/operation.h"
#include "coordinator/provider-registry.h"
#include "coordinator/session-answers.h"
#include "coordinator/session-query.h"
#include "coordinator/session-recovery.h"
#include "coordinator/session.h"
#include "coordinator/snapshot-set.h"
#include "doc/backup-doc.h"
#include "provider/provider-builtin.h"
#include "provider/provider-protocol.h"
#include "provider/provider.h"
#include "volume/volume.h"
#include "wire/wire-limits.h"
#include "wire/wire-types.h"

/* One deed at a time for a snapshot. */
static HRESULT storage_is_free(Session *s, const GUID *id, const char **ret_why) {
        const Deed *d = deed_queue_find(s->manager->deeds, id);

        if (!d)
                return S_OK;
        *ret_why = "something else is just being done to this shadow copy";
        return VSS_E_BAD_STATE;
}

static HRESULT find_created(Session *s, const GUID *id, CatalogSnapshot *ret, const char **ret_why) {
        HRESULT hr;

        hr = session_get_snapshot(s, id, ret);
        if (FAILED(hr))
                return hr;
        hr = storage_is_free(s, id, ret_why);
        if (FAILED(hr))
                catalog_snapshot_clear(ret);
        return hr;
}

/* Exposing */

static bool is_persistent(const CatalogSnapshot *row) {
        return (row->context & VSS_VOLSNAP_ATTR_PERSISTENT) != 0;
}

static void settle_exposed(DeedJob *j) {
        if (FAILED(j->hr))
                deed_job_settle(j);
        else
                session_answer_text(j->op, j->path);
}

/* [MS: exposing-and-surfacing-shadow-copied-volumes] */
static HRESULT may_expose(Session *s, const GUID *id, CatalogSnapshot *ret, const char **ret_why) {
        _cleanup_(catalog_snapshot_clear) CatalogSnapshot row = { 0 };
        HRESULT hr;

        hr = find_created(s, id, &row, ret_why);
        if (FAILED(hr))
                return hr;
        if (!is_persistent(&row) || (row.context & VSS_VOLSNAP_ATTR_CLIENT_ACCESSIBLE)) {
                *ret_why = "only shadow copies of VSS_CTX_APP_ROLLBACK and _NAS_ROLLBACK can be exposed";
                return VSS_E_BAD_STATE;
        }
        if (row.exposed_name) {
                *ret_why = "the shadow copy is exposed already; UnexposeSnapshot() comes first";
                return VSS_E_BAD_STATE;
        }
        if (!row.device) {
                *ret_why = "the shadow copy could not be made readable when umbrad started; see its log";
                return VSS_E_PROVIDER_VETO;
        }

        *ret = row;
        row = (CatalogSnapshot){ 0 };
        return S_OK;
}

void session_expose(Session *s, Operation *op, const GUID *id, const char *path) {
        _cleanup_(catalog_snapshot_clear) CatalogSnapshot row = { 0 };
        DeedOptions options = {
                .kind = DEED_EXPOSE,
                .snapshot = &row,
                .path = path,
                .uid = s->connection->uid,
        };
        const char *why = NULL;
        DeedJob *j;
        HRESULT hr;

        hr = may_expose(s, id, &row, &why);
        j = deed_job_new(s, op, hr, why, settle_exposed);
        if (!j)
                return;
        deed_job_start(j, &options, false);
        deed_job_answered(j);
}

void session_unexpose(Session *s, Operation *op, const GUID *id) {
        _cleanup_(catalog_snapshot_clear) CatalogSnapshot row = { 0 };
        DeedOptions options = { .kind = DEED_UNEXPOSE, .snapshot = &row };
        _cleanup_(freep) char *path = NULL;
        const char *why = NULL;
        DeedJob *j;
        HRESULT hr;

        hr = find_created(s, id, &row, &why);
        if (SUCCEEDED(hr) && !row.exposed_name) {
                why = "the shadow copy is not exposed";
                hr = VSS_E_OBJECT_NOT_FOUND;
        }
        j = deed_job_new(s, op, hr, why, deed_job_settle);
        if (!j)
                return;
        options.path = path = TAKE_PTR(row.exposed_name);
        deed_job_start(j, &options, false);
        deed_job_answered(j);
}

/* Reverting */

HRESULT session_provider_is_able(Session *s,
                                 const CatalogSnapshot *row,
                                 ProviderAbilities ability,
                                 HRESULT unable,
                                 const char **ret_why) {
        const ProviderInfo *p = provider_registry_find(s->manager, &row->provider_id);

        if (!p || !provider_is_registered(p)) {
                *ret_why = "the provider that made the shadow copy is not there any more";
                return VSS_E_PROVIDER_NOT_REGISTERED;
        }
        if (!(p->abilities & ability)) {
                *ret_why = "the provider that made the shadow copy cannot do this";
                return unable;
        }
        return S_OK;
}

static bool is_in_running_set(const Manager *m, const char *volume) {
        const SnapshotSet *set = m->current;

        for (size_t i = 0; set && snapshot_set_is_running(set) && i < set->n_snapshots; ++i)
                if (strcmp(set->snapshots[i]->volume->path, volume) == 0)
                        return true;
        return false;
}

static HRESULT may_revert(Session *s, const GUID *id, CatalogSnapshot *ret, const char **ret_why) {
        _cleanup_(catalog_snapshot_clear) CatalogSnapshot row = { 0 };
        HRESULT hr;

        hr = session_get_snapshot(s, id, &row);
        if (FAILED(hr))
                return hr;
        if (!is_persistent(&row)) {
                *ret_why = "only a persistent shadow copy can be reverted to";
                return VSS_E_UNSUPPORTED_CONTEXT;
        }
        hr = session_provider_is_able(s, &row, PROVIDER_CAN_REVERT, E_NOTIMPL, ret_why);
        if (FAILED(hr))
                return hr;
        if (deed_queue_find_revert(s->manager->deeds, row.volume)) {
                *ret_why = "the volume is being reverted already";
                return VSS_E_REVERT_IN_PROGRESS;
        }
        hr = storage_is_free(s, id, ret_why);
        if (FAILED(hr))
                return VSS_E_REVERT_IN_PROGRESS;
        if (is_in_running_set(s->manager, row.volume)) { /* forced or not: the set promises one instant */
                *ret_why = "a shadow copy of the volume is just being made; try again when that is over";
                return VSS_E_VOLUME_IN_USE;
        }

        *ret = row;
        row = (CatalogSnapshot){ 0 };
        return S_OK;
}

void session_revert(Session *s, Operation *op, const GUID *id, bool force) {
        _cleanup_(catalog_snapshot_clear) CatalogSnapshot row = { 0 };
        DeedOptions options = {
                .kind = DEED_REVERT,
                .snapshot = &row,
                .flags = (uint32_t) PROVIDER_REVERT_MAY_WAIT | (force ? (uint32_t) PROVIDER_REVERT_FORCED : 0),
        };
        const char *why = NULL;
        DeedJob *j;
        HRESULT hr;

        hr = may_revert(s, id, &row, &why);
        j = deed_job_new(s, op, hr, why, deed_job_settle);
        if (!j)
                return;
        options.path = row.volume;
        deed_job_start(j, &options, true);
        deed_job_answered(j);
}

/* Could there be one? Where all shadow copies of a volume are of providers that cannot revert, there is no
 * use in asking. */
static HRESULT no_revert(Session *s, const Volume *v, const char **ret_why) {
        _cleanup_(catalog_list_clear) CatalogList list = { 0 };
        bool some = false;
        int r;

        *ret_why = "the volume is not being reverted";
        r = catalog_list_volume(s->manager->catalog, &v->id, &list);
        if (r < 0)
                return hresult_from_errno(r);
        for (size_t i = 0; i < list.n; ++i) {
                const ProviderInfo *p = provider_registry_find(s->manager, &list.items[i].provider_id);

                if (p && provider_is_registered(p) && (p->abilities & PROVIDER_CAN_REVERT))
                        return VSS_E_OBJECT_NOT_FOUND;
                some = true;
        }
        if (!some)
                return VSS_E_OBJECT_NOT_FOUND;

        *ret_why = "no provider that made a shadow copy of the volume can revert it";
        return E_NOTIMPL;
}

/* One that somebody only asks for is none yet: it would end as if it had failed, though nothing was done. */
HRESULT session_find_revert(Session *s, const char *volume, char **ret_why) {
        _cleanup_(volume_freep) Volume *v = NULL;
        _cleanup_(freep) char *known = NULL;
        const char *why = NULL;
        const Deed *d;
        HRESULT hr;

        hr = volume_resolve(session_known_volume(s, volume, &known), &v, ret_why);
        if (FAILED(hr))
                return hr;
        d = deed_queue_find_revert(s->manager->deeds, v->path);
        if (d && deed_has_begun(d))
                return S_OK;

        hr = no_revert(s, v, &why);
        (void) strdup_to(why, ret_why);
        return hr;
}

void session_await_revert(Session *s, Operation *op, const char *volume) {
        _cleanup_(volume_freep) Volume *v = NULL;
        _cleanup_(freep) char *known = NULL, *why = NULL;
        DeedJob *j;
        HRESULT hr;
        Deed *d;

        hr = volume_resolve(session_known_volume(s, volume, &known), &v, &why);
        j = deed_job_new(s, op, hr, why, deed_job_settle);
        if (!j)
                return;
        d = deed_queue_find_revert(s->manager->deeds, v->path); /* none: it has ended since it was found */
        if (d)
                deed_job_await(j, d);
        deed_job_answered(j);
}

/* Breaking */

static HRESULT may_break(Session *s, const CatalogList *list, const char **ret_why) {
        HRESULT hr;

        if (list->n == 0) {
                *ret_why = "there is no such set";
                return VSS_E_OBJECT_NOT_FOUND;
        }
        for (size_t i = 0; i < list->n; ++i) {
                hr = session_provider_is_able(s, &list->items[i], PROVIDER_CAN_BREAK, VSS_E_PROVIDER_VETO,
                                              ret_why);
                if (SUCCEEDED(hr) && FAILED(storage_is_free(s, &list->items[i].id, ret_why)))
                        hr = VSS_E_PROVIDER_VETO;
                if (FAILED(hr))
                        return hr;
        }
        return S_OK;
}

void session_break(Session *s, Operation *op, const GUID *set_id, uint32_t flags) {
        _cleanup_(catalog_list_clear) CatalogList list = { 0 };
        const char *why = NULL;
        DeedJob *j;
        HRESULT hr;

        hr = hresult_from_errno(catalog_list(s->manager->catalog, set_id, CATALOG_CREATED, &list));
        if (SUCCEEDED(hr))
                hr = may_break(s, &list, &why);
        j = deed_job_new(s, op, hr, why, deed_job_settle);
        if (!j)
                return;
        for (size_t i = 0; i < list.n; ++i) {
                DeedOptions options = { .kind = DEED_BREAK, .snapshot = &list.items[i], .flags = flags };

                deed_job_start(j, &options, false);
        }
        deed_job_answered(j);
}

/* Importing */

/* What did not come may come yet, with somebody else. */
static void forget_failed(Session *s) {
        size_t n = 0;

        for (size_t i = 0; i < s->n_imported; ++i) {
                _cleanup_(catalog_snapshot_clear) CatalogSnapshot row = { 0 };

                if (catalog_get(s->manager->catalog, &s->imported[i], &row) != -ENOENT)
                        s->imported[n++] = s->imported[i];
        }
        s->n_imported = n;
}

static void settle_imported(DeedJob *j) {
        size_t n = j->op->session->doc->n_volumes;

        forget_failed(j->op->session);
        if (j->n_done == 0)
                operation_settle(j->op, VSS_E_NO_SNAPSHOTS_IMPORTED, j->message);
        else
                session_answer_result(j->op,
                                                  j->n_done < n ? VSS_S_SOME_SNAPSHOTS_NOT_IMPORTED : S_OK);
}

static HRESULT may_import(Session *s, const char **ret_why) {
        const BackupDoc *doc = s->doc;

        if (doc->n_volumes == 0 || doc->n_volumes > WIRE_VOLUMES_MAX) {
                *ret_why = "the document names no shadow copies; it must be that of the backup";
                return VSS_E_BAD_STATE;
        }
        for (size_t i = 0; i < doc->n_volumes; ++i) {
                _cleanup_(catalog_snapshot_clear) CatalogSnapshot known = { 0 };

                if (deed_queue_find(s->manager->deeds, &doc->volumes[i].snapshot_id) ||
                    catalog_get(s->manager->catalog, &doc->volumes[i].snapshot_id, &known) != -ENOENT) {
                        *ret_why = "the shadow copies are here already; they can be imported once";
                        return VSS_E_BAD_STATE;
                }
        }
        return S_OK;
}

/* What the document does not say, the requester does: its context is that of the shadow copies from now
 * on. */
static int import_row(Session *s, const BackupVolume *v, CatalogSnapshot *ret) {
        const ProviderInfo *p = provider_registry_find(s->manager, &v->provider_id);
        int r;

        if (!p || !provider_is_registered(p) || !(p->abilities & PROVIDER_CAN_IMPORT) ||
            !provider_is_for_context(p, s->context) || !v->volume || v->volume[0] != '/' || (v->storage && strlen(v->storage) > PROVIDER_NOTE_MAX))
                return -EOPNOTSUPP;
        if (wire_check_text(v->volume) < 0 || wire_check_text(v->machine) < 0)
                return -EINVAL; /* requesters could not be told, neither of these copies nor of others */

        *ret = (CatalogSnapshot){
                .id = v->snapshot_id,
                .set_id = s->doc->snapshot_set_id,
                .provider_id = p->id,
                .snapshots_count = (int32_t) s->doc->n_volumes,
                .context = (uint32_t) s->context | (uint32_t) VSS_VOLSNAP_ATTR_IMPORTED,
                .consistency = v->consistency,
        };
        if (!v->instant || instant_from_string(v->instant, &ret->created_usec) < 0)
                ret->created_usec = now_usec(CLOCK_REALTIME); /* nobody says when it was */
        guid_generate(&ret->volume_id); /* its volume is none of ours */
        r = strdup_to(p->name, &ret->provider);
        if (r >= 0)
                r = strdup_to(v->storage, &ret->note);
        if (r >= 0)
                r = strdup_to(v->volume, &ret->volume);
        for (size_t n = r >= 0 ? strlen(ret->volume) : 0; n > 1 && ret->volume[n - 1] == '/'; --n)
                ret->volume[n - 1] = '\0';
        if (r >= 0)
                r = strdup_to(v->machine ?: s->manager->machine, &ret->machine);
        return r;
}

static void import_one(DeedJob *j, const BackupVolume *v) {
        _cleanup_(catalog_snapshot_clear) CatalogSnapshot row = { 0 };
        Session *s = j->op->session;
        DeedOptions options = { .kind = DEED_IMPORT, .snapshot = &row };
        int r;

        r = import_row(s, v, &row);
        if (r < 0) {
                deed_job_failed(j, hresult_from_errno(r), "no provider of this machine can import them");
                return;
        }
        if (!(row.context & VSS_VOLSNAP_ATTR_NO_AUTO_RELEASE))
                s->imported[s->n_imported++] = v->snapshot_id;
        deed_job_start(j, &options, false);
}

void session_import(Session *s, Operation *op, int32_t context, const char *document, size_t size) {
        const char *why = NULL;
        DeedJob *j;
        HRESULT hr;

        s->context = context;
        hr = session_take_document(s, document, size);
        if (SUCCEEDED(hr))
                hr = may_import(s, &why);
        j = deed_job_new(s, op, hr, why, settle_imported);
        if (!j)
                return;

        /* What this session has imported before stays its own. */
        if (ARRAY_RESERVE(s->imported, s->imported_capacity, s->n_imported + s->doc->n_volumes) < 0)
                deed_job_failed(j, E_OUTOFMEMORY, NULL);
        else
                for (size_t i = 0; i < s->doc->n_volumes; ++i)
                        import_one(j, &s->doc->volumes[i]);
        deed_job_answered(j);
}

void session_storage_clear(Session *s) {
        session_recovery_clear(s);
        for (size_t i = 0; i < s->n_imported; ++i)
                if (!deed_queue_release(s->manager->deeds, &s->imported[i]))
                        (void) discard_queue_add(s->manager->discards, &s->imported[i], NULL, NULL);
        free(s->imported);
}
