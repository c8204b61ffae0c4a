/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A Restore, Step by Step
 */

#include <stdlib.h>
#include <string.h>

#include "testers/betest.h"
#include "testers/describe.h"
#include "testers/vss-text.h"
#include "testers/words.h"

/* What identifies a component in most calls. */
typedef struct Names {
        VSS_COMPONENT_TYPE type;
        WCHAR *path, *name;
} Names;

static void names_clear(Names *n) {
        free(n->path);
        free(n->name);
}

static Names names_of(const BetestPart *p) {
        return (Names){
                .type = p->type,
                .path = *p->logical_path ? text_to_wide(p->logical_path) : NULL,
                .name = text_to_wide(p->name),
        };
}

#define OF(s, n) (s)->id, (n).type, (n).path, (n).name

static HRESULT add_new_target(Betest *b, const BetestSource *s, const Names *n, const BetestTarget *t) {
        _cleanup_(freep) WCHAR *path = text_to_wide(t->path), *pattern = text_to_wide(t->filespec);
        _cleanup_(freep) WCHAR *to = text_to_wide(t->destination);

        return BETEST_CALL(b, AddNewTarget, OF(s, *n), path, pattern, t->recursive, to);
}

static HRESULT add_subcomponent(Betest *b,
                                const BetestSource *s,
                                const Names *n,
                                const BetestSubcomponent *sub) {
        _cleanup_(freep) WCHAR *path = text_to_wide(sub->logical_path), *name = text_to_wide(sub->name);

        return BETEST_CALL(b, AddRestoreSubcomponent, OF(s, *n), path, name, false);
}

static HRESULT set_extensions(Betest *b, const BetestSource *s, const Names *n, const BetestComponent *c) {
        _cleanup_(freep) WCHAR *point = text_to_wide(c->roll_forward_point),
                               *name = text_to_wide(c->restore_name);
        IVssBackupComponentsEx2 *ex = NULL;
        HRESULT hr;

        hr = IVssBackupComponents_QueryInterface(b->vss, &IID_IVssBackupComponentsEx2, (void **) &ex);
        if (FAILED(hr))
                return hr;
        if (b->authoritative || c->authoritative)
                hr = betest_called(b, IVssBackupComponentsEx2_SetAuthoritativeRestore(ex, OF(s, *n), true),
                                   "SetAuthoritativeRestore()");
        if (SUCCEEDED(hr) && c->roll_forward != VSS_RF_UNDEFINED)
                hr = betest_called(b,
                                   IVssBackupComponentsEx2_SetRollForward(
                                           ex, OF(s, *n), (VSS_ROLLFORWARD_TYPE) c->roll_forward, point),
                                   "SetRollForward()");
        if (SUCCEEDED(hr) && name)
                hr = betest_called(b, IVssBackupComponentsEx2_SetRestoreName(ex, OF(s, *n), name),
                                   "SetRestoreName()");
        IVssBackupComponentsEx2_Release(ex);
        return hr;
}

static HRESULT choose_component(Betest *b, BetestSource *s, BetestPart *part, IVssComponent *unused) {
        _cleanup_(names_clear) Names n = { 0 };
        _cleanup_(freep) WCHAR *options = NULL;
        const BetestComponent *c;
        HRESULT hr;

        if (!part) /* the writer does not run, or has no such component any more */
                return S_OK;
        c = part->chosen =
                betest_config_find(b->config, &s->id, s->instance_name, part->logical_path, part->name);
        if (!c)
                return S_OK;
        n = names_of(part);
        options = text_to_wide(c->restore_options);
        hr = betest_called(b, IVssBackupComponents_SetSelectedForRestore(b->vss, OF(s, n), true),
                           "SetSelectedForRestore('%s', '%s')", part->logical_path, part->name);
        if (SUCCEEDED(hr) && options)
                hr = BETEST_CALL(b, SetRestoreOptions, OF(s, n), options);
        if (SUCCEEDED(hr) && c->additional_restores)
                hr = BETEST_CALL(b, SetAdditionalRestores, OF(s, n), true);
        for (const BetestTarget *t = c->new_targets; t && SUCCEEDED(hr);
             t = (const BetestTarget *) t->node.next)
                hr = add_new_target(b, s, &n, t);
        for (const BetestSubcomponent *sub = c->subcomponents; sub && SUCCEEDED(hr);
             sub = (const BetestSubcomponent *) sub->node.next)
                hr = add_subcomponent(b, s, &n, sub);
        return SUCCEEDED(hr) ? set_extensions(b, s, &n, c) : hr;
}

static HRESULT restore_component(Betest *b, BetestSource *s, BetestPart *part, IVssComponent *c) {
        VSS_FILE_RESTORE_STATUS status = VSS_RS_ALL;
        _cleanup_(names_clear) Names n = { 0 };
        bool selected = false;

        if (b->verbose) {
                json_t *record = record_new("component", part ? part->name : "");

                (void) json_object_update_new(record, describe_component(c));
                report_emit(b->report, record);
        }
        (void) IVssComponent_IsSelectedForRestore(c, &selected);
        if (!part || !selected)
                return S_OK;
        if (b->directory)
                status = betest_restore_files(b, s, part, c);
        n = names_of(part);
        return betest_called(b, IVssBackupComponents_SetFileRestoreStatus(b->vss, OF(s, n), status),
                             "SetFileRestoreStatus('%s', '%s', %s)", part->logical_path, part->name,
                             word_of(restore_status_words, (int) status));
}

static HRESULT begin(Betest *b) {
        HRESULT hr;

        hr = BETEST_CALL(b, InitializeForRestore, b->document);
        if (SUCCEEDED(hr))
                hr = BETEST_WAIT(b, GatherWriterMetadata);
        if (SUCCEEDED(hr))
                hr = b->directory ? betest_read_saved_metadata(b) : betest_read_metadata(b);
        if (SUCCEEDED(hr))
                hr = BETEST_CALL(b, SetRestoreState, VSS_RTYPE_BY_COPY);
        return SUCCEEDED(hr) ? betest_foreach_component(b, choose_component) : hr;
}

void betest_restore(Betest *b) {
        HRESULT hr;

        b->restoring = true;
        if (!b->document) {
                b->document = betest_load_document(b, b->document_file);
                if (!b->document)
                        return;
        }
        if (!betest_connect(b))
                return;
        hr = begin(b);
        if (SUCCEEDED(hr))
                hr = BETEST_WAIT(b, PreRestore);
        if (SUCCEEDED(hr) && !betest_writers_are_well(b))
                hr = E_ABORT;
        if (SUCCEEDED(hr))
                hr = betest_foreach_component(b, restore_component);
        if (SUCCEEDED(hr))
                hr = BETEST_WAIT(b, PostRestore);
        if (SUCCEEDED(hr))
                (void) betest_writers_are_well(b);
        betest_disconnect(b);
}
