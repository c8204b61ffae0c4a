# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# What the tests that are scripts share: a directory that goes away, a private umbrad in it, sentences that hold or do not. To be sourced; $UMBRA and
# $UMBRAD are the programs. A script that has more to clean up defines also_clean_up().
set -uo pipefail

dir=$(mktemp -d "${TMPDIR:-/tmp}/umbra-test.XXXXXX")
export UMBRA_SOCKET=$dir/umbra.sock UMBRA_LOG_LEVEL=err
umbrad_pid= writer_pid= failures=0
printf '[storage]\noverlays = yes\n' >"$dir/umbra.conf" # where tests run in a container, there may be nothing else

also_clean_up() { :; }

clean_up() {
        [ -z "$writer_pid" ] || kill "$writer_pid" 2>/dev/null
        [ -z "$umbrad_pid" ] || kill "$umbrad_pid" 2>/dev/null
        # shellcheck disable=SC2086
        [ -z "$writer_pid$umbrad_pid" ] || wait $writer_pid $umbrad_pid
        also_clean_up
        # A test may end before umbrad has deleted what it was told to; the next umbrad would.
        awk -v d="$dir/run/shadow/" 'index($5, d) == 1 { print $5 }' /proc/self/mountinfo | xargs -r umount --lazy
        rm -rf --one-file-system "$dir"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

# that SENTENCE: runs the function of that name and says how it went.
that() {
        local name=$1 f
        shift
        if "$@"; then
                echo "ok - $name"
        else
                echo "FAILED - $name"
                for f in "$dir/out" "$dir/err" "$dir"/*.out; do [ ! -s "$f" ] || sed "s|^|    ${f##*/}: |" "$f"; done
                failures=$((failures + 1))
        fi
}

# expect CODE PATTERN COMMAND...: the exit code, and something on stderr or stdout (or, if PATTERN is empty, perhaps nothing)
expect() {
        local code=$1 pattern=$2 got
        shift 2
        "$@" >"$dir/out" 2>"$dir/err" </dev/null
        got=$?
        [ "$got" = "$code" ] || { echo "    exit code $got, not $code: $*"; return 1; }
        [ -z "$pattern" ] || grep -qiE -- "$pattern" "$dir/out" "$dir/err" || { echo "    nothing says '$pattern': $*"; return 1; }
}

# reaches_rule INTERFACE METHOD PART: as REACHES_RULE() of tests/lib/reference.h
reaches_rule() {
        [ -z "${UMBRA_REFERENCE_LOG:-}" ] || printf 'preconditions\t%s\t%s\t%s\n' "$@" >>"$UMBRA_REFERENCE_LOG"
}

wait_for() { # an event: asks until it is so, at most a minute
        local end=$((SECONDS + 60))
        until "$@" >/dev/null 2>&1; do [ $SECONDS -lt $end ] || return 1; done
}

start_umbrad() {
        # the state directory by a relative name: it is made absolute
        (cd "$dir" && exec "$UMBRAD" --socket "$UMBRA_SOCKET" --state-dir state --runtime-dir "$dir/run" --config umbra.conf) &
        umbrad_pid=$!
        wait_for "$UMBRA" status
}

nothing_is_left() { [ ! -e "$dir/set" ] && [ ! -e "$dir/set.part" ]; }
no_snapshots() { "$UMBRA" snapshot list | grep 'There are no snapshots' >/dev/null; }

finish() { [ "$failures" = 0 ] || { echo "$failures failed"; exit 1; }; }
