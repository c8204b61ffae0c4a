/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * IVssCreateWriterMetadataEx
 *
 * A writer describes itself, in OnIdentify() or OnIdentifyEx(), into a document of ours. What the interface
 * accepts is always a valid document.
 */

#include <vswriter.h>

#include "base/macro.h"
#include "doc/writer-doc.h"

typedef struct CreateMetadata CreateMetadata;

/* @doc is borrowed until create_metadata_close(). It knows its writer id already: no component may depend on
 * its own writer. */
HRESULT create_metadata_new(WriterDoc *doc, CreateMetadata **ret);
/* For OnIdentifyEx(); for OnIdentify() the same pointer is an IVssCreateWriterMetadata. */
IVssCreateWriterMetadataEx *create_metadata_iface(CreateMetadata *m);
/* The handler is over: from here on every method says VSS_E_UNEXPECTED. Calls that are under way have
 * ended. */
void create_metadata_close(CreateMetadata *m);
/* Closes it, and drops our reference. A writer may have taken some of its own, which keep the object and not
 * the document. Takes NULL, returns NULL. */
CreateMetadata *create_metadata_free(CreateMetadata *m);
DEFINE_CLEANUP(CreateMetadata *, create_metadata_free)
