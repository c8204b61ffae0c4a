/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The Index of a Backup Set
 *
 * One line for each member, in the order of the tar:
 *
 *      TYPE SHA256-OF-THE-BYTES SHA256-OF-EVERYTHING-ELSE SIZE NAME
 *
 * TYPE is 'f', 'r' (certain ranges of a file), 'd', 'l' (symbolic link), 'h' (hard link), 'p', 'c', 'b', or
 * '!' for a file of which not everything could be read. The bytes are those in the tar, that is without holes; "-" for what has none. In
 * the name control characters and backslashes are \xHH.
 */

#include <stdbool.h>
#include <stdint.h>

#include "tools/digest.h"

typedef struct SetIndexLine {
        char type;
        uint8_t content[DIGEST_SIZE]; /* zero where there are no bytes */
        uint8_t metadata[DIGEST_SIZE];
        uint64_t size;
        char *name;
} SetIndexLine;

void set_index_line_clear(SetIndexLine *line);

/* With a line feed at the end. */
int set_index_line_format(const SetIndexLine *line, char **ret);
/* Without one. -EBADMSG for anything but what format makes. */
int set_index_line_parse(const char *text, SetIndexLine *ret);

/* Control characters and backslashes become \xHH, and back (-EBADMSG for anything but what the first makes).
 */
int set_name_escape(const char *name, char **ret);
int set_name_unescape(const char *escaped, char **ret);

/* A name that leads nowhere but below the place of the data, or one of the set's own: no "..", no "." in
 * between, not absolute, no doubled slash. */
bool set_member_name_is_safe(const char *name);

/* The text of umbra/end.json, the one form it has. */
int set_end_format(uint64_t members, uint64_t index_size, const char *index_digest, char **ret);
