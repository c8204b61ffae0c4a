#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# umbrad in a container: its root is an overlay, which is no volume unless the administrator says so. The upper directory lies on a
# file system that is mounted, too, and can be named instead.
# shellcheck source=tests/integration/shell.sh
. "${0%/*}/../shell.sh"

[ "$(id -u)" = 0 ] || exit 77

root=$dir/root below=$dir/below build=${UMBRA_LIBEXECDIR%/*}
also_clean_up() { # what the namespace has mounted goes with its last process
        for m in root below; do
                if mountpoint -q "$dir/$m"; then umount "$dir/$m"; fi
        done
}

truncate -s 64M "$dir/ext4.img" && mkfs.ext4 -qF "$dir/ext4.img"
mkdir "$root" "$below" && mount -o loop "$dir/ext4.img" "$below" && mkdir "$below/upper" "$below/work"
mount -t overlay -o "lowerdir=/,upperdir=$below/upper,workdir=$below/work" overlay "$root" || exit 1
mkdir -p "$root/old" "$root/data" "$root$dir" "$root$build"
echo before >"$root/data/file"

cat >"$dir/begin" <<EOT
cd "$root"
for m in /proc /sys /dev "$dir" "$build"; do mount --rbind "\$m" ".\$m"; done
pivot_root . old
cd /
umount -l /old
exec "$UMBRAD" --socket "$UMBRA_SOCKET" --state-dir "$dir/state" --runtime-dir "$dir/run" --config "$dir/umbra.conf"
EOT
: >"$dir/umbra.conf"
unshare --mount sh -e "$dir/begin" &
umbrad_pid=$!
wait_for "$UMBRA" status || { echo "umbrad does not start"; exit 1; }
inside() { nsenter --mount="/proc/$umbrad_pid/ns/mnt" -- "$@"; }
umbra() { inside "$UMBRA" "$@"; }
volumes() { umbra volumes --json | python3 -c 'import json, sys; print("\n".join(v["volume"] for v in json.load(sys.stdin)))'; }

is_no_volume() {
        local refusal="overlay, .*name the volume .*umbra.conf"
        volumes >"$dir/list.out" && ! grep -qx / "$dir/list.out" || return 1
        expect 1 "'/' lies on an $refusal" umbra snapshot create / || return 1
        expect 1 "'/data' lies on an $refusal" umbra snapshot create /data || return 1
        expect 1 "$refusal" umbra run /data -- true || return 1
        expect 1 "$refusal" umbra backup --to "$dir/set" /data || return 1
        expect 1 "$refusal" umbra limit set /data 1G || return 1
        nothing_is_left && no_snapshots
}
that 'an overlay is refused, with what to do' is_no_volume

takes_what_is_below() {
        expect 0 '' umbra snapshot create --json --persistent "$below" || return 1
        [ "$(inside cat "$(device)/upper/data/file")" = before ] && umbra snapshot delete --all --quiet
}
device() { python3 -c 'import json, sys; print(json.load(sys.stdin)[0]["device"])' <"$dir/out"; }
that 'the volume below can be named' takes_what_is_below

takes_it() {
        printf '[storage]\noverlays = yes\n' >"$dir/umbra.conf"
        kill -HUP "$umbrad_pid"
        wait_for eval 'volumes | grep -qx /' || return 1
        expect 0 '' umbra snapshot create --json --persistent /data || return 1
        echo after >"$root/data/file" # seen by umbrad: it is the same mount
        # shellcheck disable=SC2016
        inside sh -c '[ "$(cat "$0/file")" = before ] && [ "$(cat /data/file)" = after ]' "$(device)" || return 1
        umbra snapshot delete --all --quiet && no_snapshots
}
that 'it is taken where the administrator says so' takes_it

finish
