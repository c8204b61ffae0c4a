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
echo before >"$thin/file"
echo before >"$cow/file"
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

# What a thin snapshot takes nobody knows, and where there is no measure there is no limit.
limits() {
        expect 1 'could not keep a limit' "$UMBRA" limit set "$thin" 400M && expect 0 '' "$UMBRA" limit set "$cow" 400M || return 1
        expect 0 '' "$UMBRA" limit list "$thin" --json && [ "$(python3 -c 'import json,sys; print(json.load(sys.stdin)[0]["used"])' <"$dir/out")" = None ]
}
that 'a limit is for what can be measured' limits

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
