/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Questions to a Provider
 *
 * The object on the worker's bus: see provider-protocol.h for what can be asked.
 */

#include <systemd/sd-bus.h>

#include "provider/provider-protocol.h"
#include "provider/provider-round.h"
#include "provider/provider.h"

typedef struct ProviderHost {
        const ProviderOps *ops;
        ProviderEnv env;
        Rounds *rounds; /* the snapshots planned here */
        bool is_quiet;  /* its log is held */
        /* Called when a question is begun and when it is done, before the answer is sent. False: the coordinator has gone. */
        bool (*set_busy)(struct ProviderHost *host, bool busy);
} ProviderHost;

/* File systems are held, the log's perhaps among them: from the commit to the next question what the provider logs is
 * kept in memory. */
void provider_host_be_quiet(ProviderHost *host);
void provider_host_speak(ProviderHost *host);

int provider_methods_attach(sd_bus *bus, ProviderHost *host);
/* The other half, provider-deeds.c: what is done to snapshots that exist. Fills @reply, or sets @error. */
int provider_do_deed(const ProviderHost *h,
                     ProviderCall call,
                     sd_bus_message *m,
                     sd_bus_message *reply,
                     sd_bus_error *error);

/* A provider's failure as an error on the bus: @hr, and a sentence about @volume. @why may be "", then it is
 * that of the errno @r. */
int provider_answer_failure(const ProviderHost *h,
                            sd_bus_error *error,
                            ProviderCall call,
                            const char *volume,
                            HRESULT hr,
                            int r,
                            const char *why);
int provider_read_path(sd_bus_message *m, char **ret); /* an absolute one, or -EBADMSG */
int provider_open_volume(const char *volume);
int provider_check_note(const char *note); /* what the provider gave; NULL is not one */
