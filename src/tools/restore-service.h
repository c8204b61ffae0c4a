/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Services That Must Not Run
 *
 * Some writers name a service that is stopped before their files are restored (VSS_RME_STOP_RESTORE_START),
 * or restarted afterwards (VSS_RME_RESTORE_STOP_START). systemctl(1) does it, in a process that is given a
 * limit. What did not run is not started. [MS: stopping-services-for-restore-by-requestors]
 */

#include <stdbool.h>

typedef struct RestoreServices {
        char **stopped; /* by us */
        char **restart; /* afterwards */
} RestoreServices;

void restore_services_clear(RestoreServices *s);

/* Could it be the name of a unit? */
bool service_name_is_valid(const char *unit);

/* Stops it unless that was done already. An ExitCode; a message was printed when it is not EXIT_OK. */
int restore_services_stop(RestoreServices *s, const char *unit);
/* Remembers that it is to be restarted. */
int restore_services_restart_later(RestoreServices *s, const char *unit);
/* Starts what was stopped, restarts what is to be restarted. An ExitCode; goes on after a failure. */
int restore_services_start(RestoreServices *s);
/* Says which are left stopped. */
void restore_services_say_stopped(const RestoreServices *s);
