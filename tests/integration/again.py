#!/usr/bin/env python3
"""again - one process that is recorded many times: each capture holds what happened in its time, and nothing of one recording
is left for the next.

usage: again.py [-h] [--many] BUILD_DIR [PART_OF_A_NAME]...
"""
import collections
import os
import sys

import harness
from harness import check, equal

FIRST, NUMBERS = 1000, 1 << 20
BAD = ("lost", "gaps", "late_events", "corrupt_records", "attach_failures", "unknown_frames", "modules_lost")
GROWTH_KIB = 2048  # the C library's heaps may grow by themselves


class Again:
    def __init__(self, tracker):
        self.t = tracker

    def program(self, how, recordings):
        """Runs it; the folder with its captures, and how much it says that it has grown."""
        folder = self.t.file(".again")
        os.mkdir(folder)
        env = {"LD_PRELOAD": self.t.fixture("again_library.so"), "TRACKER_QUIET": "1", "MALLOC_PERTURB_": "0"}
        r = harness.execute([self.t.fixture("again"), how, self.t.find("tracker-record"), folder, str(recordings)], env)
        equal("status", (r.status, r.stderr), (0, b""))
        address_space, memory, descriptors = [int(n) for n in r.stdout.split()]
        if recordings > 4:
            check(address_space <= GROWTH_KIB, f"its address space has grown by {address_space} KiB")
            check(memory <= GROWTH_KIB, f"its memory has grown by {memory} KiB")
            equal("descriptors more", descriptors, 0)
        return folder

    def is_whole(self, capture):
        """No event of it was lost, and none made no sense."""
        said = self.t.json("info", capture)
        equal(f"{capture}: health", {k: v for k, v in said["health"].items() if v and k in BAD}, {})

    def stand(self):
        """Eight threads stand still while a recording begins or ends: each capture has exactly what they did."""
        recordings = 100 if self.t.many else 12
        folder = self.program("meet", recordings)
        for n in range(1, recordings + 1):
            with open(f"{folder}/{n}.txt", encoding="ascii") as f:
                want = [int(x) for x in f.read().split()]
            self.is_whole(f"{folder}/{n}.bin")
            s = self.t.json("stats", f"{folder}/{n}.bin")
            equal(f"recording {n}: allocations, frees, bytes",
                  [s["total_num_allocations"], s["total_num_frees"], s["total_bytes_allocated"]], want)

    def run(self):
        """They never stand still: of each thread, a capture has an unbroken run of what it did."""
        recordings = 100 if self.t.many else 6
        folder = self.program("run", recordings)
        for n in range(1, recordings + 1):
            capture = f"{folder}/{n}.bin"
            self.is_whole(capture)
            events, numbers = list(self.t.events(capture)), collections.defaultdict(list)
            for e in events:
                if e["kind"] == "malloc" and e["size"] >= FIRST:
                    numbers[e["tid"]].append(e["size"] - FIRST)
            equal(f"recording {n}: faults", harness.Replay(events).faults[:3], [])
            check(numbers, f"recording {n}: no thread allocated")
            for tid, seen in numbers.items():
                equal(f"recording {n}, thread {tid}: events", seen, [(seen[0] + i) % NUMBERS for i in range(len(seen))])


def cases(tracker):
    a = Again(tracker)
    return [("eight threads stand still meanwhile", a.stand), ("eight threads go on meanwhile", a.run)]


if __name__ == "__main__":
    harness.main(cases)
