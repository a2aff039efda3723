#!/usr/bin/env python3
"""python_embedded - a program that loads an interpreter as a plugin would, unloads it, deletes thread states under threads that allocate, has
several interpreters, compiles without end: it runs as alone, and every function that is shown is the one that allocated.

usage: python_embedded.py BUILD_DIR [PART_OF_A_NAME]...

With PYTHONS=all in the environment: the libraries of a version manager, too, and a program that compiles more than the table of code objects holds.
"""
import collections
import glob
import os

import harness
import python_frames
from harness import check, equal, execute, need

SYSTEM = "/usr/lib/x86_64-linux-gnu/libpython3.11.so.1.0"
UNKNOWN = "<unknown Python function>"
NESTED = ["inner", "outer", "<module>"]
MADE = 70000


def libraries():
    """(path, home, minor)"""
    yield need(SYSTEM), None, 11
    for path in sorted(glob.glob(os.path.expanduser("~/.pyenv/versions/3.*/lib/libpython3.*.so.1.0"))) if python_frames.ALL else []:
        minor = os.path.basename(path).split(".")[1]
        if minor.isdigit() and int(minor) in python_frames.KNOWN:
            yield path, os.path.dirname(os.path.dirname(path)), int(minor)


class Embedded(python_frames.Python):
    def __init__(self, t):
        super().__init__(t, [])

    def recorded(self, mode):
        for path, home, minor in libraries():
            argv = [self.t.fixture("embedded"), mode, path, *([home] if home else [])]
            alone = execute(argv)
            if alone.status:
                print(f"# {path}: {mode} fails alone ({alone.status})")  # 3.11.7 does when it is unloaded
                continue
            r = self.t.record(argv)
            equal(f"{path} {mode}", (r.status, r.stdout, self.t.json("info", r.capture)["health"]["lost"]), (0, alone.stdout, 0))
            stacks = collections.Counter()
            for e, functions in self.stacks(r.capture):
                if e["kind"] in ("malloc", "calloc") and e.get("size"):
                    stacks[e["size"], tuple(f["function"] for f in functions)] += 1
            yield minor, {(size, names): n for (size, names), n in stacks.items() if size > 20000 and size % 10000 == 1}, r
            print(f"# {path}: {mode}")

    def unload(self):
        for _, stacks, _ in self.recorded("unload"):
            equal("blocks", stacks, {(20001, tuple(NESTED)): 30})

    def states(self):
        for minor, stacks, _ in self.recorded("states"):
            seen = () if minor >= 12 else ("<module>",)  # from 3.12 on, who deletes another thread's state has none of its own, says CPython
            equal("blocks", stacks, {(30001, ("of_thread", "<module>")): 4, (40001, seen): 1})

    def others(self):
        for minor, stacks, _ in self.recorded("others"):
            seen = tuple(NESTED) if minor >= 12 else ()  # before, a thread does not tell which interpreter it runs
            equal("blocks", stacks, {(50001, seen): 50, (20001, tuple(NESTED)): 50})

    def compiles(self):
        for _, stacks, r in self.recorded("compiles"):
            right, all_of_them = 0, 0
            for (size, names), n in stacks.items():
                if size == 20001:
                    check(all(name in (want, UNKNOWN) for name, want in zip(names, NESTED)) and len(names) == 3, names)
                    right += n * (UNKNOWN not in names)
                    all_of_them += n
            unknown = self.t.json("info", r.capture)["health"]["python_unknown"]
            equal("blocks", all_of_them, MADE)
            check(right > 30000 and 0 < MADE - right <= unknown, f"{right} right, {unknown} unknown")
            check("tracker has no room" in self.t.text("info", r.capture), "nothing is said")
            print(f"# {right} right, {MADE - right} said to be unknown")


def make_cases(t):
    c = Embedded(t)
    return [(n, getattr(c, n)) for n in ("unload", "states", "others", *(["compiles"] if python_frames.ALL else []))]


if __name__ == "__main__":
    harness.main(make_cases)
