/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Sets of Real File Systems
 */

#include "api/sets/sets.h"

#include <stdio.h>
#include <string.h>

#include <oleauto.h>

#include "base/utf.h"

void sets_begin(Sets *s) {
        *s = (Sets){ .backup = storage_backup(VSS_CTX_FILE_SHARE_BACKUP) };
        assert_int_equal(IVssBackupComponentsEx4_StartSnapshotSet(s->backup, &s->set_id), S_OK);
}

HRESULT sets_try_add(Sets *s, const char *volume, VSS_ID provider) {
        VSS_ID id;
        HRESULT hr;

        hr = IVssBackupComponentsEx4_AddToSnapshotSet(s->backup, wide(volume), provider, &id);
        if (SUCCEEDED(hr))
                s->ids[s->n++] = id;
        return hr;
}

void sets_add(Sets *s, const char *volume, VSS_ID provider) {
        HRESULT hr = sets_try_add(s, volume, provider);

        if (hr != S_OK)
                fail_msg("'%s' cannot be added: 0x%08x %s", volume, (unsigned) hr, umbra_last_error());
}

static void read_document(Sets *s) {
        _cleanup_(freep) char *text = NULL;
        BSTR xml = NULL;

        assert_int_equal(IVssBackupComponentsEx4_SaveAsXML(s->backup, &xml), S_OK);
        assert_int_equal(utf8_from_wide(xml, &text), 0);
        SysFreeString(xml);
        assert_int_equal(backup_doc_read(text, strlen(text), &s->doc), S_OK);
}

HRESULT sets_try_make(Sets *s) {
        IVssAsync *async = NULL;
        HRESULT hr;

        hr = IVssBackupComponentsEx4_DoSnapshotSet(s->backup, &async);
        if (hr != S_OK)
                return hr;
        hr = storage_end(async);
        if (hr == VSS_S_ASYNC_FINISHED)
                read_document(s);
        return hr;
}

void sets_make(Sets *s) {
        HRESULT hr = sets_try_make(s);

        if (hr != VSS_S_ASYNC_FINISHED)
                fail_msg("DoSnapshotSet ended with 0x%08x %s", (unsigned) hr, umbra_last_error());
}

const BackupVolume *sets_volume(const Sets *s, size_t i) {
        const BackupVolume *v = backup_doc_find_volume(s->doc, &s->ids[i]);

        assert_non_null(v);
        return v;
}

const char *sets_path(const Sets *s, size_t i, const char *name) {
        static char ring[2][4096];
        static unsigned next;
        char *path = ring[next++ % ELEMENTSOF(ring)];

        (void) snprintf(path, sizeof(ring[0]), "%s/%s", sets_volume(s, i)->device_object, name);
        return path;
}

void sets_end(Sets *s) {
        s->doc = backup_doc_free(s->doc);
        storage_release(s->backup);
        s->backup = NULL;
}
