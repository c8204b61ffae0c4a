/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The Test Writer and Its Components
 *
 * Which components a backup includes, and whether the requester chose them and reported on them by the rules.
 * [MS: working-with-selectability-for-backup]
 */

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/guid.h"
#include "base/hresult.h"
#include "testers/describe.h"
#include "testers/test-writer.h"
#include "testers/vss-text.h"
#include "testers/words.h"

static const Component *find_known(TestWriter *t, IVssComponent *c) {
        _cleanup_(freep) char *path = NULL, *name = NULL;
        BSTR text = NULL;

        (void) IVssComponent_GetLogicalPath(c, &text);
        path = text_take(text);
        text = NULL;
        (void) IVssComponent_GetComponentName(c, &text);
        name = text_take(text);
        return test_writer_config_find(t->config, path, name);
}

/* Those that the configuration does not know are passed over; the check at PrepareForBackup has said so. */
void test_writer_foreach(TestWriter *t,
                         IVssWriterComponents *components,
                         ComponentFunc func,
                         void *userdata) {
        UINT n = 0;

        (void) IVssWriterComponents_GetComponentCount(components, &n);
        for (UINT i = 0; i < n; ++i) {
                const Component *known;
                IVssComponent *c = NULL;

                if (FAILED(IVssWriterComponents_GetComponent(components, i, &c)))
                        continue;
                known = find_known(t, c);
                if (known)
                        func(t, c, known, userdata);
                IVssComponent_Release(c);
        }
}

void test_writer_describe_components(json_t *record, IVssWriterComponents *components) {
        json_t *list = record_list(record, "component");
        UINT n = 0;

        (void) IVssWriterComponents_GetComponentCount(components, &n);
        for (UINT i = 0; i < n; ++i) {
                IVssComponent *c = NULL;

                if (FAILED(IVssWriterComponents_GetComponent(components, i, &c)))
                        continue;
                (void) json_array_append_new(list, describe_component(c));
                IVssComponent_Release(c);
        }
}

/* The backup of a session */

TestBackup *test_writer_backup(TestWriter *t) {
        VSS_ID id = GUID_NULL;

        (void) umbra_writer_get_session_id(t->writer, &id);
        for (TestBackup *b = t->backups; b; b = b->next)
                if (guid_equal(&b->session_id, &id))
                        return b;
        return NULL;
}

void test_writer_forget_backup(TestWriter *t) {
        TestBackup *b = test_writer_backup(t);

        for (TestBackup **p = &t->backups; b && *p; p = &(*p)->next)
                if (*p == b) {
                        *p = b->next;
                        free(b->included);
                        free(b);
                        return;
                }
}

/* Itself, and whatever follows it in the tree of logical paths. */
static void include(TestWriter *t, IVssComponent *unused, const Component *c, void *userdata) {
        bool *included = userdata;

        included[c->index] = true;
        CONFIG_FOREACH(below, t->config->components)
                if (component_is_below(below, c))
                        included[below->index] = true;
}

static bool *included_new(const TestWriter *t) {
        return or_die(calloc_checked(t->config->n_components + 1, sizeof(bool)));
}

void test_writer_note_backup(TestWriter *t, IVssWriterComponents *components) {
        TestBackup *b;

        test_writer_forget_backup(t);
        b = or_die(calloc_checked(1, sizeof(*b)));
        b->included = included_new(t);
        (void) umbra_writer_get_session_id(t->writer, &b->session_id);
        b->next = t->backups;
        t->backups = b;
        if (umbra_writer_are_components_selected(t->writer))
                test_writer_foreach(t, components, include, b->included);
        else
                memset(b->included, true, t->config->n_components);
}

bool test_writer_saves_differences(TestWriter *t) {
        VSS_BACKUP_TYPE type = umbra_writer_get_backup_type(t->writer);

        return (type == VSS_BT_INCREMENTAL && (t->config->schema & VSS_BS_INCREMENTAL)) ||
               (type == VSS_BT_DIFFERENTIAL && (t->config->schema & VSS_BS_DIFFERENTIAL));
}

/* The rules for requesters */

char *component_full_name(const Component *c) {
        return text_format("%s%s%s", c->logical_path ?: "", c->logical_path && *c->logical_path ? "\\" : "",
                           c->name);
}

static void check_type(TestWriter *t) {
        static const struct {
                VSS_BACKUP_TYPE type;
                DWORD schema;
        } needs[] = {
                { VSS_BT_INCREMENTAL, VSS_BS_INCREMENTAL },
                { VSS_BT_DIFFERENTIAL, VSS_BS_DIFFERENTIAL },
                { VSS_BT_LOG, VSS_BS_LOG },
                { VSS_BT_COPY, VSS_BS_COPY },
        };
        VSS_BACKUP_TYPE type = umbra_writer_get_backup_type(t->writer);

        for (size_t i = 0; i < ELEMENTSOF(needs); ++i)
                if (needs[i].type == type && !(t->config->schema & needs[i].schema))
                        test_writer_note(t, VERBOSITY_MEDIUM,
                                         "a %s backup is not supported; this will be a full one",
                                         word_of(backup_type_words, (int) type));
}

static void check_known(TestWriter *t, IVssWriterComponents *components) {
        UINT n = 0;

        (void) IVssWriterComponents_GetComponentCount(components, &n);
        for (UINT i = 0; i < n; ++i) {
                IVssComponent *c = NULL;

                if (FAILED(IVssWriterComponents_GetComponent(components, i, &c)))
                        test_writer_violation(t, "component %u cannot be had", i);
                else if (!find_known(t, c))
                        test_writer_violation(t, "component %u is none of this writer", i);
                if (c)
                        IVssComponent_Release(c);
        }
}

static void check_selectable(TestWriter *t, IVssComponent *unused, const Component *c, void *userdata) {
        _cleanup_(freep) char *name = NULL;

        if (c->selectable || !component_has_selectable_ancestor(t->config, c))
                return;
        name = component_full_name(c);
        test_writer_violation(
                t, "'%s' is not selectable for backup and follows one that is: it must not be added", name);
}

/* Whoever saves anything of a writer saves what cannot be chosen, too. */
static void check_mandatory(TestWriter *t, const bool *included) {
        CONFIG_FOREACH(c, t->config->components) {
                _cleanup_(freep) char *name = NULL;

                if (included[c->index] || c->selectable || component_has_selectable_ancestor(t->config, c))
                        continue;
                name = component_full_name(c);
                test_writer_violation(
                        t, "'%s' is not selectable for backup and follows nothing that is: it must be added",
                        name);
        }
}

static void check_choice(TestWriter *t, IVssWriterComponents *components) {
        const TestBackup *b = test_writer_backup(t);
        UINT n = 0;

        test_writer_foreach(t, components, check_selectable, NULL);
        (void) IVssWriterComponents_GetComponentCount(components, &n);
        if (b && n > 0)
                check_mandatory(t, b->included);
}

/* [MS: nf-vsbackup-ivssbackupcomponents-setbackupsucceeded] */
static void check_succeeded(TestWriter *t, IVssComponent *c, const Component *known, void *userdata) {
        _cleanup_(freep) char *name = component_full_name(known);
        bool succeeded;

        if (IVssComponent_GetBackupSucceeded(c, &succeeded) != S_OK)
                test_writer_violation(t, "SetBackupSucceeded() was not called for '%s'", name);
}

static void check_selected_for_restore(TestWriter *t,
                                       IVssComponent *c,
                                       const Component *known,
                                       void *userdata) {
        unsigned *n = userdata;
        bool selected = false;
        UINT n_subcomponents = 0;

        (void) IVssComponent_IsSelectedForRestore(c, &selected);
        (void) IVssComponent_GetRestoreSubcomponentCount(c, &n_subcomponents);
        *n += selected || n_subcomponents > 0;
}

/* [MS: nf-vsbackup-ivssbackupcomponents-setfilerestorestatus] */
static void check_restore_status(TestWriter *t, IVssComponent *c, const Component *known, void *userdata) {
        VSS_FILE_RESTORE_STATUS status = VSS_RS_UNDEFINED;
        _cleanup_(freep) char *name = component_full_name(known);
        bool selected = false;

        (void) IVssComponent_IsSelectedForRestore(c, &selected);
        (void) IVssComponent_GetFileRestoreStatus(c, &status);
        if (selected && status == VSS_RS_UNDEFINED)
                test_writer_violation(t, "SetFileRestoreStatus() was not called for '%s'", name);
}

void test_writer_check_components(TestWriter *t, IVssWriterComponents *components) {
        unsigned n_selected = 0;

        check_known(t, components);
        switch (t->event) {
        case EVENT_PREPARE_FOR_BACKUP:
                check_type(t);
                if (umbra_writer_are_components_selected(t->writer))
                        check_choice(t, components);
                break;
        case EVENT_BACKUP_COMPLETE:
                test_writer_foreach(t, components, check_succeeded, NULL);
                break;
        case EVENT_PRE_RESTORE:
                test_writer_foreach(t, components, check_selected_for_restore, &n_selected);
                if (n_selected == 0)
                        test_writer_violation(t, "no component is selected for restore");
                break;
        case EVENT_POST_RESTORE:
                test_writer_foreach(t, components, check_restore_status, NULL);
                break;
        default:
                break;
        }
}

static bool spec_is_affected(TestWriter *t, const FileSpec *f) {
        _cleanup_(freep) WCHAR *path = text_to_wide(f->alternate ?: f->path);

        return umbra_writer_is_path_affected(t->writer, path);
}

/* [MS: nf-vswriter-cvsswriter-ispathaffected] */
static void check_volumes_of(TestWriter *t, const Component *c) {
        CONFIG_FOREACH(f, c->files) {
                _cleanup_(freep) char *name = NULL;

                if (!(f->mask & VSS_FSBT_ALL_SNAPSHOT_REQUIRED) || spec_is_affected(t, f))
                        continue;
                name = component_full_name(c);
                test_writer_violation(t, "'%s' of '%s' is on none of the volumes of the set",
                                      f->alternate ?: f->path, name);
        }
}

void test_writer_check_volumes(TestWriter *t) {
        const TestBackup *b = test_writer_backup(t);

        CONFIG_FOREACH(c, t->config->components)
                if (b && b->included[c->index])
                        check_volumes_of(t, c);
}
