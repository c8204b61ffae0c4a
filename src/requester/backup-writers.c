/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Asking Writers
 *
 * Which of them take part, what they say of themselves, how they are, and which of their components are
 * taken.
 */

#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "base/bstr.h"
#include "requester/backup-document.h"
#include "requester/operation.h"
#include "view/examine-metadata.h"
#include "view/view-text.h"
#include "wire/last-error.h"
#include "wire/wire-limits.h"

/* Once the writers were asked, choosing among them has no effect, and that is no error.
 * [MS: nf-vsbackup-ivssbackupcomponents-disablewriterclasses] */
static HRESULT select_writers(BackupIface iface,
                              const char *method,
                              WireWriterSelection what,
                              const VSS_ID *ids,
                              UINT n) {
        BackupComponents *b = impl_from_IVssBackupComponentsEx4(iface);
        HRESULT hr;

        if (!ids && n > 0)
                return backup_argument_missing(method);
        if (n > WIRE_IDS_MAX)
                return last_error_set(E_INVALIDARG, "%s() takes at most %u ids.", method, WIRE_IDS_MAX);

        BACKUP_LOCKED(b);

        hr = backup_components_check(b, CALL_SELECT_WRITERS, method);
        if (FAILED(hr))
                return hr;
        if (n == 0 || b->rules.gathered)
                return S_OK;

        return session_proxy_select_writers(b->session, what, ids, n);
}

HRESULT backup_components_DisableWriterClasses(BackupIface iface, const VSS_ID *ids, UINT n) {
        return select_writers(iface, "DisableWriterClasses", WIRE_DISABLE_CLASSES, ids, n);
}

HRESULT backup_components_EnableWriterClasses(BackupIface iface, const VSS_ID *ids, UINT n) {
        return select_writers(iface, "EnableWriterClasses", WIRE_ENABLE_CLASSES, ids, n);
}

HRESULT backup_components_DisableWriterInstances(BackupIface iface, const VSS_ID *ids, UINT n) {
        return select_writers(iface, "DisableWriterInstances", WIRE_DISABLE_INSTANCES, ids, n);
}

/* What a writer said may be nonsense; that is found out by who asks for it, and costs the others nothing. */
static int live_writer_init(LiveWriter *w, const WireWriter *answer, const char *document) {
        w->instance_id = answer->instance_id;
        w->writer_id = answer->writer_id;
        w->size = answer->document_size;
        w->text = calloc_checked(1, w->size + 1);
        if (!w->text)
                return -ENOMEM;

        memcpy(w->text, document, w->size);
        return writer_doc_read(w->text, w->size, &w->doc) == E_OUTOFMEMORY ? -ENOMEM : 0;
}

static HRESULT metadata_finish(BackupComponents *b, sd_bus_message *m) {
        _cleanup_(session_writers_clear) SessionWriters answer = { 0 };
        const char *document;
        HRESULT hr;

        hr = session_proxy_read_writers(m, &answer);
        if (FAILED(hr))
                return hr;

        backup_components_free_writers(b);
        b->writers = calloc_checked(answer.n ?: 1, sizeof(*b->writers));
        if (!b->writers)
                return last_error_set(E_OUTOFMEMORY, NULL);

        document = answer.documents;
        for (size_t i = 0; i < answer.n; ++i) {
                b->n_writers = i + 1;
                if (live_writer_init(b->writers + i, answer.writers + i, document) < 0) {
                        backup_components_free_writers(b);
                        return last_error_set(E_OUTOFMEMORY, NULL);
                }
                document += answer.writers[i].document_size;
        }

        b->rules.gathered = b->rules.has_metadata = true;
        return S_OK;
}

/* [MS: nf-vsbackup-ivssbackupcomponents-gatherwritermetadata] */
HRESULT backup_components_GatherWriterMetadata(BackupIface iface, IVssAsync **ret) {
        static const OperationKind gather = {
                .name = "GatherWriterMetadata",
                .call = CALL_GATHER_WRITER_METADATA,
                .asks_writers = true,
                .success = _SESSION_STATE_INVALID,
                .failure = _SESSION_STATE_INVALID,
                .finish = metadata_finish,
        };

        if (!ret)
                return backup_argument_missing("GatherWriterMetadata");
        *ret = NULL;

        return operation_begin(impl_from_IVssBackupComponentsEx4(iface), &gather, ret);
}

/* [MS: nf-vsbackup-ivssbackupcomponents-getwritermetadatacount] */
HRESULT backup_components_GetWriterMetadataCount(BackupIface iface, UINT *ret_count) {
        BackupComponents *b = impl_from_IVssBackupComponentsEx4(iface);
        HRESULT hr;

        if (!ret_count)
                return backup_argument_missing("GetWriterMetadataCount");
        *ret_count = 0;

        BACKUP_LOCKED(b);

        hr = backup_components_check(b, CALL_GET_WRITER_METADATA, "GetWriterMetadataCount");
        if (FAILED(hr))
                return hr;

        *ret_count = (UINT) b->n_writers;
        return S_OK;
}

static HRESULT get_metadata(BackupIface iface,
                            const char *method,
                            UINT i,
                            VSS_ID *ret_instance_id,
                            IVssExamineWriterMetadataEx2 **ret) {
        BackupComponents *b = impl_from_IVssBackupComponentsEx4(iface);
        _cleanup_(writer_doc_freep) WriterDoc *doc = NULL;
        LiveWriter *w;
        HRESULT hr;

        BACKUP_LOCKED(b);

        hr = backup_components_check(b, CALL_GET_WRITER_METADATA, method);
        if (FAILED(hr))
                return hr;
        if (i >= b->n_writers)
                return last_error_set(VSS_E_OBJECT_NOT_FOUND, "%s(): there is no writer number %u.", method,
                                      (unsigned) i);

        w = b->writers + i;
        hr = writer_doc_read(w->text, w->size, &doc);
        if (hr == VSS_E_CORRUPT_XML_DOCUMENT)
                hr = VSS_E_INVALID_XML_DOCUMENT;
        if (FAILED(hr))
                return last_error_set(hr, NULL);

        hr = examine_metadata_new(doc, ret);
        if (FAILED(hr))
                return last_error_set(hr, NULL);
        TAKE_PTR(doc);

        *ret_instance_id = w->instance_id;
        return S_OK;
}

/* [MS: nf-vsbackup-ivssbackupcomponents-getwritermetadata] */
HRESULT backup_components_GetWriterMetadata(BackupIface iface,
                                            UINT i,
                                            VSS_ID *ret_instance_id,
                                            IVssExamineWriterMetadata **ret) {
        IVssExamineWriterMetadataEx2 *metadata = NULL;
        HRESULT hr;

        if (ret)
                *ret = NULL;
        if (ret_instance_id)
                *ret_instance_id = GUID_NULL;
        if (!ret || !ret_instance_id)
                return backup_argument_missing("GetWriterMetadata");

        hr = get_metadata(iface, "GetWriterMetadata", i, ret_instance_id, &metadata);
        *ret = (IVssExamineWriterMetadata *) metadata;
        return hr;
}

/* [MS: nf-vsbackup-ivssbackupcomponentsex-getwritermetadataex] */
HRESULT backup_components_GetWriterMetadataEx(BackupIface iface,
                                              UINT i,
                                              VSS_ID *ret_instance_id,
                                              IVssExamineWriterMetadataEx **ret) {
        IVssExamineWriterMetadataEx2 *metadata = NULL;
        HRESULT hr;

        if (ret)
                *ret = NULL;
        if (ret_instance_id)
                *ret_instance_id = GUID_NULL;
        if (!ret || !ret_instance_id)
                return backup_argument_missing("GetWriterMetadataEx");

        hr = get_metadata(iface, "GetWriterMetadataEx", i, ret_instance_id, &metadata);
        *ret = (IVssExamineWriterMetadataEx *) metadata;
        return hr;
}

/* The texts go; that there are such writers, and which components they have, is still needed.
 * [MS: nf-vsbackup-ivssbackupcomponents-freewritermetadata] */
HRESULT backup_components_FreeWriterMetadata(BackupIface iface) {
        BackupComponents *b = impl_from_IVssBackupComponentsEx4(iface);
        HRESULT hr;

        BACKUP_LOCKED(b);

        hr = backup_components_check(b, CALL_FREE_WRITER_METADATA, "FreeWriterMetadata");
        if (FAILED(hr))
                return hr;

        for (size_t i = 0; i < b->n_writers; ++i) {
                free(b->writers[i].text);
                b->writers[i].text = NULL;
        }
        b->rules.has_metadata = false;
        return S_OK;
}

static HRESULT add_component(BackupComponents *b, const LiveWriter *live, const WriterDocComponent *wanted) {
        BackupDoc *doc = b->view->doc;
        BackupWriter *w;
        HRESULT hr;

        DOCUMENT_LOCKED(b);

        w = backup_doc_find_writer(doc, &live->instance_id, &live->writer_id);
        if (!w) {
                hr = backup_doc_add_writer(doc, &live->instance_id, &live->writer_id,
                                           live->doc->instance_name, live->doc->backup_schema, &w);
                if (FAILED(hr))
                        return hr;
        }

        hr = doc_extra_check(w->extra);
        if (FAILED(hr))
                return hr;

        return backup_writer_add_component(w, wanted->type, wanted->logical_path, wanted->name, NULL);
}

/* Whether it is selectable is the requester's business: what a wrong choice does is undefined, not refused.
 * [MS: nf-vsbackup-ivssbackupcomponents-addcomponent] */
HRESULT backup_components_AddComponent(BackupIface iface,
                                       VSS_ID instance_id,
                                       VSS_ID writer_id,
                                       VSS_COMPONENT_TYPE type,
                                       LPCWSTR logical_path,
                                       LPCWSTR name) {
        BackupComponents *b = impl_from_IVssBackupComponentsEx4(iface);
        _cleanup_(freep) char *path_text = NULL, *name_text = NULL;
        WriterDocComponent *wanted = NULL;
        LiveWriter *live;
        HRESULT hr;

        if (!name)
                return backup_argument_missing("AddComponent");
        if (type != VSS_CT_DATABASE && type != VSS_CT_FILEGROUP)
                return last_error_set(E_INVALIDARG, "AddComponent(): %d is not a VSS_COMPONENT_TYPE.",
                                      (int) type);

        hr = view_text_from_wide(logical_path, &path_text);
        if (SUCCEEDED(hr))
                hr = view_text_from_wide(name, &name_text);
        if (FAILED(hr))
                return last_error_set(hr, NULL);

        BACKUP_LOCKED(b);

        hr = backup_components_check(b, CALL_ADD_COMPONENT, "AddComponent");
        if (FAILED(hr))
                return hr;

        live = backup_components_find_writer(b, &instance_id, &writer_id);
        if (live && live->doc)
                wanted = writer_doc_find_component(live->doc, type, path_text, name_text);
        if (!wanted)
                return last_error_set(VSS_E_OBJECT_NOT_FOUND,
                                      "AddComponent(): no writer that was asked has a component "
                                      "'%s%s%s'.",
                                      path_text ?: "", path_text ? "\\" : "", name_text);

        hr = add_component(b, live, wanted);
        return FAILED(hr) ? last_error_set(hr, NULL) : S_OK;
}

static HRESULT status_finish(BackupComponents *b, sd_bus_message *m) {
        SessionStatuses answer;
        HRESULT hr;

        hr = session_proxy_read_statuses(m, &answer);
        if (FAILED(hr))
                return hr;

        session_statuses_clear(&b->statuses);
        b->statuses = answer;
        b->rules.has_status = true;
        return S_OK;
}

/* May be called again and again. [MS: nf-vsbackup-ivssbackupcomponents-gatherwriterstatus] */
HRESULT backup_components_GatherWriterStatus(BackupIface iface, IVssAsync **ret) {
        static const OperationKind gather = {
                .name = "GatherWriterStatus",
                .call = CALL_GATHER_WRITER_STATUS,
                .asks_writers = true,
                .success = _SESSION_STATE_INVALID,
                .failure = _SESSION_STATE_INVALID,
                .finish = status_finish,
        };

        if (!ret)
                return backup_argument_missing("GatherWriterStatus");
        *ret = NULL;

        return operation_begin(impl_from_IVssBackupComponentsEx4(iface), &gather, ret);
}

/* [MS: nf-vsbackup-ivssbackupcomponents-getwriterstatuscount] */
HRESULT backup_components_GetWriterStatusCount(BackupIface iface, UINT *ret_count) {
        BackupComponents *b = impl_from_IVssBackupComponentsEx4(iface);
        HRESULT hr;

        if (!ret_count)
                return backup_argument_missing("GetWriterStatusCount");
        *ret_count = 0;

        BACKUP_LOCKED(b);

        hr = backup_components_check(b, CALL_GET_WRITER_STATUS, "GetWriterStatusCount");
        if (FAILED(hr))
                return hr;

        *ret_count = (UINT) b->statuses.n;
        return S_OK;
}

/* [MS: nf-vsbackup-ivssbackupcomponents-freewriterstatus] */
HRESULT backup_components_FreeWriterStatus(BackupIface iface) {
        BackupComponents *b = impl_from_IVssBackupComponentsEx4(iface);
        HRESULT hr;

        BACKUP_LOCKED(b);

        hr = backup_components_check(b, CALL_FREE_WRITER_STATUS, "FreeWriterStatus");
        if (FAILED(hr))
                return hr;

        session_statuses_clear(&b->statuses);
        b->rules.has_status = false;
        return S_OK;
}

/* @ret_failure, @ret_application and @ret_message may be NULL. */
static HRESULT get_status(BackupIface iface,
                          const char *method,
                          UINT i,
                          VSS_ID *ret_instance_id,
                          VSS_ID *ret_writer_id,
                          BSTR *ret_name,
                          VSS_WRITER_STATE *ret_state,
                          HRESULT *ret_failure,
                          HRESULT *ret_application,
                          BSTR *ret_message) {
        BackupComponents *b = impl_from_IVssBackupComponentsEx4(iface);
        _cleanup_(bstr_freep) BSTR name = NULL;
        const WireWriterStatus *status;
        HRESULT hr;

        BACKUP_LOCKED(b);

        hr = backup_components_check(b, CALL_GET_WRITER_STATUS, method);
        if (FAILED(hr))
                return hr;
        if (i >= b->statuses.n)
                return last_error_set(VSS_E_OBJECT_NOT_FOUND, "%s(): there is no writer number %u.", method,
                                      (unsigned) i);

        status = b->statuses.statuses + i;
        if (bstr_from_utf8(status->name ?: "", &name) < 0 ||
            (ret_message && bstr_from_utf8(status->message, ret_message) < 0))
                return last_error_set(E_OUTOFMEMORY, NULL);

        *ret_instance_id = status->instance_id;
        *ret_writer_id = status->writer_id;
        *ret_name = TAKE_PTR(name);
        *ret_state = (VSS_WRITER_STATE) status->state;
        if (ret_failure)
                *ret_failure = status->failure;
        if (ret_application)
                *ret_application = status->failure_application;
        return S_OK;
}

static void clear_status(VSS_ID *ret_instance_id,
                         VSS_ID *ret_writer_id,
                         BSTR *ret_name,
                         VSS_WRITER_STATE *ret_state,
                         HRESULT *ret_failure) {
        if (ret_instance_id)
                *ret_instance_id = GUID_NULL;
        if (ret_writer_id)
                *ret_writer_id = GUID_NULL;
        if (ret_name)
                *ret_name = NULL;
        if (ret_state)
                *ret_state = VSS_WS_UNKNOWN;
        if (ret_failure)
                *ret_failure = S_OK;
}

/* [MS: nf-vsbackup-ivssbackupcomponents-getwriterstatus] */
HRESULT backup_components_GetWriterStatus(BackupIface iface,
                                          UINT i,
                                          VSS_ID *ret_instance_id,
                                          VSS_ID *ret_writer_id,
                                          BSTR *ret_name,
                                          VSS_WRITER_STATE *ret_state,
                                          HRESULT *ret_failure) {
        clear_status(ret_instance_id, ret_writer_id, ret_name, ret_state, ret_failure);
        if (!ret_instance_id || !ret_writer_id || !ret_name || !ret_state || !ret_failure)
                return backup_argument_missing("GetWriterStatus");

        return get_status(iface, "GetWriterStatus", i, ret_instance_id, ret_writer_id, ret_name, ret_state,
                          ret_failure, NULL, NULL);
}

/* Only the first four must be there. [MS: nf-vsbackup-ivssbackupcomponentsex3-getwriterstatusex] */
HRESULT backup_components_GetWriterStatusEx(BackupIface iface,
                                            UINT i,
                                            VSS_ID *ret_instance_id,
                                            VSS_ID *ret_writer_id,
                                            BSTR *ret_name,
                                            VSS_WRITER_STATE *ret_state,
                                            HRESULT *ret_failure,
                                            HRESULT *ret_application,
                                            BSTR *ret_message) {
        clear_status(ret_instance_id, ret_writer_id, ret_name, ret_state, ret_failure);
        if (ret_application)
                *ret_application = S_OK;
        if (ret_message)
                *ret_message = NULL;
        if (!ret_instance_id || !ret_writer_id || !ret_name || !ret_state)
                return backup_argument_missing("GetWriterStatusEx");

        return get_status(iface, "GetWriterStatusEx", i, ret_instance_id, ret_writer_id, ret_name, ret_state,
                          ret_failure, ret_application, ret_message);
}
