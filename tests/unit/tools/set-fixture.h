/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Backup Sets for Tests
 *
 * A tree with everything a file system can hold, sets made of trees, and trees made of sets.
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/macro.h"

#define TREE_ODD_ATTRIBUTE "user.odd!name=%20\xC3\xA9" /* of attributes/file */

/* Fills @dir with all kinds of files; big ones only if @big. */
void tree_populate(const char *dir, bool big);

/* What is below @dir, as one text: types, modes, owners, times, links, attributes, ACLs, holes, digests. Two
 * trees are the same when their texts are. The caller frees. */
char *tree_describe(const char *dir);

/* Saves directory @dir to file @set, at @level. */
void set_save(const char *set, const char *dir, int level);

/* Restores all of @set, whose files were below @from, below @to. The first thing that went wrong: the set
 * (-EBADMSG …) or a file. *@ret_restored (may be NULL): how many got their names. */
int set_restore(const char *set, const char *from, const char *to, unsigned *ret_restored);

/* The same without the seal: everything is unpacked and compared first. */
int set_restore_unsealed(const char *set, const char *from, const char *to);

char *read_bytes(const char *path, size_t *ret_size);
void write_bytes(const char *path, const char *data, size_t size);

/* A tree, a set of it, and a place to restore to that is not there yet. */
typedef struct Fixture {
        char *dir, *tree, *set, *target;
} Fixture;

Fixture fixture_new(bool populate, int level);
void fixture_end(Fixture *f);
void assert_same_tree(const char *a, const char *b);

/* Runs a command that has to succeed. */
void shell(const char *format, ...) __attribute__((format(printf, 1, 2)));
