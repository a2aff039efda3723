#!/usr/bin/env python3
"""aggregated - captures of sums: `tracker aggregate` of a recording says what the recording
says, report by report; `tracker run --aggregate` says what the program says; and whatever
happens to recorder, program, disk and file, there is a whole capture, and nobody else's file
is touched.

usage: aggregated.py [-h] BUILD_DIR [PART_OF_A_NAME]...
AGGREGATED_KILLS=N: so many kills of the recorder, and of the program (3).
"""
import base64
import collections
import gzip
import json
import os
import random
import re
import signal
import struct
import subprocess
import sys
import time

import bounds
import harness
import workloads
from harness import Skip, check, equal

KILLS = int(os.environ.get("AGGREGATED_KILLS", "3"))

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


def stamp(path):
    """Another one for every file that comes into place: inodes are used again."""
    s = os.stat(path)
    return s.st_ino, s.st_ctime_ns


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

    # ---- kills ----

    def start(self, *options, capture=None):
        shared, capture = self.t.file(".shared"), capture or self.t.file(".bin")
        p = subprocess.Popen([self.t.tracker, "run", "-q", "-o", capture, "--aggregate", *options, "--",
                              self.t.fixture("killed"), shared], stderr=subprocess.PIPE)
        return p, capture, shared

    def counts(self, shared):
        with open(shared, "rb") as f:
            return struct.unpack("=3Q", f.read(24))

    def running(self, p, shared):
        """The pids of the program, once it counts, and of its recorder."""
        for _ in range(12000):
            if os.path.exists(shared) and os.path.getsize(shared) >= 24 and self.counts(shared)[1]:
                pid = self.counts(shared)[0]
                children = open(f"/proc/{p.pid}/task/{p.pid}/children").read().split()
                others = [int(c) for c in children if int(c) != pid]
                if others:
                    return pid, others[0]
            time.sleep(0.01)
        raise harness.Failure("the program does not run")

    def blocks(self, capture):
        """(mallocs, frees) of the program's blocks that are in the sums."""
        made = dict(self.sizes(capture)).get(1001, 0)
        left = [r for r in self.t.json("table", "-n", "0", "-g", "function", "--filter", "+*killed.c",
                                       capture + "@end")["rows"]]
        return made, made - sum(r["count"] for r in left)

    def program_killed(self):
        for _ in range(KILLS):
            p, capture, shared = self.start("--checkpoint", random.choice(("0", "10ms", "200ms")))
            pid, _ = self.running(p, shared)
            time.sleep(random.uniform(0.001, 0.5))
            os.kill(pid, signal.SIGKILL)
            p.communicate(timeout=300)
            equal("status of tracker run", p.returncode, -signal.SIGKILL)
            _, mallocs, frees = self.counts(shared)
            got = self.blocks(capture)
            check(got[0] - mallocs in (0, 1) and got[1] - frees in (0, 1),
                  f"{mallocs} mallocs and {frees} frees returned, {got} are in the capture")
            info = self.t.json("info", capture)
            equal("signal, checkpoint", (info["processes"][0]["signal"], info["health"].get("checkpoint")), (9, None))
            self.no_leftovers(capture)

    def recorder_killed(self):
        for _ in range(KILLS):
            p, capture, shared = self.start("--checkpoint", "200ms")
            pid, recorder = self.running(p, shared)
            time.sleep(random.uniform(0, 0.5))
            os.kill(pid, signal.SIGSTOP)
            stopped = self.counts(shared)[1]
            self.reaches(capture, stopped)
            os.kill(pid, signal.SIGCONT)
            time.sleep(random.uniform(0, 0.5))
            os.kill(recorder, signal.SIGKILL)
            counted = self.counts(shared)[1]
            os.kill(pid, signal.SIGKILL)
            _, err = p.communicate(timeout=300)
            check(b"last checkpoint" in err, f"tracker run says {err!r}")
            time.sleep(0.05)  # a checkpoint that was being written may still come
            self.is_checkpoint(capture, stopped, counted)

    def reaches(self, capture, count):
        """While the program stands still a checkpoint will say all that it did."""
        for _ in range(100):
            seen = stamp(capture)
            made = self.blocks(capture)[0] if os.path.getsize(capture) > 64 else 0
            if count <= made <= count + 1:
                return
            check(made <= count + 1, f"{made} in a checkpoint, {count} made")
            while stamp(capture) == seen:
                time.sleep(0.002)
        raise harness.Failure(f"no checkpoint has the {count} blocks that were made before: {made}")

    def is_checkpoint(self, capture, least, most):
        info = self.t.json("info", capture)
        equal("checkpoint, truncated", (info["health"].get("checkpoint"), info["truncated"]), (1, False))
        equal("ends", [p["end_ns"] for p in info["processes"]], [None])
        made, freed = self.blocks(capture)
        check(least <= made <= most + 2, f"{made} in the checkpoint, {least} before, {most} at the end")
        check(0 <= made - freed - made // 10 <= 1, f"{made} made, {freed} freed: no state of the program")
        for name in self.t.reports("diff", "dump", "info"):
            r = subprocess.run([self.t.reporter(name), *(["-o", "-"] if name == "flamegraph" else []), capture],
                               capture_output=True, timeout=300)
            check(r.returncode == 0 and re.search(rb"(is a checkpoint: the recorder was killed;|being recorded by pid \d+:) figures are those at \d+\.\d+ s", r.stderr),
                  f"{name} of a checkpoint says {r.stderr!r}")
        threads = self.report("table -n 0 -g thread", capture + "@end")["rows"]
        check(all("0x0 " not in r["key"] and r["key"] != "0x0" for r in threads), f"threads: {threads}")

    def no_leftovers(self, capture):
        name = os.path.basename(capture)
        left = [n for n in os.listdir(os.path.dirname(capture)) if n.startswith(name) and n != name]
        equal("temporary files", left, [])

    # ---- files ----

    def first_checkpoint(self, capture):
        """The file changes before, too: it is made, and gets a header."""
        while os.path.getsize(capture) <= HEADER_BYTES or not self.t.json("info", capture)["health"].get("checkpoint"):
            time.sleep(0.01)

    def while_it_runs(self, what, *options):
        """Records, does `what` to the file after the first checkpoint; (capture, stderr)."""
        folder = self.t.file(".d")
        os.mkdir(folder)
        p, capture, shared = self.start("--checkpoint", "5ms", *options, capture=os.path.join(folder, "x.bin"))
        pid, _ = self.running(p, shared)
        self.first_checkpoint(capture)
        what(capture)
        time.sleep(0.3)
        os.kill(pid, signal.SIGKILL)
        _, err = p.communicate(timeout=300)
        equal("status", p.returncode, -signal.SIGKILL)
        return capture, err.decode(), self.counts(shared)[1]

    def is_whole(self, capture, mallocs):
        check(self.blocks(capture)[0] - mallocs in (0, 1), f"{self.blocks(capture)}, {mallocs} were counted")
        equal("checkpoint", self.t.json("info", capture)["health"].get("checkpoint"), None)

    def file_moved(self):
        capture, err, mallocs = self.while_it_runs(lambda c: os.rename(c, c + ".moved"))
        check(f"the capture is in {capture}.moved" in err, err)
        check(not os.path.exists(capture), "it was made anew")
        self.is_whole(capture + ".moved", mallocs)
        equal("files", os.listdir(os.path.dirname(capture)), ["x.bin.moved"])

    def file_removed(self):
        capture, err, mallocs = self.while_it_runs(os.unlink)
        equal("stderr", err, "")
        self.is_whole(capture, mallocs)
        self.no_leftovers(capture)

    def file_replaced(self):
        def replace(capture):
            with open(capture + ".mine", "w") as f:
                f.write("precious")
            os.rename(capture + ".mine", capture)
        capture, err, mallocs = self.while_it_runs(replace)
        with open(capture) as f:
            equal("somebody else's file", f.read(), "precious")
        found = re.search(r"the capture is in (.*)\n", err)
        check(found, err)
        self.is_whole(found.group(1), mallocs)
        equal("files", len(os.listdir(os.path.dirname(capture))), 2)

    def ignored_children(self):
        """SIGCHLD ignored by whoever starts us: checkpoints come one after another all the same."""
        capture, seen = self.t.file(".bin"), set()
        p = subprocess.Popen([self.t.tracker, "run", "-q", "-o", capture, "-a", "--checkpoint", "50ms", "--", "sleep",
                              "1"], preexec_fn=lambda: signal.signal(signal.SIGCHLD, signal.SIG_IGN))
        while p.poll() is None:
            seen.add(stamp(capture) if os.path.exists(capture) else 0)
            time.sleep(0.005)
        check(len(seen) > 4, f"{len(seen)} files in a second")
        self.no_leftovers(capture)

    def full_disk(self):
        """A checkpoint for which there is no room: the one before stays, the program runs, one line says why."""
        if os.geteuid() != 0:
            raise Skip("needs root to mount a tmpfs")
        folder = self.t.file(".tmpfs")
        os.mkdir(folder)
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", folder]).returncode:
            raise Skip("a tmpfs cannot be mounted here")
        try:
            for free_again in (True, False):
                self.one_full_disk(os.path.join(folder, f"{free_again}.bin"), free_again)
        finally:
            subprocess.run(["umount", "-l", folder])

    def one_full_disk(self, capture, free_again):
        filler = os.path.join(os.path.dirname(capture), "filler")
        p, _, shared = self.start("--checkpoint", "50ms", capture=capture)
        pid, _ = self.running(p, shared)
        self.first_checkpoint(capture)
        full_for, last = 0, None
        with open(filler, "wb", buffering=0) as f:
            while full_for < 100:  # a checkpoint that still finds room frees that of the one before
                full_for = full_for + 1 if stamp(capture) == last else 0
                last = stamp(capture)
                try:
                    while True:
                        f.write(bytes(4096))
                        full_for = 0
                except OSError:
                    time.sleep(0.005)
        if free_again:
            os.unlink(filler)
        os.kill(pid, signal.SIGKILL)
        _, err = p.communicate(timeout=300)
        equal("status", p.returncode, -signal.SIGKILL)
        self.no_leftovers(capture)
        if free_again:
            self.is_whole(capture, self.counts(shared)[1])
            return
        check(b"No space left" in err and len(err.splitlines()) == 1, f"{err!r}")
        told = re.search(rb"recorded up to (\d+\.\d) s", err)
        info = self.t.json("info", capture)
        equal("checkpoint, truncated", (info["health"].get("checkpoint"), info["truncated"]), (1, False))
        check(told and abs(float(told.group(1)) - info["health"]["end_ns"] / 1e9) < 0.11, f"{err!r}, {info['health']}")
        os.unlink(filler)
        os.unlink(capture)

    def read_only(self):
        """No name can be made beside the capture: it is written in its place at the end, and that is said."""
        if os.geteuid() != 0:
            raise Skip("needs root to become somebody else")
        folder = self.t.file(".ro")
        os.mkdir(folder)
        capture, shared = os.path.join(folder, "x.bin"), os.path.join(folder, "shared")
        os.chown(folder, 65534, 65534)
        own = self.t.for_others("killed")
        p = subprocess.Popen([own("tracker"), "run", "-o", capture, "-a", "--checkpoint", "50ms", "--",
                              own("fx_killed"), shared], stderr=subprocess.PIPE,
                             preexec_fn=lambda: (os.setgid(65534), os.setuid(65534)))
        pid, _ = self.running(p, shared)
        os.chown(folder, 0, 0)
        while len(os.listdir(folder)) > 2:  # a checkpoint was being written, and its name can't be taken back now
            os.chown(folder, 65534, 65534)
            time.sleep(0.005)
            os.chown(folder, 0, 0)
        time.sleep(0.3)
        os.kill(pid, signal.SIGKILL)
        _, err = p.communicate(timeout=300)
        equal("status", p.returncode, -signal.SIGKILL)
        check(b"checkpoints could not be written (Permission denied)" in err, f"{err!r}")
        equal("files", sorted(os.listdir(folder)), ["shared", "x.bin"])
        self.is_whole(capture, self.counts(shared)[1])

    def no_file(self):
        """A pipe gets the whole capture at the end; a device takes it, or says why not."""
        pipe, copy = self.t.file(".fifo"), self.t.file(".bin")
        os.mkfifo(pipe)
        with open(copy, "wb") as out:
            reader = subprocess.Popen(["cat", pipe], stdout=out)
            r = harness.execute([self.t.tracker, "run", "-o", pipe, "-q", "-a", "--checkpoint", "10ms", "--",
                                 self.t.fixture("leak")])
            reader.wait(600)
        equal("status", (r.status, r.stderr), (0, b""))
        equal("leaks", self.t.json("leaks", copy)["total_count"], 5)
        for device, lines in (("/dev/null", 0), ("/dev/full", 1)):
            r = harness.execute([self.t.tracker, "run", "-o", device, "-q", "-a", "--checkpoint", "10ms", "--",
                                 self.t.fixture("leak")])
            equal(f"status, lines ({device})", (r.status, len(r.stderr.splitlines())), (0, lines))
            check(not lines or b"No space left" in r.stderr, f"{r.stderr!r}")

    def force(self):
        """An existing file stays until the program has started; a program that cannot be run leaves nothing."""
        mine = self.t.file(".bin")
        with open(mine, "w") as f:
            f.write("precious")
        r = harness.execute([self.t.tracker, "run", "-f", "-a", "-o", mine, "--", "/nonexistent/program"])
        with open(mine) as f:
            equal("status, the existing file", (r.status, f.read()), (127, "precious"))
        new = self.t.file(".bin")
        script = self.t.file(".sh")
        with open(script, "w") as f:
            f.write("#!/nonexistent/interpreter\n")
        os.chmod(script, 0o755)
        r = harness.execute([self.t.tracker, "run", "-a", "-o", new, "--", script])
        check(r.status in (126, 127) and not os.path.exists(new), f"{r.status}, {r.stderr!r}")
        r = harness.execute([self.t.tracker, "run", "-f", "-q", "-a", "--checkpoint", "1ms", "-o", mine, "--",
                             self.t.fixture("leak")])
        equal("status", (r.status, r.stderr), (0, b""))
        equal("leaks", self.t.json("leaks", mine)["total_count"], 5)
        for path in (mine, new):
            self.no_leftovers(path)

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
        "leak", "lists", "peak", "mapped", "threshold", "small_file", "refusals", "usage", "damaged", "program_killed",
        "recorder_killed", "file_moved", "file_removed", "file_replaced", "ignored_children", "full_disk", "read_only",
        "no_file", "force", "bounds")]
    return cases


if __name__ == "__main__":
    harness.main(make_cases)
