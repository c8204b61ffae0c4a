#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The umbra command before the eyes of the test writer: whatever a writer asks for, the bytes come back, and the writer finds nothing wrong.
# $UMBRA and $TEST_WRITER are the programs.
. "${0%/*}/testers.sh"

backup() { rm -f "$dir/set" && expect 0 '' "$UMBRA" backup --quiet --to "$dir/set" "$@"; }
restore() { expect 0 '' "$UMBRA" restore --quiet "$dir/set" "$@"; }
comes_back() { backup && rm -rf "$dir/data/"* && restore && same "$dir/data" "$dir/before" && stop_writer 0; }
whole() { files "$dir/data" '*' 'recursive="yes"'; }

deleted_files() {
        fresh && with_writer 'deleteFiles="yes"' "$(component TestFiles '' "$(whole)")" && backup && [ ! -e "$dir/data/random" ] && restore &&
                same "$dir/data" "$dir/before" && stop_writer 0
}

spit_files() {
        fresh && with_writer 'deleteFiles="yes"' "$(component TestFiles '' "$(files "$dir/data" '*' "recursive=\"yes\" alternatePath=\"$dir/spit\"")")" &&
                backup && restore && same "$dir/data" "$dir/before" && stop_writer 0
}

excluded_files() {
        fresh && echo no >"$dir/data/not.tmp" && with_writer '' "<RestoreMethod method=\"RESTORE_IF_CAN_BE_REPLACED\"/>
                <ExcludeFile path=\"$dir/data\" filespec=\"*.tmp\" recursive=\"yes\"/>$(component TestFiles '' "$(whole)")" && comes_back
}

databases() {
        fresh && with_writer '' "<Component componentType=\"database\" logicalPath=\"Server\" componentName=\"DB\">
                <ComponentFile path=\"$dir/data\" filespec=\"*\"/><ComponentLogFile path=\"$dir/data/deep/er\" filespec=\"*.txt\"/></Component>" && comes_back
}

subcomponents() { # followers, one that cannot be chosen, and one that can, each below another
        fresh && with_writer '' "$(component Set '' "$(files "$dir/data" '*')")$(component Deep 'logicalPath="Set" selectable="no"' "$(files "$dir/data/deep/er" '*.txt')")
                $(component Top 'selectable="no"' "$(files "$dir/data/deep" '*')")$(component Below 'logicalPath="Set"' "$(files "$dir/data/deep" '*')")" && comes_back
}

mandatory() { # what cannot be chosen comes along with what was chosen
        fresh && with_writer '' "$(component Set '' "$(files "$dir/data" '*')")$(component Must 'selectable="no"' "$(files "$dir/data/deep/er" '*')")" &&
                backup --component Set && rm -rf "$dir/data/"* && restore && same "$dir/data" "$dir/before" && stop_writer 0
}

partial_files() {
        fresh && with_writer '' "$(component TestFiles '' "$(whole)<PartialFile path=\"$dir/data\" filespec=\"random\" ranges=\"0:5, 0x64:20\"/>")" && backup || return 1
        printf 'XXXXXXXX' | dd of="$dir/data/random" conv=notrunc status=none
        printf 'Y' | dd of="$dir/data/random" bs=1 seek=200 conv=notrunc status=none
        restore && stop_writer 0 && [ "$(cmp -l "$dir/data/random" "$dir/before/random" | awk '{ print $1 }' | tr '\n' ' ')" = '6 7 8 201 ' ]
}

alternate_locations() {
        fresh && with_writer '' "<RestoreMethod method=\"$1\"><AlternateLocationMapping path=\"$dir/data\" filespec=\"*\" recursive=\"yes\" alternatePath=\"$dir/elsewhere\"/></RestoreMethod>
                $(component TestFiles "$2" "$(whole)")" && backup && restore && same "$dir/elsewhere" "$dir/before" && same "$dir/data" "$dir/before" && stop_writer 0
}

directed_targets() {
        fresh && with_writer '' "$(component TestFiles 'restoreTarget="directed"' "$(whole)
                <DirectedTarget sourcePath=\"$dir/data\" sourceFilename=\"random\" sourceRanges=\"10:10,100:10\"
                destinationPath=\"$dir/elsewhere\" destinationFilename=\"parts\" destinationRanges=\"5:10,15:10\"/>")" && backup && restore && stop_writer 0
}

chain() { # TYPE: a full backup, one that builds on it, and both back in one go
        fresh && touch -d '2020-01-01' "$dir/data/"*
        with_writer 'supportsIncremental="yes" supportsDifferential="yes" supportsLastModify="yes"' "$(component TestFiles '' "$(whole)
                <BackupStamp/><DifferencedFile path=\"$dir/data\" filespec=\"*\" recursive=\"yes\" year=\"2021\"/>")" && backup --type full || return 1
        rm -f "$dir/full" && mv "$dir/set" "$dir/full"
        head -c 10000 /dev/urandom >"$dir/data/random"
        echo new >"$dir/data/new"
        cp -a "$dir/data/." "$dir/before/"
        backup --type "$1" --since "$dir/full" && heard 'previousBackupStamp=[0-9]+' && rm -rf "$dir/data/"* || return 1
        expect 0 '' "$UMBRA" restore --quiet "$dir/full" "$dir/set" && same "$dir/data" "$dir/before" && stop_writer 0
}

instances_and_levels() { # one class, one name of a component, four levels
        local level pids=() result=0
        fresh
        for level in SYSTEM FRONT_END BACK_END SYSTEM_RM; do
                mkdir "$dir/data/$level" && echo "$level" >"$dir/data/$level/file"
                printf '<TestWriter level="%s" checkIncludes="yes" instanceName="%s"><RestoreMethod method="RESTORE_IF_CAN_BE_REPLACED"/>%s</TestWriter>' \
                        "$level" "$level" "$(component same '' "$(files "$dir/data/$level" '*' 'recursive="yes"')")" >"$dir/$level.xml"
                "$TEST_WRITER" --output "$dir/$level.out" "$dir/$level.xml" &
                pids+=($!)
                started+=($!)
                wait_for grep -q 'ready' "$dir/$level.out"
        done
        backup && rm "$dir/data/"*/file && restore || result=1
        for level in "${pids[@]}"; do kill "$level" && wait "$level" || result=1; done
        for level in SYSTEM FRONT_END BACK_END SYSTEM_RM; do [ "$(cat "$dir/data/$level/file")" = "$level" ] || result=1; done
        return $result
}

failing() { # EVENT CODE: the backup is 5, says what the writer said, and leaves nothing
        fresh && with_writer '' "$(component TestFiles '' "$(whole)")<FailEvent writerEvent=\"$1\" numFailures=\"1\" code=\"$2\" message=\"out of paper\"/>" || return 1
        rm -f "$dir/set"
        expect 5 'out of paper' "$UMBRA" backup --to "$dir/set" && [ ! -e "$dir/set" ] && comes_back
}

start_umbrad || { echo 'umbrad does not start'; exit 1; }
that 'files that the writer deletes come out of the shadow copy' deleted_files
that 'spit files come back to where they were' spit_files
that 'excluded files stay out' excluded_files
that 'databases have log files' databases
that 'subcomponents follow' subcomponents
that 'what cannot be chosen comes along' mandatory
that 'of partial files only the ranges come back' partial_files
that 'a writer may want everything at an alternate location' alternate_locations RESTORE_TO_ALTERNATE_LOCATION ''
that 'files that are there go to the alternate location' alternate_locations RESTORE_IF_NOT_THERE ''
that 'a component may want the alternate location' alternate_locations RESTORE_IF_CAN_REPLACE 'restoreTarget="alternate"'
that 'ranges of files go to directed targets' directed_targets
that 'an incremental chain comes back' chain incremental
that 'a differential backup comes back' chain differential
that 'instances of one class are told apart' instances_and_levels
while read -r event code; do
        that "a writer that fails at $event fails the backup, once" failing "$event" "$code"
done <<'TABLE'
PrepareForBackup VSS_E_WRITERERROR_NONRETRYABLE
PrepareForSnapshot VSS_E_WRITERERROR_INCONSISTENTSNAPSHOT
Freeze VSS_E_WRITERERROR_TIMEOUT
Thaw VSS_E_WRITERERROR_OUTOFRESOURCES
PostSnapshot VSS_E_WRITERERROR_RETRYABLE
TABLE
finish
