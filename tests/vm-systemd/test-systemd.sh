#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# umbra as it is installed (to /usr/local), under the service manager: in a virtual machine, systemd in a container of it. $BUILD is the build
# directory. It calls itself: what is done where is the first argument.
# shellcheck disable=SC2016 # what eval and others are given
set -uo pipefail

failures=0
that() { # SENTENCE COMMAND…
        local name=$1
        shift
        if "$@" >/run/out 2>&1; then echo "ok - $name"; else
                echo "FAILED - $name"
                sed 's/^/    /' /run/out
                failures=$((failures + 1))
        fi
}
wait_for() { # at most a minute
        local end=$((SECONDS + 60))
        until "$@" >/dev/null 2>&1; do [ $SECONDS -lt $end ] || return 1; done
}
says() { local text=$1; shift; "$@" 2>&1 | grep -q -- "$text"; }

# Outside: what would be installed, and a machine for it.
outside() {
        local dir status=0
        dir=$(mktemp -d "${TMPDIR:-/tmp}/umbra-vm-systemd.XXXXXX")
        # shellcheck disable=SC2064
        trap "rm -rf '$dir'" EXIT
        DESTDIR=$dir/root meson install -C "$BUILD" --no-rebuild --quiet || return
        "$UMBRA_VM_RUN" --disk "$dir/data:160M" --disk "$dir/held:64M" --seconds 350 "$(realpath "$0")" machine "$dir/root" "$MAKE_SET" || status=$?
        return $status
}

# In the machine: installs it, and starts the service manager as the first process of a container.
machine() {
        local unit
        modprobe -a btrfs
        # Where programs and state lie must be known, or nothing is held: what is written to the overlay may go anywhere.
        mkdir -p /var/lib/umbra && mount -t tmpfs none /var/lib/umbra && mount -t tmpfs none /usr/local || return 99
        cp -a "$1/." / && cp "$2" /usr/local/bin/make-set || return 99
        mkfs.btrfs -q /dev/vda >/dev/null || return 99
        mkdir -p /srv/data /run/systemd/system
        mount /dev/vda /srv/data || return 99
        echo text >/srv/data/file
        mount -t cgroup2 none /sys/fs/cgroup 2>/dev/null
        for unit in systemd-udevd systemd-udev-trigger systemd-udev-settle systemd-hwdb-update systemd-random-seed systemd-machine-id-commit \
                systemd-journal-flush systemd-journal-catalog-update systemd-update-utmp systemd-modules-load kmod-static-nodes \
                systemd-tmpfiles-setup systemd-tmpfiles-setup-dev systemd-tmpfiles-clean systemd-pstore systemd-firstboot systemd-boot-system-token; do
                ln -sfn /dev/null "/run/systemd/system/$unit.service"
        done
        printf '%s\n' '[Unit]' 'Description=the test' 'After=basic.target' 'FailureAction=exit-force' 'SuccessAction=exit-force' '[Service]' 'Type=oneshot' 'StandardOutput=file:/dev/ttyS0' \
                'StandardError=inherit' "ExecStart=$0 inside" 'ExecStopPost=/bin/sh -c "echo $EXIT_STATUS >/run/umbra-test.result"' \
                >/run/systemd/system/umbra-test.service
        env -i container=umbra-test PATH="$PATH" unshare --pid --fork --mount --mount-proc --propagation shared \
                /lib/systemd/systemd --system --unit=umbra-test.service --show-status=0 --log-level=warning --log-target=console
        [ "$(cat /run/umbra-test.result)" = 0 ]
}

restart_keeps() {
        systemctl restart umbrad.service && "$umbra" snapshot show "$id" && [ "$(cat "$device/file")" = text ]
}

# The coordinator, its guard and its workers die while a file system is held, and nobody starts them again.
stop_hook_thaws() {
        mkdir -p /srv/held /run/systemd/system/umbrad.service.d
        mkfs.ext4 -q /dev/vdb && mount /dev/vdb /srv/held || return
        printf '[Service]\nEnvironment=UMBRA_FAKE_PROVIDER=1 "UMBRA_FAKE_SCRIPT=commit = hang"\nRestart=no\n' >/run/systemd/system/umbrad.service.d/test.conf
        systemctl daemon-reload && systemctl restart umbrad.service || return
        make-set /srv/held </dev/null &
        wait_for test -s /run/umbra/held || return
        systemctl kill --signal=KILL umbrad.service || return
        timeout 30 sh -c 'echo x >/srv/held/probe && sync /srv/held/probe' || return
        wait
        wait_for says failed systemctl is-failed umbrad.service && [ ! -s /run/umbra/held ]
}

# Under the service manager.
inside() {
        umbra=/usr/local/bin/umbra
        ldconfig
        systemd-tmpfiles --create umbra.conf
        systemd-sysusers umbra.conf
        that 'the socket is there before the service' eval 'systemctl start umbrad.socket && [ -S /run/umbra/umbra.sock ] && ! systemctl is-active umbrad.service'
        that 'the first who asks starts it' eval '"$umbra" status && systemctl is-active umbrad.service'
        that 'a btrfs volume is snapshotted' eval '"$umbra" snapshot create --persistent --json /srv/data >/run/new'
        read -r id device < <(python3 -c 'import json; s = json.load(open("/run/new"))[0]; print(s["snapshot"], s["device"])')
        that 'and read' eval 'echo changed >/srv/data/file; [ "$(cat "$device/file")" = text ]'
        that 'a restart keeps it' restart_keeps
        that 'it goes' eval '"$umbra" snapshot delete "$id" && [ ! -e "$device/file" ]'
        that 'a file system that was held when all of umbra was killed is thawed by the stop hook' stop_hook_thaws
        exit $failures
}

"${1:-outside}" "${@:2}"
