/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * The order of the events, as the test writer checks it: what the documentation has, and what it has not.
 */

#include <string.h>

#include "lib/test-util.h"
#include "testers/event-order.h"
#include "testers/words.h"

/* Letters for events: P prepare-for-backup, S prepare-for-snapshot, F, T, N post-snapshot, C complete, A abort, D shutdown, R pre- and O post-restore */
static WriterEvent event_of(char letter) {
        static const char letters[] = "IPSFTNACDRO"; /* in the order of WriterEvent */
        const char *found = strchr(letters, letter);

        assert_non_null(found);
        return (WriterEvent) (found - letters);
}

/* The number of the first event that is out of order, counted from 1; 0: none is. */
static size_t first_wrong(const char *events) {
        static const VSS_ID session = { 1, 2, 3, { 4 } };
        EventOrder *o = event_order_new();
        size_t wrong = 0;

        assert_non_null(o);
        for (size_t i = 0; events[i]; ++i)
                if (event_order_note(o, &session, event_of(events[i])) && wrong == 0)
                        wrong = i + 1;
        event_order_free(o);
        return wrong;
}

static void test_that_the_order_of_the_documentation_is_right_and_no_other(void **state) {
        static const struct {
                const char *events;
                size_t wrong;
        } cases[] = {
                { "", 0 },
                { "D", 0 },             /* a requester that only asked who is there */
                { "IPD", 0 },           /* gave up before the shadow copy */
                { "PAD", 0 },           /* said so */
                { "PSFTNCD", 0 },       /* a whole backup */
                { "PSFTND", 0 },        /* without its end */
                { "IPISIFITINICID", 0 }, /* somebody else asks all the time */
                { "PSAD", 0 },
                { "PSFAD", 0 },
                { "PSFTAD", 0 },
                { "PSFAAAD", 0 },       /* an abort may come several times */
                { "PSFAPSFTNCD", 0 },   /* tried again */
                { "PSFTNCDPSFTNCD", 0 },
                { "ROD", 0 },           /* a restore */
                { "ROROD", 0 },         /* a chain of them */
                { "RD", 0 },
                { "S", 1 },
                { "F", 1 },
                { "T", 1 },
                { "N", 1 },
                { "C", 1 },
                { "A", 1 },             /* nothing to abort */
                { "O", 1 },
                { "PP", 2 },
                { "PF", 2 },
                { "PSS", 3 },
                { "PST", 3 },
                { "PSFF", 4 },
                { "PSFN", 4 },
                { "PSFTT", 5 },
                { "PSFTC", 5 },
                { "PSFTNN", 6 },
                { "PSFTNA", 6 },        /* an abort never follows PostSnapshot */
                { "PSFTNCC", 7 },
                { "PSFTNCA", 7 },
                { "PSD", 3 },           /* the writer waits for Freeze */
                { "PSFD", 4 },
                { "PSFTD", 5 },
                { "RR", 2 },
                { "ROO", 3 },
                { "PR", 2 },            /* a session is a backup or a restore */
                { "RP", 2 },
                { "PSFAT", 5 },         /* it was woken already */
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); ++i)
                if (first_wrong(cases[i].events) != cases[i].wrong)
                        fail_msg("\"%s\": %zu, not %zu", cases[i].events, first_wrong(cases[i].events), cases[i].wrong);
}

static void test_that_sessions_have_their_own_order(void **state) {
        EventOrder *o = event_order_new();
        static const char backup[] = "PSFTNCD";

        assert_non_null(o);
        /* A hundred, one after the other, while one more is always open. */
        for (size_t i = 0; backup[i]; ++i)
                for (unsigned s = 0; s < 60; ++s) {
                        const VSS_ID id = { s, 0, 0, { 0 } };

                        assert_null(event_order_note(o, &id, event_of(backup[i])));
                }
        assert_string_equal(event_order_note(o, &(VSS_ID){ 1, 0, 0, { 0 } }, EVENT_THAW), "Thaw came after nothing");
        event_order_free(o);
}

static void test_that_every_event_has_a_word(void **state) {
        for (unsigned e = 0; e < _EVENT_MAX; ++e)
                assert_string_not_equal(word_of(event_words, (int) e), "undefined");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_that_the_order_of_the_documentation_is_right_and_no_other),
                cmocka_unit_test(test_that_sessions_have_their_own_order),
                cmocka_unit_test(test_that_every_event_has_a_word),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
