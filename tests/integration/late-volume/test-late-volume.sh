#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A volume that is mounted after umbrad has started, as its disk is slow, or was plugged in later: its persistent snapshots are readable
# then, and exposed where they were.
# shellcheck source=tests/integration/shell.sh
. "${0%/*}/../shell.sh"

[ "$(id -u)" = 0 ] || exit 77
for program in mkfs.btrfs mkfs.xfs; do command -v $program >/dev/null || exit 77; done
[ -n "${UMBRA_TEST_MOUNTS:-}" ] || { rm -r "${dir:?}"; UMBRA_TEST_MOUNTS=private exec unshare --mount "$0"; }

also_clean_up() {
        awk -v d="$dir/" 'index($5, d) == 1 { print $5 }' /proc/self/mountinfo | sort -r | xargs -r umount --lazy
}

volume=$dir/volume place=$dir/place
mkdir "$volume" "$place"
attach() { mount -o loop "$dir/$1.img" "$volume"; }
umbrad_ends() {
        kill "$umbrad_pid" && wait "$umbrad_pid"
        umbrad_pid=
        umount "$place" "$device" && umount "$volume" # the loop device goes with it
}
is_readable() { [ "$(cat "$device/file" 2>/dev/null)" = before ]; }
is_exposed() { [ "$(cat "$place/file" 2>/dev/null)" = before ]; }
is_back() { is_readable && is_exposed; }

comes_late() {
        truncate -s 400M "$dir/$1.img" && "mkfs.$1" -q "$dir/$1.img" >/dev/null 2>&1 && attach "$1" && echo before >"$volume/file"
        start_umbrad && expect 0 '' "$UMBRA" snapshot create --json --persistent "$volume" || return 1
        read -r id device < <(python3 -c 'import json, sys; s = json.load(sys.stdin)[0]; print(s["snapshot"], s["device"])' <"$dir/out")
        echo after >"$volume/file"
        expect 0 '' "$UMBRA" snapshot expose "$id" "$place" && is_back && umbrad_ends || return 1

        start_umbrad && "$UMBRA" snapshot list >"$dir/list.out" && grep -q "$id" "$dir/list.out" && ! is_readable || return 1
        mount -t tmpfs other "$dir/other" && umount "$dir/other" || return 1 # something else comes, and goes
        attach "$1" && wait_for is_back && umbrad_ends || return 1

        start_umbrad && attach "$1" && wait_for is_back || return 1 # at once: what was mounted while it looked is noticed, too
        expect 0 '' "$UMBRA" snapshot delete --all && no_snapshots && ! is_readable && ! is_exposed || return 1
        kill "$umbrad_pid" && wait "$umbrad_pid"
        umbrad_pid=
        umount "$volume"
}
mkdir "$dir/other"
that 'snapshots of a btrfs that comes late are readable again' comes_late btrfs
that 'snapshots on an xfs that comes late are readable again' comes_late xfs

exposes_late() { # the directory is on another disk, which comes late
        truncate -s 64M "$dir/ext4.img" && mkfs.ext4 -qF "$dir/ext4.img" && mount -o loop "$dir/ext4.img" "$dir/other" && mkdir "$dir/other/place"
        attach btrfs && echo before >"$volume/file" && start_umbrad || return 1
        place=$dir/other/place
        expect 0 '' "$UMBRA" snapshot create --json --persistent "$volume" || return 1
        read -r id device < <(python3 -c 'import json, sys; s = json.load(sys.stdin)[0]; print(s["snapshot"], s["device"])' <"$dir/out")
        expect 0 '' "$UMBRA" snapshot expose "$id" "$place" && umbrad_ends && umount "$dir/other" || return 1

        attach btrfs && start_umbrad && wait_for is_readable && ! is_exposed || return 1
        mount -o loop "$dir/ext4.img" "$dir/other" && wait_for is_back
}
that 'one is exposed again where the place comes late' exposes_late

finish
