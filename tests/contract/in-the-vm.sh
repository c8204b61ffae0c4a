#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# in-the-vm.sh PROGRAM KIND… [-- PATTERN…]: the contract with the LVM providers, or those tests of it that are called like that, in a
# virtual machine, on all KINDs at once: most of the time one of them waits for a disk or for a lock. How each test ends is said when
# it does; the rest, what the file systems and LVM say on the way, when something has failed.
set -o pipefail
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
        "$program" "lvm-${kind%-*}" "$kind" "$@" 2>&1 | tee "$TMPDIR/$kind.out" | sed -u -n "/^\[/s/^/$(printf %-9s "$kind") /p" &
        pids[$kind]=$!
done

status=0
for kind in "${kinds[@]}"; do
        wait "${pids[$kind]}" && continue
        status=1
        cat "$TMPDIR/$kind.out"
done
exit $status
