/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Choosing
 *
 * The writers' metadata as structs, and which components are taken explicitly.
 * [MS: working-with-selectability-for-backup]
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fd-util.h"
#include "base/guid.h"
#include "testers/betest.h"
#include "testers/files.h"
#include "testers/vss-text.h"

#define METADATA_SIZE_MAX (64U << 20)

/* File sets */

BetestSet *betest_sets_add(BetestSets *s) {
        if (ARRAY_RESERVE(s->list, s->capacity, s->n + 1) < 0)
                or_die(NULL);
        return &s->list[s->n++];
}

void betest_sets_clear(BetestSets *s) {
        for (size_t i = 0; i < s->n; ++i) {
                free(s->list[i].path);
                free(s->list[i].pattern);
                free(s->list[i].alternate);
        }
        free(s->list);
        *s = (BetestSets){ 0 };
}

const BetestSet *betest_set_of(const BetestSets *s, const char *path, const char **ret_relative) {
        for (size_t i = 0; i < s->n; ++i)
                if (path_is_of_set(path, s->list[i].path, s->list[i].pattern, s->list[i].recursive,
                                   ret_relative))
                        return &s->list[i];
        return NULL;
}

static char *plain_bstr(BSTR s) {
        _cleanup_(freep) char *text = text_take(s);

        return text ? or_die(path_plain(text)) : NULL;
}

/* Takes @f over. */
static HRESULT read_set(BetestSets *sets, IVssWMFiledesc *f) {
        BetestSet *set = betest_sets_add(sets);
        BSTR path = NULL, pattern = NULL, alternate = NULL;
        HRESULT hr;

        hr = IVssWMFiledesc_GetPath(f, &path);
        if (SUCCEEDED(hr))
                hr = IVssWMFiledesc_GetFilespec(f, &pattern);
        if (SUCCEEDED(hr))
                hr = IVssWMFiledesc_GetRecursive(f, &set->recursive);
        if (SUCCEEDED(hr))
                hr = IVssWMFiledesc_GetAlternateLocation(f, &alternate);
        if (SUCCEEDED(hr))
                hr = IVssWMFiledesc_GetBackupTypeMask(f, &set->mask);
        set->path = plain_bstr(path) ?: text_copy("");
        set->pattern = text_take(pattern) ?: text_copy("");
        set->alternate = plain_bstr(alternate);
        IVssWMFiledesc_Release(f);
        return hr;
}

/* Components */

typedef HRESULT(STDMETHODCALLTYPE *FiledescGetter)(IVssWMComponent *c, UINT i, IVssWMFiledesc **ret);

static HRESULT read_sets(IVssWMComponent *c, FiledescGetter get, UINT n, BetestSets *ret) {
        HRESULT hr = S_OK;

        for (UINT i = 0; i < n && SUCCEEDED(hr); ++i) {
                IVssWMFiledesc *f = NULL;

                hr = get(c, i, &f);
                if (SUCCEEDED(hr))
                        hr = read_set(ret, f);
        }
        return hr;
}

static HRESULT read_part(IVssWMComponent *c, BetestPart *p) {
        PVSSCOMPONENTINFO info = NULL;
        HRESULT hr;

        hr = IVssWMComponent_GetComponentInfo(c, &info);
        if (FAILED(hr))
                return hr;
        p->type = info->type;
        p->logical_path = text_from_wide(info->bstrLogicalPath) ?: text_copy("");
        p->name = text_from_wide(info->bstrComponentName) ?: text_copy("");
        p->full = text_format("%s%s%s", p->logical_path, *p->logical_path ? "\\" : "", p->name);
        p->selectable = info->bSelectable;
        hr = read_sets(c, c->lpVtbl->GetFile, info->cFileCount, &p->sets);
        if (SUCCEEDED(hr))
                hr = read_sets(c, c->lpVtbl->GetDatabaseFile, info->cDatabases, &p->sets);
        if (SUCCEEDED(hr))
                hr = read_sets(c, c->lpVtbl->GetDatabaseLogFile, info->cLogFiles, &p->sets);
        (void) IVssWMComponent_FreeComponentInfo(c, info);
        return hr;
}

static HRESULT read_parts(IVssExamineWriterMetadataEx *m, BetestSource *s, UINT n) {
        HRESULT hr = S_OK;

        s->parts = or_die(calloc_checked(n + 1U, sizeof(*s->parts)));
        while (SUCCEEDED(hr) && s->n_parts < n) {
                IVssWMComponent *c = NULL;

                hr = IVssExamineWriterMetadataEx_GetComponent(m, (UINT) s->n_parts, &c);
                if (FAILED(hr))
                        break;
                hr = read_part(c, &s->parts[s->n_parts++]);
                IVssWMComponent_Release(c);
        }
        return hr;
}

static HRESULT read_restore_method(IVssExamineWriterMetadataEx *m, BetestSource *s) {
        BSTR service = NULL, procedure = NULL;
        VSS_WRITERRESTORE_ENUM restore;
        bool reboot;
        UINT n = 0;
        HRESULT hr;

        hr = IVssExamineWriterMetadataEx_GetRestoreMethod(m, &s->method, &service, &procedure, &restore,
                                                          &reboot, &n);
        SysFreeString(service);
        SysFreeString(procedure);
        if (hr != S_OK) /* S_FALSE: none */
                return hr;
        for (UINT i = 0; i < n && SUCCEEDED(hr); ++i) {
                IVssWMFiledesc *f = NULL;

                hr = IVssExamineWriterMetadataEx_GetAlternateLocationMapping(m, i, &f);
                if (SUCCEEDED(hr))
                        hr = read_set(&s->mappings, f);
        }
        return hr;
}

static HRESULT read_source(IVssExamineWriterMetadataEx *m, BetestSource *s) {
        BSTR name = NULL, instance_name = NULL, xml = NULL;
        UINT n_include = 0, n_exclude = 0, n = 0;
        VSS_SOURCE_TYPE source;
        VSS_USAGE_TYPE usage;
        HRESULT hr;

        hr = IVssExamineWriterMetadataEx_GetIdentityEx(m, &s->instance, &s->id, &name, &instance_name,
                                                       &usage, &source);
        s->name = text_take(name) ?: text_copy("");
        s->instance_name = text_take(instance_name) ?: text_copy("");
        if (SUCCEEDED(hr))
                hr = IVssExamineWriterMetadataEx_SaveAsXML(m, &xml);
        s->xml = text_take(xml);
        if (SUCCEEDED(hr))
                hr = IVssExamineWriterMetadataEx_GetBackupSchema(m, &s->schema);
        if (SUCCEEDED(hr))
                hr = read_restore_method(m, s);
        if (SUCCEEDED(hr))
                hr = IVssExamineWriterMetadataEx_GetFileCounts(m, &n_include, &n_exclude, &n);
        for (UINT i = 0; i < n_exclude && SUCCEEDED(hr); ++i) {
                IVssWMFiledesc *f = NULL;

                hr = IVssExamineWriterMetadataEx_GetExcludeFile(m, i, &f);
                if (SUCCEEDED(hr))
                        hr = read_set(&s->excluded, f);
        }
        return SUCCEEDED(hr) ? read_parts(m, s, n) : hr;
}

static HRESULT read_examined(IUnknown *metadata, BetestSource *s) {
        IVssExamineWriterMetadataEx *ex = NULL;
        HRESULT hr;

        hr = IUnknown_QueryInterface(metadata, &IID_IVssExamineWriterMetadataEx, (void **) &ex);
        if (FAILED(hr))
                return hr;
        hr = read_source(ex, s);
        IVssExamineWriterMetadataEx_Release(ex);
        return hr;
}

HRESULT betest_read_metadata(Betest *b) {
        UINT n = 0;
        HRESULT hr;

        hr = BETEST_CALL(b, GetWriterMetadataCount, &n);
        if (FAILED(hr))
                return hr;
        b->sources = or_die(calloc_checked(n + 1U, sizeof(*b->sources)));
        for (UINT i = 0; i < n && SUCCEEDED(hr); ++i) {
                IVssExamineWriterMetadata *m = NULL;
                VSS_ID instance;

                hr = BETEST_CALL(b, GetWriterMetadata, i, &instance, &m);
                if (FAILED(hr))
                        break;
                hr = betest_called(b, read_examined((IUnknown *) m, &b->sources[b->n_sources++]),
                                   "IVssExamineWriterMetadata");
                IVssExamineWriterMetadata_Release(m);
        }
        return hr;
}

/* What was saved with the backup */

int betest_save_metadata(Betest *b, const char *directory) {
        int r = mkdir_p(directory, 0755);

        for (size_t i = 0; i < b->n_sources && r >= 0; ++i) {
                _cleanup_(freep) char *file = text_format("%s/writer-%zu.xml", directory, i + 1);

                r = file_write_text_atomic(file, 0644, b->sources[i].xml ?: "");
        }
        return r;
}

static HRESULT read_saved(const char *text, BetestSource *s) {
        _cleanup_(freep) WCHAR *wide = text_to_wide(text);
        IVssExamineWriterMetadata *m = NULL;
        BSTR xml = SysAllocString(wide);
        HRESULT hr;

        hr = CreateVssExamineWriterMetadata(xml, &m);
        SysFreeString(xml);
        if (FAILED(hr))
                return hr;
        hr = read_examined((IUnknown *) m, s);
        IVssExamineWriterMetadata_Release(m);
        return hr;
}

static void source_clear(BetestSource *s) {
        for (size_t i = 0; i < s->n_parts; ++i) {
                free(s->parts[i].logical_path);
                free(s->parts[i].name);
                free(s->parts[i].full);
                betest_sets_clear(&s->parts[i].sets);
        }
        free(s->parts);
        free(s->name);
        free(s->instance_name);
        free(s->xml);
        betest_sets_clear(&s->excluded);
        betest_sets_clear(&s->mappings);
}

void betest_forget(Betest *b) {
        for (size_t i = 0; i < b->n_sources; ++i)
                source_clear(&b->sources[i]);
        free(TAKE_PTR(b->sources));
        b->n_sources = 0;
        for (size_t i = 0; i < b->n_shadows; ++i) {
                free(b->shadows[i].volume);
                free(b->shadows[i].device);
        }
        b->n_shadows = 0;
}

/* Files are described by what the writer said when they were saved, not by what it says now. */
HRESULT betest_read_saved_metadata(Betest *b) {
        size_t capacity = 0;
        HRESULT hr = S_OK;

        betest_forget(b);
        for (size_t i = 1; SUCCEEDED(hr); ++i) {
                _cleanup_(freep) char *file = text_format("%s/writer-%zu.xml", b->directory, i),
                                      *text = NULL;
                int r = file_read_text(file, METADATA_SIZE_MAX, &text);

                if (r == -ENOENT)
                        break;
                if (r < 0) {
                        betest_fail(b, "'%s' cannot be read: %s", file, strerror(-r));
                        return E_FAIL;
                }
                if (ARRAY_RESERVE(b->sources, capacity, b->n_sources + 1) < 0)
                        or_die(NULL);
                hr = betest_called(b, read_saved(text, &b->sources[b->n_sources++]),
                                   "CreateVssExamineWriterMetadata(%s)", file);
        }
        return hr;
}

/* Choosing */

bool betest_part_follows(const BetestPart *p, const BetestPart *parent) {
        size_t n = strlen(parent->full);

        return strncmp(p->logical_path, parent->full, n) == 0 &&
               (p->logical_path[n] == '\0' || p->logical_path[n] == '\\');
}

static const BetestPart *selectable_ancestor(const BetestSource *s, const BetestPart *p) {
        for (size_t i = 0; i < s->n_parts; ++i)
                if (&s->parts[i] != p && s->parts[i].selectable && betest_part_follows(p, &s->parts[i]))
                        return &s->parts[i];
        return NULL;
}

/* Whatever follows one that is chosen comes with it; what cannot be chosen and follows nothing must be there. */
static void choose_of(const Betest *b, BetestSource *s) {
        static const BetestComponent mandatory = { .succeeded = true };
        bool any = false;

        for (size_t i = 0; i < s->n_parts; ++i) {
                BetestPart *p = &s->parts[i];

                if (p->selectable || !selectable_ancestor(s, p))
                        p->chosen = betest_config_find(b->config, &s->id, s->instance_name, p->logical_path,
                                                       p->name);
                any |= p->chosen != NULL;
        }
        for (size_t i = 0; i < s->n_parts && any; ++i) {
                BetestPart *p = &s->parts[i];

                if (!p->chosen && !p->selectable && !selectable_ancestor(s, p))
                        p->chosen = &mandatory;
                for (size_t k = 0; k < s->n_parts; ++k)
                        if (k != i && s->parts[k].chosen && betest_part_follows(p, &s->parts[k]))
                                p->chosen = NULL;
        }
}

void betest_choose(Betest *b) {
        for (size_t i = 0; i < b->n_sources; ++i)
                choose_of(b, &b->sources[i]);
}

BetestPart *betest_find_part(BetestSource *s, const char *logical_path, const char *name) {
        for (size_t i = 0; i < s->n_parts; ++i)
                if (strcmp(s->parts[i].logical_path, logical_path ?: "") == 0 &&
                    strcmp(s->parts[i].name, name ?: "") == 0)
                        return &s->parts[i];
        return NULL;
}

const BetestShadow *betest_shadow_of(const Betest *b, const char *path) {
        const BetestShadow *best = NULL;

        for (size_t i = 0; i < b->n_shadows; ++i) {
                const char *volume = b->shadows[i].volume;
                size_t n = strcmp(volume, "/") == 0 ? 0 : strlen(volume);

                if (strncmp(path, volume, n) == 0 && (path[n] == '/' || path[n] == '\0') &&
                    (!best || n > strlen(best->volume)))
                        best = &b->shadows[i];
        }
        return best;
}

/* The document */

static BetestSource *find_source(Betest *b, const VSS_ID *instance, const VSS_ID *id) {
        BetestSource *same_class = NULL;

        for (size_t i = 0; i < b->n_sources; ++i) {
                if (!guid_equal(&b->sources[i].id, id))
                        continue;
                if (guid_equal(&b->sources[i].instance, instance))
                        return &b->sources[i];
                same_class = &b->sources[i]; /* it was started anew since the backup */
        }
        return same_class;
}

static HRESULT visit(Betest *b, BetestSource *s, IVssComponent *c, BetestComponentFunc func) {
        _cleanup_(freep) char *logical_path = NULL, *name = NULL;
        BSTR bstr_path = NULL, bstr_name = NULL;

        (void) IVssComponent_GetLogicalPath(c, &bstr_path);
        (void) IVssComponent_GetComponentName(c, &bstr_name);
        logical_path = text_take(bstr_path);
        name = text_take(bstr_name);
        return func(b, s, s ? betest_find_part(s, logical_path, name) : NULL, c);
}

HRESULT betest_foreach_component(Betest *b, BetestComponentFunc func) {
        UINT n_writers = 0;
        HRESULT hr;

        hr = BETEST_CALL(b, GetWriterComponentsCount, &n_writers);
        for (UINT i = 0; i < n_writers && SUCCEEDED(hr); ++i) {
                IVssWriterComponentsExt *part = NULL;
                VSS_ID instance, id;
                UINT n = 0;

                hr = BETEST_CALL(b, GetWriterComponents, i, &part);
                if (FAILED(hr))
                        break;
                hr = IVssWriterComponentsExt_GetWriterInfo(part, &instance, &id);
                if (SUCCEEDED(hr))
                        hr = IVssWriterComponentsExt_GetComponentCount(part, &n);
                for (UINT k = 0; k < n && SUCCEEDED(hr); ++k) {
                        IVssComponent *c = NULL;

                        hr = IVssWriterComponentsExt_GetComponent(part, k, &c);
                        if (FAILED(hr))
                                break;
                        hr = visit(b, find_source(b, &instance, &id), c, func);
                        IVssComponent_Release(c);
                }
                IVssWriterComponentsExt_Release(part);
        }
        return hr;
}
