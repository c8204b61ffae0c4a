/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What a Handler May Call
 */

#include "api/writer/event-calls.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/guid.h"
#include "base/utf.h"
#include "lib/test-util.h"

static HRESULT tells(bool something) {
        return something ? S_OK : S_FALSE;
}

static HRESULT get_backup_type(Puppet *p, IVssComponent *c) {
        return tells(umbra_writer_get_backup_type(p->writer) == VSS_BT_COPY);
}

static HRESULT is_bootable(Puppet *p, IVssComponent *c) {
        return tells(umbra_writer_is_bootable_system_state_backed_up(p->writer));
}

static HRESULT are_selected(Puppet *p, IVssComponent *c) {
        return tells(umbra_writer_are_components_selected(p->writer));
}

static HRESULT is_partial(Puppet *p, IVssComponent *c) {
        return tells(umbra_writer_is_partial_file_support_enabled(p->writer));
}

static HRESULT is_affected(Puppet *p, IVssComponent *c) {
        _cleanup_(freep) WCHAR *path = NULL;

        return wide_from_utf8(p->volume, &path) < 0 ? E_OUTOFMEMORY :
                                                      tells(umbra_writer_is_path_affected(p->writer, path));
}

static HRESULT get_context(Puppet *p, IVssComponent *c) {
        return tells(umbra_writer_get_context(p->writer) == VSS_CTX_APP_ROLLBACK);
}

static HRESULT get_set_id(Puppet *p, IVssComponent *c) {
        VSS_ID id = umbra_writer_get_snapshot_set_id(p->writer);

        return tells(!guid_is_null(&id));
}

static HRESULT get_volumes(Puppet *p, IVssComponent *c) {
        return tells(umbra_writer_get_volume_count(p->writer) == 1 &&
                     umbra_writer_get_volume_array(p->writer));
}

static HRESULT get_restore_type(Puppet *p, IVssComponent *c) {
        return tells(umbra_writer_get_restore_type(p->writer) == VSS_RTYPE_BY_COPY);
}

static HRESULT get_device(Puppet *p, IVssComponent *c) {
        _cleanup_(freep) WCHAR *volume = NULL;
        LPCWSTR device;

        return wide_from_utf8(p->volume, &volume) < 0 ?
                       E_OUTOFMEMORY :
                       umbra_writer_get_snapshot_device_name(p->writer, volume, &device);
}

static HRESULT get_identity(Puppet *p, IVssComponent *c) {
        IVssExamineWriterMetadata *metadata;

        return umbra_writer_get_identify_information(p->writer, &metadata);
}

static HRESULT get_session(Puppet *p, IVssComponent *c) {
        VSS_ID id;

        return umbra_writer_get_session_id(p->writer, &id);
}

static HRESULT set_failure(Puppet *p, IVssComponent *c) {
        HRESULT hr = umbra_writer_set_failure_ex(p->writer, S_OK, S_OK, NULL);

        return hr == umbra_writer_set_failure(p->writer, S_OK) ? hr : E_FAIL;
}

static HRESULT get_succeeded(Puppet *p, IVssComponent *c) {
        bool succeeded;

        return IVssComponent_GetBackupSucceeded(c, &succeeded);
}

static HRESULT get_file_status(Puppet *p, IVssComponent *c) {
        VSS_FILE_RESTORE_STATUS status;

        return IVssComponent_GetFileRestoreStatus(c, &status);
}

static HRESULT get_additional(Puppet *p, IVssComponent *c) {
        bool additional;

        return IVssComponent_GetAdditionalRestores(c, &additional);
}

static HRESULT set_metadata(Puppet *p, IVssComponent *c) {
        return IVssComponent_SetBackupMetadata(c, L"m");
}

static HRESULT add_partial(Puppet *p, IVssComponent *c) {
        return IVssComponent_AddPartialFile(c, L"/srv", L"big", L"0:100", L"m");
}

static HRESULT add_differenced(Puppet *p, IVssComponent *c) {
        return IVssComponent_AddDifferencedFilesByLastModifyTime(c, L"/srv", L"*", true, (FILETIME){ 1, 2 });
}

static HRESULT set_stamp(Puppet *p, IVssComponent *c) {
        return IVssComponent_SetBackupStamp(c, L"stamp");
}

static HRESULT set_target(Puppet *p, IVssComponent *c) {
        return IVssComponent_SetRestoreTarget(c, VSS_RT_ORIGINAL);
}

static HRESULT set_restore_metadata(Puppet *p, IVssComponent *c) {
        return IVssComponent_SetRestoreMetadata(c, L"r");
}

static HRESULT add_directed(Puppet *p, IVssComponent *c) {
        return IVssComponent_AddDirectedTarget(c, L"/a", L"b", L"0:1", L"/c", L"d", L"0:1");
}

static HRESULT set_pre_message(Puppet *p, IVssComponent *c) {
        return IVssComponent_SetPreRestoreFailureMsg(c, L"x");
}

static HRESULT set_post_message(Puppet *p, IVssComponent *c) {
        return IVssComponent_SetPostRestoreFailureMsg(c, L"x");
}

static HRESULT with_ex(IVssComponent *c, HRESULT (*say)(IVssComponentEx *ex)) {
        IVssComponentEx *ex = NULL;
        HRESULT hr;

        hr = IVssComponent_QueryInterface(c, &IID_IVssComponentEx, (void **) &ex);
        if (FAILED(hr))
                return hr;
        hr = say(ex);
        IVssComponentEx_Release(ex);
        return hr;
}

static HRESULT say_prepare(IVssComponentEx *ex) {
        return IVssComponentEx_SetPrepareForBackupFailureMsg(ex, L"x");
}

static HRESULT say_post_snapshot(IVssComponentEx *ex) {
        return IVssComponentEx_SetPostSnapshotFailureMsg(ex, L"x");
}

static HRESULT set_prepare_message(Puppet *p, IVssComponent *c) {
        return with_ex(c, say_prepare);
}

static HRESULT set_snapshot_message(Puppet *p, IVssComponent *c) {
        return with_ex(c, say_post_snapshot);
}

const EventCall event_calls[] = {
        { "GetBackupType",                       get_backup_type,      ANYWHERE,  false },
        { "IsBootableSystemStateBackedUp",       is_bootable,          ANYWHERE,  false },
        { "AreComponentsSelected",               are_selected,         ANYWHERE,  false },
        { "IsPartialFileSupportEnabled",         is_partial,           ANYWHERE,  false },
        { "IsPathAffected",                      is_affected,          ANYWHERE,  false },
        { "GetContext",                          get_context,          ANYWHERE,  false },
        { "GetCurrentSnapshotSetId",             get_set_id,           ANYWHERE,  false },
        { "GetCurrentVolumeArray/Count",         get_volumes,          ANYWHERE,  false },
        { "GetRestoreType",                      get_restore_type,     ANYWHERE,  false },
        { "GetSessionId",                        get_session,          ANYWHERE,  false },
        { "GetSnapshotDeviceName",               get_device,           NOWHERE,   false },
        { "GetIdentifyInformation",              get_identity,         NOWHERE,   false, 1 + WIRE_EVENT_POST_SNAPSHOT },
        { "SetWriterFailure(Ex)",                set_failure,          IF_DENIED, false },
        { "GetBackupSucceeded",                  get_succeeded,        ANYWHERE,  true  },
        { "GetFileRestoreStatus",                get_file_status,      ANYWHERE,  true  },
        { "GetAdditionalRestores",               get_additional,       ANYWHERE,  true  },
        { "SetBackupMetadata",                   set_metadata,         NOWHERE,   true  },
        { "AddPartialFile",                      add_partial,          NOWHERE,   true  },
        { "AddDifferencedFilesByLastModifyTime", add_differenced,      NOWHERE,   true  },
        { "SetBackupStamp",                      set_stamp,            NOWHERE,   true  },
        { "SetPrepareForBackupFailureMsg",       set_prepare_message,  NOWHERE,   true  },
        { "SetPostSnapshotFailureMsg",           set_snapshot_message, NOWHERE,   true  },
        { "SetRestoreTarget",                    set_target,           NOWHERE,   true  },
        { "SetRestoreMetadata",                  set_restore_metadata, NOWHERE,   true  },
        { "AddDirectedTarget",                   add_directed,         NOWHERE,   true  },
        { "SetPreRestoreFailureMsg",             set_pre_message,      NOWHERE,   true  },
        { "SetPostRestoreFailureMsg",            set_post_message,     NOWHERE,   true  },
};

static_assert(ELEMENTSOF(event_calls) == EVENT_CALLS, "there is one result for each");
