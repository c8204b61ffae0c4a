/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * umbra restore
 *
 * All sets are verified, and whether they are a chain is decided, before anything is written. Then each set is a restore of its own (restore-link.h): the
 * writers of the chosen components are asked (a writer whose database is open refuses, and nothing has been touched), files are put in place one by one, each
 * whole or not at all, and the writers check what they got.
 */

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd-util.h"
#include "base/strv.h"
#include "tools/restore-link.h"
#include "tools/tool-vss.h"
#include "tools/verb.h"

typedef struct Restore {
        RestoreOptions options;
        char *to; /* absolute */
        RestoreChain chain;
        RestoreLink *links; /* one for each set */
        RestoreServices services;
        RestorePaths *known; /* what the sets had so far */
        uint64_t n_restored;
} Restore;

static void restore_clear(Restore *r) {
        for (size_t i = 0; r->links && i < r->chain.n; ++i)
                restore_link_clear(&r->links[i]);
        free(r->links);
        restore_chain_clear(&r->chain);
        restore_services_clear(&r->services);
        restore_paths_free(r->known);
        strv_free(r->options.sets);
        strv_free(r->options.components);
        free(r->to);
}

/* Everything that can be said before anybody is asked. */
static int plan(Restore *r) {
        int code = EXIT_OK;

        if (restore_paths_new(&r->known) < 0)
                return tool_fail(E_OUTOFMEMORY, "Cannot plan the restore");
        r->links = calloc_checked(r->chain.n, sizeof(*r->links));
        if (!r->links)
                return tool_fail(E_OUTOFMEMORY, "Cannot plan the restore");

        for (size_t i = 0; i < r->chain.n && code == EXIT_OK; ++i) {
                r->links[i] = (RestoreLink){ .options = &r->options,
                                             .set = &r->chain.sets[i],
                                             .previous = i > 0 ? &r->links[i - 1] : NULL,
                                             .later = &r->links[i + 1],
                                             .n_later = r->chain.n - i - 1,
                                             .known = r->known };
                code = restore_link_choose(&r->links[i]);
        }

        return code;
}

/* Services: stopped once for all sets, as what runs in between would meet half of its files. */
static int stop_services(Restore *r, const RestoreLink *l) {
        int code = EXIT_OK;

        for (size_t i = 0; i < l->n_chosen && code == EXIT_OK; ++i) {
                const Chosen *c = &l->chosen[i];

                if (!restore_needs_service(l, c))
                        continue;
                code = c->method->method == VSS_RME_STOP_RESTORE_START ?
                               restore_services_stop(&r->services, c->method->service) :
                               restore_services_restart_later(&r->services, c->method->service);
        }

        return code;
}

static int restore_set(Restore *r, RestoreLink *l) {
        int code;

        code = restore_session_begin(l);
        if (code == EXIT_OK)
                code = restore_place_decide(l);
        if (code == EXIT_OK)
                code = stop_services(r, l);
        if (code == EXIT_OK)
                code = restore_files(l);
        else
                tool_say("Nothing was written from '%s'.", l->set->path);

        /* The writers end a restore with what they served before it running again. */
        if (code == EXIT_OK && l->n_later == 0)
                code = restore_services_start(&r->services);
        if (code == EXIT_OK && restore_paths_add_all(r->known, l->paths) < 0)
                code = tool_fail(E_OUTOFMEMORY, "Cannot remember what was restored");

        r->n_restored += l->n_restored;
        return restore_session_end(l, code);
}

static bool is_written(const Restore *r) {
        for (size_t i = 0; i < r->chain.n; ++i)
                if (r->links[i].n_restored > 0)
                        return true;

        return false;
}

static bool is_in_later(const RestoreLink *l, const Chosen *c) {
        for (size_t i = 0; i < l->n_later; ++i)
                if (restore_link_find(&l->later[i], c))
                        return true;

        return false;
}

/* Is there all of what was to be restored? */
static bool say_content(const RestoreLink *l) {
        bool whole = true;

        for (size_t i = 0; i < l->n_chosen; ++i) {
                const Chosen *c = &l->chosen[i];

                if (is_in_later(l, c))
                        continue;
                whole = whole && !c->lost;
                if (c->lost)
                        fprintf(stderr,
                                "umbra: NOT all files of component '%s' are in '%s': some could not be read when it was made. What is in place of "
                                "them was left as it is; an older set may have them\n",
                                c->component->full, l->set->path);
                else if (c->told)
                        tool_say("Component '%s': restored, and its writer is content.", c->component->full);
                else if (!l->options->to)
                        tool_say("Component '%s': restored, without its writer.", c->component->full);
                if (!l->options->to && (c->method->reboot || c->in_use))
                        fprintf(stderr, "umbra: component '%s' needs a REBOOT: %s\n", c->component->full,
                                c->in_use ? "its files were in use, and who has them open still has the old ones" :
                                            "its writer says so");
        }

        /* The last one has all of what was named by path. */
        if (whole && l->lost && l->everything && l->n_later == 0) {
                fprintf(stderr,
                        "umbra: NOT all files are in '%s': some could not be read when it was made. What is in place of them was left as it is\n",
                        l->set->path);
                whole = false;
        }

        return whole;
}

static int restore_all(Restore *r) {
        int code = EXIT_OK;

        for (size_t i = 0; i < r->chain.n && code == EXIT_OK; ++i) {
                if (r->chain.n > 1)
                        tool_say("Restoring '%s', %zu of %zu.", r->chain.sets[i].path, i + 1, r->chain.n);
                code = restore_set(r, &r->links[i]);
        }

        if (code == EXIT_OK) {
                for (size_t i = 0; i < r->chain.n; ++i)
                        if (!say_content(&r->links[i]))
                                code = EXIT_PARTIAL;
                tool_say("Restored %" PRIu64 " file%s.", r->n_restored, r->n_restored == 1 ? "" : "s");
        } else if (is_written(r))
                restore_services_say_stopped(&r->services);
        else
                (void) restore_services_start(&r->services);
        return code;
}

/* Where the files go, by its real name: below it no link is followed. */
static int make_destination(Restore *r) {
        if (!r->options.to)
                return EXIT_OK;
        if (mkdir_p(r->options.to, 0755) < 0 || !(r->to = realpath(r->options.to, NULL)))
                return tool_error("cannot make '%s': %m", r->options.to);

        r->options.to = r->to;
        return EXIT_OK;
}

static int run(Restore *r) {
        int code;

        code = restore_chain_open(&r->chain, r->options.sets);
        if (code == EXIT_OK)
                code = restore_chain_check(&r->chain, r->options.onto_existing);
        if (code == EXIT_OK)
                code = make_destination(r);
        if (code == EXIT_OK)
                code = plan(r);
        return code == EXIT_OK ? restore_all(r) : code;
}

/* Options */

static int take_sets(Restore *r, int argc, char *argv[]) {
        unsigned n_streams = 0;

        for (; optind < argc; ++optind) {
                n_streams += strcmp(argv[optind], "-") == 0;
                if (strv_append(&r->options.sets, argv[optind]) < 0)
                        return tool_fail(E_OUTOFMEMORY, "Cannot plan the restore");
        }

        if (!r->options.sets) {
                fprintf(stderr, "umbra restore takes one set, or several that build on each other; - is standard input.\n");
                return EXIT_USAGE;
        }
        if (n_streams > 1) {
                fprintf(stderr, "umbra: only one set can come from standard input\n");
                return EXIT_USAGE;
        }

        return -1;
}

static int parse(Restore *r, int argc, char *argv[]) {
        enum { OPT_COMPONENT = 1, OPT_TO, OPT_OPTION, OPT_ROLL_FORWARD, OPT_RESTORE_NAME, OPT_INSTANCE, OPT_AUTHORITATIVE, OPT_ONTO,
               OPT_NO_WRITERS, OPT_NO_SERVICES, OPT_CUSTOM };
        static const struct option options[] = {
                { "component", required_argument, NULL, OPT_COMPONENT },
                { "to", required_argument, NULL, OPT_TO },
                { "option", required_argument, NULL, OPT_OPTION },
                { "roll-forward", required_argument, NULL, OPT_ROLL_FORWARD },
                { "restore-name", required_argument, NULL, OPT_RESTORE_NAME },
                { "instance", required_argument, NULL, OPT_INSTANCE },
                { "authoritative", no_argument, NULL, OPT_AUTHORITATIVE },
                { "onto-existing", no_argument, NULL, OPT_ONTO },
                { "no-writers", no_argument, NULL, OPT_NO_WRITERS },
                { "no-services", no_argument, NULL, OPT_NO_SERVICES },
                { "custom", no_argument, NULL, OPT_CUSTOM },
                TOOL_OPTIONS,
                { 0 },
        };
        RestoreOptions *o = &r->options;
        int opt, k;

        optind = 0;
        while ((opt = getopt_long(argc, argv, "h", options, NULL)) >= 0)
                switch (opt) {
                case OPT_COMPONENT:
                        (void) strv_append(&o->components, optarg);
                        break;
                case OPT_TO:
                        o->to = optarg;
                        break;
                case OPT_OPTION:
                        o->option = optarg;
                        break;
                case OPT_ROLL_FORWARD:
                        o->roll_forward = optarg;
                        break;
                case OPT_RESTORE_NAME:
                        o->restore_name = optarg;
                        break;
                case OPT_INSTANCE:
                        o->instance = optarg;
                        break;
                case OPT_AUTHORITATIVE:
                        o->authoritative = true;
                        break;
                case OPT_ONTO:
                        o->onto_existing = true;
                        break;
                case OPT_NO_WRITERS:
                        o->no_writers = true;
                        break;
                case OPT_NO_SERVICES:
                        o->no_services = true;
                        break;
                case OPT_CUSTOM:
                        o->custom = true;
                        break;
                default:
                        k = tool_option(opt == 'h' ? TOOL_OPT_HELP : opt, &verb_restore);
                        if (k != 0)
                                return k > 0 ? EXIT_OK : EXIT_USAGE;
                }

        return take_sets(r, argc, argv);
}

static int run_restore(int argc, char *argv[]) {
        Restore r = { 0 };
        int code;

        code = parse(&r, argc, argv);
        if (code < 0) {
                tool_catch_interrupts();
                code = run(&r);
        }
        restore_clear(&r);
        return code;
}

const Verb verb_restore = {
        .name = "restore",
        .summary = "put a set, or components of it, back in place",
        .help = "umbra restore SET [SET]… [--component NAME]… [--to DIR] [OPTION]…\n\n"
                "Several sets are a chain: a full one, then what changed since, in the order in which they were made. All are\n"
                "verified first. Then the writers are asked: one whose files are in use refuses, and nothing is written. Each\n"
                "file is restored beside and renamed into place, so a restore that is interrupted leaves the old file or the\n"
                "new one, and can be run again. Files of a component that the set does not have (an old journal beside a\n"
                "database) are removed. At the end the writers verify what they got.\n\n"
                "  --component NAME       this component only, as umbra show names it, or WRITER:NAME; also one that came along\n"
                "                         with another one, if its writer allows that\n"
                "  --to DIR               just the files, below DIR, without writers; with --component, writers that support\n"
                "                         other places are told where their files are\n"
                "  --no-writers           do not ask the writers\n"
                "  --no-services          do not stop and start the services that a writer names; I do that\n"
                "  --onto-existing        the first SET has only what changed, and what it builds on is in place\n"
                "  --custom               files of a writer with a procedure of its own are restored like any others\n"
                "For writers that declare that they understand it:\n"
                "  --option TEXT          restore options, in the words of the writer\n"
                "  --authoritative        what is restored prevails over what other machines have\n"
                "  --roll-forward TIME    go on through the logs: all, none, or a point in the words of the writer\n"
                "  --restore-name NAME    under another name\n"
                "  --instance NAME        to another instance of the writer: its name or id\n"
                "  --quiet                no progress\n\n"
                "Exit codes: 5 a writer refused, or what it got is not good; 6 a set is damaged; 1 files could not be written;\n"
                "7 a set that was made with --best-effort does not have all files.\n",
        .run = run_restore,
};
