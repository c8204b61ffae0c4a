/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * umbra.conf
 *
 * An ini file, read at start and on SIGHUP: who else may do what. Root, the user umbrad runs as and members of the group umbra may do everything.
 *
 *     [requesters]
 *     user = backup            ; more lines, more users
 *     group = operators
 *
 *     [administrators]
 *     user = storage           ; may also register providers and limit their storage
 *
 *     [storage]
 *     minimum = 320M           ; of an area for shadow copies
 *     snapshots = 512          ; of a volume, at most
 *     client-accessible = 64   ; of a volume; then the oldest go
 *     overlays = yes           ; may be volumes, though their files lie elsewhere
 *
 *     [writers]
 *     user = postgres          ; may register any writer
 *     f1b2a3c4-…-… = www-data  ; may register this writer id only
 *
 *     [revert]
 *     blocked-by = f1b2a3c4-…  ; while this writer has files on a volume, ShouldBlockRevert() says yes
 */

#include <stdbool.h>
#include <sys/types.h>

#include <wintypes.h>

#include "base/macro.h"
#include "coordinator/coordinator-forward.h"

typedef struct Grant {
        bool is_group;
        uid_t uid;
        gid_t gid;
        GUID writer_id; /* GUID_NULL: any */
} Grant;

struct Config {
        Grant *requesters, *administrators, *writers;
        size_t n_requesters, requesters_capacity, n_administrators, administrators_capacity;
        size_t n_writers, writers_capacity;
        int64_t minimum_area; /* bytes that an area for shadow copies has at least */
        unsigned max_snapshots, max_client_accessible; /* of a volume */
        bool overlays; /* are volumes, too */
        gid_t umbra_group;
        bool has_umbra_group;
        GUID *revert_blockers; /* writer ids */
        size_t n_revert_blockers, revert_blockers_capacity;
};

/* A file that is not there is an empty one. What is wrong is logged with its line, and then -EINVAL: access is never guessed. */
int config_load(const char *path, Config **ret);
Config *config_free(Config *c);
DEFINE_CLEANUP(Config *, config_free)
