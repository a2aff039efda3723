#!/usr/bin/env python3
"""bounds - recordings that end before their program: what is in them is whole up to
then, in order, and the program does not notice.

usage: bounds.py [-h] BUILD_DIR [PART_OF_A_NAME]...
"""
import collections
import json
import os
import re
import signal
import struct
import subprocess
import sys
import time

import bad
import harness
from harness import Replay, check, equal

PRODUCERS, PERIOD = 4, 1000000
MIB = 1 << 20
GAPS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "golden", "good", "kinds.bin")  # of which 13 events were lost


def is_whole(capture):
    """As FORMAT.md has it: the last four bytes."""
    with open(capture, "rb") as f:
        return f.read()[-4:] == b"TRKE"


class Bounds:
    def __init__(self, tracker):
        self.t = tracker

    def counts(self, shared):
        with open(shared, "rb") as f:
            values = struct.unpack(f"={2 * PRODUCERS}Q", f.read(16 * PRODUCERS))
        return values[:PRODUCERS], values[PRODUCERS:]

    def relay(self, *options):
        """Records it until its bound is reached; (capture, stderr, half, counts when the file was whole)."""
        shared, capture = self.t.file(".shared"), self.t.file(".bin")
        env = {**os.environ, "MALLOC_PERTURB_": "0"}  # set by meson: slow with blocks as large as these
        p = subprocess.Popen([self.t.tracker, "run", "-o", capture, *options, "--", self.t.fixture("bounded"),
                              "serve", shared, "2"], stderr=subprocess.PIPE, env=env)
        while p.poll() is None and not (os.path.exists(capture) and is_whole(capture)):
            time.sleep(0.01)
        check(p.poll() is None, "the program ended")
        at_end, size = self.counts(shared)[1], os.path.getsize(capture)
        self.goes_on(shared, at_end)
        self.stop(shared)
        _, err = p.communicate(timeout=300)
        equal("status", p.returncode, 5)
        equal("the file's size afterwards", os.path.getsize(capture), size)
        return capture, err.decode(), self.counts(shared)[0], at_end

    def goes_on(self, shared, at_end):
        """The program does, and every thread of it."""
        while any(now < then + 1000 for now, then in zip(self.counts(shared)[1], at_end)):
            time.sleep(0.01)

    def sequences(self, capture):
        """Of each producer how many of its blocks were recorded: without a hole from the first on."""
        made, freed = [0] * PRODUCERS, collections.Counter()
        replay = Replay([])
        for e in self.t.events(capture):
            replay.apply(e)
            size = int(e.get("size") or 0)
            if e["kind"] != "malloc" or not PERIOD <= size < (PRODUCERS + 1) * PERIOD:
                continue
            number, n = size // PERIOD - 1, size % PERIOD
            equal(f"block of producer {number}", n, made[number])
            made[number] += 1
        for (kind, size), count in replay.kinds.items():
            if kind == "free" and size >= PERIOD:
                freed[size // PERIOD - 1] += count
        equal("faults", (replay.faults, replay.unmatched, replay.lost), ([], 0, 0))
        for number in range(PRODUCERS):
            check(0 <= made[number] - freed[number] <= 64 + 2, f"producer {number}: {made[number]} made, "
                  f"{freed[number]} freed")
        return made

    def stopped(self, capture, by):
        info = self.t.json("info", capture)
        equal("stopped_by", info["health"]["stopped_by"], by)
        equal("ends", [p["end_ns"] for p in info["processes"]], [None, None])
        equal("truncated", info["truncated"], False)
        check(any("recording stopped after" in n for n in info["notices"]), info["notices"])
        return info["health"]["stopped_ns"]

    def duration(self):
        capture, err, half, all_ = self.relay("--duration", "1500ms")
        check(re.search(r"recording stopped after [\d.]+ s because of --duration; the program ran on", err), err)
        check(self.stopped(capture, 1) >= 1.5e9, "when it stopped")
        made = self.sequences(capture)
        for i in range(PRODUCERS):  # what was there after 1 of 2 seconds is recorded, at 1.5
            check(half[i] <= made[i] <= all_[i], f"producer {i}: {half[i]}, {made[i]}, {all_[i]}")

    def size(self, mib):
        capture, err, _, all_ = self.relay("--max-size", f"{mib}M", "--memory-interval-ms", "0")
        size = os.path.getsize(capture)
        check(mib * MIB * 0.8 < size <= mib * MIB, f"{size} bytes")
        self.stopped(capture, 2)
        made = self.sequences(capture)
        check(all(0 < made[i] <= all_[i] for i in range(PRODUCERS)), f"{made}, {all_}")

    def any_size(self):
        """Never larger, whatever is recorded; and a report of it works."""
        script = ("import json\nfor k in range(60):\n"
                  " a = [json.loads(json.dumps({str(i): [i, k] for i in range(9000)})) for _ in range(2)]\n")
        programs = ([sys.executable, "-c", script], [self.t.fixture("threads"), "churn"],
                    [self.t.fixture("stacks"), "deep"], ["sh", "-c", "for i in $(seq 150); do ls / >/dev/null; done"],
                    [self.t.fixture("threads"), "many"])
        for number, argv in enumerate(programs):
            size = 3 * MIB // 2 if number % 2 else MIB
            r = self.t.record(argv, ["--max-size", str(size)], env={"PYTHONMALLOC": "malloc"})
            equal(f"status of {argv}", r.status, 0)
            check(os.path.getsize(r.capture) <= size, f"{argv}: {os.path.getsize(r.capture)} of {size} bytes")
            info = self.t.json("info", r.capture)
            equal("truncated", info["truncated"], False)
            totals = self.t.json("stats", r.capture)
            equal("events in summary", totals["total_num_allocations"], info["summary"]["allocations"])

    # ---- pieces ----

    def stop(self, shared):
        with open(shared, "r+b") as f:
            f.seek(16 * PRODUCERS)
            f.write(b"stop")

    def noise(self, *options, until):
        """Records it with --rotate 3 until there are so many pieces; (capture, stderr, blocks made)."""
        shared, capture = self.t.file(".shared"), self.t.file(".bin")
        p = subprocess.Popen([self.t.tracker, "run", "-o", capture, "--max-size", "1M", "--rotate", "3", *options,
                              "--", self.t.fixture("bounded"), "noise", shared, "0"], stderr=subprocess.PIPE)
        while p.poll() is None and not os.path.exists(f"{capture}.{until:06}"):
            time.sleep(0.001)
        check(p.poll() is None, "the program ended")
        self.stop(shared)
        _, err = p.communicate(timeout=300)
        equal("status", p.returncode, 5)
        return capture, err.decode(), self.counts(shared)[1][0]

    def sizes(self, capture):
        """The sizes of the noise's blocks in order."""
        return [int(e["size"]) for e in self.t.events(capture)
                if e["kind"] == "malloc" and 2000 <= int(e["size"]) < 52000]

    def pieces_of(self, capture):
        folder, name = os.path.split(capture)
        return sorted(os.path.join(folder, f) for f in os.listdir(folder) if f.startswith(name + "."))

    def left(self, capture, size):
        rows = self.t.json("table", "--leaks", "--group-by", "size", "-n", "0", capture)["rows"]
        return sum(r["count"] for r in rows if r["key"] == f"{size} B")

    def rotate(self):
        capture, err, made = self.noise(until=5)
        pieces = self.pieces_of(capture)
        equal("files", len(pieces), 3)
        check(int(pieces[0][-6:]) > 1 and not os.path.exists(capture), f"{pieces}")
        check("were dropped because of --rotate" in err, err)
        want = [2000 + (n * 2654435761 & 0xffffffff) % 50000 for n in range(made)]
        parts = [self.sizes(p) for p in pieces]
        joined = sum(parts, [])
        check(joined == want[-len(joined):], "the pieces are not the last blocks in order")
        check(self.sizes(capture) == joined, "together they hold something else")
        for p in [*pieces, capture]:
            stats = self.t.json("stats", p)
            equal(f"unmatched frees and overwritten in {p}", (stats["unmatched_frees"], stats["overwritten"]), (0, 0))
            info = self.t.json("info", p)
            equal("faults", (info["damaged_blocks"], info["truncated"]), (0, False))
            check(p == capture or os.path.getsize(p) <= MIB, f"{p} is too large")
            check("piece of a recording" in info["incomplete"] or "were dropped" in info["incomplete"], info["incomplete"])
            equal(f"blocks of 1001 in {p}", self.left(p, 1001), 60 if p in (pieces[-1], capture) else 100)
        equal("allocations", self.t.json("stats", capture)["total_num_allocations"],
              sum(self.t.json("stats", p)["total_num_allocations"] for p in pieces))
        self.same_sums(capture)
        self.hole(capture, pieces)

    def same_sums(self, capture):
        sums = self.t.file(".bin")
        self.t.run("aggregate", "-o", sums, capture)
        one, other = ({k: v for k, v in self.t.json("stats", c).items() if k != "capture"} for c in (capture, sums))
        one["metadata"] = other["metadata"] = None
        equal("stats of sums", one, other)

    def hole(self, capture, pieces):
        """What stands before a missing piece does not belong to what stands behind it."""
        os.unlink(pieces[1])
        stats = self.t.json("stats", capture)
        check("1 older files are left out" in stats["incomplete"], stats["incomplete"])
        equal("allocations", stats["total_num_allocations"],
              self.t.json("stats", pieces[2])["total_num_allocations"])

    def rotate_all_there(self):
        """Nothing was given up: as one file."""
        capture, err, made = self.noise(until=2)
        info = self.t.json("info", capture)
        equal("complete", (info["complete"], info["incomplete"], info["first_piece"]), (True, None, 1))
        want = [2000 + (n * 2654435761 & 0xffffffff) % 50000 for n in range(made)]
        check(self.sizes(capture) == want, "not all blocks in order")
        equal("blocks of 1001", self.left(capture, 1001), 60)

    def rotate_recorder_killed(self):
        shared, capture = self.t.file(".shared"), self.t.file(".bin")
        p = subprocess.Popen([self.t.tracker, "run", "-q", "-o", capture, "--max-size", "1M", "--rotate", "3", "--",
                              self.t.fixture("bounded"), "noise", shared, "0"], stderr=subprocess.PIPE)
        while not os.path.exists(f"{capture}.000003"):
            time.sleep(0.001)
        os.kill(harness.recorder_of(p.pid), signal.SIGKILL)
        made = self.counts(shared)[1][0]
        self.stop(shared)
        p.communicate(timeout=300)
        equal("status", p.returncode, 5)
        got = self.sizes(capture)
        start = 2000 + (0 * 2654435761) % 50000
        check(len(got) <= made + 1 and got[0] == start, f"{len(got)} blocks of {made}")
        check(got == [2000 + (n * 2654435761 & 0xffffffff) % 50000 for n in range(len(got))], "not in order")
        equal("complete", self.t.json("info", capture)["complete"], False)

    def rotate_disk_full(self):
        """In the second piece: both are read as far as they go, and the first is not given up for a third."""
        blocks = 400000
        with bad.Bad(self.t).mounted("size=1536k") as folder:
            capture, shared = os.path.join(folder, "x.bin"), self.t.file(".shared")
            r = harness.execute([self.t.tracker, "run", "-q", "-o", capture, "--max-size", "1M", "--rotate", "2", "--",
                                 self.t.fixture("bounded"), "noise", shared, str(blocks)])
            equal("status, blocks made", (r.status, self.counts(shared)[1][0]), (5, blocks))
            lines = r.stderr.decode().splitlines()
            check(len(lines) == 1 and f"{capture}: No space left on device" in lines[0], f"{lines}")
            got = self.sizes(capture)
            made = [2000 + (n * 2654435761 & 0xffffffff) % 50000 for n in range(blocks)]
            check(len(got) > 50000 and got == made[:len(got)], f"{len(got)} blocks")
            equal("complete", self.t.json("info", capture)["complete"], False)

    def rotate_refusals(self):
        capture = self.t.file(".bin")
        base = [self.t.tracker, "run", "-o", capture]
        for options in (["--rotate", "3"], ["--rotate", "3", "--max-size", "1M", "--sample", "1K"],
                        ["--rotate", "3", "-a", "--max-size", "1M"], ["--rotate", "0", "--max-size", "1M"]):
            r = harness.execute([*base, *options, "--", "true"])
            check(r.status == 2 and len(r.stderr.splitlines()) == 1, f"{options}: {r.status}, {r.stderr!r}")
        rotate = ["--max-size", "1M", "--rotate", "2"]
        for name in (capture, capture + ".000007"):
            for what, content in (("a capture", b"TRK"), ("a file", b"precious")):
                with open(name, "wb") as f:
                    f.write(content)
                r = harness.execute([*base, *rotate, "--", "true"])
                check(r.status == 1 and name.encode() in r.stderr and len(r.stderr.splitlines()) == 1,
                      f"{what} {name}: {r.status}, {r.stderr!r}")
            r = harness.execute([*base, "-f", *rotate, "--", "true"])
            equal("status with --force", r.status, 0)
            equal("files", self.pieces_of(capture)[:1], [capture + ".000001"])
            check(not os.path.exists(capture), "what readers would take for the capture is still there")
            for p in self.pieces_of(capture):
                os.unlink(p)
        r = harness.execute([self.t.tracker, "run", "-o", "/dev/null", *rotate, "--", "true"])
        check(r.status == 1 and b"not a regular file" in r.stderr, f"{r.status}, {r.stderr!r}")

    def not_reached(self):
        """A program that ends earlier is recorded whole."""
        shared = self.t.file(".shared")
        r = self.t.record([self.t.fixture("bounded"), "relay", shared, "1"], ["--duration", "60s", "--max-size", "1G"])
        equal("status", (r.status, r.stderr), (5, b""))
        equal("made", tuple(self.sequences(r.capture)), self.counts(shared)[1])
        info = self.t.json("info", r.capture)
        check("stopped_by" not in info["health"] and not info["notices"], f"{info['notices']}")

    def notice(self):
        """A thread that has room in its chunk notices with its next event, and then records nothing."""
        shared = self.t.file(".shared")
        r = self.t.record([self.t.fixture("bounded"), "notice", shared, "60"], ["--duration", "300ms"])
        equal("status", r.status, 0)
        counted = self.counts(shared)[1][0]
        recorded = Replay(self.t.events(r.capture)).kinds["malloc", 1001]
        check(0 <= recorded - counted <= 2, f"{recorded} recorded, {counted} before it was noticed")

    def said(self, capture, *words, reports=None):
        """Every report says it, in one line; and in its JSON."""
        for name in reports or self.t.reports("one capture", "document"):
            r = subprocess.run([self.t.reporter(name), "--json", capture], capture_output=True, timeout=600)
            lines = [line for line in r.stderr.decode().splitlines() if "no names" not in line]
            equal(f"{name}: lines on stderr", len(lines), 1 if words else 0)
            check(all(w in lines[0] for w in words) if words else True, f"{name}: {lines}")
            report = json.loads(r.stdout)
            equal(f"{name}: complete", report["complete"], not words)
            check(all(w in report["incomplete"] for w in words) if words else report["incomplete"] is None,
                  f"{name}: {report['incomplete']}")

    def lost(self):
        """The recorder stands still until the program has given up: what it did is recorded or counted."""
        shared, capture = self.t.file(".shared"), self.t.file(".bin")
        p = subprocess.Popen([self.t.tracker, "run", "-q", "-o", capture, "--", self.t.fixture("killed"), shared],
                             stderr=subprocess.PIPE)
        while not os.path.exists(shared) or os.path.getsize(shared) < 32:
            time.sleep(0.01)
        recorder = harness.recorder_of(p.pid)
        os.kill(recorder, signal.SIGSTOP)
        before = 0
        while True:  # 64 MiB of events, 100 ms, then faster
            with open(shared, "rb") as f:
                pid, mallocs = struct.unpack("=2Q", f.read(16))
            if mallocs - before > 20000000:
                break
            before = before or mallocs
            time.sleep(0.01)
        os.kill(pid, signal.SIGSTOP)
        os.kill(recorder, signal.SIGCONT)
        os.kill(pid, signal.SIGKILL)
        os.kill(pid, signal.SIGCONT)
        _, err = p.communicate(timeout=600)
        equal("status", p.returncode, -signal.SIGKILL)
        check(b"events were lost" in err and len(err.splitlines()) == 1, f"{err!r}")
        with open(shared, "rb") as f:
            _, *counts = struct.unpack("=4Q", f.read(32))
        health = self.t.json("info", capture)["health"]
        told = health["events"] - health["gaps"] + health["lost"]
        # a realloc is two records of the program and one event: lost ones count twice, or once
        check(0 <= told - sum(counts) <= counts[2] + 100, f"{told} recorded or lost, {counts} made")
        check(health["lost"] > 0 and health["gaps"] > 0, f"{health}")
        check(health["stalls"] > 0 and 50e6 < health["stalled_ns"], f"{health}")
        self.said(capture, " events were lost: totals are lower bounds", reports=("stats", "info"))
        self.said(GAPS, "13 events were lost: totals are lower bounds")  # the others, of a capture that is not as large

    def stopped_is_said(self):
        r = self.t.record(["sh", "-c", "sleep 0.6"], ["--duration", "100ms"])
        self.said(r.capture, "recording stopped after ", " s because of --duration")
        after = re.search(r"stopped after ([\d.]+) s", self.t.json("info", r.capture)["incomplete"])
        check(after and 0.1 <= float(after[1]) < 60, f"{after}")
        heads = [line.split(":")[0] for line in self.t.text("leaks", r.capture).splitlines()[:3]]
        check(any(f.startswith("Not freed") for f in heads) and "Leaked" not in heads, f"{heads}")
        whole = self.t.record(["sh", "-c", "exec ls / >/dev/null"])
        self.said(whole.capture)

    def cut_stacks(self):
        """Code without unwind information at the bottom of nearly every stack: said. Deep ones: not."""
        r = self.t.record([self.t.fixture("cuts"), "no_unwind_info"])
        self.said(r.capture, "of stacks lack their oldest frames")
        self.said(self.t.record([self.t.fixture("cuts"), "depth"], ["--nframe", "50"]).capture)

    def ended_with_the_program(self):
        """The time is over just when the program ends: nothing is said to be missing that is there."""
        wait = 100
        late = 0
        for i in range(20):
            r = self.t.record(["sh", "-c", f"sleep {wait / 1000}; exit 3"], ["--duration", f"{wait - 5 + i}ms"])
            info = self.t.json("info", r.capture)
            equal("status", r.status, 3)
            if r.stderr:  # on a busy machine: the time is over before sh or sleep has come to the recorder
                check(b" recorded" in r.stderr and "stopped_by" in info["health"], f"{r.stderr!r}")
                late, wait = late + 1, wait + 100
                continue
            stopped, running = "stopped_by" in info["health"], info["processes"][0]["end_ns"] is None
            came = len(info["processes"]) > 1  # if not, sleep was still on its way when the time was over
            check(stopped == (running or not came), f"{info}")
        check(late <= 15, f"in {late} of 20 the time was over before the programs were there")

    def start_after(self):
        """What lives when the capture begins is in it, with its stacks; nothing that ends later is unknown."""
        while True:  # on a busy machine, until the first part is over when recording begins
            shared = self.t.file(".shared")
            r = self.t.record([self.t.fixture("bounded"), "later", shared, "2"], ["--start-after", "1s"])
            equal("status", r.status, 5)
            if self.counts(shared)[1][0] < 500000000:
                break
        self.said(r.capture)
        info = self.t.json("info", r.capture)
        check(info["health"]["began_ns"] >= 1000000000, f"{info['health']}")
        check(any("recording began after 1." in n for n in info["notices"]), f"{info['notices']}")
        equal("unmatched", info["summary"]["unmatched_frees"], 0)
        leaks = {(row["key"], row["size"]): row["count"] for row in
                 self.t.json("table", "--leaks", "--group-by", "size", "-n", "0", r.capture)["rows"]}
        equal("leaks", [leaks.get((f"{n} B", n * count)) for n, count in ((1001, 50), (1002, 50), (1005, 10))],
              [50, 50, 10])
        check("1003 B" not in [key for key, _ in leaks], f"{leaks}")
        equal("the mapping", leaks.get(("32768 B", 5 * 4096)), 1)
        kinds = collections.Counter((e["kind"], int(e.get("size") or 0)) for e in self.t.events(r.capture))
        equal("events", [kinds[k] for k in (("malloc", 1001), ("malloc", 1002), ("malloc", 1003), ("realloc", 1005),
                                            ("munmap", 3 * 4096))], [0, 50, 0, 10, 1])
        for row in self.t.json("leaks", r.capture)["rows"]:
            check(any(f["function"] == "later" for f in row["stack"]) or row["count"] < 10, f"{row}")
        self.same_sums(r.capture)
        early = self.t.record(["sh", "-c", "exit 5"], ["--start-after", "1h"])
        equal("status", early.status, 5)
        check(b"before the 3600.0 s of --start-after" in early.stderr, early.stderr)
        equal("allocations", self.t.json("stats", early.capture)["total_num_allocations"], 0)


def make_cases(t):
    b = Bounds(t)
    return [("start after", b.start_after), ("duration", b.duration), ("max-size 1M", lambda: b.size(1)), ("any size", b.any_size),
            ("rotate", b.rotate), ("rotate: all there", b.rotate_all_there),
            ("rotate: recorder killed", b.rotate_recorder_killed), ("rotate: disk full", b.rotate_disk_full),
            ("rotate: refusals", b.rotate_refusals),
            ("not reached", b.not_reached), ("lost", b.lost), ("stopped is said", b.stopped_is_said),
            ("cut stacks", b.cut_stacks), ("notice", b.notice), ("ended with the program", b.ended_with_the_program)]


if __name__ == "__main__":
    harness.main(make_cases)
