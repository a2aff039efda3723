"""
replay - random captures, replayed a second time the slow and obvious way.

usage: replay.py MKCAPTURE FOLDER_OF_REPORTERS

Writes random events as text for mkcapture, works out from that text what the
definitions in reporters/replay/heap.h say, page by page and block by block, and
compares with stats, temporary and leaks, and with summary --peaks: what each function,
module and thread held, summed up anew after every event.
"""
import json
import os
import random
import subprocess
import sys
import tempfile

PAGE = 4096
PROCESSES, THREADS = 3, 6  # threads t and t + 3 belong to process t % 3


# Functions of each stack, the oldest first, and the module of each: one calls itself, two share callers.
STACKS = [["f0", "f1", "f1", "f2"], ["f0", "f3"], ["f0", "f1", "f4", "f1"]]
MODULES = {"f0": "app", "f1": "one", "f2": "two", "f3": "one", "f4": "app"}
UNKNOWN = "<unknown>"


def keys_of(kind, stack, t):
    """What a block counts for; the last one is its own."""
    if kind == "thread":
        return ["%d/0x%x (test)" % (100 + t % PROCESSES, 200 + t)]
    functions = STACKS[stack] if stack is not None else [UNKNOWN]
    if kind == "module":
        return ["/" + MODULES[f] if f in MODULES else f for f in functions]
    return ["%s at %s.c" % (f, f) if f in MODULES else f for f in functions]


class Naive:
    """The live set as a list of blocks, the mappings as a dict of pages."""

    def __init__(self, threshold):
        self.threshold = threshold
        self.blocks = [{} for _ in range(PROCESSES)]  # address -> (size, thread, number in it)
        self.pages = [{} for _ in range(PROCESSES)]   # page -> mapping
        self.left = [{} for _ in range(PROCESSES)]    # mapping -> [pages, bytes]
        self.aside = {}                               # (thread, address) -> block
        self.made = [0] * THREADS
        self.mapping = 0
        self.peaks = None  # (kind, key) -> [bytes, blocks, own bytes] at their peaks
        self.of = {}       # mapping -> thread
        self.n = dict.fromkeys(("allocations", "frees", "bytes", "unmatched", "temporary",
                                "temporary_bytes", "overwritten", "wiped", "lost", "peak"), 0)

    def live(self, p):
        return (sum(b[0] for b in self.blocks[p].values()) + len(self.pages[p]) * PAGE,
                len(self.blocks[p]) + len(self.left[p]))

    def born(self, p, t, address, size, stack):
        self.n["overwritten"] += self.blocks[p].pop(address, None) is not None
        self.blocks[p][address] = (size, t, self.made[t], stack)
        self.made[t] += 1
        self.count(size)

    def count(self, size):
        self.n["allocations"] += 1
        self.n["bytes"] += size
        self.look()

    def look(self):
        self.n["peak"] = max(self.n["peak"], sum(self.live(p)[0] for p in range(PROCESSES)))
        if self.peaks is None:
            return
        now = {}
        for p in range(PROCESSES):
            held = [(size, t, stack) for size, t, _, stack in self.blocks[p].values()]
            held += [(n * PAGE, self.of[m], None) for m, n in self.left[p].items()]
            for size, t, stack in held:
                for kind in ("function", "module", "thread"):
                    keys = keys_of(kind, stack, t)
                    for key in set(keys):
                        sums = now.setdefault((kind, key), [0, 0, 0])
                        sums[0] += size
                        sums[1] += 1
                        sums[2] += size * (key == keys[-1])
        for key, (size, count, own) in now.items():
            most = self.peaks.setdefault(key, [0, 0, 0])
            if size > most[0]:
                most[:2] = [size, count]
            most[2] = max(most[2], own)

    def died(self, block, t):
        if block is None:
            self.n["unmatched"] += 1
            return
        size, owner, number, _ = block
        self.n["frees"] += 1
        if owner == t and self.made[t] - number - 1 <= self.threshold:
            self.n["temporary"] += 1
            self.n["temporary_bytes"] += size

    def unmap(self, p, start, pages):
        for page in range(start, start + pages):
            mapping = self.pages[p].pop(page, None)
            if mapping is not None:
                self.left[p][mapping] -= 1
                if not self.left[p][mapping]:
                    del self.left[p][mapping]
                    self.n["frees"] += 1

    def map(self, p, t, start, pages):
        self.unmap(p, start, pages)
        self.mapping += 1
        self.of[self.mapping] = t
        self.left[p][self.mapping] = pages
        for page in range(start, start + pages):
            self.pages[p][page] = self.mapping
        self.count(pages * PAGE)


def events(naive, lines, r, count):
    busy = {}  # thread -> old address of its realloc
    for _ in range(count):
        t = r.randrange(THREADS)
        p, a, b = t % PROCESSES, r.randrange(1, 40) * 16, r.randrange(1, 40) * 16
        size, page, pages = r.choice((0, 1, 24, 1000, 5000)), r.randrange(1000, 1040), r.randrange(1, 8)
        lines += ["in %d" % t, "after %d" % r.choice((1, 1000))]  # equal times go by process
        live = naive.blocks[p]
        if t in busy:
            old = busy.pop(t)
            block = naive.aside.pop((t, old), None)
            if r.random() < 0.5 and old not in live:
                lines.append("realloc_withdraw %d %d" % (old, size))
                if block:
                    live[old] = block
                    naive.look()
                continue
            naive.died(block, t)
            stack = r.randrange(3)
            lines.append("realloc_acquire %d %d %d s%d" % (old, b, size, stack))
            naive.born(p, t, b, size, stack)
            continue
        what = r.choice(("malloc", "malloc", "new", "free", "free", "delete", "realloc", "failed", "two",
                         "mmap", "munmap", "mremap", "gap", "exec" if r.random() < 0.05 else "free"))
        if what in ("malloc", "new"):
            stack = r.randrange(3)
            lines.append("%s %d %d s%d" % (what, a, size, stack))
            naive.born(p, t, a, size, stack)
        elif what in ("free", "delete"):
            lines.append("%s %d" % (what, a))
            naive.died(live.pop(a, None), t)
        elif what == "realloc":
            lines.append("realloc %d %d %d s1" % (a, b, size))
            naive.died(live.pop(a, None), t)
            naive.born(p, t, b, size, 1)
        elif what == "failed":
            lines.append("realloc %d 0 %d" % (a, size))
        elif what == "two":
            lines.append("realloc_release %d" % a)
            if a in live:
                naive.aside[t, a] = live.pop(a)
            busy[t] = a
        elif what == "mmap":
            lines.append("mmap %d %d" % (page * PAGE, pages * PAGE))
            naive.map(p, t, page, pages)
        elif what == "munmap":
            lines.append("munmap %d %d" % (page * PAGE, pages * PAGE))
            naive.unmap(p, page, pages)
        elif what == "mremap":
            to, more = r.randrange(1000, 1040), r.randrange(1, 8)
            lines.append("mremap %d %d %d %d" % (page * PAGE, pages * PAGE, to * PAGE, more * PAGE))
            if any(n in naive.pages[p] for n in range(page, page + pages)):
                naive.unmap(p, page, pages)
                naive.map(p, t, to, more)
            else:
                naive.n["unmatched"] += 1
        elif what == "gap":
            lines.append("gap 3")
            naive.n["lost"] += 3
        elif what == "exec":
            lines.append("exec other")
            naive.n["wiped"] += naive.live(p)[1]
            naive.blocks[p], naive.pages[p], naive.left[p] = {}, {}, {}
            for key in [k for k in naive.aside if k[0] % PROCESSES == p]:
                del naive.aside[key]


def report(folder, name, *args):
    return json.loads(subprocess.run([os.path.join(folder, "tracker-" + name), "--json", *args], check=True,
                                     stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout)


def check_peaks(folder, capture, naive, seed):
    for kind in ("function", "module", "thread"):
        rows = report(folder, "summary", "--peaks", kind, capture)["peaks"]
        got = {r["location"]: [r["peak_size"], r["peak_count"], r["own_peak_size"]] for r in rows if r["peak_size"]}
        want = {key: most for (k, key), most in naive.peaks.items() if k == kind and most[0]}
        if got != want:
            sys.exit("seed %d, peaks by %s: expected and got:\n%s\n%s" % (seed, kind, want, got))


def check(mkcapture, folder, capture, seed):
    threshold = seed % 4
    naive, r = Naive(threshold), random.Random(seed)
    lines = ["process %d pid=%d" % (p, 100 + p) for p in range(PROCESSES)]
    lines += ["thread %d process=%d tid=%d" % (t, t % PROCESSES, 200 + t) for t in range(THREADS)]
    lines += ["module %s /%s" % (m, m) for m in sorted(set(MODULES.values()))]
    lines += ["frame %s %s.c 1 module=%s" % (f, f, m) for f, m in MODULES.items()]
    lines += ["stack s%d %s" % (i, " ".join(reversed(s))) for i, s in enumerate(STACKS)]
    if seed < 12:
        naive.peaks = {}
    events(naive, lines, r, 1500)
    subprocess.run([mkcapture, capture], input="\n".join(lines + [""]).encode(), check=True)
    stats, temporary = report(folder, "stats", capture), report(folder, "temporary", "-n", str(threshold), capture)
    leaks = report(folder, "leaks", "--no-builtin-suppressions", capture)
    live = [naive.live(p) for p in range(PROCESSES)]
    got = {"allocations": stats["total_num_allocations"], "frees": stats["total_num_frees"],
           "bytes": stats["total_bytes_allocated"], "unmatched": stats["unmatched_frees"],
           "temporary": temporary["total_count"], "temporary_bytes": temporary["total_bytes"],
           "overwritten": stats["overwritten"], "wiped": stats["wiped_by_exec"], "lost": stats["lost_events"],
           "peak": stats["metadata"]["peak_memory"],
           "leaked": [(p["leaked_bytes"], p["leaked_allocations"]) for p in stats["processes"]],
           "leaks": (leaks["total_bytes"], leaks["total_count"])}
    want = dict(naive.n, leaked=live, leaks=(sum(b for b, _ in live), sum(n for _, n in live)))
    wrong = {k: (want[k], got[k]) for k in want if want[k] != got[k]}
    if wrong:
        sys.exit("seed %d: expected and got: %s" % (seed, wrong))
    if naive.peaks:
        check_peaks(folder, capture, naive, seed)


def main():
    mkcapture, folder = sys.argv[1:3]
    with tempfile.TemporaryDirectory() as scratch:
        for seed in range(30):
            check(mkcapture, folder, os.path.join(scratch, "%d.bin" % seed), seed)
    print("30 captures")


main()
