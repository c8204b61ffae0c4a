/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Ranges
 */

#include "testers/ranges.h"

#include <ctype.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fd-util.h"

#define RANGES_FILE "File="

static const char *skip_blanks(const char *s) {
        while (isspace((unsigned char) *s))
                ++s;
        return s;
}

static int parse_number(const char **s, uint64_t *ret) {
        char *end;

        *s = skip_blanks(*s);
        if (!isdigit((unsigned char) **s))
                return -EINVAL;
        errno = 0;
        *ret = strtoull(*s, &end, strncasecmp(*s, "0x", 2) == 0 ? 16 : 10);
        if (errno != 0)
                return -EINVAL;

        *s = skip_blanks(end);
        return 0;
}

static int parse_range(const char **s, Range *ret) {
        if (parse_number(s, &ret->offset) < 0 || **s != ':')
                return -EINVAL;
        ++*s;
        if (parse_number(s, &ret->length) < 0 || ret->offset + ret->length < ret->offset)
                return -EINVAL;
        return 0;
}

static int parse_list(const char *s, Range **ret, size_t *ret_n) {
        _cleanup_(freep) Range *ranges = NULL;
        size_t n = 0, capacity = 0;

        for (s = skip_blanks(s); *s; ++n) {
                if (n == RANGES_MAX)
                        return -E2BIG;
                if (ARRAY_RESERVE(ranges, capacity, n + 1) < 0)
                        return -ENOMEM;
                if (parse_range(&s, &ranges[n]) < 0)
                        return -EINVAL;
                if (*s == ',')
                        s = skip_blanks(s + 1);
                else if (*s)
                        return -EINVAL;
        }

        *ret = TAKE_PTR(ranges);
        *ret_n = n;
        return 0;
}

static int read_u64(int fd, uint64_t *ret) {
        uint64_t value;
        ssize_t n = fd_read_full(fd, &value, sizeof(value));

        if (n < 0)
                return (int) n;
        if (n != sizeof(value))
                return -EINVAL;

        *ret = le64toh(value);
        return 0;
}

static int read_file(const char *path, Range **ret, size_t *ret_n) {
        _cleanup_(freep) Range *ranges = NULL;
        _cleanup_(closep) int fd = -EBADF;
        uint64_t n = 0;
        int r;

        fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
        if (fd < 0)
                return -errno;
        r = read_u64(fd, &n);
        if (r < 0)
                return r;
        if (n > RANGES_MAX)
                return -E2BIG;
        ranges = calloc_checked(n + 1, sizeof(*ranges));
        if (!ranges)
                return -ENOMEM;
        for (size_t i = 0; i < n && r >= 0; ++i) {
                r = read_u64(fd, &ranges[i].offset);
                if (r >= 0)
                        r = read_u64(fd, &ranges[i].length);
        }
        if (r < 0)
                return r;

        *ret = TAKE_PTR(ranges);
        *ret_n = n;
        return 0;
}

int ranges_parse(const char *text, Range **ret, size_t *ret_n) {
        if (strncasecmp(text, RANGES_FILE, strlen(RANGES_FILE)) == 0)
                return read_file(text + strlen(RANGES_FILE), ret, ret_n);
        return parse_list(text, ret, ret_n);
}
