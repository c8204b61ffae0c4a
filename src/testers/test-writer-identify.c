/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What the Test Writer Says About Itself
 *
 * The configuration, element by element, as calls of IVssCreateWriterMetadata.
 */

#include "testers/test-writer.h"
#include "testers/vss-text.h"

typedef IVssCreateWriterMetadataEx *Metadata;

static HRESULT add_file(Metadata m,
                        const Component *c,
                        const FileSpec *f,
                        const WCHAR *logical_path,
                        const WCHAR *name) {
        _cleanup_(freep) WCHAR *path = text_to_wide(f->path), *spec = text_to_wide(f->filespec);
        _cleanup_(freep) WCHAR *alternate = text_to_wide(f->alternate);

        if (c->type == VSS_CT_DATABASE)
                return IVssCreateWriterMetadataEx_AddDatabaseFiles(m, logical_path, name, path, spec,
                                                                   f->mask);
        return IVssCreateWriterMetadataEx_AddFilesToFileGroup(m, logical_path, name, path, spec,
                                                              f->recursive, alternate, f->mask);
}

static HRESULT add_log_file(Metadata m, const FileSpec *f, const WCHAR *logical_path, const WCHAR *name) {
        _cleanup_(freep) WCHAR *path = text_to_wide(f->path), *spec = text_to_wide(f->filespec);

        return IVssCreateWriterMetadataEx_AddDatabaseLogFiles(m, logical_path, name, path, spec, f->mask);
}

static HRESULT add_dependency(Metadata m,
                              const Dependency *d,
                              const WCHAR *logical_path,
                              const WCHAR *name) {
        _cleanup_(freep) WCHAR *on_path = text_to_wide(d->logical_path), *on_name = text_to_wide(d->name);

        return IVssCreateWriterMetadataEx_AddComponentDependency(m, logical_path, name, d->writer_id,
                                                                 on_path, on_name);
}

static DWORD component_flags(const Component *c) {
        return (c->backup_recovery ? VSS_CF_BACKUP_RECOVERY : 0U) |
               (c->rollback_recovery ? VSS_CF_APP_ROLLBACK_RECOVERY : 0U) |
               (c->not_system_state ? VSS_CF_NOT_SYSTEM_STATE : 0U);
}

static HRESULT add_component(Metadata m, const Component *c) {
        _cleanup_(freep) WCHAR *logical_path = text_to_wide(c->logical_path), *name = text_to_wide(c->name);
        _cleanup_(freep) WCHAR *caption = text_to_wide(c->caption);
        HRESULT hr;

        hr = IVssCreateWriterMetadataEx_AddComponent(
                m, (VSS_COMPONENT_TYPE) c->type, logical_path, name, caption, NULL, 0, c->restore_metadata,
                c->notify_on_backup_complete, c->selectable, c->selectable_for_restore, component_flags(c));
        for (const FileSpec *f = c->files; f && SUCCEEDED(hr); f = (const FileSpec *) f->node.next)
                hr = add_file(m, c, f, logical_path, name);
        for (const FileSpec *f = c->log_files; f && SUCCEEDED(hr); f = (const FileSpec *) f->node.next)
                hr = add_log_file(m, f, logical_path, name);
        for (const Dependency *d = c->dependencies; d && SUCCEEDED(hr);
             d = (const Dependency *) d->node.next)
                hr = add_dependency(m, d, logical_path, name);
        return hr;
}

static HRESULT add_mapping(Metadata m, const FileSpec *f) {
        _cleanup_(freep) WCHAR *path = text_to_wide(f->path), *spec = text_to_wide(f->filespec);
        _cleanup_(freep) WCHAR *alternate = text_to_wide(f->alternate);

        return IVssCreateWriterMetadataEx_AddAlternateLocationMapping(m, path, spec, f->recursive,
                                                                      alternate);
}

static HRESULT set_restore_method(Metadata m, const RestoreMethod *r) {
        _cleanup_(freep) WCHAR *service = text_to_wide(r->service),
                               *procedure = text_to_wide(r->user_procedure);
        HRESULT hr;

        hr = IVssCreateWriterMetadataEx_SetRestoreMethod(
                m, (VSS_RESTOREMETHOD_ENUM) r->method, service, procedure,
                (VSS_WRITERRESTORE_ENUM) r->writer_restore, r->reboot_required);
        for (const FileSpec *f = r->mappings; f && SUCCEEDED(hr); f = (const FileSpec *) f->node.next)
                hr = add_mapping(m, f);
        return hr;
}

static HRESULT add_excluded(Metadata m, const FileSpec *f, bool from_snapshot) {
        _cleanup_(freep) WCHAR *path = text_to_wide(f->path), *spec = text_to_wide(f->filespec);

        return from_snapshot ?
                       IVssCreateWriterMetadataEx_AddExcludeFilesFromSnapshot(m, path, spec, f->recursive) :
                       IVssCreateWriterMetadataEx_AddExcludeFiles(m, path, spec, f->recursive);
}

HRESULT test_writer_identify(const TestWriterConfig *config, IVssCreateWriterMetadataEx *m) {
        HRESULT hr;

        hr = IVssCreateWriterMetadataEx_SetBackupSchema(m, config->schema);
        if (SUCCEEDED(hr))
                hr = set_restore_method(m, config->restore_method);
        for (const FileSpec *f = config->exclude; f && SUCCEEDED(hr); f = (const FileSpec *) f->node.next)
                hr = add_excluded(m, f, false);
        for (const FileSpec *f = config->exclude_from_snapshot; f && SUCCEEDED(hr);
             f = (const FileSpec *) f->node.next)
                hr = add_excluded(m, f, true);
        for (const Component *c = config->components; c && SUCCEEDED(hr);
             c = (const Component *) c->node.next)
                hr = add_component(m, c);
        return hr;
}
