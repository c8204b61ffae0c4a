/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Which Components Are Restored
 *
 * Those that are in the set explicitly, whatever their selectability; of those that came along with one of
 * them only what is selectable for restore, and then nothing else of it.
 * [MS: working-with-selectability-for-restore-and-subcomponents; pitfalls 39, 40]
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <umbra.h>

#include "base/alloc.h"
#include "base/guid.h"
#include "base/hresult.h"
#include "base/strv.h"
#include "base/utf.h"
#include "tools/manifest.h"
#include "tools/restore-owners.h"
#include "tools/set-format.h"
#include "tools/tool-vss.h"
#include "tools/verb.h"

static void chosen_clear(Chosen *c) {
        for (size_t i = 0; i < c->n_rules; ++i) {
                file_set_free(c->rules[i].files);
                free(c->rules[i].path);
                free(c->rules[i].pattern);
                free(c->rules[i].to);
        }
        free(c->rules);
        for (size_t i = 0; i < c->n_directed; ++i) {
                free(c->directed[i].source);
                free(c->directed[i].destination);
                free(c->directed[i].from);
                free(c->directed[i].to);
        }
        free(c->directed);
        strv_free(c->ranges_files);
        file_set_free(c->files);
        file_set_free(c->extra);
        file_set_free(c->saved);
        free(c->parts);
}

void restore_link_clear(RestoreLink *l) {
        for (size_t i = 0; i < l->n_chosen; ++i)
                chosen_clear(&l->chosen[i]);
        free(l->chosen);
        for (size_t i = 0; i < l->n_writers; ++i) {
                free(l->methods[i].service);
                free(l->methods[i].procedure);
                free(l->methods[i].chosen);
                writer_metadata_clear(&l->writers[i]);
        }
        free(l->writers);
        free(l->methods);
        restore_owners_free(l->owners);
        restore_tree_free(l->tree);
        restore_paths_free(l->paths);
        if (l->vss)
                IVssBackupComponents_Release(l->vss);
        *l = (RestoreLink){ 0 };
}

/* What the writers said at the backup */

static HRESULT read_method(const WriterMetadata *w, WriterRestore *ret) {
        BSTR service = NULL, procedure = NULL;
        UINT n_mappings = 0;
        HRESULT hr;

        hr = IVssExamineWriterMetadata_GetRestoreMethod(w->metadata, &ret->method, &service, &procedure,
                                                        &ret->involved, &ret->reboot, &n_mappings);
        if (hr != S_OK)
                *ret = (WriterRestore){ .method = VSS_RME_UNDEFINED };
        ret->service = tool_take_bstr(service);
        ret->procedure = tool_take_bstr(procedure);
        ret->chosen = calloc_checked(w->n_components + 1, sizeof(*ret->chosen));
        return SUCCEEDED(hr) && !ret->chosen ? E_OUTOFMEMORY : hr;
}

static HRESULT read_writer(RestoreLink *l, const char *text) {
        _cleanup_(freep) WCHAR *wide = tool_wide(text);
        IVssExamineWriterMetadata *metadata = NULL;
        BSTR xml = SysAllocString(wide);
        HRESULT hr;

        hr = CreateVssExamineWriterMetadata(xml, &metadata);
        SysFreeString(xml);
        if (FAILED(hr))
                return hr;

        hr = writer_metadata_read(metadata, &l->writers[l->n_writers]);
        IVssExamineWriterMetadata_Release(metadata);
        if (FAILED(hr))
                return hr;

        ++l->n_writers;
        return read_method(&l->writers[l->n_writers - 1], &l->methods[l->n_writers - 1]);
}

static int read_writers(RestoreLink *l) {
        size_t writers_capacity = 0, methods_capacity = 0;

        for (size_t n = 1;; ++n) {
                _cleanup_(freep) char *name = NULL;
                const char *text;
                HRESULT hr;

                if (format_to(&name, SET_WRITER_DOCUMENT, n) < 0 ||
                    ARRAY_RESERVE(l->writers, writers_capacity, n) < 0 ||
                    ARRAY_RESERVE(l->methods, methods_capacity, n) < 0)
                        return tool_fail(E_OUTOFMEMORY, "Cannot read '%s'", l->set->path);

                text = set_reader_text(l->set->reader, name);
                if (!text)
                        return EXIT_OK;

                hr = read_writer(l, text);
                if (FAILED(hr))
                        return tool_fail(hr, "Cannot read '%s' of '%s'", name, l->set->path);
        }
}

static bool is_selectable_for_restore(const WriterMetadata *w, const Component *c) {
        IVssWMComponent *component = NULL;
        PVSSCOMPONENTINFO info = NULL;
        bool selectable = false;

        if (FAILED(IVssExamineWriterMetadata_GetComponent(w->metadata, (UINT) c->index, &component)))
                return false;
        if (SUCCEEDED(IVssWMComponent_GetComponentInfo(component, &info))) {
                selectable = info->bSelectableForRestore;
                (void) IVssWMComponent_FreeComponentInfo(component, info);
        }
        IVssWMComponent_Release(component);
        return selectable;
}

/* What is in the set */

/* A component as the manifest has it. */
typedef struct Entry {
        size_t writer;
        const Component *component;
        bool complete, lost;
} Entry;

static bool entry_text(json_t *entry, const char *key, char **ret) {
        const char *text = json_string_value(json_object_get(entry, key));

        return xml_unescape_bytes(text ?: "", ret) >= 0;
}

static int read_entry(const RestoreLink *l, json_t *json, Entry *ret) {
        _cleanup_(freep) char *path = NULL, *name = NULL;
        const char *instance = json_string_value(json_object_get(json, "instance_id"));
        const char *how = json_string_value(json_object_get(json, SET_KEY_HOW));
        VSS_BACKUP_TYPE type = tool_backup_type_from_string(how ?: "full");
        GUID id;

        if (!instance || guid_from_string(instance, &id) < 0 || !entry_text(json, "logical_path", &path) ||
            !entry_text(json, "name", &name) || type == VSS_BT_UNDEFINED)
                return tool_error("the manifest of '%s' names a component in a way that is not understood",
                                  l->set->path);

        *ret = (Entry){ .complete = type == VSS_BT_FULL || type == VSS_BT_COPY,
                        .lost = summary_has_failed(set_reader_summary(l->set->reader), json) };
        for (; ret->writer < l->n_writers; ++ret->writer)
                if (guid_equal(&l->writers[ret->writer].instance_id, &id)) {
                        ret->component = writer_metadata_find(&l->writers[ret->writer], path, name);
                        break;
                }
        if (!ret->component)
                return tool_error("'%s' has a component '%s' that its writer's metadata does not",
                                  l->set->path, name);
        return EXIT_OK;
}

/* "name", "path\name", "writer:path\name". */
static bool is_called(const WriterMetadata *w, const Component *c, const char *name) {
        const char *colon = strchr(name, ':');

        if (strcmp(c->full, name) == 0 || strcmp(c->name, name) == 0)
                return true;
        return colon && strncmp(w->name, name, (size_t) (colon - name)) == 0 &&
               w->name[colon - name] == '\0' &&
               (strcmp(c->full, colon + 1) == 0 || strcmp(c->name, colon + 1) == 0);
}

Chosen *restore_link_chosen(const RestoreLink *l, size_t writer, const Component *c) {
        size_t number = l->methods[writer].chosen[c->index];

        return number > 0 ? &l->chosen[number - 1] : NULL;
}

static int choose(RestoreLink *l, const Entry *e, Chosen **ret) {
        Chosen *c = restore_link_chosen(l, e->writer, e->component);

        if (!c) {
                if (ARRAY_RESERVE(l->chosen, l->chosen_capacity, l->n_chosen + 1) < 0)
                        return tool_fail(E_OUTOFMEMORY, "Cannot plan the restore");
                c = &l->chosen[l->n_chosen++];
                l->methods[e->writer].chosen[e->component->index] = l->n_chosen;
                *c = (Chosen){ .writer = &l->writers[e->writer],
                               .method = &l->methods[e->writer],
                               .component = e->component,
                               .complete = e->complete,
                               .lost = e->lost,
                               .target = VSS_RT_ORIGINAL };
        }

        *ret = c;
        return EXIT_OK;
}

static int choose_part(RestoreLink *l, const Entry *e, const Component *part) {
        bool chosen = restore_link_chosen(l, e->writer, e->component);
        Chosen *c = NULL;
        int code;

        if (!is_selectable_for_restore(&l->writers[e->writer], part))
                return tool_error(
                        "component '%s' came along with '%s', and its writer does not want it restored by itself: restore '%s'. "
                        "Nothing was written.",
                        part->full, e->component->full, e->component->full);

        code = choose(l, e, &c);
        if (code != EXIT_OK || (chosen && c->n_parts == 0)) /* all of it is restored anyway */
                return code;
        if (ARRAY_RESERVE(c->parts, c->parts_capacity, c->n_parts + 1) < 0)
                return tool_fail(E_OUTOFMEMORY, "Cannot plan the restore");

        c->parts[c->n_parts++] = part;
        return EXIT_OK;
}

/* The entry that @c came along with: the nearest one. */
static const Entry *find_ancestor(const Entry *entries, size_t n, size_t writer, const Component *c) {
        const Entry *best = NULL;

        for (size_t i = 0; i < n; ++i)
                if (entries[i].writer == writer && component_follows(c, entries[i].component) &&
                    (!best || strlen(best->component->full) < strlen(entries[i].component->full)))
                        best = &entries[i];

        return best;
}

static bool is_entry(const Entry *entries, size_t n, const Component *c) {
        for (size_t i = 0; i < n; ++i)
                if (entries[i].component == c)
                        return true;

        return false;
}

static int choose_named(RestoreLink *l, const Entry *entries, size_t n, const char *name) {
        int code = EXIT_OK;
        bool found = false;
        Chosen *c;

        for (size_t i = 0; i < n && code == EXIT_OK; ++i)
                if (is_called(&l->writers[entries[i].writer], entries[i].component, name)) {
                        found = true;
                        code = choose(l, &entries[i], &c);
                }

        for (size_t w = 0; w < l->n_writers && !found; ++w)
                for (size_t i = 0; i < l->writers[w].n_components && code == EXIT_OK; ++i) {
                        const Component *part = &l->writers[w].components[i];
                        const Entry *e = find_ancestor(entries, n, w, part);

                        if (!e || is_entry(entries, n, part) || !is_called(&l->writers[w], part, name))
                                continue;
                        found = true;
                        code = choose_part(l, e, part);
                }

        if (found || code != EXIT_OK)
                return code;
        if (!l->previous)
                return tool_error("the set has no component of that name, '%s'; umbra show '%s' shows them",
                                  name, l->set->path);
        tool_say("Component '%s' is not in '%s': it stays as the sets before left it.", name, l->set->path);
        return EXIT_OK;
}

/* First those that are restored as a whole, then the parts of others. */
static int choose_entries(RestoreLink *l, const Entry *entries, size_t n) {
        char *const *names = l->options->components;
        int code = EXIT_OK;
        Chosen *c;

        for (size_t i = 0; i < n && code == EXIT_OK; ++i) {
                bool wanted = !names;

                STRV_FOREACH(name, names)
                        wanted = wanted ||
                                 is_called(&l->writers[entries[i].writer], entries[i].component, *name);
                if (wanted)
                        code = choose(l, &entries[i], &c);
        }

        STRV_FOREACH(name, names)
                if (code == EXIT_OK)
                        code = choose_named(l, entries, n, *name);
        return code;
}

static HRESULT collect_files_of(Chosen *c, const Component *part) {
        HRESULT hr = component_add_files(c->writer, part, c->files);

        if (SUCCEEDED(hr))
                hr = component_add_files_of(c->writer, part, VSS_FSBT_FULL_BACKUP_REQUIRED, c->saved);
        return SUCCEEDED(hr) ? component_add_live_files(c->writer, part, c->extra) : hr;
}

static int collect_files(Chosen *c) {
        HRESULT hr = S_OK;

        if (file_set_new(&c->files) < 0 || file_set_new(&c->extra) < 0 || file_set_new(&c->saved) < 0)
                return tool_fail(E_OUTOFMEMORY, "Cannot plan the restore");

        if (c->n_parts == 0)
                hr = collect_files_of(c, c->component);
        for (size_t i = 0; i < c->n_parts && SUCCEEDED(hr); ++i)
                hr = collect_files_of(c, c->parts[i]);
        return FAILED(hr) ? tool_fail(hr, "Cannot plan the restore of '%s'", c->component->full) : EXIT_OK;
}

/* May it be restored so? */

bool restore_needs_service(const RestoreLink *l, const Chosen *c) {
        return !l->options->no_services && !l->options->to &&
               (c->method->method == VSS_RME_STOP_RESTORE_START ||
                c->method->method == VSS_RME_RESTORE_STOP_START);
}

static int check_method(const RestoreLink *l, const Chosen *c) {
        const WriterRestore *m = c->method;

        if (m->method == VSS_RME_CUSTOM && !l->options->custom && !l->options->to)
                return tool_error(
                        "the writer '%s' restores '%s' by a procedure of its own%s%s and not by putting back files: follow its "
                        "documentation, take the files with --to DIR, or say --custom to put them back all the same. "
                        "Nothing was written.",
                        c->writer->name, c->component->full, *m->procedure ? ", " : "", m->procedure);
        if (restore_needs_service(l, c) && !service_name_is_valid(m->service))
                return tool_error(
                        "the writer '%s' wants the service '%s' stopped, and that is not the name of one; stop what it means by "
                        "hand, and say --no-services. Nothing was written.",
                        c->writer->name, m->service);
        return EXIT_OK;
}

/* What an option says is for writers that have declared that they understand it. */
static int check_options(const RestoreLink *l, const Chosen *c) {
        const RestoreOptions *o = l->options;
        const struct {
                bool said;
                DWORD schema; /* 0: any */
                const char *option;
        } needs[] = {
                { o->option,        0,                                        "--option"        },
                { o->authoritative, VSS_BS_AUTHORITATIVE_RESTORE,             "--authoritative" },
                { o->roll_forward,  VSS_BS_ROLLFORWARD_RESTORE,               "--roll-forward"  },
                { o->restore_name,  VSS_BS_RESTORE_RENAME,                    "--restore-name"  },
                { o->instance,      VSS_BS_WRITER_SUPPORTS_RESTORE_WITH_MOVE, "--instance"      },
        };

        for (size_t i = 0; i < ELEMENTSOF(needs); ++i) {
                if (!needs[i].said)
                        continue;
                if (!c->told)
                        return tool_error(
                                "%s is for the writer '%s', which takes no part in this restore of '%s'. Nothing was written.",
                                needs[i].option, c->writer->name, c->component->full);
                if (needs[i].schema && !(c->writer->schema & needs[i].schema))
                        return tool_error(
                                "the writer '%s' did not declare that it understands %s; leave it out. Nothing was written.",
                                c->writer->name, needs[i].option);
        }

        return EXIT_OK;
}

/* Does its writer take part? What depends on the files that are in place is decided later, in
 * restore_session_begin(). */
static bool is_told(const RestoreLink *l, const Chosen *c) {
        if (l->options->no_writers || c->method->method == VSS_RME_CUSTOM ||
            c->method->involved == VSS_WRE_NEVER)
                return false;
        if (l->options->to)
                return l->options->components && c->writer->schema & VSS_BS_WRITER_SUPPORTS_NEW_TARGET;

        return true;
}

static int check_chosen(RestoreLink *l) {
        int code = EXIT_OK;

        if (l->options->restore_name && l->n_chosen != 1)
                return tool_error(
                        "--restore-name is for one component: name it with --component. Nothing was written.");

        for (size_t i = 0; i < l->n_chosen && code == EXIT_OK; ++i) {
                Chosen *c = &l->chosen[i];

                code = collect_files(c);
                if (code == EXIT_OK)
                        code = check_method(l, c);
                c->told = is_told(l, c);
                if (code == EXIT_OK)
                        code = check_options(l, c);
        }

        return code;
}

int restore_link_choose(RestoreLink *l) {
        json_t *json, *list = json_object_get(set_reader_manifest(l->set->reader), "components");
        _cleanup_(freep) Entry *entries = NULL;
        size_t i, n = 0;
        int code;

        l->everything = !l->options->components;
        l->lost = json_integer_value(json_object_get(set_reader_summary(l->set->reader), SET_KEY_LOST)) > 0;
        code = read_writers(l);
        if (code != EXIT_OK)
                return code;

        entries = calloc_checked(json_array_size(list) + 1, sizeof(*entries));
        if (!entries)
                return tool_fail(E_OUTOFMEMORY, "Cannot plan the restore");

        json_array_foreach(list, i, json) {
                code = read_entry(l, json, &entries[n]);
                if (code != EXIT_OK)
                        return code;
                ++n;
        }

        code = choose_entries(l, entries, n);
        return code == EXIT_OK ? check_chosen(l) : code;
}

const Chosen *restore_link_find(const RestoreLink *l, const Chosen *c) {
        for (size_t i = 0; i < l->n_writers; ++i) {
                const WriterMetadata *w = &l->writers[i];
                const Component *same;

                if (!guid_equal(&w->writer_id, &c->writer->writer_id) ||
                    strcmp(w->instance_name, c->writer->instance_name) != 0)
                        continue;
                same = writer_metadata_find(w, c->component->logical_path, c->component->name);
                if (same && restore_link_chosen(l, i, same))
                        return restore_link_chosen(l, i, same);
        }

        return NULL;
}
