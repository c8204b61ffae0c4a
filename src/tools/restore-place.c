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
#include "base/hresult.h"
#include "base/strv.h"
#include "tools/file-use.h"
#include "tools/restore-owners.h"
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

typedef struct PlanPlaces {
        const RestoreLink *link;
        Chosen *chosen;
} PlanPlaces;

/* To where it was, but below the new place. */
static HRESULT add_new_place(const ComponentFiles *files, void *userdata) {
        const PlanPlaces *p = userdata;
        _cleanup_(freep) char *normal = NULL, *to = NULL;
        int r;

        r = file_set_normalise(files->path, &normal);
        if (r == 0)
                r = format_to(&to, "%s%s", p->link->options->to, normal);
        if (r == 0)
                r = add_rule(p->chosen, files->path, files->spec, files->recursive, to);
        return r < 0 ? hresult_from_errno(r) : S_OK;
}

int restore_place_plan(RestoreLink *l, Chosen *c) {
        PlanPlaces plan = { .link = l, .chosen = c };
        HRESULT hr = S_OK;

        if (!l->options->to)
                return EXIT_OK;

        if (c->n_parts == 0)
                hr = component_for_each_files(c->writer, c->component, add_new_place, &plan);
        for (size_t i = 0; i < c->n_parts && SUCCEEDED(hr); ++i)
                hr = component_for_each_files(c->writer, c->parts[i], add_new_place, &plan);
        return FAILED(hr) ? tool_fail(hr, "Cannot plan where the files of '%s' go", c->component->full) :
                            EXIT_OK;
}

static int add_alternate(Chosen *c, IVssWMFiledesc *desc) {
        _cleanup_(freep) char *path = NULL, *pattern = NULL, *place = NULL;
        BSTR bpath = NULL, bpattern = NULL, bplace = NULL;
        bool recursive = false;
        int r = -EINVAL;

        if (SUCCEEDED(IVssWMFiledesc_GetPath(desc, &bpath)) &&
            SUCCEEDED(IVssWMFiledesc_GetFilespec(desc, &bpattern)) &&
            SUCCEEDED(IVssWMFiledesc_GetRecursive(desc, &recursive)) &&
            SUCCEEDED(IVssWMFiledesc_GetAlternateLocation(desc, &bplace)))
                r = 0;
        path = tool_take_bstr(bpath);
        pattern = tool_take_bstr(bpattern);
        place = tool_take_bstr(bplace);
        if (r == 0)
                r = add_rule(c, path, pattern, recursive, place);
        if (r == -ENOMEM)
                return tool_fail(E_OUTOFMEMORY, "Cannot plan the restore");
        return r < 0 ? tool_error("the writer '%s' names a place for '%s' that cannot be used: '%s'",
                                  c->writer->name, path, place) :
                       EXIT_OK;
}

/* What the writer's metadata offers. */
static int add_alternates(Chosen *c) {
        for (UINT n = 0;; ++n) {
                IVssWMFiledesc *desc = NULL;
                int code;

                if (FAILED(IVssExamineWriterMetadata_GetAlternateLocationMapping(c->writer->metadata, n,
                                                                                 &desc)))
                        return EXIT_OK;
                code = add_alternate(c, desc);
                IVssWMFiledesc_Release(desc);
                if (code != EXIT_OK)
                        return code;
        }
}

PlaceRule *restore_place_rule(Chosen *c, const char *path, bool directory) {
        for (size_t i = 0; i < c->n_rules; ++i) {
                PlaceRule *rule = &c->rules[i];

                if (directory ? strcmp(path, rule->path) == 0 ||
                                        (rule->recursive && path_is_below(path, rule->path)) :
                                file_set_contains(rule->files, path))
                        return rule;
        }

        return NULL;
}

static int join(const char *directory, const char *relative, char **ret) {
        return format_to(ret, "%s%s%s", directory, *relative && strcmp(directory, "/") != 0 ? "/" : "",
                         relative);
}

int restore_place_of(const RestoreLink *l, Chosen *c, const char *path, bool directory, char **ret) {
        const PlaceRule *rule;

        *ret = NULL;
        if (l->options->to)
                return join(l->options->to, path_relative_to(path, "/"), ret);

        rule = c ? restore_place_rule(c, path, directory) : NULL;
        if (rule)
                return join(rule->to, path_relative_to(path, rule->path), ret);

        /* What is of no file set, as the writer named it later, has no alternate location: it is where it was. */
        return c && c->elsewhere && (directory || file_set_contains(c->files, path)) ? 0 : strdup_to(path, ret);
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
        tool_error("component '%s' cannot be restored: %s%s%s%s", c->component->full, o ? "'" : "",
                   o ? o->path : "", o ? "' " : "", why);
        if (o && o->user)
                fprintf(stderr, "umbra:     it is open in %s\n", o->user);
        c->refused = true;
}

/* To its alternate locations, if it has any. */
static int go_elsewhere(Chosen *c, const char *why, const Obstacle *o) {
        size_t n_before = c->n_rules;
        int code = add_alternates(c);

        if (code != EXIT_OK)
                return code;

        c->elsewhere = c->n_rules > n_before;
        if (!c->elsewhere)
                refuse(c, why, o);
        else if (o)
                tool_say("'%s' %s: component '%s' goes to its alternate location.", o->path, why,
                         c->component->full);
        return EXIT_OK;
}

static int decide_by_method(Chosen *c) {
        _cleanup_(obstacle_clear) Obstacle o = { .any = c->method->method == VSS_RME_RESTORE_IF_NOT_THERE };

        switch (c->method->method) {
        case VSS_RME_RESTORE_IF_NOT_THERE:
                return find_obstacle(c, &o) ?
                               go_elsewhere(c,
                                            "is there, and its writer wants it restored only if it is not",
                                            &o) :
                               EXIT_OK;
        case VSS_RME_RESTORE_IF_CAN_REPLACE:
                return find_obstacle(c, &o) ?
                               go_elsewhere(c,
                                            "is in use, and its writer wants it replaced only if it is not",
                                            &o) :
                               EXIT_OK;
        case VSS_RME_RESTORE_TO_ALTERNATE_LOCATION:
                return go_elsewhere(
                        c, "its writer wants it restored to an alternate location, and names none", NULL);
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
        return c->method->method == VSS_RME_RESTORE_AT_REBOOT ||
               c->method->method == VSS_RME_RESTORE_AT_REBOOT_IF_CANNOT_REPLACE;
}

static int decide(RestoreLink *l, Chosen *c) {
        const Chosen *before = NULL;

        if (l->options->to)
                return EXIT_OK;

        if (c->target == VSS_RT_ALTERNATE && !is_at_reboot(c))
                return go_elsewhere(c, "its writer asks for the alternate location, and names none", NULL);
        if (c->target == VSS_RT_ORIGINAL_LOCATION)
                return EXIT_OK;

        /* What an earlier set has put there is no obstacle to this one. */
        for (const RestoreLink *p = l->previous; p && !before; p = p->previous)
                before = restore_link_find(p, c);
        if (before) {
                c->in_use = before->in_use;
                return before->elsewhere ? go_elsewhere(c, "its alternate location is gone", NULL) : EXIT_OK;
        }

        return decide_by_method(c);
}

/* Is there a file of the set that has no place? */
static int find_homeless(const SetIndexLine *line, void *userdata) {
        const char *path = line->name + strlen(SET_DATA_PREFIX);
        _cleanup_(freep) char *place = NULL;
        RestoreLink *l = userdata;
        Chosen *c;

        c = *path && line->type != 'd' ? restore_owners_find(l->owners, path, false) : NULL;
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

        r = restore_owners_new(l->chosen, l->n_chosen, &l->owners);
        if (r == 0)
                r = set_reader_for_each(l->set->reader, find_homeless, l);
        if (r < 0)
                return chain_set_explain(l->set, r, "nothing was written");

        for (size_t i = 0; i < l->n_chosen; ++i)
                refused = refused || l->chosen[i].refused;
        return refused ? EXIT_WRITER : EXIT_OK;
}
