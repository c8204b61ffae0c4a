/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What Writers Answer
 *
 * Out of the document: which files a writer named while the backup was made, and where it wants its files now
 * that it has heard of the restore. All return an ExitCode, with a message printed.
 */

#include "tools/restore-link.h"

/* Partial and differenced files may be such that no file set names. They are the component's as well.
 * [MS: nf-vswriter-ivsscomponent-addpartialfile, nf-vswriter-ivsscomponent-adddifferencedfilesbylastmodifytime] */
int restore_answers_news(const RestoreLink *l, Chosen *c, IVssComponent *component);

/* Where its files go. Directed targets count with that target only.
 * [MS: nf-vswriter-ivsscomponent-adddirectedtarget] */
int restore_answers_target(Chosen *c, IVssComponent *component);

/* Ranges that are in a file of their own: its path; NULL. It comes along, whether it belongs to a file set or
 * not. The caller frees. [MS: working-with-partial-files] */
char *restore_answers_ranges_file(IVssComponent *component, UINT i);
