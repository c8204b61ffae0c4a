/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef UMBRA_UMBRA_WRITER_H
#define UMBRA_UMBRA_WRITER_H

/*
 * A Writer in C
 *
 * What CVssWriter is in C++: a table of callbacks and the object that calls them. It is the one mechanism
 * behind both; the classes in vswriter.h do nothing but forward to it. The whole of a small writer:
 *
 *         static const UmbraWriterCallbacks callbacks = {
 *                 .size = sizeof(callbacks),
 *                 .OnIdentify = on_identify,
 *                 .OnPrepareSnapshot = on_prepare_snapshot,
 *                 .OnFreeze = on_freeze,
 *                 .OnThaw = on_thaw,
 *                 .OnAbort = on_abort,
 *         };
 *
 *         umbra_writer_new(&callbacks, app, &writer);
 *         umbra_writer_initialize(writer, MY_WRITER_ID, L"My Application", 1, 0, VSS_UT_USERDATA,
 *                                 VSS_ST_TRANSACTEDDB, VSS_APP_FRONT_END, UMBRA_FREEZE_TIMEOUT_MSEC,
 *                                 VSS_AWS_NO_ALTERNATE_WRITER, false, NULL);
 *         umbra_writer_subscribe(writer, INFINITE, UMBRA_WRITER_EVENTS);
 *         ...
 *         umbra_writer_free(writer);
 *
 * A failed function leaves a sentence in umbra_last_error() (umbra.h).
 */

#include "vswriter-interfaces.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct UmbraWriter UmbraWriter;

#define UMBRA_FREEZE_TIMEOUT_MSEC 60000 /* what a writer has from Freeze to Thaw unless it says otherwise */
#define UMBRA_WRITER_EVENTS       (VSS_SM_BACKUP_EVENTS_FLAG | VSS_SM_RESTORE_EVENTS_FLAG)

/*
 * What happens to a writer, in this order. The callbacks come one at a time, on a thread of the library's
 * own; the components and the metadata handed in are valid until the callback returns. true is success;
 * false is a failure, and umbra_writer_set_failure() beforehand says which (VSS_E_WRITERERROR_NONRETRYABLE
 * if nothing was said). A callback that is NULL means success with nothing to do, except for the four that
 * every writer must have.
 */
typedef struct UmbraWriterCallbacks {
        uint32_t size; /* sizeof(UmbraWriterCallbacks): callbacks added later are missing in old programs */

        /* Describe yourself. May come at any time, also between two others. false: not today. */
        bool (*OnIdentify)(void *userdata, IVssCreateWriterMetadataEx *metadata);

        /* A backup begins; @components are yours in it. Stamps and private words are set here. */
        bool (*OnPrepareBackup)(void *userdata, IVssWriterComponents *components);

        /* Required. The freeze is near: whatever takes long is done here. */
        bool (*OnPrepareSnapshot)(void *userdata);

        /* Required. Come to rest, quickly; nothing may be written from the return until OnThaw or OnAbort.
         * */
        bool (*OnFreeze)(void *userdata);

        /* Required. The instant has passed: go on. Quickly, others are waiting. */
        bool (*OnThaw)(void *userdata);

        /* Required. It failed somewhere: go on as after a thaw. May come more than once, and also without
         * umbrad: when it is gone, when the freeze limit passes, when the writer unsubscribes meanwhile. */
        bool (*OnAbort)(void *userdata);

        /* The shadow copy exists: umbra_writer_get_snapshot_device_name() tells where. When
         * umbra_writer_get_context() has VSS_VOLSNAP_ATTR_AUTORECOVER it can be written to, until this returns
         * and never again; close what was opened in it. That is so when a component has
         * VSS_CF_BACKUP_RECOVERY (or VSS_CF_APP_ROLLBACK_RECOVERY, and the requester wants
         * VSS_VOLSNAP_ATTR_ROLLBACK_RECOVERY), or a writer has named files with AddExcludeFilesFromSnapshot(). */
        bool (*OnPostSnapshot)(void *userdata, IVssWriterComponents *components);

        /* The files were saved; IVssComponent::GetBackupSucceeded() says which. */
        bool (*OnBackupComplete)(void *userdata, IVssWriterComponents *components);

        /* The requester is gone, whether it completed the backup or not. @snapshot_set_id may be GUID_NULL.
         * */
        bool (*OnBackupShutdown)(void *userdata, VSS_ID snapshot_set_id);

        /* Files of yours are about to be written: stop using them, say where they go. */
        bool (*OnPreRestore)(void *userdata, IVssWriterComponents *components);

        /* They have been written; IVssComponent::GetFileRestoreStatus() says how it went. */
        bool (*OnPostRestore)(void *userdata, IVssWriterComponents *components);

        /* Reserved, as on Windows. Never called. */
        bool (*OnBackOffIOOnVolume)(void *userdata, VSS_PWSZ volume, VSS_ID snapshot, VSS_ID provider);
        bool (*OnContinueIOOnVolume)(void *userdata, VSS_PWSZ volume, VSS_ID snapshot, VSS_ID provider);
        bool (*OnVSSShutdown)(void *userdata);
        bool (*OnVSSApplicationStartup)(void *userdata);

        /* The connection to umbrad is lost. Before this the backups that were going on have ended for the
         * writer, with OnAbort where one is owed and OnBackupShutdown. It registers again by itself. */
        void (*OnDisconnected)(void *userdata);
} UmbraWriterCallbacks;

/* Makes a writer that nobody knows yet. The table is copied. E_INVALIDARG if a required callback is missing.
 * */
UMBRA_API HRESULT umbra_writer_new(const UmbraWriterCallbacks *callbacks, void *userdata, UmbraWriter **ret);

/* Unsubscribes and frees. Takes NULL, returns NULL. No callback runs when it returns; not from a callback.
 * */
UMBRA_API UmbraWriter *umbra_writer_free(UmbraWriter *w);

/*
 * Says who the writer is: once, before it subscribes. @id is the same for all instances of the application
 * forever; @instance_name (may be NULL) tells several on one machine apart. @freeze_timeout_msec is from
 * Freeze to Thaw. [MS: nf-vswriter-cvsswriterex-initializeex]
 */
UMBRA_API HRESULT umbra_writer_initialize(UmbraWriter *w,
                                          VSS_ID id,
                                          LPCWSTR name,
                                          DWORD major_version,
                                          DWORD minor_version,
                                          VSS_USAGE_TYPE usage,
                                          VSS_SOURCE_TYPE source,
                                          VSS_APPLICATION_LEVEL level,
                                          DWORD freeze_timeout_msec,
                                          VSS_ALTERNATE_WRITER_STATE alternate,
                                          bool io_throttling_only,
                                          LPCWSTR instance_name);

/* From here on the callbacks come. @event_flags is UMBRA_WRITER_EVENTS, both bits.
 * VSS_E_WRITER_ALREADY_SUBSCRIBED the second time, E_ACCESSDENIED if umbrad does not take the writer,
 * VSS_E_WRITER_INFRASTRUCTURE if it is not there. @unsubscribe_timeout_msec is how long unsubscribing may
 * wait for a callback; then it says VSS_E_UNEXPECTED, and may be asked again.
 * [MS: nf-vswriter-cvsswriterex-subscribeex] */
UMBRA_API HRESULT umbra_writer_subscribe(UmbraWriter *w, DWORD unsubscribe_timeout_msec, DWORD event_flags);

/* The last callback has returned when this returns; an OnAbort that is owed comes before, events that have
 * not begun do not come any more. Not from a callback (VSS_E_BAD_STATE).
 * [MS: nf-vswriter-cvsswriter-unsubscribe] */
UMBRA_API HRESULT umbra_writer_unsubscribe(UmbraWriter *w);

/* Reserved. E_NOTIMPL. */
UMBRA_API HRESULT umbra_writer_install_alternate(UmbraWriter *w, VSS_ID id, CLSID class_id);

/*
 * What is going on; for use in callbacks. Strings belong to the writer and are valid until the callback
 * returns. Outside of a callback, and where there is nothing to tell, they return 0, NULL, GUID_NULL or the
 * UNDEFINED value.
 */
UMBRA_API LPCWSTR *umbra_writer_get_volume_array(UmbraWriter *w); /* from OnPrepareSnapshot on */
UMBRA_API UINT umbra_writer_get_volume_count(UmbraWriter *w);
UMBRA_API VSS_ID umbra_writer_get_snapshot_set_id(UmbraWriter *w);
UMBRA_API LONG umbra_writer_get_context(UmbraWriter *w); /* VSS_SNAPSHOT_CONTEXT and attributes */
UMBRA_API VSS_APPLICATION_LEVEL umbra_writer_get_level(UmbraWriter *w);
/* Is it on a volume of the set? It need not exist; links are followed, mounts are volumes of their own, and
 * %NAME% is what the environment of the process says. */
UMBRA_API bool umbra_writer_is_path_affected(UmbraWriter *w, LPCWSTR path);
UMBRA_API bool umbra_writer_is_bootable_system_state_backed_up(UmbraWriter *w);
UMBRA_API bool umbra_writer_are_components_selected(UmbraWriter *w); /* else whole volumes are saved */
UMBRA_API VSS_BACKUP_TYPE umbra_writer_get_backup_type(UmbraWriter *w);
UMBRA_API VSS_RESTORE_TYPE umbra_writer_get_restore_type(UmbraWriter *w);
UMBRA_API bool umbra_writer_is_partial_file_support_enabled(UmbraWriter *w);
UMBRA_API bool umbra_writer_is_shutting_down(UmbraWriter *w); /* unsubscribing has begun */

/* In OnPostSnapshot: the shadow copy of a volume, VSS_E_OBJECT_NOT_FOUND if it has none. Not to be freed.
 * [MS: nf-vswriter-cvsswriter-getsnapshotdevicename] */
UMBRA_API HRESULT umbra_writer_get_snapshot_device_name(UmbraWriter *w,
                                                        LPCWSTR original_volume,
                                                        LPCWSTR *ret_device);

/* What the writer said about itself in this session; in OnPrepareBackup, OnPrepareSnapshot and
 * OnPostSnapshot. Must NOT be released; it ends with the session. [MS: nf-vswriter-cvsswriterex-getidentifyinformation] */
UMBRA_API HRESULT umbra_writer_get_identify_information(UmbraWriter *w,
                                                        IVssExamineWriterMetadata **ret_metadata);

/* The id of the requester's session. [MS: nf-vswriter-cvsswriterex2-getsessionid] */
UMBRA_API HRESULT umbra_writer_get_session_id(UmbraWriter *w, VSS_ID *ret_session_id);

/*
 * Says why the callback that is running fails; on its thread, and not in OnIdentify (VSS_E_BAD_STATE). @hr
 * is S_OK or one of VSS_E_WRITERERROR_INCONSISTENTSNAPSHOT, _OUTOFRESOURCES, _TIMEOUT, _RETRYABLE,
 * _NONRETRYABLE, _PARTIAL_FAILURE, _RECOVERY_FAILED; anything else is E_INVALIDARG. The requester sees
 * @hr_application and @message (may be NULL) as they are; with S_OK, too, which fails nothing. [MS: nf-vswriter-cvsswriterex2-setwriterfailureex]
 */
UMBRA_API HRESULT umbra_writer_set_failure(UmbraWriter *w, HRESULT hr);
UMBRA_API HRESULT umbra_writer_set_failure_ex(UmbraWriter *w,
                                              HRESULT hr,
                                              HRESULT hr_application,
                                              LPCWSTR message);

#ifdef __cplusplus
}
#endif

#endif
