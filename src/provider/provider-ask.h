/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Between the Questions and Who Keeps Track of Them
 *
 * For provider-ask.c; all others include provider-client.h.
 */

#include <systemd/sd-bus.h>

#include "provider/provider-client.h"
#include "provider/provider-protocol.h"

/* An empty message; *ret is NULL when the worker is not there to be asked. */
int client_message(ProviderClient *c, ProviderCall call, sd_bus_message **ret);

/* Sends @m, which is NULL when the worker is not there to be asked: then the end of its process answers,
 * and when it has ended already, the loop does as soon as it runs. Never is a question answered before
 * this returns. */
int client_ask(ProviderClient *c,
               ProviderCall call,
               sd_bus_message *m,
               usec_t timeout,
               ProviderAnswered done,
               void *userdata);
