/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What Writers Answer
 */

#include "tools/restore-answers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/ranges.h"
#include "base/strv.h"
#include "tools/component-news.h"
#include "tools/tool-vss.h"
#include "tools/verb.h"

static int parse_ranges(const Chosen *c, BSTR from, BSTR to, DirectedTarget *t) {
        _cleanup_(freep) char *source = tool_text(from), *destination = tool_text(to);
        size_t n_to = 0;
        bool fit;

        fit = ranges_parse(source, &t->from, &t->n) >= 0 && ranges_parse(destination, &t->to, &n_to) >= 0 &&
              t->n == n_to;
        for (size_t i = 0; fit && i < t->n; ++i)
                fit = t->from[i].length == t->to[i].length;
        return fit ? EXIT_OK :
                     tool_error("the writer '%s' wants '%s' of '%s' at '%s', and these ranges do not fit",
                                c->writer->name, source, t->source, destination);
}

static int join_path(BSTR directory, BSTR name, char **ret) {
        _cleanup_(freep) char *d = tool_text(directory), *n = tool_text(name), *normal = NULL;

        if (file_set_normalise(d, &normal) < 0 || !*n || strchr(n, '/') || strcmp(n, "..") == 0 ||
            strcmp(n, ".") == 0)
                return tool_error("a writer names a file '%s' in '%s', which cannot be", n, d);

        return format_to(ret, "%s%s%s", normal, strcmp(normal, "/") == 0 ? "" : "/", n) < 0 ?
                       tool_fail(E_OUTOFMEMORY, "Cannot plan the restore") :
                       EXIT_OK;
}

static int read_directed_target(Chosen *c, IVssComponent *component, UINT i) {
        BSTR t[6] = { 0 };
        DirectedTarget *target;
        HRESULT hr;
        int code;

        if (ARRAY_RESERVE(c->directed, c->directed_capacity, c->n_directed + 1) < 0)
                return tool_fail(E_OUTOFMEMORY, "Cannot plan the restore");
        target = &c->directed[c->n_directed++];
        *target = (DirectedTarget){ 0 };

        hr = IVssComponent_GetDirectedTarget(component, i, &t[0], &t[1], &t[2], &t[3], &t[4], &t[5]);
        if (FAILED(hr))
                return tool_fail(hr, "Cannot read where the files of '%s' go", c->component->full);
        code = join_path(t[0], t[1], &target->source);
        if (code == EXIT_OK)
                code = join_path(t[3], t[4], &target->destination);
        if (code == EXIT_OK)
                code = parse_ranges(c, t[2], t[5], target);
        for (size_t k = 0; k < ELEMENTSOF(t); ++k)
                SysFreeString(t[k]);
        return code;
}

int restore_answers_target(Chosen *c, IVssComponent *component) {
        int code = EXIT_OK;
        UINT n = 0;

        if (FAILED(IVssComponent_GetRestoreTarget(component, &c->target)) || c->target == VSS_RT_UNDEFINED)
                c->target = VSS_RT_ORIGINAL;
        if (c->target == VSS_RT_DIRECTED)
                (void) IVssComponent_GetDirectedTargetCount(component, &n);
        for (UINT i = 0; i < n && code == EXIT_OK; ++i)
                code = read_directed_target(c, component, i);
        return code;
}

char *restore_answers_ranges_file(IVssComponent *component, UINT i) {
        BSTR path = NULL, name = NULL, ranges = NULL, metadata = NULL;
        _cleanup_(freep) char *text = NULL;
        const char *file;
        char *normal = NULL;

        if (FAILED(IVssComponent_GetPartialFile(component, i, &path, &name, &ranges, &metadata)))
                return NULL;
        SysFreeString(path);
        SysFreeString(name);
        SysFreeString(metadata);
        text = tool_take_bstr(ranges);
        return ranges_are_in_file(text, &file) && file_set_normalise(file, &normal) >= 0 ? normal : NULL;
}

/* A path of the document, as directory and name. */
static int add_literal(FileSet *set, const char *path) {
        _cleanup_(freep) char *directory = NULL;
        const char *slash = strrchr(path, '/');
        int r;

        r = format_to(&directory, "%.*s", (int) MAX(slash - path, 1), path);
        return r < 0 ? r : file_set_add_literal(set, directory, slash + 1);
}

static int add_news(Chosen *c, IVssComponent *component, const ComponentNews *news) {
        int r = 0;

        for (size_t i = 0; i < news->n_partial && r == 0; ++i) {
                _cleanup_(freep) char *file = restore_answers_ranges_file(component, (UINT) i);

                r = add_literal(c->extra, news->partial[i].path);
                if (r == 0 && file)
                        r = strv_append(&c->ranges_files, file);
        }

        for (size_t i = 0; i < news->n_differenced && r == 0; ++i)
                r = file_set_add(c->extra, news->differenced[i].path, news->differenced[i].spec,
                                 news->differenced[i].recursive);
        return r;
}

int restore_answers_news(const RestoreLink *l, Chosen *c, IVssComponent *component) {
        _cleanup_(component_news_clear) ComponentNews news = { 0 };
        HRESULT hr;
        int r;

        hr = component_news_read(component, &news);
        if (FAILED(hr))
                return tool_fail(hr, "Cannot read what '%s' says of '%s'", l->set->path, c->component->full);

        r = add_news(c, component, &news);
        if (r == -ENOMEM)
                return tool_fail(E_OUTOFMEMORY, "Cannot plan the restore");
        return r < 0 ? tool_error("'%s' names files of '%s' in a way that cannot be", l->set->path,
                                  c->component->full) :
                       EXIT_OK;
}
