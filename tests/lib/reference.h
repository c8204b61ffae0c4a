/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Rows of the Reference
 *
 * tests/reference/ is the specification. A test says which of its rows it reaches, where it reaches it; the
 * word of a test that did not run, or failed before, does not count. $UMBRA_REFERENCE_LOG collects what was
 * said, and tools/reference-coverage holds it against the tables.
 */

#include <wintypes.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Fails the test unless @actual is the code with the name @symbol. */
void reference_assert_returned(const char *iface,
                               const char *method,
                               const char *symbol,
                               HRESULT expected,
                               HRESULT actual,
                               const char *file,
                               int line);
void reference_reach_return(const char *iface, const char *method, const char *symbol);
void reference_reach_rule(const char *iface, const char *method, const char *part);

#ifdef __cplusplus
}
#endif

/* @expression returns @symbol, as the row of returns.tsv says: ASSERT_RETURNS(IVssAsync, Wait, S_OK, hr). */
#define ASSERT_RETURNS(iface, method, symbol, expression)                                               \
        reference_assert_returned(#iface, #method, #symbol, symbol, (expression), __FILE__, __LINE__)

/* For rows whose value is no HRESULT of the call, after the assertion that shows it: what comes out through a
 * parameter or QueryStatus(), "true", "ULONG", or a code that the test has to name otherwise. */
#define REACHES_RETURN(iface, method, symbol) reference_reach_return(#iface, #method, symbol)

/* The test shows that a rule of preconditions.tsv holds. @part is so much of its sentence that no other rule
 * of the method has it, and @method "*" for those of the whole interface:
 * REACHES_RULE(IVssBackupComponents, "AddComponent", "must come before Do").
 */
#define REACHES_RULE(iface, method, part) reference_reach_rule(#iface, method, part)
