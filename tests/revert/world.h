/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A Volume and Its Copy
 *
 * For tests of reverting one to the other. Where the two are says the kind: in one directory (plain), on two file
 * systems (copy), on one that shares extents (xfs), or in a subvolume and its snapshot (btrfs).
 */

#include <stdbool.h>

#include "loop-fs.h"
#include "providers/revert/revert.h"

#define TEST_SKIPPED 77 /* what meson takes for it */
#define KILLED 42

extern const char *kind;

/* What main() is told: the kind, and perhaps which test. False: it was nothing of that, and this was said. */
bool world_read_arguments(int argc, char **argv);
/* Not by everybody. */
bool world_can_be(void);

typedef struct World {
        char *dir, *root; /* of the file system */
        char *volume, *copy;
        bool same_inodes;
        LoopFs *fs;
} World;

int world_setup(void **state);
int world_teardown(void **state);

bool is_btrfs(void);
/* A command that must succeed. */
void run(const char *format, ...) __attribute__((format(printf, 1, 2)));
void make_volume(const char *path);
void remove_tree(const char *path);
/* As a provider would. */
void copy_tree(const char *from, const char *to, bool read_only);

/* How often something was changed, and after which change the process ends, as KILLED. */
typedef struct Steps {
        unsigned n, end;
        const char *last;
} Steps;

int revert_volume(const World *w, const char *volume, Steps *steps, RevertWork *ret);
/* It becomes what the copy is, and then there is nothing left to do. @ret may be NULL. */
void assert_reverts(const World *w, const char *volume, RevertWork *ret);

#define TREE(sentence) cmocka_unit_test_setup_teardown(test_that_##sentence, world_setup, world_teardown)
