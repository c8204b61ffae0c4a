#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# power-off-guest.sh STEP, in a virtual machine: looks at what the last power-off has left, and walks into the next one, which comes the
# moment that "now" is said. /dev/vda has umbra's state, /dev/vdb a btrfs, /dev/vdc a volume group. Steps:
#
#     0   a set of both is taken; off while lvm has the logical volume suspended
#     1   nothing is left of it. Again; off when its snapshot is there, and the volume held
#     2   nothing is left of it. A whole set; the btrfs changes and is reverted; off in the middle, with half of it on the disk
#     3   the revert goes on; off in the middle
#     4   the revert goes on, and ends
set -euo pipefail
[ -d /run/vm ] || { echo 'not in a virtual machine: these would be the disks of this one' >&2; exit 1; }
# shellcheck source=/dev/null
. "$UMBRA_VM_GUEST"

step=$1
n_files=1500
dir=/run/tmp/power-off
state=$dir/state tree=$dir/btrfs/tree lv=$dir/lv log=$dir/umbrad.log
export UMBRA_SOCKET=$dir/umbra.sock UMBRA_LOG_LEVEL=info

fail() {
        echo "FAILED - step $step: $*"
        timeout 10 "$UMBRA" status --json || true
        tail -n 40 "$log"
        exit 1
}
# What is to be cut was over before it could be: no fault of umbra's.
missed() {
        echo "MISSED - step $step: $*"
        exit 1
}
wait_for() {
        local end=$((SECONDS + 90))
        until "$@" >/dev/null 2>&1; do [ $SECONDS -lt $end ] || return 1; done
}
now() {
        echo now
        sleep 60
        fail 'the power did not go off'
}

# Stands before lvm. When a snapshot is made within the hold the power goes off, at the point that the file "cut" names.
put_cut_before_lvm() {
        mkdir -p "$dir/bin"
        {
                echo '#!/usr/bin/env bash'
                printf 'lvm=%q dir=%q\n' "$(command -v lvm)" "$dir"
                # shellcheck disable=SC2016
                echo '[ "$1" = /proc/self/fd/0 ] && cut=$(cat "$dir/cut" 2>/dev/null) || exec "$lvm" "$@"'
                declare -f cut_when_suspended
                # shellcheck disable=SC2016
                echo '[ "$cut" != suspended ] || cut_when_suspended &'
                # shellcheck disable=SC2016
                echo '"$lvm" "$@"; [ "$cut" = suspended ] || echo now >/dev/ttyS0; sleep 60'
        } >"$dir/bin/lvm"
        chmod +x "$dir/bin/lvm"
        PATH=$dir/bin:$PATH
}
cut_when_suspended() {
        local dm suspended=0
        while [ "$suspended" = 0 ]; do
                for dm in /sys/block/dm-*/dm/suspended; do
                        read -r suspended <"$dm"
                        [ "$suspended" = 0 ] || break
                done
        done
        echo now >/dev/ttyS0
}

begin_umbrad() {
        # shellcheck disable=SC2153 # of the environment
        "$UMBRAD" --socket "$UMBRA_SOCKET" --state-dir "$state" --runtime-dir "$dir/run" --config /dev/null >>"$log" 2>&1 &
        umbrad=$!
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
of_tree() { # PROPERTY: of the snapshot of the btrfs
        "$UMBRA" snapshot list --json | python3 -c 'import json, sys
print(*(s[sys.argv[1]] for s in json.load(sys.stdin) if s["volume"] == sys.argv[2]))' "$1" "$tree"
}
has_become_what_it_was() { diff -r --no-dereference "$(of_tree device)" "$tree"; }

create() { "$UMBRA" snapshot create --persistent --quiet "$tree" "$lv"; }
create_with_a_cut() { # WHERE
        echo "$1" >"$dir/cut"
        create || fail 'the set is not made'
        missed 'nothing was seen to be suspended'
}

change() {
        local i
        for i in $(seq 1 2 $n_files); do echo changed >"$tree/file-$i"; done
        for i in $(seq 100); do echo new >"$tree/new-$i"; done
        mv "$tree/file-2" "$tree/renamed"
        rm "$tree"/file-??4
        printf changed | dd of="$tree/large" bs=1 seek=3000000 conv=notrunc status=none
        sync -f "$tree"
}
# Some of the files that are to be reverted, far from each other.
to_be_watched() {
        local i
        watched=()
        for i in $(seq 1 100 $n_files); do
                ! grep -qx changed "$tree/file-$i" || watched+=("$tree/file-$i")
        done
}
# The moment that one of them is reverted all stands still. A shell that starts no process is faster than a revert.
stop_in_the_middle() {
        local end=$((SECONDS + 90)) line children file
        while [ $SECONDS -lt $end ]; do
                for file in "${watched[@]}"; do
                        read -r line <"$file" || line=
                        [ "$line" = changed ] || break 2
                done
        done
        read -r -a children <"/proc/$umbrad/task/$umbrad/children" || true # it ends without a newline
        kill -STOP "$umbrad" "${children[@]}"
        [ "$line" != changed ] || fail 'the revert does not begin'
        grep -qx changed "${watched[@]}" || missed 'the revert was too fast'
}
is_reverting() { "$UMBRA" status --json | grep -q '"kind":"revert"'; }
no_revert_runs() { ! is_reverting; }

mkdir -p "$state" "$dir/btrfs" "$lv"
touch "$log"
modprobe -a ext4 btrfs
use_lvm
if [ "$step" = 0 ]; then
        mkfs.ext4 -q /dev/vda
        mkfs.btrfs -q /dev/vdb >/dev/null
        vgcreate -q group /dev/vdc
        lvcreate -q -y -L 64M -n data group
        mkfs.ext4 -q /dev/group/data
else
        vgchange -q -a y group
fi
mount /dev/vda "$state"
mount -o noatime /dev/vdb "$dir/btrfs"
mount /dev/group/data "$lv"
if [ "$step" = 0 ]; then
        btrfs subvolume create "$tree" >/dev/null
        for i in $(seq $n_files); do echo "as it was $i" >"$tree/file-$i"; done
        head -c 8M /dev/urandom >"$tree/large"
        echo 'as it was' >"$lv/file"
        sync
fi

put_cut_before_lvm
to_be_watched
begin_umbrad
if [ "$step" = 3 ]; then
        [ ${#watched[@]} -gt 1 ] || missed 'hardly anything is left to revert'
        stop_in_the_middle
        grep -q 'A previous life was about to revert' "$log" || fail 'nobody knows of the revert'
        now
fi
await_umbrad
case $step in
0)
        create_with_a_cut suspended
        ;;
1 | 2)
        wait_for is_consistent || fail "$(count) snapshots are in the catalog, $(stores) and $(volumes) on the disks"
        [ "$(count)" = 0 ] || fail 'there is a set that was not whole'
        nothing_is_held || fail 'something is held'
        grep -qx 'as it was' "$lv/file" || fail 'the logical volume has changed'
        [ "$(find "$tree" -name 'file-*' | wc -l)" = $n_files ] || fail 'the btrfs has changed'
        [ "$step" != 1 ] || create_with_a_cut made

        create >/dev/null
        is_consistent || fail 'the set is not there'
        [ "$(count)" = 2 ] || fail 'the set is not whole'
        has_become_what_it_was || fail 'the snapshot is not what the volume was'
        change
        to_be_watched
        "$UMBRA" revert --yes --quiet "$(of_tree snapshot)" &
        stop_in_the_middle
        sync -f "$tree"
        now
        ;;
4)
        grep -q 'A previous life was about to revert' "$log" || fail 'the revert is forgotten'
        [ "$(count)" = 2 ] || fail 'the set has gone'
        wait_for no_revert_runs || fail 'the revert does not end'
        has_become_what_it_was || fail 'the volume is not what it was'
        "$UMBRA" status --json | grep -q '"reverts":\[{[^}]*"done":true' || fail 'nobody says that it is done'
        nothing_is_held || fail 'something is held'
        "$UMBRA" snapshot delete --all --quiet
        wait_for is_consistent || fail 'a snapshot was left'
        [ "$(count)" = 0 ] || fail 'a snapshot cannot be deleted'
        ;;
esac
