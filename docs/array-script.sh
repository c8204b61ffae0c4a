#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later

# A disk array to try things with: its LUNs are files behind loop devices, and a shadow copy of one is a clone of the
# file, $STORE/SET/SNAPSHOT/disk. See umbra-array-script(7); it wants jq.
#
#     install -D -o root -m 0755 array-script.sh /etc/umbra/arrays/0a44a75c-0000-4000-8000-000000000001
#     umbra provider register "Files as disks" --type hardware --class 0a44a75c-0000-4000-8000-000000000001

set -eu
STORE=/var/lib/umbra-array

request=$(cat)
get() { printf '%s' "$request" | jq -er "$1"; }
loop_of() { losetup --list --noheadings --output NAME --associated "$1"; }

# What the array made itself, and what is on no loop device, is not for it to copy.
serial() { get '.luns[0].serial'; }
is_made() { case $(serial) in "$STORE"/*/disk) ;; *) return 1 ;; esac }

# May come more than once, and when nothing has been made.
remove() {
        for loop in $(loop_of "$1/disk"); do losetup --detach "$loop"; done
        rm -rf "$1"
        rmdir --ignore-fail-on-non-empty "${1%/*}" 2>/dev/null || true
}

case $1 in
are-luns-supported)
        test -f "$(serial)" || exit 3
        ;;
begin-prepare)
        copy=$STORE/$(get .set)/$(get .snapshot)
        mkdir -p "$copy"
        serial > "$copy/source"
        ;;
commit) # every shadow copy of the set at once; file systems are held
        for copy in "$STORE/$(get .set)"/*; do
                cp --reflink=auto "$(cat "$copy/source")" "$copy/disk"
        done
        ;;
get-target-luns)
        jq -n --arg serial "$STORE/$(get .set)/$(get .snapshot)/disk" '{ luns: [ { serial: $serial } ] }'
        ;;
locate-luns)
        if ! is_made || ! test -f "$(serial)"; then echo "the array has no LUN '$(serial)'" >&2; exit 6; fi
        test -n "$(loop_of "$(serial)")" || losetup --find "$(serial)"
        ;;
fill-in-lun-info)
        is_made || exit 3
        ;;
on-lun-empty)
        is_made || { echo "'$(serial)' is not the array's to empty" >&2; exit 1; }
        remove "$(dirname "$(serial)")"
        ;;
on-lun-state-change)
        if get '.mask' > /dev/null; then losetup --detach "$(loop_of "$(serial)")"; fi
        ;;
resync-luns)
        dd if="$(serial)" of="$(get '.originals[0].serial')" bs=1M conv=notrunc,fsync status=none
        ;;
abort)
        for copy in "$STORE/$(get .set)"/*; do remove "$copy"; done
        ;;
*)
        exit 3
        ;;
esac
