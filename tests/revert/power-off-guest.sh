#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# power-off-guest.sh STAND-STILL WHAT PART, in a virtual machine: looks at what the last power-off has left, and walks into the next one,
# which comes the moment that "now" is said. WHAT is what goes on then:
#
#     set            a set of both volumes
#     revert NAME    a revert of one of them, tree (on btrfs) or lv
#     resume         a revert that the last power-off has interrupted
#     nothing        all is over
#
# PART says where, as a fraction of all its steps (tests/api/deaths/steps.h) of whatever process of umbra's: that one stands still before
# its step, which STAND-STILL does. How many there are is counted the first time, with nobody standing still.
#
# /dev/vda has umbra's state, and what we know over the power-offs; /dev/vdb a btrfs, /dev/vdc a volume group.
set -euo pipefail
[ -d /run/vm ] || { echo 'not in a virtual machine: these would be the disks of this one' >&2; exit 1; }
# shellcheck source=/dev/null
. "$UMBRA_VM_GUEST"

stand_still=$1 what=$2 part=$3
n_files=40
dir=/run/tmp/power-off
known=$dir/known tree=$dir/btrfs/tree lv=$dir/lv log=$dir/umbrad.log steps=$dir/steps mark=$dir/mark
export UMBRA_SOCKET=$dir/umbra.sock UMBRA_LOG_LEVEL=notice

fail() {
        echo "FAILED - $what at $part: $*"
        timeout 10 "$UMBRA" status --json || true
        tail -n 20 "$steps" || true
        tail -n 40 "$log"
        exit 1
}

begin_umbrad() {
        # shellcheck disable=SC2153 # of the environment
        "$stand_still" "$mark" "$UMBRAD" --socket "$UMBRA_SOCKET" --state-dir "$known/state" --runtime-dir "$dir/run" --config /dev/null \
                >>"$steps" 2>>"$log" &
}
await_umbrad() { wait_for "$UMBRA" status || fail 'umbrad does not start'; }

count() { "$UMBRA" snapshot list --json | grep -c '"snapshot"' || true; }
stores() { btrfs subvolume list "$dir/btrfs" | grep -c umbra-shadow || true; }
volumes() { lvs --noheadings -o lv_name group | wc -l; }
is_consistent() { [ "$(count)" = $(($(stores) + $(volumes) - 1)) ]; }
nothing_is_suspended() { ! grep -q 1 /sys/block/dm-*/dm/suspended; }
nothing_is_held() { # what is, makes this wait
        timeout 10 touch "$tree/touched" "$lv/touched" && rm "$tree/touched" "$lv/touched" &&
                timeout 10 sync -f "$lv" && nothing_is_suspended
}
of() { # VOLUME PROPERTY
        "$UMBRA" snapshot list --json | python3 -c 'import json, sys
print(*(s[sys.argv[2]] for s in json.load(sys.stdin) if s["volume"] == sys.argv[1]))' "$1" "$2"
}
is_reverting() { "$UMBRA" status --json | grep -q '"kind":"revert"'; }
no_revert_runs() { ! is_reverting; }
contents() {
        (
                cd "$1"
                find . -mindepth 1 -path ./lost+found -prune -o ! -type d -printf '%P %y %m %l\n' | sort
                find . -type f -print0 | sort -z | xargs -0 md5sum
        )
}

populate() {
        local i
        find "$1" -mindepth 1 -maxdepth 1 ! -name lost+found -delete
        for i in $(seq $n_files); do echo "as it was $i" >"$1/file-$i"; done
        head -c 1M /dev/urandom >"$1/large"
}
change() {
        local i
        for i in $(seq 1 2 $n_files); do echo changed >"$1/file-$i"; done
        for i in 1 2 3; do echo new >"$1/new-$i"; done
        chmod 600 "$1/file-6"
        mv "$1/file-2" "$1/renamed"
        rm "$1"/file-?4
        printf changed | dd of="$1/large" bs=1 seek=300000 conv=notrunc status=none
}

create() { "$UMBRA" snapshot create --persistent --quiet "$tree" "$lv"; }
revert() { "$UMBRA" revert --yes --quiet "$(of "$volume" snapshot)"; }
resume() {
        begin_umbrad
        wait_for "$UMBRA" status && wait_for no_revert_runs
}

# count_steps COMMAND…
count_steps() {
        : >"$steps"
        echo 0 >"$mark"
        "$@" >/dev/null || fail 'it fails with nobody standing still'
        rm "$mark"
        grep -c '^[0-9]' "$steps" >"$known/$what"
}
# walk COMMAND…: it takes so many of the steps, and then the power goes off. Which of umbra's processes takes the last one, and what the
# others do meanwhile, is another each time; so there may be less of them than were counted.
stands() { grep -q 'stands still' "$steps"; }
stands_or_ended() { stands || ! kill -0 "$1" 2>/dev/null; }
walk() {
        local at all
        all=$(<"$known/$what")
        at=$(python3 -c 'import sys; print(max(1, round(float(sys.argv[1]) * int(sys.argv[2]))))' "$part" "$all")
        sync -f "$known"
        : >"$steps"
        echo "$at" >"$mark"
        "$@" >/dev/null 2>&1 &
        wait_for stands_or_ended $! || fail 'it neither ends nor comes to its step'
        echo "# $1: step $at of $all: $(grep -m 1 -B 1 'stands still' "$steps" | head -n 1 || echo 'it was over before')"
        now
}

volume_of() {
        case $1 in
        *tree) echo "$tree" ;;
        *lv) echo "$lv" ;;
        esac
}

# What the last one was in the middle of.
look_after_set() {
        wait_for is_consistent || fail "$(count) snapshots are in the catalog, $(stores) and $(volumes) on the disks"
        case $(count) in
        0) ;;
        2)
                [ "$(contents "$(of "$tree" device)")" = "$(contents "$tree")" ] || fail 'the snapshot of the btrfs is not what that was'
                [ "$(contents "$(of "$lv" device)")" = "$(contents "$lv")" ] || fail 'the snapshot of the logical volume is not what that was'
                ;;
        *) fail "there is a set that is not whole: $(count)" ;;
        esac
        contents "$tree" | cmp - "$known/tree" || fail 'the btrfs has changed'
        contents "$lv" | cmp - "$known/lv" || fail 'the logical volume has changed'
}
look_after_revert() {
        local reverting='' volume
        volume=$(volume_of "$last")
        [ "$(count)" = 2 ] || fail 'the set has gone'
        ! is_reverting || reverting=1
        wait_for no_revert_runs || fail 'the revert does not end'
        contents "$volume" >"$dir/is"
        contents "$(of "$volume" device)" >"$dir/was"
        if cmp -s "$dir/is" "$dir/was"; then
                echo '# the volume is what it was'
        elif [ -z "$reverting" ] && cmp -s "$dir/is" "$known/changed"; then
                echo '# the revert had not been begun'
        else
                diff "$dir/was" "$dir/is" || true
                fail 'the volume is neither what it was nor what it became'
        fi
}

mkdir -p "$known" "$dir/btrfs" "$lv"
touch "$log" "$steps"
modprobe -a ext4 btrfs
use_lvm
if [ -z "$(blkid /dev/vda)" ]; then
        mkfs.ext4 -q /dev/vda
        mkfs.btrfs -q /dev/vdb >/dev/null
        vgcreate -q group /dev/vdc
        lvcreate -q -y -L 32M -n data group
        mkfs.ext4 -q /dev/group/data
else
        vgchange -q -a y group
fi
mount /dev/vda "$known"
mount -o noatime /dev/vdb "$dir/btrfs"
mount /dev/group/data "$lv"
[ -d "$tree" ] || btrfs subvolume create "$tree" >/dev/null
mkdir -p "$known/state"

last=$(cat "$known/doing" 2>/dev/null || true) 
if [ "$what" = resume ]; then
        what=$last # it has the steps of that
        walk resume
fi
begin_umbrad
await_umbrad
case $last in
set) look_after_set ;;
revert*) look_after_revert ;;
esac
nothing_is_held || fail 'something is held'
"$UMBRA" snapshot delete --all --quiet
wait_for is_consistent || fail 'a snapshot was left'
[ "$(count)" = 0 ] || fail 'a snapshot cannot be deleted'

echo "$what" >"$known/doing"
case $what in
set)
        populate "$tree"
        populate "$lv"
        contents "$tree" >"$known/tree"
        contents "$lv" >"$known/lv"
        sync
        if [ ! -e "$known/set" ]; then
                count_steps create
                "$UMBRA" snapshot delete --all --quiet
        fi
        walk create
        ;;
revert*)
        volume=$(volume_of "$what")
        populate "$volume"
        create >/dev/null
        change "$volume"
        sync
        if [ ! -e "$known/$what" ]; then
                count_steps revert
                change "$volume"
        fi
        contents "$volume" >"$known/changed"
        sync
        walk revert
        ;;
esac
