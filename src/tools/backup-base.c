/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What a Backup Builds On
 */

#include "tools/backup-base.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "base/alloc.h"
#include "base/guid.h"
#include "base/utf.h"
#include "tools/manifest.h"
#include "tools/set-format.h"
#include "tools/set-reader.h"
#include "tools/tool-vss.h"
#include "tools/verb.h"

struct BackupBase {
        SetReader *reader;
        const char *id;
        VSS_BACKUP_TYPE type;
};

BackupBase *backup_base_free(BackupBase *b) {
        if (!b)
                return NULL;
        set_reader_free(b->reader);
        free(b);
        return NULL;
}

const char *backup_base_id(const BackupBase *b) {
        return b->id;
}

static const char *string_of(const json_t *object, const char *key) {
        return json_string_value(json_object_get(object, key));
}

/* A copy keeps no history, and a differential backup is the difference from a full one. */
static int check_type(const char *path, VSS_BACKUP_TYPE base, VSS_BACKUP_TYPE type) {
        if (base == VSS_BT_UNDEFINED)
                return tool_error("'%s' does not say what it is a backup of; it cannot be built on", path);
        if (base == VSS_BT_COPY)
                return tool_error("'%s' is a copy, which writers do not remember; build on one of --type full", path);
        if (type == VSS_BT_DIFFERENTIAL && base != VSS_BT_FULL)
                return tool_error("'%s' is of type %s; a differential backup builds on the full one", path, tool_backup_type(base));
        return EXIT_OK;
}

static int load(BackupBase *b, const char *path) {
        int r;

        r = set_reader_open(path, NULL, NULL, &b->reader);
        if (r >= 0)
                r = set_reader_load(b->reader);
        if (r == -EBADMSG || r == -ENODATA) {
                tool_error("'%s' is damaged, or not a set: %s", path, b->reader ? set_reader_why(b->reader) : "it is not whole");
                return EXIT_DAMAGED;
        }
        errno = -r;
        return r < 0 ? tool_error("cannot read '%s': %m", path) : EXIT_OK;
}

int backup_base_open(const char *path, VSS_BACKUP_TYPE type, BackupBase **ret) {
        _cleanup_(backup_base_freep) BackupBase *b = calloc_checked(1, sizeof(*b));
        GUID id;
        int code;

        if (!b)
                return tool_fail(E_OUTOFMEMORY, "Cannot read '%s'", path);
        code = load(b, path);
        if (code != EXIT_OK)
                return code;
        b->id = string_of(set_reader_manifest(b->reader), SET_KEY_ID);
        b->type = tool_backup_type_from_string(string_of(set_reader_manifest(b->reader), SET_KEY_TYPE));
        if (!b->id || guid_from_string(b->id, &id) < 0)
                return tool_error("'%s' has no id; it cannot be built on", path);
        code = check_type(path, b->type, type);
        if (code == EXIT_OK)
                *ret = TAKE_PTR(b);
        return code;
}

/* Components */

/* Texts are escaped as in the documents, because JSON wants UTF-8. */
static bool says(const json_t *component, const char *key, const char *text) {
        const char *escaped = string_of(component, key);
        _cleanup_(freep) char *value = NULL;

        if (!escaped)
                return *text == '\0';
        return xml_unescape_bytes(escaped, &value) >= 0 && strcmp(value, text) == 0;
}

static bool says_id(const json_t *component, const char *key, const GUID *id) {
        const char *text = string_of(component, key);
        GUID value;

        return text && guid_from_string(text, &value) >= 0 && guid_equal(&value, id);
}

/* Instance ids do not outlive the writer's process; then its name says which of several it is. */
static const json_t *find(const BackupBase *b, const WriterMetadata *w, const Component *c) {
        const json_t *component, *found = NULL;
        size_t i;

        json_array_foreach(json_object_get(set_reader_manifest(b->reader), "components"), i, component) {
                if (!says_id(component, "writer_id", &w->writer_id) || !says(component, "logical_path", c->logical_path) ||
                    !says(component, "name", c->name))
                        continue;
                if (says_id(component, "instance_id", &w->instance_id))
                        return component;
                if (says(component, SET_KEY_INSTANCE, w->instance_name))
                        found = component;
        }
        return found;
}

static bool writer_can(const WriterMetadata *w, VSS_BACKUP_TYPE type) {
        static const DWORD needed[] = {
                [VSS_BT_INCREMENTAL] = VSS_BS_INCREMENTAL,
                [VSS_BT_DIFFERENTIAL] = VSS_BS_DIFFERENTIAL,
                [VSS_BT_LOG] = VSS_BS_LOG,
                [VSS_BT_COPY] = VSS_BS_COPY,
        };

        return (size_t) type >= ELEMENTSOF(needed) || (w->schema & needed[type]) == needed[type];
}

/* Why @component of the set before is no ground for a backup of @type; NULL: it is one. */
static const char *why_not(const BackupBase *b, const WriterMetadata *w, const json_t *component, VSS_BACKUP_TYPE type) {
        VSS_BACKUP_TYPE how = tool_backup_type_from_string(string_of(component, SET_KEY_HOW));

        if (!component)
                return "it is not in the set before";
        if (summary_has_failed(set_reader_summary(b->reader), component))
                return "not all of it is in the set before";
        if (how == VSS_BT_UNDEFINED || how == VSS_BT_COPY)
                return "the set before has a copy of it, which its writer does not remember";
        if (type == VSS_BT_DIFFERENTIAL && how != VSS_BT_FULL)
                return "the set before has not all of its files";
        if (w->schema & VSS_BS_EXCLUSIVE_INCREMENTAL_DIFFERENTIAL && type == VSS_BT_INCREMENTAL && how == VSS_BT_DIFFERENTIAL)
                return "its writer does not do an incremental backup after a differential one";
        return NULL;
}

static int decide(const BackupBase *b, BackupPlan *p, PlanComponent *c) {
        const WriterMetadata *w = plan_writer(p, c);
        const json_t *before;
        const char *why, *stamp;

        c->how = VSS_BT_FULL;
        if (!writer_can(w, p->type)) {
                if (p->type != VSS_BT_COPY && !p->choices[c->writer].told)
                        fprintf(stderr, "umbra: writer '%s' cannot do %s backups; its components are taken in full\n", w->name,
                                tool_backup_type(p->type));
                p->choices[c->writer].told = true;
                return EXIT_OK;
        }
        if (b) {
                before = find(b, w, c->component);
                why = why_not(b, w, before, p->type);
                if (why) {
                        fprintf(stderr, "umbra: component '%s' is taken in full: %s\n", c->component->full, why);
                        return EXIT_OK;
                }
                stamp = string_of(before, SET_KEY_STAMP);
                if (stamp && xml_unescape_bytes(stamp, &c->previous) < 0)
                        return tool_error("the set before has a backup stamp of '%s' that cannot be read", c->component->full);
        }
        c->how = p->type;
        return EXIT_OK;
}

int backup_base_decide(const BackupBase *b, BackupPlan *p) {
        int code = EXIT_OK;

        for (size_t i = 0; i < p->n_components && code == EXIT_OK; ++i)
                code = decide(b, p, &p->components[i]);
        return code;
}

/* Names */

typedef struct EachName {
        int (*f)(const char *path, void *userdata);
        void *userdata;
} EachName;

static int on_member(const SetIndexLine *line, void *userdata) {
        const EachName *each = userdata;

        return line->type == 'd' ? 0 : each->f(line->name + strlen(SET_DATA_PREFIX), each->userdata);
}

/* Those that are in the set, and those that are not because they had not changed. */
int backup_base_for_each_name(const BackupBase *b, int (*f)(const char *path, void *userdata), void *userdata) {
        const char *names = set_reader_text(b->reader, SET_NAMES);
        int r;

        r = set_reader_for_each(b->reader, on_member, &(EachName){ f, userdata });
        for (const char *line = names; r == 0 && line && *line;) {
                size_t n = strcspn(line, "\n");
                _cleanup_(freep) char *escaped = strndup(line, n), *path = NULL;

                r = escaped ? set_name_unescape(escaped, &path) : -ENOMEM;
                if (r == 0)
                        r = f(path, userdata);
                line += n + (line[n] != '\0');
        }
        return r;
}
