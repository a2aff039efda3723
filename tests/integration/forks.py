#!/usr/bin/env python3
"""forks - what the traces of a forked child are: those that its parent had at the fork, whenever the recorder sees the child. Preloaded,
linked, and under tracker run. The truth is arithmetic in the program (fx/traced_fork.c), which holds the child while the parent goes on.

usage: forks.py BUILD_DIR [PART_OF_A_NAME]...
"""
import harness
from harness import equal, execute

SAYS = {
    # the block that the child must not know of has 1 MiB; another one grew to 5,000 bytes; one of 300 was released
    "held": "child 0, parent 1054576\n",
    "held_at_once": "child 0, parent 1054576\n",
    "held_first": "child 0, parent 1054576\n",
    "bare": "child 0, parent 1054576\n",
    "in_handler": "child 0, parent 1054576\n",
    "orphans": "child 1000, its child 1200, frames 3 3\n",
    "changed": "0 0 0 parent 0\n",
    "many": "wrong 0\n",
    "refused": "failed 50, memory 1\n",
    "locked": "wrong 0\n",
}


class Forks:
    def __init__(self, tracker):
        self.t = tracker

    def ways(self, mode):
        program = self.t.fixture("traced_fork")
        yield "preloaded", execute([program, mode], {"LD_PRELOAD": self.t.find("libtracker.so")})
        yield "linked", execute([program + "_linked", mode])
        yield "tracker run", self.t.record([program, mode])

    def says(self, mode):
        for way, r in self.ways(mode):
            equal(f"{way}: status", (r.status, r.stderr.decode()), (0, ""))
            equal(way, r.stdout.decode(), SAYS[mode])


def make_cases(tracker):
    forks = Forks(tracker)
    return [(f"b18: {mode}", lambda m=mode: forks.says(m)) for mode in SAYS]


if __name__ == "__main__":
    harness.main(make_cases)
