/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The Table of the Writer Metadata Document
 */

#include "doc/doc-table.h"

extern const DocFormat writer_doc_format;

/* Puts the component that was just read or copied into the index of its document. */
HRESULT writer_doc_component_ready(void *parent, void *object);

/* Shared with the other document: what a mapping and a new target are. */
extern const DocElement alternate_location_mapping_element;
