/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A Backup, Step by Step
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd-util.h"
#include "base/guid.h"
#include "testers/betest.h"
#include "testers/describe.h"
#include "testers/files.h"
#include "testers/vss-text.h"

#define DOCUMENT_SIZE_MAX (256U << 20)

BSTR betest_load_document(Betest *b, const char *file) {
        _cleanup_(freep) char *text = NULL;
        _cleanup_(freep) WCHAR *wide = NULL;
        int r = file_read_text(file, DOCUMENT_SIZE_MAX, &text);

        if (r < 0) {
                betest_fail(b, "'%s' cannot be read: %s", file, strerror(-r));
                return NULL;
        }
        wide = text_to_wide(text);
        return or_die(SysAllocString(wide));
}

static HRESULT save_document(Betest *b) {
        _cleanup_(freep) char *text = NULL;
        HRESULT hr;
        int r;

        SysFreeString(b->document);
        b->document = NULL;
        hr = BETEST_CALL(b, SaveAsXML, &b->document);
        if (FAILED(hr) || !b->document_file)
                return hr;
        text = text_from_wide(b->document);
        r = file_write_text_atomic(b->document_file, 0644, text);
        if (r < 0) {
                betest_fail(b, "'%s' cannot be written: %s", b->document_file, strerror(-r));
                return E_FAIL;
        }
        return S_OK;
}

/* Beginning */

/* Once the writers have been told that the backup is over it is too late to find out. */
static int check_document_file(Betest *b) {
        const char *slash = b->document_file ? strrchr(b->document_file, '/') : NULL;
        _cleanup_(freep) char *directory =
                slash ? strndup(b->document_file, (size_t) (slash + 1 - b->document_file)) : text_copy(".");
        struct stat st;
        int r = 0;

        if (!b->document_file)
                return 0;
        if (access(or_die(directory), W_OK | X_OK) < 0)
                r = -errno;
        else if (stat(b->document_file, &st) == 0 && S_ISDIR(st.st_mode))
                r = -EISDIR;
        if (r < 0)
                betest_fail(b, "'%s' cannot be written: %s", b->document_file, strerror(-r));
        return r;
}

static HRESULT choose_writers(Betest *b) {
        HRESULT hr = S_OK;

        if (!b->config)
                return S_OK;
        for (const BetestWriter *w = b->config->enabled; w && SUCCEEDED(hr);
             w = (const BetestWriter *) w->node.next)
                hr = BETEST_CALL(b, EnableWriterClasses, &w->id, 1);
        for (const BetestWriter *w = b->config->disabled; w && SUCCEEDED(hr);
             w = (const BetestWriter *) w->node.next)
                hr = BETEST_CALL(b, DisableWriterClasses, &w->id, 1);
        return hr;
}

static HRESULT begin(Betest *b) {
        LONG context = b->rollback   ? (LONG) VSS_CTX_APP_ROLLBACK | VSS_VOLSNAP_ATTR_ROLLBACK_RECOVERY :
                       b->persistent ? (LONG) VSS_CTX_APP_ROLLBACK :
                                       (LONG) VSS_CTX_BACKUP;
        HRESULT hr;

        hr = BETEST_CALL(b, InitializeForBackup, NULL);
        if (SUCCEEDED(hr))
                hr = BETEST_CALL(b, SetContext, context);
        if (SUCCEEDED(hr))
                hr = BETEST_CALL(b, SetBackupState, true, b->bootable, b->type,
                                 !b->config || b->config->partial_files);
        if (SUCCEEDED(hr))
                hr = choose_writers(b);
        if (SUCCEEDED(hr))
                hr = BETEST_WAIT(b, GatherWriterMetadata);
        return SUCCEEDED(hr) ? betest_read_metadata(b) : hr;
}

static int save_metadata(Betest *b) {
        int r = 0;

        if (b->directory && !b->only_snapshot)
                r = betest_save_metadata(b, b->directory);
        if (r >= 0 && b->metadata_directory)
                r = betest_save_metadata(b, b->metadata_directory);
        if (r < 0)
                betest_fail(b, "the writers' metadata cannot be saved: %s", strerror(-r));
        return r;
}

/* Components */

static HRESULT add_component(Betest *b, const BetestSource *s, const BetestPart *p) {
        _cleanup_(freep) WCHAR *path = *p->logical_path ? text_to_wide(p->logical_path) : NULL,
                               *name = text_to_wide(p->name);
        _cleanup_(freep) WCHAR *options = text_to_wide(p->chosen->backup_options);
        HRESULT hr;

        hr = betest_called(
                b, IVssBackupComponents_AddComponent(b->vss, s->instance, s->id, p->type, path, name),
                "AddComponent('%s', '%s', '%s')", s->name, p->logical_path, p->name);
        if (SUCCEEDED(hr) && options)
                hr = BETEST_CALL(b, SetBackupOptions, s->id, p->type, path, name, options);
        return hr;
}

static HRESULT add_components(Betest *b) {
        HRESULT hr = S_OK;
        size_t n = 0;

        for (size_t i = 0; i < b->n_sources; ++i)
                for (size_t k = 0; k < b->sources[i].n_parts && SUCCEEDED(hr); ++k)
                        if (b->sources[i].parts[k].chosen) {
                                hr = add_component(b, &b->sources[i], &b->sources[i].parts[k]);
                                ++n;
                        }
        if (SUCCEEDED(hr) && n == 0) {
                betest_fail(b, "no writer that is there has any of the components");
                return E_FAIL;
        }
        return hr;
}

/* The stamps of the backup that this one builds on. Another object reads them out of its document. */
static HRESULT set_previous_stamp(Betest *b, const VSS_ID *writer, IVssComponent *c) {
        BSTR path = NULL, name = NULL, stamp = NULL;
        VSS_COMPONENT_TYPE type = VSS_CT_UNDEFINED;
        HRESULT hr;

        (void) IVssComponent_GetComponentType(c, &type);
        (void) IVssComponent_GetLogicalPath(c, &path);
        (void) IVssComponent_GetComponentName(c, &name);
        hr = IVssComponent_GetBackupStamp(c, &stamp);
        if (hr == S_OK) {
                hr = IVssBackupComponents_SetPreviousBackupStamp(b->vss, *writer, type, path, name, stamp);
                if (hr != VSS_E_OBJECT_NOT_FOUND) /* that component is not in this backup */
                        (void) betest_called(b, hr, "SetPreviousBackupStamp('%ls', '%ls')", name, stamp);
                else
                        hr = S_OK;
        }
        SysFreeString(path);
        SysFreeString(name);
        SysFreeString(stamp);
        return hr;
}

static HRESULT set_stamps_of(Betest *b, IVssBackupComponents *previous) {
        IVssWriterComponentsExt *part;
        IVssComponent *c;
        VSS_ID instance, writer;
        HRESULT hr = S_OK;

        for (UINT i = 0;
             SUCCEEDED(hr) && SUCCEEDED(IVssBackupComponents_GetWriterComponents(previous, i, &part)); ++i) {
                hr = IVssWriterComponentsExt_GetWriterInfo(part, &instance, &writer);
                for (UINT k = 0;
                     SUCCEEDED(hr) && SUCCEEDED(IVssWriterComponentsExt_GetComponent(part, k, &c)); ++k) {
                        hr = set_previous_stamp(b, &writer, c);
                        IVssComponent_Release(c);
                }
                IVssWriterComponentsExt_Release(part);
        }
        return hr;
}

static HRESULT set_stamps(Betest *b) {
        IVssBackupComponents *previous = NULL;
        BSTR xml = betest_load_document(b, b->previous_file);
        HRESULT hr = xml ? CreateVssBackupComponents(&previous) : E_FAIL;

        if (SUCCEEDED(hr)) {
                hr = betest_called(b, IVssBackupComponents_InitializeForRestore(previous, xml),
                                   "InitializeForRestore(%s)", b->previous_file);
                if (SUCCEEDED(hr))
                        hr = set_stamps_of(b, previous);
                IVssBackupComponents_Release(previous);
        }
        SysFreeString(xml);
        return hr;
}

/* Volumes */

static HRESULT add_volume(Betest *b, const char *path, const VSS_ID *provider) {
        _cleanup_(freep) char *with_slash = text_format("%s%s", path, strcmp(path, "/") == 0 ? "" : "/");
        _cleanup_(freep) WCHAR *wide = text_to_wide(with_slash);
        BetestShadow *shadow;
        VSS_ID id;
        HRESULT hr;

        hr = betest_called(b, IVssBackupComponents_AddToSnapshotSet(b->vss, wide, *provider, &id),
                           "AddToSnapshotSet('%s')", path);
        if (FAILED(hr))
                return hr;
        if (ARRAY_RESERVE(b->shadows, b->shadows_capacity, b->n_shadows + 1) < 0)
                or_die(NULL);
        shadow = &b->shadows[b->n_shadows++];
        *shadow = (BetestShadow){ .volume = text_copy(path), .id = id };
        return S_OK;
}

/* The directory itself is a volume, unless one that is there already holds it. One that is not there yet is on that of
 * the directory above. */
static HRESULT add_directory(Betest *b, const char *path) {
        _cleanup_(freep) char *directory = text_copy(path);

        while (access(directory, F_OK) < 0 && strrchr(directory, '/') > directory)
                *strrchr(directory, '/') = '\0';
        if (betest_shadow_of(b, directory))
                return S_OK;
        return add_volume(b, directory, &GUID_NULL);
}

static bool is_included(const BetestSource *s, const BetestPart *p) {
        for (size_t i = 0; i < s->n_parts; ++i)
                if (s->parts[i].chosen && (&s->parts[i] == p || betest_part_follows(p, &s->parts[i])))
                        return true;
        return false;
}

static int compare_paths(const void *a, const void *b) {
        return strcmp(*(char *const *) a, *(char *const *) b);
}

/* Parents before what is below them. */
static HRESULT add_directories(Betest *b) {
        _cleanup_(freep) const char **paths = NULL;
        size_t n = 0, capacity = 0;
        HRESULT hr = S_OK;

        for (size_t i = 0; i < b->n_sources; ++i)
                for (size_t k = 0; k < b->sources[i].n_parts; ++k) {
                        const BetestPart *p = &b->sources[i].parts[k];

                        for (size_t m = 0; m < p->sets.n && is_included(&b->sources[i], p); ++m) {
                                if (ARRAY_RESERVE(paths, capacity, n + 1) < 0)
                                        or_die(NULL);
                                paths[n++] = p->sets.list[m].alternate ?: p->sets.list[m].path;
                        }
                }
        if (n > 0)
                qsort(paths, n, sizeof(*paths), compare_paths);
        for (size_t i = 0; i < n && SUCCEEDED(hr); ++i)
                hr = add_directory(b, paths[i]);
        return hr;
}

static HRESULT add_volumes(Betest *b) {
        const BetestVolume *v = b->config ? b->config->volumes : NULL;
        HRESULT hr = S_OK;
        VSS_ID set;

        hr = BETEST_CALL(b, StartSnapshotSet, &set);
        for (; v && SUCCEEDED(hr); v = (const BetestVolume *) v->node.next) {
                _cleanup_(freep) char *path = or_die(path_plain(v->path));

                hr = add_volume(b, path, &v->provider);
        }
        return SUCCEEDED(hr) ? add_directories(b) : hr;
}

static HRESULT find_devices(Betest *b) {
        HRESULT hr = S_OK;

        for (size_t i = 0; i < b->n_shadows && SUCCEEDED(hr); ++i) {
                VSS_SNAPSHOT_PROP prop;
                json_t *record;

                hr = BETEST_CALL(b, GetSnapshotProperties, b->shadows[i].id, &prop);
                if (FAILED(hr))
                        break;
                b->shadows[i].device = text_from_wide(prop.m_pwszSnapshotDeviceObject);
                record = record_new("shadowCopy", b->shadows[i].volume);
                record_text(record, "snapshotId", GUID_TO_STRING(&b->shadows[i].id));
                record_text(record, "device", b->shadows[i].device);
                report_emit(b->report, record);
                VssFreeSnapshotProperties(&prop);
        }
        return hr;
}

/* Saving */

static HRESULT save_component(Betest *b, BetestSource *s, BetestPart *part, IVssComponent *c) {
        _cleanup_(freep) WCHAR *path = NULL, *name = NULL;
        bool all = true;
        json_t *record;

        if (b->verbose) {
                record = record_new("component", part ? part->name : "");
                (void) json_object_update_new(record, describe_component(c));
                report_emit(b->report, record);
        }
        if (!part)
                return S_OK;
        if (b->directory)
                betest_save_files(b, s, part, c, &all);
        path = *part->logical_path ? text_to_wide(part->logical_path) : NULL;
        name = text_to_wide(part->name);
        all = all && (!part->chosen || part->chosen->succeeded);
        return betest_called(b,
                             IVssBackupComponents_SetBackupSucceeded(b->vss, s->instance, s->id, part->type,
                                                                     path, name, all),
                             "SetBackupSucceeded('%s', '%s', %s)", part->logical_path, part->name,
                             all ? "true" : "false");
}

static HRESULT take(Betest *b) {
        HRESULT hr;

        hr = add_volumes(b);
        if (SUCCEEDED(hr))
                hr = BETEST_WAIT(b, PrepareForBackup);
        if (SUCCEEDED(hr) && !betest_writers_are_well(b))
                hr = E_ABORT;
        if (SUCCEEDED(hr))
                hr = BETEST_WAIT(b, DoSnapshotSet);
        if (!betest_writers_are_well(b) && SUCCEEDED(hr))
                hr = E_ABORT;
        return SUCCEEDED(hr) ? find_devices(b) : hr;
}

static HRESULT complete(Betest *b) {
        HRESULT hr;

        hr = betest_foreach_component(b, save_component);
        if (SUCCEEDED(hr) && !b->no_complete) {
                hr = BETEST_WAIT(b, BackupComplete);
                if (SUCCEEDED(hr) && !betest_writers_are_well(b))
                        hr = E_ABORT;
        }
        return SUCCEEDED(hr) ? save_document(b) : hr;
}

void betest_backup(Betest *b) {
        HRESULT hr;

        if (!betest_connect(b))
                return;
        hr = begin(b);
        if (SUCCEEDED(hr) && (save_metadata(b) < 0 || check_document_file(b) < 0))
                hr = E_FAIL;
        if (SUCCEEDED(hr)) {
                betest_choose(b);
                hr = add_components(b);
        }
        if (SUCCEEDED(hr) && b->previous_file)
                hr = set_stamps(b);
        if (SUCCEEDED(hr))
                hr = take(b);
        if (SUCCEEDED(hr))
                hr = b->only_snapshot ? save_document(b) : complete(b);
        if (FAILED(hr))
                (void) betest_called(b, IVssBackupComponents_AbortBackup(b->vss), "AbortBackup()");
        betest_disconnect(b);
}
