#!/usr/bin/env python3
"""growth - what tracker growth finds: programs of which each says what grows in it, and captures whose times are chosen.

usage: growth.py [-h] BUILD_DIR [PART_OF_A_NAME]...
"""
import json
import os
import subprocess

import harness
from harness import check, equal

MODES = ("leak", "cache", "sawtooth", "ring", "ten", "noise", "lost", "start", "steps", "vector", "pieces", "burst", "replacing", "seldom", "cleaned",
         "nothing")
GROWING = ("leak", "ten", "noise", "lost", "steps", "vector", "pieces", "cleaned")
HEAD = ["frame main /src/a.c 90 as=main", "frame leak /src/a.c 23 as=leak", "frame work /src/a.c 31 as=work", "stack leak leak main",
        "stack work work main"]


def leak(number, size=100):
    return f"malloc l{number} {size} leak"


def work(number=1):
    return ["malloc w 50 work", "free w"] * number


class Cases:
    def __init__(self, t):
        self.t = t

    def growth(self, *args):
        return self.t.json("growth", *args)

    def made(self, lines):
        capture = self.t.file(".bin")
        subprocess.run([os.path.join(self.t.build, "tests", "tools", "mkcapture"), capture], input="\n".join([*HEAD, *lines, ""]).encode(), check=True)
        return capture

    def grows(self, what, capture, *functions, options=()):
        rows = self.growth(*options, capture)["rows"]
        equal(f"{what}: what grows", sorted(r["function"] for r in rows), sorted(functions))
        return rows

    def program(self, mode):
        def run():
            r = self.t.record([self.t.fixture("growing"), mode])
            told = r.stdout.split()
            equal(f"{mode}: status", (r.status, r.stderr), (0, b""))
            equal(f"{mode}: whether something grows, as the program says", bool(told), mode in GROWING)
            rows = self.grows(mode, r.capture, *[w.decode() for w in told[:1]])
            if told and mode not in ("lost", "cleaned"):
                equal(f"{mode}: blocks and bytes", (rows[0]["count"], rows[0]["size"]), (int(told[1]), int(told[2])))
            if mode in ("leak", "ten", "noise", "steps"):
                equal(f"{mode}: freed", (rows[0]["freed"], rows[0]["pattern"]), (0, "kept"))
            if mode == "cleaned":
                check(rows[0]["freed_at_end"] and rows[0]["count"] < int(told[1]), f"it is freed in the end: {rows}")
            if mode == "ten":
                self.one_process(r.capture, rows[0]["pid"])
        return run

    def one_process(self, capture, pid):
        processes = self.t.json("info", capture)["processes"]
        equal("processes", len(processes), 11)
        for p in processes:
            self.grows(f"process {p['pid']}", capture, *["leak"] * (p["pid"] == pid), options=["--pid", str(p["pid"])])

    def rates(self):
        """1,000 bytes a second, in 40 s, among 400 other events."""
        lines = [w for i in range(40) for w in (f"at {i + 1}s", leak(i, 1000), *work(5))]
        row, = self.grows("a leak", self.made(lines), "leak")
        check(990 < row["bytes_per_second"] < 1010, f"1000 B/s: {row['bytes_per_second']}")
        check(85e3 < row["bytes_per_1000_events"] < 95e3, f"40,000 bytes in 440 events: {row['bytes_per_1000_events']}")
        equal("by a thread that is not there", self.t.run("growth", "--thread", "77", self.made(lines), status=1), b"")

    def both_axes(self):
        """Time and events tell the same run otherwise."""
        load = [w for i in range(1000) for w in (f"malloc m{i} 100 work", *work(2))]
        late = [w for i in range(40) for w in (f"at {i * 60 + 60}s", leak(i), *work(1))]
        self.grows("much in a second, and a leak in an hour", self.made([*load, *late]), "leak")
        built = [w for i in range(400) for w in (f"at {i}ms", leak(i), *work(1))]
        self.grows("built, and then it waits", self.made([*built, "at 60s", "mark end"]))
        self.grows("built at once, and then it computes", self.made([*(f"malloc s{i} 300 leak" for i in range(1000)), "at 1s", "mark end"]))
        self.grows("the same up to a second", self.made([*built, "at 60s", "mark end"]) + "@400ms", "leak")
        stopped = [w for i in range(400) for w in (f"at {i if i < 200 else i + 4000}ms", leak(i), *work(1))]
        self.grows("stopped in the middle", self.made(stopped), "leak")

    def processes(self):
        """One that grows for a tenth of the time in which another lives; and one that grows after an exec."""
        lines = ["process 0 pid=100 end=100s", "process 1 pid=101 parent=0 start=1s end=10s", "thread 0 process=0", "thread 1 process=1"]
        for i in range(40):
            lines += [f"at {1000 + 200 * i}ms", "in 1", leak(i), "in 0", *work(3)]
        lines += ["at 99s", *work(3)]
        row, = self.grows("a process that lives shortly", self.made(lines), "leak")
        equal("which", row["pid"], 101)
        run = [f"malloc s{i} 10 work" for i in range(60)] + ["exec server"]
        run += [w for i in range(60) for w in (f"at {i + 1}s", leak(i), *work(3))]
        self.grows("after an exec", self.made(run), "leak")

    def threads(self):
        """Two threads leak at one place, one of them half as often."""
        lines = ["thread 0 process=0 tid=70", "thread 1 process=0 tid=71"]
        for i in range(80):
            lines += [f"at {i + 1}s", "in 0", leak(i), *work(2)] + ["in 1", leak(1000 + i)] * (i % 2)
        capture = self.made(lines)
        for tid, count in ((None, 120), (70, 80), (71, 40)):
            row, = self.grows(f"thread {tid}", capture, "leak", options=["--thread", str(tid)] if tid else [])
            equal(f"blocks of thread {tid}", row["count"], count)

    def points(self):
        """The leak begins in the last two fifths."""
        lines = []
        for i in range(100):
            lines += [f"at {i + 1}s", *work(4)]
            lines += ["mark second"] * (i == 60) + [leak(i)] * (i >= 60)
        capture = self.made(lines)
        self.grows("the whole", capture)
        for point in ("@second..", "@#1..end", "@61s..100s", "@61s..", "@62%.."):
            self.grows(point, capture + point, "leak")
        for point in ("@second", "@..second", "@10s..40s", "@1s..2s"):
            self.grows(point, capture + point)
        self.grows("filtered", capture + "@second..", options=["--exclude", "*a.c"])
        self.t.run("growth", capture + "@50s..20s", status=1)
        self.t.run("growth", capture + "@200s", status=1)

    def not_whole(self):
        """A capture without an end is that of a program that runs on."""
        lines = [w for i in range(60) for w in (f"at {i + 1}s", leak(i), *work(3))]
        capture = self.made([*lines, "cut"])
        self.grows("cut", capture, "leak")
        check(not self.growth(capture)["complete"], "it is not complete")

    def aggregated(self):
        """Only the process is known."""
        lines = [w for i in range(400) for w in (f"at {i + 1}s", leak(i, 1000), *work(3))]
        sums = self.t.file(".bin")
        harness.execute([self.t.tracker, "aggregate", "-o", sums, self.made(lines)])
        found = self.growth(sums)
        row, = found["rows"]
        equal("the row", (found["by_process"], row["function"], row["size"], row["count"]), (True, None, 400000, 400))
        check(900 < row["bytes_per_second"] < 1100, f"1000 B/s: {row['bytes_per_second']}")
        for point in ("@peak", "@end"):
            equal(f"report {point}", [g["size"] for g in self.t.json("report", sums + point)["growing"]], [400000])
        for more in (["--thread", "1", sums], ["--filter", "+a", sums], [sums + "@10s"]):
            self.t.run("growth", *more, status=1)
        still = self.t.file(".bin")
        harness.execute([self.t.tracker, "aggregate", "-o", still, self.made([w for i in range(400) for w in (f"at {i + 1}s", *work(3))])])
        equal("noise", self.growth(still)["rows"], [])

    def sampled(self):
        capture = self.t.record([self.t.fixture("growing"), "leak"], ["--sample", "256"]).capture
        row, = self.grows("sampled", capture, "leak")
        check(row["size_margin"] > 0 and row["count_margin"] > 0 and not row["freed_is_exact"], f"margins: {row}")

    def many_rows(self):
        """Text has ten; the last line says what it left out."""
        lines = [f"frame f{k} /src/b.c {k + 1} as=f{k}" for k in range(13)] + [f"stack f{k} f{k} main" for k in range(13)]
        lines += [w for i in range(40) for w in [f"at {i + 1}s", *(f"malloc m{i}.{k} {100 + k} f{k}" for k in range(13))]]
        capture = self.made(lines)
        text = self.t.text("growth", capture).splitlines()
        check(text[0].startswith("Grows by ") and " in 13 places" in text[0], text[0])
        equal("rows, and the last line", (sum(" none freed" in line for line in text), text[-1]), (10, "3 more places; -n 0 shows all"))
        equal("all", self.t.text("growth", "-n", "0", capture).count(" none freed"), 13)
        equal("JSON", len(self.growth(capture)["rows"]), 13)
        command = next(line for line in text if line.startswith("tracker tree"))
        shown = subprocess.run([self.t.tracker, "tree", *command.split("shows")[0].replace("'", "").split()[2:]], capture_output=True, check=True)
        check(b"f12" in shown.stdout and b"f11" not in shown.stdout, f"{command} shows what grows most: {json.dumps(shown.stdout.decode())}")


def make_cases(t):
    c = Cases(t)
    return [(mode, c.program(mode)) for mode in MODES] + [
        ("rates", c.rates), ("time and events", c.both_axes), ("processes", c.processes), ("threads", c.threads), ("points", c.points), ("not whole", c.not_whole),
        ("aggregated", c.aggregated), ("sampled", c.sampled), ("many rows", c.many_rows)]


if __name__ == "__main__":
    harness.main(make_cases)
