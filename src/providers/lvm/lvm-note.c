/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The Note of a Snapshot of LVM
 */

#include "providers/lvm/lvm-note.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "provider/provider.h"

int lvm_note_write(const LvmNote *note, char **ret) {
        return format_to(ret,
                         "group=%s origin=%s of=%s pool=%s thin=%" PRIu64 " store=%" PRIu64 "/%" PRIu64 " name=%s type=%s root=%s",
                         note->group, note->origin, note->origin_name, note->pool, note->thin_id, note->store, note->store_max,
                         note->name, note->type, note->root);
}

int lvm_note_read(const char *text, LvmNote *ret) {
        LvmNote note = { 0 };
        int n = 0;

        if (!text ||
            sscanf(text,
                   "group=%38s origin=%38s of=%255s pool=%38s thin=%" SCNu64 " store=%" SCNu64 "/%" SCNu64
                   " name=%255s type=%15s root=%n",
                   note.group, note.origin, note.origin_name, note.pool, &note.thin_id, &note.store, &note.store_max, note.name,
                   note.type, &n) != 9 ||
            n == 0 || text[n] != '/' || !strchr(note.name, '/'))
                return provider_fail(-EINVAL, "its note '%s' cannot be understood", text ?: "");

        (void) snprintf(note.group_name, sizeof(note.group_name), "%.*s", (int) strcspn(note.name, "/"), note.name);
        note.root = text + n;
        *ret = note;
        return 0;
}

const char *lvm_note_name(const LvmNote *note) {
        return strchr(note->name, '/') + 1;
}

/* While it merges, its name is in brackets. */
int lvm_note_find(const LvmNote *note, LvmVolume *ret) {
        return lvm_find(ret, "vg_uuid=\"%s\" && lv_name=~\"^.?%s.?$\"", note->group, lvm_note_name(note));
}
