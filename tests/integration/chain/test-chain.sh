#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Chains: what chain-writer.c says has changed, saved in sets that build on each other, comes back as the same bytes, each state of it. $UMBRA,
# $UMBRAD and $CHAIN_WRITER are the programs. SEED repeats a run.
# shellcheck source=tests/integration/shell.sh
. "${0%/*}/../shell.sh"

app=$dir/app state=$dir/chain
RANDOM=${SEED:=$RANDOM}
echo "# SEED=$SEED"

random() { echo $((RANDOM * 32768 + RANDOM)); }

scribble() { # FILE: a few bytes here and there; at times it grows, at times it shrinks
        local size n
        size=$(stat -c %s "$1")
        for ((n = RANDOM % 6; n >= 0; --n)); do
                head -c $((RANDOM % 700 + 1)) /dev/urandom | dd of="$1" bs=1 seek=$(($(random) % size)) conv=notrunc status=none
        done
        case $((RANDOM % 3)) in
        0) head -c $((RANDOM % 5000 + 1)) /dev/urandom >>"$1" ;;
        1) truncate -s $((size - RANDOM % 3000)) "$1" ;;
        esac
}

change() { # ROUND: what an application does between two backups
        scribble "$app/store/big.bin"
        scribble "$app/store/huge.bin"
        echo "$1" >"$app/store/logs/$1.log"
        rm -f "$app/store/logs/$(($1 - 2)).log"
        echo "round $1" >"$app/docs/changes"
        echo "$1" >"$app/docs/deep/$1"
        rm -f "$app/docs/deep/$(($1 - 1))" "$app/docs/gone-in-$1" "$app/docs/"$'gone\n'"$1"
        [ "$1" != 3 ] || echo odd >"$app/docs/$odd"
        [ $(($1 % 2)) = 0 ] && mv "$app/docs/moved" "$app/docs/deep/moved" || mv "$app/docs/deep/moved" "$app/docs/moved"
        echo "$1" >"$app/new/$1"
        echo "round $1" >"$app/settings/main"
        head -c 2000 /dev/urandom >"$app/other/o"
}

ruin() { # what a bad day does
        head -c 5000 /dev/urandom >"$app/store/big.bin"
        rm "$app/store/huge.bin"
        echo garbage | tee "$app/docs/$odd" "$app/docs/stray$odd" "$app/docs/changes" "$app/docs/deep/stray" "$app/docs/stray" "$app/store/logs/stray.log" >/dev/null
        rm "$app/settings/main"
}

# take NAME OPTION...: a set, and beside it what it has to come back as
take() {
        local name=$1
        shift
        "$UMBRA" backup --quiet "$@" --to "$dir/$name" 2>"$dir/err" || return 1
        cp -a "$app" "$dir/was-$name"
}

# same DIR EXPECTED: files in file sets are these and no others; new/ is in none, so there may be more
same() {
        local part
        for part in store docs settings other; do diff -r "$1/$part" "$2/$part" >>"$dir/err" || return 1; done
        for part in "$2"/new/*; do [ ! -e "$part" ] || cmp "$1/new/${part##*/}" "$part" >>"$dir/err" || return 1; done
}

# comes_back SET...: in place, and elsewhere
comes_back() {
        local sets=() set
        for set in "$@"; do sets+=("$dir/$set"); done
        ruin
        : >"$state/events"
        expect 0 'Restored' "$UMBRA" restore "${sets[@]}" && same "$app" "$dir/was-${*: -1}" || return 1
        rm -rf "$dir/elsewhere"
        expect 0 'Restored' "$UMBRA" restore "${sets[@]}" --to "$dir/elsewhere" && same "$dir/elsewhere$app" "$dir/was-${*: -1}"
}

odd=$'odd\n\xff\x01\\name \'*' # bytes, as names are

heard() { grep -qE -- "$1" "$state/events"; }

mkdir -p "$app"/{store/logs,docs/deep,new,settings,other} "$state"
head -c 700000 /dev/urandom >"$app/store/big.bin"
head -c 300000 /dev/urandom >"$app/store/huge.bin"
echo stays >"$app/docs/stays"
echo moved >"$app/docs/moved"
for n in 1 2 3 4 5; do echo "$n" | tee "$app/docs/gone-in-$n" >"$app/docs/"$'gone\n'"$n"; done
echo "$odd" >"$app/docs/$odd"
echo "$odd" >"$app/docs/$odd-stays"
echo 0 >"$app/store/logs/0.log"
echo main >"$app/settings/main"
echo other >"$app/other/o"

start_umbrad || { echo "umbrad does not start"; exit 1; }
"$CHAIN_WRITER" "$app" "$state" &
writer_pid=$!
wait_for grep -q ready "$state/events" || { echo "the writer does not start"; exit 1; }

that 'a full set is taken' take full --type full
change 2
that 'and an incremental one' take one --type incremental --since "$dir/full"
change 3
that 'and another one' take two --type incremental --since "$dir/one"
change 4
that 'and a differential one' take diff --type differential --since "$dir/full"
change 5
that 'and one more of the chain' take three --type incremental --since "$dir/two"
that 'the sets that build on others are smaller' eval '[ "$(stat -c %s "$dir/one")" -lt $(($(stat -c %s "$dir/full") / 4)) ]'

echo six >"$app/store/logs/6.log"
rm "$app/store/logs/5.log"
that 'and the logs that were written since' take log --type log --since "$dir/three"
change 6
that 'a full one of one component' take part --type full --component store
change 7
that 'and an incremental one of all' take late --type incremental --since "$dir/part"
cp -a "$app/store/big.bin" "$dir/big.bin"
that 'and one without any change' take idle --type incremental --since "$dir/late"

that 'the full one comes back' comes_back full
that 'the chain comes back as it was at its second set' comes_back full one
that 'as it was at its third' comes_back full one two
that 'its writer was told of all restores that follow, and of the last' eval 'heard "post-restore store additional=1 status=2" && heard "post-restore store additional=0 status=2" && [ "$(grep -c "pre-restore store" "$state/events")" = 3 ]'
that 'as it was at its last' comes_back full one two three
that 'the differential one comes back on the full one' comes_back full diff
that 'logs come back on the chain' comes_back full one two three log
that 'components that came late come back with their first set' comes_back part late
that 'nothing comes back on everything' eval 'comes_back part late idle && cmp "$app/store/big.bin" "$dir/big.bin"'
that 'a chain with a gap is refused, and nothing is written' eval 'ruin; cp -a "$app" "$dir/ruins"; expect 1 "changed since|builds on" "$UMBRA" restore "$dir/full" "$dir/two" && diff -r "$app" "$dir/ruins"'
that 'so is a set that builds on one that is not there' expect 1 'name that one first' "$UMBRA" restore "$dir/two"

finish
