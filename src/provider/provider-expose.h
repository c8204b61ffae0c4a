/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Shadow Copies Elsewhere
 *
 * ExposeSnapshot() shows a shadow copy at a directory that a requester names. That directory may belong to
 * anyone, so: it is opened once, must be empty and no mount, must be the requester's own unless that is
 * root, and what is mounted on it is read-only, without set-user-id programs and without devices.
 */

#include <sys/types.h>

#include "provider/provider.h"

/* May @path be used, by this user? *@ret_path is its name without links. -EPERM: umbra cannot mount, or it
 * is another's; any other error: it is not a place for this. */
int provider_check_exposure(const ProviderEnv *env, const char *path, uid_t uid, char **ret_path);
/* What providers do that have no expose() and unexpose() of their own. Done already is 0. */
int provider_expose_bind(const ProviderEnv *env, const char *device, int path_fd);
int provider_unexpose_bind(const ProviderEnv *env, const char *device, const char *path);
