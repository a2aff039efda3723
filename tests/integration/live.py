#!/usr/bin/env python3
"""live - tracker live and tracker run --live: what a view shows of a program that stands still at a known place, in tmux and as JSON.

usage: live.py BUILD_DIR [PART_OF_A_NAME]...
"""
import contextlib
import json
import os
import re
import shutil
import signal
import subprocess

import harness
from harness import check, equal
from tmux import Screen

# fx/viewed.c: what each step leaves, by function: bytes and blocks that it allocated itself, and bytes with what it called.
HOLD = {"hold": (300, 1, 150300), "hold_many": (100000, 100, 100000), "hold_few": (50000, 10, 50000)}
GROW = {"grow": (100000, 50, 100000)}
THREAD = {"in_thread": (21000, 3, 21000)}
CHILD = {"start_child": (3000, 1, 3000)}
KEYS = ("function", "lineno", "filename", "module", "thread")
ESCAPE, ENTER = "Escape", "Enter"


def sums(*steps):
    own = {name: value for step in steps for name, value in step.items()}
    return sum(v[0] for v in own.values()), sum(v[1] for v in own.values())


class Viewed:
    """A recorded program that does what it is told, step by step."""

    def __init__(self, case, *options, command=None, program=None):
        self.case, self.t = case, case.t
        self.capture = self.t.file(".bin")
        self.to, self.back = self.t.file(".fifo"), self.t.file(".fifo")
        for path in (self.to, self.back):
            os.mkfifo(path)
        self.command = [self.t.tracker, "run", "-q", "-o", self.capture, *options, "--", program or case.program, self.to, self.back]
        self.run = None
        if not command:
            self.run = subprocess.Popen(self.command, env=case.env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        self.tell = self.answer = None

    def open(self):
        # both ends of a FIFO wait for each other, in the order of the program
        self.tell, self.answer = os.open(self.to, os.O_WRONLY), os.open(self.back, os.O_RDONLY)
        return self

    def __enter__(self):
        return self.open()

    def __exit__(self, *_):
        for fd in (self.tell, self.answer):
            with contextlib.suppress(OSError):
                os.close(fd)
        if self.run:
            self.run.communicate(timeout=60)

    def do(self, *steps):
        for step in steps:
            os.write(self.tell, step.encode())
            equal(f"step {step}", os.read(self.answer, 1), b"d")

    def end(self, step="x"):
        """The program ends by itself; what tracker run says, and its status."""
        os.write(self.tell, step.encode())
        _, err = self.run.communicate(timeout=60)
        return self.run.returncode, err.decode()

    def json(self, *options):
        return json.loads(self.case.live("--once", "--json", *options, self.capture).stdout)

    def seen(self, size):
        """The recorder has read everything: so many bytes live."""
        harness.until(lambda: self.status().get("live_bytes", 0) >= size, "the recorder does not see what lives")

    def viewed(self):
        """So many bytes live, says a view; 0 while the recorder is still being loaded."""
        r = harness.execute([self.t.find("tracker-live"), "--once", "--json", self.capture], self.case.env)
        return json.loads(r.stdout)["live_bytes"] if r.status == 0 else 0

    def status(self):
        r = harness.execute([self.t.find("tracker-ctl"), "--json", self.capture, "status"], self.case.env)
        return json.loads(r.stdout) if r.status == 0 else {}


class Live:
    def __init__(self, tracker):
        self.t = tracker
        self.program = tracker.fixture("viewed")
        runtime = tracker.file(".runtime")
        os.mkdir(runtime, 0o700)
        self.env = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "TMUX", "LC_ALL")} | {"XDG_RUNTIME_DIR": runtime}

    def live(self, *args, status=0):
        r = harness.execute([self.t.find("tracker-live"), *args], self.env)
        check(r.status == status, f"tracker live {args}: exit {r.status}, want {status}: {r.stderr!r}")
        return r

    def view(self, who, *options, **more):
        return Screen(self, [self.t.find("tracker-live"), "--interval", "200ms", *options, str(who)], **more)

    def refused(self, words, *args, status=2):
        err = self.live(*args, status=status).stderr.decode()
        check(words in err and len(err.splitlines()) == 1, f"{args}: {err!r}, want {words!r}")

    def has(self, rows, want):
        got = {r["key"]: (r["size"], r["count"], r["total_size"]) for r in rows}
        equal("rows", {k: got.get(k) for k in want}, want)

    # ---- for scripts ----

    def as_table(self):
        """The rows are those of tracker table at a mark that was put at the same place."""
        for options in ((), ("--aggregate",)):
            with Viewed(self, *options) as v:
                v.do("h", "w", "g", "t")
                size, count = sums(HOLD, GROW, THREAD)
                v.seen(size)
                live = {key: v.json("-g", key) for key in KEYS}
                got = live["function"]
                equal("live", (got["live_bytes"] >= size, got["live_blocks"] >= count, got["state"], got["processes"]), (True, True, "recording", 1))
                equal("temporary blocks", got["allocations"] - got["frees"], got["live_blocks"])
                check(got["frees"] >= 1000 and got["peak_bytes"] >= got["live_bytes"] and got["rss_bytes"] > 0, f"figures: {got}")
                self.has(got["rows"], HOLD | GROW | THREAD)
                equal("sum of the rows", sum(r["size"] for r in got["rows"]), got["live_bytes"])
                point = "@end"
                if not options:
                    point = "@here"
                    harness.execute([self.t.tracker, "ctl", v.capture, "mark", "here"], self.env)
                v.do("g")
                if options:
                    continue
                equal("status", v.end("k")[0], -9)
                for key in KEYS:
                    table = self.t.json("table", "-g", key, v.capture + point)
                    rows = [{k: r.get(k) for k in ("key", "file", "line", "size", "count")} for r in table["rows"]]
                    equal(f"rows by {key}", [{k: r.get(k) for k in ("key", "file", "line", "size", "count")} for r in live[key]["rows"]], rows)
                    equal(f"totals by {key}", (live[key]["total_size"], live[key]["total_count"]), (table["total_size"], table["total_count"]))

    def as_text(self):
        with Viewed(self) as v:
            v.do("h")
            v.seen(sums(HOLD)[0])
            text = self.live("--once", str(v.json()["pid"])).stdout.decode()
            check("viewed (pid " in text and "recorded for" in text, text)
            check("hold_many: size=97.7 KiB, count=100, total=97.7 KiB\n" in text, text)
            check("hold: size=300 B, count=1, total=147 KiB\n" in text, text)
            text = self.live("--once", "-n", "1", v.capture).stdout.decode()
            check("hold_few" not in text and "more rows; -n 0 shows all" in text, text)
            out = self.t.file(".json")
            self.live("--once", "--json", "-o", out, v.capture)
            with open(out, encoding="utf-8") as f:
                equal("schema", json.load(f)["schema"], "tracker.live")

    def tree(self):
        """Processes that have ended hold nothing any more."""
        with Viewed(self) as v:
            v.do("h", "f")
            child = CHILD["start_child"][0]
            harness.until(lambda: any(r["key"] == "start_child" for r in v.json()["rows"]), "the child's block is not seen")
            got = v.json()
            equal("processes", got["processes"], 2)
            forked, = harness.children(got["pid"])
            own = v.json("--pid", str(forked))
            equal("rows of the child", [(r["key"], r["size"]) for r in own["rows"] if r["key"] == "start_child"], [("start_child", child)])
            os.kill(forked, signal.SIGKILL)
            harness.until(lambda: v.json()["processes"] == 1, "the end of the child is not seen")
            got = v.json()
            equal("rows after its end", [r for r in got["rows"] if r["key"] == "start_child"], [])
            equal("sum of the rows", sum(r["size"] for r in got["rows"]), got["live_bytes"])

    def replaced(self):
        """Names come from the file that the program has mapped, whatever is at its path."""
        program = self.t.file(".program")
        shutil.copy(self.program, program)
        with Viewed(self, program=program) as v:
            v.do("h")
            os.unlink(program)
            with open(program, "w", encoding="ascii") as f:
                f.write("another file\n")
            v.seen(sums(HOLD)[0])
            self.has(v.json()["rows"], HOLD)

    def jit(self):
        """Code that the program makes has its names while it runs."""
        capture = self.t.file(".bin")
        run = subprocess.Popen([self.t.tracker, "run", "-q", "-o", capture, "--", self.t.fixture("jit"), "code=1", "map=compiled", "call=5000", "seen", "call=6000", "sleep=600000"],
                               env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        try:
            harness.until(lambda: os.path.exists(capture) and os.path.getsize(capture), "no capture")
            found = lambda: [r for r in json.loads(self.live("--once", "--json", capture).stdout)["rows"] if r["key"] == "compiled"]  # noqa: E731
            harness.until(lambda: found() and found()[0]["size"] == 11000, "the compiled function is not seen")
        finally:
            os.kill(json.loads(self.live("--once", "--json", capture).stdout)["pid"], signal.SIGKILL)
            run.communicate(timeout=60)

    def rotated(self):
        """The name of a set of files is that of the recording, while it is written and afterwards."""
        with Viewed(self, "--max-size", "1M", "--rotate", "2") as v:
            v.do("h")
            harness.until(lambda: v.viewed() >= sums(HOLD)[0], "the recorder does not see what lives")
            got = v.json()
            equal("state", got["state"], "recording")
            self.has(got["rows"], HOLD)
            with self.view(v.capture) as s:
                s.shows("hold_many")
                v.end()
                s.shows("ended: exited with status 5")
                s.shows("hold_many")
        equal("state", v.json()["state"], "file")

    def waiting(self):
        """What lives is known before the recording begins."""
        with Viewed(self, "--start-after", "1h") as v:
            v.do("h")
            v.seen(sums(HOLD)[0])
            got = v.json()
            equal("state", got["state"], "waiting")
            self.has(got["rows"], HOLD)
            check("the recording has not begun yet" in self.live("--once", v.capture).stdout.decode(), "the text does not say it")
            with self.view(v.capture) as s:
                s.shows("not recorded yet")
                s.keys("k")
                s.shows("the recording has not begun yet")

    def sampled(self):
        """Estimates have margins, and the truth lies within them."""
        with Viewed(self, "--sample", "1") as v:
            v.do("h", "g")
            v.seen(sums(HOLD, GROW)[0])
            got = v.json()
            equal("sampled every", got["sampled_bytes"], 1)
            for key, (size, count, _) in (HOLD | GROW).items():
                row = next(r for r in got["rows"] if r["key"] == key)
                check(abs(row["size"] - size) <= row["size_margin"] and abs(row["count"] - count) <= row["count_margin"], f"{key}: {row}")

    def many(self):
        """Many ask at once, of a program that works: each gets an answer, and no event is lost."""
        with Viewed(self) as v:
            v.do("h")
            v.seen(sums(HOLD)[0])
            asking = [subprocess.Popen([self.t.find("tracker-live"), "--once", "--json", v.capture], env=self.env, stdout=subprocess.PIPE) for _ in range(12)]
            v.do(*"w" * 200)
            for p in asking:
                self.has(json.loads(p.communicate(timeout=60)[0])["rows"], HOLD)
            v.end()
        info = self.t.json("info", v.capture)
        equal("lost", (info["complete"], info["health"]["lost"]), (True, 0))

    def finished(self):
        with Viewed(self) as v:
            v.do("h", "g")
            equal("status", v.end()[0], 5)
        got = v.json()
        equal("state", (got["state"], got["recorder"], got["processes"]), ("file", None, 0))
        self.has(got["rows"], HOLD | GROW)
        text = self.live("--once", v.capture).stdout.decode()
        check("the recording has ended, this is its end at" in text, text)
        with self.view(v.capture) as s:
            s.shows("This file is finished")
            s.shows("hold_many")
            s.shows(r"ended: exited with status 5")
            s.keys("q")
            s.shows("status 0")

    def mistakes(self):
        self.refused("the view needs a terminal; --once prints one picture", "1")
        self.refused("--json", "--json", "1")
        self.refused("invalid duration", "--once", "--interval", "1x", "1")
        self.refused("invalid choice", "--once", "-g", "size", "1")
        self.refused("no program with this pid is being recorded", "--once", str(os.getpid()), status=1)
        self.refused("No such file", "--once", self.t.file(".none"), status=1)
        r = harness.execute(["setsid", "-w", self.t.tracker, "run", "--live", "-o", self.t.file(".bin"), "true"], self.env)
        equal("run --live without a terminal", (r.status, b"there is no terminal for the view" in r.stderr), (2, True))

    # ---- on the terminal ----

    def keys(self):
        """Every key of the help does what it says."""
        with Viewed(self) as v:
            v.do("h", "t")
            v.seen(sums(HOLD, THREAD)[0])
            with self.view(v.capture) as s:
                s.shows(r"97.7 KiB +97.7 KiB +100 .*hold_many")
                text = s.shows(r"^Heap .* blocks, peak .*RSS \d")
                check("\u2588" in text and re.search(r"viewed \(pid \d+\), [\d.]+ s: recording", text), text)
                order = lambda: re.findall(r"(?:KiB|B) +[\d,]+ .*?(\w+)$", s.text(), re.M)  # noqa: E731
                for key, heading, first in (("t", r"\*total", "main"), ("o", r"\*own", "hold_many"), ("a", r"\*blocks", "hold_many"), ("d", r"\*change", None), ("i", r"\*in 1 min", None)):
                    s.keys(key)
                    s.shows(heading)
                    check(not first or order()[0] == first, f"{key}: {order()}\n{s.text()}")
                s.keys("o")
                v.do("g")
                s.shows(r"97.7 KiB +50 .*\+97.7 KiB +grow$", "the change within a minute")
                s.keys("g")
                s.lacks("hold_many", "growing only")
                s.shows(r"\+97.7 KiB +grow")
                s.shows("growing only")
                s.keys("g")
                s.shows("hold_many")
                s.keys(ENTER)
                s.shows(r"The biggest stack of this row")
                s.shows(r"hold_many \(.*viewed.c:\d+\)|grow \(.*viewed.c:\d+\)")
                s.shows(r"^ +held\[count\+\+\] = malloc\(\d000\);$", "the source line")
                s.keys(ENTER)
                s.lacks("The biggest stack")
                for heading, row in (("lineno", r"viewed.c:\d+$"), ("filename", r"viewed.c:0$"), ("module", "fx_viewed$"), ("thread", r"0x[0-9a-f]+ \(helper\)$"), ("function", "hold_many$")):
                    s.keys("b")
                    s.shows(f"  {heading}")
                    s.shows(row)
                s.keys("/")
                s.typed("_FEW")
                s.shows("Filter: _FEW_")
                s.keys(ENTER)
                s.lacks("hold_many")
                s.shows("hold_few")
                s.shows("filter '_FEW'")
                s.keys("/", "BSpace", "BSpace", "BSpace", "BSpace", "x")
                s.shows("no such row; Esc shows all")
                s.keys(ESCAPE)
                s.lacks("Filter:")
                s.keys(ESCAPE)
                s.shows("hold_many")
                s.keys(">", ">")
                s.shows(r"thread 0x[0-9a-f]+ \(helper\)")
                s.shows("in_thread")
                s.lacks("hold_many", "one thread")
                s.keys("<")
                s.shows("hold_many")
                s.lacks("in_thread")
                s.keys("m")
                s.shows("in_thread")
                s.keys("}")
                s.shows(r"process \d+")
                s.keys("{")
                s.lacks(r"process \d+")
                s.keys("End", "Up", "Down", "Home", "NPage", "PPage")
                s.keys(" ")
                s.shows(": paused")
                v.do("g")
                s.keys(" ")
                s.shows(r"195 KiB +100 .*grow", "it goes on")
                s.keys("?")
                s.shows(r"^space +pause, and go on")
                s.keys("?")
                s.keys("q")
                s.shows("^status 0")
            equal("the program lives", v.json()["state"], "recording")

    def mark_and_snapshot(self):
        with Viewed(self) as v:
            v.do("h")
            v.seen(sums(HOLD)[0])
            snapshot = self.t.file(".bin")
            with self.view(v.capture) as s:
                s.shows("hold_many")
                s.keys("k")
                s.shows("Label of the mark: _")
                s.typed("now ")
                s.typed("here")
                s.keys(ENTER)
                s.shows("marked: reports show this moment as CAPTURE@now here")
                s.keys("s")
                s.shows(r"File of the snapshot: tracker\.\d+\.\d+\.bin_")
                s.keys(*["BSpace"] * 40)
                s.shows("snapshot: _")
                s.typed(snapshot)
                s.keys(ENTER)
                s.shows("the live blocks are in")
                s.keys("s", *["BSpace"] * 40)
                s.shows("snapshot: _")
                s.typed(snapshot)
                s.keys(ENTER)
                s.shows("no snapshot: .* File exists")
            v.do("g")
            v.end()
        for capture in (v.capture + "@now here", snapshot + "@end"):
            rows = self.t.json("table", "-g", "function", capture)["rows"]
            got = {r["key"]: (r["size"], r["count"]) for r in rows}
            equal(capture, {k: got.get(k) for k in [*HOLD, "grow"]}, {k: w[:2] for k, w in HOLD.items()} | {"grow": None})

    def sizes(self):
        """From 40 x 10 to 300 x 80, while it runs."""
        with Viewed(self) as v:
            v.do("h", "g")
            v.seen(sums(HOLD, GROW)[0])
            with self.view(v.capture, width=40, height=10) as s:
                s.shows("hold_many")
                text = s.shows(r"^ +\*own  function")
                check("Heap" in text and "Allocations" in text and "total" not in text, text)
                s.keys("?")
                s.shows("quit")
                s.keys("NPage", "NPage", "NPage")
                s.shows("this help")
                s.keys(ESCAPE)
                s.resize(300, 80)
                text = s.shows(r"\*own +total +blocks +change +in 1 min  function")
                s.shows("grow")
                s.shows("\u2588")
                s.resize(20, 4)
                s.resize(41, 11)
                s.lacks("total")
                s.shows("hold_many")
                s.keys("q")
                s.shows("status 0")

    def plain(self):
        """Without colours, and without Unicode."""
        with Viewed(self) as v:
            v.do("h")
            v.seen(sums(HOLD)[0])
            for env, coloured, blocks in (({}, True, True), ({"NO_COLOR": "1"}, False, True), ({"TERM": "vt100", "LANG": "C"}, False, False)):
                with self.view(v.capture, env=env) as s:
                    s.shows("hold_many")
                    s.shows("\u2588" if blocks else "#####")
                    equal(f"{env}: colours", bool(re.search("\x1b\\[[0-9;]*3[0-7]m", s.text("-e"))), coloured)
            with self.view(v.capture, env={"TERM": "nonsense"}) as s:
                s.shows("TERM=nonsense")
                s.shows("status 1")

    def ends(self):
        """The view stays, and says how it ended."""
        for step, words in (("x", "ended: exited with status 5"), ("k", "ended: killed by signal 9")):
            with Viewed(self) as v:
                v.do("h")
                v.seen(sums(HOLD)[0])
                with self.view(v.capture) as s:
                    s.shows("hold_many")
                    v.end(step)
                    s.shows(words)
                    s.shows("Remote has disconnected: the recording has ended; q quits")
                    s.shows("hold_many")
                    s.keys("k")
                    s.shows("nothing is recorded any more")
                    s.keys("q")
                    s.shows("status 0")

    def killed(self):
        with Viewed(self) as v:
            v.do("h")
            v.seen(sums(HOLD)[0])
            recorder = v.json()["recorder"]
            with self.view(v.capture) as s:
                s.shows("hold_many")
                os.kill(recorder, signal.SIGKILL)
                s.shows("Remote has disconnected: the recorder was killed")
                s.keys("q")
                s.shows("status 0")
            equal("state", self.state_of(v.capture), "file")

    def state_of(self, capture):
        return json.loads(self.live("--once", "--json", capture).stdout)["state"]

    def run_live(self):
        """The view has the terminal; what the program prints there is in a file."""
        v = Viewed(self, "--live", command=True)
        with Screen(self, v.command) as s, v:
            v.do("h", "p")
            s.shows("hold_many")
            s.keys("C-c")
            s.shows("ended: killed by signal 2")
            s.keys("q")
            s.shows("^tracker: what .*viewed printed is in .*bin.out$")
            s.shows("^status 130")
        with open(v.capture + ".out", encoding="utf-8") as f:
            equal("what it printed", f.read(), "printed\ncomplained\n")
        self.has(json.loads(self.live("--once", "--json", v.capture).stdout)["rows"], HOLD)

    def run_live_quit(self):
        """q leaves the program alone; without output there is no file."""
        v = Viewed(self, "--live", command=True)
        with Screen(self, v.command) as s, v:
            v.do("h")
            s.shows("hold_many")
            s.keys("q")
            s.lacks("hold_many")
            v.do("g")
            os.write(v.tell, b"x")
            s.shows("^status 5")
        check(not os.path.exists(v.capture + ".out"), "an empty file is left")


def make_cases(t):
    c = Live(t)
    return [(name.replace("_", " "), getattr(c, name)) for name in (
        "as_table", "as_text", "tree", "replaced", "jit", "rotated", "waiting", "sampled", "many", "finished", "mistakes", "keys", "mark_and_snapshot", "sizes", "plain", "ends", "killed", "run_live", "run_live_quit")]


if __name__ == "__main__":
    harness.main(make_cases)
