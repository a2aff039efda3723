#!/usr/bin/env python3
"""python_tracemalloc - the examples of tracemalloc's documentation, as Python scripts: each runs once with CPython's tracemalloc, and once under tracker run
(--trace-python-allocators) with tracker.py in its place. The truth is what tracemalloc prints.

Objects that come out of CPython's free lists are no allocations, but tracemalloc counts them at the line that takes them, where malloc has seen them at the line
before. The scripts empty the lists; what is left of that is some blocks a line.

usage: python_tracemalloc.py BUILD_DIR [PART_OF_A_NAME]...
"""
import os
import re
import sys

import harness
from harness import check, equal, execute

# The numbers of lines are those of the script: /src/example.py.
EXAMPLES = r'''
import gc, linecache, os, sys, tempfile
if os.environ.get("TRACEMALLOC") == "tracker":
    import tracker as tracemalloc
else:
    import tracemalloc
gc.disable()
kept = []
DRAIN = compile("""
for n in range(1, 21):
    kept.append([tuple([i] * n) for i in range(300)])
kept.append([[i] for i in range(200)])
kept.append([{i: i} for i in range(200)])
kept.append([float(i) for i in range(300)])
""", "<drain>", "exec")

def start(nframe=1):
    tracemalloc.start(nframe)
    exec(DRAIN, globals())

def taken():
    snapshot = tracemalloc.take_snapshot()
    exec(DRAIN, globals())
    return snapshot.filter_traces((tracemalloc.Filter(True, __file__),))

class Node:
    __slots__ = "text",
    def __init__(self, n):
        self.text = "x" * (n + 100)

def fill():
    a = [i * 1000003 for i in range(2000)]
    b = [b"%d" % i * 30 for i in range(3000)]
    c = [Node(i) for i in range(400)]
    d = [bytearray(i * 10 + 1) for i in range(100)]
    e = {i: str(i) * 9 for i in range(1000)}
    return a, b, c, d, e

def top_10():
    start()
    x = fill()
    for stat in taken().statistics("lineno")[:6]:
        print(stat)

def by_file():
    start()
    x = fill()
    for stat in taken().statistics("filename"):
        print(stat)

def differences():
    start()
    x = fill()
    before = taken()
    y = fill()
    x[1].clear()
    for stat in taken().compare_to(before, "lineno"):
        if abs(stat.size_diff) > 10000:
            print(stat)

def traceback_of_a_place():
    start(25)
    x = fill()
    stat = taken().statistics("traceback")[0]
    print("%s memory blocks: %.1f KiB" % (stat.count, stat.size / 1024))
    for line in stat.traceback.format():
        print(line)

def pretty_top():
    start()
    x = fill()
    top_stats = taken().statistics("lineno")
    for index, stat in enumerate(top_stats[:4], 1):
        frame = stat.traceback[0]
        print("#%s: %s:%s: %.1f KiB" % (index, frame.filename, frame.lineno, stat.size / 1024))
        line = linecache.getline(frame.filename, frame.lineno).strip()
        if line:
            print("    %s" % line)
    print("Total allocated size: %.1f KiB" % (sum(stat.size for stat in top_stats) / 1024))

def object_tracebacks():
    start(5)
    x, n = bytearray(1000), Node(5)
    for o in x, n, n.text:
        traceback = tracemalloc.get_object_traceback(o)
        print(traceback)
        for line in traceback.format():
            print(line)

def deep(n):
    return next(map(deep, (n - 1,))) if n else bytearray(3000)

def limit_of_frames():
    start(25)
    x = deep(60)
    traceback = tracemalloc.get_object_traceback(x)
    print(len(traceback), traceback[-1], traceback[0])
    stat = next(s for s in taken().statistics("traceback") if s.size >= 3000)
    print(len(stat.traceback), stat.traceback[-1], stat.traceback[0])

def peak():
    start()
    large = sum([i * 1000003 for i in range(100000)])
    first = tracemalloc.get_traced_memory()
    tracemalloc.reset_peak()
    small = sum([i * 1000003 for i in range(20000)])
    second = tracemalloc.get_traced_memory()
    print("first peak", first[1] - first[0], "second peak", second[1] - second[0])

def dump_and_filter():
    start()
    x = fill()
    with tempfile.TemporaryDirectory() as folder:
        taken().dump(folder + "/snapshot")
        snapshot = tracemalloc.Snapshot.load(folder + "/snapshot")
    for stat in snapshot.filter_traces((tracemalloc.Filter(False, __file__, lineno=%(line_of_b)d),)).statistics("lineno")[:4]:
        print(stat)

globals()[sys.argv[1]]()
'''
LINE_OF_B = next(n for n, line in enumerate(EXAMPLES.splitlines(), 1) if line.startswith("    b ="))


class Examples:
    def __init__(self, t):
        self.t = t
        self.script = os.path.join(os.path.dirname(t.file(".py")), "example.py")
        with open(self.script, "w", encoding="ascii") as f:
            f.write(EXAMPLES.replace("%(line_of_b)d", str(LINE_OF_B)))
        self.env = {"PYTHONPATH": os.path.join(t.build, "reporters", "library"), "PYTHONDONTWRITEBYTECODE": "1", "PYTHONHASHSEED": "0"}

    def printed(self, name, command, more):
        r = execute([*command, sys.executable, self.script, name], dict(self.env, **more))
        equal(f"{name}: status, stderr", (r.status, r.stderr.decode()), (0, ""))
        return r.stdout.decode().splitlines()

    def same(self, name):
        """The lines of both, where numbers may differ by what free lists are good for."""
        want = self.printed(name, [], {})
        run = [self.t.tracker, "run", "-q", "-f", "--trace-python-allocators", "-o", self.t.file(".bin"), "--"]
        got = self.printed(name, run, {"TRACEMALLOC": "tracker"})
        check(want, f"{name} prints nothing")
        equal(f"{name}: lines", (len(got), got), (len(want), got))
        for ours, theirs in zip(got, want):
            ours_words, theirs_words = (re.split(r"((?<![\w.:])[+-]?\d+(?:\.\d+)?)", line) for line in (ours, theirs))
            equal(f"{name}: words of {theirs!r}", ours_words[::2], theirs_words[::2])
            for a, b in zip(map(float, ours_words[1::2]), map(float, theirs_words[1::2])):
                check(abs(a - b) <= max(6, abs(b) / 100), f"{name}: {ours!r}, tracemalloc: {theirs!r}")

    def snapshot_in_a_file(self):
        """What tracker table says about a mark is what a snapshot says."""
        name = "top_10"
        want = self.printed(name, [], {})
        file = self.t.file(".bin")
        self.printed(name, [self.t.tracker, "run", "-q", "--trace-python-allocators", "-o", file, "--"], {"TRACEMALLOC": "tracker"})
        rows = [line.split(": size=")[0] for line in self.t.text("table", "--filter", "+" + self.script, "-n", "0", file).splitlines()]
        for line in want:
            check(line.split(": size=")[0] in rows, f"{line} is not among {rows}")


    def printed_from_a_handler(self):
        """tracker_dump_traceback, which needs no heap, names functions of Python, too."""
        with open(os.path.join(os.path.dirname(__file__), "..", "..", "libtracker", "tracker.h"), encoding="utf-8") as f:
            members = re.findall(r"\(\*(\w+)\)\(", re.search(r"struct tracker_api_ \{(.*?)\n\};", f.read(), re.S)[1])
        text = f"""
import ctypes, tracker
api = (ctypes.c_void_p * {len(members) + 1}).in_dll(ctypes.CDLL(None), "tracker_api_2")
dump = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int, ctypes.c_void_p)(api[{members.index("dump_traceback") + 1}])
def fill():
    return bytearray(5000)
tracker.start(30)
block = fill()
address = ctypes.addressof(ctypes.c_char.from_buffer(block))
exit(dump(1, address))
"""
        script = os.path.join(os.path.dirname(self.script), "dumped.py")
        with open(script, "w", encoding="ascii") as f:
            f.write(text)
        r = self.t.record([sys.executable, script], env=dict(self.env, PYTHONMALLOC="malloc"))
        equal("status, stderr", (r.status, r.stderr.decode()), (0, ""))
        lines = r.stdout.decode().splitlines()
        equal("the first line", lines[0], "Memory block allocated at (most recent call first):")
        equal("Python's", [line for line in lines if script in line], [f'  File "{script}", line 6, in fill', f'  File "{script}", line 8, in <module>'])


def make_cases(t):
    examples = Examples(t)
    names = re.findall(r"^def (\w+)\(\):", EXAMPLES, re.M)
    return [(n.replace("_", " "), lambda n=n: examples.same(n)) for n in names if n not in ("fill", "taken")] + [
        ("printed from a handler", examples.printed_from_a_handler), ("as tracker table", examples.snapshot_in_a_file)]


if __name__ == "__main__":
    harness.main(make_cases)
