/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Which Components
 *
 * The rules of Windows about what may be chosen and what comes along:
 *
 *      - A component without a selectable one above it is added itself; one that follows a selectable one comes
 *        along with that, and is added itself only if it is selectable and that one is not in the backup.
 *      - A component that is not selectable cannot be chosen. Those of them that follow no selectable one are
 *        added as soon as any component of their writer is.
 *      - What a component depends on is in the backup, too.
 *
 * [MS: working-with-selectability-for-backup; dependencies-between-components-managed-by-different-writers]
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/guid.h"
#include "base/hresult.h"
#include "base/strv.h"
#include "tools/backup-plan.h"
#include "tools/tool-vss.h"
#include "tools/verb.h"

static HRESULT read_writers(BackupPlan *p, IVssBackupComponents *backup) {
        UINT n = 0;
        HRESULT hr;

        hr = IVssBackupComponents_GetWriterMetadataCount(backup, &n);
        if (FAILED(hr))
                return hr;
        p->writers = calloc_checked(n + 1U, sizeof(*p->writers));
        if (!p->writers)
                return E_OUTOFMEMORY;
        for (UINT i = 0; i < n; ++i) {
                IVssExamineWriterMetadata *metadata = NULL;
                VSS_ID instance;

                hr = IVssBackupComponents_GetWriterMetadata(backup, i, &instance, &metadata);
                if (FAILED(hr))
                        return hr;
                hr = writer_metadata_read(metadata, &p->writers[p->n_writers]);
                IVssExamineWriterMetadata_Release(metadata);
                if (FAILED(hr))
                        return hr;
                ++p->n_writers;
        }
        return S_OK;
}

static PlanComponent *chosen_itself(const BackupPlan *p, size_t writer, const Component *c) {
        size_t chosen = p->choices[writer].chosen[c->index];

        return chosen > 0 ? &p->components[chosen - 1] : NULL;
}

/* The chosen one that @c comes along with. */
static PlanComponent *chosen_above(const BackupPlan *p, size_t writer, const Component *c) {
        bool more = *c->logical_path;

        for (size_t level = 0; more; ++level) {
                const Component *above = component_ancestor(&p->writers[writer], c, level, &more);

                if (above && above->selectable && chosen_itself(p, writer, above))
                        return chosen_itself(p, writer, above);
        }
        return NULL;
}

PlanComponent *backup_plan_component(const BackupPlan *p, size_t writer, const Component *c) {
        return chosen_itself(p, writer, c) ?: chosen_above(p, writer, c);
}

/* What to remember a component by from one attempt to the next. */
static char *without_name(const WriterMetadata *w, const Component *c) {
        char *name = NULL;

        return format_to(&name, "%s %s", GUID_TO_STRING(&w->instance_id), c->full) < 0 ? NULL : name;
}

int backup_plan_leave_out(BackupPlan *p, const PlanComponent *c) {
        _cleanup_(freep) char *name = without_name(plan_writer(p, c), c->component);

        return name && strv_append(&p->without, name) >= 0 ? EXIT_OK : tool_fail(E_OUTOFMEMORY, "Cannot plan the backup");
}

static int choose(BackupPlan *p, size_t writer, const Component *c) {
        _cleanup_(freep) char *name = NULL;

        if (chosen_itself(p, writer, c))
                return EXIT_OK;
        name = without_name(&p->writers[writer], c);
        if (!name || ARRAY_RESERVE(p->components, p->components_capacity, p->n_components + 1) < 0)
                return tool_fail(E_OUTOFMEMORY, "Cannot plan the backup");
        if (strv_contains(p->without, name))
                return EXIT_OK;
        p->components[p->n_components++] = (PlanComponent){ .writer = writer, .component = c, .how = p->type };
        p->choices[writer].chosen[c->index] = p->n_components;
        return EXIT_OK;
}

/* All of a writer: those that come along with nobody. With @needed only those that nobody can choose. */
static int choose_top(BackupPlan *p, size_t writer, bool needed) {
        const WriterMetadata *w = &p->writers[writer];
        int code = EXIT_OK;

        for (size_t i = 0; i < w->n_components && code == EXIT_OK; ++i)
                if (!(needed && w->components[i].selectable) && !component_set_of(w, &w->components[i]))
                        code = choose(p, writer, &w->components[i]);
        return code;
}

/* Names */

/* "name" or "writer:name", by itself or as the whole logical path. */
static bool component_is_called(const WriterMetadata *w, const Component *c, const char *name, bool whole) {
        const char *own = whole ? c->full : c->name;

        if (strcmp(own, name) == 0)
                return true;
        for (const char *colon = strchr(name, ':'); colon; colon = strchr(colon + 1, ':')) {
                _cleanup_(freep) char *writer = strndup(name, (size_t) (colon - name));

                if (writer && strcmp(own, colon + 1) == 0 && writer_is_called(w, writer))
                        return true;
        }
        return false;
}

/* How many are called so; the last of them. */
static size_t find_called(const BackupPlan *p, const char *name, bool whole, bool say, size_t *ret_writer, const Component **ret) {
        size_t n = 0;

        for (size_t i = 0; i < p->n_writers; ++i)
                for (size_t k = 0; k < p->writers[i].n_components; ++k) {
                        const WriterMetadata *w = &p->writers[i];

                        if (!component_is_called(w, &w->components[k], name, whole))
                                continue;
                        if (say)
                                fprintf(stderr, "umbra:     %s:%s\n", *w->instance_name ? w->instance_name : w->name,
                                        w->components[k].full);
                        ++n;
                        *ret_writer = i;
                        *ret = &w->components[k];
                }
        return n;
}

int backup_plan_find(const BackupPlan *p, const char *name, size_t *ret_writer, const Component **ret) {
        bool whole = true;
        size_t n;

        n = find_called(p, name, whole, false, ret_writer, ret);
        if (n == 0) {
                whole = false;
                n = find_called(p, name, whole, false, ret_writer, ret);
        }
        if (n == 0)
                return tool_error("there is no component '%s'; umbra writers shows them", name);
        if (n > 1) {
                tool_error("'%s' could be %zu components; say which:", name, n);
                (void) find_called(p, name, whole, true, ret_writer, ret);
                return EXIT_FAILED;
        }
        return EXIT_OK;
}

/* Best effort goes on without writers that failed; what was named and is not there may have been theirs. */
static bool may_be_missing(const BackupPlan *p) {
        return p->best_effort && p->n_disabled > 0;
}

static int choose_component(BackupPlan *p, const char *name) {
        const Component *c = NULL, *top;
        size_t writer = 0;
        int code;

        if (may_be_missing(p) && find_called(p, name, true, false, &writer, &c) == 0 &&
            find_called(p, name, false, false, &writer, &c) == 0)
                return EXIT_OK;
        code = backup_plan_find(p, name, &writer, &c);
        if (code != EXIT_OK)
                return code;
        top = component_set_of(&p->writers[writer], c);
        if (!c->selectable && top)
                return tool_error("'%s' cannot be chosen by itself; it comes along with '%s'", c->full, top->full);
        return choose(p, writer, c);
}

static int choose_writer(BackupPlan *p, const char *name) {
        bool found = false;
        int code = EXIT_OK;

        for (size_t i = 0; i < p->n_writers && code == EXIT_OK; ++i)
                if (writer_is_called(&p->writers[i], name)) {
                        found = true;
                        code = choose_top(p, i, false);
                }
        if (!found && !may_be_missing(p))
                return tool_error("there is no writer '%s'; umbra writers shows them", name);
        return code;
}

/* The writers whose data make the machine start, without what they say is not needed for that. */
static int choose_system_state(BackupPlan *p) {
        int code = EXIT_OK;

        for (size_t i = 0; i < p->n_writers && code == EXIT_OK; ++i) {
                const WriterMetadata *w = &p->writers[i];

                if (w->usage != VSS_UT_BOOTABLESYSTEMSTATE && w->usage != VSS_UT_SYSTEMSERVICE)
                        continue;
                for (size_t k = 0; k < w->n_components && code == EXIT_OK; ++k)
                        if (!(w->components[k].flags & VSS_CF_NOT_SYSTEM_STATE) && !component_set_of(w, &w->components[k]))
                                code = choose(p, i, &w->components[k]);
        }
        return code;
}

static int choose_named(BackupPlan *p) {
        int code = EXIT_OK;

        STRV_FOREACH(name, p->writer_names)
                if (code == EXIT_OK)
                        code = choose_writer(p, *name);
        STRV_FOREACH(name, p->component_names)
                if (code == EXIT_OK)
                        code = choose_component(p, *name);
        if (code == EXIT_OK && p->system_state)
                code = choose_system_state(p);
        return code;
}

/* What comes with it */

typedef struct Needs {
        BackupPlan *plan;
        const Component *component; /* that needs it */
        int code;
} Needs;

static int choose_needed(BackupPlan *p, size_t writer, const Component *needed, const Component *by) {
        const Component *top = component_set_of(&p->writers[writer], needed);

        if (backup_plan_component(p, writer, needed))
                return EXIT_OK;
        if (!needed->selectable && top)
                needed = top; /* there is no other way to it */
        tool_say("Also taking '%s' of writer '%s', which '%s' needs.", needed->full, p->writers[writer].name, by->full);
        return choose(p, writer, needed);
}

static HRESULT on_dependency(const GUID *writer_id, const char *logical_path, const char *name, void *userdata) {
        Needs *n = userdata;
        bool found = false;

        /* The name of another machine stands before the logical path; requesters are told to look at the component's
         * name, too. */
        if (strncmp(logical_path, "\\\\", 2) == 0 || strncmp(name, "\\\\", 2) == 0) {
                fprintf(stderr, "umbra: component '%s' needs '%s%s%s', which is on another machine; back it up there, too\n",
                        n->component->full, logical_path, *logical_path ? "\\" : "", name);
                return S_OK;
        }
        for (size_t i = 0; i < n->plan->n_writers && n->code == EXIT_OK; ++i) {
                const WriterMetadata *w = &n->plan->writers[i];
                const Component *needed = guid_equal(&w->writer_id, writer_id) ? writer_metadata_find(w, logical_path, name) : NULL;

                if (needed) {
                        found = true;
                        n->code = choose_needed(n->plan, i, needed, n->component);
                }
        }
        if (!found)
                fprintf(stderr, "umbra: component '%s' needs '%s%s%s' of writer %s, which is not there; the backup is made WITHOUT it\n",
                        n->component->full, logical_path, *logical_path ? "\\" : "", name, GUID_TO_STRING(writer_id));
        return S_OK;
}

static int add_needs(BackupPlan *p, const WriterMetadata *w, const Component *c) {
        Needs needs = { .plan = p, .component = c };
        HRESULT hr;

        hr = component_for_each_dependency(w, c, on_dependency, &needs);
        return FAILED(hr) ? tool_fail(hr, "Cannot read what '%s' needs", c->full) : needs.code;
}

/* @i: an index, as the list grows meanwhile. */
static int add_needs_of(BackupPlan *p, size_t i) {
        const Component *top = p->components[i].component;
        size_t writer = p->components[i].writer, first = 0, n;
        const WriterMetadata *w = &p->writers[writer];
        int code;

        code = add_needs(p, w, top);
        n = component_members(w, top, &first);
        for (size_t k = first; k < first + n && code == EXIT_OK; ++k)
                code = add_needs(p, w, w->by_path[k]);
        if (code != EXIT_OK || p->choices[writer].complete)
                return code;
        p->choices[writer].complete = true;
        return choose_top(p, writer, true);
}

/* Those that come along with another chosen one are not added themselves. It does not matter who goes first: the uppermost of
 * those above stays. */
static void drop_members(BackupPlan *p) {
        size_t n = 0;

        for (size_t i = 0; i < p->n_components; ++i) {
                const PlanComponent c = p->components[i];
                size_t *chosen = &p->choices[c.writer].chosen[c.component->index];

                *chosen = 0;
                if (chosen_above(p, c.writer, c.component))
                        continue;
                p->components[n++] = c;
                *chosen = n;
        }
        p->n_components = n;
}

static int begin_choice(BackupPlan *p) {
        if (!p->choices)
                p->choices = calloc_checked(p->n_writers + 1, sizeof(*p->choices));
        if (!p->choices)
                return tool_fail(E_OUTOFMEMORY, "Cannot plan the backup");
        for (; p->n_choices < p->n_writers; ++p->n_choices) {
                p->choices[p->n_choices].chosen = calloc_checked(p->writers[p->n_choices].n_components + 1, sizeof(size_t));
                if (!p->choices[p->n_choices].chosen)
                        return tool_fail(E_OUTOFMEMORY, "Cannot plan the backup");
        }
        return EXIT_OK;
}

int backup_plan_read_writers(BackupPlan *p, IVssBackupComponents *backup) {
        HRESULT hr = read_writers(p, backup);

        return FAILED(hr) ? tool_fail(hr, "Cannot read what the writers say") : EXIT_OK;
}

int backup_plan_choose(BackupPlan *p) {
        int code;

        code = begin_choice(p);
        if (code != EXIT_OK)
                return code;
        if (!p->writer_names && !p->component_names && !p->paths && !p->system_state)
                for (size_t i = 0; i < p->n_writers && code == EXIT_OK; ++i)
                        code = choose_top(p, i, false);
        else
                code = choose_named(p);
        for (size_t i = 0; i < p->n_components && code == EXIT_OK; ++i)
                code = add_needs_of(p, i);
        if (code != EXIT_OK)
                return code;
        drop_members(p);
        if (p->n_components == 0 && !p->paths)
                return tool_error("there is nothing to back up: no writer has a component, and no path was named");
        return EXIT_OK;
}
