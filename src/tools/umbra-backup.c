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
#include "tools/backup-plan.h"
#include "tools/manifest.h"
#include "tools/progress.h"
#include "tools/set-format.h"
#include "tools/set-writer.h"
#include "tools/tool-vss.h"
#include "tools/tree-walk.h"
#include "tools/verb.h"

#define WAIT_DEFAULT_SECONDS 600
#define ATTEMPTS_MAX 8 /* of --best-effort: each goes on without at least one writer more */
/* Not an exit code: the attempt failed for writers that best effort goes on without. */
#define AGAIN (-1)

typedef struct Backup {
        BackupPlan plan;
        const char *to;
        bool force;
        int level;
        VSS_BACKUP_TYPE type;
        unsigned wait_seconds;

        IVssBackupComponents *vss;
        VSS_ID set_id;
        SetOutput *output;
        SetWriter *writer;
        uint64_t n_files, n_bytes;
        char **left_out; /* writers that best effort went on without */
} Backup;

/* Before the snapshot */

/* Names the writers that failed. With best effort they are disabled, and AGAIN is the result. */
static int check_writers(Backup *b, const char *when) {
        WriterStatus *list = NULL;
        size_t n = 0;
        int code = EXIT_OK;
        HRESULT hr;

        hr = tool_writer_statuses(b->vss, &list, &n);
        if (FAILED(hr))
                return tool_fail(hr, "Cannot ask the writers how they are");
        for (size_t i = 0; i < n; ++i) {
                bool chosen = false;

                for (size_t k = 0; k < b->plan.n_components; ++k)
                        chosen = chosen || guid_equal(&b->plan.writers[b->plan.components[k].writer].instance_id, &list[i].instance_id);
                if (!chosen || !tool_writer_failed(&list[i]))
                        continue;
                fprintf(stderr, "umbra: %s, writer '%s' %s: %s%s%s\n", when, list[i].name, tool_writer_state(list[i].state),
                        hresult_name(list[i].failure), *list[i].message ? ": " : "", list[i].message);
                code = EXIT_WRITER;
                if (b->plan.best_effort && ARRAY_RESERVE(b->plan.disabled, b->plan.disabled_capacity, b->plan.n_disabled + 1) >= 0) {
                        b->plan.disabled[b->plan.n_disabled++] = list[i].instance_id;
                        (void) strv_append(&b->left_out, list[i].name);
                        code = AGAIN;
                }
        }
        tool_writer_statuses_free(list, n);
        return code;
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
                hr = IVssBackupComponents_SetBackupState(b->vss, true, false, b->type, false);
        if (SUCCEEDED(hr) && b->plan.n_disabled > 0)
                hr = IVssBackupComponents_DisableWriterInstances(b->vss, b->plan.disabled, (UINT) b->plan.n_disabled);
        if (SUCCEEDED(hr))
                hr = TOOL_WAIT(IVssBackupComponents_GatherWriterMetadata(b->vss, &async));
        return hr;
}

static HRESULT for_each_component(Backup *b, HRESULT (*f)(Backup *b, const WriterMetadata *w, const PlanComponent *c, const WCHAR *path, const WCHAR *name)) {
        HRESULT hr = S_OK;

        for (size_t i = 0; i < b->plan.n_components && SUCCEEDED(hr); ++i) {
                const PlanComponent *c = &b->plan.components[i];
                _cleanup_(freep) WCHAR *path = tool_wide(*c->component->logical_path ? c->component->logical_path : NULL);
                _cleanup_(freep) WCHAR *name = tool_wide(c->component->name);

                hr = f(b, &b->plan.writers[c->writer], c, path, name);
        }
        return hr;
}

static HRESULT add_component(Backup *b, const WriterMetadata *w, const PlanComponent *c, const WCHAR *path, const WCHAR *name) {
        return IVssBackupComponents_AddComponent(b->vss, w->instance_id, w->writer_id, c->component->type, path, name);
}

static HRESULT succeed_component(Backup *b, const WriterMetadata *w, const PlanComponent *c, const WCHAR *path, const WCHAR *name) {
        return IVssBackupComponents_SetBackupSucceeded(b->vss, w->instance_id, w->writer_id, c->component->type, path, name, true);
}

/* To the point where the shadow copies are there. */
static int take_set(Backup *b) {
        HRESULT hr;
        int code;

        hr = begin(b);
        if (FAILED(hr))
                return tool_fail(hr, "Cannot begin the backup");
        code = backup_plan_choose(&b->plan, b->vss);
        if (code != EXIT_OK)
                return code;
        hr = start_set(b);
        if (FAILED(hr))
                return tool_fail(hr, "Cannot begin a snapshot set");
        code = backup_plan_add_volumes(&b->plan, b->vss);
        if (code != EXIT_OK)
                return code;
        hr = for_each_component(b, add_component);
        if (FAILED(hr))
                return tool_fail(hr, "Cannot add a component");

        tool_say("Taking a snapshot of %zu volume%s with %zu component%s.", b->plan.n_volumes, b->plan.n_volumes == 1 ? "" : "s",
                 b->plan.n_components, b->plan.n_components == 1 ? "" : "s");
        hr = TOOL_WAIT(IVssBackupComponents_PrepareForBackup(b->vss, &async));
        if (FAILED(hr))
                return tool_fail(hr, "Cannot prepare the backup");
        code = check_writers(b, "preparing");
        if (code != EXIT_OK)
                return code;
        hr = TOOL_WAIT(IVssBackupComponents_DoSnapshotSet(b->vss, &async));
        if (FAILED(hr)) {
                code = tool_fail(hr, "Cannot create the snapshots");
                if (hr == E_ABORT)
                        return code;
        }
        if (SUCCEEDED(hr) || hr == VSS_E_UNEXPECTED_WRITER_ERROR) {
                int blamed = check_writers(b, "taking the snapshot");

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

static char *member_of(const char *path) {
        char *member = NULL;

        return format_to(&member, SET_DATA_PREFIX "%s", path) < 0 ? NULL : member;
}

static int save_file(int dir_fd, const char *name, const char *path, void *userdata) {
        _cleanup_(freep) char *member = member_of(path);
        Backup *b = userdata;
        uint64_t size = 0;
        int r;

        if (!member)
                return -ENOMEM;
        if (tool_interrupted())
                return -EINTR;
        r = set_writer_add_file(b->writer, dir_fd, name, member, false, &size);
        if (r == -EOPNOTSUPP)
                return 0; /* a socket: whoever listens makes it anew */
        if (r < 0) {
                fprintf(stderr, "umbra: cannot save '%s': %s\n", path, set_writer_error(b->writer) ?: strerror(-r));
                return r;
        }
        ++b->n_files;
        b->n_bytes += size;
        return 0;
}

static int save_directory(int fd, const char *path, void *userdata) {
        _cleanup_(freep) char *member = member_of(path);
        Backup *b = userdata;

        if (!member)
                return -ENOMEM;
        return set_writer_add_directory(b->writer, fd, member);
}

/* Where another volume is mounted, its own shadow copy goes on. */
static int open_nested(const char *path, void *userdata) {
        Backup *b = userdata;
        int fd;

        for (size_t i = 0; i < b->plan.n_volumes; ++i)
                if (strcmp(b->plan.volumes[i].path, path) == 0) {
                        fd = fcntl(b->plan.volumes[i].fd, F_DUPFD_CLOEXEC, 3);
                        return fd < 0 ? -errno : fd;
                }
        return -ENOENT;
}

/* The volume that @path lies on: the longest that fits. */
static PlanVolume *volume_of(Backup *b, const char *path) {
        PlanVolume *best = NULL;

        for (size_t i = 0; i < b->plan.n_volumes; ++i) {
                PlanVolume *v = &b->plan.volumes[i];

                if (path_is_below(path, v->path) && (!best || strlen(v->path) > strlen(best->path)))
                        best = v;
        }
        return best;
}

static int save_root(Backup *b, const char *root) {
        static const TreeVisitor visitor = { .file = save_file, .directory = save_directory, .open = open_nested };
        const PlanVolume *v = volume_of(b, root);
        _cleanup_(closep) int fd = -EBADF;
        const char *below;

        if (!v)
                return 0; /* nothing was there when the volumes were chosen */
        below = root + (strcmp(v->path, "/") == 0 ? 0 : strlen(v->path));
        while (*below == '/')
                ++below;
        fd = *below ? open_beneath(v->fd, below, O_RDONLY | O_DIRECTORY, 0) : fcntl(v->fd, F_DUPFD_CLOEXEC, 3);
        if (fd == -ENOENT || fd == -ENOTDIR)
                return 0;
        if (fd < 0) {
                fprintf(stderr, "umbra: cannot open '%s' in its snapshot: %s\n", root, strerror(fd == -1 ? errno : -fd));
                return fd == -1 ? -errno : fd;
        }
        return tree_walk(b->plan.files, root, fd, &visitor, b);
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
        r = add_json(b->writer, SET_MANIFEST, manifest_new(&b->plan, document, strlen(document)));
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

static int write_data(Backup *b) {
        _cleanup_(strv_freep) char **roots = NULL;
        int r;

        r = file_set_roots(b->plan.files, &roots);
        for (char *const *root = roots; r == 0 && root && *root; ++root)
                r = save_root(b, *root);
        return r;
}

static int write_tail(Backup *b) {
        _cleanup_(freep) char *document = document_text(b);
        int r;

        if (!document)
                return -EIO;
        r = set_writer_begin_tail(b->writer);
        if (r >= 0)
                r = set_writer_add_text(b->writer, SET_FINAL_DOCUMENT, document, strlen(document));
        if (r >= 0)
                r = add_json(b->writer, SET_SUMMARY, json_pack("{s:I, s:I}", "files", (json_int_t) b->n_files, "bytes", (json_int_t) b->n_bytes));
        if (r >= 0)
                r = set_writer_finish(b->writer);
        return r;
}

static int explain(Backup *b, int r) {
        if (tool_interrupted()) {
                tool_error("interrupted; nothing is left of '%s'", b->to);
                return EXIT_INTERRUPTED;
        }
        errno = -r;
        if (r == -ENOSPC || r == -EDQUOT)
                return tool_error("there is no room left for '%s': nothing is left of it; free some, or choose another place", b->to);
        return tool_error("cannot write '%s': %m%s%s", b->to, set_writer_error(b->writer) ? ": " : "", set_writer_error(b->writer) ?: "");
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

        hr = for_each_component(b, succeed_component);
        if (SUCCEEDED(hr))
                hr = TOOL_WAIT(IVssBackupComponents_BackupComplete(b->vss, &async));
        if (FAILED(hr))
                return tool_fail(hr, "Cannot complete the backup");
        code = check_writers(b, "completing the backup");
        if (code != EXIT_OK && code != AGAIN)
                return code;
        r = write_tail(b);
        return r < 0 ? explain(b, r) : EXIT_OK;
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
        b->n_files = b->n_bytes = 0;
        code = take_set(b);
        if (code == EXIT_OK) {
                say_window(b);
                code = stream_set(b);
        }
        if (code != EXIT_OK)
                (void) IVssBackupComponents_AbortBackup(b->vss);
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
        if (code == EXIT_OK && b->left_out) {
                STRV_FOREACH(name, b->left_out)
                        fprintf(stderr, "umbra: the backup was made WITHOUT writer '%s', which failed\n", *name);
                return EXIT_PARTIAL;
        }
        return code;
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

static int parse(Backup *b, int argc, char *argv[]) {
        enum { OPT_WRITER = 1, OPT_COMPONENT, OPT_VOLUME, OPT_TO, OPT_BEST_EFFORT, OPT_COMPRESS, OPT_TYPE, OPT_WAIT, OPT_FORCE };
        static const struct option options[] = {
                { "writer", required_argument, NULL, OPT_WRITER },
                { "component", required_argument, NULL, OPT_COMPONENT },
                { "volume", required_argument, NULL, OPT_VOLUME },
                { "to", required_argument, NULL, OPT_TO },
                { "best-effort", no_argument, NULL, OPT_BEST_EFFORT },
                { "compress", required_argument, NULL, OPT_COMPRESS },
                { "type", required_argument, NULL, OPT_TYPE },
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
                        if (strcmp(optarg, "copy") != 0 && strcmp(optarg, "full") != 0) {
                                fprintf(stderr, "umbra: --type takes copy or full, not '%s'\n", optarg);
                                return EXIT_USAGE;
                        }
                        b->type = *optarg == 'f' ? VSS_BT_FULL : VSS_BT_COPY;
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
        return code;
}

static int run_backup(int argc, char *argv[]) {
        Backup b = { .level = SET_LEVEL_DEFAULT, .type = VSS_BT_COPY, .wait_seconds = WAIT_DEFAULT_SECONDS };
        int code;

        code = parse(&b, argc, argv);
        if (code == EXIT_OK) {
                tool_catch_interrupts();
                code = run_attempts(&b);
                if (code == EXIT_OK || code == EXIT_PARTIAL)
                        tool_say("Saved %" PRIu64 " files, %" PRIu64 " bytes, to '%s'.", b.n_files, b.n_bytes, b.to);
        } else if (code < 0)
                code = EXIT_OK; /* --help */
        backup_plan_clear(&b.plan);
        strv_free(b.left_out);
        return code;
}

const Verb verb_backup = {
        .name = "backup",
        .summary = "save components and files, consistently, into one set",
        .help = "umbra backup [--writer NAME]… [--component NAME]… [--volume DIR]… [PATH…] --to FILE|-\n\n"
                "Without --writer, --component, --volume or PATH: every component of every writer.\n\n"
                "  --to FILE            where the set goes; it appears only when it is complete. -: standard output\n"
                "  --writer NAME        all components of this writer (its name, instance name or an id)\n"
                "  --component NAME     this component and what follows it: as umbra writers shows it, or WRITER:NAME\n"
                "  --volume DIR, PATH   files that no writer knows\n"
                "  --best-effort        go on without writers that fail, say so, and exit with 7\n"
                "  --type copy|full     what writers are told; copy (the default) leaves their history alone\n"
                "  --compress none|zstd|zstd:LEVEL\n"
                "  --wait SECONDS       how long to wait for another snapshot set (default 600)\n"
                "  --force              replace FILE\n"
                "  --quiet              no progress\n\n"
                "A selected writer that fails fails the backup (exit code 5), and nothing is left of FILE.\n",
        .run = run_backup,
};
