/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Macros
 *
 * The few words that every file of the house uses. Anything cleverer than this belongs into a function.
 */

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>

#define ELEMENTSOF(x) (sizeof(x) / sizeof((x)[0]))
#define container_of(ptr, type, member) ((type *) ((char *) (ptr) - offsetof(type, member)))

#define MIN(a, b)                                       \
        ({                                              \
                typeof(a) _min_a = (a);                 \
                typeof(b) _min_b = (b);                 \
                _min_a < _min_b ? _min_a : _min_b;      \
        })
#define MAX(a, b)                                       \
        ({                                              \
                typeof(a) _max_a = (a);                 \
                typeof(b) _max_b = (b);                 \
                _max_a > _max_b ? _max_a : _max_b;      \
        })

/* Run func(&variable) when the variable goes out of scope. */
#define _cleanup_(func) __attribute__((cleanup(func)))
#define _printf_(fmt, first) __attribute__((format(printf, fmt, first)))
#define _public_ __attribute__((visibility("default")))
#define _unused_ __attribute__((unused))
#define _warn_unused_ __attribute__((warn_unused_result))

/* Hand a pointer on: the variable forgets it, so its cleanup has nothing left to do. */
#define TAKE_PTR(p)                     \
        ({                              \
                typeof(p) _taken = (p); \
                (p) = NULL;             \
                _taken;                 \
        })

/* The same for descriptors. */
#define TAKE_FD(fd)                     \
        ({                              \
                int _taken_fd = (fd);   \
                (fd) = -EBADF;          \
                _taken_fd;              \
        })

/* Make the cleanup function xyz_freep() out of the destructor xyz_free(), which returns NULL. */
#define DEFINE_CLEANUP(type, func)                      \
        static inline void func##p(type *p) {           \
                if (*p)                                 \
                        *p = func(*p);                  \
        }

static inline void freep(void *p) {
        free(*(void **) p);
}
