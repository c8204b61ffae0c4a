#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# An administrator with two logical volumes, one of them thin, in a virtual machine: umbra and umbrad on the real LVM. $UMBRA and $UMBRAD are the
# programs.
# shellcheck source=/dev/null
. "$UMBRA_VM_GUEST"
use_lvm
# shellcheck source=tests/integration/shell.sh
. "${0%/*}/../integration/shell.sh"

group=umbra-$$

also_clean_up() {
        umount --lazy "$thin" "$cow"
        lvm vgremove -q -y -f "$group" >/dev/null
        losetup -d "$loop"
}

truncate -s 900M "$dir/pv.img"
loop=$(losetup -f --show "$dir/pv.img")
thin=$dir/thin cow="$dir/not thin"
mkdir "$thin" "$cow"
{
        lvm vgcreate -q "$group" "$loop" && lvm lvcreate -y -q -L 320M -T "$group/pool" && lvm lvcreate -y -q -V 64M -T "$group/pool" -n thin &&
                lvm lvcreate -y -q -L 64M -n cow "$group" && mkfs.ext4 -q "/dev/$group/thin" && mkfs.ext4 -q "/dev/$group/cow" &&
                mount "/dev/$group/thin" "$thin" && mount "/dev/$group/cow" "$cow"
} >/dev/null || exit 1
mkdir "$thin/directory"
head -c 8M /dev/urandom >"$thin/large"
echo before >"$thin/file"
echo before >"$cow/file"
# Programs of LVM's that the test puts in their place are found first.
mkdir "$dir/bin"
export PATH=$dir/bin:$PATH
start_umbrad || { echo "umbrad does not start"; exit 1; }

volumes() { lvm lvs --noheadings -o lv_name -S 'lv_tags={umbra}' "$group"; }
are_left() { [ "$(volumes | wc -l)" = "$1" ]; } # at last: what a requester leaves behind, umbrad removes when there is time
field() { python3 -c 'import json,sys; print("\n".join(s[sys.argv[1]] for s in json.load(sys.stdin)))' "$1" <"$dir/out"; }

creates() {
        expect 0 '' "$UMBRA" snapshot create --json --persistent "$thin" "$cow" || return 1
        mapfile -t ids <<<"$(field snapshot)"
        mapfile -t devices <<<"$(field device)"
        are_left 2
}
that 'a thin volume and another one are snapshotted together' creates

reads() {
        echo after >"$thin/file"
        echo after >"$cow/file"
        touch "$cow/new"
        [ "$(cat "${devices[0]}/file")" = before ] && [ "$(cat "${devices[1]}/file")" = before ]
}
that 'they show what was before' reads

reverts() {
        expect 0 '' "$UMBRA" revert --yes "${ids[0]}" && expect 0 '' "$UMBRA" revert --yes "${ids[1]}" || return 1
        [ "$(cat "$thin/file")" = before ] && [ "$(cat "$cow/file")" = before ] && [ ! -e "$cow/new" ] && are_left 2
}
that 'both are put back while they are mounted, and the snapshots stay' reverts

# How full: of the store, and of the pool.
fullness() { "$UMBRA" snapshot list --json >"$dir/out" && ! field full 2>/dev/null | grep -v '^[0-9]*\.[0-9]$' && [ "$(field full | wc -l)" = 2 ]; }
fills() {
        wait_for fullness || return 1
        "$UMBRA" snapshot list >"$dir/out" && [ "$(grep -c '[0-9]%$' "$dir/out")" = 2 ]
}
that 'how full their storage is stands in the list' fills

# What a thin snapshot takes beside its volume is what the volume has overwritten.
used() { "$UMBRA" limit list "$thin" --json | python3 -c 'import json,sys; print(json.load(sys.stdin)[0]["used"] or 0)'; }
pool=${group//-/--}-pool-tpool
is_looked_into() { [ "$(dmsetup status "$pool" | cut -d " " -f 7)" != - ]; }
is_let_go() { ! is_looked_into; }

measures() {
        local before after
        before=$(used)
        head -c 8M /dev/urandom | dd of="$thin/large" conv=notrunc,fsync status=none
        after=$(used)
        echo "$before, then $after" >"$dir/used.out"
        [ "$before" -gt 0 ] && [ $((after - before)) -ge 8388608 ] && [ $((after - before)) -lt 16777216 ] && is_let_go
}
that 'what a thin snapshot takes is measured, and its pool is let go' measures

is_killed() {
        # shellcheck disable=SC2016
        printf '#!/bin/sh\ndmsetup status %s >%s/seen\nkill -9 $PPID\n' "$pool" "$dir" >"$dir/bin/thin_dump"
        chmod +x "$dir/bin/thin_dump"
        "$UMBRA" limit list "$thin" >"$dir/out" 2>&1
        rm "$dir/bin/thin_dump"
        [ "$(cut -d " " -f 7 "$dir/seen")" != - ] && wait_for is_let_go && [ "$(used)" -gt 8388608 ]
}
that 'a pool that was looked into by somebody who was killed is let go' is_killed

others() {
        dmsetup message "$pool" 0 reserve_metadata_snap || return 1
        [ "$(used)" = 0 ] && is_looked_into && dmsetup message "$pool" 0 release_metadata_snap && [ "$(used)" -gt 8388608 ]
}
that 'who else looks into the pool is not disturbed' others

# It takes as long as it takes, and not everywhere can it be told at all: a limit could not be kept.
limits() {
        expect 1 'could not keep a limit' "$UMBRA" limit set "$thin" 400M && expect 0 '' "$UMBRA" limit set "$cow" 400M
}
that 'there is no limit for thin snapshots' limits

# A part of a volume: the whole is snapshotted, and nothing is copied.
runs() {
        # shellcheck disable=SC2016
        expect 0 '' "$UMBRA" run "$thin/directory" -- sh -c 'lvm lvs --noheadings -o lv_name -S "lv_tags={umbra}" "$0" | wc -l' "$group" && grep -qx 3 "$dir/out"
}
that 'a directory is taken with its volume' runs

saves() {
        expect 0 '' "$UMBRA" backup "$thin/file" "$cow/file" --to "$dir/set" || return 1
        [ -s "$dir/set" ] && wait_for are_left 2
}
that 'files of both are saved from snapshots that are gone afterwards' saves

deletes() { expect 0 '' "$UMBRA" snapshot delete --all && no_snapshots && wait_for are_left 0; }
that 'deleting them leaves nothing' deletes

finish
