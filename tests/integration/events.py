#!/usr/bin/env python3
"""events - what one event says: both halves of calls that release and get a block, failed calls. The truth
is what fx/resizes.c counted itself, and that no address can be live twice.

usage: events.py [-h] BUILD_DIR [PART_OF_A_NAME]...
"""
import collections
import re

import harness
from harness import check, equal

RACES = 3
LEAST = 100000  # size of the block of level 0 in fx/levels.c


class Cases:
    def __init__(self, tracker):
        self.t = tracker
        self.whole = None  # stacks of fx/levels.c, none cut

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


    def levels(self, nframe):
        """Exactly the most recent frames, and one number for one stack: on the way down and up again."""
        depth, argv = 450, [self.t.fixture("levels"), "450"]
        self.whole = self.whole or self.stacks(argv, 100000)
        want = self.whole
        equal("levels", len(want), 2 * (depth + 1))
        for (size, branch), (_, names, deep) in want.items():
            equal(f"frames of level {size - LEAST}", sum(n in ("level", "other") for n, _ in names), size - LEAST + 1)
        got = self.stacks(argv, nframe)
        numbers = collections.defaultdict(set)
        for key, (number, names, deep) in got.items():
            whole = want[key][1]
            equal(f"depth of {key}", deep, len(whole))
            equal(f"frames of {key}", names, whole[:nframe] + (("<truncated stack>", 0),) if len(whole) > nframe else whole)
            numbers[names].add(number)
        equal("stacks of several numbers", [n for n in numbers.values() if len(n) > 1], [])

    def cut_off(self):
        """Reports say how many frames are not shown: of one stack, and where stacks of different depths are one."""
        r = self.t.record([self.t.fixture("levels"), "450"], ["--nframe", "20"])
        told = lambda *argv: set(re.findall(r"\.\.\. (.*) older frames? w(?:as|ere) cut off", self.t.text(*argv)))
        (deep,) = [e["total_nframe"] for e in self.t.events(r.capture) if e.get("size") == 1]
        check(deep > 2 * 450, f"{deep} frames")
        equal("leaks", told("leaks", r.capture), {str(deep - 20)})
        equal("table", told("table", "--traceback", "-g", "traceback", f"{r.capture}@end"), {str(deep - 20)})
        deepest = max(int(n) for n in told("dump", "--stacks", r.capture))
        equal("dump", deepest, deep - 20)
        equal("aggregated", told("leaks", self.t.record([self.t.fixture("levels"), "450"], [
            "--nframe", "20", "--aggregate"]).capture), {str(deep - 20)})

    def stacks(self, argv, nframe):
        """(size, line of the call) -> the stack's number, its functions, how deep it was."""
        r, out = self.t.record(argv, ["--nframe", str(nframe)]), {}
        for e in self.t.events(r.capture, "--stacks"):
            if e["kind"] == "malloc" and LEAST <= e["size"] < LEAST + 10000:
                frames = [f for f in e["frames"] if f["function"] not in ("malloc",)]
                key = e["size"], frames[0]["line"]
                value = e["stack"], tuple((f["function"], f["line"]) for f in e["frames"]), e["total_nframe"]
                equal(f"stack of {key}", out.setdefault(key, value), value)
        return out


def make_cases(t):
    c = Cases(t)
    cases = [("halves: race", c.race), ("halves: aggregated", c.aggregated), ("failed calls", c.fail), ("older frames", c.cut_off)]
    return cases + [(f"levels: {n}", lambda n=n: c.levels(n)) for n in (1, 3, 255, 256, 300, 400, 5000)]


if __name__ == "__main__":
    harness.main(make_cases)
