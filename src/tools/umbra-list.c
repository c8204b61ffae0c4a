/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What There Is
 *
 * umbra writers, providers, volumes: what was detected, as tables or JSON.
 */

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <umbra.h>
#include <vsadmin.h>
#include <vsmgmt.h>

#include "base/alloc.h"
#include "base/guid.h"
#include "base/strv.h"
#include "tools/table.h"
#include "tools/tool-vss.h"
#include "tools/verb.h"

/* Options of verbs that have none of their own. -1: go on. */
static int plain_options(int argc, char *argv[], const Verb *verb) {
        static const struct option options[] = { TOOL_OPTIONS, { 0 } };
        int opt, r;

        optind = 0;
        while ((opt = getopt_long(argc, argv, "h", options, NULL)) >= 0) {
                r = tool_option(opt == 'h' ? TOOL_OPT_HELP : opt, verb);
                if (r != 0)
                        return r > 0 ? EXIT_OK : EXIT_USAGE;
        }
        if (optind < argc) {
                fprintf(stderr, "umbra %s takes no arguments.\n", verb->name);
                return EXIT_USAGE;
        }
        return -1;
}

/* Writers */

/* What all components of a writer have in common. */
typedef struct WriterRow {
        const char *name, *instance, *state, *id, *types;
} WriterRow;

/* The types of backup that it can do: as umbra backup --type has them. */
static char *types_of(IVssExamineWriterMetadata *metadata) {
        static const struct {
                DWORD bit;
                VSS_BACKUP_TYPE type;
        } types[] = {
                { 0, VSS_BT_FULL },
                { VSS_BS_COPY, VSS_BT_COPY },
                { VSS_BS_INCREMENTAL, VSS_BT_INCREMENTAL },
                { VSS_BS_DIFFERENTIAL, VSS_BT_DIFFERENTIAL },
                { VSS_BS_LOG, VSS_BT_LOG },
        };
        _cleanup_(strv_freep) char **list = NULL;
        DWORD schema = 0;

        (void) IVssExamineWriterMetadata_GetBackupSchema(metadata, &schema);
        for (size_t i = 0; i < ELEMENTSOF(types); ++i)
                if ((schema & types[i].bit) == types[i].bit && strv_append(&list, tool_backup_type(types[i].type)) < 0)
                        return NULL;
        return strv_join(list, " ");
}

static void add_component(Table *t, const WriterRow *w, IVssWMComponent *c) {
        _cleanup_(freep) char *path = NULL, *name = NULL, *full = NULL;
        PVSSCOMPONENTINFO info = NULL;

        if (FAILED(IVssWMComponent_GetComponentInfo(c, &info)))
                return;
        path = tool_text(info->bstrLogicalPath);
        name = tool_text(info->bstrComponentName);
        if (format_to(&full, "%s%s%s", path, *path ? "\\" : "", name) >= 0)
                TABLE_ADD(t, w->name, w->instance, full, tool_component_type(info->type), info->bSelectable ? "yes" : "no", w->state, w->types, w->id);
        (void) IVssWMComponent_FreeComponentInfo(c, info);
}

static const char *state_of(const WriterStatus *list, size_t n, const VSS_ID *instance) {
        for (size_t i = 0; i < n; ++i)
                if (guid_equal(&list[i].instance_id, instance))
                        return tool_writer_state(list[i].state);
        return NULL;
}

static HRESULT add_writer(Table *t, IVssExamineWriterMetadata *metadata, const WriterStatus *statuses, size_t n_statuses) {
        _cleanup_(freep) char *name = NULL, *instance_name = NULL, *types = NULL;
        UINT n_include, n_exclude, n_components;
        IVssExamineWriterMetadataEx *ex = NULL;
        VSS_ID instance, id;
        VSS_USAGE_TYPE usage;
        VSS_SOURCE_TYPE source;
        BSTR bname = NULL, binstance = NULL;
        WriterRow row;
        HRESULT hr;

        hr = IVssExamineWriterMetadata_QueryInterface(metadata, &IID_IVssExamineWriterMetadataEx, (void **) &ex);
        if (FAILED(hr))
                return hr;
        hr = IVssExamineWriterMetadataEx_GetIdentityEx(ex, &instance, &id, &bname, &binstance, &usage, &source);
        IVssExamineWriterMetadataEx_Release(ex);
        if (FAILED(hr))
                return hr;
        name = tool_take_bstr(bname);
        instance_name = tool_take_bstr(binstance);
        types = types_of(metadata);
        row = (WriterRow){ .name = name,
                           .instance = *instance_name ? instance_name : NULL,
                           .state = state_of(statuses, n_statuses, &instance),
                           .id = GUID_TO_STRING(&id),
                           .types = types };

        hr = IVssExamineWriterMetadata_GetFileCounts(metadata, &n_include, &n_exclude, &n_components);
        if (FAILED(hr))
                return hr;
        if (n_components == 0)
                TABLE_ADD(t, row.name, row.instance, NULL, NULL, NULL, row.state, row.types, row.id);
        for (UINT i = 0; i < n_components; ++i) {
                IVssWMComponent *component = NULL;

                hr = IVssExamineWriterMetadata_GetComponent(metadata, i, &component);
                if (FAILED(hr))
                        return hr;
                add_component(t, &row, component);
                IVssWMComponent_Release(component);
        }
        return S_OK;
}

static HRESULT list_writers(Table *t, IVssBackupComponents *backup) {
        WriterStatus *statuses = NULL;
        size_t n_statuses = 0;
        UINT n = 0;
        HRESULT hr;

        hr = IVssBackupComponents_InitializeForBackup(backup, NULL);
        if (SUCCEEDED(hr))
                hr = TOOL_WAIT(IVssBackupComponents_GatherWriterMetadata(backup, &async));
        if (SUCCEEDED(hr))
                hr = IVssBackupComponents_GetWriterMetadataCount(backup, &n);
        if (SUCCEEDED(hr))
                hr = tool_writer_statuses(backup, &statuses, &n_statuses);
        for (UINT i = 0; i < n && SUCCEEDED(hr); ++i) {
                IVssExamineWriterMetadata *metadata = NULL;
                VSS_ID instance;

                hr = IVssBackupComponents_GetWriterMetadata(backup, i, &instance, &metadata);
                if (FAILED(hr))
                        break;
                hr = add_writer(t, metadata, statuses, n_statuses);
                IVssExamineWriterMetadata_Release(metadata);
        }
        tool_writer_statuses_free(statuses, n_statuses);
        return hr;
}

static int run_writers(int argc, char *argv[]) {
        static const char *const headings[] = { "WRITER", "INSTANCE", "COMPONENT", "TYPE", "SELECTABLE", "STATE", "BACKUPS", "WRITER ID", NULL };
        _cleanup_(backup_releasep) IVssBackupComponents *backup = NULL;
        _cleanup_(table_freep) Table *t = NULL;
        int code = plain_options(argc, argv, &verb_writers);
        HRESULT hr;

        if (code >= 0)
                return code;
        tool_catch_interrupts();
        backup = tool_connect(&code);
        if (!backup)
                return code;
        t = table_new(headings);
        hr = list_writers(t, backup);
        if (FAILED(hr))
                return tool_fail(hr, "Cannot list the writers");
        table_print(t, tool_json, "No writer is registered. A writer registers when its program runs.");
        return EXIT_OK;
}

const Verb verb_writers = {
        .name = "writers",
        .summary = "applications that can be brought to rest, and their components",
        .help = "umbra writers [--json]\n\n"
                "Asks every registered writer who it is and what it has. A component is named in\n"
                "umbra backup --component as it is shown here. One that is not selectable comes along with others. BACKUPS\n"
                "are the types of umbra backup --type that the writer can do; of any other it is taken in full.\n",
        .run = run_writers,
};

/* Providers */

static const char *provider_type(VSS_PROVIDER_TYPE type) {
        static const char *const names[] = { "unknown", "system", "software", "hardware", "file share" };

        return (size_t) type < ELEMENTSOF(names) ? names[type] : "unknown";
}

typedef void (*EachProvider)(const VSS_PROVIDER_PROP *p, void *userdata);

static HRESULT for_each_provider(IVssBackupComponents *backup, EachProvider each, void *userdata) {
        IVssEnumObject *list = NULL;
        VSS_OBJECT_PROP prop;
        ULONG n = 0;
        HRESULT hr;

        hr = IVssBackupComponents_InitializeForBackup(backup, NULL);
        if (SUCCEEDED(hr))
                hr = IVssBackupComponents_SetContext(backup, (LONG) VSS_CTX_ALL);
        if (SUCCEEDED(hr))
                hr = IVssBackupComponents_Query(backup, GUID_NULL, VSS_OBJECT_NONE, VSS_OBJECT_PROVIDER, &list);
        while (SUCCEEDED(hr) && (hr = IVssEnumObject_Next(list, 1, &prop, &n)) == S_OK) {
                each(&prop.Obj.Prov, userdata);
                CoTaskMemFree(prop.Obj.Prov.m_pwszProviderName);
                CoTaskMemFree(prop.Obj.Prov.m_pwszProviderVersion);
        }
        if (list)
                IVssEnumObject_Release(list);
        return FAILED(hr) ? hr : S_OK;
}

static void add_provider(const VSS_PROVIDER_PROP *p, void *userdata) {
        _cleanup_(freep) char *name = tool_text(p->m_pwszProviderName), *version = tool_text(p->m_pwszProviderVersion);

        TABLE_ADD(userdata, name, provider_type(p->m_eProviderType), version, GUID_TO_STRING(&p->m_ProviderId));
}

static int run_providers(int argc, char *argv[]) {
        static const char *const headings[] = { "PROVIDER", "TYPE", "VERSION", "PROVIDER ID", NULL };
        _cleanup_(backup_releasep) IVssBackupComponents *backup = NULL;
        _cleanup_(table_freep) Table *t = NULL;
        int code = plain_options(argc, argv, &verb_providers);
        HRESULT hr;

        if (code >= 0)
                return code;
        backup = tool_connect(&code);
        if (!backup)
                return code;
        t = table_new(headings);
        hr = for_each_provider(backup, add_provider, t);
        if (FAILED(hr))
                return tool_fail(hr, "Cannot list the providers");
        table_print(t, tool_json, NULL);
        return EXIT_OK;
}

const Verb verb_providers = {
        .name = "providers",
        .summary = "kinds of storage that can be snapshotted",
        .help = "umbra providers [--json]\n\n"
                "In the order in which they are asked whether they take a volume.\n",
        .run = run_providers,
};

/* Volumes */

typedef struct Volumes {
        Table *table;
        IVssSnapshotMgmt *mgmt;
        char **seen; /* mount points that a better provider takes */
        size_t n_seen, capacity;
        HRESULT hr;
} Volumes;

static bool volumes_seen(Volumes *v, const char *mount_point) {
        for (size_t i = 0; i < v->n_seen; ++i)
                if (strcmp(v->seen[i], mount_point) == 0)
                        return true;
        if (ARRAY_RESERVE(v->seen, v->capacity, v->n_seen + 1) >= 0)
                v->seen[v->n_seen++] = strdup(mount_point);
        return false;
}

/* Each provider in its turn: the first that names a volume is the one that would take it. */
static void add_volumes_of(const VSS_PROVIDER_PROP *p, void *userdata) {
        _cleanup_(freep) char *provider = tool_text(p->m_pwszProviderName);
        IVssEnumMgmtObject *list = NULL;
        Volumes *v = userdata;
        VSS_MGMT_OBJECT_PROP prop;
        ULONG n = 0;

        if (FAILED(v->hr))
                return;
        v->hr = IVssSnapshotMgmt_QueryVolumesSupportedForSnapshots(v->mgmt, p->m_ProviderId, VSS_CTX_BACKUP, &list);
        while (SUCCEEDED(v->hr) && (v->hr = IVssEnumMgmtObject_Next(list, 1, &prop, &n)) == S_OK) {
                _cleanup_(freep) char *name = tool_text(prop.Obj.Vol.m_pwszVolumeName);
                _cleanup_(freep) char *mount_point = tool_text(prop.Obj.Vol.m_pwszVolumeDisplayName);

                if (!volumes_seen(v, mount_point))
                        TABLE_ADD(v->table, mount_point, provider, name);
                CoTaskMemFree(prop.Obj.Vol.m_pwszVolumeName);
                CoTaskMemFree(prop.Obj.Vol.m_pwszVolumeDisplayName);
        }
        if (list)
                IVssEnumMgmtObject_Release(list);
}

static int run_volumes(int argc, char *argv[]) {
        static const char *const headings[] = { "VOLUME", "PROVIDER", "NAME", NULL };
        _cleanup_(backup_releasep) IVssBackupComponents *backup = NULL;
        _cleanup_(table_freep) Table *t = NULL;
        int code = plain_options(argc, argv, &verb_volumes);
        Volumes v = { 0 };
        HRESULT hr;

        if (code >= 0)
                return code;
        backup = tool_connect(&code);
        if (!backup)
                return code;
        t = table_new(headings);
        v.table = t;
        hr = CoCreateInstance(&CLSID_VssSnapshotMgmt, NULL, CLSCTX_ALL, &IID_IVssSnapshotMgmt, (void **) &v.mgmt);
        if (SUCCEEDED(hr))
                hr = for_each_provider(backup, add_volumes_of, &v);
        if (v.mgmt)
                IVssSnapshotMgmt_Release(v.mgmt);
        for (size_t i = 0; i < v.n_seen; ++i)
                free(v.seen[i]);
        free(v.seen);
        if (FAILED(hr) || FAILED(v.hr))
                return tool_fail(FAILED(hr) ? hr : v.hr, "Cannot list the volumes");
        table_print(t, tool_json, "No mounted file system can be snapshotted.");
        return EXIT_OK;
}

const Verb verb_volumes = {
        .name = "volumes",
        .summary = "mounted file systems and subvolumes, and which provider takes them",
        .help = "umbra volumes [--json]\n\n"
                "Any directory can be a volume as well; it is then copied by the files provider.\n",
        .run = run_volumes,
};
