#!/usr/bin/env python3
"""torture - programs that do what heap profilers break on (docs/RELIABILITY.md): recorded
they behave as alone, and what they say they did is what was recorded.

usage: torture.py [-h] BUILD_DIR [PART_OF_A_NAME]...
"""
import os
import re
import resource
import shutil
import subprocess
import time

import harness
import run
from harness import Replay, Skip, check, check_truth, equal, execute, need

# Programs and their truths: (fixture, its modes).
TRUTHS = [
    ("torture_start", "lookup much handlers quick thread_at_exit environment footprint"),
    ("torture_process", "bare_fork storm atfork thread_fork thread_exec chain exec_fails spawn clone killed_child "
                        "namespace daemon stripped"),
    ("torture_threads", "cancel_deferred cancel_pending cancel_async tiny_stacks own_stacks detached setxid keys "
                        "main_ends"),
    ("torture_signals", "timer timer_threads segv_jump tiny_altstack nested blocked dispositions queued"),
    ("torture_limits", "processes stack data core exhausted exhausted_data removed_cwd seccomp_errno seccomp_kill "
                       "dispatch no_proc low_descriptors locked_memory"),
    ("torture_heap", "too_much nothing large alignments heap_as_it_is machine strings handed_reallocs peak"),
    ("torture_maps", "over partial refused moved left_behind random sbrk"),
    ("torture_loader", "lock namespace deepbind origin errors"),
    ("torture_objects", ""), ("own_new", ""),
]
CASES = [(fixture, mode) for fixture, modes in TRUTHS for mode in modes.split() or [""]]
ROOT_ONLY = {"no_proc"}
ENVIRONMENT = {"handed_reallocs": {"MALLOC_ARENA_MAX": "1"}}
PLUGINS = ("first.so", "second.so")


def arguments(t, fixture, mode):
    argv = [t.fixture(fixture)] + ([mode] if mode else [])
    return argv + [t.fixture(p) for p in PLUGINS] if fixture == "torture_loader" else argv


class Torture:
    def __init__(self, tracker):
        self.t = tracker
        self.cases = run.Cases(tracker)

    def truth(self, fixture, mode):
        if mode in ROOT_ONLY and os.geteuid() != 0:
            raise Skip("needs root")
        self.cases.truth(arguments(self.t, fixture, mode), ENVIRONMENT.get(mode))

    def same_pid(self):
        """Five processes of one pid, each of them with a block that it never freed at one address."""
        r = self.cases.same_as_bare([self.t.fixture("torture_process"), "same_pid"])
        replay = Replay(self.t.events(r.capture))
        told = dict(((w[1], int(w[2])), int(w[3])) for w in map(str.split, r.stdout.decode().splitlines()) if w[0] == "T")
        equal("events", {k: replay.kinds[k] for k in told}, told)
        stats = self.t.json("stats", r.capture)
        equal("leaked", (stats["leaked_allocations"], stats["leaked_bytes"]), (5, 5 * 2010))
        equal("processes", len(self.t.json("info", r.capture)["processes"]), 6)


def make_cases(t):
    c = Torture(t)
    cases = [(f"{f.removeprefix('torture_')} {m}".strip(), lambda f=f, m=m: c.truth(f, m)) for f, m in CASES]
    cases += [(name.replace("_", " "), getattr(c, name)) for name in ("same_pid",)]
    return cases


if __name__ == "__main__":
    harness.main(make_cases)
