/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Which Writers Are Asked
 *
 * What enabling and disabling before GatherWriterMetadata mean, one after the other. [MS: pitfall 3]
 */

#include <stdlib.h>
#include <string.h>

#include <umbra.h>

#include "api/writer/backup.h"
#include "api/writer/puppet.h"
#include "base/alloc.h"
#include "lib/reference.h"
#include "lib/test-util.h"
#include "phases/world.h"
#include "wire/wire-limits.h"

static World *world;

static const VSS_ID classes[] = {
        { 0xa, 0, 0, { 0x80 } },
        { 0xb, 0, 0, { 0x80 } },
        { 0xc, 0, 0, { 0x80 } },
};
static const char *const names[] = { "a", "a's twin", "b", "c" };
static Puppet *puppets[ELEMENTSOF(names)];

static int setup(void **state) {
        static const size_t class_of[ELEMENTSOF(names)] = { 0, 0, 1, 2 };

        world = world_new();
        for (size_t i = 0; i < ELEMENTSOF(names); ++i)
                puppets[i] =
                        puppet_new(names[i], world->volume, &(PuppetOptions){ .id = classes[class_of[i]] });
        return 0;
}

static int teardown(void **state) {
        for (size_t i = 0; i < ELEMENTSOF(names); ++i)
                puppets[i] = puppet_free(puppets[i]);
        world = world_free(world);
        return 0;
}

/* "+ab" enables two classes, "-c" disables one. */
static void select_classes(Backup *b, const char *step) {
        VSS_ID ids[ELEMENTSOF(classes)];
        UINT n = 0;

        for (const char *letter = step + 1; *letter; ++letter)
                ids[n++] = classes[*letter - 'a'];
        if (*step == '+')
                ASSERT_RETURNS(IVssBackupComponents, EnableWriterClasses, S_OK,
                               IVssBackupComponents_EnableWriterClasses(b->api, ids, n));
        else
                ASSERT_RETURNS(IVssBackupComponents, DisableWriterClasses, S_OK,
                               IVssBackupComponents_DisableWriterClasses(b->api, ids, n));
}

/* Whose metadata came, "aabc" when nobody is missing. */
static void expect_gathered(Backup *b, const char *steps, const char *expected) {
        unsigned count[ELEMENTSOF(classes)] = { 0 };
        char found[2 * ELEMENTSOF(names) + 1];
        size_t n = 0;

        assert_int_equal(backup_gather(b), S_OK);
        for (UINT i = 0; i < backup_writer_count(b); ++i) {
                IVssExamineWriterMetadata *metadata = NULL;
                VSS_ID instance, id;
                VSS_USAGE_TYPE usage;
                VSS_SOURCE_TYPE source;
                BSTR name = NULL;

                assert_int_equal(IVssBackupComponents_GetWriterMetadata(b->api, i, &instance, &metadata),
                                 S_OK);
                assert_int_equal(IVssExamineWriterMetadata_GetIdentity(metadata, &instance, &id, &name,
                                                                       &usage, &source),
                                 S_OK);
                ++count[id.Data1 - 0xa];
                SysFreeString(name);
                IVssExamineWriterMetadata_Release(metadata);
        }
        for (size_t i = 0; i < ELEMENTSOF(classes); ++i)
                for (unsigned k = 0; k < count[i] && n + 1 < sizeof(found); ++k)
                        found[n++] = (char) ('a' + i);
        found[n] = '\0';
        if (strcmp(found, expected) != 0)
                fail_msg("after '%s' there are '%s' instead of '%s'", steps, found, expected);
}

static void test_that_enabling_makes_one_list_that_disabling_shortens(void **state) {
        static const struct {
                const char *steps[4];
                const char *gathered;
        } cases[] = {
                { { NULL },                 "aabc" }, /* all are enabled by default */
                { { "-a" },                 "bc"   }, /* with all their instances */
                { { "-a", "-c" },           "b"    }, /* they accumulate */
                { { "+a" },                 "aa"   }, /* nobody else */
                { { "+a", "+c" },           "aac"  },
                { { "-a", "+a" },           "aa"   }, /* the first cancels what was disabled */
                { { "-b", "+a", "+b" },     "aab"  },
                { { "+ab", "-a" },          "b"    },
                { { "+a", "-a" },           ""     }, /* an empty list is not no list */
                { { "+a", "-a", "+b" },     "b"    },
                { { "+a", "-a", "+a" },     "aa"   },
                { { "+a", "-b", "+b" },     "aab"  }, /* what was not in it could not be removed */
                { { "-a", "+a", "-b", "+c" }, "aac" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                Backup *b = backup_new();
                char steps[64] = "";

                for (size_t k = 0; k < ELEMENTSOF(cases[i].steps) && cases[i].steps[k]; ++k) {
                        select_classes(b, cases[i].steps[k]);
                        strcat(strcat(steps, cases[i].steps[k]), " ");
                }
                expect_gathered(b, steps, cases[i].gathered);
                backup_free(b);
        }
        REACHES_RULE(IVssBackupComponents, "EnableWriterClasses",
                     "all writer classes are enabled by default");
        REACHES_RULE(IVssBackupComponents, "EnableWriterClasses",
                     "the first call makes everything not listed disabled");
        REACHES_RULE(IVssBackupComponents, "DisableWriterClasses", "repeated calls accumulate");
        REACHES_RULE(IVssBackupComponents, "DisableWriterClasses",
                     "disabling a class disables all its instances");
}

static void test_that_choosing_after_gathering_changes_nothing(void **state) {
        Backup *b = backup_new();

        expect_gathered(b, "", "aabc");
        select_classes(b, "+a");
        select_classes(b, "-b");
        assert_int_equal(backup_select(b, world->volume), S_OK);
        assert_int_equal(backup_prepare(b), S_OK);
        assert_int_equal(backup_create(b), S_OK);
        for (size_t i = 0; i < ELEMENTSOF(names); ++i) {
                _cleanup_(freep) char *thawed = NULL;

                assert_int_equal(format_to(&thawed, "%s thaw", names[i]), 0);
                assert_true(journal_has(thawed));
        }
        REACHES_RULE(IVssBackupComponents, "EnableWriterClasses", "must come before GatherWriterMetadata");
        REACHES_RULE(IVssBackupComponents, "DisableWriterClasses", "must come before GatherWriterMetadata");
        backup_free(b);
}

static void test_that_who_was_asked_in_vain_is_asked_anew(void **state) {
        Backup *b = backup_new();
        Gate *gate = gate_new();
        IVssAsync *async = NULL;

        puppets[0]->acts[WIRE_EVENT_IDENTIFY].gate = gate;
        assert_int_equal(IVssBackupComponents_GatherWriterMetadata(b->api, &async), S_OK);
        assert_int_equal(IVssAsync_Cancel(async), S_OK);
        assert_int_equal(settle(S_OK, async), S_OK);
        gate_open(gate);

        expect_gathered(b, "a gathering that was cancelled", "aabc");
        puppets[0]->acts[WIRE_EVENT_IDENTIFY].gate = NULL;
        gate_free(gate);
        backup_free(b);
}

/* As many ids as fit into a call, again and again. */
static void test_that_nobody_chooses_for_ever(void **state) {
        Backup *b = backup_new();
        VSS_ID *ids = calloc_checked(WIRE_IDS_MAX, sizeof(*ids));

        assert_non_null(ids);
        for (unsigned i = 0; i < WIRE_IDS_MAX; ++i)
                ids[i] = (VSS_ID){ .Data1 = 1 + i };
        for (unsigned i = 0; i < WIRE_SELECTION_MAX; i += WIRE_IDS_MAX)
                assert_int_equal(IVssBackupComponents_DisableWriterInstances(b->api, ids, WIRE_IDS_MAX), S_OK);
        assert_int_equal(IVssBackupComponents_DisableWriterInstances(b->api, classes, 1), E_INVALIDARG);
        assert_non_null(strstr(umbra_last_error(), "16384"));
        expect_gathered(b, "what could not be chosen", "aabc");
        free(ids);
        backup_free(b);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_that_enabling_makes_one_list_that_disabling_shortens),
                cmocka_unit_test(test_that_choosing_after_gathering_changes_nothing),
                cmocka_unit_test(test_that_who_was_asked_in_vain_is_asked_anew),
                cmocka_unit_test(test_that_nobody_chooses_for_ever),
        };

        return cmocka_run_group_tests(tests, setup, teardown);
}
