/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What a backup builds on: when a component is taken as was asked for, and when in full.
 */

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/alloc.h"
#include "base/strv.h"
#include "lib/test-util.h"
#include "plan-fixture.h"
#include "tools/backup-base.h"
#include "tools/set-format.h"
#include "tools/set-output.h"
#include "tools/set-writer.h"
#include "tools/verb.h"

#define ID "22222222-0000-4000-8000-000000000000"

static void add_json(SetWriter *w, const char *name, json_t *json) {
        char *text = json_dumps(json, 0);

        assert_non_null(text);
        assert_int_equal(set_writer_add_text(w, name, text, strlen(text)), 0);
        free(text);
        json_decref(json);
}

/* The set before: one component "c" of writer 1, taken as @how with a stamp. @instance: its number then. */
static char *make_set(const char *dir, const char *type, const char *how, unsigned instance, bool failed, const char *names) {
        char *path = path_in(dir, "set");
        _cleanup_(set_output_freep) SetOutput *output = NULL;
        _cleanup_(set_writer_freep) SetWriter *w = NULL;
        _cleanup_(freep) char *id = NULL, *name = NULL;
        json_t *list;

        assert_true(format_to(&id, "11111111-0000-4000-8000-%012u", instance) >= 0);
        assert_true(format_to(&name, "instance %u", instance) >= 0);
        assert_int_equal(set_output_open(path, true, SET_LEVEL_NONE, &output), 0);
        assert_int_equal(set_writer_new(output, NULL, NULL, &w), 0);
        list = json_pack("[{s:s, s:s, s:s, s:s, s:n, s:s, s:s, s:s}]", "writer_id", "00000000-0000-4000-8000-000000000001", "instance_id", id,
                         SET_KEY_INSTANCE, name, "component", "c", "logical_path", "name", "c", SET_KEY_STAMP, "a\\xffb", SET_KEY_HOW, how);
        add_json(w, SET_MANIFEST,
                 json_pack("{s:s, s:i, s:s, s:s, s:n, s:o}", "format", SET_FORMAT, "version", SET_FORMAT_VERSION, SET_KEY_ID, ID, SET_KEY_TYPE,
                           type, SET_KEY_SINCE, "components", list));
        assert_int_equal(set_writer_add_content(w, &(struct stat){ .st_mode = 0600 }, "data/saved", "x", 1), 0);
        assert_int_equal(set_writer_begin_tail(w), 0);
        assert_int_equal(set_writer_add_text(w, SET_FINAL_DOCUMENT, "<final/>", 8), 0);
        if (names)
                assert_int_equal(set_writer_add_text(w, SET_NAMES, names, strlen(names)), 0);
        add_json(w, SET_SUMMARY,
                 failed ? json_pack("{s:[{s:s, s:s}]}", SET_KEY_FAILED, "instance_id", id, "component", "c") : json_pack("{}"));
        assert_int_equal(set_writer_finish(w), 0);
        return path;
}

#define ALL 0x1B /* differential, incremental, log, copy */

static void test_that_less_than_all_is_taken_only_on_a_ground(void **state) {
        static const struct {
                const char *type;  /* of the set before; of its component: */
                const char *how;
                unsigned instance; /* whose it was; the same name and id if 1 */
                bool failed;
                unsigned schema;
                VSS_BACKUP_TYPE asked, taken;
        } cases[] = {
                { "full", "full", 1, false, ALL, VSS_BT_INCREMENTAL, VSS_BT_INCREMENTAL },
                { "full", "full", 1, false, ALL, VSS_BT_DIFFERENTIAL, VSS_BT_DIFFERENTIAL },
                { "full", "full", 1, false, ALL, VSS_BT_LOG, VSS_BT_LOG },
                { "full", "full", 2, false, ALL, VSS_BT_INCREMENTAL, VSS_BT_FULL }, /* another instance's */
                { "full", "full", 1, true, ALL, VSS_BT_INCREMENTAL, VSS_BT_FULL },
                { "full", "copy", 1, false, ALL, VSS_BT_INCREMENTAL, VSS_BT_FULL },
                { "full", "what", 1, false, ALL, VSS_BT_INCREMENTAL, VSS_BT_FULL },
                { "incremental", "incremental", 1, false, ALL, VSS_BT_INCREMENTAL, VSS_BT_INCREMENTAL },
                { "incremental", "full", 1, false, ALL, VSS_BT_INCREMENTAL, VSS_BT_INCREMENTAL },
                { "log", "log", 1, false, ALL, VSS_BT_LOG, VSS_BT_LOG },
                { "full", "incremental", 1, false, ALL, VSS_BT_DIFFERENTIAL, VSS_BT_FULL },
                { "differential", "differential", 1, false, ALL, VSS_BT_INCREMENTAL, VSS_BT_INCREMENTAL },
                { "differential", "differential", 1, false, 0x7, VSS_BT_INCREMENTAL, VSS_BT_FULL }, /* does not mix them */
                { "incremental", "incremental", 1, false, 0x7, VSS_BT_INCREMENTAL, VSS_BT_INCREMENTAL },
                { "full", "full", 1, false, 0x7, VSS_BT_DIFFERENTIAL, VSS_BT_DIFFERENTIAL },
                { "full", "full", 1, false, 0x19, VSS_BT_INCREMENTAL, VSS_BT_FULL }, /* cannot */
                { "full", "full", 1, false, 0x1A, VSS_BT_DIFFERENTIAL, VSS_BT_FULL },
                { "full", "full", 1, false, 0x13, VSS_BT_LOG, VSS_BT_FULL },
                { "full", "full", 1, false, 0, VSS_BT_INCREMENTAL, VSS_BT_FULL },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                _cleanup_(temp_dir_freep) char *dir = temp_dir_new();
                _cleanup_(freep) char *set = make_set(dir, cases[i].type, cases[i].how, cases[i].instance, cases[i].failed, NULL);
                _cleanup_(backup_base_freep) BackupBase *base = NULL;
                BackupPlan p = { .type = cases[i].asked };

                plan_add_writer(&p, 1, "USER_DATA", cases[i].schema, "<FILE_GROUP componentName=\"c\" selectable=\"yes\"/>");
                assert_int_equal(backup_plan_choose(&p), EXIT_OK);
                assert_int_equal(backup_base_open(set, cases[i].asked, &base), EXIT_OK);
                assert_string_equal(backup_base_id(base), ID);
                assert_int_equal(backup_base_decide(base, &p), EXIT_OK);
                if (p.components[0].how != cases[i].taken)
                        fail_msg("case %zu: taken as %d", i, (int) p.components[0].how);
                if (cases[i].taken == VSS_BT_FULL)
                        assert_null(p.components[0].previous);
                else
                        assert_string_equal(p.components[0].previous, "a\xff"
                                                                      "b");
                backup_plan_clear(&p);
        }
}

static void test_that_whole_backups_are_as_whole_as_the_writer_can(void **state) {
        static const struct {
                unsigned schema;
                VSS_BACKUP_TYPE asked, taken;
        } cases[] = {
                { 0,    VSS_BT_FULL, VSS_BT_FULL },
                { ALL,  VSS_BT_FULL, VSS_BT_FULL },
                { 0x10, VSS_BT_COPY, VSS_BT_COPY },
                { 0,    VSS_BT_COPY, VSS_BT_FULL }, /* it will take it for a full one */
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                BackupPlan p = { .type = cases[i].asked };

                plan_add_writer(&p, 1, "USER_DATA", cases[i].schema, "<FILE_GROUP componentName=\"c\" selectable=\"yes\"/>");
                assert_int_equal(backup_plan_choose(&p), EXIT_OK);
                assert_int_equal(backup_base_decide(NULL, &p), EXIT_OK);
                assert_int_equal(p.components[0].how, cases[i].taken);
                backup_plan_clear(&p);
        }
}

static void test_that_some_sets_are_no_ground_at_all(void **state) {
        static const struct {
                const char *type;
                VSS_BACKUP_TYPE asked;
                int code;
        } cases[] = {
                { "copy",         VSS_BT_INCREMENTAL,  EXIT_FAILED },
                { "copy",         VSS_BT_DIFFERENTIAL, EXIT_FAILED },
                { "else",         VSS_BT_INCREMENTAL,  EXIT_FAILED },
                { "incremental",  VSS_BT_DIFFERENTIAL, EXIT_FAILED },
                { "differential", VSS_BT_DIFFERENTIAL, EXIT_FAILED },
                { "log",          VSS_BT_DIFFERENTIAL, EXIT_FAILED },
                { "full",         VSS_BT_DIFFERENTIAL, EXIT_OK     },
                { "log",          VSS_BT_INCREMENTAL,  EXIT_OK     },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                _cleanup_(temp_dir_freep) char *dir = temp_dir_new();
                _cleanup_(freep) char *set = make_set(dir, cases[i].type, "full", 1, false, NULL);
                _cleanup_(backup_base_freep) BackupBase *base = NULL;

                assert_int_equal(backup_base_open(set, cases[i].asked, &base), cases[i].code);
        }
}

static void test_that_what_is_no_set_is_said_to_be_damaged(void **state) {
        _cleanup_(temp_dir_freep) char *dir = temp_dir_new();
        _cleanup_(freep) char *file = path_in(dir, "file"), *nothing = path_in(dir, "nothing");
        BackupBase *base = NULL;

        write_file(dir, "file", "no set at all");
        assert_int_equal(backup_base_open(file, VSS_BT_INCREMENTAL, &base), EXIT_DAMAGED);
        assert_int_equal(backup_base_open(nothing, VSS_BT_INCREMENTAL, &base), EXIT_FAILED);
        assert_null(base);
}

static int collect(const char *path, void *userdata) {
        return strv_append(userdata, path);
}

static void test_that_the_names_then_are_those_saved_and_those_not(void **state) {
        _cleanup_(temp_dir_freep) char *dir = temp_dir_new();
        _cleanup_(freep) char *set = make_set(dir, "incremental", "incremental", 1, false, "/a\n/odd\\x0aname\n/saved\n"), *joined = NULL;
        _cleanup_(backup_base_freep) BackupBase *base = NULL;
        _cleanup_(strv_freep) char **names = NULL;

        assert_int_equal(backup_base_open(set, VSS_BT_INCREMENTAL, &base), EXIT_OK);
        assert_int_equal(backup_base_for_each_name(base, collect, &names), 0);
        joined = strv_join(names, "|");
        assert_string_equal(joined, "/saved|/a|/odd\nname|/saved");
}

int main(int argc, char **argv) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_that_less_than_all_is_taken_only_on_a_ground),
                cmocka_unit_test(test_that_whole_backups_are_as_whole_as_the_writer_can),
                cmocka_unit_test(test_that_some_sets_are_no_ground_at_all),
                cmocka_unit_test(test_that_what_is_no_set_is_said_to_be_damaged),
                cmocka_unit_test(test_that_the_names_then_are_those_saved_and_those_not),
        };

        if (argc > 1)
                cmocka_set_test_filter(argv[1]);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
