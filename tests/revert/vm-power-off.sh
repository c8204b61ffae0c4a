#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# vm-power-off.sh STAND-STILL: the power goes off at steps of sets and of reverts, and of what goes on with those after it. One machine does
# them, and at each point its disks are kept as the power going off would leave them; other machines start with each of these, and umbrad
# puts everything right (power-off-guest.sh).
#
# A point is each 150th step, or each $UMBRA_POWER_OFF_EVERYth; $UMBRA_POWER_OFF_WHAT, where it is set, is what is recorded. CONTRIBUTING.md
# says how long it takes. $UMBRA_POWER_OFF_KEEP is a directory for the states that were not put right.
set -euo pipefail

stand_still=$(realpath "$1")
here=$(cd "${0%/*}" && pwd)
dir=$(mktemp -d "${TMPDIR:-/tmp}/umbra-vm-test.XXXXXX")
trap 'rm -rf "$dir"' EXIT
trap 'exit 130' INT TERM

every=${UMBRA_POWER_OFF_EVERY:-150}
read -r -a kinds <<<"${UMBRA_POWER_OFF_WHAT:-set.soon tree.soon lv.soon merge.soon}"
states=$dir/states
mkdir "$states"

# machine DOING…
machine() {
        local status=0
        "$UMBRA_VM_RUN" --disk "$dir/state:32M" --disk "$dir/btrfs:128M" --disk "$dir/group:96M" --states "$states" --seconds 600 \
                env "UMBRA=$UMBRA" "UMBRAD=$UMBRAD" "$here/power-off-guest.sh" "$stand_still" "$@" >"$dir/output" 2>&1 || status=$?
        [ "$status" != 77 ] || { cat "$dir/output"; exit 77; }
        grep '^#' "$dir/output" || true
        return "$status"
}
# In the order of their steps, and of those that leave the same on the disks only the first.
declare -A seen=()
states_of() { # NAME
        local state sum
        found=()
        while read -r state; do
                sum=$(cat "$states/$state/"* | md5sum)
                if [ -n "${seen[$sum]:-}" ]; then
                        rm -r "${states:?}/$state"
                else
                        seen[$sum]=1
                        found+=("$state")
                fi
        done < <(find "$states" -mindepth 1 -maxdepth 1 -name "$1-*" -printf '%f\n' | sort -V)
        echo "# $1: ${#found[@]} states of the disks"
}

# verify STATE…, after $before. What comes after one that was not put right is looked at in a machine of its own.
wrong=0 outcomes=$dir/outcomes
verify() {
        local -a left=("$@") doing
        local state n
        while [ ${#left[@]} -gt 0 ]; do
                doing=("${before[@]}")
                for state in "${left[@]}"; do doing+=(verify "$state"); done
                machine "${doing[@]}" || true
                grep '^right: ' "$dir/output" >>"$outcomes" || true
                n=$(grep -c '^right: ' "$dir/output") || true
                [ "$n" != ${#left[@]} ] || return 0
                cat "$dir/output"
                echo "FAILED - all is put right after the power went off at ${left[n]}"
                wrong=$((wrong + 1))
                [ -z "${UMBRA_POWER_OFF_KEEP:-}" ] || cp -r --sparse=always "$states/${left[n]}" "$UMBRA_POWER_OFF_KEEP/"
                left=("${left[@]:n+1}") before=()
        done
}

doing=()
for kind in "${kinds[@]}"; do doing+=(record "$kind" "$every"); done
machine "${doing[@]}" || { cat "$dir/output"; echo 'FAILED - sets and reverts are made while the disks are copied'; exit 1; }

before=() all=() resumed=()
for kind in "${kinds[@]}"; do
        states_of "$kind"
        all+=("${found[@]}")
        middle=${found[${#found[@]} / 2]}
        before+=(resume "$middle" "$every")
        resumed+=("$middle.resume")
done
verify "${all[@]}"
before=() all=()
for state in "${resumed[@]}"; do
        states_of "$state"
        all+=("${found[@]}")
done
verify "${all[@]}"

sort -k 3 "$outcomes" | sed 's/^right: \([^-]*\)-[^ ]* \(.*\)/\1: \2/' | sort | uniq -c | sed 's/^/# /'
[ "$wrong" = 0 ] || exit 1
echo "ok - all is put right, wherever the power goes off"
