/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What a Handler May Call
 *
 * The questions and setters that tests/reference/events.tsv names, each as a call that a handler of a puppet
 * can make.
 */

#include "api/writer/puppet.h"

/* S_OK when it works, S_FALSE when it has nothing to tell. @c is NULL where the event has no components. */
typedef HRESULT (*Call)(Puppet *p, IVssComponent *c);

typedef enum Where {
        ANYWHERE,  /* where the table does not name it, it may tell something or nothing; what is of a restore
                    * is not of a backup */
        NOWHERE,   /* where the table does not name it, it is VSS_E_BAD_STATE */
        IF_DENIED, /* only where the table says no */
} Where;

typedef struct EventCall {
        const char *name; /* as in the table */
        Call call;
        Where else_;
        bool of_component;
        int also; /* 1 + the event in which the page of the method has it, and the table does not */
} EventCall;

#define EVENT_CALLS 27U
extern const EventCall event_calls[EVENT_CALLS];
