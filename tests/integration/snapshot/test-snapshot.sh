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
that 'all of them can be deleted' eval 'expect 0 "" "$UMBRA" snapshot delete --all && no_snapshots'

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
