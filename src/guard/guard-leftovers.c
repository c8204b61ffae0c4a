/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What an Earlier Life Left Frozen
 *
 * When coordinator and guard were both killed and the service manager's hook did not run either, the list of
 * what was held is still there, and the next coordinator's first deed is to thaw it.
 */

#include <errno.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/strv.h"
#include "guard/guard-client.h"
#include "guard/held-list.h"

int guard_thaw_leftovers(const char *runtime_dir) {
        _cleanup_(freep) char *path = NULL;
        _cleanup_(strv_freep) char **entries = NULL;
        int error = 0, r;

        r = format_to(&path, "%s/held", runtime_dir);
        if (r < 0)
                return r;

        r = held_list_read(path, &entries);
        if (r == -ENOENT)
                return 0;
        if (r < 0)
                return r;

        for (size_t i = strv_length(entries); i-- > 0;) {
                r = held_list_end(entries[i]);
                if (r == 0) {
                        log_notice("Thawed '%s', which an earlier life may have left frozen", entries[i]);
                        continue;
                }

                log_warning_errno(r, "Failed to thaw '%s', which may be frozen, going on: %m", entries[i]);
                if (r != -ENOENT)
                        error = r;
        }

        /* Kept while something on it may still be frozen. */
        if (error != 0)
                return error;

        return unlink(path) < 0 && errno != ENOENT ? -errno : 0;
}
