/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Where Files Go
 *
 * In this order: a new place that was asked for (--to), the target that the writer set in PreRestore, the
 * method that it declared at the backup. Both may lead to its alternate locations, which are those of the
 * stored metadata. [MS: setting-vss-restore-methods, setting-vss-restore-targets,
 * working-with-alternate-locations-during-restore; pitfalls 26, 37]
 *
 * On Linux a file that is open can be replaced. "Can be replaced" means here that nobody has it open: whoever
 * has would keep the old one and never know. And "at reboot" means now, and to say that a reboot is needed:
 * what runs keeps the old file until then, and what starts gets the new one, as with every package manager.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd-util.h"
#include "base/ranges.h"
#include "base/strv.h"
#include "tools/file-use.h"
#include "tools/restore-link.h"
#include "tools/restore-roots.h"
#include "tools/set-format.h"
#include "tools/tool-vss.h"
#include "tools/tree-walk.h"
#include "tools/verb.h"

/* Rules */

static int add_rule(Chosen *c, const char *path, const char *pattern, bool recursive, const char *to) {
        PlaceRule *rule;
        int r;

        r = ARRAY_RESERVE(c->rules, c->rules_capacity, c->n_rules + 1);
        if (r < 0)
                return r;

        rule = &c->rules[c->n_rules++];
        *rule = (PlaceRule){ .recursive = recursive };
        r = file_set_normalise(path, &rule->path);
        if (r == 0)
                r = file_set_normalise(to, &rule->to);
        if (r == 0)
                r = strdup_to(pattern, &rule->pattern);
        if (r == 0)
                r = file_set_new(&rule->files);
        return r == 0 ? file_set_add(rule->files, path, pattern, recursive) : r;
}

/* Adds a rule for a file set. @to NULL: to the alternate location that stands beside it. */
static int add_filedesc(const RestoreLink *l, Chosen *c, IVssWMFiledesc *desc, const char *to) {
        _cleanup_(freep) char *path = NULL, *pattern = NULL, *place = NULL;
        BSTR bpath = NULL, bpattern = NULL, bplace = NULL;
        bool recursive = false;
        HRESULT hr;
        int r = 0;

        hr = IVssWMFiledesc_GetPath(desc, &bpath);
        if (SUCCEEDED(hr))
                hr = IVssWMFiledesc_GetFilespec(desc, &bpattern);
        if (SUCCEEDED(hr))
                hr = IVssWMFiledesc_GetRecursive(desc, &recursive);
        if (SUCCEEDED(hr) && !to)
                hr = IVssWMFiledesc_GetAlternateLocation(desc, &bplace);
        path = tool_take_bstr(bpath);
        pattern = tool_take_bstr(bpattern);
        place = tool_take_bstr(bplace);
        if (FAILED(hr))
                return tool_fail(hr, "Cannot read the files of '%s'", c->component->full);

        if (to) {
                _cleanup_(freep) char *normal = NULL;

                free(TAKE_PTR(place));
                r = file_set_normalise(path, &normal);
                if (r == 0)
                        r = format_to(&place, "%s%s", to, normal);
        }
        if (r == 0)
                r = add_rule(c, path, pattern, recursive, place);
        if (r == -ENOMEM)
                return tool_fail(E_OUTOFMEMORY, "Cannot plan the restore");
        return r < 0 ? tool_error("the writer '%s' names a place for '%s' that cannot be used: '%s'", c->writer->name, path, place) :
                       EXIT_OK;
}

static HRESULT get_filedesc(IVssWMComponent *component, UINT kind, UINT i, IVssWMFiledesc **ret) {
        return kind == 0 ? IVssWMComponent_GetFile(component, i, ret) :
               kind == 1 ? IVssWMComponent_GetDatabaseFile(component, i, ret) :
                           IVssWMComponent_GetDatabaseLogFile(component, i, ret);
}

/* All file sets of one component. */
static int add_file_sets(const RestoreLink *l, Chosen *c, const Component *of) {
        IVssWMComponent *component = NULL;
        PVSSCOMPONENTINFO info = NULL;
        int code = EXIT_OK;
        HRESULT hr;

        hr = IVssExamineWriterMetadata_GetComponent(c->writer->metadata, (UINT) of->index, &component);
        if (SUCCEEDED(hr))
                hr = IVssWMComponent_GetComponentInfo(component, &info);

        for (UINT kind = 0; kind < 3 && SUCCEEDED(hr) && code == EXIT_OK; ++kind) {
                UINT n = kind == 0 ? info->cFileCount : kind == 1 ? info->cDatabases : info->cLogFiles;

                for (UINT i = 0; i < n && code == EXIT_OK; ++i) {
                        IVssWMFiledesc *desc = NULL;

                        hr = get_filedesc(component, kind, i, &desc);
                        if (FAILED(hr))
                                break;
                        code = add_filedesc(l, c, desc, l->options->to);
                        IVssWMFiledesc_Release(desc);
                }
        }

        if (info)
                (void) IVssWMComponent_FreeComponentInfo(component, info);
        if (component)
                IVssWMComponent_Release(component);
        return FAILED(hr) ? tool_fail(hr, "Cannot read the files of '%s'", c->component->full) : code;
}

int restore_place_plan(RestoreLink *l, Chosen *c) {
        int code = EXIT_OK;

        if (!l->options->to)
                return EXIT_OK;

        if (c->n_parts == 0)
                code = add_file_sets(l, c, c->component);
        for (size_t i = 0; i < c->writer->n_components && code == EXIT_OK; ++i) {
                const Component *other = &c->writer->components[i];
                bool wanted = c->n_parts == 0 && component_follows(other, c->component);

                for (size_t k = 0; k < c->n_parts; ++k)
                        wanted = wanted || other == c->parts[k] || component_follows(other, c->parts[k]);
                if (wanted)
                        code = add_file_sets(l, c, other);
        }

        return code;
}

/* What the writer's metadata offers. */
static int add_alternates(RestoreLink *l, Chosen *c) {
        for (UINT n = 0;; ++n) {
                IVssWMFiledesc *desc = NULL;
                int code;

                if (FAILED(IVssExamineWriterMetadata_GetAlternateLocationMapping(c->writer->metadata, n, &desc)))
                        return EXIT_OK;
                code = add_filedesc(l, c, desc, NULL);
                IVssWMFiledesc_Release(desc);
                if (code != EXIT_OK)
                        return code;
        }
}

PlaceRule *restore_place_rule(Chosen *c, const char *path, bool directory) {
        for (size_t i = 0; i < c->n_rules; ++i) {
                PlaceRule *rule = &c->rules[i];

                if (directory ? strcmp(path, rule->path) == 0 || (rule->recursive && path_is_below(path, rule->path)) :
                                file_set_contains(rule->files, path))
                        return rule;
        }

        return NULL;
}

static int join(const char *directory, const char *relative, char **ret) {
        return format_to(ret, "%s%s%s", directory, *relative && strcmp(directory, "/") != 0 ? "/" : "", relative);
}

int restore_place_of(const RestoreLink *l, Chosen *c, const char *path, bool directory, char **ret) {
        const PlaceRule *rule;

        *ret = NULL;
        if (l->options->to)
                return join(l->options->to, path_relative_to(path, "/"), ret);

        rule = c ? restore_place_rule(c, path, directory) : NULL;
        if (rule)
                return join(rule->to, path_relative_to(path, rule->path), ret);

        /* A ranges file is of no file set, and so of no alternate location: it is where it was. */
        return c && c->elsewhere && !strv_contains(c->ranges_files, path) ? 0 : strdup_to(path, ret);
}

/* What is in place */

typedef struct Obstacle {
        bool any; /* any file is one; else only one in use */
        char *path, *user;
} Obstacle;

static void obstacle_clear(Obstacle *o) {
        free(o->path);
        free(o->user);
}

static int look_at(int dir_fd, const char *name, const char *path, void *userdata) {
        Obstacle *o = userdata;

        if (!o->any && !file_is_in_use(dir_fd, name))
                return 0;

        if (!o->any)
                o->user = file_find_user(dir_fd, name);
        return strdup_to(path, &o->path) < 0 ? -ENOMEM : 1;
}

static int pass_over(const char *path, int error, void *userdata) {
        return 0; /* what cannot be read will be in the way soon enough */
}

/* The first file of the component that is there, or in use. */
static bool find_obstacle(const Chosen *c, Obstacle *o) {
        static const TreeVisitor visitor = { .file = look_at, .failed = pass_over };
        _cleanup_(strv_freep) char **roots = NULL;

        if (file_set_roots(c->files, &roots) < 0)
                return false;
        STRV_FOREACH(root, roots) {
                _cleanup_(closep) int fd = open(*root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

                if (fd >= 0 && tree_walk(c->files, *root, fd, &visitor, o) > 0)
                        return true;
        }

        return false;
}

bool restore_place_is_taken(const RestoreLink *l, Chosen *c) {
        _cleanup_(obstacle_clear) Obstacle o = { .any = c->method->method == VSS_RME_RESTORE_IF_NOT_THERE };

        return find_obstacle(c, &o);
}

/* Decisions */

static void refuse(Chosen *c, const char *why, const Obstacle *o) {
        tool_error("component '%s' cannot be restored: %s%s%s%s", c->component->full, o ? "'" : "", o ? o->path : "", o ? "' " : "", why);
        if (o && o->user)
                fprintf(stderr, "umbra:     it is open in %s\n", o->user);
        c->refused = true;
}

/* To its alternate locations, if it has any. */
static int go_elsewhere(RestoreLink *l, Chosen *c, const char *why, const Obstacle *o) {
        size_t n_before = c->n_rules;
        int code = add_alternates(l, c);

        if (code != EXIT_OK)
                return code;

        c->elsewhere = c->n_rules > n_before;
        if (!c->elsewhere)
                refuse(c, why, o);
        else if (o)
                tool_say("'%s' %s: component '%s' goes to its alternate location.", o->path, why, c->component->full);
        return EXIT_OK;
}

static int decide_by_method(RestoreLink *l, Chosen *c) {
        _cleanup_(obstacle_clear) Obstacle o = { .any = c->method->method == VSS_RME_RESTORE_IF_NOT_THERE };

        switch (c->method->method) {
        case VSS_RME_RESTORE_IF_NOT_THERE:
                return find_obstacle(c, &o) ? go_elsewhere(l, c, "is there, and its writer wants it restored only if it is not", &o) :
                                              EXIT_OK;
        case VSS_RME_RESTORE_IF_CAN_REPLACE:
                return find_obstacle(c, &o) ? go_elsewhere(l, c, "is in use, and its writer wants it replaced only if it is not", &o) :
                                              EXIT_OK;
        case VSS_RME_RESTORE_TO_ALTERNATE_LOCATION:
                return go_elsewhere(l, c, "its writer wants it restored to an alternate location, and names none", NULL);
        case VSS_RME_RESTORE_AT_REBOOT:
        case VSS_RME_RESTORE_AT_REBOOT_IF_CANNOT_REPLACE:
                c->in_use = find_obstacle(c, &o);
                return EXIT_OK;
        case VSS_RME_STOP_RESTORE_START:
        case VSS_RME_RESTORE_STOP_START:
        case VSS_RME_CUSTOM:
        case VSS_RME_UNDEFINED:
        default:
                return EXIT_OK;
        }
}

static bool is_at_reboot(const Chosen *c) {
        return c->method->method == VSS_RME_RESTORE_AT_REBOOT || c->method->method == VSS_RME_RESTORE_AT_REBOOT_IF_CANNOT_REPLACE;
}

static int decide(RestoreLink *l, Chosen *c) {
        const Chosen *before = NULL;

        if (l->options->to)
                return EXIT_OK;

        if (c->target == VSS_RT_ALTERNATE && !is_at_reboot(c))
                return go_elsewhere(l, c, "its writer asks for the alternate location, and names none", NULL);
        if (c->target == VSS_RT_ORIGINAL_LOCATION)
                return EXIT_OK;

        /* What an earlier set has put there is no obstacle to this one. */
        for (const RestoreLink *p = l->previous; p && !before; p = p->previous)
                before = restore_link_find(p, c);
        if (before) {
                c->in_use = before->in_use;
                return before->elsewhere ? go_elsewhere(l, c, "its alternate location is gone", NULL) : EXIT_OK;
        }

        return decide_by_method(l, c);
}

/* Is there a file of the set that has no place? */
static int find_homeless(const SetIndexLine *line, void *userdata) {
        const char *path = line->name + strlen(SET_DATA_PREFIX);
        _cleanup_(freep) char *place = NULL;
        RestoreLink *l = userdata;
        Chosen *c;

        c = *path && line->type != 'd' ? restore_link_owner(l, path, false) : NULL;
        if (!c || !c->elsewhere || c->refused)
                return 0;
        if (restore_place_of(l, c, path, false, &place) < 0)
                return -ENOMEM;
        if (!place)
                refuse(c, "has no alternate location", &(Obstacle){ .path = (char *) (uintptr_t) path });
        return 0;
}

int restore_place_decide(RestoreLink *l) {
        bool refused = false;
        int code = EXIT_OK, r;

        for (size_t i = 0; i < l->n_chosen && code == EXIT_OK; ++i)
                code = decide(l, &l->chosen[i]);
        if (code != EXIT_OK)
                return code;

        r = set_reader_for_each(l->set->reader, find_homeless, l);
        if (r < 0)
                return chain_set_explain(l->set, r, "nothing was written");

        for (size_t i = 0; i < l->n_chosen; ++i)
                refused = refused || l->chosen[i].refused;
        return refused ? EXIT_WRITER : EXIT_OK;
}
