/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What the Running Writer Says of a Component
 */

#include "requester/component-live.h"

#include <string.h>

#include "base/alloc.h"
#include "doc/filespec.h"
#include "wire/last-error.h"

static WriterDoc *running_writer(BackupComponents *b, const BackupWriter *w, const BackupComponent *c) {
        const LiveWriter *live = backup_components_find_writer(b, &c->restore_instance_id, &w->writer_id);

        return live && live->doc && !doc_extra_is_invalid(live->doc->extra) ? live->doc : NULL;
}

HRESULT component_check_schema(BackupComponents *b,
                               const BackupWriter *w,
                               const BackupComponent *c,
                               uint32_t schema,
                               const char *name,
                               const char *method) {
        WriterDoc *running = running_writer(b, w, c);

        if ((running ? running->backup_schema : w->backup_schema) & schema)
                return S_OK;

        return last_error_set(E_INVALIDARG, "%s(): the writer of '%s' does not declare %s.", method, c->name,
                              name);
}

/* @c is @top, or hangs below it. */
static bool is_within(const WriterDocComponent *top, const WriterDocComponent *c) {
        const char *path = c->logical_path ?: "", *prefix = top->logical_path ?: "";
        size_t n;

        if (c == top)
                return true;
        if (*prefix) {
                n = strlen(prefix);
                if (strncmp(path, prefix, n) != 0 || path[n] != '\\')
                        return false;
                path += n + 1;
        }

        n = strlen(top->name);
        return strncmp(path, top->name, n) == 0 && (path[n] == '\0' || path[n] == '\\');
}

static bool same_path(const char *a, const char *b) {
        _cleanup_(freep) char *x = NULL, *y = NULL;

        if (path_normalise(a, &x) < 0 || path_normalise(b, &y) < 0)
                return strcmp(a, b) == 0;

        return strcmp(x, y) == 0;
}

static bool list_has_files(const DocFileSpecs *list,
                           const char *path,
                           const char *filespec,
                           bool recursive) {
        for (size_t i = 0; i < list->n; ++i) {
                const DocFileSpec *f = list->items + i;

                if (f->recursive == recursive && f->path && f->filespec &&
                    strcmp(f->filespec, filespec) == 0 && same_path(f->path, path))
                        return true;
        }

        return false;
}

HRESULT component_check_files(BackupComponents *b,
                              const BackupWriter *w,
                              const BackupComponent *c,
                              const char *path,
                              const char *filespec,
                              bool recursive,
                              const char *method) {
        WriterDoc *running = running_writer(b, w, c);
        const WriterDocComponent *top = NULL;

        if (running)
                top = writer_doc_find_component(running, c->type, c->logical_path, c->name);
        if (!top)
                return S_OK;

        for (size_t i = 0; i < running->n_components; ++i) {
                const WriterDocComponent *found = running->components + i;

                if (is_within(top, found) &&
                    (list_has_files(&found->files, path, filespec, recursive) ||
                     list_has_files(&found->database_files, path, filespec, recursive) ||
                     list_has_files(&found->log_files, path, filespec, recursive)))
                        return S_OK;
        }

        return last_error_set(
                VSS_E_OBJECT_NOT_FOUND,
                "%s(): '%s' has no file set '%s' in '%s'%s; path, pattern and depth must be those "
                "of the writer.",
                method, c->name, filespec, path, recursive ? " and below" : "");
}

HRESULT component_check_subcomponent(BackupComponents *b,
                                     const BackupWriter *w,
                                     const BackupComponent *c,
                                     const char *logical_path,
                                     const char *name,
                                     const char *method) {
        WriterDoc *running = running_writer(b, w, c);
        const WriterDocComponent *top = NULL, *sub;

        if (running)
                top = writer_doc_find_component(running, c->type, c->logical_path, c->name);
        if (!top)
                return S_OK;

        sub = writer_doc_find_component(running, VSS_CT_UNDEFINED, logical_path, name);
        if (!sub || sub == top || !is_within(top, sub))
                return last_error_set(VSS_E_OBJECT_NOT_FOUND, "%s(): '%s' has no subcomponent '%s\\%s'.",
                                      method, c->name, logical_path, name);
        if (!sub->selectable_for_restore)
                return last_error_set(E_INVALIDARG,
                                      "%s(): the writer does not let '%s\\%s' be restored by itself "
                                      "(bSelectableForRestore).",
                                      method, logical_path, name);

        return S_OK;
}
