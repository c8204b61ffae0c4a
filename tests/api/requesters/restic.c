/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * restic
 *
 * Written in Go, so it knows no header: interfaces come from QueryInterface by IID, and methods are slots of a
 * table, called by number. No components; the volume and each mount point below it; AbortBackup on every
 * failure. While another program makes shadow copies it tries again, every five seconds there, and here when
 * that one has gone.
 */

#include <umbra.h>
#include <vsadmin.h>

#include "api/requesters/scene.h"
#include "base/macro.h"
#include "lib/test-util.h"

/* The tables, in slots. */
enum {
        QUERY_INTERFACE = 0,
        RELEASE = 2,
        INITIALIZE_FOR_BACKUP = 5,
        SET_BACKUP_STATE = 6,
        GATHER_WRITER_METADATA = 9,
        PREPARE_FOR_BACKUP = 14,
        ABORT_BACKUP = 15,
        BACKUP_COMPLETE = 27,
        SET_CONTEXT = 35,
        START_SNAPSHOT_SET = 36,
        ADD_TO_SNAPSHOT_SET = 37,
        DO_SNAPSHOT_SET = 38,
        DELETE_SNAPSHOTS = 39,
        GET_SNAPSHOT_PROPERTIES = 42,
        IS_VOLUME_SUPPORTED = 44,

        ASYNC_WAIT = 4,
        ASYNC_QUERY_STATUS = 5,

        ADMIN_QUERY_PROVIDERS = 5,
        ENUM_NEXT = 3,
};

typedef struct Object {
        void *const *slots;
} Object;

#define CALL(object, slot, types, ...)                                                                      \
        (((HRESULT(*) types)(uintptr_t) ((object)->slots[slot]))((object), ##__VA_ARGS__))

static void release(Object *o) {
        (void) ((ULONG(*)(Object *))(uintptr_t) o->slots[RELEASE])(o);
}

static Object *query(Object *o, const IID *iid) {
        Object *other = NULL;

        CHECK(CALL(o, QUERY_INTERFACE, (Object *, const IID *, Object **), iid, &other));
        return other;
}

static void await(HRESULT hr, Object *async) {
        HRESULT status = E_FAIL;

        CHECK(hr);
        CHECK(CALL(async, ASYNC_WAIT, (Object *, DWORD), 120000));
        CHECK(CALL(async, ASYNC_QUERY_STATUS, (Object *, HRESULT *, INT *), &status, NULL));
        EXPECT(status, VSS_S_ASYNC_FINISHED);
        release(async);
}

#define RUN(object, slot)                                                                                   \
        ({                                                                                                  \
                Object *_async = NULL;                                                                      \
                HRESULT _hr = CALL(object, slot, (Object *, Object **), &_async);                           \
                await(_hr, _async);                                                                         \
        })

/* The provider that was asked for by name. */
static VSS_ID find_provider(const VSS_ID *wanted) {
        Object *admin = NULL, *list = NULL;
        VSS_ID found = GUID_NULL;
        VSS_OBJECT_PROP prop;
        ULONG n = 0;

        CHECK(CoCreateInstance(&CLSID_VSSCoordinator, NULL, CLSCTX_ALL, &IID_IVssAdmin, (void **) &admin));
        CHECK(CALL(admin, ADMIN_QUERY_PROVIDERS, (Object *, Object **), &list));
        while (CALL(list, ENUM_NEXT, (Object *, ULONG, VSS_OBJECT_PROP *, ULONG *), 1, &prop, &n) == S_OK) {
                if (memcmp(&prop.Obj.Prov.m_ProviderId, wanted, sizeof(VSS_ID)) == 0)
                        found = *wanted;
                CoTaskMemFree(prop.Obj.Prov.m_pwszProviderName);
                CoTaskMemFree(prop.Obj.Prov.m_pwszProviderVersion);
        }
        release(list);
        release(admin);
        return found;
}

static Object *begin(void) {
        IVssBackupComponents *created = NULL;
        Object *unknown, *backup;

        CHECK(CreateVssBackupComponents(&created));
        unknown = query((Object *) created, &IID_IUnknown);
        backup = query(unknown, &IID_IVssBackupComponents);
        release(unknown);
        release((Object *) created);

        CHECK(CALL(backup, INITIALIZE_FOR_BACKUP, (Object *, BSTR), NULL));
        CHECK(CALL(backup, SET_CONTEXT, (Object *, LONG), VSS_CTX_BACKUP));
        CHECK(CALL(backup, SET_BACKUP_STATE, (Object *, bool, bool, VSS_BACKUP_TYPE, bool), false, false,
                   VSS_BT_COPY, false));
        RUN(backup, GATHER_WRITER_METADATA);
        return backup;
}

static HRESULT start(Object *backup, VSS_ID *ret_set) {
        return CALL(backup, START_SNAPSHOT_SET, (Object *, VSS_ID *), ret_set);
}

static VSS_ID add(Object *backup, WCHAR *volume, VSS_ID provider) {
        BOOL supported = FALSE;
        VSS_ID id;

        CHECK(CALL(backup, IS_VOLUME_SUPPORTED, (Object *, VSS_ID, WCHAR *, BOOL *), provider, volume,
                   &supported));
        MUST(supported);
        CHECK(CALL(backup, ADD_TO_SNAPSHOT_SET, (Object *, WCHAR *, VSS_ID, VSS_ID *), volume, provider,
                   &id));
        return id;
}

static void check_file(Object *backup, VSS_ID snapshot, const char *name, const char *text) {
        VSS_SNAPSHOT_PROP prop;

        CHECK(CALL(backup, GET_SNAPSHOT_PROPERTIES, (Object *, VSS_ID, VSS_SNAPSHOT_PROP *), snapshot,
                   &prop));
        MUST(scene_reads(prop.m_pwszSnapshotDeviceObject, name, text));
        VssFreeSnapshotProperties(&prop);
}

static const char heard_by_both[] =
        "Identify\nPrepareBackup copy\nPrepareSnapshot\nFreeze\nThaw\nPostSnapshot\nBackupComplete\n"
        "BackupShutdown\n";

/* Another program is in the middle of it, and goes away. */
static Object *somebody_else(Scene *scene) {
        Object *other = begin();
        VSS_ID set;

        CHECK(start(other, &set));
        (void) add(other, scene->volume, GUID_NULL);
        RUN(other, PREPARE_FOR_BACKUP);
        return other;
}

static void test_that_restic_saves_what_is_below_a_volume(void **state) {
        Scene *scene = scene_open();
        Object *other, *backup;
        VSS_ID set, snapshot, nested, nondeleted, provider;
        LONG deleted = 0;

        provider = find_provider(&scene_fake_provider);
        MUST(memcmp(&provider, &scene_fake_provider, sizeof(provider)) == 0);

        other = somebody_else(scene);
        backup = begin();
        EXPECT(start(backup, &set), VSS_E_SNAPSHOT_SET_IN_PROGRESS);
        release(other);
        scene_expect(scene, "Identify\nPrepareBackup copy\nIdentify\nAbort\nBackupShutdown\n",
                     "Identify\nPrepareBackup copy\nIdentify\nAbort\nBackupShutdown\n");
        CHECK(start(backup, &set));

        snapshot = add(backup, scene->volume, GUID_NULL);
        nested = add(backup, scene->nested, GUID_NULL);
        RUN(backup, PREPARE_FOR_BACKUP);
        RUN(backup, DO_SNAPSHOT_SET);
        check_file(backup, snapshot, "db/one.db", "rows\n");
        check_file(backup, nested, "inside", "nested\n");
        RUN(backup, BACKUP_COMPLETE);
        CHECK(CALL(backup, DELETE_SNAPSHOTS, (Object *, VSS_ID, VSS_OBJECT_TYPE, BOOL, LONG *, VSS_ID *),
                   set, VSS_OBJECT_SNAPSHOT_SET, TRUE, &deleted, &nondeleted));
        MUST(deleted == 2);
        release(backup);
        scene_expect(scene, heard_by_both + strlen("Identify\n"), heard_by_both + strlen("Identify\n"));

        /* And one that fails: every way out goes by AbortBackup. */
        backup = begin();
        CHECK(start(backup, &set));
        {
                WCHAR missing[] = L"\\no\\such\\volume\\";

                EXPECT(CALL(backup, ADD_TO_SNAPSHOT_SET, (Object *, WCHAR *, VSS_ID, VSS_ID *), missing,
                            GUID_NULL, &snapshot),
                       VSS_E_OBJECT_NOT_FOUND);
        }
        CHECK(CALL(backup, ABORT_BACKUP, (Object *) ));
        release(backup);
        scene_expect(scene, "Identify\n", "Identify\n");
        scene_close(scene);
}

int main(void) {
        return scene_run("test_that_restic_saves_what_is_below_a_volume",
                         test_that_restic_saves_what_is_below_a_volume);
}
