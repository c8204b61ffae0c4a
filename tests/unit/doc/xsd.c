/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <libxml/parser.h>
#include <libxml/xmlschemas.h>

#include "lib/test-util.h"
#include "xsd.h"

bool xsd_accepts(const char *schema, const char *text, size_t size) {
        xmlSchemaParserCtxt *parser;
        xmlSchemaValidCtxt *valid;
        xmlSchema *parsed;
        xmlDoc *doc;
        int r;

        parser = xmlSchemaNewParserCtxt(schema);
        assert_non_null(parser);
        parsed = xmlSchemaParse(parser);
        assert_non_null(parsed);
        valid = xmlSchemaNewValidCtxt(parsed);
        assert_non_null(valid);
        doc = xmlReadMemory(text, (int) size, NULL, "UTF-8", XML_PARSE_NONET);
        assert_non_null(doc);

        r = xmlSchemaValidateDoc(valid, doc);

        xmlFreeDoc(doc);
        xmlSchemaFreeValidCtxt(valid);
        xmlSchemaFree(parsed);
        xmlSchemaFreeParserCtxt(parser);
        return r == 0;
}
