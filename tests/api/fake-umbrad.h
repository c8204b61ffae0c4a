/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * An umbrad that does as it is told
 *
 * A thread of the test that answers what a session may ask, without writers, volumes or shadow copies:
 * documents come back as they were sent. It can be slow, refuse, answer nonsense or go away, call by call,
 * and it remembers what was asked. So everything that the library does on its own side can be tested, also
 * under ThreadSanitizer.
 */

#include <stdbool.h>
#include <vss.h>

typedef struct FakeUmbrad FakeUmbrad;

typedef enum FakeMood {
        FAKE_ANSWERS,
        FAKE_FAILS, /* with the result that was given */
        FAKE_TALKS, /* an answer of another type */
        FAKE_GOES,  /* ends the connection instead */
        FAKE_NEVER, /* no answer, until it is cancelled */
} FakeMood;

/* $UMBRA_SOCKET is set to where it listens. */
FakeUmbrad *fake_umbrad_start(void);
void fake_umbrad_stop(FakeUmbrad *f);

/* How the call @member is answered from now on. */
void fake_umbrad_set(FakeUmbrad *f, const char *member, FakeMood mood, HRESULT hr);
/* So many milliseconds later. */
void fake_umbrad_delay(FakeUmbrad *f, const char *member, unsigned msec);
/* A writer that GatherWriterMetadata() finds. @xml is copied, and may be nonsense. */
void fake_umbrad_add_writer(FakeUmbrad *f,
                            const GUID *instance_id,
                            const GUID *writer_id,
                            const char *name,
                            const char *xml);

/* How many shadow copies Query() finds; 1 at first. */
void fake_umbrad_set_snapshots(FakeUmbrad *f, unsigned n);

/* Ends all connections now; @revoked: and says before that access was taken away. Waits until they are gone. */
void fake_umbrad_end_connections(FakeUmbrad *f, bool revoked);
/* How often @member was called. */
unsigned fake_umbrad_count(FakeUmbrad *f, const char *member);
/* Waits until exactly so many clients are connected; false if that does not come about. */
bool fake_umbrad_await_connections(FakeUmbrad *f, unsigned n);

extern const GUID fake_set_id, fake_snapshot_id, fake_provider_id;
