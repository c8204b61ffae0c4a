/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Small helpers of the view tests.
 */

#include <vsbackup.h>

#include "base/bstr.h"
#include "lib/test-util.h"
#include "view/view-owner.h"

static inline void bstr_is(BSTR s, const WCHAR *expected) {
        if (!expected) {
                assert_null(s);
                return;
        }

        assert_non_null(s);
        assert_int_equal(bstr_length(s), wcslen(expected));
        assert_memory_equal(s, expected, wcslen(expected) * sizeof(WCHAR));
}

/* And frees it. */
static inline void bstr_was(BSTR s, const WCHAR *expected) {
        bstr_is(s, expected);
        bstr_free(s);
}

/* No slot was forgotten. */
static inline void table_is_complete(const void *table, size_t size) {
        for (size_t i = 0; i < size / sizeof(void *); ++i)
                assert_non_null(((void *const *) table)[i]);
}
