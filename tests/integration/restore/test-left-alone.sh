#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What a restore must not touch: files that the set does not have for another reason than that they were not there. $UMBRA, $UMBRAD and $WRITER are the
# programs.
# shellcheck source=tests/integration/shell.sh
. "${0%/*}/../shell.sh"
# shellcheck source=tests/integration/restore/app.sh
. "${0%/*}/app.sh"

method='method="RESTORE_IF_CAN_BE_REPLACED"'

fresh
start_umbrad || { echo "umbrad does not start"; exit 1; }

lost() {
        fresh
        writer "$method" '' '' "<PartialFile path=\"$dir/app\" filespec=\"unreadable\" ranges=\"0:4\"/>" || return 1
        rm -f "$dir/set"
        expect 7 'NOT all files of component' "$UMBRA" backup --best-effort --component data --to "$dir/set" || return 1
        echo precious >"$dir/app/unreadable" && echo new >"$dir/app/one.db"
        expect 7 'NOT all files of component .data. are in' restore --component data && is "$dir/app/one.db" one && is "$dir/app/unreadable" precious &&
                ! grep -q content "$dir/err" && told PostRestore fileRestoreStatus failed
}
that 'what could not be read at the backup is not taken for deleted, and nobody says that all of it is there' lost

lost_in_a_chain() {
        fresh
        mkdir -p "$dir/plain" && echo one >"$dir/plain/one" && echo two >"$dir/plain/two"
        writer "$method" '' '' "<PartialFile path=\"$dir/app\" filespec=\"unreadable\" ranges=\"0:4\"/>" \
                'supportsIncremental="yes"' && echo 1234 >"$dir/app/unreadable" || return 1
        rm -f "$dir/set" "$dir/set2"
        expect 0 'Saved' "$UMBRA" backup --type full --component data "$dir/plain" --to "$dir/set" || return 1
        rm "$dir/app/unreadable" "$dir/plain/two"
        expect 7 'NOT all files' "$UMBRA" backup --best-effort --type incremental --since "$dir/set" --component data "$dir/plain" --to "$dir/set2" || return 1
        rm "$dir/plain/one" && echo 1234 >"$dir/app/unreadable" # of which the first set has a part
        expect 7 'NOT all files' "$UMBRA" restore "$dir/set" "$dir/set2" && is "$dir/plain/one" one && is "$dir/plain/two" two
}
that 'nor by a chain, as nobody knows whether it was there' lost_in_a_chain

not_of_a_full_backup() {
        local files="<ComponentFile path=\"$dir/app\" filespec=\"*.db\"/>
                <ComponentFile path=\"$dir/app\" filespec=\"*.txt\" fullBackupRequired=\"no\"/>"
        fresh
        writer "$method" '' '' '' && backup && ! "$UMBRA" show "$dir/set" --files | grep -q notes.txt || return 1
        touch "$dir/app/old.db" && echo new >"$dir/app/one.db"
        expect 0 'content' restore && is "$dir/app/one.db" one && is "$dir/app/notes.txt" text && absent "$dir/app/old.db"
}
that 'nor are files that their writer does not want in a whole backup' not_of_a_full_backup

planted() {
        local files="<ComponentFile path=\"$dir/app\" filespec=\"*\" recursive=\"yes\"/><ComponentFile path=\"$dir/user\" filespec=\"*\"/>"
        fresh
        mkdir -p "$dir/user" "$dir/victim" && echo user >"$dir/user/u" && echo precious >"$dir/victim/precious" || return 1
        writer "$method" '' '' '' && backup && rm -r "$dir/user" && ln -s victim "$dir/user" || return 1
        expect 1 'user/u.: a link.*stands in the way' restore && is "$dir/victim/precious" precious && is "$dir/app/one.db" one && rm "$dir/user"
}
that 'nor is anything at the end of a link that somebody has put in the way' planted

sockets() {
        fresh
        writer "$method" '' '' '' && python3 -c 'import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "$dir/app/control" && backup || return 1
        expect 0 'content' restore && [ -S "$dir/app/control" ]
}
all_failed() {
        local files="<ComponentFile path=\"$dir/app\" filespec=\"*.db*\" recursive=\"yes\"/>"
        fresh
        rm "$dir/app/one.db"
        writer "$method" '' '' '' && backup && mv "$dir/app/sub" "$dir/app/moved" && ln -s moved "$dir/app/sub" || return 1
        echo journal >"$dir/app/moved/two.db-journal"
        expect 1 'cannot restore .*sub/two.db' restore && is "$dir/app/moved/two.db-journal" journal && told PostRestore fileRestoreStatus none
}
that 'nor is the journal of a database of which nothing could be replaced' all_failed

other_names() { # read live, as not all providers keep them in a shadow copy
        local files="<ComponentFile path=\"$dir/app\" filespec=\"*.db\" fullSnapshotRequired=\"no\"/>"
        fresh
        mkdir "$dir/text" && ln "$dir/app/one.db" "$dir/text/one.txt" && echo text >"$dir/text/notes.txt"
        writer "$method" '' '' '' '' "<Component componentType=\"filegroup\" componentName=\"text\"><ComponentFile path=\"$dir/text\" filespec=\"*.txt\" fullSnapshotRequired=\"no\"/></Component>" &&
                rm -f "$dir/set" && "$UMBRA" backup --quiet --to "$dir/set" >"$dir/out" 2>"$dir/err" || return 1
        echo new >"$dir/app/one.db" && rm "$dir/text/"*
        expect 1 'one.txt.: it is another name of a file that was not restored' restore --component text && absent "$dir/text/one.txt" &&
                is "$dir/text/notes.txt" text || return 1
        expect 0 'content' restore --component text --component data && [ "$dir/app/one.db" -ef "$dir/text/one.txt" ] && is "$dir/text/one.txt" one
}
that 'no file gets another name because one of the set had it' other_names

that 'nor are sockets, which no set has' sockets

mounted() {
        fresh
        mkdir "$dir/app/mount"
        writer "$method" '' '' '' && backup || return 1
        mount -t tmpfs tmpfs "$dir/app/mount" && mkdir "$dir/app/mount/d" && echo precious | tee "$dir/app/mount/f" "$dir/app/mount/d/f" >/dev/null || return 1
        expect 0 'volume at .*app/mount. is in the set' restore && is "$dir/app/mount/f" precious && is "$dir/app/mount/d/f" precious || return 1
        umount "$dir/app/mount" && echo below >"$dir/app/mount/f" && backup && mount -t tmpfs tmpfs "$dir/app/mount" && touch "$dir/app/mount/g" || return 1
        expect 0 'content' restore && is "$dir/app/mount/f" below && absent "$dir/app/mount/g"
}
live() {
        local files="<ComponentFile path=\"$dir/app\" filespec=\"*.db\" fullSnapshotRequired=\"no\"/><ComponentFile path=\"$dir/app\" filespec=\"*.txt\"/>"
        fresh
        writer "$method" '' '' '' '' "<ExcludeFileFromSnapshot path=\"$dir/app\" filespec=\"*.db\"/>" && backup && "$UMBRA" show "$dir/set" --files | grep -q one.db || return 1
        rm "$dir/app/one.db" && echo cache >"$dir/app/cache.db"
        expect 0 'content' restore --component data && is "$dir/app/one.db" one && is "$dir/app/cache.db" cache
}
that 'what is kept out of shadow copies and was read live is restored with its component' live

interrupted_late() {
        local pid
        fresh
        writer "$method" '' '' '' '' '<DelayEvent writerEvent="PostRestore" milliseconds="3000"/>' && backup || return 1
        echo new >"$dir/app/one.db"
        "$UMBRA" restore "$dir/set" >"$dir/out" 2>"$dir/err" &
        pid=$!
        wait_for grep -q 'Restoring: done' "$dir/err" || return 1
        kill -INT $pid
        wait $pid
        [ $? = 130 ] && is "$dir/app/one.db" one && grep -q 'was not asked' "$dir/err" && ! grep -q content.$ "$dir/err"
}
that 'nobody says that a writer is content who was not asked because of ^C' interrupted_late

directory_later() { # a ranges file is saved before everything else
        fresh
        printf '\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\4\0\0\0\0\0\0\0' >"$dir/app/sub/ranges"
        chmod 2751 "$dir/app/sub"
        writer "$method" '' '' "<PartialFile path=\"$dir/app\" filespec=\"one.db\" ranges=\"File=$dir/app/sub/ranges\"/>" && backup || return 1
        mv "$dir/app/sub" "$dir/moved"
        expect 0 'content' restore && is "$dir/app/sub/two.db" two && [ "$(stat -c %a "$dir/app/sub")" = 2751 ]
}
that 'a directory has its mode even if one of its files was there first' directory_later

too_many() { # for one set
        local i
        fresh
        for i in {1..65}; do mkdir "$dir/app/mount-$i" && mount -t tmpfs tmpfs "$dir/app/mount-$i" || return 1; done
        writer "$method" '' '' '' && ! backup && grep -q "cannot take '.*mount-" -i "$dir/err"
}

odd_mount() {
        fresh
        mkdir "$dir/app/an odd mount" && mount -t tmpfs tmpfs "$dir/app/an odd mount" && echo precious >"$dir/app/an odd mount/f" || return 1
        writer "$method" '' '' '' && backup && rm "$dir/app/an odd mount/f" || return 1
        expect 0 'content' restore && is "$dir/app/an odd mount/f" precious
}

directory_of_a_failed_one() {
        fresh
        chmod 2751 "$dir/app/sub"
        writer "$method" '' '' '' && backup && rm -r "$dir/app/sub" && touch "$dir/app/stale" || return 1
        mount --bind "$dir/app/stale" "$dir/app/stale" || return 1 # cannot be removed
        expect 1 'cannot remove .*app/stale' restore && [ "$(stat -c %a "$dir/app/sub")" = 2751 ]
}

# ramfs has neither extended attributes nor ACLs.
losses() {
        fresh
        setfacl -m u:12345:r "$dir/app/one.db" && setfattr -n user.of -v one "$dir/app/one.db" || return 1
        writer "$method" '' '' '' && backup && mount -t ramfs ramfs "$dir/app" || return 1
        expect 0 'WITHOUT access control lists' restore && grep -q 'WITHOUT extended attributes' "$dir/err" && is "$dir/app/one.db" one || return 1
        umount "$dir/app"
        expect 0 'content' restore && ! grep -q WITHOUT "$dir/err"
}
also_clean_up() { umount "$dir/app/an odd mount" 2>/dev/null; umount "$dir/app/stale" 2>/dev/null; umount "$dir/app" 2>/dev/null; umount "$dir/app/mount" "$dir/app/mount-"* 2>/dev/null; }
if [ "$(id -u)" = 0 ]; then
        that 'nor is what is on a volume of which the set has nothing' mounted
        also_clean_up
        that 'none of the volumes below is left out because they are too many' too_many
        also_clean_up
        that 'a volume below is in the set whatever its name is' odd_mount
        also_clean_up
        that 'a restore that fails leaves directories as they should be' directory_of_a_failed_one
        also_clean_up
        that 'what the destination cannot have of a file is told' losses
        also_clean_up
fi

end_writer
finish
