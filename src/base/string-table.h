/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Enums by Name
 *
 * One table per enum, used for logs, the bus, the catalog and the tests.
 */

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "base/macro.h"

#define DEFINE_STRING_TABLE_TO(name, type)                                      \
        const char *name##_to_string(type i) {                                  \
                if (i < 0 || i >= (type) ELEMENTSOF(name##_table))              \
                        return NULL;                                            \
                return name##_table[i];                                         \
        }

/* Defines name_to_string() and name_from_string() over name_table; unknown strings give -EINVAL. */
#define DEFINE_STRING_TABLE(name, type)                                         \
        DEFINE_STRING_TABLE_TO(name, type)                                      \
        type name##_from_string(const char *s) {                                \
                for (size_t i = 0; s && i < ELEMENTSOF(name##_table); ++i)      \
                        if (name##_table[i] && strcmp(name##_table[i], s) == 0) \
                                return (type) i;                                \
                return (type) -EINVAL;                                          \
        }
