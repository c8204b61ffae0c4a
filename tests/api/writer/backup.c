/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A Backup, Step by Step
 */

#include "api/writer/backup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include <oleauto.h>
#include <umbra.h>

#include "api/writer/facts.h"
#include "base/alloc.h"
#include "base/hresult.h"
#include "base/utf.h"
#include "lib/test-util.h"

static const VSS_ID fake_provider = { 0x9d3f1a52, 0x6b1e, 0x4c7a, { 0x8e, 0x21, 0x5f, 0x0c, 0x77, 0x1b, 0x2d, 0x0f } };

#define ASSERT_OK(call)                                                                                                    \
        do {                                                                                                               \
                HRESULT hr_ = (call);                                                                                      \
                if (FAILED(hr_))                                                                                           \
                        fail_msg("%s: 0x%08x %s", #call, (unsigned) hr_, umbra_last_error());                              \
        } while (0)

static Backup *backup_alloc(void) {
        Backup *b = calloc(1, sizeof(*b));

        assert_non_null(b);
        ASSERT_OK(CreateVssBackupComponents(&b->api));
        ASSERT_OK(IVssBackupComponents_QueryInterface(b->api, &IID_IVssBackupComponentsEx3, (void **) &b->api3));
        return b;
}

Backup *backup_new_in(LONG context, bool select_components) {
        Backup *b = backup_alloc();

        ASSERT_OK(IVssBackupComponents_InitializeForBackup(b->api, NULL));
        ASSERT_OK(IVssBackupComponents_SetContext(b->api, context));
        ASSERT_OK(IVssBackupComponents_SetBackupState(b->api, select_components, true, VSS_BT_COPY, true));
        return b;
}

Backup *backup_new(void) {
        return backup_new_in(VSS_CTX_BACKUP, true);
}

Backup *backup_new_for_restore(const wchar_t *document) {
        Backup *b = backup_alloc();
        BSTR text = SysAllocString(document);

        ASSERT_OK(IVssBackupComponents_InitializeForRestore(b->api, text));
        SysFreeString(text);
        return b;
}

Backup *backup_free(Backup *b) {
        if (!b)
                return NULL;
        IVssBackupComponentsEx3_Release(b->api3);
        IVssBackupComponents_Release(b->api);
        free(b);
        return NULL;
}

HRESULT settle(HRESULT hr, IVssAsync *async) {
        HRESULT status = S_OK;

        if (FAILED(hr))
                return hr;
        hr = IVssAsync_Wait(async, INFINITE);
        if (SUCCEEDED(hr))
                hr = IVssAsync_QueryStatus(async, &status, NULL);
        IVssAsync_Release(async);
        return FAILED(hr) ? hr : FAILED(status) ? status : S_OK;
}

#define SETTLED(method, b)                                                     \
        ({                                                                     \
                IVssAsync *async = NULL;                                       \
                HRESULT begun = IVssBackupComponents_##method((b)->api, &async); \
                settle(begun, async);                                            \
        })

HRESULT backup_gather(Backup *b) {
        return SETTLED(GatherWriterMetadata, b);
}

UINT backup_writer_count(Backup *b) {
        UINT n = 0;

        ASSERT_OK(IVssBackupComponents_GetWriterMetadataCount(b->api, &n));
        return n;
}

static void select_writer(Backup *b, UINT i) {
        IVssExamineWriterMetadata *metadata = NULL;
        VSS_ID instance, id;
        VSS_USAGE_TYPE usage;
        VSS_SOURCE_TYPE source;
        BSTR name = NULL;

        ASSERT_OK(IVssBackupComponents_GetWriterMetadata(b->api, i, &instance, &metadata));
        ASSERT_OK(IVssExamineWriterMetadata_GetIdentity(metadata, &instance, &id, &name, &usage, &source));
        if (wcscmp(name, L"idle") != 0)
                ASSERT_OK(IVssBackupComponents_AddComponent(b->api, instance, id, VSS_CT_FILEGROUP, NULL, L"data"));
        SysFreeString(name);
        IVssExamineWriterMetadata_Release(metadata);
}

HRESULT backup_select(Backup *b, const char *volume) {
        _cleanup_(freep) char *with_slash = NULL;
        _cleanup_(freep) WCHAR *wide = NULL;
        HRESULT hr;

        for (UINT i = 0, n = backup_writer_count(b); i < n; ++i)
                select_writer(b, i);
        assert_int_equal(format_to(&with_slash, "%s/", volume), 0);
        assert_int_equal(wide_from_utf8(with_slash, &wide), 0);
        hr = IVssBackupComponents_StartSnapshotSet(b->api, &b->set);
        if (SUCCEEDED(hr))
                hr = IVssBackupComponents_AddToSnapshotSet(b->api, wide, fake_provider, &b->snapshot);
        if (FAILED(hr))
                print_error("0x%08x %s\n", (unsigned) hr, umbra_last_error());
        return hr;
}

HRESULT backup_prepare(Backup *b) {
        return SETTLED(PrepareForBackup, b);
}

HRESULT backup_create(Backup *b) {
        return SETTLED(DoSnapshotSet, b);
}

HRESULT backup_complete(Backup *b) {
        return SETTLED(BackupComplete, b);
}

HRESULT backup_run(Backup *b, const char *volume) {
        HRESULT hr;

        hr = backup_gather(b);
        if (SUCCEEDED(hr))
                hr = backup_select(b, volume);
        if (SUCCEEDED(hr))
                hr = backup_prepare(b);
        if (SUCCEEDED(hr))
                hr = backup_create(b);
        return hr;
}

static const char *state_name(VSS_WRITER_STATE s) {
        static const char *const names[VSS_WS_COUNT] = {
                [VSS_WS_UNKNOWN] = "UNKNOWN",
                [VSS_WS_STABLE] = "STABLE",
                [VSS_WS_WAITING_FOR_FREEZE] = "WAITING_FOR_FREEZE",
                [VSS_WS_WAITING_FOR_THAW] = "WAITING_FOR_THAW",
                [VSS_WS_WAITING_FOR_POST_SNAPSHOT] = "WAITING_FOR_POST_SNAPSHOT",
                [VSS_WS_WAITING_FOR_BACKUP_COMPLETE] = "WAITING_FOR_BACKUP_COMPLETE",
                [VSS_WS_FAILED_AT_IDENTIFY] = "FAILED_AT_IDENTIFY",
                [VSS_WS_FAILED_AT_PREPARE_BACKUP] = "FAILED_AT_PREPARE_BACKUP",
                [VSS_WS_FAILED_AT_PREPARE_SNAPSHOT] = "FAILED_AT_PREPARE_SNAPSHOT",
                [VSS_WS_FAILED_AT_FREEZE] = "FAILED_AT_FREEZE",
                [VSS_WS_FAILED_AT_THAW] = "FAILED_AT_THAW",
                [VSS_WS_FAILED_AT_POST_SNAPSHOT] = "FAILED_AT_POST_SNAPSHOT",
                [VSS_WS_FAILED_AT_BACKUP_COMPLETE] = "FAILED_AT_BACKUP_COMPLETE",
                [VSS_WS_FAILED_AT_PRE_RESTORE] = "FAILED_AT_PRE_RESTORE",
                [VSS_WS_FAILED_AT_POST_RESTORE] = "FAILED_AT_POST_RESTORE",
                [VSS_WS_FAILED_AT_BACKUPSHUTDOWN] = "FAILED_AT_BACKUPSHUTDOWN",
        };

        return names[s] ?: "?";
}

/* NULL: it is another writer's. */
static char *status_text(Backup *b, UINT i, const wchar_t *writer) {
        HRESULT hr, hr_ex, hr_application;
        VSS_WRITER_STATE state, state_ex;
        VSS_ID instance, id;
        BSTR name = NULL, name_ex = NULL, message = NULL;
        char *text = NULL;

        ASSERT_OK(IVssBackupComponents_GetWriterStatus(b->api, i, &instance, &id, &name, &state, &hr));
        ASSERT_OK(IVssBackupComponentsEx3_GetWriterStatusEx(b->api3, i, &instance, &id, &name_ex, &state_ex, &hr_ex, &hr_application,
                                                            &message));
        assert_int_equal(state, state_ex);
        assert_int_equal(hr, hr_ex);
        assert_int_equal(wcscmp(name, name_ex), 0);
        if (wcscmp(name, writer) == 0) {
                _cleanup_(freep) char *message_text = NULL;

                assert_int_equal(utf8_from_wide(message, &message_text), 0);
                assert_int_equal(format_to(&text, "%s %s 0x%x %s", state_name(state), hresult_name(hr), (unsigned) hr_application,
                                           message_text ?: ""),
                                 0);
        }
        SysFreeString(message);
        SysFreeString(name_ex);
        SysFreeString(name);
        return text;
}

char *backup_status(Backup *b, const wchar_t *writer) {
        char *text = NULL;
        UINT n = 0;

        ASSERT_OK(SETTLED(GatherWriterStatus, b));
        ASSERT_OK(IVssBackupComponents_GetWriterStatusCount(b->api, &n));
        for (UINT i = 0; i < n && !text; ++i)
                text = status_text(b, i, writer);
        ASSERT_OK(IVssBackupComponents_FreeWriterStatus(b->api));
        return text;
}

void backup_expect_status(Backup *b, const wchar_t *writer, const char *expected) {
        _cleanup_(freep) char *status = backup_status(b, writer);

        assert_non_null(status);
        assert_string_equal(status, expected);
}

IVssComponent *backup_component(Backup *b, const wchar_t *writer) {
        IVssComponent *component = NULL;
        UINT n = 0;

        ASSERT_OK(IVssBackupComponents_GetWriterComponentsCount(b->api, &n));
        for (UINT i = 0; i < n && !component; ++i) {
                IVssWriterComponentsExt *components = NULL;
                VSS_ID instance, id;
                BSTR metadata_name = NULL;

                ASSERT_OK(IVssBackupComponents_GetWriterComponents(b->api, i, &components));
                ASSERT_OK(IVssWriterComponents_GetWriterInfo(&components->components, &instance, &id));
                for (UINT k = 0, m = backup_writer_count(b); k < m; ++k) {
                        IVssExamineWriterMetadata *metadata = NULL;
                        VSS_ID other, ignored;
                        VSS_USAGE_TYPE usage;
                        VSS_SOURCE_TYPE source;

                        ASSERT_OK(IVssBackupComponents_GetWriterMetadata(b->api, k, &other, &metadata));
                        ASSERT_OK(IVssExamineWriterMetadata_GetIdentity(metadata, &other, &ignored, &metadata_name, &usage, &source));
                        if (memcmp(&other, &instance, sizeof(other)) == 0 && wcscmp(metadata_name, writer) == 0)
                                ASSERT_OK(IVssWriterComponents_GetComponent(&components->components, 0, &component));
                        SysFreeString(metadata_name);
                        IVssExamineWriterMetadata_Release(metadata);
                }
                IUnknown_Release(&components->unknown);
        }
        return component;
}

BSTR backup_document(Backup *b) {
        BSTR text = NULL;

        ASSERT_OK(IVssBackupComponents_SaveAsXML(b->api, &text));
        return text;
}

void restore_from(const wchar_t *document, VSS_ID writer_id, const wchar_t *writer) {
        Backup *b = backup_new_for_restore(document);
        IVssAsync *async = NULL;
        HRESULT hr;

        ASSERT_OK(IVssBackupComponents_SetRestoreState(b->api, VSS_RTYPE_BY_COPY));
        assert_int_equal(backup_gather(b), S_OK);
        ASSERT_OK(IVssBackupComponents_SetSelectedForRestore(b->api, writer_id, VSS_CT_FILEGROUP, NULL, L"data", true));
        hr = IVssBackupComponents_PreRestore(b->api, &async);
        assert_int_equal(settle(hr, async), S_OK);
        hr = IVssBackupComponents_PostRestore(b->api, &async);
        assert_int_equal(settle(hr, async), S_OK);
        backup_expect_status(b, writer, "STABLE S_OK 0x0 ");
        facts_check_restore(backup_component(b, writer));
        backup_free(b);
}
