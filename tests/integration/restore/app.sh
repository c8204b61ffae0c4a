# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# shellcheck disable=SC2154
#
# One application, its writer, and how often it is backed up and restored: what the tests of restores share. To be sourced after shell.sh; the writer is
# umbra-test-writer, and what it was told stands in $dir/events, a line of JSON for each event.

# writer METHOD-ATTRIBUTES METHOD-CHILDREN COMPONENT-ATTRIBUTES COMPONENT-CHILDREN [WRITER-ATTRIBUTES [MORE]]: a writer with a component "data" of all
# files in $dir/app. $files: other file sets.
files=
writer() {
        local own="<ComponentFile path=\"$dir/app\" filespec=\"*\" recursive=\"yes\"/>"

        end_writer
        rm -f "$dir/events"
        cat >"$dir/writer.xml" <<END
<TestWriter writerName="App" checkIncludes="no" ${5-}>
  <RestoreMethod $1>$2</RestoreMethod>
  <Component componentType="filegroup" componentName="data" $3>
    ${files:-$own}
    $4
  </Component>
  ${6-}
</TestWriter>
END
        "$WRITER" --json --output "$dir/events" "$dir/writer.xml" 2>"$dir/writer.err" &
        writer_pid=$!
        wait_for has_writer_or_none && has_writer && return
        cat "$dir/writer.err"
        writer_pid=
        return 1
}

has_writer_or_none() { has_writer || ! kill -0 "$writer_pid"; }
has_writer() { "$UMBRA" writers | grep App >/dev/null; }
no_writer() { ! has_writer; }

end_writer() {
        [ -n "$writer_pid" ] || return 0
        kill "$writer_pid"
        wait "$writer_pid"
        writer_pid=
        wait_for no_writer
}

fresh() { # what was there at the backup
        rm -rf "$dir/app" "$dir/alternate"
        mkdir -p "$dir/app/sub"
        echo one >"$dir/app/one.db"
        echo two >"$dir/app/sub/two.db"
        echo text >"$dir/app/notes.txt"
}

backup() {
        rm -f "$dir/set"
        "$UMBRA" backup --quiet --component data --to "$dir/set" >"$dir/out" 2>"$dir/err" || { cat "$dir/err"; return 1; }
}

restore() { "$UMBRA" restore "$dir/set" "$@"; }

# told EVENT KEY VALUE: the component was described so at the last such event
told() {
        python3 - "$dir/events" "$@" <<'END'
import json, sys
event, path, value = sys.argv[2:5]
last = None
for line in open(sys.argv[1]):
    record = json.loads(line)
    if event in (record.get("event"), record.get("what")):
        last = record
found = json.dumps(last or {})
component = (last or {}).get("component", [{}])[0]
for key in path.split("."):
    component = component[int(key)] if key.isdigit() else component.get(key, {}) if isinstance(component, dict) else {}
if str(component) != value:
    print(f"    {event}: {path} is {component!r}, not {value!r}: {found}")
    sys.exit(1)
END
}
events() { grep -c "\"$1\"" "$dir/events" 2>/dev/null || true; }
is() { [ "$(cat "$1" 2>/dev/null)" = "$2" ] || { echo "    $1 is not '$2'"; return 1; }; }
absent() { [ ! -e "$1" ] || { echo "    $1 is there"; return 1; }; }
