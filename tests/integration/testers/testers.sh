# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What the tests of this folder share: a directory, a private umbrad, sentences, and an end that leaves nothing. $UMBRAD is the program.
set -uo pipefail

dir=$(mktemp -d "${TMPDIR:-/tmp}/umbra-test.XXXXXX")
export UMBRA_SOCKET=$dir/umbra.sock UMBRA_LOG_LEVEL=err
declare -a started=()
failures=0

clean_up() {
        local pid
        for pid in "${started[@]}"; do kill "$pid" 2>/dev/null; done
        wait
        rm -rf --one-file-system "$dir"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

# that SENTENCE COMMAND...: runs the command and says how it went.
that() {
        local name=$1
        shift
        if "$@"; then
                echo "ok - $name"
        else
                echo "FAILED - $name"
                for f in "$dir"/*.out "$dir"/*.err; do [ ! -s "$f" ] || sed "s|^|    ${f##*/}: |" "$f"; done
                failures=$((failures + 1))
        fi
}

# expect CODE PATTERN COMMAND...: the exit code, and something on stderr or stdout
expect() {
        local code=$1 pattern=$2 got
        shift 2
        "$@" >"$dir/command.out" 2>"$dir/command.err" </dev/null
        got=$?
        [ "$got" = "$code" ] || { echo "    exit code $got, not $code: $*"; return 1; }
        [ -z "$pattern" ] || grep -qE -- "$pattern" "$dir/command.out" "$dir/command.err" || { echo "    nothing says '$pattern': $*"; return 1; }
}

wait_for() { # an event: asks until it is so, at most a minute
        local end=$((SECONDS + 60))
        until "$@" >/dev/null 2>&1; do [ $SECONDS -lt $end ] || return 1; done
}

start_umbrad() {
        "$UMBRAD" --socket "$UMBRA_SOCKET" --state-dir "$dir/state" --runtime-dir "$dir/run" --config "${1:-/dev/null}" &
        started+=($!)
        wait_for test -S "$UMBRA_SOCKET"
}

finish() {
        [ "$failures" = 0 ] || { echo "$failures failed"; exit 1; }
        exit 0
}
