#!/usr/bin/env python3
"""reserved - address space that is only reserved is no heap: pages of random calls and of scenes, as the
program itself counts them; runtimes that reserve far more than they use.

usage: reserved.py [-h] BUILD_DIR [PART_OF_A_NAME]...
"""
import re

import harness
from harness import check, check_stats, equal, execute, need

SEEDS = range(1, 11)
SCENES = ("mprotect", "mmap", "munmap", "mremap", "guard", "pool", "threshold", "written")


def told(stdout):
    """What the fixture counted: heap, peak, reserved, most."""
    words = stdout.decode().split()
    return dict(zip(words[::2], map(int, words[1::2])))


class Reserved:
    def __init__(self, tracker):
        self.t = tracker

    def run(self, *arguments, options=()):
        r = self.t.record([self.t.fixture("reserved"), *arguments], options)
        equal("status", (r.status, r.stderr), (0, b""))
        return r

    def compare(self, r):
        """The figures of the program against those of `stats`. What the C library itself maps is none of either."""
        want, s = told(r.stdout), self.t.json("stats", r.capture)
        got = {"heap": s["leaked_bytes"], "peak": s["peak_memory"], "reserved": s["reserved_bytes_at_end"],
               "most": s["reserved_bytes"]}
        if not want["peak"]:  # what was most at one time depends on when the recorder looked
            want.update(peak=got["peak"], most=got["most"])
        equal(" ".join(map(str, [r.capture])), got, want)
        return s

    def fuzz(self, what="fuzz"):
        for seed in SEEDS:
            r = self.run(what, str(seed), "600")
            self.compare(r)
            check_stats(self.t, r.capture, self.t.replay(r.capture))

    def small(self):
        """Outside of a reservation, what is smaller than one is heap."""
        self.fuzz("small")

    def aggregated(self):
        """Sums of events say the same as the events."""
        for seed in SEEDS:
            r = self.run("fuzz", str(seed), "600", options=["--aggregate"])
            self.compare(r)

    def of_events(self):
        """... and so do sums that are made of them afterwards."""
        r = self.run("fuzz", "3", "600")
        sums = self.t.file(".bin")
        equal("tracker aggregate", execute([self.t.tracker, "aggregate", "-o", sums, r.capture]).status, 0)
        keys = [k for k in self.t.json("stats", sums) if k.startswith(("reserved", "total", "leaked", "peak"))]
        a, b = (self.t.json("stats", c) for c in (r.capture, sums))
        equal("sums", {k: b[k] for k in keys}, {k: a[k] for k in keys})

    def scenes(self):
        for scene in SCENES:
            for options in ((), ("--aggregate",)):
                self.compare(self.run(scene, options=options))

    def seen(self):
        """Pages of an arena that the program gives back: what was seen of them until then is heap until then. How
        soon the recorder looks is not promised: the program waits longer until it has."""
        for options in ((), ("--aggregate",)):
            for ms in (100, 400, 1600, 6400, 25600):
                r = self.run("seen", str(ms), options=options)
                most, peak = told(r.stdout)["peak"], self.t.json("stats", r.capture)["peak_memory"]
                check(peak <= most, f"{peak} bytes at the peak, of {most} that were written")
                if peak == most:
                    break
            self.compare(r)

    def said(self):
        """One line in each report, and nothing of it is leaked."""
        r = self.run("mmap")
        line = "Reserved address space, not counted as heap: 1024 GiB in 1 mapping\n"
        for report in ("stats", "leaks", "summary", "info"):
            text = self.t.text(report, r.capture)
            check(line in text, f"{report}: {text[:600]}")
        said = execute([self.t.tracker, "run", "-o", self.t.file(".bin"), self.t.fixture("reserved"), "mmap"]).stderr.decode()
        check("reserved address space, not counted as heap: 1024 GiB in 1 mapping\n" in said, said)
        page = self.t.text("flamegraph", "-o", "-", r.capture)
        equal("the page's figure", re.findall(r'"reserved_bytes": ?(\d+)', page), [str(1 << 40)])
        leaks = self.t.json("leaks", r.capture)
        equal("leaked", (leaks["total_count"], leaks["total_bytes"]), (10, told(r.stdout)["heap"]))
        check(all(row["size"] for row in leaks["rows"]), leaks["rows"])
        nothing = self.t.record(["true"])
        check("Reserved" not in self.t.text("stats", nothing.capture), "stats of true speaks of reservations")

    def dumped(self):
        kinds = [(e["kind"], e.get("reserved"), e.get("access")) for e in self.t.events(self.run("mprotect").capture)
                 if e["kind"].startswith("m") and e["kind"] != "malloc"]
        equal("events", kinds, [("mmap", True, None)] + 10 * [("mprotect", None, "some")] + [("mprotect", None, "none")])
        kinds = [e["kind"] for e in self.t.events(self.run("guard").capture) if e["kind"].startswith("m")]
        equal("events of the guard", kinds, ["mmap", "madvise"])

    def committed_here(self):
        """Who makes pages heap is who allocates them."""
        r = self.run("mprotect")
        row, = self.t.json("leaks", r.capture)["rows"]
        equal("who", row["stack"][0]["function"], "commit_by_mprotect")
        equal("what", (row["size"], row["count"]), (told(r.stdout)["heap"], 10))
        equal("allocators", self.t.json("stats", r.capture)["allocator_type_distribution"], {"mmap": 1, "mprotect": 10})

    def node(self):
        self.runtime([need("node"), "-e", "0"], 200 << 20)

    def java(self):
        self.runtime([need("java"), "-Xmx1g", "-version"], 400 << 20)

    def runtime(self, argv, limit):
        r = self.t.record(argv)
        equal("status", r.status, 0)
        s = self.t.json("stats", r.capture)
        check(s["peak_memory"] < limit, f"peak {s['peak_memory']}")
        check(s["reserved_bytes"] > limit, f"reserved {s['reserved_bytes']}")


def make_cases(t):
    r = Reserved(t)
    return [("scenes", r.scenes), ("seen", r.seen), ("fuzz", r.fuzz), ("small", r.small), ("aggregated", r.aggregated), ("sums of events", r.of_events),
            ("said", r.said), ("dumped", r.dumped), ("committed here", r.committed_here), ("node", r.node), ("java", r.java)]


if __name__ == "__main__":
    harness.main(make_cases)
