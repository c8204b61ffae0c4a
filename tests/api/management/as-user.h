/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Calls of Others
 *
 * umbrad asks the kernel who is calling, so a call of another user is a process of another user.
 */

#include <sys/types.h>
#include <wintypes.h>

#define STRANGER ((uid_t) 54321)

/* What @call returned in a process of this user, whose group has the same number. */
HRESULT as_user(uid_t uid, HRESULT (*call)(void *userdata), void *userdata);
