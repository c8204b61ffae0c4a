/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * How the Volumes of a Set Come to One Instant
 *
 * A set is one instant when there are no two writes, the second begun after the first had ended, of which the second
 * is in its volume's copy and the first is not in its own. Let each volume i be held from h(i) to r(i), and let its
 * copy contain what was written before h(i) and nothing that was written after r(i). Then the first write is missing
 * because it ended after r(a); the second is there, so it began before h(b); hence r(a) < h(b). When every hold begins
 * before any of them ends, that cannot be.
 *
 * What we hold (HOLD_FREEZE, HOLD_SUSPEND) is held before any volume commits. A frozen one runs again after all have
 * committed; a suspended one is resumed by its own commit. A volume that is its own instant (a btrfs snapshot; a
 * logical volume that lvm itself suspends) has its hold within its commit. So these commit first, while all the
 * others are still held, and then those whose commits resume what we suspended; and
 *
 *         no such volume, or exactly one      the set is one instant (several that their provider takes at once, as ZFS
 *                                             does, count as one)
 *         several of them                     each of them is one instant with all that we hold, but two of them are
 *                                             not with each other
 *
 * The second line is what the document says of such a set: each volume has its instant there.
 *
 * Nothing waits for itself: a commit that writes to the storage of its volume (btrfs, lvm) may have nothing frozen
 * below it, as long as it runs, nor anything suspended that another commit has to resume first. So what lies below is
 * not held by us; if it is a logical volume, lvm suspends it while that is its own turn.
 *
 * A suspended device is not even read from. So what umbra's programs lie on is left to lvm, which locks itself in
 * memory before it suspends; and of the file system on a suspended device no other volume is held, whose copy is made
 * by reading files. Copies that are written to one just wait until it is resumed, which does not wait for them.
 */

#include "volume/hold-plan.h"

#include "volume/mount-table.h"
#include "volume/volume-stack.h"

static HoldKind kind_wanted(const HoldPlan *p) {
        if (p->probe->flags & PROVIDER_WANTS_SUSPEND)
                return p->volume->suspendable ? HOLD_SUSPEND : p->volume->mapped ? HOLD_WATCH : HOLD_NONE;
        if (p->probe->flags & PROVIDER_WANTS_HOLD)
                return p->volume->holdable ? HOLD_FREEZE : HOLD_NONE;
        return HOLD_NONE;
}

static bool commit_writes(const HoldPlan *p) {
        return p->probe->flags & (PROVIDER_FORBIDS_HOLD | PROVIDER_WANTS_SUSPEND);
}

static bool lies_on(const MountTable *table, const HoldPlan *p, dev_t below) {
        if (p->probe->flags & PROVIDER_LIES_ANYWHERE || stack_lies_on(table, p->volume->fs_dev, below))
                return true;
        for (size_t i = 0; i < p->probe->n_below; ++i)
                if (stack_lies_on(table, p->probe->below[i], below))
                        return true;
        return false;
}

/* @writer's commit would wait for what is below it. */
static void plan_free_the_way(HoldPlan *plans, size_t n, const MountTable *table, const HoldPlan *writer) {
        for (size_t i = 0; i < n; ++i) {
                HoldPlan *p = plans + i;
                bool same = p->volume->fs_dev == writer->volume->fs_dev;

                if (p == writer || p->kind == HOLD_NONE ||
                    !lies_on(table, writer, p->volume->fs_dev))
                        continue;
                if (p->kind == HOLD_FREEZE)
                        p->kind = HOLD_NONE;
                else if (p->kind == HOLD_SUSPEND && !same)
                        p->kind = HOLD_WATCH;
        }
}

/* The first commit of two would resume the device under the second. */
static void plan_part_twins(HoldPlan *plans, size_t n) {
        for (size_t i = 0; i < n; ++i)
                for (size_t k = i + 1; k < n; ++k)
                        if (plans[i].kind >= HOLD_SUSPEND && plans[k].kind >= HOLD_SUSPEND &&
                            plans[i].volume->fs_dev == plans[k].volume->fs_dev)
                                plans[i].kind = plans[k].kind = HOLD_WATCH;
}

static bool is_own(const HoldPlan *p) {
        return p->kind == HOLD_WATCH ||
                (p->kind == HOLD_NONE && p->probe->consistency >= PROVIDER_CONSISTENCY_CRASH);
}

/* Where nobody else is an instant of his own, one may be; then lvm alone suspends. */
static void plan_leave_one_alone(HoldPlan *plans, size_t n) {
        HoldPlan *only = NULL;

        for (size_t i = 0; i < n; ++i) {
                if (is_own(plans + i) || (only && plans[i].kind == HOLD_SUSPEND))
                        return;
                if (plans[i].kind == HOLD_SUSPEND)
                        only = plans + i;
        }

        if (only)
                only->kind = HOLD_WATCH;
}

int hold_plan(HoldPlan *plans, size_t n) {
        _cleanup_(mount_table_clear) MountTable table = {};
        int r;

        r = mount_table_read(&table);
        if (r < 0)
                return r;

        for (size_t i = 0; i < n; ++i)
                plans[i].kind = kind_wanted(plans + i);
        for (size_t i = 0; i < n; ++i)
                if (commit_writes(plans + i))
                        plan_free_the_way(plans, n, &table, plans + i);

        plan_part_twins(plans, n);
        plan_leave_one_alone(plans, n);

        for (size_t i = 0; i < n; ++i)
                plans[i].own = is_own(plans + i);
        return 0;
}
