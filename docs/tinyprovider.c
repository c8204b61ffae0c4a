/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The smallest provider: its shadow copies are copies, in $TINYPROVIDER or /var/lib/tinyprovider.
 *
 *     cc -shared -fPIC tinyprovider.c $(pkg-config --cflags --libs vssapi) -o tinyprovider.so
 *     install tinyprovider.so $LIBDIR/umbra/providers/0d15ea5e-0000-4000-8000-000000000001.so
 *     umbra provider register "Tiny copies" --class 0d15ea5e-0000-4000-8000-000000000001
 *
 * All it knows is in the names of its directories, SET/SNAPSHOT/tree, so any process can go on with what another has
 * begun. The file system of the volume is held while it copies: $TINYPROVIDER must lie on another.
 */

#include <dirent.h>
#include <oleauto.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <umbra-provider.h>
#include <vsserror.h>
#include <wchar.h>

#define SNAPSHOTS_MAX 1000

typedef char Name[39];

static const char *id(VSS_ID guid, Name name) {
        WCHAR wide[39];

        StringFromGUID2(&guid, wide, 39);
        for (int i = 0; i < 39; ++i)
                name[i] = (char) wide[i];
        return name;
}
#define ID(guid) id((guid), (Name){ 0 })

/* A shell does the work: $STORE, $SET, $SNAPSHOT and $VOLUME are set, and nothing is looked for in names. When this process
 * is killed the shell goes on; the lock lets whoever comes after wait until it has ended. */
static HRESULT shell(VSS_ID set, VSS_ID snapshot, const WCHAR *volume, const char *command) {
        char path[4096], locked[4096];

        snprintf(locked, sizeof(locked), "exec 9>>\"$STORE.lock\" && flock 9 && { %s\n}", command);
        snprintf(path, sizeof(path), "%ls", volume);
        if (setenv("STORE", getenv("TINYPROVIDER") ? getenv("TINYPROVIDER") : "/var/lib/tinyprovider", 1) < 0 ||
            setenv("SET", ID(set), 1) < 0 || setenv("SNAPSHOT", ID(snapshot), 1) < 0 || setenv("VOLUME", path, 1) < 0)
                return E_OUTOFMEMORY;
        return system(locked) == 0 ? S_OK : VSS_E_PROVIDER_VETO; /* the shell has said why, and umbra's log has it */
}

/* IVssSoftwareSnapshotProvider */

static HRESULT software_QueryInterface(IVssSoftwareSnapshotProvider *p, REFIID iid, void **ppv);
static ULONG software_AddRef(IVssSoftwareSnapshotProvider *p) { return 1; } /* there is one, and it stays */

static HRESULT SetContext(IVssSoftwareSnapshotProvider *p, LONG context) {
        return S_OK;
}

static WCHAR *copy_string(const char *s) {
        size_t size = (strlen(s) + 1) * sizeof(WCHAR);
        WCHAR *copy = CoTaskMemAlloc(size);

        if (copy)
                swprintf(copy, size / sizeof(WCHAR), L"%hs", s);
        return copy;
}

/* Where it can be read is all that umbra asks; the rest it knows better. */
static HRESULT GetSnapshotProperties(IVssSoftwareSnapshotProvider *p, VSS_ID snapshot, VSS_SNAPSHOT_PROP *prop) {
        char path[4096] = "";
        FILE *found;
        HRESULT hr;

        hr = shell(GUID_NULL, snapshot, L"", "test -d \"$STORE\"/*/$SNAPSHOT/tree");
        if (hr != S_OK)
                return VSS_E_OBJECT_NOT_FOUND;
        found = popen("echo -n \"$STORE\"/*/$SNAPSHOT/tree", "r");
        if (!found || !fgets(path, sizeof(path), found) || pclose(found) != 0)
                return VSS_E_PROVIDER_VETO;
        prop->m_SnapshotId = snapshot;
        prop->m_pwszSnapshotDeviceObject = copy_string(path);
        return prop->m_pwszSnapshotDeviceObject ? S_OK : E_OUTOFMEMORY;
}

static HRESULT enumerate(IVssEnumObject **list);

static HRESULT Query(IVssSoftwareSnapshotProvider *p, VSS_ID queried, VSS_OBJECT_TYPE type, VSS_OBJECT_TYPE returned,
                     IVssEnumObject **list) {
        return enumerate(list);
}

static HRESULT DeleteSnapshots(IVssSoftwareSnapshotProvider *p, VSS_ID source, VSS_OBJECT_TYPE type, BOOL force,
                               LONG *n_deleted, VSS_ID *nondeleted) {
        HRESULT hr;

        *n_deleted = 0;
        *nondeleted = source;
        if (shell(GUID_NULL, source, L"", "test -d \"$STORE\"/*/$SNAPSHOT") != S_OK)
                return VSS_E_OBJECT_NOT_FOUND;
        hr = shell(GUID_NULL, source, L"", "rm -rf \"$STORE\"/*/$SNAPSHOT; rmdir \"$STORE\"/* 2>&-; true");
        if (hr != S_OK)
                return hr;
        *n_deleted = 1;
        *nondeleted = GUID_NULL;
        return S_OK;
}

/* Once for each volume. Quick: what takes its time is done in EndPrepareSnapshots(). */
static HRESULT BeginPrepareSnapshot(IVssSoftwareSnapshotProvider *p, VSS_ID set, VSS_ID snapshot, VSS_PWSZ volume,
                                    LONG context) {
        return shell(set, snapshot, volume,
                     "mkdir -p \"$STORE\"/$SET/$SNAPSHOT && ln -s \"$VOLUME\" \"$STORE\"/$SET/$SNAPSHOT/volume");
}

static HRESULT IsVolumeSupported(IVssSoftwareSnapshotProvider *p, VSS_PWSZ volume, BOOL *supported) {
        /* A copy would wait for ever where its own file system is held. */
        *supported = shell(GUID_NULL, GUID_NULL, volume,
                           "mkdir -p \"$STORE\" && test $(stat -c %d \"$VOLUME\") != $(stat -c %d \"$STORE\")") == S_OK;
        return S_OK;
}

static HRESULT IsVolumeSnapshotted(IVssSoftwareSnapshotProvider *p, VSS_PWSZ volume, BOOL *present, LONG *compatibility) {
        *present = shell(GUID_NULL, GUID_NULL, volume,
                         "find \"$STORE\" -maxdepth 3 -lname \"$VOLUME\" | grep -q .") == S_OK;
        *compatibility = 0;
        return S_OK;
}

static HRESULT SetSnapshotProperty(IVssSoftwareSnapshotProvider *p, VSS_ID snapshot, VSS_SNAPSHOT_PROPERTY_ID property,
                                   VARIANT value) {
        return S_OK; /* umbra remembers them, too */
}

static HRESULT RevertToSnapshot(IVssSoftwareSnapshotProvider *p, VSS_ID snapshot) {
        return E_NOTIMPL;
}

static HRESULT QueryRevertStatus(IVssSoftwareSnapshotProvider *p, VSS_PWSZ volume, IVssAsync **async) {
        return E_NOTIMPL;
}

static const IVssSoftwareSnapshotProviderVtbl software_vtbl = {
        software_QueryInterface, software_AddRef, software_AddRef, SetContext, GetSnapshotProperties, Query,
        DeleteSnapshots, BeginPrepareSnapshot, IsVolumeSupported, IsVolumeSnapshotted, SetSnapshotProperty,
        RevertToSnapshot, QueryRevertStatus,
};
static IVssSoftwareSnapshotProvider software = { &software_vtbl };

/* IVssProviderCreateSnapshotSet */

static HRESULT set_QueryInterface(IVssProviderCreateSnapshotSet *p, REFIID iid, void **ppv) {
        return software_QueryInterface(&software, iid, ppv);
}

static ULONG set_AddRef(IVssProviderCreateSnapshotSet *p) { return 1; }

/* Applications still run: the first copy, so that CommitSnapshots() finds little to do. */
static HRESULT EndPrepareSnapshots(IVssProviderCreateSnapshotSet *p, VSS_ID set) {
        return shell(set, GUID_NULL, L"", "cd \"$STORE\"/$SET && for s in *; do cp -a $s/volume/. $s/tree; done");
}

static HRESULT PreCommitSnapshots(IVssProviderCreateSnapshotSet *p, VSS_ID set) {
        return S_OK;
}

/* Nothing is written to the volumes until this returns, or ten seconds are over: then all of it has failed. */
static HRESULT CommitSnapshots(IVssProviderCreateSnapshotSet *p, VSS_ID set) {
        return shell(set, GUID_NULL, L"",
                     "cd \"$STORE\"/$SET && for s in *; do rm -rf $s/tree && cp -a $s/volume/. $s/tree || exit 1; done");
}

static HRESULT PostCommitSnapshots(IVssProviderCreateSnapshotSet *p, VSS_ID set, LONG n) {
        return S_OK;
}

/* The tree can be written to all the time; read-only is how umbra shows it. */
static HRESULT PreFinalCommitSnapshots(IVssProviderCreateSnapshotSet *p, VSS_ID set) {
        return S_OK;
}

/* Whatever has come of the set, and also when nothing has; in another process than the one that failed. */
static HRESULT AbortSnapshots(IVssProviderCreateSnapshotSet *p, VSS_ID set) {
        return shell(set, GUID_NULL, L"", "rm -rf \"$STORE\"/$SET");
}

static const IVssProviderCreateSnapshotSetVtbl set_vtbl = {
        set_QueryInterface, set_AddRef, set_AddRef, EndPrepareSnapshots, PreCommitSnapshots, CommitSnapshots,
        PostCommitSnapshots, PreFinalCommitSnapshots, PreFinalCommitSnapshots, AbortSnapshots,
};
static IVssProviderCreateSnapshotSet create_set = { &set_vtbl };

static HRESULT software_QueryInterface(IVssSoftwareSnapshotProvider *p, REFIID iid, void **ppv) {
        *ppv = NULL;
        if (memcmp(iid, &IID_IUnknown, sizeof(*iid)) == 0 ||
            memcmp(iid, &IID_IVssSoftwareSnapshotProvider, sizeof(*iid)) == 0)
                *ppv = &software;
        else if (memcmp(iid, &IID_IVssProviderCreateSnapshotSet, sizeof(*iid)) == 0)
                *ppv = &create_set;
        return *ppv ? S_OK : E_NOINTERFACE;
}

HRESULT CreateVssProvider(REFCLSID class_id, REFIID iid, void **ppv) {
        return software_QueryInterface(&software, iid, ppv);
}

/* IVssEnumObject: what Query() found. One at a time, as umbra asks. */

static struct list { VSS_ID ids[SNAPSHOTS_MAX]; size_t n, next; } all;

static HRESULT list_QueryInterface(IVssEnumObject *p, REFIID iid, void **ppv) {
        *ppv = p;
        return S_OK;
}

static ULONG list_AddRef(IVssEnumObject *p) { return 1; }

static HRESULT Next(IVssEnumObject *p, ULONG n, VSS_OBJECT_PROP *prop, ULONG *n_fetched) {
        *n_fetched = 0;
        while (*n_fetched < n && all.next < all.n) {
                VSS_OBJECT_PROP *o = &prop[(*n_fetched)++];

                *o = (VSS_OBJECT_PROP){ .Type = VSS_OBJECT_SNAPSHOT };
                o->Obj.Snap.m_SnapshotId = all.ids[all.next++];
        }
        return *n_fetched == n ? S_OK : S_FALSE;
}

static HRESULT Skip(IVssEnumObject *p, ULONG n) {
        all.next = n < all.n - all.next ? all.next + n : all.n;
        return S_OK;
}

static HRESULT Reset(IVssEnumObject *p) {
        all.next = 0;
        return S_OK;
}

static HRESULT Clone(IVssEnumObject *p, IVssEnumObject **clone) {
        return E_NOTIMPL;
}

static const IVssEnumObjectVtbl list_vtbl = {
        list_QueryInterface, list_AddRef, list_AddRef, Next, Skip, Reset, Clone,
};
static IVssEnumObject the_list = { &list_vtbl };

static HRESULT enumerate(IVssEnumObject **list) {
        FILE *names;
        Name name;
        WCHAR wide[39];

        all = (struct list){ 0 };
        if (shell(GUID_NULL, GUID_NULL, L"", "true") != S_OK ||
            !(names = popen("cd \"$STORE\" && ls -d */* 2>&- | sed 's|.*/||'", "r")))
                return VSS_E_PROVIDER_VETO;
        while (all.n < SNAPSHOTS_MAX && fscanf(names, "%38s", name) == 1) {
                swprintf(wide, 39, L"%hs", name);
                if (SUCCEEDED(CLSIDFromString(wide, &all.ids[all.n])))
                        ++all.n;
        }
        pclose(names);
        *list = &the_list;
        return S_OK;
}
