#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# umbra revert, as an administrator uses it: it asks, it says what is in the way, it shows how far it is, and it ends well whoever dies.
# The volume is a file system of its own where there may be one, so that a revert can be made to stand still: while it is frozen.
# shellcheck source=tests/integration/shell.sh
. "${0%/*}/../shell.sh"

volume=$dir/volume
mkdir "$volume"
own=
if [ "$(id -u)" = 0 ] && command -v mkfs.ext4 >/dev/null; then
        truncate -s 64M "$dir/volume.img"
        mkfs.ext4 -q "$dir/volume.img" && mount -o loop "$dir/volume.img" "$volume" && own=yes
fi

also_clean_up() {
        [ -z "$own" ] || { fsfreeze --unfreeze "$volume" 2>/dev/null; umount --lazy "$volume"; }
}

fill() {
        rm -rf "${volume:?}"/*
        mkdir -p "$volume/directory"
        echo 'as it was' >"$volume/file"
        echo 'as it was' >"$volume/directory/gone"
        ln "$volume/file" "$volume/directory/name"
        head -c 3M /dev/urandom >"$volume/large"
}

change() {
        echo 'changed' >"$volume/directory/new"
        echo 'changed' >"$volume/file"
        rm -f "$volume/directory/gone"
        printf 'changed' | dd of="$volume/large" bs=1 seek=1000000 conv=notrunc status=none
}

snapshot() { "$UMBRA" snapshot create --persistent --json "$volume" | python3 -c 'import json, sys; print(json.load(sys.stdin)[0][sys.argv[1]])' "$1"; }
device() { "$UMBRA" snapshot list --json | python3 -c 'import json, sys; print(json.load(sys.stdin)[0]["device"])'; }
is_changed() { [ "$(cat "$volume/file")" = changed ] && [ -e "$volume/directory/new" ]; }
is_reverted() { diff -r --exclude=lost+found "$(device)" "$volume" && [ "$volume/file" -ef "$volume/directory/name" ]; }

start_umbrad
fill
id=$(snapshot snapshot)
change

wrong_usage() {
        expect 2 'one snapshot' "$UMBRA" revert &&
                expect 2 'not an id' "$UMBRA" revert yesterday &&
                expect 2 '' "$UMBRA" revert "$id" --no-such-option &&
                expect 0 'umbra revert SNAPSHOT' "$UMBRA" revert --help
}
that 'wrong usage is said to be wrong' wrong_usage

asks() { expect 2 'nobody to ask' "$UMBRA" revert "$id" && grep -q 'whatever was changed since is lost' "$dir/err" && is_changed; }
that 'nothing is changed before somebody has said yes' asks

unknown() { expect 1 'VSS_E_OBJECT_NOT_FOUND' "$UMBRA" revert --yes 00000000-0000-0000-0000-000000000001; }
that 'a snapshot that is not there is none' unknown

busy() {
        exec 7<"$volume/large"
        expect 1 'VSS_E_VOLUME_IN_USE' "$UMBRA" revert --yes "$id" 7<&- && grep -q -- --force "$dir/err" && is_changed
}
that 'files that are open are in the way, and it says whose' busy

forced() { expect 0 'is what it was' "$UMBRA" revert --yes --force "$id" 7<&- && is_reverted; }
that 'they are not with --force' forced
exec 7<&-

inodes() {
        local before after
        before=$(stat -c %i "$volume/file" "$volume/large")
        change
        expect 0 "\"volume\": \"$volume\"" "$UMBRA" revert --json -y "$id" && is_reverted || return
        after=$(stat -c %i "$volume/file" "$volume/large")
        [ "$before" = "$after" ]
}
that 'files that survive keep their inodes' inodes

past() { expect 0 "Reverted '$volume' to" "$UMBRA" status; }
that 'the status says how the last one ended' past

terminal() { # a terminal, and somebody who says yes
        change
        echo y | TERM=dumb script -qec "$UMBRA revert $id" /dev/null >"$dir/out" 2>&1 && is_reverted && grep -q 'y/N' "$dir/out"
}
if command -v script >/dev/null; then that 'on a terminal it asks, and does what it was told' terminal; fi

reverting() { "$UMBRA" status | grep -q "Reverting '$volume' to {.*}: [0-9]"; } # it is in the catalog

# held FUNCTION: a revert that begins in there waits in its first write, until the function thaws
held() {
        local r=0
        change
        sync -f "$volume"
        fsfreeze --freeze "$volume"
        "$1" || r=$?
        fsfreeze --unfreeze "$volume" 2>/dev/null
        return $r
}

# Its worker can die only when that write goes on, and so the next one waits for it.
goes_on() {
        "$UMBRA" revert --yes "$id" >"$dir/out" 2>"$dir/err" &
        local command=$! code=0
        wait_for reverting || return
        expect 1 'VSS_E_REVERT_IN_PROGRESS' "$UMBRA" revert --yes --force "$id" || return
        kill -KILL "$umbrad_pid"
        wait "$umbrad_pid" 2>/dev/null
        wait "$command" || code=$?
        [ "$code" = 1 ] && grep -q 'goes on when umbrad runs' "$dir/err" || return
        start_umbrad
        wait_for reverting || return
        fsfreeze --unfreeze "$volume"
        wait_for past && is_reverted
}
if [ -n "$own" ]; then that 'it goes on after umbrad was killed' held goes_on; fi

interrupted() {
        "$UMBRA" revert --yes "$id" >"$dir/out" 2>"$dir/err" &
        local command=$! code=0
        wait_for reverting || return
        kill -TERM "$command"
        wait "$command" || code=$?
        reverting || return
        fsfreeze --unfreeze "$volume"
        wait_for is_reverted || return
        [ "$code" = 130 ] && grep -q 'goes on; umbra status shows it' "$dir/err"
}
if [ -n "$own" ]; then that 'a command that is ended ends only itself' held interrupted; fi

can_be_deleted() {
        expect 0 '' "$UMBRA" snapshot delete --all
}
that 'the snapshot can be deleted afterwards' can_be_deleted
that 'nothing is left' no_snapshots

finish
