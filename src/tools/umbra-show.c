/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * umbra show, umbra verify
 *
 * What is inside a set, how consistent it is and how to put it back; and whether it is still what the backup wrote.
 */

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "tools/manifest.h"
#include "tools/progress.h"
#include "tools/set-format.h"
#include "tools/set-reader.h"
#include "tools/table.h"
#include "tools/tool-vss.h"
#include "tools/verb.h"

static const char *string_of(json_t *object, const char *key) {
        return json_string_value(json_object_get(object, key));
}

static int on_progress(uint64_t done, uint64_t total, void *userdata) {
        progress_total(total);
        progress_set(done);
        return tool_interrupted() ? -EINTR : 0;
}

static int damaged(SetReader *r, const char *path, int error) {
        if (tool_interrupted())
                return EXIT_INTERRUPTED;
        errno = -error;
        if (error == -EBADMSG || error == -ENODATA) {
                tool_error("'%s' is damaged, or not a set: %s", path, r ? set_reader_why(r) ?: "it is not whole" : "it is not whole");
                return EXIT_DAMAGED;
        }
        return tool_error("cannot read '%s': %m", path);
}

/* Opens, checks the seal, loads. */
static int open_set(const char *path, SetReader **ret) {
        SetReader *reader = NULL;
        int r, code;

        progress_begin("Checking", 0);
        r = set_reader_open(path, on_progress, NULL, &reader);
        if (r >= 0)
                r = set_reader_verify_seal(reader);
        if (r >= 0)
                r = set_reader_load(reader);
        progress_end();
        if (r >= 0) {
                *ret = reader;
                return EXIT_OK;
        }
        code = damaged(reader, path, r);
        set_reader_free(reader);
        return code;
}

static int parse_set(int argc, char *argv[], const Verb *verb, bool *ret_files, const char **ret_path) {
        enum { OPT_FILES = 1 };
        static const struct option options[] = { { "files", no_argument, NULL, OPT_FILES }, TOOL_OPTIONS, { 0 } };
        int opt, r;

        optind = 0;
        while ((opt = getopt_long(argc, argv, "h", options, NULL)) >= 0) {
                if (opt == OPT_FILES && ret_files) {
                        *ret_files = true;
                        continue;
                }
                r = tool_option(opt == 'h' ? TOOL_OPT_HELP : opt, verb);
                if (r != 0)
                        return r > 0 ? EXIT_OK : EXIT_USAGE;
        }
        if (argc - optind != 1) {
                fprintf(stderr, "umbra %s takes one set; - is standard input.\n", verb->name);
                return EXIT_USAGE;
        }
        *ret_path = argv[optind];
        return -1;
}

/* A number, or nothing instead of 0. */
static const char *count_of(json_t *object, const char *key, char buffer[static 24]) {
        json_int_t n = json_integer_value(json_object_get(object, key));

        if (n == 0)
                return "-";
        (void) snprintf(buffer, 24, "%" JSON_INTEGER_FORMAT, n);
        return buffer;
}

static void show_components(json_t *manifest, json_t *summary) {
        static const char *const headings[] = { "WRITER", "COMPONENT", "TYPE", "TAKEN", "CONSISTENCY", "PARTIAL", "DIFFERENCED", NULL };
        _cleanup_(table_freep) Table *t = table_new(headings);
        char partial[24], differenced[24];
        json_t *c;
        size_t i;

        json_array_foreach(json_object_get(manifest, "components"), i, c)
                TABLE_ADD(t, string_of(c, "writer"), string_of(c, "component"), string_of(c, "type"),
                          summary_has_failed(summary, c) ? "NOT ALL" : string_of(c, SET_KEY_HOW), string_of(c, "consistency"),
                          count_of(c, "partial_files", partial), count_of(c, "differenced_files", differenced));
        if (table_rows(t) > 0) {
                putchar('\n');
                table_print(t, false, NULL);
        }
}

/* "incremental", and the set that it takes to restore it. */
static void show_type(json_t *manifest) {
        const char *id = string_of(manifest, SET_KEY_ID), *since = string_of(manifest, SET_KEY_SINCE);

        if (id)
                printf("Set %s, %s%s%s\n", id, string_of(manifest, SET_KEY_TYPE), since ? ", builds on set " : "", since ?: "");
}

static void show_volumes(json_t *manifest) {
        static const char *const headings[] = { "VOLUME", "CONSISTENCY", "INSTANT", NULL };
        _cleanup_(table_freep) Table *t = table_new(headings);
        json_t *v;
        size_t i;

        json_array_foreach(json_object_get(manifest, "volumes"), i, v)
                TABLE_ADD(t, string_of(v, "volume"), string_of(v, "consistency"), string_of(v, "instant"));
        putchar('\n');
        table_print(t, false, NULL);
        json_array_foreach(json_object_get(manifest, "paths"), i, v)
                printf("%s%s\n", i == 0 ? "\nPaths: " : "       ", json_string_value(v));
}

/* A set that builds on others is restored after them. */
static void show_restore(json_t *manifest, const char *path) {
        json_t *components = json_object_get(manifest, "components");
        const char *before = string_of(manifest, SET_KEY_SINCE) ? "FULL-SET… " : "";

        printf("\nTo restore all of it:      umbra restore %s%s\n", before, path);
        if (json_array_size(components) > 0)
                printf("One component:             umbra restore %s%s --component '%s'\n", before, path,
                       string_of(json_array_get(components, 0), "component"));
        printf("Just the files, elsewhere: umbra restore %s%s --to DIR\n", before, path);
        if (*before)
                printf("FULL-SET…: all sets from a full one on to the one that this one builds on\n");
}

static int print_file(const SetIndexLine *line, void *userdata) {
        printf("%c %12" PRIu64 "  %s\n", line->type, line->size, line->name + strlen(SET_DATA_PREFIX));
        return 0;
}

static int run_show(int argc, char *argv[]) {
        _cleanup_(set_reader_freep) SetReader *reader = NULL;
        json_t *manifest, *summary;
        const char *path = NULL;
        bool files = false;
        json_int_t n_files;
        int code;

        code = parse_set(argc, argv, &verb_show, &files, &path);
        if (code >= 0)
                return code;
        tool_catch_interrupts();
        tool_quiet = true; /* what is shown is the answer */
        code = open_set(path, &reader);
        if (code != EXIT_OK)
                return code;
        manifest = set_reader_manifest(reader);
        summary = set_reader_summary(reader);

        if (tool_json) {
                json_t *both = json_pack("{s:O, s:O?}", "manifest", manifest, "summary", summary);

                (void) json_dumpf(both, stdout, JSON_INDENT(2));
                putchar('\n');
                json_decref(both);
                return EXIT_OK;
        }
        printf("Backup of %s, %s\n", string_of(manifest, "machine"), string_of(manifest, "created"));
        show_type(manifest);
        n_files = json_integer_value(json_object_get(summary, "files"));
        printf("%" PRIi64 " file%s, %" PRIi64 " bytes; the set has %" PRIu64 " bytes\n", (int64_t) n_files, n_files == 1 ? "" : "s",
               (int64_t) json_integer_value(json_object_get(summary, "bytes")), set_reader_size(reader));
        show_components(manifest, summary);
        show_volumes(manifest);
        if (files) {
                putchar('\n');
                (void) set_reader_for_each(reader, print_file, NULL);
        }
        show_restore(manifest, path);
        return EXIT_OK;
}

static int run_verify(int argc, char *argv[]) {
        _cleanup_(set_reader_freep) SetReader *reader = NULL;
        const char *path = NULL;
        int code, r;

        code = parse_set(argc, argv, &verb_verify, NULL, &path);
        if (code >= 0)
                return code;
        tool_catch_interrupts();
        code = open_set(path, &reader);
        if (code != EXIT_OK)
                return code;
        progress_begin("Verifying", 0);
        r = set_reader_verify_members(reader);
        progress_end();
        if (r < 0)
                return damaged(reader, path, r);
        tool_say("'%s' is whole: %" PRIu64 " members are what was saved.", path, set_reader_members(reader));
        return EXIT_OK;
}

const Verb verb_show = {
        .name = "show",
        .summary = "what is inside a set, how consistent, and how to restore it",
        .help = "umbra show SET [--files] [--json]\n\n"
                "How much of each component was taken: full or copy, all of it; incremental, differential or log, what\n"
                "changed since the set that this one builds on; NOT ALL, some of its files could not be read. Then how\n"
                "many partial files and sets of differenced files its writer named.\n"
                "Consistency levels: application (its writer froze, thawed and agreed), crash (one instant), fuzzy (copied\n"
                "while being written).\n\n"
                "  --files   every file; the letter before it is r for parts of a file\n"
                "  --json    as JSON\n",
        .run = run_show,
};

const Verb verb_verify = {
        .name = "verify",
        .summary = "is a set still what the backup wrote?",
        .help = "umbra verify SET\n\n"
                "Unpacks everything and compares it with the digests of the set. Exit code 6: it is damaged.\n",
        .run = run_verify,
};
