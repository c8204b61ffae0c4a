/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Documents as Tables: Reading
 *
 * Elements of ours fill the model as their tags go by; nothing is kept of the text. The order of attributes
 * and of children is free. What the tables do not name is written down again into the DocExtra of the
 * element around it, as text that means the same there.
 *
 * A value that is none costs the element it stands in, and no other: one damaged component must not make
 * the backup of ten years unreadable. Such an element keeps its attributes as they came, and whoever asks
 * for one of them is told (doc-extra.h). Limits are another matter; over one of them the document is
 * refused.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/hresult.h"
#include "base/strv.h"
#include "base/utf.h"
#include "doc/doc-limits.h"
#include "doc/doc-names.h"
#include "doc/doc-table.h"
#include "doc/doc-value.h"
#include "doc/xml-util.h"

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
        bool escaped;    /* the root says so */
        bool over_limit; /* not the fault of one element: the whole document is refused */
        size_t model_size;

        Frame frames[DOCUMENT_DEPTH_MAX];
        size_t n_frames;

        XmlWriter foreign; /* the unknown element that is being passed */
        size_t foreign_depth;
} DocReader;

/* Of an element that keeps all its attributes; the writer adds two to those of the root. */
#define RAW_ATTRIBUTES_MAX (DOCUMENT_ATTRIBUTES_MAX - 2)

static HRESULT over_limit(DocReader *r) {
        r->over_limit = true;
        return VSS_E_INVALID_XML_DOCUMENT;
}

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

/* What an escape means is known only as long as the document says that it has some; and where it says so
 * because of some other text, what looked like one must not become one. */
static HRESULT extra_keep_meaning(DocReader *r, DocExtra *extra, char **text) {
        char *escaped;
        int k;

        if (!strstr(*text, "\\x"))
                return S_OK;

        if (!r->escaped) {
                k = xml_escape_bytes(*text, &escaped);
                if (k < 0)
                        return hresult_from_errno(k);

                free(*text);
                *text = escaped;
                if (strlen(escaped) > DOCUMENT_ATTRIBUTE_SIZE_MAX)
                        return over_limit(r);
        }

        extra->escaped = true;
        return S_OK;
}

/* Keeps the pair; takes @value over. */
static HRESULT frame_add_attribute(DocReader *r,
                                   Frame *frame,
                                   const char *prefix,
                                   const char *name,
                                   char *value) {
        _cleanup_(freep) char *owned = value, *qualified = NULL;
        DocExtra *extra;
        HRESULT hr;

        hr = frame_extra(frame, &extra);
        if (FAILED(hr))
                return hr;

        if (frame->n_attributes / 2 >= (extra->raw ? RAW_ATTRIBUTES_MAX : DOCUMENT_EXTRA_ATTRIBUTES_MAX))
                return over_limit(r);

        if (format_to(&qualified, "%s%s%s", prefix ? prefix : "", prefix ? ":" : "", name) < 0)
                return E_OUTOFMEMORY;

        hr = extra_keep_meaning(r, extra, &owned);
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

static HRESULT keep_attribute(DocReader *r, Frame *frame, const XmlElement *e, size_t i) {
        char *text;
        HRESULT hr;

        hr = xml_attribute_text(e, i, &text);
        if (FAILED(hr))
                return hr;

        return frame_add_attribute(r, frame, xml_attribute_prefix(e, i), xml_attribute_name(e, i), text);
}

/* Prefixes that unknown things further down may use. The default namespace is known and written anyway. */
static HRESULT keep_namespaces(DocReader *r, Frame *frame, const XmlElement *e) {
        HRESULT hr;

        for (size_t i = 0; i < e->n_namespaces; ++i) {
                char *uri;

                if (!e->namespaces[2 * i])
                        continue;

                hr = xml_namespace_text(e->namespaces[2 * i + 1], &uri);
                if (FAILED(hr))
                        return hr;

                hr = frame_add_attribute(r, frame, "xmlns", e->namespaces[2 * i], uri);
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

/* A bit for each field with a value that is one. S_FALSE: some value is none. */
static HRESULT read_attributes(DocReader *r, Frame *frame, const XmlElement *e, uint64_t *ret_seen) {
        const DocElement *element = frame->element;
        uint64_t seen = 0;
        bool bad = false;
        size_t hint = 0;
        HRESULT hr;

        hr = keep_namespaces(r, frame, e);
        if (FAILED(hr))
                return hr;

        for (size_t i = 0; i < e->n_attributes; ++i) {
                const DocField *f = NULL;
                size_t size;

                if (is_escaped_mark(r, e, i))
                        continue;

                (void) xml_attribute_value(e, i, &size);
                if (size > DOCUMENT_ATTRIBUTE_SIZE_MAX)
                        return over_limit(r);

                if (!xml_attribute_prefix(e, i))
                        f = find_field(element, xml_attribute_name(e, i), hint);

                hr = f ? doc_value_read(f, e, i, r->escaped, frame->object) : S_FALSE;
                if (f && hr == VSS_E_INVALID_XML_DOCUMENT) {
                        bad = true;
                        continue;
                }
                if (FAILED(hr))
                        return hr;

                if (f) {
                        hint = (size_t) (f - element->fields) + 1;
                        seen |= UINT64_C(1) << (f - element->fields);
                }

                if (hr == S_FALSE) {
                        hr = keep_attribute(r, frame, e, i);
                        if (FAILED(hr))
                                return hr;
                }
        }

        *ret_seen = seen;
        return bad ? S_FALSE : S_OK;
}

/* Has the element what it is known by? */
static bool has_required(const DocElement *element, uint64_t seen) {
        for (size_t i = 0; i < element->n_fields; ++i)
                if ((element->fields[i].flags & DOC_REQUIRED) && !(seen & UINT64_C(1) << i))
                        return false;

        return true;
}

/* All attributes as they came, and the mark that tells the writer that there are no others. */
static HRESULT keep_raw(DocReader *r, Frame *frame, const XmlElement *e, bool known) {
        DocExtra *extra;
        HRESULT hr;

        hr = frame_extra(frame, &extra);
        if (FAILED(hr))
                return hr;

        extra->attributes = strv_free(extra->attributes);
        frame->n_attributes = frame->attributes_capacity = 0;
        extra->invalid = extra->raw = true;
        extra->unknown = !known;
        extra->escaped = r->escaped;

        hr = keep_namespaces(r, frame, e);
        for (size_t i = 0; i < e->n_attributes && SUCCEEDED(hr); ++i)
                if (!is_escaped_mark(r, e, i))
                        hr = keep_attribute(r, frame, e, i);

        return hr;
}

static HRESULT read_element(DocReader *r, Frame *frame, void *parent, const XmlElement *e) {
        bool bad, known;
        uint64_t seen;
        HRESULT hr;

        hr = read_attributes(r, frame, e, &seen);
        if (FAILED(hr))
                return hr;

        bad = hr == S_FALSE;
        known = has_required(frame->element, seen);

        if (known && frame->element->ready) {
                hr = frame->element->ready(parent, frame->object);
                if (FAILED(hr) && hr != VSS_E_INVALID_XML_DOCUMENT)
                        return hr;

                known = SUCCEEDED(hr);
        }

        return bad || !known ? keep_raw(r, frame, e, known) : S_OK;
}

/* Opens an element of ours on @object, which is empty or, for inline ones, the parent's. */
static HRESULT push(DocReader *r, const DocElement *element, void *object, const XmlElement *e) {
        Frame *parent = r->n_frames > 0 ? &r->frames[r->n_frames - 1] : NULL;
        Frame *frame;
        HRESULT hr;

        if (r->n_frames == ELEMENTSOF(r->frames))
                return over_limit(r);

        frame = &r->frames[r->n_frames++];
        *frame = (Frame){ .element = element, .object = object };

        if (!parent) {
                hr = read_escaped_mark(r, e);
                if (FAILED(hr))
                        return hr;
        }

        return read_element(r, frame, parent ? parent->object : NULL, e);
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

        hr = extra_keep_meaning(r, extra, &text);
        if (FAILED(hr)) {
                free(text);
                return hr;
        }

        return extra_append(&extra->elements, &frame->n_elements, &frame->elements_capacity, text);
}

/* Of two that may stand there once, who could say which is meant? The second is kept like a stranger. */
static HRESULT push_inline(DocReader *r, Frame *frame, const DocChild *child, const XmlElement *e) {
        uint32_t bit = UINT32_C(1) << (child - frame->element->children);

        if (frame->seen & bit) {
                Frame first = { .element = child->element, .object = frame->object };
                DocExtra *extra;
                HRESULT hr;

                hr = frame_extra(&first, &extra);
                if (FAILED(hr))
                        return hr;

                extra->invalid = true;
                return foreign_start(r, e);
        }

        frame->seen |= bit;
        if (child->presence == DOC_PRESENT_FLAG)
                DOC_MEMBER(frame->object, child->present, bool) = true;

        return push(r, child->element, frame->object, e);
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
