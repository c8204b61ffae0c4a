/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * LUNs in JSON
 *
 * {"device": "/dev/sdb", "serial": "…", "vendor": "…", "product": "…", "revision": "…"}: what is not known is not there.
 */

#include <jansson.h>

#include <vsprov.h>

/* @devices may be NULL. NULL: out of memory. */
json_t *array_luns_to_json(const VDS_LUN_INFORMATION *luns, size_t n, VSS_PWSZ *devices);
/* Fills @n of them from the list of that name in what a script wrote; each needs a serial number. */
HRESULT array_luns_from_json(const json_t *o, VDS_LUN_INFORMATION *luns, size_t n);
