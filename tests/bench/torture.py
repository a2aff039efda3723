#!/usr/bin/env python3
"""torture - the programs of tests/integration/torture.py and run.py under tracker and under
heaptrack, as a table: what each of them makes of the program, and what it has recorded.

usage: torture.py [-h] BUILD_DIR [PART_OF_A_NAME]...

heaptrack's raw events are counted by requested size and compared with what the program says
it did. It does not follow forked children nor record mappings: their sizes are left out.
"""
import argparse
import collections
import contextlib
import os
import shutil
import signal
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "integration"))
import harness
import run
import torture

PATIENCE_S = 40  # beyond ten times what the slowest takes with us
UNSEEN = {"mmap", "mremap", "munmap"}
# Truths about sizes that only children ask for.
CHILDREN = range(2001, 2100)
FORKS = {"process", "torture_process", "torture_limits"}


class Case:
    def __init__(self, name, argv, ours, env=None, forks=False):
        self.name, self.argv, self.ours, self.env, self.forks = name, argv, ours, env or {}, forks
        self.repeats = "handler_fork" not in name  # says the same each time


def cases(t):
    c, r = torture.Torture(t), run.Cases(t)
    for words in run.TRUTHS:
        yield Case(" ".join(words), [t.fixture(words[0]), *words[1:]], lambda w=words: r.fixture_truth(w),
                   run.ENVIRONMENT.get(words), words[0] in FORKS)
    for door in run.DOORS:
        yield Case(f"doors {door}", [t.fixture("doors"), door], lambda d=door: r.door(d))
    for fixture, mode in torture.CASES:
        yield Case(f"{fixture.removeprefix('torture_')} {mode}", torture.arguments(t, fixture, mode),
                   lambda f=fixture, m=mode: c.truth(f, m), torture.ENVIRONMENT.get(mode), fixture in FORKS)
    for mode in ("closefrom", "close_each"):
        yield Case(f"limits {mode}", [t.fixture("limits"), mode, t.file(".user")], lambda m=mode: r.user_file(m))
    for how in ("fork", "_Fork"):
        yield Case(f"handler_fork {how}", [t.fixture("handler_fork"), how], lambda h=how: r.handler_fork(h), forks=True)
    for allocator in run.ALLOCATORS:
        library = run.LIBRARY + allocator
        source = os.path.join(torture.FX, "reallocs.c")
        yield Case(f"linked {allocator}", [c.compiled(source, "-Wl,--no-as-needed", library), "grow"],
                   lambda a=allocator: c.linked(a))
    yield Case("linked in: jemalloc", [c.compiled(torture.SEVEN, run.LIBRARY + "libjemalloc.a", "-lstdc++", "-lm", "-ldl")],
               c.linked_in)
    for kind, (compiler, flags, _) in torture.FOREIGN.items():
        yield Case(kind, [c.compiled(torture.SEVEN, *flags, compiler=compiler)], lambda k=kind: c.foreign(k))


def ours(case):
    try:
        case.ours()
        return "exact" if truths(case.told.encode()) else "as alone, said"
    except harness.Skip as s:
        return f"skipped: {s}"
    except Exception as e:  # whatever it is, it belongs in the table
        return f"WRONG: {e}"


def bounded(argv, env, folder):
    """(status, stdout); status None: it had to be killed."""
    p = subprocess.Popen(argv, env={**os.environ, **env}, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE, start_new_session=True, cwd=folder)
    try:
        out, _ = p.communicate(timeout=PATIENCE_S)
        return p.returncode, out
    except subprocess.TimeoutExpired:
        os.killpg(p.pid, signal.SIGKILL)
        out, _ = p.communicate()
        return None, out


def truths(text):
    return [line for line in text.decode(errors="replace").splitlines() if line[:2] in ("T ", "L ", "R ", "N ", "E ", "M ", "P ")]


def told_totals(lines, forks):
    """(size) -> [allocations, releases], as far as heaptrack means to see them."""
    told = collections.defaultdict(lambda: [0, 0])
    for line in lines:
        word, kind, size, *count = line.split()
        if word != "T" or kind in UNSEEN or (forks and int(size) in CHILDREN):
            continue
        released = kind in harness.RELEASES or kind == "realloc-old"
        told[int(size)][released] += int(count[0])
    return told


def heaptrack_totals(paths):
    """(size) -> [allocations, releases] out of its files, one for each program that it follows."""
    got = collections.defaultdict(lambda: [0, 0])
    for path in paths:
        p = subprocess.run(["zstdcat" if path.endswith(".zst") else "zcat", path], capture_output=True)
        count_file(p.stdout, got)
    return got


def count_file(data, got):
    sizes = []
    for line in data.decode(errors="replace").splitlines():
        words = line.split()
        with contextlib.suppress(IndexError, ValueError):
            if words[:1] == ["a"]:
                sizes.append(int(words[1], 16))
            elif words[:1] in (["+"], ["-"]):
                got[sizes[int(words[1], 16)]][words[0] == "-"] += 1


def recorded(folder, told):
    if not told:
        return "as alone; nothing that it records"
    files = [os.path.join(folder, f) for f in os.listdir(folder) if f.startswith("ht")]
    got = heaptrack_totals(files)
    if not files:
        return "nothing recorded"
    wrong = []
    for size, (made, freed) in told.items():
        for what, want, have in (("allocations", made, got[size][0]), ("releases", freed, got[size][1])):
            if want != have:
                wrong.append(f"{have} of {want} {what} of {size} bytes")
    return "exact" if not wrong else "; ".join(wrong[:2]) + (f" and {len(wrong) - 2} more" if len(wrong) > 2 else "")


def theirs(case, folder):
    shutil.rmtree(folder, ignore_errors=True)
    os.mkdir(folder)
    status, out = bounded(["heaptrack", "-o", os.path.join(folder, "ht"), *case.argv], case.env, folder)
    if status is None:
        return "HANGS"
    if status not in (case.status, 128 - case.status):  # a shell's way to tell a signal
        return f"PROGRAM FAILS: status {status}, not {case.status}"
    if case.repeats and truths(out) != truths(case.told.encode()):
        return "PROGRAM CHANGED: prints something else"
    return recorded(folder, told_totals(truths(out), case.forks))


def main():
    p = argparse.ArgumentParser()
    p.add_argument("build")
    p.add_argument("names", nargs="*")
    options = p.parse_args()
    t = harness.Tracker(options.build)
    have = shutil.which("heaptrack")
    counts = collections.Counter()
    print("| program | tracker | heaptrack |\n|---|---|---|")
    try:
        for case in cases(t):
            if options.names and not any(n in case.name for n in options.names):
                continue
            case.status, out = bounded(case.argv, case.env, t.scratch)
            case.told = out.decode(errors="replace")
            mine, other = ours(case), theirs(case, t.file(".heaptrack")) if have else "not installed"
            counts["tracker: " + mine.split(":")[0]] += 1
            kind = next((k for k in ("exact", "as alone", "HANGS", "PROGRAM CHANGED", "PROGRAM FAILS", "nothing recorded") if other.startswith(k)), "wrong")
            counts["heaptrack: " + kind] += 1
            print(f"| {case.name} | {mine} | {other} |", flush=True)
    finally:
        t.close()
    print("\n" + "\n".join(f"{n:5} {what}" for what, n in sorted(counts.items())))


if __name__ == "__main__":
    main()
