/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Documents as Tables: Writing
 *
 * One line, no declaration, attributes and children in the order of the tables, what we do not know at the
 * end of its element. The same model always gives the same bytes, and what is written can be read: a model
 * over a limit, or without a name that a document must have, is refused here.
 */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/guid.h"
#include "doc/backup-doc.h"
#include "doc/doc-names.h"
#include "doc/doc-table.h"
#include "doc/xml-util.h"

static void write_number(XmlWriter *w, const char *name, int64_t value) {
        char buffer[24];
        char *p = buffer + sizeof(buffer);
        uint64_t v = value < 0 ? -(uint64_t) value : (uint64_t) value;

        do
                *--p = (char) ('0' + v % 10);
        while (v /= 10);
        if (value < 0)
                *--p = '-';

        xml_writer_attribute_plain(w, name, p, (size_t) (buffer + sizeof(buffer) - p));
}

static void write_bool(XmlWriter *w, const char *name, bool yes) {
        xml_writer_attribute_plain(w, name, yes ? "yes" : "no", yes ? 3 : 2);
}

/* The spelling of the document this came from, as long as it still says what the GUID says. */
static void write_guid(XmlWriter *w, const char *name, const GUID *guid, const char *spelled) {
        char buffer[GUID_STRING_MAX];
        GUID again;

        if (!spelled || strlen(spelled) + 1 != GUID_STRING_MAX || guid_from_string(spelled, &again) < 0 ||
            !guid_equal(&again, guid))
                spelled = guid_to_string(guid, buffer);

        xml_writer_attribute_plain(w, name, spelled, strlen(spelled));
}

static void write_blob(XmlWriter *w, const char *name, const void *data, size_t size) {
        _cleanup_(freep) char *text = NULL;

        if (base64_encode(data, size, &text) < 0)
                xml_writer_fail(w, E_OUTOFMEMORY);
        else
                xml_writer_attribute_xml(w, NULL, name, text);
}

static void write_field(XmlWriter *w, const DocField *f, const void *object) {
        bool always = f->flags & DOC_ALWAYS;

        if ((f->flags & DOC_OPTIONAL) && !DOC_MEMBER_CONST(object, f->other, bool))
                return;

        switch (f->type) {
        case DOC_TEXT: {
                const char *text = DOC_MEMBER_CONST(object, f->offset, char *);

                if (text)
                        xml_writer_attribute(w, f->name, text);
                else if (f->flags & DOC_REQUIRED)
                        xml_writer_fail(w, VSS_E_INVALID_XML_DOCUMENT);
                return;
        }
        case DOC_BOOL: {
                bool yes = DOC_MEMBER_CONST(object, f->offset, bool);

                if (yes || always)
                        write_bool(w, f->name, yes);
                return;
        }
        case DOC_TRISTATE: {
                Tristate t = DOC_MEMBER_CONST(object, f->offset, Tristate);

                if (t != TRI_UNSET)
                        write_bool(w, f->name, t == TRI_YES);
                return;
        }
        case DOC_U32:
        case DOC_RESULT: {
                uint32_t v = DOC_MEMBER_CONST(object, f->offset, uint32_t);

                if (v != 0 || always)
                        write_number(w, f->name, v);
                return;
        }
        case DOC_I64: {
                int64_t v = DOC_MEMBER_CONST(object, f->offset, int64_t);

                if (v != 0 || always)
                        write_number(w, f->name, v);
                return;
        }
        case DOC_GUID:
        case DOC_SPELLED: {
                const GUID *guid = &DOC_MEMBER_CONST(object, f->offset, GUID);

                if (always || !guid_is_null(guid))
                        write_guid(w, f->name, guid,
                                   f->type == DOC_SPELLED ? DOC_MEMBER_CONST(object, f->other, char *) :
                                                            NULL);
                return;
        }
        case DOC_WORD: {
                int v = DOC_MEMBER_CONST(object, f->offset, int);
                const char *word = doc_word_of(f->words, v);

                if (word)
                        xml_writer_attribute_plain(w, f->name, word, strlen(word));
                else if (v != 0 || (f->flags & DOC_REQUIRED))
                        xml_writer_fail(w, VSS_E_INVALID_XML_DOCUMENT);
                return;
        }
        case DOC_BLOB: {
                const void *data = DOC_MEMBER_CONST(object, f->offset, void *);

                if (data)
                        write_blob(w, f->name, data, DOC_MEMBER_CONST(object, f->other, size_t));
                return;
        }
        }
}

static void write_extra_attributes(XmlWriter *w, const DocExtra *extra) {
        if (!extra)
                return;

        w->escaped = w->escaped || extra->escaped;
        if (!extra->attributes)
                return;

        /* A word of the future that was kept is gone once somebody has set the field. */
        for (char **a = extra->attributes; a[0] && a[1]; a += 2)
                if (!xml_writer_has_attribute(w, a[0]))
                        xml_writer_attribute_xml(w, NULL, a[0], a[1]);
}

static void write_extra_elements(XmlWriter *w, const DocExtra *extra) {
        if (!extra || !extra->elements)
                return;

        for (char **e = extra->elements; *e; ++e)
                xml_writer_element(w, *e);
}

static void write_element(XmlWriter *w, const DocElement *e, const void *object, const char *uri);

/* With something that we do not know it is there in any case. */
static bool inline_is_present(const DocChild *child, const void *object) {
        if (DOC_MEMBER_CONST(object, child->element->extra, DocExtra *))
                return true;

        switch (child->presence) {
        case DOC_PRESENT_FLAG:
                return DOC_MEMBER_CONST(object, child->present, bool);
        case DOC_PRESENT_POINTER:
                return DOC_MEMBER_CONST(object, child->present, void *);
        case DOC_PRESENT_ALWAYS:
        case DOC_PRESENT_NEEDED:
                break;
        }

        return true;
}

static void write_list(XmlWriter *w, const DocChild *child, const void *parent) {
        const char *items = DOC_MEMBER_CONST(parent, child->items, void *);
        size_t n = DOC_MEMBER_CONST(parent, child->n, size_t);

        if (n > child->max)
                xml_writer_fail(w, VSS_E_INVALID_XML_DOCUMENT);

        for (size_t i = 0; i < n && SUCCEEDED(w->hr); ++i)
                write_element(w, child->element,
                              child->kind == DOC_POINTERS ? ((void *const *) items)[i] :
                                                            items + i * child->size,
                              NULL);
}

static void write_element(XmlWriter *w, const DocElement *e, const void *object, const char *uri) {
        const DocExtra *extra = DOC_MEMBER_CONST(object, e->extra, DocExtra *);
        const char *name = doc_element_name(e, object);

        if (!name) {
                xml_writer_fail(w, VSS_E_INVALID_XML_DOCUMENT);
                return;
        }

        xml_writer_start(w, NULL, name);
        if (uri)
                xml_writer_attribute_plain(w, "xmlns", uri, strlen(uri));

        if (!extra || !extra->raw)
                for (size_t i = 0; i < e->n_fields; ++i)
                        write_field(w, &e->fields[i], object);
        write_extra_attributes(w, extra);

        for (size_t i = 0; i < e->n_children; ++i) {
                const DocChild *child = &e->children[i];

                if (child->kind != DOC_INLINE)
                        write_list(w, child, object);
                else if (inline_is_present(child, object))
                        write_element(w, child->element, object, NULL);
        }
        write_extra_elements(w, extra);

        xml_writer_end(w, NULL, name);
}

HRESULT doc_write(const DocFormat *format, const void *object, char **ret_text, size_t *ret_size) {
        XmlWriter w;
        HRESULT hr;

        xml_writer_init(&w, format->size_max);
        write_element(&w, format->root, object, format->uri);

        /* Only now do we know whether any text needed it. Before all attributes of the root but its
         * namespace. */
        if (w.escaped)
                xml_writer_insert(&w,
                                  strlen("<") + strlen(format->root->name) + strlen(" xmlns=\"\"") +
                                          strlen(format->uri),
                                  " " AT_ESCAPED "=\"yes\"");

        hr = xml_writer_finish(&w, ret_text, ret_size);
        xml_writer_clear(&w);
        return hr;
}
