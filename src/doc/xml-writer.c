/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * XML, the Writing Half
 *
 * One buffer that grows by doubling, and no decisions: the same calls always give the same bytes. Almost
 * every text of a document is plain ASCII without a special character, so that case is one scan and one
 * copy.
 */

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/utf.h"
#include "doc/doc-limits.h"
#include "doc/writer-doc.h"
#include "doc/xml-util.h"

#define FIRST_CAPACITY 4096U

void xml_writer_init(XmlWriter *w, size_t size_max) {
        *w = (XmlWriter){ .size_max = size_max };
}

void xml_writer_clear(XmlWriter *w) {
        free(w->data);
        xml_writer_init(w, w->size_max);
}

void xml_writer_fail(XmlWriter *w, HRESULT hr) {
        if (SUCCEEDED(w->hr))
                w->hr = hr;
}

/* Room for @n more bytes and a NUL. */
static bool reserve(XmlWriter *w, size_t n) {
        size_t capacity = w->capacity;
        char *data;

        if (FAILED(w->hr))
                return false;
        if (n > w->size_max - w->size) {
                xml_writer_fail(w, VSS_E_INVALID_XML_DOCUMENT);
                return false;
        }
        if (w->size + n < capacity)
                return true;

        for (capacity = MAX(capacity, (size_t) FIRST_CAPACITY); capacity <= w->size + n;)
                capacity *= 2;

        data = realloc_checked(w->data, capacity, 1);
        if (!data) {
                xml_writer_fail(w, E_OUTOFMEMORY);
                return false;
        }

        w->data = data;
        w->capacity = capacity;
        return true;
}

void xml_writer_raw(XmlWriter *w, const char *text, size_t size) {
        if (!reserve(w, size))
                return;

        memcpy(w->data + w->size, text, size);
        w->size += size;
}

static void raw_string(XmlWriter *w, const char *text) {
        xml_writer_raw(w, text, strlen(text));
}

static void close_tag(XmlWriter *w) {
        if (w->in_tag)
                xml_writer_raw(w, ">", 1);

        w->in_tag = false;
}

static void raw_name(XmlWriter *w, const char *prefix, const char *name) {
        if (prefix) {
                raw_string(w, prefix);
                xml_writer_raw(w, ":", 1);
        }
        raw_string(w, name);
}

void xml_writer_start(XmlWriter *w, const char *prefix, const char *name) {
        close_tag(w);
        xml_writer_raw(w, "<", 1);
        raw_name(w, prefix, name);
        w->in_tag = true;
        w->n_names = 0;
}

void xml_writer_end(XmlWriter *w, const char *prefix, const char *name) {
        if (w->in_tag)
                xml_writer_raw(w, "/>", 2);
        else {
                xml_writer_raw(w, "</", 2);
                raw_name(w, prefix, name);
                xml_writer_raw(w, ">", 1);
        }

        w->in_tag = false;
}

void xml_writer_element(XmlWriter *w, const char *element) {
        close_tag(w);
        raw_string(w, element);
}

/* How a character is spelled where it cannot stand for itself; NULL where it can. A line break in an
 * attribute would be read as a blank, a carriage return anywhere as a line feed. */
static const char *const spelled_in_attribute[256] = {
        ['\t'] = "&#9;", ['\n'] = "&#10;", ['\r'] = "&#13;", ['"'] = "&quot;",
        ['&'] = "&amp;", ['<'] = "&lt;",   ['>'] = "&gt;",
};
static const char *const spelled_in_text[256] = {
        ['\r'] = "&#13;", ['&'] = "&amp;", ['<'] = "&lt;", ['>'] = "&gt;",
};

static void raw_spelled(XmlWriter *w, const char *const *spelled, const char *text, size_t size) {
        const char *end = text + size;

        while (text < end) {
                const char *p = text;

                while (p < end && !spelled[(unsigned char) *p])
                        ++p;

                xml_writer_raw(w, text, (size_t) (p - text));
                if (p < end)
                        raw_string(w, spelled[(unsigned char) *p++]);

                text = p;
        }
}

void xml_writer_text(XmlWriter *w, const char *text, size_t size) {
        if (size == 0)
                return;

        close_tag(w);
        raw_spelled(w, spelled_in_text, text, size);
}

/* Which texts can be copied as they are? A "\x" and bytes above 127 might need base/utf.h; it decides. */
static bool is_plain(const char *text, size_t size) {
        static const bool plain[256] = {
                [' '] = true,          ['!'] = true, ['#' ... '%'] = true,
                ['\'' ... ';'] = true, ['='] = true, ['?' ... 0x7f] = true,
        };

        for (size_t i = 0; i < size; ++i)
                if (!plain[(unsigned char) text[i]] || (text[i] == '\\' && text[i + 1] == 'x'))
                        return false;

        return true;
}

/* ' name="', and room for what follows: @n bytes and the quote. */
static bool attribute_begin(XmlWriter *w, const char *name, size_t n) {
        size_t length = strlen(name);
        char *p;

        if (w->n_names < XML_WRITER_NAMES_MAX)
                w->names[w->n_names++] = name;

        if (!reserve(w, length + n + 4))
                return false;

        p = w->data + w->size;
        *p++ = ' ';
        p = mempcpy(p, name, length);
        *p++ = '=';
        *p++ = '"';
        w->size += length + 3;
        return true;
}

void xml_writer_attribute_plain(XmlWriter *w, const char *name, const char *value, size_t size) {
        if (!attribute_begin(w, name, size))
                return;

        memcpy(w->data + w->size, value, size);
        w->data[w->size + size] = '"';
        w->size += size + 1;
}

void xml_writer_attribute_xml(XmlWriter *w, const char *prefix, const char *name, const char *value) {
        size_t size = strlen(value);

        if (size > DOCUMENT_ATTRIBUTE_SIZE_MAX) {
                xml_writer_fail(w, VSS_E_INVALID_XML_DOCUMENT);
                return;
        }

        if (prefix) {
                xml_writer_raw(w, " ", 1);
                raw_name(w, prefix, name);
                xml_writer_raw(w, "=\"", 2);
        } else if (!attribute_begin(w, name, size))
                return;

        raw_spelled(w, spelled_in_attribute, value, size);
        xml_writer_raw(w, "\"", 1);
}

void xml_writer_attribute(XmlWriter *w, const char *name, const char *value) {
        _cleanup_(freep) char *escaped = NULL;
        size_t size = strlen(value);

        if (size <= DOCUMENT_ATTRIBUTE_SIZE_MAX && is_plain(value, size)) {
                xml_writer_attribute_plain(w, name, value, size);
                return;
        }

        if (xml_escape_bytes(value, &escaped) < 0) {
                xml_writer_fail(w, E_OUTOFMEMORY);
                return;
        }

        w->escaped = w->escaped || strcmp(escaped, value) != 0;
        xml_writer_attribute_xml(w, NULL, name, escaped);
}

bool doc_text_fits(const char *s) {
        _cleanup_(freep) char *escaped = NULL;
        size_t size = strlen(s);

        /* A byte becomes four at most. */
        if (size <= DOCUMENT_ATTRIBUTE_SIZE_MAX / 4)
                return true;

        return size <= DOCUMENT_ATTRIBUTE_SIZE_MAX && xml_escape_bytes(s, &escaped) >= 0 &&
               strlen(escaped) <= DOCUMENT_ATTRIBUTE_SIZE_MAX;
}

bool xml_writer_has_attribute(const XmlWriter *w, const char *name) {
        for (size_t i = 0; i < w->n_names; ++i)
                if (strcmp(w->names[i], name) == 0)
                        return true;

        return false;
}

void xml_writer_insert(XmlWriter *w, size_t position, const char *text) {
        size_t n = strlen(text);

        if (!reserve(w, n))
                return;

        memmove(w->data + position + n, w->data + position, w->size - position);
        memcpy(w->data + position, text, n);
        w->size += n;
}

HRESULT xml_writer_finish(XmlWriter *w, char **ret_text, size_t *ret_size) {
        if (!reserve(w, 0))
                return w->hr;

        w->data[w->size] = '\0';
        if (ret_size)
                *ret_size = w->size;
        *ret_text = TAKE_PTR(w->data);
        xml_writer_clear(w);
        return S_OK;
}
