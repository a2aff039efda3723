#!/usr/bin/env python3
"""split - one capture for each process. The truth is what the processes of fx/families.c say themselves.

usage: split.py [-h] BUILD_DIR [PART_OF_A_NAME]...
"""
import glob
import os

import harness
from harness import check, equal

MORE = {"table": [[], ["-g", "traceback", "--traceback"]], "dump": [["--stacks", "--json"]], "flamegraph": [["-o", os.devnull]], "export": [["--format", "folded", "-o", "-"]]}


class Cases:
    def __init__(self, tracker):
        self.t = tracker

    def told(self, r):
        lines = [tuple(map(int, line.split())) for line in r.stdout.decode().splitlines()]
        equal("processes that said what they did", len(lines), 5)
        return {pid: figures for pid, *figures in lines}

    def files(self, capture):
        """pid -> file, by what the file says; the name of each but the first ends with it."""
        by_pid = {}
        for name in [capture, *glob.glob(capture + ".*")]:
            (process,) = self.t.json("info", name)["processes"]
            by_pid[process["pid"]] = name
            equal(f"name of {name}", name, capture if process["pid"] == self.first else f"{capture}.{process['pid']}")
            equal("status", process["status"], 0)
        return by_pid

    def judge(self, r):
        told = self.told(r)
        self.first = next(pid for pid, f in told.items() if f[1] == 50100)
        by_pid = self.files(r.capture)
        equal("pids", sorted(by_pid), sorted(told))
        for pid, (mallocs, size, frees, kept) in told.items():
            events = list(self.t.events(by_pid[pid]))
            mine = {e["address"] for e in events if e["kind"] == "malloc" and e["size"] == size}
            equal(f"mallocs of {pid}", sum(e["kind"] == "malloc" and e["size"] == size for e in events), mallocs)
            equal("sizes of others", [e for e in events if 50000 < e.get("size", 0) < 51000 and e["size"] != size], [])
            equal("threads of them", len({e["tid"] for e in events if e.get("size") == size}), 2)
            leaked = [row for row in self.t.json("table", "-g", "size", by_pid[pid] + "@end")["rows"] if row["size"] == size * kept]
            equal(f"what {pid} kept", [row["count"] for row in leaked], [kept])
            check(mine and frees, "something was freed")
            self.replay(by_pid[pid])
            for report in ([name, *more] for name in self.t.reports("one capture") for more in MORE.get(name, [[]])):
                self.t.run(*report, by_pid[pid])
            self.t.run("table", by_pid[pid] + "@done")
        return by_pid

    def replay(self, capture):
        replay = self.t.replay(capture)
        harness.check_stats(self.t, capture, replay)
        equal("unmatched", replay.unmatched, 0)

    def run(self):
        r = self.t.record([self.t.fixture("families")], ["--split-processes", "--nframe", "3"])
        equal("stderr", r.stderr, b"")
        self.judge(r)

    def command(self):
        """The same by hand: totals add up to those of the whole."""
        r = self.t.record([self.t.fixture("families")])
        keys = "total_num_allocations", "total_num_frees", "total_bytes_allocated", "leaked_bytes", "leaked_allocations"
        whole, sums = self.t.json("stats", r.capture), dict.fromkeys(keys, 0)
        of_whole = {p["pid"]: p for p in whole["processes"]}
        self.split(r.capture, 0)
        for pid, name in self.judge(r).items():
            stats = self.t.json("stats", name)
            for key in keys:
                sums[key] += stats[key]
            (mine,) = stats["processes"]
            equal(f"process {pid} in stats", {k: v for k, v in mine.items() if k not in ("index", "parent")},
                  {k: v for k, v in of_whole[pid].items() if k not in ("index", "parent")})
        equal("sums", sums, {key: whole[key] for key in keys})
        check(b"nothing to split" in self.split(r.capture, 0), "split again")

    def split(self, capture, status, *options):
        r = harness.execute([self.t.tracker, "split", *options, capture])
        equal("exit status", (r.status, r.stderr.count(b"\n")), (status, 1))
        return r.stderr

    def in_the_way(self):
        """A file that exists: nothing changes, and --force overwrites it."""
        r = self.t.record([self.t.fixture("families")])
        pids = sorted(p["pid"] for p in self.t.json("info", r.capture)["processes"])
        before, last = open(r.capture, "rb").read(), f"{r.capture}.{pids[-1]}"
        with open(last, "w") as f:
            f.write("not ours")
        check(b"already exists" in self.split(r.capture, 1), "it says so")
        equal("files", glob.glob(r.capture + ".*"), [last])
        equal("the capture and the file", (open(r.capture, "rb").read() == before, open(last).read()), (True, "not ours"))
        self.split(r.capture, 0, "--force")
        self.judge(r)

    def refused(self):
        """Options that it cannot be with: one line, exit 2, nothing is started."""
        fifo, trace = self.t.file(".fifo"), self.t.file(".trace")
        os.mkfifo(fifo)
        for options in (["--aggregate"], ["--max-size", "1M", "--rotate", "2"], ["--start-after", "1s"], ["--no-follow-fork"],
                        ["-o", os.devnull], ["-o", fifo]):
            r = harness.execute([self.t.tracker, "run", "--split-processes", "-o", self.t.file(".bin"), *options, "--", "touch", trace])
            equal(f"{options}: status, lines", (r.status, r.stderr.count(b"\n")), (2, 1))
            check(not os.path.exists(trace), f"{options}: it ran")
        aggregated = self.t.record(["true"], ["--aggregate"]).capture
        check(b"aggregated" in self.split(aggregated, 1), "sums cannot be split")


    def looks(self):
        """What looks at the memory of parent and child found stands in the file of each, as it stood in the whole."""
        r = self.t.record([self.t.fixture("resident"), "forked"], ["--memory", "--leak-check"])
        pids = [p["pid"] for p in self.t.json("info", r.capture)["processes"]]
        before = {pid: [self.found(report, "--pid", str(pid), r.capture) for report in ("memory", "leaks")] for pid in pids}
        check(len(pids) > 1 and all(memory["resident"] and leaks["verdicts"] for memory, leaks in before.values()), f"all were looked at: {before}")
        self.split(r.capture, 0)
        for pid in pids:
            name = r.capture if pid == pids[0] else f"{r.capture}.{pid}"
            equal(f"of {pid}", [self.found(report, name) for report in ("memory", "leaks")], before[pid])

    def found(self, *argv):
        """Without the name of the file."""
        return {key: value for key, value in self.t.json(*argv).items() if key not in ("capture", "pid_filter")}

    def not_whole(self):
        """What is made of a capture that is cut, or damaged, says so, as the capture did."""
        data = open(self.t.record([self.t.fixture("families")]).capture, "rb").read()
        middle = harness.inside_a_block(data, len(data) // 2)
        for what, bad in (("cut", data[:middle]), ("damaged", data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1:])):
            capture = self.t.file(".bin")
            with open(capture, "wb") as f:
                f.write(bad)
            said = self.t.json("stats", capture)["incomplete"]
            check(what in (said or ""), f"of the {what} one is said: {said}")
            self.split(capture, 0)
            for name in [capture, *glob.glob(capture + ".*")]:
                check(what in (self.t.json("stats", name)["incomplete"] or ""), f"{name} of a {what} one does not say so")


def make_cases(t):
    c = Cases(t)
    return [("--split-processes", c.run), ("tracker split", c.command), ("files in the way", c.in_the_way), ("looks at the memory", c.looks),
            ("what cannot be split", c.refused), ("not whole", c.not_whole)]


if __name__ == "__main__":
    harness.main(make_cases)
