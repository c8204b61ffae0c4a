/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What of each file is saved: masks, types, places, exclusions, and what writers add.
 */

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fd-util.h"
#include "base/strv.h"
#include "lib/reference.h"
#include "lib/test-util.h"
#include "plan-fixture.h"
#include "tools/backup-files.h"
#include "tools/verb.h"

#define FULL VSS_BT_FULL
#define COPY VSS_BT_COPY
#define INCR VSS_BT_INCREMENTAL
#define DIFF VSS_BT_DIFFERENTIAL
#define LOGS VSS_BT_LOG

/* What is asked about, with what comes out: W whole, R ranges, - nothing; n if its name is kept. */
static const char *ask(BackupFiles *f, FilePlace place, const char *path, int dir_fd) {
        static char answer[3];
        const char *slash = strrchr(path, '/');
        FileAnswer a;

        assert_int_equal(backup_files_ask(f, place, path, dir_fd, slash + 1, &a), 0);
        answer[0] = "-WR"[a.verdict];
        answer[1] = a.named ? 'n' : '\0';
        answer[2] = '\0';
        return answer;
}

/* All of it chosen, and taken as @how. */
static BackupPlan plan_of(const char *locations, VSS_BACKUP_TYPE type, VSS_BACKUP_TYPE how) {
        BackupPlan p = { .type = type };

        plan_add_writer(&p, 1, "USER_DATA", 0, locations);
        assert_int_equal(backup_plan_choose(&p), EXIT_OK);
        for (size_t i = 0; i < p.n_components; ++i)
                p.components[i].how = how;
        return p;
}

static BackupFiles *files_of(const BackupPlan *p) {
        BackupFiles *f = NULL;

        assert_int_equal(backup_files_new(p, &f), 0);
        assert_int_equal(backup_files_load_ranges(f), 0);
        return f;
}

static void test_that_the_mask_says_what_is_needed_and_where_it_is_read(void **state) {
        static const struct {
                unsigned mask;
                VSS_BACKUP_TYPE type, how;
                const char *shadow, *live; /* what comes out there */
        } cases[] = {
                { 0xF0F, FULL, FULL, "W",  "-"  },
                { 0xF0F, COPY, COPY, "W",  "-"  },
                { 0xF0F, INCR, INCR, "Wn", "-"  },
                { 0xF0F, DIFF, DIFF, "Wn", "-"  },
                { 0xF0F, LOGS, LOGS, "-n", "-"  }, /* it is no log file */
                { 0x00F, FULL, FULL, "-",  "W"  },
                { 0x00F, INCR, INCR, "-",  "Wn" },
                { 0x101, FULL, FULL, "W",  "-"  },
                { 0x101, COPY, COPY, "W",  "-"  },
                { 0x101, INCR, INCR, "-",  "-n" }, /* not needed, and no shadow copy is: its name is looked for live */
                { 0x501, INCR, INCR, "-n", "-"  },
                { 0x404, INCR, INCR, "Wn", "-"  },
                { 0x404, INCR, FULL, "-",  "-"  }, /* taken in full: then the bits of that count */
                { 0xF0F, INCR, FULL, "W",  "-"  },
                { 0x404, DIFF, DIFF, "-",  "-n" },
                { 0x202, DIFF, DIFF, "Wn", "-"  },
                { 0xF0E, FULL, FULL, "-",  "-"  },
                { 0,     FULL, FULL, "-",  "-"  },
                { 0,     INCR, INCR, "-",  "-n" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                _cleanup_(backup_files_freep) BackupFiles *f = NULL;
                _cleanup_(freep) char *locations = NULL;
                BackupPlan p;

                assert_true(format_to(&locations,
                                      "<FILE_GROUP componentName=\"c\" selectable=\"yes\"><FILE_LIST path=\"/srv\" filespec=\"*\""
                                      " filespecBackupType=\"%u\"/></FILE_GROUP>",
                                      cases[i].mask) >= 0);
                p = plan_of(locations, cases[i].type, cases[i].how);
                f = files_of(&p);
                if (strcmp(ask(f, PLACE_SHADOW, "/srv/x", -1), cases[i].shadow) != 0)
                        fail_msg("case %zu, shadow: %s", i, ask(f, PLACE_SHADOW, "/srv/x", -1));
                if (strcmp(ask(f, PLACE_LIVE, "/srv/x", -1), cases[i].live) != 0)
                        fail_msg("case %zu, live: %s", i, ask(f, PLACE_LIVE, "/srv/x", -1));
                assert_string_equal(ask(f, PLACE_SHADOW, "/srv/deep/x", -1), "-");
                assert_string_equal(ask(f, PLACE_SHADOW, "/other/x", -1), "-");
                assert_int_equal(file_set_is_empty(backup_files_walk(f, PLACE_SHADOW)), *cases[i].shadow == '-' && !cases[i].shadow[1]);
                assert_int_equal(file_set_is_empty(backup_files_walk(f, PLACE_LIVE)), *cases[i].live == '-' && !cases[i].live[1]);
                backup_plan_clear(&p);
        }
}

static void test_that_a_log_backup_is_of_log_files(void **state) {
        BackupPlan p = plan_of("<DATABASE componentName=\"c\" selectable=\"yes\"><DATABASE_FILES path=\"/srv\" filespec=\"*.db\"/>"
                               "<DATABASE_LOGFILES path=\"/srv\" filespec=\"*.log\"/>"
                               "<DATABASE_LOGFILES path=\"/srv\" filespec=\"*.not\" filespecBackupType=\"3843\"/></DATABASE>",
                               LOGS, LOGS);
        _cleanup_(backup_files_freep) BackupFiles *f = files_of(&p);

        assert_string_equal(ask(f, PLACE_SHADOW, "/srv/x.db", -1), "-n");
        assert_string_equal(ask(f, PLACE_SHADOW, "/srv/x.log", -1), "Wn");
        assert_string_equal(ask(f, PLACE_SHADOW, "/srv/x.not", -1), "-n"); /* without the bit */
        backup_plan_clear(&p);
}

static void test_that_a_writer_excludes_files_of_its_own(void **state) {
        static const char first[] = "<FILE_GROUP componentName=\"c\" selectable=\"yes\"><FILE_LIST path=\"/srv\" filespec=\"*\" recursive=\"yes\"/>"
                                    "<FILE_LIST path=\"/live\" filespec=\"*\" filespecBackupType=\"15\"/></FILE_GROUP>"
                                    "<EXCLUDE_FILES path=\"/srv\" filespec=\"*.tmp\" recursive=\"yes\"/>"
                                    "<EXCLUDE_FILES path=\"/live\" filespec=\"*.tmp\"/>"
                                    "<EXCLUDE_FILES_FROM_SNAPSHOT path=\"/srv\" filespec=\"*.page\"/>"
                                    "<EXCLUDE_FILES_FROM_SNAPSHOT path=\"/live\" filespec=\"*.page\"/>";
        static const struct {
                FilePlace place;
                const char *path, *answer;
        } cases[] = {
                { PLACE_SHADOW, "/srv/a",        "W" },
                { PLACE_SHADOW, "/srv/a.tmp",    "-" },
                { PLACE_SHADOW, "/srv/d/a.tmp",  "-" },
                { PLACE_SHADOW, "/srv/a.page",   "-" },
                { PLACE_SHADOW, "/srv/d/a.page", "W" }, /* that one is not recursive */
                { PLACE_LIVE,   "/live/a",       "W" },
                { PLACE_LIVE,   "/live/a.tmp",   "-" },
                { PLACE_LIVE,   "/live/a.page",  "W" }, /* it is not read from a shadow copy */
                { PLACE_SHADOW, "/two/a.tmp",    "W" }, /* another writer's */
                { PLACE_SHADOW, "/paths/a.tmp",  "W" },
        };
        BackupPlan p = { .type = FULL };
        _cleanup_(backup_files_freep) BackupFiles *f = NULL;

        plan_add_writer(&p, 1, "USER_DATA", 0, first);
        plan_add_writer(&p, 2, "USER_DATA", 0,
                        "<FILE_GROUP componentName=\"d\" selectable=\"yes\"><FILE_LIST path=\"/two\" filespec=\"*.tmp\"/></FILE_GROUP>");
        assert_int_equal(backup_plan_choose(&p), EXIT_OK);
        assert_int_equal(strv_append(&p.paths, "/paths"), 0);
        f = files_of(&p);
        for (size_t i = 0; i < ELEMENTSOF(cases); ++i)
                if (strcmp(ask(f, cases[i].place, cases[i].path, -1), cases[i].answer) != 0)
                        fail_msg("%s: not %s", cases[i].path, cases[i].answer);
        REACHES_RULE(IVssCreateWriterMetadata, "AddExcludeFiles", "exclude list wins");
        backup_plan_clear(&p);
}

static void test_that_files_elsewhere_have_their_own_names(void **state) {
        BackupPlan p = plan_of("<FILE_GROUP componentName=\"c\" selectable=\"yes\"><FILE_LIST path=\"\\srv\\here\" filespec=\"*\""
                               " alternatePath=\"/really/\"/><FILE_LIST path=\"/srv\" filespec=\"a\" alternatePath=\"/live\""
                               " filespecBackupType=\"15\"/></FILE_GROUP>",
                               FULL, FULL);
        _cleanup_(backup_files_freep) BackupFiles *f = files_of(&p);
        const AlternateFiles *list;
        size_t n;

        list = backup_files_alternates(f, &n);
        assert_int_equal(n, 2);
        assert_string_equal(list[0].path, "/srv/here");
        assert_string_equal(list[0].directory, "/really");
        assert_false(list[0].live);
        assert_true(list[1].live);
        assert_string_equal(ask(f, PLACE_ALTERNATE, "/srv/here/x", -1), "W");
        assert_string_equal(ask(f, PLACE_SHADOW, "/srv/here/x", -1), "-"); /* not at its own place */

        /* A shadow copy is needed of where they are, not of where they belong. */
        assert_true(file_set_contains(backup_files_places(f), "/really/x"));
        assert_false(file_set_contains(backup_files_places(f), "/srv/here/x"));
        assert_false(file_set_contains(backup_files_places(f), "/live/a"));
        REACHES_RULE(IVssWMFiledesc, "GetAlternateLocation", "on component file sets: backup source");
        backup_plan_clear(&p);
}

/* What a writer adds; the strings are freed with the plan. */
static void add_differenced(PlanComponent *c, const char *path, const char *spec, bool recursive, uint64_t since) {
        ComponentNews *n = &c->news;

        assert_int_equal(ARRAY_RESERVE(n->differenced, n->differenced_capacity, n->n_differenced + 1), 0);
        n->differenced[n->n_differenced++] = (DifferencedFiles){ strdup(path), strdup(spec), recursive, since };
}

static void add_partial(PlanComponent *c, const char *path, const char *ranges) {
        ComponentNews *n = &c->news;

        assert_int_equal(ARRAY_RESERVE(n->partial, n->partial_capacity, n->n_partial + 1), 0);
        n->partial[n->n_partial++] = (PartialFile){ strdup(path), strdup(ranges) };
}

/* 2001-09-09 01:46:40 UTC, as Unix and as Windows count it */
#define MOMENT 1000000000
#define MOMENT_FILETIME ((MOMENT + 11644473600U) * 10000000ULL)

static void test_that_differenced_files_are_those_that_changed_since(void **state) {
        static const struct {
                long nsec;      /* after the moment at which the file changed */
                uint64_t since; /* after the same, in 100 ns */
                bool taken;
        } cases[] = {
                { 0,         0,  true  }, /* at or after */
                { 0,         1,  false },
                { 99,        1,  false },
                { 100,       1,  true  },
                { 100,       2,  false },
                { 999999999, 9999999, true },
                { 0,         (uint64_t) -MOMENT_FILETIME, true }, /* a time of 0: whenever */
        };
        _cleanup_(temp_dir_freep) char *dir = temp_dir_new();
        _cleanup_(closep) int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        write_file(dir, "x", "");
        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                const struct timespec times[] = { { .tv_nsec = UTIME_OMIT }, { MOMENT, cases[i].nsec } };
                BackupPlan p = plan_of("<FILE_GROUP componentName=\"c\" selectable=\"yes\"><FILE_LIST path=\"/srv\" filespec=\"*\"/></FILE_GROUP>",
                                       INCR, INCR);
                _cleanup_(backup_files_freep) BackupFiles *f = NULL;

                assert_int_equal(utimensat(fd, "x", times, 0), 0);
                add_differenced(&p.components[0], "/srv", "x*", false, MOMENT_FILETIME + cases[i].since);
                add_differenced(&p.components[0], "/new", "*", true, MOMENT_FILETIME + cases[i].since);
                f = files_of(&p);
                assert_string_equal(ask(f, PLACE_SHADOW, "/srv/x", fd), cases[i].taken ? "Wn" : "-n"); /* though the mask needs it */
                assert_string_equal(ask(f, PLACE_SHADOW, "/srv/y", fd), "Wn"); /* this one is not differenced */
                assert_string_equal(ask(f, PLACE_SHADOW, "/new/deep/x", fd), cases[i].taken ? "Wn" : "-n"); /* in no file set */
                assert_true(file_set_contains(backup_files_places(f), "/new/deep/x"));

                /* Under a name that the set before does not know it is new; then it counts whatever its time. */
                assert_int_equal(backup_files_knew(f, "/srv/x"), 0);
                assert_string_equal(ask(f, PLACE_SHADOW, "/srv/x", fd), cases[i].taken ? "Wn" : "-n");
                assert_string_equal(ask(f, PLACE_SHADOW, "/new/deep/x", fd), "Wn");
                backup_plan_clear(&p);
        }
        REACHES_RULE(IVssComponent, "AddDifferencedFilesByLastModifyTime", "need not match a file set");
}

static void test_that_several_times_are_the_earliest(void **state) {
        static const struct timespec times[] = { { .tv_nsec = UTIME_OMIT }, { MOMENT, 0 } };
        BackupPlan p = plan_of("<FILE_GROUP componentName=\"c\" selectable=\"yes\"/>", DIFF, DIFF);
        _cleanup_(temp_dir_freep) char *dir = temp_dir_new();
        _cleanup_(closep) int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        _cleanup_(backup_files_freep) BackupFiles *f = NULL;

        write_file(dir, "x", "");
        assert_int_equal(utimensat(fd, "x", times, 0), 0);
        add_differenced(&p.components[0], "/srv", "*", false, MOMENT_FILETIME + 1);
        add_differenced(&p.components[0], "/srv", "x", false, MOMENT_FILETIME);
        f = files_of(&p);
        assert_string_equal(ask(f, PLACE_SHADOW, "/srv/x", fd), "Wn");
        backup_plan_clear(&p);
}

static void test_that_ranges_go_before_the_mask(void **state) {
        static const struct {
                VSS_BACKUP_TYPE type, how;
                const char *partial, *both, *outside; /* in a set that is needed; differenced as well; in no set */
        } cases[] = {
                { INCR, INCR, "Rn", "Wn", "Rn" },
                { DIFF, DIFF, "Rn", "Wn", "Rn" },
                { FULL, FULL, "R",  "W",  "R"  },
                { COPY, COPY, "R",  "W",  "R"  },
                { INCR, FULL, "W",  "W",  "W"  }, /* the writer spoke of less than is taken */
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                BackupPlan p = plan_of("<FILE_GROUP componentName=\"c\" selectable=\"yes\"><FILE_LIST path=\"/srv\" filespec=\"*\"/></FILE_GROUP>",
                                       cases[i].type, cases[i].how);
                _cleanup_(backup_files_freep) BackupFiles *f = NULL;

                add_partial(&p.components[0], "/srv/partial*", "1:2"); /* a name, no pattern */
                add_partial(&p.components[0], "/srv/both", "1:2");
                add_partial(&p.components[0], "/out/side", "1:2");
                add_differenced(&p.components[0], "/srv", "both", false, 0);
                f = files_of(&p);
                assert_string_equal(ask(f, PLACE_SHADOW, "/srv/partial*", -1), cases[i].partial);
                assert_int_equal(*ask(f, PLACE_SHADOW, "/srv/partial-not", -1), 'W');
                assert_string_equal(ask(f, PLACE_SHADOW, "/srv/both", -1), cases[i].both);
                assert_string_equal(ask(f, PLACE_SHADOW, "/out/side", -1), cases[i].outside);
                assert_int_equal(*ask(f, PLACE_SHADOW, "/out/other", -1), '-');
                assert_true(file_set_contains(backup_files_walk(f, PLACE_SHADOW), "/out/side"));
                backup_plan_clear(&p);
        }
        REACHES_RULE(IVssComponent, "AddPartialFile", "overrides the VSS_FILE_SPEC_BACKUP_TYPE tag");
        REACHES_RULE(IVssComponent, "AddPartialFile", "must not also be a differenced file");
        REACHES_RULE(IVssComponent, "AddPartialFile", "may name a file not matched");
        REACHES_RULE(IVssComponent, "AddDifferencedFilesByLastModifyTime", "must not also be added by AddPartialFile");
}

static void test_that_what_is_read_live_is_added_to_live(void **state) {
        static const struct {
                VSS_BACKUP_TYPE type;
                const char *part, *other, *log;
        } cases[] = {
                { INCR, "Rn", "Rn", "Wn" },
                { FULL, "R",  "R",  "W"  },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                BackupPlan p = plan_of("<FILE_GROUP componentName=\"c\" selectable=\"yes\"><FILE_LIST path=\"/live\" filespec=\"*.db\""
                                       " filespecBackupType=\"15\"/></FILE_GROUP>",
                                       cases[i].type, cases[i].type);
                _cleanup_(backup_files_freep) BackupFiles *f = NULL;

                add_partial(&p.components[0], "/live/x.db", "1:2");
                add_partial(&p.components[0], "/live/in-no-set", "1:2");
                add_differenced(&p.components[0], "/live", "*.log", false, 0);
                f = files_of(&p);
                assert_string_equal(ask(f, PLACE_LIVE, "/live/x.db", -1), cases[i].part);
                assert_string_equal(ask(f, PLACE_LIVE, "/live/in-no-set", -1), cases[i].other);
                assert_string_equal(ask(f, PLACE_LIVE, "/live/y.log", -1), cases[i].log);
                assert_true(file_set_is_empty(backup_files_walk(f, PLACE_SHADOW)));
                assert_true(file_set_is_empty(backup_files_places(f))); /* and no volume is needed */
                backup_plan_clear(&p);
        }
}

static void test_that_a_file_has_one_place(void **state) {
        static const struct {
                const char *path, *shadow, *live;
        } cases[] = {
                { "/srv/x.db",  "-", "W" }, /* by path from the shadow copy, by its component live: that one knows better */
                { "/srv/x.txt", "W", "-" }, /* by path only */
                { "/srv/x.two", "W", "-" }, /* two components, of which one wants it from the shadow copy */
        };
        BackupPlan p = { .type = FULL };
        _cleanup_(backup_files_freep) BackupFiles *f = NULL;

        plan_add_writer(&p, 1, "USER_DATA", 0,
                        "<FILE_GROUP componentName=\"c\" selectable=\"yes\"><FILE_LIST path=\"/srv\" filespec=\"*.db\" filespecBackupType=\"15\"/>"
                        "<FILE_LIST path=\"/srv\" filespec=\"*.two\" filespecBackupType=\"15\"/></FILE_GROUP>"
                        "<FILE_GROUP componentName=\"d\" selectable=\"yes\"><FILE_LIST path=\"/srv\" filespec=\"*.two\"/></FILE_GROUP>");
        assert_int_equal(strv_append(&p.writer_names, "Writer 1"), 0);
        assert_int_equal(strv_append(&p.paths, "/srv"), 0);
        assert_int_equal(backup_plan_choose(&p), EXIT_OK);
        f = files_of(&p);
        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                assert_string_equal(ask(f, PLACE_SHADOW, cases[i].path, -1), cases[i].shadow);
                assert_string_equal(ask(f, PLACE_LIVE, cases[i].path, -1), cases[i].live);
        }
        backup_plan_clear(&p);
}

static int write_name(const Component *c, void *userdata) {
        char *names = userdata;

        return strlen(strcat(strcat(names, c->full), " ")) < 100 ? 0 : -E2BIG;
}

static void test_that_who_names_files_and_has_none_is_told_of(void **state) {
        BackupPlan p = { .type = FULL };
        _cleanup_(backup_files_freep) BackupFiles *f = NULL;
        char names[200] = "";

        plan_add_writer(&p, 1, "USER_DATA", 0,
                        "<EXCLUDE_FILES path=\"/srv\" filespec=\"*.tmp\"/>"
                        "<FILE_GROUP componentName=\"found\" selectable=\"yes\"><FILE_LIST path=\"/srv\" filespec=\"*.db\"/></FILE_GROUP>"
                        "<FILE_GROUP componentName=\"gone\" selectable=\"yes\"><FILE_LIST path=\"/srv\" filespec=\"*.bd\"/></FILE_GROUP>"
                        "<FILE_GROUP componentName=\"excluded\" selectable=\"yes\"><FILE_LIST path=\"/srv\" filespec=\"*.tmp\"/></FILE_GROUP>"
                        "<FILE_GROUP componentName=\"logs\" selectable=\"yes\">"
                        "<FILE_LIST path=\"/srv\" filespec=\"*.log\" filespecBackupType=\"1028\"/></FILE_GROUP>" /* not in this type */
                        "<FILE_GROUP componentName=\"adds\" selectable=\"yes\"/><FILE_GROUP componentName=\"none\" selectable=\"yes\"/>"
                        "<FILE_GROUP componentName=\"top\" selectable=\"yes\"/>"
                        "<FILE_GROUP logicalPath=\"top\" componentName=\"sub\"><FILE_LIST path=\"/sub\" filespec=\"*\" recursive=\"yes\"/></FILE_GROUP>");
        assert_int_equal(backup_plan_choose(&p), EXIT_OK);
        for (size_t i = 0; i < p.n_components; ++i)
                p.components[i].how = FULL;
        add_differenced(plan_component(&p, "adds"), "/diff", "*", true, 0);
        f = files_of(&p);
        (void) ask(f, PLACE_SHADOW, "/srv/one.db", -1);
        (void) ask(f, PLACE_SHADOW, "/srv/x.tmp", -1);
        (void) ask(f, PLACE_SHADOW, "/sub/deep/x", -1);
        assert_int_equal(backup_files_for_each_empty(f, write_name, names), 0);
        assert_string_equal(names, "gone excluded adds ");

        (void) ask(f, PLACE_SHADOW, "/diff/x", -1);
        names[0] = '\0';
        assert_int_equal(backup_files_for_each_empty(f, write_name, names), 0);
        assert_string_equal(names, "gone excluded ");
        backup_plan_clear(&p);
}

static void test_that_who_lost_a_file_is_marked(void **state) {
        BackupPlan p = { .type = FULL };

        plan_add_writer(&p, 1, "USER_DATA", 0,
                        "<FILE_GROUP componentName=\"top\" selectable=\"yes\"/>"
                        "<FILE_GROUP logicalPath=\"top\" componentName=\"sub\"><FILE_LIST path=\"/srv\" filespec=\"*\"/></FILE_GROUP>"
                        "<FILE_GROUP componentName=\"other\" selectable=\"yes\"><FILE_LIST path=\"/other\" filespec=\"*\"/></FILE_GROUP>"
                        "<FILE_GROUP componentName=\"adds\" selectable=\"yes\"/>");
        assert_int_equal(backup_plan_choose(&p), EXIT_OK);
        add_partial(plan_component(&p, "adds"), "/part/of", "1:2");
        add_differenced(plan_component(&p, "adds"), "/diff", "*", true, 0);

        assert_int_equal(backup_files_blame(&p, "/nobody/x", false), 0);
        assert_false(plan_component(&p, "top")->failed || plan_component(&p, "other")->failed || plan_component(&p, "adds")->failed);
        assert_int_equal(backup_files_blame(&p, "/srv/x", false), 0); /* of one that came along */
        assert_true(plan_component(&p, "top")->failed);
        assert_false(plan_component(&p, "other")->failed || plan_component(&p, "adds")->failed);
        assert_int_equal(backup_files_blame(&p, "/diff/deep/x", true), 0);
        assert_true(plan_component(&p, "adds")->failed);
        assert_false(plan_component(&p, "other")->failed);
        assert_int_equal(backup_files_blame(&p, "/other", true), 0);
        assert_true(plan_component(&p, "other")->failed);
        backup_plan_clear(&p);
}

int main(int argc, char **argv) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_that_the_mask_says_what_is_needed_and_where_it_is_read),
                cmocka_unit_test(test_that_a_log_backup_is_of_log_files),
                cmocka_unit_test(test_that_a_writer_excludes_files_of_its_own),
                cmocka_unit_test(test_that_files_elsewhere_have_their_own_names),
                cmocka_unit_test(test_that_differenced_files_are_those_that_changed_since),
                cmocka_unit_test(test_that_several_times_are_the_earliest),
                cmocka_unit_test(test_that_ranges_go_before_the_mask),
                cmocka_unit_test(test_that_what_is_read_live_is_added_to_live),
                cmocka_unit_test(test_that_a_file_has_one_place),
                cmocka_unit_test(test_that_who_names_files_and_has_none_is_told_of),
                cmocka_unit_test(test_that_who_lost_a_file_is_marked),
        };

        if (argc > 1)
                cmocka_set_test_filter(argv[1]);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
