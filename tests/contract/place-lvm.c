/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A Volume Group of One's Own
 */

#include "contract/place-lvm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/guid.h"
#include "lib/test-util.h"

#define COMMAND_MAX 1024U

struct PlaceLvm {
        char *first, *second, *device;
};

/* Of the process. */
static struct {
        char *dir;
        bool thin;
        char name[sizeof("umbra-test-") + 8];
} group;

/* What a line of shell prints; fails the test when it fails. */
static char *shell(const char *line) {
        _cleanup_(freep) char *script = NULL;
        char output[COMMAND_MAX * 4] = "";
        FILE *pipe;
        size_t n;

        assert_int_equal(format_to(&script, "set -eu; cd '%s'; VG='%s'; %s", group.dir, group.name, line), 0);
        pipe = popen(script, "re");
        assert_non_null(pipe);
        n = fread(output, 1, sizeof(output) - 1, pipe);
        output[n] = '\0';
        if (pclose(pipe) != 0)
                fail_msg("This failed: %s", line);

        return strdup(output);
}

static void run(const char *line) {
        free(shell(line));
}

bool place_lvm_is_possible(const char *type) {
        _cleanup_(freep) char *mkfs = NULL;

        assert_int_equal(format_to(&mkfs, "/sbin/mkfs.%s", type), 0);
        return geteuid() == 0 && access("/dev/mapper/control", F_OK) == 0 && access("/sbin/lvm", X_OK) == 0 &&
               access(mkfs, X_OK) == 0;
}

static void group_remove(void) {
        run("lvm vgremove -q -y -f $VG >&2; losetup -d $(cat loop)");
        group.dir = temp_dir_free(group.dir);
}

static void group_make(bool thin) {
        GUID id;

        if (group.dir) {
                assert_int_equal(group.thin, thin);
                return;
        }

        guid_generate(&id);
        (void) snprintf(group.name, sizeof(group.name), "umbra-test-%.8s", GUID_TO_STRING(&id));
        group.dir = temp_dir_new();
        group.thin = thin;
        run("truncate -s 2G pv.img; losetup -f --show pv.img > loop; lvm vgcreate -q $VG $(cat loop) >&2");
        assert_int_equal(atexit(group_remove), 0);
        if (thin)
                run("lvm lvcreate -y -q -L 400M -T $VG/pool >&2;"
                    "for v in first second; do lvm lvcreate -y -q -V 400M -T $VG/pool -n $v >&2; done");
        else
                run("for v in first second; do lvm lvcreate -y -q -L 400M -n $v $VG >&2; done");
}

/* All of it at once: what ext4 puts off is written in the background later, and fills the stores of snapshots. */
static const char *mkfs_options(const char *type) {
        return strcmp(type, "ext4") == 0 ? "-E lazy_itable_init=0,lazy_journal_init=0" : "";
}

PlaceLvm *place_lvm_new(const char *first, const char *second, const char *type, bool thin) {
        PlaceLvm *p = calloc_checked(1, sizeof(*p));
        _cleanup_(freep) char *format = NULL;

        assert_non_null(p);
        group_make(thin);
        assert_int_equal(strdup_to(first, &p->first), 0);
        assert_int_equal(strdup_to(second, &p->second), 0);
        assert_int_equal(format_to(&p->device, "/dev/%s/first", group.name), 0);
        assert_int_equal(format_to(&format,
                                   "for v in first second; do"
                                   "        wipefs -q -a /dev/$VG/$v; mkfs.%s -q %s /dev/$VG/$v >&2;"
                                   "done;"
                                   "mkdir '%s' '%s'; mount -t %s /dev/$VG/first '%s';"
                                   "mount -t %s /dev/$VG/second '%s'",
                                   type, mkfs_options(type), first, second, type, first, type, second),
                         0);
        run(format);
        return p;
}

PlaceLvm *place_lvm_free(PlaceLvm *p) {
        if (!p)
                return NULL;

        (void) umount2(p->first, MNT_DETACH);
        (void) umount2(p->second, MNT_DETACH);
        run("lvm lvremove -q -y -S 'lv_name=~\"^(umbra-|shadow-|filler)\"' $VG >&2"); /* what the test has not removed */
        free(p->first);
        free(p->second);
        free(p->device);
        free(p);
        return NULL;
}

const char *place_lvm_device(const PlaceLvm *p) {
        return p->device;
}

void place_lvm_fill(const PlaceLvm *p) {
        run("lvm lvcreate -y -q -W n -l 100%FREE -n filler $VG >&2");
}

void place_lvm_leave(const PlaceLvm *p, const char *size) {
        _cleanup_(freep) char *line = NULL;

        place_lvm_fill(p);
        assert_int_equal(format_to(&line, "lvm lvreduce -y -q -f -L -%s $VG/filler >&2", size), 0);
        run(line);
}

void place_lvm_empty(const PlaceLvm *p) {
        run("lvm lvremove -y -q $VG/filler >&2");
}

uint64_t place_lvm_free_space(const PlaceLvm *p) {
        _cleanup_(freep) char *text = shell(
                group.thin ? "lvm lvs --noheadings --units b --nosuffix -o lv_size,data_percent $VG/pool" :
                             "lvm vgs --noheadings --units b --nosuffix -o vg_free $VG; echo 0");
        char *end;
        uint64_t size = strtoull(text, &end, 10);

        return size - (uint64_t) ((double) size * strtod(end, NULL) / 100);
}

char *place_lvm_names(const PlaceLvm *p) {
        return shell("lvm lvs -a --noheadings -o lv_name,lv_suspended $VG");
}
