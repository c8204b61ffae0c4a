/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The Sets of a Restore
 */

#include "tools/restore-chain.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/strv.h"
#include "tools/progress.h"
#include "tools/set-format.h"
#include "tools/tool-vss.h"
#include "tools/verb.h"

static int on_progress(uint64_t done, uint64_t total, void *userdata) {
        progress_total(total);
        progress_set(done);
        return tool_interrupted() ? -EINTR : 0;
}

int chain_set_explain(const ChainSet *s, int error, const char *so_far) {
        if (tool_interrupted()) {
                tool_error("interrupted; %s", so_far);
                return EXIT_INTERRUPTED;
        }

        errno = -error;
        if (error == -EBADMSG || error == -ENODATA) {
                tool_error("'%s' is damaged, or not a set: %s; %s", s->path,
                           s->reader ? set_reader_why(s->reader) : "it is not whole", so_far);
                return EXIT_DAMAGED;
        }

        return tool_error("cannot read '%s': %m; %s", s->path, so_far);
}

static int open_set(ChainSet *s) {
        int r;

        progress_begin("Checking", 0);
        r = set_reader_open(s->path, on_progress, NULL, &s->reader);
        if (r >= 0)
                r = set_reader_verify_seal(s->reader);
        if (r >= 0)
                r = set_reader_load(s->reader);
        progress_end();
        if (r < 0)
                return chain_set_explain(s, r, "nothing was written");

        s->id = json_string_value(json_object_get(set_reader_manifest(s->reader), SET_KEY_ID));
        s->since = json_string_value(json_object_get(set_reader_manifest(s->reader), SET_KEY_SINCE));
        return EXIT_OK;
}

int restore_chain_open(RestoreChain *c, char *const *paths) {
        int code = EXIT_OK;

        c->sets = calloc_checked(strv_length(paths) + 1, sizeof(*c->sets));
        if (!c->sets)
                return tool_fail(E_OUTOFMEMORY, "Cannot read the sets");

        STRV_FOREACH(path, paths) {
                c->sets[c->n].path = *path;
                code = open_set(&c->sets[c->n++]);
                if (code != EXIT_OK)
                        break;
        }

        return code;
}

void restore_chain_clear(RestoreChain *c) {
        for (size_t i = 0; i < c->n; ++i)
                set_reader_free(c->sets[i].reader);
        free(c->sets);
        *c = (RestoreChain){ 0 };
}

static const ChainSet *find_set(const RestoreChain *c, const char *id) {
        for (size_t i = 0; i < c->n; ++i)
                if (c->sets[i].id && strcmp(c->sets[i].id, id) == 0)
                        return &c->sets[i];

        return NULL;
}

/* Why does @s not follow @previous? */
static int refuse_link(const RestoreChain *c, const ChainSet *s, const ChainSet *previous) {
        const ChainSet *base = s->since ? find_set(c, s->since) : NULL;

        if (!s->since)
                return tool_error(
                        "'%s' builds on no other set: it is the beginning of a chain and not the continuation of '%s'. "
                        "Name the set that everything begins with first. Nothing was written.",
                        s->path, previous->path);
        if (base && base < s)
                return tool_error(
                        "'%s' builds on '%s' and not on '%s': leave out what stands between them. Nothing was written.",
                        s->path, base->path, previous->path);
        if (base)
                return tool_error(
                        "'%s' builds on '%s', which must stand right before it. Nothing was written.",
                        s->path, base->path);
        return tool_error(
                "'%s' builds on the set %s, and that is not '%s': a link of the chain is missing before it. "
                "Nothing was written.",
                s->path, s->since, previous->path);
}

static int check_first(const RestoreChain *c, bool onto_existing) {
        const ChainSet *first = &c->sets[0], *base = first->since ? find_set(c, first->since) : NULL;

        if (!first->since || onto_existing)
                return EXIT_OK;
        if (base)
                return tool_error(
                        "'%s' builds on '%s', which must stand right before it. Nothing was written.",
                        first->path, base->path);
        return tool_error(
                "'%s' has only what changed since the set %s: name that one first. If what is in place is what that set "
                "left, say --onto-existing. Nothing was written.",
                first->path, first->since);
}

int restore_chain_check(const RestoreChain *c, bool onto_existing) {
        int code;

        for (size_t i = 0; i < c->n; ++i)
                for (size_t k = 0; k < i; ++k)
                        if (c->sets[i].id && c->sets[k].id && strcmp(c->sets[i].id, c->sets[k].id) == 0)
                                return tool_error("'%s' and '%s' are the same set. Nothing was written.",
                                                  c->sets[k].path, c->sets[i].path);

        code = check_first(c, onto_existing);
        for (size_t i = 1; i < c->n && code == EXIT_OK; ++i) {
                const ChainSet *s = &c->sets[i], *previous = &c->sets[i - 1];

                if (!s->since || !previous->id || strcmp(s->since, previous->id) != 0)
                        code = refuse_link(c, s, previous);
        }

        return code;
}
