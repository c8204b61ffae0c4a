/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A Volume and Its Copy
 *
 * A directory, or a small file system of its own on a loop device, the files provider's functions called on
 * it in their order, and a comparison that knows nothing of how the copy was made. Mounts are made in a
 * namespace of the test's own, so nothing is left over however it ends.
 */

#include "lib/test-util.h"
#include "providers/files/provider-files.h"

#define COPY (&provider_files_copy_ops)
#define REFLINK (&provider_files_reflink_ops)

typedef struct Fixture {
        char *dir; /* everything else is in it */
        char *volume, *state, *runtime;
        char *device; /* after fixture_surface() */
        const ProviderOps *ops;
        ProviderEnv env;
        ProviderSnapshot s;
        bool is_mounted;
} Fixture;

/* A group setup function: a mount namespace of our own, where we may have one. */
int fixture_namespace(void **state);

/* @file_system: "ext4", "xfs", "btrfs" or "tmpfs" of its own, which needs root; NULL for an ordinary
 * directory. */
Fixture *fixture_new(const ProviderOps *ops, const char *file_system);
Fixture *fixture_free(Fixture *f);
DEFINE_CLEANUP(Fixture *, fixture_free)

/* The next function, which must succeed. */
void fixture_prepare(Fixture *f); /* with plan() */
void fixture_commit(Fixture *f);
void fixture_surface(Fixture *f);
/* … and nothing is left. */
void fixture_discard(Fixture *f);
const FilesStatistics *fixture_statistics(const Fixture *f);

/* All of it, from prepare() on, and the comparison. */
void fixture_copy_is_equal(Fixture *f);
void fixture_surface_is_equal(Fixture *f);

/* Fails with the first difference between two trees: names, types, owners, modes, times, attributes,
 * contents, holes, and which names are of the same file. What is called ".umbra-shadow" at the top is left
 * out. */
void trees_are_equal(const char *a, const char *b);

/* Runs a shell command that must succeed. */
void run(const char *format, ...) __attribute__((format(printf, 1, 2)));
