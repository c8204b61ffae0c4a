/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What a Handler Is Told
 */

#include "api/writer/facts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include <oleauto.h>

#include "base/alloc.h"
#include "base/guid.h"
#include "base/hresult.h"
#include "base/utf.h"
#include "api/writer/journal.h"
#include "lib/test-util.h"

/* The handlers of one backup come one after the other, and the test looks when they are over. */
static struct {
        WCHAR *volume, *inside;
        VSS_ID session_id, set_id;
        char *device;
} known;

static WCHAR *wide_join(const char *a, const char *b) {
        _cleanup_(freep) char *text = NULL;
        WCHAR *wide = NULL;

        assert_int_equal(format_to(&text, "%s%s", a, b), 0);
        assert_int_equal(wide_from_utf8(text, &wide), 0);
        return wide;
}

void facts_begin(const char *volume) {
        free(known.volume);
        free(known.inside);
        free(known.device);
        memset(&known, 0, sizeof(known));
        if (!volume)
                return;
        known.volume = wide_join(volume, "/");
        known.inside = wide_join(volume, "/data/not there yet");
}

LPCWSTR facts_volume(void) {
        return known.volume;
}

LPCWSTR facts_inside(void) {
        return known.inside;
}

VSS_ID facts_set_id(void) {
        return known.set_id;
}

const char *facts_device(void) {
        return known.device;
}

/* Which id it is: none, the one all events so far had, or another. */
static const char *same_id(VSS_ID *first, const VSS_ID *id) {
        if (guid_is_null(id))
                return "none";
        if (guid_is_null(first))
                *first = *id;
        return guid_equal(first, id) ? "ours" : "another";
}

static const char *volumes_text(const Facts *f) {
        if (f->n_volumes == 0)
                return "none";
        return f->n_volumes == 1 && f->volumes && wcscmp(f->volumes[0], known.volume) == 0 ? "ours" : "others";
}

/* A shadow copy's name does not end in a separator. [MS: pitfall 36] */
static const char *device_text(const Facts *f) {
        size_t n;

        if (FAILED(f->device_hr))
                return f->device ? "not cleared" : hresult_name(f->device_hr);
        free(TAKE_PTR(known.device));
        assert_int_equal(utf8_from_wide(f->device, &known.device), 0);
        n = strlen(known.device);
        return n > 1 && known.device[n - 1] != '/' ? "yes" : "with separator";
}

static void identity_text(const Facts *f, char *text, size_t size) {
        VSS_ID instance, id;
        VSS_USAGE_TYPE usage;
        VSS_SOURCE_TYPE source;
        UINT includes = 0, excludes = 0, components = 0;
        BSTR name = NULL;

        if (f->identity_hr == FACTS_UNASKED) {
                snprintf(text, size, "unasked");
                return;
        }
        if (FAILED(f->identity_hr)) {
                snprintf(text, size, "%s", f->identity ? "not cleared" : hresult_name(f->identity_hr));
                return;
        }
        assert_int_equal(IVssExamineWriterMetadata_GetIdentity(f->identity, &instance, &id, &name, &usage, &source), S_OK);
        assert_int_equal(IVssExamineWriterMetadata_GetFileCounts(f->identity, &includes, &excludes, &components), S_OK);
        snprintf(text, size, "\"%ls\" with %u", name, components);
        SysFreeString(name);
}

static const char *session_text(const Facts *f) {
        if (f->session_hr == FACTS_UNASKED)
                return "unasked";
        return FAILED(f->session_hr) ? hresult_name(f->session_hr) : same_id(&known.session_id, &f->session_id);
}

void facts_tell(const Facts *f) {
        char identity[128];

        identity_text(f, identity, sizeof(identity));
        journal_say("%s: level %d, session %s, set %s, context 0x%x, volumes %s, affected %d%d, flags %d%d%d, types %d %d, device %s, identity %s",
                    f->event, (int) f->level, session_text(f),
                    same_id(&known.set_id, &f->set_id), (unsigned) f->context, volumes_text(f), f->inside, f->outside, f->bootable,
                    f->selected, f->partial, (int) f->backup_type, (int) f->restore_type, device_text(f), identity);
}

static const char facts_of_a_backup[] =
        "Identify: level 3, session ours, set none, context 0x0, volumes none, affected 00, flags 000, types 0 0, "
        "device VSS_E_BAD_STATE, identity VSS_E_BAD_STATE\n"
        "PrepareBackup: level 3, session ours, set ours, context 0x0, volumes none, affected 10, flags 111, types 5 0, "
        "device VSS_E_BAD_STATE, identity \"facts\" with 1\n"
        "PrepareSnapshot: level 3, session ours, set ours, context 0x0, volumes ours, affected 10, flags 111, types 5 0, "
        "device VSS_E_BAD_STATE, identity \"facts\" with 1\n"
        "Freeze: level 3, session ours, set ours, context 0x0, volumes ours, affected 10, flags 111, types 5 0, "
        "device VSS_E_BAD_STATE, identity VSS_E_BAD_STATE\n"
        "Thaw: level 3, session ours, set ours, context 0x0, volumes ours, affected 10, flags 111, types 5 0, "
        "device VSS_E_BAD_STATE, identity VSS_E_BAD_STATE\n"
        "PostSnapshot: level 3, session ours, set ours, context 0x0, volumes ours, affected 10, flags 111, types 5 0, "
        "device yes, identity \"facts\" with 1\n"
        "BackupComplete: level 3, session ours, set ours, context 0x0, volumes none, affected 00, flags 111, types 5 0, "
        "device VSS_E_BAD_STATE, identity VSS_E_BAD_STATE\n"
        "BackupShutdown: level 3, session ours, set none, context 0x0, volumes none, affected 00, flags 111, types 5 0, "
        "device VSS_E_BAD_STATE, identity VSS_E_BAD_STATE\n"
        "over\n";

static const char facts_of_a_restore[] =
        "Identify: level 3, session ours, set none, context 0x0, volumes none, affected 00, flags 000, types 0 0, "
        "device VSS_E_BAD_STATE, identity VSS_E_BAD_STATE\n"
        "PreRestore: level 3, session ours, set none, context 0x0, volumes none, affected 00, flags 111, types 5 1, "
        "device VSS_E_BAD_STATE, identity VSS_E_BAD_STATE\n"
        "PostRestore: level 3, session ours, set none, context 0x0, volumes none, affected 00, flags 111, types 5 1, "
        "device VSS_E_BAD_STATE, identity VSS_E_BAD_STATE\n";

/* @text with every @mark, and what follows it up to one of @ends, replaced. */
static char *replace_all(const char *text, const char *mark, const char *ends, const char *by) {
        char *out = NULL;
        size_t size = 0;
        FILE *f = open_memstream(&out, &size);
        const char *at;

        assert_non_null(f);
        for (; (at = strstr(text, mark)); text = at + strcspn(at, ends)) {
                (void) fwrite(text, 1, (size_t) (at - text), f);
                (void) fputs(by, f);
        }
        (void) fputs(text, f);
        assert_int_equal(fclose(f), 0);
        return out;
}

static void facts_expect(const char *text, bool asks_session, bool asks_identity) {
        _cleanup_(freep) char *expected = strdup(text);

        if (!asks_session) {
                _cleanup_(freep) char *old = TAKE_PTR(expected);

                expected = replace_all(old, "session ", ",", "session unasked");
        }
        if (!asks_identity) {
                _cleanup_(freep) char *old = TAKE_PTR(expected);

                expected = replace_all(old, "identity ", "\n", "identity unasked");
        }
        journal_expect(expected);
}

void facts_expect_backup(bool asks_session, bool asks_identity) {
        facts_expect(facts_of_a_backup, asks_session, asks_identity);
}

void facts_expect_restore(bool asks_session, bool asks_identity) {
        facts_expect(facts_of_a_restore, asks_session, asks_identity);
}

/* The setters */

static IVssComponentEx *component_ex(IVssComponent *c) {
        void *ex = NULL;

        assert_int_equal(IVssComponent_QueryInterface(c, &IID_IVssComponentEx, &ex), S_OK);
        return ex;
}

static HRESULT set_prepare_message(IVssComponent *c) {
        IVssComponentEx *ex = component_ex(c);
        HRESULT hr = IVssComponentEx_SetPrepareForBackupFailureMsg(ex, L"prepare");

        IVssComponentEx_Release(ex);
        return hr;
}

static HRESULT set_post_snapshot_message(IVssComponent *c) {
        IVssComponentEx *ex = component_ex(c);
        HRESULT hr = IVssComponentEx_SetPostSnapshotFailureMsg(ex, L"post");

        IVssComponentEx_Release(ex);
        return hr;
}

static HRESULT set_stamp(IVssComponent *c) {
        return IVssComponent_SetBackupStamp(c, L"stamp");
}

static HRESULT set_backup_metadata(IVssComponent *c) {
        return IVssComponent_SetBackupMetadata(c, L"<mine>&\"");
}

static HRESULT add_partial(IVssComponent *c) {
        return IVssComponent_AddPartialFile(c, L"/srv", L"big", L"0:100", L"m");
}

static HRESULT add_differenced(IVssComponent *c) {
        return IVssComponent_AddDifferencedFilesByLastModifyTime(c, L"/srv", L"*", true, (FILETIME){ 1, 2 });
}

static HRESULT set_restore_metadata(IVssComponent *c) {
        return IVssComponent_SetRestoreMetadata(c, L"restored");
}

static HRESULT set_restore_target(IVssComponent *c) {
        return IVssComponent_SetRestoreTarget(c, VSS_RT_DIRECTED);
}

static HRESULT add_directed(IVssComponent *c) {
        return IVssComponent_AddDirectedTarget(c, L"/a", L"b", L"0:1", L"/c", L"d", L"0:1");
}

static HRESULT set_pre_restore_message(IVssComponent *c) {
        return IVssComponent_SetPreRestoreFailureMsg(c, L"before");
}

static HRESULT set_post_restore_message(IVssComponent *c) {
        return IVssComponent_SetPostRestoreFailureMsg(c, L"after");
}

/* Where each setter works, and where it has been before and works once only. [MS: events.tsv, allowed calls;
 * pitfall 29] */
static const struct {
        const char *name;
        HRESULT (*set)(IVssComponent *c);
        const char *events, *refused;
} setters[] = {
        { "SetBackupMetadata",                   set_backup_metadata,       "PrepareBackup",              "PostSnapshot" },
        { "SetBackupStamp",                      set_stamp,                 "PrepareBackup PostSnapshot", ""             },
        { "AddPartialFile",                      add_partial,               "PrepareBackup PostSnapshot", ""             },
        { "AddDifferencedFilesByLastModifyTime", add_differenced,           "PrepareBackup PostSnapshot", ""             },
        { "SetPrepareForBackupFailureMsg",       set_prepare_message,       "PrepareBackup",              ""             },
        { "SetPostSnapshotFailureMsg",           set_post_snapshot_message, "PostSnapshot",               ""             },
        { "SetRestoreMetadata",                  set_restore_metadata,      "PreRestore",                 ""             },
        { "SetRestoreTarget",                    set_restore_target,        "PreRestore",                 ""             },
        { "AddDirectedTarget",                   add_directed,              "PreRestore",                 ""             },
        { "SetPreRestoreFailureMsg",             set_pre_restore_message,   "PreRestore",                 ""             },
        { "SetPostRestoreFailureMsg",            set_post_restore_message,  "PostRestore",                ""             },
};

void facts_set(const char *event, IVssWriterComponents *components) {
        IVssComponent *c = NULL;
        UINT n = 0;

        if (FAILED(IVssWriterComponents_GetComponentCount(components, &n)) || n != 1 ||
            FAILED(IVssWriterComponents_GetComponent(components, 0, &c))) {
                journal_say("%s has %u components", event, n);
                return;
        }
        for (size_t i = 0; i < ELEMENTSOF(setters); ++i) {
                bool right = strstr(setters[i].events, event), again = strstr(setters[i].refused, event);
                HRESULT hr = setters[i].set(c);

                if (hr != (right ? S_OK : again ? VSS_E_OBJECT_ALREADY_EXISTS : VSS_E_BAD_STATE))
                        journal_say("%s in %s: %s", setters[i].name, event, hresult_name(hr));
        }
        IVssComponent_Release(c);
}

static void expect_text(const char *what, HRESULT hr, BSTR text, const WCHAR *expected) {
        if (hr != S_OK || !text || wcscmp(text, expected) != 0)
                fail_msg("%s is 0x%x '%ls', not '%ls'", what, (unsigned) hr, text ?: L"", expected);
        SysFreeString(text);
}

#define EXPECT_TEXT(c, method, expected)                                  \
        do {                                                              \
                BSTR text_ = NULL;                                        \
                HRESULT hr_ = IVssComponent_##method(c, &text_);          \
                expect_text(#method, hr_, text_, expected);               \
        } while (0)

void facts_check_backup(IVssComponent *c) {
        IVssComponentEx *ex;
        BSTR text = NULL;
        UINT n = 0;
        HRESULT hr;

        assert_non_null(c);
        ex = component_ex(c);
        EXPECT_TEXT(c, GetBackupStamp, L"stamp");
        EXPECT_TEXT(c, GetBackupMetadata, L"<mine>&\"");
        hr = IVssComponentEx_GetPrepareForBackupFailureMsg(ex, &text);
        expect_text("the message of prepare", hr, text, L"prepare");
        hr = IVssComponentEx_GetPostSnapshotFailureMsg(ex, &text);
        expect_text("the message of post", hr, text, L"post");
        assert_int_equal(IVssComponent_GetPartialFileCount(c, &n), S_OK);
        assert_int_equal(n, 2); /* each event added one */
        assert_int_equal(IVssComponent_GetDifferencedFilesCount(c, &n), S_OK);
        assert_int_equal(n, 2);
        IVssComponentEx_Release(ex);
        IVssComponent_Release(c);
}

void facts_check_restore(IVssComponent *c) {
        VSS_RESTORE_TARGET target;
        UINT n = 0;

        assert_non_null(c);
        EXPECT_TEXT(c, GetRestoreMetadata, L"restored");
        EXPECT_TEXT(c, GetPreRestoreFailureMsg, L"before");
        EXPECT_TEXT(c, GetPostRestoreFailureMsg, L"after");
        assert_int_equal(IVssComponent_GetRestoreTarget(c, &target), S_OK);
        assert_int_equal(target, VSS_RT_DIRECTED);
        assert_int_equal(IVssComponent_GetDirectedTargetCount(c, &n), S_OK);
        assert_int_equal(n, 1);
        IVssComponent_Release(c);
}
