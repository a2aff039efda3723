#!/usr/bin/env python3
"""oracle - our stacks against libunwind's.

verify: the library walks every 37th stack a second time by libunwind, in the
same event, and counts what differs; so any program will do.
twice: a deterministic program is recorded once by each unwinder, and the stacks
that come out at the other end (encoded, interned, written, read) are compared.

usage: oracle.py [-h] BUILD_DIR [PART_OF_A_NAME]...
"""
import itertools
import os

import harness
import workloads
from harness import Failure, check, equal, need

STEP = 37


class Oracle:
    def __init__(self, tracker):
        self.t = tracker

    def verify(self, argv, env=None, stdin=None, least=10):
        with open(stdin or os.devnull, "rb") as f:
            r = self.t.record(argv, ["--unwind", "verify", "--no-symbols"], env=env, stdin=f)
        equal("exit status", r.status, 0)
        health = self.t.json("info", r.capture)["health"]
        compared, differing = health["verified_stacks"], health["differing_stacks"]
        check(compared >= least, f"only {compared} stacks compared")
        equal(f"differing stacks of {compared}", differing, 0)

    def workload(self, make, scale, least):
        folder = self.t.file(".work")
        os.mkdir(folder)
        w = make(folder, scale)
        self.verify(w.argv, w.env, w.stdin, least)

    def sample(self, argv, backend):
        """(kind, size, frames) of every 37th event that has a stack, and how many events there are."""
        r = self.t.record([need("setarch"), "-R", *argv], ["--unwind", backend])
        equal("exit status", r.status, 0)
        events = [e for e in self.t.events(r.capture, "--stacks") if e.get("frames")]
        return [(e["kind"], e["size"], frames(e)) for e in events[::STEP]], len(events)

    def twice(self, argv, least=10):
        ours, our_count = self.sample(argv, "own")
        theirs, their_count = self.sample(argv, "libunwind")
        equal("events", our_count, their_count)
        check(len(ours) >= least, f"only {len(ours)} events compared")
        check(sum(len(f) > 3 for _, _, f in ours) > len(ours) // 2, "most stacks have three frames or less")
        for i, (a, b) in enumerate(zip(ours, theirs)):
            equal(f"event {i * STEP}, kind and size", a[:2], b[:2])
            for k, (x, y) in enumerate(itertools.zip_longest(a[2], b[2])):
                if x != y:
                    raise Failure(f"event {i * STEP}: frame {k} of {len(a[2])}: ours {x}, libunwind {y}")


def frames(e):
    """What identifies a frame, as it is printed: module, function, file, line."""
    return [tuple(f.get(k) for k in ("module", "offset", "function", "file", "line")) for f in e["frames"]]


def make_cases(t):
    o = Oracle(t)
    fixtures = [("exceptions",), ("stacks", "longjmp"), ("stacks", "signal"), ("stacks", "altstack"),
                ("plugins", t.fixture("first.so"), t.fixture("second.so")), ("threads", "short")]
    cases = [(f"verify: {f[0]} {os.path.basename(f[-1]) if f[1:] else ''}".rstrip(),
              lambda f=f: o.verify([t.fixture(f[0]), *f[1:]])) for f in fixtures]
    cases += [
        ("verify: sqlite3", lambda: o.workload(workloads.sqlite3, 5000, 1000)),
        ("verify: python3", lambda: o.workload(workloads.python3, 100, 100)),
        ("verify: python3 malloc", lambda: o.workload(
            lambda folder, scale: workloads.python3(folder, scale, malloc=True), 20, 1000)),
        ("verify: cc1plus", lambda: o.workload(workloads.cc1plus, 1, 10000)),
        ("twice: C++ with exceptions", lambda: o.twice([t.fixture("exceptions")], 100)),
        ("twice: longjmp", lambda: o.twice([t.fixture("stacks"), "longjmp"])),
    ]
    return cases


if __name__ == "__main__":
    harness.main(make_cases)
