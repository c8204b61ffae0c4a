#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The command lines of the testers: what is wrong is said, and the exit codes are the documented ones.
# shellcheck source=tests/integration/testers/testers.sh
. "${0%/*}/testers.sh"

examples=$DOCS/../packaging/testers

every_option_is_in() { # HELP MAN OPTION...
        local help=$1 man=$2 option
        shift 2
        for option; do
                grep -qF -- "$option" <<<"$help" || { echo "    --help lacks $option"; return 1; }
                sed 's/\\-/-/g; s/\\(dq/"/g' "$man" | grep -qF -- "$option" || { echo "    the manual lacks $option"; return 1; }
        done
}

denied() { # a stranger, where there can be one
        [ "$(id -u)" = 0 ] || return 0
        chmod 755 "$dir"
        expect 4 'E_ACCESSDENIED' setpriv --reuid=54321 --regid=54321 --clear-groups "$BETEST" /B &&
                expect 1 'does not take this writer' setpriv --reuid=54321 --regid=54321 --clear-groups "$TEST_WRITER" "$dir/writer.xml"
}

with_writer() { # runs a command while the example writer is there
        local writer result
        rm -f "$dir/writer.out"
        "$TEST_WRITER" "$dir/writer.xml" >"$dir/writer.out" &
        writer=$!
        wait_for grep -q ' ready:' "$dir/writer.out"
        "$@"
        result=$?
        kill "$writer" && wait "$writer" && return "$result"
}

waits_for_umbrad() {
        "$TEST_WRITER" --wait "$dir/writer.xml" >"$dir/waiting.out" &
        local writer=$!
        start_umbrad && wait_for grep -q ' ready:' "$dir/waiting.out" && kill "$writer" && wait "$writer"
}

in_any_form() { # options as on Windows, and as here, whatever the case
        local form
        for form in /Snapshot /SNAPSHOT -snapshot --Snapshot; do
                expect 0 'DoSnapshotSet\(\) result=S_OK' "$BETEST" "$form" || return 1
        done
}

persistent() {
        expect 0 'shadowCopy: ' "$BETEST" /Snapshot /P || return 1
        local id
        id=$(grep -oE 'snapshotId=[0-9a-f-]+' "$dir/out")
        "$UMBRA" snapshot show "${id#*=}" >/dev/null && "$UMBRA" snapshot delete "${id#*=}" 2>/dev/null
}

mkdir "$dir/data"
echo one >"$dir/data/one"
sed "s|/srv/data|$dir/data|g" "$examples/writer.xml" >"$dir/writer.xml"
echo '<TestWriter usage="NONE"/>' >"$dir/wrong.xml"

that 'every option of the test writer is in --help and in the manual' every_option_is_in "$("$TEST_WRITER" --help)" \
        "$DOCS/../man/umbra-test-writer.1" --json --output --wait --check --socket
that 'every option of betest is in --help and in the manual' every_option_is_in "$("$BETEST" --help)" \
        "$DOCS/../man/umbra-betest.1" /Auth /B /BC /C /D /NBC /O /P /Pre /R /Rollback /S /Snapshot /StopError /T /V /X --metadata --json --output --socket
that 'the test writer needs a configuration' expect 2 'One configuration is needed' "$TEST_WRITER"
that 'a configuration that is not there is named' expect 1 'nowhere.xml: No such file' "$TEST_WRITER" "$dir/nowhere.xml"
that 'a configuration can be checked alone' eval 'expect 0 "" "$TEST_WRITER" --check "$dir/writer.xml" && expect 1 "wrong.xml:1: .*usage" "$TEST_WRITER" --check "$dir/wrong.xml"'
that 'what the test writer cannot write to is named' expect 1 "nowhere/out" "$TEST_WRITER" --output "$dir/nowhere/out" "$dir/writer.xml"
that 'betest knows its options' expect 2 "'/Q' is no option" "$BETEST" /Q
that 'betest wants values' expect 2 "'/S' needs a value" "$BETEST" /R /S
that 'a restore needs a document' expect 2 '/S FILE' "$BETEST" /R
that 'a type of backup must be one' expect 2 "'HALF' is no type" "$BETEST" /T HALF
that 'only one thing can be done' expect 2 'only one' "$BETEST" /B /R /S x
that 'a previous backup goes with what builds on one' expect 2 'INCREMENTAL' "$BETEST" /B /Pre x
that 'a wrong configuration of betest is wrong usage' expect 2 'root element must be <BETest>' "$BETEST" /X "$dir/writer.xml"
that 'an umbrad that is not there is 3 for betest' expect 3 'CreateVssBackupComponents' "$BETEST" /B
that 'and 1 for the test writer' expect 1 'umbra.sock' "$TEST_WRITER" "$dir/writer.xml"
that 'the test writer waits for umbrad when told to' waits_for_umbrad
that 'a document that is not there is named' expect 1 "nowhere.xml' cannot be read" "$BETEST" /R /S "$dir/nowhere.xml"
that 'a stranger is not taken' denied
that 'without the writer there is nothing to back up' expect 1 'no writer that is there' "$BETEST" /B
that 'options may be written as on Windows' with_writer in_any_form
that 'a shadow copy may be persistent' with_writer persistent
that 'the end of a backup cannot be left to another process' eval 'with_writer expect 0 "" "$BETEST" /B /NBC /S "$dir/b.xml" && expect 1 "BackupComplete.*VSS_E_BAD_STATE" "$BETEST" /BC /S "$dir/b.xml"'
finish
