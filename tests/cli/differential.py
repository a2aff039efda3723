"""
differential - table and diff against CPython's own tracemalloc classes.

Makes random pairs of snapshots, writes each once as tracemalloc.Snapshot and once
as a capture (mkcapture), and compares what both print, line for line. Two things
may differ, and are put into the expectation here, nowhere else:

  Q11  a block counts once per key in cumulative mode: CPython is given stacks
       whose repeated keys are gone
  Q12  the head line of a traceback group shows the most recent frame: CPython's
       text with its oldest frame replaced

usage: differential.py MKCAPTURE TRACKER_TABLE TRACKER_DIFF [PAIRS [FIRST_SEED]]
"""
import json
import os
import random
import subprocess
import sys
import tempfile
import tracemalloc
from tracemalloc import DomainFilter, Filter, Snapshot

FILES = ["a.c", "b.c", "sub/a.c", "/src/deep/c.c", "/src/zoë.cc", "odd name.c", "<unknown>"]
DOMAINS = [0, 0, 0, 1, 7, 300]


def random_frame(rng):
    file = rng.choice(FILES)
    return (file, 0 if file == "<unknown>" else rng.choice([1, 2, 9, 10, 11, 100, 2**31]))


def random_size(rng):
    return rng.choice([0, 1, 10, 10, 10, 16, 99, rng.randrange(20000), rng.randrange(1 << 21),
                       rng.randrange(1 << 40)])


class Pair:
    """Two snapshots: `old`, and `new`, which shares some of old's blocks."""

    def __init__(self, rng):
        self.stacks = [tuple(random_frame(rng) for _ in range(rng.choice([1, 1, 2, 3, 5, 12])))
                       for _ in range(rng.randrange(1, 15))]
        for stack in list(self.stacks):  # a caller that allocates itself, too
            if len(stack) > 1 and rng.random() < 0.5:
                self.stacks.append(stack[rng.randrange(1, len(stack)):])
        self.rng = rng
        self.old = self.blocks(rng.randrange(0, 40))
        kept = [b for b in self.old if rng.random() < rng.choice([0, 0.5, 1])]
        self.new = kept + self.blocks(rng.randrange(0, 40))

    def blocks(self, n):
        return [(self.rng.choice(DOMAINS), random_size(self.rng), self.rng.choice(self.stacks))
                for _ in range(n)]


def snapshot(blocks):
    return Snapshot([(domain, size, stack, len(stack)) for domain, size, stack in blocks], 99)


class Capture:
    """The text of a capture: blocks come and go between marks."""

    def __init__(self, rng):
        self.lines, self.frames, self.stacks, self.live, self.address = [], {}, {}, [], 4096
        self.rng = rng

    def stack(self, frames):
        if frames not in self.stacks:
            for file, line in frames:
                if (file, line) not in self.frames:
                    self.frames[file, line] = "f%d" % len(self.frames)
                    shown = "-" if file == "<unknown>" else '"%s"' % file
                    self.lines.append("frame %s %s %d" % (self.frames[file, line], shown, line))
            self.stacks[frames] = "s%d" % len(self.stacks)
            self.lines.append("stack %s %s" % (self.stacks[frames],
                                               " ".join(self.frames[f] for f in frames)))
        return self.stacks[frames]

    def born(self, block):
        domain, size, frames = block
        stack = self.stack(frames)
        if domain:
            self.lines.append("track %d %d %d %s" % (domain, self.address, size, stack))
        else:
            kind = self.rng.choice(["malloc", "calloc", "new", "mmap"] if size else ["malloc"])
            self.lines.append("%s %d %d %s" % (kind, self.address, size, stack))
            if kind == "mmap":
                domain = "munmap %d" % size
        self.live.append((block, domain, self.address))
        self.address += (size + 0x1fff) & ~0xfff

    def died(self, entry):
        _, domain, address = entry
        self.live.remove(entry)
        if isinstance(domain, str):
            self.lines.append("munmap %d %s" % (address, domain.split()[1]))
        elif domain:
            self.lines.append("untrack %d %d" % (domain, address))
        else:
            self.lines.append("free %d" % address)

    def become(self, blocks, mark):
        wanted = list(blocks)
        for entry in list(self.live):
            if entry[0] in wanted:
                wanted.remove(entry[0])
            else:
                self.died(entry)
        for block in wanted:
            self.born(block)
        self.lines.append("mark " + mark)

    def write(self, mkcapture, path):
        text = "\n".join(self.lines) + "\n"
        subprocess.run([mkcapture, path], input=text.encode(), check=True)
        return path


def random_filters(rng):
    """The same filters as objects of CPython's and as our options."""
    objects, options = [], []
    for _ in range(rng.randrange(1, 4)):
        inclusive = rng.random() < 0.5
        sign = "+" if inclusive else "-"
        domain = rng.choice([None, None, 0, 7, 300])
        if domain is not None and rng.random() < 0.4:
            objects.append(DomainFilter(inclusive, domain))
            options += ["--filter", "%sdomain=%d" % (sign, domain)]
            continue
        pattern = rng.choice(["a.c", "*a.c", "*.c", "[ab].c", "?.c", "/src/*", "*unknown*",
                              "<unknown>", "[!a]*", "*", "nothing", "odd name.c"])
        line = rng.choice([None, None, None, 0, 1, 10])
        every = rng.random() < 0.4
        objects.append(Filter(inclusive, pattern, line, every, domain))
        options += ["--filter", sign + pattern + (":%d" % line if line is not None else "") +
                    (",all_frames" if every else "") +
                    (",domain=%d" % domain if domain is not None else "")]
    return objects, options


def without_repeats(snap, key):  # Q11
    def once(stack):
        seen = {(file, 0 if key == "filename" else line): None for file, line in stack}
        return tuple(seen)
    return Snapshot([(d, s, once(stack), n) for d, s, stack, n in snap.traces._traces], 99)


def text_of(stat, key):
    text = str(stat)
    if key == "traceback":  # Q12
        oldest = str(stat.traceback)
        assert text.startswith(oldest)
        text = str(stat.traceback[-1]) + text[len(oldest):]
    return text


def stack_of(stat, options):
    if "--traceback" in options:
        return stat.traceback.format(most_recent_first="--most-recent-first" in options)
    return []


MODES = [("lineno", False, []), ("filename", False, []), ("traceback", False, []),
         ("traceback", False, ["--traceback"]),
         ("traceback", False, ["--traceback", "--most-recent-first"]),
         ("lineno", True, []), ("filename", True, [])]


def expected(old, new, key, cumulative, options):
    if cumulative:
        old, new = old and without_repeats(old, key), without_repeats(new, key)
    stats = new.compare_to(old, key, cumulative) if old else new.statistics(key, cumulative)
    return [line for s in stats for line in [text_of(s, key)] + stack_of(s, options)]


def run(command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if done.returncode or done.stderr:
        sys.exit("%s: exit %d: %s" % (command, done.returncode, done.stderr.decode()))
    return done.stdout.decode()


def check(command, old, new, key, cumulative, options):
    command = command + ["-n", "0", "--group-by", key] + ["--cumulative"] * cumulative + options
    got = run(command).splitlines()
    want = expected(old, new, key, cumulative, options)
    if got != want:
        for g, w in zip(got + [None] * len(want), want + [None] * len(got)):
            if g != w:
                sys.exit("%s\n  tracker: %s\n  CPython: %s\n(%d and %d lines)" %
                         (command, g, w, len(got), len(want)))
    return len(want)


def check_json(command, new):
    report = json.loads(run(command + ["-n", "0", "--json"]))
    stats = new.statistics("lineno")
    want = [(str(s.traceback), s.size, s.count) for s in stats]
    got = [(r["key"], r["size"], r["count"]) for r in report["rows"]]
    if got != want or report["total_size"] != sum(s.size for s in stats):
        sys.exit("%s: JSON is not what CPython counts" % command)


def check_pair(tools, folder, seed):
    mkcapture, table, diff = tools
    rng = random.Random(seed)
    pair = Pair(rng)
    if seed % 2:  # two captures
        points = []
        for name, blocks in ("old", pair.old), ("new", pair.new):
            capture = Capture(rng)
            capture.become(blocks, name)
            points.append(capture.write(mkcapture, os.path.join(folder, name)) + "@end")
    else:  # two points of one
        capture = Capture(rng)
        capture.become(pair.old, "one")
        capture.become(pair.new, "two")
        path = capture.write(mkcapture, os.path.join(folder, "both"))
        points = [path + "@one", path + "@two"]
    old, new = snapshot(pair.old), snapshot(pair.new)
    lines = 0
    for key, cumulative, options in MODES:
        lines += check([table, points[1]], None, new, key, cumulative, options)
        lines += check([diff, *points], old, new, key, cumulative, options)
    objects, options = random_filters(rng)
    key, cumulative, _ = rng.choice(MODES)
    lines += check([table, points[0]], None, old.filter_traces(objects), key, cumulative, options)
    lines += check([diff, *points], old.filter_traces(objects), new.filter_traces(objects), key,
                   cumulative, options)
    only_new = ["--filter-new" if o == "--filter" else o for o in options]
    lines += check([diff, *points], old, new.filter_traces(objects), key, cumulative, only_new)
    check_json([table, points[1]], new)
    return lines


def main():
    tools = [os.path.abspath(p) for p in sys.argv[1:4]]
    pairs = int(sys.argv[4]) if len(sys.argv) > 4 else 200
    first = int(sys.argv[5]) if len(sys.argv) > 5 else 0
    lines = 0
    for seed in range(first, first + pairs):
        with tempfile.TemporaryDirectory() as folder:
            os.chdir(folder)  # linecache must not find an a.c
            try:
                lines += check_pair(tools, folder, seed)
            except SystemExit as e:
                sys.exit("seed %d: %s" % (seed, e))
            finally:
                os.chdir("/")
    print("%d pairs, %d lines equal to those of CPython %s" % (pairs, lines, sys.version.split()[0]))
    if lines < 20 * pairs:
        sys.exit("hardly anything was compared")


if __name__ == "__main__":
    main()
