/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Into the Set
 *
 * The documents, the files out of the shadow copies, the word to the writers how it went, and the end of the set.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/strv.h"
#include "tools/backup-run.h"
#include "tools/manifest.h"
#include "tools/progress.h"
#include "tools/set-format.h"
#include "tools/tool-vss.h"
#include "tools/verb.h"

static int open_devices(Backup *b) {
        for (size_t i = 0; i < b->plan.n_volumes; ++i) {
                PlanVolume *v = &b->plan.volumes[i];
                VSS_SNAPSHOT_PROP prop = { 0 };
                HRESULT hr;

                hr = IVssBackupComponents_GetSnapshotProperties(b->vss, v->snapshot_id, &prop);
                if (FAILED(hr))
                        return tool_fail(hr, "Cannot find the snapshot of '%s'", v->path);
                v->device = tool_text(prop.m_pwszSnapshotDeviceObject);
                VssFreeSnapshotProperties(&prop);
                v->fd = open(v->device, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
                if (v->fd < 0)
                        return tool_error("cannot open the snapshot '%s' of '%s': %m", v->device, v->path);
        }
        return EXIT_OK;
}

static int add_json(SetWriter *w, const char *name, json_t *json) {
        char *text = json ? json_dumps(json, JSON_INDENT(2)) : NULL;
        int r;

        json_decref(json);
        if (!text)
                return -ENOMEM;
        r = set_writer_add_text(w, name, text, strlen(text));
        free(text);
        return r;
}

static char *document_text(Backup *b) {
        BSTR xml = NULL;

        return SUCCEEDED(IVssBackupComponents_SaveAsXML(b->vss, &xml)) ? tool_take_bstr(xml) : NULL;
}

static int write_documents(Backup *b) {
        _cleanup_(freep) char *document = document_text(b);
        int r;

        if (!document)
                return -EIO;
        r = add_json(b->writer, SET_MANIFEST,
                     manifest_new(&b->plan, &(ManifestFacts){ .id = b->set_id,
                                                              .since = b->base ? backup_base_id(b->base) : NULL,
                                                              .document = document }));
        if (r >= 0)
                r = set_writer_add_text(b->writer, SET_DOCUMENT, document, strlen(document));
        for (size_t i = 0; i < b->plan.n_writers && r >= 0; ++i) {
                _cleanup_(freep) char *name = NULL, *text = NULL;
                BSTR xml = NULL;

                if (FAILED(IVssExamineWriterMetadata_SaveAsXML(b->plan.writers[i].metadata, &xml)))
                        return -EIO;
                text = tool_take_bstr(xml);
                r = format_to(&name, SET_WRITER_DOCUMENT, i + 1);
                if (r >= 0)
                        r = set_writer_add_text(b->writer, name, text, strlen(text));
        }
        return r;
}

static int remember_name(const char *path, void *userdata) {
        return backup_files_knew(userdata, path);
}

/* The writers may have said more since the volumes were chosen. */
static int write_data(Backup *b) {
        int r;

        b->files = backup_files_free(b->files);
        r = backup_files_new(&b->plan, &b->files);
        if (r == 0)
                r = backup_files_load_ranges(b->files);
        if (r == 0 && b->base)
                r = backup_base_for_each_name(b->base, remember_name, b->files);
        if (r == 0)
                r = backup_save_new(&b->plan, b->files, b->writer, &b->save);
        return r == 0 ? backup_save_files(b->save) : r;
}

static int write_tail(Backup *b) {
        _cleanup_(freep) char *document = document_text(b);
        int r;

        if (!document)
                return -EIO;
        b->n_files = backup_save_n_files(b->save);
        b->n_bytes = backup_save_n_bytes(b->save);
        r = set_writer_add_text(b->writer, SET_FINAL_DOCUMENT, document, strlen(document));
        if (r >= 0)
                r = backup_save_names(b->save);
        if (r >= 0)
                r = add_json(b->writer, SET_SUMMARY, summary_new(&b->plan, b->n_files, b->n_bytes, backup_save_n_failed(b->save)));
        if (r >= 0)
                r = set_writer_finish(b->writer);
        return r;
}

/* What was saved is not lost for want of a name. */
static int explain_left(Backup *b, const char *left, int r) {
        errno = -r;
        return tool_error("the set is complete, in '%s', but cannot be named '%s': %m; give it another name before the next backup "
                          "replaces it", left, b->to);
}

static int explain(Backup *b, int r) {
        if (set_output_left(b->output))
                return explain_left(b, set_output_left(b->output), r);
        if (tool_interrupted()) {
                tool_error("interrupted; nothing is left of '%s'", b->to);
                return EXIT_INTERRUPTED;
        }
        if (b->save && backup_save_lost_file(b->save))
                return tool_error("the backup failed; nothing is left of '%s'", b->to);
        errno = -r;
        if (r == -ENOSPC || r == -EDQUOT)
                return tool_error("there is no room left for '%s': nothing is left of it; free some, or choose another place", b->to);
        return tool_error("cannot write '%s': %m%s%s", b->to, set_writer_error(b->writer) ? ": " : "", set_writer_error(b->writer) ?: "");
}

static HRESULT report_component(Backup *b, const PlanComponent *c) {
        _cleanup_(component_name_clear) ComponentName n = component_name(c->component);
        const WriterMetadata *w = plan_writer(&b->plan, c);

        return IVssBackupComponents_SetBackupSucceeded(b->vss, w->instance_id, w->writer_id, c->component->type, n.path, n.name, !c->failed);
}

/* What best effort went on without. */
static bool name_incomplete(const Backup *b) {
        for (size_t i = 0; i < b->plan.n_components; ++i)
                if (b->plan.components[i].failed)
                        fprintf(stderr, "umbra: NOT all files of component '%s' are in the set\n", b->plan.components[i].component->full);
        return backup_save_n_failed(b->save) > 0;
}

int backup_stream_set(Backup *b) {
        HRESULT hr;
        int code, r;

        code = open_devices(b);
        if (code != EXIT_OK)
                return code;
        progress_begin("Saving", 0);
        r = write_documents(b);
        if (r >= 0)
                r = write_data(b);
        if (r >= 0)
                r = set_writer_begin_tail(b->writer); /* a writer may throw away what it believes to be saved */
        progress_end();
        if (r < 0)
                return explain(b, r);

        hr = backup_for_each_component(b, report_component);
        if (SUCCEEDED(hr))
                hr = TOOL_WAIT(IVssBackupComponents_BackupComplete(b->vss, &async));
        if (FAILED(hr))
                return tool_fail(hr, "Cannot complete the backup");
        code = backup_check_writers(b, "completing the backup", false);
        if (code != EXIT_OK && !b->plan.best_effort)
                return code;
        r = write_tail(b);
        if (r < 0)
                return explain(b, r);
        return name_incomplete(b) || code != EXIT_OK ? EXIT_PARTIAL : EXIT_OK;
}
