/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The Table of the Backup Components Document
 */

#include "doc/doc-table.h"

extern const DocFormat backup_doc_format;

extern const DocElement backup_component_element;
extern const DocElement partial_file_element;
extern const DocElement differenced_files_element;
extern const DocElement directed_target_element;
extern const DocElement restore_subcomponent_element;

/* What was just read or copied: into the index of what is around it. */
HRESULT backup_doc_writer_ready(void *parent, void *object);
HRESULT backup_doc_component_ready(void *parent, void *object);
void backup_component_init(void *object);
