/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * umbra backup
 *
 * An ordinary requester: writers are asked, the set is taken, the files are streamed out of the shadow copies into one set, and everybody is told how it went.
 */

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <umbra.h>

#include "base/alloc.h"
#include "base/fd-util.h"
#include "base/guid.h"
#include "base/hresult.h"
#include "base/strv.h"
#include "base/time-util.h"
#include "tools/backup-base.h"
#include "tools/backup-files.h"
#include "tools/backup-plan.h"
#include "tools/backup-save.h"
#include "tools/manifest.h"
#include "tools/progress.h"
#include "tools/set-format.h"
#include "tools/set-writer.h"
#include "tools/tool-vss.h"
#include "tools/verb.h"

#define WAIT_DEFAULT_SECONDS 600
#define ATTEMPTS_MAX 8 /* of --best-effort: each goes on without at least one writer more */
/* Not an exit code: the attempt failed for writers that best effort goes on without. */
#define AGAIN (-1)

typedef struct Backup {
        BackupPlan plan;
        const char *to, *since;
        bool force;
        int level;
        unsigned wait_seconds;

        BackupBase *base; /* NULL: this one builds on nothing */
        IVssBackupComponents *vss;
        VSS_ID set_id;
        SetOutput *output;
        SetWriter *writer;
        BackupFiles *files;
        BackupSave *save;
        uint64_t n_files, n_bytes;
        char **left_out; /* what best effort went on without */
} Backup;

/* Before the snapshot */

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
        for (size_t i = 0; i < b->plan.n_components; ++i)
                if (guid_equal(&plan_writer(&b->plan, &b->plan.components[i])->instance_id, &w->instance_id))
                        return true;
        return false;
}

/* Names the writers that failed, or their components. @leave_out: from here on without them, and AGAIN is the result. */
static int check_writers(Backup *b, const char *when, bool leave_out) {
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
                hr = IVssBackupComponents_SetBackupState(b->vss, true, b->plan.system_state, b->plan.type, true);
        if (SUCCEEDED(hr) && b->plan.n_disabled > 0)
                hr = IVssBackupComponents_DisableWriterInstances(b->vss, b->plan.disabled, (UINT) b->plan.n_disabled);
        if (SUCCEEDED(hr))
                hr = TOOL_WAIT(IVssBackupComponents_GatherWriterMetadata(b->vss, &async));
        return hr;
}

/* What the API calls a component by. */
typedef struct ComponentName {
        WCHAR *path, *name; /* path NULL: none */
} ComponentName;

static void component_name_clear(ComponentName *n) {
        free(n->path);
        free(n->name);
}

static ComponentName component_name(const Component *c) {
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

static HRESULT report_component(Backup *b, const PlanComponent *c) {
        _cleanup_(component_name_clear) ComponentName n = component_name(c->component);
        const WriterMetadata *w = plan_writer(&b->plan, c);

        return IVssBackupComponents_SetBackupSucceeded(b->vss, w->instance_id, w->writer_id, c->component->type, n.path, n.name, !c->failed);
}

static HRESULT for_each_component(Backup *b, HRESULT (*f)(Backup *b, const PlanComponent *c)) {
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
        code = backup_plan_choose(&b->plan, b->vss);
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
        hr = for_each_component(b, add_component);
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
        code = check_writers(b, "preparing", b->plan.best_effort);
        return code == EXIT_OK ? find_files(b) : code;
}

/* To the point where the shadow copies are there. */
static int take_set(Backup *b) {
        HRESULT hr;
        int code;

        code = compose_set(b);
        if (code != EXIT_OK)
                return code;
        tool_say("Taking a snapshot of %zu volume%s with %zu component%s.", b->plan.n_volumes, b->plan.n_volumes == 1 ? "" : "s",
                 b->plan.n_components, b->plan.n_components == 1 ? "" : "s");
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
                int blamed = check_writers(b, "taking the snapshot", b->plan.best_effort);

                if (blamed != EXIT_OK)
                        return blamed;
        }
        return code;
}

/* From the snapshot */

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

static int on_bytes(uint64_t bytes, void *userdata) {
        progress_add(bytes);
        return tool_interrupted() ? -EINTR : 0;
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
        r = set_writer_begin_tail(b->writer);
        if (r >= 0)
                r = set_writer_add_text(b->writer, SET_FINAL_DOCUMENT, document, strlen(document));
        if (r >= 0)
                r = backup_save_names(b->save);
        if (r >= 0)
                r = add_json(b->writer, SET_SUMMARY, summary_new(&b->plan, b->n_files, b->n_bytes));
        if (r >= 0)
                r = set_writer_finish(b->writer);
        return r;
}

static int explain(Backup *b, int r) {
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

/* What best effort went on without. */
static bool name_incomplete(const Backup *b) {
        for (size_t i = 0; i < b->plan.n_components; ++i)
                if (b->plan.components[i].failed)
                        fprintf(stderr, "umbra: NOT all files of component '%s' are in the set\n", b->plan.components[i].component->full);
        return backup_save_n_failed(b->save) > 0;
}

static int stream_set(Backup *b) {
        HRESULT hr;
        int code, r;

        code = open_devices(b);
        if (code != EXIT_OK)
                return code;
        progress_begin("Saving", 0);
        r = write_documents(b);
        if (r >= 0)
                r = write_data(b);
        progress_end();
        if (r < 0)
                return explain(b, r);

        hr = for_each_component(b, report_component);
        if (SUCCEEDED(hr))
                hr = TOOL_WAIT(IVssBackupComponents_BackupComplete(b->vss, &async));
        if (FAILED(hr))
                return tool_fail(hr, "Cannot complete the backup");
        code = check_writers(b, "completing the backup", false);
        if (code != EXIT_OK && !b->plan.best_effort)
                return code;
        r = write_tail(b);
        if (r < 0)
                return explain(b, r);
        return name_incomplete(b) || code != EXIT_OK ? EXIT_PARTIAL : EXIT_OK;
}

static void say_window(Backup *b) {
        char *json = NULL, span[SPAN_STRING_MAX];
        json_t *root, *window, *p;
        size_t i;

        if (tool_quiet || FAILED(umbra_get_status(&json)))
                return;
        root = json_loads(json, 0, NULL);
        CoTaskMemFree(json);
        window = json_object_get(root, "last_window");
        if (window && strcmp(json_string_value(json_object_get(window, "set_id")) ?: "", GUID_TO_STRING(&b->set_id)) == 0) {
                fprintf(stderr, "Writers were held for %s:",
                        span_to_string((usec_t) json_integer_value(json_object_get(window, "frozen_usec")), span));
                json_array_foreach(json_object_get(window, "phases"), i, p)
                        fprintf(stderr, " %s %s", json_string_value(json_object_get(p, "name")),
                                span_to_string((usec_t) json_integer_value(json_object_get(p, "usec")), span));
                fputc('\n', stderr);
        }
        json_decref(root);
}

/* One attempt, with the writers that are not disabled. */
static int attempt(Backup *b) {
        int code = EXIT_OK;

        b->vss = tool_connect(&code);
        if (!b->vss)
                return code;
        code = take_set(b);
        if (code == EXIT_OK) {
                say_window(b);
                code = stream_set(b);
        }
        if (code != EXIT_OK && code != EXIT_PARTIAL)
                (void) IVssBackupComponents_AbortBackup(b->vss);
        b->save = backup_save_free(b->save);
        b->files = backup_files_free(b->files);
        backup_plan_clear_attempt(&b->plan);
        IVssBackupComponents_Release(b->vss); /* and with it the shadow copies */
        b->vss = NULL;
        return code;
}

static int open_output(Backup *b) {
        struct stat st;
        int r;

        if (strcmp(b->to, "-") == 0 && isatty(STDOUT_FILENO))
                return tool_error("a set is not for a terminal; name a file or a pipe");
        if (strcmp(b->to, "-") != 0 && !b->force && lstat(b->to, &st) >= 0)
                return tool_error("'%s' is there already; remove it or say --force", b->to);
        r = set_output_open(b->to, b->level, &b->output);
        if (r >= 0)
                r = set_writer_new(b->output, on_bytes, b, &b->writer);
        errno = -r;
        return r < 0 ? tool_error("cannot write '%s': %m", b->to) : EXIT_OK;
}

static int run_attempts(Backup *b) {
        int code = AGAIN;

        for (unsigned i = 0; i < ATTEMPTS_MAX && code == AGAIN; ++i) {
                code = open_output(b);
                if (code == EXIT_OK)
                        code = attempt(b);
                b->writer = set_writer_free(b->writer);
                b->output = set_output_free(b->output);
                if (code == AGAIN)
                        tool_say("Beginning again without the writers that failed.");
        }
        if (code == AGAIN)
                return EXIT_WRITER;
        if (code != EXIT_OK && code != EXIT_PARTIAL)
                return code;
        STRV_FOREACH(what, b->left_out)
                fprintf(stderr, "umbra: the backup was made WITHOUT %s, which failed\n", *what);
        return b->left_out ? EXIT_PARTIAL : code;
}

/* Options */

static int parse_compress(const char *s, int *ret) {
        if (strcmp(s, "none") == 0)
                *ret = SET_LEVEL_NONE;
        else if (strcmp(s, "zstd") == 0)
                *ret = SET_LEVEL_DEFAULT;
        else if (strncmp(s, "zstd:", 5) == 0 && set_level_is_valid(atoi(s + 5)))
                *ret = atoi(s + 5);
        else
                return -EINVAL;
        return 0;
}

static int parse_seconds(const char *s, unsigned *ret) {
        unsigned long value;
        char *end;

        errno = 0;
        value = strtoul(s, &end, 10);
        if (errno != 0 || end == s || *end || *s == '-' || value > 7 * 24 * 3600)
                return -EINVAL;
        *ret = (unsigned) value;
        return 0;
}

static int add_path(Backup *b, const char *path) {
        _cleanup_(freep) char *real = realpath(path, NULL);

        if (!real)
                return tool_error("%s: %m", path);
        return strv_append(&b->plan.paths, real) < 0 ? EXIT_FAILED : EXIT_OK;
}

/* Whole backups build on nothing, the others on one before. */
static int check_since(const Backup *b) {
        bool whole = b->plan.type == VSS_BT_FULL || b->plan.type == VSS_BT_COPY;

        if (whole && b->since) {
                fprintf(stderr, "umbra: a backup of type %s is whole and builds on no other; leave out --since, or say --type incremental\n",
                        tool_backup_type(b->plan.type));
                return EXIT_USAGE;
        }
        if (!whole && !b->since) {
                fprintf(stderr, "umbra: since when? umbra backup --type %s --since SET\n", tool_backup_type(b->plan.type));
                return EXIT_USAGE;
        }
        return EXIT_OK;
}

static int parse(Backup *b, int argc, char *argv[]) {
        enum {
                OPT_WRITER = 1,
                OPT_COMPONENT,
                OPT_VOLUME,
                OPT_SYSTEM_STATE,
                OPT_OPTION,
                OPT_TO,
                OPT_BEST_EFFORT,
                OPT_COMPRESS,
                OPT_TYPE,
                OPT_SINCE,
                OPT_WAIT,
                OPT_FORCE,
        };
        static const struct option options[] = {
                { "writer", required_argument, NULL, OPT_WRITER },
                { "component", required_argument, NULL, OPT_COMPONENT },
                { "volume", required_argument, NULL, OPT_VOLUME },
                { "system-state", no_argument, NULL, OPT_SYSTEM_STATE },
                { "option", required_argument, NULL, OPT_OPTION },
                { "to", required_argument, NULL, OPT_TO },
                { "best-effort", no_argument, NULL, OPT_BEST_EFFORT },
                { "compress", required_argument, NULL, OPT_COMPRESS },
                { "type", required_argument, NULL, OPT_TYPE },
                { "since", required_argument, NULL, OPT_SINCE },
                { "wait", required_argument, NULL, OPT_WAIT },
                { "force", no_argument, NULL, OPT_FORCE },
                TOOL_OPTIONS,
                { 0 },
        };
        int opt, r, code = EXIT_OK;

        optind = 0;
        while (code == EXIT_OK && (opt = getopt_long(argc, argv, "h", options, NULL)) >= 0)
                switch (opt) {
                case OPT_WRITER:
                        (void) strv_append(&b->plan.writer_names, optarg);
                        break;
                case OPT_COMPONENT:
                        (void) strv_append(&b->plan.component_names, optarg);
                        break;
                case OPT_VOLUME:
                        code = add_path(b, optarg);
                        break;
                case OPT_TO:
                        b->to = optarg;
                        break;
                case OPT_BEST_EFFORT:
                        b->plan.best_effort = true;
                        break;
                case OPT_COMPRESS:
                        if (parse_compress(optarg, &b->level) < 0) {
                                fprintf(stderr, "umbra: --compress takes none, zstd or zstd:LEVEL, not '%s'\n", optarg);
                                return EXIT_USAGE;
                        }
                        break;
                case OPT_TYPE:
                        b->plan.type = tool_backup_type_from_string(optarg);
                        if (b->plan.type == VSS_BT_UNDEFINED) {
                                fprintf(stderr, "umbra: --type takes copy, full, incremental, differential or log, not '%s'\n", optarg);
                                return EXIT_USAGE;
                        }
                        break;
                case OPT_SINCE:
                        b->since = optarg;
                        break;
                case OPT_SYSTEM_STATE:
                        b->plan.system_state = true;
                        break;
                case OPT_OPTION:
                        if (!strchr(optarg, '=')) {
                                fprintf(stderr, "umbra: --option takes COMPONENT=TEXT, not '%s'\n", optarg);
                                return EXIT_USAGE;
                        }
                        (void) strv_append(&b->plan.options, optarg);
                        break;
                case OPT_WAIT:
                        if (parse_seconds(optarg, &b->wait_seconds) < 0) {
                                fprintf(stderr, "umbra: --wait takes seconds, not '%s'\n", optarg);
                                return EXIT_USAGE;
                        }
                        break;
                case OPT_FORCE:
                        b->force = true;
                        break;
                default:
                        r = tool_option(opt == 'h' ? TOOL_OPT_HELP : opt, &verb_backup);
                        if (r != 0)
                                return r > 0 ? -1 : EXIT_USAGE;
                }
        for (; code == EXIT_OK && optind < argc; ++optind)
                code = add_path(b, argv[optind]);
        if (code == EXIT_OK && !b->to) {
                fprintf(stderr, "umbra: where to? umbra backup --to FILE, or - for standard output\n");
                return EXIT_USAGE;
        }
        return code == EXIT_OK ? check_since(b) : code;
}

static int run_backup(int argc, char *argv[]) {
        Backup b = { .level = SET_LEVEL_DEFAULT, .plan.type = VSS_BT_COPY, .wait_seconds = WAIT_DEFAULT_SECONDS };
        int code;

        code = parse(&b, argc, argv);
        if (code == EXIT_OK) {
                tool_catch_interrupts();
                if (b.since)
                        code = backup_base_open(b.since, b.plan.type, &b.base);
                if (code == EXIT_OK)
                        code = run_attempts(&b);
                if (code == EXIT_OK || code == EXIT_PARTIAL)
                        tool_say("Saved %" PRIu64 " files, %" PRIu64 " bytes, to '%s'.", b.n_files, b.n_bytes, b.to);
        } else if (code < 0)
                code = EXIT_OK; /* --help */
        backup_plan_clear(&b.plan);
        backup_base_free(b.base);
        strv_free(b.left_out);
        return code;
}

const Verb verb_backup = {
        .name = "backup",
        .summary = "save components and files, consistently, into one set",
        .help = "umbra backup [--writer NAME]… [--component NAME]… [--volume DIR]… [PATH…] --to FILE|-\n\n"
                "Without --writer, --component, --volume or PATH: every component of every writer. Components that a\n"
                "chosen one needs, and those of its writer that nobody can choose, come along.\n\n"
                "  --to FILE            where the set goes; it appears only when it is complete. -: standard output\n"
                "  --writer NAME        all components of this writer (its name, instance name or an id)\n"
                "  --component NAME     this component and what follows it: as umbra writers shows it, or WRITER:NAME\n"
                "  --volume DIR, PATH   files that no writer knows\n"
                "  --system-state       the writers that the machine starts with; they are told so\n"
                "  --best-effort        go on without what fails, say so, and exit with 7\n"
                "  --type TYPE          copy (the default): everything, and writers do not remember it\n"
                "                       full: everything, and the next ones may build on it\n"
                "                       incremental, log: what changed since --since, the last one of the chain\n"
                "                       differential: what changed since --since, the full one\n"
                "  --since SET          the set that this one builds on\n"
                "  --option NAME=TEXT   words for the writer of this component, which it understands\n"
                "  --compress none|zstd|zstd:LEVEL\n"
                "  --wait SECONDS       how long to wait for another snapshot set (default 600)\n"
                "  --force              replace FILE\n"
                "  --quiet              no progress\n\n"
                "A component that cannot be taken as was asked is taken in full. A selected writer that fails fails the\n"
                "backup (exit code 5), and nothing is left of FILE.\n",
        .run = run_backup,
};
