#!/usr/bin/env python3
"""oracle - our stacks against libunwind's: a deterministic program is recorded
twice without address randomisation, once by our unwinder and once by libunwind;
every 37th event must have the same frames, module and offset, to the root.

usage: oracle.py [-h] BUILD_DIR [PART_OF_A_NAME]...
"""
import itertools
import os

import harness
import workloads
from harness import check, equal, need

STEP = 37


def frames(e):
    """What identifies a stack: where each frame returns to, not how it is printed."""
    return [(f["module"], f["offset"]) for f in e["frames"]]


class Oracle:
    def __init__(self, tracker):
        self.t = tracker

    def sample(self, argv, env, stdin, backend):
        """(kind, size, frames) of every 37th event that has a stack, and how many events there are."""
        setarch = need("setarch")
        with open(stdin or os.devnull, "rb") as f:
            r = self.t.record([setarch, "-R", *argv], ["--unwind", backend, "--no-symbols"], env=env, stdin=f)
        equal("exit status", r.status, 0)
        events = [e for e in self.t.events(r.capture, "--stacks") if e.get("stack") is not None and "frames" in e]
        return [(e["kind"], e["size"], frames(e)) for e in events[::STEP]], len(events)

    def compare(self, argv, env=None, stdin=None, least=10):
        ours, our_count = self.sample(argv, env, stdin, "own")
        theirs, their_count = self.sample(argv, env, stdin, "libunwind")
        equal("events", our_count, their_count)
        check(len(ours) >= least, f"only {len(ours)} events compared")
        check(sum(len(f) > 3 for _, _, f in ours) > len(ours) // 2, "most stacks have three frames or less")
        for i, (a, b) in enumerate(itertools.zip_longest(ours, theirs)):
            equal(f"event {i * STEP}, kind and size", a[:2], b[:2])
            if a[2] != b[2]:
                at = next(k for k, (x, y) in enumerate(itertools.zip_longest(a[2], b[2])) if x != y)
                raise harness.Failure(f"event {i * STEP}: frame {at} of {len(a[2])}/{len(b[2])} differs: "
                                      f"ours {a[2][at:at + 2]}, libunwind {b[2][at:at + 2]}")

    def workload(self, make, scale):
        folder = self.t.file(".work")
        os.mkdir(folder)
        w = make(folder, scale)
        self.compare(w.argv, w.env, w.stdin, least=100)


def make_cases(t):
    o = Oracle(t)
    return [
        ("libunwind: C++ with exceptions", lambda: o.compare([t.fixture("exceptions")], least=100)),
        ("libunwind: longjmp", lambda: o.compare([t.fixture("stacks"), "longjmp"])),
        ("libunwind: signal handler", lambda: o.compare([t.fixture("stacks"), "signal"])),
        ("libunwind: sqlite3", lambda: o.workload(workloads.sqlite3, 2000)),
        ("libunwind: python3", lambda: o.workload(workloads.python3, 30)),
        ("libunwind: cc1plus", lambda: o.workload(workloads.cc1plus_small, 1)),
    ]


if __name__ == "__main__":
    harness.main(make_cases)
