/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef UMBRA_VSWRITER_H
#define UMBRA_VSWRITER_H

/*
 * The Writer's Side
 *
 * An application that wants its data saved whole derives from CVssWriter (or ...Ex, ...Ex2), overrides the
 * handlers it needs, and calls Initialize() and Subscribe(). The classes are header-only and forward to the
 * functions of umbra-writer.h, which programs in C use directly; so there is no C++ in the library, and no
 * ABI of a class to keep.
 *
 * Handlers come one at a time, on a thread of the library's own. true is success, false a failure that the
 * handler has explained with SetWriterFailure(). An exception that leaves a handler counts as false.
 *
 * Unsubscribe() before the object of the derived class is destroyed: a handler must not run into a half-dead
 * object.
 */

#include "umbra-writer.h"
#include "vss.h"
#include "vswriter-interfaces.h"

#if defined(__cplusplus) && !defined(CINTERFACE)

class CVssWriter {
public:
        CVssWriter() = default;
        CVssWriter(const CVssWriter &) = delete;
        CVssWriter &operator=(const CVssWriter &) = delete;

        virtual ~CVssWriter() {
                (void) umbra_writer_free(writer_);
        }

        /* Says who the writer is. dwTimeoutFreeze is in milliseconds, from Freeze to Thaw. Once, before
         * Subscribe(). [MS: nf-vswriter-cvsswriter-initialize] */
        HRESULT STDMETHODCALLTYPE Initialize(VSS_ID WriterID,
                                             LPCWSTR wszWriterName,
                                             VSS_USAGE_TYPE ut,
                                             VSS_SOURCE_TYPE st,
                                             VSS_APPLICATION_LEVEL nLevel = VSS_APP_FRONT_END,
                                             DWORD dwTimeoutFreeze = 60000,
                                             VSS_ALTERNATE_WRITER_STATE aws = VSS_AWS_NO_ALTERNATE_WRITER,
                                             bool bIOThrottlingOnly = false,
                                             LPCWSTR wszWriterInstanceName = nullptr) {
                return DoInitialize(WriterID, wszWriterName, 0, 0, ut, st, nLevel, dwTimeoutFreeze, aws,
                                    bIOThrottlingOnly, wszWriterInstanceName);
        }

        /* From here on the handlers are called. VSS_E_WRITER_ALREADY_SUBSCRIBED the second time.
         * [MS: nf-vswriter-cvsswriter-subscribe] */
        HRESULT STDMETHODCALLTYPE Subscribe(DWORD dwEventFlags = VSS_SM_BACKUP_EVENTS_FLAG |
                                                                 VSS_SM_RESTORE_EVENTS_FLAG) {
                return DoSubscribe(INFINITE, dwEventFlags);
        }

        /* The last handler has returned when this returns. [MS: nf-vswriter-cvsswriter-unsubscribe] */
        HRESULT STDMETHODCALLTYPE Unsubscribe() {
                return writer_ ? umbra_writer_unsubscribe(writer_) : VSS_E_BAD_STATE;
        }

        /* Reserved. */
        HRESULT STDMETHODCALLTYPE InstallAlternateWriter(VSS_ID writerId, CLSID persistentWriterClassId) {
                return writer_ ? umbra_writer_install_alternate(writer_, writerId, persistentWriterClassId)
                               : VSS_E_BAD_STATE;
        }

        /* The handlers, in the order of events. See UmbraWriterCallbacks for what each is for.
         * [MS: nf-vswriter-cvsswriter-onidentify and so on] */
        virtual bool STDMETHODCALLTYPE OnIdentify(IVssCreateWriterMetadata *pMetadata) {
                (void) pMetadata;
                return true;
        }

        virtual bool STDMETHODCALLTYPE OnPrepareBackup(IVssWriterComponents *pComponents) {
                (void) pComponents;
                return true;
        }

        virtual bool STDMETHODCALLTYPE OnPrepareSnapshot() = 0;
        virtual bool STDMETHODCALLTYPE OnFreeze() = 0;
        virtual bool STDMETHODCALLTYPE OnThaw() = 0;
        virtual bool STDMETHODCALLTYPE OnAbort() = 0;

        virtual bool STDMETHODCALLTYPE OnPostSnapshot(IVssWriterComponents *pComponents) {
                (void) pComponents;
                return true;
        }

        virtual bool STDMETHODCALLTYPE OnBackupComplete(IVssWriterComponents *pComponents) {
                (void) pComponents;
                return true;
        }

        virtual bool STDMETHODCALLTYPE OnBackupShutdown(VSS_ID SnapshotSetId) {
                (void) SnapshotSetId;
                return true;
        }

        virtual bool STDMETHODCALLTYPE OnPreRestore(IVssWriterComponents *pComponents) {
                (void) pComponents;
                return true;
        }

        virtual bool STDMETHODCALLTYPE OnPostRestore(IVssWriterComponents *pComponents) {
                (void) pComponents;
                return true;
        }

        /* Reserved; never called. */
        virtual bool STDMETHODCALLTYPE OnBackOffIOOnVolume(VSS_PWSZ wszVolumeName,
                                                           VSS_ID snapshotId,
                                                           VSS_ID providerId) {
                (void) wszVolumeName;
                (void) snapshotId;
                (void) providerId;
                return true;
        }

        virtual bool STDMETHODCALLTYPE OnContinueIOOnVolume(VSS_PWSZ wszVolumeName,
                                                            VSS_ID snapshotId,
                                                            VSS_ID providerId) {
                (void) wszVolumeName;
                (void) snapshotId;
                (void) providerId;
                return true;
        }

        virtual bool STDMETHODCALLTYPE OnVSSShutdown() {
                return true;
        }

        virtual bool STDMETHODCALLTYPE OnVSSApplicationStartup() {
                return true;
        }

protected:
        /* What is going on, for use in handlers. Strings are the writer's and valid until the handler
         * returns. [MS: nf-vswriter-cvsswriter-getcurrentvolumearray and so on] */
        LPCWSTR *STDMETHODCALLTYPE GetCurrentVolumeArray() const {
                return writer_ ? umbra_writer_get_volume_array(writer_) : nullptr;
        }

        UINT STDMETHODCALLTYPE GetCurrentVolumeCount() const {
                return writer_ ? umbra_writer_get_volume_count(writer_) : 0;
        }

        /* Only in OnPostSnapshot(). VSS_E_OBJECT_NOT_FOUND if the volume has no shadow copy in this set. */
        HRESULT STDMETHODCALLTYPE GetSnapshotDeviceName(LPCWSTR wszOriginalVolume,
                                                        LPCWSTR *ppwszSnapshotDevice) const {
                return writer_ ? umbra_writer_get_snapshot_device_name(writer_,
                                                                       wszOriginalVolume,
                                                                       ppwszSnapshotDevice)
                               : VSS_E_BAD_STATE;
        }

        VSS_ID STDMETHODCALLTYPE GetCurrentSnapshotSetId() const {
                return writer_ ? umbra_writer_get_snapshot_set_id(writer_) : GUID_NULL;
        }

        LONG STDMETHODCALLTYPE GetContext() const {
                return writer_ ? umbra_writer_get_context(writer_) : 0;
        }

        VSS_APPLICATION_LEVEL STDMETHODCALLTYPE GetCurrentLevel() const {
                return writer_ ? umbra_writer_get_level(writer_) : VSS_APP_UNKNOWN;
        }

        bool STDMETHODCALLTYPE IsPathAffected(LPCWSTR wszPath) const {
                return writer_ && umbra_writer_is_path_affected(writer_, wszPath);
        }

        bool STDMETHODCALLTYPE IsBootableSystemStateBackedUp() const {
                return writer_ && umbra_writer_is_bootable_system_state_backed_up(writer_);
        }

        bool STDMETHODCALLTYPE AreComponentsSelected() const {
                return writer_ && umbra_writer_are_components_selected(writer_);
        }

        VSS_BACKUP_TYPE STDMETHODCALLTYPE GetBackupType() const {
                return writer_ ? umbra_writer_get_backup_type(writer_) : VSS_BT_UNDEFINED;
        }

        VSS_RESTORE_TYPE STDMETHODCALLTYPE GetRestoreType() const {
                return writer_ ? umbra_writer_get_restore_type(writer_) : VSS_RTYPE_UNDEFINED;
        }

        bool STDMETHODCALLTYPE IsPartialFileSupportEnabled() const {
                return writer_ && umbra_writer_is_partial_file_support_enabled(writer_);
        }

        /* Why the handler that is running fails: S_OK or one of the VSS_E_WRITERERROR_ codes. Not in
         * OnIdentify(). [MS: nf-vswriter-cvsswriter-setwriterfailure] */
        HRESULT STDMETHODCALLTYPE SetWriterFailure(HRESULT hr) {
                return writer_ ? umbra_writer_set_failure(writer_, hr) : VSS_E_BAD_STATE;
        }

private:
        friend class CVssWriterEx;
        friend class CVssWriterEx2;

        UmbraWriter *writer_ = nullptr;

        /* Which handler hears of Identify; CVssWriterEx has one of its own. */
        virtual bool DispatchIdentify(IVssCreateWriterMetadataEx *metadata) {
                return OnIdentify(metadata);
        }

        HRESULT DoInitialize(VSS_ID id,
                             LPCWSTR name,
                             DWORD major,
                             DWORD minor,
                             VSS_USAGE_TYPE usage,
                             VSS_SOURCE_TYPE source,
                             VSS_APPLICATION_LEVEL level,
                             DWORD freeze_timeout_msec,
                             VSS_ALTERNATE_WRITER_STATE alternate,
                             bool io_throttling_only,
                             LPCWSTR instance_name) {
                if (!writer_) {
                        HRESULT hr = umbra_writer_new(Callbacks(), this, &writer_);

                        if (FAILED(hr))
                                return hr;
                }

                return umbra_writer_initialize(writer_, id, name, major, minor, usage, source, level,
                                               freeze_timeout_msec, alternate, io_throttling_only,
                                               instance_name);
        }

        HRESULT DoSubscribe(DWORD unsubscribe_timeout_msec, DWORD event_flags) {
                return writer_ ? umbra_writer_subscribe(writer_, unsubscribe_timeout_msec, event_flags)
                               : VSS_E_BAD_STATE;
        }

        /* Calls a handler; what it throws must not travel through the library, which is C. */
        template <typename Handler> static bool Call(void *userdata, Handler handler) {
                CVssWriter *self = static_cast<CVssWriter *>(userdata);

#if defined(__cpp_exceptions)
                try {
                        return handler(self);
                } catch (...) {
                        return false;
                }
#else
                return handler(self);
#endif
        }

        template <bool (CVssWriter::*Handler)()> static bool OnEvent(void *userdata) {
                return Call(userdata, [](CVssWriter *self) { return (self->*Handler)(); });
        }

        template <typename Arg, bool (CVssWriter::*Handler)(Arg)>
        static bool OnEvent(void *userdata, Arg arg) {
                return Call(userdata, [=](CVssWriter *self) { return (self->*Handler)(arg); });
        }

        template <bool (CVssWriter::*Handler)(VSS_PWSZ, VSS_ID, VSS_ID)>
        static bool OnVolume(void *userdata, VSS_PWSZ volume, VSS_ID snapshot_id, VSS_ID provider_id) {
                return Call(userdata, [=](CVssWriter *self) {
                        return (self->*Handler)(volume, snapshot_id, provider_id);
                });
        }

        static const UmbraWriterCallbacks *Callbacks() {
                using Components = IVssWriterComponents *;

                static const UmbraWriterCallbacks callbacks = {
                        sizeof(UmbraWriterCallbacks),
                        OnEvent<IVssCreateWriterMetadataEx *, &CVssWriter::DispatchIdentify>,
                        OnEvent<Components, &CVssWriter::OnPrepareBackup>,
                        OnEvent<&CVssWriter::OnPrepareSnapshot>,
                        OnEvent<&CVssWriter::OnFreeze>,
                        OnEvent<&CVssWriter::OnThaw>,
                        OnEvent<&CVssWriter::OnAbort>,
                        OnEvent<Components, &CVssWriter::OnPostSnapshot>,
                        OnEvent<Components, &CVssWriter::OnBackupComplete>,
                        OnEvent<VSS_ID, &CVssWriter::OnBackupShutdown>,
                        OnEvent<Components, &CVssWriter::OnPreRestore>,
                        OnEvent<Components, &CVssWriter::OnPostRestore>,
                        OnVolume<&CVssWriter::OnBackOffIOOnVolume>,
                        OnVolume<&CVssWriter::OnContinueIOOnVolume>,
                        OnEvent<&CVssWriter::OnVSSShutdown>,
                        OnEvent<&CVssWriter::OnVSSApplicationStartup>,
                        nullptr, /* OnDisconnected: there is no such handler on Windows */
                };

                return &callbacks;
        }
};

/* Adds a version, the metadata of Vista, and a time limit for unsubscribing. */
class CVssWriterEx : public CVssWriter {
public:
        /* As Initialize(), with the version of the writer. [MS: nf-vswriter-cvsswriterex-initializeex] */
        HRESULT STDMETHODCALLTYPE InitializeEx(VSS_ID WriterId,
                                               LPCWSTR wszWriterName,
                                               DWORD dwMajorVersion,
                                               DWORD dwMinorVersion,
                                               VSS_USAGE_TYPE ut,
                                               VSS_SOURCE_TYPE st,
                                               VSS_APPLICATION_LEVEL nLevel = VSS_APP_FRONT_END,
                                               DWORD dwTimeoutFreeze = 60000,
                                               VSS_ALTERNATE_WRITER_STATE aws = VSS_AWS_NO_ALTERNATE_WRITER,
                                               bool bIOThrottlingOnly = false,
                                               LPCWSTR wszWriterInstanceName = nullptr) {
                return DoInitialize(WriterId, wszWriterName, dwMajorVersion, dwMinorVersion, ut, st, nLevel,
                                    dwTimeoutFreeze, aws, bIOThrottlingOnly, wszWriterInstanceName);
        }

        /* As OnIdentify(), which it calls unless it is overridden. [MS:
         * nf-vswriter-cvsswriterex-onidentifyex] */
        virtual bool STDMETHODCALLTYPE OnIdentifyEx(IVssCreateWriterMetadataEx *pMetadata) {
                return OnIdentify(pMetadata);
        }

        /* As Subscribe(); dwUnsubscribeTimeout, in milliseconds, is how long Unsubscribe() may wait for a
         * handler. [MS: nf-vswriter-cvsswriterex-subscribeex] */
        HRESULT STDMETHODCALLTYPE SubscribeEx(DWORD dwUnsubscribeTimeout,
                                              DWORD dwEventFlags = VSS_SM_BACKUP_EVENTS_FLAG |
                                                                   VSS_SM_RESTORE_EVENTS_FLAG) {
                return DoSubscribe(dwUnsubscribeTimeout, dwEventFlags);
        }

protected:
        /* What the writer said about itself in this session. Must NOT be released.
         * [MS: nf-vswriter-cvsswriterex-getidentifyinformation] */
        HRESULT STDMETHODCALLTYPE GetIdentifyInformation(IVssExamineWriterMetadata **ppMetadata) {
                return writer_ ? umbra_writer_get_identify_information(writer_, ppMetadata)
                               : VSS_E_BAD_STATE;
        }

private:
        bool DispatchIdentify(IVssCreateWriterMetadataEx *metadata) override {
                return OnIdentifyEx(metadata);
        }
};

/* Adds the session and the application's own words about a failure. */
class CVssWriterEx2 : public CVssWriterEx {
protected:
        /* Unsubscribing has begun: give up long work. [MS: nf-vswriter-cvsswriterex2-iswritershuttingdown]
         * */
        bool STDMETHODCALLTYPE IsWriterShuttingDown() {
                return writer_ && umbra_writer_is_shutting_down(writer_);
        }

        /* [MS: nf-vswriter-cvsswriterex2-getsessionid] */
        HRESULT STDMETHODCALLTYPE GetSessionId(VSS_ID *idSession) {
                return writer_ ? umbra_writer_get_session_id(writer_, idSession) : VSS_E_BAD_STATE;
        }

        /* As SetWriterFailure(), with the application's code and sentence, which the requester gets as they
         * are. [MS: nf-vswriter-cvsswriterex2-setwriterfailureex] */
        HRESULT STDMETHODCALLTYPE SetWriterFailureEx(HRESULT hrWriter,
                                                     HRESULT hrApplication,
                                                     LPCWSTR wszApplicationMessage = nullptr) {
                if (!writer_)
                        return VSS_E_BAD_STATE;
                return umbra_writer_set_failure_ex(writer_, hrWriter, hrApplication, wszApplicationMessage);
        }
};

#endif

#endif
