/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What a Component Says About Its Files
 */

#include "testers/betest-rules.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "testers/files.h"
#include "testers/vss-text.h"

char *betest_plain_bstr(BSTR s) {
        _cleanup_(freep) char *text = text_take(s);

        return or_die(path_plain(text ?: ""));
}

static void read_partials(FileRules *r, IVssComponent *c) {
        UINT n = 0;

        (void) IVssComponent_GetPartialFileCount(c, &n);
        for (UINT i = 0; i < n; ++i) {
                BSTR path = NULL, name = NULL, ranges = NULL, metadata = NULL;
                _cleanup_(freep) char *directory = NULL, *file = NULL;

                if (FAILED(IVssComponent_GetPartialFile(c, i, &path, &name, &ranges, &metadata)))
                        continue;
                SysFreeString(metadata);
                directory = betest_plain_bstr(path);
                file = text_take(name);
                if (ARRAY_RESERVE(r->partials, r->partials_capacity, r->n_partials + 1) < 0)
                        or_die(NULL);
                r->partials[r->n_partials++] = (Partial){
                        .path = or_die(path_join(directory, file ?: "")),
                        .ranges = text_take(ranges) ?: text_copy(""),
                };
        }
}

static void read_differences(FileRules *r, IVssComponent *c) {
        UINT n = 0;

        (void) IVssComponent_GetDifferencedFilesCount(c, &n);
        for (UINT i = 0; i < n; ++i) {
                BSTR path = NULL, pattern = NULL, lsn = NULL;
                BOOL recursive = FALSE;
                FILETIME time = { 0 };

                if (FAILED(IVssComponent_GetDifferencedFile(c, i, &path, &pattern, &recursive, &lsn, &time)))
                        continue;
                SysFreeString(lsn);
                if (ARRAY_RESERVE(r->differences, r->differences_capacity, r->n_differences + 1) < 0)
                        or_die(NULL);
                r->differences[r->n_differences++] = (Difference){
                        .directory = betest_plain_bstr(path),
                        .pattern = text_take(pattern) ?: text_copy("*"),
                        .recursive = recursive,
                        .since = usec_from_filetime(
                                (int64_t) ((uint64_t) time.dwHighDateTime << 32 | time.dwLowDateTime)),
                };
        }
}

void file_rules_clear(FileRules *r) {
        for (size_t i = 0; i < r->n_partials; ++i) {
                free(r->partials[i].path);
                free(r->partials[i].ranges);
        }
        free(r->partials);
        for (size_t i = 0; i < r->n_differences; ++i) {
                free(r->differences[i].directory);
                free(r->differences[i].pattern);
        }
        free(r->differences);
        betest_sets_clear(&r->redirected);
}

const char *file_rules_ranges(const FileRules *r, const char *path) {
        for (size_t i = 0; i < r->n_partials; ++i)
                if (strcmp(r->partials[i].path, path) == 0)
                        return r->partials[i].ranges;
        return NULL;
}

const Difference *file_rules_difference(const FileRules *r, const char *path) {
        for (size_t i = 0; i < r->n_differences; ++i)
                if (path_is_of_set(path, r->differences[i].directory, r->differences[i].pattern,
                                   r->differences[i].recursive, NULL))
                        return &r->differences[i];
        return NULL;
}

char *betest_path_in_backup(const Betest *b, const char *path) {
        return text_format("%s/files%s", b->directory, path);
}

void file_rules_copied(FileRules *r, int error, const char *from, const char *to) {
        json_t *record;

        if (error < 0) {
                r->any_failed = true;
                betest_fail(r->b, "'%s' cannot be copied to '%s': %s", from, to, strerror(-error));
                return;
        }
        r->any_done = true;
        ++r->b->n_files;
        if (!r->b->verbose)
                return;
        record = record_new("copied", from);
        record_text(record, "to", to);
        report_emit(r->b->report, record);
}

/* Copies the file, or what its ranges say. */
void file_rules_copy(FileRules *r, const char *from, const char *to, const char *ranges) {
        _cleanup_(freep) Range *parsed = NULL;
        size_t n = 0;
        int error = 0;

        if (ranges)
                error = ranges_parse(ranges, &parsed, &n);
        if (error >= 0)
                error = file_copy(AT_FDCWD, from, to, ranges ? parsed : NULL, n);
        file_rules_copied(r, error, from, to);
}

void file_rules_read(FileRules *r, Betest *b, BetestSource *s, BetestPart *part, IVssComponent *c) {
        *r = (FileRules){ .b = b, .source = s, .part = part, .component = c };
        read_partials(r, c);
        read_differences(r, c);
}
