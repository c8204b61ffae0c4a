/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * IVssComponentEx2
 *
 * One component of a backup or restore, for its writer and for the requester. It answers for IVssComponent
 * and IVssComponentEx, too.
 */

#include <vswriter.h>

#include "view/view-owner.h"

/* @component is one of the owner's document. Which setters work is the owner's rights, at the time of the
 * call. */
HRESULT component_new(ViewOwner *owner, BackupComponent *component, IVssComponentEx2 **ret);
