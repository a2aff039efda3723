#!/usr/bin/env python3
"""
nomem - every report with each of its allocations refused in turn: it ends with status 1 and one line that says
so and no file, or with what it prints otherwise, or with a line that says what is missing in it.

usage: nomem.py FOLDER_OF_REPORTERS FOLDER_OF_GOLDEN_CAPTURES REFUSING_LIBRARY
"""
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tools"))
import reports  # noqa: E402

REPORTERS, GOLDEN, LIBRARY = map(os.path.abspath, sys.argv[1:4])
CAPTURE = os.path.join(GOLDEN, "good", "kinds.bin")
REPORTS = [["stats"], ["stats", "--json"], ["table"], ["tree"], ["summary"], ["summary", "--peaks", "function"], ["summary", "--reallocs"], ["flamegraph", "-o", "OUT"], ["export", "-o", "OUT"], *(["export", "--format", f, "-o", "OUT"] for f in ("dhat", "callgrind", "massif", "heaptrack")), ["leaks"],
           ["temporary"], ["dump"], ["dump", "--json", "-o", "OUT"], ["info"], ["info", "--json"], ["diff", CAPTURE], ["diff", "-g", "chain", "--old", CAPTURE, "--new", CAPTURE, CAPTURE],
           ["table", "--json"], ["flamegraph", "--format", "collapsed"]]
PLACES = 250  # of each report, at most


class Program:
    """A report that runs again and again, from one start of it (refuse.c). Its output is OUTPUT, its files are in the folder "out"."""

    def __init__(self, argv):
        self.folder = tempfile.TemporaryDirectory()
        self.out = os.path.join(self.folder.name, "out")
        os.mkdir(self.out)
        (numbers, self.numbers), (self.answers, answers) = os.pipe(), os.pipe()
        env = dict(os.environ, LC_ALL="C", LD_PRELOAD=LIBRARY, REFUSE_FROM=str(numbers), REFUSE_TO=str(answers))
        self.process = subprocess.Popen([os.path.join(REPORTERS, "tracker-" + argv[0]), *("out/out" if a == "OUT" else a for a in argv[1:]), CAPTURE],
                                        env=env, cwd=self.folder.name, stdin=subprocess.DEVNULL, pass_fds=[numbers, answers])
        os.close(numbers)
        os.close(answers)
        self.answers = os.fdopen(self.answers, "r", encoding="ascii")

    def run(self, refused):
        """refused: which allocation; 0: none."""
        os.write(self.numbers, b"%d\n" % refused)
        return Run(self, self.answers.readline())

    def close(self):
        os.close(self.numbers)
        self.answers.close()
        self.process.wait()
        self.folder.cleanup()


class Run:
    """One run: what it printed, the files that it left, whether it came to the allocation that was to be refused."""

    def __init__(self, program, answer):
        status, refused = map(int, answer.split())
        self.refused, self.status = refused == 1, os.waitstatus_to_exitcode(status)
        self.printed, self.files = self.read(program, "OUTPUT"), os.listdir(program.out)
        self.lines = self.read(program, "ERRORS").decode().splitlines()
        for name in self.files:
            path = os.path.join(program.out, name)
            if name == "out":
                self.printed += self.read(program, path)
            os.unlink(path)

    def read(self, program, name):
        with open(os.path.join(program.folder.name, name), "rb") as f:
            return f.read()


def judge(r, whole):
    """What is wrong with it; None: nothing."""
    more = [line for line in r.lines if line not in whole.lines]
    said = [line for line in more if "memory" in line]
    if r.status == 1:
        if len(said) != 1 or len(more) != 1:
            return f"not one line about memory: {more}"
        return f"left {r.files}" if r.files else None
    if r.status != whole.status:
        return f"status {r.status}: {more}"
    return None if said or r.printed == whole.printed else "other output, and nothing is said"


def main():
    REPORTS[:] = reports.commands(REPORTERS, REPORTS)
    failures, count = [], 0
    for argv in REPORTS:
        program, allocations = Program(argv), 1
        whole = program.run(0)
        while program.run(allocations * 2).refused:
            allocations *= 2
        step = max(1, allocations * 2 // PLACES)
        for number in range(1, allocations * 2, step):
            r = program.run(number)
            if not r.refused:
                break
            count += 1
            wrong = judge(r, whole)
            if wrong:
                failures.append(f"{' '.join(argv)}, allocation {number}: {wrong}")
        program.close()
    print("\n".join(failures))
    print(f"{count} refusals, {len(failures)} failed")
    return 1 if failures or count < 1000 else 0


sys.exit(main())
