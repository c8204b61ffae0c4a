# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# What the scripts that run in a virtual machine share. To be sourced.

# LVM without udevd: it makes its device nodes itself, and nothing waits for an event that nobody sends.
use_lvm() {
        local module
        for module in dm-mod dm-snapshot dm-thin-pool loop; do modprobe "$module"; done
        export DM_DISABLE_UDEV=1
        printf '%s\n' 'global { use_lvmpolld = 0 }' \
                'activation { monitoring = 0 udev_sync = 0 udev_rules = 0 verify_udev_operations = 0 }' >/etc/lvm/lvmlocal.conf
}

wait_for() { # asks until it is so, at most a minute and a half
        local end=$((SECONDS + 90))
        until "$@" >/dev/null 2>&1; do [ $SECONDS -lt $end ] || return 1; done
}

# The power goes off, with run's --power-off now. Needs a function fail, for when it does not.
now() {
        echo now
        sleep 60
        fail 'the power did not go off'
}

# disks take NAME: the disks as the power going off now would leave them, into NAME. disks put NAME: back from there; nobody may have them
# open. With run's --states, which is asked, and answers, on the console.
disks() {
        local answer=''
        {
                echo "disks $*" >&8
                read -r -t 60 answer <&8
        } 8<>/dev/ttyS0
        [ "$answer" = ok ]
}
