#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""umbra run at a terminal: the keys, the size of the window and jobs of a shell are COMMAND's, as if umbra were not there, and the shadow copies go
whatever was typed. A shell sits at a terminal of ours; $UMBRA and $UMBRAD are the programs."""

import fcntl
import os
import pty
import re
import select
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time

DEADLINE = 60  # seconds, for everything that is waited for
WINDOW = (33, 77)


def wait_until(happened, what):
    end = time.monotonic() + DEADLINE
    while not happened():
        if time.monotonic() > end:
            raise AssertionError(f"never: {what}")
        select.select([], [], [], 0.05)


class Terminal:
    """A shell at a terminal. Its prompt is the exit status of what ran before."""

    def __init__(self, **environment):
        self.seen = ""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ.update(environment, PS1="[$?]> ", TERM="dumb", INPUTRC="/dev/null")
            os.execvp("bash", ["bash", "--norc", "--noprofile", "--noediting", "-i"])
        self.resize(*WINDOW)
        self.sees(r"\[0\]> ")

    def resize(self, rows, columns):
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, keys):
        os.write(self.fd, keys.encode())

    def sees(self, pattern):
        """Waits until it stands there; what was before it is forgotten."""
        end = time.monotonic() + DEADLINE
        while not (found := re.search(pattern, self.seen)):
            ready, _, _ = select.select([self.fd], [], [], max(0.0, end - time.monotonic()))
            if not ready:
                raise AssertionError(f"'{pattern}' is not in: {self.seen!r}")
            try:
                self.seen += os.read(self.fd, 65536).decode(errors="replace")
            except OSError as error:
                raise AssertionError(f"the shell has gone, without '{pattern}': {self.seen!r}") from error
        self.seen = self.seen[found.end():]

    def hang_up(self):
        os.close(self.fd)
        os.waitpid(self.pid, 0)


class World:
    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="umbra-test.")
        self.data = self.dir + "/data"
        os.mkdir(self.data)
        self.write("before")
        os.environ["UMBRA_SOCKET"] = self.dir + "/umbra.sock"
        os.environ["UMBRA_LOG_LEVEL"] = "err"
        with open(self.dir + "/umbra.conf", "w", encoding="utf-8") as f:
            f.write("[storage]\noverlays = yes\n")  # of a container
        self.umbrad = subprocess.Popen([os.environ["UMBRAD"], "--socket", os.environ["UMBRA_SOCKET"], "--state-dir", self.dir + "/state",
                                        "--runtime-dir", self.dir + "/run", "--config", self.dir + "/umbra.conf"])
        wait_until(lambda: self.umbra("status").returncode == 0, "umbrad")
        self.terminal = Terminal(RUN=f"{os.environ['UMBRA']} run --quiet {self.data} --", FILE=self.data + "/file")

    def write(self, text):
        with open(self.data + "/file", "w", encoding="utf-8") as f:
            f.write(text + "\n")

    @staticmethod
    def umbra(*words):
        return subprocess.run([os.environ["UMBRA"], *words], capture_output=True, text=True, check=False)

    def has_snapshots(self):
        return "There are no snapshots" not in self.umbra("snapshot", "list").stdout

    def end(self):
        self.umbrad.send_signal(signal.SIGTERM)
        self.umbrad.wait()
        shutil.rmtree(self.dir)


def begin_cat(t):
    """What is typed comes back twice, once by the terminal and once by cat."""
    t.type("$RUN cat\nwords\n")
    t.sees("words\r\nwords\r\n")


def the_window_has_its_size(world):
    t = world.terminal
    t.type("$RUN stty size\n")
    t.sees(r"33 77\r\n\[0\]> ")


def a_new_size_is_heard_of(world):
    t = world.terminal
    t.type("$RUN bash -c 'sleep 600 & trap \"stty size; kill $!; exit 3\" WINCH; echo be\"\"gun; wait'\n")
    t.sees(r"begun\r\n")
    t.resize(44, 88)
    t.sees(r"44 88\r\n\[3\]> ")
    t.resize(*WINDOW)


def input_ends(world):
    begin_cat(world.terminal)
    world.terminal.type("\x04")
    world.terminal.sees(r"\[0\]> ")


def keys_end_it(world):
    for key, status in (("\x03", 130), ("\x1c", 131)):
        begin_cat(world.terminal)
        world.terminal.type(key)
        world.terminal.sees(rf"\[{status}\]> ")


def it_may_do_something_else(world):
    t = world.terminal
    for key, name in (("\x03", "INT"), ("\x1c", "QUIT")):
        t.type(f"$RUN sh -c 'trap \"cat $FILE; exit 7\" {name}; echo be\"\"gun; read line'\n")
        t.sees(r"begun\r\n")
        world.write("after")
        t.type(key)
        t.sees(r"before\r\n\[7\]> ")
        world.write("before")


def it_is_stopped_and_goes_on(world):
    t = world.terminal
    t.type("$RUN sh -c 'echo be\"\"gun; read line; cat $FILE; exit 9'\n")
    t.sees(r"begun\r\n")
    t.type("\x1a")
    t.sees(r"\[148\]> ")
    assert world.has_snapshots()
    world.write("after")
    t.type("fg\n")
    t.sees(r"read line.*\r\n")
    t.type("\n")
    t.sees(r"before\r\n\[9\]> ")
    world.write("before")


def it_is_a_job_like_others(world):
    t = world.terminal
    t.type("$RUN cat &\n")
    t.sees(r"\[0\]> ")
    t.type("until jobs | grep Stopped; do :; done; fg\n")  # it has no input in the background
    t.sees(r"\]\+\s+Stopped.*\r\n\$RUN cat\r\n")
    t.type("words\n")
    t.sees("words\r\nwords\r\n")
    t.type("\x03")
    t.sees(r"\[130\]> ")


def it_may_be_a_shell(world):
    t = world.terminal
    t.type("PS1='in''ner> ' $RUN bash --norc --noprofile --noediting -i\n")
    t.sees("inner> ")
    t.type("sleep 600\n\x03")
    t.sees(r"\^C\r\ninner> ")
    t.type("suspend\n")
    t.sees(r"\[1\d\d\]> ")
    t.type("fg\n")
    t.sees(r"bash --norc")
    t.type("echo $((40 + 2)); cat $FILE\n")
    t.sees(r"42\r\nbefore\r\n")
    t.type("exit 5\n")
    t.sees(r"\[5\]> ")


def who_hangs_up_ends_it(world):
    begin_cat(world.terminal)
    assert world.has_snapshots()
    world.terminal.hang_up()


SENTENCES = [
    ("the window has the size that it has", the_window_has_its_size),
    ("a new size is heard of", a_new_size_is_heard_of),
    ("what is typed is its input, and ^D ends that", input_ends),
    (r"^C and ^\ end it, and the shell hears by which", keys_end_it),
    (r"^C and ^\ may mean something else to it, on its shadow copies", it_may_do_something_else),
    ("^Z stops it, and it goes on with its shadow copies", it_is_stopped_and_goes_on),
    ("in the background it has no input, in the foreground it does", it_is_a_job_like_others),
    ("a shell has its own jobs, is suspended, and gets the terminal back", it_may_be_a_shell),
    ("who hangs up ends it", who_hangs_up_ends_it),
]


def main():
    if os.geteuid() != 0:
        sys.exit(77)
    world = World()
    try:
        for sentence, check in SENTENCES:
            check(world)
            wait_until(lambda: not world.has_snapshots(), f"no snapshots after: {sentence}")
            print(f"ok - {sentence}", flush=True)
    except AssertionError as error:
        sys.exit(f"FAILED - {sentence}: {error}")
    finally:
        world.end()


if __name__ == "__main__":
    main()
