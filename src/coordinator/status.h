/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What umbrad Is Doing Now
 *
 * One JSON object for umbra status and umbra_get_status(); its members are documented in umbra.h.
 */

#include "coordinator/coordinator-forward.h"

int status_to_json(Manager *m, char **ret);
