/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The Small Objects of Metadata
 *
 * IVssWMFiledesc and IVssWMDependency are copies, so they need no document. IVssWMComponent may have
 * 19,000 file sets; it shares its document, which is held by a counter and never changes once somebody looks
 * at it.
 */

#include <stdatomic.h>

#include <vsbackup.h>

#include "base/macro.h"
#include "doc/writer-doc.h"
#include "view/view-owner.h"

typedef struct WriterDocHolder {
        atomic_uint n_ref;
        WriterDoc *doc; /* owned; read only */
} WriterDocHolder;

/* Takes @doc over, on success. */
HRESULT writer_doc_holder_new(WriterDoc *doc, WriterDocHolder **ret);
WriterDocHolder *writer_doc_holder_ref(WriterDocHolder *h);
WriterDocHolder *writer_doc_holder_unref(WriterDocHolder *h); /* takes NULL, returns NULL */
DEFINE_CLEANUP(WriterDocHolder *, writer_doc_holder_unref)

/* @i past the end of @list: VSS_E_OBJECT_NOT_FOUND. @owner: the view it belongs to, or NULL. */
HRESULT wm_filedesc_new_at(const DocFileSpecs *list, UINT i, ViewOwner *owner, IVssWMFiledesc **ret);
HRESULT wm_dependency_new(const DocDependency *dependency, IVssWMDependency **ret);
/* @component is one of the holder's document. */
HRESULT wm_component_new(WriterDocHolder *holder,
                         const WriterDocComponent *component,
                         IVssWMComponent **ret);
