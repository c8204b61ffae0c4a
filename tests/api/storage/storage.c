/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Shadow Copies to Work On
 */

#include "api/storage/storage.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd-util.h"
#include "base/guid.h"
#include "base/utf.h"

const VSS_ID fake_provider = { 0x9d3f1a52,
                               0x6b1e,
                               0x4c7a,
                               { 0x8e, 0x21, 0x5f, 0x0c, 0x77, 0x1b, 0x2d, 0x0f } };
const VSS_ID files_copy_provider = { 0x9d3f1a52,
                                     0x6b1e,
                                     0x4c7a,
                                     { 0x8e, 0x21, 0x5f, 0x0c, 0x77, 0x1b, 0x2d, 0x03 } };

WCHAR *wide(const char *s) {
        static WCHAR *ring[8];
        static unsigned next;
        WCHAR **slot = &ring[next++ % ELEMENTSOF(ring)];

        free(*slot);
        *slot = NULL;
        assert_int_equal(wide_from_utf8(s, slot), 0);
        return *slot;
}

static void must(HRESULT hr, const char *what) {
        if (hr != S_OK)
                fail_msg("%s: 0x%08x %s", what, (unsigned) hr, umbra_last_error());
}

IVssBackupComponentsEx4 *storage_object(void) {
        IVssBackupComponents *backup = NULL;
        IVssBackupComponentsEx4 *b = NULL;

        must(CreateVssBackupComponents(&backup), "CreateVssBackupComponents");
        must(IVssBackupComponents_QueryInterface(backup, &IID_IVssBackupComponentsEx4, (void **) &b),
             "QueryInterface");
        IVssBackupComponents_Release(backup);
        return b;
}

IVssBackupComponentsEx4 *storage_backup(LONG context) {
        IVssBackupComponentsEx4 *b = storage_object();

        must(IVssBackupComponentsEx4_InitializeForBackup(b, NULL), "InitializeForBackup");
        must(IVssBackupComponentsEx4_SetContext(b, context), "SetContext");
        return b;
}

void storage_release(IVssBackupComponentsEx4 *b) {
        assert_int_equal(IVssBackupComponentsEx4_Release(b), 0);
}

char *storage_shadow_path(const World *w, VSS_ID id) {
        char *path;

        assert_int_equal(format_to(&path, "%s/shadow/%s", w->runtime, GUID_TO_STRING(&id)), 0);
        return path;
}

void storage_clean_up_broken(const World *w, VSS_ID id) {
        _cleanup_(freep) char *shadow = storage_shadow_path(w, id);
        _cleanup_(closep) int fd = open(w->state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        (void) umount2(shadow, MNT_DETACH);
        (void) rmdir(shadow);
        assert_int_equal(rm_rf_at(fd, "broken"), 0);
}

HRESULT storage_end(IVssAsync *async) {
        HRESULT hr, status = E_FAIL;

        assert_non_null(async);
        hr = IVssAsync_Wait(async, INFINITE);
        assert_int_equal(IVssAsync_QueryStatus(async, &status, NULL), S_OK);
        assert_int_equal(FAILED(hr) ? hr : status, status);
        assert_int_equal(IVssAsync_Release(async), 0);
        return status;
}

HRESULT storage_break(VSS_ID id, DWORD flags) {
        IVssBackupComponentsEx4 *b = storage_backup((LONG) VSS_CTX_ALL);
        VSS_SNAPSHOT_PROP p = storage_properties(id);
        VSS_ID set_id = p.m_SnapshotSetId;
        IVssAsync *async = NULL;
        HRESULT hr;

        VssFreeSnapshotProperties(&p);
        hr = IVssBackupComponentsEx4_BreakSnapshotSetEx(b, set_id, flags, &async);
        if (hr == S_OK)
                hr = storage_end(async);
        storage_release(b);
        return hr == VSS_S_ASYNC_FINISHED ? S_OK : hr;
}

void storage_make_set(IVssBackupComponentsEx4 *b,
                      char *const *volumes,
                      size_t n,
                      VSS_ID provider,
                      VSS_ID *ret_set_id,
                      VSS_ID *ret_snapshot_ids) {
        IVssAsync *async = NULL;
        HRESULT hr;

        must(IVssBackupComponentsEx4_StartSnapshotSet(b, ret_set_id), "StartSnapshotSet");
        for (size_t i = 0; i < n; ++i)
                must(IVssBackupComponentsEx4_AddToSnapshotSet(b, wide(volumes[i]), provider,
                                                              &ret_snapshot_ids[i]),
                     "AddToSnapshotSet");
        must(IVssBackupComponentsEx4_DoSnapshotSet(b, &async), "DoSnapshotSet");
        hr = storage_end(async);
        if (hr != VSS_S_ASYNC_FINISHED)
                fail_msg("DoSnapshotSet ended with 0x%08x %s", (unsigned) hr, umbra_last_error());
}

VSS_ID storage_make(World *w) {
        IVssBackupComponentsEx4 *b = storage_backup(VSS_CTX_NAS_ROLLBACK);
        VSS_ID set_id, id;

        storage_make_set(b, &w->volume, 1, fake_provider, &set_id, &id);
        storage_release(b);
        return id;
}

void storage_delete(VSS_ID id, VSS_OBJECT_TYPE type) {
        IVssBackupComponentsEx4 *b = storage_backup((LONG) VSS_CTX_ALL);
        VSS_ID nondeleted;
        LONG deleted;

        must(IVssBackupComponentsEx4_DeleteSnapshots(b, id, type, TRUE, &deleted, &nondeleted),
             "DeleteSnapshots");
        storage_release(b);
}

VSS_SNAPSHOT_PROP storage_properties(VSS_ID id) {
        IVssBackupComponentsEx4 *b = storage_backup((LONG) VSS_CTX_ALL);
        VSS_SNAPSHOT_PROP prop;

        must(IVssBackupComponentsEx4_GetSnapshotProperties(b, id, &prop), "GetSnapshotProperties");
        storage_release(b);
        return prop;
}

bool storage_reads(const char *path, const char *name, const char *text) {
        _cleanup_(freep) char *found = read_file(path, name);

        return found && strcmp(found, text) == 0;
}

bool storage_is_mounted(const char *path) {
        struct statx st;

        return statx(AT_FDCWD, path, AT_NO_AUTOMOUNT, 0, &st) == 0 &&
               (st.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
}
