#!/usr/bin/env python3
"""report - what is said of how programs ended, and the report of one screen.

usage: report.py BUILD_DIR [PART_OF_A_NAME]...
"""
import os
import signal
import subprocess

import harness
from harness import check, equal

# fx/holders.c
LOST = (7000, 7)
LEAKED, KILLED, RUNNING = "leaked", "killed", "running"


class Report:
    def __init__(self, tracker):
        self.t = tracker
        self.program = tracker.fixture("holders")

    def record(self, how, *options):
        return self.t.record([self.program, how], options)

    def waiting(self, *options):
        """The program, when it has done everything and waits; and the capture."""
        capture = self.t.file(".bin")
        p = subprocess.Popen([self.t.tracker, "run", "-q", "-o", capture, *options, "--", self.program, "wait"],
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        equal("the program", p.stdout.readline(), b"ready\n")
        return p, capture

    def left(self, capture, words, **figures):
        """All reports that speak of leaks use these words, and have these (bytes, blocks)."""
        want = {f"{how}_{what}": figures.get(how, (0, 0))[i] for how in (LEAKED, KILLED, RUNNING)
                for i, what in enumerate(("size", "count"))}
        for name in ("leaks", "stats"):
            got = self.t.json(name, capture)["not_freed"]
            equal(f"{name}: not_freed", {k: got[k] for k in want}, want)
        text = self.t.text("leaks", capture).splitlines()
        check(any(line.startswith(words[0].upper() + words[1:] + ":") for line in text), f"leaks: {text}")
        stats = self.t.text("stats", capture)
        check(words == LEAKED or f": {words}\n" in stats, f"stats: {stats}")
        r = harness.execute([self.t.reporter("table"), "--leaks", capture])
        equal("table --leaks says it", words in r.stderr.decode(), words != LEAKED)
        r = harness.execute([self.t.reporter("leaks"), "--fail-on-leak", capture])
        equal("the gate", r.status, 3)
        check(f"--fail-on-leak counted: {LOST[0]} B in {LOST[1]} blocks {words}" in r.stderr.decode(), f"{r.stderr!r}")

    def exited(self):
        for how in ("0", "3", "exec"):
            capture = self.record(how).capture
            self.left(capture, "leaked", leaked=LOST)

    def killed(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGSEGV, signal.SIGKILL, signal.SIGRTMIN + 6):
            capture = self.record(f"signal{int(number)}").capture
            name = f"signal {int(number)}" if number > signal.SIGRTMIN else signal.Signals(number).name
            self.left(capture, f"live when {name} ended it", killed=LOST)
            equal("signal", self.t.json("leaks", capture)["not_freed"]["signal"], number)

    def several(self):
        """Nine processes exit, and a signal ends the tenth. What a fork copies is the parent's."""
        capture = self.record("ten").capture
        leaks = self.t.json("leaks", capture)
        leaked = (9 * LOST[0], 9 * LOST[1])
        got = leaks["not_freed"]
        equal("killed", (got["killed_size"], got["killed_count"], got["signal"]), (*LOST, signal.SIGTERM))
        equal("leaked", (got["leaked_size"], got["leaked_count"]), leaked)
        text = self.t.text("leaks", capture)
        check(f"Of which: 61.5 KiB in {leaked[1]} blocks leaked, 7000 B in 7 blocks live when SIGTERM ended it" in text, text)

    def running(self):
        p, capture = self.waiting()
        harness.until(lambda: self.t.json("leaks", capture)["total_bytes"] == LOST[0], "nothing is written")
        self.left(capture, "live so far", running=LOST)
        p.communicate(timeout=300)
        equal("status", p.returncode, 4)
        self.left(capture, "leaked", leaked=LOST)
        p, capture = self.waiting("--duration", "1s")
        harness.until(lambda: self.t.json("info", capture)["health"].get("stopped_by"), "recording does not stop")
        self.left(capture, "not freed when recording stopped", running=LOST)
        p.communicate(timeout=300)

    def recorder_killed(self):
        p, capture = self.waiting()
        harness.until(lambda: self.t.json("leaks", capture)["total_bytes"] == LOST[0], "nothing is written")
        os.kill(harness.recorder_of(p.pid), signal.SIGKILL)
        p.communicate(timeout=300)
        self.left(capture, "live when the recording broke off", running=LOST)


def make_cases(t):
    r = Report(t)
    return [(name.replace("_", " "), getattr(r, name)) for name in ("exited", "killed", "several", "running", "recorder_killed")]


if __name__ == "__main__":
    harness.main(make_cases)
