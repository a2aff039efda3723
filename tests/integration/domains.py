#!/usr/bin/env python3
"""domains - names of domains and pools, from the program (fx/domains.c) into every kind of capture and every report, a case for each row
of the feature list, named by its id. The truth is what the program counts itself.

usage: domains.py BUILD_DIR [PART_OF_A_NAME]...
"""
import csv
import os
import sys

import harness
from harness import check, equal, execute

MARKS = 'behind, with "marks"'
COUNTED = {3: ("fd", 6, 6), 300: ("gpu", 3, 3000), 301: (MARKS, 4, 40), 302: ("of a handler", 5, 35), 303: (None, 2, 100)}
OUTPUT = "handler: 0\n" + "".join(f"{n} {name or '-'} {blocks} {size}\n" for n, (name, blocks, size) in COUNTED.items())
LATER = dict(COUNTED)
LATER[303] = ("earlier", 2, 100)


class Domains:
    def __init__(self, tracker):
        self.t = tracker
        self.libtracker = tracker.find("libtracker.so")
        self.program = tracker.fixture("domains")

    def run(self, *arguments, env=None):
        r = execute([self.program, *arguments], {"LD_PRELOAD": self.libtracker, **(env or {})})
        equal(f"{arguments}: status", (r.status, r.stderr.decode()), (0, ""))
        return r.stdout.decode()

    def record(self, mode, *options):
        r = self.t.record([self.program, mode], options)
        equal(f"{mode} {options}: status", (r.status, r.stderr.decode()), (0, ""))
        return r.stdout.decode(), r.capture

    def counted(self, capture, report="leaks", *options):
        """{domain: (name, blocks, bytes)} but for the heap, as a report has it in JSON."""
        rows = self.t.json(report, *options, capture)["domains"]
        return {d["domain"]: (d["name"], d["count"], d["size"]) for d in rows if d["domain"]}

    # ---- names ----

    def b58_what_is_refused(self):
        fixed = "-3 the domains 0 to 3 have fixed names (heap, mmap, shm, fd): a program's own begin with 256\n"
        want = (f"heap: {fixed}fd: {fixed}" + "null: -3 the name is NULL or empty\nempty: -3 the name is NULL or empty\n"
                "128 bytes: -3 the name of a domain is longer than 127 bytes\n127 bytes: 0 \nsmall: 0 \nagain: 0 \nthen 254\n"
                "too many: -1 the name cannot be kept: 256 domains have names, or there is no memory\na known one: 0 \n"
                "range of the heap: -3 the blocks of domain 0 are the heap's: they end one by one, when they are freed\n")
        equal("alone", self.run("misuse"), want)
        equal("recorded", self.record("misuse")[0], want)
        r = execute([self.program, "none"])
        gone = "-2 tracker is not there: run the program with tracker run, or link it with -ltracker\n"
        equal("without the library", r.stdout.decode(), "".join(f"{w}: {gone}" for w in ("name", "alloc", "free", "clear", "range")))

    def b58_names_in_every_report(self):
        out, capture = self.record("names")
        equal("output", out, OUTPUT)
        for report in "leaks", "table", "stats", "summary", "tree":
            equal(report, self.counted(capture, report), COUNTED)
        lines = [f"Domain {n}{f' ({name})' if name else ''}: {blocks} block{'s' * (blocks > 1)}, {size} B"
                 for n, (name, blocks, size) in COUNTED.items()]
        for report, options in ("leaks", ["-n", "0"]), ("tree", []), ("summary", []), ("table", ["--pretty"]):
            text = self.t.text(report, *options, capture)
            for line in lines:
                check(line + "\n" in text, f"{report} has no line {line}: {text}")
        check("\t300 (gpu): 3 allocations, 3000 B\n" in self.t.text("stats", capture), "stats has no line of gpu")
        listed = self.t.json("table", "--list", "-n", "0", capture + "@end")["blocks"]
        equal("list", {b["domain_name"] for b in listed}, {"fd", "gpu", MARKS, "of a handler", None})
        text = self.t.text("table", "--list", "-n", "0", capture + "@end")
        equal("list for people", [text.count(f"track in domain {s} at") for s in ("gpu", MARKS, "303", "fd")], [3, 4, 2, 6])

    def b58_names_in_dump(self):
        _, capture = self.record("names")
        tracked = [e for e in self.t.events(capture) if e["kind"] == "track"]
        equal("json", [(e["domain"], e.get("domain_name")) for e in tracked],
              [(n, name) for n in (300, 301, 302, 303, 3) for name, blocks, _ in [COUNTED[n]] for _ in range(blocks)])
        text = self.t.text("dump", capture)
        equal("text", [text.count(s) for s in (" domain 300 (gpu) ", f" domain 301 ({MARKS}) ", " domain 303 ", " domain 303 (")], [3, 4, 2, 0])
        rows = [r for r in csv.DictReader(self.t.text("dump", "--csv", capture).splitlines()) if r["kind"] == "track"]
        equal("csv", [r["domain_name"] for r in rows], [e.get("domain_name", "") for e in tracked])

    def b56_b57_b58_filters_take_names(self):
        _, capture = self.record("names")
        sizes = lambda *options: self.t.json("table", "-n", "0", *options, capture)["total_size"]
        everything = sizes()
        equal("--domain gpu", sizes("--domain", "gpu"), 3000)
        equal("two", sizes("--domain", "gpu", "--domain", MARKS), 3040)
        equal("by number", sizes("--domain", "300"), 3000)
        equal("without gpu", sizes("--filter", "-domain=gpu"), everything - 3000)
        equal("heap", sizes("--domain", "heap"), everything - 3000 - 40 - 35 - 100 - 6)
        equal("in a file", sizes("--include", "*/domains.c,domain=gpu"), 3000)
        equal("in another file", sizes("--include", "*/other.c,domain=gpu"), 0)
        r = execute([self.t.reporter("table"), "--domain", "gpuu", capture])
        equal("unknown", (r.status, r.stderr.decode()),
              (1, f"tracker-table: No domain is named 'gpuu' in {capture}; --json lists the domains of a report\n"))
        for wrong in "", "-1", "4294967296":
            r = execute([self.t.reporter("table"), "--domain", wrong, capture])
            check(r.status == 2 and b"use the number or the name of a domain" in r.stderr, f"--domain {wrong}: {r.status} {r.stderr}")

    def b58_names_in_every_capture(self):
        """Recorded as sums, made into sums, in pieces, split, symbolized; the program's own, events and sums, alone and recorded."""
        for options in ["--aggregate"], ["--no-symbols"], ["--compress", "none"]:
            equal(f"{options}", self.counted(self.record("names", *options)[1]), COUNTED)
        _, capture = self.record("names")
        sums, named = self.t.file(".bin"), self.t.file(".bin")
        for command in ["aggregate", "-o", sums, capture], ["symbolize", "-o", named, capture]:
            r = execute([self.t.tracker, *command])
            equal(f"{command}: {r.stderr}", r.status, 0)
        equal("aggregate", self.counted(sums), COUNTED)
        equal("symbolize", self.counted(named), COUNTED)
        want = "enter: 0 \n" + OUTPUT + "exit: 0 \n"
        for suffix in ".own.bin", ".sums.bin":
            own = self.t.file(suffix)
            equal(f"alone: {suffix}", self.run("own", own), want)
            equal(f"alone: {suffix}: domains", self.counted(own), LATER)
            own = self.t.file(suffix)
            r = self.t.record([self.program, "own", own])
            equal(f"recorded: {suffix}", r.stdout.decode(), want)
            equal(f"recorded: {suffix}: domains", self.counted(own), LATER)
            equal("the recording", self.counted(r.capture), LATER)

    def b58_a_capture_that_is_cut(self):
        """Names stand where they were given: what a cut leaves has the names of the blocks that it leaves, or their numbers."""
        _, capture = self.record("names", "--compress", "none")
        cut = self.t.file(".bin")
        with open(capture, "rb") as f:
            data = f.read()
        seen = set()
        for end in range(len(data) - 1, 64, -max(1, len(data) // 40)):
            with open(cut, "wb") as f:
                f.write(data[:end])
            for n, (name, blocks, size) in self.counted(cut).items():
                check(name in (COUNTED[n][0], None) and blocks <= COUNTED[n][1], f"cut at {end}: {n} {name} {blocks} {size}")
                seen.add(name)
        check("gpu" in seen, f"no cut has names: {seen}")

    def b58_forked(self):
        """A child has its parent's names until it gives others; sums over both have both."""
        out, capture = self.record("forked")
        equal("all", self.counted(capture), {300: ("both", 3, 30), 301: ("parent / child", 7, 70)})
        equal("child", self.counted(capture, "leaks", "--pid", out.strip()), {300: ("both", 2, 20), 301: ("child", 3, 30)})
        for name, size in ("parent", 40), ("child", 30), ("both", 30):
            equal(name, self.t.json("table", "-n", "0", "--domain", name, capture + "@end")["total_size"], size)
        r = execute([self.t.tracker, "split", "-q", capture])
        equal("split", (r.status, r.stderr.decode()), (0, ""))
        equal("split: parent", self.counted(capture), {300: ("both", 1, 10), 301: ("parent", 4, 40)})
        equal("split: child", self.counted(f"{capture}.{out.strip()}"), {300: ("both", 2, 20), 301: ("child", 3, 30)})

    def b58_executed(self):
        """A program that is executed has no names; those of the program before it stay with its blocks' sums."""
        _, capture = self.record("executing")
        names = {n: d[0] for n, d in self.counted(capture, "stats").items()}
        equal("names", names, {300: "first / second", 301: "only the first", 302: None})

    def b58_b50_snapshots(self):
        file = self.t.file(".snapshot")
        want = ("start: 0 \n0: 4 heap\n... 4 he\n300: 3 gpu\n... 3 gp\n301: 4 pool\n... 4 po\n302: -9 the domain 302 has no name\n"
                "gpu is 300, nothing is -9\nnull: -3 -3\nblocks of gpu: 3\n300: 3 gpu\n... 3 gp\ndump: 0 \nstop: 0 \n")
        equal("alone", self.run("snapshot", file), want)
        named = {300: ("gpu", 3, 3000), 301: ("pool", 4, 40)}
        equal("its file", self.counted(file, "table"), named)
        recorded = self.t.record([self.program, "snapshot", file])
        equal("recorded", recorded.stdout.decode(), want)
        equal("its file", self.counted(file, "table"), named)

    def b58_b59_python(self):
        """tracker.py: what a domain is called, filters by name; an address in two domains is two blocks."""
        _, capture = self.record("names")
        script = ("import tracker, sys\n"
                  "s = tracker.Snapshot.load(sys.argv[1] + '@end')\n"
                  "print([s.domain_name(n) for n in (0, 3, 300, 301, 303)], s.domain('gpu'), s.domain(7))\n"
                  "print(sum(t.size for t in s.filter_traces([tracker.DomainFilter(True, 'gpu')]).traces))\n"
                  "print(sum(t.size for t in s.filter_traces([tracker.Filter(True, '*/domains.c', domain='gpu')]).traces))\n"
                  "try:\n    s.filter_traces([tracker.DomainFilter(True, 'none')])\nexcept LookupError as e:\n    print(e)\n"
                  "tracker.domain_name(400, 'python')\ntracker.start()\n"
                  "tracker.track(400, 4096, 10); tracker.track(401, 4096, 20); tracker.track(400, 8192, 30)\n"
                  "t = tracker.take_snapshot()\n"
                  "print(sorted((x.domain, x.address, x.size) for x in t.traces if x.domain), t.domain_name(400), t.domain_name(401))\n"
                  "tracker.untrack(400, 4096); tracker.untrack_range(400, 8000, 1000)\n"
                  "print(sorted((x.domain, x.address, x.size) for x in tracker.take_snapshot().traces if x.domain))\n"
                  "try:\n    tracker.domain_name(2, 'x')\nexcept ValueError as e:\n    print(e)\n")
        folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "reporters", "library")
        library = os.path.join(self.t.build, "reporters", "library", "libtracker-replay.so.0")
        env = {"LD_PRELOAD": self.libtracker, "TRACKER_QUIET": "1", "PYTHONPATH": folder, "TRACKER_REPLAY_LIBRARY": library}
        r = execute([sys.executable, "-c", script, capture], env)
        equal("script", (r.stdout.decode(), r.stderr.decode()),
              (f"['heap', 'fd', 'gpu', {MARKS!r}, None] 300 7\n3000\n3000\nno domain is named none\n"
               "[(400, 4096, 10), (400, 8192, 30), (401, 4096, 20)] python None\n[(401, 4096, 20)]\n"
               "the domains 0 to 3 have fixed names (heap, mmap, shm, fd): a program's own begin with 256\n", ""))

    # ---- pools ----

    def b62_d15_pools(self):
        """Objects of two arenas; one is cleared by one call, all else stays. Neither counts in the heap, whose blocks the arenas are."""
        want = ("start: 0 \nfull: 1 1 1\nclear: 0 \ncleared: 1 240 500\none of two ends: 0 \nfilled again: 360\n"
                "all: 0 \nnothing: 0 \nno bytes: 0 \nlast: 360 0\n")
        equal("alone", self.run("pools"), want)
        out, capture = self.record("pools")
        equal("recorded", out, want)
        at = lambda point: {d["domain"]: (d["name"], d["count"], d["size"]) for d in self.t.json("table", capture + point)["domains"]}
        mib = 1 << 20
        self.heap("full", at("@full"), 2 * mib, {300: ("arena", 910, 910 * 24), 301: (None, 5, 500)})
        self.heap("cleared", at("@cleared"), 2 * mib, {300: ("arena", 10, 240), 301: (None, 5, 500)})
        self.heap("last", at("@last"), 2 * mib, {300: ("arena", 15, 360)})
        sums = self.record("pools", "--aggregate")[1]
        equal("sums", self.counted(sums), {300: ("arena", 15, 360)})
        ended = [e for e in self.t.events(capture) if e["kind"] == "untrack"]
        equal("each object ends once", len(ended), 100 + 900 + 2 + 5)

    def heap(self, what, domains, arenas, others):
        _, _, size = domains.pop(0)
        check(arenas <= size < arenas + 65536, f"{what}: the heap has {size} bytes")
        equal(what, domains, others)

    def b62_pool_of_a_forked_child(self):
        want = "start: 0 \nchild: 100, then 0\nparent: 100\n"
        equal("alone", self.run("forked_pool"), want)
        equal("recorded", self.record("forked_pool")[0], want)


def make_cases(tracker):
    domains = Domains(tracker)
    names = [n for n in vars(Domains) if n[0] in "bd" and n[1:2].isdigit()]
    return [(n.replace("_", " "), getattr(domains, n)) for n in names]


if __name__ == "__main__":
    harness.main(make_cases)
