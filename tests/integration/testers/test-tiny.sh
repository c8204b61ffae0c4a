#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The two programs that people read first, docs/tinyvss.c and docs/tinywriter.c, against a real umbrad. $TINYVSS and $TINYWRITER are the
# programs, $DOCS where their sources are.
# shellcheck source=tests/integration/testers/testers.sh
. "${0%/*}/testers.sh"

code_lines() { # without blank lines and comments
        gcc -fpreprocessed -dD -E -P "$1" 2>/dev/null | grep -c .
}

start_tiny_writer() {
        mkdir -p "$dir/notes/deep"
        head -c 300000 /dev/urandom >"$dir/notes/deep/random"
        : >"$dir/notes/empty"
        touch -d '2001-02-03 04:05:06' "$dir/notes/empty"
        mkfifo "$dir/lines"
        "$TINYWRITER" "$dir/notes" <"$dir/lines" 2>"$dir/tinywriter.err" &
        started+=($!)
        exec 5>"$dir/lines"
        note 'a line' && wait_for_subscription
}

note() { echo "$1" >&5 && wait_for grep -qx "$1" "$dir/notes/notes"; }
wait_for_subscription() { ! grep . "$dir/tinywriter.err"; }
document_has() { grep -q "$1" "$dir/backup/backup.xml"; }
all_is_as_before() { diff -r "$dir/notes" "$dir/before" && [ "$(stat -c %Y "$dir/notes/empty")" = "$(stat -c %Y "$dir/before/empty")" ]; }

that 'tinyvss has at most 150 lines of C' eval '[ "$(code_lines "$DOCS/tinyvss.c")" -le 150 ]'
that 'tinywriter has at most fifty lines' eval '[ "$(wc -l <"$DOCS/tinywriter.c")" -le 50 ]'
that 'tinyvss says what is wrong when umbrad is not there' eval 'mkdir "$dir/backup" && expect 1 "umbra.sock" "$TINYVSS" backup "$dir/backup"'
that 'tinyvss says how it is used' expect 2 'usage' "$TINYVSS"

start_umbrad || { echo 'umbrad does not start'; exit 1; }
that 'the tiny writer starts, and keeps lines' start_tiny_writer
cp -a "$dir/notes" "$dir/before"
that 'tinyvss saves what it has' expect 0 '' "$TINYVSS" backup "$dir/backup"
that 'its document names the component and says that it was saved' eval 'document_has "componentName=\"notes\"" && document_has "backupSucceeded=\"yes\""'
that 'the tiny writer goes on afterwards' note 'another line'
rm -rf "$dir/notes/"*
that 'tinyvss puts everything back, byte for byte' eval 'expect 0 "" "$TINYVSS" restore "$dir/backup" && all_is_as_before'
that 'and the tiny writer goes on where it was' eval 'note "a third line" && [ "$(wc -l <"$dir/notes/notes")" = 2 ]'
exec 5>&-
finish
