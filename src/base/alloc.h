/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Allocation
 *
 * Arrays that grow and strings that are built, with every multiplication checked. All return -ENOMEM rather
 * than abort: umbra must be able to thaw when memory is short. That every caller lives with that is tested,
 * by letting each allocation fail in turn; so whoever allocates in src/ does it through these functions.
 */

#include <stdbool.h>
#include <stddef.h>

/* Makes room for @n elements of @size in *(void **) @array, whose capacity is *@capacity (doubling; new room
 * is zeroed). On failure the array is as before. */
int array_reserve(void *array, size_t *capacity, size_t n, size_t size);
#define ARRAY_RESERVE(array, capacity, n) array_reserve(&(array), &(capacity), (n), sizeof(*(array)))

/* n * size bytes of zero; NULL on overflow. */
void *calloc_checked(size_t n, size_t size);

/* realloc() to n * size bytes; new room is not cleared. NULL on overflow, and then @p is as before. */
void *realloc_checked(void *p, size_t n, size_t size);

/* strdup() that maps NULL to NULL: *ret is NULL for NULL. Returns 0 or -ENOMEM. */
int strdup_to(const char *s, char **ret);

/* Replaces *@dest (freed) by a copy of @s; NULL clears. On failure *@dest is as before. @s may be part of
 * *@dest. */
int free_and_strdup(char **dest, const char *s);

/* asprintf() that returns 0 or -ENOMEM. */
int format_to(char **ret, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* For tests: the @n-th allocation from now (0 is the next one), by whatever thread, returns NULL. Later ones
 * succeed. */
void fault_fail_allocation(unsigned n);
void fault_clear(void);
