# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
#
# A root file system that has been made for the purpose: some programs, what they are linked with, and nothing else. To be sourced;
# $dir is a directory that stays where it is.

# copy_programs ROOT PROGRAM…: each file at the path that it has here, and what of /etc they read.
copy_programs() {
        local root=$1 d program
        local -a files=()
        shift

        mkdir -p "$root/usr"
        for d in bin sbin lib lib64; do
                mkdir "$root/usr/$d"
                ln -s "usr/$d" "$root/$d"
        done
        for program; do files+=("$(command -v "$program")"); done
        cp -L --parents "${files[@]}" "$root"
        ldd "${files[@]}" | grep -o ' /[^ ]*\|^[[:space:]]*/[^ ]* ' | sort -u | xargs cp -L --parents --no-clobber -t "$root"
        mkdir -p "$root"/{proc,sys,dev,run,old,etc}
        cp -aL /etc/passwd /etc/group /etc/ld.so.cache "$root/etc"
        [ ! -d /etc/lvm ] || cp -aL /etc/lvm "$root/etc"
}

# run_in_root ROOT COMMAND…: in a mount namespace of its own. The files behind loop devices keep their names, by which it is found out what
# lies on what.
run_in_root() {
        # shellcheck disable=SC2016
        unshare --mount bash -c '
                set -e
                mount --rbind /proc "$0/proc"; mount --rbind /sys "$0/sys"; mount --rbind /dev "$0/dev"
                mount -t tmpfs none "$0/run"
                mkdir -p "$0/$dir"; mount --bind "$dir" "$0/$dir"
                cd "$0"
                pivot_root . old
                exec /usr/bin/bash -c "umount --lazy /old; exec \"\$@\"" bash "$@"' "$@"
}
