/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * umbra limit
 *
 * How much the snapshots of a volume may take, how much they do, and where they lie. Who limits one need not know where that is: umbrad is asked.
 */

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include <umbra.h>
#include <vsmgmt.h>

#include "base/alloc.h"
#include "base/strv.h"
#include "tools/snapshot-verbs.h"
#include "tools/table.h"
#include "tools/tool-vss.h"
#include "tools/verb.h"

#define SIZE_TEXT_MAX 32U

/* The id of Windows' system provider: all of umbra's. */
static const VSS_ID any_provider = { 0xb5946137, 0x7b9f, 0x4925, { 0xaf, 0x80, 0x51, 0xab, 0xd6, 0x0b, 0x20, 0xd5 } };

typedef struct Limit {
        IVssSnapshotMgmt *mgmt;
        IVssDifferentialSoftwareSnapshotMgmt2 *areas;
} Limit;

static void limit_clear(Limit *l) {
        if (l->areas)
                IVssDifferentialSoftwareSnapshotMgmt2_Release(l->areas);
        if (l->mgmt)
                IVssSnapshotMgmt_Release(l->mgmt);
}

static int limit_connect(Limit *l) {
        HRESULT hr;

        hr = CoCreateInstance(&CLSID_VssSnapshotMgmt, NULL, CLSCTX_ALL, &IID_IVssSnapshotMgmt, (void **) &l->mgmt);
        if (SUCCEEDED(hr))
                hr = IVssSnapshotMgmt_GetProviderMgmtInterface(l->mgmt, any_provider, &IID_IVssDifferentialSoftwareSnapshotMgmt2,
                                                               (IUnknown **) &l->areas);
        return FAILED(hr) ? tool_refused(hr) : EXIT_OK;
}

/* Where the copies of a volume lie, or would. */
typedef struct Place {
        WCHAR *name;
        char *mount_point;
        LONGLONG total;
} Place;

static void place_clear(Place *p) {
        CoTaskMemFree(p->name);
        free(p->mount_point);
}

static HRESULT find_place(const Limit *l, WCHAR *volume, Place *ret) {
        IVssEnumMgmtObject *list = NULL;
        VSS_MGMT_OBJECT_PROP prop;
        ULONG n = 0;
        HRESULT hr;

        hr = IVssDifferentialSoftwareSnapshotMgmt2_QueryVolumesSupportedForDiffAreas(l->areas, volume, &list);
        if (FAILED(hr))
                return hr;
        hr = IVssEnumMgmtObject_Next(list, 1, &prop, &n);
        IVssEnumMgmtObject_Release(list);
        if (hr != S_OK)
                return FAILED(hr) ? hr : VSS_E_OBJECT_NOT_FOUND;

        ret->name = prop.Obj.DiffVol.m_pwszVolumeName;
        ret->mount_point = tool_text(prop.Obj.DiffVol.m_pwszVolumeDisplayName);
        ret->total = prop.Obj.DiffVol.m_llVolumeTotalSpace;
        CoTaskMemFree(prop.Obj.DiffVol.m_pwszVolumeDisplayName);
        return S_OK;
}

/* Sizes */

/* For people "1.5G", for programs bytes. NULL when nobody knows, or there is no limit. */
static const char *size_text(LONGLONG size, char text[SIZE_TEXT_MAX]) {
        static const char units[] = "BKMGTPE";
        double scaled = (double) size;
        unsigned unit = 0;

        if (size < 0)
                return NULL;
        if (tool_json) {
                (void) snprintf(text, SIZE_TEXT_MAX, "%" PRId64, (int64_t) size);
                return text;
        }
        for (; scaled >= 1024 && unit + 2 < sizeof(units); ++unit)
                scaled /= 1024;
        (void) snprintf(text, SIZE_TEXT_MAX, unit == 0 || scaled >= 100 ? "%.0f%c" : "%.1f%c", scaled, units[unit]);
        return text;
}

/* "10G", "10%" of the storage, "none". */
static bool parse_size(const char *text, LONGLONG total, LONGLONG *ret) {
        static const char units[] = "KMGT";
        const char *unit;
        unsigned shift;
        long long n;
        char *end;

        if (strcmp(text, "none") == 0) {
                *ret = VSS_ASSOC_NO_MAX_SPACE;
                return true;
        }
        errno = 0;
        n = strtoll(text, &end, 10);
        if (end == text || errno != 0 || n <= 0)
                return false;
        if (strcmp(end, "%") == 0) {
                *ret = total / 100 * n;
                return n <= 100;
        }
        unit = *end ? strchr(units, *end) : NULL;
        shift = unit ? 10 * (unsigned) (unit - units + 1) : 0;
        if ((*end && (!unit || end[1])) || n > INT64_MAX >> shift)
                return false;
        *ret = n << shift;
        return true;
}

/* list */

static void add_area(Table *t, const char *volume, const Place *place, const VSS_DIFF_AREA_PROP *area) {
        char used[SIZE_TEXT_MAX], allocated[SIZE_TEXT_MAX], maximum[SIZE_TEXT_MAX];
        _cleanup_(freep) char *name = tool_text(area->m_pwszDiffAreaVolumeName);
        bool known = place->name && wcscmp(place->name, area->m_pwszDiffAreaVolumeName) == 0;

        TABLE_ADD(t, volume, known ? place->mount_point : name, size_text(area->m_llUsedDiffSpace, used),
                  size_text(area->m_llAllocatedDiffSpace, allocated), size_text(area->m_llMaximumDiffSpace, maximum));
}

static HRESULT list_volume(const Limit *l, const char *volume, Table *t) {
        _cleanup_(freep) WCHAR *wide = tool_wide(volume);
        _cleanup_(place_clear) Place place = { 0 };
        IVssEnumMgmtObject *list = NULL;
        VSS_MGMT_OBJECT_PROP prop;
        ULONG n = 0;
        HRESULT hr;

        hr = IVssDifferentialSoftwareSnapshotMgmt2_QueryDiffAreasForVolume(l->areas, wide, &list);
        if (FAILED(hr))
                return hr;
        (void) find_place(l, wide, &place); /* without it the name is shown */
        while ((hr = IVssEnumMgmtObject_Next(list, 1, &prop, &n)) == S_OK) {
                add_area(t, volume, &place, &prop.Obj.DiffArea);
                CoTaskMemFree(prop.Obj.DiffArea.m_pwszVolumeName);
                CoTaskMemFree(prop.Obj.DiffArea.m_pwszDiffAreaVolumeName);
        }
        IVssEnumMgmtObject_Release(list);
        return FAILED(hr) ? hr : S_OK;
}

static HRESULT add_mounts(const Limit *l, char ***volumes) {
        IVssEnumMgmtObject *list = NULL;
        VSS_MGMT_OBJECT_PROP prop;
        ULONG n = 0;
        HRESULT hr;

        hr = IVssSnapshotMgmt_QueryVolumesSupportedForSnapshots(l->mgmt, any_provider, VSS_CTX_ALL, &list);
        while (SUCCEEDED(hr) && (hr = IVssEnumMgmtObject_Next(list, 1, &prop, &n)) == S_OK) {
                if (strv_consume(volumes, tool_text(prop.Obj.Vol.m_pwszVolumeDisplayName)) < 0)
                        hr = E_OUTOFMEMORY;
                CoTaskMemFree(prop.Obj.Vol.m_pwszVolumeName);
                CoTaskMemFree(prop.Obj.Vol.m_pwszVolumeDisplayName);
        }
        if (list)
                IVssEnumMgmtObject_Release(list);
        return FAILED(hr) ? hr : S_OK;
}

static bool add_original(const VSS_SNAPSHOT_PROP *p, void *userdata) {
        _cleanup_(freep) char *volume = tool_text(p->m_pwszOriginalVolumeName);
        char ***volumes = userdata;

        for (size_t n = strlen(volume); n > 1 && volume[n - 1] == '/'; --n)
                volume[n - 1] = '\0';
        return strv_contains(*volumes, volume) || strv_append(volumes, volume) >= 0;
}

/* What is mounted, and the directories and subvolumes that have snapshots. */
static int list_all(const Limit *l, Table *t) {
        _cleanup_(backup_releasep) IVssBackupComponents *backup = NULL;
        _cleanup_(strv_freep) char **volumes = NULL;
        size_t n_mounts;
        HRESULT hr;
        int code;

        backup = snapshot_connect(&code);
        if (!backup)
                return code;
        hr = add_mounts(l, &volumes);
        n_mounts = strv_length(volumes);
        if (SUCCEEDED(hr))
                hr = for_each_snapshot(backup, add_original, &volumes);
        for (size_t i = 0; i < strv_length(volumes) && SUCCEEDED(hr); ++i) {
                hr = list_volume(l, volumes[i], t);
                if (FAILED(hr) && i >= n_mounts)
                        hr = S_OK; /* it has gone, and its snapshots are still there */
        }
        return FAILED(hr) ? tool_fail(hr, "Cannot list the storage of snapshots") : EXIT_OK;
}

static int run_list(const Limit *l, int n, char *const *volumes) {
        static const char *const headings[] = { "VOLUME", "STORAGE", "USED", "ALLOCATED", "MAXIMUM", NULL };
        _cleanup_(table_freep) Table *t = table_new(headings);
        int code = n == 0 ? list_all(l, t) : EXIT_OK;
        HRESULT hr;

        if (code != EXIT_OK)
                return code;
        for (int i = 0; i < n; ++i) {
                _cleanup_(freep) char *path = realpath(volumes[i], NULL);

                hr = list_volume(l, path ?: volumes[i], t);
                if (FAILED(hr))
                        return tool_fail(hr, "Cannot tell about '%s'", volumes[i]);
        }
        table_print(t, tool_json, "There are no snapshots and no limits.");
        return EXIT_OK;
}

/* set, remove */

static int run_set(const Limit *l, const char *volume, const char *size, bool until_reboot) {
        _cleanup_(freep) char *path = realpath(volume, NULL);
        _cleanup_(place_clear) Place place = { 0 };
        _cleanup_(freep) WCHAR *wide = NULL;
        LONGLONG maximum = VSS_ASSOC_REMOVE;
        HRESULT hr;

        if (!path)
                return tool_error("%s: %m", volume);
        wide = tool_wide(path);
        hr = find_place(l, wide, &place);
        if (FAILED(hr))
                return tool_fail(hr, "Cannot tell where the snapshots of '%s' lie", path);
        if (size && !parse_size(size, place.total, &maximum)) {
                fprintf(stderr, "umbra: '%s' is no size; 10G would be, 10%%, or none.\n", size);
                return EXIT_USAGE;
        }
        hr = IVssDifferentialSoftwareSnapshotMgmt2_ChangeDiffAreaMaximumSizeEx(l->areas, wide, place.name, maximum, until_reboot);
        if (FAILED(hr)) {
                int code = tool_fail(hr, size ? "Cannot limit the snapshots of '%s'" : "Cannot remove the limit of '%s'", path);

                if (!size && hr == VSS_E_VOLUME_IN_USE)
                        fprintf(stderr, "'umbra limit set %s none' takes the limit away, and leaves the snapshots.\n", volume);
                return code;
        }
        if (size)
                tool_say("The next snapshot of '%s' obeys it; those that exist stay.", path);
        return EXIT_OK;
}

static int dispatch(const Limit *l, int argc, char *argv[], bool until_reboot) {
        const char *what = argc > 0 ? argv[0] : "list";

        if (strcmp(what, "list") == 0 && !until_reboot)
                return run_list(l, argc > 0 ? argc - 1 : 0, argv + 1);
        if (strcmp(what, "set") == 0 && argc == 3)
                return run_set(l, argv[1], argv[2], until_reboot);
        if (strcmp(what, "remove") == 0 && argc == 2 && !until_reboot)
                return run_set(l, argv[1], NULL, false);
        fprintf(stderr, "umbra limit wants list, set VOLUME SIZE or remove VOLUME; see umbra limit --help\n");
        return EXIT_USAGE;
}

static int run_limit(int argc, char *argv[]) {
        enum { OPT_UNTIL_REBOOT = 1 };
        static const struct option options[] = {
                { "until-reboot", no_argument, NULL, OPT_UNTIL_REBOOT },
                TOOL_OPTIONS,
                { 0 },
        };
        _cleanup_(limit_clear) Limit l = { 0 };
        bool until_reboot = false;
        int opt, r, code;

        optind = 0;
        while ((opt = getopt_long(argc, argv, "h", options, NULL)) >= 0)
                if (opt == OPT_UNTIL_REBOOT)
                        until_reboot = true;
                else {
                        r = tool_option(opt == 'h' ? TOOL_OPT_HELP : opt, &verb_limit);
                        if (r != 0)
                                return r > 0 ? EXIT_OK : EXIT_USAGE;
                }
        code = limit_connect(&l);
        return code != EXIT_OK ? code : dispatch(&l, argc - optind, argv + optind, until_reboot);
}

const Verb verb_limit = {
        .name = "limit",
        .summary = "how much room the snapshots of a volume take, and may take",
        .help = "umbra limit [list [VOLUME…]] [--json]\n"
                "umbra limit set VOLUME SIZE|PERCENT%|none [--until-reboot]\n"
                "umbra limit remove VOLUME\n\n"
                "What all snapshots of a volume together may take, counted when the next one is made: it fails when there\n"
                "is no room left. Those that exist are never deleted for it. remove forgets the limit and, as it ends the\n"
                "storage area, wants that there are no snapshots; none is a storage area without a limit.\n\n"
                "  --until-reboot  afterwards the limit from before holds again\n"
                "  --json          as JSON, with sizes in bytes\n",
        .run = run_limit,
};
