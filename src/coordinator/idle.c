/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * While Nothing Happens
 */

#include "coordinator/idle.h"

#include <inttypes.h>
#include <malloc.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "base/fd-util.h"

#define SMAPS_MAX (1U << 20)

typedef struct Mapping {
        uintptr_t start, end;
        bool of_file, writable;
} Mapping;

/* "7f00-7f10 r-xp 00000000 08:01 123    /usr/lib/…": the head of a mapping; everything else begins with a word and a colon. */
static bool parse_head(const char *line, Mapping *ret) {
        char permissions[5], path[2] = "";
        uintptr_t start, end;

        if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %4s %*s %*s %*s %1s", &start, &end, permissions, path) < 3)
                return false;
        *ret = (Mapping){ .start = start, .end = end, .of_file = path[0] == '/', .writable = strchr(permissions, 'w') };
        return true;
}

/* Only what is the file and nothing but the file: a page that was ever written (relocations) would be lost. */
static void drop_if_clean(const Mapping *m, const char *anonymous) {
        unsigned long kib;

        if (m->of_file && !m->writable && sscanf(anonymous, "Anonymous: %lu kB", &kib) == 1 && kib == 0)
                (void) madvise((void *) m->start, m->end - m->start, MADV_DONTNEED);
}

void idle_trim(void) {
        _cleanup_(freep) char *smaps = NULL;
        Mapping mapping = { 0 };

        (void) malloc_trim(0);
        if (file_read_text("/proc/self/smaps", SMAPS_MAX, &smaps) < 0)
                return; /* then we are a little larger */
        for (char *save = NULL, *line = strtok_r(smaps, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
                if (strncmp(line, "Anonymous:", 10) == 0)
                        drop_if_clean(&mapping, line);
                else
                        (void) parse_head(line, &mapping);
        }
}
