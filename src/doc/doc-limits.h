/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What a document may be at most. "Too much" is an ordinary error: VSS_E_INVALID_XML_DOCUMENT. It holds in
 * both directions, so that whatever was written can be read again.
 */

#define DOCUMENT_SIZE_MAX (256U * 1024U * 1024U) /* that of 100,000 components has about 60 MiB */
#define WRITER_DOCUMENT_SIZE_MAX (16U * 1024U * 1024U)
#define DOCUMENT_DEPTH_MAX 32U
#define DOCUMENT_ATTRIBUTE_SIZE_MAX (8U * 1024U * 1024U) /* writers keep their own data in attributes */
#define DOCUMENT_WRITERS_MAX 16384U
#define DOCUMENT_COMPONENTS_MAX 262144U
#define DOCUMENT_LIST_MAX 262144U /* entries of any one list of a component */
#define DOCUMENT_ATTRIBUTES_MAX 128U /* of one element */
#define DOCUMENT_NAMESPACES_MAX 256U /* in scope at one element */
#define DOCUMENT_EXTRA_ATTRIBUTES_MAX 64U /* unknown ones; with ours they are still fewer than all */
#define DOCUMENT_EXTRA_MAX 4096U /* unknown elements in one element */
#define DOCUMENT_MODEL_SIZE_MAX (1024U * 1024U * 1024U) /* memory for the model, its texts not counted */
