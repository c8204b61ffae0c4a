/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Providers of Volumes
 *
 * IVssSoftwareSnapshotProvider and IVssFileShareSnapshotProvider are the same methods under other names; here they
 * are one face. Each function makes one call and translates what came back.
 */

#include <stdint.h>

#include <vsprov.h>

#include "provider-com/com-module.h"
#include "provider/provider.h"

/* "/srv/" for "/srv": what is at the end on Windows. The provider may write into it. */
int com_volume_name(const char *volume, WCHAR **ret);

int com_volume_set_context(ComModule *m, uint32_t context);
int com_volume_is_supported(ComModule *m, const char *volume, BOOL *ret);
int com_volume_is_snapshotted(ComModule *m, const char *volume, BOOL *ret_present, LONG *ret_compatibility);
/* @provider_id is told to those of file shares only. */
int com_volume_begin_prepare(ComModule *m, const ProviderSnapshot *s, const GUID *provider_id);
/* The device alone, checked: an absolute path; caller frees. */
int com_volume_device(ComModule *m, const ProviderSnapshot *s, char **ret);
/* -ENOENT: it does not list the snapshot. */
int com_volume_find(ComModule *m, const GUID *snapshot_id);
int com_volume_delete(ComModule *m, const GUID *snapshot_id);
/* @value: NULL for none. */
int com_volume_set_property(ComModule *m,
                            const GUID *snapshot_id,
                            VSS_SNAPSHOT_PROPERTY_ID property,
                            const char *value);
