/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Reading umbra.conf Again
 *
 * On SIGHUP. Requesters and writers whose grant is gone are told and lose their connection.
 */

#include "coordinator/coordinator-forward.h"

int reload_set_up(Manager *m); /* SIGHUP must be blocked */
/* Nothing is frozen any more: what was put off meanwhile is done. */
void reload_thawed(Manager *m);
