#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# An administrator with two datasets: umbra and umbrad on the real ZFS. $UMBRA and $UMBRAD are the programs.
# shellcheck source=tests/integration/shell.sh
. "${0%/*}/../integration/shell.sh"

pool=umbra-$$

also_clean_up() {
        zpool destroy -f "$pool"
        losetup -d "$loop"
}

truncate -s 96M "$dir/pool.img"
loop=$(losetup -f --show "$dir/pool.img")
zpool create -o cachefile=none -O mountpoint="$dir/tank" "$pool" "$loop" && zfs create "$pool/a" && zfs create "$pool/b c" || exit 1
a=$dir/tank/a b="$dir/tank/b c"
mkdir "$a/directory"
echo before >"$a/file"
echo before >"$b/file"
start_umbrad || { echo "umbrad does not start"; exit 1; }

snapshots() { zfs list -H -t snapshot -o name -r "$pool"; }
field() { python3 -c 'import json,sys; print("\n".join(s[sys.argv[1]] for s in json.load(sys.stdin)))' "$1" <"$dir/out"; }

creates() {
        expect 0 '' "$UMBRA" snapshot create --json --persistent "$a" "$b" || return 1
        mapfile -t ids <<<"$(field snapshot)"
        mapfile -t devices <<<"$(field device)"
        [ "$(snapshots | wc -l)" = 2 ] || return 1
        # One command for both: the same transaction group.
        [ "$(zfs list -H -p -t snapshot -o createtxg -r "$pool" | sort -u | wc -l)" = 1 ]
}
that 'both volumes are snapshots of one instant' creates

reads() {
        echo after >"$a/file"
        echo after >"$b/file"
        touch "$a/new"
        [ "$(cat "${devices[0]}/file")" = before ] && [ "$(cat "${devices[1]}/file")" = before ]
}
that 'they show what was before' reads

that 'what they take is known' expect 0 "$a" "$UMBRA" limit

reverts() {
        expect 0 '' "$UMBRA" revert --yes "${ids[0]}" || return 1
        [ "$(cat "$a/file")" = before ] && [ ! -e "$a/new" ] && [ "$(cat "$b/file")" = after ] && [ "$(snapshots | wc -l)" = 2 ]
}
that 'a volume is put back, and the other one is not' reverts

# A part of a dataset: the whole is snapshotted, and nothing is copied.
runs() {
        # shellcheck disable=SC2016
        expect 0 '' "$UMBRA" run "$a/directory" -- sh -c 'zfs list -H -t snapshot -o name -r "$0" | wc -l' "$pool" && grep -qx 3 "$dir/out"
}
that 'a directory is taken with its dataset' runs

deletes() { expect 0 '' "$UMBRA" snapshot delete --all && no_snapshots && [ -z "$(snapshots)" ]; }
that 'deleting them leaves nothing' deletes

finish
