#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# vm-power-off.sh STAND-STILL: the power really goes off, in the middle of sets and of reverts, and of what goes on with those. After each
# the machine starts again with what its disks have got, and umbrad puts everything right (power-off-guest.sh). Which points there are is
# known better from the tests that cut the power of images (power-cuts, revert-power-cut), of which there can be many.
#
# $UMBRA_POWER_OFFS, where it is set, is how many points of each there are, all over it; CONTRIBUTING.md says how long that takes.
set -euo pipefail

stand_still=$(realpath "$1")
here=$(cd "${0%/*}" && pwd)
dir=$(mktemp -d "${TMPDIR:-/tmp}/umbra-vm-test.XXXXXX")
trap 'rm -rf "$dir"' EXIT
trap 'exit 130' INT TERM

walks=('set 0.4' 'set 0.8' 'revert tree 0.5' 'resume 0.3' 'nothing 0')
if [ -n "${UMBRA_POWER_OFFS:-}" ]; then
        walks=()
        for ((i = 1; i <= UMBRA_POWER_OFFS; ++i)); do
                part=$(python3 -c 'import sys; print((int(sys.argv[1]) - 0.5) / int(sys.argv[2]))' $i "$UMBRA_POWER_OFFS")
                walks+=("set $part" "revert tree $part" "resume $part" "revert lv $part" "resume $part")
        done
        walks+=('nothing 0')
fi

for walk in "${walks[@]}"; do
        part=${walk##* } what=${walk% *} cut=(--power-off now) status=0
        [ "$what" != nothing ] || cut=()
        "$UMBRA_VM_RUN" --disk "$dir/state:64M" --disk "$dir/btrfs:256M" --disk "$dir/group:96M" --seconds 240 "${cut[@]}" \
                env "UMBRA=$UMBRA" "UMBRAD=$UMBRAD" "$here/power-off-guest.sh" "$stand_still" "$what" "$part" >"$dir/output" 2>&1 ||
                status=$?
        [ "$status" != 77 ] || { cat "$dir/output"; exit 77; }
        [ "$status" = 0 ] || { cat "$dir/output"; echo "FAILED - all is right after a power-off, and then: $walk"; exit 1; }
        grep '^#' "$dir/output" || true
        echo "ok - all is right after a power-off, and then: $walk"
done
