/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The umbra Command
 */

#include "tools/verb.h"

#include <getopt.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include <umbra.h>

#include "base/macro.h"
#include "tools/tool-vss.h"

static const Verb *const verbs[] = {
        &verb_backup,   &verb_restore,   &verb_run,    &verb_show,    &verb_verify, &verb_snapshot, &verb_revert,
        &verb_writers, &verb_providers, &verb_volumes, &verb_provider, &verb_limit,  &verb_status,
};


int tool_option(int opt, const Verb *verb) {
        switch (opt) {
        case TOOL_OPT_JSON:
                tool_json = true;
                return 0;
        case TOOL_OPT_QUIET:
                tool_quiet = true;
                return 0;
        case TOOL_OPT_SOCKET:
                return FAILED(umbra_set_socket(optarg)) ? -1 : 0;
        case TOOL_OPT_HELP:
                fputs(verb->help, stdout);
                return 1;
        default:
                fprintf(stderr, "See umbra %s --help.\n", verb->name);
                return -1;
        }
}

static void help(FILE *f) {
        fputs("umbra VERB [OPTIONS…]\n\n"
              "Consistent backups and snapshots of what is running.\n\n",
              f);
        for (size_t i = 0; i < ELEMENTSOF(verbs); ++i)
                fprintf(f, "  %-10s %s\n", verbs[i]->name, verbs[i]->summary);
        fputs("\n  --socket PATH   where umbrad listens (default: $UMBRA_SOCKET, /run/umbra/umbra.sock)\n"
              "  --json          lists as JSON\n"
              "  --quiet         no progress\n"
              "  --help, --version\n\n"
              "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 umbrad not reachable, 4 access denied, 5 a writer failed or\n"
              "refused, 6 the set is damaged, 7 done in part (--best-effort), 130 interrupted.\n\n"
              "umbra VERB --help tells more; so does umbra(1).\n",
              f);
}

/* Options before the verb: they are the ones that every verb takes. Returns how many words they are, or -1. */
static int leading_options(int argc, char *argv[]) {
        int i = 1;

        for (; i < argc && argv[i][0] == '-'; ++i) {
                if (strcmp(argv[i], "--json") == 0)
                        tool_json = true;
                else if (strcmp(argv[i], "--quiet") == 0)
                        tool_quiet = true;
                else if (strncmp(argv[i], "--socket=", 9) == 0)
                        (void) umbra_set_socket(argv[i] + 9);
                else if (strcmp(argv[i], "--socket") == 0 && i + 1 < argc)
                        (void) umbra_set_socket(argv[++i]);
                else {
                        fprintf(stderr, "umbra: '%s' cannot stand before the verb; see umbra --help\n", argv[i]);
                        return -1;
                }
        }
        return i;
}

int main(int argc, char *argv[]) {
        int first;

        (void) setlocale(LC_CTYPE, "");
        (void) signal(SIGPIPE, SIG_IGN);
        if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0)) {
                help(stdout);
                return EXIT_OK;
        }
        if (argc > 1 && strcmp(argv[1], "--version") == 0) {
                printf("umbra " UMBRA_VERSION "\n");
                return EXIT_OK;
        }

        first = leading_options(argc, argv);
        if (first < 0) /* which has said why */
                return EXIT_USAGE;
        if (first >= argc) {
                help(stderr);
                return EXIT_USAGE;
        }
        for (size_t i = 0; i < ELEMENTSOF(verbs); ++i)
                if (strcmp(verbs[i]->name, argv[first]) == 0)
                        return verbs[i]->run(argc - first, argv + first);

        fprintf(stderr, "umbra: there is no verb '%s'; see umbra --help\n", argv[first]);
        return EXIT_USAGE;
}
