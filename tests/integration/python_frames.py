#!/usr/bin/env python3
"""python_frames - functions of Python in stacks: at each allocation of a known size, function, file and line of every frame are what the
interpreter itself says (sys._getframe).

With PYTHONS=all in the environment: the interpreters of a version manager in the home directory, instead of the system's.
"""
import glob
import json
import os
import subprocess
import sys

import harness
from harness import Failure, Skip, check, equal, need

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "python")
LOOP = "_PyEval_EvalFrameDefault"
KNOWN = range(8, 14)
DEBUGGED = 49  # bytes that PYTHONMALLOC=debug adds to a bytearray, in two layers, with the one of its own
COUNTED = 10  # before this minor version, frames of the evaluation loop are counted: in a stack that is cut, that proves less
ALL = os.environ.get("PYTHONS") == "all"
PREFIX = "Python 3."


def interpreters():
    found = sorted(glob.glob("/usr/bin/python3.[0-9]*[0-9]"))
    return found if found else [need("python3")]


def others():
    return sorted(glob.glob(os.path.expanduser("~/.pyenv/versions/*/bin/python3")))


def minor_of(python):
    out = subprocess.run([python, "-c", "import sys; print(sys.version_info[1])"], capture_output=True, check=True)
    return int(out.stdout)


class Python:
    def __init__(self, t, pythons):
        self.t = t
        self.pythons = [(p, minor_of(p)) for p in pythons]

    def known(self):
        found = [p for p, minor in self.pythons if minor in KNOWN]
        if not found:
            raise Skip("no Python 3.8 to 3.13 is here")
        return found

    def record(self, python, script, options=(), flags=(), **env):
        out = self.t.file(".json")
        r = self.t.record([python, *flags, os.path.join(HERE, script)], options, env={**os.environ, "OUT": out, **env})
        equal(f"{python} {script}: status", (r.status, r.stderr), (0, b""))
        return r, self.word(out)

    @staticmethod
    def word(out):
        """What the interpreter said, in files whose names begin so."""
        truth = {}
        for path in glob.glob(out + "*"):
            with open(path, encoding="utf-8") as f:
                for size, stack in json.load(f).items():
                    truth.setdefault(int(size), []).append(stack)
        return truth

    def stacks(self, capture):
        for e in self.t.events(capture, "--stacks"):
            if e.get("frames"):
                yield e, [f for f in e["frames"] if (f["module"] or "").startswith(PREFIX)]

    def compare(self, r, truth, whole=True, least=500, more=1):
        """Of every known size, the functions of Python, youngest first; if stacks are cut, those that are kept. more: bytes than was asked for."""
        seen, wrong = set(), []
        self.loops = self.alone = 0
        for e, functions in self.stacks(r.capture):
            self.look_at_order(e["frames"])
            size = (e.get("size") or 0) - more
            if size not in truth or e["kind"] not in ("malloc", "calloc"):
                continue
            seen.add(size)
            got = [[f["function"], f["file"], f["line"]] for f in functions]
            if got not in truth[size] if whole else not any(t[:len(got)] == got for t in truth[size]):
                wrong.append((size, got[:6], truth[size][0][:6]))
        equal("wrong stacks", (len(wrong), wrong[:2]), (0, []))
        equal("sizes that were not seen", sorted(set(truth) - seen), [])
        self.stacks_seen = len(seen)
        check(len(truth) >= least, f"only {len(truth)} allocations")

    def look_at_order(self, frames):
        """Each frame of the evaluation loop has its functions right behind it, and nothing else has."""
        before = None
        for f in frames:
            mine = (f["module"] or "").startswith(PREFIX)
            loop = (f["function"] or "").startswith(LOOP)
            if mine and before == "native":
                raise Failure(f"a function that no loop runs: {f}")
            self.alone += before == "loop" and not mine
            self.loops += loop
            before = "mine" if mine else "loop" if loop else "native"

    def agrees(self, script, options=(), whole=True, another=False):
        """
        another: another interpreter runs, too. Where functions are counted (up to 3.9), the main one's are not placed meanwhile, and some of
        a stack that is cut are not, either.
        """
        for python in self.known():
            r, truth = self.record(python, script, options)
            self.compare(r, truth, whole)
            health = self.t.json("info", r.capture)["health"]
            unplaced = 0 if (another or not whole) and minor_of(python) < COUNTED else health["python_unplaced"]
            equal(f"{python}: not placed, not known", (unplaced, health["python_unknown"]), (0, 0))
            print(f"# {python}: {len(truth)} allocations")

    def calls(self):
        self.agrees("calls.py", ["--nframe=2000"])
        check(self.loops > 1000 and self.alone * 1000 < self.loops, f"{self.alone} of {self.loops} frames of the loop without functions")

    def without_lock(self):
        self.agrees("without_lock.py", another=True)

    def pairs(self):
        self.agrees("pairs.py")

    def few_frames(self):
        """Stacks are cut, and what is kept of them is right."""
        self.agrees("pairs.py", ["--nframe=20"], whole=False)

    def fewer_frames(self):
        self.agrees("pairs.py", ["--nframe=1"], whole=False)
        self.agrees("calls.py", ["--nframe=300"], whole=False)

    def other_evaluators(self):
        """C code of another library runs each function (PEP 523), or allocators look for errors."""
        for python in self.known():
            minor = minor_of(python)
            ways = [{"PYTHONDEVMODE": "1"}, {"PYTHONMALLOC": "debug"}]
            if minor >= 9:
                ways.append({"EVALUATOR": os.path.join(self.t.fixtures, "fx_evaluator.so")})
            for env in ways:
                r, truth = self.record(python, "pairs.py", **env)
                self.compare(r, truth, more=1 if "EVALUATOR" in env else DEBUGGED)
                health = self.t.json("info", r.capture)["health"]
                equal(f"{python} {env}: not placed, not known", (health["python_unplaced"], health["python_unknown"]), (0, 0))

    def perf_trampolines(self):
        """With -X perf, each function runs through code without unwind information (from 3.12 on)."""
        for python in (p for p in self.known() if minor_of(p) >= 12):
            for script in "calls.py", "pairs.py":
                r, truth = self.record(python, script, ["--nframe=2000", "--unwind=verify"], flags=["-X", "perf"])
                self.compare(r, truth)
                health = self.t.json("info", r.capture)["health"]
                equal(f"{python}: not placed, not known, cut, different",
                      [health[k] for k in ("python_unplaced", "python_unknown", "truncated_stacks", "differing_stacks")], [0, 0, 0, 0])
                check(health["guessed_stacks"] > 500, f"{python}: nothing went through trampolines")
                for path in glob.glob("/tmp/perf-*.map"):
                    if os.path.basename(path)[5:-4] in {str(p["pid"]) for p in self.t.json("info", r.capture)["processes"]}:
                        os.unlink(path)

    def named(self, capture):
        """How many places in functions of Python the capture has; all of them have names."""
        modules = [m for m in self.t.json("info", capture)["modules"] if m["path"].startswith(PREFIX)]
        check(len(modules) == 1 and modules[0]["frames"] == modules[0]["frames_resolved"], f"{capture}: {modules}")
        return modules[0]["frames"]

    def sampled_and_summed(self):
        """The same functions, whatever is recorded."""
        for options in ["--aggregate"], ["--sample=1"], ["--nframe=7", "--aggregate"]:
            for python in self.known():
                r = self.t.record([python, "-c", "def holds():\n    return bytearray(5000003)\nx = holds()"], options)
                equal(f"{python} {options}: status", r.status, 0)
                check(self.named(r.capture) > 20, f"{python} {options}: hardly any functions")
                rows = self.t.json("table", r.capture, "--no-skip", "--traceback")
                if options[0] != "--nframe=7" or minor_of(python) >= COUNTED:
                    check('"holds"' in json.dumps(rows), f"{python} {options}: holds is not there")

    def in_pieces(self):
        """Each file of a recording in pieces has the names of its functions."""
        python = self.known()[0]
        capture = self.t.file(".bin")
        script = os.path.join(HERE, "rounds.py")
        subprocess.run([self.t.find("tracker"), "run", "--rotate=3", "--max-size=1M", "--compress=none", "-o", capture, "--", python, script],
                       check=True, capture_output=True, env={**os.environ, "PYTHONMALLOC": "malloc"})
        pieces = sorted(glob.glob(capture + "*") + glob.glob(capture[:-4] + "*.bin"))
        check(len(pieces) >= 3, f"only {pieces}")
        for piece in pieces:
            check(self.named(piece) > 100, f"{piece}: hardly any functions")

    def not_known(self):
        """A version that is not known is said, and its functions are shown as the interpreter's."""
        tried = [p for p, minor in self.pythons if minor not in KNOWN]
        if not tried:
            print("# no such version is here")
        for python in tried:
            r = self.t.record([python, "-c", "x = bytearray(1000003)"])
            equal(f"{python}: status", r.status, 0)
            check(not any(fs for _, fs in self.stacks(r.capture)), f"{python}: functions of Python")
            check("its functions are shown as the interpreter's own" in self.t.text("info", r.capture), f"{python}: nothing is said")


def make_cases(t):
    c = Python(t, others() if ALL else interpreters())
    print("# tried: " + ", ".join(f"{p} (3.{minor})" for p, minor in c.pythons))
    return [(n.replace("_", " "), getattr(c, n)) for n in (
        "calls", "without_lock", "pairs", "few_frames", "other_evaluators", *(["fewer_frames", "perf_trampolines"] if ALL else []), "sampled_and_summed", "in_pieces", "not_known")]


if __name__ == "__main__":
    if ALL and not others():
        print("1..0 # SKIP no version manager in the home directory")
        sys.exit(0)
    harness.main(make_cases)
