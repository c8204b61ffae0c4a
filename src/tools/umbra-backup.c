/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * umbra backup
 *
 * An ordinary requester: writers are asked, the set is taken (backup-take.c), the files are streamed out of the shadow copies into one
 * set, and everybody is told how it went (backup-stream.c). Here is what was asked for, and how often it is tried.
 */

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jansson.h>
#include <umbra.h>

#include "base/alloc.h"
#include "base/guid.h"
#include "base/strv.h"
#include "base/time-util.h"
#include "tools/backup-run.h"
#include "tools/progress.h"
#include "tools/scratch-file.h"
#include "tools/tool-vss.h"
#include "tools/verb.h"

#define WAIT_DEFAULT_SECONDS 600
#define ATTEMPTS_MAX 8 /* of --best-effort: each goes on without at least one writer more */

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
        code = backup_take_set(b);
        if (code == EXIT_OK) {
                say_window(b);
                code = backup_stream_set(b);
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

static int on_bytes(uint64_t bytes, void *userdata) {
        progress_add(bytes);
        return tool_interrupted() ? -EINTR : 0;
}

static int open_output(Backup *b) {
        struct stat st;
        int r;

        if (strcmp(b->to, "-") == 0 && isatty(STDOUT_FILENO))
                return tool_error("a set is not for a terminal; name a file or a pipe");
        if (strcmp(b->to, "-") != 0 && !b->force && lstat(b->to, &st) >= 0)
                return tool_error("'%s' is there already; remove it or say --force", b->to);
        r = set_output_open(b->to, b->force, b->level, &b->output);
        errno = -r;
        if (r < 0)
                return tool_error("cannot write '%s': %m", b->to);
        r = set_writer_new(b->output, on_bytes, b, &b->writer);
        errno = -r;
        return r < 0 ? tool_error("cannot begin a set, whose index is kept in '%s' (TMPDIR) meanwhile: %m", scratch_directory()) : EXIT_OK;
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

/* A backslash in the way to a volume is a separator, in the API as on Windows. In names below it is one like any other. */
static bool has_backslash(const char *path) {
        const char *last = strrchr(path, '/');
        struct stat st;

        if (stat(path, &st) >= 0 && S_ISDIR(st.st_mode))
                return strchr(path, '\\');

        return last && memchr(path, '\\', (size_t) (last - path));
}

static int add_path(Backup *b, const char *path) {
        _cleanup_(freep) char *real = realpath(path, NULL);

        if (!real)
                return tool_error("%s: %m", path);
        if (has_backslash(real))
                return tool_error("%s: a directory with a backslash in its name cannot be named; name the one above it", path);
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
                        tool_say("Saved %" PRIu64 " file%s, %" PRIu64 " bytes, to '%s'.", b.n_files, b.n_files == 1 ? "" : "s", b.n_bytes, b.to);
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
                "  --force              replace FILE; without it, a FILE that appears meanwhile is left alone\n"
                "  --quiet              no progress\n\n"
                "A component that cannot be taken as was asked is taken in full. A selected writer that fails fails the\n"
                "backup (exit code 5), and nothing is left of FILE.\n",
        .run = run_backup,
};
