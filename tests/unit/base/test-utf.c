/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Text: every byte string comes back, and nothing that is no text gets through.
 */

#include <errno.h>
#include <string.h>
#include <wchar.h>

#include "base/alloc.h"
#include "base/utf.h"
#include "lib/test-util.h"

/* Byte strings that have caused trouble somewhere, and how XML text holds them. */
static const struct {
        const char *bytes;
        const WCHAR *wide;
        const char *escaped;
        bool valid;
} texts[] = {
        { "",                L"",                       "",                   true  },
        { "\xFF",            L"\xDCFF",                 "\\xff",              false },
        { "\x80",            L"\xDC80",                 "\\x80",              false },
        { "\xC3",            L"\xDCC3",                 "\\xc3",              false }, /* short */
        { "\xE2\x82",        L"\xDCE2\xDC82",           "\\xe2\\x82",         false },
        { "\xF0\x9F\x92",    L"\xDCF0\xDC9F\xDC92",     "\\xf0\\x9f\\x92",    false },
        { "\xC0\xAF",        L"\xDCC0\xDCAF",           "\\xc0\\xaf",         false }, /* overlong */
        { "\xC1\xBF",        L"\xDCC1\xDCBF",           "\\xc1\\xbf",         false },
        { "\xE0\x9F\xBF",    L"\xDCE0\xDC9F\xDCBF",     "\\xe0\\x9f\\xbf",    false },
        { "\xF0\x8F\xBF\xBF", L"\xDCF0\xDC8F\xDCBF\xDCBF", "\\xf0\\x8f\\xbf\\xbf", false },
        { "\xED\xA0\x80",    L"\xDCED\xDCA0\xDC80",     "\\xed\\xa0\\x80",    false }, /* U+D800 */
        { "\xED\xB2\x80",    L"\xDCED\xDCB2\xDC80",     "\\xed\\xb2\\x80",    false }, /* U+DC80 */
        { "\xED\xBF\xBF",    L"\xDCED\xDCBF\xDCBF",     "\\xed\\xbf\\xbf",    false }, /* U+DFFF */
        { "\xF4\x90\x80\x80", L"\xDCF4\xDC90\xDC80\xDC80", "\\xf4\\x90\\x80\\x80", false }, /* U+110000 */
        { "\xF5\x80\x80\x80", L"\xDCF5\xDC80\xDC80\xDC80", "\\xf5\\x80\\x80\\x80", false },
        { "\xF8\x88\x80\x80\x80", L"\xDCF8\xDC88\xDC80\xDC80\xDC80", "\\xf8\\x88\\x80\\x80\\x80", false },
        { "a\xC3(b",         L"a\xDCC3(b",              "a\\xc3(b",           false },
        { "\xC3\xC3\xA9",    L"\xDCC3\xE9",             "\\xc3\xC3\xA9",      false },
        { "\x01\x1F",        L"\x01\x1F",               "\\x01\\x1f",         true  },
        { "\t\n\r",          L"\t\n\r",                 "\t\n\r",             true  },
        { "\x7F",            L"\x7F",                   "\x7F",               true  },
        { "\xC2\x80",        L"\x80",                   "\xC2\x80",           true  },
        { "\xEF\xBF\xBE",    L"\xFFFE",                 "\\xef\\xbf\\xbe",    true  },
        { "\xEF\xBF\xBF",    L"\xFFFF",                 "\\xef\\xbf\\xbf",    true  },
        { "\xEF\xBF\xBD",    L"\xFFFD",                 "\xEF\xBF\xBD",       true  },
        { "\xEF\xBB\xBF",    L"\xFEFF",                 "\xEF\xBB\xBF",       true  },
        { "\xED\x9F\xBF",    L"\xD7FF",                 "\xED\x9F\xBF",       true  },
        { "\xEE\x80\x80",    L"\xE000",                 "\xEE\x80\x80",       true  },
        { "\xF0\x90\x80\x80", L"\x10000",                "\xF0\x90\x80\x80",   true  },
        { "\xF4\x8F\xBF\xBF", L"\x10FFFF",               "\xF4\x8F\xBF\xBF",   true  },
        { "/srv/\xC3\xBC\xF0\x9F\x92\xBE", L"/srv/\xFC\x1F4BE", "/srv/\xC3\xBC\xF0\x9F\x92\xBE", true },
        { "\\",              L"\\",                     "\\",                 true  },
        { "\\x",             L"\\x",                    "\\x5cx",             true  },
        { "\\x41",           L"\\x41",                  "\\x5cx41",           true  },
        { "\\\\x",           L"\\\\x",                  "\\\\x5cx",           true  },
        { "\\\x01",          L"\\\x01",                 "\\\\x01",            true  },
        { "\\X41",           L"\\X41",                  "\\X41",              true  },
        { "<&\"'>",          L"<&\"'>",                 "<&\"'>",             true  },
};

static void test_that_bytes_become_characters_and_back(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(texts); ++i) {
                _cleanup_(freep) WCHAR *wide = NULL;
                _cleanup_(freep) char *bytes = NULL;

                assert_int_equal(wide_from_utf8(texts[i].bytes, &wide), 0);
                assert_int_equal(wcslen(wide), wcslen(texts[i].wide));
                assert_memory_equal(wide, texts[i].wide, wcslen(wide) * sizeof(WCHAR));

                assert_int_equal(utf8_from_wide(wide, &bytes), 0);
                assert_string_equal(bytes, texts[i].bytes);
                assert_int_equal(utf8_is_valid(bytes), texts[i].valid);
        }
}

static void test_that_xml_text_holds_any_bytes(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(texts); ++i) {
                _cleanup_(freep) char *escaped = NULL, *bytes = NULL;

                assert_int_equal(xml_escape_bytes(texts[i].bytes, &escaped), 0);
                assert_string_equal(escaped, texts[i].escaped);

                assert_int_equal(xml_unescape_bytes(escaped, &bytes), 0);
                assert_string_equal(bytes, texts[i].bytes);
        }
}

static void test_that_what_is_no_character_is_refused(void **state) {
        static const struct {
                WCHAR c;
                int r;
        } cases[] = {
                { (WCHAR) 0x80000000, -EILSEQ },
                { -1,                 -EILSEQ },
                { 0x110000,           -EILSEQ },
                { 0xD800,             -EILSEQ }, /* half a character of UTF-16 */
                { 0xDBFF,             -EILSEQ },
                { 0xDC00,             -EILSEQ },
                { 0xDC7F,             -EILSEQ }, /* would be an ASCII byte in disguise */
                { 0xDC80,             0       },
                { 0xDCFF,             0       },
                { 0xDD00,             -EILSEQ },
                { 0xDFFF,             -EILSEQ },
                { 0x10FFFF,           0       },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                const WCHAR wide[] = { 'a', cases[i].c, 0 };
                char untouched[] = "untouched", *bytes = untouched;

                assert_int_equal(utf8_from_wide(wide, &bytes), cases[i].r);
                if (cases[i].r == 0)
                        free(bytes);
                else
                        assert_ptr_equal(bytes, untouched);
        }
}

/* What programs from Windows have in their wide strings. */
static void test_that_a_character_in_two_halves_is_one(void **state) {
        static const struct {
                const WCHAR *wide;
                const char *bytes; /* NULL: refused */
        } cases[] = {
                { L"\xD83D\xDCBE",       "\xF0\x9F\x92\xBE"  },
                { L"a\xD800\xDC00z",     "a\xF0\x90\x80\x80z" },
                { L"\xDBFF\xDFFF",       "\xF4\x8F\xBF\xBF"  },
                { L"\xDC80\xD83D\xDCBE", "\x80\xF0\x9F\x92\xBE" }, /* a byte before it */
                { L"\xD83D",             NULL                },
                { L"\xD83D\xD83D\xDCBE", NULL                },
                { L"\xDC00\xD800",       NULL                },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                char *bytes = NULL;

                assert_int_equal(utf8_from_wide(cases[i].wide, &bytes), cases[i].bytes ? 0 : -EILSEQ);
                if (cases[i].bytes)
                        assert_string_equal(bytes, cases[i].bytes);
                free(bytes);
        }
}

static void test_that_a_counted_string_holds_no_nul(void **state) {
        static const WCHAR text[] = L"ab\0c";
        static const struct {
                size_t n;
                int r;
                const char *bytes;
        } cases[] = {
                { 3, -EILSEQ, NULL },
                { 4, -EILSEQ, NULL },
                { 0, 0,       ""   },
                { 1, 0,       "a"  },
                { 2, 0,       "ab" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                _cleanup_(freep) char *bytes = NULL;

                assert_int_equal(utf8_from_wide_n(text, cases[i].n, &bytes), cases[i].r);
                if (cases[i].bytes)
                        assert_string_equal(bytes, cases[i].bytes);
                else
                        assert_null(bytes);
        }
}

static void test_that_nothing_becomes_nothing(void **state) {
        WCHAR some_wide[1], *wide = some_wide;
        char some[1], *s = some;

        assert_int_equal(wide_from_utf8(NULL, &wide), 0);
        assert_null(wide);
        assert_int_equal(utf8_from_wide(NULL, &s), 0);
        assert_null(s);
        s = some;
        assert_int_equal(utf8_from_wide_n(NULL, 5, &s), 0);
        assert_null(s);
        s = some;
        assert_int_equal(xml_escape_bytes(NULL, &s), 0);
        assert_null(s);
        s = some;
        assert_int_equal(xml_unescape_bytes(NULL, &s), 0);
        assert_null(s);
}

static void test_that_unescaping_refuses_half_an_escape(void **state) {
        static const struct {
                const char *escaped;
                int r;
                const char *bytes;
        } cases[] = {
                { "\\x",         -EILSEQ, NULL      },
                { "\\x4",        -EILSEQ, NULL      },
                { "\\x4g",       -EILSEQ, NULL      },
                { "\\xg4",       -EILSEQ, NULL      },
                { "\\x5C",       -EILSEQ, NULL      }, /* lower case only: one way to say it */
                { "\\x 1",       -EILSEQ, NULL      },
                { "a\\x00b",     -EILSEQ, NULL      }, /* would end the string early */
                { "ok\\xff\\x",  -EILSEQ, NULL      },
                { "\\x41",       0,       "A"       }, /* needlessly escaped, but clear */
                { "\\y\\",       0,       "\\y\\"   },
                { "\\\\x5cx",    0,       "\\\\x"   },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                _cleanup_(freep) char *bytes = NULL;

                assert_int_equal(xml_unescape_bytes(cases[i].escaped, &bytes), cases[i].r);
                if (cases[i].bytes)
                        assert_string_equal(bytes, cases[i].bytes);
                else
                        assert_null(bytes);
        }
}

/* A generator of one's own, so that a failure can be had again on any machine. */
static uint32_t next_random(uint64_t *seed) {
        *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        return (uint32_t) (*seed >> 33);
}

/* Half of the bytes are such as begin or continue a sequence, or a backslash or an x: the middle of things.
 * */
static void random_bytes(uint64_t *seed, char *bytes, size_t size) {
        static const unsigned char likely[] = {
                0x80, 0xBF, 0xC2, 0xE0, 0xED, 0xEF, 0xF0, 0xF4, 0xFF, 0x01, '\\', 'x', '5', 'c',
        };
        size_t n = next_random(seed) % size;

        for (size_t i = 0; i < n; ++i) {
                uint32_t r = next_random(seed);

                bytes[i] = (char) (r & 1 ? likely[(r >> 1) % ELEMENTSOF(likely)] : 1 + (r >> 1) % 255);
        }
        bytes[n] = '\0';
}

static void assert_bytes_survive(const char *bytes) {
        _cleanup_(freep) char *back = NULL, *escaped = NULL, *unescaped = NULL, *escaped_back = NULL;
        _cleanup_(freep) WCHAR *wide = NULL, *escaped_wide = NULL;

        assert_int_equal(wide_from_utf8(bytes, &wide), 0);
        assert_int_equal(utf8_from_wide(wide, &back), 0);
        assert_string_equal(back, bytes);

        assert_int_equal(xml_escape_bytes(bytes, &escaped), 0);
        assert_true(utf8_is_valid(escaped));
        for (const char *s = escaped; *s; ++s)
                assert_true((unsigned char) *s >= ' ' || strchr("\t\n\r", *s));
        assert_null(strstr(escaped, "\xEF\xBF\xBE"));
        assert_null(strstr(escaped, "\xEF\xBF\xBF"));
        assert_int_equal(xml_unescape_bytes(escaped, &unescaped), 0);
        assert_string_equal(unescaped, bytes);

        /* What is valid needs no hiding: no surrogate ever comes of it. */
        assert_int_equal(wide_from_utf8(escaped, &escaped_wide), 0);
        for (const WCHAR *w = escaped_wide; *w; ++w)
                assert_false(*w >= 0xD800 && *w <= 0xDFFF);
        assert_int_equal(utf8_from_wide(escaped_wide, &escaped_back), 0);
        assert_string_equal(escaped_back, escaped);
}

static void test_that_random_bytes_survive_both_ways(void **state) {
        uint64_t seed = 20030424;

        for (unsigned i = 0; i < 20000; ++i) {
                char bytes[40];

                random_bytes(&seed, bytes, sizeof(bytes));
                assert_bytes_survive(bytes);
        }
}

static void test_that_every_pair_of_bytes_survives(void **state) {
        for (unsigned a = 1; a < 256; ++a)
                for (unsigned b = 1; b < 256; ++b) {
                        const char bytes[] = { (char) a, (char) b, '\0' };
                        _cleanup_(freep) WCHAR *wide = NULL;
                        _cleanup_(freep) char *back = NULL;

                        assert_int_equal(wide_from_utf8(bytes, &wide), 0);
                        assert_int_equal(utf8_from_wide(wide, &back), 0);
                        assert_int_equal(strcmp(back, bytes), 0);
                }
}

static void test_that_every_character_survives(void **state) {
        for (uint32_t c = 1; c <= 0x10FFFF; c += c < 0x3000 ? 1 : 7) {
                const WCHAR wide[] = { (WCHAR) c, 0 };
                _cleanup_(freep) WCHAR *back = NULL;
                _cleanup_(freep) char *bytes = NULL;

                if (c >= 0xD800 && c <= 0xDFFF)
                        continue;

                assert_int_equal(utf8_from_wide(wide, &bytes), 0);
                assert_true(utf8_is_valid(bytes));
                assert_int_equal(wide_from_utf8(bytes, &back), 0);
                assert_int_equal(back[0], wide[0]);
                assert_int_equal(back[1], 0);
        }
}

static int do_everything(void) {
        _cleanup_(freep) char *bytes = NULL, *escaped = NULL, *unescaped = NULL;
        _cleanup_(freep) WCHAR *wide = NULL;
        int r;

        r = wide_from_utf8("a\xFF", &wide);
        if (r < 0)
                return r;
        r = utf8_from_wide(wide, &bytes);
        if (r < 0)
                return r;
        r = xml_escape_bytes(bytes, &escaped);
        if (r < 0)
                return r;
        r = xml_unescape_bytes(escaped, &unescaped);
        if (r < 0)
                return r;

        assert_string_equal(unescaped, "a\xFF");
        return 0;
}

static void test_that_text_survives_any_failed_allocation(void **state) {
        int r = -ENOMEM;

        for (unsigned n = 0; r == -ENOMEM; ++n) {
                fault_fail_allocation(n);
                r = do_everything();
                fault_clear();
        }

        assert_int_equal(r, 0);
}

static void test_that_text_is_cut_between_characters(void **state) {
        static const struct {
                const char *text;
                size_t max;
                const char *cut;
        } cases[] = {
                { "",           0, ""         },
                { "ab",         2, "ab"       },
                { "ab",         1, "a"        },
                { "\xc3\x9f",   1, ""         }, /* half a character is none */
                { "a\xc3\x9f",  2, "a"        },
                { "a\xc3\x9f",  3, "a\xc3\x9f" },
                { "a\xf0\x9f\xa7\x80z", 4, "a" },
                { "\x80\x80",   1, ""         }, /* that belongs to nothing */
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                char text[16];

                strcpy(text, cases[i].text);
                utf8_cut(text, cases[i].max);
                assert_string_equal(text, cases[i].cut);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_that_bytes_become_characters_and_back),
                cmocka_unit_test(test_that_xml_text_holds_any_bytes),
                cmocka_unit_test(test_that_what_is_no_character_is_refused),
                cmocka_unit_test(test_that_a_character_in_two_halves_is_one),
                cmocka_unit_test(test_that_a_counted_string_holds_no_nul),
                cmocka_unit_test(test_that_nothing_becomes_nothing),
                cmocka_unit_test(test_that_unescaping_refuses_half_an_escape),
                cmocka_unit_test(test_that_random_bytes_survive_both_ways),
                cmocka_unit_test(test_that_every_pair_of_bytes_survives),
                cmocka_unit_test(test_that_every_character_survives),
                cmocka_unit_test(test_that_text_is_cut_between_characters),
                cmocka_unit_test(test_that_text_survives_any_failed_allocation),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
