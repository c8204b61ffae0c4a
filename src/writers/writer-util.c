/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Small Words for Writers
 *
 * See the header.
 */

#include "writers/writer-util.h"

#include <errno.h>
#include <oleauto.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/bstr.h"
#include "base/hresult.h"
#include "base/log.h"
#include "base/utf.h"

bool writer_fail(UmbraWriter *w, HRESULT hr, HRESULT hr_application, const char *format, ...) {
        _cleanup_(freep) WCHAR *wide = NULL;
        _cleanup_(freep) char *text = NULL;
        va_list ap;

        va_start(ap, format);
        if (vasprintf(&text, format, ap) < 0)
                text = NULL;
        va_end(ap);

        log_error("%s: %s, failing", hresult_name(hr), text ?: "out of memory");
        if (!text || wide_from_utf8(text, &wide) < 0)
                wide = NULL;
        (void) umbra_writer_set_failure_ex(w, hr, hr_application, wide);
        return false;
}

int component_text(IVssComponent *c, ComponentGetter get, char **ret) {
        BSTR text = NULL;
        HRESULT hr;
        int r;

        hr = get(c, &text);
        if (FAILED(hr))
                return errno_from_hresult(hr);

        r = utf8_from_bstr(text, ret);
        SysFreeString(text);
        return r;
}

HRESULT component_say(IVssComponent *c, ComponentSetter set, const char *text) {
        _cleanup_(freep) WCHAR *wide = NULL;
        int r;

        r = wide_from_utf8(text, &wide);
        return r < 0 ? hresult_from_errno(r) : set(c, wide);
}

void component_fail(IVssComponent *c, ComponentEvent event, HRESULT hr, const char *why) {
        _cleanup_(freep) WCHAR *wide = NULL;
        IVssComponentEx2 *ex = NULL;

        if (wide_from_utf8(why, &wide) < 0)
                wide = NULL;

        if (FAILED(IVssComponent_QueryInterface(c, &IID_IVssComponentEx2, (void **) &ex)))
                ex = NULL;
        if (ex)
                (void) IVssComponentEx2_SetFailure(ex, hr, S_OK, wide, 0);

        switch (event) {
        case COMPONENT_PREPARE_BACKUP:
                if (ex)
                        (void) IVssComponentEx2_SetPrepareForBackupFailureMsg(ex, wide);
                break;
        case COMPONENT_POST_SNAPSHOT:
                if (ex)
                        (void) IVssComponentEx2_SetPostSnapshotFailureMsg(ex, wide);
                break;
        case COMPONENT_PRE_RESTORE:
                (void) IVssComponent_SetPreRestoreFailureMsg(c, wide);
                break;
        case COMPONENT_POST_RESTORE:
                (void) IVssComponent_SetPostRestoreFailureMsg(c, wide);
                break;
        }

        if (ex)
                IVssComponentEx2_Release(ex);
}

HRESULT components_foreach(IVssWriterComponents *components,
                           bool (*func)(IVssComponent *c, void *userdata),
                           void *userdata,
                           ComponentCount *ret_count) {
        ComponentCount count = { 0 };
        UINT n = 0;
        HRESULT hr;

        hr = IVssWriterComponents_GetComponentCount(components, &n);
        if (FAILED(hr))
                return hr;

        for (UINT i = 0; i < n; ++i) {
                IVssComponent *c = NULL;

                hr = IVssWriterComponents_GetComponent(components, i, &c);
                if (FAILED(hr))
                        return hr;

                ++count.n;
                if (!func(c, userdata))
                        ++count.failed;
                IVssComponent_Release(c);
        }

        *ret_count = count;
        return S_OK;
}
