/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What Library and Daemon Say to Each Other
 *
 * umbrad listens on one unix socket. Every client object (an IVssBackupComponents, a writer) opens a
 * connection of its own and speaks D-Bus on it without a broker, umbrad being the server. The connection is
 * the life of the object: when it ends, umbrad aborts and cleans up. Both ends negotiate descriptor passing
 * and nothing else. The connection has one of two roles, decided by its first successful call: a session
 * (Manager1.OpenSession) or a writer (Manager1.RegisterWriter).
 *
 * Conventions of the signatures: a GUID is "ay" with 16 bytes as they lie in memory; text that may hold any
 * byte (paths, names) is an "s" through wire_append_text()/wire_read_text(); NULL travels as the empty
 * string. A blob (document) is a sealed memfd "h"; an optional blob is "ah" with none or one. Errors are
 * D-Bus errors made by wire_error_set(): their name carries the HRESULT, their message a sentence for people
 * that says what to do.
 */

#define WIRE_PROTOCOL_VERSION 1U

#define WIRE_SOCKET_DEFAULT "/run/umbra/umbra.sock"
#define WIRE_SOCKET_ENV "UMBRA_SOCKET"

#define WIRE_MANAGER_PATH "/umbra"
#define WIRE_MANAGER_INTERFACE "umbra.Manager1"
/*
 * OpenSession(u protocol_version) → (u protocol_version, ay session_id)
 * RegisterWriter(u protocol_version, ay writer_id, ay instance_id, s name, s instance_name, u major,
 *                u minor, u usage, u source, i level, t freeze_limit_usec, u event_mask) → ()
 * GetStatus() → s                 a JSON object; needs a session role or none
 * Signal AccessRevoked(): the last thing that a client hears whose grant has gone from umbra.conf
 *
 * For writers that are a document and no process; the connection takes no role, and what is registered stays:
 * RegisterExpressWriter(u protocol_version, h document) → ()
 * UnregisterExpressWriter(u protocol_version, ay writer_id) → ()
 */
#define WIRE_REGISTER_WRITER_SIGNATURE_TAIL "ssuuuuitu"

#define WIRE_SESSION_PATH "/umbra/session"
#define WIRE_SESSION_INTERFACE "umbra.Session1"
/*
 * Calls answered at once:
 *   Initialize(u kind, i context)            kind: WireSessionKind. Before all else but Set…/Query…
 *   SetWriterSelection(u kind, aay ids)      kind: WireWriterSelection; before GatherWriterMetadata
 *   StartSnapshotSet(i context) → ay set_id
 *   AddToSnapshotSet(s volume, ay provider) → (ay snapshot_id, ay provider_id, s volume)
 *                                            the volume as umbrad names it
 *   IsVolumeSupported(ay provider, s volume) → b
 *   AskForeign(s volume) → (b snapshotted, i compatibility)
 *                                            what registered providers say of their own
 *   GetSnapshotProperties(ay snapshot_id) → WIRE_SNAPSHOT
 *   Query(u returned_type, i context) → (a WIRE_SNAPSHOT, a WIRE_PROVIDER)
 *   QueryVolumes(ay provider, i context) → a WIRE_VOLUME
 *   DeleteSnapshots(ay id, u object_type, b force) → (i deleted, ay nondeleted, i hr)
 *                                            hr: what stopped it, or S_OK
 *   ExposeSnapshot(ay snapshot_id, s directory) → s directory
 *   UnexposeSnapshot(ay snapshot_id) → ()
 *   RevertToSnapshot(ay snapshot_id, b force) → ()
 *                                            answered when it has begun
 *   FindRevert(s volume) → ()                does one run?
 *   GetRevertBlockers() → aay                writers that forbid it: umbra.conf
 *   GetVolumeRoot(s path) → (s root, s guid_name)
 *   AddSnapshotToRecoverySet(ay snapshot_id, s destination) → ()
 *   AbortBackup() → ()
 *   Cancel(u operation) → ()                 if it still runs, it ends with VSS_S_ASYNC_CANCELLED, undone
 *
 * Operations (the caller holds an IVssAsync on the pending reply; one at a time per session, else
 * VSS_E_BAD_STATE). @operation is a number the caller chose, for Cancel; documents are Backup Components
 * Documents:
 *   GatherWriterMetadata(u operation) → (a WIRE_WRITER, h)
 *                                            the blob holds the writers' documents one after the other
 *   PrepareForBackup(u operation, h document) → h document
 *   DoSnapshotSet(u operation, ah document) → ah document
 *   BackupComplete(u operation, h document) → h document
 *   PreRestore(u operation, h document) → h document
 *   PostRestore(u operation, h document) → h document
 *   GatherWriterStatus(u operation) → a WIRE_WRITER_STATUS
 *
 * Those that cannot be cancelled; Cancel is answered when they have ended:
 *   AwaitRevert(u operation, s volume) → ()  the end of what FindRevert found
 *   BreakSnapshotSet(u operation, ay set_id, u flags) → ()
 *                                            operation 0: none, just a call
 *   ImportSnapshots(u operation, i context, h document) → i result
 *   RecoverSet(u operation, u flags) → ()
 */

/* What IVssAdmin does; on a connection with a session. */
#define WIRE_ADMIN_PATH "/umbra/admin"
#define WIRE_ADMIN_INTERFACE "umbra.Admin1"
/*
 * RegisterProvider(ay id, ay class_id, s name, i type, s version, ay version_id) → ()
 * UnregisterProvider(ay id) → ()
 * DescribeProvider(ay id) → (t capabilities, i context)
 * AbortAll() → ()                          answered when nothing is left of the set in progress
 */

/* What IVssSnapshotMgmt and its kin do; on a connection with a session. */
#define WIRE_AREAS_PATH "/umbra/areas"
#define WIRE_AREAS_INTERFACE "umbra.Areas1"
/*
 * @provider is GUID_NULL for any. Sizes are bytes; -1 is "no limit" or "not known".
 *   GetMinimum() → x
 *   QuerySnapshots(ay provider, s volume) → a WIRE_SNAPSHOT
 *   QueryAreas(ay provider, u question, s volume, ay snapshot_id) → a WIRE_AREA    question: WireAreaQuestion
 *   QueryPlace(ay provider, s volume) → a WIRE_PLACE                one, or none
 *   AddArea(ay provider, s volume, s place, x maximum) → ()
 *   ChangeArea(ay provider, s volume, s place, x maximum, b passing) → ()
 *   Protection(ay provider, s volume, i level) → (i level, b has_unused)    level -1: ask only
 *   DeleteUnused(ay provider, s place) → ()
 */

/* Name of the volume, name of the one that its copies lie on; maximum, allocated, used. */
#define WIRE_AREA "(ssxxx)"
/* Name, mount point; free, total. */
#define WIRE_PLACE "(ssxx)"

typedef enum WireAreaQuestion {
        WIRE_AREAS_FOR_VOLUME,   /* where the copies of this volume lie */
        WIRE_AREAS_ON_VOLUME,    /* whose copies lie on this one */
        WIRE_AREAS_FOR_SNAPSHOT, /* where the copies of a snapshot's volume lie */
        _WIRE_AREA_QUESTION_MAX,
} WireAreaQuestion;

/* VSS_SNAPSHOT_PROP in its order, then i consistency. */
#define WIRE_SNAPSHOT "(ayayissssssayixii)"
/* VSS_PROVIDER_PROP in its order. */
#define WIRE_PROVIDER "(aysisayay)"
/* Instance id, writer id, name, size of its document in the blob. */
#define WIRE_WRITER "(ayayst)"
/* Instance id, writer id, name, VSS_WRITER_STATE, hr, hr of the application, its message. */
#define WIRE_WRITER_STATUS "(ayaysuiis)"
/* Name \\?\Volume{…}\, mount point, device, file system, provider id, consistency, consistency when held,
 * number of shadow copies, holdable. */
#define WIRE_VOLUME "(ssssayuuub)"

#define WIRE_WRITER_PATH "/umbra/writer"
#define WIRE_WRITER_INTERFACE "umbra.Writer1"
/*
 * umbrad calls, on the writer's connection; one at a time, answered when the writer's handler has returned:
 *   Event(u event, ay session_id, ay set_id, i context, u backup_type, u restore_type, u flags,
 *         as volumes, a(ss) devices, ah document)
 *        → (i hr, i hr_application, s message, ah document)
 * event: WireEvent. flags: WIRE_EVENT_…. volumes: of the set, as umbrad names them. devices: volume and
 * where its shadow copy is read (PostSnapshot only). document in: the writer's part of the Backup Components
 * Document; out: that part as the handler left it, or for Identify the Writer Metadata Document.
 */
#define WIRE_EVENT_SIGNATURE_TAIL "iuuu" /* after u ay ay */

typedef enum WireEvent {
        WIRE_EVENT_IDENTIFY,
        WIRE_EVENT_PREPARE_BACKUP,
        WIRE_EVENT_PREPARE_SNAPSHOT,
        WIRE_EVENT_FREEZE,
        WIRE_EVENT_THAW,
        WIRE_EVENT_POST_SNAPSHOT,
        WIRE_EVENT_BACKUP_COMPLETE,
        WIRE_EVENT_BACKUP_SHUTDOWN,
        WIRE_EVENT_ABORT,
        WIRE_EVENT_PRE_RESTORE,
        WIRE_EVENT_POST_RESTORE,
        _WIRE_EVENT_MAX,
        _WIRE_EVENT_INVALID = -22,
} WireEvent;

const char *wire_event_to_string(WireEvent e);
WireEvent wire_event_from_string(const char *s);

#define WIRE_EVENT_SELECT_COMPONENTS (1U << 0)
#define WIRE_EVENT_BOOTABLE_SYSTEM_STATE (1U << 1)
#define WIRE_EVENT_PARTIAL_FILE_SUPPORT (1U << 2)

typedef enum WireWriterSelection {
        WIRE_DISABLE_CLASSES,
        WIRE_ENABLE_CLASSES,
        WIRE_DISABLE_INSTANCES,
        _WIRE_WRITER_SELECTION_MAX,
} WireWriterSelection;

typedef enum WireSessionKind {
        WIRE_SESSION_BACKUP = 1,
        WIRE_SESSION_RESTORE = 2,
        WIRE_SESSION_QUERY = 3,
} WireSessionKind;

/* Between umbrad and a provider's worker process, on a socketpair. */
#define WIRE_PROVIDER_PATH "/umbra/provider"
#define WIRE_PROVIDER_INTERFACE "umbra.Provider1"
