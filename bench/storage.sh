# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The figures of storage: sourced by bench/run, which runs every function here (and in bench/storage-*.sh) whose name begins with
# "storage_". Each leaves nothing mounted but below $TMP/mounts, which bench/run unmounts.

STORAGE=$BUILD/bench/bench-storage

# loop_fs NAME TYPE SIZE: a file system of its own at $TMP/mounts/NAME
loop_fs() {
        mountpoint -q "$TMP/mounts/$1" && return
        mkdir -p "$TMP/mounts/$1"
        truncate -s "$3" "$TMP/$1.img"
        "mkfs.$2" -q "$TMP/$1.img" >/dev/null 2>&1
        mount -o loop,noatime "$TMP/$1.img" "$TMP/mounts/$1"
}

# 16 subvolumes in one set: all of the window, and the ioctls by 16 threads after the same syncfs.
storage_btrfs() {
        local volumes=() i
        loop_fs subvolumes btrfs 4G
        for i in $(seq 16); do
                command btrfs subvolume create "$TMP/mounts/subvolumes/$i" >/dev/null
                head -c 4M /dev/urandom >"$TMP/mounts/subvolumes/$i/file"
                volumes+=("$TMP/mounts/subvolumes/$i")
        done
        out=$("$STORAGE" parallel 31 "${volumes[@]}")
        figure btrfs-16-subvolumes-of-bare "$(ratio window bare)" ratio 1.5 at-most
}

# Two ext4 and two xfs, held and copied: all of the window, and FIFREEZE, the same commit, FITHAW after the same syncfs.
storage_held() {
        local name volumes=()
        for name in ext4-1 ext4-2 xfs-1 xfs-2; do
                loop_fs "$name" "${name%-*}" 512M
                [ -d "$TMP/mounts/$name/data" ] || mkdir "$TMP/mounts/$name/data"
                for i in $(seq 200); do head -c 16K /dev/urandom >"$TMP/mounts/$name/data/$i"; done
                volumes+=("$TMP/mounts/$name")
        done
        mkdir -p "$TMP/bare-state"
        out=$("$STORAGE" held 31 "$TMP/bare-state" "${volumes[@]}")
        figure held-4-file-systems-of-bare "$(ratio window bare)" ratio 1.2 at-most
}

# On a busy machine the kernel itself needs long for a thaw, in which ext4 writes; so there is a figure without that, too.
storage_thaw() {
        local p99 bare
        loop_fs ext4-1 ext4 512M
        mkdir -p "$TMP/thaw"
        out=$("$STORAGE" thaw 200 "$UMBRAD" "$TMP/thaw" "$TMP/mounts/ext4-1")
        p99=$(pick p99 <<<"$out") bare=$(pick bare-p99 <<<"$out")
        figure thaw-after-sigkill-p99 "$p99" us 20000 at-most
        figure thaw-after-sigkill-p99-above-bare "$((p99 - bare))" us 20000 at-most
}

# with_catalog N COMMAND…: against an umbrad whose catalog has N snapshots
with_catalog() {
        local n=$1 dir=$TMP/catalog-$1 pid status=0
        shift
        mkdir -p "$dir"
        [ -f "$dir/catalog.sqlite" ] || "$STORAGE" fill "$dir/catalog.sqlite" "$TMP" "$n"
        # It cannot show any of them, and says so for each.
        "$UMBRAD" --socket "$dir/umbra.sock" --state-dir "$dir" --runtime-dir "$dir/run" 2>/dev/null &
        pid=$!
        until UMBRA_SOCKET=$dir/umbra.sock "$UMBRA" status --json >/dev/null 2>&1; do kill -0 "$pid"; done
        UMBRA_SOCKET=$dir/umbra.sock "$@" || status=$?
        kill "$pid"
        wait "$pid" || true
        return "$status"
}

storage_catalog() {
        local few
        few=$(with_catalog 1000 "$STORAGE" query)
        out=$(with_catalog 10000 "$STORAGE" query)
        figure snapshot-list-of-10000 "$(with_catalog 10000 microseconds "$UMBRA" snapshot list)" us 100000 at-most
        figure query-next-last-tenth-of-first "$(ratio next-last next-first)" ratio 1.5 at-most
        figure query-next-of-10000-of-1000 "$(awk -v a="$(pick next-last <<<"$out")" -v b="$(pick next-last <<<"$few")" \
                'BEGIN { printf "%.2f", a / b }')" ratio 1.5 at-most
}

do_storage() {
        local part
        [ "$(id -u)" = 0 ] || { echo "storage figures need root" >&2; return 1; }
        for part in $(compgen -A function storage_); do "$part"; done
}
