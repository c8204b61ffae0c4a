#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The umbra command before the eyes of the test writer: whatever a writer asks for, the bytes come back, and the writer finds nothing wrong.
# $UMBRA and $TEST_WRITER are the programs.
# shellcheck source=tests/integration/testers/testers.sh
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

odd_names() { # in every text that a configuration can hold
        fresh && with_writer 'writerName="w &amp; &quot;x&quot; é &#9;tab" instanceName="&lt;in&gt;"' "<Component componentType=\"filegroup\"
                logicalPath=\"a b\\c&amp;d\" componentName=\"&lt;n&quot;&gt; é\" caption=\"c&#10;aption\">$(whole)<BackupMetadata metadata=\"x&#10;y\\x41\"/>
                <BackupStamp stamp=\"&lt;stamp&gt;\"/></Component>" && comes_back && heard 'backupStamp=<stamp>'
}

long_words() { # a megabyte of private words
        fresh && with_writer '' "$(component TestFiles '' "$(whole)<BackupMetadata metadata=\"$(head -c 1000000 /dev/zero | tr '\0' x)\"/>")" && comes_back
}

overlapping() { # three components have the same files
        fresh && with_writer '' "$(component A '' "$(whole)")$(component B '' "$(files "$dir/data/deep" '*' 'recursive="yes"')")
                $(component C '' "$(files "$dir/data" 'ran*')")" && comes_back
}

logs() { # a log backup holds the logs and nothing else
        fresh && with_writer 'supportsLog="yes"' "<Component componentType=\"database\" componentName=\"DB\">
                <ComponentFile path=\"$dir/data\" filespec=\"*\" logBackupRequired=\"no\"/>
                <ComponentLogFile path=\"$dir/data/deep/er\" filespec=\"*.txt\" fullBackupRequired=\"no\"/></Component>" && backup --type full || return 1
        rm -f "$dir/full" && mv "$dir/set" "$dir/full"
        backup --type log --since "$dir/full" && expect 0 '^1 file,' "$UMBRA" show "$dir/set" && rm -rf "$dir/data/"* || return 1
        expect 0 '' "$UMBRA" restore --quiet "$dir/full" "$dir/set" && same "$dir/data" "$dir/before" && stop_writer 0
}

no_restore_events() {
        fresh && with_writer '' "<RestoreMethod method=\"RESTORE_IF_CAN_REPLACE\" writerRestore=\"never\"/>$(component TestFiles '' "$(whole)")" && comes_back
}

restore_vetoed() { # EVENT FILES: 5, with the sentence of the writer, and so many files are there
        fresh && with_writer '' "$(component TestFiles '' "$(whole)")<FailEvent writerEvent=\"$1\" numFailures=\"1\" message=\"out of ink\"/>" && backup || return 1
        rm -rf "$dir/data/"*
        expect 5 'out of ink' "$UMBRA" restore "$dir/set" && [ "$(find "$dir/data" -type f | tr -cd '/' | wc -c)" "$2" 0 ] && stop_writer 0
}

component_left_out() { # a component that fails is left out when that is allowed, and the others are good
        fresh && with_writer '' "$(component A '' "$(files "$dir/data" 'random')")
                $(component B '' "$(files "$dir/data" 'empty')<FailEvent writerEvent=\"$1\" numFailures=\"2\" message=\"torn\"/>")" || return 1
        rm -f "$dir/set"
        expect 5 'torn' "$UMBRA" backup --to "$dir/set" && [ ! -e "$dir/set" ] && expect 7 "WITHOUT component 'B'" "$UMBRA" backup --best-effort --to "$dir/set" || return 1
        rm -rf "$dir/data/"*
        restore && same "$dir/data/random" "$dir/before/random" && [ ! -e "$dir/data/empty" ] && stop_writer 0
}

dependencies() { # what a chosen component needs of another writer comes along, and goes back as well
        local other result=0
        fresh && mkdir "$dir/needed" && echo needed >"$dir/needed/file"
        printf '<TestWriter writerId="%s" checkIncludes="yes"><RestoreMethod method="RESTORE_IF_CAN_BE_REPLACED"/>%s%s</TestWriter>' \
                11111111-2222-3333-4444-555555555555 "$(component Needed 'logicalPath="Path"' "$(files "$dir/needed" '*')")" \
                "$(component NotNeeded '' "$(files "$dir/nowhere" '*')")" >"$dir/other.xml"
        "$TEST_WRITER" --output "$dir/other.out" "$dir/other.xml" &
        other=$!
        started+=("$other")
        wait_for grep -q ' ready:' "$dir/other.out"
        with_writer '' "$(component TestFiles '' "$(whole)<Dependency writerId=\"11111111-2222-3333-4444-555555555555\" logicalPath=\"Path\" componentName=\"Needed\"/>")"
        backup --component TestFiles && rm -rf "$dir/data/"* "$dir/needed/file" && restore && same "$dir/data" "$dir/before" &&
                [ "$(cat "$dir/needed/file")" = needed ] && ! grep -q 'componentName=NotNeeded' "$dir/other.out" || result=1
        kill "$other" && wait "$other" || result=1
        rm -r "$dir/needed"
        stop_writer 0 && return $result
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
that 'names and words may be odd' odd_names
that 'private words may be long' long_words
that 'components may have the same files' overlapping
that 'a log backup holds the logs' logs
that 'a writer need not want to hear of restores' no_restore_events
that 'a writer that fails at PreRestore prevents the restore' restore_vetoed PreRestore -eq
that 'a writer that fails at PostRestore fails it, and the files are there' restore_vetoed PostRestore -gt
that 'a component that fails at PrepareForBackup is left out when that is allowed' component_left_out PrepareForBackup
that 'a component that fails at PostSnapshot is left out when that is allowed' component_left_out PostSnapshot
that 'what a component needs of another writer comes along' dependencies
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
