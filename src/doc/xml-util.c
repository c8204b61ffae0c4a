/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * XML, the Reading Half
 *
 * Two guards stand before the model. The first walks over the bare text and counts what libxml2 does not
 * count, or counts too late: depth, attributes of one tag (libxml2 compares each with each), and whether
 * there is a DTD. The second is libxml2 with its own handlers, which stop it at the first thing they do not
 * like. What the first guard takes for a tag is a tag for libxml2, too: the text has to be UTF-8, so there
 * is no other way to spell "<".
 *
 * They take turns, piece by piece: what the first has looked at is handed to the second. A piece ends behind
 * a tag, because libxml2 would look at half a tag again and again until it has the rest.
 */

#include <errno.h>
#include <libxml/parser.h>
#include <libxml/parserInternals.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "doc/doc-limits.h"
#include "doc/xml-util.h"

#define PIECE_SIZE (64 * 1024)

typedef struct XmlParser {
        xmlParserCtxt *ctxt;
        const XmlEvents *events;
        void *userdata;
        HRESULT hr;
        size_t depth, n_namespaces[DOCUMENT_DEPTH_MAX + 1]; /* in scope, by depth */
} XmlParser;

static void xml_ctxt_freep(xmlParserCtxt **ctxt) {
        if (*ctxt)
                xmlFreeParserCtxt(*ctxt);
}

static bool starts_with(const char *p, const char *end, const char *prefix) {
        size_t n = strlen(prefix);

        return (size_t) (end - p) >= n && memcmp(p, prefix, n) == 0;
}

/* What stands behind the next @what; NULL when there is none. */
static const char *skip_past(const char *p, const char *end, const char *what) {
        const char *found = memmem(p, (size_t) (end - p), what, strlen(what));

        return found ? found + strlen(what) : NULL;
}

/* The first guard, and how far it has come. */
typedef struct Scanner {
        const char *p, *end;
        size_t depth;
} Scanner;

/* Stands behind the '<' of a start tag. */
static HRESULT scan_start_tag(Scanner *s) {
        size_t n_attributes = 0;
        const char *q = s->p;

        for (; q < s->end && *q != '>'; ++q) {
                if (*q != '"' && *q != '\'')
                        continue;

                if (++n_attributes > DOCUMENT_ATTRIBUTES_MAX)
                        return VSS_E_INVALID_XML_DOCUMENT;

                q = memchr(q + 1, *q, (size_t) (s->end - q - 1));
                if (!q)
                        return VSS_E_CORRUPT_XML_DOCUMENT;
        }
        if (q == s->end)
                return VSS_E_CORRUPT_XML_DOCUMENT;

        if (s->depth >= DOCUMENT_DEPTH_MAX)
                return VSS_E_INVALID_XML_DOCUMENT;
        if (q[-1] != '/')
                s->depth++;

        s->p = q + 1;
        return S_OK;
}

/* Moves behind the next tag, comment or the like, or to the end. Leaves everything that is not a limit to
 * libxml2. */
static HRESULT scan_next(Scanner *s) {
        const char *p;

        p = memchr(s->p, '<', (size_t) (s->end - s->p));
        if (!p) {
                s->p = s->end;
                return S_OK;
        }

        s->p = ++p;
        if (starts_with(p, s->end, "!--"))
                p = skip_past(p + 3, s->end, "-->");
        else if (starts_with(p, s->end, "![CDATA["))
                p = skip_past(p, s->end, "]]>");
        else if (starts_with(p, s->end, "!"))
                /* Our documents have no DTD. Whoever sends one wants to play with entities. */
                return VSS_E_INVALID_XML_DOCUMENT;
        else if (starts_with(p, s->end, "?"))
                p = skip_past(p, s->end, "?>");
        else if (starts_with(p, s->end, "/")) {
                s->depth -= s->depth > 0;
                p = skip_past(p, s->end, ">");
        } else
                return scan_start_tag(s);

        s->p = p ? p : s->end;
        return S_OK;
}

static void xml_fail(XmlParser *p, HRESULT hr) {
        if (SUCCEEDED(p->hr))
                p->hr = hr;

        xmlStopParser(p->ctxt);
}

static void on_start(void *userdata,
                     const xmlChar *name,
                     const xmlChar *prefix,
                     const xmlChar *uri,
                     int n_namespaces,
                     const xmlChar **namespaces,
                     int n_attributes,
                     int n_defaulted,
                     const xmlChar **attributes) {
        XmlParser *p = userdata;
        XmlElement element = {
                .prefix = (const char *) prefix,
                .name = (const char *) name,
                .uri = (const char *) uri,
                .namespaces = (const char *const *) namespaces,
                .n_namespaces = (size_t) n_namespaces,
                .attributes = (const char *const *) attributes,
                .n_attributes = (size_t) n_attributes,
        };
        HRESULT hr;

        if (FAILED(p->hr))
                return;

        /* libxml2 looks prefixes up by walking over all that are in scope. */
        if (p->depth == DOCUMENT_DEPTH_MAX ||
            p->n_namespaces[p->depth] + element.n_namespaces > DOCUMENT_NAMESPACES_MAX) {
                xml_fail(p, VSS_E_INVALID_XML_DOCUMENT);
                return;
        }
        p->n_namespaces[p->depth + 1] = p->n_namespaces[p->depth] + element.n_namespaces;
        p->depth++;

        hr = p->events->start(p->userdata, &element);
        if (FAILED(hr))
                xml_fail(p, hr);
}

static void on_end(void *userdata, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri) {
        XmlParser *p = userdata;
        HRESULT hr;

        if (FAILED(p->hr))
                return;

        p->depth--;
        hr = p->events->end(p->userdata, (const char *) prefix, (const char *) name);
        if (FAILED(hr))
                xml_fail(p, hr);
}

static void on_text(void *userdata, const xmlChar *text, int size) {
        XmlParser *p = userdata;
        HRESULT hr;

        if (FAILED(p->hr))
                return;

        hr = p->events->text(p->userdata, (const char *) text, (size_t) size);
        if (FAILED(hr))
                xml_fail(p, hr);
}

/* The first guard has seen no DTD; should libxml2 see one, it does not get as far as its first
 * declaration. */
static void on_dtd(void *userdata,
                   const xmlChar *name,
                   const xmlChar *external_id,
                   const xmlChar *system_id) {
        xml_fail(userdata, VSS_E_INVALID_XML_DOCUMENT);
}

static void on_error(void *userdata, xmlErrorPtr error) {
        XmlParser *p = userdata;

        if (!error || error->level < XML_ERR_ERROR)
                return;

        xml_fail(p, error->code == XML_ERR_NO_MEMORY ? E_OUTOFMEMORY : VSS_E_CORRUPT_XML_DOCUMENT);
}

static void xml_init(void) {
        xmlInitParser();
}

static HRESULT push_piece(XmlParser *p, Scanner *s) {
        const char *piece = s->p;
        HRESULT hr;

        while (s->p < s->end && s->p - piece < PIECE_SIZE) {
                hr = scan_next(s);
                if (FAILED(hr))
                        return hr;
        }

        (void) xmlParseChunk(p->ctxt, piece, (int) (s->p - piece), 0);
        return p->hr;
}

HRESULT xml_parse(const char *text, size_t size, size_t size_max, const XmlEvents *events, void *userdata) {
        static pthread_once_t once = PTHREAD_ONCE_INIT;
        static const xmlSAXHandler handler = {
                .initialized = XML_SAX2_MAGIC,
                .startElementNs = on_start,
                .endElementNs = on_end,
                .characters = on_text,
                .cdataBlock = on_text,
                .ignorableWhitespace = on_text,
                .internalSubset = on_dtd,
                .externalSubset = on_dtd,
                .serror = on_error,
        };
        _cleanup_(xml_ctxt_freep) xmlParserCtxt *ctxt = NULL;
        XmlParser parser = { .events = events, .userdata = userdata };
        HRESULT hr;

        if (size > size_max)
                return VSS_E_INVALID_XML_DOCUMENT;
        if (starts_with(text, text + size, "\xEF\xBB\xBF")) {
                text += 3;
                size -= 3;
        }
        if (size == 0 || !strchr("< \t\r\n", *text) || memchr(text, 0, size))
                return VSS_E_CORRUPT_XML_DOCUMENT;

        (void) pthread_once(&once, xml_init);

        ctxt = parser.ctxt =
                xmlCreatePushParserCtxt((xmlSAXHandler *) (uintptr_t) &handler, &parser, NULL, 0, NULL);
        if (!ctxt)
                return E_OUTOFMEMORY;

        /* No XML_PARSE_NOENT, no XML_PARSE_DTDLOAD. XML_PARSE_HUGE lifts limits of libxml2 that are above
         * ours, so that the answer to "too much" is ours. */
        (void) xmlCtxtUseOptions(ctxt, XML_PARSE_NONET | XML_PARSE_HUGE | XML_PARSE_IGNORE_ENC);

        /* The encoding is settled, so that nothing in the text can choose another. */
        if (xmlSwitchEncoding(ctxt, XML_CHAR_ENCODING_UTF8) < 0)
                return E_OUTOFMEMORY;

        for (Scanner s = { .p = text, .end = text + size }; s.p < s.end;) {
                hr = push_piece(&parser, &s);
                if (FAILED(hr))
                        return hr;
        }

        (void) xmlParseChunk(ctxt, NULL, 0, 1);
        if (FAILED(parser.hr))
                return parser.hr;

        return ctxt->wellFormed && ctxt->nsWellFormed ? S_OK : VSS_E_CORRUPT_XML_DOCUMENT;
}

/* Without XML_PARSE_NOENT libxml2 leaves one reference in attributes: every "&" is spelled "&#38;". */
static HRESULT decode_ampersands(const char *value, size_t size, char **ret) {
        const char *end = value + size, *amp;
        char *text, *out;

        if (size > DOCUMENT_ATTRIBUTE_SIZE_MAX)
                return VSS_E_INVALID_XML_DOCUMENT;

        text = out = realloc_checked(NULL, size + 1, 1);
        if (!text)
                return E_OUTOFMEMORY;

        for (; (amp = memchr(value, '&', (size_t) (end - value))); value = amp + strlen("&#38;")) {
                assert(starts_with(amp, end, "&#38;"));
                out = mempcpy(out, value, (size_t) (amp - value));
                *out++ = '&';
        }
        *(char *) mempcpy(out, value, (size_t) (end - value)) = '\0';

        *ret = text;
        return S_OK;
}

HRESULT xml_attribute_text(const XmlElement *e, size_t i, char **ret) {
        const char *value;
        size_t size;

        value = xml_attribute_value(e, i, &size);
        return decode_ampersands(value, size, ret);
}

HRESULT xml_namespace_text(const char *uri, char **ret) {
        return decode_ampersands(uri ? uri : "", uri ? strlen(uri) : 0, ret);
}
