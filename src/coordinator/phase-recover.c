/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Auto-Recovery
 *
 * Where a writer has something to put right in the copies (it says so of a component), or to delete from them
 * (AddExcludeFilesFromSnapshot), they can be written to while it has PostSnapshot, and never again. The context
 * then has VSS_VOLSNAP_ATTR_AUTORECOVER from the beginning, for writers and providers to see. Until the copies
 * are sealed the catalog does not say that they exist, so that one nobody has finished is discarded, whoever
 * dies. [MS: ne-vss-vss_volume_snapshot_attributes; excluding-files-from-shadow-copies]
 */

#include <errno.h>
#include <utlist.h>

#include "coordinator/phase.h"
#include "coordinator/provider-pool.h"
#include "coordinator/session-writer.h"
#include "coordinator/session.h"
#include "doc/writer-doc.h"
#include "provider/provider-builtin.h"

void session_writer_learn_recovery(SessionWriter *w) {
        _cleanup_(writer_doc_freep) WriterDoc *doc = NULL;

        w->recovers = w->recovers_rollback = false;
        if (w->express || FAILED(writer_doc_read(w->metadata, w->metadata_size, &doc)))
                return; /* nobody is there who could; or the requester has the document's fault to look at */

        w->recovers = doc->exclude_from_snapshot.n > 0;
        for (size_t i = 0; i < doc->n_components; ++i) {
                w->recovers |= (doc->components[i].flags & VSS_CF_BACKUP_RECOVERY) != 0;
                w->recovers_rollback |= (doc->components[i].flags & VSS_CF_APP_ROLLBACK_RECOVERY) != 0;
        }
}

/* What is carried elsewhere is recovered there. [MS: what-s-new-in-vss-in-windows-server-2003-sp1] */
bool set_wants_recovery(const SnapshotSet *set) {
        static const int32_t without = VSS_VOLSNAP_ATTR_NO_WRITERS | VSS_VOLSNAP_ATTR_NO_AUTORECOVERY |
                                       VSS_VOLSNAP_ATTR_TRANSPORTABLE;
        const SessionWriter *w;

        if (set->n_snapshots == 0 || (set->context & without))
                return false;

        DL_FOREACH(set->session->writers, w)
                if (session_writer_participates(set->session, w) &&
                    (w->recovers || (w->recovers_rollback && (set->context & VSS_VOLSNAP_ATTR_ROLLBACK_RECOVERY))))
                        return true;
        return false;
}

static void recover_on_answer(ProviderClient *c, const ProviderAnswer *answer, void *userdata) {
        SnapshotSet *set = userdata;

        if (FAILED(answer->hr))
                phase_done(set, answer->hr, answer->message);
        else if (--set->pending == 0)
                phase_done(set, S_OK, NULL);
}

/* Asks for all snapshots of a set that recovers; any other is done at once. */
static void recover_ask(SnapshotSet *set,
                        int (*ask)(ProviderClient *c,
                                   const ProviderSnapshot *s,
                                   const char *device,
                                   usec_t timeout,
                                   ProviderAnswered done,
                                   void *userdata)) {
        if (!(set->context & VSS_VOLSNAP_ATTR_AUTORECOVER)) {
                phase_done(set, S_OK, NULL);
                return;
        }

        set->pending = set->n_snapshots;
        for (size_t i = 0; i < set->n_snapshots; ++i) {
                const SetSnapshot *s = set->snapshots[i];
                const ProviderSnapshot snapshot = set_snapshot_for_provider(s);
                ProviderClient *c;
                int r;

                r = provider_pool_get(set->pool, s->provider, &c);
                if (r >= 0)
                        r = ask(c, &snapshot, s->device, PHASE_SEAL_TIMEOUT_USEC, recover_on_answer, set);
                if (r < 0) {
                        phase_done(set, VSS_E_UNEXPECTED_PROVIDER_ERROR, NULL);
                        return;
                }
        }
}

void phase_unseal_begin(SnapshotSet *set) {
        recover_ask(set, provider_client_unseal);
}

void phase_seal_begin(SnapshotSet *set) {
        recover_ask(set, provider_client_seal);
}
