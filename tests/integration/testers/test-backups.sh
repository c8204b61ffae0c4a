#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Backups and restores of umbra-betest against umbra-test-writer: whatever the configuration asks for, the bytes come back, and both say so;
# and what a requester does wrong, the writer finds. $TEST_WRITER, $BETEST, $TINYVSS and $UMBRA are the programs.
# shellcheck source=tests/integration/testers/testers.sh
. "${0%/*}/testers.sh"

betest() { expect 0 '' "$BETEST" /S "$dir/backup.xml" /D "$dir/backup" "$@"; }
betest_config() { printf '<BETest><Writer writerid="%s">%s</Writer></BETest>\n' "$id" "$1" >"$dir/betest.xml"; }
said() { grep -qE -- "$1" "$dir/out" || { echo "    betest did not say: $1"; return 1; }; }

documented_example() { # as it stands in the documentation, with paths of this machine
        fresh
        with_writer '' "$(component TestFiles '' "$(files "$dir/data" '*' 'recursive="yes"')")"
        betest_config '<Component componentName="TestFiles"></Component>'
        betest /B /X "$dir/betest.xml" && rm -rf "$dir/data/"* && betest /R /X "$dir/betest.xml" && same "$dir/data" "$dir/before" &&
                stop_writer 0
}

deleted_files() { # the writer deletes everything once the copy is there, and the same run restores it
        fresh
        with_writer 'deleteFiles="yes"' "$(component TestFiles '' "$(files "$dir/data" '*' 'recursive="yes"')")"
        betest && heard 'deleted .*file.txt' && same "$dir/data" "$dir/before" && stop_writer 0
}

excluded_files() {
        fresh
        echo no >"$dir/data/not.tmp"
        with_writer '' "<RestoreMethod method=\"RESTORE_IF_CAN_BE_REPLACED\"/><ExcludeFile path=\"$dir/data\" filespec=\"*.tmp\" recursive=\"yes\"/>
                        $(component TestFiles '' "$(files "$dir/data" '*' 'recursive="yes"')")"
        betest /B && rm -rf "$dir/data/"* && betest /R && same "$dir/data" "$dir/before" && stop_writer 0
}

spit_files() {
        fresh
        with_writer 'deleteFiles="yes"' "$(component TestFiles '' "$(files "$dir/data" '*' "recursive=\"yes\" alternatePath=\"$dir/spit\"")")"
        betest && heard 'copied .*random.*spit' && same "$dir/data" "$dir/before" && [ -z "$(find "$dir/spit" -type f)" ] && stop_writer 0
}

databases() { # with log files, which have no "recursive"
        fresh
        with_writer '' "<Component componentType=\"database\" logicalPath=\"Server\" componentName=\"DB\">
                        <ComponentFile path=\"$dir/data\" filespec=\"*\"/><ComponentLogFile path=\"$dir/data/deep/er\" filespec=\"*.txt\"/></Component>"
        betest /B && rm -rf "$dir/data/"* && betest /R && same "$dir/data" "$dir/before" && stop_writer 0
}

partial_files() { # the rest of the file stays as it is
        fresh
        with_writer '' "$(component TestFiles '' "$(files "$dir/data" '*' 'recursive="yes"')
                        <PartialFile path=\"$dir/data\" filespec=\"random\" ranges=\"0:5, 0x64:20\" metadata=\"of mine\"/>")"
        betest /B /V && said 'partialFile .*ranges="0:5, 0x64:20" metadata="of mine"' || return 1
        printf 'XXXXXXXX' | dd of="$dir/data/random" conv=notrunc status=none
        printf 'Y' | dd of="$dir/data/random" bs=1 seek=200 conv=notrunc status=none
        betest /R && stop_writer 0 || return 1
        [ "$(cmp -l "$dir/data/random" "$dir/before/random" | awk '{ print $1 }' | tr '\n' ' ')" = '6 7 8 201 ' ]
}

incremental_chain() { # only what was changed since then is in the second one
        fresh
        touch -d '2020-01-01' "$dir/data/"*
        with_writer 'supportsIncremental="yes" supportsLastModify="yes"' "$(component TestFiles '' "$(files "$dir/data" '*' 'recursive="yes"')
                        <BackupStamp/><DifferencedFile path=\"$dir/data\" filespec=\"*\" recursive=\"yes\" year=\"2021\"/>")"
        betest /B && cp "$dir/backup.xml" "$dir/full.xml" && mv "$dir/backup" "$dir/full" || return 1
        head -c 10000 /dev/urandom >"$dir/data/random"
        echo new >"$dir/data/new"
        cp -a "$dir/data/." "$dir/before/"
        betest /B /V /T INCREMENTAL /Pre "$dir/full.xml" && said 'previousBackupStamp=[0-9]+' && said 'SetPreviousBackupStamp' || return 1
        [ "$(cd "$dir/backup/files$dir/data" && find . -maxdepth 1 -type f | sort | tr '\n' ' ')" = './new ./random ' ] || return 1
        rm -rf "$dir/data/"*
        betest_config '<Component componentName="TestFiles" additionalRestores="yes"/>'
        expect 0 '' "$BETEST" /R /S "$dir/full.xml" /D "$dir/full" /X "$dir/betest.xml" && heard 'not checked: more restores follow' &&
                betest /R && same "$dir/data" "$dir/before" && stop_writer 0
}

differenced_elsewhere() { # a set that the metadata does not have
        fresh
        mkdir "$dir/data/other" && echo other >"$dir/data/other/one"
        cp -a "$dir/data/." "$dir/before/"
        with_writer 'supportsDifferential="yes"' "$(component TestFiles '' "$(files "$dir/data" '*')
                        <DifferencedFile path=\"$dir/data/other\" filespec=\"*\" year=\"2021\"/>")"
        betest /B /T DIFFERENTIAL && rm "$dir/data/other/one" && betest /R && same "$dir/data" "$dir/before" && stop_writer 0
}

new_targets() {
        fresh
        with_writer '' "$(component TestFiles '' "$(files "$dir/data" '*' 'recursive="yes"')")"
        betest_config "<Component componentName=\"TestFiles\"><NewTarget path=\"$dir/data\" filespec=\"*\" recursive=\"yes\" alternatePath=\"$dir/elsewhere\"/></Component>"
        betest /B && rm -rf "$dir/data/"* && betest /R /X "$dir/betest.xml" && same "$dir/elsewhere" "$dir/before" &&
                [ -z "$(ls -A "$dir/data")" ] && stop_writer 0
}

alternate_locations() {
        fresh
        with_writer '' "<RestoreMethod method=\"$1\"><AlternateLocationMapping path=\"$dir/data\" filespec=\"*\" recursive=\"yes\" alternatePath=\"$dir/elsewhere\"/></RestoreMethod>
                        $(component TestFiles "$2" "$(files "$dir/data" '*' 'recursive="yes"')")"
        betest /B && betest /R && said 'AddAlternativeLocationMapping' && same "$dir/elsewhere" "$dir/before" && same "$dir/data" "$dir/before" &&
                stop_writer 0
}

directed_targets() { # two ranges of one file become one of another
        fresh
        with_writer '' "$(component TestFiles 'restoreTarget="directed"' "$(files "$dir/data" '*' 'recursive="yes"')
                        <DirectedTarget sourcePath=\"$dir/data\" sourceFilename=\"random\" sourceRanges=\"10:10,100:10\"
                        destinationPath=\"$dir/elsewhere\" destinationFilename=\"parts\" destinationRanges=\"5:10,15:10\"/>")"
        betest /B && betest /R && stop_writer 0 || return 1
        cmp <(dd if="$dir/before/random" bs=1 skip=10 count=10 status=none; dd if="$dir/before/random" bs=1 skip=100 count=10 status=none) \
            <(dd if="$dir/elsewhere/parts" bs=1 skip=5 status=none)
}

subcomponents() { # what is not selectable comes with what it follows, and one of them comes back alone
        fresh
        with_writer '' "$(component Set '' "$(files "$dir/data" '*')")$(component Deep 'logicalPath="Set" selectable="no" selectableForRestore="yes"' "$(files "$dir/data/deep/er" '*.txt')")"
        betest_config "<Component componentName=\"Set\"><RestoreSubcomponent logicalPath=\"Set\" componentName=\"Deep\"/></Component>"
        betest /B || return 1
        [ "$(grep -c 'AddComponent' "$dir/out")" = 1 ] || return 1
        rm -rf "$dir/data/"*
        betest /R /X "$dir/betest.xml" && [ "$(cd "$dir/data" && find . -type f)" = ./deep/er/file.txt ] &&
                betest /R && same "$dir/data" "$dir/before" && stop_writer 0
}

options() { # everything that a requester can say of a component reaches the writer
        fresh
        with_writer 'supportsAuthoritativeRestore="yes" supportsRollForwardRestore="yes" supportsRestoreRename="yes"' "$(component TestFiles 'restoreMetadata="yes"' "$(files "$dir/data" '*' 'recursive="yes"')
                        <BackupMetadata metadata=\"saved &amp; private\"/><RestoreMetadata metadata=\"while restoring\"/>")"
        betest_config '<Component componentName="TestFiles" backupOptions="fast" restoreOptions="slow" restoreName="Other" rollForward="partial"
                        rollForwardPoint="12:00"/>'
        betest /B /X "$dir/betest.xml" && heard 'PrepareForBackup' && heard 'backupOptions=fast' && betest /R /Auth /X "$dir/betest.xml" || return 1
        heard 'backupMetadata="saved & private"' && heard 'restoreOptions=slow' && heard 'authoritativeRestore' &&
                heard 'rollForward=partial rollForwardPoint=12:00 restoreName=Other' && heard 'restoreMetadata="while restoring"' && stop_writer 0
}

refused_configuration() { # a second value for what can be said once: the exit code says so
        fresh
        with_writer '' "$(component TestFiles '' "$(files "$dir/data" '*')<BackupMetadata metadata=\"one\"/><BackupMetadata metadata=\"two\"/>")"
        betest /B && heard 'refused: SetBackupMetadata.* code=VSS_E_OBJECT_ALREADY_EXISTS during=PrepareForBackup' && stop_writer 1
}

refused_metadata() { # a dependency within one writer: it is not there then, and it says why
        fresh
        with_writer '' "$(component One '' "$(files "$dir/data" '*')
<Dependency writerId=\"$id\" componentName=\"Two\"/>")$(component Two '' '')"
        expect 1 'no writer that is there' "$BETEST" /B && heard 'refused: "?<Dependency> in line 2.* code=E_INVALIDARG during=Identify' && stop_writer 1
}

wrong_content() { # somebody changes the backup between saving and restoring
        fresh
        with_writer '' "$(component TestFiles '' "$(files "$dir/data" '*' 'recursive="yes"')")"
        betest /B && echo other >"$dir/backup/files$dir/data/random" && rm "$dir/backup/files$dir/data/empty" "$dir/data/empty" && betest /R &&
                heard "violation: '.*/random' was restored .* with other content" && heard "violation: '.*/empty' was not restored" && stop_writer 3
}

excluded_saved() { # tinyvss does not know of exclusions
        fresh
        echo no >"$dir/data/not.tmp"
        mkdir "$dir/tiny"
        with_writer '' "<RestoreMethod method=\"RESTORE_IF_CAN_BE_REPLACED\"/><ExcludeFile path=\"$dir/data\" filespec=\"*.tmp\"/>
                        $(component TestFiles '' "$(files "$dir/data" '*' 'recursive="yes"')")"
        expect 0 '' "$TINYVSS" backup "$dir/tiny" && rm -rf "$dir/data/"* && expect 0 '' "$TINYVSS" restore "$dir/tiny" &&
                heard 'violation: .*not.tmp.* was restored, although it is excluded' && stop_writer 3
}

mandatory_left_out() { # tinyvss takes what is selectable, and what stands on top
        fresh
        with_writer '' "$(component One '' "$(files "$dir/data" 'random')")$(component Two 'logicalPath="Nowhere" selectable="no"' "$(files "$dir/data" 'empty')")"
        expect 0 '' "$TINYVSS" backup "$dir/tiny" && heard "violation: 'Nowhere.Two' .* must be added" && stop_writer 3
}

forgotten_volume() { # a volume given by hand that does not hold the files
        fresh
        mkdir -p "$dir/data/deep" "$dir/elsewhere"
        with_writer '' "$(component TestFiles '' "$(files "$dir/data" '*')")"
        printf '<BETest><Volume path="%s"/></BETest>\n' "$dir/elsewhere" >"$dir/betest.xml"
        expect 0 '' "$BETEST" /B /S "$dir/backup.xml" /D "$dir/backup" /X "$dir/betest.xml" && said "AddToSnapshotSet\\('$dir/data'\\)" && stop_writer 0
}

instances_and_levels() { # front end first, then back end, then system; and back again
        local level pids=() order
        fresh
        for level in SYSTEM FRONT_END BACK_END; do
                printf '<TestWriter level="%s" instanceName="%s"><RestoreMethod method="RESTORE_IF_CAN_BE_REPLACED"/>%s</TestWriter>' "$level" "$level" \
                        "$(component "$level" '' "$(files "$dir/data" '*' 'recursive="yes"')")" >"$dir/$level.xml"
                "$TEST_WRITER" --json --output "$dir/$level.json" "$dir/$level.xml" &
                pids+=($!)
                started+=($!)
                wait_for grep -q '"ready"' "$dir/$level.json"
        done
        betest /B || return 1
        for level in "${pids[@]}"; do kill "$level" && wait "$level" || return 1; done
        order=$(cat "$dir"/{SYSTEM,FRONT_END,BACK_END}.json | grep -E '"event":"(Freeze|Thaw)"' | sort | grep -oE '"level":"[A-Z_]*"' | cut -d'"' -f4 | tr '\n' ' ')
        [ "$order" = 'FRONT_END BACK_END SYSTEM SYSTEM BACK_END FRONT_END ' ] || { echo "    $order"; return 1; }
}

many_lists() { # as many as a real writer was seen with
        local i
        fresh
        with_writer '' "$(component TestFiles '' "$(for i in $(seq 19000); do printf '<ComponentFile path="%s/data" filespec="file-%d"/>' "$dir" "$i"; done)
                        $(files "$dir/data" '*' 'recursive="yes"')")"
        betest /B && rm -rf "$dir/data/"* && betest /R && same "$dir/data" "$dir/before" && stop_writer 0
}

json_lines() {
        fresh
        with_writer '' "$(component TestFiles '' "$(files "$dir/data" '*' 'recursive="yes"')<BackupMetadata metadata=\"&quot;\\ &#9;ü\"/>")"
        kill "$writer" && wait "$writer"
        rm "$dir/writer.out"
        "$TEST_WRITER" --json "$dir/writer.xml" >"$dir/writer.out" &
        writer=$!
        started+=("$writer")
        wait_for grep -q '"ready"' "$dir/writer.out"
        expect 0 '' "$BETEST" --json /V /S "$dir/backup.xml" /D "$dir/backup" && stop_writer 0 || return 1
        cat "$dir/writer.out" "$dir/out" | python3 -c 'import json, sys
for line in sys.stdin: json.loads(line)'
}

saved_metadata() { # what the writer said of itself, as its document
        fresh
        with_writer '' "$(component TestFiles '' "$(files "$dir/data" '*' 'recursive="yes"')")"
        betest /B --metadata "$dir/metadata" && grep -q "WRITER_METADATA.*$id.*TestFiles" "$dir/metadata/writer-1.xml" && stop_writer 0
}

list_of_components() { # the older configuration
        fresh
        with_writer '' "$(component One '' "$(files "$dir/data" 'random')")$(component Two '' "$(files "$dir/data" 'empty')")$(component Three '' "$(files "$dir/data" 'sparse')")"
        printf '"%s" : "One", "Three";\n' "$id" >"$dir/list"
        betest /B /C "$dir/list" && said "AddComponent.*'One'" && said "AddComponent.*'Three'" && ! said "AddComponent.*'Two'" >/dev/null && stop_writer 0
}

incomplete() { # a backup without its end: the writer hears no BackupComplete
        fresh
        with_writer '' "$(component TestFiles '' "$(files "$dir/data" '*' 'recursive="yes"')")"
        betest /B /NBC && wait_for heard ' BackupShutdown ' && ! heard ' BackupComplete ' >/dev/null && stop_writer 0
}

only_a_snapshot() {
        fresh
        with_writer '' "$(component TestFiles '' "$(files "$dir/data" '*' 'recursive="yes"')")"
        betest /Snapshot && said 'shadowCopy: ' && [ ! -e "$dir/backup/files" ] && stop_writer 0
}

document_nowhere() { # the writers hear of no backup that is over
        local nowhere
        fresh
        with_writer '' "$(component TestFiles '' "$(files "$dir/data" '*' 'recursive="yes"')")"
        for nowhere in "$dir/nowhere/backup.xml" "$dir/data" "$dir/data/empty/backup.xml"; do
                expect 1 "'$nowhere' cannot be written: (No such file|Is a dir|Not a dir)" "$BETEST" /B /S "$nowhere" /D "$dir/backup" || return 1
        done
        ! grep -qE 'PrepareBackup|BackupComplete' "$dir/writer.out" && stop_writer 0
}

# The report of the writer lies on the file system that is held for the copy: who wrote meanwhile would sleep, and time would run out.
report_on_a_frozen_disk() {
        [ "$(id -u)" = 0 ] || return 0
        truncate -s 64M "$dir/fs.img" && mkfs.ext4 -q -F "$dir/fs.img" && mkdir "$dir/disk" && mount -o loop "$dir/fs.img" "$dir/disk" || return 1
        mkdir "$dir/disk/data" && echo one >"$dir/disk/data/file"
        printf '<TestWriter checkIncludes="yes" verbosity="high" freezeTimeout="5000"><RestoreMethod method="RESTORE_IF_CAN_REPLACE"/>%s</TestWriter>' \
                "$(component TestFiles '' "$(files "$dir/disk/data" '*')")" >"$dir/writer.xml"
        "$TEST_WRITER" --output "$dir/disk/report" "$dir/writer.xml" &
        writer=$!
        started+=("$writer")
        wait_for grep -q ' ready:' "$dir/disk/report"
        printf '<BETest><Volume path="%s"/></BETest>\n' "$dir/disk" >"$dir/betest.xml"
        rm -rf "$dir/backup"
        betest /B /X "$dir/betest.xml" && grep -q ' PostSnapshot ' "$dir/disk/report" && "$UMBRA" status --json | grep -qE '"held_usec":[1-9]' &&
                stop_writer 0 && wait_for umount "$dir/disk" # when the shadow copy is gone
}

start_umbrad || { echo 'umbrad does not start'; exit 1; }
that 'the documented example works' documented_example
that 'files that the writer deletes come out of the shadow copy' deleted_files
that 'excluded files stay out' excluded_files
that 'spit files are saved from where they are, and come back to where they were' spit_files
that 'databases have log files' databases
that 'of partial files only the ranges come back' partial_files
that 'an incremental backup holds what was changed, and a chain comes back' incremental_chain
that 'differenced files need not be in the metadata' differenced_elsewhere
that 'new targets are used, and the writer looks there' new_targets
that 'a writer may want everything at an alternate location' alternate_locations RESTORE_TO_ALTERNATE_LOCATION ''
that 'files that are there go to the alternate location' alternate_locations RESTORE_IF_NOT_THERE ''
that 'a component may want the alternate location' alternate_locations RESTORE_IF_CAN_REPLACE 'restoreTarget="alternate"'
that 'ranges of files go to directed targets' directed_targets
that 'subcomponents follow, and come back alone when asked' subcomponents
that 'options, names and private words arrive' options
that 'what umbra does not take of a configuration is said' refused_configuration
that 'metadata that umbra does not take is named by its line' refused_metadata
that 'the writer finds content that was changed, and files that are missing' wrong_content
that 'the writer finds excluded files that come back' excluded_saved
that 'the writer finds components that were left out' mandatory_left_out
that 'directories that no given volume holds become volumes' forgotten_volume
that 'several instances freeze by level and thaw in reverse' instances_and_levels
that 'nineteen thousand file lists are no trouble' many_lists
that 'every line is JSON when asked' json_lines
that 'the metadata can be saved' saved_metadata
that 'a list of components chooses as the XML does' list_of_components
that 'a backup may be left without its end' incomplete
that 'a shadow copy can be all' only_a_snapshot
that 'a document that cannot be written is found out before anything happens' document_nowhere
that 'the report may lie on a disk that is frozen' report_on_a_frozen_disk
finish
