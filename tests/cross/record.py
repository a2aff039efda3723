#!/usr/bin/env python3
"""record - programs of another processor, run by qemu and recorded by this one's
recorder: what is in shared memory is the same everywhere. They state their own
truth (fx/truth.h), and every 37th stack is compared with libgcc's.

usage: record.py [-h] BUILD_DIR [PART_OF_A_NAME]...   with TARGET_BUILD, EMULATOR set
"""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "integration"))
import harness
from harness import Replay, check, check_truth, equal, need

TARGET = os.path.abspath(os.environ["TARGET_BUILD"])
EMULATOR = os.environ["EMULATOR"].split()
# program, arguments; stacks compared at least. None forks: qemu does not wipe the page by which a child knows itself.
PROGRAMS = [(("leak",), 1), (("kinds",), 1), (("early",), 1), (("reallocs", "grow"), 5), (("reallocs", "race"), 500),
            (("threads", "short"), 500), (("pages",), 0), (("trampolines",), 0)]


def record(t, words, least):
    emulator = [need(EMULATOR[0]), *EMULATOR[1:]]
    library = os.path.join(TARGET, "libtracker", "libtracker.so")
    program = os.path.join(TARGET, "tests", "cross", "fx_" + words[0])
    r = t.record([*emulator, "-E", "LD_PRELOAD=" + library, program, *words[1:]], ["--unwind", "verify=libgcc"])
    equal("exit status", r.status, 0)
    check(check_truth(Replay(t.events(r.capture)), r.stdout) > 0, "the program said nothing")
    h = t.json("info", r.capture)["health"]
    check(h["compared_with_libgcc"] >= least, f"only {h['compared_with_libgcc']} stacks compared")
    equal("lost, truncated, different stacks", (h["lost"], h["truncated_stacks"], h["differing_from_libgcc"]), (0, 0, 0))


def make_cases(t):
    return [(" ".join(words), lambda words=words, least=least: record(t, words, least)) for words, least in PROGRAMS]


if __name__ == "__main__":
    harness.main(make_cases)
