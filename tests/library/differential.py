"""differential - tracker.py, and so libtracker-replay, against CPython's own tracemalloc classes, on random pairs of snapshots.

The pairs, their captures and what may differ (Q11, Q12) are those of ../cli/differential.py, which runs table and diff on them. Here are
filters of all kinds, domains and cumulative sums, too, and values as well as lines. Many pairs are points of one capture.

usage: differential.py MKCAPTURE FOLDER_OF_TRACKER_PY [PAIRS [FIRST_SEED]]
"""
import importlib.util
import linecache
import os
import random
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
SPEC = importlib.util.spec_from_file_location("table_and_diff", os.path.join(HERE, "..", "cli", "differential.py"))
base = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(base)

IN_A_CAPTURE = 25
MODES = [("lineno", False), ("filename", False), ("traceback", False), ("lineno", True), ("filename", True)]


def expected(old, new, key, cumulative):
    if cumulative:
        old, new = old and base.without_repeats(old, key), base.without_repeats(new, key)
    return new.compare_to(old, key, cumulative) if old else new.statistics(key, cumulative)


def values(stat):
    diff = (stat.size_diff, stat.count_diff) if hasattr(stat, "size_diff") else ()
    return tuple((f.filename, f.lineno) for f in stat.traceback), stat.size, stat.count, *diff


def compare(what, got, want, key):
    got_all = [(str(s), values(s), s.traceback.format()) for s in got]
    want_all = [(base.text_of(s, key), values(s), s.traceback.format()) for s in want]
    for g, w in zip(got_all + [None] * len(want_all), want_all + [None] * len(got_all)):
        if g != w:
            sys.exit("%s\n  tracker.py: %s\n  CPython: %s\n(%d and %d rows)" % (what, g, w, len(got), len(want)))
    return len(want)


def our_filters(tracker, filters):
    return [tracker.DomainFilter(f.inclusive, f.domain) if isinstance(f, base.DomainFilter) else
            tracker.Filter(f.inclusive, f.filename_pattern, f.lineno, f.all_frames, f.domain) for f in filters]


def traces(snapshot):
    return sorted((t.domain, t.size, tuple((f.filename, f.lineno) for f in t.traceback), str(t)) for t in snapshot.traces)


def check_pair(tracker, rng, ours, theirs):
    """ours, theirs: (old, new)."""
    rows = 0
    for key, cumulative in MODES:
        rows += compare((key, cumulative), ours[1].statistics(key, cumulative), expected(None, theirs[1], key, cumulative), key)
        rows += compare(("diff", key, cumulative), ours[1].compare_to(ours[0], key, cumulative),
                        expected(*theirs, key, cumulative), key)
    filters, _ = base.random_filters(rng)
    own = our_filters(tracker, filters)
    some, wanted = [s.filter_traces(own) for s in ours], [s.filter_traces(filters) for s in theirs]
    if [traces(s) for s in some] != [traces(s) for s in wanted]:
        sys.exit("other traces pass %s" % [vars(f) for f in filters])
    key, cumulative = rng.choice(MODES)
    what = (key, cumulative, [vars(f) for f in filters])
    rows += compare(what, some[0].statistics(key, cumulative), expected(None, wanted[0], key, cumulative), key)
    rows += compare(what, some[1].compare_to(some[0], key, cumulative), expected(*wanted, key, cumulative), key)
    rows += compare(what, some[1].compare_to(ours[0], key, cumulative), expected(theirs[0], wanted[1], key, cumulative), key)
    return rows


def check_capture(tracker, mkcapture, path, seeds):
    capture, pairs = base.Capture(random.Random(seeds[0])), {}
    for seed in seeds:
        pairs[seed] = base.Pair(random.Random(seed))
        capture.become(pairs[seed].old, "old%d" % seed)
        capture.become(pairs[seed].new, "new%d" % seed)
    opened, rows = tracker.Capture(capture.write(mkcapture, path)), 0
    for seed, pair in pairs.items():
        ours = [opened.snapshot("%s%d" % (name, seed)) for name in ("old", "new")]
        theirs = [base.snapshot(blocks) for blocks in (pair.old, pair.new)]
        try:
            rows += check_pair(tracker, random.Random(seed + 1), ours, theirs)
        except SystemExit as e:
            sys.exit("seed %d: %s" % (seed, e))
    return rows


def main():
    mkcapture = os.path.abspath(sys.argv[1])
    sys.path.insert(0, os.path.abspath(sys.argv[2]))
    import tracker
    pairs = int(sys.argv[3]) if len(sys.argv) > 3 else 1000
    first = int(sys.argv[4]) if len(sys.argv) > 4 else 0
    rows = 0
    with tempfile.TemporaryDirectory() as folder:
        linecache.getline = lambda file, line: "  source %d of %s\n" % (line, file) if line % 2 else ""  # of both; no file is looked for
        for seed in range(first, first + pairs, IN_A_CAPTURE):
            rows += check_capture(tracker, mkcapture, os.path.join(folder, "c"), range(seed, min(seed + IN_A_CAPTURE, first + pairs)))
    print("%d pairs, %d rows equal to those of CPython %s" % (pairs, rows, sys.version.split()[0]))
    if rows < 20 * pairs:
        sys.exit("hardly anything was compared")


main()
