/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The umbra Command
 *
 * A table of verbs. Each verb has its options and its --help in its own file; what they share is here: the exit codes, which scripts rely on, and the
 * options that every verb takes (--json, --quiet, --socket, --help).
 */

#include <stdbool.h>

typedef enum ExitCode {
        EXIT_OK = 0,
        EXIT_FAILED = 1,
        EXIT_USAGE = 2,
        EXIT_UNREACHABLE = 3,  /* umbrad does not listen */
        EXIT_DENIED = 4,       /* the user may not */
        EXIT_WRITER = 5,       /* a writer failed or refused */
        EXIT_DAMAGED = 6,      /* a set is truncated or was changed */
        EXIT_PARTIAL = 7,      /* --best-effort went on without something */
        EXIT_INTERRUPTED = 130,
} ExitCode;

typedef struct Verb {
        const char *name;
        const char *summary; /* a line in umbra --help */
        const char *help;    /* all of umbra VERB --help */
        int (*run)(int argc, char *argv[]); /* argv[0] is the verb; returns an ExitCode */
} Verb;

extern const Verb verb_writers, verb_providers, verb_volumes; /* umbra-list.c */
extern const Verb verb_provider;                              /* umbra-provider-verb.c */
extern const Verb verb_limit;                                 /* umbra-limit.c */
extern const Verb verb_backup;                                /* umbra-backup.c */
extern const Verb verb_run;                                   /* umbra-run.c */
extern const Verb verb_restore;                               /* umbra-restore.c */
extern const Verb verb_revert;                                /* umbra-revert.c */
extern const Verb verb_show, verb_verify;                     /* umbra-show.c */
extern const Verb verb_snapshot;                              /* umbra-snapshot.c */
extern const Verb verb_status;                                /* umbra-status.c */

/* What every verb has. A verb calls this for each option that getopt_long() gives and it does not know itself: 0: taken; 1: --help was printed, exit
 * with EXIT_OK; -1: wrong usage (a sentence was printed), exit with EXIT_USAGE. The options have these values; put TOOL_OPTIONS into the table. */
enum {
        TOOL_OPT_JSON = 0x1000,
        TOOL_OPT_QUIET,
        TOOL_OPT_SOCKET,
        TOOL_OPT_HELP,
};

#define TOOL_OPTIONS                                            \
        { "json", no_argument, NULL, TOOL_OPT_JSON },           \
        { "quiet", no_argument, NULL, TOOL_OPT_QUIET },         \
        { "socket", required_argument, NULL, TOOL_OPT_SOCKET }, \
        { "help", no_argument, NULL, TOOL_OPT_HELP }

extern bool tool_json, tool_quiet;
int tool_option(int opt, const Verb *verb);
