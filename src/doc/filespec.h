/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * File Specifications
 *
 * path + pattern + recursive: does this file belong? '*' and '?' as in the Windows API, bytes compared
 * exactly; a pattern never crosses a slash. Both separators are taken in @path, a trailing one is forgiven.
 */

#include <stdbool.h>

#include "doc/writer-doc.h"

bool filespec_match_name(const char *pattern, const char *name);
/* @file: absolute path, normalised. */
bool filespec_matches(const DocFileSpec *spec, const char *file);
/* Backslashes become slashes, "." and doubled slashes go, ".." is refused (-EINVAL), no trailing slash but
 * for "/". */
int path_normalise(const char *path, char **ret);
/* Is @path @directory itself or something below it? Both normalised. */
bool path_is_below(const char *path, const char *directory);
