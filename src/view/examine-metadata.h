/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * IVssExamineWriterMetadataEx2
 *
 * What a writer said about itself, or what was saved of it with a backup.
 */

#include <vsbackup.h>

#include "doc/writer-doc.h"

/* Takes @doc over, on success. */
HRESULT examine_metadata_new(WriterDoc *doc, IVssExamineWriterMetadataEx2 **ret);
/* E_INVALIDARG for NULL, VSS_E_INVALID_XML_DOCUMENT whether malformed or not a metadata document.
 * [MS: nf-vsbackup-createvssexaminewritermetadata] */
HRESULT examine_metadata_from_xml(const WCHAR *xml, IVssExamineWriterMetadataEx2 **ret);
