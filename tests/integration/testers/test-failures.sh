#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Every event failed with several codes, by the configuration of the test writer, against a real umbrad: what the requester is told, and what
# the writer says. $TEST_WRITER and $BETEST are the programs.
# shellcheck source=tests/integration/testers/testers.sh
. "${0%/*}/testers.sh"

# code as configured : as the requester sees it
codes=(
        'VSS_E_WRITERERROR_INCONSISTENTSNAPSHOT:VSS_E_WRITERERROR_INCONSISTENTSNAPSHOT'
        'VSS_E_WRITERERROR_OUTOFRESOURCES:VSS_E_WRITERERROR_OUTOFRESOURCES'
        '0x800423F2:VSS_E_WRITERERROR_TIMEOUT'
        '2147754995:VSS_E_WRITERERROR_RETRYABLE'
        'VSS_E_WRITERERROR_NONRETRYABLE:VSS_E_WRITERERROR_NONRETRYABLE'
        'VSS_E_WRITERERROR_PARTIAL_FAILURE:VSS_E_WRITERERROR_PARTIAL_FAILURE'
        'E_ACCESSDENIED:VSS_E_WRITERERROR_NONRETRYABLE' # not one for writers: false is all that remains
)

write_config() { # what stands in it besides a component
        cat >"$dir/writer.xml" <<-XML
		<TestWriter usage="USER_DATA" level="BACK_END" supportsCopy="yes">
		    <RestoreMethod method="RESTORE_IF_CAN_BE_REPLACED" writerRestore="always"/>
		    <Component componentType="filegroup" componentName="TestFiles">
		        <ComponentFile path="$dir/data" filespec="*" recursive="yes"/>
		        $2
		    </Component>
		    $1
		</TestWriter>
	XML
}

start_writer() {
        if [ -n "$writer" ]; then # a sentence before has failed
                kill -9 "$writer" 2>/dev/null
                wait "$writer" 2>/dev/null
        fi
        rm -f "$dir/writer.out" # where the last one said that it is ready
        "$TEST_WRITER" "$dir/writer.xml" >"$dir/writer.out" 2>"$dir/writer.err" &
        writer=$!
        started+=("$writer")
        wait_for grep -q '^.* ready:' "$dir/writer.out"
}

betest() { "$BETEST" "$@" /S "$dir/backup.xml" /D "$dir/backup"; }
said() { grep -qE -- "$1" "$dir/out" || { echo "    betest did not say: $1"; return 1; }; }

fail_events() { # EVENT: a rule per code, each at its own time
        local i
        for i in "${!codes[@]}"; do
                echo "<FailEvent writerEvent=\"$1\" code=\"${codes[i]%%:*}\" after=\"$i\" numFailures=\"1\" applicationCode=\"$((i + 1))\" message=\"no. $i\"/>"
        done
}

# Fails EVENT with each code in turn; the status says STATE, the code, the application's code and the sentence.
fails_with_each_code() {
        local event=$1 state=$2 mode=$3 i seen extra
        rm -rf "$dir/backup" && mkdir "$dir/backup"
        write_config "$(fail_events "$event")" ''
        start_writer || return 1
        [ "$mode" = /B ] || { expect 0 '' betest /B || return 1; }
        for i in "${!codes[@]}"; do
                seen=${codes[i]#*:}
                extra=" application=0x0000000$((i + 1)) message=\"no\\. $i\""
                [ "${codes[i]%%:*}" != E_ACCESSDENIED ] || extra=
                expect 5 '' betest "$mode" || return 1
                said "writer: TestVssWriter .*state=$state failure=$seen$extra" || return 1
        done
        expect 0 '' betest "$mode" || return 1
        stop_writer 0
}

fails_silently() { # the event returns false, and says nothing of why
        write_config '<FailEvent writerEvent="Freeze" silent="yes"/>' '' && start_writer && expect 5 '' betest /B &&
                said 'state=failedAtFreeze failure=VSS_E_WRITERERROR_NONRETRYABLE$' && stop_writer 0
}

fails_retryably() { # the documented example: the first two times, with a random code that may go away
        write_config '<FailEvent writerEvent="Freeze" retryable="yes" numFailures="2"/>' '' && start_writer || return 1
        for _ in 1 2; do
                expect 5 '' betest /B || return 1
                said 'failure=VSS_E_WRITERERROR_(INCONSISTENTSNAPSHOT|OUTOFRESOURCES|TIMEOUT|RETRYABLE)' || return 1
        done
        expect 0 '' betest /B && stop_writer 0
}

identify_fails() {
        write_config '<FailEvent writerEvent="Identify" numFailures="1"/>' '' && start_writer &&
                expect 1 'no writer that is there' betest /B && expect 0 '' betest /B && stop_writer 0
}

abort_fails() { # nobody is told, and the first failure stays
        write_config '<FailEvent writerEvent="Freeze" numFailures="1"/><FailEvent writerEvent="Abort" numFailures="1"/>' '' &&
                start_writer && expect 5 '' betest /B && said 'state=failedAtFreeze' && heard 'failing: Abort' &&
                expect 0 '' betest /B && stop_writer 0
}

shutdown_fails() { # nobody is told
        write_config '<FailEvent writerEvent="BackupShutdown"/>' '' && start_writer && expect 0 '' betest /B &&
                wait_for heard 'failing: BackupShutdown' && stop_writer 0
}

# The component says why, and the writer that it is not all of it.
component_fails() {
        local event=$1 state=$2 mode=$3
        rm -rf "$dir/backup" && mkdir "$dir/backup"
        write_config '' "<FailEvent writerEvent=\"$event\" numFailures=\"1\" code=\"VSS_E_WRITERERROR_TIMEOUT\" message=\"too slow\"/>"
        start_writer || return 1
        [ "$mode" = /B ] || { expect 0 '' betest /B || return 1; }
        expect 5 '' betest "$mode" /V && said "state=$state failure=VSS_E_WRITERERROR_PARTIAL_FAILURE" || return 1
        [ "$event" = PostRestore ] || said 'component: .*failure=VSS_E_WRITERERROR_TIMEOUT.*failureMessage="too slow"' || return 1
        expect 0 '' betest "$mode" && stop_writer 0
}

stops_at_the_first_error() {
        write_config '<FailEvent writerEvent="PrepareForBackup" numFailures="1"/>' '' && start_writer &&
                expect 5 'AbortBackup' betest /B /StopError && ! said DoSnapshotSet >/dev/null && stop_writer 0
}

late_freeze() { # the limit is the writer's own; it wakes by itself
        write_config '<DelayEvent writerEvent="Freeze" milliseconds="20000" numDelays="1"/>' ''
        sed -i 's/level=/freezeTimeout="200" level=/' "$dir/writer.xml"
        start_writer && expect 5 'DoSnapshotSet' betest /B && said 'state=failedAtFreeze' && heard 'Freeze takes 20000 ms longer' || return 1
        kill -9 "$writer"
        wait "$writer"
        return 0
}

# umbrad is killed while the writer is in EVENT: the requester is told, the writer hears the end in the right order, and both go on.
umbrad_dies() {
        local requester status
        write_config "<DelayEvent writerEvent=\"$1\" milliseconds=\"3000\" numDelays=\"1\"/>" '' && start_writer || return 1
        "$BETEST" /B /S "$dir/backup.xml" >"$dir/out" 2>&1 &
        requester=$!
        wait_for heard "$1 takes 3000 ms longer" || return 1
        kill -9 "$umbrad_pid"
        wait "$umbrad_pid" 2>/dev/null
        wait "$requester"
        status=$?
        [ "$status" = 1 ] && said 'connection to umbrad was lost' || { echo "    betest ended with $status"; return 1; }
        rm "$UMBRA_SOCKET"
        start_umbrad && wait_for heard 'connection to umbrad is lost' && heard ' BackupShutdown ' && wait_for "$BETEST" /B && stop_writer 0
}

mkdir "$dir/data" "$dir/backup"
echo something >"$dir/data/file"
start_umbrad || { echo 'umbrad does not start'; exit 1; }

while read -r event state mode; do
        that "a writer that fails at $event is reported with each code it gives" fails_with_each_code "$event" "$state" "$mode"
done <<'TABLE'
PrepareForBackup failedAtPrepareForBackup /B
PrepareForSnapshot failedAtPrepareForSnapshot /B
PrepareForSnapsot failedAtPrepareForSnapshot /B
Freeze failedAtFreeze /B
Thaw failedAtThaw /B
PostSnapshot failedAtPostSnapshot /B
BackupComplete failedAtBackupComplete /B
PreRestore failedAtPreRestore /R
PostRestore failedAtPostRestore /R
TABLE
that 'a writer may fail without a word' fails_silently
that 'a retryable failure is one of four, and goes away' fails_retryably
that 'a writer that fails at Identify is not there' identify_fails
that 'a failure at Abort changes nothing' abort_fails
that 'a failure at BackupShutdown is told to nobody' shutdown_fails
while read -r event state mode; do
        that "a component that fails at $event says why" component_fails "$event" "$state" "$mode"
done <<'TABLE'
PrepareForBackup failedAtPrepareForBackup /B
PostSnapshot failedAtPostSnapshot /B
PreRestore failedAtPreRestore /R
PostRestore failedAtPostRestore /R
TABLE
that 'the requester stops at the first error when told to' stops_at_the_first_error
that 'a writer that is late is failed, and woken' late_freeze
for event in PrepareForBackup PrepareForSnapshot Freeze Thaw PostSnapshot BackupComplete; do
        that "an umbrad that dies at $event ends what was going on, in order" umbrad_dies "$event"
done
finish
