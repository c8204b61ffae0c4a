/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Saying something of a Component
 *
 * Sixteen methods of a requester have one form: name a component, say one thing about it. component_edit()
 * checks the order of calls, finds the component, holds the document and calls a little function that says
 * the one thing.
 *
 * Most of the methods name the writer by its class alone. Where the document has several instances of it
 * with such a component, all of them are meant.
 */

#include "requester/backup-components.h"

/* How a method names a component. */
typedef struct ComponentKey {
        GUID instance_id; /* GUID_NULL: any */
        GUID writer_id;
        VSS_COMPONENT_TYPE type;
        LPCWSTR logical_path, name;
} ComponentKey;

/* With the lock of the object and of its document. */
typedef HRESULT (*ComponentEdit)(BackupComponents *b, BackupWriter *w, BackupComponent *c, const void *arg);

HRESULT component_edit(BackupIface iface,
                       SessionCall call,
                       const char *method,
                       const ComponentKey *key,
                       ComponentEdit edit,
                       const void *arg);
/* Sets the char * at @offset in BackupComponent. @wide must not be NULL. */
HRESULT component_edit_text(BackupIface iface,
                            SessionCall call,
                            const char *method,
                            const ComponentKey *key,
                            size_t offset,
                            LPCWSTR wide);
/* The same, where there is more to it: @arg of @edit is the text, a char *. */
HRESULT component_edit_wide(BackupIface iface,
                            SessionCall call,
                            const char *method,
                            const ComponentKey *key,
                            LPCWSTR wide,
                            ComponentEdit edit);
/* Sets the Tristate at @offset. */
HRESULT component_edit_flag(BackupIface iface,
                            SessionCall call,
                            const char *method,
                            const ComponentKey *key,
                            size_t offset,
                            bool value);
