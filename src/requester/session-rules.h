/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The Order of Calls
 *
 * What a requester may call when. VSS documents an order, and programs in use disagree about the rest; here
 * it stands once, as a table: what is documented misuse gets VSS_E_BAD_STATE and a sentence, all else is let
 * through.
 */

#include <stdbool.h>
#include <stdint.h>
#include <vss.h>

/*
 *             InitializeForBackup         StartSnapshotSet       PrepareForBackup
 *        NEW ---------------------> BACKUP ----------------> SET ------------------> PREPARED
 *         |                                                   |                       |    |
 *         |                                    DoSnapshotSet  |         DoSnapshotSet |    |
 *         |                                     (no writers)  `------> CREATED <------'    |
 *         |                                                               |                |
 *         |                                               BackupComplete  |                |
 *         |                                                               `--> COMPLETE <--'
 *         |
 *         |                        SET, PREPARED, CREATED ------------------> ABORTED
 *         |                               AbortBackup, or DoSnapshotSet failed
 *         |
 *         | InitializeForRestore          PreRestore              PostRestore
 *         `----------------------> RESTORE ---------> RESTORING -------------> RESTORED
 *
 * Who takes the arrows, all of them through session_rules_enter():
 *
 *     InitializeForBackup, InitializeForRestore                    initialize()
 *     StartSnapshotSet                                             backup_components_StartSnapshotSet()
 *     AbortBackup                                                  backup_components_AbortBackup()
 *     PrepareForBackup, DoSnapshotSet (done or failed),
 *     BackupComplete, PreRestore, PostRestore                      operation_on_answer()
 *
 * An asynchronous operation moves on when it has succeeded. While one runs, nothing may be begun and the
 * document must not be touched: what the writers said comes back with the operation and replaces it.
 *
 * COMPLETE, ABORTED and RESTORED are ends: an object is for one backup or one restore. Its connection may end
 * in any state, and then no call is right any more, whatever the state says: session_proxy_check().
 *
 * The documentation wants one order, and these programs have others, which are as good (tests/api/requesters/):
 *
 *     SetContext before InitializeForBackup                        Bareos
 *     SetContext after GatherWriterMetadata                        UrBackup
 *     SetBackupState and AddComponent after AddToSnapshotSet       ShadowSpawn
 *     no SetContext at all                                         ShadowSpawn: VSS_CTX_BACKUP
 *     SaveAsXML before BackupComplete                              vshadow, XenServer
 *     GatherWriterStatus at any time, and again                    UrBackup
 *     Release without BackupComplete                               everybody who fails
 *
 * So GatherWriterMetadata and SetBackupState are no states of this picture: they may come at any time up to
 * PrepareForBackup, which needs both. SetContext may come at any time up to StartSnapshotSet.
 */
typedef enum SessionState {
        SESSION_NEW,       /* nobody has said yet what it will be */
        SESSION_BACKUP,    /* writers are asked, components chosen */
        SESSION_SET,       /* volumes are being added */
        SESSION_PREPARED,  /* the writers know of the backup */
        SESSION_CREATED,   /* the shadow copies exist */
        SESSION_COMPLETE,  /* the writers know that it is over */
        SESSION_ABORTED,   /* given up, or failed beyond repair: a new object is needed */
        SESSION_RESTORE,   /* components are chosen */
        SESSION_RESTORING, /* files are being put back */
        SESSION_RESTORED,  /* the writers know that it is over */
        _SESSION_STATE_MAX,
        _SESSION_STATE_INVALID = -22,
} SessionState;

const char *session_state_to_string(SessionState s);
SessionState session_state_from_string(const char *s);

/* Every call that has a rule. */
typedef enum SessionCall {
        CALL_INITIALIZE_FOR_BACKUP,
        CALL_INITIALIZE_FOR_RESTORE,
        CALL_SET_CONTEXT,
        CALL_SET_BACKUP_STATE,
        CALL_SET_RESTORE_STATE,
        CALL_SELECT_WRITERS,
        CALL_GATHER_WRITER_METADATA,
        CALL_GET_WRITER_METADATA,
        CALL_FREE_WRITER_METADATA,
        CALL_GATHER_WRITER_STATUS,
        CALL_GET_WRITER_STATUS,
        CALL_FREE_WRITER_STATUS,
        CALL_GET_WRITER_COMPONENTS,
        CALL_SAVE_AS_XML,
        CALL_ADD_COMPONENT,
        CALL_CONFIGURE_BACKUP, /* SetBackupOptions, SetPreviousBackupStamp */
        CALL_SET_BACKUP_SUCCEEDED,
        CALL_CONFIGURE_RESTORE, /* SetSelectedForRestore and all that must come before PreRestore() */
        CALL_REPORT_RESTORE,    /* AddAlternativeLocationMapping, SetRangesFilePath: before PostRestore() */
        CALL_SET_FILE_RESTORE_STATUS,
        CALL_START_SNAPSHOT_SET,
        CALL_ADD_TO_SNAPSHOT_SET,
        CALL_PREPARE_FOR_BACKUP,
        CALL_DO_SNAPSHOT_SET,
        CALL_BACKUP_COMPLETE,
        CALL_ABORT_BACKUP,
        CALL_PRE_RESTORE,
        CALL_POST_RESTORE,
        CALL_QUERY, /* GetSnapshotProperties, Query, IsVolumeSupported */
        CALL_DELETE,
        CALL_EXPOSE, /* UnexposeSnapshot as well */
        CALL_REVERT,
        CALL_QUERY_REVERT,
        CALL_IMPORT,
        CALL_BREAK,
        CALL_BREAK_EX,
        CALL_RECOVER, /* AddSnapshotToRecoverySet, RecoverSet */
        CALL_GET_ROOT,
        _SESSION_CALL_MAX,
} SessionCall;

typedef struct SessionRules {
        SessionState state;
        LONG context;
        bool has_context;    /* SetContext() succeeded; it may do so once */
        bool has_state;      /* SetBackupState() */
        bool gathered;       /* GatherWriterMetadata() has succeeded; stays true when it is freed */
        bool has_metadata;   /* and it is not freed */
        bool has_status;     /* the same for GatherWriterStatus() */
        const char *running; /* the operation that is under way, by its name; NULL: none */
} SessionRules;

void session_rules_init(SessionRules *rules);
bool session_rules_has_writers(const SessionRules *rules);
/* Without umbrad the document can still be saved, and what was handed out given back; nothing else. */
bool session_call_outlives_umbrad(SessionCall call);
/* S_OK, or VSS_E_BAD_STATE with a sentence in last_error_get() that says what @name would need. */
HRESULT session_rules_check(const SessionRules *rules, SessionCall call, const char *name);
/* The only one who writes @state. VSS_E_BAD_STATE if the picture has no such arrow; then nothing changes. */
HRESULT session_rules_enter(SessionRules *rules, SessionState to);

/* One of VSS_SNAPSHOT_CONTEXT, with attributes that may be or'ed in; else E_INVALIDARG. */
HRESULT session_context_check(LONG context);
