/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Who May Pass to the Shadow Copies
 *
 * A shadow copy shows files whose parent directories, which are not in it, may keep strangers out. So the directory
 * that all of them are seen in, <runtime_dir>/shadow, lets in root, and whoever umbra.conf grants anything:
 * requesters have to read the copies, and writers to put them right. What they may do there is up to the files.
 */

#include "coordinator/coordinator-forward.h"

/* After the configuration was read, again or for the first time. What cannot be done is in the log. */
void shadow_access_apply(const Manager *m);
