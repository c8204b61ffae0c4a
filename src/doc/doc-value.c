/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * One Value of a Document
 *
 * Strict: what we would not write is no value. What that means for the element it stands in is the reader's
 * business.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/guid.h"
#include "base/hresult.h"
#include "base/utf.h"
#include "doc/backup-doc.h"
#include "doc/doc-value.h"

/* The longest word or number that any table knows is far shorter. */
#define WORD_SIZE_MAX 64U

static HRESULT parse_u64(const char *s, uint64_t max, uint64_t *ret) {
        uint64_t v = 0;

        if (!*s)
                return VSS_E_INVALID_XML_DOCUMENT;

        for (; *s; ++s) {
                uint64_t d = (uint64_t) (unsigned char) *s - '0';

                if (d > 9 || v > (max - d) / 10)
                        return VSS_E_INVALID_XML_DOCUMENT;

                v = v * 10 + d;
        }

        *ret = v;
        return S_OK;
}

static HRESULT parse_u32(const char *s, uint32_t *ret) {
        uint64_t v;
        HRESULT hr;

        hr = parse_u64(s, UINT32_MAX, &v);
        if (SUCCEEDED(hr))
                *ret = (uint32_t) v;
        return hr;
}

static HRESULT parse_i64(const char *s, int64_t *ret) {
        bool negative = *s == '-';
        uint64_t v;
        HRESULT hr;

        hr = parse_u64(s + negative, (uint64_t) INT64_MAX + negative, &v);
        if (SUCCEEDED(hr))
                *ret = negative ? (int64_t) -v : (int64_t) v;
        return hr;
}

static HRESULT parse_bool(const char *s, bool *ret) {
        if (strcmp(s, "yes") != 0 && strcmp(s, "no") != 0)
                return VSS_E_INVALID_XML_DOCUMENT;

        *ret = s[0] == 'y';
        return S_OK;
}

static HRESULT parse_guid(const char *s, GUID *ret) {
        return guid_from_string(s, ret) < 0 ? VSS_E_INVALID_XML_DOCUMENT : S_OK;
}

static HRESULT read_text(const XmlElement *e, size_t i, bool escaped, char **ret) {
        _cleanup_(freep) char *text = NULL;
        HRESULT hr;
        int k;

        hr = xml_attribute_text(e, i, &text);
        if (FAILED(hr))
                return hr;

        if (escaped && strstr(text, "\\x")) {
                char *bytes;

                k = xml_unescape_bytes(text, &bytes);
                if (k == -EILSEQ)
                        return VSS_E_INVALID_XML_DOCUMENT;
                if (k < 0)
                        return hresult_from_errno(k);

                free(text);
                text = bytes;
        }

        *ret = TAKE_PTR(text);
        return S_OK;
}

static HRESULT read_blob(const DocField *f, const XmlElement *e, size_t i, void *object) {
        _cleanup_(freep) char *text = NULL;
        HRESULT hr;
        int r;

        hr = xml_attribute_text(e, i, &text);
        if (FAILED(hr))
                return hr;

        r = base64_decode(text, &DOC_MEMBER(object, f->offset, uint8_t *),
                          &DOC_MEMBER(object, f->other, size_t));
        return r == -EINVAL ? VSS_E_INVALID_XML_DOCUMENT : hresult_from_errno(r);
}

/* S_FALSE: the word is not one of @f's. */
static HRESULT parse_word(const DocField *f, const char *s, void *object) {
        for (const DocWord *w = f->words; w->word; ++w)
                if (strcmp(w->word, s) == 0) {
                        DOC_MEMBER(object, f->offset, int) = w->value;
                        return S_OK;
                }

        return f->flags & DOC_FORWARD ? S_FALSE : VSS_E_INVALID_XML_DOCUMENT;
}

HRESULT doc_value_read(const DocField *f, const XmlElement *e, size_t i, bool escaped, void *object) {
        char buffer[WORD_SIZE_MAX];
        const char *value;
        bool yes = false;
        size_t size;
        HRESULT hr;

        if (f->flags & DOC_OPTIONAL)
                DOC_MEMBER(object, f->other, bool) = true;

        if (f->type == DOC_TEXT)
                return read_text(e, i, escaped, &DOC_MEMBER(object, f->offset, char *));
        if (f->type == DOC_BLOB)
                return read_blob(f, e, i, object);

        value = xml_attribute_value(e, i, &size);
        if (size >= sizeof(buffer))
                return f->flags & DOC_FORWARD ? S_FALSE : VSS_E_INVALID_XML_DOCUMENT;
        memcpy(buffer, value, size);
        buffer[size] = '\0';

        switch (f->type) {
        case DOC_BOOL:
                return parse_bool(buffer, &DOC_MEMBER(object, f->offset, bool));
        case DOC_TRISTATE:
                hr = parse_bool(buffer, &yes);
                if (SUCCEEDED(hr))
                        DOC_MEMBER(object, f->offset, Tristate) = yes ? TRI_YES : TRI_NO;
                return hr;
        case DOC_U32:
        case DOC_RESULT:
                return parse_u32(buffer, &DOC_MEMBER(object, f->offset, uint32_t));
        case DOC_I64:
                return parse_i64(buffer, &DOC_MEMBER(object, f->offset, int64_t));
        case DOC_GUID:
                return parse_guid(buffer, &DOC_MEMBER(object, f->offset, GUID));
        case DOC_SPELLED:
                hr = parse_guid(buffer, &DOC_MEMBER(object, f->offset, GUID));
                if (FAILED(hr))
                        return hr;
                return hresult_from_errno(strdup_to(buffer, &DOC_MEMBER(object, f->other, char *)));
        case DOC_WORD:
                return parse_word(f, buffer, object);
        default:
                return VSS_E_UNEXPECTED;
        }
}
