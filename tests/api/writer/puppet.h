/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Puppets
 *
 * A writer in C that writes down each event in the journal, as "NAME event", and then does what the test
 * wants at that event: stand at a gate, call something, fail. Its one component is "data", a file group in
 * directory data/ of the volume. One named "idle" is never selected by backup_select().
 */

#include <umbra-writer.h>

#include "api/writer/journal.h"
#include "wire/wire-names.h"

typedef struct Puppet Puppet;

/* @components is NULL where the event has none; @metadata only in Identify. */
typedef void (*PuppetDoes)(Puppet *p, IVssWriterComponents *components);

typedef struct PuppetAct {
        Gate *gate;
        PuppetDoes does;
        bool fails;           /* returns false */
        HRESULT hr;           /* and says so before, when it is not S_OK */
        HRESULT hr_application;
        const WCHAR *message;
} PuppetAct;

typedef struct PuppetOptions {
        VSS_APPLICATION_LEVEL level; /* default: front end */
        DWORD freeze_msec;           /* default: 60000 */
        DWORD unsubscribe_msec;      /* default: INFINITE */
        const WCHAR *instance_name;
        VSS_ID id;                   /* default: the puppets' */
        bool silent_identify;        /* not into the journal: when it comes is of no interest */
} PuppetOptions;

struct Puppet {
        char name[64];
        UmbraWriter *writer;
        PuppetOptions options;
        PuppetAct acts[_WIRE_EVENT_MAX]; /* set while no event is on its way */
        const char *volume;
        void *userdata; /* of the test */
};

/* Subscribed. @volume (bytes) is kept. @options may be NULL. Fails the test if it cannot. */
Puppet *puppet_new(const char *name, const char *volume, const PuppetOptions *options);
/* Made and initialized, not subscribed. */
Puppet *puppet_new_unsubscribed(const char *name, const char *volume, const PuppetOptions *options);
HRESULT puppet_subscribe(Puppet *p);
HRESULT puppet_unsubscribe(Puppet *p);
Puppet *puppet_free(Puppet *p);

extern const VSS_ID puppet_writer_id;
