#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The command as a script meets it: each sentence runs umbra against a private umbrad and looks at the exit code, the message, and what is (not)
# left behind. $UMBRA, $UMBRAD and $WRITER are the programs.
# shellcheck source=tests/integration/shell.sh
. "${0%/*}/../shell.sh"

also_clean_up() {
        for m in full ro; do
                if mountpoint -q "$dir/$m"; then umount "$dir/$m"; fi
        done
}

start_writer() {
        printf '[sqlite]\ndatabase = %s\n' "$dir/app/*.db" >"$dir/sqlite.conf"
        "$WRITER" --config "$dir/sqlite.conf" >/dev/null 2>&1 &
        writer_pid=$!
        wait_for grep_writer
}

grep_writer() { "$UMBRA" writers | grep SQLite >/dev/null; }
database_says() { [ "$(sqlite3 "$dir/app/one.db" "$1")" = "$2" ]; }

mkdir "$dir/app" "$dir/tree"
sqlite3 "$dir/app/one.db" "pragma journal_mode=wal; create table t(x); insert into t values(1),(2),(3)" >/dev/null
sqlite3 "$dir/app/two.db" "create table t(x); insert into t values(4)" >/dev/null
mkdir -p "$dir/tree/deep/er" && echo text >"$dir/tree/deep/er/file" && ln -s er "$dir/tree/deep/link"
head -c 3000000 /dev/urandom >"$dir/tree/random"

that 'help is there for every verb' eval 'for v in backup run restore show verify snapshot writers providers volumes limit status; do expect 0 "umbra $v" "$UMBRA" $v --help || exit 1; done'
that 'wrong usage is 2' eval 'expect 2 "no verb" "$UMBRA" dance && expect 2 "where to" "$UMBRA" backup && expect 2 "seconds" "$UMBRA" backup --wait soon --to x && expect 2 "no arguments" "$UMBRA" status now && expect 2 "one set" "$UMBRA" restore && expect 2 "." "$UMBRA" snapshot delete nonsense-without-umbrad --all'
that 'an option that is none is named, and where to read on' eval 'expect 2 "dance.*umbra --help" "$UMBRA" --dance writers && expect 2 "umbra show --help" "$UMBRA" show --dance && expect 2 "umbrad --help" "$UMBRAD" --dance'
that 'an umbrad that is not there is 3, and the message says what to do' expect 3 'start it|listen' "$UMBRA" writers

printf '[requesters]\nuser = nobody-of-this-name\n' >"$dir/conf"
that 'a user that does not exist is named, and umbrad does not start' expect 1 'nobody-of-this-name.*no such user' "$UMBRAD" --socket "$dir/other" --state-dir "$dir/no-state" --runtime-dir "$dir/no-run" --config "$dir/conf"

start_umbrad || { echo "umbrad does not start"; exit 1; }
that 'without writers there is nothing to back up' expect 1 'nothing to back up' "$UMBRA" backup --to "$dir/set"
start_writer || { echo "the writer does not start"; exit 1; }

that 'writers, providers, volumes and status are JSON when asked' eval 'for v in writers providers volumes status; do "$UMBRA" $v --json >"$dir/out" 2>"$dir/err" && python3 -m json.tool <"$dir/out" >/dev/null || exit 1; done'
that 'a component that does not exist is named' eval 'expect 1 "no component .nonsense" "$UMBRA" backup --component nonsense --to "$dir/set" && nothing_is_left'
that 'a writer that does not exist is named' eval 'expect 1 "no writer .nobody" "$UMBRA" backup --writer nobody --to "$dir/set" && nothing_is_left'
that 'a path that does not exist is named' eval 'expect 1 "No such file" "$UMBRA" backup "$dir/nowhere" --to "$dir/set" && nothing_is_left'
that 'a volume that is not one is refused' eval 'expect 1 "/proc" "$UMBRA" snapshot create --persistent /proc && no_snapshots'

that 'everything of all writers is backed up' expect 0 'Saved' "$UMBRA" backup --to "$dir/set"
that 'a set that is there is not overwritten' expect 1 'already' "$UMBRA" backup --to "$dir/set"
that 'nothing is left of the shadow copies' no_snapshots

overtaken() { # umbrad stands still until somebody else has the name
        local pid
        kill -STOP "$umbrad_pid"
        "$UMBRA" backup --compress none "$dir/tree" --to "$dir/taken" >"$dir/out" 2>"$dir/err" &
        pid=$!
        wait_for test -e "$dir/taken.part" && echo mine >"$dir/taken"
        kill -CONT "$umbrad_pid"
        wait "$pid"
        [ $? = 1 ] && grep -q "complete, in '$dir/taken.part'" "$dir/err" && [ "$(cat "$dir/taken")" = mine ] && "$UMBRA" verify "$dir/taken.part"
}
that 'a file that appears meanwhile is not overwritten either, and the set is kept' overtaken
that 'show tells components, consistency and how to restore' eval 'expect 0 "application" "$UMBRA" show "$dir/set" && grep -q "umbra restore" "$dir/out" && grep -q two.db "$dir/out" && grep -q INSTANT "$dir/out"'
that 'show has JSON' eval '"$UMBRA" show "$dir/set" --json >"$dir/out" && python3 -m json.tool <"$dir/out" >/dev/null'
that 'a whole set is verified' expect 0 'whole' "$UMBRA" verify "$dir/set"
that 'any tar opens it' eval 'tar --zstd -tf "$dir/set" | grep one.db >/dev/null'

cp "$dir/set" "$dir/tampered" && printf 'X' | dd of="$dir/tampered" bs=1 seek=700 conv=notrunc status=none
head -c -10 "$dir/set" >"$dir/truncated"
sqlite3 "$dir/app/one.db" 'insert into t values(99)'
that 'a tampered set is 6, and nothing is written' eval 'expect 6 "damaged" "$UMBRA" restore "$dir/tampered" && database_says "select count(*) from t" 4'
that 'a truncated set is 6, and nothing is written' eval 'expect 6 "damaged" "$UMBRA" restore "$dir/truncated" && database_says "select count(*) from t" 4'
that 'what is no set at all is 6' expect 6 'damaged' "$UMBRA" show "$dir/tree/random"
that 'a TMPDIR that is not there is named' eval 'TMPDIR="$dir/nowhere" expect 1 "$dir/nowhere.*TMPDIR" "$UMBRA" backup "$dir/tree" --to "$dir/other" && [ ! -e "$dir/other" ] && [ ! -e "$dir/other.part" ]'

coproc HOLDER { sqlite3 -batch "$dir/app/one.db"; }
holder_pid=$HOLDER_PID
echo 'begin; select count(*) from t;' >&"${HOLDER[1]}"
read -r _ <&"${HOLDER[0]}"
that 'a database that is open is not replaced: 5, and nothing is written' eval 'expect 5 "sqlite3|open" "$UMBRA" restore "$dir/set" --component one.db'
echo '.quit' >&"${HOLDER[1]}"
wait "$holder_pid" 2>/dev/null
that 'it still has what it had' database_says 'select count(*) from t' 4
that 'one component is restored, and the other is left alone' eval 'sqlite3 "$dir/app/two.db" "insert into t values(5)"; expect 0 "content" "$UMBRA" restore "$dir/set" --component one.db && database_says "select count(*) from t" 3 && [ "$(sqlite3 "$dir/app/two.db" "select count(*) from t")" = 2 ]'
that 'a component that the set does not have is named' expect 1 'no component of that name' "$UMBRA" restore "$dir/set" --component three.db

that 'files that no writer knows are backed up' expect 0 'Saved' "$UMBRA" backup "$dir/tree" --to "$dir/files"
that 'and come back elsewhere, byte for byte' eval 'expect 0 "Restored" "$UMBRA" restore "$dir/files" --to "$dir/elsewhere" && diff -r --no-dereference "$dir/tree" "$dir/elsewhere$dir/tree"'
that 'a set travels through a pipe' eval '"$UMBRA" backup --quiet "$dir/tree" --to - 2>/dev/null | "$UMBRA" restore --quiet - --to "$dir/piped" && diff -r --no-dereference "$dir/tree" "$dir/piped$dir/tree"'

create_and_stay() { # a snapshot that lives as long as the command
        coproc STAY { "$UMBRA" snapshot create "$dir/tree" 2>/dev/null; }
        local pid=$STAY_PID
        read -r _ <&"${STAY[0]}" && read -r id _ _ _ _ device _ <&"${STAY[0]}" || return 1
        "$UMBRA" snapshot show "$id" >/dev/null || return 1
        eval "exec ${STAY[1]}>&-"
        wait "$pid"
        wait_for no_snapshots
}
that 'a snapshot that is not persistent ends with its command' create_and_stay

persistent() {
        "$UMBRA" snapshot create --persistent "$dir/tree" >"$dir/out" 2>"$dir/err" || return 1
        id=$(awk 'NR == 2 { print $1 }' "$dir/out")
        echo changed >"$dir/tree/deep/er/file"
        kill "$umbrad_pid" && wait "$umbrad_pid"
        start_umbrad || return 1
        device=$("$UMBRA" snapshot show "$id" --json | python3 -c 'import json,sys; print(json.load(sys.stdin)[0]["device"])')
        [ "$(cat "$device/deep/er/file")" = text ] || return 1
        "$UMBRA" snapshot delete "$id" 2>"$dir/err" && no_snapshots && [ ! -e "$device/deep" ]
}
that 'a persistent one outlives umbrad and shows the old content until it is deleted' persistent
wait_for grep_writer # it has registered again by itself

if [ "$(id -u)" = 0 ]; then
        mkdir "$dir/full" "$dir/ro"
        mount -t tmpfs -o size=1m tmpfs "$dir/full"
        that 'a full disk is a clear error, and nothing is left there' eval 'expect 1 "no room|No space" "$UMBRA" backup --compress none "$dir/tree" --to "$dir/full/set" && [ -z "$(ls -A "$dir/full")" ] && no_snapshots'
        mount -t tmpfs -o size=1m tmpfs "$dir/ro" && mount -o remount,ro "$dir/ro"
        that 'a file system that is read-only is a clear error' expect 1 'read-only' "$UMBRA" restore "$dir/files" --to "$dir/ro"
        that 'a stranger is 4, learns nothing but who may' eval 'chmod 755 "$dir"; expect 4 "group umbra may; umbra.conf" setpriv --reuid=54321 --regid=54321 --clear-groups "$UMBRA" writers && ! grep -q SQLite "$dir/out"'
fi

interrupt() { # ^C in the middle: 130, and nothing is left
        local pid
        head -c 60000000 /dev/urandom >"$dir/tree/large"
        "$UMBRA" backup --compress zstd:19 "$dir/tree" --to "$dir/interrupted" >"$dir/out" 2>"$dir/err" &
        pid=$!
        wait_for test -e "$dir/interrupted.part" || return 1
        kill -INT "$pid"
        wait "$pid"
        [ $? = 130 ] && [ ! -e "$dir/interrupted" ] && [ ! -e "$dir/interrupted.part" ] && wait_for no_snapshots
}
that 'an interrupted backup is 130 and leaves nothing' interrupt

finish
