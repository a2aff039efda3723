#!/usr/bin/env python3
"""marks - threads that begin to be recorded at a bad place, or are sent away in the middle of a hook: they lose nothing of what comes
later, and no later recording is refused because of them.

usage: marks.py [-h] BUILD_DIR [PART_OF_A_NAME]...
"""
import collections
import json
import subprocess

import harness
from harness import check, equal

THREADS = 20  # that are sent away: some of them in a hook, if not all
HANDLED = 3002 << 12  # fx/marks.c: what its handler maps


class Program:
    """fx_marks, alone or in a command that records it."""

    def __init__(self, t, *argv, before=()):
        self.t = t
        self.p = subprocess.Popen([*before, t.fixture("marks"), *(str(a) for a in argv)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.pid = self.says("ready")

    def says(self, word):
        words = self.p.stdout.readline().split()
        equal("what it says", words[:1], [word.encode()])
        return int(words[1])

    def step(self, word):
        self.p.stdin.write(b"\n")
        self.p.stdin.flush()
        self.says(word)

    def end(self):
        _, err = self.p.communicate(b"\n", timeout=120)
        equal("its exit status", self.p.returncode, 5)
        return err.decode()

    def run_to_end(self, *words):
        for word in words or ("done",):
            self.step(word)
        self.end()

    def tool(self, name, *args):
        r = harness.execute([self.t.find(f"tracker-{name}"), *(str(a) for a in args)])
        check(r.status == 0, f"tracker {name}: exit {r.status}: {r.stderr.decode()}")

    def attach(self):
        capture = self.t.file(".bin")
        self.tool("attach", "-q", "--no-symbols", "-o", capture, self.pid)
        return capture

    def detach(self):
        self.tool("detach", "-q", self.pid)

    def start(self):
        capture = self.t.file(".bin")
        self.tool("ctl", self.pid, "start", "-o", capture)
        return capture

    def is_seen(self):
        r = harness.execute([self.t.find("tracker-ctl"), "--json", str(self.pid), "status"])
        return r.status == 0 and json.loads(r.stdout)["allocations"] > 0

    def stop(self):
        self.tool("ctl", self.pid, "stop")


class Marks:
    def __init__(self, tracker):
        self.t = tracker

    def sizes(self, capture):
        """How many allocations of each size, by the kind; and nothing is lost."""
        health = self.t.json("info", capture)["health"]
        equal("losses", [health.get(k) for k in ("lost", "gaps", "corrupt_records", "attach_failures")], [0, 0, 0, 0])
        return collections.Counter((e["kind"], e["size"]) for e in self.t.events(capture) if e.get("size"))

    # ---- more keys than the C library has room for in a thread ----

    def keys_attached(self):
        """The lock of malloc is held where the thread's first event is: whoever allocates there, waits for ever."""
        p = Program(self.t, "keys", 100)
        capture = p.attach()
        p.step("done")
        p.detach()
        p.end()
        self.keys_are_right(self.sizes(capture), 100)

    def keys_recorded(self):
        capture = self.t.file(".bin")
        Program(self.t, "keys", 100, before=(self.t.tracker, "run", "-q", "-o", capture, "--")).run_to_end()
        self.keys_are_right(self.sizes(capture), 100)

    def keys_are_right(self, sizes, threads):
        equal("blocks of threads", sizes["malloc", 2001], threads)
        equal("what the handler mapped", sizes["mmap", HANDLED], 1)
        equal("what it had interrupted", sizes["malloc", 50000], 1)
        # the C library's own tables of keys, 32 of 16 bytes: they are nobody's
        equal("tables of keys", sizes["calloc", 512], 0)

    def keys_of_watchers(self):
        """The table is not what a program allocates in a scope in which it must not."""
        capture = self.t.file(".bin")
        Program(self.t, "watch", before=(self.t.tracker, "run", "-q", "-o", capture, "--")).run_to_end()
        equal("tables of keys", self.sizes(capture)["calloc", 512], 0)

    # ---- threads that were sent away in a hook ----

    def jumps_recorded(self):
        capture = self.t.file(".bin")
        Program(self.t, "jump", THREADS, before=(self.t.tracker, "run", "-q", "-o", capture, "--")).run_to_end("jumped", "done")
        self.jumps_are_right(capture)

    def jumps_attached(self):
        """The threads are still away when the next recording begins."""
        p = Program(self.t, "jump", THREADS)
        p.attach()
        p.step("jumped")
        p.detach()
        capture = self.t.file(".bin")
        harness.until(lambda: self.is_attached(p, capture), "it cannot be attached to again")
        p.step("done")
        p.detach()
        p.end()
        self.jumps_are_right(capture)

    def is_attached(self, p, capture):
        """For a while it is not known whether the threads come back."""
        r = harness.execute([self.t.find("tracker-attach"), "-q", "--no-symbols", "-o", capture, str(p.pid)])
        check(r.status == 0 or b"has not come to the end of an allocation since the last recording" in r.stderr, f"{r.stderr}")
        return r.status == 0

    def jumps_dormant(self):
        p = Program(self.t, "jump", THREADS, before=(self.t.tracker, "run", "-q", "--dormant", "--"))
        p.start()  # its first events may be missing: they are not counted
        p.step("jumped")
        p.stop()
        capture = p.start()
        harness.until(p.is_seen, "it is not recorded again")
        p.step("done")
        p.stop()
        p.end()
        self.jumps_are_right(capture)

    def jumps_are_right(self, capture):
        sizes = self.sizes(capture)
        equal("what threads did afterwards", (sizes["malloc", 2001], sizes["malloc", 2002]), (10 * THREADS, THREADS))



def cases(tracker):
    m = Marks(tracker)
    return [(name.replace("_", " "), getattr(m, name)) for name in
            ("keys_attached", "keys_recorded", "keys_of_watchers", "jumps_recorded", "jumps_attached", "jumps_dormant")]


if __name__ == "__main__":
    harness.main(cases)
