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
REPORTS = [["stats"], ["stats", "--json"], ["table"], ["tree"], ["summary"], ["flamegraph", "-o", "OUT"], ["leaks"],
           ["temporary"], ["dump"], ["dump", "--json", "-o", "OUT"], ["info"], ["info", "--json"], ["diff", CAPTURE],
           ["table", "--json"], ["flamegraph", "--format", "collapsed"]]
PLACES = 250  # of each report, at most


class Run:
    def __init__(self, argv, refused):
        """refused: which allocation; 0: none."""
        with tempfile.TemporaryDirectory() as folder:
            output = os.path.join(folder, "out")
            told, tell = os.pipe()
            env = dict(os.environ, LC_ALL="C", LD_PRELOAD=LIBRARY, REFUSE=str(refused), REFUSE_FD=str(tell))
            r = subprocess.run([os.path.join(REPORTERS, "tracker-" + argv[0]), *(output if a == "OUT" else a for a in argv[1:]),
                                CAPTURE], env=env, capture_output=True, pass_fds=[tell], check=False)
            os.close(tell)
            with os.fdopen(told, "rb") as f:
                self.refused = f.read() != b""
            self.status, self.printed, self.files = r.returncode, r.stdout.replace(folder.encode(), b""), os.listdir(folder)
            if os.path.exists(output):
                with open(output, "rb") as f:
                    self.printed += f.read()
            self.lines = r.stderr.decode().splitlines()


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
        whole, number, step = Run(argv, 0), 0, 1
        allocations = 1
        while Run(argv, allocations * 2).refused:
            allocations *= 2
        step = max(1, allocations * 2 // PLACES)
        for number in range(1, allocations * 2, step):
            r = Run(argv, number)
            if not r.refused:
                break
            count += 1
            wrong = judge(r, whole)
            if wrong:
                failures.append(f"{' '.join(argv)}, allocation {number}: {wrong}")
    print("\n".join(failures))
    print(f"{count} refusals, {len(failures)} failed")
    return 1 if failures or count < 1000 else 0


sys.exit(main())
