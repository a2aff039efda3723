#!/usr/bin/env python3
"""titles - processes and threads that give themselves names: written over their arguments, or by prctl.

usage: titles.py BUILD_DIR [PART_OF_A_NAME]...
"""
import json
import os
import signal
import subprocess

import harness
from harness import check, equal

NAME = "fx_titled"


class Titles:
    def __init__(self, tracker):
        self.t = tracker
        self.program = tracker.fixture("titled")
        equal("its name", os.path.basename(self.program), NAME)

    def processes(self, capture):
        """Titles by every report that has them."""
        told = self.t.json("info", capture)["processes"]
        equal("stats", [p["title"] for p in self.t.json("stats", capture)["processes"]], [p["title"] for p in told])
        equal("names", {p["name"] for p in told}, {NAME})
        return [p["title"] for p in told]

    def titles(self, *words, options=()):
        return self.processes(self.t.record([self.program, *words], options).capture)

    def ends(self):
        for end in ("exit", "_exit"):
            equal(f"written, {end}", self.titles("write", "fx_titled: worker", end), ["fx_titled: worker"])
            equal(f"named, {end}", self.titles("name", "worker 7", end), ["worker 7"])
            equal(f"both, {end}", self.titles("name", "worker 7", "write", "titled: seventh", end), ["titled: seventh"])
        equal("the last one", self.titles("write", "first", "write", "second   ", "name", "third", "exit"), ["second"])
        equal("killed", self.titles("name", "worker 7", "kill"), ["worker 7"])

    def none(self):
        equal("untouched", self.titles("exit"), [None])
        equal("its own name", self.titles("name", NAME, "exit"), [None])
        equal("cut", self.titles("cut", "exit"), [None])
        equal("another argument", self.titles("other", "x", "exit", "password"), [None])
        equal("of the program before", self.titles("write", "titled: before", "name", "before", "exec", self.program), [None])

    def killed_when(self, words, seen, *options):
        """The capture of a program that is killed as soon as the capture shows what it has done."""
        capture = self.t.file(".bin")
        p = subprocess.Popen([self.t.tracker, "run", "-q", *options, "-o", capture, "--", self.program, *words, "ready", "exit"],
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        pid = int(p.stdout.readline())
        harness.until(lambda: seen(capture), f"{words} is not in the capture")
        os.kill(pid, signal.SIGKILL)
        p.stdin.close()
        equal("status", p.wait(), -signal.SIGKILL)
        return capture

    def now(self, report, capture, *options):
        """A report of a capture that may not have begun yet."""
        r = harness.execute([self.t.reporter(report), "--json", *options, capture])
        return json.loads(r.stdout) if r.status == 0 else {}

    def last_seen(self):
        """A program that is killed cannot leave its title; what was seen of it counts."""
        title = "titled: server"

        def seen(capture):
            return [p["title"] for p in self.now("info", capture).get("processes", [])] == [title]

        for options in ((), ("--aggregate", "--checkpoint", "50ms")):
            equal(f"killed {options}", self.processes(self.killed_when(["write", title], seen, *options)), [title])

    def threads(self):
        """Named by another thread, and by themselves, twice."""
        def of(capture):
            return {row["key"] for row in self.now("table", capture, "--group-by", "thread", "--leaks", "-n", "0").get("rows", [])
                    if row["size"] == 1001}

        equal("by another", len(of(self.killed_when(["thread", "helper"], lambda c: any("helper" in k for k in of(c))))), 1)

    def forks(self):
        """Reports tell forked processes from each other by their titles, and count those of one title together."""
        words = ["write", "fx_titled: master"]
        for i in range(3):
            words += ["fork", "write", "fx_titled: worker"]
        capture = self.t.record([self.program, *words, "name", "x", "exit"]).capture
        equal("titles", self.processes(capture), ["fx_titled: master"] + ["fx_titled: worker"] * 3)
        text = self.t.text("stats", "-n", "1", capture)
        check("3 fx_titled: worker" in text or "2 fx_titled: worker" in text, text)
        tree = self.t.text("stats", "--tree", capture)
        check("fx_titled: master" in tree and "fx_titled: worker" in tree, tree)
        child = self.t.json("info", capture)["processes"][3]["pid"]
        check(self.t.text("report", "--pid", str(child), capture).startswith("fx_titled: worker (pid"), "report names the parent's arguments")
        check("exit (pid" in self.t.text("report", capture).splitlines()[0], "report does not say how it was started")
        equal("split", harness.execute([self.t.tracker, "split", "-q", capture]).status, 0)
        equal("split: title", self.processes(f"{capture}.{child}"), ["fx_titled: worker"])
        name = self.t.record([self.program, "name", "idle 3", "exit"]).capture
        check(f"{NAME} (idle 3)" in self.t.text("info", name), "a title that does not name the program stands alone")


def make_cases(t):
    r = Titles(t)
    return [(name.replace("_", " "), getattr(r, name)) for name in ("ends", "none", "last_seen", "threads", "forks")]


if __name__ == "__main__":
    harness.main(make_cases)
