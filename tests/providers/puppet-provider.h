/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A Provider That Does What It Is Told
 *
 * What the parts of the puppet share; what it can be told is in puppet-provider.c.
 */

#include <stdarg.h>
#include <stdbool.h>

#include <umbra-provider.h>
#include <vsprov.h>

#include "com/com-object.h"

typedef struct Puppet {
        ComObject com;
        IVssSoftwareSnapshotProvider IVssSoftwareSnapshotProvider_iface;
        IVssFileShareSnapshotProvider IVssFileShareSnapshotProvider_iface;
        IVssHardwareSnapshotProviderEx IVssHardwareSnapshotProviderEx_iface;
        IVssProviderCreateSnapshotSet IVssProviderCreateSnapshotSet_iface;
        IVssProviderNotifications IVssProviderNotifications_iface;
        IUmbraProviderTraits IUmbraProviderTraits_iface;
} Puppet;

/* Writes the call down; S_OK: go on. Does not return when it is told to crash. */
HRESULT puppet_step(const char *method, const char *format, ...) __attribute__((format(printf, 2, 3)));
HRESULT puppet_call(const char *method); /* one without arguments worth a note */
char *puppet_told(const char *method);
bool puppet_lies(const char *method, const char *what);

HRESULT puppet_run(const char *format, ...) __attribute__((format(printf, 1, 2))); /* a shell's command */

extern const IVssHardwareSnapshotProviderExVtbl puppet_luns_vtbl;

/* One whose Wait() and QueryStatus() are told by the script: "status" is the result, pending for the first few
 * questions. */
HRESULT puppet_async_new(IVssAsync **ret);
