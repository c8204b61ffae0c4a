#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# in-the-vm.sh PROGRAM KIND… [-- PATTERN…]: the contract with the LVM providers, or those tests of it that are called like that, in a
# virtual machine, on all KINDs at once: most of the time one of them waits for a disk or for a lock.
# shellcheck source=/dev/null
. "$UMBRA_VM_GUEST"
use_lvm

program=$1
shift
declare -A pids=()
kinds=()
while [ $# -gt 0 ] && [ "$1" != -- ]; do
        kinds+=("$1")
        shift
done
[ $# = 0 ] || shift
for kind in "${kinds[@]}"; do
        "$program" "lvm-${kind%-*}" "$kind" "$@" >"$TMPDIR/$kind.out" 2>&1 &
        pids[$kind]=$!
done

failed=0
for kind in "${kinds[@]}"; do
        wait "${pids[$kind]}" || failed=1
        # What the file systems and LVM say on the way is of interest when something has failed only.
        if [ $failed = 1 ]; then cat "$TMPDIR/$kind.out"; else grep -E '^\[' "$TMPDIR/$kind.out" || true; fi
done
exit $failed
