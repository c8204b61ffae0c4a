/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Calls that Cross from C to C++ and back
 *
 * make-crossing.py writes, for every interface of tests/reference/methods.tsv, an object in C and one in C++
 * whose methods say what arrived, and callers in both languages. The types and the slots are those of the
 * table; the names lead through the headers. So what a caller says and what the object on the other side
 * hears agree only if the headers mean the same in both languages, and what the table means.
 *
 * Each argument that travels by value has bytes of its own, each pointer leads somewhere else, and what a
 * method answers depends on the method and the argument. Everything is done in rounds with other values;
 * in their course no two flags of one method are always equal.
 */

#include <stdbool.h>
#include <stddef.h>

#include <wintypes.h>

#ifdef __cplusplus
extern "C" {
#endif

#define CROSSING_ROUNDS 4U

/* One side of one interface. */
typedef struct CrossingInterface {
        const char *name;
        void *object;                       /* its methods say what arrived */
        void (*call)(void *object);         /* calls each of them by name */
        void (*call_by_slot)(void *object); /* and by number, as programs do; NULL in C++ */
} CrossingInterface;

extern const CrossingInterface crossing_in_c[], crossing_in_cpp[];
extern const size_t crossing_n_interfaces;
extern const unsigned crossing_n_methods; /* in all of them, the inherited ones counted again */

/* The caller says what it will say, in order; then calls; then compares. */
void crossing_begin(const char *method, const void *object);
void crossing_value(void *p, size_t size); /* decides on the bytes, too */
bool crossing_flag(void);
void *crossing_pointer(void);
const IID *crossing_id(void);
void *crossing_answer(void *p, size_t size, bool is_flag); /* returns @p */
void crossing_end(long long returned, bool is_count);

/* The object says what it hears. */
void crossing_arrive(const char *method, const void *object);
void crossing_take(const void *p, size_t size);
void crossing_give(void *p, size_t size, bool is_flag);
HRESULT crossing_result(void);
ULONG crossing_count(void);

#ifdef __cplusplus
}
#endif

/* Where an answer goes; what lies behind it must stay as it is. */
#define CROSSING_GUARD 8
#define CROSSING_PLACE(type, name)                        \
        struct {                                          \
                type value;                               \
                unsigned char guard[CROSSING_GUARD];      \
        } place_of_##name;                                \
        memset(&place_of_##name, 0x5A, sizeof(place_of_##name))
