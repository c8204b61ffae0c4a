/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Components in Reports
 */

#include "testers/describe.h"

#include <stdlib.h>

#include "base/hresult.h"
#include "testers/report.h"
#include "testers/vss-text.h"
#include "testers/words.h"

typedef HRESULT (*TextGetter)(IVssComponent *c, BSTR *ret);

static void add_text(json_t *record, const char *key, HRESULT hr, BSTR bstr) {
        _cleanup_(freep) char *text = text_take(bstr);

        if (hr == S_OK)
                record_text(record, key, text);
}

static void add_from(json_t *record, const char *key, IVssComponent *c, TextGetter get) {
        BSTR text = NULL;
        HRESULT hr = get(c, &text);

        add_text(record, key, hr, text);
}

static json_t *add_to_list(json_t *record, const char *key) {
        json_t *item = json_object();

        (void) json_array_append_new(record_list(record, key), item);
        return item;
}

void describe_filespec(json_t *record, IVssWMFiledesc *f) {
        BSTR path = NULL, spec = NULL, alternate = NULL;
        bool recursive = false;
        HRESULT hr;

        hr = IVssWMFiledesc_GetPath(f, &path);
        add_text(record, "path", hr, path);
        hr = IVssWMFiledesc_GetFilespec(f, &spec);
        add_text(record, "filespec", hr, spec);
        if (IVssWMFiledesc_GetRecursive(f, &recursive) == S_OK)
                record_flag(record, "recursive", recursive);
        hr = IVssWMFiledesc_GetAlternateLocation(f, &alternate);
        add_text(record, "alternatePath", hr, alternate);
}

typedef HRESULT (*FiledescGetter)(IVssComponent *c, UINT i, IVssWMFiledesc **ret);

static void add_filespecs(json_t *record, const char *key, IVssComponent *c, FiledescGetter get, UINT n) {
        for (UINT i = 0; i < n; ++i) {
                IVssWMFiledesc *f = NULL;

                if (FAILED(get(c, i, &f)))
                        continue;
                describe_filespec(add_to_list(record, key), f);
                IVssWMFiledesc_Release(f);
        }
}

static void add_partial_files(json_t *record, IVssComponent *c) {
        UINT n = 0;

        (void) IVssComponent_GetPartialFileCount(c, &n);
        for (UINT i = 0; i < n; ++i) {
                BSTR path = NULL, name = NULL, ranges = NULL, metadata = NULL;
                HRESULT hr = IVssComponent_GetPartialFile(c, i, &path, &name, &ranges, &metadata);
                json_t *item = add_to_list(record, "partialFile");

                add_text(item, "path", hr, path);
                add_text(item, "filename", hr, name);
                add_text(item, "ranges", hr, ranges);
                add_text(item, "metadata", hr, metadata);
        }
}

static void add_differenced_files(json_t *record, IVssComponent *c) {
        UINT n = 0;

        (void) IVssComponent_GetDifferencedFilesCount(c, &n);
        for (UINT i = 0; i < n; ++i) {
                BSTR path = NULL, spec = NULL, lsn = NULL;
                BOOL recursive = FALSE;
                FILETIME time = { 0 };
                HRESULT hr = IVssComponent_GetDifferencedFile(c, i, &path, &spec, &recursive, &lsn, &time);
                json_t *item = add_to_list(record, "differencedFiles");

                add_text(item, "path", hr, path);
                add_text(item, "filespec", hr, spec);
                add_text(item, "lsn", hr, lsn);
                record_flag(item, "recursive", recursive);
                record_number(item, "lastModifyTime",
                              (unsigned long long) time.dwHighDateTime << 32 | time.dwLowDateTime);
        }
}

static void add_directed_targets(json_t *record, IVssComponent *c) {
        static const char *const keys[] = { "sourcePath",      "sourceFilename",      "sourceRanges",
                                            "destinationPath", "destinationFilename", "destinationRanges" };
        UINT n = 0;

        (void) IVssComponent_GetDirectedTargetCount(c, &n);
        for (UINT i = 0; i < n; ++i) {
                BSTR texts[ELEMENTSOF(keys)] = { NULL };
                HRESULT hr = IVssComponent_GetDirectedTarget(c, i, &texts[0], &texts[1], &texts[2],
                                                             &texts[3], &texts[4], &texts[5]);
                json_t *item = add_to_list(record, "directedTarget");

                for (size_t k = 0; k < ELEMENTSOF(keys); ++k)
                        add_text(item, keys[k], hr, texts[k]);
        }
}

static void add_subcomponents(json_t *record, IVssComponent *c) {
        UINT n = 0;

        (void) IVssComponent_GetRestoreSubcomponentCount(c, &n);
        for (UINT i = 0; i < n; ++i) {
                BSTR path = NULL, name = NULL;
                bool repair = false;
                HRESULT hr = IVssComponent_GetRestoreSubcomponent(c, i, &path, &name, &repair);
                json_t *item = add_to_list(record, "restoreSubcomponent");

                add_text(item, "logicalPath", hr, path);
                add_text(item, "componentName", hr, name);
                record_flag(item, "repair", repair);
        }
}

/* yes, no, or not said at all */
static void add_answer(json_t *record, const char *key, HRESULT hr, bool answer) {
        if (hr == S_OK)
                record_text(record, key, answer ? "yes" : "no");
}

static void add_state(json_t *record, IVssComponent *c) {
        VSS_FILE_RESTORE_STATUS status = VSS_RS_UNDEFINED;
        VSS_RESTORE_TARGET target = VSS_RT_UNDEFINED;
        bool answer = false;
        HRESULT hr;

        hr = IVssComponent_GetBackupSucceeded(c, &answer);
        add_answer(record, "backupSucceeded", hr, answer);
        hr = IVssComponent_IsSelectedForRestore(c, &answer);
        add_answer(record, "selectedForRestore", answer ? hr : S_FALSE, answer);
        hr = IVssComponent_GetAdditionalRestores(c, &answer);
        add_answer(record, "additionalRestores", hr, answer);
        if (IVssComponent_GetRestoreTarget(c, &target) == S_OK && target != VSS_RT_ORIGINAL)
                record_text(record, "restoreTarget", word_of(restore_target_words, (int) target));
        if (IVssComponent_GetFileRestoreStatus(c, &status) == S_OK && status != VSS_RS_UNDEFINED)
                record_text(record, "fileRestoreStatus", word_of(restore_status_words, (int) status));
}

static void add_failure(json_t *record, IVssComponentEx2 *c) {
        HRESULT hr = S_OK, hr_application = S_OK;
        BSTR message = NULL;
        DWORD reserved;

        if (FAILED(IVssComponentEx2_GetFailure(c, &hr, &hr_application, &message, &reserved)) ||
            hr == S_OK) {
                SysFreeString(message);
                return;
        }
        record_text(record, "failure", hresult_name(hr));
        if (hr_application != S_OK)
                record_format(record, "failureApplication", "0x%08x", (unsigned) hr_application);
        add_text(record, "failureMessage", S_OK, message);
}

static void add_extensions(json_t *record, IVssComponentEx2 *c) {
        VSS_ROLLFORWARD_TYPE type = VSS_RF_UNDEFINED;
        BSTR text = NULL;
        bool authoritative = false;
        HRESULT hr;

        if (IVssComponentEx2_GetAuthoritativeRestore(c, &authoritative) == S_OK)
                record_flag(record, "authoritativeRestore", authoritative);
        hr = IVssComponentEx2_GetRollForward(c, &type, &text);
        if (hr == S_OK && type != VSS_RF_UNDEFINED)
                record_text(record, "rollForward", word_of(roll_forward_words, (int) type));
        add_text(record, "rollForwardPoint", hr, text);
        text = NULL;
        hr = IVssComponentEx2_GetRestoreName(c, &text);
        add_text(record, "restoreName", hr, text);
        text = NULL;
        hr = IVssComponentEx2_GetPrepareForBackupFailureMsg(c, &text);
        add_text(record, "prepareForBackupFailureMsg", hr, text);
        text = NULL;
        hr = IVssComponentEx2_GetPostSnapshotFailureMsg(c, &text);
        add_text(record, "postSnapshotFailureMsg", hr, text);
        add_failure(record, c);
}

json_t *describe_component(IVssComponent *c) {
        VSS_COMPONENT_TYPE type = VSS_CT_UNDEFINED;
        json_t *record = json_object();
        IVssComponentEx2 *ex = NULL;
        UINT n_mappings = 0, n_targets = 0;

        (void) IVssComponent_GetComponentType(c, &type);
        record_text(record, "componentType", word_of(component_type_words, (int) type));
        add_from(record, "logicalPath", c, c->lpVtbl->GetLogicalPath);
        add_from(record, "componentName", c, c->lpVtbl->GetComponentName);
        add_state(record, c);
        add_from(record, "backupMetadata", c, c->lpVtbl->GetBackupMetadata);
        add_from(record, "backupStamp", c, c->lpVtbl->GetBackupStamp);
        add_from(record, "previousBackupStamp", c, c->lpVtbl->GetPreviousBackupStamp);
        add_from(record, "backupOptions", c, c->lpVtbl->GetBackupOptions);
        add_from(record, "restoreOptions", c, c->lpVtbl->GetRestoreOptions);
        add_from(record, "restoreMetadata", c, c->lpVtbl->GetRestoreMetadata);
        add_from(record, "preRestoreFailureMsg", c, c->lpVtbl->GetPreRestoreFailureMsg);
        add_from(record, "postRestoreFailureMsg", c, c->lpVtbl->GetPostRestoreFailureMsg);
        if (IVssComponent_QueryInterface(c, &IID_IVssComponentEx2, (void **) &ex) == S_OK) {
                add_extensions(record, ex);
                IVssComponentEx2_Release(ex);
        }
        (void) IVssComponent_GetAlternateLocationMappingCount(c, &n_mappings);
        add_filespecs(record, "alternateLocationMapping", c, c->lpVtbl->GetAlternateLocationMapping,
                      n_mappings);
        (void) IVssComponent_GetNewTargetCount(c, &n_targets);
        add_filespecs(record, "newTarget", c, c->lpVtbl->GetNewTarget, n_targets);
        add_partial_files(record, c);
        add_differenced_files(record, c);
        add_directed_targets(record, c);
        add_subcomponents(record, c);
        return record;
}
