#!/usr/bin/env python3
"""sampling - programs that count what they do (fx/sampled.c), recorded with --sample: the truth lies
within the margins that reports state, and estimates are right on average.

usage: sampling.py [-h] BUILD_DIR [PART_OF_A_NAME]...

SAMPLING_RUNS=100 sets how often each mode is run (default 40).

A margin of 99 % is missed once in 100 times, so a bound is needed that the right code keeps: of N runs with
probability 0.01 of a miss each, more than N/25 + 6 misses happen less than once in 100,000 times.
"""
import math
import os
import re
import statistics

import harness
from harness import check, equal

RUNS = int(os.environ.get("SAMPLING_RUNS", 40))
FIGURES = ["total_num_allocations", "total_bytes_allocated", "total_num_frees", "leaked_allocations",
           "leaked_bytes", "peak_memory"]
# mode, distance of samples
MODES = [("churn", "16K"), ("churn", "512K"), ("reallocs", "64K"), ("threads", "16K"), ("forks", "16K"),
         ("empty", "4K")]


def mean(every):
    return str(int(every.rstrip("K")) * (1024 if every.endswith("K") else 1))


class Cases:
    def __init__(self, tracker):
        self.t = tracker

    def one(self, mode, every, *options):
        r = self.t.record([self.t.fixture("sampled"), mode, mean(every)], ["--sample", every, *options],
                          env={"LC_ALL": "C"})
        equal("exit status", (r.status, r.stderr), (0, b""))
        words = r.stdout.split()
        r.truth = dict(zip(FIGURES, map(int, words)))
        r.deviation = {f: math.sqrt(float(w)) for f, w in zip(FIGURES, words[len(FIGURES):])}
        if not r.truth["peak_memory"]:
            del r.truth["peak_memory"]
        return r

    def covered(self, mode, every):
        estimates, missed = {}, {}
        for _ in range(RUNS):
            r = self.one(mode, every)
            stats = self.t.json("stats", r.capture)
            os.unlink(r.capture)
            for figure, truth in r.truth.items():
                estimates.setdefault(figure, []).append(stats[figure])
                if abs(stats[figure] - truth) > stats[figure + "_margin"]:
                    missed[figure] = missed.get(figure, 0) + 1
            equal("unmatched frees", stats["unmatched_frees"], 0)
            equal("overwritten", stats["overwritten"], 0)
        for figure, values in estimates.items():
            self.report(f"{mode} {every} {figure}", r.truth[figure], r.deviation.get(figure), values,
                        missed.get(figure, 0))

    def report(self, name, truth, deviation, values, missed):
        average = statistics.mean(values)
        print(f"# {name}: {len(values) - missed} of {len(values)} within; mean {100 * (average / truth - 1):+.2f} %")
        check(missed <= len(values) / 25 + 6, f"{name}: the truth is outside in {missed} of {len(values)}")
        # the highest of many estimates is no estimate of the highest: that has none
        if deviation is not None:
            error = deviation / math.sqrt(len(values))
            check(abs(average - truth) <= 6 * error + 0.002 * truth,
                  f"{name}: {average:.0f} on average, {truth} in truth, standard error {error:.0f}")
            spread = statistics.stdev(values)
            print(f"#   spread {spread / deviation:.2f} of what arithmetic says")

    def differing(self):
        """No two runs, threads or children draw the same."""
        totals = [self.t.json("stats", self.one("forks", "16K").capture) for _ in range(4)]
        check(len({s["total_bytes_allocated"] for s in totals}) == 4, "runs draw alike")
        for s in totals:
            children = [p["total_bytes_allocated"] for p in s["processes"][1:]]
            equal("children", len(children), 10)
            check(len(set(children)) > 8, f"children draw alike: {children}")

    def said(self):
        """Every report says that it is sampled; of an exact capture none does."""
        sampled = self.one("churn", "16K").capture
        exact = self.t.record([self.t.fixture("sampled"), "churn", "1"]).capture
        for report in self.t.reports("one capture", "document", "text"):
            check(re.search("[sS]ampled every 16.0 KiB", self.t.text(report, sampled)) or report == "info", f"{report}: not said")
            equal(f"{report} --json", self.t.json(report, sampled).get("sampled_bytes"), 16384)
            text = self.t.text(report, exact) + self.t.run(report, "--json", exact).decode()
            check("margin" not in text and "ampled" not in text.replace(self.t.fixture("sampled"), "").replace(
                "fx_sampled", "").replace("sampled.c", ""), f"{report}: said of an exact capture")
        check("Sampled: every 16.0 KiB" in self.t.text("info", sampled), "info: not said")
        check(b"Sampled every 16.0 KiB" in self.t.run("flamegraph", "-o", "-", sampled), "flamegraph: not said")
        check(self.t.text("diff", sampled, sampled).count("sampled every") == 2, "diff: not said")

    def aggregated(self):
        """Sums of sampled events are what the events add up to, margins too."""
        r = self.one("churn", "16K")
        sums = self.t.file(".bin")
        self.t.run("aggregate", "-o", sums, r.capture)
        a, b = self.t.json("stats", r.capture), self.t.json("stats", sums)
        for figure in FIGURES:
            equal(figure, (a[figure], a[figure + "_margin"]), (b[figure], b[figure + "_margin"]))

    def every_byte(self):
        """A distance of one byte: nearly everything is recorded."""
        r = self.one("churn", "1")
        stats = self.t.json("stats", r.capture)
        for figure in ("total_num_allocations", "total_bytes_allocated", "total_num_frees", "peak_memory"):
            check(abs(stats[figure] - r.truth[figure]) <= 50000, f"{figure}: {stats[figure]}, want {r.truth[figure]}")

    def allocator(self, library):
        """Behind the hooks of malloc other allocators call themselves."""
        path = harness.need("/usr/lib/x86_64-linux-gnu/" + library)
        r = self.t.record([self.t.fixture("sampled"), "reallocs", mean("4K")], ["--sample", "4K"], env={"LD_PRELOAD": path})
        equal("exit status", r.status, 0)
        stats, truth = self.t.json("stats", r.capture), dict(zip(FIGURES, map(int, r.stdout.split())))
        for figure in FIGURES:
            check(abs(stats[figure] - truth[figure]) <= 2 * stats[figure + "_margin"],
                  f"{figure}: {stats[figure]}, want {truth[figure]}")

    def bounds(self):
        for value in ("0", "2T", "many"):
            r = harness.execute([self.t.tracker, "run", "--sample", value, "--", "/bin/true"])
            check(r.status == 2 and b"--sample" in r.stderr, f"--sample {value}: {r.status} {r.stderr}")


def make_cases(t):
    c = Cases(t)
    cases = [("bounds", c.bounds), ("said", c.said), ("differing", c.differing), ("aggregated", c.aggregated),
             ("every byte", c.every_byte)]
    cases += [(f"covered: {mode} {every}", lambda mode=mode, every=every: c.covered(mode, every))
              for mode, every in MODES]
    return cases + [(f"allocator: {library}", lambda library=library: c.allocator(library))
                    for library in ("libjemalloc.so.2", "libtcmalloc_minimal.so.4", "libmimalloc.so.2.0")]


if __name__ == "__main__":
    harness.main(make_cases)
