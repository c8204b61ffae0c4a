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
