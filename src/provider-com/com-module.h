/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A Provider of Others, Loaded
 *
 * The shared object that a class id names (vsadmin.h), and the interfaces of its object. There is one in a
 * process, which is loaded when it is first needed: what is wrong with it is then the answer to a question.
 */

#include <stdbool.h>

#include <umbra-provider.h>
#include <vsprov.h>

typedef struct ComModule {
        CLSID class_id;

        IUnknown *object;
        /* One of these three is there at least. */
        IVssHardwareSnapshotProvider *hardware;
        IVssSoftwareSnapshotProvider *software;
        IVssFileShareSnapshotProvider *share;
        IVssProviderCreateSnapshotSet *set;
        /* Each may be NULL. */
        IVssHardwareSnapshotProviderEx *hardware_ex;
        IVssProviderNotifications *notifications;
        IUmbraProviderTraits *traits;
        IUmbraProviderReason *reason;

        bool loaded; /* OnLoad() has succeeded */
} ComModule;

int com_module_load(ComModule *m); /* does nothing when it is */
void com_module_unload(ComModule *m);
