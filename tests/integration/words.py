#!/usr/bin/env python3
"""words - what is said of a capture that is being recorded, whose recorder was killed, that is
cut, that could not be begun, or in which nothing is.

usage: words.py BUILD_DIR [PART_OF_A_NAME]...
"""
import fcntl
import os
import re
import resource
import signal
import struct
import subprocess

import harness
from harness import check, equal, need, until
import reports

PREDICTED = 15  # docs/FORMAT.md: the type of a block of events
# Allocates, tells how much, and waits until its standard input ends.
PROGRAM = ("import sys\nx = [bytes(5000 + i) for i in range(2000)]\nprint(len(x), flush=True)\n"
           "sys.stdin.read()\nsys.exit(5)")


class Words:
    def __init__(self, tracker):
        self.t = tracker

    def start(self, *options):
        """A program that has allocated and waits: (process, capture, the recorder's pid)."""
        capture = self.t.file(".bin")
        p = subprocess.Popen([self.t.tracker, "run", "-q", "-o", capture, *options, "--", need("python3"), "-c", PROGRAM],
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        equal("the program", p.stdout.readline(), b"2000\n")
        return p, capture, harness.recorder_of(p.pid)

    def said(self, name, capture):
        """What a report says of it on stderr, in one line; and `incomplete` of its JSON."""
        operands = [capture, capture] if name == "diff" else [capture]
        r = subprocess.run([self.t.reporter(name), *reports.ON_STDOUT.get(name, []), *operands],
                           stdin=subprocess.DEVNULL, capture_output=True, timeout=300)
        equal(f"{name}: status", r.returncode, 0)
        # diff opens the capture twice, and it may have grown in between
        lines = list({re.sub(r"\d+\.\d+ s so far", "", line): line for line in r.stderr.decode().splitlines()
                      if "no names" not in line and "arenas of Python" not in line}.values())  # Debian's python3 has none; some of it are arenas
        check(len(lines) <= 1, f"{name} says {lines}")
        check(not re.search(rb"\bblock \d", r.stderr), f"{name} counts blocks for its user: {r.stderr!r}")
        check(r.stdout or name == "temporary", f"{name} prints nothing")
        return lines.pop() if lines else ""

    def every_report(self, capture, pattern):
        for name in self.t.reports():
            words = self.said(name, capture)
            check(re.fullmatch(rf"tracker-{name}: warning: {re.escape(capture)}{pattern}", words), f"{name}: {words!r}")
        info = self.t.json("info", capture)
        check(re.fullmatch(pattern.replace(r"\A", "").lstrip(": "), info["incomplete"]), f"info: {info['incomplete']!r}")
        equal("complete", info["complete"], False)
        return info

    def finish(self, p, status=5):
        _, err = p.communicate(timeout=300)
        equal("status of tracker run", p.returncode, status)
        return err.decode()

    def being_recorded(self):
        p, capture, recorder = self.start()
        until(lambda: self.t.json("stats", capture)["total_num_allocations"] > 2000, "nothing is written")
        info = self.every_report(capture, rf": still being recorded by pid {recorder}: \d+\.\d\d\d s so far")
        equal("recorder_pid", info["recorder_pid"], recorder)
        r = harness.execute([self.t.find("tracker-symbolize"), "--force", capture])
        check(r.status == 1 and b"is still being recorded" in r.stderr, f"symbolize in its place: {r.status}, {r.stderr!r}")
        equal("stderr of tracker run", self.finish(p), "")
        for name in self.t.reports():
            equal(f"{name} of the whole", self.said(name, capture), "")
        equal("recorder_pid", self.t.json("info", capture)["recorder_pid"], None)

    def whole_and_locked(self):
        """A file that is whole, whose recorder has not ended yet, is no longer being recorded."""
        capture = self.t.record([need("python3"), "-c", "pass"]).capture
        with open(capture, "rb+") as f:
            fcntl.lockf(f, fcntl.LOCK_EX)
            for name in self.t.reports():
                equal(name, self.said(name, capture), "")
            equal("recorder_pid", self.t.json("info", capture)["recorder_pid"], None)
            split = harness.execute([self.t.find("tracker-split"), "--force", capture])
            check(b"being recorded" not in split.stderr, f"split: {split.stderr!r}")

    def sums_being_recorded(self):
        p, capture, recorder = self.start("--aggregate", "--checkpoint", "100ms")
        until(lambda: self.t.json("info", capture)["health"].get("checkpoint"), "no checkpoint")
        for name in ("stats", "summary", "leaks", "info"):
            words = self.said(name, capture)
            # between a rename and the lock on the new file nobody can be seen
            check(re.search(rf": still being recorded by pid {recorder}: \d+\.\d\d\d s so far$", words) or
                  "is a checkpoint" in words, f"{name}: {words!r}")
        equal("stderr of tracker run", self.finish(p), "")
        equal("of the whole", self.said("stats", capture), "")

    def pieces_being_recorded(self):
        capture = self.t.file(".bin")
        p = subprocess.Popen([self.t.tracker, "run", "-q", "-o", capture, "--max-size", "1M", "--rotate", "3", "--",
                              need("python3"), "-c", "import os, sys\nfor i in range(400000): os.urandom(200 + i % 9000)\n" + PROGRAM],
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        equal("the program", p.stdout.readline(), b"2000\n")
        words = self.said("stats", capture)
        check(f": still being recorded by pid {harness.recorder_of(p.pid)}: " in words and words.endswith(" s so far"), words)
        self.finish(p)

    def killed(self):
        p, capture, recorder = self.start()
        until(lambda: self.t.json("stats", capture)["total_num_allocations"] > 2000, "nothing is written")
        os.kill(recorder, signal.SIGKILL)
        err = self.finish(p)
        check(f"the recorder died (SIGKILL); {capture} holds the events up to that moment" in err, err)
        info = self.every_report(capture, r": the recorder was killed: events up to \d+\.\d\d\d s are in the capture")
        equal("damage", info["damage"], "its recorder was killed")

    def cut(self):
        more_than_a_block = "x = [bytes(5000 + i) for i in range(2000)]\nfor i in range(200000): bytes(5000 + i % 999)"
        r = self.t.record([need("python3"), "-c", more_than_a_block])
        data = open(r.capture, "rb").read()
        events = [at for at, kind, _ in self.blocks(data) if kind == PREDICTED]
        path = self.t.file(".bin")
        with open(path, "wb") as f:  # in the last of the events
            f.write(data[:harness.inside_a_block(data, events[-1] + 1)])
        self.every_report(path, r": the file is cut: events up to \d+\.\d\d\d s are in it; "
                                r"an incomplete copy or a full disk lost the rest, so copy it again or record again")

    def home(self, script):
        """A TRACKER_HOME whose recorder is a shell script."""
        home = self.t.file(".home")
        os.mkdir(home)
        os.symlink(self.t.find("libtracker.so"), os.path.join(home, "libtracker.so"))
        with open(os.path.join(home, "tracker-record"), "w") as f:
            f.write("#!/bin/sh\n" + script)
        os.chmod(f.name, 0o755)
        return {"TRACKER_HOME": home}

    def not_begun(self):
        """No recorder, or no room for the first byte: the program runs, a line says it, no file is left."""
        none = (resource.RLIMIT_FSIZE, (0, 0))
        for what, env, limit in (("dies", self.home("exit 1"), None), ("is killed", self.home("kill -9 $$"), None),
                                 ("has no room", {}, none)):
            capture = self.t.file(".bin")
            r = harness.execute([self.t.tracker, "run", "-o", capture, "--", "sh", "-c", "echo ran; exit 3"], env,
                                preexec=(lambda: resource.setrlimit(*limit)) if limit else None)
            equal(f"{what}: status and output", (r.status, r.stdout), (3, b"ran\n"))
            equal(f"{what}: lines", len(r.stderr.splitlines()), 1)
            check(not os.path.exists(capture), f"{what}: leaves {capture}")

    def nothing_recorded(self):
        source, program = self.t.file(".c"), self.t.file(".static")
        with open(source, "w") as f:
            f.write("int main(void) { return 7; }\n")
        if subprocess.run([need("gcc"), "-static", "-o", program, source], capture_output=True).returncode:
            raise harness.Skip("no static C library")
        capture = self.t.file(".bin")
        r = harness.execute([self.t.tracker, "run", "-o", capture, "--", program])
        equal("status", r.status, 7)
        text = r.stderr.decode()
        check(f"nothing was recorded because {program} is statically linked" in text, text)
        check("next:" not in text and "-ltracker" not in text, text)
        info = self.t.json("info", capture)
        check(info["notices"] and not info["complete"] is None, info)

    def no_reader(self):
        """Of what nobody can read no report is proposed."""
        r = harness.execute([self.t.tracker, "run", "-o", "/dev/null", "--", "true"])
        check(b"not freed" in r.stderr and b"next:" not in r.stderr, f"{r.stderr!r}")
        r = harness.execute([self.t.tracker, "run", "-o", self.t.file(".bin"), "--", "true"])
        check(b"next: tracker report" in r.stderr, f"{r.stderr!r}")

    def blocks(self, data):
        """Of every block where it begins, its type and its flags (bit 0 LZ4, bit 1 zstd), by its header."""
        at, blocks = 64, []
        while data[at:at + 4] == b"TRKB":
            kind, flags = struct.unpack_from("<HH", data, at + 4)
            blocks.append((at, kind, flags & 3))
            at += 48 + struct.unpack_from("<I", data, at + 12)[0]
        equal("rest of the file", len(data) - at, 16)
        return blocks

    def packing(self):
        """However blocks are packed, reports are the same; without, none is packed."""
        reports, sizes = {}, {}
        for option, allowed in (("--compress=zstd", {0, 1, 2}), ("--compress=lz4", {0, 1}), ("--compress=none", {0}),
                                ("--no-compress", {0})):
            r = self.t.record([self.t.fixture("flame")], [option, "--buffered-file-io"])
            equal("status", r.status, 0)
            flags = {f for _, _, f in self.blocks(open(r.capture, "rb").read())}
            check(flags <= allowed, f"{option}: flags {flags}")
            stats = self.t.json("stats", r.capture)
            reports[option] = {k: stats[k] for k in stats if k.startswith(("total", "leaked", "alloc", "top_allocations"))}
            sizes[option] = os.path.getsize(r.capture)
        for option, report in reports.items():
            equal(option, report, reports["--compress=zstd"])
        check(sizes["--compress=none"] > sizes["--compress=lz4"], f"{sizes}")
        for option in (["--compress", "gzip"], ["--compress=lz4", "--no-compress"]):
            r = harness.execute([self.t.tracker, "run", *option, "--", "true"])
            equal(f"{option}: status, lines", (r.status, len(r.stderr.splitlines())), (2, 1))

    def not_freed(self):
        """run, stats, --leaks and leaks say the same of what is left; libstdc++'s own pool is no leak, wherever it is."""
        source = self.t.file(".cc")
        with open(source, "w") as f:
            f.write("#include <new>\n#include <sys/mman.h>\nint main() {\n"
                    "try { throw std::bad_alloc(); } catch (std::bad_alloc &) {}\n"
                    "char *volatile p = new char[100]; p = 0;\n"
                    "mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);\n}\n")
        for flags in ([], ["-static-libstdc++"]):
            program = self.t.file(".cxx")
            if subprocess.run([need("g++"), "-g", *flags, "-o", program, source], capture_output=True).returncode:
                raise harness.Skip("no static libstdc++")
            capture = self.t.file(".bin")
            r = harness.execute([self.t.tracker, "run", "-o", capture, "--", program])
            leaks, stats = self.t.json("leaks", capture), self.t.json("stats", capture)
            equal(f"{flags}: leaks", (leaks["total_bytes"], leaks["total_count"]), (8292, 2))
            not_freed = (leaks["not_freed_bytes"], leaks["not_freed_count"])
            equal(f"{flags}: stats", (stats["leaked_bytes"], stats["leaked_allocations"]), not_freed)
            rows = self.t.json("table", "-n", "0", "--leaks", capture)["rows"]
            equal(f"{flags}: table --leaks", (sum(x["size"] for x in rows), sum(x["count"] for x in rows)), not_freed)
            check(f", {not_freed[1]} not freed (" in r.stderr.decode(), f"{flags}: {r.stderr!r}")


def make_cases(t):
    w = Words(t)
    return [(name.replace("_", " "), getattr(w, name)) for name in (
        "being_recorded", "whole_and_locked", "sums_being_recorded", "pieces_being_recorded", "killed", "cut", "not_begun",
        "nothing_recorded", "no_reader", "packing", "not_freed")]


if __name__ == "__main__":
    harness.main(make_cases)
