#!/usr/bin/env python3
"""events - what one event says: both halves of calls that release and get a block, failed calls. The truth
is what fx/resizes.c counted itself, and that no address can be live twice.

usage: events.py [-h] BUILD_DIR [PART_OF_A_NAME]...
"""
import collections

import harness
from harness import check, equal

RACES = 3


class Cases:
    def __init__(self, tracker):
        self.t = tracker

    def recorded(self, mode, *options, env=None):
        r = self.t.record([self.t.fixture("resizes"), mode], options, env=env)
        equal("exit status", (r.status, r.stderr), (0, b""))
        return r

    def race(self):
        """Eight threads: every call keeps its name, and no address is live twice, as the lines stand."""
        for _ in range(RACES):
            r = self.recorded("race", env={"MALLOC_ARENA_MAX": "1"})
            replay = self.t.replay(r.capture)
            check(harness.check_truth(replay, r.stdout) == 3, "three kinds of calls were counted")
            equal("unmatched, failed", (replay.unmatched, replay.failed), (0, 0))
            harness.check_stats(self.t, r.capture, replay)
            self.halves(r.capture)

    def halves(self, capture):
        """Two lines with one id; the first one's number; the release before the allocation."""
        begun, apart = {}, 0
        for e in self.t.events(capture):
            if "id" not in e:
                check("half" not in e, f"half without id: {e}")
            elif e["half"] == "release":
                equal("id of a first half", e["id"], e["seq"])
                equal("kind of a first half", e["kind"].endswith("_release"), True)
                begun[e["id"]] = e
            else:
                first = begun.pop(e["id"])
                equal("kind", first["kind"], e["kind"] + "_release")
                equal("thread, address", (first["tid"], first["address"]), (e["tid"], e["old_address"]))
                apart += e["seq"] != first["seq"] + 1
        equal("calls that never ended", len(begun), 0)
        return apart

    def aggregated(self):
        """Sums count each call under its own name, whoever came between."""
        r = self.recorded("race", "--aggregate")
        told = {w[1]: int(w[3]) for w in (line.split() for line in r.stdout.decode().splitlines())}
        stats = self.t.json("stats", r.capture)
        got = {name: stats["allocator_type_distribution"].get(name) for name in told}
        equal("calls by kind", got, told)

    def fail(self):
        """Who asked for what, and how often."""
        r = self.recorded("fail")
        want = {}
        for line in r.stdout.decode().splitlines():
            _, function, kind, size, count = line.split()
            want[function, kind, int(size)] = int(count)
        got = collections.Counter()
        for e in self.t.events(r.capture, "--stacks"):
            if e.get("failed"):
                equal("address", e["address"], None)
                frames = [f["function"] for f in e["frames"]]
                got[next((f for f in frames if f in {w[0] for w in want}), frames[0]), e["kind"], e["size"]] += 1
        equal("failed calls", dict(got), want)
        counted = self.t.json("stats", r.capture)["allocator_type_distribution"]
        equal("of them counted as allocations", [k for k in counted if k in {w[1] for w in want}], [])


def make_cases(t):
    c = Cases(t)
    return [("halves: race", c.race), ("halves: aggregated", c.aggregated), ("failed calls", c.fail)]


if __name__ == "__main__":
    harness.main(make_cases)
