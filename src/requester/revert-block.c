/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Who Is Against Reverting
 *
 * The writers of the list are asked what they have, as in a backup; one that does not run has nothing.
 */

#include "requester/revert-block.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/bstr.h"
#include "base/guid.h"
#include "requester/backup-components.h"
#include "requester/storage-proxy.h"
#include "view/view-text.h"
#include "wire/last-error.h"

static void fclosep(FILE **f) {
        if (*f)
                (void) fclose(*f);
}

static void backup_releasep(IVssBackupComponents **b) {
        if (*b)
                IVssBackupComponents_Release(*b);
}

static void metadata_releasep(IVssExamineWriterMetadata **m) {
        if (*m)
                IVssExamineWriterMetadata_Release(*m);
}

static void async_releasep(IVssAsync **a) {
        if (*a)
                IVssAsync_Release(*a);
}

/* Separators as Linux has them, and one at the end: then below is what begins with it. */
static HRESULT fold_text(char *text, char **ret) {
        size_t n = strlen(text);

        for (size_t i = 0; i < n; ++i)
                if (text[i] == '\\')
                        text[i] = '/';
        if (format_to(ret, "%s%s", text, n > 0 && text[n - 1] == '/' ? "" : "/") < 0)
                return last_error_set(E_OUTOFMEMORY, NULL);
        return S_OK;
}

static HRESULT fold(const WCHAR *path, char **ret) {
        _cleanup_(freep) char *text = NULL;
        HRESULT hr;

        hr = view_text_from_wide(path, &text);
        return FAILED(hr) ? last_error_set(hr, NULL) : fold_text(text, ret);
}

static bool is_device(const char *folded) {
        _cleanup_(freep) char *path = NULL;
        struct stat st;

        return format_to(&path, "%.*s", (int) strlen(folded) - 1, folded) >= 0 && stat(path, &st) == 0 &&
                S_ISBLK(st.st_mode);
}

/* Of a volume by its \\?\Volume{…}\ or by its device only umbrad knows where it is. */
static HRESULT find_place(SessionProxy *session, char **folded) {
        _cleanup_(freep) char *root = NULL, *name = NULL;
        HRESULT hr;

        if (strncmp(*folded, "//?/", 4) != 0 && !is_device(*folded))
                return S_OK;

        hr = storage_proxy_get_volume_root(session, *folded, &root, &name);
        if (FAILED(hr))
                return hr;

        free(TAKE_PTR(*folded));
        return fold_text(root, folded);
}

static HRESULT file_is_below(IVssWMFiledesc *file, const char *volume, bool *ret) {
        _cleanup_(bstr_freep) BSTR path = NULL;
        _cleanup_(freep) char *folded = NULL;
        HRESULT hr;

        hr = IVssWMFiledesc_GetPath(file, &path);
        if (hr != S_OK)
                return hr;

        hr = fold(path, &folded);
        if (SUCCEEDED(hr) && strncmp(folded, volume, strlen(volume)) == 0)
                *ret = true;
        return hr;
}

typedef HRESULT (STDMETHODCALLTYPE *GetFiles)(IVssWMComponent *c, UINT i, IVssWMFiledesc **ret);

static HRESULT files_are_below(IVssWMComponent *c, GetFiles get, UINT n, const char *volume, bool *ret) {
        HRESULT hr = S_OK;

        for (UINT i = 0; i < n && SUCCEEDED(hr) && !*ret; ++i) {
                IVssWMFiledesc *file = NULL;

                hr = get(c, i, &file);
                if (FAILED(hr))
                        return hr;
                hr = file_is_below(file, volume, ret);
                IVssWMFiledesc_Release(file);
        }
        return hr;
}

static HRESULT component_is_below(IVssWMComponent *c, const char *volume, bool *ret) {
        PVSSCOMPONENTINFO info = NULL;
        HRESULT hr;

        hr = IVssWMComponent_GetComponentInfo(c, &info);
        if (FAILED(hr))
                return hr;

        hr = files_are_below(c, c->lpVtbl->GetFile, info->cFileCount, volume, ret);
        if (SUCCEEDED(hr))
                hr = files_are_below(c, c->lpVtbl->GetDatabaseFile, info->cDatabases, volume, ret);
        if (SUCCEEDED(hr))
                hr = files_are_below(c, c->lpVtbl->GetDatabaseLogFile, info->cLogFiles, volume, ret);
        IVssWMComponent_FreeComponentInfo(c, info);
        return hr;
}

static HRESULT writer_is_below(IVssBackupComponents *backup, UINT i, const char *volume, bool *ret) {
        _cleanup_(metadata_releasep) IVssExamineWriterMetadata *metadata = NULL;
        UINT includes, excludes, n = 0;
        VSS_ID instance;
        HRESULT hr;

        hr = IVssBackupComponents_GetWriterMetadata(backup, i, &instance, &metadata);
        if (SUCCEEDED(hr))
                hr = IVssExamineWriterMetadata_GetFileCounts(metadata, &includes, &excludes, &n);

        for (UINT k = 0; k < n && SUCCEEDED(hr) && !*ret; ++k) {
                IVssWMComponent *c = NULL;

                hr = IVssExamineWriterMetadata_GetComponent(metadata, k, &c);
                if (FAILED(hr))
                        return hr;
                hr = component_is_below(c, volume, ret);
                IVssWMComponent_Release(c);
        }
        return hr;
}

static HRESULT gather(IVssBackupComponents *backup, const GUID *writers, size_t n) {
        _cleanup_(async_releasep) IVssAsync *async = NULL;
        HRESULT hr, status = S_OK;

        hr = IVssBackupComponents_InitializeForBackup(backup, NULL);
        if (SUCCEEDED(hr))
                hr = IVssBackupComponents_EnableWriterClasses(backup, writers, (UINT) n);
        if (SUCCEEDED(hr))
                hr = IVssBackupComponents_GatherWriterMetadata(backup, &async);
        if (SUCCEEDED(hr))
                hr = IVssAsync_Wait(async, INFINITE);
        if (SUCCEEDED(hr))
                hr = IVssAsync_QueryStatus(async, &status, NULL);
        return FAILED(hr) ? hr : status;
}

/* The root of the running system, or what it swaps to. Others than writers have a say there. */
static bool is_the_systems(const char *volume) {
        _cleanup_(fclosep) FILE *swaps = NULL;
        struct stat root, st;
        char line[PATH_MAX + 128];

        if (stat("/", &root) == 0 && stat(volume, &st) == 0 && root.st_dev == st.st_dev && root.st_ino == st.st_ino)
                return true;

        swaps = fopen("/proc/swaps", "re");
        while (swaps && fgets(line, sizeof(line), swaps))
                if (strncmp(line, volume, strlen(volume)) == 0)
                        return true;
        return false;
}

HRESULT revert_is_blocked(const WCHAR *volume, bool *ret) {
        _cleanup_(backup_releasep) IVssBackupComponents *backup = NULL;
        _cleanup_(freep) char *folded = NULL;
        _cleanup_(freep) GUID *writers = NULL;
        BackupComponents *b;
        bool blocked = false;
        size_t n_writers = 0;
        UINT n = 0;
        HRESULT hr;

        hr = fold(volume, &folded);
        if (SUCCEEDED(hr))
                hr = backup_components_new(&backup);
        if (FAILED(hr))
                return hr;

        b = impl_from_IVssBackupComponentsEx4((IVssBackupComponentsEx4 *) backup);
        hr = find_place(b->session, &folded);
        if (FAILED(hr))
                return hr;
        if (is_the_systems(folded)) {
                *ret = true;
                return S_OK;
        }

        hr = storage_proxy_get_revert_blockers(b->session, &writers, &n_writers);
        if (SUCCEEDED(hr) && n_writers > 0)
                hr = gather(backup, writers, n_writers);
        if (SUCCEEDED(hr) && n_writers > 0)
                hr = IVssBackupComponents_GetWriterMetadataCount(backup, &n);

        for (UINT i = 0; i < n && SUCCEEDED(hr) && !blocked; ++i)
                hr = writer_is_below(backup, i, folded, &blocked);
        if (FAILED(hr))
                return hr;

        *ret = blocked;
        return S_OK;
}
