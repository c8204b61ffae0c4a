/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What Is Said to Writers and What They Say
 *
 * An ordinary requester's restore: everything is chosen before PreRestore, the answers are read after it, and
 * how it went is told before PostRestore. Whoever got the first event gets the second, however it went: an
 * application waits for it. [MS: overview-of-processing-a-restore-under-vss]
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <umbra.h>

#include "base/alloc.h"
#include "base/guid.h"
#include "base/hresult.h"
#include "base/strv.h"
#include "tools/restore-answers.h"
#include "tools/restore-link.h"
#include "tools/set-format.h"
#include "tools/tool-vss.h"
#include "tools/verb.h"

static bool anybody_is_told(const RestoreLink *l) {
        for (size_t i = 0; i < l->n_chosen; ++i)
                if (l->chosen[i].told)
                        return true;

        return false;
}

/* Components as the document has them */

typedef int (*EachComponent)(RestoreLink *l, Chosen *c, IVssComponent *component);

static Chosen *find_told(RestoreLink *l, const GUID *instance_id, IVssComponent *component) {
        _cleanup_(freep) char *path = NULL, *name = NULL;
        BSTR bpath = NULL, bname = NULL;
        Chosen *c;

        (void) IVssComponent_GetLogicalPath(component, &bpath);
        (void) IVssComponent_GetComponentName(component, &bname);
        path = tool_take_bstr(bpath);
        name = tool_take_bstr(bname);

        for (size_t i = 0; i < l->n_writers; ++i) {
                const WriterMetadata *w = &l->writers[i];
                const Component *known;

                if (!guid_equal(&w->instance_id, instance_id))
                        continue;
                known = writer_metadata_find(w, path, name);
                c = known ? restore_link_chosen(l, i, known) : NULL;
                return c && c->told ? c : NULL;
        }

        return NULL;
}

static int for_each_of_writer(RestoreLink *l, IVssWriterComponentsExt *part, EachComponent each) {
        VSS_ID instance, id;
        int code = EXIT_OK;
        UINT n = 0;
        HRESULT hr;

        hr = IVssWriterComponents_GetWriterInfo(&part->components, &instance, &id);
        if (SUCCEEDED(hr))
                hr = IVssWriterComponents_GetComponentCount(&part->components, &n);

        for (UINT k = 0; SUCCEEDED(hr) && code == EXIT_OK && k < n; ++k) {
                IVssComponent *component = NULL;
                Chosen *c;

                hr = IVssWriterComponents_GetComponent(&part->components, k, &component);
                if (FAILED(hr))
                        break;
                c = find_told(l, &instance, component);
                if (c)
                        code = each(l, c, component);
                IVssComponent_Release(component);
        }

        return FAILED(hr) ? tool_fail(hr, "Cannot read the components of '%s'", l->set->path) : code;
}

/* Calls @each for those whose writers take part. The pointers are asked for anew each time. [pitfall 1] */
static int for_each_told(RestoreLink *l, EachComponent each) {
        int code = EXIT_OK;
        UINT n = 0;
        HRESULT hr;

        hr = IVssBackupComponents_GetWriterComponentsCount(l->vss, &n);
        for (UINT i = 0; SUCCEEDED(hr) && code == EXIT_OK && i < n; ++i) {
                IVssWriterComponentsExt *part = NULL;

                hr = IVssBackupComponents_GetWriterComponents(l->vss, i, &part);
                if (FAILED(hr))
                        break;
                code = for_each_of_writer(l, part, each);
                IUnknown_Release(&part->unknown);
        }

        return FAILED(hr) ? tool_fail(hr, "Cannot read the components of '%s'", l->set->path) : code;
}

/* Writers that run */

/* Is it of this class, and called @name (its instance name or id)? @name NULL: any. */
static bool is_instance(IVssExamineWriterMetadata *metadata,
                        const GUID *writer_id,
                        const char *name,
                        GUID *ret_instance) {
        _cleanup_(freep) char *instance_name = NULL;
        IVssExamineWriterMetadataEx *ex = NULL;
        BSTR bname = NULL, binstance = NULL;
        VSS_USAGE_TYPE usage;
        VSS_SOURCE_TYPE source;
        GUID instance, id, said;
        HRESULT hr;

        hr = IVssExamineWriterMetadata_QueryInterface(metadata, &IID_IVssExamineWriterMetadataEx,
                                                      (void **) &ex);
        if (FAILED(hr))
                return false;

        hr = IVssExamineWriterMetadataEx_GetIdentityEx(ex, &instance, &id, &bname, &binstance, &usage,
                                                       &source);
        IVssExamineWriterMetadataEx_Release(ex);
        SysFreeString(bname);
        instance_name = tool_take_bstr(binstance);
        if (FAILED(hr) || !guid_equal(&id, writer_id) ||
            (name && strcmp(instance_name, name) != 0 &&
             (guid_from_string(name, &said) < 0 || !guid_equal(&said, &instance))))
                return false;

        *ret_instance = instance;
        return true;
}

static bool find_running(const RestoreLink *l, const GUID *writer_id, const char *name, GUID *ret_instance) {
        bool found = false;
        UINT n = 0;

        (void) IVssBackupComponents_GetWriterMetadataCount(l->vss, &n);
        for (UINT i = 0; i < n && !found; ++i) {
                IVssExamineWriterMetadata *metadata = NULL;
                VSS_ID instance;

                if (FAILED(IVssBackupComponents_GetWriterMetadata(l->vss, i, &instance, &metadata)))
                        continue;
                found = is_instance(metadata, writer_id, name, ret_instance);
                IVssExamineWriterMetadata_Release(metadata);
        }

        return found;
}

/* Its word is wanted before and after. */
static int check_present(RestoreLink *l) {
        const WriterMetadata *asked = NULL;
        bool running = false;

        for (size_t i = 0; i < l->n_chosen; ++i) {
                Chosen *c = &l->chosen[i];
                GUID instance;

                if (c->told && c->writer != asked) { /* those of one writer mostly stand together */
                        asked = c->writer;
                        running = find_running(l, &asked->writer_id, NULL, &instance);
                }
                if (!c->told || running)
                        continue;
                if (l->options->to) {
                        tool_say("The writer '%s' is not running: component '%s' is restored without it.",
                                 c->writer->name, c->component->full);
                        c->told = false;
                        continue;
                }
                tool_error(
                        "the writer '%s' of component '%s' is not running, so nobody can say whether it may be replaced; start it, "
                        "take the files with --to DIR, or say --no-writers. Nothing was written.",
                        c->writer->name, c->component->full);
                return EXIT_WRITER;
        }

        return EXIT_OK;
}

static int print_message(RestoreLink *l, Chosen *c, IVssComponent *component) {
        _cleanup_(freep) char *before = NULL, *after = NULL;
        BSTR bbefore = NULL, bafter = NULL;

        (void) IVssComponent_GetPreRestoreFailureMsg(component, &bbefore);
        (void) IVssComponent_GetPostRestoreFailureMsg(component, &bafter);
        before = tool_take_bstr(bbefore);
        after = tool_take_bstr(bafter);
        if (*before && !l->prepared)
                fprintf(stderr, "umbra: component '%s': %s\n", c->component->full, before);
        if (*after && l->prepared)
                fprintf(stderr, "umbra: component '%s': %s\n", c->component->full, after);
        return EXIT_OK;
}

/* A component may fail while its writer does not. [MS: nf-vswriter-ivsscomponentex2-setfailure] */
static bool component_failed(const Chosen *c, IVssComponent *component) {
        IVssComponentEx2 *ex = NULL;
        HRESULT failure = S_OK, application = S_OK;
        BSTR message = NULL;
        bool failed;

        if (FAILED(IVssComponent_QueryInterface(component, &IID_IVssComponentEx2, (void **) &ex)))
                return false;

        failed = SUCCEEDED(IVssComponentEx2_GetFailure(ex, &failure, &application, &message, NULL)) &&
                 FAILED(failure);
        if (failed) {
                _cleanup_(freep) char *text = tool_text(message);

                fprintf(stderr, "umbra: component '%s': its writer says %s%s%s\n", c->component->full,
                        hresult_name(failure), *text ? ": " : "", text);
        }
        SysFreeString(message);
        IVssComponentEx2_Release(ex);
        return failed;
}

static int check_component(RestoreLink *l, Chosen *c, IVssComponent *component) {
        if (component_failed(c, component))
                c->refused = true;
        return EXIT_OK;
}

static bool is_of_chosen(const RestoreLink *l, const GUID *writer_id) {
        for (size_t i = 0; i < l->n_chosen; ++i)
                if (l->chosen[i].told && guid_equal(&l->chosen[i].writer->writer_id, writer_id))
                        return true;

        return false;
}

static int check_writers(RestoreLink *l, const char *when) {
        WriterStatus *list = NULL;
        size_t n = 0;
        int code = EXIT_OK;
        HRESULT hr;

        hr = tool_writer_statuses(l->vss, &list, &n);
        if (FAILED(hr))
                return tool_fail(hr, "Cannot ask the writers how they are");

        for (size_t i = 0; i < n; ++i) {
                if (!is_of_chosen(l, &list[i].writer_id) || !tool_writer_failed(&list[i]))
                        continue;
                fprintf(stderr, "umbra: %s, writer '%s' %s: %s%s%s\n", when, list[i].name,
                        tool_writer_state(list[i].state), hresult_name(list[i].failure),
                        *list[i].message ? ": " : "", list[i].message);
                code = EXIT_WRITER;
        }
        tool_writer_statuses_free(list, n);

        (void) for_each_told(l, print_message);
        (void) for_each_told(l, check_component);
        for (size_t i = 0; i < l->n_chosen; ++i)
                if (l->chosen[i].refused)
                        code = EXIT_WRITER;
        return code;
}

/* Before PreRestore */

/* What identifies a component to the API. */
typedef struct Names {
        WCHAR *path, *name;
} Names;

static void names_clear(Names *n) {
        free(n->path);
        free(n->name);
}

static Names names_of(const Component *c) {
        return (Names){ tool_wide(*c->logical_path ? c->logical_path : NULL), tool_wide(c->name) };
}

static HRESULT select_it(RestoreLink *l, const Chosen *c, const Names *n) {
        IVssBackupComponentsEx *ex = NULL;
        GUID instance;
        HRESULT hr;

        if (!l->options->instance)
                return IVssBackupComponents_SetSelectedForRestore(
                        l->vss, c->writer->writer_id, c->component->type, n->path, n->name, true);

        if (!find_running(l, &c->writer->writer_id, l->options->instance, &instance))
                return VSS_E_OBJECT_NOT_FOUND;

        hr = IVssBackupComponents_QueryInterface(l->vss, &IID_IVssBackupComponentsEx, (void **) &ex);
        if (FAILED(hr))
                return hr;

        hr = IVssBackupComponentsEx_SetSelectedForRestoreEx(ex, c->writer->writer_id, c->component->type,
                                                            n->path, n->name, true, instance);
        IVssBackupComponentsEx_Release(ex);
        return hr;
}

static HRESULT add_parts(RestoreLink *l, const Chosen *c, const Names *n) {
        HRESULT hr = S_OK;

        for (size_t i = 0; i < c->n_parts && SUCCEEDED(hr); ++i) {
                _cleanup_(names_clear) Names part = names_of(c->parts[i]);

                hr = IVssBackupComponents_AddRestoreSubcomponent(l->vss, c->writer->writer_id,
                                                                 c->component->type, n->path, n->name,
                                                                 part.path, part.name, false);
        }

        return hr;
}

static HRESULT add_new_targets(RestoreLink *l, const Chosen *c, const Names *n) {
        HRESULT hr = S_OK;

        for (size_t i = 0; i < c->n_rules && SUCCEEDED(hr); ++i) {
                const PlaceRule *rule = &c->rules[i];
                _cleanup_(freep) WCHAR *path = tool_wide(rule->path), *pattern = tool_wide(rule->pattern),
                                       *to = tool_wide(rule->to);

                hr = IVssBackupComponents_AddNewTarget(l->vss, c->writer->writer_id, c->component->type,
                                                       n->path, n->name, path, pattern, rule->recursive, to);
        }

        return hr;
}

/* "all", "none", or a point that the writer understands. */
static HRESULT set_roll_forward(RestoreLink *l,
                                IVssBackupComponentsEx2 *ex,
                                const Chosen *c,
                                const Names *n) {
        const char *text = l->options->roll_forward;
        VSS_ROLLFORWARD_TYPE type = strcmp(text, "all") == 0  ? VSS_RF_ALL :
                                    strcmp(text, "none") == 0 ? VSS_RF_NONE :
                                                                VSS_RF_PARTIAL;
        _cleanup_(freep) WCHAR *point = tool_wide(type == VSS_RF_PARTIAL ? text : NULL);

        return IVssBackupComponentsEx2_SetRollForward(ex, c->writer->writer_id, c->component->type, n->path,
                                                      n->name, type, point);
}

static HRESULT set_options(RestoreLink *l, const Chosen *c, const Names *n) {
        _cleanup_(freep) WCHAR *option = tool_wide(l->options->option),
                               *name = tool_wide(l->options->restore_name);
        IVssBackupComponentsEx2 *ex = NULL;
        HRESULT hr;

        hr = IVssBackupComponents_QueryInterface(l->vss, &IID_IVssBackupComponentsEx2, (void **) &ex);
        if (FAILED(hr))
                return hr;

        if (l->options->option)
                hr = IVssBackupComponentsEx2_SetRestoreOptions(ex, c->writer->writer_id, c->component->type,
                                                               n->path, n->name, option);
        if (SUCCEEDED(hr) && l->options->authoritative)
                hr = IVssBackupComponentsEx2_SetAuthoritativeRestore(
                        ex, c->writer->writer_id, c->component->type, n->path, n->name, true);
        if (SUCCEEDED(hr) && l->options->roll_forward)
                hr = set_roll_forward(l, ex, c, n);
        if (SUCCEEDED(hr) && l->options->restore_name)
                hr = IVssBackupComponentsEx2_SetRestoreName(ex, c->writer->writer_id, c->component->type,
                                                            n->path, n->name, name);
        IVssBackupComponentsEx2_Release(ex);
        return hr;
}

/* Will another set of the chain restore more of it? Then its writer must not go online yet. */
static HRESULT set_additional(RestoreLink *l, const Chosen *c, const Names *n) {
        for (size_t i = 0; i < l->n_later; ++i)
                if (restore_link_find(&l->later[i], c))
                        return IVssBackupComponents_SetAdditionalRestores(
                                l->vss, c->writer->writer_id, c->component->type, n->path, n->name, true);

        return S_OK;
}

static int configure(RestoreLink *l) {
        for (size_t i = 0; i < l->n_chosen; ++i) {
                Chosen *c = &l->chosen[i];
                _cleanup_(names_clear) Names n = names_of(c->component);
                HRESULT hr;
                int code;

                if (!c->told)
                        continue;
                code = restore_place_plan(l, c);
                if (code != EXIT_OK)
                        return code;

                hr = select_it(l, c, &n);
                if (hr == VSS_E_OBJECT_NOT_FOUND && l->options->instance)
                        return tool_error(
                                "the writer '%s' has no instance '%s' that runs; umbra writers shows them. Nothing was written.",
                                c->writer->name, l->options->instance);
                if (SUCCEEDED(hr))
                        hr = add_parts(l, c, &n);
                if (SUCCEEDED(hr))
                        hr = add_new_targets(l, c, &n);
                if (SUCCEEDED(hr))
                        hr = set_options(l, c, &n);
                if (SUCCEEDED(hr))
                        hr = set_additional(l, c, &n);
                if (FAILED(hr))
                        return tool_fail(hr, "Cannot choose '%s' to be restored", c->component->full);
        }

        return EXIT_OK;
}

/* After it */

static int read_news(RestoreLink *l, Chosen *c, IVssComponent *component) {
        return restore_answers_news(l, c, component);
}

static int read_target(RestoreLink *l, Chosen *c, IVssComponent *component) {
        return restore_answers_target(c, component);
}

/* One that needs its writer only if its files are in the way. */
static void decide_who_is_told(RestoreLink *l) {
        for (size_t i = 0; i < l->n_chosen; ++i) {
                Chosen *c = &l->chosen[i];

                if (c->told && c->method->involved == VSS_WRE_IF_REPLACE_FAILS && !l->options->to)
                        c->told = restore_place_is_taken(l, c);
        }
}

static HRESULT initialize(RestoreLink *l, const char *document) {
        _cleanup_(freep) WCHAR *wide = tool_wide(document);
        BSTR xml = SysAllocString(wide);
        HRESULT hr;

        hr = IVssBackupComponents_InitializeForRestore(l->vss, xml);
        SysFreeString(xml);
        if (SUCCEEDED(hr))
                hr = IVssBackupComponents_SetRestoreState(l->vss, VSS_RTYPE_BY_COPY);
        if (SUCCEEDED(hr))
                hr = TOOL_WAIT(IVssBackupComponents_GatherWriterMetadata(l->vss, &async));
        return hr;
}

/* Without a PreRestore there is no PostRestore. */
static void disconnect(RestoreLink *l) {
        IVssBackupComponents_Release(l->vss);
        l->vss = NULL;
}

int restore_session_begin(RestoreLink *l) {
        const char *document = set_reader_text(l->set->reader, SET_FINAL_DOCUMENT) ?:
                                       set_reader_text(l->set->reader, SET_DOCUMENT);
        HRESULT hr;
        int code;

        decide_who_is_told(l);
        if (!anybody_is_told(l))
                return EXIT_OK;
        if (!document)
                return chain_set_explain(l->set, -EBADMSG, "nothing was written");

        l->vss = tool_connect(&code);
        if (!l->vss)
                return code;
        hr = initialize(l, document);
        if (FAILED(hr)) {
                code = tool_fail(hr, "Cannot begin the restore");
                disconnect(l);
                return code;
        }

        code = check_present(l);
        if (code == EXIT_OK)
                code = configure(l);
        if (code == EXIT_OK)
                code = for_each_told(l, read_news);
        if (code != EXIT_OK || !anybody_is_told(l)) {
                disconnect(l); /* nobody has heard of it yet */
                return code;
        }

        /* It cannot be taken back: a writer that has heard of it waits for PostRestore. */
        hr = TOOL_WAIT_THROUGH(IVssBackupComponents_PreRestore(l->vss, &async));
        if (FAILED(hr)) {
                code = tool_fail(hr, "Cannot prepare the restore");
                disconnect(l);
                return code;
        }

        code = tool_interrupted() ? chain_set_explain(l->set, -EINTR, "nothing was written") :
                                    check_writers(l, "preparing");
        if (code == EXIT_OK)
                code = for_each_told(l, read_target);
        l->prepared = code == EXIT_OK;
        return code;
}

/* The end */

/* Alternate locations that were really used. [MS: nf-vsbackup-ivssbackupcomponents-addalternativelocationmapping] */
static HRESULT report_mappings(RestoreLink *l, const Chosen *c, const Names *n) {
        HRESULT hr = S_OK;

        for (size_t i = 0; i < c->n_rules && SUCCEEDED(hr); ++i) {
                const PlaceRule *rule = &c->rules[i];
                _cleanup_(freep) WCHAR *path = tool_wide(rule->path), *pattern = tool_wide(rule->pattern),
                                       *to = tool_wide(rule->to);

                if (!rule->used || l->options->to)
                        continue;
                hr = IVssBackupComponents_AddAlternativeLocationMapping(l->vss, c->writer->writer_id,
                                                                        c->component->type, n->path, n->name,
                                                                        path, pattern, rule->recursive, to);

                /* A mapping should be for one of the file sets. What is for a part of one can be used, but not told. */
                if (hr == VSS_E_OBJECT_NOT_FOUND) {
                        tool_say(
                                "The writer '%s' maps '%s' in '%s', which is none of its file sets: it cannot be told where that is.",
                                c->writer->name, rule->pattern, rule->path);
                        hr = S_OK;
                }
        }

        return hr;
}

/* VSS_RS_FAILED means some of them. [pitfall 25] */
static VSS_FILE_RESTORE_STATUS status_of(const RestoreLink *l, const Chosen *c) {
        if (l->finished && c->n_failed == 0 && !c->lost)
                return VSS_RS_ALL;

        return c->n_restored == 0 ? VSS_RS_NONE : VSS_RS_FAILED;
}

static HRESULT report_files(RestoreLink *l) {
        HRESULT hr = S_OK;

        for (size_t i = 0; i < l->n_chosen && SUCCEEDED(hr); ++i) {
                const Chosen *c = &l->chosen[i];
                _cleanup_(names_clear) Names n = names_of(c->component);

                if (!c->told)
                        continue;
                hr = report_mappings(l, c, &n);
                if (SUCCEEDED(hr))
                        hr = IVssBackupComponents_SetFileRestoreStatus(l->vss, c->writer->writer_id,
                                                                       c->component->type, n.path, n.name,
                                                                       status_of(l, c));
        }

        return hr;
}

/* Ranges files that are not where they were. [MS: nf-vsbackup-ivssbackupcomponents-setrangesfilepath] */
static int report_ranges_files(RestoreLink *l, Chosen *c, IVssComponent *component) {
        _cleanup_(names_clear) Names n = names_of(c->component);
        UINT count = 0;

        (void) IVssComponent_GetPartialFileCount(component, &count);
        for (UINT i = 0; i < count; ++i) {
                _cleanup_(freep) char *file = restore_answers_ranges_file(component, i), *place = NULL;
                _cleanup_(freep) WCHAR *wide = NULL;
                HRESULT hr;

                if (!file || restore_place_of(l, c, file, false, &place) < 0 || !place ||
                    strcmp(file, place) == 0)
                        continue;
                wide = tool_wide(place);
                hr = IVssBackupComponents_SetRangesFilePath(l->vss, c->writer->writer_id, c->component->type,
                                                            n.path, n.name, i, wide);
                if (FAILED(hr))
                        return tool_fail(hr, "Cannot say where '%s' is", file);
        }

        return EXIT_OK;
}

int restore_session_end(RestoreLink *l, int code) {
        int checked = EXIT_OK;
        HRESULT hr;

        if (!l->vss)
                return code;

        if (l->finished)
                checked = for_each_told(l, report_ranges_files);
        hr = report_files(l);
        if (FAILED(hr))
                checked = tool_fail(hr, "Cannot tell the writers how it went");

        hr = TOOL_WAIT_THROUGH(IVssBackupComponents_PostRestore(l->vss, &async));
        if (FAILED(hr))
                checked = tool_fail(hr, "Cannot end the restore");
        else if (l->prepared && checked == EXIT_OK && tool_interrupted() && code == EXIT_OK) {
                tool_error("interrupted; the files of '%s' are in place, but whether the writers are content was not asked; run it again",
                           l->set->path);
                checked = EXIT_INTERRUPTED;
        } else if (l->prepared && checked == EXIT_OK && !tool_interrupted())
                checked = check_writers(l, "checking what was restored");

        return code != EXIT_OK ? code : checked;
}
