#!/usr/bin/env python3
"""python_torture - Python programs that do what breaks profilers of Python, and Python programs that are killed at random moments: status and
output are as alone, the capture is whole, and the functions in it are what the interpreter says.

usage: python_torture.py BUILD_DIR [PART_OF_A_NAME]...

In the environment: PYTHONS=all for the interpreters of a version manager, too; PYTHON_KILLS, how many are killed.
"""
import contextlib
import os
import random
import re
import signal
import struct
import subprocess
import sys
import time

import harness
import python_frames
from harness import check, equal, execute

HERE = python_frames.HERE
MODES = ("forks forks_of_threads alarms too_deep no_memory tracing moved at_the_end daemons daemons_without_lock ends_in_thread executes aborts "
         "interpreters pools children small_stacks").split()
QUICK = "forks alarms too_deep tracing daemons_without_lock interpreters".split()  # at each commit
NOT_SAID = {"pools"}  # where nothing is compared with the interpreter's word: each process has a file of its own with the same name
DEEP = ["--nframe=1100"]
CUT = {"no_memory": ["--nframe=64"], "too_deep": DEEP}  # what tracker maps for threads counts, too; as deep as nothing else
KILLS = int(os.environ.get("PYTHON_KILLS", "3"))
COUNTS = 1 + 3 + 3 * 2  # python/killed.py
OWN_THREADS = range(1, 4)


def said(r):
    return re.sub(rb"0x[0-9a-f]+", b"0x", r.stdout + r.stderr)


class Torture(python_frames.Python):
    def tortured(self, mode):
        for python in self.known():
            minor = python_frames.minor_of(python)
            argv = [python, "-W", "ignore", os.path.join(HERE, "torture.py"), mode]
            out = [self.t.file(".json") for _ in range(2)]
            alone = execute(argv, {"OUT": out[0], "PYTHONDONTWRITEBYTECODE": "1"})
            r = self.t.record(argv, CUT.get(mode, DEEP), {"OUT": out[1], "PYTHONDONTWRITEBYTECODE": "1"})
            equal(f"{python} {mode}: status and output", (r.status, said(r)), (alone.status, said(alone)))
            self.is_whole(r.capture)
            if mode not in NOT_SAID:
                self.compare(r, self.word(out[1]), whole=mode not in CUT, least=0)
            health = self.t.json("info", r.capture)["health"]
            equal(f"{python} {mode}: not known", health["python_unknown"], 0)
            print(f"# 3.{minor} {mode}: {self.stacks_seen} stacks compared, {health['python_unplaced']} not placed")

    def is_whole(self, capture):
        info = self.t.json("info", capture)
        check(info["complete"], info["incomplete"])
        equal("events lost", info["health"]["lost"], 0)

    def killed(self):
        for i in range(KILLS):
            python = self.known()[i % len(self.known())]
            with self.Killed(self, python) as k:
                k.kill()
        print(f"# {KILLS} killed")

    class Killed:
        """A recorded program that is killed, once it has allocated, at any moment."""

        def __init__(self, case, python):
            self.case, self.t, self.python = case, case.t, python
            self.shared, self.capture = self.t.file(".shared"), self.t.file(".bin")
            with open(self.shared, "wb") as f:
                f.write(bytes(8 * COUNTS))
            self.run = subprocess.Popen([self.t.tracker, "run", "-q", "-o", self.capture, "--", python, "-W", "ignore", os.path.join(HERE, "killed.py"),
                                         self.shared], stdout=subprocess.PIPE, stderr=subprocess.PIPE)

        def __enter__(self):
            return self

        def __exit__(self, *_):
            self.run.kill()
            self.run.communicate()
            for path in self.shared, self.capture:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(path)

        def counts(self):
            with open(self.shared, "rb") as f:
                return struct.unpack(f"={COUNTS}Q", f.read())

        def kill(self):
            harness.until(lambda: self.counts()[0] or self.run.poll() is not None, f"{self.python}: the program did not start")
            time.sleep(random.choice((0, random.uniform(0, 0.02), random.uniform(0, 0.3))))
            os.kill(self.counts()[0], signal.SIGKILL)
            out, err = self.run.communicate(timeout=300)
            equal(f"{self.python}: what it says", (self.run.returncode, out, err), (-signal.SIGKILL, b"", b""))
            self.case.is_whole(self.capture)
            self.everything_is_there()

        def everything_is_there(self):
            """Of each thread as many blocks as it counted, or one more; children end by themselves. All with the functions that made them."""
            made = [0] * COUNTS
            for e, functions in self.case.stacks(self.capture):
                place, odd = divmod((e.get("size") or 0) - 100001, 8)
                if odd or not 0 < place < COUNTS or e["kind"] not in ("malloc", "calloc"):
                    continue
                made[place] += 1
                names = [f["function"].rpartition(".")[2] for f in functions]
                check(names[0] == "block" and names[1] in ("generated", "by_c") and "work" in names, f"{self.python}: {names}")
            counted = self.counts()
            check(all(made[i] - counted[i] in ((0, 1) if i in OWN_THREADS else (0,)) for i in range(1, COUNTS)), f"{self.python}: {made}, counted {counted}")


def make_cases(t):
    pythons = python_frames.interpreters() + (python_frames.others() if python_frames.ALL else [])
    c = Torture(t, pythons)
    return [(m, lambda m=m: c.tortured(m)) for m in (MODES if python_frames.ALL else QUICK)] + [("killed", c.killed)]


if __name__ == "__main__":
    if python_frames.ALL and not python_frames.others():
        print("1..0 # SKIP no version manager in the home directory")
        sys.exit(0)
    harness.main(make_cases)
