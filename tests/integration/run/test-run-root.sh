#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A command on a shadow copy of / itself. A small system, on a file system of the type that the first argument names, has it for its root, in a mount
# namespace of its own: with the kernel's file systems, a second volume and places to write to, as machines have them.
# shellcheck source=tests/integration/shell.sh
. "${0%/*}/../shell.sh"

[ "$(id -u)" = 0 ] && busybox=$(command -v busybox) || exit 77

type=$1 root=$dir/root
also_clean_up() { # what the namespace has mounted goes with its last process
        for m in root/beside root; do
                if mountpoint -q "$dir/$m"; then umount "$dir/$m"; fi
        done
}

truncate -s 1G "$dir/root.img" && "mkfs.$type" -q "$dir/root.img" >/dev/null 2>&1
truncate -s 64M "$dir/ext4.img" && mkfs.ext4 -qF "$dir/ext4.img"
mkdir "$root" && mount -o loop "$dir/root.img" "$root"
mkdir -p "$root"/{usr,proc,sys,dev,run,tmp,beside,backup,etc,old,var/lib}
for d in bin sbin lib lib64; do mkdir "$root/usr/$d" && ln -s "usr/$d" "$root/$d"; done

# Programs with their libraries, at their own places.
install_programs() {
        for program in "$@"; do
                ldd "$program" 2>/dev/null | grep -o '/[^ ]*' | xargs -r realpath -ms
                echo "$program"
        done | sort -u | (cd / && xargs cp -L --parents -t "$root")
}
install_programs "$UMBRA" "$UMBRAD" "$busybox" "$UMBRA_LIBEXECDIR"/* || { echo "the small system cannot be made"; exit 1; }
for program in sh cat touch tar nsenter awk mknod readlink; do ln -s "$busybox" "$root/bin/$program"; done
echo before >"$root/etc/file" && echo before >"$root/backup/file"
mount -o loop "$dir/ext4.img" "$root/beside" && echo before >"$root/beside/file"

cat >"$root/begin" <<EOT
#!/bin/sh
$busybox mount -t proc proc /proc
$busybox mount -t sysfs sysfs /sys
$busybox mount --rbind /old/dev /dev
$busybox mount -t tmpfs run /run
$busybox mount -t tmpfs tmp /tmp
$busybox umount -l /old
exec "$UMBRAD" --socket /run/umbra.sock --state-dir /var/lib/umbra --runtime-dir /run/umbra --config /dev/null
EOT
chmod +x "$root/begin"

export UMBRA_SOCKET=/run/umbra.sock
# shellcheck disable=SC2016
unshare --mount sh -c 'cd "$1" && pivot_root . old && cd / && exec /begin' sh "$root" &
umbrad_pid=$!
inside() { nsenter --mount="/proc/$umbrad_pid/ns/mnt" -- "$@"; }
run() { inside "$UMBRA" run --quiet "$@"; }
# shellcheck disable=SC2016
cat >"$root/bin/change-meanwhile" <<EOT
#!/bin/sh
nsenter -m/proc/$umbrad_pid/ns/mnt /bin/sh -c 'echo after >/etc/file; echo after >/beside/file; echo after >/backup/file'
exec "\$@"
EOT
chmod +x "$root/bin/change-meanwhile"
put_back() { for f in etc beside backup; do echo before >"$root/$f/file"; done; }
nothing_is_mounted() { [ "$(inside /bin/awk '{ print $5 }' /proc/self/mountinfo)" = "$before" ] && inside "$UMBRA" snapshot list | grep 'There are no snapshots' >/dev/null; }
wait_for inside "$UMBRA" status || { echo "umbrad does not start"; exit 1; }
before=$(inside /bin/awk '{ print $5 }' /proc/self/mountinfo)

that 'the command sees / and what is mounted below as there were, while they change' eval '[ "$(run / -- change-meanwhile cat /etc/file /beside/file)" = "before
before" ] && [ "$(inside /bin/cat /etc/file /beside/file)" = "after
after" ] && put_back'
that 'neither can be written to' eval 'run / -- sh -c "! touch /new 2>/dev/null && ! touch /beside/new 2>/dev/null && ! touch /backup/new 2>/dev/null" && [ ! -e "$root/new" ]'
that 'the file systems of the kernel are where they were' eval 'run / -- sh -c "[ -r /proc/self/status ] && [ -d /sys/fs ] && echo >/dev/null && [ -c /dev/pts/ptmx ]"'
that 'what lies in memory is not copied, and can be written to' eval 'run / -- sh -c "echo new >/run/new && echo new >/tmp/new && echo new >/dev/shm/$$" && rm "/dev/shm/$$" && [ "$(inside /bin/cat /run/new /tmp/new)" = "new
new" ]'
that 'what is excepted is what it is, and takes the backup' eval 'run --except /backup / -- change-meanwhile tar -cf /backup/set.tar /etc /beside /backup/file 2>/dev/null && put_back &&
        mkdir "$dir/got" && tar -C "$dir/got" -xf "$root/backup/set.tar" && [ "$(cat "$dir/got/etc/file" "$dir/got/beside/file" "$dir/got/backup/file")" = "before
before
after" ]'
that 'a mount that is excepted is one still' eval 'run --except /beside / -- sh -c "echo new >/beside/new && ! touch /etc/new 2>/dev/null" && [ -e "$root/beside/new" ]'
that 'what is excepted has to be there' expect 1 'No such file' inside "$UMBRA" run --quiet --except /nonexistent / -- true
that 'the working directory is in the shadow copy' eval '[ "$(inside /bin/sh -c "cd /etc && exec $UMBRA run --quiet / -- change-meanwhile cat file")" = before ] && put_back'
that 'it goes with the status of the command' eval 'run / -- sh -c "exit 42"; [ $? = 42 ]'
that 'outside nothing is left of it' wait_for nothing_is_mounted

finish
