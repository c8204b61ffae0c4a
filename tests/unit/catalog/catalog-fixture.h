/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What the Tests of the Catalog Put into It
 */

#include "catalog/catalog.h"

/* Two snapshots of one set. All strings are literals, so nothing is freed. */
void make_set(CatalogSnapshot snapshots[2]);
/* The file 'catalog' in @dir. */
Catalog *open_in(const char *dir);
size_t count(Catalog *c, CatalogState state);
void assert_state(Catalog *c, const GUID *id, CatalogState state);
