#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# How writers want their files restored, and that it is done so: methods, targets, places, parts. The writer is umbra-test-writer, which also checks
# what the requester does; what it was told stands in $dir/events, a line of JSON for each event. $UMBRA, $UMBRAD and $WRITER are the programs.
# shellcheck source=tests/integration/shell.sh
. "${0%/*}/../shell.sh"
# shellcheck source=tests/integration/restore/app.sh
. "${0%/*}/app.sh"

fresh
start_umbrad || { echo "umbrad does not start"; exit 1; }

# Methods

not_there() {
        writer 'method="RESTORE_IF_NOT_THERE"' '' '' '' && backup || return 1
        echo new >"$dir/app/one.db" && rm "$dir/app/notes.txt"
        expect 5 'is there, and its writer' restore && is "$dir/app/one.db" new && absent "$dir/app/notes.txt" || return 1
        told PostRestore fileRestoreStatus none || return 1
        rm -r "$dir/app"
        expect 0 'content' restore && is "$dir/app/one.db" one && is "$dir/app/sub/two.db" two && told PostRestore fileRestoreStatus all
}
that 'files that are to be restored only if they are not there are left alone when one is' not_there

not_there_elsewhere() {
        fresh
        writer 'method="RESTORE_IF_NOT_THERE"' \
                "<AlternateLocationMapping path=\"$dir/app\" filespec=\"*\" recursive=\"yes\" alternatePath=\"$dir/alternate\"/>" '' '' && backup || return 1
        echo new >"$dir/app/one.db"
        expect 0 'alternate location' restore && is "$dir/app/one.db" new && is "$dir/alternate/one.db" one && is "$dir/alternate/sub/two.db" two &&
                told PostRestore alternateLocationMapping.0.alternatePath "$dir/alternate"
}
that 'or they go to the alternate location, and the writer is told' not_there_elsewhere

can_replace() {
        local opener
        fresh
        writer 'method="RESTORE_IF_CAN_BE_REPLACED"' '' '' '' && backup || return 1
        echo new >"$dir/app/one.db"
        exec {opener}<"$dir/app/sub/two.db"
        expect 5 'two.db. is in use' restore && grep -q "open in " "$dir/err" && is "$dir/app/one.db" new || return 1
        exec {opener}<&-
        expect 0 'content' restore && is "$dir/app/one.db" one
}
that 'a file that is open keeps all of its component from being replaced' can_replace

never_told() {
        fresh
        writer 'method="RESTORE_IF_CAN_BE_REPLACED" writerRestore="never"' '' '' '' && backup && end_writer || return 1
        rm "$dir/app/one.db"
        expect 0 'without its writer' restore && is "$dir/app/one.db" one && [ "$(events PreRestore)" = 0 ]
}
that 'a writer that wants no part in restores need not run' never_told

told_if_needed() {
        local opener
        fresh
        writer 'method="RESTORE_IF_CAN_BE_REPLACED" writerRestore="ifReplaceFails"' '' '' '' && backup || return 1
        expect 0 'without its writer' restore && [ "$(events PreRestore)" = 0 ] || return 1
        exec {opener}<"$dir/app/one.db"
        expect 5 'in use' restore && [ "$(events PreRestore)" -gt 0 ] || return 1
        end_writer
        expect 5 'not running' restore || return 1
        exec {opener}<&-
        expect 0 'without its writer' restore
}
that 'one that is needed only if files are in the way is asked only then' told_if_needed

always_told() {
        fresh
        writer 'method="RESTORE_IF_CAN_BE_REPLACED"' '' '' '' && backup && end_writer || return 1
        rm "$dir/app/one.db"
        expect 5 'is not running' restore && absent "$dir/app/one.db" && expect 0 'without its writer' restore --no-writers && is "$dir/app/one.db" one
}
that 'one that is always needed must run, unless it is said that it need not' always_told

fake_systemctl() { # $dir/bin/systemctl writes down what it was told; $dir/active: the units that run
        mkdir -p "$dir/bin"
        cat >"$dir/bin/systemctl" <<END
#!/bin/sh
case "\$1" in
is-active) grep -qx "\$4" "$dir/active" || exit 3 ;;
stop) [ ! -e "$dir/stuck" ] || exit 1; grep -vx "\$4" "$dir/active" >"$dir/active.new"; mv "$dir/active.new" "$dir/active" ;;
start) echo "\$4" >>"$dir/active" ;;
esac
[ "\$1" = is-active ] || echo "\$1 \$4 \$(cat "$dir/app/one.db")" >>"$dir/systemctl.log"
END
        chmod +x "$dir/bin/systemctl"
        rm -f "$dir/systemctl.log"
        echo "$1" >"$dir/active"
}
with_systemctl() { UMBRA_LIBEXECDIR=$dir/bin "$@"; }

stop_restore_start() {
        fresh
        writer 'method="STOP_RESTORE_START" service="app.service"' '' '' '' && backup || return 1
        fake_systemctl app.service
        echo new >"$dir/app/one.db"
        with_systemctl expect 0 'content' restore && is "$dir/app/one.db" one || return 1
        is "$dir/systemctl.log" $'stop app.service new\nstart app.service one' || return 1
        fake_systemctl other.service # ours does not run
        with_systemctl expect 0 'content' restore && absent "$dir/systemctl.log" && is "$dir/active" other.service
}
that 'a service is stopped before the first file and started after the last, if it runs' stop_restore_start

stuck_service() {
        fake_systemctl app.service
        touch "$dir/stuck"
        echo new >"$dir/app/one.db"
        with_systemctl expect 1 'no-services' restore && is "$dir/app/one.db" new && told PostRestore fileRestoreStatus none || return 1
        rm "$dir/stuck"
        printf '#!/bin/sh\nexit 1\n' >"$dir/bin/systemctl"
        with_systemctl expect 1 'systemd cannot be asked' restore && is "$dir/app/one.db" new || return 1
        with_systemctl expect 0 'content' restore --no-services && is "$dir/app/one.db" one
}
that 'one that cannot be stopped is an error, before anything is written, and can be left to the administrator' stuck_service

restore_stop_start() {
        fresh
        writer 'method="RESTORE_STOP_START" service="app.service"' '' '' '' && backup || return 1
        fake_systemctl app.service
        echo new >"$dir/app/one.db"
        with_systemctl expect 0 'content' restore && is "$dir/systemctl.log" $'stop app.service one\nstart app.service one'
}
that 'or it is restarted after the last' restore_stop_start

that 'what is no name of a service is refused' eval 'writer "method=\"STOP_RESTORE_START\" service=\"-x; reboot\"" "" "" "" && backup && expect 1 "not the name of one" restore'

alternate() {
        local files="<ComponentFile path=\"$dir/app\" filespec=\"*.db\" recursive=\"yes\"/><ComponentFile path=\"$dir/app\" filespec=\"notes.*\"/>"
        fresh
        writer 'method="RESTORE_TO_ALTERNATE_LOCATION"' \
                "<AlternateLocationMapping path=\"$dir/app\" filespec=\"*.db\" recursive=\"yes\" alternatePath=\"$dir/alternate/db\"/>
                 <AlternateLocationMapping path=\"$dir/app\" filespec=\"notes.*\" recursive=\"no\" alternatePath=\"$dir/alternate/notes\"/>" '' '' && backup || return 1
        rm -r "$dir/app"
        mkdir -p "$dir/alternate/db" && echo stale >"$dir/alternate/db/old.db" && echo other >"$dir/alternate/db/other.txt"
        expect 0 'content' restore && absent "$dir/app/one.db" && is "$dir/alternate/db/one.db" one && is "$dir/alternate/db/sub/two.db" two &&
                is "$dir/alternate/notes/notes.txt" text && absent "$dir/alternate/db/old.db" && is "$dir/alternate/db/other.txt" other &&
                told PostRestore alternateLocationMapping.1.alternatePath "$dir/alternate/notes"
}
that 'each file set has an alternate location of its own' alternate

alternate_of_some() {
        fresh
        writer 'method="RESTORE_TO_ALTERNATE_LOCATION"' \
                "<AlternateLocationMapping path=\"$dir/app\" filespec=\"*.db\" recursive=\"yes\" alternatePath=\"$dir/alternate\"/>
                 <AlternateLocationMapping path=\"$dir/app\" filespec=\"*.txt\" recursive=\"yes\" alternatePath=\"$dir/alternate/text\"/>" '' '' && backup || return 1
        expect 0 'content' restore && is "$dir/alternate/one.db" one && is "$dir/alternate/text/notes.txt" text
}
that 'a mapping that is for no file set is used all the same' alternate_of_some

alternate_below() { # only what is below goes there, and there is nothing else
        fresh
        rm "$dir/app/one.db" "$dir/app/notes.txt"
        writer 'method="RESTORE_TO_ALTERNATE_LOCATION"' \
                "<AlternateLocationMapping path=\"$dir/app/sub\" filespec=\"*\" recursive=\"yes\" alternatePath=\"$dir/alternate\"/>" '' '' && backup || return 1
        rm -r "$dir/app"
        expect 0 'content' restore && is "$dir/alternate/two.db" two && absent "$dir/app"
}
that 'directories that nothing goes into are not made' alternate_below

no_alternate() {
        local files="<ComponentFile path=\"$dir/app\" filespec=\"*.db\" recursive=\"yes\"/><ComponentFile path=\"$dir/app\" filespec=\"notes.*\"/>"
        fresh
        writer 'method="RESTORE_TO_ALTERNATE_LOCATION"' \
                "<AlternateLocationMapping path=\"$dir/app\" filespec=\"*.db\" recursive=\"yes\" alternatePath=\"$dir/alternate\"/>" '' '' && backup || return 1
        rm -r "$dir/app"
        expect 5 'notes.txt. has no alternate location' restore && absent "$dir/alternate" && told PostRestore fileRestoreStatus none
}
that 'a file without one keeps all of them from being restored' no_alternate

at_reboot() {
        local opener
        fresh
        writer 'method="REPLACE_AT_REBOOT_IF_CANNOT_REPLACE"' '' '' '' && backup || return 1
        echo new >"$dir/app/one.db"
        exec {opener}<"$dir/app/one.db"
        expect 0 'REBOOT: its files were in use' restore && is "$dir/app/one.db" one && [ "$(cat <&"$opener")" = new ] || return 1
        exec {opener}<&-
        expect 0 'content' restore && ! grep -q REBOOT "$dir/err"
}
that 'at reboot means at once, and that who has it open keeps the old one until then' at_reboot
that 'a reboot that the writer wants is said' eval 'writer "method=\"RESTORE_IF_CAN_BE_REPLACED\" rebootRequired=\"yes\"" "" "" "" && backup && expect 0 "REBOOT: its writer" restore'

custom() {
        fresh
        writer 'method="CUSTOM" userProcedure="appctl restore"' '' '' '' && backup || return 1
        rm "$dir/app/one.db"
        expect 1 'appctl restore.*--custom' restore && absent "$dir/app/one.db" && [ "$(events PreRestore)" = 0 ] || return 1
        expect 0 'Restored' restore --component data --to "$dir/custom" && is "$dir/custom$dir/app/one.db" one || return 1
        expect 0 'without its writer' restore --custom && is "$dir/app/one.db" one && [ "$(events PreRestore)" = 0 ]
}
that 'a procedure of the writer is not ours, unless it is said to be' custom

# Targets

target_alternate() {
        local files="<ComponentFile path=\"$dir/app\" filespec=\"*.db\" recursive=\"yes\"/><ComponentFile path=\"$dir/app\" filespec=\"notes.*\"/>"
        fresh
        writer 'method="RESTORE_IF_CAN_BE_REPLACED"' \
                "<AlternateLocationMapping path=\"$dir/app\" filespec=\"*\" recursive=\"yes\" alternatePath=\"$dir/alternate\"/>" 'restoreTarget="alternate"' '' &&
                backup || return 1
        echo new >"$dir/app/one.db"
        expect 0 'content' restore && is "$dir/app/one.db" new && is "$dir/alternate/one.db" one || return 1
        writer 'method="RESTORE_IF_CAN_BE_REPLACED"' '' 'restoreTarget="alternate"' '' && backup || return 1
        expect 5 'asks for the alternate location, and names none' restore
}
that 'a writer may ask for its alternate location when the restore begins' target_alternate

target_original() {
        fresh
        writer 'method="RESTORE_IF_NOT_THERE"' '' 'restoreTarget="originalLocation"' '' && backup || return 1
        echo new >"$dir/app/one.db"
        expect 0 'content' restore && is "$dir/app/one.db" one || return 1
        writer 'method="RESTORE_IF_NOT_THERE"' '' 'restoreTarget="original"' '' && backup || return 1
        expect 5 'is there' restore # original means: as the method says
}
that 'the original location is a target of its own, and original means the method' target_original

no_files() {
        fresh
        files="<ComponentFile path=\"$dir/app\" filespec=\"*.bd\"/>" writer 'method="RESTORE_IF_CAN_BE_REPLACED"' '' '' '' || return 1
        rm -f "$dir/set"
        expect 0 "component 'data' has no files" "$UMBRA" backup --quiet --component data --to "$dir/set" || return 1
        touch "$dir/app/one.bd" && rm "$dir/set"
        expect 0 '' "$UMBRA" backup --quiet --component data --to "$dir/set" && [ ! -s "$dir/err" ]
}
that 'a component that names files of which there are none is told of' no_files

directed() {
        fresh
        printf 'abcdefghij' >"$dir/app/source"
        truncate -s 1000000 "$dir/app/holes" # nothing but a hole
        writer 'method="RESTORE_IF_CAN_BE_REPLACED"' '' 'restoreTarget="directed"' \
                "<DirectedTarget sourcePath=\"$dir/app\" sourceFilename=\"source\" sourceRanges=\"0:3,8:2\" destinationPath=\"$dir/other\" destinationFilename=\"there\" destinationRanges=\"10:3,0x0:2\"/>
                 <DirectedTarget sourcePath=\"$dir/app\" sourceFilename=\"source\" sourceRanges=\"4:1\" destinationPath=\"$dir/app\" destinationFilename=\"new\" destinationRanges=\"0:1\"/>
                 <DirectedTarget sourcePath=\"$dir/app\" sourceFilename=\"holes\" sourceRanges=\"999998:2\" destinationPath=\"$dir/other\" destinationFilename=\"there\" destinationRanges=\"4:2\"/>" &&
                backup || return 1
        mkdir -p "$dir/other" && printf '0123456789012345' >"$dir/other/there" && chmod 640 "$dir/other/there"
        rm "$dir/app/source" && echo new >"$dir/app/one.db"
        expect 0 'content' restore && absent "$dir/app/source" && is "$dir/app/one.db" one && is "$dir/app/new" e || return 1
        [ "$(tr '\0' Z <"$dir/other/there")" = 'ij23ZZ6789abc345' ] && [ "$(stat -c %a "$dir/other/there")" = 640 ] &&
                reaches_rule IVssComponent AddDirectedTarget 'requester honours it only if the restore target is VSS_RT_DIRECTED'
}
that 'bytes of one file go where the writer directs them, in files that are there and in new ones' directed

directed_attributes() {
        fresh
        printf 'abcdefghij' >"$dir/app/source" && setfattr -n user.of -v source "$dir/app/source" && chmod 604 "$dir/app/source"
        writer 'method="RESTORE_IF_CAN_BE_REPLACED"' '' 'restoreTarget="directed"' \
                "<DirectedTarget sourcePath=\"$dir/app\" sourceFilename=\"source\" sourceRanges=\"0:3\" destinationPath=\"$dir/other\" destinationFilename=\"there\" destinationRanges=\"0:3\"/>
                 <DirectedTarget sourcePath=\"$dir/app\" sourceFilename=\"source\" sourceRanges=\"0:3\" destinationPath=\"$dir/other\" destinationFilename=\"new\" destinationRanges=\"0:3\"/>" &&
                backup || return 1
        mkdir -p "$dir/other" && printf 0123 >"$dir/other/there" && touch -d @1 "$dir/other/there" || return 1
        chmod 4750 "$dir/other/there" && setfattr -n user.of -v destination "$dir/other/there" && setfacl -m u:12345:rx "$dir/other/there" || return 1
        getfacl -cp "$dir/other/there" >"$dir/acl" 2>/dev/null
        expect 0 'content' restore && is "$dir/other/there" abc3 && is "$dir/other/new" abc || return 1
        [ "$(stat -c %a "$dir/other/there" "$dir/other/new")" = "4750
604" ] && [ "$(getfattr --only-values --absolute-names -n user.of "$dir/other/there" "$dir/other/new")" = destinationsource ] &&
                getfacl -cp "$dir/other/there" 2>/dev/null | cmp -s - "$dir/acl" && [ "$(stat -c %Y "$dir/other/there")" -gt 1 ]
}
that 'what is more than bytes of a file stays as it is where some go, and comes along where there was none' directed_attributes

directed_beyond() {
        fresh
        writer 'method="RESTORE_IF_CAN_BE_REPLACED"' '' 'restoreTarget="directed"' \
                "<DirectedTarget sourcePath=\"$dir/app\" sourceFilename=\"one.db\" sourceRanges=\"0:5\" destinationPath=\"$dir/other\" destinationFilename=\"there\" destinationRanges=\"0:5\"/>" &&
                backup || return 1
        printf 'untouched' >"$dir/other/there"
        expect 1 'does not have all the bytes' restore && is "$dir/other/there" untouched && told PostRestore fileRestoreStatus failed
}
that 'bytes that the set does not have leave the destination as it is, and the writer hears of it' directed_beyond

directed_partial() { # only the saved parts of a file, in a file that is shorter: the example of the documentation
        fresh
        printf 'HEADxxxxxxxxxxxxTAIL' >"$dir/app/source"
        writer 'method="RESTORE_IF_CAN_BE_REPLACED"' '' 'restoreTarget="directed"' \
                "<PartialFile path=\"$dir/app\" filespec=\"source\" ranges=\"16:4, 0x0:4\"/>
                 <DirectedTarget sourcePath=\"$dir/app\" sourceFilename=\"source\" sourceRanges=\"0:4,16:4\" destinationPath=\"$dir/other\" destinationFilename=\"short\" destinationRanges=\"0:4,4:4\"/>" &&
                backup || return 1
        chmod 604 "$dir/app/source" && printf 'untouched' >"$dir/app/source"
        expect 0 'content' restore && is "$dir/other/short" HEADTAIL && is "$dir/app/source" untouched || return 1
        writer 'method="RESTORE_IF_CAN_BE_REPLACED"' '' 'restoreTarget="directed"' \
                "<PartialFile path=\"$dir/app\" filespec=\"source\" ranges=\"0:4\"/>
                 <DirectedTarget sourcePath=\"$dir/app\" sourceFilename=\"source\" sourceRanges=\"0:5\" destinationPath=\"$dir/other\" destinationFilename=\"short\" destinationRanges=\"0:5\"/>" &&
                backup || return 1
        expect 1 'does not have all the bytes' restore && is "$dir/other/short" HEADTAIL
}
that 'parts of a file can be directed elsewhere, but only those that were saved' directed_partial

# Parts, places, words

parts() {
        fresh
        mkdir "$dir/app/child" && echo child >"$dir/app/child/file"
        writer 'method="RESTORE_IF_CAN_BE_REPLACED"' '' '' '' '' \
                "<Component componentType=\"filegroup\" logicalPath=\"data\" componentName=\"child\" selectable=\"no\" selectableForRestore=\"yes\">
                   <ComponentFile path=\"$dir/app/child\" filespec=\"*\"/></Component>
                 <Component componentType=\"filegroup\" logicalPath=\"data\" componentName=\"kept\" selectable=\"no\">
                   <ComponentFile path=\"$dir/app/sub\" filespec=\"*\"/></Component>" && backup || return 1
        echo new >"$dir/app/one.db" && echo new >"$dir/app/child/file"
        expect 0 'content' restore --component 'data\child' && is "$dir/app/child/file" child && is "$dir/app/one.db" new || return 1
        told PreRestore restoreSubcomponent.0.componentName child && told PreRestore restoreSubcomponent.0.logicalPath data || return 1
        expect 1 'does not want it restored by itself' restore --component 'data\kept' && is "$dir/app/one.db" new || return 1
        expect 0 'content' restore --component 'App:data' && is "$dir/app/one.db" one
}
that 'a part is restored by itself if its writer allows it, and then nothing else of the component' parts

new_place() {
        fresh
        writer 'method="RESTORE_IF_NOT_THERE"' '' '' '' && backup || return 1
        echo new >"$dir/app/one.db"
        expect 0 'content' restore --component data --to "$dir/place" && is "$dir/place$dir/app/one.db" one && is "$dir/app/one.db" new || return 1
        told PreRestore newTarget.0.path "$dir/app" && told PreRestore newTarget.0.alternatePath "$dir/place$dir/app" &&
                told PostRestore fileRestoreStatus all || return 1
        rm -r "$dir/place" && end_writer
        expect 0 'restored without it' restore --component data --to "$dir/place" && is "$dir/place$dir/app/one.db" one || return 1
        writer 'method="RESTORE_IF_NOT_THERE"' '' '' '' 'supportsNewTarget="no"' && backup || return 1
        rm -r "$dir/place"
        expect 0 'Restored' restore --component data --to "$dir/place" && is "$dir/place$dir/app/sub/two.db" two && [ "$(events PreRestore)" = 0 ]
}
that 'a component is restored to a new place, and a writer that supports that is told' new_place

words() {
        local option
        fresh
        writer 'method="RESTORE_IF_CAN_BE_REPLACED"' '' '' '' \
                'supportsAuthoritativeRestore="yes" supportsRollForwardRestore="yes" supportsRestoreRename="yes"' && backup || return 1
        expect 0 'content' restore --option '"Roll Forward"="None"' --authoritative --roll-forward 12:00 --restore-name other || return 1
        told PreRestore restoreOptions '"Roll Forward"="None"' && told PreRestore rollForward partial && told PreRestore rollForwardPoint 12:00 &&
                told PreRestore restoreName other && told PreRestore authoritativeRestore True || return 1
        expect 0 'content' restore --roll-forward all && told PreRestore rollForward all && expect 0 'content' restore --roll-forward none || return 1
        expect 1 'no part' restore --no-writers --option x || return 1
        writer 'method="RESTORE_IF_CAN_BE_REPLACED"' '' '' '' && backup || return 1
        for option in --authoritative '--roll-forward all' '--restore-name x' '--instance x'; do
                # shellcheck disable=SC2086
                expect 1 'did not declare' restore $option || return 1
        done
        [ "$(events PreRestore)" = 0 ]
}
that 'what is said to a writer reaches it, if it declared that it understands it' words

instance() {
        fresh
        writer 'method="RESTORE_IF_CAN_BE_REPLACED"' '' '' '' 'supportsRestoreWithMove="yes" instanceName="first"' && backup || return 1
        expect 1 'no instance .second' restore --instance second && expect 0 'content' restore --instance first && [ "$(events PreRestore)" -gt 0 ] || return 1

        sed 's/"first"/"second"/' "$dir/writer.xml" >"$dir/second.xml"
        "$WRITER" --json --output "$dir/events.second" "$dir/second.xml" &
        second_pid=$!
        wait_for grep -q '"ready"' "$dir/events.second" || return 1
        echo new >"$dir/app/one.db"
        expect 0 'content' restore --instance second && is "$dir/app/one.db" one && told_second PreRestore selectedForRestore yes || return 1
        [ "$(python3 -c 'import json,sys; print(sum(1 for l in open(sys.argv[1]) for c in json.loads(l).get("component", []) if json.loads(l).get("event") == "PreRestore"))' "$dir/events")" = 1 ]
}
second_pid=
also_clean_up() { [ -z "$second_pid" ] || kill "$second_pid" 2>/dev/null; }
told_second() { # as told, of the other writer
        mv "$dir/events" "$dir/events.first" && mv "$dir/events.second" "$dir/events"
        told "$@"
        local answer=$?
        mv "$dir/events" "$dir/events.second" && mv "$dir/events.first" "$dir/events"
        return $answer
}
that 'a component moves to another instance of its writer, which must run' instance
[ -z "$second_pid" ] || { kill "$second_pid"; wait "$second_pid"; second_pid=; }

failures() {
        fresh
        writer 'method="RESTORE_IF_CAN_BE_REPLACED"' '' '' \
                '<FailEvent writerEvent="PreRestore" numFailures="1" message="not the data"/>' && backup || return 1
        echo new >"$dir/app/one.db"
        expect 5 'not the data' restore && is "$dir/app/one.db" new && told PostRestore fileRestoreStatus none || return 1
        expect 0 'content' restore && is "$dir/app/one.db" one || return 1
        writer 'method="RESTORE_IF_CAN_BE_REPLACED"' '' '' '<FailEvent writerEvent="PostRestore" message="a torn page"/>' && backup || return 1
        expect 5 'a torn page' restore && is "$dir/app/one.db" one && ! grep -q content "$dir/err"
}
that 'a component that fails is named, nothing is written, and the writer hears the end of it' failures

obstructed() {
        fresh
        writer 'method="RESTORE_IF_CAN_BE_REPLACED"' '' '' '' && backup || return 1
        rm "$dir/app/one.db" && mkdir "$dir/app/one.db" && touch "$dir/app/one.db/precious" && rm "$dir/app/notes.txt"
        expect 1 'one.db.*stands in the way' restore && is "$dir/app/notes.txt" text && told PostRestore fileRestoreStatus failed || return 1
        expect 1 'one.db.*stands in the way' restore --component data
        rm -r "$dir/app/one.db"
}
that 'some files are not all files, and the writer is told so' obstructed

interrupted() {
        local pid
        fresh
        head -c 150000000 /dev/urandom >"$dir/app/large"
        writer 'method="RESTORE_IF_CAN_BE_REPLACED"' '' '' '' && "$UMBRA" backup --quiet --compress none --component data --to "$dir/set.large" 2>"$dir/err" || return 1
        echo new >"$dir/app/one.db"
        "$UMBRA" restore "$dir/set.large" >"$dir/out" 2>"$dir/err" &
        pid=$!
        wait_for grep -q '"PreRestore"' "$dir/events" || return 1
        kill -INT $pid
        wait $pid
        [ $? = 130 ] && told PostRestore fileRestoreStatus none
}
that 'a restore that is interrupted is 130, and the writers hear the end of it all the same' interrupted
rm -f "$dir/app/large" "$dir/set.large"

directories() {
        fresh
        chmod 2711 "$dir/app/sub"
        writer 'method="RESTORE_IF_CAN_BE_REPLACED"' '' '' '' && backup || return 1
        rm -r "$dir/app"
        expect 0 'content' restore --component data && [ "$(stat -c %a "$dir/app/sub")" = 2711 ]
}
that 'one component brings its directories with their modes' directories

settled() { # leaks are not looked for by who is traced
        fresh
        writer 'method="RESTORE_IF_CAN_BE_REPLACED"' '' '' '' && backup || return 1
        echo stale >"$dir/app/one.db-journal"
        ASAN_OPTIONS="${ASAN_OPTIONS:-}:detect_leaks=0" strace -f -o "$dir/trace" -e trace=unlinkat,syncfs,linkat,renameat \
                "$UMBRA" restore "$dir/set" >"$dir/out" 2>"$dir/err" && absent "$dir/app/one.db-journal" || return 1
        awk '/ unlinkat\(.*"one.db-journal"/ { gone = 1 }
             / syncfs\(/ && gone { settled = 1 }
             / (linkat|renameat)\(/ && !settled { early = 1 }
             END { exit !gone || !settled || early }' "$dir/trace" || { cat "$dir/trace"; return 1; }
}
if strace -o /dev/null true 2>/dev/null; then
        that 'what must go is gone on disk before the first file gets its name' settled
fi

end_writer
finish
