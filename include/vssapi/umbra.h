/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef UMBRA_UMBRA_H
#define UMBRA_UMBRA_H

/*
 * What Windows lacks
 *
 * The few things beside the API of VSS that a program on Linux wants: a writer in C (umbra-writer.h), a
 * sentence for the last error, the choice of the daemon, and a look at what it is doing. Nothing here is
 * needed to make or restore a backup.
 */

#include "umbra-writer.h"
#include "vss.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Why the last call of this library that failed on this thread did so, as a sentence in UTF-8 that can be
 * shown to an administrator: "umbrad does not listen on '/run/umbra/umbra.sock': start it with ...". Never
 * NULL; empty if nothing has failed yet. Valid until the next call of the library on this thread.
 */
UMBRA_API const char *umbra_last_error(void);

/*
 * Where umbrad listens, for all connections that this process makes from now on. Without this call, or with
 * NULL, it is $UMBRA_SOCKET (not in privileged programs), else /run/umbra/umbra.sock. E_INVALIDARG if it is
 * too long for a socket.
 */
UMBRA_API HRESULT umbra_set_socket(const char *path);

/*
 * What umbrad is doing now, as a JSON object: its sessions with their phases, the writers, the volumes that
 * are held. For people and for monitoring; new members may be added at any time. The caller frees *ret_json
 * with CoTaskMemFree().
 */
UMBRA_API HRESULT umbra_get_status(char **ret_json);

#ifdef __cplusplus
}
#endif

#endif
