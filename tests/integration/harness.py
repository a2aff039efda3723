"""harness - records programs with the tracker of a build directory and replays
its dumps naively, so that fixtures' truths, an independent counter and the
reporters can be compared. Standard library only.
"""
import argparse
import collections
import contextlib
import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tools"))
import reports  # noqa: E402
from naive_replay import ALLOCATES, PAGE, REALLOCS, RELEASES, Heap, Replay, number  # noqa: E402, F401

CI = os.environ.get("CI") == "true"


class Failure(Exception):
    """What is wrong, in one sentence."""


class Skip(Exception):
    """A tool is missing; in CI that is a failure."""


def check(condition, why):
    if not condition:
        raise Failure(why)


def equal(what, got, want):
    if got == want:
        return
    if isinstance(got, dict) and isinstance(want, dict):
        differing = {k for k in {**got, **want} if got.get(k) != want.get(k)}
        got, want = ({k: d.get(k) for k in sorted(differing, key=repr)} for d in (got, want))
    raise Failure(f"{what}: got {short(got)}, want {short(want)}")


def short(value):
    text = repr(value)
    return text if len(text) < 400 else text[:400] + "..."


def need(*names):
    """Paths of programs or files that a case needs."""
    found = [n if n.startswith("/") and os.path.exists(n) else shutil.which(n) for n in names]
    missing = [n for n, f in zip(names, found) if not f]
    if missing:
        raise Skip("not installed: " + ", ".join(missing))
    return found if len(found) > 1 else found[0]


class Tracker:
    """The programs of one build; reporters may come from another one (a sanitized one)."""

    def __init__(self, build, reporters=None):
        self.build = os.path.abspath(build)
        self.reporters = os.path.abspath(reporters) if reporters else self.build
        self.fixtures = os.path.join(self.build, "tests", "integration")
        self.tracker = self.find("tracker")
        self.scratch = tempfile.mkdtemp(prefix="tracker-test.")
        self.count = 0

    def find(self, name, build=None):
        build = build or self.build
        for folder in ("tools", "reporters", "bin", "libtracker", "tests/integration", "tests/bench"):
            path = os.path.join(build, folder, name)
            if os.path.exists(path):
                return path
        raise Failure(f"{name} is not in {build}: it was not built")

    def reporter(self, name):
        return self.find("tracker-" + name, self.reporters)

    def reports(self, *traits):
        """All of them, as the build lists them, that have these traits (tests/tools/reports.py)."""
        return reports.names(os.path.dirname(self.find("reports.txt", self.reporters)), *traits)

    def fixture(self, name):
        return os.path.join(self.fixtures, "fx_" + name)

    def for_others(self, *fixtures):
        """A folder with tracker, its recorder and library, and fixtures, for another user to run: the clone may
        lie where nobody else can go, as in root's home. Returns a function from names to paths."""
        folder = self.file(".for-others")
        os.mkdir(folder)
        os.chmod(self.scratch, 0o711)
        paths = [self.find(name) for name in ("tracker", "tracker-run", "tracker-record", "libtracker.so")]
        for path in paths + [self.fixture(name) for name in fixtures]:
            shutil.copy(path, folder)
        os.chmod(folder, 0o755)
        return lambda name: os.path.join(folder, name)

    def file(self, suffix):
        self.count += 1
        return os.path.join(self.scratch, f"{self.count}{suffix}")

    def close(self):
        shutil.rmtree(self.scratch, ignore_errors=True)

    def run(self, command, *args, status=0, **more):
        """A reporter's stdout as bytes. status None: any."""
        r = subprocess.run([self.reporter(command), *args], stdin=subprocess.DEVNULL,
                           capture_output=True, timeout=300, **more)
        if status is not None and r.returncode != status:
            raise Failure(f"tracker {command} {' '.join(args)}: exit {r.returncode}, "
                          f"want {status}: {short(r.stderr.decode(errors='replace'))}")
        return r.stdout

    def json(self, command, *args):
        return json.loads(self.run(command, "--json", *args))

    def text(self, command, *args):
        return self.run(command, *args).decode()

    def record(self, argv, options=(), env=None, tracker=None, **more):
        """Runs argv recorded; Result with .capture."""
        capture = self.file(".bin")
        r = execute([tracker or self.tracker, "run", "-q", "-o", capture, *options, "--", *argv], env, **more)
        r.capture = capture
        return r

    def other_library(self, name):
        """The environment in which tracker preloads that one."""
        home = self.file(".home")
        os.mkdir(home)
        os.symlink(os.path.join(self.fixtures, name), os.path.join(home, "libtracker.so"))
        return {"TRACKER_HOME": home}

    def home(self, *commands):
        """A TRACKER_HOME whose recorder begins with those commands of a shell."""
        folder = self.file(".home")
        os.mkdir(folder)
        os.symlink(os.path.join(self.build, "libtracker", "libtracker.so"), os.path.join(folder, "libtracker.so"))
        recorder = os.path.join(folder, "tracker-record")
        with open(recorder, "w", encoding="utf-8") as f:
            f.write("\n".join(["#!/bin/sh", *commands, f'exec {self.find("tracker-record")} "$@"', ""]))
        os.chmod(recorder, 0o755)
        return folder

    def events(self, capture, *options):
        """The dump, one dict per event."""
        p = subprocess.Popen([self.reporter("dump"), "--json", *options, capture],
                             stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
        with p.stdout:
            for line in p.stdout:
                yield json.loads(line)
        equal("tracker dump's exit status", p.wait(), 0)


    def replay(self, capture):
        """Replayed naively, its processes ending when it says that they did."""
        processes = self.json("info", capture)["processes"]
        ends = sorted((p["end_ns"], p["pid"]) for p in processes if p["end_ns"] is not None)
        return Replay(self.events(capture), ends)


class Result:
    def __init__(self, r):
        self.status, self.stdout, self.stderr = r.returncode, r.stdout, r.stderr
        self.capture = None


def inside_a_block(data, at):
    """A place in the header of the block at or before `at`: a capture that is cut between two blocks is that of a killed recorder."""
    return data.rindex(b"TRKB", 0, at + 4) + 41


def execute(argv, env=None, timeout=600, preexec=None, stdin=subprocess.DEVNULL):
    full = {k: v for k, v in os.environ.items() if k not in ("LD_PRELOAD",)}
    full.update(env or {})
    try:
        return Result(subprocess.run(argv, env=full, stdin=stdin, capture_output=True,
                                     timeout=timeout, preexec_fn=preexec))
    except subprocess.TimeoutExpired:
        raise Failure(f"hangs: {' '.join(argv)}") from None


def until(what, why, seconds=120):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if what():
            return
        time.sleep(0.01)
    raise Failure(why)


def children(pid):
    """Of the process's first thread."""
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as f:
        return [int(child) for child in f.read().split()]


def recorder_of(pid):
    """The child of tracker run that runs tracker-record; the program may have been started before it."""
    while runs(pid):
        for child in children(pid):
            with contextlib.suppress(OSError):
                if os.path.basename(os.readlink(f"/proc/{child}/exe")) == "tracker-record":
                    return child
        time.sleep(0.01)
    raise Failure("no recorder")


def runs(pid):
    """Whether the process has not ended; a zombie has."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as f:
            return f.read().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def check_truth(replay, stdout):
    """The lines of truth.h against what was replayed; returns how many there were."""
    told, leaked, lines = collections.Counter(), collections.Counter(), 0
    for line in stdout.decode(errors="replace").splitlines():
        words = line.split()
        if words[:1] == ["T"]:
            told[words[1], int(words[2])] += int(words[3])
        elif words[:1] == ["L"]:
            leaked[int(words[1])] += int(words[2])
        elif words[:1] == ["R"]:
            got = sum(n for (kind, _), n in replay.kinds.items() if kind == words[1])
            equal(f"{words[1]} events", got, int(words[3]))
        elif words[:1] == ["E"]:
            got = [replay.kinds[kind, int(words[2])] for kind in words[1].split(",")]
            check(min(got) == max(got) >= int(words[3]), f"{words[1]} of {words[2]} bytes: {got} events")
        elif words[:1] == ["M"]:
            got = sum(PAGE * len(heap.pages) for heap in replay.heaps.values())
            equal("bytes of mappings left", got, int(words[3]))
        elif words[:1] == ["P"]:
            equal("peak", replay.peak, int(words[3]))
        else:
            continue
        lines += 1
    sizes = {size for _, size in told}
    got = {k: n for k, n in replay.kinds.items() if k[1] in sizes}
    equal("events by kind and size", got, {k: n for k, n in told.items() if n})
    live = replay.leaked()
    equal("blocks left", {s: live[s] for s in sizes if live[s]}, {s: n for s, n in leaked.items() if n})
    equal("replay", replay.faults[:3], [])
    equal("lost events", replay.lost, 0)
    return lines


def check_stats(tracker, capture, replay):
    """What `stats` says of the capture against the naive replay of its dump."""
    s = tracker.json("stats", capture)
    live = replay.leaked()
    maps = [h for h in replay.heaps.values() if h.mappings]
    equal("peak in stats", s["metadata"]["peak_memory"], replay.peak)
    equal("stats", {
        "allocations": s["total_num_allocations"], "frees": s["total_num_frees"],
        "bytes": s["total_bytes_allocated"],
        "leaked": s["leaked_allocations"], "leaked bytes": s["leaked_bytes"],
    }, {
        "allocations": replay.allocations, "frees": replay.frees, "bytes": replay.bytes,
        "leaked": sum(live.values()) + sum(len(h.mappings) for h in maps),
        "leaked bytes": sum(h.bytes() for h in replay.heaps.values()),
    })


COUNTER = struct.Struct("<10Q256s")
COUNTER_KEYS = ("pid", "allocations", "frees", "bytes", "live_bytes", "live_blocks", "peak_bytes",
                "unmatched", "mmaps", "mmap_bytes", "program")


def read_counters(folder):
    """pid -> list of counts, one per program image of that process, in order.

    tracker's own programs are left out: a recorded process begins as a fork of one.
    """
    found = collections.defaultdict(list)
    for name in sorted(os.listdir(folder), key=lambda n: [int(x) for x in n.split(".")]):
        with open(os.path.join(folder, name), "rb") as f:
            data = f.read(COUNTER.size)
        if len(data) == COUNTER.size:
            counts = dict(zip(COUNTER_KEYS, COUNTER.unpack(data)))
            program = os.path.basename(counts["program"].rstrip(b"\0").decode(errors="replace"))
            if program.split("-")[0] != "tracker":
                found[counts["pid"]].append(counts)
    return found


def cpu(before):
    """CPU seconds of this process and of the children that it waited for, since then."""
    return sum(os.times()[:4]) - sum(before[:4])


def run_cases(cases, chosen):
    """Runs (name, function) pairs; TAP on stdout; the exit status."""
    cases = [c for c in cases if not chosen or any(w in c[0] for w in chosen)]
    failed = 0
    print(f"1..{len(cases)}")
    for i, (name, function) in enumerate(cases, 1):
        before = os.times()
        try:
            function()
            print(f"ok {i} {name}", flush=True)
        except Skip as s:
            failed += CI
            print(f"not ok {i} {name}\n# {s}" if CI else f"ok {i} {name} # SKIP {s}", flush=True)
        except (Failure, subprocess.TimeoutExpired, KeyError, ValueError, OSError) as f:
            failed += 1
            print(f"not ok {i} {name}", flush=True)
            for line in f"{type(f).__name__}: {f}".splitlines():
                print(f"# {line}", flush=True)
                print(f"{name}: {line}", file=sys.stderr)  # what meson shows of a failed test
        print(f"# {cpu(before):.1f} s of CPU time", flush=True)
    return 1 if failed or not cases else 0


def main(make_cases):
    p = argparse.ArgumentParser()
    p.add_argument("build", help="build directory")
    p.add_argument("--reporters", help="build directory whose reporters are tested, if another")
    p.add_argument("--many", action="store_true", help="more of what can be repeated, for a night")
    p.add_argument("names", nargs="*", help="only cases whose name contains one of these")
    options = p.parse_intermixed_args()
    tracker = Tracker(options.build, options.reporters)
    tracker.many = options.many
    try:
        status = run_cases(make_cases(tracker), options.names)
    finally:
        tracker.close()
    sys.exit(status)
