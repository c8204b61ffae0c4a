#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# merge-guest.sh STEP STATE, in a virtual machine: logical volumes that cannot be freed are reverted at the next start. /dev/vda has what
# the test knows, /dev/vdb a volume group with a thin volume, which is swapped to, and another one, which is umbrad's root. What umbra
# knows is in STATE, on one of the two, and is reverted with neither. Steps:
#
#     0   both are snapshotted, changed and reverted, and nothing is seen of it yet; the power goes off
#     1   the merges have begun; the power goes off with the one of the COW snapshot half done
#     2   they go on, and end
set -euo pipefail
[ -d /run/vm ] || { echo 'not in a virtual machine: these would be the disks of this one' >&2; exit 1; }
# shellcheck source=/dev/null
. "$UMBRA_VM_GUEST"

step=$1
root=/run/tmp/root
thin=/thin cow=/ # as umbrad sees them
state=$2
log=/run/umbrad.log
export UMBRA_SOCKET=/run/umbra.sock UMBRA_LOG_LEVEL=info

fail() {
        echo "FAILED - step $step: $*"
        timeout 10 chroot "$root" "$UMBRA" status || true
        lvs -a -o lv_name,lv_attr,origin,lv_merging,data_percent,thin_id,lv_tags group || true
        tail -n 40 "$log"
        exit 1
}

umbra() { chroot "$root" "$UMBRA" "$@"; }
begin_umbrad() {
        # shellcheck disable=SC2153 # of the environment
        chroot "$root" "$UMBRAD" --socket "$UMBRA_SOCKET" --state-dir "$state" --runtime-dir /run/umbra --config /dev/null >>"$log" 2>&1 &
        wait_for umbra status || fail 'umbrad does not start'
}
# Of the snapshot of VOLUME; nothing where there is none.
of() { # VOLUME PROPERTY
        umbra snapshot list --json | python3 -c 'import json, sys
print(*(s[sys.argv[2]] for s in json.load(sys.stdin) if s["volume"] == sys.argv[1]))' "$1" "$2"
}
is_waiting() { # VOLUME
        umbra status --json | python3 -c 'import json, sys
sys.exit(not any(d["path"] == sys.argv[1] and d["waiting"] and d["permille"] == 0 for d in json.load(sys.stdin)["deeds"]))' "$1"
}
is_on_its_way() { # VOLUME
        umbra status --json | python3 -c 'import json, sys
sys.exit(not any(d["path"] == sys.argv[1] and d["doing"] and d["permille"] > 0 for d in json.load(sys.stdin)["deeds"]))' "$1"
}
has_ended() { # VOLUME
        umbra status --json | python3 -c 'import json, sys
sys.exit(not any(r["volume"] == sys.argv[1] and r["done"] for r in json.load(sys.stdin)["reverts"]))' "$1"
}
left() { lvs --reportformat json -a -o data_percent -S 'lv_name=cow' group | python3 -c 'import json, sys
print(json.load(sys.stdin)["report"][0]["lv"][0]["data_percent"] or 0)'; }
reads() { grep -qx "$2" "$root/$1"; } # FILE TEXT

modprobe ext4
use_lvm
# How much of the time a merge may take: with so little it takes a while, and the power can go off in the middle.
[ "$step" != 1 ] || echo 1 >/sys/module/dm_snapshot/parameters/snapshot_copy_throttle
mkdir -p "$root"
if [ "$step" = 0 ]; then
        mkfs.ext4 -q /dev/vda
        vgcreate -q group /dev/vdb >/dev/null
        {
                lvcreate -q -y -L 120M -T group/pool
                lvcreate -q -y -V 48M -T group/pool -n thin --addtag admin
                lvcreate -q -y -L 80M -n cow group
        } >/dev/null 2>&1
        mkfs.ext4 -q /dev/group/thin
        mkfs.ext4 -q /dev/group/cow
else
        vgchange -q -a y --poll n group >/dev/null # as in an initramfs: nobody but umbra ends a merge
fi
mount /dev/group/cow "$root"
cd "$root"
build=${UMBRA%/src/tools/umbra}
mkdir -p thin known proc sys dev run tmp usr etc ".$build"
mount /dev/vda known
mount /dev/group/thin thin
mount --bind /run run
for d in proc sys dev usr etc "${build#/}"; do mount --rbind "/$d" "$d"; done
for d in bin sbin lib lib64; do [ -e "$d" ] || ln -s "usr/$d" "$d"; done

case $step in
0)
        touch "$log"
        head -c 48M /dev/urandom >large
        md5sum <large >known/md5
        echo before >file
        echo before >thin/file
        head -c 1M /dev/zero >thin/swap
        chmod 600 thin/swap
        mkswap -q thin/swap
        swapon thin/swap
        begin_umbrad
        umbra snapshot create --persistent --quiet "$thin" "$cow" >/dev/null || fail 'the set is not made'
        head -c 48M /dev/zero >large
        echo after >file
        echo after >thin/file
        sync
        ! umbra revert --yes --quiet "$(of "$cow" snapshot)" 2>refused || fail 'a busy volume is reverted without force'
        grep -q -e --force refused || fail "nobody says that it can be forced: $(cat refused)"
        volumes=("$thin" "$cow")
        [ "${state#"$thin/"}" = "$state" ] || volumes=("$cow" "$thin")
        for volume in "${volumes[@]}"; do
                umbra revert --yes --force "$(of "$volume" snapshot)" >said 2>&1 || fail 'it is not reverted'
                grep -q 'will be reverted when it is next activated' said || fail "it is said to be over: $(cat said)"
                is_waiting "$volume" || fail "the revert of $volume does not wait"
        done
        # What umbra knew next it would know only until the restart.
        ! umbra snapshot create --quiet "$thin" 2>refused || fail 'a snapshot can be made that will be forgotten'
        grep -q 'restart the machine first' refused || fail "nobody says what to do: $(cat refused)"
        # What was decided stays, whoever dies.
        kill -KILL %%
        wait %% 2>/dev/null || true
        begin_umbrad
        for volume in "$thin" "$cow"; do
                wait_for is_waiting "$volume" || fail "the revert of $volume is forgotten"
        done
        reads file after && reads thin/file after || fail 'it is reverted before it could be'
        ! umbra snapshot delete "$(of "$cow" snapshot)" --quiet 2>/dev/null || fail 'what is needed can be deleted'
        ! umbra snapshot create --quiet "$thin" 2>/dev/null || fail 'a snapshot can be made after umbrad was restarted'
        sync
        now
        ;;
1)
        reads file before && reads thin/file before || fail 'the volumes are not what they were'
        echo 'after the restart' >thin/file
        sync -f thin
        begin_umbrad
        wait_for is_on_its_way "$cow" || fail 'nobody says how far the merge is'
        [ "$(left)" != 0 ] || fail 'the merge was too fast'
        now
        ;;
2)
        [ "$(left)" != 0 ] || fail 'the merge was too fast'
        begin_umbrad
        wait_for has_ended "$cow" || fail 'the revert does not end'
        wait_for has_ended "$thin" || fail 'the revert of the thin volume does not end'
        reads thin/file 'after the restart' || fail 'the thin volume was reverted once more'
        reads file before && md5sum <large | cmp - known/md5 || fail 'the volume is not what it was'
        [ -z "$(of "$cow" snapshot)" ] || fail 'there is a snapshot that was merged'
        [ "$(cat "$root/$(of "$thin" device)/file")" = before ] || fail 'the thin snapshot cannot be read'
        [ "$(lvs --noheadings -o lv_name -S 'lv_name=~umbra' -a group | wc -l)" = 1 ] || fail 'something is left of a merge'
        [ "$(lvs --noheadings -o lv_tags -S lv_name=thin group | tr -d ' ')" = admin ] || fail 'the volume has other tags'
        umbra snapshot create --quiet "$cow" || fail 'no snapshot can be made any more'
        [ ! -e "$root/$state/left-behind" ] && [ ! -e "$root/$state/catalog.taken" ] || fail 'what was taken along is still there'
        umbra revert --yes --quiet --force "$(of "$thin" snapshot)" || fail 'it cannot be reverted once more, in place'
        reads thin/file before || fail 'it was not reverted in place'
        umbra snapshot delete --all --quiet
        [ "$(lvs --noheadings -o lv_name -S 'lv_name=~umbra' -a group | wc -l)" = 0 ] || fail 'a snapshot is left'
        ;;
esac
