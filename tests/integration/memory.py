#!/usr/bin/env python3
"""memory - what recording takes of a program's memory: a program that limits or locks its memory, that writes past
its blocks, or whose memory a collector scans, does what it does alone (fx/memory.c, fx/collector.c).

usage: memory.py [-h] BUILD_DIR [PART_OF_A_NAME]...
"""
import os

import harness
import run
from harness import Skip, check, check_truth, equal, execute
from torture import cgroup

START_KIB, THREAD_KIB = 5120, 1024  # of address space, at most
THREADS = 16
GROUP_MIB, GROUP_USED_MIB = 24, 16


class Memory:
    def __init__(self, t):
        self.t = t
        self.cases = run.Cases(t)
        self.program = t.fixture("memory")

    def sizes(self, r):
        lines = [line.split() for line in r.stdout.decode().splitlines()]
        return [int(n) for line in lines if len(line) == 2 and line[0].isdigit() for n in line]

    def address_space(self):
        """At start, and for each thread."""
        argv = [self.program, "size", str(THREADS)]
        (start, whole), bare = self.sizes(self.t.record(argv)), self.sizes(execute(argv))
        check(start - bare[0] <= START_KIB, f"{start - bare[0]} KiB at start")
        each = (whole - start - (bare[1] - bare[0])) / THREADS
        check(each <= THREAD_KIB, f"{each:.0f} KiB a thread")

    def same_end(self, *words):
        """Of a program that may be killed: how it ends, what it said before."""
        bare, r = execute([self.program, *words]), self.t.record([self.program, *words])
        equal(" ".join(words), (r.status, r.stdout), (bare.status, bare.stdout))

    def overflow(self):
        """Bytes that kill a program, or do not, alone."""
        for where in "past", "before":
            for count in 1, 32, 4096, 65536, 1 << 20:
                self.same_end(where, str(count))

    def locked(self):
        """All of its memory, under a limit, without the right to pass it."""
        for mib in 8, 16:
            self.same_end("lock", str(mib))

    def locked_later(self):
        self.cases.truth([self.program, "future"])

    def limited(self, what):
        """The limit that a program sets itself leaves it as much as alone, and all that it then does is recorded."""
        for kib in 4096, 16384:
            r = self.cases.same_as_bare([self.program, what, str(kib)])
            check(b"some room" in r.stdout, f"{kib} KiB: {r.stdout!r}")
            check_truth(self.t.replay(r.capture), r.stdout)

    def health(self, r):
        return self.t.json("info", r.capture)["health"]

    def in_group(self):
        """Shared memory is charged to a control group that leaves the program little more than it uses. It enters
        the group when it already is recorded."""
        with cgroup(GROUP_MIB << 20) as enter:
            if not enter:
                raise Skip("no control group can be made here")
            argv = [self.program, "enter", enter.args[0], "use", str(GROUP_USED_MIB)]
            self.cases.truth([*argv, "50000"])
            r = self.cases.same_as_bare([*argv, "3000000"])
        equal("events lost", self.health(r)["lost"], 0)

    def in_group_unread(self):
        """From the start on, while nobody reads the shared memory: what finds no room is counted."""
        with cgroup(GROUP_MIB << 20) as enter:
            if not enter:
                raise Skip("no control group can be made here")
            argv = [self.program, "beside", str(GROUP_USED_MIB), "3000000"]
            bare, r = execute(argv, preexec=enter), self.t.record(argv, preexec=enter)
        equal("the end", (r.status, r.stdout), (bare.status, bare.stdout))
        equal("alone", bare.status, 0)
        health = self.health(r)
        check(health["lost"] and health["lost"] + health["events"] >= 6000000, health)
        equal("shared memory", health["shared_memory_limit_bytes"], (GROUP_MIB << 20) // 16)

    def crowded(self):
        """No room for more shared memory, and nobody will make any: the program goes on, and it is said."""
        bare, r = execute([self.program, "crowded"]), self.t.record([self.program, "crowded"])
        equal("the end", (r.status, r.stdout), (bare.status, bare.stdout))
        health = self.health(r)
        check(health["lost"] and health["lost"] + health["events"] >= 10000 and health["shared_memory_refused"], health)
        info = self.t.text("info", r.capture)
        check("left no room for more shared memory" in " ".join(info.split()), info)

    def collector(self):
        """Nothing of ours keeps dropped blocks of a conservative collector alive."""
        program = self.t.fixture("collector")
        if not os.path.exists(program):
            raise Skip("not installed when the tests were built: libgc-dev")
        bare, r = (int(x.stdout) for x in (execute([program]), self.t.record([program])))
        check(r <= 2 * bare, f"{r} KiB of its heap, {bare} alone")


def make_cases(t):
    m = Memory(t)
    cases = [(n.replace("_", " "), getattr(m, n)) for n in ("address_space", "overflow", "locked", "locked_later", "in_group",
                                                                   "in_group_unread", "crowded", "collector")]
    return cases + [(f"limited: {w}", lambda w=w: m.limited(w)) for w in ("address", "data")]


if __name__ == "__main__":
    harness.main(make_cases)
