/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * XML
 *
 * Documents come from processes we do not trust, and some are 60 MB long. So they are never held as a tree:
 * libxml2 reads and tells us what it meets, and we write text straight into a buffer. Nothing is switched on
 * that our documents do not need: no DTD, no entities but the five predefined ones, no encoding but UTF-8,
 * nothing from outside the text. Bounds are checked before libxml2 sees the first byte.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <vss.h>

#include "base/macro.h"

/* One start tag. @namespaces holds pairs (prefix or NULL, URI); attributes are read with the functions
 * below. */
typedef struct XmlElement {
        const char *prefix, *name, *uri; /* prefix and uri may be NULL */
        const char *const *namespaces;
        size_t n_namespaces;
        const char *const *attributes; /* of libxml2: name, prefix, URI, first byte, end */
        size_t n_attributes;
} XmlElement;

/* What is met, in order of the text. Anything but success ends the parsing and is its result. */
typedef struct XmlEvents {
        HRESULT (*start)(void *userdata, const XmlElement *element);
        HRESULT (*text)(void *userdata, const char *text, size_t size);
        HRESULT (*end)(void *userdata, const char *prefix, const char *name);
} XmlEvents;

/* VSS_E_CORRUPT_XML_DOCUMENT: not well formed. VSS_E_INVALID_XML_DOCUMENT: a DTD, or over a limit.
 * E_OUTOFMEMORY. */
HRESULT xml_parse(const char *text, size_t size, size_t size_max, const XmlEvents *events, void *userdata);

static inline const char *xml_attribute_name(const XmlElement *e, size_t i) {
        return e->attributes[5 * i];
}

static inline const char *xml_attribute_prefix(const XmlElement *e, size_t i) {
        return e->attributes[5 * i + 1]; /* NULL: none */
}

/* The value as it stands in the element; not NUL-terminated, and "&" is still "&#38;". Good for words and
 * numbers. */
static inline const char *xml_attribute_value(const XmlElement *e, size_t i, size_t *ret_size) {
        *ret_size = (size_t) (e->attributes[5 * i + 4] - e->attributes[5 * i + 3]);
        return e->attributes[5 * i + 3];
}

/* The value as text; caller frees. VSS_E_INVALID_XML_DOCUMENT over DOCUMENT_ATTRIBUTE_SIZE_MAX,
 * E_OUTOFMEMORY. */
HRESULT xml_attribute_text(const XmlElement *e, size_t i, char **ret);

/* The same for the URI of a namespace, which libxml2 hands out like an attribute. NULL gives "". */
HRESULT xml_namespace_text(const char *uri, char **ret);

#define XML_WRITER_NAMES_MAX 64U

/* A buffer that becomes a document. The first failure sticks: check once, in xml_writer_finish(). */
typedef struct XmlWriter {
        char *data;
        size_t size, capacity, size_max;
        HRESULT hr;
        bool in_tag;  /* a start tag is open: attributes may follow */
        bool escaped; /* some text needed base/utf.h's escape */
        const char *names[XML_WRITER_NAMES_MAX]; /* attributes of the open tag */
        size_t n_names;
} XmlWriter;

void xml_writer_init(XmlWriter *w, size_t size_max);
void xml_writer_clear(XmlWriter *w);
void xml_writer_raw(XmlWriter *w, const char *text, size_t size);
void xml_writer_text(XmlWriter *w, const char *text, size_t size); /* between tags */
void xml_writer_start(XmlWriter *w, const char *prefix, const char *name);
void xml_writer_end(XmlWriter *w, const char *prefix, const char *name);

void xml_writer_element(XmlWriter *w, const char *element); /* one that is written already */

/* Attributes of the open tag. @name must live until the tag is closed. */
/* Any bytes: escaped as in base/utf.h. */
void xml_writer_attribute(XmlWriter *w, const char *name, const char *value);
/* Characters of XML only. */
void xml_writer_attribute_xml(XmlWriter *w, const char *prefix, const char *name, const char *value);
/* With nothing in it that XML spells differently. */
void xml_writer_attribute_plain(XmlWriter *w, const char *name, const char *value, size_t size);
bool xml_writer_has_attribute(const XmlWriter *w, const char *name);
/* Puts @text at @position of what is already written. */
void xml_writer_insert(XmlWriter *w, size_t position, const char *text);
void xml_writer_fail(XmlWriter *w, HRESULT hr);

/* Hands out the text, NUL-terminated beyond *ret_size (which may be NULL); caller frees. */
HRESULT xml_writer_finish(XmlWriter *w, char **ret_text, size_t *ret_size);

/* Base64 with padding, for what is not text. Decoding refuses everything else with -EINVAL. */
int base64_encode(const void *data, size_t size, char **ret);
int base64_decode(const char *text, uint8_t **ret, size_t *ret_size);
