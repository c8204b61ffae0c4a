/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What an Express Writer May Say
 */

#include "doc/express-rules.h"

#include <string.h>

#include "base/guid.h"
#include "base/macro.h"

bool express_usage_is_valid(VSS_USAGE_TYPE usage) {
        return usage == VSS_UT_BOOTABLESYSTEMSTATE || usage == VSS_UT_SYSTEMSERVICE ||
               usage == VSS_UT_USERDATA;
}

/* Nobody would recover a shadow copy for it. */
bool express_component_is_valid(VSS_COMPONENT_TYPE type, uint32_t flags) {
        return type == VSS_CT_FILEGROUP &&
               !(flags & (VSS_CF_BACKUP_RECOVERY | VSS_CF_APP_ROLLBACK_RECOVERY));
}

bool express_backup_type_is_valid(uint32_t mask) {
        const uint32_t partial = VSS_FSBT_DIFFERENTIAL_BACKUP_REQUIRED |
                                 VSS_FSBT_INCREMENTAL_BACKUP_REQUIRED | VSS_FSBT_LOG_BACKUP_REQUIRED;

        return mask == (VSS_FSBT_ALL_BACKUP_REQUIRED | VSS_FSBT_ALL_SNAPSHOT_REQUIRED) || !(mask & partial);
}

bool express_path_is_local(const char *path) {
        return strncmp(path, "\\\\", 2) != 0 ||
               strncmp(path, "\\\\?\\Volume{", strlen("\\\\?\\Volume{")) == 0;
}

bool express_restore_method_is_valid(VSS_RESTOREMETHOD_ENUM method, VSS_WRITERRESTORE_ENUM writer_restore) {
        return method != VSS_RME_UNDEFINED && method != VSS_RME_RESTORE_TO_ALTERNATE_LOCATION &&
               method != VSS_RME_CUSTOM && writer_restore == VSS_WRE_NEVER;
}

bool express_schema_is_valid(uint32_t schema) {
        return !(schema & ~(uint32_t) (VSS_BS_COPY | VSS_BS_INDEPENDENT_SYSTEM_STATE));
}

static bool filespecs_are_damaged(const DocFileSpecs *list) {
        for (size_t i = 0; i < list->n; ++i)
                if (doc_extra_is_invalid(list->items[i].extra))
                        return true;
        return false;
}

static bool component_is_damaged(const WriterDocComponent *c) {
        for (size_t i = 0; i < c->n_dependencies; ++i)
                if (doc_extra_is_invalid(c->dependencies[i].extra))
                        return true;
        return doc_extra_is_invalid(c->extra) || filespecs_are_damaged(&c->files) ||
               filespecs_are_damaged(&c->database_files) || filespecs_are_damaged(&c->log_files);
}

/* What is damaged may be read, but it is not registered: it would be so forever. */
static const char *wrong_anywhere(const WriterDoc *d) {
        bool damaged =
                doc_extra_is_invalid(d->extra) || doc_extra_is_invalid(d->identification_extra) ||
                doc_extra_is_invalid(d->restore_method_extra) || doc_extra_is_invalid(d->locations_extra) ||
                filespecs_are_damaged(&d->mappings) || filespecs_are_damaged(&d->include_files) ||
                filespecs_are_damaged(&d->exclude_files) || filespecs_are_damaged(&d->exclude_from_snapshot);

        for (size_t i = 0; i < d->n_components && !damaged; ++i)
                damaged = component_is_damaged(&d->components[i]);
        return damaged ? "a value in it is none, or one that must be there is missing" : NULL;
}

static const char *wrong_in_identity(const WriterDoc *d) {
        if (guid_is_null(&d->writer_id) || guid_is_null(&d->instance_id))
                return "it has no writer id or no instance id";
        if (!d->friendly_name || !*d->friendly_name)
                return "it has no name";
        if (!express_usage_is_valid(d->usage))
                return "its usage is none of BOOTABLE_SYSTEM_STATE, SYSTEM_SERVICE and USER_DATA";
        if (d->has_backup_schema && !express_schema_is_valid(d->backup_schema))
                return "its backup schema has more than VSS_BS_COPY and VSS_BS_INDEPENDENT_SYSTEM_STATE";
        return NULL;
}

static const char *wrong_in_restore(const WriterDoc *d) {
        if (!d->has_restore_method)
                return "it has no restore method: call SetRestoreMethod()";
        if (!express_restore_method_is_valid(d->restore_method, d->writer_restore))
                return "it wants to be asked about a restore, or to move its files";
        return d->mappings.n > 0 ? "it has alternate location mappings" : NULL;
}

/* A document may leave them out; then they name nothing. */
static bool names_files(const DocFileSpec *spec) {
        return spec->path && *spec->path && spec->filespec && *spec->filespec;
}

static const char *wrong_in_component(const WriterDocComponent *c) {
        if (!express_component_is_valid(c->type, c->flags))
                return "it has a component that is no group of files, or one that wants recovery";
        for (size_t i = 0; i < c->files.n; ++i) {
                const DocFileSpec *spec = &c->files.items[i];

                if (!names_files(spec))
                        return "it has files without a directory or a pattern";
                if (spec->alternate || !express_backup_type_is_valid(spec->backup_type))
                        return "it has files that are elsewhere, or that belong to partial backups";
        }
        return NULL;
}

HRESULT express_document_check(const WriterDoc *d, const char **ret_why) {
        const char *why = wrong_anywhere(d);

        if (!why)
                why = wrong_in_identity(d);
        if (!why)
                why = wrong_in_restore(d);
        for (size_t i = 0; i < d->n_components && !why; ++i)
                why = wrong_in_component(&d->components[i]);
        for (size_t i = 0; i < d->exclude_files.n && !why; ++i)
                if (!names_files(&d->exclude_files.items[i]) ||
                    !express_path_is_local(d->exclude_files.items[i].path))
                        why = "it excludes files of another machine, or none at all";

        *ret_why = why;
        return why ? VSS_E_INVALID_XML_DOCUMENT : S_OK;
}
