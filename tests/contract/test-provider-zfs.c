/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What Only ZFS Has to Promise
 *
 * Beyond the contract: what its commands are told, that only what is umbra's is ever destroyed, that it is found
 * again whatever it is called by then, and what becomes of commands that fail or hang. Where the kernel has no
 * ZFS, with a stand-in for the commands (first argument: the directory that it is in); the real ones are for
 * tests/zfs.
 */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <vss.h>

#include "base/alloc.h"
#include "base/command.h"
#include "base/fd-util.h"
#include "base/guid.h"
#include "lib/test-util.h"
#include "provider/provider-protocol.h"
#include "providers/zfs/provider-zfs.h"
#include "providers/zfs/zfs-command.h"
#include "providers/zfs/zfs-find.h"

#define ID "11111111-2222-4333-8444-555555555555"
#define OTHER_ID "99999999-2222-4333-8444-555555555555"
#define SET_ID "aaaaaaaa-2222-4333-8444-555555555555"

#define OURS "\"local\": {\"umbra:set\": \"" SET_ID "\"}"
#define NOTE "pool=17 dataset=1 snapshot=0 id=" ID " name=tank/a"

static const char *stand_in;

typedef struct World {
        char *dir, *runtime;
        ProviderEnv env;
        ProviderSnapshot snapshot;
} World;

static int world_setup(void **state) {
        World *w = calloc_checked(1, sizeof(*w));
        _cleanup_(freep) char *path = NULL;

        assert_non_null(w);
        w->dir = temp_dir_new();
        w->runtime = path_in(w->dir, "run");
        assert_int_equal(mkdir(w->runtime, 0755), 0);
        w->env = (ProviderEnv){ .state_dir = w->dir, .runtime_dir = w->runtime };
        assert_int_equal(guid_from_string(ID, &w->snapshot.id), 0);
        assert_int_equal(guid_from_string(SET_ID, &w->snapshot.set_id), 0);
        w->snapshot.volume = "/srv";
        w->snapshot.volume_fd = -EBADF;
        w->snapshot.note = NOTE;

        assert_int_equal(format_to(&path, "%s:/usr/bin:/bin", stand_in), 0);
        assert_int_equal(setenv("PATH", path, true), 0);
        assert_int_equal(setenv("UMBRA_ZFS_RECORDS", w->dir, true), 0);
        provider_sentence_clear();
        *state = w;
        return 0;
}

static int world_teardown(void **state) {
        World *w = *state;

        temp_dir_free(w->dir);
        free(w->runtime);
        free(w);
        return 0;
}

/* What there is: the inner part of two objects. */
static void set_records(World *w, const char *pools, const char *datasets) {
        _cleanup_(freep) char *text = NULL;

        assert_int_equal(format_to(&text, "{\"pools\": {%s}, \"datasets\": {%s}}", pools, datasets), 0);
        write_file(w->dir, "records.json", text);
}

/* Names of all datasets and snapshots, a line each, oldest first. */
static void assert_names(World *w, const char *expected) {
        _cleanup_(freep) char *names = NULL;

        assert_int_equal(zfs_run((const char *[]){ "zfs", "list", "-H", "-t", "snapshot,filesystem", "-o", "name", NULL }, NULL,
                                 ZFS_QUERY_TIMEOUT_USEC, &names),
                         0);
        assert_string_equal(names, expected);
}

/* How often the commands were told @line, a list in JSON. */
static unsigned times_told(World *w, const char *line) {
        _cleanup_(freep) char *commands = read_file(w->dir, "commands");
        unsigned n = 0;

        for (char *at = commands; at && (at = strstr(at, line)); ++at)
                ++n;
        return n;
}

static int discard(World *w) {
        provider_sentence_clear();
        return provider_zfs_ops.discard(&w->env, &w->snapshot);
}

/* Datasets */

static void test_that_names_that_no_dataset_has_are_refused(void **state) {
        static const struct {
                const char *name;
                int r;
        } cases[] = {
                { "",                        -EOPNOTSUPP },
                { "-r",                      -EOPNOTSUPP },
                { "/tank",                   -EOPNOTSUPP },
                { "tank/",                   -EOPNOTSUPP },
                { "1tank",                   -EOPNOTSUPP },
                { "tank/a@snapshot",         -EOPNOTSUPP },
                { "tank/a\tb",               -EOPNOTSUPP },
                { "tank/a\nb",               -EOPNOTSUPP },
                { "tank/\xc3\xa4",           -EOPNOTSUPP },
                { "tank/%recv",              -EOPNOTSUPP },
                { "tank",                    0           },
                { "tank/a b/-c:d.e_f",       0           },
                { "tank/a/b/c/d/e/f/g/h/i0", 0           },
        };
        char longest[ZFS_NAME_MAX - sizeof("@umbra-" ID) + 3];

        for (size_t i = 0; i < ELEMENTSOF(cases); ++i)
                assert_int_equal(zfs_check_name(cases[i].name), cases[i].r);

        memset(longest, 'x', sizeof(longest));
        longest[sizeof(longest) - 1] = '\0';
        assert_int_equal(zfs_check_name(longest), -EOPNOTSUPP);
        longest[sizeof(longest) - 2] = '\0';
        assert_int_equal(zfs_check_name(longest), 0);
}

static void test_that_a_volume_is_what_the_table_of_mounts_says(void **state) {
        static const struct {
                const char *rest; /* of the line, behind the mount's number */
                const char *dataset, *why;
        } cases[] = {
                { "1 0:32 / /srv rw - zfs tank rw",                                    "tank",           NULL            },
                { "1 0:32 / /srv rw,noatime shared:1 master:2 - zfs tank/se\\040cond:x rw", "tank/se cond:x", NULL            },
                { "1 0:32 / /srv rw - zfs tank/a@b ro",                                NULL,             "snapshot"      },
                { "1 0:32 /etc /srv rw - zfs tank rw",                                 NULL,             "only a part"   },
                { "1 8:1 / /srv rw - ext4 /dev/sda1 rw",                               NULL,             "not lie on ZFS" },
                { "1 0:32 / /srv rw - zfs -r rw",                                      NULL,             "no dataset"    },
        };
        World *w = *state;
        _cleanup_(freep) char *path = path_in(w->dir, "mountinfo"), *dataset = NULL;
        _cleanup_(closep) int fd = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        _cleanup_(closep) int inner_fd = open("/proc/sys", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        struct statx st;

        assert_int_equal(statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &st), 0);
        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                _cleanup_(freep) char *text = NULL, *found = NULL;

                assert_int_equal(format_to(&text, "999999 1 0:31 / /other rw - zfs other rw\n%" PRIu64 " %s\n",
                                           (uint64_t) st.stx_mnt_id, cases[i].rest),
                                 0);
                write_file(w->dir, "mountinfo", text);
                assert_int_equal(zfs_dataset_of(fd, path, &found), cases[i].dataset ? 0 : -EOPNOTSUPP);
                if (cases[i].dataset)
                        assert_string_equal(found, cases[i].dataset);
                else
                        assert_non_null(strstr(provider_sentence(), cases[i].why));
        }

        assert_int_equal(zfs_dataset_of(inner_fd, path, &dataset), -EOPNOTSUPP); /* a directory in it */
        write_file(w->dir, "mountinfo", "");
        assert_int_equal(zfs_dataset_of(fd, path, &dataset), -EOPNOTSUPP);
}

static void set_parts(World *w, const char *parts) {
        _cleanup_(freep) char *text = NULL;

        assert_int_equal(format_to(&text, "{\"pools\": {\"tank\": 17}, \"datasets\": {}, \"parts\": {\"tank\": [%s]}}", parts), 0);
        write_file(w->dir, "records.json", text);
}

/* @text with @dir for each %. */
static char *put_in(const char *text, const char *dir) {
        char *result = NULL;

        assert_int_equal(strdup_to("", &result), 0);
        for (const char *p = text; *p; ++p) {
                char *longer = NULL;

                assert_int_equal(*p == '%' ? format_to(&longer, "%s%s", result, dir) : format_to(&longer, "%s%c", result, *p), 0);
                free(result);
                result = longer;
        }
        return result;
}

/* By its line in the table /proc is 8:1 here, and where the files of the test are, 8:3. */
static void test_that_the_files_of_a_pool_are_what_it_lies_on(void **state) {
        static const struct {
                const char *parts; /* %: the directory of the test */
                bool anywhere;
                size_t n;
        } cases[] = {
                { "",                                                       false, 0 },
                { "\"mirror-0\", \"raidz1-1\", \"logs\", \"-\"",            false, 0 },
                { "\"/dev/disk/by-id/gone\", \"/dev/null\"",                false, 0 },
                { "\"%\"",                                                  false, 0 }, /* no file */
                { "\"/nowhere/disk.img\"",                                  true,  0 },
                { "\"%/one\"",                                              false, 1 },
                { "\"mirror-0\", \"%/one\", \"/dev/sda1\", \"%/other one\"", false, 1 },
                { "\"%/one\", \"/proc/version\"",                           false, 2 },
                { "\"%/one\", \"/sys/kernel/mm/ksm/run\"",                  true,  1 }, /* not in the table */
        };
        World *w = *state;
        _cleanup_(freep) char *path = path_in(w->dir, "mountinfo"), *text = NULL;
        ProviderProbe probe = { 0 };
        struct statx here, proc;

        write_file(w->dir, "one", "");
        write_file(w->dir, "other one", "");
        assert_int_equal(statx(AT_FDCWD, w->dir, 0, STATX_MNT_ID, &here), 0);
        assert_int_equal(statx(AT_FDCWD, "/proc/version", 0, STATX_MNT_ID, &proc), 0);
        assert_int_equal(format_to(&text, "%" PRIu64 " 1 8:1 / /proc rw - proc proc rw\n%" PRIu64 " 1 8:3 / /srv rw - ext4 /dev/sda3 rw\n",
                                   (uint64_t) proc.stx_mnt_id, (uint64_t) here.stx_mnt_id),
                         0);
        write_file(w->dir, "mountinfo", text);

        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                _cleanup_(freep) char *parts = put_in(cases[i].parts, w->dir);

                probe = (ProviderProbe){ .flags = PROVIDER_FORBIDS_HOLD };
                set_parts(w, parts);
                zfs_find_below("tank/a", path, &probe);
                assert_int_equal(probe.flags, PROVIDER_FORBIDS_HOLD | (cases[i].anywhere ? PROVIDER_LIES_ANYWHERE : 0));
                if (probe.n_below != cases[i].n)
                        fail_msg("%s: %zu", parts, probe.n_below);
                if (probe.n_below > 0)
                        assert_true(probe.below[0] == makedev(8, 3));
                if (probe.n_below > 1)
                        assert_true(probe.below[1] == makedev(8, 1));
        }

        probe = (ProviderProbe){ 0 };
        write_file(w->dir, "fail-list", "cannot open 'tank': pool I/O is currently suspended");
        zfs_find_below("tank/a", path, &probe);
        assert_int_equal(probe.flags, PROVIDER_LIES_ANYWHERE);
}

/* The Instant */

static void test_that_a_set_is_one_command_a_pool(void **state) {
        static const char *const notes[] = {
                "pool=17 dataset=1 snapshot=0 id=" ID " name=tank/a",
                "pool=18 dataset=3 snapshot=0 id=" OTHER_ID " name=lake",
                "pool=17 dataset=2 snapshot=0 id=" OTHER_ID " name=tank/se cond",
        };
        World *w = *state;
        ProviderSnapshot s[ELEMENTSOF(notes)], *all[ELEMENTSOF(notes)];

        for (size_t i = 0; i < ELEMENTSOF(notes); ++i) {
                s[i] = w->snapshot;
                s[i].note = notes[i];
                all[i] = &s[i];
        }
        set_records(w, "\"tank\": 17, \"lake\": 18",
                    "\"tank/a\": {\"guid\": 1, \"txg\": 1}, \"tank/se cond\": {\"guid\": 2, \"txg\": 2},"
                    "\"lake\": {\"guid\": 3, \"txg\": 3}");
        for (size_t i = 0; i < ELEMENTSOF(all); ++i)
                assert_int_equal(provider_zfs_ops.prepare(&w->env, all[i]), 0);

        assert_int_equal(provider_zfs_ops.commit_all(&w->env, all, ELEMENTSOF(all)), 0);
        assert_int_equal(times_told(w, "[\"zfs\", \"snapshot\""), 2);
        assert_int_equal(times_told(w, "[\"zfs\", \"snapshot\", \"-o\", \"umbra:set=" SET_ID "\", \"tank/a@umbra-" ID
                                       "\", \"tank/se cond@umbra-" OTHER_ID "\"]\n"),
                         1);
        assert_int_equal(times_told(w, "[\"zfs\", \"snapshot\", \"-o\", \"umbra:set=" SET_ID "\", \"lake@umbra-" OTHER_ID
                                       "\"]\n"),
                         1);
        assert_true(s[0].instant_usec == s[2].instant_usec && s[0].instant_usec != s[1].instant_usec);
        for (size_t i = 0; i < ELEMENTSOF(all); ++i)
                provider_zfs_ops.release(all[i]);
}

/* One pool has been exported since; what was made in the other one is found and removed. */
static void test_that_a_pool_that_fails_leaves_nothing_in_others(void **state) {
        World *w = *state;
        ProviderSnapshot s[2] = { w->snapshot, w->snapshot }, *all[2] = { &s[0], &s[1] };

        s[1].note = "pool=18 dataset=3 snapshot=0 id=" OTHER_ID " name=lake";
        set_records(w, "\"tank\": 17, \"lake\": 18",
                    "\"tank\": {\"guid\": 5, \"txg\": 1}, \"tank/a\": {\"guid\": 1, \"txg\": 2},"
                    "\"lake\": {\"guid\": 3, \"txg\": 3}");
        for (size_t i = 0; i < 2; ++i)
                assert_int_equal(provider_zfs_ops.prepare(&w->env, all[i]), 0);
        set_records(w, "\"tank\": 17", "\"tank\": {\"guid\": 5, \"txg\": 1}, \"tank/a\": {\"guid\": 1, \"txg\": 2}");

        assert_int_equal(provider_zfs_ops.commit_all(&w->env, all, 2), -EIO);
        assert_non_null(strstr(provider_sentence(), "cannot open 'lake': dataset does not exist"));
        assert_names(w, "tank\ntank/a\ntank/a@umbra-" ID "\n");
        assert_int_equal(discard(w), 0);
        assert_names(w, "tank\ntank/a\n");
        for (size_t i = 0; i < 2; ++i)
                provider_zfs_ops.release(all[i]);
}

static void test_that_a_dataset_that_was_exchanged_is_noticed_in_time(void **state) {
        World *w = *state;

        set_records(w, "\"tank\": 17", "\"tank/a\": {\"guid\": 77, \"txg\": 1}");
        assert_int_equal(provider_zfs_ops.prepare(&w->env, &w->snapshot), -ENOENT);
        assert_non_null(strstr(provider_sentence(), "tank/a"));
}

/* Finding */

static void test_that_a_snapshot_is_found_whatever_it_is_called_by_then(void **state) {
        static const struct {
                const char *pools, *datasets, *left;
        } cases[] = {
                /* where it was made */
                { "\"tank\": 17",
                  "\"tank\": {\"guid\": 5, \"txg\": 1}, \"tank/a\": {\"guid\": 1, \"txg\": 2},"
                  "\"tank/a@umbra-" ID "\": {\"guid\": 9, \"txg\": 3, " OURS "}",
                  "tank\ntank/a\n" },
                /* the dataset has another name */
                { "\"tank\": 17",
                  "\"tank\": {\"guid\": 5, \"txg\": 1}, \"tank/b\": {\"guid\": 1, \"txg\": 2},"
                  "\"tank/b@umbra-" ID "\": {\"guid\": 9, \"txg\": 3, " OURS "}",
                  "tank\ntank/b\n" },
                /* the pool was imported by another one */
                { "\"other\": 18, \"lake\": 17",
                  "\"lake\": {\"guid\": 5, \"txg\": 1}, \"lake/a\": {\"guid\": 1, \"txg\": 2},"
                  "\"lake/a@umbra-" ID "\": {\"guid\": 9, \"txg\": 3, " OURS "}",
                  "lake\nlake/a\n" },
                /* it went along with a clone that was promoted */
                { "\"tank\": 17",
                  "\"tank\": {\"guid\": 5, \"txg\": 1}, \"tank/a\": {\"guid\": 1, \"txg\": 2, \"origin\": \"tank/c@later\"},"
                  "\"tank/c\": {\"guid\": 2, \"txg\": 3}, \"tank/c@umbra-" ID "\": {\"guid\": 9, \"txg\": 4, " OURS "},"
                  "\"tank/c@later\": {\"guid\": 10, \"txg\": 5}",
                  "tank\ntank/a\ntank/c\ntank/c@later\n" },
                /* writers have had a clone of it */
                { "\"tank\": 17",
                  "\"tank\": {\"guid\": 5, \"txg\": 1}, \"tank/a\": {\"guid\": 1, \"txg\": 2},"
                  "\"tank/a@umbra-" ID "\": {\"guid\": 9, \"txg\": 3, " OURS "},"
                  "\"tank/umbra-" ID "\": {\"guid\": 3, \"txg\": 4, \"origin\": \"tank/a@umbra-" ID "\", " OURS "}",
                  "tank\ntank/a\n" },
                /* there was nothing */
                { "\"tank\": 17", "\"tank\": {\"guid\": 5, \"txg\": 1}, \"tank/a\": {\"guid\": 1, \"txg\": 2}", "tank\ntank/a\n" },
        };
        World *w = *state;

        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                set_records(w, cases[i].pools, cases[i].datasets);
                assert_int_equal(discard(w), 0);
                assert_names(w, cases[i].left);
                assert_int_equal(discard(w), 0);
        }
}

static void test_that_nothing_of_others_is_destroyed(void **state) {
        static const char *const datasets[] = {
                /* a copy that somebody has received, with its properties */
                "\"tank/a@umbra-" ID "\": {\"guid\": 9, \"txg\": 3, \"received\": {\"umbra:set\": \"" SET_ID "\"}}",
                /* somebody's own, with a name like that */
                "\"tank/a@umbra-" ID "\": {\"guid\": 9, \"txg\": 3}",
                "\"tank/umbra-" ID "\": {\"guid\": 9, \"txg\": 3}",
                /* one of umbra's, of another set, and of this set, another one */
                "\"tank/a@umbra-" ID "\": {\"guid\": 9, \"txg\": 3, \"local\": {\"umbra:set\": \"" OTHER_ID "\"}}",
                "\"tank/a@umbra-" OTHER_ID "\": {\"guid\": 9, \"txg\": 3, " OURS "}",
                /* with a name given since: then it is to be kept */
                "\"tank/a@kept-" ID "\": {\"guid\": 9, \"txg\": 3, " OURS "}",
        };
        World *w = *state;

        for (size_t i = 0; i < ELEMENTSOF(datasets); ++i) {
                _cleanup_(freep) char *all = NULL;

                assert_int_equal(format_to(&all, "\"tank\": {\"guid\": 5, \"txg\": 1}, \"tank/a\": {\"guid\": 1, \"txg\": 2}, %s",
                                           datasets[i]),
                                 0);
                set_records(w, "\"tank\": 17", all);
                assert_int_equal(discard(w), 0);
                assert_int_equal(times_told(w, "\"destroy\""), 0);
        }
}

static void test_that_a_note_of_somebody_else_removes_nothing(void **state) {
        static const char *const notes[] = {
                "",
                "nonsense",
                "pool=x dataset=1 snapshot=0 id=" ID " name=tank/a",
                "pool=17 dataset=1 snapshot=0 id=../.. name=tank/a",
                ("pool=17 dataset=1 snapshot=0 id=" ID " name=-r"),
                ("pool=17 dataset=1 snapshot=0 id=" ID " name="),
                ("pool=17 dataset=1 snapshot=0 id=" ID),
        };
        World *w = *state;

        set_records(w, "\"tank\": 17", "\"tank/a\": {\"guid\": 1, \"txg\": 1}");
        for (size_t i = 0; i < ELEMENTSOF(notes); ++i) {
                w->snapshot.note = notes[i];
                assert_int_equal(discard(w), -EINVAL);
        }
        assert_null(read_file(w->dir, "commands"));
}

/* It comes back with its pool, so it is not forgotten. */
static void test_that_a_pool_that_is_not_there_is_a_clear_error(void **state) {
        World *w = *state;

        set_records(w, "\"tank\": 18", "\"tank/a\": {\"guid\": 1, \"txg\": 1}"); /* the same name, but another one */
        assert_int_equal(discard(w), -ENODEV);
        assert_non_null(strstr(provider_sentence(), "zpool import"));
}

static void test_that_a_snapshot_with_somebodys_clone_goes_when_that_goes(void **state) {
        World *w = *state;

        set_records(w, "\"tank\": 17",
                    "\"tank/a\": {\"guid\": 1, \"txg\": 1}, \"tank/a@umbra-" ID "\": {\"guid\": 9, \"txg\": 2, " OURS "},"
                    "\"tank/mine\": {\"guid\": 3, \"txg\": 3, \"origin\": \"tank/a@umbra-" ID "\"}");
        assert_int_equal(discard(w), 0);
        assert_names(w, "tank/a\ntank/a@umbra-" ID "\ntank/mine\n");
        assert_int_equal(zfs_run((const char *[]){ "zfs", "destroy", "tank/mine", NULL }, NULL, ZFS_QUERY_TIMEOUT_USEC, NULL), 0);
        assert_names(w, "tank/a\n");
}

/* Importing */

static void test_that_what_was_imported_goes_only_where_it_is_umbras(void **state) {
        static const struct {
                const char *mark;
                const char *left;
        } cases[] = {
                { "\"received\": {\"umbra:set\": \"" SET_ID "\"}", "lake\nlake/x\nlake/x@umbra-" ID "\n" }, /* somebody's copy */
                { "\"received\": {}",                             "lake\nlake/x\nlake/x@umbra-" ID "\n" }, /* without properties */
                { OURS,                                           "lake\nlake/x\n"                       }, /* on the disk itself */
        };
        World *w = *state;
        _cleanup_(freep) char *none = NULL;

        set_records(w, "\"lake\": 20", "\"lake\": {\"guid\": 5, \"txg\": 1}, \"lake/x\": {\"guid\": 4, \"txg\": 2}");
        w->snapshot.note = NULL;
        assert_int_equal(provider_zfs_ops.import(&w->env, &w->snapshot, &none), -ENOENT);

        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                _cleanup_(freep) char *note = NULL, *records = NULL, *device = NULL;

                assert_int_equal(format_to(&records,
                                           "\"lake\": {\"guid\": 5, \"txg\": 1}, \"lake/x\": {\"guid\": 4, \"txg\": 2},"
                                           "\"lake/x@umbra-" ID "\": {\"guid\": 9, \"txg\": 3, %s}",
                                           cases[i].mark),
                                 0);
                set_records(w, "\"lake\": 20", records);
                assert_int_equal(provider_zfs_ops.import(&w->env, &w->snapshot, &note), 0);
                assert_string_equal(note, "pool=20 dataset=4 snapshot=9 id=" ID " name=lake/x");
                w->snapshot.note = note;
                assert_true(provider_zfs_ops.surface(&w->env, &w->snapshot, &device) < 0); /* there is no ZFS, but it is found */
                assert_non_null(strstr(provider_sentence(), "'lake/x@umbra-" ID "' cannot be mounted"));
                assert_int_equal(discard(w), 0);
                assert_names(w, cases[i].left);
        }
}

/* Failure */

static void test_that_people_are_told_what_zfs_says(void **state) {
        static const struct {
                const char *says;
                int r;
                const char *sentence;
        } cases[] = {
                { "cannot create snapshots : out of space",               -ENOSPC, "'zfs set': cannot create snapshots : out of space" },
                { "cannot create 'tank/x': dataset quota exceeded\n",     -ENOSPC, "quota exceeded"                                  },
                { "cannot destroy snapshot tank/a@b: dataset is busy\n",  -EBUSY,  "dataset is busy"                                 },
                { "first this\nthen this: no such pool\n",                -EIO,    "'zfs set': then this: no such pool"              },
                { "",                                                     -EIO,    "did not say why"                                 },
        };
        World *w = *state;

        set_records(w, "", "");
        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                write_file(w->dir, "fail-set", cases[i].says);
                assert_int_equal(zfs_run((const char *[]){ "zfs", "set", NULL }, NULL, ZFS_QUERY_TIMEOUT_USEC, NULL), cases[i].r);
                assert_non_null(strstr(provider_sentence(), cases[i].sentence));
        }
}

static void test_that_answers_in_another_form_are_refused(void **state) {
        static const struct {
                const char *text;
                size_t n;
                int r;
        } cases[] = {
                { "a\n",       2, -EBADMSG },
                { "a\tb\tc\n", 2, -EBADMSG },
                { "\n",        2, -EBADMSG },
                { "",          2, 0        },
                { "a\tb",      2, 1        },
                { "\t\n",      2, 1        },
                { "a b\n",     1, 1        },
        };
        static const char *const numbers[] = { "", "-", "-1", " 1", "1.5K", "18446744073709551616" };
        uint64_t n = 0;

        for (size_t i = 0; i < ELEMENTSOF(cases); ++i) {
                _cleanup_(freep) char *text = strdup(cases[i].text);
                char *at = text, *fields[2];

                assert_int_equal(zfs_next_row(&at, fields, cases[i].n), cases[i].r);
        }
        for (size_t i = 0; i < ELEMENTSOF(numbers); ++i)
                assert_int_equal(zfs_number(numbers[i], &n), -EBADMSG);
        assert_int_equal(zfs_number("18446744073709551615", &n), 0);
        assert_int_equal(n, UINT64_MAX);
}

static bool lock_is_free(void *path) {
        struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1 };
        _cleanup_(closep) int fd = open(path, O_RDWR | O_CLOEXEC);

        assert_true(fd >= 0 && fcntl(fd, F_OFD_GETLK, &lock) >= 0);
        return lock.l_type == F_UNLCK;
}

/* A pool whose disk is gone: everything that touches it sleeps. */
static void test_that_a_command_that_hangs_is_left_to_itself_with_its_lock(void **state) {
        struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1 };
        World *w = *state;
        _cleanup_(freep) char *path = path_in(w->dir, "lock"), *pipe = path_in(w->dir, "hang-destroy");
        _cleanup_(closep) int pipe_fd = -EBADF;

        set_records(w, "\"tank\": 17",
                    "\"tank/a\": {\"guid\": 1, \"txg\": 1}, \"tank/a@umbra-" ID "\": {\"guid\": 9, \"txg\": 2, " OURS "}");
        assert_int_equal(mkfifo(pipe, 0600), 0);
        pipe_fd = open(pipe, O_RDWR | O_CLOEXEC);
        w->snapshot.lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        assert_true(pipe_fd >= 0 && w->snapshot.lock_fd > 0 && fcntl(w->snapshot.lock_fd, F_OFD_SETLK, &lock) >= 0);

        assert_int_equal(zfs_run((const char *[]){ "zfs", "destroy", "-d", "tank/a@umbra-" ID, NULL }, &w->snapshot, 0, NULL),
                         -ETIMEDOUT);
        assert_non_null(strstr(provider_sentence(), "goes on alone"));
        w->snapshot.lock_fd = fd_close(w->snapshot.lock_fd);
        assert_false(lock_is_free(path));

        assert_int_equal(fd_write_all(pipe_fd, "go\n", 3), 0);
        assert_true(eventually(lock_is_free, path, TEST_PATIENCE_USEC));
        assert_names(w, "tank/a\n");
}

/* Without ZFS in the kernel, it cannot be mounted, and that is said. */
static void test_that_what_cannot_be_mounted_is_a_clear_error(void **state) {
        World *w = *state;
        _cleanup_(freep) char *device = NULL;

        set_records(w, "\"tank\": 17", "\"tank\": {\"guid\": 5, \"txg\": 1}, \"tank/a\": {\"guid\": 1, \"txg\": 2}");
        assert_int_equal(provider_zfs_ops.surface(&w->env, &w->snapshot, &device), -ENOENT);
        assert_non_null(strstr(provider_sentence(), "somebody has removed it"));

        set_records(w, "\"tank\": 17",
                    "\"tank/a\": {\"guid\": 1, \"txg\": 1}, \"tank/a@umbra-" ID "\": {\"guid\": 9, \"txg\": 2, " OURS "}");
        assert_true(provider_zfs_ops.surface(&w->env, &w->snapshot, &device) < 0);
        assert_non_null(strstr(provider_sentence(), "cannot be mounted"));
        assert_null(device);
}

#define TEST(sentence) cmocka_unit_test_setup_teardown(test_that_##sentence, world_setup, world_teardown)

int main(int argc, char **argv) {
        const struct CMUnitTest tests[] = {
                TEST(names_that_no_dataset_has_are_refused),
                TEST(a_volume_is_what_the_table_of_mounts_says),
                TEST(the_files_of_a_pool_are_what_it_lies_on),
                TEST(a_set_is_one_command_a_pool),
                TEST(a_pool_that_fails_leaves_nothing_in_others),
                TEST(a_dataset_that_was_exchanged_is_noticed_in_time),
                TEST(a_snapshot_is_found_whatever_it_is_called_by_then),
                TEST(nothing_of_others_is_destroyed),
                TEST(a_note_of_somebody_else_removes_nothing),
                TEST(a_pool_that_is_not_there_is_a_clear_error),
                TEST(a_snapshot_with_somebodys_clone_goes_when_that_goes),
                TEST(what_was_imported_goes_only_where_it_is_umbras),
                TEST(people_are_told_what_zfs_says),
                TEST(answers_in_another_form_are_refused),
                TEST(a_command_that_hangs_is_left_to_itself_with_its_lock),
                TEST(what_cannot_be_mounted_is_a_clear_error),
        };

        if (argc != 2) {
                print_error("Usage: %s DIRECTORY-OF-THE-STAND-IN\n", argv[0]);
                return EXIT_FAILURE;
        }

        stand_in = argv[1];
        return cmocka_run_group_tests(tests, NULL, NULL);
}
