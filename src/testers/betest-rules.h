/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What a Component Says About Its Files
 *
 * Beyond the file sets of the metadata: which files are partial, and which are saved only when they were modified.
 */

#include "base/time-util.h"
#include "testers/betest.h"

typedef struct Partial {
        char *path; /* of the file */
        char *ranges;
} Partial;

typedef struct Difference {
        char *directory, *pattern;
        bool recursive;
        usec_t since; /* 0: take all */
} Difference;

typedef struct FileRules {
        Betest *b;
        BetestSource *source;
        BetestPart *part;
        IVssComponent *component;
        Partial *partials;
        size_t n_partials, partials_capacity;
        Difference *differences;
        size_t n_differences, differences_capacity;
        BetestSets redirected; /* by alternate: where they go instead */
        bool elsewhere; /* all goes to the alternate locations */
        bool any_failed, any_done;

        /* The set that is walked over, and where its files are. */
        const BetestSet *set;
        const char *root;
} FileRules;

void file_rules_read(FileRules *r, Betest *b, BetestSource *s, BetestPart *part, IVssComponent *c);
void file_rules_clear(FileRules *r);

const char *file_rules_ranges(const FileRules *r, const char *path); /* NULL: it is not partial */
const Difference *file_rules_difference(const FileRules *r, const char *path);

/* Copies the file, or what the ranges say, and keeps in the rules how it went. */
void file_rules_copy(FileRules *r, const char *from, const char *to, const char *ranges);
void file_rules_copied(FileRules *r, int error, const char *from, const char *to);

char *betest_path_in_backup(const Betest *b, const char *path);
char *betest_plain_bstr(BSTR s); /* frees it; "" for NULL */
