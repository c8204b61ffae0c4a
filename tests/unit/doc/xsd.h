/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The schemas of docs/schema, by libxml2's own validator.
 */

#include <stdbool.h>
#include <stddef.h>

bool xsd_accepts(const char *schema, const char *text, size_t size);
