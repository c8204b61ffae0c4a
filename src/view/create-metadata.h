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

/* @doc is borrowed until create_metadata_free(). It knows its writer id already: no component may depend on
 * its own writer. */
HRESULT create_metadata_new(WriterDoc *doc, CreateMetadata **ret);
/* For OnIdentifyEx(); for OnIdentify() the same pointer is an IVssCreateWriterMetadata. */
IVssCreateWriterMetadataEx *create_metadata_iface(CreateMetadata *m);
/* Takes NULL, returns NULL. References that the writer took with AddRef() do not count: it ends with the
 * handler. */
CreateMetadata *create_metadata_free(CreateMetadata *m);
DEFINE_CLEANUP(CreateMetadata *, create_metadata_free)
