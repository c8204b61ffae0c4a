/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What a Backup Is Made Of
 */

#include "tools/backup-plan.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <linux/magic.h>

#include "base/alloc.h"
#include "base/fd-util.h"
#include "base/guid.h"
#include "base/hresult.h"
#include "base/strv.h"
#include "tools/tool-vss.h"
#include "tools/verb.h"

void backup_plan_clear_attempt(BackupPlan *p) {
        for (size_t i = 0; i < p->n_writers; ++i)
                writer_metadata_clear(&p->writers[i]);
        free(TAKE_PTR(p->writers));
        free(TAKE_PTR(p->components));
        for (size_t i = 0; i < p->n_volumes; ++i) {
                free(p->volumes[i].path);
                free(p->volumes[i].device);
                fd_close(p->volumes[i].fd);
        }
        free(TAKE_PTR(p->volumes));
        p->files = file_set_free(p->files);
        p->n_writers = p->n_components = p->components_capacity = p->n_volumes = p->volumes_capacity = 0;
}

void backup_plan_clear(BackupPlan *p) {
        backup_plan_clear_attempt(p);
        strv_free(p->writer_names);
        strv_free(p->component_names);
        strv_free(p->paths);
        free(p->disabled);
}

/* Components */

static HRESULT read_writers(BackupPlan *p, IVssBackupComponents *backup) {
        UINT n = 0;
        HRESULT hr;

        hr = IVssBackupComponents_GetWriterMetadataCount(backup, &n);
        if (FAILED(hr))
                return hr;
        p->writers = calloc_checked(n + 1U, sizeof(*p->writers));
        if (!p->writers)
                return E_OUTOFMEMORY;
        for (UINT i = 0; i < n; ++i) {
                IVssExamineWriterMetadata *metadata = NULL;
                VSS_ID instance;

                hr = IVssBackupComponents_GetWriterMetadata(backup, i, &instance, &metadata);
                if (FAILED(hr))
                        return hr;
                hr = writer_metadata_read(metadata, &p->writers[p->n_writers]);
                IVssExamineWriterMetadata_Release(metadata);
                if (FAILED(hr))
                        return hr;
                ++p->n_writers;
        }
        return S_OK;
}

static bool writer_is_called(const WriterMetadata *w, const char *name) {
        GUID id;

        return strcmp(w->name, name) == 0 || strcmp(w->instance_name, name) == 0 ||
               (guid_from_string(name, &id) >= 0 && (guid_equal(&id, &w->writer_id) || guid_equal(&id, &w->instance_id)));
}

/* "name", "path\\name", "writer:path\\name". */
static bool component_is_called(const WriterMetadata *w, const Component *c, const char *name) {
        const char *colon = strchr(name, ':');

        if (strcmp(c->full, name) == 0 || strcmp(c->name, name) == 0)
                return true;
        return colon && strncmp(w->name, name, (size_t) (colon - name)) == 0 && w->name[colon - name] == '\0' &&
               (strcmp(c->full, colon + 1) == 0 || strcmp(c->name, colon + 1) == 0);
}

static int choose(BackupPlan *p, size_t writer, const Component *c) {
        for (size_t i = 0; i < p->n_components; ++i)
                if (p->components[i].component == c)
                        return EXIT_OK;
        if (ARRAY_RESERVE(p->components, p->components_capacity, p->n_components + 1) < 0)
                return tool_fail(E_OUTOFMEMORY, "Cannot plan the backup");
        p->components[p->n_components++] = (PlanComponent){ .writer = writer, .component = c };
        return EXIT_OK;
}

/* The ones that follow nobody: everything else comes with them. */
static int choose_top(BackupPlan *p, size_t writer) {
        const WriterMetadata *w = &p->writers[writer];
        int code = EXIT_OK;

        for (size_t i = 0; i < w->n_components && code == EXIT_OK; ++i) {
                bool follows = false;

                for (size_t k = 0; k < w->n_components; ++k)
                        follows = follows || component_follows(&w->components[i], &w->components[k]);
                if (!follows)
                        code = choose(p, writer, &w->components[i]);
        }
        return code;
}

static int choose_named(BackupPlan *p) {
        int code = EXIT_OK;

        STRV_FOREACH(name, p->writer_names) {
                bool found = false;

                for (size_t i = 0; i < p->n_writers && code == EXIT_OK; ++i)
                        if (writer_is_called(&p->writers[i], *name)) {
                                found = true;
                                code = choose_top(p, i);
                        }
                if (!found && !p->best_effort)
                        return tool_error("there is no writer '%s'; umbra writers shows them", *name);
        }
        STRV_FOREACH(name, p->component_names) {
                bool found = false;

                for (size_t i = 0; i < p->n_writers && code == EXIT_OK; ++i)
                        for (size_t k = 0; k < p->writers[i].n_components && code == EXIT_OK; ++k)
                                if (component_is_called(&p->writers[i], &p->writers[i].components[k], *name)) {
                                        found = true;
                                        code = choose(p, i, &p->writers[i].components[k]);
                                }
                if (!found && !p->best_effort)
                        return tool_error("there is no component '%s'; umbra writers shows them", *name);
        }
        return code;
}

static HRESULT collect_files(BackupPlan *p) {
        HRESULT hr = S_OK;
        int r;

        r = file_set_new(&p->files);
        if (r < 0)
                return hresult_from_errno(r);
        for (size_t i = 0; i < p->n_components && SUCCEEDED(hr); ++i)
                hr = component_add_files(&p->writers[p->components[i].writer], p->components[i].component, p->files);
        STRV_FOREACH(path, p->paths) {
                struct stat st;

                if (FAILED(hr))
                        break;
                if (lstat(*path, &st) >= 0 && !S_ISDIR(st.st_mode)) {
                        _cleanup_(freep) char *directory = strdup(*path);
                        char *slash = directory ? strrchr(directory, '/') : NULL;

                        if (!slash)
                                return E_OUTOFMEMORY;
                        *slash = '\0';
                        r = file_set_add_literal(p->files, slash == directory ? "/" : directory, slash + 1);
                } else
                        r = file_set_add(p->files, *path, NULL, true);
                hr = r < 0 ? hresult_from_errno(r) : S_OK;
        }
        return hr;
}

int backup_plan_choose(BackupPlan *p, IVssBackupComponents *backup) {
        int code = EXIT_OK;
        HRESULT hr;

        hr = read_writers(p, backup);
        if (FAILED(hr))
                return tool_fail(hr, "Cannot read what the writers say");
        if (!p->writer_names && !p->component_names && !p->paths)
                for (size_t i = 0; i < p->n_writers && code == EXIT_OK; ++i)
                        code = choose_top(p, i);
        else
                code = choose_named(p);
        if (code != EXIT_OK)
                return code;
        if (p->n_components == 0 && !p->paths)
                return tool_error("there is nothing to back up: no writer has a component, and no path was named");

        hr = collect_files(p);
        if (FAILED(hr))
                return tool_fail(hr, "Cannot plan the backup");
        return EXIT_OK;
}

/* Volumes */

#define BTRFS_ROOT_INODE 256

/* The subvolume that @path lies on, where the file system has such a thing: whole subvolumes are snapshotted at no cost. */
static int subvolume_of(const char *path, char **ret) {
        _cleanup_(freep) char *at = strdup(path);
        struct statfs fs;

        if (!at)
                return -ENOMEM;
        for (;;) {
                struct stat st;
                char *slash;

                if (statfs(at, &fs) < 0 || stat(at, &st) < 0)
                        return -errno;
                if (fs.f_type != BTRFS_SUPER_MAGIC)
                        return -ENOENT;
                if (st.st_ino == BTRFS_ROOT_INODE) {
                        *ret = TAKE_PTR(at);
                        return 0;
                }
                slash = strrchr(at, '/');
                if (!slash || strcmp(at, "/") == 0)
                        return -ENOENT;
                slash[slash == at ? 1 : 0] = '\0';
        }
}

/* Would a provider take the whole subvolume as it is, rather than copy it? */
static bool is_snapshotted(IVssBackupComponents *backup, const char *path) {
        _cleanup_(freep) WCHAR *wide = tool_wide(path);
        IVssEnumObject *list = NULL;
        VSS_OBJECT_PROP prop;
        bool taken = false;
        ULONG n = 0;

        if (FAILED(IVssBackupComponents_Query(backup, GUID_NULL, VSS_OBJECT_NONE, VSS_OBJECT_PROVIDER, &list)))
                return false;
        while (IVssEnumObject_Next(list, 1, &prop, &n) == S_OK) {
                _cleanup_(freep) char *name = tool_text(prop.Obj.Prov.m_pwszProviderName);
                BOOL supported = FALSE;

                if (!taken && strncmp(name, "files", 5) != 0 && strcmp(name, "fake") != 0 &&
                    SUCCEEDED(IVssBackupComponents_IsVolumeSupported(backup, prop.Obj.Prov.m_ProviderId, wide, &supported)))
                        taken = supported;
                CoTaskMemFree(prop.Obj.Prov.m_pwszProviderName);
                CoTaskMemFree(prop.Obj.Prov.m_pwszProviderVersion);
        }
        IVssEnumObject_Release(list);
        return taken;
}

static PlanVolume *find_volume(BackupPlan *p, const char *path) {
        for (size_t i = 0; i < p->n_volumes; ++i)
                if (strcmp(p->volumes[i].path, path) == 0)
                        return &p->volumes[i];
        return NULL;
}

/* @optional: a mount somewhere below, which may be none that can be saved. */
static int add_volume(BackupPlan *p, IVssBackupComponents *backup, const char *path, bool optional) {
        _cleanup_(freep) WCHAR *wide = NULL;
        _cleanup_(freep) char *subvolume = NULL, *with_slash = NULL;
        const char *volume = path;
        VSS_ID snapshot;
        HRESULT hr;

        if (subvolume_of(path, &subvolume) >= 0 && is_snapshotted(backup, subvolume))
                volume = subvolume;
        if (find_volume(p, volume))
                return EXIT_OK;
        if (ARRAY_RESERVE(p->volumes, p->volumes_capacity, p->n_volumes + 1) < 0 ||
            format_to(&with_slash, "%s%s", volume, strcmp(volume, "/") == 0 ? "" : "/") < 0)
                return tool_fail(E_OUTOFMEMORY, "Cannot plan the backup");
        wide = tool_wide(with_slash);
        hr = IVssBackupComponents_AddToSnapshotSet(backup, wide, GUID_NULL, &snapshot);
        if (FAILED(hr) && optional) {
                tool_say("Leaving out '%s', which no provider takes.", volume);
                return EXIT_OK;
        }
        if (FAILED(hr))
                return tool_fail(hr, "Cannot take '%s' into the snapshot set", volume);

        p->volumes[p->n_volumes++] = (PlanVolume){ .path = strdup(volume), .snapshot_id = snapshot, .fd = -EBADF };
        return p->volumes[p->n_volumes - 1].path ? EXIT_OK : tool_fail(E_OUTOFMEMORY, "Cannot plan the backup");
}

/* The first directory at or above @path that is there. */
static char *existing(const char *path) {
        char *at = strdup(path);
        struct stat st;

        while (at && (stat(at, &st) < 0 || !S_ISDIR(st.st_mode)) && strcmp(at, "/") != 0) {
                char *slash = strrchr(at, '/');

                slash[slash == at ? 1 : 0] = '\0';
        }
        return at;
}

static bool is_worth_saving(const char *fstype) {
        static const char *const not_worth[] = { "proc",  "sysfs", "devtmpfs", "devpts",   "cgroup",  "cgroup2", "mqueue",   "debugfs",
                                                 "tracefs", "autofs", "securityfs", "pstore", "bpf", "configfs", "fusectl", "hugetlbfs" };

        for (size_t i = 0; i < ELEMENTSOF(not_worth); ++i)
                if (strcmp(fstype, not_worth[i]) == 0)
                        return false;
        return true;
}

/* Nested mounts are volumes of their own. */
static int add_mounts_below(BackupPlan *p, IVssBackupComponents *backup, const char *root) {
        _cleanup_(freep) char *table = NULL;
        int code = EXIT_OK;

        if (file_read_text("/proc/self/mountinfo", 4U << 20, &table) < 0)
                return EXIT_OK;
        for (char *save = NULL, *line = strtok_r(table, "\n", &save); line && code == EXIT_OK; line = strtok_r(NULL, "\n", &save)) {
                char path[4096], fstype[256];
                const char *dash = strstr(line, " - ");

                if (!dash || sscanf(line, "%*d %*d %*s %*s %4095s", path) != 1 || sscanf(dash, " - %255s", fstype) != 1)
                        continue;
                if (strcmp(path, root) != 0 && path_is_below(path, root) && is_worth_saving(fstype))
                        code = add_volume(p, backup, path, true);
        }
        return code;
}

int backup_plan_add_volumes(BackupPlan *p, IVssBackupComponents *backup) {
        _cleanup_(strv_freep) char **roots = NULL;
        int code = EXIT_OK;

        if (file_set_roots(p->files, &roots) < 0)
                return tool_fail(E_OUTOFMEMORY, "Cannot plan the backup");
        STRV_FOREACH(root, roots) {
                _cleanup_(freep) char *directory = existing(*root);
                FileSetView view;

                if (!directory)
                        return tool_fail(E_OUTOFMEMORY, "Cannot plan the backup");
                code = add_volume(p, backup, directory, false);
                file_set_view(p->files, *root, &view);
                if (code == EXIT_OK && view.recursive)
                        code = add_mounts_below(p, backup, *root);
                if (code != EXIT_OK)
                        return code;
        }
        return EXIT_OK;
}
