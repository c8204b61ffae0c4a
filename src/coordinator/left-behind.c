/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What Is Left Behind
 */

#include "coordinator/left-behind.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <vss.h>

#include "base/alloc.h"
#include "base/fd-util.h"
#include "base/log.h"
#include "catalog/catalog.h"
#include "coordinator/manager.h"
#include "coordinator/snapshot-set.h"
#include "provider/provider-state.h"
#include "wire/wire-error.h"

/* What they do is in the catalog, and counts later. Deleting goes on: what is to free room must not wait. */
static const char *const methods[] = {
        "StartSnapshotSet",      "DoSnapshotSet",           "ExposeSnapshot", "UnexposeSnapshot", "RevertToSnapshot", "BreakSnapshotSet",
        "ImportSnapshots",       "RecoverSet",              "AddArea",        "ChangeArea",       "RegisterProvider", "UnregisterProvider",
        "RegisterExpressWriter", "UnregisterExpressWriter",
};

int left_behind_refuse(const Manager *m, sd_bus_message *message, sd_bus_error *error) {
        const char *method = sd_bus_message_get_member(message);

        for (size_t i = 0; m->left_behind && method && i < ELEMENTSOF(methods); ++i)
                if (strcmp(methods[i], method) == 0)
                        return wire_error_set(error, VSS_E_REVERT_IN_PROGRESS,
                                              "the volume that umbra keeps its state on is reverted at the next restart, and what is "
                                              "done before would be forgotten: restart the machine first");
        return 0;
}

bool left_behind_by(const Manager *m, const char *path) {
        struct stat volume, state;

        return stat(path, &volume) == 0 && stat(m->state_dir, &state) == 0 && volume.st_dev == state.st_dev;
}

static int mark(const Manager *m, char **ret) {
        return format_to(ret, "%s/" STATE_LEFT_BEHIND, m->state_dir);
}

int left_behind_begin(Manager *m) {
        _cleanup_(freep) char *path = NULL;
        int r;

        if (m->current && snapshot_set_is_running(m->current))
                return -EBUSY;

        r = mark(m, &path);
        if (r >= 0)
                r = file_write_text_atomic(path, 0600, "");
        if (r >= 0)
                m->left_behind = true;
        return r;
}

int left_behind_write(Manager *m) {
        _cleanup_(freep) char *path = NULL;
        int r;

        r = format_to(&path, "%s/" STATE_CATALOG_TAKEN, m->state_dir);
        return r < 0 ? r : catalog_copy(m->catalog, path);
}

static void remove_file(const Manager *m, const char *name) {
        _cleanup_(freep) char *path = NULL;

        if (format_to(&path, "%s/%s", m->state_dir, name) >= 0 && unlink(path) < 0 && errno != ENOENT)
                log_warning_errno(-errno, "Failed to remove '%s', ignoring: %m", path);
}

void left_behind_end(Manager *m) {
        remove_file(m, STATE_CATALOG_TAKEN);
        remove_file(m, STATE_LEFT_BEHIND);
        m->left_behind = false;
}

void left_behind_recover(Manager *m, bool reverting) {
        _cleanup_(freep) char *path = NULL;

        m->left_behind = reverting && mark(m, &path) >= 0 && access(path, F_OK) == 0;
        if (!m->left_behind)
                left_behind_end(m); /* umbrad died before the revert was in the catalog, or after it was out of it */
        else
                log_notice("The volume of the state directory '%s' is reverted at the next restart; nothing that would have to be "
                           "known afterwards is begun before",
                           m->state_dir);
}
