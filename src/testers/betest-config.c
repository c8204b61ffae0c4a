/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What BETest Is Told
 *
 * The configuration in XML, and the older list of components (/C), which becomes the same structs:
 *
 *         "WRITER-ID" : "COMPONENT", "COMPONENT";
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fd-util.h"
#include "base/guid.h"
#include "testers/betest.h"
#include "testers/vss-text.h"
#include "testers/words.h"

#define LIST_SIZE_MAX (1U << 20) /* as documented */

static const ConfigElement new_target_element = {
        .name = "NewTarget",
        .size = sizeof(BetestTarget),
        .attributes = (const ConfigAttribute[]) {
                { "path", CONFIG_PATH, offsetof(BetestTarget, path), .required = true },
                { "filespec", CONFIG_TEXT, offsetof(BetestTarget, filespec), .required = true },
                { "recursive", CONFIG_BOOL, offsetof(BetestTarget, recursive) },
                { "alternatePath", CONFIG_PATH, offsetof(BetestTarget, destination), .required = true },
                { 0 },
        },
};

static const ConfigElement subcomponent_element = {
        .name = "RestoreSubcomponent",
        .size = sizeof(BetestSubcomponent),
        .attributes = (const ConfigAttribute[]) {
                { "logicalPath", CONFIG_TEXT, offsetof(BetestSubcomponent, logical_path) },
                { "componentName", CONFIG_TEXT, offsetof(BetestSubcomponent, name), .required = true },
                { 0 },
        },
};

static const ConfigElement component_element = {
        .name = "Component",
        .size = sizeof(BetestComponent),
        .attributes = (const ConfigAttribute[]) {
                { "logicalPath", CONFIG_TEXT, offsetof(BetestComponent, logical_path) },
                { "componentName", CONFIG_TEXT, offsetof(BetestComponent, name), .required = true },
                { "backupOptions", CONFIG_TEXT, offsetof(BetestComponent, backup_options) },
                { "backupSucceeded", CONFIG_BOOL, offsetof(BetestComponent, succeeded), .preset = "yes" },
                { "restoreOptions", CONFIG_TEXT, offsetof(BetestComponent, restore_options) },
                { "additionalRestores", CONFIG_BOOL, offsetof(BetestComponent, additional_restores) },
                { "authoritativeRestore", CONFIG_BOOL, offsetof(BetestComponent, authoritative) },
                { "restoreName", CONFIG_TEXT, offsetof(BetestComponent, restore_name) },
                { "rollForward", CONFIG_WORD, offsetof(BetestComponent, roll_forward), .words = roll_forward_words },
                { "rollForwardPoint", CONFIG_TEXT, offsetof(BetestComponent, roll_forward_point) },
                { 0 },
        },
        .children = (const ConfigChild[]) {
                { &new_target_element, offsetof(BetestComponent, new_targets) },
                { &subcomponent_element, offsetof(BetestComponent, subcomponents) },
                { 0 },
        },
};

static const ConfigElement writer_element = {
        .name = "Writer",
        .size = sizeof(BetestWriter),
        .attributes = (const ConfigAttribute[]) {
                { "writerid", CONFIG_GUID, offsetof(BetestWriter, id), .required = true },
                { "instanceName", CONFIG_TEXT, offsetof(BetestWriter, instance_name) },
                { 0 },
        },
        .children = (const ConfigChild[]) { { &component_element, offsetof(BetestWriter, components) }, { 0 } },
};

#define CLASS_ELEMENT(title)                                                                              \
        {                                                                                                 \
                .name = (title),                                                                          \
                .size = sizeof(BetestWriter),                                                             \
                .attributes = (const ConfigAttribute[]) {                                                 \
                        { "writerid", CONFIG_GUID, offsetof(BetestWriter, id), .required = true },        \
                        { 0 },                                                                            \
                },                                                                                        \
        }

static const ConfigElement enable_element = CLASS_ELEMENT("EnableWriter");
static const ConfigElement disable_element = CLASS_ELEMENT("DisableWriter");

static const ConfigElement volume_element = {
        .name = "Volume",
        .size = sizeof(BetestVolume),
        .attributes = (const ConfigAttribute[]) {
                { "path", CONFIG_PATH, offsetof(BetestVolume, path), .required = true },
                { "providerId", CONFIG_GUID, offsetof(BetestVolume, provider) },
                { 0 },
        },
};

const ConfigElement betest_element = {
        .name = "BETest",
        .size = sizeof(BetestConfig),
        .attributes = (const ConfigAttribute[]) {
                { "partialFileSupport", CONFIG_BOOL, offsetof(BetestConfig, partial_files), .preset = "yes" },
                { 0 },
        },
        .children = (const ConfigChild[]) {
                { &writer_element, offsetof(BetestConfig, writers) },
                { &enable_element, offsetof(BetestConfig, enabled) },
                { &disable_element, offsetof(BetestConfig, disabled) },
                { &volume_element, offsetof(BetestConfig, volumes) },
                { 0 },
        },
};

int betest_config_load_xml(const char *file, BetestConfig **ret) {
        return config_load(file, &betest_element, ret);
}

BetestConfig *betest_config_free(BetestConfig *c) {
        return config_free(c);
}

/* What is chosen */

static bool component_matches(const BetestComponent *c, const char *logical_path, const char *name) {
        _cleanup_(freep) char *full = NULL;

        if (c->logical_path)
                return strcmp(c->logical_path, logical_path) == 0 && strcmp(c->name, name) == 0;
        if (strcmp(c->name, name) == 0)
                return true;
        full = text_format("%s\\%s", logical_path, name);
        return strcmp(c->name, full) == 0;
}

const BetestComponent *betest_config_find(const BetestConfig *config, const GUID *writer, const char *instance_name,
                                          const char *logical_path, const char *name) {
        static const BetestComponent any = { .succeeded = true };

        if (!config || !config->writers)
                return &any;
        CONFIG_FOREACH(w, config->writers) {
                if (!guid_equal(&w->id, writer) || (w->instance_name && strcmp(w->instance_name, instance_name) != 0))
                        continue;
                if (!w->components)
                        return &any;
                CONFIG_FOREACH(c, w->components)
                        if (component_matches(c, logical_path, name))
                                return c;
        }
        return NULL;
}

/* The list of /C */

typedef struct ListReader {
        const char *at;
        long line;
        ConfigMistakes mistakes;
} ListReader;

static void skip_blanks(ListReader *r) {
        for (; *r->at == ' ' || *r->at == '\t' || *r->at == '\r' || *r->at == '\n'; ++r->at)
                r->line += *r->at == '\n';
}

static bool read_sign(ListReader *r, char sign) {
        skip_blanks(r);
        if (*r->at != sign)
                return false;
        ++r->at;
        return true;
}

/* NULL: there is none, and it was said. */
static char *read_quoted(ListReader *r, const char *what) {
        const char *end;
        char *text;

        skip_blanks(r);
        end = *r->at == '"' ? strpbrk(r->at + 1, "\"\n") : NULL;
        if (!end || *end != '"') {
                config_mistake(&r->mistakes, r->line, "expected %s in quotation marks", what);
                return NULL;
        }
        text = or_die(strndup(r->at + 1, (size_t) (end - r->at - 1)));
        r->at = end + 1;
        return text;
}

static bool read_component(ListReader *r, BetestWriter *w) {
        char *name = read_quoted(r, "the name of a component");
        BetestComponent *c, **tail = &w->components;

        if (!name)
                return false;
        c = or_die(calloc_checked(1, sizeof(*c)));
        c->node.element = &component_element;
        c->node.line = r->line;
        c->name = name;
        c->succeeded = true;
        while (*tail)
                tail = (BetestComponent **) &(*tail)->node.next;
        *tail = c;
        return true;
}

static bool read_writer(ListReader *r, BetestConfig *config) {
        _cleanup_(freep) char *id = read_quoted(r, "the id of a writer");
        BetestWriter *w;

        if (!id)
                return false;
        w = or_die(calloc_checked(1, sizeof(*w)));
        w->node = (ConfigNode){ .element = &writer_element, .line = r->line, .next = (ConfigNode *) config->writers };
        config->writers = w;
        if (guid_from_string(id, &w->id) < 0) {
                config_mistake(&r->mistakes, r->line, "'%s' is not a GUID", id);
                return false;
        }
        if (!read_sign(r, ':')) {
                config_mistake(&r->mistakes, r->line, "expected a colon after the id of the writer");
                return false;
        }
        do
                if (!read_component(r, w))
                        return false;
        while (read_sign(r, ','));
        if (!read_sign(r, ';')) {
                config_mistake(&r->mistakes, r->line, "expected a comma or a semicolon after the name of the component");
                return false;
        }
        return true;
}

int betest_config_load_list(const char *file, BetestConfig **ret) {
        BetestConfig *config = or_die(calloc_checked(1, sizeof(*config)));
        _cleanup_(freep) char *text = NULL;
        ListReader r = { .line = 1, .mistakes = { .file = file } };
        int error;

        config->node.element = &betest_element;
        config->partial_files = true;
        error = file_read_text(file, LIST_SIZE_MAX, &text);
        if (error < 0)
                config_mistake(&r.mistakes, 0, "%s", strerror(-error));
        r.at = text ?: "";
        for (skip_blanks(&r); *r.at && read_writer(&r, config); skip_blanks(&r))
                ;
        if (r.mistakes.n > 0) {
                betest_config_free(config);
                return -EINVAL;
        }

        *ret = config;
        return 0;
}
