#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What is in a backup of each type, and what the writer hears of it: chain-writer.c and umbra backup against a private umbrad. $UMBRA, $UMBRAD
# and $CHAIN_WRITER are the programs.
# shellcheck source=tests/integration/shell.sh
. "${0%/*}/../shell.sh"

app=$dir/app state=$dir/chain second_pid=
trap '[ -z "$second_pid" ] || kill "$second_pid" 2>/dev/null; clean_up' EXIT

start_writer() {
        "$CHAIN_WRITER" "$app" "$state" &
        writer_pid=$!
        wait_for grep -q ready "$state/events"
}

again() { # the writer, when it shall describe itself anew
        kill "$writer_pid" && wait "$writer_pid"
        rm "$state/events"
        start_writer
}

backup() { expect 0 'Saved' "$UMBRA" backup "$@"; }
heard() { grep -qE -- "$1" "$state/events" || { echo "    the writer has not heard '$1'"; return 1; }; }
manifest() { "$UMBRA" show "$1" --json | python3 -c "import json, sys; d = json.load(sys.stdin); m = d['manifest']; c = {x['component']: x for x in m['components']}; print($2)"; }
# has SET TYPE NAME…: these files, and no others, as members of that type
has() {
        local set=$1 type=$2 want
        shift 2
        want=$(printf "$app/%s\n" "$@" | sort)
        [ $# -gt 0 ] || want=
        "$UMBRA" show "$set" --files | sed -n "s|^$type  *[0-9]*  \($app/.*\)|\1|p" | sort >"$dir/has"
        [ "$want" = "$(cat "$dir/has")" ] || { echo "    members of type $type of $set:"; sed 's/^/        /' "$dir/has"; return 1; }
}
member() { # its bytes; holes are zeros. GNU tar thinks that pieces of files begin and end with blocks.
        zstd -qdc "$1" 2>/dev/null | python3 -c 'import sys, tarfile
for m in (t := tarfile.open(fileobj=sys.stdin.buffer, mode="r|")):
    if m.name == sys.argv[1]: sys.stdout.buffer.write(t.extractfile(m).read())' "data$2"
}
names() { tar --zstd -xOf "$1" umbra/names | sed "s|^$app/||" | sort | tr '\n' ' '; }
differs() { cmp -l "$1" "$2" | wc -l; }

mkdir -p "$app"/{store/logs,docs/deep,new,settings,other} "$state"
bytes() { base64 -w0 /dev/urandom 2>/dev/null | tr '[:upper:]' '[:lower:]' | head -c "$1"; } # without capitals: what is changed below really changes
bytes 300000 >"$app/store/big.bin"
bytes 200000 >"$app/store/huge.bin"
echo one >"$app/store/logs/1.log"
for f in a b c; do echo "$f" >"$app/docs/$f"; done
echo deep >"$app/docs/deep/d"
echo set >"$app/settings/main"
echo other >"$app/other/o"

start_umbrad || { echo "umbrad does not start"; exit 1; }
start_writer || { echo "the writer does not start"; exit 1; }

everything='store/big.bin store/huge.bin store/logs/1.log docs/a docs/b docs/c docs/deep/d settings/main other/o'

that 'a type that is none is refused' expect 2 'takes copy, full' "$UMBRA" backup --type everything --to "$dir/x"
that 'a whole backup builds on nothing' expect 2 'leave out --since' "$UMBRA" backup --type full --since "$dir/x" --to "$dir/y"
that 'what builds on another says on which' expect 2 'since when' "$UMBRA" backup --type incremental --to "$dir/x"

that 'a copy is everything' eval 'backup --to "$dir/copy" && has "$dir/copy" f $everything && has "$dir/copy" r'
that 'the writer hears that it is one, and that parts of files are taken' heard 'prepare type=5 partial=1 store previous= options=$'
that 'a copy says so' eval '[ "$(manifest "$dir/copy" "m[\"type\"], m[\"since\"], c[\"store\"][\"how\"]")" = "copy None copy" ]'
that 'nothing is built on a copy' expect 1 'is a copy' "$UMBRA" backup --type incremental --since "$dir/copy" --to "$dir/x"

that 'a full one is everything' eval 'backup --type full --to "$dir/full" && has "$dir/full" f $everything && heard "prepare type=1"'
that 'it keeps the stamps that the writer set' eval '[ "$(manifest "$dir/full" "m[\"type\"], c[\"store\"][\"how\"], c[\"store\"][\"stamp\"], c[\"store\"][\"instance\"], c[\"store\"][\"members\"]")" = "full full 2 chain ['"'"'store\\\\docs'"'"']" ]'
that 'it has no list of names' eval '! tar --zstd -tf "$dir/full" | grep -q umbra/names'

# Between the full one and the first of the chain
cp "$app/store/big.bin" "$dir/big.before"
cp "$app/store/huge.bin" "$dir/huge.before"
printf 'XXXXXXX' | dd of="$app/store/big.bin" bs=1 seek=1000 conv=notrunc status=none
printf 'Y' | dd of="$app/store/big.bin" bs=1 seek=299999 conv=notrunc status=none
printf 'grown' >>"$app/store/big.bin"
printf 'ZZZ' | dd of="$app/store/huge.bin" bs=1 seek=65535 conv=notrunc status=none
echo changed >"$app/docs/b"
touch -d 2001-01-01 "$app/docs/c" # an old time is no change, whatever is in it
rm "$app/docs/a"
echo new >"$app/new/n"
echo two >"$app/store/logs/2.log"

that 'an incremental one has what changed' backup --type incremental --since "$dir/full" --to "$dir/one"
that 'whole files: those of sets that are always needed, and those modified since' has "$dir/one" f store/logs/1.log store/logs/2.log docs/b new/n settings/main other/o
that 'ranges of the others' has "$dir/one" r store/big.bin store/huge.bin
that 'the writer got back the stamp of the full one' heard 'prepare type=2 partial=1 store previous=2'
that 'it is said what was and was not in the set before' eval '[ "$(manifest "$dir/one" "m[\"since\"]")" = "$(manifest "$dir/full" "m[\"id\"]")" ]'
that 'the ranges are the bytes that changed, and the file is as long as it was' eval 'member "$dir/one" "$app/store/big.bin" >"$dir/part" && [ "$(stat -c %s "$dir/part")" = 300005 ] && [ "$(tr -d "\0" <"$dir/part")" = XXXXXXXYgrown ] && [ "$(head -c 1007 "$dir/part" | tail -c 7)" = XXXXXXX ]'
that 'so are those of a ranges file' eval 'member "$dir/one" "$app/store/huge.bin" >"$dir/part" && [ "$(stat -c %s "$dir/part")" = 200000 ] && [ "$(tr -d "\0" <"$dir/part")" = ZZZ ]'
that 'the ranges file is in the set' eval 'member "$dir/one" "$state/huge.3.ranges" | cmp - "$state/huge.3.ranges"'
that 'the names are those of all files there are, and not of those that are gone' eval '[ "$(names "$dir/one")" = "docs/b docs/c docs/deep/d new/n other/o settings/main store/big.bin store/huge.bin store/logs/1.log store/logs/2.log " ]'
that 'the set is whole' expect 0 'whole' "$UMBRA" verify "$dir/one"
that 'the writer heard that it succeeded' heard 'complete store succeeded=1'
that 'show says what it builds on and how much of each component is in it' eval 'expect 0 "incremental" "$UMBRA" show "$dir/one" && grep -q "$(manifest "$dir/full" "m[\"id\"]")" "$dir/out" && grep -qE "store +database +incremental.* 2 +2" "$dir/out"'

cp "$app/store/big.bin" "$dir/big.before"
printf 'AA' | dd of="$app/store/big.bin" bs=1 seek=5 conv=notrunc status=none
truncate -s 100000 "$app/store/big.bin"
that 'the next one has what changed since that one' eval 'backup --type incremental --since "$dir/one" --to "$dir/two" && heard "previous=3" && member "$dir/two" "$app/store/big.bin" >"$dir/part" && [ "$(stat -c %s "$dir/part")" = 100000 ] && [ "$(tr -d "\0" <"$dir/part")" = AA ]'
that 'ranges of a file that did not change are none' eval '[ "$(member "$dir/two" "$app/store/huge.bin" | tr -d "\0" | wc -c)" = 0 ] && has "$dir/two" r store/big.bin store/huge.bin'
that 'a differential one has what changed since the full one' eval 'backup --type differential --since "$dir/full" --to "$dir/diff" && heard "prepare type=3 partial=1 store previous=2" && [ "$(member "$dir/diff" "$app/store/huge.bin" | tr -d "\0")" = ZZZ ] && [ "$(manifest "$dir/diff" "m[\"type\"]")" = differential ]'
that 'and on nothing but a full one' expect 1 'builds on the full one' "$UMBRA" backup --type differential --since "$dir/one" --to "$dir/x"
that 'a log backup has log files' eval 'backup --component store --type log --since "$dir/two" --to "$dir/log" && heard "prepare type=4" && has "$dir/log" f store/logs/1.log store/logs/2.log && has "$dir/log" r'

that 'the list of writers has the types that each can do' expect 0 'Chain +chain +store +database +yes .* full copy incremental differential log ' "$UMBRA" writers

# What cannot be done as it was asked
that 'a component that the set before has not is taken in full, and it is said' eval 'backup --component store --type full --to "$dir/part1" && expect 0 "'"'other' is taken in full: it is not in the set before"'" "$UMBRA" backup --type incremental --since "$dir/part1" --to "$dir/part2" && [ "$(manifest "$dir/part2" "c[\"other\"][\"how\"], c[\"store\"][\"how\"]")" = "full incremental" ]'
printf '0x10' >"$state/schema" && again # VSS_BS_COPY and nothing else
that 'a writer that cannot do it is taken in full, parts and times notwithstanding' eval 'expect 0 "cannot do incremental" "$UMBRA" backup --type incremental --since "$dir/two" --to "$dir/schema" && has "$dir/schema" r && has "$dir/schema" f store/big.bin store/huge.bin store/logs/1.log store/logs/2.log docs/b docs/c docs/deep/d new/n settings/main other/o && [ "$(manifest "$dir/schema" "c[\"store\"][\"how\"]")" = full ]'
printf '0x67' >"$state/schema" && again # with VSS_BS_EXCLUSIVE_INCREMENTAL_DIFFERENTIAL, without VSS_BS_COPY
that 'one that does not mix them is taken in full after a differential one' eval 'expect 0 "after a differential" "$UMBRA" backup --type incremental --since "$dir/diff" --to "$dir/mixed" && has "$dir/mixed" r'
that 'and as asked after an incremental one, though the writer was started again' eval 'backup --type incremental --since "$dir/two" --to "$dir/unmixed" && has "$dir/unmixed" r store/big.bin store/huge.bin && heard "prepare type=2 partial=1 store previous=4"'
that 'a copy of a writer that knows no copies is a full one' eval 'backup --to "$dir/copy2" && [ "$(manifest "$dir/copy2" "m[\"type\"], c[\"store\"][\"how\"]")" = "copy full" ]'
rm "$state/schema" && again

# Which components
that 'what follows another one cannot be chosen by itself' expect 1 'comes along with .store' "$UMBRA" backup --component 'store\docs' --to "$dir/x"
that 'neither by its name alone' expect 1 'comes along with .store' "$UMBRA" backup --component docs --to "$dir/x"
that 'what nobody can choose comes with any other of its writer' eval 'backup --component other --to "$dir/other" && has "$dir/other" f other/o settings/main'
that 'the name of the writer may stand before' eval 'backup --component Chain:other --to "$dir/other2" && has "$dir/other2" f other/o settings/main'
mkdir -p "$dir/app2"/{store/logs,docs,settings,other} "$dir/chain2" && echo x >"$dir/app2/settings/x"
"$CHAIN_WRITER" "$dir/app2" "$dir/chain2" second &
second_pid=$!
wait_for grep -q ready "$dir/chain2/events"
that 'a name that two writers have is not enough' eval 'expect 1 "could be 2 components" "$UMBRA" backup --component other --to "$dir/x" && grep -q "chain:other" "$dir/err" && grep -q "second:other" "$dir/err"'
printf '\nother\n' >"$state/depends" && again
that 'what a component needs is taken, too' eval 'expect 0 "Also taking .other. of writer .Second" "$UMBRA" backup --component chain:store --to "$dir/needs" && [ "$(manifest "$dir/needs" "sorted((x[\"instance\"], x[\"component\"]) for x in m[\"components\"])")" = "[('"'chain', 'settings'), ('chain', 'store'), ('second', 'other'), ('second', 'settings'"')]" ]'
printf '\nnowhere\n' >"$state/depends" && again
that 'and named where it is not there' expect 0 'needs .nowhere. of writer .*WITHOUT' "$UMBRA" backup --component chain:store --to "$dir/needs2"
printf '\\\\elsewhere\\path\nremote\n' >"$state/depends" && again
that 'or where it is on another machine' expect 0 'on another machine' "$UMBRA" backup --component chain:store --to "$dir/needs3"
rm "$state/depends" && again
kill "$second_pid" && wait "$second_pid"
second_pid=

that 'options reach the writer' eval 'backup --component store --option "store=a=b c" --to "$dir/options" && heard "store previous= options=a=b c\$"'
that 'but only for what is in the backup' expect 1 'not in this backup' "$UMBRA" backup --component store --option other=x --to "$dir/x"
that 'and by itself' expect 1 'comes along with' "$UMBRA" backup --option 'store\docs=x' --to "$dir/x"

# Where files are
echo yes >"$state/special"
mkdir -p "$app"/{live,where,really/deep}
echo live >"$app/live/l"
echo tmp >"$app/live/t.tmp"
echo cache >"$app/other/x.cache"
echo wrong >"$app/where/w"
echo right >"$app/really/w"
echo deep >"$app/really/deep/r"
again
that 'what needs no shadow copy is read live, and excluded files are not' eval 'backup --component special --to "$dir/special" && has "$dir/special" f live/after live/l where/w where/deep/r settings/main && [ "$(member "$dir/special" "$app/live/after")" = "after the snapshot" ]'
that 'what is elsewhere is taken from there, under its own name' eval '[ "$(member "$dir/special" "$app/where/w")" = right ]'
that 'what is kept out of shadow copies is not in the set' eval 'backup --component other --to "$dir/cache" && has "$dir/cache" f other/o settings/main'
that 'and stays where it is when the set is restored' eval 'expect 0 "Restored" "$UMBRA" restore "$dir/cache" --component other && [ -e "$app/other/x.cache" ]'
that 'a chain has the names of all of these' eval 'backup --component special --type full --to "$dir/special1" && backup --component special --type incremental --since "$dir/special1" --to "$dir/special2" && [ "$(names "$dir/special2")" = "live/after live/l settings/main where/deep/r where/w " ]'
rm -r "$state/special" "$app"/{live,where,really} "$app/other/x.cache"
again

# Odd words of writers
echo "store big.bin File=$state/no-such-file" >"$state/partial"
that 'a file whose ranges file is not there is saved whole' eval 'expect 0 "ranges of .*big.bin.* cannot be read .*no-such-file.; the file is saved whole" "$UMBRA" backup --component store --to "$dir/bad" && has "$dir/bad" r && member "$dir/bad" "$app/store/big.bin" | cmp - "$app/store/big.bin"'
echo 'store big.bin 3:4, 0x10:2, 99999999:1' >"$state/partial"
that 'parts of files may be in a full backup, too' eval 'backup --type full --component store --to "$dir/fullparts" && has "$dir/fullparts" r store/big.bin && [ "$(member "$dir/fullparts" "$app/store/big.bin" | tr -d "\0" | wc -c)" -le 6 ]'
echo 'docs b 0:1' >"$state/partial"
that 'a file that is differenced and partial is taken as differenced, and somebody is told' eval 'expect 0 "docs/b. as a differenced and as a partial file" "$UMBRA" backup --component store --type incremental --since "$dir/full" --to "$dir/both" && has "$dir/both" r store/big.bin store/huge.bin'
echo 'store nothing 0:1' >"$state/partial"
that 'a part of a file that is not there fails the backup' eval 'expect 1 "cannot save .*store/nothing" "$UMBRA" backup --to "$dir/x" && [ ! -e "$dir/x" ]'
that 'or, with best effort, its component' eval 'expect 7 "NOT all files of component .store" "$UMBRA" backup --best-effort --type full --to "$dir/lost" && heard "complete store succeeded=0" && heard "complete other succeeded=1"'
that 'show says so' eval 'expect 0 "store +database +NOT ALL" "$UMBRA" show "$dir/lost"'
rm "$state/partial"
no_room() {
        local before after
        before=$(grep -c '^complete ' "$state/events")
        expect 1 'no room left for ./dev/full' "$UMBRA" backup --force --component store --to /dev/full || return 1
        after=$(grep -c '^complete ' "$state/events")
        [ "$before" = "$after" ] || { echo "    the writer has heard $((after - before)) times that it is complete"; return 1; }
}
that 'no writer hears that its backup is complete before all of it is where it goes' no_room
that 'and nothing is built on it' expect 0 "'store' is taken in full: not all of it is in the set before" "$UMBRA" backup --type incremental --since "$dir/lost" --to "$dir/rebuilt"

mkdir "$app/late" && echo late >"$app/late/l"
echo late >"$state/late"
[ "$(stat -f -c %T "$dir")" = btrfs ] || # where a snapshot is of everything
        that 'what is named after the snapshot and is not on a volume of it fails its component' eval 'expect 1 "cannot save .*app/late.: .*after the snapshot" "$UMBRA" backup --component store --to "$dir/x" && expect 7 "NOT all files of component .store" "$UMBRA" backup --best-effort --component store --to "$dir/late"'
that 'and is saved if it is' eval 'backup --component store "$app" --to "$dir/late2" && member "$dir/late2" "$app/late/l" | grep -q late'
rm -r "$state/late" "$app/late"
that 'writers are told that the system state is saved' eval 'backup --system-state --component store --to "$dir/system" && tar --zstd -xOf "$dir/system" umbra/backup-components.xml | grep -q "bootableSystemStateBackup=\"yes\""'

# Failures
printf 'other\n' >"$state/fail-prepare"
that 'a component that fails by itself fails the backup, and is named' eval 'expect 5 "component .other. failed: .*it was told to fail" "$UMBRA" backup --to "$dir/x" && [ ! -e "$dir/x" ]'
that 'with best effort the backup goes on without it, and with the others of its writer' eval 'expect 7 "WITHOUT component .other" "$UMBRA" backup --best-effort --to "$dir/best" && has "$dir/best" f store/big.bin store/huge.bin store/logs/1.log store/logs/2.log docs/b docs/c docs/deep/d settings/main'
rm "$state/fail-prepare"
printf 'store\n' >"$state/fail-post"
that 'the same after the snapshot' eval 'expect 7 "WITHOUT component .store" "$UMBRA" backup --best-effort --to "$dir/best2" && has "$dir/best2" f other/o settings/main'
rm "$state/fail-post"
for event in prepare freeze; do
        echo $event >"$state/fail-all"
        that "a writer that fails at $event fails the backup" eval 'expect 5 "writer .Chain. failed to $event.*not today" "$UMBRA" backup --to "$dir/x" && [ ! -e "$dir/x" ]'
        that "with best effort the rest is saved without it" eval 'expect 7 "WITHOUT writer .Chain" "$UMBRA" backup --best-effort --writer Chain --component store "$dir/app2" --to "$dir/rest-$event" && has "$dir/rest-$event" f && member "$dir/rest-$event" "$dir/app2/settings/x" | grep -q x'
        that "and if there is no rest there is no set" eval 'expect 1 "nothing to back up" "$UMBRA" backup --best-effort --to "$dir/x" && [ ! -e "$dir/x" ]'
done
rm "$state/fail-all"
that 'nothing is left of the shadow copies' expect 0 'There are no snapshots' "$UMBRA" snapshot list

finish
