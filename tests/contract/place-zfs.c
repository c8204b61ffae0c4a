/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A Pool of One's Own
 */

#include "contract/place-zfs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/command.h"
#include "base/fd-util.h"
#include "base/guid.h"
#include "lib/test-util.h"

#define OUTPUT_MAX (64U * 1024U)

struct PlaceZfs {
        char pool[sizeof("umbra-test-") + GUID_STRING_MAX];
        char *dir, *root;
};

char *place_zfs_shell(const PlaceZfs *p, const char *line) {
        _cleanup_(command_clear) Command c = COMMAND_INIT;
        _cleanup_(freep) char *script = NULL, *reason = NULL;
        char *output = NULL;
        int status;

        assert_int_equal(format_to(&script, "set -eu; cd '%s'; ROOT='%s'; POOL='%s'; %s", p->dir, p->root, p->pool, line), 0);
        assert_int_equal(command_start((const char *[]){ "sh", "-c", script, NULL }, NULL, 0, &c), 0);
        assert_int_equal(command_wait(&c, usec_add(now_usec(CLOCK_MONOTONIC), 2 * TEST_PATIENCE_USEC), &status), 0);
        if (status != 0) {
                assert_int_equal(command_reason(&c, &reason), 0);
                fail_msg("This failed: %s: %s", line, reason);
        }
        assert_int_equal(command_output(&c, OUTPUT_MAX, &output), 0);
        return output;
}

void place_zfs_run(const PlaceZfs *p, const char *line) {
        free(place_zfs_shell(p, line));
}

bool place_zfs_is_possible(void) {
        return geteuid() == 0 && access("/dev/zfs", R_OK | W_OK) == 0 && command_exists("zfs") && command_exists("zpool");
}

PlaceZfs *place_zfs_new(const char *dir, const char *root) {
        PlaceZfs *p = calloc_checked(1, sizeof(*p));
        GUID id;

        assert_non_null(p);
        guid_generate(&id);
        (void) snprintf(p->pool, sizeof(p->pool), "umbra-test-%s", GUID_TO_STRING(&id));
        assert_int_equal(strdup_to(dir, &p->dir), 0);
        assert_int_equal(strdup_to(root, &p->root), 0);

        /* Not on the file itself: ZFS opens that from a thread of the kernel, which may not see it. */
        place_zfs_run(p, "truncate -s 96M pool.img; losetup -f --show pool.img >loop;"
                         "zpool create -o cachefile=none -O mountpoint=\"$ROOT\" -O compression=off -O xattr=sa "
                         "-O acltype=posixacl $POOL $(cat loop);"
                         "zfs create -o mountpoint=\"$ROOT/first\" \"$POOL/first of: two\";"
                         "zfs create $POOL/second");
        return p;
}

PlaceZfs *place_zfs_free(PlaceZfs *p) {
        if (!p)
                return NULL;

        place_zfs_run(p, "zpool destroy -f $POOL; losetup -d $(cat loop); rm pool.img loop");
        free(p->dir);
        free(p->root);
        free(p);
        return NULL;
}

const char *place_zfs_pool(const PlaceZfs *p) {
        return p->pool;
}

void place_zfs_fill(const PlaceZfs *p) {
        place_zfs_run(p, "zpool sync $POOL;"
                         "zfs create -o mountpoint=none -o reservation=$(zfs get -Hpo value available $POOL) $POOL/filler ||"
                         "zfs create -o mountpoint=none -o reservation=$(($(zfs get -Hpo value available $POOL) - 262144)) $POOL/filler");
}

void place_zfs_empty(const PlaceZfs *p) {
        place_zfs_run(p, "zfs destroy $POOL/filler");
}

void place_zfs_lose(const PlaceZfs *p) {
        assert_int_equal(umount2(p->root, MNT_DETACH), 0);
}

void place_zfs_bring_back(const PlaceZfs *p) {
        place_zfs_run(p, "zfs mount $POOL; zfs mount \"$POOL/first of: two\"; zfs mount $POOL/second");
}

char *place_zfs_names(const PlaceZfs *p) {
        return place_zfs_shell(p, "zfs list -Hr -t all -o name $POOL");
}
