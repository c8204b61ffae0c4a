/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Saying something of a Component
 */

#include "requester/component-edit.h"

#include "base/alloc.h"
#include "base/guid.h"
#include "requester/backup-document.h"
#include "view/view-text.h"
#include "wire/last-error.h"

static HRESULT component_missing(const char *method, const char *logical_path, const char *name) {
        return last_error_set(VSS_E_OBJECT_NOT_FOUND,
                              "%s(): the document has no component '%s%s%s' of this writer.", method,
                              logical_path ?: "", logical_path ? "\\" : "", name);
}

static HRESULT edit_all(BackupComponents *b,
                        const char *method,
                        const ComponentKey *key,
                        const char *logical_path,
                        const char *name,
                        ComponentEdit edit,
                        const void *arg) {
        BackupDoc *doc = b->view->doc;
        bool found = false;

        DOCUMENT_LOCKED(b);

        for (size_t i = 0; i < doc->n_writers; ++i) {
                BackupWriter *w = doc->writers[i];
                BackupComponent *c;
                HRESULT hr;

                if (!guid_equal(&w->writer_id, &key->writer_id) ||
                    (!guid_is_null(&key->instance_id) && !guid_equal(&w->instance_id, &key->instance_id)))
                        continue;

                c = backup_writer_find_component(w, key->type, logical_path, name);
                if (!c)
                        continue;
                found = true;

                hr = doc_extra_check(c->extra);
                if (FAILED(hr))
                        return last_error_set(hr, "%s(): the component '%s' is damaged in the document.",
                                              method, name);

                hr = edit(b, w, c, arg);
                if (FAILED(hr))
                        return hr;
        }

        return found ? S_OK : component_missing(method, logical_path, name);
}

HRESULT component_edit(BackupIface iface,
                       SessionCall call,
                       const char *method,
                       const ComponentKey *key,
                       ComponentEdit edit,
                       const void *arg) {
        BackupComponents *b = impl_from_IVssBackupComponentsEx4(iface);
        _cleanup_(freep) char *logical_path = NULL, *name = NULL;
        HRESULT hr;

        if (!key->name)
                return backup_argument_missing(method);
        if (key->type != VSS_CT_DATABASE && key->type != VSS_CT_FILEGROUP)
                return last_error_set(E_INVALIDARG, "%s(): %d is not a VSS_COMPONENT_TYPE.", method,
                                      (int) key->type);

        hr = view_text_from_wide(key->logical_path, &logical_path);
        if (SUCCEEDED(hr))
                hr = view_text_from_wide(key->name, &name);
        if (FAILED(hr))
                return last_error_set(hr, NULL);

        BACKUP_LOCKED(b);

        hr = backup_components_check(b, call, method);
        if (FAILED(hr))
                return hr;

        return edit_all(b, method, key, logical_path, name, edit, arg);
}

/* Methods that set one text of a component. */
typedef struct TextEdit {
        size_t offset; /* of the char * in BackupComponent */
        const char *text;
} TextEdit;

static HRESULT edit_text(BackupComponents *b, BackupWriter *w, BackupComponent *c, const void *arg) {
        const TextEdit *e = arg;

        if (free_and_strdup((char **) ((char *) c + e->offset), e->text) < 0)
                return last_error_set(E_OUTOFMEMORY, NULL);
        return S_OK;
}

/* What @wide says, in UTF-8. */
static HRESULT text_from_argument(const char *method, LPCWSTR wide, char **ret) {
        HRESULT hr;

        if (!wide)
                return backup_argument_missing(method);

        hr = view_text_from_wide(wide, ret);
        return FAILED(hr) ? last_error_set(hr, NULL) : S_OK;
}

HRESULT component_edit_text(BackupIface iface,
                            SessionCall call,
                            const char *method,
                            const ComponentKey *key,
                            size_t offset,
                            LPCWSTR wide) {
        _cleanup_(freep) char *text = NULL;
        HRESULT hr;

        hr = text_from_argument(method, wide, &text);
        if (FAILED(hr))
                return hr;

        return component_edit(iface, call, method, key, edit_text, &(TextEdit){ offset, text });
}

HRESULT component_edit_wide(BackupIface iface,
                            SessionCall call,
                            const char *method,
                            const ComponentKey *key,
                            LPCWSTR wide,
                            ComponentEdit edit) {
        _cleanup_(freep) char *text = NULL;
        HRESULT hr;

        hr = text_from_argument(method, wide, &text);
        if (FAILED(hr))
                return hr;

        return component_edit(iface, call, method, key, edit, text);
}

/* And one yes or no. */
typedef struct FlagEdit {
        size_t offset; /* of the Tristate in BackupComponent */
        bool value;
} FlagEdit;

static HRESULT edit_flag(BackupComponents *b, BackupWriter *w, BackupComponent *c, const void *arg) {
        const FlagEdit *e = arg;

        *(Tristate *) ((char *) c + e->offset) = e->value ? TRI_YES : TRI_NO;
        return S_OK;
}

HRESULT component_edit_flag(BackupIface iface,
                            SessionCall call,
                            const char *method,
                            const ComponentKey *key,
                            size_t offset,
                            bool value) {
        return component_edit(iface, call, method, key, edit_flag, &(FlagEdit){ offset, value });
}
