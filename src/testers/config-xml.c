/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Configurations in XML
 */

#include "testers/config-xml.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <libxml/parser.h>
#include <libxml/tree.h>
#include <limits.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fd-util.h"
#include "base/guid.h"
#include "base/hresult.h"

void config_mistake(ConfigMistakes *m, long line, const char *format, ...) {
        va_list ap;

        if (++m->n > CONFIG_MISTAKES_MAX)
                return;

        fprintf(stderr, "%s:%ld: ", m->file, line);
        va_start(ap, format);
        vfprintf(stderr, format, ap);
        va_end(ap);
        fputc('\n', stderr);
        if (m->n == CONFIG_MISTAKES_MAX)
                fprintf(stderr, "%s: and more\n", m->file);
}

const char *config_word(const ConfigWord *words, int value) {
        for (const ConfigWord *w = words; w->word; ++w)
                if (w->value == value)
                        return w->word;
        return NULL;
}

static void *at(void *node, size_t offset) {
        return (char *) node + offset;
}

/* Values */

int config_parse_hresult(const char *text, int *ret) {
        unsigned long value;
        HRESULT hr;
        char *end;

        if (hresult_from_name(text, &hr) >= 0) {
                *ret = hr;
                return 0;
        }
        errno = 0;
        value = strtoul(text, &end, 0);
        if (errno != 0 || end == text || *end || !isdigit((unsigned char) *text) || value > UINT32_MAX)
                return -EINVAL;

        *ret = (int) (uint32_t) value;
        return 0;
}

static int parse_number(const char *text, unsigned min, unsigned max, unsigned *ret) {
        unsigned long value;
        char *end;

        errno = 0;
        value = strtoul(text, &end, 10);
        if (errno != 0 || end == text || *end || !isdigit((unsigned char) *text) || value < min ||
            value > max)
                return -EINVAL;

        *ret = (unsigned) value;
        return 0;
}

static int parse_word(const char *text, const ConfigWord *words, int *ret) {
        for (const ConfigWord *w = words; w->word; ++w)
                if (strcmp(w->word, text) == 0) {
                        *ret = w->value;
                        return 0;
                }
        return -EINVAL;
}

static int parse_bool(const char *text, bool *ret) {
        if (strcmp(text, "yes") != 0 && strcmp(text, "no") != 0)
                return -EINVAL;

        *ret = *text == 'y';
        return 0;
}

static int parse_bit(const char *text, unsigned bit, unsigned *bits) {
        bool on;

        if (parse_bool(text, &on) < 0)
                return -EINVAL;

        *bits = on ? *bits | bit : *bits & ~bit;
        return 0;
}

/* Variables are the business of whoever reads the metadata. */
static bool path_is_plausible(const char *path) {
        return *path == '/' || *path == '\\' || *path == '$' || *path == '%';
}

static int set_value(const ConfigAttribute *a, const char *text, void *field) {
        switch (a->kind) {
        case CONFIG_PATH:
                if (!path_is_plausible(text))
                        return -EINVAL;
                return free_and_strdup(field, text);
        case CONFIG_TEXT:
                return free_and_strdup(field, text);
        case CONFIG_BOOL:
                return parse_bool(text, field);
        case CONFIG_BIT:
                return parse_bit(text, a->bit, field);
        case CONFIG_NUMBER:
                return parse_number(text, a->min, a->max, field);
        case CONFIG_WORD:
                return parse_word(text, a->words, field);
        case CONFIG_GUID:
                return guid_from_string(text, field);
        case CONFIG_HRESULT:
                return config_parse_hresult(text, field);
        }
        return -EINVAL;
}

static void say_words(char *buffer, size_t size, const ConfigWord *words) {
        size_t n = 0;

        for (const ConfigWord *w = words; w->word && n < size; ++w)
                if (!w->is_alias)
                        n += (size_t) snprintf(buffer + n, size - n, "%s%s", n == 0 ? "" : ", ", w->word);
}

/* What would have been right, for the message. */
static void say_expected(char *buffer, size_t size, const ConfigAttribute *a) {
        static const char *const expected[] = {
                [CONFIG_TEXT] = "text",
                [CONFIG_PATH] = "an absolute path",
                [CONFIG_BOOL] = "yes or no",
                [CONFIG_BIT] = "yes or no",
                [CONFIG_GUID] = "a GUID",
                [CONFIG_HRESULT] =
                        "a name of vsserror.h, as VSS_E_WRITERERROR_TIMEOUT, or a number, as 0x800423F2",
        };

        if (a->kind == CONFIG_NUMBER)
                snprintf(buffer, size, "a number from %u to %u", a->min, a->max);
        else if (a->kind == CONFIG_WORD)
                say_words(buffer, size, a->words);
        else
                snprintf(buffer, size, "%s", expected[a->kind]);
}

/* Elements */

static void *node_free(ConfigNode *node) {
        const ConfigElement *e;

        if (!node)
                return NULL;

        e = node->element;
        for (const ConfigAttribute *a = e->attributes; a && a->name; ++a)
                if (a->kind == CONFIG_TEXT || a->kind == CONFIG_PATH)
                        free(*(char **) at(node, a->offset));
        for (const ConfigChild *c = e->children; c && c->element; ++c)
                config_free(*(ConfigNode **) at(node, c->offset));
        free(node);
        return NULL;
}

void *config_free(void *node) {
        for (ConfigNode *n = node, *next; n; n = next) {
                next = n->next;
                node_free(n);
        }
        return NULL;
}

static void config_freep(ConfigNode **node) {
        *node = config_free(*node);
}

static const ConfigAttribute *find_attribute(const ConfigElement *e, const char *name) {
        for (const ConfigAttribute *a = e->attributes; a && a->name; ++a)
                if (strcmp(a->name, name) == 0)
                        return a;
        return NULL;
}

static void say_attributes(char *buffer, size_t size, const ConfigElement *e) {
        size_t n = 0;

        snprintf(buffer, size, "none");
        for (const ConfigAttribute *a = e->attributes; a && a->name && n < size; ++a)
                n += (size_t) snprintf(buffer + n, size - n, "%s%s", n == 0 ? "" : ", ", a->name);
}

static void say_children(char *buffer, size_t size, const ConfigElement *e) {
        size_t n = 0;

        snprintf(buffer, size, "none");
        for (const ConfigChild *c = e->children; c && c->element && n < size; ++c)
                n += (size_t) snprintf(buffer + n, size - n, "%s%s", n == 0 ? "" : ", ", c->element->name);
}

static int read_attribute(ConfigNode *node, const char *name, const char *text, ConfigMistakes *m) {
        const ConfigAttribute *a = find_attribute(node->element, name);
        char expected[1024];
        int r;

        if (!a) {
                say_attributes(expected, sizeof(expected), node->element);
                config_mistake(m, node->line, "<%s> has no attribute '%s'; there are: %s",
                               node->element->name, name, expected);
                return 0;
        }
        r = set_value(a, text, at(node, a->offset));
        if (r == -EINVAL) {
                say_expected(expected, sizeof(expected), a);
                config_mistake(m, node->line, "<%s %s=\"%s\">: expected %s%s", node->element->name, name,
                               text, a->kind == CONFIG_WORD ? "one of " : "", expected);
                return 0;
        }
        return r;
}

static int read_attributes(ConfigNode *node, xmlNode *xml, ConfigMistakes *m) {
        for (xmlAttr *attr = xml->properties; attr; attr = attr->next) {
                xmlChar *text;
                int r;

                if (attr->ns) /* where the schema lies, and the like */
                        continue;
                text = xmlNodeListGetString(xml->doc, attr->children, 1);
                r = read_attribute(node, (const char *) attr->name, text ? (const char *) text : "", m);
                xmlFree(text);
                if (r < 0)
                        return r;
        }

        for (const ConfigAttribute *a = node->element->attributes; a && a->name; ++a)
                if (a->required && !xmlHasProp(xml, (const xmlChar *) a->name))
                        config_mistake(m, node->line, "<%s> lacks the attribute '%s'", node->element->name,
                                       a->name);
        return 0;
}

static int node_new(const ConfigElement *e, long line, ConfigNode **ret) {
        _cleanup_(config_freep) ConfigNode *node = NULL;

        node = calloc_checked(1, e->size);
        if (!node)
                return -ENOMEM;
        node->element = e;
        node->line = line;
        for (const ConfigAttribute *a = e->attributes; a && a->name; ++a)
                if (a->preset && set_value(a, a->preset, at(node, a->offset)) < 0)
                        return -ENOMEM;

        *ret = TAKE_PTR(node);
        return 0;
}

static int read_element(xmlNode *xml, const ConfigElement *e, ConfigMistakes *m, ConfigNode **ret);

static int read_child(ConfigNode *node, xmlNode *xml, bool is_first, ConfigNode **tails, ConfigMistakes *m) {
        const ConfigElement *e = node->element;
        char expected[1024];

        for (size_t i = 0; e->children && e->children[i].element; ++i) {
                const ConfigChild *c = &e->children[i];
                ConfigNode *child = NULL;
                int r;

                if (strcmp(c->element->name, (const char *) xml->name) != 0)
                        continue;
                if (c->first && !is_first)
                        config_mistake(m, xmlGetLineNo(xml),
                                       "<%s> must be the first element in <%s>, and the only one",
                                       c->element->name, e->name);
                r = read_element(xml, c->element, m, &child);
                if (r < 0)
                        return r;
                if (tails[i])
                        tails[i]->next = child;
                else
                        *(ConfigNode **) at(node, c->offset) = child;
                tails[i] = child;
                return 0;
        }

        say_children(expected, sizeof(expected), e);
        config_mistake(m, xmlGetLineNo(xml), "<%s> has no element <%s>; there are: %s", e->name,
                       (const char *) xml->name, expected);
        return 0;
}

#define CHILDREN_MAX 16U

static int read_children(ConfigNode *node, xmlNode *xml, ConfigMistakes *m) {
        ConfigNode *tails[CHILDREN_MAX] = { NULL };
        bool is_first = true;

        for (xmlNode *child = xml->children; child; child = child->next) {
                int r;

                if (child->type == XML_ELEMENT_NODE) {
                        r = read_child(node, child, is_first, tails, m);
                        if (r < 0)
                                return r;
                        is_first = false;
                } else if ((child->type == XML_TEXT_NODE && !xmlIsBlankNode(child)) ||
                           child->type == XML_CDATA_SECTION_NODE)
                        config_mistake(m, xmlGetLineNo(child),
                                       "<%s> contains text; there are attributes and elements only",
                                       node->element->name);
        }

        for (const ConfigChild *c = node->element->children; c && c->element; ++c)
                if (c->first && !*(ConfigNode **) at(node, c->offset))
                        config_mistake(m, node->line, "<%s> lacks its first element, <%s>",
                                       node->element->name, c->element->name);
        return 0;
}

static int read_element(xmlNode *xml, const ConfigElement *e, ConfigMistakes *m, ConfigNode **ret) {
        _cleanup_(config_freep) ConfigNode *node = NULL;
        unsigned before = m->n;
        int r;

        r = node_new(e, xmlGetLineNo(xml), &node);
        if (r >= 0)
                r = read_attributes(node, xml, m);
        if (r >= 0)
                r = read_children(node, xml, m);
        if (r < 0)
                return r;
        if (e->check && m->n == before)
                e->check(node, m);

        *ret = TAKE_PTR(node);
        return 0;
}

/* Files */

static void on_xml_error(void *userdata, xmlErrorPtr error) {
        ConfigMistakes *m = userdata;
        size_t length = error->message ? strcspn(error->message, "\n") : 0;

        config_mistake(m, error->line, "not well-formed: %.*s", (int) MIN(length, 400U),
                       error->message ?: "");
}

static int parse_text(const char *text, ConfigMistakes *m, xmlDoc **ret) {
        xmlParserCtxt *parser;
        xmlDoc *doc;

        parser = xmlNewParserCtxt();
        if (!parser)
                return -ENOMEM;
        xmlSetStructuredErrorFunc(m, on_xml_error);
        doc = xmlCtxtReadMemory(parser, text, (int) strlen(text), m->file, NULL,
                                XML_PARSE_NONET | XML_PARSE_BIG_LINES);
        xmlSetStructuredErrorFunc(NULL, NULL);
        xmlFreeParserCtxt(parser);
        if (!doc && m->n == 0)
                config_mistake(m, 1, "not well-formed");
        if (doc && doc->intSubset)
                config_mistake(m, 1, "a document type declaration has no place in a configuration");
        if (m->n > 0) {
                xmlFreeDoc(doc);
                return -EINVAL;
        }

        *ret = doc;
        return 0;
}

static int load_text(const char *text, const ConfigElement *root, ConfigMistakes *m, ConfigNode **ret) {
        _cleanup_(config_freep) ConfigNode *node = NULL;
        xmlNode *xml;
        xmlDoc *doc = NULL;
        int r;

        r = parse_text(text, m, &doc);
        if (r < 0)
                return r;

        xml = xmlDocGetRootElement(doc);
        if (!xml || strcmp((const char *) xml->name, root->name) != 0)
                config_mistake(m, xml ? xmlGetLineNo(xml) : 1, "the root element must be <%s>, not <%s>",
                               root->name, xml ? (const char *) xml->name : "");
        else
                r = read_element(xml, root, m, &node);
        xmlFreeDoc(doc);
        if (r < 0)
                return r;
        if (m->n > 0)
                return -EINVAL;

        *ret = TAKE_PTR(node);
        return 0;
}

int config_load(const char *file, const ConfigElement *root, void *ret) {
        _cleanup_(freep) char *text = NULL;
        ConfigMistakes m = { .file = file };
        int r;

        r = file_read_text(file, CONFIG_SIZE_MAX, &text);
        if (r >= 0)
                r = load_text(text, root, &m, ret);
        if (r < 0 && m.n == 0)
                fprintf(stderr, "%s: %s\n", file, strerror(-r));
        return r;
}
