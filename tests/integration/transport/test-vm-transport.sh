#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Two machines and one disk: the first makes a set on it and says in a document what the set consists of, the second, which never saw the
# disk before, imports it. Without arguments this starts both machines; in them it does the work of "make" and "import".
set -euo pipefail

start() { # start NAME: umbrad of a machine without a past
        export UMBRA_SOCKET=/run/umbra.sock UMBRA_LOG_LEVEL=err
        modprobe btrfs
        "$UMBRAD" --socket "$UMBRA_SOCKET" --state-dir "/run/$1" --runtime-dir /run/umbra --config /dev/null &
        umbrad_pid=$!
        until "$UMBRA" status >/dev/null 2>&1; do kill -0 "$umbrad_pid"; done
}

stop() {
        kill "$umbrad_pid"
        wait "$umbrad_pid" || true
        umount -a -t btrfs
}

UMBRA=${2:-$UMBRA} UMBRAD=${3:-$UMBRAD}
case ${1:-} in
make)
        start one
        mkfs.btrfs -q /dev/vda >/dev/null 2>&1
        mkdir /run/disk
        mount /dev/vda /run/disk
        for name in data logs; do
                btrfs subvolume create "/run/disk/$name" >/dev/null
                echo "$name before" >"/run/disk/$name/file"
        done
        "$UMBRA" snapshot create --persistent --quiet --document /run/vm/set.xml /run/disk/data /run/disk/logs
        for name in data logs; do echo "$name after" >"/run/disk/$name/file"; done
        stop
        ;;
import)
        start two
        "$UMBRA" snapshot import /run/vm/set.xml
        for name in data logs; do
                place=$("$UMBRA" snapshot list --json | python3 -c '
import json, sys
print(*[s["device"] for s in json.load(sys.stdin) if s["volume"] == "/run/disk/" + sys.argv[1]])' "$name")
                [ "$(cat "$place/file")" = "$name before" ] || { echo "$name is not what it was"; exit 1; }
        done
        "$UMBRA" snapshot delete --all --quiet
        stop
        mkdir /run/disk
        mount /dev/vda /run/disk
        for name in data logs; do [ "$(cat "/run/disk/$name/file")" = "$name after" ] || { echo "$name was changed"; exit 1; }; done
        [ ! -e /run/disk/.umbra-shadow ] || { echo "something is left on the disk"; exit 1; }
        umount /run/disk
        ;;
*)
        dir=$(mktemp -d "${TMPDIR:-/tmp}/umbra-transport.XXXXXX")
        trap 'rm -rf --one-file-system "$dir"' EXIT
        mkdir "$dir/share"
        for step in make import; do
                status=0
                "$UMBRA_VM_RUN" --disk "$dir/disk:256M" --share "$dir/share" bash "$0" "$step" "$UMBRA" "$UMBRAD" || status=$?
                [ "$status" = 0 ] || exit "$status"
        done
        echo "ok - a set is imported from the disk by a machine that never saw it"
        ;;
esac
