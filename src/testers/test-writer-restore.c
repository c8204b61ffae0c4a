/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What the Test Writer Wants Back
 *
 * After a restore each file that was saved must be where the requester said that it put it, with the content it had; and
 * what was excluded from the backup must not have come back. [MS: vss-test-writer-tool, working-with-alternate-locations-during-restore,
 * working-with-new-targets-during-restore, working-with-directed-targets]
 */

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "testers/test-writer.h"
#include "testers/vss-text.h"

/* Where a file set went instead. */
typedef struct Redirection {
        char *path, *filespec, *to;
        bool recursive;
} Redirection;

typedef struct Redirections {
        Redirection *list;
        size_t n, capacity;
} Redirections;

static void redirections_clear(Redirections *r) {
        for (size_t i = 0; i < r->n; ++i) {
                free(r->list[i].path);
                free(r->list[i].filespec);
                free(r->list[i].to);
        }
        free(r->list);
}

static char *plain_bstr(BSTR s) {
        _cleanup_(freep) char *text = text_take(s);

        return or_die(path_plain(text ?: ""));
}

/* Takes @f over. */
static void add_redirection(Redirections *r, IVssWMFiledesc *f) {
        BSTR path = NULL, spec = NULL, to = NULL;
        Redirection *one;

        if (ARRAY_RESERVE(r->list, r->capacity, r->n + 1) < 0)
                or_die(NULL);
        one = &r->list[r->n++];
        (void) IVssWMFiledesc_GetPath(f, &path);
        (void) IVssWMFiledesc_GetFilespec(f, &spec);
        (void) IVssWMFiledesc_GetAlternateLocation(f, &to);
        (void) IVssWMFiledesc_GetRecursive(f, &one->recursive);
        one->path = plain_bstr(path);
        one->filespec = text_take(spec) ?: text_copy("*");
        one->to = plain_bstr(to);
        IVssWMFiledesc_Release(f);
}

/* New targets come first: they are what the writer was told before. */
static void read_redirections(IVssComponent *c, Redirections *ret) {
        IVssWMFiledesc *f;
        UINT n = 0;

        (void) IVssComponent_GetNewTargetCount(c, &n);
        for (UINT i = 0; i < n; ++i)
                if (SUCCEEDED(IVssComponent_GetNewTarget(c, i, &f)))
                        add_redirection(ret, f);
        n = 0;
        (void) IVssComponent_GetAlternateLocationMappingCount(c, &n);
        for (UINT i = 0; i < n; ++i)
                if (SUCCEEDED(IVssComponent_GetAlternateLocationMapping(c, i, &f)))
                        add_redirection(ret, f);
}

static char *destination_of(const SavedFile *f, const Redirections *r) {
        const char *relative;

        for (size_t i = 0; i < r->n; ++i)
                if (path_is_of_set(f->path, r->list[i].path, r->list[i].filespec, r->list[i].recursive,
                                   &relative))
                        return or_die(path_join(r->list[i].to, relative));
        return text_copy(f->path);
}

static void check_content(TestWriter *t, const SavedFile *f, const char *where, const char *ranges) {
        _cleanup_(freep) Range *parsed = NULL;
        FileDigest digest;
        size_t n = 0;
        int r = 0;

        if (ranges)
                r = ranges_parse(ranges, &parsed, &n);
        if (r >= 0)
                r = file_digest(AT_FDCWD, where, ranges ? parsed : NULL, n, &digest);
        if (r < 0)
                test_writer_violation(t, "'%s' was not restored to '%s': %s", f->path, where, strerror(-r));
        else if (!file_digest_equal(&digest, &f->digest))
                test_writer_violation(t, "'%s' was restored to '%s' with other content than it had", f->path,
                                      where);
        else
                test_writer_note(t, VERBOSITY_HIGH, "'%s' is as it was", where);
}

static void check_file(TestWriter *t, const SavedFile *f, const Redirections *r, VSS_RESTORE_TARGET target) {
        _cleanup_(freep) char *directory = NULL, *where = NULL;

        if ((target == VSS_RT_DIRECTED) != !!f->directed)
                return;
        if (f->directed) {
                directory = or_die(path_plain(f->directed->destination_path));
                where = or_die(path_join(directory, f->directed->destination_name));
                check_content(t, f, where, f->directed->destination_ranges);
        } else {
                where = destination_of(f, r);
                check_content(t, f, where, f->ranges);
        }
}

/* Was @wanted restored with @known: as itself, as what follows it, or as one of the subcomponents that were named? */
static bool is_restored_with(IVssComponent *c, const Component *known, const Component *wanted) {
        UINT n = 0;

        (void) IVssComponent_GetRestoreSubcomponentCount(c, &n);
        if (n == 0)
                return wanted == known || component_is_below(wanted, known);
        for (UINT i = 0; i < n; ++i) {
                _cleanup_(freep) char *logical_path = NULL, *name = NULL;
                BSTR bstr_path = NULL, bstr_name = NULL;
                bool repair, same;

                if (FAILED(IVssComponent_GetRestoreSubcomponent(c, i, &bstr_path, &bstr_name, &repair)))
                        continue;
                logical_path = text_take(bstr_path);
                name = text_take(bstr_name);
                same = strcmp(wanted->name, name ?: "") == 0 &&
                       strcmp(wanted->logical_path ?: "", logical_path ?: "") == 0;
                if (same)
                        return true;
        }
        return false;
}

static void check_component(TestWriter *t, IVssComponent *c, const Component *known, void *userdata) {
        _cleanup_(redirections_clear) Redirections redirections = { 0 };
        _cleanup_(freep) char *name = component_full_name(known);
        VSS_FILE_RESTORE_STATUS status = VSS_RS_UNDEFINED;
        VSS_RESTORE_TARGET target = VSS_RT_UNDEFINED;
        bool more = false;
        size_t n = 0;

        (void) IVssComponent_GetFileRestoreStatus(c, &status);
        (void) IVssComponent_GetAdditionalRestores(c, &more);
        (void) IVssComponent_GetRestoreTarget(c, &target);
        if (status != VSS_RS_ALL || more) {
                test_writer_note(t, VERBOSITY_MEDIUM, "the files of '%s' are not checked: %s", name,
                                 more ? "more restores follow" :
                                        "the requester says that it did not restore all of them");
                return;
        }

        read_redirections(c, &redirections);
        for (size_t i = 0; i < t->n_saved; ++i)
                if (is_restored_with(c, known, t->saved[i].component)) {
                        check_file(t, &t->saved[i], &redirections, target);
                        ++n;
                }
        test_writer_note(t, VERBOSITY_MEDIUM,
                         n > 0 ? "%zu files of '%s' were checked" :
                                 "%zu files of '%s' are known from a backup in this run: nothing is checked",
                         n, name);
}

/* What must not come back */

static void forget_excluded(TestWriter *t) {
        for (size_t i = 0; i < t->n_excluded; ++i)
                free(t->excluded[i].path);
        t->n_excluded = 0;
}

typedef struct ExcludedWalk {
        TestWriter *t;
        const char *directory;
} ExcludedWalk;

static int remember_excluded(const FoundFile *f, void *userdata) {
        const ExcludedWalk *w = userdata;

        if (ARRAY_RESERVE(w->t->excluded, w->t->excluded_capacity, w->t->n_excluded + 1) < 0)
                or_die(NULL);
        w->t->excluded[w->t->n_excluded++] = (ExcludedFile){
                .path = or_die(path_join(w->directory, f->relative)),
                .st = *f->st,
        };
        return 0;
}

static int check_excluded(const FoundFile *f, void *userdata) {
        const ExcludedWalk *w = userdata;
        _cleanup_(freep) char *path = or_die(path_join(w->directory, f->relative));

        for (size_t i = 0; i < w->t->n_excluded; ++i) {
                const ExcludedFile *e = &w->t->excluded[i];

                if (strcmp(e->path, path) == 0 && e->st.st_ino == f->st->st_ino &&
                    e->st.st_size == f->st->st_size && e->st.st_ctim.tv_sec == f->st->st_ctim.tv_sec &&
                    e->st.st_ctim.tv_nsec == f->st->st_ctim.tv_nsec)
                        return 0; /* it was there before */
        }
        test_writer_violation(w->t, "'%s' was restored, although it is excluded", path);
        return 0;
}

static void foreach_excluded(TestWriter *t, FileFunc func) {
        CONFIG_FOREACH(f, t->config->exclude) {
                _cleanup_(freep) char *directory = or_die(path_plain(f->path));
                ExcludedWalk w = { .t = t, .directory = directory };

                (void) files_foreach(directory, f->filespec, f->recursive, func, &w);
        }
}

void test_writer_remember_excluded(TestWriter *t) {
        forget_excluded(t);
        if (t->config->check_excludes)
                foreach_excluded(t, remember_excluded);
}

static void check_if_selected(TestWriter *t, IVssComponent *c, const Component *known, void *userdata) {
        UINT n_subcomponents = 0;
        bool selected = false;

        (void) IVssComponent_IsSelectedForRestore(c, &selected);
        (void) IVssComponent_GetRestoreSubcomponentCount(c, &n_subcomponents);
        if (selected || n_subcomponents > 0)
                check_component(t, c, known, userdata);
}

void test_writer_check_restore(TestWriter *t, IVssWriterComponents *components) {
        if (t->config->check_includes)
                test_writer_foreach(t, components, check_if_selected, NULL);
        if (t->config->check_excludes)
                foreach_excluded(t, check_excluded);
        forget_excluded(t);
}
