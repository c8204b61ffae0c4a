# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The window of the files provider: what it takes of the time of the whole copy, and whether it is the same in a tree of a million files.

FILES=$BUILD/bench/bench-files

# 10 GiB in files of 1 MiB, each hundredth of them written anew while the copy ahead is complete. The store is on another file system.
storage_files_window() {
        loop_fs files ext4 12G
        [ -d "$TMP/mounts/files/0" ] || "$FILES" fill "$TMP/mounts/files" 10240 1048576 128
        mkdir -p "$TMP/files-state"
        out=$("$FILES" copy "$TMP/files-state" "$TMP/mounts/files" 100)
        figure files-copy-window "$(awk -v a="$(pick window <<<"$out")" -v b="$(pick prepare <<<"$out")" \
                'BEGIN { printf "%.2f", 100 * a / b }')" percent 3 at-most
}

# A million small files in a thousand directories, a hundred of them changed.
storage_files_million() {
        loop_fs million xfs 8G
        loop_fs million-state xfs 8G
        [ -d "$TMP/mounts/million/0" ] || "$FILES" fill "$TMP/mounts/million" 1000000 100 1000
        out=$("$FILES" copy "$TMP/mounts/million-state" "$TMP/mounts/million" 10000)
        figure files-copy-window-of-a-million "$(pick window <<<"$out")" us 100000 at-most
        figure files-copy-memory-of-a-million "$(pick memory <<<"$out")" KiB 163840 at-most
}
