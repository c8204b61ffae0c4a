#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Snapshots as an administrator handles them: kept by number, exposed, broken off, limited. $UMBRA and $UMBRAD are the programs.
# shellcheck source=tests/integration/shell.sh
. "${0%/*}/../shell.sh"

also_clean_up() {
        awk -v d="$dir/" 'index($5, d) == 1 { print $5 }' /proc/self/mountinfo | sort -r | xargs -r umount --lazy
}

create() { # what is printed of the new one: id, set, device
        "$UMBRA" snapshot create --json "$@" "$dir/tree" 2>"$dir/err" >"$dir/out" || return 1
        read -r id set device < <(python3 -c 'import json,sys; s = json.load(sys.stdin)[0]; print(s["snapshot"], s["set"], s["device"])' <"$dir/out")
}

count() { [ "$("$UMBRA" snapshot list --json | python3 -c 'import json,sys; print(sum(s["kind"] == sys.argv[1] for s in json.load(sys.stdin)))' "$1")" = "$2" ]; }

mkdir "$dir/tree" "$dir/place"
echo text >"$dir/tree/file"
that 'wrong usage is 2' eval 'expect 2 "keep" "$UMBRA" snapshot create --keep none "$dir/tree" && expect 2 "keep" "$UMBRA" snapshot create --keep 0 "$dir/tree" && expect 2 "choose one" "$UMBRA" snapshot create --persistent --keep 2 "$dir/tree" && expect 2 "an id and" "$UMBRA" snapshot expose x && expect 2 "ids of sets" "$UMBRA" snapshot break && expect 2 "one of" "$UMBRA" snapshot break --writable --unmount x && expect 0 "expose" "$UMBRA" snapshot --help'
start_umbrad || { echo "umbrad does not start"; exit 1; }

keeps() {
        local kept
        create --persistent || return 1
        persistent=$id
        for _ in 1 2 3 4; do create --keep 2 || return 1; done
        kept=$id
        count client-accessible 2 && count persistent 1 && "$UMBRA" snapshot show "$kept" >/dev/null &&
                "$UMBRA" snapshot show "$persistent" >/dev/null
}
that 'so many client-accessible ones are kept, and no others go for it' keeps
that 'a client-accessible one is not exposed' eval 'expect 1 "APP_ROLLBACK" "$UMBRA" snapshot expose "$id" "$dir/place"'
that 'all of them can be deleted' eval 'expect 0 "Deleted 3 snapshots" "$UMBRA" snapshot delete --all && [ "$(wc -l <"$dir/err")" = 1 ] && no_snapshots && expect 0 "There are no snapshots" "$UMBRA" snapshot delete --all'

if [ "$(id -u)" = 0 ]; then
        exposes() {
                create --persistent && echo changed >"$dir/tree/file"
                expect 0 "$dir/place" "$UMBRA" snapshot expose "$id" "$dir/place" || return 1
                [ "$(cat "$dir/place/file")" = text ] || return 1
                expect 1 'exposed already' "$UMBRA" snapshot expose "$id" "$dir/tree" || return 1
                "$UMBRA" snapshot list --json >"$dir/out" && grep -q "\"exposed\": *\"$dir/place\"" "$dir/out" || return 1
                expect 0 '' "$UMBRA" snapshot unexpose "$id" && [ ! -e "$dir/place/file" ] &&
                        expect 1 'not exposed' "$UMBRA" snapshot unexpose "$id"
        }
        that 'a persistent one is seen elsewhere, and no more' exposes
else
        create --persistent
fi

breaks() {
        local at=$device
        [ "$(id -u)" = 0 ] || at=$dir/state/broken/$id
        expect 1 'no set' "$UMBRA" snapshot break "$id" || return 1
        expect 0 'seen_at' "$UMBRA" snapshot break --json --writable "$set" || return 1
        no_snapshots && echo mine >"$at/mine" && [ "$(cat "$at/mine")" = mine ] && [ ! -e "$dir/tree/mine" ] || return 1
        find "$dir" -path "*broken/$id/mine" | grep -q .
}
that 'a set that is broken off is a directory like any other' breaks
[ "$(id -u)" != 0 ] || umount "$device"

breaks_some() { # where the first ones are is said, though there are no others
        create --persistent || return 1
        expect 1 "no set" "$UMBRA" snapshot break --json "$set" 00000000-0000-0000-0000-000000000001 && grep -q "$id" "$dir/out" || return 1
        [ "$(id -u)" != 0 ] || umount "$device"
}
that 'what was broken off before one that could not be is shown' breaks_some

names_sets() {
        create --persistent && expect 1 'with --set' "$UMBRA" snapshot delete "$set" && expect 0 'Deleted 1 snapshot\.' "$UMBRA" snapshot delete --set "$set"
}
that 'the id of a set is not taken for that of a snapshot' names_sets

measures() { # of directories, too
        create --persistent && expect 0 "^$dir/tree " "$UMBRA" limit || return 1
        expect 1 "remove the limit.*" "$UMBRA" limit remove "$dir/tree" && grep -q "limit set $dir/tree none" "$dir/err" && "$UMBRA" snapshot delete --all --quiet
}
that 'what snapshots of a directory take is listed' measures

limits() {
        expect 0 'obeys' "$UMBRA" limit set "$dir/tree" 500M || return 1
        "$UMBRA" limit list "$dir/tree" --json >"$dir/out" && grep -q '524288000' "$dir/out" || return 1
        expect 0 '500M' "$UMBRA" limit list "$dir/tree" || return 1
        expect 1 '' "$UMBRA" limit set "$dir/tree" 1M || return 1 # less than umbra.conf allows
        expect 2 'no size' "$UMBRA" limit set "$dir/tree" much && expect 2 'limit wants' "$UMBRA" limit set "$dir/tree" || return 1
        expect 0 '' "$UMBRA" limit remove "$dir/tree" && ! "$UMBRA" limit list "$dir/tree" | grep -q 500M
}
that 'what snapshots may take is limited' limits

finish
