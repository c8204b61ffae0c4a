/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The Manager
 *
 * Owns everything in umbrad: the listening socket, the connections and what they stand for, the catalog, the one snapshot set that may be in
 * progress on this machine, and the queue of snapshots to discard. Start, stop, and recovery after a crash are its own work.
 */

#include <stdbool.h>
#include <sys/types.h>

#include <systemd/sd-event.h>

#include "base/macro.h"
#include "base/time-util.h"
#include "coordinator/coordinator-forward.h"
#include "provider/provider.h"

#define WINDOW_PHASES_MAX 24U

/* What the last snapshot set did, phase by phase, for umbra status and for people who want to know how long they were held. */
typedef struct WindowReport {
        GUID set_id;
        struct {
                const char *name;
                usec_t usec;
        } phases[WINDOW_PHASES_MAX];
        size_t n_phases;
        usec_t frozen_usec; /* from the first Freeze sent to the last Thaw answered */
        usec_t held_usec;   /* of the file systems */
} WindowReport;

typedef struct ManagerOptions {
        const char *socket_path, *state_dir, *runtime_dir, *config_path;
        int listen_fd; /* from the service manager; -EBADF: make our own */
} ManagerOptions;

struct Manager {
        sd_event *event;
        sd_event_source *listen_source, *sigterm, *sigint, *sighup, *reload_turn, *stop_deadline;
        bool reload_waits; /* until nothing is frozen */
        char *config_path, *socket_path, *state_dir, *runtime_dir, *machine;
        int listen_fd;
        int spare_fd; /* given up for a moment where a connection must be dropped for want of descriptors */
        bool own_socket, stopping;
        bool left_behind; /* what is written down is lost at the next restart (left-behind.h) */
        usec_t started;
        Config *config;
        ProviderEnv env;

        struct Catalog *catalog;
        DiscardQueue *discards;
        DeedQueue *deeds;
        SnapshotWatch *watch;
        Resurface *resurface;
        ForeignProvider *foreign_providers; /* of others; provider-registry.c */

        Connection *connections;
        unsigned n_connections;
        WriterProxy *writers;
        unsigned n_writers;
        ExpressRequest *express_waiting; /* until nothing is frozen any more */
        sd_event_source *express_resume;
        Session *sessions;
        SnapshotSet *current; /* from StartSnapshotSet until DoSnapshotSet has ended */
        WindowReport window;
};

int manager_new(const ManagerOptions *options, Manager **ret);
Manager *manager_free(Manager *m);
DEFINE_CLEANUP(Manager *, manager_free)
/* Recovery, socket, loop until a signal. */
int manager_run(Manager *m);

/* The discard queue has nothing left to do. */
void manager_discards_done(Manager *m);

pid_t manager_connection_pid(const Connection *c);
