#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Restoring a chain when things are not as they should be: killed in the middle and run again, to other places, one component of several, files that
# no writer knows. That a chain comes back at all is the business of tests/integration/chain. $UMBRA, $UMBRAD, $CHAIN_WRITER and $WRITER are the programs.
# shellcheck source=tests/integration/shell.sh
. "${0%/*}/../shell.sh"
app=$dir/app state=$dir/chain
RANDOM=${SEED:=$RANDOM}
echo "# SEED=$SEED"

restore() { "$UMBRA" restore "$@"; }
is() { [ "$(cat "$1" 2>/dev/null)" = "$2" ] || { echo "    $1 is not '$2'"; return 1; }; }
absent() { [ ! -e "$1" ] || { echo "    $1 is there"; return 1; }; }

take() { # NAME OPTION...: a set, and beside it what it has to come back as
        local name=$1
        shift
        "$UMBRA" backup --quiet "$@" --to "$dir/$name" 2>"$dir/err" && cp -a "$app" "$dir/was-$name"
}

scatter() { # FILE: some bytes here and there
        local n
        for n in 1 2 3; do head -c 300 /dev/urandom | dd of="$1" bs=1 seek=$(((RANDOM * 32768 + RANDOM) % 3000000)) conv=notrunc status=none; done
}

change() { # ROUND
        scatter "$app/store/big.bin"
        scatter "$app/store/huge.bin"
        echo "$1" | tee "$app/docs/changes" "$app/docs/$1" "$app/new/$1" "$app/settings/main" "$app/store/logs/$1.log" >/dev/null
        rm -f "$app/docs/$(($1 - 1))" "$app/store/logs/$(($1 - 1)).log"
        head -c 1000000 /dev/urandom >"$app/other/o"
}

ruin() {
        head -c 3000000 /dev/zero >"$app/store/big.bin"
        rm -f "$app/store/huge.bin" "$app/settings/main"
        echo ruin | tee "$app/docs/changes" "$app/docs/stray" "$app/store/logs/stray.log" >/dev/null
}

mkdir -p "$app"/{store/logs,docs,new,settings,other} "$state" "$dir/tree/sub/deep"
head -c 3000000 /dev/urandom >"$app/store/big.bin"
head -c 3000000 /dev/urandom >"$app/store/huge.bin"
change 1
echo stays | tee "$app/docs/stays" "$dir/tree/stays" >/dev/null
echo goes | tee "$dir/tree/goes" "$dir/tree/sub/deep/goes" >/dev/null

start_umbrad || { echo "umbrad does not start"; exit 1; }
"$CHAIN_WRITER" "$app" "$state" &
writer_pid=$!
wait_for grep -q ready "$state/events" || { echo "the writer does not start"; exit 1; }

take full --type full || exit 1
change 2
take one --type incremental --since "$dir/full" || exit 1
change 3
take two --type incremental --since "$dir/one" || exit 1
sets=("$dir/full" "$dir/one" "$dir/two")

# Each file is what it was at some time, or what it was before the restore: nothing in between.
all_whole() {
        local file name was
        while IFS= read -r -d '' file; do
                name=${file#"$app/"}
                for was in ruined was-full was-one was-two; do
                        cmp -s "$file" "$dir/$was/$name" && continue 2
                done
                echo "    $name is something in between"
                return 1
        done < <(find "$app" -type f ! -name '.umbra-restore-*' -print0)
}

killed() {
        local n pid delay=20 in_the_middle=0
        ruin
        rm -rf "$dir/ruined" && cp -a "$app" "$dir/ruined"
        for n in 1 2 3 4 5 6 7 8; do
                "$UMBRA" restore --quiet "${sets[@]}" >"$dir/out" 2>"$dir/err" &
                pid=$!
                if [ $((n % 2)) = 0 ]; then
                        wait_for eval '! cmp -s "$app/settings/main" "$dir/ruined/settings/main" && [ -e "$app/store/huge.bin" ]'
                else
                        sleep "0.$delay"
                fi
                kill -KILL $pid 2>/dev/null && in_the_middle=$((in_the_middle + 1))
                wait $pid 2>/dev/null
                all_whole || return 1
                delay=$((delay + 20))
        done
        echo "# killed in the middle: $in_the_middle times"
        [ $in_the_middle -gt 0 ] || return 1
        expect 0 'content' restore "${sets[@]}" && diff -r "$app" "$dir/was-two" && all_whole
}
that 'a chain that is killed at any moment leaves whole files, and comes back when it is run again' killed

one_component() {
        ruin && rm "$app/new/2" && echo mine >"$app/other/o"
        expect 0 'content' restore "${sets[@]}" --component store && cmp "$app/store/huge.bin" "$dir/was-two/store/huge.bin" &&
                diff -r "$app/docs" "$dir/was-two/docs" && is "$app/new/2" 2 && is "$app/other/o" mine && absent "$app/settings/main"
}
that 'one component of a chain comes with what follows it, also with files that no file set names' one_component

onto_existing() {
        expect 0 'content' restore "$dir/full" "$dir/one" || return 1
        expect 1 'onto-existing' restore "$dir/two" && expect 0 'content' restore "$dir/two" --onto-existing && diff -r "$app/store" "$dir/was-two/store" || return 1
        rm "$app/store/huge.bin"
        expect 1 'huge.bin.*only parts of it' restore "$dir/two" --onto-existing
}
that 'the last set alone goes onto what is there, if that is said, and if it is there' onto_existing

without_writers() {
        ruin
        expect 0 'without its writer' restore "${sets[@]}" --no-writers && diff -r "$app/store" "$dir/was-two/store" && diff -r "$app/docs" "$dir/was-two/docs"
}
that 'a chain comes back without writers' without_writers

paths() { # files that no writer knows
        take paths --type full "$dir/tree" || return 1
        rm -r "$dir/tree/goes" "$dir/tree/sub" && mkdir "$dir/tree/new" && echo new >"$dir/tree/new/file"
        take later --type incremental --since "$dir/paths" "$dir/tree" || return 1
        rm -r "$dir/tree"
        mkdir "$dir/tree" && echo mine >"$dir/tree/mine"
        expect 0 'Restored' restore "$dir/paths" && is "$dir/tree/sub/deep/goes" goes || return 1
        expect 0 'Restored' restore "$dir/paths" "$dir/later" && absent "$dir/tree/sub" && absent "$dir/tree/goes" && is "$dir/tree/new/file" new &&
                is "$dir/tree/stays" stays && is "$dir/tree/mine" mine || return 1
        expect 0 'Restored' restore "$dir/paths" "$dir/later" --to "$dir/there" && absent "$dir/there$dir/tree/sub" && is "$dir/there$dir/tree/stays" stays
}
that 'what was deleted between two sets is gone, and what is nobody'"'"'s stays' paths

# A ranges file, and where it is.
ranges_writer() { # ELEMENT: what it says of its files
        kill "$writer_pid" && wait "$writer_pid"
        cat >"$dir/writer.xml" <<END
<TestWriter writerName="Ranges" supportsIncremental="yes" checkIncludes="no">
  <RestoreMethod method="RESTORE_IF_CAN_BE_REPLACED"/>
  <Component componentType="filegroup" componentName="data">
    <ComponentFile path="$dir/app2" filespec="*"/>
    $1
  </Component>
</TestWriter>
END
        "$WRITER" --json --output "$dir/events" "$dir/writer.xml" 2>"$dir/writer.err" &
        writer_pid=$!
        wait_for grep -q '"ready"' "$dir/events" || { cat "$dir/writer.err"; return 1; }
}

ranges_moved() {
        mkdir -p "$dir/app2" "$dir/elsewhere"
        printf 'abcdefgh' >"$dir/app2/file"
        ranges_writer '' && "$UMBRA" backup --quiet --component data --type full --to "$dir/r-full" 2>"$dir/err" || return 1
        python3 -c 'import struct,sys; sys.stdout.buffer.write(struct.pack("<5Q", 2, 1, 2, 6, 1))' >"$dir/elsewhere/ranges"
        ranges_writer "<PartialFile path=\"$dir/app2\" filespec=\"file\" ranges=\"File=$dir/elsewhere/ranges\"/>" || return 1
        printf '.BC...G.9' >"$dir/app2/file"
        "$UMBRA" backup --quiet --component data --type incremental --since "$dir/r-full" --to "$dir/r-one" 2>"$dir/err" || return 1
        rm -r "$dir/app2" "$dir/elsewhere"
        expect 0 'content' restore "$dir/r-full" "$dir/r-one" && [ "$(tr '\0' Z <"$dir/app2/file")" = aBCdefGhZ ] &&
                cmp -n 8 "$dir/elsewhere/ranges" <(printf '\2\0\0\0\0\0\0\0') && told_ranges "File=$dir/elsewhere/ranges" || return 1
        rm -r "$dir/elsewhere" "$dir/app2"
        expect 0 'content' restore "$dir/r-full" "$dir/r-one" --component data --to "$dir/place" && [ "$(tr '\0' Z <"$dir/place$dir/app2/file")" = aBCdefGhZ ] &&
                absent "$dir/elsewhere" && [ -e "$dir/place$dir/elsewhere/ranges" ] && told_ranges "$dir/place$dir/elsewhere/ranges"
}
told_ranges() { # what GetPartialFile says at the last PostRestore
        python3 - "$dir/events" "$1" <<'END'
import json, sys
last = [r for r in map(json.loads, open(sys.argv[1])) if r.get("event") == "PostRestore"][-1]
found = [p["ranges"] for c in last["component"] for p in c.get("partialFile", [])]
if found != [sys.argv[2]]:
    sys.exit(f"    PostRestore: {found}, not {sys.argv[2]}")
END
}
that 'a ranges file comes along, and the writer is told where it is now' ranges_moved

finish
