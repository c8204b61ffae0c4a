/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Documents with Everything in Them
 *
 * Fills a model by its table, so that a field added to a table is tested without anybody thinking of it, and
 * compares two models the same way.
 */

#include <stdbool.h>

#include "doc/backup-doc.h"
#include "doc/doc-table.h"
#include "doc/writer-doc.h"

/* Every field set, every list with @n_items items, every text another one and hard to write down in XML. */
BackupDoc *backup_doc_filled(unsigned n_items);
WriterDoc *writer_doc_filled(unsigned n_items);

bool doc_equal(const DocElement *e, const void *a, const void *b);
