/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * How Many Snapshots Are Kept
 *
 * Of one volume, the oldest go first. Only client-accessible ones count: what somebody made persistent for a purpose of his own is not ours to
 * delete. One that cannot be deleted, because a volume is just being reverted to it, say, stays, and counts.
 */

#include <stdlib.h>
#include <wchar.h>

#include "base/alloc.h"
#include "tools/snapshot-verbs.h"
#include "tools/verb.h"

typedef struct Kept {
        VSS_ID id;
        VSS_TIMESTAMP created;
} Kept;

typedef struct Keep {
        const VSS_SNAPSHOT_PROP *newest;
        Kept *items;
        size_t n, capacity;
        bool out_of_memory;
} Keep;

static bool collect(const VSS_SNAPSHOT_PROP *p, void *userdata) {
        Keep *k = userdata;

        if (!(p->m_lSnapshotAttributes & VSS_VOLSNAP_ATTR_CLIENT_ACCESSIBLE) || !p->m_pwszOriginalVolumeName ||
            wcscmp(p->m_pwszOriginalVolumeName, k->newest->m_pwszOriginalVolumeName) != 0 ||
            guid_equal(&p->m_SnapshotId, &k->newest->m_SnapshotId))
                return true;
        k->out_of_memory = ARRAY_RESERVE(k->items, k->capacity, k->n + 1) < 0;
        if (!k->out_of_memory)
                k->items[k->n++] = (Kept){ p->m_SnapshotId, p->m_tsCreationTimestamp };
        return !k->out_of_memory;
}

static int compare_age(const void *a, const void *b) {
        VSS_TIMESTAMP x = ((const Kept *) a)->created, y = ((const Kept *) b)->created;

        return (x > y) - (x < y);
}

static int delete_oldest(IVssBackupComponents *backup, const Keep *k, size_t n_wanted) {
        size_t n_deleted = 0;
        HRESULT last = S_OK;

        for (size_t i = 0; i < k->n && n_deleted < n_wanted; ++i) {
                VSS_ID nondeleted = GUID_NULL;
                LONG deleted = 0;
                HRESULT hr;

                hr = IVssBackupComponents_DeleteSnapshots(backup, k->items[i].id, VSS_OBJECT_SNAPSHOT, FALSE, &deleted, &nondeleted);
                if (SUCCEEDED(hr) || hr == VSS_E_OBJECT_NOT_FOUND) /* somebody else was faster */
                        ++n_deleted;
                else
                        last = hr;
        }
        if (n_deleted > 0)
                tool_say("Deleted %zu older snapshot%s.", n_deleted, n_deleted == 1 ? "" : "s");
        return n_deleted < n_wanted ? tool_fail(last, "Cannot delete all of the older snapshots") : EXIT_OK;
}

int snapshot_keep(const VSS_SNAPSHOT_PROP *newest, unsigned keep) {
        _cleanup_(backup_releasep) IVssBackupComponents *backup = NULL;
        Keep k = { .newest = newest };
        int code = EXIT_OK;
        HRESULT hr;

        backup = snapshot_connect(&code);
        if (!backup)
                return code;
        hr = for_each_snapshot(backup, collect, &k);
        if (SUCCEEDED(hr) && k.out_of_memory)
                hr = E_OUTOFMEMORY;
        if (FAILED(hr))
                code = tool_fail(hr, "Cannot list the older snapshots");
        else if (k.n + 1 > keep) {
                qsort(k.items, k.n, sizeof(*k.items), compare_age);
                code = delete_oldest(backup, &k, k.n + 1 - keep);
        }
        free(k.items);
        return code;
}
