/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * One Set of a Restore
 *
 * Each set of a chain is a restore of its own, with an object and events of its own. Its life:
 *
 *      restore_link_choose       restore-choice.c    which components, and may they be restored so?
 *      restore_session_begin     restore-session.c   the writers are told, and say where their files go
 *      restore_place_decide      restore-place.c     where they go, and whether that may be
 *      restore_files             restore-files.c     there they go
 *      restore_session_end       restore-session.c   the writers are told how it went
 *
 * Whether a writer takes part, and what may become of its files, is written in its metadata in the set, as of
 * the backup; what it says in PreRestore is about this restore. [MS: restores-without-writer-participation,
 * vss-restore-configurations]
 */

#include <vsbackup.h>

#include "tools/component-files.h"
#include "tools/restore-chain.h"
#include "tools/restore-paths.h"
#include "tools/restore-service.h"
#include "tools/restore-tree.h"

typedef struct RestoreOptions {
        char **sets, **components; /* strv */
        const char *to;            /* NULL: in place */
        const char *option, *roll_forward, *restore_name, *instance;
        bool authoritative, onto_existing, no_writers, no_services, custom;
} RestoreOptions;

/* What a writer says of all its files. [MS: setting-vss-restore-methods] */
typedef struct WriterRestore {
        VSS_RESTOREMETHOD_ENUM method;
        VSS_WRITERRESTORE_ENUM involved;
        char *service, *procedure;
        bool reboot;
        size_t *chosen; /* of each of its components, by its index: its number in RestoreLink.chosen, from 1; 0: not */
} WriterRestore;

/* These files of a component go there. */
typedef struct PlaceRule {
        char *path, *pattern, *to;
        bool recursive;
        FileSet *files; /* the first three of them as a question */
        bool used;
} PlaceRule;

/* Of one file these bytes go there. [MS: working-with-directed-targets] */
typedef struct DirectedTarget {
        char *source, *destination;
        struct ByteRange *from, *to;
        size_t n;
} DirectedTarget;

/* A component of the set that is to be restored. */
typedef struct Chosen {
        const WriterMetadata *writer;
        const WriterRestore *method;
        const Component *component; /* explicitly in the set */
        const Component **parts;    /* only these of those that came with it; none: all of it */
        size_t n_parts, parts_capacity;
        FileSet *files, *extra; /* @extra: named by the document of the set only, or read live */
        FileSet *saved;         /* those of @files that a whole backup takes */
        char **ranges_files;
        bool complete;       /* all of its files are in the set, not only what changed */
        bool lost;           /* some of them could not be saved */
        bool told;           /* its writer takes part */

        VSS_RESTORE_TARGET target;
        PlaceRule *rules;
        size_t n_rules, rules_capacity;
        bool elsewhere; /* only where a rule says, and nowhere without one */
        DirectedTarget *directed;
        size_t n_directed, directed_capacity;

        bool refused; /* its writer's method forbids it */
        bool in_use;  /* replaced all the same: whoever has it open keeps the old one */
        bool cleared; /* stale files are gone */
        uint64_t n_restored, n_failed;
} Chosen;

typedef struct RestoreOwners RestoreOwners; /* restore-owners.h */

typedef struct RestoreLink {
        const RestoreOptions *options;
        const ChainSet *set;
        const struct RestoreLink *previous; /* NULL: the first */
        const struct RestoreLink *later;    /* those after it */
        size_t n_later;

        WriterMetadata *writers;
        WriterRestore *methods; /* of each writer */
        size_t n_writers;
        Chosen *chosen;
        size_t n_chosen, chosen_capacity;
        RestoreOwners *owners; /* once the writers have answered */
        bool everything;       /* files that belong to no component as well */
        bool lost;             /* files could not be saved, perhaps some of these */

        IVssBackupComponents *vss; /* NULL: nobody is told */
        RestoreTree *tree;
        RestorePaths *paths;       /* what there was at the instant */
        const RestorePaths *known; /* what the sets before had */
        uint64_t n_restored, n_failed;
        bool prepared; /* the writers agreed */
        bool finished; /* all of the set was gone through */
} RestoreLink;

void restore_link_clear(RestoreLink *l);

/* All of these return an ExitCode, and have printed a message when it is not EXIT_OK. */

/* Nothing is asked of anybody and nothing is written. @l has options, set and previous. */
int restore_link_choose(RestoreLink *l);
/* The component of that writer, if it was chosen; NULL. */
Chosen *restore_link_chosen(const RestoreLink *l, size_t writer, const Component *c);
/* A component of another link that @l chose as well; NULL. */
const Chosen *restore_link_find(const RestoreLink *l, const Chosen *c);

/* Does the method want a service stopped or restarted, and is that wanted of us? */
bool restore_needs_service(const RestoreLink *l, const Chosen *c);

/* To the end of PreRestore, with what the writers said in it. */
int restore_session_begin(RestoreLink *l);
/* From SetFileRestoreStatus on. @code is how it went so far, and the result if it is not EXIT_OK. */
int restore_session_end(RestoreLink *l, int code);

/* Which file sets go to new places, before PreRestore. */
int restore_place_plan(RestoreLink *l, Chosen *c);
/* After it: by what the writers said in it, by their methods, and by what is in place. */
int restore_place_decide(RestoreLink *l);
/* The rule that decides it; NULL: none. */
PlaceRule *restore_place_rule(Chosen *c, const char *path, bool directory);
/* Where it goes; NULL: nowhere. The caller frees. -errno. */
int restore_place_of(const RestoreLink *l, Chosen *c, const char *path, bool directory, char **ret);
/* Would a file of the component have to be replaced that must not be? Prints nothing. */
bool restore_place_is_taken(const RestoreLink *l, Chosen *c);

int restore_files(RestoreLink *l);
