#!/usr/bin/env python3
"""first_look - what is said of how programs ended, and the report of one screen.

usage: first_look.py BUILD_DIR [PART_OF_A_NAME]...
"""
import json
import os
import re
import signal
import subprocess

import harness
from harness import check, equal

# fx/holders.c
LOST = (7000, 7)
HELD = {"hold_first": (500000, 10), "hold_second": (320000, 8), "hold_third": (180000, 6), "hold_fourth": (80000, 4),
        "hold_fifth": (20000, 2), "lose": LOST}
WASTED = (24000 + 20000, 1000 + 2)  # the last two that are held are freed soon
LINES, COLUMNS = 24, 80
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

    def now(self, name, capture):
        """A report of a capture that may not have begun yet."""
        r = harness.execute([self.t.reporter(name), "--json", capture])
        return json.loads(r.stdout) if r.status == 0 else {}

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
        harness.until(lambda: self.now("leaks", capture).get("total_bytes") == LOST[0], "nothing is written")
        self.left(capture, "live so far", running=LOST)
        p.communicate(timeout=300)
        equal("status", p.returncode, 4)
        self.left(capture, "leaked", leaked=LOST)
        p, capture = self.waiting("--duration", "5s")
        harness.until(lambda: self.stopped(self.now("info", capture)), "recording does not stop")
        self.left(capture, "not freed when recording stopped", running=LOST)
        p.communicate(timeout=300)

    @staticmethod
    def stopped(info):
        return info.get("health", {}).get("stopped_by") and info["recorder_pid"] is None

    def recorder_killed(self):
        p, capture = self.waiting()
        harness.until(lambda: self.now("leaks", capture).get("total_bytes") == LOST[0], "nothing is written")
        os.kill(harness.recorder_of(p.pid), signal.SIGKILL)
        p.communicate(timeout=300)
        self.left(capture, "live when the recording broke off", running=LOST)

    # ---- the report of one screen ----

    def screen(self, capture, *options, width=COLUMNS):
        """Its lines, which fit the screen whatever the capture is; and stderr."""
        r = harness.execute([self.t.reporter("report"), *options, capture])
        equal(f"report of {capture}: status", r.status, 0)
        lines = r.stdout.decode().splitlines()
        check(3 <= len(lines) <= LINES, f"{len(lines)} lines: {lines}")
        wide = [line for line in lines if len(line) > width]
        check(not wide, f"wider than {width}: {wide}")
        return lines, r.stderr.decode()

    @staticmethod
    def part(lines, heading):
        """The rows below a heading: size, share, blocks, name."""
        at = next(i for i, line in enumerate(lines) if line.startswith(heading))
        rows = []
        for line in lines[at + 1:]:
            m = re.fullmatch(r" *([\d.]+ \w+) +(\d+)% +([\d,]+) blocks?  +(.*)", line)
            if not m:
                break
            rows.append(m.groups())
        return rows

    def figures(self):
        """Every number of the fixture, on the screen and in JSON."""
        capture = self.record("3").capture
        lines, err = self.screen(capture)
        equal("stderr", err, "")
        check(lines[0].startswith(self.program + " 3 (pid "), lines[0])
        check(re.fullmatch(r"exited with status 3 after \d+\.\d{3} s", lines[1]), lines[1])
        check(re.match(r"Peak: 1081 KiB in 37 blocks at \d+\.\d{3} s", lines[3]), lines[3])
        source = self.source()
        want = [("488 KiB", "45", "10", "hold_first"), ("312 KiB", "29", "8", "hold_second"), ("176 KiB", "16", "6", "hold_third"),
                ("78.1 KiB", "7", "4", "hold_fourth"), ("19.5 KiB", "2", "2", "hold_fifth")]
        equal("holders", self.part(lines, "Peak"),
              [(*numbers, f"{name} (holders.c:{source[name]}) from hold_all") for *numbers, name in want])
        check("Leaked: 7000 B in 7 blocks" in "\n".join(lines), f"{lines}")
        equal("leaks", self.part(lines, "Leaked"), [("7000 B", "100", "7", f"lose (holders.c:{source['lose']}) from main")])
        at = next(i for i, line in enumerate(lines) if line.startswith("Temporary: 1,002 of 1,037 allocations (97 %)"))
        check(any(line.startswith("Nothing grows steadily") for line in lines), f"{lines}")
        equal("who wastes", lines[at + 1], f"  1,000 by waste (holders.c:{source['waste']}) from main")
        j = self.t.json("report", capture)
        equal("holders in JSON", {r["function"]: (r["size"], r["count"]) for r in j["holders"]}, HELD)
        equal("leaks in JSON", [(r["function"], r["size"], r["count"]) for r in j["leaks"]], [("lose", *LOST)])
        equal("temporary in JSON", (j["temporary"]["size"], j["temporary"]["count"]), WASTED)
        equal("peak in JSON", (j["point"]["size"], j["point"]["count"]), tuple(map(sum, zip(*HELD.values()))))

    def source(self):
        """The line of each function's malloc. A macro's code stands where it is used."""
        path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "fx", "holders.c")
        lines, inside = {}, None
        with open(path, encoding="utf-8") as f:
            for number, line in enumerate(f, 1):
                m = re.match(r"HOLD\((\w+)", line) or re.match(r"static void (\w+)\(void\)$", line)
                inside = m[1] if m else inside
                if inside and (line.startswith("HOLD(") or "malloc(" in line):
                    lines.setdefault(inside, number)
        return lines

    def ends(self):
        """However it ended, the second line says so, and all of it is one screen."""
        for how, words in (("0", "exited with status 0 after"), ("exec", "exited with status 0 after"),
                           ("ten", "; 9 more processes, 1 killed"), ("signal2", "ended by SIGINT, as Ctrl-C sends it, after"),
                           ("signal11", "crashed with SIGSEGV (invalid memory access) after"),
                           ("signal9", "killed by SIGKILL (kill -9, or no memory was left) after")):
            lines, _ = self.screen(self.record(how).capture)
            check(words in lines[1], f"{how}: {lines[1]}")
        p, capture = self.waiting()
        harness.until(lambda: self.now("leaks", capture).get("total_bytes") == LOST[0], "nothing is written")
        lines, err = self.screen(capture)
        check(re.fullmatch(r"still being recorded: \d+\.\d{3} s so far", lines[1]) and "still being recorded by pid" in err, f"{lines} {err}")
        check(any(line.startswith("Live so far: 7000 B in 7 blocks") for line in lines), f"{lines}")
        os.kill(harness.recorder_of(p.pid), signal.SIGKILL)
        p.communicate(timeout=300)
        lines, _ = self.screen(capture)
        check("its end is not in the capture" in lines[1], lines[1])
        check(any(line.startswith("Incomplete: the recorder was killed") for line in lines), f"{lines}")

    def kinds(self):
        """Samples, sums, nothing at all, and what is damaged."""
        lines, _ = self.screen(self.record("0", "--sample", "10K").capture)
        check(any(line.startswith("Sampled every 10.0 KiB: figures are estimates") for line in lines), f"{lines}")
        events, sums = (self.screen(self.record("0", *options).capture)[0] for options in ((), ("--aggregate",)))
        for heading in ("Peak", "Leaked"):
            equal(f"{heading}: of sums", self.part(sums, heading), self.part(events, heading))
        golden = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "golden")
        for folder in ("good", "damaged"):
            for name in sorted(os.listdir(os.path.join(golden, folder))):
                path = os.path.join(golden, folder, name)
                if name.endswith(".bin") and os.path.getsize(path):
                    self.bounded(path, (0,) if folder == "good" else (0, 1))

    def bounded(self, path, statuses):
        """Of a capture that may be anything: one screen, or one line that says why there is none."""
        r = harness.execute([self.t.reporter("report"), path])
        lines = r.stdout.decode().splitlines()
        check(r.status in statuses and len(lines) <= LINES and all(len(line) <= COLUMNS for line in lines), f"{path}: {r.status}, {lines}")
        check(r.status == 0 or r.stderr, f"{path}: nothing is said")

    def long_names(self):
        """Names that are longer than a line are cut in the middle, and numbers stay."""
        folder = self.t.file("." + "n" * 120)
        os.mkdir(folder)
        os.symlink(self.program, os.path.join(folder, "p" * 100))
        capture = os.path.join(folder, "c" * 100 + ".bin")
        r = harness.execute([self.t.tracker, "run", "-q", "-o", capture, "--", os.path.join(folder, "p" * 100), "0", "a\033[31mb" * 30])
        equal("status", r.status, 0)
        lines, _ = self.screen(capture)
        check(("..." in lines[0] or "…" in lines[0]) and "\033" not in "".join(lines), lines[0])
        check(any(line.endswith("tracker leaks FILE") for line in lines), f"{lines}")

    def proposed(self):
        """tracker CAPTURE is the report; run --report prints it, and says nothing twice."""
        capture = self.t.file(".bin")
        r = harness.execute([self.t.tracker, "run", "--report", "-o", capture, "--", self.program, "3"])
        equal("status, output", (r.status, r.stdout), (3, b""))
        whole = harness.execute([self.t.tracker, capture])
        equal("tracker CAPTURE", (whole.status, whole.stdout.decode().splitlines()), (0, self.screen(capture)[0]))
        printed = r.stderr.decode()
        check(printed.endswith(whole.stdout.decode()) and len(printed.splitlines()) == len(whole.stdout.splitlines()) + 1, printed)
        at_end = harness.execute([self.t.tracker, capture + "@end"])
        check(at_end.status == 0 and b"\nAt end: 7000 B in 7 blocks" in at_end.stdout, f"{at_end.stdout}")
        copy = self.t.file(".copy")
        os.link(capture, copy)
        equal("by what is in it", harness.execute([self.t.tracker, copy]).status, 0)
        r = harness.execute([self.t.tracker, "run", "--report", "-o", "/dev/null", "--", self.program, "3"])
        check(r.status == 3 and b"keeps nothing that could be read" in r.stderr, f"{r.stderr}")


    # ---- the example of README.md ----

    ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
    # What differs from run to run.
    MASKS = ((r"pid \d+", "pid N"), (r"\d+\.\d{3} s", "T s"), (r"; RSS \d+(\.\d+)? \w+", ""), (r"wrote out.bin \(.*?\)", "wrote out.bin (N)"),
             (r" {2,}tracker (\w+)( \S+)?$", r"  tracker \1"))

    def masked(self, text):
        for pattern, mask in self.MASKS:
            text = re.sub(pattern, mask, text, flags=re.M)
        return text.strip().splitlines()

    def readme(self):
        """Its commands, behind the setup, print what it says."""
        with open(os.path.join(self.ROOT, "README.md"), encoding="utf-8") as f:
            blocks = re.findall(r"```(?:sh)?\n(.*?)```", f.read(), re.S)
        commands, output = blocks[0].splitlines(), blocks[1]
        harness.need("cc")
        equal("the first command", commands[0], "sh setup")
        folder = self.t.file(".readme")
        os.mkdir(folder)
        os.symlink(os.path.join(self.ROOT, "examples"), os.path.join(folder, "examples"))
        env = {"PATH": os.path.dirname(self.t.tracker) + ":" + os.environ["PATH"], "LC_ALL": "C.UTF-8"}
        even = [line for line in self.masked(output) if not line.startswith("Growing")]
        for _ in range(8):  # a busy machine that stops the server in the middle makes growth uneven, and nothing else
            r = harness.execute(["sh", "-c", 'cd "$0" && exec 2>&1 && rm -f out.bin && ' + " && ".join(commands[1:]), folder], env)
            printed = self.masked(r.stdout.decode())
            equal("status", r.status, 0)
            equal("what it prints but for growth", [line for line in printed if not line.startswith("Growing")], even)
            if printed == self.masked(output):
                break
        equal("what it prints", printed, self.masked(output))


def make_cases(t):
    r = Report(t)
    return [(name.replace("_", " "), getattr(r, name)) for name in (
        "exited", "killed", "several", "running", "recorder_killed", "figures", "ends", "kinds", "long_names", "proposed", "readme")]


if __name__ == "__main__":
    harness.main(make_cases)
