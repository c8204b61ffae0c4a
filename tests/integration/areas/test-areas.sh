#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What snapshots take is what the storage says: known amounts on real file systems, and limits that hold.
# shellcheck source=tests/integration/shell.sh
. "${0%/*}/../shell.sh"

[ "$(id -u)" = 0 ] || exit 77

also_clean_up() {
        for m in btrfs xfs ext4; do
                if mountpoint -q "$dir/$m"; then umount "$dir/$m"; fi
        done
}

start() {
        echo 'minimum = 1M' >>"$dir/umbra.conf"
        "$UMBRAD" --socket "$UMBRA_SOCKET" --state-dir "$dir/state" --runtime-dir "$dir/run" --config "$dir/umbra.conf" &
        umbrad_pid=$!
        wait_for "$UMBRA" status
}

# file_system TYPE: mounted at $dir/TYPE, with the directory (or subvolume) data and 32 MiB in it
file_system() {
        truncate -s 400M "$dir/$1.img" && "mkfs.$1" -q "$dir/$1.img" >/dev/null 2>&1
        mkdir "$dir/$1" && mount -o loop "$dir/$1.img" "$dir/$1"
        if [ "$1" = btrfs ]; then btrfs subvolume create "$dir/$1/data" >/dev/null; else mkdir "$dir/$1/data"; fi
        fill "$1" 32
}

fill() { head -c "$2M" /dev/urandom >"$dir/$1/data/file"; sync -f "$dir/$1"; }
snapshot() { "$UMBRA" snapshot create --persistent --quiet "$dir/$1/data" >/dev/null; }
used() { "$UMBRA" limit list "$dir/$1/data" --json | python3 -c 'import json, sys; print(sum(int(a["used"]) for a in json.load(sys.stdin)))'; }
takes() { # takes TYPE MIB: no more and no less, but for a little
        local bytes
        bytes=$(used "$1")
        [ "$bytes" -ge $(($2 << 20)) ] && [ "$bytes" -le $((($2 << 20) + (1 << 20))) ] || { echo "    $bytes bytes are not $2 MiB"; return 1; }
}
free_space() { sync -f "$dir/$1"; df -B1 --output=avail "$dir/$1" | tail -n 1; }
delete_all() { "$UMBRA" snapshot delete --all --quiet; }

start || { echo "umbrad does not start"; exit 1; }

for type in btrfs xfs; do
        file_system $type
        [ $type != xfs ] || xfs_info "$dir/xfs" | grep -q 'reflink=1' || continue
        that "on $type no snapshot takes nothing" takes $type 0
        snapshot $type
        that "on $type one of what is still there takes nothing" takes $type 0
        snapshot $type
        fill $type 32
        that "on $type what the volume has no more two snapshots of it take once" takes $type 32
        snapshot $type
        that "on $type a third one of what is there takes nothing more" takes $type 32
        fill $type 8
        that "on $type all of them take what any of them holds" takes $type 64
        that "on $type a volume is left without room by a limit" eval '"$UMBRA" limit set "$dir/$type/data" 48M --quiet && expect 1 VSS_E_INSUFFICIENT_STORAGE "$UMBRA" snapshot create --persistent "$dir/$type/data"'
        that "on $type a limit above what they take is none" eval '"$UMBRA" limit set "$dir/$type/data" 80M --quiet && snapshot $type && takes $type 64'
        before=$(free_space $type)
        delete_all
        that "on $type nothing is taken when they are gone" takes $type 0
        room_is_free() { [ $(($(free_space $type) - before)) -ge $((60 << 20)) ]; }
        that "on $type the room is free again" wait_for room_is_free
done

file_system ext4
snapshot ext4
that 'a copy takes what it copies' takes ext4 32
fill ext4 8
that 'and no more when that is written over' takes ext4 32
snapshot ext4
that 'two copies take what both copied' takes ext4 40
that 'a copy has to fit into what its limit leaves' eval '"$UMBRA" limit set "$dir/ext4/data" 44M --quiet && expect 1 VSS_E_INSUFFICIENT_STORAGE "$UMBRA" snapshot create --persistent "$dir/ext4/data"'
that 'one that would fit fits when another is gone' eval '"$UMBRA" snapshot delete --quiet "$("$UMBRA" snapshot list --json | python3 -c "import json, sys; print(json.load(sys.stdin)[0][\"snapshot\"])")" && snapshot ext4 && takes ext4 16'
delete_all
that 'nothing is left of the copies' takes ext4 0
finish
