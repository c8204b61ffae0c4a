#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The power goes off, many times, while a set is made and while a volume is reverted: what the disks have got by then is mounted again, umbrad
# starts on it, and all is right. The disks, umbra's own and the volume's, are images on a file system that shares extents; a power cut is a
# clone of both. Nobody runs meanwhile, so that both are of one moment. What was in memory only is lost.
# shellcheck source=tests/integration/shell.sh
. "${0%/*}/../shell.sh"

[ "$(id -u)" = 0 ] || exit 77
for program in mkfs.xfs mkfs.btrfs mkfs.ext4; do command -v $program >/dev/null || exit 77; done
[ -n "${UMBRA_TEST_MOUNTS:-}" ] || { rm -r "${dir:?}"; UMBRA_TEST_MOUNTS=private exec unshare --mount "$0"; }

disks=$dir/disks volume=$dir/volume/data
n_cuts=0 log=$dir/umbrad.log

umount_all() {
        awk -v d="$dir/run/shadow/" 'index($5, d) == 1 { print $5 }' /proc/self/mountinfo | xargs -r umount --lazy
        for m in "$dir/state" "$dir/volume"; do ! mountpoint -q "$m" || umount "$m" || umount --lazy "$m"; done
}
also_clean_up() { umount_all; umount --lazy "$disks"; }

# power_on SUFFIX: the disks as they are, or were
power_on() {
        mount -o loop "$disks/state$1" "$dir/state" && mount -o loop,noatime "$disks/volume$1" "$dir/volume" || exit 1
        : >"$log"
        UMBRA_LOG_LEVEL=info "$UMBRAD" --socket "$UMBRA_SOCKET" --state-dir "$dir/state" --runtime-dir "$dir/run" --config "$dir/umbra.conf" \
                >>"$log" 2>&1 &
        umbrad_pid=$!
        wait_for "$UMBRA" status
}
processes() { echo "$umbrad_pid"; pgrep -P "$umbrad_pid"; }
power_off() {
        # shellcheck disable=SC2046
        kill -KILL $(processes) 2>/dev/null
        wait "$umbrad_pid" 2>/dev/null
        umbrad_pid=
        umount_all
}
cut() {
        local stopped disk
        stopped=$(processes)
        # shellcheck disable=SC2086
        kill -STOP $stopped 2>/dev/null
        for disk in state volume; do cp --reflink=always "$disks/$disk" "$disks/$disk.$n_cuts"; done
        # shellcheck disable=SC2086
        kill -CONT $stopped 2>/dev/null
        n_cuts=$((n_cuts + 1))
}
# cut_during COMMAND…: and once more when it has ended
cut_during() {
        local command
        n_cuts=0
        rm -f "$disks"/*.*
        "$@" >"$dir/out" 2>"$dir/err" &
        command=$!
        while kill -0 $command 2>/dev/null && [ $n_cuts -lt 40 ]; do cut; done
        wait $command || { cat "$dir/err"; return 1; }
        cut
}

count() { "$UMBRA" snapshot list --json | grep -c '"snapshot"'; }
stores() { btrfs subvolume list "$dir/volume" | grep -c umbra-shadow; }
device() { "$UMBRA" snapshot list --json | python3 -c 'import json, sys; print(json.load(sys.stdin)[0]["device"])'; }
is_at_rest() { ! "$UMBRA" status --json | grep -q '"kind":"revert"' && [ "$(stores)" = "$(count)" ]; }
is_what_it_was() { diff -r --no-dereference "$(device)" "$volume" >/dev/null; }
fingerprint() { (cd "$volume" && find . -printf '%P %m %s %T@ %i\n' | sort && find . -type f -exec cksum {} + | sort) | cksum; }

# after_each_cut FUNCTION: the last one is told "over"
after_each_cut() {
        local i
        for i in $(seq 0 $((n_cuts - 1))); do
                power_off
                power_on ".$i"
                wait_for is_at_rest || { echo "    cut $i of $n_cuts: $(count) snapshots, $(stores) on the disk"; return 1; }
                touch "$dir/volume/written" && rm "$dir/volume/written" || return # nothing is frozen
                "$1" "$([ "$i" -lt $((n_cuts - 1)) ] || echo over)" || { echo "    cut $i of $n_cuts"; return 1; }
        done
        power_off
        echo "    $n_cuts cuts"
}

mkdir "$disks" "$dir/state" "$dir/volume"
truncate -s 512M "$dir/disks.img" && mkfs.xfs -q "$dir/disks.img" && mount -o loop "$dir/disks.img" "$disks" || exit 1
truncate -s 32M "$disks/state" && mkfs.ext4 -q "$disks/state" || exit 1
truncate -s 300M "$disks/volume" && mkfs.btrfs -q "$disks/volume" >/dev/null 2>&1 || exit 1
power_on ''
btrfs subvolume create "$volume" >/dev/null || exit 1
for i in $(seq 400); do echo "as it was $i" >"$volume/file-$i"; done
head -c 4M /dev/urandom >"$volume/large"
sync -f "$volume"

whole_or_none() {
        [ "$(count)" -le 1 ] || return
        if [ "$(count)" = 1 ]; then is_what_it_was; else [ -z "$1" ]; fi
}
set_is_whole_or_none() { # it is made fast: so several times, and each time the cuts are somewhere else
        local round
        for round in 1 2 3; do
                [ "$round" = 1 ] || { power_on '' && "$UMBRA" snapshot delete --all --quiet; } || return
                cut_during "$UMBRA" snapshot create --persistent --quiet "$volume" && after_each_cut whole_or_none || return
        done
}
that 'of a set that the power cut there is all or nothing' set_is_whole_or_none

power_on ''
id=$("$UMBRA" snapshot list --json | python3 -c 'import json, sys; print(json.load(sys.stdin)[0]["snapshot"])')
for i in $(seq 1 3 400); do echo changed >"$volume/file-$i"; done
for i in $(seq 200); do echo new >"$volume/new-$i"; done
mv "$volume/file-2" "$volume/renamed"
rm "$volume"/file-??5
printf changed | dd of="$volume/large" bs=1 seek=2000000 conv=notrunc status=none
sync -f "$volume"
changed=$(fingerprint)

old_or_new() {
        [ "$(count)" = 1 ] || return
        if is_what_it_was; then return; fi
        # It had not begun: then nothing at all has changed.
        [ -z "$1" ] && ! grep -q 'A previous life was about to revert' "$log" && [ "$(fingerprint)" = "$changed" ]
}
revert_ends_in_either() {
        cut_during "$UMBRA" revert --yes --quiet "$id" && after_each_cut old_or_new && ! grep -q 'A previous life' "$log"
}
that 'a volume that was being reverted is the old one or becomes the new one' revert_ends_in_either

finish
