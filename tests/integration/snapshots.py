#!/usr/bin/env python3
"""snapshots - the examples of tracemalloc's documentation, natively: as C programs (fx/tutorial.c over libtracker-replay) and as scripts that
import tracker as tracemalloc. What they must print are the lines of the documentation itself: fx/lists.c allocates so that they come out.

usage: snapshots.py [-h] BUILD_DIR [PART_OF_A_NAME]...
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile

import harness
from harness import check, equal

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

TOP = ["/src/tracSix.c:7: size=583 KiB, count=14994, average=40 B",
       "/src/tracSix.c:6: size=528 KiB, count=14984, average=36 B",
       "/src/tracSix.c:5: size=522 KiB, count=14745, average=36 B"]
CLEARED = """/src/cleared.c:5: size=51.5 MiB, count=1499745, average=36 B

/src/cleared.c:5: size=51.5 MiB, count=1499745, average=36 B
/src/cleared.c:15: size=642 KiB, count=14998, average=44 B

/src/cleared.c:25: size=526 KiB, count=14873, average=36 B

1 0
0 -2 tracker must be tracing memory allocations to take a snapshot
"""
CHANGES = ["/src/tracSix.c:17: size=645 KiB (+645 KiB), count=14998 (+14998), average=44 B",
           "/src/tracSix.c:16: size=642 KiB (+642 KiB), count=14998 (+14998), average=44 B",
           "/src/tracSix.c:7: size=583 KiB (+0 B), count=14994 (+0), average=40 B",
           "/src/tracSix.c:6: size=528 KiB (+0 B), count=14984 (+0), average=36 B",
           "/src/tracSix.c:5: size=522 KiB (+0 B), count=14745 (+0), average=36 B"]
FIVE = """frame l10 /src/tracFive.c 10
frame l4 /src/tracFive.c 4
frame main /src/tracFive.c 30
stack s10 l10 main
stack s4 l4 main
malloc a 500 s10
malloc b 44 s10
track 5 c 6000 s10
malloc d 100 s4
"""
FIVE_10, FIVE_4 = "/src/tracFive.c:10: size=%s", "/src/tracFive.c:4: size=100 B, count=1, average=100 B"

# "Pretty top", as the documentation has it, but for who calls it.
DISPLAY_TOP = """
import linecache
import os
import sys
import tracker as tracemalloc

def display_top(snapshot, key_type='lineno', limit=10):
    snapshot = snapshot.filter_traces((
        tracemalloc.Filter(False, "<frozen importlib._bootstrap>"),
        tracemalloc.Filter(False, "<unknown>"),
    ))
    top_stats = snapshot.statistics(key_type)

    print("Top %s lines" % limit)
    for index, stat in enumerate(top_stats[:limit], 1):
        frame = stat.traceback[0]
        # replace "/path/to/module/file.py" with "module/file.py"
        filename = os.sep.join(frame.filename.split(os.sep)[-2:])
        print("#%s: %s:%s: %.1f KiB"
              % (index, filename, frame.lineno, stat.size / 1024))
        line = linecache.getline(frame.filename, frame.lineno).strip()
        if line:
            print('    %s' % line)

    other = top_stats[limit:]
    if other:
        size = sum(stat.size for stat in other)
        print("%s other: %.1f KiB" % (len(other), size / 1024))
    total = sum(stat.size for stat in top_stats)
    print("Total allocated size: %.1f KiB" % (total / 1024))

display_top(tracemalloc.Snapshot.load(sys.argv[1]))
"""


class Cases:
    def __init__(self, tracker):
        self.t = tracker
        self.lists = None

    def capture(self):
        self.lists = self.lists or self.t.record([self.t.fixture("lists")]).capture
        return self.lists

    def tutorial(self, *args, status=0):
        r = harness.execute([self.t.fixture("tutorial"), *args])
        equal("status of %s: %s" % (args, r.stderr), r.status, status)
        return r.stdout.decode().splitlines()

    def script(self, text, *args, preload=False):
        env = dict(os.environ, PYTHONPATH=os.path.join(SOURCE, "reporters", "library"), PYTHONDONTWRITEBYTECODE="1",
                   TRACKER_REPLAY_LIBRARY=os.path.join(self.t.build, "reporters", "library", "libtracker-replay.so.0"))
        if preload:
            env["LD_PRELOAD"] = self.t.find("libtracker.so")
        r = subprocess.run([sys.executable, "-c", text, *args], env=env, capture_output=True, text=True)
        equal("status of the script: %s" % r.stderr, r.returncode, 0)
        return r.stdout.splitlines()

    def five(self):
        path = self.t.file(".bin")
        subprocess.run([os.path.join(self.t.build, "tests", "tools", "mkcapture"), path], input=FIVE.encode(), check=True)
        return path

    def top(self):
        """Example 1; and 7: nothing of tracker's own is in it without any filter."""
        equal("in C", self.tutorial("top", self.capture() + "@one"), TOP)
        equal("in Python", self.script("import sys, tracker as tracemalloc\n"
                                       "snapshot = tracemalloc.Snapshot.load(sys.argv[1])\n"
                                       "for stat in snapshot.statistics('lineno')[:10]:\n    print(stat)", self.capture() + "@one"), TOP)

    def dumped(self):
        """Example 4: a snapshot from a file; it is a capture of which every report tells the same."""
        path = self.t.file(".bin")
        equal("in C", self.tutorial("dump", self.capture() + "@one", path), TOP)
        for point in "", "@end", "@peak":
            equal("table of its " + point, self.t.text("table", path + point).splitlines(), TOP)
        equal("what changed since", self.t.text("diff", path, self.capture() + "@two").splitlines(), CHANGES)
        info = self.t.json("info", path)
        check(info["complete"] and any("this is a snapshot" in n for n in info["notices"]), "info: %s" % info["notices"])
        equal("what lives", [self.t.json("stats", path)["metadata"]["peak_memory"]], [self.t.json("table", self.capture() + "@one")["total_size"]])
        for report in self.t.reports("one capture"):
            self.t.run(report, *(["-o", os.devnull] if report == "flamegraph" else []), path)

    def filtered(self):
        """Example 5: the pattern is for the whole path; domains."""
        path = self.five()
        for filters, lines in ((["+*"], ["6544 B, count=3, average=2181 B", FIVE_4]), (["+0"], ["544 B, count=2, average=272 B", FIVE_4]),
                               (["-0"], ["6000 B, count=1, average=6000 B"]), (["+tracFive.c"], []),
                               (["-tracFive.c"], ["6544 B, count=3, average=2181 B", FIVE_4])):
            want = [FIVE_10 % line if i == 0 else line for i, line in enumerate(lines)]
            equal("filtered by %s" % filters, self.tutorial("filter", path, *filters), want)

    def changed(self):
        """Example 6: the differences."""
        equal("in C", self.tutorial("diff", self.capture() + "@one", self.capture() + "@two"), CHANGES)
        equal("in Python", self.script("import sys, tracker as tracemalloc\n"
                                       "snapshot1, snapshot2 = map(tracemalloc.Snapshot.load, sys.argv[1:])\n"
                                       "for stat in snapshot2.compare_to(snapshot1, 'lineno')[:10]:\n    print(stat)",
                                       self.capture() + "@one", self.capture() + "@two"), CHANGES)

    def pretty(self):
        """The documentation's display_top, unchanged."""
        want = ["Top 10 lines", "#1: src/tracSix.c:7: 583.0 KiB", "#2: src/tracSix.c:6: 528.0 KiB", "#3: src/tracSix.c:5: 522.0 KiB",
                "Total allocated size: 1633.0 KiB"]
        equal("in C", self.tutorial("pretty", self.capture() + "@one"), want)
        equal("in Python", self.script(DISPLAY_TOP, self.capture() + "@one"), want)

    def biggest(self):
        """The biggest block, with its stack."""
        lines = self.tutorial("biggest", self.capture() + "@one")
        equal("head", lines[0], "14994 memory blocks: 583.0 KiB")
        equal("most recent call", lines[-1], '  File "/src/tracSix.c", line 7')
        equal("in Python", self.script("import sys, tracker as tracemalloc\n"
                                       "stat = tracemalloc.Snapshot.load(sys.argv[1]).statistics('traceback')[0]\n"
                                       "print('%s memory blocks: %.1f KiB' % (stat.count, stat.size / 1024))\n"
                                       "for line in stat.traceback.format():\n    print(line)", self.capture() + "@one"), lines)

    def recordings(self):
        """Threads, mappings that were cut, a tree of processes, resizes: statistics are those of table, before and after a dump."""
        keys = "lineno", "module", "function"
        script = ("import sys, tracker\npath, dumped, *keys = sys.argv[1:]\ns = tracker.Snapshot.load(path)\ns.dump(dumped)\n"
                  "for key in keys:\n    for stat in s.statistics(key)[:10]:\n        print(stat)")
        for name in "threads", "mapped", "families", "resizes", "vector":
            capture = self.t.record([self.t.fixture(name)]).capture
            for point in "", "@end":
                dumped = self.t.file(".bin")
                loaded = self.script(script, capture + point, dumped, *keys)
                for path in capture + point, dumped:
                    want = [line for key in keys for line in self.t.text("table", "-n", "10", "-g", key, path).splitlines()]
                    equal(f"{name}: {path}", loaded, want)

    # ---- of the program that asks ----

    def says(self, mode, want, ways=("preloaded", "tracker run")):
        """The program's output, with libtracker preloaded and under tracker run."""
        argv = [self.t.fixture("taken"), mode]
        for way in ways:
            r = self.t.record(argv) if way == "tracker run" else harness.execute(argv, {"LD_PRELOAD": self.t.find("libtracker.so")})
            equal(f"{mode}, {way}: status, stderr", (r.status, r.stderr.decode()), (0, ""))
            equal(f"{mode}, {way}", r.stdout.decode(), want)

    def methods(self):
        """Example 2: a question of each kind."""
        self.says("methods", 'limit 25\n  File "/src/methods.c", line 12\ntotal 1\npeak above current: 1, current: 1\noverhead 1, tracing 1\n')

    def cleared(self):
        """Example 3: clear, stop; then there is nothing to take."""
        self.says("cleared", CLEARED, ["preloaded"])

    def where(self):
        missing = "-9 no traced block is at that address"
        self.says("where", "block: /src/where.c:12 in where\ninside: /src/where.c:12 in where\ntracked: /src/where.c:13 in where\n"
                  f"on the stack: {missing}\nfreed: {missing}\nstopped: -2 tracker is not tracing memory allocations: call tracker_start first\n")

    def limited(self):
        """Two frames of a deeper stack, which is as deep for both."""
        self.says("limited", "block: 2 of 1\ntrace: 2 of 1, at it 1\nlimit 2\n")

    def unseen(self):
        """What libtracker-replay allocates in the program is not traced."""
        self.says("unseen", "more: 0\nmore: 0\n")

    def book(self):
        """Eight threads, a million allocations each with --many; a ninth takes a snapshot, which is what stands in their book."""
        argv = [self.t.fixture("book"), str(1000000 if self.t.many else 30000)]
        for way in "preloaded", "tracker run":
            r = self.t.record(argv) if way == "tracker run" else harness.execute(argv, {"LD_PRELOAD": self.t.find("libtracker.so")})
            equal(way, (r.status, r.stderr.decode(), r.stdout.decode()),
                  (0, "", "snapshot: 1, blocks 1, as in the book 1\nleft 0, lost 0\n"))

    def threads(self):
        """Eight threads keep book under a lock that the snapshot takes, too."""
        self.says("threads", "exact: 10 of 10\n")

    def python(self):
        """A Python program traces itself, and what its C libraries allocate, by tracemalloc's names."""
        script = """
import ctypes, tracker as tracemalloc
try:
    tracemalloc.take_snapshot()
except RuntimeError as e:
    print(e)
try:
    tracemalloc.start(0)
except ValueError as e:
    print(e)
print(tracemalloc.is_tracing(), tracemalloc.get_traced_memory())
tracemalloc.start(5)
libc = ctypes.CDLL(None)
libc.malloc.argtypes, libc.malloc.restype = [ctypes.c_size_t], ctypes.c_void_p
block = libc.malloc(7654321)
text = bytearray(3 << 20)
print(tracemalloc.is_tracing(), tracemalloc.get_traceback_limit(), tracemalloc.get_traced_memory()[0] > 10 << 20)
snapshot = tracemalloc.take_snapshot()
print(snapshot.traceback_limit, [t.address == block for t in snapshot.traces if t.size == 7654321])
print(sum(3 << 20 <= t.size < (3 << 20) + 100 for t in snapshot.traces))
print(tracemalloc.get_tracemalloc_memory() > 0, tracemalloc.get_object_traceback(print) is None)
tracemalloc.clear_traces()
print(max((t.size for t in tracemalloc.take_snapshot().filter_traces([tracemalloc.DomainFilter(True, 0)]).traces), default=0) < 1 << 20)
tracemalloc.stop()
print(tracemalloc.is_tracing())
"""
        want = ["tracker must be tracing memory allocations to take a snapshot", "the number of frames must be in range [1; 65535]", "False (0, 0)",
                "True 5 True", "5 [True]", "1", "True True", "True", "False"]
        equal("it says", self.script(script, preload=True), want)

    def not_there(self):
        """Without libtracker: a code and a sentence."""
        r = harness.execute([self.t.fixture("taken"), "methods"])
        equal("output", (r.status, r.stdout.split(b":")[0]), (0, b"start"))

    def refused(self):
        """What cannot be loaded: a code and a sentence."""
        equal("no file", self.tutorial("top", "/nowhere", status=1), ["-9 No such file: /nowhere"])
        check("three" in self.tutorial("top", self.capture() + "@three", status=1)[0], "no such mark")
        aggregated = self.t.record([self.t.fixture("lists")], ["--aggregate"]).capture
        equal("sums", self.tutorial("top", aggregated)[:2], ["/src/tracSix.c:17: size=645 KiB, count=14998, average=44 B",
                                                            "/src/tracSix.c:16: size=642 KiB, count=14998, average=44 B"])
        (line,) = self.tutorial("dump", aggregated, self.t.file(".bin"), status=1)
        check(line.startswith("-8 ") and "aggregated" in line, line)

    def documented(self, folder):
        """The programs of docs/API.md, which begin with their name, in files; and what each prints, or None."""
        ret = {}
        with open(os.path.join(SOURCE, "docs", "API.md")) as f:
            blocks = re.findall(r"^```c(?:\+\+)?\n(.*?)^```$", f.read(), re.M | re.S)
        for block in blocks:
            name = re.match(r"/\* (\w+\.(?:c|cc|h)) \*/\n", block)
            equal(f"a whole program has a name: {block[:40]!r}", name is not None, "int main(" in block or (name and name[1].endswith(".h")) or False)
            if not name:
                continue
            with open(os.path.join(folder, name[1]), "w") as f:
                f.write(block)
            os.chmod(f.name, 0o644)  # tracebacks show its lines only if everybody may read it
            prints = re.search(r"^/\* prints:\n(.*)^\*/$", block, re.M | re.S)
            if not name[1].endswith(".h"):
                ret[name[1]] = prints[1] if prints else None
        return ret

    def built(self, folder, name, flags, libraries):
        """... as C99 and as C++11, without a warning; it runs."""
        source, warnings = os.path.join(folder, name), ["-Wall", "-Wextra", "-Werror"]
        cpp = ["g++", "-g", "-std=c++11", "-x", "c++", *warnings, source]
        if name.endswith(".c"):
            subprocess.run([*cpp, "-fsyntax-only", *flags], check=True)
            cpp = ["gcc", "-g", "-std=c99", *warnings, source]
        subprocess.run([*cpp, "-x", "none", "-o", source + ".out", *flags], check=True)
        return subprocess.run([source + ".out"], cwd=folder, capture_output=True, text=True, env=dict(os.environ, LD_LIBRARY_PATH=libraries))

    def installed(self):
        """pkg-config finds both libraries where they are installed. The programs of docs/API.md build, as C99 and as C++11; those that
        say what they print print it; the one that reads captures says that there is no such mark."""
        meson = harness.need("meson")
        for tool in "pkg-config", "gcc", "g++":
            harness.need(tool)
        with tempfile.TemporaryDirectory() as root:
            subprocess.run([meson, "install", "-C", self.t.build, "--no-rebuild", "--quiet", "--destdir", root], check=True, capture_output=True)
            folders = {os.path.dirname(os.path.join(d, f)) for d, _, files in os.walk(root) for f in files if f == "tracker-replay.pc"}
            (pkgconfig,) = folders
            env = dict(os.environ, PKG_CONFIG_PATH=pkgconfig, PKG_CONFIG_SYSROOT_DIR=root)
            env.pop("PKG_CONFIG_LIBDIR", None)
            flags = subprocess.run(["pkg-config", "--cflags", "--libs", "tracker", "tracker-replay"], env=env, check=True,
                                   capture_output=True, text=True).stdout.split()
            shutil.copy(self.capture(), os.path.join(root, "app.bin"))
            programs = self.documented(root)
            check(len(programs) > 10, f"programs: {list(programs)}")
            for name, prints in programs.items():
                r = self.built(root, name, flags, os.path.dirname(pkgconfig))
                if prints is not None:
                    equal(name, (r.returncode, r.stderr, r.stdout.replace(root, "/src")), (0, "", prints))
                else:
                    equal(f"{name}: status", (r.returncode, r.stderr.count("\n")), (1, 1))
                    check(r.stderr.startswith("app.bin: ") and "'start'" in r.stderr, f"it says: {r.stderr}")
            python = [os.path.join(d, f) for d, _, files in os.walk(root) for f in files if f == "tracker.py"]
            env = {k: v for k, v in os.environ.items() if k != "TRACKER_REPLAY_LIBRARY"}
            r = subprocess.run([sys.executable, "-c", "import tracker; print(tracker.Capture('app.bin').table('one')[0])"], cwd=root,
                               env=dict(env, PYTHONPATH=os.path.dirname(python[0])), capture_output=True, text=True)
            equal("tracker.py finds its library", (r.stdout, r.stderr), (TOP[0] + "\n", ""))


def make_cases(t):
    c = Cases(t)
    return [("b46 example 1: top", c.top), ("b33 example 4: dump", c.dumped), ("b50 b52 b57 example 5: filters", c.filtered),
            ("b41 b43 b44 example 6: diff", c.changed), ("b47 pretty top", c.pretty), ("b48 biggest block", c.biggest),
            ("b20 b22 example 2: methods", c.methods), ("b12 b30 example 3: clear and stop", c.cleared), ("b20 where", c.where),
            ("b22 b32 limit", c.limited), ("q1 the library's own", c.unseen), ("b30 threads", c.threads), ("b16 b30 book", c.book), ("b01 python", c.python), ("without the library", c.not_there),
            ("b31 b33 recordings", c.recordings), ("b34 refused", c.refused), ("installed, with the programs of the documentation", c.installed)]


if __name__ == "__main__":
    harness.main(make_cases)
