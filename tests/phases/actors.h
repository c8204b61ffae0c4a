/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Actors
 *
 * A writer and a requester, each a process that tells through a pipe what it has come to, and stands still where it is told to until it is let go (or killed).
 */

#include <stdbool.h>
#include <sys/types.h>

#include <vss.h>

#include "base/time-util.h"

typedef struct Actor {
        pid_t pid;
        int pidfd;
        int said_fd; /* a line for everything it comes to */
        int go_fd;   /* a byte lets it go on from where it stands */
        char *said;  /* everything so far */
} Actor;

/* A writer with one component, data/ of @volume. Lines are the events' names ("Freeze"). @stand_at may be NULL. */
Actor *actor_writer(const char *name, const char *volume, const char *stand_at);
/* A backup of @volume by the provider named "fake", with all components. Lines: "Identified", "Prepared", "Created", "Completed", "Deleted",
 * "Failed NAME 0x…", and at last "End". */
Actor *actor_requester(const char *volume, const char *stand_at);
/* A persistent set of @volume without writers. Stands still when it is "Ready"; then "Created", or "Failed METHOD 0x…". */
Actor *actor_maker(const char *volume, VSS_ID provider);
/* Reverts @volume to @snapshot. Stands still when it is "Ready"; then "Begun", or "Failed RevertToSnapshot 0x…", and at last "Done" or "Gave up". */
Actor *actor_reverter(const char *volume, VSS_ID snapshot);
Actor *actor_free(Actor *a); /* kills it */

void actor_await(Actor *a, const char *line);
bool actor_has_said(Actor *a, const char *line);
/* The first line that comes after the last @after and is one of @either (comma separated). */
void actor_await_after(Actor *a, const char *after, const char *either);
void actor_go(Actor *a);
void actor_kill(Actor *a);
