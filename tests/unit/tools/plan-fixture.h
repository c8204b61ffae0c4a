/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Plans for Tests
 *
 * Backups of writers that are nothing but their metadata.
 */

#include "tools/backup-plan.h"

/* A writer whose BACKUP_LOCATIONS are @locations. @number: tells its ids from those of others; its name is "Writer @number", its
 * instance name "instance @number". @schema as in the document. */
void plan_add_writer(BackupPlan *p, unsigned number, const char *usage, unsigned schema, const char *locations);

/* What was chosen, in the order of the alphabet: "1:name 1:path\name …", the numbers being those of the writers. The caller frees. */
char *plan_chosen(const BackupPlan *p);

/* The component of this full name, which must have been chosen. */
PlanComponent *plan_component(const BackupPlan *p, const char *full);
