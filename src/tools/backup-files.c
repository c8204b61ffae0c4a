/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What of Each File is Saved
 *
 * File sets are gathered into classes, as many files of one directory are asked about one after the other and each class has its view of
 * that directory. Writers have classes of their own, because what one of them excludes is no matter of another.
 */

#include "tools/backup-files.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include <uthash.h>

#include "base/alloc.h"
#include "base/hresult.h"
#include "base/strv.h"
#include "tools/found-components.h"
#include "tools/partial-files.h"
#include "tools/set-format.h"
#include "tools/tool-vss.h"

typedef enum ClassKind {
        CLASS_ALWAYS,      /* all of it, whatever else was said */
        CLASS_NEEDED,      /* all of it, unless something else was said */
        CLASS_NAMED,       /* its name */
        CLASS_DIFFERENCED, /* all of it if it changed since */
        CLASS_PARTIAL,     /* parts of it, which partial-files.h knows */
        _CLASS_MAX,
} ClassKind;

typedef struct FileClass {
        ClassKind kind;
        FilePlace place;
        size_t writer;  /* SIZE_MAX: named by path */
        uint64_t since; /* of differenced files */
        FileSet *set;
        FileSetView view;
} FileClass;

/* A differenced file that the set before knew of. */
typedef struct KnownFile {
        UT_hash_handle hh;
        char path[];
} KnownFile;

struct BackupFiles {
        const BackupPlan *plan;
        FileClass **classes;
        size_t n_classes, classes_capacity;
        FileSet *places, *walk[PLACE_ALTERNATE];
        AlternateFiles *alternates;
        size_t n_alternates, alternates_capacity;
        PartialFiles *partial;
        FoundComponents *found;
        KnownFile *known;
        bool has_known; /* there is a set before */
        char *directory; /* that the views are of */
};

BackupFiles *backup_files_free(BackupFiles *f) {
        KnownFile *known, *next;

        if (!f)
                return NULL;

        HASH_ITER(hh, f->known, known, next) {
                HASH_DEL(f->known, known);
                free(known);
        }
        for (size_t i = 0; i < f->n_classes; ++i) {
                file_set_free(f->classes[i]->set);
                free(f->classes[i]);
        }
        for (size_t i = 0; i < f->n_alternates; ++i) {
                file_set_free(f->alternates[i].set);
                free(f->alternates[i].path);
                free(f->alternates[i].directory);
        }
        for (size_t i = 0; i < ELEMENTSOF(f->walk); ++i)
                file_set_free(f->walk[i]);
        file_set_free(f->places);
        partial_files_free(f->partial);
        found_components_free(f->found);
        free(f->alternates);
        free(f->classes);
        free(f->directory);
        free(f);
        return NULL;
}

static bool class_is(const FileClass *c, ClassKind kind, FilePlace place, size_t writer, uint64_t since) {
        return c->kind == kind && c->place == place && c->writer == writer && c->since == since;
}

/* What the chosen writers exclude holds for what was named by path, too. */
static int class_exclude(const BackupFiles *f, FileClass *c) {
        HRESULT hr = S_OK;

        for (size_t i = 0; i < f->plan->n_writers && SUCCEEDED(hr); ++i)
                if (c->writer == i || (c->writer == SIZE_MAX && f->plan->choices[i].complete))
                        hr = writer_exclude_files(&f->plan->writers[i], c->place != PLACE_LIVE, c->set);
        return FAILED(hr) ? -EINVAL : 0;
}

static int find_class(BackupFiles *f, ClassKind kind, FilePlace place, size_t writer, uint64_t since, FileClass **ret) {
        FileClass *c;
        int r;

        for (size_t i = 0; i < f->n_classes; ++i)
                if (class_is(f->classes[i], kind, place, writer, since)) {
                        *ret = f->classes[i];
                        return 0;
                }

        if (ARRAY_RESERVE(f->classes, f->classes_capacity, f->n_classes + 1) < 0)
                return -ENOMEM;
        c = calloc_checked(1, sizeof(*c));
        if (!c)
                return -ENOMEM;

        *c = (FileClass){ .kind = kind, .place = place, .writer = writer, .since = since };
        f->classes[f->n_classes++] = c;
        r = file_set_new(&c->set);
        if (r == 0)
                r = class_exclude(f, c);
        *ret = c;
        return r;
}

/* File sets */

typedef struct Building {
        BackupFiles *files;
        const PlanComponent *component;
} Building;

static bool is_whole(VSS_BACKUP_TYPE how) {
        return how == VSS_BT_FULL || how == VSS_BT_COPY;
}

/* The bits of a mask for a type: needed, and to be read from a shadow copy. */
static DWORD needed_bit(VSS_BACKUP_TYPE how) {
        return how == VSS_BT_INCREMENTAL  ? VSS_FSBT_INCREMENTAL_BACKUP_REQUIRED :
               how == VSS_BT_DIFFERENTIAL ? VSS_FSBT_DIFFERENTIAL_BACKUP_REQUIRED :
               how == VSS_BT_LOG          ? VSS_FSBT_LOG_BACKUP_REQUIRED :
                                            VSS_FSBT_FULL_BACKUP_REQUIRED;
}

static DWORD snapshot_bit(VSS_BACKUP_TYPE how) {
        return how == VSS_BT_INCREMENTAL  ? VSS_FSBT_INCREMENTAL_SNAPSHOT_REQUIRED :
               how == VSS_BT_DIFFERENTIAL ? VSS_FSBT_DIFFERENTIAL_SNAPSHOT_REQUIRED :
               how == VSS_BT_LOG          ? VSS_FSBT_LOG_SNAPSHOT_REQUIRED :
                                            VSS_FSBT_FULL_SNAPSHOT_REQUIRED;
}

/* Less was asked for than is taken: what the writer said was about less. */
static bool is_raised(const BackupPlan *p, const PlanComponent *c) {
        return c->how == VSS_BT_FULL && !is_whole(p->type);
}

/* What is looked for, whether or not it is needed this time. */
static int add_to_found(BackupFiles *f, const PlanComponent *c, const char *path, const char *spec, bool recursive) {
        FileSet *set;
        int r;

        r = found_components_set(f->found, f->plan, c, &set);
        return r < 0 ? r : file_set_add(set, path, spec, recursive);
}

static int add_to_class(BackupFiles *f, const PlanComponent *c, const ComponentFiles *files, FilePlace place, ClassKind kind) {
        FileClass *class;
        int r;

        r = find_class(f, kind, place, c->writer, 0, &class);
        return r < 0 ? r : file_set_add(class->set, files->path, files->spec, files->recursive);
}

static int add_alternate(BackupFiles *f, const PlanComponent *c, const ComponentFiles *files, bool live) {
        AlternateFiles *a;
        int r;

        if (ARRAY_RESERVE(f->alternates, f->alternates_capacity, f->n_alternates + 1) < 0)
                return -ENOMEM;
        a = &f->alternates[f->n_alternates++];
        *a = (AlternateFiles){ .live = live };
        r = file_set_normalise(files->path, &a->path);
        if (r == 0)
                r = file_set_normalise(files->alternate, &a->directory);
        if (r == 0)
                r = file_set_new(&a->set);
        if (r == 0)
                r = file_set_add(a->set, a->path, files->spec, files->recursive);
        if (r == 0 && !live)
                r = file_set_add(f->places, a->directory, files->spec, files->recursive);
        return r;
}

/* A log backup is of log files only, whatever the mask of others says. */
static bool is_needed(VSS_BACKUP_TYPE how, const ComponentFiles *files) {
        return files->mask & needed_bit(how) && (how != VSS_BT_LOG || files->is_log);
}

static int add_file_set(BackupFiles *f, const PlanComponent *c, const ComponentFiles *files) {
        bool live = !(files->mask & snapshot_bit(c->how));
        FilePlace place = files->alternate ? PLACE_ALTERNATE : live ? PLACE_LIVE : PLACE_SHADOW;
        int r = 0;

        if (!is_needed(c->how, files) && is_whole(c->how))
                return 0;
        if (is_needed(c->how, files))
                r = add_to_class(f, c, files, place, is_raised(f->plan, c) ? CLASS_ALWAYS : CLASS_NEEDED);
        if (r == 0 && !is_whole(c->how))
                r = add_to_class(f, c, files, place, CLASS_NAMED);
        if (r == 0)
                r = add_to_found(f, c, files->path, files->spec, files->recursive);
        if (r < 0)
                return r;

        if (files->alternate)
                return add_alternate(f, c, files, live);
        r = file_set_add(f->walk[place], files->path, files->spec, files->recursive);
        return r == 0 && !live ? file_set_add(f->places, files->path, files->spec, files->recursive) : r;
}

static HRESULT on_file_set(const ComponentFiles *files, void *userdata) {
        Building *b = userdata;
        int r;

        r = add_file_set(b->files, b->component, files);
        if (r == -EINVAL)
                fprintf(stderr, "umbra: component '%s' names files in '%s', which is no absolute path\n", files->component->full, files->path);
        return hresult_from_errno(r);
}

/* News */

/* Everything the writer reads live it may also read live what it adds. */
static FilePlace place_of(const BackupFiles *f, const char *path) {
        _cleanup_(freep) FileSetView *view = calloc_checked(1, sizeof(*view));

        if (!view)
                return PLACE_SHADOW;
        file_set_view(f->walk[PLACE_LIVE], path, view);
        if (!file_set_view_is_member(view))
                return PLACE_SHADOW;
        file_set_view(f->walk[PLACE_SHADOW], path, view);
        return file_set_view_is_member(view) ? PLACE_SHADOW : PLACE_LIVE;
}

static int add_differenced(BackupFiles *f, const PlanComponent *c, const DifferencedFiles *d) {
        bool whole = is_whole(c->how);
        _cleanup_(freep) char *path = NULL;
        FileClass *class;
        FilePlace place;
        int r;

        r = file_set_normalise(d->path, &path);
        if (r < 0)
                return r;

        place = place_of(f, path);
        r = find_class(f, is_raised(f->plan, c) ? CLASS_ALWAYS : CLASS_DIFFERENCED, place, c->writer, whole ? 0 : d->since, &class);
        if (r == 0)
                r = file_set_add(class->set, path, d->spec, d->recursive);
        if (r == 0 && !whole) {
                r = find_class(f, CLASS_NAMED, place, c->writer, 0, &class);
                if (r == 0)
                        r = file_set_add(class->set, path, d->spec, d->recursive);
        }
        if (r == 0)
                r = add_to_found(f, c, path, d->spec, d->recursive);
        if (r == 0)
                r = file_set_add(f->walk[place], path, d->spec, d->recursive);
        return r == 0 && place == PLACE_SHADOW ? file_set_add(f->places, path, d->spec, d->recursive) : r;
}

static int directory_of(const char *path, char **ret) {
        int r = strdup_to(path, ret);
        char *slash;

        if (r < 0)
                return r;
        slash = strrchr(*ret, '/');
        slash[slash == *ret ? 1 : 0] = '\0';
        return 0;
}

static int add_literal(FileSet *set, const char *path) {
        _cleanup_(freep) char *directory = NULL;
        int r;

        r = directory_of(path, &directory);
        return r < 0 ? r : file_set_add_literal(set, directory, strrchr(path, '/') + 1);
}

/* It need not be in any file set, so it is looked for by its own name. */
static int add_partial(BackupFiles *f, const PlanComponent *c, const PartialFile *partial) {
        bool raised = is_raised(f->plan, c);
        _cleanup_(freep) char *directory = NULL;
        FileClass *class;
        FilePlace place;
        FileSet *found;
        int r;

        r = directory_of(partial->path, &directory);
        if (r < 0)
                return r;

        place = place_of(f, directory);
        r = find_class(f, raised ? CLASS_ALWAYS : CLASS_PARTIAL, place, c->writer, 0, &class);
        if (r == 0)
                r = add_literal(class->set, partial->path);
        if (r == 0 && !raised)
                r = partial_files_add(f->partial, partial->path, partial->ranges, c->component->full);
        if (r == 0 && !is_whole(c->how)) {
                r = find_class(f, CLASS_NAMED, place, c->writer, 0, &class);
                if (r == 0)
                        r = add_literal(class->set, partial->path);
        }
        if (r == 0)
                r = found_components_set(f->found, f->plan, c, &found);
        if (r == 0)
                r = add_literal(found, partial->path);
        if (r == 0)
                r = add_literal(f->walk[place], partial->path);
        return r == 0 && place == PLACE_SHADOW ? add_literal(f->places, partial->path) : r;
}

static int add_news(BackupFiles *f, const PlanComponent *c) {
        int r = 0;

        for (size_t i = 0; i < c->news.n_differenced && r == 0; ++i)
                r = add_differenced(f, c, &c->news.differenced[i]);
        for (size_t i = 0; i < c->news.n_partial && r == 0; ++i)
                r = add_partial(f, c, &c->news.partial[i]);
        if (r == -EINVAL)
                fprintf(stderr, "umbra: the writer of component '%s' names files by what is no absolute path\n", c->component->full);
        return r;
}

/* Paths */

static int add_path(BackupFiles *f, const char *path) {
        FileSet *sets[] = { NULL, f->walk[PLACE_SHADOW], f->places };
        FileClass *class;
        struct stat st;
        int r;

        r = find_class(f, CLASS_ALWAYS, PLACE_SHADOW, SIZE_MAX, 0, &class);
        if (r < 0)
                return r;
        sets[0] = class->set;
        for (size_t i = 0; i < ELEMENTSOF(sets) && r == 0; ++i)
                r = lstat(path, &st) >= 0 && !S_ISDIR(st.st_mode) ? add_literal(sets[i], path) : file_set_add(sets[i], path, NULL, true);
        return r;
}

int backup_files_new(const BackupPlan *p, BackupFiles **ret) {
        _cleanup_(backup_files_freep) BackupFiles *f = calloc_checked(1, sizeof(*f));
        int r;

        if (!f)
                return -ENOMEM;
        f->plan = p;
        r = file_set_new(&f->places);
        for (size_t i = 0; i < ELEMENTSOF(f->walk) && r == 0; ++i)
                r = file_set_new(&f->walk[i]);
        if (r == 0)
                r = partial_files_new(&f->partial);
        if (r == 0)
                r = found_components_new(&f->found);
        for (size_t i = 0; i < p->n_components && r == 0; ++i) {
                Building b = { .files = f, .component = &p->components[i] };

                if (FAILED(component_for_each_files(plan_writer(p, b.component), b.component->component, on_file_set, &b)))
                        r = -EINVAL;
        }
        for (size_t i = 0; i < p->n_components && r == 0; ++i)
                r = add_news(f, &p->components[i]);
        STRV_FOREACH(path, p->paths)
                if (r == 0)
                        r = add_path(f, *path);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(f);
        return 0;
}

int backup_files_load_ranges(BackupFiles *f) {
        return partial_files_load(f->partial);
}

const FileSet *backup_files_places(const BackupFiles *f) {
        return f->places;
}

const FileSet *backup_files_walk(const BackupFiles *f, FilePlace place) {
        return f->walk[place];
}

const AlternateFiles *backup_files_alternates(const BackupFiles *f, size_t *ret_n) {
        *ret_n = f->n_alternates;
        return f->alternates;
}

/* Questions */

static int look_at(BackupFiles *f, const char *path, const char *slash) {
        size_t n = MAX((size_t) (slash - path), (size_t) 1);

        if (f->directory && strlen(f->directory) == n && strncmp(f->directory, path, n) == 0)
                return 0;
        free(f->directory);
        f->directory = strndup(path, n);
        if (!f->directory)
                return -ENOMEM;
        for (size_t i = 0; i < f->n_classes; ++i)
                file_set_view(f->classes[i]->set, f->directory, &f->classes[i]->view);
        found_components_look_at(f->found, f->directory);
        return 0;
}

/* As Windows counts: 100 ns since 1601. */
static uint64_t time_of(const struct stat *st) {
        return ((uint64_t) st->st_mtim.tv_sec + 11644473600U) * 10000000U + (uint64_t) st->st_mtim.tv_nsec / 100U;
}

typedef struct Found {
        bool kinds[_CLASS_MAX];
        bool shadow, live; /* where components want it from */
        uint64_t since;
} Found;

static void find_kinds(const BackupFiles *f, FilePlace place, const char *name, Found *found) {
        found->since = UINT64_MAX;
        for (size_t i = 0; i < f->n_classes; ++i) {
                const FileClass *c = f->classes[i];

                if (!file_set_view_matches(&c->view, name))
                        continue;
                if (c->writer != SIZE_MAX) {
                        found->shadow = found->shadow || c->place == PLACE_SHADOW;
                        found->live = found->live || c->place == PLACE_LIVE;
                }
                if (c->place != place && c->place != PLACE_SHADOW)
                        continue;
                found->kinds[c->kind] = true;
                if (c->kind == CLASS_DIFFERENCED)
                        found->since = MIN(found->since, c->since);
        }
}

int backup_files_knew(BackupFiles *f, const char *path) {
        KnownFile *known;
        bool differenced = false;

        f->has_known = true;
        for (size_t i = 0; i < f->n_classes && !differenced; ++i)
                differenced = f->classes[i]->kind == CLASS_DIFFERENCED && file_set_contains(f->classes[i]->set, path);
        if (!differenced)
                return 0;
        HASH_FIND_STR(f->known, path, known);
        if (known)
                return 0;
        known = malloc(sizeof(*known) + strlen(path) + 1);
        if (!known)
                return -ENOMEM;
        strcpy(known->path, path);
        HASH_ADD_STR(f->known, path, known);
        return 0;
}

static bool is_new(const BackupFiles *f, const char *path) {
        KnownFile *known;

        HASH_FIND_STR(f->known, path, known);
        return f->has_known && !known;
}

static int changed_since(const BackupFiles *f, const char *path, int dir_fd, const char *name, uint64_t since, bool *ret) {
        struct stat st;

        *ret = since == 0 || is_new(f, path);
        if (*ret)
                return 0;
        if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
                return -errno;
        *ret = time_of(&st) >= since;
        return 0;
}

/* A file is read live if components want nothing else, even if its directory was named by path as well. */
static bool is_here(const Found *found, FilePlace place) {
        bool live = found->live && !found->shadow;

        return place == PLACE_ALTERNATE || live == (place == PLACE_LIVE);
}

int backup_files_ask(BackupFiles *f, FilePlace place, const char *path, int dir_fd, const char *name, FileAnswer *ret) {
        const char *slash = strrchr(path, '/');
        FileAnswer answer = { 0 };
        Found found = { 0 };
        bool changed = false, partial;
        int r;

        r = look_at(f, path, slash);
        if (r < 0)
                return r;

        find_kinds(f, place, slash + 1, &found);
        if (!is_here(&found, place)) {
                *ret = (FileAnswer){ 0 };
                return 0;
        }
        found_components_note(f->found, slash + 1);
        partial = partial_files_find(f->partial, path, &answer.ranges, &answer.n_ranges);
        if (found.kinds[CLASS_DIFFERENCED]) {
                r = changed_since(f, path, dir_fd, name, found.since, &changed);
                if (r < 0)
                        return r;
        }

        answer.named = found.kinds[CLASS_NAMED];
        if (found.kinds[CLASS_ALWAYS] || (found.kinds[CLASS_DIFFERENCED] && changed))
                answer.verdict = FILE_WHOLE;
        else if (!found.kinds[CLASS_DIFFERENCED] && partial)
                answer.verdict = answer.ranges ? FILE_RANGES : FILE_WHOLE;
        else if (!found.kinds[CLASS_DIFFERENCED] && found.kinds[CLASS_NEEDED])
                answer.verdict = FILE_WHOLE;
        if (partial && found.kinds[CLASS_DIFFERENCED])
                partial_files_complain(f->partial, path);

        *ret = answer;
        return 0;
}

int backup_files_for_each_missing(const BackupFiles *f, int (*each)(const char *path, void *userdata), void *userdata) {
        return partial_files_for_each_missing(f->partial, each, userdata);
}

int backup_files_for_each_empty(const BackupFiles *f, int (*each)(const Component *c, void *userdata), void *userdata) {
        return found_components_for_each_empty(f->found, each, userdata);
}

int backup_files_for_each_ranges_file(const BackupFiles *f,
                                      int (*each)(const char *path, const struct stat *st, const char *bytes, size_t size, void *userdata),
                                      void *userdata) {
        return partial_files_for_each_ranges_file(f->partial, each, userdata);
}

bool backup_files_is_ranges_file(const BackupFiles *f, const char *path) {
        return partial_files_is_ranges_file(f->partial, path);
}

/* Blame */

static bool news_name(const ComponentNews *n, const char *path) {
        for (size_t i = 0; i < n->n_partial; ++i)
                if (strcmp(n->partial[i].path, path) == 0)
                        return true;
        return false;
}

static int has_files_in(const FileSet *set, const char *directory, bool *ret) {
        _cleanup_(freep) FileSetView *view = calloc_checked(1, sizeof(*view));

        if (!view)
                return -ENOMEM;
        file_set_view(set, directory, view);
        *ret = file_set_view_is_member(view);
        return 0;
}

static int is_of(const BackupPlan *p, const PlanComponent *c, const char *path, bool is_directory, bool *ret) {
        _cleanup_(file_set_freep) FileSet *set = NULL;
        int r;

        r = file_set_new(&set);
        if (r == 0 && FAILED(component_add_files(plan_writer(p, c), c->component, set)))
                r = -ENOMEM;
        for (size_t i = 0; i < c->news.n_differenced && r == 0; ++i)
                r = file_set_add(set, c->news.differenced[i].path, c->news.differenced[i].spec, c->news.differenced[i].recursive);
        if (r < 0)
                return r;
        if (is_directory)
                return has_files_in(set, path, ret);
        *ret = file_set_contains(set, path) || news_name(&c->news, path);
        return 0;
}

int backup_files_blame(BackupPlan *p, const char *path, bool is_directory) {
        for (size_t i = 0; i < p->n_components; ++i) {
                bool blamed = false;
                int r;

                r = is_of(p, &p->components[i], path, is_directory, &blamed);
                if (r < 0)
                        return r;
                p->components[i].failed = p->components[i].failed || blamed;
        }
        return 0;
}
