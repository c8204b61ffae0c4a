/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * What Is in the State Directory
 *
 * Names that both umbrad and a provider need that takes the directory along where a volume becomes what it was: what umbra
 * knows is to be what it is now (left-behind.h).
 */

#define STATE_CATALOG "catalog.sqlite"
#define STATE_CATALOG_JOURNAL STATE_CATALOG "-journal"
#define STATE_CATALOG_TAKEN "catalog.taken" /* what becomes the catalog where it is taken to */
#define STATE_LEFT_BEHIND "left-behind" /* what is here was taken along, and is not what counts; stays here */
