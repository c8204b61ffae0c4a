/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Components and whether there are Files of them
 *
 * A writer may name files of which there are none: a directory that has moved, a pattern with a slip in it. The backup of
 * such a component is complete and worth nothing, and only who is told will notice.
 */

#include "tools/backup-plan.h"
#include "tools/file-set.h"

typedef struct FoundComponents FoundComponents;

int found_components_new(FoundComponents **ret);
FoundComponents *found_components_free(FoundComponents *f);
DEFINE_CLEANUP(FoundComponents *, found_components_free)

/* The set to which everything is added that the component names. It has what the writer excludes already. */
int found_components_set(FoundComponents *f, const BackupPlan *p, const PlanComponent *c, FileSet **ret);

/* Files are found directory by directory. */
void found_components_look_at(FoundComponents *f, const char *directory);
void found_components_note(FoundComponents *f, const char *name);

/* Calls @each for every component that names files and has none. */
int found_components_for_each_empty(const FoundComponents *f, int (*each)(const Component *c, void *userdata), void *userdata);
