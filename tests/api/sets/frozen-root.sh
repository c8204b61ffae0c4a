#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# frozen-root.sh TAKE PAIRS KIND…: sets that contain the root file system. It is made for the purpose: a file system with umbra's
# programs, what they are linked with, umbra's state and its log, and nothing else becomes the root (pivot_root) of all that runs
# then. A KIND is
#
#     ext4     held by freezing, beside another that is; the copies lie elsewhere
#     btrfs    beside an ext4, copies of which lie on the root
#     lvm      ext4 on a logical volume, beside another logical volume with xfs; in a virtual machine (tests/vm)
#
# While sets are taken somebody writes pairs, first to the root and then to the other volume (see pairs.c). The root has just been
# mounted, so that little of it is in memory.
# shellcheck disable=SC2317 # much of it runs in another shell
set -euo pipefail
# shellcheck source=tests/api/sets/own-root.sh
. "${0%/*}/own-root.sh"

[ "$(id -u)" = 0 ] || exit 77
if [ -z "${UMBRA_ROOT_NAMESPACE:-}" ]; then
        UMBRA_ROOT_NAMESPACE=1 exec unshare --mount --propagation private "$0" "$@"
fi
take=$(realpath "$1") pairs=$(realpath "$2") sets=${UMBRA_ROOT_SETS:-3}
shift 2

export dir
dir=$(mktemp -d "${TMPDIR:-/tmp}/umbra-root.XXXXXX")
clean_up() {
        umount --recursive --lazy "$dir/root" 2>/dev/null || true
        rm -rf --one-file-system "$dir"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

programs=("$UMBRAD" "$UMBRA_LIBEXECDIR"/* "$take" "$pairs" bash cat grep mkfifo mount sync umount)
! command -v lvm >/dev/null || programs+=(dmsetup lvm)

# In the new root. It ends with 0 when all that is said of it holds.
inside() {
        local state=$1 data=$2 type=$3 failures=0
        shift 3

        that() {
                local name=$1
                shift
                if "$@"; then echo "ok - $kind: $name"; else echo "FAILED - $kind: $name"; failures=$((failures + 1)); fi
        }
        wait_for() { # asks until it is so, at most a minute
                local end=$((SECONDS + 60))
                until "$@" 2>/dev/null; do [ $SECONDS -lt $end ] || return 1; done
        }
        one_instant() { # of all volumes: crash, and the same instant
                local consistency instant first=''
                [ -s /run/taken ] || return 1
                while read -r consistency instant _; do
                        case $consistency in pair | [0-9]*) continue ;; esac
                        [ "$consistency" = crash ] && [ "${first:=$instant}" = "$instant" ] || return 1
                done </run/taken
        }
        take_sets() { "$take" --times "$1" --pairs a b / /data >/run/taken; }
        all_whole() { grep -q '^0 of [0-9]* sets have' /run/taken; }
        log_has() { grep -q -e "$1" /var/log/umbrad.log; }
        root_is_written() { echo text >/written && sync && [ "$(cat /written)" = text ]; }
        nothing_is_suspended() { ! dmsetup info -c --noheadings -o suspended | grep -q Suspended; }

        mount -t "$type" "$data" /data
        export UMBRA_SOCKET=/run/umbra.sock
        UMBRA_LOG_LEVEL=info "$UMBRAD" --socket "$UMBRA_SOCKET" --state-dir "$state" --runtime-dir /run/umbra --config /dev/null \
                2>/var/log/umbrad.log &
        local umbrad=$!
        wait_for log_has 'listens on'

        mkfifo /run/begun
        "$pairs" write /a /data/b >/run/begun &
        local writer=$!
        read -r _ </run/begun
        # The first set alone: its instant is one.
        that 'a set with the root in it is taken' take_sets 1
        cat /run/taken
        that 'the root is at the instant of the other volume' one_instant
        that 'and it is taken again' take_sets "$sets"
        that 'no set has the second write without the first' all_whole
        kill "$writer"
        wait "$writer"

        that 'the root can be written to' root_is_written
        # Only lines that were kept in memory have a time of their own.
        that 'what was said while it was held is in the log' log_has 'UTC\] Snapshot set .* -> frozen'
        [ "$kind" != lvm ] || that 'nothing is left suspended' nothing_is_suspended
        [ $failures = 0 ] || cat /var/log/umbrad.log
        kill "$umbrad"
        wait "$umbrad"
        umount /data
        return $((failures > 0))
}

# root_run DEVICE TYPE STATE DATA DATA-TYPE: fills DEVICE, and runs inside() there.
root_run() {
        local device=$1 root=$dir/root failed=0
        mkdir -p "$root"
        mount -t "$2" "$device" "$root"
        copy_programs "$root" "${programs[@]}"
        mkdir -p "$root"/{data,state,var/log,var/lib}
        { declare -p kind take pairs sets UMBRAD UMBRA_LIBEXECDIR; declare -f inside; echo 'inside "$@"'; } >"$root/inside"
        umount "$root"
        mount -t "$2" "$device" "$root"
        # shellcheck disable=SC2016
        run_in_root "$root" bash -c 'mount -t tmpfs none /state; set -uo pipefail; . /inside' bash "$3" "$4" "$5" || failed=1
        umount "$root"
        return $failed
}

failed=0
disk() { # NAME SIZE
        truncate -s "$2" "$dir/$1.img"
        losetup -f --show "$dir/$1.img"
}
for kind in "$@"; do
        case $kind in
        lvm)
                # shellcheck source=/dev/null
                . "$(dirname "$UMBRA_VM_RUN")/guest.sh"
                use_lvm
                vgcreate -q root-group "$(disk group 1500M)"
                lvcreate -q -y -L 300M -n root root-group
                lvcreate -q -y -L 320M -n data root-group
                mkfs.ext4 -q /dev/root-group/root
                mkfs.xfs -q /dev/root-group/data
                root_run /dev/root-group/root ext4 /var/lib/umbra /dev/root-group/data xfs || failed=1
                ;;
        ext4 | btrfs)
                root=$(disk "$kind-root" 300M)
                data=$(disk "$kind-data" 320M)
                "mkfs.$kind" -q "$root"
                mkfs.ext4 -q "$data"
                state=$([ "$kind" = ext4 ] && echo /state || echo /var/lib/umbra)
                root_run "$root" "$kind" "$state" "$data" ext4 || failed=1
                losetup -d "$root" "$data"
                rm "$dir/$kind"-*.img
                ;;
        esac
done
exit $failed
