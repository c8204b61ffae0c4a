/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The Manifest of a Set
 */

#include "tools/manifest.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

#include <libxml/parser.h>
#include <libxml/tree.h>

#include "base/guid.h"
#include "base/time-util.h"
#include "base/utf.h"
#include "tools/set-format.h"

/* JSON wants UTF-8; what is not is escaped, as in the documents. */
static json_t *text(const char *s) {
        _cleanup_(freep) char *escaped = NULL;

        if (!s || !*s || xml_escape_bytes(s, &escaped) < 0)
                return json_null();
        return json_string(escaped);
}

static void xml_doc_freep(xmlDoc **d) {
        xmlFreeDoc(*d);
}

/* Texts are escaped in documents that say so at their root; see docs/documents.md. */
static char *attribute(const xmlNode *node, const char *name) {
        xmlChar *raw = xmlGetNoNsProp(node, (const xmlChar *) name);
        xmlChar *escaped = xmlGetNoNsProp(xmlDocGetRootElement(node->doc), (const xmlChar *) "escaped");
        char *value = NULL;

        if (raw && !(escaped && strcmp((const char *) escaped, "yes") == 0))
                value = strdup((const char *) raw);
        else if (raw && xml_unescape_bytes((const char *) raw, &value) < 0)
                value = NULL;
        xmlFree(escaped);
        xmlFree(raw);
        return value;
}

static const xmlNode *child(const xmlNode *node, const char *name, const xmlNode *after) {
        for (const xmlNode *c = after ? after->next : node->children; c; c = c->next)
                if (c->type == XML_ELEMENT_NODE && strcmp((const char *) c->name, name) == 0)
                        return c;
        return NULL;
}

static bool same(const char *a, const char *b) {
        return strcmp(a ?: "", b ?: "") == 0;
}

/* What the document says of one component. */
static char *component_consistency(const xmlNode *root, const WriterMetadata *w, const Component *c) {
        for (const xmlNode *writer = child(root, "WRITER_COMPONENTS", NULL); writer; writer = child(root, "WRITER_COMPONENTS", writer)) {
                _cleanup_(freep) char *instance = attribute(writer, "instanceId");
                GUID id;

                if (!instance || guid_from_string(instance, &id) < 0 || !guid_equal(&id, &w->instance_id))
                        continue;
                for (const xmlNode *n = child(writer, "COMPONENT", NULL); n; n = child(writer, "COMPONENT", n)) {
                        _cleanup_(freep) char *path = attribute(n, "logicalPath"), *name = attribute(n, "componentName");

                        if (same(path, c->logical_path) && same(name, c->name))
                                return attribute(n, "consistency");
                }
        }
        return NULL;
}

static char *volume_consistency(const xmlNode *root, const GUID *snapshot_id) {
        for (const xmlNode *n = child(root, "SNAPSHOT", NULL); n; n = child(root, "SNAPSHOT", n)) {
                _cleanup_(freep) char *snapshot = attribute(n, "snapshotId");
                GUID id;

                if (snapshot && guid_from_string(snapshot, &id) >= 0 && guid_equal(&id, snapshot_id))
                        return attribute(n, "consistency");
        }
        return NULL;
}

static json_t *components_json(const BackupPlan *p, const xmlNode *root) {
        json_t *list = json_array();

        for (size_t i = 0; i < p->n_components; ++i) {
                const WriterMetadata *w = &p->writers[p->components[i].writer];
                const Component *c = p->components[i].component;
                _cleanup_(freep) char *consistency = component_consistency(root, w, c);

                json_array_append_new(list, json_pack("{s:o, s:s, s:s, s:o, s:s, s:o, s:o, s:s}", "writer", text(w->name), "writer_id",
                                                      GUID_TO_STRING(&w->writer_id), "instance_id", GUID_TO_STRING(&w->instance_id),
                                                      "component", text(c->full), "type",
                                                      c->type == VSS_CT_DATABASE ? "database" : "files", "logical_path",
                                                      text(c->logical_path), "name", text(c->name), "consistency",
                                                      consistency ?: "unknown"));
        }
        return list;
}

static json_t *volumes_json(const BackupPlan *p, const xmlNode *root) {
        json_t *list = json_array();

        for (size_t i = 0; i < p->n_volumes; ++i) {
                _cleanup_(freep) char *consistency = volume_consistency(root, &p->volumes[i].snapshot_id);

                json_array_append_new(list, json_pack("{s:o, s:s}", "volume", text(p->volumes[i].path), "consistency",
                                                      consistency ?: "unknown"));
        }
        return list;
}

json_t *manifest_new(const BackupPlan *p, const char *document, size_t size) {
        _cleanup_(xml_doc_freep) xmlDoc *doc = NULL;
        char host[256] = "localhost", created[TIMESTAMP_STRING_MAX];
        json_t *paths = json_array();
        const xmlNode *root;

        doc = xmlReadMemory(document, (int) size, "document.xml", "UTF-8",
                            XML_PARSE_NONET | XML_PARSE_HUGE | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
        root = doc ? xmlDocGetRootElement(doc) : NULL;
        if (!root)
                return NULL;

        (void) gethostname(host, sizeof(host) - 1);
        for (char *const *path = p->paths; path && *path; ++path)
                json_array_append_new(paths, text(*path));
        return json_pack("{s:s, s:i, s:s, s:s, s:s, s:o, s:o, s:o}", "format", SET_FORMAT, "version", SET_FORMAT_VERSION, "created",
                         timestamp_to_string(now_usec(CLOCK_REALTIME), created), "machine", host, "umbra", UMBRA_VERSION, "components",
                         components_json(p, root), "volumes", volumes_json(p, root), "paths", paths);
}
