/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Asking for an Express Writer
 *
 * Two questions to umbrad, each on a connection of its own: what they are about outlives the program that
 * asks. What failed is in umbra_last_error().
 */

#include <stddef.h>

#include <wintypes.h>

/* VSS_E_OBJECT_ALREADY_EXISTS, VSS_E_INVALID_XML_DOCUMENT, E_ACCESSDENIED; VSS_E_UNEXPECTED: nobody answers. */
HRESULT express_client_register(const char *document, size_t size);
/* VSS_E_OBJECT_NOT_FOUND. */
HRESULT express_client_unregister(const GUID *writer_id);
