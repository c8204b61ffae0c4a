/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Which components are in a backup: those that were named, those that come along, and those without which it would not do.
 */

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/strv.h"
#include "lib/test-util.h"
#include "plan-fixture.h"
#include "tools/verb.h"

#define GROUP(path, name, selectable) \
        "<FILE_GROUP logicalPath=\"" path "\" componentName=\"" name "\" selectable=\"" selectable "\"/>"
#define NEEDS(path, name, selectable, writer, on_path, on_name)                                                     \
        "<FILE_GROUP logicalPath=\"" path "\" componentName=\"" name "\" selectable=\"" selectable "\"><DEPENDENCY" \
        " writerId=\"00000000-0000-4000-8000-00000000000" writer "\" logicalPath=\"" on_path "\" componentName=\"" on_name "\"/></FILE_GROUP>"

/* [MS: working-with-selectability-for-backup] has this one. */
static const char my_writer[] =
        GROUP("", "Executables", "no") GROUP("Executables", "ConfigFiles", "no") GROUP("", "LicenseInfo", "yes")
        GROUP("", "Security", "yes") GROUP("Security", "UserInfo", "no") GROUP("Security", "Certificates", "no")
        GROUP("", "writerData", "yes") GROUP("writerData", "Set1", "no") GROUP("writerData\\Set1", "Jan", "no")
        GROUP("writerData\\Set1", "Dec", "no") GROUP("writerData", "Set2", "no") GROUP("writerData\\Set2", "Jan", "no")
        GROUP("writerData\\Set2", "Dec", "no") GROUP("writerData\\QueryLogs", "Query", "no") GROUP("writerData", "Usage", "yes")
        GROUP("writerData\\Usage", "Jan", "no") GROUP("writerData\\Usage", "Dec", "no");

#define ALWAYS "1:Executables 1:Executables\\ConfigFiles"

typedef struct Case {
        const char *components[4]; /* named */
        const char *chosen;        /* NULL: refused */
} Case;

static void check(const Case *c, void (*add_writers)(BackupPlan *p)) {
        BackupPlan p = { .type = VSS_BT_COPY };
        _cleanup_(freep) char *chosen = NULL;
        int code;

        add_writers(&p);
        for (size_t i = 0; i < ELEMENTSOF(c->components) && c->components[i]; ++i)
                assert_int_equal(strv_append(&p.component_names, c->components[i]), 0);
        code = backup_plan_choose(&p);
        if (!c->chosen)
                assert_int_equal(code, EXIT_FAILED);
        else {
                assert_int_equal(code, EXIT_OK);
                chosen = plan_chosen(&p);
                assert_string_equal(chosen, c->chosen);
        }
        backup_plan_clear(&p);
}

static void add_my_writer(BackupPlan *p) {
        plan_add_writer(p, 1, "USER_DATA", 0, my_writer);
}

static void test_that_selectability_decides_who_is_added_and_who_comes_along(void **state) {
        static const Case cases[] = {
                { { NULL },                                  ALWAYS " 1:LicenseInfo 1:Security 1:writerData" },
                { { "LicenseInfo" },                         ALWAYS " 1:LicenseInfo" },
                { { "Security" },                            ALWAYS " 1:Security" },
                { { "Security", "LicenseInfo", "Security" }, ALWAYS " 1:LicenseInfo 1:Security" },
                { { "Executables" },                         ALWAYS },
                { { "Executables\\ConfigFiles" },            ALWAYS },
                { { "Security\\UserInfo" },                  NULL }, /* only with "Security" */
                { { "UserInfo" },                            NULL },
                { { "writerData\\Set1" },                    NULL },
                { { "writerData\\Usage\\Jan" },              NULL },
                { { "writerData\\Usage" },                   ALWAYS " 1:writerData\\Usage" }, /* selectable, and its ancestor is not there */
                { { "Usage" },                               ALWAYS " 1:writerData\\Usage" },
                { { "Usage", "writerData" },                 ALWAYS " 1:writerData" }, /* it is: then it comes along */
                { { "writerData", "Usage" },                 ALWAYS " 1:writerData" },
                { { "Jan" },                                 NULL }, /* three are called so */
                { { "security" },                            NULL }, /* names are names */
                { { "Security\\" },                          NULL },
                { { "" },                                    NULL },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); ++i)
                check(&cases[i], add_my_writer);
}

static void test_that_a_damaged_component_keeps_nobody_else_from_being_chosen(void **state) {
        _cleanup_(freep) char *chosen = NULL;
        BackupPlan p = { .type = VSS_BT_COPY };

        plan_add_writer(&p, 1, "USER_DATA", 0,
                        "<FILE_GROUP componentName=\"a\" selectable=\"yes\"/><FILE_GROUP componentName=\"b\" selectable=\"?\"/>"
                        "<FILE_GROUP componentName=\"c\" selectable=\"yes\"/>");
        assert_int_equal(backup_plan_choose(&p), EXIT_OK);
        chosen = plan_chosen(&p);
        assert_string_equal(chosen, "1:a 1:c");
        backup_plan_clear(&p);
}

static void test_that_members_are_those_that_follow_a_selectable_one(void **state) {
        static const struct {
                const char *top, *component;
                bool member;
        } cases[] = {
                { "writerData",        "writerData",             true  },
                { "writerData",        "writerData\\Set1",       true  },
                { "writerData",        "writerData\\Set1\\Jan",  true  },
                { "writerData",        "writerData\\QueryLogs\\Query", true }, /* of a path that is no component */
                { "writerData",        "writerData\\Usage\\Dec", true  },
                { "writerData\\Usage", "writerData\\Usage\\Dec", true  },
                { "writerData\\Usage", "writerData\\Set1\\Dec",  false },
                { "writerData\\Set1",  "writerData\\Set1\\Jan",  false }, /* is not selectable, so it defines nothing */
                { "Executables",       "Executables\\ConfigFiles", false },
                { "Security",          "LicenseInfo",            false },
        };
        BackupPlan p = { 0 };

        add_my_writer(&p);
        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                const Component *found[2] = { NULL };

                for (size_t k = 0; k < p.writers[0].n_components; ++k) {
                        if (strcmp(p.writers[0].components[k].full, cases[i].top) == 0)
                                found[0] = &p.writers[0].components[k];
                        if (strcmp(p.writers[0].components[k].full, cases[i].component) == 0)
                                found[1] = &p.writers[0].components[k];
                }
                assert_true(found[0] && found[1]);
                assert_int_equal(component_is_member(found[1], found[0]), cases[i].member);
        }
        backup_plan_clear(&p);
}

#define FILES(path, name, selectable, directory)                                                             \
        "<FILE_GROUP logicalPath=\"" path "\" componentName=\"" name "\" selectable=\"" selectable "\"><FILE_LIST" \
        " path=\"" directory "\" filespec=\"*\"/></FILE_GROUP>"

static void test_that_files_are_those_of_all_that_come_along(void **state) {
        static const struct {
                const char *component, *files; /* in these directories */
        } cases[] = {
                { "set",             "/set /inner /part /leaf" },
                { "set\\inner",      "/inner" },
                { "set\\part",       "/part /leaf" }, /* a part of the set, with what follows it */
                { "set\\part\\leaf", "/leaf" },
                { "plain",           "/plain" }, /* defines no set: what follows it is added itself */
                { "plain\\below",    "/below" },
        };
        static const char *const all[] = { "/set", "/inner", "/part", "/leaf", "/plain", "/below" };
        BackupPlan p = { 0 };

        plan_add_writer(&p, 1, "USER_DATA", 0,
                        FILES("", "set", "yes", "/set") FILES("set", "inner", "yes", "/inner") FILES("set", "part", "no", "/part")
                        FILES("set\\part", "leaf", "no", "/leaf") FILES("", "plain", "no", "/plain") FILES("plain", "below", "no", "/below")
                        "<EXCLUDE_FILES path=\"/set\" filespec=\"*.tmp\"/><EXCLUDE_FILES_FROM_SNAPSHOT path=\"/set\" filespec=\"*.page\"/>");
        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                _cleanup_(file_set_freep) FileSet *set = NULL;
                _cleanup_(strv_freep) char **found = NULL;
                _cleanup_(freep) char *joined = NULL;
                const Component *c = NULL;

                for (size_t k = 0; k < p.writers[0].n_components; ++k)
                        if (strcmp(p.writers[0].components[k].full, cases[i].component) == 0)
                                c = &p.writers[0].components[k];
                assert_non_null(c);
                assert_int_equal(file_set_new(&set), 0);
                assert_int_equal(component_add_files(&p.writers[0], c, set), S_OK);
                for (size_t k = 0; k < ELEMENTSOF(all); ++k) {
                        _cleanup_(freep) char *file = NULL;

                        assert_true(format_to(&file, "%s/x", all[k]) >= 0);
                        if (file_set_contains(set, file))
                                assert_int_equal(strv_append(&found, all[k]), 0);
                }
                joined = strv_join(found, " ");
                assert_string_equal(joined, cases[i].files);
                assert_false(file_set_contains(set, "/set/x.tmp") || file_set_contains(set, "/set/x.page"));
        }
        backup_plan_clear(&p);
}

/* "a" needs what the others have; they need each other. */
static void add_needy(BackupPlan *p) {
        plan_add_writer(p, 1, "USER_DATA", 0,
                        NEEDS("", "a", "yes", "2", "", "db") NEEDS("", "sub-needs", "yes", "3", "", "none") GROUP("", "plain", "yes")
                        GROUP("", "top", "yes") NEEDS("top", "inner", "no", "2", "set", "leaf") NEEDS("", "far", "yes", "2", "\\\\host\\set", "x")
                        NEEDS("", "far2", "yes", "2", "", "\\\\host\\x") NEEDS("", "gone", "yes", "2", "", "nothing"));
        plan_add_writer(p, 2, "USER_DATA", 0,
                        NEEDS("", "db", "yes", "3", "", "disk") GROUP("", "set", "yes") GROUP("set", "leaf", "no") GROUP("", "own", "no"));
        plan_add_writer(p, 3, "USER_DATA", 0, NEEDS("", "disk", "yes", "1", "", "a") NEEDS("", "none", "yes", "9", "", "x"));
}

static void test_that_what_is_needed_comes_along(void **state) {
        static const Case cases[] = {
                { { "plain" },           "1:plain" },
                { { "1:plain" },         NULL }, /* no writer has that name */
                { { "Writer 1:plain" },  "1:plain" },
                { { "instance 1:plain" }, "1:plain" },
                { { "11111111-0000-4000-8000-000000000001:plain" }, "1:plain" },
                { { "a" },               "1:a 2:db 2:own 3:disk" }, /* in a circle */
                { { "disk" },            "1:a 2:db 2:own 3:disk" },
                { { "top" },             "1:top 2:own 2:set" }, /* what follows it needs something that only comes with "set" */
                { { "sub-needs" },       "1:sub-needs 3:none" }, /* and that needs a writer that is not there */
                { { "far" },             "1:far" }, /* on another machine */
                { { "far2" },            "1:far2" },
                { { "gone" },            "1:gone" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); ++i)
                check(&cases[i], add_needy);
}

static void add_alike(BackupPlan *p) {
        plan_add_writer(p, 1, "USER_DATA", 0, GROUP("", "db", "yes") GROUP("deep", "other", "yes") GROUP("db", "colon:name", "yes"));
        plan_add_writer(p, 2, "USER_DATA", 0, GROUP("", "db", "yes") GROUP("", "other", "yes"));
}

static void test_that_a_name_means_one_component(void **state) {
        static const Case cases[] = {
                { { "db" },                 NULL },
                { { "Writer 2:db" },        "2:db" },
                { { "instance 1:db" },      "1:db" },
                { { "deep\\other" },        "1:deep\\other" },
                { { "other" },              "2:other" }, /* the whole name goes before a last part */
                { { "Writer 1:other" },     "1:deep\\other" },
                { { "colon:name" },         "1:db\\colon:name" },
                { { "Writer 1:colon:name" }, "1:db\\colon:name" },
                { { "Writer 3:db" },        NULL },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); ++i)
                check(&cases[i], add_alike);
}

static void test_that_system_state_is_what_the_machine_starts_with(void **state) {
        BackupPlan p = { .type = VSS_BT_FULL, .system_state = true };
        _cleanup_(freep) char *chosen = NULL;

        plan_add_writer(&p, 1, "BOOTABLE_SYSTEM_STATE", 0,
                        GROUP("", "boot", "yes") "<FILE_GROUP componentName=\"not\" selectable=\"yes\" componentFlags=\"4\"/>");
        plan_add_writer(&p, 2, "SYSTEM_SERVICE", 0, GROUP("", "service", "yes") GROUP("service", "inner", "yes"));
        plan_add_writer(&p, 3, "USER_DATA", 0, GROUP("", "data", "yes"));
        assert_int_equal(backup_plan_choose(&p), EXIT_OK);
        chosen = plan_chosen(&p);
        assert_string_equal(chosen, "1:boot 2:service");
        backup_plan_clear(&p);
}

static void test_that_what_was_left_out_is_not_chosen_again(void **state) {
        BackupPlan p = { .type = VSS_BT_FULL, .best_effort = true };
        _cleanup_(freep) char *chosen = NULL;

        add_my_writer(&p);
        assert_int_equal(backup_plan_choose(&p), EXIT_OK);
        assert_int_equal(backup_plan_leave_out(&p, plan_component(&p, "Security")), EXIT_OK);
        backup_plan_clear_attempt(&p);

        add_my_writer(&p);
        assert_int_equal(backup_plan_choose(&p), EXIT_OK);
        chosen = plan_chosen(&p);
        assert_string_equal(chosen, ALWAYS " 1:LicenseInfo 1:writerData");
        backup_plan_clear(&p);
}

static void test_that_without_writers_there_must_be_a_path(void **state) {
        BackupPlan p = { .type = VSS_BT_COPY };

        assert_int_equal(backup_plan_choose(&p), EXIT_FAILED);
        assert_int_equal(strv_append(&p.paths, "/srv"), 0);
        assert_int_equal(backup_plan_choose(&p), EXIT_OK);
        assert_int_equal(p.n_components, 0);
        backup_plan_clear(&p);
}

int main(int argc, char **argv) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_that_selectability_decides_who_is_added_and_who_comes_along),
                cmocka_unit_test(test_that_a_damaged_component_keeps_nobody_else_from_being_chosen),
                cmocka_unit_test(test_that_members_are_those_that_follow_a_selectable_one),
                cmocka_unit_test(test_that_files_are_those_of_all_that_come_along),
                cmocka_unit_test(test_that_what_is_needed_comes_along),
                cmocka_unit_test(test_that_a_name_means_one_component),
                cmocka_unit_test(test_that_system_state_is_what_the_machine_starts_with),
                cmocka_unit_test(test_that_what_was_left_out_is_not_chosen_again),
                cmocka_unit_test(test_that_without_writers_there_must_be_a_path),
        };

        if (argc > 1)
                cmocka_set_test_filter(argv[1]);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
