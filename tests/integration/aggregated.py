#!/usr/bin/env python3
"""aggregated - captures of sums: `tracker aggregate` of a recording says what the recording
says, report by report; `tracker run --aggregate` says what the program says. What happens to
captures meanwhile: checkpoints.py.

usage: aggregated.py [-h] BUILD_DIR [PART_OF_A_NAME]...
"""
import base64
import collections
import gzip
import json
import os
import re
import struct
import subprocess
import sys

import bounds
import harness
import workloads
from harness import check, equal

VIEWS = ("", "--leaks", "--allocations", "--temporary-allocations")
GROUPS = ("filename", "lineno", "traceback", "function", "module", "thread")
REPORTS = [
    "stats", "stats -n 50", "stats --buckets", "leaks", "leaks --no-builtin-suppressions", "temporary",
    *(f"summary -r 0 {v}" for v in VIEWS), *(f"tree {v}" for v in VIEWS),
    *(f"table -n 0 -g {g} {v}" for g in GROUPS for v in ("", "--allocations")),
    *(f"table -n 0 -g function {v}" for v in VIEWS), "table -n 0 -c -g lineno", "table -n 0 @end", "summary @end",
    *(f"flamegraph {v}" for v in VIEWS), "flamegraph --split-threads", "flamegraph --inverted", "flamegraph @end",
    *(f"diff -n 0 -g {g}" for g in GROUPS), "diff -n 0 --allocations", "diff -n 0 @end",
]
# One of each kind, for a process of several, and for captures of real programs.
OF_A_PROCESS = ["stats", "leaks", "temporary", "summary -r 0", "tree --leaks", "table -n 0 -g function", "table -n 0 @end",
                "flamegraph --allocations", "diff -n 0 -g function"]
# What needs events: the report, and what the one line says besides "aggregated".
REFUSED = {
    "dump": "record without --aggregate", "stats @50%": "record without --aggregate",
    "table @50%": "record without --aggregate", "table @mark": "record without --aggregate",
    "table @#1": "record without --aggregate", "table @1ms": "record without --aggregate",
    "table @peak..end": "record without --aggregate", "table --list": "record without --aggregate",
    "flamegraph --json @0.5s": "record without --aggregate", "tree @mark": "record without --aggregate",
    "stats --region r": "record without --aggregate", "temporary @50%": "record without --aggregate",
    "temporary -n 2": "--temporary-threshold 2", "temporary -n 0": "--temporary-threshold 0",
    "table --temporary-allocation-threshold 3": "--temporary-threshold 3",
    "table -g size": "record without --aggregate", "summary @1ms..": "record without --aggregate",
    "diff @50%": "record without --aggregate",
}
# They name the file, or say what kind it is.
HEADER_BYTES, TRAILER_BYTES = 64, 16  # docs/FORMAT.md
NAMES = {"capture", "file_bytes", "bytes_per_event", "file_format", "content", "old_capture", "new_capture", "captures"}


def without_names(value):
    if isinstance(value, dict):
        return {k: without_names(v) for k, v in value.items() if k not in NAMES}
    return [without_names(v) for v in value] if isinstance(value, list) else value


def first_difference(a, b, path=""):
    if type(a) is not type(b):
        return f"{path}: {harness.short(a)} and {harness.short(b)}"
    if isinstance(a, dict):
        pairs = [(f"{path}.{k}", a.get(k), b.get(k)) for k in sorted({**a, **b})]
    elif isinstance(a, list) and len(a) == len(b):
        pairs = [(f"{path}[{i}]", x, y) for i, (x, y) in enumerate(zip(a, b))]
    else:
        return None if a == b else f"{path}: {harness.short(a)} and {harness.short(b)}"
    return next(filter(None, (first_difference(x, y, p) for p, x, y in pairs)), None)


def page_of(html):
    """Columns of the flame graph's page, and what stands beside them."""
    meta = json.loads(re.search(rb'<script type="application/json" id="meta">(.*?)</script>', html, re.S).group(1))
    packed = re.search(rb'<script type="text/plain" id="columns">(.*?)</script>', html, re.S).group(1)
    data, columns, at = gzip.decompress(base64.b64decode(packed)), {}, 0
    for c in meta["columns"]:
        code, size = {"u8": ("B", 1), "u32": ("I", 4), "f64": ("d", 8)}[c["type"]]
        columns[c["name"]] = struct.unpack_from(f"<{c['count']}{code}", data, at)
        at += -(-c["count"] * size // 8) * 8
    return meta, columns


def arguments(report, *captures):
    """The words of a report; a word that begins with @ is a point of every capture."""
    words = report.split()
    point = "".join(w for w in words if w.startswith("@"))
    return words[0], [w for w in words[1:] if not w.startswith("@")] + [c + point for c in captures]


class Aggregated:
    def __init__(self, tracker):
        self.t = tracker

    # ---- the same figures ----

    def aggregate(self, capture, *options):
        out = self.t.file(".agg.bin")
        r = harness.execute([self.t.tracker, "aggregate", "-o", out, *options, capture])
        equal("tracker aggregate", (r.status, len(r.stderr.splitlines())), (0, 1))
        return out

    def report(self, report, *captures):
        name, words = arguments(report, *captures)
        return without_names(self.t.json(name, *words))

    def same_reports(self, full, small, reports=tuple(REPORTS), pid=()):
        for report in reports:
            twice = report.startswith("diff")
            got = self.report(" ".join((report, *pid)), *([small] * (2 if twice else 1)))
            want = self.report(" ".join((report, *pid)), *([full] * (2 if twice else 1)))
            difference = first_difference(want, got)
            check(not difference, f"tracker {report} {' '.join(pid)}: full and aggregated differ at {difference}")
            check(want, f"tracker {report} prints nothing")

    def same_page(self, full, small, *options):
        """Its columns are equal; its plot shows the highest point of each moment, a millisecond or a bin around it."""
        (meta, want), (other, got) = (page_of(self.t.run("flamegraph", "-o", "-", *options, c)) for c in (full, small))
        equal("keys of the page", meta.keys(), other.keys())
        for name in want:
            if name != "plot_heap":
                check(want[name] == got[name], f"column {name} of the page {options}")
        full_plot, small_plot = want["plot_heap"], got["plot_heap"]
        equal("bins", len(small_plot), len(full_plot))
        if not full_plot:
            return
        equal("highest point", max(small_plot), max(full_plot))
        span = (1 << 20) * max(1, meta["duration_ns"] // (1 << 20) // 1000)  # as long as one of 2048 can be
        reach = 2 + 2 * span * len(full_plot) // meta["duration_ns"]
        for i, y in enumerate(small_plot):
            around = full_plot[max(0, i - reach):i + reach + 1]
            check(full_plot[i] <= y <= max(around), f"bin {i} of the plot {options}: {y}, not in "
                  f"{full_plot[i]}..{max(around)}")

    def same(self, full, reports=tuple(REPORTS)):
        small = self.aggregate(full)
        processes = sorted(self.t.json("info", full)["processes"], key=lambda p: p["pid"])
        self.same_reports(full, small, reports)
        self.same_page(full, small)
        self.same_page(full, small, "--split-threads")
        for p in processes[:2] if len(processes) > 1 else []:
            self.same_reports(full, small, OF_A_PROCESS, ("--pid", str(p["pid"])))
            self.same_page(full, small, "--pid", str(p["pid"]))
        info = self.t.json("info", full)
        equal("summary in info", {k: v for k, v in self.t.json("info", small)["summary"].items()
                                  if k not in ("temporary_threshold", "last_event_ns")}, info["summary"])
        return small, len(processes)

    def workload(self, make, scale, processes=1):
        folder = self.t.file(".work")
        os.mkdir(folder)
        w, capture = make(folder, scale), self.t.file(".bin")
        with open(w.stdin or os.devnull, "rb") as stdin:
            subprocess.run([self.t.tracker, "run", "-q", "-o", capture, "--", *w.argv], stdin=stdin, cwd=w.cwd,
                           env={**os.environ, **w.env}, stdout=subprocess.DEVNULL, check=True, timeout=300)
        _, n = self.same(capture, OF_A_PROCESS)  # they are large; the small ones are asked for all
        check(n >= processes, f"{n} processes")
        self.summary_is_what_is_read(capture)

    def summary_is_what_is_read(self, capture):
        """The recorder found the peak of the tree that a reader finds in the events' order."""
        s, info = self.t.json("stats", capture), self.t.json("info", capture)
        equal("peak in summary", info["summary"]["peak_bytes"], s["metadata"]["peak_memory"])

    def fixture(self, *words):
        r = self.t.record([self.t.fixture(words[0]), *words[1:]])
        equal("exit status", r.status, 0)
        self.same(r.capture)
        self.summary_is_what_is_read(r.capture)

    def redis(self):
        import real
        r, kept = real.Real(self.t), []
        r.compare = lambda capture, *_, **__: kept.append(capture)
        r.redis()
        self.same(kept[0])

    def threshold(self):
        """Temporary at another threshold, chosen when the sums are made or recorded."""
        for words, n in (("one", 0), ("one", 2), ("two", 3)):
            argv = [self.t.fixture("temporary"), words]
            full = self.t.record(argv)
            recorded = self.t.record(argv, ["--aggregate", "--temporary-threshold", str(n)])
            small = self.aggregate(full.capture, "--temporary-threshold", str(n))
            want = self.report(f"temporary -n {n}", full.capture)
            for what in (small, recorded.capture):
                got = self.report(f"temporary -n {n}", what)
                equal(f"temporary -n {n}", (got["total_count"], got["total_bytes"]),
                      (want["total_count"], want["total_bytes"]))

    # ---- what the program says ----

    def truth(self, *words):
        """Sizes and kinds as the program told, and the totals of a full recording of it."""
        argv = [self.t.fixture(words[0]), *words[1:]]
        full, r = self.t.record(argv), self.t.record(argv, ["--aggregate"])
        equal("status, output", (r.status, r.stdout, r.stderr), (full.status, full.stdout, full.stderr))
        told, left = collections.Counter(), collections.Counter()
        for line in r.stdout.decode().splitlines():
            w = line.split()
            if w[:1] == ["T"] and w[1] in harness.ALLOCATES:
                told[int(w[2])] += int(w[3])
            elif w[:1] == ["L"]:
                left[int(w[1])] += int(w[2])
        check(told, "the program said nothing")
        sizes = collections.Counter(dict(self.sizes(r.capture)))
        equal("allocations by size", {s: sizes[s] for s in told}, dict(told))
        got, want = self.report("stats", r.capture), self.report("stats", full.capture)
        for key in ("total_num_allocations", "total_num_frees", "total_bytes_allocated", "leaked_allocations",
                    "leaked_bytes", "unmatched_frees", "lost_events", "allocator_type_distribution"):
            if key in want:
                equal(key, got[key], want[key])
        return r, left

    def sizes(self, capture):
        """(size, count) of all allocations, as the file has them: by the second decoder."""
        sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "golden"))
        import decode
        with open(capture, "rb") as f:
            c = decode.Capture(f.read())
        total = collections.Counter()
        for s in c.sizes:
            total[s["size"]] += s["count"]
        check(c.complete and not c.events, "whole, and without events")
        return total.items()

    def leak(self):
        r, left = self.truth("leak")
        s = self.t.json("leaks", r.capture)
        equal("leaks", (s["total_count"], s["total_bytes"]),
              (sum(left.values()), sum(n * size for size, n in left.items())))

    def lists(self):
        """No marks in sums, but the peak and the end, line by line as arithmetic says."""
        r = self.t.record([self.t.fixture("lists")], ["--aggregate"])
        full = self.t.record([self.t.fixture("lists")])
        for point in ("", "@peak", "@end"):
            equal("table " + point, self.t.text("table", "-n", "0", r.capture + point),
                  self.t.text("table", "-n", "0", full.capture + point))

    def peak(self):
        r = self.t.record([self.t.fixture("peak")], ["-a"])
        equal("table", self.t.text("table", r.capture), "/src/peak.c:20: size=5000 B, count=1, average=5000 B\n")

    def mapped(self):
        for number, pages in enumerate((11, 12, 10, 13, 17), 1):
            r = self.t.record([self.t.fixture("mapped"), str(number)], env={"TRACKER_FORMAT": "aggregated"})
            equal("peak", self.t.json("stats", r.capture)["metadata"]["peak_memory"], pages * 4096)

    def small_file(self):
        argv = [self.t.fixture("threads"), "churn"]
        full, r = self.t.record(argv), self.t.record(argv, ["--aggregate"])
        for sums in (r.capture, self.aggregate(full.capture)):
            check(os.path.getsize(sums) < 20000, f"{os.path.getsize(sums)} bytes")
        events = self.t.record([self.t.find("churn"), "-n", "500000"], ["--memory-interval-ms", "0"])
        sums = self.aggregate(events.capture)
        share = os.path.getsize(sums) / os.path.getsize(events.capture)
        check(share < 0.02, f"{os.path.getsize(sums)} bytes, {100 * share:.1f} % of the events' file")

    # ---- what sums cannot answer ----

    def refusals(self):
        r = self.t.record([self.t.fixture("lists")], ["--aggregate"])
        for report, remedy in REFUSED.items():
            twice = report.startswith("diff")
            name, words = arguments(report, *([r.capture] * (2 if twice else 1)))
            p = subprocess.run([self.t.reporter(name), *words], capture_output=True, text=True, timeout=300)
            equal(f"{report}: status, output", (p.returncode, p.stdout), (1, ""))
            lines = p.stderr.splitlines()
            check(len(lines) == 1 and "aggregated" in lines[0] and remedy in lines[0], f"{report} says {p.stderr!r}")
        again = harness.execute([self.t.tracker, "aggregate", "-o", self.t.file(".bin"), r.capture])
        check(again.status == 1 and b"already aggregated" in again.stderr, f"{again.stderr!r}")

    def usage(self):
        """Options that contradict each other, files that must not be written."""
        full = self.t.record(["true"]).capture
        with open(full, "rb") as f:
            before = f.read()
        for args, code, word in (([full], 2, b"-o FILE"), (["-o", full, full], 1, b"itself"),
                                 (["-f", "-o", full, full], 1, b"itself"), (["-o", __file__, full], 1, b"--force"),
                                 (["-o", "/nonexistent/x", full], 1, b"/nonexistent/x"),
                                 (["-o", "/dev/full", full], 1, b"No space"),
                                 (["-o", self.t.file(".bin"), "/nonexistent/y"], 1, b"No such file"),
                                 (["-o", self.t.file(".bin"), __file__], 1, b"look like a capture")):
            r = harness.execute([self.t.tracker, "aggregate", *args])
            check(r.status == code and word in r.stderr and len(r.stderr.splitlines()) == 1, f"{args}: {r.stderr!r}")
        with open(full, "rb") as f:
            check(f.read() == before, "the capture was changed")
        for options in (["--checkpoint", "1s"], ["--temporary-threshold", "2"], ["--format", "x"],
                        ["-a", "--format", "all"], ["-a", "--checkpoint", "soon"],
                        ["-a", "--max-size", "1M"]):
            r = harness.execute([self.t.tracker, "run", "-o", self.t.file(".bin"), *options, "--", "true"])
            check(r.status == 2 and len(r.stderr.splitlines()) == 1, f"{options}: {r.status}, {r.stderr!r}")

    def damaged(self):
        """Sums of a capture that is not whole say so; a damaged file of sums is read as far as it goes."""
        full = self.t.record([self.t.fixture("threads"), "churn"]).capture
        with open(full, "rb") as f:
            data = f.read()
        cut = self.t.file(".bin")
        with open(cut, "wb") as f:
            f.write(data[:harness.inside_a_block(data, len(data) * 2 // 3)])
        sums = self.t.json("stats", self.aggregate(cut))
        check(not sums["complete"] and "capture that is cut" in sums["incomplete"], f"{sums['incomplete']}")
        equal("allocations", sums["total_num_allocations"], self.t.json("stats", cut)["total_num_allocations"])
        # In tables, events, what names are; not in the header, without which nothing can be read, nor in what says that it is whole.
        for at in range(HEADER_BYTES, len(data) - TRAILER_BYTES, max(1, len(data) // 25)):
            with open(cut, "wb") as f:
                f.write(data[:at] + bytes([data[at] ^ 1]) + data[at + 1:])
            equal(f"byte {at} of {len(data)} damaged", *(self.t.json("stats", c)["incomplete"] for c in (self.aggregate(cut), cut)))

    def bounds(self):
        """--duration holds for sums, too."""
        capture = bounds.Bounds(self.t).relay("-a", "--checkpoint", "0", "--duration", "500ms")[0]
        equal("stopped_by", self.t.json("info", capture)["health"].get("stopped_by"), 1)


def make_cases(t):
    a = Aggregated(t)
    cases = [(f"same figures: {' '.join(w)}", lambda w=w: a.fixture(*w)) for w in (
        ("leak",), ("lists",), ("kinds",), ("reallocs", "race"), ("threads", "many"), ("threads", "churn"),
        ("process", "fork"), ("process", "threaded_fork"), ("process", "exec"), ("process", "daemon"), ("mapped", "3"))]
    cases += [(f"same figures: {name}", lambda m=m, s=s, p=p: a.workload(m, s, p)) for name, m, s, p in (
        ("sqlite3", workloads.sqlite3, 20000, 1),
        ("python3", lambda f, s: workloads.python3(f, s, malloc=True), 20, 1),
        ("cc1plus", workloads.cc1plus_small, 1, 1), ("a process tree", workloads.shell, 300, 6))]
    cases += [("same figures: redis-server", a.redis)]
    cases += [(f"truth: {' '.join(w)}", lambda w=w: a.truth(*w)) for w in (
        ("kinds",), ("operators",), ("reallocs", "grow"), ("threads", "short"), ("threads", "churn"), ("process", "fork"), ("process", "exec"), ("early",))]
    cases += [(name.replace("_", " "), getattr(a, name)) for name in (
        "leak", "lists", "peak", "mapped", "threshold", "small_file", "refusals", "usage", "damaged", "bounds")]
    return cases


if __name__ == "__main__":
    harness.main(make_cases)
