#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# held-pairs.sh TAKE PAIRS: sets of two logical volumes that the guard suspends together, ext4 and xfs, one of them thin and the other not, in a
# virtual machine (tests/vm). $UMBRAD is umbrad, $UMBRA_LIBEXECDIR has its helpers.
#
# While sets are taken somebody writes pairs, first to the one and then to the other volume (see pairs.c). $UMBRA_PAIR_SETS says how many sets
# are taken; half of them with the thin volume as the first.
#
# What they are compared with is the same set of volumes that nobody may suspend: umbrad itself lies on one of them and /etc on the other, so
# each is left to its own commit (volume/hold-plan.c). It must be found out after a few sets.
#
# All that runs in a root of its own (own-root.sh), as of that of the virtual machine nobody can say what it lies on.
set -uo pipefail
# shellcheck source=/dev/null
. "$UMBRA_VM_GUEST"
# shellcheck source=tests/api/sets/own-root.sh
. "${0%/*}/own-root.sh"

take=$1 pairs=$2

# thin-xfs cow-xfs thin-ext4 cow-ext4: logical volumes by their kind and file system
make_volumes() {
        local name
        truncate -s 1300M "$dir/disk"
        vgcreate -q pairs "$(losetup -f --show "$dir/disk")"
        lvcreate -q -y -L 420M -T pairs/pool
        lvcreate -q -y -V 64M -T pairs/pool -n thin-ext4
        lvcreate -q -y -V 320M -T pairs/pool -n thin-xfs
        lvcreate -q -y -L 64M -n cow-ext4 pairs
        lvcreate -q -y -L 320M -n cow-xfs pairs
        for name in thin-ext4 thin-xfs cow-ext4 cow-xfs; do "mkfs.${name#*-}" -q "/dev/pairs/$name"; done
}

if [ -z "${UMBRA_OWN_ROOT:-}" ]; then
        export UMBRA_OWN_ROOT=1 dir
        set -e
        take=$(realpath "$take") pairs=$(realpath "$pairs")
        dir=$(mktemp -d)
        use_lvm
        make_volumes >/dev/null
        mkdir "$dir/root"
        mount -t tmpfs none "$dir/root"
        copy_programs "$dir/root" "$UMBRAD" "$UMBRA_LIBEXECDIR"/* "$take" "$pairs" bash cat cp dmsetup grep lvm mkdir mkfifo mount pgrep rm tail umount
        # Each of lvm's many commands looks at every device that it may look at.
        sed -i '$a devices { global_filter = [ "a|^/dev/loop|", "r|.*|" ] }' "$dir/root/etc/lvm/lvmlocal.conf"
        cp --parents "$UMBRA_VM_GUEST" "$0" "${0%/*}/own-root.sh" "$dir/root"
        run_in_root "$dir/root" bash "$0" "$take" "$pairs"
        exit
fi

sets=${UMBRA_PAIR_SETS:-2} unheld_max=5
export UMBRA_SOCKET=/run/umbra.sock UMBRA_LOG_LEVEL=info
state=/run/state held=/run/umbra/held log=/run/log
failures=0 umbrad='' writer='' began=$SECONDS

that() {
        local name=$1
        shift
        if "$@"; then echo "ok - $name ($((SECONDS - began)) s)"; else echo "FAILED - $name"; failures=$((failures + 1)); fi
}
wait_for() { # asks until it is so, at most two minutes
        local end=$((SECONDS + 120))
        until "$@" 2>/dev/null; do [ $SECONDS -lt $end ] || { echo "waited in vain: $*"; return 1; }; done
}

listens() { grep -q 'listens on' "$log"; }
start_umbrad() { # PROGRAM
        : >"$log"
        "$1" --socket "$UMBRA_SOCKET" --state-dir "$state" --runtime-dir /run/umbra --config /dev/null 2>"$log" &
        umbrad=$!
        wait_for listens
}
stop_umbrad() {
        kill "$umbrad"
        wait "$umbrad"
        umbrad=''
}

start_writer() { # FIRST SECOND
        "$pairs" write "$1/a" "$2/b" >/run/begun &
        writer=$!
        read -r _ </run/begun
}
stop_writer() { # and says how far it came
        kill "$writer"
        writer=''
        echo "# pairs written: $("$pairs" check "$1/a" "$2/b")"
        rm "$1/a" "$2/b"
}
take_pairs() { "$take" "$@" >/run/taken; }
says() { grep -q -e "$1" /run/taken; }

# FIRST SECOND TIMES, and says now and then how far it is
held_sets_are_whole() {
        local left n whole=1
        start_writer "$1" "$2"
        for ((left = $3; left > 0 && whole; left -= n)); do
                n=$((left < 10 ? left : 10))
                take_pairs --times $n --pairs a b "$1" "$2" && says "^0 of $n sets have .*, $n are one instant" || whole=''
                echo "# $((SECONDS - began)) s: $(tail -n 1 /run/taken)"
        done
        stop_writer "$1" "$2"
        [ -n "$whole" ] || { cat /run/taken; return 1; }
}

unheld_sets_are_found_out() {
        local status=0
        start_writer "$1" "$2"
        take_pairs --times $unheld_max --until-broken --pairs a b "$1" "$2" || status=$?
        stop_writer "$1" "$2"
        tail -n 1 /run/taken
        [ $status = 3 ] && says '^1 of [0-9]* sets have .*, 0 are one instant' && return
        echo "The test cannot fail: $unheld_max sets that were not held are whole"
        return 1
}

suspended() { dmsetup info -c --noheadings -o name,suspended | grep -c Suspended; }
both_are_suspended() { [ "$(suspended)" = 2 ] && [ "$(grep -c '^dm [0-9]*:[0-9]*$' "$held")" = 2 ]; }
nothing_is_suspended() { [ "$(suspended)" = 0 ]; }
goes_on() { [ "$("$pairs" check "$1/a" "$2/b")" != "$3" ]; }
nothing_is_left() { [ -z "$(lvm lvs --noheadings -o lv_name -S 'lv_tags={umbra}' pairs)" ]; }

# FIRST SECOND KILL: a third volume hangs at the instant, while the two are suspended; then KILL. It ends with umbrad gone.
killed_while_held() {
        local taker stuck
        echo 'consistency = 2; commit = hang' >"$state/fake.script"
        start_writer "$1" "$2"
        "$take" --fake /run/small "$1" "$2" >/dev/null 2>&1 &
        taker=$!
        that 'the guard suspends both volumes of a set, and nobody resumes them before the others have committed' wait_for both_are_suspended
        stuck=$("$pairs" check "$1/a" "$2/b")
        "$3"
        wait "$umbrad" "$taker" 2>/dev/null
        umbrad=''
        that 'both run again' wait_for nothing_is_suspended
        that 'and whoever wrote to them goes on' wait_for goes_on "$1" "$2" "$stuck"
        stop_writer "$1" "$2"
        rm "$state/fake.script"
}
kill_umbrad() { # the guard hears of it
        kill -KILL "$umbrad"
}
kill_both() {
        local guard
        guard=$(pgrep --parent "$umbrad" --exact umbra-guard)
        kill -STOP "$umbrad" # else it thaws
        kill -KILL "$guard"
        kill -KILL "$umbrad"
        that 'nobody resumes them when umbrad and guard are killed' both_are_suspended
        that 'but the stop hook of the service resumes them' "$UMBRA_LIBEXECDIR/umbra-guard" --thaw-held "$held"
}

mkdir /run/small "$state"
mkfifo /run/begun
for name in thin-ext4 thin-xfs cow-ext4 cow-xfs; do
        mkdir "/$name"
        mount "/dev/pairs/$name" "/$name" || exit 1
done

start_umbrad "$UMBRAD" || exit 1
that "of $((sets - sets / 2)) sets of thin ext4 and xfs none has the second write without the first" held_sets_are_whole /thin-ext4 /cow-xfs $((sets - sets / 2))
that "of $((sets / 2)) sets of ext4 and thin xfs none has the second write without the first" held_sets_are_whole /cow-ext4 /thin-xfs $((sets / 2))
killed_while_held /thin-ext4 /cow-xfs kill_umbrad
start_umbrad "$UMBRAD"
killed_while_held /cow-ext4 /thin-xfs kill_both

cp "$UMBRAD" /thin-ext4/umbrad
cp -a /etc /cow-xfs/etc
mount --bind /cow-xfs/etc /etc
start_umbrad /thin-ext4/umbrad
that 'what was left of those sets is taken away' wait_for nothing_is_left
that 'sets that nobody may hold are found out' unheld_sets_are_found_out /thin-ext4 /cow-xfs
that 'nothing is left suspended' nothing_is_suspended
[ $failures = 0 ] || cat "$log"
stop_umbrad
exit $((failures > 0))
