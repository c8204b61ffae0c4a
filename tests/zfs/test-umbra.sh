#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# An administrator with two datasets: umbra and umbrad on the real ZFS. $UMBRA and $UMBRAD are the programs.
# shellcheck source=tests/integration/shell.sh
. "${0%/*}/../integration/shell.sh"

pool=umbra-$$ inner_loop=

also_clean_up() {
        zpool list "$pool-file" >/dev/null 2>&1 && zpool destroy -f "$pool-file"
        if [ -n "$inner_loop" ]; then
                zpool destroy -f "$pool-inner"
                losetup -d "$inner_loop"
        fi
        if mountpoint -q "$dir/below"; then umount "$dir/below"; fi
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

# A pool whose disk is a file on another volume of the set: were that held, the snapshot of the pool would wait for it.
stacks() {
        mkdir "$dir/below" && truncate -s 160M "$dir/below.img" && mkfs.ext4 -qF "$dir/below.img" && mount -o loop "$dir/below.img" "$dir/below" &&
                truncate -s 80M "$dir/below/pool.img" "$dir/below/file.img" || return 1
        inner_loop=$(losetup -f --show "$dir/below/pool.img") &&
                zpool create -o cachefile=none -O mountpoint="$dir/inner" "$pool-inner" "$inner_loop" || return 1
        echo before >"$dir/inner/file" && echo before >"$dir/below/file"
        expect 0 '' "$UMBRA" snapshot create --json --persistent "$dir/below" "$dir/inner" "$b" || return 1
        mapfile -t devices <<<"$(field device)"
        [ "$(cat "${devices[0]}/file")" = before ] && [ "$(cat "${devices[1]}/file")" = before ] && [ "$(cat "${devices[2]}/file")" = after ] || return 1
        "$UMBRA" status --json | grep -q '"held_usec":0' # with nothing but it there, ext4 is
}
that 'a pool on a file of another volume of the set does not wait for itself' stacks

holds() { # and without it the other one is held as ever
        expect 0 '' "$UMBRA" snapshot create --json --persistent "$dir/below" && ! "$UMBRA" status --json | grep -q '"held_usec":0[,}]'
}
that 'what a pool lies on is held where the pool is not in the set' holds

# The same without a loop device: the pool consists of the file itself, which only its commands say.
consists() {
        zpool create -o cachefile=none -O mountpoint="$dir/file" "$pool-file" "$dir/below/file.img" || return 1
        echo before >"$dir/file/file"
        expect 0 '' "$UMBRA" snapshot create "$dir/below" "$dir/file" && "$UMBRA" status --json | grep -q '"held_usec":0[,}]'
}
that 'a pool that consists of a file of another volume of the set does not wait for itself' consists

deletes() { expect 0 '' "$UMBRA" snapshot delete --all && no_snapshots && [ -z "$(snapshots)" ] && [ -z "$(zfs list -H -t snapshot -o name -r "$pool-inner")" ]; }
that 'deleting them leaves nothing' deletes

finish
