/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The Index of a Backup Set
 */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "tools/set-format.h"
#include "tools/set-index.h"

/* "T content metadata size name" */
#define INDEX_CONTENT_AT 2U
#define INDEX_NO_CONTENT "----------------------------------------------------------------"

static_assert(sizeof(INDEX_NO_CONTENT) == DIGEST_HEX_MAX, "takes the place of a digest");

#define INDEX_METADATA_AT (INDEX_CONTENT_AT + DIGEST_HEX_MAX)
#define INDEX_SIZE_AT (INDEX_METADATA_AT + DIGEST_HEX_MAX)

void set_index_line_clear(SetIndexLine *line) {
        free(line->name);
        *line = (SetIndexLine){ 0 };
}

static bool needs_escape(unsigned char c) {
        return c < 0x20 || c == 0x7F || c == '\\';
}

int set_name_escape(const char *name, char **ret) {
        static const char digits[] = "0123456789abcdef";
        char *escaped, *out;

        out = escaped = calloc_checked(strlen(name) + 1, 4);
        if (!escaped)
                return -ENOMEM;

        for (; *name; ++name)
                if (needs_escape((unsigned char) *name)) {
                        *out++ = '\\';
                        *out++ = 'x';
                        *out++ = digits[(unsigned char) *name >> 4];
                        *out++ = digits[(unsigned char) *name & 0xF];
                } else
                        *out++ = *name;

        *ret = escaped;
        return 0;
}

static int hex_digit(char c) {
        return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int set_name_unescape(const char *escaped, char **ret) {
        _cleanup_(freep) char *name = NULL;
        char *out;

        out = name = calloc_checked(strlen(escaped) + 1, 1);
        if (!name)
                return -ENOMEM;

        while (*escaped) {
                int high, low;

                if (*escaped != '\\') {
                        if (needs_escape((unsigned char) *escaped))
                                return -EBADMSG;
                        *out++ = *escaped++;
                        continue;
                }

                high = escaped[1] == 'x' ? hex_digit(escaped[2]) : -1;
                low = high < 0 ? -1 : hex_digit(escaped[3]);
                if (low < 0 || !needs_escape((unsigned char) (high << 4 | low)) || (high | low) == 0)
                        return -EBADMSG;

                *out++ = (char) (high << 4 | low);
                escaped += 4;
        }

        *ret = TAKE_PTR(name);
        return 0;
}

static bool digest_is_zero(const uint8_t digest[DIGEST_SIZE]) {
        static const uint8_t zero[DIGEST_SIZE];

        return memcmp(digest, zero, sizeof(zero)) == 0;
}

int set_index_line_format(const SetIndexLine *line, char **ret) {
        char content[DIGEST_HEX_MAX] = INDEX_NO_CONTENT, metadata[DIGEST_HEX_MAX];
        _cleanup_(freep) char *name = NULL;
        int r;

        r = set_name_escape(line->name, &name);
        if (r < 0)
                return r;

        if (!digest_is_zero(line->content))
                digest_to_hex(line->content, content);

        return format_to(ret, "%c %s %s %" PRIu64 " %s\n", line->type, content,
                         digest_to_hex(line->metadata, metadata), line->size, name);
}

static int parse_size(const char **text, uint64_t *ret) {
        uint64_t size = 0;
        const char *p = *text;

        if (*p < '0' || *p > '9' || (*p == '0' && p[1] != ' '))
                return -EBADMSG;

        for (; *p >= '0' && *p <= '9'; ++p)
                if (__builtin_mul_overflow(size, 10, &size) ||
                    __builtin_add_overflow(size, (uint64_t) (*p - '0'), &size))
                        return -EBADMSG;
        if (*p != ' ' || size > INT64_MAX)
                return -EBADMSG;

        *text = p + 1;
        *ret = size;
        return 0;
}

int set_index_line_parse(const char *text, SetIndexLine *ret) {
        SetIndexLine line = { .type = text[0] };
        const char *rest;
        int r;

        if (strlen(text) <= INDEX_SIZE_AT || !strchr("frdlhpcb!", text[0]) || text[1] != ' ' ||
            text[INDEX_METADATA_AT - 1] != ' ' || text[INDEX_SIZE_AT - 1] != ' ')
                return -EBADMSG;

        if (strncmp(text + INDEX_CONTENT_AT, INDEX_NO_CONTENT, DIGEST_HEX_MAX - 1) != 0 &&
            digest_from_hex(text + INDEX_CONTENT_AT, line.content) < 0)
                return -EBADMSG;
        if (digest_from_hex(text + INDEX_METADATA_AT, line.metadata) < 0)
                return -EBADMSG;

        rest = text + INDEX_SIZE_AT;
        r = parse_size(&rest, &line.size);
        if (r < 0)
                return r;

        r = set_name_unescape(rest, &line.name);
        if (r < 0)
                return r;

        *ret = line;
        return 0;
}

bool set_member_name_is_safe(const char *name) {
        for (const char *part = name;; ++part) {
                size_t n = strcspn(part, "/");

                if (n == 0 || (n == 1 && part[0] == '.') || (n == 2 && part[0] == '.' && part[1] == '.'))
                        return false;

                part += n;
                if (!*part)
                        return true;
        }
}

int set_end_format(uint64_t members, uint64_t index_size, const char *index_digest, char **ret) {
        return format_to(ret,
                         "{\"format\": \"" SET_FORMAT "\", \"version\": %d, \"members\": %" PRIu64
                         ", \"index_size\": %" PRIu64 ", \"index_sha256\": \"%s\"}\n",
                         SET_FORMAT_VERSION, members, index_size, index_digest);
}
