#!/usr/bin/env python3
"""python_allocators - each object of Python programs, instead of the arenas that they lie in: --trace-python-allocators. The truth is how many objects of which size a
program makes. With PYTHONS=all in the environment, also with the interpreters of a version manager in the home directory.

usage: python_allocators.py BUILD_DIR [PART_OF_A_NAME]...
"""
import os
import subprocess
import sys

import harness
from harness import check, equal, execute
from python_frames import ALL, KNOWN, interpreters, minor_of, others

# Objects that lie in arenas otherwise: COUNT of them live at the end, and as many were freed.
COUNT, TEXT = 1234, 403
SIZE = TEXT + 33
BEGIN = 7000003  # of a block that the program allocates first
OBJECTS = f"""
import os, sys
def fill():
    return [bytes({TEXT}) for i in range({COUNT})]
begin = bytearray({BEGIN})
kept = fill()
fill()
sys.stdout.flush()
os._exit(0)
"""
# A program that works for each line that it is told, and keeps what it makes.
WORKS = f"""
import os, sys, threading
kept = []
def work():
    kept.append([bytes({TEXT}) for i in range({COUNT})])
    [bytes({TEXT}) for i in range({COUNT})]
def grow():
    texts, tables = [str(i) for i in range(5000)], []
    for i in range(100):
        texts.extend([str(i)] * 100)
        tables.append({{n: bytes(i) for n in range(i)}})
    kept.append((texts, tables[50:]))
def threads():
    all = [threading.Thread(target=work) for i in range(4)]
    [t.start() for t in all]
    [t.join() for t in all]
def fork():
    child = os.fork()
    bytearray({BEGIN})
    work()
    if not child:
        os._exit(0)
    os.waitpid(child, 0)
def trace():
    import tracemalloc
    tracemalloc.start()
    work()
def untrace():
    import tracemalloc
    work()
    tracemalloc.stop()
    work()
print(os.getpid(), flush=True)
while True:
    word = sys.stdin.readline().strip()
    if word == "end":
        os._exit(0)
    bytearray({BEGIN})
    globals()[word]()
    print(word, flush=True)
"""


class Working:
    """Such a program, and the captures of it. It ends with the block."""

    def __init__(self, case, command):
        self.case, self.t = case, case.t
        self.p = subprocess.Popen([*command, "-c", WORKS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=dict(os.environ, **case.env))

    def __enter__(self):
        self.pid = self.p.stdout.readline().strip().decode()
        return self

    def __exit__(self, *error):
        if not error[0]:
            self.p.communicate(b"end\n", 60)
            equal("status of the program", self.p.returncode, 0)
        self.p.kill()
        self.p.wait()

    def do(self, *words):
        for word in words:
            self.p.stdin.write(word.encode() + b"\n")
            self.p.stdin.flush()
            equal("the program's answer", self.p.stdout.readline().strip().decode(), word)

    def command(self, *args):
        r = execute([self.t.tracker, *args])
        equal(f"tracker {' '.join(args)}: {r.stderr.decode()}", r.status, 0)

    def attached(self, *words, options=("--trace-python-allocators",)):
        capture = self.t.file(".bin")
        self.command("attach", "-q", *options, "-o", capture, self.pid)
        self.do(*words)
        self.command("detach", "-q", self.pid)
        return capture


class Allocators:
    def __init__(self, t):
        self.t = t
        self.env = {"PYTHONDONTWRITEBYTECODE": "1"}

    def objects(self, capture, pid=None):
        """How many were allocated, and how many live at the end."""
        addresses, made, begun = set(), 0, False
        for e in self.t.events(capture):
            if pid not in (None, e["pid"]):
                continue
            begun = begun or e.get("size") == BEGIN + 1
            if begun and e["kind"] in ("malloc", "calloc") and e["size"] == SIZE:
                made += 1
                addresses.add(e["address"])
            elif e["kind"] == "free":
                addresses.discard(e["address"])
        return made, len(addresses)

    def arenas(self, capture):
        return self.t.json("table", capture + "@end").get("python_arenas", {}).get("count", 0)

    def record(self, text, options, env=None):
        r = self.t.record([sys.executable, "-c", text], options, env=dict(self.env, **(env or {})))
        equal("status: " + r.stderr.decode(), r.status, 0)
        return r

    def each_object(self):
        r = self.record(OBJECTS, ["--trace-python-allocators"])
        equal("said", r.stderr, b"")
        equal("objects", self.objects(r.capture), (2 * COUNT, COUNT))
        equal("arenas", self.arenas(r.capture), 0)
        r = self.record(OBJECTS, [])
        equal("objects without it", self.objects(r.capture), (0, 0))
        check(self.arenas(r.capture), "no arenas without it")

    def the_users_choice(self):
        """PYTHONMALLOC stays as it is, which is said where objects cannot be seen for it."""
        for value, sees in ("malloc", True), ("malloc_debug", True), ("", True), ("pymalloc", False), ("default", False):
            r = self.record("import os; print(os.environ.get('PYTHONMALLOC'))" + OBJECTS, ["--trace-python-allocators"], {"PYTHONMALLOC": value})
            said = r.stderr.decode()
            equal(f"PYTHONMALLOC={value}: the program's", r.stdout.decode().strip(), value or "malloc")
            equal(f"PYTHONMALLOC={value}: lines, {said}", (said.count("\n"), f"PYTHONMALLOC={value}:" in said), (0, False) if sees else (1, True))
            if value in ("", "malloc"): # sizes differ with malloc_debug
                equal(f"PYTHONMALLOC={value}: objects", self.objects(r.capture)[0], 2 * COUNT)

    CHILD = """
import os, subprocess, sys
code = "import os; print(os.environ.get('PYTHONMALLOC'))"
for env in None, {}, {"PYTHONMALLOC": "pymalloc"}, {"PYTHONMALLOC": ""}:
    sys.stdout.flush()
    subprocess.run([sys.executable, "-c", code + sys.argv[1]], env=env)
"""

    def what_it_executes(self):
        """Programs in an environment of their own, too, unless that says otherwise; and the user's own environment, if they are not recorded."""
        for options, values in ([], ["malloc", "malloc", "pymalloc", ""]), (["--no-follow-exec"], ["None", "None", "pymalloc", ""]), (["--no-follow-fork"], ["None", "None", "pymalloc", ""]):
            r = self.t.record([sys.executable, "-c", self.CHILD, OBJECTS], ["--no-symbols", "--trace-python-allocators", *options], env=self.env)
            equal(f"{options}: status, stdout", (r.status, r.stdout.decode().splitlines()), (0, values))
            if not options:
                pids = [p["pid"] for p in self.t.json("info", r.capture)["processes"]][1:]
                equal("objects", [self.objects(r.capture, pid)[0] for pid in pids], [2 * COUNT, 2 * COUNT, 0, 0])

    def dormant(self):
        """A dormant program was started with it, and a recording that begins later sees its objects."""
        file = self.t.file(".bin")
        text = "import select, sys\nprint(1, flush=True)\nwhile not select.select([0], [], [], 0)[0]:\n    bytearray(1000)" + OBJECTS
        p = subprocess.Popen([self.t.tracker, "run", "-q", "--dormant", "--trace-python-allocators", "--", sys.executable, "-c", text], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        try:
            p.stdout.readline()
            pid = harness.children(p.pid)[0]
            equal("ctl", execute([self.t.tracker, "ctl", str(pid), "start", "-o", file]).status, 0)
            p.communicate(b"\n", 60)
            equal("status", p.returncode, 0)
        finally:
            p.kill()
            p.wait()
        equal("objects", self.objects(file), (2 * COUNT, COUNT))

    # ---- programs that run already ----

    def rows(self, capture):
        """Size and count by line of WORKS, at the end."""
        rows = self.t.json("table", "--filter", "+<string>", "-n", "0", capture + "@end")["rows"]
        return {r["line"]: (r["size"], r["count"]) for r in rows if r["file"] == "<string>"}

    def attached(self):
        """As if PYTHONMALLOC=malloc had been there from the beginning; and again, when the functions of CPython were put back."""
        for python in [*interpreters(), *(others() if ALL else [])]:
            if minor_of(python) not in KNOWN:
                continue
            captures = []
            for command, options in ([python], ["--trace-python-allocators"]), (["env", "PYTHONMALLOC=malloc", python], []):
                with Working(self, command) as w:
                    captures.append(w.attached("work", "grow", options=options))
                    w.do("work", "grow")
                    captures.append(w.attached("work", "grow", options=options))
            for capture, plain in zip(captures, captures[2:]):
                equal(f"{python}: objects", self.objects(capture), (2 * COUNT, COUNT))
                equal(f"{python}: arenas", self.arenas(capture), 0)
                check(len(self.rows(plain)) > 3, "few lines allocate")
                equal(f"{python}: rows", self.rows(capture), self.rows(plain))

    def threads_and_forks(self):
        with Working(self, [sys.executable]) as w:
            capture = w.attached("threads", "fork")
        by_pid = {p["pid"]: self.objects(capture, p["pid"])[0] for p in self.t.json("info", capture)["processes"]}
        mine = by_pid.pop(int(w.pid))
        equal("of the process; of its child", (mine, *by_pid.values()), (5 * 2 * COUNT, 2 * COUNT))

    def other_tools(self):
        """What looks for errors is left alone, which is said. tracemalloc above stays when the recording ends; and nothing calls itself for ever."""
        with Working(self, [sys.executable, "-X", "dev"]) as w:
            capture = w.attached("work", "grow")
        equal("objects", self.objects(capture), (0, 0))
        check(self.arenas(capture) and "the arenas that objects lie in are recorded, not the objects" in self.t.text("info", capture), "it is not said")
        with Working(self, [sys.executable, "-X", "tracemalloc"]) as w:
            equal("above tracemalloc", self.objects(w.attached("work")), (2 * COUNT, COUNT))
        with Working(self, [sys.executable]) as w:
            equal("below tracemalloc", self.objects(w.attached("work", "trace")), (4 * COUNT, 2 * COUNT))
            w.do("work")
            equal("below it still", self.objects(w.attached("work", "grow")), (0, 0))
            w.do("untrace")
            equal("above nothing", self.objects(w.attached("work")), (2 * COUNT, COUNT))

    def dormant_without_it(self):
        with Working(self, [self.t.tracker, "run", "-q", "--dormant", "--", sys.executable]) as w:
            captures = []
            for words in ("work", "grow"), ("work",):
                captures.append(self.t.file(".bin"))
                w.command("ctl", w.pid, "start", "--trace-python-allocators", "-o", captures[-1])
                harness.until(lambda: not w.do("grow") and "blocks, peak" in self.t.text("ctl", w.pid, "status") and " 0 allocations" not in self.t.text("ctl", w.pid, "status"), "it is not recorded")
                w.do(*words)
                w.command("ctl", w.pid, "stop")
                w.do("work")
        for capture in captures:
            equal("objects", self.objects(capture), (2 * COUNT, COUNT))

    PART = f"""
import sys, tracker
kept = []
def work():
    kept.append([bytes({TEXT}) for i in range({COUNT})])
    [bytes({TEXT}) for i in range({COUNT})]
for n in range(2):
    with tracker.Tracker(sys.argv[1] + str(n), trace_python_allocators=True):
        bytearray({BEGIN})
        work()
    work()
with tracker.Tracker(sys.argv[1] + "2"):
    work()
"""

    def a_part(self):
        """tracker.Tracker, where libtracker is preloaded, and where it is attached."""
        env = dict(self.env, PYTHONPATH=os.path.join(self.t.build, "reporters", "library"))
        for more in {"LD_PRELOAD": self.t.find("libtracker.so"), "TRACKER_QUIET": "1"}, {}:
            file = self.t.file(".bin")
            r = execute([sys.executable, "-c", self.PART, file], dict(env, **more))
            equal(f"{more}: status, stderr", (r.status, r.stderr), (0, b""))
            equal(f"{more}: objects", [self.objects(file + n) for n in "012"], [(2 * COUNT, COUNT)] * 2 + [(0, 0)])
        run = [self.t.tracker, "run", "-q", "-o"]
        file = self.t.file(".bin")
        r = execute([*run, file, "--", sys.executable, "-c", self.PART, file + "."], env)
        equal("beside arenas", (r.status, r.stderr.decode().splitlines()[-1].split(":")[0]), (1, "NotImplementedError"))
        file = self.t.file(".bin")
        r = execute([*run, file, "--trace-python-allocators", "--", sys.executable, "-c", self.PART, file + "."], env)
        equal("beside objects", (r.status, r.stderr), (0, b""))
        equal("objects beside objects", self.objects(file + ".1"), (2 * COUNT, COUNT))

    def as_a_module(self):
        """python3 -m tracker run has the same option."""
        file = self.t.file(".bin")
        r = execute([sys.executable, "-m", "tracker", "run", "-q", "--trace-python-allocators", "-o", file, "-c", OBJECTS],
                    dict(self.env, PYTHONPATH=os.path.join(self.t.build, "reporters", "library")))
        equal("status, stderr", (r.status, r.stderr), (0, b""))
        equal("objects", self.objects(file), (2 * COUNT, COUNT))


def make_cases(t):
    c = Allocators(t)
    return [(n.replace("_", " "), getattr(c, n)) for n in ("each_object", "the_users_choice", "what_it_executes", "dormant", "attached", "threads_and_forks", "other_tools",
                                                                 "dormant_without_it", "a_part", "as_a_module")]


if __name__ == "__main__":
    harness.main(make_cases)
