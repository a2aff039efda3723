#!/usr/bin/env python3
"""kills - kill -9 at random moments: of the program, and everything that it did is in the
capture; of the recorder, and what is there is a prefix, and the program runs on.

usage: kills.py [--many] BUILD_DIR [PART_OF_A_NAME]...

--many: 500 programs of each kind and 100 recorders, which takes half an hour.
"""
import os
import random
import signal
import struct
import subprocess
import sys
import time

import bounds
import harness
from harness import Failure, Replay, check, equal

MANY = "--many" in sys.argv
PROGRAMS, RECORDERS = (500, 100) if MANY else (6, 5)


def shared_counts(path, threads):
    """pid, and (mallocs, frees, reallocs) of each thread."""
    with open(path, "rb") as f:
        data = f.read(8 + threads * 24)
    if len(data) < 8 + threads * 24:
        return 0, []
    return struct.unpack_from("=Q", data)[0], [struct.unpack_from("=3Q", data, 8 + 24 * i) for i in range(threads)]


def wait_for_pid(path, threads):
    end = time.monotonic() + 120
    while time.monotonic() < end:
        pid = shared_counts(path, threads)[0] if os.path.exists(path) else 0
        if pid:
            return pid
        time.sleep(0.0005)
    raise Failure("the program did not start")


class Kills:
    def __init__(self, tracker):
        self.t = tracker
        self.bounds = bounds.Bounds(tracker)

    def program(self, threads):
        for _ in range(PROGRAMS):
            shared, capture = self.t.file(".shared"), self.t.file(".bin")
            p = subprocess.Popen([self.t.tracker, "run", "-q", "-o", capture, "--",
                                  self.t.fixture("killed"), shared, str(threads)])
            pid = wait_for_pid(shared, threads)
            time.sleep(random.choice((0, random.uniform(0, 0.005), random.uniform(0, 0.04))))
            os.kill(pid, signal.SIGKILL)
            equal("status of tracker run", p.wait(60), -signal.SIGKILL)
            self.everything_is_there(capture, shared_counts(shared, threads)[1])
            os.unlink(capture)

    def everything_is_there(self, capture, counted):
        replay = Replay(self.t.events(capture))
        for i, (mallocs, frees, reallocs) in enumerate(counted):
            small, large = 1001 + i, 2001 + i
            got = (replay.kinds["malloc", small], replay.kinds["free", small] + replay.kinds["free", large],
                   replay.kinds["realloc", large])
            # at most one call was under way, and had been seen already
            check(all(g - c in (0, 1) for g, c in zip(got, (mallocs, frees, reallocs))),
                  f"thread {i}: {mallocs} mallocs, {frees} frees, {reallocs} reallocs returned, {got} are recorded")
        equal("faults", (replay.faults, replay.lost, replay.unmatched), ([], 0, 0))
        info = self.t.json("info", capture)
        equal("signal", info["processes"][0]["signal"], 9)
        check(info["complete"], info["incomplete"])

    def recorder(self):
        for i in range(RECORDERS):
            shared, capture = self.t.file(".shared"), self.t.file(".bin")
            p = subprocess.Popen([self.t.tracker, "run", "-q", "-o", capture, "--", self.t.fixture("bounded"), "relay",
                                  shared, "2"], stderr=subprocess.PIPE)
            while not os.path.exists(shared) or os.path.getsize(shared) < 64:
                time.sleep(0.001)
            time.sleep(random.uniform(0, 1.9))
            os.kill(harness.recorder_of(p.pid), signal.SIGKILL)
            counted = self.bounds.counts(shared)[1]
            _, err = p.communicate(timeout=300)
            equal("the program's status", p.returncode, 5)
            check(b"the recorder died (SIGKILL)" in err and len(err.splitlines()) == 1, f"{err!r}")
            if b"but nothing was recorded" in err:  # it had not begun yet
                check(not os.path.exists(capture), "a file is left in which nothing is")
                continue
            made = self.bounds.sequences(capture)
            check(all(m <= c + 1 for m, c in zip(made, counted)), f"{made} recorded, {counted} made")
            equal("complete", self.t.json("info", capture)["complete"], False)


def make_cases(t):
    k = Kills(t)
    return [("a program", lambda: k.program(1)), ("a program of four threads", lambda: k.program(4)),
            ("the recorder", k.recorder)]


if __name__ == "__main__":
    sys.argv = [a for a in sys.argv if a != "--many"]
    harness.main(make_cases)
