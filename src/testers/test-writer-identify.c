/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What the Test Writer Says About Itself
 *
 * The configuration, element by element, as calls of IVssCreateWriterMetadata.
 */

#include "testers/test-writer.h"
#include "testers/vss-text.h"

/* What is being described, and where in the configuration that stands. */
typedef struct Identity {
        IVssCreateWriterMetadataEx *metadata;
        const ConfigNode *at;
} Identity;

#define METADATA(i, method, ...) IVssCreateWriterMetadataEx_##method((i)->metadata, __VA_ARGS__)

static HRESULT add_file(Identity *i, const Component *c, const FileSpec *f, LPCWSTR logical_path, LPCWSTR name) {
        _cleanup_(freep) WCHAR *path = text_to_wide(f->path), *spec = text_to_wide(f->filespec);
        _cleanup_(freep) WCHAR *alternate = text_to_wide(f->alternate);

        i->at = &f->node;
        if (c->type == VSS_CT_DATABASE)
                return METADATA(i, AddDatabaseFiles, logical_path, name, path, spec, f->mask);
        return METADATA(i, AddFilesToFileGroup, logical_path, name, path, spec, f->recursive, alternate, f->mask);
}

static HRESULT add_log_file(Identity *i, const FileSpec *f, LPCWSTR logical_path, LPCWSTR name) {
        _cleanup_(freep) WCHAR *path = text_to_wide(f->path), *spec = text_to_wide(f->filespec);

        i->at = &f->node;
        return METADATA(i, AddDatabaseLogFiles, logical_path, name, path, spec, f->mask);
}

static HRESULT add_dependency(Identity *i, const Dependency *d, LPCWSTR logical_path, LPCWSTR name) {
        _cleanup_(freep) WCHAR *on_path = text_to_wide(d->logical_path), *on_name = text_to_wide(d->name);

        i->at = &d->node;
        return METADATA(i, AddComponentDependency, logical_path, name, d->writer_id, on_path, on_name);
}

static DWORD component_flags(const Component *c) {
        return (c->backup_recovery ? VSS_CF_BACKUP_RECOVERY : 0U) |
               (c->rollback_recovery ? VSS_CF_APP_ROLLBACK_RECOVERY : 0U) |
               (c->not_system_state ? VSS_CF_NOT_SYSTEM_STATE : 0U);
}

/* The elements of one name, until one is not taken. */
#define WHILE_TAKEN(it, list, hr) \
        for (typeof(({ (list); })) it = (list); it && SUCCEEDED(hr); it = (typeof(it)) (void *) it->node.next)

static HRESULT add_component(Identity *i, const Component *c) {
        _cleanup_(freep) WCHAR *logical_path = text_to_wide(c->logical_path), *name = text_to_wide(c->name);
        _cleanup_(freep) WCHAR *caption = text_to_wide(c->caption);
        HRESULT hr;

        i->at = &c->node;
        hr = METADATA(i, AddComponent, (VSS_COMPONENT_TYPE) c->type, logical_path, name, caption, NULL, 0,
                      c->restore_metadata, c->notify_on_backup_complete, c->selectable,
                      c->selectable_for_restore, component_flags(c));
        WHILE_TAKEN(f, c->files, hr)
                hr = add_file(i, c, f, logical_path, name);
        WHILE_TAKEN(f, c->log_files, hr)
                hr = add_log_file(i, f, logical_path, name);
        WHILE_TAKEN(d, c->dependencies, hr)
                hr = add_dependency(i, d, logical_path, name);
        return hr;
}

static HRESULT add_mapping(Identity *i, const FileSpec *f) {
        _cleanup_(freep) WCHAR *path = text_to_wide(f->path), *spec = text_to_wide(f->filespec);
        _cleanup_(freep) WCHAR *alternate = text_to_wide(f->alternate);

        i->at = &f->node;
        return METADATA(i, AddAlternateLocationMapping, path, spec, f->recursive, alternate);
}

static HRESULT set_restore_method(Identity *i, const RestoreMethod *r) {
        _cleanup_(freep) WCHAR *service = text_to_wide(r->service), *procedure = text_to_wide(r->user_procedure);
        HRESULT hr;

        i->at = &r->node;
        hr = METADATA(i, SetRestoreMethod, (VSS_RESTOREMETHOD_ENUM) r->method, service, procedure,
                      (VSS_WRITERRESTORE_ENUM) r->writer_restore, r->reboot_required);
        WHILE_TAKEN(f, r->mappings, hr)
                hr = add_mapping(i, f);
        return hr;
}

static HRESULT add_excluded(Identity *i, const FileSpec *f, bool from_snapshot) {
        _cleanup_(freep) WCHAR *path = text_to_wide(f->path), *spec = text_to_wide(f->filespec);

        i->at = &f->node;
        return from_snapshot ? METADATA(i, AddExcludeFilesFromSnapshot, path, spec, f->recursive) :
                               METADATA(i, AddExcludeFiles, path, spec, f->recursive);
}

HRESULT test_writer_identify(const TestWriterConfig *config,
                             IVssCreateWriterMetadataEx *metadata,
                             const ConfigNode **ret_at) {
        Identity i = { .metadata = metadata, .at = &config->node };
        HRESULT hr;

        hr = METADATA(&i, SetBackupSchema, config->schema);
        if (SUCCEEDED(hr))
                hr = set_restore_method(&i, config->restore_method);
        WHILE_TAKEN(f, config->exclude, hr)
                hr = add_excluded(&i, f, false);
        WHILE_TAKEN(f, config->exclude_from_snapshot, hr)
                hr = add_excluded(&i, f, true);
        WHILE_TAKEN(c, config->components, hr)
                hr = add_component(&i, c);
        *ret_at = i.at;
        return hr;
}
