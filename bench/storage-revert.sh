# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The figures of reverting: a volume of 10 GiB with 1 % changed becomes what its snapshot is. Half of the data is in files of 1 GiB, changed in
# pieces of 64 KiB all over them, as databases and images of machines are; the other half in files of 1 MiB, of which 1 % are replaced. Beside it
# rsync does the same from the same snapshot. Both begin with nothing in the page cache and end when all is on the disk. $UMBRA_BENCH_SIZE (MiB)
# makes it smaller.

REVERT_SIZE=${UMBRA_BENCH_SIZE:-10240}

revert_noise() { openssl enc -aes-128-ctr -pass "pass:$1" -nosalt </dev/zero 2>/dev/null; }

revert_fill() { # revert_fill DIR
        local dir=$1 large=$((REVERT_SIZE / 2)) i
        mkdir -p "$dir/small"
        for i in $(seq $(((large + 1023) / 1024))); do
                head -c $((large < 1024 ? large : 1024))M < <(revert_noise "$i") >"$dir/large-$i"
        done
        head -c $((REVERT_SIZE - large))M < <(revert_noise small) | split -b 1M -a 5 - "$dir/small/"
        sync -f "$dir"
}

revert_change() { # revert_change DIR: 1 %
        python3 - "$1" <<'PY'
import os, random, sys
random.seed(1)
top = sys.argv[1]
for name in sorted(os.listdir(top)):
    if name.startswith("large-"):
        path = f"{top}/{name}"
        pieces = os.path.getsize(path) // 65536
        with open(path, "r+b") as f:
            for piece in random.sample(range(pieces), max(pieces // 100, 1)):
                f.seek(piece * 65536)
                f.write(os.urandom(65536))
names = sorted(os.listdir(f"{top}/small"))
for name in random.sample(names, max(len(names) // 100, 1)):
    with open(f"{top}/small/{name}", "wb") as f:
        f.write(os.urandom(1 << 20))
PY
        sync -f "$1"
        echo 3 >/proc/sys/vm/drop_caches
}

revert_by_rsync() { # revert_by_rsync SNAPSHOT DIR
        rsync -a --delete --inplace --exclude=/.umbra-shadow "$1/" "$2/"
        sync -f "$2"
}

milliseconds() {
        local before after
        before=$(date +%s%N)
        "$@" >/dev/null
        after=$(date +%s%N)
        echo $(((after - before) / 1000000))
}

# revert_figure NAME VOLUME
revert_figure() {
        local name=$1 volume=$2 id device theirs ours
        revert_fill "$volume"
        read -r id device < <("$UMBRA" snapshot create --persistent --json "$volume" |
                python3 -c 'import json, sys; s = json.load(sys.stdin)[0]; print(s["snapshot"], s["device"])')
        revert_change "$volume"
        ours=$(milliseconds "$UMBRA" revert --yes --quiet "$id")
        diff -r --no-dereference --exclude=.umbra-shadow "$device" "$volume" >&2
        revert_change "$volume"
        theirs=$(milliseconds revert_by_rsync "$device" "$volume") # after this nothing is shared any more
        echo "$name: rsync $theirs ms, umbra $ours ms" >&2
        figure "$name-faster-than-rsync" "$(awk -v a="$theirs" -v b="$ours" 'BEGIN { printf "%.1f", a / b }')" ratio 10 at-least
        "$UMBRA" snapshot delete --quiet "$id"
}

storage_revert_btrfs() {
        loop_fs revert-btrfs btrfs $((REVERT_SIZE * 2 + 1024))M
        command btrfs subvolume create "$TMP/mounts/revert-btrfs/data" >/dev/null
        revert_figure revert-btrfs "$TMP/mounts/revert-btrfs/data"
        umount "$TMP/mounts/revert-btrfs"
        rm "$TMP/revert-btrfs.img"
}

storage_revert_xfs() {
        loop_fs revert-xfs xfs $((REVERT_SIZE * 2 + 1024))M
        revert_figure revert-xfs "$TMP/mounts/revert-xfs"
        umount "$TMP/mounts/revert-xfs"
        rm "$TMP/revert-xfs.img"
}
