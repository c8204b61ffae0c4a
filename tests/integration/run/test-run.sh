#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Other people's backup programs on shadow copies: tar, rsync, restic and borg as Debian has them, none of which knows of
# umbra. What they saw is what there was at one instant, at the original paths; nothing of it shows outside.
# shellcheck source=tests/integration/shell.sh
. "${0%/*}/../shell.sh"

[ "$(id -u)" = 0 ] || exit 77

also_clean_up() {
        for m in fs/data/nested fs; do
                if mountpoint -q "$dir/$m"; then umount "$dir/$m"; fi
        done
}

fs=$dir/fs
truncate -s 512M "$dir/btrfs.img" && mkfs.btrfs -q "$dir/btrfs.img" >/dev/null 2>&1
truncate -s 64M "$dir/ext4.img" && mkfs.ext4 -qF "$dir/ext4.img"
mkdir "$fs" && mount -o loop "$dir/btrfs.img" "$fs"
mkdir -p "$fs/data/nested" && mount -o loop "$dir/ext4.img" "$fs/data/nested"
rmdir "$fs/data/nested/lost+found"
head -c 4000000 /dev/urandom >"$fs/data/random"
mkdir "$fs/data/deep" && echo before >"$fs/data/deep/file" && echo below >"$fs/data/nested/file" && ln -s deep "$fs/data/link"
cp -a "$fs/data" "$dir/expected"

run() { "$UMBRA" run --quiet "$@"; }
mounts() { awk -v d="$dir/" 'index($5, d) == 1 { print $5 }' /proc/self/mountinfo | sort; }
export -f run
no_shadow_is_left() { no_snapshots && [ "$(mounts)" = "$before" ]; }

# Changes the original while the command runs on the copies, and waits until it has happened.
cat >"$dir/change-meanwhile" <<EOT
#!/bin/sh
# Into the namespace of the first process of all, where the originals are.
nsenter --mount=/proc/$$/ns/mnt sh -c 'echo after >"$fs/data/deep/file"; echo after >"$fs/data/nested/file"; rm -f "$fs/data/link"'
exec "\$@"
EOT
chmod +x "$dir/change-meanwhile"
put_back() { echo before >"$fs/data/deep/file"; echo below >"$fs/data/nested/file"; ln -sf deep "$fs/data/link"; }

that 'without a command it is wrong usage' expect 2 'which command' "$UMBRA" run "$fs/data"
start_umbrad || { echo "umbrad does not start"; exit 1; }
before=$(mounts)

that 'the exit status is the command'\''s' eval 'run "$fs/data" -- sh -c "exit 42"; [ $? = 42 ]'
that 'so is the signal that ended it' eval 'run "$fs/data" -- sh -c "kill -TERM \$\$"; [ $? = 143 ]'
that 'a command that is not there is 127' expect 127 'No such file' "$UMBRA" run --quiet "$fs/data" -- /nonexistent/command
that 'what is no program is 126' expect 126 'Permission' "$UMBRA" run --quiet "$fs/data" -- "$fs/data/random"
that 'input and output are the command'\''s own' eval '[ "$(echo through | run "$fs/data" -- cat)" = through ]'
that 'it sees what there was, while the original changes' eval '[ "$(run "$fs/data" -- "$dir/change-meanwhile" cat "$fs/data/deep/file" "$fs/data/nested/file")" = "before
below" ] && [ "$(cat "$fs/data/deep/file")" = after ] && put_back'
that 'the copies cannot be written to, what lies beside can' eval 'run "$fs/data" -- sh -c "! touch $fs/data/new 2>/dev/null && touch $fs/beside" && [ -e "$fs/beside" ]'
that 'the working directory is on the copy as well' eval '[ "$(cd "$fs/data/deep" && run "$fs/data" -- "$dir/change-meanwhile" cat file)" = before ] && put_back'
that 'nothing is left of it' wait_for no_shadow_is_left

that 'tar copies what there was' eval 'run "$fs/data" -- "$dir/change-meanwhile" tar -C "$fs/data" -cf "$dir/set.tar" . && put_back && mkdir "$dir/tar" && tar -C "$dir/tar" -xf "$dir/set.tar" && diff -r --no-dereference "$dir/expected" "$dir/tar"'
that 'rsync copies what there was' eval 'run "$fs/data" -- "$dir/change-meanwhile" rsync -a "$fs/data/" "$dir/rsync/" && put_back && diff -r --no-dereference "$dir/expected" "$dir/rsync"'

if command -v restic >/dev/null; then
        export RESTIC_PASSWORD=secret RESTIC_REPOSITORY=$dir/restic RESTIC_CACHE_DIR=$dir/restic-cache
        restic init >/dev/null 2>&1
        restic_backup() { run "$fs/data" -- "$@" restic backup --json --host test "$fs/data" >"$dir/restic.json"; }
        restic_says() { python3 -c 'import json, sys; print([json.loads(l) for l in open(sys.argv[1])][-1][sys.argv[2]])' "$dir/restic.json" "$1"; }
        that 'restic backs up what there was' eval 'restic_backup "$dir/change-meanwhile" && put_back && restic restore latest --target "$dir/restic-out" >/dev/null && diff -r --no-dereference "$dir/expected" "$dir/restic-out$fs/data"'
        that 'a second run finds its parent, and reads no file of the snapshot again that has not changed' eval 'echo new >"$fs/data/new" && restic_backup env && [ "$(restic_says files_new)" = 1 ] && [ "$(restic_says data_added)" -lt 1000000 ] && rm "$fs/data/new"'
fi
if command -v borg >/dev/null; then
        export BORG_REPO=$dir/borg BORG_BASE_DIR=$dir/borg-base BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK=yes
        borg init -e none 2>/dev/null
        that 'borg backs up what there was' eval 'run "$fs/data" -- "$dir/change-meanwhile" borg create ::one "$fs/data" && put_back && mkdir "$dir/borg-out" && (cd "$dir/borg-out" && borg extract ::one) && diff -r --no-dereference "$dir/expected" "$dir/borg-out$fs/data"'
fi

# What dies: the command must not go on with a set that is gone, and nobody may find anything of it.
mkfifo "$dir/started"
"$UMBRA" run --quiet "$fs/data" -- sh -c "echo \$\$ >$dir/started; exec sleep 1000" &
umbra_pid=$!
read -r command_pid <"$dir/started"
command_is_gone() { ! kill -0 "$command_pid" 2>/dev/null; }
kill -KILL "$umbra_pid"
wait "$umbra_pid" 2>/dev/null || true
that 'when umbra dies so does the command' wait_for command_is_gone
that 'and the shadow copies go' wait_for no_shadow_is_left

printf '[sqlite]\ndatabase = %s\n' "$fs/data/*.db" >"$dir/sqlite.conf"
sqlite3 "$fs/data/app.db" "pragma journal_mode=wal; create table t(x); insert into t values(1)" >/dev/null
"$WRITER" --config "$dir/sqlite.conf" >/dev/null 2>&1 &
writer_pid=$!
grep_writer() { "$UMBRA" writers | grep SQLite >/dev/null; }
wait_for grep_writer
writers_are_stable() { "$UMBRA" writers --json | grep -v null | grep -c '"state": "stable"' >/dev/null; }
that 'a writer'\''s files are taken by its name, and it is told' eval '[ "$(run --writer SQLite -- sqlite3 "file:$fs/data/app.db?immutable=1" "select count(*) from t")" = 1 ]'
that 'nothing is left in the end' wait_for no_shadow_is_left

finish
