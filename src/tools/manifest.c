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

#include "base/alloc.h"
#include "base/guid.h"
#include "base/time-util.h"
#include "base/utf.h"
#include "tools/set-format.h"
#include "tools/tool-vss.h"

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

static const WriterMetadata *writer_of(const BackupPlan *p, const xmlNode *node, size_t *ret) {
        _cleanup_(freep) char *instance = attribute(node, "instanceId");
        GUID id;

        if (!instance || guid_from_string(instance, &id) < 0)
                return NULL;
        for (*ret = 0; *ret < p->n_writers; ++*ret)
                if (guid_equal(&id, &p->writers[*ret].instance_id))
                        return &p->writers[*ret];
        return NULL;
}

/* What the document says of each component, in the order of the plan. The texts are the caller's to free. */
static char **read_consistencies(const BackupPlan *p, const xmlNode *root) {
        char **list = calloc_checked(p->n_components + 1, sizeof(*list));

        for (const xmlNode *writer = child(root, "WRITER_COMPONENTS", NULL); list && writer; writer = child(root, "WRITER_COMPONENTS", writer)) {
                size_t i = 0;
                const WriterMetadata *w = writer_of(p, writer, &i);

                for (const xmlNode *n = w ? child(writer, "COMPONENT", NULL) : NULL; n; n = child(writer, "COMPONENT", n)) {
                        _cleanup_(freep) char *path = attribute(n, "logicalPath"), *name = attribute(n, "componentName");
                        const Component *c = writer_metadata_find(w, path ?: "", name ?: "");
                        size_t chosen = c ? p->choices[i].chosen[c->index] : 0;

                        if (chosen > 0 && !list[chosen - 1])
                                list[chosen - 1] = attribute(n, "consistency");
                }
        }
        return list;
}

static char *volume_attribute(const xmlNode *root, const GUID *snapshot_id, const char *name) {
        for (const xmlNode *n = child(root, "SNAPSHOT", NULL); n; n = child(root, "SNAPSHOT", n)) {
                _cleanup_(freep) char *snapshot = attribute(n, "snapshotId");
                GUID id;

                if (snapshot && guid_from_string(snapshot, &id) >= 0 && guid_equal(&id, snapshot_id))
                        return attribute(n, name);
        }
        return NULL;
}

/* Those that came along with @top. */
static json_t *members_json(const WriterMetadata *w, const Component *top) {
        size_t first = 0, n = component_members(w, top, &first);
        json_t *list = json_array();

        for (size_t i = first; i < first + n; ++i)
                json_array_append_new(list, text(w->by_path[i]->full));
        return list;
}

static json_t *component_json(const BackupPlan *p, const PlanComponent *chosen, const char *consistency) {
        const WriterMetadata *w = plan_writer(p, chosen);
        const Component *c = chosen->component;
        json_t *json;

        json = json_pack("{s:o, s:s, s:s, s:o, s:o, s:s, s:o, s:o, s:s}", "writer", text(w->name), "writer_id",
                         GUID_TO_STRING(&w->writer_id), "instance_id", GUID_TO_STRING(&w->instance_id), SET_KEY_INSTANCE,
                         text(w->instance_name), "component", text(c->full), "type", c->type == VSS_CT_DATABASE ? "database" : "files",
                         "logical_path", text(c->logical_path), "name", text(c->name), "consistency", consistency ?: "unknown");
        if (json)
                json_object_update_new(json, json_pack("{s:s, s:o, s:o, s:I, s:I}", SET_KEY_HOW, tool_backup_type(chosen->how), SET_KEY_STAMP,
                                                       text(chosen->news.stamp), "members", members_json(w, c), "partial_files",
                                                       (json_int_t) chosen->news.n_partial, "differenced_files",
                                                       (json_int_t) chosen->news.n_differenced));
        return json;
}

static json_t *components_json(const BackupPlan *p, const xmlNode *root) {
        char **consistencies = read_consistencies(p, root);
        json_t *list = consistencies ? json_array() : NULL;

        for (size_t i = 0; list && i < p->n_components; ++i) {
                json_array_append_new(list, component_json(p, &p->components[i], consistencies[i]));
                free(consistencies[i]);
        }
        free(consistencies);
        return list;
}

static json_t *volumes_json(const BackupPlan *p, const xmlNode *root) {
        json_t *list = json_array();

        for (size_t i = 0; i < p->n_volumes; ++i) {
                const GUID *id = &p->volumes[i].snapshot_id;
                _cleanup_(freep) char *consistency = volume_attribute(root, id, "consistency"),
                                      *instant = volume_attribute(root, id, "instant");

                json_array_append_new(list, json_pack("{s:o, s:s, s:s?}", "volume", text(p->volumes[i].path), "consistency",
                                                      consistency ?: "unknown", "instant", instant));
        }
        return list;
}

json_t *manifest_new(const BackupPlan *p, const ManifestFacts *facts) {
        _cleanup_(xml_doc_freep) xmlDoc *doc = NULL;
        char host[256] = "localhost", created[TIMESTAMP_STRING_MAX];
        json_t *paths = json_array();
        const xmlNode *root;

        doc = xmlReadMemory(facts->document, (int) strlen(facts->document), "document.xml", "UTF-8",
                            XML_PARSE_NONET | XML_PARSE_HUGE | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
        root = doc ? xmlDocGetRootElement(doc) : NULL;
        if (!root) {
                json_decref(paths);
                return NULL;
        }

        (void) gethostname(host, sizeof(host) - 1);
        for (char *const *path = p->paths; path && *path; ++path)
                json_array_append_new(paths, text(*path));
        return json_pack("{s:s, s:i, s:s, s:s, s:s?, s:s, s:s, s:s, s:o, s:o, s:o}", "format", SET_FORMAT, "version", SET_FORMAT_VERSION,
                         SET_KEY_ID, GUID_TO_STRING(&facts->id), SET_KEY_TYPE, tool_backup_type(p->type), SET_KEY_SINCE, facts->since,
                         "created", timestamp_to_string(now_usec(CLOCK_REALTIME), created), "machine", host, "umbra", UMBRA_VERSION,
                         "components", components_json(p, root), "volumes", volumes_json(p, root), "paths", paths);
}

json_t *summary_new(const BackupPlan *p, uint64_t files, uint64_t bytes, uint64_t lost) {
        json_t *failed = json_array();

        for (size_t i = 0; i < p->n_components; ++i)
                if (p->components[i].failed)
                        json_array_append_new(failed, json_pack("{s:s, s:o}", "instance_id",
                                                                GUID_TO_STRING(&plan_writer(p, &p->components[i])->instance_id), "component",
                                                                text(p->components[i].component->full)));
        return json_pack("{s:I, s:I, s:I, s:o}", "files", (json_int_t) files, "bytes", (json_int_t) bytes, SET_KEY_LOST, (json_int_t) lost,
                         SET_KEY_FAILED, failed);
}

bool summary_has_failed(const json_t *summary, const json_t *component) {
        const json_t *failed;
        size_t i;

        json_array_foreach(json_object_get(summary, SET_KEY_FAILED), i, failed)
                if (json_equal(json_object_get(failed, "instance_id"), json_object_get(component, "instance_id")) &&
                    json_equal(json_object_get(failed, "component"), json_object_get(component, "component")))
                        return true;
        return false;
}
