/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Components and whether there are Files of them
 */

#include "tools/found-components.h"

#include <errno.h>

#include "base/alloc.h"

typedef struct FoundComponent {
        const Component *component;
        FileSet *set;
        FileSetView view; /* of the directory that is looked at */
        bool found;       /* then nothing is asked any more */
} FoundComponent;

struct FoundComponents {
        FoundComponent **list;
        size_t n, capacity;
};

int found_components_new(FoundComponents **ret) {
        *ret = calloc_checked(1, sizeof(**ret));
        return *ret ? 0 : -ENOMEM;
}

FoundComponents *found_components_free(FoundComponents *f) {
        if (!f)
                return NULL;

        for (size_t i = 0; i < f->n; ++i) {
                file_set_free(f->list[i]->set);
                free(f->list[i]);
        }
        free(f->list);
        free(f);
        return NULL;
}

int found_components_set(FoundComponents *f, const BackupPlan *p, const PlanComponent *c, FileSet **ret) {
        FoundComponent *found;
        int r;

        /* One component is told of after the other; its news come later. */
        for (size_t i = f->n; i > 0; --i)
                if (f->list[i - 1]->component == c->component) {
                        *ret = f->list[i - 1]->set;
                        return 0;
                }

        r = ARRAY_RESERVE(f->list, f->capacity, f->n + 1);
        if (r < 0)
                return r;
        found = calloc_checked(1, sizeof(*found));
        if (!found)
                return -ENOMEM;

        found->component = c->component;
        f->list[f->n++] = found;
        r = file_set_new(&found->set);
        if (r == 0 && FAILED(writer_exclude_files(plan_writer(p, c), true, found->set)))
                r = -EINVAL;
        *ret = found->set;
        return r;
}

void found_components_look_at(FoundComponents *f, const char *directory) {
        for (size_t i = 0; i < f->n; ++i)
                if (!f->list[i]->found)
                        file_set_view(f->list[i]->set, directory, &f->list[i]->view);
}

void found_components_note(FoundComponents *f, const char *name) {
        for (size_t i = 0; i < f->n; ++i)
                if (!f->list[i]->found)
                        f->list[i]->found = file_set_view_matches(&f->list[i]->view, name);
}

int found_components_for_each_empty(const FoundComponents *f, int (*each)(const Component *c, void *userdata), void *userdata) {
        int r = 0;

        for (size_t i = 0; i < f->n && r == 0; ++i)
                if (!f->list[i]->found)
                        r = each(f->list[i]->component, userdata);
        return r;
}
