#!/usr/bin/env python3
"""
sums - figures of aggregated and of sampled captures, against counting and arithmetic.

usage: sums.py MKCAPTURE FOLDER_OF_REPORTERS FOLDER_OF_TOOLS FOLDER_OF_GOLDEN_CAPTURES
"""
import json
import math
import os
import subprocess
import sys
import tempfile

MKCAPTURE, REPORTERS, TOOLS, GOLDEN = map(os.path.abspath, sys.argv[1:5])
sys.path[:0] = [GOLDEN, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tools")]
import decode  # noqa: E402
import reports  # noqa: E402
import sums  # noqa: E402

REPORTS = [["stats"], ["leaks"], ["table"], ["tree"], ["summary"], ["table", "--allocations"],
           ["summary", "--temporary-allocations"], ["flamegraph", "--format", "json"]]
# Every allocation of good/sampled.txt but the mapping, and those that were ended.
SAMPLED, MAPPED, B = [100, 100, 1000, 100000, 0, 4096, 5000, 20000, 10], 1000000, 4096
FREED, LEFT = [100, 4096, 5000, 20000, 10], [100, 1000, 100000, 0]
failures = compared = 0


def expect(what, holds, shown=""):
    global failures, compared
    compared += 1
    if not holds:
        failures += 1
        print("FAIL %s\n  %.600s" % (what, shown))


def run(*command):
    p = subprocess.run(command, capture_output=True)
    expect(" ".join(command) + " ends well", p.returncode == 0, p.stderr.decode())
    return p.stdout


def capture_of(path):
    with open(path, "rb") as f:
        return decode.Capture(f.read())


def report(args, path):
    said = json.loads(run(os.path.join(REPORTERS, "tracker-" + args[0]), *args[1:],
                          *([] if "--format" in args else ["--json"]), path))
    said.get("metadata", {}).pop("file_format", None)
    return {k: v for k, v in said.items() if k != "capture"}


def difference(got, want):
    return [(key, got.get(key), want.get(key)) for key in {**got, **want} if got.get(key) != want.get(key)]


def same(what, a, b):
    key = lambda entry: json.dumps(entry, sort_keys=True)
    expect(what, sorted(map(key, a)) == sorted(map(key, b)), "%s\n%s" % (a, b))


def aggregated(scratch):
    """tracker aggregate finds what counting finds; reports cannot tell the sums of another writer from the events."""
    events, ours = os.path.join(scratch, "events.bin"), os.path.join(scratch, "sums.bin")
    with open(os.path.join(GOLDEN, "aggregated.txt"), "rb") as source:
        subprocess.run([MKCAPTURE, events], stdin=source, check=True)
    run(os.path.join(TOOLS, "tracker-aggregate"), "-o", ours, events)
    counted, found = sums.Sums(capture_of(events)), capture_of(ours)
    for what in ("sums", "totals", "sizes", "histories"):
        same("aggregate: " + what, getattr(found, what), getattr(counted, what)())
    for name in ("aggregated", "aggregated~explicit", "aggregated~one-a-block"):
        for args in REPORTS:
            got, want = report(args, os.path.join(GOLDEN, "good", name + ".bin")), report(args, events)
            expect("%s: %s" % (name, " ".join(args)), got == want, difference(got, want))


def near(what, got, want, within):
    expect("sampled: " + what, abs(got - want) <= within, "%s, not %s +- %s" % (got, want, within))


def worth(size):
    """So many blocks of its size one stands for: 1 / p."""
    return -1 / math.expm1(-max(size, 1) / B)


def margin(blocks, of):
    """docs/ARCHITECTURE.md, "Margins": the 99 % interval of a sum of 1 or size over blocks, in units of B or of the largest worth."""
    unit = B if of == "bytes" else max(map(worth, blocks))
    variance = sum((1 - 1 / worth(s)) * worth(s)**2 * (s**2 if of == "bytes" else 1) for s in blocks)
    return 2.576**2 / 2 * unit + 2.576 * math.sqrt(variance + 0.6 * unit**2)


def sampled(scratch):
    """Horvitz and Thompson's estimates; each block's is rounded to an integer, up or down."""
    golden, ours = os.path.join(GOLDEN, "good", "sampled.bin"), os.path.join(scratch, "sampled-sums.bin")
    stats = report(["stats"], golden)
    for name, blocks, mapped in (("total_%s_allocated", SAMPLED, True), ("total_%s_freed", FREED, False),
                                 ("leaked_%s", LEFT, True)):
        size = stats[name % "bytes"]
        number = stats[{"total_%s_allocated": "total_num_allocations", "total_%s_freed": "total_num_frees",
                        "leaked_%s": "leaked_allocations"}[name]]
        near(name % "bytes", size, sum(worth(s) * s for s in blocks) + mapped * MAPPED, len(blocks))
        near(name % "count", number, sum(map(worth, blocks)) + mapped, len(blocks))
    for name, blocks, of in (("total_bytes_allocated", SAMPLED, "bytes"), ("total_num_allocations", SAMPLED, "count"),
                             ("total_bytes_freed", FREED, "bytes"), ("total_num_frees", FREED, "count"),
                             ("leaked_bytes", LEFT, "bytes"), ("leaked_allocations", LEFT, "count")):
        want = margin(blocks, of)
        near(name + "_margin", stats[name + "_margin"], want, want / 200)
    run(os.path.join(TOOLS, "tracker-aggregate"), "-o", ours, golden)
    for args in REPORTS:
        got, want = report(args, ours), report(args, golden)
        expect("sampled and summed: " + " ".join(args), got == want, difference(got, want))


def main():
    REPORTS[:] = reports.commands(REPORTERS, REPORTS, "one capture", "sums")
    with tempfile.TemporaryDirectory() as scratch:
        aggregated(scratch)
        sampled(scratch)
    print("%d comparisons, %d failures" % (compared, failures))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
