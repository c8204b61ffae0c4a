/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The Files in the Backup Directory
 *
 * A file is kept below files/ in there by its own path; of a partial file only the ranges. What belongs to a component
 * stands in the writer's metadata and in the component. [MS: generating-a-backup-set, generating-a-restore-set,
 * requestor-role-in-vss-incremental-and-differential-backups]
 */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/time-util.h"
#include "testers/betest.h"
#include "testers/files.h"
#include "testers/vss-text.h"
#include "testers/words.h"

typedef struct Partial {
        char *path; /* of the file */
        char *ranges;
} Partial;

typedef struct Difference {
        char *directory, *pattern;
        bool recursive;
        usec_t since; /* 0: take all */
} Difference;

/* What one component says about its files, beyond the metadata. */
typedef struct FileRules {
        Betest *b;
        BetestSource *source;
        Partial *partials;
        size_t n_partials, partials_capacity;
        Difference *differences;
        size_t n_differences, differences_capacity;
        BetestSets redirected; /* alternate: where they went */
        bool any_failed, any_done;
        const BetestSet *set; /* the one that is walked over, where its files are, and where they came from */
        const char *root;
        IVssComponent *component;
        BetestPart *part;
} FileRules;

static char *plain_bstr(BSTR s) {
        _cleanup_(freep) char *text = text_take(s);

        return or_die(path_plain(text ?: ""));
}

static void read_partials(FileRules *r, IVssComponent *c) {
        UINT n = 0;

        (void) IVssComponent_GetPartialFileCount(c, &n);
        for (UINT i = 0; i < n; ++i) {
                BSTR path = NULL, name = NULL, ranges = NULL, metadata = NULL;
                _cleanup_(freep) char *directory = NULL, *file = NULL;

                if (FAILED(IVssComponent_GetPartialFile(c, i, &path, &name, &ranges, &metadata)))
                        continue;
                SysFreeString(metadata);
                directory = plain_bstr(path);
                file = text_take(name);
                if (ARRAY_RESERVE(r->partials, r->partials_capacity, r->n_partials + 1) < 0)
                        or_die(NULL);
                r->partials[r->n_partials++] = (Partial){
                        .path = or_die(path_join(directory, file ?: "")),
                        .ranges = text_take(ranges) ?: text_copy(""),
                };
        }
}

static void read_differences(FileRules *r, IVssComponent *c) {
        UINT n = 0;

        (void) IVssComponent_GetDifferencedFilesCount(c, &n);
        for (UINT i = 0; i < n; ++i) {
                BSTR path = NULL, pattern = NULL, lsn = NULL;
                BOOL recursive = FALSE;
                FILETIME time = { 0 };

                if (FAILED(IVssComponent_GetDifferencedFile(c, i, &path, &pattern, &recursive, &lsn, &time)))
                        continue;
                SysFreeString(lsn);
                if (ARRAY_RESERVE(r->differences, r->differences_capacity, r->n_differences + 1) < 0)
                        or_die(NULL);
                r->differences[r->n_differences++] = (Difference){
                        .directory = plain_bstr(path),
                        .pattern = text_take(pattern) ?: text_copy("*"),
                        .recursive = recursive,
                        .since = usec_from_filetime((int64_t) ((uint64_t) time.dwHighDateTime << 32 | time.dwLowDateTime)),
                };
        }
}

static void file_rules_clear(FileRules *r) {
        for (size_t i = 0; i < r->n_partials; ++i) {
                free(r->partials[i].path);
                free(r->partials[i].ranges);
        }
        free(r->partials);
        for (size_t i = 0; i < r->n_differences; ++i) {
                free(r->differences[i].directory);
                free(r->differences[i].pattern);
        }
        free(r->differences);
        betest_sets_clear(&r->redirected);
}

static const char *ranges_of(const FileRules *r, const char *path) {
        for (size_t i = 0; i < r->n_partials; ++i)
                if (strcmp(r->partials[i].path, path) == 0)
                        return r->partials[i].ranges;
        return NULL;
}

static const Difference *difference_of(const FileRules *r, const char *path) {
        for (size_t i = 0; i < r->n_differences; ++i)
                if (path_is_of_set(path, r->differences[i].directory, r->differences[i].pattern, r->differences[i].recursive, NULL))
                        return &r->differences[i];
        return NULL;
}

static char *path_in_backup(const Betest *b, const char *path) {
        return text_format("%s/files%s", b->directory, path);
}

static void note_file(FileRules *r, int error, const char *from, const char *to) {
        json_t *record;

        if (error < 0) {
                r->any_failed = true;
                betest_fail(r->b, "'%s' cannot be copied to '%s': %s", from, to, strerror(-error));
                return;
        }
        r->any_done = true;
        ++r->b->n_files;
        if (!r->b->verbose)
                return;
        record = record_new("copied", from);
        record_text(record, "to", to);
        report_emit(r->b->report, record);
}

/* Copies the file, or what its ranges say. */
static void copy(FileRules *r, const char *from, const char *to, const char *ranges) {
        _cleanup_(freep) Range *parsed = NULL;
        size_t n = 0;
        int error = 0;

        if (ranges)
                error = ranges_parse(ranges, &parsed, &n);
        if (error >= 0)
                error = file_copy(AT_FDCWD, from, to, ranges ? parsed : NULL, n);
        note_file(r, error, from, to);
}

/* Saving */

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
        _cleanup_(freep) char *path = or_die(path_join(r->set->path, f->relative)); /* where it comes back to */
        _cleanup_(freep) char *from = or_die(path_join(r->root, f->relative)), *to = path_in_backup(r->b, path);
        const Difference *d = difference_of(r, path);

        if (betest_set_of(&r->source->excluded, path, NULL))
                return 0;
        if (d && usec_from_timespec(&f->st->st_mtim) < d->since)
                return 0;
        copy(r, from, to, ranges_of(r, path));
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
                _cleanup_(freep) char *from = path_in_shadow(r->b, r->partials[i].path), *to = path_in_backup(r->b, r->partials[i].path);

                if (from && !betest_set_of(&p->sets, r->partials[i].path, NULL))
                        copy(r, from, to, r->partials[i].ranges);
        }
        for (size_t i = 0; i < r->n_differences; ++i) {
                const Difference *d = &r->differences[i];
                const BetestSet set = { .path = d->directory, .pattern = d->pattern, .recursive = d->recursive };
                bool known = false;

                for (size_t k = 0; k < p->sets.n; ++k)
                        known |= strcmp(p->sets.list[k].path, d->directory) == 0 && strcmp(p->sets.list[k].pattern, d->pattern) == 0;
                if (!known)
                        save_set(r, &set);
        }
}

void betest_save_files(Betest *b, BetestSource *s, BetestPart *part, IVssComponent *c, bool *ret_all) {
        _cleanup_(file_rules_clear) FileRules r = { .b = b, .source = s, .part = part, .component = c };

        read_partials(&r, c);
        read_differences(&r, c);
        for (size_t i = 0; i < s->n_parts; ++i)
                if (&s->parts[i] == part || betest_part_follows(&s->parts[i], part))
                        save_sets(&r, &s->parts[i]);
        save_others(&r, part);
        *ret_all = !r.any_failed;
}

/* Restoring */

static void redirect(FileRules *r, const char *path, const char *pattern, bool recursive, const char *to) {
        BetestSet *set = betest_sets_add(&r->redirected);

        *set = (BetestSet){ .path = or_die(path_plain(path)), .pattern = text_copy(pattern), .recursive = recursive, .alternate = or_die(path_plain(to)) };
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
                path = plain_bstr(bstr_path);
                pattern = text_take(bstr_pattern);
                to = plain_bstr(bstr_to);
                redirect(r, path, pattern ?: "*", recursive, to);
        }
}

static int find_existing(const FoundFile *f, void *userdata) {
        return -EEXIST;
}

/* Does the file set go to its alternate location? [MS: nf-vsbackup-ivssexaminewritermetadata-getrestoremethod] */
static bool goes_elsewhere(const FileRules *r, const BetestSet *set) {
        VSS_RESTORE_TARGET target = VSS_RT_UNDEFINED;

        (void) IVssComponent_GetRestoreTarget(r->component, &target);
        if (target == VSS_RT_ALTERNATE)
                return true;
        if (target == VSS_RT_ORIGINAL_LOCATION)
                return false;
        if (r->source->method == VSS_RME_RESTORE_TO_ALTERNATE_LOCATION)
                return true;
        return r->source->method == VSS_RME_RESTORE_IF_NOT_THERE &&
               files_foreach(set->path, set->pattern, set->recursive, find_existing, NULL) == -EEXIST;
}

/* The mapping of the writer that has this file set. [MS: working-with-alternate-locations-during-restore] */
static const BetestSet *mapping_of(const FileRules *r, const BetestSet *set) {
        for (size_t i = 0; i < r->source->mappings.n; ++i) {
                const BetestSet *m = &r->source->mappings.list[i];

                if (strcmp(m->path, set->path) == 0 && (strcmp(m->pattern, set->pattern) == 0 || strcmp(m->pattern, "*") == 0))
                        return m;
        }
        return NULL;
}

/* And the writer is told so. */
static void use_mapping(FileRules *r, const BetestSet *set) {
        const BetestPart *p = r->part;
        const BetestSet *m = mapping_of(r, set);
        _cleanup_(freep) WCHAR *logical_path = *p->logical_path ? text_to_wide(p->logical_path) : NULL, *name = text_to_wide(p->name);
        _cleanup_(freep) WCHAR *path = text_to_wide(set->path), *pattern = text_to_wide(set->pattern), *to = NULL;

        if (!m) {
                r->any_failed = true;
                betest_fail(r->b, "'%s' cannot be restored where it was, and has no alternate location", set->path);
                return;
        }
        to = text_to_wide(m->alternate);
        redirect(r, set->path, set->pattern, set->recursive, m->alternate);
        (void) betest_called(r->b,
                             IVssBackupComponents_AddAlternativeLocationMapping(r->b->vss, r->source->id, p->type, logical_path, name,
                                                                                path, pattern, set->recursive, to),
                             "AddAlternativeLocationMapping('%s', '%s')", set->path, m->alternate);
}

static int restore_file(const FoundFile *f, void *userdata) {
        FileRules *r = userdata;
        _cleanup_(freep) char *path = or_die(path_join(r->set->path, f->relative));
        _cleanup_(freep) char *from = or_die(path_join(r->root, f->relative)), *to = NULL;
        const char *relative;
        const BetestSet *redirection = betest_set_of(&r->redirected, path, &relative);

        to = redirection ? or_die(path_join(redirection->alternate, relative)) : text_copy(path);
        copy(r, from, to, ranges_of(r, path));
        return 0;
}

static void restore_set(FileRules *r, const BetestSet *set) {
        _cleanup_(freep) char *root = path_in_backup(r->b, set->path);
        int error;

        if (goes_elsewhere(r, set))
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

                if (FAILED(IVssComponent_GetDirectedTarget(c, i, &texts[0], &texts[1], &texts[2], &texts[3], &texts[4], &texts[5])))
                        continue;
                for (size_t k = 0; k < ELEMENTSOF(plain); ++k)
                        plain[k] = k % 3 == 0 ? plain_bstr(texts[k]) : text_take(texts[k]) ?: text_copy("");
                source = or_die(path_join(plain[0], plain[1]));
                from = path_in_backup(r->b, source);
                to = or_die(path_join(plain[3], plain[4]));
                error = file_copy_ranges(from, plain[2], to, plain[5]);
                note_file(r, error, from, to);
                for (size_t k = 0; k < ELEMENTSOF(plain); ++k)
                        free(plain[k]);
        }
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

VSS_FILE_RESTORE_STATUS betest_restore_files(Betest *b, BetestSource *s, BetestPart *part, IVssComponent *c) {
        _cleanup_(file_rules_clear) FileRules r = { .b = b, .source = s, .part = part, .component = c };
        VSS_RESTORE_TARGET target = VSS_RT_UNDEFINED;

        (void) IVssComponent_GetRestoreTarget(c, &target);
        read_partials(&r, c);
        read_new_targets(&r, c);
        read_differences(&r, c);
        if (target == VSS_RT_DIRECTED)
                restore_directed(&r, c);
        else {
                for (size_t i = 0; i < s->n_parts; ++i)
                        for (size_t k = 0; k < s->parts[i].sets.n && is_wanted(c, &s->parts[i], part); ++k)
                                restore_set(&r, &s->parts[i].sets.list[k]);
                for (size_t i = 0; i < r.n_partials; ++i) {
                        _cleanup_(freep) char *from = path_in_backup(b, r.partials[i].path);

                        if (!betest_set_of(&part->sets, r.partials[i].path, NULL))
                                copy(&r, from, r.partials[i].path, r.partials[i].ranges);
                }
                for (size_t i = 0; i < r.n_differences; ++i) {
                        const BetestSet set = { .path = r.differences[i].directory, .pattern = r.differences[i].pattern,
                                                .recursive = r.differences[i].recursive };

                        restore_set(&r, &set);
                }
        }
        if (!r.any_failed)
                return VSS_RS_ALL;
        return r.any_done ? VSS_RS_FAILED : VSS_RS_NONE;
}
