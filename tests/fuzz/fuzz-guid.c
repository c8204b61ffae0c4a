/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Fuzzing GUIDs
 *
 * What is read as a GUID is written in one way, and that is read as the same. Ours and COM's reader agree on
 * the spelling that both take, and whatever COM's refuses gives GUID_NULL.
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <oleauto.h>
#include <vss.h>

#include "base/guid.h"
#include "base/macro.h"
#include "base/utf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool is_true) {
        if (!is_true)
                abort();
}

static void check_spelling(const char *text, const GUID *id) {
        const char *bare = text + (*text == '{');
        char buffer[GUID_STRING_MAX];
        GUID again;

        check(guid_to_string(id, buffer) == buffer);
        check(strncasecmp(bare, buffer, GUID_STRING_MAX - 1) == 0);
        check(strlen(text) == GUID_STRING_MAX - 1 + 2U * (bare != text));
        check(guid_from_string(buffer, &again) == 0 && guid_equal(&again, id));
}

static void check_com(const char *text, bool ours, const GUID *id) {
        _cleanup_(freep) WCHAR *wide = NULL;
        WCHAR again[39];
        CLSID clsid;
        HRESULT hr;
        IID iid;

        check(wide_from_utf8(text, &wide) == 0);

        hr = CLSIDFromString(wide, &clsid);
        check(hr == S_OK || hr == CO_E_CLASSSTRING);
        check(IIDFromString(wide, &iid) == (hr == S_OK ? S_OK : E_INVALIDARG));
        check(guid_equal(&clsid, &iid));

        if (hr != S_OK) {
                check(guid_is_null(&clsid));
                check(!ours || *text != '{');
                return;
        }

        check(ours && guid_equal(&clsid, id));
        check(StringFromGUID2(&clsid, again, ELEMENTSOF(again)) == ELEMENTSOF(again));
        check(CLSIDFromString(again, &iid) == S_OK && guid_equal(&clsid, &iid));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_(freep) char *text = strndup((const char *) data, size);
        GUID id = { 0 };
        int r;

        check(text);
        r = guid_from_string(text, &id);
        check(r == 0 || r == -22);
        if (r == 0)
                check_spelling(text, &id);

        check_com(text, r == 0, &id);
        return 0;
}
