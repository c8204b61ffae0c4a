/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Snapshot Sets
 *
 *              phases_start                 freeze                thaw                     last phase
 *      OPEN ---------------> PREPARING ------------> FROZEN ------------> FINISHING ------------------> CREATED
 *        |                       |                     |                      |
 *        |                       `---------------------+----------------------`--> UNDOING --> ABORTED
 *        `----------------------------------------------------------------------------------------^
 *
 *   In OPEN nothing exists yet and the set may be dropped without a trace. In FROZEN writers wait and, between "hold" and "release", file systems
 *   are frozen; the catalog and the log are not written. UNDOING lasts until everything that was made is gone again. From OPEN until CREATED or
 *   ABORTED the set is Manager.current, and no other may begin.
 */

#include "coordinator/snapshot-set.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/guid.h"
#include "base/log.h"
#include "base/process-util.h"
#include "base/string-table.h"
#include "catalog/catalog.h"
#include "coordinator/deed.h"
#include "coordinator/discard-queue.h"
#include "coordinator/express-bus.h"
#include "coordinator/manager.h"
#include "coordinator/operation.h"
#include "coordinator/phase.h"
#include "coordinator/provider-pool.h"
#include "coordinator/reload.h"
#include "coordinator/retention.h"
#include "coordinator/session-writer.h"
#include "coordinator/session.h"

static const char *const set_state_table[_SET_STATE_MAX] = {
        [SET_OPEN] = "open",
        [SET_PREPARING] = "preparing",
        [SET_FROZEN] = "frozen",
        [SET_FINISHING] = "finishing",
        [SET_CREATED] = "created",
        [SET_UNDOING] = "undoing",
        [SET_ABORTED] = "aborted",
};

DEFINE_STRING_TABLE_TO(set_state, SetState)

static const unsigned set_may_become[_SET_STATE_MAX] = {
        [SET_OPEN] = 1U << SET_PREPARING | 1U << SET_ABORTED,
        [SET_PREPARING] = 1U << SET_FROZEN | 1U << SET_UNDOING,
        [SET_FROZEN] = 1U << SET_FINISHING | 1U << SET_UNDOING,
        [SET_FINISHING] = 1U << SET_CREATED | 1U << SET_UNDOING,
        [SET_UNDOING] = 1U << SET_ABORTED,
        [SET_CREATED] = 0,
        [SET_ABORTED] = 0,
};

HRESULT snapshot_set_enter(SnapshotSet *set, SetState to) {
        SetState from = set->state;

        if (!(set_may_become[from] & 1U << to))
                return VSS_E_BAD_STATE;

        if (to == SET_FROZEN) {
                catalog_freeze(set->manager->catalog);
                log_hold();
                process_hurry();
        }
        set->state = to;
        if (from == SET_FROZEN) {
                process_take_time();
                log_release();
                catalog_thaw(set->manager->catalog);
                discard_queue_resume(set->manager->discards);
                reload_thawed(set->manager);
                express_bus_resume(set->manager);
                deed_queue_resume(set->manager->deeds);
        }
        if ((to == SET_CREATED || to == SET_ABORTED) && set->manager->current == set)
                set->manager->current = NULL;

        log_info("Snapshot set {%s}: %s -> %s", GUID_TO_STRING(&set->id), set_state_to_string(from), set_state_to_string(to));
        return S_OK;
}

int snapshot_set_new(Session *s, int32_t context, SnapshotSet **ret) {
        SnapshotSet *set;
        int r;

        set = calloc(1, sizeof(*set));
        if (!set)
                return -ENOMEM;
        set->manager = s->manager;
        set->session = s;
        set->context = context;
        guid_generate(&set->id);
        r = provider_pool_new(s->manager, &set->pool);
        if (r < 0) {
                free(set);
                return r;
        }

        *ret = set;
        return 0;
}

static void set_snapshot_free(SetSnapshot *s) {
        volume_free(s->volume);
        free(s->note);
        free(s->device);
        free(s->storage);
        free(s);
}

SnapshotSet *snapshot_set_free(SnapshotSet *set) {
        if (!set)
                return NULL;

        if (set->manager->current == set)
                set->manager->current = NULL;
        discard_queue_forget(set->manager->discards, set);
        sd_event_source_disable_unref(set->deadline);
        sd_event_source_disable_unref(set->window_deadline);
        guard_client_free(set->guard);
        provider_pool_free(set->pool);
        for (size_t i = 0; i < set->n_snapshots; ++i)
                set_snapshot_free(set->snapshots[i]);
        free(set->failure_message);
        free(set);
        return NULL;
}

bool snapshot_set_is_running(const SnapshotSet *set) {
        return set->state == SET_PREPARING || set->state == SET_FROZEN || set->state == SET_FINISHING;
}

SetSnapshot *snapshot_set_find(SnapshotSet *set, const Volume *volume) {
        for (size_t i = 0; i < set->n_snapshots; ++i)
                if (strcmp(set->snapshots[i]->volume->path, volume->path) == 0)
                        return set->snapshots[i];
        return NULL;
}

int snapshot_set_add(SnapshotSet *set, Volume *volume, const ProviderInfo *provider, const ProviderProbe *probe, SetSnapshot **ret) {
        SetSnapshot *s;

        s = calloc(1, sizeof(*s));
        if (!s) {
                volume_free(volume);
                return -ENOMEM;
        }
        s->set = set;
        s->volume = volume;
        s->provider = provider;
        s->probe = *probe;
        s->hold = HOLD_NONE;
        guid_generate(&s->id);

        set->snapshots[set->n_snapshots++] = s;
        *ret = s;
        return 0;
}

ProviderSnapshot set_snapshot_for_provider(const SetSnapshot *s) {
        return (ProviderSnapshot){
                .id = s->id,
                .set_id = s->set->id,
                .volume = s->volume->path,
                .volume_fd = -EBADF,
                .context = (uint32_t) s->set->context,
                .note = s->note,
        };
}

void snapshot_set_create(SnapshotSet *set, Operation *op) {
        set->operation = op;
        set->context &= ~(int32_t) VSS_VOLSNAP_ATTR_AUTORECOVER;
        if (set_wants_recovery(set))
                set->context |= VSS_VOLSNAP_ATTR_AUTORECOVER;
        phases_start(set);
}

void snapshot_set_abort(SnapshotSet *set, HRESULT hr, const char *message) {
        if (snapshot_set_is_running(set))
                phases_undo(set, hr, message);
        else if (set->state == SET_OPEN)
                (void) snapshot_set_enter(set, SET_ABORTED);
}

void snapshot_set_orphan(SnapshotSet *set) {
        /* What the undo has to wait for goes on in the discard queue; everything else is over when this returns. */
        set->operation = NULL;
        snapshot_set_abort(set, E_ABORT, "the requester has ended");
}

static void set_mark_components(SnapshotSet *set) {
        Session *s = set->session;

        for (size_t i = 0; s->doc && i < s->doc->n_writers; ++i) {
                const BackupWriter *w = s->doc->writers[i];
                Consistency c = CONSISTENCY_APPLICATION;
                SessionWriter *sw;
                bool frozen = false;

                for (sw = s->writers; sw; sw = sw->next)
                        if (guid_equal(&sw->instance_id, &w->instance_id))
                                frozen = sw->state == VSS_WS_WAITING_FOR_BACKUP_COMPLETE && !sw->express;
                if (!frozen) {
                        c = set->n_snapshots > 0 ? CONSISTENCY_CRASH : CONSISTENCY_UNKNOWN;
                        for (size_t k = 0; k < set->n_snapshots; ++k)
                                c = MIN(c, (Consistency) set_snapshot_consistency(set->snapshots[k]));
                }
                for (size_t k = 0; k < w->n_components; ++k)
                        w->components[k]->consistency = c;
        }
}

void snapshot_set_finished(SnapshotSet *set, bool created) {
        Operation *op = set->operation;

        set->operation = NULL;
        set->pool = provider_pool_free(set->pool);
        set->guard = guard_client_free(set->guard);
        if (set->session)
                set->session->phase = NULL;
        (void) snapshot_set_enter(set, created ? SET_CREATED : SET_ABORTED);
        if (created) {
                set_mark_components(set);
                retention_apply(set->manager, set);
        }
        if (!op)
                return;

        if (created)
                session_settle_document(set->session, op);
        else
                operation_settle(op, set->failure, set->failure_message);
}
