/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What is held, how, and whose commit comes first: from what the providers want to what can be. Numbers of devices
 * that do not exist stand for disks of their own; what lies on what is real, a loop on a file.
 */

#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "lib/test-util.h"
#include "loop-fs.h"
#include "volume/hold-plan.h"

#define VOLUMES_MAX 4U

/* On which file system a volume is. */
typedef enum Where {
        NOWHERE,
        DISK_A,
        DISK_B,
        DISK_C,
        OUTER, /* of these two, the inner one lies in a file on the outer one */
        INNER,
} Where;

typedef enum Kind {
        COPIED = 1, /* by files-copy: may be frozen */
        COPIED_TO_ITSELF, /* … whose copies lie there as well */
        BTRFS,
        LVM,
        PROGRAMS, /* lvm, too, and umbra's programs are there */
        POOL,     /* zfs */
        POOL_IN_OUTER,   /* … in a file on that */
        POOL_SOMEWHERE, /* … and its commands do not say where */
} Kind;

typedef struct Case {
        const char *what;
        struct {
                Where where;
                Kind kind;
                HoldKind hold;
                bool own;
        } volumes[VOLUMES_MAX];
} Case;

static const ProviderProbe probes[] = {
        [COPIED] = { PROVIDER_WANTS_HOLD, PROVIDER_CONSISTENCY_FUZZY, PROVIDER_CONSISTENCY_CRASH, 0 },
        [COPIED_TO_ITSELF] = { PROVIDER_FORBIDS_HOLD, PROVIDER_CONSISTENCY_FUZZY, PROVIDER_CONSISTENCY_FUZZY, 0 },
        [BTRFS] = { PROVIDER_FORBIDS_HOLD, PROVIDER_CONSISTENCY_CRASH, PROVIDER_CONSISTENCY_CRASH, 0 },
        [LVM] = { PROVIDER_WANTS_SUSPEND, PROVIDER_CONSISTENCY_CRASH, PROVIDER_CONSISTENCY_CRASH, 0 },
        [PROGRAMS] = { PROVIDER_WANTS_SUSPEND, PROVIDER_CONSISTENCY_CRASH, PROVIDER_CONSISTENCY_CRASH, 0 },
        [POOL] = { PROVIDER_FORBIDS_HOLD, PROVIDER_CONSISTENCY_CRASH, PROVIDER_CONSISTENCY_CRASH, 0 },
        [POOL_IN_OUTER] = { PROVIDER_FORBIDS_HOLD, PROVIDER_CONSISTENCY_CRASH, PROVIDER_CONSISTENCY_CRASH, 0 },
        [POOL_SOMEWHERE] = { PROVIDER_FORBIDS_HOLD | PROVIDER_LIES_ANYWHERE, PROVIDER_CONSISTENCY_CRASH, PROVIDER_CONSISTENCY_CRASH, 0 },
};

static dev_t outer_dev, inner_dev;

static void check(const Case *c) {
        Volume volumes[VOLUMES_MAX] = { 0 };
        ProviderProbe said[VOLUMES_MAX];
        HoldPlan plans[VOLUMES_MAX] = { 0 };
        size_t n = 0;

        for (; n < VOLUMES_MAX && c->volumes[n].where != NOWHERE; ++n) {
                Kind kind = c->volumes[n].kind;
                Where where = c->volumes[n].where;

                volumes[n].fs_dev = where == OUTER ? outer_dev : where == INNER ? inner_dev : makedev(4000, where);
                volumes[n].holdable = true;
                volumes[n].mapped = kind == LVM || kind == PROGRAMS;
                volumes[n].suspendable = kind == LVM;
                plans[n].volume = volumes + n;
                said[n] = probes[kind];
                if (kind == POOL_IN_OUTER)
                        said[n].below[said[n].n_below++] = outer_dev;
                plans[n].probe = said + n;
        }

        assert_int_equal(hold_plan(plans, n), 0);
        for (size_t i = 0; i < n; ++i)
                if (plans[i].kind != c->volumes[i].hold || plans[i].own != c->volumes[i].own)
                        fail_msg("%s: volume %zu is held by '%s'%s", c->what, i,
                                 hold_kind_to_string(plans[i].kind) ?: "nothing", plans[i].own ? ", an instant of its own" : "");
}

static void test_that_each_volume_is_held_as_it_can_be(void **state) {
        static const Case cases[] = {
                { "no volume", { { 0 } } },
                { "copies of one file system twice",
                  { { DISK_A, COPIED, HOLD_FREEZE, false }, { DISK_A, COPIED, HOLD_FREEZE, false } } },
                { "a copy beside one that is written to the same file system",
                  { { DISK_A, COPIED, HOLD_NONE, false }, { DISK_A, COPIED_TO_ITSELF, HOLD_NONE, false } } },
                { "btrfs beside ext4", { { DISK_A, BTRFS, HOLD_NONE, true }, { DISK_B, COPIED, HOLD_FREEZE, false } } },
                { "two of btrfs", { { DISK_A, BTRFS, HOLD_NONE, true }, { DISK_B, BTRFS, HOLD_NONE, true } } },

                { "one logical volume: lvm suspends it", { { DISK_A, LVM, HOLD_WATCH, true } } },
                { "one logical volume beside copies",
                  { { DISK_A, COPIED, HOLD_FREEZE, false }, { DISK_B, LVM, HOLD_WATCH, true } } },
                { "one logical volume beside btrfs: only one of them may be an instant of its own",
                  { { DISK_A, BTRFS, HOLD_NONE, true }, { DISK_B, LVM, HOLD_SUSPEND, false } } },
                { "two logical volumes",
                  { { DISK_A, LVM, HOLD_SUSPEND, false }, { DISK_B, LVM, HOLD_SUSPEND, false } } },
                { "one logical volume twice: the first commit would let go of it",
                  { { DISK_A, LVM, HOLD_WATCH, true }, { DISK_A, LVM, HOLD_WATCH, true } } },
                { "… and another one",
                  { { DISK_A, LVM, HOLD_WATCH, true },
                    { DISK_B, LVM, HOLD_SUSPEND, false },
                    { DISK_A, LVM, HOLD_WATCH, true } } },
                { "the root file system alone", { { DISK_A, PROGRAMS, HOLD_WATCH, true } } },
                { "the root file system and others",
                  { { DISK_A, LVM, HOLD_SUSPEND, false },
                    { DISK_B, PROGRAMS, HOLD_WATCH, true },
                    { DISK_C, COPIED, HOLD_FREEZE, false } } },
                { "a copy of files of a logical volume, which cannot be read while it is suspended",
                  { { DISK_A, LVM, HOLD_SUSPEND, false },
                    { DISK_A, COPIED, HOLD_NONE, false },
                    { DISK_B, LVM, HOLD_SUSPEND, false } } },
                { "copies that lie on a logical volume just wait",
                  { { DISK_A, LVM, HOLD_SUSPEND, false },
                    { DISK_A, COPIED_TO_ITSELF, HOLD_NONE, false },
                    { DISK_B, LVM, HOLD_SUSPEND, false } } },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); ++i)
                check(cases + i);
}

static void test_that_no_commit_waits_for_what_lies_below(void **state) {
        static const Case cases[] = {
                { "only copies: both are frozen",
                  { { OUTER, COPIED, HOLD_FREEZE, false }, { INNER, COPIED, HOLD_FREEZE, false } } },
                { "btrfs below copies",
                  { { OUTER, BTRFS, HOLD_NONE, true }, { INNER, COPIED, HOLD_FREEZE, false } } },
                { "btrfs above a copy",
                  { { OUTER, COPIED, HOLD_NONE, false }, { INNER, BTRFS, HOLD_NONE, true } } },
                { "btrfs above a logical volume",
                  { { INNER, BTRFS, HOLD_NONE, true }, { OUTER, LVM, HOLD_WATCH, true } } },
                { "a logical volume above a copy",
                  { { INNER, LVM, HOLD_WATCH, true }, { OUTER, COPIED, HOLD_NONE, false } } },
                { "a logical volume above another",
                  { { INNER, LVM, HOLD_SUSPEND, false }, { OUTER, LVM, HOLD_WATCH, true } } },
                { "… and one beside",
                  { { INNER, LVM, HOLD_SUSPEND, false },
                    { OUTER, LVM, HOLD_WATCH, true },
                    { DISK_A, LVM, HOLD_SUSPEND, false } } },
                { "a pool beside a copy",
                  { { OUTER, COPIED, HOLD_FREEZE, false }, { DISK_A, POOL, HOLD_NONE, true } } },
                { "a pool in a file above a copy",
                  { { OUTER, COPIED, HOLD_NONE, false },
                    { DISK_B, COPIED, HOLD_FREEZE, false },
                    { DISK_A, POOL_IN_OUTER, HOLD_NONE, true } } },
                { "a pool in a file above a logical volume, and one beside",
                  { { OUTER, LVM, HOLD_WATCH, true },
                    { DISK_B, LVM, HOLD_SUSPEND, false },
                    { DISK_A, POOL_IN_OUTER, HOLD_NONE, true } } },
                { "a pool that may lie on anything",
                  { { OUTER, COPIED, HOLD_NONE, false },
                    { DISK_B, COPIED, HOLD_NONE, false },
                    { DISK_A, POOL_SOMEWHERE, HOLD_NONE, true } } },
        };
        _cleanup_(temp_dir_freep) char *dir = NULL;
        _cleanup_(loop_fs_freep) LoopFs *outer = NULL, *inner = NULL;
        struct stat st;

        enter_private_mounts();
        dir = temp_dir_new();
        outer = loop_fs_new(dir, "outer", "ext4");
        inner = loop_fs_new(outer->target, "inner", "ext4");
        assert_int_equal(fstat(outer->fd, &st), 0);
        outer_dev = st.st_dev;
        assert_int_equal(fstat(inner->fd, &st), 0);
        inner_dev = st.st_dev;

        for (size_t i = 0; i < ELEMENTSOF(cases); ++i)
                check(cases + i);
        inner = loop_fs_free(inner); /* before the one that it lies on */
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_that_each_volume_is_held_as_it_can_be),
                cmocka_unit_test(test_that_no_commit_waits_for_what_lies_below),
        };

        return cmocka_run_group_tests(tests, private_mounts_group_setup, NULL);
}
