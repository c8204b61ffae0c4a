/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Connections
 *
 * One client: its end of the socket, who it is, and the one role it has taken (mostly a session or a writer). The connection is the life
 * of the role: when it ends, the role is told and cleans up.
 *
 * One plain IO source per connection calls sd_bus_process(). sd_bus_attach_event() would install prepare callbacks that run for every
 * connection at every wake-up; with a thousand writers that alone costs a third of a second per round.
 */

#include <stdbool.h>
#include <sys/types.h>

#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "base/macro.h"
#include "coordinator/coordinator-forward.h"

typedef enum ConnectionRole {
        ROLE_NONE,
        ROLE_SESSION,
        ROLE_WRITER,
        ROLE_EXPRESS, /* asked about an express writer while anything was frozen, and waits or has waited for the answer */
        ROLE_CLOSED,
} ConnectionRole;

struct Connection {
        Connection *prev, *next; /* Manager.connections */
        Manager *manager;
        sd_bus *bus;
        sd_event_source *io, *more, *auth_timer;
        uint32_t events;
        int fd;

        uid_t uid;
        gid_t gid;
        pid_t pid;
        gid_t *groups; /* supplementary */
        size_t n_groups;

        ConnectionRole role;
        void *role_object;
        void (*role_closed)(void *role_object); /* the role destroys itself */
};

/* Takes @fd over in any case. The new connection is in the manager's list and lives until its peer ends it or connection_close(). */
int connection_new(Manager *m, int fd, Connection **ret);
/* Destroys it now; never call this from a handler of its own bus: connection_close() does it from the loop. */
Connection *connection_free(Connection *c);
void connection_close(Connection *c);

void connection_take_role(Connection *c, ConnectionRole role, void *object, void (*closed)(void *));

/* Send and call through these, so that what the socket could not take yet is sent when it can. */
int connection_send(Connection *c, sd_bus_message *m);
int connection_call(Connection *c, sd_bus_message *m, sd_bus_message_handler_t callback, void *userdata, sd_bus_slot **ret);
