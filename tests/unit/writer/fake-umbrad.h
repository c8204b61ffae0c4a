/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * An umbrad for One Writer
 *
 * In the test's own thread: it lets one writer register, and sends it the events that the test wants, in the
 * order that the test wants.
 */

#include <stdbool.h>

#include <vss.h>

#include "api/writer/puppet.h"

typedef struct FakeUmbrad FakeUmbrad;
typedef struct FakeCall FakeCall;

/* Listens; writers of this process find it from here on. */
FakeUmbrad *fake_new(void);
FakeUmbrad *fake_free(FakeUmbrad *f);
/* Where it listens, for writers of other processes. */
const char *fake_socket(const FakeUmbrad *f);

/* Until a writer has connected and registered. */
void fake_meet(FakeUmbrad *f);
/* The same, while the puppet subscribes on another thread. */
void fake_meet_subscriber(FakeUmbrad *f, Puppet *p);
/* The same, but it ends the connection when the puppet has asked. What subscribing returned. */
HRESULT fake_desert_subscriber(FakeUmbrad *f, Puppet *p);
/* Accepts the next connection and never says a word. */
void fake_stay_mute(FakeUmbrad *f);
/* Ends the connection, as an umbrad that dies. */
void fake_die(FakeUmbrad *f);
/* What the writer registered as. */
VSS_ID fake_instance(const FakeUmbrad *f);

/* Session @session is one of a few numbers. With components selected; @document NULL: none of it. */
FakeCall *fake_send(FakeUmbrad *f, WireEvent event, unsigned session, const char *document);
/* The answer: what the handler said. E_FAIL: an error instead of an answer. */
HRESULT fake_await(FakeUmbrad *f, FakeCall *call);
bool fake_is_answered(FakeUmbrad *f, FakeCall *call);
HRESULT fake_event(FakeUmbrad *f, WireEvent event, unsigned session);
