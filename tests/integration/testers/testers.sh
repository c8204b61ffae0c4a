# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# What the tests of this folder share, beyond what all scripts do: test writers, and something to save. To be sourced.
# shellcheck source=tests/integration/shell.sh
. "${0%/*}/../shell.sh"

declare -a started=()

also_clean_up() {
        local pid
        for pid in "${started[@]}"; do kill "$pid" 2>/dev/null; done
        wait
        if mountpoint -q "$dir/disk"; then umount --lazy "$dir/disk"; fi
}

id=5affb034-969f-4919-8875-88f830d0ef89
writer=

# with_writer ATTRIBUTES REST: starts the test writer; checks are on. With no restore method in REST, there is the usual one.
with_writer() {
        local method='<RestoreMethod method="RESTORE_IF_CAN_BE_REPLACED"/>'
        if [ -n "$writer" ]; then # a sentence before has failed
                kill -9 "$writer" 2>/dev/null
                wait "$writer" 2>/dev/null
        fi
        case $2 in *'<RestoreMethod'*) method= ;; esac
        printf '<TestWriter checkIncludes="yes" checkExcludes="yes" verbosity="high" %s>%s%s</TestWriter>\n' "$1" "$method" "$2" >"$dir/writer.xml"
        rm -f "$dir/writer.out" # where the last one said that it is ready
        "$TEST_WRITER" "$dir/writer.xml" >"$dir/writer.out" 2>"$dir/writer.err" &
        writer=$!
        started+=("$writer")
        wait_for grep -q ' ready:' "$dir/writer.out"
}

# stop_writer CODE: it ends, and with this code
stop_writer() {
        local got
        kill "$writer"
        wait "$writer"
        got=$?
        writer=
        [ "$got" = "$1" ] || { echo "    the writer ended with $got, not $1"; return 1; }
}

component() { printf '<Component componentType="filegroup" componentName="%s" %s>%s</Component>' "$1" "$2" "$3"; }
files() { printf '<ComponentFile path="%s" filespec="%s" %s/>' "$1" "$2" "${3:-}"; }
heard() { grep -qE -- "$1" "$dir/writer.out" || { echo "    the writer did not say: $1"; return 1; }; }
same() { diff -r --no-dereference "$1" "$2"; }

fresh() { # the data of each sentence, and a copy of them
        rm -rf "$dir/data" "$dir/before" "$dir/backup" "$dir/elsewhere"
        mkdir -p "$dir/data/deep/er" "$dir/backup"
        { seq 1000; head -c 300000 /dev/urandom; } >"$dir/data/random" # its beginning has no letters
        echo text >"$dir/data/deep/er/file.txt"
        : >"$dir/data/empty"
        printf 'a "name" & <more>' >"$dir/data/it's \"odd\" & <so>"
        truncate -s 3M "$dir/data/sparse" && printf end >>"$dir/data/sparse"
        echo bytes >"$dir/data/"$'not UTF-8 \xff\xc3, a \x01, a \t and a \n'
        echo long >"$dir/data/$(printf '%255s' '' | tr ' ' x)"
        cp -a "$dir/data" "$dir/before"
}
