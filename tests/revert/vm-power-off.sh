#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The power really goes off: in the middle of sets and in the middle of a revert. After each the machine starts again with what its disks
# have got, and umbrad puts everything right. The steps are those of power-off-guest.sh; which points there are is known better from
# the tests that cut the power of images (power-cuts, revert-power-cut), of which there can be many.
set -euo pipefail

here=$(cd "${0%/*}" && pwd)
dir=$(mktemp -d "${TMPDIR:-/tmp}/umbra-vm-test.XXXXXX")
trap 'rm -rf "$dir"' EXIT
trap 'exit 130' INT TERM

sentences=(
        'the power goes off while a logical volume of a set is suspended'
        'nothing is left of that; it goes off when all is made and the set is held'
        'nothing is left of that; it goes off in the middle of a revert'
        'the revert goes on; it goes off again'
        'the revert goes on, and ends in the new content'
)
disks=(state btrfs group)
save() { local d; for d in "${disks[@]}"; do [ ! -e "$dir/$d" ] || cp --sparse=always --reflink=auto "$dir/$d" "$dir/$d.before"; done; }
put_back() { local d; for d in "${disks[@]}"; do rm -f "$dir/$d"; [ ! -e "$dir/$d.before" ] || cp --sparse=always --reflink=auto "$dir/$d.before" "$dir/$d"; done; }

run_step() {
        local cut=(--power-off now)
        [ "$1" != 4 ] || cut=()
        "$UMBRA_VM_RUN" --disk "$dir/state:64M" --disk "$dir/btrfs:512M" --disk "$dir/group:160M" --seconds 240 "${cut[@]}" \
                env "UMBRA=$UMBRA" "UMBRAD=$UMBRAD" "$here/power-off-guest.sh" "$1" >"$dir/output" 2>&1
}

# A step that was over before the power could go off is gone through again, from where it began.
for step in "${!sentences[@]}"; do
        save
        for _ in 1 2 3; do
                status=0
                run_step "$step" || status=$?
                grep -q '^MISSED' "$dir/output" || break
                put_back
        done
        [ "$status" != 77 ] || { cat "$dir/output"; exit 77; }
        [ "$status" = 0 ] || { cat "$dir/output"; echo "FAILED - ${sentences[$step]}"; exit 1; }
        echo "ok - ${sentences[$step]}"
done
