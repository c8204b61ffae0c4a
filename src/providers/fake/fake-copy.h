/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Copies all of @source to @target (which is made where it is not there yet), but neither @store nor what is
 * mounted below. */
int fake_copy_tree(const char *source, const char *target, const char *store);
