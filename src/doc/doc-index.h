/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Index
 *
 * Finds writers and components by what identifies them, in constant time on average, also when somebody
 * chose the names so that they collide: the hash has a secret of this process.
 */

#include <stdbool.h>
#include <stddef.h>

#include <vss.h>

#include "base/macro.h"

typedef struct DocIndex DocIndex;

/* What identifies it; what does not apply is left zero. A NULL and an empty @path are the same. */
typedef struct DocKey {
        GUID writer_id, instance_id;
        int type;
        const char *path, *name;
} DocKey;

DocIndex *doc_index_free(DocIndex *index);

/* The strings of @key are borrowed: they must live as long as the index. *index is made when it is NULL. The
 * first of two equal keys stays and the second is -EEXIST. -ENOMEM. */
int doc_index_add(DocIndex **index, const DocKey *key, size_t value);
void doc_index_remove(DocIndex *index, const DocKey *key);
bool doc_index_find(const DocIndex *index, const DocKey *key, size_t *ret);
