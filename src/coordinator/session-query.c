/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Questions and Removals
 */

#include "coordinator/session-query.h"

#include <errno.h>

#include "base/alloc.h"
#include "base/guid.h"
#include "base/hresult.h"
#include "base/log.h"
#include "coordinator/config.h"
#include "coordinator/deed.h"
#include "coordinator/discard-queue.h"
#include "coordinator/manager.h"
#include "coordinator/operation.h"
#include "coordinator/provider-pool.h"
#include "coordinator/provider-registry.h"
#include "coordinator/session-answers.h"
#include "coordinator/session.h"
#include "coordinator/snapshot-set.h"
#include "provider/provider-builtin.h"
#include "volume/volume.h"
#include "wire/wire-limits.h"

/* For how long a volume may be suspended that is asked about: lvm does that while it adds or removes a snapshot, of which the one before is an
 * example. */
#define SUSPENDED_PATIENCE_USEC (10 * USEC_PER_SEC)
#define SUSPENDED_PAUSE_USEC (50 * USEC_PER_MSEC)

/* A volume about which a provider is asked. */
typedef struct VolumeJob {
        Session *session;
        Operation *op;
        char *name;
        GUID provider_id;
        bool for_set; /* that is open, and else for the session */
        ProbeDone done;
        usec_t patience; /* until then */
        sd_event_source *timer;
        Volume *volume;
        ProbeJob *probe;
} VolumeJob;

static void *volume_job_free(void *userdata) {
        VolumeJob *j = userdata;

        sd_event_source_disable_unref(j->timer);
        free(j->name);
        probe_job_free(j->probe);
        volume_free(j->volume);
        free(j);
        return NULL;
}

HRESULT session_pool(Session *s, ProviderPool **ret) {
        int r;

        if (!s->pool) {
                r = provider_pool_new(s->manager, &s->pool);
                if (r < 0)
                        return hresult_from_errno(r);
        }
        *ret = s->pool;
        return S_OK;
}

HRESULT session_check_overlay(Session *s, const Volume *v, char **ret_why) {
        if (!v->overlay || s->manager->config->overlays)
                return S_OK;

        if (ret_why)
                (void) format_to(ret_why,
                                 "'%s' lies on an overlay, whose files are kept on other file systems: name the volume that has "
                                 "them (findmnt shows its upperdir), or see 'overlays' in umbra.conf(5)",
                                 v->path);
        return VSS_E_VOLUME_NOT_SUPPORTED;
}

static void volume_job_ask(VolumeJob *j);

static int volume_job_on_pause(sd_event_source *source, uint64_t usec, void *userdata) {
        VolumeJob *j = userdata;

        j->timer = sd_event_source_disable_unref(j->timer);
        volume_job_ask(j);
        return 0;
}

/* Whether it is asked again. */
static bool volume_job_waits(VolumeJob *j) {
        return now_usec(CLOCK_MONOTONIC) < j->patience &&
                sd_event_add_time_relative(j->session->manager->event, &j->timer, CLOCK_MONOTONIC, SUSPENDED_PAUSE_USEC, 0,
                                           volume_job_on_pause, j) >= 0;
}

static void volume_job_ask(VolumeJob *j) {
        _cleanup_(freep) char *why = NULL;
        ProviderPool *pool = NULL;
        Session *s = j->session;
        HRESULT hr;

        hr = volume_resolve(j->name, &j->volume, &why);
        if (hr == VSS_E_VOLUME_IN_USE && volume_job_waits(j))
                return;
        if (SUCCEEDED(hr))
                hr = session_check_overlay(s, j->volume, &why);
        if (FAILED(hr)) {
                j->done(NULL, NULL, hr, why, j);
                return;
        }

        if (!j->for_set)
                hr = session_pool(s, &pool);
        else if (!s->set || s->set->state != SET_OPEN)
                hr = VSS_E_BAD_STATE;
        else
                pool = s->set->pool;
        if (SUCCEEDED(hr) && probe_job_start(pool, j->volume->path, &j->provider_id, s->context, j->done, j, &j->probe) < 0)
                hr = E_OUTOFMEMORY;
        if (FAILED(hr))
                operation_settle(j->op, hr, NULL);
}

/* Resolves the name and asks; @done is called in any case, unless @op is settled already. */
static void volume_job_start(Session *s, Operation *op, const char *name, const GUID *provider_id, bool for_set, ProbeDone done) {
        VolumeJob *j;

        j = calloc(1, sizeof(*j));
        if (!j) {
                operation_settle(op, E_OUTOFMEMORY, NULL);
                return;
        }
        j->session = s;
        j->op = op;
        j->provider_id = *provider_id;
        j->for_set = for_set;
        j->done = done;
        j->patience = usec_add(now_usec(CLOCK_MONOTONIC), SUSPENDED_PATIENCE_USEC);
        op->job = j;
        op->job_free = volume_job_free;

        if (strdup_to(name, &j->name) < 0)
                operation_settle(op, E_OUTOFMEMORY, NULL);
        else
                volume_job_ask(j);
}

static void add_volume_probed(const ProviderInfo *provider,
                              const ProviderProbe *probe,
                              HRESULT hr,
                              const char *message,
                              void *userdata) {
        VolumeJob *j = userdata;
        Session *s = j->session;
        Operation *op = j->op;
        unsigned n_existing = 0;
        SetSnapshot *added;
        int r;

        j->probe = NULL;
        if (FAILED(hr)) {
                operation_settle(op, hr, message);
                return;
        }
        if (!s->set || s->set->state != SET_OPEN) {
                operation_settle(op, VSS_E_BAD_STATE, NULL);
                return;
        }
        if (snapshot_set_find(s->set, j->volume)) {
                operation_settle(op, VSS_E_OBJECT_ALREADY_EXISTS, "the volume is in the set already");
                return;
        }
        if (deed_queue_find_revert(s->manager->deeds, j->volume->path)) { /* it is neither the old nor the new */
                operation_settle(op, VSS_E_PROVIDER_VETO,
                                 "the volume is being reverted; add it when QueryRevertStatus() says that this is over");
                return;
        }
        if (s->set->n_snapshots >= WIRE_VOLUMES_MAX) {
                operation_settle(op, VSS_E_MAXIMUM_NUMBER_OF_VOLUMES_REACHED, NULL);
                return;
        }
        if ((s->context & (VSS_VOLSNAP_ATTR_DIFFERENTIAL | VSS_VOLSNAP_ATTR_PLEX)) & ~(int32_t) probe->attributes) {
                operation_settle(op, VSS_E_VOLUME_NOT_SUPPORTED, "no provider makes the kind of copy that was demanded");
                return;
        }
        r = catalog_count_volume(s->manager->catalog, &j->volume->id, &n_existing);
        if (r >= 0 && n_existing >= s->manager->config->max_snapshots) {
                operation_settle(op, VSS_E_MAXIMUM_NUMBER_OF_SNAPSHOTS_REACHED,
                                 "the volume has as many shadow copies as it may have; delete some, or see 'snapshots' in umbra.conf(5)");
                return;
        }
        (void) catalog_remember_volume(s->manager->catalog, &j->volume->id, j->volume->path);

        r = snapshot_set_add(s->set, TAKE_PTR(j->volume), provider, probe, &added);
        if (r < 0) {
                operation_settle(op, hresult_from_errno(r), NULL);
                return;
        }
        session_answer_added(s, op, added);
}

/* "\\\\?\\Volume{…}\\" of a directory is known to the catalog only. */
const char *session_known_volume(Session *s, const char *name, char **buffer) {
        char text[GUID_STRING_MAX + 2];
        const char *open = strstr(name, "Volume{");
        GUID id;

        if (!open || strlen(open) < 6 + 38)
                return name;
        memcpy(text, open + 6, 38);
        text[38] = '\0';
        if (guid_from_string(text, &id) < 0 || catalog_find_volume(s->manager->catalog, &id, buffer) < 0)
                return name;
        return *buffer;
}

HRESULT session_resolve_volume(Session *s, const char *name, Volume **ret, char **ret_why) {
        _cleanup_(freep) char *known = NULL;

        return volume_resolve(session_known_volume(s, name, &known), ret, ret_why);
}

void session_add_volume(Session *s, Operation *op, const char *volume, const GUID *provider_id) {
        _cleanup_(freep) char *known = NULL;

        if (!s->set || s->set->state != SET_OPEN) {
                operation_settle(op, VSS_E_BAD_STATE, "StartSnapshotSet comes first");
                return;
        }
        if (s->set->n_snapshots >= WIRE_VOLUMES_MAX) {
                operation_settle(op, VSS_E_MAXIMUM_NUMBER_OF_VOLUMES_REACHED, NULL);
                return;
        }
        volume_job_start(s, op, session_known_volume(s, volume, &known), provider_id, true, add_volume_probed);
}

static void is_supported_probed(const ProviderInfo *provider,
                                const ProviderProbe *probe,
                                HRESULT hr,
                                const char *message,
                                void *userdata) {
        VolumeJob *j = userdata;

        j->probe = NULL;
        if (SUCCEEDED(hr) || hr == VSS_E_VOLUME_NOT_SUPPORTED || hr == VSS_E_VOLUME_NOT_SUPPORTED_BY_PROVIDER)
                session_answer_bool(j->op, SUCCEEDED(hr));
        else
                operation_settle(j->op, hr, message);
}

void session_is_supported(Session *s, Operation *op, const char *volume, const GUID *provider_id) {
        _cleanup_(freep) char *known = NULL;

        volume_job_start(s, op, session_known_volume(s, volume, &known), provider_id, false, is_supported_probed);
}

/* All mounts, one after the other. */
typedef struct VolumesJob {
        Session *session;
        Operation *op;
        ProviderPool *pool;
        GUID provider_id;
        Volume **volumes;
        WireVolume *answers;
        size_t n, next, n_answers;
        ProbeJob *probe;
} VolumesJob;

static void *volumes_job_free(void *userdata) {
        VolumesJob *j = userdata;

        probe_job_free(j->probe);
        for (size_t i = 0; i < j->n_answers; ++i)
                wire_volume_clear(&j->answers[i]);
        free(j->answers);
        volume_list_free(j->volumes, j->n);
        free(j);
        return NULL;
}

static void volumes_ask(VolumesJob *j);

static int volumes_take(VolumesJob *j, const Volume *v, const ProviderInfo *provider, const ProviderProbe *probe) {
        WireVolume *a = &j->answers[j->n_answers];
        int r;

        *a = (WireVolume){ 0 };
        ++j->n_answers;
        r = volume_guid_name(v, &a->name);
        if (r >= 0)
                r = strdup_to(v->path, &a->mount_point);
        if (r >= 0)
                r = strdup_to(v->device, &a->device);
        if (r >= 0)
                r = strdup_to(v->fstype, &a->fstype);
        if (r < 0)
                return r;
        a->provider_id = provider->id;
        a->consistency = (uint32_t) probe->consistency;
        a->consistency_held = (uint32_t) probe->consistency_held;
        a->holdable = v->holdable;
        return catalog_count_volume(j->session->manager->catalog, &v->id, &a->n_snapshots);
}

static void volumes_probed(const ProviderInfo *provider, const ProviderProbe *probe, HRESULT hr, const char *message, void *userdata) {
        VolumesJob *j = userdata;

        j->probe = NULL;
        if (SUCCEEDED(hr) && volumes_take(j, j->volumes[j->next], provider, probe) < 0) {
                operation_settle(j->op, E_OUTOFMEMORY, NULL);
                return;
        }
        ++j->next;
        volumes_ask(j);
}

static void volumes_ask(VolumesJob *j) {
        while (j->next < j->n && FAILED(session_check_overlay(j->session, j->volumes[j->next], NULL)))
                ++j->next;
        if (j->next == j->n) {
                session_answer_volumes(j->op, j->answers, j->n_answers);
                return;
        }
        if (probe_job_start(j->pool, j->volumes[j->next]->path, &j->provider_id, j->session->context, volumes_probed, j,
                            &j->probe) < 0)
                operation_settle(j->op, E_OUTOFMEMORY, NULL);
}

void session_query_volumes(Session *s, Operation *op, const GUID *provider_id) {
        _cleanup_(freep) char *why = NULL;
        VolumesJob *j;
        HRESULT hr;

        j = calloc(1, sizeof(*j));
        if (!j) {
                operation_settle(op, E_OUTOFMEMORY, NULL);
                return;
        }
        j->session = s;
        j->op = op;
        j->provider_id = *provider_id;
        op->job = j;
        op->job_free = volumes_job_free;

        hr = provider_registry_check(s->manager, provider_id);
        if (SUCCEEDED(hr))
                hr = session_pool(s, &j->pool);
        if (SUCCEEDED(hr))
                hr = hresult_from_errno(volume_list(&j->volumes, &j->n));
        if (SUCCEEDED(hr)) {
                j->answers = calloc_checked(j->n + 1, sizeof(*j->answers));
                hr = j->answers ? S_OK : E_OUTOFMEMORY;
        }
        if (FAILED(hr)) {
                operation_settle(op, hr, why);
                return;
        }
        volumes_ask(j);
}

/* Snapshots */

HRESULT session_get_snapshot(Session *s, const GUID *id, CatalogSnapshot *ret) {
        int r;

        r = catalog_get(s->manager->catalog, id, ret);
        if (r < 0)
                return hresult_from_errno(r);
        if (ret->state != CATALOG_CREATED) {
                catalog_snapshot_clear(ret);
                return VSS_E_OBJECT_NOT_FOUND;
        }
        return S_OK;
}

void wire_snapshot_from_catalog(const CatalogSnapshot *row, WireSnapshot *ret) {
        *ret = (WireSnapshot){
                .id = row->id,
                .set_id = row->set_id,
                .snapshots_count = row->snapshots_count,
                .device_object = row->device,
                .original_volume = row->volume,
                .originating_machine = row->machine,
                .service_machine = row->machine,
                .exposed_name = row->exposed_name,
                .exposed_path = row->exposed_path,
                .provider_id = row->provider_id,
                .attributes = (int32_t) (row->context | (row->exposed_name ? (uint32_t) VSS_VOLSNAP_ATTR_EXPOSED_LOCALLY : 0)),
                .timestamp = filetime_from_usec(row->created_usec),
                .state = VSS_SS_CREATED,
                .consistency = row->consistency,
        };
}

bool snapshot_in_context(const CatalogSnapshot *row, int32_t context) {
        static const uint32_t deciding = VSS_VOLSNAP_ATTR_PERSISTENT | VSS_VOLSNAP_ATTR_CLIENT_ACCESSIBLE |
                                         VSS_VOLSNAP_ATTR_NO_AUTO_RELEASE | VSS_VOLSNAP_ATTR_NO_WRITERS;

        return context == (int32_t) VSS_CTX_ALL || (row->context & deciding) == ((uint32_t) context & deciding);
}

/* One after the other, up to the first that cannot be deleted. [MS: nf-vsbackup-ivssbackupcomponents-deletesnapshots] */
typedef struct DeleteJob {
        Operation *op;
        Manager *manager;
        GUID *ids;
        size_t n, next;
} DeleteJob;

static void *delete_job_free(void *userdata) {
        DeleteJob *j = userdata;

        discard_queue_forget(j->manager->discards, j);
        free(j->ids);
        free(j);
        return NULL;
}

static void delete_next(DeleteJob *j);

static void delete_end(DeleteJob *j, HRESULT hr) {
        const GUID none = { 0 };

        session_answer_deleted(j->op, (int32_t) j->next, SUCCEEDED(hr) ? &none : &j->ids[j->next], hr);
}

static void delete_on_discarded(HRESULT hr, const char *message, void *userdata) {
        DeleteJob *j = userdata;

        if (FAILED(hr)) {
                delete_end(j, hr);
                return;
        }
        ++j->next;
        delete_next(j);
}

static void delete_next(DeleteJob *j) {
        HRESULT hr;

        if (j->next == j->n) {
                delete_end(j, S_OK);
                return;
        }
        if (deed_queue_find(j->manager->deeds, &j->ids[j->next])) /* a volume is being reverted to it, say */
                hr = VSS_E_PROVIDER_VETO;
        else
                hr = discard_queue_add(j->manager->discards, &j->ids[j->next], delete_on_discarded, j);
        if (FAILED(hr))
                delete_end(j, hr);
}

/* Those of a set, or the one. */
static HRESULT delete_find(Session *s, const GUID *id, VSS_OBJECT_TYPE type, DeleteJob *j) {
        _cleanup_(catalog_snapshot_clear) CatalogSnapshot row = { 0 };
        _cleanup_(catalog_list_clear) CatalogList list = { 0 };
        HRESULT hr = S_OK;

        if (type == VSS_OBJECT_SNAPSHOT)
                hr = session_get_snapshot(s, id, &row);
        else
                hr = hresult_from_errno(catalog_list(s->manager->catalog, id, CATALOG_CREATED, &list));
        if (FAILED(hr))
                return hr;

        j->ids = calloc_checked(list.n + 1, sizeof(GUID));
        if (!j->ids)
                return E_OUTOFMEMORY;
        for (size_t i = 0; i < list.n; ++i)
                j->ids[j->n++] = list.items[i].id;
        if (type == VSS_OBJECT_SNAPSHOT)
                j->ids[j->n++] = row.id;
        return j->n > 0 ? S_OK : VSS_E_OBJECT_NOT_FOUND;
}

void session_delete_snapshots(Session *s, Operation *op, const GUID *id, VSS_OBJECT_TYPE type) {
        DeleteJob *j;
        HRESULT hr;

        if (type != VSS_OBJECT_SNAPSHOT && type != VSS_OBJECT_SNAPSHOT_SET) {
                operation_settle(op, E_INVALIDARG, NULL);
                return;
        }
        j = calloc(1, sizeof(*j));
        if (!j) {
                operation_settle(op, E_OUTOFMEMORY, NULL);
                return;
        }
        j->op = op;
        j->manager = s->manager;
        op->job = j;
        op->job_free = delete_job_free;

        hr = delete_find(s, id, type, j);
        if (FAILED(hr))
                operation_settle(op, hr, hr == VSS_E_OBJECT_NOT_FOUND ? "there is no such snapshot or set" : NULL);
        else
                delete_next(j);
}
