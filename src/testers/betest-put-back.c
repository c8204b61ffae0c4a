/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Putting Files Back
 *
 * To where they were, or to where the writer, its component or the configuration wants them.
 * [MS: generating-a-restore-set, setting-vss-restore-methods, setting-vss-restore-targets]
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "testers/betest-rules.h"
#include "testers/files.h"
#include "testers/vss-text.h"

static void redirect(FileRules *r, const char *path, const char *pattern, bool recursive, const char *to) {
        BetestSet *set = betest_sets_add(&r->redirected);

        *set = (BetestSet){ .path = or_die(path_plain(path)),
                            .pattern = text_copy(pattern),
                            .recursive = recursive,
                            .alternate = or_die(path_plain(to)) };
}

static void read_new_targets(FileRules *r, IVssComponent *c) {
        UINT n = 0;

        (void) IVssComponent_GetNewTargetCount(c, &n);
        for (UINT i = 0; i < n; ++i) {
                _cleanup_(freep) char *path = NULL, *pattern = NULL, *to = NULL;
                BSTR bstr_path = NULL, bstr_pattern = NULL, bstr_to = NULL;
                IVssWMFiledesc *f = NULL;
                bool recursive = false;

                if (FAILED(IVssComponent_GetNewTarget(c, i, &f)))
                        continue;
                (void) IVssWMFiledesc_GetPath(f, &bstr_path);
                (void) IVssWMFiledesc_GetFilespec(f, &bstr_pattern);
                (void) IVssWMFiledesc_GetAlternateLocation(f, &bstr_to);
                (void) IVssWMFiledesc_GetRecursive(f, &recursive);
                IVssWMFiledesc_Release(f);
                path = betest_plain_bstr(bstr_path);
                pattern = text_take(bstr_pattern);
                to = betest_plain_bstr(bstr_to);
                redirect(r, path, pattern ?: "*", recursive, to);
        }
}

static int find_existing(const FoundFile *f, void *userdata) {
        return -EEXIST;
}

static bool is_wanted(IVssComponent *c, const BetestPart *p, const BetestPart *part) {
        UINT n = 0;

        (void) IVssComponent_GetRestoreSubcomponentCount(c, &n);
        if (n == 0)
                return p == part || betest_part_follows(p, part);
        for (UINT i = 0; i < n; ++i) {
                BSTR bstr_path = NULL, bstr_name = NULL;
                _cleanup_(freep) char *path = NULL, *name = NULL;
                bool repair;

                (void) IVssComponent_GetRestoreSubcomponent(c, i, &bstr_path, &bstr_name, &repair);
                path = text_take(bstr_path);
                name = text_take(bstr_name);
                if (strcmp(p->logical_path, path ?: "") == 0 && strcmp(p->name, name ?: "") == 0)
                        return true;
        }
        return false;
}

/* Asked before the first file is put back. */
static bool is_any_there(const FileRules *r) {
        const BetestSource *s = r->source;

        for (size_t i = 0; i < s->n_parts; ++i)
                for (size_t k = 0; k < s->parts[i].sets.n && is_wanted(r->component, &s->parts[i], r->part);
                     ++k) {
                        const BetestSet *set = &s->parts[i].sets.list[k];

                        if (files_foreach(set->path, set->pattern, set->recursive, find_existing, NULL) ==
                            -EEXIST)
                                return true;
                }
        return false;
}

/* Does it all go to the alternate locations? [MS: nf-vsbackup-ivssexaminewritermetadata-getrestoremethod] */
static bool goes_elsewhere(const FileRules *r) {
        VSS_RESTORE_TARGET target = VSS_RT_UNDEFINED;

        (void) IVssComponent_GetRestoreTarget(r->component, &target);
        if (target == VSS_RT_ALTERNATE)
                return true;
        if (target == VSS_RT_ORIGINAL_LOCATION)
                return false;
        return r->source->method == VSS_RME_RESTORE_TO_ALTERNATE_LOCATION ||
               (r->source->method == VSS_RME_RESTORE_IF_NOT_THERE && is_any_there(r));
}

/* The mapping of the writer that has this file set. [MS: working-with-alternate-locations-during-restore] */
static const BetestSet *mapping_of(const FileRules *r, const BetestSet *set) {
        for (size_t i = 0; i < r->source->mappings.n; ++i) {
                const BetestSet *m = &r->source->mappings.list[i];

                if (strcmp(m->path, set->path) == 0 &&
                    (strcmp(m->pattern, set->pattern) == 0 || strcmp(m->pattern, "*") == 0))
                        return m;
        }
        return NULL;
}

/* And the writer is told so. */
static void use_mapping(FileRules *r, const BetestSet *set) {
        const BetestPart *p = r->part;
        const BetestSet *m = mapping_of(r, set);
        _cleanup_(freep) WCHAR *logical_path = *p->logical_path ? text_to_wide(p->logical_path) : NULL,
                               *name = text_to_wide(p->name);
        _cleanup_(freep) WCHAR *path = text_to_wide(set->path), *pattern = text_to_wide(set->pattern),
                               *to = NULL;

        if (!m) {
                r->any_failed = true;
                betest_fail(r->b, "'%s' cannot be restored where it was, and has no alternate location",
                            set->path);
                return;
        }
        to = text_to_wide(m->alternate);
        redirect(r, set->path, set->pattern, set->recursive, m->alternate);
        (void) betest_called(r->b,
                             IVssBackupComponents_AddAlternativeLocationMapping(
                                     r->b->vss, r->source->id, p->type, logical_path, name, path, pattern,
                                     set->recursive, to),
                             "AddAlternativeLocationMapping('%s', '%s')", set->path, m->alternate);
}

static int restore_file(const FoundFile *f, void *userdata) {
        FileRules *r = userdata;
        _cleanup_(freep) char *path = or_die(path_join(r->set->path, f->relative));
        _cleanup_(freep) char *from = or_die(path_join(r->root, f->relative)), *to = NULL;
        const char *relative;
        const BetestSet *redirection = betest_set_of(&r->redirected, path, &relative);

        to = redirection ? or_die(path_join(redirection->alternate, relative)) : text_copy(path);
        file_rules_copy(r, from, to, file_rules_ranges(r, path));
        return 0;
}

static void restore_set(FileRules *r, const BetestSet *set) {
        _cleanup_(freep) char *root = betest_path_in_backup(r->b, set->path);
        int error;

        if (r->elsewhere)
                use_mapping(r, set);
        if (r->any_failed)
                return;
        r->set = set;
        r->root = root;
        error = files_foreach(root, set->pattern, set->recursive, restore_file, r);
        if (error < 0) {
                r->any_failed = true;
                betest_fail(r->b, "'%s' cannot be restored: %s", set->path, strerror(-error));
        }
}

/* [MS: working-with-directed-targets] */
static void restore_directed(FileRules *r, IVssComponent *c) {
        UINT n = 0;

        (void) IVssComponent_GetDirectedTargetCount(c, &n);
        for (UINT i = 0; i < n; ++i) {
                BSTR texts[6] = { NULL };
                char *plain[6];
                _cleanup_(freep) char *source = NULL, *from = NULL, *to = NULL;
                int error;

                if (FAILED(IVssComponent_GetDirectedTarget(c, i, &texts[0], &texts[1], &texts[2], &texts[3],
                                                           &texts[4], &texts[5])))
                        continue;
                for (size_t k = 0; k < ELEMENTSOF(plain); ++k)
                        plain[k] = k % 3 == 0          ? betest_plain_bstr(texts[k]) :
                                   text_take(texts[k]) ?:
                                                         text_copy("");
                source = or_die(path_join(plain[0], plain[1]));
                from = betest_path_in_backup(r->b, source);
                to = or_die(path_join(plain[3], plain[4]));
                error = file_copy_ranges(from, plain[2], to, plain[5]);
                file_rules_copied(r, error, from, to);
                for (size_t k = 0; k < ELEMENTSOF(plain); ++k)
                        free(plain[k]);
        }
}

static void restore_parts(FileRules *r) {
        BetestSource *s = r->source;

        for (size_t i = 0; i < s->n_parts; ++i)
                for (size_t k = 0; k < s->parts[i].sets.n && is_wanted(r->component, &s->parts[i], r->part);
                     ++k)
                        restore_set(r, &s->parts[i].sets.list[k]);
}

/* Files that only the component names. */
static void restore_others(FileRules *r) {
        for (size_t i = 0; i < r->n_partials; ++i) {
                const Partial *p = &r->partials[i];
                _cleanup_(freep) char *from = betest_path_in_backup(r->b, p->path);

                if (!betest_set_of(&r->part->sets, p->path, NULL))
                        file_rules_copy(r, from, p->path, p->ranges);
        }
        for (size_t i = 0; i < r->n_differences; ++i) {
                const Difference *d = &r->differences[i];
                const BetestSet set = { .path = d->directory,
                                        .pattern = d->pattern,
                                        .recursive = d->recursive };

                restore_set(r, &set);
        }
}

VSS_FILE_RESTORE_STATUS betest_restore_files(Betest *b,
                                             BetestSource *s,
                                             BetestPart *part,
                                             IVssComponent *c) {
        _cleanup_(file_rules_clear) FileRules r = { 0 };
        VSS_RESTORE_TARGET target = VSS_RT_UNDEFINED;

        file_rules_read(&r, b, s, part, c);
        (void) IVssComponent_GetRestoreTarget(c, &target);
        if (target == VSS_RT_DIRECTED)
                restore_directed(&r, c);
        else {
                read_new_targets(&r, c);
                r.elsewhere = goes_elsewhere(&r);
                restore_parts(&r);
                restore_others(&r);
        }
        if (!r.any_failed)
                return VSS_RS_ALL;
        return r.any_done ? VSS_RS_FAILED : VSS_RS_NONE;
}
