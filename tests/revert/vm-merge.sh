#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# vm-merge.sh STATE: volumes that cannot be freed are reverted by lvm when they are next activated: over two restarts, of which one comes in
# the middle of a merge. The steps, and STATE, are those of merge-guest.sh.
set -euo pipefail

here=$(cd "${0%/*}" && pwd)
dir=$(mktemp -d "${TMPDIR:-/tmp}/umbra-vm-test.XXXXXX")
trap 'rm -rf "$dir"' EXIT
trap 'exit 130' INT TERM

sentences=(
        'volumes in use are reverted by force, at the next start, and wait for it over a restart of umbrad'
        'then they are what they were; the power goes off in the middle of a merge'
        'the merge goes on and ends; a thin snapshot is still there, a merged one is forgotten'
)
for step in "${!sentences[@]}"; do
        cut=(--power-off now)
        [ "$step" != 2 ] || cut=()
        status=0
        "$UMBRA_VM_RUN" --disk "$dir/state:32M" --disk "$dir/group:340M" --seconds 240 "${cut[@]}" \
                env "UMBRA=$UMBRA" "UMBRAD=$UMBRAD" "$here/merge-guest.sh" "$step" "$1" >"$dir/output" 2>&1 || status=$?
        [ "$status" != 77 ] || { cat "$dir/output"; exit 77; }
        [ "$status" = 0 ] || { cat "$dir/output"; echo "FAILED - ${sentences[$step]}"; exit 1; }
        echo "ok - ${sentences[$step]}"
done
