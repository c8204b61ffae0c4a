/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Allocation
 *
 * Arrays that grow and strings that are built, with every multiplication checked. All return -ENOMEM rather than
 * abort: umbra must be able to thaw when memory is short.
 */

#include <stdbool.h>
#include <stddef.h>

/* Makes room for @n elements of @size in *(void **) @array, whose capacity is *@capacity (doubling; new room is
 * zeroed). On failure the array is as before. */
int array_reserve(void *array, size_t *capacity, size_t n, size_t size);
#define ARRAY_RESERVE(array, capacity, n) array_reserve(&(array), &(capacity), (n), sizeof(*(array)))

/* n * size bytes of zero; NULL on overflow. */
void *calloc_checked(size_t n, size_t size);

/* strdup() that maps NULL to NULL: *ret is NULL for NULL. Returns 0 or -ENOMEM. */
int strdup_to(const char *s, char **ret);

/* Replaces *@dest (freed) by a copy of @s; NULL clears. */
int free_and_strdup(char **dest, const char *s);

/* asprintf() that returns 0 or -ENOMEM. */
int format_to(char **ret, const char *format, ...) __attribute__((format(printf, 2, 3)));
