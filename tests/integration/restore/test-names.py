#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Whatever may be the name of a file comes back: names that are no UTF-8, control characters, quotes, backslashes,
255 bytes, paths of 4,095 bytes; by example, and by chance. As files that no writer knows and as those of a
component, in place and elsewhere, in one set and in a chain. $UMBRA, $UMBRAD and $WRITER are the programs; SEED repeats a run, ROUNDS is how many
random trees there are."""

import os
import random
import signal
import stat
import subprocess
import sys
import tempfile
import time
from xml.sax.saxutils import quoteattr

NAME_MAX = 255
PATH_MAX = 4095  # bytes, without the NUL

EXAMPLES = [
    b"plain", b" ", b"with space ", b"new\nline", b"tab\tbed", b"\x01\x02\x1b[31m", b"\x7f", b"\xff", b"\xfe\xff", b"latin-\xfc",
    b"\xc3\xbc", b"\xc3", b"\xf0\x9f\x92\xbe", b"\xed\xa0\x80", b"\xef\xbf\xbe", b"\xef\xbf\xbf", b"\xc0\xaf", b"quo\"te", b"quo'te",
    b"a&b", b"&amp;", b"<x>", b"]]>", b"back\\slash", b"\\", b"\\x41", b"\\x5cx", b"trailing\\", b"*", b"?", b"*.*", b"-rf", b"--", b".hidden",
    b"...", b"a:b", b"File=x", b"%41", b"!41", b"a=b", b"a,b:c", b"\xe2\x80\xa8", b"CON", b"con.", b"\xcc\x81", b"x" * NAME_MAX,
    b"\xff" * NAME_MAX, b"&" * NAME_MAX, b"\\" * NAME_MAX, b"\xc3\xbc" * 127, b"\n" * NAME_MAX,
]


def random_name(r):
    """Any bytes but the two that cannot be; more often those that somebody escapes."""
    length = r.choice([1, 2, 3, 8, 40, r.randint(1, NAME_MAX), NAME_MAX])
    odd = b"\\\"'&<>\n\r\t\x00/\xff\x80\xc3\x7f *?x5c:=%!"
    name = bytes(r.choice(odd) if r.random() < 0.4 else r.randrange(256) for _ in range(length))
    name = name.replace(b"\x00", b"_").replace(b"/", b"_")
    return name if name not in (b".", b"..") else b"dots"


class Tree:
    """A directory that is made, described and removed by descriptors, as its paths may be too long for anything else."""

    def __init__(self, path):
        self.path = path

    def open(self, parts, create=False):
        fd = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
        for part in parts:
            if create:
                try:
                    os.mkdir(part, dir_fd=fd)
                except FileExistsError:
                    pass
            try:
                child = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=fd)
            finally:
                os.close(fd)
            fd = child
        return fd

    def write(self, parts, name, content):
        fd = self.open(parts, create=True)
        try:
            out = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o640, dir_fd=fd)
            os.write(out, content)
            os.close(out)
        finally:
            os.close(fd)

    def describe(self, fd=None, prefix=()):
        """{(parts): content}; directories have None."""
        result = {}
        fd = self.open([]) if fd is None else fd
        try:
            for name in os.listdir(fd):
                name = os.fsencode(name)
                mode = os.stat(name, dir_fd=fd, follow_symlinks=False).st_mode
                here = prefix + (name,)
                if stat.S_ISDIR(mode):
                    result[here] = None
                    result.update(self.describe(os.open(name, os.O_RDONLY | os.O_DIRECTORY, dir_fd=fd), here))
                else:
                    content = os.open(name, os.O_RDONLY, dir_fd=fd)
                    result[here] = os.read(content, 1 << 16)
                    os.close(content)
        finally:
            os.close(fd)
        return result

    def clear(self):
        subprocess.run([b"rm", b"-rf", b"--", self.path], check=True)
        os.makedirs(self.path)


def deep_parts(path, r):
    """Names that bring a file below @path to exactly PATH_MAX bytes."""
    parts, left = [], PATH_MAX - len(path)
    while left > NAME_MAX + 1:
        length = min(NAME_MAX, left - 3)
        parts.append((random_name(r) * NAME_MAX)[:length] if r else b"d" * length)
        if parts[-1] in (b".", b"..") or set(parts[-1]) == {ord(".")}:
            parts[-1] = b"d" * length
        left -= len(parts[-1]) + 1
    return parts, (b"f" * (left - 1))


def populate(tree, names, r=None):
    for n, name in enumerate(names):
        tree.write([], name, b"%d " % n + name)
        tree.write([b"d" + name[:NAME_MAX - 1]], name, b"in a directory")
    parts, name = deep_parts(tree.path, r)
    tree.write(parts, name, b"deep")


class World:
    def __init__(self):
        self.dir = os.fsencode(tempfile.mkdtemp(prefix="umbra-test."))
        os.environ["UMBRA_SOCKET"] = os.fsdecode(self.dir + b"/umbra.sock")
        os.environ["UMBRA_LOG_LEVEL"] = "err"
        self.processes = []
        with open(self.dir + b"/umbra.conf", "w", encoding="utf-8") as f:
            f.write("[storage]\noverlays = yes\n")  # of a container
        self.start(os.environ["UMBRAD"], "--socket", os.environ["UMBRA_SOCKET"], "--state-dir", self.dir + b"/state", "--runtime-dir",
                   self.dir + b"/run", "--config", self.dir + b"/umbra.conf")
        self.wait_for(["status"], b"")

    def start(self, *command):
        self.processes.append(subprocess.Popen(list(command)))

    def wait_for(self, verb, word):
        end = time.monotonic() + 60
        while True:
            done = subprocess.run([os.environ["UMBRA"], *verb], capture_output=True, check=False)
            if done.returncode == 0 and word in done.stdout:
                return
            if time.monotonic() > end:
                sys.exit(f"umbra {verb} does not say {word!r}: {done.stderr!r}")

    def start_writer(self, directory):
        config = self.dir + b"/writer.xml"
        with open(config, "w", encoding="utf-8") as f:
            f.write(f"""<TestWriter writerName="Names" checkIncludes="no"><RestoreMethod method="RESTORE_IF_CAN_BE_REPLACED"/>
                        <Component componentType="filegroup" componentName="names &amp; &quot;more&quot;">
                        <ComponentFile path={quoteattr(os.fsdecode(directory))} filespec="*" recursive="yes"/></Component></TestWriter>""")
        self.start(os.environ["WRITER"], "--output", "/dev/null", config)
        self.wait_for(["writers"], b"Names")

    def umbra(self, *arguments):
        done = subprocess.run([os.environ["UMBRA"], *arguments], capture_output=True, check=False)
        if done.returncode != 0:
            sys.exit(f"umbra {arguments!r}: {done.returncode}\n{os.fsdecode(done.stderr)}")

    def end(self):
        for p in reversed(self.processes):
            p.send_signal(signal.SIGTERM)
            p.wait()
        subprocess.run([b"rm", b"-rf", b"--one-file-system", b"--", self.dir], check=True)


def compare(expected, found, what):
    if expected == found:
        return
    for parts in sorted(set(expected) | set(found)):
        if expected.get(parts, 0) != found.get(parts, 0):
            print(f"    {b'/'.join(parts)[-300:]!r}: {expected.get(parts, 'nothing')!r} became {found.get(parts, 'nothing')!r}")
    sys.exit(f"FAILED - {what}")


def round_trip(world, trees, what):
    """One set of all: in place, and elsewhere; then a second one that builds on it, after some were deleted."""
    was = [t.describe() for t in trees]
    first, second, elsewhere = world.dir + b"/first", world.dir + b"/second", world.dir + b"/e"
    component = ["--component", 'names & "more"']
    paths = [t.path for t in trees[1:]]

    world.umbra("backup", "--quiet", "--force", "--type", "full", *component, *paths, "--to", first)
    for t in trees:
        t.clear()
    world.umbra("restore", "--quiet", first)
    for t, before in zip(trees, was):
        compare(before, t.describe(), f"{what}: in place")
    os.makedirs(elsewhere)
    world.umbra("restore", "--quiet", first, "--to", elsewhere)
    for t, before in zip(trees, was):
        compare(before, Tree(elsewhere + t.path).describe(), f"{what}: elsewhere")
    subprocess.run([b"rm", b"-rf", b"--", elsewhere], check=True)

    for t in trees:  # every third file is deleted, every third changed
        files = sorted(parts for parts, content in t.describe().items() if content is not None)
        for n, parts in enumerate(files):
            if n % 3 == 0:
                fd = t.open(parts[:-1])
                os.unlink(parts[-1], dir_fd=fd)
                os.close(fd)
            elif n % 3 == 1:
                t.write(parts[:-1], parts[-1], b"changed")
    now = [t.describe() for t in trees]
    world.umbra("backup", "--quiet", "--force", "--type", "incremental", "--since", first, *component, *paths, "--to", second)
    for t in trees:
        t.clear()
    world.umbra("restore", "--quiet", first, second)
    for t, expected in zip(trees, now):
        compare(expected, t.describe(), f"{what}: a chain")
    print(f"ok - {what}", flush=True)


def refuse_backslash(world):
    """A directory that the API would take for two is not passed over in silence."""
    odd = world.dir + b"/back\\slash"
    os.makedirs(odd)
    done = subprocess.run([os.environ["UMBRA"], "backup", odd, "--to", world.dir + b"/odd"], capture_output=True, check=False)
    if done.returncode != 1 or b"name the one above" not in done.stderr:
        sys.exit(f"FAILED - a directory with a backslash: {done.returncode} {done.stderr!r}")
    print("ok - a directory with a backslash in its name is refused by itself", flush=True)


def main():
    seed = int(os.environ.get("SEED", random.randrange(1 << 32)))
    print(f"# SEED={seed}", flush=True)
    r = random.Random(seed)
    world = World()
    try:
        trees = [Tree(world.dir + "/comp & <\"ü\">".encode()), Tree(world.dir + b"/files \xff\n x\"")]
        for t in trees:
            os.makedirs(t.path)
            populate(t, EXAMPLES)
        refuse_backslash(world)
        world.start_writer(trees[0].path)
        round_trip(world, trees, "names that somebody would escape, or not")
        for n in range(int(os.environ.get("ROUNDS", "3"))):
            for t in trees:
                t.clear()
                populate(t, [random_name(r) for _ in range(40)], r)
            round_trip(world, trees, f"names by chance, {n + 1}")
    finally:
        world.end()


if __name__ == "__main__":
    main()
