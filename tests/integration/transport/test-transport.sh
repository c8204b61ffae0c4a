#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A set that is made on one machine and imported on another: on a disk that is carried, and as a stream of btrfs-send(8). The two machines
# are two umbrads with directories of their own; they share the kernel, and so a file system is mounted by one of them at a time only.
# They do so in a mount namespace of their own: any that is made elsewhere meanwhile would keep a file system mounted.
[ "$(id -u)" = 0 ] || exit 77
if [ -z "${UMBRA_TRANSPORT_NAMESPACE:-}" ]; then
        UMBRA_TRANSPORT_NAMESPACE=1 exec unshare --mount --propagation private "$0" "$@"
fi
# shellcheck source=tests/integration/shell.sh
. "${0%/*}/../shell.sh"

command -v mkfs.btrfs >/dev/null || exit 77

also_clean_up() {
        for m in one two clones; do
                if mountpoint -q "$dir/$m"; then umount "$dir/$m"; fi
        done
}

# disk NAME [TYPE]: one with a file system, mounted at $dir/NAME; without a mount there is no disk
disk() {
        mkdir -p "$dir/$1"
        if [ ! -e "$dir/$1.img" ]; then truncate -s 400M "$dir/$1.img" && "mkfs.${2:-btrfs}" -q "$dir/$1.img" >/dev/null 2>&1; fi
        mount -o loop "$dir/$1.img" "$dir/$1"
}

# machine NAME: the umbrad that the following commands talk to is that of this machine from now on
machine() {
        local dir=$dir/machine-$1
        [ -z "$umbrad_pid" ] || { kill "$umbrad_pid" && wait "$umbrad_pid"; }
        umbrad_pid=
        mkdir -p "$dir"
        "$UMBRAD" --socket "$UMBRA_SOCKET" --state-dir "$dir/state" --runtime-dir "$dir/run" --config "$dir/umbra.conf" &
        umbrad_pid=$!
        wait_for "$UMBRA" status
}

snapshots() { "$UMBRA" snapshot list --json; }
field() { python3 -c 'import json, sys; print(json.load(sys.stdin)[0][sys.argv[1]])' "$1"; }
device() { snapshots | field device; }

disk one
btrfs subvolume create "$dir/one/data" >/dev/null
echo before >"$dir/one/data/file"
machine one

that 'a set whose document cannot be kept is not made' eval '
        expect 1 "No such file" "$UMBRA" snapshot create --persistent --document /nonexistent/x "$dir/one/data" && no_snapshots'
that 'nor is there a document of a set that cannot be made' eval '
        expect 1 "" "$UMBRA" snapshot create --persistent --document "$dir/none.xml" "$dir/one/data" /proc && [ ! -e "$dir/none.xml" ]'

that 'a set says in its document what it consists of' eval '
        "$UMBRA" snapshot create --persistent --document "$dir/set.xml" "$dir/one/data" >"$dir/out" &&
        id=$(snapshots | field snapshot) && grep -q "snapshotId=\"$id\"" "$dir/set.xml" &&
        grep -q "originatingMachine=\"$(uname -n)\"" "$dir/set.xml"'
id=$(snapshots | field snapshot)
created=$(snapshots | field created)
that 'a document is not written over another file' expect 1 'File exists' "$UMBRA" snapshot create --persistent --document "$dir/set.xml" "$dir/one/data"
echo after >"$dir/one/data/file"

# As a stream
disk two
btrfs send -q "$(device)" >"$dir/stream" 2>/dev/null || { echo "btrfs send fails"; exit 1; }
machine two
umount "$dir/machine-one/run/shadow/"* && umount "$dir/one" # the other machine cannot see it

that 'what has not arrived cannot be imported' expect 1 VSS_E_NO_SNAPSHOTS_IMPORTED "$UMBRA" snapshot import "$dir/set.xml"
mkdir "$dir/two/backups"
head -c $(($(stat -c %s "$dir/stream") * 2 / 3)) "$dir/stream" | btrfs receive -q "$dir/two/backups" 2>/dev/null
that 'nor can what has come in part' eval '[ -d "$dir/two/backups/$id" ] && expect 1 VSS_E_NO_SNAPSHOTS_IMPORTED "$UMBRA" snapshot import "$dir/set.xml"'
btrfs subvolume delete "$dir/two/backups/$id" >/dev/null
btrfs receive -q "$dir/two/backups" <"$dir/stream"
that 'what was received is imported, wherever it lies' expect 0 "$id" "$UMBRA" snapshot import "$dir/set.xml"
that 'its files are those of the instant' eval '[ "$(cat "$(device)/file")" = before ]'
that 'it was made when it was made, and not when it came' [ "$(snapshots | field created)" = "$created" ]
that 'it can be imported once only' expect 1 'here already' "$UMBRA" snapshot import "$dir/set.xml"
that 'it is there again after a restart' eval 'machine two; wait_for test -e "$dir/machine-two/run/shadow/$id/file" && [ "$(cat "$(device)/file")" = before ]'
that 'what is deleted is the shadow copy, and not what was received' eval '"$UMBRA" snapshot delete --quiet "$id" && no_snapshots && [ "$(cat "$dir/two/backups/$id/file")" = before ]'
that 'nothing else is left of it' eval '! btrfs subvolume list "$dir/two" | grep -q umbra-shadow'

# On the disk itself
disk one
that 'a snapshot is imported on the disk that it was made on' expect 0 "$id" "$UMBRA" snapshot import "$dir/set.xml"
that 'its files are the same' eval '[ "$(cat "$(device)/file")" = before ] && [ "$(cat "$dir/one/data/file")" = after ]'
that 'it still says where it was made' eval '"$UMBRA" snapshot show "$id" --json | grep -q "$dir/one/data"'
that 'who deletes it deletes it on the disk' eval 'expect 0 "" "$UMBRA" snapshot delete --quiet "$id" && ! btrfs subvolume list "$dir/one" | grep umbra-shadow >"$dir/out"'

machine one
that 'the machine that made it can forget it then' eval '"$UMBRA" snapshot delete --quiet "$id" && no_snapshots'

# Clones lie on the disk as well
disk clones xfs
mkdir "$dir/clones/data" && echo before >"$dir/clones/data/file"
"$UMBRA" snapshot create --persistent --quiet --document "$dir/clones.xml" "$dir/clones/data" >/dev/null
id=$(snapshots | field snapshot)
echo after >"$dir/clones/data/file"
machine two
umount "$dir/machine-one/run/shadow/"* && umount "$dir/clones"
that 'clones cannot be imported without their disk' expect 1 VSS_E_NO_SNAPSHOTS_IMPORTED "$UMBRA" snapshot import "$dir/clones.xml"
disk clones
that 'clones are imported where their disk is mounted' expect 0 "$id" "$UMBRA" snapshot import "$dir/clones.xml"
that 'they are those of the instant' eval '[ "$(cat "$(device)/file")" = before ] && [ "$(cat "$dir/clones/data/file")" = after ]'
that 'they can be deleted' eval '"$UMBRA" snapshot delete --quiet "$id" && no_snapshots && [ ! -e "$dir/clones/.umbra-shadow" ]'
mkdir -p "$dir/clones/.umbra-shadow/$id/tree/data" "$dir/clones/.umbra-shadow/$id/links"
that 'a copy that was never finished is none' expect 1 VSS_E_NO_SNAPSHOTS_IMPORTED "$UMBRA" snapshot import "$dir/clones.xml"
finish
