/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Whose Is a File?
 *
 * There may be thousands of components, and it is asked several times for each of millions of files. So the
 * components are kept by the directories at which their file sets begin, and only those above a file are
 * asked. Of several that have it, it is the first one's.
 */

#include "tools/restore-link.h"

/* For the file sets as they are now. @chosen stays the caller's, and where it is. */
int restore_owners_new(Chosen *chosen, size_t n, RestoreOwners **ret);
RestoreOwners *restore_owners_free(RestoreOwners *o);
DEFINE_CLEANUP(RestoreOwners *, restore_owners_free)

/* NULL: nobody's. @path is absolute and normalised. */
Chosen *restore_owners_find(const RestoreOwners *o, const char *path, bool directory);
