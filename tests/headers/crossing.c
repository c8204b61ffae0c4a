/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Calls that Cross from C to C++ and back
 *
 * Both sides meet here: what a caller is about to say is kept in one record, what the object hears in
 * another, and they are compared when the call has returned.
 */

#include "headers/crossing.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define ARGUMENTS_MAX 16
#define SIZE_MAX_OF_ONE 32
#define PLACES 64

typedef struct Record {
        const char *method;
        const void *object;
        unsigned n;
        struct {
                size_t size;
                unsigned char bytes[SIZE_MAX_OF_ONE];
        } arguments[ARGUMENTS_MAX];
} Record;

typedef struct Answer {
        unsigned char *p;
        size_t size;
        bool is_flag;
} Answer;

static unsigned crossing_round, n_calls, n_failures;
static const char *direction;
static Record said, heard;
static Answer answers[ARGUMENTS_MAX];
static unsigned n_answers, n_flags, n_given;
static IID ids[PLACES];
static long long places[PLACES][2]; /* nothing is ever read from there */

static void complain(const char *what, unsigned argument) {
        fprintf(stderr, "%s: %s, round %u: %s (%u)\n", direction, said.method, crossing_round, what,
                argument);
        ++n_failures;
}

/* Bytes that are another thing's: of this method and this number of it. */
static void fill(void *p, size_t size, const char *method, unsigned number) {
        unsigned char *bytes = p;
        uint64_t x = UINT64_C(14695981039346656037) ^ (crossing_round << 8) ^ number;

        for (const char *c = method; *c; ++c)
                x = (x ^ (unsigned char) *c) * UINT64_C(1099511628211);
        for (size_t i = 0; i < size; ++i) {
                x = x * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
                bytes[i] = (unsigned char) (x >> 56);
        }
}

static void record(Record *r, const void *p, size_t size) {
        if (r->n == ARGUMENTS_MAX || size > SIZE_MAX_OF_ONE) {
                complain("too much for the test", r->n);
                return;
        }
        r->arguments[r->n].size = size;
        memcpy(r->arguments[r->n++].bytes, p, size);
}

void crossing_begin(const char *method, const void *object) {
        said = (Record){ .method = method, .object = object };
        heard = (Record){ 0 };
        n_answers = n_flags = n_given = 0;
}

void crossing_value(void *p, size_t size) {
        fill(p, size, said.method, said.n);
        record(&said, p, size);
}

/* Two flags of a method differ in the round in which a bit of their numbers does. */
bool crossing_flag(void) {
        unsigned number = n_flags++;
        bool flag = crossing_round == 0 ? true : ((number >> (crossing_round - 1)) & 1) != 0;

        record(&said, &flag, sizeof(flag));
        return flag;
}

void *crossing_pointer(void) {
        void *p = places[(said.n + crossing_round * ARGUMENTS_MAX) % PLACES];

        record(&said, &p, sizeof(p));
        return p;
}

const IID *crossing_id(void) {
        const IID *p = ids + (said.n + crossing_round * ARGUMENTS_MAX) % PLACES;

        record(&said, &p, sizeof(p));
        return p;
}

void *crossing_answer(void *p, size_t size, bool is_flag) {
        if (n_answers < ARGUMENTS_MAX)
                answers[n_answers++] = (Answer){ p, size, is_flag };
        record(&said, &p, sizeof(p));
        return p;
}

static void make_answer(unsigned char *bytes, size_t size, bool is_flag, unsigned number) {
        if (is_flag)
                bytes[0] = (number + crossing_round) % 2 != 0;
        else
                fill(bytes, size, said.method, 100 + number);
}

static void check_answer(const Answer *a, unsigned number) {
        unsigned char expected[1024];

        if (a->size > sizeof(expected)) {
                complain("too much for the test", number);
                return;
        }
        make_answer(expected, a->size, a->is_flag, number);
        if (memcmp(a->p, expected, a->size) != 0)
                complain("another answer arrived than was given", number);
        for (size_t i = 0; i < CROSSING_GUARD; ++i)
                if (a->p[a->size + i] != 0x5A) {
                        complain("the answer was larger than its place", number);
                        break;
                }
}

static long long make_result(bool is_count) {
        uint32_t bits;

        fill(&bits, sizeof(bits), said.method, 200);
        return is_count ? (long long) bits : (long long) (int32_t) bits;
}

void crossing_end(long long returned, bool is_count) {
        ++n_calls;
        if (!heard.method) {
                complain("the call did not arrive", 0);
                return;
        }
        if (strcmp(said.method, heard.method) != 0) {
                complain("it arrived as another method:", 0);
                fprintf(stderr, "        %s\n", heard.method);
                return;
        }
        if (said.object != heard.object)
                complain("another object was called", 0);
        if (said.n != heard.n)
                complain("another number of arguments arrived", heard.n);
        for (unsigned i = 0; i < said.n && i < heard.n; ++i)
                if (said.arguments[i].size != heard.arguments[i].size)
                        complain("an argument is of another size", i);
                else if (memcmp(said.arguments[i].bytes, heard.arguments[i].bytes,
                                said.arguments[i].size) != 0)
                        complain("an argument is another one", i);
        for (unsigned i = 0; i < n_answers; ++i)
                check_answer(answers + i, i);
        if (n_given != n_answers)
                complain("another number of answers was given", n_given);
        if (returned != make_result(is_count))
                complain("another result came back", 0);
}

void crossing_arrive(const char *method, const void *object) {
        heard = (Record){ .method = method, .object = object };
}

void crossing_take(const void *p, size_t size) {
        record(&heard, p, size);
}

void crossing_give(void *p, size_t size, bool is_flag) {
        bool known = false; /* else a swapped argument would make us write anywhere */

        for (unsigned i = 0; i < n_answers; ++i)
                known |= answers[i].p == p && answers[i].size == size && answers[i].is_flag == is_flag;
        if (known)
                make_answer(p, size, is_flag, n_given);
        else
                complain("an answer goes elsewhere", n_given);
        ++n_given;
}

HRESULT crossing_result(void) {
        return (HRESULT) make_result(false);
}

ULONG crossing_count(void) {
        return (ULONG) make_result(true);
}

static void cross(const char *how, void (*call)(void *object), void *object) {
        direction = how;
        for (crossing_round = 0; crossing_round < CROSSING_ROUNDS; ++crossing_round)
                call(object);
}

int main(void) {
        unsigned expected;

        for (size_t i = 0; i < crossing_n_interfaces; ++i) {
                const CrossingInterface *c = crossing_in_c + i, *cpp = crossing_in_cpp + i;

                if (strcmp(c->name, cpp->name) != 0) {
                        fprintf(stderr, "The two sides do not have the same interfaces.\n");
                        return 1;
                }
                cross("from C to C++", c->call, cpp->object);
                cross("from C to C++ by number", c->call_by_slot, cpp->object);
                cross("from C++ to C", cpp->call, c->object);
        }

        expected = crossing_n_methods * 3 * CROSSING_ROUNDS;
        printf("%zu interfaces, %u methods, %u calls, %u failures\n", crossing_n_interfaces,
               crossing_n_methods, n_calls, n_failures);
        return n_failures > 0 || n_calls != expected;
}
