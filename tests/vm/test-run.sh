#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What the tests in virtual machines rely on: the command's exit status and output, the machine outside as it was, and of a disk whose
# power went off what was flushed.
set -euo pipefail

dir=$(mktemp -d "${TMPDIR:-/tmp}/umbra-vm-test.XXXXXX")
trap 'rm -rf "$dir"' EXIT
mkdir "$dir/share"
echo outside >"$dir/file"
failures=0

that() {
        local name=$1
        shift
        if "$@"; then echo "ok - $name"; else echo "FAILED - $name"; failures=$((failures + 1)); fi
}

status=0
# shellcheck disable=SC2016
"$UMBRA_VM_RUN" --disk "$dir/disk:16M" --share "$dir/share" --power-off 'flushed, really' bash -c '
        cd "$1" && [ "$(cat file)" = outside ] && echo inside >file && [ "$(cat file)" = inside ] || exit 3
        modprobe dm-mod && [ -c /dev/mapper/control ] || exit 4
        echo shared >/run/vm/file
        exec 5<>/dev/vda # the last one to close a disk flushes it
        echo kept | dd of=/dev/vda conv=fsync status=none
        echo lost | dd of=/dev/vda bs=512 seek=1 status=none
        echo "flushed, really?"
        echo "flushed, really"
        read -r </dev/zero' bash "$dir" >"$dir/output" || status=$?
[ "$status" != 77 ] || { cat "$dir/output"; exit 77; }
that 'the power goes off where it was asked for' [ "$status" = 0 ]
that 'what the command says is heard until then' grep -qx 'flushed, really?' "$dir/output"
that 'nothing changes outside' [ "$(cat "$dir/file")" = outside ]
that 'what is shared is there' [ "$(cat "$dir/share/file")" = shared ]

status=0
# shellcheck disable=SC2016
"$UMBRA_VM_RUN" --disk "$dir/disk:16M" --power-off 'never' bash -c '
        [ "$(head -c 4 /dev/vda)" = kept ] && ! tail -c +513 /dev/vda | grep -qa lost && exit 7' >"$dir/output" || status=$?
that 'a machine that ends before it is a failure' [ "$status" = 1 ]
that 'a disk has what was flushed, and only that' grep -q 'with exit status 7,' "$dir/output"
[ $failures = 0 ] || cat "$dir/output"
exit $((failures > 0))
