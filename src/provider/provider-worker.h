/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A Provider's Worker Process
 *
 * What umbra-provider does: find the provider it is to be, and answer the coordinator's questions with its
 * functions until the coordinator goes away. See provider-protocol.h for the questions and provider.h for
 * the functions.
 */

#include "provider/provider.h"

/* main(): umbra-provider --provider NAME --state-dir DIR --runtime-dir DIR [--privileged], the socket
 * being PROVIDER_WORKER_FD. @find gives the provider by name, NULL when there is none. */
int provider_worker_main(const ProviderOps *(*find)(const char *name), int argc, char **argv);
