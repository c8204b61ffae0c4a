/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * A Tree with One of Everything
 *
 * What a copy may get wrong: owners, modes, times, attributes, access control lists, names that are not
 * UTF-8, files with several names, links to nowhere, pipes, devices, files with holes, an empty one and a
 * large one, directories nobody may enter. What needs root is left out without it.
 */

#define TREE_SPARSE_NAME "sparse" /* this one has much more size than data */

void tree_make(const char *dir);
/* Changes everything that tree_make() made: contents, names, metadata. */
void tree_spoil(const char *dir);
