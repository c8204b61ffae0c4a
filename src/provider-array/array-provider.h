/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Arrays by Script, as a Provider
 *
 * What the parts of the object share. There is one in a process.
 */

#include <umbra-provider.h>
#include <vsprov.h>

#include "com/com-object.h"

typedef struct ArrayProvider {
        ComObject com;
        IVssHardwareSnapshotProviderEx IVssHardwareSnapshotProviderEx_iface;
        IVssProviderCreateSnapshotSet IVssProviderCreateSnapshotSet_iface;
        IVssProviderNotifications IVssProviderNotifications_iface;
        IUmbraProviderReason IUmbraProviderReason_iface;
} ArrayProvider;

extern const IVssProviderCreateSnapshotSetVtbl array_set_vtbl;
extern const IVssProviderNotificationsVtbl array_notifications_vtbl;

struct json_t;

/* Runs resync-luns in a thread of its own; takes @request over. */
HRESULT array_resync_start(struct json_t *request, IVssAsync **ret);
