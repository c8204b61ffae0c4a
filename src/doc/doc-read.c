/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Documents as Tables: Reading
 *
 * Elements of ours fill the model as their tags go by; nothing is kept of the text. The order of attributes
 * and of children is free. What the tables do not name is written down again into the DocExtra of the
 * element around it, as text that means the same there.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/guid.h"
#include "base/hresult.h"
#include "base/strv.h"
#include "base/utf.h"
#include "doc/backup-doc.h"
#include "doc/doc-limits.h"
#include "doc/doc-names.h"
#include "doc/doc-table.h"
#include "doc/xml-util.h"

/* The longest word or number that any table knows is far shorter. */
#define WORD_SIZE_MAX 64U

/* An open element of ours. */
typedef struct Frame {
        const DocElement *element;
        void *object;
        uint32_t seen; /* inline children, by their position in the table */
        size_t n_attributes, n_elements; /* strings in its DocExtra */
        size_t attributes_capacity, elements_capacity;
} Frame;

typedef struct DocReader {
        const DocFormat *format;
        void *object;
        bool escaped; /* the root says so */
        size_t model_size;

        Frame frames[DOCUMENT_DEPTH_MAX];
        size_t n_frames;

        XmlWriter foreign; /* the unknown element that is being passed */
        size_t foreign_depth;
} DocReader;

static HRESULT extra_append(char ***strings, size_t *n, size_t *capacity, char *s) {
        int r;

        r = array_reserve(strings, capacity, *n + 2, sizeof(char *));
        if (r < 0) {
                free(s);
                return hresult_from_errno(r);
        }

        (*strings)[(*n)++] = s;
        (*strings)[*n] = NULL;
        return S_OK;
}

static HRESULT frame_extra(Frame *frame, DocExtra **ret) {
        DocExtra **extra = &DOC_MEMBER(frame->object, frame->element->extra, DocExtra *);

        if (!*extra) {
                *extra = calloc_checked(1, sizeof(DocExtra));
                if (!*extra)
                        return E_OUTOFMEMORY;
        }

        *ret = *extra;
        return S_OK;
}

/* Keeps the pair; takes @value over. */
static HRESULT frame_add_attribute(Frame *frame, const char *prefix, const char *name, char *value) {
        _cleanup_(freep) char *owned = value, *qualified = NULL;
        DocExtra *extra;
        HRESULT hr;

        if (frame->n_attributes / 2 >= DOCUMENT_EXTRA_ATTRIBUTES_MAX)
                return VSS_E_INVALID_XML_DOCUMENT;

        if (format_to(&qualified, "%s%s%s", prefix ? prefix : "", prefix ? ":" : "", name) < 0)
                return E_OUTOFMEMORY;

        hr = frame_extra(frame, &extra);
        if (FAILED(hr))
                return hr;

        hr = extra_append(&extra->attributes, &frame->n_attributes, &frame->attributes_capacity,
                          TAKE_PTR(qualified));
        if (FAILED(hr))
                return hr;

        hr = extra_append(&extra->attributes, &frame->n_attributes, &frame->attributes_capacity,
                          TAKE_PTR(owned));
        if (FAILED(hr)) {
                /* Half a pair is none. */
                free(extra->attributes[--frame->n_attributes]);
                extra->attributes[frame->n_attributes] = NULL;
        }
        return hr;
}

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

static HRESULT read_text(DocReader *r, const XmlElement *e, size_t i, char **ret) {
        _cleanup_(freep) char *text = NULL;
        HRESULT hr;
        int k;

        hr = xml_attribute_text(e, i, &text);
        if (FAILED(hr))
                return hr;

        if (r->escaped && strstr(text, "\\x")) {
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

/* S_FALSE: what stands there has to be kept as it is. */
static HRESULT read_field(DocReader *r, const DocField *f, const XmlElement *e, size_t i, void *object) {
        char buffer[WORD_SIZE_MAX];
        const char *value;
        bool yes = false;
        size_t size;
        HRESULT hr;

        if (f->flags & DOC_OPTIONAL)
                DOC_MEMBER(object, f->other, bool) = true;

        if (f->type == DOC_TEXT)
                return read_text(r, e, i, &DOC_MEMBER(object, f->offset, char *));
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

/* The field called @name; looks first at @hint, because attributes mostly come in the order in which we
 * write them. */
static const DocField *find_field(const DocElement *e, const char *name, size_t hint) {
        for (size_t i = 0; i < e->n_fields; ++i) {
                const DocField *f = &e->fields[(hint + i) % e->n_fields];

                if (strcmp(f->name, name) == 0)
                        return f;
        }

        return NULL;
}

static HRESULT keep_attribute(Frame *frame, const XmlElement *e, size_t i) {
        char *text;
        HRESULT hr;

        hr = xml_attribute_text(e, i, &text);
        if (FAILED(hr))
                return hr;

        return frame_add_attribute(frame, xml_attribute_prefix(e, i), xml_attribute_name(e, i), text);
}

/* Prefixes that unknown things further down may use. The default namespace is known and written anyway. */
static HRESULT keep_namespaces(Frame *frame, const XmlElement *e) {
        HRESULT hr;

        for (size_t i = 0; i < e->n_namespaces; ++i) {
                char *uri;

                if (!e->namespaces[2 * i])
                        continue;

                hr = xml_namespace_text(e->namespaces[2 * i + 1], &uri);
                if (FAILED(hr))
                        return hr;

                hr = frame_add_attribute(frame, "xmlns", e->namespaces[2 * i], uri);
                if (FAILED(hr))
                        return hr;
        }

        return S_OK;
}

static bool is_escaped_mark(const DocReader *r, const XmlElement *e, size_t i) {
        return r->n_frames == 1 && !xml_attribute_prefix(e, i) &&
               strcmp(xml_attribute_name(e, i), AT_ESCAPED) == 0;
}

/* The mark decides how the other attributes are read, wherever it stands among them. */
static HRESULT read_escaped_mark(DocReader *r, const XmlElement *e) {
        for (size_t i = 0; i < e->n_attributes; ++i) {
                const char *value;
                size_t size;

                if (!is_escaped_mark(r, e, i))
                        continue;

                value = xml_attribute_value(e, i, &size);
                if (size != 3 || memcmp(value, "yes", 3) != 0)
                        return VSS_E_INVALID_XML_DOCUMENT;

                r->escaped = true;
        }

        return S_OK;
}

static HRESULT read_attributes(DocReader *r, Frame *frame, const XmlElement *e) {
        const DocElement *element = frame->element;
        uint64_t seen = 0;
        size_t hint = 0;
        HRESULT hr;

        hr = keep_namespaces(frame, e);
        if (FAILED(hr))
                return hr;

        for (size_t i = 0; i < e->n_attributes; ++i) {
                const DocField *f = NULL;

                if (is_escaped_mark(r, e, i))
                        continue;

                if (!xml_attribute_prefix(e, i))
                        f = find_field(element, xml_attribute_name(e, i), hint);

                hr = f ? read_field(r, f, e, i, frame->object) : S_FALSE;
                if (FAILED(hr))
                        return hr;

                if (f) {
                        hint = (size_t) (f - element->fields) + 1;
                        seen |= UINT64_C(1) << (f - element->fields);
                }

                if (hr == S_FALSE) {
                        hr = keep_attribute(frame, e, i);
                        if (FAILED(hr))
                                return hr;
                }
        }

        for (size_t i = 0; i < element->n_fields; ++i)
                if ((element->fields[i].flags & DOC_REQUIRED) && !(seen & UINT64_C(1) << i))
                        return VSS_E_INVALID_XML_DOCUMENT;

        return S_OK;
}

/* Opens an element of ours on @object, which is empty or, for inline ones, the parent's. */
static HRESULT push(DocReader *r, const DocElement *element, void *object, const XmlElement *e) {
        Frame *parent = r->n_frames > 0 ? &r->frames[r->n_frames - 1] : NULL;
        Frame *frame;
        HRESULT hr;

        if (r->n_frames == ELEMENTSOF(r->frames))
                return VSS_E_INVALID_XML_DOCUMENT;

        frame = &r->frames[r->n_frames++];
        *frame = (Frame){ .element = element, .object = object };

        if (!parent) {
                hr = read_escaped_mark(r, e);
                if (FAILED(hr))
                        return hr;
        }

        hr = read_attributes(r, frame, e);
        if (FAILED(hr))
                return hr;

        return element->ready ? element->ready(parent ? parent->object : NULL, object) : S_OK;
}

/* Sets the tag, if it is one of the names of @e. */
static bool element_is_called(const DocElement *e, const char *name, int *ret_tag) {
        if (e->name)
                return strcmp(e->name, name) == 0;

        for (const DocWord *w = e->tags; w->word; ++w)
                if (strcmp(w->word, name) == 0) {
                        *ret_tag = w->value;
                        return true;
                }

        return false;
}

static HRESULT push_inline(DocReader *r, Frame *frame, const DocChild *child, const XmlElement *e) {
        uint32_t bit = UINT32_C(1) << (child - frame->element->children);

        if (frame->seen & bit)
                return VSS_E_INVALID_XML_DOCUMENT;

        frame->seen |= bit;
        if (child->presence == DOC_PRESENT_FLAG)
                DOC_MEMBER(frame->object, child->present, bool) = true;

        return push(r, child->element, frame->object, e);
}

static HRESULT push_item(DocReader *r, Frame *frame, const DocChild *child, int tag, const XmlElement *e) {
        void *item;
        HRESULT hr;

        r->model_size += child->size;
        if (r->model_size > DOCUMENT_MODEL_SIZE_MAX)
                return VSS_E_INVALID_XML_DOCUMENT;

        hr = doc_list_append(frame->object, child, &item);
        if (FAILED(hr))
                return hr;

        if (!child->element->name)
                DOC_MEMBER(item, child->element->tag, int) = tag;

        return push(r, child->element, item, e);
}

/* Ours are in the document's namespace or, as some elements of Windows' documents are, in none. */
static bool uri_is_ours(const DocReader *r, const char *uri) {
        return !uri || strcmp(uri, r->format->uri) == 0;
}

static bool declares_default(const XmlElement *e) {
        for (size_t i = 0; i < e->n_namespaces; ++i)
                if (!e->namespaces[2 * i])
                        return true;

        return false;
}

static HRESULT foreign_declare(DocReader *r, const char *prefix, const char *uri) {
        _cleanup_(freep) char *text = NULL;
        HRESULT hr;

        hr = xml_namespace_text(uri, &text);
        if (FAILED(hr))
                return hr;

        xml_writer_attribute_xml(&r->foreign, prefix ? "xmlns" : NULL, prefix ? prefix : "xmlns", text);
        return S_OK;
}

/* Writes the start tag again. Prefixes are declared around it, in the extras of elements of ours, but the
 * default namespace there will be that of the document; so the outermost one says when it means another. */
static HRESULT foreign_start(DocReader *r, const XmlElement *e) {
        HRESULT hr;

        if (r->foreign_depth++ == 0)
                xml_writer_init(&r->foreign, r->format->size_max);

        xml_writer_start(&r->foreign, e->prefix, e->name);

        if (r->foreign_depth == 1 && !e->prefix && !uri_is_ours(r, e->uri) && !declares_default(e)) {
                hr = foreign_declare(r, NULL, e->uri);
                if (FAILED(hr))
                        return hr;
        }
        for (size_t i = 0; i < e->n_namespaces; ++i) {
                hr = foreign_declare(r, e->namespaces[2 * i], e->namespaces[2 * i + 1]);
                if (FAILED(hr))
                        return hr;
        }

        for (size_t i = 0; i < e->n_attributes; ++i) {
                _cleanup_(freep) char *text = NULL;

                hr = xml_attribute_text(e, i, &text);
                if (FAILED(hr))
                        return hr;

                xml_writer_attribute_xml(&r->foreign, xml_attribute_prefix(e, i), xml_attribute_name(e, i),
                                         text);
        }

        return S_OK;
}

static HRESULT foreign_end(DocReader *r, const char *prefix, const char *name) {
        Frame *frame = &r->frames[r->n_frames - 1];
        DocExtra *extra;
        char *text;
        HRESULT hr;

        xml_writer_end(&r->foreign, prefix, name);
        if (--r->foreign_depth > 0)
                return S_OK;

        if (frame->n_elements >= DOCUMENT_EXTRA_MAX)
                return VSS_E_INVALID_XML_DOCUMENT;

        hr = frame_extra(frame, &extra);
        if (FAILED(hr))
                return hr;

        hr = xml_writer_finish(&r->foreign, &text, NULL);
        if (FAILED(hr))
                return hr;

        return extra_append(&extra->elements, &frame->n_elements, &frame->elements_capacity, text);
}

static HRESULT on_start(void *userdata, const XmlElement *e) {
        DocReader *r = userdata;
        Frame *frame;
        int tag = 0;

        if (r->foreign_depth > 0)
                return foreign_start(r, e);

        if (r->n_frames == 0) {
                if (!uri_is_ours(r, e->uri) || !element_is_called(r->format->root, e->name, &tag))
                        return VSS_E_INVALID_XML_DOCUMENT;

                return push(r, r->format->root, r->object, e);
        }

        frame = &r->frames[r->n_frames - 1];
        if (uri_is_ours(r, e->uri))
                for (size_t i = 0; i < frame->element->n_children; ++i) {
                        const DocChild *child = &frame->element->children[i];

                        if (element_is_called(child->element, e->name, &tag))
                                return child->kind == DOC_INLINE ? push_inline(r, frame, child, e) :
                                                                   push_item(r, frame, child, tag, e);
                }

        return foreign_start(r, e);
}

/* Text inside elements of ours has no meaning; real documents have line breaks there. */
static HRESULT on_text(void *userdata, const char *text, size_t size) {
        DocReader *r = userdata;

        if (r->foreign_depth > 0)
                xml_writer_text(&r->foreign, text, size);

        return S_OK;
}

static HRESULT on_end(void *userdata, const char *prefix, const char *name) {
        DocReader *r = userdata;
        const Frame *frame;

        if (r->foreign_depth > 0)
                return foreign_end(r, prefix, name);

        frame = &r->frames[--r->n_frames];
        for (size_t i = 0; i < frame->element->n_children; ++i)
                if (frame->element->children[i].presence == DOC_PRESENT_NEEDED &&
                    !(frame->seen & UINT32_C(1) << i))
                        return VSS_E_INVALID_XML_DOCUMENT;

        return S_OK;
}

HRESULT doc_read(const DocFormat *format, const char *text, size_t size, void *object) {
        static const XmlEvents events = {
                .start = on_start,
                .text = on_text,
                .end = on_end,
        };
        DocReader reader = { .format = format, .object = object };
        HRESULT hr;

        hr = xml_parse(text, size, format->size_max, &events, &reader);
        xml_writer_clear(&reader.foreign);
        return hr;
}
