/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * To the Shadow Copies
 *
 * Writers are asked, components and volumes chosen, the snapshot set is taken; and after each step the writers are asked how they are.
 */

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/guid.h"
#include "base/hresult.h"
#include "base/strv.h"
#include "base/time-util.h"
#include "tools/backup-run.h"
#include "tools/tool-vss.h"
#include "tools/verb.h"

/* Writers */

/* Best effort begins again without it. */
static int remember_left_out(Backup *b, const char *what, const char *name) {
        _cleanup_(freep) char *text = NULL;

        if (format_to(&text, "%s '%s'", what, name) < 0 || strv_append(&b->left_out, text) < 0)
                return tool_fail(E_OUTOFMEMORY, "Cannot plan the backup");
        return EXIT_OK;
}

static int leave_out_writer(Backup *b, const WriterStatus *w) {
        BackupPlan *p = &b->plan;

        if (ARRAY_RESERVE(p->disabled, p->disabled_capacity, p->n_disabled + 1) < 0)
                return tool_fail(E_OUTOFMEMORY, "Cannot plan the backup");
        p->disabled[p->n_disabled++] = w->instance_id;
        return remember_left_out(b, "writer", w->name);
}

static int leave_out_component(Backup *b, const PlanComponent *c) {
        int code = backup_plan_leave_out(&b->plan, c);

        return code == EXIT_OK ? remember_left_out(b, "component", c->component->full) : code;
}

/* A partial failure is that of single components, which are named; the others may be good. */
static int blame_components(Backup *b, bool leave_out, const WriterStatus *w, size_t *ret_n) {
        int code = EXIT_OK;

        *ret_n = 0;
        for (size_t i = 0; i < b->plan.n_components && code == EXIT_OK; ++i) {
                const PlanComponent *c = &b->plan.components[i];

                if (SUCCEEDED(c->news.failure) || !guid_equal(&plan_writer(&b->plan, c)->instance_id, &w->instance_id))
                        continue;
                ++*ret_n;
                fprintf(stderr, "umbra: its component '%s' failed: %s%s%s\n", c->component->full, hresult_name(c->news.failure),
                        c->news.message ? ": " : "", c->news.message ?: "");
                if (leave_out)
                        code = leave_out_component(b, c);
        }
        return code;
}

static int blame_writer(Backup *b, const char *when, bool leave_out, const WriterStatus *w) {
        size_t n_components = 0;
        int code = EXIT_OK;

        fprintf(stderr, "umbra: %s, writer '%s' %s: %s%s%s\n", when, w->name, tool_writer_state(w->state), hresult_name(w->failure),
                *w->message ? ": " : "", w->message);
        if (w->failure == VSS_E_WRITERERROR_PARTIAL_FAILURE)
                code = blame_components(b, leave_out, w, &n_components);
        return code == EXIT_OK && n_components == 0 && leave_out ? leave_out_writer(b, w) : code;
}

static bool is_chosen(const Backup *b, const WriterStatus *w) {
        if (b->plan.whole_volumes)
                return true;
        for (size_t i = 0; i < b->plan.n_components; ++i)
                if (guid_equal(&plan_writer(&b->plan, &b->plan.components[i])->instance_id, &w->instance_id))
                        return true;
        return false;
}

int backup_check_writers(Backup *b, const char *when, bool leave_out) {
        WriterStatus *list = NULL;
        bool failed = false;
        size_t n = 0;
        int code = EXIT_OK;
        HRESULT hr;

        hr = tool_writer_statuses(b->vss, &list, &n);
        if (SUCCEEDED(hr))
                hr = backup_plan_read_news(&b->plan, b->vss);
        for (size_t i = 0; SUCCEEDED(hr) && i < n && code == EXIT_OK; ++i)
                if (is_chosen(b, &list[i]) && tool_writer_failed(&list[i])) {
                        failed = true;
                        code = blame_writer(b, when, leave_out, &list[i]);
                }
        tool_writer_statuses_free(list, n);
        if (FAILED(hr))
                return tool_fail(hr, "Cannot ask the writers how they are");
        return code != EXIT_OK ? code : !failed ? EXIT_OK : leave_out ? AGAIN : EXIT_WRITER;
}

/* The set */

/* One set at a time on a machine: wait in line. */
static HRESULT start_set(Backup *b) {
        usec_t deadline = now_usec(CLOCK_MONOTONIC) + b->wait_seconds * USEC_PER_SEC;
        bool said = false;
        HRESULT hr;

        for (;;) {
                hr = IVssBackupComponents_StartSnapshotSet(b->vss, &b->set_id);
                if (hr != VSS_E_SNAPSHOT_SET_IN_PROGRESS || now_usec(CLOCK_MONOTONIC) >= deadline || tool_interrupted())
                        return hr;
                if (!said)
                        tool_say("Another snapshot set is being created; waiting for it.");
                said = true;
                (void) poll(NULL, 0, 250);
        }
}

static HRESULT begin(Backup *b) {
        HRESULT hr;

        hr = IVssBackupComponents_InitializeForBackup(b->vss, NULL);
        if (SUCCEEDED(hr))
                hr = IVssBackupComponents_SetContext(b->vss, VSS_CTX_BACKUP);
        if (SUCCEEDED(hr))
                hr = IVssBackupComponents_SetBackupState(b->vss, !b->plan.whole_volumes, b->plan.system_state, b->plan.type, true);
        if (SUCCEEDED(hr) && b->plan.n_disabled > 0)
                hr = IVssBackupComponents_DisableWriterInstances(b->vss, b->plan.disabled, (UINT) b->plan.n_disabled);
        if (SUCCEEDED(hr))
                hr = TOOL_WAIT(IVssBackupComponents_GatherWriterMetadata(b->vss, &async));
        return hr;
}

void component_name_clear(ComponentName *n) {
        free(n->path);
        free(n->name);
}

ComponentName component_name(const Component *c) {
        return (ComponentName){ tool_wide(*c->logical_path ? c->logical_path : NULL), tool_wide(c->name) };
}

static HRESULT add_component(Backup *b, const PlanComponent *c) {
        _cleanup_(component_name_clear) ComponentName n = component_name(c->component);
        const WriterMetadata *w = plan_writer(&b->plan, c);
        _cleanup_(freep) WCHAR *stamp = tool_wide(c->previous);
        HRESULT hr;

        hr = IVssBackupComponents_AddComponent(b->vss, w->instance_id, w->writer_id, c->component->type, n.path, n.name);
        if (SUCCEEDED(hr) && stamp)
                hr = IVssBackupComponents_SetPreviousBackupStamp(b->vss, w->writer_id, c->component->type, n.path, n.name, stamp);
        return hr;
}

HRESULT backup_for_each_component(Backup *b, HRESULT (*f)(Backup *b, const PlanComponent *c)) {
        HRESULT hr = S_OK;

        for (size_t i = 0; i < b->plan.n_components && SUCCEEDED(hr); ++i)
                hr = f(b, &b->plan.components[i]);
        return hr;
}

/* NAME=TEXT, for a component that is in the backup by itself. */
static int set_option(Backup *b, const char *option) {
        const char *text = strchr(option, '=') + 1;
        _cleanup_(freep) char *name = strndup(option, (size_t) (text - option - 1));
        _cleanup_(freep) WCHAR *wide = tool_wide(text);
        const Component *c = NULL;
        const PlanComponent *chosen;
        size_t writer = 0;
        HRESULT hr;
        int code;

        code = name ? backup_plan_find(&b->plan, name, &writer, &c) : tool_fail(E_OUTOFMEMORY, "Cannot plan the backup");
        if (code != EXIT_OK)
                return code;
        chosen = backup_plan_component(&b->plan, writer, c);
        if (!chosen)
                return tool_error("component '%s' is not in this backup, so it takes no option", c->full);
        if (chosen->component != c)
                return tool_error("component '%s' comes along with '%s', which takes the options for both", c->full, chosen->component->full);
        {
                _cleanup_(component_name_clear) ComponentName n = component_name(c);

                hr = IVssBackupComponents_SetBackupOptions(b->vss, plan_writer(&b->plan, chosen)->writer_id, c->type, n.path, n.name, wide);
        }
        return FAILED(hr) ? tool_fail(hr, "Cannot set the option of '%s'", c->full) : EXIT_OK;
}

/* Anew whenever more is known. */
static int find_files(Backup *b) {
        int r;

        b->files = backup_files_free(b->files);
        r = backup_files_new(&b->plan, &b->files);
        if (r == -EINVAL)
                return EXIT_WRITER; /* was said */
        return r < 0 ? tool_fail(hresult_from_errno(r), "Cannot plan the backup") : backup_plan_add_volumes(&b->plan, b->vss, backup_files_places(b->files));
}

/* To the point where the writers can be told. */
static int compose_set(Backup *b) {
        HRESULT hr;
        int code;

        hr = begin(b);
        if (FAILED(hr))
                return tool_fail(hr, "Cannot begin the backup");
        code = backup_plan_read_writers(&b->plan, b->vss);
        if (code == EXIT_OK && !b->plan.whole_volumes)
                code = backup_plan_choose(&b->plan);
        if (code == EXIT_OK)
                code = backup_base_decide(b->base, &b->plan);
        if (code != EXIT_OK)
                return code;
        hr = start_set(b);
        if (FAILED(hr))
                return tool_fail(hr, "Cannot begin a snapshot set");
        code = find_files(b);
        if (code != EXIT_OK)
                return code;
        hr = backup_for_each_component(b, add_component);
        if (FAILED(hr))
                return tool_fail(hr, "Cannot add a component");
        STRV_FOREACH(option, b->plan.options)
                if (code == EXIT_OK)
                        code = set_option(b, *option);
        return code;
}

/* What the writers add may lie on volumes that nobody has thought of. */
static int prepare_writers(Backup *b) {
        HRESULT hr;
        int code;

        hr = TOOL_WAIT(IVssBackupComponents_PrepareForBackup(b->vss, &async));
        if (FAILED(hr))
                return tool_fail(hr, "Cannot prepare the backup");
        code = backup_check_writers(b, "preparing", b->plan.best_effort);
        return code == EXIT_OK ? find_files(b) : code;
}

static void say_what_is_taken(const BackupPlan *p) {
        const char *volumes = p->n_volumes == 1 ? "" : "s";

        if (p->n_components == 0)
                tool_say("Taking a snapshot of %zu volume%s.", p->n_volumes, volumes);
        else
                tool_say("Taking a snapshot of %zu volume%s with %zu component%s.", p->n_volumes, volumes, p->n_components,
                         p->n_components == 1 ? "" : "s");
}

/* To the point where the shadow copies are there. */
int backup_take_set(Backup *b) {
        HRESULT hr;
        int code;

        code = compose_set(b);
        if (code != EXIT_OK)
                return code;
        say_what_is_taken(&b->plan);
        code = prepare_writers(b);
        if (code != EXIT_OK)
                return code;
        hr = TOOL_WAIT(IVssBackupComponents_DoSnapshotSet(b->vss, &async));
        if (FAILED(hr)) {
                code = tool_fail(hr, "Cannot create the snapshots");
                if (hr == E_ABORT)
                        return code;
        }
        if (SUCCEEDED(hr) || hr == VSS_E_UNEXPECTED_WRITER_ERROR) {
                int blamed = backup_check_writers(b, "taking the snapshot", b->plan.best_effort);

                if (blamed != EXIT_OK)
                        return blamed;
        }
        return code;
}
