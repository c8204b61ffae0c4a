/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * One Value of a Document
 */

#include "doc/doc-table.h"
#include "doc/xml-util.h"

/* Reads attribute @i into the member of @object that @f names. S_FALSE: a word that this version does not
 * know, to be kept as it is. VSS_E_INVALID_XML_DOCUMENT: it is no value of @f's type, and the member is as
 * it was. */
HRESULT doc_value_read(const DocField *f, const XmlElement *e, size_t i, bool escaped, void *object);
