/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Inside the Guard's Client
 *
 * Shared by its two files: guard-client-start.c makes one, guard-client.c is its life.
 */

#include <stdbool.h>
#include <sys/types.h>

#include "guard/guard-client.h"

#define GUARD_MESSAGE_MAX 1024U

/* See the picture in guard-client.c. */
typedef enum ClientState {
        CLIENT_STARTING, /* not locked in memory yet */
        CLIENT_READY,    /* may hold */
        CLIENT_FREEZING, /* some are frozen */
        CLIENT_HELD,     /* all are frozen */
        CLIENT_THAWING,  /* some are still frozen */
        CLIENT_DONE,     /* none is frozen, and none will be */
        _CLIENT_STATE_MAX,
} ClientState;

struct GuardClient {
        ClientState state;
        sd_event_source *io, *exit, *timer;
        int socket, pidfd;
        pid_t pid;
        Hold *holds;
        char **mounts;
        size_t n;
        int control; /* of the device mapper; -EBADF: not needed */
        char **held; /* the list of it */
        char *held_path;
        usec_t max_hold, held_usec;
        bool failed;      /* it never held all */
        bool thaw_begun;  /* the guard said THAWING */
        HRESULT hr;       /* of the hold */
        char message[GUARD_MESSAGE_MAX];
        GuardHandler handler;
        void *userdata;
};

/* What the event loop calls. */
int guard_client_on_io(sd_event_source *source, int fd, uint32_t revents, void *userdata);
int guard_client_on_exit(sd_event_source *source, int fd, uint32_t revents, void *userdata);
int guard_client_on_timer(sd_event_source *source, uint64_t usec, void *userdata);
