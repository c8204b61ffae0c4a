/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * HRESULT
 *
 * The table of every code umbra knows: value, name and a sentence for people; and the one exchange office
 * between errno and HRESULT. A caller who knows more than errno can say translates for itself first.
 */

#include <wintypes.h>

HRESULT hresult_from_errno(int r); /* r <= 0; 0 is S_OK; unknown is VSS_E_UNEXPECTED */
int errno_from_hresult(HRESULT hr); /* 0 for success codes; unknown is -EIO */
const char *hresult_name(HRESULT hr); /* "VSS_E_BAD_STATE"; unknown: "0x8…" in a thread-local buffer */
int hresult_from_name(const char *name, HRESULT *ret); /* a name of the table; -ENOENT */
const char *hresult_sentence(HRESULT hr); /* "the call was made in the wrong state or order"; never NULL */
