/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The Components of one Writer
 *
 * For the requester IVssWriterComponentsExt, which is counted; for the writer IVssWriterComponents, which is
 * not and ends with the handler. Both are over one writer of a view's document.
 */

#include <vsbackup.h>

#include "view/view-owner.h"

HRESULT writer_components_ext_new(ViewOwner *owner, BackupWriter *writer, IVssWriterComponentsExt **ret);

typedef struct WriterComponents WriterComponents;

HRESULT writer_components_new(ViewOwner *owner, BackupWriter *writer, WriterComponents **ret);
IVssWriterComponents *writer_components_iface(WriterComponents *c);
WriterComponents *writer_components_free(WriterComponents *c); /* takes NULL, returns NULL */
DEFINE_CLEANUP(WriterComponents *, writer_components_free)
