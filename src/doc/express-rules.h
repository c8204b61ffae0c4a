/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What an Express Writer May Say
 *
 * An express writer is its document and no process: nobody comes to rest for it, moves its files aside or
 * answers when they are restored. So its document may promise less than that of other writers. The methods
 * of IVssCreateExpressWriterMetadata keep to that; documents that come from elsewhere are held against it by
 * whoever loads or registers them. [MS: nn-vswriter-ivsscreateexpresswritermetadata]
 */

#include "doc/writer-doc.h"

bool express_usage_is_valid(VSS_USAGE_TYPE usage);
bool express_component_is_valid(VSS_COMPONENT_TYPE type, uint32_t flags);
/* Not "always for full backups and never else" alone: 0xF0F, which is what a caller says who says nothing,
 * is allowed as well. */
bool express_backup_type_is_valid(uint32_t mask);
/* A directory of this machine: no share of another. */
bool express_path_is_local(const char *path);
bool express_restore_method_is_valid(VSS_RESTOREMETHOD_ENUM method, VSS_WRITERRESTORE_ENUM writer_restore);
bool express_schema_is_valid(uint32_t schema);

/* S_OK, or VSS_E_INVALID_XML_DOCUMENT and in *ret_why a sentence about the first thing that is wrong. */
HRESULT express_document_check(const WriterDoc *d, const char **ret_why);
