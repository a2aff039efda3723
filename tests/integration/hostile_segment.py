#!/usr/bin/env python3
"""hostile_segment - one program of a recording writes random bytes over the memory that it shares with the
recorder. The recorder says so, goes on, and ends; the capture can be read. What other programs did is
exact as long as only what belongs to the first was written over.

usage: hostile_segment.py [-h] BUILD_DIR [PART_OF_A_NAME]...
"""
import collections
import functools
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import harness
from harness import check, equal

SEEDS = 3
SOUND = 20000  # blocks that the other program allocates meanwhile
# place, how many rounds, bytes in each; whether only the program's own is written over
PLACES = {
    "process": (100, 64, True),
    "process whole": (3, 4096, True),
    "threads": (100, 16, True),
    "chunks": (60, 64, True),
    "chunks whole": (20, 4096, True),
    "header": (10, 16, False),
    "header whole": (3, 128, False),
    "all": (300, 64, False),
    "all at once": (2, 1 << 22, False),
}

noticed = {}  # place: corrupt records counted


def record(t, place, rounds, size, seed):
    """Two programs side by side; (Result, stdout). The one that scribbles may die of it, the recording may not."""
    fixture = t.fixture("scribble")
    script = f"{fixture} sound {SOUND} & {fixture} {place.split()[0]} {seed} {rounds} {size}; echo scribbled $?; wait $!; echo sound $?"
    r = t.record(["sh", "-c", script], timeout=600)
    equal("status of tracker run", r.status, 0)
    return r, r.stdout.decode()


def counts(t, capture, pid):
    found = collections.Counter()
    live = {}
    for e in t.events(capture):
        if e["pid"] != pid:
            continue
        if e["kind"] == "malloc":
            live[e["address"]] = e["size"]
            found["malloc", e["size"]] += 1
        elif e["kind"] == "free":
            found["free", live.pop(e["address"], None)] += 1
    return found


def pid_of(info, argument):
    """The program that was started with that argument; a forked child has its parent's until it execs."""
    return [p["pid"] for p in info["processes"] if f"scribble {argument}" in p["command_line"]
            and not p["command_line"].startswith("sh ")]


def scribbled(t, place):
    rounds, size, own = PLACES[place]
    corrupt = 0
    for seed in range(1, SEEDS + 1):
        r, out = record(t, place, rounds, size, seed)
        check("sound 0" in out, f"seed {seed}: the other program was harmed: {out!r} {r.stderr[-300:]!r}")
        info = t.json("info", r.capture)
        check(not info["truncated"] and not info["damaged_blocks"], f"seed {seed}: the capture is not whole")
        least = (SOUND + 1) * 4
        for figure in ("events", "lost", "stalls", "truncated_stacks", "attach_failures", "modules_lost"):
            check(info["health"][figure] <= 100 * least, f"seed {seed}: {info['health'][figure]} {figure} are believed")
        for report in ("stats", "leaks"):
            t.run(report, "--json", r.capture)
        corrupt += info["health"]["corrupt_records"]
        if info["health"]["corrupt_records"]:
            check(any("overwrote the recorder's shared memory" in n for n in info["notices"]),
                  f"seed {seed}: no notice: {info['notices']}")
        if own:
            pids = pid_of(info, "sound")
            equal("programs found", len(pids), 1)
            found = counts(t, r.capture, pids[0])
            equal(f"seed {seed}: blocks of the sound program", (found["malloc", 1301], found["free", 1301]), (SOUND, SOUND))
    noticed[place] = corrupt


def somebody_noticed():
    """Not each time: much of what is written over was read already, or is written anew by its owner."""
    check(sum(noticed.values()), f"nobody noticed: {noticed}")


def make_cases(t):
    return [(place, functools.partial(scribbled, t, place)) for place in PLACES] + [("noticed", somebody_noticed)]


if __name__ == "__main__":
    harness.main(make_cases)
