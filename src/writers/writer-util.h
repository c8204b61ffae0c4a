/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Small Words for Writers
 *
 * The API speaks wide strings and HRESULTs and hands components out one by one; what the writers that come
 * with umbra say in it again and again is said here.
 */

#include <stdbool.h>
#include <umbra-writer.h>

#include "base/macro.h"

/* Fails the callback that is running, with a sentence that goes to the requester and into the log. Returns
 * false, so that a callback can return it. @hr is VSS_E_WRITERERROR_... */
bool writer_fail(UmbraWriter *w, HRESULT hr, HRESULT hr_application, const char *format, ...)
        __attribute__((format(printf, 4, 5)));

/* What a component says: component_text(c, c->lpVtbl->GetComponentName, &name). *ret is NULL if it says
 * nothing. */
typedef HRESULT (*ComponentGetter)(IVssComponent *c, BSTR *ret);
int component_text(IVssComponent *c, ComponentGetter get, char **ret);

/* The same to it. */
typedef HRESULT (*ComponentSetter)(IVssComponent *c, LPCWSTR text);
HRESULT component_say(IVssComponent *c, ComponentSetter set, const char *text);

/* Where in the life of a component something went wrong. */
typedef enum ComponentEvent {
        COMPONENT_PREPARE_BACKUP,
        COMPONENT_POST_SNAPSHOT,
        COMPONENT_PRE_RESTORE,
        COMPONENT_POST_RESTORE,
} ComponentEvent;

/* This component failed, and why. To be followed by writer_fail() for the writer. */
void component_fail(IVssComponent *c, ComponentEvent event, HRESULT hr, const char *why);

/*
 * Calls @func for each component, all of them whatever it says, and counts. S_OK, or the failure of the list
 * itself; a component that @func returns false for is counted as failed.
 */
typedef struct ComponentCount {
        unsigned n, failed;
} ComponentCount;

HRESULT components_foreach(IVssWriterComponents *components,
                           bool (*func)(IVssComponent *c, void *userdata),
                           void *userdata,
                           ComponentCount *ret_count);
