/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What a Handler Is Told
 *
 * The answers to all questions a handler may ask, as one line for the journal: the writer in C and those in
 * C++ must write the same. What is new in each run (ids, directories) is compared here, and told as a word.
 */

#include <vsbackup.h>
#include <vswriter.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct Facts {
        const char *event;
        LPCWSTR *volumes;
        UINT n_volumes;
        VSS_ID set_id, session_id;
        LONG context;
        VSS_APPLICATION_LEVEL level;
        bool inside, outside; /* IsPathAffected(facts_inside(), L"/dev/null") */
        bool bootable, selected, partial;
        VSS_BACKUP_TYPE backup_type;
        VSS_RESTORE_TYPE restore_type;
        HRESULT device_hr, identity_hr, session_hr; /* FACTS_UNASKED: this face of a writer has no such question */
        LPCWSTR device; /* of the first volume, or of facts_volume() */
        IVssExamineWriterMetadata *identity;
} Facts;

#define FACTS_UNASKED ((HRESULT) 1)

/* Before the first event of a session. */
void facts_begin(const char *volume);
/* The snapshot set that the events were about, and its shadow copy. */
VSS_ID facts_set_id(void);
const char *facts_device(void);
LPCWSTR facts_volume(void); /* with a separator at its end */
LPCWSTR facts_inside(void); /* a file that lies there */
/* Into the journal. */
void facts_tell(const Facts *f);

/* The journal is that of a backup by a writer "facts" with one component "data", of level front end; or that
 * of its restore. */
void facts_expect_backup(bool asks_session, bool asks_identity);
void facts_expect_restore(bool asks_session, bool asks_identity);

/* The setters that are right in each event, on the first component; what they return is told when it is not
 * S_OK. And the wrong ones, when it is. */
void facts_set(const char *event, IVssWriterComponents *components);
/* What the requester must find in the end; it releases the component. */
void facts_check_backup(IVssComponent *component);
void facts_check_restore(IVssComponent *component);

#ifdef __cplusplus
}
#endif
