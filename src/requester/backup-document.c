/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The Document of a Backup
 *
 * Methods that only read or change the Backup Components Document, here in the requester's process. umbrad
 * gets it with the next operation. What single components are told is in component-choices.c and
 * component-files.c.
 */

#include "requester/backup-document.h"

#include <errno.h>
#include <string.h>

#include "base/bstr.h"
#include "base/guid.h"
#include "view/writer-components.h"
#include "wire/last-error.h"

/* Whether malformed or no such document, the page knows one code. NULL is a new document.
 * [MS: nf-vsbackup-ivssbackupcomponents-initializeforrestore] */
static HRESULT document_from_xml(BSTR xml, BackupDoc **ret) {
        _cleanup_(freep) char *text = NULL;
        HRESULT hr;
        int r;

        if (!xml)
                return backup_doc_new(ret) < 0 ? last_error_set(E_OUTOFMEMORY, NULL) : S_OK;

        r = utf8_from_bstr(xml, &text);
        if (r == -ENOMEM)
                return last_error_set(E_OUTOFMEMORY, NULL);

        hr = r < 0 ? VSS_E_INVALID_XML_DOCUMENT : backup_doc_read(text, strlen(text), ret);
        if (hr == VSS_E_CORRUPT_XML_DOCUMENT || hr == VSS_E_INVALID_XML_DOCUMENT)
                return last_error_set(VSS_E_INVALID_XML_DOCUMENT,
                                      "The text is not a Backup Components Document as "
                                      "SaveAsXML() gives it.");

        return FAILED(hr) ? last_error_set(hr, NULL) : S_OK;
}

static HRESULT initialize(BackupComponents *b, BSTR xml, WireSessionKind kind, SessionState state) {
        _cleanup_(backup_doc_freep) BackupDoc *doc = NULL;
        HRESULT hr;

        hr = document_from_xml(xml, &doc);
        if (FAILED(hr))
                return hr;

        hr = session_proxy_initialize(b->session, kind, b->rules.context);
        if (FAILED(hr))
                return hr;

        if (b->rules.state != SESSION_NEW) /* another thread was faster */
                return last_error_set(VSS_E_BAD_STATE, NULL);

        hr = backup_components_set_document(b, doc);
        if (FAILED(hr))
                return hr;
        TAKE_PTR(doc);

        (void) session_rules_enter(&b->rules, state);
        view_owner_set_rights(b->view, backup_components_view_rights(b));
        return S_OK;
}

/* [MS: nf-vsbackup-ivssbackupcomponents-initializeforbackup] */
HRESULT backup_components_InitializeForBackup(BackupIface iface, BSTR xml) {
        BackupComponents *b = impl_from_IVssBackupComponentsEx4(iface);
        HRESULT hr;

        BACKUP_LOCKED(b);

        hr = backup_components_check(b, CALL_INITIALIZE_FOR_BACKUP, "InitializeForBackup");
        if (FAILED(hr))
                return hr;

        return initialize(b, xml, WIRE_SESSION_BACKUP, SESSION_BACKUP);
}

/* [MS: nf-vsbackup-ivssbackupcomponents-initializeforrestore] */
HRESULT backup_components_InitializeForRestore(BackupIface iface, BSTR xml) {
        BackupComponents *b = impl_from_IVssBackupComponentsEx4(iface);
        HRESULT hr;

        if (!xml)
                return backup_argument_missing("InitializeForRestore");

        BACKUP_LOCKED(b);

        hr = backup_components_check(b, CALL_INITIALIZE_FOR_RESTORE, "InitializeForRestore");
        if (FAILED(hr))
                return hr;

        return initialize(b, xml, WIRE_SESSION_RESTORE, SESSION_RESTORE);
}

/* The state stands at the head of the document, and one that is damaged is not written over. */
static HRESULT check_head(const BackupDoc *doc, const char *method) {
        HRESULT hr = doc_extra_check(doc->extra);

        return FAILED(hr) ? last_error_set(hr, "%s(): the head of the document is damaged.", method) : S_OK;
}

/* [MS: nf-vsbackup-ivssbackupcomponents-setbackupstate] */
HRESULT backup_components_SetBackupState(BackupIface iface,
                                         bool select_components,
                                         bool bootable_system_state,
                                         VSS_BACKUP_TYPE type,
                                         bool partial_file_support) {
        BackupComponents *b = impl_from_IVssBackupComponentsEx4(iface);
        BackupDoc *doc;
        HRESULT hr;

        if (type <= VSS_BT_UNDEFINED || type > VSS_BT_OTHER)
                return last_error_set(E_INVALIDARG, "%d is not a VSS_BACKUP_TYPE.", (int) type);

        BACKUP_LOCKED(b);

        hr = backup_components_check(b, CALL_SET_BACKUP_STATE, "SetBackupState");
        if (FAILED(hr))
                return hr;

        DOCUMENT_LOCKED(b);

        doc = b->view->doc;
        hr = check_head(doc, "SetBackupState");
        if (FAILED(hr))
                return hr;
        doc->has_state = true;
        doc->select_components = select_components;
        doc->bootable_system_state = bootable_system_state;
        doc->backup_type = type;
        doc->partial_file_support = partial_file_support;
        b->rules.has_state = true;
        return S_OK;
}

/* [MS: nf-vsbackup-ivssbackupcomponents-setrestorestate] */
HRESULT backup_components_SetRestoreState(BackupIface iface, VSS_RESTORE_TYPE type) {
        BackupComponents *b = impl_from_IVssBackupComponentsEx4(iface);
        HRESULT hr;

        if (type < VSS_RTYPE_UNDEFINED || type > VSS_RTYPE_OTHER)
                return last_error_set(E_INVALIDARG, "%d is not a VSS_RESTORE_TYPE.", (int) type);

        BACKUP_LOCKED(b);

        hr = backup_components_check(b, CALL_SET_RESTORE_STATE, "SetRestoreState");
        if (FAILED(hr))
                return hr;

        DOCUMENT_LOCKED(b);

        hr = check_head(b->view->doc, "SetRestoreState");
        if (FAILED(hr))
                return hr;
        b->view->doc->restore_type = type;
        return S_OK;
}

/* The document is here and outlives umbrad, unless the end came while writers wrote in it: then it looks
 * complete and is not. [MS: nf-vsbackup-ivssbackupcomponents-saveasxml] */
HRESULT backup_components_SaveAsXML(BackupIface iface, BSTR *ret_xml) {
        BackupComponents *b = impl_from_IVssBackupComponentsEx4(iface);
        _cleanup_(freep) char *text = NULL;
        size_t size;
        HRESULT hr;

        if (!ret_xml)
                return backup_argument_missing("SaveAsXML");
        *ret_xml = NULL;

        BACKUP_LOCKED(b);

        hr = backup_components_check(b, CALL_SAVE_AS_XML, "SaveAsXML");
        if (FAILED(hr))
                return hr;
        if (b->torn)
                return last_error_set(VSS_E_UNEXPECTED,
                                      "The connection to umbrad was lost in %s(): what the writers said is "
                                      "not in the document.",
                                      b->torn);

        DOCUMENT_LOCKED(b);

        hr = backup_doc_write(b->view->doc, &text, &size);
        if (SUCCEEDED(hr) && bstr_from_utf8(text, ret_xml) < 0)
                hr = E_OUTOFMEMORY;
        return FAILED(hr) ? last_error_set(hr, NULL) : S_OK;
}

/* Writers, not components, whatever its parameter is called on Windows; and only those that have some.
 * [MS: nf-vsbackup-ivssbackupcomponents-getwritercomponentscount] */
HRESULT backup_components_GetWriterComponentsCount(BackupIface iface, UINT *ret_count) {
        BackupComponents *b = impl_from_IVssBackupComponentsEx4(iface);
        HRESULT hr;

        if (!ret_count)
                return backup_argument_missing("GetWriterComponentsCount");
        *ret_count = 0;

        BACKUP_LOCKED(b);

        hr = backup_components_check(b, CALL_GET_WRITER_COMPONENTS, "GetWriterComponentsCount");
        if (FAILED(hr))
                return hr;

        DOCUMENT_LOCKED(b);

        for (size_t i = 0; i < b->view->doc->n_writers; ++i)
                if (b->view->doc->writers[i]->n_components > 0)
                        ++*ret_count;
        return S_OK;
}

/* NULL: there are not so many. */
static BackupWriter *nth_writer(BackupDoc *doc, UINT n) {
        for (size_t i = 0; i < doc->n_writers; ++i)
                if (doc->writers[i]->n_components > 0 && n-- == 0)
                        return doc->writers[i];

        return NULL;
}

/* [MS: nf-vsbackup-ivssbackupcomponents-getwritercomponents] */
HRESULT backup_components_GetWriterComponents(BackupIface iface, UINT i, IVssWriterComponentsExt **ret) {
        BackupComponents *b = impl_from_IVssBackupComponentsEx4(iface);
        BackupWriter *writer;
        HRESULT hr;

        if (!ret)
                return backup_argument_missing("GetWriterComponents");
        *ret = NULL;

        BACKUP_LOCKED(b);

        hr = backup_components_check(b, CALL_GET_WRITER_COMPONENTS, "GetWriterComponents");
        if (FAILED(hr))
                return hr;

        {
                DOCUMENT_LOCKED(b);

                writer = nth_writer(b->view->doc, i);
        }
        if (!writer)
                return last_error_set(VSS_E_OBJECT_NOT_FOUND, "The document has no writer number %u.",
                                      (unsigned) i);

        hr = writer_components_ext_new(b->view, writer, ret);
        return FAILED(hr) ? last_error_set(hr, NULL) : S_OK;
}

static HRESULT finish(BackupComponents *b, sd_bus_message *m, SessionDocument kind) {
        _cleanup_(backup_doc_freep) BackupDoc *doc = NULL;
        _cleanup_(freep) char *text = NULL;
        size_t size;
        HRESULT hr;

        hr = session_proxy_read_document(m, kind, &text, &size);
        if (FAILED(hr) || !text)
                return hr;

        hr = backup_doc_read(text, size, &doc);
        if (FAILED(hr))
                return last_error_set(hr == E_OUTOFMEMORY ? hr : VSS_E_UNEXPECTED,
                                      "The document that umbrad sent back "
                                      "cannot be read.");

        hr = backup_components_set_document(b, doc);
        if (SUCCEEDED(hr))
                TAKE_PTR(doc);
        return hr;
}

HRESULT backup_document_finish(BackupComponents *b, sd_bus_message *m) {
        return finish(b, m, DOCUMENT_REQUIRED);
}

HRESULT backup_document_finish_optional(BackupComponents *b, sd_bus_message *m) {
        return finish(b, m, DOCUMENT_OPTIONAL);
}
