/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Saving Files
 *
 * A file is kept below files/ in the backup directory by its own path; of a partial file only the ranges.
 * [MS: generating-a-backup-set, requestor-role-in-vss-incremental-and-differential-backups]
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "testers/betest-rules.h"
#include "testers/files.h"
#include "testers/vss-text.h"

/* A type that the writer does not know makes it a full backup. */
static DWORD required_bit(VSS_BACKUP_TYPE type, DWORD schema) {
        if (type == VSS_BT_INCREMENTAL && (schema & VSS_BS_INCREMENTAL))
                return VSS_FSBT_INCREMENTAL_BACKUP_REQUIRED;
        if (type == VSS_BT_DIFFERENTIAL && (schema & VSS_BS_DIFFERENTIAL))
                return VSS_FSBT_DIFFERENTIAL_BACKUP_REQUIRED;
        if (type == VSS_BT_LOG && (schema & VSS_BS_LOG))
                return VSS_FSBT_LOG_BACKUP_REQUIRED;
        return VSS_FSBT_FULL_BACKUP_REQUIRED;
}

/* Where in a shadow copy a path is. NULL: on none of the volumes. */
static char *path_in_shadow(const Betest *b, const char *path) {
        const BetestShadow *shadow = betest_shadow_of(b, path);
        size_t n;

        if (!shadow)
                return NULL;
        n = strcmp(shadow->volume, "/") == 0 ? 0 : strlen(shadow->volume);
        return text_format("%s%s", shadow->device, path + n);
}

static int save_file(const FoundFile *f, void *userdata) {
        FileRules *r = userdata;
        _cleanup_(freep) char *path =
                or_die(path_join(r->set->path, f->relative)); /* where it comes back to */
        _cleanup_(freep) char *from = or_die(path_join(r->root, f->relative)),
                              *to = betest_path_in_backup(r->b, path);
        const Difference *d = file_rules_difference(r, path);

        if (betest_set_of(&r->source->excluded, path, NULL))
                return 0;
        if (d && usec_from_timespec(&f->st->st_mtim) < d->since)
                return 0;
        file_rules_copy(r, from, to, file_rules_ranges(r, path));
        return 0;
}

static void save_set(FileRules *r, const BetestSet *set) {
        _cleanup_(freep) char *root = path_in_shadow(r->b, set->alternate ?: set->path);
        int error;

        if (!root)
                error = -EXDEV;
        else {
                r->set = set;
                r->root = root;
                error = files_foreach(root, set->pattern, set->recursive, save_file, r);
        }
        if (error < 0) {
                r->any_failed = true;
                betest_fail(r->b, "'%s' cannot be saved: %s", set->path,
                            root ? strerror(-error) : "it is on none of the volumes of the set");
        }
}

static void save_sets(FileRules *r, const BetestPart *p) {
        DWORD required = required_bit(r->b->type, r->source->schema);

        for (size_t i = 0; i < p->sets.n; ++i) {
                const BetestSet *set = &p->sets.list[i];

                if (set->mask & required)
                        save_set(r, set);
        }
}

/* Files that only the component names. */
static void save_others(FileRules *r, const BetestPart *p) {
        for (size_t i = 0; i < r->n_partials; ++i) {
                _cleanup_(freep) char *from = path_in_shadow(r->b, r->partials[i].path),
                                      *to = betest_path_in_backup(r->b, r->partials[i].path);

                if (from && !betest_set_of(&p->sets, r->partials[i].path, NULL))
                        file_rules_copy(r, from, to, r->partials[i].ranges);
        }
        for (size_t i = 0; i < r->n_differences; ++i) {
                const Difference *d = &r->differences[i];
                const BetestSet set = { .path = d->directory,
                                        .pattern = d->pattern,
                                        .recursive = d->recursive };
                bool known = false;

                for (size_t k = 0; k < p->sets.n; ++k)
                        known |= strcmp(p->sets.list[k].path, d->directory) == 0 &&
                                 strcmp(p->sets.list[k].pattern, d->pattern) == 0;
                if (!known)
                        save_set(r, &set);
        }
}

void betest_save_files(Betest *b, BetestSource *s, BetestPart *part, IVssComponent *c, bool *ret_all) {
        _cleanup_(file_rules_clear) FileRules r = { 0 };

        file_rules_read(&r, b, s, part, c);
        for (size_t i = 0; i < s->n_parts; ++i)
                if (&s->parts[i] == part || betest_part_follows(&s->parts[i], part))
                        save_sets(&r, &s->parts[i]);
        save_others(&r, part);
        *ret_all = !r.any_failed;
}
