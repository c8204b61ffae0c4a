/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * How Far an Object Has Come
 *
 * An IVssBackupComponents at any point of a backup or a restore, against the umbrad of fake-umbrad.h: for
 * tests that ask what a method says there.
 */

#include <vsbackup.h>

#include "api/fake-umbrad.h"
#include "doc/backup-doc.h"
#include "lib/test-util.h"

typedef enum Stage {
        STAGE_NEW,
        STAGE_BACKUP,    /* InitializeForBackup() */
        STAGE_GATHERED,  /* SetBackupState(), GatherWriterMetadata() */
        STAGE_SET,       /* AddComponent(), StartSnapshotSet(), AddToSnapshotSet() */
        STAGE_PREPARED,  /* PrepareForBackup() */
        STAGE_CREATED,   /* DoSnapshotSet() */
        STAGE_STATUS,    /* GatherWriterStatus() */
        STAGE_COMPLETE,  /* BackupComplete() */
        STAGE_LOADED,    /* InitializeForRestore() */
        STAGE_RESTORE,   /* GatherWriterMetadata() */
        STAGE_SELECTED,  /* SetSelectedForRestore() */
        STAGE_RESTORING, /* PreRestore() */
        _STAGE_MAX,
} Stage;

/* What is wrong with the document that the object began with. */
typedef enum Damage {
        DAMAGE_NONE,
        DAMAGE_HEAD,
        DAMAGE_WRITER,
        DAMAGE_COMPONENT,
} Damage;

/* The writer has L"path" \ L"db", below it L"table" and L"hidden", and L"files". The second answers with
 * nonsense. */
extern const GUID stage_instance, stage_writer, stage_other;

/* The umbrad of a test, and the writers in it: once with all of VSS_BACKUP_SCHEMA that a restore can use. */
extern FakeUmbrad *stage_umbrad;
FakeUmbrad *stage_start(void);
FakeUmbrad *stage_start_with(uint32_t schema);
/* What the first of them says of itself. */
char *stage_writer_xml(void);

/* Each test has an umbrad of its own, and leaves no connection. */
int stage_setup(void **state);
int stage_teardown(void **state);
#define STAGE_TEST(name) cmocka_unit_test_setup_teardown(name, stage_setup, stage_teardown)

/* A writer of the same class and components, and another instance. */
extern const GUID stage_second;
void stage_add_second(FakeUmbrad *f);

IVssBackupComponentsEx4 *stage_new(Stage stage, Damage damage);
void stage_release(IVssBackupComponentsEx4 *b);

/* How an operation ends, waited for; @hr is what beginning it returned. */
HRESULT stage_settle(HRESULT hr, IVssAsync *async);
/* How it stands, not waited for. */
HRESULT stage_status(IVssAsync *async);

#define STAGE_RUN(backup, Method)                                                                           \
        ({                                                                                                  \
                IVssAsync *_async = NULL;                                                                   \
                HRESULT _hr = IVssBackupComponents_##Method(backup, &_async);                               \
                stage_settle(_hr, _async);                                                                  \
        })

/* Begun and not waited for; the caller releases it. */
#define STAGE_BEGIN(backup, Method)                                                                         \
        ({                                                                                                  \
                IVssAsync *_async = NULL;                                                                   \
                assert_int_equal(IVssBackupComponents_##Method(backup, &_async), S_OK);                     \
                assert_non_null(_async);                                                                    \
                _async;                                                                                     \
        })

/* S_OK when it began, finished, and its IVssAsync went with the last Release(). */
HRESULT stage_finish(HRESULT hr, IVssAsync *async);

#define STAGE_FINISH(backup, Method)                                                                        \
        ({                                                                                                  \
                IVssAsync *_async = NULL;                                                                   \
                HRESULT _hr = IVssBackupComponents_##Method(backup, &_async);                               \
                stage_finish(_hr, _async);                                                                  \
        })

/* What the object holds, as umbrad would get it. */
BackupDoc *stage_document(IVssBackupComponentsEx4 *b);
/* The first component of the writer number @i in the document; the caller releases it. */
IVssComponent *stage_component(IVssBackupComponentsEx4 *b, UINT i);

/* A getter of texts gives this one. */
bool stage_says(HRESULT hr, BSTR text, const WCHAR *expected);
#define STAGE_SAYS(component, Method, expected)                                                             \
        ({                                                                                                  \
                BSTR _text = NULL;                                                                          \
                HRESULT _hr = IVssComponent_##Method(component, &_text);                                    \
                stage_says(_hr, _text, expected);                                                           \
        })
