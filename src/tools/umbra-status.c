/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * umbra status
 *
 * Sessions in progress, their phase, and anything that is frozen and for how long.
 */

#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include <umbra.h>

#include "base/time-util.h"
#include "tools/table.h"
#include "tools/tool-vss.h"
#include "tools/verb.h"

static const char *string_of(json_t *object, const char *key) {
        return json_string_value(json_object_get(object, key));
}

static const char *span_of(json_t *object, const char *key, char *buffer) {
        return span_to_string((usec_t) json_integer_value(json_object_get(object, key)), buffer);
}

static void print_sessions(json_t *sessions) {
        static const char *const headings[] = { "SESSION", "PROCESS", "KIND", "STATE", "PHASE", "SINCE", NULL };
        _cleanup_(table_freep) Table *t = table_new(headings);
        json_t *s;
        size_t i;

        json_array_foreach(sessions, i, s) {
                char pid[32], since[SPAN_STRING_MAX];

                snprintf(pid, sizeof(pid), "%d", (int) json_integer_value(json_object_get(s, "pid")));
                TABLE_ADD(t, string_of(s, "id"), pid, string_of(s, "kind"), string_of(s, "state"), string_of(s, "phase"),
                          span_of(s, "since_usec", since));
        }
        table_print(t, false, "No backup or restore is in progress.");
}

static void print_frozen(json_t *frozen) {
        json_t *f;
        size_t i;

        json_array_foreach(frozen, i, f) {
                char since[SPAN_STRING_MAX];

                printf("Frozen for %s: %s\n", span_of(f, "since_usec", since), string_of(f, "volume") ?: string_of(f, "writer") ?: "?");
        }
}

/* What goes on whoever looks; and how the last revert of each volume ended. */
static void print_deeds(json_t *deeds, json_t *reverts) {
        json_t *d;
        size_t i;

        json_array_foreach(deeds, i, d) {
                if (strcmp(string_of(d, "kind") ?: "", "revert") != 0)
                        continue;
                printf("Reverting '%s' to {%s}: ", string_of(d, "path"), string_of(d, "snapshot_id"));
                if (json_is_true(json_object_get(d, "doing")))
                        printf("%d.%d%%\n", (int) json_integer_value(json_object_get(d, "permille")) / 10,
                               (int) json_integer_value(json_object_get(d, "permille")) % 10);
                else if (json_is_true(json_object_get(d, "waiting")))
                        printf("when it is next activated, after a restart of the machine\n");
                else
                        printf("waits\n");
        }
        json_array_foreach(reverts, i, d)
                if (json_is_true(json_object_get(d, "done")))
                        printf("Reverted '%s' to {%s}.\n", string_of(d, "volume"), string_of(d, "snapshot_id"));
                else
                        printf("Failed to revert '%s' to {%s}: %s\n", string_of(d, "volume"), string_of(d, "snapshot_id"),
                               string_of(d, "message") ?: "?");
}

static void print_filling(json_t *filling) {
        json_t *f;
        size_t i;

        json_array_foreach(filling, i, f) {
                const char *trouble = string_of(f, "trouble");

                printf("Snapshot {%s} of '%s': ", string_of(f, "snapshot_id"), string_of(f, "volume"));
                if (trouble)
                        printf("%s\n", trouble);
                else
                        printf("its storage is %d %% full\n", (int) json_integer_value(json_object_get(f, "permille")) / 10);
        }
}

static void print_window(json_t *window) {
        char span[SPAN_STRING_MAX];
        json_t *p;
        size_t i;

        if (!window)
                return;
        printf("Last set {%s}:", string_of(window, "set_id"));
        json_array_foreach(json_object_get(window, "phases"), i, p)
                printf(" %s %s%s", string_of(p, "name"), span_of(p, "usec", span),
                       i + 1 < json_array_size(json_object_get(window, "phases")) ? "," : "");
        printf("\nWriters were held for %s", span_of(window, "frozen_usec", span));
        printf(", file systems for %s.\n", span_of(window, "held_usec", span));
}

static int run_status(int argc, char *argv[]) {
        static const struct option options[] = { TOOL_OPTIONS, { 0 } };
        char *json = NULL;
        json_t *root;
        HRESULT hr;
        json_int_t writers;
        int opt, r;

        optind = 0;
        while ((opt = getopt_long(argc, argv, "h", options, NULL)) >= 0) {
                r = tool_option(opt == 'h' ? TOOL_OPT_HELP : opt, &verb_status);
                if (r != 0)
                        return r > 0 ? EXIT_OK : EXIT_USAGE;
        }
        if (optind < argc) {
                fprintf(stderr, "umbra status takes no arguments.\n");
                return EXIT_USAGE;
        }

        hr = umbra_get_status(&json);
        if (FAILED(hr))
                return tool_refused(hr);
        if (tool_json) {
                puts(json);
                CoTaskMemFree(json);
                return EXIT_OK;
        }
        root = json_loads(json, 0, NULL);
        CoTaskMemFree(json);
        if (!root)
                return tool_error("umbrad's answer could not be read");

        writers = json_integer_value(json_object_get(root, "writers"));
        printf("umbrad %s, %d writer%s", string_of(root, "version"), (int) writers, writers == 1 ? "" : "s");
        if (json_integer_value(json_object_get(root, "express_writers")) > 0)
                printf(" (%d express)", (int) json_integer_value(json_object_get(root, "express_writers")));
        printf("\n");
        print_sessions(json_object_get(root, "sessions"));
        print_frozen(json_object_get(root, "frozen"));
        print_deeds(json_object_get(root, "deeds"), json_object_get(root, "reverts"));
        print_filling(json_object_get(root, "filling"));
        print_window(json_object_get(root, "last_window"));
        json_decref(root);
        return EXIT_OK;
}

const Verb verb_status = {
        .name = "status",
        .summary = "what is in progress, and what is frozen and for how long",
        .help = "umbra status [--json]\n\n"
                "Sessions in progress and their phase, anything that is frozen and for how long, reverts and how far\n"
                "they are, how full the storage of snapshots is that are lost when it is full, and how long the\n"
                "last snapshot set held whom, phase by phase.\n",
        .run = run_status,
};
