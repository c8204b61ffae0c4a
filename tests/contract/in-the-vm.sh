#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# in-the-vm.sh PROGRAM KIND…: the contract with the LVM providers, in a virtual machine, on all KINDs at once: most of the time one
# of them waits for a disk or for a lock.
# shellcheck source=/dev/null
. "$UMBRA_VM_GUEST"
use_lvm

program=$1
shift
declare -A pids=()
for kind in "$@"; do
        "$program" "lvm-${kind%-*}" "$kind" >"$TMPDIR/$kind.out" 2>&1 &
        pids[$kind]=$!
done

failed=0
for kind in "$@"; do
        wait "${pids[$kind]}" || failed=1
        # What the file systems and LVM say on the way is of interest when something has failed only.
        if [ $failed = 1 ]; then cat "$TMPDIR/$kind.out"; else grep -E '^\[' "$TMPDIR/$kind.out" || true; fi
done
exit $failed
