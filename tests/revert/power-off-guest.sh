#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# power-off-guest.sh STAND-STILL DOING…, in a virtual machine: what the power going off has left of sets and of reverts, and of what goes on
# with those after a power-off. Each DOING is one of:
#
#     record WHAT N    WHAT is done, and before every Nth of the steps (tests/api/deaths/steps.h) of whatever process of umbra's the disks
#                      are kept as they would be if the power went off then. STAND-STILL does that. The state is called WHAT-STEP. WHAT is
#                      a set of both volumes, or a revert of one of them: tree (on btrfs) or lv, or merge, which is one of lv when that is
#                      next activated, umbra's state and swapping included; and ".soon" after that lets the kernel
#                      write what nobody has asked it to write as soon as it can, and not after half a minute.
#     resume STATE N   the same of what umbrad does when it starts on one of these states: STATE.resume-STEP
#     verify STATE     after that one umbrad has put everything right; it says "right: STATE OUTCOME"
#
# /dev/vda has umbra's state, and what we know over the power-offs; /dev/vdb a btrfs, /dev/vdc a volume group.
set -euo pipefail
[ -d /run/vm ] || { echo 'not in a virtual machine: these would be the disks of this one' >&2; exit 1; }
# shellcheck source=/dev/null
. "$UMBRA_VM_GUEST"

stand_still=$1
shift
n_files=40
dir=/run/tmp/power-off
known=$dir/known tree=$dir/btrfs/tree lv=$dir/lv log=$dir/umbrad.log steps=$dir/steps mark=$dir/mark
export UMBRA_SOCKET=$dir/umbra.sock UMBRA_LOG_LEVEL=notice

fail() {
        echo "FAILED - $doing: $*"
        timeout 10 "$UMBRA" status --json || true
        tail -n 20 "$steps" || true
        tail -n 40 "$log"
        exit 1
}

state() {
        if [ "$(<"$known/doing")" = merge ]; then echo "$lv/umbra"; else echo "$known/state"; fi
}

# What is not expected to fail.
set -o errtrace
trap 'fail "line $LINENO: $BASH_COMMAND"' ERR

start_umbrad() { # [STAND-STILL MARK CONSOLE]
        # shellcheck disable=SC2153 # of the environment
        "$@" "$UMBRAD" --socket "$UMBRA_SOCKET" --state-dir "$(state)" --runtime-dir "$dir/run" --config /dev/null >"$steps" 2>"$log" &
        umbrad=$!
}
await_umbrad() { wait_for "$UMBRA" status || fail 'umbrad does not start'; }
end_umbrad() {
        pkill -TERM -x umbrad
        wait "$umbrad" || fail 'umbrad has failed'
}

count() { "$UMBRA" snapshot list --json | grep -c '"snapshot"' || true; }
stores() { btrfs subvolume list "$dir/btrfs" | grep -c umbra-shadow || true; }
volumes() { lvs --noheadings -o lv_name group | wc -l; }
is_consistent() {
        n=$(count)
        [ "$n" = $(($(stores) + $(volumes) - 1)) ]
}
nothing_is_suspended() { ! grep -q 1 /sys/block/dm-*/dm/suspended; }
nothing_is_held() { # what is, makes this wait
        timeout 10 touch "$tree/touched" "$lv/touched" && rm "$tree/touched" "$lv/touched" &&
                timeout 10 sync -f "$lv" && nothing_is_suspended
}
of() { # VOLUME PROPERTY
        "$UMBRA" snapshot list --json | awk -F '"' -v volume="$1" -v name="$2" '
                { is[$2] = $4 }
                /}/ && is["volume"] == volume { print is[name] }'
}
is_reverting() { "$UMBRA" status --json | grep -q '"kind":"revert"'; }
no_revert_runs() { ! is_reverting; }
contents() {
        (
                cd "$1"
                find . -mindepth 1 \( -path ./lost+found -o -path ./umbra -o -path ./swap \) -prune -o ! -type d -printf '%P %y %m %l\n' | sort
                find . \( -path ./umbra -o -path ./swap \) -prune -o -type f -print0 | sort -z | xargs -0 md5sum
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

volume_of() {
        case $1 in
        tree) echo "$tree" ;;
        lv) echo "$lv" ;;
        esac
}

look_after_set() {
        wait_for is_consistent || fail "$n snapshots are in the catalog, $(stores) and $(volumes) on the disks"
        case $n in
        0) outcome='there is no set' ;;
        2)
                outcome='there is a set'
                [ "$(contents "$(of "$tree" device)")" = "$(contents "$tree")" ] || fail 'the snapshot of the btrfs is not what that was'
                [ "$(contents "$(of "$lv" device)")" = "$(contents "$lv")" ] || fail 'the snapshot of the logical volume is not what that was'
                ;;
        *) fail "there is a set that is not whole: $n" ;;
        esac
        contents "$tree" | cmp - "$known/tree" || fail 'the btrfs has changed'
        contents "$lv" | cmp - "$known/lv" || fail 'the logical volume has changed'
}
look_after_revert() { # WHAT
        local reverting='' volume
        volume=$(volume_of "$1")
        ! is_reverting || reverting=1
        wait_for no_revert_runs || fail 'the revert does not end'
        [ "$(count)" = 2 ] || fail 'the set has gone'
        contents "$volume" >"$dir/is"
        contents "$(of "$volume" device)" >"$dir/was"
        if cmp -s "$dir/is" "$dir/was"; then
                outcome='it is reverted'
        elif [ -z "$reverting" ] && cmp -s "$dir/is" "$known/changed"; then
                outcome='no revert had begun'
        else
                diff "$dir/was" "$dir/is" || true
                fail 'the volume is neither what it was nor what it became'
        fi
}

is_waiting() { "$UMBRA" status --json | grep -q '"waiting":true'; }
look_after_merge() {
        local decided=''
        ! is_reverting || decided=1
        contents "$lv" >"$dir/is"
        if [ -n "$decided" ] && cmp -s "$dir/is" "$known/changed"; then # lvm has not been told before
                wait_for is_waiting || fail 'the revert does not wait'
                end_umbrad
                detach
                attach
                start_umbrad
                await_umbrad
        fi
        wait_for no_revert_runs || fail 'the revert does not end'
        contents "$lv" >"$dir/is"
        n=$(count)
        if cmp -s "$dir/is" "$known/was" && [ "$n" = 1 ]; then
                outcome='it is reverted'
        elif [ -z "$decided" ] && cmp -s "$dir/is" "$known/changed" && [ "$n" = 2 ]; then
                outcome='no revert had begun'
        else
                diff "$known/was" "$dir/is" || true
                fail "the volume is neither what it was nor what it became, or not all $n snapshots are known"
        fi
}

make_disks() {
        blkdiscard -f /dev/vda
        blkdiscard -f /dev/vdb
        blkdiscard -f /dev/vdc
        mkfs.ext4 -q /dev/vda
        mkfs.btrfs -q /dev/vdb >/dev/null
        vgcreate -q group /dev/vdc >/dev/null
        lvcreate -q -y -L 32M -n data group >/dev/null
        mkfs.ext4 -q /dev/group/data
        attach
        btrfs subvolume create "$tree" >/dev/null
        mkdir "$known/state"
        populate "$tree"
        populate "$lv"
}
attach() {
        vgchange -a y --poll n group >/dev/null # as in an initramfs
        mount /dev/vda "$known"
        mount -o noatime /dev/vdb "$dir/btrfs"
        mount /dev/group/data "$lv"
}
views() { awk -v below="$dir/run/" 'index($2, below) == 1 { print $2 }' /proc/self/mounts; }
is_inactive() { vgchange -q -a n group && dmsetup ls | grep -q 'No devices'; }
detach() {
        # shellcheck disable=SC2046 # of snapshots, which stay
        umount $(views) "$lv" "$dir/btrfs" "$known"
        btrfs device scan --forget
        wait_for is_inactive || fail "somebody has a logical volume open: $(dmsetup ls)"
        blockdev --flushbufs /dev/vda /dev/vdb /dev/vdc
        rm -r "$dir/run"
}

# recorded NAME N COMMAND…
recorded() {
        local name=$1 n=$2
        shift 2
        sync -f "$known"
        echo "$n $name" >"$mark"
        "$@" >/dev/null || fail 'it fails with nobody dead'
        rm "$mark"
        echo "# $doing: $(wc -l <"$steps") steps"
}

write_soon() {
        echo 1 >/proc/sys/vm/dirty_writeback_centisecs
        echo 1 >/proc/sys/vm/dirty_expire_centisecs
        mount -o remount,commit=1 "$known"
        mount -o remount,commit=1 "$dir/btrfs"
        mount -o remount,commit=1 "$lv"
}
write_late() {
        echo 500 >/proc/sys/vm/dirty_writeback_centisecs
        echo 3000 >/proc/sys/vm/dirty_expire_centisecs
}

record() { # WHAT N
        local what=${1%.soon}
        make_disks
        [ "$what" = "$1" ] || write_soon
        echo "$what" >"$known/doing"
        start_umbrad "$stand_still" "$mark" /dev/ttyS0
        await_umbrad
        case $what in
        set)
                contents "$tree" >"$known/tree"
                contents "$lv" >"$known/lv"
                sync
                recorded "$1" "$2" create
                ;;
        merge)
                create >/dev/null
                contents "$lv" >"$known/was"
                change "$lv"
                contents "$lv" >"$known/changed"
                head -c 1M /dev/zero >"$lv/swap"
                chmod 600 "$lv/swap"
                mkswap -q "$lv/swap"
                swapon "$lv/swap"
                sync
                recorded "$1" "$2" "$UMBRA" revert --yes --quiet --force "$(of "$lv" snapshot)"
                swapoff "$lv/swap"
                ;;
        *)
                volume=$(volume_of "$what")
                create >/dev/null
                change "$volume"
                contents "$volume" >"$known/changed"
                sync
                recorded "$1" "$2" revert
                ;;
        esac
        end_umbrad
        detach
        write_late
}

put() { # STATE
        disks put "$1" || fail 'the disks cannot be had'
        attach
}

is_put_right() { # or as far as it can be now
        "$UMBRA" status && { is_waiting || { is_consistent && no_revert_runs; }; }
}
start_and_wait() {
        start_umbrad "$stand_still" "$mark" /dev/ttyS0
        wait_for is_put_right
}
resume() { # STATE N
        put "$1"
        recorded "$1.resume" "$2" start_and_wait
        end_umbrad
        detach
}

verify() { # STATE
        local what outcome
        put "$1"
        what=$(<"$known/doing")
        start_umbrad
        await_umbrad
        case $what in
        set) look_after_set ;;
        merge) look_after_merge ;;
        *) look_after_revert "$what" ;;
        esac
        nothing_is_held || fail 'something is held'
        "$UMBRA" snapshot delete --all --quiet
        wait_for is_consistent || fail 'a snapshot was left'
        [ "$n" = 0 ] || fail 'a snapshot cannot be deleted'
        end_umbrad
        detach
        echo "right: $1 $outcome"
}

mkdir -p "$known" "$dir/btrfs" "$lv"
modprobe -a ext4 btrfs
use_lvm
while [ $# -gt 0 ]; do
        case $1 in
        verify) words=2 ;;
        *) words=3 ;;
        esac
        doing=${*:1:words}
        "${@:1:words}"
        shift "$words"
done
