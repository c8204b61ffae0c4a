/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What a Writer Adds
 */

#include "tools/component-news.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/hresult.h"
#include "tools/file-set.h"
#include "tools/tool-vss.h"

void component_news_clear(ComponentNews *n) {
        for (size_t i = 0; i < n->n_partial; ++i) {
                free(n->partial[i].path);
                free(n->partial[i].ranges);
        }
        for (size_t i = 0; i < n->n_differenced; ++i) {
                free(n->differenced[i].path);
                free(n->differenced[i].spec);
        }
        free(n->partial);
        free(n->differenced);
        free(n->stamp);
        free(n->message);
        *n = (ComponentNews){ 0 };
}

static HRESULT read_partial(IVssComponent *component, UINT i, ComponentNews *n) {
        _cleanup_(freep) char *directory = NULL, *name = NULL, *ranges = NULL, *joined = NULL, *path = NULL;
        BSTR bpath = NULL, bname = NULL, branges = NULL, bmetadata = NULL;
        HRESULT hr;
        int r;

        hr = IVssComponent_GetPartialFile(component, i, &bpath, &bname, &branges, &bmetadata);
        directory = tool_take_bstr(bpath);
        name = tool_take_bstr(bname);
        ranges = tool_take_bstr(branges);
        SysFreeString(bmetadata); /* the writer's own, for when it is restored */
        if (FAILED(hr))
                return hr;
        if (!*name || strpbrk(name, "/\\"))
                return E_INVALIDARG;

        r = format_to(&joined, "%s/%s", directory, name);
        if (r >= 0)
                r = file_set_normalise(joined, &path);
        if (r >= 0)
                r = ARRAY_RESERVE(n->partial, n->partial_capacity, n->n_partial + 1);
        if (r >= 0)
                n->partial[n->n_partial++] = (PartialFile){ .path = TAKE_PTR(path), .ranges = TAKE_PTR(ranges) };
        return hresult_from_errno(r);
}

static HRESULT read_differenced(IVssComponent *component, UINT i, ComponentNews *n) {
        _cleanup_(freep) char *path = NULL, *spec = NULL;
        BSTR bpath = NULL, bspec = NULL, lsn = NULL;
        FILETIME time = { 0 };
        BOOL recursive = false;
        HRESULT hr;
        int r;

        hr = IVssComponent_GetDifferencedFile(component, i, &bpath, &bspec, &recursive, &lsn, &time);
        path = tool_take_bstr(bpath);
        spec = tool_take_bstr(bspec);
        SysFreeString(lsn);
        if (FAILED(hr))
                return hr;

        r = ARRAY_RESERVE(n->differenced, n->differenced_capacity, n->n_differenced + 1);
        if (r >= 0)
                n->differenced[n->n_differenced++] =
                        (DifferencedFiles){ .path = TAKE_PTR(path),
                                            .spec = TAKE_PTR(spec),
                                            .recursive = recursive,
                                            .since = (uint64_t) time.dwHighDateTime << 32 | time.dwLowDateTime };
        return hresult_from_errno(r);
}

/* Why it failed, in the writer's words: those of the event, else those of the failure. */
static HRESULT read_failure(IVssComponent *component, ComponentNews *n) {
        BSTR prepare = NULL, snapshot = NULL, message = NULL;
        IVssComponentEx2 *ex = NULL;
        HRESULT hr, application = S_OK;
        DWORD reserved = 0;

        hr = IVssComponent_QueryInterface(component, &IID_IVssComponentEx2, (void **) &ex);
        if (FAILED(hr))
                return hr;
        hr = IVssComponentEx2_GetFailure(ex, &n->failure, &application, &message, &reserved);
        if (SUCCEEDED(hr))
                hr = IVssComponentEx2_GetPrepareForBackupFailureMsg(ex, &prepare);
        if (SUCCEEDED(hr))
                hr = IVssComponentEx2_GetPostSnapshotFailureMsg(ex, &snapshot);
        IVssComponentEx2_Release(ex);
        if (SUCCEEDED(hr) && (message || prepare || snapshot))
                n->message = tool_text(message ? message : prepare ? prepare : snapshot);
        SysFreeString(prepare);
        SysFreeString(snapshot);
        SysFreeString(message);
        return FAILED(hr) ? hr : S_OK;
}

HRESULT component_news_read(IVssComponent *component, ComponentNews *ret) {
        ComponentNews n = { 0 };
        UINT n_partial = 0, n_differenced = 0;
        BSTR stamp = NULL;
        HRESULT hr;

        hr = IVssComponent_GetBackupStamp(component, &stamp);
        if (hr == S_OK && stamp)
                n.stamp = tool_text(stamp);
        SysFreeString(stamp);
        if (SUCCEEDED(hr))
                hr = IVssComponent_GetPartialFileCount(component, &n_partial);
        for (UINT i = 0; SUCCEEDED(hr) && i < n_partial; ++i)
                hr = read_partial(component, i, &n);
        if (SUCCEEDED(hr))
                hr = IVssComponent_GetDifferencedFilesCount(component, &n_differenced);
        for (UINT i = 0; SUCCEEDED(hr) && i < n_differenced; ++i)
                hr = read_differenced(component, i, &n);
        if (SUCCEEDED(hr))
                hr = read_failure(component, &n);
        if (FAILED(hr)) {
                component_news_clear(&n);
                return hr;
        }
        *ret = n;
        return S_OK;
}
