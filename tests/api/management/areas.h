/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Storage Areas of One's Own
 *
 * What the tests of IVssDifferentialSoftwareSnapshotMgmt stand on: an umbrad, the management object of its
 * fake provider, whom tests can tell what to do, and shadow copies of one volume.
 */

#include <vsbackup.h>
#include <vsmgmt.h>

#include "api/fixture.h"

#define MiB (INT64_C(1) << 20)
#define DEFAULT_MINIMUM (320 * MiB)

typedef IVssDifferentialSoftwareSnapshotMgmt3 *Diff;

extern const VSS_ID system_id, fake_id, copy_id, unknown_id;

extern Fixture *fixture;
extern IVssSnapshotMgmt *mgmt;
extern Diff diff;    /* of the fake provider */
extern WCHAR *place; /* a directory on the file system that copies lie on */
extern WCHAR elsewhere[], nowhere[];

int areas_setup(void **state);
int areas_teardown(void **state);
/* umbrad again, after somebody has changed what it remembers. */
void areas_change_catalog(const char *sql);
/* What the fake provider is to do; see fake-script.h. */
void areas_script(const char *text);

Diff diff_of(VSS_ID provider_id);
HRESULT add_area(WCHAR *where, LONGLONG maximum);
HRESULT change_area(WCHAR *where, LONGLONG maximum);
HRESULT change_area_ex(WCHAR *where, LONGLONG maximum, BOOL is_volatile);

/* The elements of @list, which it releases; strings are freed, sizes stay. */
typedef struct Found {
        unsigned n;
        VSS_DIFF_AREA_PROP area;
        VSS_DIFF_VOLUME_PROP volume;
        bool is_ours; /* an area: of the fixture's volume */
} Found;

Found areas_take(IVssEnumMgmtObject *list);
Found areas_for_volume(void);
Found areas_on_volume(WCHAR *where);
Found areas_for_snapshot(VSS_ID snapshot_id);
/* There is one area, the volume's, with this limit. */
void areas_expect_maximum(LONGLONG maximum);

/* A shadow copy that lives as long as *ret, which release_copy() ends. */
HRESULT make_copy(VSS_ID provider_id, IVssBackupComponents **ret, VSS_ID *ret_id);
void release_copy(IVssBackupComponents *backup);
bool volume_has_no_copies(void *arg);
