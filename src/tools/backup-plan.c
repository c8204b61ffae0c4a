/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What a Backup Is Made Of
 */

#include "tools/backup-plan.h"

#include <errno.h>
#include <fcntl.h>
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

#define MOUNTINFO_MAX ((size_t) 16 * 1024 * 1024)

void backup_plan_clear_attempt(BackupPlan *p) {
        for (size_t i = 0; i < p->n_writers; ++i)
                writer_metadata_clear(&p->writers[i]);
        free(TAKE_PTR(p->writers));
        for (size_t i = 0; i < p->n_choices; ++i)
                free(p->choices[i].chosen);
        free(TAKE_PTR(p->choices));
        for (size_t i = 0; i < p->n_components; ++i) {
                component_news_clear(&p->components[i].news);
                free(p->components[i].previous);
        }
        free(TAKE_PTR(p->components));
        for (size_t i = 0; i < p->n_volumes; ++i) {
                free(p->volumes[i].path);
                free(p->volumes[i].device);
                fd_close(p->volumes[i].fd);
        }
        free(TAKE_PTR(p->volumes));
        p->n_writers = p->n_choices = p->n_components = p->components_capacity = p->n_volumes = p->volumes_capacity = 0;
}

void backup_plan_clear(BackupPlan *p) {
        backup_plan_clear_attempt(p);
        strv_free(p->writer_names);
        strv_free(p->component_names);
        strv_free(p->paths);
        strv_free(p->options);
        strv_free(p->exceptions);
        strv_free(p->without);
        free(p->disabled);
}

/* News */

static const WriterMetadata *find_writer(const BackupPlan *p, const GUID *instance_id, size_t *ret) {
        for (size_t i = 0; i < p->n_writers; ++i)
                if (guid_equal(&p->writers[i].instance_id, instance_id)) {
                        *ret = i;
                        return &p->writers[i];
                }
        return NULL;
}

static PlanComponent *find_component(BackupPlan *p, size_t writer, IVssComponent *component) {
        _cleanup_(freep) char *path = NULL, *name = NULL;
        BSTR bpath = NULL, bname = NULL;
        const Component *c;
        size_t chosen;

        (void) IVssComponent_GetLogicalPath(component, &bpath);
        (void) IVssComponent_GetComponentName(component, &bname);
        path = tool_take_bstr(bpath);
        name = tool_take_bstr(bname);
        c = writer_metadata_find(&p->writers[writer], path, name);
        chosen = c ? p->choices[writer].chosen[c->index] : 0;
        return chosen > 0 ? &p->components[chosen - 1] : NULL;
}

static HRESULT read_news_of(BackupPlan *p, IVssWriterComponentsExt *part) {
        size_t writer = 0;
        VSS_ID instance, id;
        UINT n = 0;
        HRESULT hr;

        hr = IVssWriterComponents_GetWriterInfo(&part->components, &instance, &id);
        if (SUCCEEDED(hr) && !find_writer(p, &instance, &writer))
                return S_OK;
        if (SUCCEEDED(hr))
                hr = IVssWriterComponents_GetComponentCount(&part->components, &n);
        for (UINT i = 0; SUCCEEDED(hr) && i < n; ++i) {
                IVssComponent *component = NULL;
                PlanComponent *c;

                hr = IVssWriterComponents_GetComponent(&part->components, i, &component);
                if (FAILED(hr))
                        break;
                c = find_component(p, writer, component);
                if (c) {
                        component_news_clear(&c->news);
                        hr = component_news_read(component, &c->news);
                }
                IVssComponent_Release(component);
        }
        return hr;
}

HRESULT backup_plan_read_news(BackupPlan *p, IVssBackupComponents *backup) {
        UINT n = 0;
        HRESULT hr;

        hr = IVssBackupComponents_GetWriterComponentsCount(backup, &n);
        for (UINT i = 0; SUCCEEDED(hr) && i < n; ++i) {
                IVssWriterComponentsExt *part = NULL;

                hr = IVssBackupComponents_GetWriterComponents(backup, i, &part);
                if (FAILED(hr))
                        break;
                hr = read_news_of(p, part);
                IUnknown_Release(&part->unknown);
        }
        return hr;
}

/* Volumes */

#define BTRFS_ROOT_INODE 256

/* Where a snapshot of all there is could be taken: a subvolume of btrfs, else the top of a mount. */
static bool is_top(const char *path) {
        struct statx stx;
        struct statfs fs;

        if (statfs(path, &fs) < 0 || statx(AT_FDCWD, path, 0, STATX_INO, &stx) < 0)
                return false;
        if (fs.f_type == BTRFS_SUPER_MAGIC)
                return stx.stx_ino == BTRFS_ROOT_INODE;
        return stx.stx_attributes & STATX_ATTR_MOUNT_ROOT;
}

/* The volume that @path lies on: where the storage can snapshot it, all of it costs no more than a part. */
static int whole_volume_of(const char *path, char **ret) {
        _cleanup_(freep) char *at = strdup(path);

        if (!at)
                return -ENOMEM;
        while (!is_top(at)) {
                char *slash = strrchr(at, '/');

                if (!slash || strcmp(at, "/") == 0)
                        return -ENOENT;
                slash[slash == at ? 1 : 0] = '\0';
        }
        *ret = TAKE_PTR(at);
        return 0;
}

/* Would a provider take the whole volume as it is, rather than copy it? */
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

PlanVolume *backup_plan_volume(const BackupPlan *p, const char *path) {
        PlanVolume *best = NULL;

        for (size_t i = 0; i < p->n_volumes; ++i) {
                PlanVolume *v = &p->volumes[i];

                if (path_is_below(path, v->path) && (!best || strlen(v->path) > strlen(best->path)))
                        best = v;
        }
        return best;
}

/* Which mount, and which file system or subvolume: where these differ the shadow copy of the one does not have the other. */
static bool same_volume(const char *a, const char *b) {
        struct statx x, y;

        return statx(AT_FDCWD, a, 0, STATX_MNT_ID, &x) >= 0 && statx(AT_FDCWD, b, 0, STATX_MNT_ID, &y) >= 0 &&
               x.stx_mnt_id == y.stx_mnt_id && x.stx_dev_major == y.stx_dev_major && x.stx_dev_minor == y.stx_dev_minor;
}

static bool is_covered(const BackupPlan *p, const char *path) {
        const PlanVolume *v = backup_plan_volume(p, path);

        return v && same_volume(v->path, path);
}

/* Does it say that nobody can take this volume, rather than that nobody could just now? */
static bool is_for_nobody(HRESULT hr) {
        return hr == VSS_E_VOLUME_NOT_SUPPORTED || hr == VSS_E_VOLUME_NOT_SUPPORTED_BY_PROVIDER || hr == VSS_E_OBJECT_NOT_FOUND;
}

/* @optional: a mount somewhere below, which may be none that can be saved. */
static int add_volume(BackupPlan *p, IVssBackupComponents *backup, const char *path, bool optional) {
        _cleanup_(freep) WCHAR *wide = NULL;
        _cleanup_(freep) char *whole = NULL, *with_slash = NULL;
        const char *volume = path;
        VSS_ID snapshot;
        HRESULT hr;

        if (whole_volume_of(path, &whole) >= 0 && is_snapshotted(backup, whole))
                volume = whole;
        if (is_covered(p, volume))
                return EXIT_OK;
        if (ARRAY_RESERVE(p->volumes, p->volumes_capacity, p->n_volumes + 1) < 0 ||
            format_to(&with_slash, "%s%s", volume, strcmp(volume, "/") == 0 ? "" : "/") < 0)
                return tool_fail(E_OUTOFMEMORY, "Cannot plan the backup");
        wide = tool_wide(with_slash);
        hr = IVssBackupComponents_AddToSnapshotSet(backup, wide, GUID_NULL, &snapshot);
        if (FAILED(hr) && optional && is_for_nobody(hr)) {
                fprintf(stderr, "umbra: warning: leaving out '%s', which no provider takes\n", volume);
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

static bool is_excepted(const BackupPlan *p, const char *path, const char *fstype) {
        STRV_FOREACH(exception, p->exceptions)
                if (path_is_below(path, *exception))
                        return true;
        return p->leaves_tmpfs && (strcmp(fstype, "tmpfs") == 0 || strcmp(fstype, "ramfs") == 0);
}

static bool is_worth_saving(const char *fstype) {
        static const char *const not_worth[] = { "proc",  "sysfs", "devtmpfs", "devpts",   "cgroup",  "cgroup2", "mqueue",   "debugfs",
                                                 "tracefs", "autofs", "securityfs", "pstore", "bpf", "configfs", "fusectl", "hugetlbfs" };

        for (size_t i = 0; i < ELEMENTSOF(not_worth); ++i)
                if (strcmp(fstype, not_worth[i]) == 0)
                        return false;
        return true;
}

/* Spaces and the like stand in the kernel's table as \ooo. [proc(5)] */
static void unescape_mount(char *path) {
        char *out = path;

        for (const char *p = path; *p; ++p)
                if (p[0] == '\\' && strspn(p + 1, "01234567") >= 3) {
                        *out++ = (char) ((p[1] - '0') << 6 | (p[2] - '0') << 3 | (p[3] - '0'));
                        p += 3;
                } else
                        *out++ = *p;
        *out = '\0';
}

/* Nested mounts are volumes of their own. */
static int add_mounts_below(BackupPlan *p, IVssBackupComponents *backup, const char *root) {
        _cleanup_(freep) char *table = NULL;
        int code = EXIT_OK, r;

        r = file_read_text("/proc/self/mountinfo", MOUNTINFO_MAX, &table);
        errno = -r;
        if (r < 0)
                return tool_error("cannot find the volumes below '%s', as /proc/self/mountinfo cannot be read: %m", root);
        for (char *save = NULL, *line = strtok_r(table, "\n", &save); line && code == EXIT_OK; line = strtok_r(NULL, "\n", &save)) {
                char path[4096], fstype[256];
                const char *dash = strstr(line, " - ");

                if (!dash || sscanf(line, "%*d %*d %*s %*s %4095s", path) != 1 || sscanf(dash, " - %255s", fstype) != 1)
                        continue;
                unescape_mount(path);
                if (strcmp(path, root) != 0 && path_is_below(path, root) && is_worth_saving(fstype) && !is_excepted(p, path, fstype))
                        code = add_volume(p, backup, path, true);
        }
        return code;
}

int backup_plan_add_volumes(BackupPlan *p, IVssBackupComponents *backup, const FileSet *places) {
        _cleanup_(strv_freep) char **roots = NULL;
        int code = EXIT_OK;

        if (file_set_roots(places, &roots) < 0)
                return tool_fail(E_OUTOFMEMORY, "Cannot plan the backup");
        STRV_FOREACH(root, roots) {
                _cleanup_(freep) char *directory = existing(*root);
                FileSetView view;

                if (!directory)
                        return tool_fail(E_OUTOFMEMORY, "Cannot plan the backup");
                code = add_volume(p, backup, directory, false);
                file_set_view(places, *root, &view);
                if (code == EXIT_OK && view.recursive)
                        code = add_mounts_below(p, backup, *root);
                if (code != EXIT_OK)
                        return code;
        }
        return EXIT_OK;
}
