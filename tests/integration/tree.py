#!/usr/bin/env python3
"""tree - process trees: what has ended no longer counts, what runs side by side counts together, and every
process says how it ended. The peaks are arithmetic: children hold so many blocks of 1000 bytes, and their parent a large block after it has waited for one (fx/tree.c).
"""
import os
import signal
import sys

import harness
from harness import Skip, check, equal, need

CHILDREN, BYTES = 12, 1000000
SMALL = 150000  # more than what shells and the C library ask for in a process, far less than BYTES
TIMES = 10 if "--many" in sys.argv else 3


class Tree:
    """`env`: of tracker."""

    def __init__(self, t, env=None):
        self.t, self.env, self.program = t, env, t.fixture("tree")

    def record(self, *argv, options=(), children=CHILDREN, status=0):
        r = self.t.record([self.program, argv[0], str(children), str(BYTES), *argv[1:]], options, self.env)
        equal("status", r.status, status)
        return r.capture

    def peak(self, capture, times, processes=1):
        """At most so many of the children's at one time, and not less; each of `processes` may add its own."""
        got = self.t.json("stats", capture)["peak_memory"]
        check(times * BYTES <= got < times * BYTES + processes * SMALL,
              f"peak of {got} bytes, {times} times {BYTES} are right")
        return got

    def ended(self, capture, want):
        """Children that said how, by status or -signal; all processes must."""
        got, processes = {}, self.t.json("info", capture)["processes"]
        for p in processes:
            check((p["status"] is None) != (p["signal"] is None), f"{p['name']} (pid {p['pid']}) has no status: {p}")
            code = p["status"] if p["signal"] is None else -p["signal"]
            got[code] = got.get(code, 0) + 1
            check(p["start_ns"] <= p["end_ns"], f"{p}")
        equal("how they ended", {k: got.get(k) for k in want}, want)
        for p in self.t.json("stats", capture)["processes"]:
            check((p["status"] is None) != (p["signal"] is None), f"stats: {p}")

    def in_order(self, capture):
        """One after the other: none begins before the one before it has ended."""
        processes = [p for p in self.t.json("info", capture)["processes"] if p["parent_pid"] is not None]
        for a, b in zip(processes, processes[1:]):
            check(a["end_ns"] <= b["start_ns"], f"{a} and {b}")

    def row(self, maker, wait, end="exit", code=3):
        capture = self.record("row", maker, wait, end, str(code))
        self.peak(capture, 1)
        if (wait, end) != ("system-call", "signal"):  # of those the kernel tells if we looked in time
            self.ended(capture, {-code if end == "signal" else code: CHILDREN + (code == 0)})
        self.in_order(capture)

    def makers(self):
        for maker in ("fork", "exec", "vfork", "spawn", "chain"):
            self.row(maker, "waitpid")

    def waits(self):
        for wait in ("wait", "waitpid", "wait3", "wait4", "waitid", "peek", "system-call"):
            self.row("exec", wait)
            self.row("fork", wait, "signal", signal.SIGKILL)

    def ends(self):
        for end in ("exit", "_exit", "_Exit", "quick_exit", "exit_group", "again"):
            self.row("exec", "waitpid", end, 7)
            self.row("fork", "waitpid", end, 0)
        for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGPIPE):
            self.row("exec", "waitid", "signal", number)

    def shell(self):
        """A shell's loop; the child's status does not depend on its place."""
        for _ in range(TIMES):
            r = self.t.record(["sh", "-c", f"for i in {' '.join('x' * 20)}; do {self.program} child {BYTES} exit 4; done"], env=self.env)
            self.peak(r.capture, 1)
            self.ended(r.capture, {4: 21})  # the shell's own is that of the last

    def at_once(self):
        for end, how in (("exit", 0), ("_exit", 0), ("signal", -signal.SIGKILL)):
            for _ in range(TIMES):
                capture = self.record("at-once", end)
                self.peak(capture, CHILDREN, CHILDREN)
                self.ended(capture, {how: CHILDREN + (how == 0)})

    def slots(self):
        """As many as a make with -j: never more than 4 at one time, and 4 at most."""
        for _ in range(TIMES):
            capture = self.record("slots", children=4)
            got = self.t.json("stats", capture)["peak_memory"]
            check(BYTES <= got < 4 * BYTES + 4 * SMALL, f"peak of {got} bytes; 4 run at one time")
            self.ended(capture, {0: 21})

    def many(self):
        capture = self.record("row", "exec", "waitpid", "exit", "1", children=200)
        self.peak(capture, 1)
        self.ended(capture, {1: 200})

    def orphans(self):
        capture = self.record("orphans")
        self.peak(capture, 1)
        self.ended(capture, {5: CHILDREN})

    def ignored(self):
        capture = self.record("ignored")
        self.peak(capture, 1)
        self.ended(capture, {4: CHILDREN})

    def shells(self):
        capture = self.record("shells", "6")
        self.peak(capture, 1)
        check(len([p for p in self.t.json("info", capture)["processes"] if p["status"] == 6]) >= 2 * CHILDREN,
              "system and popen")
        self.ended(capture, {})

    def pipeline(self):
        line = f"{self.program} child {BYTES} exit 1 | {self.program} child {BYTES} exit 2; exit 3"
        for _ in range(TIMES):
            capture = self.t.record(["sh", "-c", line], env=self.env).capture
            self.ended(capture, {1: 1, 2: 1, 3: 1})

    def sums(self):
        """The recorder's own live heap, in place of a reader's; and what begins or is estimated differently."""
        for options in (["--aggregate"], ["--aggregate", "--checkpoint", "50ms"]):
            capture = self.record("row", "exec", "waitpid", "exit", "0", options=options)
            self.peak(capture, 1)
            self.ended(capture, {0: CHILDREN + 1})
        capture = self.record("row", "exec", "waitpid", "exit", "0", options=["--start-after", "1ms"])
        check(self.t.json("stats", capture)["peak_memory"] < BYTES + SMALL, "--start-after")
        capture = self.record("row", "exec", "waitpid", "exit", "0", options=["--sample", "1000"])
        check(self.t.json("stats", capture)["peak_memory"] < 1.2 * BYTES + SMALL, "--sample")
        events = self.record("row", "fork", "waitpid", "exit", "0")
        sums = self.t.file(".sums.bin")
        self.t.run("aggregate", "-o", sums, events)
        equal("peak of sums", self.t.json("stats", sums)["peak_memory"], self.peak(events, 1))

    def namespace(self):
        """In a PID namespace wait returns other numbers than the recorder knows."""
        unshare = need("unshare")
        options = ["-pf"] if os.getuid() == 0 else ["-U", "-r", "-pf"]
        if harness.execute([unshare, *options, "true"]).status:
            raise Skip("no PID namespaces here")
        for end, code in (("exit", 3), ("signal", signal.SIGKILL)):
            r = self.t.record([unshare, *options, self.program, "row", str(CHILDREN), str(BYTES), "exec", "waitpid",
                               end, str(code)])
            self.peak(r.capture, 1)
            self.ended(r.capture, {-code if end == "signal" else code: CHILDREN})


def older_kernel(t):
    """What the parents' calls of wait and the processes themselves said: all that there is before Linux 6.15."""
    tree = Tree(t, {"TRACKER_HOME": t.home("export FAULTS_OLDER=1", f"export LD_PRELOAD={t.fixture('faults')}.so")})
    # Where nobody heard of an end, nobody knows it: else the kernel was asked after all.
    capture = tree.record("row", "fork", "system-call", "signal", str(int(signal.SIGKILL)))
    equal("ends that nobody said", [p["signal"] for p in t.json("info", capture)["processes"][1:]], [None] * CHILDREN)
    for part in (tree.waits, tree.ends, tree.shell, tree.at_once, tree.slots, tree.orphans, tree.ignored, tree.pipeline):
        part()


def make_cases(t):
    tree = Tree(t)
    return [("older kernel", lambda: older_kernel(t))] + [(name.replace("_", " "), getattr(tree, name)) for name in
            ("makers", "waits", "ends", "shell", "at_once", "slots", "many", "orphans", "ignored", "shells",
             "pipeline", "sums", "namespace")]


if __name__ == "__main__":
    harness.main(make_cases)
