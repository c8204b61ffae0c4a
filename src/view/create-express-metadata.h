/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * IVssCreateExpressWriterMetadata
 *
 * The document of a writer that is no process, in the making. Its methods are those of
 * IVssCreateWriterMetadata, in another order and with fewer liberties; so each looks at what an express
 * writer may not say, and leaves the rest to view/create-metadata.c.
 */

#include <vswriter.h>

#include "doc/writer-doc.h"

/* Takes @doc over, on success. */
HRESULT create_express_metadata_new(WriterDoc *doc, IVssCreateExpressWriterMetadata **ret);
