/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * After a Crash
 */

#include "coordinator/recover.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <vss.h>

#include "base/alloc.h"
#include "base/guid.h"
#include "base/log.h"
#include "catalog/catalog.h"
#include "coordinator/deed.h"
#include "coordinator/discard-queue.h"
#include "coordinator/left-behind.h"
#include "coordinator/manager.h"
#include "coordinator/resurface.h"

/* What was being done goes on. */
static void recover_deed(Manager *m, const CatalogDeed *deed) {
        static const DeedKind kinds[_CATALOG_DEED_KIND_MAX] = { [CATALOG_REVERT] = DEED_REVERT, [CATALOG_BREAK] = DEED_BREAK };
        _cleanup_(catalog_snapshot_clear) CatalogSnapshot row = { 0 };
        DeedOptions options = {
                .kind = kinds[deed->kind],
                .snapshot = &row,
                .path = deed->target,
                .flags = deed->flags,
                .how = deed->how,
                .volume_id = &deed->target_id,
                .resumed = true,
        };
        Deed *d;
        int r;

        r = catalog_get(m->catalog, &deed->snapshot_id, &row);
        if (r >= 0) {
                log_notice("A previous life was about to %s the snapshot {%s} of '%s', going on", deed_kind_to_string(options.kind),
                           GUID_TO_STRING(&row.id), row.volume);
                r = deed_start(m->deeds, &options, &d);
        }
        if (r < 0)
                log_error_errno(r, "Failed to go on with what was being done to the snapshot {%s}, it is tried again at the next start: %m",
                                GUID_TO_STRING(&deed->snapshot_id));
}

static bool some_wait_for_a_restart(const CatalogDeedList *list) {
        for (size_t i = 0; i < list->n; ++i)
                if (list->items[i].kind == CATALOG_REVERT && list->items[i].how)
                        return true;
        return false;
}

static int recover_deeds(Manager *m) {
        _cleanup_(catalog_deed_list_clear) CatalogDeedList list = { 0 };
        int r;

        r = catalog_list_deeds(m->catalog, &list);
        if (r < 0)
                return r;
        left_behind_recover(m, some_wait_for_a_restart(&list));
        for (size_t i = 0; i < list.n; ++i)
                recover_deed(m, &list.items[i]);
        return 0;
}

/* After a reboot nothing is mounted, and the directory may be there. */
static bool is_seen(const Manager *m, const CatalogSnapshot *row) {
        struct statx st;

        if (!row->device || statx(AT_FDCWD, row->device, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, STATX_INO, &st) < 0)
                return false;
        return !m->env.privileged || (st.stx_attributes & STATX_ATTR_MOUNT_ROOT);
}

static bool is_leftover(const CatalogSnapshot *row) {
        return row->state != CATALOG_CREATED || !(row->context & VSS_VOLSNAP_ATTR_NO_AUTO_RELEASE);
}

int recover_start(Manager *m) {
        _cleanup_(catalog_list_clear) CatalogList list = { 0 };
        int r;

        r = recover_deeds(m); /* before leftovers are discarded, which then waits for them */
        if (r >= 0)
                r = catalog_list(m->catalog, NULL, _CATALOG_STATE_INVALID, &list);
        if (r < 0)
                return r;

        for (size_t i = 0; i < list.n; ++i) {
                const CatalogSnapshot *row = &list.items[i];

                if (is_leftover(row)) {
                        log_notice("Snapshot {%s} of '%s' was left %s by a previous life, discarding it", GUID_TO_STRING(&row->id),
                                   row->volume, catalog_state_to_string(row->state));
                        (void) discard_queue_add(m->discards, &row->id, NULL, NULL);
                        continue;
                }
                if (is_seen(m, row) && !row->exposed_name)
                        continue;
                r = resurface_add(m->resurface, &row->id, is_seen(m, row));
                if (r < 0)
                        return r;
        }
        resurface_go_on(m->resurface);
        return 0;
}
