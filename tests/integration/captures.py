#!/usr/bin/env python3
"""captures - captures that a program makes of itself by tracker.h, a case for each row of the feature list, named by its id: in a
program that nobody records, and in one that tracker run records. The truth is arithmetic in the program.

usage: captures.py BUILD_DIR [PART_OF_A_NAME]...
"""
import json
import os
import subprocess
import sys
import time

import harness
from harness import check, equal, execute

REGION = "active: 0\nenter: 0\nactive: 1\nexit: 0\nactive: 0\nfree: 0\n"
BUSY = "-4 No more than one Tracker instance can be active at the same time"
STALE = "-7 Attempting to use stale output handle"


class Captures:
    def __init__(self, tracker):
        self.t = tracker
        self.libtracker = tracker.find("libtracker.so")

    def ways(self, mode, status=0, make=lambda file: None):
        """The program's output and its capture, by each way to a recorder; the recording's own capture, or None."""
        program = self.t.fixture("captured")
        for way in ("alone", "tracker run"):
            file = self.t.file(".own.bin")
            make(file)
            if way == "alone":
                r, whole = execute([program, mode, file], {"LD_PRELOAD": self.libtracker}), None
            else:
                r = self.t.record([program, mode, file])
                whole = r.capture
            equal(f"{mode}, {way}: status", (r.status, r.stderr.decode()), (status, ""))
            yield way, r.stdout.decode(), file, whole

    def sizes(self, capture):
        """Sizes of what was allocated by block(), in order."""
        return [e["size"] for e in self.t.events(capture, "--stacks") if e["kind"] == "malloc" and e["size"] in (1000, 700, 300, 90, 50, 11, 22, 23, 33, 64)]

    # ---- what is in it ----

    def d01_d02_region(self):
        """Only what was allocated between, in all threads; what lived before is unknown, its release no leak."""
        for way, out, file, whole in self.ways("plain"):
            equal(f"{way}: output", out, REGION)
            equal(f"{way}: sizes", self.sizes(file), [700] * 5 + [300] * 2)
            s = self.t.json("leaks", file)
            equal(f"{way}: not freed", [r["size"] for r in s["rows"] if r["count"] == 2], [1400])
            rows = self.t.text("table", "-n", "0", file + "@end")
            check("captured.c:" in rows, f"{way}: names: {rows}")
            info = self.t.json("info", file)
            check(info["complete"], f"{way}: {info}")
            if whole:
                equal("the recording has all", self.sizes(whole).count(1000) + self.sizes(whole).count(90), 7)

    def d20_d21_aggregated(self):
        for way, out, file, _ in self.ways("aggregated"):
            equal(f"{way}: output", out, REGION)
            info = self.t.json("info", file)
            equal(f"{way}: format", info["format"], "aggregated") if "format" in info else None
            s = self.t.json("stats", file)
            equal(f"{way}: not freed", s["leaked_bytes"] >= 1400, True)
            r = execute([self.t.reporter("dump"), "--events", file])
            equal(f"{way}: dump of an aggregated one", r.status != 0, True)

    def d05_d08_d03_d04_misuse(self):
        first = ("new: -3 the options were not made by tracker_options_init\n" * 2 +
                 "new: -3 Exactly one of 'file_name' or 'destination' argument must be specified\n" * 2 +
                 "new: -3 Invalid port: 0\n"
                 "new: -5 Could not create output file /doesn/t/exist: No such file or directory\n"
                 "new: -5 Could not create output file /: Is a directory\n"
                 "new: -3 the number of frames must be in range [1; 65535]\n"
                 "enter nothing: -3 there is no capture to enter\n")
        left = "the capture was not entered, or is left already"
        rest = (f"exit nothing: -3 {left}\nfree nothing: 0\nexit first: -3 {left}\nenter: 0\nanother: {BUSY}\ntwice: {STALE}\nexit: 0\n"
                f"exit again: -3 {left}\nagain: {STALE}\nthe other: 0\nfree it: 0\nfree: 0\n")
        for way, out, _, _ in self.ways("misuse"):
            equal(way, out, first + rest)

    def d07_exists(self):
        def make(file):
            with open(file, "w", encoding="ascii") as f:
                f.write("mine")
        for way, out, file, _ in self.ways("plain", make=make):
            equal(way, out, f"new: -6 Output file {file} already exists; set overwrite to true to overwrite it\n")
            with open(file, encoding="ascii") as f:
                equal(f"{way}: the file", f.read(), "mine")

    def d06_overwrite(self):
        def make(file):
            with open(file, "wb") as f:
                f.write(b"x" * 1000000)
        for way, out, file, _ in self.ways("overwrite", make=make):
            equal(f"{way}: output", out, REGION)
            equal(f"{way}: sizes", self.sizes(file), [700] * 5 + [300] * 2)

    def d09_unused(self):
        """One that was never entered leaves no file."""
        for way, out, file, _ in self.ways("unused"):
            equal(way, out, "free: 0\nthere: 0\n")

    def d19_memory_samples(self):
        """Of resident memory: never closer than asked for; 0: none."""
        decode = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "golden", "decode.py")

        def times(interval):
            r = self.t.record(["sleep", "0.3"], ["--memory-interval-ms", interval])
            lines = subprocess.run([sys.executable, decode, r.capture], check=True, capture_output=True, text=True).stdout.splitlines()
            return [e["time_ns"] for e in map(json.loads, lines) if "rss_bytes" in e]

        sampled = times("20")
        check(len(sampled) >= 1, "no sample")
        check(all(b - a >= 20000000 for a, b in zip(sampled, sampled[1:])), sampled)
        equal("switched off", times("0"), [])

    def d16_surviving(self):
        """Blocks of the capture that lived at its end."""
        program = self.t.fixture("captured_replay")
        for way in ("alone", "tracker run"):
            file = self.t.file(".own.bin")
            r = execute([program, "surviving", file], {"LD_PRELOAD": self.libtracker}) if way == "alone" else \
                self.t.record([program, "surviving", file])
            equal(way, (r.status, r.stderr.decode(), r.stdout.decode()),
                  (0, "", "without: -8\ntoo early: -4\nenter: 0\nexit: 0\nsurviving: 0 2 1400 2\nfree: 0\n"))

    # ---- processes ----

    def d17_not_followed(self):
        for way, out, file, _ in self.ways("fork"):
            equal(way, out.split("pid")[0], "enter: 0\nchild: 1\nexit: 0\n")
            equal(f"{way}: sizes", self.sizes(file), [11, 33])

    def d17_followed(self):
        for way, out, file, _ in self.ways("follow"):
            head, pid = out.split("pid: ")
            equal(way, head, "enter: 0\nchild: 0\nexit: 0\n")
            equal(f"{way}: sizes", self.sizes(file), [11, 33])
            equal(f"{way}: the child's", self.sizes(f"{file}.{pid.strip()}"), [22, 23])

    def d17_not_followed_for_a_reason(self):
        """The folder of the file is removed before the fork: the child runs on without a capture, and both captures say so."""
        for way, out, file, whole in self.ways("gone"):
            head, pid = out.split("pid: ")
            equal(way, head, "enter: 0\nchild: 0\nexit: 0\n")
            for capture in (file, whole) if whole else (file,):
                info = self.t.json("info", capture)
                said = [n for n in info["notices"] if n.startswith("forked processes without a capture of their own") and ": 1 (" in n and "No such file" in n]
                equal(f"{way}: said once in {capture}: {info['notices']}", len(said), 1)
            if whole:
                equal("counted", info["health"]["unfollowed_forks"], 1)

    def d17_decided_at_the_fork(self):
        """When the recorder sees the child, its parent's capture has ended; or has just begun."""
        for way, out, file, _ in self.ways("held"):
            head, pid = out.split("pid: ")
            equal(way, head, "exit: 0\nchild: 0\n")
            equal(f"{way}: sizes", (self.sizes(file), self.sizes(f"{file}.{pid.strip()}")), ([11], [22]))
        for way, out, file, _ in self.ways("held_before"):
            head, pid = out.split("pid: ")
            equal(way, head, "enter: 0\nchild: 0\n")
            equal(f"{way}: sizes, the child's file", (self.sizes(file), os.path.exists(f"{file}.{pid.strip()}")), ([33], False))

    def d11_left_open(self):
        """Neither its end nor SIGKILL loses an event whose call had returned."""
        for mode, status in (("left", 0), ("killed", -9)):
            for way, out, file, _ in self.ways(mode, status):
                while not self.t.json("info", file)["complete"]:  # alone it has its recorder, which outlives it
                    time.sleep(0.05)
                equal(f"{mode}, {way}: sizes", self.sizes(file).count(64), 1000)

    # ---- in C++ ----

    def d01_scoped(self):
        """tracker.hpp's objects end with their scope; what fails throws the code and the sentence."""
        program, file = self.t.fixture("scoped"), self.t.file(".own.bin")
        preload = {"LD_PRELOAD": self.libtracker}
        r = execute([program, "tracing"], preload)
        equal("tracing", (r.status, r.stdout.decode()), (0, "inner: 0, limit 3\nouter: 0, tracing 1\nbehind: 0, refused: -3\n"))
        r = execute([program, "capture", file], preload)
        equal("capture", (r.status, r.stdout.decode()), (0, f"region: 0, active: 1\nanother: {BUSY}\nleft: 0\nthere: -6\n"
                                                             "twice: -3, get 1\n"))
        equal("sizes", self.sizes(file), [700])
        r = execute([program, "absent"])
        equal("without", (r.status, r.stdout.decode()), (0, "-2 -2 -2 tracker is not there: run the program with tracker run, or link it "
                                                            "with -ltracker\n"))

    def d01_every_standard(self):
        source = os.path.join(os.path.dirname(os.path.abspath(__file__)), "fx", "scoped.cc")
        for compiler in map(harness.need, ("g++", "clang++")):
            for standard in "11", "14", "17", "20":
                r = execute([compiler, f"-std=c++{standard}", "-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Werror", "-fsyntax-only", source])
                equal(f"{compiler}, C++{standard}", (r.status, r.stderr.decode()), (0, ""))

    def q1_independent(self):
        """Two traces, a capture and a recording: each has its own."""
        for way, out, file, whole in self.ways("both"):
            equal(way, out, "start: 0\nenter: 0\nstop: 0\nstart: 0\nexit: 0\ntraced: 750\n")
            equal(f"{way}: sizes", self.sizes(file), [700] * 3)
            if whole:
                equal("the recording has all", self.sizes(whole), [1000] * 3 + [700] * 3 + [50])


def make_cases(tracker):
    captures = Captures(tracker)
    names = [n for n in vars(Captures) if n[0] in "abdq" and n[1:2].isdigit()]
    return [(n.replace("_", " "), getattr(captures, n)) for n in names]


if __name__ == "__main__":
    harness.main(make_cases)
